"""Old attributes of websockets, from the time when they were objects of the package `websockets`."""

from __future__ import annotations

from typing import Any

from starlette.websockets import WebSocketState

from sanic_star.compat.exceptions import WebsocketClosed


def is_open(ws: Any) -> bool:
    """Return whether the connection is open.

    A close frame of the client counts once the websocket has received it.
    """
    return not ws._closed and ws.client_state is WebSocketState.CONNECTED


def open(ws: Any) -> bool:
    """Return whether the connection is open."""
    return is_open(ws)


def closed(ws: Any) -> bool:
    """Return whether one side has closed the connection."""
    return not is_open(ws)


async def ensure_open(ws: Any) -> None:
    """Raise `WebsocketClosed` if the connection is closed."""
    if not is_open(ws):
        raise WebsocketClosed


async def wait_closed(ws: Any) -> None:
    """Wait until the connection is closed."""
    await ws.wait_for_connection_lost()


def remote_address(ws: Any) -> tuple[str, int] | None:
    """Return address and port of the client."""
    client = ws.scope.get("client")
    return tuple(client) if client else None


def local_address(ws: Any) -> tuple[str, int] | None:
    """Return address and port of the server."""
    server = ws.scope.get("server")
    return tuple(server) if server else None
