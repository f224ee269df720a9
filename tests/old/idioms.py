"""The idioms of older releases that Sanic 25.12 refuses, each with an application that uses it and requests to it.

`recorder` has run these applications under the old releases; `observed.json` has their answers. `tests/old/__main__.py`
describes how to record them again. The lists in `docs/port/old-releases.md` are made from this one and the answers. The
last release of an idiom is the last one in which its application gave the answers that are expected here.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

START = """
from sanic import Blueprint, Sanic
from sanic.response import HTTPResponse, text
"""


def get(path: str, **step: Any) -> dict[str, Any]:
    """Return a GET request, with the keys of `recorder.ask`."""
    return {"path": path, **step}


def post(path: str, body: str, **headers: str) -> dict[str, Any]:
    """Return a POST request with a body."""
    return {
        "path": path,
        "method": "POST",
        "body": body,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
    }


@dataclass(frozen=True)
class Idiom:
    """One idiom.

    Attributes:
        name: a unique word for it.
        old: the old code, as the documentation shows it.
        new: the code to write instead.
        source: an application that uses it.
        steps: the requests to the application, bad input included.
        warns: a regular expression for the deprecation warning that this package gives.
        env: environment variables that are set.
        ignored: header fields that are not compared.
    """

    name: str
    old: str
    new: str
    source: str
    steps: tuple[dict[str, Any], ...]
    warns: str
    env: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


IDIOMS: list[Idiom] = []


def idiom(name: str, old: str, new: str, source: str, *steps: dict[str, Any], warns: str = "", **options: Any) -> None:
    """Add an idiom to the list."""
    program = START.lstrip() + textwrap.dedent(source).strip() + "\n"
    IDIOMS.append(Idiom(name, old, new, program, steps, warns, **options))


# Applications and blueprints -----------------------------------------------------------------------------------------

idiom(
    "dotted-names",
    '`Sanic("shop.server")`, `Blueprint("shop.books")`: dots in names',
    'a name of letters, digits, `_` and `-`: `Sanic("shop_server")`',
    """
    app = Sanic("shop.server")
    books = Blueprint("shop.books", url_prefix="/books")

    @app.route("/")
    async def index(request):
        return text(app.url_for("index") + " " + app.name)

    @books.route("/<number:int>")
    async def book(request, number):
        return text(request.app.url_for("shop.books.book", number=number + 1) + " " + books.name)

    @app.route("/wrong")
    async def wrong(request):
        return text(app.url_for("shop.books.none"))

    app.blueprint(books)
    """,
    get("/"),
    get("/books/3"),
    get("/books/x"),
    get("/wrong"),
    warns="names have no dots",
)
idiom(
    "register-blueprint",
    "`app.register_blueprint(bp, url_prefix=…)`",
    "`app.blueprint(bp, url_prefix=…)`",
    """
    app = Sanic("shop")
    books = Blueprint("books")

    @books.route("/all")
    async def every(request):
        return text("every book")

    app.register_blueprint(books, url_prefix="/b")
    """,
    get("/b/all"),
    get("/all"),
    warns=r"app\.blueprint\(",
)
idiom(
    "remove-route",
    '`app.remove_route("/path")`',
    "register no such route",
    """
    app = Sanic("shop")

    @app.route("/kept")
    async def kept(request):
        return text("kept")

    @app.route("/gone")
    async def gone(request):
        return text("gone")

    @app.route("/gone/<number:int>")
    async def numbered(request, number):
        return text("gone")

    app.remove_route("/gone")
    app.remove_route("/gone/<number:int>")

    @app.route("/late")
    async def late(request):
        try:
            app.remove_route("/never")
        except Exception as error:
            return text(type(error).__name__)
    """,
    get("/kept"),
    get("/gone"),
    get("/gone/3"),
    get("/late"),
    warns="remove_route",
)
idiom(
    "load-env",
    '`Sanic(name, load_env="SHOP_")`, `load_env=False`; the same of `Config`',
    '`env_prefix="SHOP_"`, `env_prefix=None`',
    """
    from sanic.config import Config

    app = Sanic("shop", load_env="SHOP_")
    without = Sanic("without", load_env=False)

    @app.route("/")
    async def index(request):
        return text("{} {} {}".format(app.config.TILL, "TILL" in without.config, "EXTRA" in app.config))

    @app.route("/config")
    async def config(request):
        with_prefix, plain = Config(load_env="SHOP_"), Config(load_env=True)
        return text("{} {}".format(with_prefix.TILL, plain.EXTRA))
    """,
    get("/"),
    get("/config"),
    warns="env_prefix",
    env={"SHOP_TILL": "3", "SANIC_EXTRA": "4"},
)
idiom(
    "register-app",
    "`Sanic(name, register=False)`",
    "`Sanic.unregister_app(app)`",
    """
    app = Sanic("shop")
    hidden = Sanic("hidden", register=False)

    @app.route("/")
    async def index(request):
        try:
            return text(Sanic.get_app("hidden").name)
        except Exception as error:
            return text(type(error).__name__)
    """,
    get("/"),
    warns="unregister_app",
)
idiom(
    "listener-event",
    '`@app.listener(event="before_server_start")`',
    '`@app.listener("before_server_start")`',
    """
    app = Sanic("shop")
    books = Blueprint("books")

    @app.listener(event="before_server_start")
    async def start(app, loop):
        app.config.STARTED = "app"

    @books.listener(event="before_server_start")
    async def start_books(app, loop):
        app.config.STARTED += " books"

    app.blueprint(books)

    @app.route("/")
    async def index(request):
        return text(app.config.STARTED)
    """,
    get("/"),
    warns="first argument",
)
idiom(
    "path-types",
    "`<name:string>`, `<price:number>`",
    "`<name:str>`, `<price:float>`",
    """
    app = Sanic("shop")

    @app.route("/name/<name:string>")
    async def by_name(request, name):
        return text(repr(name))

    @app.route("/price/<price:number>")
    async def by_price(request, price):
        return text(repr(price))

    @app.route("/links")
    async def links(request):
        return text(app.url_for("by_name", name="a") + " " + app.url_for("by_price", price=1.5))

    @app.route("/wrong")
    async def wrong(request):
        return text(app.url_for("by_price", price="cheap"))
    """,
    get("/name/ada"),
    get("/price/2.5"),
    get("/price/2"),
    get("/price/cheap"),
    get("/links"),
    get("/wrong"),
    warns=r"<\w+:(str|float)>",
)
idiom(
    "composition-view",
    '`view = CompositionView()`, `view.add(["GET"], handler)`',
    "`HTTPMethodView`, or one route for each method",
    """
    from sanic.exceptions import InvalidUsage
    from sanic.views import CompositionView

    app = Sanic("shop")

    async def show(request, number):
        return text("show {}".format(number))

    def change(request, number):
        return text("change {}".format(number))

    view = CompositionView()
    view.add(["GET"], show)
    view.add(["POST", "PUT"], change)
    app.add_route(view, "/<number:int>")

    @app.route("/wrong")
    async def wrong(request):
        said = []
        for methods in (["GET"], ["FETCH"]):
            try:
                view.add(methods, show)
            except InvalidUsage:
                said.append("invalid")
        return text(" ".join(said) + " " + " ".join(sorted(view.handlers)))
    """,
    get("/3"),
    post("/4", "x"),
    {"path": "/5", "method": "PUT", "body": "x"},
    {"path": "/5", "method": "DELETE"},
    get("/wrong"),
    warns="HTTPMethodView",
)
idiom(
    "static-register",
    "`from sanic.static import register`",
    "`app.static(uri, path)`",
    """
    from sanic.static import register

    with open("note.txt", "w") as file:
        file.write("a note")

    app = Sanic("shop")
    register(app, "/note", "note.txt", None, True, True, False)
    """,
    get("/note"),
    get("/none"),
    warns=r"app\.static",
    # Header fields that a response with a file has since 25.12.
    ignored=("cache-control", "content-type", "last-modified"),
)
idiom(
    "is-running",
    "`app.is_running`, `app.is_stopping`",
    "`app.state.is_running`, `app.state.is_stopping`",
    """
    app = Sanic("shop")
    before = app.is_running

    @app.route("/")
    async def index(request):
        return text("{} {}".format(before, app.is_running))
    """,
    get("/"),
    warns=r"app\.state",
)
idiom(
    "trigger-events",
    "`await app.trigger_events(events, loop)`",
    "call them yourself, or `app.dispatch` a signal",
    """
    app = Sanic("shop")
    seen = []

    async def later(app):
        seen.append("async")

    def now(app):
        seen.append("sync")

    @app.route("/")
    async def index(request):
        await app.trigger_events([later, now], app.loop)
        return text(" ".join(seen))
    """,
    get("/"),
    warns="trigger_events",
)
idiom(
    "run-by-position",
    '`app.run("127.0.0.1", 8000, True)`',
    '`app.run("127.0.0.1", 8000, debug=True)`',
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text(str(app.debug))

    def run(host, port, **options):
        app.run(host, port, False, None, **options)
    """,
    get("/"),
    warns="by position",
)
idiom(
    "run-stop-event",
    "`app.run(stop_event=…)`",
    "leave it out: it was without effect",
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text("served")

    def run(**options):
        app.run(stop_event=None, **options)
    """,
    get("/"),
    warns="stop_event",
)
idiom(
    "run-loop",
    "`app.run(loop=loop)`",
    "`await app.create_server(…)` on the loop",
    """
    import asyncio

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text("served")

    def run(**options):
        app.run(loop=asyncio.new_event_loop(), **options)
    """,
    get("/"),
    warns="create_server",
)
# Settings ------------------------------------------------------------------------------------------------------------

idiom(
    "config-from-object",
    "`app.config.from_object(thing)`",
    "`app.config.update_config(thing)`",
    """
    class Settings:
        TILL = 3
        small = 4

    app = Sanic("shop")
    app.config.from_object(Settings)

    @app.route("/")
    async def index(request):
        return text("{} {}".format(app.config.TILL, "small" in app.config))

    @app.route("/text")
    async def by_name(request):
        app.config.from_object("http.client")
        return text(str(app.config.HTTP_PORT))
    """,
    get("/"),
    get("/text"),
    warns=r"update_config\(",
)
idiom(
    "config-from-pyfile",
    '`app.config.from_pyfile("settings.py")`',
    '`app.config.update_config("./settings.py")`',
    """
    with open("settings.py", "w") as file:
        file.write("TILL = 3\\nsmall = 4\\n")
    with open("broken.py", "w") as file:
        file.write("TILL = 1 / 0\\n")

    app = Sanic("shop")
    app.config.from_pyfile("settings.py")

    @app.route("/")
    async def index(request):
        return text("{} {}".format(app.config.TILL, "small" in app.config))

    @app.route("/wrong")
    async def wrong(request):
        said = []
        for name in ("none.py", "broken.py"):
            try:
                app.config.from_pyfile(name)
            except Exception as error:
                said.append(type(error).__name__)
        return text(" ".join(said))
    """,
    get("/"),
    get("/wrong"),
    warns=r"update_config\(",
)
idiom(
    "config-from-envvar",
    '`app.config.from_envvar("SHOP_SETTINGS")`',
    '`app.config.update_config("${SHOP_SETTINGS}")`',
    """
    import os

    with open("settings.py", "w") as file:
        file.write("TILL = 3\\n")
    os.environ["SHOP_SETTINGS"] = "settings.py"

    app = Sanic("shop")
    app.config.from_envvar("SHOP_SETTINGS")

    @app.route("/")
    async def index(request):
        return text(str(app.config.TILL))

    @app.route("/wrong")
    async def wrong(request):
        try:
            app.config.from_envvar("SHOP_NOTHING")
        except RuntimeError as error:
            return text(type(error).__name__)
    """,
    get("/"),
    get("/wrong"),
    warns=r"update_config\(",
)
idiom(
    "old-settings",
    "`app.config.LOGO`, `.WEBSOCKET_MAX_QUEUE`, `.WEBSOCKET_READ_LIMIT`, `.WEBSOCKET_WRITE_LIMIT`",
    "nothing: the server has options of its own",
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        config = app.config
        return text("{} {} {} {}".format(
            isinstance(config.LOGO, str), config.WEBSOCKET_MAX_QUEUE, config.WEBSOCKET_READ_LIMIT,
            config["WEBSOCKET_WRITE_LIMIT"]))

    @app.route("/wrong")
    async def wrong(request):
        try:
            return text(app.config.NEVER)
        except AttributeError as error:
            return text(type(error).__name__)
    """,
    get("/"),
    get("/wrong"),
    warns="no effect",
)
# Requests ------------------------------------------------------------------------------------------------------------

