"""Starlette, as its documentation writes it."""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


async def hello(request: Request) -> Response:
    return PlainTextResponse("Hello, world!")


async def message(request: Request) -> Response:
    return JSONResponse({"message": "Hello, world!"})


async def user(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["id"]})


async def echo(request: Request) -> Response:
    return JSONResponse(await request.json())


def basic() -> Any:
    return Starlette(
        routes=[
            Route("/", hello),
            Route("/json", message),
            Route("/user/{id:int}", user),
            Route("/echo", echo, methods=["POST"]),
        ]
    )


def static(folder: str) -> Any:
    return Starlette(routes=[Mount("/files", StaticFiles(directory=folder))])


async def form(request: Request) -> Response:
    async with request.form() as form:
        return JSONResponse({"fields": len(form), "last": form["field9"]})


async def upload(request: Request) -> Response:
    async with request.form() as form:
        file: Any = form["file"]
        return JSONResponse({"name": file.filename, "size": len(await file.read())})


def forms() -> Any:
    return Starlette(routes=[Route("/form", form, methods=["POST"]), Route("/upload", upload, methods=["POST"])])


class Handled(Exception):
    """An exception whose handler is a coroutine function."""


class HandledPlainly(Exception):
    """An exception whose handler is a plain function, which Starlette calls in a thread."""


async def missing(request: Request) -> Response:
    raise HTTPException(404)


async def broken(request: Request) -> Response:
    raise ValueError("broken")


async def failing(request: Request) -> Response:
    raise Handled


async def failing_plainly(request: Request) -> Response:
    raise HandledPlainly


async def handle(request: Request, error: Exception) -> Response:
    return PlainTextResponse("handled", 418)


def handle_plainly(request: Request, error: Exception) -> Response:
    return PlainTextResponse("handled", 418)


def errors() -> Any:
    return Starlette(
        routes=[
            Route("/", hello),
            Route("/missing", missing),
            Route("/broken", broken),
            Route("/handled", failing),
            Route("/handled-plainly", failing_plainly),
        ],
        exception_handlers={Handled: handle, HandledPlainly: handle_plainly},
    )


def overhead(kind: str) -> Any:
    from benchmarks.apps import nested  # only here: the application of the other framework is in there, too

    return nested.theirs(kind)


def routes(count: int, mixed: bool) -> Any:
    return Starlette(
        routes=[
            Route(f"/r{number}/page" if mixed and number % 3 == 1 else f"/r{number}/{{id:int}}", hello)
            for number in range(count)
        ]
    )


def middleware(kind: str, count: int) -> Any:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    app = Starlette(routes=[Route("/", hello)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=dispatch)] * count)
    return app
