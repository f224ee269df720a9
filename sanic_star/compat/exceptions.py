"""Sanic's exceptions, all of them subclasses of Starlette's `HTTPException`.

Raising one ends a request with its status. Class attributes (`status_code`, `quiet`, `message`, `headers`) are the
defaults of the arguments; without a message, it is the reason phrase of the status.

Because of the base class, a Starlette application, or a handler for Starlette's `HTTPException`, answers a Sanic
exception properly; `detail` is the message.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypedDict, TypeVar, Unpack

from starlette.exceptions import HTTPException as StarletteHTTPException

from sanic_star.compat.helpers import STATUS_CODES
from sanic_star.compat.log import deprecation

if TYPE_CHECKING:
    _E = TypeVar("_E", bound="type[SanicException]")

    class Range(Protocol):
        """The attribute of a content range that a range error uses: the total size in bytes."""

        @property
        def total(self) -> int | None: ...

    class _ErrorOptions(TypedDict, total=False):
        """The keywords of all of Sanic's exceptions, those in `_OPTIONS`; see `SanicException`."""

        quiet: bool | None
        context: dict[str, Any] | None
        extra: dict[str, Any] | None
        headers: dict[str, Any] | None


class RequestCancelled(CancelledError):
    """The client has disconnected while its request was handled."""

    quiet = True


class ServerKilled(Exception):
    """The server has to end at once, without waiting for open requests."""

    quiet = True


_OPTIONS = ("quiet", "context", "extra", "headers")


def _check_options(options: _ErrorOptions, kind: type[SanicException]) -> None:
    """Check the keywords of a constructor, so that the error for an unknown one names that constructor."""
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"{kind.__name__}.__init__() got an unexpected keyword argument {name!r}")


