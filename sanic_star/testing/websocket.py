"""A websocket as a test holds it, and the server's side of it.

``WebSocketSession`` blocks; ``_Conversation`` is what runs on the loop. An app that sends faster than the test reads
has to wait, as on a socket. When the app is over without a close, the test sees code 1006, as a client of uvicorn does.
"""

import asyncio
import io
import json
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Literal, Self

import requests
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocketDisconnect

from sanic_star.testing.server import Server

__all__ = ["WebSocketDenialResponse", "WebSocketSession"]

# Messages that an app may send ahead of the test's reading.
_HIGH_WATER = 1_000

# How long an app that does not notice that its client has left may keep the test waiting, in seconds.
_LEAVE_GRACE = 1.0

# RFC 6455, 7.4.1: the connection broke without a close frame.
_ABNORMAL = 1006

Headers = list[tuple[bytes, bytes]]


class WebSocketDenialResponse(WebSocketDisconnect):
    """The app has answered the handshake with a response instead of accepting it.

    Args:
        response: what it answered; 403 when it closed the websocket before accepting it, as servers do.
        code: the code it closed with.
        reason: the reason it gave.
    """

    def __init__(self, response: requests.Response, code: int = _ABNORMAL, reason: str | None = None) -> None:
        super().__init__(code, reason)
        self.response = response

    def __str__(self) -> str:
        return f"the app answered the handshake with {self.response.status_code} (code {self.code}, {self.reason!r})"


class WebSocketSession:
    """Talk to an app over a websocket; made by ``TestClient.websocket_connect`` and used in a ``with`` block.

    Attributes:
        accepted_subprotocol: the subprotocol that the app has chosen.
        extra_headers: the headers with which it accepted.
        scope: the handshake's scope.
    """

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        server: Server,
        make_response: Callable[[int, Headers, io.BufferedIOBase], requests.Response],
        *,
        raise_app_exceptions: bool,
    ) -> None:
        self.scope = scope
        self.accepted_subprotocol: str | None = None
        self.extra_headers: Headers = []
        self._server = server
        self._make_response = make_response
        self._conversation = _Conversation(app, scope, raise_app_exceptions)

    def __enter__(self) -> Self:
        self._server.keep(self._conversation)
        message = self._server.run(self._conversation.connect())
        if message["type"] == "websocket.accept":
            self.accepted_subprotocol = message.get("subprotocol")
            self.extra_headers = list(message.get("headers", ()))
            # Only for its cookies, which go to the client's jar as those of a response do.
            self._make_response(101, self.extra_headers, io.BytesIO())
            return self
        self._server.run(self._conversation.leave())
        if message["type"] == "websocket.close":
            denial = self._make_response(403, [], io.BytesIO())
            raise WebSocketDenialResponse(denial, message.get("code", 1000), message.get("reason"))
        denial = self._make_response(message["status"], message["headers"], io.BytesIO(message["body"]))
        raise WebSocketDenialResponse(denial)

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def send(self, message: Message) -> None:
        """Send an ASGI message to the app, as it is."""
        self._server.run(self._conversation.give(message))

    def send_text(self, data: str) -> None:
        """Send a text message."""
        self.send({"type": "websocket.receive", "text": data})

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self.send({"type": "websocket.receive", "bytes": data})

    def send_json(self, data: Any, mode: Literal["text", "binary"] = "text") -> None:
        """Send a JSON document as a text or a binary message."""
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        if mode == "text":
            self.send_text(text)
        else:
            self.send_bytes(text.encode())

    def receive(self, timeout: float | None = None) -> Message:
        """Wait for the app's next ASGI message: ``websocket.send``, or ``websocket.close`` once.

        Args:
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: nothing came in time.
            WebSocketDisconnect: the websocket was closed before.
            Exception: the app's own.
        """
        return self._server.run(self._conversation.take(timeout))

    def receive_text(self, timeout: float | None = None) -> str:
        """Wait for a text message; raises as ``receive`` does, and TypeError when a binary one comes."""
        return self._receive_data("text", timeout)  # type: ignore[no-any-return]

    def receive_bytes(self, timeout: float | None = None) -> bytes:
        """Wait for a binary message; raises as ``receive`` does, and TypeError when a text comes."""
        return self._receive_data("bytes", timeout)  # type: ignore[no-any-return]

    def receive_json(self, mode: Literal["text", "binary"] = "text", timeout: float | None = None) -> Any:
        """Wait for a JSON document; raises as ``receive_text`` or ``receive_bytes``, and ValueError when it is none."""
        return json.loads(self._receive_data("text" if mode == "text" else "bytes", timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket, and let the app come to its end.

        Raises:
            Exception: the app's own.
        """
        self._server.run(self._conversation.leave(code, reason))

    def _receive_data(self, kind: str, timeout: float | None) -> Any:
        message = self.receive(timeout)
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message.get("code", 1000), message.get("reason") or "")
        if message.get(kind) is None:
            raise TypeError(f"the app sent {'text' if kind == 'bytes' else 'bytes'}, not {kind}")
        return message[kind]


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


class _Conversation:
    """Carry one websocket's messages between an app and the test."""

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

    async def connect(self) -> Message:
        """Offer the handshake, and give what the app says to it: accept, close or a whole denial response."""
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run())
        await self._news()
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
        """Wait for the app's next message; see ``WebSocketSession.receive``."""
        if self._over is not None:
            raise self._over
        async with asyncio.timeout(seconds):
            await self._news()
        if not self._from_app:
            self._over = WebSocketDisconnect(_ABNORMAL)
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
            await asyncio.wait((self._task,), timeout=_LEAVE_GRACE)
            self._check()

    async def _news(self) -> None:
        while not self._from_app and not self.ended:
            self._readable.clear()
            await self._readable.wait()

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
