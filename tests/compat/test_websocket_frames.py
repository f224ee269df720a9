"""Pings, pongs, parts of messages, and the wait for a connection's end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.exceptions import WebSocketException
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ProtocolError

from sanic_star import Sanic, Websocket
from sanic_star.compat.exceptions import ServerError, WebsocketClosed
from sanic_star.compat.server.websockets import _inbox
from sanic_star.compat.server.websockets._inbox import MAX_UNREAD
from sanic_star.compat.server.websockets.impl import MESSAGES_A_TURN, WebsocketImplProtocol
from sanic_star.testing import TestClient
from tests.engine.raw import Peer, websocket_scope

TIMEOUT_S = 30.0


def speaking(handler: Callable[..., Any]) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Frames")
    app.add_websocket_route(handler, "/")
    return app


@asynccontextmanager
async def connected(app: ASGIApp, ws: str = "auto") -> AsyncIterator[ClientConnection]:
    """Serve an application on uvicorn, in this loop, and connect to it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, ws=ws, log_level="error", lifespan="on", ws_ping_interval=None))
    serving = asyncio.ensure_future(server._serve([listener]))
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        async with connect(f"ws://127.0.0.1:{listener.getsockname()[1]}/", ping_interval=None) as client:
            yield client
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, TIMEOUT_S)


