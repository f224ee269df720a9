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

# Error pages are loaded with the first error: a process that only imports this module needs none.
if TYPE_CHECKING:
    from sanic_star.compat.errorpages import BaseRenderer
    from sanic_star.compat.request.types import Request
    from sanic_star.compat.response.types import HTTPResponse

# In the scope, where a monitoring tool is to see them: the exceptions that a handler for `Exception` has answered.
UNEXPECTED = "sanic_star.unexpected"
# In the scope of a mount with `handle_errors=True`: a list for the exceptions that no handler answers. The application
# around the mount answers them.
UNHANDLED = "sanic_star.unhandled"
# A handler, and whether it takes Sanic's exception of the same status instead of the one that was raised.
_Match: TypeAlias = tuple[Callable[..., Any] | None, bool]


@cache
def _load_pages() -> Callable[..., HTTPResponse]:
    # Loaded with the first error. PERF: an import statement for each one would ask the module for `__path__`, which its
    # function for old names answers: a call of 38 for a 404.
    from sanic_star.compat.errorpages import exception_response

    return exception_response


class ErrorHandler:
    """The table of exception handlers; a subclass may change how exceptions are answered and logged.

    Args:
        base: the renderer of error pages where nothing says which format the client would like; by default
            `errorpages.TextRenderer`.
    """

    # The renderer that was given; `None` stands for `TextRenderer`.
    _base: type[BaseRenderer] | None = None

    def __init__(self, base: type[BaseRenderer] | None = None) -> None:
        self._base = base
        self.debug = False
        self.cached_handlers: dict[Any, Callable[..., Any] | None] = {}
        # Look-ups that were made, beside the registrations, so that one more registration is seen.
        # By weak references: an application that makes exception classes while it runs must not fill the memory.
        self._found: WeakKeyDictionary[type[BaseException], dict[tuple[str | None, int | None], _Match]]
        self._found = WeakKeyDictionary()

    @property
    def base(self) -> type[BaseRenderer]:
        """The renderer of error pages where nothing says which format the client would like."""
        if self._base is None:
            from sanic_star.compat.errorpages import TextRenderer

            self._base = TextRenderer
        return self._base

    @base.setter
    def base(self, value: type[BaseRenderer]) -> None:
        self._base = value

    def __getstate__(self) -> dict[str, Any]:
        # Weak references cannot be pickled; the look-ups are made again.
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
        """Return the handler for an exception; the first of

        - for one of Sanic's: its class and the bases below `SanicException`, its status code, Starlette's
          `HTTPException`, `SanicException`, `Exception`;
        - for one of Starlette's: its status code, its class and the bases up to `HTTPException`, Sanic's exception of
          that status with its bases, `Exception`;
        - for any other: its class and the bases, then the number 500, which stands for what nobody expected.

        The exception's own class counts before its bases, the route's handlers before those for all routes.
        """
        return self._match(exception, route_name)[0]

    def _match(self, exception: BaseException, route_name: str | None) -> _Match:
        """Return what `lookup` does, and whether the handler takes Sanic's exception instead of Starlette's."""
        kind = type(exception)
        status: Any = None
        if issubclass(kind, HTTPException):
            try:
                status = exception.status_code  # type: ignore[attr-defined]
            except Exception:
                status = None
        # An invalid status may be unhashable, and there may be any number of them: not kept.
        if status is not None and (type(status) is not int or not 0 <= status < 1000):
            return self._search(kind, route_name, None)
        matches = self._found.get(kind)
        if matches is None:
            matches = self._found[kind] = {}
        match = matches.get((route_name, status))
        if match is None:
            match = matches[route_name, status] = self._search(kind, route_name, status)
        return match

    def _match_any(self, exception: BaseException, route_name: str | None) -> _Match:
        """Return what `_match` does, by a subclass's own `lookup` if there is one."""
        if getattr(self.lookup, "__func__", None) is _OWN_LOOKUP:
            return self._match(exception, route_name)
        twin = as_sanic_exception(exception)
        return self.lookup(twin, route_name), twin is not exception

    def _match_own(self, exception: BaseException, route_name: str | None) -> _Match:
        """Return what `_match_any` does, but no handler of `Exception` or of the number 500, which are for anything."""
        match = self._match_any(exception, route_name)
        general = self.lookup(Exception(), route_name), self.cached_handlers.get((500, None))
        return (None, False) if match[0] in general else match

    def settles(self, handler: Callable[..., Any] | None, exception: BaseException) -> bool:
        """Tell whether an exception is over with what a handler answers.

        The one for the number 500 only words the answer to what nobody expected, as in Starlette.
        """
        if handler is None or issubclass(type(exception), HTTPException):
            return handler is not None
        return handler is not self.cached_handlers.get((500, None))

    def _settles_class(self, kind: type[Exception], route_name: str | None) -> bool:
        """Tell whether an exception of a class is over with what its handler, or the error page, answers."""
        if issubclass(kind, HTTPException):
            return True
        if self._overrides_lookup:
            try:
                # Without the initialiser, which may want arguments.
                handler = self.lookup(kind.__new__(kind), route_name)
            except Exception:
                return False
        else:
            handler = self._search(kind, route_name, None)[0]
        return handler is not None and handler is not self.cached_handlers.get((500, None))

    @property
    def _overrides_lookup(self) -> bool:
        """Whether a subclass, or this object, has a `lookup` of its own."""
        return getattr(self.lookup, "__func__", None) is not ErrorHandler.lookup

    def _registered(self, exception: BaseException, route_name: str | None) -> Callable[..., Any] | None:
        """Return the handler that was registered for an exception which is not answered yet, or perhaps never.

        A monitoring tool that has replaced `lookup` on the class reports what `lookup` gets, and wraps what it returns.
        """
        if self._overrides_lookup:
            return self.lookup(exception, route_name)
        return self._match(exception, route_name)[0]

    _lookup = lookup

    def _search(self, kind: type[BaseException], route_name: str | None, status: int | None) -> _Match:
        names = (None,) if route_name is None else (route_name, None)
        for key, name, by_twin in _places(kind, names, status):
            handler = self.cached_handlers.get((key, name))
            if handler is not None:
                return handler, by_twin
        return None, False

    def response(self, request: Request, exception: BaseException) -> Any:
        """Return the response to an exception, or an awaitable of it.

        The handler gets what was raised. Only one that is found by Sanic's exception of the same status gets that, with
        Starlette's as its `__cause__`: it may read `message` and `extra`.
        """
        answer, settled = self._respond(request, exception)
        if request is not None:
            request._is_error_settled = settled
        return answer

    def _settles_by_response(self, request: Request, exception: BaseException) -> bool:
        """Tell whether an exception is over with what an override of `response` has answered.

        An override that calls this class's method has looked the handler up. Where it has not, and `lookup` is
        overridden too, the exception is over, as in Sanic: another call of `lookup` might report it a second time.
        """
        if request._is_error_settled is not None:
            return request._is_error_settled
        return self._overrides_lookup or self.settles(self._match(exception, request.name)[0], exception)

    def _respond(self, request: Request, exception: BaseException) -> tuple[Any, bool]:
        """Return what `response` does, and whether a handler has settled the exception."""
        subject = exception
        name = None if request is None else request.name
        if getattr(self.lookup, "__func__", None) is _OWN_LOOKUP:
            handler, by_twin = self._match(exception, name)
            if by_twin:
                subject = as_sanic_exception(exception)
        else:
            subject = as_sanic_exception(exception)
            handler = self.lookup(subject, name)
        stand_in = getattr(request, "_stand_in", None)
        if stand_in is not None:
            handler = stand_in(self, exception, handler)
        if handler is None:
            if not issubclass(type(subject), SanicException):
                subject = as_sanic_exception(subject)
            if request is not None and UNHANDLED in request.scope and self._hands_over(exception):
                request.scope[UNHANDLED].append(exception)
                # Never sent, so that no page is rendered, and nothing is logged here.
                return text("", attribute(subject, "status_code", 500)), False
            return self.default(request, subject), False
        settled = self.settles(handler, exception)
        if not settled:
            self.log(request, exception)
        elif request is not None and (unexpected := request.scope.get(UNEXPECTED)) is not None:
            self._tell_tool(unexpected, handler, exception, name)
        if request is not None:
            request._answers_error = True
        try:
            answer = handler(request, subject)
        except Exception as raised:
            return self._answer_to_failure(request, handler, raised), settled
        return self.default(request, as_sanic_exception(subject)) if answer is None else answer, settled

    def _hands_over(self, exception: BaseException) -> bool:
        """Tell whether the application around answers an exception. A subclass with its own `default` answers it."""
        return isinstance(exception, Exception) and getattr(self.default, "__func__", None) is _OWN_DEFAULT

    def _answer_to_failure(self, request: Request, handler: Any, raised: Exception) -> HTTPResponse:
        """Log what a synchronous handler has raised, and return the answer."""
        name = getattr(handler, "__name__", repr(handler))
        url = "unknown" if request is None else repr(url_for_log(request))
        message = 'Exception raised in exception handler "%s" for uri: %s'
        log_error(error_logger, raised, message, name, url)
        shown = message % (name, url) if self.debug else "An error occurred while handling an error"
        return text(shown, 500)

    def _tell_tool(
        self, unexpected: list[BaseException], handler: Any, exception: BaseException, route_name: str | None
    ) -> None:
        """Keep an exception for a monitoring tool if its handler is one for `Exception`, which are for anything."""
        has_status = issubclass(type(exception), SanicException | HTTPException)
        if not has_status and handler is self.lookup(Exception(), route_name):
            unexpected.append(exception)

    def default(self, request: Request, exception: BaseException) -> HTTPResponse:
        """Log an exception, and return the error page for it."""
        self.log(request, exception)
        app = request.app
        if (plain := _as_starlette(request, exception)) is not None:
            return plain
        return _load_pages()(
            request,
            exception,  # RequestCancelled is a CancelledError
            # The application's, because several may share one handler.
            debug=app.debug,
            base=self.base,
            fallback=app.config.FALLBACK_ERROR_FORMAT,
        )

    @staticmethod
    def log(request: Request, exception: BaseException) -> None:
        """Write an exception to the error log, unless it is a quiet one."""
        if not error_logger.isEnabledFor(ERROR):
            return
        if attribute(exception, "quiet", False) is False or request.app.config.NOISY_EXCEPTIONS:
            url = repr(url_for_log(request))
            log_error(error_logger, exception, "Exception occurred while handling uri: %s", url)


