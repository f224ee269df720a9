"""ASGI middleware around the routes of a blueprint group, a blueprint, or one route.

From the outside in, a request passes

    the ASGI middleware of the application     around the router, see `engine.application`
    Sanic's middleware of the application
    for a group, the blueprint, the route:     its ASGI middleware, a `Layer`
                                               its Sanic middleware, a segment

The middleware of a layer is built once per start, for all routes of its level. Its innermost application is the same
for all of them: it finds the request's passage (`HTTPPassage`, `WebSocketPassage`) in the scope, which calls the rest
of the route. Until that returns, the request uses the scope, the `receive` and the `send` that the middleware has
passed on.

An exception with a handler is answered inside the layer, as inside Starlette's `Route(middleware=…)`: middleware sees a
response. Any other exception passes through the middleware, which may roll back a transaction.

This module is imported when an application with such middleware is finalised. Routes without it are compiled as if no
route had any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from starlette.exceptions import WebSocketException
from starlette.middleware import Middleware as ASGIMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._app.forwarding import with_response_middleware
from sanic_star.compat._app.guard import REQUEST
from sanic_star.compat._app.pipeline import Call, MiddlewareCall, run_request_middleware, run_response_middleware
from sanic_star.engine.failures import only_member
from sanic_star.engine.responses import Response
from sanic_star.engine.streams import resumable
from sanic_star.engine.websockets import SERVER_SEND, can_deny, close_of

if TYPE_CHECKING:

    class Answers(Protocol):
        """The methods of `answers.Answers` that layers use."""

        def has_begun(self, request: Any, /) -> bool: ...
        def handles(self, request: Any, error: BaseException, /) -> bool: ...
        async def answer(self, request: Any, error: BaseException, /) -> tuple[Any, Any]: ...
        async def fire_response_event(self, request: Any, response: Any, /) -> None: ...
        async def send_other(
            self, request: Any, response: Any, scope: Scope, receive: Receive, send: Send, /
        ) -> None: ...
        async def run_websocket_handler(self, connection: Any, error: Any, /) -> None: ...


# Sanic's middleware of one level: request middleware, response middleware.
Segment = tuple[Sequence[MiddlewareCall], Sequence[MiddlewareCall]]
_numbers = count()
# Attributes that a request has parsed from its header, and has to parse again if the header changes.
_HEADER_ATTRIBUTES = (
    "_headers",
    "parsed_accept",
    "parsed_cookies",
    "parsed_credentials",
    "parsed_forwarded",
    "parsed_token",
    "_id",
)
_QUERY_ATTRIBUTES = ("_args", "_parsed_args", "_parsed_not_grouped_args")
_BODY_ATTRIBUTES = ("parsed_json", "parsed_form", "parsed_files", "_upload", "_is_bodiless")


class Layer:
    """The ASGI middleware of one level, built once.

    Args:
        answers: the answers of the application.
        middleware: the outermost first.
    """

    def __init__(self, answers: Answers, middleware: Iterable[ASGIMiddleware]) -> None:
        self.answers = answers
        # The key of the request's passage in the scope.
        self.key = f"sanic_star.layer.{next(_numbers)}"
        app: ASGIApp = self._enter
        for cls, args, kwargs in reversed(list(middleware)):
            app = cls(app, *args, **kwargs)
        self.app = app

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope[self.key].enter(scope, receive, send)

    def wrap(self, call: Call, response_middleware: Sequence[MiddlewareCall]) -> Call:
        """Return a route's callable with the middleware around it.

        Args:
            call: answers the request, or runs the websocket's handler.
            response_middleware: the response middleware of `call`; it also runs for the response to an exception.
        """

        async def pass_through(connection: Any) -> Any:
            passage_class = HTTPPassage if connection.scope["type"] == "http" else WebSocketPassage
            return passage_class(self, connection, call, response_middleware)

        return pass_through


async def _receive_and_note_leave(request: Any, receive: Receive) -> Message:
    """Receive a message, and note if the client has left.

    The end of the body is not noted: a watcher may read ahead here, and the handler will read the stored messages.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        request._is_disconnected = True
    return message


