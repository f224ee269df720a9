"""The parts of Sanic's server that work on any ASGI server, and names that only its own server has."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules

__all__ = ["AsyncioServer", "ConnInfo", "HttpProtocol", "Signal", "serve", "try_use_uvloop"]

if TYPE_CHECKING:
    from sanic_star.compat.server._exports import (
        AsyncioServer,
        ConnInfo,
        HttpProtocol,
        Signal,
        serve,
        try_use_uvloop,
    )
else:

    def __getattr__(name):
        # Few applications use these names.
        if name not in __all__:
            return late_modules(__name__)(name)
        from sanic_star.compat.server import _exports

        return getattr(_exports, name)

    def __dir__():
        return [*globals(), *__all__]
