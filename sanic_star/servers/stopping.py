"""The stop of what a process serves: what begins it, what waits for it, and what ends a process that does not react."""

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
from sanic_star.engine.os_signals import Signalled
from sanic_star.engine.seams import Host
from sanic_star.engine.steps import CLEAN_UP_BEFORE_EXIT_S, end_process, position
from sanic_star.engine.streams import FAREWELL

logger = logging.getLogger("sanic.server")
error_logger = logging.getLogger("sanic.error")
# A client that has taken nothing for so long at the stop, in seconds, gets no more.
STALLED = 1.0
# How long a request that was cancelled has to answer with 503 and clean up, in seconds.
LAST_WORDS = 1.0
# How often it is looked whether something is over, in seconds.
TICK = 0.05


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
        self.ended_endless = any(app._engine.endless for app in apps)
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


async def first(waiting: Any, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for something, or for the end of one of these."""
    waiter = asyncio.ensure_future(waiting)
    await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()


async def lose_patience(app: Host, patience: float) -> None:
    """End the requests in flight after so many seconds."""
    await asyncio.sleep(patience)
    app._engine.sweeper.end_all()
