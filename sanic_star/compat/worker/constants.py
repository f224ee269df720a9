"""Words for processes: `ProcessState`, `RestartOrder`."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class RestartOrder(StrEnum):
    """Whether a process stops before its successor starts.

    Workers of this package always start first.
    """

    SHUTDOWN_FIRST = "SHUTDOWN_FIRST"
    STARTUP_FIRST = "STARTUP_FIRST"


class ProcessState(IntEnum):
    """What a process does, in the order of its life; `app.m.workers` has the names."""

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
