"""`Inbox`: the messages of one websocket, which are received for the handler, or ahead of it.

An ASGI application learns that the client has left when it receives, after all earlier messages. A handler that reads
awaits the server's `receive` directly. For a handler that awaits something else, the application's `Sweeper` starts to
read ahead. The inbox keeps these messages for the handler, up to `MAX_UNREAD` messages or `MAX_UNREAD_BYTES`; then it
stops reading, so that the server pauses the client (back-pressure).

A reading task for each handler would cost two turns of the event loop for each message, and a timer for each connection
would wake the process for idle ones. So one timer for all websockets checks which handlers do not read (`Watch`), and
cancels those whose client has left. While all handlers wait for messages, which is the usual case, there is no timer;
the next message starts it.

An inbox is in one of the states of `Reading`. In this table, `next` stands for both of its forms, and the server sends
a message or the end:

| state | waits for the server | `next` | `read_ahead` | message | end | `release` |
|---|---|---|---|---|---|---|
| IDLE | – | HANDLER | AHEAD | – | ENDED | ENDED |
| HANDLER | the handler | – (one reader at a time) | – | IDLE, returned to the handler | ENDED | ENDED |
| AHEAD | the inbox | HANDLER, unless a message is kept | – | AHEAD or FULL, kept | ENDED | ENDED |
| FULL | – | IDLE, returns the oldest kept message | – | – | ENDED | ENDED |
| ENDED | – | ENDED, returns the kept messages, then `end` each time | – | – | – | – |

If the handler's `next` times out, the read that the inbox has started continues: the state is AHEAD. After `note_loss`
no inbox is FULL: it reads the messages that the server still keeps, until the end.
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

# The maximum number of kept messages: as many as `recv_burst` returns by default.
MAX_UNREAD = 256
# How long the server may take to pass on a message that has arrived, in seconds: granian does it from another thread,
# and the `receive` of a middleware runs in a task.
HANDOVER_S = 0.02
# How long the event loop may take to handle a message that arrived while a handler blocked it, in seconds.
TURN_S = 0.002
# The maximum size of kept messages, in bytes: the default of `WEBSOCKET_MAX_SIZE`.
MAX_UNREAD_BYTES = 2**20
# The pause between two checks, while a handler does not read, in seconds.
CHECK_INTERVAL_S = 0.1
# How long a handler that does not read may run after its client has left, in seconds: it may be handling a message, and
# read the next one then. It is cancelled after `GRACE_S + 2 * CHECK_INTERVAL_S` at the latest, which is less than the
# second that the documentation promises.
GRACE_S = 0.7
# How long it may handle each earlier message that it reads after its client has left, in seconds.
GRACE_AFTER_MESSAGE_S = 1.0

# The end of a connection whose client has left without a close frame (RFC 6455, section 7.4.1).
LOST_CONNECTION: Message = {"type": "websocket.disconnect", "code": 1006}


class Reading(Enum):
    """The states of an inbox; the docstring of this module has the table of the transitions."""

    IDLE = "idle"
    HANDLER = "handler"
    AHEAD = "ahead"
    FULL = "full"
    ENDED = "ended"


class SweptWebSocket(Protocol):
    """The members of a websocket that the sweeper uses."""

    _inbox: Inbox

    def _check_client(self, now: float) -> None:
        """Read ahead; cancel the handler if its client left long enough ago."""


class Watch:
    """The timer that checks the websockets of one event loop, while a handler does not read.

    While all handlers wait for messages, the watch is asleep. The first message wakes it.

    Args:
        loop: the event loop.
    """

    is_asleep = False

    def __init__(self, loop: AbstractEventLoop) -> None:
        # A weak reference, because the watch is a value of a `WeakKeyDictionary` with the loop as its key.
        self._loop = ref(loop)
        self.websockets: set[SweptWebSocket] = set()

    def wake(self) -> None:
        """Start the timer."""
        self.is_asleep = False
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            # In an empty context, because the timer would keep the context of a handler alive.
            loop.call_later(CHECK_INTERVAL_S, self._check, context=Context())

    def _check(self) -> None:
        now, is_busy = asyncio.get_running_loop().time(), False
        for websocket in list(self.websockets):
            if not websocket._inbox.waiting_readers:
                is_busy = True
                websocket._check_client(now)
        if is_busy:
            self.wake()
        else:
            self.is_asleep = True


class _NoWatch(Watch):
    def __init__(self) -> None:
        """Create the watch of websockets that no handler of Sanic serves; it checks nothing."""


_NO_WATCH = _NoWatch()


class Inbox:
    """Reads and keeps the messages of one websocket.

    Args:
        receive: the server's ASGI callable.
        on_end: called once, when the end of the connection is known; kept messages may be unread then.
        context: the context of reads ahead: the handler's, so that middleware finds its context variables.
    """

    __slots__ = (
        "_changed",
        "_context",
        "_is_released",
        "_on_end",
        "_pending",
        "_reading_since",
        "_receive",
        "_unread_messages",
        "end",
        "ended_at",
        "taken_at",
        "waiting_readers",
        "watch",
    )

    def __init__(self, receive: Receive, on_end: Callable[[], None], context: Context | None = None) -> None:
        self._receive = receive
        self._on_end: Callable[[], None] | None = on_end
        self._context = context
        self._unread_messages: deque[Message] = deque()
        self._pending: asyncio.Future[Message] | None = None
        # When `_pending` was started, by the event loop's clock.
        self._reading_since = 0.0
        # Set when a reader is done, and at the end of the connection; created when a task waits for that.
        self._changed: asyncio.Event | None = None
        # The number of readers that wait for a message.
        self.waiting_readers = 0
        # When the last message was taken after the end or the loss was known, by the event loop's clock.
        self.taken_at = 0.0
        # The message `websocket.disconnect`; and when it arrived, or when a message could no longer be sent to the
        # client, by the event loop's clock.
        self.end: Message | None = None
        self.ended_at = 0.0
        self._is_released = False
        # The watch of the event loop, once its sweeper checks the websocket.
        self.watch: Watch = _NO_WATCH

    @property
    def state(self) -> Reading:
        """The state; computed from the attributes, so that it cannot contradict them."""
        if self.end is not None:
            return Reading.ENDED
        if self.waiting_readers:
            return Reading.HANDLER
        if self._pending is not None:
            return Reading.AHEAD
        return Reading.FULL if self._has_no_room() else Reading.IDLE

    @property
    def is_full(self) -> bool:
        """Whether nothing is read, because too many messages are kept."""
        return self.state is Reading.FULL

    def grace_is_over(self, now: float) -> bool:
        """Return whether a handler that does not read has to be cancelled, because its client left long enough ago.

        Args:
            now: the event loop's time, in seconds.
        """
        grace = GRACE_AFTER_MESSAGE_S if self.taken_at else GRACE_S
        return now - max(self.ended_at, self.taken_at) >= grace

    @property
    def unread(self) -> int:
        """The number of kept messages."""
        return len(self._unread_messages)

    async def next(self) -> Message:
        """Return the next message; at the end of the connection `websocket.disconnect`."""
        # PERF: saves the computation of `state` (the echo in `benchmarks/`). Safe because the three tests are false
        # only in the states IDLE and HANDLER.
        if self._pending is not None or self._unread_messages or self.end is not None:
            message = await self.next_within(None)
            assert message is not None
            return message
        self.waiting_readers += 1
        try:
            message = await self._receive()
        finally:
            self.waiting_readers -= 1
            self.note_reader_done()
        if message["type"] == "websocket.disconnect":
            self.note_end(message)
        return message

    def note_end(self, end: Message) -> None:
        """Note the end of the connection that a reader has received.

        Args:
            end: the server's `websocket.disconnect`.

        Raises:
            asyncio.CancelledError: the handler is over, and has left the reader behind.
        """
        self._check_released()
        self.finish(end)

    def note_reader_done(self) -> None:
        """Wake what waits until a reader is done: the watch, and tasks that wait for a change."""
        if self.watch.is_asleep:
            self.watch.wake()
        if self._changed is not None:
            self._changed.set()

    async def next_within(self, timeout: float | None) -> Message | None:  # noqa: ASYNC109
        """Return the next message; `None` after a timeout.

        With a timeout of 0 a message that has arrived is returned, too. A server that passes on messages asynchronously
        has `HANDOVER_S` for that, from the start of the read on.

        Args:
            timeout: how long to wait, in seconds; `None` for no limit.
        """
        self.waiting_readers += 1
        try:
            while not self._unread_messages and self.end is None:
                # After a timeout the read continues for the next reader: some servers lose a message if the read is
                # cancelled that was about to return it.
                pending = self._pending or self._read()
                if timeout is not None and timeout < HANDOVER_S:
                    passed = asyncio.get_running_loop().time() - self._reading_since
                    timeout = max(timeout, TURN_S, 0 if is_queue(self._receive) else HANDOVER_S - passed)
                if not (await asyncio.wait({pending}, timeout=timeout))[0]:
                    return None
                self._check_released()
                self._keep(pending)
        finally:
            self.waiting_readers -= 1
            self.note_reader_done()
        if self.ended_at:
            self.taken_at = asyncio.get_running_loop().time()
        if self.end is not None and not self._unread_messages:
            return self.end
        return self._unread_messages.popleft()

    def read_ahead(self) -> None:
        """Start to read if no task reads, and the inbox is not full."""
        if self.state is Reading.IDLE:
            self._read()

    async def wait_for_readers(self) -> None:
        """Wait until no task waits for a message."""
        while self.waiting_readers:
            await self._wait_for_change()

    async def wait_for_end(self) -> None:
        """Wait until the end of the connection is known; keep earlier messages for the handler."""
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

    def note_loss(self) -> None:
        """Note that the server can no longer send to the client, so that only earlier messages and the end follow.

        From now on, the inbox also reads when it is full, because the number of messages that the server still keeps is
        bounded.
        """
        self.ended_at = self.ended_at or asyncio.get_running_loop().time()
        self.read_ahead()
        if self._changed is not None:
            self._changed.set()

    def finish(self, end: Message) -> None:
        """Note the end of the connection, and stop reading.

        Args:
            end: the server's `websocket.disconnect`, or one with the code with which the application has closed it.
        """
        if self.end is not None:
            return
        self.end, self.ended_at = end, asyncio.get_running_loop().time()
        # Not for a waiting reader: the server may send it earlier messages before the end.
        if self._pending is not None and not self.waiting_readers:
            self._pending.cancel()
            self._pending = None
        if self._changed is not None:
            self._changed.set()
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end()

    def _check_released(self) -> None:
        """Cancel a reading task that still runs after the end of the handler, as Sanic 25.12 does."""
        if self._is_released:
            raise asyncio.CancelledError("the handler of the websocket has ended")

    def release(self) -> None:
        """Stop reading, after the end of the handler; also callable after that of the event loop."""
        self._is_released = True
        self._on_end = None
        if self.end is None:
            self.end = LOST_CONNECTION
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()

    def _has_no_room(self) -> bool:
        if self.ended_at:
            # Without further reads, the end would not arrive; hypercorn cannot even put it into its own full queue.
            return False
        if len(self._unread_messages) >= MAX_UNREAD:
            return True
        return (
            sum(len(message.get("text") or message.get("bytes") or "") for message in self._unread_messages)
            >= MAX_UNREAD_BYTES
        )

    def _read(self) -> asyncio.Future[Message]:
        self._reading_since = asyncio.get_running_loop().time()
        pending = self._pending = start_reading(self._receive, self._context)
        pending.add_done_callback(self._keep_ahead)
        return pending

    def _keep_ahead(self, pending: asyncio.Future[Message]) -> None:
        # An exception stays in the future for the next reader. `exception()` prevents asyncio from logging it.
        if not pending.cancelled() and pending.exception() is None:
            self._keep(pending)
            self.read_ahead()

    def _keep(self, pending: asyncio.Future[Message]) -> None:
        """Keep the message of a read, unless it was kept; raise the exception of the read."""
        if self._pending is not pending:
            return
        self._pending = None
        message = pending.result()
        if message["type"] == "websocket.disconnect":
            self.finish(message)
        else:
            self._unread_messages.append(message)


class Sweeper:
    """Checks the websockets of one application, in each event loop that serves them."""

    def __init__(self) -> None:
        self._watches: WeakKeyDictionary[AbstractEventLoop, Watch] = WeakKeyDictionary()

    def add(self, websocket: SweptWebSocket) -> set[SweptWebSocket]:
        """Start to check a websocket.

        Args:
            websocket: the websocket, which the running event loop serves.

        Returns:
            The websockets of this event loop: the caller removes its own at the end of the handler.
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
