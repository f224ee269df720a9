"""Blueprints in detail: arguments, registration, copies."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get

TELL = """
def tell(*calls):
    told = []
    for call in calls:
        try:
            value = call()
            told.append(value if isinstance(value, (str, int, float, bool, list, type(None))) else str(value))
        except Exception as error:
            told.append([type(error).__name__, str(error)])
    return told
"""

# Arguments -----------------------------------------------------------------------------------------------------------

for label, name in {
    "empty": '""',
    "a digit first": '"1a"',
    "two dots": '"a..b"',
    "a slash": '"a/b"',
    "a dash first": '"-a"',
    "an umlaut": '"ä"',
}.items():
    case(f"a blueprint's name: {label}", f"app.blueprint(Blueprint({name}))", fails=True)
case(
    "names of blueprints that are fine",
    TELL
    + """
@app.get("/")
async def names(request):
    return json(tell(*(lambda each=each: Blueprint(each) for each in ("a", "_a", "A-1", "a_b-c2"))))
""",
    get("/"),
)
case(
    "how a blueprint shows itself",
    TELL
    + """
bp = Blueprint("bp", url_prefix="/x/", host="h.test", version=1, strict_slashes=True)
bare = Blueprint("bare")
@app.get("/")
async def show(request):
    return json(tell(lambda: str(bp), lambda: repr(bp), lambda: bp.url_prefix, lambda: repr(bare), lambda: bp.ctx,
                     lambda: bp.registered, lambda: bp.apps, lambda: len(bp.routes), lambda: bp.copied_from,
                     lambda: bp.version_prefix, lambda: bare.strict_slashes))
""",
    get("/"),
)
case(
    "how a registered blueprint shows itself",
    TELL
    + """
bp = Blueprint("bp", url_prefix="/x")
@bp.get("/a")
async def a(request): ...
@bp.websocket("/w")
async def w(request, ws): ...
@bp.on_request
async def before(request): ...
@bp.exception(ValueError)
async def failed(request, exception): ...
@bp.listener("before_server_start")
async def starting(app): ...
app.blueprint(bp)
@app.get("/")
async def show(request):
    return json(tell(lambda: bp.registered, lambda: [each.name for each in bp.apps],
                     lambda: sorted(each.name for each in bp.routes),
                     lambda: [each.name for each in bp.websocket_routes],
                     lambda: len(bp.middlewares), lambda: len(bp.exceptions), lambda: sorted(bp.listeners),
                     lambda: [*app.blueprints], lambda: app.blueprints["bp"] is bp, lambda: bp.strict_slashes))
""",
    get("/"),
)
case(
    "a prefix with and without its slashes",
    """
for number, prefix in enumerate(("/a", "/b/", "c", "/d//", "", None, "/")):
    bp = Blueprint(f"bp{number}", url_prefix=prefix)
    async def show(request): return text(request.uri_template)
    bp.add_route(show, f"/r{number}")
    app.blueprint(bp)
