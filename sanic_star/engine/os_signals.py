"""The signals of a foreign server: the application learns of the stop before the server does.

Such a server takes SIGINT and SIGTERM before it starts the application, in one of two ways: with a signal handler
(`signal.signal`: uvicorn, gunicorn), or through the event loop (`loop.add_signal_handler`: granian, hypercorn). In the
first case a handler of ours is installed before the server's. In the second case Python writes a byte to the loop's
wakeup file descriptor (`signal.set_wakeup_fd`): we give Python the end of a pipe of ours instead, and pass the byte on
to the loop when the application's stop is done. Both are undone at the end. All this happens in the main thread only,
where Python delivers signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

logger = logging.getLogger("sanic.server")
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
# At the stop, clients learn for so many seconds that their connections will not be used again, before idle ones are
# closed under them: a request that is on its way gets its answer.
LAME = 0.2
# Two signals that are less than this apart, in seconds, are one: nobody presses keys as fast.
MOMENT_S = 0.05

# The pauses, in seconds from the start on, after which signals that come by the event loop are held: granian starts
# applications in one run of the loop and serves in another, and uvloop takes a new file descriptor for each run.
NEXT_RUN = (0.01, 0.1, 1.0)
NOBODY = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler, None)


class Signalled:
    """The signals that this process has got; called with one, it tells whether that is Ctrl-C in a stop.

    Two within a moment are one: a launcher passes on what the terminal has sent to all processes.
    """

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def __call__(self, number: int, stopping: bool) -> bool:
        now, first = monotonic(), self._first
        self._first = first or (number, now)
        return number == signal.SIGINT and (stopping if first is None else now - first[1] > MOMENT_S)

    def say(self) -> None:
        """Write it to the log; not in the handler, which may have interrupted somebody who does so."""
        if self._first is not None:
            logger.info("Received signal %s. Shutting down.", signal.Signals(self._first[0]).name)


def chain(stop: Callable[[], Coroutine[Any, Any, bool]], patience: float) -> Chain | None:
    """Begin the application's stop when SIGINT or SIGTERM arrives, and hold the server's handler back until it is done.

    A SIGINT that comes later lets go of it as well: somebody is impatient. Other signals after the first are held with
    it: supervisors send one to the process and one to its group.

    Args:
        stop: stops the application, on its event loop; returns whether streams or websockets were ended.
        patience: how long the server's handler is held back at most, in seconds.

    Returns:
        What stands before the handlers; None: this is not the main thread, or no server has taken a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    chained = Chain(stop, patience)
    return chained if chained.handlers else None


class Chain:
    """What stands before a server's handlers; see `chain`."""

    def __init__(self, stop: Callable[[], Coroutine[Any, Any, bool]], patience: float) -> None:
        self._stop, self._patience = stop, patience
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Future[Any]] = []
        self._signalled = Signalled()
        # What the server will hear when the stop is done, and whether it hears at once.
        self._held: list[Callable[[], Any]] = []
        self._free = False
        # By signal: our handler, and the one before it.
        self.handlers: dict[int, tuple[Any, Any]] = {}
        for number in SIGNALS:
            before = signal.getsignal(number)
            while isinstance(before, _Handler) and before.chain._loop.is_closed():
                # Its application was never stopped.
                before = before.before
            # No server has taken the signal: a test, or a program with plans of its own. Nothing would follow ours.
            if before not in NOBODY:
                handler = _Handler(self, before)
                signal.signal(number, handler)
                self.handlers[number] = (handler, before)
        self._wakeup: _Wakeup | None = None
        self._timer: asyncio.TimerHandle | None = None

    def started(self) -> None:
        """Hold what comes by the event loop, too, as soon as the server serves."""
        if self.handlers:
            self._wakeup = _Wakeup(self._loop, self._pass_byte)
            self._take_after(self._wakeup, NEXT_RUN)

    def _take_after(self, wakeup: _Wakeup, delays: Sequence[float]) -> None:
        def take() -> None:
            wakeup.take()
            self._take_after(wakeup, delays[1:])

        self._timer = self._loop.call_later(delays[0], take) if delays else None

    def handle(self, before: Any, number: int, frame: Any) -> None:
        """Do what a signal asks for; `before` is the handler of the server."""
        if self._free or not self._loop.is_running():
            self._let_go()
            before(number, frame)
            return
        self._held.append(partial(before, number, frame))
        if self._signalled(number, False):
            self._let_go()
        elif len(self._tasks) == 0:
            self._loop.call_soon_threadsafe(self._begin)

    def _pass_byte(self, number: int, write: Callable[[], None]) -> None:
        # The handler of the same signal has run before: it decides, and this follows.
        if self._free or number not in self.handlers:
            write()
        else:
            self._held.append(write)

    def _begin(self) -> None:
        if not self._tasks:
            self._tasks.append(asyncio.ensure_future(self._stop_then_let_go()))

    async def _stop_then_let_go(self) -> None:
        try:
            self._tasks.append(asyncio.ensure_future(self._stop_application()))
            await asyncio.wait(self._tasks[-1:], timeout=self._patience)
        finally:
            # Not here: what the server's handler raises is not this task's.
            self._loop.call_soon(self._let_go)

    async def _stop_application(self) -> None:
        if await self._stop() and self._wakeup is not None and self._wakeup.taken:
            # granian's threads hold the last messages, and drop them when granian stops.
            await asyncio.sleep(LAME)

    def _let_go(self) -> None:
        self._free = True
        while self._held:
            self._held.pop(0)()

    def undo(self) -> None:
        """Give the signals back to the server."""
        # A client of a test may be collected, and stop its application, in any thread.
        if threading.current_thread() is not threading.main_thread():
            return
        for number, (handler, before) in self.handlers.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, before)
        if self._timer is not None:
            self._timer.cancel()
        if self._wakeup is not None:
            self._let_go()
            self._wakeup.undo()


