"""Names and sets of HTTP methods, and the defaults of settings and responses."""

from __future__ import annotations

from enum import auto

from sanic_star.compat.compat import UpperStrEnum


class HTTPMethod(UpperStrEnum):
    """The HTTP methods of routes; each equals its name in upper or lower case.

    Examples:
        >>> HTTPMethod.GET == "get"
        True
        >>> f"{HTTPMethod.PATCH}"
        'PATCH'
    """

    GET = auto()
    POST = auto()
    PUT = auto()
    HEAD = auto()
    OPTIONS = auto()
    PATCH = auto()
    DELETE = auto()


class LocalCertCreator(UpperStrEnum):
    """The creator of certificates for local development: the setting `LOCAL_CERT_CREATOR`."""

    AUTO = auto()
    TRUSTME = auto()
    MKCERT = auto()


HTTP_METHODS = tuple(HTTPMethod)

# RFC 9110, sections 9.2.1 to 9.2.3, without methods that routes cannot have.
CACHEABLE_HTTP_METHODS = (HTTPMethod.GET, HTTPMethod.HEAD)
SAFE_HTTP_METHODS = (*CACHEABLE_HTTP_METHODS, HTTPMethod.OPTIONS)
IDEMPOTENT_HTTP_METHODS = (*CACHEABLE_HTTP_METHODS, HTTPMethod.PUT, HTTPMethod.DELETE, HTTPMethod.OPTIONS)

# RFC 9110, section 8.3: the media type of a body without `Content-Type`.
DEFAULT_HTTP_CONTENT_TYPE = "application/octet-stream"

DEFAULT_LOCAL_TLS_CERT = "cert.pem"
DEFAULT_LOCAL_TLS_KEY = "key.pem"

# The default of `FALLBACK_ERROR_FORMAT`.
DEFAULT_FORMAT = "auto"
