"""Old attributes of applications."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any

from sanic_star.compat._old.router import remove


def register_blueprint(app: Any, *args: Any, **kwargs: Any) -> None:
    """Do what `app.blueprint` does."""
    app.blueprint(*args, **kwargs)


def remove_route(app: Any, uri: str, clean_cache: bool = True, host: str | None = None) -> None:
    """Remove the routes of a path from an application; see `router.remove`."""
    remove(app.router, uri, clean_cache, host)


async def trigger_events(app: Any, events: Iterable[Callable[[Any], Any]], loop: Any) -> None:
    """Call functions one after the other, each with an argument, and wait for those that are asynchronous.

    Args:
        app: the application.
        events: the functions.
        loop: the argument of each function.
    """
    for event in events:
        result = event(loop)
        if isawaitable(result):
            await result


def is_running(app: Any) -> bool:
    """Return whether an application answers requests."""
    return bool(app.state.is_running)


def is_stopping(app: Any) -> bool:
    """Return whether an application is stopping."""
    return bool(app.state.is_stopping)
