"""Background tasks: they have names and a limit, their failures are logged, and they end with the application."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Coroutine, Iterator
from typing import Any

from sanic_star.engine.failures import log_error
from sanic_star.engine.requests import context_with_request

logger = logging.getLogger("sanic.error")

# When the table has this many names, the next new name makes it drop the names of ended tasks.
NAMES_KEPT = 1000
# How long the clean-up of a task that did not end in time may take, in seconds: as long as the end of a websocket.
CANCELLED_TASKS_S = 1.0


class TooManyTasksError(Exception):
    """The limit on background tasks is reached."""


class Tasks:
    """The background tasks of one application.

    Args:
        logs_failures: whether the exception of a task is logged. If not, the event loop logs it, unless some code
            awaits the task.

    Attributes:
        limit: how many tasks may run at the same time; `None` for no limit.
    """

    def __init__(self, *, logs_failures: bool = True) -> None:
        self.limit: int | None = None
        self._logs_failures = logs_failures
        # asyncio has weak references only: a task without a reference may be collected while it runs.
        self._running: set[Task[Any]] = set()
        self._named: dict[str, Task[Any]] = {}
        self._purge_at = NAMES_KEPT
        self._to_drain: set[Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Task[Any]]:
        return iter(set(self._running) | set(self._named.values()))

    def add(
        self,
        job: Coroutine[Any, Any, Any] | Task[Any],
        name: str | None = None,
        register: bool = True,
        drain: bool = False,
    ) -> Task[Any]:
        """Start a task.

        Args:
            job: a coroutine; or a task that runs already, which is added.
            name: the name for `get`, and for the log.
            register: whether `get` finds the task by its name.
            drain: whether the stop waits for the task, instead of cancelling it.

        Raises:
            TooManyTasksError: `limit` tasks run already. The coroutine is closed, or the task cancelled.
        """
        if self.limit is not None and len(self._running) >= self.limit:
            job.cancel() if isinstance(job, Task) else job.close()
            raise TooManyTasksError(f"{len(self._running)} background tasks are running, no more are allowed")
        if isinstance(job, Task):
            task = job
        else:
            task = asyncio.get_running_loop().create_task(job, name=name, context=context_with_request())
        self._running.add(task)
        if drain:
            self._to_drain.add(task)
        task.add_done_callback(self._done)
        if name and register:
            # Otherwise an application that gives each request's task a name would keep all tasks for ever.
            if len(self._named) >= self._purge_at:
                self.purge()
                # If many tasks run, the next purge happens when there are twice as many, so that a task takes
                # constant time on average.
                self._purge_at = max(NAMES_KEPT, 2 * len(self._named))
            self._named[name] = task
        return task

    def _done(self, task: Task[Any]) -> None:
        self._running.discard(task)
        self._to_drain.discard(task)
        error = None if task.cancelled() or not self._logs_failures else task.exception()
        if error is not None:
            log_error(logger, error, "Task %s failed", task.get_name())

    def get(self, name: str) -> Task[Any]:
        """Return a task by its name.

        Args:
            name: the name.

        Raises:
            KeyError: no task has this name.
        """
        return self._named[name]

    def named(self) -> list[Task[Any]]:
        """Return the tasks that have a name."""
        return list(self._named.values())

    def by_name(self) -> dict[str, Task[Any]]:
        """Return the tasks that have a name, by their names."""
        return dict(self._named)

    def purge(self) -> None:
        """Remove the names of tasks that have ended."""
        for name in [name for name, task in self._named.items() if task.done()]:
            del self._named[name]

    def has_others_than(self, excluded: Task[Any] | None) -> bool:
        """Return whether a task runs on this event loop.

        Args:
            excluded: a task that does not count.
        """
        loop = asyncio.get_running_loop()
        return any(task is not excluded and task.get_loop() is loop for task in self._running)

    async def shutdown(
        self,
        timeout: float | None = None,  # noqa: ASYNC109
        drain: bool = False,
        keep: Task[Any] | None = None,
    ) -> None:
        """Cancel the tasks, and wait until they have ended.

        Args:
            timeout: the longest wait, in seconds; `None` for no limit.
            drain: whether tasks that were added with `drain` are cancelled only after `timeout`.
            keep: a task that is not cancelled; the running task is not cancelled either.
        """
        loop = asyncio.get_running_loop()
        # A test may start an application again on another loop. The tasks of the first loop have ended with it.
        kept_tasks = (asyncio.current_task(), keep)
        ending = {task for task in self._running if task not in kept_tasks and task.get_loop() is loop}
        draining = ending & self._to_drain if drain else set()
        for task in ending - draining:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=timeout)
        unfinished_tasks = {task for task in draining if not task.done()}
        for task in unfinished_tasks:
            logger.error("Task %s did not end in time and is cancelled", task.get_name())
            task.cancel()
        if unfinished_tasks:
            await asyncio.wait(unfinished_tasks, timeout=CANCELLED_TASKS_S)
        self.purge()
