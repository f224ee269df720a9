"""`Hub`: the channels of this process, and the Redis server that connects them with those of other processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket

from sanic_star.compat._support.json import dumps as json_bytes
from sanic_star.compat.app import Sanic
from sanic_star.compat.log import logger
from sanic_star.engine.lifespan import InvalidSetting
from sanic_star.hub._messages import Message
from sanic_star.hub._sockets import Attachment
from sanic_star.hub._subscriptions import MessageQueue, Subscriber, Subscription, WhenFull

if TYPE_CHECKING:
    from sanic_star.hub._redis import Redis

# The default size of a subscriber's queue, in messages.
QUEUE_SIZE = 100


class Hub:
    """Hands each published message to all subscribers of its channel.

    With an application, the hub opens and closes with it, and reads two of its settings: `HUB_URL`, the URL of a Redis
    server that connects all workers and hosts, and `HUB_PREFIX`, the prefix of the names of channels and keys there (by
    default `sanic_star:`, the name of the application and a colon). Without a URL, subscribers in other processes get
    no messages.

    Args:
        app: the application. Without it, call `open` and `close`, or use `async with`.
        url: the URL, instead of the setting: `redis://…`, `rediss://…` or `unix://…`.
        prefix: the prefix, instead of the setting.
        dumps: writes JSON, as text or bytes; by default the application's `dumps`.

    Examples:
        >>> import asyncio
        >>> from sanic_star import Hub
        >>> async def main():
        ...     hub = Hub()
        ...     async with hub.subscribe("room:1") as messages:
        ...         await hub.publish("room:1", {"text": "Hello"})
        ...         async for message in messages:
        ...             return message
        >>> asyncio.run(main())
        {'text': 'Hello'}
    """

    def __init__(
        self,
        app: Sanic[Any, Any] | None = None,
        *,
        url: str | None = None,
        prefix: str | None = None,
        dumps: Callable[[Any], str | bytes] | None = None,
    ) -> None:
        self._app = app
        self._url = url
        self._prefix = prefix
        self._dumps = dumps
        self._channels: dict[str, set[Subscriber]] = {}
        self._redis: Redis | None = None
        if app is not None:
            app.register_listener(self._on_start, "before_server_start")
            app.register_listener(self._on_stop, "after_server_stop")

    # Start and stop -------------------------------------------------------------------------------------------------

    async def _on_start(self, app: Sanic[Any, Any]) -> None:
        await self.open()
        # Only the first worker logs it. Under another server's supervisor a worker does not know how many there are.
        is_first = os.environ.get("SANIC_WORKER_NAME", "").endswith("-0-0")
        if self._redis is None and is_first and app.state.workers > 1:
            prefix = getattr(app.config, "_env_prefix", "")
            variable = f" (the environment variable {prefix}HUB_URL)" if prefix else ""
            logger.warning(
                "The hub keeps its channels in memory: %d workers do not share them. Set HUB_URL%s to the URL of a "
                "Redis server",
                app.state.workers,
                variable,
            )

    async def _on_stop(self, app: Sanic[Any, Any]) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect to Redis, if there is a URL; called at the start of the application.

        If the server cannot be reached, the hub works without it, and connects later.

        Raises:
            InvalidSetting: the URL is not a Redis URL, or the extra `redis` is not installed.
        """
        config = {} if self._app is None else self._app.config
        url = config.get("HUB_URL") if self._url is None else self._url
        if self._redis is not None or not url:
            return
        if not isinstance(url, str):
            raise InvalidSetting(f"HUB_URL is {url!r:.80}; it has to be the URL of a Redis server")
        prefix = config.get("HUB_PREFIX") if self._prefix is None else self._prefix
        if prefix is None:
            prefix = "sanic_star:" if self._app is None else f"sanic_star:{self._app.name}:"
        try:
            from sanic_star.hub._redis import Redis
        except ImportError as error:
            if (error.name or "").partition(".")[0] != "redis":
                raise
            raise InvalidSetting("HUB_URL needs the package redis: install the extra `redis`") from None
        self._redis = Redis(url, str(prefix), self._channels, self._deliver)
        await self._redis.open()

    async def close(self) -> None:
        """End all subscriptions, and close the connection to Redis; called at the stop of the application."""
        for subscribers in list(self._channels.values()):
            for subscriber in list(subscribers):
                subscriber.end()
        self._channels.clear()
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.close()

    async def __aenter__(self) -> Hub:
        await self.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @property
    def is_connected(self) -> bool:
        """Whether messages reach other processes: the hub has a connection to Redis."""
        return self._redis is not None and self._redis.is_connected

    # Messages -------------------------------------------------------------------------------------------------------

    async def publish(self, channel: str, message: Any) -> bool:
        """Send a message to all subscribers of a channel, without waiting for them.

        Args:
            channel: the name of the channel, such as `"room:1"`.
            message: text, bytes, or a value that can be written as JSON. Each subscriber gets a copy of the value.

        Returns:
            Whether all processes that share the channel get it; `False` if there is no connection to Redis, so that
            only the subscribers of this process got it.

        Raises:
            TypeError: the name is not text, or the message cannot be written as JSON.
            ValueError: the name is empty; or another error of `dumps`.
        """
        _check_channel(channel)
        encoded = Message.of(message, self._json_writer())
        if self._redis is not None:
            return await self._redis.publish(channel, encoded)
        self._deliver(channel, encoded)
        return True

    def subscribe(
        self, channel: str, *, size: int = QUEUE_SIZE, when_full: WhenFull = "drop_oldest", decode: bool = True
    ) -> Subscription:
        """Return the messages of a channel, as an asynchronous iterable.

        A subscription receives messages from the first step of its iteration on, or from the start of an `async with`
        block on.

        Args:
            channel: the name of the channel.
            size: the size of this subscriber's queue, in messages.
            when_full: what happens to a message when the queue is full: `drop_oldest` drops the oldest message of the
                queue, `drop_newest` drops the new message, `close` ends the subscription.
            decode: whether to decode JSON values; with `False` the iteration yields their JSON as text, which a
                websocket or an event stream can send unchanged.

        Raises:
            TypeError, ValueError: an argument is invalid.

        Examples:
            >>> from sanic_star import EventStream, Hub, Sanic
            >>> app = Sanic("Chat")
            >>> hub = Hub(app)
            >>> @app.get("/rooms/<room>")
            ... async def room(request, room):
            ...     return EventStream(hub.subscribe(f"room:{room}", decode=False))
        """
        _check_channel(channel)
        return Subscription(self, channel, MessageQueue(size, when_full), decode)

    def attach(
        self, ws: WebSocket, channel: str, *, size: int = QUEUE_SIZE, when_full: WhenFull = "drop_oldest"
    ) -> Attachment:
        """Send the messages of a channel to a websocket during an `async with` block.

        This is fast for many websockets: a message is encoded once, and there is no task for each of them. A value is
        sent as JSON.

        Args:
            ws: the websocket; the block is in its handler.
            channel: the name of the channel.
            size: the size of the queue for a slow client, in messages; the server has its own buffer.
            when_full: as in `subscribe`; `close` closes the websocket with code 1013.

        Raises:
            TypeError, ValueError: an argument is invalid.

        Examples:
            >>> from sanic_star import Hub, Sanic
            >>> app = Sanic("Chat")
            >>> hub = Hub(app)
            >>> @app.websocket("/rooms/<room>")
            ... async def room(request, ws, room):
            ...     async with hub.attach(ws, f"room:{room}"):
            ...         async for text in ws:
            ...             await hub.publish(f"room:{room}", {"text": text})
        """
        _check_channel(channel)
        if not isinstance(ws, WebSocket):
            raise TypeError(f"attach() takes a websocket; got {ws!r:.80}")
        return Attachment(self, ws, channel, MessageQueue(size, when_full))

    async def presence(self, channel: str) -> int:
        """Return the number of subscribers of a channel, including attached websockets, in all processes that share it.

        Without a connection to Redis, only the subscribers of this process are counted. Those of a process that has
        crashed are counted for up to 20 seconds.

        Args:
            channel: the name of the channel.

        Raises:
            TypeError, ValueError: as in `publish`.
        """
        _check_channel(channel)
        subscribers = len(self._channels.get(channel, ()))
        return subscribers if self._redis is None else subscribers + await self._redis.count_in_other_processes(channel)

    def _json_writer(self) -> Callable[[Any], str | bytes]:
        return self._dumps or (self._app and self._app.dumps) or json_bytes

    def _deliver(self, channel: str, message: Message) -> None:
        # A copy, because a subscriber that is too slow leaves the set.
        for subscriber in tuple(self._channels.get(channel, ())):
            subscriber.deliver(message)

    # For subscribers ------------------------------------------------------------------------------------------------

    async def _join(self, channel: str, subscriber: Subscriber) -> None:
        """Add a subscriber; return when it receives the messages of all processes."""
        self._channels.setdefault(channel, set()).add(subscriber)
        if self._redis is None:
            return
        self._redis.note_change(channel)
        try:
            await self._redis.wait_until_subscribed(channel)
        except BaseException:
            # The task was cancelled, so that no block will remove the subscriber.
            self._leave(channel, subscriber)
            raise

    def _leave(self, channel: str, subscriber: Subscriber) -> None:
        subscribers = self._channels.get(channel)
        if subscribers is None or subscriber not in subscribers:
            return
        subscribers.discard(subscriber)
        if not subscribers:
            del self._channels[channel]
        if self._redis is not None:
            self._redis.note_change(channel)


def _check_channel(channel: Any) -> None:
    if not isinstance(channel, str):
        raise TypeError(f"the name of a channel has to be text; got {channel!r:.80}")
    if not channel:
        raise ValueError("the name of a channel cannot be empty")
    # Raises an exception for a lone surrogate.
    channel.encode()
