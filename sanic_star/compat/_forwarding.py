"""The limit on bodies for what is no route of Sanic's: Starlette's routes, and mounted applications.

They read the body themselves, so the limit stands in what they read by. A limit inside of it, that of a `Route` or
`Mount` of Starlette with `max_body_size=`, takes its place: Starlette tells of it in the scope. A mounted application
of this package has a `REQUEST_MAX_SIZE` of its own; only what Starlette's keyword says holds for it, too.
"""

from __future__ import annotations

from typing import Any

from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.types import Message, Receive, Scope

from sanic_star.applications import Application
from sanic_star.compat.exceptions import PayloadTooLarge
from sanic_star.requests import TOO_LARGE, announces_more_than


def has_own_limit(route: Any) -> bool:
    """Tell whether a mount leads to an application of this package."""
    return isinstance(getattr(route, "_base_app", None), Application)


def limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Return a `receive` that raises 413 when the body is larger than `limit`, as soon as that is known.

    Args:
        scope: the request's scope.
        receive: what gives the messages.
        limit: in bytes.
    """
    size = 0

    async def receive_within() -> Message:
        nonlocal size
        # Asked for now: by now the inner route may have a limit of its own.
        allowed = scope.get(MAX_BODY_SIZE_SCOPE_KEY, limit)
        if not size and announces_more_than(scope, allowed):
            raise PayloadTooLarge(TOO_LARGE)
        message = await receive()
        size += len(message.get("body", b""))
        if size > allowed:
            raise PayloadTooLarge(TOO_LARGE)
        return message

    return receive_within
