"""What the handlers of events and middleware may change, and what of it reaches the routing and the handler."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, post

SHOW = """
async def show(request, **values):
    return json({"values": sorted(values.items()), "info": sorted(request.match_info.items()), "name": request.name,
                 "method": request.method, "body": request.body.decode()})
async def strict(request): return text("strict")
def plain(request, eng="none"): return text(eng)
class Called:
    async def __call__(self, request, eng="none"): return text(eng)
app.add_route(show, "/", name="root")
app.add_route(show, "/p/<a>", name="p")
app.add_route(show, "/n/<a:int>/<b>", name="n")
app.add_route(show, "/post", methods=["POST"], name="post")
app.add_route(show, "/both", name="both_get")
app.add_route(show, "/both", methods=["POST"], name="both_post")
app.add_route(show, "/host", host="shop.test", name="host")
app.add_route(strict, "/strict")
app.add_route(plain, "/plain")
app.add_route(Called(), "/called", name="called")
bp = Blueprint("bp", url_prefix="/bp")
bp.add_route(plain, "/plain")
app.blueprint(bp)
@app.exception(Exception)
async def failed(request, error):
    values = sorted(request.match_info.items()) if request.route else None
    return json([type(error).__name__, values, request.name], 500)
"""
STEPS = (
    get("/"),
    get("/p/1"),
    get("/n/1/2"),
    get("/strict"),
    get("/plain"),
    get("/called"),
    get("/bp/plain"),
    get("/post"),
    get("/both"),
    post("/both", body=b"sent"),
    get("/host"),
    get("/nowhere"),
)
CHANGES = {
    "a parameter is added": 'request.match_info["eng"] = "x"',
    "parameters are replaced": 'request.match_info = {"eng": "x"}',
    "a parameter is changed": 'request.match_info.update({"a": "y"} if request.match_info else {})',
    "a parameter is taken away": 'request.match_info.pop("a", None)',
    "the method is changed": 'request.method = "POST"',
    "the host is changed": 'request.headers["host"] = "shop.test"',
    "the body is set": 'request.body = b"set"',
    "an exception is raised": "raise ValueError",
}
EVENTS = (
    *("http.lifecycle.request", "http.lifecycle.handle", "http.routing.before", "http.routing.after"),
    *("http.handler.before", "http.middleware.before"),
)

for event in EVENTS:
    for name, change in CHANGES.items():
        source = f'{SHOW}\n@app.signal("{event}")\nasync def hook(request, **context): {change}\n'
        if "middleware" in event:
            source += "@app.on_request\nasync def nothing(request): pass\n"
        case(f"{event}, {name}", source, *STEPS)

for name, change in CHANGES.items():
    case(f"middleware, {name}", f"{SHOW}\n@app.on_request\nasync def hook(request): {change}\n", *STEPS)
    named = f"{SHOW}\n@bp.on_request\nasync def hook(request): {change}\n".replace("app.blueprint(bp)\n", "")
    case(f"middleware of a blueprint, {name}", f"{named}\napp.blueprint(bp)\n", get("/"), get("/p/1"), get("/bp/plain"))

for event in ("http.lifecycle.handle", "http.routing.before", "http.routing.after", "http.handler.before"):
    case(
        f"{event}, the body is read",
        f"""
        app.config.REQUEST_MAX_SIZE = 20_000
        @app.signal("{event}")
        async def hook(request, **context): await request.receive_body()
        @app.post("/")
        async def show(request): return text(request.body.decode())
        @app.post("/stream", stream=True)
        async def streamed(request): return text(request.body.decode() + str([part async for part in request.stream]))
        @app.get("/")
        async def root(request): return text("root" + request.body.decode())
        """,
        post("/", body=b"sent"),
        post("/"),
        post("/stream", body=b"sent"),
        get("/"),
        post("/", body=b"x" * 30_000),
        post("/nowhere", body=b"x" * 30_000),
    )

case(
    "http.routing.before, all events once",
    """
    for name in ("http.lifecycle.request", "http.lifecycle.handle", "http.routing.before", "http.routing.after",
                 "http.handler.before", "http.lifecycle.response"):
        @app.signal(name)
        async def tell(name=name, **context): event(name)
    @app.signal("http.routing.before")
    async def hook(request): request.method = "PUT"
    @app.put("/a")
    async def a(request): return text(request.method)
    @app.get("/b")
    async def b(request): return text(request.method)
    """,
    get("/a"),
    get("/b"),
    get("/c"),
)
case(
    "http.routing, parameters of a websocket",
    """
    @app.signal("http.routing.before")
    async def lost(request): request.match_info["lost"] = 1
    @app.signal("http.routing.after")
    async def added(request, **context): request.match_info["eng"] = "x"
    @app.websocket("/ws")
    async def talk(request, ws, **values): await ws.send(str(values))
    @app.websocket("/ws/<a>")
    async def talk_of(request, ws, **values): await ws.send(str(values))
    """,
    websocket("/ws"),
    websocket("/ws/1"),
)
