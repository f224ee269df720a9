"""The cost of middleware and mounts, each compared with the same construction in Starlette, in one run.

A row is one kind of `apps.nested`: a process for each side, in turn; the share is the median of the rounds.
"""

from contextlib import ExitStack
from typing import Any

from benchmarks.apps.nested import KINDS
from benchmarks.cases import Case
from benchmarks.contenders import OURS, REFERENCE
from benchmarks.inprocess import summary
from benchmarks.settings import Settings, print_progress
from benchmarks.worker import Worker, WorkerError


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{kind: {contender: {"us": …, "share": …, "spread": …}}}`."""
    names = [name for name in (OURS, REFERENCE) if name in settings.contenders]
    count = max(1, settings.requests // 4)
    rows: dict[str, Any] = {}
    for kind, (path, _) in KINDS.items():
        try:
            rows[kind] = _row(kind, Case(kind, path, "Hello, world!"), names, count, settings)
        except WorkerError as error:
            print_progress(f"  {error}")
            rows[kind] = {name: {"error": str(error)} for name in names}
    return rows


def _row(kind: str, case: Case, names: list[str], count: int, settings: Settings) -> dict[str, Any]:
    rounds: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, settings.core)) for name in names}
        for worker in workers.values():
            worker.build("app", "overhead", (kind,), case)
            worker.round("app", case, count)  # warm up
        # Each round runs once in this order and once in the reverse order.
        for number in range(settings.rounds * 2):
            for name in names if number % 2 else reversed(names):
                rounds[name].append(workers[name].round("app", case, count))
    return {name: summary(values, rounds.get(REFERENCE)) for name, values in rounds.items()}
