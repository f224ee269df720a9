"""The parent of several workers, or of one that is restarted when a file changes or has a main process beside it.

    SIGINT, SIGTERM     all workers stop at once; a second Ctrl-C kills them
    SIGHUP              rolling restart: a new worker accepts connections before the old one stops
    a worker ends       another one takes its place, see `Place`
    no worker is ready  the process ends with status 1
    a file changes      all workers stop and start again; if that fails, the supervisor waits for the next change
    a job ends          if its function has failed, one line is logged. A job is a function that runs beside the
                        workers; see `sanic_star.servers.jobs`

It owns the sockets, so that connections that wait to be accepted outlive any worker. It stops a worker by a message in
a pipe and not by a signal: that works on every system, and a worker whose supervisor was killed ends, too.

It never waits for one worker alone: a worker may hang at its start for ever, while others end, files change and signals
arrive. So one loop handles the events that have happened (`_process_events`), and then waits for more (`_wait`).
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
    JOB_STOP_TIMEOUT_S,
    READY,
    STOP,
    STOP_ALL,
    ImportFailed,
    JobRequest,
    ManagerCommand,
    ProcessSpec,
    ServeSpec,
    StateChange,
    StateRequest,
    Step,
    run_job,
    run_worker,
)

logger = logging.getLogger("sanic.server")
# How much longer than its requests and tasks a worker may take to end, in seconds.
END_MARGIN_S = 10.0
# How long a place stays empty after a worker died at its start, in seconds. The pause doubles each time, up to the
# longest.
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
# The interval between checks whether a process has ended, in seconds, if its sentinel is closed. The first interval is
# used for the first `MAX_POLL_S` seconds, the second one after that.
FIRST_POLL_S, MAX_POLL_S = 0.01, 1.0
# Windows can wait for at most 63 handles at once (`MAXIMUM_WAIT_OBJECTS`, less one for Ctrl-C). Each worker has two, a
# worker that replaces another one has two more, and `_wake_receiver` is one.
_MAX_WINDOWS_WORKERS = 30


class Starter:
    """Starts processes with one of the start methods of `multiprocessing`.

    A forked process has a copy of everything in the supervisor: its signal handlers, and its ends of all channels. It
    restores the handlers and closes the channels before it does anything else. If another process kept such an end
    open, a worker would not notice that its supervisor was killed.

    Args:
        method: `spawn`, `forkserver` or `fork`.
    """

    def __init__(self, method: str) -> None:
        # `Any`, because only the subclasses of the annotated class have `Process`.
        self.context: Any = multiprocessing.get_context(method)
        self.forks = method == "fork"
        # A forked process restores these handlers, and closes these channels and sockets.
        self.signal_handlers: dict[int, Any] = {}
        self.channels: list[Connection] = []
        self.sockets: Sequence[socket.socket] = ()

    def start(self, name: str, target: Callable[[Any, Connection], None], spec: ProcessSpec) -> tuple[Any, Connection]:
        """Start a process.

        Args:
            name: the name of the process.
            target: the function to run in the process; called with `spec` and the process' end of the channel.
            spec: the data that the function needs.

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
                with _hide_main_module():
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
                # Python 3.12 and later warn of threads that the child does not have. The only such thread of this
                # package watches files, and the child does not need it.
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
        for wake_socket in self.sockets:
            wake_socket.close()
        target(spec, child_end)

    def close(self, channel: Connection) -> None:
        """Close the supervisor's end of a channel."""
        channel.close()
        if channel in self.channels:
            self.channels.remove(channel)


