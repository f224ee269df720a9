"""The TLS contexts of `app.run(ssl=…)`."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.http.tls.context import process_to_context
from sanic_star.compat.http.tls.creators import get_ssl_context

__all__ = ["get_ssl_context", "process_to_context"]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
