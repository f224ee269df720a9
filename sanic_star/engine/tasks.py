"""Background tasks under supervision: named, counted, their failures logged, ended with the application."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Coroutine, Iterator
from typing import Any

from sanic_star.engine.failures import log_error
from sanic_star.engine.requests import keeping_request

logger = logging.getLogger("sanic.error")

# From so many names on, those of tasks that are over are forgotten when the next one comes.
NAMES_KEPT = 1000
# How long the clean-up of a task may take that was waited for in vain, in seconds: as long as a websocket's farewell.
CANCELLED_TASKS_S = 1.0


class TooManyTasksError(Exception):
    """As many tasks run as are allowed."""


class Tasks:
    """Background tasks of one application.

    Attributes: `limit`, how many may run at the same time; `None` for any number.

    Args:
        logs_failures: whether the exception of a task is logged. If not, the event loop logs it as never retrieved
            unless somebody awaits the task.
    """

    def __init__(self, *, logs_failures: bool = True) -> None:
        self.limit: int | None = None
        self._logs_failures = logs_failures
        # asyncio keeps weak references only: what is not held here may be collected while it runs.
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
            job: what it runs; a task that runs already is taken in.
            name: for `get`, and for the log.
            register: whether it can be found by that name.
            drain: whether it is waited for at the stop, instead of being cancelled.

        Raises:
            TooManyTasksError: `limit` tasks run already; the job is closed.
        """
        if self.limit is not None and len(self._running) >= self.limit:
            job.cancel() if isinstance(job, Task) else job.close()
            raise TooManyTasksError(f"{len(self._running)} background tasks are running, no more are allowed")
        if isinstance(job, Task):
            task = job
        else:
            task = asyncio.get_running_loop().create_task(job, name=name, context=keeping_request())
        self._running.add(task)
        if drain:
            self._to_drain.add(task)
        task.add_done_callback(self._done)
        if name and register:
            # An application that names tasks by their request would keep every one of them for ever.
            if len(self._named) >= self._purge_at:
                self.purge()
                # Where many tasks run, the next look through all of them waits until there are twice as many.
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

        Raises:
            KeyError: there is none.
        """
        return self._named[name]

    def named(self) -> list[Task[Any]]:
        """Return the tasks that can be found by a name."""
        return list(self._named.values())

    def by_name(self) -> dict[str, Task[Any]]:
        """Return the tasks that can be found by a name, by their names."""
        return dict(self._named)

    def purge(self) -> None:
        """Forget the names of tasks that are over."""
        for name in [name for name, task in self._named.items() if task.done()]:
            del self._named[name]

    def has_others_than(self, task: Task[Any] | None) -> bool:
        """Tell whether a task runs on this event loop, beside one."""
        loop = asyncio.get_running_loop()
        return any(other is not task and other.get_loop() is loop for other in self._running)

    # It waits, it does not give up.
    async def shutdown(
        self,
        timeout: float | None = None,  # noqa: ASYNC109
        drain: bool = False,
        keep: Task[Any] | None = None,
    ) -> None:
        """Cancel all tasks, and wait until they are over.

        Args:
            timeout: how long to wait, in seconds.
            drain: whether those that were added so may come to their own end within that time; then they are
                cancelled, too.
            keep: a task that is left alone, beside the running one.
        """
        loop = asyncio.get_running_loop()
        # A test may start an application once more on another loop; tasks of the first one are gone with it.
        left = (asyncio.current_task(), keep)
        waiting = {task for task in self._running if task not in left and task.get_loop() is loop}
        kept = waiting & self._to_drain if drain else set()
        for task in waiting - kept:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting, timeout=timeout)
        late = {task for task in kept if not task.done()}
        for task in late:
            logger.error("Task %s did not end in time and is cancelled", task.get_name())
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CANCELLED_TASKS_S)
        self.purge()
