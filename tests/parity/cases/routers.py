"""The router as a whole: hosts, versions, slashes, decoding, late registration, and what it tells of its routes."""

from itertools import product

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, head, options, post, request

for app, blueprint, route in product((None, True, False), repeat=3):
    case(
        f"slashes, app {app}, blueprint {blueprint}, route {route}",
        f"""
app = Sanic("Parity", strict_slashes={app})
bp = Blueprint("bp", url_prefix="/bp", strict_slashes={blueprint})
@app.get("/a", strict_slashes={route})
@bp.get("/a", strict_slashes={route})
async def a(request): return text("a")
@app.get("/b/", strict_slashes={route})
@bp.get("/b/", strict_slashes={route})
async def b(request): return text("b")
@app.get("/c/<x:int>/", strict_slashes={route})
@bp.post("/c/<x:int>", strict_slashes={route})
async def c(request, x): return json(x)
app.blueprint(bp)
"""
        if app is not None
        else f"""
bp = Blueprint("bp", url_prefix="/bp", strict_slashes={blueprint})
@bp.get("/a", strict_slashes={route})
async def a(request): return text("a")
@bp.get("/", strict_slashes={route})
async def root(request): return text("root")
@bp.get("/c/<x:int>/", strict_slashes={route})
async def c(request, x): return json(x)
app.blueprint(bp)
""",
        *(
            get(f"{prefix}{path}{slash}")
            for prefix in ("", "/bp")
            for path in ("/a", "/b", "/c/1")
            for slash in ("", "/", "//")
        ),
        post("/bp/c/1/", body=b""),
        get("/bp"),
        get("/bp/"),
    )

ANY_HOST = """
@app.get("/", host="one.test")
async def one(request): return text("one")
@app.get("/", host=["two.test", "three.test:81"], name="several")
async def two(request): return text(f"two {request.name}")
@app.post("/p/<x:int>", host="one.test")
async def number(request, x): return json(x)
@app.get("/p/<x>", host="two.test")
async def word(request, x): return json(x)
@app.get("/p/<x:path>")
async def rest(request, x): return json(["rest", x])
@app.websocket("/ws", host="one.test")
async def ws(request, ws): await ws.send("one")
"""
for number, host in enumerate(
    ("one.test", "ONE.test", "two.test", "three.test", "three.test:81", "one.test:80", " one.test", "one.test.", "")
):
    case(
        f"host {number}, {host!r}",
        ANY_HOST,
        get("/", {"host": host}),
        post("/p/1", {"host": host}, body=b""),
        get("/p/1", {"host": host}),
        get("/p/a", {"host": host}),
        get("/p/a/b", {"host": host}),
        get("/none", {"host": host}),
        request("PUT", "/", {"host": host}),
    )
for kind, source in (
    ("a blueprint", 'bp = Blueprint("bp", host="one.test")'),
    ("a blueprint with several", 'bp = Blueprint("bp", host=["one.test", "two.test"])'),
):
    case(
        f"hosts of {kind}",
        f"""
{source}
@bp.get("/a")
async def a(request): return text(f"a {{request.name}}")
@bp.get("/b", host="three.test")
async def b(request): return text("b")
app.blueprint(bp)
@app.get("/hosts")
async def hosts(request): return json(sorted(str(route.requirements) for route in app.router.routes))
""",
        *(
            get(f"{x}/{path}", {"host": f"{h}.test"})
            for x in ("", "/x")
            for path in "ab"
            for h in ("one", "two", "three")
        ),
        get("/hosts"),
    )
for name, value in (
    ("with a parameter", "<name>.test"),
    ("with a star", "*.test"),
    ("of upper case", "One.Test"),
    ("with a scheme", "http://one.test"),
    ("that is empty", ""),
    ("as a tuple", ("one.test", "two.test")),
    ("as a set", {"one.test"}),
):
    case(
        f"a host {name}",
        f"""
@app.get("/", host={value!r})
async def h(request): return text("h")
@app.get("/a")
async def a(request): return text("a")
""",
        *(
            get("/", {"host": host})
            for host in ("one.test", "One.Test", "<name>.test", "*.test", "http://one.test", "")
        ),
    )

