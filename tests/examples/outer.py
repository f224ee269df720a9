"""Applications with the board as a mount, as their authors would write them."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from examples.taskboard.server import create_app


async def home(_: Request) -> PlainTextResponse:
    """Answer at the outer application's root."""
    return PlainTextResponse("outside")


def in_starlette() -> Starlette:
    """Mount the board in Starlette, which does not run the lifespan of a mounted application."""
    return Starlette(routes=[Route("/", home), Mount("/board", app=create_app())])


def in_fastapi() -> FastAPI:
    """Mount the board in FastAPI."""
    app = FastAPI()
    app.add_route("/", home)
    app.mount("/board", create_app())
    return app


def in_nested_mounts() -> Starlette:
    """Mount the board in an application that is mounted itself."""
    return Starlette(routes=[Route("/", home), Mount("/a", routes=[Mount("/b", app=in_starlette())])])
