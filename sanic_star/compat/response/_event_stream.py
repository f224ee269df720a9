"""`EventStream`: a response of server-sent events, which is kept alive, and ends with its client or the application.

There are three ways to send it:

- a handler returns it with the source of its events;
- a handler passes it to `request.respond`, and sends the events itself;
- a Starlette endpoint in any application returns it: then there are only the ASGI callables.

In each of them, a `ResponseWriter` sends its parts, and an `OpenStream` cancels it when the client leaves or the
application stops. Between two events a timer may send a comment, in a separate task; the next event waits for that.
"""

from __future__ import annotations

import math
from asyncio import CancelledError, Task, TimerHandle, current_task, get_running_loop, sleep, timeout, wait
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, TypeAlias

import anyio
from anyio import to_thread
from starlette.background import BackgroundTask
from starlette.types import Receive, Scope, Send

from sanic_star.compat.helpers import has_message_body
from sanic_star.compat.log import error_logger, logger
from sanic_star.compat.response._keep_alive import KeepAlive, keep_alive
from sanic_star.compat.response._server_sent_event import EMPTY_COMMENT, Event, ServerSentEvent, encode_event
from sanic_star.compat.response._writer import ENDED, ResponseWriter, run_background
from sanic_star.compat.response.types import HTTPResponse
from sanic_star.engine import requests
from sanic_star.engine.failures import log_error, mark
from sanic_star.engine.foreign_streams import foreign_streams
from sanic_star.engine.streams import STREAM_END_S, OpenStream

Events: TypeAlias = AsyncIterable[Event] | Iterable[Event]

# The interval of comments, in seconds: sse-starlette's default, and the advice of the HTML Standard (section 9.2.7).
PING_S = 15.0
# How long the head waits for the first event, in seconds: long enough for a source that queries a database first, and
# short enough for users not to notice that `onopen` is late.
OPEN_AFTER_S = 0.5
# How long the clean-up of a source may take before it is cancelled, in seconds: sse-starlette's default.
CLEAN_UP_S = 30.0
# After this number of events the event loop gets a turn. Servers drop events for a client that has left, and do not
# pause. With a source that does not pause either, no other task would run, nor the one that notices the disconnect.
EVENTS_A_TURN = 16
_END = object()


