"""Routes: typed parameters, decoding, methods, slashes, versions."""

from tests.parity.case import case
from tests.parity.wire import get, head, options, post, request

ONE_PARAMETER = """
@app.get("/p/<x:%s>")
async def p(request, x):
    return json({"x": str(x), "type": type(x).__name__, "info": sorted(request.match_info)})
"""

case(
    "int parameter",
    ONE_PARAMETER % "int",
    get("/p/12"),
    get("/p/-12"),
    get("/p/+12"),
    get("/p/0012"),
    get("/p/abc"),
    get("/p/1.5"),
    get("/p/"),
    get("/p/%31"),
    get("/p/12/"),
    get("/p/12/x"),
)
case(
    "float parameter",
    ONE_PARAMETER % "float",
    get("/p/1.5"),
    get("/p/1"),
    get("/p/-0.25"),
    get("/p/.5"),
    get("/p/5."),
    get("/p/1e3"),
    get("/p/nan"),
    get("/p/1.2.3"),
)
case(
    "str parameter",
    ONE_PARAMETER % "str",
    get("/p/abc"),
    get("/p/a.b-c_d~e"),
    get("/p/"),
    get("/p"),
    get("/p/a/b"),
    get("/p/a%20b"),
    get("/p/a%2Fb"),
    get("/p/a:b@c"),
)
case(
    "untyped parameter",
    """
    @app.get("/p/<x>")
    async def p(request, x):
        return json([x, type(x).__name__])

    @app.get("/<a>/and/<b>")
    async def two(request, b, a):
        return json([a, b])
    """,
    get("/p/abc"),
    get("/p/%C3%A4"),
    get("/1/and/2"),
    get("/1/and/"),
    get("/1/or/2"),
)
case("strorempty parameter", ONE_PARAMETER % "strorempty", get("/p/abc"), get("/p/"), get("/p"), get("/p/a/b"))
case(
    "alpha parameter",
    ONE_PARAMETER % "alpha",
    get("/p/abc"),
    get("/p/AbC"),
    get("/p/a1"),
    get("/p/a-b"),
    get("/p/%C3%A4"),
)
case(
    "slug parameter",
    ONE_PARAMETER % "slug",
    get("/p/a-b-c"),
    get("/p/abc"),
    get("/p/a--b"),
    get("/p/-a"),
    get("/p/A-b"),
    get("/p/a_b"),
    get("/p/1-2"),
)
case(
    "path parameter",
    ONE_PARAMETER % "path",
    get("/p/a"),
    get("/p/a/b/c"),
    get("/p/a/b/"),
    get("/p/"),
    get("/p"),
    get("/p//a"),
    get("/p/a%2Fb%20c"),
    get("/p/../x"),
)
case(
    "ymd parameter",
    ONE_PARAMETER % "ymd",
    get("/p/2024-02-29"),
    get("/p/2023-02-29"),
    get("/p/2024-2-9"),
    get("/p/20240229"),
    get("/p/today"),
)
case(
    "uuid parameter",
    ONE_PARAMETER % "uuid",
    get("/p/123e4567-e89b-12d3-a456-426614174000"),
    get("/p/123E4567-E89B-12D3-A456-426614174000"),
    get("/p/123e4567e89b12d3a456426614174000"),
    get("/p/123e4567-e89b-12d3-a456-42661417400"),
)
case(
    "ext parameter",
    """
    @app.get("/e/<file:ext>")
    async def any_one(request, file, ext):
        return json([file, ext])

    @app.get("/i/<file:ext=jpg|png>")
    async def pictures(request, file, ext):
        return json([file, ext])

    @app.get("/n/<file=int:ext=txt>")
    async def numbered(request, file, ext):
        return json([file, ext])
    """,
    get("/e/a.txt"),
    get("/e/a.tar.gz"),
    get("/e/a"),
    get("/e/.txt"),
    get("/i/a.png"),
    get("/i/a.gif"),
    get("/n/12.txt"),
    get("/n/a.txt"),
    scrub=(r"URL (None|/./a\.\w+) not",),  # Sanic says "Requested URL None not found" for a wrong extension
)
case(
    "regex parameter",
    r"""
    @app.get("/r/<x:[a-z]{3}>")
    async def three(request, x):
        return json(x)

    @app.get(r"/d/<x:\d+>")
    async def digits(request, x):
        return json(x)

    @app.get(r"/g/<x:(?P<x>[a-z]+)\.txt>")
    async def named(request, x):
        return json(x)
    """,
    get("/r/abc"),
    get("/r/abcd"),
    get("/r/ab1"),
    get("/d/0123"),
    get("/d/12a"),
    get("/g/abc.txt"),
    get("/g/abc"),
)
case(
    "several parameters and which route wins",
    """
    @app.get("/w/<x:str>")
    async def a_str(request, x): return text("str " + x)
    @app.get("/w/<x:int>")
    async def an_int(request, x): return text(f"int {x}")
    @app.get("/w/<x:float>")
    async def a_float(request, x): return text(f"float {x}")
    @app.get("/w/<x:ymd>")
    async def a_day(request, x): return text(f"ymd {x}")
    @app.get("/w/<x:uuid>")
    async def a_uuid(request, x): return text(f"uuid {x}")
    @app.get("/w/<x:path>")
    async def a_path(request, x): return text("path " + x)
    @app.get("/w/static")
    async def fixed(request): return text("static")
    """,
    get("/w/static"),
    get("/w/1"),
    get("/w/1.5"),
    get("/w/2020-01-01"),
    get("/w/123e4567-e89b-12d3-a456-426614174000"),
    get("/w/abc"),
    get("/w/a/b"),
    get("/w/static/x"),
)
case(
    "an unknown parameter type",
    """
    @app.get("/p/<x:nosuch>")
    async def p(request, x):
        return json(x)
    """,
    get("/p/nosuch"),
    get("/p/other"),
    differs="path-types",
)
case(
    "the same parameter twice",
    """
    @app.get("/p/<x>/<x>")
    async def p(request, x):
        return json(x)
    """,
    get("/p/1/2"),
    fails=True,
)
case(
    "the same route twice",
    """
    @app.get("/p")
    async def one(request):
        return text("one")

    @app.get("/p")
    async def two(request):
        return text("two")
    """,
    fails=True,
)
case(
    "custom pattern",
    """
    def even(value):
        number = int(value)
        if number % 2:
            raise ValueError("odd")
        return number

    app.router.register_pattern("even", even, r"^[0-9]+$")

    @app.get("/p/<x:even>")
    async def p(request, x):
        return json({"x": x})
    """,
    get("/p/4"),
    get("/p/5"),
    get("/p/x"),
)
case(
    "percent encoded segments are not decoded",
    """
    @app.get("/caf%C3%A9")
    async def fixed(request):
        return text("fixed")

    @app.get("/v/<x>")
    async def v(request, x):
        return json([x, request.path])
    """,
    get("/caf%C3%A9"),
    get("/caf%c3%a9"),
    get("/v/caf%C3%A9"),
    get("/v/a%2Fb"),
    get("/v/%"),
    get("/v/%zz"),
    get("/v/%FF"),
    get("/v/a+b"),
)
case(
    "unquote=True",
    """
    @app.get("/v/<x>", unquote=True)
    async def v(request, x):
        return json([x, request.path])

    """,
    get("/v/caf%C3%A9"),
    get("/v/a%2Fb"),
    get("/v/a+b"),
    get("/v/%"),
    get("/v/%zz"),
    get("/v/%FF"),
    get("/v/%00"),
)
case(
    "unicode in a route",
    """
    @app.get("/überall/<x>")
    async def v(request, x):
        return json([x, request.path])
    """,
    get("/%C3%BCberall/a"),
    get("/uberall/a"),
)
case(
    "a target or a method that servers refuse",
    """
    @app.get("/überall/<x>")
    async def v(request, x): return json([x, request.path])
    @app.exception(BadRequest)
    async def bad(request, exception): return text(f"bad: {exception}", status=400)
    """,
    get("/überall/a"),
    get("/\xfcberall/a".encode("latin-1")),
    get("/%C3%BCberall/a?é"),
    request("get", "/%C3%BCberall/a"),
    differs="server",
)
case(
    "slashes, loose",
    """
    @app.get("/a")
    async def a(request): return text("a " + request.path)
    @app.get("/b/")
    async def b(request): return text("b " + request.path)
    @app.get("/c/<x>")
    async def c(request, x): return text("c " + x)
    @app.get("/d/<x>/")
    async def d(request, x): return text("d " + x)
    @app.get("/")
    async def root(request): return text("root " + request.path)
    """,
    get("/a"),
    get("/a/"),
    get("/a//"),
    get("/b"),
    get("/b/"),
    get("/c/1"),
    get("/c/1/"),
    get("/d/1"),
    get("/d/1/"),
    get("/"),
    get("//"),
    get("//a"),
    get("/?x"),
)
case(
    "slashes, strict by route",
    """
    @app.get("/a", strict_slashes=True)
    async def a(request): return text("a " + request.path)
    @app.get("/b/", strict_slashes=True)
    async def b(request): return text("b " + request.path)
    @app.get("/c/<x>/", strict_slashes=True)
    async def c(request, x): return text("c " + x)
    """,
    get("/a"),
    get("/a/"),
    get("/b"),
    get("/b/"),
    get("/c/1"),
    get("/c/1/"),
)
case(
    "slashes, strict by app",
    """
    app = Sanic("Parity", strict_slashes=True)

    @app.get("/a")
    async def a(request): return text("a")
    @app.get("/b/", strict_slashes=False)
    async def b(request): return text("b")
    @app.get("/both")
    async def without(request): return text("without")
    @app.get("/both/")
    async def with_slash(request): return text("with")
    """,
    get("/a"),
    get("/a/"),
    get("/b"),
    get("/b/"),
    get("/both"),
    get("/both/"),
)
case(
    "every decorator",
    """
    @app.get("/m")
    async def a_get(request): return text("get")
    @app.post("/m")
    async def a_post(request): return text("post")
    @app.put("/m")
    async def a_put(request): return text("put")
    @app.patch("/m")
    async def a_patch(request): return text("patch")
    @app.delete("/m")
    async def a_delete(request): return text("delete")
    @app.head("/m")
    async def a_head(request): return text("head", headers={"x-head": "1"})
    @app.options("/m")
    async def an_options(request): return text("options")
    """,
    *(request(method, "/m") for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
    request("TRACE", "/m"),
    request("PURGE", "/m"),
)
case(
    "route with several methods",
    """
    @app.route("/a")
    async def a(request): return text(request.method)
    @app.route("/b", methods=["POST", "PUT"])
    async def b(request): return text(request.method)
    @app.route("/c", methods=["get", "Post"])
    async def c(request): return text(request.method)
    @app.route("/h", methods=["GET", "HEAD"])
    async def h(request): return text("twelve bytes")
    """,
    get("/a"),
    post("/a", body=b""),
    head("/a"),
    post("/b", body=b"x"),
    request("PUT", "/b", body=b"x"),
    get("/b"),
    options("/b"),
    get("/c"),
    post("/c", body=b""),
    get("/h"),
    head("/h"),
)
case(
    "a method that HTTP does not know",
    """
    @app.route("/a", methods=["BREW"])
    async def a(request): return text(request.method)
    """,
    request("BREW", "/a"),
    get("/a"),
    fails=True,
)
case(
    "404 and 405 tell what is allowed",
    """
    @app.post("/one")
    async def one(request): return text("")
    @app.route("/three", methods=["PUT", "DELETE", "PATCH"])
    async def three(request): return text("")
    @app.get("/p/<x:int>")
    async def p(request, x): return text("")
    """,
    get("/one"),
    head("/one"),
    options("/one"),
    post("/p/1", body=b"x"),
    post("/p/x", body=b"x"),
    get("/none"),
    post("/none", body=b"x"),
    head("/none"),
)
case(
    "add_route",
    """
    async def handler(request, x="default"): return text(f"{request.method} {x} {request.name}")
    def plain(request): return text("plain")
    app.add_route(handler, "/a")
    app.add_route(handler, "/b/<x>", methods=["POST", "PUT"], name="named")
    app.add_route(plain, "/c")
    """,
    get("/a"),
    post("/b/1", body=b""),
    get("/b/1"),
    get("/c"),
    get("/d"),
)
case(
    "versions",
    """
    @app.get("/a", version=1)
    async def one(request): return text("v1 " + request.path)
    @app.get("/a", version=2)
    async def two(request): return text("v2")
    @app.get("/b", version="1.1")
    async def b(request): return text("1.1")
    @app.get("/c", version="v3")
    async def c(request): return text("v3")
    @app.get("/d", version=1.5)
    async def d(request): return text("1.5")
    """,
    get("/v1/a"),
    get("/v2/a"),
    get("/v3/a"),
    get("/a"),
    get("/v1.1/b"),
    get("/v3/c"),
    get("/vv3/c"),
    get("/v1.5/d"),
    post("/v1/a", body=b""),
)
case(
    "version_prefix",
    """
    @app.get("/a", version=1, version_prefix="/api/v")
    async def a(request): return text("a")
    @app.get("/b", version=1, version_prefix="/<tenant>/v")
    async def b(request, tenant): return text(tenant)
    """,
    get("/api/v1/a"),
    get("/v1/a"),
    get("/x/v1/b"),
    get("/v1/b"),
)
case(
    "route names",
    """
    @app.get("/a")
    async def plain(request): return text(f"{request.name} {request.endpoint}")
    @app.get("/b", name="other")
    async def b(request): return text(f"{request.name} {request.endpoint}")
    """,
    get("/a"),
    get("/b"),
    get("/c"),
)
case(
    "duplicate route names",
    """
    @app.get("/a")
    async def same(request): return text("a")
    @app.get("/b")
    async def same(request): return text("b")
    """,
    get("/a"),
    fails=True,
)
case(
    "host routes",
    """
    @app.get("/", host="one.test")
    async def one(request): return text("one")
    @app.get("/", host=["two.test", "three.test"])
    async def two(request): return text("two")
    @app.get("/any")
    async def anywhere(request): return text("any")
    """,
    get("/", {"host": "one.test"}),
    get("/", {"host": "two.test"}),
    get("/", {"host": "three.test"}),
    get("/", {"host": "one.test:8000"}),
    get("/", {"host": "four.test"}),
    get("/any", {"host": "four.test"}),
    get("/", {"host": ""}),
)
case(
    "a route without a leading slash",
    """
    @app.get("a")
    async def a(request): return text("a")
    """,
    get("/a"),
)
case(
    "a handler without parameters",
    """
    @app.get("/a")
    async def a(): return text("a")
    """,
    get("/a"),
    fails=True,
)
case(
    "a handler whose parameter has another name",
    """
    @app.get("/a/<x>")
    async def a(request, y): return text("a")
    """,
    get("/a/1"),
    log_differs="handler-arguments",
)
case(
    "odd targets",
    """
    @app.get("/<p:path>")
    async def p(request, p): return json([p, request.path, request.query_string])
    """,
    get("/a?b=c"),
    get("/a?"),
    get("/a??b"),
    get("/a#b"),
    get("/a;b=c"),
    get("/a//b"),
    get("/./a/../b"),
    get("http://parity.test/abs?x=1"),
    options("*"),
    get("/" + "a" * 3000),
)
case(
    "ctx of a route",
    """
    @app.get("/a", ctx_role="admin", ctx_level=3)
    async def a(request): return json([request.route.ctx.role, request.route.ctx.level])
    """,
    get("/a"),
    get("/b"),
)
case(
    "the first route that matches the path decides about the method",
    """
    @app.options("/v1/b")
    async def a(request): return text("static")
    @app.get("/<p>/<q:slug>")
    async def b(request, p, q): return text("dynamic")
    @app.get("/n/<x:int>")
    async def c(request, x): return text("int")
    @app.post("/n/<x:str>")
    async def d(request, x): return text("str")
    @app.get("/")
    async def e(request): return text("root")
    @app.delete("/<p:strorempty>")
    async def f(request, p): return text("strorempty " + p)
    """,
    get("/v1/b"),
    post("/v1/b", body=b""),
    post("/n/1", body=b""),
    get("/n/a"),
    request("PUT", "/n/1"),
    request("DELETE", "/"),
    request("DELETE", "/x"),
    request("PUT", "/"),
    options("//"),
)
case(
    "ext, path and strorempty among other segments",
    """
    @app.get("/e/<p:ext>/a-b")
    async def a(request, p, ext): return json([p, ext])
    @app.get("/z/<p:strorempty>/a-b/<q:path>")
    async def b(request, p, q): return json([p, q])
    @app.get("/y/<p:path>/end")
    async def c(request, p): return json(p)
    """,
    get("/z/1/a-b/"),
    get("/z/1/a-b/x/y"),
    get("/z//a-b/x"),
    get("/y/1/2/end"),
    get("/y/end"),
    get("/y/1/2"),
)
