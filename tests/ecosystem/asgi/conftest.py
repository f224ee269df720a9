"""Which application a test gets, and how it is served."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ecosystem.asgi.sites import HOWS
from tests.engine.processes import UVICORN, Process

Serve = Callable[[str], Process]


@pytest.fixture(params=HOWS)
def how(request: pytest.FixtureRequest) -> str:
    """Whether the application is written with `starlette`, the control, or with this package: `here`."""
    return str(request.param)


@pytest.fixture(params=["constructor", "add_middleware"])
def by(request: pytest.FixtureRequest) -> str:
    """The way of adding middleware."""
    return str(request.param)


@pytest.fixture
def serve(how: str, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that serves the `app` of a source under uvicorn until the test ends; it may read `HOW`."""
    processes: list[Process] = []

    def start(source: str) -> Process:
        (tmp_path / "served.py").write_text(f"HOW = {how!r}\n{textwrap.dedent(source)}")
        process = Process((*UVICORN, "--timeout-graceful-shutdown", "5", "served:app"), tmp_path)
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.popen.poll() is None:
            process.terminate()
