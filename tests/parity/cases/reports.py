"""Behaviour that reports of ported applications have shown: handshakes and their errors, tasks, `SERVER_NAME`."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, head, options, post, request

_WITNESSES = """
@app.exception(Exception)
def answer(request, error):
    event("handler", type(error).__name__)
    return text(f"handled {type(error).__name__}", status=418)
@app.on_response
def mark(request, response):
    event("response middleware", response.status)
@app.report_exception
def report(app, exception):
    event("report", type(exception).__name__)
@app.signal("http.lifecycle.exception")
def failed(request, exception):
    event("http.lifecycle.exception", request.path, type(exception).__name__)
@app.signal("http.lifecycle.response")
def responded(request, response):
    event("http.lifecycle.response", response.status)
"""
case(
    "what an exception of an open websocket runs: no exception handler and no response middleware",
    """
    @app.exception(Exception)
    def answer(request, error):
        event("handler", type(error).__name__)
        return text("handled")
    @app.on_response
    def mark(request, response): event("response middleware")
    @app.signal("http.lifecycle.exception")
    def failed(request, exception): event("http.lifecycle.exception")
    @app.signal("http.lifecycle.response")
    def responded(request, response): event("http.lifecycle.response")
    @app.signal("websocket.handler.exception")
    def spoken(request, websocket, exception): event("websocket.handler.exception", type(exception).__name__)
    @app.websocket("/<kind>")
    async def talk(request, ws, kind):
        await ws.recv()
        if kind == "error": raise ValueError("x")
        if kind == "sanic": raise NotFound("x")
        if kind == "group": raise ExceptionGroup("x", [KeyError("x"), OSError("x")])
        await ws.send("end")
    @app.get("/events")
    async def events(request): return text("done")
    """,
    *(websocket(f"/{kind}", "go") for kind in ("error", "sanic", "group", "none")),
    get("/events"),
    differs="websocket-errors",
)
case(
    "what an exception of a handshake runs",
    _WITNESSES
    + """
@app.on_request
def check(request):
    if "raise" in request.args: raise KeyError("x")
    if "sanic" in request.args: raise Unauthorized("x")
    if "stop" in request.args: return text("stopped", status=403)
