"""Time limits of requests, kept by one sweeper for each application.

No request sets a timer or looks at its limits: a timer and a call of `asyncio.current_task` together cost a tenth of a
short request. Instead the sweeper looks at the table of requests in flight, several times within the shortest limit. A
request that is in the same state at two looks has been in it for that long. A request that comes and goes between two
looks is never seen. While no request waits for its response to begin, there is no timer: a process with idle websockets
and event streams sleeps. The next request wakes the sweeper.

| limit | it ends | answer |
|---|---|---|
| `REQUEST_TIMEOUT` | the wait for the next part of a body, also where a handler streams it | 408 |
| `RESPONSE_TIMEOUT` | the wait for the response to begin | 503 |
| `REQUEST_BODY_TIMEOUT` (beyond Sanic) | the reading of a whole body before the handler | 408 |
| the server's grace period at the stop (`end_all`) | every request in flight | 503 |

The sweeper cancels the handler's task, once, so that its clean-up runs. Then the dispatch sends the answer. A handler
that catches the cancellation may still answer by itself.

The sweeper also refuses with 413 a body that its header declares too large and of which nothing has come: otherwise the
dispatch would have to read the header of each request.

Websockets, responses that have begun, and mounted applications with limits of their own are left alone.
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

# A limit is kept to a twentieth of it, and to a second at the longest; Sanic looks four times as rarely.
SHARE = 20
SHORTEST, LONGEST = 0.01, 1.0
# A body gets a second more for each so many bytes of it: an upload of any size may take its time, and one that comes
# byte by byte may not. Apache's `mod_reqtimeout` has 500 by default.
SLOWEST_BODY = 500


class Sweeper:
    """Looks after the requests of one application, on the event loop that starts it.

    Args:
        engine: the application's engine.
    """

    def __init__(self, engine: RunningEngine) -> None:
        self.engine = engine
        self._limits = Limits()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # In which state a request was, and since when; by its number.
        self._seen: dict[int, tuple[tuple[bool, int], float]] = {}
        # When a request was seen first whose body is read before its handler is called; by its number.
        self._arriving: dict[int, float] = {}
        # Requests whose time was over once: nobody is cancelled twice.
        self._settled: set[int] = set()
        # Has this sweeper while it sleeps. PERF: a list, so that the dispatch tests the same object for each request.
        self.asleep: list[Sweeper] = []

    def start(self) -> None:
        """Begin to look, if there is a limit to keep; once for each start of the application."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self.stop()
        self._limits = limits = self.engine.kept_limits
        times = [limit for limit in (limits.part_s, limits.response_s, limits.whole_body_s) if limit]
        if times:
            self._loop, self._now = loop, 0.0
            self._every = min(max(min(times) / SHARE, SHORTEST), LONGEST)
            self.wake()

    def wake(self) -> None:
        """Look again from now on, if the request comes on the event loop of the start."""
        loop = self._loop
        if loop is asyncio.get_running_loop():
            self.asleep.clear()
            self._last = loop.time()
            # In an empty context: that of a request would live as long as the timer is set again.
            self._timer = loop.call_later(self._every, self._look, context=Context())

    def _sleep(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self._timer = None
        self.asleep.append(self)

    def stop(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None
        self.asleep.clear()
        self._seen, self._arriving, self._settled = {}, {}, set()

    def _look(self) -> None:
        assert self._loop is not None
        self._timer = self._loop.call_later(self._every, self._look)
        # A handler that blocks the event loop takes the time of all others; the clock of their limits stands still.
        last, self._last = self._last, self._loop.time()
        self._now += min(self._last - last, 2 * self._every)
        engine, limits, now, seen = self.engine, self._limits, self._now, self._seen
        arriving = self._arriving
        self._seen, self._arriving = {}, {}
        late: set[int] = set()
        is_needed = False
        for number, request in list(requests.live.items()):
            scope = request.scope
            if scope["type"] != "http" or engine.behaviour.has_begun(request):
                continue
            # A mounted application's request may come back as this one's, if an exception comes out of the mount.
            is_needed = True
            if scope.get("app") is not engine.app:
                continue
            arrives = request._arriving
            state = (_waits_for_client(request, limits), request._received)
            before, since = seen.get(number, (state, now))
            if before != state:
                since = now
            self._seen[number] = (state, since)
            limit = limits.part_s if state[0] else limits.response_s
            over = bool(limit and now - since >= limit) or (state == (True, 0) and _too_large(request))
            whole = limits.whole_body_s
            if arrives and whole:
                self._arriving[number] = first = arriving.get(number, now)
                over = over or now - first - request._received / SLOWEST_BODY >= whole
            if over and number not in self._settled:
                late.add(number)
        self._settled &= self._seen.keys()
        if late:
            self._settled |= late
            self._end(late)
        if not is_needed:
            self._sleep()

    def _end(self, late: set[int]) -> None:
        """Cancel the tasks of requests that are late."""
        numbers: set[int] = set()
        for task in _tasks(self._loop):
            ways = _ways(task, self.engine.dispatch_codes, self.engine.fail_code)
            numbers |= {way.number for way in ways}
            # Of an application mounted in another one, both of this package, the inner one answers.
            for way in ways[-1:]:
                if way.number in late and not way.sends:
                    self.engine.cut_short(way.request, task, _reason(way.request, self._limits))
        if late - numbers:
            logger.warning("A request takes too long, and can't be ended: it runs in no task of asyncio's")

    def cut_all(self, engines: Sequence[RunningEngine]) -> None:
        """Cut the requests in flight short, because their server stops and waits for nobody.

        Answered with 503 where nothing is sent yet; a stream that a handler writes is completed.

        Args:
            engines: those of the applications whose requests these are.
        """
        for task in _tasks(None):
            for way in _ways(task, self.engine.dispatch_codes, self.engine.fail_code)[-1:]:
                request, stream = way.request, way.request._open_stream
                engine = next((candidate for candidate in engines if candidate.app is request.scope.get("app")), None)
                if engine is None or (stream is not None and stream.reason is not None):
                    continue
                if not way.sends and not engine.behaviour.has_begun(request):
                    engine.cut_short(request, task, RefusedRequest(503, "Service Unavailable"))
                elif stream is not None:
                    stream.cut("stop")
                else:
                    task.cancel()

    async def refuse(self, error: RefusedRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that a server cannot hand over, because it is malformed or does not arrive in time.

        The application's middleware and exception handlers take part.

        Args:
            error: the reason, with the status of the response.
            scope: the request's; made up if its head is incomplete.
            receive: the ASGI callable, which nobody is expected to call.
            send: takes the messages of the response.
        """

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            request = self.engine.make_request(scope, receive, send)
            await self.engine.refuse(request, error, scope, receive, send)

        await self.engine.behaviour.logged(refuse)(scope, receive, send)

    def end_all(self) -> None:
        """End all requests in flight: their server stops, and has waited long enough.

        Answered with 503 where nothing is sent yet; what is half sent breaks off.
        """
        for task in _tasks(None):
            for way in _ways(task, self.engine.dispatch_codes, self.engine.fail_code)[-1:]:
                if way.sends or self.engine.behaviour.has_begun(way.request):
                    task.cancel()
                else:
                    self.engine.cut_short(way.request, task, RefusedRequest(503, "Service Unavailable"))


def _too_large(request: Request) -> bool:
    # One whose body comes is refused with its first part; a client that waits for the answer sends none.
    return requests.announces_more_than(request.scope, getattr(request.scope.get("route"), "max_body_size", None))


def _waits_for_client(request: Request, limits: Limits) -> bool:
    # Without a limit for the parts of a body, a handler that streams it has that of any handler.
    return request._arriving or (request._waits_for_part and bool(limits.part_s))


def _reason(request: Request, limits: Limits) -> RefusedRequest:
    if not _waits_for_client(request, limits):
        return RefusedRequest(503, "Response Timeout")
    return RefusedRequest(413, TOO_LARGE) if _too_large(request) else RefusedRequest(408, "Request Timeout")


def _tasks(loop: asyncio.AbstractEventLoop | None) -> set[Task[Any]]:
    try:
        return asyncio.all_tasks(loop)
    except RuntimeError:
        # granian's tasks in Rust are registered as tasks, and have no event loop.
        return set()


class _Way:
    """How far a dispatch has come: whether it sends its response, perhaps to a slow client."""

    def __init__(self, number: int, request: Request, sends: bool) -> None:
        self.number = number
        self.request = request
        self.sends = sends


def _ways(task: Task[Any], dispatches: Collection[CodeType], fail: CodeType) -> list[_Way]:
    """Return the dispatches that a task runs, the outermost first.

    That they are read off the suspended coroutines is the price for requests that note nothing: neither their task
    nor whether the handler has returned. Debuggers look at them in the same way.
    """
    ways: list[_Way] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None and frame.f_code in dispatches:
            variables = frame.f_locals
            # Without a number it is the lifespan's, or a websocket's.
            if "number" in variables:
                sends = isinstance(variables.get("response"), Response)
                ways.append(_Way(variables["number"], variables["request"], sends))
        elif frame is not None and ways and frame.f_code is fail:
            ways[-1].sends = "response" in frame.f_locals
        awaited = _awaited_by(awaited)
    return ways


def _awaited_by(awaitable: Any) -> Any:
    if iscoroutine(awaitable) or isgenerator(awaitable):
        return awaitable.cr_await if iscoroutine(awaitable) else awaitable.gi_yieldfrom
    # What `coroutine.__await__()` gives, and the proxies of tracing tools, name their coroutine to the collector only.
    suspended = (referent for referent in get_referents(awaitable) if iscoroutine(referent) or isgenerator(referent))
    return next(suspended, None)
