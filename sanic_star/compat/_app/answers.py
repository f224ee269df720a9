"""How requests are answered in Sanic's way: what goes around a handler, what answers errors, what may be returned.

An application has `Answers`, and its engine asks them: for each route's callable when the application is finalised,
for the listeners at the start and the stop, and for the answer to an exception, to a path without a route, and to a
return value that is no ready response.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable, Coroutine, Iterable
from functools import cached_property, partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.responses import Response as StarletteResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._app.events import Events
from sanic_star.compat._app.listeners import LISTENER_TIMEOUTS
from sanic_star.compat._app.methods import ENTRY, Overrides
from sanic_star.compat._app.pipeline import (
    Call,
    Step,
    handler_call,
    handler_in_middleware,
    is_endpoint,
    run_before,
    steps,
    with_middleware,
)
from sanic_star.compat.compat import check_foreign
from sanic_star.compat.exceptions import ServerError, WebsocketClosed
from sanic_star.compat.log import error_logger, websockets_logger
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
from sanic_star.engine.requests import HANDED, HANDSHAKE, SENT, Limits, announces_more_than, current_request, live
from sanic_star.engine.requests import Request as EngineRequest
from sanic_star.engine.responses import Response
from sanic_star.engine.steps import Limit, Phase
from sanic_star.engine.streams import SharedReceive, is_event_stream
from sanic_star.engine.websockets import request_of

if TYPE_CHECKING:
    from sanic_star.compat._app.error_answers import ErrorAnswers
    from sanic_star.compat._app.layers import Layer
    from sanic_star.compat._app.seams import Application
    from sanic_star.compat.server.websockets._inbox import Sweeper as WebsocketSweeper
    from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
    from sanic_star.engine.threads import ThreadPool

_OF_EXCEPTIONS = Event.HTTP_LIFECYCLE_EXCEPTION, Event.SERVER_EXCEPTION_REPORT
# The header fields that are checked before other code reads a body.
_OF_BODIES = frozenset((b"content-length", b"content-type"))
# As `requestTimeout` of Node.js, in seconds.
BODY_TIMEOUT = 300
# How long the stop waits for functions in threads whose requests were cancelled, in seconds: as long as for the
# clean-up of a request.
ABANDONED_THREADS_S = 1.0


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell by its header fields whether a request has a body."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


def _may_stream_its_body(request: Request) -> bool:
    """Tell whether a part of the body may still come, for a handler that reads it by itself."""
    if request._body_is_read or request._stream_consumed or not getattr(_extra(request), "stream", False):
        return False
    # A body of GET and HEAD has no meaning (RFC 9110, section 9.3.1). Over HTTP/2 and HTTP/3 other methods may have one
    # that no header field announces.
    return request.method not in ("GET", "HEAD") or has_body(request.scope.get("headers", ()))


def _extra(request: Request) -> Any:
    return getattr(request.route, "extra", None)


class Sent:
    """An ASGI `send` that notes how much of a response was sent.

    Args:
        request: is marked as responded once a response begins.
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
    """What the engine asks, answered as Sanic does; see `sanic_star.engine.seams.Behaviour`.

    Args:
        app: the application.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        # Which events somebody listens to; nobody, until the application is finalised.
        self._events = Events(app.signal_router, app.router._find_again)
        # Whether there are any, what a subclass overrides, and the steps of middleware by location and route.
        self._hears = False
        self.overrides = Overrides()
        self._kept_steps: dict[tuple[MiddlewareLocation, str | None], list[Step]] | None = None
        self._body_limit: int | None = None
        # The ASGI middleware of groups, blueprints and routes, by the identity of its list; built once per start.
        self._layers: dict[int, tuple[Any, Layer]] = {}
        # Made with the first start: an application may be pickled before it.
        self._sweeper: WebsocketSweeper | None = None
        # The handlers of Starlette's keyword that the error handler was given already.
        self._exception_handlers_added: dict[Any, Any] = {}
        # Whether a method that replaces `Sanic._startup` was awaited.
        self.has_started_up = False
        # The event loop that the application runs on, and its threads, if anything uses them.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPool | None = None
        self._grace_ends = 0.0
        # Makes what calls a mounted application, where a monitoring tool wants to see that.
        self.entry_for_forwarded: Callable[[ASGIApp], ASGIApp] | None = None

    # When the application is finalised -------------------------------------------------------------------------------

    def prepare(self) -> Limits:
        """Check settings and names; note the handlers of exceptions, and which events somebody listens to.

        Raises:
            ServerError: a setting has an invalid value.
        """
        app = self.app
        app.config._validate()
        for key, handler in app.exception_handlers.items():
            # Once: `cached_handlers` says nothing where a subclass's `add` passes them on to another error handler.
            if self._exception_handlers_added.get(key) is not handler:
                self._exception_handlers_added[key] = handler
                if (key, None) not in app.error_handler.cached_handlers:
                    app.error_handler.add(key, self.exception_handler(handler))
        self.overrides = Overrides.of(app)
        dispatch = app.dispatch if self.overrides.dispatch else None
        self._events = Events(app.signal_router, app.router._find_again, dispatch)
        self._hears = bool(self._events)
        limits = self.limits()
        self._kept_steps, self._body_limit = {}, limits.body
        if self._threads is not None:
            self._threads.size = app.config.get("THREAD_POOL_SIZE", self._threads.size)
        return limits

    def finalise(self) -> None:
        """Finalise the application at its start, by the methods that a subclass may override."""
        app = self.app
        if self.overrides.finalize:
            app.finalize()
        else:
            app._engine.finalise()
        if self.overrides.finalize_middleware:
            app.finalize_middleware()
        if not app.router.finalized:
            # An override does not call Sanic's method.
            app._engine.finalise()

    def finalised(self) -> None:
        """Arrange the index and close the router; see `Sanic.amend`."""
        router = self.app.router
        if router.finalized:
            router._build()
        else:
            router.finalize()

    def limits(self) -> Limits:
        """Return the limits that the configuration sets now."""
        app, config = self.app, self.app.config
        bodies = [limit for limit in (config["REQUEST_MAX_SIZE"], app.max_body_size) if limit is not None]
        graceful, cuts = float(config["GRACEFUL_SHUTDOWN_TIMEOUT"]), app._debug or bool(config["AUTO_RELOAD"])
        return Limits(
            body=min(bodies, default=None),
            field=config["REQUEST_MAX_HEADER_SIZE"],
            part_s=config.get("REQUEST_TIMEOUT"),
            whole_body_s=config.get("REQUEST_BODY_TIMEOUT", BODY_TIMEOUT),
            response_s=config.get("RESPONSE_TIMEOUT"),
            graceful_s=min(graceful, DEVELOPMENT_GRACE_S) if cuts else graceful,
            cuts_at_stop=cuts,
        )

    def hand_over(self, dispatch: ASGIApp) -> ASGIApp:
        """Return what calls the application's `handle_request` where a subclass overrides it, else the dispatch."""
        app, engine = self.app, self.app._engine
        self.overrides = Overrides.of(app)
        if not self.overrides.handle_request:
            return dispatch

        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await dispatch(scope, receive, send)
                return
            request: Any = engine.make_request(scope, receive, send)
            sent = request._send = Sent(request, send)
            scope[HANDED] = request
            try:
                await app.handle_request(request)
                if scope["type"] == "http":
                    await self._end_own_response(request, sent)
            except Exception as error:
                if scope["type"] != "http":
                    raise
                await engine.fail(request, error, scope, receive, send)
            finally:
                scope.pop(HANDED, None)

        return handle

    async def _end_own_response(self, request: Request, sent: Sent) -> None:
        """Complete what an override of `handle_request` has sent, or refuse that it has sent nothing."""
        if sent.is_complete:
            return
        if not sent.has_begun and not request.responded:
            raise ServerError("handle_request has sent no response")
        await self._end_response(request, None)

    def _runs_in_thread(self, threaded: bool | None) -> bool:
        """Tell whether a synchronous function runs in a thread.

        Args:
            threaded: what was said where it was registered.
        """
        return self.app._sync_handlers == "thread" if threaded is None else threaded

    def listener(self, function: Callable[..., Any], threaded: bool | None) -> Callable[..., Any]:
        """Return what calls a listener; in a thread only if the listener itself says so."""
        if not threaded:
            return function
        # Loaded only by an application that uses threads.
        from sanic_star.compat._app.threads import in_thread

        return in_thread(self.app, function)

    def exception_handler(self, handler: Callable[..., Any], threaded: bool | None = None) -> Callable[..., Any]:
        """Return what calls an exception handler; arguments as in `_runs_in_thread`."""
        if not self._runs_in_thread(threaded):
            return handler
        from sanic_star.compat._app.threads import ExceptionHandlerInThread, in_thread

        return in_thread(self.app, handler, ExceptionHandlerInThread)

    @property
    def threads(self) -> ThreadPool:
        """The threads of this application, until its stop."""
        if self._threads is None:
            from sanic_star.engine.threads import DEFAULT_SIZE, ThreadPool

            config = self.app.config
            # A listener may use them before the start checks all settings.
            config._validate(("THREAD_POOL_SIZE",))
            self._threads = ThreadPool(f"{self.app.name}-thread", config.get("THREAD_POOL_SIZE", DEFAULT_SIZE))
        return self._threads

    def surround(self, app: ASGIApp) -> ASGIApp:
        """Return what requests meet first: what tells of their beginning and end, and the access log."""
        engine, app = self.app._engine, self.logged(app)
        if not self._hears:
            return app
        return self._events.around_application(app, engine.make_request, engine.fail)

    def compile(self, *routes: routing.Route | routing.WebSocketRoute) -> None:
        """Give each route its callable: the handler, with what goes around it."""
        # A subclass of the application may have another attribute of this name.
        request_class = getattr(self.app, "_request_class", Request)
        reads_itself = request_class.receive_body is not Request.receive_body
        watches = self._hears or bool(self.app.config.get("CANCEL_ON_DISCONNECT"))
        makers: list[tuple[routing.Route, Callable[[], Call]]] = []
        for route in routes:
            before = self._steps(MiddlewareLocation.REQUEST, route.name)
            if isinstance(route, routing.WebSocketRoute):
                route.call = self._compile_websocket(route, before)
            else:
                makers.append((route, self._prepare_http(route, before)))
        for http_route, make in makers:
            call = make()
            if reads_itself and http_route.reads_body:
                call = _after_own_reading(http_route, call)
            http_route.call = self._watch(http_route, call) if watches else call

    def _prepare_http(self, route: routing.Route, before: list[Step]) -> Callable[[], Call]:
        """Set whether a route reads bodies, and up to which size; return what puts middleware around its handler."""
        after = self._steps(MiddlewareLocation.RESPONSE, route.name)
        own_limit = getattr(getattr(route, "extra", None), "max_body_size", None)
        extra = getattr(route, "extra", None)
        if extra is not None:
            route.reads_body = not (extra.stream or extra.ignore_body)
        everywhere = self._body_limit if route.reads_body else None
        route.max_body_size = everywhere if own_limit is None else own_limit
        # Request middleware and listeners may change the parameters, also those of a path without any.
        changeable = bool(before) or self._hears
        only = route.names[0] if route.names and len(route.names) == 1 else None
        around: Callable[[Call], Call] | None = self._events.around_handler if self._hears else None
        has_params = bool(route.parameters) or changeable
        if self._runs_in_thread(getattr(route, "_threaded", None)) and not is_endpoint(route.endpoint):
            around = self._with_thread(route.endpoint, around)
        if _has_layers(route):
            return partial(self._in_layers, route, has_params, around)
        return partial(handler_in_middleware, route.endpoint, has_params, only, before, after, around, changeable)

    def _with_thread(self, handler: Any, around: Callable[[Call], Call] | None) -> Callable[[Call], Call]:
        """Return what lets a thread call a handler, and puts `around` around that."""
        from sanic_star.compat._app.threads import handler_in_thread

        def put_around(call: Call) -> Call:
            threaded = handler_in_thread(self.threads.run, handler, call)
            return threaded if around is None else around(threaded)

        return put_around

    def _in_layers(self, route: routing.Route, has_params: bool, around: Callable[[Call], Call] | None) -> Call:
        """Return a route's callable: the handler inside the ASGI middleware of its group, its blueprint and its own."""
        # Loaded only where there is such middleware.
        from sanic_star.compat._app.layers import layered

        call = handler_call(route.endpoint, has_params)
        if around is not None:
            call = around(call)
        if self.app.config.get("CANCEL_ON_DISCONNECT"):
            call = self._until_client_leaves(call)
        return layered(call, *self._split(route))

    async def tell_of_response(self, request: Request, response: Any) -> None:
        """Fire the event of a response that a route inside of ASGI middleware is about to send."""
        if self._hears:
            answer = request.stream.response if request._writer is not None else response
            if isinstance(answer, (Response, ResponseStream)):
                await self._events.fire(Event.HTTP_LIFECYCLE_RESPONSE, request=request, response=answer)

    def _split(self, route: Any) -> tuple[list[tuple[list[Step], list[Step]]], list[Layer]]:
        """Return what stands around a route's handler, from the outside in: Sanic's middleware, and between it layers.

        Without a layer between them, the middleware of several levels runs in Sanic's order.
        """
        from sanic_star.compat._app.layers import Layer

        app = self.app
        tables = (
            (MiddlewareLocation.REQUEST, app.request_middleware, app.named_request_middleware),
            (MiddlewareLocation.RESPONSE, app.response_middleware, app.named_response_middleware),
        )
        segments: list[tuple[list[Any], list[Any]]] = [(list(tables[0][1]), list(tables[1][1]))]
        named = [list(Middleware.convert(table.get(route.name, ()), location=where)) for where, _, table in tables]
        layers: list[Layer] = []
        levels = route._levels
        for number, (asgi, functions) in enumerate(levels):
            if asgi:
                if id(asgi) not in self._layers:
                    self._layers[id(asgi)] = asgi, Layer(self, asgi)
                layers.append(self._layers[id(asgi)][1])
                segments.append(([], []))
            # That of the blueprint is what no group has, the route itself has none.
            is_blueprint = number == max(len(levels) - 2, 0)
            for members, rest in zip(segments[-1], named, strict=True):
                mine = [one for one in rest if is_blueprint or one.func in functions]
                members += mine
                rest[:] = [one for one in rest if one not in mine]
        before, after = MiddlewareLocation
        ordered = [(self._ordered(outer, before), self._ordered(inner, after)) for outer, inner in segments]
        return ordered, layers

    def _watch(self, route: routing.Route, call: Call) -> Call:
        """Return a route's callable with what watches it around: for a client that leaves, and events."""
        if self.app.config.get("CANCEL_ON_DISCONNECT") and not _has_layers(route):
            call = self._until_client_leaves(call)
        if not self._hears:
            return call
        with_events = self._events.around_route(call, route, route.reads_body)
        # Events tell of a request before its body is read: then the route's callable reads it.
        route.reads_body = route.reads_body and with_events is call
        return with_events

    def _until_client_leaves(self, call: Call) -> Call:
        """Return `call` under watch: it is cancelled when the client leaves."""

        async def nothing() -> None:
            """Complete an answer that nobody waits for."""

        async def watched(request: Request) -> Any:
            if not request._body_is_read:
                # A handler that still reads the body learns of the disconnect from that read.
                if has_body(request.scope.get("headers", ())):
                    return await call(request)
                request._body = b""
            self.app._engine.streams.open(request, nothing, endless=False, receive=request._receive)
            try:
                response = await call(request)
            except Exception:
                self.app._engine.streams.close(request)
                raise
            if not request.responded:
                self.app._engine.streams.close(request)
            return response

        return watched

    def has_begun(self, request: EngineRequest) -> bool:
        """Tell whether a part of the response is sent: not yet, where a handler has only asked to respond."""
        assert isinstance(request, Request)
        # Without a writer somebody else's answer was begun: a response of Starlette's, a mounted application's.
        return request.responded if request._writer is None else request._writer.head_sent

    def logged(self, stack: ASGIApp) -> ASGIApp:
        """Return `stack` inside the access log, if `ACCESS_LOG` is on."""
        if not self.app.config["ACCESS_LOG"]:
            return stack
        # Loaded only where it is used.
        from sanic_star.compat._app.access_log import AccessLog

        return AccessLog(stack)

    def _compile_websocket(self, route: routing.WebSocketRoute, before: list[Step]) -> Call:
        has_layers = _has_layers(route)
        handler = self._events.around_websocket(route.endpoint) if self._hears else route.endpoint
        endpoint = route.endpoint if is_endpoint(route.endpoint) else None
        subprotocols = getattr(getattr(route, "extra", None), "subprotocols", ())

        async def speak(websocket: WebsocketImplProtocol) -> Any:
            request: Any = websocket._request
            if endpoint is not None:
                return endpoint  # an ASGI application, which does the handshake itself
            await websocket._handshake(subprotocols)
            # As Sanic 25.12 writes it: `RESPONSE_TIMEOUT` does not apply to the handler.
            websockets_logger.debug("Handling websocket. Timeouts disabled.")
            swept = (self._sweeper or self._load_sweeper()).add(websocket)
            try:
                result = handler(request, websocket, **request._route_params)
                if isawaitable(result):
                    await result
            except CancelledError:
                # As in Sanic, where the events after the handler are fired, too.
                if not await websocket._was_cancelled():
                    raise
            except WebsocketClosed:
                if not websocket._closed:
                    # It is a quiet exception, and nobody else would say why this client's connection ends.
                    error_logger.error("The handler of %r has used a websocket that is closed", url_for_log(request))
                    raise
            finally:
                swept.discard(websocket)
                websocket._end_reading()
            await websocket._end(1000)
            return None

        handled = self._events.around_handler(speak, always=True) if self._hears else speak

        if has_layers:
            from sanic_star.compat._app.layers import layered_websocket

            call = layered_websocket(handled, *self._split(route), self.respond_through)
            return self._events.around_route(call, route, reads_body=False) if self._hears else call

        async def guarded(websocket: WebsocketImplProtocol) -> Any:
            request: Any = websocket._request
            refused = await run_before(request, before)
            return await self.respond_through(request, refused) if refused else await handled(websocket)

        call = guarded if before else handled
        return self._events.around_route(call, route, reads_body=False) if self._hears else call

    def sweep(self, websocket: WebsocketImplProtocol) -> set[Any]:
        """Cancel the handler of a websocket when its client has left.

        Returns:
            The set to remove the websocket from when its handler is over.
        """
        return (self._sweeper or self._load_sweeper()).add(websocket)

    def _load_sweeper(self) -> WebsocketSweeper:
        # Loaded with the first websocket: most applications have none.
        from sanic_star.compat.server.websockets._inbox import Sweeper as WebsocketSweeper

        self._sweeper = WebsocketSweeper()
        return self._sweeper

    def compile_fallback(self) -> Call:
        """Return what answers where no route does; the application's middleware runs there, too."""
        before = self._steps(MiddlewareLocation.REQUEST, None)
        after = self._steps(MiddlewareLocation.RESPONSE, None)
        self._error_answers = self._make_error_answers(before, after)

        async def miss(connection: Any) -> Any:
            request = _without_outer_route(connection)
            raise self.miss(request.scope)

        with_events = self._events.around_route(miss, None, reads_body=False) if self._hears else miss
        if with_events is not miss:
            # A handler of an event must not see the route either.

            async def miss_with_events(connection: Any) -> Any:
                _without_outer_route(connection)
                return await with_events(connection)

            return miss_with_events
        if self._hears_exceptions():
            # Signal handlers get the exception before the middleware runs, which is when it is answered.
            return miss
        if not before and not after:
            return miss

        async def miss_with_middleware(connection: Any) -> Any:
            if not isinstance(connection, Request):
                # The middleware of a handshake runs when the exception is answered.
                return await miss(connection)
            # As the request came: middleware may change its method, which gives the request another scope.
            scope = _without_outer_route(connection).scope

            async def fail(request: Request) -> Any:
                raise self.miss(scope)

            return await with_middleware(fail, before, after)(connection)

        return miss_with_middleware

    def compile_forward(self) -> Call:
        """Return what hands a connection on: the application's request middleware runs before, and may answer."""
        # Loaded with the start, not with the import.
        from sanic_star.compat._app.forwarding import (
            leads_to_ours,
            limited,
            limited_unread,
            with_public_redirects,
            with_response_middleware,
        )

        before = self._steps(MiddlewareLocation.REQUEST, None)
        keyword = self.app.max_body_size
        foreign = self._body_limit
        # Without any of these only the client says which host it is, and a redirect leads there already.
        told_by = ("SERVER_NAME", "FORWARDED_SECRET", "PROXIES_COUNT", "REAL_IP_HEADER")
        has_public_host = any(map(self.app.config.get, told_by))
        handled_inside = self._error_answers.handlers_for_starlette
        router = self.app.router
        after = bool(self._steps(MiddlewareLocation.RESPONSE, None))

        watched_send = self.app._engine.watched_send
        # A blueprint's mount has the request middleware of the blueprint as well.
        named_before: dict[str | None, list[Step]] = {}
        for mount in router.routes:
            name = getattr(mount, "middleware_name", None)
            if name is not None:
                mount.build()  # type: ignore[attr-defined]
                named_before[name] = self._steps(MiddlewareLocation.REQUEST, name)

        async def forward(connection: Any) -> Any:
            if not isinstance(connection, Request):
                return await forward_websocket(connection)
            request = connection
            from_server = request._receive
            route = request.scope["route"]
            is_ours = getattr(route, "_is_ours", None)
            if is_ours is None:
                is_ours = leads_to_ours(route)
            limit = keyword if is_ours else foreign
            if limit is not None:
                request._receive = limited(request, limit)
            steps = named_before.get(getattr(route, "middleware_name", None), before) if named_before else before
            if steps:
                early = await run_before(request, steps)
                if early:
                    return early
            app = routing.enter(request, router)
            scope = request.scope
            if self.entry_for_forwarded is not None and not is_ours:
                app = self.entry_for_forwarded(app)
            # Starlette's routes look there before they let an exception out, so that middleware between a mount and its
            # routes sees the answer.
            scope["starlette.exception_handlers"] = handled_inside
            for name, _ in scope.get("headers", ()):
                if name in _OF_BODIES:
                    check_content_type(scope, request._max_field_size)
                    if limit is not None and announces_more_than(scope, limit):
                        app = limited_unread(request, limit, app)
                    break
            if after and isinstance(route, starlette_routing.Route):
                app = with_response_middleware(request, app, self.respond_through)
            if has_public_host:
                app = with_public_redirects(self.app, request, app)
            is_read = "_body" in request.__dict__ or request._upload is not None
            receive = request._replay() if is_read else request._receive
            if limit is None or is_read:
                receive = partial(request._watched_receive, receive)
            await app(scope, receive, watched_send(request, scope, request._send))
            # PERF: it holds the request, which would be left to the collector.
            request._receive = from_server
            return SENT

        async def forward_websocket(connection: Any) -> Any:
            # Loaded with the first websocket of Starlette's.
            from sanic_star.compat._app.websocket_errors import WebsocketErrors

            request = connection._request
            name = getattr(connection.scope["route"], "middleware_name", None)
            steps = named_before.get(name, before)
            early = await run_before(request, steps) if steps else None
            if early:
                return early
            app = routing.enter(connection, router)
            if self.entry_for_forwarded is not None and not leads_to_ours(connection.scope["route"]):
                app = self.entry_for_forwarded(app)
            handled = WebsocketErrors(self._error_answers, connection)
            connection.scope["starlette.exception_handlers"] = handled, {}
            return with_public_redirects(self.app, request, app) if has_public_host else app

        if not self._hears:
            return forward
        return self._events.around_route(forward, self.app.router.forward, reads_body=False)

    def _hears_exceptions(self) -> bool:
        return self._hears and not self._events.emitters.keys().isdisjoint(_OF_EXCEPTIONS)

    def _steps(self, location: MiddlewareLocation, name: str | None) -> list[Step]:
        """Return the middleware of a route, in order; kept from one finalisation to the next."""
        if location is MiddlewareLocation.REQUEST:
            everywhere, named = self.app.request_middleware, self.app.named_request_middleware
        else:
            everywhere, named = self.app.response_middleware, self.app.named_response_middleware
        # Most routes have no middleware of their own.
        key = location, name if name in named else None
        kept = None if self._kept_steps is None else self._kept_steps.get(key)
        if kept is not None:
            return kept
        ordered: list[Step] = []
        if everywhere or key[1] is not None:
            middleware = Middleware.convert(everywhere, named.get(name or "", ()), location=location)
            ordered = self._ordered(middleware, location)
        if self._kept_steps is not None:
            self._kept_steps[key] = ordered
        return ordered

    def _ordered(self, middleware: Iterable[Middleware], location: MiddlewareLocation) -> list[Step]:
        """Return middleware as steps, in the order in which it runs."""
        entries = Middleware.in_order(middleware, location)
        ordered = steps(entries)
        for place, (function, is_asynchronous) in enumerate(ordered):
            if not is_asynchronous and self._runs_in_thread(entries[place].threaded):
                from sanic_star.compat._app.threads import step_in_thread

                ordered[place] = step_in_thread(self.threads.run, function), True
        if self._hears:
            return [self._events.around_middleware(step, location.name.lower()) for step in ordered]
        return ordered

    def miss(self, scope: Scope) -> Exception:
        """Return the exception for a request that no route answers."""
        router = self.app.router
        return router._miss(routing.wire_path(scope), scope.get("method", "GET"), router._refused(scope), scope)

    def answer(
        self, request: EngineRequest, error: BaseException
    ) -> Coroutine[Any, Any, tuple[ASGIApp | None, BaseException | None]]:
        """Return the response to an exception, with middleware applied, and what is still to be raised."""
        assert isinstance(request, Request)
        if self.overrides.handle_exception and not self.has_begun(request):
            return self._answer_by_app(request, error)
        return self._error_answers.answer(request, error)

    async def _answer_by_app(
        self, request: Request, error: BaseException
    ) -> tuple[ASGIApp | None, BaseException | None]:
        """Let the application's own `handle_exception` send the response."""
        before, sent = request._send, Sent(request, request._send)
        request._send, request._answer = sent, None
        try:
            await self.app.handle_exception(request, error)
            answer = request._answer
            if answer is None and not sent.has_begun and not request.responded:
                return await self._error_answers.answer(request, error)
            response, pending = answer or (None, None)
            if sent.has_begun or request.responded:
                if not sent.is_complete:
                    await self._end_response(request, None)
                response = None
            return response, pending
        finally:
            request._send, request._answer = before, None

    async def handle_exception(self, request: Request, error: BaseException) -> None:
        """Send the response to an exception: what `Sanic.handle_exception` does."""
        request._answer = response, pending = await self._error_answers.answer(request, error)
        # As the refusal of a handshake the engine sends it.
        if response is not None and request.scope["type"] == "http":
            scope, send = request.scope, request._send
            if pending is not None and isinstance(send, Sent):
                send = announcing_close(scope, send)
            await response(scope, request._replay(), send)

    async def report(self, request: EngineRequest, error: BaseException) -> BaseException | None:
        """Log and report an exception of an open websocket; return it if it is still to be raised."""
        assert isinstance(request, Request)
        return await self._error_answers.report(request, error)

    async def handle_background_failure(self, error: BaseException, scope: Scope) -> None:
        """Log and report that the background task of a response has failed, and tell its exception handler.

        Args:
            error: what the task has raised.
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
        # Loaded with the first of these exceptions, or the first websocket of Starlette's.
        from sanic_star.compat._app.websocket_errors import WebsocketErrors

        await WebsocketErrors(self._error_answers, connection).run_handler(connection.starlette, error)

    def settles(self, request: EngineRequest, error: BaseException) -> bool:
        """Tell whether `answer` settles an exception: Sanic's, Starlette's, or one that has a handler."""
        assert isinstance(request, Request)
        return self._error_answers.settles(request, error)

    @cached_property
    def _error_answers(self) -> ErrorAnswers:
        """What answers exceptions: `compile_fallback` composes it; this is for an application that was not started."""
        locations = MiddlewareLocation.REQUEST, MiddlewareLocation.RESPONSE
        return self._make_error_answers(*(self._steps(location, None) for location in locations))

    def _make_error_answers(self, before: list[Step], after: list[Step]) -> ErrorAnswers:
        # Loaded with the start, not with the import.
        from sanic_star.compat._app.error_answers import ErrorAnswers

        return ErrorAnswers(self, self._events, before, after)

    async def respond_through(self, request: Request, response: Any) -> Any:
        """Run response middleware, once for each request."""
        return await self._error_answers.respond_through(request, response)

    async def send_other(
        self, request: EngineRequest, response: Any, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send what is no ready response of Sanic's: a stream, a response of Starlette's, any ASGI application."""
        assert isinstance(request, Request)
        if isinstance(response, ResponseStream) and not request._response_middleware_started:
            response = await self.respond_through(request, response)
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
            # The handler has accepted the handshake of a websocket: that was the response.
            return
        begun = request.stream.response
        if returned is not None and returned is not begun:
            error_logger.error(
                "The response object returned by the route handler will not be sent to client. "
                "The request has already been responded to."
            )
        if begun is not None:
            await begun.send(end_stream=True)
            await run_background(begun, request.scope)
        elif isinstance(returned, StarletteResponse):
            check_foreign(returned)
            await returned(request.scope, request._replay(), request._send)
        elif not self.has_begun(request):
            raise ServerError(f"Invalid response type {returned!r} (need HTTPResponse)")

    def declare_streams(self) -> None:
        """Look again at responses that have not begun: a content type that was set since their declaration counts."""
        for request in list(live.values()):
            if isinstance(request, Request) and request.scope.get("app") is self.app:
                stream, writer = request._open_stream, request._writer
                if stream is not None and writer is not None and not writer.head_sent:
                    self.stream_opened(request, writer, stream.task)

    async def run_phase(self, phase: Phase) -> None:
        """Run the listeners of a phase; tasks that were added before there was a loop, and timers, start after them."""
        app = self.app
        if phase is Phase.BEFORE_STOP:
            self._grace_ends = asyncio.get_running_loop().time() + self.limits().graceful_s
        elif phase is Phase.BEFORE_START:
            self.loop = asyncio.get_running_loop()
            if app.middleware_stack is None:
                # Under `create_server` the gate is built with the first request, so `hand_over` has not looked.
                self.overrides = Overrides.of(app)
            if app.config.get("AUTO_EXTEND") and not hasattr(app, "_ext"):
                app._runner.extend()
            # Before any listener has an effect, and only here, as in Sanic.
            check_route_names(app.router.routes)
            # The others when all listeners have run, which may set them.
            app.config._validate(LISTENER_TIMEOUTS)
            if not self.has_started_up and self.overrides._startup:
                # Only where a tool has replaced it.
                from sanic_star.compat._app.monitoring import start_up

                self.has_started_up = True
                await start_up(app)
            if not app.signal_router.finalized and self.overrides.signalize:
                app.signalize(app.signal_router.allow_fail_builtin)
            if not app.signal_router.finalized:
                app.signal_router.finalize()
            if app._engine.lifecycle.starter != "server":
                app._runner.set_up_logging()
                # Once for each application, though a test may start it often.
                if not app._runner.has_logged_server_settings:
                    app._runner.log_server_settings()
            if hasattr(app, "_ext"):
                from sanic_star.compat.application.ext import before_start  # late: most applications have none

                before_start(app)
        await app._listeners.run(phase.value, app)
        if phase is Phase.BEFORE_START and Starlette.__call__ is not ENTRY:
            # A listener may have set up the monitoring tool.
            from sanic_star.compat._app.monitoring import watch

            watch(app)
        if phase is Phase.BEFORE_START:
            if app._background.delayed:
                app._background.start_delayed_tasks()
        elif phase is Phase.AFTER_START:
            app._background.start_timers()
        elif phase is Phase.AFTER_STOP and app._background.dispatches is not None:
            # Listeners of this phase may have dispatched events.
            await app._background.drain_dispatches(self.limits().graceful_s)

    def step_limit(self, stopping: bool) -> Limit | None:
        """Return how long a listener or a lifespan may take; `None` for ever.

        A setting with an invalid value counts as not set: the start refuses it, but a stop has to come to its end.
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
        """Call the application's `stop` where a subclass overrides it, unless that has begun the stop."""
        runner = self.app._runner
        if self.overrides.stop and not runner.is_stopped:
            # The server stops already: Sanic's method, called by the override, has nothing to do.
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
            # Requests have had this time already; those that were cancelled may have left functions that still run.
            left = self._grace_ends - asyncio.get_running_loop().time()
            await self._threads.drain(max(left, min(seconds, ABANDONED_THREADS_S)))

    def stopped(self) -> None:
        """Open the routers again, for what is added before the next start."""
        self.app._runner.is_stopped, self._kept_steps = False, None
        self._layers = {}
        self.loop = None
        if self._threads is not None:
            self._threads.close()
            self._threads = None
        self.app.router.reset()
        self.app.signal_router.reset()

    def stream_opened(self, request: Request, writer: ResponseWriter, task: asyncio.Task[Any] | None = None) -> None:
        """Watch a response that a handler sends piece by piece, from its declaration on.

        A response with a body of its own is no stream, unless it is endless or a first part is sent: a client that
        leaves does not cut it.

        Args:
            request: the request.
            writer: what sends the response.
            task: the task that answers the request; by default the running one.
        """
        if writer.response is None:
            return
        before, receive = request._open_stream, request._receive
        if _may_stream_its_body(request):
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
            if stream is not before:
                stream.ends_with_client = partial(_is_stream, writer)
            stream.cut_if_client_left()