idiom(
    "raw-args",
    "`request.raw_args`",
    "`request.args.get(name)`",
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text(repr(sorted(request.raw_args.items())) + " " + type(request.raw_args).__name__)
    """,
    get("/?a=1&a=2&b=3"),
    get("/"),
    get("/?a=&%zz=1&b"),
    warns=r"request\.args",
)
idiom(
    "request-item",
    '`request["user"] = …`, `request["user"]`, `"user" in request`, `del request["user"]`',
    "`request.ctx.user`",
    """
    app = Sanic("shop")

    @app.middleware("request")
    async def login(request):
        request["user"] = "ada"
        request["gone"] = "x"
        del request["gone"]

    @app.route("/")
    async def index(request):
        return text("{} {} {} {}".format(request["user"], "user" in request, "gone" in request, request.get("none", 5)))

    @app.route("/none")
    async def none(request):
        try:
            return text(request["nobody"])
        except KeyError as error:
            return text(error.args[0])

    @app.route("/twice")
    async def twice(request):
        try:
            del request["nobody"]
        except KeyError as error:
            return text(error.args[0])
    """,
    get("/"),
    get("/none"),
    get("/twice"),
    warns=r"request\.ctx",
)
idiom(
    "request-dict",
    '`request.pop("user")`, `.setdefault(…)`, `.update(…)`: a request as a dictionary',
    "`request.ctx`",
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        request.update({"a": 1}, b=2)
        said = [request.setdefault("c", 3), request.setdefault("a", 4), request.pop("b"), request.pop("b", 5)]
        said += [request.get("a"), "b" in request]
        return text(repr(said))

    @app.route("/none")
    async def none(request):
        try:
            request.pop("nobody")
        except KeyError as error:
            return text(error.args[0])
    """,
    get("/"),
    get("/none"),
    warns=r"request\.ctx",
)
idiom(
    "stream-get",
    "`await request.stream.get()`",
    "`await request.stream.read()`, or `async for part in request.stream`",
    """
    app = Sanic("shop")

    @app.post("/", stream=True)
    async def index(request):
        size = 0
        while True:
            part = await request.stream.get()
            if part is None:
                return text(str(size))
            size += len(part)
    """,
    post("/", "abc" * 50_000),
    post("/", ""),
    warns=r"stream\.read\(",
)
idiom(
    "body-push",
    "`request.body_init()`, `.body_push(part)`, `.body_finish()`",
    "`request.body = …`",
    """
    app = Sanic("shop")

    @app.post("/")
    async def index(request):
        request.body_init()
        request.body_push(b"[1, ")
        request.body_push(b"2]")
        request.body_finish()
        return text(request.body.decode() + repr(request.json))
    """,
    post("/", "abc"),
    warns=r"request\.body",
)
idiom(
    "request-functions",
    "`from sanic.request import json_loads, parse_multipart_form`",
    "`json.loads`; `parse_multipart_form` is still there",
    """
    from sanic.request import json_loads, parse_multipart_form

    app = Sanic("shop")

    @app.post("/json")
    async def read(request):
        try:
            return text(repr(json_loads(request.body)))
        except ValueError:
            return text("invalid", 400)

    @app.post("/form")
    async def form(request):
        body = b'--b\\r\\nContent-Disposition: form-data; name="a"\\r\\n\\r\\n1\\r\\n--b--\\r\\n'
        fields, files = parse_multipart_form(body, b"b")
        return text("{} {}".format(fields.get("a"), len(files)))
    """,
    post("/json", '{"a": [1, 2.5, null]}'),
    post("/json", "{"),
    post("/form", ""),
    warns="json_loads",
)
# Responses -----------------------------------------------------------------------------------------------------------

