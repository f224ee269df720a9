"""The functions that make responses: `text`, `json`, `html`, `raw`, `empty`, `redirect`, `file`, `file_stream`."""

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
from sanic_star.compat.response.types import HTTPResponse, JSONResponse, ResponseStream, write_json_text, writing
from sanic_star.engine.requests import current_request

if TYPE_CHECKING:
    from pathlib import PurePath

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
_new = object.__new__
# What may stand in a Location unescaped: RFC 3986's reserved characters and the percent sign.
_LOCATION_SAFE = ":/%#?&=@[]!$&'()*+,;"


def text(
    body: str, status: int = 200, headers: Mapping[str, Any] | None = None, content_type: str = TEXT
) -> HTTPResponse:
    """Answer with plain text.

    Args:
        body: the text.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.

    Raises:
        TypeError: `body` is no string.

    Examples:
        >>> text("hi").body
        b'hi'
    """
    if not isinstance(body, str):
        raise TypeError(f"Bad body type. Expected str, got {type(body).__name__})")
    if headers:
        return HTTPResponse(body, status, headers, content_type)
    # PERF: without the class being called: 0.15 µs of 0.4 («in process»). Safe because it sets all that the initialiser
    # sets, and what is read when this is sent.
    response = _new(HTTPResponse)
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
    """Answer with a value written as JSON.

    Args:
        body: the value.
        status: the HTTP status.
        headers: header fields.
        content_type: the value of `content-type`.
        dumps: writes the value in place of the application's `dumps`.
        kwargs: keyword arguments for `dumps` (those of `json.dumps`).

    Examples:
        >>> json({"ok": True}).body
        b'{"ok":true}'
    """
    if writing.by_application or JSONResponse._dumps is not write_json_text or dumps is not None or kwargs or headers:
        return JSONResponse(body, status, headers, content_type, dumps, **kwargs)
    # PERF: as in `text`, and without a frame for the writer: 0.3 µs of 0.6. Safe because `_write` writes what the
    # encoder refuses.
    response = _new(JSONResponse)
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
    # Outside of the block, so that its traceback does not hold the encoder's as well.
    response._body = response._write(body)
    return response


