"""A client that speaks websockets frame by frame, also invalid ones, and records the server's frames."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

# Seconds until a conversation counts as hanging, far above the time of any on a slow machine.
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Parts:
    """One message in several frames."""

    parts: tuple[str | bytes, ...]


@dataclass(frozen=True)
class Frame:
    """The bytes of one frame, also of an invalid one (RFC 6455, section 5.2)."""

    opcode: int
    data: bytes = b""
    fin: bool = True
    rsv1: bool = False
    masked: bool = True

    def serialize(self) -> bytes:
        """Return its bytes."""
        head = bytes([self.fin << 7 | self.rsv1 << 6 | self.opcode])
        size, mask = len(self.data), self.masked << 7
        if size < 126:
            head += bytes([mask | size])
        else:
            head += (
                bytes([mask | 126]) + struct.pack("!H", size)
                if size < 65536
                else bytes([mask | 127]) + struct.pack("!Q", size)
            )
        # A mask of zeros does not change the data.
        return head + (bytes(4) if self.masked else b"") + self.data


@dataclass(frozen=True)
class Raw:
    """Bytes."""

    data: bytes


@dataclass(frozen=True)
class Expect:
    """Wait for a number of frames from the server."""

    count: int = 1


@dataclass(frozen=True)
class Close:
    """Send a close frame."""

    code: int | None = 1000
    reason: str = ""


@dataclass(frozen=True)
class Ping:
    """Send a ping."""

    data: bytes = b""


@dataclass(frozen=True)
class Pong:
    """Send an unsolicited pong."""

    data: bytes = b""


@dataclass(frozen=True)
class HalfClose:
    """End the client's direction of the connection."""


@dataclass(frozen=True)
class Leave:
    """Close the connection without a close frame; `reset` sends a TCP reset."""

    reset: bool = False


@dataclass(frozen=True)
class Pause:
    """Do nothing for a number of seconds."""

    seconds: float


Move = str | bytes | Parts | Frame | Raw | Expect | Close | Ping | Pong | HalfClose | Leave | Pause


@dataclass
class Client:
    """One connection.

    Args:
        port: of the server on 127.0.0.1.
        path: with the query.
        subprotocols: those that are offered.
    """

    port: int
    path: str
    subprotocols: Sequence[str] = ()
    transcript: list[str] = field(default_factory=list)

    def play(self, moves: Iterable[Move]) -> list[str]:
        """Open the websocket, make the moves, read to the end; return the received frames."""
        self._deadline = time.monotonic() + TIMEOUT_S
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S) as self._socket:
            try:
                if self._open():
                    for move in moves:
                        self._make(move)
                        if isinstance(move, Leave):
                            return self.transcript
                    while self._read():
                        pass
            except TimeoutError:
                self.transcript.append(f"nothing for {TIMEOUT_S:g} s")
        return self.transcript

    def _open(self) -> bool:
        uri = parse_uri(f"ws://127.0.0.1:{self.port}{self.path}")
        offered = [Subprotocol(name) for name in self.subprotocols] or None
        self._protocol = ClientProtocol(uri, subprotocols=offered)
        request = self._protocol.connect()
        request.headers["user-agent"] = "conversation"
        self._protocol.send_request(request)
        self._flush()
        self._handled, self._expected, self._ended = 0, 0, False
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            if not self._read(counts=False):
                break
        if self._protocol.handshake_exc is None and self._protocol.state is not State.CONNECTING:
            self.transcript.append(f"open {self._protocol.subprotocol or ''}".rstrip())
            self._note(self._early)
            return True
        error = self._protocol.handshake_exc
        if isinstance(error, InvalidStatus):
            self.transcript.append(f"refused {error.response.status_code}")
        else:
            self.transcript.append(f"no handshake: {type(error).__name__}")
        return False

    def _make(self, move: Move) -> None:
        protocol = self._protocol
        if isinstance(move, Expect):
            # Frames may arrive with the response to the handshake.
            self._expected += move.count
            while self._handled < self._expected and self._read():
                pass
        elif isinstance(move, Pause):
            time.sleep(move.seconds)
        elif isinstance(move, HalfClose):
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        elif isinstance(move, Leave):
            if move.reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.close()
        elif isinstance(move, Raw):
            self._send(move.data)
        elif isinstance(move, Frame):
            self._send(move.serialize())
        elif protocol.state is not State.OPEN:
            pass
        elif isinstance(move, str):
            protocol.send_text(move.encode())
        elif isinstance(move, bytes):
            protocol.send_binary(move)
        elif isinstance(move, Parts):
            for number, part in enumerate(move.parts):
                data = part.encode() if isinstance(part, str) else part
                opcode = Opcode.CONT if number else Opcode.TEXT if isinstance(part, str) else Opcode.BINARY
                self._send(WireFrame(opcode, data, number == len(move.parts) - 1).serialize(mask=True))
        elif isinstance(move, Close):
            protocol.send_close(move.code, move.reason)
        elif isinstance(move, Ping):
            protocol.send_ping(move.data)
        else:
            protocol.send_pong(move.data)
        if not isinstance(move, Leave):
            self._flush()

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._send(data)

    def _read(self, counts: bool = True) -> bool:
        """Read and record the available frames; return whether there may be more."""
        if self._ended:
            return False
        self._socket.settimeout(max(0.01, self._deadline - time.monotonic()))
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._ended = True
            self._protocol.receive_eof()
        events = self._protocol.events_received()
        self._flush()
        frames = [event for event in events if not isinstance(event, Response)]
        if counts:
            self._note(frames)
            if not data:
                self.transcript.append("end")
        else:
            self._early = frames
        return bool(data)

    def _note(self, frames: Sequence[object]) -> None:
        for frame in frames:
            assert isinstance(frame, WireFrame)
            self._handled += 1
            name = frame.opcode.name.lower()
            if frame.opcode is Opcode.CLOSE:
                closing = self._protocol.close_rcvd
                assert closing is not None
                self.transcript.append(f"close {int(closing.code)} {closing.reason!r}")
            elif frame.opcode is Opcode.TEXT:
                self.transcript.append(f"text {_short(bytes(frame.data).decode())}")
            elif frame.opcode is Opcode.PING and len(frame.data) == 4:
                self.transcript.append("ping of four random bytes")
            else:
                self.transcript.append(f"{name} {_short(bytes(frame.data))}")


def _short(data: str | bytes) -> str:
    return repr(data) if len(data) <= 200 else f"{data[:20]!r}… ({len(data)})"
