"""Blueprints in detail: arguments, copies, several applications, groups, scope and order of what they register."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, head, post, request

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
    "a dot": '"a.b"',
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
    "what Sanic gets wrong: middleware added late, or of a blueprint registered twice; words for bad names",
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
    for moment in ("before_server_start", "after_server_start"):
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

# Groups --------------------------------------------------------------------------------------------------------------

GROUP = (
    TELL
    + """
from sanic.blueprints import BlueprintGroup
def made(name, **options):
    bp = Blueprint(name, url_prefix=f"/{name}", **options)
    @bp.get("/")
    async def show(request): return text(f"{request.name} {request.uri_template}")
    return bp
one, two, three = made("one"), made("two", version=2), made("three", version_prefix="/api/")
"""
)
case(
    "a group as a sequence",
    GROUP
    + """
group = Blueprint.group(one, two)
group.append(three)
group.insert(0, four := made("four"))
del group[1]
group[0] = four
@app.get("/")
async def show(request):
    return json(tell(lambda: [each.name for each in group], lambda: len(group), lambda: group[-1].name,
                     lambda: one in group, lambda: group.index(two), lambda: [each.name for each in group[:2]],
                     lambda: group.pop().name, lambda: [each.name for each in reversed(group)], lambda: group[7],
                     lambda: [each.name for each in group.blueprints], lambda: group.remove(three),
                     lambda: group.extend([one]), lambda: group.count(one), lambda: group.clear(), lambda: len(group)))
app.blueprint(group)
""",
    get("/v2/two/"),
    get("/four/"),
    get("/one/"),
    get("/"),
)
case(
    "what a group refuses",
    GROUP
    + """
group = Blueprint.group(one)
def assign(index, value): group[index] = value
@app.get("/")
async def show(request):
    return json(tell(lambda: assign(0, "x"), lambda: assign(slice(0, 1), 5), lambda: assign(0, None),
                     lambda: len(Blueprint.group()), lambda: isinstance(group, BlueprintGroup)))
""",
    get("/"),
)
for label, what in {"text": '"x"', "a number": "5"}.items():
    case(f"{label} in a group", GROUP + f"app.blueprint(Blueprint.group(one, {what}))", fails=True)
case(
    "attributes of a group",
    GROUP
    + """
group = Blueprint.group(one, [two, [three]], url_prefix="/g", version=3, strict_slashes=True, version_prefix="/x",
                        name_prefix="pre")
@app.get("/")
async def show(request):
    return json(tell(lambda: group.url_prefix, lambda: group.version, lambda: group.strict_slashes,
                     lambda: group.version_prefix, lambda: group.name_prefix, lambda: len(group),
                     lambda: Blueprint.group(one).url_prefix, lambda: Blueprint.group(one).name_prefix))
""",
    get("/"),
)
case(
    "a group's version and prefix",
    GROUP + 'app.blueprint(Blueprint.group(one, two, three, url_prefix="/g", version=5, version_prefix="/w"))',
    *(get(path) for path in ("/w5/g/one", "/w2/g/two", "/api/5/g/three", "/v5/g/one", "/g/one")),
)
case(
    "groups in groups, versions from outside in",
    GROUP
    + """
inner = Blueprint.group(one, two, url_prefix="/inner", version=8)
outer = Blueprint.group(inner, three, url_prefix="/outer", version=9, version_prefix="/o")
app.blueprint(outer, url_prefix="/top")
""",
    *(get(path) for path in ("/o8/top/outer/inner/one", "/o2/top/outer/inner/two", "/api/9/top/outer/three")),
    *(get(path) for path in ("/v8/outer/inner/one", "/o9/top/outer/inner/one", "/outer/inner/one")),
)
case(
    "three levels of groups",
    GROUP
    + """
