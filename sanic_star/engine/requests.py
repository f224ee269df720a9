"""The request, and the table of requests in flight.

A request is built from the ASGI scope and parses nothing by itself: its attributes have defaults on the class, and what
nobody asks for costs nothing.

`current_request()` finds the request from anywhere below its handler, child tasks and threads included. A context
variable that held the request itself would keep it alive in every context copied from it, and the collector busy; it
holds a number instead, and `live` maps numbers to the requests in flight. Only a supervised background task, which may
go on after the response, keeps the request itself in its context.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any, NamedTuple

from starlette import requests
from starlette.requests import ClientDisconnect, empty_receive, empty_send
from starlette.types import Message, Receive, Scope, Send

from sanic_star.engine.charsets import check_content_type
from sanic_star.engine.failures import RefusedRequest
from sanic_star.engine.streams import OpenStream, resumable

live: dict[int, Request] = {}
current: ContextVar[int] = ContextVar("sanic_star.request")
numbers = count(1)
# The request in which a supervised task was started: it may be over before the task is.
_kept: ContextVar[Request] = ContextVar("sanic_star.kept_request")

# How long a failed request waits for the server to say that the client has left. Servers know it when they are asked.
_LEAVE_WAIT_S = 0.05

# Where a scope keeps the request that was made before the dispatch.
HANDED = "sanic_star.handed"
# Set in the scope of a request that the server answers with a refusal, while the application still handles it.
REFUSED = "sanic_star.refused"
# Where the scope keeps the `CountedBody` of its request, for the dispatch of the same application.
COUNTED_BODY = "sanic_star.counted_body"
# Where the scope of a request keeps its `Boundary`.
BOUNDARY = "sanic_star.engine.boundary"
# What a route's callable returns that has sent the response by itself.
SENT = object()
# Where the scope keeps the `Handshake`, if an HTTP route answers the handshake of a websocket.
HANDSHAKE = "sanic_star.handshake"
TOO_LARGE = "Request body exceeds the size limit"
# The module of `BaseHTTPMiddleware`, whose `receive` is a method of a class there.
_TASKS_FOR_EACH_MESSAGE = "starlette.middleware.base"


def may_have_body(scope: Scope, receive: Receive) -> bool:
    """Tell whether a request may have a body, where it is expensive to receive none.

    In HTTP/1.1 a body is announced (RFC 9112, 6.3); later versions need not announce theirs. Middleware of other kinds
    may give a body to a request that has none.

    PERF: the `receive` of Starlette's `BaseHTTPMiddleware` starts tasks; without it a GET takes half the time
    («overhead»). Safe because of every other `receive` this says that there may be a body.
    """
    if getattr(receive, "__module__", None) != _TASKS_FOR_EACH_MESSAGE:
        return True
    if scope.get("http_version") not in ("1.1", "1.0"):
        return True
    for name, _ in scope.get("headers", ()):  # noqa: SIM110  (`any` takes twice as long)
        if name == b"content-length" or name == b"transfer-encoding":
            return True
    return False


class Limits(NamedTuple):
    """The limits that requests are kept to; `None` stands for no limit.

    Attributes:
        body: the largest body for a route that sets no limit, in bytes.
        field: the longest field of a form that a parser reads, in bytes.
        part_s: how long one part of a request's body may take, in seconds.
        whole_body_s: how long a whole body may take apart from what its size adds, in seconds.
        response_s: how long a response may take to begin, in seconds.
        graceful_s: how long requests may take to end at the stop, in seconds.
        cuts_at_stop: whether the stop waits for no request: in development, where it mostly is a restart.
    """

    body: int | None = None
    field: int | None = None
    part_s: float | None = None
    whole_body_s: float | None = None
    response_s: float | None = None
    graceful_s: float = 15.0
    cuts_at_stop: bool = False


class Request(requests.Request):
    """One HTTP request, or the handshake of a websocket.

    Args:
        scope: the connection's ASGI scope, of type `http` or `websocket`.
        receive: the ASGI callable that gives the body's messages.
        send: the ASGI callable that takes the answer's messages.
    """

    # Starlette's own initialiser sets these on each object; a request that is never streamed can do without.
    _stream_consumed = False
    _is_disconnected = False
    _form = None

    # The parameters of the request's own route; `path_params` has those of mounts around it as well.
    _route_params: dict[str, Any] = {}
    # What the scope said before a mounted application was entered: an exception from there is answered here.
    _outer: dict[str, Any] = {}
    # Whether the route's callable reads the body, where the dispatch doesn't.
    _reads_body = False
    # True from the moment that an answer was begun by other means than the handler's return value.
    responded = False
    # Whether the request has no body, so that nothing was received.
    _is_bodiless = False
    # What `receive` raised where another application read a body that is too large.
    _body_refusal: Exception | None = None
    # The longest header field that a parser gets, in bytes; `None` for no limit.
    _max_field_size: int | None = None
    # How much of the body has come, where it comes in parts.
    _received = 0
    # Whether a handler that streams the body waits for the next part of it.
    _waits_for_part = False
    # The answer while it is sent piece by piece.
    _open_stream: OpenStream | None = None
    # Whether another ASGI application, or a response of Starlette's, has sent a complete response.
    _is_answered = False
    # The `id` of the exception that such a response was sent for; as a rule it is raised then.
    _answered_error: int | None = None
    # What the initialiser of the application's own request class has raised.
    _initialiser_error: Exception | None = None
    # True where something is to be closed when the request is over.
    _holds = False

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        # What is set here is set in `Engine._make_dispatch` as well.
        self.scope = scope
        self._receive = receive
        self._send = send

    # The dispatch makes a request without a call, if its class has this initialiser.
    _plain_init = __init__

    @property
    def _is_read_first(self) -> bool:
        """Whether the body is read before the handler is called."""
        return self._reads_body or getattr(self.scope.get("route"), "reads_body", False)

    @property
    def _arriving(self) -> bool:
        """Whether the handler waits for the body, which is read before it is called."""
        return self._is_read_first and not self._body_is_read

    @property
    def _body_is_read(self) -> bool:
        """Whether the whole body is here."""
        return hasattr(self, "_body")

    def _kept_body(self) -> Iterator[bytes]:
        """Yield the body that was read."""
        yield self._body

    def _take_back_response(self) -> None:
        """Note that the response which was begun has not reached the server."""
        self.responded = False

    def _release(self) -> None:
        """Let go of what was held for this request; called when it is over, if `_holds` is true."""
        self._body_refusal = None

    @property
    def receive(self) -> Receive:
        """The ASGI `receive`, for other code that reads the body; once the body was read it is played again.

        Raises:
            RefusedRequest: 400, the request is a form in a charset that a client may not choose.
        """
        check_content_type(self.scope, self._max_field_size)
        if self._body_is_read:
            return self._replay()
        self._receive = resumable(self._receive)
        return self._next_message

    async def _next_message(self) -> Message:
        # `_receive` is looked up at the last moment: a watcher may share it by then.
        return await self._receive()

    def _replay(self) -> Receive:
        """Return what `receive` is, for code that reads no form: a response waits for the end of the connection."""
        if self._is_bodiless or not self._body_is_read:
            return self._receive
        return _Replay(self._kept_body(), self._receive)

    async def _watched_receive(self, receive: Receive) -> Message:
        """Receive a message, and note if the client has left or the body ends: nobody may wait for more of it then."""
        message = await receive()
        if message["type"] == "http.disconnect":
            self._is_disconnected = True
        elif not message.get("more_body"):
            self._stream_consumed = True
        return message

    async def _client_has_left(self) -> bool:
        """Tell whether the client has left; for a request that has failed, because what else comes is dropped."""
        try:
            async with asyncio.timeout(_LEAVE_WAIT_S):
                while not self._is_disconnected:
                    await self._watched_receive(self._receive)
        except TimeoutError:
            pass
        return self._is_disconnected

    async def _read_body(self, first: Message, limit: int | None) -> None:
        """Read a body that comes in several messages; arguments and exceptions are those of `_arriving_body`."""
        self._body = b"".join([chunk async for chunk in self._arriving_body(first, limit)])

    async def _arriving_body(self, first: Message, limit: int | None) -> AsyncIterator[bytes]:
        """Yield the parts of a body as they come.

        Args:
            first: the message that was received already.
            limit: the greatest size of a body, in bytes.

        Raises:
            RefusedRequest: 413, the body is larger than `limit`; as soon as that is known.
            ClientDisconnect: the client left before the end.
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
    """An ASGI `receive` that gives a body once more, then goes on with the server's."""

    def __init__(self, parts: Iterator[bytes], receive: Receive) -> None:
        self.parts = parts
        self.part: bytes | None = next(parts, b"")
        self.receive = receive

    async def __call__(self) -> Message:
        if self.part is None:
            return await self.receive()
        part, self.part = self.part, next(self.parts, None)
        return {"type": "http.request", "body": part, "more_body": self.part is not None}


def requests_begun() -> int:
    """Return how many requests and websockets this process has begun to answer."""
    # The counter shows its next number in its text only.
    return int(repr(numbers).removeprefix("count(").removesuffix(")")) - 1


def announces_more_than(scope: Scope, limit: int | None) -> bool:
    """Tell whether the body is larger than so many bytes by what its header says."""
    if limit is not None:
        for name, value in scope.get("headers", ()):
            if name == b"content-length" and exceeds(value, limit):
                return True
    return False


def exceeds(content_length: bytes, limit: float) -> bool:
    """Tell whether the value of a `content-length` field is a number above a limit in bytes."""
    # Nobody sends 10¹⁹ bytes, and Python refuses to read a number of several thousand digits.
    return content_length.isdigit() and (len(content_length) > 19 or int(content_length) > limit)


def current_request() -> Request:
    """Return the request that is being answered, or in which the running background task was started.

    Raises:
        LookupError: there is none here, or it is over already.
    """
    try:
        return live[current.get()]
    except LookupError:
        return _kept.get()


def keeping_request() -> Context:
    """Return a copy of the context in which the current request, if there is one, is found even after its end."""
    context = copy_context()
    request = live.get(current.get(0))
    if request is not None:
        context.run(_kept.set, request)
    return context
