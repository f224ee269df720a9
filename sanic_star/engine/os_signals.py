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
# For how many seconds a stopping server announces `connection: close` before it closes idle connections: a request
# that is on its way is still answered.
DRAIN_NOTICE_S = 0.2
# A signal within this time of the beginning of the stop, in seconds, does not count: no user presses Ctrl-C as fast.
SAME_SIGNAL_S = 0.05

# The pauses, in seconds, after which the pipe is put before the loop's wakeup file descriptor again: granian starts
# applications in one run of the loop and serves in another, and uvloop takes a new file descriptor for each run.
WAKEUP_DELAYS_S = (0.01, 0.1, 1.0)
# The handlers of a process in which no server handles signals.
DEFAULT_HANDLERS = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler, None)


class ReceivedSignals:
    """The signals that this process has received. A call with a signal returns whether it is a second Ctrl-C.

    A signal within `SAME_SIGNAL_S` of the beginning of the stop does not count: a launcher passes on a signal that the
    terminal also sends to each process, and `app.stop` may be called as the signal arrives.
    """

    def __init__(self) -> None:
        self._first: int | None = None
        # When the stop began (`time.monotonic`).
        self._stop_began_at: float | None = None

    def record_stop(self) -> None:
        """Record that the stop has begun without a signal to this process."""
        if self._stop_began_at is None:
            self._stop_began_at = monotonic()

    def __call__(self, number: int) -> bool:
        now, began_at = monotonic(), self._stop_began_at
        if self._first is None:
            self._first = number
        if began_at is None:
            self._stop_began_at = now
            return False
        return number == signal.SIGINT and now - began_at > SAME_SIGNAL_S

    def log(self) -> None:
        """Log the first signal. Not to be called in a handler, which may have interrupted the logging itself."""
        if self._first is not None:
            logger.info("Received signal %s. Shutting down.", signal.Signals(self._first).name)


def chain(stop: Callable[[], Coroutine[Any, Any, bool]], max_delay_s: float) -> Chain | None:
    """Begin the application's stop when SIGINT or SIGTERM arrives, and hold the server's handler back until it is done.

    A second SIGINT releases the handler at once. Other signals after the first are held back with it, because
    supervisors send one to the process and one to its group.

    Args:
        stop: stops the application, on its event loop; returns whether streams or websockets were ended.
        max_delay_s: for how long the server's handler is held back at most, in seconds.

    Returns:
        The chain; `None` outside of the main thread, or if no server handles a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    new_chain = Chain(stop, max_delay_s)
    return new_chain if new_chain.handlers else None


class Chain:
    """Our signal handlers, installed before those of a server; see `chain`."""

    def __init__(self, stop: Callable[[], Coroutine[Any, Any, bool]], max_delay_s: float) -> None:
        self._stop, self._max_delay_s = stop, max_delay_s
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Future[Any]] = []
        self._received_signals = ReceivedSignals()
        # The calls of the server's handlers that wait for the stop, and whether they wait no longer.
        self._held_back: list[Callable[[], Any]] = []
        self._is_released = False
        # By signal: our handler, and the server's.
        self.handlers: dict[int, tuple[Any, Any]] = {}
        for number in SIGNALS:
            server_handler = signal.getsignal(number)
            while isinstance(server_handler, _Handler) and server_handler.chain._loop.is_closed():
                # Its application was never stopped.
                server_handler = server_handler.server_handler
            # No server handles the signal: this is a test, or a program of another kind. No handler would follow ours.
            if server_handler not in DEFAULT_HANDLERS:
                handler = _Handler(self, server_handler)
                signal.signal(number, handler)
                self.handlers[number] = (handler, server_handler)
        self._wakeup: _Wakeup | None = None
        self._timer: asyncio.TimerHandle | None = None

    def started(self) -> None:
        """Hold back signals that come through the event loop, too, once the server serves."""
        if self.handlers:
            self._wakeup = _Wakeup(self._loop, self._pass_byte)
            self._hold_after(self._wakeup, WAKEUP_DELAYS_S)

    def _hold_after(self, wakeup: _Wakeup, delays: Sequence[float]) -> None:
        def hold_again() -> None:
            wakeup.hold()
            self._hold_after(wakeup, delays[1:])

        self._timer = self._loop.call_later(delays[0], hold_again) if delays else None

    def handle(self, server_handler: Any, number: int, frame: Any) -> None:
        """Handle a signal; `server_handler` is the handler of the server."""
        if self._is_released or not self._loop.is_running():
            self._release()
            server_handler(number, frame)
            return
        self._held_back.append(partial(server_handler, number, frame))
        if self._received_signals(number):
            self._release()
        elif len(self._tasks) == 0:
            self._loop.call_soon_threadsafe(self._begin)

    def _pass_byte(self, number: int, write: Callable[[], None]) -> None:
        # `handle` has run for the same signal, and has decided already.
        if self._is_released or number not in self.handlers:
            write()
        else:
            self._held_back.append(write)

    def _begin(self) -> None:
        if not self._tasks:
            self._tasks.append(asyncio.ensure_future(self._stop_then_release()))

    async def _stop_then_release(self) -> None:
        try:
            self._tasks.append(asyncio.ensure_future(self._stop_application()))
            await asyncio.wait(self._tasks[-1:], timeout=self._max_delay_s)
        finally:
            # Not in this task, which an exception of the server's handler would end.
            self._loop.call_soon(self._release)

    async def _stop_application(self) -> None:
        if await self._stop() and self._wakeup is not None and self._wakeup.holds:
            # granian's threads still hold the last messages, and drop them when granian stops.
            await asyncio.sleep(DRAIN_NOTICE_S)

    def _release(self) -> None:
        self._is_released = True
        while self._held_back:
            self._held_back.pop(0)()

    def undo(self) -> None:
        """Restore the server's handlers."""
        # A client of a test may be collected, and stop its application, in any thread.
        if threading.current_thread() is not threading.main_thread():
            return
        for number, (handler, server_handler) in self.handlers.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, server_handler)
        if self._timer is not None:
            self._timer.cancel()
        if self._wakeup is not None:
            self._release()
            self._wakeup.undo()


