"""What a handler answers with: helpers, headers, cookies, statuses and bodies."""

from tests.parity.case import case
from tests.parity.wire import get, head, post

case(
    "text",
    """
    @app.get("/plain")
    async def a(request): return text("hélló")
    @app.get("/status")
    async def b(request): return text("made", status=201, headers={"X-Made": "yes"})
    @app.get("/type")
    async def c(request): return text("x", content_type="text/css")
    @app.get("/empty")
    async def d(request): return text("")
    @app.get("/number")
    async def e(request): return text(5)
    @app.get("/bytes")
    async def f(request): return text(b"bytes")
    @app.get("/none")
    async def g(request): return text(None)
    """,
    *(get(f"/{name}") for name in ("plain", "status", "type", "empty", "number", "bytes", "none")),
)
case(
    "html",
    """
    class Page:
        def __html__(self): return "<p>html</p>"
    class Notebook:
        def _repr_html_(self): return "<p>repr</p>"

    @app.get("/str")
    async def a(request): return html("<p>ü</p>")
    @app.get("/bytes")
    async def b(request): return html(b"<p>b</p>", status=201, headers={"x-a": "b"})
    @app.get("/page")
    async def c(request): return html(Page())
    @app.get("/notebook")
    async def d(request): return html(Notebook())
    @app.get("/number")
    async def e(request): return html(5)
    @app.get("/error")
    async def f(request): return html("<p>custom</p>", status=404)
    """,
    *(get(f"/{name}") for name in ("str", "bytes", "page", "notebook", "number", "error")),
)
case(
    "raw and empty",
    """
    @app.get("/raw")
    async def a(request): return raw(b"\\x00\\xff")
    @app.get("/rawstr")
    async def b(request): return raw("ü", content_type="text/x")
    @app.get("/rawnone")
    async def c(request): return raw(None)
    @app.get("/empty")
    async def d(request): return empty()
    @app.get("/empty200")
    async def e(request): return empty(status=200, headers={"x-a": "b"})
    @app.get("/empty304")
    async def f(request): return empty(304, {"etag": '"x"'})
    @app.get("/rawstatus")
    async def g(request): return raw(b"made", 201, {"x-a": "b"}, "application/x")
    @app.get("/rawnumber")
    async def h(request): return raw(5)
    """,
    *(get(f"/{n}") for n in ("raw", "rawstr", "rawnone", "empty", "empty200", "empty304", "rawstatus", "rawnumber")),
)
case(
    "redirect",
    """
    @app.get("/a")
    async def a(request): return redirect("/b")
    @app.get("/b")
    async def b(request): return redirect("https://x.test/ü?a=b c", status=301)
    @app.get("/c")
    async def c(request): return redirect("/d", headers={"x-a": "b"}, status=308, content_type="text/x")
    @app.get("/d")
    async def d(request): return redirect(app.url_for("a"))
    @app.get("/e")
    async def e(request): return redirect("/a\\r\\nset-cookie: x=y")
    @app.get("/f")
    async def f(request): return redirect("/%20 %zz")
    @app.get("/g")
    async def g(request): return redirect("")
    """,
    *(get(f"/{name}") for name in "abcdefg"),
)
case(
    "HTTPResponse",
    """
    @app.get("/default")
    async def a(request): return HTTPResponse()
    @app.get("/str")
    async def b(request): return HTTPResponse("ü")
    @app.get("/bytes")
    async def c(request): return HTTPResponse(b"x", 201, {"X-A": "1", "x-b": 2}, "text/x")
    @app.get("/later")
    async def d(request):
        r = HTTPResponse("x", content_type="text/x")
        r.status = 202; r.headers["x-later"] = "1"; r.content_type = "text/y"; r.body = b"changed"
        return r
    @app.get("/nottype")
    async def e(request): return HTTPResponse("x", headers={"content-type": "text/z"})
    @app.get("/both")
    async def f(request): return HTTPResponse("x", headers={"content-type": "text/z"}, content_type="text/w")
    @app.get("/length")
    async def g(request): return HTTPResponse("four", headers={"content-length": "4"})
    @app.get("/charset")
    async def h(request): return HTTPResponse("x", content_type="text/html; charset=latin-1")
    """,
    *(get(f"/{name}") for name in ("default", "str", "bytes", "later", "nottype", "both", "length", "charset")),
)
case(
    "statuses without a body",
    """
    @app.get("/<status:int>")
    async def a(request, status): return text("body", status=status)
    @app.get("/json/<status:int>")
    async def b(request, status): return json({"a": 1}, status=status)
    @app.get("/bare/<status:int>")
    async def c(request, status): return HTTPResponse(status=status)
    """,
    *(get(f"{prefix}/{status}") for prefix in ("", "/json", "/bare") for status in (200, 201, 204, 205, 304, 404, 500)),
    get("/299"),
)
case(
    "response headers",
    """
    @app.get("/multi")
    async def a(request):
        r = text("")
        r.headers.add("x-m", "1"); r.headers.add("X-M", "2"); r.headers["Other"] = 3
        return r
    @app.get("/replace")
    async def b(request):
        r = text("", headers={"x-a": "1"})
        r.headers["X-A"] = "2"; r.headers.extend({"x-b": "3"}); r.headers.setdefault("x-b", "4")
        return r
    @app.get("/list")
    async def c(request): return text("", headers=[("a", "1"), ("a", "2")])
    @app.get("/unicode")
    async def d(request): return text("", headers={"x-u": "é"})
    @app.get("/none")
    async def e(request): return text("", headers={"x-n": None, "x-t": True})
    @app.get("/type")
    async def f(request):
        r = json({}); r.headers["content-type"] = "application/x"; return r
    @app.get("/empty")
    async def g(request): return text("", headers={"x-e": ""})
    """,
    *(get(f"/{name}") for name in ("multi", "replace", "list", "unicode", "none", "type", "empty")),
)
case(
    "header values that would split the answer",
    """
    @app.get("/crlf")
    async def a(request): return text("x", headers={"x-a": "1\\r\\nx-b: 2"})
    @app.get("/lf")
    async def b(request): return text("x", headers={"x-a": "1\\nx-b: 2"})
    @app.get("/name")
    async def c(request): return text("x", headers={"x-a\\r\\nx-b": "1"})
    @app.get("/null")
    async def d(request): return text("x", headers={"x-a": "a\\0b"})
    """,
    get("/crlf"),
    get("/lf"),
    get("/name"),
    get("/null"),
    differs="header-injection",
)
case(
    "header values beyond latin-1",
    """
    @app.get("/euro")
    async def a(request): return text("x", headers={"x-a": "€"})
    @app.get("/emoji")
    async def b(request): return text("x", headers={"x-a": "😀"})
    """,
    get("/euro"),
    get("/emoji"),
)
case(
    "cookies set",
    """
    from datetime import datetime, timezone

    @app.get("/plain")
    async def a(request):
        r = text(""); r.add_cookie("a", "1"); return r
    @app.get("/all")
    async def b(request):
        r = text("")
        r.add_cookie("a", "v", path="/p", domain="x.test", secure=True, max_age=60, httponly=True, samesite="Strict",
                     expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc), partitioned=True)
        return r
    @app.get("/bare")
    async def c(request):
        r = text(""); r.add_cookie("a", "v", path=None, secure=False, samesite=None); return r
    @app.get("/two")
    async def d(request):
        r = text(""); r.add_cookie("a", "1"); r.add_cookie("b", "2"); r.add_cookie("a", "3"); return r
    @app.get("/prefix")
    async def e(request):
        r = text(""); r.add_cookie("a", "1", host_prefix=True); r.add_cookie("b", "2", secure_prefix=True); return r
    @app.get("/odd")
    async def f(request):
        r = text(""); r.add_cookie("a", 'b; c="d",é\\\\ x'); r.add_cookie("e", ""); return r
    @app.get("/has")
    async def g(request):
        r = text(""); r.add_cookie("a", "1")
        r.headers["x-has"] = f"{r.cookies.has_cookie('a')} {r.cookies.has_cookie('b')} {r.cookies.get_cookie('a')}"
        return r
    """,
    *(get(f"/{name}") for name in ("plain", "all", "bare", "two", "prefix", "odd", "has")),
)
case(
    "cookies that are refused",
    """
    @app.get("/name")
    async def a(request):
        r = text(""); r.add_cookie("a b", "1"); return r
    @app.get("/samesite")
    async def b(request):
        r = text(""); r.add_cookie("a", "1", samesite="Sometimes"); return r
    @app.get("/host")
    async def c(request):
        r = text(""); r.add_cookie("a", "1", host_prefix=True, domain="x.test"); return r
    @app.get("/insecure")
    async def d(request):
        r = text(""); r.add_cookie("a", "1", secure_prefix=True, secure=False); return r
    @app.get("/crlf")
    async def e(request):
        r = text(""); r.add_cookie("a", "1\\r\\nx: y"); return r
    @app.get("/age")
    async def f(request):
        r = text(""); r.add_cookie("a", "1", max_age="soon"); return r
    @app.get("/expires")
    async def g(request):
        r = text(""); r.add_cookie("a", "1", expires="soon"); return r
    @app.get("/path")
    async def h(request):
        r = text(""); r.add_cookie("a", "1", path="/x", host_prefix=True); return r
    """,
    *(get(f"/{name}") for name in ("name", "samesite", "host", "insecure", "crlf", "age", "expires", "path")),
)
case(
    "cookies deleted",
    """
    @app.get("/plain")
    async def a(request):
        r = text(""); r.delete_cookie("a"); return r
    @app.get("/where")
    async def b(request):
        r = text(""); r.delete_cookie("a", path="/p", domain="x.test"); return r
    @app.get("/both")
    async def c(request):
        r = text(""); r.add_cookie("a", "1"); r.delete_cookie("a"); return r
    @app.get("/prefix")
    async def d(request):
        r = text(""); r.delete_cookie("a", host_prefix=True); return r
    @app.get("/bad")
    async def e(request):
        r = text(""); r.delete_cookie("a b"); return r
    """,
    *(get(f"/{name}") for name in ("plain", "where", "both", "prefix", "bad")),
)
case(
    "cookies by response.cookies",
    """
    @app.get("/add")
    async def a(request):
        r = text(""); r.cookies.add_cookie("a", "1", max_age=3); r.cookies.delete_cookie("b"); return r
    @app.get("/none")
    async def b(request):
        r = text(""); r.headers["x-n"] = str(len(r.cookies)); return r
    @app.get("/change")
    async def c(request):
        r = text("")
        cookie = r.cookies.add_cookie("a", "1")
        cookie.max_age = 5; cookie.httponly = True; cookie.samesite = "None"; cookie.domain = "x.test"
        return r
    """,
    get("/add"),
    get("/none"),
    get("/change"),
)
case(
    "cookies by item",
    """
    @app.get("/set")
    async def a(request):
        r = text(""); r.cookies["a"] = "1"; r.cookies["a"]["max-age"] = 5; r.cookies["a"]["httponly"] = True; return r
    @app.get("/del")
    async def b(request):
        r = text(""); del r.cookies["a"]; return r
    """,
    get("/set"),
    get("/del"),
    differs="old-names",
)
case(
    "HEAD keeps the headers",
    """
    @app.route("/text", methods=["GET", "HEAD"])
    async def a(request): return text("four")
    @app.head("/only")
    async def b(request): return text("", headers={"content-length": "99", "x-a": "b"})
    @app.head("/empty")
    async def c(request): return empty()
    """,
    head("/text"),
    head("/only"),
    head("/empty"),
    get("/only"),
)
case(
    "file",
    """
    top = folder({"a.txt": "hello", "b.bin": b"\\x00\\x01", "c.html": "<p>", "d.unknownext": "x", "e.json": "{}",
                  "f.tar.gz": "x", "g.svg": "<svg/>", "h.js": "1", "i": "none"})

    @app.get("/named")
    async def named(request): return await file(top / "a.txt", filename="other.pdf")
    @app.get("/full")
    async def full(request):
        return await file(str(top / "a.txt"), status=201, headers={"x-a": "b"}, mime_type="text/x",
                          last_modified=0, validate_when_requested=False, no_store=False)
    @app.get("/nostore")
    async def nostore(request): return await file(top / "a.txt", no_store=True)
    @app.get("/missing")
    async def missing(request): return await file(top / "zz")
    @app.get("/folder")
    async def a_folder(request): return await file(top)
    @app.get("/f/<name>")
    async def plain(request, name): return await file(top / name)
    """,
    *(
        get(f"/f/{name}")
        for name in ("a.txt", "b.bin", "c.html", "d.unknownext", "e.json", "f.tar.gz", "g.svg", "h.js", "i")
    ),
    *(get(f"/{name}") for name in ("named", "full", "nostore", "missing", "folder")),
)
case(
    "file with an age",
    """
    top = folder({"a.txt": "hello"})

    @app.get("/<age:float>")
    async def a(request, age): return await file(top / "a.txt", max_age=age)
    @app.get("/none")
    async def b(request): return await file(top / "a.txt", max_age=60, no_store=True)
    """,
    get("/60"),
    get("/0"),
    get("/none"),
    scrub=(r"\w+, \d+ \w+ (?!2023)\d+ \S+ GMT",),
)
case(
    "file, asked for what changed",
    """
    top = folder({"a.txt": "hello"})

    @app.get("/")
    async def a(request): return await file(top / "a.txt", request_headers=request.headers)
    @app.get("/no")
    async def b(request): return await file(top / "a.txt")
    """,
    get("/", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    get("/", {"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}),
    get("/", {"if-modified-since": "garbage"}),
    get("/no", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
)
case(
    "file_stream",
    """
    from sanic.response import file_stream

    top = folder({"a.txt": "hello world"})

    @app.get("/a")
    async def a(request): return await file_stream(top / "a.txt", chunk_size=4)
    @app.get("/b")
    async def b(request):
        return await file_stream(top / "a.txt", status=201, headers={"x-a": "b"}, filename="x.html", mime_type="a/b")
    @app.get("/missing")
    async def c(request): return await file_stream(top / "zz")
    """,
    get("/a"),
    get("/b"),
    get("/missing"),
)
case(
    "a response made elsewhere, and used twice",
    """
    ready = text("ready", headers={"x-a": "1"})

    @app.get("/")
    async def a(request): return ready
    @app.on_response
    async def mark(request, response): response.headers["x-mark"] = request.method
    """,
    get("/"),
    get("/"),
    post("/", body=b""),
)
case(
    "content types",
    """
    TYPES = {"a": "application/xml", "b": "text/html", "c": "text/plain; charset=ascii", "d": "image/png", "e": "",
             "f": "TEXT/HTML", "g": "application/json; charset=utf-8"}
    @app.get("/r/<name>")
    async def a(request, name): return raw(b"x", content_type=TYPES[name])
    @app.get("/h/<name>")
    async def b(request, name): return HTTPResponse("x", content_type=TYPES[name])
    """,
    *(get(f"/r/{name}") for name in "abcdefg"),
    *(get(f"/h/{name}") for name in "abcdefg"),
)
case(
    "large bodies",
    """
    @app.get("/<size:int>")
    async def a(request, size): return text("x" * size, headers={"x-size": str(size)})
    @app.get("/bytes/<size:int>")
    async def b(request, size): return raw(bytes(size))
    """,
    get("/0"),
    get("/65536"),
    get("/1000000"),
    get("/bytes/300000"),
    get("/x"),
)
case(
    "classes of responses with names of their own",
    """
    from sanic.response import JSONResponse
    class Template(HTTPResponse):
        def __init__(self, **context):
            super().__init__(content_type="text/html")
            self.context = context
        @property
        def body(self): return f"<p>{self.context}</p>".encode()
        @body.setter
        def body(self, value): pass
    class Slots(HTTPResponse):
        __slots__ = ("body", "status", "content_type", "headers")
    class Envelope(JSONResponse):
        @property
        def body(self): return b'{"data":' + super().body + b"}"
        @body.setter
        def body(self, value): JSONResponse.body.fset(self, value)
    class Lazy(HTTPResponse):
        body, status, content_type = b"lazy", 202, "text/plain"
        def __init__(self): self.headers = {}
    class Classwide(HTTPResponse):
        headers = {"x-class": "yes"}
        def __init__(self, body): super().__init__(body, content_type="text/plain")
    kept = Envelope([])
    made = {
        "template": lambda: Template(a=1),
        "slots": lambda: Slots("x", 201, {"x-slots": "yes"}, "text/plain"),
        "envelope": lambda: Envelope({"a": 1}),
        "kept": lambda: kept,
        "lazy": Lazy,
        "classwide": lambda: Classwide("x"),
    }
    @app.get("/<name>")
    async def a(request, name):
        response = made[name]()
        if name == "kept": response.append(len(response.raw_body))
        return response
    @app.get("/<name>/told")
    async def b(request, name):
        response = made[name]()
        return json([str(response.body), response.status, dict(response.headers)])
    @app.on_response
    async def c(request, response):
        if "header" in request.args: response.headers["x-changed"] = "yes"
        if "body" in request.args: response.body = b"[]"
    """,
    *(
        get(f"/{name}{query}")
        for name in ("template", "slots", "envelope", "kept", "kept", "lazy", "classwide", "no")
        for query in ("", "?header=1", "?body=1")
    ),
    *(get(f"/{name}/told") for name in ("template", "slots", "envelope", "classwide")),
    head("/template"),
)
