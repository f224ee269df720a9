"""Old methods of responses."""

from __future__ import annotations

from typing import Any

from sanic_star.compat.helpers import STATUS_CODES


def get_headers(
    response: Any,
    version: str = "1.1",
    keep_alive: bool = False,
    keep_alive_timeout: float | None = None,
    body: bytes = b"",
) -> bytes:
    """Return the status line and the headers of a response as HTTP/1.1 sends them.

    Args:
        response: the response.
        version: the version of HTTP.
        keep_alive: whether the header says that the connection stays open.
        keep_alive_timeout: how long it stays open, in seconds.
        body: bytes to append.

    Raises:
        RuntimeError, ValueError: the status or a header is invalid.
    """
    phrase = STATUS_CODES.get(response.status, b"UNKNOWN RESPONSE")
    lines = [b"HTTP/%s %d %s" % (version.encode(), response.status, phrase)]
    lines.append(b"connection: keep-alive" if keep_alive else b"connection: close")
    if keep_alive and keep_alive_timeout is not None:
        lines.append(b"keep-alive: %s" % str(keep_alive_timeout).encode())
    lines += [b"%s: %s" % field for field in response.raw_headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def output(
    response: Any, version: str = "1.1", keep_alive: bool = False, keep_alive_timeout: float | None = None
) -> bytes:
    """Return a response with its body as HTTP/1.1 sends it; arguments as in `get_headers`."""
    return get_headers(response, version, keep_alive, keep_alive_timeout, response.body)
