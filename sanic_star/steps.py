"""A step of an application's start or stop, a listener or a lifespan, and how long it may take.

A step that hangs would keep the process for ever. Where it has a limit, a thread watches over it; a timer of the event
loop would not notice what blocks the event loop:

    after the limit          one line in the log names the step. If it awaits something, it is cancelled
    `CLEAN_UP` seconds on    it has not ended: it blocks the event loop, or ignores the cancellation. A second line says
                             so, and if this process is ours to end (`fatal`), it ends there, with status 1

Nothing less than that stops code that blocks: a thread can't be ended from outside, and an exception that another
thread sets in it (`PyThreadState_SetAsyncExc`) arrives only when a call that waits in C, such as `time.sleep` or
`socket.recv`, has returned.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from inspect import isawaitable
from types import FrameType
from typing import Any, NamedTuple

logger = logging.getLogger("sanic.error")
# How long a step that was cancelled may take to clean up, in seconds.
CLEAN_UP = 5.0


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
    watch = _Watch(name, limit, fatal)
    # No thread can be started: the step matters more than the watch.
    with suppress(RuntimeError):
        watch.start()
    try:
        async with watch.timeout:
            result = await _called(call)
    except TimeoutError:
        if not watch.timeout.expired():
            raise
    finally:
        watch.ended.set()
    if watch.overdue:
        raise StepTimeout(f"{name} has not ended after {limit.seconds:g} s")
    return result


async def _called(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if isawaitable(result) else result


class _Watch(threading.Thread):
    """Watches over one step; made in the thread that runs it."""

    def __init__(self, name: str, limit: Limit, fatal: bool) -> None:
        super().__init__(daemon=True, name="sanic-star-step")
        # It begins the sentences in the log.
        self._step, self._limit, self._fatal = name[:1].upper() + name[1:], limit, fatal
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._cancelled = False
        self.timeout = asyncio.timeout(None)
        self.ended = threading.Event()
        self.overdue = False

    def run(self) -> None:
        if self.ended.wait(self._limit.seconds):
            return
        self.overdue = True
        logger.error("%s has not ended after %g s (%s); it is cancelled", self._step, *self._limit)
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._cancel)
        if self.ended.wait(CLEAN_UP):
            return
        how = "ignores the cancellation" if self._cancelled else f"blocks the event loop{position(self._watched)}"
        logger.error("%s %s%s", self._step, how, "; the process ends" if self._fatal else "")
        if self._fatal:
            end_process()

    def _cancel(self) -> None:
        if not self.ended.is_set():
            self._cancelled = True
            self.timeout.reschedule(self._loop.time())


def position(thread: int) -> str:
    """Return where a thread is, for the end of a sentence; empty where the interpreter does not tell.

    Args:
        thread: its identifier, as of `threading.get_ident`.
    """
    frames: Callable[[], dict[int, FrameType]] = getattr(sys, "_current_frames", dict)
    frame = frames().get(thread)
    return "" if frame is None else f" at {frame.f_code.co_filename}:{frame.f_lineno} ({frame.f_code.co_name})"


def end_process() -> None:
    """End this process at once, with status 1, from any thread.

    What stands in the buffers of its standard streams is written, unless that blocks: the thread that hangs may hold
    their locks.
    """
    writer = threading.Thread(target=_flush, daemon=True)
    with suppress(RuntimeError):
        writer.start()
        writer.join(1)
    os._exit(1)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
