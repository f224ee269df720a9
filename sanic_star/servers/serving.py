"""Serving in this process, until it is told to stop.

A server, whichever it is, is a `Backend`: it starts an application, says when it accepts connections, waits for the
stop, and ends. What stops it is one `Stop` for all applications of the process: a signal, `app.stop()`, the
supervisor. Ctrl-C once more ends the process without waiting for anybody.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from socket import socket
from time import monotonic
from typing import Any, Protocol

from sanic_star.engine.failures import log_error
from sanic_star.engine.os_signals import SIGNALS, Signalled
from sanic_star.engine.seams import Host
from sanic_star.engine.steps import CLEAN_UP_BEFORE_EXIT_S, StepTimeout, end_process, position
from sanic_star.engine.streams import FAREWELL
from sanic_star.servers.settings import CannotServe, Settings

logger = logging.getLogger("sanic.server")
error_logger = logging.getLogger("sanic.error")
SERVERS = ("uvicorn", "hypercorn", "granian")
# A client that has taken nothing for so long at the stop, in seconds, gets no more.
STALLED = 1.0
# How long a request that was cancelled has to answer with 503 and clean up, in seconds.
LAST_WORDS = 1.0
# How often it is looked whether something is over, in seconds.
TICK = 0.05
# What is being served in this process, and how to end it.
served: list[tuple[Host, Stop]] = []


class Stop:
    """The end of all servers of this process.

    Args:
        everywhere: what tells the other workers, where there are any.
        patience: how long a blocked event loop may take to notice it, in seconds.
    """

    def __init__(self, everywhere: Callable[[], None] | None = None, patience: float = math.inf) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = asyncio.Event()
        self._told = asyncio.Event()
        self._now = asyncio.Event()
        self._everywhere = everywhere
        # What ends the process if the event loop does not react; where the process is not ours, nothing does.
        self.watchdog: Watchdog | None = None
        self._patience = patience
        # Whether websockets or event streams were open when it began.
        self.ended_endless = False
        self._signalled = Signalled()

    def begin(self, *, everywhere: bool = False) -> None:
        """Begin the stop; can be called in any thread, and in a signal handler."""
        if everywhere and self._everywhere is not None:
            self._everywhere()
        self._set(self._begun, self._patience)

    def signalled(self, number: int, frame: Any) -> None:
        """Begin the stop; Ctrl-C once more, and it ends at once.

        Only that: supervisors of all kinds send SIGTERM to a process and to its group, so that it comes twice.
        """
        if self._signalled(number, self.begun):
            if self.watchdog is not None:
                self.watchdog.expect_end(CLEAN_UP_BEFORE_EXIT_S)
            self._set(self._now, LAST_WORDS)
        else:
            self._set(self._begun, self._patience)

    def _set(self, event: asyncio.Event, patience: float) -> None:
        """Set an event in the event loop, which has so many seconds to do that."""
        if self._loop.is_closed():
            return
        if self.watchdog is not None:
            self.watchdog.expect_reaction(patience)
        self._loop.call_soon_threadsafe(self._react, event)

    def _react(self, event: asyncio.Event) -> None:
        event.set()
        if self.watchdog is not None:
            self.watchdog.has_reacted()

    @property
    def begun(self) -> bool:
        """Whether it has begun."""
        return self._begun.is_set()

    @property
    def now(self) -> bool:
        """Whether nothing is waited for any longer."""
        return self._now.is_set()

    async def wait(self) -> None:
        """Wait until it has begun, and all applications were told: what a server does."""
        await self._told.wait()

    async def beginning(self) -> None:
        """Wait until it begins."""
        await self._begun.wait()

    async def overdue(self, patience: float) -> None:
        """Wait until it has begun so many seconds ago, or nothing is waited for any longer."""
        await self._begun.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._now.wait(), patience)

    async def tell(self, apps: Sequence[Host]) -> None:
        """Tell the applications, the last one first, then let the servers go on."""
        await self._begun.wait()
        self._signalled.say()
        logger.info("Stopping worker [%d]", os.getpid())
        self.ended_endless = any(app._engine.streams.endless for app in apps)
        try:
            for app in reversed(apps):
                try:
                    app._engine.behaviour.stopping()
                    await app._engine.lifecycle.before_stop()
                except Exception as error:
                    # The stop goes on, for the other applications too, and ends as it would have (Sanic 25.12: with 0).
                    log_error(error_logger, error, "A listener failed before the stop of %r", app)
                await app._engine.endless_ended(FAREWELL)
        finally:
            self._told.set()

    async def hurry(self, end: Callable[[], object]) -> None:
        """Call something once nothing is waited for any longer."""
        await self._now.wait()
        end()


class Stalled:
    """Finds the connections whose client takes nothing any more: it has vanished, or does not read.

    A server would wait for such a client without end, to send it the rest.
    """

    def __init__(self) -> None:
        # How much each transport has still to send, and since when.
        self._unsent: dict[asyncio.WriteTransport, tuple[int, float]] = {}

    def has(self, transport: asyncio.WriteTransport) -> bool:
        """Tell whether a connection has sent nothing of its rest for `STALLED` seconds; to be called repeatedly."""
        size, now = transport.get_write_buffer_size(), monotonic()
        before, since = self._unsent.get(transport, (size, now))
        self._unsent[transport] = size, since if size == before else now
        return size > 0 and size == before and now - since >= STALLED


class Watchdog(threading.Thread):
    """Ends this process, with status 1, when it was told to stop and something keeps it from that.

    Either something blocks the event loop, or ignores its cancellation after Ctrl-C was pressed twice. Made in the
    thread of the event loop.

    Args:
        apps: the applications that are served.
    """

    def __init__(self, apps: Sequence[Host]) -> None:
        super().__init__(daemon=True, name="sanic-star-watchdog")
        self._apps = apps
        self._watched = threading.get_ident()
        # Seconds within which a reaction is expected; `None` for a reaction. What comes from signal handlers has to
        # be a `SimpleQueue`: its `put` may interrupt itself.
        self._words: SimpleQueue[float | None] = SimpleQueue()
        # When the process has to have ended at the latest (`monotonic`).
        self._last = math.inf
        self._over = False

    def expect_reaction(self, patience: float) -> None:
        """Wait for a reaction of the event loop for so many seconds."""
        self._words.put(patience)

    def expect_end(self, patience: float) -> None:
        """Wait for the end for so many seconds."""
        self._last = min(self._last, monotonic() + patience)
        self._words.put(math.inf)

    def has_reacted(self) -> None:
        """Note that the event loop runs."""
        self._words.put(None)

    def end(self) -> None:
        """Watch no longer."""
        self._over = True
        self._words.put(None)

    def run(self) -> None:
        began = deadline = math.inf
        while not self._over:
            left = max(0.0, min(deadline, self._last) - monotonic())
            try:
                patience = self._words.get(timeout=left if left < threading.TIMEOUT_MAX else None)
            except Empty:
                self._end_process(None if deadline > monotonic() else monotonic() - began)
                return
            if patience is None:
                began = deadline = math.inf
            elif patience < math.inf:
                now = monotonic()
                began, deadline = min(began, now), min(deadline, now + patience)

    def _end_process(self, seconds: float | None) -> None:
        step = next((app._engine.lifecycle.step for app in self._apps if app._engine.lifecycle.step), "something")
        if seconds is None:
            error_logger.error("The stop does not come to its end: %s ignores its cancellation; the process ends", step)
        else:
            where = position(self._watched)
            error_logger.error(
                "The event loop has not reacted to the stop for %.1f s: %s blocks it%s; the process ends",
                seconds,
                step,
                where,
            )
        end_process()


class Backend(Protocol):
    """A server."""

    async def __call__(
        self, app: Host, settings: Settings, sockets: list[socket], stop: Stop, accepting: Callable[[], None]
    ) -> None:
        """Serve an application until `stop` begins; call `accepting` when it accepts connections.

        Raises:
            CannotServe: its start failed; the reason is in the log.
        """


def backend(settings: Settings) -> Backend:
    """Return what speaks HTTP.

    Raises:
        CannotServe: the server is of a release that lacks something this package needs of it.
    """
    try:
        chosen: Backend = import_module(f"sanic_star.servers.{settings.server}").serve
    except ImportError as error:
        server = f"{settings.server} {version(settings.server)}"
        raise CannotServe(f"{server} does not work with this release of sanic_star: {error}") from error
    return chosen


def check_servers(settings: Sequence[Settings]) -> None:
    """Make sure that the servers are there, and can do what is asked.

    Raises:
        CannotServe: one can't.
    """
    for each in settings:
        if each.server not in SERVERS:
            raise CannotServe(f"There is no server {each.server!r}; choose one of {', '.join(SERVERS)}")
        if find_spec(each.server) is None:
            raise CannotServe(f"{each.server} is not installed: pip install {each.server}")
        if each.server == "granian" and sys.platform == "win32":
            raise CannotServe("granian can't take over a socket on Windows; take uvicorn")
        if each.version == 3 and find_spec("aioquic") is None:
            raise CannotServe("HTTP/3 needs aioquic: pip install 'hypercorn[h3]'")
        if each.version > 1 and each.server != "hypercorn" and not (each.version == 2 and each.server == "granian"):
            raise CannotServe(f"{each.server} does not speak HTTP/{each.version}; server='hypercorn' does")
        if each.version == 3 and (each.tls is None or each.unix):
            raise CannotServe("HTTP/3 needs a certificate, and a port: ssl=…, and no unix=…")
        if lost := each.without_effect():
            logger.warning("%s has no option for %s: without effect", each.server, ", ".join(lost))


def serve(
    apps: Sequence[Host],
    settings: Sequence[Settings],
    sockets: Sequence[list[socket]],
    *,
    signals: bool = True,
    ready: Callable[[Stop], None] = lambda stop: None,
    begun: Callable[[Stop], None] = lambda stop: None,
    everywhere: Callable[[], None] | None = None,
    on_stop_step: Callable[[str, float | None], None] | None = None,
) -> None:
    """Serve applications in this process until they are stopped.

    Args:
        apps: the applications.
        settings: how each is served.
        sockets: what each listens on.
        signals: whether SIGINT and SIGTERM end it.
        ready: called when all accept connections.
        begun: called first, with what ends it.
        everywhere: what `app.stop` calls so that other workers stop, too.
        on_stop_step: called with the name of each listener of the stop, and the seconds that it may take; with an empty
            name when it has ended.

    Raises:
        CannotServe: the start of one failed.
    """

    # In another thread than the main one, somebody else has plans for this process.
    watchdog = Watchdog(apps) if threading.current_thread() is threading.main_thread() else None

    async def main() -> None:
        stop = Stop(everywhere, max(how.graceful_timeout for how in settings) + CLEAN_UP_BEFORE_EXIT_S)
        if watchdog is not None:
            watchdog.start()
            stop.watchdog = watchdog
        begun(stop)
        with _signals(stop if signals else None):
            logger.info("Starting worker [%d]", os.getpid())
            await _serve_all(apps, settings, sockets, stop, lambda: ready(stop), on_stop_step)
            await _end_tasks(watchdog)
            logger.info("Worker complete [%d]", os.getpid())

    try:
        with asyncio.Runner(loop_factory=_loop_factory(settings, inherited=everywhere is not None)) as runner:
            runner.run(main())
    finally:
        if watchdog is not None:
            watchdog.end()


async def _serve_all(
    apps: Sequence[Host],
    settings: Sequence[Settings],
    sockets: Sequence[list[socket]],
    stop: Stop,
    ready: Callable[[], None],
    on_stop_step: Callable[[str, float | None], None] | None,
) -> None:
    here = [(app, stop) for app in apps]
    served.extend(here)
    for app in apps:
        app._engine.lifecycle.exact = True
        app._engine.lifecycle.owns_process = stop.watchdog is not None
        if on_stop_step is not None:
            app._engine.lifecycle.on_stop_step = on_stop_step
    running: list[asyncio.Task[None]] = []
    accepted: list[Host] = []
    # A start that has begun comes to its end before the stop; but not for ever.
    late = asyncio.ensure_future(stop.overdue(max(how.graceful_timeout for how in settings)))
    try:
        for app, how, where in zip(apps, settings, sockets, strict=True):
            accepting = asyncio.Event()
            running.append(asyncio.ensure_future(backend(how)(app, how, where, stop, accepting.set)))
            await first(accepting.wait(), [late, *running])
            if accepting.is_set():
                accepted.append(app)
            if stop.begun or not accepting.is_set():
                break
        else:
            logger.info("Worker ready [%d]", os.getpid())
            ready()
            await first(stop.beginning(), running)
    finally:
        stop.begin()
        late.cancel()
        cut = len(running) > len(accepted)
        if cut:
            running[-1].cancel()
            if not (await asyncio.wait({running[-1]}, timeout=CLEAN_UP_BEFORE_EXIT_S))[0] and stop.watchdog is not None:
                stop.watchdog.expect_end(0)
        telling = asyncio.ensure_future(stop.tell(accepted))
        hurry = asyncio.ensure_future(stop.hurry(telling.cancel))
        results = await asyncio.gather(*running, telling, return_exceptions=True)
        hurry.cancel()
        if cut and stop.watchdog is not None:
            # The server's task has ended; that of the application's start may ignore its cancellation.
            stop.watchdog.expect_end(CLEAN_UP_BEFORE_EXIT_S)
        for each in here:
            served.remove(each)
            each[0]._engine.lifecycle.exact = each[0]._engine.lifecycle.owns_process = False
    for app, result in zip(apps, results, strict=False):
        if _is_timeout(result):
            raise CannotServe(f"{app!r} could not be started")
        if isinstance(result, Exception):
            raise result


async def _end_tasks(watchdog: Watchdog | None) -> None:
    """Cancel what still runs; end the process if something ignores its cancellation.

    The event loop's end would wait for it without a limit: for a handler, say, that catches every `CancelledError`.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks or watchdog is None:
        return
    _, pending = await asyncio.wait(tasks, timeout=LAST_WORDS)
    if pending:
        names = ", ".join(sorted(task.get_name() for task in pending))
        error_logger.error("Tasks that ignore their cancellation: %s", names)
        watchdog.expect_end(0)


