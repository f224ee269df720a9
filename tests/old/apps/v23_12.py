"""Accounts, as people wrote it for Sanic 23.12."""
from datetime import datetime, timezone

from sanic import Blueprint, Request, Sanic, empty, json, redirect, text
from sanic.cookies import Cookie
from sanic.exceptions import BadRequest, NotFound, Unauthorized
from sanic.response import ResponseStream, file
from sanic.views import HTTPMethodView, stream

app = Sanic("Accounts")
accounts = Blueprint("accounts", url_prefix="/accounts")

with open("welcome.txt", "w") as opened:
    opened.write("Welcome.\n")


@app.before_server_start
async def load(app):
    app.ctx.accounts = {"ada": {"admin": True}}


@app.on_request
async def who(request: Request):
    request.ctx.name = request.cookies.get("name")


@app.on_response
async def mark(request: Request, response):
    response.headers["x-name"] = request.ctx.name or "nobody"


@accounts.get("/<name:str>")
async def account(request: Request, name: str):
    if name not in app.ctx.accounts:
        raise NotFound(f"no account {name}", quiet=True)
    return json(app.ctx.accounts[name])


@accounts.post("/login")
async def login(request: Request):
    if not isinstance(request.json, dict) or "name" not in request.json:
        raise BadRequest("a name")
    response = json({"ok": True})
    # The old way and the new one.
    response.cookies["name"] = request.json["name"]
    response.cookies["name"]["max-age"] = 60
    response.cookies["name"]["samesite"] = "Strict"
    response.cookies["name"]["expires"] = datetime(2032, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    cookie = response.add_cookie("id", "7", httponly=True, max_age=30)
    assert isinstance(cookie, Cookie)
    response.headers["x-set"] = " ".join(sorted(key for key, value in response.cookies.items()))
    response.headers["x-age"] = str(response.cookies["name"]["max-age"])
    return response


@accounts.get("/logout")
async def logout(request: Request):
    response = redirect("/")
    response.delete_cookie("id")
    return response


@accounts.get("/secret")
async def secret(request: Request):
    if request.ctx.name is None:
        raise Unauthorized("log in", scheme="Bearer", realm="accounts")
    return text(f"hello {request.ctx.name}")


class Upload(HTTPMethodView, attach=app, uri="/upload"):
    @stream
    async def post(self, request: Request):
        size = 0
        async for part in request.stream:
            size += len(part)
        return text(str(size))

    async def get(self, request: Request):
        return empty()


@app.get("/count/<number:int>")
async def count(request: Request, number: int):
    async def write(response):
        for value in range(number):
            await response.write(f"{value},")

    return ResponseStream(write, content_type="text/plain")


@app.get("/welcome")
async def welcome(request: Request):
    return await file("welcome.txt", max_age=5, filename="hello.txt", last_modified=None, no_store=True)


@app.get("/")
async def index(request: Request):
    return text(app.url_for("accounts.account", name="ada", _anchor="top"))


@app.exception(NotFound)
async def missing(request: Request, exception: NotFound):
    return text(f"{exception} at {request.path}", 404)


app.blueprint(accounts)
