"""Responses whose body is a file, and the shelf on which small files are kept.

A small file is read once, in a thread, and kept. A request for it costs one `stat` in the event loop, which shows
whether it is still the same, and one for each directory from the root to it, which show whether it is still inside. A
thread for each request, as files usually have, costs twenty times as much. A large file is read while it is sent, in
threads, and is in memory only in pieces.
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

# A page's scripts, styles and pictures are of this size, and a copy of it takes some microseconds.
SMALL = 64 * 1024
# What one shelf may hold, in bytes: hundreds of usual files.
SHELF = 8 * 1024 * 1024
# Two changes within one tick of the file system's clock look the same, so that a file that was just changed is not
# kept; git calls such a file «racily clean». FAT's tick is the longest, two seconds.
TICK_NS = 2_000_000_000
# Read at a time from a large file, in bytes: fewer threads' turns than Starlette's 64 kB, and still flat memory.
PIECE = 256 * 1024


class KeptFile:
    """A small file as it was read.

    Args:
        path: its real path.
        stat: what `os.fstat` told when it was read.
        body: its content.
        kind: the content type.
        headers: the header fields of a response with all of it.
        trail: the directories between the root and the file. Empty for a file outside of the root: a single file, or
            one that a link leads to.
        resolve: returns the real path by now, `None` where it may not be served; without it no link leads to the file.
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

    def is_unchanged(self, asked: str) -> bool:
        """Tell whether the file that a path leads to is still this one, and may still be served.

        That the file is the same is not enough: its directory may have been moved out of the root, with a link in its
        place. The file itself does not change by that.

        Args:
            asked: the path, without links below the root.
        """
        try:
            if self._resolve is not None and self._resolve() != self.path:
                return False
            for directory, identity in self._trail:
                if os.lstat(directory)[:3] != identity:
                    return False
            return mark_of(self._stat(asked)) == self._mark
        except OSError:
            return False

    def is_settled(self) -> bool:
        """Tell whether the file has not changed for so long that its next change will be seen."""
        return time_ns() - max(self.stat.st_mtime_ns, self.stat.st_ctime_ns) > TICK_NS

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header fields as they go over the wire."""
        return list(self._fields)


class Shelf:
    """The small files that one `app.static` has served, by the path that was asked for."""

    def __init__(self) -> None:
        self._files: dict[str | None, tuple[str, KeptFile]] = {}
        self._size = 0

    def get(self, uri: str | None) -> KeptFile | None:
        """Return a file that is kept, unchanged and still inside its root; looks at the disk."""
        found = self._files.get(uri)
        if found is None:
            return None
        asked, kept = found
        if kept.is_unchanged(asked):
            return kept
        self._drop(uri)
        return None

    def put(self, uri: str | None, asked: str, kept: KeptFile) -> None:
        """Keep a file; those that came first go when there are too many."""
        if not kept.is_settled():
            return
        self._drop(uri)
        self._files[uri] = (asked, kept)
        self._size += _weight(uri, kept)
        while self._size > SHELF:
            self._drop(next(iter(self._files)))

    def _drop(self, uri: str | None) -> None:
        found = self._files.pop(uri, None)
        if found is not None:
            self._size -= _weight(uri, found[1])


def _weight(uri: str | None, kept: KeptFile) -> int:
    # With what is around the content: a million empty files should not fit.
    return len(kept.body) + len(uri or "") + 2048


class KeptFileResponse(HTTPResponse, own_names=False, own_start=True):
    """A response with a kept file; a middleware may change everything about it."""

    _kept: KeptFile

    @classmethod
    def of(cls, kept: KeptFile) -> KeptFileResponse:
        """Return a response with a file.

        PERF: without the initialiser, and with header fields that were encoded when the file was read: see
        `start_message`.
        """
        response = cls.__new__(cls)
        response._kept = kept
        response._body = kept.body
        response.content_type = kept.kind
        return response

    @property  # type: ignore[override]
    def headers(self) -> Header:
        """The header fields set so far."""
        if self._headers is None:
            self._headers = Header(self._kept.headers)
        return self._headers

    @headers.setter
    def headers(self, value: Any) -> None:
        self._headers = _header_of_response(value)

    def _head(self, length: bool = True, declared: bool = False) -> list[tuple[bytes, bytes]]:
        """Return the header fields as they go over the wire; see `BaseHTTPResponse._head`."""
        self.headers  # noqa: B018 - from here on they are this response's own
        return super()._head(length, declared)

    _build_head = _head

    def _start_message(self) -> Message | None:
        """Return the message that starts a response which nobody has changed.

        PERF: its fields are ready: 3 µs of 8, `benchmarks --only static`.
        """
        kept = self._kept
        untouched = self._headers is None and self._body is kept.body and self.content_type is kept.kind
        if not untouched or self.status != 200 or self.background is not None:
            return None
        return {"type": "http.response.start", "status": 200, "headers": kept.fields}


class LargeFileResponse(UnreadFileResponse, own_names=False):
    """A response with a file, or a part of one, that is read while it is sent.

    Args:
        request: the request that it answers.
        path: the file's real path.
        start: the place of the first byte.
        size: how many bytes.
        status: the HTTP status.
        headers: header fields.
        kind: the content type.
        opener: opens the file and returns its descriptor, as that of `open` does; by default the path is opened.
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
        """Send the response piece by piece; one whose client leaves is cut short.

        Raises:
            FileNotFound: the file cannot be opened any more: it is gone, or a link has taken its place.
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
        start = {"type": "http.response.start", "status": self.status, "headers": self._head(length=False)}
        try:
            opened = await anyio.open_file(self._path, "rb", opener=self._opener)
        except OSError as error:
            raise FileNotFound("File not found", path=self._path) from error
        try:
            if self._start:
                await opened.seek(self._start)
            # From here on an error can't be answered any more.
            request.responded = True
            await send(start)

            async def finish() -> None:
                """Leave the response as it is: a length was promised that can't be kept."""

            engine.streams.open(request, finish, endless=False, receive=request._receive)
            await self._send_pieces(opened, send)
            engine.streams.close(request)
        finally:
            # Not by `aclose`, which a task that is cancelled does not get to the end of.
            opened.wrapped.close()
        await run_background(self, scope)

    async def _send_path(self, scope: Scope, send: Send) -> bool:
        """Let the server send the whole file by itself; tell whether it does."""
        # Loaded only under a server that has the extension.
        from sanic_star.compat.response._pathsend import EXTENSION, open_for_server, takes_path

        if not takes_path(scope):
            return False
        try:
            opened = await open_for_server(self._path, self._opener)
        except OSError as error:
            raise FileNotFound("File not found", path=self._path) from error
        # A part of a file; or it has changed since the header fields were made, and is sent in pieces as far as it was.
        if opened is None or opened.stat.st_size != self._size:
            return False
        self._request.responded = True
        await send({"type": "http.response.start", "status": 200, "headers": self._head(length=False)})
        await send({"type": EXTENSION, "path": opened.path})
        await run_background(self, scope)
        return True

    async def _send_pieces(self, opened: anyio.AsyncFile[bytes], send: Send) -> None:
        left = self._size
        while left > 0:
            piece = await opened.read(min(left, PIECE))
            if not piece:
                raise OSError(f"{self._path} was cut short while it was sent")
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})


def last_modified(stat: os.stat_result) -> str:
    """Return the time of a file's last change as a header value."""
    return formatdate(int(stat.st_mtime), usegmt=True)