class EventStream(HTTPResponse):
    """A response of server-sent events (HTML Standard, section 9.2).

    The source yields `ServerSentEvent`, mappings of its fields, or text, which is an event's data. Bytes are sent
    unchanged. Any other value is sent as JSON.

    When the client leaves, when the application stops, or when an event cannot be sent, the source is closed, so that
    its `finally` block runs. If the source raises an exception before the first event, it is handled like an exception
    of a handler. A later exception aborts the connection, so that the client connects again.

    Create a stream and its source for each request; a stream that is sent a second time raises `RuntimeError`.

    Args:
        events: an asynchronous iterable, such as an asynchronous generator; or an iterable, whose `next` is called in
            a thread unless it is a list or tuple. Without it, pass the response to `request.respond`, and call `send`.
        ping: after how many seconds without an event a comment is sent; `None` or 0: never.
        ping_factory: returns the event that is sent then, instead of an empty comment.
        send_timeout: how long the client may take to receive one event before the connection is aborted, in seconds;
            `None`: no limit.
        open_after: how long the head waits for the first event, in seconds; `None`: no limit. With 0 the head is sent
            at once, so that exceptions of the source have no error page.
        endless: whether the stop of the application ends the stream at once. `False`: the stop waits for it, up to
            `GRACEFUL_SHUTDOWN_TIMEOUT`.
        status: the HTTP status; clients accept only 200.
        headers: header fields; `Cache-Control: no-store` and `X-Accel-Buffering: no` are added if they are missing.
        background: a Starlette background task, which runs after the stream has ended.

    Raises:
        TypeError: `events` is not iterable, or is a single event, such as text or a mapping.
        RuntimeError: `events` is a generator that has ended.
        ValueError: a number of seconds is negative or not finite, `send_timeout` is 0, or a response with this status
            has no body.

    Examples:
        >>> from sanic_star import EventStream, Sanic, ServerSentEvent
        >>> app = Sanic("Clock")
        >>> @app.get("/numbers")
        ... async def numbers(request):
        ...     async def count():
        ...         for number in range(int(request.last_event_id or 0), 3):
        ...             yield ServerSentEvent({"number": number}, id=number + 1)
        ...     return EventStream(count(), ping=30)
    """

    # The attributes of a request that `OpenStreams` sets: without a request it is called with this object.
    _holds = False
    _open_stream: OpenStream | None = None
    # Cancels the task that sends this response; `None` before the start and after the end.
    _watched_stream: OpenStream | None = None
    _scope: Scope | None = None
    _context: Context | None = None
    _writer: ResponseWriter | None = None
    _keep_alive: KeepAlive | None = None
    # The timer that sends the head if the first event is late.
    _head_timer: TimerHandle | None = None
    # The task that is sending a comment.
    _comment_task: Task[None] | None = None
    # The number of calls of `send` that are running.
    _running_sends = 0
    # The number of calls that have returned.
    _sent_count = 0
    _endless: bool = True
    # Whether it was sent: its source cannot be read again.
    _is_used = False
    _last_sent = 0.0

    def __init__(
        self,
        events: Events | None = None,
        *,
        ping: float | None = PING_S,
        ping_factory: Callable[[], Event] | None = None,
        send_timeout: float | None = None,
        open_after: float | None = OPEN_AFTER_S,
        endless: bool = True,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        super().__init__(None, status, headers, "text/event-stream; charset=utf-8")
        self.headers.setdefault("Cache-Control", "no-store")
        self.headers.setdefault("X-Accel-Buffering", "no")
        self.background = background
        self._events = None if events is None else _checked_source(events)
        if not has_message_body(status):
            raise ValueError(f"a response with status {status} has no body: return empty({status}) instead")
        self._ping = _checked_seconds("ping", ping) or None
        self._ping_factory = ping_factory
        self._send_timeout = _checked_seconds("send_timeout", send_timeout)
        if send_timeout == 0:
            raise ValueError("send_timeout=0 leaves no time to send; use None for no limit")
        self._open_after = _checked_seconds("open_after", open_after)
        self._endless = endless is not False

    # A property, because the setter stops the timers when the writer removes itself.
    @property
    def stream(self) -> ResponseWriter | None:
        """The writer that sends the response; `None` until a request is answered with it."""
        return self._writer

    @stream.setter
    def stream(self, writer: ResponseWriter | None) -> None:
        if writer is None or writer is ENDED:
            self._stop_timers()
        elif writer is not self._writer:
            if self._writer is not None and self._writer is not ENDED:
                # Another request is being answered with it.
                self._is_used = True
            self._check_unused()
        self._writer = writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; on a websocket refuse the handshake, without events.

        Raises:
            RuntimeError: the stream was already sent.
            TimeoutError: the client took longer than `send_timeout` for an event.
        """
        self._check_unused()
        if scope["type"] != "http":
            await self._close(self._take_source())
            await super().__call__(scope, receive, send)
            return
        request = _request_to_answer(send)
        try:
            if request is None:
                await self._answer_by_asgi(scope, receive, send)
            else:
                writer = request._begin()
                writer.endless = self._endless
                writer.respond(self)
                if writer.on_open is not None:
                    writer.on_open()
                await self._answer(request)
        finally:
            self._stop_timers()
            await self._close(self._take_source())
        await run_background(self, scope)

    async def _answer(self, request: Any) -> None:
        """Answer a request of this package, which has a writer and an open stream."""
        try:
            await self._prepare_for(request)
            await self.eof()
        except CancelledError:
            stream = self._watched_stream
            # The dispatch handles the cancellation if nothing was sent, or if another task answers the request.
            if stream is None or not self._has_begun or stream.task is not current_task():
                raise
            self._stop_timers()
            if not await stream.finish_cancelled():
                raise

    async def _answer_by_asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without a request of this package."""
        writer = ResponseWriter(send, scope["method"] == "HEAD")
        writer.respond(self)
        streams = foreign_streams()
        stream = streams.open(self, writer.end, endless=self._endless, receive=receive)
        assert stream is not None
        self._watched_stream = stream
        try:
            await self._begin(scope)
            await self.eof()
        except CancelledError:
            self._stop_timers()
            if not await stream.finish_cancelled():
                raise
        finally:
            streams.close(self)
            writer.release()

    async def _prepare_for(self, request: Any) -> None:
        """Start the timers, once the stream is the answer to a request; a request with HEAD ends here."""
        self._watched_stream = request._open_stream
        await self._begin(request.scope)
        assert self._writer is not None
        if self._writer.head_only and self._events is None and self._watched_stream is not None:
            # The handler would send events that no client gets, perhaps for ever.
            self._watched_stream.cancel("head only")

    async def _begin(self, scope: Scope) -> None:
        loop = get_running_loop()
        self._is_used = True
        self._scope, self._context = scope, copy_context()
        self._last_sent = loop.time()
        if self._writer is not None and self._writer.head_only:
            # Sent as a part, so that the header has no `content-length`.
            await self._send_part(b"", False)
            return
        if self._ping is not None:
            self._keep_alive = keep_alive(self, self._ping)
        if self._open_after == 0:
            await self._send_part(EMPTY_COMMENT, False)
        elif self._open_after is not None:
            self._head_timer = loop.call_later(self._open_after, self._send_ping, context=Context())

    def _stop_timers(self) -> None:
        """Stop the timers and the task of a comment: the stream has ended."""
        if self._keep_alive is not None:
            self._keep_alive.discard(self)
        if self._head_timer is not None:
            self._head_timer.cancel()
        if self._comment_task is not None:
            self._comment_task.cancel()
        self._keep_alive = self._head_timer = self._comment_task = self._scope = self._context = (
            self._watched_stream
        ) = None

    @property
    def _has_begun(self) -> bool:
        return self._writer is not None and self._writer.head_sent

    # Events ---------------------------------------------------------------------------------------------------------

    async def send(self, data: Any = None, end_stream: bool | None = None) -> None:
        """Send an event; the first call sends the head before it.

        Args:
            data: the event, in any form that a source may yield; `None`: no event.
            end_stream: whether to end the stream afterwards; a call without arguments ends it.

        Raises:
            SanicException: the response belongs to no request yet (`await request.respond(response)` connects it).
            ServerError: the response was ended already.
            TypeError, ValueError: `data` is not an event; see `ServerSentEvent`.
            TimeoutError: the client took longer than `send_timeout`.
        """
        last = data is None if end_stream is None else end_stream
        part = b"" if data is None else encode_event(data, type(self)._dumps)
        if last and self._events is not None:
            if part:
                await self._send_part(part, False)
            part = b""
            await self._send_all(self._take_source())
        if part or last:
            await self._send_part(part, last)

    async def eof(self) -> None:
        """Send the remaining events of the source, and end the stream; the exceptions are those of `send`."""
        await self.send(end_stream=True)

    async def _send_part(self, part: bytes, last: bool) -> None:
        if self._comment_task is not None:
            await wait({self._comment_task})
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._running_sends += 1
        try:
            if self._send_timeout is None:
                await super().send(part, last)
            else:
                async with timeout(self._send_timeout) as limit:
                    await super().send(part, last)
        except TimeoutError as error:
            if self._send_timeout is None or not limit.expired():
                raise
            raise self._too_slow() from error
        finally:
            self._running_sends -= 1
        self._last_sent = get_running_loop().time()
        self._sent_count += 1
        if not self._sent_count % EVENTS_A_TURN and not last:
            await sleep(0)

    def _too_slow(self) -> TimeoutError:
        """Log that the client is too slow; return the exception that aborts the connection."""
        path = "" if self._scope is None else self._scope["path"]
        seconds = self._send_timeout
        logger.warning("The client of the event stream %r read nothing for %s s: connection aborted", path, seconds)
        error = TimeoutError(f"the client took longer than send_timeout={seconds} s for an event")
        if self._scope is not None:
            mark(error, self._scope)
        return error

    async def _send_all(self, source: Events | None) -> None:
        if source is None:
            return
        iterator = _iterate(source)
        head_only = self._writer is not None and self._writer.head_only
        deadline: float | None = None
        try:
            if head_only:
                return
            async for event in iterator:
                await self._send_part(encode_event(event, type(self)._dumps), False)
                reason = None if self._watched_stream is None else self._watched_stream.reason
                if reason is None:
                    continue
                # The source has caught the cancellation. When the application stops, it may send last events.
                now = get_running_loop().time()
                deadline = now + STREAM_END_S if deadline is None else deadline
                if reason != "stop" or now >= deadline:
                    break
        finally:
            await self._close(iterator)

    def _check_unused(self) -> None:
        if self._is_used:
            raise RuntimeError("this EventStream was already sent: create one for each request")

    def _take_source(self) -> Events | None:
        self._is_used = True
        source, self._events = self._events, None
        return source

    async def _close(self, source: Any) -> None:
        """Close a source, so that its clean-up runs now; log an exception of the clean-up."""
        close: Callable[[], Coroutine[Any, Any, None]] | None = getattr(source, "aclose", None)
        if close is None:
            return
        # Starlette's middleware cancels each `await` of a handler, until the handler returns.
        with anyio.move_on_after(CLEAN_UP_S, shield=True) as limit:
            try:
                await close()
            except Exception as error:
                log_error(error_logger, error, "Exception in the clean-up of an event stream's source")
        if limit.cancelled_caught:
            logger.warning("The clean-up of an event stream's source was cancelled after %s s", CLEAN_UP_S)

    # Keep-alive -----------------------------------------------------------------------------------------------------

    def _send_ping(self) -> None:
        """Start to send a comment, unless an event or a comment is being sent; called by timers."""
        self._head_timer = None
        if (
            self._comment_task is None
            and not self._running_sends
            and self._writer is not None
            and self._writer.send is not None
        ):
            loop, context = get_running_loop(), self._context
            self._comment_task = loop.create_task(self._write_ping(self._writer), context=context)

    async def _write_ping(self, writer: ResponseWriter) -> None:
        ping = self._make_ping() if writer.head_sent else EMPTY_COMMENT
        self._last_sent = get_running_loop().time()
        try:
            async with timeout(self._send_timeout):
                await writer.write(self, ping, False)
        except TimeoutError:
            self._abort(self._too_slow())
        except OSError:
            pass  # the client has left; `OpenStream` cancels the sending task
        except Exception as error:
            # For example, a header field is invalid.
            self._abort(error)
        finally:
            self._comment_task = None

    def _make_ping(self) -> bytes:
        if self._ping_factory is not None:
            try:
                return encode_event(self._ping_factory(), type(self)._dumps) or EMPTY_COMMENT
            except Exception as error:
                # The events go on: they matter more than the comments.
                self._ping_factory = None
                log_error(error_logger, error, "Exception in a ping factory; empty comments are sent from now on")
        return EMPTY_COMMENT

    def _abort(self, error: Exception) -> None:
        """Cancel the task that sends the events; it raises an exception instead of `CancelledError`."""
        if self._watched_stream is None:
            return

        async def raise_error() -> None:
            raise error

        self._watched_stream.finish = raise_error
        self._watched_stream.cancel("broken off")


def _request_to_answer(send: Send) -> Any:
    """Return the current request if its `send` is the one of the response; `None` if other code wraps it."""
    try:
        request = requests.current_request()
    except LookupError:
        return None
    answers_request = hasattr(request, "_begin") and not request.responded and request._send is send
    return request if answers_request else None


def _checked_source(events: Any) -> Events:
    if isinstance(events, Coroutine):
        events.close()
    is_single_event = isinstance(events, (str, bytes, bytearray, memoryview, Mapping, ServerSentEvent, Coroutine))
    if is_single_event or not isinstance(events, (AsyncIterable, Iterable)):
        hint = ": call it" if callable(events) else ""
        raise TypeError(f"EventStream takes a synchronous or asynchronous iterable of events; got {events!r:.80}{hint}")
    # Without this test the response would be empty, and a browser would reconnect for ever.
    if getattr(events, "ag_frame", events) is None or getattr(events, "gi_frame", events) is None:
        raise RuntimeError(f"{events!r:.80} has ended: create a generator for each request")
    return events


def _checked_seconds(name: str, seconds: float | None) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} has to be a number of seconds or None; got {seconds!r:.80}")
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{name} has to be a number of seconds from 0 on; got {seconds}")
    return seconds


def _iterate(source: Events) -> AsyncIterator[Event]:
    if isinstance(source, AsyncIterable):
        return aiter(source)
    return _without_thread(source) if isinstance(source, (list, tuple)) else _InThreads(iter(source))


async def _without_thread(events: Iterable[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


class _InThreads:
    """The events of an iterator whose `next` may block.

    A thread cannot be cancelled. If the stream ends during `next`, the thread closes the iterator after that.

    Args:
        events: the iterator; a generator has a `close`.
    """

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = await to_thread.run_sync(self._next, abandon_on_cancel=True)
        if event is _END:
            raise StopAsyncIteration
        return event  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Close the iterator, now or when a running `next` returns."""
        self._is_closed = True
        await to_thread.run_sync(self._close, abandon_on_cancel=True)

    def _next(self) -> Any:
        try:
            return next(self._events, _END)
        finally:
            if self._is_closed:
                self._close()

    def _close(self) -> None:
        close = getattr(self._events, "close", None)
        if close is not None:
            with suppress(ValueError):  # raised by a generator that is running in another thread
                close()
