"""Jobs that run at intervals, or by a cron expression.

The runs of one timer never overlap: the next run waits for the end of the last one, and times that have passed in
between are skipped. Each run is a background task of its own, so that a failure is logged with the job's name, and the
next run still starts.

With a lock file a job runs in only one of several processes: in the one that holds the file's lock. The others try to
lock it at each run, and one of them succeeds when that process has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable, Coroutine
from datetime import datetime, tzinfo
from pathlib import Path
from typing import IO, Any

from sanic_star.engine.tasks import Tasks, TooManyTasksError

logger = logging.getLogger("sanic.root")

# A function that returns the time of a job's next run. Its arguments are the current time, and the planned time of the
# last run or `None`. All times are in seconds since the epoch.
NextRunTime = Callable[[float, float | None], float]

# The longest sleep, in seconds, after which a change of the clock is noticed.
LONGEST_SLEEP_S = 60.0


class Lock:
    """A lock on a file that one process of a machine holds; the system releases it when the process ends.

    Args:
        path: the file; created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; return whether this process holds it.

        Raises:
            OSError: the file cannot be created or opened.
        """
        if self._file is not None and not self._is_in_place():
            # Systems delete old files in directories for temporary files: other processes would lock a new file.
            self.release()
        if self._file is None:
            file = open(self.path, "ab", opener=_open_private)  # noqa: SIM115 (open as long as the lock is held)
            if not _lock(file):
                file.close()
                return False
            self._file = file
        return True

    def _is_in_place(self) -> bool:
        """Return whether the locked file is still the one at the path."""
        assert self._file is not None
        try:
            return os.path.samestat(os.stat(self.path, follow_symlinks=False), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _open_private(path: str, flags: int) -> int:
    # Any user may be able to write to the directory: the file is this user's only, and must not be a link.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _lock(file: IO[bytes]) -> bool:
    """Lock an open file for this process; return whether that was possible."""
    try:
        import fcntl
    except ImportError:
        return _lock_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[attr-defined,unused-ignore]
    except BlockingIOError:
        return False
    return True


def _lock_on_windows(file: IO[bytes]) -> bool:
    import msvcrt

    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return False
    return True


def at_intervals(seconds: float) -> NextRunTime:
    """Return the function for the times of a job that runs at intervals.

    Args:
        seconds: the interval.

    Raises:
        ValueError: the interval is not a positive number.
    """
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 < seconds < float("inf"):
        raise ValueError(f"an interval is a positive number of seconds, got {seconds!r}")

    def next_run(now: float, last: float | None) -> float:
        # From the planned time of the last run, not from its start, so that delays do not add up.
        return now + seconds if last is None or now >= last + seconds else last + seconds

    return next_run


def by_cron_expression(expression: str, timezone: str | tzinfo | None = None) -> NextRunTime:
    """Return the function for the times of a job that runs by a cron expression.

    Args:
        expression: minute, hour, day of the month, month, day of the week, as in Debian's cron.
        timezone: the time zone, by default the machine's.

    Raises:
        ImportError: the package `cronsim` is missing.
        ValueError: the expression or the time zone is invalid.
    """
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        raise ImportError("cron expressions need cronsim: pip install cronsim") from None
    try:
        # Imported late: few applications need it.
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
    except (KeyError, OSError, ValueError):
        raise ValueError(f"there is no time zone {timezone!r}") from None

    def next_run(now: float, last: float | None) -> float:
        # Without a time zone the times are naive, and `timestamp` takes them for local ones, with daylight saving time.
        return float(next(CronSim(expression, datetime.fromtimestamp(now, zone))).timestamp())

    try:
        next_run(time.time(), None)
    except (CronSimError, AttributeError, TypeError) as error:
        raise ValueError(f"{expression!r} is not a cron expression: {error}") from None
    except StopIteration:
        raise ValueError(f"{expression!r} has no next time") from None
    return next_run


class Timer:
    """A job, and the times at which it runs.

    Args:
        name: the name in the log.
        job: returns the coroutine of one run.
        next_run_time: returns the time of the next run.
        jitter: the longest random delay of a run, in seconds, so that several processes do not run at the same time.
        lock: the lock file; the job runs only in the process that holds its lock.
        drain: whether the stop waits for a run, instead of cancelling it.
    """

    def __init__(
        self,
        name: str,
        job: Callable[[], Coroutine[Any, Any, Any]],
        next_run_time: NextRunTime,
        *,
        jitter: float = 0.0,
        lock: Path | None = None,
        drain: bool = False,
    ) -> None:
        self.name = name
        self.job = job
        self.next_run_time = next_run_time
        self.jitter = jitter
        self.lock = Lock(lock) if lock is not None else None
        self.drain = drain

    async def run(self, tasks: Tasks) -> None:
        """Run the job whenever it is due, until the calling task is cancelled.

        Args:
            tasks: the background tasks, to which each run is added.

        Raises:
            OSError: the lock file cannot be created or opened.
        """
        last: float | None = None
        try:
            # The first process takes the lock at its start, and a file that cannot be created is reported at once.
            self._take_lock()
            while True:
                last = self.next_run_time(time.time(), last)
                await _sleep_until(last + random.uniform(0, self.jitter))
                try:
                    has_lock = self._take_lock()
                except OSError as error:
                    # Perhaps too many files are open, or the disk is full: the next run may succeed.
                    logger.error("A run of %s is skipped: %s", self.name, error)
                    continue
                if has_lock:
                    await self._run_once(tasks)
        finally:
            if self.lock is not None:
                self.lock.release()

    def _take_lock(self) -> bool:
        return self.lock is None or self.lock.acquire()

    async def _run_once(self, tasks: Tasks) -> None:
        try:
            task = tasks.add(self.job(), self.name, register=False, drain=self.drain)
        except TooManyTasksError as error:
            logger.warning("A run of %s is skipped: %s", self.name, error)
        else:
            await asyncio.wait({task})


async def _sleep_until(run_time: float) -> None:
    while (remaining := run_time - time.time()) > 0:  # noqa: ASYNC110 (the loop waits for the clock)
        await asyncio.sleep(min(remaining, LONGEST_SLEEP_S))
