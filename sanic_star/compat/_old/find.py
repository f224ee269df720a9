"""Looks up an old name, and warns."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from sanic_star.compat._old.moved_table import MOVED
from sanic_star.compat._old.table import ATTRIBUTES, MEMBERS
from sanic_star.compat._support.deprecation import caller_module, deprecation

_PACKAGE = "sanic_star.compat"
# What a message calls an object of a class.
_SHOWN = {
    "BaseHTTPResponse": "response",
    "BodyStream": "request.stream",
    "Config": "app.config",
    "CookieJar": "response.cookies",
    "Router": "app.router",
    "Sanic": "app",
    "WebsocketImplProtocol": "ws",
}


def attribute(name: str, instance: Any) -> Any:
    """Return what an old attribute of an object is.

    A method warns when it is called, a value when it is read.

    Args:
        name: class and attribute, as `Request.raw_args`.
        instance: the object.
    """
    gone, instead, home, is_value = ATTRIBUTES[name]
    kind, _, member = name.partition(".")
    # `__len__` is `len_` there, beside the builtin.
    implementation = getattr(import_module(home), member.removeprefix("__").replace("__", "_"))
    text = f"{_SHOWN.get(kind, kind.lower())}.{member} is gone: {instead}."
    if is_value:
        deprecation(text, gone)
        return implementation(instance)
    return partial(_call, text, gone, implementation, instance)


def _call(text: str, gone: float, implementation: Any, instance: Any, /, *args: Any, **kwargs: Any) -> Any:
    deprecation(text, gone)
    return implementation(instance, *args, **kwargs)


def member(module: str, name: str) -> Any:
    """Return what a module had under a name.

    Args:
        module: the module's full name in this package.
        name: the name in it.

    Raises:
        AttributeError: it never had one.
    """
    short = module.removeprefix(f"{_PACKAGE}.")
    shown = f"sanic.{short.removeprefix('_old.')}.{name}"
    old = MEMBERS.get(short, {}).get(name)
    if old is not None:
        gone, instead, home = old
        text = f"{shown} is gone: {instead}."
    elif name in (moved := _moved(short)):
        gone, where = moved[name]
        home = f"{_PACKAGE}.{where}"
        text = f"{shown} is in sanic.{where}: import it from there."
    else:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    # `from package import name` asks twice: first the import system, whether there is such a name.
    if not caller_module().startswith("importlib."):
        deprecation(text, gone)
    return value


def _moved(module: str) -> dict[str, tuple[float, str]]:
    """Return the names that a module only passed on, each with the release that dropped it and its home."""
    moved: dict[str, tuple[float, str]] = {}
    gone = 0.0
    for word in MOVED.get(module, "").split():
        if word[0].isdigit():
            gone = float(word)
        else:
            home, _, name = word.rpartition(".")
            moved[name] = gone, home
    return moved
