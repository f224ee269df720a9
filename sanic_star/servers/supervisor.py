"""The parent of several workers, or of one that is restarted when a file changes.

    SIGINT, SIGTERM     workers stop, all at once; at Ctrl-C once more they are killed
    SIGHUP              rolling restart: each worker is replaced by one that accepts connections already
    a worker ends       another is started; when the first start of one fails there is nothing to be served: status 1
    a file changes      all workers stop and are started anew; one that then fails waits for the next change

It owns the sockets, so that connections that wait to be accepted outlive any worker. It tells a worker to stop by way
of a pipe and not by a signal: that works on every system, and a worker whose supervisor was killed ends, too.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import spawn
from multiprocessing.connection import wait
from typing import Any

from sanic_star.servers import Plan
from sanic_star.servers.serving import SIGNALS, Signalled
from sanic_star.servers.settings import CannotServe
from sanic_star.servers.sockets import Sockets
from sanic_star.servers.watching import Watch
from sanic_star.servers.worker import READY, ROLL, STOP_ALL, Late, Order, main

logger = logging.getLogger("sanic.server")
# How much longer than its requests a worker may take to end, for its listeners and tasks, in seconds.
MARGIN = 10.0
# After how many seconds a worker that died at its start is started once more: doubled each time up to the second.
PAUSE, LONGEST_PAUSE = 0.5, 30.0
_context = multiprocessing.get_context("spawn")


class Worker:
    """A process that serves.

    Args:
        number: its place among the workers.
        generation: how many have been in that place before.
        plan: what it serves.
        sockets: what it listens on.

    Raises:
        CannotServe: what it shall serve can't be handed to another process.
    """

    def __init__(self, number: int, generation: int, plan: Plan, sockets: Sockets) -> None:
        self.number, self.generation = number, generation
        self.ready = False
        # As far as the supervisor has noticed: who asks the system twice may get two answers.
        self.gone = False
        self.channel, theirs = _context.Pipe()
        name = f"Sanic-Server-{number}-{generation}"
        order = Order(name, plan.prelude, _main_module(), Late((plan.load, plan.shared)), plan.settings, list(sockets))
        self.process = _context.Process(target=main, args=(order, theirs), name=name)
        try:
            with _main_hidden():
                self.process.start()
        except (TypeError, AttributeError, ValueError, ImportError, RuntimeError) as error:
            raise CannotServe(_unpicklable(error)) from None
        except Exception as error:
            if type(error).__name__ != "PicklingError":
                raise
            raise CannotServe(_unpicklable(error)) from None
        finally:
            theirs.close()

    def stop(self) -> None:
        """Tell it to end."""
        with suppress(OSError):
            self.channel.send("stop")

    def messages(self) -> Iterator[str]:
        """What it has said since the last time."""
        with suppress(EOFError, OSError):
            while self.channel.poll():
                yield self.channel.recv()


class Supervisor:
    """Looks after workers until it is told to stop.

    Args:
        plan: what they serve, and how many they are.
        sockets: what they listen on.
    """

    def __init__(self, plan: Plan, sockets: Sockets) -> None:
        self.plan = plan
        self.sockets = sockets
        self.workers: list[Worker] = []
        # With those that are not yet workers, or no more.
        self._processes: list[Worker] = []
        self.stopping = self.now = False
        self._got = Signalled()
        # The names of workers to be replaced; an empty one means all.
        self._roll_wanted: set[str] = set()
        self._started = 0
        self._alarm, self._bell = socket.socketpair()
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._watch = None if plan.watch is None else Watch(plan.watch, self._ring)

    def run(self) -> None:
        """Serve until told to stop.

        Raises:
            CannotServe: a worker could not be started.
        """
        with self._signals():
            try:
                self._run()
            finally:
                self._got.say()
                self._end(list(self._processes))
                if self._watch is not None:
                    self._watch.stop()
                    self.plan.notify("stop", set())
                self._alarm.close()
                self._bell.close()

    def _run(self) -> None:
        if self._watch is not None:
            self.plan.notify("start", set())
            self._watch.start()
        self._populate()
        if any(each.ready for each in self.workers):
            self.sockets.announce()
        if self._watch is None and not self.stopping and any(each.gone for each in self.workers):
            raise CannotServe("A worker could not be started, so that nothing is served; the log above says why")
        while not self.stopping:
            # What has happened meanwhile comes before waiting: nobody rings twice.
            if self._watch is not None and (changed := self._watch.changed()):
                self._reload(changed)
            elif self._roll_wanted:
                names, self._roll_wanted = self._roll_wanted, set()
                self._roll([each for each in self.workers if "" in names or each.process.name in names])
            elif self._watch is None and any(each.gone for each in self.workers):
                self._replace_the_dead()
            else:
                self._look()

    # Workers --------------------------------------------------------------------------------------------------------

    def _start(self, number: int) -> Worker:
        worker = Worker(number, self._started // max(1, self.plan.workers), self.plan, self.sockets)
        self._started += 1
        self._processes.append(worker)
        return worker

    def _populate(self) -> None:
        self.workers = []
        for number in range(self.plan.workers):
            self.workers.append(self._start(number))
        self._until(lambda: all(each.ready or each.gone for each in self.workers))

    def _reload(self, changed: set[str]) -> None:
        logger.info("Reloading, because of %s", ", ".join(sorted(changed)))
        self.plan.notify("before", changed)
        self._end(self.workers)
        self._populate()
        self.plan.notify("after", changed)
        if any(each.gone for each in self.workers) and not self.stopping:
            logger.error("The application could not be started; waiting for the next change")

    def _roll(self, workers: list[Worker]) -> None:
        """Replace each of the workers by one that accepts connections before the old one stops."""
        logger.info("Restarting %d workers, one after the other", len(workers))
        for old in workers:
            new = self._start(old.number)
            self._until(lambda new=new: new.ready or new.gone)  # type: ignore[misc]
            if not new.ready:
                if not self.stopping:
                    logger.error("A new worker could not be started; the old ones go on")
                    self._end([new])
                return
            self.workers[self.workers.index(old)] = new
            self._end([old])

    def _replace_the_dead(self) -> None:
        pause = PAUSE
        while not self.stopping and (dead := [each for each in self.workers if each.gone]):
            for each in dead:
                logger.error("Worker [%s] has ended with status %s", each.process.pid, each.process.exitcode)
                self._end([each])
                self.workers[self.workers.index(each)] = self._start(each.number)
            self._until(lambda: all(each.ready or each.gone for each in self.workers))
            if all(each.gone for each in self.workers) and not self.stopping:
                raise CannotServe("No worker could be started any more; the log above says why")
            if any(each.gone for each in self.workers):
                self._until(lambda: False, pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _end(self, workers: list[Worker]) -> None:
        """Stop workers and wait until they have ended; kill them where that takes too long, or it was said twice."""
        for each in workers:
            each.stop()
        patience = max(each.graceful_timeout for each in self.plan.settings) + MARGIN
        self._until(lambda: self.now or all(each.gone for each in workers), patience, until_now=True)
        for each in workers:
            if not each.gone:
                logger.error("Worker [%s] does not end; it is killed", each.process.pid)
                each.process.kill()
            each.process.join()
            each.channel.close()
            self._processes.remove(each)

    # What happens ---------------------------------------------------------------------------------------------------

    def _until(self, done: Callable[[], bool], patience: float | None = None, *, until_now: bool = False) -> None:
        """Attend to what happens until something is done, or the stop begins (`until_now`: is said twice)."""
        deadline = None if patience is None else time.monotonic() + patience
        while not done() and not (self.now if until_now else self.stopping):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            self._look(left)

    def _look(self, timeout: float | None = None) -> None:
        """Wait until something happens, and take note of it."""
        alive = [each for each in self._processes if not each.gone]
        handles: list[Any] = [
            self._alarm,
            *(each.process.sentinel for each in alive),
            *(each.channel for each in alive),
        ]
        happened = wait(handles, timeout)
        if self._alarm in happened:
            with suppress(BlockingIOError):
                self._alarm.recv(4096)
        for each in alive:
            each.gone = each.process.exitcode is not None
            # Of those too that have ended meanwhile: their last word may be that all shall stop.
            self._hear(each)

    def _hear(self, worker: Worker) -> None:
        for message in worker.messages():
            if message == READY:
                worker.ready = True
            elif message == STOP_ALL:
                self.stopping = True
            elif message.startswith(ROLL):
                self._roll_wanted.add(message.removeprefix(ROLL))

    def _ring(self) -> None:
        with suppress(OSError):
            self._bell.send(b"\0")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Take note of signals while the block lasts."""
        if not self.plan.signals or threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [*SIGNALS, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        before = {number: signal.signal(number, self._signalled) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: Any) -> None:
        if number in SIGNALS:
            self.now = self._got(number, self.stopping) or self.now
            self.stopping = True
        else:
            self._roll_wanted.add("")
        self._ring()


def _main_module() -> dict[str, str]:
    """Return how `multiprocessing` would find the main module of this program."""
    found = spawn.get_preparation_data("")
    return {key: found[key] for key in ("init_main_from_name", "init_main_from_path") if key in found}


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep the main module from `multiprocessing`, which would have it imported before anything else."""
    module: Any = sys.modules["__main__"]
    kept = {name: module.__dict__.pop(name) for name in ("__spec__", "__file__") if name in module.__dict__}
    module.__spec__ = None
    try:
        yield
    finally:
        module.__dict__.update(kept)


def _unpicklable(error: Exception) -> str:
    return (
        f"Several workers need what can be found or made in another process, and that can't be: {error}. "
        "Give a function of a module as the factory, and paths in place of an SSLContext."
    )
