"""What a client gets to see of an error: as text, JSON or HTML.

The format is, in this order: what the route says (`error_format`); the setting `FALLBACK_ERROR_FORMAT`; with "auto"
whatever the client accepts, text first, JSON first for a request that is JSON itself. A client that does not accept
that format gets the one of the application's error handler, text by default.

Outside debug mode only a `SanicException` (or Starlette's) tells its message, as it was written for the client.
"""

from __future__ import annotations

from ast import Call, Name, Return, parse, walk
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from html import escape as quoted
from inspect import getsource
from textwrap import dedent
from traceback import extract_tb
from typing import Any

from starlette.exceptions import HTTPException as StarletteHTTPException

from sanic_star.compat._field_size import FieldTooLarge
from sanic_star.compat.exceptions import InvalidHeader, SanicException
from sanic_star.compat.headers import AcceptList, MediaType
from sanic_star.compat.helpers import STATUS_CODES, json_dumps
from sanic_star.compat.response import HTTPResponse, html, json, text
from sanic_star.failures import attribute, cause_of, encodable, is_a, message_of, traceback_of, type_name

DEFAULT_FORMAT = "auto"
FALLBACK_TEXT = "The application encountered an unexpected error and could not continue."
FALLBACK_STATUS = 500
JSON = "application/json"

MIME_BY_CONFIG = {"text": "text/plain", "json": JSON, "html": "text/html"}
CONFIG_BY_MIME = {mime: name for name, mime in MIME_BY_CONFIG.items()}
# What handlers return by their annotations, and the format that errors of such a route have.
RESPONSE_MAPPING = {"json": "json", "text": "text", "html": "html", "JSONResponse": "json", **CONFIG_BY_MIME}


def escape(text: object) -> str:
    """Make text safe in HTML, in attributes, too.

    >>> escape('<a href="x">')
    '&lt;a href=&quot;x&quot;&gt;'
    """
    return quoted(str(text))


class BaseRenderer:
    """One way to show an error; subclasses say how, in `minimal` and `full`.

    Args:
        request: the request that failed.
        exception: why.
        debug: whether the client may see internals.
    """

    # An error page must not fail for what it tells.
    dumps: Callable[..., str] = staticmethod(partial(json_dumps, default=str))

    def __init__(self, request: Any, exception: Exception, debug: bool) -> None:
        self.request = request
        self.exception = exception
        self.debug = debug

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the exception asks for."""
        headers = attribute(self.exception, "headers") if is_a(self.exception, StarletteHTTPException) else None
        return dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status: the exception's, or 500 where that is no status of a final response."""
        status = self._own_status
        return FALLBACK_STATUS if status is None else status

    @property
    def _own_status(self) -> int | None:
        # Another library's exceptions may have a `status_code`, too: that of an answer which their client got.
        known = is_a(self.exception, StarletteHTTPException)
        status = attribute(self.exception, "status_code") if known else None
        # RFC 9110, section 15: three digits, and 1xx is for interim responses.
        return int(status) if isinstance(status, int) and 200 <= status <= 999 else None

    @property
    def text(self) -> str:
        """What happened, as far as the client may know."""
        if self._own_status is not None:
            detail = attribute(self.exception, "detail")
            return detail if isinstance(detail, str) else FALLBACK_TEXT
        return message_of(self.exception) if self.debug else FALLBACK_TEXT

    @property
    def title(self) -> str:
        """The status and what it means."""
        return f"{self.status} — {self._phrase}"

    @property
    def _phrase(self) -> str:
        return STATUS_CODES.get(self.status, b"Error Occurred").decode()

    @property
    def _shown(self) -> dict[str, dict[str, Any]]:
        """What the exception brings along and the client may see."""
        names = ("context", "extra") if self._in_full else ("context",)
        shown = {name: data for name in names if (data := attribute(self.exception, name))}
        if "extra" in shown:
            # Late, as below: it is for pages in debug mode, and the import takes 1 ms.
            from sanic_star.compat._redaction import redacted

            # Not the context: that is written for the client, in every mode.
            shown["extra"] = redacted("", shown["extra"])
        return shown

    @property
    def _in_full(self) -> bool:
        return self.debug and not attribute(self.exception, "quiet", False)

    @property
    def _causes(self) -> list[BaseException]:
        found: list[BaseException] = []
        cause: BaseException | None = self.exception
        # By identity: what two exceptions make of `==` is their own affair.
        while cause is not None and all(cause is not each for each in found):
            found.append(cause)
            cause = cause_of(cause)
        return found[::-1]

    def render(self) -> HTTPResponse:
        """Make the response."""
        response = self._redacted(self.full()) if self._in_full else self.minimal()
        response.status = self.status
        response.headers.update(self.headers)
        return response

    def _redacted(self, response: HTTPResponse) -> HTTPResponse:
        """Hide credentials on a page for debugging."""
        from sanic_star.compat._redaction import secrets_of, without_secrets

        body = response.body
        if isinstance(body, bytes):
            markup = "html" in (response.content_type or "")
            secrets = secrets_of(self.request, map(message_of, self._causes))
            page = without_secrets(body.decode("utf-8", "surrogateescape"), secrets, markup)
            response.body = page.encode("utf-8", "surrogateescape")
        return response

    def minimal(self) -> HTTPResponse:
        """Show what anybody may see."""
        raise NotImplementedError

    def full(self) -> HTTPResponse:
        """Show all that helps to find the mistake."""
        raise NotImplementedError


