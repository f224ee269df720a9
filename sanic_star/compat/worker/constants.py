"""How workers are restarted, and the states of a process."""

from __future__ import annotations

from enum import IntEnum, auto

from sanic_star.compat.compat import UpperStrEnum


class RestartOrder(UpperStrEnum):
    """Whether a worker ends before its successor starts."""

    SHUTDOWN_FIRST = auto()
    STARTUP_FIRST = auto()


class ProcessState(IntEnum):
    """How far a process is in its life."""

    NONE = auto()
    IDLE = auto()
    RESTARTING = auto()
    STARTING = auto()
    STARTED = auto()
    ACKED = auto()
    JOINED = auto()
    TERMINATED = auto()
    FAILED = auto()
    COMPLETED = auto()