class SanicException(StarletteHTTPException):
    """End the request with an error.

    Args:
        message: the message for the client; bytes are UTF-8. By default the class's `message`, else the reason phrase.
        status_code: the HTTP status, by default the class's.
        quiet: whether not to log it; by default the class's.
        context: data that is shown to the client in every mode (JSON error format).
        extra: data that is shown in debug mode only.
        headers: headers of the response; they replace the class's headers.

    Examples:
        >>> str(SanicException(status_code=404))
        'Not Found'
        >>> SanicException("Out of tea", 418).status_code
        418
    """

    status_code: int = 500
    quiet: bool | None = False
    headers: dict[str, str] = {}
    message: str = ""

    def __init__(
        self,
        message: str | bytes | None = None,
        status_code: int | None = None,
        *,
        quiet: bool | None = None,
        context: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        kind = type(self)
        self.context = context
        self.extra = extra
        if status_code is None:
            status_code = kind.status_code
        if message is None:
            # On the instance, not the class, because `message` may be a property that uses `context` and `extra`.
            message = self.message or STATUS_CODES.get(status_code, b"")
        text = message.decode() if isinstance(message, bytes) else message
        super().__init__(status_code, detail=str(text), headers=dict(kind.headers if headers is None else headers))
        self.args = (text,)
        self.quiet = kind.quiet if quiet is None else quiet
        if not isinstance(getattr(kind, "message", None), property):
            self.message = text

    def __str__(self) -> str:
        return self.detail

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args`, which fails for a subclass whose constructor has other arguments.
        return _revive, (type(self), self.args), self.__dict__


def _revive(kind: type[SanicException], args: tuple[object, ...]) -> SanicException:
    return kind.__new__(kind, *args)


class HTTPException(SanicException):
    """The base class of exceptions with a fixed HTTP status.

    Sanic up to 22 allowed another status; this still works, with a warning.

    Args:
        message: the message for the client; by default the reason phrase.
        status_code: another HTTP status, with a warning.
        options: `quiet`, `context`, `extra` and `headers`, as in `SanicException`.

    Examples:
        >>> HTTPException("no").status_code
        500
    """

    def __init__(
        self,
        message: str | bytes | None = None,
        status_code: int | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        if status_code is not None:
            deprecation(
                f"{type(self).__name__} has a fixed status since Sanic 22.9: raise SanicException(message, "
                "status_code=…) instead.",
                22.9,
            )
        if options:
            _check_options(options, HTTPException)
        super().__init__(message, status_code, **options)


class NotFound(HTTPException):
    """404: the URL does not exist.

    Examples:
        >>> from sanic_star import NotFound, Sanic, json
        >>> app = Sanic("shop")
        >>> @app.get("/items/<name>", error_format="json")
        ... async def item(request, name):
        ...     raise NotFound(f"No item {name}")
        >>> app.test_client.get("/items/tea")[1].json["message"]
        'No item tea'
    """

    status_code = 404
    quiet = True


class BadRequest(HTTPException):
    """400: the request is invalid."""

    status_code = 400
    quiet = True


InvalidUsage = BadRequest
BadURL = BadRequest


class MethodNotAllowed(HTTPException):
    """405: the URL does not support the method.

    Args:
        message: the message for the client; by default the reason phrase.
        method: the method of the request.
        allowed_methods: the supported methods; they become the `Allow` header.

    Examples:
        >>> MethodNotAllowed("no", "PUT", ["GET", "HEAD"]).headers
        {'Allow': 'GET, HEAD'}
    """

    status_code = 405
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        method: str = "",
        allowed_methods: Sequence[str] | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        if options:
            _check_options(options, MethodNotAllowed)
        super().__init__(message, None, **options)
        self.method = method
        self.allowed_methods = allowed_methods
        if allowed_methods:
            self.headers["Allow"] = ", ".join(allowed_methods)


MethodNotSupported = MethodNotAllowed


class ServerError(HTTPException):
    """500: an error on the server."""

    status_code = 500


InternalServerError = ServerError


class ServiceUnavailable(HTTPException):
    """503: the server is overloaded or under maintenance."""

    status_code = 503
    quiet = True


class URLBuildError(HTTPException):
    """500: `url_for` cannot build the URL."""

    status_code = 500


class FileNotFound(NotFound):
    """404: a static file does not exist.

    Args:
        message: the message for the client; by default the reason phrase.
        path: the path on the disk.
        relative_url: the path in the URL.
    """

    def __init__(
        self,
        message: str | bytes | None = None,
        path: PathLike[str] | str | None = None,
        relative_url: str | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        if options:
            _check_options(options, FileNotFound)
        super().__init__(message, None, **options)
        self.path = path
        self.relative_url = relative_url


class RequestTimeout(HTTPException):
    """408: the request did not arrive in time."""

    status_code = 408
    quiet = True


class PayloadTooLarge(HTTPException):
    """413: the body exceeds the limit."""

    status_code = 413
    quiet = True


class URITooLong(HTTPException):
    """414: the URL exceeds the limit."""

    status_code = 414
    quiet = True


class HeaderNotFound(BadRequest):
    """400: a required header is missing."""


class InvalidHeader(BadRequest):
    """400: a header is invalid."""


class RangeNotSatisfiable(HTTPException):
    """416: the requested range is outside the content.

    Args:
        message: the message for the client; by default the reason phrase.
        content_range: its `total`, the total size in bytes, becomes the `Content-Range` header.
    """

    status_code = 416
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        content_range: Range | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        if options:
            _check_options(options, RangeNotSatisfiable)
        super().__init__(message, None, **options)
        if content_range is not None:
            self.headers["Content-Range"] = f"bytes */{content_range.total}"


ContentRangeError = RangeNotSatisfiable


class ExpectationFailed(HTTPException):
    """417: the server cannot meet the `Expect` header."""

    status_code = 417
    quiet = True


HeaderExpectationFailed = ExpectationFailed


class Forbidden(HTTPException):
    """403: the request is refused."""

    status_code = 403
    quiet = True


class InvalidRangeType(RangeNotSatisfiable):
    """416: the unit of the range is not bytes."""

    status_code = 416
    quiet = True


class PyFileError(SanicException):
    """A Python configuration file has raised an exception, which is the cause.

    Args:
        file: the path of the file.
        status_code: the HTTP status, by default 500.
        options: `quiet`, `context`, `extra` and `headers`, as in `SanicException`.
    """

    def __init__(
        self,
        file: object,
        status_code: int | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        message = f"could not execute config file {file}"
        if options:
            _check_options(options, PyFileError)
        super().__init__(message, status_code, **options)


class Unauthorized(HTTPException):
    """401: the request needs authentication.

    Args:
        message: the message for the client; by default the reason phrase.
        scheme: the authentication scheme, for example `"Basic"`. It adds a challenge to the response.
        status_code: another HTTP status, with a warning.
        quiet: whether not to log it; by default `True`.
        context: data that is shown to the client in every mode (JSON error format).
        extra: data that is shown in debug mode only.
        headers: headers of the response.
        challenges: the parameters of the challenge, such as `realm`.

    Examples:
        >>> Unauthorized("Who?", scheme="Basic", realm="Office").headers
        {'WWW-Authenticate': 'Basic realm="Office"'}
    """

    status_code = 401
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        scheme: str | None = None,
        *,
        status_code: int | None = None,
        # Not `_ErrorOptions`, because the other keywords are parameters of the challenge, with any name.
        quiet: bool | None = None,
        context: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        **challenges: Any,
    ) -> None:
        super().__init__(message, status_code, quiet=quiet, context=context, extra=extra, headers=headers)
        if scheme is not None:
            parameters = ", ".join(f'{name}="{_quotable(value)}"' for name, value in challenges.items())
            self.headers["WWW-Authenticate"] = f"{scheme} {parameters}".rstrip()


def _quotable(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"')


class LoadFileException(SanicException):
    """A module or file with settings cannot be loaded."""


class InvalidSignal(SanicException):
    """The name of a signal is invalid."""


class WebsocketClosed(SanicException):
    """The client has closed the websocket."""

    quiet = True
    message = "Client has closed the websocket connection"


# The exception class of each status; of several classes the most general one.
FOR_STATUS: dict[int, type[SanicException]] = {
    kind.status_code: kind
    for kind in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        PayloadTooLarge,
        URITooLong,
        RangeNotSatisfiable,
        ExpectationFailed,
        ServerError,
        ServiceUnavailable,
    )
}


def abort(status_code: int, message: str | bytes | None = None) -> NoReturn:
    """Raise the exception of a status (removed from Sanic in 21.12).

    Args:
        status_code: the HTTP status.
        message: the message for the client, by default the reason phrase.

    Raises:
        SanicException: always; of the status's own class, if there is one.
    """
    kind = FOR_STATUS.get(status_code, SanicException)
    deprecation(
        f"abort() was removed in Sanic 21.12: raise {kind.__name__}(…) of sanic_star.compat.exceptions instead.", 21.12
    )
    if kind.status_code == status_code:
        raise kind(message)
    raise SanicException(message, status_code)


def add_status_code(code: int, quiet: bool | None = None) -> Callable[[_E], _E]:
    """Decorate an exception class with its status (removed from Sanic in 21.12).

    Args:
        code: the HTTP status; from now on `abort` raises the decorated class for it.
        quiet: whether not to log it; by default true for all but 500.
    """
    deprecation("add_status_code() was removed in Sanic 21.12: set the class attributes status_code and quiet.", 21.12)

    def decorate(kind: _E) -> _E:
        kind.status_code = code
        if quiet or (quiet is None and code != 500):
            kind.quiet = True
        FOR_STATUS[code] = kind
        return kind

    return decorate
