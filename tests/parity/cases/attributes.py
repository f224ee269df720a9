"""Attributes and methods of a request, one by one."""

from tests.parity.case import case
from tests.parity.expressions import expressions
from tests.parity.wire import get, post, request

ARGS = ("request.args", "request.query_args", "request.query_string")
BLANK = ("request.get_args(keep_blank_values=True)", "request.get_query_args(keep_blank_values=True)")
STRICT = ("request.get_args(strict_parsing=True)", "request.get_query_args(strict_parsing=True)")
URL = ("request.url", "request.path", "request.raw_url", "request.server_path", "request.query_string")

expressions("args, repeated", ARGS, get("/?a=1&a=2"), get("/?a=2&b=3&a=1"), get("/?a=&a=1"))
expressions("args, spaces", ARGS, get("/?a=1+2"), get("/?a=1%202"), get("/?+a+=+"))
expressions("args, escapes", ARGS, get("/?a=%zz"), get("/?%61=%62"), get("/?a=%00"), get("/?a=%"))
expressions("args, text beyond ASCII", ARGS, get("/?a=%C3%BC"), get("/?a=%FF"), get("/?%F0%9F%98%80=1"))
expressions("args, separators", ARGS, get("/?a=1;b=2"), get("/?&&a=1&&"), get("/?a=b=c"), get("/??a=1"), get("/?=1"))
expressions("args, without values", ARGS, get("/?a"), get("/?a="), get("/?"), get("/"))
expressions("args, with brackets", ARGS, get("/?a[]=1&a[]=2"), get("/?a[b]=1"), get("/?a.b=1"))
expressions(
    "args, many", ["len(request.args)", "len(request.query_args)"], get("/?" + "&".join(f"a{n}=1" for n in range(500)))
)
expressions("get_args, blank values", BLANK, get("/?a=&b"), get("/?&"), get("/?a=1"), get("/"))
expressions("get_args, strict", STRICT, get("/?a=1"), get("/?a"), get("/?a=1&&b=2"), get("/?a="), get("/"))
expressions(
    "get_args, encodings",
    [
        "request.get_args(encoding='latin-1')",
        "request.get_args(errors='strict')",
        "request.get_args(errors='ignore')",
        "request.get_query_args(encoding='latin-1')",
        "request.get_args(encoding='nonsense')",
    ],
    get("/?a=%FC"),
    get("/?a=%C3%BC"),
    get("/?a=1"),
)
expressions(
    "args, what is kept",
    [
        "dict(request.parsed_args)",
        "request.args is request.args",
        "request.query_args is request.query_args",
        "request.get_args(True) is request.get_args(True)",
        "request.get_args(True) is request.args",
        "list(request.parsed_args)",
        "list(request.parsed_not_grouped_args)",
    ],
    get("/?a=1"),
    get("/"),
)
expressions(
    "args, methods",
    [
        "request.args.get('a')",
        "request.args.get('zz')",
        "request.args.get('zz', 5)",
        "request.args.get('a', 5)",
        "request.args.getlist('a')",
        "request.args.getlist('zz')",
        "request.args.getlist('zz', [5])",
        "request.args['a']",
        "request.args['zz']",
        "'a' in request.args",
        "sorted(request.args.items())",
        "request.args.pop('a', None)",
        "request.args.get('a')",
    ],
    get("/?a=1&a=2&b=3"),
    get("/?b=3"),
    get("/"),
)
expressions(
    "request parameters by hand",
    [
        "RequestParameters({'a': ['1', '2']}).get('a')",
        "RequestParameters({'a': ['1', '2']}).getlist('a')",
        "RequestParameters({'a': []}).getlist('a')",
        "RequestParameters().get('a')",
        "RequestParameters().getlist('a')",
        "RequestParameters(a=['1'])",
        "RequestParameters({'a': 'text'}).get('a')",
        "RequestParameters({'a': ['1']}) == {'a': ['1']}",
        "RequestParameters.fromkeys(['a'], ['1'])",
    ],
    before="from sanic.request import RequestParameters",
)
expressions("urls, plain", URL, get("/"), get("/a"), get("/a/b/"), get("/a?b=1"))
expressions("urls, escapes", URL, get("/a%20b"), get("/%2F"), get("/%C3%BC"), get("/a%3Fb?c%20d"), get("/%zz"))
expressions(
    "urls, odd paths", URL, get("/a//b"), get("/a;b=1"), get("/a/../b"), get("/a/./b"), get("/~a"), get("/a:b@c")
)
expressions(
    "urls, hosts", URL, get("/", {"host": "a.test:8080"}), get("/", {"host": "A.Test"}), get("/", {"host": "[::1]:80"})
)
expressions(
    "urls to views",
    [
        "request.url_for('show', path='a')",
        "request.url_for('show', path='a', q=1)",
        "request.url_for('show', path='a', q=[1, 2])",
        "request.url_for('show', path='a', _anchor='x')",
        "request.url_for('show', path='a b')",
        "request.url_for('item', number=5)",
        "request.url_for('item', number='x')",
        "request.url_for('item')",
        "request.url_for('nowhere')",
        "request.url_for('bp.inside')",
    ],
    get("/"),
    get("/", {"host": "a.test:8080"}),
    before="""
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/inside")
async def inside(request): return text("")
app.blueprint(bp)
@app.get("/item/<number:int>")
async def item(request, number): return text("")
""",
)
expressions(
    "methods",
    ["request.method", "request.is_safe", "request.is_idempotent", "request.is_cacheable"],
    get("/"),
    post("/"),
    request("PUT", "/"),
    request("DELETE", "/"),
)
expressions("versions", ["request.version"], get("/"), request("GET", "/", version="1.0"))
expressions(
    "what is not there",
    [
        "request.nonsense",
        "request.ctx.nonsense",
        "request.parsed_json",
        "request.parsed_cookies",
        "request.route.ctx.nonsense",
    ],
    get("/"),
    post("/", json=1),
)
expressions(
    "the context",
    [
        "setattr(request.ctx, 'a', 1)",
        "request.ctx.a",
        "request.ctx.b",
        "type(request.ctx).__name__",
        "request.ctx is request.ctx",
        "vars(request.ctx)",
    ],
)
expressions("as text", ["request", "str(request)"], get("/"), get("/a%20b?c=1"), post("/x"))
expressions(
    "the route",
    [
        "request.endpoint",
        "request.name",
        "request.uri_template",
        "request.route.name",
        "request.match_info",
        "sorted(request.route.methods)",
        "request.route is not None",
        "request.app.name",
    ],
    get("/"),
    get("/a/b"),
    post("/a"),
)
case(
    "the route, in handlers of errors and middleware",
    """
    def told(request):
        return [request.name, request.endpoint, request.uri_template, request.match_info, request.route is None]
    @app.on_request
    async def before(request): request.ctx.before = told(request)
    @app.exception(Exception)
    async def failed(request, error): return json([type(error).__name__, told(request), request.ctx.before])
    @app.get("/<x:int>", name="one")
    async def a(request, x): raise ValueError
    """,
    get("/1"),
    get("/a"),
    post("/1"),
    get("/"),
)
expressions(
    "json, read and kept",
    ["request.json", "request.json is request.json", "request.parsed_json", "request.load_json()", "request.body"],
    post("/", json={"a": [1]}),
    post("/", body=b""),
    post("/", body=b"null"),
    post("/", body=b"nonsense"),
)
expressions(
    "json, numbers",
    ["request.json"],
    *(
        post("/", body=text)
        for text in (b"0", b"-1", b"1.5", b"1e3", b"123456789012345678901234567890", b"0.1", b"-0.0")
    ),
)
expressions(
    "json, text",
    ["request.json"],
    *(
        post("/", body=text)
        for text in (b'"a"', b'"\\u00fc"', '"ü"'.encode(), b'"\\n\\t\\""', b'"\\/"', b'""', b'"\\ud83d\\ude00"')
    ),
)
expressions(
    "json, malformed",
    ["request.json"],
    *(
        post("/", body=text)
        for text in (b"{", b"]", b"{'a': 1}", b"[1,]", b"tru", b'"open', b"{1: 2}", b"[1 2]", b"\xff", b"+1", b".5")
    ),
)
expressions(
    "json, deep",
    ["len(str(request.json))"],
    post("/", body=b"[" * 500 + b"]" * 500),
    post("/", body=b'{"a":' * 100 + b"1" + b"}" * 100),
)
expressions(
    "the body",
    ["request.body", "type(request.body).__name__"],
    get("/"),
    post("/", body=b"x"),
    post("/", body=[b"x", b"y"]),
    post("/", body=b"\x00\xff"),
)
expressions(
    "a body that the handler sets",
    ["setattr(request, 'body', b'[2]')", "request.body", "request.json"],
    post("/", body=b"[1]"),
    get("/"),
)
case(
    "receive_body and the stream",
    """
    @app.post("/whole", stream=True)
    async def whole(request):
        before = request.body
        await request.receive_body()
        return json([before.decode() if before else None, request.body.decode(), request.json])
    @app.post("/parts", stream=True)
    async def parts(request):
        found = b""
        async for part in request.stream: found += part
        return json([found.decode(), await request.stream.read()])
    @app.post("/reads", stream=True)
    async def reads(request):
        found = []
        while (part := await request.stream.read()) is not None: found.append(part)
        return json([b"".join(found).decode()])
    """,
    *(post(path, body=body) for path in ("/parts", "/reads") for body in (b"[1]", [b"[1", b"]"])),
    post("/parts", body=b""),
)
case(
    "the current request",
    """
    import asyncio
    async def below(): return Request.get_current().path
    def beneath(): return Request.get_current().path
    @app.get("/<x>")
    async def a(request, x):
        task = asyncio.create_task(below())
        return json([Request.get_current() is request, await below(), await task, beneath(),
                     await asyncio.get_running_loop().run_in_executor(None, lambda: 1)])
    @app.on_response
    async def after(request, response): response.headers["x-path"] = Request.get_current().path
    try:
        Request.get_current()
    except Exception as error:
        outside = f"{type(error).__name__}: {error}"
    @app.get("/outside/it")
    async def b(request): return text(outside)
    """,
    get("/1"),
    get("/2"),
    get("/outside/it"),
)
case(
    "a request class with a context of its own",
    """
    class Context:
        def __init__(self): self.count = 0
    class Mine(Request):
        @staticmethod
        def make_context(): return Context()
        @property
        def doubled(self): return self.ctx.count * 2
    app = Sanic("Parity", request_class=Mine)
    @app.on_request
    async def before(request): request.ctx.count += 1
    @app.get("/")
    async def a(request):
        return json([request.ctx.count, request.doubled, type(request.ctx).__name__, type(request).__name__])
    @app.exception(NotFound)
    async def missing(request, error): return json([request.ctx.count, type(request).__name__])
    """,
    get("/"),
    get("/"),
    get("/missing"),
)
case(
    "a request class that is set later",
    """
    class Mine(Request):
        kind = "mine"
    app.request_class = Mine
    @app.get("/<x:int>")
    async def a(request, x): return json([x, request.kind, type(request).__name__, app.request_class is Mine])
    @app.exception(NotFound)
    async def missing(request, error): return json([request.kind, app.request_class.__name__])
    """,
    get("/1"),
    get("/1"),
    get("/missing"),
)
case(
    "a request class that extends methods",
    """
    class Mine(Request):
        def get_args(self, *args, **options):
            found = super().get_args(*args, **options)
            return {"n": len(found)}
        @property
        def json(self): return {"wrapped": super().json}
        @classmethod
        def generate_id(cls, *_): return "id"
    app = Sanic("Parity", request_class=Mine)
    @app.route("/", methods=["GET", "POST"])
    async def a(request): return json([request.json, request.id, request.get_args()])
    """,
    post("/?a=1", body=b"[1]"),
    get("/"),
    get("/", {"x-request-id": "5"}),
    post("/", body=b"nonsense"),
)
expressions(
    "the connection",
    [
        "request.conn_info is request.conn_info",
        "request.conn_info.ssl",
        "request.conn_info.client_ip",
        "request.conn_info.server == f'127.0.0.1:{request.conn_info.server_port}'",
        "request.conn_info.client",
        "request.conn_info.client_port == request.port",
        "request.conn_info.peername[:1]",
        "request.conn_info.server_port == request.conn_info.sockname[1]",
        "request.conn_info.lost",
        "request.conn_info.cert",
        "vars(request.conn_info.ctx)",
        "request.ip",
        "request.socket == (request.ip, request.port)",
        "request.protocol.conn_info is request.conn_info",
        "request.protocol.app is request.app",
        "request.protocol.request_max_size",
        "request.transport.get_extra_info('peername') == (request.ip, request.port)",
        "request.transport.get_extra_info('nonsense', 5)",
        "request.transport.get_protocol() is request.protocol",
    ],
    get("/"),
    get("/", {"x-forwarded-for": "1.2.3.4"}),
)
case(
    "responded",
    """
    @app.get("/")
    async def a(request):
        before = request.responded
        response = await request.respond(content_type="text/plain")
        await response.send(f"{before} {request.responded} ")
        await response.send(str(request.responded), end_stream=True)
    @app.get("/plain")
    async def b(request): return text(str(request.responded))
    @app.get("/reset")
    async def c(request):
        await request.respond(text("first"))
        request.reset_response()
        return text("second")
    """,
    get("/"),
    get("/plain"),
    get("/reset"),
)
expressions(
    "the head as bytes",
    [
        "request.request_line",
        "request.head.lower().startswith(request.request_line.lower())",
        "[line for line in request.head.lower().split(b'\\r\\n') if line.startswith(b'x-')]",
        "request.head.endswith(b'\\r\\n')",
        "[request.network_paths, request.conn_info.network_paths]",
    ],
    get("/", headers=[("X-A", "1"), ("x-b", "\xe4")]),
    get("/a%20b/%C3%BC?q=%zz&q=1", headers=[("x-a", "1"), ("x-a", "2")]),
    post("//a", body=b"x"),
    request("DELETE", "/a?b"),
)
case(
    "attributes that are set",
    """
    from copy import copy

    @app.on_request
    async def change(request):
        name = request.args.get("set")
        if name == "app":
            request.app = other
        elif name == "route":
            request.route = None
        elif name == "version":
            request.version = "9"
        elif name == "conn_info":
            request.conn_info = copy(request.conn_info)
            request.conn_info.ctx = "own"
        elif name:
            setattr(request, name, None)

    other = Sanic("Another")

    @app.get("/")
    async def tell(request):
        return json([request.app.name, request.route is None, request.version, request.conn_info.ctx == "own"])
    """,
    *(get(f"/?set={name}") for name in ("app", "route", "version", "conn_info", "ctx", "path")),
    get("/"),
)
