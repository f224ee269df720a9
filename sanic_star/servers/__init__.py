"""Run applications: `run` serves them until they are stopped, on uvicorn, hypercorn or granian.

If one process is enough, `serving` serves in this process. A supervisor (`supervisor`) is needed for several workers,
for a worker that restarts when files change, and for a worker with a main process beside it. The supervisor owns the
sockets, and starts the workers (`worker`) and functions of the application that run beside them (`jobs`). Each server
has one record in `backends`, and one module that runs it. Sockets, signals, restarts and the exit status are the same
for all servers.

No server is imported before `run` is called: an application on a server that this package has not started never pays
for these imports.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from sanic_star.servers.settings import CannotServe, NotImportable, Plan, Settings

if TYPE_CHECKING:
    from sanic_star.engine.seams import Host
    from sanic_star.servers.sockets import Sockets

__all__ = ("CannotServe", "Plan", "Settings", "is_imported_by_worker", "run", "stop")

logger = logging.getLogger("sanic.server")


def is_imported_by_worker() -> bool:
    """Return whether this is a worker that imports the main module to find its application.

    If the module has no `__name__` guard, the worker must not serve the application again.
    """
    # A worker has imported `multiprocessing`.
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and bool(getattr(processes.current_process(), "_inheriting", False))


def run(plan: Plan) -> None:
    """Serve until SIGINT, SIGTERM or `stop`.

    Args:
        plan: the applications, their settings and sockets.

    Raises:
        SystemExit: with status 1: an address cannot be bound, a server is not installed, or the start failed.
    """
    from sanic_star.servers.backends import check_servers
    from sanic_star.servers.serving import serve
    from sanic_star.servers.sockets import Sockets

    try:
        check_servers(plan.settings)
        with Sockets(plan.settings, plan.sockets) as sockets:
            if plan.needs_supervisor and _supervise(plan, sockets):
                return
            serve(
                plan.apps,
                plan.settings,
                sockets,
                handle_signals=plan.handles_signals,
                on_ready=lambda stop: sockets.announce(),
            )
    except CannotServe as error:
        logger.error("%s", error)
        sys.exit(1)


def _supervise(plan: Plan, sockets: Sockets) -> bool:
    """Serve in other processes, until the stop.

    Returns:
        Whether the workers could import the application; if not, nothing was served.
    """
    from sanic_star.servers.stopping import limit_exit_time
    from sanic_star.servers.supervisor import Supervisor

    try:
        Supervisor(plan, sockets).run()
        limit_exit_time()
    except NotImportable as error:
        if not plan.can_serve_alone:
            raise CannotServe(f"Several workers need an application that another process can import: {error}") from None
        logger.warning(
            "No other process can import the application, so this one serves it, without app.manager and app.m: %s. "
            "To change that, create the application at the top of a module, or pass a function of a module as factory.",
            error,
        )
        return False
    return True


def stop(app: Host, *, everywhere: bool = True) -> None:
    """Stop the server that runs an application in this process; can be called in any thread.

    Args:
        app: the application.
        everywhere: whether the other workers stop with this one.
    """
    from sanic_star.servers.serving import served

    for application, server_stop in served:
        if application is app:
            server_stop.begin(everywhere=everywhere)
