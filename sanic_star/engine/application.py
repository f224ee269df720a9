"""The engine of an application: entry point, dispatch, error boundary.

An application has an `Engine`; it is not one. The engine calls the layer above through `seams.Behaviour`, and uses only
Starlette's attributes of the application, so that a user's subclass may have any other attribute.

The entry point is Starlette's own `__call__`, because tracing tools patch it. It calls `middleware_stack`, which the
engine provides. Before the start that is `_gate`, which starts the application. After the start it is the dispatch
itself, or the user's ASGI middleware around the dispatch. So the start costs a running application nothing.

The dispatch and the error boundary are one frame: see `_make_dispatch`. `Application` at the end is the smallest
application with an engine: Starlette's, with an index and compiled routes.
"""

from __future__ import annotations

import asyncio
import logging
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
    reports_exception,
)
from sanic_star.engine.lifespan import Lifecycle
from sanic_star.engine.requests import (
    BOUNDARY,
    COUNTED_BODY,
    PREPARED_REQUEST,
    SENT,
    Limits,
    Request,
    Watcher,
    may_have_body,
)
from sanic_star.engine.responses import Response, announce_close
from sanic_star.engine.routing import WEBSOCKET, Call, Route, Router, WebSocketRoute, child_scope, enter
from sanic_star.engine.steps import UP
from sanic_star.engine.streams import OpenStream, OpenStreams, resumable
from sanic_star.engine.timeouts import Sweeper

# Imported late: most applications have no websocket, and only ASGI middleware needs the boundary and the body limit.
if TYPE_CHECKING:
    from types import CodeType

    from sanic_star.engine.body_limit import CountedBody
    from sanic_star.engine.boundary import Boundary
    from sanic_star.engine.seams import Behaviour, Host, MakeRequest
    from sanic_star.engine.steps import Limit, Phase
    from sanic_star.engine.websockets import WebSocket

_NOTHING: dict[str, Any] = {}
# Methods of requests that seldom have a body: `may_have_body` is called before the body is read.
_MOSTLY_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
# In development: how long cancelled requests may take to clean up and to answer at the stop, in seconds.
DEVELOPMENT_GRACE_S = 0.5
# The highest number of layers of ASGI middleware around a mounted application; a limit for middleware in a circle.
_MAX_MIDDLEWARE = 100
# The status in nginx's access log for a client that left before its response; no client ever gets it.
_CLIENT_CLOSED_REQUEST = 499
_error_logger = logging.getLogger("sanic.error")
_NO_TRIO = (
    "This application runs on asyncio, not on trio: start the server with its asyncio worker, "
    "and Starlette's TestClient without backend='trio'"
)
# The interval between checks for requests in flight at a stop, in seconds: as in uvicorn.
_POLL_S = 0.1


