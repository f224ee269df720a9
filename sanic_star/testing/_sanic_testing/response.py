"""The response of a test client, with the attributes of `sanic_testing`.

In `sanic_testing` it is a response of httpx with a few more attributes. The clients of this package use `requests` or
httpx2. So this module adds the attributes of httpx that `requests` lacks or that differ there: headers with several
values, cookies as a mapping, the parts of the URL, and checks of the status such as `is_success`.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from http.cookiejar import Cookie, CookieJar
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from starlette.datastructures import QueryParams

from sanic_star.engine.charsets import find_codec

__all__ = ["ResponseCookies", "ResponseHeaders", "ResponseURL", "SentRequest", "TestingResponse", "headers_of"]


class ResponseHeaders(Mapping[str, str]):
    """Header fields with case-insensitive names; several values of one name are joined by commas.

    Args:
        pairs: names and values, in the order of the response.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]
        self._joined: dict[str, str] = {}
        for name, value in self._pairs:
            self._joined[name] = f"{self._joined[name]}, {value}" if name in self._joined else value

    def __getitem__(self, name: str) -> str:
        return self._joined[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._joined)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._joined == {str(name).lower(): value for name, value in other.items()}

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._joined!r})"

    def multi_items(self) -> list[tuple[str, str]]:
        """Return all header fields, in the order of the response."""
        return self._pairs.copy()

    def get_list(self, name: str, split_commas: bool = False) -> list[str]:
        """Return the values of a header.

        Args:
            name: the name of the header.
            split_commas: whether to split values at commas.
        """
        values = [value for key, value in self._pairs if key == name.lower()]
        return [part.strip() for value in values for part in value.split(",")] if split_commas else values

    # The names of this method in the headers of Sanic and Starlette.
    getall = getlist = get_list

    @property
    def encoding(self) -> str:
        """The encoding of the values: the first of `ascii`, `utf-8` and `iso-8859-1` that can decode all."""
        values = [value for _, value in self.raw]
        for encoding in ("ascii", "utf-8"):
            try:
                for value in values:
                    value.decode(encoding)
            except UnicodeDecodeError:
                continue
            return encoding
        return "iso-8859-1"

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """All header fields as bytes."""
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._pairs]


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> ResponseHeaders:
    """Return the header fields of an ASGI message or scope."""
    return ResponseHeaders([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])


class ResponseCookies(Mapping[str, str]):
    """The cookies that a response sets, by their names.

    Args:
        jar: the cookies with their attributes.
    """

    def __init__(self, jar: CookieJar) -> None:
        self.jar = jar

    def __getitem__(self, name: str) -> str:
        for cookie in self.jar:
            if cookie.name == name:
                return cookie.value or ""
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(cookie.name for cookie in self.jar))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def get(  # type: ignore[override]
        self, name: str, default: str | None = None, domain: str | None = None, path: str | None = None
    ) -> str | None:
        """Return the value of a cookie; `domain` and `path` select one of several with the same name."""
        for cookie in self.jar:
            if cookie.name == name and domain in (None, cookie.domain) and path in (None, cookie.path):
                return cookie.value
        return default

    def __repr__(self) -> str:
        return f"<Cookies[{', '.join(f'{cookie.name}={cookie.value}' for cookie in self.jar)}]>"


class ResponseURL(str):
    """A URL: a string with its parts as attributes."""

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self)

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self._parts.scheme

    @property
    def host(self) -> str:
        """The host, without the port."""
        return self._parts.hostname or ""

    @property
    def port(self) -> int | None:
        """The port; `None` if the URL has none."""
        return self._parts.port

    @property
    def path(self) -> str:
        """The path."""
        return self._parts.path

    @property
    def query(self) -> bytes:
        """The query string."""
        return self._parts.query.encode()

    @property
    def params(self) -> QueryParams:
        """The query string's parameters."""
        return QueryParams(self._parts.query)

    @property
    def fragment(self) -> str:
        """The fragment, without `#`."""
        return self._parts.fragment

    @property
    def netloc(self) -> bytes:
        """Host and port."""
        return self._parts.netloc.encode()

    @property
    def raw_path(self) -> bytes:
        """Path and query string."""
        parts = self._parts
        return f"{parts.path}?{parts.query}".encode() if parts.query else parts.path.encode()

    def join(self, url: str) -> "ResponseURL":  # type: ignore[override]
        """Resolve a reference against this URL.

        Args:
            url: an absolute URL, or one that is relative to this URL.
        """
        return ResponseURL(urljoin(self, url))


