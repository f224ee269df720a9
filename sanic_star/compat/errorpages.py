"""Error pages: the response to an exception as text, JSON or HTML.

The format is, in this order: the route's `error_format`; the setting `FALLBACK_ERROR_FORMAT`; with "auto" a format that
the client accepts, preferably text, or JSON for a request that is JSON itself. A client that does not accept that
format gets the format of the application's error handler, by default text.

Outside debug mode, clients see only messages of a `SanicException` or Starlette's, because these are written for
clients.
"""

from __future__ import annotations

from ast import Call, Name, Return, parse, walk
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from html import escape as quoted
from inspect import getsource
from logging import DEBUG
from textwrap import dedent
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException as StarletteHTTPException

from sanic_star.compat._support.lazy import old_names
from sanic_star.compat.compat import Header
from sanic_star.compat.constants import DEFAULT_FORMAT
from sanic_star.compat.exceptions import InvalidHeader, SanicException
from sanic_star.compat.headers import AcceptList, Matched, MediaType, parse_accept
from sanic_star.compat.helpers import STATUS_CODES, json_dumps
from sanic_star.compat.log import logger
from sanic_star.compat.request._field_size import FieldTooLarge
from sanic_star.compat.response import HTTPResponse, JSONResponse, html, json, text
from sanic_star.compat.response.convenience import HTML, TEXT
from sanic_star.engine.failures import (
    PASSED_ON,
    attribute,
    cause_of,
    encodable,
    is_a,
    message_of,
    traceback_of,
    type_name,
)

FALLBACK_TEXT = "The application encountered an unexpected error and could not continue."
FALLBACK_STATUS = 500
JSON = "application/json"

MIME_BY_CONFIG = {"text": "text/plain", "json": JSON, "html": "text/html"}
CONFIG_BY_MIME = {mime: name for name, mime in MIME_BY_CONFIG.items()}
# The error formats of routes by the annotated return type of their handler.
RESPONSE_MAPPING = {"json": "json", "text": "text", "html": "html", "JSONResponse": "json", **CONFIG_BY_MIME}


def escape(text: object) -> str:
    """Escape text for HTML, including attributes.

    Args:
        text: any object; its `str()` is escaped.

    Examples:
        >>> escape('<a href="x">')
        '&lt;a href=&quot;x&quot;&gt;'
    """
    return quoted(str(text))


