"""The parent of several workers, or of one that is restarted when a file changes or has a main process beside it.

    SIGINT, SIGTERM     all workers stop at once; a second Ctrl-C kills them
    SIGHUP              rolling restart: a new worker accepts connections before the old one stops
    a worker ends       another one takes its place, see `Place`
    none ever started   the process ends with status 1
    a file changes      all workers stop and start again; if that fails, the supervisor waits for the next change
    a job ends          one line in the log, if its function has failed. A job is a function that runs beside the
                        workers; see `sanic_star.servers.jobs`

It owns the sockets, so that connections that wait to be accepted outlive any worker. It stops a worker by a message in
a pipe and not by a signal: that works on every system, and a worker whose supervisor was killed ends, too.

It never waits for one worker alone: a worker may hang at its start for ever, while others end, files change and signals
arrive. So one loop handles the events that have happened (`_attend`), and then waits for more (`_wait`).
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import pickle
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import spawn
from multiprocessing.connection import Connection, wait
from typing import Any

from sanic_star.engine.os_signals import SIGNALS, ReceivedSignals
from sanic_star.servers.jobs import ENDED_STATES, FAILED, NONE, TERMINATED, Job, Jobs, LazyValue, Slot
from sanic_star.servers.settings import CannotServe, NotImportable, Plan
from sanic_star.servers.sockets import Sockets
from sanic_star.servers.watching import Watch
from sanic_star.servers.worker import (
    JOB_STOP_S,
    READY,
    STOP,
    STOP_ALL,
    Ask,
    Change,
    Manage,
    ProcessSpec,
    Published,
    ServeSpec,
    Step,
    Unimportable,
    main,
    run_job,
)

logger = logging.getLogger("sanic.server")
# How much longer than its requests and tasks a worker may take to end.
END_MARGIN_S = 10.0
# How long a place stays empty after a worker died at its start. The pause doubles each time, up to the longest.
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
# How often to check whether a process has ended whose sentinel is closed: first often, and after the longer of the two
# times at that interval.
FIRST_POLL_S, MAX_POLL_S = 0.01, 1.0
# Windows waits for at most 63 handles at once (`MAXIMUM_WAIT_OBJECTS`, less one for Ctrl-C). Each worker has two, a
# worker that replaces another has two more, and `_wake_receiver` is one.
_MAX_WINDOWS_WORKERS = 30


class Starter:
    """Starts processes by one of the methods of `multiprocessing`.

    A forked process has a copy of everything in the supervisor: its signal handlers, and its ends of all channels. It
    restores the former and closes the latter, before it does anything else. As long as another process has such an end
    open, a worker would not notice that its supervisor was killed.

    Args:
        method: `spawn`, `forkserver` or `fork`.
    """

    def __init__(self, method: str) -> None:
        # The class has no `Process`; its subclasses have one.
        self.context: Any = multiprocessing.get_context(method)
        self.forks = method == "fork"
        # What a forked process undoes.
        self.signal_handlers: dict[int, Any] = {}
        self.channels: list[Connection] = []
        self.sockets: Sequence[socket.socket] = ()

    def start(self, name: str, target: Callable[[Any, Connection], None], spec: ProcessSpec) -> tuple[Any, Connection]:
        """Start a process.

        Args:
            name: of the process.
            target: the function that runs in it, called with the specification and its end of the channel.
            spec: what it runs.

        Returns:
            The process, and the supervisor's end of the channel.

        Raises:
            Exception: the specification can't be sent to another process; see `_is_unsendable`.
        """
        parent_end, child_end = self.context.Pipe()
        try:
            if self.forks:
                self.channels.append(parent_end)
                process = self._fork(name, target, spec, child_end)
            else:
                process = self.context.Process(target=target, args=(spec, child_end), name=name)
                with _main_hidden():
                    process.start()
        except BaseException:
            self.close(parent_end)
            raise
        finally:
            child_end.close()
        return process, parent_end

    def _fork(
        self, name: str, target: Callable[[Any, Connection], None], spec: ProcessSpec, child_end: Connection
    ) -> Any:
        if sys.platform == "win32":
            raise NotImplementedError
        process = self.context.Process(target=self._run_forked, args=(target, spec, child_end), name=name)
        # A signal that comes between the fork and the restored handlers would otherwise reach a copy of the
        # supervisor's handler.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, self.signal_handlers)
        try:
            with warnings.catch_warnings():
                # Since Python 3.12, of threads that the child does not have; the one that watches files is ours.
                warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
                process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return process

    def _run_forked(self, target: Callable[[Any, Connection], None], spec: ProcessSpec, child_end: Connection) -> None:
        if sys.platform == "win32":
            raise NotImplementedError
        signal.set_wakeup_fd(-1)
        for number, handler in self.signal_handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.signal_handlers)
        for channel in self.channels:
            channel.close()
        for end in self.sockets:
            end.close()
        target(spec, child_end)

    def close(self, channel: Connection) -> None:
        """Close the supervisor's end of a channel."""
        channel.close()
        if channel in self.channels:
            self.channels.remove(channel)


