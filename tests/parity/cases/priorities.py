"""Which route wins: every pair of types in one place, and what the first that matches says about the method."""

from itertools import combinations

from tests.parity.case import case
from tests.parity.wire import get, options, post, request

VALUES = {
    "str": ("abc", "a.b"),
    "strorempty": ("", "a~b"),
    "int": ("12", "-3"),
    "float": ("1.5", "1e3"),
    "alpha": ("abc", "a1"),
    "slug": ("a-b", "a--b"),
    "ymd": ("2024-02-29", "2023-02-29"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
    "ext": ("a.txt", ".txt"),
    "path": ("a/b", "a/"),
    "[a-z]+": ("abc", "ab1"),
}
LABEL = {"[a-z]+": "regex"}

TWO = """
@app.get("/p/<x:{0}>")
async def first(request, x, ext=None): return json(["first", str(x), type(x).__name__, ext])
@app.route("/p/<x:{1}>", methods=["GET", "POST"])
async def second(request, x, ext=None): return json(["second", str(x), type(x).__name__, ext])
"""

for value, later_value in combinations(VALUES, 2):
    # The second route accepts POST too, but must not get the requests that match the first one.
    case(
        f"{LABEL.get(value, value)} before or after {LABEL.get(later_value, later_value)}",
        TWO.format(value, later_value),
        *(get(f"/p/{example}") for example in (*VALUES[value], *VALUES[later_value])),
        *(post(f"/p/{kind[0]}", body=b"") for kind in (VALUES[value], VALUES[later_value])),
        scrub=(r"URL (None|/p/\S+) not",),
    )

NAMED = """
@app.{0}("{1}")
async def a(request, **given): return json(["a", dict(sorted(given.items()))])
@app.{2}("{3}")
async def b(request, **given): return json(["b", dict(sorted(given.items()))])
"""
for name, first, second, paths in (
    ("a literal and a parameter", ("get", "/p/new"), ("post", "/p/<x>"), ("/p/new", "/p/old", "/p/", "/p/new/")),
    ("a literal and an int", ("get", "/p/1"), ("post", "/p/<x:int>"), ("/p/1", "/p/2", "/p/01", "/p/x")),
    ("a literal and a path", ("get", "/p/new"), ("post", "/p/<x:path>"), ("/p/new", "/p/new/", "/p/new/er", "/p/")),
    ("the root and a path", ("get", "/"), ("post", "/<x:path>"), ("/", "//", "/a", "/a/")),
    ("the root and a parameter", ("get", "/"), ("post", "/<x>"), ("/", "//", "/a", "/a/")),
    ("the root and strorempty", ("get", "/"), ("post", "/<x:strorempty>"), ("/", "//", "/a", "/a/")),
    ("a longer literal", ("get", "/p/<x>/edit"), ("post", "/p/new/<y>"), ("/p/new/edit", "/p/1/edit", "/p/new/1")),
    ("a longer parameter", ("get", "/p/<x:int>/<y>"), ("post", "/p/<x>/edit"), ("/p/1/edit", "/p/a/edit", "/p/1/2")),
    ("a path below a path", ("get", "/p/<x:path>"), ("post", "/p/q/<x:path>"), ("/p/q/r", "/p/q/", "/p/q", "/p/r")),
    ("a path and its end", ("get", "/<x:path>"), ("post", "/<x:path>/end"), ("/a/end", "/a/b/end", "/end", "/a/end/")),
    ("a path behind an int", ("get", "/<a:int>/<b:path>"), ("post", "/<a:path>"), ("/1/b", "/a/b", "/1", "/1/")),
    ("a path behind a literal", ("get", "/<a:str>/<b:path>"), ("post", "/p/<a:path>"), ("/p/b", "/a/b", "/p/", "/p")),
    ("two expressions", ("get", "/p/<x:[a-m]+>"), ("post", "/p/<x:[a-z]+>"), ("/p/abc", "/p/xyz", "/p/amz", "/p/1")),
    ("the deeper expression", ("get", "/<x:[a-z]+>/1"), ("post", "/<x:[a-c]+>/1/2"), ("/a/1", "/a/1/2", "/z/1")),
    ("a slash within", ("get", r"/p/<x:\d+/\d+>"), ("post", "/p/<x:int>/<y>"), ("/p/1/2", "/p/1/a", "/p/1")),
    ("an int of other routes", ("get", "/<x:int>/b"), ("post", "/<x:int>"), ("/1", "/1/b", "/1/", "/1/c")),
    ("strict and loose", ("get", "/p/<x>/"), ("post", "/p/<x>"), ("/p/1", "/p/1/", "/p/1//")),
    ("ext and its choice", ("get", "/p/<x:ext=txt>"), ("post", "/p/<x:ext>"), ("/p/a.txt", "/p/a.gz", "/p/a")),
    ("ext of an int", ("get", "/p/<x=int:ext>"), ("post", "/p/<x:str>"), ("/p/1.txt", "/p/a.txt", "/p/a", "/p/.txt")),
    ("a version and a literal", ("get", "/v1/<x>"), ("post", "/v1/a"), ("/v1/a", "/v1/b", "/v1", "/v2/a")),
):  # fmt: skip
    case(
        name,
        NAMED.format(*first, *second),
        *(
            request(method, path, body=b"" if method == "POST" else None)
            for path in paths
            for method in ("GET", "POST")
        ),
        *(options(path) for path in paths[-1:] if name != "strict and loose"),
        scrub=(r"URL (None|/\S*) not",),
    )

case(
    "405 where several routes have one path",
    """
    @app.get("/p/<x>")
    async def a(request, x): return text("a")
    @app.post("/p/<y>")
    async def b(request, y): return text("b")
    """,
    options("/p/1"),
    differs="allow-header",
)
case(
    "a number that another route has made",
    """
    @app.get("/<x:int>/b")
    async def a(request, x): return text("a")
    @app.get("/<y>/<p:path>")
    async def b(request, y, p): return json([y, p])
    """,
    get("/5/c"),
    differs="route-leftovers",
)
case(
    "a catch-all behind an expression for another host",
    """
    @app.get("/p/<x:[a-z]+>", host="one.test")
    async def a(request, x): return text("a")
    @app.get("/<p:path>")
    async def b(request, p): return text(p)
    """,
    get("/p/1"),
    differs="route-leftovers",
)
# A path without parameters for certain hosts is one of the tree: as a literal, and after ways where no path ends.
case(
    "a literal for a host behind parameters",
    """
    def handler(told):
        async def handle(request, **given): return json([told, sorted(given.items())])
        return handle
    for number, (uri, options) in enumerate((
        ("/day/", {"strict_slashes": True, "host": ["one.test", "two.test"]}),
        ("/day", {"host": ["one.test", "two.test"]}),
        ("/<x:str>/", {"strict_slashes": True, "host": "two.test"}),
        ("/a/b", {"host": "one.test"}),
        ("/<x:slug>/b/<y:int>", {}),
        ("/<x:[a-c]>/b", {"methods": ["POST"]}),
        ("/c/b", {}),
    )):
        app.add_route(handler(number), uri, name=f"r{number}", **options)
    """,
    *(
        request(method, path, {"host": host})
        for method, path in (
            *(("GET", path) for path in ("/day", "/day/", "/day//", "/a/b", "/a/b/", "/a/b/1", "/c/b", "/d/b")),
            ("POST", "/a/b"),
            ("POST", "/c/b"),
        )
        for host in ("one.test", "two.test", "no.test")
    ),
)
case(
    "expressions and strorempty that go on by a literal with a mark",
    """
    def handler(told):
        async def handle(request, **given): return json([told, sorted(given.items())])
        return handle
    for number, (uri, methods) in enumerate((
        ("/<s:strorempty>", ["GET"]), ("/<p:[a-z]>", ["HEAD"]), ("/<p:[a-z]>/a%40b", ["DELETE"]),
        ("/<r:strorempty>/<s:float>", ["OPTIONS"]),
    )):
        app.add_route(handler(number), uri, methods=methods, name=f"r{number}")
    """,
    *(request(method, path) for method in ("GET", "OPTIONS") for path in ("/a", "/", "/ab", "/a/a%40b", "/a/1")),
)
case(
    "a short literal for a host beside others",
    """
    @app.get("/a", host="one.test")
    async def a(request): return text("a")
    @app.get("/b", host="one.test")
    async def b(request): return text("b")
    @app.get("/<x>")
    async def x(request, x): return text(f"x {x}")
    @app.get("/<x>/more")
    async def more(request, x): return text(f"more {x}")
    """,
    *(request("GET", path, {"host": host}) for path in ("/b/more", "/b/less") for host in ("one.test", "two.test")),
    differs="route-leftovers",
)
case(
    "slashes behind a parameter that holds some",
    """
    @app.get(r"/<x:\\d/\\d>/a/<y:strorempty>/", strict_slashes=True)
    async def a(request, x, y): return json([x, y])
    @app.get("/p/<x:path>/a/<y:strorempty>/<z:strorempty>")
    async def b(request, x, y, z): return json([x, y, z])
    """,
    *(get(f"/1/1/a{'/' * count}") for count in range(5)),
    *(get(f"/p/x/y/a{'/' * count}") for count in range(6)),
    get("/1/1/a/b//"),
    get("/1/1/a" + "/" * 30),
    get("/p/a" + "/" * 30),
)
# A literal that a path ends with comes after parameters that none ends with.
case(
    "a literal with a route of its own behind a parameter without one",
    """
    def handler(told):
        async def handle(request, **given): return json([told, sorted(given.items())])
        return handle
    for number, uri in enumerate((
        "/u/<x>/posts", "/u/<x>/posts/<post>", "/u/<x>/<part>/<n:int>",
        "/v/<x>/posts", "/v/<x>/posts/<post>", "/v/<x>/<part>/<n:int>", "/v/<x>/<part>",
        "/w/<x>/posts/<post>", "/w/<x>/<part>/<n:int>",
    )):
        app.add_route(handler(uri), uri, name=f"r{number}")
    """,
    get("/u/7/posts/1"),
    get("/u/7/posts/first"),
    get("/u/7/posts"),
    get("/u/7/posts/"),
    get("/u/7/posts/1/2"),
    post("/u/7/posts/1"),
    get("/v/7/posts/1"),
    get("/w/7/posts/1"),
)
case(
    "a literal for a certain host behind a parameter without a route of its own",
    """
    def handler(told):
        async def handle(request, **given): return json([told, sorted(given.items())])
        return handle
    for number, (uri, host) in enumerate((
        ("/a", "one.test"), ("/a/<y>", None), ("/<x>/<n:int>", None), ("/b/<y>", None), ("/b", None),
    )):
        app.add_route(handler(uri), uri, host=host, name=f"r{number}")
    """,
    get("/a/1"),
    get("/a/1", {"host": "one.test"}),
    get("/a/z"),
    get("/a", {"host": "one.test"}),
    get("/a"),
    get("/b/1"),
    get("/c/z"),
)
