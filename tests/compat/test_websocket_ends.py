"""The end of a websocket, in process: cancelled handlers, kept messages, independent connections."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket as StarletteWebSocket
from starlette.websockets import WebSocketDisconnect

from sanic_star import Sanic, Websocket
from sanic_star.compat.exceptions import WebsocketClosed
from sanic_star.compat.server.websockets import _inbox
from sanic_star.compat.server.websockets._inbox import MAX_UNREAD, Inbox, Reading
from sanic_star.compat.server.websockets._reading import start_reading
from sanic_star.engine import websockets
from sanic_star.testing import TestClient
from tests.engine.raw import websocket_scope

TIMEOUT_S = 30.0
Handler = Callable[..., Awaitable[Any]]


class Connection:
    """A client's side of one websocket, whose server passes on the method of a queue as hypercorn does."""

    def __init__(self, app: Sanic[Any, Any], path: str = "/") -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.put("connect")
        scope = websocket_scope(path)
        self.task = asyncio.ensure_future(app(scope, self.inbox.get, self.sent.put))

    def put(self, kind: str, **fields: Any) -> None:
        self.inbox.put_nowait({"type": f"websocket.{kind}", **fields})

    async def hear(self) -> Message:
        return await asyncio.wait_for(self.sent.get(), TIMEOUT_S)

    async def opened(self) -> Connection:
        assert (await self.hear())["type"] == "websocket.accept"
        return self

    async def over(self) -> None:
        await asyncio.wait_for(self.task, TIMEOUT_S)


def speaking(**handlers: Handler) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Ends")
    for name, handler in handlers.items():
        app.add_websocket_route(handler, f"/{name}", name=name)
    return app


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)


def test_the_sweeper_keeps_to_a_second() -> None:
    assert 2 * _inbox.CHECK_INTERVAL_S + _inbox.GRACE_S < 1


async def test_an_idle_connection_has_no_task_and_no_timer_of_its_own() -> None:
    async def reading(request: Any, ws: Websocket) -> None:
        async for _ in ws:
            pass

    async def sleeping(request: Any, ws: Websocket) -> None:
        waiting.append(ws)
        await asyncio.sleep(TIMEOUT_S)

    def timers() -> int:
        scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        return sum(not timer.cancelled() and "Watch._check" in repr(timer) for timer in scheduled)

    waiting: list[Websocket] = []
    app = speaking(reading=reading, sleeping=sleeping)
    before = len(asyncio.all_tasks())
    connections = [await Connection(app, "/reading").opened() for _ in range(40)]
    # All handlers wait for messages.
    await until(lambda: timers() == 0)
    connections[0].put("receive", text="x")
    await until(lambda: timers() == 1)
    await until(lambda: timers() == 0)
    connections += [await Connection(app, "/sleeping").opened() for _ in range(10)]
    await until(lambda: all(ws._inbox._pending is not None for ws in waiting))
    # One for each connection, as the server has started it.
    assert len(asyncio.all_tasks()) == before + len(connections)
    for connection in connections:
        connection.put("disconnect")
    await asyncio.wait_for(asyncio.gather(*(connection.task for connection in connections)), TIMEOUT_S)
    sweeper = app._answers._sweeper
    await until(lambda: sweeper is not None and not any(watch.websockets for watch in sweeper._watches.values()))


async def test_a_burst_that_ends_with_the_connection_is_returned_first() -> None:
    seen: list[Any] = []

    async def burst(request: Any, ws: Websocket) -> None:
        await until(lambda: ws._closed)
        seen.append(await ws.recv_burst())
        try:
            await ws.recv_burst()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    connection = await Connection(speaking(burst=burst), "/burst").opened()
    for message in "abc":
        connection.put("receive", text=message)
    connection.put("disconnect")
    await connection.over()
    assert seen == [["a", "b", "c"], "cancelled"]


@pytest.mark.parametrize("closes", ["itself", "another"])
async def test_only_tasks_that_close_a_connection_run_on(closes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inbox, "GRACE_S", 0.1)
    ended: list[str] = []
    sockets: list[Websocket] = []

    async def kicked(request: Any, ws: Websocket) -> None:
        sockets.append(ws)
        if closes == "itself":
            await ws.close()
        try:
            await asyncio.sleep(0.5 if closes == "itself" else TIMEOUT_S)
            ended.append("returned")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def kicking(request: Any, ws: Websocket) -> None:
        await sockets[0].close(4000)
        await ws.send("done")

    app = speaking(kicked=kicked, kicking=kicking)
    first = await Connection(app, "/kicked").opened()
    await until(lambda: sockets)
    if closes == "another":
        second = await Connection(app, "/kicking").opened()
        assert (await second.hear())["text"] == "done"
        await second.over()
    assert (await first.hear())["type"] == "websocket.close"
    await first.over()
    assert ended == ["returned" if closes == "itself" else "cancelled"]


