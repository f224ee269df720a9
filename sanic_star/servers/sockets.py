"""The sockets that servers listen on.

They are bound before anything else starts, so that an address in use is reported at once. The supervisor binds them,
and its workers inherit them: when a worker is replaced, the queue of waiting connections stays.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from sanic_star.servers.settings import CannotServe, Settings

logger = logging.getLogger("sanic.server")
_HINTS = {
    errno.EADDRINUSE: " Is it taken by another program?",
    errno.EADDRNOTAVAIL: " Is it an address of this machine?",
    errno.EACCES: " Does this port need a privilege?",
}


class Sockets(list[list[socket.socket]]):
    """The sockets of several applications, a list for each; `close` closes them.

    Args:
        settings: the settings of each application's server.
        bound_sockets: for each application, a socket that the user has bound, or `None`.

    Raises:
        CannotServe: a socket cannot be bound.
    """

    def __init__(self, settings: Sequence[Settings], bound_sockets: Sequence[socket.socket | None] = ()) -> None:
        super().__init__()
        self._settings = settings
        self._paths: list[tuple[str, int]] = []
        try:
            for number, app_settings in enumerate(settings):
                self.append([])
                user_socket = bound_sockets[number] if number < len(bound_sockets) else None
                self[-1].append(user_socket if user_socket is not None else self._bind(app_settings))
                if app_settings.version == 3:
                    self[-1].append(_bind_datagrams(app_settings, self[-1][0]))
        except BaseException:
            self.close()
            raise

    def _bind(self, settings: Settings) -> socket.socket:
        if settings.unix is None:
            return bind_tcp(settings.host, settings.port)
        bound = bind_unix(settings.unix)
        self._paths.append((settings.unix, os.stat(settings.unix).st_ino))
        return bound

    def announce(self) -> None:
        """Log the addresses."""
        for app_settings, (bound, *_) in zip(self._settings, self, strict=True):
            if bound.fileno() >= 0:
                logger.info("Listening on %s", location(bound, tls=app_settings.tls is not None))

    def close(self) -> None:
        """Close the sockets, and remove the files of unix sockets, unless another process has replaced them."""
        for app_sockets in self:
            for bound in app_sockets:
                bound.close()
        for path, inode in self._paths:
            with suppress(OSError):
                if os.stat(path).st_ino == inode:
                    os.unlink(path)

    def __enter__(self) -> Sockets:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def location(bound: socket.socket, *, tls: bool = False) -> str:
    """Return the address of a socket: a URL, or `unix:` and a path.

    Args:
        bound: the socket.
        tls: whether its connections are encrypted.
    """
    address = bound.getsockname()
    if not isinstance(address, tuple):
        return f"unix:{address}"
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{'https' if tls else 'http'}://{host}:{address[1]}"


def bind_tcp(host: str, port: int) -> socket.socket:
    """Bind a TCP socket to an address.

    Args:
        host: a name or an IP address; empty for all addresses of this machine.
        port: the port; 0 for any free one.

    Raises:
        CannotServe: the address is invalid, in use, forbidden, or not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError, TypeError) as error:
        raise CannotServe(f"Cannot listen on host {host!r}, port {port!r}: {error}") from None
    bound = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on other systems, the option lets two programs use one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise CannotServe(f"Cannot listen on {host}:{port}: {reason}.{_HINTS.get(error.errno or 0, '')}") from None
    bound.setblocking(False)
    return bound


def bind_unix(path: str) -> socket.socket:
    """Bind a unix socket to which any user may connect; an existing socket at the path is replaced.

    Args:
        path: the path.

    Raises:
        CannotServe: the path is another kind of file, or the socket cannot be created.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise CannotServe(f"Cannot listen on {path}: this system has no unix sockets; use host and port")
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.stat(path).st_mode):
                raise CannotServe(f"Cannot listen on {path}: a file of that name exists and is not a socket")
            # As in Sanic, because a deployment may start the next server before the last one has ended.
            os.unlink(path)
        bound.bind(path)
        # A proxy runs as another user. The permissions of the directory restrict the access.
        os.chmod(path, 0o666)
    except OSError as error:
        bound.close()
        raise CannotServe(f"Cannot listen on {path}: {error.strerror or error}") from None
    except CannotServe:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


def _bind_datagrams(settings: Settings, tcp_socket: socket.socket) -> socket.socket:
    """Bind the UDP socket of HTTP/3 to the address of a TCP socket."""
    bound = socket.socket(tcp_socket.family, socket.SOCK_DGRAM)
    try:
        bound.bind(tcp_socket.getsockname())
    except OSError as error:
        bound.close()
        raise CannotServe(f"Cannot listen on UDP port {settings.port}: {error.strerror or error}") from None
    bound.setblocking(False)
    return bound
