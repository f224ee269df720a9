"""Shared parts of the clients' tests: small apps, and a client that runs an app in either of its two ways."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sanic_star.testing import TestClient

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class UsedClient:
    """Use a client in a ``with`` block of its own, or without one; close it in either case."""

    def __init__(self, app: ASGIApp, in_block: bool, **kwargs: Any) -> None:
        self.client, self.in_block = TestClient(app, **kwargs), in_block

    def __enter__(self) -> TestClient:
        return self.client.__enter__() if self.in_block else self.client

    def __exit__(self, *exc_info: object) -> None:
        self.client.close()


def app_of(endpoint: Any, **kwargs: Any) -> Starlette:
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=METHODS)], **kwargs)


async def describe(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "path": request.scope["path"],
            "raw_path": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "root_path": request.scope["root_path"],
            "headers": dict(request.headers),
            "client": request.scope["client"],
            "server": request.scope["server"],
            "scheme": request.scope["scheme"],
            "body": (await request.body()).decode(),
        }
    )