@pytest.mark.parametrize("call", ["send", "recv", "send_text", "receive_text"])
async def test_an_unexpected_end_fails_a_handler(call: str, caplog: pytest.LogCaptureFixture) -> None:
    sockets: list[Websocket] = []

    async def other(request: Any, ws: Websocket) -> None:
        sockets.append(ws)
        await ws.wait_for_connection_lost()

    async def caller(request: Any, ws: Websocket) -> None:
        await (getattr(sockets[0], call)("x") if "send" in call else getattr(sockets[0], call)())

    app = speaking(other=other, caller=caller)
    first = await Connection(app, "/other").opened()
    await until(lambda: sockets)
    first.put("disconnect", code=1001)
    await first.over()
    second = await Connection(app, "/caller").opened()
    if "_" in call:
        with pytest.raises((WebSocketDisconnect, RuntimeError)):
            await second.over()
    else:
        await second.over()
    assert (await second.hear())["code"] == 1011
    assert len(caplog.records) == 1


async def test_after_iteration_nothing_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inbox, "GRACE_S", 0.0)
    monkeypatch.setattr(_inbox, "CHECK_INTERVAL_S", 0.01)
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        async for message in ws:
            await ws.send(message)
        await asyncio.sleep(0.2)
        for call in (lambda: ws.send("x"), ws.recv):
            try:
                await call()
            except WebsocketClosed as error:
                seen.append(str(error))

    connection = await Connection(speaking(handler=handler), "/handler").opened()
    connection.put("receive", text="a")
    assert (await connection.hear())["text"] == "a"
    connection.put("disconnect")
    await connection.over()
    assert len(seen) == 2
    assert connection.sent.empty()


async def test_messages_sent_in_a_receive_loop_are_dropped_at_the_end() -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        async for message in ws:
            await ws.send(message)
            seen.append(message)
        seen.append("end")

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            raise OSError("the client has left")

    inbox: asyncio.Queue[Message] = asyncio.Queue()
    for kind, fields in (("connect", {}), *(("receive", {"text": text}) for text in "abc"), ("disconnect", {})):
        inbox.put_nowait({"type": f"websocket.{kind}", **fields})
    app = speaking(handler=handler)
    await asyncio.wait_for(app(websocket_scope("/handler"), inbox.get, send), TIMEOUT_S)
    assert seen == ["a", "b", "c", "end"]


async def test_the_events_after_a_handler_come_when_its_client_has_left() -> None:
    events: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        await ws.recv()

    app = speaking(handler=handler)
    for event in ("http.handler.after", "websocket.handler.after", "websocket.handler.exception"):

        async def note(event: str = event, **context: Any) -> None:
            events.append(event)

        app.add_signal(note, event)
    connection = await Connection(app, "/handler").opened()
    connection.put("disconnect")
    await connection.over()
    assert events == ["http.handler.after"]


@pytest.mark.parametrize("data", [{}, {"type": "websocket.close"}, {"type": "websocket.send", "text": "x"}])
def test_a_mapping_is_not_a_message(data: dict[str, Any]) -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        with pytest.raises(TypeError, match="mapping"):
            await ws.send(data)
        await ws.send("open")

    with TestClient(speaking(ws=handler)).websocket_connect("/ws") as client:
        assert client.receive_text(5) == "open"


def test_starlettes_methods_and_a_plain_websocket_send_asgi_messages() -> None:
    async def handler(request: Any, ws: Websocket) -> None:
        await ws.send_text("text")
        await ws.send_bytes(b"bytes")
        await ws.send_json(["ü", 1])
        await ws.send_json({}, mode="binary")
        with pytest.raises(RuntimeError, match="mode"):
            await ws.send_json({}, mode="else")
        plain = ws.starlette
        assert isinstance(plain, StarletteWebSocket)
        assert not isinstance(plain, Websocket)
        assert plain is ws.starlette
        await plain.send({"type": "websocket.send", "text": await plain.receive_text()})
        await plain.close(4000)

    with TestClient(speaking(ws=handler)).websocket_connect("/ws") as client:
        client.send_text("plain")
        assert [client.receive_text(5), client.receive_bytes(5)] == ["text", b"bytes"]
        assert [client.receive_text(5), client.receive_bytes(5)] == ['["ü",1]', b"{}"]
        assert client.receive_text(5) == "plain"
        with pytest.raises(WebSocketDisconnect) as closed:
            client.receive_text(5)
    assert closed.value.code == 4000


async def test_starlettes_send_reports_a_disconnect_that_the_server_hides() -> None:
    seen: list[Any] = []

    async def handler(request: Any, ws: Websocket) -> None:
        await ws.wait_for_connection_lost()
        for _ in range(2):
            try:
                await ws.send_text("x")
            except Exception as error:
                seen.append(type(error).__name__)

    connection = await Connection(speaking(handler=handler), "/handler").opened()
    connection.put("disconnect", code=1001)
    await connection.over()
    assert seen == ["WebSocketDisconnect", "WebSocketDisconnected"]


