"""Links without scheme and host: the path and query of what `url_for` returns.

The path includes the prefix of a mount or proxy. The browser adds scheme and host, which a server behind a proxy may
not know.
"""

from typing import Any
from urllib.parse import urlsplit

from sanic_star import Request


def link(request: Request, endpoint: str, **values: Any) -> str:
    """Return the path and query of an endpoint, for the browser that sent this request."""
    return urlsplit(str(request.url_for(endpoint, **values)))._replace(scheme="", netloc="").geturl()
