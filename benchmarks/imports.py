"""The CPU time and memory of `import X`, in a new interpreter each time.

`import sanic_star` is compared with the import of its dependencies: Starlette's own modules, msgspec and multidict.
"""

import os
import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.settings import Settings, print_progress

_STARLETTE = """
    applications authentication background concurrency convertors datastructures endpoints exceptions formparsers
    middleware middleware.base middleware.errors middleware.exceptions requests responses routing staticfiles status
    types websockets
"""
YARDSTICK = "yardstick"

STATEMENTS = {
    "nothing": "pass",
    YARDSTICK: "import msgspec, multidict, " + ", ".join(f"starlette.{name}" for name in _STARLETTE.split()),
    "sanic_star": "import sanic_star",
    "starlette": "import starlette.applications",
    "fastapi": "import fastapi",
    "falcon": "import falcon.asgi",
    "blacksheep": "import blacksheep",
    "sanic": "import sanic",
}

# Resident memory comes from /proc; systems without it report the peak.
_PROBE = """
import time
begin = time.process_time()
{statement}
taken = time.process_time() - begin
try:
    with open("/proc/self/statm") as file:
        import os
        memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
except OSError:
    import resource
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(taken * 1e3, memory / 2**20)
"""


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{name: {"ms": …, "mib": …, "share": …}}`: share of the yardstick, memory beyond Python's own."""
    rows: dict[str, Any] = {}
    times: dict[str, list[tuple[float, float]]] = {}
    # Only the selected frameworks, and always "nothing" and the yardstick.
    for name in [name for name in STATEMENTS if name in ("nothing", YARDSTICK) or name in settings.contenders]:
        try:
            _probe(name, settings)  # writes the byte code; the next ones read it
            times[name] = []
        except subprocess.CalledProcessError as error:
            message = error.stderr.strip().splitlines()[-1:] or ["failed"]
            print_progress(f"  {name}: {message[0]}")
            rows[name] = {"error": message[0]}
    for _ in range(settings.import_rounds):
        for name in times:
            times[name].append(_probe(name, settings))
    idle = median(memory for _, memory in times["nothing"])
    base = [taken for taken, _ in times[YARDSTICK]]
    for name in list(times)[1:]:
        taken = [seconds for seconds, _ in times[name]]
        rows[name] = {
            "ms": median(taken),
            "mib": median(memory for _, memory in times[name]) - idle,
            "share": median(value / base_value for value, base_value in zip(taken, base, strict=True)),
        }
    return rows


def _probe(name: str, settings: Settings) -> tuple[float, float]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", _PROBE.format(statement=STATEMENTS[name])]
    if settings.core is not None:
        command = ["taskset", "-c", str(settings.core), *command]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60).stdout
    taken, memory = output.split()
    return float(taken), float(memory)
