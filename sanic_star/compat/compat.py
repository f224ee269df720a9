"""The headers of a request or response, and small differences between platforms."""

from __future__ import annotations

import os
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from typing import Any, Self

import anyio
import anyio.to_thread
from multidict import CIMultiDict, istr

from sanic_star.compat._support.lazy import BoundedTable, pattern

OS_IS_WINDOWS = os.name == "nt"
UVLOOP_INSTALLED: bool

# The exceptions that cancel a task; in Sanic they depend on the event loop.
CancelledErrors: tuple[type[BaseException], ...] = (CancelledError,)


def __getattr__(name: str) -> Any:
    if name == "ctrlc_workaround_for_windows":
        from sanic_star.compat._support.stand_ins import stand_ins  # imported late: this package does not use the name

        (stand_in,) = stand_ins(__name__, name)
        return stand_in
    if name != "UVLOOP_INSTALLED":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # PERF: `find_spec` searches `sys.path`, which takes longer than the import of this module. Safe because a process
    # does not install packages.
    from importlib.util import find_spec

    is_installed = globals()[name] = find_spec("uvloop") is not None
    return is_installed


def __dir__() -> list[str]:
    return sorted({*globals(), "UVLOOP_INSTALLED"})


# The classes with a `start_method`. The module of `Sanic` adds it, because this module cannot import that one.
_classes_with_start_method: list[Any] = []


@contextmanager
def use_context(method: str) -> Iterator[None]:
    """Set `Sanic.start_method`, with which worker processes are started, for a `with` block.

    Args:
        method: `fork`, `forkserver` or `spawn`.
    """
    former_methods = [(cls, cls.start_method) for cls in _classes_with_start_method]
    for cls in _classes_with_start_method:
        cls.start_method = method
    try:
        yield
    finally:
        for cls, start_method in former_methods:
            cls.start_method = start_method


class UpperStrEnum(StrEnum):
    """A `StrEnum` of upper-case names; a member equals its value in any case, and has the hash of the value.

    Examples:
        >>> class Unit(UpperStrEnum):
        ...     KILO = "KILO"
        >>> Unit.KILO == "kilo"
        True
    """

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[Any]) -> str:
        return name.upper()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.value == other.upper()

    def __hash__(self) -> int:
        return hash(self.value)


_TOKEN = pattern(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")


def _encode_name(name: str) -> bytes:
    check_field(name, "")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"header {name!r}: a name has only letters, digits and !#$%&'*+-.^_`|~")
    return name.lower().encode("ascii")


def _check_name(name: str) -> istr:
    if not isinstance(name, str):
        raise TypeError(f"the name of a header field is a string, not {type(name).__name__}")
    check_field(name, "")
    return name if isinstance(name, istr) else istr(name)


# The names of response fields. Each name is checked once to set the field, and checked and encoded once to send it.
_checked_names = BoundedTable(_check_name, 256)
_field_names = BoundedTable(_encode_name, 256)


def check_field(name: object, value: object) -> None:
    """Raise for a header field that contains the end of a field, because other fields could follow it.

    See RFC 9110, section 5.5.

    Args:
        name: the field's name.
        value: its text; a value of another type is checked when it is sent.

    Raises:
        ValueError: the name or the value contains CR, LF or NUL.
    """
    # PERF: two calls instead of six searches for most fields: 0.3 µs a field. Safe because CR, LF and NUL are not
    # printable.
    if type(value) is str and type(name) is str and value.isprintable() and name.isprintable():
        return
    for part, text in (("name", name), ("value", value)):
        if isinstance(text, str) and ("\r" in text or "\n" in text or "\0" in text):
            raise ValueError(f"header {name!r}: CR, LF and NUL are invalid in a {part}, got {text!r}")


def check_foreign(response: Any) -> None:
    """Raise for a Starlette response with a header field that contains CR, LF or NUL; some servers would send it.

    Args:
        response: a Starlette response, or any ASGI application, whose fields are not known yet.

    Raises:
        ValueError: a field contains CR, LF or NUL.
    """
    fields = getattr(response, "raw_headers", None)
    if not fields:
        return
    # PERF: one search in all fields together: 0.3 µs. Safe because after a match each field is checked separately.
    joined_fields = b"".join(chain.from_iterable(fields))
    if b"\r" in joined_fields or b"\n" in joined_fields or b"\0" in joined_fields:
        for name, value in fields:
            check_field(name.decode("latin-1"), value.decode("latin-1"))


# PERF: a call takes half the time of a call through `super()`. Safe because `Header` has no other base.
_set_item: Any = CIMultiDict.__setitem__
_add_item: Any = CIMultiDict.add