class HTTPPassage:
    """One request inside a layer, as the ASGI application that answers it.

    Args:
        layer: the layer.
        request: the request.
        call: answers it inside the layer.
        response_middleware: the response middleware that `call` runs.
    """

    def __init__(self, layer: Layer, request: Any, call: Call, response_middleware: Sequence[MiddlewareCall]) -> None:
        self._layer = layer
        self._request = request
        self._call = call
        self._response_middleware = response_middleware

    # The request's scope outside the layer.
    scope: Scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        request, key = self._request, self._layer.key
        scope = self.scope = request.scope
        request._receive = resumable(request._receive)
        # Not the argument `receive`: that calls the request, whose messages come from the middleware by then.
        self._receive: Receive = partial(_receive_and_note_leave, request, request._replay())
        self._parsed_fields = scope.get("headers"), scope.get("query_string")
        scope[key], scope[REQUEST] = self, request
        try:
            await self._layer.app(scope, self._receive, send)
        finally:
            # Breaks the reference cycle of scope and passage.
            scope.pop(key, None)
            scope.pop(REQUEST, None)

    async def enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request with the scope, `receive` and `send` that the middleware has passed on."""
        request = self._request
        outer_state = request.scope, request._receive, request._send
        _switch_scope(request, scope, *self._parsed_fields)
        request._send = send
        try:
            if receive is not self._receive:
                await self._adopt_body(receive)
            await self._answer(scope, receive, send)
        finally:
            parsed_fields = scope.get("headers"), scope.get("query_string")
            request._receive, request._send = outer_state[1:]
            _switch_scope(request, outer_state[0], *parsed_fields)

    async def _adopt_body(self, receive: Receive) -> None:
        """Read the body again, because the middleware may have changed it; an unread body is left to the handler."""
        request = self._request
        request._receive = receive
        if not request._body_is_read:
            return
        if request._upload is not None:
            request._upload.release()
        vars(request).pop("_body", None)
        for name in _BODY_ATTRIBUTES:
            vars(request).pop(name, None)
        await request._read_body(await receive(), request.scope["route"].max_body_size)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, answers = self._request, self._layer.answers
        request._request_middleware_started = True
        try:
            response = await self._call(request)
            if not isinstance(response, HTTPPassage):
                await answers.fire_response_event(request, response)
            await self._send(response, scope, receive, send)
        except Exception as error:
            if answers.has_begun(request) or not answers.handles(request, error):
                raise
            response = await self._response_to(error)
            if response is not None:
                await self._send(response, scope, receive, send)

    async def _response_to(self, error: Exception) -> Any:
        """Return the response to an exception; each level's response middleware runs on its own."""
        request = self._request
        was_started, request._response_middleware_started = request._response_middleware_started, True
        try:
            response, _ = await self._layer.answers.answer(request, error)
        finally:
            request._response_middleware_started = was_started
        return response if response is None else await _respond(request, response, self._response_middleware)

    async def _send(self, response: Any, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._request
        if isinstance(response, Response) and not request.responded:
            await response(scope, receive, send)
        else:
            await self._layer.answers.send_other(request, response, scope, receive, send)


class WebSocketPassage:
    """One websocket inside a layer, as the ASGI application that runs its handler; see `HTTPPassage`."""

    def __init__(
        self, layer: Layer, connection: Any, call: Call, response_middleware: Sequence[MiddlewareCall]
    ) -> None:
        self._layer = layer
        self._connection = connection
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the websocket's handler."""
        connection, key = self._connection, self._layer.key
        scope = connection.scope
        # The connection sends through the middleware, so messages of the middleware itself bypass the connection.
        server_send = connection._server_send

        async def record_and_send(message: Message) -> None:
            recorded_message = connection._note(message)
            if recorded_message is not None:
                await server_send(recorded_message)

        is_outermost = scope.setdefault(SERVER_SEND, server_send) is server_send
        self._parsed_fields = scope.get("headers"), scope.get("query_string")
        scope[key], scope[REQUEST] = self, connection._request
        try:
            await self._layer.app(scope, connection._server_receive, record_and_send)
        finally:
            if is_outermost:
                scope.pop(SERVER_SEND, None)
            scope.pop(key, None)
            scope.pop(REQUEST, None)

    async def enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the handler with the scope, `receive` and `send` that the middleware has passed on."""
        connection = self._connection
        request = connection._request
        outer_state = connection.scope, connection._server_receive, connection._server_send
        _switch_scope(request, scope, *self._parsed_fields)
        connection.scope, connection._server_receive, connection._server_send = scope, receive, send
        try:
            response = await self._call(connection)
            if response is not None:
                await response(scope, connection._receive_message, connection._send_message)
        except Exception as error:
            await self._answer(error)
        finally:
            connection.scope, connection._server_receive, connection._server_send = outer_state
            _switch_scope(request, outer_state[0], scope.get("headers"), scope.get("query_string"))

    async def _answer(self, error: Exception) -> None:
        """Close the connection or refuse the handshake if the exception has a handler; else raise it."""
        connection, answers = self._connection, self._layer.answers
        closing: Any = only_member(error)
        if isinstance(closing, WebSocketException):
            if not connection._closed:
                await answers.run_websocket_handler(connection, closing)
            await connection._end(*close_of(closing))
            return
        if connection._opened or connection._closed or not answers.handles(connection._request, error):
            try:
                raise error
            finally:
                # The traceback refers to this frame: this breaks the cycle.
                del closing, error
        response, _ = await answers.answer(connection._request, error)
        if response is not None and can_deny(connection.scope):
            await response(connection.scope, connection._receive_message, connection._send_message)
        await connection._end(1011)


def _switch_scope(request: Any, scope: Scope, headers: Any, query: Any) -> None:
    """Give the request another scope; drop the values that it has parsed from a header or a query that differs.

    Args:
        request: the request.
        scope: the scope.
        headers: the header fields that it has parsed.
        query: the query string that it has parsed.
    """
    request.scope = scope
    changed: tuple[str, ...] = _HEADER_ATTRIBUTES if scope.get("headers") is not headers else ()
    changed += _QUERY_ATTRIBUTES if scope.get("query_string") != query else ()
    for name in changed:
        vars(request).pop(name, None)


async def _respond(request: Any, response: Any, response_middleware: Sequence[MiddlewareCall]) -> Any:
    """Run the response middleware of one level."""
    if not response_middleware or request.responded or request._response_middleware_started:
        return response
    if isinstance(response, HTTPPassage):
        return with_response_middleware(request, response, partial(_run_outside_layer, response, response_middleware))
    return await _run_and_reset(response_middleware, request, response)


async def _run_outside_layer(
    passage: HTTPPassage, response_middleware: Sequence[MiddlewareCall], request: Any, response: Any
) -> Any:
    """Run response middleware outside a layer, with the outer scope, while the inside of the layer sends."""
    inner_scope = request.scope
    _switch_scope(request, passage.scope, inner_scope.get("headers"), inner_scope.get("query_string"))
    try:
        return await _run_and_reset(response_middleware, request, response)
    finally:
        _switch_scope(request, inner_scope, passage.scope.get("headers"), passage.scope.get("query_string"))


async def _run_and_reset(response_middleware: Sequence[MiddlewareCall], request: Any, response: Any) -> Any:
    response = await run_response_middleware(request, response, response_middleware)
    request._response_middleware_started = False
    return response


def _call_in_segment(call: Call, segment: Segment) -> Call:
    """Return `call` inside Sanic's middleware of one level."""
    request_middleware, response_middleware = segment
    if not request_middleware and not response_middleware:
        return call

    async def answer_in_segment(request: Any) -> Any:
        request._request_middleware_started = True
        response = await run_request_middleware(request, request_middleware)
        return await _respond(request, response or await call(request), response_middleware)

    return answer_in_segment


def call_in_layers(call: Call, segments: Sequence[Segment], layers: Sequence[Layer]) -> Call:
    """Return the callable of an HTTP route.

    Args:
        call: calls the handler.
        segments: Sanic's middleware, the outermost level first: one segment more than layers.
        layers: the ASGI middleware between the segments.
    """
    for segment, layer in zip(reversed(segments), (*reversed(layers), None), strict=True):
        call = _call_in_segment(call, segment)
        if layer is not None:
            call = layer.wrap(call, segment[1])
    return call


def websocket_in_layers(
    call: Call, segments: Sequence[Segment], layers: Sequence[Layer], refuse: Callable[[Any, Any], Any]
) -> Call:
    """Return the callable of a websocket route; arguments as in `call_in_layers`.

    Args:
        call: runs the handler.
        segments: Sanic's middleware.
        layers: the ASGI middleware between the segments.
        refuse: runs response middleware for the response of request middleware.
    """

    def with_request_middleware(call: Call, request_middleware: Sequence[MiddlewareCall]) -> Call:
        async def run_if_allowed(connection: Any) -> Any:
            request = connection._request
            refusal = await run_request_middleware(request, request_middleware)
            return await refuse(request, refusal) if refusal else await call(connection)

        return run_if_allowed if request_middleware else call

    for segment, layer in zip(reversed(segments), (*reversed(layers), None), strict=True):
        call = with_request_middleware(call, segment[0])
        if layer is not None:
            call = layer.wrap(call, ())
    return call
