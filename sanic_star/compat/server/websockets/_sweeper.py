"""The one sweeper of an application's websockets, which cancels handlers whose clients have left.

Only a reader hears from an ASGI server that the client has left, and a handler may await anything else. A read beside
each handler would cost every message two turns of the event loop, and a timer for each connection wakes the process for
each idle one. So one timer for all of them looks which handlers do not read, and reads ahead for those. A handler that
waits for a message, as most do, costs one truth test each time.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextvars import Context
from typing import Protocol
from weakref import WeakKeyDictionary

from sanic_star.compat.server.websockets._inbox import Inbox

# Seconds between two looks: for 2,000 idle websockets, 0.1 % of a core.
PERIOD = 0.1
# How long a handler that does not read may go on after its client has left, in seconds: it may be busy with a message,
# and about to read the next one. It is cancelled at the latest `GRACE + 2 * PERIOD` after that, which is less than the
# second that the documentation promises.
GRACE = 0.7
# How long it may take for each message that came before and that it reads after its client has left, in seconds.
GRACE_AFTER_MESSAGE = 1.0


class Swept(Protocol):
    """A websocket, as the sweeper sees it."""

    _inbox: Inbox

    def _look(self, now: float) -> None:
        """Read ahead; cancel the handler if its client left long enough ago."""


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
            _call_later(loop, self._look_at_all)
        websockets.add(websocket)
        return websockets

    def _look_at_all(self, loop: AbstractEventLoop) -> None:
        websockets, now = self._websockets[loop], loop.time()
        for websocket in list(websockets):
            if not websocket._inbox.waiting:
                websocket._look(now)
        # Without websockets there is no timer, either.
        if websockets:
            _call_later(loop, self._look_at_all)
        else:
            del self._websockets[loop]


def _call_later(loop: AbstractEventLoop, callback: Callable[[AbstractEventLoop], None]) -> None:
    # In an empty context: that of a handler would live as long as the application is never without a websocket.
    loop.call_later(PERIOD, callback, loop, context=Context())
