"""Classes of Sanic's ASGI mode that work on bare ASGI callables, with the same calls on Sanic and here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

WORLDS = ["sanic", "sanic_star.compat"]


class Wire:
    """A server: gives the messages that it has, and keeps those that it gets."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def connection(world: str, wire: Wire, subprotocols: list[str] | None = None) -> Any:
    """Return a websocket of one framework."""
    module: Any = import_module(f"{world}.server.websockets.connection")
    return module.WebSocketConnection(wire.send, wire.receive, subprotocols)


@pytest.mark.parametrize("world", WORLDS)
async def test_a_websocket_sends_text_and_bytes(world: str) -> None:
    wire = Wire()
    websocket = connection(world, wire)
    for data in ("text", b"bytes", "", 5, None):
        await websocket.send(data)
    assert wire.sent == [
        {"type": "websocket.send", "text": "text"},
        {"type": "websocket.send", "bytes": b"bytes"},
        {"type": "websocket.send", "text": ""},
        {"type": "websocket.send", "text": "5"},
        {"type": "websocket.send", "text": "None"},
    ]


@pytest.mark.parametrize("world", WORLDS)
async def test_a_websocket_receives_text_and_bytes(world: str) -> None:
    wire = Wire(
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "text"},
        {"type": "websocket.receive", "bytes": b"bytes"},
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.disconnect", "code": 1001},
        {"type": "websocket.receive"},
    )
    websocket = connection(world, wire)
    received = [await websocket.recv() for _ in range(3)] + [await websocket.receive() for _ in range(2)]
    assert received == [None, "text", b"bytes", "", None]
    with pytest.raises(import_module(f"{world}.exceptions").BadRequest):
        await websocket.recv()


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("spoken", "chosen"), [(None, None), ([], None), (["log", "chat"], "log"), (["other"], None), (("chat",), "chat")]
)
async def test_a_websocket_chooses_a_subprotocol(world: str, spoken: Any, chosen: str | None) -> None:
    wire = Wire()
    websocket = connection(world, wire, ["chat", "log"])
    assert list(websocket.subprotocols) == ["chat", "log"]
    await websocket.accept(spoken)
    assert wire.sent == [{"type": "websocket.accept", "subprotocol": chosen}]


async def test_a_websocket_does_what_sanic_s_does_not() -> None:
    """In Sanic 25.12 `close` does nothing, and bytes beside `"text": None`, which ASGI allows, are lost."""
    wire = Wire({"type": "websocket.receive", "text": None, "bytes": b"bytes"})
    websocket = connection("sanic_star.compat", wire)
    assert await websocket.recv() == b"bytes"
    await websocket.close(4000, "done")
    await websocket.send(bytearray(b"bytes"))
    assert wire.sent == [
        {"type": "websocket.close", "code": 4000, "reason": "done"},
        {"type": "websocket.send", "bytes": b"bytes"},
    ]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("phase", ["startup", "shutdown", "none"])
async def test_a_lifespan_reports_the_listener_that_raises(world: str, phase: str) -> None:
    module: Any = import_module(world.removesuffix(".compat"))
    app = module.Sanic(f"Lifespan-{world.partition('.')[0]}-{phase}")
    app.config.TOUCHUP = False
    ran = []

    async def handler(request: Any) -> None: ...

    async def start(app: Any) -> None:
        ran.append("start")
        if phase == "startup":
            raise ZeroDivisionError("division")

    async def stop(app: Any) -> None:
        ran.append("stop")
        if phase == "shutdown":
            raise ZeroDivisionError("division")

    app.add_route(handler, "/")
    app.before_server_start(start)
    app.before_server_stop(stop)
    wire = Wire({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    app.asgi = True
    await import_module(f"{world}.asgi").Lifespan(app, {"type": "lifespan"}, wire.receive, wire.send)()
    failed = {"type": f"lifespan.{phase}.failed", "message": "division"}
    complete = [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    at = {"startup": 0, "shutdown": 1, "none": 2}[phase]
    assert wire.sent[: at + 1] == [*complete[:at], *([failed] if at < 2 else [])]
    assert "start" in ran
