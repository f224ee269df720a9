"""`Messages`: the iterator of `async for` over a websocket."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from starlette.types import Message

if TYPE_CHECKING:
    from sanic_star.compat.server.websockets._inbox import Inbox


class Source(Protocol):
    """A websocket, as its iteration sees it."""

    _inbox: Inbox
    _handler: Any
    _running_loops: int
    _max_size: int | None
    _has_read: bool
    _recv_lock: Any

    def _check_reader(self, inbox: Inbox) -> None: ...

    async def _check_message(self, message: Message) -> Message: ...

    def _is_own_task(self) -> bool: ...


class Messages:
    """Iterates over the messages of a websocket until the connection ends.

    While the handler's own task iterates, `send` does not cancel it: the iteration ends with the connection.

    Args:
        websocket: the websocket.
    """

    __slots__ = ("_inbox", "_is_over", "_is_own", "_limit", "_websocket")

    def __init__(self, websocket: Source) -> None:
        self._websocket = websocket
        self._inbox: Inbox | None = None
        # Characters or bytes of a message that is certainly not too large.
        self._limit = 0
        self._is_own = self._is_over = False

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next message: text, or bytes.

        Raises:
            StopAsyncIteration: the connection has ended.
            ServerError: another task is waiting for a message already, or holds `recv_lock`.
        """
        data: str | bytes
        websocket, inbox = self._websocket, self._inbox
        if inbox is None:
            inbox = self._begin()
        if inbox.waiting_readers or websocket._recv_lock is not None:
            websocket._check_reader(inbox)
        # PERF: saves the coroutine of `Inbox.next`, and the `StopIteration` with which an async generator returns each
        # value (the echo in `benchmarks/`). Safe because it makes the tests of `next`, and leaves the inbox as `next`
        # does.
        if inbox._pending is not None or inbox.end is not None or inbox._unread_messages:
            message = await inbox.next()
        else:
            inbox.waiting_readers += 1
            try:
                message = await inbox._receive()
            finally:
                inbox.waiting_readers -= 1
                if inbox.watch.is_asleep or inbox._changed is not None:
                    inbox.note_reader_done()
            if message["type"] == "websocket.receive":
                text = message.get("text")
                data = message["bytes"] if text is None else text
                if len(data) <= self._limit:
                    return data
            elif message["type"] == "websocket.disconnect":
                inbox.note_end(message)
        message = await websocket._check_message(message)
        if message["type"] == "websocket.receive":
            text = message.get("text")
            data = message["bytes"] if text is None else text
            return data
        if self._is_own:
            websocket._handler = "informed"
        self._end()
        raise StopAsyncIteration

    def _begin(self) -> Inbox:
        """Begin to iterate, in the task that takes the first message."""
        websocket = self._websocket
        if self._is_over:
            raise StopAsyncIteration
        # A handler that leaves the loop to another task does not learn of the end from it.
        self._is_own = websocket._is_own_task()
        websocket._running_loops += self._is_own
        websocket._has_read = True
        # A character is at most four bytes: most messages are not encoded to compare their size with the limit.
        limit = websocket._max_size
        self._limit = sys.maxsize if limit is None else limit // 4
        self._inbox = inbox = websocket._inbox
        return inbox

    async def aclose(self) -> None:
        """End the iteration; the connection stays open. An async generator, as Sanic's iteration is, has this too."""
        self._end()

    def _end(self) -> None:
        self._is_over, self._inbox = True, None
        self._websocket._running_loops -= self._is_own
        self._is_own = False

    # A loop that is left by `break` or an exception drops its iterator.
    __del__ = _end
