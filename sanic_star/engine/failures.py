"""Safe access to exceptions, so that none of them prevents its own answer.

An exception may have any class: its `__getattr__`, `__str__`, `__bool__` or `__class__` may raise, and its `__dict__`
or `args` may be anything. The error boundary, the error pages and the log read exceptions through this module. It uses
their types and the slots of `BaseException`, which no class can override.

An exception that a log formatter or a server cannot read is replaced by a `BrokenException` before it gets there. The
user's exception handlers always get the exception that was raised.
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
from starlette.types import Message, Scope, Send

# An attribute of an exception that was answered with 500 and logged: the server's log drops it. The scope has an entry
# of the same name, because an exception may be raised for several requests that await one failed task.
REPORTED = "_sanic_star_reported"
# The key in a scope of an object that represents one request, if middleware or a mount may copy the scope. The
# attribute `REPORTED` is then this object, so that the outer application knows that this request was answered.
EXCHANGE = "sanic_star.exchange"

# Exceptions that are never answered: they end the process or, as `GeneratorExit`, a coroutine that must not await.
PASSED_ON = (KeyboardInterrupt, SystemExit, GeneratorExit)

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

_SLOTS: dict[str, Any] = dict(vars(BaseException))
_TYPE_NAME: Any = vars(type)["__name__"]
_MEMBERS: Any = vars(BaseExceptionGroup)["exceptions"]
# The attributes of exceptions that `logging`, `traceback` and servers read.
_READ_ATTRIBUTES = (
    "__cause__",
    "__context__",
    "__suppress_context__",
    "__traceback__",
    "__notes__",
    "__class__",
    REPORTED,
)


class RefusedRequest(HTTPException):
    """Raised if the engine itself refuses or cancels a request: a limit is exceeded (408, 413, 431), the stop (503).

    The layer above translates it into its own exception before it looks for a handler. An `HTTPException` that a user
    raises is not translated.
    """


class BrokenException(Exception):
    """Replaces an exception that cannot be read: its message names the class, its traceback is the original's."""


def is_a(error: BaseException, kinds: type[Any] | tuple[type[Any], ...]) -> bool:
    """Do what `isinstance` does, by the type alone, because `__class__` may be a property that raises.

    Args:
        error: the exception.
        kinds: a class, or several.
    """
    return issubclass(type(error), kinds)


def attribute(error: BaseException, name: str, default: Any = None) -> Any:
    """Return an attribute, or a default if it is missing or reading it raises.

    Args:
        error: the exception.
        name: the attribute's name.
        default: the default.
    """
    try:
        return getattr(error, name, default)
    except PASSED_ON:
        raise
    except BaseException:
        return default


def attributes(error: BaseException) -> dict[str, Any]:
    """Return the exception's `__dict__`, even if its class overrides that name."""
    return _SLOTS["__dict__"].__get__(error)  # type: ignore[no-any-return]


def traceback_of(error: BaseException) -> TracebackType | None:
    """Return the traceback that the interpreter has recorded."""
    return _SLOTS["__traceback__"].__get__(error)  # type: ignore[no-any-return]


def cause_of(error: BaseException) -> BaseException | None:
    """Return the `__cause__` of an exception."""
    return _SLOTS["__cause__"].__get__(error)  # type: ignore[no-any-return]


def type_name(error: BaseException) -> str:
    """Return the name of the exception's class.

    >>> type_name(KeyError())
    'KeyError'
    """
    return str(_TYPE_NAME.__get__(type(error)))


def message_of(error: BaseException) -> str:
    """Return `str(error)`, or a placeholder if that raises.

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
    r"""Escape lone surrogates, which UTF-8 cannot encode. Names of files have them if they are not UTF-8.

    Args:
        text: the text.

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
        for exception in linked:
            if exception is not None and id(exception) not in seen:
                seen.add(id(exception))
                waiting.append(exception)


