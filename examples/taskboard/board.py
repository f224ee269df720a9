"""The board, written for Sanic: this module and its imports run on Sanic itself if you change the import lines.

`server.py` adds features of Starlette and other ASGI packages; `plain.py` adds only the static files.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sanic_star import HTTPResponse, Request, Sanic
from sanic_star.compat.log import logger

from .api import board, tasks
from .attachments import attachments
from .hub import Hub
from .live import live
from .pages import handle_errors, pages
from .store import Store

FOLDER = Path(__file__).parent
ASSETS = FOLDER / "assets"
DEFAULTS = {
    "DB": FOLDER / "instance" / "board.db",
    "TICK": 1.0,  # seconds between two events of the ticker
    "ATTACHMENT_MAX_SIZE": 2_000_000,  # bytes
}

App = Sanic[Any, Any]


def create_board(asset_link: Callable[[Request, str], str]) -> App:
    """Create the application without the assets; `asset_link(request, name)` returns the URL of one.

    Settings come from the environment, with the prefix `TASKBOARD_` (`TASKBOARD_DB=/tmp/board.db`).
    """
    app: App = Sanic("taskboard", env_prefix="TASKBOARD_")
    for key, value in DEFAULTS.items():
        app.config.setdefault(key, value)
    # A value that is not a number prevents the start; otherwise the first request that needs it would fail.
    app.config.TICK = float(app.config.TICK)
    app.config.ATTACHMENT_MAX_SIZE = int(app.config.ATTACHMENT_MAX_SIZE)
    app.ctx.hub = Hub()
    app.ctx.asset_link = asset_link
    app.ctx.panels = {}
    app.blueprint([pages, tasks, board, attachments, live])
    handle_errors(app)
    app.on_request(start_clock)
    app.on_response(add_server_timing)
    app.before_server_start(open_store)
    app.after_server_start(log_start)
    app.before_server_stop(publish_goodbye)
    app.after_server_stop(close_store)
    return app


async def start_clock(request: Request) -> None:
    """Store the time at which the request arrived, and a user name until the session is read."""
    request.ctx.started = time.perf_counter()
    request.ctx.user = "guest"


async def add_server_timing(request: Request, response: HTTPResponse) -> None:
    """Report how long the response took; the browser's network panel shows this header."""
    started = getattr(request.ctx, "started", None)
    if started is not None:
        response.headers["Server-Timing"] = f"board;dur={(time.perf_counter() - started) * 1000:.1f}"


async def open_store(app: App) -> None:
    """Open the database before the first request."""
    hub: Hub = app.ctx.hub
    store = Store(
        Path(app.config.DB), lambda event, task: hub.publish("task", what=event, id=task.id, title=task.title)
    )
    await store.open()
    app.ctx.store = store
    logger.info("taskboard: before_server_start, the store is %s", store.path)


async def log_start(_: App) -> None:
    """Log that the server accepts requests."""
    logger.info("taskboard: after_server_start")


async def publish_goodbye(app: App) -> None:
    """Tell open pages that the server stops, while their connections still exist; they reconnect by themselves."""
    app.ctx.hub.publish("goodbye")
    logger.info("taskboard: before_server_stop")


async def close_store(app: App) -> None:
    """Close the database after the last request."""
    await app.ctx.store.close()
    logger.info("taskboard: after_server_stop")
