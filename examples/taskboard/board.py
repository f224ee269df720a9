"""The board, written for Sanic: what is here and what it imports would run on Sanic itself, with other import lines.

`server.py` adds to it what an ASGI application can have besides; `plain.py` adds nothing.
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

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
DEFAULTS = {
    "DB": HERE / "instance" / "board.db",
    "TICK": 1.0,  # seconds between two events of the ticker
    "ATTACHMENT_MAX_SIZE": 2_000_000,  # bytes
}

App = Sanic[Any, Any]


def create_board(asset_link: Callable[[Request, str], str]) -> App:
    """Make the application, all but the assets: `asset_link(request, name)` tells where those are.

    Settings come from the environment, with the prefix `TASKBOARD_` (`TASKBOARD_DB=/tmp/board.db`).
    """
    app: App = Sanic("taskboard", env_prefix="TASKBOARD_")
    for key, value in DEFAULTS.items():
        app.config.setdefault(key, value)
    app.ctx.hub = Hub()
    app.ctx.asset_link = asset_link
    app.ctx.panels = {}
    app.blueprint([pages, tasks, board, attachments, live])
    handle_errors(app)
    app.on_request(start_clock)
    app.on_response(tell_time)
    app.before_server_start(open_store)
    app.after_server_start(say_ready)
    app.before_server_stop(say_goodbye)
    app.after_server_stop(close_store)
    return app


async def start_clock(request: Request) -> None:
    """Note when a request came; who made it is not known yet."""
    request.ctx.started = time.perf_counter()
    request.ctx.user = "guest"


async def tell_time(request: Request, response: HTTPResponse) -> None:
    """Say how long the answer took, where the browser's network panel shows it."""
    started = getattr(request.ctx, "started", None)
    if started is not None:
        response.headers["Server-Timing"] = f"board;dur={(time.perf_counter() - started) * 1000:.1f}"


async def open_store(app: App) -> None:
    """Before the first request: open the database."""
    hub: Hub = app.ctx.hub
    store = Store(Path(app.config.DB), lambda what, task: hub.publish("task", what=what, id=task.id, title=task.title))
    await store.open()
    app.ctx.store = store
    logger.info("taskboard: before_server_start, the store is %s", store.path)


async def say_ready(_: App) -> None:
    """Once requests are served."""
    logger.info("taskboard: after_server_start")


async def say_goodbye(app: App) -> None:
    """While the connections are still open: pages learn that the server goes, and will come back by themselves."""
    app.ctx.hub.publish("goodbye")
    logger.info("taskboard: before_server_stop")


async def close_store(app: App) -> None:
    """After the last request."""
    await app.ctx.store.close()
    logger.info("taskboard: after_server_stop")
