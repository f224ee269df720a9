"""One HTTP request and its response, from the server's side of ASGI.

The app reads the request's body through ``receive`` and answers through ``send``. What it sends waits here until the
client asks for it. An exchange whose answer is read as a stream makes the app wait while too many chunks are left
unread, as a full socket would, so that an infinite stream is no infinite list.

After the client has gone (``leave``), ``receive`` reports ``http.disconnect`` and ``send`` raises OSError, as
version 2.4 of the specification wants it. What the app then raises because of it is not an error of the app.

Messages that break the protocol raise RuntimeError in the app: sent in the wrong order, or a body that is longer or
shorter than its Content-Length says. Servers do the same, and a test is the better place to learn it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from enum import Enum, auto
from typing import Any, Self

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Scope

from sanic_star.testing.deadline import DeadlineExceeded, deadline, place_of, within

__all__ = ["CHUNK", "LEAVE_GRACE", "AsyncBody", "Body", "Exchange", "IncompleteResponse", "SlowResponse", "body_chunks"]

# Chunks, not bytes: what counts in a test is that a stream without end stands still.
_HIGH_WATER = 16

# What uvicorn reads from a socket at a time, in bytes; a longer body reaches the app in several messages.
CHUNK = 65_536

# How long an app that does not notice that its client has left may keep the test waiting, in seconds.
LEAVE_GRACE = 1.0


Body = Iterator[tuple[bytes, bool]] | AsyncIterator[tuple[bytes, bool]]


class SlowResponse(Exception):
    """The client's timeout has passed."""


class IncompleteResponse(Exception):
    """The app stopped before its answer was complete, and its own exception is not to be raised."""


class Stage(Enum):
    """How far the answer has come."""

    WAITING = auto()
    STREAMING = auto()
    COMPLETE = auto()


