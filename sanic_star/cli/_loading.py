"""Find the application that the command line names; if that fails, one line says why."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from sanic_star.compat._alias.alias import AliasError, install
from sanic_star.compat.app import Sanic
from sanic_star.compat.worker.loader import DEFAULT_APP_NAME, AppLoader, NoApplication
from sanic_star.engine.lifespan import InvalidSetting

_OWN_FILES = (str(Path(__file__).parents[1]) + os.sep, str(importlib.__file__), "<frozen importlib")


class Unusable(click.ClickException):
    """What was asked for can't be served; the message says why and how to mend it."""

    exit_code = 1


def load(
    target: str, factory: bool = False, simple: bool = False, debug: bool = False, args: Any = None
) -> Sanic[Any, Any]:
    """Return the application that the command line names, with the alias installed.

    Args:
        target: `module:name`, `module.name`, `module` for an application called `app` in it, or a directory. The name
            of a function that creates the application is valid, too.
        factory: whether the name is another callable that creates the application, such as a class.
        simple: whether the target is a directory.
        debug: whether to switch debug mode on.
        args: the argument for a function that creates the application and takes one.

    Raises:
        Unusable: there is no such module, name or directory, it is no application, or a setting has an invalid value.
    """
    try:
        install()
    except AliasError as error:
        raise Unusable(str(error)) from None
    loader = AppLoader(target, factory, simple, args)
    _check(target, simple)
    try:
        loaded = loader.load()
    except ModuleNotFoundError as error:
        module = loader.module_name or target
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise Unusable(f"There is no module {error.name!r} here; write module:app, as in server:app.") from None
    except (NoApplication, InvalidSetting) as error:
        raise Unusable(str(error)) from None
    if loader.made_nothing:
        raise Unusable(f"{target!r} was called and returned None; it should return the application that it makes.")
    if loaded is None:
        module, name = (loader.module_name, loader.app_name) if loader.module_name else (target, DEFAULT_APP_NAME)
        raise Unusable(f"{module!r} has no {name!r}; write module:app, with the name of your application.")
    if not isinstance(loaded, Sanic):
        hint = " If it makes one, add --factory." if callable(loaded) else ""
        raise Unusable(f"{target!r} is a {type(loaded).__name__}, no application of sanic_star.{hint}")
    if debug:
        loaded.debug = True
    return loaded


def load_or_exit(*arguments: Any) -> Sanic[Any, Any]:
    """Return the application; if its own code fails, print the traceback of that code alone.

    Args:
        arguments: as in `load`.

    Raises:
        Unusable: see `load`.
        SystemExit: with status 1, the application's code has raised.
    """
    try:
        return load(*arguments)
    except click.ClickException:
        raise
    except Exception as error:
        frames = _user_frames(error.__traceback__)
        if frames is None and not isinstance(error, SyntaxError):
            raise
        # Imported late: only an error needs it.
        from traceback import print_exception

        print_exception(type(error), error, frames)
        sys.exit(1)


def _user_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first frame that belongs neither to this package nor to the import system.

    A module that cannot be compiled has no frame; its exception names file and line.
    """
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(_OWN_FILES):
            return traceback
        traceback = traceback.tb_next
    return None


def _check(target: str, simple: bool) -> None:
    """Refuse what can only be a slip."""
    path = Path(target)
    if simple and not path.is_dir():
        raise Unusable(f"There is no directory {target!r} here; --simple serves a directory.")
    if not simple and target.endswith(".py"):
        module = ".".join(path.with_suffix("").parts)
        raise Unusable(f"{target!r} is a file; write the module and the application, as in {module}:app.")
    if ("/" in target or "\\" in target) and not path.is_dir():
        raise Unusable(f"There is no directory {target!r} here; an application is written as package.module:app.")
