"""Errors, in µs per request, without a server: no route, the wrong method, exceptions with and without a handler.

The client accepts anything, and handlers are coroutine functions. The loggers of both sides are off, except in the
last case: there each side logs the traceback once; for Starlette, uvicorn does that.
"""

from typing import Any

from benchmarks.cases import ERROR_CASES
from benchmarks.inprocess import measure_cases
from benchmarks.settings import Settings

NAMES = ("sanic_star", "starlette", "sanic")


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`."""
    counts = dict.fromkeys(ERROR_CASES.values(), max(1, settings.requests // 4))
    return measure_cases([name for name in NAMES if name in settings.contenders], "errors", counts, settings)
