"""Starlette: ten mounts, and pure ASGI middleware."""

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send


async def hello(request: Request) -> Response:
    return PlainTextResponse("Hello, world!")


class Pass:
    """Pure ASGI middleware that does nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def make() -> Any:
    mounts = []
    for place in range(10):
        pairs = [
            (Route(f"/r{number}", hello), Route(f"/r{number + 1}/{{id:int}}", hello)) for number in range(0, 20, 2)
        ]
        mounts.append(Mount(f"/part{place}", routes=[route for pair in pairs for route in pair]))
    return Starlette(routes=mounts, middleware=[Middleware(Pass)] * 5)