@app.websocket("/ws")
async def talk(request, ws): await ws.send("open")
""",
    websocket("/ws", replies=1),
    websocket("/ws?raise=1", replies=1),
    websocket("/ws?sanic=1", replies=1),
    websocket("/ws?stop=1", replies=1),
    websocket("/none", replies=1),
)

case(
    "a websocket's path with other methods, for requests that are no handshake",
    """
    @app.websocket("/only")
    async def only(request, ws): ...
    @app.websocket("/literal")
    async def literal(request, ws): ...
    @app.post("/literal")
    async def literal_post(request): return text("post")
    @app.websocket("/typed/<x:int>")
    async def typed(request, ws, x): ...
    @app.put("/typed/<x:int>")
    async def typed_put(request, x): return text("put")
    @app.websocket("/rest/<p:path>/end")
    async def rest(request, ws, p): ...
    @app.patch("/rest/<p:path>/end")
    async def rest_patch(request, p): return text("patch")
    @app.websocket("/hosted", host="other.test")
    async def hosted(request, ws): ...
    @app.exception(Exception)
    def status(request, error): return text(str(error.status_code), error.status_code)
    """,
    *(get(path) for path in ("/only", "/literal", "/typed/1", "/typed/x", "/rest/a/b/end", "/hosted")),
    get("/literal", {"connection": "close, Upgrade", "upgrade": "other"}),
    get("/hosted", {"host": "other.test"}),
    post("/hosted", {"host": "other.test"}),
    *(send(path) for send in (head, post, options) for path in ("/only", "/literal")),
    request("DELETE", "/literal"),
    post("/literal/"),
    get("/literal/"),
)

case(
    "routes with one name are refused before the first listener",
    """
    @app.get("/a", name="same")
    async def a(request): return text("a")
    @app.get("/b", name="same")
    async def b(request): return text("b")
    @app.before_server_start
    async def start(app): event("before_server_start")
    @app.after_server_start
    async def started(app): event("after_server_start")
    @app.after_server_stop
    async def stop(app): event("after_server_stop")
    """,
    get("/a"),
    fails=True,
    log_differs="server",
)
case(
    "routes with one name, one of them from a listener",
    """
    @app.get("/a", name="same")
    async def a(request): return text("a")
    @app.before_server_start
    async def start(app):
        event("before_server_start")
        with app.amend():
            app.add_route(a, "/b", name="same")
            app.add_route(a, "/c", name="other")
    """,
    get("/a"),
    get("/b"),
    get("/c"),
)
case(
    "blueprints whose routes have one name",
    """
    async def a(request): return text("a")
    bp = Blueprint("bp", url_prefix="/bp")
    bp.add_route(a, "/a", name="same")
    bp.add_route(a, "/b", name="same")
    app.blueprint(bp)
    @app.before_server_start
    async def start(app): event("before_server_start")
    """,
    get("/bp/a"),
    fails=True,
    log_differs="server",
)

case(
    "the request in background tasks that outlive it",
    """
    import asyncio
    paths = {}
    async def job(name):
        await asyncio.sleep(0.05)
        paths[name] = f"{Request.get_current().path} {Request.get_current().args.get('q')}"
    async def outer(app):
        await asyncio.create_task(job("child of a task"))
    @app.get("/task")
    async def task(request):
        app.add_task(job("coroutine"), name="named")
        app.add_task(outer)
        app.add_task(lambda app: job("function"))
        return text("task")
    @app.post("/raises")
    async def raises(request):
        app.add_task(job("raises"))
        raise BadRequest("x")
    @app.signal("shop.order.placed")
    async def placed(**context): await job("signal")
    @app.get("/signal")
    async def signal(request):
        await app.dispatch("shop.order.placed")
        return text("signal")
    @app.on_response
    async def after(request, response):
        if request.path == "/task": app.add_task(job("middleware"))
    @app.before_server_start
    async def start(app):
        async def no_request():
            try: Request.get_current()
            except Exception as error: paths["start"] = type(error).__name__
        app.add_task(no_request())
    @app.get("/paths")
    async def all_paths(request):
        while len(paths) < 7: await asyncio.sleep(0.01)
        return json(sorted(paths.items()))
    """,
    get("/task?q=1"),
    post("/raises?q=2"),
    get("/signal?q=3"),
    get("/paths"),
)
case(
    "the request in a background task of a websocket that outlives it",
    """
    import asyncio
    paths = []
    async def job():
        await asyncio.sleep(0.05)
        paths.append(f"{Request.get_current().path} {Request.get_current().args.get('q')}")
    @app.websocket("/begins")
    async def begins(request, ws): app.add_task(job())
    @app.websocket("/waits")
    async def waits(request, ws):
        while not paths: await asyncio.sleep(0.01)
        await ws.send(paths[0])
    """,
    websocket("/begins?q=4", replies=1),
    websocket("/waits", replies=2),
)
case(
    "the request in a bare task and a thread that outlive it",
    """
    import asyncio, time
    paths = {}
    def look(name):
        try: paths[name] = Request.get_current().path
        except Exception as error: paths[name] = type(error).__name__
    async def job():
        await asyncio.sleep(0.05)
        look("task")
    def work():
        time.sleep(0.05)
        look("thread")
    @app.get("/start")
    async def start(request):
        app.ctx.kept = asyncio.create_task(job()), asyncio.ensure_future(asyncio.to_thread(work))
        return text("start")
    @app.get("/paths")
    async def all_paths(request):
        while len(paths) < 2: await asyncio.sleep(0.01)
        return json(paths)
    """,
    get("/start"),
    get("/paths"),
    differs="current-request",
)

case(
    "dispatched signals that run on while the server stops",
    """
    import asyncio
    @app.signal("shop.order.<what>")
    async def order(what):
        event("begin", what)
        await asyncio.sleep(0.3)
        event("end", what)
        if what == "first": await app.dispatch("shop.order.second")
    @app.get("/order")
    async def place(request):
        task = await app.dispatch("shop.order.first")
        return json([isinstance(task, asyncio.Task), task.done(), len(list(app.tasks))])
    @app.after_server_stop
    async def stop(app): event("after_server_stop")
    """,
    get("/order"),
    stops=True,
    differs="background-tasks",
)
case(
    "dispatched signals: failures, unknown ones, and what awaiting the task gives",
    """
    @app.signal("shop.order.<what>")
    async def order(what):
        if what == "bad": raise ValueError("bad")
        return what
    @app.get("/<what>")
    async def place(request, what):
        task = await app.dispatch(f"shop.order.{what}")
        try: return json(await task)
        except ValueError as error: return json([str(error)])
    @app.get("/unknown", name="unknown")
    async def unknown(request):
        return json(await (await app.dispatch("shop.none.x")))
    """,
    get("/good"),
    get("/bad"),
    get("/unknown"),
)

_NAMED = """
import json as standard
def value(call):
    try: return str(call())
    except Exception as error: return type(error).__name__
