"""TLS contexts, as `app.run(ssl=…)` makes them."""

from sanic_star.compat.http.tls.context import process_to_context
from sanic_star.compat.http.tls.creators import get_ssl_context

__all__ = ["get_ssl_context", "process_to_context"]
