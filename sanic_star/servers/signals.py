"""The signals of a server that is not ours: an application hears of the stop before the server does.

A server in whose hands the application is has taken the signals before it starts it. A handler is put before the
server's own, in the main thread only, and taken back at the end.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from sanic_star.servers.serving import SIGNALS, Signalled

NOBODY = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler, None)


def is_a_server() -> bool:
    """Tell whether this process is a server's: in the main thread, where somebody has taken SIGTERM."""
    return threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) not in NOBODY


def chain(stop: Callable[[], Coroutine[Any, Any, None]], patience: float) -> Callable[[], None]:
    """Begin the application's stop when SIGINT or SIGTERM arrives, and hold the server's handler back until it is done.

    A SIGINT that comes later lets go of it as well: somebody is impatient. Other signals after the first are held with
    it: supervisors send one to the process and one to its group. A server that hears of signals by the event loop
    (hypercorn, granian) can't be held back.

    Args:
        stop: stops the application, on its event loop.
        patience: how long the server's handler is held back at most, in seconds.

    Returns:
        What undoes it.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    loop = asyncio.get_running_loop()
    ours: dict[int, tuple[Any, Any]] = {}
    held: list[Callable[[], Any]] = []
    tasks: list[asyncio.Future[None]] = []
    signalled = Signalled()
    free = False

    def let_go() -> None:
        nonlocal free
        free = True
        while held:
            held.pop(0)()

    async def stop_then_let_go() -> None:
        try:
            tasks.append(asyncio.ensure_future(stop()))
            await asyncio.wait(tasks[-1:], timeout=patience)
        finally:
            # Not here: what the server's handler raises is not this task's.
            loop.call_soon(let_go)

    def begin() -> None:
        tasks.append(asyncio.ensure_future(stop_then_let_go()))

    for number in SIGNALS:
        before = signal.getsignal(number)
        # No server has taken the signal: a test, or a program with plans of its own. Nothing would follow ours.
        if before in NOBODY:
            continue

        def handler(number: int, frame: Any, before: Any = before) -> None:
            if free or not loop.is_running():
                let_go()
                before(number, frame)
                return
            held.append(partial(before, number, frame))
            if signalled(number, False):
                let_go()
            elif len(held) == 1:
                loop.call_soon_threadsafe(begin)

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
