"""The TLS contexts of `app.run(ssl=…)`."""

from sanic_star.compat.http.tls.context import process_to_context
from sanic_star.compat.http.tls.creators import get_ssl_context

__all__ = ["get_ssl_context", "process_to_context"]
