"""Keep-alive messages for idle streams: one timer for all streams of an event loop with the same interval.

A timer per stream, reset by each event, would cost more than most events. Here a stream records when it has sent
something, and the timer checks that. It fires at most `CHECKS_PER_INTERVAL` times per interval, however many streams
there are, and not at all without streams.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop
from contextvars import Context
from typing import Protocol

# The keep-alive message of an idle stream is up to an eighth of the interval late.
CHECKS_PER_INTERVAL = 8


class QuietStream(Protocol):
    """The members of a stream that its keep-alive uses."""

    # The time of its last message, by the event loop's clock, in seconds.
    _last_sent: float

    def _send_ping(self) -> None:
        """Begin to send a keep-alive message, without waiting for it."""


class KeepAlive:
    """The streams of one event loop that must not be idle for longer than an interval.

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
            self._schedule_check(self._interval)

    def discard(self, stream: QuietStream) -> None:
        """Stop keeping a stream alive; do nothing if it is not kept alive."""
        self._streams.discard(stream)
        if not self._streams and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            del _keep_alives[self._loop, self._interval]

    def _schedule_check(self, delay: float) -> None:
        # Not in the context of the first stream's request.
        self._timer = self._loop.call_later(delay, self._check, context=Context())

    def _check(self) -> None:
        now = quiet_since = self._loop.time()
        for stream in list(self._streams):
            if now - stream._last_sent >= self._interval:
                stream._send_ping()
            else:
                quiet_since = min(quiet_since, stream._last_sent)
        if self._streams:
            self._schedule_check(max(quiet_since + self._interval - now, self._interval / CHECKS_PER_INTERVAL))


_keep_alives: dict[tuple[AbstractEventLoop, float], KeepAlive] = {}


def keep_alive(stream: QuietStream, interval: float) -> KeepAlive:
    """Send keep-alive messages whenever a stream was idle for an interval, in seconds.

    Returns:
        The object to remove the stream from when it ends.
    """
    key = get_running_loop(), interval
    keep_alive_timer = _keep_alives.get(key)
    if keep_alive_timer is None:
        keep_alive_timer = _keep_alives[key] = KeepAlive(*key)
    keep_alive_timer.add(stream)
    return keep_alive_timer
