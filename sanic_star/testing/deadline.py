"""A deadline for what would never end, and the place where it hangs.

Whoever waits for an app waits through ``within``. When the time is up, the task that waits is looked at before it is
cancelled: the innermost line of it that is the user's own is where the test hangs.

A deadline counts the time in which the loop runs, in some steps: an hour in a debugger is one step, however long.
"""

import asyncio
import os
import sysconfig
from collections.abc import Coroutine, Iterator
from linecache import getline
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

__all__ = ["Deadline", "DeadlineExceeded", "deadline", "place_of", "within"]

T = TypeVar("T")

VARIABLE = "SANIC_STAR_TEST_DEADLINE"
# As long as a proxy in front of a server waits for an answer, by default; a test that is slow on purpose takes less.
_DEFAULT = 60.0
_STEPS = 6

_LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_FOREIGN = ("<frozen", *(os.path.join(path, "") for path in [*_LIBRARIES, str(Path(__file__).parent.parent)]))


class DeadlineExceeded(TimeoutError):
    """Something did not end in time; the message says where it waits."""


def deadline() -> float | None:
    """How long a client waits when nobody says otherwise, in seconds; None: for ever.

    It is 60, or what the environment variable `SANIC_STAR_TEST_DEADLINE` says; 0 is for ever.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return _DEFAULT
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"{VARIABLE} is a number of seconds, 0 for no deadline, got {text!r}") from None
    return seconds if seconds > 0 else None


async def within(coroutine: Coroutine[Any, Any, T], what: str, seconds: float | None = None) -> T:
    """Wait for a coroutine; past the deadline cancel it, and say where it was.

    Args:
        coroutine: what to wait for.
        what: its name, for the message.
        seconds: how long; by default as long as ``deadline`` says.

    Raises:
        DeadlineExceeded: it was not done in time.
    """
    watch = Deadline(what, seconds)
    try:
        return await coroutine
    except asyncio.CancelledError:
        watch.check()
        raise
    finally:
        watch.end()


class Deadline:
    """Cancel the task that makes it when time is up; see ``within``.

    Args:
        what: the name of what is waited for, for the message.
        seconds: how long; by default as long as ``deadline`` says.
    """

    def __init__(self, what: str, seconds: float | None = None) -> None:
        self._what = what
        self._place: str | None = None
        self._is_explicit = seconds is not None
        self._seconds = seconds if self._is_explicit else deadline()
        self._handle: asyncio.TimerHandle | None = None
        if self._seconds is not None:
            self._task = asyncio.current_task()
            self._left = 1 if self._is_explicit else _STEPS
            self._step = self._seconds / self._left
            self._handle = asyncio.get_running_loop().call_later(self._step, self._tick)

    def check(self) -> None:
        """Raise DeadlineExceeded when it is this deadline that has cancelled the task."""
        if self._place is not None:
            assert self._task is not None
            self._task.uncancel()
            advice = "" if self._is_explicit else f"; end it there, or set {VARIABLE} to more seconds"
            raise DeadlineExceeded(f"{self._what} within {self._seconds:g} s: it waits {self._place}{advice}") from None

    def end(self) -> None:
        """Call it off."""
        if self._handle is not None:
            self._handle.cancel()

    def _tick(self) -> None:
        self._left -= 1
        if self._left:
            self._handle = asyncio.get_running_loop().call_later(self._step, self._tick)
            return
        assert self._task is not None
        self._place = place_of(self._task)
        self._task.cancel()


def place_of(task: "asyncio.Task[Any]") -> str:
    """Say where a task waits: the innermost line of the user, in it or else in another task of the loop."""
    tasks = [task, *(pending for pending in asyncio.all_tasks(task.get_loop()) if pending is not task)]
    for pending in tasks:
        own_frames = [frame for frame in _frames(pending) if not frame.f_code.co_filename.startswith(_FOREIGN)]
        if own_frames:
            return _position(own_frames[-1])
    frames = list(_frames(task))
    return _position(frames[-1]) if frames else "at a place unknown"


def _position(frame: FrameType) -> str:
    name, line = frame.f_code.co_filename, frame.f_lineno
    source = getline(name, line).strip()
    return f"at {name}:{line} in {frame.f_code.co_name}" + (f" ({source})" if source else "")


def _frames(task: "asyncio.Task[Any] | None") -> Iterator[FrameType]:
    """Yield the frames of what a task runs, outermost first, through the tasks that it waits for."""
    while task is not None:
        running: Any = task.get_coro()
        while running is not None:
            frame, running = _next(running)
            if frame is not None:
                yield frame
        # What the task waits for; a detail of asyncio, which its debuggers read too.
        waited = getattr(task, "_fut_waiter", None)
        for child in getattr(waited, "_children", None) or ():
            if not child.done():
                waited = child
                break
        task = waited if isinstance(waited, asyncio.Task) else None


def _next(running: Any) -> tuple[FrameType | None, Any]:
    for kind in ("cr", "gi", "ag"):
        frame = getattr(running, f"{kind}_frame", None)
        if frame is not None:
            inner = getattr(running, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
            return frame, inner
    return None, None
