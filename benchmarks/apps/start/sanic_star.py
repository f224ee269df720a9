"""sanic_star: ten blueprints, and middleware of both kinds."""

from typing import Any

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text


def make() -> Any:
    app = Sanic("bench")

    async def page(request: Request) -> HTTPResponse:
        return text("Hello, world!")

    async def item(request: Request, id: int) -> HTTPResponse:
        return text("Hello, world!")

    for place in range(10):
        blueprint = Blueprint(f"part{place}", url_prefix=f"/part{place}")
        for number in range(0, 20, 2):
            blueprint.add_route(page, f"/r{number}", name=f"r{number}")
            blueprint.add_route(item, f"/r{number + 1}/<id:int>", name=f"r{number + 1}")
        app.blueprint(blueprint)
    for number in range(5):

        async def before(request: Request) -> None:
            pass

        async def after(request: Request, response: HTTPResponse) -> None:
            pass

        if number < 3:
            app.register_middleware(before, "request")
        else:
            app.register_middleware(after, "response")
    return app
