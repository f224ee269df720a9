"""The time of a test, `app.test_client.get` on a new application, compared with Sanic and `sanic_testing`.

Each framework runs in its own process. The time is wall time, not CPU time: `sanic_testing` starts a server for each
test, and a test waits for it. Sanic runs a tenth of the tests, which are all alike, or a run would take minutes.
"""

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.contenders import OURS
from benchmarks.settings import Settings, print_progress

# sanic-ext, if it is installed, would extend each application and make it slower still.
_SOURCES = {OURS: "from sanic_star import Sanic, text", "sanic": "from sanic import Sanic, text"}

_PROBE = """
import json, logging, sys, time, warnings
warnings.simplefilter("ignore")
{imports}

def test(number):
    app = Sanic(f"App{{number}}", configure_logging=False)
    app.config.AUTO_EXTEND = False

    @app.get("/")
    async def hello(request):
        return text("Hello")

    request, response = app.test_client.get("/")
    assert (response.status, response.text, request.path) == (200, "Hello", "/")

Sanic.test_mode = True
logging.disable()
test(0)
begin = time.perf_counter()
for number in range({count}):
    test(number + 1)
print(json.dumps(time.perf_counter() - begin))
"""


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{name: {"tests": …, "ms": …, "share": …}}`: how many tests, the time of one, its share of Sanic's."""
    rows: dict[str, Any] = {}
    for name in (name for name in _SOURCES if name in settings.contenders):
        count = settings.tests if name == OURS else settings.tests // 10
        try:
            rows[name] = {"tests": count, "ms": _run(name, count, settings) / count * 1e3}
        except subprocess.SubprocessError as error:
            lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            print_progress(f"  {name}: {lines[-1]}")
            rows[name] = {"error": lines[-1]}
    if all("ms" in rows.get(name, {}) for name in _SOURCES):
        rows[OURS]["share"] = rows[OURS]["ms"] / rows["sanic"]["ms"]
    return rows


def _run(name: str, count: int, settings: Settings) -> float:
    command = [sys.executable, "-c", _PROBE.format(imports=_SOURCES[name], count=count)]
    if settings.core is not None:
        command = ["taskset", "-c", str(settings.core), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ), timeout=600)
    seconds: float = json.loads(done.stdout.splitlines()[-1])
    return seconds