""",
    *(get(path) for path in ("/a/r0", "/b/r1", "/c/r2", "/d//r3", "/d/r3", "/r4", "/r5", "/r6", "//r6")),
)
case(
    "routes at the top of a blueprint",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("")
async def a(request): return text("empty")
@bp.get("/x/")
async def b(request): return text("x")
@bp.get("y")
async def c(request): return text("y")
app.blueprint(bp)
""",
    *(get(path) for path in ("/bp", "/bp/", "/bp/x", "/bp/x/", "/bp/y", "/bpy")),
)
case(
    "versions of a blueprint",
    """
for number, version in enumerate((1, 1.5, "v2", "beta", "/3/")):
    bp = Blueprint(f"bp{number}", url_prefix="/bp", version=version)
    async def show(request): return text(request.uri_template)
    bp.add_route(show, f"/r{number}")
    app.blueprint(bp)
""",
    *(get(path) for path in ("/v1/bp/r0", "/v1.5/bp/r1", "/v2/bp/r2", "/vbeta/bp/r3", "/v3/bp/r4", "/bp/r0")),
)
case(
    "a version prefix of blueprint and route",
    """
bp = Blueprint("bp", url_prefix="/bp", version=1, version_prefix="/api/v")
@bp.get("/a")
async def a(request): return text(request.uri_template)
@bp.get("/b", version_prefix="/other/")
async def b(request): return text(request.uri_template)
@bp.get("/c", version=2)
async def c(request): return text(request.uri_template)
app.blueprint(bp)
""",
    *(get(path) for path in ("/api/v1/bp/a", "/other/1/bp/b", "/api/v2/bp/c", "/v1/bp/a", "/api/v1/bp/b")),
)
case(
    "a version prefix with a parameter",
    """
bp = Blueprint("bp", url_prefix="/bp", version=1, version_prefix="/<lang:str>/v")
@bp.get("/a")
async def a(request, lang): return text(lang)
app.blueprint(bp)
""",
    get("/de/v1/bp/a"),
    get("/de/v2/bp/a"),
    get("/v1/bp/a"),
)
case(
    "strict slashes of app, blueprint and route",
    """
app = Sanic("Parity", strict_slashes=True)
plain, loose = Blueprint("plain", url_prefix="/plain"), Blueprint("loose", url_prefix="/loose", strict_slashes=False)
async def show(request): return text(request.path)
for bp in (plain, loose):
    bp.add_route(show, "/a", name="a")
    bp.add_route(show, "/b/", name="b")
    bp.add_route(show, "/c/", name="c", strict_slashes=False)
    app.blueprint(bp)
""",
    *(get(f"/{bp}/{path}") for bp in ("plain", "loose") for path in ("a", "a/", "b", "b/", "c", "c/")),
)
case(
    "several hosts of a blueprint",
    """
bp = Blueprint("bp", host=["one.test", "two.test"])
@bp.get("/a")
async def a(request): return text("a")
@bp.get("/b", host="three.test")
async def b(request): return text("b")
app.blueprint(bp)
""",
    get("/a", {"host": "one.test"}),
    get("/a", {"host": "two.test"}),
    get("/a", {"host": "three.test"}),
    get("/b", {"host": "three.test"}),
    get("/b", {"host": "one.test"}),
)
case(
    "ctx of a blueprint and of its routes",
    """
bp = Blueprint("bp", url_prefix="/bp")
bp.ctx.word = "hi"
@bp.get("/a", ctx_label="x")
async def a(request):
    fresh = bp.copy("x", with_registration=False)
    return json([request.app.blueprints["bp"].ctx.word, request.route.ctx.label, vars(fresh.ctx)])
@bp.get("/b")
async def b(request): return text(request.route.ctx.label)
app.blueprint(bp)
""",
    get("/bp/a"),
    get("/bp/b"),
    get("/bp/c"),
)

# Registration --------------------------------------------------------------------------------------------------------

