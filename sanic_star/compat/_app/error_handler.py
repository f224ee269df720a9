"""`ErrorHandler`: finds the handler of an exception, or answers with an error page if there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from logging import ERROR
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from sanic_star.compat.exceptions import FOR_STATUS, MethodNotAllowed, SanicException, ServerError
from sanic_star.compat.helpers import Default
from sanic_star.compat.log import error_logger
from sanic_star.compat.request._url import leads_to_sanic, url_for_log
from sanic_star.compat.response import text
from sanic_star.engine.failures import attribute, log_error

# Error pages are imported with the first error, because an import of this module alone needs none.
if TYPE_CHECKING:
    from sanic_star.compat.errorpages import BaseRenderer
    from sanic_star.compat.request.types import Request
    from sanic_star.compat.response.types import HTTPResponse

# A key of the scope: the exceptions that a handler for `Exception` has answered, for a monitoring tool.
UNEXPECTED = "sanic_star.unexpected"
# A key of the scope of a mount with `handle_errors=True`: a list of the exceptions that have no handler in the mounted
# application. The outer application answers them.
UNHANDLED = "sanic_star.unhandled"
# A handler, and whether it gets Sanic's exception of the same status instead of the exception that was raised.
_Match: TypeAlias = tuple[Callable[..., Any] | None, bool]


@cache
def _load_pages() -> Callable[..., HTTPResponse]:
    # PERF: imported once, with the first error. An import statement per error would look up `__path__` on the module,
    # which calls the module's `__getattr__` for old names: one of the 38 calls of a 404. Safe because the function is
    # not replaced while the process runs.
    from sanic_star.compat.errorpages import exception_response

    return exception_response


class ErrorHandler:
    """The table of exception handlers; a subclass may change how exceptions are answered and logged.

    Args:
        base: the renderer of error pages if neither the request nor the application chooses a format; by default
            `errorpages.TextRenderer`.
    """

    # The constructor's argument; `None` stands for `TextRenderer`.
    _base: type[BaseRenderer] | None = None

    def __init__(self, base: type[BaseRenderer] | None = None) -> None:
        self._base = base
        self.debug = False
        self.cached_handlers: dict[Any, Callable[..., Any] | None] = {}
        # Cached look-ups, apart from the registrations, so that a later registration is found.
        # Weak references: an application that creates exception classes at run time must not leak memory.
        self._matches: WeakKeyDictionary[type[BaseException], dict[tuple[str | None, int | None], _Match]]
        self._matches = WeakKeyDictionary()

    @property
    def base(self) -> type[BaseRenderer]:
        """The renderer of error pages if neither the request nor the application chooses a format."""
        if self._base is None:
            from sanic_star.compat.errorpages import TextRenderer

            self._base = TextRenderer
        return self._base

    @base.setter
    def base(self, value: type[BaseRenderer]) -> None:
        self._base = value

    def __getstate__(self) -> dict[str, Any]:
        # Weak references cannot be pickled, so the cache starts empty.
        return {name: value for name, value in vars(self).items() if name != "_matches"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._matches = WeakKeyDictionary()

    def add(self, exception: Any, handler: Callable[..., Any], route_names: list[str] | None = None) -> None:
        """Register a handler.

        Args:
            exception: the class that it handles, with its subclasses; or a status code.
            handler: called with request and exception; returns a response, or `None` to leave it to `default`.
            route_names: the names of its routes; by default all routes.

        Raises:
            ServerError: the class and route already have a handler.
        """
        for name in route_names or [None]:  # type: ignore[list-item]
            key = (exception, name)
            if key in self.cached_handlers:
                raise ServerError(
                    f"Duplicate exception handler definition on: "
                    f"route={name or '__ALL_ROUTES__'} and exception={exception}"
                )
            self.cached_handlers[key] = handler
        self._matches.clear()

    def lookup(self, exception: BaseException, route_name: str | None = None) -> Callable[..., Any] | None:
        """Return the handler for an exception, or `None`. It searches the registrations in this order:

        - for a Sanic exception: its class and the bases below `SanicException`, its status code, Starlette's
          `HTTPException`, `SanicException`, `Exception`;
        - for a Starlette exception: its status code, its class and the bases up to `HTTPException`, Sanic's exception
          of that status with its bases, `Exception`;
        - for any other exception: its class and the bases, then the number 500 for unexpected exceptions.

        The class itself comes before its bases, and handlers of the route before handlers for all routes.

        Args:
            exception: the exception.
            route_name: the name of the request's route, if it has one.
        """
        return self._match(exception, route_name)[0]

    def _match(self, exception: BaseException, route_name: str | None) -> _Match:
        """Return the result of `lookup`, and whether the handler takes Sanic's exception instead of Starlette's."""
        kind = type(exception)
        status: Any = None
        if issubclass(kind, HTTPException):
            try:
                status = exception.status_code  # type: ignore[attr-defined]
            except Exception:
                status = None
        # Not cached: an invalid status may be unhashable, and the number of different ones is unlimited.
        if status is not None and (type(status) is not int or not 0 <= status < 1000):
            return self._search(kind, route_name, None)
        matches = self._matches.get(kind)
        if matches is None:
            matches = self._matches[kind] = {}
        match = matches.get((route_name, status))
        if match is None:
            match = matches[route_name, status] = self._search(kind, route_name, status)
        return match

    def _match_any(self, exception: BaseException, route_name: str | None) -> _Match:
        """Return the result of `_match`, or of an overridden `lookup`."""
        if getattr(self.lookup, "__func__", None) is _OWN_LOOKUP:
            return self._match(exception, route_name)
        twin = as_sanic_exception(exception)
        return self.lookup(twin, route_name), twin is not exception

    def _match_own(self, exception: BaseException, route_name: str | None) -> _Match:
        """Return the result of `_match_any`, but not the general handlers of `Exception` and of the number 500."""
        match = self._match_any(exception, route_name)
        general_handlers = self.lookup(Exception(), route_name), self.cached_handlers.get((500, None))
        return (None, False) if match[0] in general_handlers else match

    def handles(self, handler: Callable[..., Any] | None, exception: BaseException) -> bool:
        """Return whether a handler's response handles an exception completely.

        The handler of the number 500 only provides the response to an unexpected exception, as in Starlette.

        Args:
            handler: the result of `lookup`.
            exception: the exception.
        """
        if handler is None or issubclass(type(exception), HTTPException):
            return handler is not None
        return handler is not self.cached_handlers.get((500, None))

    def _handles_class(self, kind: type[Exception], route_name: str | None) -> bool:
        """Return whether the handler or the error page handles exceptions of a class."""
        if issubclass(kind, HTTPException):
            return True
        if self._overrides_lookup:
            try:
                # Without `__init__`, which may need arguments.
                handler = self.lookup(kind.__new__(kind), route_name)
            except Exception:
                return False
        else:
            handler = self._search(kind, route_name, None)[0]
        return handler is not None and handler is not self.cached_handlers.get((500, None))

    @property
    def _overrides_lookup(self) -> bool:
        """Whether a subclass or this object overrides `lookup`."""
        return getattr(self.lookup, "__func__", None) is not ErrorHandler.lookup

    def _registered_handler(self, exception: BaseException, route_name: str | None) -> Callable[..., Any] | None:
        """Return the registered handler for an exception, before it is certain that the exception will be answered.

        A monitoring tool that has patched `lookup` on the class would report the exception, so the patched one is not
        called.
        """
        if self._overrides_lookup:
            return self.lookup(exception, route_name)
        return self._match(exception, route_name)[0]

    _lookup = lookup

    def _search(self, kind: type[BaseException], route_name: str | None, status: int | None) -> _Match:
        names = (None,) if route_name is None else (route_name, None)
        for key, name, takes_twin in _candidate_keys(kind, names, status):
            handler = self.cached_handlers.get((key, name))
            if handler is not None:
                return handler, takes_twin
        return None, False

    def response(self, request: Request, exception: BaseException) -> Any:
        """Return the response to an exception, or an awaitable of it.

        The handler gets the exception that was raised. A handler for Sanic's exception of the same status gets that
        exception instead, because it may read `message` and `extra`; Starlette's exception is its `__cause__`.

        Args:
            request: the request.
            exception: the exception.
        """
        answer, is_handled = self._respond(request, exception)
        if request is not None:
            request._is_error_handled = is_handled
        return answer

    def _handles_by_response(self, request: Request, exception: BaseException) -> bool:
        """Return whether the response of an overridden `response` handles an exception completely.

        An override that calls this class's method has looked the handler up. If it has not, and `lookup` is overridden
        too, the exception is handled, as in Sanic: another call of `lookup` might report it a second time.
        """
        if request._is_error_handled is not None:
            return request._is_error_handled
        return self._overrides_lookup or self.handles(self._match(exception, request.name)[0], exception)

    def _respond(self, request: Request, exception: BaseException) -> tuple[Any, bool]:
        """Return the response, and whether a handler has handled the exception."""
        handled_exception = exception
        name = None if request is None else request.name
        if getattr(self.lookup, "__func__", None) is _OWN_LOOKUP:
            handler, takes_twin = self._match(exception, name)
            if takes_twin:
                handled_exception = as_sanic_exception(exception)
        else:
            handled_exception = as_sanic_exception(exception)
            handler = self.lookup(handled_exception, name)
        stand_in = getattr(request, "_stand_in", None)
        if stand_in is not None:
            handler = stand_in(self, exception, handler)
        if handler is None:
            if not issubclass(type(handled_exception), SanicException):
                handled_exception = as_sanic_exception(handled_exception)
            if request is not None and UNHANDLED in request.scope and self._passes_to_outer_app(exception):
                request.scope[UNHANDLED].append(exception)
                # The outer application sends its own response and logs the exception.
                return text("", attribute(handled_exception, "status_code", 500)), False
            return self.default(request, handled_exception), False
        is_handled = self.handles(handler, exception)
        if not is_handled:
            self.log(request, exception)
        elif request is not None and (unexpected := request.scope.get(UNEXPECTED)) is not None:
            self._note_for_tool(unexpected, handler, exception, name)
        if request is not None:
            request._answers_error = True
        try:
            answer = handler(request, handled_exception)
        except Exception as raised:
            return self._answer_to_failure(request, handler, raised), is_handled
        return self.default(request, as_sanic_exception(handled_exception)) if answer is None else answer, is_handled

    def _passes_to_outer_app(self, exception: BaseException) -> bool:
        """Return whether the outer application answers an exception; not if a subclass overrides `default`."""
        return isinstance(exception, Exception) and getattr(self.default, "__func__", None) is _OWN_DEFAULT

    def _answer_to_failure(self, request: Request, handler: Any, raised: Exception) -> HTTPResponse:
        """Log the exception of a synchronous handler, and return the response."""
        name = getattr(handler, "__name__", repr(handler))
        url = "unknown" if request is None else repr(url_for_log(request))
        message = 'Exception raised in exception handler "%s" for uri: %s'
        log_error(error_logger, raised, message, name, url)
        body = message % (name, url) if self.debug else "An error occurred while handling an error"
        return text(body, 500)

    def _note_for_tool(
        self, unexpected: list[BaseException], handler: Any, exception: BaseException, route_name: str | None
    ) -> None:
        """Record an exception for a monitoring tool if its handler is the general one for `Exception`."""
        has_status = issubclass(type(exception), SanicException | HTTPException)
        if not has_status and handler is self.lookup(Exception(), route_name):
            unexpected.append(exception)

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        """Log an exception, and return the error page for it.

        Args:
            request: the request.
            exception: the exception.
        """
        self.log(request, exception)
        app = request.app
        if (plain_response := _as_starlette(request, exception)) is not None:
            return plain_response
        return _load_pages()(
            request,
            exception,
            # The application's `debug`, because several applications may share one error handler.
            debug=app.debug,
            base=self.base,
            fallback=app.config.FALLBACK_ERROR_FORMAT,
        )

    @staticmethod
    def log(request: Request, exception: BaseException) -> None:
        """Log an exception, unless it is quiet.

        Args:
            request: the request.
            exception: the exception.
        """
        if not error_logger.isEnabledFor(ERROR):
            return
        if attribute(exception, "quiet", False) is False or request.app.config.NOISY_EXCEPTIONS:
            url = repr(url_for_log(request))
            log_error(error_logger, exception, "Exception occurred while handling uri: %s", url)


# A subclass may override these methods, and a monitoring tool may patch them on the class. Both are called then.
OWN_RESPONSE, _OWN_LOOKUP, _OWN_DEFAULT = ErrorHandler.response, ErrorHandler.lookup, ErrorHandler.default


def _as_starlette(request: Request, exception: BaseException) -> HTTPResponse | None:
    """Return Starlette's default response to an `HTTPException` of a Starlette route, else `None`.

    The body is the detail as plain text. A client that sends `Accept`, or an application with `FALLBACK_ERROR_FORMAT`,
    gets an error page instead.
    """
    raised = exception.__cause__
    if not isinstance(raised, HTTPException) or isinstance(raised, SanicException) or leads_to_sanic(request.scope):
        return None
    error_format = request.app.config["_FALLBACK_ERROR_FORMAT"]
    headers = Headers(raw=list(request.scope.get("headers", ())))
    if not isinstance(error_format, Default) or headers.get("accept", "*/*").strip() != "*/*":
        return None
    if not isinstance(raised.detail, str):
        return None
    # RFC 9110, sections 15.3.5 and 15.4.5: responses of these statuses have no content.
    body = "" if raised.status_code in (204, 304) else raised.detail
    return text(body, raised.status_code, headers=dict(raised.headers or {}))


# A copy: classes that `add_status_code` adds later may need more arguments than a message.
_CLASS_BY_STATUS = dict(FOR_STATUS)


def _candidate_keys(
    kind: type[BaseException], names: Sequence[str | None], status: int | None
) -> Iterator[tuple[Any, str | None, bool]]:
    """Yield the keys of an exception's handler in order of look-up: class or status, route, whether of Sanic's twin.

    As in Sanic, a class at a route comes before the same class for all routes, and both come before any base.

    Args:
        kind: the exception's class.
        names: the route's name if there is a route, then `None`.
        status: the exception's status code, or `None`.
    """
    lineage = kind.__mro__
    if not issubclass(kind, HTTPException):
        yield from ((kind, name, False) for name in names)
        yield from ((base, name, False) for name in names for base in lineage)
        if issubclass(kind, Exception):
            yield from ((500, name, False) for name in names)
        return
    if issubclass(kind, SanicException):
        index = lineage.index(SanicException)
        sanic_bases, other_bases = lineage[:index], lineage[index:]
        first_keys = sanic_bases[:1] or (status, HTTPException, SanicException)
        yield from ((key, name, False) for key in first_keys for name in names)
        yield from ((key, name, False) for name in names for key in (*sanic_bases, status, HTTPException, *other_bases))
        return
    index = lineage.index(HTTPException) + 1
    starlette_bases, other_bases = lineage[:index], lineage[index:]
    twin: type[SanicException] = _CLASS_BY_STATUS.get(status or 0, SanicException)
    twin_bases = twin.__mro__[: twin.__mro__.index(SanicException)]
    yield from ((status, name, False) for name in names if status is not None)
    yield from ((kind, name, False) for name in names)
    yield from ((base, name, False) for name in names for base in starlette_bases)
    yield from ((base, name, True) for base in twin_bases[:1] for name in names)
    for name in names:
        yield from ((base, name, True) for base in (*twin_bases, SanicException))
        yield from ((base, name, False) for base in other_bases)


def as_sanic_exception(exception: BaseException) -> BaseException:
    """Return the Sanic exception for a Starlette `HTTPException`; any other exception unchanged.

    Its class is the one of the same status, so that handlers for that class are found. Client errors are quiet,
    whatever the status, because Starlette's components raise them all the time. An exception with an invalid status,
    detail or header has no counterpart and is returned unchanged.
    """
    kind = type(exception)
    if not issubclass(kind, HTTPException) or issubclass(kind, SanicException):
        return exception
    try:
        return _twin(exception)  # type: ignore[arg-type]
    except Exception:
        return exception


def _twin(exception: HTTPException) -> SanicException:
    status = exception.status_code
    kind = _CLASS_BY_STATUS.get(status, SanicException)
    # Bypasses the class's own constructor, whose further arguments are already in the headers.
    twin = kind.__new__(kind)
    SanicException.__init__(
        twin, exception.detail, status, quiet=kind.quiet or status < 500, headers=dict(exception.headers or {})
    )
    if isinstance(twin, MethodNotAllowed):
        allowed = Headers(exception.headers).get("allow", "")
        twin.method, twin.allowed_methods = "", [method.strip() for method in allowed.split(",") if method.strip()]
    twin.__cause__ = exception
    return twin
