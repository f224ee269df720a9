"""Exceptions that must not prevent their own answer.

An exception is an object of somebody's class: `__getattr__`, `__str__`, `__bool__` or `__class__` may raise, and
`__dict__` or `args` may be anything. The error boundary, the error pages and the log read exceptions through this
module, which looks at their types and at the interpreter's own slots, where no class can interfere.

An exception that a log formatter or a server could not read is replaced by a `BrokenException` before it goes there.
Handlers that the user registered always get the exception that was raised.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

# The mark that an exception was answered with 500 and logged, and is on its way to the server. On the exception it
# keeps the server from logging it again. Whether this very request was answered stands in its scope, because an
# exception may be raised more than once: a failed task that several requests await.
REPORTED = "_sanic_star_reported"
# Where the scope has an object that stands for one request, where middleware or a mount may copy the scope: then the
# mark on the exception is that object, and the application around sees that this very request was answered.
EXCHANGE = "sanic_star.exchange"

# Raised to end the process, or by the interpreter that closes a coroutine, which must not await anything then.
PASSED_ON = (KeyboardInterrupt, SystemExit, GeneratorExit)

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

_SLOTS: dict[str, Any] = dict(vars(BaseException))
_TYPE_NAME: Any = vars(type)["__name__"]
_MEMBERS: Any = vars(BaseExceptionGroup)["exceptions"]
# What `logging`, `traceback` and servers read of an exception.
_READ = ("__cause__", "__context__", "__suppress_context__", "__traceback__", "__notes__", "__class__", REPORTED)


class RefusedRequest(HTTPException):
    """The engine itself refuses a request, or gives it up: a limit is exceeded (408, 413, 431), the stop (503).

    The layer above translates it into its own exception before it looks for a handler. What a user raises as
    `HTTPException` stays what it is.
    """


class BrokenException(Exception):
    """Stands for an exception that cannot be read: its message names the class, its traceback is the original's."""


def is_a(error: BaseException, kinds: type[Any] | tuple[type[Any], ...]) -> bool:
    """Do what `isinstance` does by the object's type alone: `__class__` may be a property that raises."""
    return issubclass(type(error), kinds)


def attribute(error: BaseException, name: str, default: Any = None) -> Any:
    """Return an attribute, or `default` also where reading it raises."""
    try:
        return getattr(error, name, default)
    except PASSED_ON:
        raise
    except BaseException:
        return default


