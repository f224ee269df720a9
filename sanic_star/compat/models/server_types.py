"""`ConnInfo`: the connection of a request; `Signal`: a flag that stops a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary, ref

from starlette.types import Scope

from sanic_star.engine.requests import COUNTED_BODY

# The key of a scope's `ConnInfo`, if an event needed it before the request was created.
CONNECTION = "sanic_star.connection"


class Signal:
    """The stop flag of Sanic's own server; unused here."""

    stopped = False


class ConnInfo:
    """Local and remote ends of a connection.

    Args:
        scope: the connection's ASGI scope; or, as in Sanic, a transport with `peername` and `sockname`.
        unix: the path of the unix socket, if the transport does not have it.
    """

    def __init__(self, scope: Scope | Any, unix: str | None = None) -> None:
        if not isinstance(scope, Mapping):
            scope = _scope_of(scope, unix)
        self.ctx = SimpleNamespace()
        self.peername: tuple[Any, ...] | None = _pair(scope.get("client"))
        self.sockname: Any = _pair(scope.get("server"))
        self.client_ip: str = self.peername[0] if self.peername else ""
        self.client_port: int = self.peername[1] if self.peername else 0
        self.client = _shown(self.client_ip)
        self.server_port: int = (self.sockname[1] or 0) if self.sockname else 0
        self.ssl = scope.get("scheme") in ("https", "wss")
        # With the port, unless it is the scheme's default; a unix socket is a path without a port.
        self.server = _shown(str(self.sockname[0])) if self.sockname else ""
        if self.server_port not in (0, 443 if self.ssl else 80):
            self.server += f":{self.server_port}"
        # The values of ASGI's TLS extension; empty if the server does not support it.
        self.cert: dict[str, Any] = dict((scope.get("extensions") or {}).get("tls") or {})
        self.server_name: str = self.cert.pop("server_name", "")
        # Set only by HTTP/3 connections of Sanic's own server.
        self.network_paths: list[Any] | None = None

    # The server's object for the connection, and its last request count.
    _connection: Callable[[], Any] | None = None
    _requests: int | None = None
    _is_lost = False

    @property
    def lost(self) -> bool:
        """Whether the connection is closed. Only uvicorn reports it; under other servers it is `False`."""
        if not self._is_lost and self._connection is not None:
            connection = self._connection()
            # asyncio and uvloop take the protocol from a transport when they have called its `connection_lost`.
            self._is_lost = connection is None or connection.transport.get_protocol() is None
        return self._is_lost

    @lost.setter
    def lost(self, value: bool) -> None:
        self._is_lost = value

    def _count_requests(self) -> int | None:
        """Return the number of the connection's requests; `None` if the server does not count them."""
        connection = self._connection() if self._connection is not None else None
        if connection is not None:
            # uvicorn counts them if this package runs it.
            self._requests = getattr(connection, "requests", None)
        return self._requests


# uvicorn has one such object per connection, and one cycle per request.
_by_connection: WeakKeyDictionary[Any, ConnInfo] = WeakKeyDictionary()


def conn_info_of(scope: Scope, receive: Any) -> ConnInfo:
    """Return the `ConnInfo` of a request's connection.

    ASGI does not show which requests share a connection. uvicorn's `receive` is a method of an object that does. Under
    other servers, and if the application is mounted in another framework whose middleware replaces `receive`, each
    request has its own `ConnInfo`.

    Args:
        scope: the request's ASGI scope.
        receive: its ASGI channel.
    """
    counted_body = scope.get(COUNTED_BODY)
    cycle = getattr(counted_body.server_receive if counted_body is not None else receive, "__self__", None)
    flow, transport = getattr(cycle, "flow", None), getattr(cycle, "transport", None)
    if flow is None or not hasattr(transport, "get_extra_info"):
        return ConnInfo(scope)
    known_connection = _by_connection.get(flow)
    ends = _pair(scope.get("client")), _pair(scope.get("server")), scope.get("scheme") in ("https", "wss")
    if (
        known_connection is not None
        and (known_connection.peername, known_connection.sockname, known_connection.ssl) == ends
    ):
        return known_connection
    tls = _scope_of(transport, None)["extensions"]["tls"]
    conn_info = ConnInfo({**scope, "extensions": {"tls": tls}} if tls else scope)
    protocol: Any = getattr(transport, "get_protocol", object)()
    if hasattr(protocol, "transport"):
        conn_info._connection = ref(protocol)
    # The connection has already ended.
    conn_info._is_lost = protocol is None
    if known_connection is None:
        _by_connection[flow] = conn_info
    else:
        # A proxy sends requests of several clients over one connection, and middleware distinguishes the clients.
        conn_info.ctx = known_connection.ctx
    return conn_info


def _scope_of(transport: Any, unix: str | None) -> Scope:
    """Return the ASGI scope's entries for a connection, from its transport."""
    peer, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    connection = transport.get_extra_info("ssl_object")
    facts = getattr(getattr(connection, "context", None), "sanic", None) or {}
    name = getattr(connection, "sanic_server_name", None) or ""
    return {
        "client": peer if isinstance(peer, tuple) and peer else None,
        "server": local if isinstance(local, tuple) else (unix or local, None) if unix or local else None,
        "scheme": "http" if connection is None else "https",
        "extensions": {"tls": {**facts, **({"server_name": name} if name else {})}},
    }


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _pair(value: Any) -> tuple[Any, ...] | None:
    return tuple(value) if value else None
