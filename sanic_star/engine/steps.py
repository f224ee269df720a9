"""The time limits of steps. A step is a listener or a lifespan at an application's start or stop.

A step that hangs would keep the process from ending. So a thread watches each step that has a limit. A timer of the
event loop would not run while the step blocks the event loop.

    after the limit                the log names the step; the step is cancelled, unless it blocks the event loop
    `CLEAN_UP_BEFORE_EXIT_S` later the step still runs, because it blocks the event loop or ignores the cancellation:
                                   the log says so, and the process ends with status 1 if the step is `fatal`

Code that blocks cannot be stopped in a gentler way. A thread cannot be ended from outside, and an exception that
another thread sets in it (`PyThreadState_SetAsyncExc`) is raised only after a blocking call in C, such as `time.sleep`
or `socket.recv`, has returned.
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
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from queue import SimpleQueue

    # PERF: `Literal`, and only for type checkers: an `Enum` class takes 0.1 ms of the import, these three take as long.
    # Safe because mypy checks the names.
    # The times at which an application's listeners run.
    Phase = Literal["before_server_start", "after_server_start", "before_server_stop", "after_server_stop"]
    # The stage of an application's life cycle, which it may go through any number of times.
    Stage = Literal["idle", "starting", "running", "stopping", "closing", "closed"]
    # The part that starts and stops an application: "lifespan" is a server that sends lifespan messages; "server" is a
    # server of this package, which runs each phase; "request" is the first request, under a server without lifespan.
    Starter = Literal["lifespan", "server", "request"]

logger = logging.getLogger("sanic.error")
# How long a step that was cancelled may take to clean up, in seconds.
CLEAN_UP_BEFORE_EXIT_S = 5.0
# The stages from the end of the start to the end of the stop.
UP: frozenset[Stage] = frozenset({"running", "stopping", "closing"})


class Limit:
    """The time limit of a step.

    Args:
        seconds: the limit, in seconds.
        setting: the name of the setting that has it, for the log.
    """

    # PERF: no named tuple, whose class takes 0.1 ms of the import. Safe because nothing unpacks or compares limits.
    __slots__ = ("seconds", "setting")

    def __init__(self, seconds: float, setting: str) -> None:
        self.seconds = seconds
        self.setting = setting


class StepTimeout(TimeoutError):
    """A step took longer than its limit. It was logged."""


async def run_step(call: Callable[[], Any], name: str, limit: Limit | None, *, fatal: bool = False) -> Any:
    """Call a function, and await its result if that is awaitable.

    Args:
        call: the function.
        name: the step's name in the log.
        limit: its time limit; `None` for no limit.
        fatal: whether the process ends if the step cannot be cancelled.

    Returns:
        The result of the step.

    Raises:
        StepTimeout: the step was cancelled, or it blocked the event loop and ended after its limit.
    """
    if limit is None or limit.seconds > threading.TIMEOUT_MAX:
        return await _call_and_await(call)
    step = _Step(name, limit, fatal)
    start_watching()
    _new_steps().put(step)
    try:
        async with step.timeout:
            result = await _call_and_await(call)
    except TimeoutError:
        if not step.timeout.expired():
            raise
    finally:
        step.is_over = True
    if step.is_expired:
        raise StepTimeout(f"{name} has not ended after {limit.seconds:g} s")
    return result


async def _call_and_await(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if isawaitable(result) else result


class _Step:
    """A step that is watched; created in the thread that runs it. The arguments are those of `run_step`."""

    def __init__(self, name: str, limit: Limit, fatal: bool) -> None:
        # The messages in the log begin with the name.
        self._name, self._limit, self._fatal = name[:1].upper() + name[1:], limit, fatal
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._is_cancelled = False
        self.timeout = asyncio.timeout(None)
        self.is_over = self.is_expired = False
        # The time of the next check, by `time.monotonic`.
        self.next_check = monotonic() + limit.seconds

    def check(self) -> None:
        """Cancel the step; at the second call, end the process."""
        if self.is_expired:
            self.next_check = math.inf
            problem = (
                "ignores the cancellation" if self._is_cancelled else f"blocks the event loop{position(self._thread)}"
            )
            logger.error("%s %s%s", self._name, problem, "; the process ends" if self._fatal else "")
            if self._fatal:
                end_process()
            return
        self.is_expired = True
        self.next_check = monotonic() + CLEAN_UP_BEFORE_EXIT_S
        seconds, setting = self._limit.seconds, self._limit.setting
        logger.error("%s has not ended after %g s (%s); it is cancelled", self._name, seconds, setting)
        with suppress(RuntimeError):  # raised if the event loop is closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if not self.is_over:
            self._is_cancelled = True
            self.timeout.reschedule(self._loop.time())


@cache
def _new_steps() -> SimpleQueue[_Step]:
    """Return the queue of steps for the watching thread."""
    # Imported late: only an application that starts needs it.
    from queue import SimpleQueue

    return SimpleQueue()


_watcher: threading.Thread | None = None
_start_lock = threading.Lock()


def is_a_server() -> bool:
    """Return whether this process is a server's, so that a step may end it.

    It is if this is the main thread, and there is a handler for SIGTERM.
    """
    from sanic_star.engine.os_signals import DEFAULT_HANDLERS

    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) not in DEFAULT_HANDLERS
    )


def start_watching() -> None:
    """Start the thread that watches steps, unless it runs; a process has one.

    An application calls this at its start, because on a busy machine a new thread may have to wait before it runs.
    """
    global _watcher
    with _start_lock:
        # A thread does not survive a fork.
        if _watcher is None or not _watcher.is_alive():
            # Created under the lock, because `cache` alone could create two.
            _new_steps()
            _watcher = threading.Thread(target=_watch_steps, daemon=True, name="sanic-star-steps")
            # If no thread can be started, the step runs without a limit.
            with suppress(RuntimeError):
                _watcher.start()


def _watch_steps() -> None:
    # Imported late, as in `_new_steps`.
    from queue import Empty

    steps: list[_Step] = []
    while True:
        steps = [step for step in steps if not step.is_over]
        next_check = min((step.next_check for step in steps), default=math.inf)
        timeout = None if next_check == math.inf else max(0.0, next_check - monotonic())
        try:
            steps.append(_new_steps().get(timeout=timeout))
        except Empty:
            for step in steps:
                if not step.is_over and step.next_check <= monotonic():
                    step.check()


def position(thread: int) -> str:
    """Return the file, line and function that a thread runs, to append to a message.

    Args:
        thread: the thread's identifier, from `threading.get_ident`.

    Returns:
        A text that begins with a space; empty if the interpreter does not give the frames of other threads.
    """
    frames: Callable[[], dict[int, FrameType]] = getattr(sys, "_current_frames", dict)
    frame = frames().get(thread)
    return "" if frame is None else f" at {frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"


def end_process(status: int = 1) -> None:
    """End this process at once, from any thread.

    The buffers of its standard streams are written, for at most one second: the thread that hangs may hold their locks.

    Args:
        status: the exit status.
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
