"""A pool of threads for functions that block.

A thread cannot be cancelled. If the task that waits for a function is cancelled, the function runs on; its result is
dropped, and an exception is logged. A function that has not begun by then is never called.

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

# How many functions run at the same time: as many as in anyio's threads, which Starlette uses.
DEFAULT_SIZE = 40
# How long a thread waits for its next function before it ends, in seconds: as long as one of anyio's.
_IDLE_S = 10.0
# How often a stop looks whether functions are over, in seconds.
_POLL_S = 0.02
_UNSET = object()


class _Job:
    """One call of a function, and what came of it.

    Args:
        loop: the event loop whose task waits for it.
        work: calls the function.
    """

    __slots__ = ("_loop", "_work", "error", "future", "result")

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[], Any]) -> None:
        self._loop = loop
        # `None` once it is called or cancelled.
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
        except BaseException as error:  # SystemExit too: it goes on where the task waits, as without the thread
            self.error = error

    def settle(self) -> None:
        """Hand the outcome to the task that waits, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            # The event loop is closed.
            self._drop()

    def abandon(self) -> None:
        """Note that nobody waits for the function; it is not called unless it runs already."""
        self._work = None

    def cancel(self) -> None:
        """Cancel the task that waits for the function, from any thread."""
        self._work = None
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.future.cancel)

    def _settle(self) -> None:
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
        name: how the names of its threads begin.
        size: how many functions run at the same time; others wait for their turn, in order.
    """

    def __init__(self, name: str, size: int = DEFAULT_SIZE) -> None:
        self.name = name
        self.size = size
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        # Guards what follows: the event loop and the threads change it.
        self._lock = Lock()
        self._threads: set[Thread] = set()
        # Threads that wait and have no job in the queue; jobs in the queue for which no thread waits.
        self._idle = self._backlog = 0
        self._busy: set[Thread] = set()
        self._is_closed = False
        self._count = 0

    def __reduce__(self) -> Any:
        # An application may be pickled: threads cannot be.
        return ThreadPool, (self.name, self.size)

    async def run(self, function: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
        """Call a function in a thread, and wait for what it returns or raises.

        It sees the context variables of the caller, and afterwards the caller sees those that it has set.

        Args:
            function: what is called.
            args: its positional arguments.
            kwargs: its keyword arguments.

        Raises:
            RuntimeError: it has raised `StopIteration`, which a coroutine cannot raise (PEP 479).

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
        _carry_over(context)
        error, job.error = job.error, None
        if error is None:
            return job.result  # type: ignore[no-any-return]
        try:
            raise error
        finally:
            # Its traceback holds this frame and the job's.
            del error

    def _submit(self, job: _Job) -> None:
        with self._lock:
            if self._is_closed:
                # A request that outlives the stop.
                self._make_thread(partial(_run_alone, job)).start()
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
        """Start one more thread; return whether the system allows it, and raise `RuntimeError` if there is none yet."""
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
        """Call one function after the other, in a thread of the pool."""
        thread = current_thread()
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE_S)
            except Empty:
                with self._lock:
                    if not self._idle:
                        # A job was put at this moment.
                        continue
                    self._idle -= 1
                    self._threads.discard(thread)
                return
            if job is not None:
                self._busy.add(thread)
                job.run()
                self._busy.discard(thread)
            with self._lock:
                ends = self._is_closed
                if ends:
                    self._threads.discard(thread)
                elif self._backlog:
                    self._backlog -= 1
                else:
                    self._idle += 1
            if job is not None:
                # After that: what the outcome leads to may need a thread, and this one is free.
                job.settle()
                # An idle thread holds no request.
                del job
            if ends:
                return

    def busy(self) -> list[Thread]:
        """Return the threads in which a function runs."""
        return list(self._busy.copy())

    async def drain(self, seconds: float) -> None:
        """Wait for the functions that run, and log where those are that take longer.

        Args:
            seconds: how long to wait.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            if not self._busy:
                return
            await asyncio.sleep(_POLL_S)
        for thread in self.busy():
            where = position(thread.ident or 0)
            _logger.warning("The stop does not wait any longer for the thread %s, which is busy%s", thread.name, where)

    def close(self) -> None:
        """End the idle threads now, and the others once their functions return; functions that wait are not called."""
        with self._lock:
            self._is_closed = True
            self._idle = self._backlog = 0
            threads = len(self._threads)
            waiting = []
            with suppress(Empty):
                while True:
                    waiting.append(self._jobs.get_nowait())
            for _ in range(threads):
                self._jobs.put(None)
        for job in waiting:
            if job is not None:
                job.cancel()


def _run_alone(job: _Job) -> None:
    job.run()
    job.settle()


def _carry_over(context: Context) -> None:
    """Set the context variables here that a function has set in its thread."""
    variable: ContextVar[Any]
    for variable, value in context.items():
        if variable.get(_UNSET) is not value:
            variable.set(value)


def call_in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], _T]) -> _T:
    """Call a function in the thread of a running event loop, and wait for what it returns or raises.

    Args:
        loop: runs in another thread.
        function: what is called.
    """
    outcome: Future[_T] = Future()

    def call() -> None:
        try:
            outcome.set_result(function())
        except BaseException as error:
            outcome.set_exception(error)

    loop.call_soon_threadsafe(call)
    return outcome.result()
