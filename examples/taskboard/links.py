"""Links without a host: what `url_for` makes, from the path on.

The path holds whatever prefix the application is mounted or proxied under. Scheme and host stay the browser's, which
knows them better than a server behind a proxy does.
"""

from typing import Any
from urllib.parse import urlsplit

from sanic_star import Request


def link(request: Request, endpoint: str, **values: Any) -> str:
    """Return the path (and query) of an endpoint, as a browser that made this request has to ask for it."""
    return urlsplit(str(request.url_for(endpoint, **values)))._replace(scheme="", netloc="").geturl()