class Passing:
    """ASGI middleware that hides the server's `send`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def passing(message: Message) -> None:
            await send(message)

        await self.app(scope, receive, passing)


# The third, `websockets`, warns that it is deprecated: tests/parity/test_talks_served.py has it.
@pytest.mark.parametrize("middleware", [False, True])
@pytest.mark.parametrize("ws_setting", ["websockets-sansio", "wsproto"])
async def test_pings_reach_the_client_and_its_pongs_come_back(ws_setting: str, middleware: bool) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        times = [await asyncio.wait_for(await ws.ping(data), TIMEOUT_S) for data in (None, "text", b"bytes")]
        first, second = await ws.ping("1"), await ws.ping("2")
        with pytest.raises(ValueError, match="same data"):
            await ws.ping("2")
        await asyncio.wait_for(asyncio.gather(first, second), TIMEOUT_S)
        await ws.pong()
        await ws.pong("sign of life")
        await ws.send(f"{len(times)} {all(0 <= time < TIMEOUT_S for time in times)} {ws.pings}")
        await ws.recv()
        unanswered = await ws.ping("3")
        assert list(ws.pings) == [b"3"]
        with pytest.raises(ServerError, match="a pong may still come"):
            ws.abort_pings()
        await ws.close()
        ws.abort_pings()
        seen.append(unanswered.cancelled())
        with pytest.raises(WebsocketClosed, match="is closed"):
            await ws.ping()
        await ws.pong()
        seen.append("done")

    seen: list[Any] = []
    app = speaking(handler)
    if middleware:
        app.add_middleware(Passing)
    async with connected(app, ws_setting) as client:
        assert await asyncio.wait_for(client.recv(), TIMEOUT_S) == "3 True {}"
        await client.pong("nobody asked")
        await client.send("go on")
        await asyncio.wait_for(client.wait_closed(), TIMEOUT_S)
    assert seen == [True, "done"]


async def test_pings_raise_if_the_server_cannot_send_them() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        for call in (ws.ping, ws.pong):
            with pytest.raises(ServerError, match=r"cannot send a p[io]ng under this server"):
                await call()
        await ws.send("told")

    # The application is mounted behind middleware of another package.
    async with connected(Passing(speaking(handler))) as client:
        assert await asyncio.wait_for(client.recv(), TIMEOUT_S) == "told"


@pytest.mark.parametrize("ws_setting", ["websockets-sansio", "wsproto"])
async def test_invalid_data_of_a_ping_or_pong_is_refused(ws_setting: str) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        for call in (ws.ping, ws.pong):
            for wrong in (5, 0, True, ["text"], object()):
                with pytest.raises(TypeError, match="must be str or bytes"):
                    await call(wrong)  # type: ignore[arg-type]
            for long in ("x" * 126, "ä" * 63, b"x" * 126, bytearray(200), memoryview(bytes(1000))):
                with pytest.raises(ValueError, match="use up to 125 bytes") as caught:
                    await call(long)  # type: ignore[arg-type]
                assert isinstance(caught.value, ProtocolError)
        await asyncio.wait_for(await ws.ping("ä" * 62 + "x"), TIMEOUT_S)
        await ws.send("open")

    async with connected(speaking(handler), ws_setting) as client:
        assert await asyncio.wait_for(client.recv(), TIMEOUT_S) == "open"


@pytest.mark.parametrize("ws_setting", ["websockets-sansio", "wsproto"])
async def test_pings_without_a_waiter_leave_nothing(ws_setting: str) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        for number in range(50):
            (await ws.ping(str(number))).cancel()
        await asyncio.wait_for(await ws.ping("last"), TIMEOUT_S)
        await asyncio.wait_for(await ws.ping("last"), TIMEOUT_S)
        frames: Any = ws._frames
        states.append((dict(frames.unanswered_pings), dict(frames._sent_at), "handle_pong" in vars(frames.protocol)))
        unanswered = await ws.ping("unanswered")
        await ws.close()
        states.append((dict(frames.unanswered_pings), dict(frames._sent_at), "handle_pong" in vars(frames.protocol)))
        assert unanswered.cancelled()

    states: list[Any] = []
    async with connected(speaking(handler), ws_setting) as client:
        await asyncio.wait_for(client.wait_closed(), TIMEOUT_S)
    assert states == [({}, {}, True), ({}, {}, False)]


@pytest.mark.parametrize("ws_setting", ["websockets-sansio", "wsproto"])
@pytest.mark.parametrize(
    ("code", "reason", "received"),
    [(4000, "ä" * 100, (4000, "ä" * 61)), (1005, "no code", (1011, "no code")), ("text", None, (1011, ""))],
    ids=["long", "1005", "text"],
)
async def test_an_invalid_exception_closes_with_a_frame(
    ws_setting: str, code: Any, reason: Any, received: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        raise WebSocketException(code, reason)

    async with connected(speaking(handler), ws_setting) as client:
        await asyncio.wait_for(client.wait_closed(), TIMEOUT_S)
    assert (client.close_code, client.close_reason) == received
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("ws_setting", ["websockets-sansio", "wsproto"])
async def test_text_that_is_not_utf_8_is_no_error_in_the_log(ws_setting: str, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        async for _ in ws:
            pass

    async with connected(speaking(handler), ws_setting) as client:
        await client.send(b"\xff\xfe", text=True)
        await asyncio.wait_for(client.wait_closed(), TIMEOUT_S)
    # wsproto drops the connection.
    assert client.close_code == (1006 if ws_setting == "wsproto" else 1007)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("way", ["iterator", "unread"])
async def test_a_handler_that_only_sends_is_cancelled_after_some_messages(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sweeper would cancel the handler later, after it has used the processor for a second.
    monkeypatch.setattr(_inbox, "GRACE_S", TIMEOUT_S)

    async def handler(request: Any, ws: Websocket) -> None:
        messages = aiter(ws)
        assert await (anext(messages) if way == "iterator" else ws.recv()) == "first"
        while not ws._closed:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)
        try:
            for number in range(10 * MESSAGES_A_TURN):
                sent.append(number)
                await ws.send("x")
        finally:
            if way == "iterator":
                await messages.aclose()  # type: ignore[attr-defined]

    sent: list[int] = []
    app = speaking(handler)
    line = Line()
    for text in ("first", "unread"):
        line.put("receive", text=text)
    line.put("disconnect", code=1001)
    await asyncio.wait_for(app(websocket_scope("/"), line.receive, line.send), TIMEOUT_S)
    assert len(sent) == MESSAGES_A_TURN + 1


async def test_a_handler_that_reads_may_send_many_messages_after_the_end() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        async for message in ws:
            for _ in range(MESSAGES_A_TURN - 1):
                await ws.send("x")
            read.append(message)

    read: list[Any] = []
    line = Line()
    for text in "abcd":
        line.put("receive", text=text)
    line.put("disconnect", code=1001)

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            raise OSError("the client has left")

    await asyncio.wait_for(speaking(handler)(websocket_scope("/"), line.receive, send), TIMEOUT_S)
    assert read == list("abcd")


def test_a_message_in_parts_is_sent_as_one() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.send(["one ", "message"])
        await ws.send(part for part in (b"a", bytearray(b"b")))
        await ws.send([])
        for wrong in (["text", b"bytes"], [1], 5):
            try:
                await ws.send(wrong)
            except TypeError as error:
                await ws.send(str(error)[:33])

    with TestClient(speaking(handler)).websocket_connect("/") as client:
        assert client.receive_text(5) == "one message"
        assert client.receive_bytes(5) == b"ab"
        assert client.receive_text(5) == ""
        assert [client.receive_text(5) for _ in range(3)] == ["Websocket data must be bytes, str."[:33]] * 3


# The end ------------------------------------------------------------------------------------------------------------


class Line(Peer):
    """The server's side of a websocket, which sends the messages of a test."""

    def __init__(self) -> None:
        super().__init__([])
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.put("connect")

    def put(self, kind: str, **fields: Any) -> None:
        self.inbox.put_nowait({"type": f"websocket.{kind}", **fields})

    async def receive(self) -> Message:
        return await self.inbox.get()


