"""The hub in memory: messages, policies for slow subscribers, presence, and misuse."""

import asyncio
import gc
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from sanic_star import Config, EventStream, Hub, Sanic, Websocket, empty
from sanic_star.engine.lifespan import InvalidSetting
from sanic_star.hub import Subscription
from sanic_star.testing import TestClient

VALUES: list[Any] = ["text", "", "é", b"\xff\0", {"a": [1, None, 2.5]}, ["x"], 3, True, None, {}]


async def take(messages: Subscription, count: int) -> list[Any]:
    return [await anext(messages) for _ in range(count)]


async def rest(messages: Subscription) -> list[Any]:
    return [message async for message in messages]


async def test_messages_arrive_as_they_were_published() -> None:
    hub = Hub()
    async with hub.subscribe("a") as first, hub.subscribe("a") as second, hub.subscribe("b") as other:
        for value in VALUES:
            assert await hub.publish("a", value)
        assert await take(first, len(VALUES)) == VALUES
        assert await take(second, len(VALUES)) == VALUES
        assert await hub.publish("b", "only b")
        assert await take(other, 1) == ["only b"]


async def test_subscribers_do_not_share_a_value() -> None:
    hub = Hub()
    async with hub.subscribe("a") as subscription, hub.subscribe("a") as second:
        published = {"names": ["x"]}
        await hub.publish("a", published)
        published["names"].append("changed")
        first = await anext(subscription)
        first["names"].append("y")
        assert await anext(second) == {"names": ["x"]}


async def test_json_arrives_as_text_where_it_is_not_decoded() -> None:
    hub = Hub()
    async with hub.subscribe("a", decode=False) as messages:
        for value in ({"a": 1}, "text", b"bytes"):
            await hub.publish("a", value)
        assert await take(messages, 3) == ['{"a":1}', "text", b"bytes"]


@pytest.mark.parametrize("value", [object(), "\ud800", {"a": object()}, float, lambda: None])
async def test_a_value_that_cannot_be_serialised_raises_in_publish(value: Any) -> None:
    hub = Hub()
    async with hub.subscribe("a") as messages:
        with pytest.raises((TypeError, ValueError)):
            await hub.publish("a", value)
        await hub.publish("a", "next")
        assert await take(messages, 1) == ["next"]


