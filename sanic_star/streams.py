"""Responses that are sent piece by piece, and what may cut them short: the client's leaving, the application's stop.

A server that drops what is sent to a client who has gone tells nobody, and a stream of events has no end of its own.
So a stream is watched while it is open: `receive` tells when the client leaves, the application when it stops. Either
cancels the task that writes the stream, so that its clean-up runs, and the dispatch then ends the response properly.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from typing import Any

from starlette.types import Receive

# How long websockets and endless streams have to say goodbye at the stop, in seconds.
FAREWELL = 1.0


def is_event_stream(content_type: str) -> bool:
    """Tell whether a content type is that of server-sent events, which have no end of their own.

    Examples:
        >>> is_event_stream("Text/Event-Stream; charset=utf-8")
        True
    """
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


class Cut(Enum):
    """Why a stream was cut short."""

    CLIENT_LEFT = "client left"
    STOP = "stop"
    TIMEOUT = "timeout"


class OpenStream:
    """A response, or a websocket, that is open; or the wait for one that may be cut short.

    Args:
        task: the task that writes it.
        finish: completes it once the task was cut short.
    """

    def __init__(self, task: Task[Any], finish: Callable[[], Awaitable[None]]) -> None:
        self.task = task
        self.finish = finish
        self.reason: Cut | None = None
        self._cancelled = False
        self._watcher: Task[None] | asyncio.Handle | None = None

    def cut(self, reason: Cut, message: str | None = None) -> None:
        """Cancel the writing task, once.

        Args:
            reason: why.
            message: why, for the `CancelledError`.
        """
        if self.reason is None:
            self.reason = reason
            self._cancelled = self.task.cancel(message)

    @property
    def is_cleaning_up(self) -> bool:
        """Whether the stop, or the client's leaving, has cancelled the task, and its clean-up is not over."""
        return self._cancelled and self.reason is not Cut.TIMEOUT

    def watch(self, receive: Receive) -> None:
        """Cut the stream when the client leaves; `receive` must be nobody else's from here on."""
        if self._watcher is None:
            # Not a task at once: many responses are complete before the event loop has its next turn.
            self._watcher = asyncio.get_running_loop().call_soon(self._start_to_watch, receive)

    def _start_to_watch(self, receive: Receive) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._wait_for_leave(receive))

    async def _wait_for_leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.cut(Cut.CLIENT_LEFT)

    def close(self) -> None:
        """Let go of the stream: it is complete. A cancellation that the task has caught and outlived is taken back."""
        self._uncancel()
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def _uncancel(self) -> int:
        """Take back the stream's own cancellation; return how many others there are."""
        if self._cancelled:
            self._cancelled = False
            return self.task.uncancel()
        return self.task.cancelling()

    async def settle(self) -> bool:
        """End the response after the task was cancelled; tell whether the cancellation was this stream's.

        To be called in the task itself, from where it caught the `CancelledError`.
        """
        others = self._uncancel()
        self.close()
        if self.reason is None or others:
            return False
        if self.reason is Cut.STOP:
            # A peer that has vanished takes nothing any more, and the last part would wait for it without end.
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self.finish()
        elif self.reason is not Cut.CLIENT_LEFT:
            await self.finish()
        return True
