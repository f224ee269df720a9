"""Sanic's exceptions, each of them a Starlette `HTTPException`.

Raising one ends a request with its status. What a class declares (`status_code`, `quiet`, `message`, `headers`)
is the default for what its instances are given; a message that nobody gave is the status's reason phrase.

The base is Starlette's class on purpose: a Starlette application, or a handler that somebody registered for
Starlette's `HTTPException`, answers a Sanic exception properly, `detail` being the message.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypedDict, TypeVar, Unpack

from starlette.exceptions import HTTPException as StarletteHTTPException

from sanic_star.compat.helpers import STATUS_CODES
from sanic_star.compat.log import deprecation

_E = TypeVar("_E", bound="type[SanicException]")


if TYPE_CHECKING:

    class Range(Protocol):
        """What a range error needs to know of a content range: the size of the whole in bytes."""

        @property
        def total(self) -> int | None: ...

    class _ErrorOptions(TypedDict, total=False):
        """The keywords that all of Sanic's exceptions take, those in `_OPTIONS`; see `SanicException`."""

        quiet: bool | None
        context: dict[str, Any] | None
        extra: dict[str, Any] | None
        headers: dict[str, Any] | None


class RequestCancelled(CancelledError):
    """The client went away while its request was being handled."""

    quiet = True


class ServerKilled(Exception):
    """The server was told to end at once, without waiting for open requests."""

    quiet = True


_OPTIONS = ("quiet", "context", "extra", "headers")


def _known(options: _ErrorOptions, kind: type[SanicException]) -> _ErrorOptions:
    """Return the keywords of a constructor, as they are; the error for an unknown one names that constructor."""
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"{kind.__name__}.__init__() got an unexpected keyword argument {name!r}")
    return options


class SanicException(StarletteHTTPException):
    """End the request with an error.

    Args:
        message: what the client is told; bytes are UTF-8. By default the class's `message`, else the reason phrase.
        status_code: the HTTP status, by default the class's.
        quiet: whether to keep it out of the error log; by default the class's.
        context: data that is shown to the client in every mode (JSON error format).
        extra: data that is shown in debug mode only.
        headers: headers of the response, added to nothing else: they replace the class's.

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
            # On the instance, not the class: `message` may be a property that words itself by context and extra.
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
        # The default calls the class with `args`; a subclass whose constructor takes other things would not survive.
        return _revive, (type(self), self.args), self.__dict__


def _revive(kind: type[SanicException], args: tuple[object, ...]) -> SanicException:
    return kind.__new__(kind, *args)


class HTTPException(SanicException):
    """The base of the exceptions that stand for one HTTP status each.

    Sanic up to 22 let a caller override that status; this is still understood, with a warning.

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
                f"{type(self).__name__} has a fixed status: raise SanicException(message, status_code=…) instead.", 22.9
            )
        super().__init__(message, status_code, **_known(options, HTTPException))


class NotFound(HTTPException):
    """404: there is nothing at this URL.

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
    """400: the request makes no sense."""

    status_code = 400
    quiet = True


InvalidUsage = BadRequest
BadURL = BadRequest


class MethodNotAllowed(HTTPException):
    """405: the URL is there, but not for this method.

    Args:
        method: the method of the request.
        allowed_methods: the methods that it could be; they become the `Allow` header.

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
        super().__init__(message, None, **_known(options, MethodNotAllowed))
        self.method = method
        self.allowed_methods = allowed_methods
        if allowed_methods:
            self.headers["Allow"] = ", ".join(allowed_methods)


MethodNotSupported = MethodNotAllowed


class ServerError(HTTPException):
    """500: something went wrong here, not at the client."""

    status_code = 500


InternalServerError = ServerError


class ServiceUnavailable(HTTPException):
    """503: not now; overloaded or down for maintenance."""

    status_code = 503
    quiet = True


class URLBuildError(HTTPException):
    """500: `url_for` was asked for a URL that no route can have."""

    status_code = 500


