"""Detect a server that trusts `X-Forwarded-For` of local connections for the peer's address, `scope["client"]`.

uvicorn, and gunicorn with its worker, replace the peer's address and the scheme by `X-Forwarded-For` and
`X-Forwarded-Proto`, by default for every connection from this machine. The scope does not show it, so a server that
does this is recognised by its middleware, which is on the stack while the application starts.
"""

from __future__ import annotations

import inspect
import sys

UNSAFE_SERVER = (
    "FORWARDED_SECRET is set, but the server itself trusts X-Forwarded-For and X-Forwarded-Proto from 127.0.0.1, and "
    "request.ip and request.scheme follow them: start uvicorn with --no-proxy-headers, gunicorn with "
    "--forwarded-allow-ips="
)


def trusts_local_clients() -> bool:
    """Return whether uvicorn's proxy middleware calls this code, and trusts connections from 127.0.0.1.

    Returns `False` if the interpreter does not show frames, or the middleware has another name; then there is no
    warning.
    """
    middleware_class = getattr(sys.modules.get("uvicorn.middleware.proxy_headers"), "ProxyHeadersMiddleware", None)
    frame = inspect.currentframe() if middleware_class else None
    while frame is not None:
        middleware = frame.f_locals.get("self")
        if type(middleware) is middleware_class:
            return "127.0.0.1" in getattr(middleware, "trusted_hosts", ())
        frame = frame.f_back
    return False
