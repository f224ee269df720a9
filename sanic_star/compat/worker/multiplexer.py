"""A worker process, as the application in it sees it: `app.m`."""

from __future__ import annotations

import os
from typing import Any


class WorkerMultiplexer:
    """Tells which worker this is, and asks its supervisor to restart or to end workers.

    Args:
        app: the application.

    Raises:
        AttributeError: this process is no worker: one process alone has no supervisor.
    """

    def __init__(self, app: Any) -> None:
        # Only a process with a supervisor needs it.
        from sanic_star.servers.worker import parent

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

    def restart(self, name: str = "", all_workers: bool = False) -> None:
        """Have workers replaced: each by one that accepts connections before it stops.

        Args:
            name: of the worker, by default this one.
            all_workers: whether to replace all of them, one after the other.
        """
        self._parent.roll("" if all_workers else name or self.name)

    reload = restart

    def terminate(self, early: bool = False) -> None:
        """Stop all workers, and with them the server.

        Args:
            early: accepted for Sanic's sake, whose manager may still be starting: here it has started.
        """
        self._app.stop()


__all__ = ["WorkerMultiplexer"]
