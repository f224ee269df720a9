"""Protocols for annotations: what can show itself as HTML, the range of a file, a connection's transport."""

from __future__ import annotations

from asyncio import BaseTransport
from typing import Any, Protocol


class HTMLProtocol(Protocol):
    """An object that knows its HTML, for `html()`."""

    def __html__(self) -> str | bytes:
        """Return it."""

    def _repr_html_(self) -> str | bytes: ...


class Range(Protocol):
    """A part of a file, for `file(_range=…)`; positions in bytes."""

    start: int | None
    end: int | None
    size: int | None
    total: int | None


class TransportProtocol(BaseTransport):
    """A connection's transport, which knows its protocol and the application."""

    scope: Any
    __slots__ = ()
