"""Serve in this process, until the stop.

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
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, Stop, Watchdog, wait_for_first

logger = logging.getLogger("sanic.server")
error_logger = logging.getLogger("sanic.error")
# The applications that this process serves, each with the stop of its server.
served: list[tuple[Host, Stop]] = []


def serve(
    apps: Sequence[Host],
    settings: Sequence[Settings],
    sockets: Sequence[list[socket]],
    *,
    handle_signals: bool = True,
    on_ready: Callable[[Stop], None] = lambda stop: None,
    on_begin: Callable[[Stop], None] = lambda stop: None,
    stop_others: Callable[[], None] | None = None,
    on_stop_step: Callable[[str, float | None], None] | None = None,
) -> None:
    """Serve applications in this process until they are stopped.

    Args:
        apps: the applications.
        settings: the settings of each application's server.
        sockets: the bound sockets of each application.
        handle_signals: whether SIGINT and SIGTERM begin the stop.
        on_ready: called when all applications accept connections.
        on_begin: called with the stop, before any application starts.
        stop_others: called by `app.stop` to stop the other workers; `None` if there are none.
        on_stop_step: called when a listener of the stop begins, with its name and its time limit in seconds; called
            with an empty name when the listener has ended.

    Raises:
        CannotServe: the start of an application failed.
    """

    # In any other thread, another program owns the process.
    watchdog = Watchdog(apps) if threading.current_thread() is threading.main_thread() else None

    async def main() -> None:
        stop = Stop(
            stop_others, max(app_settings.graceful_timeout for app_settings in settings) + CLEAN_UP_BEFORE_EXIT_S
        )
        if watchdog is not None:
            watchdog.start()
            stop.watchdog = watchdog
        on_begin(stop)
        with _install_signal_handlers(stop if handle_signals else None):
            logger.info("Starting worker [%d]", os.getpid())
            await _serve_all(apps, settings, sockets, stop, lambda: on_ready(stop), on_stop_step)
            await _end_tasks(watchdog)
            logger.info("Worker complete [%d]", os.getpid())

    try:
        with asyncio.Runner(loop_factory=_loop_factory(settings, shares_sockets=stop_others is not None)) as runner:
            runner.run(main())
    finally:
        if watchdog is not None:
            watchdog.end()


async def _serve_all(
    apps: Sequence[Host],
    settings: Sequence[Settings],
    sockets: Sequence[list[socket]],
    stop: Stop,
    on_ready: Callable[[], None],
    on_stop_step: Callable[[str, float | None], None] | None,
) -> None:
    entries = [(app, stop) for app in apps]
    served.extend(entries)
    for app in apps:
        app._engine.lifecycle.starter = "server"
        app._engine.lifecycle.owns_process = stop.watchdog is not None
        if on_stop_step is not None:
            app._engine.lifecycle.on_stop_step = on_stop_step
    server_tasks: list[asyncio.Task[None]] = []
    accepting_apps: list[Host] = []
    # A stop during the start of an application cancels this start after `graceful_timeout`.
    overdue_task = asyncio.ensure_future(
        stop.wait_until_overdue(max(app_settings.graceful_timeout for app_settings in settings))
    )
    try:
        for app, app_settings, app_sockets in zip(apps, settings, sockets, strict=True):
            is_accepting = asyncio.Event()
            server_tasks.append(
                asyncio.ensure_future(
                    find_backend(app_settings.server).load()(app, app_settings, app_sockets, stop, is_accepting.set)
                )
            )
            await wait_for_first(is_accepting.wait(), [overdue_task, *server_tasks])
            if is_accepting.is_set():
                accepting_apps.append(app)
            if stop.has_begun or not is_accepting.is_set():
                break
        else:
            logger.info("Worker ready [%d]", os.getpid())
            on_ready()
            await wait_for_first(stop.wait_begun(), server_tasks)
    finally:
        stop.begin()
        overdue_task.cancel()
        is_start_unfinished = len(server_tasks) > len(accepting_apps)
        if is_start_unfinished:
            server_tasks[-1].cancel()
            done, _ = await asyncio.wait({server_tasks[-1]}, timeout=CLEAN_UP_BEFORE_EXIT_S)
            if not done and stop.watchdog is not None:
                stop.watchdog.expect_end(0)
        announce_task = asyncio.ensure_future(stop.announce(accepting_apps))
        force_task = asyncio.ensure_future(stop.call_when_forced(announce_task.cancel))
        results = await asyncio.gather(*server_tasks, announce_task, return_exceptions=True)
        force_task.cancel()
        if is_start_unfinished and stop.watchdog is not None:
            # The task of the server has ended, but the task of the application's start may ignore its cancellation.
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
    """Return whether a server has ended because a start listener exceeded its time limit, which was logged."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_timeout(inner) for inner in error.exceptions)
    return isinstance(error, StepTimeout)


@contextmanager
def _install_signal_handlers(stop: Stop | None) -> Iterator[None]:
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
    settings: Sequence[Settings], *, shares_sockets: bool = False
) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of the event loop; `None` for asyncio's default.

    Args:
        settings: the settings of each application's server.
        shares_sockets: whether several processes accept connections on the same sockets.
    """
    for app_settings in settings:
        if app_settings.loop is not None:
            loop = app_settings.loop
            return lambda: loop
    choices = {app_settings.uvloop for app_settings in settings}
    if sys.platform == "win32":
        if True in choices:
            raise CannotServe("USE_UVLOOP is set, and there is no uvloop for Windows")
        # With the default loop, a socket belongs to one completion port for ever, so a worker and its successor
        # cannot both accept connections. uvicorn's own workers use this loop on Windows, too.
        return asyncio.SelectorEventLoop if shares_sockets else None
    if False in choices or (True not in choices and find_spec("uvloop") is None):
        return None
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ModuleNotFoundError:
        raise CannotServe("USE_UVLOOP is set, and uvloop is not installed: pip install uvloop") from None
    return factory
