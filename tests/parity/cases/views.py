"""Class views: methods, arguments, decorators, the ways to attach one, and what is refused."""

from tests.parity.case import case
from tests.parity.wire import get, head, options, post, request

START = "from sanic.views import HTTPMethodView, stream\n"

case(
    "methods of a view",
    START
    + """
class View(HTTPMethodView):
    async def get(self, request): return text(f"get {request.name}")
    def post(self, request): return text("post")
    async def put(self, request): return text("put")
    async def patch(self, request): return text("patch")
    def delete(self, request): return text("delete")
app.add_route(View.as_view(), "/")
""",
    get("/"),
    post("/", body=b""),
    *(request(method, "/") for method in ("PUT", "PATCH", "DELETE", "OPTIONS")),
    head("/"),
)
case(
    "head and options of a view",
    START
    + """
class View(HTTPMethodView):
    async def get(self, request): return text("get", headers={"x-by": "get"})
    async def head(self, request): return empty(headers={"x-by": "head"})
    async def options(self, request): return text("options")
app.add_route(View.as_view(), "/")
""",
    head("/"),
    options("/"),
    post("/", body=b""),
)
case(
    "path parameters of a view",
    START
    + """
class View(HTTPMethodView):
    async def get(self, request, id, name): return json([id, name])
    async def post(self, request, **given): return json(sorted(given.items(), key=str))
    async def put(self, request): return text("none")
app.add_route(View.as_view(), "/<id:int>/<name>")
""",
    get("/1/a"),
    get("/x/a"),
    post("/1/a", body=b""),
    request("PUT", "/1/a"),
    log_differs="handler-arguments",
)
case(
    "arguments for the class",
    START
    + """
class View(HTTPMethodView):
    def __init__(self, greeting, *, mark="!"):
        self.greeting, self.mark, self.calls = greeting, mark, 0
    async def get(self, request):
        self.calls += 1
        return text(f"{self.greeting}{self.mark} {self.calls}")
app.add_route(View.as_view("hi"), "/a", name="a")
app.add_route(View.as_view("ho", mark="?"), "/b", name="b")
app.add_route(View.as_view(), "/c", name="c")
""",
    get("/a"),
    get("/a"),
    get("/b"),
    get("/c"),
)
case(
    "decorators of a view",
    START
    + """
from functools import wraps
def mark(name):
    def decorate(handler):
        @wraps(handler)
        async def wrapped(request, *args, **kwargs):
            request.ctx.seen = getattr(request.ctx, "seen", []) + [name]
            return await handler(request, *args, **kwargs)
        return wrapped
    return decorate
class View(HTTPMethodView):
    decorators = [mark("first"), mark("second")]
    async def get(self, request, x): return json([request.ctx.seen, x])
class Below(View):
    async def post(self, request, x): return json(request.ctx.seen)
app.add_route(View.as_view(), "/view/<x>")
app.add_route(Below.as_view(), "/below/<x>")
""",
    get("/view/1"),
    get("/below/1"),
    post("/below/1", body=b""),
    post("/view/1", body=b""),
)
case(
    "a decorator of one method",
    START
    + """
def deny(method):
    async def denied(self, request): raise Forbidden("no")
    return denied
class View(HTTPMethodView):
    @deny
    async def get(self, request): return text("get")
    async def post(self, request): return text("post")
app.add_route(View.as_view(), "/")
""",
    get("/"),
    post("/", body=b""),
    request("PUT", "/"),
)
case(
    "what as_view gives",
    START
    + """
class View(HTTPMethodView):
    "About this view."
    async def get(self, request): ...
made = View.as_view(1, x=2)
@app.get("/")
async def show(request):
    return json([made.__name__, made.__doc__, made.__module__ == View.__module__, made.view_class is View,
                 callable(made), View.as_view() is View.as_view(), View.decorators])
""",
    get("/"),
)
case(
    "attached in the class statement",
    START
    + """
bp = Blueprint("bp", url_prefix="/bp")
class One(HTTPMethodView, attach=app, uri="/one"):
    async def get(self, request): return text(request.name)
class Two(HTTPMethodView, attach=bp, uri="/two/<x:int>", name="second", version=2):
    async def get(self, request, x): return text(f"{request.name} {x}")
class Three(HTTPMethodView, attach=app, uri="/three", strict_slashes=True, host="h.test", version="b",
            version_prefix="/api-"):
    async def get(self, request): return text(request.name)
class Four(HTTPMethodView, attach=app):
    async def get(self, request): return text("top")
app.blueprint(bp)
""",
    get("/one"),
    get("/v2/bp/two/3"),
    get("/api-b/three", {"host": "h.test"}),
    get("/api-b/three/", {"host": "h.test"}),
    get("/api-b/three"),
    get("/"),
    post("/one", body=b""),
)
case(
    "methods named in the class statement",
    START
    + """
class One(HTTPMethodView, attach=app, uri="/one", methods=["GET"]):
    async def get(self, request): return text("get")
    async def post(self, request): return text("post")
class Two(HTTPMethodView, attach=app, uri="/two", methods=["PUT", "DELETE"]):
    async def get(self, request): return text("get")
""",
    get("/one"),
    post("/one", body=b""),
    get("/two"),
    request("PUT", "/two"),
)
case(
    "attached by its method",
    START
    + """
bp = Blueprint("bp", url_prefix="/bp")
class View(HTTPMethodView):
    async def get(self, request): return text(request.name)
View.attach(app, "/a")
View.attach(app, "/b", name="b", version=1)
View.attach(bp, uri="/c")
app.blueprint(bp)
""",
    get("/a"),
    get("/v1/b"),
    get("/bp/c"),
    get("/c"),
)
for label, lines in {
    "an unknown argument in the class statement": 'class V(HTTPMethodView, attach=app, uri="/", wrong=1): ...',
    "an unknown argument of attach": 'class V(HTTPMethodView): ...\nV.attach(app, "/", wrong=1)',
    "a view attached twice without a name": (
        'class V(HTTPMethodView):\n    def get(self, request): ...\nV.attach(app, "/a")\nV.attach(app, "/b")'
    ),
    "two views on one path": (
        'class V(HTTPMethodView, attach=app, uri="/"):\n    def get(self, request): ...\n'
        'class W(HTTPMethodView, attach=app, uri="/"):\n    def get(self, request): ...'
    ),
    "a decorator of a view that fails": (
        "def broken(handler): raise ValueError('broken')\n"
        'class V(HTTPMethodView, attach=app, uri="/"):\n    decorators = [broken]\n    def get(self, request): ...'
    ),
}.items():
    case(label, START + lines, get("/"), fails=True)
