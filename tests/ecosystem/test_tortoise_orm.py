"""`tortoise.contrib.sanic`: a database that opens and closes with the application."""

from __future__ import annotations

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from pathlib import Path
    from sanic import Sanic, json
    from sanic.exceptions import NotFound
    from tortoise import Tortoise, fields
    from tortoise.contrib.sanic import register_tortoise
    from tortoise.models import Model

    class Book(Model):
        id = fields.IntField(primary_key=True)
        title = fields.TextField()

    app = Sanic("Books")
    register_tortoise(app, db_url=f"sqlite://{Path(__file__).with_suffix('.db')}", modules={"models": [__name__]},
                      generate_schemas=False)

    # With `generate_schemas=True` Tortoise does this in the main process, and one process has none.
    @app.before_server_start
    async def make_tables(app):
        await Tortoise.generate_schemas()

    @app.post("/books")
    async def add(request):
        book = await Book.create(title=request.json["title"])
        return json({"id": book.id}, 201)

    @app.get("/books/<id:int>")
    async def show(request, id):
        book = await Book.get_or_none(id=id)
        if book is None:
            raise NotFound(f"no book {id}")
        return json({"id": id, "title": book.title})

    @app.after_server_stop
    async def stopped(app):
        print("stopped", flush=True)
"""


def test_models(serve: Serve, how: str) -> None:
    """Rows are written and read in handlers; the connections close when the application stops."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    added = requests.post(base + "/books", json={"title": "Emma"}, timeout=TIMEOUT_S)
    assert (added.status_code, added.json()) == (201, {"id": 1})
    shown = requests.get(base + "/books/1", timeout=TIMEOUT_S)
    assert (shown.status_code, shown.json()["title"]) == (200, "Emma")
    assert requests.get(base + "/books/2", timeout=TIMEOUT_S).status_code == 404
    if how != "sanic":
        process.terminate()
        assert "stopped" in process.log
