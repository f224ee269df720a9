"""FastAPI: the middleware of the application for Starlette, a router with a prefix, declared parameters, a model."""

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, FastAPI, Request, Response
from pydantic import BaseModel

from benchmarks.apps.real.starlette import Authorize, Identify
from benchmarks.real_requests import ROWS

shop = APIRouter(prefix="/shop")


class Item(BaseModel):
    sku: str
    quantity: int
    gift: bool = False
    note: str | None = None


@shop.get("/customers/{customer}/orders/{order}")
async def show(
    request: Request,
    response: Response,
    customer: str,
    order: int,
    session: Annotated[str | None, Cookie()] = None,
    theme: Annotated[str | None, Cookie()] = None,
    page: int = 1,
    search: str | None = None,
    sort: str | None = None,
) -> dict[str, Any]:
    response.set_cookie("last_order", str(order), max_age=3600, httponly=True, secure=True, samesite="lax")
    return {
        "customer": customer,
        "order": order,
        "user": request.state.user,
        "session": session,
        "theme": theme,
        "address": request.client.host if request.client else None,
        "page": page,
        "search": search,
        "sort": sort,
        "rows": ROWS,
    }


@shop.post("/customers/{customer}/orders", status_code=201)
async def add(
    request: Request, customer: str, item: Item, basket: Annotated[str | None, Cookie()] = None
) -> dict[str, Any]:
    return {
        "customer": customer,
        "user": request.state.user,
        "basket": basket,
        "sku": item.sku,
        "quantity": item.quantity,
    }


def make() -> Any:
    app = FastAPI()
    app.add_middleware(Authorize)
    app.add_middleware(Identify)
    app.include_router(shop)
    return app
