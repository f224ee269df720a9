"""The cost of one more middleware per request.

Sanic's two kinds, here and in Sanic itself, and Starlette's BaseHTTPMiddleware. The middleware do nothing. The cost
of one is the difference between ten and none, divided by ten, in each round.
"""

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.cases import CASES
from benchmarks.settings import Settings, print_progress
from benchmarks.worker import Worker, WorkerError

COUNTS = (0, 1, 5, 10)
KINDS = {"sanic_star": ("request", "response"), "sanic": ("request", "response"), "starlette": ("BaseHTTPMiddleware",)}


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{contender: {kind: {"us": {count: …}, "each_us": …}}}`."""
    rows: dict[str, Any] = {}
    workers: dict[tuple[str, str, int], Worker] = {}
    with ExitStack() as stack:
        for name in [name for name in KINDS if name in settings.contenders]:
            try:
                for kind in KINDS[name]:
                    for count in COUNTS:  # a process each: Sanic can't start two ASGI apps in one
                        worker = stack.enter_context(Worker(name, settings.core))
                        worker.build("app", "middleware", (kind, count), CASES["text"])
                        worker.round("app", CASES["text"], settings.requests)
                        workers[name, kind, count] = worker
            except WorkerError as error:
                print_progress(f"  {error}")
                rows[name] = {"error": str(error)}
        times: dict[tuple[str, str, int], list[float]] = {key: [] for key in workers if key[0] not in rows}
        for _ in range(settings.rounds):
            for key, values in times.items():
                values.append(workers[key].round("app", CASES["text"], settings.requests // 2))
    for name, kind, _ in times:
        per_count = {count: times[name, kind, count] for count in COUNTS}
        rows.setdefault(name, {})[kind] = _summary(per_count)
    return rows


def _summary(times: dict[int, list[float]]) -> dict[str, Any]:
    max_count = COUNTS[-1]
    slopes = [(full - bare) / max_count for bare, full in zip(times[COUNTS[0]], times[max_count], strict=True)]
    return {"us": {str(count): median(values) for count, values in times.items()}, "each_us": median(slopes)}