# A subclass may override these, and a monitoring tool replace them on the class: each is called then.
OWN_RESPONSE, _OWN_LOOKUP, _OWN_DEFAULT = ErrorHandler.response, ErrorHandler.lookup, ErrorHandler.default


def _as_starlette(request: Request, exception: BaseException) -> HTTPResponse | None:
    """Return the response that Starlette has for an `HTTPException` of one of its routes, else `None`.

    It is the detail as plain text. A client that says what it accepts, or an application with `FALLBACK_ERROR_FORMAT`,
    gets an error page there, too.
    """
    raised = exception.__cause__
    if not isinstance(raised, HTTPException) or isinstance(raised, SanicException) or leads_to_sanic(request.scope):
        return None
    chosen = request.app.config["_FALLBACK_ERROR_FORMAT"]
    headers = Headers(raw=list(request.scope.get("headers", ())))
    if not isinstance(chosen, Default) or headers.get("accept", "*/*").strip() != "*/*":
        return None
    if not isinstance(raised.detail, str):
        return None
    # RFC 9110, sections 15.3.5 and 15.4.5: these have no content.
    body = "" if raised.status_code in (204, 304) else raised.detail
    return text(body, raised.status_code, headers=dict(raised.headers or {}))


# As it is here: what `add_status_code` puts in later may need more than a message.
_KINDS = dict(FOR_STATUS)