async def open_line() -> tuple[Line, WebsocketImplProtocol]:
    line = Line()
    ws = WebsocketImplProtocol(websocket_scope(), line.receive, line.send)
    await ws._handshake()
    return line, ws


async def test_the_wait_for_the_end_keeps_messages() -> None:
    line, ws = await open_line()
    line.put("receive", text="1")
    assert await ws.wait_for_connection_lost(0.2) is False
    line.put("receive", text="2")
    assert await ws.wait_for_connection_lost(0.2) is False
    line.put("receive", text="3")
    assert await ws.recv() == "1"
    waiting = asyncio.ensure_future(ws.wait_for_connection_lost())
    await asyncio.sleep(0)
    assert [await ws.recv(), await ws.recv(TIMEOUT_S)] == ["2", "3"]
    line.put("disconnect", code=1001)
    assert await asyncio.wait_for(waiting, TIMEOUT_S) is True
    assert await ws.wait_for_connection_lost() is True
    with pytest.raises(WebsocketClosed):
        await ws.recv()


async def test_two_wait_and_the_message_comes_once() -> None:
    line, ws = await open_line()
    waiting = asyncio.ensure_future(ws.wait_for_connection_lost())
    await asyncio.sleep(0)
    reading = asyncio.ensure_future(ws.recv())
    await asyncio.sleep(0)
    line.put("receive", text="once")
    assert await asyncio.wait_for(reading, TIMEOUT_S) == "once"
    assert await ws.recv(0.02) is None
    line.put("disconnect")
    assert await asyncio.wait_for(waiting, TIMEOUT_S) is True


async def test_waiting_for_the_connection_loss_does_not_disturb_a_reader() -> None:
    line, ws = await open_line()
    reading = asyncio.ensure_future(ws.recv())
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(ws.wait_for_connection_lost(TIMEOUT_S))
    await asyncio.sleep(0)
    line.put("receive", text="read")
    assert await asyncio.wait_for(reading, TIMEOUT_S) == "read"
    await ws.close()
    assert await asyncio.wait_for(waiting, TIMEOUT_S) is True


