"""The board with Sanic's API only: it runs on Sanic if you change the imports from `sanic_star` to `sanic`."""

from sanic_star import Request

from .board import ASSETS, App, create_board
from .links import link


def create_app() -> App:
    """Create a board that serves its assets with `app.static`, without sessions and GraphQL."""
    app = create_board(asset_link)
    app.static("/assets", ASSETS, name="assets")
    return app


def asset_link(request: Request, name: str) -> str:
    """Return the URL of an asset."""
    return link(request, "static", name="assets", filename=name)
