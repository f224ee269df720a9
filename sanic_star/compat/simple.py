"""A file server: `sanic-star ./directory --simple`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sanic_star.compat.app import Sanic
from sanic_star.compat.exceptions import SanicException


def create_simple_server(directory: Path) -> Sanic[Any, Any]:
    """Return an application that serves a directory: its files, `index.html`, or a listing.

    Args:
        directory: the directory.

    Raises:
        SanicException: the directory does not exist.
    """
    if not directory.is_dir():
        raise SanicException("Cannot setup Sanic Simple Server without a path to a directory")
    app: Sanic[Any, Any] = Sanic("SimpleServer")
    app.static("/", directory, name="main", directory_view=True, index="index.html")
    return app
