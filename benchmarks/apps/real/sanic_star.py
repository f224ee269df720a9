"""sanic_star: two request and two response middleware, and a blueprint."""

from typing import Any

from benchmarks.real_requests import ROWS
from sanic_star import Blueprint, HTTPResponse, Request, Sanic, Unauthorized, json


def make() -> Any:
    app = Sanic("real")
    shop = Blueprint("shop", url_prefix="/shop")

    @app.on_request
    async def identify(request: Request) -> None:
        request.ctx.request_id = request.headers.get("x-request-id")

    @app.on_request
    async def authorize(request: Request) -> None:
        if not request.token:
            raise Unauthorized("A bearer token is needed.", scheme="Bearer")
        request.ctx.user = request.token

    @app.on_response
    async def mark(request: Request, response: HTTPResponse) -> None:
        response.headers["x-request-id"] = request.ctx.request_id

    @app.on_response
    async def protect(request: Request, response: HTTPResponse) -> None:
        response.headers["cache-control"] = "private, max-age=0"
        response.headers["x-content-type-options"] = "nosniff"

    @shop.get("/customers/<customer:str>/orders/<order:int>")
    async def show(request: Request, customer: str, order: int) -> HTTPResponse:
        response = json(
            {
                "customer": customer,
                "order": order,
                "user": request.ctx.user,
                "session": request.cookies.get("session"),
                "theme": request.cookies.get("theme"),
                "address": request.ip,
                "page": int(request.args.get("page", "1")),
                "search": request.args.get("search"),
                "sort": request.args.get("sort"),
                "rows": ROWS,
            }
        )
        response.add_cookie("last_order", str(order), max_age=3600, httponly=True, secure=True, samesite="Lax")
        return response

    @shop.post("/customers/<customer:str>/orders")
    async def add(request: Request, customer: str) -> HTTPResponse:
        return json(
            {
                "customer": customer,
                "user": request.ctx.user,
                "basket": request.cookies.get("basket"),
                "sku": request.json["sku"],
                "quantity": request.json["quantity"],
            },
            status=201,
        )

    app.blueprint(shop)
    return app