case(
    "a view without methods",
    START + 'class View(HTTPMethodView): ...\napp.add_route(View.as_view(), "/")',
    get("/"),
    head("/"),
    post("/", body=b""),
)
case(
    "views on one path with other methods",
    START
    + """
class One(HTTPMethodView, attach=app, uri="/"):
    async def get(self, request): return text("one")
class Two(HTTPMethodView, attach=app, uri="/"):
    async def post(self, request): return text("two")
""",
    get("/"),
    post("/", body=b""),
    request("PUT", "/"),
)
case(
    "a view that reads the body itself",
    START
    + """
class View(HTTPMethodView):
    @stream
    async def post(self, request):
        seen = b""
        while chunk := await request.stream.read(): seen += chunk
        return text(seen.decode())
    async def get(self, request): return text(f"get {request.route.extra.stream}")
class Plain(HTTPMethodView):
    async def post(self, request): return text(f"{request.body.decode()} {request.route.extra.stream}")
app.add_route(View.as_view(), "/")
app.add_route(Plain.as_view(), "/plain")
app.add_route(Plain.as_view(), "/streamed", name="streamed", stream=True)
""",
    post("/", body=[b"one ", b"two"]),
    get("/"),
    post("/plain", body=[b"one ", b"two"]),
)
case(
    "exceptions in a view",
    START
    + """
class View(HTTPMethodView):
    async def get(self, request): raise NotFound("gone")
    def post(self, request): return 1 / 0
    async def put(self, request): return "no response"
app.add_route(View.as_view(), "/")
""",
    get("/"),
    post("/", body=b""),
    request("PUT", "/"),
)
case(
    "views inherit methods",
    START
    + """
class Base(HTTPMethodView):
    async def get(self, request): return text(f"get {self.word}")
    word = "base"
class Mixin:
    async def post(self, request): return text(f"post {self.word}")
class View(Mixin, Base):
    word = "view"
class Without(Base):
    get = None
    async def put(self, request): return text("put")
app.add_route(View.as_view(), "/view")
app.add_route(Without.as_view(), "/without")
""",
    get("/view"),
    post("/view", body=b""),
    get("/without"),
    request("PUT", "/without"),
)
case(
    "a view's own dispatch",
    START
    + """
class View(HTTPMethodView):
    def dispatch_request(self, request, *args, **kwargs):
        if "no" in request.args: return text("no", 403)
        return super().dispatch_request(request, *args, **kwargs)
    async def get(self, request): return text("get")
    async def post(self, request): return text("post")
app.add_route(View.as_view(), "/")
""",
    get("/"),
    get("/?no=1"),
    post("/?no=1", body=b""),
    request("PUT", "/"),
)
case(
    "a view's dispatch that is a coroutine",
    START
    + """
class View(HTTPMethodView):
    async def dispatch_request(self, request, *args, **kwargs):
        response = await super().dispatch_request(request, *args, **kwargs)
        response.headers["x-view"] = type(self).__name__
        return response
    async def get(self, request, x): return text(x)
app.add_route(View.as_view(), "/<x>")
""",
    get("/a"),
    head("/a"),
    post("/a", body=b""),
)
case(
    "a view with middleware and names",
    START
    + """
bp = Blueprint("bp", url_prefix="/bp")
@bp.on_response
async def after(request, response): response.headers["x-name"] = f"{request.name} {request.endpoint}"
class View(HTTPMethodView, attach=bp, uri="/view"):
    async def get(self, request): return text(app.url_for("bp.View"))
app.blueprint(bp)
""",
    get("/bp/view"),
    post("/bp/view", body=b""),
    get("/view"),
)
case(
    "a view as a decorator's argument",
    START
    + """
class View(HTTPMethodView):
    async def get(self, request): return text("get")
    async def post(self, request): return text("post")
app.route("/a", methods=["GET", "POST"])(View.as_view())
app.get("/b", name="b")(View.as_view())
""",
    get("/a"),
    post("/a", body=b""),
    get("/b"),
    post("/b", body=b""),
)