# Reading ahead ------------------------------------------------------------------------------------------------------


async def test_a_read_without_a_task_loses_nothing_when_it_is_given_up() -> None:
    queue: asyncio.Queue[Message] = asyncio.Queue()
    tasks = len(asyncio.all_tasks())
    first = start_reading(queue.get, None)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == tasks
    queue.put_nowait({"type": "a"})
    first.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = start_reading(queue.get, None)
    assert await asyncio.wait_for(second, TIMEOUT_S) == {"type": "a"}
    third = start_reading(queue.get, None)
    third.cancel()
    await asyncio.sleep(0)
    queue.put_nowait({"type": "b"})
    assert queue.get_nowait() == {"type": "b"}


async def test_any_other_read_has_a_task_and_the_context_of_its_handler() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")
    seen: list[str] = []

    async def handler(request: Any, ws: Websocket) -> None:
        await asyncio.sleep(TIMEOUT_S)

    async def send(message: Message) -> None: ...

    async def receive() -> Message:
        # A middleware's time limit asks for the running task.
        async with asyncio.timeout(TIMEOUT_S):
            message = await inbox.get()
        seen.append(variable.get())
        return message

    inbox: asyncio.Queue[Message] = asyncio.Queue()
    app = speaking(handler=handler)
    # Somebody else has started the sweeper.
    idle = await Connection(app, "/handler").opened()
    variable.set("handler's")
    inbox.put_nowait({"type": "websocket.connect"})
    task = asyncio.ensure_future(app(websocket_scope("/handler"), receive, send))
    await until(lambda: seen)
    inbox.put_nowait({"type": "websocket.disconnect"})
    await asyncio.wait_for(task, TIMEOUT_S)
    assert seen == ["handler's", "handler's"]
    idle.put("disconnect")
    await idle.over()


async def test_an_error_of_the_server_is_left_to_the_next_reader() -> None:
    class Broken(asyncio.Queue[Message]):
        async def get(self) -> Message:
            await asyncio.sleep(0)
            raise RuntimeError("broken")

    Broken.__module__ = asyncio.Queue.__module__
    inbox = Inbox(Broken().get, lambda: None)
    inbox.read_ahead()
    for _ in range(4):
        await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="broken"):
        await inbox.next()


async def test_a_full_inbox_stops_reading() -> None:
    queue: asyncio.Queue[Message] = asyncio.Queue()
    for number in range(MAX_UNREAD + 3):
        queue.put_nowait({"type": "websocket.receive", "text": str(number)})
    inbox = Inbox(queue.get, lambda: None)
    inbox.read_ahead()
    await until(lambda: inbox.unread == MAX_UNREAD)
    await asyncio.sleep(0)
    assert queue.qsize() == 3
    queue.put_nowait({"type": "websocket.disconnect"})
    taken = [await inbox.next() for _ in range(MAX_UNREAD + 4)]
    assert [message.get("text") for message in taken] == [*map(str, range(MAX_UNREAD + 3)), None]
    assert await inbox.next() is inbox.end


MESSAGE: Message = {"type": "websocket.receive", "text": "a"}
END: Message = {"type": "websocket.disconnect", "code": 1000}
# The table at the head of `_inbox`: how a state is reached, what happens then, and the state after it.
TRANSITIONS = [
    ("", Reading.IDLE),
    ("next", Reading.HANDLER),
    ("ahead", Reading.AHEAD),
    ("ahead fill", Reading.FULL),
    ("release", Reading.ENDED),
    ("next ahead", Reading.HANDLER),
    ("next message", Reading.IDLE),
    ("next end", Reading.ENDED),
    ("next release", Reading.ENDED),
    ("ahead ahead", Reading.AHEAD),
    ("ahead next", Reading.HANDLER),
    ("ahead message", Reading.AHEAD),
    ("ahead message next", Reading.AHEAD),
    ("ahead next message", Reading.IDLE),
    ("ahead next leave", Reading.AHEAD),
    ("ahead end", Reading.ENDED),
    ("ahead release", Reading.ENDED),
    ("ahead fill next", Reading.IDLE),
    ("ahead fill ahead", Reading.FULL),
    ("ahead fill end", Reading.FULL),
    ("ahead fill release", Reading.ENDED),
    ("ahead end next", Reading.ENDED),
    ("ahead end ahead", Reading.ENDED),
    ("ahead message end next next", Reading.ENDED),
]