class Child:
    """A process that the supervisor has started.

    Args:
        slot: the record of its name and state.
        target: the function to run in the process; called with `spec` and the process' end of the channel.
        spec: the data that the function needs.
        stop_limit_s: how long it may take to end after the request to stop, in seconds.
        starter: the object that starts it.

    Raises:
        Exception: the specification can't be sent to another process; see `_is_unsendable`.
    """

    def __init__(
        self,
        slot: Slot,
        target: Callable[[Any, Connection], None],
        spec: ProcessSpec,
        stop_limit_s: float,
        starter: Starter,
    ) -> None:
        self.slot = slot
        self._starter = starter
        # Whether the supervisor has noticed its end. It may have ended since the last check.
        self.has_ended = False
        # A function may close all files of its process. Then its end of the channel is closed, and its sentinel looks
        # as if the process had ended. `sentinel_closed_at` is the time at which that was noticed (`time.monotonic`).
        self.is_channel_closed = False
        self.sentinel_closed_at: float | None = None
        # Once the stop is requested: the time at which the process is killed (`time.monotonic`).
        self.deadline = math.inf
        self.stop_requested = False
        # The name of the listener that it runs during its stop; empty if it runs none.
        self.running_listener = ""
        self._time_limit_s = stop_limit_s
        self.process, self.channel = starter.start(slot.name, target, spec)
        slot.record_start(self.process)

    def close(self) -> None:
        """Close the channel; called after the process has ended."""
        self._starter.close(self.channel)

    def stop(self) -> None:
        """Request its stop, unless that was requested before."""
        if self.stop_requested or self.has_ended:
            return
        self.stop_requested = True
        self.deadline = time.monotonic() + self._time_limit_s
        if self.slot.process is self.process:
            self.slot.set_builtin(state=TERMINATED)
        with suppress(OSError):
            self.channel.send(STOP)

    def record_end(self) -> None:
        """Record that it has ended."""
        self.has_ended = True
        # Otherwise its successor runs already, and the slot is about the successor.
        if self.slot.process is self.process:
            self.slot.record_end()

    def poll_delay(self) -> float:
        """Return the time until the next check whether it has ended, in seconds; infinite while its sentinel works."""
        if self.sentinel_closed_at is None:
            return math.inf
        # A process that ends closes its files a moment before it can be waited for.
        return FIRST_POLL_S if time.monotonic() - self.sentinel_closed_at < MAX_POLL_S else MAX_POLL_S

    def receive_messages(self) -> Iterator[Any]:
        """Yield the messages that have arrived since the last call."""
        try:
            while not self.is_channel_closed and self.channel.poll():
                yield self.channel.recv()
        except (EOFError, OSError):
            self.is_channel_closed = True


class Worker(Child):
    """A process that serves.

    Args:
        slot: the record of its name and state.
        plan: the applications, with their settings.
        sockets: the bound sockets of each application.
        reported_errors: exceptions of the application's import that it reports to the supervisor and does not log.
        starter: the object that starts it.

    Raises:
        NotImportable: the plan can't be sent to another process.
    """

    def __init__(
        self,
        slot: Slot,
        plan: Plan,
        sockets: Sockets,
        reported_errors: tuple[type[BaseException], ...],
        starter: Starter,
    ) -> None:
        self.could_not_import = False
        # The time at which it reported that it accepts connections (`time.monotonic`).
        self.ready_at: float | None = None
        # `graceful_timeout` is the limit for requests, and then again for background tasks.
        self._stop_limit_s = 2 * max(settings.graceful_timeout for settings in plan.settings) + END_MARGIN_S
        spec = ServeSpec(
            slot.name,
            slot.ident,
            plan.after_fork if starter.forks else plan.prelude,
            _locate_main_module(),
            # A forked process has the applications themselves.
            LazyValue((lambda shared: plan.apps, None) if starter.forks else (plan.load, plan.shared)),
            plan.settings,
            list(sockets),
            reported_errors,
        )
        try:
            super().__init__(slot, run_worker, spec, self._stop_limit_s, starter)
        except AssertionError as error:
            # `app.run` was called in a daemonic process, which may not have children.
            raise NotImportable(str(error)) from None
        except Exception as error:
            if not _is_unsendable(error):
                raise
            raise NotImportable(_explain_unsendable(error)) from None

    @property
    def is_ready(self) -> bool:
        """Whether it has reported that it accepts connections."""
        return self.ready_at is not None

    def record_ready(self) -> None:
        """Record that it accepts connections."""
        self.ready_at = time.monotonic()
        if self.slot.process is self.process and not self.stop_requested:
            self.slot.record_ready()

    def record_step(self, step: Step) -> None:
        """Record the listener that the worker runs during its stop, and extend the time to end by the listener's limit.

        Args:
            step: the message of the worker, which itself ends a listener that takes too long.
        """
        self.running_listener = step.name
        limit = math.inf if step.limit is None else step.limit + END_MARGIN_S
        self._time_limit_s = limit if step.name else self._stop_limit_s
        if self.stop_requested:
            self.deadline = time.monotonic() + self._time_limit_s