case(
    "a list of blueprints with one prefix",
    """
one, two = Blueprint("one", url_prefix="/one"), Blueprint("two")
async def show(request): return text(request.uri_template)
one.add_route(show, "/a")
two.add_route(show, "/b")
app.blueprint([one, two], url_prefix="/x")
""",
    *(get(path) for path in ("/x/a", "/x/b", "/x/one/a", "/one/a", "/b")),
)
case(
    "options at the registration",
    """
one, two, three = Blueprint("one", url_prefix="/one"), Blueprint("two", version=3), Blueprint("three")
async def show(request): return text(f"{request.uri_template} {request.name}")
for bp in (one, two, three):
    bp.add_route(show, "/a/", name="a")
app.blueprint(one, version=2, strict_slashes=True)
app.blueprint(two, url_prefix="/two", version=4, version_prefix="/api/")
app.blueprint(three, name_prefix="pre", url_prefix="three")
""",
    *(get(path) for path in ("/v2/one/a/", "/v2/one/a", "/api/4/two/a", "/api/3/two/a", "/v3/two/a", "/three/a")),
)
case(
    "a blueprint under two prefixes",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/a")
async def a(request): return text(request.name)
app.blueprint(bp, url_prefix="/one")
app.blueprint(bp, url_prefix="/two")
""",
    get("/one/a"),
    get("/two/a"),
    fails=True,
)
case(
    "a blueprint under two prefixes and names",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/a")
async def a(request): return text(request.name)
app.blueprint(bp, url_prefix="/one", name_prefix="first")
app.blueprint(bp, url_prefix="/two", name_prefix="second")
""",
    get("/one/a"),
    get("/two/a"),
    get("/bp/a"),
)
case(
    "a blueprint in two applications",
    """
other = Sanic("Other")
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/a")
async def a(request): return json([request.app.name, sorted(each.name for each in bp.apps), request.name])
app = Sanic("Parity")
@app.get("/routes")
async def routes(request): return json([sorted(r.path.strip("/") for r in each.router.routes) for each in (app, other)])
app.blueprint(bp)
other.blueprint(bp, url_prefix="/elsewhere")
""",
    get("/bp/a"),
    get("/elsewhere/a"),
    get("/routes"),
)
case(
    "what can't be registered as a blueprint",
    TELL
    + """
@app.get("/")
async def show(request):
    things = ("bp", None, Blueprint, request, ["bp"], 5)
    return json([type(each).__name__ for each in tell(*(lambda each=each: app.blueprint(each) for each in things))])
""",
    get("/"),
)
case(
    "an empty list of blueprints", 'app.blueprint([])\n@app.get("/")\nasync def a(request): return text("a")', get("/")
)
case(
    "an unknown option at the registration",
    'app.blueprint(Blueprint("bp"), prefix="/x")',
    fails=True,
)
case(
    "the same route in two blueprints",
    """
for name in ("one", "two"):
    bp = Blueprint(name)
    async def show(request): return text("a")
    bp.add_route(show, "/a")
    app.blueprint(bp)
""",
    fails=True,
)
case(
    "a route after the registration",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/a")
async def a(request): return text("a")
app.blueprint(bp)
@bp.get("/late")
async def late(request): return text("late")
@bp.listener("before_server_start")
async def starting(app): event("late start")
@bp.get("/more")
async def more(request): return text("more")
""",
    get("/bp/a"),
    get("/bp/late"),
    get("/bp/more"),
    get("/late"),
)
case(
    "errors of Sanic: middleware added late, or of a blueprint registered twice; messages for bad names",
    TELL
    + """
bp, twice = Blueprint("bp", url_prefix="/bp"), Blueprint("twice")
async def show(request): return text("shown")
async def fail(request): raise ValueError
bp.add_route(fail, "/fail")
twice.add_route(show, "/a")
@twice.on_response
async def mark(request, response): response.headers["x-twice"] = "1"
app.blueprint(bp)
app.blueprint(twice, url_prefix="/one", name_prefix="first")
app.blueprint(twice, url_prefix="/two", name_prefix="second")
@bp.on_response
async def after(request, response): response.headers["x-late"] = "1"
@bp.exception(ValueError)
async def failed(request, exception): return text("late", 418)
@app.get("/names")
async def names(request): return json(tell(lambda: Blueprint(None), lambda: Blueprint(5)))
""",
    get("/bp/fail"),
    get("/two/a"),
    get("/names"),
    differs="blueprints",
)
case(
    "a route of a blueprint kept back",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/a", apply=False)
async def a(request): return text("a")
@bp.get("/b")
async def b(request): return text("b")
app.blueprint(bp)
""",
    get("/bp/a"),
    get("/bp/b"),
    get("/a"),
)
case(
    "listeners of a blueprint in order",
    """
bp = Blueprint("bp", url_prefix="/bp")
for number in (1, 2):
    for moment in ("before_server_start",):
        async def run(app, number=number, moment=moment): event(f"bp {moment} {number}")
        bp.listener(moment)(run)
@app.before_server_start
async def first(app): event("app before_server_start")
app.blueprint(bp)
@app.get("/")
async def root(request): return text("root")
""",
    get("/"),
)
case(
    "a websocket of a blueprint",
    """
bp = Blueprint("bp", url_prefix="/bp", version=1)
@bp.websocket("/ws/<name>")
async def talk(request, ws, name): await ws.send(f"{name} {request.name}")
@bp.on_request
async def before(request): event(f"before {request.path}")
app.blueprint(bp)
""",
    websocket("/v1/bp/ws/ada", replies=1),
    websocket("/bp/ws/ada"),
    get("/v1/bp/none"),
)

