"""The code of a process that the supervisor has started: `run_worker` serves, `run_job` runs a function.

The supervisor starts it through `multiprocessing`, but hides the main module from it: `multiprocessing` would import
that module before any code of this package runs. Some main modules need a preparation first (`prelude`): for example
the alias, which makes `import sanic` return this package.
"""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import current_process, spawn
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from socket import socket
from typing import Any, NamedTuple

from sanic_star.engine.seams import Host
from sanic_star.servers.jobs import LazyValue, PickledValue, load_state
from sanic_star.servers.serving import serve
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import Stop

logger = logging.getLogger("sanic.server")
# The supervisor's message that ends the process; every other message answers a request.
STOP = "stop"
READY, STOP_ALL = "ready", "stop all"
# How long a process waits for an answer of its supervisor, in seconds.
ANSWER_TIMEOUT_S = 10.0
# How long a function that runs beside the workers may take to end, in seconds; Sanic's manager waits as long.
JOB_STOP_TIMEOUT_S = 10.0


class Step(NamedTuple):
    """Message: a listener of a worker's stop begins or has ended. The supervisor waits as long as it may run.

    Args:
        name: the listener's name; empty when the listener has ended.
        limit: the listener's time limit, in seconds; `None` for no limit.
    """

    name: str
    limit: float | None


class ImportFailed(NamedTuple):
    """Message: a worker could not import the application.

    Args:
        reason: the first line of the exception, without a final full stop.
    """

    reason: str


class StateRequest(NamedTuple):
    """Message: a process requests the state of all processes.

    Args:
        number: the number of the request; the answer repeats it.
    """

    number: int


class StateChange(NamedTuple):
    """Message: a process changes the state of a process, its own or another one.

    Args:
        name: the name of the process whose state changes.
        user_values: the values that a user sets, each pickled.
        removed: the names of values that a user removes.
        builtin_values: the values that this package sets.
    """

    name: str
    user_values: dict[str, bytes]
    removed: Sequence[str]
    builtin_values: dict[str, Any]


class JobRequest(NamedTuple):
    """Message: a worker requests that a function runs in separate processes.

    Args:
        name: the name of the job.
        call: the function and its keyword arguments.
        options: the options of `Jobs.add`.
    """

    name: str
    call: PickledValue
    options: dict[str, Any]


class ManagerCommand(NamedTuple):
    """Message: a worker sends a command of Sanic's manager; see `Supervisor`.

    Args:
        command: for example `Sanic-Server-0-0:` or `__SCALE__:4`.
    """

    command: str


@dataclass
class ProcessSpec:
    """The data that a process needs to run a function.

    Args:
        name: the name of the process.
        ident: the prefix of its log lines.
        prelude: a function to call before the main module is imported; `None` for none.
        main_module: where the main module is, for `multiprocessing.spawn.prepare`; empty if there is none to import.
        call: the function and its arguments; sent as `LazyValue`.
    """

    name: str
    ident: str
    prelude: Callable[[], object] | None
    main_module: dict[str, str]
    call: Any


@dataclass
class ServeSpec(ProcessSpec):
    """The data that a worker needs to serve; its `call` returns the applications.

    Args:
        settings: the settings of each application's server.
        sockets: the bound sockets of each application.
        reported_errors: exceptions of the application's import that the worker reports to the supervisor; it logs none
            of them itself.
    """

    settings: Sequence[Settings]
    sockets: Sequence[list[socket]]
    reported_errors: tuple[type[BaseException], ...]


def run_worker(spec: ServeSpec, channel: Connection) -> None:
    """Serve until the supervisor stops this process, or has ended itself.

    Args:
        spec: the applications, with their settings and sockets.
        channel: the connection to the supervisor.
    """
    # Ctrl-C in a terminal reaches all processes, but only the supervisor reacts to it: it stops the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["SANIC_WORKER_PROCESS"] = "true"
    global _parent
    parent = _parent = _ParentOfWorker(channel)
    try:
        apps = _load_applications(spec)
        serve(
            apps,
            spec.settings,
            spec.sockets,
            on_begin=parent.set_stop,
            on_ready=lambda stop: parent.send(READY),
            stop_others=lambda: parent.send(STOP_ALL),
            on_stop_step=lambda name, limit: parent.send(Step(name, limit)),
        )
    except CannotServe as error:
        logger.error("%s", error)
        sys.exit(1)


def _load_applications(spec: ServeSpec) -> Sequence[Host]:
    try:
        load, shared = _load_call(spec)
        with _importing():
            apps: Sequence[Host] = load(shared)
    except spec.reported_errors as error:
        assert _parent is not None
        reason = str(error) if isinstance(error, CannotServe) else f"{type(error).__name__}: {error}"
        _parent.send(ImportFailed(reason.partition("\n")[0].removesuffix(".")))
        sys.exit(1)
    return apps


def run_job(spec: ProcessSpec, channel: Connection) -> None:
    """Run a function until it returns, the supervisor stops this process, or the supervisor has ended itself.

    SIGINT ends the function, as Ctrl-C does: unless it has its own handler, it gets a `KeyboardInterrupt`.

    Args:
        spec: the function and its arguments.
        channel: the connection to the supervisor.
    """
    global _parent
    parent = _parent = _ParentOfJob(channel)
    try:
        try:
            function, arguments = _load_call(spec)
            parent.allow_interrupt()
            function(**arguments)
        finally:
            parent.forbid_interrupt()
    except KeyboardInterrupt:
        logger.debug("%s was interrupted", spec.name)


