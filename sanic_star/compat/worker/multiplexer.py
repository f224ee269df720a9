"""`app.m`: the worker process of an application."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol

from sanic_star.compat.worker.process import check_call
from sanic_star.compat.worker.state import SharedState, WorkerState
from sanic_star.servers.jobs import PickledValue, pickle_value
from sanic_star.servers.worker import JobRequest, ManagerCommand, Parent, parent_of_worker


class Publisher(Protocol):
    """Sends commands to the main process."""

    def send(self, command: Any, /) -> Any:
        """Send a command in the format of Sanic's manager."""
        ...


class WorkerPublisher:
    """Sends commands from a worker to the main process.

    Args:
        parent: the main process.
    """

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def send(self, command: Any) -> None:
        """Send a command: text, or the tuple that `manage` creates.

        Raises:
            pickle.PicklingError: a function or its arguments cannot be pickled.
        """
        if isinstance(command, tuple):
            name, function, kwargs, *options = command
            # Pickled here, because the main process may not be able to import the function.
            call = PickledValue(pickle_value((function, kwargs)))
            option_names = ("transient", "restartable", "tracked", "auto_start", "workers")
            self._parent.send(JobRequest(name, call, dict(zip(option_names, options, strict=True))))
        else:
            self._parent.send(ManagerCommand(command))


class WorkerMultiplexer:
    """Shows the workers and their states, and makes the main process restart or stop them.

    Args:
        monitor_publisher: the object that sends the commands.
        worker_state: the state of each process by name.
    """

    def __init__(self, monitor_publisher: Publisher, worker_state: MutableMapping[str, dict[str, Any]]) -> None:
        self._monitor_publisher = monitor_publisher
        self._worker_state = worker_state

    @property
    def name(self) -> str:
        """The name of this worker."""
        return os.environ.get("SANIC_WORKER_NAME", "")

    @property
    def pid(self) -> int:
        """The id of this process."""
        return os.getpid()

    @property
    def state(self) -> WorkerState:
        """The state of this worker; other processes see values that you set in `workers`."""
        return WorkerState(self._worker_state, self.name)

    @property
    def workers(self) -> dict[str, Any]:
        """The state of each process of the application by name, requested from the main process.

        Raises:
            BrokenPipeError: the main process has ended.
            TimeoutError: the main process has not answered for 10 s.
        """
        return dict(self._worker_state)

    def ack(self) -> None:
        """Report that this worker accepts connections; a worker does this itself."""
        self._set_builtin(state="ACKED")

    def set_serving(self, serving: bool) -> None:
        """Set whether this worker serves; `workers` shows it.

        Args:
            serving: whether it accepts connections.
        """
        self._set_builtin(serving=serving)

    def _set_builtin(self, **values: Any) -> None:
        if isinstance(self._worker_state, SharedState):
            self._worker_state.set_builtin(self.name, **values)
        else:
            self._worker_state[self.name] = {**self._worker_state.get(self.name, {}), **values}

    def restart(self, name: str = "", all_workers: bool = False, zero_downtime: bool = False) -> None:
        """Restart processes; a worker's successor accepts connections before the worker stops.

        Args:
            name: the name of the process, or several separated by commas; by default this worker.
            all_workers: whether to restart all workers, one after the other, and the managed functions that are
                transient.
            zero_downtime: ignored: a worker's successor always starts first.

        Raises:
            ValueError: there are both a name and `all_workers`.
        """
        if name and all_workers:
            raise ValueError("Ambiguous restart with both a named process and all_workers=True")
        names = "__ALL_PROCESSES__" if all_workers else name or self.name
        self._monitor_publisher.send(f"{names}:" + (":STARTUP_FIRST" if zero_downtime else ""))

    reload = restart

    def manage(
        self,
        ident: str,
        func: Callable[..., Any],
        kwargs: Mapping[str, Any],
        transient: bool = False,
        restartable: bool | None = None,
        tracked: bool = False,
        auto_start: bool = True,
        workers: int = 1,
    ) -> None:
        """Let the main process run a function in a separate process; see `WorkerManager.manage`.

        If the main process cannot do that, for example because the name is already used, it logs an error.

        Args:
            ident: the name.
            func: the function.
            kwargs: its arguments.
            transient: whether a restart of all workers restarts it, too.
            restartable: whether it can be restarted by the names of its processes; by default if it is transient.
            tracked: whether `workers` still shows it after its end.
            auto_start: whether it starts at once.
            workers: the number of processes.

        Raises:
            TypeError: `func` is not callable, or `kwargs` is not a mapping.
            pickle.PicklingError: the function or its arguments cannot be pickled.
        """
        call = check_call(func, kwargs)
        self._monitor_publisher.send((ident, *call, transient, restartable, tracked, auto_start, workers))

    def scale(self, num_workers: int) -> None:
        """Change the number of workers.

        Args:
            num_workers: the number, 1 or more; for an invalid number the main process logs an error.
        """
        self._monitor_publisher.send(f"__SCALE__:{num_workers}")

    def exit(self) -> None:
        """Do nothing: the main process itself detects that a worker has ended."""

    def terminate(self, early: bool = False) -> None:
        """Stop all workers, and thereby the server.

        Args:
            early: ignored; in Sanic the manager may still be starting.
        """
        self._monitor_publisher.send("__TERMINATE_EARLY__" if early else "__TERMINATE__")


def multiplexer_of_process() -> WorkerMultiplexer:
    """Return the multiplexer of this process.

    Raises:
        AttributeError: this process is not a worker; a single process has no main process.
    """
    parent = parent_of_worker()
    if parent is None:
        raise AttributeError("app.m is for workers: run the application with workers=2, or with auto_reload=True")
    return WorkerMultiplexer(WorkerPublisher(parent), SharedState())


__all__ = ["WorkerMultiplexer"]
