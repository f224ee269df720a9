"""Exceptions with a hostile interface: reading them raises, or returns a wrong type.

`EXCEPTIONS` has a factory for each; a test's server and its client look them up by name.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from starlette.exceptions import HTTPException

from sanic_star import NotFound, SanicException

Factory = Callable[[], BaseException]

METHODS = (
    *("__getattr__", "__getattribute__", "__str__", "__repr__", "__eq__", "__hash__", "__bool__", "__len__"),
    *("__format__", "__reduce_ex__", "__setattr__", "__iter__", "__call__", "__dir__"),
)
PROPERTIES = (
    *("__class__", "__cause__", "__context__", "__traceback__", "__suppress_context__", "__notes__", "__dict__"),
    *("args", "status_code", "headers", "message", "detail", "quiet", "extra", "context", "__doc__", "__module__"),
)
BASES: tuple[tuple[type[BaseException], tuple[Any, ...]], ...] = (
    (Exception, ("told",)),
    (SanicException, ("told",)),
    (NotFound, ("told",)),
    (HTTPException, (404,)),
    (BaseException, ("told",)),
)
DATA = (5, b"\xff", [1], {1: 2}, {(1, 2): 3}, {"a": object()}, {"\ud800": "\ud800"}, {"a": {1}}, {"a": 10**400})
WRONG_VALUES: dict[str, tuple[Any, ...]] = {
    "status_code": ("x", "404", None, 99, 0, -1, 100, 101, 1000, 10**30, 404.5, float("nan"), True, [404], b"404"),
    "headers": (
        *(5, "ab", [("a", "b")], {"a": None}, {"a\r\nb": "c"}, {"a": "b\r\nc: d"}, {1: 2}, {"a": "\ud800"}, {"": ""}),
    ),
    "detail": (None, 5, b"\xff", "\ud800", ["a"]),
    "message": (None, 5, b"\xff", "\ud800", ["a"]),
    "quiet": (None, 0, "no", []),
    "context": DATA,
    "extra": DATA,
}


class BoomError(Exception):
    """Raised by hostile methods."""


class Own(BaseException):
    """A user's own base exception."""


class OwnCancelled(asyncio.CancelledError):
    """A cancellation that cancels nothing."""


def boom(*_: object, **__: object) -> Any:
    raise BoomError("boom")


class Bad:
    """An object whose special methods all raise."""

    __str__ = __repr__ = __bool__ = __len__ = __iter__ = __eq__ = __hash__ = __int__ = boom


def _nested(levels: int) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    inner = whole
    for _ in range(levels):
        inner["x"] = inner = {}
    return whole


def _circle() -> dict[str, Any]:
    whole: dict[str, Any] = {}
    whole["x"] = whole
    return whole


def _with_class_attribute(base: type[BaseException], arguments: tuple[Any, ...], name: str, value: Any) -> Factory:
    def make() -> BaseException:
        kind: Any = type("Hostile", (base,), {})
        error: BaseException = kind(*arguments)
        setattr(kind, name, value)
        return error

    return make


def _with_value(base: type[BaseException], arguments: tuple[Any, ...], name: str, value: Any) -> Factory:
    def make() -> BaseException:
        error = base(*arguments)
        object.__setattr__(error, name, value)
        return error

    return make


def _of_classes() -> Iterator[tuple[str, Factory]]:
    for base, arguments in BASES:
        for name in METHODS:
            yield f"{base.__name__} {name}()", _with_class_attribute(base, arguments, name, boom)
        for name in PROPERTIES:
            yield f"{base.__name__} {name}", _with_class_attribute(base, arguments, name, property(boom))
        if not issubclass(base, HTTPException):
            continue
        for name, values in WRONG_VALUES.items():
            for number, value in enumerate((*values, Bad(), {"bad": Bad()}, _circle(), _nested(10_000))):
                yield f"{base.__name__} {name} #{number}", _with_value(base, arguments, name, value)


