"""Jobs that run again and again: at intervals, or by the clock.

A timer never overlaps with itself: a run that takes longer than its interval is waited for, and the times that have
passed meanwhile are left out. A run is a task of its own under the application's supervision, so that a failure is
logged with the job's name, and the next run still comes.

With a lock file a job runs in one of several processes only: in the one that holds the file's lock, for as long as it
lives. The others ask again each time, and one of them takes over when that process is gone.
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

# Tells when a job is due next: gets the time, and when it was due before, in seconds since the epoch.
Due = Callable[[float, float | None], float]

# The longest sleep, in seconds: a clock that is set, or a computer that sleeps, is noticed after it.
LONGEST_SLEEP_S = 60.0


class Lock:
    """A lock on a file, held by one process of a machine; a process that ends lets go of it.

    Args:
        path: the file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the lock, if nobody else has it; tell whether it is held now.

        Raises:
            OSError: the file can't be made or opened.
        """
        if self._file is not None and not self._is_there():
            # Directories for temporary files are swept, of what is ten days old: others lock a new file then.
            self.release()
        if self._file is None:
            # 0600, and no link: the directory may be everybody's.
            file = open(self.path, "ab", opener=_private)  # noqa: SIM115 (open as long as the lock is held)
            if not _lock(file):
                file.close()
                return False
            self._file = file
        return True

    def _is_there(self) -> bool:
        """Tell whether the file that is locked is the one that others find."""
        assert self._file is not None
        try:
            return os.path.samestat(os.stat(self.path, follow_symlinks=False), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let go of the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _lock(file: IO[bytes]) -> bool:
    """Lock an open file for this process; tell whether that was possible."""
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


def at_intervals(seconds: float) -> Due:
    """Return what tells when a job is due that runs every so many seconds.

    Args:
        seconds: the interval.

    Raises:
        ValueError: it is no positive number.
    """
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 < seconds < float("inf"):
        raise ValueError(f"an interval is a positive number of seconds, got {seconds!r}")

    def after(now: float, last: float | None) -> float:
        # By the times that were planned, not by those of the runs, so that nothing adds up.
        return now + seconds if last is None or now >= last + seconds else last + seconds

    return after


def by_clock(expression: str, timezone: str | tzinfo | None = None) -> Due:
    """Return what tells when a job is due that runs by a cron expression.

    Args:
        expression: minute, hour, day of the month, month, day of the week, as in Debian's cron.
        timezone: the clock, by default the machine's.

    Raises:
        ImportError: the package `cronsim` is missing.
        ValueError: the expression, or the time zone, is none.
    """
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        raise ImportError("cron expressions need cronsim: pip install cronsim") from None
    try:
        # Here: it loads what finds time zones, which few applications ask for.
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
    except (KeyError, OSError, ValueError):
        raise ValueError(f"there is no time zone {timezone!r}") from None

    def after(now: float, last: float | None) -> float:
        # Without a zone naive times, which `timestamp` takes for the machine's, summer time included.
        return float(next(CronSim(expression, datetime.fromtimestamp(now, zone))).timestamp())

    try:
        after(time.time(), None)
    except (CronSimError, AttributeError, TypeError) as error:
        raise ValueError(f"{expression!r} is no cron expression: {error}") from None
    except StopIteration:
        raise ValueError(f"{expression!r} never comes") from None
    return after


class Timer:
    """A job, and when it runs.

    Args:
        name: for the log.
        job: gives the coroutine of one run.
        due: tells when the next run is due.
        jitter: up to so many seconds are waited beyond that, so that not all processes run at the same time.
        lock: a file; the job runs only where its lock can be had.
        drain: whether a run is waited for at the stop, instead of being cancelled.
    """

    def __init__(
        self,
        name: str,
        job: Callable[[], Coroutine[Any, Any, Any]],
        due: Due,
        *,
        jitter: float = 0.0,
        lock: Path | None = None,
        drain: bool = False,
    ) -> None:
        self.name = name
        self.job = job
        self.due = due
        self.jitter = jitter
        self.lock = Lock(lock) if lock is not None else None
        self.drain = drain

    async def run(self, tasks: Tasks) -> None:
        """Run the job whenever it is due, until this is cancelled.

        Args:
            tasks: where the runs are added.
        """
        last: float | None = None
        try:
            # Whoever comes first has it from the start; and a file that can't be made is told of at once.
            self._is_ours()
            while True:
                last = self.due(time.time(), last)
                await _sleep_until(last + random.uniform(0, self.jitter))
                try:
                    ours = self._is_ours()
                except OSError as error:
                    # Too many files are open, the disk is full: the next run may come.
                    logger.error("A run of %s is left out: %s", self.name, error)
                    continue
                if ours:
                    await self._run_once(tasks)
        finally:
            if self.lock is not None:
                self.lock.release()

    def _is_ours(self) -> bool:
        return self.lock is None or self.lock.acquire()

    async def _run_once(self, tasks: Tasks) -> None:
        try:
            task = tasks.add(self.job(), self.name, register=False, drain=self.drain)
        except TooManyTasksError as error:
            logger.warning("A run of %s is left out: %s", self.name, error)
        else:
            await asyncio.wait({task})


async def _sleep_until(due: float) -> None:
    while (left := due - time.time()) > 0:  # noqa: ASYNC110 (the clock is waited for)
        await asyncio.sleep(min(left, LONGEST_SLEEP_S))