for number, version in enumerate((1, "1", "v1", 1.5, "1.5", "beta", "/v2/", 0, "", "é")):
    case(
        f"version {number}, {version!r}",
        f"""
@app.get("/a", version={version!r})
async def a(request): return json([request.path, app.url_for("a")])
bp = Blueprint("bp", url_prefix="/bp", version={version!r})
@bp.get("/a")
async def b(request): return json([request.path, app.url_for("bp.b")])
@bp.get("/c", version=7, version_prefix="/api/v")
async def c(request): return json([request.path, app.url_for("bp.c")])
app.blueprint(bp)
""",
        *(get(f"/{v}/a") for v in ("v1", "v1.5", "vbeta", "v2", "v0", "v", "v%C3%A9", "vv1")),
        *(get(f"/{v}/bp/a") for v in ("v1", "v1.5", "v0")),
        get("/api/v7/bp/c"),
        get("/a"),
    )

TOLD = """
bp = Blueprint("bp", url_prefix="/bp")
@bp.post("/<y:path>", name="inner")
async def b(request, y): pass
app.blueprint(bp)
@app.get("/a/b", ctx_x=1, name="literal")
async def a(request): return text("a")
@app.route("/c/<x:int>/<z>", methods=["GET", "DELETE"], unquote=True, version=2)
async def c(request, x, z): pass
@app.get(r"/r/<x:[a-z]{2}>", strict_slashes=True)
async def r(request, x): pass
@app.get("/e/<f:ext=jpg|png>", host="one.test")
async def e(request, f, ext): pass
@app.websocket("/ws")
async def w(request, ws): pass
app.static("/s", __file__, name="s")

def by_name(value): return sorted(map(str, value))
@app.get("/told", name="told")
async def told(request):
    router = app.router
    told = %s
    return json(dict(sorted(told.items())) if isinstance(told, dict) else told)
"""
for name, expression in (
    ("names", "by_name(route.name for route in router.routes)"),
    ("methods", "{route.name: by_name(route.methods) for route in router.routes}"),
    ("handlers", "{route.name: route.handler.__name__ for route in router.routes if not route.extra.static and route.name != 'Parity.w'}"),  # noqa: E501
    ("uris", "{route.name: route.uri for route in router.routes}"),
    ("strictness", "{route.name: [route.strict, route.unquote] for route in router.routes}"),
    ("requirements", "{route.name: dict(route.requirements) for route in router.routes}"),
    ("contexts", "{route.name: vars(route.ctx) for route in router.routes}"),
    ("labels", "{route.name: by_name(route.labels) for route in router.routes}"),
    ("segments", "{route.name: list(route.segments) for route in router.routes}"),
    ("parts", "{route.name: list(route.parts) for route in router.routes}"),
    ("patterns", "{route.name: route.pattern for route in router.routes}"),
    ("kinds", "{route.name: [bool(route.regex), bool(route.static), route.extra.static, route.extra.websocket] for route in router.routes}"),  # noqa: E501
    ("parameters", "{route.name: {place: [part.name, part.label, part.pattern.pattern] for place, part in sorted(route.params.items()) if part.name} for route in router.routes if 'e' not in route.name[-2:]}"),  # noqa: E501
    ("extras", "{route.name: [route.extra.ident, route.extra.ignore_body, route.extra.stream, list(route.extra.hosts)] for route in router.routes if route.name != 'Parity.s'}"),  # noqa: E501
    ("the index of names", "by_name(router.name_index)"),
    ("static routes", "by_name('/'.join(parts) for parts in router.routes_static)"),
    ("dynamic routes", "len(router.routes_dynamic)"),
    ("routes with an expression", "len(router.routes_regex)"),
    ("all routes", "[len(router.routes_all), len(router.routes)]"),
    ("tables of groups", "[sorted(['/'.join(key), type(group).__name__, sorted(group.methods), [route.name for route in group]] for key, group in getattr(router, table).items() if 'static' not in key) for table in ('routes_static', 'routes_dynamic', 'routes_regex', 'static_routes', 'dynamic_routes', 'regex_routes')]"),  # noqa: E501
    ("one route a path", "{'/'.join(parts): route.name for parts, route in router.routes_all.items() if route.name != 'Parity.s'}"),  # noqa: E501
    ("a path that no table has", "[('nope',) in getattr(router, table) for table in ('routes_all', 'routes_static', 'routes_dynamic', 'routes_regex')]"),  # noqa: E501
    ("formats of errors", "{route.name: route.extra.error_format for route in router.routes if route.name not in ('Parity.s', 'Parity.bp.inner')}"),  # noqa: E501
    ("the view by its name", "[(found := router.find_route_by_view_name(name)) and found.name for name in ('literal', 'Parity.literal', 'bp.inner', 'nope', '', None)]"),  # noqa: E501
    ("its state", "[router.finalized, by_name(router.ALLOWED_METHODS), router.DEFAULT_METHOD, router.delimiter]"),
    ("what it gets", "[(route.name, handler.__name__, sorted(given.items())) for route, handler, given in [router.get('/a/b', 'GET', None), router.get('/v2/c/1/a%20b', 'DELETE', 'x')]]"),  # noqa: E501
    ("a later route", "attempt(lambda: app.add_route(a, '/late', name='late')) is a"),
    ("a later decorator", "attempt(lambda: app.get('/late', name='late')(a)) is a"),
    ("a later websocket", "attempt(lambda: app.websocket('/late', name='late')(w)) is w"),
    ("a later file", "str(attempt(lambda: app.static('/late', folder({'a.txt': 'a'}) + '/a.txt', name='late')))"),
    ("a later blueprint", "str(attempt(later))"),
    ("a path that is not there", "str(attempt(lambda: router.get('/nope', 'GET', None)))"),
    ("a method that is not there", "str(attempt(lambda: router.get('/a/b', 'POST', None)))"),
    ("a second closing", "str(attempt(lambda: router.finalize()))"),
    ("types", "sorted(router.regex_types)"),
):  # fmt: skip
    case(
        f"the router tells {name}",
        """
def later():
    bp = Blueprint("late")
    bp.get("/late")(a)
    app.blueprint(bp)
def attempt(act):
    try:
        return act()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""
        + TOLD % expression,
        get("/told"),
        get("/late" if "websocket" not in name else "/later"),
    )

case(
    "registration in a listener",
    """
    @app.before_server_start
    async def add(app):
        async def late(request): return text("late")
        app.add_route(late, "/late")
    @app.main_process_start
    async def main(app): pass
    @app.get("/a")
    async def a(request): return text("a")
    """,
    get("/late"),
    get("/a"),
    get("/later"),
    log_differs="listener-phases",
)
case(
    "head and options are for those who ask for them",
    """
    @app.get("/get")
    async def g(request): return text("get")
    @app.head("/head")
    async def h(request): return text("", headers={"x-a": "1"})
    @app.options("/options")
    async def o(request): return text("options")
    @app.route("/both", methods=["GET", "HEAD", "OPTIONS"])
    async def b(request): return text(request.method)
    """,
    *(ask(f"/{path}") for ask in (get, head, options) for path in ("get", "head", "options", "both", "none")),
)
case(
    "a path of a websocket",
    """
    @app.websocket("/ws/<x:int>")
    async def w(request, ws, x): await ws.send(f"{x + 1}")
    @app.get("/ws/<x:str>")
    async def s(request, x): return text(x)
    """,
    websocket("/ws/1", replies=1),
    post("/ws/1", body=b""),
    get("/ws/a"),
    head("/ws/1"),
)
for name, source, paths in (
    ("a class of its own", "def even(v): return int(v) if int(v) % 2 == 0 else int('x')\napp.router.register_pattern('even', even, r'[0-9]+')", ("2", "3", "x", "")),  # noqa: E501
    ("two of a kind", "app.router.register_pattern('even', str, r'[a-z]+')\napp.router.register_pattern('even', int, r'[0-9]+')", ("2", "a", "")),  # noqa: E501
    ("a known name", "def own(v): return 'own ' + v\napp.router.register_pattern('int', own, r'.+')\napp.router.register_pattern('even', str, r'.+')", ("2", "a")),  # noqa: E501
    ("a compiled pattern", "import re\napp.router.register_pattern('even', str.upper, re.compile(r'^[a-z0-9]+$'))", ("a", "2", "A")),  # noqa: E501
    ("an error of another class", "def cast(v): return {'a': 1}[v]\napp.router.register_pattern('even', cast, r'.')", ("a", "b")),  # noqa: E501
    ("a value that is None", "def none(v): return None\napp.router.register_pattern('even', none, r'.+')", ("a", "")),
    ("a value that is a list", "def pair(v): return [v]\napp.router.register_pattern('even', pair, r'.+')", ("a", "")),
):  # fmt: skip
    case(
        f"a pattern, {name}",
        source
        + """
@app.get("/p/<x:even>")
async def p(request, x): return json([x, type(x).__name__])
@app.get("/p/<x:int>")
async def i(request, x): return json([x, "int"])
@app.get("/u/<x>")
async def u(request, x): return text(app.url_for("p", x=x))
""",
        *(get(f"/p/{path}") for path in paths),
        get("/u/2"),
    )
REFUSED = (("5", "str", "'a'"), ("'a'", "5", "'a'"), ("'a'", "str", "5"), ("'a'", "str", "None"), ("'a'", "str", "'['"))
for number, (label, cast, pattern) in enumerate(REFUSED):
    case(
        f"pattern {number} that is refused, {label} {cast} {pattern}",
        f"""
try:
    app.router.register_pattern({label}, {cast}, {pattern})
    told = "fine"
except Exception as error:
    told = f"{{type(error).__name__}}: {{error}}"
@app.get("/")
async def tell(request): return text(told)
""",
        get("/"),
    )
VALUES = (
    "a",
    "%41",
    "a%2Fb",
    "a%2fb",
    "%",
    "%4",
    "%zz",
    "%00",
    "%FF",
    "%C3%A4",
    "%C3",
    "%25",
    "%2e%2e",
    "a+b",
    "a;b",
    "a,b",
    "..",
    ".",
)
for kind in ("str", "strorempty", "path", "int", "alpha", "slug", "ext", "[^/]+"):
    for unquote in (False, True)[: 1 if kind == "ext" else 2]:  # Sanic fails at a file name that it shall decode
        case(
            f"encoded characters in {'text' if kind == '[^/]+' else kind}, unquote={unquote}",
            f"""
@app.get("/p/<x:{kind}>", unquote={unquote})
async def p(request, x, **more): return json([x, more, request.match_info])
""",
            *(get(f"/p/{value}") for value in VALUES),
            *(get(f"/p/{value}") for value in ("%31", "a%2Etxt", "a.txt")),
            scrub=(r"URL (None|/p/\S+) not",),
            differs="path-unquote" if kind == "path" and unquote else None,
        )

case(
    "decoded parameters beside expressions, in middleware, websockets and views",
    r"""
    from sanic.views import HTTPMethodView
    @app.on_request
    async def see(request): request.ctx.seen = dict(request.match_info)
    async def show(request, **given):
        same = given == request.ctx.seen == request.match_info
        return json([request.name, sorted(given.items()), same])
    for number, uri in enumerate((
        "/r/<x:[a-z%0-9A-F]+>", "/r/<x:[a-z%0-9A-F]+>/<y>", "/g/<y>/<x:([a-z%0-9A-F]+)>",
        "/g/<x:(?P<x>[a-z%0-9A-F]+)>", "/i/<x:int>/<y>",
    )):
        app.add_route(show, uri, name=f"r{number}", unquote=True)
    class View(HTTPMethodView):
        async def get(self, request, x): return json([x, request.ctx.seen])
    app.add_route(View.as_view(), "/v/<x>", unquote=True)
    bp = Blueprint("bp", url_prefix="/b/<y>")
    bp.add_route(show, "/<x>", unquote=True)
    app.blueprint(bp)
    @app.route("/ws/<x>", websocket=True, unquote=True)
    async def ws(request, ws, x): await ws.send(x)
    """,
    *(
        get(path)
        for path in (
            *("/r/a%20b", "/r/a%20b/c%20d", "/g/c%20d/a%20b", "/g/a%20b"),
            *("/i/1/c%20d", "/v/a%2Fb", "/v/a%2525b", "/b/a%20b/%FF"),
        )
    ),
    websocket("/ws/a%20b"),
)
SPELLED = """
async def show(request, **given): return json([request.name, request.uri_template, given])
for number, mark in enumerate("=@:+,;!$&'()*"):
    app.add_route(show, f"/x{mark}y", name=f"literal{number}")
    app.add_route(show, f"/p/<a>/x{mark}y/<b:int>", name=f"typed{number}")
    app.add_route(show, f"/s/x{mark}y/<a:path>", name=f"prefix{number}")
    app.add_route(show, f"/e/<a:path>/x{mark}y", name=f"expression{number}")
    app.add_route(show, f"/h/x{mark}y", name=f"hosted{number}", host="parity.test")
"""
PATHS = ("/x{0}y", "/p/1/x{0}y/2", "/s/x{0}y/a/b", "/e/a/b/x{0}y", "/h/x{0}y")
PATHS_SEEN = """
@app.on_request
async def guard(request):
    request.ctx.seen = request.name if "x-want" in request.headers else request.path
    if request.path.startswith("/p/forbidden"): return text("guarded", 403)
@app.get("/p/<x:path>")
async def p(request, x): return json([request.ctx.seen, x])
@app.get("/q/<x>", unquote=True)
async def q(request, x): return json([request.ctx.seen, x])
@app.get("/users/@me")
async def me(request): return json([request.ctx.seen])
@app.get("/admin")
async def admin(request): return json([request.ctx.seen])
"""
case(
    "marks that may stand in a path, encoded",
    SPELLED,
    *(get(path.format(mark)) for path in PATHS for mark in ("%40", "%3D", "%2B", "%28", "%3A")),
)
case(
    "marks that may stand in a path, encoded with a small letter",
    SPELLED,
    *(get(path.format("%3a")) for path in PATHS),
    differs="path-spelling",
)
case(
    "marks that may stand in a path, as they are",
    SPELLED,
    *(get(path.format(mark)) for path in PATHS for mark in "@=+(:"),
    differs="route-spelling",
)
case(
    "the path in a middleware, where Sanic has its usual spelling",
    PATHS_SEEN,
    *(get(f"/p/{value}") for value in ("a%2Fb", "a%2fb", "%252F", "a//b", "..", "%00", "%FF", "%zz", "a;b", "%C3%A4")),
    get("//p/a"),
    get("/p/a//"),
    get("/q/a%2Fb"),
    get("/q/a%252Fb"),
    get("/users/%40me", {"x-want": "name"}),
)
case(
    "the path in a middleware, with escapes that a path does not need",
    PATHS_SEEN,
    *(get(f"/p/{value}") for value in ("%61dmin", "%2e%2e", "%7Eme", "a%3Bb", "%40")),
    get("/users/%40me"),
    get("/users/@me"),
    differs="path-spelling",
)
case(
    "literals with escapes that a path does not need",
    PATHS_SEEN,
    *(get(path, {"x-want": "name"}) for path in ("/%61dmin", "/users/%40m%65", "/%75sers/@me", "/%70/a%2Fb")),
    differs="path-spelling",
)
case(
    "literals, with escapes that change the path",
    PATHS_SEEN,
    *(get(path) for path in ("/%2561dmin", "/admin%2F", "/users%2F@me", "/users%2f%40me", "//admin", "/users//%40me")),
    *(get(path) for path in ("/users/%2540me", "/%c1dmin", "/%zzadmin", "/admin%")),
)
case(
    "names, hosts and websockets of routes",
    """
    async def h(request): return text("h")
    async def w(request, ws): pass
    def attempt(call):
        try:
            return call()
        except Exception as error:
            return type(error).__name__
    TOLD = [
        str(attempt(lambda: app.add_route(h, "/none", name="") and app.router.routes[0].name)),
        attempt(lambda: app.get("/host", host=1)(h)),
        attempt(lambda: app.add_route(None, "/nothing")),
        attempt(lambda: app.add_route(None, "/nothing", name="nothing")),
        attempt(lambda: app.add_websocket_route(w, "/w") and sorted(app.router.name_index["Parity.w"].methods)),
    ]
    app.add_route(h, "/<p:(nosuch)>/<q=int:ext>", methods=["HEAD", "POST"], name="one")
    TOLD.append(attempt(lambda: app.add_route(h, "/<p:(nosuch)>/<q:ext=txt|md>", methods=["POST"], name="two")))
    @app.get("/told")
    async def told(request): return json(TOLD)
    """,
    get("/told"),
    get("/none"),
)
