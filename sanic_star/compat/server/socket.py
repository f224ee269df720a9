"""Sockets to listen on, for `app.run(sock=…)`."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

from sanic_star.servers import sockets
from sanic_star.servers.settings import CannotServe


def bind_socket(host: str, port: int, *, backlog: int = 100) -> socket:
    """Listen on an address.

    Args:
        host: a name or an IP address.
        port: the port; 0 for any free port.
        backlog: the number of connections that may wait to be accepted.

    Raises:
        OSError: it is not an address of this machine, is in use, or is forbidden.
    """
    try:
        sock = sockets.bind_tcp(host, port)
    except CannotServe as error:
        raise OSError(str(error)) from None
    sock.setblocking(True)
    sock.listen(backlog)
    return sock


def bind_unix_socket(path: Path | str, *, mode: int = 0o666, backlog: int = 100) -> socket:
    """Listen on a unix socket; replace the socket of an ended process.

    Args:
        path: the path of its file.
        mode: the permissions of the file.
        backlog: the number of connections that may wait to be accepted.

    Raises:
        OSError: the file is not a socket, or cannot be created.
    """
    path = os.path.abspath(path)
    try:
        sock = sockets.bind_unix(path)
    except CannotServe as error:
        raise OSError(str(error)) from None
    os.chmod(path, mode)
    sock.setblocking(True)
    sock.listen(backlog)
    return sock


def remove_unix_socket(path: Path | str | None) -> None:
    """Remove the file of a unix socket, but no other file.

    Args:
        path: the path of the file; nothing is done for `None`, or if it does not exist.
    """
    if path is None:
        return
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path, follow_symlinks=False).st_mode):
            os.unlink(path)


def configure_socket(server_settings: dict[str, Any]) -> socket:
    """Listen on the address in the settings of a server, and add the socket to the settings.

    Args:
        server_settings: has `sock`, or `unix`, or `host` and `port`, and optionally `backlog`. Afterwards it has only
            the socket, as `sock`.

    Raises:
        OSError: the address cannot be used.
    """
    existing_socket: socket | None = server_settings.get("sock")
    backlog = server_settings.get("backlog", 100)
    if existing_socket is not None:
        sock = existing_socket
    elif server_settings.get("unix"):
        sock = bind_unix_socket(server_settings["unix"], backlog=backlog)
    else:
        sock = bind_socket(server_settings["host"], server_settings["port"], backlog=backlog)
    sock.set_inheritable(True)
    server_settings.update(sock=sock, host=None, port=None, unix=None)
    return sock
