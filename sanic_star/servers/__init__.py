"""Running an application: `run` serves it until it is stopped, on uvicorn, hypercorn or granian.

One process serves in itself (`serving`). Several, one that is restarted on changes, and one that has a main process
beside it, are looked after by their parent (`supervisor`), which owns the sockets; it starts `worker`, and functions
of the application that run beside the workers (`jobs`). Each server has one record in
`backends` and one module that runs it; sockets, signals, restarts and the exit status are the same for all.

Nothing of a server is loaded before `run` is called: an application that another server runs never pays for this one.
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
            serve(plan.apps, plan.settings, sockets, signals=plan.signals, ready=lambda stop: sockets.announce())
    except CannotServe as error:
        logger.error("%s", error)
        sys.exit(1)


def _supervise(plan: Plan, sockets: Sockets) -> bool:
    """Serve in other processes until the stop.

    Returns:
        Whether they could import the application; if not, nothing was served.
    """
    from sanic_star.servers.stopping import bound_exit
    from sanic_star.servers.supervisor import Supervisor

    try:
        Supervisor(plan, sockets).run()
        bound_exit()
    except NotImportable as error:
        if not plan.can_serve_alone:
            raise CannotServe(f"Several workers need an application that another process can import: {error}") from None
        logger.warning(
            "No other process can import the application, so this one serves it, without app.manager and app.m: %s. "
            "To change that, create the application at the top of a module, or give a factory of a module.",
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

    for application, server in served:
        if application is app:
            server.begin(everywhere=everywhere)
