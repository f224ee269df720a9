"""HTTP of Sanic's own server, which the ASGI server replaces; only the constants are usable."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.http.constants import Stage
from sanic_star.compat.http.http1 import Http
from sanic_star.compat.http.http3 import Http3

__all__ = ["Http", "Http3", "Stage"]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
