"""ASGI by hand: scopes, and the server's side of one exchange."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Scope


def http_scope(path: str = "/", method: str = "GET", **fields: Any) -> Scope:
    """Make the scope of a request as uvicorn does, with the decoded path and the raw one."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        **fields,
    }
    return {key: value for key, value in scope.items() if value is not None}


def websocket_scope(path: str = "/", **fields: Any) -> Scope:
    """Make the scope of a websocket's handshake."""
    scope = {**http_scope(path), "type": "websocket", "scheme": "ws", "subprotocols": [], **fields}
    del scope["method"]
    return scope


class Peer:
    """The server's side of an exchange: provides the body's chunks, records the sent messages, may disconnect.

    Args:
        chunks: the parts of the request's body.
    """

    def __init__(self, chunks: Iterable[bytes] = (b"",)) -> None:
        parts = list(chunks)
        self.messages: list[Message] = [
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]
        self.gone = asyncio.Event()
        self.sent: list[Message] = []
        self.news = asyncio.Event()

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.news.set()

    async def until(self, count: int) -> None:
        """Wait until `count` messages have been sent."""
        while len(self.sent) < count:
            self.news.clear()
            await self.news.wait()

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def complete(self) -> bool:
        return self.sent[-1]["type"] == "http.response.body" and not self.sent[-1].get("more_body")


async def ask(app: ASGIApp, scope: Scope, chunks: Iterable[bytes] = (b"",)) -> Peer:
    """Send one request to an app, and return the server's side with its messages."""
    peer = Peer(chunks)
    await app(scope, peer.receive, peer.send)
    return peer


class Life:
    """The server's side of a lifespan, as an asynchronous context manager.

    Args:
        app: the ASGI app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.state: dict[str, Any] = {}

    async def send_event(self, event: str) -> Message:
        """Send one message, and return the answer."""
        await self.inbox.put({"type": f"lifespan.{event}"})
        return await self.outbox.get()

    async def fail(self) -> Message:
        """Start an application whose start-up fails; return its message, and raise the exception that it raised."""
        await self.__aenter__()
        await asyncio.wait({self.task})
        self.task.result()
        return self.started

    async def __aenter__(self) -> "Life":
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        self.task = asyncio.ensure_future(self.app(scope, self.inbox.get, self.outbox.put))
        self.started = await self.send_event("startup")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.stopped = await self.send_event("shutdown") if not self.task.done() else None
        await self.task
