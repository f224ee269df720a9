"""Plain data that says what is served and how: `Plan` and `Settings`. `Settings` can be sent to another process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from asyncio import AbstractEventLoop

    from sanic_star.engine.seams import Host
    from sanic_star.servers.jobs import Jobs


class CannotServe(Exception):
    """What was asked for can't be served; the message is one line that says why, and how to mend it."""


class NotImportable(CannotServe):
    """Another process can't get at the application: it can't import it, or it can't be sent what it needs for that."""


@dataclass(frozen=True)
class TLS:
    """Certificates.

    Args:
        make: gives the context; picklable where there are several processes.
        cert: path of the certificate, for servers that read it themselves.
        key: path of its key.
        password: of the key.
    """

    make: Callable[[], SSLContext]
    cert: str | None = None
    key: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Settings:
    """How one application is served.

    Args:
        host: the address to listen on.
        port: the port to listen on; 0 for any that is free.
        unix: path of a socket to listen on, instead of host and port.
        backlog: how many connections may wait to be accepted.
        server: `uvicorn`, `hypercorn` or `granian`.
        version: the highest version of HTTP: 1, 2 or 3.
        tls: certificates; without them the server speaks in the clear.
        graceful_timeout: how long requests may take to end at the stop, in seconds.
        keep_alive: how long an idle connection stays open, in seconds; 0 closes it after each response.
        request_timeout: how long the next byte of a request's head may take, in seconds; None: any time.
        head_timeout: how long a whole head may take, in seconds; None: any time.
        body_timeout: how long a whole body may take, in seconds, apart from what its size adds; None: any time.
        max_header_size: of a request, in bytes; None: the server's own limit.
        ws_max_size: of a websocket's message, in bytes.
        ws_ping_interval: after how many seconds a websocket is asked whether it is alive; None: never.
        ws_ping_timeout: how many seconds it has to answer.
        uvloop: whether uvloop runs it; None: where it is installed.
        loop: the event loop that runs it, in this process; None: a new one.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    unix: str | None = None
    backlog: int = 100
    server: str = "uvicorn"
    version: int = 1
    tls: TLS | None = None
    graceful_timeout: float = 15.0
    keep_alive: float = 120
    request_timeout: float | None = 60
    # As `headersTimeout` and `requestTimeout` of Node.js.
    head_timeout: float | None = 60
    body_timeout: float | None = 300
    max_header_size: int | None = None
    ws_max_size: int = 2**20
    ws_ping_interval: float | None = 20
    ws_ping_timeout: float | None = 20
    uvloop: bool | None = None
    loop: AbstractEventLoop | None = None


@dataclass
class Plan:
    """What is to be served, and how.

    Args:
        apps: the applications.
        settings: how each is served; as long as `apps`.
        load: gives the applications in another process; picklable, and called with `shared`.
        sockets: for each application one that is bound already, or None.
        workers: how many processes.
        supervised: whether even one worker is a process of its own.
        watch: directories whose changes restart the workers; None: nothing is watched.
        prelude: a function of a module, called in each worker before its main module is imported.
        shared: handed to `load`; may hold what `multiprocessing` shares.
        notify: called at a restart because of changes with `start`, `before`, `after` or `stop`, and the changed paths.
        signals: whether SIGINT and SIGTERM end it.
        jobs: the processes by name, and functions that run beside the workers; None for the workers alone.
        start_method: how processes are started: `spawn`, `forkserver` or `fork`, as `multiprocessing` has them.
        in_fork: called first in each forked process, which imports nothing.
    """

    apps: Sequence[Host]
    settings: Sequence[Settings]
    load: Callable[[Any], Sequence[Host]] | None = None
    sockets: Sequence[socket.socket | None] = ()
    workers: int = 1
    supervised: bool = False
    watch: Sequence[str] | None = None
    prelude: Callable[[], object] | None = None
    shared: Any = None
    notify: Callable[[str, set[str]], None] = field(default=lambda event, changed: None)
    signals: bool = True
    jobs: Jobs | None = None
    start_method: str = "spawn"
    in_fork: Callable[[], object] | None = None

    @property
    def needs_supervisor(self) -> bool:
        """Whether the workers are processes of their own."""
        return self.supervised or self.workers > 1 or self.watch is not None

    @property
    def can_serve_alone(self) -> bool:
        """Whether one process may serve instead, where no other one can import the application."""
        return self.workers == 1 and self.watch is None
