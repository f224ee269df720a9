"""Trailer fields: header fields that follow the body (RFC 9110, section 6.5)."""

from __future__ import annotations

from collections.abc import Iterable

# Fields that a recipient needs before the body, by RFC 9110, section 6.5.1: those that frame the message, route it,
# modify the request, authenticate, control the response, or say how the content is to be read.
_FORBIDDEN = frozenset(
    b"""
    age authorization cache-control connection content-encoding content-length content-range content-type cookie date
    expect expires host keep-alive location max-forwards pragma proxy-authenticate proxy-authorization proxy-connection
    range retry-after set-cookie te trailer transfer-encoding upgrade vary warning www-authenticate
    """.split()
)


def check_trailers(fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse fields that may not be trailers.

    Args:
        fields: encoded, names in lower case.

    Raises:
        ValueError: the recipient needs one of them before the body.

    Examples:
        >>> check_trailers([(b"set-cookie", b"a=b")])
        Traceback (most recent call last):
        ...
        ValueError: The field 'set-cookie' may not come after the body: send it in the header
    """
    for name, _ in fields:
        if name in _FORBIDDEN or name.startswith(b"if-"):
            raise ValueError(f"The field {name.decode()!r} may not come after the body: send it in the header")
