"""Part `large`: 10 MB of JSON in and out, thousands of form fields, header fields, cookies, without a server.

Each request is measured in full size and in half, in turn in the same rounds: a budget requires that twice the size
takes about twice the time.
"""

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.contenders import REFERENCE
from benchmarks.inprocess import summary
from benchmarks.large_cases import LARGE, LARGE_CASES
from benchmarks.settings import Settings, print_progress
from benchmarks.worker import Worker, WorkerError

NAMES = ("sanic_star", "starlette", "sanic")
# Requests a round, so that it takes some tens of milliseconds.
COUNTS = {"large_in": 1, "large_out": 1, "large_form": 8, "large_headers": 100, "large_cookies": 500}


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "growth": …}}}`; growth is by the time of half the size."""
    return {case: _measure_case(case, settings) for case in LARGE}


def _measure_case(name: str, settings: Settings) -> dict[str, Any]:
    both = LARGE_CASES[name], LARGE_CASES[f"{name}_half"]
    rows: dict[str, Any] = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for contender in [contender for contender in NAMES if contender in settings.contenders]:
            worker = stack.enter_context(Worker(contender, settings.core))
            try:
                worker.build("app", "handlers.large", (), both[0])
                worker.call("check", "app", both[1])
                for case in both:
                    worker.round("app", case, COUNTS[name])
            except WorkerError as error:
                print_progress(f"  {error}")
                rows[contender] = {"error": str(error)}
            else:
                workers[contender] = worker
        rounds: dict[str, list[list[float]]] = {contender: [] for contender in workers}
        for _ in range(settings.table_rounds):
            for contender, worker in workers.items():
                rounds[contender].append([worker.round("app", case, COUNTS[name]) for case in both])
    base = [whole for whole, _ in rounds.get(REFERENCE, [])] or None
    for contender, pairs in rounds.items():
        rows[contender] = summary([whole for whole, _ in pairs], base)
        rows[contender]["growth"] = median(whole / half for whole, half in pairs)
    return rows
