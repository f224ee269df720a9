"""Quart: two functions before and two after each request, and a blueprint."""

from typing import Any

from quart import Blueprint, Quart, Response, abort, g, jsonify, request

from benchmarks.real_requests import ROWS


def make() -> Any:
    app = Quart("real")
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @app.before_request
    async def identify() -> None:
        g.request_id = request.headers.get("x-request-id")

    @app.before_request
    async def authorize() -> None:
        if not request.authorization or request.authorization.type != "bearer":
            abort(401)
        g.user = request.authorization.token

    @app.after_request
    async def mark(response: Response) -> Response:
        response.headers["x-request-id"] = g.request_id
        return response

    @app.after_request
    async def protect(response: Response) -> Response:
        response.headers["cache-control"] = "private, max-age=0"
        response.headers["x-content-type-options"] = "nosniff"
        return response

    @shop.get("/customers/<customer>/orders/<int:order>")
    async def show(customer: str, order: int) -> Response:
        response: Response = jsonify(
            {
                "customer": customer,
                "order": order,
                "user": g.user,
                "session": request.cookies.get("session"),
                "theme": request.cookies.get("theme"),
                "address": request.remote_addr,
                "page": request.args.get("page", 1, type=int),
                "search": request.args.get("search"),
                "sort": request.args.get("sort"),
                "rows": ROWS,
            }
        )
        response.set_cookie("last_order", str(order), max_age=3600, httponly=True, secure=True, samesite="Lax")
        return response

    @shop.post("/customers/<customer>/orders")
    async def add(customer: str) -> tuple[dict[str, Any], int]:
        data = await request.get_json()
        return {
            "customer": customer,
            "user": g.user,
            "basket": request.cookies.get("basket"),
            "sku": data["sku"],
            "quantity": data["quantity"],
        }, 201

    app.register_blueprint(shop)
    return app
