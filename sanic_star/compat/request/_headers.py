"""The header fields of a request, which are decoded when they are looked up.

A handler reads only a few fields. So `Request.headers` stores the fields as bytes, and decodes a field on access. A
mapping of text is built when something needs all fields: iteration, a change, a comparison.

A `RequestHeader` behaves like a `Header`, and `isinstance(request.headers, CIMultiDict)` is true, but it is not a
subclass. The C functions of multidict read the memory of a subclass and skip its methods: they would see an empty
mapping. From any other object they take `items()`, so `CIMultiDict(request.headers)` and `update(request.headers)` see
all fields. Two things need `request.headers.copy()`, a real `Header`: `CIMultiDictProxy`, and unbound methods such as
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
_NO_DEFAULT: Any = object()


def _decode_name(name: bytes) -> istr:
    return istr(name.decode("latin-1"))


def _encode_name(name: str) -> bytes:
    if not isinstance(name, str):
        raise TypeError(f"the name of a header field is a string, not {type(name).__name__}")
    return name.lower().encode("ascii")


# PERF: a field's name is decoded once for many requests, and so is the name that a handler looks up encoded: 0.1 µs a
# field («real»). Safe because the result depends only on the name, and because the tables are bounded. The
# second one has no seed: its keys are the names that code looks up, and clients do not choose them.
_decoded_names = BoundedTable(_decode_name, 256, {name.encode(): istr(name) for name in _USUAL_NAMES.split()})
_encoded_names = BoundedTable(_encode_name, 256)


def read_all(fields: Iterable[tuple[bytes, bytes]]) -> Header:
    """Read all header fields of an ASGI scope.

    Args:
        fields: names and values as bytes. Values are UTF-8; other bytes become lone surrogates, as in Sanic.
    """
    if type(fields) is not list:
        fields = list(fields)  # because they may be read twice, which an iterator does not allow
    try:
        if len(fields) > _MANY_FIELDS:
            # PERF: does not use the table, which so many names would fill and empty: for 1,000 fields a quarter of the
            # time («large»). Safe because `Header` itself ignores the case of names.
            return Header([(name.decode("latin-1"), value.decode()) for name, value in fields])
        # PERF: without arguments `decode` takes a third of the time. Safe because it raises for bytes that are not
        # UTF-8, which are then read below.
        return Header([(_decoded_names[name], value.decode()) for name, value in fields])
    except (UnicodeDecodeError, TypeError):
        # A `bytearray` has no hash.
        return Header([(_decode_name(name), value.decode("utf-8", "surrogateescape")) for name, value in fields])


def read_fields(fields: Iterable[tuple[bytes, bytes]]) -> Header:
    """Return the header fields of an ASGI scope, decoded when they are looked up.

    If a name is repeated or has capital letters, all fields are decoded at once.

    Args:
        fields: as in `read_all`.
    """
    # PERF: saves 1 µs of a request with 14 fields of which three are read («real»), and two thirds of the time of 1,000
    # fields of which ten are read («large»). Safe because different names in lower case also differ as text. The names
    # of servers are in lower case (ASGI specification, HTTP connection scope), but middleware may add others.
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
    """The header fields of a request: behaves like a `Header`, and decodes a field when it is looked up.

    >>> header = read_fields([(b"accept", b"text/html"), (b"x-id", b"7")])
    >>> header["X-ID"], header.getall("accept"), "host" in header
    ('7', ['text/html'], False)
    >>> isinstance(header, Header), header == Header({"accept": "text/html", "x-id": "7"})
    (True, True)
    """

    # The fields by name, until the mapping of text is built.
    _fields: dict[bytes, bytes] | None = None
    _built: Header | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return Header

    def _build(self) -> Header:
        """Return the mapping of text; the first call builds it."""
        fields = self._fields
        if fields is not None:
            self._built = read_all(list(fields.items()))
            self._fields = None
        return self._built  # type: ignore[return-value]

    # Reading one field ----------------------------------------------------------------------------------------------
    # The mapping of text handles a name that is not an ASCII string, and a value that is not UTF-8.

    def get(self, key: str, default: Any = None) -> Any:
        """Return the first value of a field, or the default.

        Args:
            key: the field's name, in any case.
            default: returned if the field is missing.
        """
        fields = self._fields
        if fields is not None:
            try:
                value = fields.get(_encoded_names[key])
                return default if value is None else value.decode()
            except (TypeError, UnicodeError):
                pass
        return self._build().get(key, default)

    def getone(self, key: str, default: Any = _NO_DEFAULT) -> Any:
        """Return the first value of a field, or the default.

        Args:
            key: the field's name, in any case.
            default: returned if the field is missing.

        Raises:
            KeyError: the field is missing, and there is no default.
        """
        fields = self._fields
        if fields is not None:
            try:
                return fields[_encoded_names[key]].decode()
            except (TypeError, KeyError, UnicodeError):
                pass
        header = self._build()
        return header[key] if default is _NO_DEFAULT else header.getone(key, default)

    __getitem__ = getone

    def getall(self, key: str, default: Any = _NO_DEFAULT) -> Any:
        """Return all values of a field, or the default.

        Args:
            key: the field's name, in any case.
            default: returned if the field is missing.

        Raises:
            KeyError: the field is missing, and there is no default.
        """
        fields = self._fields
        if fields is not None:
            try:
                value = fields.get(_encoded_names[key])
                if value is not None:
                    return [value.decode()]
                if default is not _NO_DEFAULT:
                    return default
            except (TypeError, UnicodeError):
                pass
        header = self._build()
        return header.getall(key) if default is _NO_DEFAULT else header.getall(key, default)

    def get_all(self, key: str) -> list[str]:
        """Return all values of a field; an empty list if it is missing."""
        values: list[str] = self.getall(key, [])
        return values

    def __contains__(self, key: object) -> bool:
        fields = self._fields
        if fields is not None:
            try:
                return _encoded_names[key] in fields  # type: ignore[index]
            except (TypeError, UnicodeError):
                pass
        return key in self._build()

    def __len__(self) -> int:
        return len(self._build() if self._fields is None else self._fields)

    # All fields, and changes ----------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # The other methods of `Header`, and its attributes for fields.
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


# As in Sanic: some programs log the name of the type.
RequestHeader.__name__ = RequestHeader.__qualname__ = "Header"
_new = object.__new__
