"""Which handler answers an exception, and what answers where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from sanic_star.compat.errorpages import BaseRenderer, TextRenderer, exception_response
from sanic_star.compat.exceptions import FOR_STATUS, MethodNotAllowed, SanicException, ServerError
from sanic_star.compat.log import error_logger
from sanic_star.compat.request._url import url_for_log
from sanic_star.compat.response import text
from sanic_star.failures import attribute, is_a, log_error

if TYPE_CHECKING:
    from sanic_star.compat.request.types import Request
    from sanic_star.compat.response.types import HTTPResponse


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
        # By weak references: an application that makes exception classes while it runs must not fill the memory.
        self._found: WeakKeyDictionary[type[BaseException], dict[str | None, Callable[..., Any] | None]]
        self._found = WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        # What was looked up is held weakly, which no pickle can say, and is looked up again.
        return {name: value for name, value in vars(self).items() if name != "_found"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._found = WeakKeyDictionary()

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

    def lookup(self, exception: BaseException, route_name: str | None = None) -> Callable[..., Any] | None:
        """Return the handler for an exception.

        The exception's own class counts before its bases, the route's handlers before those for all routes.
        """
        kind = type(exception)
        by_route = self._found.get(kind)
        if by_route is None:
            by_route = self._found[kind] = {}
        if route_name not in by_route:
            by_route[route_name] = self._search(kind, route_name)
        found = by_route[route_name]
        if found is None and is_a(exception, HTTPException):
            status = attribute(exception, "status_code")
            return self.cached_handlers.get((status, None)) if isinstance(status, int) else None
        if found is None and is_a(exception, Exception):
            return self.cached_handlers.get((500, None))
        return found

    def settles(self, handler: Callable[..., Any] | None, exception: BaseException) -> bool:
        """Tell whether an exception is over with what a handler answers.

        The one for the number 500 only words the answer to what nobody expected, as in Starlette.
        """
        words_only = not is_a(exception, HTTPException) and handler is self.cached_handlers.get((500, None))
        return handler is not None and not words_only

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
        stand_in = getattr(request, "_stand_in", None)
        if stand_in is not None:
            handler = stand_in(self, exception, handler)
        if handler is not None and not self.settles(handler, exception):
            self.log(request, exception)
        try:
            answer = handler(request, exception) if handler else None
        except Exception as raised:
            name = getattr(handler, "__name__", repr(handler))
            url = repr(url_for_log(request)) if request else "unknown"
            message = 'Exception raised in exception handler "%s" for uri: %s'
            log_error(error_logger, raised, message, name, url)
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
        if attribute(exception, "quiet", False) is False or request.app.config.NOISY_EXCEPTIONS:
            url = repr(url_for_log(request))
            log_error(error_logger, exception, "Exception occurred while handling uri: %s", url)


# As it is here: what `add_status_code` puts in later may need more than a message.
_KINDS = dict(FOR_STATUS)


def as_sanic_exception(exception: BaseException) -> BaseException:
    """Return the Sanic exception for one of Starlette's `HTTPException`, any other as it is.

    It is of the class that has this status, so that handlers for that class see it. What tells of a mistake of the
    client's stays out of the error log, whatever the status: Starlette's parts raise such exceptions all the time.
    An exception whose status, detail or headers are invalid has no such counterpart and is returned as well.
    """
    if not is_a(exception, HTTPException) or is_a(exception, SanicException):
        return exception
    try:
        return _twin(exception)  # type: ignore[arg-type]
    except Exception:
        return exception


def _twin(exception: HTTPException) -> SanicException:
    status = exception.status_code
    kind = _KINDS.get(status, SanicException)
    # Not by the class's own constructor: what else that takes is in the headers already.
    known = kind.__new__(kind)
    SanicException.__init__(
        known, exception.detail, status, quiet=kind.quiet or status < 500, headers=dict(exception.headers or {})
    )
    if isinstance(known, MethodNotAllowed):
        allowed = Headers(exception.headers).get("allow", "")
        known.method, known.allowed_methods = "", [each.strip() for each in allowed.split(",") if each.strip()]
    known.__cause__ = exception
    return known
