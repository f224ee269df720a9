"""The keywords of httpx, which `sanic_testing` passes on, as keywords of `requests`.

Where the two libraries would put different bytes on the wire, httpx's way is kept: that is what tests written for
Sanic have seen.
"""

import json
import mimetypes
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

import requests

from sanic_star.testing.bodies import AsyncBody

__all__ = ["configure", "for_handshake", "for_requests", "values_of"]


def for_requests(keywords: dict[str, Any]) -> dict[str, Any]:
    """Translate the keywords of one request.

    Args:
        keywords: as for ``httpx.AsyncClient.request``; ``allow_redirects``, the older name, is understood too. Those
            that are unknown here are left for `requests` to refuse.
    """
    result = dict(keywords)
    follow = result.pop("follow_redirects", True)
    result["allow_redirects"] = result.get("allow_redirects", follow)
    result.pop("extensions", None)
    # Asks `sanic_testing` for what each response has here.
    result.pop("raw_cookies", None)
    result["headers"] = headers = _joined(result.get("headers") or {})
    for name in ("params", "data"):
        if result.get(name) is not None:
            result[name] = _pairs(result[name])
    if "content" in result:
        result["data"] = _body(result.pop("content"))
    if (document := result.pop("json", None)) is not None:
        result["data"] = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    if result.get("files"):
        files = result["files"]
        pairs = files.items() if isinstance(files, Mapping) else files
        result["files"] = [(name, _file(value)) for name, value in pairs]
    return result


def _joined(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    # `requests` can't send a header twice; RFC 9110, 5.3, makes it the same joined, and the adapter takes it apart.
    result: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        result[name] = _Several([*values_of(result[name]), value]) if name in result else value
    return result


def configure(session: requests.Session, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Set up a session as httpx would set up its client.

    Args:
        session: a new one.
        settings: the keywords of ``httpx.AsyncClient``.

    Returns:
        What is a keyword of each request, in `requests`.

    Raises:
        TypeError: one that there is nothing for.
    """
    each: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "headers":
            session.headers.update(_joined(value or {}))
        elif name == "cookies":
            session.cookies.update(dict(value or {}))
        elif name == "params":
            # A mapping, or the session would not join them with those of a request.
            params: dict[str, list[Any]] = {}
            for key, one in _pairs(value or {}):
                params.setdefault(key, []).append(one)
            session.params = params
        elif name in ("auth", "cert", "max_redirects", "trust_env", "verify"):
            setattr(session, name, value)
        elif name in ("base_url", "follow_redirects", "timeout"):
            each[name] = value
        else:
            raise TypeError(
                f"a session has no {name!r} here: it takes auth, base_url, cert, cookies, follow_redirects, headers, "
                "max_redirects, params, timeout, trust_env and verify"
            )
    return each


def for_handshake(keywords: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell what belongs to a websocket's handshake from what only a connection has.

    Args:
        keywords: as for ``connect`` of the `websockets` library, and ``headers``, ``params`` and ``cookies``.

    Returns:
        The keywords of a request, and those that ask for a real connection.
    """
    rest = dict(keywords)
    headers = _joined(rest.pop("headers", None) or {})
    for name in ("extra_headers", "additional_headers"):
        headers |= _joined(rest.pop(name, None) or {})
    for name, header in (("origin", "Origin"), ("user_agent_header", "User-Agent")):
        if (value := rest.pop(name, None)) is not None:
            headers[header] = value
    request = for_requests({name: rest.pop(name) for name in ("params", "cookies") if name in rest})
    return {"headers": headers, **{name: request[name] for name in ("params", "cookies") if name in request}}, rest


class _Several(str):
    """The values of a header that is sent several times, joined for those who look no closer."""

    values: list[str]

    def __new__(cls, values: list[str]) -> "_Several":
        self = super().__new__(cls, ", ".join(values))
        self.values = values
        return self


def values_of(value: str | bytes) -> list[Any]:
    """The values of a header, one as a rule."""
    return value.values if isinstance(value, _Several) else [value]


def _pairs(values: Any) -> Any:
    if not isinstance(values, Mapping):
        return _body(values)
    return [
        (name, _primitive(one))
        for name, value in values.items()
        for one in (value if isinstance(value, list | tuple) else [value])
    ]


def _primitive(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _body(content: Any) -> Any:
    return AsyncBody(content) if isinstance(content, AsyncIterable) else content


def _file(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        name, content, *rest = value
    else:
        name, content, rest = getattr(value, "name", None) or "upload", value, []
    if not rest:
        rest = [mimetypes.guess_type(str(name))[0] or "application/octet-stream"]
    return (str(name).rpartition("/")[2], content, *rest)
