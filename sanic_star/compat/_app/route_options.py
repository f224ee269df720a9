"""The options of a route that decorators and methods take as keywords, for type checkers and editors.

The record of a route, `definitions.RouteDefinition`, has a field for each of them. Nothing loads this module at run
time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from starlette.middleware import Middleware


class AddedRouteOptions(TypedDict, total=False):
    """The options of a route that `add_route` and `add_websocket_route` take as keywords; see `Registrar.route`."""

    ignore_body: bool
    apply: bool
    unquote: bool
    static: bool
    version_prefix: str
    error_format: str | None
    max_body_size: int | None
    middleware: Sequence[Middleware] | None
    threaded: bool | None


class WebsocketOptions(AddedRouteOptions, total=False):
    """The options of a route that the `websocket` decorator takes as keywords; see `Registrar.route`."""

    version: int | str | float | None
    name: str | None


class RouteOptions(WebsocketOptions, total=False):
    """The options of a route that `get`, `post` and the other verbs take as keywords; see `Registrar.route`."""

    stream: bool
    websocket: bool
    subprotocols: Iterable[str] | None