a = Blueprint.group(one, url_prefix="a")
b = Blueprint.group(a, two, url_prefix="/b/")
c = Blueprint.group(b, three, url_prefix="/c", strict_slashes=True)
app.blueprint(c)
""",
    *(get(path) for path in ("/c/b/a/one", "/c/b/a/one/", "/v2/c/b/two/", "/c/three/", "/c/three")),
)
case(
    "a group with a parameter in its prefix",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/<n:int>")
async def show(request, tenant, n): return json([tenant, n])
app.blueprint(Blueprint.group(bp, url_prefix="/<tenant:str>"))
""",
    get("/x/bp/1"),
    get("/x/bp/y"),
    get("/bp/1"),
)
case(
    "name prefixes of groups",
    GROUP
    + """
inner = Blueprint.group(one, url_prefix="/i", name_prefix="in")
app.blueprint(Blueprint.group(inner, two, url_prefix="/o", name_prefix="out"))
""",
    get("/o/i/one"),
    get("/v2/o/two"),
    get("/one"),
)
case(
    "one blueprint in two groups",
    GROUP
    + """
app.blueprint(Blueprint.group(one, url_prefix="/a", name_prefix="a"))
app.blueprint(Blueprint.group(one, two, url_prefix="/b", name_prefix="b"))
""",
    get("/a/one"),
    get("/b/one"),
    get("/one"),
)
case(
    "one blueprint in two groups of one name",
    GROUP
    + """
app.blueprint(Blueprint.group(one, url_prefix="/a"))
app.blueprint(Blueprint.group(one, two, url_prefix="/b"))
""",
    get("/b/one"),
    fails=True,
)
case(
    "exceptions of a group",
    GROUP
    + """
group = Blueprint.group(one, Blueprint.group(two, url_prefix="/in"), url_prefix="/g")
@group.exception(NotFound, ValueError)
async def failed(request, exception): return text(f"group {type(exception).__name__}", 418)
@one.get("/fail")
async def fail(request): raise ValueError
@two.get("/fail")
async def fail2(request): raise NotFound("x")
@app.get("/fail")
async def fail3(request): raise ValueError
app.blueprint(group)
""",
    *(get(path) for path in ("/g/one/fail", "/v2/g/in/two/fail", "/fail", "/g/one/none")),
)
case(
    "middleware of a group, all ways",
    GROUP
    + """
group = Blueprint.group(one, Blueprint.group(two))
@group.middleware
async def a(request): request.ctx.seen = ["a"]
@group.middleware("request")
async def b(request): request.ctx.seen.append("b")
@group.on_request
async def c(request): request.ctx.seen.append("c")
@group.on_response
async def d(request, response): response.headers["x-seen"] = "".join(request.ctx.seen) + "d"
@group.middleware("response")
async def e(request, response): response.headers["x-e"] = str(response.headers.get("x-seen"))
@app.get("/bare")
async def bare(request): return text("bare")
app.blueprint(group)
""",
    get("/one/"),
    get("/v2/two/"),
    get("/bare"),
)

# Scope and order -----------------------------------------------------------------------------------------------------

NOTE = """
def note(name, answer=None):
    async def middleware(request, response=None):
        request.ctx.seen = getattr(request.ctx, "seen", []) + [name]
        if response is not None:
            response.headers["x-seen"] = " ".join(request.ctx.seen)
        if answer and answer in request.args:
            return text(f"answered by {name}")
    return middleware
bp, other = Blueprint("bp", url_prefix="/bp"), Blueprint("other", url_prefix="/other")
async def show(request): return json(request.ctx.seen)
for each in (bp, other, app):
    each.add_route(show, "/", name="show")
"""
for label, bp_first in (("before", True), ("after", False)):
    lines = ['app.middleware(note("app"), "request")', 'app.middleware(note("app-after"), "response")']
    own = ['bp.middleware(note("bp"), "request")', 'bp.middleware(note("bp-after"), "response")', "app.blueprint(bp)"]
    case(
        f"a blueprint's middleware defined {label} the app's",
        NOTE + "\n".join(own + lines if bp_first else lines + own) + "\napp.blueprint(other)",
        get("/bp"),
        get("/other"),
        get("/"),
        get("/bp/none"),
    )