idiom(
    "body-bytes",
    '`HTTPResponse(body_bytes=b"…")`',
    '`HTTPResponse(b"…")`',
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return HTTPResponse(body_bytes=b"bytes", status=201, content_type="text/plain")

    @app.route("/both")
    async def both(request):
        return HTTPResponse("text", body_bytes=b"bytes", content_type="text/plain")

    @app.route("/wrong")
    async def wrong(request):
        return HTTPResponse(body_byte=b"bytes")
    """,
    get("/"),
    get("/both"),
    get("/wrong"),
    warns="body_bytes",
)
idiom(
    "response-output",
    "`response.output()`",
    "`response.body`, `response.headers`",
    """
    app = Sanic("shop")

    def parts(written):
        head, _, body = written.partition(b"\\r\\n\\r\\n")
        lines = head.decode().split("\\r\\n")
        return "{} {} {}".format(lines[0], sorted(line.lower() for line in lines[1:]), body.decode())

    @app.route("/")
    async def index(request):
        return text(parts(text("hello", 201, {"X-Shop": "yes"}).output()))

    @app.route("/kept")
    async def kept(request):
        return text(parts(text("hello").output("1.1", True, 5)))

    @app.route("/empty")
    async def empty(request):
        return text(parts(HTTPResponse(status=204).output()))
    """,
    get("/"),
    get("/kept"),
    get("/empty"),
    warns="output",
)
idiom(
    "file-stream-chunked",
    "`await file_stream(path, chunked=True)`",
    "`await file_stream(path)`",
    """
    from sanic.response import file_stream

    with open("note.txt", "w") as file:
        file.write("a note " * 1000)

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return await file_stream("note.txt", chunked=True)

    @app.route("/whole")
    async def whole(request):
        return await file_stream("note.txt", chunked=False, headers={"X-Shop": "yes"})

    @app.route("/none")
    async def none(request):
        return await file_stream("note.txt", chunk=False)
    """,
    get("/"),
    get("/whole"),
    get("/none"),
    warns="chunked",
)
idiom(
    "streams",
    "`stream(function)`, `StreamingHTTPResponse(function)`",
    "`ResponseStream(function)`, or `await request.respond()`",
    """
    from sanic.response import StreamingHTTPResponse, stream

    app = Sanic("shop")

    async def write(response):
        await response.write("one ")
        await response.write("two")

    @app.route("/")
    async def index(request):
        return stream(write, status=201, headers={"X-Shop": "yes"}, content_type="text/csv")

    @app.route("/class")
    async def by_class(request):
        return StreamingHTTPResponse(write)

    @app.route("/wrong")
    async def wrong(request):
        return stream(None, wrong=1)
    """,
    get("/"),
    get("/class"),
    get("/wrong"),
    warns="ResponseStream",
)
idiom(
    "cookie-items",
    '`response.cookies["id"] = "1"`, `response.cookies["id"]["max-age"] = 60`',
    '`response.add_cookie("id", "1", max_age=60)`',
    """
    from datetime import datetime

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        response = text("set")
        response.cookies["id"] = "1"
        response.cookies["id"]["max-age"] = 60
        response.cookies["id"]["httponly"] = True
        response.cookies["id"]["domain"] = ".shop.test"
        response.cookies["id"]["expires"] = datetime(2030, 1, 2, 3, 4, 5)
        response.cookies["theme"] = "dark side"
        response.cookies["theme"]["path"] = "/x"
        response.cookies["theme"]["secure"] = False
        return response

    @app.route("/wrong")
    async def wrong(request):
        response = text("wrong")
        response.cookies["id"] = "1"
        said = []
        for name, value in (("colour", "red"), ("max-age", "long"), ("expires", "tomorrow")):
            try:
                response.cookies["id"][name] = value
            except Exception as error:
                said.append(type(error).__name__)
        for name in ("path", "a b"):
            try:
                response.cookies[name] = "1"
            except Exception as error:
                said.append(type(error).__name__)
        return text(" ".join(said))
    """,
    get("/"),
    get("/wrong"),
    warns="add_cookie",
)
idiom(
    "cookie-deletion",
    '`del response.cookies["id"]`',
    '`response.delete_cookie("id")`',
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        response = text("deleted")
        del response.cookies["id"]
        return response
    """,
    get("/"),
    warns="delete_cookie",
)
idiom(
    "cookie-mapping",
    '`response.cookies.items()`, `response.cookies["id"].get("max-age")`, `"max-age" in response.cookies["id"]`',
    "`response.cookies.get_cookie(name)`, and its attributes",
    """
    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        jar = text("").cookies
        jar["id"] = "1"
        cookie = jar["id"]
        cookie["max-age"] = 60
        cookie["secure"] = True
        said = [
            sorted(cookie.items(), key=repr), cookie.get("max-age"), cookie.get("domain"), cookie.get("domain", 5),
            "max-age" in cookie, "domain" in cookie, cookie["max-age"], cookie["path"], cookie.value, cookie.key,
            len(cookie), sorted(cookie), sorted(cookie.keys()), sorted(cookie.values(), key=repr),
            [(name, value.value) for name, value in jar.items()], list(jar.keys()), "id" in jar, len(jar),
            [value.value for value in jar.values()], cookie.pop("secure"), cookie.pop("secure", 7), "secure" in cookie,
            cookie.setdefault("path", "/x"), cookie.setdefault("comment", "c"),
        ]
        return text(repr(said))

    @app.route("/changed")
    async def changed(request):
        response = text("changed")
        response.cookies["id"] = "1"
        cookie = response.cookies["id"]
        cookie.update({"path": "/x", "max-age": 5})
        cookie["httponly"] = True
        del cookie["httponly"]
        return response

    @app.route("/wrong")
    async def wrong(request):
        jar = text("").cookies
        jar["id"] = "1"
        said = []
        for act in (
            lambda: jar["id"]["domain"], lambda: jar["id"].pop("domain"), lambda: jar["none"],
        ):
            try:
                act()
                said.append("nothing")
            except KeyError as error:
                said.append("KeyError")
        return text(" ".join(said))
    """,
    get("/"),
    get("/changed"),
    get("/wrong"),
    warns="add_cookie|get_cookie|attribute",
)
# Exceptions ----------------------------------------------------------------------------------------------------------