class BaseRenderer:
    """Renders errors in one format; subclasses implement `minimal` and `full`.

    Args:
        request: the request.
        exception: the exception.
        debug: whether to show details.
    """

    # An error page must not fail because of its values.
    dumps: Callable[..., str] = staticmethod(partial(json_dumps, default=str))

    def __init__(self, request: Any, exception: Exception, debug: bool) -> None:
        self.request = request
        self.exception = exception
        self.debug = debug

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the exception."""
        headers = attribute(self.exception, "headers") if is_a(self.exception, StarletteHTTPException) else None
        return dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status: the exception's, or 500 if that is not the status of a final response."""
        status = self._own_status
        return FALLBACK_STATUS if status is None else status

    @property
    def _own_status(self) -> int | None:
        # Exceptions of other libraries may have a `status_code`, too: that of a response to their own client.
        is_http_error = is_a(self.exception, StarletteHTTPException)
        status = attribute(self.exception, "status_code") if is_http_error else None
        # RFC 9110, section 15: three digits; 1xx are interim responses.
        return int(status) if isinstance(status, int) and 200 <= status <= 999 else None

    @property
    def text(self) -> str:
        """The message, as far as the client may see it."""
        if self._own_status is not None:
            detail = attribute(self.exception, "detail")
            return detail if isinstance(detail, str) else FALLBACK_TEXT
        return message_of(self.exception) if self.debug else FALLBACK_TEXT

    @property
    def title(self) -> str:
        """The status and its reason phrase."""
        return f"{self.status} — {self._phrase}"

    @property
    def _phrase(self) -> str:
        return STATUS_CODES.get(self.status, b"Error Occurred").decode()

    @property
    def _shown(self) -> dict[str, dict[str, Any]]:
        """The data of the exception that the client may see."""
        names = ("context", "extra") if self._in_full else ("context",)
        shown_data = {name: data for name in names if (data := attribute(self.exception, name))}
        if "extra" in shown_data:
            # Imported late, as below: only pages in debug mode need it, and the import takes 1 ms.
            from sanic_star.compat._support.redaction import redacted

            # The context is not hidden, because it is written for the client.
            shown_data["extra"] = redacted("", shown_data["extra"])
        return shown_data

    @property
    def _in_full(self) -> bool:
        return self.debug and not attribute(self.exception, "quiet", False)

    @property
    def _causes(self) -> list[BaseException]:
        causes: list[BaseException] = []
        cause: BaseException | None = self.exception
        # Compared by identity, because an exception's `__eq__` may do anything.
        while cause is not None and all(cause is not earlier for earlier in causes):
            causes.append(cause)
            cause = cause_of(cause)
        return causes[::-1]

    def render(self) -> HTTPResponse:
        """Return the response."""
        response = self._redacted(self.full()) if self._in_full else self.minimal()
        response.status = self.status
        response.headers.update(self.headers)
        return response

    def _redacted(self, response: HTTPResponse) -> HTTPResponse:
        """Hide credentials on a page in debug mode."""
        from sanic_star.compat._support.redaction import secrets_of, without_secrets

        body = response.body
        if isinstance(body, bytes):
            markup = "html" in (response.content_type or "")
            secrets = secrets_of(self.request, map(message_of, self._causes))
            page = without_secrets(body.decode("utf-8", "surrogateescape"), secrets, markup)
            response.body = page.encode("utf-8", "surrogateescape")
        return response

    def minimal(self) -> HTTPResponse:
        """Return a page without details."""
        raise NotImplementedError

    def full(self) -> HTTPResponse:
        """Return a page with details for debugging."""
        raise NotImplementedError


class HTMLRenderer(BaseRenderer):
    """Renders HTML pages."""

    def full(self) -> HTTPResponse:
        """Return a page with the traceback and the request."""
        from sanic_star.compat._support import error_page

        request = self.request
        details = error_page.traceback_of(self.exception) + self._tables()
        details += error_page.request_table(request.method, request.path, request.headers)
        return html(error_page.document(self.status, self._phrase, self.text, details, wide=True))

    def minimal(self) -> HTTPResponse:
        """Return a page with status and message."""
        from sanic_star.compat._support import error_page

        return html(error_page.document(self.status, self._phrase, self.text, self._tables()))

    def _tables(self) -> str:
        from sanic_star.compat._support import error_page

        return "".join(
            error_page.table(
                name.title(), ((key, _plain(value, self.dumps)) for key, value in _entries(data)), f"exception-{name}"
            )
            for name, data in self._shown.items()
        )


def _entries(data: Any) -> Iterable[tuple[str, Any]]:
    # Exceptions of other libraries may have a `context` that is not a mapping.
    return data.items() if isinstance(data, Mapping) else [(type(data).__name__, data)]


def _plain(value: object, dumps: Callable[..., str]) -> str:
    return value if isinstance(value, str) else dumps(value)


class TextRenderer(BaseRenderer):
    """Renders plain text."""

    OUTPUT_TEXT = "{title}\n{bar}\n{text}\n\n{body}"
    SPACER = "  "

    def full(self) -> HTTPResponse:
        """Return a page with the tracebacks."""
        name, path = type_name(self.exception), self.request.path
        lines = [
            f"{name}: {message_of(self.exception)} while handling path {path}",
            f"Traceback of {self.request.app.name} (most recent call last):\n",
        ]
        return self._text([*lines, *map(self._traceback, self._causes), *self._lists()])

    def minimal(self) -> HTTPResponse:
        """Return a page with status and message."""
        return self._text(list(self._lists()))

    @property
    def title(self) -> str:
        """The status and its reason phrase."""
        return f"⚠️ {super().title}"

    def _text(self, body: list[str]) -> HTTPResponse:
        title = self.title
        page = self.OUTPUT_TEXT.format(title=title, bar="=" * len(title), text=self.text, body="\n".join(body))
        return text(encodable(page))

    def _traceback(self, exception: BaseException) -> str:
        inner = self.SPACER * 2
        frames = (
            f"{inner}File {frame.filename}, line {frame.lineno}, in {frame.name}\n{inner}{frame.line}"
            for frame in extract_tb(traceback_of(exception))
        )
        return f"{self.SPACER}{type_name(exception)}: {message_of(exception)}\n" + "\n\n".join(frames)

    def _lists(self) -> Iterator[str]:
        for name, data in self._shown.items():
            yield f"\n{name.title()}"
            for key, value in _entries(data):
                yield f"{self.SPACER * 2}{key}: {self.dumps(value)}"


