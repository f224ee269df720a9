"""One websocket, from the server's side of ASGI.

An app that sends faster than the test reads has to wait, as on a socket. When the app is over without a close, the
test sees code 1006, as a client of uvicorn does. After the client has gone (``leave``), ``send`` raises OSError, and
what the app raises because of it is no error.
"""

import asyncio
from collections import deque
from enum import Enum, auto

from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocketDisconnect

from sanic_star.testing._asgi.exchange import LEAVE_GRACE
from sanic_star.testing._sanic_testing.response import ResponseHeaders, headers_of
from sanic_star.testing.deadline import DeadlineExceeded, deadline, place_of

__all__ = ["ABNORMAL", "Conversation"]

# Messages that an app may send ahead of the test's reading.
_HIGH_WATER = 1_000

# RFC 6455, 7.4.1: the connection broke without a close frame.
ABNORMAL = 1006


class _Stage(Enum):
    CONNECTING = auto()
    DENYING = auto()
    OPEN = auto()
    CLOSED = auto()


# What an app may send at each stage.
_ALLOWED = {
    _Stage.CONNECTING: {"websocket.accept", "websocket.close", "websocket.http.response.start"},
    _Stage.DENYING: {"websocket.http.response.body"},
    _Stage.OPEN: {"websocket.send", "websocket.close"},
    _Stage.CLOSED: set[str](),
}


class Conversation:
    """Carry one websocket's messages between an app and a test.

    Args:
        app: the ASGI app.
        scope: the handshake's scope.
        raise_app_exceptions: whether the app's exception is raised in the test; otherwise the websocket just ends.

    Attributes:
        ended: whether the app has returned, or raised.
    """

    def __init__(self, app: ASGIApp, scope: Scope, raise_app_exceptions: bool) -> None:
        self.ended = False
        self._app = app
        self._scope = scope
        self._raise = raise_app_exceptions
        self._stage = _Stage.CONNECTING
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: deque[Message] = deque()
        self._denial: Message = {}
        self._over: WebSocketDisconnect | None = None
        self._gone = False
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()

    @property
    def path(self) -> str:
        """The path of the handshake."""
        path: str = self._scope["path"]
        return path

    @property
    def request_headers(self) -> ResponseHeaders:
        """The headers of the handshake."""
        return headers_of(self._scope["headers"])

    @property
    def close_code(self) -> int | None:
        """The code that the websocket was closed with, as far as the test knows."""
        return None if self._over is None else self._over.code

    @property
    def close_reason(self) -> str | None:
        """The reason that came with the code."""
        return None if self._over is None else self._over.reason

    async def closed(self) -> None:
        """Wait until the app has closed, or has ended; what it sent before that is read by nobody."""
        while self._over is None:
            try:
                await self.take(None)
            except WebSocketDisconnect:
                break

    async def connect(self) -> Message:
        """Offer the handshake, and give what the app says to it: accept, close or a whole denial response."""
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run())
        await self._news(None)
        if not self._from_app:
            self._check()
            return {"type": "websocket.http.response", "status": 500, "headers": [], "body": b""}
        return self._from_app.popleft()

    async def give(self, message: Message) -> None:
        """Hand the app a message, and one turn of the loop to take it.

        Raises:
            WebSocketDisconnect: the test knows already that the websocket is closed.
        """
        if self._over is not None:
            raise self._over
        self._to_app.put_nowait(message)
        await asyncio.sleep(0)

    async def take(self, seconds: float | None) -> Message:
        """Wait for the app's next message; ``websocket.send``, or ``websocket.close`` once."""
        if self._over is not None:
            raise self._over
        await self._news(seconds)
        if not self._from_app:
            self._over = WebSocketDisconnect(ABNORMAL)
            self._check()
            raise self._over
        self._writable.set()
        message = self._from_app.popleft()
        if message["type"] == "websocket.close":
            self._over = WebSocketDisconnect(message.get("code", 1000), message.get("reason") or "")
        return message

    async def leave(self, code: int = 1012, reason: str = "") -> None:
        """Close from the client's side; 1012 is what a server that shuts down closes with."""
        if not self._gone:
            self._gone = True
            self._over = self._over or WebSocketDisconnect(code, reason)
            self._writable.set()
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=LEAVE_GRACE)
            self._check()

    async def _news(self, seconds: float | None) -> None:
        limit = deadline() if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                while not self._from_app and not self.ended:
                    self._readable.clear()
                    await self._readable.wait()
        except TimeoutError:
            assert self._task is not None
            what = f"nothing came through the websocket {self._scope['path']} within {limit:g} s"
            raise DeadlineExceeded(f"{what}: the app waits {place_of(self._task)}") from None

    def _check(self) -> None:
        error, self._error = self._error, None
        if error is not None and self._raise:
            raise error

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._to_app.get, self._send)
            if self._stage in (_Stage.CONNECTING, _Stage.DENYING) and not self._gone:
                raise RuntimeError("the app returned without accepting or denying the websocket")
        except (WebSocketDisconnect, OSError) as error:
            # An app need not expect its client to leave.
            if not self._gone:
                self._error = error
        except Exception as error:
            self._error = error
        finally:
            self.ended = True
            self._readable.set()

    async def _send(self, message: Message) -> None:
        if self._gone:
            raise OSError("the client has closed the connection")
        kind = message["type"]
        if kind not in _ALLOWED[self._stage]:
            raise RuntimeError(f"an app can't send {kind!r} when its websocket is {self._stage.name.lower()}")
        if kind == "websocket.http.response.start":
            self._stage = _Stage.DENYING
            self._denial = {**message, "headers": list(message.get("headers", ())), "body": b""}
        elif kind == "websocket.http.response.body":
            self._denial["body"] += message.get("body", b"")
            if not message.get("more_body", False):
                self._stage = _Stage.CLOSED
                self._put(self._denial)
        else:
            self._stage = _Stage.CLOSED if kind == "websocket.close" else _Stage.OPEN
            self._put(message)
        if self._stage is _Stage.CLOSED:
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": message.get("code", 1000)})
        elif len(self._from_app) >= _HIGH_WATER:
            self._writable.clear()
            await self._writable.wait()

    def _put(self, message: Message) -> None:
        self._from_app.append(message)
        self._readable.set()
