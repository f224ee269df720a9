"""One of several processes that serve: what runs in it.

The supervisor starts it through `multiprocessing`, but without telling that of the main module: it would import it
before anything of ours runs. What an application's main module imports may have to be prepared first (`prelude`: the
names of `sanic` may have to mean this package).
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import current_process, spawn
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from socket import socket
from typing import Any, NamedTuple

from sanic_star.engine.seams import Host
from sanic_star.servers.serving import serve
from sanic_star.servers.settings import CannotServe, Settings
from sanic_star.servers.stopping import Stop

logger = logging.getLogger("sanic.server")
READY, STOP_ALL, ROLL = "ready", "stop all", "roll "


class Step(NamedTuple):
    """What a worker tells its supervisor of a listener at the stop: the next word is waited for as long as it may take.

    Args:
        name: of the listener; empty when it has ended.
        limit: how long it may take, in seconds; None for ever.
    """

    name: str
    limit: float | None


class Late:
    """A value that travels to another process, and is made there when it is asked for.

    Its classes may be those of the main module, which is not there yet when the rest arrives.
    """

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _Arrived, (bytes(ForkingPickler.dumps(self._value)),)


class _Arrived:
    def __init__(self, data: bytes) -> None:
        self.data = data


@dataclass
class Order:
    """What a worker shall do.

    Args:
        name: of the worker.
        prelude: called before the main module is imported.
        main: where that is: an entry of `multiprocessing.spawn.prepare`, or nothing.
        load: gives the applications, called with the second; both travel as `Late`.
        settings: how each application is served.
        sockets: what each listens on.
    """

    name: str
    prelude: Callable[[], object] | None
    main: dict[str, str]
    load: Any
    settings: Sequence[Settings]
    sockets: Sequence[list[socket]]


def main(order: Order, channel: Connection) -> None:
    """Serve until the supervisor says that it is over, or has gone.

    Args:
        order: what to serve.
        channel: tells the supervisor how far this is; what comes from it is the end.
    """
    # Ctrl-C in a terminal reaches all processes; the supervisor passes it on in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["SANIC_WORKER_NAME"] = order.name
    os.environ["SANIC_WORKER_PROCESS"] = "true"
    os.environ["SANIC_WORKER_IDENTIFIER"] = f"Srv {order.name.removeprefix('Sanic-Server-').partition('-')[0]}"
    global _parent
    parent = _parent = _Parent(channel)
    try:
        apps = _load(order)
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


def _load(order: Order) -> Sequence[Host]:
    if order.prelude is not None:
        order.prelude()
    process: Any = current_process()
    # What `multiprocessing` sets while it imports the main module: no process is started, nothing is served meanwhile.
    process._inheriting = True
    try:
        if order.main:
            spawn.prepare(order.main)
        load, shared = pickle.loads(order.load.data)
        found: Sequence[Host] = load(shared)
    finally:
        del process._inheriting
    return found


class _Parent:
    """The supervisor, as this process sees it."""

    def __init__(self, channel: Connection) -> None:
        self._channel = channel
        self._stop: Stop | None = None
        self._over = False
        threading.Thread(target=self._listen, daemon=True, name="supervisor").start()

    def _listen(self) -> None:
        try:
            self._channel.recv()
        except (EOFError, OSError):
            pass
        self._over = True
        if self._stop is None:
            # Nothing has been started yet, so that there is nothing to stop.
            os._exit(0)
        self._stop.begin()

    def obey(self, stop: Stop) -> None:
        """Let the supervisor end this process."""
        self._stop = stop
        if self._over:
            stop.begin()

    def roll(self, name: str) -> None:
        """Have the supervisor replace the worker of a name, or all of them where it is empty."""
        self.say(ROLL + name)

    def say(self, what: str | Step) -> None:
        """Tell the supervisor something."""
        try:
            self._channel.send(what)
        except OSError:
            pass


_parent: _Parent | None = None


def parent() -> _Parent | None:
    """Return the supervisor of this process; `None` where it is no worker."""
    return _parent
