"""What an application needs to be served with the API of Sanic: `prepare`, `create_server`, `stop`, its settings.

An application has a `Runner`. `prepare` records how to serve the application; `serving` serves all prepared
applications, in one process or several. `plans` converts them to a `Plan`; `sanic_star.servers` listens and restarts.

Functions import `sanic_star.servers` late, because an application on another server does not need it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from socket import socket
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

from sanic_star.compat._app.answers import BODY_TIMEOUT_S
from sanic_star.compat.config import DEFAULT_CONFIG
from sanic_star.compat.helpers import Default
from sanic_star.compat.log import VerbosityFilter, logger

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from sanic_star.compat._app.seams import Application
    from sanic_star.compat.server.async_server import AsyncioServer
    from sanic_star.compat.worker.inspector import Inspector
    from sanic_star.compat.worker.manager import WorkerManager
    from sanic_star.servers.settings import Settings

    TLSArgument = None | SSLContext | dict[str, Any] | str | list[Any] | tuple[Any, ...]


# Settings for which an ASGI server has its own options.
_SERVER_SETTINGS = (
    "KEEP_ALIVE",
    "KEEP_ALIVE_TIMEOUT",
    "REQUEST_HEAD_TIMEOUT",
    "REQUEST_MAX_HEADER_SIZE",
    "WEBSOCKET_MAX_SIZE",
    "WEBSOCKET_PING_INTERVAL",
    "WEBSOCKET_PING_TIMEOUT",
)
MAIN_PROCESS_EVENTS = ("main_process_start", "main_process_ready", "main_process_stop")


class Runner:
    """Prepares and serves applications.

    Args:
        app: the application.
    """

    def __init__(self, app: Application) -> None:
        self.app = app
        self.has_logged_server_settings = False
        # Whether `stop` was called after the last start.
        self.is_stopped = False
        # Set in the main process only, before `main_process_ready`.
        self.manager: WorkerManager | None = None
        self.inspector: Inspector | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A managed function may get the application as an argument; its process has no manager.
        return {**self.__dict__, "manager": None, "inspector": None}

    def prepare(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        dev: bool = False,
        debug: bool = False,
        auto_reload: bool | None = None,
        version: int = 1,
        ssl: TLSArgument = None,
        sock: socket | None = None,
        workers: int = 1,
        protocol: type[asyncio.Protocol] | None = None,
        backlog: int = 100,
        register_sys_signals: bool = True,
        access_log: bool | None = None,
        unix: str | None = None,
        loop: AbstractEventLoop | None = None,
        reload_dir: list[str] | str | None = None,
        noisy_exceptions: bool | None = None,
        motd: bool = True,
        fast: bool = False,
        verbosity: int = 0,
        motd_display: Mapping[str, str] | None = None,
        coffee: bool = False,
        auto_tls: bool = False,
        single_process: bool = False,
        server: str | None = None,
    ) -> None:
        """Prepare the application to be served; `Sanic.serve` serves all prepared applications.

        Args:
            host: the address to listen on; by default 127.0.0.1.
            port: the port to listen on; 0 for any free port; by default 8000, or 8443 with `auto_tls`.
            dev: debug mode and automatic reload.
            debug: whether error pages show details.
            auto_reload: whether a changed source file restarts the application; by default the setting `AUTO_RELOAD`.
            version: the highest version of HTTP; 2 needs hypercorn or granian, 3 needs hypercorn.
            ssl: the certificate: a directory, a mapping of `cert`, `key`, `password`, a pair of paths, a context, or a
                list of them; the client's server name (SNI) selects one.
            sock: a bound socket.
            workers: the number of processes.
            protocol: a protocol of Sanic's own server; ignored with a warning.
            backlog: the number of connections that may wait to be accepted.
            register_sys_signals: whether SIGINT and SIGTERM stop the server; `False` needs `single_process=True`.
            access_log: whether to log requests; by default in debug mode, or if `ACCESS_LOG` is set.
            unix: the path of a unix socket to listen on, instead of host and port.
            loop: invalid; use `create_server` inside a running event loop.
            reload_dir: directories in which any changed file triggers a reload.
            noisy_exceptions: whether to log quiet exceptions.
            motd: whether to log the message of the day.
            fast: whether to use as many processes as there are processors.
            verbosity: the highest `verbosity` of records that are logged.
            motd_display: further lines for the message of the day, by name.
            coffee: whether to show a cup of coffee.
            auto_tls: whether to create a certificate for localhost; only in debug mode.
            single_process: whether to use only one process.
            server: `uvicorn`, `hypercorn` or `granian`; by default uvicorn, or hypercorn for HTTP/2 and HTTP/3.

        Raises:
            RuntimeError, TypeError, ValueError: options are invalid or contradict each other.
            SanicException: a certificate for localhost cannot be created.
        """
        from sanic_star.compat._serving import plans as _plans
        from sanic_star.servers.backends import BACKENDS, default_backend

        if loop is not None:
            raise TypeError("loop is not a valid argument. To use an existing loop, change to create_server().")
        if fast and workers != 1:
            raise RuntimeError("You cannot use both fast=True and workers=X")
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise RuntimeError(f"Cannot serve with no workers: workers must be 1 or more, got {workers!r}")
        if auto_reload is None:
            auto_reload = bool(self.app.config.AUTO_RELOAD)
        auto_reload = auto_reload or dev
        if single_process and (fast or workers > 1 or auto_reload):
            raise RuntimeError("Single process cannot be run with multiple workers or auto-reload")
        if not register_sys_signals and not single_process:
            raise RuntimeError("Cannot run Sanic.serve with register_sys_signals=False. Use Sanic.serve_single.")
        chosen = BACKENDS.get(server) if server is not None else None
        if chosen is not None and chosen.only_http1 and version in (2, 3):
            default_server = default_backend(version).name
            raise ValueError(f"{server} speaks only HTTP/1.1; for version={version} use server={default_server!r}")
        _warn_of_protocol(protocol)
        self.set_mode(debug or dev, access_log, noisy_exceptions, verbosity)
        self.app.auto_reload = auto_reload
        backend_settings = self.settings(
            host, port, unix=unix, backlog=backlog, version=version, ssl=ssl, auto_tls=auto_tls
        )
        if server is not None:
            backend_settings = replace(backend_settings, server=server)
        from pathlib import Path

        from sanic_star.compat.application.constants import Server

        state = self.app.state
        state.host, state.port = backend_settings.host, backend_settings.port
        state.ssl, state.sock, state.unix = ssl, sock, unix
        state.fast, state.server, state.coffee = fast, Server.SANIC, coffee
        state.workers = _processor_count() if fast else workers
        state.reload_dirs = set()
        for folder in _folder_list(reload_dir):
            if not Path(folder).is_dir():
                logger.warning("Directory %s could not be located", folder)
            state.reload_dirs.add(Path(folder))
        settings = {
            "app": self.app, "host": state.host, "port": state.port, "version": backend_settings.version, "sock": sock,
            "unix": unix, "ssl": ssl, "backlog": backlog, "register_sys_signals": register_sys_signals,
        }  # fmt: skip
        info = _plans.ApplicationServerInfo(
            settings, backend_settings=backend_settings, sock=sock, handles_signals=register_sys_signals
        )
        state.server_info.append(info)
        if motd_display:
            self.app.config.MOTD_DISPLAY.update(motd_display)
        if motd and self.app.config.MOTD:
            self.app.motd(settings)

    def motd(self, server_settings: Mapping[str, Any] | None = None) -> None:
        """Log the message of the day; without effect if the setting `MOTD` is off.

        Args:
            server_settings: `host`, `port`, `unix` and `ssl` as in `prepare`, if the application is not prepared.
        """
        if self.app.config.MOTD:
            from sanic_star.compat.application.logo import get_logo
            from sanic_star.compat.application.motd import MOTD, location

            data, extra = self.app.get_motd_data(server_settings)
            MOTD.output(get_logo(coffee=self.app.state.coffee), location(self._address(server_settings)), data, extra)

    def get_motd_data(self, server_settings: Mapping[str, Any] | None = None) -> tuple[dict[str, str], dict[str, str]]:
        """Return the lines of the message of the day, and those of `MOTD_DISPLAY`, each by name.

        Args:
            server_settings: see `motd`.
        """
        from sanic_star.compat.application.motd import facts

        state = self.app.state
        return facts(self.app, self._address(server_settings), max(state.workers, 1)), {**self.app.config.MOTD_DISPLAY}

    def _address(self, server_settings: Mapping[str, Any] | None) -> Settings:
        """Return the settings of the address to show: a prepared address, or the given one."""
        server_info, given_settings = self.app.state.server_info, dict(server_settings or {})
        addresses = ("host", "port", "unix", "ssl")
        # If `server_settings` comes from `prepare`, its own address; otherwise the first prepared address.
        matching_infos = [info for info in server_info if info.settings is server_settings]
        if matching_infos or (server_info and not given_settings.keys() & set(addresses)):
            backend_settings: Settings = (matching_infos or server_info)[0].backend_settings
            return backend_settings
        options = {name: given_settings[name] for name in addresses if name in given_settings}
        return self.settings(options.pop("host", None), options.pop("port", None), **options)

    def set_mode(self, debug: bool, access_log: bool | None, noisy_exceptions: bool | None, verbosity: int) -> None:
        """Set the mode and the logging. The arguments are those of `prepare`; `None` leaves a setting unchanged."""
        if debug:
            self.app.debug = True
            logger.setLevel(logging.DEBUG)
        if access_log is None:
            # Debug mode enables the access log.
            access_log = self.app.debug or self.app.config.ACCESS_LOG
        if access_log != self.app.config.ACCESS_LOG:
            self.app.config.ACCESS_LOG = access_log
        if noisy_exceptions is not None:
            self.app.config.NOISY_EXCEPTIONS = noisy_exceptions
        self.app.state.verbosity = VerbosityFilter.verbosity = verbosity
        self.set_up_logging()

    def extend(self) -> None:
        """Set up Sanic Extensions if they are installed and enabled, and not set up yet."""
        if self.app.config.AUTO_EXTEND and not hasattr(self.app, "_ext"):
            from sanic_star.compat.application.ext import setup_ext  # imported late: only a start needs it

            setup_ext(self.app)

    def set_up_logging(self) -> None:
        """Configure the log formatters for the mode and the settings `LOG_EXTRA` and `NO_COLOR`."""
        from sanic_star.compat.logging.setup import setup_logging

        config = self.app.config
        setup_logging(self.app._debug, bool(config["NO_COLOR"]), config["LOG_EXTRA"])

    def settings(
        self,
        host: str | None,
        port: int | None,
        *,
        unix: str | None = None,
        backlog: int = 100,
        version: int = 1,
        ssl: TLSArgument = None,
        auto_tls: bool = False,
    ) -> Settings:
        """Return the settings of a server, from arguments and configuration."""
        if version not in (1, 2, 3):
            raise ValueError(f"version is the highest version of HTTP and must be 1, 2 or 3, got {version!r}")
        if port is not None and (not isinstance(port, int) or not 0 <= port <= 65535):
            raise ValueError(f"port must be a number from 0 to 65535, got {port!r}")
        from sanic_star.compat._serving import tls as _tls
        from sanic_star.servers.backends import default_backend
        from sanic_star.servers.settings import Settings

        config = self.app.config
        loader_class = self.app._server_classes[1]
        if loader_class is not None:
            tls = _tls.read_by_loader(loader_class, ssl, self.app)
        else:
            tls = _tls.read(ssl, config.TLS_CERT_PASSWORD or None)
        if tls is None and (auto_tls or version == 3):
            from sanic_star.compat.http.tls.creators import local_tls

            tls = local_tls(self.app)
        header_size = config.REQUEST_MAX_HEADER_SIZE
        return Settings(
            host=host or "127.0.0.1",
            port=(8443 if auto_tls or version == 3 else 8000) if port is None else port,
            unix=os.fspath(unix) if unix else None,
            backlog=backlog,
            server=default_backend(version).name,
            version=int(version),
            tls=tls,
            graceful_timeout=self.app._engine.limits.graceful_s,
            keep_alive=config.KEEP_ALIVE_TIMEOUT if config.KEEP_ALIVE else 0,
            request_timeout=config.REQUEST_TIMEOUT or None,
            head_timeout=config.get("REQUEST_HEAD_TIMEOUT", Settings.head_timeout) or None,
            body_timeout=config.get("REQUEST_BODY_TIMEOUT", BODY_TIMEOUT_S) or None,
            max_header_size=header_size,
            ws_max_size=config.WEBSOCKET_MAX_SIZE,
            ws_ping_interval=config.WEBSOCKET_PING_INTERVAL or None,
            ws_ping_timeout=config.WEBSOCKET_PING_TIMEOUT or None,
            uvloop=None if isinstance(config.USE_UVLOOP, Default) else bool(config.USE_UVLOOP),
        )

    async def create_server(
        self,
        /,
        host: str | None = None,
        port: int | None = None,
        *old_arguments: Any,
        debug: bool = False,
        ssl: TLSArgument = None,
        sock: socket | None = None,
        protocol: type[asyncio.Protocol] | None = None,
        backlog: int = 100,
        access_log: bool | None = None,
        unix: str | None = None,
        return_asyncio_server: bool = True,
        asyncio_server_kwargs: dict[str, Any] | None = None,
        noisy_exceptions: bool | None = None,
        **removed_keywords: Any,
    ) -> AsyncioServer:
        """Create a server in the running event loop, which the caller starts and stops.

        It accepts requests when this returns, unless `asyncio_server_kwargs` has `start_serving=False`.

        Args:
            host: the address to listen on.
            port: the port to listen on; 0 for any free port.
            old_arguments: further positional arguments, in the order of Sanic up to 19.12.
            debug: whether error pages show details.
            ssl: the certificate, see `prepare`.
            sock: a bound socket.
            protocol: a protocol of Sanic's own server; ignored with a warning.
            backlog: the number of connections that may wait to be accepted.
            access_log: whether to log requests.
            unix: the path of a unix socket to listen on, instead of host and port.
            return_asyncio_server: ignored, as in Sanic: a server is always returned.
            asyncio_server_kwargs: `backlog` and `ssl` replace the arguments of these names; with `start_serving=False`
                the server accepts no connections until `start_serving()`; others are ignored with a warning.
            noisy_exceptions: whether to log quiet exceptions.
            removed_keywords: `stop_event`, which had no effect.

        Raises:
            OSError: the server cannot listen on the address.
        """
        if old_arguments or removed_keywords:
            from sanic_star.compat._old.keywords import of_create_server

            arguments = {
                "debug": debug, "ssl": ssl, "sock": sock, "protocol": protocol, "backlog": backlog,
                "access_log": access_log, "unix": unix, "asyncio_server_kwargs": asyncio_server_kwargs,
                "noisy_exceptions": noisy_exceptions,
            }  # fmt: skip
            return await self.create_server(
                host, port, **{**arguments, **of_create_server(old_arguments, removed_keywords)}
            )
        _warn_of_protocol(protocol)
        server_options = dict(asyncio_server_kwargs or {})
        starts_serving = server_options.pop("start_serving", True)
        backlog, ssl = server_options.pop("backlog", backlog), server_options.pop("ssl", ssl)
        if server_options:
            logger.warning(
                "create_server: uvicorn has no option for these asyncio_server_kwargs, so that they have no effect: %s",
                ", ".join(sorted(server_options)),
            )
        if any(self.app.listeners.get(event) for event in MAIN_PROCESS_EVENTS):
            # Sanic 25.12 logs this line, and log parsers may expect it. The next warning names the listeners.
            logger.warning("Listener events for the main process are not available with create_server()")
        self.warn_of_main_listeners("create_server starts no main process")
        _warn_of_uvloop(self.app, "create_server uses the event loop that runs")
        self.set_mode(debug, access_log, noisy_exceptions, self.app.state.verbosity)
        backend_settings = self.settings(host, port, unix=unix, backlog=backlog, ssl=ssl)
        state = self.app.state
        state.host, state.port, state.unix = backend_settings.host, backend_settings.port, unix
        if not self.app.state.server_info:
            self.app.motd({"host": backend_settings.host, "port": backend_settings.port, "unix": unix, "ssl": ssl})
        from sanic_star.compat.server.async_server import AsyncioServer
        from sanic_star.servers import sockets
        from sanic_star.servers.settings import CannotServe

        try:
            if sock is not None:
                bound = sock
            elif unix:
                bound = sockets.bind_unix(unix)
            else:
                bound = sockets.bind_tcp(backend_settings.host, backend_settings.port)
        except CannotServe as error:
            raise OSError(str(error)) from None
        server = AsyncioServer(self.app, backend_settings, bound)
        if starts_serving:
            await server.server.accept()
        logger.info("Listening on %s", sockets.location(bound, tls=backend_settings.tls is not None))
        return server

    def log_server_settings(self) -> None:
        """Log the settings that have no effect because another program has started the server."""
        _warn_of_uvloop(self.app, "the server that runs this application chooses the event loop")
        self.warn_of_main_listeners("neither app.run nor sanic-star has started this application")
        changed = [name for name in _SERVER_SETTINGS if self.app.config.get(name) != DEFAULT_CONFIG.get(name)]
        if changed:
            names = ", ".join(changed)
            logger.info("%s: set these on the server that runs this application. app.run would pass them on", names)
        if self.app.config["FORWARDED_SECRET"]:
            from sanic_star.compat._serving.peer import UNSAFE_SERVER, trusts_local_clients

            if trusts_local_clients():
                logger.warning(UNSAFE_SERVER)
        self.has_logged_server_settings = True

    def warn_of_main_listeners(self, reason: str) -> None:
        """Warn of listeners that never run without a main process; they may, for example, create database tables.

        Args:
            reason: the reason for which there is no main process, as a clause: `create_server starts no main process`.
        """
        listeners = self.app.listeners
        names = [
            f"{event} ({', '.join(getattr(listener, '__name__', repr(listener)) for listener in listeners[event])})"
            for event in MAIN_PROCESS_EVENTS
            if listeners.get(event)
        ]
        if names:
            logger.warning(
                "Listeners that do not run, because %s: %s. Call them before you start the server, or register them "
                "for before_server_start, which runs in each worker",
                reason,
                "; ".join(names),
            )

    def stop(self, terminate: bool = True, unregister: bool = False) -> None:
        """Stop the server that runs the application.

        Args:
            terminate: whether other workers stop too.
            unregister: whether to remove the application from the registry.
        """
        app = self.app
        multiplexer = vars(app).get("_multiplexer")
        if terminate and multiplexer is not None:
            # As in Sanic, a multiplexer that a user has set stops the processes.
            multiplexer.terminate()
        elif not app._engine.lifecycle.is_down and not self.is_stopped:
            self.is_stopped = True
            from sanic_star import servers

            servers.stop(app, everywhere=terminate)
        if unregister and app._app_registry.get(app.name) is app:
            app.unregister_app(app)


def _warn_of_protocol(protocol: Any) -> None:
    if protocol is not None:
        logger.warning("protocol=%s has no effect: it is a class for Sanic's own server", protocol)


def _warn_of_uvloop(app: Any, reason: str) -> None:
    if not isinstance(app.config.USE_UVLOOP, Default):
        logger.warning("USE_UVLOOP of %r has no effect: %s", app, reason)


def _folder_list(reload_dir: list[str] | str | None) -> Iterable[str]:
    if reload_dir is None:
        return ()
    return (reload_dir,) if isinstance(reload_dir, (str, os.PathLike)) else reload_dir


def _processor_count() -> int:
    """Return the number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
