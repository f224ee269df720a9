"""Time limits for test clients. If a limit is exceeded, the error names the user's innermost line that waits.

The clients wait for an application with `within`. At the limit, the frames of the waiting task are read before the task
is cancelled.

A limit counts the time in which the event loop runs. It is divided into a few steps, each a timer, and a pause in a
debugger counts as at most one step, even if it lasts an hour.
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
# nginx's default for `proxy_read_timeout`; tests that are slow on purpose take less.
DEFAULT_DEADLINE_S = 60.0
_STEP_COUNT = 6

_LIBRARY_PATHS = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_FOREIGN_PREFIXES = (
    "<frozen",
    *(os.path.join(path, "") for path in [*_LIBRARY_PATHS, str(Path(__file__).parent.parent)]),
)


class DeadlineExceeded(TimeoutError):
    """A time limit was exceeded; the message names the line that waits."""


def deadline() -> float | None:
    """Return the default time limit in seconds; `None` for no limit.

    It is the value of the environment variable `SANIC_STAR_TEST_DEADLINE`, by default 60; 0 means no limit.

    Raises:
        ValueError: the value of the variable is not a number.
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return DEFAULT_DEADLINE_S
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"{VARIABLE} is a number of seconds, 0 for no limit, got {text!r}") from None
    return seconds if seconds > 0 else None


async def within(coroutine: Coroutine[Any, Any, T], subject: str, seconds: float | None = None) -> T:
    """Wait for a coroutine; at the time limit, cancel it and raise an error that names the line that waits.

    Args:
        coroutine: the coroutine to run.
        subject: begins the message, for example `no answer to GET /`.
        seconds: the time limit; by default the value of `deadline()`.

    Raises:
        DeadlineExceeded: the coroutine did not end in time.
    """
    watch = Deadline(subject, seconds)
    try:
        return await coroutine
    except asyncio.CancelledError:
        watch.check()
        raise
    finally:
        watch.end()


class Deadline:
    """A timer that cancels the current task at the time limit; see `within`.

    Args:
        subject: begins the message, for example `no answer to GET /`.
        seconds: the time limit; by default the value of `deadline()`.
    """

    def __init__(self, subject: str, seconds: float | None = None) -> None:
        self._subject = subject
        self._place: str | None = None
        self._is_explicit = seconds is not None
        self._seconds = seconds if self._is_explicit else deadline()
        self._handle: asyncio.TimerHandle | None = None
        if self._seconds is not None:
            self._task = asyncio.current_task()
            self._steps_left = 1 if self._is_explicit else _STEP_COUNT
            self._step = self._seconds / self._steps_left
            self._handle = asyncio.get_running_loop().call_later(self._step, self._tick)

    def check(self) -> None:
        """Raise `DeadlineExceeded` if this deadline has cancelled the task."""
        if self._place is not None:
            assert self._task is not None
            self._task.uncancel()
            advice = "" if self._is_explicit else f"; end it there, or set {VARIABLE} to more seconds"
            raise DeadlineExceeded(
                f"{self._subject} within {self._seconds:g} s: it waits {self._place}{advice}"
            ) from None

    def end(self) -> None:
        """Cancel the timer."""
        if self._handle is not None:
            self._handle.cancel()

    def _tick(self) -> None:
        self._steps_left -= 1
        if self._steps_left:
            self._handle = asyncio.get_running_loop().call_later(self._step, self._tick)
            return
        assert self._task is not None
        self._place = place_of(self._task)
        self._task.cancel()


def place_of(task: "asyncio.Task[Any]") -> str:
    """Return where a task waits: the user's innermost line in this task, or else in another task of the loop."""
    tasks = [task, *(pending for pending in asyncio.all_tasks(task.get_loop()) if pending is not task)]
    for pending in tasks:
        own_frames = [frame for frame in _frames(pending) if not frame.f_code.co_filename.startswith(_FOREIGN_PREFIXES)]
        if own_frames:
            return _position(own_frames[-1])
    frames = list(_frames(task))
    return _position(frames[-1]) if frames else "at a place unknown"


def _position(frame: FrameType) -> str:
    name, line = frame.f_code.co_filename, frame.f_lineno
    source = getline(name, line).strip()
    return f"at {name}:{line} in {frame.f_code.co_name}" + (f" ({source})" if source else "")


def _frames(task: "asyncio.Task[Any] | None") -> Iterator[FrameType]:
    """Yield the frames of a task and of the tasks that it waits for, the outermost first."""
    while task is not None:
        running: Any = task.get_coro()
        while running is not None:
            frame, running = _frame_and_inner(running)
            if frame is not None:
                yield frame
        # The future that the task waits for. The attribute is private to asyncio; debuggers read it too.
        awaited = getattr(task, "_fut_waiter", None)
        for child in getattr(awaited, "_children", None) or ():
            if not child.done():
                awaited = child
                break
        task = awaited if isinstance(awaited, asyncio.Task) else None


def _frame_and_inner(running: Any) -> tuple[FrameType | None, Any]:
    for kind in ("cr", "gi", "ag"):
        frame = getattr(running, f"{kind}_frame", None)
        if frame is not None:
            inner = getattr(running, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
            return frame, inner
    return None, None
