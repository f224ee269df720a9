"""sanic_star, written as a Sanic user writes. `apps.sanic` is this very source with the import changed."""

from typing import Any

from sanic_star import HTTPResponse, NotFound, Request, Sanic, json, text


def basic() -> Any:
    app = Sanic("bench")

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        return text("Hello, world!")

    @app.get("/json")
    async def message(request: Request) -> HTTPResponse:
        return json({"message": "Hello, world!"})

    @app.get("/user/<id:int>")
    async def user(request: Request, id: int) -> HTTPResponse:
        return json({"id": id})

    @app.post("/echo")
    async def echo(request: Request) -> HTTPResponse:
        return json(request.json)

    return app


def static(folder: str) -> Any:
    app = Sanic("bench")
    app.static("/files", folder, stream_large_files=True)
    return app


def forms() -> Any:
    app = Sanic("bench")
    app.config.REQUEST_MAX_SIZE = 200_000_000

    @app.post("/form")
    async def form(request: Request) -> HTTPResponse:
        return json({"fields": len(request.form), "last": request.form.get("field9")})

    @app.post("/upload")
    async def upload(request: Request) -> HTTPResponse:
        file: Any = request.files.get("file")
        return json({"name": file.name, "size": len(file.body)})

    return app


class Handled(Exception):
    """An exception whose handler is a coroutine function."""


class HandledPlainly(Exception):
    """An exception whose handler is a plain function."""


def errors() -> Any:
    app = Sanic("bench")

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        return text("Hello, world!")

    @app.get("/missing")
    async def missing(request: Request) -> HTTPResponse:
        raise NotFound

    @app.get("/broken")
    async def broken(request: Request) -> HTTPResponse:
        raise ValueError("broken")

    @app.get("/handled")
    async def failing(request: Request) -> HTTPResponse:
        raise Handled

    @app.get("/handled-plainly")
    async def failing_plainly(request: Request) -> HTTPResponse:
        raise HandledPlainly

    @app.exception(Handled)
    async def handle(request: Request, error: Handled) -> HTTPResponse:
        return text("handled", 418)

    @app.exception(HandledPlainly)
    def handle_plainly(request: Request, error: HandledPlainly) -> HTTPResponse:
        return text("handled", 418)

    return app


def overhead(kind: str) -> Any:
    from benchmarks.apps import nested  # has no counterpart in Sanic

    return nested.ours(kind)


def routes(count: int, mixed: bool) -> Any:
    app = Sanic("bench")

    async def page(request: Request) -> HTTPResponse:
        return text("Hello, world!")

    async def item(request: Request, id: int) -> HTTPResponse:
        return text("Hello, world!")

    for number in range(count):
        if mixed and number % 3 == 1:
            app.add_route(page, f"/r{number}/page", name=f"r{number}")
        else:
            app.add_route(item, f"/r{number}/<id:int>", name=f"r{number}")
    return app


def varied(count: int) -> Any:
    """Return an app whose routes are static, typed, for a host, and of a version, in turn."""
    app = Sanic("bench")

    async def page(request: Request) -> HTTPResponse:
        return text("Hello, world!")

    async def item(request: Request, id: int) -> HTTPResponse:
        return text("Hello, world!")

    for number in range(0, count, 4):
        app.add_route(page, f"/r{number}/page", name=f"static{number}")
        app.add_route(item, f"/r{number}/<id:int>", name=f"typed{number}")
        app.add_route(item, f"/h{number}/<id:int>", name=f"host{number}", host="127.0.0.1:8000")
        app.add_route(item, f"/r{number}/<id:int>", name=f"version{number}", version=number % 3 + 1)
    return app


def middleware(kind: str, count: int) -> Any:
    app = Sanic(f"bench_{kind}_{count}")  # Sanic wants one name per app in a process

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        return text("Hello, world!")

    for _ in range(count):  # a new function each time: Sanic registers one function once

        async def before(request: Request) -> None:
            pass

        async def after(request: Request, response: HTTPResponse) -> None:
            pass

        if kind == "request":
            app.register_middleware(before, "request")
        else:
            app.register_middleware(after, "response")
    return app