class SentRequest:
    """A sent request with the attributes of httpx; other attributes are those of `inner`.

    Args:
        request: the prepared request of `requests`.

    Attributes:
        inner: the prepared request.
    """

    def __init__(self, request: Any) -> None:
        self.inner = request

    @property
    def method(self) -> str:
        """The method."""
        method: str = self.inner.method
        return method

    @property
    def url(self) -> ResponseURL:
        """The URL."""
        return ResponseURL(self.inner.url)

    @property
    def headers(self) -> ResponseHeaders:
        """The headers."""
        return ResponseHeaders(list(self.inner.headers.items()))

    @property
    def content(self) -> bytes:
        """The body; empty if it was sent as a stream."""
        body = self.inner.body
        return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""

    def read(self) -> bytes:
        """Return the body."""
        return self.content

    def __getattr__(self, name: str) -> Any:
        if name == "inner":
            # Copying and unpickling look up attributes before this one is set.
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __repr__(self) -> str:
        return f"<Request('{self.method}', '{self.url}')>"


class TestingResponse:
    """A response with the attributes of `sanic_testing`; other attributes are those of `response`.

    Args:
        response: the response of `requests` or `httpx2`.

    Attributes:
        response: the response of `requests` or `httpx2`.
    """

    __test__ = False

    def __init__(self, response: Any) -> None:
        self.response = response

    @property
    def status(self) -> int:
        """The status code."""
        status: int = self.response.status_code
        return status

    @property
    def body(self) -> bytes:
        """The whole body."""
        body: bytes = self.response.content
        return body

    @property
    def text(self) -> str:
        """The body, decoded with the charset of the content type, or as UTF-8 if that names no supported charset."""
        # Not the library's `text`: requests guesses a missing charset, and some codecs raise errors.
        return self.body.decode(find_codec(self.charset_encoding or "") or "utf-8", "replace")

    @property
    def content_type(self) -> str | None:
        """The value of the header `Content-Type`."""
        content_type: str | None = self.response.headers.get("content-type")
        return content_type

    @property
    def charset_encoding(self) -> str | None:
        """The charset in the content type."""
        _, separator, value = (self.content_type or "").lower().partition("charset=")
        return value.partition(";")[0].strip(" \"'") if separator else None

    @property
    def json(self) -> Any:
        """The value of the body as JSON, whatever its content type; `None` if the body is not valid JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def headers(self) -> Any:
        """The headers: a mapping, with `get_list(name)` and `multi_items()` for headers with several values."""
        raw = getattr(self.response, "raw", None)
        return self.response.headers if raw is None else ResponseHeaders(list(raw.headers.iteritems()))

    @property
    def cookies(self) -> Any:
        """The values of the cookies that the response sets; `cookies.jar` has their attributes."""
        jar = self.response.cookies
        return ResponseCookies(jar) if isinstance(jar, CookieJar) else jar

    @property
    def raw_cookies(self) -> dict[str, Cookie]:
        """The cookies that the response sets, with `value`, `path`, `domain`, `expires`, `secure`."""
        return {cookie.name: cookie for cookie in self.cookies.jar}

    @property
    def url(self) -> ResponseURL:
        """The URL of the request; after redirects, the last one."""
        return ResponseURL(self.response.url)

    @property
    def history(self) -> "list[TestingResponse]":
        """The redirects before this response, the first one first."""
        return [TestingResponse(response) for response in self.response.history]

    @property
    def request(self) -> Any:
        """The sent request, with `method`, `url`, `headers` and `content`."""
        request = self.response.request
        return SentRequest(request) if hasattr(request, "path_url") else request

    @property
    def next_request(self) -> Any:
        """The request to the target of a redirect that was not followed; `None` if there is none."""
        if not hasattr(self.response, "next"):
            return self.response.next_request
        return None if self.response.next is None else SentRequest(self.response.next)

    @property
    def reason_phrase(self) -> str:
        """The reason phrase after the status code."""
        inner = self.response
        phrase: str = inner.reason if hasattr(inner, "reason") else inner.reason_phrase
        return phrase

    @property
    def http_version(self) -> str:
        """The version of HTTP: `HTTP/1.1`."""
        return "HTTP/1.1"

    @property
    def extensions(self) -> dict[str, Any]:
        """The version of HTTP and the reason phrase, as bytes."""
        return {"http_version": self.http_version.encode(), "reason_phrase": self.reason_phrase.encode()}

    # The whole body was received before the test gets the response.
    is_closed = is_stream_consumed = True
    default_encoding = "utf-8"

    @property
    def num_bytes_downloaded(self) -> int:
        """The length of the body, in bytes."""
        return len(self.body)

    @property
    def is_informational(self) -> bool:
        """Whether the status is 1xx."""
        return self.status // 100 == 1

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status // 100 == 2

    @property
    def is_redirect(self) -> bool:
        """Whether the status is 3xx."""
        return self.status // 100 == 3

    @property
    def has_redirect_location(self) -> bool:
        """Whether the response is a redirect with a `Location`."""
        return self.status in (301, 302, 303, 307, 308) and "location" in self.headers

    @property
    def is_client_error(self) -> bool:
        """Whether the status is 4xx."""
        return self.status // 100 == 4

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 5xx."""
        return self.status // 100 == 5

    @property
    def is_error(self) -> bool:
        """Whether the status is 4xx or 5xx."""
        return self.is_client_error or self.is_server_error

    def raise_for_status(self) -> "TestingResponse":
        """Raise the library's exception if the status is 400 or higher; return this response otherwise."""
        self.response.raise_for_status()
        return self

    def read(self) -> bytes:
        """Return the whole body."""
        return self.body

    async def aread(self) -> bytes:
        """Return the whole body."""
        return self.body

    def close(self) -> None:
        """Do nothing: the response is already closed."""

    async def aclose(self) -> None:
        """Do nothing: the response is already closed."""

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Iterate over the body in chunks.

        Args:
            chunk_size: the size of a chunk in bytes; by default, the whole body is one chunk.
        """
        size = chunk_size or len(self.body) or 1
        for start in range(0, len(self.body), size):
            yield self.body[start : start + size]

    def iter_text(self) -> Iterator[str]:
        """Iterate over the text in one chunk."""
        yield self.text

    def iter_lines(self) -> Iterator[str]:
        """Iterate over the lines of the text."""
        yield from self.text.splitlines()

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Iterate over the body asynchronously; see `iter_bytes`.

        Args:
            chunk_size: the size of a chunk in bytes; by default, the whole body is one chunk.
        """
        for chunk in self.iter_bytes(chunk_size):
            yield chunk

    async def aiter_text(self) -> AsyncIterator[str]:
        """Iterate over the text asynchronously; see `iter_text`."""
        yield self.text

    async def aiter_lines(self) -> AsyncIterator[str]:
        """Iterate over the lines asynchronously; see `iter_lines`."""
        for line in self.iter_lines():
            yield line

    def __getattr__(self, name: str) -> Any:
        if name == "response":
            # Copying and unpickling look up attributes before this one is set.
            raise AttributeError(name)
        return getattr(self.response, name)

    def __repr__(self) -> str:
        return f"<Response [{self.status} {self.reason_phrase}]>"
