"""Storage of a body that may be large: in memory up to a size, then in a temporary file.

The parts of a form are sections of the spool. So a file of a hundred megabytes is written only once, and the whole body
is still available as `request.body`, or through `request.receive`.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterator
from io import SEEK_CUR, SEEK_END, RawIOBase, UnsupportedOperation
from tempfile import TemporaryFile
from typing import IO, Any

# In bytes. Starlette's size for one file; here it is for a whole form, and for a single write.
SPOOL_SIZE = 1024 * 1024
# The number of bytes that are read at a time to read everything; the same that uvicorn reads from a socket.
BLOCK = 64 * 1024


class Spool:
    """Stores bytes.

    Args:
        limit: the number of bytes that stay in memory.
        content: the initial content.

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
        # Handlers read files in threads, and all sections share one file position.
        self._lock = threading.Lock()
        self._finish: Any = None

    @property
    def on_disk(self) -> bool:
        """Whether a part of it is in a temporary file."""
        return self._file is not None

    @property
    def full(self) -> bool:
        """Whether the memory limit is reached, so that `flush` should be called."""
        return len(self._pending) > self.limit

    def append(self, data: bytes) -> None:
        """Append bytes in memory."""
        self._pending += data
        self.size += len(data)

    def flush(self) -> None:
        """Write the bytes in memory to the temporary file."""
        _append(*self._job())

    async def flush_in_thread(self) -> None:
        """Write the bytes in memory to the temporary file, in a thread."""
        # The thread does not get the spool, because it could keep it alive longer than the request.
        await asyncio.to_thread(_append, *self._job())

    def _job(self) -> tuple[IO[bytes], threading.Lock, bytes | bytearray]:
        if self._file is None:
            # Not `SpooledTemporaryFile`, which warns when it is garbage collected, even if it was never on disk.
            self._file = TemporaryFile()  # noqa: SIM115 - it outlives this method, and `close` closes it
            # A part that is kept longer than the request keeps the file; both are removed together.
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
        """Yield the whole content in chunks."""
        for offset in range(0, self.size, BLOCK):
            yield self.read_at(offset, BLOCK)

    def close(self) -> None:
        """Close the temporary file."""
        if self._finish is not None:
            self._finish()


class Section(RawIOBase):
    """A section of a spool as a readable binary file.

    Args:
        spool: the spool.
        start: its offset in the spool.
        length: its size in bytes.
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
        """Set the position; return it."""
        base = {SEEK_CUR: self._at, SEEK_END: self._length}.get(whence, 0)
        if base + offset < 0:
            raise UnsupportedOperation("a position before the start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return the number of bytes."""
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Return all bytes from the current position on."""
        return self._take(self._length)

    def _take(self, size: int) -> bytes:
        if self.closed:
            raise ValueError("the file is closed")
        remaining = max(0, self._length - self._at)
        data = self._spool.read_at(self._start + self._at, min(size, remaining)) if remaining else b""
        self._at += len(data)
        return data


def _append(file: IO[bytes], lock: threading.Lock, data: bytes | bytearray) -> None:
    with lock:
        file.seek(0, SEEK_END)
        file.write(data)
