"""Falcon: two middleware components, and a resource for each route."""

from typing import Any

from falcon import HTTP_201, HTTPUnauthorized
from falcon.asgi import App, Request, Response

from benchmarks.real_requests import ROWS


class Identify:
    """Reads the field `x-request-id`, and sends it back."""

    async def process_request(self, req: Request, resp: Response) -> None:
        req.context.request_id = req.get_header("x-request-id")

    async def process_response(self, req: Request, resp: Response, resource: Any, req_succeeded: bool) -> None:
        resp.set_header("x-request-id", req.context.request_id)


class Authorize:
    """Reads the bearer token, and sets two fields of every answer."""

    async def process_request(self, req: Request, resp: Response) -> None:
        scheme, _, token = (req.auth or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise HTTPUnauthorized(title="A bearer token is needed.", challenges=["Bearer"])
        req.context.user = token

    async def process_response(self, req: Request, resp: Response, resource: Any, req_succeeded: bool) -> None:
        resp.set_header("cache-control", "private, max-age=0")
        resp.set_header("x-content-type-options", "nosniff")


class Order:
    async def on_get(self, req: Request, resp: Response, customer: str, order: int) -> None:
        cookies = req.cookies
        resp.media = {
            "customer": customer,
            "order": order,
            "user": req.context.user,
            "session": cookies.get("session"),
            "theme": cookies.get("theme"),
            "address": req.remote_addr,
            "page": req.get_param_as_int("page", default=1),
            "search": req.get_param("search"),
            "sort": req.get_param("sort"),
            "rows": ROWS,
        }
        resp.set_cookie("last_order", str(order), max_age=3600, path="/", http_only=True, secure=True, same_site="Lax")


class Orders:
    async def on_post(self, req: Request, resp: Response, customer: str) -> None:
        data = await req.get_media()
        resp.status = HTTP_201
        resp.media = {
            "customer": customer,
            "user": req.context.user,
            "basket": req.cookies.get("basket"),
            "sku": data["sku"],
            "quantity": data["quantity"],
        }


def make() -> Any:
    app = App(middleware=[Identify(), Authorize()])
    app.add_route("/shop/customers/{customer}/orders/{order:int}", Order())
    app.add_route("/shop/customers/{customer}/orders", Orders())
    return app
