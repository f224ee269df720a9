"""The websocket of handlers: Sanic's methods over an ASGI connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from sanic_star import Sanic, Websocket, text
from sanic_star.compat.exceptions import ServerError, WebsocketClosed
from sanic_star.testing import TestClient, WebSocketDenialResponse
from tests.engine.raw import Peer, websocket_scope


def serving(handler: Callable[..., Any], **options: Any) -> TestClient:
    app: Sanic[Any, Any] = Sanic("Socket")
    app.add_websocket_route(handler, "/ws", **options)
    return TestClient(app, raise_server_exceptions=False)


def test_text_and_bytes_both_ways() -> None:
    async def echo(request: Any, ws: Websocket) -> None:
        async for message in ws:
            await ws.send(message)

    with serving(echo).websocket_connect("/ws") as socket:
        for message in ("text", ""):
            socket.send_text(message)
            assert socket.receive_text(5) == message
        socket.send_bytes(b"\0")
        assert socket.receive_bytes(5) == b"\0"


@pytest.mark.parametrize("given", [bytearray(b"x"), memoryview(b"x"), [b"", b"x"]])
def test_values_that_can_be_sent(given: Any) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.send(given)

    with serving(handler).websocket_connect("/ws") as socket:
        assert socket.receive_bytes(5) == b"x"


def test_values_that_cannot_be_sent() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        try:
            await ws.send(5)
        except TypeError as error:
            await ws.send(str(error))
        await ws.close()
        try:
            await ws.send("late")
        except WebsocketClosed as error:
            seen.append(str(error))
        await ws.close()

    seen: list[str] = []
    with serving(handler).websocket_connect("/ws") as socket:
        assert socket.receive_text(5) == "Websocket data must be bytes, str."
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text(5)
        assert closed.value.code == 1000
    assert seen == ["Cannot write to websocket interface after it is closed."]


def test_the_end_has_code_and_reason() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.close(4001, "enough")

    with serving(handler).websocket_connect("/ws") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text(5)
    assert (closed.value.code, closed.value.reason) == (4001, "enough")


def test_a_handler_that_fails_closes_with_1011() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        raise ValueError("x")

    with serving(handler).websocket_connect("/ws") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text(5)
    assert closed.value.code == 1011


def test_a_client_that_leaves_ends_recv() -> None:
    ended: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        try:
            await ws.recv()
        except asyncio.CancelledError as error:
            ended.append(str(error))
            raise

    with serving(handler).websocket_connect("/ws") as socket:
        socket.close(4002, "bye")
    assert ended == ["the websocket's client has left"]


@pytest.mark.parametrize("large", ["x" * 9, "ü" * 5, b"x" * 9])
def test_a_message_that_is_too_large_closes_with_1009(large: str | bytes) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        async for message in ws:
            await ws.send(message)

    app: Sanic[Any, Any] = Sanic("Small")
    app.config.WEBSOCKET_MAX_SIZE = 8
    app.add_websocket_route(handler, "/ws")
    with TestClient(app).websocket_connect("/ws") as socket:
        for fitting in ("x" * 8, "ü" * 4):
            socket.send_text(fitting)
            assert socket.receive_text(5) == fitting
        socket.send({"type": "websocket.receive", "text" if isinstance(large, str) else "bytes": large})
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text(5)
    assert closed.value.code == 1009


@pytest.mark.parametrize("sends", [False, True])
def test_a_handler_that_goes_on_without_its_client_is_cancelled(sends: bool, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        try:
            while True:
                try:
                    await (ws.send("x") if sends and ended else ws.recv())
                except Exception as error:
                    ended.append(type(error).__name__)
        finally:
            ended.append("finally")

    with serving(handler).websocket_connect("/ws") as socket:
        socket.close()
    assert ended == ["finally"]
    assert not caplog.records


async def test_sending_to_a_client_that_has_gone_cancels_once() -> None:
    ended: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        for _ in range(3):
            try:
                await ws.send("x")
            except BaseException as error:
                ended.append(type(error).__name__)

    app: Sanic[Any, Any] = Sanic("Gone")
    app.websocket("/ws")(handler)
    peer = Peer([])
    peer.messages.append({"type": "websocket.connect"})

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            raise OSError

    await app(websocket_scope("/ws"), peer.receive, send)
    assert ended == ["CancelledError", "WebsocketClosed", "WebsocketClosed"]


def test_recv_with_a_time_limit() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.send(str(await ws.recv(timeout=0.01)))
        await ws.send(str(await ws.recv(timeout=30)))

    with serving(handler).websocket_connect("/ws") as socket:
        assert socket.receive_text(5) == "None"
        socket.send_text("in time")
        assert socket.receive_text(5) == "in time"


async def test_a_time_limit_loses_no_message() -> None:
    asked: list[asyncio.Future[Any]] = []

    async def receive() -> Any:
        asked.append(asyncio.get_running_loop().create_future())
        return await asked[-1]

    async def send(message: Any) -> None:
        sent.append(message["type"])

    sent: list[str] = []
    ws = Websocket({"type": "websocket"}, receive, send)
    asyncio.get_running_loop().call_soon(lambda: asked[0].set_result({"type": "websocket.connect"}))
    await ws.accept()
    assert (await ws.recv(0), await ws.recv(0.001), await ws.recv_burst()) == (None, None, [])
    asked[1].set_result({"type": "websocket.receive", "text": "kept"})
    assert await ws.recv() == "kept"
    assert await ws.recv(0) is None
    await ws.close()
    await asyncio.sleep(0)
    assert (len(asked), asked[2].cancelled(), sent[-1]) == (3, True, "websocket.close")


def test_only_one_task_may_wait() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        waiting = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        try:
            await ws.recv()
        except ServerError as error:
            await ws.send(str(error))
        await ws.send(str(await waiting))

    with serving(handler).websocket_connect("/ws") as socket:
        assert socket.receive_text(5) == "Another task is already waiting for the next message"
        socket.send_text("x")
        assert socket.receive_text(5) == "x"


def test_several_messages_at_once_and_one_in_parts() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        messages: list[Any] = []
        while len(messages) < 2:
            messages += await ws.recv_burst(2)
            await asyncio.sleep(0)
        await ws.send(f"{messages} {await ws.recv_burst(1)}")
        await ws.send(str([part async for part in ws.recv_streaming()]))

    with serving(handler).websocket_connect("/ws") as socket:
        socket.send_text("a")
        socket.send_text("b")
        assert socket.receive_text(5) == "['a', 'b'] []"
        socket.send_bytes(b"whole")
        assert socket.receive_text(5) == "[b'whole']"


@pytest.mark.parametrize(
    ("spoken", "offered", "chosen"),
    [(["one", "two"], ["two", "one"], "one"), ([], ["one"], None), ([], None, None)],
)
def test_subprotocols(spoken: list[str], offered: list[str] | None, chosen: str | None) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.send(str(ws.subprotocol))

    client = serving(handler, subprotocols=spoken)
    with client.websocket_connect("/ws", subprotocols=offered) as socket:
        assert socket.receive_text(5) == str(chosen)


@pytest.mark.parametrize(
    ("offered", "message"),
    [(["three"], "invalid subprotocol; expected one of one, two."), (None, "missing subprotocol.")],
)
def test_subprotocols_that_do_not_meet(offered: list[str] | None, message: str) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        raise AssertionError("not reached")

    client = serving(handler, subprotocols=["one", "two"])
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/ws", subprotocols=offered):
        pass
    assert denied.value.response.status_code == 400
    assert f"Failed to open a WebSocket connection: {message}" in denied.value.response.text


def test_middleware_answers_a_handshake() -> None:
    app: Sanic[Any, Any] = Sanic("Guarded")

    @app.on_request
    async def guard(request: Any) -> Any:
        return text("stop", status=403) if "stop" in request.args else None

    @app.websocket("/ws")
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.send("in")

    client = TestClient(app)
    with client.websocket_connect("/ws") as socket:
        assert socket.receive_text(5) == "in"
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/ws?stop=1"):
        pass
    assert (denied.value.response.status_code, denied.value.response.text) == (403, "stop")