def seen(request):
    return {
        "url": value(lambda: request.url), "scheme": request.scheme, "host": request.host, "name": request.server_name,
        "port": request.server_port, "path": request.server_path,
        "request.url_for": [value(lambda: request.url_for(view, **kw)) for view, kw in (
            ("seen_here", {}), ("talk", {}), ("bp.below", {"x": "a", "q": 1, "_anchor": "z"}), ("hosted", {}))],
        "app.url_for": [value(lambda: app.url_for(view, **kw)) for view, kw in (
            ("seen_here", {"_external": True}), ("talk", {"_external": True}), ("seen_here", {}),
            ("seen_here", {"_external": True, "_scheme": "https"}), ("hosted", {"_external": True}),
            ("seen_here", {"_external": True, "_server": "https://s.test:1/p"}), ("seen_here", {"_scheme": "https"}),
            ("seen_here", {"_server": "s.test"}), ("bp.below", {"x": "a", "_external": True}))],
    }
@app.get("/seen")
async def seen_here(request): return json(seen(request))
@app.websocket("/talk")
async def talk(request, ws): await ws.send(standard.dumps(seen(request), indent=1))
@app.get("/hosted", host="h.test")
async def hosted(request): ...
bp = Blueprint("bp", url_prefix="/bp", version=2)
@bp.get("/<x>")
async def below(request, x): ...
app.blueprint(bp)
"""
_PROXIED = {"forwarded": "for=192.0.2.1;secret=s3cret;proto=https;host=proxy.test:99;path=/proxied"}
for number, name in enumerate(
    (
        "example.test",
        "example.test:8080",
        "example.test/prefix",
        "https://example.test",
        "https://example.test:8443",
        "https://example.test/",
        "https://example.test/prefix",
        "http://[::1]:8000/prefix",
        "HTTPS://Example.TEST",
        "wss://example.test",
        "https://user:secret@example.test",
        "ftp://example.test",
        "https://example.test?next=http://other.test",
        "",
        "http://",
        "//example.test",
    )
):
    case(
        f"SERVER_NAME {number}: {name!r}",
        f'app.config.SERVER_NAME = "{name}"\napp.config.FORWARDED_SECRET = "s3cret"\n{_NAMED}',
        get("/seen"),
        get("/seen", {"host": "asked.test:81"}),
        get("/seen", _PROXIED),
        websocket("/talk", replies=1),
        websocket("/talk", replies=1, headers=_PROXIED),
    )
case(
    "forwarding headers at a websocket",
    f'app.config.FORWARDED_SECRET = "s3cret"\n{_NAMED}',
    websocket("/talk", replies=1, headers=_PROXIED),
    websocket("/talk", replies=1, headers={"forwarded": "secret=s3cret;proto=wss"}),
    websocket("/talk", replies=1, headers={"forwarded": "secret=s3cret;proto=http"}),
    websocket("/talk", replies=1, headers={"forwarded": "secret=wrong;proto=https"}),
)
case(
    "forwarding headers by number of proxies at a websocket",
    f"app.config.PROXIES_COUNT = 1\n{_NAMED}",
    websocket("/talk", replies=1, headers={"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}),
    websocket("/talk", replies=1, headers={"x-forwarded-for": "192.0.2.1", "x-scheme": "http"}),
    get("/seen", {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "wss"}),
)

case(
    "types of the handlers that are registered by the framework",
    """
    from inspect import unwrap
    from typing import get_type_hints
    from sanic.views import HTTPMethodView
    place = folder({"a.txt": "a"})
    app.static("/files", place, name="files")
    app.static("/file", place / "a.txt", name="file")
    app.static("/listed", place, name="listed", directory_view=True)
    bp = Blueprint("bp", url_prefix="/bp")
    bp.static("/files", place, name="files")
    app.blueprint(bp)
    class View(HTTPMethodView):
        async def get(self, request): ...
    app.add_route(View.as_view(), "/view")
    HTTPMethodView.attach(app, "/base", name="base")
    @app.get("/hints")
    async def hints(request):
        problems = []
        for route in app.router.routes:
            try: get_type_hints(route.handler)
            except Exception as error: problems.append([route.name, type(error).__name__, str(error)])
        return json([len(app.router.routes), problems])
    """,
    get("/hints"),
    get("/files/a.txt"),
    get("/file"),
    get("/files/none"),
    get("/bp/files/a.txt"),
)

_GROUPS = """
import asyncio
class Mine(Exception): ...
class Group(ExceptionGroup): ...
KINDS = {
    "one": lambda: ExceptionGroup("g", [Mine("a")]),
    "deep": lambda: ExceptionGroup("g", [ExceptionGroup("h", [Mine("a")])]),
    "two": lambda: ExceptionGroup("g", [Mine("a"), Mine("b")]),
    "mixed": lambda: ExceptionGroup("g", [Mine("a"), ExceptionGroup("h", [ValueError("b")])]),
    "missing": lambda: ExceptionGroup("g", [NotFound("a")]),
    "other": lambda: ExceptionGroup("g", [ValueError("a")]),
    "derived": lambda: Group("g", [Mine("a")]),
    "base": lambda: BaseExceptionGroup("g", [Mine("a")]),
}
@app.on_request
def check(request):
    if "kind" in request.args: raise KINDS[request.args.get("kind")]()