class _Handler:
    """The handler of one signal, before a server's; its `repr` must not contain the whole chain."""

    def __init__(self, chain: Chain, server_handler: Any) -> None:
        self.chain, self.server_handler = chain, server_handler

    def __call__(self, number: int, frame: Any) -> None:
        self.chain.handle(self.server_handler, number, frame)


class _Wakeup:
    """A pipe before the wakeup file descriptor of an event loop.

    Args:
        loop: the event loop.
        on_signal: called for each signal, with its number and a function that passes it on to the loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_signal: Callable[[int, Callable[[], None]], None]) -> None:
        self._loop, self._on_signal = loop, on_signal
        # -1: there is no pipe, because the loop handles no signals.
        self._reader = self._writer = self._loop_descriptor = -1
        self._identity: tuple[int, int] | None = None

    @property
    def holds(self) -> bool:
        """Whether the pipe stands before the loop's file descriptor."""
        return self._writer != -1

    def hold(self) -> None:
        """Put the pipe before the loop's file descriptor, unless it stands there."""
        if sys.platform == "win32":
            # Servers install signal handlers there, because its event loop handles no signals.
            return
        if threading.current_thread() is not threading.main_thread():
            # A test client runs the application's loop in another thread.
            return
        current = signal.set_wakeup_fd(-1)
        if current == -1 or self._is_behind(current):
            signal.set_wakeup_fd(current)
            return
        if not self.holds:
            self._reader, self._writer = os.pipe()
            for end in (self._reader, self._writer):
                os.set_blocking(end, False)
            self._loop.add_reader(self._reader, self._read)
            _pipes[self._writer] = self
        self._loop_descriptor, self._identity = current, _identity(current)
        signal.set_wakeup_fd(self._writer)

    def _is_behind(self, descriptor: int) -> bool:
        # Two pipes of applications of this process must not write to each other: they would never stop.
        while (pipe := _pipes.get(descriptor)) is not None:
            if pipe is self:
                return True
            descriptor = pipe._loop_descriptor
        return False

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._reader, 4096):
                self._on_signal(number, partial(self._write, number))

    def _write(self, number: int) -> None:
        # The loop may have closed it, and another file may have its number since.
        if _identity(self._loop_descriptor) == self._identity:
            os.write(self._loop_descriptor, bytes([number]))

    def undo(self) -> None:
        """Restore the loop's own file descriptor."""
        if sys.platform == "win32" or not self.holds or self._loop.is_closed():
            return
        current = signal.set_wakeup_fd(-1)
        if current != self._writer:
            # Another pipe was put before ours and writes to it: ours stays, and passes everything on.
            signal.set_wakeup_fd(current)
            return
        if _identity(self._loop_descriptor) == self._identity:
            signal.set_wakeup_fd(self._loop_descriptor)
        self._loop.remove_reader(self._reader)
        self._read()
        del _pipes[self._writer]
        os.close(self._reader)
        os.close(self._writer)
        self._reader = self._writer = -1


# Pipes by the file descriptor of their writing end.
_pipes: WeakValueDictionary[int, _Wakeup] = WeakValueDictionary()


def _identity(descriptor: int) -> tuple[int, int] | None:
    """Return device and inode of a descriptor's open file; `None` if it is closed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
