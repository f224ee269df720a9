"""A step of an application's start or stop, a listener or a lifespan, and how long it may take.

A step that hangs would keep the process for ever. Where it has a limit, a thread watches over it; a timer of the event
loop would not notice what blocks the event loop:

    after the limit               one line in the log names the step. If it awaits something, it is cancelled
    `CLEAN_UP_BEFORE_EXIT_S` on   it has not ended: it blocks the event loop, or ignores the cancellation. A second line
                                  says so, and if this process is ours to end (`fatal`), it ends there, with status 1

Nothing less than that stops code that blocks: a thread can't be ended from outside, and an exception that another
thread sets in it (`PyThreadState_SetAsyncExc`) arrives only when a call that waits in C, such as `time.sleep` or
`socket.recv`, has returned.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from inspect import isawaitable
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from queue import SimpleQueue

logger = logging.getLogger("sanic.error")
# How long a step that was cancelled may take to clean up, in seconds.
CLEAN_UP_BEFORE_EXIT_S = 5.0


# PERF: `Literal`, not an enumeration: creating an `Enum` class takes 0.1 ms of the import. Safe because mypy checks the
# names.
# The moments at which an application's listeners run.
Phase = Literal["before_server_start", "after_server_start", "before_server_stop", "after_server_stop"]
# Where an application stands in its life; it may go round any number of times.
Stage = Literal["idle", "starting", "running", "stopping", "closing", "closed"]
# The stages between the end of the start and that of the stop.
UP: frozenset[Stage] = frozenset({"running", "stopping", "closing"})


# Who starts an application, and so who stops it: a server that sends lifespan messages; a server of this package, which
# calls each phase at its moment; the first request, where no lifespan has come.
Starter = Literal["lifespan", "server", "request"]


class Limit(NamedTuple):
    """How long a step may take.

    Args:
        seconds: the time.
        setting: the setting that says so, for the log.
    """

    seconds: float
    setting: str


class StepTimeout(TimeoutError):
    """A step took longer than its limit; the log has said so."""


async def run_step(call: Callable[[], Any], name: str, limit: Limit | None, *, fatal: bool = False) -> Any:
    """Call something, and await the result where it is awaitable.

    Args:
        call: the step.
        name: what the log calls it.
        limit: how long it may take; None for ever.
        fatal: whether the process ends if the step can't be cancelled.

    Returns:
        What the step returns.

    Raises:
        StepTimeout: it took too long; where it blocked the event loop, it was over then nevertheless.
    """
    if limit is None or limit.seconds > threading.TIMEOUT_MAX:
        return await _called(call)
    step = _Step(name, limit, fatal)
    start_watching()
    _begun().put(step)
    try:
        async with step.timeout:
            result = await _called(call)
    except TimeoutError:
        if not step.timeout.expired():
            raise
    finally:
        step.is_over = True
    if step.is_overdue:
        raise StepTimeout(f"{name} has not ended after {limit.seconds:g} s")
    return result


async def _called(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if isawaitable(result) else result


class _Step:
    """A step that is watched; made in the thread that runs it."""

    def __init__(self, name: str, limit: Limit, fatal: bool) -> None:
        # It begins the sentences in the log.
        self._name, self._limit, self._fatal = name[:1].upper() + name[1:], limit, fatal
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._is_cancelled = False
        self.timeout = asyncio.timeout(None)
        self.is_over = self.is_overdue = False
        # When the watch looks at it next (`time.monotonic`).
        self.due = monotonic() + limit.seconds

    def look(self) -> None:
        """Cancel the step, or end the process if that was done before; called when it is due."""
        if self.is_overdue:
            self.due = math.inf
            how = "ignores the cancellation" if self._is_cancelled else f"blocks the event loop{position(self._thread)}"
            logger.error("%s %s%s", self._name, how, "; the process ends" if self._fatal else "")
            if self._fatal:
                end_process()
            return
        self.is_overdue = True
        self.due = monotonic() + CLEAN_UP_BEFORE_EXIT_S
        seconds, setting = self._limit.seconds, self._limit.setting
        logger.error("%s has not ended after %g s (%s); it is cancelled", self._name, seconds, setting)
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if not self.is_over:
            self._is_cancelled = True
            self.timeout.reschedule(self._loop.time())


@cache
def _begun() -> SimpleQueue[_Step]:
    """Return the steps that the watch has not seen yet."""
    # Only an application that starts needs it.
    from queue import SimpleQueue

    return SimpleQueue()


_watch: threading.Thread | None = None
_starting = threading.Lock()


def is_a_server() -> bool:
    """Tell whether a step that can't be cancelled may end the process.

    A process is a server's where this is the main thread, and somebody has taken SIGTERM.
    """
    from sanic_star.engine.os_signals import NOT_A_SERVERS

    return (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) not in NOT_A_SERVERS
    )


def start_watching() -> None:
    """Start the thread that watches over steps, one for the process, if it does not run.

    An application does so when it starts: a stop should not have to wait until the system gives a new thread its turn.
    """
    global _watch
    with _starting:
        # It is dead in a process that was forked.
        if _watch is None or not _watch.is_alive():
            # Here, where one thread at a time makes it.
            _begun()
            _watch = threading.Thread(target=_watch_steps, daemon=True, name="sanic-star-steps")
            # No thread can be started: the step matters more than the watch.
            with suppress(RuntimeError):
                _watch.start()


def _watch_steps() -> None:
    # As above.
    from queue import Empty

    steps: list[_Step] = []
    while True:
        steps = [step for step in steps if not step.is_over]
        due = min((step.due for step in steps), default=math.inf)
        try:
            steps.append(_begun().get(timeout=None if due == math.inf else max(0.0, due - monotonic())))
        except Empty:
            for step in steps:
                if not step.is_over and step.due <= monotonic():
                    step.look()


def position(thread: int) -> str:
    """Return where a thread is, for the end of a sentence; empty where the interpreter does not tell.

    Args:
        thread: its identifier, as of `threading.get_ident`.
    """
    frames: Callable[[], dict[int, FrameType]] = getattr(sys, "_current_frames", dict)
    frame = frames().get(thread)
    return "" if frame is None else f" at {frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"


def end_process(status: int = 1) -> None:
    """End this process at once, with a status, from any thread.

    What stands in the buffers of its standard streams is written, unless that blocks: the thread that hangs may hold
    their locks.
    """
    writer = threading.Thread(target=_flush, daemon=True)
    with suppress(RuntimeError):
        writer.start()
        writer.join(1)
    os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
