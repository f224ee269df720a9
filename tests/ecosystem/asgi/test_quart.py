"""Quart: mounted, with its start and stop functions, a websocket, a stream and a session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, ResponseReturnValue, redirect, request, session, url_for, websocket
from starlette.testclient import TestClient

from tests.ecosystem.asgi.sites import client, site


def quart(events: list[str]) -> Quart:
    """Return an application that notes its start and its stop."""
    app = Quart(__name__)
    app.secret_key = "secret"

    @app.before_serving
    async def start() -> None:
        events.append("started")

    @app.after_serving
    async def stop() -> None:
        events.append("stopped")

    @app.post("/echo/<int:number>")
    async def echo(number: int) -> Any:
        session["count"] = session.get("count", 0) + 1
        return {"number": number, "body": await request.get_json(), "count": session["count"]}

    @app.get("/away")
    async def away() -> Any:
        return redirect(url_for("echo", number=1))

    @app.get("/stream")
    async def stream() -> ResponseReturnValue:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b"x" * 1000

        return parts(), 200, {"content-type": "text/plain"}

    @app.websocket("/talk")
    async def talk() -> None:
        await websocket.send((await websocket.receive()).upper())

    return app


async def test_mounted(how: str) -> None:
    """JSON, a session, URLs with the prefix, a stream, and 400, 404 and 405; its start and stop functions run."""
    events: list[str] = []
    app = site(how, mounts=False)
    app.mount("/quart", quart(events))
    async with client(app) as asking:
        assert events == (["started"] if how == "here" else [])
        for count in (1, 2):
            answer = await asking.post("/quart/echo/7", json=["ü"])
            assert answer.json() == {"number": 7, "body": ["ü"], "count": count}
        assert (await asking.get("/quart/away")).headers["location"] == "/quart/echo/1"
        assert (await asking.get("/quart/stream")).text == "x" * 10_000
        malformed = await asking.post("/quart/echo/7", content=b"{", headers={"content-type": "application/json"})
        assert malformed.status_code == 400
        assert (await asking.get("/quart/none")).status_code == 404
        assert (await asking.get("/quart/echo/7")).status_code == 405
    assert events == (["started", "stopped"] if how == "here" else [])


def test_websocket(how: str) -> None:
    """A websocket of the mounted application."""
    app = site(how, mounts=False)
    app.mount("/quart", quart([]))
    with TestClient(app) as asking, asking.websocket_connect("/quart/talk") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "HELLO"