class JSONRenderer(BaseRenderer):
    """Renders JSON objects."""

    def full(self) -> HTTPResponse:
        """Return a page with the request and the tracebacks."""
        from sanic_star.compat._support.redaction import redacted

        exceptions = [
            {
                "type": type_name(cause),
                "exception": message_of(cause),
                "frames": [
                    {"file": frame.filename, "line": frame.lineno, "name": frame.name, "src": frame.line}
                    for frame in extract_tb(traceback_of(cause))
                ],
            }
            for cause in self._causes
        ]
        args = redacted("", self.request.args)
        return self._json({"path": self.request.path, "args": args, "exceptions": exceptions})

    def minimal(self) -> HTTPResponse:
        """Return a page with status and message."""
        return self._json({})

    @property
    def title(self) -> str:
        """The reason phrase."""
        return self._phrase

    def _json(self, details: dict[str, Any]) -> HTTPResponse:
        summary = {"description": self.title, "status": self.status, "message": self.text}
        return json(summary | self._shown | details, dumps=self.dumps)


RENDERERS_BY_CONTENT_TYPE: dict[str, type[BaseRenderer]] = {
    "text/plain": TextRenderer,
    JSON: JSONRenderer,
    "multipart/form-data": HTMLRenderer,
    "text/html": HTMLRenderer,
}


def check_error_format(format: str) -> None:
    """Check a format of error pages.

    Args:
        format: the format: auto, html, json or text.

    Raises:
        SanicException: the format is unknown.
    """
    if format != DEFAULT_FORMAT and format not in MIME_BY_CONFIG:
        raise SanicException(f"Unknown format: {format}")


def exception_response(
    request: Any,
    exception: Exception,
    debug: bool,
    fallback: str,
    base: type[BaseRenderer],
    renderer: type[BaseRenderer] | None = None,
) -> HTTPResponse:
    """Return the error page of a request.

    If the client's `Accept` header is too long to be parsed, the page is that of a 431, in the format of `base`.

    Args:
        request: the request.
        exception: the exception.
        debug: whether to show details.
        fallback: the setting `FALLBACK_ERROR_FORMAT`.
        base: the renderer for clients that accept none of the possible formats.
        renderer: the renderer to use, regardless of what the client accepts.
    """
    if renderer is None:
        mime = _mime_without_body(request, fallback)
        if mime is None:
            try:
                mime = guess_mime(request, fallback)
            except FieldTooLarge as too_large:
                # The original exception was logged. The client can only fix its header.
                mime, exception = "", too_large
        renderer = RENDERERS_BY_CONTENT_TYPE.get(mime, base)
    return _brief_page(renderer, exception, debug) or renderer(request, exception, debug).render()


def guess_mime(req: Any, fallback: str) -> str:
    """Return the media type for the error of a request.

    Args:
        req: the request.
        fallback: the setting `FALLBACK_ERROR_FORMAT`.

    Returns:
        The media type, or an empty string if the client accepts none of the possible ones.

    Raises:
        FieldTooLarge: 431, the `Accept` header is too long to be parsed.
    """
    match, source, accept = _choose_mime(
        lambda: req.accept, _format_of_route(req), fallback, lambda: _why_json(req), getattr(req.route, "name", "")
    )
    if logger.isEnabledFor(DEBUG):
        # The message of Sanic 25.12, because users search logs for `Error Page:`.
        outcome = (
            f"The client accepts {match.header}, using {CONFIG_BY_MIME[match.mime]!r} from {source}"
            if match
            else f"No format found, the client accepts {accept!r}"
        )
        logger.debug("Error Page: %s", outcome)
    return match.mime


