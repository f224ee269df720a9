"""A message on its way: encoded once, however many subscribers and websockets get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from sanic_star.compat._support.json import loads

# Text, bytes, or a value as JSON. A message to another process begins with the letter.
Kind: TypeAlias = Literal["t", "b", "j"]


class Message:
    """What was published, in the form in which it is sent.

    Args:
        kind: which form it has.
        data: bytes, or text; of a value, its JSON.
    """

    __slots__ = ("_frame", "data", "kind")

    def __init__(self, kind: Kind, data: str | bytes) -> None:
        self.kind = kind
        self.data = data
        self._frame: bytes | None = None

    @classmethod
    def of(cls, value: Any, dumps: Callable[[Any], str | bytes]) -> Message:
        """Encode what is published.

        Args:
            value: text, something like bytes, or a value that JSON can hold.
            dumps: writes JSON.

        Raises:
            TypeError, ValueError: JSON cannot hold the value; what `dumps` raises.
        """
        if isinstance(value, str):
            # A lone surrogate cannot be sent; the exception belongs to the publisher, not to each subscriber.
            value.encode()
            return cls("t", value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return cls("b", bytes(value))
        written = dumps(value)
        return cls("j", written if isinstance(written, str) else written.decode())

    def value(self) -> Any:
        """Return what was published; JSON is read anew, so that no subscriber changes the value of another."""
        return loads(self.data) if self.kind == "j" else self.data

    @property
    def frame(self) -> bytes:
        """The websocket frame of this message, as a server sends it (RFC 6455, section 5.2): final, not masked.

        It is not compressed, so that it is the same for all connections. An endpoint may send such frames on a
        connection with compression, too (RFC 7692, section 6).
        """
        if self._frame is None:
            # Comes with `uvicorn[standard]`; loaded where a websocket of uvicorn's is attached.
            from websockets.frames import Frame, Opcode

            data = self.data
            if isinstance(data, str):
                self._frame = Frame(Opcode.TEXT, data.encode()).serialize(mask=False)
            else:
                self._frame = Frame(Opcode.BINARY, data).serialize(mask=False)
        return self._frame