def members(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group and its inner groups; yield an exception that is not a group itself.

    >>> [type(member) for member in members(ExceptionGroup("", [ExceptionGroup("", [KeyError()]), OSError()]))]
    [<class 'KeyError'>, <class 'OSError'>]
    """
    if not is_a(error, BaseExceptionGroup):
        yield error
        return
    for member in _MEMBERS.__get__(error):
        yield from members(member)


def only_member(error: BaseException) -> BaseException:
    """Return the only exception in a group; return any other exception itself.

    `asyncio.TaskGroup` raises a group even if one task has failed.
    """
    exceptions = members(error)
    first = next(exceptions)
    return error if next(exceptions, None) is not None else first


def is_circular(error: BaseException) -> bool:
    """Return whether an exception is among its own causes and contexts.

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


# By exception class: whether it inherits the access to its attributes from `BaseException`. The references are weak,
# because a program may create classes at any time.
_plain_classes: WeakKeyDictionary[type[BaseException], bool] = WeakKeyDictionary()


def _is_plain(kind: type[BaseException]) -> bool:
    is_plain = _plain_classes.get(kind)
    if is_plain is None:
        names = {*_READ_ATTRIBUTES, "__getattribute__", "__getattr__", "__bool__", "__len__"}
        namespaces = (vars(base) for base in type.mro(kind) if base not in (BaseException, Exception, object))
        is_plain = type(kind) is type and not any(names & namespace.keys() for namespace in namespaces)
        _plain_classes[kind] = is_plain
    return is_plain


def readable(error: BaseException) -> BaseException:
    """Return the exception, or a `BrokenException` if a log formatter or a server could not read it."""
    cause, context = _SLOTS["__cause__"].__get__(error), _SLOTS["__context__"].__get__(error)
    if cause is None and context is None and _is_plain(type(error)):
        # PERF: reading each attribute takes 3 µs («errors»). Safe because a plain class overrides none of them, and the
        # exception refers to no other.
        return error
    try:
        for current in related(error):
            bool(current)
            for name in _READ_ATTRIBUTES:
                getattr(current, name, None)
    except PASSED_ON:
        raise
    except BaseException as failure:
        culprit = type_name(current)
        broken = BrokenException(f"{type_name(error)}: reading {culprit} raised {type_name(failure)}")
        return broken.with_traceback(traceback_of(error))
    return error


def exc_info(error: BaseException) -> ExcInfo:
    """Return the argument `exc_info` for `logging`.

    It is a tuple, because `logging` tests the truth of an exception, which may be false: that of an empty container is.
    """
    error = readable(error)
    return type(error), error, traceback_of(error)


def format_error(error: BaseException) -> str:
    """Return the traceback as text; with the causes, if all of them can be read."""
    try:
        return "".join(traceback.format_exception(*exc_info(error)))
    except Exception:
        frames = traceback.format_tb(traceback_of(error))
        return "".join([*frames, f"{type_name(error)}: {message_of(error)}\n"])


def log_error(logger: logging.Logger, error: BaseException | None, message: str, *args: object) -> None:
    """Log at level ERROR; a log handler that raises does not prevent the answer to a request.

    Args:
        logger: the logger.
        error: the exception whose traceback is logged, or `None`.
        message: the message, with the placeholders of `logging`.
        args: the values for the placeholders.
    """
    try:
        logger.error(message, *args, exc_info=None if error is None else exc_info(error), stacklevel=2)
    except Exception:
        complain()


def complain() -> None:
    """Print the current exception to standard error, as `logging` does for errors of its handlers."""
    if logging.raiseExceptions:
        try:
            print("--- Logging error ---", traceback.format_exc(), sep="\n", file=sys.stderr)
        except Exception:
            pass  # standard error is closed


def mark(error: BaseException, scope: Scope) -> None:
    """Mark an exception as answered and logged, before it is raised to the server.

    Args:
        error: the exception.
        scope: the scope of the request.
    """
    # Not with `setattr`, which a class may refuse, such as a frozen dataclass.
    attributes(error)[REPORTED] = scope.get(EXCHANGE, True)
    scope[REPORTED] = id(error)


def ends_here(error: BaseException, send: Send) -> bool:
    """Return whether an exception must not reach the server, because that would close a connection still in use.

    uvicorn closes the connection if the application raises, even after a complete response without `connection: close`.
    A background task may raise there. The client would lose its next request. All other servers keep the connection and
    get the exception, as do test clients, and tracing tools with a `send` of their own.

    Args:
        error: the exception.
        send: the ASGI `send` of the application; uvicorn's is a method of an object for the request and response.
    """
    if not is_marked(error):
        return False
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    return getattr(cycle, "response_complete", False) is True and transport is not None and not transport.is_closing()


def break_off(send: Send) -> None:
    """Close the connection of an incomplete response under daphne.

    Other servers close it when the application raises. Under daphne the client would wait.

    Args:
        send: the server's ASGI `send`; daphne's is a partial function, whose first argument is its request.
    """
    request = next(iter(getattr(send, "args", ())), None)
    abort = getattr(getattr(request, "transport", None), "abortConnection", None)
    if abort is not None and getattr(request, "_response_started", False) and not getattr(request, "finished", True):
        abort()


def is_marked(error: object) -> bool:
    """Return whether an object is an exception that was marked as logged."""
    return issubclass(type(error), BaseException) and REPORTED in attributes(error)  # type: ignore[arg-type]


def reports_exception(start: Message) -> bool:
    """Return whether the start of a response is sent for an unhandled exception, which is usually raised again.

    Args:
        start: the ASGI message.
    """
    error = sys.exc_info()[1] if start.get("status") == 500 else None
    return error is not None and attribute(error, "status_code") is None
