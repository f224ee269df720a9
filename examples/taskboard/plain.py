"""The board without anything of Starlette's: with its import lines changed back to `sanic` it runs there as it is."""

from sanic_star import Request

from .board import ASSETS, App, create_board
from .links import link


def create_app() -> App:
    """Make a board that serves its assets the way Sanic does, without sessions and GraphQL."""
    app = create_board(asset_link)
    app.static("/assets", ASSETS, name="assets")
    return app


def asset_link(request: Request, name: str) -> str:
    """Return the URL of an asset."""
    return link(request, "static", name="assets", filename=name)
