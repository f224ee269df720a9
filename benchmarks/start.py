"""Part `start`: an application of 200 routes, 10 blueprints and 5 middleware, in a new interpreter each time.

Time is the CPU time from the first line of the application to its first answer; the framework is imported before.
Memory is the growth of the interpreter's memory from before the import to after that answer.
"""

import json
import os
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.settings import Settings, print_progress

NAMES = ("sanic_star", "starlette", "fastapi", "sanic")

_PROBE = """
import asyncio, json, logging, sys, time
from benchmarks.cases import Case
from benchmarks.contenders import CONTENDERS
from benchmarks.driver import Lifespan, fault
from benchmarks.start import resident_mib

async def main():
    logging.disable(logging.WARNING)
    empty = resident_mib()
    contender = CONTENDERS[sys.argv[1]]
    contender.load("start")
    begin = time.process_time()
    app = contender.make("start.make")
    built = time.process_time()
    lifespan = Lifespan(app)
    await lifespan.startup()
    wrong = await fault(app, Case("first", "/part9/r19/7", "Hello, world!"))
    ready = time.process_time()
    used_mib = resident_mib() - empty
    await lifespan.shutdown()
    if wrong:
        raise SystemExit(wrong)
    print(json.dumps({"build_ms": (built - begin) * 1e3, "ready_ms": (ready - begin) * 1e3, "mib": used_mib}))

asyncio.run(main())
"""


def resident_mib() -> float:
    """Return the resident memory of this process in MiB; without /proc, its maximum so far."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{contender: {"build_ms": …, "ready_ms": …, "share": …, "mib": …}}`, the shares of Sanic's time."""
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES if name in settings.contenders}
    rows: dict[str, Any] = {}
    for turn in range(settings.import_rounds + 1):
        for name in list(rounds):
            try:
                row = _probe(name, settings)
            except subprocess.SubprocessError as error:
                lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
                print_progress(f"  {name}: {lines[-1]}")
                rows[name] = {"error": lines[-1]}
                del rounds[name]
            else:
                if turn:  # the first one writes the byte code
                    rounds[name].append(row)
    base = [row["ready_ms"] for row in rounds.get("sanic", [])]
    for name, rows_of_start in rounds.items():
        rows[name] = {key: median(row[key] for row in rows_of_start) for key in rows_of_start[0]}
        if base:
            rows[name]["share"] = median(
                row["ready_ms"] / sanic for row, sanic in zip(rows_of_start, base, strict=True)
            )
    return rows


def _probe(name: str, settings: Settings) -> dict[str, float]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", _PROBE, name]
    if settings.core is not None:
        command = ["taskset", "-c", str(settings.core), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row