class Engine:
    """Starts and stops an application, and answers its connections.

    Args:
        app: the application.
        behaviour: the layer above, which compiles routes, answers exceptions, and runs listeners.
        make_request: makes a request from the three arguments of an ASGI application.
        make_websocket: makes a websocket from the same arguments; by default `engine.websockets.WebSocket`.

    Attributes:
        lifecycle: the life cycle of the application.
        lazy_state: the entries that the user's lifespan yields under a server without lifespan.
        streams: the open streams of the application.
        sweeper: enforces the time limits of requests.
        kept_limits: the limits of the last finalisation.
    """

    def __init__(
        self,
        app: Host,
        behaviour: Behaviour,
        make_request: MakeRequest = Request,
        make_websocket: Callable[[Scope, Receive, Send], WebSocket] | None = None,
    ) -> None:
        self.app = app
        self.behaviour = behaviour
        self.make_request = self._make = make_request
        # The class of requests, if the dispatch can make them without calling it; see `_plain_class`.
        self._request_class: type[Request] | None = None
        self.make_websocket = make_websocket or _make_websocket
        self.lifecycle = Lifecycle(self)
        self.lazy_state: dict[str, Any] = {}
        self.streams = OpenStreams(self.lifecycle)
        self.sweeper = Sweeper(self)
        # The dispatch with the user's middleware; and the same with the layer above around it, after the start.
        self._stack: ASGIApp | None = None
        self._started_stack: ASGIApp | None = None
        self.kept_limits = Limits()

    @property
    def limits(self) -> Limits:
        """The limits of the current settings."""
        return self.behaviour.limits()

    # Start and stop ------------------------------------------------------------------------------------------------

    def finalise(self) -> None:
        """Compile the routes and build the index, at the start and whenever a running application changes."""
        router, behaviour = self.app.router, self.behaviour
        routes = [route for route in router.routes if isinstance(route, (Route, WebSocketRoute))]
        self.kept_limits = behaviour.prepare()
        behaviour.compile(*routes)
        router.fallback.call = behaviour.compile_fallback()
        router.forward.call = behaviour.compile_forward()
        router.compile = behaviour.compile
        behaviour.build_index()
        if self.lifecycle.stage in UP:
            self._open_gate()

    def started(self) -> None:
        """Called at the end of a start: open the gate for requests."""
        self._open_gate()
        self.sweeper.start()
        # Imported late, so that `import sanic_star` does not load it.
        from sanic_star.engine.server_logs import filter_server_logs

        filter_server_logs()

    def _open_gate(self) -> None:
        if self._stack is not None:
            former_stack = self._started_stack
            self._started_stack = self.behaviour.wrap_stack(self._with_lazy_state(self._stack))
            # An overridden or patched `build_middleware_stack` may have wrapped the gate: the wrapper stays.
            if self.app.middleware_stack in (self._gate, former_stack):
                self.app.middleware_stack = self._started_stack

    def stopped(self) -> None:
        """Called at the end of a stop: close the gate, and drop the stack, which the next start builds anew."""
        self.sweeper.stop()
        self.app.middleware_stack = self._stack = self._started_stack = None
        self.lazy_state = {}
        self.behaviour.stopped()

    def _with_lazy_state(self, stack: ASGIApp) -> ASGIApp:
        """Return an ASGI application that adds the lifespan's state to each scope, as a server with lifespan does.

        Args:
            stack: the application inside; returned itself if there is no state.
        """
        if not self.lazy_state:
            return stack

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = {**self.lazy_state, **scope.get("state", {})}
            await stack(scope, receive, send)

        return with_state

    def mounted(self) -> list[Engine]:
        """Return the engines of the applications that are mounted below this one, each once."""
        return _mounted_engines(self.app.router.routes, self)

    async def endless_ended(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait until the tasks of endless streams and websockets have ended.

        Args:
            timeout: the longest wait, in seconds.

        Returns:
            Whether there were any.
        """
        streams = [stream for engine in (self, *self.mounted()) for stream in engine.streams.endless]
        tasks = {stream.task for stream in streams} - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        return bool(tasks)

    async def requests_ended(self) -> None:
        """Wait until the requests in flight have ended, for `Limits.graceful_s` at most."""
        deadline = asyncio.get_running_loop().time() + self.limits.graceful_s
        while asyncio.get_running_loop().time() < deadline:
            # A copy, because an application in another thread may begin and end requests at the same time.
            if not any(request.scope.get("app") is self.app for request in list(requests.live.values())):
                return
            await asyncio.sleep(_POLL_S)

    def cancel_and_answer(self, request: Request, task: asyncio.Task[Any], error: HTTPException) -> None:
        """Cancel the task of a request, and answer with an exception's response after its clean-up.

        Args:
            request: the request.
            task: its task.
            error: the exception.
        """
        # The server would take the client's next request on this connection for the rest of the body.
        closes = error.status_code in (408, 413) or request._waits_for_part
        if closes:
            request._send = announcing_close(request.scope, request._send)

        async def answer_with_error() -> None:
            # The middleware around the route has ended by now, and has reset `_send`.
            send = announcing_close(request.scope, request._send) if closes else request._send
            await self.fail(request, error, request.scope, request._receive, send)

        stream = request._open_stream = request._open_stream or OpenStream(task, answer_with_error)
        stream.finish, request._holds = answer_with_error, True
        stream.cancel("timeout", error.detail)

    def gate(self, middleware: Sequence[Middleware]) -> ASGIApp:
        """Build the dispatch with ASGI middleware around it, and return the gate.

        Args:
            middleware: the user's middleware, the outermost first.
        """
        self._make = self.make_request
        self.dispatch = dispatch = self._make_dispatch()
        stack = self.behaviour.wrap_dispatch(dispatch)
        if stack is not dispatch:
            self._make = self._take_request
            self.dispatch = self._make_dispatch()
        if middleware:
            stack = _with_arrival_check(stack)
            for cls, args, kwargs in reversed(middleware):
                stack = cls(stack, *args, **kwargs)
            stack = self._with_boundary(stack)
        self._stack, self._started_stack = stack, None
        return self._gate

    def _take_request(self, scope: Scope, receive: Receive, send: Send) -> Request:
        """Return the request that was made before the dispatch (`PREPARED_REQUEST`), else a new one."""
        request: Request | None = scope.pop(PREPARED_REQUEST, None)
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
        stack = self._started_stack or self._stack
        if self._started_stack is None and scope["type"] != "lifespan":
            try:
                await self.lifecycle.ensure_started()
            except Exception as error:
                # Not every server sends a response if the application raises, or logs the exception.
                log_error(_error_logger, error, "The application could not be started")
                response = PlainTextResponse("Internal Server Error", 500)
                await response(scope, receive, announcing_close(scope, _able_to_refuse(scope, send)))
                raise
            if self.lifecycle.is_closed:
                response = PlainTextResponse("Service Unavailable", 503)
                await response(scope, receive, _able_to_refuse(scope, send))
                return
            self.started()
            stack = self._started_stack or stack
        await stack(scope, receive, send)

    # Requests ------------------------------------------------------------------------------------------------------

    def _make_dispatch(self) -> ASGIApp:
        """Return the ASGI callable that answers requests.

        PERF: the dispatch runs for each request, so everything that it needs is a local variable of this function. That
        is safe because nothing of it is replaced while requests run: the router empties and fills `direct` in place.
        A request is made without calling its class; safe because `_plain_class` checks that the call would add nothing.
        With a tuple that is ready, the interpreter makes none of the arguments: 0.03 µs.
        Attributes that are read below are set on the object, where the interpreter finds them sooner than on the class:
        0.1 µs. `benchmarks/` measures all this as «in process».
        """
        router, live, set_current, numbers = self.app.router, requests.live, requests.current.set, requests.numbers
        direct, look_up, new, make = router._direct, router._look_up, object.__new__, self._make
        request_class, behaviour = _plain_class(make), self.behaviour
        self._request_class = request_class
        class_as_arguments = () if request_class is None else (request_class,)
        asleep, wake = self.sweeper.asleep, self.sweeper.wake

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await self._dispatch_other(scope, receive, send)
                return
            if class_as_arguments:
                request = new(*class_as_arguments)
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
            # As in Starlette, the outermost application's router: its middleware and templates read it.
            scope.setdefault("router", router)
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
                    request._route_params = params = params.copy() if params else {}
                    if scope.setdefault("path_params", params) is not params:
                        scope["path_params"] = {**scope["path_params"], **params}
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
                # PERF: not `route.call(request)`, which looks for a method on the class first. Safe because `call` is
                # an attribute of the object.
                call = route.call
                response = await call(request)
                if isinstance(response, Response) and not request.responded:
                    # Both are read before the first `await`, because the response may change during it.
                    start, body = response._start_message(), response._body
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
        """Answer a request by an ASGI application: a Starlette response, or anything else that a handler returns.

        Args:
            request: the request.
            app: the application.
            scope: its scope.
            receive: not used, because the request has its own.
            send: the ASGI `send` for the response.
        """
        # A Starlette response parses no form, so its `receive` needs no check of the charset.
        receive = request._replay() if isinstance(app, StarletteResponse) else request.receive
        watcher = Watcher()
        watcher._watch(self.streams, send)
        watcher._request = request
        await app(scope, partial(request._watched_receive, receive), watcher._watched_send)

    async def fail(self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception; then raise it, unless the answer handles it completely.

        Args:
            request: the request that failed.
            error: the exception.
            scope: the ASGI scope.
            receive: the ASGI `receive`.
            send: the ASGI `send`.
        """
        answer_error = self._answer_error_of_mount if request._outer else self._answer_error
        pending = await answer_error(request, error, scope, receive, send)
        if pending is not None and not ends_here(pending, send):
            break_off(send)
            try:
                raise pending
            finally:
                # The traceback refers to this frame: a cycle would leave the request to the garbage collector.
                del error, pending

    async def refuse(self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception for a request that is not dispatched to a route; the application's middleware runs.

        Arguments are those of `fail`.
        """
        number = next(requests.numbers)
        requests.live[number] = request
        if self.sweeper.asleep:
            self.sweeper.wake()
        requests.current.set(number)
        try:
            await self.fail(request, error, scope, receive, send)
        finally:
            # The traceback of the exception refers to the request.
            request._initialiser_error = None
            if request._holds:
                self.streams.close(request)
                request._release()
            del requests.live[number]

    async def _answer_error_of_mount(
        self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send
    ) -> BaseException | None:
        """Do what `_answer_error` does, for an exception that leaves a mounted application.

        During the answer the scope has the entries of this application. Then it gets the mounted application's entries
        again, because middleware outside reads the whole path of the route, as in Starlette.
        """
        scopes = (scope,) if request.scope is scope else (scope, request.scope)
        outer = {"app": self.app, **request._outer}
        inner_entries = [{key: changed[key] for key in outer if key in changed} for changed in scopes]
        for changed in scopes:
            changed.update(outer)
        try:
            return await self._answer_error(request, error, scope, receive, send)
        finally:
            for changed, entries in zip(scopes, inner_entries, strict=True):
                changed.update(entries)

    async def _answer_error(
        self, request: Request, error: BaseException, scope: Scope, receive: Receive, send: Send
    ) -> BaseException | None:
        """Answer an exception; return the exception to raise afterwards, if any. Arguments are those of `fail`."""
        # Middleware may have given the request a copy of the scope.
        scope["app"] = request.scope["app"] = self.app
        # A `ClientDisconnect` from another request is an error like any other.
        if issubclass(type(error), ClientDisconnect) and await request._client_has_left():
            await self._answer_unfinished_body(request, scope, receive, send)
            return None
        body: CountedBody | None = scope.get(COUNTED_BODY)
        refusal = request._body_refusal
        # A mounted application may have reported a refusal of this application, which has sent nothing yet.
        if refusal is None or request.responded or not _is_caused_by(error, refusal):
            is_reported = REPORTED in scope or REPORTED in request.scope
            if is_reported and id(error) in (scope.get(REPORTED), request.scope.get(REPORTED)):
                return error
            exchange = scope.get(EXCHANGE)
            if exchange is not None and attributes(error).get(REPORTED) is exchange:
                # A mounted application has reported it, in a copy of the scope.
                return error
        if refusal is not None and _is_caused_by(error, refusal):
            error = refusal
        if body is not None and body.refusal is not None and _is_caused_by(error, body.refusal):
            error = body.refusal
        boundary: Boundary | None = scope.get(BOUNDARY)
        if boundary is not None and boundary.engine is self and not self._skips_middleware(request, error):
            boundary.request, boundary.send = request, send
            return error
        has_begun = False

        # PERF: a function that returns the awaitable of `send`, as `watched_send`, and safe as there («errors»).
        def send_answer(message: Message) -> Awaitable[None]:
            nonlocal has_begun
            has_begun = True
            return send(message)

        pending: BaseException | None = error
        try:
            response, pending = await self.behaviour.answer(request, error)
            if response is not None:
                if pending is not None and not is_a(pending, CancelledError):
                    # Some servers close the connection if the application raises an exception.
                    send = request._send = announcing_close(scope, send)
                await response(scope, receive, send_answer)
        except CancelledError:
            # The time limit also holds for an exception handler, and its answer may be a stream.
            if not await self._finish_cancelled_stream(request):
                raise
            return None
        except PASSED_ON:
            raise
        except BaseException as failure:
            pending = error
            has_begun = has_begun or self.behaviour.has_begun(request)
            send_plain = _able_to_refuse(scope, send)
            # A server that cannot send a response to a handshake closes the websocket, which is a 403.
            status = 500 if send_plain is send else 403
            _log_failed_answer(error, failure, "gets no further data" if has_begun else f"gets a plain {status}")
            if not has_begun:
                response = PlainTextResponse("Internal Server Error", 500)
                await response(scope, receive, announcing_close(scope, send_plain))
        return None if pending is None else _for_the_server(pending, scope)

    def _skips_middleware(self, request: Request, error: BaseException) -> bool:
        """Return whether an exception is answered before the user's ASGI middleware gets it.

        This includes a `CancelledError` although nothing has cancelled the task: middleware would take it for the
        cancellation of its own task.
        """
        return is_a(error, CancelledError) or self.behaviour.handles(request, error)

    async def _fail_outside(
        self, boundary: Boundary, body: CountedBody, error: BaseException, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer an exception that has left the user's ASGI middleware; then raise it, unless the answer handles it.

        Args:
            boundary: the boundary, with the request that failed.
            body: the counted body of the request.
            error: the exception.
            scope: the server's ASGI scope.
            receive: the server's ASGI `receive`.
            send: the server's ASGI `send`.
        """
        request, inner_send = boundary.request, boundary.send
        boundary.release(scope)
        answer_send: Send = send
        if request is None or inner_send is None:
            request = self.make_request(scope, receive, send)
            request.responded = body.answered
        elif body.answered:
            request.responded = True
        elif self.behaviour.has_begun(request):
            # A middleware has kept the start of the response, so the client has got nothing.
            request._take_back_response()
        else:
            from sanic_star.engine.boundary import SendThroughMiddleware

            answer_send = SendThroughMiddleware(inner_send, send, body)
        request._receive, request._send = receive, answer_send
        number = next(requests.numbers)
        requests.live[number] = request
        if self.sweeper.asleep:
            self.sweeper.wake()
        requests.current.set(number)
        try:
            answer_error = self._answer_error_of_mount if request._outer else self._answer_error
            pending = await answer_error(request, error, scope, receive, answer_send)
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
                del answer_send, boundary, error, inner_send, pending, request  # as in `fail`

    # The code of the functions that dispatch a request, and of the one that answers exceptions; for the sweeper. They
    # are attributes of the class, because code cannot be pickled, but an application before its start can.
    dispatch_codes: frozenset[CodeType] = frozenset({_fail_outside.__code__})
    fail_code = _answer_error.__code__

    async def _answer_unfinished_body(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 to a body that ends too early, unless a response has begun.

        Usually the client has left, and gets no answer. But granian sends `http.disconnect` for a malformed body, too,
        and answers 500 if the application sends nothing.
        """
        if not self.behaviour.has_begun(request):
            # A server may raise an exception if the client has left.
            with suppress(Exception):
                await PlainTextResponse("Bad Request", 400)(scope, receive, send)

    async def _cancelled(self, request: Request, error: CancelledError) -> None:
        """Handle a `CancelledError` of a request.

        - If the request's stream has cancelled the task, complete the response.
        - If nothing has cancelled the task (the handler awaits a cancelled task, or raises the exception itself), it is
          an error like any other; but a `CancelledError` that the read of a body raises may mean that the client left.
        - If the server has cancelled the task at its stop, answer 503, unless a response has begun.
        - Else raise the exception.
        """
        stream = request._open_stream
        if await self._finish_cancelled_stream(request):
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
            # The stop of an application around this one has cancelled the task, too: that one completes the response.
            is_completed_outside = (
                stream is not None and stream.reason == "stop" and request.scope.get("router") is not self.app.router
            )
            if self.lifecycle.stopping and not is_completed_outside and not is_marked(error):
                path = request.scope["path"]
                _error_logger.warning("The response to %r is cut off: the server stops, and waits no longer", path)
                mark(error, request.scope)
            try:
                raise error
            finally:
                del error  # as in `fail`

    async def _finish_cancelled_stream(self, request: Request) -> bool:
        """Complete the response if the request's stream has cancelled the task; return whether it has."""
        stream = request._open_stream
        if stream is None or not await stream.finish_cancelled():
            return False
        is_http = request.scope["type"] == "http"
        if stream.reason != "client left" or not is_http or self.behaviour.has_begun(request):
            return True
        if request.responded or self.app.user_middleware:
            # The client has left. But Starlette's middleware raises RuntimeError if an application sends nothing.
            response = StarletteResponse(status_code=_CLIENT_CLOSED_REQUEST)
            with suppress(OSError):
                await response(request.scope, request._receive, request._send)
        return True

    def _find_body_limit(self, scope: Scope, is_dispatched: bool) -> int | None:
        """Return the size limit of a request's body, in bytes, by its route; `None` for no limit.

        Args:
            scope: the request's scope.
            is_dispatched: whether the request has reached the dispatch. If not, a middleware reads the body, and the
                application's limit holds for a route without a limit. If so, such a route streams the body itself,
                without a limit.
        """
        raw = None if scope.get("root_path") else scope.get("raw_path")
        entry = self.app.router._direct.get(raw, _NOTHING).get(scope["method"])
        if entry is None or entry[2] != scope["path"]:
            # A copy, because the router adds entries.
            scope = dict(scope)
            route, _ = self.app.router._look_up(scope, raw, scope["method"])
        else:
            route = entry[0]
        if route is not self.app.router.forward:
            return route.max_body_size if is_dispatched or route.max_body_size is not None else self.limits.body
        target = scope["route"]
        child = child_scope(scope)
        inner = engine_of(getattr(target, "_base_app", None))
        if inner is not None:
            limits = (self.app.max_body_size, inner._find_body_limit(child, is_dispatched))
            return min((limit for limit in limits if limit is not None), default=None)
        from sanic_star.engine.body_limit import starlette_limit

        limit = starlette_limit(target, child)
        return self.limits.body if limit is None else limit

    def _with_boundary(self, stack: ASGIApp) -> ASGIApp:
        """Return an ASGI application with the error boundary and the body limit around the user's ASGI middleware.

        Args:
            stack: the dispatch with the middleware.
        """
        from sanic_star.engine.body_limit import CountedBody
        from sanic_star.engine.boundary import Boundary

        async def with_boundary(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                if scope["type"] == "websocket":
                    from sanic_star.engine.websockets import SERVER_SEND, closing_refusals

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
                    if scope["type"] == "websocket":
                        # `send` may be a method of an object that refers to the scope: this breaks the cycle.
                        scope.pop(SERVER_SEND, None)
                return
            body = CountedBody(self._find_body_limit, scope, receive)
            boundary = Boundary(self, scope)

            async def send_checked(message: Message) -> None:
                # Early hints and push promises come before the start.
                if not body.answered and message["type"] == "http.response.start":
                    body.check_answer(message)
                    body.answered = True
                    if reports_exception(message):
                        message = announce_close(scope, message)
                await send(message)

            try:
                check_content_type(scope, self.kept_limits.field)
                await stack(scope, body.receive, send_checked)
                if body.refusal is not None and not body.answered:
                    # A middleware has caught the refusal, and has not sent a response.
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

        return with_boundary

    # Websockets and lifespan ---------------------------------------------------------------------------------------

    async def _dispatch_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifecycle.serve(scope, receive, send)
            return
        assert scope["type"] == "websocket", f"unknown ASGI scope type {scope['type']!r}"
        scope.setdefault("router", self.app.router)
        # Optional in an ASGI scope, and Starlette's default would be `http`.
        scope.setdefault("scheme", "ws")
        connection = self.make_websocket(scope, receive, send)
        request_class = self._request_class
        if request_class is not None:
            # As in the dispatch, the class is not called.
            request = object.__new__(request_class)
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
                # Imported late: few handshakes have a path without a websocket route.
                from sanic_star.engine.handshakes import answer_by_http, is_answered_by_http

                if is_answered_by_http(router, scope):
                    # The dispatch makes a new request for the handshake, with a stream of its own.
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
            elif not await self._finish_cancelled_stream(request):
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
        """Answer an exception that the user's ASGI middleware has raised for a websocket."""
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
        """End a websocket whose task the server has cancelled; at the stop, close it or refuse the handshake."""
        if self.lifecycle.stopping and not connection._opened:
            asyncio.current_task().uncancel()  # type: ignore[union-attr]
            await self._fail_websocket(connection, RefusedRequest(503))
            return
        if self.lifecycle.stopping:
            await connection._end(1001)
        try:
            raise error
        finally:
            del error  # as in `fail`

    async def _fail_websocket(self, connection: WebSocket, error: BaseException) -> None:
        """Refuse the handshake with the exception's response, or close an open connection with 1011.

        Args:
            connection: the websocket.
            error: the exception.
        """
        from sanic_star.engine.websockets import can_deny, close_of

        if connection.scope.get(REPORTED) == id(error):
            try:
                raise error
            finally:
                del error  # as in `fail`
        connection.scope["app"] = self.app
        connection.scope.update(connection._outer)
        pending: BaseException | None = error
        closing = only_member(error)
        if is_a(closing, WebSocketException):
            # As in Starlette, it has the close code and the reason, unless an exception handler closes the connection.
            if not connection._closed:
                await self.behaviour.run_websocket_handler(connection, closing)
            await connection._end(*close_of(closing))
            return
        # 1008 is "policy violation" (RFC 6455, section 7.4.1): the client is not allowed to connect.
        code = 1008 if attribute(error, "status_code") in (401, 403) else 1011
        try:
            if connection._opened or connection._closed:
                # No response can be sent, so none is made.
                pending = await self.behaviour.report(connection._request, error)
            else:
                response, pending = await self.behaviour.answer(connection._request, error)
                if response is not None and can_deny(connection.scope):
                    await response(connection.scope, connection._receive_message, connection._send_message)
        except (CancelledError, *PASSED_ON):
            raise
        except BaseException as failure:
            pending = error
            outcome = f"gets the close code {code}" if connection._opened else "gets a plain 403"
            _log_failed_answer(error, failure, outcome)
        await connection._end(code)
        pending = None if pending is None else _for_the_server(pending, connection.scope)
        if pending is not None:
            try:
                raise pending
            finally:
                del closing, error, pending  # as in `fail`


def _make_websocket(scope: Scope, receive: Receive, send: Send) -> WebSocket:
    """Return the websocket of an `Application`."""
    from sanic_star.engine.websockets import WebSocket

    return WebSocket(scope, receive, send)


def _plain_class(factory: Any) -> type[Request] | None:
    """Return `factory` if it is a subclass of `Request` that makes objects as `Request` does, else `None`.

    Args:
        factory: a class, or a function that makes requests.
    """
    if not isinstance(factory, type) or not issubclass(factory, Request):
        return None
    makers = factory.__new__, factory.__init__, type(factory).__call__
    return factory if makers == (object.__new__, factory._plain_init, type.__call__) else None


def _with_arrival_check(dispatch: ASGIApp) -> ASGIApp:
    """Return an ASGI application that calls `CountedBody.arrive`, then the dispatch.

    Args:
        dispatch: the dispatch.
    """

    async def with_arrival_check(scope: Scope, receive: Receive, send: Send) -> None:
        if (body := scope.get(COUNTED_BODY)) is not None:
            body.arrive(scope)
        await dispatch(scope, receive, send)

    return with_arrival_check


def _able_to_refuse(scope: Scope, send: Send) -> Send:
    """Return a `send` for a response that may refuse a websocket's handshake.

    Args:
        scope: the ASGI scope.
        send: the ASGI `send`; returned itself for a request, and if the server can send such a response.
    """
    if scope["type"] != "websocket":
        return send
    from sanic_star.engine.websockets import closing_refusals

    return closing_refusals(scope, send)


def announcing_close(scope: Scope, send: Send) -> Send:
    """Return a `send` that adds `connection: close` to the response; see `announce_close`.

    Args:
        scope: the connection's ASGI scope.
        send: the ASGI `send` for the response.
    """

    async def send_closing(message: Message) -> None:
        starts = message["type"].endswith("http.response.start")  # also `websocket.http.response.start`
        await send(announce_close(scope, message) if starts else message)

    return send_closing


def _is_caused_by(error: BaseException, refusal: BaseException) -> bool:
    """Return whether an exception is or contains a refusal; a middleware's `receive` may put it in a group."""
    return any(cause is refusal for cause in related(error))


def _log_failed_answer(error: BaseException, failure: BaseException, outcome: str) -> None:
    log_error(_error_logger, failure, f"Exception while answering an exception; the client {outcome}")
    log_error(_error_logger, error, "The exception that could not be answered")


def _for_the_server(error: BaseException, scope: Scope) -> BaseException | None:
    """Return the exception to raise to the server after the answer, marked as logged; `None` for no exception."""
    # Nothing has cancelled the task if a `CancelledError` is answered; a server would think that something has.
    if is_a(error, CancelledError):
        return None
    error = readable(error)
    mark(error, scope)
    return error


def engine_of(app: object) -> Engine | None:
    """Return the engine of an application of this package, `None` for any other object.

    Args:
        app: the object.
    """
    engine = getattr(app, "_engine", None)
    return engine if isinstance(engine, Engine) else None


def _mounted_engines(routes: Sequence[BaseRoute], engine: Engine) -> list[Engine]:
    """Return the engines of mounted applications, also of those inside ASGI middleware and other applications.

    Args:
        routes: the routes of the outer application.
        engine: the outer application's engine, which is left out.
    """
    engines: list[Engine] = []
    _add_engines(routes, engines, [engine.app])
    return engines


def _add_engines(routes: Sequence[BaseRoute], engines: list[Engine], visited: list[Any]) -> None:
    for route in routes:
        app = getattr(route, "app", None)
        # By convention, ASGI middleware has the application inside as its attribute `app`.
        for _ in range(_MAX_MIDDLEWARE):
            if app is None or isinstance(app, StarletteRouter | Starlette):
                break
            app = getattr(app, "app", None)
        if not isinstance(app, StarletteRouter | Starlette) or any(app is former for former in visited):
            continue
        visited.append(app)
        engine = engine_of(app)
        if engine is not None:
            engines.append(engine)
        _add_engines(app.routes, engines, visited)


def _is_own_cancellation() -> bool:
    """Return whether the running task was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _PlainBehaviour:
    """The behaviour of `Application`, which has no layer above its engine. Handlers get path parameters by keyword."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def prepare(self) -> Limits:
        """Return the limits."""
        return self.limits()

    def build_index(self) -> None:
        """Build the index."""
        self._app.router._build()

    def finalise(self) -> None:
        """Finalise the engine."""
        self._app._engine.finalise()

    def wrap_dispatch(self, dispatch: ASGIApp) -> ASGIApp:
        """Return the dispatch."""
        return dispatch

    def compile(self, *routes: Route | WebSocketRoute) -> None:
        """Make each route call its endpoint with the path parameters as keyword arguments."""

        def call(endpoint: Callable[..., Any]) -> Call:
            return lambda connection: endpoint(connection, **connection._route_params)

        for route in routes:
            route.call = call(route.endpoint)

    def compile_fallback(self) -> Call:
        """Return a callable that raises 404, or 405 if the path has routes for other methods."""
        router = self._app.router

        async def raise_not_found(request: Request) -> Any:
            scope = request.scope
            allowed = {*router._allowed_after_find(scope)} - {WEBSOCKET}
            if scope["type"] == "http" and allowed:
                raise HTTPException(405, headers={"allow": ", ".join(sorted(allowed))})
            raise HTTPException(404)

        return raise_not_found

    def compile_forward(self) -> Call:
        """Return the callable that passes a connection on."""

        async def forward(connection: Any) -> Any:
            scope = connection.scope
            return enter(connection, scope, scope["route"], self._app.router)

        return forward

    def limits(self) -> Limits:
        """Return Starlette's limit on bodies, and the grace period of the stop."""
        limits = Limits()
        limits.body = self._app.max_body_size
        if self._app.debug:
            limits.graceful_s, limits.cancels_at_stop = DEVELOPMENT_GRACE_S, True
        return limits

    def with_access_log(self, app: ASGIApp) -> ASGIApp:
        """Return `app`: there is no access log."""
        return app

    def wrap_stack(self, app: ASGIApp) -> ASGIApp:
        """Return `app`."""
        return app

    def has_begun(self, request: Request) -> bool:
        """Return whether a part of the response has been sent."""
        return request.responded

    async def answer(self, request: Request, error: BaseException) -> tuple[ASGIApp | None, BaseException | None]:
        """Answer an `HTTPException` with its detail, any other exception with 500."""
        if is_a(error, HTTPException):
            response, pending = PlainTextResponse(error.detail, error.status_code, error.headers), None  # type: ignore[attr-defined]
        else:
            response, pending = PlainTextResponse("Internal Server Error", 500), error
            log_error(logging.getLogger("sanic_star"), error, "Exception in handler")
        return None if request.responded else response, pending

    async def report(self, request: Request, error: BaseException) -> BaseException | None:
        """Log and return an exception; an `HTTPException` is dropped."""
        if is_a(error, HTTPException):
            return None
        log_error(logging.getLogger("sanic_star"), error, "Exception in handler")
        return error

    async def run_websocket_handler(self, connection: WebSocket, error: WebSocketException) -> None:
        """Do nothing: there are no exception handlers."""

    def handles(self, request: Request, error: BaseException) -> bool:
        """Return whether the exception is an `HTTPException`, and no response has begun."""
        return is_a(error, HTTPException) and not request.responded

    async def send_other(self, request: Request, response: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by an ASGI application; raise `TypeError` for any other object."""
        if not callable(response):
            raise TypeError(f"a handler returned {response!r}: return a response or an ASGI application")
        await self._app._engine.send_foreign(request, response, scope, receive, send)

    def declare_streams(self) -> None:
        """Do nothing: each stream is registered when it starts."""

    async def run_phase(self, phase: Phase) -> None:
        """Do nothing: there are no listeners."""

    def step_limit(self, stopping: bool) -> Limit | None:
        """Return `None`: a lifespan has no time limit."""
        return None

    def stopping(self) -> None:
        """Do nothing."""

    async def drain(self) -> None:
        """Do nothing: there are no background tasks."""

    def stopped(self) -> None:
        """Do nothing: the router is never closed."""


class Application(Starlette):
    """A Starlette application with a route index and compiled routes.

    Arguments are those of `starlette.applications.Starlette`.

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
        self._engine = Engine(self, _PlainBehaviour(self))

    def build_middleware_stack(self) -> ASGIApp:
        """Build the dispatch with the user's ASGI middleware around it, and return the gate."""
        return self._engine.gate(self.user_middleware)
