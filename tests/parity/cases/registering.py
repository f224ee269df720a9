"""Registration: what `apply=False` changes on applications and on blueprints, and which keywords routes take."""

import textwrap

from tests.parity.case import case
from tests.parity.wire import get, post

# Each kind of registration with `apply=False`, and one route that shows what was applied.
UNAPPLIED = """
seen = []
OWNER = SETUP
@OWNER.get("/")
async def show(request):
    if "fail" in request.args:
        raise KeyError("fail")
    await app.dispatch("shop.order.placed", condition=CONDITION)
    return json(seen)
def register():
    @OWNER.route("/route", apply=False)
    async def route(request): return text("route")
    @OWNER.post("/post", apply=False)
    async def post(request): return text("post")
    async def added(request): return text("added")
    OWNER.add_route(added, "/added", apply=False)
    @OWNER.middleware("request", apply=False)
    async def before(request): seen.append("request")
    async def plain(request): seen.append("plain")
    OWNER.middleware(plain, apply=False)
    @OWNER.middleware("response", apply=False)
    async def after(request, response): response.headers["x-after"] = "yes"
    @OWNER.exception(KeyError, apply=False)
    async def failed(request, error): return text("handled", 409)
    @OWNER.listener("before_server_start", apply=False)
    async def start(app): seen.append("start")
    @OWNER.signal("shop.order.placed", apply=False)
    async def placed(**context): seen.append("signal")
    OWNER.static("/file", folder({"f.txt": "file"}) / "f.txt", apply=False)
"""
STEPS = (
    get("/"),
    get("/?fail=1"),
    get("/route"),
    post("/post", body=b""),
    get("/added"),
    get("/file"),
)
KEEP_SIGNAL = """
@app.signal("shop.order.placed")
async def known(**context): seen.append("known")
"""


def unapplied(name: str, setup: str, last: str, condition: str = "None") -> None:
    """Add a case: everything is registered without being applied."""
    source = UNAPPLIED.replace("SETUP", setup).replace("OWNER", "owner").replace("CONDITION", condition)
    case(name, source + KEEP_SIGNAL + textwrap.dedent(last), *STEPS)


unapplied("nothing is applied to an application", "app", "register()")
unapplied(
    "a blueprint keeps what is not applied",
    'Blueprint("bp")',
    "register()\napp.blueprint(owner)",
    '{"__blueprint__": "bp"}',
)
unapplied(
    "a blueprint in a group keeps what is not applied",
    'Blueprint("bp", url_prefix="/")',
    "register()\napp.blueprint(Blueprint.group(owner))",
    '{"__blueprint__": "bp"}',
)
case(
    "a blueprint keeps a signal that is not applied",
    """
    bp = Blueprint("bp")
    seen = []
    @bp.signal("shop.order.placed", apply=False)
    async def placed(**context): seen.append(context)
    @bp.signal("shop.stock.<what>", apply=False, condition={"a": 1})
    async def other(what, **context): seen.append(what)
    @bp.get("/")
    async def show(request):
        await bp.dispatch("shop.order.placed", context={"n": 1})
        await bp.dispatch("shop.stock.lost", condition={"a": 1})
        return json(seen)
    app.blueprint(bp)
    """,
    get("/"),
)
case(
    "a signal that is not applied has an invalid name",
    """
    bp = Blueprint("bp")
    @bp.signal("shop.order.placed.twice", apply=False)
    async def placed(**context): ...
    app.blueprint(bp)
    """,
    fails=True,
)

# Keywords of routes ------------------------------------------------------------------------------------------------

