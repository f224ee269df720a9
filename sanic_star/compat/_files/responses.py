"""Responses whose body is a file, and the cache of small files.

A small file is read once, in a thread, and cached. A later request calls `stat` in the event loop: for the file, to
detect a change, and for each directory from the root to the file, to check that the file is still inside the root. To
read the file in a thread for each request would take twenty times as long. A large file is read in threads while it is
sent, and only a chunk of it is in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from email.utils import formatdate
from time import time_ns
from typing import TYPE_CHECKING, Any

import anyio
from starlette.types import Message, Receive, Scope, Send

from sanic_star.compat._files.root import Trail, mark_of
from sanic_star.compat._files.unread import UnreadFileResponse
from sanic_star.compat.compat import Header, _header_of_response
from sanic_star.compat.exceptions import FileNotFound
from sanic_star.compat.response._writer import run_background
from sanic_star.compat.response.types import HTTPResponse

if TYPE_CHECKING:
    from sanic_star.compat.request.types import Request

# In bytes. Most scripts, style sheets and pictures of a page are smaller; copying this many takes some microseconds.
MAX_CACHED_SIZE = 64 * 1024
# In bytes, of one `app.static`: hundreds of typical files.
CACHE_SIZE = 8 * 1024 * 1024
# Two changes within one tick of the file system's clock cannot be distinguished, so a file that has just changed is not
# cached; git calls such a file «racily clean». The longest tick is that of FAT, two seconds.
CLOCK_TICK_NS = 2_000_000_000
# The number of bytes that are read at a time from a large file: more than Starlette's 64 kB, because each read is a job
# for a thread; a response still needs little memory.
CHUNK_SIZE = 256 * 1024


class CachedFile:
    """The content of a small file, with the data of its response.

    Args:
        path: its real path.
        stat: the result of `os.fstat` when it was read.
        body: its content.
        kind: the content type.
        headers: the header fields of a response with the whole file.
        trail: the directories from the root to the file. Empty for a file outside the root: a single file, or the
            target of a link.
        resolve: returns the current real path, or `None` if the client may not have it; needed if a link leads to the
            file.
    """

    __slots__ = ("_fields", "_mark", "_resolve", "_stat", "_trail", "body", "headers", "kind", "path", "stat")

    def __init__(
        self,
        path: str,
        stat: os.stat_result,
        body: bytes,
        kind: str,
        headers: dict[str, str],
        trail: Trail = (),
        resolve: Callable[[], str | None] | None = None,
    ) -> None:
        self.path, self.stat, self.body, self.kind, self.headers = path, stat, body, kind, headers
        self._mark = mark_of(stat)
        self._trail, self._resolve = trail, resolve
        self._stat = os.lstat if trail else os.stat
        self._fields = HTTPResponse(body, 200, headers, kind)._head()

    def is_unchanged(self, path: str) -> bool:
        """Return whether a path still leads to this file, and the client may still have it.

        The directories are checked too: one may have been moved out of the root and replaced by a link, which does not
        change the file.

        Args:
            path: the file's path, without links below the root.
        """
        try:
            if self._resolve is not None and self._resolve() != self.path:
                return False
            for directory, identity in self._trail:
                if os.lstat(directory)[:3] != identity:
                    return False
            return mark_of(self._stat(path)) == self._mark
        except OSError:
            return False

    def shows_next_change(self) -> bool:
        """Return whether the last change is so long ago that the next one will have another time."""
        return time_ns() - max(self.stat.st_mtime_ns, self.stat.st_ctime_ns) > CLOCK_TICK_NS

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The encoded header fields."""
        return list(self._fields)


class FileCache:
    """The small files that one `app.static` has served, by the requested path."""

    def __init__(self) -> None:
        self._files: dict[str | None, tuple[str, CachedFile]] = {}
        self._size = 0

    def get(self, uri: str | None) -> CachedFile | None:
        """Return a file if it is cached, unchanged and still inside its root; accesses the disk.

        Args:
            uri: the requested path below the root, percent-encoded; `None` for a single file.
        """
        entry = self._files.get(uri)
        if entry is None:
            return None
        path, cached_file = entry
        if cached_file.is_unchanged(path):
            return cached_file
        self._drop(uri)
        return None

    def put(self, uri: str | None, path: str, cached_file: CachedFile) -> None:
        """Store a file; removes the oldest entries if the cache is too large.

        Args:
            uri: as in `get`.
            path: the file's path; see `CachedFile.is_unchanged`.
            cached_file: the file.
        """
        if not cached_file.shows_next_change():
            return
        self._drop(uri)
        self._files[uri] = (path, cached_file)
        self._size += _memory_size(uri, cached_file)
        while self._size > CACHE_SIZE:
            self._drop(next(iter(self._files)))

    def _drop(self, uri: str | None) -> None:
        entry = self._files.pop(uri, None)
        if entry is not None:
            self._size -= _memory_size(uri, entry[1])


def _memory_size(uri: str | None, cached_file: CachedFile) -> int:
    # Including the objects around the content, so that a million empty files don't fit.
    return len(cached_file.body) + len(uri or "") + 2048


