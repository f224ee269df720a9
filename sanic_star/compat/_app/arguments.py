"""Handlers whose parameters do not fit the parameters of their path.

Such a handler fails at each request, with a `TypeError` that names neither the path nor the remedy. Code that runs
before the handler may add arguments: middleware and signals change `request.match_info`, decorators pass keywords, and
Sanic Extensions inject by type. Where nothing of that kind is there, the start warns. Everywhere, the exception of such
a request gets a note.

A handler that was copied from FastAPI may have `Depends(…)` or `Query(…)` as the default of a parameter, or in its
annotation beside a default. Such a handler gets the default as the value and answers 200: a login check never runs. So
the start always warns about it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from inspect import CO_VARKEYWORDS, get_annotations, unwrap
from types import FunctionType
from typing import Any

# The messages of the interpreter for a call with missing or unknown arguments.
_MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: (.+)$")
_UNEXPECTED = re.compile(r"got an unexpected keyword argument ('[^']+')")


def warnings_for(route: Any, positional: int) -> Iterator[str]:
    """Yield a message for each function of a route that surely fails when it is called.

    Args:
        route: one of Sanic's routes.
        positional: how many arguments come before the path parameters: the request, and the websocket if there is one.
    """
    names = route.names
    if names is None:
        return
    for function, first in _functions(route):
        missing, unexpected = _mismatch(function, names, first + positional)
        if unexpected:
            yield _unexpected_text(function.__qualname__, route.uri, unexpected[0])
        elif missing:
            yield _missing_text(function.__qualname__, route.uri, missing)


def fastapi_parameters(route: Any) -> Iterator[tuple[FunctionType, str, str]]:
    """Yield each parameter of a route's functions that FastAPI would fill or check, and a warning about it.

    Decorators are looked through: hardly any of them passes a value for such a parameter.

    Args:
        route: one of Sanic's routes.
    """
    handlers = [route.endpoint]
    if isinstance(view := getattr(route.endpoint, "view_class", None), type):
        handlers = [getattr(view, method.lower(), None) for method in sorted(map(str, route.methods or ()))]
    for handler in handlers:
        handler = getattr(handler, "__func__", handler)
        function = unwrap(handler) if isinstance(handler, FunctionType) else None
        if not isinstance(function, FunctionType):
            continue
        for parameter, declared in _declared(function, route.names or ()):
            kind = type(declared)
            # Recognised by its module: FastAPI is no dependency.
            if str(kind.__module__).partition(".")[0] == "fastapi":
                yield function, parameter, _fastapi_text(function.__qualname__, route.uri, parameter, kind.__name__)


def _declared(function: FunctionType, path_parameters: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield what a function declares about parameters: their defaults, and the objects in their `Annotated[…]`.

    A parameter without a value is left out: its call raises a `TypeError`.
    """
    code, positional = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
    defaults = {**dict(zip(names, positional, strict=False)), **(function.__kwdefaults__ or {})}
    yield from defaults.items()
    try:
        annotations = get_annotations(function, eval_str=True)
    except Exception:  # a name that exists for type checkers only
        return
    for parameter, annotation in annotations.items():
        if parameter in defaults or parameter in path_parameters:
            for declared in getattr(annotation, "__metadata__", ()):
                yield parameter, declared


def _functions(route: Any) -> Iterator[tuple[FunctionType, int]]:
    """Yield the functions that are called with the path parameters, and the number of arguments before the request.

    A function that wraps another may pass other arguments, so it is left out.
    """
    handler = route.endpoint
    if type(handler) is not FunctionType or "__wrapped__" in handler.__dict__:
        return
    view = handler.__dict__.get("view_class")
    if view is None:
        yield handler, 0
    elif isinstance(view, type):
        # Recognised by its module, because an import would form a circle.
        dispatch = getattr(view, "dispatch_request", None)
        if getattr(view, "decorators", ()) or getattr(dispatch, "__module__", None) != "sanic_star.compat.views":
            return
        for method in sorted(map(str, route.methods or ())):
            function = view.__dict__.get(method.lower())
            if type(function) is FunctionType and "__wrapped__" not in function.__dict__:
                yield function, 1


def _mismatch(function: FunctionType, names: Collection[str], positional: int) -> tuple[list[str], list[str]]:
    """Return the parameters of a function that get no argument, and the path parameters that it does not take."""
    code = function.__code__
    if code.co_posonlyargcount > positional:
        return [], []  # parameters that no path fills; the interpreter's own message says so
    end = code.co_argcount + code.co_kwonlyargcount
    parameters = code.co_varnames[:end]
    required_end = code.co_argcount - len(function.__defaults__ or ())
    keyword_only = (name for name in parameters[code.co_argcount :] if name not in (function.__kwdefaults__ or {}))
    missing = [name for name in (*parameters[positional:required_end], *keyword_only) if name not in names]
    if code.co_flags & CO_VARKEYWORDS:
        return missing, []
    return missing, [name for name in names if name not in parameters[positional:]]


def explain(request: Any, error: TypeError) -> None:
    """Add a note to the exception of a handler that was called with missing or unknown arguments.

    Args:
        request: the request; it may have no route.
        error: the exception, which the handler or code around it has raised.
    """
    route: Any = getattr(request, "route", None)
    handler = getattr(route, "endpoint", None)
    view = getattr(handler, "view_class", None)
    if view is not None:
        method = str(request.method).lower()
        handler = getattr(view, method, None) or getattr(view, "get", None)
    function = unwrap(handler) if callable(handler) else None
    name = getattr(function, "__qualname__", None)
    message = str(error)
    if name is None or not message.startswith(f"{name}() ") or _was_called(function, error):
        return
    if missing := _MISSING.search(message):
        error.add_note(_missing_text(name, route.uri, re.findall(r"'([^']+)'", missing[1])))
    elif unexpected := _UNEXPECTED.search(message):
        error.add_note(_unexpected_text(name, route.uri, unexpected[1].strip("'")))


def _was_called(function: Any, error: TypeError) -> bool:
    """Return whether a frame of the traceback is the function's own: then the exception is of another call."""
    code, traceback = getattr(function, "__code__", None), error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code is code:
            return True
        traceback = traceback.tb_next
    return False


def _missing_text(name: str, uri: str, missing: Collection[str]) -> str:
    parameters = ", ".join(f"`{parameter}`" for parameter in missing)
    first = next(iter(missing))
    return (
        f"{name}() requires {parameters}, which the path {uri!r} does not have: a handler gets the request and the "
        f"parameters of its path. Write <{first}> in the path, give `{first}` a default, or read it from the request, "
        "for example from request.json or request.args. Sanic Extensions pass arguments by type: "
        "app.ext.add_dependency()."
    )


def _unexpected_text(name: str, uri: str, parameter: str) -> str:
    return (
        f"{name}() has no parameter `{parameter}`, which the path {uri!r} has. Write the same name in both places, or "
        "let the handler take **kwargs."
    )


def _fastapi_text(name: str, uri: str, parameter: str, kind: str) -> str:
    return (
        f"{name}() of the path {uri!r} has an object of FastAPI's class {kind} for its parameter `{parameter}`. It has "
        "no effect here: no dependency runs, nothing is read from the request or checked, and a default is the value. "
        "Use middleware, a guard or a decorator instead of Depends, and request.args, request.headers, request.cookies "
        "or request.json instead of the others: see the page on FastAPI in the documentation."
    )
