"""Part `database`: TechEmpower's six tests on SQLite, and on PostgreSQL where it is installed, by CPU time per request.

The CPU time is that of the server's process, with aiosqlite's thread. PostgreSQL runs on the load generator's core.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import postgres
from benchmarks.apps.database.store import fill
from benchmarks.blocks import measure_blocks
from benchmarks.database_cases import WITHOUT_DATABASE, cases
from benchmarks.settings import Settings, print_progress
from benchmarks.wrk import LoadError, Server, need_wrk, serve

NAMES = ("sanic_star", "sanic_star_run", "starlette", "fastapi", "sanic_server")
REFERENCE = "sanic_server"


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{database: {case: {contender: {"cpu_us": …, "share": …}}}}`; `{database: {"error": …}}` without one."""
    need_wrk("database")
    result: dict[str, Any] = {}
    with _sqlite() as url:
        result["SQLite"] = _measure(url, True, settings)
    if not (programs := postgres.programs()):
        print_progress("  PostgreSQL is not installed: its tests are left out")
        return result | {"PostgreSQL": {"error": "not installed"}}
    try:
        with postgres.cluster(programs, settings.load_core) as url:
            result["PostgreSQL"] = _measure(url, False, settings)
    except RuntimeError as error:
        print_progress(f"  PostgreSQL: {error}")
        result["PostgreSQL"] = {"error": str(error)}
    return result


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sqlite-") as folder:
        yield f"sqlite:///{os.path.join(folder, 'bench.db')}"


def _measure(url: str, with_all: bool, settings: Settings) -> dict[str, Any]:
    """Measure the six tests, or only those that need the database: the other two are the same on each database."""
    asyncio.run(fill(url))
    failed: dict[str, Any] = {}
    tests = [case for case in cases(url) if with_all or case.name not in WITHOUT_DATABASE]
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in [name for name in NAMES if name in settings.contenders]:
            try:
                servers[name] = stack.enter_context(serve(name, settings, ("database.make", url), tests[0]))
            except LoadError as error:
                print_progress(f"  {name}: {error}")
                failed[name] = {"error": str(error)}
        measured = measure_blocks(servers, tests, settings, REFERENCE, settings.database_rounds)
    return {case: failed | rows for case, rows in measured.items()}