class HTMLRenderer(BaseRenderer):
    """A page."""

    def full(self) -> HTTPResponse:
        """Show the traceback and the request, too."""
        from sanic_star.compat import _errorpage

        request = self.request
        details = _errorpage.traceback_of(self.exception) + self._tables()
        details += _errorpage.table("Request", [("method", request.method), ("path", request.path)])
        return html(
            _errorpage.document(
                self.status, self._phrase, self.text, details + _errorpage.headers_table(request.headers), wide=True
            )
        )

    def minimal(self) -> HTTPResponse:
        """Show status and message."""
        from sanic_star.compat import _errorpage

        return html(_errorpage.document(self.status, self._phrase, self.text, self._tables()))

    def _tables(self) -> str:
        from sanic_star.compat import _errorpage

        return "".join(
            _errorpage.table(name.title(), ((key, _plain(value, self.dumps)) for key, value in _entries(data)))
            for name, data in self._shown.items()
        )


def _entries(data: Any) -> Iterable[tuple[str, Any]]:
    # Another library's exceptions may have a `context` that is no mapping.
    return data.items() if isinstance(data, Mapping) else [(type(data).__name__, data)]


def _plain(value: object, dumps: Callable[..., str]) -> str:
    return value if isinstance(value, str) else dumps(value)


class TextRenderer(BaseRenderer):
    """Plain text."""

    OUTPUT_TEXT = "{title}\n{bar}\n{text}\n\n{body}"
    SPACER = "  "

    def full(self) -> HTTPResponse:
        """Show the tracebacks, too."""
        name, path = type_name(self.exception), self.request.path
        lines = [
            f"{name}: {message_of(self.exception)} while handling path {path}",
            f"Traceback of {self.request.app.name} (most recent call last):\n",
        ]
        return self._text([*lines, *map(self._one, self._causes), *self._lists()])

    def minimal(self) -> HTTPResponse:
        """Show status and message."""
        return self._text(list(self._lists()))

    @property
    def title(self) -> str:
        """The status and what it means."""
        return f"⚠️ {super().title}"

    def _text(self, body: list[str]) -> HTTPResponse:
        title = self.title
        page = self.OUTPUT_TEXT.format(title=title, bar="=" * len(title), text=self.text, body="\n".join(body))
        return text(encodable(page))

    def _one(self, exception: BaseException) -> str:
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
    """A JSON object."""

    def full(self) -> HTTPResponse:
        """Show the request and the tracebacks, too."""
        from sanic_star.compat._redaction import redacted

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
        """Show status and message."""
        return self._json({})

    @property
    def title(self) -> str:
        """What the status means."""
        return self._phrase

    def _json(self, more: dict[str, Any]) -> HTTPResponse:
        told = {"description": self.title, "status": self.status, "message": self.text}
        return json(told | self._shown | more, dumps=self.dumps)


RENDERERS_BY_CONTENT_TYPE: dict[str, type[BaseRenderer]] = {
    "text/plain": TextRenderer,
    JSON: JSONRenderer,
    "multipart/form-data": HTMLRenderer,
    "text/html": HTMLRenderer,
}


def check_error_format(format: str) -> None:
    """Make sure that this is a format for errors.

    Raises:
        SanicException: it is none of auto, html, json and text.
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
    """Answer a request that failed.

    Args:
        request: the request.
        exception: why it failed.
        debug: whether the client may see internals.
        fallback: the setting `FALLBACK_ERROR_FORMAT`.
        base: the renderer for clients that accept none of the formats in question.
        renderer: the renderer to use, whatever the client accepts.

    Where the client's Accept header is too long to be parsed, the page is that of a 431, in the format of `base`.
    """
    if renderer is None:
        try:
            renderer = RENDERERS_BY_CONTENT_TYPE.get(guess_mime(request, fallback), base)
        except FieldTooLarge as too_large:
            # The exception is in the log; what the client can mend is its header.
            renderer, exception = base, too_large
    return renderer(request, exception, debug).render()


def guess_mime(req: Any, fallback: str) -> str:
    """Choose the media type for the error of a request.

    Args:
        req: the request.
        fallback: the setting `FALLBACK_ERROR_FORMAT`.

    Returns:
        The media type, or an empty text if the client accepts none of those in question.

    Raises:
        FieldTooLarge: 431, the Accept header is too long to be parsed.
    """
    chosen = [name for name in (_format_of_route(req), fallback) if name in MIME_BY_CONFIG][:1]
    if fallback == DEFAULT_FORMAT:
        if not chosen and _is_json(req):
            chosen = ["json"]
        chosen += MIME_BY_CONFIG
    try:
        accept = req.accept
    except InvalidHeader:
        # It may be the error that is to be shown.
        accept = AcceptList([MediaType("*", "*")])
    return str(accept.match(*(MIME_BY_CONFIG[name] for name in chosen)).mime)


def _format_of_route(req: Any) -> str:
    extra = getattr(req.route, "extra", None)
    if extra is None:
        return ""
    if extra.error_format is None:
        # Found out with the first error, so that no start-up pays for it.
        extra.error_format = _format_of_handler(getattr(req.route, "endpoint", None))
    return str(extra.error_format)


def _format_of_handler(handler: Any) -> str:
    """Tell by a handler's source in which format it answers: the one helper function whose result it returns.

    Sanic does so: an endpoint that says `return json(…)` explains its errors in JSON. Empty where the source is not at
    hand or not of one mind.
    """
    try:
        tree = parse(dedent(getsource(handler)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return ""
    found = set()
    for node in walk(tree):
        if isinstance(node, Return) and isinstance(node.value, Call) and isinstance(node.value.func, Name):
            found.add(RESPONSE_MAPPING.get(node.value.func.id))
    found.discard(None)
    return found.pop() or "" if len(found) == 1 else ""


def _is_json(req: Any) -> bool:
    try:
        if JSON in req.accept or req.headers.get("content-type", "").startswith(JSON):
            return True
        return bool(req.json)
    except Exception:
        # Not JSON, not read, or gone: there is an error already.
        return False
