"""The parent of several workers, or of one that is restarted when a file changes.

    SIGINT, SIGTERM     all workers stop at once; a second Ctrl-C kills them
    SIGHUP              rolling restart: each worker is replaced by one that accepts connections already
    a worker ends       another one takes its place, see `Place`
    none ever started   nothing is served, and the process ends with status 1
    a file changes      all workers stop and are started again; if that fails, the next change is waited for

It owns the sockets, so that connections that wait to be accepted outlive any worker. It tells a worker to stop by way
of a pipe and not by a signal: that works on every system, and a worker whose supervisor was killed ends, too.

Nothing here waits for one worker alone: a worker may hang at its start for ever, and meanwhile others end, files change
and signals arrive. So all of it is one loop that attends to what has happened (`_attend`) and then waits (`_look`).
"""

from __future__ import annotations

import logging
import math
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

from sanic_star.engine.os_signals import SIGNALS, Signalled
from sanic_star.servers.settings import CannotServe, Plan
from sanic_star.servers.sockets import Sockets
from sanic_star.servers.watching import Watch
from sanic_star.servers.worker import READY, ROLL, STOP_ALL, Late, Order, Step, main

logger = logging.getLogger("sanic.server")
# How much longer than its requests and tasks a worker may take to end, in seconds.
MARGIN = 10.0
# How long a place stays empty after a worker died at its start, in seconds: doubled each time, up to the second.
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# Windows waits for 63 things at once (MAXIMUM_WAIT_OBJECTS, and Ctrl-C): two for each worker, two more for the one that
# replaces another, and the bell.
_MOST_ON_WINDOWS = 30
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
        # When it said that it accepts connections (`time.monotonic`), if it did.
        self.ready_at: float | None = None
        # As far as the supervisor has noticed: two questions to the system may get two answers.
        self.gone = False
        # Until when it has to end (`time.monotonic`), once it was told to, and what it is doing.
        self.deadline = math.inf
        self._told = False
        self.step = ""
        # Requests end, then tasks; both have that time.
        self._stop_limit = self._step_limit = 2 * max(settings.graceful_timeout for settings in plan.settings)
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

    @property
    def ready(self) -> bool:
        """Whether it has said that it accepts connections."""
        return self.ready_at is not None

    def stop(self) -> None:
        """Tell it to end, if nobody has."""
        if self._told:
            return
        self._told = True
        self.deadline = time.monotonic() + self._step_limit + MARGIN
        with suppress(OSError):
            self.channel.send("stop")

    def note(self, step: Step) -> None:
        """Note what it does while it stops. It ends a listener by itself whose time is over."""
        self.step = step.name
        self._step_limit = self._stop_limit if not step.name else math.inf if step.limit is None else step.limit
        if self._told:
            self.deadline = time.monotonic() + self._step_limit + MARGIN

    def messages(self) -> Iterator[Any]:
        """What it has said since the last time."""
        with suppress(EOFError, OSError):
            while self.channel.poll():
                yield self.channel.recv()