class Child:
    """A process of the supervisor.

    Args:
        slot: the name under which it runs.
        target: the function that runs in it, called with the specification and its end of the channel.
        spec: what it runs.
        stop_limit: how long it may take to end, in seconds.
        starter: starts it.

    Raises:
        Exception: the specification can't be sent to another process; see `_is_unsendable`.
    """

    def __init__(
        self,
        slot: Slot,
        target: Callable[[Any, Connection], None],
        spec: ProcessSpec,
        stop_limit: float,
        starter: Starter,
    ) -> None:
        self.slot = slot
        self._starter = starter
        # As far as the supervisor has noticed: the system may answer differently a moment later.
        self.has_ended = False
        # A function may close all files of its process: then its end of the channel is closed, and since some moment
        # (`time.monotonic`) its sentinel looks as if the process had ended.
        self.is_mute = False
        self.closed_at: float | None = None
        # When it has to have ended (`time.monotonic`), once the stop was requested; and the listener that it runs.
        self.deadline = math.inf
        self.stop_requested = False
        self.step = ""
        self._step_limit = stop_limit
        self.process, self.channel = starter.start(slot.name, target, spec)
        slot.note_start(self.process)

    def close(self) -> None:
        """Close its channel, once it has ended."""
        self._starter.close(self.channel)

    def stop(self) -> None:
        """Request its end, once."""
        if self.stop_requested or self.has_ended:
            return
        self.stop_requested = True
        self.deadline = time.monotonic() + self._step_limit
        if self.slot.process is self.process:
            self.slot.note(state=TERMINATED)
        with suppress(OSError):
            self.channel.send(STOP)

    def note_end(self) -> None:
        """Note that it has ended."""
        self.has_ended = True
        # Not if its successor runs already.
        if self.slot.process is self.process:
            self.slot.note_end()

    def pause(self) -> float:
        """Return after how many seconds to look whether it has ended; infinite while its sentinel tells."""
        if self.closed_at is None:
            return math.inf
        # A process that ends closes its files a moment before it can be waited for.
        return FIRST_POLL_S if time.monotonic() - self.closed_at < MAX_POLL_S else MAX_POLL_S

    def messages(self) -> Iterator[Any]:
        """Yield the messages that it has sent since the last call."""
        try:
            while not self.is_mute and self.channel.poll():
                yield self.channel.recv()
        except (EOFError, OSError):
            self.is_mute = True


