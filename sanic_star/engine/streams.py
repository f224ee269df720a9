"""Open streams: responses in several messages, and websockets. A disconnect or the stop ends them.

Servers drop what is sent to a client that has left, and raise no exception; and an event stream has no end of its own.
So a stream is watched while it is open. `receive` reports that the client leaves; the application reports its stop.
Both cancel the task that writes the stream, so that its clean-up runs. Then the dispatch completes the response.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import Future, Task
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import BuiltinMethodType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from starlette.types import Message, Receive

# How long websockets and endless streams may take to end at the stop, in seconds.
STREAM_END_S = 1.0
# The maximum size of the part of a body that is received before the handler reads it, in bytes: as in uvicorn.
MAX_AHEAD_SIZE = 65_536


def is_event_stream(content_type: str) -> bool:
    """Return whether a content type is that of server-sent events, which have no end of their own.

    Args:
        content_type: the value of the header field.

    Examples:
        >>> is_event_stream("Text/Event-Stream; charset=utf-8")
        True
    """
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


# The running task of each event loop; see `running_task`.
_running_tasks: Any = getattr(asyncio.tasks, "_current_tasks", None) if sys.version_info < (3, 12) else None


def running_task() -> Task[Any] | None:
    """Return the running task; in a thread whose event loop runs no task, it may be a task of another thread.

    PERF: before Python 3.12 `asyncio.current_task` is not written in C, and finding the loop takes a system call: 0.4
    µs («overhead»). Safe because this is called in a task: if only one event loop runs a task, it is that one.
    """
    if _running_tasks is None:
        return asyncio.current_task()
    try:
        (task,) = _running_tasks.values()
    except ValueError:
        return asyncio.current_task()
    return task  # type: ignore[no-any-return]


def _always() -> bool:
    return True


class OpenStream:
    """A response or websocket that is open, or the wait for a response; its task can be cancelled.

    Args:
        task: the task that writes the stream.
        finish: completes the stream after the task was cancelled.

    Attributes:
        reason: why the task was cancelled; `None` if it was not.
        client_left: whether the client has left.
        ends_with_client: returns whether a client that has left ends the stream.
    """

    def __init__(self, task: Task[Any], finish: Callable[[], Awaitable[None]]) -> None:
        self.task = task
        self.finish = finish
        self.reason: EndReason | None = None
        self.client_left = False
        self.ends_with_client: Callable[[], bool] = _always
        self._cancelled = False
        self._watcher: Task[None] | asyncio.Handle | None = None

    def cancel(self, reason: EndReason, message: str | None = None) -> None:
        """Cancel the task, unless it was cancelled before.

        Args:
            reason: the reason.
            message: the message of the `CancelledError`.
        """
        if self.reason is None:
            self.reason = reason
            self._cancelled = self.task.cancel(message)

    @property
    def is_cleaning_up(self) -> bool:
        """Whether the task was cancelled, for another reason than a time limit, and still runs its clean-up."""
        return self._cancelled and self.reason != "timeout"

    def watch(self, receive: Receive) -> None:
        """Cancel the task when the client leaves.

        Args:
            receive: an ASGI `receive` that nothing else calls from now on.
        """
        if self._watcher is None:
            # Many responses are complete before the event loop's next iteration, and then need no task.
            self._watcher = asyncio.get_running_loop().call_soon(self._start_watcher, receive)

    def _start_watcher(self, receive: Receive) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait_for_disconnect(receive))

    async def _wait_for_disconnect(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.client_left = True
        self.cancel_if_client_left()

    def cancel_if_client_left(self) -> None:
        """Cancel the task if the client has left and that ends the stream."""
        if self.client_left and self.ends_with_client():
            self.cancel("client left")

    def close(self) -> None:
        """Stop watching the stream, which is complete; `uncancel` a task that has caught its cancellation."""
        self._uncancel()
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def _uncancel(self) -> int:
        """Undo the stream's cancellation of the task; return the number of other cancellations."""
        if self._cancelled:
            self._cancelled = False
            return self.task.uncancel()
        return self.task.cancelling()

    async def finish_cancelled(self) -> bool:
        """Complete the stream after its task was cancelled; called by the task when it catches `CancelledError`.

        Returns:
            Whether the stream has cancelled the task. If something else has, nothing is completed.
        """
        other_cancellations = self._uncancel()
        self.close()
        if self.reason is None or other_cancellations:
            return False
        if self.reason == "stop":
            # A client that is gone without a disconnect reads nothing, so that the last message may wait for ever.
            with suppress(TimeoutError):
                async with asyncio.timeout(STREAM_END_S):
                    await self.finish()
        elif self.reason != "client left":
            await self.finish()
        return True


if TYPE_CHECKING:

    class Streamed(Protocol):
        """The attributes of a request that `OpenStreams` uses."""

        _open_stream: OpenStream | None
        _holds: bool

    class Stoppable(Protocol):
        """An application's life cycle; its `stop_event` is set when endless streams end."""

        stop_event: asyncio.Event

    # Why the task that writes a stream was cancelled. `steps.Phase` says why it is no enumeration.
    EndReason = Literal["client left", "stop", "timeout", "head only", "broken off"]


