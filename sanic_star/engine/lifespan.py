"""The life of an application: four phases, the lifespans of mounted applications, lazy start, the stop event.

ASGI knows two moments, start-up and shutdown; an application of this package has four phases (`Phase`). Where the
server is ours it calls each at its moment (its `starter` is "server"). Under a foreign server start-up folds the first
two into one. The stop has its two moments there too, where the signal reaches us: at start-up, in the main thread, a
handler is chained before the server's own.

    start        before_server_start, the user's lifespan, mounted applications' lifespans, after_server_start
    stop         before_server_stop, stop event, mounted lifespans in reverse, the user's lifespan, after_server_stop

An application goes round these stages (`Stage`) any number of times:

| stage | becomes | when |
|---|---|---|
| IDLE, CLOSED | STARTING | a lifespan or a server starts it |
| IDLE | STARTING | the first request starts it, where no lifespan has come |
| STARTING | RUNNING | the start is over: requests are answered |
| STARTING, STOPPING | IDLE | a step of the start raises; what had started is undone |
| STARTING, RUNNING | STOPPING | `before_stop` is called: by a signal, the server, the parent application, or `stop` |
| STOPPING | CLOSING | `stop` is called, and `before_stop` is over: connections are closed |
| CLOSING | IDLE | `stop` is over, whatever its steps have raised |
| STOPPING, CLOSING | CLOSED | the same two after a signal, if a request had started it: requests start it never again |

A signal may come while listeners of AFTER_START run: the stage stays STOPPING when the start is over. Where a request
has started the application, `stop` waits for the end of the start: nobody else would call it.

Where no lifespan arrives at all (a server without it, a plain mount in another application) the first request starts
the application, once, while all others wait. Its signal stops it, or the application around it.

One life may have several holders: lifespan conversations with servers and with applications around, and blocks
`async with app.router.lifespan_context(app)` (`LifespanContext`). The first one starts it, the last one stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.engine.failures import log_error
from sanic_star.engine.steps import (
    UP,
    Stage,
    Starter,
    StepTimeout,
    is_a_server,
    run_step,
    start_watching,
)

if TYPE_CHECKING:
    from sanic_star.engine.os_signals import Chain
    from sanic_star.engine.seams import RunningEngine

# The stop events of the starts that the running code is a step of, the outermost first.
_starts: ContextVar[tuple[asyncio.Event, ...]] = ContextVar("sanic_star.starts", default=())
# How long the stop of a foreign server waits for the application's, in seconds.
PATIENCE_S = 1.0


class InvalidSetting(Exception):
    """A setting has a value that it cannot have, so that the application does not start."""


class Lifecycle:
    """Runs the phases of one application in order, each once per start.

    Args:
        engine: the application's engine.
    """

    def __init__(self, engine: RunningEngine) -> None:
        self.engine = engine
        self.stage: Stage = "idle"
        # Set by a server that calls `after_start` and `before_stop` itself, and by whoever starts the application.
        self.starter: Starter = "lifespan"
        # Whether a step that can't be cancelled ends the process: where a server runs it.
        self.owns_process = False
        # Called with the name of each step of the stop, and the seconds that it may take.
        self.on_stop_step: Callable[[str, float | None], None] | None = None
        # The listener or lifespan that starts or stops now.
        self.step = ""
        # Set when requests and streams are to end; a new one for each start.
        self.stop_event = asyncio.Event()
        self._stack: contextlib.AsyncExitStack | None = None
        # Whether `start` runs, in whatever stage, and who waits for its end.
        self._is_starting = False
        self._waiting: list[asyncio.Future[None]] = []
        self._signals: Chain | None = None
        # Whether the listeners of AFTER_START were called in this life.
        self._after_start_was_run = False
        # Who keeps this life going: a new set for each. Conversations with servers, blocks that were entered by hand.
        self._holders: set[object] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        # What the user's lifespan has yielded in this life.
        self._yielded: dict[str, Any] = {}
        # The mounted applications that have heard of the stop.
        self._mounted: Sequence[RunningEngine] = ()
        # Whether the start waits for a lifespan that replaced the user's own and may enter that.
        self._awaits_own = False
        self.context = LifespanContext(self, engine.app.router)
        engine.app.router.lifespan_context = self.context

    @property
    def is_up(self) -> bool:
        """Whether requests are answered: from the end of the start, or a signal during it, to the end of the stop."""
        return self.stage in UP

    @property
    def is_down(self) -> bool:
        """Whether no start has begun since the last stop, if there was one."""
        return self.stage in ("idle", "closed")

    @property
    def is_closed(self) -> bool:
        """Whether requests are refused: a signal has stopped what a request had started."""
        return self.stage == "closed" and self.starter == "request"

    @property
    def stopping(self) -> bool:
        """Whether requests and streams are to end; it stays true until the next start."""
        return self.stop_event.is_set()

    async def start(self, scope: Scope, *, by_hand: bool = False) -> None:
        """Bring the application up: everything that comes before requests are answered.

        Args:
            scope: a lifespan scope; its `state` receives what the user's lifespan yields.
            by_hand: whether `LifespanContext` asks for it: what replaced it on the router stands around it then.
        """
        self.stage = "starting"
        self.stop_event = asyncio.Event()
        self._after_start_was_run = False
        self._yielded = {}
        self._loop = asyncio.get_running_loop()
        self._is_starting, self._awaits_own = True, False
        outer = _starts.get()
        _starts.set((*outer, self.stop_event))
        try:
            await self._start(scope, by_hand)
        finally:
            # Not by a token: an abandoned start is closed in another context.
            _starts.set(outer)
            self._is_starting = False
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(None)

    async def _start(self, scope: Scope, by_hand: bool) -> None:
        if self.engine.behaviour.step_limit(True) is not None:
            start_watching()
        if self.starter != "server":
            self.owns_process = is_a_server()
        async with contextlib.AsyncExitStack() as stack:
            await self.engine.behaviour.run_phase("before_server_start")
            # From here on there is something to undo.
            stack.push_async_callback(self.engine.behaviour.run_phase, "after_server_stop")
            router = self.engine.app.router
            applications = mounted_applications(router.routes)
            make_lifespan: Any = router.lifespan_context
            if by_hand or make_lifespan is self.context:
                make_lifespan = self.context.own
            if make_lifespan is not None and make_lifespan is not router._default_lifespan:
                # Loaded only where there is such a lifespan.
                from sanic_star.engine.entered import is_entered, noting

                lifespan = make_lifespan(self.engine.app)
                if not is_entered(lifespan, self.engine.app):
                    self._awaits_own = make_lifespan is not self.context.own
                    with noting(self.engine.app) if applications else contextlib.nullcontext():
                        limited = _Limited(self, lifespan, _name_of_lifespan(lifespan))
                        state = await stack.enter_async_context(limited)
                    self._awaits_own = False
                    if state is not None:
                        self._yielded = dict(state)
                        scope.setdefault("state", {}).update(state)
            states = router._states
            stack.callback(states.clear)
            for mounted in applications:
                states[id(mounted)] = dict(scope.get("state", {}))
                if _was_entered(mounted):
                    continue
                lifespan = _foreign_lifespan(mounted, states[id(mounted)])
                await stack.enter_async_context(_Limited(self, lifespan, f"the lifespan of {mounted!r}"))
            self.engine.behaviour.finalise()
            if self.starter != "server":
                # A server without lifespan cuts off requests as soon as it hears of the signal: it hears of it after
                # requests and background tasks had their time, and after the last listener.
                # Loaded only under servers that this package has not started.
                from sanic_star.engine.os_signals import chain

                patience = PATIENCE_S
                if self.starter == "request":
                    patience += 2 * self.engine.behaviour.limits().graceful_s
                self._signals = chain(self._stop_by_signal, patience)
            stack.callback(self._restore_signals)
            if self.starter != "server":
                await self.after_start()
            self._stack = stack.pop_all()
        if self.stage == "starting":
            self.stage = "running"
        if self._signals is not None:
            self._signals.started()

    def _restore_signals(self) -> None:
        signals, self._signals = self._signals, None
        if signals is not None:
            signals.undo()

    async def after_start(self) -> None:
        """Run what comes when this process accepts connections; once, though it may do so on several ports."""
        if self._after_start_was_run:
            return
        self._after_start_was_run = True
        await self.engine.behaviour.run_phase("after_server_start")

    async def before_stop(self) -> None:
        """Run what comes while connections are still open, then end what would never end by itself."""
        if self.is_down:
            return
        if self.stage in ("stopping", "closing"):
            await self.stop_event.wait()
            return
        self.stage = "stopping"
        async with contextlib.AsyncExitStack() as stack:
            # Last, and in any case.
            stack.callback(self._end_streams)
            # Mounted applications say goodbye while connections are open, too. Only the server's own application hears
            # of the stop where that is no signal.
            self._mounted = self.engine.mounted()
            for mounted in self._mounted:
                mounted.lifecycle.on_stop_step = self.on_stop_step
                stack.push_async_callback(mounted.lifecycle.before_stop)
            await self.engine.behaviour.run_phase("before_server_stop")

    def _end_streams(self) -> None:
        self.stop_event.set()
        behaviour = self.engine.behaviour
        behaviour.declare_streams()
        # Those that would never end by themselves; their clean-up runs.
        for stream in list(self.engine.streams.endless):
            stream.cut("stop")
        if behaviour.limits().cuts_at_stop:
            self.engine.sweeper.cut_all([self.engine, *self.engine.mounted()])

    async def stop(self) -> None:
        """Bring the application down; errors of single listeners don't keep the rest from running."""
        stack, self._stack = self._stack, None
        if stack is None:
            return
        try:
            await self.before_stop()
        finally:
            self.stage = "closing"
            self._restore_signals()
            mounted, self._mounted = self._mounted, ()
            for engine in mounted:
                # Nobody else stops what a request has started.
                if engine.lifecycle.starter == "request" and engine.lifecycle.is_up:
                    stack.push_async_callback(engine.lifecycle.stop)
            try:
                await self.engine.behaviour.drain()
            finally:
                try:
                    await stack.aclose()
                finally:
                    self.stage = "idle"
                    self.engine.stopped()

    async def run_step(self, call: Callable[[], Any], name: str, *, stopping: bool) -> Any:
        """Run a listener, or enter or leave a lifespan, within the time that it may take.

        Args:
            call: does it; may return an awaitable.
            name: what the log calls it.
            stopping: whether it belongs to the stop.

        Returns:
            What `call` gives.

        Raises:
            StepTimeout: it took too long, and the log has said so.
        """
        limit = self.engine.behaviour.step_limit(stopping)
        self.step = name
        on_stop_step = self.on_stop_step if stopping else None
        if on_stop_step is not None:
            on_stop_step(name, None if limit is None else limit.seconds)
        try:
            return await run_step(call, name, limit, fatal=self.owns_process)
        finally:
            self.step = ""
            if on_stop_step is not None:
                on_stop_step("", None)

    async def ensure_started(self) -> None:
        """Start the application if no lifespan did; of many that ask at once, one starts and the others wait."""
        while not self.is_up:
            if self._is_starting:
                # A listener of this start may send requests; so may one in a thread with an event loop of its own.
                if self.stop_event in _starts.get() or self._loop is not asyncio.get_running_loop():
                    return
                await self._start_is_over()
                continue
            if self.is_closed:
                return
            if self.starter == "lifespan":
                self.starter = "request"
            # A server that calls the phases itself calls `stop`, too.
            self._holders = {self} if self.starter == "server" else set()
            try:
                await self.start({"type": "lifespan", "state": self.engine.lazy_state})
            except BaseException:
                self._not_started()
                raise

    async def _start_is_over(self) -> None:
        """Wait for the end of the start that runs, whatever becomes of it."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    async def hold(self, scope: Scope | None = None) -> object:
        """Start the application, or join the life that somebody else has started on this event loop.

        Args:
            scope: a lifespan scope, whose `state` receives what the user's lifespan yields; `None` for a block that is
                entered by hand, where requests find it in the state nevertheless.

        Returns:
            The holder: what `release` takes.
        """
        holder = object()
        while self._loop is asyncio.get_running_loop():
            # A step of this very start must not wait for its end.
            if self._is_starting and self.stop_event not in _starts.get():
                await self._start_is_over()
                continue
            # A life without holders was abandoned: its conversation was cancelled.
            if not self._is_starting and not (self.is_up and (self._holders or self.starter != "lifespan")):
                break
            if self.starter == "request" and not self._is_starting:
                self.starter = "lifespan"
            self._holders.add(holder)
            if scope is not None:
                scope.setdefault("state", {}).update(self._yielded)
            return holder
        if self.starter == "request":
            self.starter = "lifespan"
        self._holders = {holder}
        by_hand = scope is None
        try:
            await self.start(scope or {"type": "lifespan", "state": self.engine.lazy_state}, by_hand=by_hand)
        except BaseException:
            self._not_started()
            raise
        self.engine.started()
        return holder

    async def release(self, holder: object) -> None:
        """Stop the application if its last holder leaves.

        Args:
            holder: what `hold` has returned. One of an earlier life does nothing.
        """
        holders = self._holders
        if holder in holders:
            holders.remove(holder)
            if not holders:
                await self.stop()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak the lifespan protocol with the server (ASGI lifespan specification 2.0)."""
        await receive()
        try:
            holder = await self.hold(scope)
        except BaseException as error:
            # Where the message says all, or the log has named the step that took too long, a traceback adds nothing.
            message = str(error) if isinstance(error, (InvalidSetting, StepTimeout)) else traceback.format_exc()
            await send({"type": "lifespan.startup.failed", "message": message})
            raise
        try:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        except BaseException:
            self._holders.discard(holder)
            raise
        try:
            await self.release(holder)
        except BaseException:
            await send({"type": "lifespan.shutdown.failed", "message": traceback.format_exc()})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    def _not_started(self) -> None:
        # After a signal another request must not start it again.
        signalled = self.stage == "stopping" and self.starter == "request"
        self.stage = "closed" if signalled else "idle"
        self.engine.stopped()

    async def _stop_by_signal(self) -> bool:
        """Begin the stop, before the server does; where the start was lazy do all of it: nobody will send a shutdown.

        What comes after the connections are closed waits for the requests in flight. The process ends with the signal:
        a request that still comes finds the application closed and does not start it again.

        Returns:
            Whether streams or websockets were ended.
        """
        try:
            await self.before_stop()
        except Exception as error:
            # The server waits for no outcome.
            log_error(logging.getLogger("sanic.error"), error, "A listener failed when the application was to stop")
        ended = await self.engine.endless_ended(PATIENCE_S)
        if self.starter == "request":
            if self._is_starting:
                # A signal that comes during the start: `stop` has nothing to undo before its end.
                await self._start_is_over()
            await self.engine.requests_ended()
            self.engine.sweeper.end_all()
            try:
                await self.stop()
            finally:
                self.stage = "closed"
        return ended


