"""Channels that several processes share, by way of Redis.

A message goes to Redis, and comes back from there to every process with a subscriber, its own among them: so all
subscribers of a channel get its messages in the same order. What Redis publishes, it forgets. To know what was lost
while the connection was, each channel has a counter there, and a message has its number:

- A number that is missing before a message, or that the counter has reached meanwhile, is a lost message.
- A counter that is behind, or gone, was lost with the memory of Redis: then nobody knows how many messages were lost.

While Redis is away, messages go to the subscribers of this process only, and are counted. They are not kept for later:
that would need memory without bound, and old messages after new ones.

| state | becomes | when |
|---|---|---|
| away | connected | all channels are subscribed to |
| connected | away | the connection breaks off, or Redis is silent for `SILENCE_S` |
| any | closed | the hub is closed |

Two tasks use the connection: one reads, one subscribes, counts subscribers and shows that this process is alive.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import count, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sanic_star.compat.log import error_logger, logger
from sanic_star.engine.failures import log_error
from sanic_star.engine.lifespan import InvalidSetting
from sanic_star.hub._messages import Kind, Message

if TYPE_CHECKING:
    from sanic_star.hub._subscriptions import Subscriber

# How long the start of the application waits for Redis, in seconds; afterwards it connects in the background.
OPEN_S = 2.0
# How long one command may take, in seconds.
COMMAND_S = 5.0
# How often this process shows that it is alive, in seconds; after four times as long it counts as gone.
HEARTBEAT_S = 5.0
# After so long without a sign of life the connection counts as broken, in seconds.
SILENCE_S = 3 * HEARTBEAT_S
# The first and the longest pause before the next attempt to connect, in seconds.
RETRY_S = 0.1, 5.0
# How long the counter of a channel without messages and the table of its subscribers are kept, in seconds.
KEEP_S = 24 * 3600
# How often the tables of subscribers are written anew, so that they are kept: in heartbeats; an hour.
REFRESH_HEARTBEATS = 720
# Connections for commands at a time; more publishers wait for one. A subscriber's connection is one more.
CONNECTIONS = 8
# Channels in one command.
BATCH = 500
# Own messages of which nobody knows whether Redis has got them, and which were delivered here: so many are remembered.
DELIVERED = 1000
# A failing command of a connection that holds is logged once in so many seconds.
COMPLAINT_S = 10.0
# How many channels the log names.
NAMED = 5

# One step, so that numbers and messages have the same order.
PUBLISH = """
local number = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[1], number .. ARGV[2])
return number
"""
_AWAY = (RedisError, OSError, TimeoutError)


class Redis:
    """The connection of one hub with Redis.

    Args:
        url: where Redis is.
        prefix: of the names of channels and keys.
        channels: the subscribers of this process, by channel; the hub's own table.
        deliver: hands a message to the subscribers of this process.

    Raises:
        InvalidSetting: the URL is none of Redis.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        channels: dict[str, set[Subscriber]],
        deliver: Callable[[str, Message], None],
    ) -> None:
        self._shown_url = _without_password(url)
        try:
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS + 1,
                timeout=COMMAND_S,
                # With a time-out redis-py writes inside `asyncio.wait_for`, which now and then loses a cancellation
                # until Python 3.12. All commands here have a time limit of their own.
                socket_timeout=None,
                socket_connect_timeout=OPEN_S,
                # It reconnects itself, because it has to ask what was lost meanwhile.
                retry=Retry(NoBackoff(), 0),
                health_check_interval=0,
            )
        except ValueError as error:
            raise InvalidSetting(f"HUB_URL is {self._shown_url!r}: {error}") from None
        self._client: Any = redis.asyncio.Redis(connection_pool=pool)
        self._publish: Any = self._client.register_script(PUBLISH)
        self._prefix, self._channels, self._deliver = prefix, channels, deliver
        self._token = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False
        # Set when the first attempt has succeeded or failed.
        self._tried = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # Publishing: own messages on their way, by number, and whether they have come back.
        self._numbers = count(1)
        self._pending: dict[int, bool] = {}
        self._delivered: dict[int, None] = {}
        self._complained = -COMPLAINT_S
        # Subscribing: channels whose subscribers have changed; those that Redis knows of; answers that are to come.
        self._touched: set[str] = set()
        self._touch = asyncio.Event()
        self._subscribed: set[str] = set()
        self._acknowledgements: Counter[str] = Counter()
        self._ready: dict[str, asyncio.Event] = {}
        # The number of the last message by channel; what the outage has cost.
        self._last: dict[str, int] = {}
        self._unsent = 0
        self._heard = 0.0

    # Life -----------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin to connect; return when that has succeeded, or after `OPEN_S`."""
        self._task = self._loop.create_task(self._stay_connected(), name="hub: Redis")
        try:
            async with asyncio.timeout(OPEN_S):
                await self._tried.wait()
        except TimeoutError:
            logger.warning("The hub gets no answer from %s; it goes on trying", self._shown_url)

    async def close(self) -> None:
        """End the connection; subscribers of this process are counted no longer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self.is_connected:
            self.is_connected = False
            self._release_waiting()
            try:
                async with asyncio.timeout(OPEN_S):
                    await self._client.delete(self._alive(self._token))
            except _AWAY:
                pass  # it is forgotten in a moment
        try:
            async with asyncio.timeout(OPEN_S):
                await self._client.aclose()
                await self._client.connection_pool.disconnect()
        except _AWAY:
            pass

    async def _stay_connected(self) -> None:
        """Connect, again and again."""
        pause, failed_at = RETRY_S[0], None
        while True:
            pubsub = self._client.pubsub()
            try:
                async with asyncio.timeout(COMMAND_S):
                    # A channel of its own, because the reader needs at least one.
                    await pubsub.subscribe(self._prefix + self._token)
                self._heard = self._loop.time()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._read(pubsub), name="hub: read from Redis")
                    tasks.create_task(self._keep_up(pubsub, failed_at), name="hub: subscribe at Redis")
            except* _AWAY as failures:
                error: BaseException = _first(failures)
                if self.is_connected or failed_at is None:
                    logger.warning(
                        "The hub has no connection with %s (%s); messages stay in this process until it is back",
                        self._shown_url,
                        _reason(error),
                    )
            except* Exception as failures:
                log_error(error_logger, _first(failures), "Exception in the hub's connection with Redis")
            finally:
                await _close(pubsub)
            if self.is_connected:
                pause = RETRY_S[0]
            if failed_at is None or self.is_connected:
                failed_at = self._loop.time()
            self._disconnected()
            self._tried.set()
            # Not all processes at once, when Redis is back.
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(pause * 2, RETRY_S[1])

    def _disconnected(self) -> None:
        self.is_connected = False
        self._subscribed.clear()
        self._acknowledgements.clear()
        self._release_waiting()

    def _release_waiting(self) -> None:
        for event in self._ready.values():
            event.set()
        self._ready.clear()

    # Subscribing ----------------------------------------------------------------------------------------------------

    def note_change(self, channel: str) -> None:
        """Learn that a channel has got or lost a subscriber."""
        self._touched.add(channel)
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        # The garbage collector may drop a subscription in any thread; the next heartbeat notices.
        if running is self._loop:
            self._touch.set()

    async def until_subscribed(self, channel: str) -> None:
        """Wait until Redis has confirmed the subscription of a channel, or is away."""
        if not self.is_connected or (channel in self._subscribed and not self._acknowledgements[channel]):
            return
        event = self._ready.setdefault(channel, asyncio.Event())
        try:
            async with asyncio.timeout(COMMAND_S):
                await event.wait()
        except TimeoutError:
            pass  # the next sign of life fails, too

    async def _keep_up(self, pubsub: Any, failed_at: float | None) -> None:
        """Tell Redis which channels have how many subscribers here, and that this process is alive."""
        lost: Counter[str] = Counter()
        unknown: list[str] = []
        for names in _batches(self._channels):
            async with asyncio.timeout(COMMAND_S):
                await self._subscribe(pubsub, names, lost, unknown)
        self._touched.update(self._channels)
        await self._show_life(pubsub)
        self.is_connected = True
        if failed_at is not None:
            self._report_outage(self._loop.time() - failed_at, lost, unknown)
        self._tried.set()
        heartbeats = 0
        while True:
            self._touch.clear()
            touched, self._touched = self._touched, set()
            for names in _batches(touched):
                async with asyncio.timeout(COMMAND_S):
                    await self._follow(pubsub, names)
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._touch.wait()
            except TimeoutError:
                heartbeats += 1
                if self._loop.time() - self._heard > SILENCE_S:
                    raise TimeoutError(f"no answer for {SILENCE_S:.0f} s") from None
                await self._show_life(pubsub)
                if heartbeats % REFRESH_HEARTBEATS == 0:
                    self._touched.update(self._channels)

    async def _show_life(self, pubsub: Any) -> None:
        async with asyncio.timeout(COMMAND_S):
            await pubsub.ping()
            await self._client.set(self._alive(self._token), 1, px=int(4000 * HEARTBEAT_S))

    async def _follow(self, pubsub: Any, names: Collection[str]) -> None:
        """Subscribe to channels or leave them, and count their subscribers."""
        left = [name for name in names if name not in self._channels and name in self._subscribed]
        if left:
            self._subscribed.difference_update(left)
            for name in left:
                self._last.pop(name, None)
            await pubsub.unsubscribe(*map(self._topic, left))
        await self._subscribe(pubsub, [name for name in names if name not in self._subscribed], Counter(), [])
        async with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                subscribers = len(self._channels.get(name, ()))
                if subscribers:
                    pipeline.hset(self._presence(name), self._token, subscribers)
                    pipeline.expire(self._presence(name), KEEP_S)
                else:
                    pipeline.hdel(self._presence(name), self._token)
            await pipeline.execute()

    async def _subscribe(self, pubsub: Any, names: Iterable[str], lost: Counter[str], unknown: list[str]) -> None:
        """Subscribe to channels that have subscribers; add up what their counters say was lost since the last time."""
        names = [name for name in names if name in self._channels]
        if not names:
            return
        # Before the subscription: a message that comes between the two has a number that is one too high.
        for name, counter in zip(names, await self._client.mget(map(self._counter, names)), strict=True):
            reached, last = int(counter or 0), self._last.get(name)
            if last is not None and reached < last:
                unknown.append(name)
                self._note_loss(name, None)
            elif last is not None and reached > last:
                lost[name] += reached - last
                self._note_loss(name, reached - last)
            self._last[name] = reached
        self._subscribed.update(names)
        self._acknowledgements.update(names)
        await pubsub.subscribe(*map(self._topic, names))

    # Reading --------------------------------------------------------------------------------------------------------

    async def _read(self, pubsub: Any) -> None:
        while True:
            received = await pubsub.get_message(timeout=HEARTBEAT_S)
            if received is None:
                continue
            self._heard = self._loop.time()
            if received["type"] == "message":
                name = received["channel"].decode(errors="replace").removeprefix(self._prefix)
                self._receive(name, received["data"])
            elif received["type"] == "subscribe":
                self._acknowledge(received["channel"].decode(errors="replace").removeprefix(self._prefix))

    def _acknowledge(self, name: str) -> None:
        self._acknowledgements[name] -= 1
        if self._acknowledgements[name] <= 0:
            del self._acknowledgements[name]
            event = self._ready.pop(name, None)
            if event is not None:
                event.set()

    def _receive(self, name: str, data: bytes) -> None:
        try:
            number, token, own_number, kind, payload = data.split(b":", 4)
            self._take(name, int(number), token.decode(), int(own_number), _decoded(kind, payload))
        except ValueError:
            self._complain(f"something on the channel {name!r} is no message of a hub")

    def _take(self, name: str, number: int, token: str, own_number: int, message: Message) -> None:
        """Hand a message on, unless that was done when it was published.

        Args:
            name: its channel.
            number: the counter of the channel.
            token: the process that has published it.
            own_number: which of that process's messages it is.
            message: what was published.
        """
        if name not in self._channels:
            return
        last = self._last.get(name)
        if last is not None and number > last + 1:
            logger.warning("%d messages of the channel %r were lost on the way from Redis", number - last - 1, name)
            self._note_loss(name, number - last - 1)
        self._last[name] = number
        if token == self._token:
            if own_number in self._delivered:
                return
            if own_number in self._pending:
                self._pending[own_number] = True
        self._deliver(name, message)

    # Publishing -----------------------------------------------------------------------------------------------------

    async def publish(self, channel: str, message: Message) -> bool:
        """Publish a message to all processes, or to this one where Redis is away; return which."""
        if not self.is_connected:
            self._unsent += 1
            self._deliver(channel, message)
            return False
        number = next(self._numbers)
        self._pending[number] = False
        data = message.data.encode() if isinstance(message.data, str) else message.data
        head = f":{self._token}:{number}:{message.kind}:".encode()
        try:
            async with asyncio.timeout(COMMAND_S):
                await self._publish(keys=[self._counter(channel)], args=[self._topic(channel), head + data, KEEP_S])
            return True
        except _AWAY as error:
            self._unsent += 1
            if not self._pending[number]:
                # It may come back nevertheless.
                self._delivered[number] = None
                if len(self._delivered) > DELIVERED:
                    del self._delivered[next(iter(self._delivered))]
                self._deliver(channel, message)
            self._complain(f"a message was not published: {_reason(error)}")
            return False
        finally:
            del self._pending[number]

    async def count_others(self, channel: str) -> int:
        """Count the subscribers of a channel in other processes; none while Redis is away."""
        if not self.is_connected:
            return 0
        try:
            async with asyncio.timeout(COMMAND_S):
                counts = await self._client.hgetall(self._presence(channel))
                others = [token.decode() for token in counts if token.decode() != self._token]
                if not others:
                    return 0
                async with self._client.pipeline(transaction=False) as pipeline:
                    for token in others:
                        pipeline.exists(self._alive(token))
                    alive = dict(zip(others, await pipeline.execute(), strict=True))
                gone = [token for token in others if not alive[token]]
                if gone:
                    await self._client.hdel(self._presence(channel), *gone)
            return sum(int(number) for token, number in counts.items() if alive.get(token.decode()))
        except _AWAY as error:
            self._complain(f"subscribers were not counted: {_reason(error)}")
            return 0

    # Reports --------------------------------------------------------------------------------------------------------

    def _complain(self, what: str) -> None:
        now = self._loop.time()
        if now - self._complained >= COMPLAINT_S:
            self._complained = now
            logger.warning("The hub at %s: %s", self._shown_url, what)

    def _note_loss(self, name: str, number: int | None) -> None:
        for subscriber in self._channels.get(name, ()):
            lost = subscriber.lost
            subscriber.lost = None if lost is None or number is None else lost + number

    def _report_outage(self, seconds: float, lost: Counter[str], unknown: list[str]) -> None:
        said = [f"{lost.total()} messages of other processes were lost{_names(lost)}"]
        if unknown:
            said.append(f"on {len(unknown)} channels an unknown number{_names(unknown)}")
        said.append(f"{self._unsent} messages of this process reached no other")
        logger.warning("The hub is connected with %s again after %.1f s: %s", self._shown_url, seconds, "; ".join(said))
        self._unsent = 0

    # Names ----------------------------------------------------------------------------------------------------------

    def _topic(self, channel: str) -> str:
        return self._prefix + channel

    def _counter(self, channel: str) -> str:
        return f"{self._prefix}number:{channel}"

    def _presence(self, channel: str) -> str:
        return f"{self._prefix}presence:{channel}"

    def _alive(self, token: str) -> str:
        return f"{self._prefix}alive:{token}"


def _decoded(kind: bytes, payload: bytes) -> Message:
    if kind == b"b":
        return Message("b", payload)
    if kind not in (b"t", b"j"):
        raise ValueError(f"unknown kind {kind!r}")
    letter: Kind = "t" if kind == b"t" else "j"
    return Message(letter, payload.decode())


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    names = iter(tuple(names))
    while batch := list(islice(names, BATCH)):
        yield batch


def _names(channels: Iterable[str]) -> str:
    names = list(channels)
    if not names:
        return ""
    shown = ", ".join(repr(name) for name in names[:NAMED])
    return f" ({shown}{', …' if len(names) > NAMED else ''})"


def _first(failures: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0].removesuffix(".") or type(error).__name__


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=host, query="", fragment="").geturl()
    except ValueError:
        return "a malformed URL"


async def _close(pubsub: Any) -> None:
    try:
        async with asyncio.timeout(OPEN_S):
            await pubsub.aclose()
    except _AWAY:
        pass
