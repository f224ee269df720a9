"""Enums of an application's state: its mode, its server, and the stage of its start."""

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