class LifespanContext:
    """What `router.lifespan_context` is on an application: whoever enters it starts the application, or joins its life.

    Starlette's is the user's lifespan alone. Here it stands for all that the start and the stop do, so that code which
    enters it, as one does for an application mounted in Starlette, brings up listeners and background tasks as well.
    The user may replace it by a lifespan that enters it. Within the start that one is the user's lifespan, and what it
    enters is `own`.

    Args:
        lifecycle: the application's life.
        router: the application's router, with the user's lifespan.

    Attributes:
        own: what makes the user's lifespan, `None` without one.
    """

    def __init__(self, lifecycle: Lifecycle, router: Any) -> None:
        self._lifecycle = lifecycle
        context = router.lifespan_context
        if isinstance(context, LifespanContext) and context._lifecycle.engine.app.router is router:
            # An earlier application has the same router.
            context = context.own
        self.own: Callable[[Any], AbstractAsyncContextManager[Any]] | None = (
            None if context is router._default_lifespan else context
        )

    def __call__(self, app: object) -> AbstractAsyncContextManager[Any]:
        """Return what starts the application and stops it.

        Args:
            app: ignored. An application around it may be given; the user's lifespan gets its own.

        Returns:
            A context manager that gives what the user's lifespan has yielded, a mapping, or `None`.
        """
        return self._run()

    @contextlib.asynccontextmanager
    async def _run(self) -> AsyncIterator[Any]:
        lifecycle = self._lifecycle
        if lifecycle._awaits_own and lifecycle.stop_event in _starts.get():
            lifecycle._awaits_own = False
            async with self.own(lifecycle.engine.app) if self.own else contextlib.nullcontext() as state:
                yield state
            return
        holder = await lifecycle.hold()
        try:
            yield dict(lifecycle._yielded) or None
        finally:
            await lifecycle.release(holder)


