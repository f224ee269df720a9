"""A shop: validation, injection, OpenAPI, CORS, templates, automatic methods, health, logging, an extension of its own.

It is written for Sanic and Sanic Extensions; nothing in it knows of sanic_star.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import attrs
import msgspec
from pydantic import BaseModel
from sanic import Blueprint, Request, Sanic, Websocket, json, text
from sanic.views import HTTPMethodView
from sanic_ext import Extension, cors, openapi, render, serializer, validate
from sanic_ext.extensions.openapi.definitions import RequestBody, Response
from sanic_ext.extras.request import CountedRequest


class Greeter(Extension):
    name = "greeter"

    def startup(self, bootstrap):
        self.app.ctx.greeting = "welcome"

    def label(self):
        return "custom"


app = Sanic("Shop", request_class=CountedRequest)
app.config.CORS_ORIGINS = "https://shop.example,https://partner.example"
app.config.CORS_ALLOW_HEADERS = "content-type,x-token"
app.config.CORS_EXPOSE_HEADERS = "x-total"
app.config.CORS_SUPPORTS_CREDENTIALS = True
app.config.HTTP_AUTO_TRACE = False
app.config.TEMPLATING_PATH_TO_TEMPLATES = Path(__file__).parent / "templates"
app.config.API_TITLE = "Shop"
app.config.INJECTION_SIGNAL = os.environ.get("SHOP_INJECTION_SIGNAL", "http.routing.after")
app.config.HEALTH = app.config.HEALTH_ENDPOINT = app.config.LOGGING = "SHOP_SUPERVISED" in os.environ
app.extend(extensions=[Greeter])


@app.get("/greeting")
async def greeting(request):
    return text(request.app.ctx.greeting)


# Validation --------------------------------------------------------------------------------------------------------


class PydanticItem(BaseModel):
    name: str
    count: int = 1
    note: str | None = None


class MsgspecItem(msgspec.Struct):
    name: str
    count: int = 1
    note: str | None = None


@attrs.define
class AttrsItem:
    name: str
    count: int = 1
    note: str | None = None


@dataclass
class DataclassItem:
    name: str
    count: int = 1
    note: str | None = None


def add_validation(kind, model):
    @validate(json=model)
    async def by_json(request, body: model):
        return json({"type": type(body).__name__, "name": body.name, "count": body.count, "note": body.note})

    @validate(form=model)
    async def by_form(request, body: model):
        return json({"type": type(body).__name__, "name": body.name, "count": body.count})

    @validate(query=model)
    async def by_query(request, query: model):
        return json({"type": type(query).__name__, "name": query.name, "count": query.count})

    app.add_route(by_json, f"/{kind}/json", methods=["POST"], name=f"{kind}_json")
    app.add_route(by_form, f"/{kind}/form", methods=["POST"], name=f"{kind}_form")
    app.add_route(by_query, f"/{kind}/query", name=f"{kind}_query")


for kind, model in (
    ("pydantic", PydanticItem),
    ("msgspec", MsgspecItem),
    ("attrs", AttrsItem),
    ("dataclass", DataclassItem),
):
    add_validation(kind, model)


@app.post("/both")
@validate(json=DataclassItem, query=PydanticItem)
async def both(request, body: DataclassItem, query: PydanticItem):
    return json([body.name, query.name])


# Injection ---------------------------------------------------------------------------------------------------------


class Price:
    def __init__(self, amount: int) -> None:
        self.amount = amount

    @classmethod
    async def create(cls, request: Request, id: int):
        return cls(100 * id)


class Cart:
    def __init__(self) -> None:
        self.owner = "nobody"


class Visitor:
    def __init__(self, name: str, cart: Cart) -> None:
        self.name, self.cart = name, cart


def visitor_of(request: Request, cart: Cart) -> Visitor:
    return Visitor(request.headers.get("x-visitor", "somebody"), cart)


class Clock:
    def __init__(self, hour: int) -> None:
        self.hour = hour


class Stock:
    """Needs no request, so that a command can have it."""

    def __init__(self) -> None:
        self.level = 7


app.ext.add_dependency(Price, Price.create)
app.ext.add_dependency(Cart)
app.ext.add_dependency(Visitor, visitor_of)
app.ext.add_dependency(Stock, lambda: Stock())
app.ext.dependency(Clock(12))
app.ext.add_constant("currency", "EUR")
app.ext.load_constants({"rate": 19})


@app.get("/price/<id:int>")
async def price(request, id: int, price: Price, currency: str, rate: int):
    return json([id, price.amount, currency, rate, request.app.config.CURRENCY])


@app.get("/visitor")
async def visitor(request, visitor: Visitor, clock: Clock):
    return json([visitor.name, visitor.cart.owner, clock.hour, request.app.ctx._dependencies.clock.hour])


class Carts(HTTPMethodView):
    async def get(self, request, cart: Cart):
        return text(cart.owner)

    async def post(self, request, visitor: Visitor):
        return text(visitor.name)


app.add_route(Carts.as_view(), "/carts")

admin = Blueprint("admin", url_prefix="/admin")


@admin.get("/cart")
async def admin_cart(request, cart: Cart):
    return text(cart.owner)


app.blueprint(admin)


@app.websocket("/live")
async def live(request: Request, ws: Websocket, cart: Cart, currency: str):
    async for message in ws:
        await ws.send(f"{message} {cart.owner} {currency}")


@app.command
async def restock(stock: Stock, currency: str, count: str = "1"):
    """Order more."""
    print(f"restocked {count} at {stock.level} {currency}")


# OpenAPI -----------------------------------------------------------------------------------------------------------


@app.put("/items/<id:uuid>/<when:ymd>/<kind:alpha>/<slug:slug>/<file:ext>")
@openapi.definition(
    body=RequestBody({"application/json": PydanticItem}, required=True),
    response=[Response({"application/json": MsgspecItem}, status=200), Response(DataclassItem, status=201)],
    summary="Replace an item",
    tag="items",
)
@openapi.parameter("dry", bool, "query")
async def replace(request, id, when, kind, slug, file, ext):
    return json([str(id), str(when), kind, slug, file, ext])


@app.get("/documented/<path:path>")
async def documented(request, path: str):
    """Show a path.

    openapi:
    ---
    operationId: showPath
    responses:
      '200':
        description: It is shown.
    """
    return text(path)


@app.delete("/old")
@openapi.deprecated()
@openapi.secured("token")
async def old(request):
    return text("")


app.ext.openapi.add_security_scheme("token", "http", scheme="bearer")


@app.get("/hidden")
@openapi.exclude()
async def hidden(request):
    return text("hidden")


# CORS, templates, methods, serializers -----------------------------------------------------------------------------


@app.get("/open")
@cors(origin="https://open.example", allow_methods=["GET", "DELETE"], max_age=60)
async def open_(request):
    return text("open", headers={"x-total": "1"})


@app.post("/open")
async def open_post(request):
    return text("posted")


@app.get("/hello")
@app.ext.template("hello.html")
async def hello(request):
    return {"name": request.args.get("name", "world")}


@app.get("/rendered")
async def rendered(request):
    return await render("hello.html", context={"name": "<b>"}, status=201, headers={"x-made": "render"})


@app.get("/source")
async def source(request):
    return await render(template_source="{{ a + b }}", context={"a": 1, "b": 2}, app=app)


@app.get("/missing")
async def missing(request):
    return await render("nosuch.html")


def shout(value, request, word, status):
    return text(f"{request.path}: {value}, {word}!", status=status)


@app.get("/shout/<word>")
@serializer(shout, status=202)
async def shouting(request, word):
    return word


@app.get("/count")
async def count(request):
    return json(type(request).count > 0)


app.static("/files", Path(__file__).parent / "templates", name="files")


if __name__ == "__main__":
    app.run(
        port=int(os.environ.get("SHOP_PORT", "8000")),
        workers=int(os.environ.get("SHOP_WORKERS", "1")),
        dev="SHOP_DEV" in os.environ,
        access_log=False,
    )
