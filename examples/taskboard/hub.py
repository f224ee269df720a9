"""What happens on the board, told to everyone who listens in this process."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_BACKLOG = 100  # messages; whoever reads slower than this loses the oldest, and the page asks for the board anyway


class Hub:
    """Hand each message to all listeners, and count them."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.published = 0
        self._listeners: set[asyncio.Queue[str]] = set()

    @property
    def listeners(self) -> int:
        """Count those who listen now."""
        return len(self._listeners)

    def publish(self, kind: str, **facts: Any) -> None:
        """Tell all listeners, without waiting for any of them."""
        self.published += 1
        message = json.dumps({"kind": kind, **facts})
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[str]]:
        """Listen for as long as the block lasts; everyone hears who comes and goes."""
        queue: asyncio.Queue[str] = asyncio.Queue(_BACKLOG)
        self._listeners.add(queue)
        self.publish("people", listening=self.listeners)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
            self.publish("people", listening=self.listeners)