class Exchange:
    """Carry one request to an app and keep what it answers.

    Args:
        app: the ASGI app.
        scope: the request's scope.
        body: the chunks of the request's body, each with whether more may come; at least one. An asynchronous
            iterator is read on the app's loop.
        stream: whether the app has to wait for a slow reader.
        raise_app_exceptions: whether the app's exception is raised where the answer is read.

    Attributes:
        status: the status that was sent; 500 when the app raised before it sent one.
        headers: the answer's headers.
        debug: what the app sent for tests only, as templates do (``http.response.debug``).
        stage: how far the answer has come.
        ended: whether the app has returned, or raised.
        error: what it has raised; None when that is because the client has left.
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
        self._missing: int | None = None
        self._high_water = _HIGH_WATER if stream else 0
        self._raise = raise_app_exceptions
        self.error: Exception | None = None
        self._client_error: Exception | None = None
        self._gone = False
        self._reported = False
        self.ended = False
        self._task: asyncio.Task[None] | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._over = asyncio.Event()

    @classmethod
    async def complete(
        cls, app: ASGIApp, scope: Scope, body: Any, seconds: float | None, *, raise_app_exceptions: bool
    ) -> tuple[Self, bytes]:
        """Run an app to its end, background tasks included; return the exchange and the whole body of the answer.

        Args:
            app: as for the class.
            scope: as for the class.
            body: any body that a prepared request can have.
            seconds: how long it may take; by default as long as ``deadline`` says.
            raise_app_exceptions: as for the class.

        Raises:
            SlowResponse: the app needed more than ``seconds``, and was cancelled.
            IncompleteResponse: the app stopped in the middle of the body.
        """
        # The app's own TimeoutError is kept by _run: one that comes out here is ours.
        self = cls(app, scope, body_chunks(body), stream=False, raise_app_exceptions=raise_app_exceptions)
        try:
            await within(self._run(), self._describe("no answer"), seconds)
        except DeadlineExceeded as error:
            raise SlowResponse(str(error)) from error
        if self.stage is not Stage.COMPLETE or self.error is not None or self._client_error is not None:
            self.report()
        return self, b"".join(self._chunks)

    async def begin(self, seconds: float | None) -> None:
        """Run the app until it has sent a status, or has ended; raises as ``complete`` does, without cancelling."""
        self._task = asyncio.create_task(self._run())
        try:
            while self.stage is Stage.WAITING and not self.ended:
                await self._news(seconds)
        except SlowResponse:
            await self.leave()
            raise
        if self.stage is Stage.WAITING or (self.error is not None and self._raise):
            self.report()

    async def next_chunk(self, seconds: float | None) -> bytes:
        """Give the body's next chunk, ``b""`` when the app has ended; raises as ``begin`` does."""
        while not self._chunks and not self.ended:
            await self._news(seconds)
        if self._chunks:
            self._writable.set()
            return self._chunks.popleft()
        self.report()
        return b""

    async def leave(self) -> None:
        """Go away as a client that closes its connection, and let the app come to its end.

        An app that does not notice goes on, as it would in a server, until the client that owns it is closed.
        """
        self._hang_up()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=LEAVE_GRACE)
            if self.ended:
                self.report()

    async def _news(self, seconds: float | None) -> None:
        self._readable.clear()
        limit = deadline() if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                await self._readable.wait()
        except TimeoutError as error:
            assert self._task is not None
            what = self._describe("no answer" if self.stage is Stage.WAITING else "no more of the body")
            raise SlowResponse(f"{what} within {limit:g} s: it waits {place_of(self._task)}") from error

    def _describe(self, what: str) -> str:
        return f"{what} to {self.scope['method']} {self.scope['path']}"

    def _hang_up(self) -> None:
        if self.stage is not Stage.COMPLETE:
            self._gone = True
        self._over.set()
        self._writable.set()

    def report(self) -> None:
        """Raise what ended the exchange too early, the first time that it is called after that."""
        if self._reported:
            return
        self._reported = True
        if self._client_error is not None:
            raise self._client_error
        if self.error is not None and self._raise:
            raise self.error
        if self.stage is Stage.STREAMING and not self._gone:
            raise IncompleteResponse("the app stopped before its response was complete") from self.error

    async def _run(self) -> None:
        try:
            await self._app(self.scope, self._receive, self._send)
            if self.stage is not Stage.COMPLETE and not self._gone:
                what = "completing its" if self.stage is Stage.STREAMING else "starting a"
                raise RuntimeError(f"the app returned without {what} response")
        except (ClientDisconnect, OSError) as error:
            if not self._gone:
                self.error = error
        except Exception as error:
            self.error = error
        finally:
            self.ended = True
            self._over.set()
            self._readable.set()

    async def _receive(self) -> Message:
        if not self._request_read:
            try:
                body, more_body = next(self._body) if isinstance(self._body, Iterator) else await anext(self._body)
            except Exception as error:
                # A client whose body breaks off drops the connection, and its user gets the exception.
                self._client_error = error
                self._request_read = True
                self._hang_up()
            else:
                self._request_read = not more_body
                if not self._gone:
                    return {"type": "http.request", "body": body, "more_body": more_body}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone:
            raise OSError("the client has closed the connection")
        kind = message["type"]
        if kind == "http.response.body" and self.stage is Stage.STREAMING:
            await self._take(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start" and self.stage is Stage.WAITING:
            self._start(message)
        elif kind == "http.response.debug":
            self.debug = message["info"]
        else:
            raise RuntimeError(f"an app can't send {kind!r} when its response is {self.stage.name.lower()}")

    def _start(self, message: Message) -> None:
        self.status = message["status"]
        self.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        self.stage = Stage.STREAMING
        if self.scope["method"] != "HEAD" and self.status != 304:
            self._missing = next((int(value) for name, value in self.headers if name == b"content-length"), None)
        self._readable.set()

    async def _take(self, body: bytes, more_body: bool) -> None:
        if self._missing is not None:
            self._missing -= len(body)
            if self._missing < 0 or (self._missing and not more_body):
                raise RuntimeError(
                    f"the body is {'longer' if self._missing < 0 else 'shorter'} than its Content-Length"
                )
        if body and self.scope["method"] != "HEAD":
            self._chunks.append(bytes(body))
        if not more_body:
            self.stage = Stage.COMPLETE
            self._over.set()
        self._readable.set()
        if more_body and self._high_water and len(self._chunks) >= self._high_water:
            self._writable.clear()
            await self._writable.wait()
            if self._gone:
                raise OSError("the client has closed the connection")


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
        return _chunks(_encode(body or b""))
    if isinstance(body, AsyncBody):
        return _pass_async(body.chunks)
    return _pass(iter(lambda: body.read(CHUNK), type(body.read(0))()) if hasattr(body, "read") else body)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bool]]:
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
