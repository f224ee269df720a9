"""Protocols for annotations: objects with an HTML form, the range of a file, a connection's transport."""

from __future__ import annotations

from asyncio import BaseTransport
from typing import Any, Protocol


class HTMLProtocol(Protocol):
    """An object with an HTML form, for `html()`."""

    def __html__(self) -> str | bytes:
        """Return the HTML."""

    def _repr_html_(self) -> str | bytes: ...


class Range(Protocol):
    """A part of a file, for `file(_range=…)`; positions in bytes."""

    start: int | None
    end: int | None
    size: int | None
    total: int | None


class TransportProtocol(BaseTransport):
    """A connection's transport, with its protocol and application."""

    scope: Any
    __slots__ = ()
