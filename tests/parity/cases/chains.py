"""Middleware in detail: who runs when, who answers, what is lost when one fails."""

from tests.parity.case import case
from tests.parity.wire import get, head, post

NOTES = """
def before(name, **options):
    async def note(request): event("before", name)
    app.on_request(note, **options)

def after(name, **options):
    async def note(request, response): event("after", name, response.status)
    app.on_response(note, **options)
"""

case(
    "priorities among equals, and with the same number",
    NOTES
    + """
for name, priority in (("a", 0), ("b", 5), ("c", 5), ("d", -1), ("e", 5), ("f", 0)):
    before(name, priority=priority); after(name, priority=priority)
@app.get("/")
async def handler(request): return text("x")
""",
    get("/"),
    get("/none"),
    head("/"),
)
case(
    "middleware of the application and of blueprints",
    NOTES
    + """
bp = Blueprint("bp", url_prefix="/bp")
inner = Blueprint("inner", url_prefix="/inner")

before("app 1"); after("app 1")
for where in (bp, inner):
    @where.on_request
    async def first(request, where=where): event("before", where.name)
    @where.on_response
    async def second(request, response, where=where): event("after", where.name)
    @where.on_request(priority=3)
    async def third(request, where=where): event("before, first", where.name)
    @where.get("/")
    async def handler(request): return text(request.name)
before("app 2"); after("app 2")
app.blueprint(bp)
app.blueprint(inner)
before("app 3"); after("app 3")
@app.get("/")
async def top(request): return text("top")
""",
    get("/"),
    get("/bp/"),
    get("/inner/"),
    get("/bp/none"),
    post("/bp/", body=b""),
)
case(
    "middleware of a group",
    NOTES
    + """
a, b = Blueprint("a", url_prefix="/a"), Blueprint("b", url_prefix="/b")
for each in (a, b):
    @each.get("/")
    async def handler(request): return text(request.name)
    @each.middleware("request")
    async def own(request, each=each): event("own", each.name)
group = Blueprint.group(a, b, url_prefix="/group")
@group.middleware("request")
async def shared(request): event("group before")
@group.on_response
async def shared_after(request, response): event("group after")
before("app"); after("app")
app.blueprint(group)
""",
    get("/group/a/"),
    get("/group/b/"),
    get("/group/none"),
)
case(
    "an early answer of a blueprint",
    NOTES
    + """
bp = Blueprint("bp", url_prefix="/bp")
before("app"); after("app")
@bp.on_request
async def early(request):
    if "early" in request.args: return text("early", status=202)
@bp.on_response
async def late(request, response): event("bp after", response.status)
@bp.get("/")
async def handler(request): event("handler"); return text("x")
app.blueprint(bp)
""",
    get("/bp/"),
    get("/bp/?early=1"),
    get("/bp/none?early=1"),
)
case(
    "errors and the middleware of a blueprint",
    NOTES
    + """
bp = Blueprint("bp", url_prefix="/bp")
@bp.on_response
async def late(request, response): event("bp after", response.status)
@bp.on_request
async def early(request):
    event("bp before")
    if "fail" in request.args: raise BadRequest("in middleware")
@bp.get("/")
async def handler(request): raise Forbidden("in handler")
@bp.exception(Forbidden)
async def answer(request, exception): event("bp handler"); return text("answered", status=499)
after("app")
app.blueprint(bp)
""",
    get("/bp/"),
    get("/bp/?fail=1"),
    get("/bp/none"),
)
case(
    "the values that end a chain",
    NOTES
    + """
class Falsy(HTTPResponse):
    def __bool__(self): return False

@app.on_request
async def first(request):
    return {"falsy": Falsy(b"falsy"), "empty": empty(), "zero": 0, "list": [], "none": None}.get(request.args.get("x"))
before("second")
@app.on_response
async def last(request, response):
    event("last", type(response).__name__)
    return {"falsy": Falsy(b"falsy"), "empty": empty(), "zero": 0, "list": []}.get(request.args.get("y"))
@app.get("/")
async def handler(request): return text("handler")
""",
    *(get(f"/?x={x}") for x in ("falsy", "empty", "zero", "list", "none")),
    *(get(f"/?y={y}") for y in ("falsy", "empty", "zero", "list")),
)
case(
    "middleware that answers by respond",
    NOTES
    + """
after("after")
@app.on_request
async def early(request):
    if "early" in request.args:
        response = await request.respond(content_type="text/plain")
        await response.send("early")
        if "eof" in request.args: await response.eof()
        return response
before("second")
@app.get("/")
async def handler(request): event("handler"); return text("handler")
""",
    get("/?early=1&eof=1"),
    get("/"),
    get("/none"),
    log_differs="needless-errors",
)
PLAIN = """
@app.get("/dict")
async def a(request): return {"a": 1}
@app.get("/tuple")
async def b(request): return {"a": 1}, 201
@app.get("/str")
def c(request): return "text"
@app.get("/empty")
def d(request): return []
@app.get("/none")
def e(request): return None
@app.get("/error")
def f(request): 1 / 0
@app.exception(ZeroDivisionError)
def caught(request, error): return {"error": str(error)}
@app.on_request
async def early(request): return {"early": True} if "early" in request.args else {}
"""
ASKED = (
    *(get(f"/{name}") for name in ("dict", "tuple", "str", "empty", "none", "error", "missing")),
    get("/dict?early=1"),
    get("/missing?early=1"),
    post("/dict"),
)
case(
    "response middleware that makes responses of what handlers return",
    PLAIN
    + """
@app.on_response
async def convert(request, response):
    event("gets", type(response).__name__)
    if isinstance(response, tuple): return json(*response)
    if isinstance(response, (dict, list)): return json(response)
    if isinstance(response, str): return text(response)
""",
    *ASKED,
)
case(
    "response middleware that makes responses, beside signals",
    PLAIN
    + """
@app.on_response(priority=1)
def see(request, response): event("sees", repr(response) if isinstance(response, (dict, list, str)) else "a response")
@app.on_response
def convert(request, response): return json(response) if isinstance(response, dict) else None
@app.signal("http.handler.after")
async def handled(request): event("handled")
@app.signal("http.middleware.after")
async def between(request, response, condition): event("between", type(response).__name__)
""",
    *ASKED,
)
case(
    "response middleware that can do nothing with what handlers return",
    PLAIN
    + """
@app.on_response
async def mark(request, response): response.headers["x-mark"] = "1"
""",
    *ASKED,
)
case(
    "response middleware and what it may set",
    """
    @app.on_response
    async def change(request, response):
        for name in request.args:
            value = request.args.get(name)
            if name == "status": response.status = int(value)
            if name == "body": response.body = value.encode()
            if name == "type": response.content_type = value
            if name == "header": response.headers["x-a"] = value
            if name == "clear": response.headers.clear()
    @app.get("/text")
    async def a(request): return text("old", headers={"x-old": "1"})
    @app.get("/json")
    async def b(request): return json({"old": 1})
    @app.get("/redirect")
    async def c(request): return redirect("/x")
    @app.get("/error")
    async def d(request): raise Unauthorized("no", scheme="Basic")
    """,
    *(
        get(f"/{path}?{query}")
        for path in ("text", "json", "redirect", "error")
        for query in ("status=203", "body=new", "type=text/x", "header=1", "clear=1", "status=204&body=x")
    ),
)
case(
    "JSON that response middleware changes",
    """
    @app.on_response
    async def wrap(request, response):
        if "wrap" in request.args: return json({"data": response.raw_body})
        if "update" in request.args: response.update(more=1)
        if "raw" in request.args: response.raw_body = [1]
        if "append" in request.args: response.append(1)
    @app.get("/")
    async def a(request): return json({"a": 1}, headers={"x-a": "b"}, status=201)
    """,
    get("/?wrap=1"),
    get("/?update=1"),
    get("/?raw=1"),
    get("/?append=1"),
    get("/none?wrap=1"),
)
case(
    "errors one after the other",
    """
    @app.on_request
    async def one(request):
        event("one")
        if "one" in request.args: raise ValueError("one")
    @app.on_request
    async def two(request):
        event("two")
        if "two" in request.args: raise BadRequest("two")
    @app.on_response
    async def three(request, response):
        event("three", response.status)
        if "three" in request.args: raise ValueError("three")
    @app.on_response
    async def four(request, response):
        event("four", response.status)
        response.headers["x-four"] = "1"
        if "four" in request.args: raise Forbidden("four")
    @app.exception(ValueError)
    async def answer(request, exception):
        event("handler", exception)
        return text(f"handled {exception}", status=498)
    @app.get("/")
    async def handler(request): event("GET"); return text("x")
    """,
    *(get(f"/?{query}") for query in ("one=1", "two=1", "three=1", "four=1", "one=1&three=1", "two=1&four=1")),
    get("/none?two=1"),
    get("/none?four=1"),
)
case(
    "an exception handler and response middleware",
    """
    @app.on_response
    async def mark(request, response):
        event(response.status, request.route and request.route.name)
        response.headers["x-mark"] = "1"
        if "new" in request.args: return text("new")
    @app.exception(KeyError)
    async def answer(request, exception):
        if "again" in request.args: raise BadRequest("again")
        if "none" in request.args: return None
        if "respond" in request.args:
            response = await request.respond(content_type="text/plain", status=497)
            await response.send("streamed")
            await response.eof()
            return response
        return text("key", status=499)
    @app.get("/")
    async def handler(request): raise KeyError("x")
    """,
    get("/"),
    get("/?again=1"),
    get("/?none=1"),
    get("/?new=1"),
)
case(
    "middleware of certain routes",
    NOTES
    + """
async def only(request): event("only")
async def only_after(request, response): event("only after")
@app.get("/a", name="a")
async def a(request): return text("a")
@app.get("/b", name="b")
async def b(request): return text("b")
app.register_named_middleware(only, ["Parity.a"], "request")
app.register_named_middleware(only_after, ["Parity.a", "Parity.none"], "response")
before("all"); after("all")
""",
    get("/a"),
    get("/b"),
    get("/none"),
)
case(
    "what middleware sees of a request without a route",
    """
    @app.on_request
    async def look(request):
        event(request.path, request.method, request.route is None, request.match_info, request.name, request.endpoint,
              request.body, request.uri_template)
    @app.get("/<x:int>", name="number")
    async def handler(request, x): return text("x")
    """,
    get("/1"),
    get("/x"),
    post("/1", body=b"y"),
)
case(
    "what middleware leaves in the context",
    """
    import contextvars
    user = contextvars.ContextVar("user", default="nobody")

    @app.on_request
    async def login(request):
        user.set("somebody"); request.ctx.user = "me"
    @app.on_response
    async def show(request, response):
        response.headers["x-user"] = user.get(); response.headers["x-ctx"] = getattr(request.ctx, "later", "none")
    @app.get("/")
    async def handler(request):
        request.ctx.later = "set by the handler"
        return text(f"{user.get()} {request.ctx.user}")
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "invalid ways to register",
    """
    told = []
    for step in (lambda: app.register_middleware(lambda request: None, "nosuch"), lambda: app.middleware("nosuch"),
                 lambda: app.middleware("nosuch")(lambda request: None), lambda: app.on_request(5),
                 lambda: app.register_middleware(lambda request: None, "REQUEST") and "registered"):
        try: told.append(type(step()).__name__)
        except Exception as error: told.append(f"{type(error).__name__}: {error}")
    @app.get("/")
    async def handler(request): return json(told[:3] + told[4:])
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
    differs="decorator-arguments",
)
case(
    "callables of every kind as middleware",
    """
    import functools

    class Object:
        async def __call__(self, request): event("object")
        def method(self, request): event("method")
        @staticmethod
        async def static(request): event("static")
    async def two(word, request): event(word)
    app.register_middleware(Object())
    app.register_middleware(Object().method)
    app.register_middleware(Object.static)
    app.register_middleware(functools.partial(two, "partial"))
    app.register_middleware(lambda request: event("lambda"))
    app.register_middleware(lambda request, response: event("lambda after"), "response")
    @app.get("/")
    async def handler(request): return text("x")
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "middleware that takes the wrong number of arguments",
    """
    @app.on_request
    async def two(request, response): event("never")
    @app.get("/")
    async def handler(request): return text("x")
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "response middleware that takes the wrong number of arguments",
    """
    @app.on_response
    async def one(request): event("never")
    @app.get("/")
    async def handler(request): return text("x")
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "middleware and HEAD, OPTIONS, 405",
    NOTES
    + """
before("before"); after("after")
@app.get("/")
async def handler(request): return text("x")
@app.options("/options")
async def options(request): return empty()
""",
    head("/"),
    post("/", body=b""),
    get("/options"),
)
case(
    "a Middleware object",
    """
    from sanic.middleware import Middleware, MiddlewareLocation

    async def function(request): return 5
    one = Middleware(function, MiddlewareLocation.REQUEST, priority=3)
    two = Middleware(function, MiddlewareLocation.RESPONSE)
    told = [one.priority, one.location.name, one.func is function, hash(one) == hash(two), one.order[0],
            one.order > two.order, one.definition < two.definition, [each.name for each in MiddlewareLocation],
            type(Middleware.convert([one], [two], location=MiddlewareLocation.REQUEST)).__name__,
            [each.priority for each in Middleware.convert([two, one], location=MiddlewareLocation.REQUEST)],
            [each.priority for each in Middleware.convert([one], [two], location=MiddlewareLocation.RESPONSE)]]
    @app.get("/")
    async def handler(request): return json(told)
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "app.middleware called with everything",
    """
    note = lambda name: (lambda *args: event(name, len(args)))
    app.middleware(note("bare"))
    app.middleware(note("attached"), "response")
    app.middleware(note("keyword"), attach_to="response", priority=5)
    app.middleware("request")(note("word"))
    app.middleware("response", priority=9)(note("word after"))
    app.on_request(note("on"), priority=2)
    app.on_response(priority=1)(note("on after"))
    app.middleware(note("not applied"), apply=False)
    @app.get("/")
    async def handler(request): return text("x")
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "a generator and a class as middleware",
    """
    @app.on_request
    def generator(request):
        event("never"); yield
    @app.get("/")
    async def handler(request): return text("x")
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
    scrub=("0x[0-9a-f]+", "generator object \\\\S+", "content-length: .*"),
)
case(
    "middleware beside streams",
    NOTES
    + """
before("before")
@app.on_response
async def mark(request, response):
    event(type(response).__name__, response.status, response.content_type)
    response.headers["x-mark"] = "1"
from sanic.response import ResponseStream, file_stream
top = folder({"a.txt": "hello"})
async def write(response): await response.write("written")
@app.get("/stream")
async def a(request): return ResponseStream(write, 201, {"x-a": "b"}, "text/x")
@app.get("/file")
async def b(request): return await file_stream(top / "a.txt")
@app.get("/respond")
async def c(request):
    response = await request.respond(content_type="text/y")
    event("responding"); await response.send("sent")
@app.get("/returned")
async def d(request):
    response = await request.respond(content_type="text/y")
    await response.send("sent")
    return response
""",
    *(get(f"/{name}") for name in ("stream", "file", "respond", "returned", "none")),
    log_differs="needless-errors",
)
case(
    "response middleware that replaces a stream",
    """
    from sanic.response import ResponseStream
    async def write(response): event("written"); await response.write("old")
    @app.on_response
    async def replace(request, response): return text("new", headers={"x-new": "1"})
    @app.get("/stream")
    async def a(request): return ResponseStream(write)
    @app.get("/error")
    async def b(request): raise BadRequest("old")
    @app.get("/json")
    async def c(request): return json({"old": 1})
    """,
    get("/stream"),
    get("/error"),
    get("/json"),
    get("/none"),
)
