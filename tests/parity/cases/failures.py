"""Exceptions in detail: what they carry, who answers them, in which format, and what the log says."""

from tests.parity.case import case
from tests.parity.wire import get, head, post

TRY = """
from sanic import exceptions
from sanic.exceptions import *

def tell(*steps):
    told = []
    for step in steps:
        try: told.append(repr(step()))
        except Exception as error: told.append(f"{type(error).__name__}: {error}")
    return text("\\n".join(told))

def show(make):
    try: error = make()
    except Exception as failure: return f"{type(failure).__name__}: {failure}"
    names = ("status_code", "quiet", "message", "context", "extra", "headers", "args")
    return "|".join([type(error).__name__, str(error), *(repr(getattr(error, name, "-")) for name in names)])
"""
CLASSES = (
    *("SanicException", "HTTPException", "NotFound", "BadRequest", "MethodNotAllowed", "ServerError", "Forbidden"),
    *("ServiceUnavailable", "URLBuildError", "FileNotFound", "RequestTimeout", "PayloadTooLarge", "HeaderNotFound"),
    *("InvalidHeader", "RangeNotSatisfiable", "ExpectationFailed", "InvalidRangeType", "Unauthorized"),
    *("LoadFileException", "InvalidSignal", "WebsocketClosed"),
)

