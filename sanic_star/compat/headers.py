"""Reading the headers that have a grammar of their own: Accept, Content-Type, Forwarded, Host, Authorization.

These are pure functions of header text. Text that makes no sense is answered in one of two ways: what the client
asks for (Accept) raises `InvalidHeader`, a 400; what merely describes (a host, a proxy's note, a parameter) is left
out of the result.
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
# A backslash escapes a quote, as curl and others write it, unless nothing is left to close the string then: a
# Windows path may end in one.
_PARAMETER = pattern(rf';\s*({_TOKEN})=(?:({_TOKEN})|"((?:\\.|[^"\\])*)"|"([^"]*)")', re.ASCII)
_PAIR = pattern(rf'\s*({_TOKEN})=(?:({_TOKEN})|"((?:\\.|[^"\\])*)")', re.ASCII)
_HOST = pattern(r"(\[(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\]|[a-z0-9.\-]{1,253})(?::(\d{1,5}))?", re.ASCII | re.I)
_IPV6 = pattern(r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}")
_SCHEMES = ("Basic", "Bearer", "Token")


class MediaType:
    """A media type or range, `text/html` or `text/*`, with its parameters.

    It equals text without parameters. `q` is its weight.

    Args:
        type_: the part before the slash.
        subtype: the part after it.
        **params: parameters, the weight `q` among them.

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
        # Sorts by preference: by weight, then the more specific first (RFC 9110, 12.5.1).
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

    # As in Sanic: equality ignores parameters, and these may be changed.
    __hash__ = None  # type: ignore[assignment]

    def match(self, mime_with_params: str | MediaType) -> MediaType | None:
        """Return this type if the other one fits it, wildcards on either side counting, else None.

        Args:
            mime_with_params: what to compare with. Each parameter that it has must be here with the same value.

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
        """Whether it stands for more than one type."""
        return "*" in (self.type, self.subtype)


def _read_media_type(text: str) -> MediaType | None:
    mime, *parameters = text.split(";")
    type_, _, subtype = mime.strip().partition("/")
    if not (type_ and subtype):
        return None
    pairs = [parameter.partition("=") for parameter in parameters]
    try:
        found = MediaType(type_, subtype, **{name.strip(): value.strip() for name, _, value in pairs})
    except (TypeError, ValueError):  # a weight that is no number, a parameter named as one of ours
        return None
    valued = all(name.strip() and equals for name, equals, _ in pairs)
    return found if valued and isfinite(found.q) else None


class Matched:
    """The outcome of matching: the media type, and the entry of the header that it fits.

    It is false if there is none, and equals the text of the media type and that of the entry.

    Examples:
        >>> found = parse_accept("text/*, */*;q=0.1").match("text/html")
        >>> found
        <text/html matched text/*>
        >>> found == "text/html"
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
        """Return the other one if it is the same, wildcards on either side counting, else None.

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
        """Make one of the text of a media type, as if a header had named exactly that.

        Examples:
            >>> Matched.parse("text/html")
            <text/html matched text/html>
        """
        header = _read_media_type(raw)
        return cls(raw if header else "", header)


class AcceptList(list[MediaType]):
    """The entries of an Accept header, the most wanted first.

    `in` looks for an entry as it is written; `match` chooses.
    """

    def match(self, *mimes: str, accept_wildcards: bool = True) -> Matched:
        """Choose among what can be offered.

        Args:
            *mimes: media types, the best first; of two that are wanted alike the first one is chosen.
            accept_wildcards: whether entries such as `*/*` count.

        Examples:
            >>> parse_accept("text/plain, text/html").match("text/html", "text/plain")
            <text/html matched text/html>
        """
        usable = [entry for entry in self if accept_wildcards or not entry.has_wildcard]
        # Read once, not for each entry of a header that a client chooses.
        offers = [(rank, offer) for rank, mime in enumerate(mimes) if (offer := _read_media_type(mime))]
        matches = ((-entry.q, rank, at) for at, entry in enumerate(usable) for rank, offer in offers
                   if entry.match(offer))  # fmt: skip
        best = min(matches, default=None)
        return Matched("", None) if best is None else Matched(mimes[best[1]], usable[best[2]])

    def __str__(self) -> str:
        return ", ".join(map(repr, self))


def parse_accept(accept: str | None) -> AcceptList:
    """Read an Accept header.

    Args:
        accept: its text; None, for no such header, stands for `*/*`, an empty text for nothing at all.

    Raises:
        InvalidHeader: no entry makes sense; of several those that do are read.

    Examples:
        >>> parse_accept("text/*;q=0.3, text/html")
        [text/html, text/*;q=0.3]
    """
    if not accept:
        return AcceptList([] if accept == "" else [MediaType("*", "*")])
    known = [entry for entry in map(_read_media_type, accept.split(",")) if entry is not None]
    if not known:
        raise InvalidHeader(f"Invalid header value in Accept: {accept}")
    return AcceptList(sorted(known, key=lambda entry: entry.key))


def parse_content_header(value: str) -> tuple[str, Options]:
    """Read a header such as Content-Type or Content-Disposition.

    Returns:
        The value in lower case, and its parameters by their names in lower case. `%22` and `%0D%0A` in them, which
        browsers write for a quote and a line break, are read.

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
        """Header fields: those of a request, or of it with a limit to what is parsed."""

        def get(self, name: str, /) -> str | None: ...

        def getall(self, name: str, default: list[str], /) -> list[str]: ...

    class _ProxyConfig(Protocol):
        """The settings that say which proxy is trusted."""

        FORWARDED_SECRET: str | None
        FORWARDED_FOR_HEADER: str
        PROXIES_COUNT: int | None
        REAL_IP_HEADER: str | None


def parse_forwarded(headers: Header | _Fields, config: _ProxyConfig) -> Options | None:
    """Read what the trusted proxy says in the Forwarded header (RFC 7239).

    Args:
        headers: those of the request.
        config: has `FORWARDED_SECRET`, which the proxy gives as `secret` or `by` in its element.

    Returns:
        The parameters of the last element with the secret, normalised, or None if there is none.

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
        for piece in _split_from_right(element, ";"):
            pair, whole = _read_pair(piece)
            # What is malformed (a space before the semicolon is) parts an element; the part with the secret counts.
            if not whole:
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
    # From the right, because the left part is whatever a client sent, an open quote for example; what proxies append
    # is read first.
    end, quoted = len(text), False
    for at in range(end - 1, -1, -1):
        if text[at] == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif text[at] == separator and not quoted:
            yield text[at + 1 : end]
            end = at
    yield text[:end]


def _read_pair(text: str) -> tuple[tuple[str, str] | None, bool]:
    """Return a pair, and whether it is all of the text: of `host=a:80`, which lacks its quotes, `host=a` is read."""
    found = _PAIR.match(text)
    if found is None:
        return None, False
    name, token, quoted = found.groups()
    return (name.lower(), token or re.sub(r"\\(.)", r"\1", quoted)), found.end() == len(text)


def parse_xforwarded(headers: Header | _Fields, config: _ProxyConfig) -> Options | None:
    """Read what trusted proxies say in the older headers, X-Forwarded-For and its kin.

    Args:
        headers: those of the request.
        config: has `REAL_IP_HEADER`, a header that holds the address alone, or `PROXIES_COUNT`, how many entries
            of the header `FORWARDED_FOR_HEADER` were appended by trusted proxies.

    Returns:
        The address and what else is told, normalised, or None if no trusted proxy told the address.

    Examples:
        >>> from types import SimpleNamespace
        >>> one = SimpleNamespace(REAL_IP_HEADER=None, PROXIES_COUNT=1, FORWARDED_FOR_HEADER="X-Forwarded-For")
        >>> parse_xforwarded(Header({"x-forwarded-for": "6.6.6.6, 10.0.0.7", "x-forwarded-proto": "https"}), one)
        {'for': '10.0.0.7', 'proto': 'https'}
    """
    address = headers.get(config.REAL_IP_HEADER) if config.REAL_IP_HEADER else None
    if not address:
        address = _proxied_address(headers, config)
    if not address:
        return None
    told = [("for", address), ("proto", headers.get("x-scheme"))]
    told += [(name, headers.get(f"x-forwarded-{name}")) for name in ("proto", "host", "port", "path")]
    return fwd_normalize(told)


def _proxied_address(headers: Header | _Fields, config: _ProxyConfig) -> str | None:
    count = config.PROXIES_COUNT
    if not count or not config.FORWARDED_FOR_HEADER:
        return None
    if count < 0:
        raise ValueError(f"PROXIES_COUNT is {count}; it has to be the number of trusted proxies")
    listed = ",".join(headers.getall(config.FORWARDED_FOR_HEADER, [])).split(",")
    hops = [hop for hop in map(str.strip, listed) if hop]
    return hops[-count] if len(hops) >= count else None


def fwd_normalize(fwd: OptionsIterable) -> Options:
    """Put the parameters of a Forwarded header into one form; leave out those that cannot be read.

    Examples:
        >>> fwd_normalize([("for", "2001:DB8::1"), ("port", "80"), ("path", "/a%20b"), ("proto", "HTTPS")])
        {'for': '[2001:db8::1]', 'port': 80, 'path': '/a b', 'proto': 'https'}
    """
    told: Options = {}
    for name, value in fwd:
        if value is not None:
            try:
                told[name] = _normalize(name, value)
            except ValueError:
                continue
    return told


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
            raise ValueError(f"{port} is no port")
        return port
    return value


def fwd_normalize_address(addr: str) -> str:
    """Put an address into one form: IPv6 in brackets, lower case except for obfuscated names (`_…`).

    Raises:
        ValueError: it is `unknown` (RFC 7239, 6.2).

    Examples:
        >>> fwd_normalize_address("2001:DB8::1")
        '[2001:db8::1]'
    """
    if addr == "unknown":
        raise ValueError("the address is not known")
    if addr.startswith("_"):
        return addr
    return (f"[{addr}]" if _IPV6.fullmatch(addr) else addr).lower()


def parse_host(host: str) -> tuple[str | None, int | None]:
    """Split a Host header into name, in lower case, and port.

    Returns:
        None and None if it cannot be a host; None for a port that is not given.

    Examples:
        >>> parse_host("Example.com:8080")
        ('example.com', 8080)
        >>> parse_host("[::1]")
        ('[::1]', None)
    """
    found = _HOST.fullmatch(host)
    if found is None:
        return None, None
    name, port = found.groups()
    return name.lower(), int(port) if port else None


def parse_credentials(header: str | None, prefixes: Collection[str] | None = None) -> tuple[str | None, str | None]:
    """Split an Authorization header into scheme and credentials.

    Args:
        header: its text.
        prefixes: the schemes to look for, by default Basic, Bearer and Token.

    Returns:
        The scheme or None, and what follows it, or the whole text if it is of no such scheme.

    Examples:
        >>> parse_credentials("Bearer abc")
        ('Bearer', 'abc')
        >>> parse_credentials("abc")
        (None, 'abc')
    """
    if header is None:
        return None, None
    scheme, _, rest = header.partition(" ")
    if scheme in (prefixes or _SCHEMES):
        return scheme, rest.strip()
    return None, header
