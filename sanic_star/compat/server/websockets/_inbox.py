"""The messages of one websocket: read when the handler asks for one, or ahead of it.

An ASGI application learns that the client has left by reading, after all messages that came before. A handler that
reads waits for the server itself, with nothing between. For a handler that awaits something else, the application's
one `Sweeper` starts to read ahead. What comes is kept for the handler, up to `KEPT` messages or `READ_AHEAD` bytes;
beyond that nothing is read, so that the server stops the client (back-pressure).

A read beside each handler would cost every message two turns of the event loop, and a timer for each connection would
wake the process for each idle one. So one timer for all websockets looks which handlers do not read (`Watch`). While
all of them wait for messages, as most do, there is no timer; the next message starts it. A handler whose client has
left is cancelled by it.

At any moment an inbox is in one of the states of `Reading`. `next` stands for both of its forms; a message or an end
is what the server sends:

| state | who waits for the server | `next` | `read_ahead` | a message | the end | `release` |
|---|---|---|---|---|---|---|
| IDLE | nobody | HANDLER | AHEAD | – | ENDED | ENDED |
| HANDLER | the handler | – (one reader at a time) | – | IDLE, given to the handler | ENDED | ENDED |
| AHEAD | a read of the inbox | HANDLER, unless a message is kept | – | AHEAD or FULL, kept | ENDED | ENDED |
| FULL | nobody | IDLE, with the oldest kept message | – | – | ENDED | ENDED |
| ENDED | nobody | ENDED, with the oldest kept message, then `end` each time | – | – | – | – |

A read that the inbox has begun goes on when the handler's `next` is over before it: the state is AHEAD then.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from contextvars import Context
from enum import Enum
from typing import Protocol
from weakref import WeakKeyDictionary, ref

from starlette.types import Message, Receive

from sanic_star.compat.server.websockets._reading import is_queue, start_reading

# As many messages as `recv_burst` returns at most.
KEPT = 256
# How long a message that has arrived may take from the server to the handler, in seconds: granian hands it over from a
# thread of its own, and a middleware's `receive` runs in a task.
HANDOVER = 0.02
# How long the event loop may take to come to a message that has arrived while a handler has blocked it, in seconds.
TURN = 0.002
# As many bytes as one message may have by default (`WEBSOCKET_MAX_SIZE`).
READ_AHEAD = 2**20
# Seconds between two looks, while a handler does something else than read.
PERIOD = 0.1
# How long a handler that does not read may go on after its client has left, in seconds: it may be busy with a message,
# and about to read the next one. It is cancelled at the latest `GRACE + 2 * PERIOD` after that, which is less than the
# second that the documentation promises.
GRACE = 0.7
# How long it may take for each message that came before and that it reads after its client has left, in seconds.
GRACE_AFTER_MESSAGE = 1.0


class Reading(Enum):
    """Who waits for a message from the server; the table of the transitions is at the head of this module."""

    IDLE = "idle"
    HANDLER = "handler"
    AHEAD = "ahead"
    FULL = "full"
    ENDED = "ended"


class Swept(Protocol):
    """A websocket, as the sweeper sees it."""

    _inbox: Inbox

    def _look(self, now: float) -> None:
        """Read ahead; cancel the handler if its client left long enough ago."""


class Watch:
    """The looks at the websockets of one event loop: ten a second while a handler does something else than read.

    While all handlers wait for messages, there is no timer. The first message wakes the watch.

    Args:
        loop: the event loop.
    """

    is_asleep = False

    def __init__(self, loop: AbstractEventLoop) -> None:
        # The watch is the value of a weak reference to its loop.
        self._loop = ref(loop)
        self.websockets: set[Swept] = set()

    def wake(self) -> None:
        """Look again from now on."""
        self.is_asleep = False
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            # In an empty context: that of a handler would live as long as the application has websockets.
            loop.call_later(PERIOD, self._look, context=Context())

    def _look(self) -> None:
        now, busy = asyncio.get_running_loop().time(), False
        for websocket in list(self.websockets):
            if not websocket._inbox.waiting:
                busy = True
                websocket._look(now)
        if busy:
            self.wake()
        else:
            self.is_asleep = True


class _NoWatch(Watch):
    def __init__(self) -> None:
        """Watch nothing: for a connection that no handler of Sanic's serves."""


