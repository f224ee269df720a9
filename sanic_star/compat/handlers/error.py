"""Which handler answers an exception, and what answers where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from sanic_star.compat.errorpages import BaseRenderer, TextRenderer, exception_response
from sanic_star.compat.exceptions import (
    BadRequest,
    Forbidden,
    NotFound,
    PayloadTooLarge,
    RequestTimeout,
    SanicException,
    ServerError,
    ServiceUnavailable,
)
from sanic_star.compat.log import error_logger
from sanic_star.compat.response import text

if TYPE_CHECKING:
    from sanic_star.compat.request.types import Request
    from sanic_star.compat.response.types import HTTPResponse

_Key = tuple[type[BaseException] | int, str | None]


class ErrorHandler:
    """The table of exception handlers; a subclass may change how exceptions are answered and logged.

    Args:
        base: the renderer of error pages where nothing says which format the client would like.
    """

    def __init__(self, base: type[BaseRenderer] = TextRenderer) -> None:
        self.base = base
        self.debug = False
        self.cached_handlers: dict[Any, Callable[..., Any] | None] = {}
        # Look-ups that were made, beside the registrations, so that one more registration is seen.
        self._found: dict[_Key, Callable[..., Any] | None] = {}

    def add(self, exception: Any, handler: Callable[..., Any], route_names: list[str] | None = None) -> None:
        """Make a handler known.

        Args:
            exception: the class that it answers, with its subclasses; or a status code.
            handler: called with request and exception; returns a response, or `None` to leave it to `default`.
            route_names: the routes that it is for; all without it.

        Raises:
            ServerError: there is one already for the same class and route.
        """
        for name in route_names or [None]:  # type: ignore[list-item]
            key = (exception, name)
            if key in self.cached_handlers:
                raise ServerError(
                    f"Duplicate exception handler definition on: "
                    f"route={name or '__ALL_ROUTES__'} and exception={exception}"
                )
            self.cached_handlers[key] = handler
        self._found.clear()

    def _forget(self, exception: Any) -> None:
        # For the test client, which answers for a class while nobody else does.
        self.cached_handlers.pop((exception, None), None)
        self._found.clear()

    def lookup(self, exception: BaseException, route_name: str | None = None) -> Callable[..., Any] | None:
        """Return the handler for an exception.

        The exception's own class counts before its bases, the route's handlers before those for all routes.
        """
        kind = type(exception)
        key = (kind, route_name)
        if key not in self._found:
            self._found[key] = self._search(kind, route_name)
        found = self._found[key]
        if found is None and isinstance(exception, HTTPException):
            return self.cached_handlers.get((exception.status_code, None))
        return found

    _lookup = lookup

    def _search(self, kind: type[BaseException], route_name: str | None) -> Callable[..., Any] | None:
        names = dict.fromkeys((route_name, None))
        exact = [(kind, name) for name in names]
        bases = [(base, name) for name in names for base in kind.__mro__]
        # `Exception` last of all: a handler for it is for what no other one takes.
        for key in exact + bases:
            if key in self.cached_handlers:
                return self.cached_handlers[key]
        return None

    def response(self, request: Request, exception: BaseException) -> Any:
        """Return the response to an exception, or an awaitable of it."""
        handler = self.lookup(exception, request.name if request else None)
        try:
            answer = handler(request, exception) if handler else None
        except Exception:
            name = getattr(handler, "__name__", repr(handler))
            url = repr(str(request.url)) if request else "unknown"
            message = 'Exception raised in exception handler "%s" for uri: %s'
            error_logger.exception(message, name, url)
            told = message % (name, url) if self.debug else "An error occurred while handling an error"
            return text(told, 500)
        return self.default(request, exception) if answer is None else answer

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        """Log an exception, and return the error page for it."""
        self.log(request, exception)
        return exception_response(
            request,
            exception,  # type: ignore[arg-type]  # RequestCancelled is a CancelledError
            # The application's, because several may share one handler.
            debug=request.app.debug,
            base=self.base,
            fallback=request.app.config.FALLBACK_ERROR_FORMAT,
        )

    @staticmethod
    def log(request: Request, exception: BaseException) -> None:
        """Write an exception to the error log, unless it is a quiet one."""
        if getattr(exception, "quiet", False) is False or request.app.config.NOISY_EXCEPTIONS:
            url = repr(str(request.url))
            error_logger.error("Exception occurred while handling uri: %s", url, exc_info=exception)


# What Starlette raises by a number, by the name that Sanic's applications catch it.
_KINDS: dict[int, type[SanicException]] = {
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    408: RequestTimeout,
    413: PayloadTooLarge,
    503: ServiceUnavailable,
}


def as_sanic_exception(exception: BaseException) -> BaseException:
    """Return the Sanic exception for one of Starlette's `HTTPException`, any other as it is."""
    if not isinstance(exception, HTTPException) or isinstance(exception, SanicException):
        return exception
    kind = _KINDS.get(exception.status_code)
    headers = dict(exception.headers or {})
    if kind is None:
        known = SanicException(exception.detail, exception.status_code, headers=headers)
    else:
        known = kind(exception.detail, headers=headers)
    known.__cause__ = exception
    return known