def _is_endless(writer: ResponseWriter) -> bool:
    """Tell whether the application's stop ends a response."""
    response = writer.response
    if writer.endless is not None or response is None:
        return bool(writer.endless)
    return is_event_stream(str(response.headers.get("content-type", response.content_type)))


def _is_stream(writer: ResponseWriter) -> bool:
    """Tell whether a response is sent piece by piece, as far as that is known before the first part."""
    return writer.head_sent or writer.response is None or not writer.response._body or _is_endless(writer)


def _has_layers(route: Any) -> bool:
    """Tell whether one of the levels of a route has ASGI middleware; a mount or Starlette's route has no levels."""
    return any(middleware for middleware, _ in getattr(route, "_levels", ()))


def check_route_names(routes: Iterable[Any]) -> None:
    """Refuse routes that have one name.

    Raises:
        ServerError: there are such routes.
    """
    seen: set[str] = set()
    twice: set[str] = set()
    for route in routes:
        ident = getattr(getattr(route, "extra", None), "ident", None)
        if ident:
            (twice if ident in seen else seen).add(ident)
    if twice:
        names = ", ".join(sorted(twice))
        raise ServerError(f"Duplicate route names detected: {names}. Tell them apart by `name=…`.")


def _without_outer_route(connection: Any) -> Any:
    """Return the request, with no route in a mounted application: the mount is a route of the application around."""
    request = connection if isinstance(connection, Request) else request_of(connection)
    if "route" in request.scope:
        outer = ("route", "endpoint")
        request.scope = {key: value for key, value in request.scope.items() if key not in outer}
    return request


def _after_own_reading(route: routing.Route, call: Call) -> Call:
    """Return a route's callable behind `Request.receive_body`, which the application's request class overrides."""
    # The limit of the route stays: reading the stream keeps it.
    route.reads_body = False

    async def with_own_body(request: Request) -> Any:
        await request.receive_body()
        return await call(request)

    return with_own_body
