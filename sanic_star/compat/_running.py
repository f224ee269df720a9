"""Running applications in Sanic's words: `run`, `prepare`, `serve`, `serve_single`, `create_server`, `stop`.

`prepare` notes how an application is to be served; `serve` serves all that were prepared, in one process or several.
What is noted is turned into the engine's words by `_plans`; who listens and who restarts is `sanic_star.servers`.

This is one module because its methods share their many keywords, which each repeats for its callers' sake.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from socket import socket
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, ClassVar

from sanic_star.applications import Application
from sanic_star.compat._answering import BODY_TIMEOUT
from sanic_star.compat._peer import UNSAFE_SERVER, believes_local_clients
from sanic_star.compat.application.constants import Mode, Server
from sanic_star.compat.application.state import ApplicationState
from sanic_star.compat.config import DEFAULT_CONFIG, Config, SettingError
from sanic_star.compat.helpers import Default
from sanic_star.compat.log import error_logger, logger
from sanic_star.compat.logging.filter import VerbosityFilter
from sanic_star.compat.types.shared_ctx import SharedContext
from sanic_star.lifespan import Stage
from sanic_star.steps import StepTimeout

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from pathlib import Path

    from sanic_star.compat.server.async_server import AsyncioServer
    from sanic_star.compat.worker.multiplexer import WorkerMultiplexer
    from sanic_star.servers.settings import Settings


TLSArgument = None | SSLContext | dict[str, Any] | str | list[Any] | tuple[Any, ...]


class Running(Application):
    """An application that can serve itself; its registry, configuration and listeners are the subclass's."""

    _app_registry: ClassVar[dict[str, Any]]
    name: str
    config: Config
    state: ApplicationState
    shared_ctx: SharedContext
    _told_of_the_server = False

    async def run_listeners(self, event: str, **more: Any) -> None:
        """Run the listeners of a moment."""
        raise NotImplementedError

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        single_process: bool = False,
        load: Callable[[], Any] | None = None,
        **options: Any,
    ) -> None:
        """Serve the application until it is stopped; ends the process with status 1 where that can't be done.

        Args:
            host: the address to listen on.
            port: the port to listen on; 0 for any that is free.
            single_process: whether to do with one process, and without the listeners of the main process.
            load: gives the application in other processes; by default the main module is imported there, and the
                application looked up by its name.
            options: as in `prepare`.

        Raises:
            RuntimeError, TypeError, ValueError: options contradict each other, or make no sense.
            SystemExit: with status 1, the address is in use, a server is not installed, or the start failed.

        Examples:
            A script::

                if __name__ == "__main__":
                    app.run(port=8000, workers=2)
        """
        if import_module("sanic_star.servers").is_imported_by_worker():
            return
        self.prepare(host, port, single_process=single_process, **options)
        if single_process:
            self.serve_single(self)
        else:
            self.serve(self, app_loader=None if load is None else _plans().Loader(load))

    @property
    def go_fast(self) -> Callable[..., None]:
        """`run`, by its older name."""
        return self.run

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
        """Note how the application is to be served; `Sanic.serve` does it, for all that were prepared.

        Args:
            host: the address to listen on; by default 127.0.0.1.
            port: the port to listen on; 0 for any that is free; by default 8000, and 8443 with `auto_tls`.
            dev: debug mode, and restart on changes.
            debug: whether errors are explained to the client.
            auto_reload: whether a change of a source file restarts the application; by default `AUTO_RELOAD` says.
            version: the highest version of HTTP; 2 and 3 need hypercorn, and 2 may be granian's.
            ssl: certificate: a directory, a mapping of `cert`, `key`, `password`, a pair of paths, a context, or a
                list of them, of which the client's wish chooses.
            sock: a socket that is bound already.
            workers: how many processes.
            protocol: of Sanic's own server; the log says that it has no effect.
            backlog: how many connections may wait to be accepted.
            register_sys_signals: whether SIGINT and SIGTERM end it; only `serve_single` may do without.
            access_log: whether requests are logged; by default in debug mode, and where `ACCESS_LOG` says so.
            unix: path of a socket to listen on, in place of host and port.
            loop: not possible; inside of a running event loop there is `create_server`.
            reload_dir: directories in which every changed file counts.
            noisy_exceptions: whether exceptions that are quiet by themselves are logged.
            motd: whether the log begins with what is served where.
            fast: as many processes as there are processors.
            verbosity: lets records with a `verbosity` up to this into the log.
            motd_display: what the beginning of the log says besides.
            coffee: whether it comes with coffee.
            auto_tls: in debug mode, make a certificate for localhost.
            single_process: whether there shall be one process only.
            server: `uvicorn`, `hypercorn` or `granian`; by default uvicorn, and hypercorn for HTTP/2 and HTTP/3.

        Raises:
            RuntimeError, TypeError, ValueError: options contradict each other, or make no sense.
            SanicException: a certificate for localhost can't be made.
        """
        if loop is not None:
            raise TypeError("loop is not a valid argument. To use an existing loop, change to create_server().")
        if fast and workers != 1:
            raise RuntimeError("You cannot use both fast=True and workers=X")
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise RuntimeError(f"workers is the number of processes, 1 or more, got {workers!r}")
        if auto_reload is None:
            auto_reload = bool(self.config.AUTO_RELOAD)
        auto_reload = auto_reload or dev
        if single_process and (fast or workers > 1 or auto_reload):
            raise RuntimeError("Single process cannot be run with multiple workers or auto-reload")
        if not register_sys_signals and not single_process:
            raise RuntimeError("Cannot run Sanic.serve with register_sys_signals=False. Use Sanic.serve_single.")
        if server == "uvicorn" and version in (2, 3):
            raise ValueError(f"uvicorn speaks HTTP/1.1; version={version} goes with server='hypercorn'")
        _warn_of_protocol(protocol)
        self._set_mode(debug or dev, access_log, noisy_exceptions, verbosity)
        self.auto_reload = auto_reload
        how = self._settings(host, port, unix=unix, backlog=backlog, version=version, ssl=ssl, auto_tls=auto_tls)
        if server is not None:
            how = replace(how, server=server)
        from pathlib import Path

        state = self.state
        state.host, state.port, state.ssl, state.sock, state.unix = how.host, how.port, ssl, sock, unix
        state.fast, state.server, state.coffee = fast, Server.SANIC, coffee
        state.workers = _processors() if fast else workers
        state.reload_dirs = {Path(each) for each in _folders(reload_dir)}
        settings = {
            "app": self, "host": how.host, "port": how.port, "version": how.version, "sock": sock, "unix": unix,
            "ssl": ssl, "backlog": backlog, "register_sys_signals": register_sys_signals,
        }  # fmt: skip
        state.server_info.append(_plans().ApplicationServerInfo(settings, how, sock, register_sys_signals))
        if motd_display:
            self.config.MOTD_DISPLAY.update(motd_display)
        if motd and self.config.MOTD:
            motd_of = import_module("sanic_star.compat.application.motd")
            motd_of.show(self, how, state.workers, self.config.MOTD_DISPLAY, coffee)

    def motd(self, server_settings: Mapping[str, Any] | None = None) -> None:
        """Log what runs where, and how, as at the start; without effect where the setting `MOTD` is off.

        Args:
            server_settings: `host`, `port`, `unix` and `ssl` as for `prepare`, where it has not been prepared.
        """
        if self.config.MOTD:
            given = {
                key: value for key, value in (server_settings or {}).items() if key in ("host", "port", "unix", "ssl")
            }
            known = self.state.server_info
            how = (
                known[0].how
                if known and not given
                else self._settings(given.pop("host", None), given.pop("port", None), **given)
            )
            motd_of = import_module("sanic_star.compat.application.motd")
            motd_of.show(self, how, max(self.state.workers, 1), self.config.MOTD_DISPLAY)

    @property
    def m(self) -> WorkerMultiplexer:
        """The worker process that this is: its name, and how to restart or end workers.

        Raises:
            AttributeError: it is none.
        """
        made: type[WorkerMultiplexer] = import_module("sanic_star.compat.worker.multiplexer").WorkerMultiplexer
        return made(self)

    @property
    def auto_reload(self) -> bool:
        """Whether the application is served again when its files change."""
        return bool(self.config.AUTO_RELOAD)

    @auto_reload.setter
    def auto_reload(self, value: bool) -> None:
        self.config.AUTO_RELOAD = self.state.auto_reload = value

    @property
    def reload_dirs(self) -> set[Path]:
        """The folders that are watched for changes, beside the application's own."""
        return self.state.reload_dirs  # type: ignore[no-any-return]

    @property
    def sock(self) -> socket | None:
        """The socket that it was prepared to be served on."""
        return self.state.sock  # type: ignore[no-any-return]

    def _set_mode(self, debug: bool, access_log: bool | None, noisy_exceptions: bool | None, verbosity: int) -> None:
        if debug:
            self.debug = True
            logger.setLevel(logging.DEBUG)
        if access_log is None:
            # Debug mode switches it on.
            access_log = self.debug or self.config.ACCESS_LOG
        if access_log != self.config.ACCESS_LOG:
            self.config.ACCESS_LOG = access_log
        if noisy_exceptions is not None:
            self.config.NOISY_EXCEPTIONS = noisy_exceptions
        self.state.verbosity = VerbosityFilter.verbosity = verbosity
        self.set_up_logging()

    def set_up_logging(self) -> None:
        """Let log lines look as the mode and the settings `LOG_EXTRA` and `NO_COLOR` say."""
        set_up = import_module("sanic_star.compat.logging.setup").setup_logging
        set_up(self.debug, bool(self.config.NO_COLOR), self.config.LOG_EXTRA)

    def _settings(
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
        """Put together what was said and what is configured."""
        if version not in (1, 2, 3):
            raise ValueError(f"version is the highest version of HTTP, 1, 2 or 3, got {version!r}")
        if port is not None and (not isinstance(port, int) or not 0 <= port <= 65535):
            raise ValueError(f"port is a number from 0 to 65535, got {port!r}")
        certificates = import_module("sanic_star.compat._tls")
        config = self.config
        tls = certificates.read(ssl, config.TLS_CERT_PASSWORD or None)
        if tls is None and (auto_tls or version == 3):
            tls = certificates.local(config, self.debug)
        header_size = config.REQUEST_MAX_HEADER_SIZE
        made: type[Settings] = import_module("sanic_star.servers.settings").Settings
        return made(
            host=host or "127.0.0.1",
            port=(8443 if auto_tls or version == 3 else 8000) if port is None else port,
            unix=os.fspath(unix) if unix else None,
            backlog=backlog,
            server="hypercorn" if version > 1 else "uvicorn",
            version=int(version),
            tls=tls,
            graceful_timeout=self.graceful_timeout,
            keep_alive=config.KEEP_ALIVE_TIMEOUT if config.KEEP_ALIVE else 0,
            request_timeout=config.REQUEST_TIMEOUT or None,
            head_timeout=config.get("REQUEST_HEAD_TIMEOUT", made.head_timeout) or None,
            body_timeout=config.get("REQUEST_BODY_TIMEOUT", BODY_TIMEOUT) or None,
            max_header_size=header_size,
            ws_max_size=config.WEBSOCKET_MAX_SIZE,
            ws_ping_interval=config.WEBSOCKET_PING_INTERVAL or None,
            ws_ping_timeout=config.WEBSOCKET_PING_TIMEOUT or None,
            uvloop=None if isinstance(config.USE_UVLOOP, Default) else bool(config.USE_UVLOOP),
        )

    @classmethod
    def serve(
        cls,
        primary: Any = None,
        *,
        app_loader: Any = None,
        factory: Callable[[], Any] | None = None,
    ) -> None:
        """Serve all applications that were prepared, until they are stopped.

        Args:
            primary: the application whose listeners for the main process run, and whose number of workers counts; by
                default the one that was prepared first.
            app_loader: makes the primary application in other processes; has a method `load`.
            factory: the same, a function.

        Raises:
            SystemExit: with status 1, an address is in use, a server is not installed, a setting is invalid, or a start
                failed.
        """
        if import_module("sanic_star.servers").is_imported_by_worker():
            return
        apps = cls._prepared(primary)
        if not apps:
            return
        primary = apps[0]
        if app_loader is None and factory is not None:
            app_loader = _plans().Loader(factory)
        if primary.state.workers > 1 or primary.state.auto_reload:
            _choose_spawn()
        try:
            _plans().run_main_listeners(primary, "main_process_start")
            for app in apps:
                app.config.validate()
                app.shared_ctx.lock()
            _warn_of_main_listeners(apps)
            what = _plans().plan(apps, app_loader)
            _plans().run_main_listeners(primary, "main_process_ready")
            import_module("sanic_star.servers").run(what)
        except StepTimeout:
            # The log has named the listener.
            raise SystemExit(1) from None
        except SettingError as error:
            error_logger.error("%s", error)
            raise SystemExit(1) from None
        finally:
            logger.info("Server Stopped")
            try:
                _plans().run_main_listeners(primary, "main_process_stop")
            finally:
                _forget(apps)

    @classmethod
    def serve_single(cls, primary: Any = None) -> None:
        """Serve all applications that were prepared in this process, without listeners of a main process.

        Args:
            primary: the application that starts first.

        Raises:
            RuntimeError: more than one worker was asked for, or a restart on changes.
            SystemExit: with status 1, an address is in use, a server is not installed, a setting is invalid, or a start
                failed.
        """
        if import_module("sanic_star.servers").is_imported_by_worker():
            return
        apps = cls._prepared(primary)
        if not apps:
            return
        if any(app.state.workers > 1 or app.state.auto_reload for app in apps):
            _forget(apps)
            raise RuntimeError("Single process cannot be run with multiple workers or auto-reload")
        try:
            import_module("sanic_star.servers").run(replace(_plans().plan(apps, None), workers=1))
        finally:
            logger.info("Server Stopped")
            _forget(apps)

    @classmethod
    def _prepared(cls, primary: Any) -> list[Any]:
        apps = [app for app in cls._app_registry.values() if app.state.server_info]
        if primary is not None and primary.state.server_info:
            # By identity: a test may have made another one of its name since.
            apps = [primary, *(app for app in apps if app is not primary and app.name != primary.name)]
        for number, app in enumerate(apps):
            app.state.primary = number == 0
        return apps

    async def create_server(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
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
    ) -> AsyncioServer:
        """Make a server in the running event loop, which runs step by step in the caller's hands.

        Args:
            host: the address to listen on.
            port: the port to listen on; 0 for any that is free.
            debug: whether errors are explained to the client.
            ssl: certificate, as in `prepare`.
            sock: a socket that is bound already.
            protocol: of Sanic's own server; the log says that it has no effect.
            backlog: how many connections may wait to be accepted.
            access_log: whether requests are logged.
            unix: path of a socket to listen on, in place of host and port.
            return_asyncio_server: without effect, as in Sanic: a server is returned in any case.
            asyncio_server_kwargs: `backlog` and `ssl` replace those here; the log says that others have no effect.
            noisy_exceptions: whether exceptions that are quiet by themselves are logged.

        Raises:
            OSError: the address can't be listened on.
        """
        _warn_of_protocol(protocol)
        more = dict(asyncio_server_kwargs or {})
        begin = more.pop("start_serving", True)
        backlog, ssl = more.pop("backlog", backlog), more.pop("ssl", ssl)
        if more:
            logger.warning("create_server: without effect on uvicorn: %s", ", ".join(sorted(more)))
        if any(self.listeners.get(event) for event in _OF_THE_MAIN_PROCESS):
            logger.warning("Listener events for the main process are not available with create_server()")
        self._set_mode(debug, access_log, noisy_exceptions, self.state.verbosity)
        how = self._settings(host, port, unix=unix, backlog=backlog, ssl=ssl)
        self.state.host, self.state.port, self.state.unix = how.host, how.port, unix
        sockets = import_module("sanic_star.servers.sockets")
        try:
            bound = sock or (sockets.bind_unix(unix) if unix else sockets.bind_tcp(how.host, how.port))
        except _plans().CannotServe as error:
            raise OSError(str(error)) from None
        if begin:
            # Connections wait in the system's queue until the server accepts them.
            bound.listen(backlog)
        made: type[AsyncioServer] = import_module("sanic_star.compat.server.async_server").AsyncioServer
        server = made(self, how, bound, bool(begin))  # type: ignore[arg-type]
        logger.info("Listening on %s", sockets.location(bound, tls=how.tls is not None))
        return server

    def tell_what_the_server_decides(self) -> None:
        """Log once which settings have no effect, where another command has started the server."""
        if not self._told_of_the_server:
            changed = [name for name in _OF_THE_SERVER if self.config.get(name) != DEFAULT_CONFIG.get(name)]
            if changed:
                names = ", ".join(changed)
                logger.info("%s: set them on the server that runs this application; app.run would pass them on", names)
            if self.config.FORWARDED_SECRET and believes_local_clients():
                logger.warning(UNSAFE_SERVER)
            self._told_of_the_server = True

    @property
    def listeners(self) -> Mapping[str, Sequence[Callable[..., Any]]]:
        """The listeners, by the name of their moment."""
        raise NotImplementedError

    def stop(self, terminate: bool = True, unregister: bool = False) -> None:
        """Stop the server that runs the application.

        Args:
            terminate: whether the other workers stop, too.
            unregister: whether `get_app` shall find the application no longer.
        """
        if self.lifecycle.stage is not Stage.IDLE:
            import_module("sanic_star.servers").stop(self, everywhere=terminate)
        if unregister and self._app_registry.get(self.name) is self:
            del self._app_registry[self.name]


def _plans() -> Any:
    # By name: an application that another server runs never loads what it takes to run one.
    return import_module("sanic_star.compat._plans")


# Settings that an ASGI server has options of its own for.
_OF_THE_SERVER = (
    "KEEP_ALIVE",
    "KEEP_ALIVE_TIMEOUT",
    "REQUEST_HEAD_TIMEOUT",
    "REQUEST_MAX_HEADER_SIZE",
    "USE_UVLOOP",
    "WEBSOCKET_MAX_SIZE",
    "WEBSOCKET_PING_INTERVAL",
    "WEBSOCKET_PING_TIMEOUT",
)
_OF_THE_MAIN_PROCESS = ("main_process_start", "main_process_ready", "main_process_stop")


def _choose_spawn() -> None:
    """Let queues and locks that listeners of the main process make for `shared_ctx` reach the workers."""
    processes = import_module("multiprocessing")
    if processes.get_start_method(allow_none=True) is None:
        processes.set_start_method("spawn")


def _warn_of_protocol(protocol: Any) -> None:
    if protocol is not None:
        logger.warning("protocol=%s is of Sanic's own server and has no effect here", protocol)


def _warn_of_main_listeners(apps: Sequence[Any]) -> None:
    count = sum(len(app.listeners.get(event, ())) for app in apps[1:] for event in _OF_THE_MAIN_PROCESS)
    if count:
        logger.warning(
            "%d listener(s) for the main process belong to secondary applications and are ignored; attach them to %r",
            count,
            apps[0],
        )


def _forget(apps: Iterable[Any]) -> None:
    for app in apps:
        app.state.server_info.clear()
        app.state.mode = Mode.DEBUG if app.debug else Mode.PRODUCTION


def _folders(reload_dir: list[str] | str | None) -> Iterable[str]:
    if reload_dir is None:
        return ()
    return (reload_dir,) if isinstance(reload_dir, (str, os.PathLike)) else reload_dir


def _processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
