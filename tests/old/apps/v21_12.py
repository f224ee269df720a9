"""Orders and their events, as people wrote it for Sanic 21.12."""
from sanic import Blueprint, Sanic
from sanic.blueprints import BlueprintGroup
from sanic.exceptions import InvalidUsage, NotFound, SanicException, ServerError
from sanic.log import logger
from sanic.request import Request, json_loads
from sanic.response import HTTPResponse, json, stream, text
from sanic.tls import process_to_context
from sanic.views import HTTPMethodView
from sanic.websocket import WebSocketConnection, WebSocketProtocol

app = Sanic("orders", env_prefix="ORDERS_", register=True)
app.ctx.orders = {}
app.ctx.log = []
orders = Blueprint("orders", url_prefix="/orders", version=1)
reports = Blueprint("reports", url_prefix="/reports", version=1)
api = BlueprintGroup(url_prefix="/api")
api.append(orders)
api.append(reports)


class Sold(SanicException):
    status_code = 410
    message = "sold out"


@app.before_server_start
async def start(app, loop):
    app.ctx.log.append("start")


@app.signal("orders.order.<event>")
async def on_order(event, number):
    app.ctx.log.append("{} {}".format(event, number))


@app.on_request
async def identify(request):
    request.ctx.user = request.headers.get("x-user", "guest")


@app.on_response
async def add_headers(request, response):
    response.headers["x-user"] = request.ctx.user
    if request.route:
        response.headers["x-route"] = request.route.name


@orders.get("/<number:int>")
async def show(request: Request, number: int):
    try:
        return json(request.app.ctx.orders[number])
    except KeyError:
        raise NotFound(f"no order {number}")


@orders.post("/")
async def create(request: Request):
    order = json_loads(request.body)
    if not isinstance(order, dict) or "item" not in order:
        raise InvalidUsage("an order has an item")
    if order["item"] == "moon":
        raise Sold()
    number = len(app.ctx.orders) + 1
    app.ctx.orders[number] = order
    await app.dispatch("orders.order.created", context={"number": number})
    await app.event("orders.order.never", timeout=0.01) if order.get("wait") else None
    response = json({"number": number}, status=201)
    response.cookies["last"] = str(number)
    response.cookies["last"]["max-age"] = 60
    response.cookies["last"]["secure"] = True
    response.headers["x-cookies"] = ",".join(f"{k}={v.value}" for k, v in response.cookies.items())
    return response


@reports.get("/log")
async def log(request):
    return json(app.ctx.log)


@reports.get("/csv")
async def csv(request):
    async def write(response):
        for number, order in sorted(app.ctx.orders.items()):
            await response.write(f"{number},{order['item']}\n")

    return stream(write, content_type="text/csv")


@reports.get("/lines")
async def lines(request):
    response = await request.respond(content_type="text/plain")
    for number in range(3):
        await response.send(f"{number}\n")
    await response.eof()


class State(HTTPMethodView, attach=app, uri="/state"):
    async def get(self, request):
        return json([app.is_running, app.is_stopping, app.state.is_running, isinstance(app.config.LOGO, str)])


@app.get("/fail")
async def fail(request):
    raise ServerError("failed", quiet=True)


@app.exception(Sold)
async def sold(request, exception):
    return text(str(exception), exception.status_code)


@app.websocket("/feed")
async def feed(request, ws: WebSocketConnection):
    await ws.send("hello")


@app.get("/names")
async def names(request):
    logger.debug("names")
    return HTTPResponse(f"{WebSocketProtocol.__name__} {process_to_context(None)}", content_type="text/plain")


app.blueprint(api)
