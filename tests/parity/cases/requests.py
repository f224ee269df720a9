"""What a handler reads from a request: arguments, forms, files, JSON, cookies, headers, credentials, addresses."""

from tests.parity.case import case
from tests.parity.wire import get, part, post, request

case(
    "query arguments",
    """
    @app.get("/")
    async def a(request):
        return json({
            "args": dict(request.args), "a": request.args.get("a"), "missing": request.args.get("zz", "dflt"),
            "list": request.args.getlist("a"), "nolist": request.args.getlist("zz"), "qs": request.query_string,
            "qargs": request.query_args, "has": "a" in request.args, "type": type(request.args).__name__})
    """,
    get("/"),
    get("/?a=1"),
    get("/?a=1&a=2&b=3"),
    get("/?a=&b"),
    get("/?a=%20x+y&b=%C3%A9"),
    get("/?a=%zz&b=%"),
    get("/?a=%FF"),
    get("/?a=1;b=2"),
    get("/?a=b=c&&d=e&=f"),
    get("/?a[]=1&a[]=2"),
    get("/?%61=1"),
    get("/?a=1#b=2"),
)
case(
    "get_args and get_query_args",
    """
    @app.get("/")
    async def a(request):
        return json([dict(request.get_args(keep_blank_values=True)), request.get_query_args(keep_blank_values=True),
                     dict(request.args), request.query_args])
    @app.get("/strict")
    async def b(request):
        return json(dict(request.get_args(strict_parsing=True)))
    """,
    get("/?a=&b=1"),
    get("/"),
    get("/strict?a=1"),
    get("/strict?a"),
)
case(
    "args and query_args of a request class with its own get_args and get_query_args",
    """
    class Upper(Request):
        def get_args(self, *args, **kwargs):
            return {name.upper(): values for name, values in super().get_args(*args, **kwargs).items()}
        def get_query_args(self, *args, **kwargs):
            return [(name.upper(), value) for name, value in super().get_query_args(*args, **kwargs)]
    app = Sanic("Parity", request_class=Upper)
    @app.get("/own-first")
    async def a(request):
        return json([request.get_args(), request.args, request.args, request.get_query_args(), request.query_args])
    @app.get("/attribute-first")
    async def b(request):
        return json([request.args, request.args, request.get_args(), request.query_args, request.get_query_args()])
    """,
    get("/own-first?a=1&b=2"),
    get("/attribute-first?a=1&b=2"),
    get("/attribute-first"),
    get("/own-first?a=%zz&&=1"),
)
case(
    "urlencoded form",
    """
    @app.post("/")
    async def a(request):
        return json({"form": dict(request.form), "a": request.form.get("a"), "list": request.form.getlist("a"),
                     "files": dict(request.files)})
    """,
    post("/", form={"a": "1", "b": "ü"}),
    post("/", form=[("a", "1"), ("a", "2"), ("b", "")]),
    post("/", {"content-type": "application/x-www-form-urlencoded"}, b"a=%zz&b=%FF&c"),
    post("/", {"content-type": "application/x-www-form-urlencoded"}, b""),
    post("/", {"content-type": "text/plain"}, b"a=1"),
    post("/", body=b"a=1"),
    post("/", json={"a": 1}),
)
case(
    "multipart form and files",
    """
    @app.post("/")
    async def a(request):
        files = {name: [[f.name, f.type, f.body.decode("latin-1")] for f in several]
                 for name, several in request.files.items()}
        return json({"form": dict(request.form), "files": files})
    """,
    post("/", parts=[part("a", "1"), part("b", "ü")]),
    post("/", parts=[part("a", "1"), part("a", "2")]),
    post("/", parts=[part("f", "content", "a.txt", {"content-type": "text/plain"})]),
    post("/", parts=[part("f", b"\x00\xff\r\n", "a.bin", {"content-type": "application/octet-stream"})]),
    post("/", parts=[part("f", "one", "1.txt"), part("f", "two", "2.txt"), part("x", "y")]),
    post("/", parts=[part("f", "", "empty.txt")]),
    post("/", parts=[part("f", "no name", "")]),
    post("/", parts=[part("f", "unicode", "ü.txt")]),
    post("/", parts=[part("f", "path", "../../etc/passwd")]),
    post("/", parts=[part("a", '{"x": 1}', headers={"content-type": "application/json"})]),
    post("/", parts=[part("a", "caf\xe9".encode("latin-1"), headers={"content-type": "text/plain; charset=latin-1"})]),
    post("/", parts=[]),
)
case(
    "multipart, quoted boundary, capitals and unusual spacing",
    """
    @app.post("/")
    async def a(request): return json([dict(request.form), [[f.name, len(f.body)] for f in request.files.getlist("f")]])
    """,
    post(
        "/",
        {"content-type": 'multipart/form-data; boundary="x y"'},
        b'--x y\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nabc\r\n--x y--\r\n',
    ),
    post(
        "/",
        {"content-type": "Multipart/Form-Data; charset=utf-8; boundary=x"},
        b'--x\r\nCONTENT-DISPOSITION:form-data;name="a"\r\n\r\nabc\r\n--x--\r\n',
    ),
    post("/", {"content-type": "multipart/form-data; boundary=x"}, b""),
)
case(
    "multipart, boundaries that are written wrongly",
    """
    @app.post("/")
    async def a(request):
        return json([[f.name, f.type, len(f.body)] for several in request.files.values() for f in several])
    """,
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=------X"},
        b'------X\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\n\r\n------X--',
    ),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=--X"},
        b'--X\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\n\r\n'
        b'--X\r\ncontent-disposition: form-data; name="g"; filename="b.txt"\r\n\r\n\r\n--X--\r\n',
    ),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=X"},
        b'--X\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\nabc\r\n--X\r\n',
    ),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=X"},
        b'--X\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\nabc\r\n--X',
    ),
    *(
        post(
            "/",
            # Its bytes are UTF-8, as in the body.
            {"content-type": f'multipart/form-data; boundary="{boundary}"'.encode().decode("latin-1")},
            f'--{boundary}\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\n'
            f"abc\r\n--{boundary}--".encode(),
        )
        for boundary in ("\u00e9", "\u65e5")
    ),
)
case(
    "forms that Sanic loses",
    """
    @app.post("/")
    async def a(request): return json([dict(request.form), [[f.name, len(f.body)] for f in request.files.getlist("f")]])
    """,
    post("/", {"content-type": "application/x-www-form-urlencoded"}, b"a=\xff"),
    post("/", {"content-type": "multipart/form-data"}, b"--x\r\n\r\n--x--\r\n"),
    post("/", {"content-type": "multipart/form-data; boundary=x"}, b"nothing like it"),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=x"},
        b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\ncut off',
    ),
    post("/", {"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nno-disposition: 1\r\n\r\nabc\r\n--x--\r\n"),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=--x"},
        b'--x\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\nabc\r\n--x--\r\n',
    ),
    post("/", parts=[part("f", "quoted", 'a\\"b.txt')]),
    post(
        "/",
        {"content-type": "multipart/form-data; boundary=x"},
        b"--x\r\ncontent-disposition: form-data; name=\"f\"; filename*=UTF-8''%e2%82%ac.txt\r\n\r\nabc\r\n--x--\r\n",
    ),
    differs="malformed-forms",
)
case(
    "blanks after the boundaries of a form",
    """
    @app.post("/")
    async def a(request): return json([dict(request.form), [[f.name, len(f.body)] for f in request.files.getlist("f")]])
    """,
    *(
        post(
            "/",
            {"content-type": "multipart/form-data; boundary=x"},
            b"--x"
            + first
            + b'\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x'
            + between
            + b'\r\ncontent-disposition: form-data; name="f"; filename="a.txt"\r\n\r\nabc\r\n--x--\r\n',
        )
        for first, between in ((b" ", b""), (b"", b" \t"), (b"\t", b" "), (b" y", b""))
    ),
    differs="malformed-forms",
)
case(
    "blanks behind the last boundary of a form",
    """
    @app.post("/")
    async def a(request): return json(dict(request.form))
    """,
    *(
        post(
            "/",
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--' + end,
        )
        for end in (b" ", b"\t\r\n", b"  \r\nepilogue")
    ),
)
case(
    "json",
    """
    @app.route("/", methods=["POST", "GET"])
    async def a(request): return json({"got": request.json, "type": type(request.json).__name__})
    """,
    post("/", json={"a": [1, 2.5, None, True, "ü"]}),
    post("/", json="text"),
    post("/", {"content-type": "text/plain"}, b'{"a": 1}'),
    post("/", body=b'{"a": 1}'),
    post("/", body=b""),
    get("/"),
    post("/", body=b"null"),
    post("/", body=b"123456789012345678901234567890"),
    post("/", body=b" [1] "),
    post("/", body='{"a": 1, "a": 2}'),
    post("/", body=b'"\\ud83d\\ude00"'),
    post("/", body='{"é": "😀"}'),
    post("/", body=[b'{"a":', b" 1}"]),
)
case(
    "json, malformed",
    """
    @app.post("/")
    async def a(request): return json({"got": request.json})
    @app.post("/caught")
    async def b(request):
        try:
            return json(request.json)
        except BadRequest as e:
            return json([type(e).__name__, str(e), e.status_code])
    """,
    post("/", body=b"{"),
    post("/", body=b"{'a': 1}"),
    post("/", body=b"[1,]"),
    post("/", body=b"\xff"),
    post("/", body=b"nope"),
    post("/", body=b"[1] 2"),
    post("/", {"accept": "application/json"}, b"{"),
    post("/", {"content-type": "application/json"}, b"{"),
    post("/caught", body=b"{"),
)
case(
    "json, what is no JSON but common",
    """
    @app.post("/")
    async def a(request): return json(repr(request.json))
    """,
    post("/", body=b"NaN"),
    post("/", body=b"[Infinity, -Infinity]"),
    post("/", body=b'"\\ud800"'),
    post("/", body=b"-0"),
    post("/", body=b"1e400"),
    post("/", body=b"1.0E+2"),
)
case(
    "json, documents that only Sanic's parser accepts or refuses",
    """
    @app.post("/")
    async def a(request): return json(repr(request.json))
    """,
    post("/", body=b'"a\nb"'),
    post("/", body=b"\xef\xbb\xbf[1]"),
    post("/", body=b"01"),
    differs="json-msgspec",
)
case(
    "the header as a mapping: look-ups, copies, comparisons, changes",
    """
    import copy, pickle
    from multidict import CIMultiDict, MultiDict
    @app.get("/look")
    async def look(request):
        h = request.headers
        return json([h.get("X-A"), h["x-b"], h.getone("x-a"), h.getall("X-B"), h.get_all("none"), h.get("none", "d"),
                     "X-A" in h, "none" in h, h.x_a, h.none, isinstance(h, CIMultiDict)])
    @app.get("/copies")
    async def copies(request):
        h = request.headers
        made = [CIMultiDict(h), MultiDict(h), h.copy(), copy.copy(h), pickle.loads(pickle.dumps(h))]
        return json([[m.getall("x-a", []), m == h, h == m] for m in made] + [dict(h)["x-b"], {**h}["x-b"]])
    @app.get("/change")
    async def change(request):
        h = request.headers
        before = h.get("x-a")
        h["X-A"] = "new"
        h.add("x-c", "1")
        del h["x-b"]
        return json([before, h.getall("x-a"), h["x-c"], h.get("x-b"), [n for n in h if n.lower().startswith("x-")]])
    @app.get("/wrong/<kind>")
    async def wrong(request, kind):
        h = request.headers
        ways = {"missing": lambda: h["none"], "number": lambda: h.get(1), "getall": lambda: h.getall("none"),
                "hash": lambda: hash(h)}
        try:
            ways[kind]()
        except Exception as error:
            return text(type(error).__name__)
        return text("no error")
    """,
    get("/look", headers={"x-a": "1", "x-b": "2"}),
    get("/look", headers={"x-a": "\u00e9", "x-b": ""}),
    get("/copies", headers={"x-a": "1", "x-b": "2"}),
    get("/change", headers={"x-a": "1", "x-b": "2"}),
    get("/wrong/missing"),
    get("/wrong/number"),
    get("/wrong/getall"),
    get("/wrong/hash"),
)
case(
    "the header in a proxy of multidict",
    """
    from multidict import CIMultiDictProxy
    @app.get("/")
    async def a(request): return text(CIMultiDictProxy(request.headers)["x-a"])
    @app.get("/copy")
    async def b(request): return text(CIMultiDictProxy(request.headers.copy())["x-a"])
    """,
    get("/", headers={"x-a": "1"}),
    get("/copy", headers={"x-a": "1"}),
    differs="request-headers",
)
case(
    "a request class that reads JSON in its own way",
    """
    class Mine(Request):
        def load_json(self, loads=None):
            self.parsed_json = {"mine": self.body.decode()}
            return "not this"
    app = Sanic("Parity", request_class=Mine)
    @app.post("/")
    async def a(request): return json([request.json, request.json])
    """,
    post("/", body=b"[1]"),
    post("/", body=b"{"),
    post("/"),
)
case(
    "load_json with another loader",
    """
    import json as stdlib

    @app.post("/")
    async def a(request): return json(request.load_json(loads=lambda body: {"mine": stdlib.loads(body)}))
    """,
    post("/", body=b"[1]"),
    post("/", body=b"["),
    post("/", body=b""),
)
case(
    "body",
    """
    @app.route("/", methods=["GET", "POST", "PUT", "DELETE"])
    async def a(request):
        return json([request.body.decode("latin-1"), len(request.body), request.content_type,
                     request.headers.get("content-length")])
    """,
    get("/"),
    post("/", body=b""),
    post("/", body=b"\x00\xff"),
    post("/", body=[b"one", b"two"]),
    post("/", body=[]),
    request("PUT", "/", body=b"x" * 100_000, headers={"content-type": "text/x"}),
    request("DELETE", "/", body=b"gone"),
    request("GET", "/", body=b"got"),
    post("/"),
)
case(
    "headers",
    """
    @app.get("/")
    async def a(request):
        h = request.headers
        return json({"x": h.get("X-One"), "lower": h.get("x-one"), "item": h["X-ONE"] if "x-one" in h else None,
                     "all": h.getall("x-one", []), "one": h.getone("x-one", "none"), "attr": h.x_one,
                     "names": sorted(h.keys()), "in": "X-ONE" in h, "type": type(h).__name__,
                     "items": sorted(map(list, h.items()))})
    """,
    get("/"),
    get("/", {"X-One": "1"}),
    get("/", [("x-one", "1"), ("X-ONE", "2")]),
    get("/", {"x-one": ""}),
    get("/", {"x-one": "\xe9"}),
    get("/", {"x-one": "a,b ; c"}),
    get("/", {"x_one": "under"}),
)
case(
    "a header that is not there",
    """
    @app.get("/")
    async def a(request): return text(request.headers["x-missing"])
    @app.get("/all")
    async def b(request): return json(request.headers.getall("x-missing"))
    """,
    get("/"),
    get("/all"),
    get("/", {"x-missing": "here"}),
)
case(
    "cookies",
    """
    @app.get("/")
    async def a(request):
        return json({"cookies": dict(request.cookies), "a": request.cookies.get("a"), "no": request.cookies.get("zz"),
                     "list": request.cookies.getlist("a", []), "type": type(request.cookies).__name__})
    """,
    get("/"),
    get("/", {"cookie": "a=1"}),
    get("/", {"cookie": "a=1; b=2;c=3"}),
    get("/", {"cookie": "a=1; a=2"}),
    get("/", {"cookie": 'a="quoted; not"; b=2'}),
    get("/", {"cookie": 'a="\\303\\251"; b="x\\"y"'}),
    get("/", {"cookie": "a=b=c; d"}),
    get("/", {"cookie": "=x; ; a=1"}),
    get("/", {"cookie": "a=%C3%A9"}),
    get("/", {"cookie": "a=é"}),
    get("/", {"cookie": "a[]=1; __Host-s=2"}),
)
case(
    "cookies by attribute and by prefix",
    """
    @app.get("/")
    async def a(request):
        c = request.cookies
        return json([c.a, c.get_cookie("s", host_prefix=True) if hasattr(c, "get_cookie") else None, "a" in c, c["a"]])
    """,
    get("/", {"cookie": "a=1"}),
    get("/", {"cookie": "__Host-s=2; a=2"}),
    get("/", {"cookie": "b=1"}),
)
case(
    "urls",
    """
    @app.get("/p/<x>")
    async def a(request, x):
        return json({"url": request.url, "path": request.path, "qs": request.query_string, "scheme": request.scheme,
                     "host": request.host, "server_path": request.server_path, "server_name": request.server_name,
                     "server_port": request.server_port, "raw_url": request.raw_url.decode(), "method": request.method,
                     "version": request.version, "url_root": request.url_for("a", x="y")})
    """,
    get("/p/1"),
    get("/p/1?a=b&c"),
    get("/p/a%20b?x=%20"),
    get("/p/1", {"host": "example.com:8080"}),
    get("/p/1", {"host": "[::1]:80"}),
    get("/p/1", {"host": "UPPER.test"}),
    get("/p/1", {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-host": "evil.test"}),
    request("GET", "/p/1", version="1.0"),
)
case(
    "urls without a host",
    """
    @app.get("/")
    async def a(request): return json([request.host, request.path])
    """,
    get("/", {"host": None}),
    get("/", {"host": ""}),
    request("GET", "/", {"host": None}, version="1.0"),
)
case(
    "behind proxies",
    """
    app.config.PROXIES_COUNT = 1
    app.config.REAL_IP_HEADER = "x-real-ip"

    @app.get("/p")
    async def a(request):
        return json([request.remote_addr, sorted(request.forwarded.items()), request.scheme, request.host,
                     request.server_name,
                     request.url, request.client_ip, request.ip, request.url_for("a")])
    """,
    get("/p"),
    get("/p", {"x-forwarded-for": "1.2.3.4, 5.6.7.8", "x-forwarded-proto": "https", "x-forwarded-host": "a.test"}),
    get("/p", {"x-real-ip": "9.9.9.9", "x-scheme": "https", "x-forwarded-port": "444", "x-forwarded-path": "/base/p"}),
    get("/p", {"x-forwarded-for": "garbage, , "}),
    get("/p", {"x-forwarded-for": "1.2.3.4", "x-forwarded-port": "notaport", "x-forwarded-proto": "wss"}),
)
case(
    "behind a proxy with a secret",
    """
    app.config.FORWARDED_SECRET = "s3cret"

    @app.get("/p")
    async def a(request): return json([request.remote_addr, dict(request.forwarded), request.scheme, request.host])
    """,
    get("/p", {"forwarded": 'for=1.2.3.4;proto=https;host="a.test:444";secret=s3cret;by=_x'}),
    get("/p", {"forwarded": 'for="[2001:db8::1]:80";secret="s3cret", for=6.6.6.6'}),
    get("/p", {"forwarded": "for=1.2.3.4;secret=wrong"}),
    get("/p", {"forwarded": "garbage"}),
    get("/p"),
)
case(
    "addresses",
    """
    @app.get("/")
    async def a(request):
        return json([request.ip, type(request.port).__name__, request.remote_addr, request.client_ip,
                     list(request.socket)[:1], request.conn_info is not None, request.conn_info.ssl])
    """,
    get("/"),
    get("/", {"x-forwarded-for": "1.1.1.1"}),
    get("/", {"forwarded": "for=1.1.1.1"}),
)
case(
    "token and credentials",
    """
    @app.get("/")
    async def a(request):
        c = request.credentials
        return json({"token": request.token, "type": c and c.auth_type, "ctoken": c and c.token,
                     "user": c.username if c and c.auth_type == "Basic" else None})
    """,
    get("/"),
    get("/", {"authorization": "Bearer abc"}),
    get("/", {"authorization": "Token abc"}),
    get("/", {"authorization": "abc"}),
    get("/", {"authorization": "Basic dXNlcjpwYXNz"}),
    get("/", {"authorization": "bearer abc"}),
    get("/", {"authorization": "Bearer"}),
    get("/", {"authorization": ""}),
    get("/", {"authorization": "Digest a=b, c=d"}),
)
case(
    "malformed Accept and Authorization headers, several Cookie headers",
    """
    @app.get("/")
    async def a(request): raise BadRequest("no")
    @app.get("/basic")
    async def b(request): return json([request.credentials.username, request.credentials.password])
    @app.get("/cookies")
    async def c(request): return json(request.cookies)
    """,
    get("/cookies", [("cookie", "a=1"), ("cookie", "b=2")]),
    get("/", {"accept": ","}),
    get("/", {"accept": "nonsense"}),
    get("/", {"accept": "text/html;q=x"}),
    get("/basic", {"authorization": "Basic !!!"}),
    get("/basic", {"authorization": "Basic dXNlcg=="}),
    differs="malformed-headers",
)
case(
    "credentials of another kind",
    """
    @app.get("/")
    async def a(request): return json([request.credentials.username, request.credentials.password])
    """,
    get("/", {"authorization": "Basic dXNlcjpwYXNz"}),
    get("/", {"authorization": "Bearer x"}),
    get("/"),
)
case(
    "content type, accept and the like",
    """
    @app.route("/", methods=["GET", "POST"])
    async def a(request):
        return json({"type": request.content_type, "accept": [str(a) for a in request.accept],
                     "best": str(request.accept.match("text/html", "application/json")),
                     "stream": request.stream is not None, "keep": request.headers.get("connection")})
    """,
    get("/"),
    get("/", {"accept": "text/html;q=0.5, application/json, */*;q=0.1"}),
    get("/", {"accept": "image/png"}),
    post("/", {"content-type": "Text/Plain; Charset=UTF-8"}, b"x"),
    post("/", body=b"x"),
)
case(
    "route, name, match_info and the rest",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.get("/<x:int>/<y>")
    async def a(request, x, y):
        return json({"endpoint": request.endpoint, "name": request.name, "template": request.uri_template,
                     "match_info": dict(sorted(request.match_info.items())),
                     "uri": request.route.uri, "rname": request.route.name,
                     "methods": sorted(request.route.methods), "app": request.app.name,
                     "same": request.app is app, "get_app": Sanic.get_app("Parity") is app, "params": x})
    app.blueprint(bp)
    """,
    get("/bp/1/b"),
    get("/bp/1/%20"),
    get("/bp/x/b"),
)
case(
    "id, ctx, methods and safety",
    """
    import uuid

    @app.route("/", methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
    async def a(request):
        request.ctx.x = 1
        return json([isinstance(request.id, (uuid.UUID, str, int)), str(request.id) if "x-request-id" in request.headers
                     else None, request.ctx.x, request.is_safe, request.is_idempotent, request.is_cacheable])
    """,
    *(request(method, "/") for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")),
    get("/", {"x-request-id": "123e4567-e89b-12d3-a456-426614174000"}),
    get("/", {"x-request-id": "12"}),
    get("/", {"x-request-id": "abc"}),
)
case(
    "a Request class of one's own",
    """
    class Mine(Request):
        @classmethod
        def generate_id(cls, *_): return "mine"
        @property
        def shout(self): return self.path.upper()

    app = Sanic("Parity", request_class=Mine)

    @app.get("/<x>")
    async def a(request, x): return json([request.shout, request.id, type(request).__name__])
    """,
    get("/abc"),
    get("/abc", {"x-request-id": "1"}),
    get("/a/b"),
)
case(
    "the text of an overridden generate_id is converted like a header field",
    """
    class Mine(Request):
        @classmethod
        def generate_id(cls, request): return request.path[1:]

    app = Sanic("Parity", request_class=Mine)

    @app.get("/<x>")
    async def a(request, x): return json([type(request.id).__name__, str(request.id)])
    """,
    get("/0b4c5b1d4f2a4d7f8a3c9d2e1f0a7b6c"),
    get("/42"),
    get("/4_2"),
    get("/abc"),
    get("/4.2"),
)
case(
    "a context class of one's own",
    """
    class Ctx:
        def __init__(self): self.n = 41

    app = Sanic("Parity", ctx=Ctx())

    @app.get("/")
    async def a(request):
        request.app.ctx.n += 1
        return json([app.ctx.n, Sanic.get_app().ctx is app.ctx, Request.get_current() is request])
    @app.get("/bad")
    async def b(request): return json(request.ctx.missing)
    """,
    get("/"),
    get("/"),
    get("/bad"),
)
case(
    "parameters with a type annotation",
    """
    from uuid import UUID
    from datetime import date

    @app.get("/i/<x>")
    async def i(request: Request, x: int): return json([x, type(x).__name__])
    @app.get("/d/<x:ymd>")
    async def d(request, x: date): return json(x.isoformat())
    @app.get("/u/<x>")
    async def u(request, x: UUID): return json(str(x))
    """,
    get("/i/1"),
    get("/i/a"),
    get("/d/2020-01-01"),
    get("/u/123e4567-e89b-12d3-a456-426614174000"),
    get("/u/x"),
)
case(
    "request.accept chooses a response",
    """
    @app.get("/")
    async def a(request):
        chosen = request.accept.match("application/json", "text/html", "text/plain")
        return json({"chosen": chosen.mime, "entry": str(chosen.header), "accept": str(request.accept)})
    """,
    get("/"),
    get("/", {"accept": ""}),
    get("/", {"accept": "*/*"}),
    get("/", {"accept": "text/plain;q=0.5, text/html;q=0.4"}),
    get("/", {"accept": "text/*"}),
    get("/", {"accept": "image/png"}),
)
case(
    "request.accept of several fields is that of the first",
    """
    @app.get("/")
    async def a(request):
        return json([str(request.accept), request.headers.getall("accept")])
    """,
    get("/", [("accept", "text/html"), ("accept", "text/plain;q=0.5")]),
    get("/", [("accept", ""), ("accept", "text/plain")]),
)
