"""The keywords of httpx, which `sanic_testing` passes on, as keywords of `requests`.

Where the two libraries would put different bytes on the wire, httpx's way is kept: that is what tests written for
Sanic have seen.
"""

import json
import mimetypes
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from sanic_star.testing.bodies import AsyncBody

__all__ = ["for_requests"]


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
    # `requests` can't send a header twice; RFC 9110, 5.3, makes this the same.
    result: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        result[name] = f"{result[name]}, {value}" if name in result else value
    return result


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
