"""Part `real`: realistic handlers, without a server: a browser's request, through middleware, to a blueprint's handler.

The applications are in `apps/real`, the requests in `real_requests`. No request comes twice; the requests of a round
are made before it is timed. A round is short, so that its requests stay in the cache of the processor.
"""

from typing import Any

from benchmarks.inprocess import measure_cases
from benchmarks.real_requests import REAL_CASES
from benchmarks.settings import Settings

NAMES = ("raw", "sanic_star", "starlette", "fastapi", "falcon", "blacksheep", "litestar", "quart", "sanic")


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`."""
    counts = dict.fromkeys(REAL_CASES.values(), settings.requests // 6)
    return measure_cases([name for name in NAMES if name in settings.contenders], "real.make", counts, settings)
