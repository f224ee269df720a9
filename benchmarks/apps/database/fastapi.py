"""FastAPI: the store is a dependency, opened and closed by the lifespan; annotated results are checked by pydantic."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel

from benchmarks.apps.database.store import TEMPLATES, Store, connect, random_ids, sorted_fortunes, with_new_numbers

templates = Jinja2Templates(directory=TEMPLATES)


class World(BaseModel):
    id: int
    randomNumber: int


def get_store(request: Request) -> Any:
    return request.state.store


Stored = Annotated[Any, Depends(get_store)]


def make(url: str) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Store]]:
        store = await connect(url)
        yield {"store": store}
        await store.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/json")
    async def message() -> dict[str, str]:
        return {"message": "Hello, World!"}

    @app.get("/plaintext", response_class=PlainTextResponse)
    async def plaintext() -> str:
        return "Hello, World!"

    @app.get("/db", response_model=World)
    async def single(store: Stored) -> Any:
        worlds = await store.worlds(random_ids("1"))
        return worlds[0]

    @app.get("/queries", response_model=list[World])
    async def several(store: Stored, queries: str | None = None) -> Any:
        return await store.worlds(random_ids(queries))

    @app.get("/fortunes", response_class=HTMLResponse)
    async def fortunes(request: Request, store: Stored) -> Response:
        rows = sorted_fortunes(await store.fortunes())
        return templates.TemplateResponse(request, "fortunes.html", {"fortunes": rows})

    @app.get("/updates", response_model=list[World])
    async def updates(store: Stored, queries: str | None = None) -> Any:
        worlds = with_new_numbers(await store.worlds(random_ids(queries)))
        await store.update(worlds)
        return worlds

    return app
