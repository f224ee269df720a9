"""A library, as people wrote it for Sanic 0.8 in 2018."""
import os

from sanic import Blueprint, Sanic
from sanic.config import Config
from sanic.exceptions import NotFound, ServerError, abort, add_status_code, SanicException
from sanic.log import logger as log
from sanic.request import json_loads
from sanic.response import HTTPResponse, html, json, redirect, stream, text
from sanic.views import CompositionView, HTTPMethodView
from sanic.websocket import WebSocketProtocol

os.environ["LIBRARY_SHELVES"] = "12"
with open("settings.cfg", "w") as file:
    file.write("OPENING = 9\nnot_a_setting = True\n")
with open("rules.txt", "w") as file:
    file.write("Be quiet.\n")


class Defaults:
    CLOSING = 17
    OPENING = 8


app = Sanic("library.server", load_env="LIBRARY_")
app.config.from_object(Defaults)
app.config.from_pyfile("settings.cfg")

books = {1: "Emma", 2: "Ulysses"}
shelf = Blueprint("library.shelf", url_prefix="/shelf")
events = []


@add_status_code(423)
class Locked(SanicException):
    pass


@app.listener("before_server_start")
async def open_doors(app, loop):
    events.append("open")


@app.middleware("request")
async def visitor(request):
    request["visitor"] = request.headers.get("x-visitor", "nobody")
    if "banned" in request.raw_args:
        return text("go away", status=403)


@app.middleware("response")
async def stamp(request, response):
    response.headers["X-Visitor"] = request["visitor"]
    if response.status == 200 and request.path == "/hello":
        response.headers["X-Size"] = str(len(response.output().split(b"\r\n\r\n", 1)[1]))


@app.route("/")
def index(request):
    config = request.app.config
    return html("<h1>%s to %s, %s shelves</h1>" % (config.OPENING, config.CLOSING, config.SHELVES))


@app.route("/hello")
async def hello(request):
    response = text("hello, {}".format(request["visitor"]))
    response.cookies["seen"] = "yes"
    response.cookies["seen"]["max-age"] = 3600
    response.cookies["seen"]["httponly"] = True
    if response.cookies["seen"]["max-age"] != 3600 or "domain" in response.cookies["seen"]:
        raise ServerError("the cookie was forgotten")
    return response


@shelf.route("/<number:int>")
async def book(request, number):
    if number not in books:
        raise NotFound("no book {}".format(number))
    return json({"title": books[number], "next": app.url_for("library.shelf.book", number=number + 1)})


@shelf.route("/<number:int>/lend", methods=["POST"])
async def lend(request, number):
    if request.form.get("by") is None:
        abort(400, "who?")
    raise Locked("{} is lent".format(books[number]))


@shelf.route("/search/<word:string>/<least:number>")
async def search(request, word, least):
    return json([title for number, title in sorted(books.items()) if word in title and number >= least])


class Shelves(HTTPMethodView):
    async def get(self, request):
        return text("shelves: " + ", ".join(events))

    def put(self, request):
        data = json_loads(request.body)
        return HTTPResponse(body_bytes=data["title"].encode(), status=201, content_type="text/plain")


def show_rules(request):
    return text("rules")


async def change_rules(request):
    return text("not yours to change: " + (request.body or b"").decode(), 403)


rules = CompositionView()
rules.add(["GET"], show_rules)
rules.add(["POST", "PUT"], change_rules)


@app.route("/catalogue")
async def catalogue(request):
    async def write(response):
        for number in sorted(books):
            await response.write("{},{}\n".format(number, books[number]))

    return stream(write, content_type="text/csv")


@app.route("/old")
async def moved(request):
    return redirect(app.url_for("hello"))


@app.exception(NotFound)
def missing(request, exception):
    return text("missing: {}".format(exception), status=404)


@app.websocket("/feed")
async def feed(request, ws):
    await ws.send("opened")


app.add_route(Shelves.as_view(), "/shelves")
app.add_route(rules, "/rules")
app.static("/rules.txt", "rules.txt")
app.register_blueprint(shelf)
app.add_route(show_rules, "/tmp")
app.remove_route("/tmp")
log.debug("%s %s", WebSocketProtocol, Config)
