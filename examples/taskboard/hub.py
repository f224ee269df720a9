"""Publish the board's events to all listeners in this process."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_BACKLOG = 100  # messages; a slow listener loses the oldest ones, which is harmless because the page reloads the board


class Hub:
    """Publish messages to all listeners, and count both."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.published = 0
        self._listeners: set[asyncio.Queue[str]] = set()

    @property
    def listeners(self) -> int:
        """The number of current listeners."""
        return len(self._listeners)

    def publish(self, kind: str, **fields: Any) -> None:
        """Put a message into each listener's queue, without waiting."""
        self.published += 1
        message = json.dumps({"kind": kind, **fields})
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[str]]:
        """Receive messages in a queue until the block ends; all listeners get the new number of listeners."""
        queue: asyncio.Queue[str] = asyncio.Queue(_BACKLOG)
        self._listeners.add(queue)
        self.publish("people", listening=self.listeners)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
            self.publish("people", listening=self.listeners)
