"""In which mode an application runs, under which server, and how far its start is."""

from __future__ import annotations

from enum import IntEnum, StrEnum, auto

__all__ = ["Mode", "Server", "ServerStage", "StrEnum"]


class Server(StrEnum):
    """Who serves the application: `app.run`, or an ASGI server that imported it."""

    SANIC = auto()
    ASGI = auto()


class Mode(StrEnum):
    """Whether errors are explained to the client."""

    PRODUCTION = auto()
    DEBUG = auto()


class ServerStage(IntEnum):
    """How far the start of a server is."""

    STOPPED = auto()
    PARTIAL = auto()
    SERVING = auto()
