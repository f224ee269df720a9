"""The fixture that serves an application on Sanic and here, and the record of the tests."""

from __future__ import annotations

import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ecosystem import is_wanted
from tests.ecosystem.serve import HOWS
from tests.engine.processes import Process

# The project's own tests are run in its folder.
collect_ignore = ["library/project"]
collect_ignore_glob = [] if is_wanted() else ["test_*.py", "asgi/test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fails_on_sanic(reason): the package does not do this on Sanic itself")


Serve = Callable[[str], Process]


@pytest.fixture(params=HOWS)
def how(request: pytest.FixtureRequest) -> str:
    """Where the application runs: on `sanic`, `here` by `app.run`, or here under `uvicorn`."""
    return str(request.param)


@pytest.fixture
def serve(how: str, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that serves the `app` of a source until the test ends."""
    processes: list[Process] = []

    def start(source: str) -> Process:
        name = f"served{len(processes)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        process = Process((sys.executable, "-m", "tests.ecosystem.serve", how, name), tmp_path)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.popen.poll() is None:
            # A regular end of the control is not tested here, and may take a minute.
            process.terminate(signal.SIGKILL if how == "sanic" else signal.SIGTERM)


@pytest.fixture(autouse=True)
def control(request: pytest.FixtureRequest) -> None:
    """Expect the control to fail where the test is marked `fails_on_sanic(reason)`."""
    mark = request.node.get_closest_marker("fails_on_sanic")
    if mark and getattr(request.node, "callspec", None) and request.node.callspec.params.get("how") == "sanic":
        request.applymarker(pytest.mark.xfail(reason=mark.args[0], strict=True))
