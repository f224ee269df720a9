"""pytest plugin (`-p replace_starlette`): put `Sanic` where Starlette's tests look for `Starlette`."""

from __future__ import annotations

import itertools
from typing import Any

import starlette.applications

from sanic_star import Sanic

_numbers = itertools.count()


class Starlette(Sanic):
    """`Sanic` with the signature of `Starlette`, whose applications have no name."""

    def __init__(self, debug: bool = False, routes: Any = None, middleware: Any = None, **keywords: Any) -> None:
        """Make an application that is named by its number."""
        name = f"starlette{next(_numbers)}"
        super().__init__(name, configure_logging=False, debug=debug, routes=routes, middleware=middleware, **keywords)


starlette.applications.Starlette = Starlette  # type: ignore[misc]
