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

# In bytes. Starlette's limit for one file in memory; here it applies to a whole form, and to a single write.
SPOOL_SIZE = 1024 * 1024
# The size of a chunk of `blocks` in bytes; uvicorn reads as many from a socket.
BLOCK_SIZE = 64 * 1024
# In bytes. Smaller pieces are copied together, because each object needs memory beside its bytes.
_SMALL_SIZE = 4096


class Spool:
    """Stores bytes.

    Args:
        limit: the number of bytes that stay in memory.
        content: the initial content.

    >>> spool = Spool(limit=4)
    >>> spool.append(b"Hello")
    >>> spool.is_full
    True
    >>> spool.flush()
    >>> spool.read_at(1, 3), spool.is_on_disk
    (b'ell', True)
    >>> spool.close()
    """

    def __init__(self, limit: int = SPOOL_SIZE, content: bytes = b"") -> None:
        self.limit = limit
        self.size = len(content)
        # PERF: pieces, because a growing `bytearray` is copied again and again: 5 % of an upload of 1 MB («forms»).
        # Safe because only small pieces are copied together, and nothing changes the large ones.
        self._pending: list[bytes | bytearray] = [content] if content else []
        self._pending_size = len(content)
        self._file: IO[bytes] | None = None
        # Handlers read files in threads, and all sections share one file position.
        self._lock = threading.Lock()
        self._finish: Any = None

    @property
    def is_on_disk(self) -> bool:
        """Whether a part of it is in a temporary file."""
        return self._file is not None

    @property
    def is_full(self) -> bool:
        """Whether the memory limit is reached, so that `flush` should be called."""
        return self._pending_size > self.limit

    def append(self, data: bytes) -> None:
        """Append bytes, which stay in memory until `flush`."""
        size = len(data)
        if size >= _SMALL_SIZE:
            self._pending.append(bytes(data))  # no copy of bytes
        elif self._pending and isinstance(last := self._pending[-1], bytearray) and len(last) < BLOCK_SIZE:
            last += data
        else:
            self._pending.append(bytearray(data))
        self._pending_size += size
        self.size += size

    def flush(self) -> None:
        """Write the bytes in memory to the temporary file."""
        _append(*self._take_pending())

    async def flush_in_thread(self) -> None:
        """Write the bytes in memory to the temporary file, in a thread."""
        # The thread does not get the spool, which could then outlive the request.
        await asyncio.to_thread(_append, *self._take_pending())

    def _take_pending(self) -> tuple[IO[bytes], threading.Lock, bytes]:
        if self._file is None:
            # Not `SpooledTemporaryFile`, which warns when it is garbage collected, even if it was never on disk.
            self._file = TemporaryFile()  # noqa: SIM115 - it outlives this method, and `close` closes it
            # A referenced part keeps the spool alive, and so its file; the file is removed with the spool.
            self._finish = weakref.finalize(self, self._file.close)
        pending, self._pending, self._pending_size = b"".join(self._pending), [], 0
        return self._file, self._lock, pending

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes, beginning at `offset`.

        Args:
            offset: in bytes.
            size: in bytes.

        Raises:
            ValueError: the spool is closed.
        """
        if self._file is None:
            pending = self._pending
            if len(pending) != 1 or isinstance(pending[0], bytearray):
                pending = self._pending = [b"".join(pending)]
            return bytes(pending[0][offset : offset + size])
        if self._pending:
            self.flush()
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def blocks(self) -> Iterator[bytes]:
        """Yield the whole content in chunks."""
        for offset in range(0, self.size, BLOCK_SIZE):
            yield self.read_at(offset, BLOCK_SIZE)

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
        self._position = 0

    def readable(self) -> bool:
        """Return `True`."""
        return True

    def seekable(self) -> bool:
        """Return `True`."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position; return it.

        Args:
            offset: in bytes, relative to `whence`.
            whence: `os.SEEK_SET`, `os.SEEK_CUR` or `os.SEEK_END`.

        Raises:
            io.UnsupportedOperation: the position would be before the start.
        """
        base = {SEEK_CUR: self._position, SEEK_END: self._length}.get(whence, 0)
        if base + offset < 0:
            raise UnsupportedOperation("the position is before the start")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read bytes into a buffer; return their number."""
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Return all bytes from the current position on."""
        return self._take(self._length)

    def _take(self, size: int) -> bytes:
        if self.closed:
            raise ValueError("the file is closed")
        remaining = max(0, self._length - self._position)
        data = self._spool.read_at(self._start + self._position, min(size, remaining)) if remaining else b""
        self._position += len(data)
        return data


def _append(file: IO[bytes], lock: threading.Lock, data: bytes) -> None:
    with lock:
        file.seek(0, SEEK_END)
        file.write(data)