_NO_WATCH = _NoWatch()


class Inbox:
    """Reads and keeps the messages of one websocket.

    Args:
        receive: the server's ASGI callable.
        on_end: called once, when the end of the connection is known; messages may still wait to be read then.
        context: in which messages are read ahead; the handler's, so that middleware finds its context variables.
    """

    def __init__(self, receive: Receive, on_end: Callable[[], None], context: Context | None = None) -> None:
        self._receive = receive
        self._on_end: Callable[[], None] | None = on_end
        self._context = context
        self._kept: deque[Message] = deque()
        self._pending: asyncio.Future[Message] | None = None
        # When `_pending` was started, in the loop's time.
        self._reading_since = 0.0
        # Set when a reader is done, and at the end; made when somebody waits for the end.
        self._changed: asyncio.Event | None = None
        # How many readers wait for a message.
        self.waiting = 0
        # When the last message was taken after the end was known, in the loop's time.
        self.taken_at = 0.0
        # `websocket.disconnect`, and when it came, in the loop's time.
        self.end: Message | None = None
        self.ended_at = 0.0
        self._is_released = False

    # That of the event loop, once the sweeper looks after the websocket.
    watch: Watch = _NO_WATCH

    @property
    def state(self) -> Reading:
        """Who waits for a message. It follows from what the inbox has, so that the two cannot disagree."""
        if self.end is not None:
            return Reading.ENDED
        if self.waiting:
            return Reading.HANDLER
        if self._pending is not None:
            return Reading.AHEAD
        return Reading.FULL if self._is_full() else Reading.IDLE

    def grace_is_over(self, now: float) -> bool:
        """Tell whether the client left so long ago that a handler that does not read is cancelled.

        Args:
            now: the event loop's time, in seconds.
        """
        grace = GRACE_AFTER_MESSAGE if self.taken_at else GRACE
        return now - max(self.ended_at, self.taken_at) >= grace

    @property
    def unread(self) -> int:
        """How many messages were read ahead and wait to be taken."""
        return len(self._kept)

    async def next(self) -> Message:
        """Return the next message, at the end `websocket.disconnect`."""
        # PERF: a handler that reads all the time is spared the look at `state`; `benchmarks/` shows it as the echo.
        if self._pending is not None or self._kept or self.end is not None:
            message = await self.next_within(None)
            assert message is not None
            return message
        self.waiting += 1
        try:
            message = await self._receive()
        finally:
            self.waiting -= 1
            if self.watch.is_asleep:
                self.watch.wake()
            if self._changed is not None:
                self._changed.set()
        if message["type"] == "websocket.disconnect":
            self._check_released()
            self.finish(message)
        return message

    async def next_within(self, timeout: float | None) -> Message | None:  # noqa: ASYNC109
        """Return the next message, `None` if it does not come in time.

        A message that has arrived already is returned with a timeout of 0, too. A server that hands over messages
        asynchronously has `HANDOVER` seconds for that, from the moment on at which it was asked.

        Args:
            timeout: how long to wait, in seconds; `None` for as long as it takes.
        """
        self.waiting += 1
        try:
            while not self._kept and self.end is None:
                # A read that is not over in time goes on for the next reader: not every server keeps a message that it
                # was about to hand over to a read that is cancelled.
                pending = self._pending or self._read()
                if timeout is not None and timeout < HANDOVER:
                    passed = asyncio.get_running_loop().time() - self._reading_since
                    timeout = max(timeout, TURN, 0 if is_queue(self._receive) else HANDOVER - passed)
                if not (await asyncio.wait({pending}, timeout=timeout))[0]:
                    return None
                self._check_released()
                self._keep(pending)
        finally:
            self.waiting -= 1
            if self.watch.is_asleep:
                self.watch.wake()
            if self._changed is not None:
                self._changed.set()
        if self.end is not None:
            self.taken_at = asyncio.get_running_loop().time()
            if not self._kept:
                return self.end
        return self._kept.popleft()

    def read_ahead(self) -> None:
        """Read while nobody else does, if there is room for more."""
        if self.state is Reading.IDLE:
            self._read()

    async def wait_for_readers(self) -> None:
        """Wait until nobody waits for a message."""
        while self.waiting:
            await self._wait_for_change()

    async def wait_for_end(self) -> None:
        """Wait until the end of the connection is known; keep what comes before it."""
        while (state := self.state) is not Reading.ENDED:
            if state in (Reading.HANDLER, Reading.FULL):
                await self._wait_for_change()
            else:
                pending = self._pending or self._read()
                await asyncio.wait({pending})
                self._keep(pending)

    async def _wait_for_change(self) -> None:
        changed = self._changed = self._changed or asyncio.Event()
        changed.clear()
        await changed.wait()

    def finish(self, end: Message) -> None:
        """Note the end of the connection, and stop reading.

        Args:
            end: the server's `websocket.disconnect`, or one that says how the application has closed the connection.
        """
        if self.end is not None:
            return
        self.end, self.ended_at = end, asyncio.get_running_loop().time()
        # A reader that waits gets the end from the server, which may have messages for it before.
        if self._pending is not None and not self.waiting:
            self._pending.cancel()
            self._pending = None
        if self._changed is not None:
            self._changed.set()
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end()

    def _check_released(self) -> None:
        """Cancel a task that the handler has left behind, and that waits for a message, as Sanic 25.12 does."""
        if self._is_released:
            raise asyncio.CancelledError("the handler of the websocket is over")

    def release(self) -> None:
        """Stop reading: the handler is over. The event loop may be, too."""
        self._is_released = True
        self._on_end = None
        if self.end is None:
            self.end = {"type": "websocket.disconnect", "code": 1006}
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()

    def _is_full(self) -> bool:
        if len(self._kept) >= KEPT:
            return True
        return sum(len(message.get("text") or message.get("bytes") or "") for message in self._kept) >= READ_AHEAD

    def _read(self) -> asyncio.Future[Message]:
        self._reading_since = asyncio.get_running_loop().time()
        pending = self._pending = start_reading(self._receive, self._context)
        pending.add_done_callback(self._keep_ahead)
        return pending

    def _keep_ahead(self, pending: asyncio.Future[Message]) -> None:
        # An exception stays in the future for the next reader; asking for it keeps it from being reported.
        if not pending.cancelled() and pending.exception() is None:
            self._keep(pending)
            self.read_ahead()

    def _keep(self, pending: asyncio.Future[Message]) -> None:
        """Keep what a read has brought, if nobody else has done so; raise what has failed."""
        if self._pending is not pending:
            return
        self._pending = None
        message = pending.result()
        if message["type"] == "websocket.disconnect":
            self.finish(message)
        else:
            self._kept.append(message)


class Sweeper:
    """Looks after the websockets of one application, in each event loop that serves some."""

    def __init__(self) -> None:
        self._watches: WeakKeyDictionary[AbstractEventLoop, Watch] = WeakKeyDictionary()

    def add(self, websocket: Swept) -> set[Swept]:
        """Look after a websocket from now on.

        Args:
            websocket: served by the running event loop.

        Returns:
            Those of this event loop; remove the websocket from the set when its handler is over.
        """
        loop = asyncio.get_running_loop()
        watch = self._watches.get(loop)
        if watch is None:
            watch = self._watches[loop] = Watch(loop)
            watch.wake()
        elif watch.is_asleep:
            watch.wake()
        websocket._inbox.watch = watch
        watch.websockets.add(websocket)
        return watch.websockets
