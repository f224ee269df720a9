"""A pool of threads for functions that block.

A thread cannot be cancelled. If the task that waits for a function is cancelled, the function continues; its result is
dropped, and an exception is logged. A function that has not begun is never called.

The threads are daemon threads. Those of `anyio.to_thread` and of `concurrent.futures` are not, so a process whose
function blocks would not end after its stop. `docs/decisions/threads.md` compares the three.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from functools import partial
from inspect import iscoroutine
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread
from typing import Any, TypeVar

from sanic_star.engine.failures import log_error
from sanic_star.engine.steps import position

_T = TypeVar("_T")

_logger = logging.getLogger("sanic.error")

# The default number of functions that run at the same time: as in anyio, whose threads Starlette uses.
DEFAULT_SIZE = 40
# How long a thread waits for its next function before it ends, in seconds: as in anyio.
_IDLE_S = 10.0
# The interval between checks for busy threads at a stop, in seconds.
_POLL_S = 0.02
_UNSET = object()


class _Job:
    """One call of a function, and its result.

    Args:
        loop: the event loop whose task waits for the result.
        work: calls the function.

    Attributes:
        future: resolved when the function has ended.
        result: the result of the function.
        error: the exception that the function has raised.
    """

    __slots__ = ("_loop", "_work", "error", "future", "result")

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[], Any]) -> None:
        self._loop = loop
        # `None` after the function was called or cancelled.
        self._work: Callable[[], Any] | None = work
        self.future: asyncio.Future[None] = loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Call the function, in the current thread."""
        work, self._work = self._work, None
        if work is None:
            return
        try:
            self.result = work()
        except BaseException as error:  # SystemExit, too: the waiting task raises it, as without the thread
            self.error = error

    def notify(self) -> None:
        """Wake the waiting task after the function has ended; called in any thread."""
        try:
            self._loop.call_soon_threadsafe(self._resolve)
        except RuntimeError:
            # The event loop is closed.
            self._drop()

    def abandon(self) -> None:
        """Do not call the function, unless it runs already; called when its task was cancelled."""
        self._work = None

    def cancel(self) -> None:
        """Do not call the function, and cancel the task that waits for it; called in any thread."""
        self._work = None
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.future.cancel)

    def _resolve(self) -> None:
        if self.future.done():
            self._drop()
        else:
            self.future.set_result(None)

    def _drop(self) -> None:
        if self.error is not None:
            log_error(_logger, self.error, "A function in a thread has failed after its request was cancelled")
            self.error = None
        elif iscoroutine(self.result):
            self.result.close()
        self.result = None


class ThreadPool:
    """Threads that are started when they are needed, and end when they are idle.

    Args:
        name: the beginning of the names of its threads.
        size: how many functions run at the same time; further ones wait in order.
    """

    def __init__(self, name: str, size: int = DEFAULT_SIZE) -> None:
        self.name = name
        self.size = size
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        # Held to change the attributes below, which the event loop and the threads do. `_busy` needs no lock.
        self._lock = Lock()
        self._threads: set[Thread] = set()
        # The number of waiting threads without a job in the queue; the number of jobs in the queue without a thread.
        self._idle = self._backlog = 0
        self._busy: set[Thread] = set()
        self._is_closed = False
        self._count = 0

    def __reduce__(self) -> Any:
        # An application may be pickled, but threads cannot.
        return ThreadPool, (self.name, self.size)

    async def run(self, function: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
        """Call a function in a thread, and return its result or raise its exception.

        The function has the caller's context variables. Afterwards the caller has those that the function has set.

        Args:
            function: the function.
            args: its positional arguments.
            kwargs: its keyword arguments.

        Raises:
            RuntimeError: the function has raised `StopIteration`, which a coroutine cannot raise (PEP 479).

        Examples:
            >>> pool = ThreadPool("example")
            >>> asyncio.run(pool.run(max, 1, 2))
            2
        """
        context = copy_context()
        job = _Job(asyncio.get_running_loop(), partial(context.run, function, *args, **kwargs))
        self._submit(job)
        try:
            await job.future
        except CancelledError:
            job.abandon()
            raise
        _copy_variables(context)
        error, job.error = job.error, None
        if error is None:
            return job.result  # type: ignore[no-any-return]
        try:
            raise error
        finally:
            # The traceback refers to this frame: this breaks the cycle.
            del error

    def _submit(self, job: _Job) -> None:
        with self._lock:
            if self._is_closed:
                # The stop did not wait for this request.
                self._make_thread(partial(_run_job, job)).start()
                return
            if self._idle:
                self._idle -= 1
            elif len(self._threads) >= self.size or not self._start_thread():
                self._backlog += 1
            self._jobs.put(job)

    def _make_thread(self, target: Callable[[], None]) -> Thread:
        self._count += 1
        return Thread(target=target, daemon=True, name=f"{self.name}-{self._count}")

    def _start_thread(self) -> bool:
        """Start a thread; return whether the system allows it.

        Raises:
            RuntimeError: the system does not allow it, and the pool has no other thread.
        """
        thread = self._make_thread(self._work)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            if not self._threads:
                raise
            return False
        return True

    def _work(self) -> None:
        """Run jobs, in a thread of the pool."""
        thread = current_thread()
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_S)
            except Empty:
                with self._lock:
                    if not self._idle:
                        # A job was put into the queue after the time-out.
                        continue
                    self._idle -= 1
                    self._threads.discard(thread)
                return
            if job is not None:
                self._busy.add(thread)
                job.run()
                self._busy.discard(thread)
            with self._lock:
                is_closed = self._is_closed
                if is_closed:
                    self._threads.discard(thread)
                elif self._backlog:
                    self._backlog -= 1
                else:
                    self._idle += 1
            if job is not None:
                # Last, because the notified task may need a thread: this one counts as idle by now.
                job.notify()
                # An idle thread must not refer to a request.
                del job
            if is_closed:
                return

    def busy(self) -> list[Thread]:
        """Return the threads in which a function runs."""
        return list(self._busy.copy())

    async def drain(self, seconds: float) -> None:
        """Wait for the functions that run; after the wait, log the position of the busy threads.

        Args:
            seconds: the longest wait, in seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            if not self._busy:
                return
            await asyncio.sleep(_POLL_S)
        for thread in self.busy():
            thread_position = position(thread.ident or 0)
            _logger.warning(
                "The stop does not wait any longer for the thread %s, which is busy%s", thread.name, thread_position
            )

    def close(self) -> None:
        """End each thread after its current function. Waiting functions are not called; their tasks are cancelled."""
        with self._lock:
            self._is_closed = True
            self._idle = self._backlog = 0
            thread_count = len(self._threads)
            waiting_jobs = []
            with suppress(Empty):
                while True:
                    waiting_jobs.append(self._jobs.get_nowait())
            for _ in range(thread_count):
                self._jobs.put(None)
        for job in waiting_jobs:
            if job is not None:
                job.cancel()


def _run_job(job: _Job) -> None:
    job.run()
    job.notify()


def _copy_variables(context: Context) -> None:
    """Set the context variables that a function has set in its thread in the current context, too."""
    variable: ContextVar[Any]
    for variable, value in context.items():
        if variable.get(_UNSET) is not value:
            variable.set(value)


def call_in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], _T]) -> _T:
    """Call a function in the thread of an event loop, and return its result or raise its exception.

    Args:
        loop: an event loop that runs in another thread.
        function: the function.
    """
    result: Future[_T] = Future()

    def call_function() -> None:
        try:
            result.set_result(function())
        except BaseException as error:
            result.set_exception(error)

    loop.call_soon_threadsafe(call_function)
    return result.result()
