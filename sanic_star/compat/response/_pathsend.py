"""Files that the server reads and sends itself: the ASGI extension `http.response.pathsend` (supported by granian).

A message with the file's path replaces the body's messages. When `send` returns, the server may not have opened the
file yet (granian opens it later, without any notification). By then the path may lead to another file: a new release
may have replaced it, or a link out of a static directory. So on Linux the path is `/proc/self/fd/…` of a descriptor
that stays open for some time: the server opens the file that was checked, whatever the original path leads to. On other
systems the real path is sent, and static directories don't use the extension.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from stat import S_ISREG
from typing import Any, NamedTuple

import anyio
from starlette.types import Receive, Scope, Send

from sanic_star.compat._files.root import Mark, mark_of
from sanic_star.compat._files.unread import UnreadFileResponse
from sanic_star.compat.exceptions import FileNotFound
from sanic_star.compat.response._writer import ResponseWriter, run_background
from sanic_star.compat.response.types import HTTPResponse

EXTENSION = "http.response.pathsend"
DESCRIPTORS = "/proc/self/fd"
# How long a descriptor stays open after its last use, in seconds. granian opens the file some milliseconds later; a
# machine without free memory may need seconds.
HOLD_S = 30.0
# The maximum number of held files; a request for a further file reads the file itself. Linux allows a process 1,024
# descriptors by default.
MAX_HELD = 128

Opener = Callable[[str, int], int]


class ServedFile(NamedTuple):
    """A file for the server.

    Attributes:
        path: the path for the server.
        stat: the result of `os.fstat`.
        is_held: whether the path is that of a descriptor, which stays open for some time.
    """

    path: str
    stat: os.stat_result
    is_held: bool


class HeldFiles:
    """Descriptors that stay open until the server has opened their files; one for each file."""

    def __init__(self) -> None:
        self._held: dict[Mark, tuple[int, float]] = {}
        # The event loop that has a timer for this object.
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, descriptor: int, stat: os.stat_result) -> str | None:
        """Keep a file open for some time, and return a path that leads to it; `None` if there are too many.

        Args:
            descriptor: the file's descriptor; from now on owned by this object.
            stat: the result of `os.fstat`.
        """
        mark = mark_of(stat)
        loop = asyncio.get_running_loop()
        if mark in self._held:
            os.close(descriptor)
            descriptor = self._held[mark][0]
        elif len(self._held) >= MAX_HELD:
            os.close(descriptor)
            return None
        self._held[mark] = (descriptor, loop.time() + HOLD_S)
        # The timer of a closed event loop never fires.
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(HOLD_S, self._release, loop)
        return f"{DESCRIPTORS}/{descriptor}"

    def extend(self, stat: os.stat_result) -> bool:
        """Restart the time that a file is held; return whether it is still held.

        Args:
            stat: the result of `os.fstat` when it was opened.
        """
        mark = mark_of(stat)
        if mark not in self._held:
            return False
        self._held[mark] = (self._held[mark][0], asyncio.get_running_loop().time() + HOLD_S)
        return True

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for mark, (descriptor, until) in list(self._held.items()):
            if until <= now:
                del self._held[mark]
                os.close(descriptor)
        if self._loop is not loop:
            return
        if self._held:
            loop.call_later(HOLD_S, self._release, loop)
        else:
            self._loop = None


held_files = HeldFiles()


def takes_path(scope: Scope) -> bool:
    """Return whether the server can send a file by its path in the response; not for HEAD."""
    return scope["type"] == "http" and EXTENSION in (scope.get("extensions") or ()) and scope["method"] != "HEAD"


def _open_file(path: str, opener: Opener | None) -> tuple[int, os.stat_result] | ServedFile | None:
    """Open a file; return its descriptor, or its path if that cannot be held; runs in a thread."""
    has_descriptors = os.path.exists(DESCRIPTORS)
    if opener is not None and not has_descriptors:
        return None
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    # Opening a pipe would block until a process writes to it.
    descriptor = os.open(path, flags) if opener is None else opener(path, flags)
    stat = os.fstat(descriptor)
    if has_descriptors and S_ISREG(stat.st_mode):
        return descriptor, stat
    os.close(descriptor)
    # The ASGI specification requires an absolute path.
    return ServedFile(os.path.abspath(path), stat, False) if S_ISREG(stat.st_mode) else None


async def open_for_server(path: str, opener: Opener | None = None) -> ServedFile | None:
    """Open a file for the server; `None` if the file has to be read and sent in parts.

    Args:
        path: its path.
        opener: opens the file and returns the descriptor, as for the built-in `open`; it may raise.

    Raises:
        OSError: it cannot be opened.
    """
    opened_file = await anyio.to_thread.run_sync(_open_file, path, opener)
    if opened_file is None or isinstance(opened_file, ServedFile):
        return opened_file
    held_path = held_files.hold(*opened_file)
    return None if held_path is None else ServedFile(held_path, opened_file[1], True)


class PathResponse(UnreadFileResponse, own_names=False):
    """A response with a whole file, which the server reads; middleware can still read its body.

    Args:
        path: the file's path.
        served_file: the file for the server.
        headers: header fields.
        content_type: the content type.
    """

    def __init__(self, path: str, served_file: ServedFile, headers: Any, content_type: str) -> None:
        super().__init__(path, 200, headers, content_type)
        self._served_file = served_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response.

        Raises:
            FileNotFound: the file was removed.
        """
        served_file = None
        if self.status == 200 and "_body" not in self.__dict__ and takes_path(scope):
            served_file = await self._for_server()
        if served_file is None:
            self._body = self.body
            await super().__call__(scope, receive, send)
            return
        fields = [field for field in self._head(with_length=False) if field[0] != b"content-length"]
        fields.append((b"content-length", b"%d" % served_file.stat.st_size))
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": EXTENSION, "path": served_file.path})
        await run_background(self, scope)

    async def _for_server(self) -> ServedFile | None:
        served_file = self._served_file
        if not served_file.is_held or held_files.extend(served_file.stat):
            return served_file
        try:
            return await open_for_server(self._path)
        except OSError as error:
            raise FileNotFound("File not found", path=self._path) from error


async def send_stream_by_path(stream: Any, location: Any) -> bool:
    """Let the server send a file as the body of a `ResponseStream`; return whether it does.

    Args:
        stream: the stream, connected to its request.
        location: the file's path.

    Raises:
        OSError: the file cannot be opened.
    """
    request, response = stream.request, stream.response
    writer: ResponseWriter | None = getattr(response, "stream", None)
    scope = getattr(request, "scope", None)
    if scope is None or writer is None or writer.send is None or writer.head_sent:
        return False
    if response.status != 200 or not takes_path(scope):
        return False
    served_file = await open_for_server(os.fspath(location))
    # An empty response has a length; only a response in parts has none.
    if served_file is None or not served_file.stat.st_size:
        return False
    await writer.write_path(response, served_file.path)
    return True


async def path_response(location: Any, headers: Any, content_type: str) -> HTTPResponse | None:
    """Return a response with a whole file that the server reads; `None` if the server cannot.

    Args:
        location: the file's path.
        headers: header fields.
        content_type: the content type.

    Raises:
        OSError: the file cannot be opened.
    """
    path = os.fspath(location)
    served_file = await open_for_server(path)
    return None if served_file is None else PathResponse(path, served_file, headers, content_type)
