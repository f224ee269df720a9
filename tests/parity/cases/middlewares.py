"""Request and response middleware: order, early answers, changes, failures."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

NOTE = """
def note(name):
    async def request_middleware(request): request.ctx.seen = getattr(request.ctx, "seen", []) + [name]
    return request_middleware

def mark(name):
    async def response_middleware(request, response):
        response.headers["x-order"] = response.headers.get("x-order", "") + name
    return response_middleware
"""

case(
    "order",
    NOTE
    + """
for name in "abc":
    app.register_middleware(note(name), "request")
    app.register_middleware(mark(name), "response")

@app.get("/")
async def handler(request): return json(request.ctx.seen)
""",
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "order with priorities",
    NOTE
    + """
app.register_middleware(note("low"), "request", priority=1)
app.register_middleware(note("high"), "request", priority=99)
app.register_middleware(note("none"), "request")
app.register_middleware(note("negative"), "request", priority=-5)
app.register_middleware(mark("low "), "response", priority=1)
app.register_middleware(mark("high "), "response", priority=99)
app.register_middleware(mark("none "), "response")
app.register_middleware(mark("negative "), "response", priority=-5)

@app.get("/")
async def handler(request): return json(request.ctx.seen)
""",
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "every way to register",
    """
    @app.middleware
    async def a(request): request.ctx.n = ["bare"]
    @app.middleware("request")
    def b(request): request.ctx.n += ["named"]
    @app.on_request
    async def c(request): request.ctx.n += ["on_request"]
    @app.on_request(priority=2)
    async def d(request): request.ctx.p = "priority"
    @app.middleware("response")
    def e(request, response): response.headers["x-named"] = "1"
    @app.on_response
    async def f(request, response): response.headers["x-on"] = "1"
    @app.on_response(priority=3)
    def g(request, response): response.headers["x-prio"] = "1"

    @app.get("/")
    async def handler(request): return json([request.ctx.n, request.ctx.p])
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "an early answer",
    NOTE
    + """
app.register_middleware(note("first"), "request")

@app.on_request
async def stop(request):
    if request.args.get("stop"): return text("stopped " + ",".join(request.ctx.seen), status=401)

app.register_middleware(note("last"), "request")
app.register_middleware(mark("r"), "response")

@app.get("/")
async def handler(request): return json(request.ctx.seen)
""",
    get("/"),
    get("/?stop=1"),
    get("/none?stop=1"),
    post("/?stop=1", body=b"x"),
)
case(
    "an early answer that is no response",
    """
    @app.on_request
    async def stop(request):
        return {"str": "text", "false": False, "zero": 0, "dict": {"a": 1}}.get(request.args.get("x"))

    @app.get("/")
    async def handler(request): return text("handler")
    """,
    get("/"),
    get("/?x=str"),
    get("/?x=false"),
    get("/?x=zero"),
    get("/?x=dict"),
)
case(
    "response middleware that replaces the answer",
    """
    @app.on_response
    async def second(request, response):
        response.headers["x-second"] = "1"
    @app.on_response
    async def first(request, response):
        if "new" in request.args: return text("new", status=202)
        if "other" in request.args: return "text"
    @app.get("/")
    async def handler(request): return text("old", headers={"x-old": "1"})
    """,
    get("/"),
    get("/?new=1"),
    get("/?other=1"),
    get("/none?new=1"),
)
case(
    "response middleware that changes the answer",
    """
    @app.on_response
    async def change(request, response):
        response.status = 203; response.body = b"changed"; response.content_type = "text/x"
        response.headers["x-a"] = "b"; response.headers.pop("x-b", None); response.add_cookie("c", "1")
    @app.get("/")
    async def a(request): return text("old", headers={"x-b": "1"})
    @app.get("/json")
    async def b(request): return json({"a": 1})
    @app.get("/empty")
    async def c(request): return empty()
    """,
    get("/"),
    get("/json"),
    get("/empty"),
    get("/none"),
)
case(
    "request middleware that raises",
    """
    @app.on_request
    async def fail(request):
        if "sanic" in request.args: raise Unauthorized("who", scheme="Basic")
        if "other" in request.args: raise ValueError("x")
    @app.on_request
    async def after(request): request.ctx.after = True
    @app.on_response
    async def mark(request, response): response.headers["x-after"] = str(getattr(request.ctx, "after", False))
    @app.get("/")
    async def handler(request): return text("handler")
    """,
    get("/"),
    get("/?sanic=1"),
    get("/?other=1"),
    get("/none?sanic=1"),
)
case(
    "response middleware that raises",
    """
    @app.on_response
    async def later(request, response): response.headers["x-later"] = "1"
    @app.on_response
    async def fail(request, response):
        if "sanic" in request.args: raise Forbidden("no")
        if "other" in request.args: raise ValueError("x")
    @app.get("/")
    async def handler(request): return text("handler")
    @app.get("/boom")
    async def boom(request): 1 / 0
    """,
    get("/"),
    get("/?sanic=1"),
    get("/?other=1"),
    get("/boom?sanic=1"),
    get("/none?other=1"),
)
case(
    "middleware sees errors of the handler",
    """
    @app.on_response
    async def mark(request, response):
        response.headers["x-seen"] = f"{response.status} {type(response).__name__}"
    @app.exception(KeyError)
    async def on_key(request, exception): return text("key", status=499)
    @app.get("/<what>")
    async def handler(request, what):
        raise {"value": ValueError, "key": KeyError, "gone": SanicException("gone", 410)}[what]
    """,
    get("/value"),
    get("/key"),
    get("/gone"),
    get("/a/b"),
    post("/value", body=b""),
)
case(
    "what middleware knows of the route",
    """
    @app.on_request
    async def note(request):
        request.ctx.info = [request.route and request.route.name, request.match_info, request.endpoint, request.name]
    @app.on_response
    async def show(request, response): response.headers["x-info"] = repr(request.ctx.info)
    @app.get("/<x:int>")
    async def handler(request, x): return text("")
    """,
    get("/1"),
    get("/x"),
    post("/1", body=b""),
)
case(
    "middleware that changes the request",
    """
    @app.on_request
    async def change(request):
        request.ctx.user = "me"
        request.headers["x-added"] = "yes"
        request.match_info["x"] = "changed" if "x" in request.match_info else None
    @app.get("/<x>")
    async def handler(request, x): return json([request.ctx.user, request.headers.get("x-added"), x])
    """,
    get("/a"),
    get("/a/b"),
    head("/a"),
)
case(
    "middleware that reads the body",
    """
    @app.on_request
    async def read(request):
        await request.receive_body()
        request.ctx.size = len(request.body)
    @app.post("/")
    async def handler(request): return json([request.ctx.size, request.json])
    """,
    post("/", json={"a": 1}),
    post("/", body=b""),
    post("/", body=[b"[1,", b"2]"]),
)
case(
    "middleware by a wrong name",
    """
    @app.middleware("nosuch")
    async def a(request): request.ctx.n = 1
    @app.get("/")
    async def handler(request): return text(str(hasattr(request.ctx, "n")))
    """,
    get("/"),
    differs="decorator-arguments",
    fails=True,
)
case(
    "the same middleware twice",
    """
    async def count(request): request.ctx.n = getattr(request.ctx, "n", 0) + 1
    app.register_middleware(count)
    app.register_middleware(count)
    app.on_request(count)
    @app.get("/")
    async def handler(request): return json(request.ctx.n)
    """,
    get("/"),
)
case(
    "path parameters that a middleware adds",
    """
    from sanic import Blueprint
    from sanic.views import HTTPMethodView

    @app.on_request
    async def login(request):
        user = request.headers.get("x-user")
        if user and request.route:
            request.match_info["user"] = user

    @app.get("/literal")
    async def literal(request, user="nobody"): return json([user, request.match_info])
    @app.get("/number/<n:int>")
    def number(request, n, user="nobody"): return json([n, user, request.match_info])
    @app.get("/untaken")
    async def untaken(request): return json(request.match_info)

    class View(HTTPMethodView):
        async def get(self, request, **params): return json(params)
    app.add_route(View.as_view(), "/view")
    """,
    get("/literal", headers={"x-user": "ann"}),
    # Nobody sees what another request was told.
    get("/literal"),
    get("/untaken"),
    get("/number/3", headers={"x-user": "bob"}),
    get("/number/3"),
    get("/view", headers={"x-user": "cid"}),
    get("/view"),
    get("/none", headers={"x-user": "dan"}),
    get("/untaken", headers={"x-user": "eve"}),
)
case(
    "path parameters that a middleware of one blueprint adds",
    """
    from sanic import Blueprint

    bp = Blueprint("shop", url_prefix="/shop")
    @bp.on_request
    def number(request): request.match_info.update(number=7)
    @bp.get("/")
    async def shop(request, number): return json(number)
    @bp.get("/<number:int>")
    async def item(request, number): return json(number)
    app.blueprint(bp)

    @app.get("/")
    async def index(request, number=None): return json([number, request.match_info])
    """,
    get("/shop"),
    get("/"),
    get("/shop/3"),
    get("/shop/three"),
)
case(
    "request middleware that sets the method",
    """
    from sanic.views import HTTPMethodView

    @app.on_request
    async def override(request):
        wanted = request.headers.get("x-http-method-override")
        if wanted: request.method = wanted

    class Item(HTTPMethodView):
        async def get(self, request, number): return text(f"get {number} {request.method}")
        async def post(self, request, number): return text(f"post {number} {request.json}")
        async def delete(self, request, number): return text(f"delete {number} {request.is_safe}")

    app.add_route(Item.as_view(), "/item/<number:int>")

    @app.route("/plain", methods=["GET", "POST"])
    async def plain(request): return text(f"{request.method} {request.is_idempotent} {request.route.name}")

    @app.on_response
    async def tell(request, response): response.headers["x-method"] = request.method
    """,
    post("/item/1", json=[1]),
    *(
        request(method, path, headers=[("x-http-method-override", wanted)])
        for method in ("POST", "GET")
        for path in ("/item/1", "/plain", "/missing")
        for wanted in ("DELETE", "PUT", "get", "no method")
    ),
)
case(
    "request middleware that sets headers and parameters",
    """
    @app.on_request
    async def replace(request):
        if "headers" in request.args: request.headers = {**request.headers, "x-new": "1"}
        if "parameters" in request.args: request.match_info = {"name": "other"}
        if "wrong" in request.args: request.match_info = {"other": "name"}
        if "none" in request.args: request.match_info = None
        if "path" in request.args: request.path = "/other"

    @app.get("/<name>")
    async def handler(request, name):
        return text(f"{name} {request.headers.get('x-new')} {request.headers.get('x-old')} {request.match_info}")
    """,
    *(
        get(f"/a?{name}=1", headers=[("x-old", "2")])
        for name in ("plain", "headers", "parameters", "wrong", "none", "path")
    ),
)