class OpenStreams:
    """The open streams of one application.

    Args:
        lifecycle: the application's life cycle.

    Attributes:
        endless: streams without an end of their own; the application's stop cancels their tasks.
    """

    def __init__(self, lifecycle: Stoppable) -> None:
        self._lifecycle = lifecycle
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
        """Begin to watch a response in several messages, or a websocket.

        Args:
            request: the request that is answered.
            finish: completes the response after the task was cancelled.
            endless: whether the application's stop cancels the task. The stop waits for streams with an end.
            receive: an ASGI `receive` that reports when the client leaves; `None` if the client is not watched.
            task: the task that answers the request; by default the running one.

        Returns:
            The stream; `None` if no task runs.
        """
        task = task or asyncio.current_task()
        if task is None:
            return None
        stream = request._open_stream
        if stream is not None and stream.is_cleaning_up:
            return stream
        # A second task that writes to the stream is a child of the first one, so the first one is cancelled.
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
            if self._lifecycle.stop_event.is_set():
                stream.cancel("stop")
        return stream

    def complete(self, request: Streamed) -> None:
        """Stop watching when the last message is sent, unless a cancelled task sends it in its clean-up."""
        if request._open_stream is not None and not request._open_stream.is_cleaning_up:
            self.close(request)

    def close(self, request: Streamed) -> None:
        """Stop watching the response to a request, which is complete."""
        stream, request._open_stream = request._open_stream, None
        if stream is not None:
            stream.close()
            self.endless.discard(stream)


class ResumableReceive:
    """A server's ASGI `receive` that loses no message when a reader is cancelled.

    The `receive` of granian returns a future. `await` would pass a reader's cancellation on to the future, and granian
    drops a message that arrives afterwards. So a reader waits without awaiting the future itself, and the next reader
    gets the same future. Other servers return a coroutine, which is awaited: it takes its message from a queue, and a
    cancellation leaves the message there.

    Args:
        receive: the server's `receive`.
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
        # `wait` does not cancel the future when the reader is cancelled.
        await asyncio.wait((pending,))
        if self._pending is not pending:
            # Another reader has the message.
            return await self()
        self._pending = None
        return pending.result()


def resumable(receive: Receive) -> Receive:
    """Return an ASGI `receive` that loses no message when a reader is cancelled.

    Only servers in another language return a future, and their `receive` is a built-in method.

    Args:
        receive: the `receive` of a server or a middleware.
    """
    return ResumableReceive(receive) if type(receive) is BuiltinMethodType else receive


class SharedReceive:
    """A request's ASGI `receive` for two readers: a handler that may still read the body, and a watcher.

    A server reports the body and the disconnect through one `receive`. Here one reader at a time awaits that. The parts
    of the body that the watcher receives are buffered for the handler: at most `MAX_AHEAD_SIZE` bytes and one message.
    While the buffer is full, a disconnect is not noticed.

    If the handler's read is cancelled, so is the server's `receive`, as without a watcher. A message that arrives later
    is not lost: the next reader gets it (see `ResumableReceive`).

    PERF: the handler awaits the server itself, unless the watcher does. So a message that is there already takes no
    iteration of the event loop, and no message takes a task: a fifth of the time («streams»). Safe because
    `_is_receiving` lets only one of the two await the server.

    Args:
        receive: the server's `receive`.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = resumable(receive)
        self._is_receiving = False
        # Resolved when the other reader has received a message, or the handler has taken one out of the buffer.
        self._waiters: list[Future[None]] = []
        self._buffer: deque[Message] = deque()
        self._buffer_size = 0
        self._body_is_complete = False
        # The disconnect, or the exception that the server's `receive` has raised.
        self._end: Message | BaseException | None = None
        # How many calls of the handler wait for a message.
        self._readers = 0
        # Whether the handler waited for the body when the disconnect arrived.
        self._handler_saw_end = False

    async def __call__(self) -> Message:
        """Return the next message for the handler; after the disconnect, always the disconnect."""
        while not self._buffer:
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
                    if self._waiters:
                        self._wake()
                if message["type"] == "http.disconnect":
                    self._finish(message)
                else:
                    self._body_is_complete = not message.get("more_body", False)
                return message
            finally:
                self._readers -= 1
        message = self._buffer.popleft()
        self._buffer_size -= len(message.get("body", b""))
        if self._waiters:
            self._wake()
        return message

    async def disconnect(self) -> Message:
        """Wait for the disconnect, and return it; if the handler has received it, wait for ever."""
        while self._end is None:
            if self._is_receiving or (self._buffer_size >= MAX_AHEAD_SIZE and not self._body_is_complete):
                await self._wait()
            else:
                await self._buffer_next()
        if self._handler_saw_end or isinstance(self._end, BaseException):
            await asyncio.Event().wait()
        assert not isinstance(self._end, BaseException)
        return self._end

    async def _buffer_next(self) -> None:
        """Receive a message for the watcher, and put it into the handler's buffer."""
        self._is_receiving = True
        try:
            message = await self._receive()
        except Exception as error:
            self._finish(error)
        else:
            if message["type"] == "http.disconnect":
                self._finish(message)
            else:
                self._buffer.append(message)
                self._buffer_size += len(message.get("body", b""))
                self._body_is_complete = not message.get("more_body", False)
        finally:
            # After a cancellation, too: the other reader awaits the server from now on.
            self._is_receiving = False
            if self._waiters:
                self._wake()

    def _finish(self, end: Message | BaseException) -> None:
        """Store the last message, or the exception that the server's `receive` has raised."""
        self._end, self._handler_saw_end = end, self._readers > 0

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
