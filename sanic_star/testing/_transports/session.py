"""The session of the blocking clients of `sanic_testing`: it sends the same bytes as httpx.

`requests` normalises URLs. httpx sends the URL as the test wrote it, and encodes only characters that no URL may
contain. So a test can request `/%61`, or an unusual query string.
"""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests

__all__ = ["Session", "pairs_of", "target_of"]

# The characters that are not encoded; `%` is one of them. The URL standard excludes the subtracted characters from the
# printable ones of ASCII (https://url.spec.whatwg.org/, percent-encode sets of the path and of the query).
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_ALLOWED_IN_PATH = "".join(sorted(set(_PRINTABLE) - set('"#<>?`{}')))
_ALLOWED_IN_QUERY = "".join(sorted(set(_PRINTABLE) - set('"#<>')))
# A request without a body has no `Content-Length` with these methods; `requests` would send 0.
_BODILESS = frozenset({"DELETE", "OPTIONS"})


class Session(requests.Session):
    """A session of `requests` that sends what httpx would send.

    Attributes:
        settings: `base_url`, `follow_redirects` and `timeout`, which httpx sets for a client and `requests` for each
            request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.settings: dict[str, Any] = {}

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request, with the URL as the test wrote it."""
        prepared = super().prepare_request(request)
        assert prepared.url is not None
        parts = urlsplit(prepared.url)
        query_parameters: Any = request.params
        pairs = query_parameters if isinstance(query_parameters, _QueryParameters) else _QueryParameters()
        names = {name for name, _ in pairs}
        own_params: dict[str, list[Any]] = dict(self.params)  # type: ignore[arg-type]  # as `configure` has set it
        params = [(name, item) for name, values in own_params.items() if name not in names for item in values]
        replaced = [*params, *pairs] if params or query_parameters is pairs else None
        prepared.url = f"{parts.scheme}://{parts.netloc}{target_of(request.url, replaced)}"
        if prepared.method in _BODILESS and prepared.body is None:
            prepared.headers.pop("Content-Length", None)
        return prepared


def target_of(url: str, params: list[tuple[str, Any]] | None = None) -> str:
    """Return the request target, which stands in the first line of a request (RFC 9112, section 3.2).

    Args:
        url: an absolute URL; its fragment is left out.
        params: replaces the query string.

    >>> target_of("http://127.0.0.1/%61 é?a=[%20]#top")
    '/%61%20%C3%A9?a=[%20]'
    >>> target_of("http://127.0.0.1?a=b", [("c", "d e")])
    '/?c=d+e'
    """
    target = url.partition("://")[2].partition("#")[0]
    location, separator, query = target.partition("?")
    path = quote(_without_dots("/" + location.partition("/")[2]), _ALLOWED_IN_PATH)
    if params is not None:
        query = urlencode(params)
        return f"{path}?{query}" if query else path
    return path + separator + quote(query, _ALLOWED_IN_QUERY)


def _without_dots(path: str) -> str:
    # RFC 3986, section 5.2.4. Like httpx, this leaves out an empty segment at the end.
    if "/." not in path:
        return path
    kept_segments: list[str] = []
    _, *segments = path.split("/")
    for segment in segments:
        if segment == "..":
            del kept_segments[-1:]
        elif segment != ".":
            kept_segments.append(segment)
    return "/" + "/".join(kept_segments)


class _QueryParameters(list[tuple[str, Any]]):
    """Parameters that replace the URL's query string, even if the list is empty."""

    def __bool__(self) -> bool:
        return True


def pairs_of(params: Any) -> list[tuple[str, Any]]:
    """Return the name-value pairs of query parameters in any form that httpx accepts."""
    if isinstance(params, str | bytes):
        text = params.decode() if isinstance(params, bytes) else params
        return _QueryParameters(parse_qsl(text, keep_blank_values=True))
    if hasattr(params, "multi_items"):
        return _QueryParameters(params.multi_items())
    pairs = params.items() if hasattr(params, "items") else params
    return _QueryParameters(
        (name, _primitive(item))
        for name, value in pairs
        for item in (value if isinstance(value, list | tuple) else [value])
    )


def _primitive(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value
