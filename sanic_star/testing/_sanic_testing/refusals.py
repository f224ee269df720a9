"""How `sanic_testing` answers requests with a method that a path has no handler for.

Its client registers an exception handler for ``MethodNotAllowed``, unless the app has one. That handler leaves the
answers to HEAD, PUT, PATCH and DELETE empty, and goes before a handler for every exception, so tests that expect 405
pass. They have to pass here too. But nothing is registered: the requests of a test carry this function, and the error
handler of this package asks it (`ErrorHandler.response`).
"""

from typing import Any

__all__ = ["refusal"]

_EMPTY = frozenset({"HEAD", "PUT", "PATCH", "DELETE"})


def refusal(error_handler: Any, exception: BaseException, handler: Any) -> Any:
    """Return the handler for an exception: for ``MethodNotAllowed`` the one here, unless the app has its own.

    Args:
        error_handler: the app's error handler.
        exception: the exception.
        handler: what it found; `None` where there is none.
    """
    # Here: another app needs nothing of what this loads.
    from sanic_star.compat.exceptions import HTTPException, MethodNotAllowed

    if type(exception) is not MethodNotAllowed or (MethodNotAllowed, None) in error_handler.cached_handlers:
        return handler
    # A subclass may keep its handlers elsewhere. What it finds for a base class, too, is for more than this exception.
    if handler is not None and handler is not error_handler.lookup(HTTPException("")):
        return handler
    return _refuse


def _refuse(request: Any, exception: Any) -> Any:
    if request.method not in _EMPTY:
        return request.app.error_handler.default(request, exception)
    from sanic_star.compat.response import text

    return text("", exception.status_code, exception.headers)
