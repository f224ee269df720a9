"""Corners that ported applications use: blueprint methods, view helpers, header and helper functions, old spellings."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, post, request

case(
    "every decorator of a blueprint",
    """
    bp = Blueprint("bp", url_prefix="/bp")
    for method in ("get", "post", "put", "patch", "delete", "head", "options"):
        def make(method):
            async def handler(request): return text(method, headers={"x-method": method})
            return handler
        getattr(bp, method)("/m", name=method)(make(method))
    async def added(request, x): return text(f"{request.method} {x}")
    bp.add_route(added, "/added/<x>", methods=["GET", "POST"])
    bp.ctx.note = "note"
    @bp.route("/route", methods=["GET", "POST"], ctx_role="r")
    async def route(request): return json([request.route.ctx.role, bp.ctx.note, bp.name, bp.url_prefix])
    app.blueprint(bp)
    """,
    *(request(m, "/bp/m") for m in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")),
    get("/bp/added/1"),
    post("/bp/added/1", body=b""),
    get("/bp/route"),
    get("/bp/none"),
)
case(
    "what a blueprint carries besides routes",
    """
    seen = []
    top = folder({"a.txt": "file"})
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.signal("bp.event.happened")
    async def happened(**context): seen.append(context)
    @bp.websocket("/ws")
    async def ws(request, ws): await ws.send("bp")
    bp.static("/s", top)
    bp.add_websocket_route(ws, "/ws2", name="ws2")
    async def middleware(request): request.ctx.bp = True
    bp.on_request(middleware)
    @bp.get("/")
    async def a(request):
        await app.dispatch("bp.event.happened", context={"x": 1}, inline=True)
        return json([seen, request.ctx.bp])
    app.blueprint(bp)
    """,
    get("/bp"),
    get("/bp/s/a.txt"),
    websocket("/bp/ws", replies=1),
    websocket("/bp/ws2", replies=1),
    get("/bp/s/none"),
)
case(
    "registering a blueprint after its routes, and routes after registering",
    """
    bp = Blueprint("bp", url_prefix="/bp")
    @bp.get("/before")
    async def before(request): return text("before")
    app.blueprint(bp)
    @bp.get("/after")
    async def after(request): return text("after")
    """,
    get("/bp/before"),
    get("/bp/after"),
    get("/before"),
)
case(
    "groups within groups, as sequences",
    """
    one, two, three = (Blueprint(n, url_prefix=f"/{n}") for n in ("one", "two", "three"))
    group = Blueprint.group(one, url_prefix="/g")
    group.append(two)
    group.insert(0, three)
    for bp in group:
        @bp.get("/")
        async def handler(request): return text(request.name)
    @group.exception(ValueError)
    async def on_value(request, exception): return text("group value", status=499)
    @three.get("/raise")
    async def fails(request): raise ValueError
    app.blueprint(Blueprint.group(group, url_prefix="/outer"))

    @app.get("/info")
    async def info(request):
        return json([len(group), [b.name for b in group], group.url_prefix, sorted(app.blueprints)])
    """,
    get("/outer/g/one"),
    get("/outer/g/two"),
    get("/outer/g/three"),
    get("/outer/g/three/raise"),
    get("/info"),
    get("/g/one"),
)
case(
    "a view attached, with a version and a name",
    """
    from sanic.views import HTTPMethodView, stream

    bp = Blueprint("bp", url_prefix="/bp")
    class One(HTTPMethodView, attach=app, uri="/one", version=1, name="uno"):
        def get(self, request): return text(request.name)
    class Two(HTTPMethodView, attach=bp, uri="/two", methods=["GET"]):
        async def get(self, request): return text(request.name)
        async def post(self, request): return text("post")
    class Three(HTTPMethodView):
        @stream
        async def post(self, request):
            size = 0
            async for chunk in request.stream: size += len(chunk)
            return json(size)
    Three.attach(app, uri="/three")
    app.blueprint(bp)
    @app.get("/urls")
    async def urls(request): return json([app.url_for("uno"), app.url_for("bp.Two"), app.url_for("Three")])
    """,
    get("/v1/one"),
    get("/bp/two"),
    post("/bp/two", body=b""),
    post("/three", body=[b"ab", b"c"]),
    get("/three"),
    get("/urls"),
)
case(
    "helper functions of headers",
    """
    from sanic import headers

    TESTS = {
        "accept": lambda: [str(m) for m in headers.parse_accept("text/html;q=0.3, */*;q=0.1, application/json")],
        "none": lambda: [str(m) for m in headers.parse_accept(None)],
        "content": lambda: headers.parse_content_header('form-data; name="a b"; filename=x.txt'),
        "plain": lambda: headers.parse_content_header("text/plain"),
        "host": lambda: [headers.parse_host(h) for h in ("a.test:80", "A.TEST", "[::1]:8000", "", "a b", "a:99999")],
        "credentials": lambda: headers.parse_credentials("Bearer abc", ("Basic", "Bearer")),
        "bad": lambda: [str(m) for m in headers.parse_accept("nonsense")],
    }
    @app.get("/<name>")
    async def a(request, name): return json(TESTS[name]())
    """,
    *(get(f"/{name}") for name in ("accept", "none", "content", "plain", "host", "credentials", "bad")),
)
case(
    "helper functions of helpers and constants",
    """
    from sanic.helpers import STATUS_CODES, has_message_body, import_string, is_entity_header, is_hop_by_hop_header
    from sanic.constants import DEFAULT_HTTP_CONTENT_TYPE, HTTP_METHODS, IDEMPOTENT_HTTP_METHODS, SAFE_HTTP_METHODS

    @app.get("/")
    async def a(request):
        return json([STATUS_CODES[404].decode(), STATUS_CODES[418].decode(), has_message_body(204),
                     has_message_body(200), is_entity_header("Content-Type"), is_hop_by_hop_header("Connection"),
                     [STATUS_CODES[n].decode() for n in (103, 208, 226, 413, 422, 428, 431, 451, 506, 511)],
                     [str(m) for m in HTTP_METHODS], sorted(SAFE_HTTP_METHODS),
                     sorted(IDEMPOTENT_HTTP_METHODS),
                     DEFAULT_HTTP_CONTENT_TYPE, HTTPMethod.GET == "get", "GET" == HTTPMethod.GET, str(HTTPMethod.PUT)])
    @app.get("/import")
    async def b(request): return text(type(import_string("json.JSONDecoder")).__name__)
    @app.get("/bad")
    async def c(request): return text(import_string("nosuch.thing"))
    """,
    get("/"),
    get("/import"),
    get("/bad"),
)
case(
    "RequestParameters",
    """
    from sanic.request import RequestParameters

    @app.get("/")
    async def a(request):
        p = RequestParameters({"a": ["1", "2"]})
        return json([p.get("a"), p.get("b", "d"), p.get("c"), p.getlist("a"), p.getlist("c", []), "a" in p, p["a"],
                     dict(p)])
    @app.get("/missing")
    async def b(request): return json(request.args["nosuch"])
    """,
    get("/"),
    get("/missing"),
    get("/missing?nosuch=1"),
)
case(
    "answers made by hand in an exception",
    """
    from sanic.exceptions import SanicException
    from sanic.response import HTTPResponse as Made, text as as_text, json as as_json, redirect as go

    class Redirect(SanicException):
        def __init__(self, where): super().__init__("go", status_code=302); self.where = where

    @app.exception(Redirect)
    def on_redirect(request, exception): return go(exception.where)
    @app.exception(Exception)
    def on_any(request, exception):
        status = getattr(exception, "status_code", 500)
        return as_json({"error": type(exception).__name__, "text": str(exception)}, status=status)
    @app.get("/redirect")
    async def a(request): raise Redirect("/x")
    @app.get("/boom")
    async def b(request): raise ZeroDivisionError("zero")
    @app.get("/none")
    async def c(request): return None
    """,
    get("/redirect"),
    get("/boom"),
    get("/none"),
    get("/nosuch"),
    post("/boom", body=b""),
)
case(
    "the router seen from a handler",
    """
    @app.get("/a/<x:int>", name="first", ctx_n=1)
    async def a(request, x): return text("")
    @app.post("/b", version=2, strict_slashes=True)
    async def b(request): return text("")
    @app.get("/routes")
    async def routes(request):
        return json(sorted([r.name, r.uri, r.path, sorted(r.methods), bool(r.strict)] for r in app.router.routes))
    @app.get("/find")
    async def find(request):
        return json([app.router.find_route_by_view_name("first").name, len(app.router.routes_all),
                     len(app.router.routes_dynamic), len(app.router.routes_static)])
    """,
    get("/find"),
    get("/none"),
    post("/v2/b/", body=b""),
)
case(
    "every argument of Sanic",
    """
    from sanic.config import Config
    from sanic.handlers import ErrorHandler
    from sanic.request import Request as Base
    from types import SimpleNamespace

    app = Sanic(
        name="Full", config=Config(), ctx=SimpleNamespace(x=1), error_handler=ErrorHandler(), request_class=Base,
        strict_slashes=False, configure_logging=False, log_config=None, inspector=False,
    )

    @app.get("/")
    async def a(request): return json([app.name, app.ctx.x, type(app.error_handler).__name__, app.strict_slashes])
    """,
    get("/"),
    get("/none"),
)
case(
    "an unknown argument of Sanic, and attributes of an app",
    """
    try:
        Sanic("X", nosuch=1)
        refused = None
    except TypeError as e:
        refused = "TypeError"

    @app.get("/")
    async def a(request):
        return json([refused, app.debug, app.auto_reload, app.test_mode, sorted(app.blueprints),
                     app.asgi in (True, False), str(app), bool(app.router), app.state.name])
    """,
    get("/"),
)
case(
    "bodies of methods that usually have none",
    """
    @app.get("/get")
    async def a(request): return json(request.json)
    @app.get("/body", ignore_body=False)
    async def b(request): return json(request.json)
    @app.delete("/delete")
    async def c(request): return json(request.json)
    @app.delete("/deletebody", ignore_body=False)
    async def d(request): return json(request.json)
    @app.route("/route", methods=["GET", "DELETE"])
    async def e(request): return json(request.json)
    """,
    *(request("GET", f"/{name}", body=b"[1]") for name in ("get", "body", "route")),
    *(request("DELETE", f"/{name}", body=b"[1]") for name in ("delete", "deletebody", "route")),
    request("GET", "/body", body=b"{"),
)
case(
    "forms with blank values",
    """
    @app.post("/")
    async def a(request):
        return json([dict(request.get_form(keep_blank_values=True)), dict(request.form)])
    @app.post("/form")
    async def b(request): return json(dict(request.form))
    """,
    post("/", form=[("a", ""), ("b", "1")]),
    post("/form", form=[("a", ""), ("b", "1")]),
    post("/", {"content-type": "application/x-www-form-urlencoded"}, b""),
)
case(
    "response middleware over files, streams and redirects",
    """
    from sanic.response import file_stream
    top = folder({"a.txt": "file"})

    @app.on_response
    async def mark(request, response):
        response.headers["x-mark"] = request.path
        if request.path != "/stream": response.add_cookie("seen", "1", secure=False)

    app.static("/s", top)
    @app.get("/file")
    async def a(request): return await file(top / "a.txt")
    @app.get("/stream")
    async def b(request): return await file_stream(top / "a.txt")
    @app.get("/redirect")
    async def c(request): return redirect("/file")
    @app.get("/empty")
    async def d(request): return empty()
    """,
    *(get(f"/{name}") for name in ("s/a.txt", "file", "stream", "redirect", "empty", "s/none", "none")),
)
case(
    "exceptions in the middleware of a blueprint",
    """
    class Mine(Exception): pass
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.on_request
    async def guard(request):
        if request.args: raise Mine(request.args.get("x"))
    @bp.exception(Mine)
    async def on_mine(request, exception): return text(f"bp {exception}", status=418)
    @app.exception(Mine)
    async def on_mine_app(request, exception): return text(f"app {exception}", status=419)
    @bp.get("/")
    async def a(request): return text("a")
    @app.get("/")
    async def b(request): raise Mine("root")
    app.blueprint(bp)
    """,
    get("/bp"),
    get("/bp?x=1"),
    get("/"),
    get("/bp/none?x=1"),
)
case(
    "answering twice, and resetting",
    """
    @app.get("/twice")
    async def a(request):
        await request.respond(text("one"))
        await request.respond(text("two"))
    @app.get("/reset")
    async def b(request):
        response = await request.respond(content_type="text/plain")
        request.reset_response()
        return text("after reset")
    @app.get("/sent")
    async def c(request):
        response = await request.respond(content_type="text/plain")
        await response.send("x")
        try:
            request.reset_response()
        except Exception as e:
            await response.send(type(e).__name__)
        await response.eof()
    """,
    get("/twice"),
    get("/reset"),
    get("/sent"),
)
case(
    "cookies on errors and on other helpers",
    """
    @app.exception(ValueError)
    async def on_value(request, exception):
        response = json({"error": str(exception)}, status=400)
        response.delete_cookie("session")
        return response
    @app.get("/error")
    async def a(request): raise ValueError("bad session")
    @app.get("/redirect")
    async def b(request):
        response = redirect("/")
        response.add_cookie("a", "b", path="/x", max_age=0)
        return response
    @app.get("/empty")
    async def c(request):
        response = empty()
        response.add_cookie("a", "b", samesite="none", httponly=True)
        return response
    """,
    get("/error"),
    get("/redirect"),
    get("/empty"),
)
case(
    "a directory as a page",
    """
    top = folder({"d/a.txt": "file", "d/b/c.txt": "deep"})
    app.static("/s", top / "d", directory_view=True)
    """,
    get("/s/a.txt"),
    get("/s/b/c.txt"),
    get("/s/none"),
)
case(
    "annotations, defaults and optional parameters",
    """
    @app.get("/a/<x:int>", name="with_x")
    @app.get("/a")
    async def a(request, x: int = 7): return json(x)
    @app.get("/k/<y>")
    async def k(request, **kwargs): return json(kwargs)
    @app.get("/pos/<p>/<q>")
    async def pos(request, p, q, *rest): return json([p, q, list(rest)])
    """,
    get("/a"),
    get("/a/3"),
    get("/k/v"),
    get("/pos/1/2"),
    get("/a/x"),
)
case(
    "exception classes with a message, a status and a quiet of their own",
    """
    from sanic.exceptions import SanicException, NotFound as Missing

    class Payment(SanicException):
        status_code = 402
        message = "pay first"
        quiet = True
    class Gone(Missing):
        status_code = 410
        message = "gone for good"
    class Plain(SanicException): pass

    @app.get("/<name>")
    async def a(request, name):
        raise {"payment": Payment, "gone": Gone, "plain": Plain, "text": Payment("other text")}[name]
    """,
    *(get(f"/{name}") for name in ("payment", "gone", "plain", "text", "nosuch")),
)
