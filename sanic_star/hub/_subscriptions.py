"""`Subscription`: a subscriber that iterates over the messages of a channel; and its bounded queue."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias

from sanic_star.hub._messages import Message

# The policies for a message to a subscriber whose queue is full.
WhenFull: TypeAlias = Literal["drop_oldest", "drop_newest", "close"]
POLICIES = ("drop_oldest", "drop_newest", "close")


class Subscriber(Protocol):
    """An object that receives the messages of a channel."""

    # The number of messages that were lost during an outage of Redis; `None` if it is unknown.
    lost: int | None

    def deliver(self, message: Message) -> None:
        """Receive a message, without waiting."""

    def end(self) -> None:
        """Receive no further message: the hub was closed."""


class Channels(Protocol):
    """The members of a hub that its subscribers use."""

    async def _join(self, channel: str, subscriber: Subscriber) -> None: ...
    def _leave(self, channel: str, subscriber: Subscriber) -> None: ...


class MessageQueue:
    """The messages that wait for one subscriber, at most `size`.

    Args:
        size: the maximum number of messages.
        when_full: what happens to a message when the queue is full; see `Hub.subscribe`.

    Raises:
        TypeError, ValueError: the size is not an integer from 1 on, or the policy is unknown.
    """

    __slots__ = ("_messages", "dropped", "size", "when_full")

    def __init__(self, size: int, when_full: WhenFull) -> None:
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"size has to be a number of messages; got {size!r:.80}")
        if size < 1:
            raise ValueError(f"size has to be a number of messages from 1 on; got {size}")
        if when_full not in POLICIES:
            raise ValueError(f"when_full has to be one of {', '.join(POLICIES)}; got {when_full!r:.80}")
        self.size, self.when_full = size, when_full
        self.dropped = 0
        self._messages: deque[Message] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> bool:
        """Add a message, or drop one if the queue is full; return `False` if the subscriber has to be closed."""
        if len(self._messages) < self.size:
            self._messages.append(message)
            return True
        self.dropped += 1
        if self.when_full == "drop_oldest":
            self._messages.popleft()
            self._messages.append(message)
        return self.when_full != "close"

    def take(self) -> Message:
        """Remove and return the oldest message.

        Raises:
            IndexError: the queue is empty.
        """
        return self._messages.popleft()

    def clear(self) -> None:
        """Drop all messages."""
        self._messages.clear()


class _Inbox:
    """The part of a subscription to which the channel has a reference.

    The channel must not refer to the subscription itself: if a loop ends with `break`, the subscription is collected,
    and leaves the channel in `__del__`.
    """

    lost: int | None = 0

    def __init__(self, queue: MessageQueue, leave: Callable[[_Inbox], None]) -> None:
        self.queue = queue
        self.leave = leave
        self.ended = False
        self.waiter: Future[None] | None = None

    def deliver(self, message: Message) -> None:
        """Put a message into the queue; leave the channel if the queue's policy requires it."""
        if not self.queue.put(message):
            self.leave(self)
            self.ended = True
        self.wake()

    def end(self) -> None:
        """End the subscription, and wake its reader."""
        self.ended = True
        self.wake()

    def wake(self) -> None:
        """Wake the reader, if one waits."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class Subscription:
    """The messages of one channel, from the start of the iteration on, or from that of an `async with` block on.

    `hub.subscribe` returns it. The iteration ends when the hub is closed; with the policy `close` it also ends when the
    queue was full, after the messages of the queue. Only one task at a time may iterate.

    Args:
        hub: the hub.
        channel: the name of the channel.
        queue: stores the messages until they are read.
        decode: whether to decode JSON; `False` for text.
    """

    _inbox: _Inbox | None = None

    def __init__(self, hub: Channels, channel: str, queue: MessageQueue, decode: bool) -> None:
        self.channel = channel
        self._hub = hub
        self._queue = queue
        self._decode = decode
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """The number of messages that were dropped because the queue was full."""
        return self._queue.dropped

    @property
    def lost(self) -> int | None:
        """The number of messages that were lost during outages of Redis; `None` if it is unknown."""
        return 0 if self._inbox is None else self._inbox.lost

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        inbox = await self._begin() if self._inbox is None else self._inbox
        while not len(self._queue):
            if self._is_closed or inbox.ended:
                raise StopAsyncIteration
            if inbox.waiter is not None:
                raise RuntimeError(f"Another task is already waiting for the next message of {self.channel!r}")
            inbox.waiter = get_running_loop().create_future()
            try:
                await inbox.waiter
            finally:
                inbox.waiter = None
        message = self._queue.take()
        return message.value() if self._decode else message.data

    async def _begin(self) -> _Inbox:
        if self._is_closed:
            raise RuntimeError(f"This subscription of {self.channel!r} is closed: call subscribe() again")
        if self._inbox is None:
            hub, channel = self._hub, self.channel
            self._inbox = inbox = _Inbox(self._queue, lambda inbox: hub._leave(channel, inbox))
            await hub._join(channel, inbox)
        return self._inbox

    def close(self) -> None:
        """End the subscription. The messages of the queue are dropped, and the iteration ends."""
        self._is_closed = True
        self._queue.clear()
        inbox = self._inbox
        if inbox is not None:
            inbox.leave(inbox)
            inbox.end()

    # The name is that of asynchronous generators, for `EventStream` and `contextlib.aclosing`.
    def aclose(self) -> Coroutine[Any, Any, None]:
        """End the subscription, as `close` does."""
        return self.__aexit__(None, None, None)

    def __del__(self) -> None:
        if self._inbox is not None and not self._is_closed:
            self._inbox.leave(self._inbox)
