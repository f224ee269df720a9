"""The setups in which the shop is served: on Sanic, and on this package."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, Process

PROJECT = Path(__file__).parent / "project"
PYTHON = sys.executable
ALIAS = "from sanic_star.compat import install; install()\n"
UVICORN = (PYTHON, "-m", "uvicorn", "--host", "127.0.0.1", "--port")
HYPERCORN = (PYTHON, "-m", "hypercorn", "--bind")
COMMAND = (PYTHON, "-m", "sanic_star", "shop:app", "--port")
# Sanic's manager may kill its process group, which would be that of the tests.
OWN_GROUP = (PYTHON, "-c", "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])")


def free_port() -> int:
    """Return a port that was free a moment ago; real Sanic with workers takes no port 0."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def setups(port: int) -> dict[str, tuple[tuple[str, ...], dict[str, str]]]:
    """Return the command and the environment of each setup.

    The files are those that `unpack` writes.

    Args:
        port: the port to listen on.
    """
    run = {"SHOP_PORT": str(port)}
    return {
        "Sanic": ((PYTHON, "shop.py"), run),
        "Sanic, handler.before": ((PYTHON, "shop.py"), run | {"SHOP_INJECTION_SIGNAL": "http.handler.before"}),
        "app.run": ((PYTHON, "-m", "sanic_star.compat", "shop.py"), run),
        "app.run, handler.before": (
            (PYTHON, "-m", "sanic_star.compat", "shop.py"),
            run | {"SHOP_INJECTION_SIGNAL": "http.handler.before"},
        ),
        "app.run, 2 workers": ((PYTHON, "-m", "sanic_star.compat", "shop.py"), run | {"SHOP_WORKERS": "2"}),
        "app.run, dev": ((PYTHON, "-m", "sanic_star.compat", "shop.py"), run | {"SHOP_DEV": "1"}),
        "sanic-star": ((*COMMAND, str(port)), {}),
        "sanic-star, 2 workers": ((*COMMAND, str(port), "--workers", "2"), {}),
        "sanic-star, dev": ((*COMMAND, str(port), "--dev"), {}),
        "uvicorn": ((*UVICORN, str(port), "aliased:app"), {}),
        "hypercorn": ((*HYPERCORN, f"127.0.0.1:{port}", "aliased:app"), {}),
        "changed imports, app.run": ((PYTHON, "changed.py"), run),
        "changed imports, app.run, 2 workers": ((PYTHON, "changed.py"), run | {"SHOP_WORKERS": "2"}),
        "changed imports, sanic-star": ((PYTHON, "-m", "sanic_star", "changed:app", "--port", str(port)), {}),
        "changed imports, uvicorn": ((*UVICORN, str(port), "changed:app"), {}),
        "changed imports, hypercorn": ((*HYPERCORN, f"127.0.0.1:{port}", "changed:app"), {}),
    }


def unpack(folder: Path) -> None:
    """Write the project into a folder: unmodified, with the alias, and with changed imports."""
    source = (PROJECT / "shop.py").read_text()
    shutil.copytree(PROJECT / "templates", folder / "templates")
    (folder / "shop.py").write_text(source)
    (folder / "aliased.py").write_text(f"{ALIAS}from shop import app\n")
    shutil.copy(PROJECT / "variants.py", folder)
    (folder / "changed.py").write_text(changed(source))


def changed(source: str) -> str:
    """Return a source with its imports changed, as `sed` does it."""
    for before, after in (
        ("from sanic_ext", "from sanic_star.ext"),
        (r"from sanic\.", "from sanic_star.compat."),
        ("from sanic ", "from sanic_star "),
    ):
        source = re.sub(f"^{before}", after, source, flags=re.MULTILINE)
    return source


@contextlib.contextmanager
def served(folder: Path, command: tuple[str, ...], port: int, env: dict[str, str]) -> Iterator[tuple[Process, str]]:
    """Serve the shop until the block ends."""
    base = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SANIC_AUTO_EXTEND", raising=False)
        for name, value in env.items():
            patch.setenv(name, value)
        process = Process(command, folder)
    try:
        deadline = time.monotonic() + 4 * TIMEOUT_S  # two workers, each with all of these imports
        while not _answers(base):
            assert process.popen.poll() is None, f"the process has ended; the log says:\n{process.log}"
            assert time.monotonic() < deadline, f"timed out; the log says:\n{process.log}"
            time.sleep(0.1)
        yield process, base
    finally:
        process.terminate()


def _answers(base: str) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{base}/greeting", timeout=TIMEOUT_S).ok
    return False