case(
    "what exceptions carry by default",
    TRY
    + """
@app.get("/<name>")
async def a(request, name): return text(show(getattr(exceptions, name)))
""",
    *(get(f"/{name}") for name in CLASSES),
    get("/NoSuch"),
)
case(
    "what exceptions carry when told",
    TRY
    + """
@app.get("/<name>")
async def a(request, name):
    kind = getattr(exceptions, name)
    return text("\\n".join(show(make) for make in (
        lambda: kind("told"), lambda: kind(b"bytes"), lambda: kind(""), lambda: kind(None), lambda: kind("x",
            quiet=False),
        lambda: kind("x", quiet=True), lambda: kind("x", context={"a": 1}, extra={"b": 2}), lambda: kind("x",
            headers={"h": 1}),
        lambda: kind("x", quiet=None), lambda: kind("x", nonsense=1),
    ) if name != "Unauthorized" or "nonsense" not in make.__code__.co_names))
""",
    *(get(f"/{name}") for name in CLASSES if name not in ("HTTPException", "Unauthorized")),
    get("/NoSuch"),
)
case(
    "SanicException and its arguments",
    TRY
    + """
@app.get("/")
async def a(request):
    return text("\\n".join(map(show, (
        lambda: SanicException("a", 404), lambda: SanicException("a",
            status_code=404), lambda: SanicException(status_code=404),
        lambda: SanicException(None, 418), lambda: SanicException(status_code=999), lambda: SanicException("a", 500,
            quiet=True),
        lambda: SanicException(message="a"), lambda: SanicException("a", None), lambda: SanicException(5),
        lambda: SanicException(["a"]), lambda: SanicException("a", "404"), lambda: SanicException("a", 404, {}),
    ))))
@app.get("/repr")
async def b(request): return tell(
    lambda: SanicException("a"),
    lambda: NotFound("b"),
    lambda: isinstance(NotFound(), SanicException),
    lambda: [each.__name__ for each in InvalidRangeType.__mro__ if issubclass(each, SanicException)],
    lambda: InvalidUsage is BadRequest and BadURL is BadRequest,
    lambda: MethodNotSupported is MethodNotAllowed,
    lambda: ContentRangeError is RangeNotSatisfiable,
    lambda: HeaderExpectationFailed is ExpectationFailed,
    lambda: InternalServerError is ServerError,
)
""",
    get("/"),
    get("/repr"),
    get("/none"),
)
case(
    "subclasses of one's own",
    TRY
    + """
class Teapot(SanicException):
    status_code = 418
    message = "short and stout"
    quiet = True
    headers = {"x-tea": "earl grey"}
class Formatted(SanicException):
    status_code = 419
    @property
    def message(self): return f"{self.context['name']} is at {self.extra['place']}"
class Custom(BadRequest):
    def __init__(self, field): super().__init__(f"bad {field}", context={"field": field}); self.field = field
class Late(Teapot):
    status_code = 420
class Loud(NotFound): quiet = False
@app.get("/<name>")
async def a(request, name):
    raise {"tea": Teapot, "told": lambda: Teapot("told"), "formatted": lambda: Formatted(context={"name": "A"},
        extra={"place": "B"}),
           "custom": lambda: Custom("f"), "late": Late, "loud": Loud,
           "override": lambda: Teapot(headers={"x-own": "1"}, status_code=422),
           "broken": lambda: Formatted(context={}, extra={})}[name]()
""",
    *(
        get(f"/{name}", {"accept": accept})
        for name in ("tea", "told", "formatted", "custom", "late", "loud", "override", "broken", "none")
        for accept in ("text/plain", "application/json")
    ),
)
case(
    "challenges of Unauthorized",
    TRY
    + """
@app.get("/<name>")
async def a(request, name):
    raise {"plain": lambda: Unauthorized("x"), "basic": lambda: Unauthorized("x", "Basic"),
        "realm": lambda: Unauthorized("x", "Basic", realm="R"),
           "none": lambda: Unauthorized(None, scheme="Bearer"), "many": lambda: Unauthorized("x", scheme="Digest",
               realm="R", qop="auth", n=5),
           "headers": lambda: Unauthorized("x", headers={"a": "b"}), "noscheme": lambda: Unauthorized("x", realm="R"),
           "quiet": lambda: Unauthorized("x", quiet=False, scheme="Basic")}[name]()
""",
    *(get(f"/{name}") for name in ("plain", "basic", "realm", "none", "many", "headers", "noscheme", "quiet", "bad")),
)
case(
    "exceptions that set headers",
    TRY
    + """
from types import SimpleNamespace
@app.get("/<name>")
async def a(request, name):
    raise {"method": lambda: MethodNotAllowed("x", "GET", ["PUT"]), "methods": lambda: MethodNotAllowed("x",
        method="GET", allowed_methods=["A", "B"], headers={"x": "y"}),
           "nomethods": lambda: MethodNotAllowed("x", "GET", []), "range": lambda: RangeNotSatisfiable("x",
               SimpleNamespace(total=5)),
           "norange": lambda: RangeNotSatisfiable("x"), "unit": lambda: InvalidRangeType("x", SimpleNamespace(total=0)),
           "nototal": lambda: RangeNotSatisfiable("x",
               SimpleNamespace(total=None)), "wrong": lambda: RangeNotSatisfiable("x", 5),
           "file": lambda: FileNotFound("x", "/a", "b"), "retry": lambda: ServiceUnavailable("x",
               headers={"Retry-After": 5})}[name]()
""",
    *(
        get(f"/{name}")
        for name in (
            "method",
            "methods",
            "nomethods",
            "range",
            "norange",
            "unit",
            "nototal",
            "wrong",
            "file",
            "retry",
            "bad",
        )
    ),
)
case(
    "context and extra in every format",
    """
    @app.get("/plain")
    async def a(request):
        raise SanicException("told", 422, context={"field": "name", "n": 5, "list": [1], "<b>": "<i>"},
            extra={"hint": 1})
    @app.get("/quiet/plain")
    async def b(request): raise NotFound("told", context={"a": 1}, extra={"b": 2})
    @app.get("/empty")
    async def c(request): raise SanicException("told", 422, context={}, extra=None)
    """,
    *(get("/plain", {"accept": accept}) for accept in ("text/plain", "application/json", "text/html")),
    *(get("/quiet/plain", {"accept": accept}) for accept in ("text/plain", "application/json", "text/html")),
    *(get("/empty", {"accept": accept}) for accept in ("text/plain", "application/json", "text/html")),
)
case(
    "context that JSON can't say",
    """
    @app.get("/<name>")
    async def a(request, name):
        raise BadRequest("told", context={"object": {"o": object}, "set": {"s": {1}}, "bytes": {"b": b"x"},
            "ok": {"k": 1}}[name])
    """,
    get("/ok", {"accept": "application/json"}),
    get("/none", {"accept": "application/json"}),
    get("/ok", {"accept": "text/plain"}),
)
case(
    "debug pages as JSON",
    """
    @app.get("/chain")
    async def a(request):
        try: 1 / 0
        except ZeroDivisionError as error: raise ValueError("second") from error
    @app.get("/quiet")
    async def b(request): raise NotFound("quiet", context={"a": 1}, extra={"b": 2})
    @app.get("/loud")
    async def c(request): raise SanicException("loud", 418, context={"a": 1}, extra={"b": 2})
    @app.get("/none")
    async def d(request): return None
    """,
    *(get(f"/{name}?q=1", {"accept": "application/json"}) for name in ("chain", "quiet", "loud", "none", "missing")),
    debug=True,
    scrub=(r'(?s)"frames":\s*\[.*?\]', "port.*"),
)
case(
    "handlers for status codes and for nothing",
    """
    told = []
    for make in (lambda: app.exception(404)(lambda request, error: text("number")),
                 lambda: app.exception(KeyError)(5),
                 lambda: app.error_handler.add(ValueError, lambda request, error: text("added"))):
        try: told.append(type(make()).__name__)
        except Exception as error: told.append(type(error).__name__)
    @app.get("/")
    async def a(request): raise ValueError("x")
    @app.get("/fine")
    async def b(request): return text("fine")
    """,
    get("/"),
    get("/fine"),
    post("/", body=b""),
)
case(
    "one handler for one class only",
    """
    @app.exception(ValueError)
    async def one(request, error): return text("one")
    @app.exception(ValueError)
    async def two(request, error): return text("two")
    """,
    get("/"),
    fails=True,
)
case(
    "which handler is nearest",
    """
    class A(Exception): pass
    class B(A): pass
    class C(A): pass
    class D(B, C): pass
    class E(D): pass
    for kind in (Exception, A, C):
        def make(kind):
            async def answer(request, error): return text(f"{kind.__name__} for {type(error).__name__}")
            return answer
        app.error_handler.add(kind, make(kind))
    @app.get("/<name>")
    async def a(request, name): raise {"a": A, "b": B, "c": C, "d": D, "e": E, "key": KeyError, "bad": BadRequest}[name]
    """,
    *(get(f"/{name}") for name in ("e", "d", "c", "b", "a", "key", "bad", "none", "x/y")),
)
case(
    "handlers of blueprints against the application's",
    """
    bp, other = Blueprint("bp", url_prefix="/bp"), Blueprint("other", url_prefix="/other")
    for where, name in ((app, "app"), (bp, "bp")):
        def make(name):
            async def answer(request, error): return text(f"{name}: {type(error).__name__} {error}", status=499)
            return answer
        where.exception(ValueError)(make(name))
        where.exception(SanicException)(make(name + " sanic"))
    @bp.exception(LookupError)
    async def lookup(request, error): return text("bp lookup", status=498)
    for where in (app, bp, other):
        @where.get("/<name>")
        async def a(request, name): raise {"value": ValueError("v"), "key": KeyError("k"), "bad": BadRequest("b"),
            "type": TypeError()}[name]
    app.blueprint(bp); app.blueprint(other)
    """,
    *(get(f"{prefix}/{name}") for prefix in ("", "/bp", "/other") for name in ("value", "key", "bad", "type")),
    get("/bp/a/b"),
)
case(
    "an ErrorHandler that overrides everything",
    """
    from sanic.handlers import ErrorHandler

    class Mine(ErrorHandler):
        def response(self, request, exception):
            event("response", type(exception).__name__)
            return super().response(request, exception)
        def default(self, request, exception):
            event("default", type(exception).__name__)
            if isinstance(exception, TypeError): return text("mine", status=500)
            return super().default(request, exception)
        def log(self, request, exception):
            event("log", type(exception).__name__)
    app = Sanic("Own", error_handler=Mine())

    @app.exception(KeyError)
    async def on_key(request, exception): return text("key")
    @app.get("/<name>")
    async def a(request, name): raise {"value": ValueError, "key": KeyError, "type": TypeError, "bad": BadRequest}[name]
    """,
    *(get(f"/{name}") for name in ("key", "type", "none", "x/y")),
    scrub=("(?m)^event lookup.*\\n",),
)
case(
    "an ErrorHandler that fails",
    """
    from sanic.handlers import ErrorHandler
    class Mine(ErrorHandler):
        def default(self, request, exception):
            if isinstance(exception, ValueError): raise KeyError("in default")
            if isinstance(exception, TypeError): raise BadRequest("instead")
            return super().default(request, exception)
    app = Sanic("Own", error_handler=Mine())
    @app.get("/<name>")
    async def a(request, name): raise {"value": ValueError, "type": TypeError, "bad": Forbidden("f")}[name]
    """,
    get("/bad"),
    get("/value"),
    get("/x/y"),
    log_differs="handler-failures",
)
case(
    "add, lookup and the base of a handler",
    TRY
    + """
from sanic.handlers import ErrorHandler
from sanic.errorpages import HTMLRenderer, TextRenderer

@app.get("/")
async def a(request):
    h = ErrorHandler()
    f, g = (lambda request, error: text("f")), (lambda request, error: text("g"))
    return tell(lambda: h.base.__name__, lambda: h.debug, lambda: h.add(ValueError, f), lambda: h.add(ValueError, g),
        lambda: h.add(KeyError, g, ["a", "b"]),
        lambda: h.add(KeyError, f), lambda: h.add(KeyError, f, ["b"]), lambda: h.lookup(ValueError(),
            None) is f, lambda: h.lookup(KeyError(), "a") is g,
        lambda: h.lookup(KeyError(), "c") is f, lambda: h.lookup(UnicodeError(),
            None) is f, lambda: h.lookup(TypeError(), None),
        lambda: h.lookup(TypeError(), "a"), lambda: ErrorHandler(HTMLRenderer).base.__name__)
""",
    get("/"),
    get("/none"),
    post("/", body=b""),
)
for base in ("HTMLRenderer", "TextRenderer", "JSONRenderer"):
    case(
        f"an ErrorHandler with base={base}",
        f"""
        from sanic.handlers import ErrorHandler
        from sanic.errorpages import {base}
        app = Sanic("Based", error_handler=ErrorHandler(base={base}))
        @app.get("/")
        async def a(request): raise BadRequest("told")
        @app.get("/boom")
        async def b(request): 1 / 0
        """,
        *(get("/", {"accept": accept}) for accept in ("*/*", "image/png", "text/html", "application/json")),
        get("/boom", {"accept": "image/png"}),
        get("/none", {"accept": ""}),
    )
