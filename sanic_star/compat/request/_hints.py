"""The ASGI messages of early hints and server push, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.requests import SERVER_PUSH_HEADERS_TO_COPY
from starlette.types import Message, Scope

from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.response.types import header_field

_LINK = pattern(r"<[^<>\s]*>\s*(;.*)?")
# A request target: printable ASCII without spaces and without a fragment (RFC 9112, section 3.2.1).
_PATH = pattern(r"/[!-\"$-~]*")


def early_hints(link: str | Iterable[str], *additional_links: str) -> Message:
    """Return the message that sends `Link` fields before a response (ASGI, `http.response.early_hint`).

    Args:
        link: the value of a `Link` field (RFC 8288), or several values.
        additional_links: further values.

    Raises:
        TypeError: a link is not a string.
        ValueError: there is no link, or a link is invalid or contains CR, LF or NUL.

    >>> early_hints(["</a.css>; rel=preload; as=style"])
    {'type': 'http.response.early_hint', 'links': [b'</a.css>; rel=preload; as=style']}
    """
    if not isinstance(link, str) and (isinstance(link, bytes | bytearray) or not isinstance(link, Iterable)):
        raise TypeError(f"early hints are strings such as '</style.css>; rel=preload; as=style', not {link!r}")
    fields: list[bytes] = []
    for value in (*([link] if isinstance(link, str) else link), *additional_links):
        if not isinstance(value, str):
            raise TypeError(f"early hints are strings such as '</style.css>; rel=preload; as=style', not {value!r}")
        _, field = header_field("link", value)
        if not _LINK.fullmatch(value):
            raise ValueError(f"early hints are links such as '</style.css>; rel=preload; as=style', not {value!r}")
        fields.append(field)
    if not fields:
        raise ValueError("early hints have at least one link")
    return {"type": "http.response.early_hint", "links": fields}


def push_promise(scope: Scope, path: str, headers: Mapping[str, str] | None) -> Message:
    """Return the message that promises a response (ASGI, `http.response.push`).

    Args:
        scope: the scope of the current request.
        path: path and query of the promised request, percent-encoded.
        headers: its header fields; those that select a representation are added from the scope.

    Raises:
        TypeError: the header fields are not a mapping.
        ValueError: the path or a field is invalid in HTTP.
    """
    if headers is not None and not isinstance(headers, Mapping):
        raise TypeError(f"the header fields of a push promise are a mapping, not {headers!r}")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise ValueError(f"a push promise has a percent-encoded path such as '/style.css?v=2', not {path!r}")
    fields = [header_field(name, value) for name, value in (headers or {}).items()]
    names = {name for name, _ in fields}
    copied_fields = [
        (name, value)
        for name, value in scope.get("headers", ())
        if name.decode("latin-1") in SERVER_PUSH_HEADERS_TO_COPY and name not in names
    ]
    return {"type": "http.response.push", "path": path, "headers": copied_fields + fields}
