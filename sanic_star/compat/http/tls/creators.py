"""The certificate for development on this machine."""

from __future__ import annotations

import ssl as tls_library
from typing import Any

from sanic_star.compat._serving.tls import local
from sanic_star.compat._support.stand_ins import stand_ins

CertCreator, MkcertCreator, TrustmeCreator = stand_ins(__name__, "CertCreator", "MkcertCreator", "TrustmeCreator")


def get_ssl_context(app: Any, ssl: tls_library.SSLContext | None) -> tls_library.SSLContext:
    """Return a context, or make one with a certificate for localhost.

    Args:
        app: the application, in debug mode.
        ssl: the context, if there is one.

    Raises:
        SanicException: it is not debug mode, or neither mkcert nor trustme is there.
    """
    return ssl or local(app.config, app.debug).make()
