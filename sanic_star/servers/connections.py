"""Time limits of connections, kept by one sweeper for each server.

A client that connects and sends nothing, or sends its request byte by byte, holds a connection, and there are only so
many. What a connection may wait for, and how long:

| phase | what is waited for | limits | what ends it |
|---|---|---|---|
| `SILENT` | the first byte | `request_timeout` and `keep_alive`, the shorter one | close |
| `HEAD` | the rest of a head | `request_timeout` between two bytes, `head_timeout` in all | 408 |
| `BODY` | the rest of a body | `body_timeout` in all, and a second for each `SLOWEST_BODY` bytes | 408 |
| `PAUSED_BODY` | a handler that reads the body | the clock of the body stands still | |
| `ANSWER` | the response, or a client that reads it | none here; `RESPONSE_TIMEOUT` is the application's | |
| `UNREAD_BODY` | the rest of a body that nobody reads: the response is sent | `keep_alive`; `body_timeout` | close |
| `IDLE` | the next request | `keep_alive` | close |

As in `sanic_star.engine.timeouts`, no connection sets a timer. The sweeper looks at all connections a few times within
the shortest limit; what it finds in one phase at two looks has been in it for that long. While there are no connections
but those of websockets, it does not look; the next connection wakes it.

Nothing limits how slowly a client reads a response: one that pauses a download is no other than one that never reads.
Only a 408 that is not read for `request_timeout` is given up.

The number of connections is limited by that of open files. The sweeper closes connections that wait for a client
before the process has no file left for the next client: first those that have waited longest for the rest of a head.
(nginx closes idle connections likewise.)
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any

from sanic_star.engine.timeouts import LONGEST, SHARE, SHORTEST, SLOWEST_BODY

# How many files stay free for the application when connections are closed to make room.
SPARE_FILES = 16
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


# In which order connections are closed to make room; others are not. Bodies come last: a client may be sending.
_ROOM = (Phase.HEAD, Phase.SILENT, Phase.UNREAD_BODY, Phase.IDLE, Phase.BODY)


@dataclass(frozen=True)
class Limits:
    """How long connections may wait, in seconds; `None` for no limit.

    Args:
        request_timeout: for the next byte of a head.
        head_timeout: for a whole head.
        body_timeout: for a whole body, apart from what its size adds.
        keep_alive: for the next request; 0 closes after each response.
    """

    request_timeout: float | None
    head_timeout: float | None
    body_timeout: float | None
    keep_alive: float

    @property
    def silent(self) -> float | None:
        """For the first byte of a connection: Sanic 25.12 takes `KEEP_ALIVE_TIMEOUT` there."""
        return min((limit for limit in (self.request_timeout, self.keep_alive) if limit), default=None)

    @property
    def shortest(self) -> float | None:
        """The shortest limit."""
        limits = (self.request_timeout, self.head_timeout, self.body_timeout, self.keep_alive)
        return min((limit for limit in limits if limit), default=None)


class Connection:
    """What the sweeper asks of a connection, and what it notes there."""

    transport: Any
    cycle: Any
    # How many bytes have come; which of the server's connections it is.
    received = number = 0

    # The phase at the last look, of which request, since when; and when the last byte came, by the sweeper's clock.
    _seen: tuple[Phase | None, Any] = (None, None)
    since = heard_at = 0.0
    _received_before = _received_at_look = 0
    # Whether bytes came between two requests that are not the beginning of a head: empty lines.
    _is_stirred = False
    is_refused = False
    _unsent = 0

    def phase(self) -> Phase:
        """Return what the connection waits for."""
        raise NotImplementedError

    def refuse(self, phase: Phase) -> None:
        """Answer with 408 and close the connection."""
        raise NotImplementedError

    def observe(self, now: float, passed: float) -> Phase:
        """Look at the phase, note since when it lasts, and return it.

        Args:
            now: the sweeper's clock.
            passed: how long ago the last look was.
        """
        phase = self.phase()
        seen = (Phase.BODY if phase is Phase.PAUSED_BODY else phase, self.cycle)
        if seen != self._seen:
            self._seen, self._is_stirred = seen, False
            self.since = self.heard_at = now
            self._received_before = self._received_at_look = self.received
        elif self.received != self._received_at_look:
            self._received_at_look, self.heard_at = self.received, now
            if phase is Phase.IDLE and not self._is_stirred:
                self._is_stirred, self.since = True, now
        elif phase is Phase.PAUSED_BODY:
            self.since += passed
        return Phase.HEAD if phase is Phase.IDLE and self._is_stirred else phase

    def is_late(self, phase: Phase, now: float, limits: Limits) -> bool:
        """Tell whether a limit is exceeded."""
        lasted, unheard = now - self.since, now - self.heard_at
        if phase is Phase.SILENT:
            return _is_over(lasted, limits.silent)
        if phase is Phase.IDLE:
            return _is_over(lasted, limits.keep_alive)
        if phase is Phase.HEAD:
            return _is_over(unheard, limits.request_timeout) or _is_over(lasted, limits.head_timeout)
        if phase is Phase.BODY:
            return _is_over(lasted - (self.received - self._received_before) / SLOWEST_BODY, limits.body_timeout)
        if phase is Phase.UNREAD_BODY:
            return _is_over(unheard, limits.keep_alive) or _is_over(lasted, limits.body_timeout)
        return False

    def is_stuck(self, now: float, limits: Limits) -> bool:
        """Tell whether the client reads nothing of its 408 while the connection waits to be closed."""
        unsent = self.transport.get_write_buffer_size()
        if self._seen != (None, self.transport) or unsent != self._unsent:
            self._seen, self._unsent, self.since = (None, self.transport), unsent, now
        return _is_over(now - self.since, limits.request_timeout)

    def end(self, phase: Phase) -> None:
        """End a connection that is late: answer what has begun with 408, close what has not."""
        if self.is_refused:
            # The response to that was not sent in this time again.
            self.transport.abort()
        elif phase in (Phase.HEAD, Phase.BODY):
            self.is_refused, self._seen = True, (None, None)
            self.refuse(phase)
        else:
            self.transport.close()

    def give_way(self, phase: Phase) -> None:
        """End a connection to make room. With TLS without an answer: to close, it would wait for the client."""
        if self.transport.get_extra_info("ssl_object") is None:
            self.end(phase)
        else:
            self.transport.abort()


def _is_over(seconds: float, limit: float | None) -> bool:
    return bool(limit) and seconds >= limit  # type: ignore[operator]


class ConnectionSweeper:
    """Looks after the connections of one server.

    Args:
        connections: the server's, which changes; those of websockets are left alone.
        limits: how long they may wait.
        max_connections: from how many connections on waiting ones are closed for new ones.
    """

    def __init__(self, connections: set[Any], limits: Limits, max_connections: float | None = None) -> None:
        self.connections = connections
        self.limits = limits
        self.max_connections = most_connections() if max_connections is None else max_connections
        shortest = limits.shortest
        self._every = min(max(shortest / SHARE, SHORTEST), LONGEST) if shortest else LONGEST
        self._timer: asyncio.TimerHandle | None = None
        self._is_asleep = False
        self._now = self._last = 0.0
        self._numbers = count(1)

    def start(self) -> None:
        """Begin to look."""
        self._loop = asyncio.get_running_loop()
        self._wake()

    def _wake(self) -> None:
        self._is_asleep = False
        self._last = self._loop.time()
        self._timer = self._loop.call_later(self._every, self._look)

    def stop(self) -> None:
        """Stop looking."""
        self._is_asleep = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._every, self._look)
        # While a handler blocks the event loop, nothing that clients send is read: the clock of limits stands still.
        last, self._last = self._last, self._loop.time()
        passed = min(self._last - last, 2 * self._every)
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
            phase = connection.observe(now, passed)
            if connection.is_late(phase, now, limits):
                connection.end(phase)
        if not is_needed:
            self.stop()
            self._is_asleep = True

    def accept(self, connection: Connection) -> None:
        """Number a new connection, and close waiting ones if there are too many."""
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
                    # All is sent, and TLS waits for the client to confirm the end.
                    transport.abort()
                excess -= 1
                continue
            phase = connection.observe(self._now, 0)
            if phase in _ROOM:
                waits_since = connection.heard_at if phase is Phase.BODY else connection.since
                waiting.append((_ROOM.index(phase), waits_since, connection.number, connection, phase))
        if excess > 0:
            # Some more than needed: in a flood of connections not each of them should look at all others.
            for *_, connection, phase in sorted(waiting)[: int(excess + self.max_connections // ROOM_SHARE)]:
                connection.give_way(phase)


def most_connections() -> float:
    """Return how many connections may be open before the process runs out of files."""
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
