"""A websocket as a test holds it: calls that block until the app has answered."""

import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import requests
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocketDisconnect

from sanic_star.testing._asgi.conversation import ABNORMAL, Conversation
from sanic_star.testing._asgi.server import Server

__all__ = ["WebSocketDenialResponse", "WebSocketSession", "denial", "handshake_headers"]

Headers = list[tuple[bytes, bytes]]
# How many characters of a response body a message shows: the text of an error page, without its style sheet.
_SHOWN_BODY = 300
MakeResponse = Callable[[int, Headers, io.BufferedIOBase], requests.Response]


class WebSocketDenialResponse(WebSocketDisconnect):
    """The app has answered the handshake with a response instead of accepting it.

    Args:
        response: what it answered; 403 when it closed the websocket before accepting it, as servers do.
        code: the code it closed with.
        reason: the reason it gave.
    """

    def __init__(self, response: requests.Response, code: int = ABNORMAL, reason: str | None = None) -> None:
        super().__init__(code, reason)
        self.response = response

    def __str__(self) -> str:
        if self.code != ABNORMAL:
            return f"the app refused the handshake: code {self.code}, reason {self.reason!r}; a client gets status 403"
        return f"the app answered the handshake with status {self.response.status_code} and the body {self._body()!r}"

    def __repr__(self) -> str:
        details = repr(self._body()) if self.code == ABNORMAL else f"code={self.code}, reason={self.reason!r}"
        return f"{type(self).__name__}({self.response.status_code}, {details})"

    def _body(self) -> str:
        text = self.response.text
        return text if len(text) <= _SHOWN_BODY else text[:_SHOWN_BODY] + "…"


def denial(message: Message, make_response: MakeResponse) -> WebSocketDenialResponse:
    """Return the exception for an application that has not accepted a handshake.

    Args:
        message: the application's ASGI message: a close, or a response with status, headers and body.
        make_response: returns the response for a status, headers and a body.
    """
    if message["type"] == "websocket.close":
        code, reason = message.get("code", 1000), message.get("reason")
        return WebSocketDenialResponse(make_response(403, [], io.BytesIO()), code, reason)
    return WebSocketDenialResponse(make_response(message["status"], message["headers"], io.BytesIO(message["body"])))


def handshake_headers(subprotocols: Sequence[str] | None) -> dict[str, str]:
    """Return the headers that turn a GET request into a websocket handshake (RFC 6455, section 4.1).

    Args:
        subprotocols: the subprotocols that the client offers, the preferred one first.
    """
    return {
        "Connection": "upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # the sample of RFC 6455, 1.3
        "Sec-WebSocket-Version": "13",
        **({"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}),
    }


class WebSocketSession:
    """Talk to an app over a websocket; made by ``TestClient.websocket_connect`` and used in a ``with`` block.

    Args:
        app: the ASGI application.
        scope: the scope of the handshake.
        server: runs the application in its event loop.
        make_response: returns the response for a status, headers and a body.
        raise_app_exceptions: whether exceptions of the application reach the test.

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
        make_response: MakeResponse,
        *,
        raise_app_exceptions: bool,
    ) -> None:
        self.scope = scope
        self.accepted_subprotocol: str | None = None
        self.extra_headers: Headers = []
        self._server = server
        self._make_response = make_response
        self._conversation = Conversation(app, scope, raise_app_exceptions)

    def __enter__(self) -> Self:
        self._server.keep(self._conversation)
        message = self._server.run(self._conversation.connect())
        if message["type"] != "websocket.accept":
            self._server.run(self._conversation.leave())
            raise denial(message, self._make_response)
        self.accepted_subprotocol = message.get("subprotocol")
        self.extra_headers = list(message.get("headers", ()))
        # Only for its cookies, which go to the client's jar as those of a response do.
        self._make_response(101, self.extra_headers, io.BytesIO())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def send(self, message: Message) -> None:
        """Send an ASGI message to the app, as it is."""
        self._server.run(self._conversation.give(message))

    def send_text(self, data: str) -> None:
        """Send a text message.

        Args:
            data: the text.

        Raises:
            Exception: the application's own.
        """
        self.send({"type": "websocket.receive", "text": data})

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message.

        Args:
            data: the content.

        Raises:
            Exception: the application's own.
        """
        self.send({"type": "websocket.receive", "bytes": data})

    def send_json(self, data: Any, mode: Literal["text", "binary"] = "text") -> None:
        """Send a JSON document as a text or a binary message.

        Args:
            data: the object; `json.dumps` has to be able to write it.
            mode: `text` or `binary`, the type of the message.

        Raises:
            TypeError: the object cannot be written as JSON.
        """
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
        """Wait for a text message, and return it.

        Args:
            timeout: how long to wait, in seconds; `None` waits without a limit.

        Raises:
            TypeError: a binary message has arrived.
            TimeoutError, WebSocketDisconnect, Exception: see ``receive``.
        """
        return self._receive_data("text", timeout)  # type: ignore[no-any-return]

    def receive_bytes(self, timeout: float | None = None) -> bytes:
        """Wait for a binary message, and return it.

        Args:
            timeout: how long to wait, in seconds; `None` waits without a limit.

        Raises:
            TypeError: a text message has arrived.
            TimeoutError, WebSocketDisconnect, Exception: see ``receive``.
        """
        return self._receive_data("bytes", timeout)  # type: ignore[no-any-return]

    def receive_json(self, mode: Literal["text", "binary"] = "text", timeout: float | None = None) -> Any:
        """Wait for a message that is a JSON document, and return its value.

        Args:
            mode: `text` or `binary`, the expected type of the message.
            timeout: how long to wait, in seconds; `None` waits without a limit.

        Raises:
            ValueError: the message is not a JSON document.
            TypeError: the message is of the other type.
            TimeoutError, WebSocketDisconnect, Exception: see ``receive``.
        """
        return json.loads(self._receive_data("text" if mode == "text" else "bytes", timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket, and wait until the application has finished.

        Args:
            code: the close code, 1000 to 4999.
            reason: the close reason.

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
