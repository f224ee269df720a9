"""Attributes of Sanic's websocket that belong to its server: each one works here, or names its replacement."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sanic.server.websockets.impl import WebsocketImplProtocol as SanicsWebsocket
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import Message
from starlette.websockets import WebSocketState
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, ProtocolError
from websockets.protocol import CLOSED, CLOSING, CONNECTING, OPEN
from websockets.server import ServerProtocol

from sanic_star import Sanic, Websocket, text
from sanic_star.compat.exceptions import WebsocketClosed
from sanic_star.testing import TestClient
from tests.engine.raw import websocket_scope


async def converse(app: Any, *incoming: Message, **scope: Any) -> list[Message]:
    """Play a server: pass on what it received, then the end; return what it is to send."""
    messages = [{"type": "websocket.connect"}, *incoming]
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        return await asyncio.sleep(3600, {"type": "websocket.disconnect", "code": 1006})

    async def send(message: Message) -> None:
        sent.append(message)

    made = websocket_scope("/", **scope)
    made = {key: value for key, value in made.items() if value is not None}
    await asyncio.wait_for(app(made, receive, send), 60)
    return sent


def speaking(handler: Any, **options: Any) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Members")
    app.add_websocket_route(handler, "/", **options)
    return app


def names_of(made: Any) -> list[str]:
    return sorted(name for name in {*dir(type(made)), *vars(made)} if not name.startswith("_"))


SANICS = names_of(SanicsWebsocket(ServerProtocol()))
PROTOCOLS = names_of(ServerProtocol())


async def test_each_name_of_sanics_websocket_works_or_names_its_replacement() -> None:
    async def handler(request: Any, ws: Any) -> None:
        for name in SANICS:
            try:
                getattr(ws, name)
            except AttributeError as error:
                missing[name] = str(error)
        for name in PROTOCOLS:
            try:
                getattr(ws.ws_proto, name)
            except AttributeError as error:
                missing[f"ws_proto.{name}"] = str(error)
        assert not set(missing) & set(dir(ws))

    missing: dict[str, str] = {}
    await converse(speaking(handler))
    assert len(SANICS) > 30
    assert "the ASGI server" in missing["assembler"]
    assert all(": " in reason for reason in missing.values()), missing
    there = {"close", "end_connection", "fail_connection", "io_proto", "loop", "pings", "recv_lock", "ws_proto"}
    assert not there & missing.keys()
    assert not {f"ws_proto.{name}" for name in ("state", "close_code", "subprotocol", "id")} & missing.keys()


async def test_the_states_of_a_process_follow_each_other() -> None:
    async def handler(request: Any, ws: Any) -> None:
        proto = ws.ws_proto
        assert (proto.state, proto.close_code, proto.close_exc, proto.close_rcvd) == (OPEN, None, None, None)
        kept.append(ws)
        await ws.close(4001, "enough")
        assert proto.state is CLOSING
        assert proto.close_expected()
        assert ws.client_state is ws.application_state is WebSocketState.DISCONNECTED
        # Starlette's websocket on the same connection has the same state.
        assert ws.starlette.application_state is WebSocketState.DISCONNECTED

    kept: list[Any] = []
    await converse(speaking(handler))
    proto = kept[0].ws_proto
    assert (proto.state, proto.close_code, proto.close_reason) == (CLOSED, 4001, "enough")
    assert isinstance(proto.close_exc, ConnectionClosedError)
    ws = Websocket(websocket_scope(), None, None)  # type: ignore[arg-type]
    assert ws.ws_proto.state is CONNECTING
    assert ws.loop is asyncio.get_running_loop()
    assert ws.ws_proto.close_rcvd is None


async def test_both_states_of_a_plain_websocket_follow_a_close() -> None:
    async def handler(request: Any, ws: Any) -> None:
        plain: Any = ws.starlette
        assert plain.application_state.name == "CONNECTED"
        await ws.close()
        assert plain.client_state is plain.application_state is WebSocketState.DISCONNECTED
        assert (await ws.receive())["type"] == "websocket.disconnect"
        with pytest.raises(RuntimeError, match="disconnect"):
            await ws.receive()

    await converse(speaking(handler))


async def test_the_clients_close_frame_is_received() -> None:
    async def handler(request: Any, ws: Any) -> None:
        try:
            await ws.recv()
        finally:
            proto = ws.ws_proto
            seen.append((proto.close_rcvd.code, proto.close_reason, type(proto.close_exc)))

    seen: list[Any] = []
    await converse(speaking(handler), {"type": "websocket.disconnect", "code": 1000, "reason": "bye"})
    assert seen == [(1000, "bye", ConnectionClosedOK)]


@pytest.mark.parametrize("method", ["end_connection", "fail_connection"])
async def test_a_connection_is_ended_by_a_callback(method: str) -> None:
    async def handler(request: Any, ws: Any) -> None:
        ws.loop.call_soon(getattr(ws, method), 4000, "from a callback")
        await asyncio.sleep(0.05)
        with pytest.raises(WebsocketClosed):
            await ws.send("late")
        assert getattr(ws, method)() is False
        ran.append(True)

    ran: list[bool] = []
    sent = await converse(speaking(handler))
    assert sent[1:] == [{"type": "websocket.close", "code": 4000, "reason": "from a callback"}]
    assert ran == [True]


async def test_a_wrong_code_is_refused_at_once() -> None:
    async def handler(request: Any, ws: Any) -> None:
        for method in (ws.end_connection, ws.fail_connection):
            for kind in (ValueError, ProtocolError):
                with pytest.raises(kind, match="close code 5"):
                    method(5)
        # Where the server gives no way to break off.
        ws.fail_connection()

    assert (await converse(speaking(handler)))[-1]["code"] == 1011


async def test_the_lock_of_recv_waits_for_a_reader() -> None:
    async def handler(request: Any, ws: Any) -> None:
        reading = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        taking = asyncio.create_task(ws.recv_lock.acquire())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append(taking.done())
        reading.cancel()
        assert await taking
        seen.append(ws.recv_lock.is_held)
        ws.recv_lock.release()
        again = asyncio.create_task(ws.recv())
        await asyncio.sleep(0)
        taking = asyncio.create_task(ws.recv_lock.acquire())
        await asyncio.sleep(0.01)
        taking.cancel()
        await asyncio.wait({taking})
        seen.append(ws.recv_lock.is_held)
        again.cancel()

    seen: list[bool] = []
    await converse(speaking(handler))
    assert seen == [False, True, False]


# A library that accepts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True])
async def test_a_library_that_accepts_once_more_changes_nothing(plain: bool) -> None:
    async def handler(request: Any, ws: Any) -> None:
        websocket = ws.starlette if plain else ws
        await websocket.accept()
        await websocket.accept("chat")
        for wrong in ({"subprotocol": "other"}, {"headers": [(b"x-a", b"b")]}):
            with pytest.raises(RuntimeError, match=r"@app.websocket\(path, subprotocols=|header fields"):
                await websocket.accept(**wrong)
        await websocket.send_text("hello")

    sent = await converse(speaking(handler, subprotocols=["chat"]), subprotocols=["chat"])
    kinds = [message["type"] for message in sent]
    assert kinds == ["websocket.accept", "websocket.send", "websocket.close"]


async def test_accepting_after_the_end_is_an_error() -> None:
    async def handler(request: Any, ws: Any) -> None:
        await ws.close()
        with pytest.raises(RuntimeError):
            await ws.accept()
        done.append(True)

    done: list[bool] = []
    await converse(speaking(handler))
    assert done == [True]


# Handshakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "expected"), [(None, "ws"), ("ws", "ws"), ("wss", "wss")])
async def test_a_handshake_without_a_scheme_is_ws(scheme: str | None, expected: str) -> None:
    # ASGI: `scheme` is optional, and "ws" by default.
    async def handler(request: Any, ws: Any) -> None:
        urls = [request.scheme, request.url, str(ws.url), request.conn_info.ssl, str(ws.starlette.url)]
        await ws.send(" ".join(map(str, urls)))
        # As tests of handlers set it.
        request.conn_info = request.conn_info
        await ws.send(request.scheme)

    sent = await converse(speaking(handler), scheme=scheme)
    url = f"{expected}://testserver/"
    assert sent[1]["text"] == f"{expected} {url} {url} {expected == 'wss'} {url}"
    assert sent[2]["text"] == expected


class Refusing:
    """ASGI middleware that refuses each handshake with a response."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await PlainTextResponse("no", 401)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


