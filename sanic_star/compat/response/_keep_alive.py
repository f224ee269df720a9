"""Signs of life for streams that are quiet: one timer for all streams of an event loop that have the same interval.

A timer for each stream, moved with each event, would cost more than most events. Here a stream notes when it has sent
something, and the timer looks at that. It wakes up at most `LOOKS` times within an interval, however many streams there
are, and not at all if there are none.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop
from contextvars import Context
from typing import Protocol

# A quiet stream gets its sign of life up to an eighth of the interval late.
LOOKS = 8


class QuietStream(Protocol):
    """A stream, as far as its keep-alive needs it."""

    # When it last sent something, by the event loop's clock, in seconds.
    _last_sent: float

    def _send_ping(self) -> None:
        """Begin to send a sign of life, without waiting for it."""


class KeepAlive:
    """The streams of one event loop that must not be quiet for longer than an interval.

    Args:
        loop: the event loop.
        interval: in seconds.
    """

    def __init__(self, loop: AbstractEventLoop, interval: float) -> None:
        self._loop, self._interval = loop, interval
        self._streams: set[QuietStream] = set()
        self._timer: TimerHandle | None = None

    def add(self, stream: QuietStream) -> None:
        """Keep a stream alive from now on."""
        self._streams.add(stream)
        if self._timer is None:
            self._look_again(self._interval)

    def discard(self, stream: QuietStream) -> None:
        """Leave a stream alone from now on; of one that is not kept alive, nothing happens."""
        self._streams.discard(stream)
        if not self._streams and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            del _keep_alives[self._loop, self._interval]

    def _look_again(self, delay: float) -> None:
        # Not in the context of the request that happens to be the first.
        self._timer = self._loop.call_later(delay, self._look, context=Context())

    def _look(self) -> None:
        now = quiet_since = self._loop.time()
        for stream in list(self._streams):
            if now - stream._last_sent >= self._interval:
                stream._send_ping()
            else:
                quiet_since = min(quiet_since, stream._last_sent)
        if self._streams:
            self._look_again(max(quiet_since + self._interval - now, self._interval / LOOKS))


_keep_alives: dict[tuple[AbstractEventLoop, float], KeepAlive] = {}


def keep_alive(stream: QuietStream, interval: float) -> KeepAlive:
    """Let a stream send a sign of life whenever it was quiet for an interval, given in seconds.

    Returns:
        What it is to be taken out of when it ends.
    """
    key = get_running_loop(), interval
    kept = _keep_alives.get(key)
    if kept is None:
        kept = _keep_alives[key] = KeepAlive(*key)
    kept.add(stream)
    return kept
