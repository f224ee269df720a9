"""Old methods to load settings, and removed settings."""

from __future__ import annotations

import os
from typing import Any

from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat.helpers import import_string
from sanic_star.compat.utils import execute

# The release that removed each setting, and its default.
SETTINGS: dict[str, tuple[float, Any]] = {
    "LOGO": (22.3, "sanic_star"),
    "REGISTER": (22.3, True),
    "REQUEST_BUFFER_QUEUE_SIZE": (21.3, 100),
    "WEBSOCKET_MAX_QUEUE": (21.9, 32),
    "WEBSOCKET_READ_LIMIT": (21.9, 65536),
    "WEBSOCKET_WRITE_LIMIT": (21.9, 65536),
}


def missing(config: Any, key: str) -> Any:
    """Return the former default of a removed setting.

    Args:
        config: the settings.
        key: the name of the removed setting.

    Raises:
        KeyError: there never was a setting of that name.
    """
    removed_in, default = SETTINGS[key]
    deprecation(f"The setting {key} was removed in Sanic {removed_in} and has no effect: leave it out.", removed_in)
    return default


def from_object(config: Any, obj: Any) -> None:
    """Use the upper-case attributes of an object as settings.

    Args:
        config: the settings.
        obj: a module, class or object, or the dotted name of one; a class is called if it is given by its name.

    Raises:
        ImportError, ValueError: no object has that name.
    """
    config.update_config(import_string(obj) if isinstance(obj, str) else obj)


def from_pyfile(config: Any, filename: str | os.PathLike[str]) -> bool:
    """Use the upper-case names of a Python file as settings, whatever the file's suffix is.

    Args:
        config: the settings.
        filename: its path, relative to the working directory.

    Returns:
        True.

    Raises:
        OSError: the file cannot be read.
        PyFileError: the file raised an exception, which is the `__cause__`.
    """
    config.update_config(execute(os.fspath(filename)))
    return True


def from_envvar(config: Any, variable_name: str) -> bool:
    """Load settings from the Python file in an environment variable.

    Args:
        config: the settings.
        variable_name: the name of the variable, whose value is the path.

    Returns:
        True.

    Raises:
        RuntimeError: the variable is not set, or empty.
        OSError, PyFileError: as in `from_pyfile`.
    """
    path = os.environ.get(variable_name)
    if not path:
        raise RuntimeError(f"The environment variable {variable_name} is not set, so no settings can be loaded from it")
    return from_pyfile(config, path)
