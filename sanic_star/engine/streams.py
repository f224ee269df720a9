"""Responses that are sent piece by piece, and what may cut them short: the client leaves, or the application stops.

A server drops what is sent to a client that has left, and reports nothing; and an event stream has no end of its own.
So a stream is watched while it is open: `receive` reports when the client leaves, the application when it stops. Both
cancel the task that writes the stream, so that its clean-up runs. Then the dispatch ends the response properly.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import BuiltinMethodType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from starlette.types import Message, Receive

# How long websockets and endless streams may take to end at the stop, in seconds.
STREAM_END_S = 1.0
# How much of a body is received before the handler reads it, in bytes: as much as uvicorn reads ahead.
MOST_AHEAD = 65_536


def is_event_stream(content_type: str) -> bool:
    """Tell whether a content type is that of server-sent events, which have no end of their own.

    Examples:
        >>> is_event_stream("Text/Event-Stream; charset=utf-8")
        True
    """
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def _always() -> bool:
    return True


# Why a stream was cut short. See `steps.Phase` for why it is no enumeration.
Cut = Literal["client left", "stop", "timeout", "head only", "broken off"]


class OpenStream:
    """A response, or a websocket, that is open; or the wait for one that may be cut short.

    Args:
        task: the task that writes it.
        finish: completes it once the task was cut short.
    """

    def __init__(self, task: Task[Any], finish: Callable[[], Awaitable[None]]) -> None:
        self.task = task
        self.finish = finish
        self.reason: Cut | None = None
        self.client_left = False
        # Whether a client that leaves cuts it, asked when the client has left.
        self.ends_with_client: Callable[[], bool] = _always
        self._cancelled = False
        self._watcher: Task[None] | asyncio.Handle | None = None

    def cut(self, reason: Cut, message: str | None = None) -> None:
        """Cancel the writing task, once.

        Args:
            reason: why.
            message: why, for the `CancelledError`.
        """
        if self.reason is None:
            self.reason = reason
            self._cancelled = self.task.cancel(message)

    @property
    def is_cleaning_up(self) -> bool:
        """Whether the stop, or the client's leaving, has cancelled the task, and its clean-up is not over."""
        return self._cancelled and self.reason != "timeout"

    def watch(self, receive: Receive) -> None:
        """Cut the stream when the client leaves; `receive` must be nobody else's from here on."""
        if self._watcher is None:
            # Not a task at once: many responses are complete before the event loop has its next turn.
            self._watcher = asyncio.get_running_loop().call_soon(self._start_to_watch, receive)

    def _start_to_watch(self, receive: Receive) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait_for_leave(receive))

    async def _wait_for_leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.client_left = True
        self.cut_if_client_left()

    def cut_if_client_left(self) -> None:
        """Cut the stream if the client has left, unless a client that leaves does not end it."""
        if self.client_left and self.ends_with_client():
            self.cut("client left")

    def close(self) -> None:
        """Let go of the stream: it is complete. A cancellation that the task has caught and outlived is taken back."""
        self._uncancel()
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def _uncancel(self) -> int:
        """Take back the stream's own cancellation; return how many others there are."""
        if self._cancelled:
            self._cancelled = False
            return self.task.uncancel()
        return self.task.cancelling()

    async def settle(self) -> bool:
        """End the response after the task was cancelled; tell whether the cancellation was this stream's.

        To be called in the task itself, from where it caught the `CancelledError`.
        """
        others = self._uncancel()
        self.close()
        if self.reason is None or others:
            return False
        if self.reason == "stop":
            # A peer that has vanished takes nothing any more, and the last part would wait for it without end.
            with suppress(TimeoutError):
                async with asyncio.timeout(STREAM_END_S):
                    await self.finish()
        elif self.reason != "client left":
            await self.finish()
        return True


if TYPE_CHECKING:

    class Streamed(Protocol):
        """A request, as far as the watch over its response needs it."""

        _open_stream: OpenStream | None
        _holds: bool

    class Stoppable(Protocol):
        """An application's life: whether its stop has ended the endless streams."""

        stop_event: asyncio.Event


class OpenStreams:
    """The streams and websockets of one application that are open.

    Args:
        life: the application's.

    Attributes:
        endless: those that would never end by themselves; the application's stop cuts them short.
    """

    def __init__(self, life: Stoppable) -> None:
        self._life = life
        self.endless: set[OpenStream] = set()

    def open(
        self,
        request: Streamed,
        finish: Callable[[], Awaitable[None]],
        *,
        endless: bool = True,
        receive: Receive | None = None,
        task: Task[Any] | None = None,
    ) -> OpenStream | None:
        """Watch over a response that a task sends piece by piece, or over its websocket.

        Args:
            request: the request that it answers.
            finish: completes the response once the task was cut short.
            endless: whether the application's stop cuts it short; what has an end of its own is waited for.
            receive: tells when the client leaves; without it nobody asks.
            task: the task that answers the request; by default the running one.
        """
        task = task or asyncio.current_task()
        if task is None:
            return None
        stream = request._open_stream
        if stream is not None and stream.is_cleaning_up:
            return stream
        # The task that has declared a stream stays the one to cancel: another one that writes to it is its child.
        if stream is None or stream.reason is not None or stream.task.done():
            self.close(request)
            stream = request._open_stream = OpenStream(task, finish)
            request._holds = True
        stream.finish = finish
        if receive is not None:
            stream.watch(receive)
        if not endless:
            self.endless.discard(stream)
        else:
            self.endless.add(stream)
            if self._life.stop_event.is_set():
                stream.cut("stop")
        return stream

    def complete(self, request: Streamed) -> None:
        """End the watch when the last part is sent, unless the task that was cut short sends it in its clean-up."""
        if request._open_stream is not None and not request._open_stream.is_cleaning_up:
            self.close(request)

    def close(self, request: Streamed) -> None:
        """End the watch over a request's response: it is complete."""
        stream, request._open_stream = request._open_stream, None
        if stream is not None:
            stream.close()
            self.endless.discard(stream)


