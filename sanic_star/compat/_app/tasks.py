"""Background tasks and timers of an application, with Sanic's API."""

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
    from sanic_star.engine.timers import NextRunTime, Timer

    J = TypeVar("J", bound=Callable[..., Any])


class _Completed:
    """An awaitable that completes at once."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class Background:
    """The background tasks and timers of an application; its public methods are also `Sanic`'s.

    Args:
        app: the application.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self._tasks = Tasks()
        # The tasks of `dispatch`. They don't count towards `TASK_LIMIT`, and the caller may handle their exceptions.
        # Created with the first task, so that a stop without any has nothing to wait for.
        self.dispatches: Tasks | None = None
        # Tasks that were added without an event loop: the task, its name, whether it is registered, and drained.
        self.delayed: list[tuple[Any, str | None, bool, bool]] = []
        self._timers: list[Timer] = []
        self._timers_run = False
        # Whether the stop waits for tasks with `drain=True`.
        self._drains = False
        # asyncio has only weak references to tasks.
        self._ending: asyncio.Future[None] | None = None

    def start_delayed_tasks(self) -> None:
        """Start the tasks that were added before there was an event loop."""
        delayed, self.delayed = self.delayed, []
        for task, name, register, drain in delayed:
            self.app.add_task(task, name=name, register=register, drain=drain)

    def start_timers(self) -> None:
        """Start the timers; a timer that is added later starts at once."""
        self._timers_run = True
        for timer in self._timers:
            self._start(timer)

    def _start(self, timer: Timer) -> None:
        # A waiting timer doesn't count towards `TASK_LIMIT`, its runs do.
        limit, self._tasks.limit = self._tasks.limit, None
        self._tasks.add(timer.run(self._tasks), f"timer {timer.name}", register=False)
        self._tasks.limit = limit

    def start_dispatch(self, job: Coroutine[Any, Any, Any], event: str) -> asyncio.Task[Any]:
        """Call the handlers of an event in a task; the stop waits for it.

        Args:
            job: calls the handlers.
            event: the event's name, for the name of the task.
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
            name: for `get_task`, and for the log if the task fails.
            register: whether `get_task` finds it by that name.
            drain: whether the stop waits for it up to `GRACEFUL_SHUTDOWN_TIMEOUT`, instead of cancelling it.

        Returns:
            The task; `None` if no event loop runs yet: then it starts with the application.

        Raises:
            ServiceUnavailable: `TASK_LIMIT` tasks are running.

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
                # Called in a thread of the running application. Imported late: threads rarely add tasks.
                from sanic_star.engine.threads import call_in_loop

                add = partial(self.add_task, task, name=name, register=register, drain=drain)
                return call_in_loop(loop, add)
            self.delayed.append((task, name, register, drain))
            return None
        self._tasks.limit = self.app.config.get("TASK_LIMIT")
        # A coroutine inside another one would never be awaited if the task is cancelled before its first step.
        job = task if iscoroutine(task) or isinstance(task, asyncio.Task) else self._call_job(task)
        try:
            return self._tasks.add(job, name, register, drain)
        except TooManyTasksError as error:
            raise ServiceUnavailable(f"Too much to do: {error}") from None

    async def run_job(self, task: Any) -> Any:
        """Run a job to its end; argument as in `add_task`."""
        return await task if isawaitable(task) else await self._call_job(task)

    async def _call_job(self, task: Any) -> Any:
        if callable(task):
            task = task(self.app) if signature(task).parameters else task()
        return await task if isawaitable(task) else task

    def get_task(self, name: str, *, raise_exception: bool = True) -> asyncio.Task[Any] | None:
        """Return a background task by its name.

        Args:
            name: its name.
            raise_exception: whether to raise `SanicException` if there is none, or to return `None`.
        """
        try:
            return self._tasks.get(name)
        except KeyError:
            if raise_exception:
                raise SanicException(f'Registered task named "{name}" not found.') from None
            return None

    async def cancel_task(self, name: str, msg: str | None = None, *, raise_exception: bool = True) -> None:
        """Cancel a background task and wait until it has ended.

        Args:
            name: its name.
            msg: the message of its `CancelledError`.
            raise_exception: whether to raise `SanicException` if there is none.
        """
        task = self.app.get_task(name, raise_exception=raise_exception)
        if task and not task.done():
            task.cancel(msg) if msg else task.cancel()
            await asyncio.wait({task})

    def purge_tasks(self) -> None:
        """Remove ended background tasks from the registry."""
        self._tasks.purge()

    def shutdown_tasks(self, timeout: float | None = None, increment: float = 0.1) -> Awaitable[None]:
        """Cancel all background tasks; await the result to wait for them.

        Args:
            timeout: how long to wait, in seconds; by default `GRACEFUL_SHUTDOWN_TIMEOUT`.
            increment: ignored; Sanic polls at this interval, in seconds.
        """
        try:
            current = asyncio.current_task()
        except RuntimeError:
            # Without an event loop there are no tasks.
            return _Completed()
        timeout = self.app.config.GRACEFUL_SHUTDOWN_TIMEOUT if timeout is None else timeout
        self._ending = asyncio.ensure_future(self._tasks.shutdown(timeout, drain=self._drains, keep=current))
        return self._ending

    def begin_to_drain(self) -> None:
        """Stop starting timers; from now on the stop waits for tasks with `drain=True`."""
        self._timers_run, self._drains = False, True

    async def drain_tasks(self, timeout: float) -> None:  # noqa: ASYNC109
        """End all background tasks at the stop: wait for those with `drain=True`, cancel the others.

        Args:
            timeout: how long to wait, in seconds, before the rest is cancelled.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self.dispatches is None:
            await self._tasks.shutdown(timeout, drain=True)
        else:
            current = asyncio.current_task()
            shutdowns = [tasks.shutdown(timeout, drain=True, keep=current) for tasks in (self._tasks, self.dispatches)]
            await asyncio.gather(*shutdowns)
        # A task may have dispatched an event before it ended.
        if self.dispatches is not None:
            await self.drain_dispatches(max(0.0, deadline - loop.time()))
        self._drains = False

    async def drain_dispatches(self, timeout: float) -> None:  # noqa: ASYNC109
        """Wait for the handlers of dispatched events, including events that these handlers dispatch.

        Args:
            timeout: how long to wait, in seconds, before the rest is cancelled.
        """
        loop, current, dispatches = asyncio.get_running_loop(), asyncio.current_task(), self.dispatches
        deadline = loop.time() + timeout
        while dispatches is not None and dispatches.has_others_than(current):
            await dispatches.shutdown(max(0.0, deadline - loop.time()), drain=True, keep=current)
            if loop.time() >= deadline:
                break

    def by_name(self) -> dict[str, asyncio.Task[Any]]:
        """Return the registered background tasks by name."""
        return self._tasks.by_name()

    def named(self) -> Iterator[asyncio.Task[Any]]:
        """Return the registered background tasks."""
        return iter(self._tasks.named())

    def running(self) -> int:
        """Return the number of running background tasks, including timers and handlers of dispatched events."""
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
        """Call the decorated function at an interval while the application runs.

        Runs never overlap, and an exception ends only its own run. An asynchronous function runs in the event loop, any
        other in a thread.

        Args:
            seconds: the interval in seconds; the first run comes after one interval.
            name: the name in the log, by default the function's.
            jitter: the maximum of a random addition to each wait, in seconds; it keeps processes from running together.
            one_worker: whether only one process of this machine runs it, by a file lock; or the path of that file.
            drain: whether the stop waits for a run up to `GRACEFUL_SHUTDOWN_TIMEOUT`, instead of cancelling it.

        Raises:
            ValueError: the interval is not a positive number.

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
        """Call the decorated function on a cron schedule while the application runs; needs the extra `cron`.

        Args:
            expression: minute, hour, day of the month, month, day of the week, as in Debian's cron.
            timezone: a time zone, such as `"Europe/Berlin"`; by default the machine's.
            name: see `every`.
            jitter: see `every`.
            one_worker: see `every`.
            drain: see `every`.

        Raises:
            ImportError: the package `cronsim` is not installed.
            ValueError: the expression or the time zone is invalid.
        """
        from sanic_star.engine.timers import by_cron_expression

        return self._timer(by_cron_expression(expression, timezone), name, jitter, one_worker, drain)

    def _timer(
        self, next_run_time: NextRunTime, name: str | None, jitter: float, one_worker: bool | str | Path, drain: bool
    ) -> Callable[[J], J]:
        from pathlib import Path

        from sanic_star.engine.timers import Timer

        if jitter < 0:
            raise ValueError(f"jitter is a number of seconds, got {jitter!r}")

        def decorate(job: J) -> J:
            task_name = name or getattr(job, "__name__", None) or type(job).__name__
            lock = self._lock_file(task_name) if one_worker is True else Path(one_worker) if one_worker else None
            timer = Timer(task_name, partial(self._run_job, job), next_run_time, jitter=jitter, lock=lock, drain=drain)
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