class _Handler:
    """The handler of one signal, before a server's; its `repr` must not contain the others of a long chain."""

    def __init__(self, chain: Chain, before: Any) -> None:
        self.chain, self.before = chain, before

    def __call__(self, number: int, frame: Any) -> None:
        self.chain.handle(self.before, number, frame)


class _Wakeup:
    """A pipe before the file descriptor by which an event loop hears of signals.

    Args:
        loop: the event loop.
        arrived: is called for each signal, with its number and with what tells the loop of it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, arrived: Callable[[int, Callable[[], None]], None]) -> None:
        self._loop, self._arrived = loop, arrived
        # -1: there is no pipe, because the loop has no file descriptor: nobody has asked it for signals.
        self._reader = self._writer = self._before = -1
        self._file: tuple[int, int] | None = None

    @property
    def taken(self) -> bool:
        """Whether the loop has heard of signals by itself."""
        return self._writer != -1

    def take(self) -> None:
        """Put the pipe before the loop's file descriptor, if it does not stand there yet."""
        if sys.platform == "win32":
            # Servers take signals with handlers there: its event loop has none.
            return
        if threading.current_thread() is not threading.main_thread():
            # A test client has another thread run the loop in which the application was started.
            return
        current = signal.set_wakeup_fd(-1)
        if current == -1 or self._is_behind(current):
            signal.set_wakeup_fd(current)
            return
        if not self.taken:
            self._reader, self._writer = os.pipe()
            for end in (self._reader, self._writer):
                os.set_blocking(end, False)
            self._loop.add_reader(self._reader, self._read)
            _pipes[self._writer] = self
        self._before, self._file = current, _file(current)
        signal.set_wakeup_fd(self._writer)

    def _is_behind(self, descriptor: int) -> bool:
        # Other applications of this process have pipes, too. Two that wrote to each other would never stop.
        while (pipe := _pipes.get(descriptor)) is not None:
            if pipe is self:
                return True
            descriptor = pipe._before
        return False

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._reader, 4096):
                self._arrived(number, partial(self._write, number))

    def _write(self, number: int) -> None:
        # The loop may have closed it, and somebody else's file may have its number.
        if _file(self._before) == self._file:
            os.write(self._before, bytes([number]))

    def undo(self) -> None:
        """Let the event loop hear of signals by itself."""
        if sys.platform == "win32" or not self.taken or self._loop.is_closed():
            return
        current = signal.set_wakeup_fd(-1)
        if current != self._writer:
            # Who has put another one before it may write to ours: it stays, and passes everything on.
            signal.set_wakeup_fd(current)
            return
        if _file(self._before) == self._file:
            signal.set_wakeup_fd(self._before)
        self._loop.remove_reader(self._reader)
        self._read()
        del _pipes[self._writer]
        os.close(self._reader)
        os.close(self._writer)
        self._reader = self._writer = -1


# By the file descriptor that is written to.
_pipes: WeakValueDictionary[int, _Wakeup] = WeakValueDictionary()


def _file(descriptor: int) -> tuple[int, int] | None:
    """Return what names the open file of a descriptor: its device and inode; None: it is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
