"""The data for serving: `Plan`, and `Settings`, which can be sent to another process."""

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
    """The applications cannot be served; the message is one line with the reason and the remedy."""


class NotImportable(CannotServe):
    """Another process cannot import the application, or the data for the import cannot be sent to it."""


@dataclass(frozen=True)
class TLS:
    """The certificate of a server, or several that the client's server name selects.

    Args:
        make: returns the context; must be picklable if there are several processes.
        cert: the path of the certificate, for servers that read it themselves.
        key: the path of the certificate's key.
        password: the password of the key.
    """

    make: Callable[[], SSLContext]
    cert: str | None = None
    key: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Settings:
    """The settings of one application's server.

    Args:
        host: the address to listen on.
        port: the port to listen on; 0 for any free port.
        unix: the path of a socket to listen on, instead of host and port.
        backlog: how many connections may wait to be accepted.
        server: `uvicorn`, `hypercorn` or `granian`.
        version: the highest version of HTTP: 1, 2 or 3.
        tls: certificates; `None` for connections without encryption.
        graceful_timeout: how long requests may take to end at the stop, in seconds.
        keep_alive: how long an idle connection stays open, in seconds; 0 closes it after each response.
        request_timeout: how long the next byte of a request's head may take, in seconds; `None` for no limit.
        head_timeout: how long a whole head may take, in seconds; `None` for no limit.
        body_timeout: how long a whole body may take, in seconds, and longer if it is large; `None` for no limit.
        max_header_size: the limit on a request's header, in bytes; `None` for the server's own limit.
        ws_max_size: the limit on a websocket's message, in bytes.
        ws_ping_interval: the interval between pings of a websocket, in seconds; `None` for no pings.
        ws_ping_timeout: how long the answer to a ping may take, in seconds.
        uvloop: whether uvloop runs the application; `None` to use uvloop if it is installed.
        loop: the event loop that runs the application, in this process; `None` for a new one.
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
    # The defaults of `headersTimeout` and `requestTimeout` in Node.js.
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
    """The applications to serve, with their settings and processes.

    Args:
        apps: the applications.
        settings: the settings of each application's server; as many as `apps`.
        load: returns the applications in another process; called with `shared`; must be picklable.
        sockets: for each application, a bound socket that the user has passed, or `None`.
        workers: the number of processes that serve the applications.
        supervised: whether a single worker also runs in a separate process.
        watch: directories in which any changed file restarts the workers; a changed source file of the application
            always does. `None` for no restart.
        prelude: a function of a module, called in each process before its main module is imported.
        shared: the argument of `load`; may contain objects that `multiprocessing` shares, such as queues.
        notify: called with the moment of a reload (`start`, `before`, `after` or `stop`) and the changed paths.
        handles_signals: whether SIGINT and SIGTERM begin the stop.
        jobs: the table of processes, including functions that run beside the workers; `None` for workers only.
        start_method: the start method of `multiprocessing`: `spawn`, `forkserver` or `fork`.
        after_fork: called first in each forked process, instead of `prelude`: such a process imports nothing.
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
    handles_signals: bool = True
    jobs: Jobs | None = None
    start_method: str = "spawn"
    after_fork: Callable[[], object] | None = None

    @property
    def needs_supervisor(self) -> bool:
        """Whether workers run in separate processes."""
        return self.supervised or self.workers > 1 or self.watch is not None

    @property
    def can_serve_alone(self) -> bool:
        """Whether this process may serve itself if no other process can import the application."""
        return self.workers == 1 and self.watch is None
