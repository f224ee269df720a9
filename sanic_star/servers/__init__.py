"""Running an application: `run` serves it until it is stopped, on uvicorn.

Nothing of a server is loaded before `run` is called: an application that another server runs never pays for this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from multiprocessing import current_process
from typing import Any

from sanic_star.applications import Application


def is_imported_by_worker() -> bool:
    """Tell whether this is a worker that imports the main module in order to find its application there.

    Without the `__name__` guard in that module, it would serve the application once more.
    """
    return bool(getattr(current_process(), "_inheriting", False))


def run(
    app: Application,
    load: Callable[[], Application],
    *,
    host: str,
    port: int,
    unix: str | None = None,
    reload: bool = False,
    reload_dirs: list[str] | None = None,
    workers: int = 1,
    access_log: bool = False,
    backlog: int = 100,
    graceful_timeout: float = 15.0,
    keep_alive: float = 120,
    websocket: Mapping[str, Any] | None = None,
) -> None:
    """Serve an application until SIGINT or SIGTERM.

    Args:
        app: the application.
        load: gives the application in another process; must be picklable. Where there are several processes each
            imports the main module first, so that the application is there.
        host: the address to listen on.
        port: the port to listen on; 0 for any that is free.
        unix: path of a socket to listen on, in place of host and port.
        reload: whether a change of a source file restarts the application.
        reload_dirs: directories that are watched; by default the current one.
        workers: how many processes.
        access_log: whether requests are logged.
        backlog: how many connections may wait to be accepted.
        graceful_timeout: how long requests may take to end at the stop, in seconds.
        keep_alive: how long an idle connection stays open, in seconds.
        websocket: uvicorn's settings for websockets.

    Raises:
        SystemExit: with status 1, the address can't be listened on, or the application's start failed.
    """
    from sanic_star.servers.uvicorn import serve

    serve(
        app,
        load,
        reload=reload,
        workers=workers,
        host=host,
        port=port,
        uds=unix,
        reload_dirs=reload_dirs,
        access_log=access_log,
        backlog=backlog,
        timeout_graceful_shutdown=graceful_timeout,
        timeout_keep_alive=keep_alive,
        **(websocket or {}),
    )


def stop(app: Application) -> None:
    """Stop the server that runs an application in this process."""
    from sanic_star.servers.uvicorn import serving

    for server in list(serving):
        if server.config.loaded_app_is(app):
            server.should_exit = True
