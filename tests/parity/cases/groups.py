"""Groups of blueprints, and the scope and order of what blueprints register."""

from tests.parity.case import case
from tests.parity.cases.parts import TELL
from tests.parity.wire import get, head, post, request

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
case(
    "middleware added while the application runs",
    """
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/")
async def a(request): return text("a")
app.blueprint(bp)
@app.get("/add")
async def add(request):
    async def after(request, response): response.headers["x-late"] = "1"
    import asyncio
    # Not before this request is over.
    asyncio.get_running_loop().call_soon(app.register_middleware, after, "response")
    return text("added")
@app.get("/finalize")
async def finalize(request): return text(str(app.finalize_middleware()))
""",
    get("/bp"),
    get("/add"),
    get("/bp"),
    get("/finalize"),
    get("/bp"),
    get("/none"),
)
