"""A worker process, as the application in it sees it: `app.m`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from sanic_star.compat.worker.process import arguments_of
from sanic_star.compat.worker.state import SharedState, WorkerState
from sanic_star.servers.jobs import Arrived, dumped
from sanic_star.servers.worker import Change, Manage, Scale, parent


class WorkerMultiplexer:
    """Tells which worker this is and what the others do, and asks the main process to restart or to end workers.

    Args:
        app: the application.

    Raises:
        AttributeError: this process is no worker: one process alone has no main process.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        supervisor = parent()
        if supervisor is None:
            raise AttributeError("app.m is for workers: run the application with workers=2, or with auto_reload=True")
        self._parent = supervisor

    @property
    def name(self) -> str:
        """The name of this worker."""
        return os.environ["SANIC_WORKER_NAME"]

    @property
    def pid(self) -> int:
        """The id of this process."""
        return os.getpid()

    @property
    def state(self) -> WorkerState:
        """What is known of this worker; what you set in it, other processes see in `workers`."""
        return WorkerState(SharedState(self._parent.ask, self._change), self.name)

    @property
    def workers(self) -> dict[str, Any]:
        """What is known of each process of the application, by its name; the main process answers.

        Raises:
            BrokenPipeError: it has ended.
            TimeoutError: it has not answered for 10 s.
        """
        return self._parent.ask()

    def _change(self, name: str, values: dict[str, bytes], removed: Any) -> None:
        self._parent.say(Change(name, values, list(removed), {}))

    def ack(self) -> None:
        """Say that this worker accepts connections; it does so by itself when it does."""
        self._parent.say(Change(self.name, {}, [], {"state": "ACKED"}))

    def set_serving(self, serving: bool) -> None:
        """Say whether this worker serves, which `workers` shows."""
        self._parent.say(Change(self.name, {}, [], {"serving": serving}))

    def restart(self, name: str = "", all_workers: bool = False, zero_downtime: bool = True) -> None:
        """Have processes restarted; each worker is replaced by one that accepts connections before it stops.

        Args:
            name: of the process, or several with commas between them; by default this worker.
            all_workers: whether to restart all workers, one after the other, and the managed functions that are
                transient.
            zero_downtime: accepted for Sanic's sake.

        Raises:
            ValueError: there is a name, and all shall restart.
        """
        if name and all_workers:
            raise ValueError("Ambiguous restart with both a named process and all_workers=True")
        self._parent.roll("" if all_workers else name or self.name)

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
        call = Arrived(dumped(arguments_of(func, kwargs)))
        options = {
            "transient": transient, "restartable": restartable, "tracked": tracked, "auto_start": auto_start,
            "workers": workers,
        }  # fmt: skip
        self._parent.say(Manage(ident, call, options))

    def scale(self, num_workers: int) -> None:
        """Change the number of workers.

        Args:
            num_workers: how many, 1 or more; the log of the main process says if that can't be.
        """
        self._parent.say(Scale(num_workers))

    def exit(self) -> None:
        """Do nothing: the main process notes by itself that a worker has ended."""

    def terminate(self, early: bool = False) -> None:
        """Stop all workers, and with them the server.

        Args:
            early: accepted for Sanic's sake, whose manager may still be starting: here it has started.
        """
        self._app.stop()


__all__ = ["WorkerMultiplexer"]
