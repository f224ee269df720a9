"""python-socketio with `async_mode="sanic"`: its driver answers polling and websockets by one HTTP route."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    import socketio
    from sanic import Sanic, text

    sio = socketio.AsyncServer(async_mode="sanic", cors_allowed_origins=[], ping_interval=1)
    app = Sanic("Chat")
    sio.attach(app)

    @sio.event
    async def connect(sid, environ, auth):
        if auth == {"token": "wrong"}:
            raise ConnectionRefusedError("wrong token")
        transport = environ["QUERY_STRING"].partition("transport=")[2].partition("&")[0]
        await sio.emit("welcome", {"transport": transport}, to=sid)

    @sio.event
    async def echo(sid, data):
        return data

    @sio.event
    async def join(sid, room):
        await sio.enter_room(sid, room)
        await sio.emit("joined", room, room=room)

    @sio.event
    def disconnect(sid, reason):
        print("left", reason, flush=True)

    @app.get("/plain")
    async def plain(request):
        return text("plain")
"""


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids="+".join)
def test_transports(serve: Serve, transports: list[str]) -> None:
    """Events, acknowledgements, binary data and rooms over polling, over a websocket, and after an upgrade."""
    socketio = import_module("socketio")
    process = serve(APP)
    with socketio.SimpleClient() as client:
        client.connect(f"http://127.0.0.1:{process.port}", transports=transports, wait_timeout=TIMEOUT_S)
        assert client.transport == transports[-1]
        assert client.receive(timeout=TIMEOUT_S) == ["welcome", {"transport": transports[0]}]
        assert client.call("echo", {"n": [1, "ü"]}, timeout=TIMEOUT_S) == {"n": [1, "ü"]}
        assert client.call("echo", b"\x00\xff" * 50_000, timeout=TIMEOUT_S) == b"\x00\xff" * 50_000
        client.emit("join", "blue")
        assert client.receive(timeout=TIMEOUT_S) == ["joined", "blue"]
        assert process.get("/plain").text == "plain"
    process.until(lambda: "left" in process.log or None)


def test_refused(serve: Serve) -> None:
    """A connection that the application refuses is refused."""
    socketio = import_module("socketio")
    process = serve(APP)
    client = socketio.Client()
    address = f"http://127.0.0.1:{process.port}"
    with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect"):
        client.connect(address, auth={"token": "wrong"}, transports=["websocket"], wait_timeout=TIMEOUT_S)
