"""`ConnInfo`: the connection that a request came over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from starlette.types import Scope

# Where a scope keeps its `ConnInfo`, once somebody was told of the connection before there was a request.
CONNECTION = "sanic_star.connection"


class ConnInfo:
    """Local and remote ends of a connection, as the ASGI scope tells them.

    Args:
        scope: the connection's ASGI scope.
    """

    def __init__(self, scope: Scope) -> None:
        self.ctx = SimpleNamespace()
        self.peername: tuple[Any, ...] | None = _pair(scope.get("client"))
        self.sockname: tuple[Any, ...] | None = _pair(scope.get("server"))
        self.client_ip: str = self.peername[0] if self.peername else ""
        self.client_port: int = self.peername[1] if self.peername else 0
        self.client = _shown(self.client_ip)
        self.server_port: int = (self.sockname[1] or 0) if self.sockname else 0
        self.ssl = scope.get("scheme") in ("https", "wss")
        # With the port, unless it goes without saying; a unix socket is a path, and has none.
        self.server = _shown(str(self.sockname[0])) if self.sockname else ""
        if self.server_port not in (0, 443 if self.ssl else 80):
            self.server += f":{self.server_port}"
        # What the server tells by ASGI's TLS extension; empty where it tells nothing.
        self.cert: dict[str, Any] = dict(scope.get("extensions", {}).get("tls") or {})
        self.server_name: str = ""
        self.lost = False
        # Told by HTTP/3 connections of Sanic's own server only.
        self.network_paths: list[Any] | None = None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _pair(value: Any) -> tuple[Any, ...] | None:
    return tuple(value) if value else None
