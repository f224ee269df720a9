"""Trailer fields: header fields that follow the body (RFC 9110, section 6.5)."""

from __future__ import annotations

from collections.abc import Iterable

# Fields that a recipient needs before the body (RFC 9110, section 6.5.1): they frame the message, route it, modify the
# request, authenticate, control the response, or describe how to process the content.
_FORBIDDEN = frozenset(
    b"""
    age authorization cache-control connection content-encoding content-length content-range content-type cookie date
    expect expires host keep-alive location max-forwards pragma proxy-authenticate proxy-authorization proxy-connection
    range retry-after set-cookie te trailer transfer-encoding upgrade vary warning www-authenticate
    """.split()
)


def check_trailers(fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise an exception for fields that cannot be trailers.

    Args:
        fields: encoded names and values, the names in lower case.

    Raises:
        ValueError: the recipient needs one of them before the body.

    Examples:
        >>> check_trailers([(b"set-cookie", b"a=b")])
        Traceback (most recent call last):
        ...
        ValueError: The field 'set-cookie' cannot be a trailer: set it in the header
    """
    for name, _ in fields:
        if name in _FORBIDDEN or name.startswith(b"if-"):
            raise ValueError(f"The field {name.decode()!r} cannot be a trailer: set it in the header")
