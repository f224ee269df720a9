"""Notes, as people wrote it for Sanic 22.12."""
from sanic import Blueprint, HTTPResponse, Sanic, empty, html, json, redirect, text
from sanic.cookies import DEFAULT_MAX_AGE, CookieJar
from sanic.errorpages import RENDERERS_BY_CONFIG
from sanic.exceptions import BadRequest, Forbidden, NotFound
from sanic.handlers import ErrorHandler
from sanic.helpers import remove_entity_headers
from sanic.request import BaseHTTPResponse, Request, json_loads
from sanic.views import HTTPMethodView


class Handler(ErrorHandler):
    def default(self, request, exception):
        if isinstance(exception, ZeroDivisionError):
            return text("divided", 500)
        return super().default(request, exception)


app = Sanic("Notes", error_handler=Handler())
notes = Blueprint("notes", url_prefix="/notes", version=2)


@app.before_server_start
async def setup(app):
    app.ctx.notes = {1: "first"}
    app.add_task(count(app), name="count")


async def count(app):
    app.ctx.counted = len(app.ctx.notes)


@app.on_request(priority=10)
async def first(request):
    request.ctx.order = ["first"]


@app.on_request(priority=1)
async def second(request):
    request.ctx.order.append("second")


@app.on_response
async def finish(request: Request, response: BaseHTTPResponse):
    response.headers["x-order"] = " ".join(request.ctx.order)
    response.headers["x-kind"] = type(response).__name__ if isinstance(response, HTTPResponse) else "other"


class Note(HTTPMethodView, attach=notes, uri="/<number:int>"):
    async def get(self, request, number):
        if number not in request.app.ctx.notes:
            raise NotFound("no such note", extra={"number": number})
        return text(request.app.ctx.notes[number])

    async def put(self, request, number):
        try:
            request.app.ctx.notes[number] = json_loads(request.body)["text"]
        except (KeyError, TypeError, ValueError):
            raise BadRequest("a note has a text")
        return empty()

    async def delete(self, request, number):
        raise Forbidden("notes stay")


@notes.get("/", ctx_listed=True)
async def every(request):
    return json({"notes": sorted(request.app.ctx.notes), "listed": request.route.ctx.listed})


@app.get("/remember/<name:slug>")
async def remember(request, name):
    response = html("<p>remembered")
    response.cookies["name"] = name
    cookie = response.cookies["name"]
    cookie["max-age"] = DEFAULT_MAX_AGE + 30
    cookie["comment"] = "a name"
    cookie["httponly"] = True
    assert isinstance(response.cookies, CookieJar)
    response.headers["x-cookie"] = ",".join(f"{key}={value}" for key, value in sorted(cookie.items()))
    response.headers["x-has"] = f"{'max-age' in cookie} {'domain' in cookie} {cookie.get('path')} {len(cookie)}"
    return response


@app.get("/forget")
async def forget(request):
    response = redirect(app.url_for("notes.every"))
    del response.cookies["name"]
    return response


@app.get("/divide")
async def divide(request):
    return text(str(1 / 0))


@app.get("/pages")
async def pages(request):
    kept = remove_entity_headers({"Content-Type": "a", "X-Kept": "b", "Expires": "c"})
    return json([sorted(RENDERERS_BY_CONFIG), sorted(kept)])


@app.post("/echo")
async def echo(request):
    fields = sorted(request.form)
    return json({"args": request.args.get("a"), "json": request.json, "form": fields})


app.blueprint(notes)
