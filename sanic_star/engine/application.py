"""The engine of an application: entry point, dispatch, error boundary.

An application has an `Engine`; it is not one. The engine asks the layer above through `seams.Behaviour` and uses only
Starlette's names of the application, so that a user's subclass is free to have any other attribute.

Starlette's own `__call__` stays the entry, because tracing tools patch it there; what it calls, `middleware_stack`, is
the engine's. Until the application has started that is `_gate`, which starts it; from then on it is the dispatch
itself, with nothing between, or the user's ASGI middleware around it. So neither the start nor the absence of
middleware costs a running application anything.

The dispatch and the error boundary are one frame: see `_make_dispatch`. `Application` at the end is the smallest
application with an engine: Starlette's, with an index and compiled routes.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import BaseRoute
from starlette.routing import Router as StarletteRouter
from starlette.types import ASGIApp, ExceptionHandler, Lifespan, Message, Receive, Scope, Send

from sanic_star.engine import requests
from sanic_star.engine.charsets import check_content_type
from sanic_star.engine.failures import (
    EXCHANGE,
    PASSED_ON,
    REPORTED,
    RefusedRequest,
    attribute,
    attributes,
    break_off,
    ends_here,
    is_a,
    is_marked,
    log_error,
    mark,
    members,
    only_member,
    readable,
    related,
)
from sanic_star.engine.lifespan import Lifecycle
from sanic_star.engine.requests import BOUNDARY, COUNTED_BODY, HANDED, SENT, Limits, Request, may_have_body
from sanic_star.engine.responses import Response
from sanic_star.engine.routing import WEBSOCKET, Call, Route, Router, WebSocketRoute, child_scope, enter
from sanic_star.engine.steps import UP, Limit, Phase
from sanic_star.engine.streams import OpenStream, OpenStreams, is_event_stream, resumable
from sanic_star.engine.timeouts import Sweeper
from sanic_star.engine.websockets import SERVER_SEND, WebSocket, announce_close, closing_refusals

# The boundary and the limit outside ASGI middleware are loaded where the user adds such middleware.
if TYPE_CHECKING:
    from types import CodeType

    from sanic_star.engine.body_limit import CountedBody
    from sanic_star.engine.boundary import Boundary
    from sanic_star.engine.seams import Behaviour, Host, MakeRequest

_NOTHING: dict[str, Any] = {}
# Requests with these methods are looked at for the announcement of a body before it is read.
_MOSTLY_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
# How long requests that the stop has cut may take to clean up and to answer in development, in seconds.
DEVELOPMENT_GRACE_S = 0.5
# Behind how many layers of ASGI middleware a mounted application is looked for.
_MOST_MIDDLEWARE = 100
# What nginx's access log says of a client that left before its response; no client ever sees it.
_CLIENT_CLOSED_REQUEST = 499
_error_logger = logging.getLogger("sanic.error")
# The running task of each event loop; see `_running_task`.
_running_tasks: Any = getattr(asyncio.tasks, "_current_tasks", None) if sys.version_info < (3, 12) else None
_NO_TRIO = (
    "This application runs on asyncio, not on trio: start the server with its asyncio worker, "
    "and Starlette's TestClient without backend='trio'"
)
# How often a stop looks whether requests are over, in seconds: as often as uvicorn's does.
POLL = 0.1


class Engine:
    """What starts and stops an application and answers its connections; an application has one.

    Args:
        app: the application.
        behaviour: the layer above: what routes call, how exceptions are answered, what runs at the start and the stop.
        make_request: makes a request from scope, receive and send.
        make_websocket: makes a websocket, likewise.
    """

    def __init__(
        self,
        app: Host,
        behaviour: Behaviour,
        make_request: MakeRequest = Request,
        make_websocket: Callable[[Scope, Receive, Send], WebSocket] = WebSocket,
    ) -> None:
        self.app = app
        self.behaviour = behaviour
        self.make_request = self._make = make_request
        # The class of requests, if they are made without a call of it.
        self._plain: type[Request] | None = None
        self.make_websocket = make_websocket
        self.lifecycle = Lifecycle(self)
        # What the user's lifespan yields where no server hands a state around.
        self.lazy_state: dict[str, Any] = {}
        self.streams = OpenStreams(self.lifecycle)
        self.sweeper = Sweeper(self)
        # The dispatch with the user's middleware, and what requests meet once the application has started.
        self._stack: ASGIApp | None = None
        self._open: ASGIApp | None = None
        # The limits of the last finalisation.
        self.kept_limits = Limits()

    @property
    def limits(self) -> Limits:
        """The limits as they are set now."""
        return self.behaviour.limits()

    # Start and stop ------------------------------------------------------------------------------------------------

    def finalise(self) -> None:
        """Give each route its callable and arrange the index; from here on the application answers requests.

        All that depends on what was registered is made here, in one order, at the start and whenever something is
        added to a running application.
        """
        router, behaviour = self.app.router, self.behaviour
        own = [route for route in router.routes if isinstance(route, (Route, WebSocketRoute))]
        self.kept_limits = behaviour.prepare()
        behaviour.compile(*own)
        router.fallback.call = behaviour.compile_fallback()
        router.forward.call = behaviour.compile_forward()
        router.compile = behaviour.compile
        behaviour.finalised()
        if self.lifecycle.stage in UP:
            self._open_gate()

    def started(self) -> None:
        """Let requests pass the gate."""
        self._open_gate()
        self.sweeper.start()
        # Loaded with the start, not with the import.
        from sanic_star.engine.server_logs import filter_server_logs

        filter_server_logs()

    def _open_gate(self) -> None:
        if self._stack is not None:
            before, self._open = self._open, self.behaviour.surround(self._with_lazy_state(self._stack))
            # What an overridden or patched `build_middleware_stack` has put around the gate stays there.
            if self.app.middleware_stack in (self._gate, before):
                self.app.middleware_stack = self._open

    def stopped(self) -> None:
        """Close the gate: the next start builds the stack anew, with what was added since."""
        self.sweeper.stop()
        self.app.middleware_stack = self._stack = self._open = None
        self.lazy_state = {}
        self.behaviour.stopped()

    def _with_lazy_state(self, stack: ASGIApp) -> ASGIApp:
        """Return `stack` behind something that hands each request the lifespan's state, as a server does."""
        if not self.lazy_state:
            return stack

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = {**self.lazy_state, **scope.get("state", {})}
            await stack(scope, receive, send)

        return with_state

    def mounted(self) -> list[Engine]:
        """Return the engines of the applications that are mounted below this one, each once."""
        return _engines(self.app.router.routes, [self])[1:]

    async def endless_ended(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until the streams and websockets that were ended are over.

        Args:
            timeout: how long, in seconds.

        Returns:
            Whether there were any.
        """
        streams = [stream for engine in (self, *self.mounted()) for stream in engine.streams.endless]
        tasks = {stream.task for stream in streams} - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        return bool(tasks)

    async def requests_ended(self) -> None:
        """Wait for the requests in flight, `Limits.graceful_s` at the longest."""
        deadline = asyncio.get_running_loop().time() + self.limits.graceful_s
        while asyncio.get_running_loop().time() < deadline:
            # A list: an application in another thread may begin and end requests meanwhile.
            if not any(request.scope.get("app") is self.app for request in list(requests.live.values())):
                return
            await asyncio.sleep(POLL)

    def cut_short(self, request: Request, task: asyncio.Task[Any], error: HTTPException) -> None:
        """Cancel the task of a request whose time is over, and answer with `error` once its clean-up has run."""
        # A client that sends its next request on this connection would send it as a part of the missing body.
        closes = error.status_code in (408, 413) or request._waits_for_part
        if closes:
            request._send = announcing_close(request.scope, request._send)

        async def finish() -> None:
            # By now the middleware around the route is over, through which the request has sent.
            send = announcing_close(request.scope, request._send) if closes else request._send
            await self.fail(request, error, request.scope, request._receive, send)

        stream = request._open_stream = request._open_stream or OpenStream(task, finish)
        stream.finish, request._holds = finish, True
        stream.cut("timeout", error.detail)

    def gate(self, middleware: Sequence[Middleware]) -> ASGIApp:
        """Build the dispatch and ASGI middleware around it; return the gate before both.

        Args:
            middleware: the user's, the outermost first.
        """
        self._make = self.make_request
        self.dispatch = dispatch = self._make_dispatch()
        stack = self.behaviour.hand_over(dispatch)
        if stack is not dispatch:
            self._make = self._take_request
            self.dispatch = self._make_dispatch()
        if middleware:
            stack = _marking_arrival(stack)
            for cls, args, kwargs in reversed(middleware):
                stack = cls(stack, *args, **kwargs)
            stack = self._bounded(stack)
        self._stack, self._open = stack, None
        return self._gate

    def _take_request(self, scope: Scope, receive: Receive, send: Send) -> Request:
        """Return the request that was made before the dispatch was called, else a new one."""
        request: Request | None = scope.pop(HANDED, None)
        if request is None:
            return self.make_request(scope, receive, send)
        request._receive, request._send = receive, send
        return request

    async def _gate(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(_NO_TRIO) from None
        assert self._stack is not None
        stack = self._open or self._stack
        if self._open is None and scope["type"] != "lifespan":
            try:
                await self.lifecycle.ensure_started()
            except Exception as error:
                # Not every server answers for an application that raises, or says why.
                log_error(_error_logger, error, "The application could not be started")
                response = PlainTextResponse("Internal Server Error", 500)
                send = closing_refusals(scope, send) if scope["type"] == "websocket" else send
                await response(scope, receive, announcing_close(scope, send))
                raise
            if self.lifecycle.is_closed:
                send = closing_refusals(scope, send) if scope["type"] == "websocket" else send
                await PlainTextResponse("Service Unavailable", 503)(scope, receive, send)
                return
            self.started()
            stack = self._open or stack
        await stack(scope, receive, send)

    # The way of a request ------------------------------------------------------------------------------------------

    def _make_dispatch(self) -> ASGIApp:
        """Return the ASGI callable that answers requests.

        PERF: it runs for each request, so that everything it needs is a local of this function, bound when the
        application starts. Safe because none of it is replaced while requests run: the router empties and fills
        `direct` in place. A request is made without a call of its class, and the attributes that are read below are set
        on the object, where the interpreter finds them sooner than on the class: 0.1 µs. `benchmarks/` measures it as
        «in process».
        """
        router, live, set_current, numbers = self.app.router, requests.live, requests.current.set, requests.numbers
        direct, look_up, new, make = router._direct, router._look_up, object.__new__, self._make
        plain, behaviour = _plain_class(make), self.behaviour
        self._plain = plain
        asleep, wake = self.sweeper.asleep, self.sweeper.wake

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await self._dispatch_other(scope, receive, send)
                return
            if plain is not None:
                request = new(plain)
                request.scope = scope
                request._receive = receive
                request._send = send
                request.responded = request._holds = False
            else:
                request = make(scope, receive, send)
                if request._initialiser_error is not None:
                    await self.refuse(request, request._initialiser_error, scope, receive, send)
                    return
                scope = request.scope  # an initialiser may have changed the method or the path
            number = next(numbers)
            live[number] = request
            if asleep:
                wake()
            set_current(number)
            if "router" not in scope:
                # As in Starlette that of the outermost application: middleware and templates of that one read it.
                scope["router"] = router
            try:
                raw = None if scope.get("root_path") else scope.get("raw_path")
                method = scope["method"]
                entry = direct.get(raw, _NOTHING).get(method)
                if entry is None or entry[2] != scope["path"]:
                    route, request._route_params = look_up(scope, raw, method)
                else:
                    route, params, _ = entry
                    scope["route"] = route
                    scope["endpoint"] = route.endpoint
                    request._route_params = params = params.copy()
                    scope["path_params"] = {**scope["path_params"], **params} if "path_params" in scope else params
                if route.reads_body:
                    if method in _MOSTLY_BODILESS and not may_have_body(scope, receive):
                        request._body, request._is_bodiless = b"", True
                    else:
                        message = await receive()
                        body, limit = message.get("body"), route.max_body_size
                        if body is None or message.get("more_body") or (limit is not None and len(body) > limit):
                            await request._read_body(message, limit)
                        else:
                            request._body = body
                call = route.call  # as a method it would be sought on the class first
                response = await call(request)
                if isinstance(response, Response) and not request.responded:
                    start, body = response._start_message(), response._body  # of one moment: it may be changed
                    if start is None:
                        await response(scope, receive, send)
                    else:
                        await send(start)
                        await send({"type": "http.response.body", "body": body})
                elif response is not SENT:
                    await behaviour.send_other(request, response, scope, receive, send)
            except Exception as error:
                set_current(number)
                await self.fail(request, error, scope, receive, send)
            except CancelledError as error:
                await self._cancelled(request, error)
            except PASSED_ON:
                raise
            except BaseException as error:
                set_current(number)
                await self.fail(request, error, scope, receive, send)
            finally:
                if request._holds:
                    self.streams.close(request)
                    request._release()
                del live[number]

        self.dispatch_codes = frozenset({dispatch.__code__, Engine._fail_outside.__code__})
        return dispatch

    async def send_foreign(self, request: Request, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an ASGI application answer: a response of Starlette's, whatever else a handler returns."""
        # Only a response's own code is known not to parse a form.
        own = request._replay() if isinstance(app, StarletteResponse) else request.receive
        await app(scope, partial(request._watched_receive, own), self.watched_send(request, scope, send))

    def watched_send(self, request: Request, scope: Scope, send: Send) -> Send:
        """Return the `send` through which another ASGI application answers a request.

        Watched are the start of the response, because an error after it can't be answered any more, and its type:
        server-sent events have no end of their own, the application's stop ends them.

        Args:
            request: the request.
            scope: the one that the application gets.
            send: sends the response on.
        """
        # Starlette's responses may send from a child of it.
        task = _running_task()

        # PERF: no coroutine of its own, which would take as long as all that it does; `benchmarks/`: `overhead`.
        def watched(message: Message) -> Awaitable[None]:
            kind = message["type"]
            if kind == "http.response.start":
                if message["status"] >= 500:
                    if request._body_refusal is not None:
                        # Some middleware (Starlette's `BaseHTTPMiddleware`) makes an internal error of the 413.
                        raise request._body_refusal
                    if _reports_exception(message):
                        request._answered_error = id(sys.exc_info()[1])
                        message = announce_close(scope, message)
                request.responded = True
                if _starts_event_stream(message) and not _is_watched_by_another(request):
                    return self._begin_event_stream(request, message, send, task)
            elif kind == "http.response.pathsend" or (kind == "http.response.body" and not message.get("more_body")):
                if request._open_stream is not None:
                    self.streams.complete(request)
                request._is_answered = True
            return send(message)

        return watched

    async def _begin_event_stream(
        self, request: Request, start: Message, send: Send, task: asyncio.Task[Any] | None
    ) -> None:
        """Send the start of server-sent events, and watch the stream from then on."""

        async def finish() -> None:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await send(start)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.current_task()
        # After the start: once the stop has begun this cuts the stream, and its end completes only the body.
        self.streams.open(request, finish, task=task)

    async def fail(self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception, then raise it again unless that settled it."""
        settle = self._settle_out_of_mount if request._outer else self._settle
        pending = await settle(request, error, scope, receive, send)
        if pending is not None and not ends_here(pending, send):
            break_off(send)
            try:
                raise pending
            finally:
                # Its traceback holds this frame; held by it in turn, the request would be left to the collector.
                del error, pending

    async def refuse(self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception for a request that does not get as far as a route, with the application's middleware."""
        number = next(requests.numbers)
        requests.live[number] = request
        if self.sweeper.asleep:
            self.sweeper.wake()
        requests.current.set(number)
        try:
            await self.fail(request, error, scope, receive, send)
        finally:
            # Its traceback holds the request.
            request._initialiser_error = None
            if request._holds:
                self.streams.close(request)
                request._release()
            del requests.live[number]

    async def _settle_out_of_mount(
        self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send
    ) -> BaseException | None:
        """Do what `_settle` does, for an exception that comes out of a mount.

        It is answered for this application; then the scope says again where it was raised: middleware around reads the
        route's whole path there, as in Starlette.
        """
        scopes = (scope,) if request.scope is scope else (scope, request.scope)
        outer = {"app": self.app, **request._outer}
        inner = [{key: affected[key] for key in outer if key in affected} for affected in scopes]
        for affected in scopes:
            affected.update(outer)
        try:
            return await self._settle(request, error, scope, receive, send)
        finally:
            for affected, former in zip(scopes, inner, strict=True):
                affected.update(former)

    async def _settle(
        self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send
    ) -> BaseException | None:
        """Answer an exception; return what is to be raised then."""
        # The request may have a scope of its own, where something in it was changed.
        scope["app"] = request.scope["app"] = self.app
        # Of any other request's client it is an error like any other.
        if issubclass(type(error), ClientDisconnect) and await request._client_has_left():
            await self._answer_unfinished_body(request, scope, receive, send)
            return None
        if id(error) in (scope.get(REPORTED), request.scope.get(REPORTED)):
            return error
        exchange = scope.get(EXCHANGE)
        if exchange is not None and attributes(error).get(REPORTED) is exchange:
            # A mounted application has reported it, behind middleware that copies scopes.
            return error
        body: CountedBody | None = scope.get(COUNTED_BODY)
        for refusal in (request._body_refusal, body.refusal if body is not None else None):
            # A middleware's `receive` may have put it in an exception group.
            if refusal is not None and any(cause is refusal for cause in related(error)):
                error = refusal
        boundary: Boundary | None = scope.get(BOUNDARY)
        if boundary is not None and boundary.engine is self and not self._ends_inside(request, error):
            boundary.request, boundary.send = request, send
            return error
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        pending: BaseException | None = error
        try:
            response, pending = await self.behaviour.answer(request, error)
            if response is not None:
                if pending is not None and not is_a(pending, CancelledError):
                    # Not every server keeps a connection whose application has raised an exception.
                    send = request._send = announcing_close(scope, send)
                await response(scope, receive, watched)
        except CancelledError:
            # An exception handler has its time limit too, and may answer with a stream.
            if not await self._is_cut_short(request):
                raise
            return None
        except PASSED_ON:
            raise
        except BaseException as failure:
            pending = error
            _log_failed_answer(error, failure)
            if not begun and not self.behaviour.has_begun(request):
                response = PlainTextResponse("Internal Server Error", 500)
                send = closing_refusals(scope, send) if scope["type"] == "websocket" else send
                await response(scope, receive, announcing_close(scope, send))
        return None if pending is None else _for_the_server(pending, scope)

    def _ends_inside(self, request: Request, error: BaseException) -> bool:
        """Tell whether an exception is answered before the user's middleware sees it.

        So is a `CancelledError` that cancels nothing: middleware would take it for the end of its own task.
        """
        return is_a(error, CancelledError) or self.behaviour.settles(request, error)

    async def _fail_outside(
        self, boundary: Boundary, body: CountedBody, error: BaseException, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer an exception that has come out of the user's middleware, then raise it unless that settled it."""
        request, through = boundary.request, boundary.send
        boundary.release(scope)
        late: Send = send
        if request is None or through is None:
            request = self.make_request(scope, receive, send)
            request.responded = body.answered
        elif body.answered:
            request.responded = True
        elif self.behaviour.has_begun(request):
            # Some middleware has kept the start of the response: to the client it has not begun.
            request._take_back_response()
        else:
            from sanic_star.engine.boundary import LateSend

            late = LateSend(through, send, body)
        request._receive, request._send = receive, late
        number = next(requests.numbers)
        requests.live[number] = request
        if self.sweeper.asleep:
            self.sweeper.wake()
        requests.current.set(number)
        try:
            settle = self._settle_out_of_mount if request._outer else self._settle
            pending = await settle(request, error, scope, receive, late)
        finally:
            if request._holds:
                self.streams.close(request)
                request._release()
            request._send = send
            del requests.live[number]
        if pending is not None and not ends_here(pending, send):
            break_off(send)
            try:
                raise pending
            finally:
                del boundary, error, late, pending, request, through  # as in `fail`

    # The code of the frames in which a task answers a request, until the dispatch is made. They are attributes of the
    # class, because an application that has not started can be pickled.
    dispatch_codes: frozenset[CodeType] = frozenset({_fail_outside.__code__})
    fail_code = _settle.__code__

    async def _answer_unfinished_body(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 to a body that ends too early, unless a response has begun.

        A client that has left does not see it. granian sends `http.disconnect` also for a malformed body, and answers
        500 by itself if the application sends nothing.
        """
        if not self.behaviour.has_begun(request):
            # Servers may refuse to send to a client that has left.
            with suppress(Exception):
                await PlainTextResponse("Bad Request", 400)(scope, receive, send)

    async def _cancelled(self, request: Request, error: CancelledError) -> None:
        """Finish a stream that was cut short; any other cancellation goes on.

        Where nobody has asked this task to end (a handler awaits a task that was cancelled, or raises it by itself) it
        is an error like any other, unless reading the body has raised it because the client has left. A server that
        stops, and waits for this no longer, has nobody else who would answer.
        """
        if await self._is_cut_short(request):
            pass
        elif not _is_own_cancellation():
            if request._is_disconnected:
                await self._answer_unfinished_body(request, request.scope, request._receive, request._send)
            else:
                await self.fail(request, error, request.scope, request._receive, request._send)
        elif self.lifecycle.stopping and not self.behaviour.has_begun(request):
            asyncio.current_task().uncancel()  # type: ignore[union-attr]
            await self.fail(request, RefusedRequest(503), request.scope, request._receive, request._send)
        else:
            if self.lifecycle.stopping and not is_marked(error):
                path = request.scope["path"]
                _error_logger.warning("The response to %r is cut off: the server stops, and waits no longer", path)
                mark(error, request.scope)
            raise error

    async def _is_cut_short(self, request: Request) -> bool:
        """Complete the response to a request whose stream was cut short; tell whether it was."""
        stream = request._open_stream
        if stream is None or not await stream.settle():
            return False
        if stream.reason != "client left" or request.scope["type"] != "http" or self.behaviour.has_begun(request):
            return True
        if request.responded or self.app.user_middleware:
            # Nobody reads it. But Starlette's middleware raises RuntimeError where an application sends nothing.
            response = StarletteResponse(status_code=_CLIENT_CLOSED_REQUEST)
            with suppress(OSError):
                await response(request.scope, request._receive, request._send)
        return True

    def _find_body_limit(self, scope: Scope, arrived: bool) -> int | None:
        """Return the greatest body, in bytes, for the route that a path leads to; `None` for no limit.

        Args:
            scope: the request's scope.
            arrived: whether the request has reached the dispatch. Then a route that streams the body has no limit
                unless it sets one; before, a middleware reads the body, and the application's limit holds.
        """
        raw = None if scope.get("root_path") else scope.get("raw_path")
        entry = self.app.router._direct.get(raw, _NOTHING).get(scope["method"])
        if entry is None or entry[2] != scope["path"]:
            # A copy, because the router notes there what it finds.
            scope = dict(scope)
            route, _ = self.app.router._look_up(scope, raw, scope["method"])
        else:
            route = entry[0]
        if route is not self.app.router.forward:
            return route.max_body_size if arrived or route.max_body_size is not None else self.limits.body
        target = scope["route"]
        child = child_scope(scope)
        inner = engine_of(getattr(target, "_base_app", None))
        if inner is not None:
            limits = (self.app.max_body_size, inner._find_body_limit(child, arrived))
            return min((limit for limit in limits if limit is not None), default=None)
        from sanic_star.engine.body_limit import starlette_limit

        limit = starlette_limit(target, child)
        return self.limits.body if limit is None else limit

    def _bounded(self, stack: ASGIApp) -> ASGIApp:
        """Return `stack` inside the error boundary and the limit on bodies, for the user's ASGI middleware."""
        from sanic_star.engine.body_limit import CountedBody
        from sanic_star.engine.boundary import Boundary

        async def bounded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                if scope["type"] == "websocket":
                    scope[SERVER_SEND] = send
                    receive = resumable(receive)
                    send = closing_refusals(scope, send)
                try:
                    await stack(scope, receive, send)
                except Exception as error:
                    if scope["type"] != "websocket" or is_marked(error):
                        raise
                    await self._refuse_websocket(error, scope, receive, send)
                finally:
                    # The server's object for the connection has the scope, too.
                    scope.pop(SERVER_SEND, None)
                return
            body = CountedBody(self._find_body_limit, scope, receive)
            boundary = Boundary(self, scope)

            async def watched(message: Message) -> None:
                # Early hints and push promises come before the start, and are no part of the response.
                if not body.answered and message["type"] == "http.response.start":
                    body.check_answer(message)
                    body.answered = True
                    if _reports_exception(message):
                        message = announce_close(scope, message)
                await send(message)

            try:
                check_content_type(scope, self.kept_limits.field)
                await stack(scope, body.receive, watched)
                if body.refusal is not None and not body.answered:
                    # A middleware has caught the refusal, which `watched` raises too, and returned without an answer.
                    raise body.refusal
            except (CancelledError, *PASSED_ON):
                raise
            except BaseException as error:
                cause = (body.caused(error) and body.refusal) or error
                try:
                    await self._fail_outside(boundary, body, cause, scope, receive, send)
                finally:
                    del cause
            finally:
                boundary.release(scope)
                body.release(scope)

        return bounded

    # Websockets and lifespan ---------------------------------------------------------------------------------------

    async def _dispatch_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifecycle.serve(scope, receive, send)
            return
        assert scope["type"] == "websocket", f"unknown ASGI scope type {scope['type']!r}"
        scope.setdefault("router", self.app.router)
        # Optional in ASGI's scope; Starlette would take `http` for the default.
        scope.setdefault("scheme", "ws")
        connection = self.make_websocket(scope, receive, send)
        plain = self._plain
        if plain is not None:
            # As in the dispatch, its class is not called.
            request = object.__new__(plain)
            Request.__init__(request, scope, receive, connection._send_message)
        else:
            request = self._make(scope, receive, connection._send_message)
        connection._request = request
        number = next(requests.numbers)
        requests.live[number] = request
        requests.current.set(number)
        self.streams.open(request, partial(connection._end, 1001))
        try:
            refusal, request._initialiser_error = request._initialiser_error, None
            if refusal is not None:
                raise refusal
            router = self.app.router
            route, connection._route_params = router._find(scope)
            request._route_params = connection._route_params
            if route is router.fallback:
                # Loaded with the first handshake that no websocket route answers.
                from sanic_star.engine.handshakes import answer_by_http, is_answered_by_http

                if is_answered_by_http(router, scope):
                    # From here on it is another request, which has its own end at the stop.
                    self.streams.close(request)
                    await answer_by_http(self.dispatch, connection)
                    return
            response = await route.call(connection)
            if response is not None:
                await response(scope, connection._receive_message, connection._send_message)
        except Exception as error:
            if not all(map(connection._is_own_end, members(error))):
                await self._fail_websocket(connection, error)
        except CancelledError as error:
            if not _is_own_cancellation():
                await self._fail_websocket(connection, error)
            elif not await self._is_cut_short(request):
                await self._end_cancelled_websocket(connection, error)
        except PASSED_ON:
            raise
        except BaseException as error:
            await self._fail_websocket(connection, error)
        finally:
            connection._release()
            self.streams.close(request)
            del requests.live[number]
            request._send = send

    async def _refuse_websocket(self, error: BaseException, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception that the user's middleware has raised by itself for a websocket."""
        connection = self.make_websocket(scope, receive, send)
        connection._request = request = self.make_request(scope, receive, connection._send_message)
        number = next(requests.numbers)
        requests.live[number] = request
        requests.current.set(number)
        try:
            await self._fail_websocket(connection, error)
        finally:
            connection._release()
            del requests.live[number]
            request._send = send

    async def _end_cancelled_websocket(self, connection: WebSocket, error: CancelledError) -> None:
        """End a websocket whose task the server has cancelled: at the stop with a proper close or refusal."""
        if not self.lifecycle.stopping:
            raise error
        if connection._opened:
            await connection._end(1001)
            raise error
        asyncio.current_task().uncancel()  # type: ignore[union-attr]
        await self._fail_websocket(connection, RefusedRequest(503))

    async def _fail_websocket(self, connection: WebSocket, error: BaseException) -> None:
        """Refuse the handshake with the exception's response, or close an open connection with 1011."""
        if connection.scope.get(REPORTED) == id(error):
            raise error
        connection.scope["app"] = self.app
        connection.scope.update(connection._outer)
        pending: BaseException | None = error
        closing = only_member(error)
        if is_a(closing, WebSocketException):
            # As in Starlette it says how the connection is closed, unless a handler closes it in another way.
            if not connection._closed:
                await self.behaviour.run_websocket_handler(connection, closing)
            await connection._end(attribute(closing, "code", 1011), attribute(closing, "reason", ""))
            return
        try:
            if connection._opened or connection._closed:
                # No response can be sent any more, so that nothing makes one.
                pending = await self.behaviour.report(connection._request, error)
            else:
                response, pending = await self.behaviour.answer(connection._request, error)
                denies = "websocket.http.response" in connection.scope.get("extensions", {})
                if response is not None and denies:
                    await response(connection.scope, connection._receive_message, connection._send_message)
        except (CancelledError, *PASSED_ON):
            raise
        except BaseException as failure:
            pending = error
            _log_failed_answer(error, failure)
        # RFC 6455, section 7.4.1: a violated policy, where the handler has found out that the client may not do this.
        await connection._end(1008 if attribute(error, "status_code") in (401, 403) else 1011)
        pending = None if pending is None else _for_the_server(pending, connection.scope)
        if pending is not None:
            try:
                raise pending
            finally:
                del closing, error, pending  # as in `fail`


def _plain_class(factory: Any) -> type[Request] | None:
    """Return `factory` where it is a class that does no more than `Request` when an object is made, else `None`."""
    if not isinstance(factory, type) or not issubclass(factory, Request):
        return None
    makers = factory.__new__, factory.__init__, type(factory).__call__
    return factory if makers == (object.__new__, factory._plain_init, type.__call__) else None


def _marking_arrival(dispatch: ASGIApp) -> ASGIApp:
    """Return the dispatch behind a step that tells the counted body of a request that its middleware is passed."""

    async def arrive(scope: Scope, receive: Receive, send: Send) -> None:
        if (body := scope.get(COUNTED_BODY)) is not None:
            body.arrive(scope)
        await dispatch(scope, receive, send)

    return arrive


def announcing_close(scope: Scope, send: Send) -> Send:
    """Return a `send` whose response tells the client that the connection is closed after it."""

    async def send_closing(message: Message) -> None:
        starts = message["type"] in ("http.response.start", "websocket.http.response.start")
        await send(announce_close(scope, message) if starts else message)

    return send_closing


def _reports_exception(start: Message) -> bool:
    """Tell whether a response is sent for an exception that nobody has handled: as a rule it is raised again then."""
    error = sys.exc_info()[1] if start.get("status") == 500 else None
    return error is not None and attribute(error, "status_code") is None


def _log_failed_answer(error: BaseException, failure: BaseException) -> None:
    log_error(_error_logger, failure, "Exception while answering an exception; the client gets a plain 500")
    log_error(_error_logger, error, "The exception that could not be answered")


def _for_the_server(error: BaseException, scope: Scope) -> BaseException | None:
    """Return the exception to raise to the server once the request is answered, marked as logged."""
    # A `CancelledError` that cancels nothing ends here: to the server it would mean that the request was cancelled.
    if is_a(error, CancelledError):
        return None
    error = readable(error)
    mark(error, scope)
    return error


def engine_of(app: object) -> Engine | None:
    """Return the engine of an application of this package, `None` for anything else."""
    engine = getattr(app, "_engine", None)
    return engine if isinstance(engine, Engine) else None


def _engines(routes: Sequence[BaseRoute], engines: list[Engine]) -> list[Engine]:
    """Append the engines of the applications that these routes lead to, behind ASGI middleware and in other apps."""
    return _collect(routes, engines, [engine.app for engine in engines])


def _collect(routes: Sequence[BaseRoute], engines: list[Engine], seen: list[Any]) -> list[Engine]:
    for route in routes:
        app = getattr(route, "app", None)
        # By convention ASGI middleware keeps the application that it wraps as `app`. Bounded: anything may be there.
        for _ in range(_MOST_MIDDLEWARE):
            if app is None or isinstance(app, StarletteRouter | Starlette):
                break
            app = getattr(app, "app", None)
        if not isinstance(app, StarletteRouter | Starlette) or any(app is other for other in seen):
            continue
        seen.append(app)
        engine = engine_of(app)
        if engine is not None:
            engines.append(engine)
        _collect(app.routes, engines, seen)
    return engines


def _running_task() -> asyncio.Task[Any] | None:
    """Return the running task; in a thread whose loop runs none, it may be one of another thread's loop.

    PERF: before Python 3.12 `asyncio.current_task` is not written in C, and finding the loop is a system call: 0.4 µs
    («overhead»). Safe because while one loop runs a task, that is this one.
    """
    if _running_tasks is None:
        return asyncio.current_task()
    tasks = tuple(_running_tasks.values())
    return tasks[0] if len(tasks) == 1 else asyncio.current_task()


def _starts_event_stream(start: Message) -> bool:
    for name, value in start.get("headers", ()):
        # PERF: without a comparison of text for most fields, because their lengths differ. Safe because the names are
        # compared where the lengths agree.
        size = len(name)
        if size == 14 and name.lower() == b"content-length":
            return False  # it has an end
        if size == 12 and name.lower() == b"content-type":
            return b"event-stream" in value.lower() and is_event_stream(value.decode("latin-1"))
    return False


def _is_watched_by_another(request: Request) -> bool:
    """Tell whether a mounted application of this package answers the request, and watches its own stream."""
    try:
        answering = requests.current_request()
    except LookupError:
        return False
    return answering is not request and answering._open_stream is not None


def _is_own_cancellation() -> bool:
    """Tell whether somebody has asked the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Plain:
    """What an application does that has nothing above its engine: handlers get path parameters by keyword."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def prepare(self) -> Limits:
        """Return the limits; nothing is arranged before routes are compiled."""
        return self.limits()

    def finalised(self) -> None:
        """Arrange the index."""
        self._app.router._build()

    def finalise(self) -> None:
        """Finalise the engine."""
        self._app._engine.finalise()

    def hand_over(self, dispatch: ASGIApp) -> ASGIApp:
        """Return the dispatch."""
        return dispatch

    def compile(self, *routes: Route | WebSocketRoute) -> None:
        """Let each route call its endpoint with its path parameters as keyword arguments."""

        def call(endpoint: Callable[..., Any]) -> Call:
            return lambda connection: endpoint(connection, **connection._route_params)

        for route in routes:
            route.call = call(route.endpoint)

    def compile_fallback(self) -> Call:
        """Return what raises the exception for a request that no route answers."""
        router = self._app.router

        async def miss(request: Request) -> Any:
            scope = request.scope
            allowed = {*router._refused(scope)} - {WEBSOCKET}
            if scope["type"] == "http" and allowed:
                raise HTTPException(405, headers={"allow": ", ".join(sorted(allowed))})
            raise HTTPException(404)

        return miss

    def compile_forward(self) -> Call:
        """Return what hands the connection on."""

        async def forward(connection: Any) -> Any:
            return enter(connection, self._app.router)

        return forward

    def limits(self) -> Limits:
        """Return Starlette's limit on bodies, and the time that the stop waits."""
        debug = self._app.debug
        graceful = DEVELOPMENT_GRACE_S if debug else Limits().graceful_s
        return Limits(body=self._app.max_body_size, graceful_s=graceful, cuts_at_stop=debug)

    def logged(self, app: ASGIApp) -> ASGIApp:
        """Return `app`: nothing is logged."""
        return app

    def surround(self, app: ASGIApp) -> ASGIApp:
        """Return `app`."""
        return app

    def has_begun(self, request: Request) -> bool:
        """Tell whether a part of the response is sent already."""
        return request.responded

    async def answer(self, request: Request, error: BaseException) -> tuple[ASGIApp | None, BaseException | None]:
        """Answer an `HTTPException` with its detail, anything else with a 500."""
        if is_a(error, HTTPException):
            response, pending = PlainTextResponse(error.detail, error.status_code, error.headers), None  # type: ignore[attr-defined]
        else:
            response, pending = PlainTextResponse("Internal Server Error", 500), error
            log_error(logging.getLogger("sanic_star"), error, "Exception in handler")
        return None if request.responded else response, pending

    async def report(self, request: Request, error: BaseException) -> BaseException | None:
        """Log an exception that cannot be answered, unless it is an `HTTPException`, and return it."""
        if is_a(error, HTTPException):
            return None
        log_error(logging.getLogger("sanic_star"), error, "Exception in handler")
        return error

    async def run_websocket_handler(self, connection: WebSocket, error: WebSocketException) -> None:
        """There are no exception handlers."""

    def settles(self, request: Request, error: BaseException) -> bool:
        """Tell whether the answer is all that becomes of an exception."""
        return is_a(error, HTTPException) and not request.responded

    async def send_other(self, request: Request, response: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an ASGI application answer; nothing else is taken."""
        if not callable(response):
            raise TypeError(f"a handler returned {response!r}: return a response or an ASGI application")
        await self._app._engine.send_foreign(request, response, scope, receive, send)

    def declare_streams(self) -> None:
        """A response is watched as soon as it starts."""

    async def run_phase(self, phase: Phase) -> None:
        """There are no listeners."""

    def step_limit(self, stopping: bool) -> Limit | None:
        """A lifespan may take as long as it likes."""
        return None

    def stopping(self) -> None:
        """Nothing is called before the listeners."""

    async def drain(self) -> None:
        """There are no background tasks."""

    def stopped(self) -> None:
        """Nothing was closed."""


class Application(Starlette):
    """A Starlette application whose router is indexed and whose routes hold compiled callables.

    Arguments are Starlette's.

    Examples:
        >>> async def hello(request):
        ...     return Response("hello")
        >>> app = Application()
        >>> app.router.routes.append(Route(("hello",), hello, methods=["GET"]))
    """

    router: Router

    def __init__(
        self,
        debug: bool = False,
        routes: Sequence[BaseRoute] | None = None,
        middleware: Sequence[Middleware] | None = None,
        exception_handlers: Mapping[Any, ExceptionHandler] | None = None,
        lifespan: Lifespan[Any] | None = None,
        *,
        max_body_size: int | None = None,
    ) -> None:
        super().__init__(debug, None, middleware, exception_handlers, max_body_size=max_body_size)
        self.router = Router(routes, lifespan=lifespan)
        self._engine = Engine(self, _Plain(self))

    def build_middleware_stack(self) -> ASGIApp:
        """Return the gate before the dispatch and the user's ASGI middleware."""
        return self._engine.gate(self.user_middleware)
