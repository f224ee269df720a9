"""Time limits of requests, enforced by one sweeper for each application.

Requests set no timers and check no limits: a timer and a call of `asyncio.current_task` together take a tenth of the
time of a short request. Instead, the sweeper checks the table of requests in flight several times within the shortest
limit. A request that has the same state in two checks has been in that state in between. A request that begins and ends
between two checks is never seen. While no request waits for its response to begin, there is no timer: a process with
idle websockets and event streams sleeps. The next request wakes the sweeper.

| limit | ends | answer |
|---|---|---|
| `REQUEST_TIMEOUT` | the wait for the next part of a body, also where a handler streams it | 408 |
| `RESPONSE_TIMEOUT` | the wait for the response to begin | 503 |
| `REQUEST_BODY_TIMEOUT` (beyond Sanic) | the reading of a whole body before the handler | 408 |
| the server's grace period at the stop (`abort_all`) | every request in flight | 503 |

The sweeper cancels the handler's task, once, so that its clean-up runs. Then the dispatch sends the answer. A handler
that catches the cancellation may still answer by itself.

The sweeper also refuses a body with 413 if its header announces too many bytes and none have arrived. Otherwise the
dispatch would have to read the header of each request.

The sweeper ignores websockets, responses that have begun, and mounted applications, which have limits of their own.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Collection, Sequence
from contextvars import Context
from gc import get_referents
from inspect import iscoroutine, isgenerator
from types import CodeType
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from sanic_star.engine import requests
from sanic_star.engine.failures import RefusedRequest
from sanic_star.engine.requests import TOO_LARGE, Limits, Request
from sanic_star.engine.responses import Response

if TYPE_CHECKING:
    from sanic_star.engine.seams import RunningEngine

logger = logging.getLogger("sanic.error")

# A limit is exceeded by the interval between two checks at most: by a twentieth of it, and by no more than a second.
# Sanic checks a quarter as often.
CHECKS_PER_LIMIT = 20
SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 0.01, 1.0
# The time limit of a body grows by a second for each 500 bytes received: a large upload may take long, but a body that
# arrives byte by byte may not. Apache's `mod_reqtimeout` has the same default.
MIN_BODY_RATE = 500  # bytes per second


class Sweeper:
    """Ends the requests of one application that exceed a time limit, on the event loop that starts the application.

    Args:
        engine: the application's engine.

    Attributes:
        asleep: contains this sweeper while it has no timer, else nothing. PERF: as a list its truth is tested by the
            dispatch without a look-up on this object. Safe because the list is never replaced.
    """

    def __init__(self, engine: RunningEngine) -> None:
        self.engine = engine
        self._limits = Limits()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # By the number of a request: its state, and since when it has had it.
        self._states: dict[int, tuple[tuple[bool, int], float]] = {}
        # By the number of a request whose body is read before its handler is called: the time of its first check.
        self._first_checks: dict[int, float] = {}
        # The numbers of requests that were cancelled: none is cancelled twice.
        self._cancelled: set[int] = set()
        self.asleep: list[Sweeper] = []

    def start(self) -> None:
        """Begin to check requests, if there is a limit; called once for each start of the application."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self.stop()
        self._limits = limits = self.engine.kept_limits
        times = [limit for limit in (limits.part_s, limits.response_s, limits.whole_body_s) if limit]
        if times:
            self._loop, self._now = loop, 0.0
            self._interval_s = min(max(min(times) / CHECKS_PER_LIMIT, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S)
            self.wake()

    def wake(self) -> None:
        """Begin to check requests again; does nothing on another event loop than that of the start."""
        loop = self._loop
        if loop is asyncio.get_running_loop():
            self.asleep.clear()
            self._last_check = loop.time()
            # An empty context: each timer inherits the context of the one before, so a request's would never be freed.
            self._timer = loop.call_later(self._interval_s, self._check, context=Context())

    def _sleep(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self._timer = None
        self.asleep.append(self)

    def stop(self) -> None:
        """Stop checking requests."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None
        self.asleep.clear()
        self._states, self._first_checks, self._cancelled = {}, {}, set()

    def _check(self) -> None:
        assert self._loop is not None
        self._timer = self._loop.call_later(self._interval_s, self._check)
        # A handler that blocks the event loop delays all other requests: their limits do not count that time.
        last_check, self._last_check = self._last_check, self._loop.time()
        self._now += min(self._last_check - last_check, 2 * self._interval_s)
        engine, limits, now, former_states = self.engine, self._limits, self._now, self._states
        first_checks = self._first_checks
        self._states, self._first_checks = {}, {}
        expired: set[int] = set()
        is_needed = False
        for number, request in list(requests.live.items()):
            scope = request.scope
            if scope["type"] != "http" or engine.behaviour.has_begun(request):
                continue
            # An exception that leaves a mounted application makes its request one of this application.
            is_needed = True
            if scope.get("app") is not engine.app:
                continue
            is_arriving = request._is_arriving
            state = (_waits_for_client(request, limits), request._received)
            former_state, since = former_states.get(number, (state, now))
            if former_state != state:
                since = now
            self._states[number] = (state, since)
            limit = limits.part_s if state[0] else limits.response_s
            is_expired = bool(limit and now - since >= limit) or (state == (True, 0) and _announces_too_much(request))
            whole_body_s = limits.whole_body_s
            if is_arriving and whole_body_s:
                self._first_checks[number] = first_check = first_checks.get(number, now)
                is_expired = is_expired or now - first_check - request._received / MIN_BODY_RATE >= whole_body_s
            if is_expired and number not in self._cancelled:
                expired.add(number)
        self._cancelled &= self._states.keys()
        if expired:
            self._cancelled |= expired
            self._cancel(expired)
        if not is_needed:
            self._sleep()

    def _cancel(self, expired: set[int]) -> None:
        """Cancel the tasks of requests.

        Args:
            expired: the numbers of the requests.
        """
        numbers: set[int] = set()
        for task in _tasks(self._loop):
            dispatches = _dispatches(task, self.engine.dispatch_codes, self.engine.fail_code)
            numbers |= {dispatch.number for dispatch in dispatches}
            # If one application of this package is mounted in another, the inner one answers.
            for dispatch in dispatches[-1:]:
                if dispatch.number in expired and not dispatch.is_sending:
                    self.engine.cancel_and_answer(dispatch.request, task, _refusal(dispatch.request, self._limits))
        if expired - numbers:
            logger.warning("A request exceeds its time limit, and cannot be cancelled: it runs in no asyncio task")

    def cancel_all(self, engines: Sequence[RunningEngine]) -> None:
        """Cancel the requests in flight, because their server stops without a grace period.

        A request without a response is answered with 503. A stream that a handler writes is completed.

        Args:
            engines: the engines whose requests are cancelled.
        """
        for task in _tasks(None):
            for dispatch in _dispatches(task, self.engine.dispatch_codes, self.engine.fail_code)[-1:]:
                request, stream = dispatch.request, dispatch.request._open_stream
                engine = next((candidate for candidate in engines if candidate.app is request.scope.get("app")), None)
                if engine is None or (stream is not None and stream.reason is not None):
                    continue
                if not dispatch.is_sending and not engine.behaviour.has_begun(request):
                    engine.cancel_and_answer(request, task, RefusedRequest(503, "Service Unavailable"))
                elif stream is not None:
                    stream.cancel("stop")
                else:
                    task.cancel()

    async def refuse(self, error: RefusedRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that a server cannot pass on, because it is malformed or does not arrive in time.

        The application's middleware and exception handlers run, as for any other request.

        Args:
            error: the reason, with the status of the response.
            scope: the request's ASGI scope; the server fills the gaps of an incomplete head.
            receive: an ASGI `receive`; nothing is expected to call it.
            send: the server's ASGI `send`.
        """

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            request = self.engine.make_request(scope, receive, send)
            await self.engine.refuse(request, error, scope, receive, send)

        await self.engine.behaviour.with_access_log(refuse)(scope, receive, send)

    def abort_all(self) -> None:
        """Cancel the requests in flight, because the grace period of their server is over.

        A request without a response is answered with 503. A response that has begun stays incomplete.
        """
        for task in _tasks(None):
            for dispatch in _dispatches(task, self.engine.dispatch_codes, self.engine.fail_code)[-1:]:
                if dispatch.is_sending or self.engine.behaviour.has_begun(dispatch.request):
                    task.cancel()
                else:
                    self.engine.cancel_and_answer(dispatch.request, task, RefusedRequest(503, "Service Unavailable"))


def _announces_too_much(request: Request) -> bool:
    # Needed for a client that waits for the answer before it sends the body; a body that arrives is counted.
    return requests.announces_more_than(request.scope, getattr(request.scope.get("route"), "max_body_size", None))


def _waits_for_client(request: Request, limits: Limits) -> bool:
    # If the parts of a body have no limit, a handler that streams the body has the limit of any handler.
    return request._is_arriving or (request._waits_for_part and bool(limits.part_s))


def _refusal(request: Request, limits: Limits) -> RefusedRequest:
    if not _waits_for_client(request, limits):
        return RefusedRequest(503, "Response Timeout")
    return RefusedRequest(413, TOO_LARGE) if _announces_too_much(request) else RefusedRequest(408, "Request Timeout")


def _tasks(loop: asyncio.AbstractEventLoop | None) -> set[Task[Any]]:
    try:
        return asyncio.all_tasks(loop)
    except RuntimeError:
        # granian registers its tasks in Rust, which have no event loop.
        return set()


class _Dispatch:
    """A dispatch that is suspended in a task.

    Args:
        number: the number of its request.
        request: the request.
        is_sending: whether it sends its response, perhaps to a slow client.
    """

    def __init__(self, number: int, request: Request, is_sending: bool) -> None:
        self.number = number
        self.request = request
        self.is_sending = is_sending


def _dispatches(task: Task[Any], dispatch_codes: Collection[CodeType], fail_code: CodeType) -> list[_Dispatch]:
    """Return the dispatches that a task runs, the outermost first.

    They are found in the frames of the suspended coroutines, as a debugger does it. So a request stores neither its
    task nor whether its handler has returned.

    Args:
        task: the task.
        dispatch_codes: the code of functions that dispatch requests.
        fail_code: the code of the function that answers exceptions.
    """
    dispatches: list[_Dispatch] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None and frame.f_code in dispatch_codes:
            variables = frame.f_locals
            # The dispatch of a websocket or a lifespan has no number.
            if "number" in variables:
                is_sending = isinstance(variables.get("response"), Response)
                dispatches.append(_Dispatch(variables["number"], variables["request"], is_sending))
        elif frame is not None and dispatches and frame.f_code is fail_code:
            dispatches[-1].is_sending = "response" in frame.f_locals
        awaited = _awaited_by(awaited)
    return dispatches


def _awaited_by(awaitable: Any) -> Any:
    if iscoroutine(awaitable) or isgenerator(awaitable):
        return awaitable.cr_await if iscoroutine(awaitable) else awaitable.gi_yieldfrom
    # The results of `coroutine.__await__()` and the proxies of tracing tools have no attribute for their coroutine.
    suspended_coroutines = (
        referent for referent in get_referents(awaitable) if iscoroutine(referent) or isgenerator(referent)
    )
    return next(suspended_coroutines, None)