@pytest.mark.parametrize("denial", [False, True])
@pytest.mark.parametrize("where", ["sanic", "raised", "asgi", "route", "unknown"])
async def test_a_refusal_reaches_every_server(where: str, denial: bool) -> None:
    async def handler(request: Any, ws: Any) -> None:
        raise AssertionError("not reached")

    options = {"middleware": [Middleware(Refusing)]} if where == "route" else {}
    app = speaking(handler, **options) if where != "unknown" else Sanic("Members")
    if where == "asgi":
        app.add_middleware(Refusing)
    elif where in ("sanic", "raised"):

        @app.on_request
        async def guard(request: Any) -> Any:
            if where == "raised":
                from sanic_star.compat.exceptions import Unauthorized

                raise Unauthorized("no")
            return text("no", 401)

    sent = await converse(app, extensions={"websocket.http.response": {}} if denial else {})
    kinds = [message["type"] for message in sent]
    if denial:
        assert kinds[0] == "websocket.http.response.start"
        assert sent[0]["status"] == (404 if where == "unknown" else 401)
    else:
        assert kinds == ["websocket.close"]


async def test_a_refusal_without_extensions_in_the_scope() -> None:
    app = speaking(lambda request, ws: None)
    app.on_request(lambda request: text("no", 401))
    assert [message["type"] for message in await converse(app, extensions=None)] == ["websocket.close"]


def test_the_test_client_sees_both_states() -> None:
    async def handler(request: Any, ws: Any) -> None:
        await ws.send(ws.ws_proto.state.name)

    with TestClient(speaking(handler)).websocket_connect("/") as socket:
        assert socket.receive_text(5) == "OPEN"
