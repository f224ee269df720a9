"""Names of applications and parameters: what is accepted, and what becomes of it."""

from tests.parity.case import case
from tests.parity.wire import get

case(
    "an application named after its module",
    """
    app = Sanic(__name__)
    bp = Blueprint(__name__)
    @app.get("/")
    async def root(request): return json([app.name == __name__, request.name == f"{__name__}.root"])
    @bp.get("/bp")
    async def part(request): return json([bp.name == __name__, request.app.url_for("root")])
    app.blueprint(bp)
    """,
    get("/"),
    get("/bp"),
)
case(
    "names that Sanic accepts, and some that it refuses",
    """
    def made(name):
        try:
            return Sanic(name).name
        except Exception as error:
            return type(error).__name__
    NAMES = ["__main__", "__mp_main__", "_x", "_", "a-", "_1", "-a", "1a", "", "a..b", "é", "a b", "a/b", None, 5, b"a"]
    @app.get("/")
    async def names(request): return json([made(name) for name in NAMES])
    @app.get("/spawned")
    async def spawned(request): return text(Sanic.get_app("__main__").name)
    """,
    get("/"),
    get("/spawned"),
)
case(
    "parameters with odd names, and paths with escapes",
    """
    async def show(request, **values): return json([request.route.uri, values])
    app.add_route(show, "/file/<__name:path>", name="r0")
    app.add_route(show, "/empty/<ab:>", name="r1")
    app.add_route(show, "/escaped/<%41:int>", name="r2")
    app.add_route(show, "%2Fa%2Fb%2F", name="r3")
    app.add_route(show, "/at/<who:u%40[a-z]+>", name="at")
    def refused(path):
        try:
            other = Sanic("Other" + str(abs(hash(path))))
            other.add_route(show, path)
            other.finalize()
        except Exception as error:
            return type(error).__name__
    PATHS = ["/<__name>", "/<1a>", "/<a-b:int>", "/<é>", "/<a b:str>", "/<a:int:3>", "/<a:ext=js|min.js>", "/<>"]
    @app.get("/refused")
    async def refusals(request): return json([refused(path) for path in PATHS])
    """,
    get("/file/a/b"),
    get("/empty/x"),
    get("/empty/"),
    get("/escaped/1"),
    get("/escaped/x"),
    get("/a/b"),
    get("/a/b/"),
    get("/at/u@x"),
    get("/at/u%40x"),
    get("/refused"),
)
