"""The events of requests and websockets, compiled into the application when it is finalised.

An event without a handler is left out, so that unused signals cost a request nothing. From the outside in, these fire
events:

    the application      http.lifecycle.begin, read_head, send, complete
    a route's callable   http.lifecycle.request, handle, http.routing.before, after, http.lifecycle.read_body, response
    each middleware      http.middleware.before, after
    the handler          http.handler.before, after; websocket.handler.before, after, exception

`http.lifecycle.exception` and `server.exception.report` are fired where exceptions are answered. ASGI passes a request
on when its head is complete, so `begin` is fired for each request, not for each connection. The engine finds the route
before the first event that has the request. Handlers of events before the routing don't see the route. If they change
the method, the host or the path, the router looks the route up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from inspect import isawaitable
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._app.pipeline import Call, MiddlewareCall
from sanic_star.compat.log import error_logger
from sanic_star.compat.response.types import ResponseStream
from sanic_star.compat.signals import Emit, Event, SignalRouter
from sanic_star.engine.failures import ends_here, log_error
from sanic_star.engine.requests import request_of
from sanic_star.engine.routing import wire_path

_ON_THE_WIRE = (
    Event.HTTP_LIFECYCLE_BEGIN,
    Event.HTTP_LIFECYCLE_READ_HEAD,
    Event.HTTP_LIFECYCLE_SEND,
    Event.HTTP_LIFECYCLE_COMPLETE,
)
_BEFORE_ROUTING = (Event.HTTP_LIFECYCLE_REQUEST, Event.HTTP_LIFECYCLE_HANDLE, Event.HTTP_ROUTING_BEFORE)
_AROUND_A_ROUTE = (
    *_BEFORE_ROUTING,
    Event.HTTP_ROUTING_AFTER,
    Event.HTTP_LIFECYCLE_READ_BODY,
    Event.HTTP_LIFECYCLE_RESPONSE,
)
_AROUND_A_HANDLER = (Event.HTTP_HANDLER_BEFORE, Event.HTTP_HANDLER_AFTER)
_AROUND_A_WEBSOCKET = (
    Event.WEBSOCKET_HANDLER_BEFORE,
    Event.WEBSOCKET_HANDLER_AFTER,
    Event.WEBSOCKET_HANDLER_EXCEPTION,
)
_AROUND_MIDDLEWARE = (Event.HTTP_MIDDLEWARE_BEFORE, Event.HTTP_MIDDLEWARE_AFTER)


class Events:
    """The events that have handlers; created anew whenever the application is finalised.

    Args:
        router: the application's signals.
        find_again: the router's method that looks a route up again.
        dispatch: the application's `dispatch` if a subclass overrides it; it is called then.
    """

    def __init__(
        self,
        router: SignalRouter,
        find_again: Callable[[Scope, Any, Iterable[str]], tuple[Any, dict[str, Any]]],
        dispatch: Callable[..., Any] | None = None,
    ) -> None:
        self._router = router
        self._dispatch = dispatch
        self._find_again = find_again
        self.emitters: dict[Event, Emit] = {}
        for event in Event if router.routes else ():
            emit = self._emitter(event)
            if emit is not None:
                self.emitters[event] = emit

    def _emitter(self, event: Event, condition: dict[str, str] | None = None) -> Emit | None:
        """Return the function that calls the handlers of an event; `None` if it has none."""
        emit = self._router._emitter(event, condition)
        return emit if emit is None or self._dispatch is None else partial(self._dispatch_by_app, event, condition)

    async def _dispatch_by_app(self, event: Event, condition: dict[str, str] | None, context: dict[str, Any]) -> Any:
        assert self._dispatch is not None
        condition_keyword = {} if condition is None else {"condition": condition}
        return await self._dispatch(event.value, inline=True, context=context, **condition_keyword)

    def __bool__(self) -> bool:
        """Return whether any event has a handler."""
        return bool(self.emitters)

    def has_handler(self, *events: Event) -> bool:
        """Return whether one of the events has a handler."""
        return any(event in self.emitters for event in events)

    async def fire(self, event: Event, **context: Any) -> None:
        """Call the handlers of an event."""
        emit = self.emitters.get(event)
        if emit is not None:
            await emit(context)

    async def fire_safely(self, event: Event, **context: Any) -> None:
        """Call the handlers of an event; log their exceptions, which must not replace the response."""
        try:
            await self.fire(event, **context)
        except Exception as error:
            log_error(error_logger, error, "A handler of %s failed", event.value)

    # A route ---------------------------------------------------------------------------------------------------------

    def around_route(self, call: Call, route: Any, reads_body: bool) -> Call:
        """Return `call` inside the events of a request.

        Args:
            call: answers the request, including middleware.
            route: the route of `call`; `None` for requests without a route.
            reads_body: whether to read the body first.
        """
        if not self.has_handler(*_AROUND_A_ROUTE):
            return call

        async def call_with_events(connection: Any) -> Any:
            request = request_of(connection)
            if not request._was_rerouted:
                other_call = await self._fire_before_routing(request)
                if other_call is not None:
                    return await other_call(connection)
            if route is not None:
                # For mounts and Starlette's routes, `route` is the one that forwards to all of them.
                matched_route = request.scope["route"]
                handler = getattr(matched_route, "handler", None)
                context = {"route": matched_route, "kwargs": dict(request._route_params), "handler": handler}
                await self.fire(Event.HTTP_ROUTING_AFTER, request=request, **context)
            if self.has_handler(Event.HTTP_LIFECYCLE_READ_BODY) and request is connection:
                request._receive = self._with_read_body_event(request._receive)
            if reads_body:
                request._reads_body = True
                if request._received or request._stream_consumed:
                    # An event handler has read the body or a part of it.
                    await request.receive_body()
                elif not request._body_is_read:
                    await request._read_body(await request._receive(), route.max_body_size)
            response = await call(connection)
            sent_response = request.stream.response if request._writer is not None else response
            if isinstance(sent_response, (Response, ResponseStream)):
                await self.fire(Event.HTTP_LIFECYCLE_RESPONSE, request=request, response=sent_response)
            return response

        return call_with_events

    async def _fire_before_routing(self, request: Any) -> Call | None:
        """Fire the events before the routing.

        Returns:
            The callable of another route if they have changed the routing, else `None`.
        """
        if not self.has_handler(*_BEFORE_ROUTING):
            return None
        # As in Sanic, there is no route yet, and a parameter that a handler sets now is lost.
        route, params = request.scope.pop("route", None), request._route_params
        request._route_params, request._hidden_route = {}, route
        former_key = _routing_key(request)
        for event in _BEFORE_ROUTING:
            await self.fire(event, request=request)
        request._hidden_route = None
        current_key = _routing_key(request)
        if current_key != former_key:
            request._was_rerouted = True
            if current_key[1] != former_key[1]:
                headers = [(name, value) for name, value in request.scope.get("headers", ()) if name != b"host"]
                host = [] if current_key[1] is None else [(b"host", current_key[1].encode())]
                request._amend(headers=[*host, *headers])
            other_route, request._route_params = self._find_again(request.scope, route, params)
            return other_route.call  # type: ignore[no-any-return]
        if route is not None:
            request.scope["route"] = route
        request._route_params = params
        return None

    def _with_read_body_event(self, receive: Receive) -> Receive:
        async def receive_with_event() -> Message:
            message = await receive()
            if message["type"] == "http.request" and message.get("body"):
                await self.fire(Event.HTTP_LIFECYCLE_READ_BODY, body=message["body"])
            return message

        return receive_with_event

    # Handlers and middleware ----------------------------------------------------------------------------------------

    def around_handler(self, call: Call, also_on_error: bool = False) -> Call:
        """Return `call` inside the events of a handler.

        Args:
            call: calls the handler with a request or a websocket.
            also_on_error: whether to fire `http.handler.after` if the handler raises.
        """
        if not self.has_handler(*_AROUND_A_HANDLER):
            return call

        async def call_with_handler_events(connection: Any) -> Any:
            request = request_of(connection)
            await self.fire(Event.HTTP_HANDLER_BEFORE, request=request)
            try:
                response = await call(connection)
            except Exception:
                if also_on_error:
                    await self.fire(Event.HTTP_HANDLER_AFTER, request=request)
                raise
            await self.fire(Event.HTTP_HANDLER_AFTER, request=request)
            return response

        return call_with_handler_events

    def around_websocket(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return a websocket's handler inside its events."""
        if not self.has_handler(*_AROUND_A_WEBSOCKET):
            return handler

        async def handler_with_events(request: Any, websocket: Any, **params: Any) -> None:
            context = {"request": request, "websocket": websocket}
            await self.fire(Event.WEBSOCKET_HANDLER_BEFORE, **context)
            try:
                result = handler(request, websocket, **params)
                if isawaitable(result):
                    await result
            except Exception as error:
                await self.fire_safely(Event.WEBSOCKET_HANDLER_EXCEPTION, **context, exception=error)
                raise
            await self.fire(Event.WEBSOCKET_HANDLER_AFTER, **context)

        return handler_with_events

    def around_middleware(self, middleware_call: MiddlewareCall, attach_to: str) -> MiddlewareCall:
        """Return a middleware inside its events.

        Args:
            middleware_call: the middleware.
            attach_to: `request` or `response`; the condition under which the events are dispatched.
        """
        if not self.has_handler(*_AROUND_MIDDLEWARE):
            return middleware_call
        function = middleware_call[0]
        emit_before, emit_after = (self._emitter(event, {"attach_to": attach_to}) for event in _AROUND_MIDDLEWARE)

        async def middleware_with_events(request: Any, response: Any = None) -> Any:
            context = {"request": request, "response": response}
            if emit_before:
                await emit_before(context)
            result = function(request, response) if attach_to == "response" else function(request)
            if isawaitable(result):
                result = await result
            if emit_after:
                await emit_after(context)
            return result

        return middleware_with_events, True

    # The application ------------------------------------------------------------------------------------------------

    def around_application(self, app: ASGIApp, make_request: Callable[..., Any], fail: Callable[..., Any]) -> ASGIApp:
        """Return an application inside the events of connections and of sent data.

        Args:
            app: the application, including middleware.
            make_request: makes a request from scope, receive and send.
            fail: answers an exception; called with the request, the exception, scope, receive and send.
        """
        if not self.has_handler(*_ON_THE_WIRE):
            return app
        from sanic_star.compat.models.server_types import CONNECTION, conn_info_of

        async def app_with_events(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
                return
            # Not by `make_request`: that would make a second request, which no handler sees.
            scope[CONNECTION] = connection = conn_info_of(scope, receive)
            server_send = send
            if self.has_handler(Event.HTTP_LIFECYCLE_SEND) and scope["type"] == "http":
                send = partial(self._send_with_event, send)
            try:
                await self.fire(Event.HTTP_LIFECYCLE_BEGIN, conn_info=connection)
                await self.fire(Event.HTTP_LIFECYCLE_READ_HEAD, head=_head(scope))
            except Exception as error:
                if scope["type"] != "http":
                    raise
                await fail(make_request(scope, receive, send), error, scope, receive, send)
                return
            try:
                await app(scope, receive, send)
            except BaseException as error:
                if not ends_here(error, server_send):
                    raise
            finally:
                await self.fire_safely(Event.HTTP_LIFECYCLE_COMPLETE, conn_info=connection)

        return app_with_events

    async def _send_with_event(self, send: Send, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self.fire_safely(Event.HTTP_LIFECYCLE_SEND, data=message.get("body", b""))
        await send(message)


def _routing_key(request: Any) -> tuple[Any, ...]:
    """Return the values that the choice of a route depends on."""
    scope = request.scope
    return request.method, request.headers.getone("host", None), scope["path"], scope.get("raw_path")


def _head(scope: Scope) -> bytes:
    """Return the head of a request as HTTP/1.1 writes it, without the empty line."""
    target = wire_path(scope).encode("latin-1")
    # A websocket's scope may have no query string.
    query = scope.get("query_string", b"")
    if query:
        target += b"?" + query
    request_line = b"%s %s HTTP/%s" % (
        scope.get("method", "GET").encode(),
        target,
        scope.get("http_version", "1.1").encode(),
    )
    return b"\r\n".join([request_line, *(name + b": " + value for name, value in scope.get("headers", ()))])
