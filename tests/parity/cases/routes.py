"""Registering routes: every keyword of every decorator, hosts, versions, slashes, handlers, and what is refused."""

from tests.parity.case import case
from tests.parity.wire import get, post, request

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")

KEYWORDS = """
def told(request, **given):
    route = request.route
    return text(request.method, headers={{"x-told": " ".join(map(str, [
        request.name, route.name, sorted(route.methods), route.strict, route.unquote, vars(route.ctx), request.version,
        given, request.route.extra.ignore_body, request.route.extra.stream, request.route.extra.static]))}})

@app.{0}("/plain/<x>")
def plain(request, x): return told(request, x=x)
@app.{0}("/named/<x>", name="other", strict_slashes=True, unquote=True, ctx_a=1, ctx_b=None, error_format="json")
async def named(request, x): return told(request, x=x)
@app.{0}("/hosted", "one.test", version=2, version_prefix="/api/")
async def hosted(request): return told(request)
@app.{0}("/flags", host=["two.test", "parity.test:80"], ignore_body=True, ctx_="empty")
async def flags(request): return told(request)
"""
for verb in VERBS:
    upper = verb.upper()
    case(
        f"the keywords of {verb}",
        KEYWORDS.format(verb),
        *(request(upper, f"/plain/{x}") for x in ("a", "a%20b", "a/", "")),
        *(request(upper, f"/named/{x}") for x in ("a", "a%20b", "a/", "")),
        request(upper, "/api/2/hosted", {"host": "one.test"}),
        request(upper, "/api/2/hosted", {"host": "two.test"}),
        request(upper, "/api/hosted", {"host": "one.test"}),
        request(upper, "/flags", {"host": "two.test"}),
        request(upper, "/flags", {"host": "parity.test"}),
        request(upper, "/flags", {"host": "parity.test:80"}),
        request("TRACE", "/plain/a"),
    )

ATTEMPTS = """
told = []
def attempt(number, *registrations):
    # Each on an application of its own, which is closed as at the start of a server: some things are told only then.
    probe = Sanic(f"Probe{{number}}")
    try:
        for register in registrations:
            register(probe)
        probe.router.finalize()
    except Exception as error:
        told.append(f"{{type(error).__name__}}: {{error}}")
    else:
        told.append("fine")

async def h(request, **given): return text("h")
async def w(request, ws): pass
{}
@app.get("/told")
async def tell(request): return text("\\n".join(told))
"""


def attempts(
    name: str, *registrations: str | tuple[str, ...], scrub: tuple[str, ...] = (), differs: str | None = None
) -> None:
    """Add a case that registers things, each on an app of its own, and tells which were refused, and how."""
    lines = ""
    for number, registration in enumerate(registrations):
        calls = (registration,) if isinstance(registration, str) else registration
        lines += f"attempt({number}, {', '.join(f'lambda app: {call}' for call in calls)})\n"
    case(name, ATTEMPTS.format(lines), get("/told"), scrub=scrub, differs=differs)


METHODS = r"\[[A-Z,]+\]"  # in the order of a set

attempts(
    "a path that is not text",
    *(f"app.{verb}({path})(w)" for verb in (*VERBS, "route", "websocket") for path in ("5", "None", "h")),
    differs="decorator-arguments",
)
for verb in (*VERBS, "route", "websocket"):
    attempts(
        f"what {verb} refuses",
        f"app.{verb}('/a', no_such=1)(w)",
        f"app.{verb}('/b', ctx=1)(w)",
        f"app.{verb}('/c')(lambda: 1)",
        f"app.{verb}('/d', version='x')(w)",
        f"app.{verb}('/e', version_prefix='/<p>/v', version=1)(w)",
        f"app.{verb}('/f', error_format='nope')(w)",
        (f"app.{verb}('/g', apply=False)(w)", f"app.{verb}('/g')(w)"),
        (f"app.{verb}('/h')(w)", f"app.{verb}('/h', name='again')(w)"),
        scrub=(r"<lambda>|Sanic\.\w+\(\)|\w+\(\) got",),
    )
