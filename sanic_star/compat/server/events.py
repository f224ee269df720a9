"""`trigger_events`: call listeners."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from inspect import isawaitable, signature
from typing import Any


def trigger_events(
    events: Iterable[Callable[..., Any]] | None, loop: AbstractEventLoop, app: Any = None, **kwargs: Any
) -> None:
    """Call functions one after the other, and run coroutine functions to their end.

    Args:
        events: the functions. Each takes no argument or the loop; with `app`, the application, or the application and
            the loop.
        loop: an event loop that is not running.
        app: the application.
        kwargs: passed to each function.

    Raises:
        TypeError: a function takes other arguments.
    """
    arguments = () if app is None else (app,)
    for event in events or ():
        try:
            signature(event).bind(*arguments, **kwargs)
        except TypeError:
            result = event(*arguments, loop, **kwargs)
        else:
            result = event(*arguments, **kwargs)
        if isawaitable(result):
            loop.run_until_complete(result)
