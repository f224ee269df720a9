"""A body that may be large: in memory up to a size, then in a temporary file, each byte once.

The parts of a form are sections of it. So a file of a hundred megabytes is written once, and the whole body is still
there for who asks for `request.body`, or reads it again through `request.receive`.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from io import SEEK_CUR, SEEK_END, RawIOBase, UnsupportedOperation
from tempfile import TemporaryFile
from typing import IO, Any

# Starlette's size for one file; here it is that of a whole form, and of what is written in one go.
SPOOL_SIZE = 1024 * 1024
# How much is read at a time where all of it is: what uvicorn reads from a socket.
BLOCK = 64 * 1024


class Spool:
    """Keeps what is appended.

    Args:
        limit: how many bytes stay in memory.
        content: what is there already.

    >>> spool = Spool(limit=4)
    >>> spool.append(b"Hello")
    >>> spool.full
    True
    >>> spool.flush()
    >>> spool.read_at(1, 3), spool.on_disk
    (b'ell', True)
    >>> spool.close()
    """

    def __init__(self, limit: int = SPOOL_SIZE, content: bytes = b"") -> None:
        self.limit = limit
        self.size = len(content)
        self._pending: bytes | bytearray = content or bytearray()
        self._file: IO[bytes] | None = None
        # Handlers read files in threads, and several files share one position.
        self._lock = threading.Lock()
        self._finish: Any = None

    @property
    def on_disk(self) -> bool:
        """Whether a part of it is in a temporary file."""
        return self._file is not None

    @property
    def full(self) -> bool:
        """Whether memory holds as much as it may: time to `flush`, in a thread if need be."""
        return len(self._pending) > self.limit

    def append(self, data: bytes) -> None:
        """Add to its end, in memory."""
        self._pending += data
        self.size += len(data)

    def flush(self) -> None:
        """Write what is in memory to the temporary file."""
        _append(*self._job())

    async def flush_in_thread(self) -> None:
        """Write what is in memory to the temporary file; the event loop does not wait for the disk."""
        # The thread is not given the spool: it would hold it for a moment longer than the request does.
        await asyncio.to_thread(_append, *self._job())

    def _job(self) -> tuple[IO[bytes], threading.Lock, bytes | bytearray]:
        if self._file is None:
            # Not tempfile's SpooledTemporaryFile: it warns when it is left to the collector, even if never on disk.
            self._file = TemporaryFile()  # noqa: SIM115 - it outlives this method, and `close` closes it
            # Whoever holds a part of a form longer than the request lasts has it; then the file goes with the part.
            self._finish = weakref.finalize(self, self._file.close)
        pending, self._pending = self._pending, bytearray()
        return self._file, self._lock, pending

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on.

        Raises:
            ValueError: it is closed.
        """
        if self._file is None:
            return bytes(memoryview(self._pending)[offset : offset + size])
        if self._pending:
            self.flush()
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def blocks(self) -> Iterator[bytes]:
        """Yield all of it, in pieces."""
        for offset in range(0, self.size, BLOCK):
            yield self.read_at(offset, BLOCK)

    def close(self) -> None:
        """Let go of the temporary file."""
        if self._finish is not None:
            self._finish()


class Section(RawIOBase):
    """A part of a spool as a binary file for reading.

    Args:
        spool: whose part.
        start: where it begins.
        length: how many bytes it has.
    """

    def __init__(self, spool: Spool, start: int, length: int) -> None:
        self._spool = spool
        self._start, self._length = start, length
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position; return it."""
        base = {SEEK_CUR: self._at, SEEK_END: self._length}.get(whence, 0)
        if base + offset < 0:
            raise UnsupportedOperation("a position before the start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as there is something; return how far."""
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Return all that is left."""
        return self._take(self._length)

    def _take(self, size: int) -> bytes:
        if self.closed:
            raise ValueError("the file is closed")
        left = max(0, self._length - self._at)
        data = self._spool.read_at(self._start + self._at, min(size, left)) if left else b""
        self._at += len(data)
        return data


def _append(file: IO[bytes], lock: threading.Lock, data: bytes | bytearray) -> None:
    with lock:
        file.seek(0, SEEK_END)
        file.write(data)