attempts(
    "paths that are refused",
    *(
        f"app.add_route(h, {uri!r}, name='n{number}')"
        for number, uri in enumerate(
            (
                "/<x>/<x>",
                "/<x:int>/<x:str>",
                "/<__x>",
                "/<x-y>",
                "/<x y>",
                "/<1x>",
                "/<x:int",
                "/x:int>",
                "/<>",
                "/<:int>",
                "/<x:>",
                "/a<x>",
                "/<x>b",
                "/<x><y>",
                "/<x>.<y>",
                "/a/<x:ext=jpg|tar.gz>",
                "/a/<x:ext=.jpg>",
                "/a/<x:ext=jpg.>",
                "/a/<x:ext=JPG>",
                "/a/<x=path:ext>",
                "/a/<x=[a-z]:ext>",
                "/a/<x=nope:ext>",
            )
        )
    ),
    scrub=(r"Invalid route: .*?\. ",),
)
attempts(
    "expressions that are refused",
    "app.add_route(h, r'/a/<x:(?P<y>[a-z])>', name='a')",
    "app.add_route(h, r'/b/<x:([a-z>', name='b')",
    "app.add_route(h, r'/c/<x:*>', name='c')",
    "app.add_route(h, r'/d/<x:([a-z])([0-9])>')",
    "app.add_route(h, r'/e/<x:(?P<x>[a-z])([0-9])>')",
    ("app.add_route(h, r'/d/<x:[a-z]+>', name='d')", "app.add_route(h, r'/d/<y:[a-z]+>', name='e')"),
    scrub=(r"(PatternE|e)rror: .*",),
)
attempts(
    "methods that are refused",
    "app.add_route(h, '/a', methods=['BREW'], name='a')",
    "app.add_route(h, '/b', methods=[], name='b')",
    "app.add_route(h, '/c', methods=None, name='c')",
    "app.add_route(h, '/e', methods=['get'], name='e')",
    "app.add_route(h, '/f', methods=['TRACE', 'CONNECT'], name='f')",
    "app.route('/i', methods={'GET': 1})(h)",
    scrub=(r"\['[A-Z', ]+'\]\. Must be one of.*",),
)
attempts(
    "methods that are not a list of texts",
    "app.add_route(h, '/d', methods='GET', name='d')",
    "app.add_route(h, '/g', methods=[5], name='g')",
    "app.add_route(h, '/h', methods=5, name='h')",
    scrub=(r"\['[A-Z', ]+'\]\. Must be one of.*",),
    differs="decorator-arguments",
)
for name, first, second, third in (
    ("path", "'/a', name='a'", "'/a', name='b'", "'/a/', name='c'"),
    ("path with a parameter", "'/a/<x>', name='a'", "'/a/<y>', name='b'", "'/a/<x:str>', name='c'"),
    ("typed path", "'/a/<x:int>', name='a'", "'/a/<y:int>/', name='b'", "'/a/<x:str>', name='c'"),
    ("catch-all path", "'/a/<x:path>', name='a'", "'/a/<y:path>', name='b'", "'/a/<y:path>/', name='c'"),
    ("slash, strict", "'/a/', strict_slashes=True, name='a'", "'/a', name='b'", "'/a/', name='c'"),
    ("method", "'/a', ['GET', 'POST'], name='a'", "'/a', ['POST', 'PUT'], name='b'", "'/a', ['PUT'], name='c'"),
    ("host", "'/a', host='x', name='a'", "'/a', host='y', name='b'", "'/a', host=['y', 'z'], name='c'"),
    ("host after none", "'/a', name='a'", "'/a', host='y', name='b'", "'/a', ['PUT'], host='y', name='c'"),
    ("host before none", "'/a', host='y', name='a'", "'/a', name='b'", "'/a', ['PUT'], name='c'"),
    ("version", "'/a', version=1, name='a'", "'/v1/a', name='b'", "'/a', version='1', name='c'"),
    ("name", "'/a', name='a'", "'/b', name='a'", "'/c', name='A'"),
    ("own name", "'/a'", "'/b'", "'/a', ['PUT'], name='h'"),
    ("extension", "'/a/<x:ext=a>', name='a'", "'/a/<x:ext=b>', name='b'", "'/a/<y:ext>', name='c'"),
    ("encoded path", "'/a b', name='a'", "'/a%20b', name='b'", "'/é', name='c'"),
):
    one, two, three = (f"app.add_route(h, {arguments})" for arguments in (first, second, third))
    attempts(f"the same {name} again", (one, two), (one, three), (two, one), (three, two), scrub=(METHODS,))
attempts(
    "a websocket and a handler on one path",
    ("app.add_websocket_route(w, '/a')", "app.add_route(h, '/a', name='b')"),
    ("app.add_websocket_route(w, '/a')", "app.add_route(h, '/a', ['POST'], name='c')"),
    ("app.add_route(h, '/a')", "app.add_websocket_route(w, '/a', name='d')"),
    ("app.add_websocket_route(w, '/a')", "app.add_websocket_route(w, '/a', name='d')"),
    "app.add_websocket_route(lambda request: None, '/e')",
)

