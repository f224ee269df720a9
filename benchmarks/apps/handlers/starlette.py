"""Starlette: pages by its `Jinja2Templates`, streams both ways, and much in one request."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from benchmarks.apps.handlers import TEMPLATES
from benchmarks.cases import CHUNK
from benchmarks.large_cases import rows


async def order(request: Request) -> Response:
    return PlainTextResponse("Hello, world!")


templates = Jinja2Templates(directory=TEMPLATES)


async def page(request: Request) -> Response:
    number = request.path_params["number"]
    values = {"number": number, "customer": f"c{number}", "orders": range(20)}
    return templates.TemplateResponse(request, "page.html", values)


def pages() -> Any:
    return Starlette(
        routes=[
            Route("/customers/{customer}/orders/{order:int}", order, name="order"),
            Route("/pages/{number:int}", page),
            Route("/starlette-pages/{number:int}", page),
        ]
    )


async def stream_out(request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield CHUNK

    return StreamingResponse(chunks(), media_type="text/plain")


async def stream_in(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return JSONResponse({"bytes": size})


def streams() -> Any:
    return Starlette(
        routes=[
            Route("/out", stream_out),
            Route("/in", stream_in, methods=["POST"]),
        ]
    )


async def read_rows(request: Request) -> Response:
    return JSONResponse({"rows": len(await request.json())})


async def write_rows(request: Request) -> Response:
    return JSONResponse(rows(request.path_params["count"]))


async def many_fields(request: Request) -> Response:
    async with request.form(max_fields=20_000) as fields:
        count = len(fields)
        return JSONResponse({"fields": count, "last": fields.get(f"field{count - 1}")})


async def many_headers(request: Request) -> Response:
    count = request.path_params["count"]
    return JSONResponse([request.headers.get(f"x-field-{place}") for place in range(9, count, count // 10)])


async def many_cookies(request: Request) -> Response:
    last = request.cookies.get(f"cookie{request.path_params['last']}")
    return JSONResponse({"cookies": len(request.cookies), "last": last})


def large() -> Any:
    return Starlette(
        routes=[
            Route("/rows", read_rows, methods=["POST"]),
            Route("/rows/{count:int}", write_rows),
            Route("/fields", many_fields, methods=["POST"]),
            Route("/headers/{count:int}", many_headers),
            Route("/cookies/{last:int}", many_cookies),
        ]
    )