async def test_the_writer_of_json_is_the_applications() -> None:
    app = Sanic("App", dumps=lambda value: f"<{value}>")
    hub = Hub(app)
    async with hub.subscribe("a", decode=False) as messages:
        await hub.publish("a", 5)
        assert await anext(messages) == "<5>"


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda hub: hub.subscribe(7), TypeError),
        (lambda hub: hub.subscribe(None), TypeError),
        (lambda hub: hub.subscribe(b"a"), TypeError),
        (lambda hub: hub.subscribe(""), ValueError),
        (lambda hub: hub.subscribe("\ud800"), ValueError),
        (lambda hub: hub.subscribe("a", size=0), ValueError),
        (lambda hub: hub.subscribe("a", size=1.5), TypeError),
        (lambda hub: hub.subscribe("a", size=True), TypeError),
        (lambda hub: hub.subscribe("a", when_full="block"), ValueError),
        (lambda hub: hub.attach(object(), "a"), TypeError),
    ],
)
async def test_wrong_arguments_are_refused_at_once(use: Callable[[Hub], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        use(Hub())


async def test_wrong_channels_are_refused_by_coroutines() -> None:
    hub = Hub()
    for call in (hub.publish(7, "x"), hub.presence(7)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="the name of a channel has to be text"):
            await call


@pytest.mark.parametrize(
    ("when_full", "expected", "dropped"),
    [("drop_oldest", [7, 8, 9], 7), ("drop_newest", [0, 1, 2], 7), ("close", [0, 1, 2], 1)],
)
async def test_a_slow_subscriber(when_full: Any, expected: list[int], dropped: int) -> None:
    hub = Hub()
    async with hub.subscribe("a", size=3, when_full=when_full) as slow, hub.subscribe("a") as fast:
        for number in range(10):
            await hub.publish("a", number)
        assert await take(fast, 10) == list(range(10))
        assert await hub.presence("a") == (1 if when_full == "close" else 2)
        if when_full != "close":
            await hub.close()
        assert await rest(slow) == expected
        assert slow.dropped == dropped


async def test_memory_is_bounded_for_one_that_never_reads() -> None:
    hub = Hub()
    async with hub.subscribe("a", size=5) as messages:
        for number in range(20_000):
            await hub.publish("a", number)
        assert messages.dropped == 19_995
        assert len(messages._queue) == 5


async def test_presence_counts_subscribers() -> None:
    hub = Hub()
    assert await hub.presence("a") == 0
    subscription = hub.subscribe("a")
    assert await hub.presence("a") == 0
    async with subscription:
        assert await hub.presence("a") == 1
        async with hub.subscribe("a"), hub.subscribe("b"):
            assert (await hub.presence("a"), await hub.presence("b")) == (2, 1)
    assert await hub.presence("a") == 0
    assert hub._channels == {}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def listen(hub: Hub, heard: list[Any], end: str) -> None:
    async for message in hub.subscribe("a"):
        if message == "raise":
            raise LookupError
        if message == "leave":
            break
        heard.append(message)


@pytest.mark.parametrize("end", ["cancel", "leave", "raise", "close"])
async def test_a_closed_loop_leaves_no_references(end: str) -> None:
    hub, heard = Hub(), list[Any]()
    before = asyncio.all_tasks()
    task = asyncio.create_task(listen(hub, heard, end))
    await until(lambda: "a" in hub._channels)
    await hub.publish("a", "first")
    await until(lambda: heard == ["first"])
    if end == "cancel":
        task.cancel()
    elif end == "close":
        await hub.close()
    else:
        await hub.publish("a", end)
    await asyncio.wait({task})
    del task
    gc.collect()
    assert hub._channels == {}
    assert asyncio.all_tasks() == before


async def test_a_time_limit_on_a_message_does_not_end_the_subscription() -> None:
    hub = Hub()
    async with hub.subscribe("a") as messages:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(messages)
        await hub.publish("a", "later")
        assert await anext(messages) == "later"


async def test_two_tasks_cannot_share_a_subscription() -> None:
    hub = Hub()
    async with hub.subscribe("a") as messages:
        waiting = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="Another task is already waiting"):
            await anext(messages)
        messages.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
    with pytest.raises(RuntimeError, match="is closed"):
        await messages.__aenter__()


async def test_many_channels() -> None:
    hub = Hub()
    subscriptions = [hub.subscribe(f"room:{number}") for number in range(10_000)]
    for subscription in subscriptions:
        await subscription.__aenter__()
    await hub.publish("room:9999", "here")
    assert await anext(subscriptions[-1]) == "here"
    for subscription in subscriptions:
        await subscription.aclose()
    assert hub._channels == {}


def test_the_hub_is_closed_with_its_application() -> None:
    app = Sanic("App")
    hub = Hub(app)

    @app.get("/")
    async def subscribe(request: Any) -> Any:
        await request.app.ctx.messages.__aenter__()
        return empty()

    app.ctx.messages = hub.subscribe("a")
    with TestClient(app) as client:
        client.get("/")
        assert hub._channels
    assert hub._channels == {}
    assert asyncio.run(rest(app.ctx.messages)) == []


@pytest.mark.parametrize("url", [5, True, ["redis://localhost"]])
async def test_a_url_that_is_not_text(url: Any) -> None:
    app = Sanic("App")
    app.config.HUB_URL = url
    with pytest.raises(InvalidSetting, match="HUB_URL is"):
        await Hub(app).open()


@pytest.mark.parametrize("url", [None, ""])
async def test_without_a_url_nothing_is_loaded(url: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "sanic_star.hub._redis", raising=False)
    app = Sanic("App")
    app.config.HUB_URL = url
    async with Hub(app) as hub:
        assert not hub.is_connected


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "Set HUB_URL (the environment variable SANIC_HUB_URL) to"),
        ({"env_prefix": "SHOP_"}, "Set HUB_URL (the environment variable SHOP_HUB_URL) to"),
        ({"env_prefix": None}, "Set HUB_URL to"),
        ({"config": Config({}, env_prefix="CART_")}, "Set HUB_URL (the environment variable CART_HUB_URL) to"),
    ],
)
def test_the_warning_for_several_workers_names_the_variable(
    options: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SANIC_WORKER_NAME", "Sanic-Server-0-0")
    app = Sanic("App", **options)
    app.state.workers = 2
    Hub(app)
    with TestClient(app):
        pass
    (message,) = (record.getMessage() for record in caplog.records if "keeps its channels" in record.getMessage())
    assert name in message


async def test_a_url_needs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "sanic_star.hub._redis", raising=False)
    with pytest.raises(InvalidSetting, match="needs the package redis"):
        await Hub(url="redis://localhost").open()


def test_an_event_stream_sends_a_channel() -> None:
    app = Sanic("App")
    hub = Hub(app)

    @app.get("/events")
    async def events(request: Any) -> EventStream:
        subscription = await hub.subscribe("a", decode=False).__aenter__()
        for number in range(2):
            await hub.publish("a", {"number": number})
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(hub.close()))
        return EventStream(subscription)

    with TestClient(app) as client:
        assert client.get("/events").text == 'data: {"number":0}\n\ndata: {"number":1}\n\n'
    assert hub._channels == {}


