"""The code of a process that a supervisor has started: it serves (`main`), or it runs a function (`run_job`).

The supervisor starts it through `multiprocessing`, but hides the main module from it: `multiprocessing` would import
that module before any code of this package runs. Some main modules need a preparation first (`prelude`), for example
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
from sanic_star.servers.jobs import LazyValue, PickledValue, unpickled
from sanic_star.servers.serving import serve
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import Stop

logger = logging.getLogger("sanic.server")
# The message of the supervisor that ends the process; any other one answers a question.
STOP = "stop"
READY, STOP_ALL = "ready", "stop all"
# How long a process waits for an answer of its supervisor, in seconds.
ANSWER_S = 10.0
# How long a function that runs beside the workers may take to end, in seconds; Sanic's manager waits as long.
JOB_STOP_S = 10.0


class Step(NamedTuple):
    """A worker runs a listener of its stop; its supervisor waits for the next message as long as the listener may take.

    Args:
        name: of the listener; empty when it has ended.
        limit: how long it may take, in seconds; None for ever.
    """

    name: str
    limit: float | None


class Unimportable(NamedTuple):
    """A worker could not import the application.

    Args:
        reason: why, as the end of a sentence.
    """

    reason: str


class Ask(NamedTuple):
    """A process asks for the state of all processes; the answer has the same number."""

    number: int


class Change(NamedTuple):
    """A process changes the state of a process.

    Args:
        name: of the process.
        values: set by a user, each pickled.
        removed: the names of values that a user has removed.
        facts: set by this package.
    """

    name: str
    values: dict[str, bytes]
    removed: Sequence[str]
    facts: dict[str, Any]


class Manage(NamedTuple):
    """A worker asks for a function to run in processes of its own; see `Jobs.add`."""

    name: str
    call: PickledValue
    options: dict[str, Any]


class Published(NamedTuple):
    """A worker sends a command of Sanic's manager; see `Supervisor`.

    Args:
        command: `Sanic-Server-0-0:` or `__SCALE__:4`, for example.
    """

    command: str


@dataclass
class ProcessSpec:
    """What a process runs.

    Args:
        name: of the process.
        ident: goes before the lines of its log.
        prelude: called first, before the main module is imported.
        main: the location of that module, an entry of `multiprocessing.spawn.prepare`; or nothing.
        call: the function and its arguments; sent as `LazyValue`.
    """

    name: str
    ident: str
    prelude: Callable[[], object] | None
    main: dict[str, str]
    call: Any


@dataclass
class ServeSpec(ProcessSpec):
    """What a worker serves: `call` returns the applications.

    Args:
        settings: how each application is served.
        sockets: those that each listens on.
        reports: exceptions of the application's import that the supervisor logs.
    """

    settings: Sequence[Settings]
    sockets: Sequence[list[socket]]
    reports: tuple[type[BaseException], ...]


def main(spec: ServeSpec, channel: Connection) -> None:
    """Serve until the supervisor ends this process, or has ended itself.

    Args:
        spec: what to serve.
        channel: the connection to the supervisor.
    """
    # Ctrl-C in a terminal reaches all processes; the supervisor passes it on in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["SANIC_WORKER_PROCESS"] = "true"
    global _parent
    parent = _parent = _ParentOfWorker(channel)
    try:
        apps = _applications(spec)
        serve(
            apps,
            spec.settings,
            spec.sockets,
            begun=parent.attach,
            ready=lambda stop: parent.send(READY),
            everywhere=lambda: parent.send(STOP_ALL),
            on_stop_step=lambda name, limit: parent.send(Step(name, limit)),
        )
    except CannotServe as error:
        logger.error("%s", error)
        sys.exit(1)


def _applications(spec: ServeSpec) -> Sequence[Host]:
    try:
        load, shared = _load(spec)
        with _importing():
            apps: Sequence[Host] = load(shared)
    except spec.reports as error:
        assert _parent is not None
        reason = str(error) if isinstance(error, CannotServe) else f"{type(error).__name__}: {error}"
        _parent.send(Unimportable(reason.partition("\n")[0].removesuffix(".")))
        sys.exit(1)
    return apps


def run_job(spec: ProcessSpec, channel: Connection) -> None:
    """Run a function of the application until it returns, or until the supervisor ends it or has ended itself.

    The function is ended by a SIGINT, as by Ctrl-C: without a handler of its own, it gets a `KeyboardInterrupt`.

    Args:
        spec: what to run.
        channel: the connection to the supervisor.
    """
    global _parent
    parent = _parent = _ParentOfJob(channel)
    try:
        try:
            function, arguments = _load(spec)
            parent.begin()
            function(**arguments)
        finally:
            parent.end()
    except KeyboardInterrupt:
        logger.debug("%s was interrupted", spec.name)


def _load(spec: ProcessSpec) -> Any:
    """Import the main module, and return the value of the specification. A forked process has both already."""
    os.environ["SANIC_WORKER_NAME"] = spec.name
    os.environ["SANIC_WORKER_IDENTIFIER"] = spec.ident
    if spec.prelude is not None:
        spec.prelude()
    if isinstance(spec.call, LazyValue):
        return spec.call.value
    with _importing():
        if spec.main:
            spawn.prepare(spec.main)
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

    A process asks it for the state of all processes, and sends it changes. It sends a message when the process has to
    end. A thread reads its messages. Subclasses set their attributes before `__init__` of this class starts that
    thread.

    Args:
        channel: this process' end of the connection.
    """

    def __init__(self, channel: Connection) -> None:
        self._channel = channel
        self._sending = threading.Lock()
        self._is_gone = False
        self._numbers = itertools.count()
        # Those that wait for an answer, by the number of the question.
        self._waiting: dict[int, SimpleQueue[Any]] = {}
        threading.Thread(target=self._listen, daemon=True, name="supervisor").start()

    def _listen(self) -> None:
        try:
            # Questions are answered during the stop, too.
            while True:
                message = self._channel.recv()
                if message == STOP:
                    self._end()
                elif (answers := self._waiting.get(message[0])) is not None:
                    answers.put(message[1])
        except (EOFError, OSError):
            self._is_gone = True
            for answers in list(self._waiting.values()):
                answers.put(None)
            self._end()

    def _end(self) -> None:
        """End this process: the supervisor has sent the message to stop, or has ended itself."""
        raise NotImplementedError

    def ask(self) -> dict[str, dict[str, Any]]:
        """Return the state of each process, by its name.

        Raises:
            BrokenPipeError: the supervisor has ended.
            TimeoutError: it does not answer.
        """
        number, answers = next(self._numbers), SimpleQueue[Any]()
        self._waiting[number] = answers
        try:
            if not self._is_gone and self._try_send(Ask(number)):
                snapshot = answers.get(timeout=ANSWER_S)
                if snapshot is not None:
                    return {name: unpickled(*state) for name, state in snapshot.items()}
        except Empty:
            raise TimeoutError(f"The main process has not answered for {ANSWER_S:g} s") from None
        finally:
            del self._waiting[number]
        raise BrokenPipeError("The main process has ended")

    def send(self, message: Any) -> None:
        """Send a message to the supervisor, if that still runs.

        Args:
            message: a message that can be pickled.
        """
        self._try_send(message)

    def _try_send(self, message: Any) -> bool:
        try:
            with self._sending:
                self._channel.send(message)
        except OSError:
            return False
        return True


