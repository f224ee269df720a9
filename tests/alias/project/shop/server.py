from pathlib import Path

import sanic
from sanic import Request, Sanic
from sanic.exceptions import SanicException
from sanic.log import logger
from sanic.response import HTTPResponse, json, text

from shop.books import books
from shop.orders import orders


class ClosedError(SanicException):
    status_code = 503
    message = "The shop is closed"


def create_app(name: str = "Shop") -> Sanic:
    app = Sanic(name)
    app.update_config(Path(__file__).parent.parent / "settings.py")
    app.blueprint(books)
    app.blueprint(orders)

    @app.before_server_start
    async def open_shop(app: Sanic) -> None:
        app.ctx.shelf = {1: "Emma", 2: "Persuasion"}

    @app.after_server_stop
    async def close_shop(app: Sanic) -> None:
        app.ctx.shelf.clear()

    @app.on_response
    async def sign(request: Request, response: HTTPResponse) -> None:
        response.headers["x-shop"] = request.app.name

    @app.exception(ClosedError)
    async def closed(request: Request, exception: ClosedError) -> HTTPResponse:
        logger.warning("Closed for %s", request.path)
        return json({"closed": str(exception)}, status=exception.status_code)

    @app.get("/")
    async def welcome(request: Request) -> HTTPResponse:
        return text(f"{request.app.config.GREETING} ({len(request.app.ctx.shelf)} books)")

    @app.get("/closed")
    async def never(request: Request) -> HTTPResponse:
        raise ClosedError

    @app.get("/version")
    async def version(request: Request) -> HTTPResponse:
        return text(sanic.__version__)

    return app


app = create_app()
