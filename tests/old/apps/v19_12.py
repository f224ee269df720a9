"""A shop with a basket, as people wrote it for Sanic 19.12."""
import os

from sanic import Blueprint, Sanic
from sanic.config import Config
from sanic.cookies import DEFAULT_MAX_AGE
from sanic.exceptions import InvalidUsage, NotFound, Unauthorized
from sanic.response import HTTPResponse, file_stream, json, text
from sanic.router import RouteDoesNotExist
from sanic.views import CompositionView

with open("prices.csv", "w") as file:
    file.write("tea,2\ncoffee,3\n" * 200)
with open("shop.py", "w") as file:
    file.write("CURRENCY = 'EUR'\n")
os.environ["SHOP_SETTINGS"] = os.path.abspath("shop.py")


class ShopConfig(Config):
    def __init__(self):
        super().__init__(load_env=False)
        self.TAX = 7


app = Sanic("shop.app")
app.config = ShopConfig()
app.config.from_envvar("SHOP_SETTINGS")
prices = {"tea": 2, "coffee": 3}
basket = Blueprint("shop.basket", url_prefix="/basket")


@app.middleware("request")
async def user(request):
    request.ctx.started = True
    request["user"] = request.cookies.get("user", "guest")


@app.middleware("response")
async def mark(request, response):
    response.headers["X-User"] = request.ctx.user
    response.headers["X-Started"] = str(request.ctx.started)


@app.route("/price/<name:string>")
async def price(request, name):
    if name not in prices:
        raise NotFound("we have no {}".format(name))
    return json({"price": prices[name], "tax": app.config.TAX, "currency": app.config.CURRENCY})


@app.route("/discount/<name:string>/<rate:number>", methods=["GET", "POST"])
async def discount(request, name, rate):
    if rate > 1:
        raise InvalidUsage("too good to be true")
    return text("{:.2f}".format(prices[name] * rate))


@app.route("/login/<name>")
async def login(request, name):
    response = HTTPResponse(body_bytes=b"welcome", content_type="text/plain")
    response.cookies["user"] = name
    response.cookies["user"].update({"max-age": 600, "path": "/"})
    response.cookies["user"]["samesite"] = "Strict"
    response.headers["X-Age"] = str(response.cookies["user"].get("max-age", DEFAULT_MAX_AGE))
    return response


@app.route("/logout")
async def logout(request):
    response = text("bye")
    del response.cookies["user"]
    return response


@app.route("/prices")
async def all_prices(request):
    return await file_stream("prices.csv", chunked=request.raw_args.get("chunked") == "1", mime_type="text/csv")


async def show(request):
    return json(sorted(request["items"])) if "items" in request else text("empty")


async def put(request):
    items = (request.json or {}).get("items")
    if not isinstance(items, list):
        raise InvalidUsage("items is a list")
    request["items"] = items
    return await show(request)


view = CompositionView()
view.add(["GET"], show)
view.add(["PUT"], put)
app.add_route(view, "/basket")


@basket.route("/pay", methods=["POST"], stream=True)
async def pay(request):
    total = 0
    while True:
        part = await request.stream.read()
        if part is None:
            return text("paid {} bytes".format(total))
        total += len(part)


@basket.exception(Unauthorized)
async def unauthorized(request, exception):
    return text("who are you?", status=401)


@basket.route("/secret")
async def secret(request):
    if request["user"] == "guest":
        raise Unauthorized("log in", scheme="Basic", realm="shop")
    return text(request["user"] + " knows")


@app.route("/closed")
async def closed(request):
    try:
        app.remove_route("/nowhere")
    except RouteDoesNotExist:
        app.remove_route("/temporary")
        return text("closed")


app.add_route(show, "/temporary")
app.blueprint(basket)
