"""The one sweeper of an application's websockets, which cancels handlers whose clients have left.

Only a reader hears from an ASGI server that the client has left, and a handler may await anything else. A read beside
each handler would cost every message two turns of the event loop, and a timer for each connection wakes the process for
each idle one. So one timer for all of them looks which handlers do not read, and reads ahead for those. A handler that
waits for a message, as most do, costs one truth test each time.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from typing import Protocol
from weakref import WeakKeyDictionary

# Seconds between two looks. A handler is cancelled at the latest `2 * PERIOD + GRACE` after its client has left.
PERIOD = 0.25
# How long a handler that reads may go on with the message it took before its client left, in seconds.
GRACE = 0.4
# The same for a message that it took since; the messages that came before the end are all delivered.
GRACE_AFTER_MESSAGE = 1.0


class Swept(Protocol):
    """A websocket, as the sweeper sees it."""

    def _look(self, now: float) -> None:
        """Read ahead if nobody reads; cancel the handler if its client left long enough ago."""


class Sweeper:
    """Looks after the websockets of one application, in each event loop that serves some."""

    def __init__(self) -> None:
        self._websockets: WeakKeyDictionary[AbstractEventLoop, set[Swept]] = WeakKeyDictionary()

    def add(self, websocket: Swept) -> set[Swept]:
        """Look after a websocket from now on.

        Args:
            websocket: served by the running event loop.

        Returns:
            Those of this event loop; remove the websocket from the set when its handler is over.
        """
        loop = asyncio.get_running_loop()
        websockets = self._websockets.get(loop)
        if websockets is None:
            websockets = self._websockets[loop] = set()
            loop.call_later(PERIOD, self._look_at_all, loop)
        websockets.add(websocket)
        return websockets

    def _look_at_all(self, loop: AbstractEventLoop) -> None:
        websockets, now = self._websockets[loop], loop.time()
        for websocket in list(websockets):
            websocket._look(now)
        # Without websockets there is no timer, either.
        if websockets:
            loop.call_later(PERIOD, self._look_at_all, loop)
        else:
            del self._websockets[loop]
