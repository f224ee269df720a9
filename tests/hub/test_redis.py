"""The hub on Redis: shared channels, outages and their costs, and the remaining keys."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("redis")

from sanic_star import Hub, Sanic
from sanic_star.engine.lifespan import InvalidSetting
from sanic_star.hub import _redis
from tests.engine.processes import free_port
from tests.hub.conftest import RedisServer
from tests.hub.test_hub import VALUES, take


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@asynccontextmanager
async def hubs(server: RedisServer, count: int = 2) -> AsyncIterator[list[Hub]]:
    """Open hubs that share a server, as those of several processes do; see that none leaves a task behind."""
    before = asyncio.all_tasks()
    opened = [Hub(url=server.url) for _ in range(count)]
    for hub in opened:
        await hub.open()
    try:
        yield opened
    finally:
        for hub in opened:
            await hub.close()
        assert asyncio.all_tasks() == before


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def connected(*hubs: Hub) -> None:
    await until(lambda: all(hub.is_connected for hub in hubs))


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


async def test_processes_share_channels(redis_server: RedisServer) -> None:
    async with (
        hubs(redis_server) as (first, second),
        first.subscribe("a") as local_messages,
        second.subscribe("a") as remote_messages,
    ):
        for value in VALUES:
            assert await first.publish("a", value)
        assert await second.publish("a", "from there")
        assert (
            await take(local_messages, len(VALUES) + 1)
            == await take(remote_messages, len(VALUES) + 1)
            == [*VALUES, "from there"]
        )
        assert local_messages.lost == remote_messages.lost == 0


async def test_prefixes_keep_applications_apart(redis_server: RedisServer) -> None:
    first, second = (Hub(Sanic(name), url=redis_server.url) for name in ("One", "Two"))
    async with first, second, first.subscribe("a") as local_messages, second.subscribe("a") as remote_messages:
        await first.publish("a", "one")
        await second.publish("a", "two")
        assert (await anext(local_messages), await anext(remote_messages)) == ("one", "two")


async def test_presence_counts_all_processes(redis_server: RedisServer) -> None:
    async def presence(*counts: int) -> None:
        async with asyncio.timeout(60):
            while tuple([await hub.presence("a") for hub in (first, second)]) != counts:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async with hubs(redis_server) as (first, second):
        async with first.subscribe("a"), first.subscribe("a"), second.subscribe("a"), second.subscribe("b"):
            await presence(3, 3)
        await presence(0, 0)
        async with second.subscribe("a"):
            await presence(1, 1)
            # As if its process had crashed.
            assert second._redis is not None
            await second._redis._client.delete(second._redis._heartbeat_key(second._redis._token))
            await presence(0, 1)


async def test_an_outage_reports_the_lost_messages(
    persistent_redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = persistent_redis_server
    async with (
        hubs(server, 3) as (first, second, three),
        first.subscribe("a") as local_messages,
        second.subscribe("a") as remote_messages,
    ):
        for number in range(3):
            await first.publish("a", number)
        assert await take(remote_messages, 3) == await take(local_messages, 3) == [0, 1, 2]
        # One process loses its connection; the others go on.
        assert second._redis is not None
        await second._redis._client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: not first.is_connected and not second.is_connected)
        for _ in range(4):
            assert three._redis is not None
            await three._redis._publish(
                keys=[three._redis._counter_key("a")],
                args=[three._redis._topic("a"), b":other:1:t:lost", 1000],
            )
        assert await first.publish("a", "only here") is False
        assert await anext(local_messages) == "only here"
        await connected(first, second, three)
        assert await second.publish("a", "again")
        assert await anext(local_messages) == await anext(remote_messages) == "again"
        assert local_messages.lost == remote_messages.lost == 4
    log = caplog.text
    assert "messages stay in this process until it reconnects" in log
    assert "4 messages of other processes were lost ('a')" in log
    assert "1 message of this process reached no other" in log
    assert errors(caplog) == []


async def test_a_server_that_forgets_makes_the_loss_unknown(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with hubs(redis_server, 1) as (hub,), hub.subscribe("a") as messages:
        await hub.publish("a", 1)
        redis_server.stop()
        await until(lambda: not hub.is_connected)
        assert await hub.publish("a", 2) is False
        assert await hub.presence("a") == 1
        redis_server.start()
        await connected(hub)
        await hub.publish("a", 3)
        assert await take(messages, 3) == [1, 2, 3]
        assert messages.lost is None
    assert "1 channel may have lost messages, because Redis has lost its data ('a')" in caplog.text
    assert errors(caplog) == []


async def test_away_at_the_start(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    redis_server.stop()
    async with (
        hubs(redis_server) as (first, second),
        first.subscribe("a") as local_messages,
        second.subscribe("a") as remote_messages,
    ):
        assert not first.is_connected
        assert await first.publish("a", "only here") is False
        assert await anext(local_messages) == "only here"
        redis_server.start()
        await connected(first, second)
        assert await first.publish("a", "everywhere")
        assert await anext(local_messages) == await anext(remote_messages) == "everywhere"
    assert errors(caplog) == []


async def test_away_for_good(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_redis, "RETRY_S", (0.001, 0.01))
    before = asyncio.all_tasks()
    hub = Hub(url=f"redis://127.0.0.1:{free_port()}")
    async with hub, hub.subscribe("a", size=10) as messages:
        for number in range(1000):
            assert await hub.publish("a", number) is False
        await asyncio.sleep(0.3)
        assert messages.dropped == 990
        assert hub._redis is not None
        assert not hub._redis._pending
        assert not hub._redis._delivered
    assert asyncio.all_tasks() == before
    # One line, however often it tries.
    assert caplog.text.count("has no connection to") == 1
    assert errors(caplog) == []


async def test_a_server_that_never_answers(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("OPEN_S", "COMMAND_S"):
        monkeypatch.setattr(_redis, limit, 0.1)
    before = asyncio.all_tasks()
    held = list[asyncio.StreamWriter]()
    silent = await asyncio.start_server(lambda reader, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    hub = Hub(url=f"redis://127.0.0.1:{port}")
    async with hub, hub.subscribe("a") as messages:
        assert await hub.publish("a", "here") is False
        assert await anext(messages) == "here"
    silent.close()
    for writer in held:
        writer.close()
    await until(lambda: asyncio.all_tasks() == before)
    assert errors(caplog) == []


async def test_a_server_that_falls_silent_counts_as_away(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_redis, "COMMAND_S", 0.2)
    monkeypatch.setattr(_redis, "HEARTBEAT_S", 0.05)
    async with hubs(redis_server, 1) as (hub,), hub.subscribe("a") as messages:
        assert hub._redis is not None
        await hub._redis._client.execute_command("CLIENT", "PAUSE", 1500)
        # The message may come back after the pause: it is delivered once.
        await hub.publish("a", "once")
        await until(lambda: not hub.is_connected)
        await connected(hub)
        await hub.publish("a", "end")
        heard = []
        async for message in messages:
            heard.append(message)
            if message == "end":
                break
        assert heard == ["once", "end"]
    assert errors(caplog) == []


async def test_many_channels(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async with hubs(redis_server) as (first, second):
        subscriptions = [first.subscribe(f"room:{number}") for number in range(10_000)]
        async with asyncio.timeout(120):
            await asyncio.gather(*(subscription.__aenter__() for subscription in subscriptions))
            for number in (0, 5_000, 9_999):
                assert await second.publish(f"room:{number}", number)
                assert await anext(subscriptions[number]) == number
        for subscription in subscriptions:
            subscription.close()
        redis = first._redis
        assert redis is not None
        await until(lambda: not redis._subscribed)
        assert not redis._last
        assert not redis._ready
        assert not redis._acknowledgements
    assert errors(caplog) == []


async def test_a_subscriber_that_is_cancelled_while_it_subscribes(redis_server: RedisServer) -> None:
    async with hubs(redis_server, 1) as (hub,):
        for _ in range(20):
            task = asyncio.ensure_future(hub.subscribe("a").__aenter__())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                # It was faster.
                task.result().close()
        assert hub._channels == {}


async def test_foreign_messages_are_ignored(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async with hubs(redis_server, 1) as (hub,), hub.subscribe("a") as messages:
        assert hub._redis is not None
        numbers = (b"x:t:1", b"-5:t:1", b"0:t:1", b"1_0:t:1", b" 1:t:1", b"9" * 5000 + b":t:1", b"1:t:-1", b"1:t:x")
        contents = (b"t:\xff", b"x:x", b"j:", b"j:{", b"j:\xff", b'j:"\xed\xa0\x80"', b"j:" + b"[" * 100_000)
        await hub.publish("a", "first")
        for foreign in (
            *(b"", b"hello", b"1:2:3"),
            *(head + b":t:x" for head in (*numbers, b"1:\xff:1")),
            *(b"1000000:t:1:" + content for content in contents),
        ):
            await hub._redis._client.publish(hub._redis._topic("a"), foreign)
        await hub.publish("a", "ours")
        assert await take(messages, 2) == ["first", "ours"]
        assert messages.lost == 0
    assert caplog.text.count("has a message that is not of a hub") == 1
    assert errors(caplog) == []


async def test_a_server_that_refuses_to_write(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async with hubs(redis_server, 1) as (hub,), hub.subscribe("a") as messages:
        assert hub._redis is not None
        await hub._redis._client.config_set("maxmemory", "1")
        for number in range(3):
            assert await hub.publish("a", number) is False
        assert await take(messages, 3) == [0, 1, 2]
    assert caplog.text.count("a message was not published") == 1
    assert errors(caplog) == []


@pytest.mark.parametrize(
    "url", ["http://localhost", "localhost:6379", "redis://localhost:port", "nonsense", "redis://[::1"]
)
async def test_an_invalid_url(url: str) -> None:
    with pytest.raises(InvalidSetting, match="HUB_URL is"):
        await Hub(url=url).open()


async def test_the_log_shows_no_password(caplog: pytest.LogCaptureFixture) -> None:
    async with Hub(url=f"redis://user:secret@127.0.0.1:{free_port()}/3?password=hidden"):
        pass
    assert "127.0.0.1" in caplog.text
    assert "secret" not in caplog.text
    assert "hidden" not in caplog.text


async def test_the_url_is_a_setting(redis_server: RedisServer) -> None:
    app = Sanic("App")
    app.config.HUB_URL = redis_server.url
    app.config.HUB_PREFIX = "chat:"
    hub = Hub(app)
    async with hub, hub.subscribe("a"):
        assert hub._redis is not None
        assert await hub._redis._client.pubsub_numsub("chat:a") == [(b"chat:a", 1)]