def _choose_mime(
    read_accept: Callable[[], AcceptList], of_route: str, fallback: str, why_json: Callable[[], str], route_name: str
) -> tuple[Matched, str, AcceptList]:
    """Choose a media type by the format of the route, the setting, and the client's `Accept` header.

    Args:
        read_accept: returns the parsed `Accept` header.
        of_route: the format of the route, or empty.
        fallback: the setting `FALLBACK_ERROR_FORMAT`.
        why_json: returns the part of the request that indicates JSON, or empty.
        route_name: the route's name.

    Returns:
        The match, which is false if the client accepts none of the formats; the source of its format; and the entries
        of the `Accept` header.
    """
    # Formats in order of preference, with their source.
    sources: dict[str, str] = {}
    if of_route in MIME_BY_CONFIG:
        sources[of_route] = route_name
    elif fallback in MIME_BY_CONFIG:
        sources[fallback] = "FALLBACK_ERROR_FORMAT"
    if fallback == DEFAULT_FORMAT:
        if not sources and (reason := why_json()):
            sources["json"] = reason
        for name in MIME_BY_CONFIG:
            sources.setdefault(name, "any")
    try:
        accept = read_accept()
    except InvalidHeader:
        # The header itself may be the error that the page shows.
        accept = AcceptList([MediaType("*", "*")])
    match = accept.match(*(MIME_BY_CONFIG[name] for name in sources))
    return match, sources[CONFIG_BY_MIME[match.mime]] if match else "", accept


# Cached results of `_choose_mime` by `Accept` header, route format, and setting: browsers send only a few different
# headers. Bounded in number and length, because clients may send any header.
_mime_by_accept: dict[tuple[str | None, str, str], str] = {}
_MAX_CACHED, _MAX_CACHED_LENGTH = 256, 256
_BODY_FIELDS = frozenset({b"content-type", b"content-length", b"transfer-encoding"})


def _mime_without_body(request: Any, fallback: str) -> str | None:
    """Return the result of `guess_mime` if only the `Accept` header matters; `None` if the body matters too.

    PERF: a look-up takes 0.5 µs, parsing and matching the `Accept` header 10 µs («errors»). Safe because the key
        contains
    all that the choice depends on, and a request whose header fields may have been replaced is parsed.
    """
    accept: str | None = None
    try:
        if request._headers is not None or request.parsed_accept is not None or not request._reads_accept:
            return None
        if logger.isEnabledFor(DEBUG):
            # `guess_mime` logs the choice.
            return None
        if request.parsed_json is not None or request._upload is not None or getattr(request, "_body", None):
            return None
        for name, value in request.scope.get("headers", ()):
            if name == b"accept":
                if accept is not None:
                    return None
                accept = value.decode()
            elif name in _BODY_FIELDS and not (name == b"content-length" and value == b"0"):
                return None
        # Shorter fields are never too large, whatever `REQUEST_MAX_HEADER_SIZE` is.
        if accept is not None and len(accept) > 64 and len(accept) > request._max_field_size:
            return None
        extra = getattr(request.scope.get("route"), "extra", None)
    except (AttributeError, UnicodeDecodeError):
        # Not a request of this package, or its header is not UTF-8.
        return None
    of_route = "" if extra is None else extra.error_format
    key = accept, of_route, fallback
    mime = _mime_by_accept.get(key)
    if mime is None and (accept is None or len(accept) <= _MAX_CACHED_LENGTH):

        def why_json() -> str:
            try:
                return "request.accept" if JSON in parse_accept(accept) else ""
            except InvalidHeader:
                return ""

        mime = _choose_mime(lambda: parse_accept(accept), of_route, fallback, why_json, "")[0].mime
        if len(_mime_by_accept) >= _MAX_CACHED:
            _mime_by_accept.clear()
        _mime_by_accept[key] = mime
    return mime


