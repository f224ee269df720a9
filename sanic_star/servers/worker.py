"""A process that a supervisor has started: what runs in it. It serves (`main`), or it runs a function (`run_job`).

The supervisor starts it through `multiprocessing`, but without telling that of the main module: it would import it
before anything of ours runs. What an application's main module imports may have to be prepared first (`prelude`: the
names of `sanic` may have to mean this package).
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
from sanic_star.servers.jobs import Arrived, Late, unpickled
from sanic_star.servers.serving import serve
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import Stop

logger = logging.getLogger("sanic.server")
# What comes from the supervisor; anything else is the answer to a question.
STOP = "stop"
READY, STOP_ALL = "ready", "stop all"
# How long a process waits for an answer of its supervisor, in seconds.
ANSWER_S = 10.0
# How long a function that runs beside the workers may take to end, in seconds; Sanic's manager waits as long.
JOB_STOP_S = 10.0


class Step(NamedTuple):
    """What a worker tells its supervisor of a listener at the stop: the next word is waited for as long as it may take.

    Args:
        name: of the listener; empty when it has ended.
        limit: how long it may take, in seconds; None for ever.
    """

    name: str
    limit: float | None


class Unimportable(NamedTuple):
    """A worker could not get at the application.

    Args:
        reason: why, as the end of a sentence.
    """

    reason: str


class Ask(NamedTuple):
    """A process asks for what is known of all processes; the answer has the same number."""

    number: int


class Change(NamedTuple):
    """A process changes what is known of a process.

    Args:
        name: of the process.
        values: what a user has set, pickled.
        removed: the names of what a user has removed.
        facts: what this package has set.
    """

    name: str
    values: dict[str, bytes]
    removed: Sequence[str]
    facts: dict[str, Any]


class Manage(NamedTuple):
    """A worker wants a function to run in processes of its own, see `Jobs.add`."""

    name: str
    call: Arrived
    options: dict[str, Any]


class Published(NamedTuple):
    """A worker sends an order in the words of Sanic's manager, see `Supervisor`.

    Args:
        order: `Sanic-Server-0-0:` or `__SCALE__:4`, for example.
    """

    order: str


@dataclass
class Order:
    """What a process shall do.

    Args:
        name: of the process.
        ident: goes before the lines of its log.
        prelude: called first, before the main module is imported.
        main: where that is: an entry of `multiprocessing.spawn.prepare`, or nothing.
        call: what to call, and with what; it travels as `Late`.
    """

    name: str
    ident: str
    prelude: Callable[[], object] | None
    main: dict[str, str]
    call: Any


@dataclass
class ServeOrder(Order):
    """What a worker shall do: `call` gives the applications.

    Args:
        settings: how each application is served.
        sockets: what each listens on.
        reports: exceptions of the application's import that the supervisor logs.
    """

    settings: Sequence[Settings]
    sockets: Sequence[list[socket]]
    reports: tuple[type[BaseException], ...]


def main(order: ServeOrder, channel: Connection) -> None:
    """Serve until the supervisor says that it is over, or has gone.

    Args:
        order: what to serve.
        channel: tells the supervisor how far this is; what comes from it is the end.
    """
    # Ctrl-C in a terminal reaches all processes; the supervisor passes it on in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["SANIC_WORKER_PROCESS"] = "true"
    global _parent
    parent = _parent = _ParentOfWorker(channel)
    try:
        apps = _applications(order)
        serve(
            apps,
            order.settings,
            order.sockets,
            begun=parent.obey,
            ready=lambda stop: parent.say(READY),
            everywhere=lambda: parent.say(STOP_ALL),
            on_stop_step=lambda name, limit: parent.say(Step(name, limit)),
        )
    except CannotServe as error:
        logger.error("%s", error)
        sys.exit(1)


def _applications(order: ServeOrder) -> Sequence[Host]:
    try:
        load, shared = _load(order)
        with _importing():
            apps: Sequence[Host] = load(shared)
    except order.reports as error:
        assert _parent is not None
        reason = str(error) if isinstance(error, CannotServe) else f"{type(error).__name__}: {error}"
        _parent.say(Unimportable(reason.partition("\n")[0].removesuffix(".")))
        sys.exit(1)
    return apps


def run_job(order: Order, channel: Connection) -> None:
    """Run a function of the application until it returns, or until the supervisor ends it or has gone.

    It ends with a SIGINT, as if somebody had pressed Ctrl-C: `KeyboardInterrupt` is raised where it has no handler.

    Args:
        order: what to run.
        channel: what comes from it is the end.
    """
    global _parent
    parent = _parent = _ParentOfJob(channel)
    try:
        try:
            function, arguments = _load(order)
            parent.begin()
            function(**arguments)
        finally:
            parent.end()
    except KeyboardInterrupt:
        logger.debug("%s was interrupted", order.name)


def _load(order: Order) -> Any:
    """Import the main module, and return what the order is about. A forked process has both already."""
    os.environ["SANIC_WORKER_NAME"] = order.name
    os.environ["SANIC_WORKER_IDENTIFIER"] = order.ident
    if order.prelude is not None:
        order.prelude()
    if isinstance(order.call, Late):
        return order.call.value
    with _importing():
        if order.main:
            spawn.prepare(order.main)
        return pickle.loads(order.call.data)


@contextmanager
def _importing() -> Iterator[None]:
    """Set what `multiprocessing` sets while it imports the main module: no process is started, nothing is served."""
    process: Any = current_process()
    process._inheriting = True
    try:
        yield
    finally:
        del process._inheriting


class Parent:
    """The supervisor, as one of its processes sees it.

    It is asked for what is known of all processes, and told of changes; it says when this process has to end. A thread
    listens to it. Subclasses set their attributes before `__init__` of this class starts that thread.

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
        """End this process, because the supervisor has said so or has gone."""
        raise NotImplementedError

    def ask(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each process, by its name.

        Raises:
            BrokenPipeError: the supervisor has gone.
            TimeoutError: it does not answer.
        """
        number, answers = next(self._numbers), SimpleQueue[Any]()
        self._waiting[number] = answers
        try:
            if not self._is_gone and self._sent(Ask(number)):
                snapshot = answers.get(timeout=ANSWER_S)
                if snapshot is not None:
                    return {name: unpickled(*known) for name, known in snapshot.items()}
        except Empty:
            raise TimeoutError(f"The main process has not answered for {ANSWER_S:g} s") from None
        finally:
            del self._waiting[number]
        raise BrokenPipeError("The main process has ended")

    def say(self, what: Any) -> None:
        """Tell the supervisor something, if it is still there."""
        self._sent(what)

    def _sent(self, what: Any) -> bool:
        try:
            with self._sending:
                self._channel.send(what)
        except OSError:
            return False
        return True


class _ParentOfJob(Parent):
    """Interrupts the function of this process when the supervisor says so, or has gone."""

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
        """The function is called now: from here on a signal reaches it."""
        with self._lock:
            self._has_begun = True

    def end(self) -> None:
        """The function has returned: interrupt nothing that comes after it."""
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
    """Stops the server of this process when the supervisor says so, or has gone."""

    def __init__(self, channel: Connection) -> None:
        self._stop: Stop | None = None
        self._is_over = False
        super().__init__(channel)

    def _end(self) -> None:
        self._is_over = True
        if self._stop is None:
            # Nothing has been started yet, so that there is nothing to stop.
            os._exit(0)
        self._stop.begin()

    def obey(self, stop: Stop) -> None:
        """Let the supervisor end this process."""
        self._stop = stop
        if self._is_over:
            stop.begin()


_parent: Parent | None = None


def parent_of_worker() -> Parent | None:
    """Return the supervisor of this process; `None` where it is no worker."""
    return _parent if isinstance(_parent, _ParentOfWorker) else None


def parent() -> Parent:
    """Return the supervisor of this process, which is a worker or runs a managed function.

    Raises:
        LookupError: it has none.
    """
    if _parent is None:
        raise LookupError("This process was not started by the manager of an application")
    return _parent
