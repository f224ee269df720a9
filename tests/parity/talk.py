"""Steps that talk over a websocket, and record the replies."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.parity.wire import HOST, NO_ANSWER, Answer


@dataclass(frozen=True)
class Talk:
    """A connection on which each message is sent and one reply awaited; its answer's body is the transcript."""

    path: str
    messages: tuple[str | bytes, ...]
    replies: int
    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocols: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"WEBSOCKET {self.path} {list(self.messages)}"

    def play(self, port: int, seconds: float) -> list[Answer]:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        except ConnectionRefusedError:
            return [Answer(0, note=NO_ANSWER)]
        with connection:
            try:
                return [self._talk(connection, seconds)]
            except InvalidStatus as refusal:
                response = refusal.response
                pairs = tuple((name.lower(), value) for name, value in response.headers.raw_items())
                return [Answer(response.status_code, pairs, bytes(response.body or b""))]
            except TimeoutError:
                return [Answer(0, note=f"no answer within {seconds:g} s")]
            except InvalidHandshake as failure:
                return [Answer(0, note=f"{type(failure).__name__}: {failure}")]

    def _talk(self, connection: socket.socket, seconds: float) -> Answer:
        transcript: list[str] = []
        with connect(
            f"ws://{HOST}{self.path}",
            sock=connection,
            compression=None,
            subprotocols=[Subprotocol(name) for name in self.subprotocols] or None,
            additional_headers=dict(self.headers),
            user_agent_header=None,
            open_timeout=seconds,
            close_timeout=seconds,
            ping_interval=None,
        ) as client:
            try:
                for message in self.messages:
                    client.send(message)
                for _ in range(self.replies):
                    reply = client.recv(seconds)
                    transcript.append(f"received {reply!r}")
                client.close(1000, "bye")
                transcript.append("client closed")
            except ConnectionClosed as closed:
                code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
                transcript.append(f"server closed {int(code)} {reason!r}")
            assert client.response
            pairs = tuple((name.lower(), value) for name, value in client.response.headers.raw_items())
        return Answer(101, pairs, "\n".join(transcript).encode())


def websocket(
    path: str,
    *messages: str | bytes,
    replies: int | None = None,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
) -> Talk:
    """Open a websocket, send the messages, read the replies, and close unless the server did.

    Args:
        path: The target with its query.
        messages: Text or bytes, sent at once.
        replies: The number of messages to await, by default the number of sent ones.
        headers: Added to the handshake.
        subprotocols: Offered in the handshake.
    """
    count = len(messages) if replies is None else replies
    return Talk(path, messages, count, headers or {}, tuple(subprotocols))