@pytest.mark.parametrize(("events", "state"), TRANSITIONS)
async def test_the_transitions_of_an_inbox(events: str, state: Reading) -> None:
    queue: asyncio.Queue[Message] = asyncio.Queue()
    inbox = Inbox(queue.get, lambda: None)
    readers: list[asyncio.Task[Message]] = []
    for event in events.split():
        match event:
            case "next":
                readers.append(asyncio.ensure_future(inbox.next()))
            case "leave":
                readers[-1].cancel()
            case "ahead":
                inbox.read_ahead()
            case "fill":
                for _ in range(MAX_UNREAD):
                    queue.put_nowait(MESSAGE)
            case "message":
                queue.put_nowait(MESSAGE)
            case "end":
                queue.put_nowait(END)
            case "release":
                inbox.release()
        # As many turns as a message takes at most that waits behind a full inbox of others.
        for _ in range(3 * MAX_UNREAD):
            await asyncio.sleep(0)
    assert inbox.state is state
    inbox.release()
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


@pytest.mark.parametrize("way", ["returns", "close", "end_connection"])
async def test_a_close_that_waits_for_a_full_queue_of_unread_messages_ends(way: str) -> None:
    """hypercorn puts the end into the queue of messages while it sends to a client that has left."""

    async def handler(request: Any, ws: Websocket) -> None:
        await until(queue.full)
        if way == "close":
            await ws.close()
        elif way == "end_connection":
            ws.end_connection()

    async def send(message: Message) -> None:
        if message["type"] == "websocket.close":
            await queue.put({"type": "websocket.disconnect", "code": 1006})

    queue: asyncio.Queue[Message] = asyncio.Queue(2)
    queue.put_nowait({"type": "websocket.connect"})
    task = asyncio.ensure_future(speaking(x=handler)(websocket_scope("/x"), queue.get, send))
    await until(queue.empty)

    async def flood() -> None:
        for _ in range(20):
            await queue.put({"type": "websocket.receive", "text": "x" * 600_000})

    flooding = asyncio.ensure_future(flood())
    await asyncio.wait_for(task, TIMEOUT_S)
    flooding.cancel()


async def test_the_end_after_the_handler_finds_room_in_a_full_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """hypercorn puts the end into the queue of messages after the handler has returned, and waits for room."""

    async def handler(request: Any, ws: Websocket) -> None:
        await until(queue.full)

    async def send(message: Message) -> None:
        pass

    monkeypatch.setattr(websockets, "_QUIET_S", 0.1)
    queue: asyncio.Queue[Message] = asyncio.Queue(2)
    queue.put_nowait({"type": "websocket.connect"})
    task = asyncio.ensure_future(speaking(x=handler)(websocket_scope("/x"), queue.get, send))
    await until(queue.empty)
    for _ in range(4):
        await queue.put({"type": "websocket.receive", "text": "x" * 600_000})
    await asyncio.wait_for(task, TIMEOUT_S)
    for _ in range(5):
        await asyncio.wait_for(queue.put({"type": "websocket.receive", "text": "late"}), TIMEOUT_S)
    await asyncio.wait_for(queue.put({"type": "websocket.disconnect"}), TIMEOUT_S)
    # These had arrived together with the earlier ones.
    for _ in range(5):
        await asyncio.wait_for(queue.put({"type": "websocket.receive", "text": "late"}), TIMEOUT_S)
    await until(lambda: not websockets._discarding)


class Server:
    """The objects that uvicorn and hypercorn have for a connection, as far as they show that it is closed."""

    def __init__(self) -> None:
        self.closed = self.is_transport_closing = False
        self.transport = self

    def is_closing(self) -> bool:
        return self.is_transport_closing

    async def send(self, message: Message) -> None:
        pass


@pytest.mark.parametrize("attribute", ["closed", "is_transport_closing"])
async def test_a_full_inbox_hides_the_end_from_no_handler(attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inbox, "GRACE_S", 0.1)

    async def waiting(request: Any, ws: Websocket) -> None:
        ended.append(await ws.wait_for_connection_lost())

    async def sleeping(request: Any, ws: Websocket) -> None:
        try:
            await asyncio.sleep(2 * TIMEOUT_S)
        finally:
            ended.append("cancelled")

    ended: list[Any] = []
    app = speaking(waiting=waiting, sleeping=sleeping)
    for path in ("/waiting", "/sleeping"):
        server = Server()
        queue: asyncio.Queue[Message] = asyncio.Queue()
        queue.put_nowait({"type": "websocket.connect"})
        for _ in range(MAX_UNREAD + 5):
            queue.put_nowait({"type": "websocket.receive", "text": "unread"})
        task = asyncio.ensure_future(app(websocket_scope(path), queue.get, server.send))
        await until(lambda queue=queue: queue.qsize() == 5)  # type: ignore[misc]
        setattr(server, attribute, True)
        await asyncio.wait_for(task, TIMEOUT_S)
    assert ended == [True, "cancelled"]
