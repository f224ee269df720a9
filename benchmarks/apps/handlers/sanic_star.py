"""sanic_star: pages by Jinja2, streams both ways, and much in one request."""

from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.templating import Jinja2Templates

from benchmarks.apps.handlers import TEMPLATES
from benchmarks.cases import CHUNK
from benchmarks.large_cases import rows
from sanic_star import HTTPResponse, Request, Sanic, html, json, text


def pages() -> Any:
    app = Sanic("bench")
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.globals["url_for"] = app.url_for
    template = environment.get_template("page.html")

    @app.get("/customers/<customer:str>/orders/<order:int>", name="order")
    async def order(request: Request, customer: str, order: int) -> HTTPResponse:
        return text("Hello, world!")

    @app.get("/pages/<number:int>")
    async def page(request: Request, number: int) -> HTTPResponse:
        return html(template.render(number=number, customer=f"c{number}", orders=range(20)))

    # Starlette's templates make links by `request.url_for`; Sanic has no use for them.
    starlette_templates = Jinja2Templates(directory=TEMPLATES)

    @app.get("/starlette-pages/<number:int>")
    async def starlette_page(request: Any, number: int) -> Any:
        values = {"number": number, "customer": f"c{number}", "orders": range(20)}
        return starlette_templates.TemplateResponse(request, "page.html", values)

    return app


def streams() -> Any:
    app = Sanic("bench")

    @app.get("/out")
    async def out(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        for _ in range(100):
            await response.send(CHUNK)
        await response.eof()

    @app.post("/in", stream=True)
    async def read(request: Request) -> HTTPResponse:
        size = 0
        async for piece in request.stream:
            size += len(piece)
        return json({"bytes": size})

    @app.post("/both", stream=True)
    async def both(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        async for piece in request.stream:
            await response.send(f"{len(piece)}\n")
        await response.eof()

    return app


def large() -> Any:
    app = Sanic("bench")
    app.config.FORM_MAX_FIELDS = 20_000

    @app.post("/rows")
    async def read(request: Request) -> HTTPResponse:
        return json({"rows": len(request.json)})

    @app.get("/rows/<count:int>")
    async def write(request: Request, count: int) -> HTTPResponse:
        return json(rows(count))

    @app.post("/fields")
    async def form(request: Request) -> HTTPResponse:
        count = len(request.form)
        return json({"fields": count, "last": request.form.get(f"field{count - 1}")})

    @app.get("/headers/<count:int>")
    async def headers(request: Request, count: int) -> HTTPResponse:
        return json([request.headers.get(f"x-field-{place}") for place in range(9, count, count // 10)])

    @app.get("/cookies/<last:int>")
    async def cookies(request: Request, last: int) -> HTTPResponse:
        return json({"cookies": len(request.cookies), "last": request.cookies.get(f"cookie{last}")})

    return app