# The parts before and after the message of a page without details, by renderer and status.
_around_message: dict[tuple[type[BaseRenderer], int], tuple[bytes, bytes]] = {}
_MESSAGE = "the-message-goes-here"
_BRIEF = (HTMLRenderer, TextRenderer, JSONRenderer)
_own_dumps = BaseRenderer.dumps


def _brief_page(renderer: type[BaseRenderer], exception: BaseException, debug: bool) -> HTTPResponse | None:
    """Return the page with only status and message; `None` if the exception or the mode needs more.

    PERF: the parts around the message are rendered once per status, which saves 15 µs for HTML and 5 µs for text
    («errors»). Safe because an exception with a context, a user's renderer or an unknown status has its page rendered.
    """
    if renderer not in _BRIEF:
        return None
    headers: Any = None
    try:
        if issubclass(type(exception), StarletteHTTPException):
            status, message = exception.status_code, exception.detail  # type: ignore[attr-defined]
            headers = exception.headers  # type: ignore[attr-defined]
            if debug and not exception.quiet:  # type: ignore[attr-defined]
                return None
        elif debug:
            return None
        else:
            status, message = FALLBACK_STATUS, FALLBACK_TEXT
        if getattr(exception, "context", None) or type(status) is not int or type(message) is not str:
            return None
    except PASSED_ON:
        raise
    except BaseException:
        # An attribute has raised; the renderers handle that.
        return None
    text_around_message = _around_message.get((renderer, status)) or _render_around(renderer, status)
    if text_around_message is None:
        return None
    if renderer is JSONRenderer:
        if renderer.dumps is not _own_dumps:
            return None
        value = {"description": STATUS_CODES[status].decode(), "status": status, "message": message}
        response: HTTPResponse = JSONResponse.__new__(JSONResponse)
        response._value, response._writer = value, (_own_dumps, {})  # type: ignore[attr-defined]
        response._body = text_around_message[0] + _own_dumps(message)[1:-1].encode() + text_around_message[1]
        response.content_type = JSON
    else:
        response = HTTPResponse.__new__(HTTPResponse)
        shown_message = message if renderer is TextRenderer else quoted(message)
        response._body = (
            text_around_message[0] + shown_message.encode("utf-8", "backslashreplace") + text_around_message[1]
        )
        response.content_type = TEXT if renderer is TextRenderer else HTML
    response.status = status
    if headers:
        # Checked when the header is built.
        response._headers = Header(headers)
    return response


def _render_around(renderer: type[BaseRenderer], status: int) -> tuple[bytes, bytes] | None:
    if status not in STATUS_CODES or status < 200:
        return None
    page = renderer(None, SanicException(_MESSAGE, status), False).render().body
    if page.count(_MESSAGE.encode()) != 1:
        # A method of the renderer was patched.
        return None
    before, _, after = page.partition(_MESSAGE.encode())
    _around_message[renderer, status] = before, after
    return before, after


def _format_of_route(req: Any) -> str:
    extra = getattr(req.route, "extra", None)
    return "" if extra is None else str(extra.error_format)


def format_of_handler(handler: Any) -> str:
    """Return the format of a handler's error pages: as in Sanic, a handler with `return json(…)` has JSON error pages.

    Args:
        handler: the handler.

    Returns:
        The format; an empty string if the source cannot be read, or if the handler returns several formats or none.
    """
    try:
        tree = parse(dedent(getsource(handler)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""
    formats = set()
    for node in walk(tree):
        if isinstance(node, Return) and isinstance(node.value, Call) and isinstance(node.value.func, Name):
            formats.add(RESPONSE_MAPPING.get(node.value.func.id))
    formats.discard(None)
    return formats.pop() or "" if len(formats) == 1 else ""


def _why_json(req: Any) -> str:
    """Return the part of a request that indicates JSON: the header Accept or Content-Type, or the body; or empty."""
    try:
        if JSON in req.accept:
            return "request.accept"
        if req.headers.get("content-type", "").startswith(JSON):
            return "content-type"
        # A request without a body has no JSON.
        return "request.json" if (req.body or getattr(req, "parsed_json", None)) and req.json else ""
    except Exception:
        # The body is invalid, was not read, or the client has left. The response to an exception must not fail.
        return ""


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
