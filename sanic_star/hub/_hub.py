"""The hub: the channels of this process, and the Redis server that connects them with those of others."""

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

# Messages that wait for one subscriber, unless it says otherwise.
SIZE = 100


class Hub:
    """Hands each published message to all subscribers of its channel.

    With an application, the hub is opened and closed with it, and reads two of its settings: `HUB_URL`, the URL of a
    Redis server that connects all workers and hosts, and `HUB_PREFIX`, with which the names of channels and keys
    begin there (by default `sanic_star:`, the name of the application and a colon). Without a URL, subscribers in
    other processes get nothing.

    Args:
        app: the application. Without it, call `open` and `close`, or use `async with`.
        url: instead of `HUB_URL`: `redis://…`, `rediss://…` or `unix://…`.
        prefix: instead of `HUB_PREFIX`.
        dumps: writes JSON; by default as the application does.

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

    # Life -----------------------------------------------------------------------------------------------------------

    async def _on_start(self, app: Sanic[Any, Any]) -> None:
        await self.open()
        # One worker says it for all. Under the supervisor of another server nobody knows of the others.
        is_first = os.environ.get("SANIC_WORKER_NAME", "").endswith("-0-0")
        if self._redis is None and is_first and app.state.workers > 1:
            logger.warning(
                "The hub keeps its channels in memory: %d workers do not share them. Set HUB_URL to the URL of a "
                "Redis server",
                app.state.workers,
            )

    async def _on_stop(self, app: Sanic[Any, Any]) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect with Redis, if there is a URL; an application does this at its start.

        A server that cannot be reached is no error: the hub works without it and connects when it is there.

        Raises:
            InvalidSetting: the URL is none of Redis, or the extra `redis` is not installed.
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
            raise InvalidSetting("HUB_URL needs the package redis, which the extra `redis` installs") from None
        self._redis = Redis(url, str(prefix), self._channels, self._deliver)
        await self._redis.open()

    async def close(self) -> None:
        """End all subscriptions, and the connection with Redis; an application does this at its stop."""
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
        """Whether messages reach other processes now: there is a Redis server, and it answers."""
        return self._redis is not None and self._redis.is_connected

    # Messages -------------------------------------------------------------------------------------------------------

    async def publish(self, channel: str, message: Any) -> bool:
        """Hand a message to all subscribers of a channel, without waiting for them.

        Args:
            channel: the name of the channel, such as `"room:1"`.
            message: text, bytes, or a value that JSON can hold. Subscribers get an equal value of their own.

        Returns:
            Whether it has gone to all that share the channel. `False`: Redis is away, and only the subscribers of this
            process have got it.

        Raises:
            TypeError: the name is no text, or JSON cannot hold the message.
            ValueError: the name is empty, or the writer of JSON has refused the message.
        """
        _check_channel(channel)
        encoded = Message.of(message, self._writer())
        if self._redis is not None:
            return await self._redis.publish(channel, encoded)
        self._deliver(channel, encoded)
        return True

    def subscribe(
        self, channel: str, *, size: int = SIZE, when_full: WhenFull = "drop_oldest", decode: bool = True
    ) -> Subscription:
        """Return the messages of a channel, to iterate over.

        The iteration begins to receive at its first step, an `async with` block at its start.

        Args:
            channel: the name of the channel.
            size: how many messages wait for this subscriber at most.
            when_full: what happens to the next one: `drop_oldest` drops the one that has waited longest,
                `drop_newest` that one, `close` ends the subscription.
            decode: whether a value arrives as it was published; `False`: as the text of its JSON, which a websocket or
                an event stream can send as it is.

        Raises:
            TypeError, ValueError: an argument cannot be used.

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
        self, ws: WebSocket, channel: str, *, size: int = SIZE, when_full: WhenFull = "drop_oldest"
    ) -> Attachment:
        """Send the messages of a channel to a websocket while an `async with` block lasts.

        This is the fast way to many websockets: a message is encoded once, and no task waits for each of them. A value
        is sent as its JSON.

        Args:
            ws: the websocket, in whose handler the block is.
            channel: the name of the channel.
            size: how many messages wait for a slow client at most, beside what the server buffers.
            when_full: as in `subscribe`; `close` closes the websocket with code 1013.

        Raises:
            TypeError, ValueError: an argument cannot be used.

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
            raise TypeError(f"attach takes a websocket; got {ws!r:.80}")
        return Attachment(self, ws, channel, MessageQueue(size, when_full))

    async def presence(self, channel: str) -> int:
        """Count the subscribers of a channel, attached websockets included, in all processes that share it.

        While Redis is away, only those of this process are counted. Those of a process that has crashed are counted
        for up to 20 seconds.

        Raises:
            TypeError, ValueError: as in `publish`.
        """
        _check_channel(channel)
        own = len(self._channels.get(channel, ()))
        return own if self._redis is None else own + await self._redis.count_others(channel)

    def _writer(self) -> Callable[[Any], str | bytes]:
        return self._dumps or (self._app and self._app.dumps) or json_bytes

    def _deliver(self, channel: str, message: Message) -> None:
        # A copy: a subscriber that is too slow leaves.
        for subscriber in tuple(self._channels.get(channel, ())):
            subscriber.deliver(message)

    # For subscribers ------------------------------------------------------------------------------------------------

    async def _join(self, channel: str, subscriber: Subscriber) -> None:
        """Add a subscriber; return when it gets what is published from now on, by any process."""
        self._channels.setdefault(channel, set()).add(subscriber)
        if self._redis is None:
            return
        self._redis.note_change(channel)
        try:
            await self._redis.until_subscribed(channel)
        except BaseException:
            # The task was cancelled, before there is anything that would leave the channel.
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
        raise TypeError(f"the name of a channel is text; got {channel!r:.80}")
    if not channel:
        raise ValueError("the name of a channel is not empty")
    channel.encode()
