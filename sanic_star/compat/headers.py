"""Parse header fields that have their own syntax: Accept, Content-Type, Forwarded, Host, Authorization.

These are pure functions of the field's text. If an `Accept` field has no valid entry, `InvalidHeader` (400) is raised.
An invalid host, proxy entry or parameter is omitted from the result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.compat import Header
from sanic_star.compat.exceptions import InvalidHeader

HeaderIterable = Iterable[tuple[str, Any]]
HeaderBytesIterable = Iterable[tuple[bytes, bytes]]
Options = dict[str, int | str]
OptionsIterable = Iterable[tuple[str, str | None]]

_TOKEN = r"[\w!#$%&'*+\-.^_`|~]+"  # RFC 9110, 5.6.2
# A backslash escapes a quote, as curl and others write it, unless no other quote would end the string: a Windows path
# may end in a backslash.
_PARAMETER = pattern(rf';\s*({_TOKEN})=(?:({_TOKEN})|"((?:\\.|[^"\\])*)"|"([^"]*)")', re.ASCII)
_PAIR = pattern(rf'\s*({_TOKEN})=(?:({_TOKEN})|"((?:\\.|[^"\\])*)")', re.ASCII)
_HOST = pattern(r"(\[(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\]|[a-z0-9.\-]{1,253})(?::(\d{1,5}))?", re.ASCII | re.I)
_IPV6 = pattern(r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}")
_SCHEMES = ("Basic", "Bearer", "Token")


class MediaType:
    """A media type such as `text/html`, or a range of types such as `text/*`, with its parameters.

    It equals the same text without parameters. `q` is its weight, from 0 to 1.

    Args:
        type_: the part before the slash.
        subtype: the part after the slash.
        **params: parameters, including the weight `q`.

    Examples:
        >>> MediaType("text", "html", q="0.5")
        text/html;q=0.5
        >>> MediaType("text", "html") == "text/html"
        True
    """

    def __init__(self, type_: str, subtype: str, **params: str) -> None:
        self.type = type_
        self.subtype = subtype
        self.q = float(params.get("q", "1"))
        self.params = params
        self.mime = f"{type_}/{subtype}"
        # Sorts by preference: by weight, then by specificity (RFC 9110, section 12.5.1).
        self.key = (-self.q, -len(params), subtype == "*", type_ == "*")

    def __repr__(self) -> str:
        return ";".join([self.mime, *(f"{name}={value}" for name, value in self.params.items())])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MediaType):
            return self.mime == other.mime
        if not isinstance(other, str):
            return NotImplemented
        if ";" in other:
            raise ValueError("Use match() to compare with parameters")
        return self.mime == other

    # As in Sanic: equality ignores the parameters, which may change.
    __hash__ = None  # type: ignore[assignment]

    def match(self, mime_with_params: str | MediaType) -> MediaType | None:
        """Return this media type if another one matches it, or else `None`; both may have wildcards.

        Args:
            mime_with_params: the other media type. Each of its parameters must also be in this one, with the same
                value.

        Examples:
            >>> MediaType("text", "*").match("text/html")
            text/*
        """
        other = _read_media_type(mime_with_params) if isinstance(mime_with_params, str) else mime_with_params
        if (
            other is not None
            and all(self.params.get(name) == value for name, value in other.params.items())
            and (self.subtype == other.subtype or "*" in (self.subtype, other.subtype))
            and (self.type == other.type or "*" in (self.type, other.type))
        ):
            return self
        return None

    @property
    def has_wildcard(self) -> bool:
        """Whether the type or the subtype is `*`."""
        return "*" in (self.type, self.subtype)


def _read_media_type(text: str) -> MediaType | None:
    mime, *parameters = text.split(";")
    type_, _, subtype = mime.strip().partition("/")
    if not (type_ and subtype):
        return None
    pairs = [parameter.partition("=") for parameter in parameters]
    try:
        media_type = MediaType(type_, subtype, **{name.strip(): value.strip() for name, _, value in pairs})
    except (TypeError, ValueError):  # the weight is not a number, or a parameter is named `type_` or `subtype`
        return None
    have_values = all(name.strip() and equals for name, equals, _ in pairs)
    return media_type if have_values and isfinite(media_type.q) else None


class Matched:
    """The result of a match: the media type, and the entry of the `Accept` header that it matches.

    It is false if no entry matches. It equals the text of the media type, and the text of the entry.

    Args:
        mime: the media type, or an empty string.
        header: the entry; `None` if no entry matches.

    Examples:
        >>> matched = parse_accept("text/*, */*;q=0.1").match("text/html")
        >>> matched
        <text/html matched text/*>
        >>> matched == "text/html"
        True
    """

    def __init__(self, mime: str, header: MediaType | None) -> None:
        self.mime = mime
        self.header = header

    def __repr__(self) -> str:
        return f"<{self.mime} matched {self.header}>" if self else "<no match>"

    def __str__(self) -> str:
        return self.mime

    def __bool__(self) -> bool:
        return self.header is not None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            parsed = Matched.parse(other)
            return self == parsed or bool(self and parsed and self.mime == other)
        return self.header == other.header if isinstance(other, Matched) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def match(self, other: str | Matched) -> Matched | None:
        """Return another result if its entry matches that of this one, or else `None`; both may have wildcards.

        Args:
            other: the result of another match, or the text of a media type.

        Examples:
            >>> parse_accept("text/html").match("text/html").match("text/*")
            <text/* matched text/*>
        """
        if isinstance(other, str):
            other = Matched.parse(other)
        if self.header is None or other.header is None:
            return None
        return other if self.header.match(other.header) else None

    @classmethod
    def parse(cls, raw: str) -> Matched:
        """Return the result for a header that has a media type as its only entry.

        Args:
            raw: the text of the media type.

        Examples:
            >>> Matched.parse("text/html")
            <text/html matched text/html>
        """
        header = _read_media_type(raw)
        return cls(raw if header else "", header)


class AcceptList(list[MediaType]):
    """The entries of an `Accept` header, in order of the client's preference.

    `match` selects one of the media types that you offer; `in` compares entries as text, without wildcards.
    """

    def match(self, *mimes: str, accept_wildcards: bool = True) -> Matched:
        """Return the media type that the client prefers.

        Args:
            *mimes: the media types that you offer; if the client prefers none of two, the first one is chosen.
            accept_wildcards: whether entries with a wildcard, such as `*/*`, are used.

        Returns:
            The result, which is false if no media type matches.

        Examples:
            >>> parse_accept("text/plain, text/html").match("text/html", "text/plain")
            <text/html matched text/html>
        """
        entries = [entry for entry in self if accept_wildcards or not entry.has_wildcard]
        # Parsed once, not for each entry, because the client controls the number of entries.
        offers = [(rank, offer) for rank, mime in enumerate(mimes) if (offer := _read_media_type(mime))]
        matches = ((-entry.q, rank, index) for index, entry in enumerate(entries) for rank, offer in offers
                   if entry.match(offer))  # fmt: skip
        best_match = min(matches, default=None)
        return Matched("", None) if best_match is None else Matched(mimes[best_match[1]], entries[best_match[2]])

    def __str__(self) -> str:
        return ", ".join(map(repr, self))


def parse_accept(accept: str | None) -> AcceptList:
    """Parse an `Accept` header.

    Args:
        accept: its text. `None` (no header) is read as `*/*`; an empty text accepts no media type.

    Raises:
        InvalidHeader: no entry is valid; if only some are invalid, they are omitted.

    Examples:
        >>> parse_accept("text/*;q=0.3, text/html")
        [text/html, text/*;q=0.3]
    """
    if not accept:
        return AcceptList([] if accept == "" else [MediaType("*", "*")])
    entries = [entry for entry in map(_read_media_type, accept.split(",")) if entry is not None]
    if not entries:
        raise InvalidHeader(f"Invalid header value in Accept: {accept}")
    return AcceptList(sorted(entries, key=lambda entry: entry.key))


def parse_content_header(value: str) -> tuple[str, Options]:
    """Parse a header with parameters, such as `Content-Type` or `Content-Disposition`.

    Args:
        value: its text.

    Returns:
        The value in lower case, and the parameters by name in lower case. In parameters `%22` and `%0D%0A` are decoded,
        with which browsers escape a quote and a line break.

    Examples:
        >>> parse_content_header('form-data; name=upload; filename="a b.txt"')
        ('form-data', {'name': 'upload', 'filename': 'a b.txt'})
    """
    options: Options = {}
    for name, token, quoted, lenient in _PARAMETER.findall(value):
        text = token or quoted.replace('\\"', '"') or lenient
        options[name.lower()] = text.replace("%22", '"').replace("%0D%0A", "\n")
    return value.partition(";")[0].strip().lower(), options


if TYPE_CHECKING:

    class _Fields(Protocol):
        """The header fields of a request, or a view of them that limits the size of parsed fields."""

        def get(self, name: str, /) -> str | None: ...

        def getall(self, name: str, default: list[str], /) -> list[str]: ...

    class _ProxyConfig(Protocol):
        """The settings that define which proxies are trusted."""

        FORWARDED_SECRET: str | None
        FORWARDED_FOR_HEADER: str
        PROXIES_COUNT: int | None
        REAL_IP_HEADER: str | None


def parse_forwarded(headers: Header | _Fields, config: _ProxyConfig) -> Options | None:
    """Return the facts about the client from a trusted proxy's `Forwarded` header (RFC 7239).

    Args:
        headers: the header fields of the request.
        config: has `FORWARDED_SECRET`, which the proxy sends in the parameter `secret` or `by` of its element.

    Returns:
        The normalised parameters of the last element with the secret; `None` if there is no such element.

    Examples:
        >>> from types import SimpleNamespace
        >>> trusted = SimpleNamespace(FORWARDED_SECRET="_s3cret")
        >>> parse_forwarded(Header({"forwarded": "for=evil, for=10.0.0.7;secret=_s3cret"}), trusted)
        {'for': '10.0.0.7', 'secret': '_s3cret'}
    """
    secret = config.FORWARDED_SECRET
    text = ",".join(headers.getall("forwarded", []))
    if not (secret and secret in text):
        return None
    for element in _split_from_right(text, ","):
        pairs: list[tuple[str, str]] = []
        for parameter in _split_from_right(element, ";"):
            pair, is_whole = _read_pair(parameter)
            # A malformed parameter (a space before the semicolon is malformed) divides the element; only the part with
            # the secret is used.
            if not is_whole:
                if _is_trusted(pairs, secret):
                    break
                pairs = []
            if pair is not None:
                pairs.append(pair)
        if _is_trusted(pairs, secret):
            return fwd_normalize(reversed(pairs))
    return None


def _is_trusted(pairs: list[tuple[str, str]], secret: str) -> bool:
    return ("secret", secret) in pairs or ("by", secret) in pairs


def _split_from_right(text: str, separator: str) -> Iterator[str]:
    # From the right, where proxies append. The left part comes from the client, and may have an unclosed quote.
    end, is_quoted = len(text), False
    for index in range(end - 1, -1, -1):
        if text[index] == '"' and text[index - 1 : index] != "\\":
            is_quoted = not is_quoted
        elif text[index] == separator and not is_quoted:
            yield text[index + 1 : end]
            end = index
    yield text[:end]


def _read_pair(text: str) -> tuple[tuple[str, str] | None, bool]:
    """Return name and value, and whether they are the whole text: of `host=a:80`, without quotes, `host=a` is read."""
    match = _PAIR.match(text)
    if match is None:
        return None, False
    name, token, quoted = match.groups()
    return (name.lower(), token or re.sub(r"\\(.)", r"\1", quoted)), match.end() == len(text)


def parse_xforwarded(headers: Header | _Fields, config: _ProxyConfig) -> Options | None:
    """Return the facts about the client from trusted proxies' older headers, such as `X-Forwarded-For`.

    Args:
        headers: the header fields of the request.
        config: has `REAL_IP_HEADER`, the name of a header with only the address, or `PROXIES_COUNT`, the number of
            entries that trusted proxies append to the header named by `FORWARDED_FOR_HEADER`.

    Returns:
        The address and the other facts, normalised; `None` without an address from a trusted proxy.

    Raises:
        ValueError: `PROXIES_COUNT` is negative.

    Examples:
        >>> from types import SimpleNamespace
        >>> config = SimpleNamespace(REAL_IP_HEADER=None, PROXIES_COUNT=1, FORWARDED_FOR_HEADER="X-Forwarded-For")
        >>> parse_xforwarded(Header({"x-forwarded-for": "6.6.6.6, 10.0.0.7", "x-forwarded-proto": "https"}), config)
        {'for': '10.0.0.7', 'proto': 'https'}
    """
    address = headers.get(config.REAL_IP_HEADER) if config.REAL_IP_HEADER else None
    if not address:
        address = _proxied_address(headers, config)
    if not address:
        return None
    parameters = [("for", address), ("proto", headers.get("x-scheme"))]
    parameters += [(name, headers.get(f"x-forwarded-{name}")) for name in ("proto", "host", "port", "path")]
    return fwd_normalize(parameters)


def _proxied_address(headers: Header | _Fields, config: _ProxyConfig) -> str | None:
    count = config.PROXIES_COUNT
    if not count or not config.FORWARDED_FOR_HEADER:
        return None
    if count < 0:
        raise ValueError(f"PROXIES_COUNT is {count}; it has to be the number of trusted proxies")
    entries = ",".join(headers.getall(config.FORWARDED_FOR_HEADER, [])).split(",")
    addresses = [address for address in map(str.strip, entries) if address]
    return addresses[-count] if len(addresses) >= count else None


def fwd_normalize(fwd: OptionsIterable) -> Options:
    """Return the normalised parameters of a `Forwarded` header; invalid parameters are omitted.

    Args:
        fwd: pairs of name and value; a value of `None` is omitted.

    Examples:
        >>> fwd_normalize([("for", "2001:DB8::1"), ("port", "80"), ("path", "/a%20b"), ("proto", "HTTPS")])
        {'for': '[2001:db8::1]', 'port': 80, 'path': '/a b', 'proto': 'https'}
    """
    options: Options = {}
    for name, value in fwd:
        if value is not None:
            try:
                options[name] = _normalize(name, value)
            except ValueError:
                continue
    return options


def _normalize(name: str, value: str) -> int | str:
    if name in ("by", "for"):
        return fwd_normalize_address(value)
    if name in ("host", "proto"):
        return value.lower()
    if name == "path":
        return unquote(value)
    if name == "port":
        port = int(value)
        if not 0 <= port < 65536:
            raise ValueError(f"{port} is not a port")
        return port
    return value


def fwd_normalize_address(addr: str) -> str:
    """Return a normalised address: IPv6 in brackets, and lower case, except for obfuscated names (`_…`).

    Args:
        addr: an address or name of a `Forwarded` header, without a port.

    Raises:
        ValueError: it is `unknown` (RFC 7239, section 6.2).

    Examples:
        >>> fwd_normalize_address("2001:DB8::1")
        '[2001:db8::1]'
    """
    if addr == "unknown":
        raise ValueError("the proxy does not know the address")
    if addr.startswith("_"):
        return addr
    return (f"[{addr}]" if _IPV6.fullmatch(addr) else addr).lower()


def parse_host(host: str) -> tuple[str | None, int | None]:
    """Return the host name in lower case and the port of a `Host` header.

    Args:
        host: its text.

    Returns:
        `(None, None)` if the text is not a valid host; `None` as the port if there is no port.

    Examples:
        >>> parse_host("Example.com:8080")
        ('example.com', 8080)
        >>> parse_host("[::1]")
        ('[::1]', None)
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return None, None
    name, port = match.groups()
    return name.lower(), int(port) if port else None


def parse_credentials(header: str | None, prefixes: Collection[str] | None = None) -> tuple[str | None, str | None]:
    """Return the scheme and the credentials of an `Authorization` header.

    Args:
        header: its text; `None` if there is no header.
        prefixes: the schemes, by default `Basic`, `Bearer` and `Token`.

    Returns:
        The scheme and the text after it. With another scheme: `None` and the whole text. Without a header:
        `(None, None)`.

    Examples:
        >>> parse_credentials("Bearer abc")
        ('Bearer', 'abc')
        >>> parse_credentials("abc")
        (None, 'abc')
    """
    if header is None:
        return None, None
    scheme, _, credentials = header.partition(" ")
    if scheme in (prefixes or _SCHEMES):
        return scheme, credentials.strip()
    return None, header