class Worker(Child):
    """A process that serves.

    Args:
        slot: the name under which it runs.
        plan: what it serves.
        sockets: what it listens on.
        reports: exceptions of the application's import that it reports, and does not log.
        starter: starts it.

    Raises:
        NotImportable: what it serves can't be sent to another process.
    """

    def __init__(
        self,
        slot: Slot,
        plan: Plan,
        sockets: Sockets,
        reports: tuple[type[BaseException], ...],
        starter: Starter,
    ) -> None:
        self.could_not_import = False
        # When it reported that it accepts connections (`time.monotonic`).
        self.ready_at: float | None = None
        # First requests, then tasks have this time to end.
        self._stop_limit = 2 * max(settings.graceful_timeout for settings in plan.settings) + END_MARGIN_S
        spec = ServeSpec(
            slot.name,
            slot.ident,
            plan.in_fork if starter.forks else plan.prelude,
            _main_module(),
            # A forked process has the applications themselves.
            LazyValue((lambda shared: plan.apps, None) if starter.forks else (plan.load, plan.shared)),
            plan.settings,
            list(sockets),
            reports,
        )
        try:
            super().__init__(slot, main, spec, self._stop_limit, starter)
        except AssertionError as error:
            # Where `app.run` was called in a daemonic process.
            raise NotImportable(str(error)) from None
        except Exception as error:
            if not _is_unsendable(error):
                raise
            raise NotImportable(_unpicklable(error)) from None

    @property
    def ready(self) -> bool:
        """Whether it has reported that it accepts connections."""
        return self.ready_at is not None

    def note_ready(self) -> None:
        """Note that it accepts connections."""
        self.ready_at = time.monotonic()
        if self.slot.process is self.process and not self.stop_requested:
            self.slot.note_ready()

    def note(self, step: Step) -> None:
        """Record the listener that runs at the worker's stop. The worker itself ends a listener that takes too long.

        Args:
            step: the worker's message.
        """
        self.step = step.name
        limit = math.inf if step.limit is None else step.limit + END_MARGIN_S
        self._step_limit = limit if step.name else self._stop_limit
        if self.stop_requested:
            self.deadline = time.monotonic() + self._step_limit


class Runner(Child):
    """A process that runs a job.

    Args:
        slot: the name under which it runs.
        job: what it runs.
        plan: what the workers serve.
        starter: starts it.

    Raises:
        CannotServe: the function or its arguments can't be sent to another process.
    """

    def __init__(self, slot: Slot, job: Job, plan: Plan, starter: Starter) -> None:
        self.job = job
        try:
            prelude = plan.in_fork if starter.forks else plan.prelude
            spec = ProcessSpec(slot.name, slot.ident, prelude, _main_module(), job.call)
            super().__init__(slot, run_job, spec, JOB_STOP_S, starter)
        except Exception as error:
            if not _is_unsendable(error):
                raise
            raise CannotServe(
                f"{job.name} can't run in another process: {error}. Manage a function of a module, with arguments that "
                "can be pickled."
            ) from None


