"""The servers that can run an application, each described by one record.

A server speaks HTTP and calls the application; this package provides sockets, signal handlers and processes. To add a
server, write a module with a coroutine function `serve` (the contract is `Serve`) and add a record to `BACKENDS`.

The names of its loggers are in `sanic_star.engine.server_logs`, because an application may run under a server that this
package has not started. Then this layer is never loaded.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from sanic_star.servers.settings import CannotServe, Settings

if TYPE_CHECKING:
    from socket import socket

    from sanic_star.engine.seams import Host
    from sanic_star.servers.stopping import Stop

logger = logging.getLogger("sanic.server")


class Serve(Protocol):
    """The coroutine function of a server's module that serves an application."""

    async def __call__(
        self, app: Host, settings: Settings, sockets: list[socket], stop: Stop, on_accepting: Callable[[], None]
    ) -> None:
        """Serve an application until the stop.

        Args:
            app: the application.
            settings: the settings of its server.
            sockets: the bound sockets.
            stop: the stop of all servers of this process.
            on_accepting: called when the server accepts connections.

        Raises:
            CannotServe: the start of the application failed; the reason is in the log.
        """


@dataclass(frozen=True)
class Backend:
    """One server.

    Args:
        name: the name of the server, of its distribution and of its package.
        import_serve: imports its module of `sanic_star.servers`, and returns `serve` of that module.
        versions: the versions of HTTP that it speaks: 1, 2, 3.
        requirements: by version of HTTP, a package that it needs for this version, and the requirement for pip.
        takes_sockets_on_windows: whether it can listen on a bound socket on Windows.
        reads_certificates: the versions of HTTP for which it reads certificate files itself, and takes no context.
        missing_options: the settings that it has no option for: by name in `app.config`, the name in `Settings`.
    """

    name: str
    import_serve: Callable[[], Serve]
    versions: frozenset[int] = frozenset({1})
    requirements: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    takes_sockets_on_windows: bool = True
    reads_certificates: frozenset[int] = frozenset()
    missing_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def only_http1(self) -> bool:
        """Whether it speaks HTTP/1.1 and no other version."""
        return self.versions == {1}

    def load(self) -> Serve:
        """Import the server, and return its `serve`.

        Raises:
            CannotServe: the installed release does not have a name that this package uses.
        """
        try:
            return self.import_serve()
        except (ImportError, AttributeError) as error:
            release = f"{self.name} {version(self.name)}"
            raise CannotServe(f"{release} does not work with this release of sanic_star: {error}") from error

    def check(self, settings: Settings) -> None:
        """Check that the server is installed, and can serve an application with these settings.

        Args:
            settings: the settings.

        Raises:
            CannotServe: the server is not installed, or does not support a setting.
        """
        http = settings.version
        if find_spec(self.name) is None:
            raise CannotServe(f"{self.name} is not installed: pip install {self.name}")
        if sys.platform == "win32" and not self.takes_sockets_on_windows:
            raise CannotServe(f"{self.name} can't take over a socket on Windows; use {default_backend(http).name}")
        if http not in self.versions:
            raise CannotServe(f"{self.name} does not speak HTTP/{http}; server={default_backend(http).name!r} does")
        package, requirement = self.requirements.get(http, ("", ""))
        if package and find_spec(package) is None:
            raise CannotServe(f"HTTP/{http} needs {package}: pip install {requirement!r}")
        if http == 3 and (settings.tls is None or settings.unix):
            raise CannotServe("HTTP/3 needs a certificate, and a port: ssl=…, and no unix=…")
        tls = settings.tls
        if tls is not None and http in self.reads_certificates and not (tls.cert and tls.key):
            alternatives = [
                backend.name for backend in BACKENDS.values() if http in backend.versions - backend.reads_certificates
            ]
            remedy = f", or use {alternatives[0]}" if alternatives else ""
            raise CannotServe(f"{self.name} reads certificate files itself: pass their paths in ssl=…{remedy}")

    def settings_without_effect(self, settings: Settings) -> list[str]:
        """Return the changed settings that the server has no option for.

        Args:
            settings: the settings.

        Returns:
            Their names in `app.config`.
        """
        return [
            name
            for name, attribute in self.missing_options.items()
            if getattr(settings, attribute) != getattr(Settings, attribute)
        ]


def _import_uvicorn() -> Serve:
    from sanic_star.servers.uvicorn import serve  # imported late, as below, because most programs use one server

    return serve


def _import_hypercorn() -> Serve:
    from sanic_star.servers.hypercorn import serve

    return serve


def _import_granian() -> Serve:
    from sanic_star.servers.granian import serve

    return serve


# The servers by name. The default for a version of HTTP is the first one that speaks it.
BACKENDS: Mapping[str, Backend] = {
    backend.name: backend
    for backend in (
        Backend("uvicorn", _import_uvicorn),
        Backend(
            "hypercorn",
            _import_hypercorn,
            versions=frozenset({1, 2, 3}),
            requirements={3: ("aioquic", "hypercorn[h3]")},
            # Its library for HTTP/3, aioquic, reads them.
            reads_certificates=frozenset({3}),
            missing_options={
                # Its `keep_alive_timeout` also limits heads.
                "REQUEST_HEAD_TIMEOUT": "head_timeout",
                "WEBSOCKET_PING_TIMEOUT": "ws_ping_timeout",
            },
        ),
        Backend(
            "granian",
            _import_granian,
            versions=frozenset({1, 2}),
            takes_sockets_on_windows=False,
            reads_certificates=frozenset({1, 2}),
            missing_options={
                # It can turn keep-alive off, but has no time limit for it: its limit for heads is also that of idle
                # connections.
                "KEEP_ALIVE_TIMEOUT": "keep_alive",
                "WEBSOCKET_MAX_SIZE": "ws_max_size",
                "WEBSOCKET_PING_INTERVAL": "ws_ping_interval",
                "WEBSOCKET_PING_TIMEOUT": "ws_ping_timeout",
            },
        ),
    )
}


def default_backend(http: int) -> Backend:
    """Return the default server for a version of HTTP.

    Args:
        http: 1, 2 or 3.
    """
    return next(backend for backend in BACKENDS.values() if http in backend.versions)


def find_backend(name: str) -> Backend:
    """Return a server by its name.

    Args:
        name: the name.

    Raises:
        CannotServe: there is no server of this name.
    """
    try:
        return BACKENDS[name]
    except KeyError:
        raise CannotServe(f"There is no server {name!r}; choose one of {', '.join(BACKENDS)}") from None


def check_servers(settings: Sequence[Settings]) -> None:
    """Check that the servers are installed and can serve with these settings; warn of settings without effect.

    Args:
        settings: the settings of each application.

    Raises:
        CannotServe: a server is not installed, or does not support a setting.
    """
    for app_settings in settings:
        backend = find_backend(app_settings.server)
        backend.check(app_settings)
        if ignored := backend.settings_without_effect(app_settings):
            logger.warning(
                "%s has no option for these settings, so that they have no effect: %s",
                app_settings.server,
                ", ".join(ignored),
            )
