"""Litestar: two ASGI middleware, a router with a path, declared parameters, a struct for the body."""

from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, Response, Router, get, post
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import ASGIMiddleware
from litestar.params import Parameter
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.real_requests import ROWS


class Identify(ASGIMiddleware):
    """Reads the field `x-request-id`, and sends it back."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request_id = Request[Any, Any, Any](scope).headers.get("x-request-id", "")

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders(message)["x-request-id"] = request_id
            await send(message)

        await next_app(scope, receive, send_with_id)


class Authorize(ASGIMiddleware):
    """Reads the bearer token, and sets two fields of every answer."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scheme, _, token = Request[Any, Any, Any](scope).headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorizedException("A bearer token is needed.")
        scope["user"] = token

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders(message)
                headers["cache-control"] = "private, max-age=0"
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        await next_app(scope, receive, send_protected)


class Item(msgspec.Struct):
    sku: str
    quantity: int
    gift: bool = False
    note: str | None = None


@get("/customers/{customer:str}/orders/{order:int}")
async def show(
    request: Request[str, Any, Any],
    customer: str,
    order: int,
    session: Annotated[str | None, Parameter(cookie="session")] = None,
    theme: Annotated[str | None, Parameter(cookie="theme")] = None,
    page: int = 1,
    search: str | None = None,
    sort: str | None = None,
) -> Response[dict[str, Any]]:
    return Response(
        {
            "customer": customer,
            "order": order,
            "user": request.user,
            "session": session,
            "theme": theme,
            "address": request.client.host if request.client else None,
            "page": page,
            "search": search,
            "sort": sort,
            "rows": ROWS,
        },
        cookies=[Cookie("last_order", value=str(order), max_age=3600, httponly=True, secure=True, samesite="lax")],
    )


@post("/customers/{customer:str}/orders")
async def add(
    request: Request[str, Any, Any],
    customer: str,
    data: Item,
    basket: Annotated[str | None, Parameter(cookie="basket")] = None,
) -> dict[str, Any]:
    return {
        "customer": customer,
        "user": request.user,
        "basket": basket,
        "sku": data.sku,
        "quantity": data.quantity,
    }


def make() -> Any:
    shop = Router("/shop", route_handlers=[show, add])
    return Litestar([shop], middleware=[Identify(), Authorize()])
