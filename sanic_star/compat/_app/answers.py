"""How requests are answered: what runs around a handler, how errors are answered, which return values are valid.

`Answers` gives the engine Sanic's behaviour. The engine calls it to compile each route when the application is
finalised, to run listeners at the start and the stop, and to respond to exceptions, to paths without a route, and to
return values that are not ready responses.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Iterable
from functools import cached_property, partial
from inspect import isawaitable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.responses import Response as StarletteResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._app.listeners import LISTENER_TIMEOUTS
from sanic_star.compat._app.methods import ENTRY, Overrides
from sanic_star.compat._app.pipeline import (
    Call,
    MiddlewareCall,
    calls_of_middleware,
    handler_call,
    handler_in_middleware,
    is_endpoint,
    run_request_middleware,
    with_middleware,
)
from sanic_star.compat.compat import check_foreign
from sanic_star.compat.exceptions import ServerError, WebsocketClosed
from sanic_star.compat.log import error_logger, logger, websockets_logger
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.compat.request._url import url_for_log
from sanic_star.compat.request.types import Request
from sanic_star.compat.response._writer import BACKGROUND_FAILED, ResponseWriter, run_background
from sanic_star.compat.response.types import ResponseStream
from sanic_star.compat.signals import Event
from sanic_star.engine import routing
from sanic_star.engine.application import DEVELOPMENT_GRACE_S, announcing_close
from sanic_star.engine.charsets import check_content_type
from sanic_star.engine.failures import log_error
from sanic_star.engine.requests import (
    HANDSHAKE,
    PREPARED_REQUEST,
    SENT,
    Limits,
    announces_more_than,
    current_request,
    live,
    request_of,
)
from sanic_star.engine.requests import Request as EngineRequest
from sanic_star.engine.responses import Response
from sanic_star.engine.steps import Limit
from sanic_star.engine.streams import SharedReceive, is_event_stream, running_task

if TYPE_CHECKING:
    from sanic_star.compat._app.error_answers import ErrorAnswers
    from sanic_star.compat._app.events import Events
    from sanic_star.compat._app.layers import Layer
    from sanic_star.compat._app.seams import Application
    from sanic_star.compat.server.websockets._inbox import Sweeper as WebsocketSweeper
    from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
    from sanic_star.engine.steps import Phase
    from sanic_star.engine.threads import ThreadPool

_EXCEPTION_EVENTS = Event.HTTP_LIFECYCLE_EXCEPTION, Event.SERVER_EXCEPTION_REPORT
# The header fields that are checked before other code reads a body.
_BODY_HEADERS = frozenset((b"content-length", b"content-type"))
# As `requestTimeout` of Node.js, in seconds.
BODY_TIMEOUT_S = 300
# How long the stop waits for functions in threads whose requests were cancelled, in seconds: as long as for the
# clean-up of a request.
ABANDONED_THREADS_S = 1.0


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether the header fields announce a body."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


def _may_read_body(request: Request) -> bool:
    """Return whether a handler that streams the body may still receive a part of it."""
    if request._body_is_read or request._stream_consumed or not getattr(_extra(request), "stream", False):
        return False
    # A body of GET and HEAD has no meaning (RFC 9110, section 9.3.1). Over HTTP/2 and HTTP/3 other methods may have one
    # that no header field announces.
    return request.method not in ("GET", "HEAD") or has_body(request.scope.get("headers", ()))


def _extra(request: Request) -> Any:
    return getattr(request.route, "extra", None)


def make_websocket(scope: Scope, receive: Receive, send: Send) -> WebsocketImplProtocol:
    """Return the websocket of a handshake in an application without websocket routes.

    Its class is imported with the first websocket route, because most applications have none.

    Args:
        scope: the ASGI scope.
        receive: the ASGI callable.
        send: the ASGI callable.
    """
    from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol

    return WebsocketImplProtocol(scope, receive, send)


class SendObserver:
    """An ASGI `send` that records how much of a response was sent.

    Args:
        request: marked as responded when a response begins.
        send: the ASGI callable.
    """

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self.has_begun = self.is_complete = False

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if message["type"] == "http.response.start":
            self.has_begun = self._request.responded = True
        elif message["type"] == "http.response.body":
            self.is_complete = not message.get("more_body")
        elif message["type"] == "http.response.pathsend":
            self.is_complete = True
        await self._send(message)


class Answers:
    """Sanic's behaviour for the engine; implements `sanic_star.engine.seams.Behaviour`.

    Args:
        app: the application.
    """

    # The events that have a handler, if `_has_event_handlers` is true.
    _events: Events

    def __init__(self, app: Application) -> None:
        self.app = app
        # Whether an event has a handler, known from the start on; the methods that a subclass overrides; the middleware
        # by location and route.
        self._has_event_handlers = False
        self.overrides = Overrides()
        self._cached_middleware_calls: dict[tuple[MiddlewareLocation, str | None], list[MiddlewareCall]] | None = None
        self._body_limit: int | None = None
        # The identities of routes whose handlers were checked: an application may be finalised several times.
        self._checked_routes: set[int] = set()
        self._reported_parameters: set[tuple[int, str]] = set()
        # The ASGI middleware of groups, blueprints and routes, by the identity of its list; built once per start.
        self._layers: dict[int, tuple[Any, Layer]] = {}
        # Created at the first start, because an application may be pickled before it.
        self._sweeper: WebsocketSweeper | None = None
        # The handlers of Starlette's `exception_handlers` that were already added to the error handler.
        self._exception_handlers_added: dict[Any, Any] = {}
        # Whether an override of `Sanic._startup` was awaited.
        self.has_started_up = False
        # The application's event loop, and its thread pool if something uses threads.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPool | None = None
        self._grace_ends = 0.0
        # Wraps mounted applications for a monitoring tool that has patched Starlette's entry.
        self.entry_for_forwarded: Callable[[ASGIApp], ASGIApp] | None = None

    # When the application is finalised -------------------------------------------------------------------------------

    def prepare(self) -> Limits:
        """Check settings and names; collect exception handlers and the events that have handlers.

        Raises:
            ServerError: a setting has an invalid value.
        """
        app = self.app
        app.config._validate()
        for key, handler in app.exception_handlers.items():
            # Each handler is added once. `cached_handlers` does not show that, if a subclass's `add` passes handlers
            # on.
            if self._exception_handlers_added.get(key) is not handler:
                self._exception_handlers_added[key] = handler
                if (key, None) not in app.error_handler.cached_handlers:
                    app.error_handler.add(key, self.exception_handler(handler))
        self.overrides = Overrides.of(app)
        self._has_event_handlers = False
        if app.signal_router.routes:
            # Imported late: most applications have no signals.
            from sanic_star.compat._app.events import Events

            dispatch = app.dispatch if self.overrides.dispatch else None
            self._events = Events(app.signal_router, app.router._find_again, dispatch)
            self._has_event_handlers = bool(self._events)
        limits = self.limits()
        self._cached_middleware_calls, self._body_limit = {}, limits.body
        if self._threads is not None:
            self._threads.size = app.config.get("THREAD_POOL_SIZE", self._threads.size)
        return limits

    def finalise(self) -> None:
        """Finalise the application at its start through the methods that a subclass may override."""
        app = self.app
        if self.overrides.finalize:
            app.finalize()
        else:
            app._engine.finalise()
        if self.overrides.finalize_middleware:
            app.finalize_middleware()
        if not app.router.finalized:
            # The override has not called Sanic's method.
            app._engine.finalise()

    def build_index(self) -> None:
        """Build the index and close the router; see `Sanic.amend`."""
        router = self.app.router
        if router.finalized:
            router._build()
        else:
            router.finalize()

    def limits(self) -> Limits:
        """Return the limits of the current configuration."""
        app, config = self.app, self.app.config
        bodies = [limit for limit in (config["REQUEST_MAX_SIZE"], app.max_body_size) if limit is not None]
        graceful, cuts_streams = float(config["GRACEFUL_SHUTDOWN_TIMEOUT"]), app._debug or bool(config["AUTO_RELOAD"])
        limits = Limits()
        limits.body = min(bodies, default=None)
        limits.field = config["REQUEST_MAX_HEADER_SIZE"]
        limits.part_s = config.get("REQUEST_TIMEOUT")
        limits.whole_body_s = config.get("REQUEST_BODY_TIMEOUT", BODY_TIMEOUT_S)
        limits.response_s = config.get("RESPONSE_TIMEOUT")
        limits.graceful_s = min(graceful, DEVELOPMENT_GRACE_S) if cuts_streams else graceful
        limits.cancels_at_stop = cuts_streams
        return limits

    def wrap_dispatch(self, dispatch: ASGIApp) -> ASGIApp:
        """Return an ASGI application that calls an overridden `handle_request`; without an override, `dispatch`."""
        app, engine = self.app, self.app._engine
        self.overrides = Overrides.of(app)
        if not self.overrides.handle_request:
            return dispatch

        async def call_handle_request(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await dispatch(scope, receive, send)
                return
            request: Any = engine.make_request(scope, receive, send)
            send_observer = request._send = SendObserver(request, send)
            scope[PREPARED_REQUEST] = request
            try:
                await app.handle_request(request)
                if scope["type"] == "http":
                    await self._end_own_response(request, send_observer)
            except Exception as error:
                if scope["type"] != "http":
                    raise
                await engine.fail(request, error, scope, receive, send)
            finally:
                scope.pop(PREPARED_REQUEST, None)

        return call_handle_request

    async def _end_own_response(self, request: Request, send_observer: SendObserver) -> None:
        """Complete the response that an override of `handle_request` has begun; raise if it has sent nothing."""
        if send_observer.is_complete:
            return
        if not send_observer.has_begun and not request.responded:
            raise ServerError("handle_request has sent no response")
        await self._end_response(request, None)

    def _runs_in_thread(self, threaded: bool | None) -> bool:
        """Return whether a synchronous function runs in a thread.

        Args:
            threaded: the keyword of its registration.
        """
        return self.app._sync_handlers == "thread" if threaded is None else threaded

    def listener(self, function: Callable[..., Any], threaded: bool | None) -> Callable[..., Any]:
        """Return the function that calls a listener; it uses a thread only if the listener was registered with one."""
        if not threaded:
            return function
        # Imported late: only applications that use threads need it.
        from sanic_star.compat._app.threads import in_thread

        return in_thread(self.app, function)

    def exception_handler(self, handler: Callable[..., Any], threaded: bool | None = None) -> Callable[..., Any]:
        """Return the function that calls an exception handler; arguments as in `_runs_in_thread`."""
        if not self._runs_in_thread(threaded):
            return handler
        from sanic_star.compat._app.threads import ExceptionHandlerInThread, in_thread

        return in_thread(self.app, handler, ExceptionHandlerInThread)

    @property
    def threads(self) -> ThreadPool:
        """The application's thread pool; a stop closes it."""
        if self._threads is None:
            from sanic_star.engine.threads import DEFAULT_SIZE, ThreadPool

            config = self.app.config
            # A listener may use threads before the start has checked all settings.
            config._validate(("THREAD_POOL_SIZE",))
            self._threads = ThreadPool(f"{self.app.name}-thread", config.get("THREAD_POOL_SIZE", DEFAULT_SIZE))
        return self._threads

    def wrap_stack(self, app: ASGIApp) -> ASGIApp:
        """Return an application that fires the request events around `app`, and writes the access log."""
        engine, app = self.app._engine, self.with_access_log(app)
        if not self._has_event_handlers:
            return app
        return self._events.around_application(app, engine.make_request, engine.fail)

    def compile(self, *routes: routing.Route | routing.WebSocketRoute) -> None:
        """Compile each route's callable: the handler with middleware, events and threads around it."""
        # A user's subclass may have another attribute of this name.
        request_class = getattr(self.app, "_request_class", Request)
        overrides_receive_body = request_class.receive_body is not Request.receive_body
        watches = self._has_event_handlers or bool(self.app.config.get("CANCEL_ON_DISCONNECT"))
        call_factories: list[tuple[routing.Route, Callable[[], Call]]] = []
        for route in routes:
            request_middleware = self._middleware_calls(MiddlewareLocation.REQUEST, route.name)
            if isinstance(route, routing.WebSocketRoute):
                route.call = self._compile_websocket(route, request_middleware)
            else:
                call_factories.append((route, self._prepare_http(route, request_middleware)))
        # Middleware and signals may add arguments, and so may a subclass's own way of handling a request.
        is_certain = not (self._has_event_handlers or self.overrides.handle_request) and request_class is Request
        if is_certain and not self._checked_routes.issuperset(map(id, routes)):
            self._warn_of_arguments(routes)
        if "fastapi" in sys.modules:
            self._warn_of_fastapi_parameters(routes)
        for http_route, make_call in call_factories:
            call = make_call()
            if overrides_receive_body and http_route.reads_body:
                call = _after_receive_body(http_route, call)
            http_route.call = self._watch(http_route, call) if watches else call

    def _warn_of_arguments(self, routes: Iterable[routing.Route | routing.WebSocketRoute]) -> None:
        """Warn once of each handler whose parameters do not fit its path."""
        # Imported late: the import of an application checks no handler.
        from sanic_star.compat._app.arguments import warnings_for

        for route in routes:
            if id(route) in self._checked_routes or self._middleware_calls(MiddlewareLocation.REQUEST, route.name):
                continue
            self._checked_routes.add(id(route))
            for warning in warnings_for(route, 2 if isinstance(route, routing.WebSocketRoute) else 1):
                logger.warning(warning)

    def _warn_of_fastapi_parameters(self, routes: Iterable[routing.Route | routing.WebSocketRoute]) -> None:
        """Warn once of each parameter that FastAPI would fill or check; nothing does so here."""
        from sanic_star.compat._app.arguments import fastapi_parameters

        for route in routes:
            for function, parameter, warning in fastapi_parameters(route):
                if (id(function), parameter) not in self._reported_parameters:
                    self._reported_parameters.add((id(function), parameter))
                    logger.warning(warning)

    def _prepare_http(self, route: routing.Route, request_middleware: list[MiddlewareCall]) -> Callable[[], Call]:
        """Set a route's body limits; return the function that compiles its handler with middleware."""
        response_middleware = self._middleware_calls(MiddlewareLocation.RESPONSE, route.name)
        own_limit = getattr(getattr(route, "extra", None), "max_body_size", None)
        extra = getattr(route, "extra", None)
        if extra is not None:
            route.reads_body = not (extra.stream or extra.ignore_body)
        app_limit = self._body_limit if route.reads_body else None
        route.max_body_size = app_limit if own_limit is None else own_limit
        # Middleware and event handlers may change the parameters, and may add parameters to a path that has none.
        may_change_params = bool(request_middleware) or self._has_event_handlers
        only_name = route.names[0] if route.names and len(route.names) == 1 else None
        wrap: Callable[[Call], Call] | None = self._events.around_handler if self._has_event_handlers else None
        has_params = bool(route.parameters) or may_change_params
        if self._runs_in_thread(getattr(route, "_threaded", None)) and not is_endpoint(route.endpoint):
            wrap = self._with_thread(route.endpoint, wrap)
        if _has_layers(route):
            return partial(self._compile_in_layers, route, has_params, wrap)
        return partial(
            handler_in_middleware,
            route.endpoint,
            has_params,
            only_name,
            request_middleware,
            response_middleware,
            wrap,
            may_change_params,
        )

    def _with_thread(self, handler: Any, wrap: Callable[[Call], Call] | None) -> Callable[[Call], Call]:
        """Return a wrapper that calls the handler in a thread, inside `wrap`."""
        from sanic_star.compat._app.threads import handler_in_thread

        def wrap_threaded(call: Call) -> Call:
            threaded = handler_in_thread(self.threads.run, handler, call)
            return threaded if wrap is None else wrap(threaded)

        return wrap_threaded

    def _compile_in_layers(self, route: routing.Route, has_params: bool, wrap: Callable[[Call], Call] | None) -> Call:
        """Return a route's callable: the handler inside the ASGI middleware of its group, its blueprint and its own."""
        # Imported late: few applications have such middleware.
        from sanic_star.compat._app.layers import call_in_layers

        call = handler_call(route.endpoint, has_params)
        if wrap is not None:
            call = wrap(call)
        if self.app.config.get("CANCEL_ON_DISCONNECT"):
            call = self._until_client_leaves(call)
        return call_in_layers(call, *self._split_middleware(route))

    async def fire_response_event(self, request: Request, response: Any) -> None:
        """Fire the response event for a route inside ASGI middleware, before it sends the response."""
        if self._has_event_handlers:
            answer = request.stream.response if request._writer is not None else response
            if isinstance(answer, (Response, ResponseStream)):
                await self._events.fire(Event.HTTP_LIFECYCLE_RESPONSE, request=request, response=answer)

    def _split_middleware(
        self, route: Any
    ) -> tuple[list[tuple[list[MiddlewareCall], list[MiddlewareCall]]], list[Layer]]:
        """Return the segments of Sanic's middleware around a handler, outermost first, and the layers between them.

        Levels without a layer between them share a segment, so their middleware runs in Sanic's order.
        """
        from sanic_star.compat._app.layers import Layer

        app = self.app
        tables = (
            (MiddlewareLocation.REQUEST, app.request_middleware, app.named_request_middleware),
            (MiddlewareLocation.RESPONSE, app.response_middleware, app.named_response_middleware),
        )
        segments: list[tuple[list[Any], list[Any]]] = [(list(tables[0][1]), list(tables[1][1]))]
        named_middleware = [
            list(Middleware.convert(table.get(route.name, ()), location=location)) for location, _, table in tables
        ]
        layers: list[Layer] = []
        levels = route._levels
        for number, (asgi, functions) in enumerate(levels):
            if asgi:
                if id(asgi) not in self._layers:
                    self._layers[id(asgi)] = asgi, Layer(self, asgi)
                layers.append(self._layers[id(asgi)][1])
                segments.append(([], []))
            # Middleware that belongs to no group belongs to the blueprint. The route itself has none.
            is_blueprint = number == max(len(levels) - 2, 0)
            for members, unplaced in zip(segments[-1], named_middleware, strict=True):
                level_middleware = [
                    middleware for middleware in unplaced if is_blueprint or middleware.func in functions
                ]
                members += level_middleware
                unplaced[:] = [middleware for middleware in unplaced if middleware not in level_middleware]
        request_location, response_location = MiddlewareLocation
        ordered_segments = [
            (self._order_middleware(requests, request_location), self._order_middleware(responses, response_location))
            for requests, responses in segments
        ]
        return ordered_segments, layers

    def _watch(self, route: routing.Route, call: Call) -> Call:
        """Return a route's callable with its events and the cancellation on disconnect around it."""
        if self.app.config.get("CANCEL_ON_DISCONNECT") and not _has_layers(route):
            call = self._until_client_leaves(call)
        if not self._has_event_handlers:
            return call
        with_events = self._events.around_route(call, route, route.reads_body)
        # Events come before the body is read. So the wrapped callable reads the body, not the engine.
        route.reads_body = route.reads_body and with_events is call
        return with_events

    def _until_client_leaves(self, call: Call) -> Call:
        """Return a callable that is cancelled when the client disconnects."""

        async def send_nothing() -> None:
            """Send nothing: after a disconnect no response can be completed."""

        async def cancel_on_disconnect(request: Request) -> Any:
            if not request._body_is_read:
                # A handler that still reads the body learns of the disconnect from that read.
                if has_body(request.scope.get("headers", ())):
                    return await call(request)
                request._body = b""
            self.app._engine.streams.open(request, send_nothing, endless=False, receive=request._receive)
            try:
                response = await call(request)
            except Exception:
                self.app._engine.streams.close(request)
                raise
            if not request.responded:
                self.app._engine.streams.close(request)
            return response

        return cancel_on_disconnect

    def has_begun(self, request: EngineRequest) -> bool:
        """Return whether a part of the response was sent; `request.respond()` alone sends nothing."""
        assert isinstance(request, Request)
        # Without a writer, `responded` is set by a Starlette response or a mounted application that has begun.
        return request.responded if request._writer is None else request._writer.head_sent

    def with_access_log(self, stack: ASGIApp) -> ASGIApp:
        """Return `stack` inside the access log if `ACCESS_LOG` is on."""
        if not self.app.config["ACCESS_LOG"]:
            return stack
        # Imported late: only applications with an access log need it.
        from sanic_star.compat._app.access_log import AccessLog

        return AccessLog(stack)

    def _compile_websocket(self, route: routing.WebSocketRoute, request_middleware: list[MiddlewareCall]) -> Call:
        from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol

        # Instead of the function that imports it.
        self.app._engine.make_websocket = WebsocketImplProtocol
        has_layers = _has_layers(route)
        handler = self._events.around_websocket(route.endpoint) if self._has_event_handlers else route.endpoint
        endpoint = route.endpoint if is_endpoint(route.endpoint) else None
        subprotocols = getattr(getattr(route, "extra", None), "subprotocols", ())

        async def run_handler(websocket: WebsocketImplProtocol) -> Any:
            request: Any = websocket._request
            if endpoint is not None:
                return endpoint  # an ASGI application, which does the handshake itself
            await websocket._handshake(subprotocols)
            # As Sanic 25.12 writes it: `RESPONSE_TIMEOUT` does not apply to the handler.
            websockets_logger.debug("Handling websocket. Timeouts disabled.")
            watched_websockets = (self._sweeper or self._load_sweeper()).add(websocket)
            try:
                result = handler(request, websocket, **request._route_params)
                if isawaitable(result):
                    await result
            except CancelledError:
                # As in Sanic, the events after the handler are fired nevertheless.
                if not await websocket._was_cancelled():
                    raise
            except WebsocketClosed:
                if not websocket._closed:
                    # The exception itself is quiet, so without this line the log would not explain the closed
                    # connection.
                    error_logger.error("The handler of %r has used a websocket that is closed", url_for_log(request))
                    raise
            finally:
                watched_websockets.discard(websocket)
                websocket._end_reading()
            await websocket._end(1000)
            return None

        run_with_events = (
            self._events.around_handler(run_handler, also_on_error=True) if self._has_event_handlers else run_handler
        )

        if has_layers:
            from sanic_star.compat._app.layers import websocket_in_layers

            call = websocket_in_layers(run_with_events, *self._split_middleware(route), self.run_response_middleware)
            return self._events.around_route(call, route, reads_body=False) if self._has_event_handlers else call

        async def with_request_middleware(websocket: WebsocketImplProtocol) -> Any:
            request: Any = websocket._request
            early_response = await run_request_middleware(request, request_middleware)
            return (
                await self.run_response_middleware(request, early_response)
                if early_response
                else await run_with_events(websocket)
            )

        call = with_request_middleware if request_middleware else run_with_events
        return self._events.around_route(call, route, reads_body=False) if self._has_event_handlers else call

    def sweep(self, websocket: WebsocketImplProtocol) -> set[Any]:
        """Cancel the handler of a websocket after a disconnect.

        Args:
            websocket: the accepted websocket.

        Returns:
            The set of watched websockets; remove the websocket from it when the handler has ended.
        """
        return (self._sweeper or self._load_sweeper()).add(websocket)

    def _load_sweeper(self) -> WebsocketSweeper:
        # Imported late: most applications have no websocket.
        from sanic_star.compat.server.websockets._inbox import Sweeper as WebsocketSweeper

        self._sweeper = WebsocketSweeper()
        return self._sweeper

    def compile_fallback(self) -> Call:
        """Return the callable for requests without a route; it runs the application's middleware."""
        request_middleware = self._middleware_calls(MiddlewareLocation.REQUEST, None)
        response_middleware = self._middleware_calls(MiddlewareLocation.RESPONSE, None)
        self._error_answers = self._make_error_answers(request_middleware, response_middleware)

        async def raise_not_found(connection: Any) -> Any:
            request = _without_outer_route(connection)
            raise self.not_found(request.scope)

        with_events = (
            self._events.around_route(raise_not_found, None, reads_body=False)
            if self._has_event_handlers
            else raise_not_found
        )
        if with_events is not raise_not_found:
            # Event handlers must not see the outer route either.

            async def not_found_with_events(connection: Any) -> Any:
                _without_outer_route(connection)
                return await with_events(connection)

            return not_found_with_events
        if self._has_exception_event_handlers():
            # Signal handlers get the exception before middleware runs. Middleware runs when the exception is answered.
            return raise_not_found
        if not request_middleware and not response_middleware:
            return raise_not_found

        async def not_found_with_middleware(connection: Any) -> Any:
            if not isinstance(connection, Request):
                # A handshake's middleware runs when the exception is answered.
                return await raise_not_found(connection)
            # The original scope: middleware that changes the method gives the request another one.
            scope = _without_outer_route(connection).scope

            async def raise_not_found_for_path(request: Request) -> Any:
                raise self.not_found(scope)

            return await with_middleware(raise_not_found_for_path, request_middleware, response_middleware)(connection)

        return not_found_with_middleware

    def compile_forward(self) -> Call:
        """Return the callable for mounts and Starlette's routes; request middleware runs first and may respond."""
        # Imported late, to keep `import sanic_star` fast.
        from sanic_star.compat._app.forwarding import (
            leads_to_ours,
            receive_within_limit,
            refuse_large_body,
            with_public_redirects,
            with_response_middleware,
        )

        request_middleware = self._middleware_calls(MiddlewareLocation.REQUEST, None)
        keyword_limit = self.app.max_body_size
        foreign_limit = self._body_limit
        # Without these settings the public host is the client's `Host`, to which redirects lead anyway.
        public_host_settings = ("SERVER_NAME", "FORWARDED_SECRET", "PROXIES_COUNT", "REAL_IP_HEADER")
        has_public_host = any(map(self.app.config.get, public_host_settings))
        exception_handlers = self._error_answers.handlers_for_starlette
        router = self.app.router
        has_response_middleware = bool(self._middleware_calls(MiddlewareLocation.RESPONSE, None))
        wraps_app = has_response_middleware or has_public_host

        streams, enter = self.app._engine.streams, routing.enter
        is_without_body, name_of_field = _BODY_HEADERS.isdisjoint, itemgetter(0)
        # A blueprint's mount also runs the blueprint's request middleware.
        named_middleware: dict[str | None, list[MiddlewareCall]] = {}
        for mount in router.routes:
            name = getattr(mount, "middleware_name", None)
            if name is not None:
                mount.build()  # type: ignore[attr-defined]
                named_middleware[name] = self._middleware_calls(MiddlewareLocation.REQUEST, name)

        has_request_middleware = bool(request_middleware or any(named_middleware.values()))
        # Other code that may have read the body by then.
        may_be_read = (
            has_request_middleware
            or self._has_event_handlers
            or self.overrides.handle_request
            or getattr(self.app, "_request_class", Request) is not Request
        )

        async def forward(request: Any) -> Any:
            if not isinstance(request, Request):
                return await forward_websocket(request)
            receive = from_server = request._receive
            scope = request.scope
            route = scope["route"]
            try:
                is_ours = route._is_ours
            except AttributeError:
                is_ours = leads_to_ours(route)
            limit = keyword_limit if is_ours else foreign_limit
            if limit is not None:
                receive = request._receive = partial(receive_within_limit, request, from_server, limit)
            try:
                if has_request_middleware:
                    request_calls = named_middleware.get(getattr(route, "middleware_name", None), request_middleware)
                    early_response = await run_request_middleware(request, request_calls)
                    if early_response:
                        request._restore_at_end(from_server)
                        return early_response
                    receive, scope = request._receive, request.scope
                    route = scope["route"]
                app = enter(request, scope, route, router)
                if not is_ours:
                    if self.entry_for_forwarded is not None:
                        app = self.entry_for_forwarded(app)
                    # Starlette's routes look for handlers here, so that middleware between a mount and its routes sees
                    # the response.
                    scope["starlette.exception_handlers"] = exception_handlers
                if is_ours and route.app is route._base_app:
                    # It checks the content type itself.
                    if limit is not None and announces_more_than(scope, limit):
                        app = refuse_large_body(request, limit, app)
                elif not is_without_body(map(name_of_field, scope.get("headers", ()))):
                    check_content_type(scope, request._max_field_size)
                    if limit is not None and announces_more_than(scope, limit):
                        app = refuse_large_body(request, limit, app)
                if wraps_app:
                    if has_response_middleware and isinstance(route, starlette_routing.Route):
                        app = with_response_middleware(request, app, self.run_response_middleware)
                    if has_public_host:
                        app = with_public_redirects(self.app, request, app)
                if may_be_read and request._body_is_read:
                    receive = partial(request._watched_receive, request._replay())
                elif limit is None:
                    receive = partial(request._watched_receive, receive)
                # PERF: `request._watch(…)` without its call: 0.1 µs. Safe because both set these three attributes.
                request._streams, request._outer_send, request._task = streams, request._send, running_task()
                await app(scope, receive, request._watched_send)
            except BaseException:
                request._restore_at_end(from_server)
                raise
            # PERF: breaks the reference cycle of the request and `receive`, which would need the garbage collector.
            # Safe because the application has ended, so that nothing receives through its `receive` any more.
            request._receive = from_server
            return SENT

        async def forward_websocket(connection: Any) -> Any:
            # Imported late: few applications have Starlette's websocket routes.
            from sanic_star.compat._app.websocket_errors import WebsocketErrors

            request = connection._request
            name = getattr(connection.scope["route"], "middleware_name", None)
            request_calls = named_middleware.get(name, request_middleware)
            early_response = await run_request_middleware(request, request_calls) if request_calls else None
            if early_response:
                return early_response
            scope = connection.scope
            app = enter(connection, scope, scope["route"], router)
            if self.entry_for_forwarded is not None and not leads_to_ours(scope["route"]):
                app = self.entry_for_forwarded(app)
            websocket_errors = WebsocketErrors(self._error_answers, connection)
            scope["starlette.exception_handlers"] = websocket_errors, {}
            return with_public_redirects(self.app, request, app) if has_public_host else app

        if not self._has_event_handlers:
            return forward
        return self._events.around_route(forward, self.app.router.forward, reads_body=False)

    def _has_exception_event_handlers(self) -> bool:
        return self._has_event_handlers and not self._events.emitters.keys().isdisjoint(_EXCEPTION_EVENTS)

    def _middleware_calls(self, location: MiddlewareLocation, name: str | None) -> list[MiddlewareCall]:
        """Return a route's middleware in order; cached until the next finalisation."""
        if location is MiddlewareLocation.REQUEST:
            app_middleware, named_middleware = self.app.request_middleware, self.app.named_request_middleware
        else:
            app_middleware, named_middleware = self.app.response_middleware, self.app.named_response_middleware
        # Most routes have no middleware of their own.
        key = location, name if name in named_middleware else None
        cached_calls = None if self._cached_middleware_calls is None else self._cached_middleware_calls.get(key)
        if cached_calls is not None:
            return cached_calls
        middleware_calls: list[MiddlewareCall] = []
        if app_middleware or key[1] is not None:
            middleware = Middleware.convert(app_middleware, named_middleware.get(name or "", ()), location=location)
            middleware_calls = self._order_middleware(middleware, location)
        if self._cached_middleware_calls is not None:
            self._cached_middleware_calls[key] = middleware_calls
        return middleware_calls

    def _order_middleware(self, middleware: Iterable[Middleware], location: MiddlewareLocation) -> list[MiddlewareCall]:
        """Return middleware as calls, in running order."""
        entries = Middleware.in_order(middleware, location)
        middleware_calls = calls_of_middleware(entries)
        for index, (function, is_asynchronous) in enumerate(middleware_calls):
            if not is_asynchronous and self._runs_in_thread(entries[index].threaded):
                from sanic_star.compat._app.threads import middleware_in_thread

                middleware_calls[index] = middleware_in_thread(self.threads.run, function), True
        if self._has_event_handlers:
            return [self._events.around_middleware(call, location.name.lower()) for call in middleware_calls]
        return middleware_calls

    def not_found(self, scope: Scope) -> Exception:
        """Return the exception for a request without a route."""
        router = self.app.router
        return router._miss(
            routing.wire_path(scope), scope.get("method", "GET"), router._allowed_after_find(scope), scope
        )

    def answer(
        self, request: EngineRequest, error: BaseException
    ) -> Coroutine[Any, Any, tuple[ASGIApp | None, BaseException | None]]:
        """Return the response to an exception, after middleware, and the exception to raise after it."""
        assert isinstance(request, Request)
        if self.overrides.handle_exception and not self.has_begun(request):
            return self._answer_by_app(request, error)
        return self._error_answers.answer(request, error)

    async def _answer_by_app(
        self, request: Request, error: BaseException
    ) -> tuple[ASGIApp | None, BaseException | None]:
        """Send the response through an overridden `handle_exception`."""
        former_send, send_observer = request._send, SendObserver(request, request._send)
        request._send, request._answer = send_observer, None
        try:
            await self.app.handle_exception(request, error)
            answer = request._answer
            if answer is None and not send_observer.has_begun and not request.responded:
                return await self._error_answers.answer(request, error)
            response, pending = answer or (None, None)
            if send_observer.has_begun or request.responded:
                if not send_observer.is_complete:
                    await self._end_response(request, None)
                response = None
            return response, pending
        finally:
            request._send, request._answer = former_send, None

    async def handle_exception(self, request: Request, error: BaseException) -> None:
        """Send the response to an exception; the implementation of `Sanic.handle_exception`."""
        request._answer = response, pending = await self._error_answers.answer(request, error)
        # For a handshake the engine sends the response as a refusal.
        if response is not None and request.scope["type"] == "http":
            scope, send = request.scope, request._send
            if pending is not None and isinstance(send, SendObserver):
                send = announcing_close(scope, send)
            await response(scope, request._replay(), send)

    async def report(self, request: EngineRequest, error: BaseException) -> BaseException | None:
        """Log and report an exception of an open websocket; return it if it has to be raised."""
        assert isinstance(request, Request)
        return await self._error_answers.report(request, error)

    async def handle_background_failure(self, error: BaseException, scope: Scope) -> None:
        """Log and report the exception of a response's background task, and call its exception handler.

        Args:
            error: the task's exception.
            scope: the request's ASGI scope.
        """
        try:
            request: Any = current_request()
        except LookupError:
            log_error(error_logger, error, BACKGROUND_FAILED, scope["path"])
            return
        await self.app.signal_router._report(error, answered=True)
        await self._error_answers.handle_background_failure(request, error)

    async def run_websocket_handler(self, connection: Any, error: Any) -> None:
        """Call the exception handler for a `WebSocketException`, if there is one, with a Starlette websocket."""
        # Imported late: few connections raise this exception.
        from sanic_star.compat._app.websocket_errors import WebsocketErrors

        try:
            await WebsocketErrors(self._error_answers, connection).run_handler(connection.starlette, error)
        finally:
            connection._plain = None  # it refers to the connection

    def handles(self, request: EngineRequest, error: BaseException) -> bool:
        """Return whether `answer` handles an exception completely: Sanic's, Starlette's, or one that has a handler."""
        assert isinstance(request, Request)
        return self._error_answers.handles(request, error)

    @cached_property
    def _error_answers(self) -> ErrorAnswers:
        """The answers to exceptions; composed here only if the application was not started."""
        locations = MiddlewareLocation.REQUEST, MiddlewareLocation.RESPONSE
        return self._make_error_answers(*(self._middleware_calls(location, None) for location in locations))

    def _make_error_answers(
        self, request_middleware: list[MiddlewareCall], response_middleware: list[MiddlewareCall]
    ) -> ErrorAnswers:
        # Imported late, to keep `import sanic_star` fast.
        from sanic_star.compat._app.error_answers import ErrorAnswers

        events = self._events if self._has_event_handlers else None
        return ErrorAnswers(self, events, request_middleware, response_middleware)

    async def run_response_middleware(self, request: Request, response: Any) -> Any:
        """Run response middleware once per request."""
        return await self._error_answers.run_response_middleware(request, response)

    async def send_other(
        self, request: EngineRequest, response: Any, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send any response but a ready one of Sanic's: a stream, a Starlette response, an ASGI application."""
        assert isinstance(request, Request)
        if isinstance(response, ResponseStream) and not request._response_middleware_started:
            response = await self.run_response_middleware(request, response)
        if isinstance(response, ResponseStream):
            await response(request)
            await response.eof()
            await run_background(response, scope)
        elif request.responded:
            await self._end_response(request, response)
        elif isinstance(response, StarletteResponse) or callable(response):
            check_foreign(response)
            await self.app._engine.send_foreign(request, response, scope, receive, send)
        else:
            raise ServerError(f"Invalid response type {response!r} (need HTTPResponse)")

    async def _end_response(self, request: Request, returned: Any) -> None:
        handshake = request.scope.get(HANDSHAKE)
        if handshake is not None and handshake.connection._opened:
            # The handler has accepted a websocket handshake, which was the response.
            return
        sent_response = request.stream.response
        if returned is not None and returned is not sent_response:
            error_logger.error(
                "The response object returned by the route handler will not be sent to client. "
                "The request has already been responded to."
            )
        if sent_response is not None:
            await sent_response.send(end_stream=True)
            await run_background(sent_response, request.scope)
        elif isinstance(returned, StarletteResponse):
            check_foreign(returned)
            await returned(request.scope, request._replay(), request._send)
        elif not self.has_begun(request):
            raise ServerError(f"Invalid response type {returned!r} (need HTTPResponse)")

    def declare_streams(self) -> None:
        """Check responses that have not begun again, because a handler may have set their content type meanwhile."""
        for request in list(live.values()):
            if isinstance(request, Request) and request.scope.get("app") is self.app:
                stream, writer = request._open_stream, request._writer
                if stream is not None and writer is not None and not writer.head_sent:
                    self.stream_opened(request, writer, stream.task)

    async def run_phase(self, phase: Phase) -> None:
        """Run the listeners of a phase, then start delayed tasks and timers."""
        app = self.app
        if phase == "before_server_stop":
            self._grace_ends = asyncio.get_running_loop().time() + self.limits().graceful_s
        elif phase == "before_server_start":
            self.loop = asyncio.get_running_loop()
            if app.middleware_stack is None:
                # Under `create_server` the middleware stack is built with the first request, after this phase.
                self.overrides = Overrides.of(app)
            if app.config.get("AUTO_EXTEND") and not hasattr(app, "_ext"):
                app._runner.extend()
            # These settings are checked before any listener runs, as in Sanic.
            check_route_names(app.router.routes)
            # Listeners may set the others, so these are checked after them.
            app.config._validate(LISTENER_TIMEOUTS)
            if not self.has_started_up and self.overrides._startup:
                # Imported only if a tool has replaced the method.
                from sanic_star.compat._app.monitoring import start_up

                self.has_started_up = True
                await start_up(app)
            if not app.signal_router.finalized and self.overrides.signalize:
                app.signalize(app.signal_router.allow_fail_builtin)
            if not app.signal_router.finalized:
                app.signal_router.finalize()
            if app._engine.lifecycle.starter != "server":
                app._runner.set_up_logging()
                # Logged once per application: a test may start it often.
                if not app._runner.has_logged_server_settings:
                    app._runner.log_server_settings()
            if hasattr(app, "_ext"):
                from sanic_star.compat.application.ext import (
                    before_start,
                )  # imported late: most applications have no extensions

                before_start(app)
        await app._listeners.run(phase, app)
        if phase == "before_server_start" and Starlette.__call__ is not ENTRY:
            # A listener may have initialised the monitoring tool.
            from sanic_star.compat._app.monitoring import watch

            watch(app)
        if phase == "before_server_start":
            if app._background.delayed:
                app._background.start_delayed_tasks()
        elif phase == "after_server_start":
            app._background.start_timers()
        elif phase == "after_server_stop" and app._background.dispatches is not None:
            # Listeners of this phase may have dispatched events.
            await app._background.drain_dispatches(self.limits().graceful_s)

    def step_limit(self, stopping: bool) -> Limit | None:
        """Return how long a listener or a lifespan may take, in seconds; `None` without a limit.

        An invalid setting counts as not set. The start refuses it, but a stop must finish.
        """
        config = self.app.config
        setting = "SHUTDOWN_LISTENER_TIMEOUT" if stopping else "STARTUP_LISTENER_TIMEOUT"
        seconds = config.get(setting, LISTENER_TIMEOUTS[setting])
        if seconds != LISTENER_TIMEOUTS[setting]:
            try:
                config._validate((setting,))
            except ServerError:
                seconds = LISTENER_TIMEOUTS[setting]
        return None if seconds is None else Limit(seconds, setting)

    def stopping(self) -> None:
        """Call an overridden `stop`, unless the override itself has begun the stop."""
        runner = self.app._runner
        if self.overrides.stop and not runner.is_stopped:
            # The server is already stopping: if the override calls Sanic's method, that does nothing.
            runner.is_stopped = True
            self.app.stop()

    async def drain(self) -> None:
        """End the background tasks."""
        app, seconds = self.app, self.limits().graceful_s
        app._background.begin_to_drain()
        if self.overrides.shutdown_tasks:
            ending = app.shutdown_tasks(seconds)
            if isawaitable(ending):
                await ending
        await app._background.drain_tasks(seconds)
        if self._threads is not None:
            # Requests have already had this time. Cancelled ones may have left functions running in threads.
            remaining_s = self._grace_ends - asyncio.get_running_loop().time()
            await self._threads.drain(max(remaining_s, min(seconds, ABANDONED_THREADS_S)))

    def stopped(self) -> None:
        """Reopen the routers, so that routes and signals can be added before the next start."""
        self.app._runner.is_stopped, self._cached_middleware_calls = False, None
        self._layers = {}
        self.loop = None
        if self._threads is not None:
            self._threads.close()
            self._threads = None
        self.app.router.reset()
        self.app.signal_router.reset()

    def stream_opened(self, request: Request, writer: ResponseWriter, task: asyncio.Task[Any] | None = None) -> None:
        """Watch a response that a handler sends in parts, from `request.respond()` on.

        A response with a body of its own counts as a stream only if it is endless or its first part was sent. Otherwise
        a disconnect does not cancel the handler.

        Args:
            request: the request.
            writer: sends the response.
            task: the task that answers the request; by default the running one.
        """
        if writer.response is None:
            return
        former_stream, receive = request._open_stream, request._receive
        if _may_read_body(request):
            # The handler may read the body while the watcher waits for the client to leave.
            if not isinstance(receive, SharedReceive):
                receive = request._receive = SharedReceive(receive)
        else:
            request._stream_consumed = True
        if isinstance(receive, SharedReceive):
            receive = receive.disconnect
        engine = self.app._engine
        stream = engine.streams.open(request, writer.end, endless=_is_endless(writer), receive=receive, task=task)
        if stream is not None:
            if stream is not former_stream:
                stream.ends_with_client = partial(_is_stream, writer)
            stream.cancel_if_client_left()


def _is_endless(writer: ResponseWriter) -> bool:
    """Return whether the application's stop ends a response."""
    response = writer.response
    if writer.endless is not None or response is None:
        return bool(writer.endless)
    return is_event_stream(str(response.headers.get("content-type", response.content_type)))


def _is_stream(writer: ResponseWriter) -> bool:
    """Return whether a response is sent in parts, as far as that is known before the first part."""
    return writer.head_sent or writer.response is None or not writer.response._body or _is_endless(writer)


def _has_layers(route: Any) -> bool:
    """Return whether a level of a route has ASGI middleware; mounts and Starlette's routes have no levels."""
    return any(middleware for middleware, _ in getattr(route, "_levels", ()))


def check_route_names(routes: Iterable[Any]) -> None:
    """Refuse routes that share a name.

    Raises:
        ServerError: routes share a name.
    """
    route_names: set[str] = set()
    duplicates: set[str] = set()
    for route in routes:
        ident = getattr(getattr(route, "extra", None), "ident", None)
        if ident:
            (duplicates if ident in route_names else route_names).add(ident)
    if duplicates:
        names = ", ".join(sorted(duplicates))
        raise ServerError(f"Duplicate route names detected: {names}. Give each its own `name=…`.")


def _without_outer_route(connection: Any) -> Any:
    """Return the request without the outer application's route, which is the mount."""
    request = connection if isinstance(connection, Request) else request_of(connection)
    if "route" in request.scope:
        route_keys = ("route", "endpoint")
        request.scope = {key: value for key, value in request.scope.items() if key not in route_keys}
    return request


def _after_receive_body(route: routing.Route, call: Call) -> Call:
    """Return a callable that reads the body through the request class's override of `receive_body` first."""
    # The route's limit still applies: reading the stream enforces it.
    route.reads_body = False

    async def with_received_body(request: Request) -> Any:
        await request.receive_body()
        return await call(request)

    return with_received_body
