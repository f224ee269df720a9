"""Starlette: two pure ASGI middleware, and a mount for the prefix."""

from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.real_requests import ROWS


class Identify:
    """Reads the field `x-request-id`, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = Headers(scope=scope).get("x-request-id", "")

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


class Authorize:
    """Reads the bearer token, and sets two fields of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["cache-control"] = "private, max-age=0"
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            response = Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
            await response(scope, receive, send_protected)
            return
        scope.setdefault("state", {})["user"] = token
        await self.app(scope, receive, send_protected)


async def show(request: Request) -> Response:
    order: int = request.path_params["order"]
    response = JSONResponse(
        {
            "customer": request.path_params["customer"],
            "order": order,
            "user": request.state.user,
            "session": request.cookies.get("session"),
            "theme": request.cookies.get("theme"),
            "address": request.client.host if request.client else None,
            "page": int(request.query_params.get("page", "1")),
            "search": request.query_params.get("search"),
            "sort": request.query_params.get("sort"),
            "rows": ROWS,
        }
    )
    response.set_cookie("last_order", str(order), max_age=3600, httponly=True, secure=True, samesite="lax")
    return response


async def add(request: Request) -> Response:
    data = await request.json()
    return JSONResponse(
        {
            "customer": request.path_params["customer"],
            "user": request.state.user,
            "basket": request.cookies.get("basket"),
            "sku": data["sku"],
            "quantity": data["quantity"],
        },
        status_code=201,
    )


def make() -> Any:
    shop = [
        Route("/customers/{customer}/orders/{order:int}", show),
        Route("/customers/{customer}/orders", add, methods=["POST"]),
    ]
    return Starlette(routes=[Mount("/shop", routes=shop)], middleware=[Middleware(Identify), Middleware(Authorize)])
