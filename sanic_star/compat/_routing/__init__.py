"""The parts of Sanic's router: routes, the types of path parameters, exceptions."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules

# Modules that raise these exceptions write `_routing.exceptions.InvalidUsage`, so that the first error imports them.
if TYPE_CHECKING:
    from sanic_star.compat._routing import exceptions as exceptions
else:
    __getattr__ = late_modules(__name__)
