"""Answers status 405 as `sanic_testing` does: to requests whose method has no handler on their path.

Its client registers an exception handler for `MethodNotAllowed`, unless the application has one. That handler precedes
a handler for all exceptions, and its responses to HEAD, PUT, PATCH and DELETE have no body. Tests that expect 405 rely
on it. This package registers no handler. Instead, the requests of a test have `find_handler` as an attribute, and
`ErrorHandler.response` calls it.
"""

from typing import Any

__all__ = ["find_handler"]

_EMPTY = frozenset({"HEAD", "PUT", "PATCH", "DELETE"})


def find_handler(error_handler: Any, exception: BaseException, handler: Any) -> Any:
    """Return the handler for an exception; for `MethodNotAllowed` that of this module, unless the application has one.

    Args:
        error_handler: the application's error handler.
        exception: the exception.
        handler: the handler that it has found, or `None`.
    """
    # Imported late, because other ASGI applications do not need these modules.
    from sanic_star.compat.exceptions import HTTPException, MethodNotAllowed

    if type(exception) is not MethodNotAllowed or (MethodNotAllowed, None) in error_handler.cached_handlers:
        return handler
    # A subclass may store its handlers elsewhere. A handler that it also finds for a base class is not specific to this
    # exception.
    if handler is not None and handler is not error_handler.lookup(HTTPException("")):
        return handler
    return _refuse


def _refuse(request: Any, exception: Any) -> Any:
    if request.method not in _EMPTY:
        return request.app.error_handler.default(request, exception)
    from sanic_star.compat.response import text

    return text("", exception.status_code, exception.headers)