class Place:
    """A place for a worker, which is filled again when its worker ends.

    At once, if the worker was ready. A worker that ends while it starts, or so soon after the last one that the
    application seems to end it, leaves the place empty for a while: 1 s, then twice as long each time, up to 30 s.

    Args:
        number: its number.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None
        # How often in a row a worker has ended too soon.
        self._failures = 0
        # When the next worker is to be started (`time.monotonic`); never, where that has been decided by nobody.
        self.due = math.inf

    def fill(self, worker: Worker) -> None:
        """Put a worker in the place."""
        self.worker, self.due = worker, math.inf

    def vacate(self) -> float:
        """Take the worker that has ended out of the place.

        Returns:
            After how many seconds the next one is to be started.
        """
        worker, pause = self.worker, 0.0
        assert worker is not None
        self.worker = None
        if worker.ready_at is not None and time.monotonic() - worker.ready_at > LONGEST_PAUSE:
            self._failures = 0
        if worker.ready_at is not None and self._failures == 0:
            self._failures, self.due = 1, time.monotonic()
        else:
            pause = self.postpone()
        return pause

    def postpone(self) -> float:
        """Leave the place empty for a while, longer each time.

        Returns:
            For how many seconds.
        """
        pause: float = min(SHORTEST_PAUSE * 2 ** max(0, self._failures - 1), LONGEST_PAUSE)
        self._failures = max(1, min(self._failures, 10)) + 1
        self.due = time.monotonic() + pause
        return pause


class Supervisor:
    """Looks after workers until it is told to stop.

    Args:
        plan: what they serve, and how many they are.
        sockets: what they listen on.

    Raises:
        CannotServe: there are too many.
    """

    def __init__(self, plan: Plan, sockets: Sockets) -> None:
        if sys.platform == "win32" and plan.workers > _MOST_ON_WINDOWS:
            raise CannotServe(f"On Windows there are {_MOST_ON_WINDOWS} workers at most, not {plan.workers}")
        self.plan = plan
        self.sockets = sockets
        self.places = [Place(number) for number in range(plan.workers)]
        # Those that are in a place, and those that will be or have been.
        self._processes: list[Worker] = []
        self.stopping = self.now = False
        self._got = Signalled()
        # The names of workers to be replaced; an empty one means all.
        self._roll_wanted: set[str] = set()
        self._started = 0
        self._was_ready = self._announced = False
        # The files whose change has started the workers again, until these are ready.
        self._reloaded: set[str] | None = None
        # Whether a signal ends the listener for restarts that runs in this process.
        self._interruptible = False
        self._alarm, self._bell = socket.socketpair()
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._watch = None if plan.watch is None else Watch(plan.watch, self._ring)

    def run(self) -> None:
        """Serve until told to stop.

        Raises:
            CannotServe: no worker could be started.
        """
        with self._signals():
            try:
                self._run()
            finally:
                self._got.say()
                self._end(list(self._processes))
                if self._watch is not None:
                    self._watch.stop()
                    self._notify("stop", set())
                self._alarm.close()
                self._bell.close()

    def _run(self) -> None:
        if self._watch is not None:
            self._notify("start", set())
            self._watch.start()
        self._populate()
        while not self.stopping:
            # What has happened meanwhile comes before waiting: nobody rings twice.
            if self._watch is not None and (changed := self._watch.changed()):
                self._reload(changed)
            elif self._roll_wanted:
                names, self._roll_wanted = self._roll_wanted, set()
                self._roll(names)
            else:
                self._attend()

    # Workers --------------------------------------------------------------------------------------------------------

    @property
    def workers(self) -> list[Worker]:
        """Those that are in a place."""
        return [place.worker for place in self.places if place.worker is not None]

    def _start(self, number: int) -> Worker:
        worker = Worker(number, self._started // max(1, self.plan.workers), self.plan, self.sockets)
        self._started += 1
        self._processes.append(worker)
        return worker

    def _populate(self) -> None:
        for place in self.places:
            if not self.stopping:
                self._fill(place)

    def _fill(self, place: Place) -> None:
        try:
            place.fill(self._start(place.number))
        except OSError as error:
            if not self._was_ready and self._watch is None:
                raise CannotServe(f"A worker could not be started: {error}") from None
            # The system is short of memory, or of processes.
            logger.error("A worker could not be started: %s; it is tried again in %d s", error, place.postpone())

    def _attend(self) -> None:
        """Do what is due, then wait until something happens."""
        if all(worker.ready or worker.gone for worker in self.workers):
            self._all_started()
        # At the first start the others are waited for: if all have failed, there is nothing to be served.
        if self._was_ready or self._watch is not None:
            self._replace_the_dead()
        self._look(min(place.due for place in self.places))

    def _all_started(self) -> None:
        """Say, the first time, where it is listened, and after a reload that it is done.

        Raises:
            CannotServe: no worker was ever ready.
        """
        failed = any(worker.gone and not worker.ready for worker in self.workers)
        if self._was_ready and not self._announced:
            self._announced = True
            self.sockets.announce()
        elif not self._was_ready and failed and self._watch is None:
            raise CannotServe("A worker could not be started, so that nothing is served; the log above says why")
        if self._reloaded is not None:
            changed, self._reloaded = self._reloaded, None
            self._notify("after", changed)

    def _replace_the_dead(self) -> None:
        now = time.monotonic()
        for place in self.places:
            worker = place.worker
            if worker is not None and worker.gone:
                self._bury(place, worker)
            if place.due <= now:
                self._fill(place)

    def _bury(self, place: Place, worker: Worker) -> None:
        pause = place.vacate()
        self._end([worker])
        what = f"Worker [{worker.process.pid}] has ended with status {worker.process.exitcode}"
        if not worker.ready:
            what += " while it was starting"
        # A signal is nothing that an edit would mend.
        if self._watch is not None and not worker.ready and (worker.process.exitcode or 0) >= 0:
            place.due = math.inf
            logger.error("%s: the application could not be started; waiting for the next change", what)
        elif pause:
            logger.error("%s; another one is started in %d s", what, pause)
        else:
            logger.error("%s; another one is started", what)

    def _reload(self, changed: set[str]) -> None:
        logger.info("Reloading, because of %s", ", ".join(sorted(changed)))
        self._notify("before", changed)
        self._end(list(self._processes))
        self._populate()
        self._reloaded = changed

    def _roll(self, names: set[str]) -> None:
        """Replace workers, one after the other, by ones that accept connections before the old ones stop.

        Args:
            names: of the workers; an empty one means all.
        """
        places = [place for place in self.places if "" in names or _name_in(place) in names]
        logger.info("Restarting %d workers, one after the other", len(places))
        for place in places:
            try:
                new = self._start(place.number)
            except OSError as error:
                logger.error("A new worker could not be started: %s; the old ones go on", error)
                return
            self._until(lambda new=new: new.ready or new.gone or self._has_changes())  # type: ignore[misc]
            if not new.ready:
                if new.gone and not self.stopping:
                    logger.error("A new worker could not be started; the old ones go on")
                self._end([new])
                return
            # Not the one that was there at the start of this: it may have died, and have been replaced.
            old = place.worker
            place.fill(new)
            if old is not None:
                self._end([old])

    def _has_changes(self) -> bool:
        return self._watch is not None and self._watch.has_changes

    def _end(self, workers: list[Worker]) -> None:
        """Stop workers and wait until they have ended; kill those that take too long, or all at the second Ctrl-C."""
        for worker in workers:
            worker.stop()
        while not self.now and (left := [worker for worker in workers if not worker.gone]):
            if self.stopping:
                for worker in self._processes:
                    worker.stop()
            deadline = min(worker.deadline for worker in left)
            if deadline <= time.monotonic():
                break
            self._look(deadline)
        for worker in workers:
            if not worker.gone:
                doing = f" (it runs {worker.step})" if worker.step else ""
                logger.error("Worker [%s] does not end%s; it is killed", worker.process.pid, doing)
                worker.process.kill()
            worker.process.join()
            worker.channel.close()
            self._processes.remove(worker)

    # What happens ---------------------------------------------------------------------------------------------------

    def _until(self, done: Callable[[], bool]) -> None:
        """Attend to what happens until something is done, or the stop begins."""
        while not done() and not self.stopping:
            self._attend()

    def _look(self, deadline: float) -> None:
        """Wait until something happens, and take note of it.

        Args:
            deadline: until when to wait (`time.monotonic`); infinite for as long as it takes.
        """
        timeout = None if deadline == math.inf else max(0.0, deadline - time.monotonic())
        alive = [worker for worker in self._processes if not worker.gone]
        handles: list[Any] = [
            self._alarm,
            *(worker.process.sentinel for worker in alive),
            *(worker.channel for worker in alive),
        ]
        happened: list[Any] = []
        # On Windows, Ctrl-C ends the wait with this error once the handler has run.
        with suppress(InterruptedError):
            happened = wait(handles, timeout)
        if self._alarm in happened:
            with suppress(BlockingIOError):
                self._alarm.recv(4096)
        for worker in alive:
            worker.gone = worker.process.exitcode is not None
            # Of those too that have ended meanwhile: their last word may be that all shall stop.
            self._hear(worker)

    def _hear(self, worker: Worker) -> None:
        for message in worker.messages():
            if isinstance(message, Step):
                worker.note(message)
            elif message == READY:
                worker.ready_at = time.monotonic()
                self._was_ready = True
            elif message == STOP_ALL:
                self.stopping = True
            elif message.startswith(ROLL):
                self._roll_wanted.add(message.removeprefix(ROLL))

    def _notify(self, event: str, changed: set[str]) -> None:
        """Let the application's listeners for restarts run, which a signal interrupts: they may hang.

        Those for the end of it run when the first signal has come, so that only Ctrl-C once more interrupts them.
        """
        try:
            try:
                self._interruptible = True
                self.plan.notify(event, changed)
            finally:
                self._interruptible = False
        except KeyboardInterrupt:
            logger.error("The listeners for restarts (%s) were interrupted", event)

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
        if number not in SIGNALS:
            self._roll_wanted.add("")
            self._ring()
            return
        first, self.stopping = not self.stopping, True
        self.now = self._got(number, not first) or self.now
        self._ring()
        if self._interruptible and (first or self.now):
            raise KeyboardInterrupt


def _main_module() -> dict[str, str]:
    """Return how `multiprocessing` would find the main module of this program."""
    data = spawn.get_preparation_data("")
    return {key: data[key] for key in ("init_main_from_name", "init_main_from_path") if key in data}


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


def _name_in(place: Place) -> str:
    return "" if place.worker is None else place.worker.process.name


def _unpicklable(error: Exception) -> str:
    return (
        f"Several workers need what can be found or made in another process, and that can't be: {error}. "
        "Give a function of a module as the factory, and paths in place of an SSLContext."
    )