class _Limited:
    """A lifespan whose start and stop may take as long as a listener's.

    Args:
        lifecycle: the application's life.
        lifespan: the asynchronous context manager.
        name: what the log calls it.
    """

    def __init__(self, lifecycle: Lifecycle, lifespan: AbstractAsyncContextManager[Any], name: str) -> None:
        self._lifecycle, self._lifespan, self._name = lifecycle, lifespan, name

    async def __aenter__(self) -> Any:
        return await self._lifecycle.run_step(self._lifespan.__aenter__, f"the start of {self._name}", stopping=False)

    async def __aexit__(self, *error: Any) -> bool | None:
        try:
            result: bool | None = await self._lifecycle.run_step(
                partial(self._lifespan.__aexit__, *error), f"the stop of {self._name}", stopping=True
            )
        except StepTimeout:
            # What comes next in the stop frees what was taken, too.
            return None
        return result


def _name_of_lifespan(lifespan: AbstractAsyncContextManager[Any]) -> str:
    # `contextlib.asynccontextmanager` keeps the function.
    function = getattr(lifespan, "func", None) or type(lifespan)
    return f"the lifespan {function.__module__}.{function.__qualname__}"


def mounted_applications(routes: list[BaseRoute]) -> list[ASGIApp]:
    """Return the ASGI applications below mounts and hosts, outermost first, each once; not those without a lifespan."""
    applications: list[ASGIApp] = []
    for route in routes:
        app = getattr(route, "_base_app", None) or (getattr(route, "app", None) if hasattr(route, "host") else None)
        if app is None or not callable(app) or not getattr(route, "runs_lifespan", True):
            continue
        # A mount of routes runs its own lifespan only: what is mounted among them is ours to run.
        below = mounted_applications(app.routes) if isinstance(app, Router) else []
        for application in (app, *below):
            if all(application is not other for other in applications):
                applications.append(application)
    return applications


