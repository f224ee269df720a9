"""Records of registrations, under Sanic's names; decorators of applications and blueprints create them.

Sanic's records are named tuples. These are unpacked like tuples and have `_asdict` and `_replace`, but are not
subclasses of `tuple`, and each is equal only to itself. `FutureRoute` has one field more, `max_body_size`.
"""

from sanic_star.compat._app.definitions import CommandDefinition as FutureCommand
from sanic_star.compat._app.definitions import ExceptionDefinition as FutureException
from sanic_star.compat._app.definitions import ListenerDefinition as FutureListener
from sanic_star.compat._app.definitions import MiddlewareDefinition as FutureMiddleware
from sanic_star.compat._app.definitions import RouteDefinition as FutureRoute
from sanic_star.compat._app.definitions import SignalDefinition as FutureSignal
from sanic_star.compat._app.definitions import StaticDefinition as FutureStatic


class FutureRegistry(set[object]):
    """A set of records."""


__all__ = [
    "FutureCommand",
    "FutureException",
    "FutureListener",
    "FutureMiddleware",
    "FutureRegistry",
    "FutureRoute",
    "FutureSignal",
    "FutureStatic",
]
