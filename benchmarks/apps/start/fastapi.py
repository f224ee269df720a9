"""FastAPI: ten routers, and pure ASGI middleware."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import PlainTextResponse

from benchmarks.apps.start.starlette import Pass


async def page() -> str:
    return "Hello, world!"


async def item(id: int) -> str:
    return "Hello, world!"


def make() -> Any:
    app = FastAPI()
    for place in range(10):
        router = APIRouter(prefix=f"/part{place}")
        for number in range(0, 20, 2):
            router.get(f"/r{number}", response_class=PlainTextResponse)(page)
            router.get(f"/r{number + 1}/{{id:int}}", response_class=PlainTextResponse)(item)
        app.include_router(router)
    for _ in range(5):
        app.add_middleware(Pass)
    return app
