"""The session of the blocking clients of `sanic_testing`: `requests`, with httpx's bytes on the wire.

`requests` decodes and encodes what stands in a URL until it likes it; httpx sends what the test wrote, and encodes only
what no URL may contain. A test of `/%61`, or of an odd query string, means what it says.
"""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests

__all__ = ["Session", "pairs_of", "target_of"]

# What stays as it is, `%` included. Of the characters of ASCII that can be printed these are left out by the URL
# standard (https://url.spec.whatwg.org/, percent-encode sets of the path and of the query).
_PRINTED = "".join(map(chr, range(0x21, 0x7F)))
_IN_PATH = "".join(sorted(set(_PRINTED) - set('"#<>?`{}')))
_IN_QUERY = "".join(sorted(set(_PRINTED) - set('"#<>')))
# Methods whose requests have no length where they have no body; `requests` says 0.
_BODILESS = frozenset({"DELETE", "OPTIONS"})


class Session(requests.Session):
    """Send what httpx would send.

    Attributes:
        settings: what httpx sets for a client, and `requests` for each request: ``base_url follow_redirects timeout``.
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
        given: Any = request.params
        pairs = given if isinstance(given, _Given) else _Given()
        names = {name for name, _ in pairs}
        own_params: dict[str, list[Any]] = dict(self.params)  # type: ignore[arg-type]  # as `configure` has set it
        params = [(name, item) for name, values in own_params.items() if name not in names for item in values]
        replaced = [*params, *pairs] if params or given is pairs else None
        prepared.url = f"{parts.scheme}://{parts.netloc}{target_of(request.url, replaced)}"
        if prepared.method in _BODILESS and prepared.body is None:
            prepared.headers.pop("Content-Length", None)
        return prepared


def target_of(url: str, params: list[tuple[str, Any]] | None = None) -> str:
    """Give what stands in the first line of a request.

    Args:
        url: absolute; a fragment is left out.
        params: in place of its query string.

    >>> target_of("http://127.0.0.1/%61 é?a=[%20]#top")
    '/%61%20%C3%A9?a=[%20]'
    >>> target_of("http://127.0.0.1?a=b", [("c", "d e")])
    '/?c=d+e'
    """
    target = url.partition("://")[2].partition("#")[0]
    location, asked, query = target.partition("?")
    path = quote(_without_dots("/" + location.partition("/")[2]), _IN_PATH)
    if params is not None:
        query = urlencode(params)
        return f"{path}?{query}" if query else path
    return path + asked + quote(query, _IN_QUERY)


def _without_dots(path: str) -> str:
    # RFC 3986, 5.2.4, but as httpx leaves out what would be an empty segment at the end.
    if "/." not in path:
        return path
    kept: list[str] = []
    _, *segments = path.split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


class _Given(list[tuple[str, Any]]):
    """What a test gave takes the place of the URL's query string, though it be empty, for `requests` too."""

    def __bool__(self) -> bool:
        return True


def pairs_of(params: Any) -> list[tuple[str, Any]]:
    """Read what httpx takes for parameters, in any of its forms."""
    if isinstance(params, str | bytes):
        text = params.decode() if isinstance(params, bytes) else params
        return _Given(parse_qsl(text, keep_blank_values=True))
    if hasattr(params, "multi_items"):
        return _Given(params.multi_items())
    pairs = params.items() if hasattr(params, "items") else params
    return _Given(
        (name, _primitive(item))
        for name, value in pairs
        for item in (value if isinstance(value, list | tuple) else [value])
    )


def _primitive(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value
