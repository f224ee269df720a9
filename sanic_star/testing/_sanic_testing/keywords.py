"""The keywords of httpx, which `sanic_testing` passes on, as keywords of `requests`.

Where the two libraries would put different bytes on the wire, httpx's way is kept: that is what tests written for
Sanic have seen.
"""

import json
import mimetypes
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from sanic_star.testing._asgi.exchange import AsyncBody
from sanic_star.testing._asgi.scopes import Several, values_of
from sanic_star.testing._transports.session import Session, pairs_of

__all__ = ["configure", "for_handshake", "for_requests"]

# What httpx takes; then the older name of `follow_redirects`, and what asks `sanic_testing` for the cookies.
_KEYWORDS = frozenset(
    {
        *("auth", "content", "cookies", "data", "extensions", "files", "follow_redirects", "headers", "json"),
        *("params", "timeout", "allow_redirects", "raw_cookies"),
    }
)


def for_requests(keywords: dict[str, Any]) -> dict[str, Any]:
    """Translate the keywords of one request.

    Args:
        keywords: as for ``httpx.AsyncClient.request``; ``allow_redirects``, the older name, is understood too.

    Raises:
        TypeError: one that there is nothing for.
    """
    if not keywords.keys() <= _KEYWORDS:
        unknown = ", ".join(sorted(keywords.keys() - _KEYWORDS))
        raise TypeError(f"a request has no {unknown} here: it takes {', '.join(sorted(_KEYWORDS))}")
    result = dict(keywords)
    follow = result.pop("follow_redirects", True)
    result["allow_redirects"] = result.get("allow_redirects", follow)
    result.pop("extensions", None)
    # Asks `sanic_testing` for what each response has here.
    result.pop("raw_cookies", None)
    result["headers"] = headers = _joined(result.get("headers") or {})
    if result.get("params") is not None:
        result["params"] = pairs_of(result["params"])
    if result.get("data") is not None:
        result["data"] = pairs_of(result["data"]) if isinstance(result["data"], Mapping) else _body(result["data"])
    if result.get("auth") is not None:
        result["auth"] = _auth(result["auth"])
    if "timeout" in result:
        # httpx's object holds several; what counts here is how long an answer may take.
        result["timeout"] = getattr(result["timeout"], "read", result["timeout"])
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
        result[name] = Several([*values_of(result[name]), value]) if name in result else value
    return result


def configure(session: Session, settings: Mapping[str, Any]) -> None:
    """Set up a session as httpx would set up its client.

    Args:
        session: a new one.
        settings: the keywords of ``httpx.AsyncClient``.

    Raises:
        TypeError: one that there is nothing for.
    """
    for name, value in settings.items():
        if name == "headers":
            session.headers.update(_joined(value or {}))
        elif name == "cookies":
            session.cookies.update(dict(value or {}))
        elif name == "params":
            # A mapping, or the session would not join them with those of a request.
            params: dict[str, list[Any]] = {}
            for key, item in pairs_of(value or {}):
                params.setdefault(key, []).append(item)
            session.params = params
        elif name == "auth":
            session.auth = None if value is None else _auth(value)
        elif name in ("cert", "max_redirects", "trust_env", "verify"):
            setattr(session, name, value)
        elif name in ("base_url", "follow_redirects", "timeout"):
            session.settings[name] = value
        else:
            raise TypeError(
                f"a session has no {name!r} here: it takes auth, base_url, cert, cookies, follow_redirects, headers, "
                "max_redirects, params, timeout, trust_env and verify"
            )


def for_handshake(keywords: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell what belongs to a websocket's handshake from what only a connection has.

    Args:
        keywords: as for ``connect`` of the `websockets` library, and ``headers``, ``params`` and ``cookies``.

    Returns:
        The keywords of a request, and those that ask for a real connection.
    """
    leftover = dict(keywords)
    headers = _joined(leftover.pop("headers", None) or {})
    for name in ("extra_headers", "additional_headers"):
        headers |= _joined(leftover.pop(name, None) or {})
    for name, header in (("origin", "Origin"), ("user_agent_header", "User-Agent")):
        if (value := leftover.pop(name, None)) is not None:
            headers[header] = value
    request = for_requests({name: leftover.pop(name) for name in ("params", "cookies") if name in leftover})
    return {"headers": headers, **{name: request[name] for name in ("params", "cookies") if name in request}}, leftover


def _auth(given: Any) -> Any:
    if isinstance(given, tuple):
        # httpx writes them in UTF-8, `requests` in Latin-1.
        return tuple(item.encode() if isinstance(item, str) else item for item in given)
    flow = getattr(given, "auth_flow", None)
    return given if flow is None else lambda request: next(flow(request))


def _body(content: Any) -> Any:
    return AsyncBody(content) if isinstance(content, AsyncIterable) else content


def _file(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        name, content, *leftover = value
    else:
        name, content, leftover = getattr(value, "name", None) or "upload", value, []
    if name is None:
        return (None, content, *leftover)
    if not leftover:
        leftover = [mimetypes.guess_type(str(name))[0] or "application/octet-stream"]
    return (str(name).rpartition("/")[2], content, *leftover)
