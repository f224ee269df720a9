"""The life cycle of an application: four phases, the lifespans of mounted applications, the lazy start, the stop event.

The lifespan protocol of ASGI has two events, start-up and shutdown; an application of this package has four phases
(`Phase`). A server of this package runs each phase at its time (its `starter` is "server"). Under any other server, the
start-up runs the first two phases together. The other two stay apart if the application receives the server's signals:
at a start in the main thread, its signal handlers are installed before those of the server (`os_signals`).

    start        before_server_start, the user's lifespan, mounted applications' lifespans, after_server_start
    stop         before_server_stop, stop event, mounted lifespans in reverse, the user's lifespan, after_server_stop

An application goes through these stages (`Stage`) any number of times:

| stage | becomes | when |
|---|---|---|
| "idle", "closed" | "starting" | a lifespan or a server starts it |
| "idle" | "starting" | the first request starts it, under a server without lifespan |
| "starting" | "running" | the start is over: requests are answered |
| "starting", "stopping" | "idle" | a step of the start raises; the steps before it are undone |
| "starting", "running" | "stopping" | `before_stop` is called: by a signal, the server, an outer application, `stop` |
| "stopping" | "closing" | `stop` is called, and `before_stop` is over: connections are closed |
| "closing" | "idle" | `stop` is over, even if its steps have raised |
| "stopping", "closing" | "closed" | as above, after a signal and a start by a request: it never starts again |

A signal may arrive while listeners of "after_server_start" run: the stage stays "stopping" when the start is over. If
a request has started the application, `stop` waits for the end of the start, because only the signal calls it.

Without a lifespan (a server without it, a plain mount in another application) the first request starts the application,
once, while all others wait. The process's signal, or the application around, stops it.

A running application may have several holders: lifespan conversations with servers and outer applications, and blocks
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
    StepTimeout,
    is_a_server,
    run_step,
    start_watching,
)

if TYPE_CHECKING:
    from sanic_star.engine.os_signals import Chain
    from sanic_star.engine.seams import RunningEngine
    from sanic_star.engine.steps import Stage, Starter

# The starts within which the current code runs, the outermost first; each is represented by its stop event.
_starts: ContextVar[tuple[asyncio.Event, ...]] = ContextVar("sanic_star.starts", default=())
# How long a server that this package has not started is kept from its stop, in seconds, while the application stops.
MAX_DELAY_S = 1.0


class InvalidSetting(Exception):
    """A setting has an invalid value, so that the application does not start."""


class Lifecycle:
    """Runs the phases of one application in order, each once per start.

    Args:
        engine: the application's engine.

    Attributes:
        stage: the current stage.
        starter: what starts and stops the application; a server that calls `after_start` and `before_stop` sets it.
        owns_process: whether a step that cannot be cancelled ends the process.
        on_stop_step: called with the name of each step of the stop, and its time limit in seconds.
        step: the name of the listener or lifespan that starts or stops now; else empty.
        stop_event: set when requests and streams must end; a new one for each start.
    """

    def __init__(self, engine: RunningEngine) -> None:
        self.engine = engine
        self.stage: Stage = "idle"
        self.starter: Starter = "lifespan"
        self.owns_process = False
        self.on_stop_step: Callable[[str, float | None], None] | None = None
        self.step = ""
        self.stop_event = asyncio.Event()
        self._stack: contextlib.AsyncExitStack | None = None
        # Whether `start` runs, in any stage; and the futures that are resolved at its end.
        self._is_starting = False
        self._waiters: list[asyncio.Future[None]] = []
        self._signals: Chain | None = None
        # Whether the listeners of "after_server_start" have run since the start.
        self._after_start_was_run = False
        # The holders of the running application; a new set for each start.
        self._holders: set[object] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        # The state that the user's lifespan has yielded.
        self._yielded: dict[str, Any] = {}
        # The mounted applications whose `before_stop` was called.
        self._mounted: Sequence[RunningEngine] = ()
        # Whether a lifespan that has replaced the user's one is starting, and may enter the user's one.
        self._may_enter_user_lifespan = False
        self.context = LifespanContext(self, engine.app.router)
        engine.app.router.lifespan_context = self.context

    @property
    def is_up(self) -> bool:
        """Whether requests are answered: from the end of the start (or a signal during it) to the end of the stop."""
        return self.stage in UP

    @property
    def is_down(self) -> bool:
        """Whether the application is neither starting nor running nor stopping."""
        return self.stage in ("idle", "closed")

    @property
    def is_closed(self) -> bool:
        """Whether requests are refused, because a request had started the application and a signal has stopped it."""
        return self.stage == "closed" and self.starter == "request"

    @property
    def stopping(self) -> bool:
        """Whether requests and streams must end; true until the next start."""
        return self.stop_event.is_set()

    async def start(self, scope: Scope, *, by_hand: bool = False) -> None:
        """Start the application, so that it can answer requests.

        Args:
            scope: a lifespan scope; its `state` gets the entries that the user's lifespan yields.
            by_hand: whether `LifespanContext` was entered. A lifespan that has replaced it on the router is then the
                caller, and is not entered again.
        """
        self.stage = "starting"
        self.stop_event = asyncio.Event()
        self._after_start_was_run = False
        self._yielded = {}
        self._loop = asyncio.get_running_loop()
        self._is_starting, self._may_enter_user_lifespan = True, False
        outer = _starts.get()
        _starts.set((*outer, self.stop_event))
        try:
            await self._start(scope, by_hand)
        finally:
            # Not reset with a token, because an abandoned start is closed in another context.
            _starts.set(outer)
            self._is_starting = False
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def _start(self, scope: Scope, by_hand: bool) -> None:
        if self.engine.behaviour.step_limit(True) is not None:
            start_watching()
        if self.starter != "server":
            self.owns_process = is_a_server()
        async with contextlib.AsyncExitStack() as stack:
            await self.engine.behaviour.run_phase("before_server_start")
            stack.push_async_callback(self.engine.behaviour.run_phase, "after_server_stop")
            router = self.engine.app.router
            applications = mounted_applications(router.routes)
            make_lifespan: Any = router.lifespan_context
            if by_hand or make_lifespan is self.context:
                make_lifespan = self.context.user_lifespan
            if make_lifespan is not None and make_lifespan is not router._default_lifespan:
                # Imported late: only an application with a lifespan needs it.
                from sanic_star.engine.entered import is_entered, recording

                lifespan = make_lifespan(self.engine.app)
                if not is_entered(lifespan, self.engine.app):
                    self._may_enter_user_lifespan = make_lifespan is not self.context.user_lifespan
                    with recording(self.engine.app) if applications else contextlib.nullcontext():
                        limited = _LimitedLifespan(self, lifespan, _name_of_lifespan(lifespan))
                        state = await stack.enter_async_context(limited)
                    self._may_enter_user_lifespan = False
                    if state is not None:
                        self._yielded = dict(state)
                        scope.setdefault("state", {}).update(state)
            states = router._states
            stack.callback(states.clear)
            for mounted in applications:
                states[id(mounted)] = dict(scope.get("state", {}))
                if _was_entered(mounted):
                    continue
                lifespan = _mounted_lifespan(mounted, states[id(mounted)])
                await stack.enter_async_context(_LimitedLifespan(self, lifespan, f"the lifespan of {mounted!r}"))
            # Without empty entries, `routing.enter` has nothing to look up for most mounts. Starlette fills the state
            # only at the start; an application of another framework may fill it later.
            for mounted in applications:
                if not states[id(mounted)] and isinstance(getattr(mounted, "router", mounted), Router):
                    del states[id(mounted)]
            self.engine.behaviour.finalise()
            if self.starter != "server":
                # Imported late: only servers that this package has not started need it.
                from sanic_star.engine.os_signals import chain

                max_delay_s = MAX_DELAY_S
                if self.starter == "request":
                    # A server without lifespan cancels requests at the signal. So it gets the signal after requests and
                    # background tasks had their grace period, and after the last listener.
                    max_delay_s += 2 * self.engine.behaviour.limits().graceful_s
                self._signals = chain(self._stop_by_signal, max_delay_s)
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
        """Run the phase "after_server_start", once: a server calls this for each port that accepts connections."""
        if self._after_start_was_run:
            return
        self._after_start_was_run = True
        await self.engine.behaviour.run_phase("after_server_start")

    async def before_stop(self) -> None:
        """Run the phase "before_server_stop" while connections are open, then end the endless streams."""
        if self.is_down:
            return
        if self.stage in ("stopping", "closing"):
            await self.stop_event.wait()
            return
        self.stage = "stopping"
        async with contextlib.AsyncExitStack() as stack:
            # This runs last, even if a listener raises.
            stack.callback(self._end_streams)
            # Listeners of mounted applications run while connections are open, too. A server's call reaches only the
            # outermost application.
            self._mounted = self.engine.mounted()
            for mounted in self._mounted:
                mounted.lifecycle.on_stop_step = self.on_stop_step
                stack.push_async_callback(mounted.lifecycle.before_stop)
            await self.engine.behaviour.run_phase("before_server_stop")

    def _end_streams(self) -> None:
        self.stop_event.set()
        behaviour = self.engine.behaviour
        behaviour.declare_streams()
        for stream in list(self.engine.streams.endless):
            stream.cancel("stop")
        if behaviour.limits().cancels_at_stop:
            self.engine.sweeper.cancel_all([self.engine, *self.engine.mounted()])

    async def stop(self) -> None:
        """Stop the application; if a listener raises, the others still run."""
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
                # Nothing else stops an application that a request has started.
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
        """Run a listener, or enter or leave a lifespan, within its time limit.

        Args:
            call: calls the listener or the lifespan's method; may return an awaitable.
            name: the step's name in the log.
            stopping: whether the step belongs to the stop.

        Returns:
            The result of `call`.

        Raises:
            StepTimeout: the step exceeded its limit, and was logged.
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
        """Start the application if no lifespan has; of several callers, one starts it and the others wait."""
        while not self.is_up:
            if self._is_starting:
                # A listener of this start may send requests, also from a thread with an event loop of its own. They
                # must not wait for the end of the start.
                if self.stop_event in _starts.get() or self._loop is not asyncio.get_running_loop():
                    return
                await self._wait_for_start()
                continue
            if self.is_closed:
                return
            if self.starter == "lifespan":
                self.starter = "request"
            # A server that calls the phases calls `stop`, too.
            self._holders = {self} if self.starter == "server" else set()
            try:
                await self.start({"type": "lifespan", "state": self.engine.lazy_state})
            except BaseException:
                self._reset_failed_start()
                raise

    async def _wait_for_start(self) -> None:
        """Wait until the current start has succeeded or failed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    async def hold(self, scope: Scope | None = None) -> object:
        """Start the application, or share it if it was started on this event loop.

        Args:
            scope: a lifespan scope, whose `state` gets the entries that the user's lifespan yields; `None` for a block
                that is entered by hand. In both cases requests get these entries.

        Returns:
            The holder: the argument for `release`.
        """
        holder = object()
        while self._loop is asyncio.get_running_loop():
            # A step of this start must not wait for its end.
            if self._is_starting and self.stop_event not in _starts.get():
                await self._wait_for_start()
                continue
            # A running application without holders was abandoned: its lifespan conversation was cancelled.
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
            self._reset_failed_start()
            raise
        self.engine.started()
        return holder

    async def release(self, holder: object) -> None:
        """Remove a holder, and stop the application if it was the last one.

        Args:
            holder: the result of `hold`. A holder of an earlier start is ignored.
        """
        holders = self._holders
        if holder in holders:
            holders.remove(holder)
            if not holders:
                await self.stop()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the lifespan messages of a server (ASGI lifespan specification 2.0).

        Args:
            scope: the lifespan scope.
            receive: the server's ASGI `receive`.
            send: the server's ASGI `send`.
        """
        await receive()
        try:
            holder = await self.hold(scope)
        except BaseException as error:
            await send({"type": "lifespan.startup.failed", "message": self._failure_message(error, "started")})
            raise
        try:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        except BaseException:
            self._holders.discard(holder)
            raise
        try:
            await self.release(holder)
        except BaseException as error:
            await send({"type": "lifespan.shutdown.failed", "message": self._failure_message(error, "stopped")})
            raise
        await send({"type": "lifespan.shutdown.complete"})

    def _failure_message(self, error: BaseException, change: str) -> str:
        """Return the text that a server logs about a failed start or stop; empty if it was logged, or is logged here.

        Under a server of this package the application logs it itself: its log has the application's format, and the
        handlers of `sanic.error` get the exception.

        Args:
            error: the exception.
            change: `started` or `stopped`.
        """
        if isinstance(error, asyncio.CancelledError):
            # The server has cancelled it, at the first Ctrl-C for example.
            return ""
        # These need no traceback: the message of an invalid setting is enough, and a time-out was logged.
        is_plain = isinstance(error, (InvalidSetting, StepTimeout))
        if self.starter != "server":
            return str(error) if is_plain else traceback.format_exc()
        if isinstance(error, InvalidSetting):
            logging.getLogger("sanic.error").error("%s", error)
        elif not is_plain:
            log_error(logging.getLogger("sanic.error"), error, "The application could not be %s", change)
        return ""

    def _reset_failed_start(self) -> None:
        # After a signal another request must not start the application again.
        was_signalled = self.stage == "stopping" and self.starter == "request"
        self.stage = "closed" if was_signalled else "idle"
        self.engine.stopped()

    async def _stop_by_signal(self) -> bool:
        """Begin the stop before the server does. If a request has started the application, do the whole stop.

        Without a lifespan the server sends no shutdown. So the last phase waits for the requests in flight. The signal
        ends the process: a request that arrives later does not start the application again.

        Returns:
            Whether streams or websockets were ended.
        """
        try:
            await self.before_stop()
        except Exception as error:
            # The signal handler that awaits this drops exceptions.
            log_error(logging.getLogger("sanic.error"), error, "A listener failed when the application was to stop")
        had_streams = await self.engine.endless_ended(MAX_DELAY_S)
        if self.starter == "request":
            if self._is_starting:
                # `stop` does nothing before the end of the start.
                await self._wait_for_start()
            await self.engine.requests_ended()
            self.engine.sweeper.abort_all()
            try:
                await self.stop()
            finally:
                self.stage = "closed"
        return had_streams