def html(body: Any, status: int = 200, headers: Mapping[str, Any] | None = None) -> HTTPResponse:
    """Answer with HTML.

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
    """Answer with bytes as they are.

    Examples:
        >>> raw(b"\\x00").content_type
        'application/octet-stream'
    """
    return HTTPResponse(body, status, headers, content_type)


def empty(status: int = 204, headers: Mapping[str, Any] | None = None) -> HTTPResponse:
    """Answer without a body.

    Examples:
        >>> empty().status
        204
    """
    return HTTPResponse(b"", status, headers)


def redirect(
    to: str, headers: dict[str, str] | None = None, status: int = 302, content_type: str = HTML
) -> HTTPResponse:
    """Send the client elsewhere.

    Args:
        to: a path or URL; what can't stand in one is percent-encoded.
        headers: header fields.
        status: 301, 302, 303, 307 or 308.
        content_type: the value of `content-type`.

    Examples:
        >>> redirect("/a b").headers["location"]
        '/a+b'
    """
    fields = Header.checked(headers or {})
    fields["Location"] = quote_plus(to, safe=_LOCATION_SAFE)
    return HTTPResponse(b"", status, fields, content_type)


def guess_content_type(file_path: str | PurePath, fallback: str = DEFAULT_HTTP_CONTENT_TYPE) -> str:
    """Tell the content type by a file's name.

    Args:
        file_path: name or path of the file.
        fallback: the answer where the name tells nothing.

    Examples:
        >>> guess_content_type("notes.txt")
        'text/plain; charset=utf-8'
    """
    kind = guess_type(os.path.basename(file_path))[0]
    if kind is None:
        return fallback
    return kind + "; charset=utf-8" if kind.startswith("text/") else kind


# In letters: twice what a date takes in any form that HTTP allows (RFC 9110, section 5.6.7). A longer one is not read,
# nor logged in full.
_LONGEST_DATE = 64


def _timestamp(moment: datetime | float | int) -> float:
    """Return whole seconds since the epoch; a moment without a zone is UTC."""
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).replace(microsecond=0).timestamp()
    return float(int(moment))


async def validate_file(request_headers: Header, last_modified: datetime | float | int) -> HTTPResponse | None:
    """Tell whether the client's copy of a file is still good.

    Args:
        request_headers: the request's headers; `If-Modified-Since` is read.
        last_modified: when the file changed last: a moment, or seconds since the epoch.

    Returns:
        A 304 response where the client's copy is good, else `None` (also where the header makes no sense).
    """
    given = request_headers.get("If-Modified-Since")
    if given is None:
        return None
    try:
        if len(given) > _LONGEST_DATE:
            raise ValueError(given)
        since = parsedate_to_datetime(given)
    except (TypeError, ValueError, OverflowError):  # the last for numbers that no calendar has
        logger.warning("Ignorning invalid If-Modified-Since header received: %r", given[:_LONGEST_DATE])
        return None
    is_naive = isinstance(last_modified, datetime) and last_modified.tzinfo is None
    if is_naive != (since.tzinfo is None):
        naive = "last_modified" if is_naive else "if_modified_since"
        logger.warning("A date has no time zone: converting %s to UTC.", naive)
    return HTTPResponse(status=304) if _timestamp(last_modified) <= _timestamp(since) else None


def _disposition(filename: str) -> str:
    """Return the header value that makes a browser save a file under a name (RFC 6266)."""
    plain = filename.replace("\\", "\\\\").replace('"', '\\"')
    if filename.isascii() and filename.isprintable():
        return f'attachment; filename="{plain}"'
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}"


def _cache_fields(max_age: float | int | None, no_store: bool | None) -> dict[str, str]:
    if no_store:
        return {"cache-control": "no-store"}
    if max_age:
        return {"cache-control": f"public, max-age={max_age}", "expires": formatdate(time() + max_age, usegmt=True)}
    return {"cache-control": "no-cache"}


def _may_send_paths() -> bool:
    """Tell whether the server of the request that is being answered sends files by itself."""
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
    """Answer with a file's content, read into memory; `file_stream` is for large ones.

    A server with the ASGI extension `http.response.pathsend` (granian) reads the file by itself.

    Args:
        location: path of the file.
        status: the HTTP status.
        request_headers: the request's headers; with them a client whose copy is good gets 304.
        validate_when_requested: whether to look at them.
        mime_type: the content type; by default told by the name.
        headers: header fields.
        filename: the name under which the client shall save it.
        last_modified: when it changed last; by default the file's own time, `None` to tell nothing.
        max_age: how long the answer may be kept, in seconds.
        no_store: whether it may not be kept at all.

    Raises:
        OSError: the file can't be read.

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
        unchanged = await validate_file(request_headers, last_modified)
        if unchanged is not None:
            return unchanged
    fields = Header.checked(headers or {})
    if last_modified:
        fields.setdefault("Last-Modified", formatdate(_timestamp(last_modified), usegmt=True))
    if filename:
        fields.setdefault("Content-Disposition", _disposition(filename))
    for name, value in _cache_fields(max_age, no_store).items():
        fields.setdefault(name, value)
    kind = mime_type or guess_content_type(filename or os.path.basename(location), fallback=TEXT)
    if not _range and status == 200 and _may_send_paths():
        # Loaded only under a server that has the extension.
        from sanic_star.compat.response._pathsend import path_response

        response = await path_response(location, fields, kind)
        if response is not None:
            return response
    async with await open_async(location, mode="rb") as opened:
        if _range:
            await opened.seek(_range.start)
            content = await opened.read(_range.size)
            fields["Content-Range"] = f"bytes {_range.start}-{_range.end}/{_range.total}"
            status = 206
        else:
            content = await opened.read()
    return HTTPResponse(content, status, fields, kind)


async def file_stream(
    location: str | PurePath,
    status: int = 200,
    chunk_size: int = 4096,
    mime_type: str | None = None,
    headers: dict[str, str] | None = None,
    filename: str | None = None,
    _range: Any = None,
    **old: Never,
) -> ResponseStream:
    """Answer with a file's content, read while it is sent; by the server, if it has `http.response.pathsend`.

    Args:
        location: path of the file.
        status: the HTTP status.
        chunk_size: how much is read at a time, in bytes.
        mime_type: the content type; by default told by the name.
        headers: header fields.
        filename: the name under which the client shall save it.

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
    if old:
        if old.keys() - {"chunked"}:
            raise TypeError(f"file_stream() got an unexpected keyword argument {min(old.keys() - {'chunked'})!r}")
        deprecation("file_stream(chunked=…) was removed in Sanic 21.3 and has no effect: leave it out.", 21.3)
    fields = Header.checked(headers or {})
    if filename:
        fields.setdefault("Content-Disposition", _disposition(filename))
    if _range:
        fields["Content-Range"] = f"bytes {_range.start}-{_range.end}/{_range.total}"
        status = 206

    async def write(response: Any) -> None:
        if not _range and status == 200 and _may_send_paths():
            from sanic_star.compat.response._pathsend import send_stream_by_path  # as above

            if await send_stream_by_path(response, location):
                return
        async with await open_async(location, mode="rb") as opened:
            left = None
            if _range:
                await opened.seek(_range.start)
                left = _range.size
            while left is None or left > 0:
                chunk = await opened.read(chunk_size if left is None else min(left, chunk_size))
                if not chunk:
                    break
                if left is not None:
                    left -= len(chunk)
                await response.write(chunk)

    kind = mime_type or guess_type(str(filename or location))[0] or "text/plain"
    return ResponseStream(write, status=status, headers=fields, content_type=kind)
