"""A worker process, as the application in it sees it: `app.m`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol

from sanic_star.compat.worker.process import arguments_of
from sanic_star.compat.worker.state import SharedState, WorkerState
from sanic_star.servers.jobs import PickledValue, dumped
from sanic_star.servers.worker import Manage, Parent, Published, parent_of_worker


class Publisher(Protocol):
    """Takes orders to the main process."""

    def send(self, order: Any, /) -> Any:
        """Send an order, in the words of Sanic's manager."""
        ...


class WorkerPublisher:
    """Sends orders from a worker to the main process.

    Args:
        parent: the main process.
    """

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def send(self, order: Any) -> None:
        """Send an order: a text, or what `manage` puts together.

        Raises:
            pickle.PicklingError: a function or its arguments can't be sent to another process.
        """
        if isinstance(order, tuple):
            name, function, kwargs, *options = order
            # Pickled here, because the main process may be unable to import it.
            call = PickledValue(dumped((function, kwargs)))
            names = ("transient", "restartable", "tracked", "auto_start", "workers")
            self._parent.send(Manage(name, call, dict(zip(names, options, strict=True))))
        else:
            self._parent.send(Published(order))


class WorkerMultiplexer:
    """Tells which worker this is and what the others do, and asks the main process to restart or to end workers.

    Args:
        monitor_publisher: takes the orders.
        worker_state: what is known of each process, by its name.
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
        """What is known of this worker; what you set in it, other processes see in `workers`."""
        return WorkerState(self._worker_state, self.name)

    @property
    def workers(self) -> dict[str, Any]:
        """What is known of each process of the application, by its name; the main process answers.

        Raises:
            BrokenPipeError: it has ended.
            TimeoutError: it has not answered for 10 s.
        """
        return dict(self._worker_state)

    def ack(self) -> None:
        """Say that this worker accepts connections; it does so by itself when it does."""
        self._note(state="ACKED")

    def set_serving(self, serving: bool) -> None:
        """Say whether this worker serves, which `workers` shows."""
        self._note(serving=serving)

    def _note(self, **facts: Any) -> None:
        if isinstance(self._worker_state, SharedState):
            self._worker_state.note(self.name, **facts)
        else:
            self._worker_state[self.name] = {**self._worker_state.get(self.name, {}), **facts}

    def restart(self, name: str = "", all_workers: bool = False, zero_downtime: bool = False) -> None:
        """Have processes restarted; each worker is replaced by one that accepts connections before it stops.

        Args:
            name: of the process, or several with commas between them; by default this worker.
            all_workers: whether to restart all workers, one after the other, and the managed functions that are
                transient.
            zero_downtime: accepted for Sanic's sake: workers are never without a successor here.

        Raises:
            ValueError: there is a name, and all shall restart.
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
        """Have the main process run a function in a process of its own; see `WorkerManager.manage`.

        If the main process can't do that, because the name is taken for example, its log says so.

        Args:
            ident: the name.
            func: the function.
            kwargs: its arguments.
            transient: whether a restart of all workers restarts it, too.
            restartable: whether it can be restarted by the names of its processes; by default if it is transient.
            tracked: whether `workers` still shows it when it has ended.
            auto_start: whether it starts by itself.
            workers: in how many processes it runs.

        Raises:
            TypeError: `func` can't be called, or `kwargs` is no mapping.
            pickle.PicklingError: it can't be sent to another process.
        """
        call = arguments_of(func, kwargs)
        self._monitor_publisher.send((ident, *call, transient, restartable, tracked, auto_start, workers))

    def scale(self, num_workers: int) -> None:
        """Change the number of workers.

        Args:
            num_workers: how many, 1 or more; the log of the main process says if that can't be.
        """
        self._monitor_publisher.send(f"__SCALE__:{num_workers}")

    def exit(self) -> None:
        """Do nothing: the main process notes by itself that a worker has ended."""

    def terminate(self, early: bool = False) -> None:
        """Stop all workers, and with them the server.

        Args:
            early: accepted for Sanic's sake, whose manager may still be starting: here it has started.
        """
        self._monitor_publisher.send("__TERMINATE_EARLY__" if early else "__TERMINATE__")


def multiplexer_of_process() -> WorkerMultiplexer:
    """Return the multiplexer of this process.

    Raises:
        AttributeError: this process is no worker: one process alone has no main process.
    """
    parent = parent_of_worker()
    if parent is None:
        raise AttributeError("app.m is for workers: run the application with workers=2, or with auto_reload=True")
    return WorkerMultiplexer(WorkerPublisher(parent), SharedState())


__all__ = ["WorkerMultiplexer"]
