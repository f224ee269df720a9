"""Parts of an application that only tools and unusual applications use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Request, Sanic, text
from sanic_star.compat.exceptions import NotFound


def scope(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "scheme": "http"}


class Peer:
    """Accepts all messages; provides an empty body."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


async def test_a_request_is_answered_by_hand() -> None:
    app, peer = Sanic("byhand"), Peer()

    @app.get("/<name>")
    async def hello(request: Request, name: str) -> Any:
        return text(name)

    await app.handle_request(Request(scope("/you"), peer.receive, peer.send))
    assert peer.sent[1]["body"] == b"you"


@pytest.mark.parametrize("run_middleware", [True, False])
async def test_an_exception_is_answered_by_hand(run_middleware: bool) -> None:
    app, peer = Sanic("byhand"), Peer()
    seen: list[str] = []

    @app.on_response
    async def after(request: Request, response: Any) -> None:
        seen.append("after")

    @app.get("/")
    async def byhand(request: Request) -> Any:
        await app.handle_exception(request, NotFound("gone"), run_middleware)
        return None

    request = Request({**scope("/"), "app": app}, peer.receive, peer.send)
    app.finalize()
    await app.handle_exception(request, NotFound("gone"), run_middleware)
    assert peer.sent[0]["status"] == 404
    assert seen == ["after"] * run_middleware


async def test_an_exception_after_the_response_gets_no_response() -> None:
    app, peer = Sanic("late"), Peer()
    request = Request({**scope("/"), "app": app}, peer.receive, peer.send)
    request.responded = True
    await app.handle_exception(request, NotFound("gone"))
    assert peer.sent == []


def test_the_description_of_an_application() -> None:
    app = Sanic("itself")
    assert app.asgi
    assert not app.websocket_enabled
    app.add_websocket_route(lambda request, ws: None, "/ws")
    assert app.websocket_enabled
    assert (app.auto_reload, app.reload_dirs, app.sock) == (False, set(), None)
    app.auto_reload = True
    assert app.config.AUTO_RELOAD
    assert app.state.auto_reload
    app.config.MOTD = False
    app.prepare(port=0, auto_reload=True, reload_dir="/tmp")
    assert app.reload_dirs == {Path("/tmp")}


def test_the_message_of_the_day(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("today")
    caplog.set_level(logging.INFO)
    app.motd({"host": "::1", "port": 7, "protocol": "ignored"})
    assert "http://[::1]:7" in caplog.text
    caplog.clear()
    app.config.MOTD = False
    app.motd()
    assert not caplog.records
    app.prepare(port=8)
    app.config.MOTD = True
    app.motd()
    assert ":8" in caplog.text
