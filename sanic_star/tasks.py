"""Background tasks under supervision: named, counted, their failures logged, ended with the application."""

from __future__ import annotations

import asyncio
import logging
from asyncio import Task
from collections.abc import Coroutine, Iterator
from typing import Any

logger = logging.getLogger("sanic.error")

# From so many names on, those of tasks that are over are forgotten when the next one comes.
NAMES_KEPT = 1000


class Tasks:
    """The background tasks of one application."""

    def __init__(self) -> None:
        # asyncio keeps weak references only: what is not held here may be collected while it runs.
        self._running: set[Task[Any]] = set()
        self._named: dict[str, Task[Any]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Task[Any]]:
        return iter(set(self._running) | set(self._named.values()))

    def add(self, job: Coroutine[Any, Any, Any], name: str | None = None, register: bool = True) -> Task[Any]:
        """Start a task.

        Args:
            job: what it runs.
            name: for `get`, and for the log.
            register: whether it can be found by that name.
        """
        task = asyncio.get_running_loop().create_task(job, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        if name and register:
            # Who names tasks by their request would keep every one of them for ever.
            if len(self._named) >= NAMES_KEPT:
                self.purge()
            self._named[name] = task
        return task

    def _done(self, task: Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("Task %s failed", task.get_name(), exc_info=error)

    def get(self, name: str) -> Task[Any]:
        """Return a task by its name.

        Raises:
            KeyError: there is none.
        """
        return self._named[name]

    def purge(self) -> None:
        """Forget the names of tasks that are over."""
        for name in [name for name, task in self._named.items() if task.done()]:
            del self._named[name]

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (it waits, it does not give up)
        """Cancel all tasks, and wait until they are over.

        Args:
            timeout: how long to wait, in seconds.
        """
        loop = asyncio.get_running_loop()
        # A test may start an application once more on another loop; tasks of the first one are gone with it.
        waiting = {task for task in self._running if task is not asyncio.current_task() and task.get_loop() is loop}
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting, timeout=timeout)
        self.purge()
