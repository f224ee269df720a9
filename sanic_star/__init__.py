"""Sanic's API on Starlette: write Sanic, run ASGI."""

from typing import TYPE_CHECKING

from sanic_star import compat

# `from sanic import response` asks for a module of `sanic`; here these are modules of `compat`.
if TYPE_CHECKING:
    from sanic_star._version import __version__ as __version__
    from sanic_star.compat import *  # noqa: F403
    from sanic_star.compat import Websocket as Websocket
    from sanic_star.compat import app as app
    from sanic_star.compat import blueprint_group as blueprint_group
    from sanic_star.compat import blueprints as blueprints
    from sanic_star.compat import config as config
    from sanic_star.compat import constants as constants
    from sanic_star.compat import cookies as cookies
    from sanic_star.compat import errorpages as errorpages
    from sanic_star.compat import exceptions as exceptions
    from sanic_star.compat import handlers as handlers
    from sanic_star.compat import headers as headers
    from sanic_star.compat import helpers as helpers
    from sanic_star.compat import log as log
    from sanic_star.compat import middleware as middleware
    from sanic_star.compat import models as models
    from sanic_star.compat import request as request
    from sanic_star.compat import response as response
    from sanic_star.compat import router as router
    from sanic_star.compat import server as server
    from sanic_star.compat import signals as signals
    from sanic_star.compat import simple as simple
    from sanic_star.compat import types as types
    from sanic_star.compat import utils as utils
    from sanic_star.compat import views as views
    from sanic_star.compat import worker as worker
    from sanic_star.compat._app.guard import guard as guard
    from sanic_star.compat.response._event_stream import EventStream as EventStream
    from sanic_star.compat.response._negotiation import NegotiatedResponse as NegotiatedResponse
    from sanic_star.compat.response._negotiation import NotAcceptable as NotAcceptable
    from sanic_star.compat.response._server_sent_event import ServerSentEvent as ServerSentEvent
    from sanic_star.hub import Hub as Hub
else:
    # Not `import *`, which would load the names that are imported late.
    globals().update({name: value for name, value in vars(compat).items() if name in compat.__all__})
    del __version__  # Sanic's

    def __getattr__(name):
        # Loaded where they are used.
        if name == "__version__":
            from sanic_star._version import __version__

            return __version__
        if name == "guard":
            from sanic_star.compat._app.guard import guard

            return guard
        if name == "Websocket":
            return compat.Websocket
        if name == "EventStream":
            from sanic_star.compat.response._event_stream import EventStream

            return EventStream
        if name == "ServerSentEvent":
            from sanic_star.compat.response._server_sent_event import ServerSentEvent

            return ServerSentEvent
        if name in ("NegotiatedResponse", "NotAcceptable"):
            from sanic_star.compat.response import _negotiation

            return getattr(_negotiation, name)
        if name == "Hub":
            from sanic_star.hub import Hub

            return Hub
        from sanic_star.compat._support.lazy import late_modules

        return late_modules(__name__, compat.__name__)(name)

    def __dir__():
        # For completion at a prompt and in editors.
        from pkgutil import iter_modules

        modules = (module.name for module in iter_modules(compat.__path__) if not module.name.startswith("_"))
        late = ("EventStream", "Hub", "NegotiatedResponse", "NotAcceptable", "ServerSentEvent", "guard")
        return sorted({*globals(), *__all__, *modules, *late})


__all__: list[str] = []
__all__ += compat.__all__
