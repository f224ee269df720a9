"""Load the application that the command line names; if that fails, one line gives the reason."""

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
    """A command cannot be run; the message is one line with the reason and the remedy."""

    exit_code = 1


def load(
    target: str, factory: bool = False, simple: bool = False, debug: bool = False, args: Any = None
) -> Sanic[Any, Any]:
    """Return the application that the command line names, with the alias installed.

    Args:
        target: `module:name`, `module.name`, `module` for its variable `app`, or a directory. The name may be that of a
            function that returns the application.
        factory: whether to call the named object even if it is not a function, for example a class.
        simple: whether the target is a directory.
        debug: whether to enable debug mode.
        args: the argument for a factory that takes one.

    Raises:
        Unusable: the module, the name or the directory does not exist, the object is not an application, or a setting
            is invalid.
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
    if loader.factory_returned_none:
        raise Unusable(f"{target!r} was called and returned None; it should return the application.")
    if loaded is None:
        module, name = (loader.module_name, loader.app_name) if loader.module_name else (target, DEFAULT_APP_NAME)
        raise Unusable(f"{module!r} has no {name!r}; write module:app, with the name of your application.")
    if not isinstance(loaded, Sanic):
        hint = " If calling it returns the application, add --factory." if callable(loaded) else ""
        raise Unusable(f"{target!r} is a {type(loaded).__name__}, not an application of sanic_star.{hint}")
    if debug:
        loaded.debug = True
    return loaded


def load_or_exit(*arguments: Any) -> Sanic[Any, Any]:
    """Return the application; if its code raises, print the traceback of that code only.

    Args:
        arguments: the arguments of `load`.

    Raises:
        Unusable: see `load`.
        SystemExit: with status 1 if the code of the application raises.
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
    """Refuse targets that are certainly mistakes."""
    path = Path(target)
    if simple and not path.is_dir():
        raise Unusable(f"There is no directory {target!r} here; --simple serves a directory.")
    if not simple and target.endswith(".py"):
        module = ".".join(path.with_suffix("").parts)
        raise Unusable(f"{target!r} is a file; write the module and the application, as in {module}:app.")
    if ("/" in target or "\\" in target) and not path.is_dir():
        raise Unusable(f"There is no directory {target!r} here; to name an application, write package.module:app.")
