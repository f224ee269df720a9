"""Running an application: `run` serves it until it is stopped, on uvicorn, hypercorn or granian.

One process serves in itself (`serving`). Several, and one that is restarted on changes, are looked after by their
parent (`supervisor`), which owns the sockets; what it starts is `worker`. Each server has one record in
`backends` and one module that runs it; sockets, signals, restarts and the exit status are the same for all.

Nothing of a server is loaded before `run` is called: an application that another server runs never pays for this one.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from sanic_star.servers.settings import CannotServe, Plan, Settings

if TYPE_CHECKING:
    from sanic_star.engine.seams import Host

__all__ = ("CannotServe", "Plan", "Settings", "is_imported_by_worker", "run", "stop")

logger = logging.getLogger("sanic.server")


def is_imported_by_worker() -> bool:
    """Tell whether this is a worker that imports the main module in order to find its application there.

    Without the `__name__` guard in that module, it would serve the application once more.
    """
    # Who has not imported it is not in a worker.
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and bool(getattr(processes.current_process(), "_inheriting", False))


def run(plan: Plan) -> None:
    """Serve until SIGINT, SIGTERM or `stop`.

    Raises:
        SystemExit: with status 1, an address can't be listened on, a server is not installed, or the start failed.
    """
    from sanic_star.servers.backends import check_servers
    from sanic_star.servers.serving import serve
    from sanic_star.servers.sockets import Sockets

    try:
        check_servers(plan.settings)
        with Sockets(plan.settings, plan.sockets) as sockets:
            if plan.supervised or plan.workers > 1 or plan.watch is not None:
                from sanic_star.servers.supervisor import Supervisor

                Supervisor(plan, sockets).run()
            else:
                serve(plan.apps, plan.settings, sockets, signals=plan.signals, ready=lambda stop: sockets.announce())
    except CannotServe as error:
        logger.error("%s", error)
        sys.exit(1)


def stop(app: Host, *, everywhere: bool = True) -> None:
    """Stop the server that runs an application in this process; can be called in any thread.

    Args:
        app: the application.
        everywhere: whether the other workers stop with this one.
    """
    from sanic_star.servers.serving import served

    for other, how in served:
        if other is app:
            how.begin(everywhere=everywhere)
