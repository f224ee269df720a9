"""How settings were loaded in older releases, and settings that are gone."""

from __future__ import annotations

import os
from typing import Any

from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat.helpers import import_string
from sanic_star.compat.utils import execute

# With the release that dropped each, and the default that it had. The server has options of its own for these.
SETTINGS: dict[str, tuple[float, Any]] = {
    "LOGO": (22.3, "sanic_star"),
    "REGISTER": (22.3, True),
    "REQUEST_BUFFER_QUEUE_SIZE": (21.3, 100),
    "WEBSOCKET_MAX_QUEUE": (21.9, 32),
    "WEBSOCKET_READ_LIMIT": (21.9, 65536),
    "WEBSOCKET_WRITE_LIMIT": (21.9, 65536),
}


def missing(config: Any, key: str) -> Any:
    """Return the former default of a setting that is gone.

    Args:
        config: the settings, which have none of that name.
        key: the name.

    Raises:
        KeyError: there was none of that name.
    """
    gone, default = SETTINGS[key]
    deprecation(f"The setting {key} is gone: it has no effect, the server has options of its own.", gone)
    return default


def from_object(config: Any, obj: Any) -> None:
    """Take the upper-case attributes of an object as settings.

    Args:
        config: the settings.
        obj: a module, class or object, or the dotted name of one; a class is called if it is given by its name.

    Raises:
        ImportError, ValueError: there is none of that name.
    """
    config.update_config(import_string(obj) if isinstance(obj, str) else obj)


def from_pyfile(config: Any, filename: str | os.PathLike[str]) -> bool:
    """Take the upper-case names of a Python file as settings, whatever the file's ending.

    Args:
        config: the settings.
        filename: its path; a relative one starts at the working directory.

    Raises:
        OSError: the file can't be read.
        PyFileError: it raises an exception, its cause.

    Returns:
        True.
    """
    config.update_config(execute(os.fspath(filename)))
    return True


def from_envvar(config: Any, variable_name: str) -> bool:
    """Take settings from the Python file that an environment variable names.

    Args:
        config: the settings.
        variable_name: the variable.

    Raises:
        RuntimeError: the variable is not set, or empty.
        OSError, PyFileError: as in `from_pyfile`.

    Returns:
        True.
    """
    path = os.environ.get(variable_name)
    if not path:
        raise RuntimeError(f"The environment variable {variable_name} is not set, so no settings can be loaded from it")
    return from_pyfile(config, path)
