"""`app.manager`: manages the processes of an application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from os import getpid
from typing import Any

from sanic_star.compat.worker.constants import RestartOrder
from sanic_star.compat.worker.process import Worker, WorkerProcess, check_call
from sanic_star.compat.worker.state import SharedState, state_of
from sanic_star.servers.jobs import Jobs, LazyValue


class WorkerManager:
    """Manages the processes of an application, in the main process.

    It exists from `main_process_ready` to `main_process_stop`. Worker processes have `app.m` instead.

    Args:
        jobs: the supervisor's table of jobs.

    Examples:
        A function that runs beside the workers::

            def watch(folder):
                ...

            @app.main_process_ready
            async def ready(app):
                app.manager.manage("Watcher", watch, {"folder": "/srv"})
    """

    MAIN_NAME = "Sanic-Main"
    THRESHOLD = WorkerProcess.THRESHOLD

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def manage(
        self,
        name: str,
        func: Callable[..., Any],
        kwargs: dict[str, Any],
        transient: bool = False,
        restartable: bool | None = None,
        tracked: bool = True,
        auto_start: bool = True,
        workers: int = 1,
        ident: str = "",
    ) -> Worker:
        """Run a function in a separate process, from the start of the workers until the server stops.

        The process imports the function by module and name, so it cannot be a lambda or a local function. It is ended
        with SIGINT, which raises `KeyboardInterrupt` unless it has its own handler, and killed after 10 s. If it
        returns or raises, it is not started again.

        Args:
            name: a unique name; the processes are named `Sanic-<name>-<number>`.
            func: the function.
            kwargs: its arguments, which must be picklable; queues and locks of `multiprocessing` are.
            transient: whether a restart of all workers restarts it, too.
            restartable: whether it can be restarted by the names of its processes; by default if it is transient.
            tracked: whether `app.m.workers` still shows it after its end.
            auto_start: whether it starts with the workers; otherwise a restart by name starts it.
            workers: the number of processes.
            ident: the prefix of its log lines; by default the name.

        Returns:
            The function and its processes.

        Raises:
            TypeError: `func` is not callable, or `kwargs` is not a mapping.
            ValueError: the name is already used, or the function is transient and not restartable.
        """
        return Worker(
            self._jobs.add(
                name,
                LazyValue(check_call(func, kwargs)),
                transient=transient,
                restartable=restartable,
                tracked=tracked,
                auto_start=auto_start,
                workers=workers,
                ident=ident,
            )
        )

    @property
    def transient(self) -> dict[str, Worker]:
        """The workers, and the functions that are restarted with them, by name."""
        return {job.name: Worker(job) for job in self._jobs if job.transient}

    @property
    def durable(self) -> dict[str, Worker]:
        """The functions that a restart of all workers does not restart, by name."""
        return {job.name: Worker(job) for job in self._jobs if not job.transient}

    @property
    def workers(self) -> list[Worker]:
        """All workers and functions, the transient ones first."""
        return [Worker(job) for job in self._jobs]

    @property
    def all_workers(self) -> Iterable[tuple[str, Worker]]:
        """All workers and functions, with their names."""
        return [(job.name, Worker(job)) for job in self._jobs]

    @property
    def processes(self) -> Iterator[WorkerProcess]:
        """The processes that have been started."""
        return (process for process in [*self.transient_processes, *self.durable_processes] if process.pid)

    @property
    def transient_processes(self) -> Iterator[WorkerProcess]:
        """The processes of `transient`, started or not."""
        return _processes(self.transient.values())

    @property
    def durable_processes(self) -> Iterator[WorkerProcess]:
        """The processes of `durable`, started or not."""
        return _processes(self.durable.values())

    @property
    def num_server(self) -> int:
        """The number of workers."""
        return sum(slot.is_server for job in self._jobs for slot in job.slots)

    @property
    def pid(self) -> int:
        """The id of the main process."""
        return getpid()

    @property
    def worker_state(self) -> SharedState:
        """The state of each process by name."""
        return state_of(self._jobs)

    @property
    def monitor_publisher(self) -> Connection[Any, Any]:
        """A connection to send commands to the manager from any process; it can be an argument of a managed function.

        A command is text: the names of processes to restart, separated by commas; `__ALL_PROCESSES__:`;
        `__SCALE__:<number>`; `__TERMINATE__`.
        """
        publisher: Connection[Any, Any] = self._jobs.publisher
        return publisher

    @property
    def monitor_subscriber(self) -> Connection[Any, Any]:
        """The end of the connection from which the manager reads commands."""
        subscriber: Connection[Any, Any] = self._jobs.subscriber
        return subscriber

    def restart(
        self, process_names: list[str] | None = None, restart_order: RestartOrder = RestartOrder.STARTUP_FIRST
    ) -> None:
        """Restart processes as soon as the manager runs.

        Args:
            process_names: their names; by default all workers and the functions that are restarted with them.
            restart_order: ignored: a worker's successor accepts connections before the worker stops.
        """
        self.monitor_publisher.send(",".join(process_names) if process_names else "__ALL_PROCESSES__:")

    def scale(self, num_worker: int) -> None:
        """Change the number of workers as soon as the manager runs.

        Args:
            num_worker: the number, 1 or more.

        Raises:
            ValueError: the number is less than 1.
        """
        if num_worker <= 0:
            raise ValueError("Cannot scale to 0 workers.")
        self.monitor_publisher.send(f"__SCALE__:{num_worker}")

    def shutdown(self) -> None:
        """Stop all processes, and thereby the server."""
        self.monitor_publisher.send("__TERMINATE__")

    terminate = shutdown

    def close(self) -> None:
        """Stop accepting commands."""
        self._jobs.close()


def _processes(workers: Iterable[Worker]) -> Iterator[WorkerProcess]:
    return (process for worker in workers for process in sorted(worker.processes, key=lambda process: process.name))


__all__ = ["WorkerManager"]
