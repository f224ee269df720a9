"""How a request is made: by the arguments of Sanic's form, and by a request class with an initialiser of its own."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, post, request

case(
    "a request made from bytes",
    """
    @app.get("/")
    async def a(request):
        made = Request(b"/a/b%20c?x=1&x=2&y=", {"Host": "example.org:81", "Cookie": "k=v", "Accept": "text/html"},
                       "1.1", "POST", None, request.app)
        return json([
            made.path, made.query_string, made.raw_url.decode(), made.url, made.host, made.server_name,
            made.server_port, made.method, made.version, dict(made.args), made.query_args, dict(made.cookies),
            str(made.accept), made.ip, made.port, made.socket, made.scheme, made.remote_addr, made.body.decode(),
            made.json, dict(made.form), dict(made.files), made.token, made.route, made.endpoint, made.match_info,
            made.responded, made.transport, type(made.headers).__name__, made.headers["host"],
            made.app is request.app, str(made), made.is_safe, made.content_type,
        ])
    """,
    get("/"),
)
case(
    "a request made by keywords, with a head",
    """
    @app.get("/")
    async def a(request):
        made = Request(url_bytes=b"/x", headers={"a": "b"}, version="2", method="GET", transport=None,
                       app=request.app, head=b"GET /x HTTP/1.1\\r\\nA: b\\r\\nC: d")
        made.body = b"[1, 2]"
        return json([made.head.decode(), made.request_line.decode(), made.raw_headers.decode(), made.json,
                     made.version, made.headers.get("c"), made.headers.get("A")])
    """,
    get("/"),
)
case(
    "bytes that are no URL of a request",
    """
    from sanic.exceptions import BadURL, SanicException

    @app.get("/")
    async def a(request):
        answers = []
        for url in (b"", b"a", b"?a", b"/a b", b"/a\\x00", b"/\\xc3\\xbc", b"host:80", b"http://", b"http://h:99999/",
                    b"/" * 65536, b"*", b"//a", b"/a#b?c", b"http://u:p@h:80/p?q#f", b"/%zz", b"/a??b"):
            try:
                made = Request(url, {}, "1.1", "GET", None, request.app)
                answers.append([made.path, made.query_string, made.raw_url.decode()])
            except SanicException as error:
                answers.append([type(error).__name__, str(error)[:50], error.status_code])
        return json(answers)
    """,
    get("/"),
)
case(
    "arguments that make no request",
    """
    @app.get("/")
    async def a(request):
        answers = []
        for arguments in ((), (b"/",), (b"/", {}, "1.1", "GET"), ("/", {}, "1.1", "GET", None, None),
                          (None, {}, "1.1", "GET", None, None), (b"/", 5, "1.1", "GET", None, None)):
            try:
                answers.append(str(Request(*arguments)))
            except TypeError:
                answers.append("TypeError")
        return json(answers)
    """,
    get("/"),
)
case(
    "attributes of a request that a test sets",
    """
    from types import SimpleNamespace

    @app.get("/")
    async def a(request):
        names = ("stream", "responded", "transport", "head", "raw_url", "version", "method", "app", "route", "body",
                 "parsed_json", "parsed_args", "match_info")
        made = Request(b"/", {}, "1.1", "GET", None, request.app)
        before = made.method
        for name in names:
            setattr(made, name, [name])
        values = [getattr(made, name) == [name] for name in names]
        made = Request(b"/", {}, "1.1", "GET", None, request.app)
        made.conn_info = SimpleNamespace(client_ip="10.0.0.7", client_port=7, peername=("10.0.0.7", 7), ssl=True)
        return json([before, values, made.ip, made.port, made.socket, made.scheme])
    """,
    get("/"),
)
case(
    "a request class with an initialiser in Sanic's form",
    """
    class Mine(Request):
        def __init__(self, url_bytes, headers, version, method, transport, app, head=b"", stream_id=0):
            super().__init__(url_bytes, headers, version, method, transport, app, head, stream_id)
            self.ctx.seen = [url_bytes.decode(), headers.get("x-a"), version, method, app.name]
    app = Sanic("Parity", request_class=Mine)
    @app.route("/a/<b>", methods=["GET", "POST"])
    async def a(request, b):
        return json([request.ctx.seen, b, request.body.decode(), type(request).__name__, request.path,
                     dict(request.args)])
    @app.exception(Exception)
    async def failed(request, error):
        return json([request.ctx.seen, type(request).__name__, getattr(error, "status_code", 500)])
    @app.websocket("/ws")
    async def ws(request, ws):
        await ws.send(" ".join(map(str, request.ctx.seen)))
    """,
    get("/a/b%20c?x=1", headers={"X-A": "1"}),
    post("/a/b", body=b"body"),
    post("/a/b", body=[b"one", b"two"]),
    get("/missing"),
    request("PUT", "/a/b"),
    websocket("/ws"),
)
case(
    "a request class with an initialiser that takes whatever comes",
    """
    class Mine(Request):
        count = 0
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            Mine.count += 1
            self.ctx.number = Mine.count
    app = Sanic("Parity", request_class=Mine)
    @app.post("/")
    async def a(request): return json([request.ctx.number, request.json, request.headers["host"], request.ip])
    """,
    post("/", body=b"[1]"),
    post("/", body=b"[2]"),
)
case(
    "a request class that changes what it passes on",
    """
    class Mine(Request):
        def __init__(self, url_bytes, headers, version, method, transport, app, *args, **kwargs):
            headers["x-added"] = "yes"
            method = headers.get("x-http-method-override", method)
            super().__init__(url_bytes.replace(b"/old", b"/new"), headers, version, method, transport, app,
                             *args, **kwargs)
    app = Sanic("Parity", request_class=Mine)
    @app.put("/new/<x>")
    async def put(request, x): return json(["put", request.method, request.path, x, request.headers["x-added"]])
    @app.post("/new/<x>")
    async def post(request, x):
        return json(["post", request.method, request.url.partition("/new")[2], x, request.headers["x-added"]])
    """,
    post("/old/1?a=b"),
    post("/new/2", headers={"X-HTTP-Method-Override": "PUT"}),
    post("/missing", headers={"X-HTTP-Method-Override": "PUT"}),
)
case(
    "a request class whose initialiser raises",
    """
    class Mine(Request):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            if "fail" in self.headers:
                raise BadRequest("not this one") if self.headers["fail"] == "1" else ValueError("broken")
    app = Sanic("Parity", request_class=Mine)
    @app.get("/")
    async def a(request): return text("fine")
    """,
    get("/"),
    get("/", headers={"fail": "1"}),
    get("/", headers={"fail": "2"}),
    get("/"),
)
case(
    "a request class that receives the body in its own way",
    """
    class Mine(Request):
        async def receive_body(self):
            event("receives", self.route is not None)
            self.body = b"".join([part async for part in self.stream]).upper()
    app = Sanic("Parity", request_class=Mine)
    app.config.REQUEST_MAX_SIZE = 100
    @app.on_request
    async def before(request): event("middleware", request.body.decode()[:10])
    @app.post("/")
    async def a(request): return json([request.body.decode()[:10], request.json])
    @app.post("/stream", stream=True)
    async def b(request): return json([request.body.decode(), await request.stream.read() == b"part"])
    @app.get("/")
    async def c(request): return text(request.body.decode() or "empty")
    """,
    post("/", body=b'["a"]'),
    post("/", body=[b'["one', b'"]']),
    post("/", body=b"no json"),
    post("/", body=b"x" * 200),
    post("/stream", body=b"part"),
    get("/"),
    post("/missing", body=b"x"),
)
case(
    "header fields as attributes",
    """
    @app.get("/")
    async def a(request):
        h = request.headers
        return json([h.foo, h.foo_, h.foo_bar, h.foo_bar_, h.get_, h.nosuch, h.Foo_Bar, hasattr(h, "_foo")])
    """,
    get("/", headers=(("foo", "1"), ("foo", "2"), ("foo-bar", "3"), ("get", "4"))),
    get("/"),
    get("/", headers={"foo_bar": "5", "nosuch-": "6"}),
)