class Header(CIMultiDict[str]):
    """The header fields of a request or response: a multidict that ignores the case of names.

    Setting a field with CR, LF or NUL raises. The constructor does not check fields, because a server has checked those
    of a request; `checked` is for fields of an application.

    Each field is also an attribute, with `_` instead of `-`: its values, joined by commas, or an empty string if it is
    missing.

    Examples:
        >>> headers = Header([("Accept", "text/html"), ("accept", "text/plain")])
        >>> headers["accept"]
        'text/html'
        >>> headers.accept
        'text/html,text/plain'
        >>> headers.content_type
        ''
    """

    # The undecoded fields of `request._headers.RequestHeader`, which passes for this class.
    _fields: dict[bytes, bytes] | None = None

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        # `headers.get_` is the field `get`, because `headers.get` is a method.
        return ",".join(self.get_all(name.rstrip("_").replace("_", "-")))

    def get_all(self, key: str) -> list[str]:
        """Return all values of a field; an empty list if it is missing.

        Args:
            key: the field's name, in any case.

        Examples:
            >>> Header({"etag": '"1"'}).get_all("vary")
            []
        """
        return self.getall(key, [])

    @classmethod
    def checked(cls, *fields: Any, **more: Any) -> Self:
        """Return a `Header` with the checked fields of a response.

        Args:
            fields: a mapping, or pairs of name and value.
            more: further fields by name.

        Raises:
            ValueError: a field contains CR, LF or NUL.

        Examples:
            >>> Header.checked({"x-a": "1"})["X-A"]
            '1'
        """
        header = cls(*fields, **more)
        for name, value in header.items():
            # PERF: without a call for most fields, and safe as in `__setitem__`.
            if type(value) is str and value.isprintable():
                _checked_names[name]
            else:
                check_field(name, value)
        return header

    def __setitem__(self, key: str, value: Any) -> None:
        # PERF: a name that was set before is already checked and in lower case: 0.3 µs a field («real»).
        # `CIMultiDict.__setitem__` is a slot, and a call of it takes 0.1 µs longer than the search and `add`. Safe
        # because a printable value cannot end the field, and because both calls have the same effect for a new name.
        if type(value) is str and value.isprintable():
            name = _checked_names[key]
            if name in self:
                _set_item(self, name, value)
            else:
                _add_item(self, name, value)
        else:
            check_field(key, value)
            _set_item(self, key, value)

    def add(self, key: str, value: Any) -> None:
        """Add a field, even if there is already a field of that name.

        Args:
            key: the field's name.
            value: its value.

        Raises:
            ValueError: the name or the value contains CR, LF or NUL.
        """
        check_field(key, value)
        _add_item(self, key, value)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Set a field if it is missing; return its value.

        Args:
            key: the field's name.
            default: the value for a missing field.

        Raises:
            ValueError: the name or the value contains CR, LF or NUL.
        """
        check_field(key, default)
        return super().setdefault(key, default)

    def extend(self, *fields: Any, **more: Any) -> None:
        """Add fields; arguments and exceptions are those of `checked`."""
        super().extend(self.checked(*fields, **more))

    def update(self, *fields: Any, **more: Any) -> None:
        """Set fields, which replace those of the same names; arguments and exceptions are those of `checked`."""
        super().update(self.checked(*fields, **more))

    def append(self, key: str, value: str) -> None:
        """Add a field, as `add` does; the method's name in Starlette.

        Args:
            key: the field's name.
            value: its value.

        Raises:
            ValueError: the name or the value contains CR, LF or NUL.

        Examples:
            >>> headers = Header({"vary": "accept"})
            >>> headers.append("vary", "cookie")
            >>> headers.get_all("vary")
            ['accept', 'cookie']
        """
        self.add(key, value)

    def add_vary_header(self, vary: str) -> None:
        """Append a field name to the `Vary` field, as in Starlette.

        Args:
            vary: the name of a request field on which the response depends.
        """
        self["vary"] = f"{self['vary']}, {vary}" if "vary" in self else vary


def _header_of_response(fields: Any) -> Header:
    """Return the fields of a response as a `Header`: the same object if it is one, or else a checked copy.

    Args:
        fields: a mapping, pairs, or `None`.

    Raises:
        ValueError: a field contains CR, LF or NUL.
    """
    # Tests the type, because `isinstance` is also true for `RequestHeader`.
    return fields if issubclass(type(fields), Header) else Header.checked(fields or {})


async def stat_async(path: str | os.PathLike[str]) -> os.stat_result:
    """Return the result of `os.stat`, which runs in a thread.

    Args:
        path: the path of a file or directory.

    Raises:
        OSError: the path cannot be accessed.
    """
    return await anyio.to_thread.run_sync(os.stat, path)


async def open_async(file: Any, mode: Any = "r", **kwargs: Any) -> anyio.AsyncFile[Any]:
    """Open a file whose methods are coroutines: `async with await open_async(path) as file`.

    Args:
        file: its path.
        mode: as for the built-in `open`.
        kwargs: further keyword arguments of the built-in `open`.

    Raises:
        OSError: the file cannot be opened.
    """
    async_file: anyio.AsyncFile[Any] = await anyio.open_file(file, mode, **kwargs)
    return async_file
