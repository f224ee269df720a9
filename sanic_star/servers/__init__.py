"""Running an application: `run` serves it until it is stopped, on uvicorn.

Nothing of a server is loaded before `run` is called: an application that another server runs never pays for this one.
"""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import current_process

from sanic_star.applications import Application


def run(
    app: Application,
    load: Callable[[], Application],
    *,
    host: str,
    port: int,
    reload: bool = False,
    workers: int = 1,
    access_log: bool = False,
    graceful_timeout: float = 15.0,
    keep_alive: float = 120,
) -> None:
    """Serve an application until SIGINT or SIGTERM.

    Args:
        app: the application.
        load: gives the application in another process; must be picklable. Where there are several processes each
            imports the main module first, so that the application is there.
        host: the address to listen on.
        port: the port to listen on; 0 for any that is free.
        reload: whether a change of a source file restarts the application.
        workers: how many processes.
        access_log: whether requests are logged.
        graceful_timeout: how long requests may take to end at the stop, in seconds.
        keep_alive: how long an idle connection stays open, in seconds.

    Raises:
        SystemExit: with status 1, the address can't be listened on, or the application's start failed.
    """
    # A worker imports the main module; without the `__name__` guard that would serve the application once more.
    if getattr(current_process(), "_inheriting", False):
        return
    from sanic_star.servers.uvicorn import serve

    serve(
        app,
        load,
        reload=reload,
        workers=workers,
        host=host,
        port=port,
        access_log=access_log,
        timeout_graceful_shutdown=graceful_timeout,
        timeout_keep_alive=keep_alive,
    )


def stop(app: Application) -> None:
    """Stop the server that runs an application in this process."""
    from sanic_star.servers.uvicorn import serving

    for server in list(serving):
        if server.config.loaded_app_is(app):
            server.should_exit = True
