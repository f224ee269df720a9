"""Parts `templates` and `streams`: pages of templates, and streams, in µs per request, without a server.

Streams arrive in pieces of 64 KiB, and every handler reads all of them.
"""

from collections.abc import Mapping
from typing import Any

from benchmarks.cases import PAGE_CASES, STREAM_CASES, Case
from benchmarks.inprocess import measure_cases
from benchmarks.settings import Settings

NAMES = ("sanic_star", "starlette", "sanic")
IMPOSSIBLE = {
    # Sanic cannot send a response of Starlette's.
    ("page_starlette", "sanic"),
    # Starlette's StreamingResponse waits for the disconnect, and so takes chunks of the body from the reading handler.
    ("stream_both", "starlette"),
}
# Requests a round, so that it takes some tens of milliseconds.
_STREAMED = {"stream_out": 60, "stream_in": 60, "stream_both": 100}


def measure_templates(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`."""
    return _measure("handlers.pages", dict.fromkeys(PAGE_CASES.values(), settings.requests // 20), settings)


def measure_streams(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`."""
    return _measure("handlers.streams", {case: _STREAMED[name] for name, case in STREAM_CASES.items()}, settings)


def _measure(factory: str, counts: Mapping[Case, int], settings: Settings) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for case, count in counts.items():
        names = [name for name in NAMES if name in settings.contenders and (case.name, name) not in IMPOSSIBLE]
        result |= measure_cases(names, factory, {case: count}, settings)
    return result