def _places(
    kind: type[BaseException], names: Sequence[str | None], status: int | None
) -> Iterator[tuple[Any, str | None, bool]]:
    """Yield where the handler of an exception may be registered, in order: class or status, route, whether by the twin.

    As in Sanic, one class at a route counts before the same class for all routes, and both before any base.

    Args:
        kind: the exception's class.
        names: the route's name, where there is a route, then `None`.
        status: the exception's status code, where it has one.
    """
    lineage = kind.__mro__
    if not issubclass(kind, HTTPException):
        yield from ((kind, name, False) for name in names)
        yield from ((base, name, False) for name in names for base in lineage)
        if issubclass(kind, Exception):
            yield from ((500, name, False) for name in names)
        return
    if issubclass(kind, SanicException):
        at = lineage.index(SanicException)
        below, others = lineage[:at], lineage[at:]
        first = below[:1] or (status, HTTPException, SanicException)
        yield from ((key, name, False) for key in first for name in names)
        yield from ((key, name, False) for name in names for key in (*below, status, HTTPException, *others))
        return
    at = lineage.index(HTTPException) + 1
    theirs, others = lineage[:at], lineage[at:]
    twin: type[SanicException] = _KINDS.get(status or 0, SanicException)
    ours = twin.__mro__[: twin.__mro__.index(SanicException)]
    yield from ((status, name, False) for name in names if status is not None)
    yield from ((kind, name, False) for name in names)
    yield from ((base, name, False) for name in names for base in theirs)
    yield from ((base, name, True) for base in ours[:1] for name in names)
    for name in names:
        yield from ((base, name, True) for base in (*ours, SanicException))
        yield from ((base, name, False) for base in others)


def as_sanic_exception(exception: BaseException) -> BaseException:
    """Return the Sanic exception for one of Starlette's `HTTPException`, any other as it is.

    It is of the class that has this status, so that handlers for that class see it. What tells of a mistake of the
    client's stays out of the error log, whatever the status: Starlette's parts raise such exceptions all the time.
    An exception whose status, detail or headers are invalid has no such counterpart and is returned as well.
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
    kind = _KINDS.get(status, SanicException)
    # Not by the class's own constructor: what else that takes is in the headers already.
    twin = kind.__new__(kind)
    SanicException.__init__(
        twin, exception.detail, status, quiet=kind.quiet or status < 500, headers=dict(exception.headers or {})
    )
    if isinstance(twin, MethodNotAllowed):
        allowed = Headers(exception.headers).get("allow", "")
        twin.method, twin.allowed_methods = "", [method.strip() for method in allowed.split(",") if method.strip()]
    twin.__cause__ = exception
    return twin