case(
    "middleware of app and blueprint, defined in turns",
    NOTE
    + """
bp.middleware(note("b1"), "request")
app.middleware(note("a1"), "request")
other.middleware(note("o1"), "request")
bp.middleware(note("b2"), "request")
app.middleware(note("a2"), "request")
other.middleware(note("o2"), "response")
bp.middleware(note("b3"), "response")
app.middleware(note("a3"), "response")
bp.middleware(note("b4"), "response")
app.middleware(note("a4"), "response")
app.blueprint(other)
app.blueprint(bp)
""",
    get("/bp"),
    get("/other"),
    get("/"),
)
case(
    "priorities of a blueprint's middleware",
    NOTE
    + """
bp.on_request(note("b0"), priority=0)
app.on_request(note("a5"), priority=5)
bp.on_request(note("b9"), priority=9)
app.on_request(note("a1"), priority=1)
bp.on_request(note("b-1"), priority=-1)
bp.on_response(note("B0"))
app.on_response(note("A5"), priority=5)
bp.on_response(note("B9"), priority=9)
app.on_response(note("A-1"), priority=-1)
app.blueprint([bp, other])
""",
    get("/bp"),
    get("/other"),
    get("/"),
)
case(
    "who answers first",
    NOTE
    + """
app.middleware(note("a1"), "request")
bp.middleware(note("b1", "b"), "request")
app.middleware(note("a2", "a"), "request")
bp.middleware(note("after"), "response")
app.blueprint([bp, other])
""",
    *(get(path) for path in ("/bp?a=1", "/bp?b=1", "/bp?a=1&b=1", "/other?b=1", "/other?a=1")),
)
case(
    "middleware of a blueprint without routes",
    """
bp = Blueprint("bp")
@bp.on_request
async def before(request): return text("from the blueprint")
app.blueprint(bp)
@app.get("/")
async def root(request): return text("root")
""",
    get("/"),
    get("/none"),
    post("/", body=b"x"),
)
case(
    "exceptions in a blueprint's middleware",
    NOTE
    + """
@bp.on_request
async def broken(request): raise ValueError("broken")
@bp.exception(ValueError)
async def mine(request, exception): return text(f"bp {exception}", 418)
@app.exception(ValueError)
async def general(request, exception): return text(f"app {exception}", 419)
@other.on_request
async def worse(request): raise ValueError("worse")
app.blueprint([bp, other])
""",
    get("/bp"),
    get("/other"),
    get("/"),
)
case(
    "exceptions of blueprints, by class and base",
    """
class Mine(SanicException): status_code = 409
one, two = Blueprint("one", url_prefix="/one"), Blueprint("two", url_prefix="/two")
for bp in (one, two):
    @bp.get("/<what>")
    async def fail(request, what): raise {"mine": Mine, "key": KeyError, "value": ValueError}[what]("told")
one.exception(LookupError)(lambda request, exception: text("one lookup", 418))
one.exception([Mine, ValueError])(lambda request, exception: text("one mine", 418))
two.exception(Exception)(lambda request, exception: text("two all", 418))
app.exception(Mine)(lambda request, exception: text("app mine", 419))
app.blueprint([one, two])
""",
    *(get(f"/{bp}/{what}") for bp in ("one", "two") for what in ("mine", "key", "value", "other")),
)
case(
    "methods of a blueprint's routes",
    """
bp = Blueprint("bp", url_prefix="/bp")
async def show(request): return text(request.method)
for method in ("get", "post", "put", "patch", "delete", "head", "options"):
    getattr(bp, method)(f"/{method}", name=method)(show)
bp.add_route(show, "/two", methods=["GET", "POST"])
app.blueprint(bp)
""",
    get("/bp/get"),
    post("/bp/post", body=b""),
    *(request(method, f"/bp/{method.lower()}") for method in ("PUT", "PATCH", "DELETE", "OPTIONS")),
    head("/bp/head"),
    head("/bp/get"),
    get("/bp/post"),
    request("PUT", "/bp/two"),
)
case(
    "the order of definition",
    """
bp = Blueprint("bp", url_prefix="/bp")
for number in range(20):
    async def show(request, x, number=number): return text(f"{number}")
    bp.add_route(show, f"/r{number}/<x:int>", name=f"r{number}")
app.blueprint(bp)
@app.get("/names")
async def names(request): return json(sorted(each.name for each in app.router.routes))
""",
    get("/bp/r7/1"),
    get("/bp/r19/x"),
    get("/names"),
)
