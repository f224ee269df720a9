"""A request passes few files of the package.

A reader follows a request from file to file, so a *hop*, a call from one file of the package into another, is what
reading costs. The bounds are budgets: a change that needs more has to say why.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import sanic_star
from sanic_star import Request, Sanic, text
from tests.engine.raw import Life, Peer, ask, http_scope, websocket_scope

HOME = f"{Path(sanic_star.__file__).parent}/"


class CallTrace:
    """The calls into the package, and the files that they lead through."""

    def __init__(self) -> None:
        self.calls = 0
        self.files: list[str] = []

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(HOME):
            self.calls += 1
            if self.files[-1:] != [path]:
                self.files.append(path)

    @property
    def hops(self) -> int:
        return max(len(self.files) - 1, 0)


@contextmanager
def followed() -> Iterator[CallTrace]:
    """Count the calls that are made in the block, in new threads too; none is the collector's."""
    trace = CallTrace()
    before = sys.getprofile(), threading.getprofile()
    gc.collect()
    gc.disable()
    threading.setprofile(trace.note)
    sys.setprofile(trace.note)
    try:
        yield trace
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])
        gc.enable()


def application() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Hops")

    @app.get("/")
    async def plain(request: Request) -> Any:
        return text("plain")

    @app.get("/failing")
    async def failing(request: Request) -> Any:
        raise ValueError

    @app.websocket("/echo")
    async def echo(request: Request, ws: Any) -> None:
        await ws.send(await ws.recv())

    return app


class Speaker(Peer):
    """The server's side of a websocket: sends one text, and hangs up when everything is read."""

    def __init__(self) -> None:
        super().__init__()
        self.messages = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hello"}]

    async def receive(self) -> Any:
        if self.messages:
            return self.messages.pop(0)
        await self.until(2)
        return {"type": "websocket.disconnect", "code": 1000}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leave the log out: it is Python's own way, not the package's."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("path", "status", "calls", "hops"),
    [("/", 200, 3, 2), ("/nothing", 404, 40, 32), ("/failing", 500, 60, 32)],
)
async def test_requests(path: str, status: int, calls: int, hops: int) -> None:
    app = application()
    async with Life(app):
        with suppress(ValueError):
            await ask(app, http_scope(path))  # what is made on first use does not count
        peer = Peer()
        with followed() as trace, suppress(ValueError):
            await app(http_scope(path), peer.receive, peer.send)
        assert peer.status == status
        assert (trace.calls <= calls, trace.hops <= hops) == (True, True), (trace.calls, trace.files)


async def test_a_websocket_that_echoes_once() -> None:
    app = application()
    async with Life(app):
        for _ in range(2):
            peer = Speaker()
            with followed() as trace:
                await app(websocket_scope("/echo"), peer.receive, peer.send)
            assert [message.get("text") for message in peer.sent][1:2] == ["hello"]
        assert trace.hops <= 14, trace.files


async def test_the_start() -> None:
    app = application()
    with followed() as trace:
        life = Life(app)
        await life.__aenter__()
    await life.__aexit__(None, None, None)
    assert trace.hops <= 67, trace.files


def hops_of_the_test_client() -> int:
    app = application()
    app.test_client.get("/")
    with followed() as trace:
        _, response = app.test_client.get("/")
    assert response.status == 200
    return trace.hops


def test_the_test_client() -> None:
    # In a process of its own, and without coverage's handler of SIGTERM: signal handlers lengthen the way.
    program = "from tests.project.test_hops import hops_of_the_test_client; print(hops_of_the_test_client())"
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert int(done.stdout) <= 98


def test_calls_are_counted() -> None:
    with followed() as trace:
        asyncio.run(ask(application(), http_scope("/")))
    assert trace.calls > 3
    assert trace.hops > 2