@app.get("/raise/<kind>")
async def raises(request, kind): raise KINDS[kind]()
@app.get("/tasks/<kind>")
async def tasks(request, kind):
    async def fail(): raise KINDS[kind]()
    async with asyncio.TaskGroup() as group: group.create_task(fail())
@app.websocket("/ws")
async def ws(request, ws): ...
@app.report_exception
def report(app, exception): event("report", type(exception).__name__)
"""
_KINDS = ("one", "deep", "two", "mixed", "missing", "other", "derived", "base")
case(
    "exception groups, with a handler for groups",
    _GROUPS
    + """
@app.exception(Mine)
def mine(request, error): return text("mine")
@app.exception(BaseExceptionGroup)
def group(request, error): return text(f"group {type(error).__name__} {len(error.exceptions)}")
""",
    *(get(f"/{source}/{kind}") for source in ("raise", "tasks") for kind in _KINDS),
    *(get(f"/none?kind={kind}") for kind in _KINDS),
)
case(
    "exception groups, with a handler for one of the exceptions",
    _GROUPS
    + """
@app.exception(Mine)
def mine(request, error): return text(f"mine {type(error).__name__}")
""",
    *(get(f"/{source}/{kind}") for source in ("raise", "tasks") for kind in _KINDS),
    *(get(f"/none?kind={kind}") for kind in _KINDS),
    *(websocket(f"/ws?kind={kind}", replies=1) for kind in _KINDS),
    differs="exception-groups",
)
case(
    "exception groups of several exceptions, with handlers for these",
    _GROUPS
    + """