class FileNotFound(NotFound):
    """404: a static file is not there.

    Args:
        path: where it was looked for.
        relative_url: how the client called it.
    """

    def __init__(
        self,
        message: str | bytes | None = None,
        path: PathLike[str] | str | None = None,
        relative_url: str | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        super().__init__(message, None, **_known(options, FileNotFound))
        self.path = path
        self.relative_url = relative_url


class RequestTimeout(HTTPException):
    """408: the request did not arrive in time."""

    status_code = 408
    quiet = True


class PayloadTooLarge(HTTPException):
    """413: the body is over the limit."""

    status_code = 413
    quiet = True


class URITooLong(HTTPException):
    """414: the URL is over the limit."""

    status_code = 414
    quiet = True


class HeaderNotFound(BadRequest):
    """400: a header that has to be there is not."""


class InvalidHeader(BadRequest):
    """400: a header cannot be understood."""


class RangeNotSatisfiable(HTTPException):
    """416: the part that was asked for is not in the content.

    Args:
        content_range: has the size of the whole, `total`, in bytes; it becomes the `Content-Range` header.
    """

    status_code = 416
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        content_range: Range | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        super().__init__(message, None, **_known(options, RangeNotSatisfiable))
        if content_range is not None:
            self.headers["Content-Range"] = f"bytes */{content_range.total}"


ContentRangeError = RangeNotSatisfiable


class ExpectationFailed(HTTPException):
    """417: the `Expect` header asks for what cannot be done."""

    status_code = 417
    quiet = True


HeaderExpectationFailed = ExpectationFailed


class Forbidden(HTTPException):
    """403: understood, and refused."""

    status_code = 403
    quiet = True


class InvalidRangeType(RangeNotSatisfiable):
    """416: the range is in a unit other than bytes."""

    status_code = 416
    quiet = True


class PyFileError(SanicException):
    """A configuration file in Python raised an exception; that one is the cause.

    Args:
        file: the path of the file.
    """

    def __init__(
        self,
        file: object,
        status_code: int | None = None,
        **options: Unpack[_ErrorOptions],
    ) -> None:
        message = f"could not execute config file {file}"
        super().__init__(message, status_code, **_known(options, PyFileError))


class Unauthorized(HTTPException):
    """401: who is asking?

    Args:
        scheme: the authentication scheme to use, `"Basic"` for example. With it the response has a challenge.
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
        # Not `_ErrorOptions`: the other keywords are the challenge's, which may have any name.
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
    """A module or a file that settings should come from cannot be loaded."""


class InvalidSignal(SanicException):
    """A signal has a name that no signal can have."""


class WebsocketClosed(SanicException):
    """The client has closed the websocket."""

    quiet = True
    message = "Client has closed the websocket connection"


# What stands for a status. Of several classes with one status it is the plainest.
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
    """Raise the exception that stands for a status (a name that Sanic dropped in 21.12).

    Args:
        status_code: the HTTP status.
        message: what the client is told, by default the reason phrase.

    Raises:
        SanicException: always; of the class for that status, where there is one.
    """
    kind = FOR_STATUS.get(status_code, SanicException)
    deprecation(f"abort() is gone: raise {kind.__name__}(…) from sanic_star.compat.exceptions instead.", 21.12)
    if kind.status_code == status_code:
        raise kind(message)
    raise SanicException(message, status_code)


def add_status_code(code: int, quiet: bool | None = None) -> Callable[[_E], _E]:
    """Give an exception class its status, as a decorator (a name that Sanic dropped in 21.12).

    Args:
        code: the HTTP status; `abort` with it raises the decorated class from now on.
        quiet: whether it stays out of the error log; by default so for all but 500.
    """
    deprecation("add_status_code() is gone: set the class attributes status_code and quiet instead.", 21.12)

    def decorate(kind: _E) -> _E:
        kind.status_code = code
        if quiet or (quiet is None and code != 500):
            kind.quiet = True
        FOR_STATUS[code] = kind
        return kind

    return decorate
