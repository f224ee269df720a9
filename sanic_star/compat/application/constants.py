"""Enums of an application's state: its mode, its server, and the stage of its start."""

from __future__ import annotations

from enum import IntEnum, StrEnum, auto

__all__ = ["Mode", "Server", "ServerStage", "StrEnum"]


class Server(StrEnum):
    """The server of the application: `app.run`, or an ASGI server that imported it."""

    SANIC = auto()
    ASGI = auto()


class Mode(StrEnum):
    """Whether error pages show details."""

    PRODUCTION = auto()
    DEBUG = auto()


class ServerStage(IntEnum):
    """The stage of a server's start."""

    STOPPED = auto()
    PARTIAL = auto()
    SERVING = auto()
