"""How requests are answered in Sanic's way: what goes around a handler, what answers errors, what may be returned.

`Answering` stands between the engine's `Application` and `Sanic`. The engine asks it for each route's callable when the
application is finalised, and for what is out of the ordinary: an exception, a path without a route, a return value
that is no ready response.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections import deque
from collections.abc import Iterable
from functools import partial
from inspect import isawaitable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response as StarletteResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import routing
from sanic_star.applications import Application
from sanic_star.compat._background import run_background
from sanic_star.compat._events import Events
from sanic_star.compat._forwarding import has_own_limit, limited, with_public_redirects
from sanic_star.compat._pipeline import (
    Call,
    Step,
    handler_call,
    is_endpoint,
    respond_through,
    run_before,
    steps,
    with_middleware,
)
from sanic_star.compat._stream import ResponseWriter
from sanic_star.compat.config import Config
from sanic_star.compat.exceptions import SanicException, ServerError, WebsocketClosed
from sanic_star.compat.handlers.error import ErrorHandler, as_sanic_exception
from sanic_star.compat.log import error_logger, logger
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.compat.request._url import url_for_log
from sanic_star.compat.request.types import Request
from sanic_star.compat.response._foreign import check_foreign
from sanic_star.compat.response.types import HTTPResponse, ResponseStream
from sanic_star.compat.router import Router
from sanic_star.compat.server.websockets._sweeper import Sweeper as WebsocketSweeper
from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol
from sanic_star.compat.signals import Event, SignalRouter
from sanic_star.failures import attribute, encodable, format_error, is_a, log_error, message_of
from sanic_star.requests import Request as EngineRequest
from sanic_star.requests import live
from sanic_star.streams import is_event_stream

# As `requestTimeout` of Node.js, in seconds.
BODY_TIMEOUT = 300


def has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell by its header fields whether a request has a body."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


def _may_stream_its_body(request: Request) -> bool:
    """Tell whether a part of the body may still come, for a handler that reads it by itself."""
    if request.body_is_read or request._stream_consumed or not getattr(_extra(request), "stream", False):
        return False
    # A body of GET and HEAD has no meaning (RFC 9110, section 9.3.1). Over HTTP/2 and HTTP/3 other methods may have one
    # that no header field announces.
    return request.method not in ("GET", "HEAD") or has_body(request.scope["headers"])


def _extra(request: Request) -> Any:
    return getattr(request.route, "extra", None)


async def _in_scope(app: ASGIApp, amended: Scope, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request on with the scope that middleware has changed, instead of the server's own."""
    await app(amended, receive, send)


def _is_answer(request: Request, response: Any) -> bool:
    return request.responded or isinstance(response, ResponseStream) or callable(response)


