"""Files over HTTP: `app.static`, with 304, ranges, index files and a page that lists a directory."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from email.utils import formatdate
from functools import partial
from html import escape
from operator import itemgetter
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sanic_star.compat.compat import stat_async
from sanic_star.compat.exceptions import FileNotFound, HeaderNotFound, InvalidRangeType, NotFound, RangeNotSatisfiable
from sanic_star.compat.response import (
    HTTPResponse,
    file,
    file_stream,
    guess_content_type,
    html,
    redirect,
    validate_file,
)

if TYPE_CHECKING:
    from sanic_star.compat._definitions import StaticDefinition
    from sanic_star.compat.request.types import Request

# Files from here on are read while they are sent, where `stream_large_files` is on (Sanic's threshold).
LARGE = 1024 * 1024


class ContentRange:
    """A part of a file (RFC 9110, section 14).

    Args:
        start: the first byte's place.
        end: the last byte's place.
        total: the size of the whole, in bytes.
    """

    def __init__(self, start: int, end: int, total: int) -> None:
        self.start = start
        self.end = end
        self.total = total

    @property
    def size(self) -> int:
        """The part's size, in bytes."""
        return self.end - self.start + 1

    @classmethod
    def of(cls, request: Request, total: int) -> ContentRange:
        """Read the part that a request asks for.

        Raises:
            HeaderNotFound: it asks for none.
            InvalidRangeType: it asks in other units than bytes.
            RangeNotSatisfiable: the part makes no sense, or the file has no such part.
        """
        header = request.headers.get("range")
        if header is None:
            raise HeaderNotFound("Range Header Not Found")
        whole = cls(0, total - 1, total)
        unit, _, value = header.partition("=")
        if unit != "bytes":
            raise InvalidRangeType(f"{unit} is not a valid Range Type", whole)
        first, _, last = value.partition("-")
        try:
            start = int(first) if first else None
        except ValueError:
            raise RangeNotSatisfiable(f"'{first}' is invalid for Content Range", whole) from None
        try:
            end = int(last) if last else None
        except ValueError:
            raise RangeNotSatisfiable(f"'{last}' is invalid for Content Range", whole) from None
        if start is None and end is None:
            raise RangeNotSatisfiable("Invalid for Content Range parameters", whole)
        if start is None:
            start, end = max(total - (end or 0), 0), total - 1
        elif end is None or end >= total:
            end = total - 1
        if start > (end or 0) or start >= total:
            raise RangeNotSatisfiable("Invalid for Content Range parameters", whole)
        return cls(start, end or 0, total)


class DirectoryHandler:
    """Answers a request for a directory.

    Args:
        uri: the path below which the directory is served.
        directory: the directory.
        directory_view: whether to answer with a page that lists it.
        index: the file or files that stand for a directory, tried in order.
    """

    def __init__(
        self,
        uri: str,
        directory: Path,
        directory_view: bool = False,
        index: str | Iterable[str] | None = None,
    ) -> None:
        self.base = uri.strip("/")
        self.directory = directory
        self.directory_view = directory_view
        self.index = (index,) if isinstance(index, str) else tuple(index or ())

    async def handle(self, request: Request, path: str) -> HTTPResponse:
        """Answer with an index file, or with a list of what is in the directory.

        Args:
            request: the request.
            path: the directory's place below `directory`, decoded.

        Raises:
            NotFound: there is neither.
        """
        place = self.directory / path.strip("/")
        for name in self.index:
            if (place / name).is_file():
                return await file(place / name)
        if not self.directory_view:
            raise NotFound("File not found")
        if not request.path.endswith("/"):
            return redirect(f"{request.path}/")
        return html(self._page(request.path, place))

    def _page(self, path: str, place: Path) -> str:
        entries = sorted(
            ((not entry.is_dir(), entry.name, entry.stat()) for entry in os.scandir(place)), key=itemgetter(0, 1)
        )
        rows = []
        for is_file, name, stat in entries:
            mark = "" if is_file else "/"
            size = f"{stat.st_size:,}" if is_file else ""
            when = formatdate(stat.st_mtime, usegmt=True)
            rows.append(f'<tr><td><a href="{quote(name)}{mark}">{escape(name)}{mark}</a><td>{size}<td>{when}')
        title = escape(unquote(path))
        return _PAGE.format(title=title, rows="\n".join(rows))