class JobProcess(Child):
    """A process that runs a job.

    Args:
        slot: the record of its name and state.
        job: the job that it runs.
        plan: the plan of the workers; the process calls the same functions at its start.
        starter: the object that starts it.

    Raises:
        CannotServe: the function or its arguments can't be sent to another process.
    """

    def __init__(self, slot: Slot, job: Job, plan: Plan, starter: Starter) -> None:
        self.job = job
        try:
            prelude = plan.after_fork if starter.forks else plan.prelude
            spec = ProcessSpec(slot.name, slot.ident, prelude, _locate_main_module(), job.call)
            super().__init__(slot, run_job, spec, JOB_STOP_TIMEOUT_S, starter)
        except Exception as error:
            if not _is_unsendable(error):
                raise
            raise CannotServe(
                f"{job.name} can't run in another process: {error}. Manage a function of a module, with arguments that "
                "can be pickled."
            ) from None


class Place:
    """A place for a worker, which is filled again when its worker ends.

    If the worker was ready, the place is filled at once. If workers end while they start, or shortly after each other,
    the place stays empty for a while: 1 s, then twice as long each time, up to 30 s.

    Args:
        number: the number of the place, from 0.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None
        # The number of workers in a row that have ended too soon.
        self._failures = 0
        # The time at which the next worker starts (`time.monotonic`); infinite if no start is planned.
        self.next_start_at = math.inf

    def fill(self, worker: Worker) -> None:
        """Set the worker of this place.

        Args:
            worker: the worker, which has been started.
        """
        self.worker, self.next_start_at = worker, math.inf

    def remove_ended_worker(self) -> float:
        """Remove the worker, which has ended, and plan the start of the next one.

        Returns:
            The time until the next worker starts, in seconds.
        """
        worker, pause = self.worker, 0.0
        assert worker is not None
        self.worker = None
        if worker.ready_at is not None and time.monotonic() - worker.ready_at > LONGEST_PAUSE_S:
            self._failures = 0
        if worker.ready_at is not None and self._failures == 0:
            self._failures, self.next_start_at = 1, time.monotonic()
        else:
            pause = self.delay_next_start()
        return pause

    def delay_next_start(self) -> float:
        """Plan the start of the next worker after a pause, which grows with each call.

        Returns:
            The pause, in seconds.
        """
        pause: float = min(SHORTEST_PAUSE_S * 2 ** max(0, self._failures - 1), LONGEST_PAUSE_S)
        self._failures = max(1, min(self._failures, 10)) + 1
        self.next_start_at = time.monotonic() + pause
        return pause


class Supervisor:
    """Starts, replaces and stops workers, until its own stop.

    Args:
        plan: the applications, with their settings and the number of workers.
        sockets: the bound sockets of each application.

    Raises:
        CannotServe: there are more workers than Windows allows.
    """

    def __init__(self, plan: Plan, sockets: Sockets) -> None:
        if sys.platform == "win32" and plan.workers > _MAX_WINDOWS_WORKERS:
            raise CannotServe(f"On Windows there are {_MAX_WINDOWS_WORKERS} workers at most, not {plan.workers}")
        self.plan = plan
        self.sockets = sockets
        self.jobs = plan.jobs or Jobs(plan.workers)
        self.jobs.on_add = self._wake
        self.places = [Place(number) for number in range(plan.workers)]
        # Workers in places, workers on their way into or out of a place, and processes that run jobs.
        self._children: list[Child] = []
        # Whether the stop has begun, and whether a second Ctrl-C has forced it: then processes are killed at once.
        self.is_stopping = self.is_forced = False
        self._received_signals = ReceivedSignals()
        # The names of processes to restart; an empty name means all.
        self._names_to_restart: set[str] = set()
        self._target_worker_count = plan.workers
        # The reason why a worker could not import the application; empty if none has failed to.
        self._import_failure = ""
        # Whether a worker was ever ready, and whether the addresses were announced.
        self._was_ready = self._has_announced = False
        # The paths of the files whose change has restarted the workers; `None` once all workers have started.
        self._reloaded_paths: set[str] | None = None
        # Whether a signal interrupts the reload listener that runs in this process.
        self._interrupts_listener = False
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        # The second one keeps its start method for jobs; a reload replaces the first, if that forks.
        self._starter = self._job_starter = Starter(plan.start_method)
        self._starter.channels.append(self.jobs.subscriber)
        self._starter.sockets = (self._wake_receiver, self._wake_sender)
        self._watch = None if plan.watch is None else Watch(plan.watch, self._wake)

    def run(self) -> None:
        """Serve until the stop.

        Raises:
            CannotServe: no worker could be started.
        """
        with self._install_signal_handlers():
            try:
                self._run()
                # Each worker closes its copies of the sockets before it waits for its requests. If the supervisor's
                # stayed open, new clients would not be refused: they would wait until the last request ends, and get
                # a reset.
                self.sockets.close()
            finally:
                self._received_signals.log()
                self._stop_in_order(list(self._children))
                self._close_jobs()
                if self._watch is not None:
                    self._watch.stop()
                    self._run_reload_listeners("stop", set())
                self._wake_receiver.close()
                self._wake_sender.close()

    def _run(self) -> None:
        if self._watch is not None:
            self._run_reload_listeners("start", set())
            self._watch.start()
        self._fill_places()
        self._start_new_jobs()
        while not self.is_stopping:
            # Checked before each wait, because nothing wakes the supervisor again for a change that it has been woken
            # for.
            if self._watch is not None and (changed_paths := self._watch.take_changes()):
                self._reload(changed_paths)
            elif self._names_to_restart:
                names, self._names_to_restart = self._names_to_restart, set()
                self._restart(names)
            elif self._target_worker_count != len(self.places):
                self._scale(self._target_worker_count)
            else:
                self._process_events()

    # Workers --------------------------------------------------------------------------------------------------------

    @property
    def workers(self) -> list[Worker]:
        """The workers in places."""
        return [place.worker for place in self.places if place.worker is not None]

    def _start_worker(self, number: int) -> Worker:
        reported_errors: tuple[type[BaseException], ...] = ()
        if self._may_fork_again:
            reported_errors = (CannotServe,)
        elif self.plan.can_serve_alone and not self._was_ready:
            reported_errors = (Exception, SystemExit)
        slot = self.jobs.worker_slot(number)
        try:
            worker = Worker(slot, self.plan, self.sockets, reported_errors, self._starter)
        except NotImportable as error:
            if not self._may_fork_again:
                raise
            self._fork_again(str(error))
            worker = Worker(slot, self.plan, self.sockets, (), self._starter)
        self._children.append(worker)
        return worker

    @property
    def _may_fork_again(self) -> bool:
        """Whether workers were forked at first, and import the application since a reload."""
        return self._job_starter.forks and not self._starter.forks

    def _fork_again(self, reason: str) -> None:
        """Fork workers again, because they cannot import the application."""
        self._starter = self._job_starter
        logger.warning(
            "No other process can import the application, so workers are forked. Changes take effect when the whole "
            "program is restarted: %s",
            reason,
        )

    def _fill_places(self) -> None:
        for place in self.places:
            if not self.is_stopping:
                self._fill(place)

    def _fill(self, place: Place) -> None:
        try:
            place.fill(self._start_worker(place.number))
        except OSError as error:
            if not self._was_ready and self._watch is None:
                raise CannotServe(f"A worker could not be started: {error}") from None
            # The system has too little memory, or too many processes.
            logger.error("A worker could not be started: %s; trying again in %d s", error, place.delay_next_start())

    def _process_events(self) -> None:
        """Handle the events that have happened, then wait for the next one."""
        if all(worker.is_ready or worker.has_ended for worker in self.workers):
            self._handle_all_started()
        # Before the first worker is ready, no ended worker is replaced: if one fails, the supervisor gives up.
        if self._was_ready or self._watch is not None:
            self._replace_ended_workers()
        self._handle_ended_jobs()
        self._start_new_jobs()
        self._wait(min(place.next_start_at for place in self.places))

    def _handle_all_started(self) -> None:
        """Announce the addresses after the first start, and run the listeners after a reload.

        Raises:
            NotImportable: the worker could not import the application.
            CannotServe: no worker was ever ready.
        """
        failed = any(worker.has_ended and not worker.is_ready for worker in self.workers)
        if self._was_ready and not self._has_announced:
            self._has_announced = True
            self.sockets.announce()
        elif not self._was_ready and failed and self._watch is None:
            if self._import_failure:
                raise NotImportable(self._import_failure)
            raise CannotServe("A worker could not be started, so that nothing is served; the log above says why")
        if self._reloaded_paths is not None:
            changed_paths, self._reloaded_paths = self._reloaded_paths, None
            self._run_reload_listeners("after", changed_paths)

    def _replace_ended_workers(self) -> None:
        now = time.monotonic()
        for place in self.places:
            worker = place.worker
            if worker is not None and worker.has_ended:
                self._handle_ended_worker(place, worker)
            if place.next_start_at <= now:
                self._fill(place)

    def _handle_ended_worker(self, place: Place, worker: Worker) -> None:
        pause = place.remove_ended_worker()
        self._stop_and_wait([worker])
        if worker.could_not_import and self._starter.forks:
            place.next_start_at = time.monotonic()
            return
        report = f"Worker [{worker.process.pid}] has ended with status {worker.process.exitcode}"
        if not worker.is_ready:
            report += " while it was starting"
        # A negative status means a signal: then a changed file would not help.
        if self._watch is not None and not worker.is_ready and (worker.process.exitcode or 0) >= 0:
            place.next_start_at = math.inf
            logger.error("%s: the application could not be started; waiting for the next change", report)
        elif pause:
            logger.error("%s; another one is started in %d s", report, pause)
        else:
            logger.error("%s; another one is started", report)

    def _reload(self, changed_paths: set[str]) -> None:
        logger.info("Reloading, because of %s", ", ".join(sorted(changed_paths)))
        self._run_reload_listeners("before", changed_paths)
        self._stop_in_order(
            [child for child in self._children if not isinstance(child, JobProcess) or child.job.transient]
        )
        if self._starter.forks:
            # A forked worker would serve the old source, which this process has loaded.
            self._starter = Starter("spawn")
        self._fill_places()
        self._restart_jobs({""})
        self._reloaded_paths = changed_paths

    def _restart(self, names: set[str]) -> None:
        """Restart processes.

        Args:
            names: the names of the processes; an empty name means all workers and all transient jobs.
        """
        unknown = names - {""} - {slot.name for job in self.jobs for slot in job.slots}
        if unknown:
            logger.error("Failed to restart processes: %s", ", ".join(sorted(unknown)))
        places = [place for place in self.places if "" in names or self.jobs.worker_slot(place.number).name in names]
        if places:
            self._replace_one_by_one(places)
        if not self.is_stopping:
            self._restart_jobs(names)

    def _replace_one_by_one(self, places: list[Place]) -> None:
        """Replace workers, one after the other; a new worker accepts connections before the old one stops."""
        logger.info("Restarting %d workers, one after the other", len(places))
        for place in places:
            try:
                successor = self._start_worker(place.number)
            except OSError as error:
                logger.error("A new worker could not be started: %s; the old ones keep running", error)
                return
            self._process_events_until(partial(self._is_wait_over, successor))
            if not successor.is_ready:
                if successor.has_ended and not self.is_stopping:
                    logger.error("A new worker could not be started; the old ones keep running")
                self._stop_and_wait([successor])
                return
            # Read only now, because the old worker may have died and been replaced during the wait.
            old_worker = place.worker
            place.fill(successor)
            if old_worker is not None:
                self._stop_and_wait([old_worker])

    def _is_wait_over(self, successor: Worker) -> bool:
        """Return whether a rolling restart need not wait any longer for a new worker."""
        return successor.is_ready or successor.has_ended or self._has_changes()

    def _scale(self, count: int) -> None:
        """Change the number of workers."""
        logger.info("Scaling from %d to %d workers", len(self.places), count)
        while len(self.places) < count and not self.is_stopping:
            self.places.append(Place(len(self.places)))
            self._fill(self.places[-1])
        surplus = self.places[count:]
        del self.places[count:]
        self._stop_and_wait([place.worker for place in surplus if place.worker is not None])
        for place in surplus:
            self.jobs.remove_worker(place.number)

    def _request_scale(self, count: Any) -> None:
        limit = _MAX_WINDOWS_WORKERS if sys.platform == "win32" else math.inf
        if isinstance(count, int) and 1 <= count <= limit:
            self._target_worker_count = count
        else:
            logger.error("Cannot scale to %s workers", count)

    # Jobs -----------------------------------------------------------------------------------------------------------

    def _start_new_jobs(self) -> None:
        """Start the jobs that were added since the last call."""
        for job in self.jobs:
            if job.is_started or self.is_stopping:
                continue
            job.is_started = True
            for slot in job.slots:
                if job.auto_start:
                    self._start_job(job, slot)
                else:
                    slot.set_builtin(state=NONE)

    def _start_job(self, job: Job, slot: Slot) -> None:
        try:
            self._children.append(JobProcess(slot, job, self.plan, self._job_starter))
        except (CannotServe, OSError) as error:
            if not self._was_ready and self._watch is None:
                raise CannotServe(str(error)) from None
            slot.set_builtin(state=FAILED)
            logger.error("%s could not be started: %s", slot.name, error)

    def _restart_jobs(self, names: set[str]) -> None:
        """Restart jobs: transient ones, and others by name if they can be restarted and have ended."""
        for job in self.jobs:
            for slot in job.slots:
                if slot.is_server or not (slot.name in names or ("" in names and job.transient)):
                    continue
                if not job.restartable or not (job.transient or slot.state in ENDED_STATES):
                    reason = "it still runs" if job.restartable else "it is not restartable"
                    logger.error("Failed to restart processes: %s, because %s", slot.name, reason)
                    continue
                self._stop_and_wait([child for child in self._children if child.slot is slot])
                if not self.is_stopping:
                    self._start_job(job, slot)

    def _handle_ended_jobs(self) -> None:
        for child in [child for child in self._children if isinstance(child, JobProcess) and child.has_ended]:
            pid, status = child.process.pid, child.process.exitcode
            self._stop_and_wait([child])
            if status:
                logger.error("Process %s [%s] has ended with status %s", child.slot.name, pid, status)
            if not child.job.tracked and all(slot.state in ENDED_STATES for slot in child.job.slots):
                self.jobs.remove(child.job)
                logger.info("Removed worker %s", child.job.name)

    def _close_jobs(self) -> None:
        self.jobs.on_add = lambda: None
        for job in self.jobs:
            for slot in job.slots:
                slot.is_closed = slot.process is not None

    def _add_job(self, name: str, call: Any, options: dict[str, Any]) -> None:
        """Add a job that another process has requested."""
        try:
            self.jobs.add(name, call, **options)
        except (ValueError, TypeError) as error:
            logger.error("Failed to manage worker %s: %s", name, error)

    def _has_changes(self) -> bool:
        return self._watch is not None and self._watch.has_changes

    def _stop_in_order(self, children: list[Child]) -> None:
        """Stop workers, then jobs: a job may process data that workers send at their stop, such as log lines."""
        self._stop_and_wait([child for child in children if isinstance(child, Worker)])
        self._stop_and_wait([child for child in children if isinstance(child, JobProcess)])

    def _stop_and_wait(self, children: Sequence[Child]) -> None:
        """Stop processes and wait until they have ended; kill those that take too long, or all at the second Ctrl-C."""
        for child in children:
            child.stop()
        while not self.is_forced and (running := [child for child in children if not child.has_ended]):
            if self.is_stopping:
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
                activity = f" (it runs {child.running_listener})" if child.running_listener else ""
                cause = "Second Ctrl-C: " if self.is_forced else ""
                logger.error("%s%s [%s] does not end%s; it is killed", cause, kind, child.process.pid, activity)
                child.process.kill()
            child.process.join()
            if not child.has_ended:
                child.record_end()
            child.close()
            self._children.remove(child)

    # Events ---------------------------------------------------------------------------------------------------------

    def _process_events_until(self, is_done: Callable[[], bool]) -> None:
        """Handle events until `is_done` returns true, or the stop begins."""
        while not is_done() and not self.is_stopping:
            self._process_events()

    def _wait(self, deadline: float) -> None:
        """Wait for an event, and handle it.

        Args:
            deadline: the time at which the wait ends (`time.monotonic`); infinite for no limit.
        """
        running = [child for child in self._children if not child.has_ended]
        pause = min([deadline - time.monotonic(), *(child.poll_delay() for child in running)])
        timeout = None if pause == math.inf else max(0.0, pause)
        handles: list[Any] = [
            self._wake_receiver,
            self.jobs.subscriber,
            *(child.process.sentinel for child in running if child.sentinel_closed_at is None),
            *(child.channel for child in running if not child.is_channel_closed),
        ]
        ready_handles: list[Any] = []
        # On Windows, Ctrl-C ends the wait with this error once the handler has run.
        with suppress(InterruptedError):
            ready_handles = wait(handles, timeout)
        if self._wake_receiver in ready_handles:
            with suppress(BlockingIOError):
                self._wake_receiver.recv(4096)
        for child in running:
            if child.process.exitcode is not None:
                child.record_end()
            elif child.process.sentinel in ready_handles:
                child.sentinel_closed_at = time.monotonic()
        # Messages of processes that have ended are read too, because the last one may be `STOP_ALL`.
        for child in running:
            for message in child.receive_messages():
                self._handle_message(child, message)
        while self.jobs.subscriber.poll():
            self._handle_published_command()

    def _handle_message(self, child: Child, message: Any) -> None:
        match message:
            case StateRequest(number):
                with suppress(OSError):
                    child.channel.send((number, self.jobs.snapshot()))
            case StateChange(name, user_values, removed, builtin_values):
                self.jobs.change_state(name, user_values, removed, builtin_values)
            case _ if isinstance(child, Worker):
                self._handle_worker_message(child, message)

    def _handle_worker_message(self, worker: Worker, message: Any) -> None:
        match message:
            case Step():
                worker.record_step(message)
            case ImportFailed(reason):
                self._import_failure, worker.could_not_import = reason, True
                if self._may_fork_again:
                    self._fork_again(reason)
            case JobRequest(name, call, options):
                self._add_job(name, call, options)
            case ManagerCommand(command):
                self._execute(command)
            case str() if message == READY:
                worker.record_ready()
                self._was_ready = True
            case str() if message == STOP_ALL:
                self._stop_without_signal()

    def _handle_published_command(self) -> None:
        """Read a command that was sent with `app.manager.monitor_publisher`, and execute it."""
        try:
            message = self.jobs.subscriber.recv()
        except Exception as error:  # this process may not be able to import the class of the message
            logger.error("The manager received an invalid message: %s: %s", type(error).__name__, error)
            return
        self._execute(message)

    def _execute(self, message: Any) -> None:
        """Execute a command of Sanic's manager.

        `Sanic-Server-0-0,Sanic-Server-1-0:` restarts processes, `__ALL_PROCESSES__:` all of them, `__SCALE__:4` changes
        the number of workers, `__TERMINATE__` stops the server. Text after a second colon (`STARTUP_FIRST`) has no
        effect: a new worker always accepts connections before the old one stops.
        """
        match message:
            case None | "" | "__TERMINATE__" | "__TERMINATE_EARLY__":
                self._stop_without_signal()
            case str() if message.startswith("__SCALE__:"):
                count = message.removeprefix("__SCALE__:")
                self._request_scale(int(count) if count.isdecimal() else count)
            case str():
                names = message.partition(":")[0]
                self._request_restart("" if "__ALL_PROCESSES__" in names else names)
            case _:
                logger.error("The manager received an invalid message: %r", message)

    def _request_restart(self, names: str) -> None:
        self._names_to_restart |= {name.strip() for name in names.split(",")}

    def _run_reload_listeners(self, event: str, changed_paths: set[str]) -> None:
        """Run the application's listeners for reloads. A signal interrupts them, because they may hang.

        The listeners of `reload_process_stop` run after the first signal, so only a second Ctrl-C interrupts them.
        """
        try:
            try:
                self._interrupts_listener = True
                self.plan.notify(event, changed_paths)
            finally:
                self._interrupts_listener = False
        except KeyboardInterrupt:
            logger.error("The listeners for restarts (%s) were interrupted", event)

    def _wake(self) -> None:
        with suppress(OSError):
            self._wake_sender.send(b"\0")

    @contextmanager
    def _install_signal_handlers(self) -> Iterator[None]:
        """Handle signals while the block runs."""
        if not self.plan.handles_signals or threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [*SIGNALS, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        former_handlers = {number: signal.signal(number, self._handle_signal) for number in numbers}
        self._starter.signal_handlers = former_handlers
        try:
            yield
        finally:
            for number, handler in former_handlers.items():
                signal.signal(number, handler)

    def _stop_without_signal(self) -> None:
        self._received_signals.record_stop()
        self.is_stopping = True

    def _handle_signal(self, number: int, frame: Any) -> None:
        if number not in SIGNALS:
            self._names_to_restart.add("")
            self._wake()
            return
        is_first, self.is_stopping = not self.is_stopping, True
        self.is_forced = self._received_signals(number) or self.is_forced
        self._wake()
        if self._interrupts_listener and (is_first or self.is_forced):
            raise KeyboardInterrupt


def _locate_main_module() -> dict[str, str]:
    """Return where the main module of this program is, as arguments for `multiprocessing.spawn.prepare`."""
    data = spawn.get_preparation_data("")
    return {key: data[key] for key in ("init_main_from_name", "init_main_from_path") if key in data}


@contextmanager
def _hide_main_module() -> Iterator[None]:
    """Hide the main module from `multiprocessing`, which would make the new process import it before anything else."""
    module: Any = sys.modules["__main__"]
    hidden = {name: module.__dict__.pop(name) for name in ("__spec__", "__file__") if name in module.__dict__}
    module.__spec__ = None
    try:
        yield
    finally:
        module.__dict__.update(hidden)


def _is_unsendable(error: Exception) -> bool:
    """Return whether an exception means that `multiprocessing` cannot send an object to another process."""
    error_types = (TypeError, AttributeError, ValueError, ImportError, RuntimeError, pickle.PicklingError)
    return isinstance(error, error_types) or type(error).__name__ == "PicklingError"


def _explain_unsendable(error: Exception) -> str:
    remedy = "Give a function of a module as the factory, and paths instead of an SSLContext"
    return f"it can't be sent to one: {error}. {remedy}"
