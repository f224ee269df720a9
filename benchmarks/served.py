"""Part `served`: the requests of `real` over a socket, by the server's CPU time per request.

The applications run on uvicorn, sanic_star by `app.run` too, and Sanic also on its own server, to which the others are
compared. wrk builds each request with a program that puts a new number into it.
"""

from contextlib import ExitStack
from typing import Any

from benchmarks.blocks import measure_blocks
from benchmarks.real import NAMES
from benchmarks.real_requests import REAL_CASES
from benchmarks.settings import Settings, print_progress
from benchmarks.wrk import LoadError, Server, need_wrk, serve

REFERENCE = "sanic_server"


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"cpu_us": …, "share": …, "rounds": […]}}}`."""
    need_wrk("served")
    failed: dict[str, Any] = {}
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in [name for name in (*NAMES, "sanic_star_run", REFERENCE) if name in settings.contenders]:
            try:
                servers[name] = stack.enter_context(serve(name, settings, ("real.make",), REAL_CASES["real_get"]))
            except LoadError as error:
                print_progress(f"  {name}: {error}")
                failed[name] = {"error": str(error)}
        measured = measure_blocks(servers, list(REAL_CASES.values()), settings, REFERENCE, settings.block_rounds)
    return {case: failed | rows for case, rows in measured.items()}
