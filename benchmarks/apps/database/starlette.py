"""Starlette: the store is opened and closed by the lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from benchmarks.apps.database.store import TEMPLATES, connect, random_ids, sorted_fortunes, with_new_numbers

templates = Jinja2Templates(directory=TEMPLATES)


async def message(request: Request) -> Response:
    return JSONResponse({"message": "Hello, World!"})


async def plaintext(request: Request) -> Response:
    return PlainTextResponse("Hello, World!")


async def single(request: Request) -> Response:
    worlds = await request.state.store.worlds(random_ids("1"))
    return JSONResponse(worlds[0])


async def several(request: Request) -> Response:
    return JSONResponse(await request.state.store.worlds(random_ids(request.query_params.get("queries"))))


async def fortunes(request: Request) -> Response:
    rows = sorted_fortunes(await request.state.store.fortunes())
    return templates.TemplateResponse(request, "fortunes.html", {"fortunes": rows})


async def updates(request: Request) -> Response:
    store = request.state.store
    worlds = with_new_numbers(await store.worlds(random_ids(request.query_params.get("queries"))))
    await store.update(worlds)
    return JSONResponse(worlds)


def make(url: str) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        store = await connect(url)
        yield {"store": store}
        await store.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/json", message),
            Route("/plaintext", plaintext),
            Route("/db", single),
            Route("/queries", several),
            Route("/fortunes", fortunes),
            Route("/updates", updates),
        ],
    )
