"""`sanic-star routes TARGET`: show the routes of an application as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from starlette.routing import Host, Mount

from sanic_star.cli._loading import load_or_exit

COLUMN_TITLES = ("METHODS", "PATH", "NAME", "HANDLER", "BLUEPRINT")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target")
@click.option("--factory", is_flag=True, help="TARGET is a callable that returns the application.")
@click.option("--simple", "-s", is_flag=True, help="TARGET is a directory.")
def routes(target: str, factory: bool, simple: bool) -> None:
    """Show the routes of the application TARGET, and of applications that are mounted in it."""
    app = load_or_exit(target, factory, simple)
    rows = [COLUMN_TITLES, *rows_of(app)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMN_TITLES))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def rows_of(app: Any, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Yield a row for each route of an application; after a mount, the rows of the mounted application follow."""
    blueprints = set(getattr(app, "blueprints", ()))
    for route in getattr(app, "routes", None) or ():
        path = prefix + str(getattr(route, "uri", None) or getattr(route, "path", None) or getattr(route, "host", ""))
        name = getattr(route, "name", None) or ""
        handler = getattr(route, "handler", None) or getattr(route, "endpoint", None)
        if handler is None or isinstance(route, (Mount, Host)):
            mounted = getattr(route, "app", None)
            yield ("MOUNT", path, name, _qualified_name(mounted), "")
            yield from rows_of(mounted, path)
        else:
            yield (_methods(route), path, name, _qualified_name(handler), _blueprint(name, blueprints))


def _methods(route: Any) -> str:
    methods = getattr(route, "methods", None)
    if getattr(getattr(route, "extra", None), "websocket", False) or methods is None:
        return "WEBSOCKET"
    return ",".join(sorted(methods))


def _blueprint(name: str, blueprints: set[str]) -> str:
    """Return the blueprint of a route, whose name follows that of the application in the route's name."""
    local_name = name.partition(".")[2]
    return max((blueprint for blueprint in blueprints if local_name.startswith(f"{blueprint}.")), key=len, default="")


def _qualified_name(handler: Any) -> str:
    # The handler of a view is made from a class, and users know the class.
    handler = getattr(handler, "view_class", handler)
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{named.__module__}.{named.__qualname__}"
