"""python-socketio with `async_mode="asgi"`: around the application, and mounted in it."""

from __future__ import annotations

import pytest
import requests
import socketio

from tests.ecosystem.asgi.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    import socketio
    from tests.ecosystem.asgi.sites import site

    sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])

    @sio.event
    async def connect(sid, environ, auth):
        if auth == {"token": "wrong"}:
            raise ConnectionRefusedError("wrong token")
        await sio.emit("welcome", environ["asgi.scope"]["type"], to=sid)

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

    site = site(HOW)
"""
PLACES = {
    "around": ("app = socketio.ASGIApp(sio, site)", "socket.io"),
    "mounted": (
        'app = site\n    site.mount("/live", socketio.ASGIApp(sio, socketio_path="/live/socket.io"))', "live/socket.io",
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids="+".join)
def test_transports(serve: Serve, place: str, transports: list[str]) -> None:
    """Events, acknowledgements, binary data, rooms by polling, a websocket and an upgrade; a refused client."""
    added, path = PLACES[place]
    process = serve(f"{APP}    {added}\n")
    url = f"http://127.0.0.1:{process.port}"
    with socketio.SimpleClient() as client:
        client.connect(url, transports=transports, socketio_path=path, wait_timeout=TIMEOUT_S)
        assert client.transport == transports[-1]
        kind = "websocket" if transports == ["websocket"] else "http"
        assert client.receive(timeout=TIMEOUT_S) == ["welcome", kind]
        assert client.call("echo", {"n": [1, "ü"]}, timeout=TIMEOUT_S) == {"n": [1, "ü"]}
        assert client.call("echo", b"\x00\xff" * 50_000, timeout=TIMEOUT_S) == b"\x00\xff" * 50_000
        client.emit("join", "blue")
        assert client.receive(timeout=TIMEOUT_S) == ["joined", "blue"]
        assert process.get("/items/5").json() == 5
        assert requests.get(f"{url}/none", timeout=TIMEOUT_S).status_code == 404
    process.until(lambda: "left" in process.log or None)
    refused = socketio.Client()
    with pytest.raises(socketio.exceptions.ConnectionError):
        refused.connect(url, auth={"token": "wrong"}, transports=transports[:1], socketio_path=path,
                        wait_timeout=TIMEOUT_S)  # fmt: skip
