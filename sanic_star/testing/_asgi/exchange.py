"""One HTTP request and its response, from the server's side of ASGI.

The application reads the request body with `receive` and answers with `send`. The response is buffered until the client
reads it. If the client reads it as a stream, the application has to wait while too many chunks are unread, as with a
full socket. So an infinite stream does not fill the memory.

After the client has left (`leave`), `receive` returns `http.disconnect` and `send` raises `OSError` (ASGI's HTTP
specification, version 2.4). An exception that the application raises for that reason is not reported.

Invalid messages raise `RuntimeError` in the application: messages in the wrong order, or a body that is longer or
shorter than its `Content-Length`. Servers raise errors for these, too, but a test finds them earlier.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from enum import Enum, auto
from typing import Any, Self

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Scope

from sanic_star.testing.deadline import DeadlineExceeded, deadline, place_of, within

__all__ = [
    "CHUNK_SIZE",
    "LEAVE_GRACE_S",
    "AsyncBody",
    "Body",
    "Exchange",
    "IncompleteResponse",
    "SlowResponse",
    "body_chunks",
]

# The maximum number of unread chunks of a stream. Their size does not matter: the limit only has to stop an endless
# stream.
MAX_BUFFERED_CHUNKS = 16

# The maximum size of the body in one message, in bytes: as in uvicorn.
CHUNK_SIZE = 65_536

# How long a test waits for an application that does not notice that its client has left.
LEAVE_GRACE_S = 1.0


Body = Iterator[tuple[bytes, bool]] | AsyncIterator[tuple[bytes, bool]]


class SlowResponse(Exception):
    """There was no response within the client's time limit."""


class IncompleteResponse(Exception):
    """The application ended before its response was complete, and its own exception is not raised."""


class Stage(Enum):
    """The state of the response."""

    WAITING = auto()
    STREAMING = auto()
    COMPLETE = auto()


