"""sanic_star: the store is opened and closed by listeners."""

from typing import Any

from jinja2 import Environment, FileSystemLoader

from benchmarks.apps.database.store import TEMPLATES, connect, random_ids, sorted_fortunes, with_new_numbers
from sanic_star import HTTPResponse, Request, Sanic, html, json, text


def make(url: str) -> Any:
    app = Sanic("database")
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("fortunes.html")

    @app.before_server_start
    async def open_store(app: Any) -> None:
        app.ctx.store = await connect(url)

    @app.after_server_stop
    async def close_store(app: Any) -> None:
        await app.ctx.store.close()

    @app.get("/json")
    async def message(request: Request) -> HTTPResponse:
        return json({"message": "Hello, World!"})

    @app.get("/plaintext")
    async def plaintext(request: Request) -> HTTPResponse:
        return text("Hello, World!")

    @app.get("/db")
    async def single(request: Request) -> HTTPResponse:
        worlds = await request.app.ctx.store.worlds(random_ids("1"))
        return json(worlds[0])

    @app.get("/queries")
    async def several(request: Request) -> HTTPResponse:
        return json(await request.app.ctx.store.worlds(random_ids(request.args.get("queries"))))

    @app.get("/fortunes")
    async def fortunes(request: Request) -> HTTPResponse:
        rows = sorted_fortunes(await request.app.ctx.store.fortunes())
        return html(template.render(fortunes=rows))

    @app.get("/updates")
    async def updates(request: Request) -> HTTPResponse:
        store = request.app.ctx.store
        worlds = with_new_numbers(await store.worlds(random_ids(request.args.get("queries"))))
        await store.update(worlds)
        return json(worlds)

    return app
