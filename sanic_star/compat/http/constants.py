"""Versions of HTTP, and the stages of a request on Sanic's own server."""

from __future__ import annotations

from enum import Enum, IntEnum


class Stage(Enum):
    """The stage of a request on Sanic's own server; unused under ASGI."""

    IDLE = 0
    REQUEST = 1
    HANDLER = 3
    RESPONSE = 4
    FAILED = 100


class HTTP(IntEnum):
    """A version of HTTP, for `app.run(version=…)`."""

    VERSION_1 = 1
    VERSION_3 = 3

    def display(self) -> str:
        """Return its name.

        Examples:
            >>> HTTP.VERSION_1.display()
            'HTTP/1.1'
        """
        return "HTTP/1.1" if self is HTTP.VERSION_1 else f"HTTP/{self.value}"
