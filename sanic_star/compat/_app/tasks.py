"""Background tasks and timers in Sanic's words: what an application runs beside its requests."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from datetime import tzinfo
from functools import partial
from inspect import isawaitable, iscoroutine, signature
from typing import TYPE_CHECKING, Any, TypeVar

from sanic_star.compat._app.pipeline import is_coroutine_function
from sanic_star.compat.exceptions import SanicException, ServiceUnavailable
from sanic_star.engine.tasks import Tasks, TooManyTasksError

if TYPE_CHECKING:
    from pathlib import Path

    from sanic_star.compat._app.seams import Application
    from sanic_star.engine.timers import Due, Timer

J = TypeVar("J", bound=Callable[..., Any])


class _Over:
    """Awaited, it is over."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class Background:
    """The background tasks and timers of an application; those of its public methods that are here are `Sanic`'s.

    Args:
        app: the application.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._tasks = Tasks()
        # The tasks of `dispatch`: they count towards no limit, and their caller may deal with what they raise. They are
        # made with the first one, so that a stop without any passes nothing.
        self.dispatches: Tasks | None = None
        # What was added before there was an event loop: the task, its name, whether it is registered, and drained.
        self.delayed: list[tuple[Any, str | None, bool, bool]] = []
        self._timers: list[Timer] = []
        self._timers_run = False
        # Whether the stop waits for tasks that are to be drained.
        self._drains = False
        # asyncio keeps weak references only.
        self._ending: asyncio.Future[None] | None = None

    def start_delayed_tasks(self) -> None:
        """Start the tasks that were added before there was an event loop."""
        delayed, self.delayed = self.delayed, []
        for task, name, register, drain in delayed:
            self.app.add_task(task, name=name, register=register, drain=drain)

    def start_timers(self) -> None:
        """Start the timers; one that is made from here on starts at once."""
        self._timers_run = True
        for timer in self._timers:
            self._start(timer)

    def _start(self, timer: Timer) -> None:
        # Timers count for nothing, their runs do.
        limit, self._tasks.limit = self._tasks.limit, None
        self._tasks.add(timer.run(self._tasks), f"timer {timer.name}", register=False)
        self._tasks.limit = limit

    def start_dispatch(self, job: Coroutine[Any, Any, Any], event: str) -> asyncio.Task[Any]:
        """Call the handlers of an event in a task that the stop waits for.

        Args:
            job: calls the handlers.
            event: the event's name, for the task's.
        """
        if self.dispatches is None:
            self.dispatches = Tasks(logs_failures=False)
        return self.dispatches.add(job, f"signal {event}", register=False, drain=True)

    # Tasks ----------------------------------------------------------------------------------------------------------

    def add_task(
        self, task: Any, *, name: str | None = None, register: bool = True, drain: bool = False
    ) -> asyncio.Task[Any] | None:
        """Run something in the background.

        Args:
            task: a coroutine, a task, or a function that gives one; called with the application if it takes an
                argument. A function runs in the event loop's thread: one that blocks belongs in `asyncio.to_thread`.
            name: to find it again, and for the log if it fails.
            register: whether it can be found by that name.
            drain: whether the stop waits for it, up to `GRACEFUL_SHUTDOWN_TIMEOUT`, instead of cancelling it.

        Returns:
            The task; `None` where no event loop runs yet: it starts with the application then.

        Raises:
            ServiceUnavailable: `TASK_LIMIT` tasks run already.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> async def send_mail(address):
            ...     print(f"mail to {address}")
            >>> @app.post("/orders")
            ... async def order(request):
            ...     request.app.add_task(send_mail("ada@example.org"), drain=True)
            ...     return text("ordered")
            >>> request, response = app.test_client.post("/orders")
            mail to ada@example.org
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loop = self.app._answers.loop
            if loop is not None and loop.is_running():
                # A thread of the running application. Loaded only where one adds a task.
                from sanic_star.engine.threads import call_in_loop

                add = partial(self.add_task, task, name=name, register=register, drain=drain)
                return call_in_loop(loop, add)
            self.delayed.append((task, name, register, drain))
            return None
        self._tasks.limit = self.app.config.get("TASK_LIMIT")
        # A coroutine inside another one would never be awaited where the task is cancelled before its first step.
        job = task if iscoroutine(task) or isinstance(task, asyncio.Task) else self._call_job(task)
        try:
            return self._tasks.add(job, name, register, drain)
        except TooManyTasksError as error:
            raise ServiceUnavailable(f"Too much to do: {error}") from None

    async def run_job(self, task: Any) -> Any:
        """Run a job to its end; `task` as in `add_task`."""
        return await task if isawaitable(task) else await self._call_job(task)

    async def _call_job(self, task: Any) -> Any:
        if callable(task):
            task = task(self.app) if signature(task).parameters else task()
        return await task if isawaitable(task) else task

    def get_task(self, name: str, *, raise_exception: bool = True) -> asyncio.Task[Any] | None:
        """Return a background task by its name.

        Args:
            name: its name.
            raise_exception: whether to raise `SanicException` where there is none, or to return `None`.
        """
        try:
            return self._tasks.get(name)
        except KeyError:
            if raise_exception:
                raise SanicException(f'Registered task named "{name}" not found.') from None
            return None

    async def cancel_task(self, name: str, msg: str | None = None, *, raise_exception: bool = True) -> None:
        """Cancel a background task and wait until it is over.

        Args:
            name: its name.
            msg: what its `CancelledError` says.
            raise_exception: whether a missing task is an error.
        """
        task = self.app.get_task(name, raise_exception=raise_exception)
        if task and not task.done():
            task.cancel(msg) if msg else task.cancel()
            await asyncio.wait({task})

    def purge_tasks(self) -> None:
        """Forget the names of background tasks that are over."""
        self._tasks.purge()

    def shutdown_tasks(self, timeout: float | None = None, increment: float = 0.1) -> Awaitable[None]:
        """Cancel all background tasks; they are waited for where the result is awaited.

        Args:
            timeout: how long to wait, in seconds; by default `GRACEFUL_SHUTDOWN_TIMEOUT`.
            increment: accepted for Sanic's sake, which looks again after so many seconds; here nothing looks again.
        """
        try:
            keep = asyncio.current_task()
        except RuntimeError:
            # Without an event loop no task runs.
            return _Over()
        timeout = self.app.config.GRACEFUL_SHUTDOWN_TIMEOUT if timeout is None else timeout
        self._ending = asyncio.ensure_future(self._tasks.shutdown(timeout, drain=self._drains, keep=keep))
        return self._ending

    def begin_to_drain(self) -> None:
        """Start no timer any more; from now on tasks that are to be drained are waited for."""
        self._timers_run, self._drains = False, True

    async def drain_tasks(self, timeout: float) -> None:  # noqa: ASYNC109
        """End all background tasks for good: wait for those that are to be drained, cancel the others.

        Args:
            timeout: how long to wait, in seconds; who is late then is cancelled.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self.dispatches is None:
            await self._tasks.shutdown(timeout, drain=True)
        else:
            caller = asyncio.current_task()
            both = [tasks.shutdown(timeout, drain=True, keep=caller) for tasks in (self._tasks, self.dispatches)]
            await asyncio.gather(*both)
        # A task may have dispatched an event at its end.
        if self.dispatches is not None:
            await self.drain_dispatches(max(0.0, deadline - loop.time()))
        self._drains = False

    async def drain_dispatches(self, timeout: float) -> None:  # noqa: ASYNC109
        """Wait for the handlers of dispatched events, and for those of events that these dispatch.

        Args:
            timeout: how long to wait, in seconds; handlers that are late then are cancelled.
        """
        loop, caller, dispatches = asyncio.get_running_loop(), asyncio.current_task(), self.dispatches
        deadline = loop.time() + timeout
        while dispatches is not None and dispatches.has_others_than(caller):
            await dispatches.shutdown(max(0.0, deadline - loop.time()), drain=True, keep=caller)
            if loop.time() >= deadline:
                break

    def by_name(self) -> dict[str, asyncio.Task[Any]]:
        """Return the background tasks that were registered under a name, by their names."""
        return self._tasks.by_name()

    def named(self) -> Iterator[asyncio.Task[Any]]:
        """Return the background tasks that were registered under a name."""
        return iter(self._tasks.named())

    def running(self) -> int:
        """Return how many background tasks run, timers and handlers of dispatched events included."""
        return len(self._tasks) + len(self.dispatches or ())

    # Timers ---------------------------------------------------------------------------------------------------------

    def every(
        self,
        seconds: float,
        *,
        name: str | None = None,
        jitter: float = 0.0,
        one_worker: bool | str | Path = False,
        drain: bool = False,
    ) -> Callable[[J], J]:
        """Call the decorated function again and again while the application runs.

        It never overlaps with itself, and a failure ends one run only. An asynchronous function runs in the event loop,
        any other one in a thread.

        Args:
            seconds: the interval; the first run comes after the first one.
            name: for the log, by default the function's.
            jitter: up to so many seconds are added to each time, so that not all processes run at the same moment.
            one_worker: whether only one process of this machine runs it, by a lock on a file; or that file's path.
            drain: whether the stop waits for a run, up to `GRACEFUL_SHUTDOWN_TIMEOUT`, instead of cancelling it.

        Raises:
            ValueError: the interval is no positive number.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("Shop")
            >>> @app.every(60, jitter=5, one_worker=True)
            ... async def tidy_up(app): ...
        """
        from sanic_star.engine.timers import at_intervals

        return self._timer(at_intervals(seconds), name, jitter, one_worker, drain)

    def cron(
        self,
        expression: str,
        *,
        timezone: str | tzinfo | None = None,
        name: str | None = None,
        jitter: float = 0.0,
        one_worker: bool | str | Path = False,
        drain: bool = False,
    ) -> Callable[[J], J]:
        """Call the decorated function by the clock while the application runs; needs the extra `cron`.

        Args:
            expression: minute, hour, day of the month, month, day of the week, as in Debian's cron.
            timezone: the clock, as `"Europe/Berlin"`; by default the machine's.
            name: as in `every`, like all that follows.
            jitter: see `every`.
            one_worker: see `every`.
            drain: see `every`.

        Raises:
            ImportError: the package that reads such expressions is missing.
            ValueError: the expression, or the time zone, is none.
        """
        from sanic_star.engine.timers import by_clock

        return self._timer(by_clock(expression, timezone), name, jitter, one_worker, drain)

    def _timer(
        self, due: Due, name: str | None, jitter: float, one_worker: bool | str | Path, drain: bool
    ) -> Callable[[J], J]:
        from pathlib import Path

        from sanic_star.engine.timers import Timer

        if jitter < 0:
            raise ValueError(f"jitter is a number of seconds, got {jitter!r}")

        def decorate(job: J) -> J:
            task_name = name or getattr(job, "__name__", None) or type(job).__name__
            lock = self._lock_file(task_name) if one_worker is True else Path(one_worker) if one_worker else None
            timer = Timer(task_name, partial(self._run_job, job), due, jitter=jitter, lock=lock, drain=drain)
            self._timers.append(timer)
            if self._timers_run:
                self._start(timer)
            return job

        return decorate

    def _lock_file(self, name: str) -> Path:
        from pathlib import Path

        user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        return Path(tempfile.gettempdir(), re.sub(r"[^\w.-]", "_", f"sanic-star-{user}-{self.app.name}-{name}.lock"))

    def _run_job(self, job: Callable[..., Any]) -> Coroutine[Any, Any, Any]:
        if is_coroutine_function(job):
            return self._call_job(job)
        return asyncio.to_thread(job, *((self.app,) if signature(job).parameters else ()))
