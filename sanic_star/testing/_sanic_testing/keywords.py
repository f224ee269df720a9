"""Translates the keyword arguments of httpx, which the clients of `sanic_testing` take, to those of `requests`.

If the two libraries would send different bytes, those of httpx are sent, because tests that were written for Sanic
expect them.
"""

import json
import mimetypes
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from sanic_star.testing._asgi.exchange import AsyncBody
from sanic_star.testing._asgi.scopes import RepeatedHeader, values_of
from sanic_star.testing._transports.session import Session, pairs_of

__all__ = ["configure", "split_handshake_keywords", "translate_keywords"]

# The keywords of httpx; then the older name of `follow_redirects`, and the option of `sanic_testing` for cookies.
_KEYWORDS = frozenset(
    {
        *("auth", "content", "cookies", "data", "extensions", "files", "follow_redirects", "headers", "json"),
        *("params", "timeout", "allow_redirects", "raw_cookies"),
    }
)


def translate_keywords(keywords: dict[str, Any]) -> dict[str, Any]:
    """Translate the keyword arguments of a request.

    Args:
        keywords: the arguments of `httpx.AsyncClient.request`, and `allow_redirects`, the older name of
            `follow_redirects`.

    Raises:
        TypeError: an argument is unknown.
    """
    if not keywords.keys() <= _KEYWORDS:
        unknown = ", ".join(sorted(keywords.keys() - _KEYWORDS))
        raise TypeError(f"a request has no {unknown} here: it takes {', '.join(sorted(_KEYWORDS))}")
    request_keywords = dict(keywords)
    follow = request_keywords.pop("follow_redirects", True)
    request_keywords["allow_redirects"] = request_keywords.get("allow_redirects", follow)
    request_keywords.pop("extensions", None)
    # The option of `sanic_testing` for `raw_cookies`, which each response has here.
    request_keywords.pop("raw_cookies", None)
    request_keywords["headers"] = headers = _joined(request_keywords.get("headers") or {})
    if request_keywords.get("params") is not None:
        request_keywords["params"] = pairs_of(request_keywords["params"])
    if request_keywords.get("data") is not None:
        request_keywords["data"] = (
            pairs_of(request_keywords["data"])
            if isinstance(request_keywords["data"], Mapping)
            else _body(request_keywords["data"])
        )
    if request_keywords.get("auth") is not None:
        request_keywords["auth"] = _auth(request_keywords["auth"])
    if "timeout" in request_keywords:
        # httpx's object has several time limits; the one for reading limits the wait for the response.
        request_keywords["timeout"] = getattr(request_keywords["timeout"], "read", request_keywords["timeout"])
    if "content" in request_keywords:
        request_keywords["data"] = _body(request_keywords.pop("content"))
    if (document := request_keywords.pop("json", None)) is not None:
        request_keywords["data"] = json.dumps(
            document, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
    if request_keywords.get("files"):
        files = request_keywords["files"]
        pairs = files.items() if isinstance(files, Mapping) else files
        request_keywords["files"] = [(name, _file(value)) for name, value in pairs]
    return request_keywords


def _joined(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    # `requests` cannot send a header twice. The values are joined (RFC 9110, section 5.3), and the adapter splits them.
    result: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        result[name] = RepeatedHeader([*values_of(result[name]), value]) if name in result else value
    return result


def configure(session: Session, settings: Mapping[str, Any]) -> None:
    """Configure a session as httpx would configure a client.

    Args:
        session: a new session.
        settings: the arguments of `httpx.AsyncClient`.

    Raises:
        TypeError: an argument is unknown.
    """
    for name, value in settings.items():
        if name == "headers":
            session.headers.update(_joined(value or {}))
        elif name == "cookies":
            session.cookies.update(dict(value or {}))
        elif name == "params":
            # A mapping, because the session joins only mappings with the parameters of a request.
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


def split_handshake_keywords(keywords: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the keyword arguments of a websocket into those of the handshake and those of a connection.

    Args:
        keywords: the arguments of `connect` of the `websockets` library, and `headers`, `params` and `cookies`.

    Returns:
        The keyword arguments of the handshake's request, and those that need a real connection.
    """
    leftover = dict(keywords)
    headers = _joined(leftover.pop("headers", None) or {})
    for name in ("extra_headers", "additional_headers"):
        headers |= _joined(leftover.pop(name, None) or {})
    for name, header in (("origin", "Origin"), ("user_agent_header", "User-Agent")):
        if (value := leftover.pop(name, None)) is not None:
            headers[header] = value
    request = translate_keywords({name: leftover.pop(name) for name in ("params", "cookies") if name in leftover})
    return {"headers": headers, **{name: request[name] for name in ("params", "cookies") if name in request}}, leftover


def _auth(auth: Any) -> Any:
    if isinstance(auth, tuple):
        # httpx encodes user and password as UTF-8, `requests` as Latin-1.
        return tuple(item.encode() if isinstance(item, str) else item for item in auth)
    flow = getattr(auth, "auth_flow", None)
    return auth if flow is None else lambda request: next(flow(request))


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