class ResumableReceive:
    """A server's `receive` whose future outlives the read that waits for it.

    The `receive` of granian returns a future. `await` would pass the cancellation of a reader on to it, and granian
    drops a message that arrives then. So a reader waits beside the future, and the next reader gets the same
    one. A server's coroutine is awaited as it is: it takes its message from a queue, and a cancellation leaves the
    message there.

    Args:
        receive: the server's.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._pending: Future[Message] | None = None

    async def __call__(self) -> Message:
        """Return the server's next message."""
        while (pending := self._pending) is None:
            received: Any = self._receive()
            if not asyncio.isfuture(received):
                message: Message = await received
                return message
            self._pending = received
        # A task is not needed: `wait` does not cancel the future when the reader is cancelled.
        await asyncio.wait((pending,))
        if self._pending is not pending:
            # Another reader has got the message.
            return await self()
        self._pending = None
        return pending.result()


def resumable(receive: Receive) -> Receive:
    """Return a `receive` that loses no message when a read is cancelled.

    Only servers in another language give a future, and their `receive` is a built-in method.

    Args:
        receive: the server's, or that of a middleware.
    """
    return ResumableReceive(receive) if type(receive) is BuiltinMethodType else receive


class SharedReceive:
    """A request's `receive` for two: a handler that may still read the body, and a watcher.

    A server reports the body and the client's leaving through one channel. Here one of the two at a time awaits the
    server's `receive`; what the watcher receives of the body is kept for the handler. Of a body that the handler does
    not read, no more than `MOST_AHEAD` bytes and one message are kept; as long as more of it comes, a client that
    leaves is not noticed.

    A handler whose read is cancelled while it awaits the server cancels the server's `receive`, as it does where there
    is no watcher. What the server receives later is not lost: the next caller gets it (see `ResumableReceive`).

    PERF: the handler awaits the server itself while the watcher does not. A message that is there already costs no turn
    of the event loop, and none costs a task: a fifth of the time («streams»).

    Args:
        receive: the server's.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = resumable(receive)
        self._is_receiving = False
        # Those who wait until the other one has received a message, or the handler has read one that was kept.
        self._waiting: list[Future[None]] = []
        self._kept: deque[Message] = deque()
        self._kept_size = 0
        self._body_is_complete = False
        # The last message, or what the server's `receive` has raised.
        self._end: Message | BaseException | None = None
        self._readers = 0
        # Whether the handler waited for the body when the last message came.
        self._reader_was_told = False

    async def __call__(self) -> Message:
        """Return the next message for the handler; after the last one always this."""
        while not self._kept:
            if self._end is not None:
                if isinstance(self._end, BaseException):
                    raise self._end
                return self._end
            self._readers += 1
            try:
                if self._is_receiving:
                    await self._wait()
                    continue
                self._is_receiving = True
                try:
                    message = await self._receive()
                except Exception as error:
                    self._finish(error)
                    raise
                finally:
                    self._is_receiving = False
                    if self._waiting:
                        self._wake()
                if message["type"] == "http.disconnect":
                    self._finish(message)
                else:
                    self._body_is_complete = not message.get("more_body", False)
                return message
            finally:
                self._readers -= 1
        message = self._kept.popleft()
        self._kept_size -= len(message.get("body", b""))
        if self._waiting:
            self._wake()
        return message

    async def disconnect(self) -> Message:
        """Return the message that the client has left; never, if it reaches the handler, which waits for the body."""
        while self._end is None:
            if self._is_receiving or (self._kept_size >= MOST_AHEAD and not self._body_is_complete):
                await self._wait()
            else:
                await self._keep_one()
        if self._reader_was_told or isinstance(self._end, BaseException):
            await asyncio.Event().wait()
        assert not isinstance(self._end, BaseException)
        return self._end

    async def _keep_one(self) -> None:
        """Receive a message on behalf of the watcher, and keep it for the handler."""
        self._is_receiving = True
        try:
            message = await self._receive()
        except Exception as error:
            self._finish(error)
        else:
            if message["type"] == "http.disconnect":
                self._finish(message)
            else:
                self._kept.append(message)
                self._kept_size += len(message.get("body", b""))
                self._body_is_complete = not message.get("more_body", False)
        finally:
            # Also after a cancellation: the other one awaits the server from here on.
            self._is_receiving = False
            if self._waiting:
                self._wake()

    def _finish(self, end: Message | BaseException) -> None:
        """Note the last message, or what the server's `receive` has raised."""
        self._end, self._reader_was_told = end, self._readers > 0

    async def _wait(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
