"""Part 5: what one more middleware costs a request.

Sanic's two kinds, here and in Sanic itself, and Starlette's BaseHTTPMiddleware. None of them does anything. The cost of one is the slope between none and ten, taken round by round.
"""

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.cases import CASES
from benchmarks.settings import Settings, say
from benchmarks.worker import Worker, WorkerError

COUNTS = (0, 1, 5, 10)
KINDS = {"sanic_star": ("request", "response"), "sanic": ("request", "response"), "starlette": ("BaseHTTPMiddleware",)}


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{contender: {kind: {"us": {count: …}, "each_us": …}}}`."""
    rows: dict[str, Any] = {}
    case = CASES["text"]
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in [name for name in KINDS if name in settings.contenders]:
            worker = stack.enter_context(Worker(name, settings.core))
            try:
                for kind in KINDS[name]:
                    for count in COUNTS:
                        worker.build(f"{kind} {count}", "middleware", (kind, count), case)
                        worker.round(f"{kind} {count}", case, settings.requests // 2)
            except WorkerError as error:
                say(f"  {error}")
                rows[name] = {"error": str(error)}
            else:
                workers[name] = worker
        for name in workers:
            rows[name] = {kind: {str(count): [] for count in COUNTS} for kind in KINDS[name]}
        for _ in range(settings.rounds):
            for name, worker in workers.items():
                for kind in KINDS[name]:
                    for count in COUNTS:
                        value = worker.round(f"{kind} {count}", case, settings.requests // 2)
                        rows[name][kind][str(count)].append(value)
    for name in workers:
        rows[name] = {kind: _summary(times) for kind, times in rows[name].items()}
    return rows


def _summary(times: dict[str, list[float]]) -> dict[str, Any]:
    least, most = str(COUNTS[0]), str(COUNTS[-1])
    slopes = [(full - bare) / COUNTS[-1] for bare, full in zip(times[least], times[most], strict=True)]
    return {"us": {count: median(values) for count, values in times.items()}, "each_us": median(slopes)}
