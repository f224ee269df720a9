"""`Redis`: the channels that several processes share through a Redis server.

A process sends a message to Redis, and Redis sends it to each process with a subscriber, also to the publishing one. So
all subscribers of a channel get its messages in the same order. Redis does not store messages. To detect lost ones,
each channel has a counter in Redis, and each message has a number:

- If numbers are missing before a message, or if the counter has advanced during an outage, messages were lost.
- If the counter is lower than before, or missing, Redis has lost its data: the number of lost messages is unknown.

During an outage of Redis, messages go only to the subscribers of this process, and are counted. They are not stored for
later: that would need unbounded memory, and old messages would arrive after new ones.

| state | becomes | when |
|---|---|---|
| disconnected | connected | all channels are subscribed |
| connected | disconnected | the connection ends, or Redis sends nothing for `SILENCE_S` |
| any | closed | the hub is closed |

Two tasks use the connection. One reads. The other one subscribes, publishes the numbers of subscribers, and sends the
heartbeats of this process.
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
# The interval of this process's heartbeats, in seconds; without one for four intervals it counts as ended.
HEARTBEAT_S = 5.0
# How long Redis may send nothing until the connection counts as lost, in seconds.
SILENCE_S = 3 * HEARTBEAT_S
# The first and the longest pause between two attempts to connect, in seconds.
RETRY_S = 0.1, 5.0
# The time to live of the counter and the subscriber table of a channel, in seconds.
EXPIRY_S = 24 * 3600
# How often the subscriber tables are written again, so that they do not expire: in heartbeats; one hour.
REFRESH_HEARTBEATS = 720
# The maximum number of connections for commands; further publishers wait. The subscribing connection is one more.
MAX_CONNECTIONS = 8
# The number of channels in one command.
BATCH_SIZE = 500
# The maximum number of own messages to remember that were delivered here after a failed command: Redis may have
# received them, and send them back.
MAX_DELIVERED = 1000
# The shortest time between two warnings about failed commands, in seconds.
WARNING_INTERVAL_S = 10.0
# The maximum number of channels that a log message names.
MAX_NAMED = 5

# A script, which Redis runs atomically: numbers and messages have the same order.
PUBLISH_SCRIPT = """
local number = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[1], number .. ARGV[2])
return number
"""
_OUTAGE_ERRORS = (RedisError, OSError, TimeoutError)


class Redis:
    """The connection of one hub to Redis.

    Args:
        url: the URL of the Redis server.
        prefix: the prefix of the names of channels and keys.
        channels: the subscribers of this process by channel; the table of the hub.
        deliver: passes a message to the subscribers of this process.

    Raises:
        InvalidSetting: the URL is not a Redis URL.
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
                max_connections=MAX_CONNECTIONS + 1,
                timeout=COMMAND_S,
                # With a timeout redis-py writes inside `asyncio.wait_for`, which before Python 3.12 may lose a
                # cancellation. All commands here have their own timeout.
                socket_timeout=None,
                socket_connect_timeout=OPEN_S,
                # redis-py must not reconnect: this class has to read the counters then.
                retry=Retry(NoBackoff(), 0),
                health_check_interval=0,
            )
        except ValueError as error:
            raise InvalidSetting(f"HUB_URL is {self._shown_url!r}: {error}") from None
        self._client: Any = redis.asyncio.Redis(connection_pool=pool)
        self._publish: Any = self._client.register_script(PUBLISH_SCRIPT)
        self._prefix, self._channels, self._deliver = prefix, channels, deliver
        self._token = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False
        # Set when the first attempt has succeeded or failed.
        self._first_attempt = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # Publishing: whether Redis has sent an own message back, by the number of each message that is being published.
        self._numbers = count(1)
        self._pending: dict[int, bool] = {}
        self._delivered: dict[int, None] = {}
        self._last_warning = -WARNING_INTERVAL_S
        # Subscribing: channels whose subscribers have changed; subscribed channels; missing confirmations.
        self._changed_channels: set[str] = set()
        self._change = asyncio.Event()
        self._subscribed: set[str] = set()
        self._acknowledgements: Counter[str] = Counter()
        self._ready: dict[str, asyncio.Event] = {}
        # The number of the last message by channel; the number of own messages that were not published.
        self._last: dict[str, int] = {}
        self._unsent = 0
        self._last_received = 0.0

    # Start and stop -------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start to connect; return after the first attempt, or after `OPEN_S`."""
        self._task = self._loop.create_task(self._stay_connected(), name="hub: Redis")
        try:
            async with asyncio.timeout(OPEN_S):
                await self._first_attempt.wait()
        except TimeoutError:
            logger.warning("The hub gets no response from %s and continues to try", self._shown_url)

    async def close(self) -> None:
        """Close the connection, and remove this process from the counts of subscribers."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if self.is_connected:
            self.is_connected = False
            self._release_waiting()
            try:
                async with asyncio.timeout(OPEN_S):
                    await self._client.delete(self._heartbeat_key(self._token))
            except _OUTAGE_ERRORS:
                pass  # the key expires soon
        try:
            async with asyncio.timeout(OPEN_S):
                await self._client.aclose()
                await self._client.connection_pool.disconnect()
        except _OUTAGE_ERRORS:
            pass

    async def _stay_connected(self) -> None:
        """Connect, and reconnect after each outage."""
        pause, failed_at = RETRY_S[0], None
        while True:
            pubsub = self._client.pubsub()
            try:
                async with asyncio.timeout(COMMAND_S):
                    # A channel of this process, because reading needs at least one subscription.
                    await pubsub.subscribe(self._prefix + self._token)
                self._last_received = self._loop.time()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._read(pubsub), name="hub: read from Redis")
                    tasks.create_task(self._maintain(pubsub, failed_at), name="hub: subscribe at Redis")
            except* _OUTAGE_ERRORS as failures:
                error: BaseException = _first_exception(failures)
                if self.is_connected or failed_at is None:
                    logger.warning(
                        "The hub has no connection to %s (%s): messages stay in this process until it reconnects",
                        self._shown_url,
                        _reason(error),
                    )
            except* Exception as failures:
                log_error(error_logger, _first_exception(failures), "Exception in the hub's connection to Redis")
            finally:
                await _close(pubsub)
            if self.is_connected:
                pause = RETRY_S[0]
            if failed_at is None or self.is_connected:
                failed_at = self._loop.time()
            self._disconnected()
            self._first_attempt.set()
            # Random, so that not all processes connect at once.
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
        """Note that a channel has got or lost a subscriber."""
        self._changed_channels.add(channel)
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        # The garbage collector may drop a subscription in any thread; then the next heartbeat handles the change.
        if running is self._loop:
            self._change.set()

    async def wait_until_subscribed(self, channel: str) -> None:
        """Wait until Redis has confirmed the subscription of a channel, or is silent for `COMMAND_S`."""
        if not self.is_connected or (channel in self._subscribed and not self._acknowledgements[channel]):
            return
        event = self._ready.setdefault(channel, asyncio.Event())
        while not event.is_set():
            try:
                async with asyncio.timeout(COMMAND_S):
                    await event.wait()
            except TimeoutError:
                # Thousands of channels may take longer. If Redis is silent, the next heartbeat fails, too.
                if self._loop.time() - self._last_received > COMMAND_S:
                    return

    async def _maintain(self, pubsub: Any, failed_at: float | None) -> None:
        """Subscribe, publish the numbers of subscribers of this process, and send its heartbeats."""
        lost: Counter[str] = Counter()
        unknown: list[str] = []
        for names in _batches(self._channels):
            async with asyncio.timeout(COMMAND_S):
                await self._subscribe(pubsub, names, lost, unknown)
        self._changed_channels.update(self._channels)
        await self._send_heartbeat(pubsub)
        self.is_connected = True
        if failed_at is not None:
            self._report_outage(self._loop.time() - failed_at, lost, unknown)
        self._first_attempt.set()
        heartbeats = 0
        while True:
            self._change.clear()
            changed, self._changed_channels = self._changed_channels, set()
            for names in _batches(changed):
                async with asyncio.timeout(COMMAND_S):
                    await self._update_channels(pubsub, names)
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._change.wait()
            except TimeoutError:
                heartbeats += 1
                if self._loop.time() - self._last_received > SILENCE_S:
                    raise TimeoutError(f"no answer for {SILENCE_S:.0f} s") from None
                await self._send_heartbeat(pubsub)
                if heartbeats % REFRESH_HEARTBEATS == 0:
                    self._changed_channels.update(self._channels)

    async def _send_heartbeat(self, pubsub: Any) -> None:
        async with asyncio.timeout(COMMAND_S):
            await pubsub.ping()
            await self._client.set(self._heartbeat_key(self._token), 1, px=int(4000 * HEARTBEAT_S))

    async def _update_channels(self, pubsub: Any, names: Collection[str]) -> None:
        """Subscribe or unsubscribe channels, and publish their numbers of subscribers."""
        unused = [name for name in names if name not in self._channels and name in self._subscribed]
        if unused:
            self._subscribed.difference_update(unused)
            for name in unused:
                self._last.pop(name, None)
            await pubsub.unsubscribe(*map(self._topic, unused))
        await self._subscribe(pubsub, [name for name in names if name not in self._subscribed], Counter(), [])
        async with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                subscribers = len(self._channels.get(name, ()))
                if subscribers:
                    pipeline.hset(self._subscribers_key(name), self._token, subscribers)
                    pipeline.expire(self._subscribers_key(name), EXPIRY_S)
                else:
                    pipeline.hdel(self._subscribers_key(name), self._token)
            await pipeline.execute()

    async def _subscribe(self, pubsub: Any, names: Iterable[str], lost: Counter[str], unknown: list[str]) -> None:
        """Subscribe channels that have subscribers; note in `lost` or `unknown` what an outage has cost them."""
        names = [name for name in names if name in self._channels]
        if not names:
            return
        # Read before the subscription: a message between the two is noticed by its number.
        for name, counter in zip(names, await self._client.mget(map(self._counter_key, names)), strict=True):
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
            self._last_received = self._loop.time()
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
            parsed = _parse_number(number), token.decode(), _parse_number(own_number), _decode(kind, payload)
        except (ValueError, RecursionError):
            self._warn(f"the channel {name!r} has a message that is not of a hub")
        else:
            self._deliver_once(name, *parsed)

    def _deliver_once(self, name: str, number: int, token: str, own_number: int, message: Message) -> None:
        """Deliver a message, unless it was delivered after a failed command.

        Args:
            name: the channel.
            number: the number of the message in the channel.
            token: the token of the publishing process.
            own_number: the number of the message in that process.
            message: the message.
        """
        if name not in self._channels:
            return
        last = self._last.get(name)
        if last is not None and number > last + 1:
            lost = number - last - 1
            logger.warning(
                "%s of the channel %r %s lost on the way from Redis", _message_count(lost), name, _was_or_were(lost)
            )
            self._note_loss(name, lost)
        self._last[name] = number
        if token == self._token:
            if own_number in self._delivered:
                return
            if own_number in self._pending:
                self._pending[own_number] = True
        self._deliver(name, message)

    # Publishing -----------------------------------------------------------------------------------------------------

    async def publish(self, channel: str, message: Message) -> bool:
        """Publish a message; return whether all processes get it, and not only this one."""
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
                await self._publish(
                    keys=[self._counter_key(channel)], args=[self._topic(channel), head + data, EXPIRY_S]
                )
            return True
        except _OUTAGE_ERRORS as error:
            self._unsent += 1
            if not self._pending[number]:
                # Redis may have received the message, and send it back.
                self._delivered[number] = None
                if len(self._delivered) > MAX_DELIVERED:
                    del self._delivered[next(iter(self._delivered))]
                self._deliver(channel, message)
            self._warn(f"a message was not published: {_reason(error)}")
            return False
        finally:
            del self._pending[number]

    async def count_in_other_processes(self, channel: str) -> int:
        """Return the number of subscribers of a channel in other processes; 0 without a connection."""
        if not self.is_connected:
            return 0
        try:
            async with asyncio.timeout(COMMAND_S):
                counts = await self._client.hgetall(self._subscribers_key(channel))
                tokens = [token.decode() for token in counts if token.decode() != self._token]
                if not tokens:
                    return 0
                async with self._client.pipeline(transaction=False) as pipeline:
                    for token in tokens:
                        pipeline.exists(self._heartbeat_key(token))
                    alive = dict(zip(tokens, await pipeline.execute(), strict=True))
                ended = [token for token in tokens if not alive[token]]
                if ended:
                    await self._client.hdel(self._subscribers_key(channel), *ended)
            return sum(int(number) for token, number in counts.items() if alive.get(token.decode()))
        except _OUTAGE_ERRORS as error:
            self._warn(f"subscribers were not counted: {_reason(error)}")
            return 0

    # Reports --------------------------------------------------------------------------------------------------------

    def _warn(self, problem: str) -> None:
        now = self._loop.time()
        if now - self._last_warning >= WARNING_INTERVAL_S:
            self._last_warning = now
            logger.warning("The hub at %s: %s", self._shown_url, problem)

    def _note_loss(self, name: str, number: int | None) -> None:
        for subscriber in self._channels.get(name, ()):
            lost = subscriber.lost
            subscriber.lost = None if lost is None or number is None else lost + number

    def _report_outage(self, seconds: float, lost: Counter[str], unknown: list[str]) -> None:
        losses = [
            f"{_message_count(lost.total())} of other processes {_was_or_were(lost.total())} lost{_channel_list(lost)}"
        ]
        if unknown:
            number = "1 channel" if len(unknown) == 1 else f"{len(unknown)} channels"
            losses.append(f"{number} may have lost messages, because Redis has lost its data{_channel_list(unknown)}")
        losses.append(f"{_message_count(self._unsent)} of this process reached no other process")
        logger.warning("The hub is connected to %s again after %.1f s: %s", self._shown_url, seconds, "; ".join(losses))
        self._unsent = 0

    # Names ----------------------------------------------------------------------------------------------------------

    def _topic(self, channel: str) -> str:
        return self._prefix + channel

    def _counter_key(self, channel: str) -> str:
        return f"{self._prefix}number:{channel}"

    def _subscribers_key(self, channel: str) -> str:
        return f"{self._prefix}presence:{channel}"

    def _heartbeat_key(self, token: str) -> str:
        return f"{self._prefix}alive:{token}"


def _parse_number(digits: bytes) -> int:
    # Counters begin with 1. `int` alone would accept a sign, spaces and underscores.
    if not digits.isdigit() or digits.startswith(b"0"):
        raise ValueError(f"not a number from 1 on: {digits!r:.80}")
    return int(digits)


def _decode(kind: bytes, payload: bytes) -> Message:
    if kind == b"b":
        return Message("b", payload)
    if kind not in (b"t", b"j"):
        raise ValueError(f"unknown kind {kind!r}")
    letter: Kind = "t" if kind == b"t" else "j"
    message = Message(letter, payload.decode())
    # Raises an exception for invalid JSON here, and not in the loop of each subscriber.
    message.value()
    return message


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    names = iter(tuple(names))
    while batch := list(islice(names, BATCH_SIZE)):
        yield batch


def _message_count(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages} messages"


def _was_or_were(messages: int) -> str:
    return "was" if messages == 1 else "were"


def _channel_list(channels: Iterable[str]) -> str:
    names = list(channels)
    if not names:
        return ""
    shown_names = ", ".join(repr(name) for name in names[:MAX_NAMED])
    return f" ({shown_names}{', …' if len(names) > MAX_NAMED else ''})"


def _first_exception(failures: BaseExceptionGroup[Any]) -> BaseException:
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
    except _OUTAGE_ERRORS:
        pass
