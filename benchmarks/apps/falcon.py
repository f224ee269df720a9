"""Falcon's ASGI application, as its documentation writes it."""

from typing import Any

from falcon.asgi import App, Request, Response


class Hello:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = "text/plain; charset=utf-8"
        resp.text = "Hello, world!"


class Message:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.media = {"message": "Hello, world!"}


class User:
    async def on_get(self, req: Request, resp: Response, id: int) -> None:
        resp.media = {"id": id}


class Echo:
    async def on_post(self, req: Request, resp: Response) -> None:
        resp.media = await req.get_media()


class Item:
    async def on_get(self, req: Request, resp: Response, id: int = 0) -> None:
        resp.content_type = "text/plain; charset=utf-8"
        resp.text = "Hello, world!"


def basic() -> Any:
    app = App()
    app.add_route("/", Hello())
    app.add_route("/json", Message())
    app.add_route("/user/{id:int}", User())
    app.add_route("/echo", Echo())
    return app


def routes(count: int, mixed: bool) -> Any:
    app = App()
    item = Item()
    for number in range(count):
        app.add_route(f"/r{number}/page" if mixed and number % 3 == 1 else f"/r{number}/{{id:int}}", item)
    return app