idiom(
    "abort",
    '`abort(404, "message")`',
    '`raise NotFound("message")`',
    """
    from sanic.exceptions import abort

    app = Sanic("shop")

    @app.exception(Exception)
    async def explain(request, error):
        return text("{} {}".format(getattr(error, "status_code", 0), error), 400)

    @app.route("/")
    async def index(request):
        abort(404, "no book")

    @app.route("/teapot")
    async def teapot(request):
        abort(418)

    @app.route("/wrong")
    async def wrong(request):
        abort()
    """,
    get("/", keep_body=True),
    get("/teapot", keep_body=True),
    get("/wrong"),
    warns=r"abort\(\) was removed",
)
idiom(
    "add-status-code",
    "`@add_status_code(409)`",
    "`status_code = 409` in the class",
    """
    from sanic.exceptions import SanicException, add_status_code

    app = Sanic("shop")

    @add_status_code(409)
    class Conflict(SanicException):
        pass

    @app.route("/")
    async def index(request):
        raise Conflict("sold twice")
    """,
    get("/"),
    warns="add_status_code",
)
# Websockets, modules -------------------------------------------------------------------------------------------------

idiom(
    "websocket-module",
    "`from sanic.websocket import WebSocketProtocol`",
    "nothing: `app.run` needs no protocol; `Websocket` from `sanic` is for annotations",
    """
    from sanic.websocket import WebSocketProtocol

    app = Sanic("shop")

    @app.websocket("/feed")
    async def feed(request, ws):
        await ws.send("hello")

    @app.route("/")
    async def index(request):
        return text(WebSocketProtocol.__name__)
    """,
    get("/"),
    warns=r"sanic\.websocket",
)
idiom(
    "websocket-state",
    "`ws.open`, `ws.closed`, `await ws.ensure_open()`, `ws.remote_address`",
    "`send` and `recv` raise when it is closed; `request.client`",
    """
    app = Sanic("shop")

    @app.websocket("/feed")
    async def feed(request, ws):
        before = [ws.open, ws.closed, ws.remote_address[0]]
        await ws.ensure_open()
        await ws.send("{}".format(before))
    """,
    {"path": "/feed", "websocket": True},
    warns="send and recv raise",
)
idiom(
    "tls-module",
    "`from sanic.tls import …`",
    "`from sanic.http.tls.context import …`",
    """
    from sanic.tls import create_context, process_to_context

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text(type(create_context()).__name__ + repr(process_to_context(None)))
    """,
    get("/"),
    warns=r"sanic\.http\.tls",
)
idiom(
    "reloader-helpers",
    "`from sanic.reloader_helpers import restart_with_reloader, watchdog`",
    "`app.run(auto_reload=True)`",
    """
    from sanic.reloader_helpers import restart_with_reloader, watchdog

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text("{} {}".format(restart_with_reloader.__name__, watchdog.__name__))
    """,
    get("/"),
    warns="auto_reload",
)
idiom(
    "gunicorn-worker",
    "`gunicorn -k sanic.worker.GunicornWorker server:app`",
    "`gunicorn -k uvicorn_worker.UvicornWorker server:app`",
    """
    from sanic.worker import GunicornWorker

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text(GunicornWorker.__name__)
    """,
    get("/"),
    warns=r"uvicorn_worker",
)
idiom(
    "log-name",
    "`from sanic.log import log`",
    "`from sanic.log import logger`",
    """
    from sanic.log import log

    app = Sanic("shop")
    log.info("a line")

    @app.route("/")
    async def index(request):
        return text(type(log).__name__)
    """,
    get("/"),
    warns=r"sanic\.log",
)
idiom(
    "http-module",
    "`from sanic.http import STATUS_CODES`",
    "`from sanic.helpers import STATUS_CODES`",
    """
    from sanic.http import STATUS_CODES, has_message_body

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        return text("{} {}".format(STATUS_CODES[404], has_message_body(204)))
    """,
    get("/"),
    warns=r"sanic\.helpers",
)
idiom(
    "names-in-other-modules",
    "`from sanic.app import HTTPResponse`, `from sanic.server import Request`, `from sanic.handlers import text`, …",
    "each from the module that defines it",
    """
    from sanic.handlers import SanicException, text as plain
    from sanic.router import MethodNotSupported
    from sanic.server import PayloadTooLarge, Request
    from sanic.views import HTTP_METHODS

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        said = [isinstance(request, Request), issubclass(PayloadTooLarge, SanicException), "PATCH" in HTTP_METHODS]
        return plain("{} {}".format(said, MethodNotSupported.__name__ != ""))
    """,
    get("/"),
    warns=r"import it from sanic\.",
)
idiom(
    "remove-entity-headers",
    "`from sanic.helpers import remove_entity_headers`",
    "nothing: responses with 304 have none",
    """
    from sanic.helpers import remove_entity_headers

    app = Sanic("shop")

    @app.route("/")
    async def index(request):
        given = {"Content-Type": "a", "Content-Location": "b", "Expires": "c", "X-Shop": "d", "Allow": "e"}
        return text(repr(sorted(remove_entity_headers(given).items())) + repr(
            sorted(remove_entity_headers(given, allowed=("allow",)).items())))
    """,
    get("/"),
    warns="remove_entity_headers",
)
idiom(
    "router-questions",
    '`app.router.get_supported_methods("/path")`, `app.router.is_stream_handler(request)`',
    "`request.route.methods`, `request.route.extra`",
    """
    app = Sanic("shop")

    @app.route("/", methods=["GET", "PUT"])
    async def index(request):
        methods = app.router.get_supported_methods("/")
        return text("{} {}".format(sorted(methods), app.router.is_stream_handler(request)))

    @app.route("/none")
    async def none(request):
        return text(repr(sorted(app.router.get_supported_methods("/never") or [])))
    """,
    get("/"),
    get("/none"),
    warns=r"request\.route",
)