class Answering(Application):
    """An application that answers as Sanic does; what is registered is kept by the subclass."""

    router: Router
    config: Config
    error_handler: ErrorHandler
    request_middleware: deque[Middleware]
    response_middleware: deque[Middleware]
    named_request_middleware: dict[str, deque[Middleware]]
    named_response_middleware: dict[str, deque[Middleware]]
    signal_router: SignalRouter
    # Which events somebody listens to; nobody, until the application is finalised.
    _events = Events(SignalRouter(), Router().find_again)
    _sweeper: WebsocketSweeper

    def behind_gate(self, stack: ASGIApp) -> ASGIApp:
        """Return what requests meet past the gate: first what tells of their beginning and end."""
        return self._events.around_application(super().behind_gate(stack), self.request_factory, self._fail)

    def finalise(self) -> None:
        """Give each route its callable, with the events that somebody listens to, and the sweeper its limits.

        Raises:
            ServerError: a setting has a value that it can't have.
        """
        self.config.validate()
        self.request_timeout = self.config.get("REQUEST_TIMEOUT")
        self.body_timeout = self.config.get("REQUEST_BODY_TIMEOUT", BODY_TIMEOUT)
        self.response_timeout = self.config.get("RESPONSE_TIMEOUT")
        self._events = Events(self.signal_router, self.router.find_again)
        self._sweeper = WebsocketSweeper()
        super().finalise()

    def compile(self, route: routing.Route | routing.WebSocketRoute) -> Call:
        """Return a route's callable: the handler, with what goes around it."""
        names = (route.name,)
        before = self._steps(MiddlewareLocation.REQUEST, *names)
        after = self._steps(MiddlewareLocation.RESPONSE, *names)
        if isinstance(route, routing.WebSocketRoute):
            return self._compile_websocket(route, before)
        own_limit = getattr(getattr(route, "extra", None), "max_body_size", None)
        extra = getattr(route, "extra", None)
        reads = not (extra.stream or extra.ignore_body) if extra is not None else route.reads_body
        everywhere = self._body_limit if reads else None
        route.max_body_size = everywhere if own_limit is None else own_limit
        # Request middleware and listeners may change the parameters, also those of a path without any.
        changeable = bool(before or self._events)
        only = route.names[0] if route.names and len(route.names) == 1 and not changeable else None
        handler = handler_call(route.endpoint, bool(route.parameters) or changeable, only)
        call = with_middleware(self._events.around_handler(handler), before, after)
        if self.config.get("CANCEL_ON_DISCONNECT"):
            call = self._until_client_leaves(call)
        lived = self._events.around_route(call, route, reads)
        # Events tell of a request before its body is read: then the route's callable reads it.
        route.reads_body = reads and lived is call
        return lived

    @property
    def _body_limit(self) -> int | None:
        """The smaller one of `REQUEST_MAX_SIZE` and the keyword `max_body_size`, in bytes; `None` for no limit."""
        limits = (self.config.REQUEST_MAX_SIZE, self.max_body_size)
        return min((limit for limit in limits if limit is not None), default=None)

    def _until_client_leaves(self, call: Call) -> Call:
        """Return `call` under watch: it is cancelled when the client leaves."""

        async def nothing() -> None:
            """Complete an answer that nobody waits for."""

        async def watched(request: Request) -> Any:
            if not request.body_is_read:
                # A handler that still reads the body learns of the disconnect from that read.
                if has_body(request.scope["headers"]):
                    return await call(request)
                request._body = b""
            self.open_stream(request, nothing, endless=False, receive=request._receive)
            try:
                response = await call(request)
            except Exception:
                self.close_stream(request)
                raise
            if not request.responded:
                self.close_stream(request)
            return response

        return watched

    @property
    def max_field_size(self) -> int:  # type: ignore[override]
        """The longest header field that a parser gets, in bytes."""
        return self.config.REQUEST_MAX_HEADER_SIZE

    def has_begun(self, request: EngineRequest) -> bool:
        """Tell whether a part of the response is sent: not yet, where a handler has only asked to respond."""
        assert isinstance(request, Request)
        # Without a writer somebody else's answer was begun: a response of Starlette's, a mounted application's.
        return request.responded if request._writer is None else request._writer.head_sent

    def build_middleware_stack(self) -> ASGIApp:
        """Put the access log around everything else, where it is on."""
        gate = super().build_middleware_stack()
        if self._stack is not None:
            self._stack = self.logged(self._stack)
        return gate

    def logged(self, stack: ASGIApp) -> ASGIApp:
        """Return `stack` inside the access log, if `ACCESS_LOG` is on."""
        if not self.config.ACCESS_LOG:
            return stack
        # Loaded only where it is used.
        from sanic_star.compat._access import AccessLog

        return AccessLog(stack)

    def _compile_websocket(self, route: routing.WebSocketRoute, before: list[Step]) -> Call:
        handler = self._events.around_websocket(route.endpoint)
        subprotocols = getattr(getattr(route, "extra", None), "subprotocols", ())

        async def speak(websocket: WebsocketImplProtocol) -> Any:
            request: Any = websocket.request
            if is_endpoint(route.endpoint):
                return route.endpoint  # an ASGI application, which does the handshake itself
            await websocket.handshake(subprotocols)
            swept = self._sweeper.add(websocket)
            try:
                result = handler(request, websocket, **request.route_params)
                if isawaitable(result):
                    await result
            except CancelledError:
                # As in Sanic, where the events after the handler are fired, too.
                if not await websocket._was_cancelled():
                    raise
            except WebsocketClosed:
                if not websocket.closed:
                    # It is a quiet exception, and nobody else would say why this client's connection ends.
                    error_logger.error("The handler of %r has used a websocket that is closed", url_for_log(request))
                    raise
            finally:
                swept.discard(websocket)
            await websocket.close()
            return None

        handled = self._events.around_handler(speak, always=True)

        async def guarded(websocket: WebsocketImplProtocol) -> Any:
            request: Any = websocket.request
            refused = await run_before(request, before)
            return await self.respond_through(request, refused) if refused else await handled(websocket)

        return self._events.around_route(guarded, route, reads_body=False)

    def compile_fallback(self) -> Call:
        """Return what answers where no route does; the application's middleware runs there, too."""
        call = super().compile_fallback()
        lived = self._events.around_route(call, None, reads_body=False)
        if lived is not call or self._events.heard(Event.HTTP_LIFECYCLE_EXCEPTION, Event.SERVER_EXCEPTION_REPORT):
            # Those who listen are told of the exception before the middleware, which then runs when it is answered.
            return _without_outer_route(lived)
        before = self._steps(MiddlewareLocation.REQUEST, None)
        after = self._steps(MiddlewareLocation.RESPONSE, None)
        if not before and not after:
            return _without_outer_route(call)

        async def miss(connection: Any) -> Any:
            if not isinstance(connection, Request):
                # The middleware of a handshake runs when the exception is answered.
                return await call(connection)
            # As the request came: middleware may change its method, which gives the request another scope.
            scope = connection.scope

            async def fail(request: Request) -> Any:
                raise self.miss(scope)

            return await with_middleware(fail, before, after)(connection)

        return _without_outer_route(miss)

    def compile_forward(self) -> Call:
        """Return what hands a connection on: the application's request middleware runs before, and may answer."""
        before = self._steps(MiddlewareLocation.REQUEST, None)
        keyword = self.max_body_size
        foreign = self._body_limit
        # Without any of these only the client says which host it is, and a redirect leads there already.
        told_by = ("SERVER_NAME", "FORWARDED_SECRET", "PROXIES_COUNT", "REAL_IP_HEADER")
        has_public_host = any(map(self.config.get, told_by))

        async def forward(connection: Any) -> Any:
            if isinstance(connection, Request):
                request = connection
                limit = keyword if has_own_limit(request.scope["route"]) else foreign
                if limit is not None:
                    request._receive = limited(request, limit)
            else:
                request = connection.request
            early = await run_before(request, before) if before else None
            if early:
                return early
            app = routing.enter(connection)
            if has_public_host:
                app = with_public_redirects(self, request, app)
            return partial(_in_scope, app, request.scope) if request._amended and request is connection else app

        return self._events.around_route(forward, self.router.forward, reads_body=False)

    def _steps(self, location: MiddlewareLocation, name: str | None) -> list[Step]:
        if location is MiddlewareLocation.REQUEST:
            everywhere, named = self.request_middleware, self.named_request_middleware
        else:
            everywhere, named = self.response_middleware, self.named_response_middleware
        found = Middleware.convert(everywhere, named.get(name or "", ()), location=location)
        ordered = steps(Middleware.in_order(found, location))
        return [self._events.around_middleware(step, location.name.lower()) for step in ordered]

    def miss(self, scope: Scope) -> Exception:
        """Return the exception for a request that no route answers."""
        allowed = self.router.allowed(routing.route_path(scope), scope)
        return self.router.miss(routing.wire_path(scope), scope.get("method", "GET"), allowed, scope)

    async def answer(self, request: EngineRequest, error: BaseException) -> tuple[ASGIApp | None, BaseException | None]:
        """Return the response to an exception, with middleware applied, and what is still to be raised."""
        assert isinstance(request, Request)
        known = as_sanic_exception(error)
        if request.scope["type"] == "http":
            await self.signal_router.report(error, answered=True)
            await self._events.fire_safely(Event.HTTP_LIFECYCLE_EXCEPTION, request=request, exception=error)
        if self.has_begun(request):
            self.error_handler.log(request, known)
            handler = self.error_handler.lookup(known, request.name)
            if handler is not None:
                logger.warning(
                    "Its exception handler %s is not called: a part of the response to %r is sent",
                    getattr(handler, "__name__", repr(handler)),
                    url_for_log(request),
                )
            if attribute(known, "quiet", False) and not self.config.NOISY_EXCEPTIONS:
                # A quiet one may be so because its status tells the client. Of this one nobody else would hear.
                log_error(
                    error_logger,
                    known,
                    "Exception after the response to %r has begun: the client is not told of it",
                    url_for_log(request),
                )
            return None, error
        request.reset_response()
        response = None
        if not request._request_middleware_started:
            try:
                response = await run_before(request, self._steps(MiddlewareLocation.REQUEST, request.name))
            except Exception as raised:
                known = error = raised
        if response:
            settled: object = True
        else:
            handler = self.error_handler.lookup(known, request.name)
            settled = is_a(known, SanicException) or self.error_handler.settles(handler, known)
            response = await self._error_response(request, known)
        # Middleware sees the answer to nothing at all; of anything else it may make a response.
        if response is None:
            response = await self._checked(request, response)
        if not request._response_middleware_started and not request.responded:
            response = await self.respond_through(request, response)
        response = await self._checked(request, response)
        if request.scope["type"] == "http":
            await self._events.fire_safely(Event.HTTP_LIFECYCLE_RESPONSE, request=request, response=response)
        return self._sendable(request, response), None if settled else error

    async def handle_request(self, request: Request) -> None:
        """Answer a request: routing, middleware, handler, and the response sent to whoever gave the request.

        Args:
            request: it is built anew from its scope, as for any ASGI application.
        """
        await self(request.scope, request._replay(), request._send)

    async def handle_exception(self, request: Request, exception: BaseException, run_middleware: bool = True) -> None:
        """Answer a request with what an exception leads to: its handler's response, or the error page.

        Args:
            request: the request.
            exception: what went wrong.
            run_middleware: whether the middleware that has not run yet does.
        """
        if not run_middleware:
            request._request_middleware_started = request._response_middleware_started = True
        response, _ = await self.answer(request, exception)
        if response is not None:
            await response(request.scope, request._replay(), request._send)

    @property
    def asgi(self) -> bool:
        """That an ASGI server runs the application: always, here."""
        return bool(self.state.asgi)

    @property
    def websocket_enabled(self) -> bool:
        """Whether there is a route for a websocket."""
        return any(isinstance(route, routing.WebSocketRoute) for route in self.router.routes)

    async def _error_response(self, request: Request, error: BaseException) -> Any:
        try:
            try:
                response = self.error_handler.response(request, error)
                response = await response if isawaitable(response) else response
            except (SanicException, HTTPException) as raised:
                response = self.error_handler.default(request, as_sanic_exception(raised))
            check_foreign(response)
            return response
        except Exception as raised:
            log_error(error_logger, raised, "Exception raised in exception handler")
            if self.debug:
                told = f"Error while handling error: {message_of(raised)}\nStack: {format_error(raised)}"
                return HTTPResponse(encodable(told), 500)
            return HTTPResponse("An error occurred while handling an error", 500)

    async def _checked(self, request: Request, response: Any) -> Any:
        """Return the answer to an exception; for one that is none, the answer to this mistake."""
        if _is_answer(request, response):
            return response
        mistake = ServerError(f"Invalid response type {response!r} (need HTTPResponse)")
        response = await self._error_response(request, mistake)
        return response if _is_answer(request, response) else self.error_handler.default(request, mistake)

    def _sendable(self, request: Request, response: Any) -> ASGIApp:
        """Return an answer as something that can be sent."""
        if isinstance(response, ResponseStream) or request.responded:
            return partial(self.send_other, request, response)
        return response  # type: ignore[no-any-return]

    async def respond_through(self, request: Request, response: Any) -> Any:
        """Run response middleware, once for each request."""
        if request._response_middleware_started:
            return response
        return await respond_through(request, response, self._steps(MiddlewareLocation.RESPONSE, request.name))

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
            await self.send_foreign(request, response, scope, receive, send)
        else:
            raise ServerError(f"Invalid response type {response!r} (need HTTPResponse)")

    async def _end_response(self, request: Request, returned: Any) -> None:
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

    def end_endless(self) -> None:
        """End the streams and websockets that would never end by themselves; their clean-up runs.

        A content type that was set since the declaration of a response counts, too.
        """
        for request in list(live.values()):
            if isinstance(request, Request) and request.scope.get("app") is self:
                stream, writer = request.open_stream, request._writer
                if stream is not None and writer is not None and not writer.head_sent:
                    self.stream_opened(request, writer, stream.task)
        super().end_endless()

    def stream_opened(self, request: Request, writer: ResponseWriter, task: asyncio.Task[Any] | None = None) -> None:
        """Watch a response that a handler sends piece by piece, from its declaration on.

        A response with a body of its own is none, unless it is endless or a first part is sent.

        Args:
            request: the request.
            writer: what sends the response.
            task: the task that answers the request; by default the running one.
        """
        response = writer.response
        if response is None:
            return
        endless = writer.endless
        if endless is None:
            endless = is_event_stream(str(response.headers.get("content-type", response.content_type)))
        if not (endless or writer.head_sent or not response._body):
            return
        # A handler that still reads the body learns from that read that the client has left.
        reads_itself = _may_stream_its_body(request)
        request._stream_consumed = not reads_itself
        receive = None if reads_itself else request._receive
        self.open_stream(request, writer.end, endless=endless, receive=receive, task=task)


def _without_outer_route(call: Call) -> Call:
    """Return `call`, with `request.route` empty in a mounted application: the mount is a route of the one around."""

    async def miss(connection: Any) -> Any:
        request = connection if isinstance(connection, Request) else connection.request
        if "route" in request.scope:
            outer = ("route", "endpoint")
            request.scope = {key: value for key, value in request.scope.items() if key not in outer}
        return await call(connection)

    return miss
