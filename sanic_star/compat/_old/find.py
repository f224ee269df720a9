"""Look up old names, with a warning."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from sanic_star.compat._old.moved_table import MOVED
from sanic_star.compat._old.table import ATTRIBUTES, MEMBERS
from sanic_star.compat._support.deprecation import caller_module, deprecation

_PACKAGE = "sanic_star.compat"
# How messages name an object, by its class.
_OBJECT_NAMES = {
    "BaseHTTPResponse": "response",
    "BodyStream": "request.stream",
    "Config": "app.config",
    "CookieJar": "response.cookies",
    "Router": "app.router",
    "Sanic": "app",
    "WebsocketImplProtocol": "ws",
}


def attribute(name: str, instance: Any) -> Any:
    """Return the value of an old attribute of an object.

    A method warns at each call, a value at each access.

    Args:
        name: class and attribute, such as `Request.raw_args`.
        instance: the object.

    Raises:
        KeyError: the class never had that attribute.
    """
    removed_in, instead, home, is_value = ATTRIBUTES[name]
    class_name, _, member = name.partition(".")
    # `__len__` is implemented as `len_`, because `len` is a builtin.
    implementation = getattr(import_module(home), member.removeprefix("__").replace("__", "_"))
    shown_name = _OBJECT_NAMES.get(class_name, class_name.lower())
    text = f"{shown_name}.{member} was removed in Sanic {removed_in}: {instead}."
    if is_value:
        deprecation(text, removed_in)
        return implementation(instance)
    return partial(_call, text, removed_in, implementation, instance)


def _call(text: str, removed_in: float, implementation: Any, instance: Any, /, *args: Any, **kwargs: Any) -> Any:
    deprecation(text, removed_in)
    return implementation(instance, *args, **kwargs)


def member(module: str, name: str) -> Any:
    """Return the value of an old name of a module.

    Args:
        module: the module's full name in this package.
        name: the name in it.

    Raises:
        AttributeError: the module never had that name.
    """
    short_name = module.removeprefix(f"{_PACKAGE}.")
    shown_name = f"sanic.{short_name.removeprefix('_old.')}.{name}"
    entry = MEMBERS.get(short_name, {}).get(name)
    if entry is not None:
        removed_in, instead, home = entry
        text = f"{shown_name} was removed in Sanic {removed_in}: {instead}."
    elif name in (moved := _moved(short_name)):
        removed_in, home_module = moved[name]
        home = f"{_PACKAGE}.{home_module}"
        text = f"{shown_name} was removed in Sanic {removed_in}: import it from sanic.{home_module} instead."
    else:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    # `from package import name` looks the name up twice: first the import system checks whether it exists.
    if not caller_module().startswith("importlib."):
        deprecation(text, removed_in)
    return value


def _moved(module: str) -> dict[str, tuple[float, str]]:
    """Return the names that a module re-exported from others: the release that removed each, and its current module."""
    moved: dict[str, tuple[float, str]] = {}
    removed_in = 0.0
    for word in MOVED.get(module, "").split():
        if word[0].isdigit():
            removed_in = float(word)
        else:
            home, _, name = word.rpartition(".")
            moved[name] = removed_in, home
    return moved