# Copies --------------------------------------------------------------------------------------------------------------

COPY = (
    TELL
    + """
bp = Blueprint("bp", url_prefix="/bp", version=1, strict_slashes=False)
@bp.get("/a")
async def a(request): return text(request.name)
@bp.on_request
async def before(request): request.ctx.seen = "before"
@bp.on_response
async def after(request, response): response.headers["x-seen"] = getattr(request.ctx, "seen", "no")
@bp.exception(ValueError)
async def failed(request, exception): return text(f"failed {request.name}", 418)
@bp.get("/fail")
async def fail(request): raise ValueError
"""
)
case(
    "a copy that changes everything",
    COPY
    + """
app.blueprint(bp.copy("new", url_prefix="/new", version=2, version_prefix="/api/", strict_slashes=True))
""",
    *(get(path) for path in ("/api/2/new/a", "/api/2/new/a/", "/api/2/new/fail", "/v1/bp/a", "/v2/new/a")),
)
case(
    "a copy that takes things away",
    COPY + 'app.blueprint(bp.copy("new", url_prefix=None, version=None))',
    *(get(path) for path in ("/a", "/fail", "/bp/a", "/v1/a")),
)
case(
    "a copy beside its original",
    COPY
    + """
app.blueprint(bp)
app.blueprint(bp.copy("new", url_prefix="/new"))
""",
    *(get(path) for path in ("/v1/bp/a", "/v1/new/a", "/v1/bp/fail", "/v1/new/fail")),
)
case(
    "a copy of a registered blueprint is registered",
    COPY
    + """
app.blueprint(bp)
new = bp.copy("new", version=2)
@new.get("/more")
async def more(request): return text(request.name)
@app.get("/blueprints")
async def shown(request): return json(list(app.blueprints))
""",
    *(get(path) for path in ("/v2/bp/a", "/v2/bp/fail", "/v1/bp/more", "/blueprints")),
)
case(
    "a copy of a registered blueprint that is not registered",
    COPY
    + """
app.blueprint(bp)
new = bp.copy("new", version=2, with_registration=False)
@new.get("/more")
async def more(request): return text(request.name)
app.blueprint(new, url_prefix="/other")
""",
    *(get(path) for path in ("/v2/bp/a", "/v2/other/a", "/v2/other/more", "/v1/bp/more")),
)
case(
    "a copy without a new path",
    COPY.split("@bp.on_request")[0] + 'app.blueprint(bp)\napp.blueprint(bp.copy("new"))',
    fails=True,
)
case(
    "a copy that may replace routes",
    COPY + 'app.blueprint(bp)\nbp.copy("new", allow_route_overwrite=True)',
    get("/v1/bp/a"),
    get("/v1/bp/fail"),
)
case("a copy without a name", COPY + "bp.copy()", fails=True)
case("a copy under its own name", COPY + 'app.blueprint(bp)\nbp.copy("bp", version=2)', fails=True)
case(
    "what a copy shares",
    COPY
    + """
bp.ctx.word = "hi"
one, two = bp.copy("one"), bp.copy("two", with_ctx=True)
@app.get("/")
async def show(request):
    return json(tell(lambda: one.ctx, lambda: two.ctx, lambda: one.copied_from, lambda: one.name, lambda: one.version,
                     lambda: one.url_prefix, lambda: one.registered, lambda: one.strict_slashes))
""",
    get("/"),
)
case(
    "a copy of files that are served",
    """
top = folder({"a.txt": "a"})
bp = Blueprint("bp", url_prefix="/bp")
bp.static("/s", top)
app.blueprint(bp)
bp.copy("new", url_prefix="/new")
""",
    fails=True,
)
case(
    "a copy of files, made before",
    """
top = folder({"a.txt": "a"})
bp = Blueprint("bp", url_prefix="/bp")
bp.static("/s", top)
app.blueprint(bp.copy("new", url_prefix="/new"))
""",
    get("/new/s/a.txt"),
    get("/bp/s/a.txt"),
)