class CachedFileResponse(HTTPResponse, own_names=False, own_start=True):
    """A response with a cached file; middleware may change all of it."""

    _cached_file: CachedFile

    @classmethod
    def of(cls, cached_file: CachedFile) -> CachedFileResponse:
        """Return a response with a file.

        PERF: `__init__` is not called, and the header fields were encoded when the file was read: 3 µs of 8 together
        with `_start_message` («static»). Safe because it sets the attributes that differ from the class's defaults.
        """
        response = cls.__new__(cls)
        response._cached_file = cached_file
        response._body = cached_file.body
        response.content_type = cached_file.kind
        return response

    @property  # type: ignore[override]
    def headers(self) -> Header:
        """The header fields of this response; changes of them don't affect the cached file."""
        if self._headers is None:
            self._headers = Header(self._cached_file.headers)
        return self._headers

    @headers.setter
    def headers(self, value: Any) -> None:
        self._headers = _header_of_response(value)

    def _head(self, with_length: bool = True, keeps_own_length: bool = False) -> list[tuple[bytes, bytes]]:
        """Return the encoded header fields; see `BaseHTTPResponse._head`."""
        self.headers  # noqa: B018 - copies the header fields of the file
        return super()._head(with_length, keeps_own_length)

    _build_head = _head

    def _start_message(self) -> Message | None:
        """Return the first message of an unchanged response; `None` if the response was changed.

        PERF: the header fields are already encoded: 3 µs of 8 («static»). Safe because a response with other headers,
        body, type or status takes the usual path.
        """
        file = self._cached_file
        is_unchanged = self._headers is None and self._body is file.body and self.content_type is file.kind
        if not is_unchanged or self.status != 200 or self.background is not None:
            return None
        return {"type": "http.response.start", "status": 200, "headers": file.fields}


class LargeFileResponse(UnreadFileResponse, own_names=False):
    """A response with a file, or with a range of it, that is read while it is sent.

    Args:
        request: the request.
        path: the file's real path.
        start: the offset of the first byte.
        size: the number of bytes.
        status: the HTTP status.
        headers: header fields.
        kind: the content type.
        opener: opens the file and returns its descriptor, like the `opener` of the built-in `open`; by default the path
            is opened.
    """

    def __init__(
        self,
        request: Request,
        path: str,
        start: int,
        size: int,
        status: int,
        headers: dict[str, str],
        kind: str,
        opener: Callable[[str, int], int] | None = None,
    ) -> None:
        super().__init__(path, status, {**headers, "content-length": str(size)}, kind)
        self._request = request
        self._start = start
        self._size = size
        self._opener = opener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response in chunks, until the client disconnects.

        Raises:
            FileNotFound: the file cannot be opened, because it was removed or replaced by a link.
            OSError: the file cannot be read to its end.
        """
        if "_body" in self.__dict__ or scope["type"] != "http":
            self._body = self.body
            await super().__call__(scope, receive, send)
            return
        request, engine = self._request, self._request.app._engine
        extensions = scope.get("extensions") or ()
        if self.status == 200 and "http.response.pathsend" in extensions and await self._send_path(scope, send):
            return
        start = {"type": "http.response.start", "status": self.status, "headers": self._head(with_length=False)}
        try:
            file = await anyio.open_file(self._path, "rb", opener=self._opener)
        except OSError as error:
            raise FileNotFound("File not found", path=self._path) from error
        try:
            if self._start:
                await file.seek(self._start)
            # An exception cannot be answered any more.
            request.responded = True
            await send(start)

            async def leave_incomplete() -> None:
                """Send nothing: the response cannot be completed, because its length was already sent."""

            engine.streams.open(request, leave_incomplete, endless=False, receive=request._receive)
            await self._send_chunks(file, send)
            engine.streams.close(request)
        finally:
            # Not with `aclose`, which a cancelled task would not complete.
            file.wrapped.close()
        await run_background(self, scope)

    async def _send_path(self, scope: Scope, send: Send) -> bool:
        """Let the server send the whole file; return whether it does."""
        # Imported late: only a server with the extension needs it.
        from sanic_star.compat.response._pathsend import EXTENSION, open_for_server, takes_path

        if not takes_path(scope):
            return False
        try:
            file = await open_for_server(self._path, self._opener)
        except OSError as error:
            raise FileNotFound("File not found", path=self._path) from error
        # The server would send another number of bytes than the header fields declare, because the response has a
        # range of the file, or the file has changed since.
        if file is None or file.stat.st_size != self._size:
            return False
        self._request.responded = True
        await send({"type": "http.response.start", "status": 200, "headers": self._head(with_length=False)})
        await send({"type": EXTENSION, "path": file.path})
        await run_background(self, scope)
        return True

    async def _send_chunks(self, file: anyio.AsyncFile[bytes], send: Send) -> None:
        remaining = self._size
        while remaining > 0:
            chunk = await file.read(min(remaining, CHUNK_SIZE))
            if not chunk:
                raise OSError(f"{self._path} was truncated while it was sent")
            remaining -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": remaining > 0})


def last_modified(stat: os.stat_result) -> str:
    """Return the time of a file's last change as an HTTP date.

    Args:
        stat: the result of `os.stat`.
    """
    return formatdate(int(stat.st_mtime), usegmt=True)
