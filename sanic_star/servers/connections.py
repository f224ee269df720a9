"""Time limits of connections, enforced by one sweeper for each server.

A client that connects and sends nothing, or sends its request byte by byte, holds a connection, and their number is
limited. These are the phases of a connection:

| phase | waits for | limits | end after the limit |
|---|---|---|---|
| `SILENT` | the first byte | `request_timeout` and `keep_alive`, the shorter one | close |
| `HEAD` | the rest of a head | `request_timeout` between two bytes, `head_timeout` in all | 408 |
| `BODY` | the rest of a body | `body_timeout` in all, and a second for each `MIN_BODY_RATE` bytes | 408 |
| `PAUSED_BODY` | a handler that reads the body | none; `body_timeout` does not count this time | |
| `ANSWER` | the response, or a client that reads it | none here; `RESPONSE_TIMEOUT` is the application's | |
| `UNREAD_BODY` | the rest of a body that nobody reads: the response is sent | `keep_alive`; `body_timeout` | close |
| `IDLE` | the next request | `keep_alive` | close |

As in `sanic_star.engine.timeouts`, no connection sets a timer. The sweeper checks all connections several times within
the shortest limit. A connection that has the same phase in two checks has been in that phase in between. While there
are only connections of websockets, the sweeper sleeps; the next connection wakes it.

There is no limit on how slowly a client reads a response, because a paused download looks the same as a client that
never reads. Only a 408 that is not read for `request_timeout` is given up.

The limit on open files limits the number of connections. Before the process runs out of files, the sweeper closes
connections that wait for their clients: first those that have waited longest for the rest of a head. (nginx closes idle
connections for the same reason.)
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any

from sanic_star.engine.timeouts import CHECKS_PER_LIMIT, LONGEST_INTERVAL_S, MIN_BODY_RATE, SHORTEST_INTERVAL_S

# The number of files that stay free for the application when connections are closed to make room.
SPARE_FILES = 16
# When connections are closed to make room, one in `ROOM_SHARE` is closed beyond the excess; see `_make_room`.
ROOM_SHARE = 16


class Phase(Enum):
    """What a connection waits for."""

    SILENT = "the first byte"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    PAUSED_BODY = "a handler that reads the body"
    ANSWER = "the response"
    UNREAD_BODY = "the rest of a body that nobody reads"
    IDLE = "the next request"


# The phases whose connections are closed to make room, in this order. `BODY` is last, because the client may be
# sending.
_ROOM = (Phase.HEAD, Phase.SILENT, Phase.UNREAD_BODY, Phase.IDLE, Phase.BODY)


@dataclass(frozen=True)
class Limits:
    """The time limits of connections, in seconds; `None` for no limit.

    Args:
        request_timeout: the limit for the next byte of a head.
        head_timeout: the limit for a whole head.
        body_timeout: the limit for a whole body; each `MIN_BODY_RATE` bytes add a second.
        keep_alive: the limit for the next request; 0 closes the connection after each response.
    """

    request_timeout: float | None
    head_timeout: float | None
    body_timeout: float | None
    keep_alive: float

    @property
    def silent(self) -> float | None:
        """The limit for the first byte of a connection; in Sanic 25.12 it is `KEEP_ALIVE_TIMEOUT`."""
        return min((limit for limit in (self.request_timeout, self.keep_alive) if limit), default=None)

    @property
    def shortest(self) -> float | None:
        """The shortest limit."""
        limits = (self.request_timeout, self.head_timeout, self.body_timeout, self.keep_alive)
        return min((limit for limit in limits if limit), default=None)


class Connection:
    """The part of a server's connection that the sweeper uses.

    Attributes:
        transport: the connection's transport.
        cycle: the current request and its response, as the server represents them; `None` before the first request.
        received: the number of bytes received so far.
        number: the number of this connection among those of the server, from 1.
        since: the time at which the phase began, by the sweeper's clock.
        heard_at: the time at which the last byte arrived, by the sweeper's clock.
        is_refused: whether a 408 was sent.
    """

    transport: Any
    cycle: Any
    received = number = 0

    # The phase at the last check, and its request.
    _former_phase: tuple[Phase | None, Any] = (None, None)
    since = heard_at = 0.0
    # The number of bytes received before the phase began, and at the last check.
    _received_before = _received_at_check = 0
    # Whether empty lines arrived between two requests, which is allowed before a head.
    _has_empty_lines = False
    is_refused = False
    _unsent = 0

    def phase(self) -> Phase:
        """Return what the connection waits for."""
        raise NotImplementedError

    def refuse(self, phase: Phase) -> None:
        """Answer with 408 and close the connection.

        Args:
            phase: the phase of the connection, `HEAD` or `BODY`.
        """
        raise NotImplementedError

    def update_phase(self, now: float, passed: float) -> Phase:
        """Return the phase, and store when it began.

        Args:
            now: the time of the sweeper's clock, in seconds.
            passed: the time since the last check, in seconds.
        """
        phase = self.phase()
        current_phase = (Phase.BODY if phase is Phase.PAUSED_BODY else phase, self.cycle)
        if current_phase != self._former_phase:
            self._former_phase, self._has_empty_lines = current_phase, False
            self.since = self.heard_at = now
            self._received_before = self._received_at_check = self.received
        elif self.received != self._received_at_check:
            self._received_at_check, self.heard_at = self.received, now
            if phase is Phase.IDLE and not self._has_empty_lines:
                self._has_empty_lines, self.since = True, now
        elif phase is Phase.PAUSED_BODY:
            self.since += passed
        return Phase.HEAD if phase is Phase.IDLE and self._has_empty_lines else phase

    def is_expired(self, phase: Phase, now: float, limits: Limits) -> bool:
        """Return whether a limit is exceeded.

        Args:
            phase: the phase of the connection.
            now: the time of the sweeper's clock, in seconds.
            limits: the server's limits.
        """
        lasted, unheard = now - self.since, now - self.heard_at
        if phase is Phase.SILENT:
            return _exceeds(lasted, limits.silent)
        if phase is Phase.IDLE:
            return _exceeds(lasted, limits.keep_alive)
        if phase is Phase.HEAD:
            return _exceeds(unheard, limits.request_timeout) or _exceeds(lasted, limits.head_timeout)
        if phase is Phase.BODY:
            return _exceeds(lasted - (self.received - self._received_before) / MIN_BODY_RATE, limits.body_timeout)
        if phase is Phase.UNREAD_BODY:
            return _exceeds(unheard, limits.keep_alive) or _exceeds(lasted, limits.body_timeout)
        return False

    def is_stuck(self, now: float, limits: Limits) -> bool:
        """Return whether the client does not read its 408, so that the connection cannot be closed.

        Args:
            now: the time of the sweeper's clock, in seconds.
            limits: the server's limits.
        """
        unsent = self.transport.get_write_buffer_size()
        if self._former_phase != (None, self.transport) or unsent != self._unsent:
            self._former_phase, self._unsent, self.since = (None, self.transport), unsent, now
        return _exceeds(now - self.since, limits.request_timeout)

    def end(self, phase: Phase) -> None:
        """End a connection that exceeds a limit: with 408 if a request has begun.

        Args:
            phase: the phase of the connection.
        """
        if self.is_refused:
            # The 408 was not sent within another limit.
            self.transport.abort()
        elif phase in (Phase.HEAD, Phase.BODY):
            self.is_refused, self._former_phase = True, (None, None)
            self.refuse(phase)
        else:
            self.transport.close()

    def make_room(self, phase: Phase) -> None:
        """End a connection because another one needs its file.

        With TLS there is no 408, because a regular end of TLS waits for the client.

        Args:
            phase: the phase of the connection.
        """
        if self.transport.get_extra_info("ssl_object") is None:
            self.end(phase)
        else:
            self.transport.abort()


def _exceeds(seconds: float, limit: float | None) -> bool:
    return bool(limit) and seconds >= limit  # type: ignore[operator]


class ConnectionSweeper:
    """Ends the connections of one server that exceed a time limit.

    Args:
        connections: the server's set of connections; the sweeper ignores those of websockets.
        limits: the limits.
        max_connections: above this number, waiting connections are closed; by default `max_open_connections`.
    """

    def __init__(self, connections: set[Any], limits: Limits, max_connections: float | None = None) -> None:
        self.connections = connections
        self.limits = limits
        self.max_connections = max_open_connections() if max_connections is None else max_connections
        shortest = limits.shortest
        interval_s = shortest / CHECKS_PER_LIMIT if shortest else LONGEST_INTERVAL_S
        self._interval_s = min(max(interval_s, SHORTEST_INTERVAL_S), LONGEST_INTERVAL_S)
        self._timer: asyncio.TimerHandle | None = None
        self._is_asleep = False
        self._now = self._last_check = 0.0
        self._numbers = count(1)

    def start(self) -> None:
        """Begin to check connections."""
        self._loop = asyncio.get_running_loop()
        self._wake()

    def _wake(self) -> None:
        self._is_asleep = False
        self._last_check = self._loop.time()
        self._timer = self._loop.call_later(self._interval_s, self._check)

    def stop(self) -> None:
        """Stop checking connections."""
        self._is_asleep = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._check)
        # While a handler blocks the event loop, no bytes of clients are read: the limits do not count that time.
        last_check, self._last_check = self._last_check, self._loop.time()
        passed = min(self._last_check - last_check, 2 * self._interval_s)
        self._now += passed
        now, limits, is_needed = self._now, self.limits, False
        for connection in list(self.connections):
            if not isinstance(connection, Connection):
                continue
            is_needed = True
            if connection.transport.is_closing():
                if connection.is_refused and connection.is_stuck(now, limits):
                    connection.transport.abort()
                continue
            phase = connection.update_phase(now, passed)
            if connection.is_expired(phase, now, limits):
                connection.end(phase)
        if not is_needed:
            self.stop()
            self._is_asleep = True

    def accept(self, connection: Connection) -> None:
        """Number a new connection, and close waiting connections if there are too many.

        Args:
            connection: the new connection.
        """
        connection.number = next(self._numbers)
        if self._is_asleep:
            self._wake()
        if len(self.connections) > self.max_connections:
            self._make_room()

    def _make_room(self) -> None:
        excess = len(self.connections) - self.max_connections
        waiting: list[tuple[int, float, int, Connection, Phase]] = []
        for connection in list(self.connections):
            if not isinstance(connection, Connection):
                continue
            transport = connection.transport
            if connection.is_refused or transport.is_closing():
                if transport.is_closing() and not transport.get_write_buffer_size():
                    # Everything is sent, and TLS waits for the client to confirm the end.
                    transport.abort()
                excess -= 1
                continue
            phase = connection.update_phase(self._now, 0)
            if phase in _ROOM:
                waits_since = connection.heard_at if phase is Phase.BODY else connection.since
                waiting.append((_ROOM.index(phase), waits_since, connection.number, connection, phase))
        if excess > 0:
            # More than needed, so that in a flood of connections this runs for one in many.
            for *_, connection, phase in sorted(waiting)[: int(excess + self.max_connections // ROOM_SHARE)]:
                connection.make_room(phase)


def max_open_connections() -> float:
    """Return the number of connections that may be open before the process runs out of files."""
    if sys.platform == "win32":  # it has no such limit
        return float("inf")
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return float("inf")
    try:
        used = len(os.listdir("/dev/fd"))
    except OSError:
        used = SPARE_FILES
    return max(files - used - SPARE_FILES, 1)