@app.exception(Mine, ValueError)
def mine(request, error): return text(f"mine {type(error).__name__}")
""",
    *(get(f"/{source}/{kind}") for source in ("raise", "tasks") for kind in ("two", "mixed")),
    *(get(f"/none?kind={kind}") for kind in ("two", "mixed")),
)
case(
    "exception groups, with a handler for all exceptions",
    _GROUPS
    + """
@app.exception(Exception)
def all_of_them(request, error): return text(f"all {type(error).__name__}")
""",
    *(get(f"/raise/{kind}") for kind in ("one", "deep", "two", "mixed", "other", "derived")),
)

case(
    "unquote and parameters of the type path",
    """
    async def show(request, **params): return json(params)
    app.add_route(show, "/a/<p:path>", unquote=True, name="a")
    app.add_route(show, "/b/<x>/<p:path>", unquote=True, name="b")
    app.add_route(show, "/c/<p:path>/<x:int>", unquote=True, name="c")
    """,
    *(get(f"/a/{path}") for path in ("x%20y/z", "%C3%BC%2Fb", "%FF", "%zz", "", "%252F", "a//b")),
    get("/b/%20/%2F/x"),
    get("/c/x%20y/z/1"),
    get("/c/x%20y/z/%31"),
    differs="path-unquote",
)
case(
    "parameters without unquote, and expressions with it",
    r"""
    async def show(request, **params): return json(params)
    app.add_route(show, "/a/<p:path>", name="a")
    app.add_route(show, "/b/<p:path>", name="b", unquote=False)
    app.add_route(show, r"/c/<p:[a-z%\d]+/[a-z%\d]+>", name="c", unquote=True)
    app.add_route(show, "/d/<x>", name="d", unquote=True)
    bp = Blueprint("bp", url_prefix="/bp")
    bp.add_route(show, "/<x>/y", name="x", unquote=True)
    app.blueprint(bp)
    """,
    *(get(f"/{source}/{path}") for source in "abd" for path in ("x%20y", "%FF", "%zz", "%252F")),
    get("/a/x%20y/z"),
    get("/c/x%20/y"),
    get("/bp/%C3%BC/y"),
)
for number, kind in enumerate(("integer", "string", "Int", " int", "datetime")):
    case(
        f"a path type that does not exist {number}: {kind!r}",
        f"""
        @app.get("/<n:{kind}>")
        async def number(request, n): return text(n)
        """,
        get("/1"),
        differs="path-types",
    )
case(
    "expressions that look like path types",
    r"""
    async def show(request, n): return text(f"{type(n).__name__} {n}")
    def even(text): return int(text) if int(text) % 2 == 0 else int("")
    app.router.register_pattern("even", even, r"\d+")
    for number, kind in enumerate(("even", "(integer)", "42", "in|out", "[a-z]+", "(?:word)", "a.c")):
        app.add_route(show, f"/{number}/<n:{kind}>", name=f"r{number}")
    """,
    *(get(f"/{path}") for path in ("0/2", "0/3", "1/integer", "1/1", "2/42")),
    *(get(f"/{path}") for path in ("3/in", "3/on", "4/ab", "5/word", "6/abc")),
)
for name in ("KEEP_ALIVE", "ACCESS_LOG"):
    case(
        f"SANIC_{name} in the environment, right",
        f"""
        @app.get("/")
        async def shown(request): return json(app.config.{name})
        """,
        get("/"),
        env={f"SANIC_{name}": "Off"},
    )
case(
    "an invalid truth value in the environment",
    """
    @app.get("/")
    async def shown(request): return json(app.config.MOTD)
    """,
    get("/"),
    env={"SANIC_MOTD": "maybe"},
    differs="settings",
)