class StringlyInt(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


class StringlyOwn(Exception):
    def __str__(self) -> str:
        raise Own


class AnswersAnything(Exception):
    def __getattr__(self, name: str) -> Any:
        return lambda *_: self


class Empty(Exception):
    """False, as an empty container is."""

    def __len__(self) -> int:
        return 0


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    number: int = 1


class WithoutInit(NotFound):
    def __init__(self) -> None:
        pass


class StarletteWithoutInit(HTTPException):
    def __init__(self) -> None:
        pass


class HiddenName(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__module__", "__qualname__", "__mro__"):
            raise BoomError(name)
        return type.__getattribute__(cls, name)


class WithHiddenName(Exception, metaclass=HiddenName):
    pass


class Unhashable(type):
    __hash__ = boom
    __eq__ = boom


class OfUnhashableClass(Exception, metaclass=Unhashable):
    pass


class HostileGroup(ExceptionGroup[Exception]):
    exceptions = property(boom)


def _cause(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def _circular() -> BaseException:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    return first


def _circular_context() -> BaseException:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    return first


def _own_cause() -> BaseException:
    error = NotFound("a")
    return _cause(error, error)


def _long_chain() -> BaseException:
    error: BaseException = ValueError("x")
    for _ in range(2_000):
        error = _cause(ValueError("y"), error)
    return error


def _deep_group() -> BaseException:
    error: Exception = ValueError("x")
    for _ in range(2_000):
        error = ExceptionGroup("g", [error])
    return error


def _odd_syntax_error() -> BaseException:
    error = SyntaxError("x")
    for name, value in {"filename": 5, "lineno": "x", "text": b"x", "offset": None}.items():
        setattr(error, name, value)
    return error


def _hostile(name: str) -> BaseException:
    return _with_class_attribute(Exception, ("told",), name, property(boom))()


_OTHERS: dict[str, Factory] = {
    "str() gives an int": lambda: StringlyInt(),
    "str() raises a base exception": lambda: StringlyOwn(),
    "every attribute is there": lambda: AnswersAnything("x"),
    "empty": lambda: Empty("x"),
    "frozen": lambda: Frozen(),
    "without init": lambda: WithoutInit(),
    "Starlette's without init": lambda: StarletteWithoutInit(),
    "class without a name": lambda: WithHiddenName("x"),
    "unhashable class": lambda: OfUnhashableClass("x"),
    "own": lambda: Own("own"),
    "GeneratorExit": lambda: GeneratorExit(),
    "CancelledError": lambda: asyncio.CancelledError(),
    "own CancelledError": lambda: OwnCancelled(),
    "StopIteration": lambda: StopIteration(),
    "StopAsyncIteration": lambda: StopAsyncIteration(),
    "MemoryError": lambda: MemoryError(),
    "RecursionError": lambda: RecursionError(),
    "group": lambda: ExceptionGroup("g", [ValueError("a"), ExceptionGroup("h", [NotFound("x"), KeyError(1)])]),
    "group of one NotFound": lambda: ExceptionGroup("g", [NotFound("x")]),
    "base group": lambda: BaseExceptionGroup("g", [Own(), ValueError()]),
    "base group of a cancellation": lambda: BaseExceptionGroup("g", [asyncio.CancelledError()]),
    "hostile group": lambda: HostileGroup("g", [ValueError()]),
    "group of hostile ones": lambda: BaseExceptionGroup("g", [_hostile(name) for name in PROPERTIES]),
    "wide group": lambda: ExceptionGroup("g", [ValueError(str(number)) for number in range(1_000)]),
    "deep group": _deep_group,
    "circular cause": _circular,
    "circular context": _circular_context,
    "its own cause": _own_cause,
    "long chain": _long_chain,
    **{f"cause: {name}": lambda name=name: _cause(ValueError("x"), _hostile(name)) for name in PROPERTIES},  # type: ignore[misc]
    "cause: own": lambda: _cause(ValueError("x"), Own()),
    "long message": lambda: ValueError("x" * 1_000_000),
    "surrogate": lambda: ValueError("\ud800\r\n\0"),
    "odd SyntaxError": _odd_syntax_error,
    "UnicodeDecodeError": lambda: UnicodeDecodeError("x", b"y", 0, 1, "z"),
}
EXCEPTIONS: dict[str, Factory] = {**dict(_of_classes()), **_OTHERS}
NAMES = list(EXCEPTIONS)
