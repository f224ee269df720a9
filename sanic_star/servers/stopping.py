"""The stop of all servers of a process.

`Stop` has three states, in this order:

- *begun*, by a signal, by `app.stop()`, or by the supervisor;
- *announced*, once the applications have run `before_server_stop` and ended their endless responses. Servers wait for
  this state, then let requests end;
- *forced*, by a second Ctrl-C. From then on nothing waits for requests or listeners.

If the event loop is blocked, the stop reaches none of these states; then the thread `Watchdog` ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from sanic_star.engine.failures import log_error
from sanic_star.engine.os_signals import ReceivedSignals
from sanic_star.engine.seams import Host
from sanic_star.engine.steps import CLEAN_UP_BEFORE_EXIT_S, end_process, position
from sanic_star.engine.streams import STREAM_END_S

logger = logging.getLogger("sanic.server")
error_logger = logging.getLogger("sanic.error")
# The time after which a connection is aborted during a stop if its client reads nothing of the response, in seconds.
STALLED_CLIENT_S = 1.0
# How long a cancelled request may take to answer with 503 and to clean up, in seconds.
CANCELLED_REQUESTS_S = 1.0
# The interval between checks for requests and connections during a stop, in seconds.
POLL_S = 0.05


def limit_exit_time() -> None:
    """Make this process end at most `CLEAN_UP_BEFORE_EXIT_S` after its main thread, even if other threads still run.

    A listener of the main process may leave a thread that never ends: aiosqlite has one for each open connection.
    """
    if threading.current_thread() is threading.main_thread():
        threading.Thread(target=_end_after_main_thread, daemon=True, name="exit").start()


def _end_after_main_thread() -> None:
    main = threading.main_thread()
    main.join()
    deadline = monotonic() + CLEAN_UP_BEFORE_EXIT_S
    other_threads = [thread for thread in threading.enumerate() if not thread.daemon and thread is not main]
    for thread in other_threads:
        thread.join(max(0.0, deadline - monotonic()))
    names = ", ".join(thread.name for thread in other_threads if thread.is_alive())
    if names:
        error_logger.error("Threads of listeners of the main process keep the process from ending: %s", names)
        end_process(0)


class Stop:
    """The stop of all servers of this process.

    Args:
        stop_others: makes the supervisor stop the other workers; `None` if there is no supervisor.
        patience: how long a blocked event loop may take to react, in seconds.
    """

    def __init__(self, stop_others: Callable[[], None] | None = None, patience: float = math.inf) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = asyncio.Event()
        self._announced = asyncio.Event()
        self._forced = asyncio.Event()
        self._stop_others = stop_others
        # Ends the process if the event loop does not react; `None` if this package does not own the process.
        self.watchdog: Watchdog | None = None
        self._patience = patience
        # Whether websockets or event streams were open when the stop began.
        self.has_ended_endless = False
        self._received_signals = ReceivedSignals()

    def begin(self, *, everywhere: bool = False) -> None:
        """Begin the stop; can be called in any thread, and in a signal handler.

        Args:
            everywhere: whether the other workers stop too.
        """
        if everywhere and self._stop_others is not None:
            self._stop_others()
        self._received_signals.record_stop()
        self._set(self._begun, self._patience)

    def handle_signal(self, number: int, frame: Any) -> None:
        """Begin the stop; at the second Ctrl-C, force it.

        A second SIGTERM does not force it, because many supervisors send SIGTERM to a process and to its group. A
        worker does not force its stop either: a signal to all processes reaches it before or after the message of its
        supervisor, which kills it at the second Ctrl-C.

        Args:
            number: the signal.
            frame: the interrupted frame; not used.
        """
        if self._received_signals(number) and self._stop_others is None:
            if self.watchdog is not None:
                self.watchdog.expect_end(CLEAN_UP_BEFORE_EXIT_S)
            self._set(self._forced, CANCELLED_REQUESTS_S)
        else:
            self._set(self._begun, self._patience)

    def _set(self, event: asyncio.Event, patience: float) -> None:
        """Set an event from any thread; the event loop has `patience` seconds to react."""
        if self._loop.is_closed():
            return
        if self.watchdog is not None:
            self.watchdog.expect_reaction(patience)
        self._loop.call_soon_threadsafe(self._react, event)

    def _react(self, event: asyncio.Event) -> None:
        if event is self._forced and not event.is_set():
            logger.warning("Second Ctrl-C: requests are cancelled, and listeners of the stop are skipped")
        event.set()
        if self.watchdog is not None:
            self.watchdog.report_reaction()

    @property
    def has_begun(self) -> bool:
        """Whether the stop has begun."""
        return self._begun.is_set()

    @property
    def is_forced(self) -> bool:
        """Whether the stop no longer waits for requests or listeners."""
        return self._forced.is_set()

    async def wait_announced(self) -> None:
        """Wait until the applications have run `before_server_stop`; afterwards, a server lets its requests end."""
        await self._announced.wait()

    async def wait_begun(self) -> None:
        """Wait until the stop begins."""
        await self._begun.wait()

    async def wait_until_overdue(self, patience: float) -> None:
        """Wait until the stop is forced, or has lasted longer than `patience`.

        Args:
            patience: the time since the beginning of the stop, in seconds.
        """
        await self._begun.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._forced.wait(), patience)

    async def announce(self, apps: Sequence[Host]) -> None:
        """Wait until the stop begins, run `before_server_stop`, and let the servers continue their stop.

        Args:
            apps: the applications that were started, in the order of their start; the last one comes first.
        """
        await self._begun.wait()
        self._received_signals.log()
        logger.info("Stopping worker [%d]", os.getpid())
        self.has_ended_endless = any(app._engine.streams.endless for app in apps)
        try:
            for app in reversed(apps):
                try:
                    app._engine.behaviour.stopping()
                    await app._engine.lifecycle.before_stop()
                except Exception as error:
                    # The stop continues, also for the other applications, and the exit status stays 0 (as in Sanic
                    # 25.12).
                    log_error(error_logger, error, "A listener failed before the stop of %r", app)
                await app._engine.endless_ended(STREAM_END_S)
        finally:
            self._announced.set()

    async def call_when_forced(self, function: Callable[[], object]) -> None:
        """Wait until the stop is forced, then call a function.

        Args:
            function: the function.
        """
        await self._forced.wait()
        function()


class StalledConnections:
    """Finds connections whose client has stopped reading, or has left without closing the connection.

    A server would wait for ever to send such a client the rest of its response.
    """

    def __init__(self) -> None:
        # For each transport: the number of unsent bytes, and the time since which it has not changed.
        self._unsent: dict[asyncio.WriteTransport, tuple[int, float]] = {}

    def is_stalled(self, transport: asyncio.WriteTransport) -> bool:
        """Return whether a connection has unsent bytes, and has sent none for `STALLED_CLIENT_S`.

        Args:
            transport: the connection's transport; the method compares it with the last call for the same transport.
        """
        size, now = transport.get_write_buffer_size(), monotonic()
        former_size, since = self._unsent.get(transport, (size, now))
        self._unsent[transport] = size, since if size == former_size else now
        return size > 0 and size == former_size and now - since >= STALLED_CLIENT_S


class Watchdog(threading.Thread):
    """Ends this process with status 1 when its stop has begun and does not end.

    Either something blocks the event loop, or a task ignores its cancellation after the second Ctrl-C. Create it in the
    thread of the event loop.

    Args:
        apps: the applications that are served.
    """

    def __init__(self, apps: Sequence[Host]) -> None:
        super().__init__(daemon=True, name="sanic-star-watchdog")
        self._apps = apps
        self._loop_thread_id = threading.get_ident()
        # The time limit for a reaction, in seconds; `None` reports a reaction. A `SimpleQueue`, because signal handlers
        # call its `put`, which may interrupt another `put`.
        self._messages: SimpleQueue[float | None] = SimpleQueue()
        # The time at which the process must have ended, by `monotonic`.
        self._latest_end = math.inf
        self._is_finished = False

    def expect_reaction(self, patience: float) -> None:
        """Set the time limit for the next reaction of the event loop.

        Args:
            patience: the limit, in seconds.
        """
        self._messages.put(patience)

    def expect_end(self, patience: float) -> None:
        """Set the time limit for the end of the process.

        Args:
            patience: the limit, in seconds.
        """
        self._latest_end = min(self._latest_end, monotonic() + patience)
        self._messages.put(math.inf)

    def report_reaction(self) -> None:
        """Report that the event loop has reacted."""
        self._messages.put(None)

    def end(self) -> None:
        """Stop watching."""
        self._is_finished = True
        self._messages.put(None)

    def run(self) -> None:
        began = deadline = math.inf
        while not self._is_finished:
            timeout = max(0.0, min(deadline, self._latest_end) - monotonic())
            try:
                patience = self._messages.get(timeout=timeout if timeout < threading.TIMEOUT_MAX else None)
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
            error_logger.error("The stop does not end, because %s ignores its cancellation; the process ends", step)
        else:
            code_position = position(self._loop_thread_id)
            error_logger.error(
                "The event loop has not reacted to the stop for %.1f s: %s blocks it%s; the process ends",
                seconds,
                step,
                code_position,
            )
        end_process()


async def wait_for_first(awaitable: Any, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait until an awaitable or one of the tasks has ended; then cancel the awaitable.

    Args:
        awaitable: the awaitable.
        tasks: the tasks, which are not cancelled.
    """
    waiter = asyncio.ensure_future(awaitable)
    await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


async def end_requests_after(app: Host, patience: float) -> None:
    """Wait, then cancel the requests in flight.

    Args:
        app: the application.
        patience: the wait, in seconds.
    """
    await asyncio.sleep(patience)
    app._engine.sweeper.abort_all()
