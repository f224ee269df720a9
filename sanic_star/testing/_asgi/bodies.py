"""A request's body, cut into the messages in which a server would hand it to the app."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from sanic_star.testing._asgi.exchange import Body

__all__ = ["CHUNK", "AsyncBody", "body_chunks"]

# What uvicorn reads from a socket at a time, in bytes; a longer body reaches the app in several messages.
CHUNK = 65_536


class AsyncBody:
    """An asynchronous iterable that `requests` takes for a stream; it is read on the app's loop.

    Args:
        chunks: the body.
    """

    def __init__(self, chunks: AsyncIterable[str | bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        raise TypeError("this body can only be read asynchronously")


def body_chunks(body: Any) -> Body:
    """Cut up any body that a prepared request can have; each chunk comes with whether more may follow."""
    if body is None or isinstance(body, str | bytes | bytearray):
        return _cut(_encode(body or b""))
    if isinstance(body, AsyncBody):
        return _pass_async(body.chunks)
    return _pass(iter(lambda: body.read(CHUNK), type(body.read(0))()) if hasattr(body, "read") else body)


def _cut(data: bytes) -> Iterator[tuple[bytes, bool]]:
    for start in range(0, len(data) or 1, CHUNK):
        yield data[start : start + CHUNK], start + CHUNK < len(data)


# An empty chunk would end a body in the chunked coding, so clients don't send it.
def _pass(chunks: Iterable[str | bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        if chunk:
            yield _encode(chunk), True
    yield b"", False


async def _pass_async(chunks: AsyncIterable[str | bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    async for chunk in chunks:
        if chunk:
            yield _encode(chunk), True
    yield b"", False


def _encode(chunk: str | bytes | bytearray) -> bytes:
    return chunk.encode() if isinstance(chunk, str) else bytes(chunk)
