"""`Message`: a published value, which is encoded once for all subscribers and websockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from sanic_star.compat._support.json import loads

# Text, bytes, or a value as JSON. A message to another process contains the letter.
Kind: TypeAlias = Literal["t", "b", "j"]


class Message:
    """A published message, encoded.

    Args:
        kind: `t` for text, `b` for bytes, `j` for any other value.
        data: the text or the bytes; the JSON of any other value, as text.
    """

    __slots__ = ("_frame", "data", "kind")

    def __init__(self, kind: Kind, data: str | bytes) -> None:
        self.kind = kind
        self.data = data
        self._frame: bytes | None = None

    @classmethod
    def of(cls, value: Any, dumps: Callable[[Any], str | bytes]) -> Message:
        """Encode a value.

        Args:
            value: text, bytes, `bytearray`, `memoryview`, or a value that can be written as JSON.
            dumps: writes JSON, as text or bytes.

        Raises:
            TypeError, ValueError: the value cannot be written as JSON; or another error of `dumps`.
        """
        if isinstance(value, str):
            # A lone surrogate cannot be sent: the publisher gets the exception, and not each subscriber.
            value.encode()
            return cls("t", value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return cls("b", bytes(value))
        json_data = dumps(value)
        return cls("j", json_data if isinstance(json_data, str) else json_data.decode())

    def value(self) -> Any:
        """Return the published value; JSON is decoded for each call, so that subscribers do not share an object."""
        return loads(self.data) if self.kind == "j" else self.data

    @property
    def frame(self) -> bytes:
        """The message as a websocket frame of a server (RFC 6455, section 5.2): final, and not masked.

        It is not compressed, so that all connections get the same bytes. An endpoint may also send such frames on a
        connection with compression (RFC 7692, section 6).
        """
        if self._frame is None:
            # Imported late: installed with `uvicorn[standard]`, and used only for websockets of uvicorn.
            from websockets.frames import Frame, Opcode

            data = self.data
            if isinstance(data, str):
                self._frame = Frame(Opcode.TEXT, data.encode()).serialize(mask=False)
            else:
                self._frame = Frame(Opcode.BINARY, data).serialize(mask=False)
        return self._frame