def _load_call(spec: ProcessSpec) -> Any:
    """Import the main module, and return the unpickled `spec.call`. A forked process has both already."""
    os.environ["SANIC_WORKER_NAME"] = spec.name
    os.environ["SANIC_WORKER_IDENTIFIER"] = spec.ident
    if spec.prelude is not None:
        spec.prelude()
    if isinstance(spec.call, LazyValue):
        return spec.call.value
    with _importing():
        if spec.main_module:
            spawn.prepare(spec.main_module)
        return pickle.loads(spec.call.data)


@contextmanager
def _importing() -> Iterator[None]:
    """Mark this process as importing its main module, as `multiprocessing` does: nothing may be started or served."""
    process: Any = current_process()
    process._inheriting = True
    try:
        yield
    finally:
        del process._inheriting


class Parent:
    """The supervisor, as one of its processes sees it.

    A process requests the state of all processes from the supervisor, and sends it changes. The supervisor sends a
    message when the process must end. A thread reads these messages, and `__init__` of this class starts it: subclasses
    set their attributes before.

    Args:
        channel: this process' end of the connection.
    """

    def __init__(self, channel: Connection) -> None:
        self._channel = channel
        self._send_lock = threading.Lock()
        self._has_supervisor_ended = False
        self._request_numbers = itertools.count()
        # For each request without an answer, by its number: the queue on which its caller waits.
        self._answer_queues: dict[int, SimpleQueue[Any]] = {}
        threading.Thread(target=self._listen, daemon=True, name="supervisor").start()

    def _listen(self) -> None:
        try:
            # Requests are answered during the stop, too.
            while True:
                message = self._channel.recv()
                if message == STOP:
                    self._end_process()
                elif (answer_queue := self._answer_queues.get(message[0])) is not None:
                    answer_queue.put(message[1])
        except (EOFError, OSError):
            self._has_supervisor_ended = True
            for answer_queue in list(self._answer_queues.values()):
                answer_queue.put(None)
            self._end_process()

    def _end_process(self) -> None:
        """End this process: the supervisor has sent the message to stop, or has ended itself."""
        raise NotImplementedError

    def request_states(self) -> dict[str, dict[str, Any]]:
        """Return the state of each process, by its name.

        Raises:
            BrokenPipeError: the supervisor has ended.
            TimeoutError: the supervisor does not answer within `ANSWER_TIMEOUT_S`.
        """
        number, answer_queue = next(self._request_numbers), SimpleQueue[Any]()
        self._answer_queues[number] = answer_queue
        try:
            if not self._has_supervisor_ended and self._try_send(StateRequest(number)):
                snapshot = answer_queue.get(timeout=ANSWER_TIMEOUT_S)
                if snapshot is not None:
                    return {name: load_state(*state) for name, state in snapshot.items()}
        except Empty:
            raise TimeoutError(f"The main process has not answered for {ANSWER_TIMEOUT_S:g} s") from None
        finally:
            del self._answer_queues[number]
        raise BrokenPipeError("The main process has ended")

    def send(self, message: Any) -> None:
        """Send a message to the supervisor; do nothing if the supervisor has ended.

        Args:
            message: a message class of this module, or a string; it must be picklable.
        """
        self._try_send(message)

    def _try_send(self, message: Any) -> bool:
        try:
            with self._send_lock:
                self._channel.send(message)
        except OSError:
            return False
        return True


class _ParentOfJob(Parent):
    """Interrupts the function of this process when the supervisor stops it, or has ended itself."""

    def __init__(self, channel: Connection) -> None:
        self._lock = threading.Lock()
        self._has_begun = self._has_ended = self._is_interrupted = False
        super().__init__(channel)

    def _end_process(self) -> None:
        with self._lock:
            if not self._has_begun:
                os._exit(0)
            if self._has_ended:
                return
            if not self._is_interrupted:
                self._is_interrupted = True
                _interrupt()
        if self._has_supervisor_ended:
            # The supervisor, which would kill this process, has ended.
            time.sleep(JOB_STOP_TIMEOUT_S)
            os._exit(1)

    def allow_interrupt(self) -> None:
        """Allow the function to be interrupted: it is about to be called."""
        with self._lock:
            self._has_begun = True

    def forbid_interrupt(self) -> None:
        """No longer interrupt anything: the function has returned."""
        with self._lock:
            self._has_ended = True


def _interrupt() -> None:
    """Send SIGINT to the main thread, or SIGTERM if it ignores SIGINT."""
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        # `raise_signal` would not interrupt a system call of the main thread.
        number = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT
        signal.pthread_kill(threading.main_thread().ident or 0, number)


class _ParentOfWorker(Parent):
    """Stops the server of this process when the supervisor stops it, or has ended itself."""

    def __init__(self, channel: Connection) -> None:
        self._stop: Stop | None = None
        self._must_stop = False
        super().__init__(channel)

    def _end_process(self) -> None:
        self._must_stop = True
        if self._stop is None:
            # No server has been started.
            os._exit(0)
        self._stop.begin()

    def set_stop(self, stop: Stop) -> None:
        """Store the stop, which begins when the supervisor stops this process.

        Args:
            stop: the stop of all servers of this process.
        """
        self._stop = stop
        if self._must_stop:
            stop.begin()


_parent: Parent | None = None


def parent_of_worker() -> Parent | None:
    """Return the supervisor of this process; `None` if the process is not a worker."""
    return _parent if isinstance(_parent, _ParentOfWorker) else None


def parent() -> Parent:
    """Return the supervisor of this process, a worker or a process that runs a managed function.

    Raises:
        LookupError: this process has no supervisor.
    """
    if _parent is None:
        raise LookupError("This process was not started by the manager of an application")
    return _parent
