"""Truth values from text, and settings from files and modules."""

from __future__ import annotations

import os
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.exceptions import LoadFileException, PyFileError
from sanic_star.compat.helpers import import_string, str_to_bool

_VARIABLE = pattern(r"\$\{(.+?)\}")

__all__ = ("load_module_from_file_location", "str_to_bool")


def load_module_from_file_location(
    location: bytes | str | os.PathLike[str], encoding: str = "utf8", *args: Any, **kwargs: Any
) -> Any:
    """Load a Python module from a file, or by its dotted name.

    Args:
        location: a path, with `${NAME}` for environment variables, or a dotted name. A path has a slash or ends in
            `.py`. A file with another suffix is executed as Python too.
        encoding: the encoding of a location in bytes.
        *args: passed to `importlib.util.spec_from_file_location` together with the keyword arguments.

    Raises:
        LoadFileException: an environment variable is not set.
        OSError, ImportError: the file or the module does not exist.
        PyFileError: a file with another suffix than `.py` has raised an exception, which is the cause.
    """
    if isinstance(location, bytes):
        location = location.decode(encoding)
    if not (isinstance(location, os.PathLike) or "/" in location or "$" in location or location.endswith(".py")):
        try:
            return import_string(location)
        except ValueError:
            raise OSError(f"Unable to load configuration {location}: it is neither a path nor a dotted name") from None
    path = _expand(str(location))
    if path.endswith(".py"):
        spec = spec_from_file_location(os.path.basename(path)[:-3], path, *args, **kwargs)
        assert spec is not None  # a name in .py always has a loader
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    return execute(path)


def _expand(location: str) -> str:
    variable_names = set(_VARIABLE.findall(location))
    missing = sorted(variable_names - os.environ.keys())
    if missing:
        raise LoadFileException(f"The following environment variables are not set: {', '.join(missing)}")
    return _VARIABLE.sub(lambda match: os.environ[match[1]], location)


def execute(path: str) -> ModuleType:
    """Execute a Python file, and return its names as a module.

    Args:
        path: the path of the file, with any suffix.

    Raises:
        OSError: the file cannot be read.
        PyFileError: it has raised an exception, which is the cause.
    """
    module = ModuleType("config")
    module.__file__ = path
    try:
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), module.__dict__)
    except OSError as error:
        error.strerror = f"Unable to load configuration file ({error.strerror})"
        raise
    except Exception as error:
        raise PyFileError(path) from error
    return module