class Place:
    """A place for a worker, which is filled again when its worker ends.

    If the worker was ready, it is filled at once. If workers end while they start, or shortly after each other, it
    stays empty for a while: 1 s, then twice as long each time, up to 30 s.

    Args:
        number: its number.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None
        # How often in a row a worker has ended too soon.
        self._failures = 0
        # When the next worker starts (`time.monotonic`); infinite while none is planned.
        self.due = math.inf

    def fill(self, worker: Worker) -> None:
        """Set the worker of this place.

        Args:
            worker: the worker, which has been started.
        """
        self.worker, self.due = worker, math.inf

    def vacate(self) -> float:
        """Take the worker that has ended out of the place.

        Returns:
            After how many seconds the next one starts.
        """
        worker, pause = self.worker, 0.0
        assert worker is not None
        self.worker = None
        if worker.ready_at is not None and time.monotonic() - worker.ready_at > LONGEST_PAUSE_S:
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
        pause: float = min(SHORTEST_PAUSE_S * 2 ** max(0, self._failures - 1), LONGEST_PAUSE_S)
        self._failures = max(1, min(self._failures, 10)) + 1
        self.due = time.monotonic() + pause
        return pause


class Supervisor:
    """Starts, replaces and stops workers, until it has to stop itself.

    Args:
        plan: what they serve, and how many there are.
        sockets: those that they listen on.

    Raises:
        CannotServe: there are too many.
    """

    def __init__(self, plan: Plan, sockets: Sockets) -> None:
        if sys.platform == "win32" and plan.workers > _MAX_WINDOWS_WORKERS:
            raise CannotServe(f"On Windows there are {_MAX_WINDOWS_WORKERS} workers at most, not {plan.workers}")
        self.plan = plan
        self.sockets = sockets
        self.jobs = plan.jobs or Jobs(plan.workers)
        self.jobs.on_change = self._wake
        self.places = [Place(number) for number in range(plan.workers)]
        # Workers in places, those that are about to enter or have left one, and processes that run jobs.
        self._children: list[Child] = []
        self.stopping = self.now = False
        self._received_signals = ReceivedSignals()
        # The names of processes to restart; an empty name means all.
        self._restarts_requested: set[str] = set()
        self._target_workers = plan.workers
        # Why a worker could not import the application.
        self._unimportable = ""
        self._was_ready = self._announced = False
        # The files whose change has restarted the workers, until these are ready.
        self._reloaded: set[str] | None = None
        # Whether a signal ends the listener for restarts that runs in this process.
        self._interruptible = False
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._starter = self._job_starter = Starter(plan.start_method)
        self._starter.channels.append(self.jobs.subscriber)
        self._starter.sockets = (self._wake_receiver, self._wake_sender)
        self._watch = None if plan.watch is None else Watch(plan.watch, self._wake)

    def run(self) -> None:
        """Serve until the stop.

        Raises:
            CannotServe: no worker could be started.
        """
        with self._signals():
            try:
                self._run()
                # Each worker closes its copies before it waits for its requests. With these still open, new clients
                # would not be refused: they would wait in the queue until the last request ends, and get a reset.
                self.sockets.close()
            finally:
                self._received_signals.log()
                self._end_in_order(list(self._children))
                self._close_jobs()
                if self._watch is not None:
                    self._watch.stop()
                    self._notify("stop", set())
                self._wake_receiver.close()
                self._wake_sender.close()

    def _run(self) -> None:
        if self._watch is not None:
            self._notify("start", set())
            self._watch.start()
        self._populate()
        self._start_jobs()
        while not self.stopping:
            # Before the wait: for a change that came meanwhile, nothing wakes the supervisor again.
            if self._watch is not None and (changed := self._watch.take_changes()):
                self._reload(changed)
            elif self._restarts_requested:
                names, self._restarts_requested = self._restarts_requested, set()
                self._restart(names)
            elif self._target_workers != len(self.places):
                self._scale(self._target_workers)
            else:
                self._attend()

    # Workers --------------------------------------------------------------------------------------------------------

    @property
    def workers(self) -> list[Worker]:
        """The workers in places."""
        return [place.worker for place in self.places if place.worker is not None]

    def _start(self, number: int) -> Worker:
        reports: tuple[type[BaseException], ...] = ()
        if self._may_fork_again:
            reports = (CannotServe,)
        elif self.plan.can_serve_alone and not self._was_ready:
            reports = (Exception, SystemExit)
        slot = self.jobs.server(number)
        try:
            worker = Worker(slot, self.plan, self.sockets, reports, self._starter)
        except NotImportable as error:
            if not self._may_fork_again:
                raise
            self._fork_again(str(error))
            worker = Worker(slot, self.plan, self.sockets, (), self._starter)
        self._children.append(worker)
        return worker

    @property
    def _may_fork_again(self) -> bool:
        """Whether workers import the application since a reload, and were forked before."""
        return self._job_starter.forks and not self._starter.forks

    def _fork_again(self, reason: str) -> None:
        """Fork workers again, because they cannot import the application."""
        self._starter = self._job_starter
        logger.warning(
            "No other process can import the application, so workers are forked, and a change shows when the whole "
            "program is started again: %s",
            reason,
        )

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
        """Handle what has happened, then wait for the next event."""
        if all(worker.ready or worker.has_ended for worker in self.workers):
            self._all_started()
        # At the first start, wait for the others first: if all of them fail, the supervisor gives up.
        if self._was_ready or self._watch is not None:
            self._replace_ended_workers()
        self._note_ended_jobs()
        self._start_jobs()
        self._wait(min(place.due for place in self.places))

    def _all_started(self) -> None:
        """Announce the addresses after the first start, and run the listeners after a reload.

        Raises:
            NotImportable: the worker could not import the application.
            CannotServe: no worker was ever ready.
        """
        failed = any(worker.has_ended and not worker.ready for worker in self.workers)
        if self._was_ready and not self._announced:
            self._announced = True
            self.sockets.announce()
        elif not self._was_ready and failed and self._watch is None:
            if self._unimportable:
                raise NotImportable(self._unimportable)
            raise CannotServe("A worker could not be started, so that nothing is served; the log above says why")
        if self._reloaded is not None:
            changed, self._reloaded = self._reloaded, None
            self._notify("after", changed)

    def _replace_ended_workers(self) -> None:
        now = time.monotonic()
        for place in self.places:
            worker = place.worker
            if worker is not None and worker.has_ended:
                self._vacate(place, worker)
            if place.due <= now:
                self._fill(place)

    def _vacate(self, place: Place, worker: Worker) -> None:
        pause = place.vacate()
        self._end([worker])
        if worker.could_not_import and self._starter.forks:
            place.due = time.monotonic()
            return
        report = f"Worker [{worker.process.pid}] has ended with status {worker.process.exitcode}"
        if not worker.ready:
            report += " while it was starting"
        # An edit of a file does not mend an end by a signal.
        if self._watch is not None and not worker.ready and (worker.process.exitcode or 0) >= 0:
            place.due = math.inf
            logger.error("%s: the application could not be started; waiting for the next change", report)
        elif pause:
            logger.error("%s; another one is started in %d s", report, pause)
        else:
            logger.error("%s; another one is started", report)

    def _reload(self, changed: set[str]) -> None:
        logger.info("Reloading, because of %s", ", ".join(sorted(changed)))
        self._notify("before", changed)
        self._end_in_order([child for child in self._children if not isinstance(child, Runner) or child.job.transient])
        if self._starter.forks:
            # A forked worker would serve what this process has loaded.
            self._starter = Starter("spawn")
        self._populate()
        self._restart_jobs({""})
        self._reloaded = changed

    def _restart(self, names: set[str]) -> None:
        """Restart processes.

        Args:
            names: of the processes; an empty one means all workers and all transient jobs.
        """
        unknown = names - {""} - {slot.name for job in self.jobs for slot in job.slots}
        if unknown:
            logger.error("Failed to restart processes: %s", ", ".join(sorted(unknown)))
        places = [place for place in self.places if "" in names or self.jobs.server(place.number).name in names]
        if places:
            self._roll(places)
        if not self.stopping:
            self._restart_jobs(names)

    def _roll(self, places: list[Place]) -> None:
        """Replace workers, one after the other, by ones that accept connections before the old ones stop."""
        logger.info("Restarting %d workers, one after the other", len(places))
        for place in places:
            try:
                successor = self._start(place.number)
            except OSError as error:
                logger.error("A new worker could not be started: %s; the old ones go on", error)
                return
            self._attend_until(partial(self._is_settled, successor))
            if not successor.ready:
                if successor.has_ended and not self.stopping:
                    logger.error("A new worker could not be started; the old ones go on")
                self._end([successor])
                return
            # Read again: the worker of before may have died, and have been replaced.
            former = place.worker
            place.fill(successor)
            if former is not None:
                self._end([former])

    def _is_settled(self, successor: Worker) -> bool:
        """Return whether a rolling restart need not wait for a new worker any longer."""
        return successor.ready or successor.has_ended or self._has_changes()

    def _scale(self, count: int) -> None:
        """Change the number of workers."""
        logger.info("Scaling from %d to %d workers", len(self.places), count)
        while len(self.places) < count and not self.stopping:
            self.places.append(Place(len(self.places)))
            self._fill(self.places[-1])
        surplus = self.places[count:]
        del self.places[count:]
        self._end([place.worker for place in surplus if place.worker is not None])
        for place in surplus:
            self.jobs.remove_server(place.number)

    def _request_scale(self, count: Any) -> None:
        limit = _MAX_WINDOWS_WORKERS if sys.platform == "win32" else math.inf
        if isinstance(count, int) and 1 <= count <= limit:
            self._target_workers = count
        else:
            logger.error("Cannot scale to %s workers", count)

    # Jobs -----------------------------------------------------------------------------------------------------------

    def _start_jobs(self) -> None:
        """Start the jobs that were added since the last call."""
        for job in self.jobs:
            if job.is_started or self.stopping:
                continue
            job.is_started = True
            for slot in job.slots:
                if job.auto_start:
                    self._start_job(job, slot)
                else:
                    slot.note(state=NONE)

    def _start_job(self, job: Job, slot: Slot) -> None:
        try:
            self._children.append(Runner(slot, job, self.plan, self._job_starter))
        except (CannotServe, OSError) as error:
            if not self._was_ready and self._watch is None:
                raise CannotServe(str(error)) from None
            slot.note(state=FAILED)
            logger.error("%s could not be started: %s", slot.name, error)

    def _restart_jobs(self, names: set[str]) -> None:
        """Restart jobs: transient ones, and others by name if they can be restarted and have ended."""
        for job in self.jobs:
            for slot in job.slots:
                if slot.is_server or not (slot.name in names or ("" in names and job.transient)):
                    continue
                if not job.restartable or not (job.transient or slot.state in ENDED_STATES):
                    why = "it still runs" if job.restartable else "it is not restartable"
                    logger.error("Failed to restart processes: %s, because %s", slot.name, why)
                    continue
                self._end([child for child in self._children if child.slot is slot])
                if not self.stopping:
                    self._start_job(job, slot)

    def _note_ended_jobs(self) -> None:
        for child in [child for child in self._children if isinstance(child, Runner) and child.has_ended]:
            pid, status = child.process.pid, child.process.exitcode
            self._end([child])
            if status:
                logger.error("Process %s [%s] has ended with status %s", child.slot.name, pid, status)
            if not child.job.tracked and all(slot.state in ENDED_STATES for slot in child.job.slots):
                self.jobs.remove(child.job)
                logger.info("Removed worker %s", child.job.name)

    def _close_jobs(self) -> None:
        self.jobs.on_change = lambda: None
        for job in self.jobs:
            for slot in job.slots:
                slot.is_over = slot.process is not None

    def _manage(self, name: str, call: Any, options: dict[str, Any]) -> None:
        """Add a job that another process has asked for."""
        try:
            self.jobs.add(name, call, **options)
        except (ValueError, TypeError) as error:
            logger.error("Failed to manage worker %s: %s", name, error)

    def _has_changes(self) -> bool:
        return self._watch is not None and self._watch.has_changes

    def _end_in_order(self, children: list[Child]) -> None:
        """Stop workers, then what runs jobs: it may handle what workers send at their stop, such as their log."""
        self._end([child for child in children if isinstance(child, Worker)])
        self._end([child for child in children if isinstance(child, Runner)])

    def _end(self, children: Sequence[Child]) -> None:
        """Stop processes and wait until they have ended; kill those that take too long, or all at the second Ctrl-C."""
        for child in children:
            child.stop()
        while not self.now and (running := [child for child in children if not child.has_ended]):
            if self.stopping:
                for child in self._children:
                    if isinstance(child, Worker):
                        child.stop()
            deadline = min(child.deadline for child in running)
            if deadline <= time.monotonic():
                break
            self._wait(deadline)
        for child in children:
            if not child.has_ended:
                kind = "Worker" if isinstance(child, Worker) else f"Process {child.slot.name}"
                doing = f" (it runs {child.step})" if child.step else ""
                logger.error("%s [%s] does not end%s; it is killed", kind, child.process.pid, doing)
                child.process.kill()
            child.process.join()
            if not child.has_ended:
                child.note_end()
            child.close()
            self._children.remove(child)

    # What happens ---------------------------------------------------------------------------------------------------

    def _attend_until(self, done: Callable[[], bool]) -> None:
        """Handle events until `done` returns true, or the stop begins."""
        while not done() and not self.stopping:
            self._attend()

    def _wait(self, deadline: float) -> None:
        """Wait for an event, and handle it.

        Args:
            deadline: until when to wait (`time.monotonic`); infinite for as long as it takes.
        """
        alive = [child for child in self._children if not child.has_ended]
        pause = min([deadline - time.monotonic(), *(child.pause() for child in alive)])
        timeout = None if pause == math.inf else max(0.0, pause)
        handles: list[Any] = [
            self._wake_receiver,
            self.jobs.subscriber,
            *(child.process.sentinel for child in alive if child.closed_at is None),
            *(child.channel for child in alive if not child.is_mute),
        ]
        happened: list[Any] = []
        # On Windows, Ctrl-C ends the wait with this error once the handler has run.
        with suppress(InterruptedError):
            happened = wait(handles, timeout)
        if self._wake_receiver in happened:
            with suppress(BlockingIOError):
                self._wake_receiver.recv(4096)
        for child in alive:
            if child.process.exitcode is not None:
                child.note_end()
            elif child.process.sentinel in happened:
                child.closed_at = time.monotonic()
        # Also those of processes that have ended: the last message may stop all.
        for child in alive:
            for message in child.messages():
                self._handle(child, message)
        while self.jobs.subscriber.poll():
            self._handle_publisher()

    def _handle(self, child: Child, message: Any) -> None:
        match message:
            case Ask(number):
                with suppress(OSError):
                    child.channel.send((number, self.jobs.snapshot()))
            case Change(name, values, removed, facts):
                self.jobs.change(name, values, removed, facts)
            case _ if isinstance(child, Worker):
                self._handle_worker(child, message)

    def _handle_worker(self, worker: Worker, message: Any) -> None:
        match message:
            case Step():
                worker.note(message)
            case Unimportable(reason):
                self._unimportable, worker.could_not_import = reason, True
                if self._may_fork_again:
                    self._fork_again(reason)
            case Manage(name, call, options):
                self._manage(name, call, options)
            case Published(spec):
                self._execute(spec)
            case str() if message == READY:
                worker.note_ready()
                self._was_ready = True
            case str() if message == STOP_ALL:
                self.stopping = True

    def _handle_publisher(self) -> None:
        """Do what has come through `app.manager.monitor_publisher`."""
        try:
            message = self.jobs.subscriber.recv()
        except Exception as error:  # what it was may not be there in this process
            logger.error("The manager received an invalid message: %s: %s", type(error).__name__, error)
            return
        self._execute(message)

    def _execute(self, message: Any) -> None:
        """Execute a command of Sanic's manager.

        `Sanic-Server-0-0,Sanic-Server-1-0:` restarts processes, `__ALL_PROCESSES__:` all of them, `__SCALE__:4` changes
        the number of workers, `__TERMINATE__` stops the server. What follows a second colon (`STARTUP_FIRST`) has no
        effect: workers are always replaced by ones that accept connections.
        """
        match message:
            case None | "" | "__TERMINATE__" | "__TERMINATE_EARLY__":
                self.stopping = True
            case str() if message.startswith("__SCALE__:"):
                count = message.removeprefix("__SCALE__:")
                self._request_scale(int(count) if count.isdecimal() else count)
            case str():
                names = message.partition(":")[0]
                self._request_restart("" if "__ALL_PROCESSES__" in names else names)
            case _:
                logger.error("The manager received an invalid message: %r", message)

    def _request_restart(self, names: str) -> None:
        self._restarts_requested |= {name.strip() for name in names.split(",")}

    def _notify(self, event: str, changed: set[str]) -> None:
        """Run the application's listeners for restarts. A signal interrupts them, because they may hang.

        Those for the end of the server run after the first signal, so that only a second Ctrl-C interrupts them.
        """
        try:
            try:
                self._interruptible = True
                self.plan.notify(event, changed)
            finally:
                self._interruptible = False
        except KeyboardInterrupt:
            logger.error("The listeners for restarts (%s) were interrupted", event)

    def _wake(self) -> None:
        with suppress(OSError):
            self._wake_sender.send(b"\0")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Handle signals while the block runs."""
        if not self.plan.signals or threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [*SIGNALS, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        before = {number: signal.signal(number, self._handle_signal) for number in numbers}
        self._starter.signal_handlers = before
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle_signal(self, number: int, frame: Any) -> None:
        if number not in SIGNALS:
            self._restarts_requested.add("")
            self._wake()
            return
        first, self.stopping = not self.stopping, True
        self.now = self._received_signals(number, not first) or self.now
        self._wake()
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
    hidden = {name: module.__dict__.pop(name) for name in ("__spec__", "__file__") if name in module.__dict__}
    module.__spec__ = None
    try:
        yield
    finally:
        module.__dict__.update(hidden)


def _is_unsendable(error: Exception) -> bool:
    """Return whether `multiprocessing` could not send something to another process."""
    kinds = (TypeError, AttributeError, ValueError, ImportError, RuntimeError, pickle.PicklingError)
    return isinstance(error, kinds) or type(error).__name__ == "PicklingError"


def _unpicklable(error: Exception) -> str:
    remedy = "Give a function of a module as the factory, and paths instead of an SSLContext"
    return f"it can't be sent to one: {error}. {remedy}"
