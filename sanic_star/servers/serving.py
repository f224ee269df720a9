"""Serving in this process, until the stop.

Each server (`sanic_star.servers.backends`) starts an application, reports when it accepts connections, waits for the
stop, and ends. A signal, `app.stop()` or the supervisor begins the stop: one `Stop` for all applications of the
process. A second Ctrl-C ends the process without waiting for requests.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from socket import socket

from sanic_star.engine.os_signals import SIGNALS
from sanic_star.engine.seams import Host
from sanic_star.engine.steps import CLEAN_UP_BEFORE_EXIT_S, StepTimeout
from sanic_star.servers.backends import find_backend
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, Stop, Watchdog, first

logger = logging.getLogger("sanic.server")
error_logger = logging.getLogger("sanic.error")
# The applications that this process serves, each with the object that stops it.
served: list[tuple[Host, Stop]] = []


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
        settings: the settings of each application's server.
        sockets: the bound sockets of each application.
        signals: whether SIGINT and SIGTERM begin the stop.
        ready: called when all applications accept connections.
        begun: called first, with the object that stops the servers.
        everywhere: called by `app.stop`, to stop the other workers, too.
        on_stop_step: called with the name of each listener of the stop, and its time limit in seconds; with an empty
            name when the listener has ended.

    Raises:
        CannotServe: the start of an application failed.
    """

    # In another thread, the process belongs to another program.
    watchdog = Watchdog(apps) if threading.current_thread() is threading.main_thread() else None

    async def main() -> None:
        stop = Stop(
            everywhere, max(one_settings.graceful_timeout for one_settings in settings) + CLEAN_UP_BEFORE_EXIT_S
        )
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
    entries = [(app, stop) for app in apps]
    served.extend(entries)
    for app in apps:
        app._engine.lifecycle.starter = "server"
        app._engine.lifecycle.owns_process = stop.watchdog is not None
        if on_stop_step is not None:
            app._engine.lifecycle.on_stop_step = on_stop_step
    running: list[asyncio.Task[None]] = []
    accepted: list[Host] = []
    # If the stop begins during a start, the start may go on for this time.
    overdue = asyncio.ensure_future(
        stop.wait_until_overdue(max(one_settings.graceful_timeout for one_settings in settings))
    )
    try:
        for app, one_settings, where in zip(apps, settings, sockets, strict=True):
            accepting = asyncio.Event()
            running.append(
                asyncio.ensure_future(
                    find_backend(one_settings.server).load()(app, one_settings, where, stop, accepting.set)
                )
            )
            await first(accepting.wait(), [overdue, *running])
            if accepting.is_set():
                accepted.append(app)
            if stop.begun or not accepting.is_set():
                break
        else:
            logger.info("Worker ready [%d]", os.getpid())
            ready()
            await first(stop.wait_begun(), running)
    finally:
        stop.begin()
        overdue.cancel()
        start_was_cancelled = len(running) > len(accepted)
        if start_was_cancelled:
            running[-1].cancel()
            if not (await asyncio.wait({running[-1]}, timeout=CLEAN_UP_BEFORE_EXIT_S))[0] and stop.watchdog is not None:
                stop.watchdog.expect_end(0)
        announcing = asyncio.ensure_future(stop.announce(accepted))
        forcing = asyncio.ensure_future(stop.call_when_forced(announcing.cancel))
        results = await asyncio.gather(*running, announcing, return_exceptions=True)
        forcing.cancel()
        if start_was_cancelled and stop.watchdog is not None:
            # The server's task has ended; that of the application's start may ignore its cancellation.
            stop.watchdog.expect_end(CLEAN_UP_BEFORE_EXIT_S)
        for entry in entries:
            served.remove(entry)
        for app in apps:
            app._engine.lifecycle.starter = "lifespan"
            app._engine.lifecycle.owns_process = False
    for app, result in zip(apps, results, strict=False):
        if _is_timeout(result):
            raise CannotServe(f"{app!r} could not be started")
        if isinstance(result, Exception):
            raise result


async def _end_tasks(watchdog: Watchdog | None) -> None:
    """Cancel the tasks that still run; end the process if one ignores its cancellation.

    The event loop would wait for it without a limit: for example for a handler that catches every `CancelledError`.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks or watchdog is None:
        return
    _, pending = await asyncio.wait(tasks, timeout=CANCELLED_REQUESTS_S)
    if pending:
        names = ", ".join(sorted(task.get_name() for task in pending))
        error_logger.error("Tasks that ignore their cancellation: %s", names)
        watchdog.expect_end(0)


def _is_timeout(error: object) -> bool:
    """Return whether a server has ended because a listener took too long at the start, which was logged."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_timeout(inner) for inner in error.exceptions)
    return isinstance(error, StepTimeout)


@contextmanager
def _signals(stop: Stop | None) -> Iterator[None]:
    """Install signal handlers that begin the stop; in the main thread only, as Python requires it."""
    if stop is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    former_handlers = {number: signal.signal(number, stop.handle_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in former_handlers.items():
            signal.signal(number, handler)


def _loop_factory(
    settings: Sequence[Settings], *, inherited: bool = False
) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of the event loop; `None` for asyncio's default.

    Args:
        settings: the settings of each application's server.
        inherited: whether several processes have the same sockets.
    """
    for one_settings in settings:
        if one_settings.loop is not None:
            loop = one_settings.loop
            return lambda: loop
    choices = {one_settings.uvloop for one_settings in settings}
    if sys.platform == "win32":
        if True in choices:
            raise CannotServe("USE_UVLOOP is set, and there is no uvloop for Windows")
        # With the default loop, a socket belongs to one completion port for ever, so that a worker and its successor
        # cannot both accept connections. uvicorn's own workers use this loop on Windows, too.
        return asyncio.SelectorEventLoop if inherited else None
    if False in choices or (True not in choices and find_spec("uvloop") is None):
        return None
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ModuleNotFoundError:
        raise CannotServe("USE_UVLOOP is set, and uvloop is not installed: pip install uvloop") from None
    return factory