_PAGE = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}td,th{{padding:.3rem .6rem;text-align:left}}
td:nth-child(2){{text-align:right}}tr{{border-bottom:1px solid #8883}}</style>
<h1>{title}</h1>
<table><thead><tr><th>Name<th>Bytes<th>Changed<tbody>
<tr><td><a href="../">../</a><td><td>
{rows}
</table></html>
"""


def static_uri(definition: StaticDefinition) -> str:
    """Return the path of the route that serves a file or directory.

    Raises:
        TypeError: what is there is not what `resource_type` says.
        ValueError: `resource_type` is neither `file` nor `dir`.
    """
    kind, location = definition.resource_type, definition.location
    if kind not in (None, "", "file", "dir"):
        raise ValueError("The resource_type should be set to 'file' or 'dir'")
    is_file = location.is_file()
    if kind == "dir" and is_file:
        raise TypeError(f"Resource type improperly identified as directory. '{location}'")
    if kind == "file" and not is_file:
        raise TypeError(f"Resource type improperly identified as file. '{location}'")
    return definition.uri if is_file else definition.uri.rstrip("/") + "/<__file_uri__:path>"


def static_handler(definition: StaticDefinition) -> Callable[..., Awaitable[Any]]:
    """Return the handler that serves a file or directory."""
    # No closure, which could not be pickled with the application.
    handler = partial(_serve, definition)
    handler.__name__ = "_static_request_handler"  # type: ignore[attr-defined]
    return handler


async def _serve(definition: StaticDefinition, request: Request, __file_uri__: str | None = None) -> Any:
    root = definition.location
    missing = FileNotFound("File not found", path=root, relative_url=__file_uri__)
    path = root
    if __file_uri__ is not None:
        path = _inside(definition, unquote(__file_uri__), missing)
    try:
        stat = await stat_async(path)
    except (OSError, ValueError):
        raise missing from None
    if S_ISDIR(stat.st_mode):
        below = "" if path == root else str(path.relative_to(root))
        return await definition.directory_handler.handle(request, below)
    return await _answer(request, definition, path, stat)


def _inside(definition: StaticDefinition, relative: str, missing: FileNotFound) -> Path:
    """Return the path that is asked for; refuse one outside, by `..` or by a link that is not to be followed."""
    root = definition.location
    if "\0" in relative:
        raise missing
    # Refused before the disk is looked at, also where it would stay inside: a client that sends it is up to something.
    if ".." in relative.split("/"):
        raise missing
    joined = root / relative.lstrip("/")
    real = Path(os.path.realpath(joined))
    if real.is_relative_to(root):
        return joined
    follow = definition.follow_external_symlink_dirs if real.is_dir() else definition.follow_external_symlink_files
    if not follow:
        raise missing
    return joined


async def _answer(request: Request, definition: StaticDefinition, path: Path, stat: os.stat_result) -> Any:
    if definition.use_modified_since:
        unchanged = await validate_file(request.headers, stat.st_mtime)
        if unchanged is not None:
            return unchanged
    headers: dict[str, str] = {}
    if definition.use_modified_since:
        headers["last-modified"] = formatdate(stat.st_mtime, usegmt=True)
    part = None
    if definition.use_content_range:
        headers["accept-ranges"] = "bytes"
        if request.method != "HEAD" and "range" in request.headers:
            part = ContentRange.of(request, stat.st_size)
    kind = definition.content_type or guess_content_type(path)
    if "charset=" not in kind and (kind.startswith("text/") or kind == "application/javascript"):
        kind += "; charset=utf-8"
    if request.method == "HEAD":
        return HTTPResponse(headers={**headers, "content-length": str(stat.st_size)}, content_type=kind)
    threshold = definition.stream_large_files
    if threshold and stat.st_size >= (LARGE if threshold is True else threshold):
        if part is None:
            headers["content-length"] = str(stat.st_size)
        return await file_stream(path, headers=headers, mime_type=kind, _range=part, chunk_size=65536)
    return await file(path, headers=headers, mime_type=kind, last_modified=stat.st_mtime, _range=part)