def _was_entered(app: Any) -> bool:
    """Tell whether the user's lifespan has entered that of a mounted application, one of Starlette's.

    An application of this package has other things to start as well: it looks at its own lifespan by itself.
    """
    make_lifespan = getattr(getattr(app, "router", app), "lifespan_context", None)
    if make_lifespan is None or hasattr(app, "_engine"):
        return False
    # Loaded where an application is mounted that has a lifespan.
    from sanic_star.engine.entered import entered, is_entered

    return bool(entered.get()) and is_entered(make_lifespan(app), app)


@contextlib.asynccontextmanager
async def _foreign_lifespan(app: ASGIApp, state: dict[str, Any]) -> AsyncIterator[None]:
    """Run a mounted application's lifespan; one that has none is left alone, one that fails is loud.

    Args:
        app: the application.
        state: what its requests shall find in their state; receives what its lifespan yields.
    """
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()

    async def talk() -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        await app(scope, inbox.get, outbox.put)

    conversation = asyncio.ensure_future(talk())
    try:
        alive = await _tell(inbox, outbox, conversation, "startup")
        try:
            yield
        finally:
            if alive and not conversation.done():
                await _tell(inbox, outbox, conversation, "shutdown")
                await conversation
    finally:
        conversation.cancel()
        await asyncio.gather(conversation, return_exceptions=True)


async def _tell(
    inbox: asyncio.Queue[Message], outbox: asyncio.Queue[Message], conversation: asyncio.Future[None], what: str
) -> bool:
    """Send one lifespan message and wait for its answer; tell whether there was one."""
    await inbox.put({"type": f"lifespan.{what}"})
    answer = asyncio.ensure_future(outbox.get())
    both: set[asyncio.Future[Any]] = {answer, conversation}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() and not outbox.empty():
        await asyncio.wait({answer})
    if not answer.done():
        answer.cancel()
        return False
    message = answer.result()
    if message["type"] == f"lifespan.{what}.failed":
        raise RuntimeError(f"a mounted application's {what} failed: {message.get('message', '')}")
    return True
