"""One websocket, from the server's side of ASGI.

If an application sends faster than the test reads, it has to wait, as on a socket. If it ends without a close, the test
gets code 1006, like a client of uvicorn. After the client has left (`leave`), `send` raises `OSError`. An exception
that the application raises for that reason is not reported.
"""

import asyncio
from collections import deque
from enum import Enum, auto

from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocketDisconnect

from sanic_star.testing._asgi.exchange import LEAVE_GRACE_S
from sanic_star.testing._sanic_testing.response import ResponseHeaders, headers_of
from sanic_star.testing.deadline import DeadlineExceeded, deadline, place_of

__all__ = ["ABNORMAL", "Conversation"]

# The maximum number of unread messages, after which the application has to wait.
MAX_BUFFERED_MESSAGES = 1_000

# RFC 6455, 7.4.1: the connection broke without a close frame.
ABNORMAL = 1006


class _Stage(Enum):
    CONNECTING = auto()
    DENYING = auto()
    OPEN = auto()
    CLOSED = auto()


# The messages that an application may send at each stage.
_ALLOWED = {
    _Stage.CONNECTING: {"websocket.accept", "websocket.close", "websocket.http.response.start"},
    _Stage.DENYING: {"websocket.http.response.body"},
    _Stage.OPEN: {"websocket.send", "websocket.close"},
    _Stage.CLOSED: set[str](),
}


class Conversation:
    """Passes the messages of one websocket between an application and a test.

    Args:
        app: the ASGI application.
        scope: the scope of the handshake.
        raise_app_exceptions: whether exceptions of the application are raised in the test; otherwise the websocket just
            ends.

    Attributes:
        ended: whether the application has returned or raised an exception.
    """

    def __init__(self, app: ASGIApp, scope: Scope, raise_app_exceptions: bool) -> None:
        self.ended = False
        self._app = app
        self._scope = scope
        self._raise_app_exceptions = raise_app_exceptions
        self._stage = _Stage.CONNECTING
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: deque[Message] = deque()
        self._denial: Message = {}
        self._disconnect: WebSocketDisconnect | None = None
        self._client_has_left = False
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
        """The close code; `None` until the test has received or sent the close."""
        return None if self._disconnect is None else self._disconnect.code

    @property
    def close_reason(self) -> str | None:
        """The close reason; `None` as for the code."""
        return None if self._disconnect is None else self._disconnect.reason

    async def closed(self) -> None:
        """Wait until the application has closed the websocket or has ended; discard the messages before that."""
        while self._disconnect is None:
            try:
                await self.next_message(None)
            except WebSocketDisconnect:
                break

    async def connect(self) -> Message:
        """Start the application; return its answer to the handshake: accept, close or a complete denial response."""
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run())
        await self._wait_for_message(None)
        if not self._from_app:
            self._raise_error()
            return {"type": "websocket.http.response", "status": 500, "headers": [], "body": b""}
        return self._from_app.popleft()

    async def deliver(self, message: Message) -> None:
        """Pass a message to the application, and let the event loop run once so that it can receive the message.

        Raises:
            WebSocketDisconnect: the test has received or sent the close.
        """
        if self._disconnect is not None:
            raise self._disconnect
        self._to_app.put_nowait(message)
        await asyncio.sleep(0)

    async def next_message(self, seconds: float | None) -> Message:
        """Wait for the application's next message: `websocket.send`, or once `websocket.close`.

        Args:
            seconds: the time limit; by default the value of `deadline()`.

        Raises:
            WebSocketDisconnect: the websocket is closed, or the application has ended.
            DeadlineExceeded: no message arrived in time.
            Exception: any exception of the application, if it has ended.
        """
        if self._disconnect is not None:
            raise self._disconnect
        await self._wait_for_message(seconds)
        if not self._from_app:
            self._disconnect = WebSocketDisconnect(ABNORMAL)
            self._raise_error()
            raise self._disconnect
        self._writable.set()
        message = self._from_app.popleft()
        if message["type"] == "websocket.close":
            self._disconnect = WebSocketDisconnect(message.get("code", 1000), message.get("reason") or "")
        return message

    async def leave(self, code: int = 1012, reason: str = "") -> None:
        """Close the websocket as its client; 1012 is the code with which servers close at their shutdown."""
        if not self._client_has_left:
            self._client_has_left = True
            self._disconnect = self._disconnect or WebSocketDisconnect(code, reason)
            self._writable.set()
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=LEAVE_GRACE_S)
            self._raise_error()

    async def _wait_for_message(self, seconds: float | None) -> None:
        limit = deadline() if seconds is None else seconds
        try:
            async with asyncio.timeout(limit):
                while not self._from_app and not self.ended:
                    self._readable.clear()
                    await self._readable.wait()
        except TimeoutError:
            assert self._task is not None
            subject = f"nothing came through the websocket {self._scope['path']} within {limit:g} s"
            raise DeadlineExceeded(f"{subject}: the application waits {place_of(self._task)}") from None

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None and self._raise_app_exceptions:
            raise error

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._to_app.get, self._send)
            if self._stage in (_Stage.CONNECTING, _Stage.DENYING) and not self._client_has_left:
                raise RuntimeError("the application returned without accepting or denying the websocket")
        except (WebSocketDisconnect, OSError) as error:
            # An application does not have to handle that its client leaves.
            if not self._client_has_left:
                self._error = error
        except Exception as error:
            self._error = error
        finally:
            self.ended = True
            self._readable.set()

    async def _send(self, message: Message) -> None:
        if self._client_has_left:
            raise OSError("the client has closed the connection")
        kind = message["type"]
        if kind not in _ALLOWED[self._stage]:
            raise RuntimeError(f"an application can't send {kind!r} when its websocket is {self._stage.name.lower()}")
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
        elif len(self._from_app) >= MAX_BUFFERED_MESSAGES:
            self._writable.clear()
            await self._writable.wait()

    def _put(self, message: Message) -> None:
        self._from_app.append(message)
        self._readable.set()
