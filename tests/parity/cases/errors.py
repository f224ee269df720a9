"""Exceptions, their handlers, and the answers that Sanic makes when there is no handler."""

from tests.parity.case import case
from tests.parity.wire import get, head, post

RAISERS = """
from sanic import exceptions

@app.get("/raise/<name>")
async def one(request, name):
    args = [request.args.get("m")] if "m" in request.args else []
    raise getattr(exceptions, name)(*args)
"""
FAMILY = (
    "NotFound",
    "BadRequest",
    "InvalidUsage",
    "BadURL",
    "HTTPException",
    "ServerError",
    "InternalServerError",
    "ServiceUnavailable",
    "RequestTimeout",
    "PayloadTooLarge",
    "Forbidden",
    "ExpectationFailed",
    "URLBuildError",
    "LoadFileException",
    "InvalidSignal",
    "WebsocketClosed",
    "SanicException",
    "RequestCancelled",
)

case("status and message of the family", RAISERS, *(get(f"/raise/{name}") for name in FAMILY))
case("a message of one's own", RAISERS, *(get(f"/raise/{name}?m=Hm.") for name in FAMILY))
for accept in ("application/json", "text/html", "text/plain"):
    case(
        f"the family, asked for {accept}",
        RAISERS,
        *(get(f"/raise/{name}?m=<b>", {"accept": accept}) for name in FAMILY[:6]),
        get("/raise/NoSuch", {"accept": accept}),
        get("/none/<b>?x=1", {"accept": accept}),
        post("/raise/x", {"accept": accept}, body=b"x"),
        head("/none", {"accept": accept}),
    )
case(
    "which format an Accept header gets",
    """
    @app.get("/")
    async def a(request): raise BadRequest("no")
    @app.get("/ok")
    async def ok(request): return text("ok")
    """,
    *(
        get("/", {"accept": accept})
        for accept in (
            "*/*",
            "text/*",
            "application/*",
            "text/html, application/json",
            "application/json, text/html",
            "text/html;q=0.1, application/json",
            "application/json;q=0.1, text/plain;q=0.2, text/html;q=0",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "image/png",
            "",
            "text/html;level=1, text/html;level=2;q=0.4",
            "TEXT/HTML",
            "application/json;charset=utf-8",
            "application/vnd.api+json",
            "application/json, nonsense",
            "text/html, ",
            "application/json, text/plain",
            "text/plain, application/json",
            "text/plain, text/html",
            "text/html, text/plain",
            "text/*, application/json",
            "application/*, text/*",
            "*/*, application/json",
            "image/png, text/html, */*;q=0.1",
        )
    ),
    get("/", {"content-type": "application/json"}),
    get("/none", {"content-type": "application/json"}),
    get("/ok", {"accept": "nonsense"}),
)
case(
    "the format follows what the handler returns",
    """
    @app.get("/j")
    async def a(request):
        if request.args: raise BadRequest("no")
        return json({})
    @app.get("/h")
    async def b(request):
        if request.args: raise BadRequest("no")
        return html("")
    @app.get("/t")
    async def c(request):
        if request.args: raise BadRequest("no")
        return text("")
    @app.get("/two")
    async def d(request):
        if "j" in request.args: return json({})
        raise BadRequest("no")
        return html("")
    """,
    get("/j?x=1"),
    get("/h?x=1"),
    get("/t?x=1"),
    get("/two?x=1"),
    get("/j?x=1", {"accept": "text/html"}),
    get("/j?x=1", {"accept": "*/*"}),
    get("/h?x=1", {"accept": "*/*"}),
    get("/h?x=1", {"accept": "application/json, */*"}),
)
for wanted in ("html", "json", "text", "auto"):
    case(
        f"error_format={wanted} of a route",
        f"""
        @app.get("/", error_format="{wanted}")
        async def a(request): raise BadRequest("no")
        @app.get("/boom", error_format="{wanted}")
        async def b(request): 1 / 0
        """,
        get("/"),
        get("/boom"),
        get("/", {"accept": "*/*"}),
        get("/", {"accept": "text/html"}),
        get("/", {"accept": "application/json"}),
        get("/", {"accept": "text/plain"}),
        post("/", body=b"x"),
    )
    case(
        f"FALLBACK_ERROR_FORMAT={wanted}",
        f"""
        app.config.FALLBACK_ERROR_FORMAT = "{wanted}"
        @app.get("/")
        async def a(request): raise BadRequest("no")
        @app.get("/boom")
        async def b(request): 1 / 0
        @app.get("/text", error_format="text")
        async def c(request): raise BadRequest("no")
        """,
        get("/"),
        get("/boom"),
        get("/text"),
        get("/none"),
        get("/", {"accept": "*/*"}),
        get("/", {"accept": "text/html"}),
        get("/", {"accept": "application/json"}),
        get("/", {"accept": "text/plain"}),
        post("/", body=b"x"),
    )