CALLS = {
    "a verb": 'OWNER.get("/x", KEYWORD)(show)',
    "route": 'OWNER.route("/x", KEYWORD)(show)',
    "add_route": 'OWNER.add_route(show, "/x", KEYWORD)',
    "websocket": 'OWNER.websocket("/x", KEYWORD)(talk)',
    "add_websocket_route": 'OWNER.add_websocket_route(talk, "/x", KEYWORD)',
    "static": 'OWNER.static("/x", "/nowhere", KEYWORD)',
}
KEYWORDS = (
    "versoin=1", "ctx=1", "ctx_a=1, ctx_b='b'", "cxt_a=1", "ctx_=3", "uri='/y'", "host=5", "version={}", "version='v2'",
    "name=5", "error_format='pdf'", "error_format=None",
)  # fmt: skip
for owner, setup in {"application": "app", "blueprint": 'Blueprint("bp")'}.items():
    for name, call in CALLS.items():
        calls = [call.replace("OWNER", "owner").replace("KEYWORD", keyword) for keyword in KEYWORDS]
        case(
            f"keywords of {name} on a {owner}",
            f"""
            outcomes = []
            async def show(request): return text("x")
            async def talk(request, ws): ...
            for call in {calls!r}:
                site = Sanic(f"App{{len(outcomes)}}")
                owner = site if {owner == "application"} else {setup}
                try:
                    eval(call)
                    if owner is not site: site.blueprint(owner)
                    routes = [[route.uri, sorted(vars(route.ctx).items())] for route in site.router.routes]
                    outcomes.append([call, "accepted", routes])
                except Exception as error:
                    outcomes.append([call, type(error).__name__])
            app = Sanic("Parity")
            @app.get("/")
            async def told(request): return json(outcomes)
            """,
            get("/"),
        )
case(
    "an application refuses a wrong keyword before the handler comes",
    """
    outcomes = []
    for keywords in ({"versoin": 1}, {"ctx": 1}, {"ctx_label": 1}):
        try: app.get("/x", **keywords); outcomes.append("accepted")
        except TypeError as error: outcomes.append("refused")
    @app.get("/")
    async def show(request): return json(outcomes)
    """,
    get("/"),
)

# Decorators with missing or wrong arguments. Sanic accepts most of the first two cases without a message; the last
# ones fail in both, here with a message that says what to write.
case(
    "decorators without the arguments that they need",
    """
    async def handler(request): return text("answered")
    tried = []
    for name in ("exception", "signal"):
        try:
            getattr(app, name)(handler)
            tried.append(f"{name} accepts a function")
        except TypeError:
            tried.append(f"{name} raises")
    @app.get("/")
    async def show(request): return json(tried)
    """,
    get("/"),
    differs="decorator-arguments",
)
case(
    "middleware decorators with a path or the other location",
    """
    tried = []
    for name, argument in (("on_request", "/path"), ("on_request", "response"), ("on_response", "request")):
        try:
            getattr(app, name)(argument)
            tried.append("accepted")
        except TypeError:
            tried.append("raises")
    @app.get("/")
    async def show(request): return json(tried)
    """,
    get("/"),
    differs="decorator-arguments",
)
case(
    "middleware decorators with their own location, and exceptions as an empty list",
    """
    @app.on_request("request")
    async def before(request): request.ctx.seen = "before"
    @app.on_response("response")
    async def after(request, response): response.headers["x-after"] = "yes"
    @app.exception([])
    async def never(request, error): return text("never")
    @app.get("/")
    async def show(request): return text(request.ctx.seen)
    @app.get("/fail")
    async def fail(request): raise KeyError("fail")
    """,
    get("/"),
    get("/fail"),
)
for number, registration in enumerate(
    (
        'app.route("/", methods="POST")(handler)',
        "app.route(None)(handler)",
        'app.middleware("before")(handler)',
        "app.listener(handler)",
        "app.exception()(handler)",
        'app.before_server_start("startup")(handler)',
    )
):
    case(
        f"an invalid argument of a decorator {number}",
        f"""
        async def handler(request): return text("answered")
        {registration}
        """,
        # The bare listener has Sanic's message; what to write is in a note.
        differs=None if registration == "app.listener(handler)" else "decorator-arguments",
        fails=True,
    )