def _is_timeout(error: object) -> bool:
    """Tell whether a server has ended because a listener took too long at the start, which the log has said."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_timeout(inner) for inner in error.exceptions)
    return isinstance(error, StepTimeout)


async def first(waiting: Any, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for something, or for the end of one of these."""
    waiter = asyncio.ensure_future(waiting)
    await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


async def lose_patience(app: Host, patience: float) -> None:
    """End the requests in flight after so many seconds."""
    await asyncio.sleep(patience)
    app._engine.sweeper.end_all()


@contextmanager
def _signals(stop: Stop | None) -> Iterator[None]:
    """Let signals begin the stop, in the main thread; in others nobody may take them."""
    if stop is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop.signalled) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _loop_factory(
    settings: Sequence[Settings], *, inherited: bool = False
) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the event loop; None for asyncio's default.

    Args:
        settings: how each application is served.
        inherited: whether the sockets are those of several processes.
    """
    wanted = {how.uvloop for how in settings}
    if sys.platform == "win32":
        if True in wanted:
            raise CannotServe("USE_UVLOOP is set, and there is no uvloop for Windows")
        # A socket belongs to one completion port for ever, so that two processes, or a worker and the one that
        # replaces it, can't both accept by the default loop. uvicorn's own workers take this one there, too.
        return asyncio.SelectorEventLoop if inherited else None
    if False in wanted or (True not in wanted and find_spec("uvloop") is None):
        return None
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ModuleNotFoundError:
        raise CannotServe("USE_UVLOOP is set, and uvloop is not installed: pip install uvloop") from None
    return factory
