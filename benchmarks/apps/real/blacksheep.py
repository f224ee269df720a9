"""BlackSheep: two middleware, a router with a prefix, handlers that read the request."""

from collections.abc import Awaitable, Callable
from typing import Any

from blacksheep import Application, Cookie, CookieSameSiteMode, Request, Response, Router, json, unauthorized

from benchmarks.real_requests import ROWS

Handler = Callable[[Request], Awaitable[Response]]


async def identify(request: Request, handler: Handler) -> Response:
    response = await handler(request)
    response.set_header(b"x-request-id", request.get_first_header(b"x-request-id") or b"")
    return response


async def authorize(request: Request, handler: Handler) -> Response:
    scheme, _, token = (request.get_first_header(b"authorization") or b"").decode().partition(" ")
    if scheme.lower() == "bearer" and token:
        request.user = token
        response = await handler(request)
    else:
        response = unauthorized()
    response.set_header(b"cache-control", b"private, max-age=0")
    response.set_header(b"x-content-type-options", b"nosniff")
    return response


async def show(request: Request, customer: str, order: int, search: str, sort: str, page: int = 1) -> Response:
    cookies = request.cookies
    response = json(
        {
            "customer": customer,
            "order": order,
            "user": request.user,
            "session": cookies.get("session"),
            "theme": cookies.get("theme"),
            "address": request.client_ip,
            "page": page,
            "search": search,
            "sort": sort,
            "rows": ROWS,
        }
    )
    response.set_cookie(
        Cookie(
            "last_order",
            str(order),
            max_age=3600,
            path="/",
            http_only=True,
            secure=True,
            same_site=CookieSameSiteMode.LAX,
        )
    )
    return response


async def add(request: Request, customer: str) -> Response:
    data = await request.json()
    return json(
        {
            "customer": customer,
            "user": request.user,
            "basket": request.cookies.get("basket"),
            "sku": data["sku"],
            "quantity": data["quantity"],
        },
        201,
    )


def make() -> Any:
    shop = Router(prefix="/shop")
    shop.add_get("/customers/{customer}/orders/{int:order}", show)
    shop.add_post("/customers/{customer}/orders", add)
    app = Application(router=shop)
    app.middlewares.append(identify)
    app.middlewares.append(authorize)
    return app
