"""Enumerations for processes: `ProcessState`, `RestartOrder`."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class RestartOrder(StrEnum):
    """Whether a process stops before or after its successor starts.

    Workers of this package always start first.
    """

    SHUTDOWN_FIRST = "SHUTDOWN_FIRST"
    STARTUP_FIRST = "STARTUP_FIRST"


class ProcessState(IntEnum):
    """The state of a process, in order; `app.m.workers` contains the names."""

    NONE = 1
    IDLE = 2
    RESTARTING = 3
    STARTING = 4
    STARTED = 5
    ACKED = 6
    JOINED = 7
    TERMINATED = 8
    FAILED = 9
    COMPLETED = 10


__all__ = ["ProcessState", "RestartOrder"]