case(
    "an unknown error_format",
    """
    @app.get("/", error_format="xml")
    async def a(request): return text("")
    """,
    get("/"),
    fails=True,
)
case("an unknown FALLBACK_ERROR_FORMAT", 'app.config.FALLBACK_ERROR_FORMAT = "xml"', get("/"), fails=True)
case(
    "a handler that returns no response",
    """
    @app.get("/none")
    async def a(request): return None
    @app.get("/number")
    async def b(request): return 1
    @app.get("/str")
    async def c(request): return "text"
    @app.get("/dict")
    async def d(request): return {"a": 1}
    @app.get("/bytes")
    def e(request): return b"x"
    """,
    *(get(f"/{name}") for name in ("none", "number", "str", "dict", "bytes")),
    get("/none", {"accept": "application/json"}),
    get("/number", {"accept": "text/html"}),
)
case(
    "a handler that raises something else",
    """
    @app.get("/<name>")
    async def a(request, name):
        raise {"value": ValueError("secret"), "key": KeyError("secret"), "base": RuntimeError(),
               "stop": StopAsyncIteration(), "timeout": TimeoutError("x"), "os": OSError(2, "x")}[name]
    """,
    *(get(f"/{name}") for name in ("value", "key", "base", "stop", "timeout", "os", "nosuch")),
    get("/value", {"accept": "application/json"}),
    get("/value", {"accept": "text/html"}),
)
case(
    "context, extra and headers of an exception",
    """
    class Teapot(SanicException):
        status_code = 418
        message = "I am one"
        headers = {"x-class": "1"}

    @app.get("/class")
    async def a(request): raise Teapot
    @app.get("/all")
    async def b(request):
        raise Teapot("hm", status_code=419, context={"a": 1}, extra={"hint": 2}, headers={"x-own": "2"})
    @app.get("/message")
    async def c(request): raise Teapot(context={"<b>": "<i>"})
    @app.get("/plain")
    async def d(request): raise SanicException("plain", status_code=402)
    @app.get("/bytes")
    async def e(request): raise SanicException(b"bytes", status_code=400)
    @app.get("/empty")
    async def f(request): raise SanicException("", status_code=404)
    @app.get("/number")
    async def g(request): raise SanicException(3, 404)
    """,
    *(
        get(f"/{name}", {"accept": accept})
        for name in ("class", "all", "message", "plain", "bytes", "empty", "number")
        for accept in ("application/json", "text/plain", "text/html")
    ),
)
case(
    "context, extra and headers of an exception, debug",
    """
    @app.get("/all")
    async def b(request):
        raise SanicException("hm", status_code=419, context={"a": 1}, extra={"hint": 2}, headers={"x-own": "2"})
    @app.get("/boom/<x:int>")
    async def boom(request, x): 1 / 0
    """,
    *(get(path, {"accept": accept}) for path in ("/all", "/none", "/boom/1") for accept in ("text/html", "*/*")),
    debug=True,
    scrub=(r'"path": "[^"]*"', r"(?s)Traceback.*"),
)
case(
    "JSON error body in debug",
    """
    @app.get("/all")
    async def b(request):
        raise SanicException("hm", status_code=419, context={"a": 1}, extra={"hint": 2}, headers={"x-own": "2"})
    @app.get("/boom/<x:int>")
    async def boom(request, x): 1 / 0
    """,
    *(get(path + "?q=1", {"accept": "application/json"}) for path in ("/all", "/none", "/boom/1")),
    debug=True,
    scrub=(r'"frames":\s*\[.*?\]', r"port\S*"),
)
case(
    "Unauthorized and its challenge",
    """
    from sanic.exceptions import Unauthorized

    @app.get("/none")
    async def a(request): raise Unauthorized("no")
    @app.get("/basic")
    async def b(request): raise Unauthorized("no", scheme="Basic", realm="Restricted Area")
    @app.get("/digest")
    async def c(request):
        raise Unauthorized("no", scheme="Digest", realm="R", qop="auth, auth-int", algorithm="MD5", nonce="a")
    @app.get("/bearer")
    async def d(request): raise Unauthorized(scheme="Bearer")
    @app.get("/both")
    async def e(request): raise Unauthorized("no", scheme="Basic", headers={"x-y": "z"})
    """,
    *(get(f"/{name}") for name in ("none", "basic", "digest", "bearer", "both")),
)
case(
    "MethodNotAllowed, RangeNotSatisfiable and others with headers",
    """
    from sanic.exceptions import MethodNotAllowed, RangeNotSatisfiable, HeaderExpectationFailed, InvalidHeader

    class Content:
        total = 12

    @app.get("/method")
    async def a(request): raise MethodNotAllowed("no", "GET", ["POST", "PUT"])
    @app.get("/method2")
    async def b(request): raise MethodNotAllowed(method="GET", allowed_methods=("POST",))
    @app.get("/range")
    async def c(request): raise RangeNotSatisfiable("no", Content())
    @app.get("/range2")
    async def d(request): raise RangeNotSatisfiable()
    @app.get("/expect")
    async def e(request): raise HeaderExpectationFailed("no")
    @app.get("/header")
    async def f(request): raise InvalidHeader("no")
    @app.get("/file")
    async def g(request): raise FileNotFound("no", path="/secret/a.txt", relative_url="a.txt")
    @app.get("/unavailable")
    async def h(request): raise ServiceUnavailable("later", headers={"Retry-After": "120"})
    """,
    *(get(f"/{n}") for n in ("method", "method2", "range", "range2", "expect", "header", "file", "unavailable")),
)
case(
    "handlers by class and by inheritance",
    """
    class Base(Exception): pass
    class Middle(Base): pass
    class Leaf(Middle): pass
    class Other(Exception): pass

    @app.exception(Base)
    async def on_base(request, exception): return text(f"base {type(exception).__name__}")
    @app.exception(Leaf)
    def on_leaf(request, exception): return text(f"leaf {exception}")
    @app.get("/base")
    async def a(request): raise Base
    @app.get("/middle")
    async def b(request): raise Middle
    @app.get("/leaf")
    async def c(request): raise Leaf("x", 1)
    @app.get("/other")
    async def d(request): raise Other
    """,
    *(get(f"/{name}") for name in ("base", "middle", "leaf", "other", "none")),
)
case(
    "handlers for several classes and for Exception",
    """
    @app.exception(ValueError, KeyError)
    async def on_two(request, exception): return text("two", status=499)
    @app.exception([IndexError, NotFound])
    async def on_list(request, exception): return json({"error": str(exception)}, status=498)
    async def on_any(request, exception): return text(f"any {type(exception).__name__}", status=497)
    app.error_handler.add(Exception, on_any)

    @app.get("/<name>")
    async def a(request, name):
        raise {"value": ValueError, "key": KeyError, "index": IndexError, "type": TypeError, "bad": BadRequest}[name]
    """,
    *(get(f"/{name}") for name in ("value", "key", "index", "type", "bad", "none", "a/b")),
    post("/value", body=b"x"),
)
case(
    "handlers for sanic's own exceptions",
    """
    @app.exception(NotFound)
    async def missing(request, exception):
        return json({"path": request.path, "message": str(exception), "status": exception.status_code,
                     "route": request.route is None, "name": request.name}, status=404)
    @app.exception(MethodNotAllowed)
    async def wrong(request, exception): return text(str(exception), status=405, headers=exception.headers)
    @app.exception(BadRequest)
    async def bad(request, exception): return text(f"bad: {exception}", status=400)
    @app.get("/")
    async def a(request): return json(request.json)
    """,
    get("/none"),
    post("/", body=b"x"),
    get("/", {"content-type": "application/json"}),
    get("/%"),
)
case(
    "a handler that returns nothing, that is sync, that raises for a client",
    """
    @app.exception(KeyError)
    async def nothing(request, exception): return None
    @app.exception(IndexError)
    def plain(request, exception): return text("plain")
    @app.exception(TypeError)
    async def number(request, exception): return 5
    @app.exception(LookupError)
    async def other(request, exception): raise BadRequest("from handler")
    @app.get("/<name>")
    async def a(request, name):
        raise {"key": KeyError("k"), "index": IndexError("i"), "type": TypeError("t"), "look": LookupError("l")}[name]
    """,
    *(get(f"/{name}") for name in ("key", "index", "type", "look")),
    get("/key", {"accept": "application/json"}),
)
case(
    "an exception handler that fails",
    """
    @app.exception(ValueError)
    async def fails(request, exception): raise RuntimeError("again")
    @app.exception(ArithmeticError)
    async def reraises(request, exception): raise exception
    @app.get("/<name>")
    async def a(request, name):
        raise {"value": ValueError("one"), "arith": ArithmeticError("a")}[name]
    """,
    get("/value"),
    get("/arith"),
    get("/value", {"accept": "application/json"}),
    log_differs="handler-failures",
)
case(
    "an ErrorHandler of one's own",
    """
    from sanic.handlers import ErrorHandler

    class Mine(ErrorHandler):
        def default(self, request, exception):
            if isinstance(exception, ValueError):
                return text("mine", status=500)
            return super().default(request, exception)

    app.error_handler = Mine()

    @app.exception(KeyError)
    async def on_key(request, exception): return text("key")
    @app.get("/<name>")
    async def a(request, name): raise {"value": ValueError, "key": KeyError, "type": TypeError}[name]
    """,
    *(get(f"/{name}") for name in ("value", "key", "type", "a/b")),
)
case(
    "abort by status through SanicException",
    """
    @app.get("/<status:int>")
    async def a(request, status): raise SanicException(status_code=status)
    """,
    *(get(f"/{status}") for status in (400, 401, 402, 404, 409, 410, 418, 422, 429, 451, 500, 501, 503, 599, 200, 302)),
    get("/x"),
)
case(
    "quiet exceptions and NOISY_EXCEPTIONS",
    """
    app.config.NOISY_EXCEPTIONS = True
    @app.get("/a")
    async def a(request): raise NotFound("quiet", quiet=False)
    @app.get("/b")
    async def b(request): raise SanicException("quiet", quiet=True)
    @app.get("/c")
    async def c(request): return json([NotFound("x").quiet, SanicException("x").quiet, ServerError("x").quiet])
    """,
    get("/a"),
    get("/b"),
    get("/c"),
)
case(
    "two handlers for one exception",
    """
    @app.exception(ValueError)
    async def one(request, exception): return text("one")
    @app.exception(ValueError)
    async def two(request, exception): return text("two")
    @app.get("/")
    async def a(request): raise ValueError
    """,
    get("/"),
    fails=True,
)
case(
    "credentials in debug mode",
    """
@app.get("/token")
async def a(request): raise ValueError("bad " + request.headers["x-auth-token"])
@app.get("/extra")
async def b(request): raise SanicException("hm", extra={"api_key": "abcdefgh", "n": 1})
""",
    *(
        get(path, {"accept": accept, "x-auth-token": "12345678", "api-key": "87654321"})
        for path in ("/token", "/extra", "/token?access_token=hgfedcba")
        for accept in ("text/plain", "application/json")
    ),
    debug=True,
    differs="debug-credentials",
)
case(
    "extra without credentials in debug mode",
    """
@app.get("/extra")
async def b(request): raise SanicException("hm", extra={"key": "k", "author": "ann"}, context={"token": 1})
""",
    *(get(path, {"accept": accept}) for path in ("/extra", "/extra?page=1") for accept in ("application/json",)),
    get("/no", {"accept": "application/json"}),
    debug=True,
    scrub=(r'"frames":.*',),
)
case(
    "which of several handlers, at a blueprint and for all",
    """
    class Missing(NotFound): ...
    class Deeper(Missing): ...

    def named(word):
        async def handle(request, exception): return text(f"{word} {type(exception).__name__}")
        return handle

    bp = Blueprint("bp", url_prefix="/bp")
    bp.exception(Exception)(named("bp any"))
    app.exception(NotFound)(named("missing"))
    app.exception(SanicException)(named("sanic"))
    app.exception(Exception)(named("any"))
    raised = {"missing": Missing, "deeper": Deeper, "found": NotFound, "server": ServerError, "value": ValueError}

    @bp.get("/<name>")
    async def a(request, name): raise raised[name]("x")
    @app.get("/<name>", name="b")
    async def b(request, name): raise raised[name]("x")
    app.blueprint(bp)
    """,
    *(get(f"{prefix}/{name}") for prefix in ("", "/bp") for name in ("missing", "deeper", "found", "server", "value")),
    get("/none/at/all"),
)
case(
    "a SanicException with a status is not of the class for it",
    """
    @app.exception(NotFound)
    async def missing(request, exception): return text("not found", 404)
    @app.get("/<status:int>")
    async def a(request, status): raise SanicException("x", status)
    """,
    get("/404"),
    get("/410"),
    get("/none"),
)
case(
    "the format where the body decides, and where it can't",
    """
    @app.route("/", methods=["GET", "POST", "PUT"])
    async def a(request): raise Forbidden("no")
    """,
    *(get("/", {"accept": "*/*"}) for _ in range(2)),
    post("/", body=b'{"a": 1}'),
    post("/", {"accept": "*/*"}, body=b'{"a": 1}'),
    post("/", {"accept": "text/html"}, body=b'{"a": 1}'),
    post("/", {"accept": "*/*"}, body=b"{"),
    post("/", {"accept": "*/*"}, body=b""),
    post("/", {"content-type": "application/json"}, body=b""),
    post("/", {"accept": "*/*"}, body=b"[]"),
    post("/none", {"accept": "*/*"}, body=b'{"a": 1}'),
    get("/", {"accept": "text/html;q=0.1, application/json"}),
    get("/", {"accept": "x/y"}),
)
case(
    "no route and no method, again and again",
    """
    @app.get("/a")
    async def a(request): return text("a")
    @app.post("/a/<n:int>")
    async def b(request, n): return text("b")
    """,
    *(get(path) for path in ("/none", "/none", "/a/", "/a//", "/a/x", "/a/1", "/<b>", "/%2")),
    *(post(path, body=b"x") for path in ("/a", "/a", "/a/", "/a/x", "/none")),
    head("/none"),
    head("/a/1"),
)
