"""The signals of a server that is not ours: an application hears of the stop before the server does.

A server in whose hands the application is has taken the signals before it starts it. A handler is put before the
server's own, in the main thread only, and taken back at the end.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

NOBODY = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler, None)


def chain(stop: Callable[[], asyncio.Future[Any]], patience: Callable[[], float]) -> Callable[[], None]:
    """Call a function when SIGINT or SIGTERM arrives, then the server's handler; return what undoes it.

    Args:
        stop: begins the application's stop, on its event loop.
        patience: gives how long the server has to wait for that, in seconds, the first time.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    ours: dict[int, tuple[Any, Any]] = {}
    waiting = False

    async def stop_then(go_on: Callable[[], Any]) -> None:
        await asyncio.wait({stop()}, timeout=patience())
        go_on()

    def begin(go_on: Callable[[], Any]) -> None:
        tasks.add(asyncio.ensure_future(stop_then(go_on)))

    tasks: set[asyncio.Future[None]] = set()
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)
        # No server has taken the signal: a test, or a program with plans of its own. Nothing would follow ours.
        if before in NOBODY:
            continue

        def handler(number: int, frame: Any, before: Any = before) -> None:
            nonlocal waiting
            if loop.is_closed() or (waiting and patience()):
                before(number, frame)
            elif patience():
                waiting = True
                loop.call_soon_threadsafe(begin, partial(before, number, frame))
            else:
                loop.call_soon_threadsafe(stop)
                before(number, frame)

        signal.signal(number, handler)
        ours[number] = (handler, before)

    def restore() -> None:
        # A client of a test may be collected, and stop its application, in any thread.
        if threading.current_thread() is not threading.main_thread():
            return
        for number, (handler, before) in ours.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, before)

    return restore
