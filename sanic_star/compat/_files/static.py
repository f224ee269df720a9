"""`app.static`: files over HTTP, with 304, ranges, index files and directory listings.

Starlette's `StaticFiles` is not used: it switches to a thread several times per file, and has neither Sanic's rules for
links nor its headers. Large files are read with anyio, as in Starlette.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from stat import S_ISDIR, S_ISREG
from typing import Any, NamedTuple
from urllib.parse import unquote

import anyio

from sanic_star.compat._app.definitions import StaticDefinition
from sanic_star.compat._files.responses import (
    MAX_CACHED_SIZE,
    CachedFile,
    CachedFileResponse,
    FileCache,
    LargeFileResponse,
    last_modified,
)
from sanic_star.compat._files.root import Root, Trail
from sanic_star.compat.exceptions import FileNotFound
from sanic_star.compat.handlers.content_range import ContentRangeHandler
from sanic_star.compat.request.types import Request
from sanic_star.compat.response import HTTPResponse, guess_content_type, validate_file

# With `stream_large_files`, files of at least this size (in bytes) are read while they are sent. Sanic's threshold.
LARGE_FILE_SIZE = 1024 * 1024
_CONDITIONS = frozenset({b"if-modified-since", b"range"})


def static_uri(definition: StaticDefinition) -> str:
    """Return the path of the route that serves a file or directory.

    Raises:
        TypeError: the path is of another type than `resource_type`.
        ValueError: `resource_type` is neither `file` nor `dir`.
    """
    resource_type, location = definition.resource_type, definition.file_or_directory
    if resource_type and resource_type not in ("file", "dir"):
        raise ValueError("The resource_type should be set to 'file' or 'dir'")
    # Not `Path.is_file`, which raises if a name is too long for the file system.
    is_file = os.path.isfile(location)
    if resource_type == "dir" and is_file:
        raise TypeError(f"Resource type improperly identified as directory. '{location}'")
    if resource_type == "file" and not is_file:
        raise TypeError(f"Resource type improperly identified as file. '{location}'")
    return definition.uri if is_file else definition.uri.rstrip("/") + "/<__file_uri__:path>"


class _FoundFile(NamedTuple):
    """The requested file on the disk; `body` only for a small file."""

    path: str
    stat: os.stat_result
    body: bytes | None = None
    trail: Trail = ()


def static_handler(definition: StaticDefinition) -> Callable[..., Awaitable[Any]]:
    """Return the handler that serves a file or directory."""
    links = definition.follow_external_symlink_files, definition.follow_external_symlink_dirs
    root = Root(definition.file_or_directory, *links)
    # Not a closure, which could not be pickled with the application.
    handler = partial(_serve, definition, root, FileCache())
    handler.__name__ = "_static_request_handler"  # type: ignore[attr-defined]
    # Tools that inject arguments read a handler's annotations, and a partial has none.
    handler.__annotations__ = {"request": Request, "__file_uri__": str | None, "return": Any}
    return handler


async def _serve(
    definition: StaticDefinition, root: Root, cache: FileCache, request: Request, __file_uri__: str | None = None
) -> Any:
    cached_file = cache.get(__file_uri__)
    if cached_file is None:
        found_file = await anyio.to_thread.run_sync(_find_and_read, root, __file_uri__)
        if found_file is None:
            raise FileNotFound("File not found", path=definition.file_or_directory, relative_url=__file_uri__)
        if S_ISDIR(found_file.stat.st_mode):
            handler = definition.directory_handler
            return await handler.handle(request, f"/{handler.base}/{unquote(__file_uri__ or '')}")
        opener = None if __file_uri__ is None else root.opener
        if found_file.body is None:
            return await _respond_conditionally(request, definition, found_file.path, found_file.stat, opener=opener)
        cached_file = _cache_file(definition, root, __file_uri__, found_file, found_file.body)
        cache.put(__file_uri__, found_file.path, cached_file)
    if request.method == "GET" and not any(name in _CONDITIONS for name, _ in request.scope.get("headers", ())):
        return CachedFileResponse.of(cached_file)
    return await _respond_conditionally(request, definition, cached_file.path, cached_file.stat, cached_file)


def _find_and_read(root: Root, uri: str | None) -> _FoundFile | None:
    """Find the requested file, and read it if it is small; runs in a thread."""
    path = root.location if uri is None else root.find(uri)
    if path is None:
        return None
    trail: Trail = ()
    try:
        stat = os.stat(path)
        if S_ISDIR(stat.st_mode):
            return _FoundFile(path, stat)
        # Opening a pipe or a device could block.
        if not S_ISREG(stat.st_mode) or path.endswith("/"):
            return None
        if uri is None:
            # A single file may be a link, because the server's administrator has chosen it.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        else:
            descriptor, _, trail = root.open_file(path)
        with open(descriptor, "rb") as file:
            stat = os.fstat(descriptor)
            body = file.read(MAX_CACHED_SIZE + 1) if stat.st_size <= MAX_CACHED_SIZE else None
    except OSError:
        return None
    # A file that grows while it is read is sent like a large one, with its former size.
    return _FoundFile(path, stat, body if body is not None and len(body) == stat.st_size else None, trail)


def _kind(definition: StaticDefinition, path: str) -> str:
    kind = definition.content_type or guess_content_type(path)
    if "charset=" not in kind and (kind.startswith("text/") or kind == "application/javascript"):
        kind += "; charset=utf-8"
    return kind


def _file_headers(definition: StaticDefinition, stat: os.stat_result) -> dict[str, str]:
    headers = {"last-modified": last_modified(stat), "cache-control": "no-cache"}
    if definition.use_content_range:
        headers["accept-ranges"] = "bytes"
    return headers


def _cache_file(
    definition: StaticDefinition, root: Root, uri: str | None, found_file: _FoundFile, body: bytes
) -> CachedFile:
    threshold = definition.stream_large_files
    headers = _file_headers(definition, found_file.stat)
    if threshold and threshold is not True and len(body) >= threshold:
        headers = _stream_headers(definition, found_file.stat)
    has_links = uri is not None and found_file.path != os.path.join(root.location, unquote(uri).lstrip("/"))
    resolve = partial(root.find, uri) if uri is not None and has_links else None
    return CachedFile(
        found_file.path, found_file.stat, body, _kind(definition, found_file.path), headers, found_file.trail, resolve
    )


def _stream_headers(definition: StaticDefinition, stat: os.stat_result) -> dict[str, str]:
    # Sanic's header fields of a file that is streamed; without those about caches.
    headers = {"last-modified": last_modified(stat)} if definition.use_modified_since else {}
    if definition.use_content_range:
        headers["accept-ranges"] = "bytes"
    return headers


async def _respond_conditionally(
    request: Request,
    definition: StaticDefinition,
    path: str,
    stat: os.stat_result,
    cached_file: CachedFile | None = None,
    opener: Callable[[str, int], int] | None = None,
) -> Any:
    """Respond with a large file, or to a conditional request."""
    if definition.use_modified_since:
        not_modified = await validate_file(request._parsed_fields, stat.st_mtime)  # type: ignore[arg-type]
        if not_modified is not None:
            return not_modified
    size = stat.st_size
    kind = _kind(definition, path)
    if request.method == "HEAD":
        return HTTPResponse(
            headers={**_stream_headers(definition, stat), "content-length": str(size)}, content_type=kind
        )
    content_range = None
    if definition.use_content_range and "range" in request.headers:
        content_range = ContentRangeHandler(request, stat)
    threshold = definition.stream_large_files
    is_streamed = threshold and size >= (LARGE_FILE_SIZE if threshold is True else threshold)
    headers = (_stream_headers if is_streamed else _file_headers)(definition, stat)
    start, length, status = 0, size, 200
    if content_range:
        start, length, status = content_range.start, content_range.size, 206
        headers.update(content_range.headers)
    if cached_file is not None:
        return HTTPResponse(cached_file.body[start : start + length], status, headers, kind)
    return LargeFileResponse(request, path, start, length, status, headers, kind, opener)
