"""The request, what it records of another application's response, and the table of requests in flight.

A request is made from the ASGI scope and parses nothing at first: its attributes have defaults on the class, and are
computed when they are read.

`current_request()` returns the request from any code that its handler calls, also in child tasks and threads. A context
variable with the request itself would keep it alive in every copy of the context, and give the garbage collector work.
So the variable has a number, and `live` maps numbers to requests in flight. Only a background task, which may outlive
the response, has the request itself in its context.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextvars import Context, ContextVar, copy_context
from functools import partial
from itertools import count
from typing import Any

from starlette import requests
from starlette.requests import ClientDisconnect, empty_receive, empty_send
from starlette.types import Message, Receive, Scope, Send

from sanic_star.engine.charsets import check_content_type
from sanic_star.engine.failures import RefusedRequest, reports_exception
from sanic_star.engine.responses import announce_close
from sanic_star.engine.streams import OpenStream, OpenStreams, is_event_stream, resumable, running_task

live: dict[int, Request] = {}
current: ContextVar[int] = ContextVar("sanic_star.request")
numbers = count(1)
# In the context of a background task: the request that has started it, which may end before the task.
_kept_request: ContextVar[Request] = ContextVar("sanic_star.kept_request")

# How long a failed request waits for the server's disconnect message, in seconds. Servers send it at once.
_DISCONNECT_WAIT_S = 0.05

# Keys of a scope:
# - the request, if it was made before the dispatch;
PREPARED_REQUEST = "sanic_star.prepared_request"
# - true if the server has refused the request while the application handles it;
REFUSED = "sanic_star.refused"
# - the `CountedBody` of the request;
COUNTED_BODY = "sanic_star.counted_body"
# - the `Boundary` of the request;
BOUNDARY = "sanic_star.engine.boundary"
# - the `Handshake`, if an HTTP route answers a websocket's handshake.
HANDSHAKE = "sanic_star.handshake"
# The result of a route's callable that has sent the response itself.
SENT = object()
TOO_LARGE = "Request body exceeds the size limit"
# The module of `BaseHTTPMiddleware`, whose `receive` is a method of a class of this module.
_BASE_HTTP_MIDDLEWARE = "starlette.middleware.base"


def may_have_body(scope: Scope, receive: Receive) -> bool:
    """Return whether a request may have a body; always `True` unless `receive` is Starlette's `BaseHTTPMiddleware`'s.

    In HTTP/1.1 the header announces a body (RFC 9112, section 6.3); in later versions it need not.

    PERF: the `receive` of `BaseHTTPMiddleware` starts tasks; without a call of it a GET takes half the time
    («overhead»). Safe because that middleware adds no body to a request without one. For other middleware, which may,
    the result is `True`.

    Args:
        scope: the request's ASGI scope.
        receive: the ASGI `receive` that the dispatch got.
    """
    if getattr(receive, "__module__", None) != _BASE_HTTP_MIDDLEWARE:
        return True
    if scope.get("http_version") not in ("1.1", "1.0"):
        return True
    for name, _ in scope.get("headers", ()):  # noqa: SIM110  (`any` takes twice as long)
        if name == b"content-length" or name == b"transfer-encoding":
            return True
    return False


class Limits:
    """The limits of requests; `None` for no limit.

    Attributes:
        body: the size of a body, for a route without a limit of its own, in bytes.
        field: the size of a header field that is parsed, in bytes.
        part_s: the wait for one part of a request's body, in seconds.
        whole_body_s: the time for a whole body, in seconds; `timeouts.MIN_BODY_RATE` adds to it.
        response_s: the time until the response begins, in seconds.
        graceful_s: the grace period of requests at the stop, in seconds.
        cancels_at_stop: whether the stop cancels requests at once: in development, where it usually is a restart.
    """

    # PERF: no named tuple and no dataclass, which take 0.4 ms of the import. Safe because each function that makes
    # limits sets the attributes by name, which mypy checks.
    body: int | None = None
    field: int | None = None
    part_s: float | None = None
    whole_body_s: float | None = None
    response_s: float | None = None
    graceful_s: float = 15.0
    cancels_at_stop: bool = False


class Watcher:
    """Records on a request what another ASGI application sends for it.

    A request watches for itself while it is forwarded to a mount. A response of another kind than Sanic's has a watcher
    of its own, because there may be several inside each other for one request: one for each ASGI middleware of its
    route.
    """

    scope: Scope
    # Whether a response has begun, other than by the handler's return value.
    responded = False
    # The exception that `receive` has raised for another application that read a body above the limit.
    _body_refusal: Exception | None = None
    # The open stream of the response.
    _open_stream: OpenStream | None = None
    # Whether another ASGI application, or a Starlette response, has sent a complete response.
    _is_answered = False
    # The `id` of the exception that this response was sent for, because it is usually raised afterwards.
    _answered_error: int | None = None
    # The open streams of the request's application, the task, and the `send` of the response.
    _streams: OpenStreams
    _task: asyncio.Task[Any] | None
    _outer_send: Send
    # Whether `_release` must be called at the end of the request.
    _holds = False
    # The request, if the watcher is none itself.
    _request: Request | None = None

    def _watch(self, streams: OpenStreams, send: Send) -> None:
        """Prepare `_watched_send`, which the other application gets.

        Args:
            streams: the open streams of this application.
            send: the ASGI `send` for the response.
        """
        self._streams, self._outer_send = streams, send
        # Determined here, because Starlette's responses may send from a child task.
        self._task = running_task()

    def _watched_send(self, message: Message) -> Awaitable[None]:
        """Record a message on the request, and send it: an ASGI `send`.

        It records the start of the response, because an exception after that cannot be answered. It opens a stream if
        the response has server-sent events, because only the application's stop ends those.

        PERF: it returns the awaitable of `send`, because a coroutine would double its time («overhead»). Safe because a
        caller awaits the result at once.

        Args:
            message: the ASGI message.
        """
        kind = message["type"]
        if kind == "http.response.body" or kind == "http.response.pathsend":
            if not message.get("more_body"):
                request = self if self._request is None else self._request
                if request._open_stream is not None:
                    self._streams.complete(request)
                request._is_answered = True
        elif kind == "http.response.start":
            if message["status"] >= 500:
                message = self._check_failure(message)
            for name, value in message.get("headers", ()):
                # PERF: the lengths of most names differ, so that no text is compared. Safe because names are compared
                # if their lengths are equal.
                size = len(name)
                if size == 14 and name.lower() == b"content-length":
                    break  # a stream of events with an end
                if size == 12 and name.lower() == b"content-type":
                    if b"event-stream" in value.lower() and is_event_stream(value.decode("latin-1")):
                        return self._begin_event_stream(message)
                    break
            request = self if self._request is None else self._request
            request.responded = True
        return self._outer_send(message)

    def _check_failure(self, start: Message) -> Message:
        """Return the start of the response to an error; raise the refusal of the body, if that is the cause."""
        request = self if self._request is None else self._request
        if request._body_refusal is not None:
            # Some middleware (Starlette's `BaseHTTPMiddleware`) turns the 413 into an internal error.
            raise request._body_refusal
        if not reports_exception(start):
            return start
        request._answered_error = id(sys.exc_info()[1])
        return announce_close(request.scope, start)

    async def _begin_event_stream(self, start: Message) -> None:
        """Send the start of server-sent events, then open a stream for them."""
        request, task = self if self._request is None else self._request, self._task
        request.responded = True
        is_watched = _is_watched_by_another(request)
        await self._outer_send(start)
        if is_watched:
            return
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.current_task()
        # After the start, because during a stop this cancels the task, and `_end_body` completes only the body.
        self._streams.open(request, partial(_end_body, self._outer_send), task=task)


class Request(requests.Request, Watcher):
    """One HTTP request, or the handshake of a websocket.

    Args:
        scope: the connection's ASGI scope, of type `http` or `websocket`.
        receive: the ASGI callable that gives the body's messages.
        send: the ASGI callable that takes the answer's messages.
    """

    # Starlette's initialiser sets these on each object; few requests need them.
    _stream_consumed = False
    _is_disconnected = False
    _form = None

    # The parameters of the request's route; `path_params` also has those of mounts around it.
    _route_params: dict[str, Any] = {}
    # The entries of the scope that a mount has changed, for the answer to an exception that leaves the mount.
    _outer: dict[str, Any] = {}
    # Whether the route's callable reads the body, instead of the dispatch.
    _reads_body = False
    # Whether the request has no body, so that nothing was received.
    _is_bodiless = False
    # The longest header field that is parsed, in bytes; `None` for no limit.
    _max_field_size: int | None = None
    # The number of bytes of the body that were received, if it comes in parts.
    _received = 0
    # Whether a handler that streams the body waits for the next part.
    _waits_for_part = False
    # The exception that the initialiser of the application's request class has raised.
    _initialiser_error: Exception | None = None
    # The server's `receive`, if `_release` puts it back.
    _server_receive: Receive | None = None

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        # `Engine._make_dispatch` sets the same attributes.
        self.scope = scope
        self._receive = receive
        self._send = send

    # The dispatch does not call a request class that has this initialiser.
    _plain_init = __init__

    @property
    def _is_read_first(self) -> bool:
        """Whether the body is read before the handler is called."""
        return self._reads_body or getattr(self.scope.get("route"), "reads_body", False)

    @property
    def _is_arriving(self) -> bool:
        """Whether the body is being read before the handler is called."""
        return self._is_read_first and not self._body_is_read

    @property
    def _body_is_read(self) -> bool:
        """Whether the whole body was read."""
        return hasattr(self, "_body")

    def _kept_body(self) -> Iterator[bytes]:
        """Yield the body that was read, in parts."""
        yield self._body

    def _take_back_response(self) -> None:
        """Mark the response as not begun, because its start has not reached the server."""
        self.responded = False

    def _restore_at_end(self, receive: Receive) -> None:
        """Put the server's `receive` back at the end of the request, because the one of now refers to the request.

        The answer to an exception may read the body, so that limits have to hold until then.
        """
        self._holds, self._server_receive = True, receive

    def _release(self) -> None:
        """Release the resources of this request; called at its end if `_holds` is true."""
        self._body_refusal = None
        if self._server_receive is not None:
            self._receive = self._server_receive

    @property
    def receive(self) -> Receive:
        """An ASGI `receive` for other code that reads the body; a body that was read is returned again.

        Raises:
            RefusedRequest: 400, the request is a form with an unknown charset; 431, its content type is too long.
        """
        check_content_type(self.scope, self._max_field_size)
        if self._body_is_read:
            return self._replay()
        self._receive = resumable(self._receive)
        return self._next_message

    async def _next_message(self) -> Message:
        # `_receive` is looked up late, because a watcher may have replaced it.
        return await self._receive()

    def _replay(self) -> Receive:
        """Return the same as `receive`, without its check, for a response, which only waits for the disconnect."""
        if self._is_bodiless or not self._body_is_read:
            return self._receive
        return _Replay(self._kept_body(), self._receive)

    async def _watched_receive(self, receive: Receive) -> Message:
        """Receive a message, and record a disconnect or the end of the body.

        Args:
            receive: the ASGI `receive` that is called.
        """
        message = await receive()
        if message["type"] == "http.disconnect":
            self._is_disconnected = True
        elif not message.get("more_body"):
            self._stream_consumed = True
        return message

    async def _client_has_left(self) -> bool:
        """Return whether the client has left; only for a failed request, because other messages are dropped."""
        try:
            async with asyncio.timeout(_DISCONNECT_WAIT_S):
                while not self._is_disconnected:
                    await self._watched_receive(self._receive)
        except TimeoutError:
            pass
        return self._is_disconnected

    async def _read_body(self, first: Message, limit: int | None) -> None:
        """Read a body that comes in several messages; arguments and exceptions are those of `_arriving_body`."""
        self._body = b"".join([chunk async for chunk in self._arriving_body(first, limit)])

    async def _arriving_body(self, first: Message, limit: int | None) -> AsyncIterator[bytes]:
        """Yield the parts of a body as they arrive.

        Args:
            first: the first message, which was received already.
            limit: the size limit of the body, in bytes; `None` for no limit.

        Raises:
            RefusedRequest: 413, the body is larger than `limit`. It is raised before the rest is received.
            ClientDisconnect: the client left before the end of the body.
        """
        size = 0
        if announces_more_than(self.scope, limit):
            raise RefusedRequest(413, TOO_LARGE)
        message = first
        while True:
            if message["type"] == "http.disconnect":
                self._is_disconnected = True
                raise ClientDisconnect
            chunk = message.get("body", b"")
            size += len(chunk)
            if limit is not None and size > limit:
                raise RefusedRequest(413, TOO_LARGE)
            self._received = size
            yield chunk
            if not message.get("more_body", False):
                break
            message = await self._receive()


class _Replay:
    """An ASGI `receive` that returns a body again, then the messages of the server."""

    def __init__(self, parts: Iterator[bytes], receive: Receive) -> None:
        self.parts = parts
        self.part: bytes | None = next(parts, b"")
        self.receive = receive

    async def __call__(self) -> Message:
        if self.part is None:
            return await self.receive()
        part, self.part = self.part, next(self.parts, None)
        return {"type": "http.request", "body": part, "more_body": self.part is not None}


async def _end_body(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_watched_by_another(request: Watcher) -> bool:
    """Return whether a mounted application of this package answers the request, and has opened the stream itself."""
    try:
        answering = current_request()
    except LookupError:
        return False
    return answering is not request and answering._open_stream is not None


def requests_begun() -> int:
    """Return the number of requests and websockets that this process has begun to answer."""
    # The `repr` is the only way to read a counter without changing it.
    return int(repr(numbers).removeprefix("count(").removesuffix(")")) - 1


def announces_more_than(scope: Scope, limit: int | None) -> bool:
    """Return whether the header announces a body above a limit.

    Args:
        scope: the request's ASGI scope.
        limit: the limit in bytes; `None` for no limit.
    """
    if limit is not None:
        for name, value in scope.get("headers", ()):
            if name == b"content-length" and exceeds(value, limit):
                return True
    return False


def exceeds(content_length: bytes, limit: float) -> bool:
    """Return whether the value of a `content-length` field is a number above a limit.

    Args:
        content_length: the value.
        limit: the limit in bytes.
    """
    # 10¹⁹ bytes are above any limit, and `int` raises ValueError for several thousand digits.
    return content_length.isdigit() and (len(content_length) > 19 or int(content_length) > limit)


def request_of(connection: Any) -> Any:
    """Return the request of a connection.

    Args:
        connection: a request, which is returned; or a websocket, which has the request of its handshake.
    """
    return connection if isinstance(connection, Request) else connection._request


def current_request() -> Request:
    """Return the current request; in a background task, the request that has started it.

    Raises:
        LookupError: there is no current request, or it has ended.
    """
    try:
        return live[current.get()]
    except LookupError:
        return _kept_request.get()


def context_with_request() -> Context:
    """Return a copy of the context in which `current_request` returns the request even after its end."""
    context = copy_context()
    request = live.get(current.get(0))
    if request is not None:
        context.run(_kept_request.set, request)
    return context