class LifespanContext:
    """The `router.lifespan_context` of an application: entering it starts the application, or shares it if it runs.

    Starlette's `lifespan_context` is the user's lifespan alone. This one does the whole start and stop. So code that
    enters it, as for an application that is mounted in Starlette, also runs listeners and background tasks. The user
    may replace it with a lifespan that enters it. Then the start enters the replacement, and within the start this
    object enters only `user_lifespan`.

    Args:
        lifecycle: the application's life cycle.
        router: the application's router, with the user's lifespan.

    Attributes:
        user_lifespan: the function that makes the user's lifespan; `None` without one.
    """

    def __init__(self, lifecycle: Lifecycle, router: Any) -> None:
        self._lifecycle = lifecycle
        context = router.lifespan_context
        if isinstance(context, LifespanContext) and context._lifecycle.engine.app.router is router:
            # The user has given the router of an earlier application to this one.
            context = context.user_lifespan
        self.user_lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = (
            None if context is router._default_lifespan else context
        )

    def __call__(self, app: object) -> AbstractAsyncContextManager[Any]:
        """Return a context manager that starts and stops the application.

        Args:
            app: ignored. The user's lifespan always gets its own application.

        Returns:
            An asynchronous context manager. Its value is the mapping that the user's lifespan has yielded, or `None`.
        """
        return self._run()

    @contextlib.asynccontextmanager
    async def _run(self) -> AsyncIterator[Any]:
        lifecycle = self._lifecycle
        if lifecycle._may_enter_user_lifespan and lifecycle.stop_event in _starts.get():
            lifecycle._may_enter_user_lifespan = False
            make_lifespan = self.user_lifespan
            async with make_lifespan(lifecycle.engine.app) if make_lifespan else contextlib.nullcontext() as state:
                yield state
            return
        holder = await lifecycle.hold()
        try:
            yield dict(lifecycle._yielded) or None
        finally:
            await lifecycle.release(holder)


