"""The websocket of `TestClient`: its methods block until the application has answered."""

import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import requests
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocketDisconnect

from sanic_star.testing._asgi.conversation import ABNORMAL, Conversation
from sanic_star.testing._asgi.server import Server

__all__ = ["WebSocketDenialResponse", "WebSocketSession", "denial", "handshake_headers"]

Headers = list[tuple[bytes, bytes]]
# The maximum length of a response body in messages, in characters: the text of an error page without its style sheet.
_MAX_SHOWN_LENGTH = 300
MakeResponse = Callable[[int, Headers, io.BufferedIOBase], requests.Response]


class WebSocketDenialResponse(WebSocketDisconnect):
    """The application has answered the handshake with a response instead of accepting it.

    Args:
        response: the response; as from a server, its status is 403 if the application closed the websocket instead.
        code: the close code.
        reason: the close reason.
    """

    def __init__(self, response: requests.Response, code: int = ABNORMAL, reason: str | None = None) -> None:
        super().__init__(code, reason)
        self.response = response

    def __str__(self) -> str:
        if self.code != ABNORMAL:
            close = f"code {self.code}, reason {self.reason!r}"
            return f"the application rejected the handshake: {close}; a client gets status 403"
        status = self.response.status_code
        return f"the application answered the handshake with status {status} and the body {self._body()!r}"

    def __repr__(self) -> str:
        details = repr(self._body()) if self.code == ABNORMAL else f"code={self.code}, reason={self.reason!r}"
        return f"{type(self).__name__}({self.response.status_code}, {details})"

    def _body(self) -> str:
        text = self.response.text
        return text if len(text) <= _MAX_SHOWN_LENGTH else text[:_MAX_SHOWN_LENGTH] + "…"


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
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # the example of RFC 6455, section 1.3
        "Sec-WebSocket-Version": "13",
        **({"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}),
    }


class WebSocketSession:
    """A websocket to an application, returned by `TestClient.websocket_connect`; use it in a `with` block.

    Args:
        app: the ASGI application.
        scope: the scope of the handshake.
        server: runs the application in its event loop.
        make_response: returns the response for a status, headers and a body.
        raise_app_exceptions: whether exceptions of the application reach the test.

    Attributes:
        accepted_subprotocol: the subprotocol that the application has selected.
        extra_headers: the headers of its response to the handshake.
        scope: the scope of the handshake.
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
        # The response stores its cookies in the client.
        self._make_response(101, self.extra_headers, io.BytesIO())
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def send(self, message: Message) -> None:
        """Send an ASGI message to the application unchanged.

        Args:
            message: the message, for example `{"type": "websocket.receive", "text": "Hello"}`.

        Raises:
            WebSocketDisconnect: the websocket is closed.
        """
        self._server.run(self._conversation.deliver(message))

    def send_text(self, data: str) -> None:
        """Send a text message.

        Args:
            data: the text.

        Raises:
            Exception: any exception of the application.
        """
        self.send({"type": "websocket.receive", "text": data})

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message.

        Args:
            data: the content.

        Raises:
            Exception: any exception of the application.
        """
        self.send({"type": "websocket.receive", "bytes": data})

    def send_json(self, data: Any, mode: Literal["text", "binary"] = "text") -> None:
        """Send a JSON document as a text or a binary message.

        Args:
            data: any object that `json.dumps` accepts.
            mode: `text` or `binary`, the type of the message.

        Raises:
            TypeError: the object cannot be serialised as JSON.
        """
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        if mode == "text":
            self.send_text(text)
        else:
            self.send_bytes(text.encode())

    def receive(self, timeout: float | None = None) -> Message:
        """Wait for the application's next ASGI message: `websocket.send`, or once `websocket.close`.

        Args:
            timeout: how long to wait, in seconds; by default, the time limit of the test clients.

        Raises:
            TimeoutError: no message arrived in time.
            WebSocketDisconnect: the websocket is closed.
            Exception: any exception of the application.
        """
        return self._server.run(self._conversation.next_message(timeout))

    def receive_text(self, timeout: float | None = None) -> str:
        """Wait for a text message, and return it.

        Args:
            timeout: how long to wait, in seconds; by default, the time limit of the test clients.

        Raises:
            TypeError: a binary message has arrived.
            TimeoutError, WebSocketDisconnect, Exception: see `receive`.
        """
        return self._receive_data("text", timeout)  # type: ignore[no-any-return]

    def receive_bytes(self, timeout: float | None = None) -> bytes:
        """Wait for a binary message, and return it.

        Args:
            timeout: how long to wait, in seconds; by default, the time limit of the test clients.

        Raises:
            TypeError: a text message has arrived.
            TimeoutError, WebSocketDisconnect, Exception: see `receive`.
        """
        return self._receive_data("bytes", timeout)  # type: ignore[no-any-return]

    def receive_json(self, mode: Literal["text", "binary"] = "text", timeout: float | None = None) -> Any:
        """Wait for a message that is a JSON document, and return its value.

        Args:
            mode: `text` or `binary`, the expected type of the message.
            timeout: how long to wait, in seconds; by default, the time limit of the test clients.

        Raises:
            ValueError: the message is not a JSON document.
            TypeError: the message is of the other type.
            TimeoutError, WebSocketDisconnect, Exception: see `receive`.
        """
        return json.loads(self._receive_data("text" if mode == "text" else "bytes", timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the websocket, and wait until the application has finished.

        Args:
            code: the close code, 1000 to 4999.
            reason: the close reason.

        Raises:
            Exception: any exception of the application.
        """
        self._server.run(self._conversation.leave(code, reason))

    def _receive_data(self, kind: str, timeout: float | None) -> Any:
        message = self.receive(timeout)
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message.get("code", 1000), message.get("reason") or "")
        if message.get(kind) is None:
            raise TypeError(f"the application sent {'text' if kind == 'bytes' else 'bytes'}, not {kind}")
        return message[kind]


if not TYPE_CHECKING:

    def __getattr__(name):
        # `sanic_testing.websocket` is this module, unless `sanic_testing.websocket` itself was imported.
        if name not in ("WebsocketProxy", "websocket_proxy"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from sanic_star.testing._sanic_testing import proxy

        return getattr(proxy, name)
