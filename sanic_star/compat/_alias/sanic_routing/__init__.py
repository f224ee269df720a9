"""The parts of `sanic_routing` that applications use: its exceptions, and classes for annotations."""

from typing import TYPE_CHECKING

from sanic_star.compat._routing import exceptions
from sanic_star.compat._routing import groups as group
from sanic_star.compat._routing.groups import RouteGroup
from sanic_star.compat._routing.routes import Route
from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.router import Router as BaseRouter

__version__ = "23.12.0"

__all__ = ["BaseRouter", "Route", "RouteGroup", "__version__", "exceptions", "group"]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
