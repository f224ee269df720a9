"""The header fields of a request, decoded when they are looked up.

A handler looks up a few of the fields. So `Request.headers` keeps the fields as bytes and decodes the one that is
looked up; a mapping of text is built when something needs all of them: iteration, a change, a comparison.

A `RequestHeader` behaves as a `Header`, and `isinstance(request.headers, CIMultiDict)` is true, but it is no subclass.
The C functions of multidict read the memory of a subclass and skip its methods: they would see an empty mapping. From
any other object they take `items()`, so `CIMultiDict(request.headers)` and `update(request.headers)` see all fields.
Two things need `request.headers.copy()`, a real `Header`: `CIMultiDictProxy`, and unbound methods such as
`CIMultiDict.get(headers, name)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from multidict import istr

from sanic_star.compat._support.lazy import BoundedTable
from sanic_star.compat.compat import Header

# The names of the fields that browsers, proxies and other clients send.
_USUAL_NAMES = (
    "accept accept-charset accept-encoding accept-language accept-ranges access-control-request-headers "
    "access-control-request-method authorization baggage cache-control cdn-loop cf-connecting-ip cf-ipcountry "
    "cf-ray cf-visitor connection content-disposition content-encoding content-language content-length "
    "content-range content-type cookie correlation-id date dnt expect forwarded from host idempotency-key "
    "if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive last-event-id max-forwards "
    "origin pragma prefer priority proxy-authorization range referer save-data sec-ch-ua sec-ch-ua-mobile "
    "sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc "
    "sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version sentry-trace te "
    "traceparent tracestate trailer transfer-encoding true-client-ip upgrade upgrade-insecure-requests user-agent "
    "via x-amzn-trace-id x-api-key x-client-ip x-correlation-id x-csrf-token x-csrftoken x-forwarded-for "
    "x-forwarded-host x-forwarded-path x-forwarded-port x-forwarded-proto x-forwarded-server x-real-ip "
    "x-request-id x-request-start x-requested-with x-scheme"
)
# More than browsers and proxies send together.
_MANY_FIELDS = 64


def _read_name(name: bytes) -> istr:
    return istr(name.decode("latin-1"))


def _write_name(name: str) -> bytes:
    if not isinstance(name, str):
        raise TypeError(f"a header's name is text, not {type(name).__name__}")
    return name.lower().encode("ascii")


# PERF: the names of a request's fields are decoded and put into lower case once for many requests, not for each: 0.1 µs
# a field («real»). The names that handlers look up are encoded once, too. Safe because the tables are bounded.
_request_names = BoundedTable(_read_name, 256, {name.encode(): istr(name) for name in _USUAL_NAMES.split()})
_asked_names = BoundedTable(_write_name, 256)


def read_all(fields: Iterable[tuple[bytes, bytes]]) -> Header:
    """Read all header fields of an ASGI scope.

    Args:
        fields: names and values as bytes. Values are UTF-8; what is not becomes lone surrogates, as in Sanic.
    """
    if type(fields) is not list:
        fields = list(fields)  # an iterator could not be read a second time
    try:
        if len(fields) > _MANY_FIELDS:
            # PERF: without the table, in which names that are new take the places of others: a quarter of the time of
            # 1,000 fields («large»). Safe because `Header` ignores case by itself.
            return Header([(name.decode("latin-1"), value.decode()) for name, value in fields])
        # PERF: without arguments `decode` takes a third of the time. Safe because what is not UTF-8 raises, and is read
        # below.
        return Header([(_request_names[name], value.decode()) for name, value in fields])
    except (UnicodeDecodeError, TypeError):
        # A `bytearray` has no hash.
        return Header([(_read_name(name), value.decode("utf-8", "surrogateescape")) for name, value in fields])


def read_fields(fields: Iterable[tuple[bytes, bytes]]) -> Header:
    """Return the header fields of an ASGI scope, decoded when they are looked up.

    A field whose name is repeated or has capital letters makes it decode all fields at once.

    Args:
        fields: as in `read_all`.
    """
    # PERF: 1 µs of a request with 14 fields of which three are read («real»), two thirds of one with 1,000 fields of
    # which ten are read («large»). Safe because names in lower case that differ as bytes differ as text, too. Servers
    # send lower case (ASGI specification, HTTP connection scope), but middleware may add other names.
    if type(fields) is list:
        try:
            by_name = dict(fields)
            if len(by_name) == len(fields) and b"".join(by_name).islower():
                header = _new(RequestHeader)
                header._fields = by_name
                return header  # type: ignore[return-value]
        except (TypeError, ValueError):
            pass
    return read_all(fields)


class RequestHeader:
    """The header fields of a request, which behave as a `Header` and are decoded when they are looked up.

    >>> header = read_fields([(b"accept", b"text/html"), (b"x-id", b"7")])
    >>> header["X-ID"], header.getall("accept"), "host" in header
    ('7', ['text/html'], False)
    >>> isinstance(header, Header), header == Header({"accept": "text/html", "x-id": "7"})
    (True, True)
    """

    # The fields by name, until the mapping is built of them.
    _fields: dict[bytes, bytes] | None = None
    _built: Header | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return Header

    def _build(self) -> Header:
        """Return the mapping of text, which has the fields from the first call on."""
        fields = self._fields
        if fields is not None:
            self._built = read_all(list(fields.items()))
            self._fields = None
        return self._built  # type: ignore[return-value]

    # Reading one field ----------------------------------------------------------------------------------------------
    # The mapping of text decides about a name that is not ASCII or no text, and about a value that is not UTF-8.

    def get(self, key: str, default: Any = None) -> Any:
        fields = self._fields
        if fields is not None:
            try:
                value = fields.get(_asked_names[key])
                return default if value is None else value.decode()
            except (TypeError, UnicodeError):
                pass
        return self._build().get(key, default)

    def getone(self, key: str, *default: Any) -> Any:
        fields = self._fields
        if fields is not None:
            try:
                return fields[_asked_names[key]].decode()
            except (TypeError, KeyError, UnicodeError):
                pass
        return self._build().getone(key, *default)

    def getall(self, key: str, *default: Any) -> Any:
        fields = self._fields
        if fields is not None:
            try:
                value = fields.get(_asked_names[key])
                if value is not None:
                    return [value.decode()]
                if default:
                    return default[0]
            except (TypeError, UnicodeError):
                pass
        return self._build().getall(key, *default)

    def get_all(self, key: str) -> list[str]:
        values: list[str] = self.getall(key, [])
        return values

    def __getitem__(self, key: str) -> str:
        fields = self._fields
        if fields is not None:
            try:
                return fields[_asked_names[key]].decode()
            except (TypeError, KeyError, UnicodeError):
                pass
        return self._build()[key]

    def __contains__(self, key: object) -> bool:
        fields = self._fields
        if fields is not None:
            try:
                return _asked_names[key] in fields  # type: ignore[index]
            except (TypeError, UnicodeError):
                pass
        return key in self._build()

    def __len__(self) -> int:
        return len(self._build() if self._fields is None else self._fields)

    # All fields, and changes ----------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # The methods of `Header`, and the attributes that it makes of names of fields.
        return getattr(self._build(), name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._build())

    def __setitem__(self, key: str, value: Any) -> None:
        self._build()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._build()[key]

    def __eq__(self, other: object) -> bool:
        if type(other) is RequestHeader:
            other = other._build()
        return self._build() == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._build())

    def __dir__(self) -> Iterable[str]:
        return dir(self._build())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._build().__reduce_ex__(protocol)


# As in Sanic, where programs log the name of the type.
RequestHeader.__name__ = RequestHeader.__qualname__ = "Header"
_new = object.__new__
