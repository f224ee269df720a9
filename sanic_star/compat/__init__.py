"""Sanic's modules under their own names: `sanic.x` is `sanic_star.compat.x`."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias

from sanic_star.compat.__version__ import __version__
from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.app import Sanic
from sanic_star.compat.blueprints import Blueprint
from sanic_star.compat.config import Config
from sanic_star.compat.constants import HTTPMethod
from sanic_star.compat.exceptions import (
    BadRequest,
    ExpectationFailed,
    FileNotFound,
    Forbidden,
    HeaderNotFound,
    InternalServerError,
    InvalidHeader,
    MethodNotAllowed,
    NotFound,
    RangeNotSatisfiable,
    SanicException,
    ServerError,
    ServiceUnavailable,
    Unauthorized,
)
from sanic_star.compat.request import Request
from sanic_star.compat.response import HTTPResponse, empty, file, html, json, raw, redirect, text

if TYPE_CHECKING:
    from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol as Websocket
else:

    def __getattr__(name):
        if name == "Websocket":
            # Loaded where it is used, because most applications have no websocket.
            from sanic_star.compat.server.websockets.impl import WebsocketImplProtocol

            return WebsocketImplProtocol
        return late_modules(__name__)(name)

    def __dir__():
        # For completion at a prompt and in editors.
        from pkgutil import iter_modules

        modules = (module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
        return sorted({*globals(), *modules, *__all__})


# Both import the alias when they are called, because most processes don't need it.
def install() -> None:
    """Make `import sanic` import this package, from now on and in this process.

    `sanic`, its public modules, `sanic_testing` and the parts of `sanic_routing` that applications use are then modules
    of this package, whether or not the real ones are installed. A second call does nothing.

    Raises:
        AliasError: Sanic itself was already imported.
    """
    from sanic_star.compat._alias import alias

    alias.install()


def uninstall() -> None:
    """Undo `install()`: from now on `import sanic` imports the real package, or fails.

    Modules keep what they have already imported.
    """
    from sanic_star.compat._alias import alias

    alias.uninstall()


DefaultSanic: TypeAlias = "Sanic[Config, SimpleNamespace]"
DefaultRequest: TypeAlias = Request

__all__ = [
    "BadRequest",
    "Blueprint",
    "Config",
    "DefaultRequest",
    "DefaultSanic",
    "ExpectationFailed",
    "FileNotFound",
    "Forbidden",
    "HTTPMethod",
    "HTTPResponse",
    "HeaderNotFound",
    "InternalServerError",
    "InvalidHeader",
    "MethodNotAllowed",
    "NotFound",
    "RangeNotSatisfiable",
    "Request",
    "Sanic",
    "SanicException",
    "ServerError",
    "ServiceUnavailable",
    "Unauthorized",
    "Websocket",
    "__version__",
    "empty",
    "file",
    "html",
    "install",
    "json",
    "raw",
    "redirect",
    "text",
    "uninstall",
]
