"""The background task of a response, Starlette's `BackgroundTask`: it runs once the response is sent.

Background tasks of the application (`app.add_task`) are in `tasks`."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from sanic_star.compat.log import error_logger
from sanic_star.engine.failures import PASSED_ON, log_error, mark

if TYPE_CHECKING:
    from starlette.background import BackgroundTask


async def run_background(response: Any, scope: Scope) -> None:
    """Run a response's background task, if it has one.

    The response is sent: an exception is logged and raised to the server, as one that was answered is, and no other
    answer is tried.

    Args:
        response: what was sent.
        scope: the connection's ASGI scope.
    """
    task: BackgroundTask | None = response.background
    if task is None:
        return
    try:
        await task()
    except (CancelledError, *PASSED_ON):
        raise
    except BaseException as error:
        log_error(error_logger, error, "The background task of a response to %r failed", scope["path"])
        router = getattr(scope.get("app"), "signal_router", None)
        if router is not None:
            await router.report(error, answered=True)
        mark(error, scope)
        raise
