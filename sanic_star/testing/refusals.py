"""What `sanic_testing` does with requests of a method that a path has no handler for.

Its client gives an app that has no handler for ``MethodNotAllowed`` one of its own, which leaves the answers to PUT,
PATCH and DELETE empty. So a handler for every exception is not asked there, though a server would ask it, and tests
that expect 405 pass. They have to pass here, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["refusals"]

_EMPTY = frozenset({"PUT", "PATCH", "DELETE"})


@contextmanager
def refusals(app: Any) -> Iterator[None]:
    """Let a Sanic app answer such requests in the way of `sanic_testing`; another app is left alone."""
    handlers = getattr(getattr(app, "error_handler", None), "cached_handlers", None)
    if handlers is None:
        yield
        return
    # Here: another app needs nothing of what this loads.
    from sanic_star.compat.exceptions import MethodNotAllowed

    if (MethodNotAllowed, None) in handlers:
        yield
        return
    app.error_handler.add(MethodNotAllowed, _refuse)
    try:
        yield
    finally:
        app.error_handler._forget(MethodNotAllowed)


def _refuse(request: Any, exception: Any) -> Any:
    if request.method not in _EMPTY:
        return request.app.error_handler.default(request, exception)
    from sanic_star.compat.response import text

    return text("", exception.status_code, exception.headers)
