"""Forms, in µs per request, without a server: ten fields, and files of 1 MB and of 100 MB that arrive in pieces.

Every handler reads the whole file. Where a framework keeps it until then (in memory, or on disk) is part of its cost.
"""

from typing import Any

from benchmarks.cases import FORM_CASES
from benchmarks.inprocess import measure_cases
from benchmarks.settings import Settings

NAMES = ("sanic_star", "starlette", "sanic")
# A round sends this many bytes, which takes about as long as three thousand short requests.
PER_ROUND = 50_000_000


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`."""
    counts = {
        case: max(1, min(settings.requests, PER_ROUND // case.file)) if case.file else settings.requests
        for case in FORM_CASES.values()
    }
    return measure_cases([name for name in NAMES if name in settings.contenders], "forms", counts, settings)