class Exchange:
    """Passes one request to an application and buffers the response.

    Args:
        app: the ASGI application.
        scope: the scope of the request.
        body: the chunks of the request body, each with a flag whether more may follow; at least one. An asynchronous
            iterator is read on the application's event loop.
        stream: whether the client reads the response as a stream, so that the application may have to wait.
        raise_app_exceptions: whether exceptions of the application are raised for the client.

    Attributes:
        status: the status that was sent; 500 if the application raised an exception before.
        headers: the response headers.
        debug: the content of the message `http.response.debug`, which templates send to tests.
        stage: the state of the response.
        ended: whether the application has returned or raised an exception.
        error: the exception that it has raised; `None` if it did so because the client has left.
    """

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        body: Body,
        *,
        stream: bool,
        raise_app_exceptions: bool,
    ) -> None:
        self.scope = scope
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.debug: dict[str, Any] = {}
        self.stage = Stage.WAITING
        self._app = app
        self._body = body
        self._request_read = False
        self._chunks: deque[bytes] = deque()
        self._missing_size: int | None = None
        self._max_buffered_chunks = MAX_BUFFERED_CHUNKS if stream else 0
        self._raise_app_exceptions = raise_app_exceptions
        self.error: Exception | None = None
        self._client_error: Exception | None = None
        self._client_has_left = False
        self._reported = False
        self.ended = False
        self._task: asyncio.Task[None] | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._disconnected = asyncio.Event()

    @classmethod
    async def complete(
        cls, app: ASGIApp, scope: Scope, body: Any, seconds: float | None, *, raise_app_exceptions: bool
    ) -> tuple[Self, bytes]:
        """Run an application to its end, including background tasks; return the exchange and the response body.

        Args:
            app: as for the class.
            scope: as for the class.
            body: the body of a prepared request, in any form that `requests` supports.
            seconds: the time limit; by default the value of `deadline()`.
            raise_app_exceptions: as for the class.

        Raises:
            SlowResponse: the application took longer than `seconds` and was cancelled.
            IncompleteResponse: the application ended in the middle of the body.
        """
        # `_run` catches a `TimeoutError` of the application, so this one is the time limit's.
        self = cls(app, scope, body_chunks(body), stream=False, raise_app_exceptions=raise_app_exceptions)
        try:
            await within(self._run(), self._describe("no answer"), seconds)
        except DeadlineExceeded as error:
            raise SlowResponse(str(error)) from error
        if self.stage is not Stage.COMPLETE or self.error is not None or self._client_error is not None:
            self.report()
        return self, b"".join(self._chunks)

    async def begin(self, seconds: float | None) -> None:
        """Run the application until it has sent the status or has ended; raise as `complete`, but do not cancel it."""
        self._task = asyncio.create_task(self._run())
        try:
            while self.stage is Stage.WAITING and not self.ended:
                await self._wait_for_message(seconds)
        except SlowResponse:
            await self.leave()
            raise
        if self.stage is Stage.WAITING or (self.error is not None and self._raise_app_exceptions):
            self.report()

    async def next_chunk(self, seconds: float | None) -> bytes:
        """Return the body's next chunk, `b""` if the application has ended; raise as `begin`."""
        while not self._chunks and not self.ended:
            await self._wait_for_message(seconds)
        if self._chunks:
            self._writable.set()
            return self._chunks.popleft()
        self.report()
        return b""

    async def leave(self) -> None:
        """Disconnect as a client that closes its connection, and wait for the application to end.

        An application that does not notice goes on, as in a server, until the test client is closed.
        """
        self._hang_up()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=LEAVE_GRACE_S)
            if self.ended:
                self.report()

    async def _wait_for_message(self, seconds: float | None) -> None:
        self._readable.clear()
        limit = deadline() if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                await self._readable.wait()
        except TimeoutError as error:
            assert self._task is not None
            subject = self._describe("no answer" if self.stage is Stage.WAITING else "no further part of the body")
            raise SlowResponse(f"{subject} within {limit:g} s: it waits {place_of(self._task)}") from error

    def _describe(self, subject: str) -> str:
        return f"{subject} to {self.scope['method']} {self.scope['path']}"

    def _hang_up(self) -> None:
        if self.stage is not Stage.COMPLETE:
            self._client_has_left = True
        self._disconnected.set()
        self._writable.set()

    def report(self) -> None:
        """Raise the exception that ended the exchange early; only the first call raises it."""
        if self._reported:
            return
        self._reported = True
        if self._client_error is not None:
            raise self._client_error
        if self.error is not None and self._raise_app_exceptions:
            raise self.error
        if self.stage is Stage.STREAMING and not self._client_has_left:
            raise IncompleteResponse("the application stopped before its response was complete") from self.error

    async def _run(self) -> None:
        try:
            await self._app(self.scope, self._receive, self._send)
            if self.stage is not Stage.COMPLETE and not self._client_has_left:
                step = "completing its" if self.stage is Stage.STREAMING else "starting a"
                raise RuntimeError(f"the application returned without {step} response")
        except (ClientDisconnect, OSError) as error:
            if not self._client_has_left:
                self.error = error
        except Exception as error:
            self.error = error
        finally:
            self.ended = True
            self._disconnected.set()
            self._readable.set()

    async def _receive(self) -> Message:
        if not self._request_read:
            try:
                body, more_body = next(self._body) if isinstance(self._body, Iterator) else await anext(self._body)
            except Exception as error:
                # As over a network: the client disconnects if it cannot read its request body, and its user gets the
                # exception.
                self._client_error = error
                self._request_read = True
                self._hang_up()
            else:
                self._request_read = not more_body
                if not self._client_has_left:
                    return {"type": "http.request", "body": body, "more_body": more_body}
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._client_has_left:
            raise OSError("the client has closed the connection")
        kind = message["type"]
        if kind == "http.response.body" and self.stage is Stage.STREAMING:
            await self._add_chunk(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start" and self.stage is Stage.WAITING:
            self._start(message)
        elif kind == "http.response.debug":
            self.debug = message["info"]
        else:
            raise RuntimeError(f"an application can't send {kind!r} when its response is {self.stage.name.lower()}")

    def _start(self, message: Message) -> None:
        self.status = message["status"]
        self.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        self.stage = Stage.STREAMING
        if self.scope["method"] != "HEAD" and self.status != 304:
            self._missing_size = next((int(value) for name, value in self.headers if name == b"content-length"), None)
        self._readable.set()

    async def _add_chunk(self, body: bytes, more_body: bool) -> None:
        if self._missing_size is not None:
            self._missing_size -= len(body)
            if self._missing_size < 0 or (self._missing_size and not more_body):
                raise RuntimeError(
                    f"the body is {'longer' if self._missing_size < 0 else 'shorter'} than its Content-Length"
                )
        if body and self.scope["method"] != "HEAD":
            self._chunks.append(bytes(body))
        if not more_body:
            self.stage = Stage.COMPLETE
            self._disconnected.set()
        self._readable.set()
        if more_body and self._max_buffered_chunks and len(self._chunks) >= self._max_buffered_chunks:
            self._writable.clear()
            await self._writable.wait()
            if self._client_has_left:
                raise OSError("the client has closed the connection")


class AsyncBody:
    """An asynchronous iterable as a body for `requests`; it is read on the application's event loop.

    Args:
        chunks: the chunks of the body.
    """

    def __init__(self, chunks: AsyncIterable[str | bytes]) -> None:
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        raise TypeError("this body can only be read asynchronously")


def body_chunks(body: Any) -> Body:
    """Split the body of a prepared request into chunks, each with a flag whether more may follow."""
    if body is None or isinstance(body, str | bytes | bytearray):
        return _split(_encode(body or b""))
    if isinstance(body, AsyncBody):
        return _async_chunks(body.chunks)
    return _iterable_chunks(
        iter(lambda: body.read(CHUNK_SIZE), type(body.read(0))()) if hasattr(body, "read") else body
    )


def _split(data: bytes) -> Iterator[tuple[bytes, bool]]:
    for start in range(0, len(data) or 1, CHUNK_SIZE):
        yield data[start : start + CHUNK_SIZE], start + CHUNK_SIZE < len(data)


# Clients send no empty chunks: in the chunked coding, an empty chunk ends the body (RFC 9112, section 7.1).
def _iterable_chunks(chunks: Iterable[str | bytes]) -> Iterator[tuple[bytes, bool]]:
    for chunk in chunks:
        if chunk:
            yield _encode(chunk), True
    yield b"", False


async def _async_chunks(chunks: AsyncIterable[str | bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    async for chunk in chunks:
        if chunk:
            yield _encode(chunk), True
    yield b"", False


def _encode(chunk: str | bytes | bytearray) -> bytes:
    return chunk.encode() if isinstance(chunk, str) else bytes(chunk)
