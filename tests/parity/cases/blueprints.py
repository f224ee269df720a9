"""Blueprints: prefixes, groups, versions, middleware, exceptions, hosts."""

from tests.parity.case import case
from tests.parity.wire import get, post

case(
    "a prefix",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.get("/")
    async def root(request): return text(f"root {request.name}")
    @bp.get("/a/<x:int>")
    async def a(request, x): return text(f"a {x} {request.endpoint}")
    @bp.post("/a/<x:int>")
    async def b(request, x): return text(f"b {x}")
    app.blueprint(bp)
    """,
    get("/bp"),
    get("/bp/"),
    get("/bp/a/1"),
    post("/bp/a/1", body=b""),
    get("/bp/a/x"),
    get("/a/1"),
)
case(
    "a prefix with a parameter",
    """
    bp = Blueprint("bp", url_prefix="/<tenant:int>")

    @bp.get("/a")
    async def a(request, tenant): return json(tenant)
    app.blueprint(bp)
    """,
    get("/1/a"),
    get("/x/a"),
    get("/a"),
)
case(
    "prefix given when registered",
    """
    bp = Blueprint("bp", url_prefix="/inner")

    @bp.get("/a")
    async def a(request): return text(request.path)
    app.blueprint(bp, url_prefix="/outer")
    """,
    get("/outer/a"),
    get("/inner/a"),
    get("/outer/inner/a"),
)
case(
    "nested groups",
    """
    one = Blueprint("one", url_prefix="/one")
    two = Blueprint("two", url_prefix="/two")
    inner = Blueprint.group(one, two, url_prefix="/inner")
    three = Blueprint("three", url_prefix="/three")
    outer = Blueprint.group(inner, three, url_prefix="/outer", version=2)

    @one.get("/")
    async def a(request): return text(f"one {request.name}")
    @two.get("/", version=3)
    async def b(request): return text(f"two {request.name}")
    @three.get("/x")
    async def c(request): return text(f"three {request.name}")
    app.blueprint(outer)
    """,
    get("/v2/outer/inner/one"),
    get("/v3/outer/inner/two"),
    get("/v2/outer/inner/two"),
    get("/v2/outer/three/x"),
    get("/outer/three/x"),
)
case(
    "versions of blueprint and route",
    """
    bp = Blueprint("bp", url_prefix="/bp", version=1)

    @bp.get("/a")
    async def a(request): return text("a")
    @bp.get("/b", version=2)
    async def b(request): return text("b")
    other = Blueprint("other", url_prefix="/o", version="1.5", version_prefix="/api/")

    @other.get("/a")
    async def oa(request): return text("oa")
    app.blueprint([bp, other])
    """,
    get("/v1/bp/a"),
    get("/v2/bp/b"),
    get("/v1/bp/b"),
    get("/api/1.5/o/a"),
    get("/bp/a"),
)
case(
    "order of app and blueprint middleware",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    def note(name):
        async def middleware(request, response=None):
            request.ctx.seen = getattr(request.ctx, "seen", []) + [name]
            if response is not None:
                response.headers["x-seen"] = " ".join(request.ctx.seen)
        return middleware

    @bp.get("/")
    async def a(request): return json(request.ctx.seen)
    @app.get("/")
    async def b(request): return json(request.ctx.seen)
    bp.middleware(note("bp-request-1"), "request")
    app.register_middleware(note("app-request-1"), "request")
    bp.middleware(note("bp-request-2"), "request")
    app.register_middleware(note("app-response-1"), "response")
    bp.middleware(note("bp-response-1"), "response")
    app.blueprint(bp)
    app.register_middleware(note("app-request-2"), "request")
    app.register_middleware(note("app-response-2"), "response")
    """,
    get("/bp/"),
    get("/"),
    get("/none"),
)
case(
    "middleware on a blueprint answers early",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.on_request
    async def stop(request):
        if "stop" in request.args:
            return text("stopped", status=403)

    @bp.on_response
    async def mark(request, response):
        response.headers["x-bp"] = "1"

    @bp.get("/")
    async def a(request): return text("a")
    @app.get("/")
    async def b(request): return text("b")
    app.blueprint(bp)
    """,
    get("/bp"),
    get("/bp?stop=1"),
    get("/?stop=1"),
)
case(
    "middleware of a group",
    """
    one = Blueprint("one", url_prefix="/one")
    two = Blueprint("two", url_prefix="/two")
    group = Blueprint.group(one, two, url_prefix="/g")

    @group.middleware("request")
    async def before(request): request.ctx.seen = "group"
    @group.on_response
    async def after(request, response): response.headers["x-group"] = "1"
    @one.get("/")
    async def a(request): return text(request.ctx.seen)
    @two.get("/")
    async def b(request): 1 / 0
    app.blueprint(group)
    """,
    get("/g/one"),
    get("/g/two"),
    get("/g/three"),
)
case(
    "exceptions of a blueprint",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    class Mine(Exception): pass

    @bp.exception(Mine)
    async def on_mine(request, exception): return text("bp mine", status=418)
    @app.exception(ValueError)
    async def on_value(request, exception): return text("app value", status=419)
    @bp.exception(NotFound)
    async def on_missing(request, exception): return text("bp missing", status=404)
    @bp.get("/mine")
    async def a(request): raise Mine
    @bp.get("/value")
    async def b(request): raise ValueError
    @bp.get("/missing")
    async def c(request): raise NotFound("x")
    @app.get("/mine")
    async def d(request): raise Mine
    app.blueprint(bp)
    """,
    get("/bp/mine"),
    get("/bp/value"),
    get("/bp/missing"),
    get("/bp/none"),
    get("/mine"),
)
case(
    "a host of a blueprint",
    """
    bp = Blueprint("bp", url_prefix="/bp", host="one.test")
    other = Blueprint("other", url_prefix="/bp", host="two.test")

    @bp.get("/")
    async def a(request): return text("one")
    @other.get("/")
    async def b(request): return text("two")
    app.blueprint(bp)
    app.blueprint(other)
    """,
    get("/bp", {"host": "one.test"}),
    get("/bp", {"host": "two.test"}),
    get("/bp", {"host": "three.test"}),
)
case(
    "strict_slashes of a blueprint",
    """
    bp = Blueprint("bp", url_prefix="/bp", strict_slashes=True)

    @bp.get("/a")
    async def a(request): return text("a")
    @bp.get("/b", strict_slashes=False)
    async def b(request): return text("b")
    app.blueprint(bp)
    """,
    get("/bp/a"),
    get("/bp/a/"),
    get("/bp/b/"),
)
case(
    "two blueprints of one name",
    """
    app.blueprint(Blueprint("bp", url_prefix="/one"))
    app.blueprint(Blueprint("bp", url_prefix="/two"))
    """,
    get("/"),
    fails=True,
)
case(
    "a blueprint registered twice",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.get("/")
    async def a(request): return text("a")
    app.blueprint(bp)
    app.blueprint(bp)
    """,
    get("/bp"),
)
case(
    "a copy of a blueprint",
    """
    bp = Blueprint("bp", url_prefix="/bp", version=1)

    @bp.get("/")
    async def a(request): return text(request.name)
    app.blueprint(bp)
    app.blueprint(bp.copy("bp2", version=2))
    """,
    get("/v1/bp"),
    get("/v2/bp"),
    get("/v3/bp"),
)
case("a blueprint's bad name", 'Blueprint("a b")', fails=True)
case(
    "what plugins add to _future_middleware",
    """
    from sanic.models.futures import FutureMiddleware

    seen = []
    def before(name):
        async def middleware(request): seen.append(name)
        return middleware
    bp = Blueprint("bp", url_prefix="/bp")
    bp.middleware(before("own"), "request")
    bp.on_request(before("decorated"))
    bp._future_middleware.insert(0, FutureMiddleware(before("inserted"), "request"))
    bp._future_middleware.append(FutureMiddleware(before("appended"), "request"))
    @bp.get("/")
    async def index(request): return json([seen[:], len(bp._future_middleware), len(bp._future_routes)])
    app.blueprint(bp)
    app._future_middleware.insert(0, FutureMiddleware(before("app's"), "request"))
    @app.get("/")
    async def outside(request): return json([seen[:], len(app._future_middleware), len(bp._future_listeners)])
    @app.get("/wrong")
    async def wrong(request): bp._future_middleware.remove(None)
    """,
    get("/"),
    get("/bp/"),
    get("/bp/none"),
    get("/wrong"),
)
