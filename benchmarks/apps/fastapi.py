"""FastAPI, as its documentation writes it: return values are serialised and checked by pydantic."""

from typing import Annotated, Any

from fastapi import Body, FastAPI
from fastapi.responses import PlainTextResponse


async def hello() -> str:
    return "Hello, world!"


async def message() -> dict[str, str]:
    return {"message": "Hello, world!"}


async def user(id: int) -> dict[str, int]:
    return {"id": id}


async def echo(data: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    return data


def basic() -> Any:
    app = FastAPI()
    app.get("/", response_class=PlainTextResponse)(hello)
    app.get("/json")(message)
    app.get("/user/{id:int}")(user)
    app.post("/echo")(echo)
    return app


async def page() -> str:
    return "Hello, world!"


async def item(id: int) -> str:
    return "Hello, world!"


def routes(count: int, mixed: bool) -> Any:
    app = FastAPI()
    for number in range(count):
        if mixed and number % 3 == 1:
            app.get(f"/r{number}/page", response_class=PlainTextResponse)(page)
        else:
            app.get(f"/r{number}/{{id:int}}", response_class=PlainTextResponse)(item)
    return app
