"""BlackSheep, as its documentation writes it."""

from typing import Any

from blacksheep import Application, Request, Response, json, text


async def hello() -> Response:
    return text("Hello, world!")


async def message() -> Response:
    return json({"message": "Hello, world!"})


async def user(id: int) -> Response:
    return json({"id": id})


async def echo(request: Request) -> Response:
    return json(await request.json())


async def item(id: int) -> Response:
    return text("Hello, world!")


def basic() -> Any:
    app = Application()
    app.router.add_get("/", hello)
    app.router.add_get("/json", message)
    app.router.add_get("/user/{int:id}", user)
    app.router.add_post("/echo", echo)
    return app


def routes(count: int, mixed: bool) -> Any:
    app = Application()
    for number in range(count):
        if mixed and number % 3 == 1:
            app.router.add_get(f"/r{number}/page", hello)
        else:
            app.router.add_get(f"/r{number}/{{int:id}}", item)
    return app