def test_websockets_get_a_channel() -> None:
    app = Sanic("App")
    hub = Hub(app)

    @app.websocket("/rooms/<room>")
    async def room(request: Any, ws: Websocket, room: str) -> None:
        async with hub.attach(ws, room) as attachment:
            await hub.publish(room, {"present": await hub.presence(room)})
            async for message in ws:
                await hub.publish(room, message)
            assert attachment.dropped == 0

    with TestClient(app) as client, client.websocket_connect("/rooms/a") as websocket:
        assert websocket.receive_text() == '{"present":1}'
        with client.websocket_connect("/rooms/a") as second_websocket:
            assert second_websocket.receive_text() == websocket.receive_text() == '{"present":2}'
            second_websocket.send_text("hello")
            second_websocket.send_bytes(b"\xff")
            for client_socket in (websocket, second_websocket):
                assert client_socket.receive_text() == "hello"
                assert client_socket.receive_bytes() == b"\xff"
    assert hub._channels == {}


class Server:
    """Stands in for a connection of uvicorn's, as far as an attachment looks at it."""

    class State:
        name = "OPEN"

    def __init__(self) -> None:
        self.conn = self
        self.transport = self
        self.state = self.State()
        self.writable = asyncio.Event()
        self.writable.set()
        self.close_sent = False
        self.handshake_complete = True
        self.aborted = False
        self.sent: deque[Any] = deque()

    def write(self, frame: bytes) -> None:
        self.sent.append(frame)

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.aborted = True

    async def receive(self) -> dict[str, Any]:
        if self.sent:
            await asyncio.Event().wait()
        return {"type": "websocket.connect"}

    async def send(self, message: Any) -> None:
        await self.writable.wait()
        self.sent.append(message.get("text", message["type"]))


async def socket_on(server: Server) -> Websocket:
    ws = Websocket({"type": "websocket", "path": "/", "headers": []}, server.receive, server.send)
    await ws.accept()
    server.sent.clear()
    return ws


async def test_a_frame_is_built_once_and_written_at_once() -> None:
    hub, servers = Hub(), [Server() for _ in range(3)]
    sockets = [await socket_on(server) for server in servers]
    before = asyncio.all_tasks()
    attachments = [hub.attach(ws, "a") for ws in sockets]
    for attachment in attachments:
        await attachment.__aenter__()
    # RFC 6455, section 5.7; and the longer forms of the length.
    for message, head in [("Hello", b"\x81\x05"), (b"x" * 200, b"\x82\x7e\x00\xc8"), ("y" * 70_000, b"\x81\x7f")]:
        await hub.publish("a", message)
        frames = [server.sent.pop() for server in servers]
        assert frames[0].startswith(head)
        assert frames[0] is frames[1] is frames[2]
    assert asyncio.all_tasks() == before
    for attachment in attachments:
        await attachment.__aexit__(None, None, None)
    assert hub._channels == {}


@pytest.mark.parametrize(
    ("when_full", "expected"), [("drop_oldest", ["0", "8", "9"]), ("drop_newest", ["0", "1", "2"])]
)
async def test_a_slow_client_gets_what_its_queue_holds(when_full: Any, expected: list[str]) -> None:
    hub, server = Hub(), Server()
    ws = await socket_on(server)
    async with hub.attach(ws, "a", size=2, when_full=when_full) as attachment:
        server.writable.clear()
        await hub.publish("a", "0")
        await asyncio.sleep(0)
        for number in range(1, 10):
            await hub.publish("a", str(number))
        assert not server.sent
        server.writable.set()
        await until(lambda: len(server.sent) == 3)
        assert list(server.sent) == expected
        assert attachment.dropped == 7
        await until(lambda: attachment._task is None)
        await hub.publish("a", "fast again")
        assert server.sent[-1] == b"\x81\x0afast again"


async def test_a_slow_client_is_closed_with_the_close_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.hub._sockets.CLOSE_S", 0.01)
    hub, server = Hub(), Server()
    before = asyncio.all_tasks()
    async with hub.attach(await socket_on(server), "a", size=2, when_full="close"):
        server.writable.clear()
        for number in range(10):
            await hub.publish("a", number)
        assert await hub.presence("a") == 0
        # It does not even take the close frame.
        await until(lambda: server.aborted)
    assert asyncio.all_tasks() == before


async def test_a_connection_that_has_ended_is_left_alone() -> None:
    hub, server = Hub(), Server()
    ws = await socket_on(server)
    async with hub.attach(ws, "a") as attachment:
        server.close_sent = True
        ws._closed = True
        await hub.publish("a", "late")
        assert attachment._task is None
        assert not server.sent
        assert await hub.presence("a") == 0
