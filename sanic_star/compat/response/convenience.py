"""The functions that create responses: `text`, `json`, `html`, `raw`, `empty`, `redirect`, `file`, `file_stream`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from mimetypes import guess_type
from time import time
from typing import TYPE_CHECKING, Any, Never
from urllib.parse import quote, quote_plus

from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat._support.json import codec
from sanic_star.compat.compat import Header, open_async, stat_async
from sanic_star.compat.constants import DEFAULT_HTTP_CONTENT_TYPE
from sanic_star.compat.helpers import Default, _default
from sanic_star.compat.log import logger
from sanic_star.compat.response.types import HTTPResponse, JSONResponse, ResponseStream, json_writing, write_json_text
from sanic_star.engine.requests import current_request

if TYPE_CHECKING:
    from pathlib import PurePath

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
# PERF: `_new(*_TEXT_CLASS)` takes 0.03 µs less than `_new(HTTPResponse)`, because the interpreter makes no tuple of
# arguments. Safe because it is the same call.
_new, _TEXT_CLASS, _JSON_CLASS = object.__new__, (HTTPResponse,), (JSONResponse,)
# Characters that are not escaped in a Location: the reserved ones of RFC 3986, and the percent sign.
_LOCATION_SAFE = ":/%#?&=@[]!$&'()*+,;"


def text(
    body: str, status: int = 200, headers: Mapping[str, Any] | None = None, content_type: str = TEXT
) -> HTTPResponse:
    """Return a response with plain text.

    Args:
        body: the text.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.

    Raises:
        TypeError: `body` is not a string.

    Examples:
        >>> text("hi").body
        b'hi'
    """
    if not isinstance(body, str):
        raise TypeError(f"Bad body type. Expected str, got {type(body).__name__})")
    if headers:
        return HTTPResponse(body, status, headers, content_type)
    # PERF: saves the call of the class, 0.15 µs of 0.4 («in process»). Safe because all attributes are set that the
    # initialiser sets, and that are read when the response is sent.
    response = _new(*_TEXT_CLASS)
    response._body = body.encode()
    response.status = status
    response.content_type = content_type
    response._headers = response.background = None
    return response


def json(
    body: Any,
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content_type: str = "application/json",
    dumps: Callable[..., str | bytes] | None = None,
    **kwargs: Any,
) -> JSONResponse:
    """Return a response with a value as JSON.

    Args:
        body: the value.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.
        dumps: writes the value, instead of the application's `dumps`; returns text or bytes.
        kwargs: keyword arguments for `dumps` (those of `json.dumps`).

    Raises:
        TypeError: the value cannot be written as JSON; or another error of `dumps`.

    Examples:
        >>> json({"ok": True}).body
        b'{"ok":true}'
    """
    if (
        json_writing.by_application
        or JSONResponse._dumps is not write_json_text
        or dumps is not None
        or kwargs
        or headers
    ):
        return JSONResponse(body, status, headers, content_type, dumps, **kwargs)
    # PERF: saves the call of the class and the frame of the writer, 0.3 µs of 0.6 («in process»). Safe as in `text`,
    # and because `_write` gets the values that the encoder refuses.
    response = _new(*_JSON_CLASS)
    response._value = body
    response.status = status
    response.content_type = content_type
    response._headers = response.background = None
    try:
        response._body = codec.encode(body)
    except Exception:
        pass
    else:
        return response
    # Outside of the block, so that an exception does not have the encoder's as its context.
    response._body = response._write(body)
    return response


def html(body: Any, status: int = 200, headers: Mapping[str, Any] | None = None) -> HTTPResponse:
    """Return a response with HTML.

    Args:
        body: text, bytes, or an object with `__html__` or `_repr_html_`.
        status: the HTTP status.
        headers: header fields.

    Examples:
        >>> html("<p>hi").content_type
        'text/html; charset=utf-8'
    """
    if not isinstance(body, (str, bytes)):
        for method in ("__html__", "_repr_html_"):
            if hasattr(body, method):
                body = getattr(body, method)()
                break
    return HTTPResponse(body, status, headers, HTML)


def raw(
    body: str | bytes | None,
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content_type: str = DEFAULT_HTTP_CONTENT_TYPE,
) -> HTTPResponse:
    """Return a response with bytes.

    Args:
        body: bytes, or text, which is sent as UTF-8; `None` for an empty body.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.

    Raises:
        TypeError: `body` is neither text nor bytes.

    Examples:
        >>> raw(b"\\x00").content_type
        'application/octet-stream'
    """
    return HTTPResponse(body, status, headers, content_type)


def empty(status: int = 204, headers: Mapping[str, Any] | None = None) -> HTTPResponse:
    """Return a response without a body.

    Args:
        status: the HTTP status.
        headers: header fields.

    Examples:
        >>> empty().status
        204
    """
    return HTTPResponse(b"", status, headers)


def redirect(
    to: str, headers: dict[str, str] | None = None, status: int = 302, content_type: str = HTML
) -> HTTPResponse:
    """Return a response that redirects the client.

    Args:
        to: a path or URL; characters that a URL cannot contain are percent-encoded, and a space becomes a plus sign.
        headers: header fields.
        status: the HTTP status: 301, 302, 303, 307 or 308.
        content_type: the value of `content-type`.

    Examples:
        >>> redirect("/a b").headers["location"]
        '/a+b'
    """
    fields = Header.checked(headers or {})
    fields["Location"] = quote_plus(to, safe=_LOCATION_SAFE)
    return HTTPResponse(b"", status, fields, content_type)


def guess_content_type(file_path: str | PurePath, fallback: str = DEFAULT_HTTP_CONTENT_TYPE) -> str:
    """Return the content type for a file's name.

    Args:
        file_path: the name or path of the file.
        fallback: returned if the suffix is unknown.

    Examples:
        >>> guess_content_type("notes.txt")
        'text/plain; charset=utf-8'
    """
    content_type = guess_type(os.path.basename(file_path))[0]
    if content_type is None:
        return fallback
    return content_type + "; charset=utf-8" if content_type.startswith("text/") else content_type


# The longest date that is parsed or logged, in characters: twice the longest form that HTTP allows (RFC 9110, section
# 5.6.7).
_MAX_DATE_LENGTH = 64


def _timestamp(date: datetime | float | int) -> float:
    """Return whole seconds since the epoch; a date without a time zone is UTC."""
    if isinstance(date, datetime):
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).replace(microsecond=0).timestamp()
    return float(int(date))


async def validate_file(request_headers: Header, last_modified: datetime | float | int) -> HTTPResponse | None:
    """Return a 304 response if the client's copy of a file is current.

    Args:
        request_headers: the request's headers; `If-Modified-Since` is read.
        last_modified: when the file was modified: a date, or seconds since the epoch.

    Returns:
        The response; `None` if the copy is outdated, or if the field is missing or invalid.
    """
    field = request_headers.get("If-Modified-Since")
    if field is None:
        return None
    try:
        if len(field) > _MAX_DATE_LENGTH:
            raise ValueError(field)
        since = parsedate_to_datetime(field)
    except (TypeError, ValueError, OverflowError):  # `OverflowError` for a year beyond the calendar
        logger.warning("Ignorning invalid If-Modified-Since header received: %r", field[:_MAX_DATE_LENGTH])
        return None
    is_naive = isinstance(last_modified, datetime) and last_modified.tzinfo is None
    if is_naive != (since.tzinfo is None):
        naive = "last_modified" if is_naive else "if_modified_since"
        logger.warning("A date has no time zone: converting %s to UTC.", naive)
    return HTTPResponse(status=304) if _timestamp(last_modified) <= _timestamp(since) else None


def _disposition(filename: str) -> str:
    """Return the value of `Content-Disposition` that lets a browser save a file under a name (RFC 6266)."""
    quoted_name = filename.replace("\\", "\\\\").replace('"', '\\"')
    if filename.isascii() and filename.isprintable():
        return f'attachment; filename="{quoted_name}"'
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def _cache_fields(max_age: float | int | None, no_store: bool | None) -> dict[str, str]:
    if no_store:
        return {"cache-control": "no-store"}
    if max_age:
        return {"cache-control": f"public, max-age={max_age}", "expires": formatdate(time() + max_age, usegmt=True)}
    return {"cache-control": "no-cache"}


def _may_send_paths() -> bool:
    """Return whether the server of the current request sends files by their path."""
    try:
        extensions = current_request().scope.get("extensions") or ()
    except LookupError:
        return False
    return "http.response.pathsend" in extensions


async def file(
    location: str | PurePath,
    status: int = 200,
    request_headers: Header | None = None,
    validate_when_requested: bool = True,
    mime_type: str | None = None,
    headers: dict[str, str] | None = None,
    filename: str | None = None,
    last_modified: datetime | float | int | Default | None = _default,
    max_age: float | int | None = None,
    no_store: bool | None = None,
    _range: Any = None,
) -> HTTPResponse:
    """Return a response with a file, which is read into memory; use `file_stream` for large files.

    A server with the ASGI extension `http.response.pathsend` (granian) reads the file itself.

    Args:
        location: the path of the file.
        status: the HTTP status.
        request_headers: the request's headers: if `If-Modified-Since` shows that the client's copy is current, the
            response is a 304.
        validate_when_requested: whether to compare `If-Modified-Since`.
        mime_type: the content type; by default guessed by the file's name.
        headers: header fields.
        filename: the name under which a browser saves the file.
        last_modified: when the file was modified: a date, or seconds since the epoch; by default the file's
            modification time. With `None` the response has no `Last-Modified`.
        max_age: how long caches may store the response, in seconds.
        no_store: whether caches must not store the response.

    Raises:
        OSError: the file cannot be read.

    Examples:
        >>> from tempfile import NamedTemporaryFile
        >>> from sanic_star import Sanic, file
        >>> app = Sanic("shop")
        >>> @app.get("/price-list")
        ... async def price_list(request):
        ...     return await file(csv.name, filename="prices.csv", max_age=60)
        >>> with NamedTemporaryFile(suffix=".csv") as csv:
        ...     response = app.test_client.get("/price-list")[1]
        >>> response.headers["content-disposition"], response.headers["cache-control"]
        ('attachment; filename="prices.csv"', 'public, max-age=60')
    """
    if isinstance(last_modified, Default):
        last_modified = (await stat_async(location)).st_mtime
    if validate_when_requested and request_headers is not None and last_modified:
        not_modified = await validate_file(request_headers, last_modified)
        if not_modified is not None:
            return not_modified
    fields = Header.checked(headers or {})
    if last_modified:
        fields.setdefault("Last-Modified", formatdate(_timestamp(last_modified), usegmt=True))
    if filename:
        fields.setdefault("Content-Disposition", _disposition(filename))
    for name, value in _cache_fields(max_age, no_store).items():
        fields.setdefault(name, value)
    content_type = mime_type or guess_content_type(filename or os.path.basename(location), fallback=TEXT)
    if not _range and status == 200 and _may_send_paths():
        # Imported late, because few servers have the extension.
        from sanic_star.compat.response._pathsend import path_response

        response = await path_response(location, fields, content_type)
        if response is not None:
            return response
    async with await open_async(location, mode="rb") as stream:
        if _range:
            await stream.seek(_range.start)
            content = await stream.read(_range.size)
            fields["Content-Range"] = f"bytes {_range.start}-{_range.end}/{_range.total}"
            status = 206
        else:
            content = await stream.read()
    return HTTPResponse(content, status, fields, content_type)


async def file_stream(
    location: str | PurePath,
    status: int = 200,
    chunk_size: int = 4096,
    mime_type: str | None = None,
    headers: dict[str, str] | None = None,
    filename: str | None = None,
    _range: Any = None,
    **old_options: Never,
) -> ResponseStream:
    """Return a response with a file, which is read in parts while it is sent.

    A server with the ASGI extension `http.response.pathsend` (granian) reads the file itself.

    Args:
        location: the path of the file.
        status: the HTTP status.
        chunk_size: the size of a part, in bytes.
        mime_type: the content type; by default guessed by the file's name.
        headers: header fields.
        filename: the name under which a browser saves the file.

    Raises:
        OSError: raised while the response is sent: the file cannot be read.

    Examples:
        >>> from tempfile import NamedTemporaryFile
        >>> from sanic_star import Sanic
        >>> from sanic_star.compat.response import file_stream
        >>> app = Sanic("shop")
        >>> @app.get("/film")
        ... async def film(request):
        ...     return await file_stream(mp4.name, chunk_size=65536)
        >>> with NamedTemporaryFile(suffix=".mp4") as mp4:
        ...     app.test_client.get("/film")[1].headers["content-type"]
        'video/mp4'
    """
    if old_options:
        if unknown := old_options.keys() - {"chunked"}:
            raise TypeError(f"file_stream() got an unexpected keyword argument {min(unknown)!r}")
        deprecation("file_stream(chunked=…) was removed in Sanic 21.3 and has no effect: leave it out.", 21.3)
    fields = Header.checked(headers or {})
    if filename:
        fields.setdefault("Content-Disposition", _disposition(filename))
    if _range:
        fields["Content-Range"] = f"bytes {_range.start}-{_range.end}/{_range.total}"
        status = 206

    async def write_file(response: Any) -> None:
        if not _range and status == 200 and _may_send_paths():
            from sanic_star.compat.response._pathsend import send_stream_by_path  # as in `file`

            if await send_stream_by_path(response, location):
                return
        async with await open_async(location, mode="rb") as stream:
            remaining = None
            if _range:
                await stream.seek(_range.start)
                remaining = _range.size
            while remaining is None or remaining > 0:
                chunk = await stream.read(chunk_size if remaining is None else min(remaining, chunk_size))
                if not chunk:
                    break
                if remaining is not None:
                    remaining -= len(chunk)
                await response.write(chunk)

    content_type = mime_type or guess_type(str(filename or location))[0] or "text/plain"
    return ResponseStream(write_file, status=status, headers=fields, content_type=content_type)
