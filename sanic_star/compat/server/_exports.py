"""The names that `sanic_star.compat.server` exports from its modules; imported when one of them is used."""

from sanic_star.compat.models.server_types import ConnInfo, Signal
from sanic_star.compat.server.async_server import AsyncioServer
from sanic_star.compat.server.loop import try_use_uvloop
from sanic_star.compat.server.protocols.http_protocol import HttpProtocol
from sanic_star.compat.server.runners import serve

__all__ = ["AsyncioServer", "ConnInfo", "HttpProtocol", "Signal", "serve", "try_use_uvloop"]