class _ParentOfJob(Parent):
    """Interrupts the function of this process when the supervisor ends it, or has ended itself."""

    def __init__(self, channel: Connection) -> None:
        self._lock = threading.Lock()
        self._has_begun = self._has_ended = self._is_interrupted = False
        super().__init__(channel)

    def _end(self) -> None:
        with self._lock:
            if not self._has_begun:
                os._exit(0)
            if self._has_ended:
                return
            if not self._is_interrupted:
                self._is_interrupted = True
                _interrupt()
        if self._is_gone:
            # No process is left that could kill this one.
            time.sleep(JOB_STOP_S)
            os._exit(1)

    def begin(self) -> None:
        """Let signals interrupt the function from here on: it is about to be called."""
        with self._lock:
            self._has_begun = True

    def end(self) -> None:
        """Interrupt nothing from here on: the function has returned."""
        with self._lock:
            self._has_ended = True


def _interrupt() -> None:
    """Send SIGINT to the main thread, or SIGTERM if it ignores SIGINT."""
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        # `raise_signal` would not end a system call of the main thread.
        number = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT
        signal.pthread_kill(threading.main_thread().ident or 0, number)


class _ParentOfWorker(Parent):
    """Stops the server of this process when the supervisor ends it, or has ended itself."""

    def __init__(self, channel: Connection) -> None:
        self._stop: Stop | None = None
        self._is_over = False
        super().__init__(channel)

    def _end(self) -> None:
        self._is_over = True
        if self._stop is None:
            # No server has been started.
            os._exit(0)
        self._stop.begin()

    def attach(self, stop: Stop) -> None:
        """Set the object that stops the server when the supervisor ends this process.

        Args:
            stop: the object.
        """
        self._stop = stop
        if self._is_over:
            stop.begin()


_parent: Parent | None = None


def parent_of_worker() -> Parent | None:
    """Return the supervisor of this process; `None` if the process is not a worker."""
    return _parent if isinstance(_parent, _ParentOfWorker) else None


def parent() -> Parent:
    """Return the supervisor of this process, which is a worker or runs a managed function.

    Raises:
        LookupError: this process has no supervisor.
    """
    if _parent is None:
        raise LookupError("This process was not started by the manager of an application")
    return _parent
