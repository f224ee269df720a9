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

# Sanic's name for what cancels a task; there it depends on the event loop in use.
CancelledErrors: tuple[type[BaseException], ...] = (CancelledError,)


def __getattr__(name: str) -> Any:
    if name == "ctrlc_workaround_for_windows":
        from sanic_star.compat._support.stand_ins import stand_ins  # only for a name that nothing here uses

        (stand_in,) = stand_ins(__name__, name)
        return stand_in
    if name != "UVLOOP_INSTALLED":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # PERF: looking through the path takes longer than the rest of this module. Safe because what is installed does not
    # change while the process runs.
    from importlib.util import find_spec

    found = globals()[name] = find_spec("uvloop") is not None
    return found


# The classes with a `start_method`: the module of `Sanic` imports this one, and adds it.
_starting: list[Any] = []


@contextmanager
def use_context(method: str) -> Iterator[None]:
    """Set `Sanic.start_method` for a `with` block.

    Worker processes are started that way.

    Args:
        method: `fork`, `forkserver` or `spawn`.
    """
    before = [(cls, cls.start_method) for cls in _starting]
    for cls in _starting:
        cls.start_method = method
    try:
        yield
    finally:
        for cls, start_method in before:
            cls.start_method = start_method


class UpperStrEnum(StrEnum):
    """A `StrEnum` of upper-case names; it equals its value in any case, and hashes as the value is written.

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


def _write_name(name: str) -> bytes:
    check_field(name, "")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"header {name!r}: a name is made of letters, digits and !#$%&'*+-.^_`|~")
    return name.lower().encode("ascii")


def _set_name(name: str) -> istr:
    if not isinstance(name, str):
        raise TypeError(f"a header's name is text, not {type(name).__name__}")
    check_field(name, "")
    return name if isinstance(name, istr) else istr(name)


# The names of responses' fields: each is checked once for setting and once for sending, and put into lower case once.
_names_to_set = BoundedTable(_set_name, 256)
_field_names = BoundedTable(_write_name, 256)


def check_field(name: object, value: object) -> None:
    """Refuse what would end a header field, and could smuggle in others (RFC 9110, section 5.5).

    Args:
        name: the field's name.
        value: its text; anything else is looked at when it is written.

    Raises:
        ValueError: there is CR, LF or NUL in one of them.
    """
    # PERF: two calls, not six searches, for nearly all fields: 0.3 µs a field set. Safe because CR, LF and NUL are not
    # printable.
    if type(value) is str and type(name) is str and value.isprintable() and name.isprintable():
        return
    for what, text in (("name", name), ("value", value)):
        if isinstance(text, str) and ("\r" in text or "\n" in text or "\0" in text):
            raise ValueError(f"header {name!r}: CR, LF and NUL can't stand in a {what}, got {text!r}")


def check_foreign(response: Any) -> None:
    """Refuse a response of Starlette's with a header field that has CR, LF or NUL in it; not each server does.

    Args:
        response: whatever is to be sent; an ASGI application has no fields yet.

    Raises:
        ValueError: there is such a field.
    """
    fields = getattr(response, "raw_headers", None)
    if not fields:
        return
    # PERF: one search through all fields together: 0.3 µs. Safe because each field is checked by itself where that
    # search succeeds.
    whole = b"".join(chain.from_iterable(fields))
    if b"\r" in whole or b"\n" in whole or b"\0" in whole:
        for name, value in fields:
            check_field(name.decode("latin-1"), value.decode("latin-1"))


# PERF: a call of one takes half the time of a call by `super()`. Safe because `Header` has no other base.
_set_item: Any = CIMultiDict.__setitem__
_add_item: Any = CIMultiDict.add


class Header(CIMultiDict[str]):
    """HTTP headers: a multidict that ignores case in names.

    What would end a header field is refused when it is set. `Header(…)` itself takes what a server has read; `checked`
    is for what an application brings.

    Besides items it has attributes: the header with `_` for `-`, all values of it joined by commas, and an empty
    string where there is none.

    Examples:
        >>> headers = Header([("Accept", "text/html"), ("accept", "text/plain")])
        >>> headers["accept"]
        'text/html'
        >>> headers.accept
        'text/html,text/plain'
        >>> headers.content_type
        ''
    """

    # The bytes that the mapping is made of later; see `request._headers`.
    _fields: dict[bytes, bytes] | None = None

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        # A mark at the end tells a header apart from a method: `headers.get_`.
        return ",".join(self.get_all(name.rstrip("_").replace("_", "-")))

    def get_all(self, key: str) -> list[str]:
        """List the values of a header, none if it is not there.

        Examples:
            >>> Header({"etag": '"1"'}).get_all("vary")
            []
        """
        return self.getall(key, [])

    @classmethod
    def checked(cls, *fields: Any, **more: Any) -> Self:
        """Make one from the header fields of a response.

        Args:
            fields: a mapping, or pairs.
            more: further fields, by name.

        Raises:
            ValueError: there is CR, LF or NUL in one of them.

        Examples:
            >>> Header.checked({"x-a": "1"})["X-A"]
            '1'
        """
        made = cls(*fields, **more)
        for name, value in made.items():
            if not (name in _names_to_set and type(value) is str and value.isprintable()):  # PERF: as in `__setitem__`
                check_field(name, value)
        return made

    def __setitem__(self, key: str, value: Any) -> None:
        # PERF: a name that was set before is checked and in lower case, and a printable value has no character that
        # breaks off: 0.3 µs a field («real»). `CIMultiDict.__setitem__` is a slot, which takes twice as long to call as
        # the search and `add`: 0.1 µs more. Safe because both do the same where the name is new.
        if type(value) is str and value.isprintable():
            name = _names_to_set[key]
            if name in self:
                _set_item(self, name, value)
            else:
                _add_item(self, name, value)
        else:
            check_field(key, value)
            _set_item(self, key, value)

    def add(self, key: str, value: Any) -> None:
        """Add a field, whether there is one of that name or not."""
        check_field(key, value)
        _add_item(self, key, value)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Set a field that is not there; return what it says."""
        check_field(key, default)
        return super().setdefault(key, default)

    def extend(self, *fields: Any, **more: Any) -> None:
        """Add fields."""
        super().extend(self.checked(*fields, **more))

    def update(self, *fields: Any, **more: Any) -> None:
        """Set fields, in place of those of the same names."""
        super().update(self.checked(*fields, **more))

    def append(self, key: str, value: str) -> None:
        """Add a header beside others of that name: `add`, as code for Starlette calls it.

        Examples:
            >>> headers = Header({"vary": "accept"})
            >>> headers.append("vary", "cookie")
            >>> headers.get_all("vary")
            ['accept', 'cookie']
        """
        self.add(key, value)

    def add_vary_header(self, vary: str) -> None:
        """Add a name to the `Vary` header, as Starlette's headers do."""
        self["vary"] = f"{self['vary']}, {vary}" if "vary" in self else vary


def _header_of_response(fields: Any) -> Header:
    """Return the header fields that a response is given as a `Header`: the same object if it is one.

    Args:
        fields: a mapping, pairs, or `None`.

    Raises:
        ValueError: there is CR, LF or NUL in one of them.
    """
    # By the type, because `request.headers` only says that it is a `Header`.
    return fields if issubclass(type(fields), Header) else Header.checked(fields or {})


async def stat_async(path: str | os.PathLike[str]) -> os.stat_result:
    """Return what `os.stat` does, without holding up the event loop."""
    return await anyio.to_thread.run_sync(os.stat, path)


async def open_async(file: Any, mode: Any = "r", **kwargs: Any) -> anyio.AsyncFile[Any]:
    """Open a file whose methods are coroutines: `async with await open_async(path) as file`.

    Args:
        file: its path.
        mode: as for `open`, whose other keyword arguments are taken, too.

    Raises:
        OSError: it cannot be opened.
    """
    opened: anyio.AsyncFile[Any] = await anyio.open_file(file, mode, **kwargs)
    return opened