class _LimitedLifespan:
    """A lifespan whose start and stop have the time limits of listeners.

    Args:
        lifecycle: the application's life cycle.
        lifespan: the asynchronous context manager.
        name: its name in the log.
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
            # The rest of the stop must still run.
            return None
        return result


def _name_of_lifespan(lifespan: AbstractAsyncContextManager[Any]) -> str:
    # `contextlib.asynccontextmanager` stores the function as `func`.
    function = getattr(lifespan, "func", None) or type(lifespan)
    return f"the lifespan {function.__module__}.{function.__qualname__}"


def mounted_applications(routes: list[BaseRoute]) -> list[ASGIApp]:
    """Return the ASGI applications below mounts and hosts whose lifespan must run, the outermost first, each once.

    Args:
        routes: the routes of an application.
    """
    applications: list[ASGIApp] = []
    for route in routes:
        app = getattr(route, "_base_app", None) or (getattr(route, "app", None) if hasattr(route, "host") else None)
        if app is None or not callable(app) or not getattr(route, "runs_lifespan", True):
            continue
        # Starlette's router does not run the lifespans of applications that are mounted in it.
        nested = mounted_applications(app.routes) if isinstance(app, Router) else []
        for application in (app, *nested):
            if all(application is not former for former in applications):
                applications.append(application)
    return applications


def _was_entered(app: Any) -> bool:
    """Return whether the user's lifespan has entered the lifespan of a mounted Starlette application.

    An application of this package must start in any case: it checks its own lifespan itself.

    Args:
        app: the mounted application.
    """
    make_lifespan = getattr(getattr(app, "router", app), "lifespan_context", None)
    if make_lifespan is None or hasattr(app, "_engine"):
        return False
    # Imported late: only an application with a mounted lifespan needs it.
    from sanic_star.engine.entered import entered, is_entered

    return bool(entered.get()) and is_entered(make_lifespan(app), app)


@contextlib.asynccontextmanager
async def _mounted_lifespan(app: ASGIApp, state: dict[str, Any]) -> AsyncIterator[None]:
    """Run the lifespan of a mounted application, if it has one.

    Args:
        app: the application.
        state: the state for its requests; gets the entries that its lifespan yields.

    Raises:
        RuntimeError: the application reports that its start-up or shutdown failed.
    """
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()

    async def run_lifespan() -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        await app(scope, inbox.get, outbox.put)

    conversation = asyncio.ensure_future(run_lifespan())
    try:
        has_lifespan = await _send_and_wait(inbox, outbox, conversation, "startup")
        try:
            yield
        finally:
            if has_lifespan and not conversation.done():
                await _send_and_wait(inbox, outbox, conversation, "shutdown")
                await conversation
    finally:
        conversation.cancel()
        await asyncio.gather(conversation, return_exceptions=True)


async def _send_and_wait(
    inbox: asyncio.Queue[Message], outbox: asyncio.Queue[Message], conversation: asyncio.Future[None], event: str
) -> bool:
    """Send one lifespan message to a mounted application, and wait for its answer.

    Args:
        inbox: the messages to the application.
        outbox: the messages of the application.
        conversation: the application's call for its lifespan.
        event: `startup` or `shutdown`.

    Returns:
        Whether the application has answered; one without a lifespan returns or raises instead.
    """
    await inbox.put({"type": f"lifespan.{event}"})
    answer = asyncio.ensure_future(outbox.get())
    futures: set[asyncio.Future[Any]] = {answer, conversation}
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done() and not outbox.empty():
        await asyncio.wait({answer})
    if not answer.done():
        answer.cancel()
        return False
    message = answer.result()
    if message["type"] == f"lifespan.{event}.failed":
        raise RuntimeError(f"a mounted application's {event} failed: {message.get('message', '')}")
    return True