def attributes(error: BaseException) -> dict[str, Any]:
    """Return the exception's own `__dict__`, whatever its class makes of that name."""
    return _SLOTS["__dict__"].__get__(error)  # type: ignore[no-any-return]


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback that the interpreter has recorded."""
    return _SLOTS["__traceback__"].__get__(error)  # type: ignore[no-any-return]


def cause_of(error: BaseException) -> BaseException | None:
    """Return the exception that this one was raised from."""
    return _SLOTS["__cause__"].__get__(error)  # type: ignore[no-any-return]


def type_name(error: BaseException) -> str:
    """Return the name of the exception's class.

    >>> type_name(KeyError())
    'KeyError'
    """
    return str(_TYPE_NAME.__get__(type(error)))


def message_of(error: BaseException) -> str:
    """Return `str(error)`, or a placeholder where that raises.

    >>> class Shy(Exception):
    ...     def __str__(self):
    ...         raise ValueError
    >>> message_of(Shy())
    '<Shy without a readable message>'
    """
    try:
        return str(error)
    except PASSED_ON:
        raise
    except BaseException:
        return f"<{type_name(error)} without a readable message>"


def encodable(text: str) -> str:
    r"""Write lone surrogates, which UTF-8 cannot encode, as escapes; file names that are no UTF-8 have them.

    >>> encodable("no file \udcff")
    'no file \\udcff'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def related(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception with its causes, its contexts and the members of groups, each of them once."""
    waiting, seen = [error], {id(error)}
    while waiting:
        current = waiting.pop()
        yield current
        linked = [_SLOTS[name].__get__(current) for name in ("__cause__", "__context__")]
        if is_a(current, BaseExceptionGroup):
            linked += _MEMBERS.__get__(current)
        for other in linked:
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)


def members(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group and in the groups within it; an exception that is no group yields itself.

    >>> [type(member) for member in members(ExceptionGroup("", [ExceptionGroup("", [KeyError()]), OSError()]))]
    [<class 'KeyError'>, <class 'OSError'>]
    """
    if not is_a(error, BaseExceptionGroup):
        yield error
        return
    for member in _MEMBERS.__get__(error):
        yield from members(member)


def only_member(error: BaseException) -> BaseException:
    """Return the exception that a group holds, if it is just one; else the group, or the exception that is no group.

    `asyncio.TaskGroup` raises a group also where a single task has failed.
    """
    found = members(error)
    first = next(found)
    return error if next(found, None) is not None else first


def is_circular(error: BaseException) -> bool:
    """Tell whether an exception comes again among its own causes and contexts.

    The interpreter breaks such circles for `__context__`; `raise … from` and assignment can make others.
    """
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None:
        if id(current) in seen:
            return True
        seen.add(id(current))
        suppressed = _SLOTS["__suppress_context__"].__get__(current)
        cause = cause_of(current)
        current = cause if cause is not None else (None if suppressed else _SLOTS["__context__"].__get__(current))
    return False


# Whether a class leaves reading its exceptions to `BaseException`. By weak references, as classes may come and go.
_plain_classes: WeakKeyDictionary[type[BaseException], bool] = WeakKeyDictionary()


def _is_plain(kind: type[BaseException]) -> bool:
    plain = _plain_classes.get(kind)
    if plain is None:
        names = {*_READ, "__getattribute__", "__getattr__", "__bool__", "__len__"}
        namespaces = (vars(base) for base in type.mro(kind) if base not in (BaseException, Exception, object))
        plain = _plain_classes[kind] = type(kind) is type and not any(names & own.keys() for own in namespaces)
    return plain


def readable(error: BaseException) -> BaseException:
    """Return the exception, or a `BrokenException` where a log formatter or a server could not read it."""
    cause, context = _SLOTS["__cause__"].__get__(error), _SLOTS["__context__"].__get__(error)
    if cause is None and context is None and _is_plain(type(error)):
        # PERF: most exceptions are alone and plain; to look at each attribute takes 3 µs («errors»).
        return error
    try:
        for current in related(error):
            bool(current)
            for name in _READ:
                getattr(current, name, None)
    except PASSED_ON:
        raise
    except BaseException as failure:
        culprit = type_name(current)
        broken = BrokenException(f"{type_name(error)}: reading {culprit} raised {type_name(failure)}")
        return broken.with_traceback(traceback_of(error))
    return error


def exc_info(error: BaseException) -> ExcInfo:
    """Return what `logging` takes as `exc_info`.

    Three values, not the exception: `logging` would ask that for its truth value, and an empty container is false.
    """
    error = readable(error)
    return type(error), error, traceback_of(error)


def format_error(error: BaseException) -> str:
    """Return the traceback as text, with the causes if all of them can be read."""
    try:
        return "".join(traceback.format_exception(*exc_info(error)))
    except Exception:
        frames = traceback.format_tb(traceback_of(error))
        return "".join([*frames, f"{type_name(error)}: {message_of(error)}\n"])


def log_error(logger: logging.Logger, error: BaseException | None, message: str, *args: object) -> None:
    """Log at the level ERROR on the way of an answer, which a failing log handler must not take away.

    Args:
        logger: where to.
        error: the exception to show; none if `None`.
        message: with placeholders, as `logging` takes it.
        args: the values for these.
    """
    try:
        logger.error(message, *args, exc_info=None if error is None else exc_info(error), stacklevel=2)
    except Exception:
        complain()


def complain() -> None:
    """Print the exception that is being handled to standard error, as `logging` does with errors of its handlers."""
    if logging.raiseExceptions:
        try:
            print("--- Logging error ---", traceback.format_exc(), sep="\n", file=sys.stderr)
        except Exception:
            pass  # standard error is closed, too


def mark(error: BaseException, scope: Scope) -> None:
    """Note that an exception was answered and logged; it goes on to the server."""
    # Not by `setattr`, which an exception may refuse: a frozen dataclass does.
    attributes(error)[REPORTED] = scope.get(EXCHANGE, True)
    scope[REPORTED] = id(error)


def ends_here(error: BaseException, send: Send) -> bool:
    """Tell whether an exception must not reach the server, which would close a connection that the client still uses.

    uvicorn closes the connection of an application that raises, also if the exception comes after a complete response
    that did not announce it: that of a background task. The client would lose the next request. Servers that keep the
    connection get the exception, as do test clients, and tracing tools that pass on a `send` of their own.

    Args:
        error: what was raised.
        send: the ASGI callable that the raising application got; uvicorn's is a method of the request and response.
    """
    if not is_marked(error):
        return False
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    return getattr(cycle, "response_complete", False) is True and transport is not None and not transport.is_closing()


def break_off(send: Send) -> None:
    """Close the connection of a response that an exception has cut off, under a server that would leave it open.

    Other servers do so when the application raises. daphne leaves the client waiting.

    Args:
        send: the ASGI callable of the server; daphne's is a partial function, whose first argument is its request.
    """
    request = next(iter(getattr(send, "args", ())), None)
    abort = getattr(getattr(request, "transport", None), "abortConnection", None)
    if abort is not None and getattr(request, "_response_started", False) and not getattr(request, "finished", True):
        abort()


def is_marked(error: object) -> bool:
    """Tell whether an exception was logged already."""
    return issubclass(type(error), BaseException) and REPORTED in attributes(error)  # type: ignore[arg-type]
