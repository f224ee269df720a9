"""The setups in which the library is served: on Sanic, and on this package."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.engine.processes import TIMEOUT_S, Process, free_port

PROJECT = Path(__file__).parent / "project"
PYTHON = sys.executable
# The packages of the project import `sanic`, also where the project itself imports sanic_star.
ALIAS = "from sanic_star.compat import install; install()\n"
CONTROL = "Sanic"
CONTROL_OF_TWO = "Sanic, 2 workers"
UNCHANGED, CHANGED = "unchanged", "changed"
_SANIC = ("-m", "sanic", "server:app", "--no-access-logs")
_STAR = ("-m", "sanic_star", "server:app")
_TWO = ("--workers", "2")
# The folder of a setup, and its command.
SETUPS = {
    CONTROL: (UNCHANGED, _SANIC),
    CONTROL_OF_TWO: (UNCHANGED, (*_SANIC, *_TWO)),
    "sanic-star": (UNCHANGED, _STAR),
    "sanic-star, 2 workers": (UNCHANGED, (*_STAR, *_TWO)),
    "uvicorn": (UNCHANGED, ("-m", "sanic_star.compat", "-m", "uvicorn", "server:app")),
    "changed imports, sanic-star": (CHANGED, _STAR),
    "changed imports, sanic-star, 2 workers": (CHANGED, (*_STAR, *_TWO)),
    "changed imports, uvicorn": (CHANGED, ("-m", "uvicorn", "server:app")),
}
OUR_SETUPS = [setup for setup in SETUPS if not setup.startswith("Sanic")]


def unpack(folder: Path) -> None:
    """Write the project into two folders: unmodified, and with changed imports."""
    for name in (UNCHANGED, CHANGED):
        (folder / name).mkdir()
    for path in PROJECT.glob("*.py"):
        source = path.read_text()
        (folder / UNCHANGED / path.name).write_text(source)
        (folder / CHANGED / path.name).write_text((ALIAS if path.stem == "server" else "") + changed(source))


def changed(source: str) -> str:
    """Return a source with its imports changed, as `sed` does it."""
    for before, after in (
        (r"from sanic\.", "from sanic_star.compat."),
        ("from sanic ", "from sanic_star "),
        (r"from sanic_testing\.", "from sanic_star.testing."),
    ):
        source = re.sub(f"^{before}", after, source, flags=re.MULTILINE)
    return source


def settings(folder: Path) -> dict[str, str]:
    """Return the environment variables of a run whose files are in a folder."""
    return {
        "LIBRARY_BOOKS": str(folder / "books.db"),
        "LIBRARY_EVENTS": str(folder / "events.jsonl"),
        "LIBRARY_PORT": str(free_port()),
    }


def events(folder: Path) -> list[dict[str, Any]]:
    """Return the events that a run with its files in `folder` sent to Sentry."""
    path = folder / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(frozen=True)
class Served:
    """A running server of the library.

    Attributes:
        process: its main process.
        base: the URL of its root.
        folder: the folder of its database and its events.
    """

    process: Process
    base: str
    folder: Path

    def events(self) -> list[dict[str, Any]]:
        """Return the events sent to Sentry so far, without those of the requests to `/ready`."""
        return [event for event in events(self.folder) if event["path"] != "ready"]


@contextlib.contextmanager
def served(folder: Path, setup: str) -> Iterator[Served]:
    """Serve the library until the block ends.

    Args:
        folder: a new folder next to those of `unpack`.
        setup: one of `SETUPS`.
    """
    project, command = SETUPS[setup]
    variables = settings(folder)
    port = variables["LIBRARY_PORT"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        process = Process(
            (PYTHON, *command, "--host", "127.0.0.1", "--port", port),
            folder.parent / project,
            own_session=setup.startswith("Sanic"),
        )
    served = Served(process, f"http://127.0.0.1:{port}", folder)
    try:
        deadline = time.monotonic() + 4 * TIMEOUT_S  # two workers, each with all of these imports
        while not _answers(served.base):
            assert process.popen.poll() is None, f"the process has ended; the log says:\n{process.log}"
            assert time.monotonic() < deadline, f"timed out; the log says:\n{process.log}"
            time.sleep(0.1)
        yield served
    finally:
        if process.popen.poll() is None:
            _end(process, setup)


def _answers(base: str) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{base}/ready", timeout=TIMEOUT_S).ok
    return False


def _end(process: Process, setup: str) -> None:
    if setup.startswith("Sanic"):
        # Tortoise opens its database in the main process, too, and does not close it. Its thread keeps Sanic's main
        # process from ending.
        os.killpg(process.popen.pid, signal.SIGKILL)
        process.wait_for_end()
    else:
        process.terminate()
