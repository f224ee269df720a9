"""The app around the handlers: views, url_for, context, configuration, listeners, signals, tasks."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

case(
    "class-based views",
    """
    from sanic.views import HTTPMethodView

    class Items(HTTPMethodView):
        async def get(self, request): return text("get")
        def post(self, request): return text("post")
        async def delete(self, request, x="default"): return text(f"delete {x}")
        async def options(self, request): return text("options")

    class Item(HTTPMethodView, attach=app, uri="/item/<x:int>"):
        def __init__(self): self.n = 0
        async def get(self, request, x):
            self.n += 1
            return json([x, self.n, request.name])
        async def head(self, request, x): return empty(200, {"x-head": str(x)})

    app.add_route(Items.as_view(), "/items")
    """,
    get("/items"),
    post("/items", body=b""),
    request("DELETE", "/items"),
    request("OPTIONS", "/items"),
    head("/items"),
    request("PUT", "/items", body=b""),
    get("/item/1"),
    get("/item/1"),
    head("/item/2"),
    get("/item/x"),
)
case(
    "decorators and arguments of a view",
    """
    from functools import wraps
    from sanic.views import HTTPMethodView

    def loud(function):
        @wraps(function)
        async def wrapper(request, *args, **kwargs):
            response = await function(request, *args, **kwargs)
            response.headers["x-loud"] = "1"
            return response
        return wrapper

    class View(HTTPMethodView):
        decorators = [loud]
        def __init__(self, greeting): self.greeting = greeting
        async def get(self, request, name): return text(self.greeting + name)
        async def post(self, request, name): raise BadRequest("no")

    app.add_route(View.as_view("hello "), "/<name>")
    """,
    get("/x"),
    post("/x", body=b""),
    request("PATCH", "/x", body=b""),
)
case(
    "url_for",
    """
    bp = Blueprint("bp", url_prefix="/bp", version=2)

    @bp.get("/<x:int>/<y>", name="both")
    async def both(request, x, y): return text("")
    @app.get("/p/<p:path>")
    async def p(request, p): return text("")
    @app.get("/r/<r:[a-z]{3}>")
    async def r(request, r): return text("")
    app.blueprint(bp)
    app.config.SERVER_NAME = "server.test"

    @app.get("/urls")
    async def urls(request):
        return json([
            app.url_for("urls"), app.url_for("bp.both", x=1, y="z"), request.app.url_for("Parity.bp.both", x=1, y="z"),
            app.url_for("bp.both", x=1, y="a b ü"), app.url_for("urls", q="a b", n=[1, 2]),
            app.url_for("urls", _anchor="top"), app.url_for("urls", _external=True),
            app.url_for("urls", _external=True, _scheme="https", _server="other.test:8080"),
            app.url_for("p", p="a/b"), app.url_for("r", r="abc"), request.url_for("bp.both", x=1, y="z"),
        ], ensure_ascii=True)
    """,
    get("/urls"),
    get("/urls", {"host": "other.test:81"}),
    get("/url"),
)
case(
    "url_for, refused",
    """
    from sanic.exceptions import URLBuildError

    @app.get("/i/<x:int>")
    async def i(request, x): return text("")
    @app.get("/r/<x:[a-z]{3}>")
    async def r(request, x): return text("")
    @app.get("/urls")
    async def urls(request):
        out = []
        for name, kwargs in [("nosuch", {}), ("i", {}), ("i", {"x": "a"}), ("r", {"x": "abcd"}), ("i", {"x": None}),
                             ("urls", {"_scheme": "ftp"}), ("static", {"filename": "x"})]:
            try:
                out.append(app.url_for(name, **kwargs))
            except Exception as e:
                out.append([type(e).__name__, str(e)])
        return json(out)
    @app.get("/uncaught")
    async def uncaught(request): return text(app.url_for("nosuch"))
    """,
    get("/urls"),
    get("/uncaught"),
    get("/i/1"),
)
case(
    "configuration",
    """
    app.config.MY_SETTING = "mine"
    app.config["OTHER"] = [1]
    app.config.update({"THIRD": 3}, FOURTH=4)
    app.update_config({"FIFTH": 5, "lower": 6})

    @app.get("/")
    async def a(request):
        c = request.app.config
        return json([c.MY_SETTING, c.OTHER, c["THIRD"], c.FOURTH, c.get("FIFTH"), c.get("lower"), "lower" in c,
                     c.get("NOSUCH", "dflt"), c.FROM_ENV, c.A_NUMBER, c.A_BOOL, c.A_FLOAT])
    @app.get("/defaults")
    async def b(request):
        c = request.app.config
        names = (
            "REQUEST_MAX_SIZE REQUEST_TIMEOUT RESPONSE_TIMEOUT KEEP_ALIVE KEEP_ALIVE_TIMEOUT WEBSOCKET_MAX_SIZE "
            "GRACEFUL_SHUTDOWN_TIMEOUT WEBSOCKET_PING_INTERVAL FALLBACK_ERROR_FORMAT REAL_IP_HEADER FORWARDED_SECRET "
            "FORWARDED_FOR_HEADER REQUEST_ID_HEADER REQUEST_BUFFER_SIZE NOISY_EXCEPTIONS PROXIES_COUNT"
        )
        return json({k: c.get(k, "missing") for k in names.split()})
    @app.get("/missing")
    async def d(request): return text(app.config.NOSUCH)
    """,
    get("/"),
    get("/defaults"),
    get("/missing"),
    env={"SANIC_FROM_ENV": "env", "SANIC_A_NUMBER": "5", "SANIC_A_BOOL": "yes", "SANIC_A_FLOAT": "1.5", "OTHER": "no"},
)
case(
    "configuration from elsewhere",
    """
    import os
    from sanic.config import Config

    class Mine(Config):
        X = 1
    class Settings:
        FROM_CLASS = 1
        lower = 2

    top = folder({"conf.py": "FROM_FILE = 'file'\\nlower = 1\\n"})
    os.environ["CONF_DIR"] = str(top)
    app = Sanic("Parity", config=Mine(env_prefix="MY_"))
    app.update_config(Settings)
    app.update_config(top / "conf.py")
    app.update_config("${CONF_DIR}/conf.py")
    app.config.load({"LOADED": 1})

    @app.get("/")
    async def a(request):
        c = app.config
        return json([c.get("X"), getattr(c, "X", 0), c.get("FROM_CLASS"), c.get("lower"), c.get("FROM_FILE"),
                     c.get("LOADED"), c.get("FROM_ENV")])
    """,
    get("/"),
    env={"MY_FROM_ENV": "1", "SANIC_FROM_ENV": "2"},
)
case(
    "listeners have run",
    """
    import asyncio
    seen = []

    @app.main_process_start
    async def main(app): seen.append("main_process_start")
    @app.before_server_start
    async def one(app, loop): seen.append("before_server_start 1")
    @app.listener("before_server_start")
    def two(app): seen.append("before_server_start 2")
    @app.after_server_start
    async def three(app, loop): seen.append("after_server_start 1")
    @app.listener("after_server_start", priority=5)
    async def four(app): seen.append("after_server_start 2 priority")
    app.register_listener(lambda app, loop: seen.append("registered"), "before_server_start")

    @app.get("/")
    async def a(request):
        # Either server may take a connection before its last listener has run.
        while len(seen) < 5 + ("main_process_start" in seen): await asyncio.sleep(0.01)
        return json([s for s in seen if s != "main_process_start"])
    """,
    get("/"),
    get("/none"),
    log_differs="listener-phases",
)
case(
    "listeners of a blueprint, and their order",
    """
    import asyncio
    seen = []
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.before_server_start
    async def b1(app): seen.append("bp before")
    @app.before_server_start
    async def a1(app): seen.append("app before"); app.ctx.db = "db"
    @bp.listener("after_server_start")
    async def b2(app, loop): seen.append("bp after")
    @app.after_server_start
    async def a2(app, loop): seen.append("app after")
    @bp.get("/")
    async def a(request):
        while len(seen) < 4: await asyncio.sleep(0.01)
        return json([seen, request.app.ctx.db])
    app.blueprint(bp)
    """,
    get("/bp"),
    get("/"),
)
case(
    "a listener that fails",
    """
    @app.before_server_start
    async def fails(app): raise RuntimeError("no database")
    @app.get("/")
    async def a(request): return text("up")
    """,
    get("/"),
    fails=True,
)
case(
    "signals",
    """
    import asyncio
    seen = []

    @app.signal("shop.order.placed")
    async def placed(**context): seen.append(sorted(context.items()))
    @app.signal("shop.item.<what>")
    async def anything(what, **context): seen.append(what)
    @app.get("/")
    async def a(request):
        await app.dispatch("shop.order.placed", context={"id": 1})
        await app.dispatch("shop.item.sold", context={"id": 2})
        while len(seen) < 2: await asyncio.sleep(0.01)
        return json(seen)
    @app.get("/inline")
    async def b(request):
        await app.dispatch("shop.order.placed", context={"id": 2}, inline=True)
        return json(seen)
    @app.get("/unknown")
    async def c(request):
        await app.dispatch("shop.order.unknown", context={"id": 2}, inline=True)
        return text("sent")
    """,
    get("/"),
    get("/inline"),
    get("/unknown"),
)
case(
    "signals of the request's life",
    """
    seen = []
    for event in ("http.routing.before", "http.routing.after", "http.handler.before", "http.handler.after",
                  "http.lifecycle.request", "http.lifecycle.handle", "http.lifecycle.exception",
                  "http.lifecycle.response", "http.middleware.before", "http.middleware.after"):
        def make(event):
            async def handler(**context): seen.append(event)
            return handler
        app.add_signal(make(event), event)

    @app.on_request
    async def noop(request): pass
    @app.get("/")
    async def a(request): return text("")
    @app.get("/boom")
    async def boom(request): raise BadRequest("no")
    @app.get("/seen")
    async def show(request):
        out = list(seen); seen.clear()
        return json(out)
    """,
    get("/"),
    get("/seen"),
    get("/boom"),
    get("/seen"),
    get("/none"),
    get("/seen"),
)
case(
    "background tasks",
    """
    import asyncio
    done = []

    async def job(app): done.append(app.name)
    async def plain(): done.append("plain")
    app.add_task(job)
    app.add_task(job(app))

    @app.after_server_start
    async def start(app): app.add_task(plain, name="plain")

    @app.get("/")
    async def a(request):
        request.app.add_task(plain())
        await asyncio.sleep(0.05)
        return json(sorted(done))
    @app.get("/name")
    async def b(request): return text(type(app.get_task("plain", raise_exception=False)).__name__)
    @app.get("/missing")
    async def c(request): return text(str(app.get_task("nosuch")))
    """,
    get("/"),
    get("/none"),
    get("/missing"),
)
case(
    "contexts of app, request and connection",
    """
    app.ctx.count = 0

    @app.get("/")
    async def a(request):
        app.ctx.count += 1
        request.conn_info.ctx.n = getattr(request.conn_info.ctx, "n", 0) + 1
        return json([app.ctx.count, request.conn_info.ctx.n, hasattr(request.ctx, "x")])
    @app.get("/attribute")
    async def b(request):
        request.ctx.x = 1
        return json(vars(request.ctx))
    @app.get("/missing")
    async def c(request): return text(app.ctx.missing)
    """,
    get("/"),
    get("/"),
    get("/attribute"),
    get("/missing"),
)
case(
    "app names",
    """
    try:
        Sanic("bad name")
        error = None
    except Exception as e:
        error = [type(e).__name__, str(e)]
    try:
        Sanic.get_app("Nosuch")
        missing = None
    except Exception as e:
        missing = [type(e).__name__, str(e)]

    @app.get("/")
    async def a(request): return json([error, missing, app.name, repr(app)])
    """,
    get("/"),
)
case(
    "an app without a name",
    "app = Sanic()",
    fails=True,
)
case(
    "sync handlers, partials and callables",
    """
    from functools import partial

    class Callable:
        __name__ = "callable_object"
        async def __call__(self, request): return text("object")

    def generic(request, greeting): return text(greeting)
    @app.get("/sync")
    def plain(request): return text("sync")
    app.add_route(partial(generic, greeting="hi"), "/partial", name="partial")
    app.add_route(Callable(), "/object")
    app.add_route(lambda request: text("lambda"), "/lambda", name="a_lambda")
    """,
    get("/sync"),
    get("/partial"),
    get("/object"),
    get("/lambda"),
)
case(
    "dependency style decorators",
    """
    from functools import wraps

    def authorized(function):
        @wraps(function)
        async def wrapper(request, *args, **kwargs):
            if request.token != "t": return json({"status": "not_authorized"}, 403)
            return await function(request, *args, **kwargs)
        return wrapper

    @app.get("/<x:int>")
    @authorized
    async def a(request, x): return json({"x": x})
    """,
    get("/1"),
    get("/1", {"authorization": "Bearer t"}),
    get("/x", {"authorization": "Bearer t"}),
)
case(
    "work in threads, in tasks and with timeouts",
    """
    import asyncio, contextvars, time

    variable = contextvars.ContextVar("variable", default="none")

    @app.get("/thread")
    async def a(request):
        return text(await asyncio.get_running_loop().run_in_executor(None, lambda: "thread"))
    @app.get("/gather")
    async def b(request):
        async def part(n):
            await asyncio.sleep(0.001 * n)
            return n
        return json(await asyncio.gather(*(part(n) for n in (3, 1, 2))))
    @app.get("/timeout")
    async def c(request):
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.01)
        except asyncio.TimeoutError:
            raise ServiceUnavailable("too slow")
    @app.on_request
    async def set_it(request): variable.set(request.path)
    @app.get("/context")
    async def d(request): return text(variable.get())
    @app.get("/current")
    async def e(request):
        async def inner(): return Request.get_current().path
        return text(await asyncio.create_task(inner()))
    """,
    *(get(f"/{name}") for name in ("thread", "gather", "timeout", "context", "current", "none")),
)
case(
    "RESPONSE_TIMEOUT",
    """
    import asyncio
    app.config.RESPONSE_TIMEOUT = 0.2

    @app.get("/slow")
    async def a(request): await asyncio.sleep(3); return text("late")
    @app.get("/quick")
    async def b(request): return text("quick")
    @app.exception(ServiceUnavailable)
    async def late(request, exception): return text(f"late: {exception}", status=503)
    """,
    get("/quick"),
    get("/slow"),
    get("/none"),
)
case(
    "names that are no text",
    """
    @app.get("/")
    async def names(request):
        said = []
        for kind in (Sanic, Blueprint):
            for name in (5, None, b"x", ["x"], object(), "", "a b", "1a", "a..b", "ä"):
                try:
                    kind(name)
                except Exception as error:
                    said.append(type(error).__name__)
                else:
                    said.append("fine")
        return json(said)
    """,
    get("/"),
)