HANDLERS = {
    "a function": "def h(request, x): return text('h ' + x)",
    "a coroutine function": "async def h(request, x): return text('h ' + x)",
    "a partial": """
from functools import partial
async def whole(request, a, x): return text(f'{a} {x}')
h = partial(whole, a='given')""",
    "a partial that takes the parameter": """
from functools import partial
def whole(request, x='default'): return text(x)
h = partial(whole, x='bound')""",
    "a callable object": """
class Callable:
    async def __call__(self, request, x): return text('object ' + x)
h = Callable()
h.__name__ = 'h'""",
    "a callable object without a name": """
class Callable:
    def __call__(self, request, x): return text('object ' + x)
h = Callable()""",
    "a bound method": """
class Holder:
    async def answer(self, request, x): return text('method ' + x)
h = Holder().answer""",
    "a static method": """
class Holder:
    @staticmethod
    def answer(request, x): return text('static ' + x)
h = Holder.answer""",
    "a class method": """
class Holder:
    @classmethod
    async def answer(cls, request, x): return text(cls.__name__ + x)
h = Holder.answer""",
    "a lambda": "h = lambda request, x: text('lambda ' + x)",
    "a function that takes anything": "async def h(*args, **given): return json([len(args), given])",
    "a function with a default": "async def h(request, x, y='y'): return text(x + y)",
    "a function with a keyword-only parameter": "async def h(request, *, x): return text(x)",
    "a wrapped function": """
from functools import wraps
def twice(function):
    @wraps(function)
    async def inner(request, *args, **given): return text((await function(request, *args, **given)).body.decode() * 2)
    return inner
@twice
async def h(request, x): return text(x)""",
    "a handler that lacks the parameter": "async def h(request): return text('h')",
    "a handler with a parameter too many": "async def h(request, x, y): return text('h')",
}
for name, source in HANDLERS.items():
    case(
        f"the route has {name}",
        f"{source}\napp.add_route(h, '/a/<x>', name='a')\n",
        get("/a/1"),
        get("/a/%20"),
        get("/a/"),
        post("/a/1", body=b""),
        log_differs="handler-arguments" if name.startswith("a handler") else None,
    )
for name, source in list(HANDLERS.items())[:9]:
    case(
        f"the name of {name}",
        f"{source}\napp.get('/a/<x>')(h)\n@app.get('/names')\nasync def names(request): "
        "return json(sorted(route.name for route in app.router.routes))\n",
        get("/a/1"),
        get("/names"),
        fails="without a name" in name or "partial" in name,
    )

case(
    "several decorators on one handler",
    """
    @app.get("/a", name="a")
    @app.post("/b/<x:int>", name="b")
    @app.route("/c", methods=["PUT", "DELETE"], name="c", version=3)
    async def h(request, x=None): return json([request.method, request.name, x])
    """,
    get("/a"),
    post("/b/5", body=b""),
    post("/b/x", body=b""),
    request("PUT", "/v3/c"),
    get("/v3/c"),
    get("/b/5"),
)
for number, spelling in enumerate(
    ("", "/", "a", "a/", "/a", "//a", "/a//", "a/b", "/a/./b", "/a//b", "/a b", "/a%20b", "/%61", "/ä", "/<x")
):
    case(
        f"spelling {number} of a path, {spelling!r}",
        f"""
@app.get({spelling!r})
async def h(request, **given): return json([request.path, app.url_for("h")])
""",
        *(get(path) for path in ("/", "//", "/a", "/a/", "//a", "/a//", "/a/b", "/a//b", "/a%20b", "/%62", "/%C3%A4")),
        fails=spelling == "/<x",
    )
case(
    "a path that needs no escape, with one in the route, the request or both",
    """
@app.get("/a", name="a")
@app.get("/%62", name="b")
async def h(request): return json([request.path, request.name])
""",
    *(get(path) for path in ("/%61", "/%61/", "/%62")),
    differs="path-spelling",
)
case(
    "a route with an escape that a path does not need",
    """
@app.get("/%62", name="b")
async def h(request): return json([request.path, request.name, app.url_for("b")])
""",
    *(get(path) for path in ("/b", "/b/", "/%2562", "/%2F", "/")),
)