async def test_a_flood_does_not_fill_the_memory() -> None:
    line, ws = await open_line()
    for number in range(MAX_UNREAD + 5):
        line.put("receive", text=str(number))
    waiting = asyncio.ensure_future(ws.wait_for_connection_lost())
    for _ in range(20 * MAX_UNREAD):
        await asyncio.sleep(0)
    assert line.inbox.qsize() == 5
    waiting.cancel()
    await asyncio.wait({waiting})
    assert [await ws.recv() for _ in range(MAX_UNREAD + 5)] == [str(number) for number in range(MAX_UNREAD + 5)]


# A handler that does not read ---------------------------------------------------------------------------------------


async def leave_unread(
    monkeypatch: pytest.MonkeyPatch, handler: Any, *unread: str, ready: asyncio.Event | None = None
) -> Line:
    """Run a handler whose client sends something and leaves, when the handler is ready for it."""
    monkeypatch.setattr(_inbox, "CHECK_INTERVAL_S", 0.01)
    line = Line()
    task = asyncio.ensure_future(speaking(handler)(websocket_scope("/"), line.receive, line.send))
    await asyncio.wait_for(line.until(1), TIMEOUT_S)
    for text in unread:
        line.put("receive", text=text)
    await (asyncio.sleep(0.05) if ready is None else asyncio.wait_for(ready.wait(), TIMEOUT_S))
    line.put("disconnect", code=1001)
    await asyncio.wait_for(task, TIMEOUT_S)
    return line


async def read_ahead(ws: Any, count: int) -> None:
    """Wait until so many messages were read ahead."""
    while ws._inbox.unread < count:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("unread", [(), ("a", "b")])
async def test_a_handler_that_does_not_read_is_cancelled_when_its_client_leaves(
    unread: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        try:
            await asyncio.sleep(TIMEOUT_S)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    await leave_unread(monkeypatch, handler, *unread)
    assert seen == ["cancelled"]
    assert not caplog.records


async def test_messages_read_ahead_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    ready = asyncio.Event()

    async def handler(request: Any, ws: Websocket) -> None:
        await read_ahead(ws, 4)
        seen.extend([await ws.recv(), await ws.receive_text(), await ws.recv(TIMEOUT_S)])
        ready.set()
        seen.extend([message async for message in ws])
        seen.append("end")

    await leave_unread(monkeypatch, handler, *"abcd", ready=ready)
    assert seen == [*"abcd", "end"]


async def test_a_handler_that_waits_for_the_disconnect_is_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    ready = asyncio.Event()

    async def handler(request: Any, ws: Websocket) -> None:
        await read_ahead(ws, 1)
        ready.set()
        seen.append(await ws.wait_for_connection_lost())

    await leave_unread(monkeypatch, handler, "a", ready=ready)
    assert seen == [True]


async def test_a_starlette_reader_receives_the_disconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        try:
            while True:
                seen.append(await ws.receive_text())
        except WebSocketDisconnect as error:
            seen.append(error.code)

    await leave_unread(monkeypatch, handler, "a")
    assert seen == ["a", 1001]


async def test_reading_ahead_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inbox, "MAX_UNREAD_BYTES", 3)
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        await read_ahead(ws, 2)
        await asyncio.sleep(0.03)
        seen.append(line.inbox.qsize())
        seen.extend([message async for message in ws])

    line = Line()
    monkeypatch.setattr(_inbox, "CHECK_INTERVAL_S", 0.01)
    for text in ("aa", "bb", "cc"):
        line.put("receive", text=text)
    line.put("disconnect")
    await asyncio.wait_for(speaking(handler)(websocket_scope("/"), line.receive, line.send), TIMEOUT_S)
    assert seen == [2, "aa", "bb", "cc"]


async def test_an_error_while_reading_ahead_is_raised_by_the_next_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        await asyncio.sleep(0.05)
        try:
            await ws.recv()
        except RuntimeError as error:
            seen.append(str(error))

    line = Line()
    monkeypatch.setattr(_inbox, "CHECK_INTERVAL_S", 0.01)
    line.put("unheard-of")
    await asyncio.wait_for(speaking(handler)(websocket_scope("/"), line.receive, line.send), TIMEOUT_S)
    assert "websocket.unheard-of" in seen[0]
