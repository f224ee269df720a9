"""Names of the protocols of Sanic's own server; here an ASGI server has its own protocols."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
