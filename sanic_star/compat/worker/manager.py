"""`app.manager`: what the main process runs beside the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from os import getpid
from typing import Any

from sanic_star.compat.worker.constants import RestartOrder
from sanic_star.compat.worker.process import Worker, WorkerProcess, arguments_of
from sanic_star.compat.worker.state import SharedState, state_of
from sanic_star.servers.jobs import Jobs, LazyValue


class WorkerManager:
    """Manages the processes of an application, in the main process.

    It exists from `main_process_ready` to `main_process_stop`. In worker processes there is `app.m`.

    Args:
        jobs: the table of the supervisor.

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
        """Run a function in a process of its own, from the start of the workers until the server stops.

        The function is found there by its module and name, so it can't be a lambda or a local function. To end it,
        SIGINT is sent: without a handler of its own, it gets a `KeyboardInterrupt`. After 10 s it is killed. If it
        returns or raises, it is not started again.

        Args:
            name: a name that no other one has; the processes are called `Sanic-<name>-<number>`.
            func: the function.
            kwargs: its arguments, which have to be picklable; queues and locks of `multiprocessing` are.
            transient: whether a restart of all workers restarts it, too.
            restartable: whether it can be restarted by the names of its processes; by default if it is transient.
            tracked: whether `app.m.workers` still shows it when it has ended.
            auto_start: whether it starts by itself; if not, a restart by name starts it.
            workers: in how many processes it runs.
            ident: what goes before the lines of its log; by default the name.

        Returns:
            The function and its processes.

        Raises:
            TypeError: `func` can't be called, or `kwargs` is no mapping.
            ValueError: the name is taken, or it is transient and not restartable.
        """
        return Worker(
            self._jobs.add(
                name,
                LazyValue(arguments_of(func, kwargs)),
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
        """The functions that a restart of all workers leaves alone, by name."""
        return {job.name: Worker(job) for job in self._jobs if not job.transient}

    @property
    def workers(self) -> list[Worker]:
        """All that are managed, the transient ones first."""
        return [Worker(job) for job in self._jobs]

    @property
    def all_workers(self) -> Iterable[tuple[str, Worker]]:
        """All that are managed, with their names."""
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
        """How many processes serve."""
        return sum(slot.is_server for job in self._jobs for slot in job.slots)

    @property
    def pid(self) -> int:
        """The id of the main process."""
        return getpid()

    @property
    def worker_state(self) -> SharedState:
        """What is known of each process, by its name."""
        return state_of(self._jobs)

    @property
    def monitor_publisher(self) -> Connection[Any, Any]:
        """Where any process can send orders to the manager; it can be an argument of a managed function.

        An order is a text: the names of processes to restart, with commas between them; `__ALL_PROCESSES__:`;
        `__SCALE__:<number>`; `__TERMINATE__`.
        """
        publisher: Connection[Any, Any] = self._jobs.publisher
        return publisher

    @property
    def monitor_subscriber(self) -> Connection[Any, Any]:
        """The end from which the manager reads orders."""
        subscriber: Connection[Any, Any] = self._jobs.subscriber
        return subscriber

    def restart(
        self, process_names: list[str] | None = None, restart_order: RestartOrder = RestartOrder.STARTUP_FIRST
    ) -> None:
        """Restart processes, once the manager runs.

        Args:
            process_names: which; by default all workers and the functions that are restarted with them.
            restart_order: accepted for Sanic's sake: workers are replaced by ones that accept connections already.
        """
        self.monitor_publisher.send(",".join(process_names) if process_names else "__ALL_PROCESSES__:")

    def scale(self, num_worker: int) -> None:
        """Change the number of workers, once the manager runs.

        Args:
            num_worker: how many, 1 or more.

        Raises:
            ValueError: it is less.
        """
        if num_worker <= 0:
            raise ValueError("Cannot scale to 0 workers.")
        self.monitor_publisher.send(f"__SCALE__:{num_worker}")

    def shutdown(self) -> None:
        """Stop all processes, and with them the server."""
        self.monitor_publisher.send("__TERMINATE__")

    terminate = shutdown

    def close(self) -> None:
        """Take no orders any more."""
        self._jobs.close()


def _processes(workers: Iterable[Worker]) -> Iterator[WorkerProcess]:
    return (process for worker in workers for process in sorted(worker.processes, key=lambda process: process.name))


__all__ = ["WorkerManager"]