case(
    "a renderer of one's own",
    """
    from sanic.errorpages import BaseRenderer, exception_response
    from sanic.handlers import ErrorHandler

    class Xml(BaseRenderer):
        def full(self): return text(f"<full>{self.title}</full>", content_type="text/xml")
        def minimal(self): return text(f"<e s='{self.status}'>{self.title}|{self.text}|{self.headers}</e>",
            content_type="text/xml")
    class Mine(ErrorHandler):
        def default(self, request, exception):
            return exception_response(request, exception, debug=False, base=self.base, fallback="auto", renderer=Xml)
    app = Sanic("Xml", error_handler=Mine())
    @app.get("/")
    async def a(request): raise BadRequest("told", headers={"x-a": "b"})
    @app.get("/boom")
    async def b(request): 1 / 0
    """,
    get("/"),
    get("/boom"),
    get("/none"),
)
case(
    "error_format, Accept and a JSON body, against each other",
    """
    for format in ("html", "json", "text"):
        @app.route(f"/{format}", methods=["GET", "POST"], error_format=format, name=format)
        async def a(request): raise BadRequest("told")
    @app.post("/auto")
    async def b(request): raise BadRequest("told")
    """,
    *(
        get(f"/{name}", {"accept": accept})
        for name in ("html", "json", "text")
        for accept in ("text/html", "application/json", "text/plain", "image/png", "*/*;q=0.1", "text/html;q=0")
    ),
    *(post(f"/{name}", json={"a": 1}) for name in ("html", "text", "auto")),
    post("/auto", {"content-type": "application/json"}, b"{"),
    post("/auto", {"content-type": "text/plain"}, b"{}"),
    post("/auto", {"accept": "text/html"}, json=[1]),
    post("/auto", {"accept": "*/*", "content-type": "application/json"}, b""),
)
case(
    "the format that a handler's source tells",
    """
    from sanic.response import json as jsonify
    def helper(): return json({})
    @app.get("/json")
    async def a(request):
        if 1: raise BadRequest("told")
        return json({"a": 1}, status=201)
    @app.get("/alias")
    async def b(request):
        if 1: raise BadRequest("told")
        return jsonify({})
    @app.get("/helper")
    async def c(request):
        if 1: raise BadRequest("told")
        return helper()
    @app.get("/annotated")
    async def d(request) -> HTTPResponse:
        if 1: raise BadRequest("told")
        return html("<p>")
    @app.get("/inner")
    async def e(request):
        def inner(): return json({})
        raise BadRequest("told")
    @app.get("/variable")
    async def f(request):
        if 1: raise BadRequest("told")
        answer = json({})
        return answer
    app.add_route(lambda request: json(1 / 0), "/lambda", name="lambda")
    """,
    *(
        get(f"/{name}", {"accept": accept})
        for name in ("json", "helper", "annotated", "lambda", "variable")
        for accept in ("*/*", "text/html")
    ),
    get("/none"),
)
case(
    "messages that need care",
    """
    MESSAGES = {"html": "<script>alert('x')</script>", "lines": "one\\ntwo", "umlaut": "ü€😀", "brace": "{} %s {x}",
        "long": "x" * 5000,
                "empty": "", "null": "a\\0b", "quotes": "\\"'"}
    @app.get("/<name>")
    async def a(request, name): raise BadRequest(MESSAGES[name])
    """,
    *(
        get(f"/{name}", {"accept": accept})
        for name in ("html", "lines", "umlaut", "brace", "long", "null", "quotes")
        for accept in ("text/plain", "application/json", "text/html")
    ),
    get("/none"),
)
case(
    "quiet and loud in the log",
    """
    @app.get("/<name>")
    async def a(request, name):
        raise {"quiet": NotFound("q"), "loud": NotFound("l", quiet=False), "server": ServerError("s"),
            "hushed": ServerError("h", quiet=True),
               "value": ValueError("v"), "none": SanicException("n", quiet=None), "ok": SanicException("o", 200)}[name]
    """,
    *(get(f"/{name}") for name in ("quiet", "loud", "server", "hushed", "value", "none", "ok", "missing")),
)
case(
    "NOISY_EXCEPTIONS in the log",
    """
    app.config.NOISY_EXCEPTIONS = True
    @app.exception(KeyError)
    async def answer(request, error): return text("answered")
    @app.get("/<name>")
    async def a(request, name):
        raise {"quiet": NotFound("q"), "hushed": ServerError("h", quiet=True), "value": ValueError("v"),
            "key": KeyError("k")}[name]
    """,
    *(get(f"/{name}") for name in ("quiet", "hushed", "value", "key")),
    get("/x/y"),
)
case(
    "errors of the response itself",
    """
    @app.on_response
    async def mark(request, response): response.headers["x-mark"] = "1"
    @app.get("/status")
    async def a(request): return text("x", status="abc")
    @app.get("/json")
    async def b(request): return json(object())
    @app.get("/raise")
    async def c(request): raise text("a response")
    @app.get("/class")
    async def d(request): raise NotFound
    @app.get("/string")
    async def e(request): raise "text"
    """,
    *(get(f"/{name}") for name in ("json", "raise", "class", "string", "none")),
)
case(
    "exceptions that are no Exception",
    """
    import asyncio
    class Own(BaseException): pass
    @app.get("/cancelled")
    async def a(request): raise asyncio.CancelledError("by hand")
    @app.get("/generator")
    async def b(request): raise GeneratorExit
    @app.get("/ok")
    async def c(request): return text("ok")
    """,
    get("/ok"),
    get("/none"),
    get("/ok"),
)
case(
    "groups, causes and contexts",
    """
    import asyncio
    @app.exception(ExceptionGroup)
    async def group(request, error): return text(f"group of {sorted(type(each).__name__ for each in error.exceptions)}")
    @app.exception(ZeroDivisionError)
    async def zero(request,
        error): return text(f"zero, {type(error.__context__).__name__}, {type(error.__cause__).__name__}")
    @app.get("/group")
    async def a(request):
        async def fail(kind): raise kind
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail(ValueError)); tasks.create_task(fail(KeyError))
    @app.get("/cause")
    async def b(request):
        try: raise KeyError
        except KeyError as error: raise ZeroDivisionError from error
    @app.get("/context")
    async def c(request):
        try: raise KeyError
        except KeyError: 1 / 0
    """,
    *(get(f"/{name}") for name in ("group", "cause", "context", "none")),
)
case(
    "request.respond and then an error",
    """
    @app.get("/promised")
    async def a(request):
        await request.respond(text("promised", headers={"x-a": "b"}))
        raise Forbidden("instead")
    @app.get("/handler")
    async def b(request): raise KeyError
    @app.exception(KeyError)
    async def answer(request, error):
        response = await request.respond(content_type="text/plain", status=499)
        await response.send("from the handler")
    @app.on_response
    async def mark(request, response): event(response.status); response.headers["x-mark"] = "1"
    """,
    get("/promised"),
    get("/handler"),
    get("/none"),
)
case(
    "errors as HEAD and with other methods",
    """
    @app.route("/", methods=["GET", "HEAD", "DELETE"])
    async def a(request): raise BadRequest("told", headers={"x-a": "b"})
    """,
    *(head("/", {"accept": accept}) for accept in ("text/html", "application/json", "text/plain")),
    head("/none"),
    post("/", {"accept": "application/json"}, b""),
    get("/", {"accept": "application/json"}),
)
case(
    "guess_mime and exception_response",
    TRY
    + """
from sanic.errorpages import HTMLRenderer, JSONRenderer, RENDERERS_BY_CONTENT_TYPE, TextRenderer
from sanic.errorpages import check_error_format, exception_response, guess_mime

@app.route("/", methods=["GET", "POST"])
async def a(request):
    return tell(*(lambda fallback=fallback: guess_mime(request, fallback) for fallback in ("auto", "json", "text",
        "html", "", "x")),
        lambda: exception_response(request, BadRequest("m"), False, "auto", TextRenderer).status,
        lambda: exception_response(request, ValueError("m"), False, "json", TextRenderer, JSONRenderer).body,
        lambda: exception_response(request, NotFound("m"), True, "x", HTMLRenderer).content_type,
        lambda: check_error_format("json"), lambda: check_error_format("xml"),
        lambda: sorted(RENDERERS_BY_CONTENT_TYPE))
""",
    *(get("/", {"accept": accept}) for accept in ("*/*", "text/html", "application/json", "image/png")),
    post("/", json={}),
    post("/", body=b"x"),
)
case(
    "requests that fail before a handler",
    """
    @app.exception(BadRequest)
    async def bad(request, error): return text(f"bad: {error}", status=400)
    @app.exception(MethodNotAllowed)
    async def method(request, error): return json([str(error), error.method, sorted(error.allowed_methods)], status=405)
    @app.exception(NotFound)
    async def missing(request, error): return json([str(error), request.path], status=404)
    @app.route("/", methods=["GET", "PUT"])
    async def a(request): return json([request.json])
    """,
    post("/", body=b""),
    get("/none"),
    get("/none/%20x?y=1"),
    get("/", {"accept": "nonsense"}),
)
