"""Cookies of requests, and those that responses set."""

from collections.abc import Iterable

from tests.parity.case import case
from tests.parity.expressions import expressions
from tests.parity.wire import get

READ = ("dict(request.cookies)",)
JAR = "from datetime import datetime, timedelta, timezone\nfrom sanic.compat import Header\n"
JAR += "from sanic.cookies import Cookie, CookieJar\n"


def read(name: str, *texts: str) -> None:
    """Add a case: what is read from these Cookie headers."""
    expressions(name, READ, *(get("/", {"cookie": text}) for text in texts))


def written(name: str, arguments: Iterable[str]) -> None:
    """Add a case: what a cookie made of these arguments writes."""
    expressions(name, [f"str(Cookie({argument}))" for argument in arguments], before=JAR)


read("read, one and several", "a=1", "a=1; b=2", "a=1;b=2", "a=1;  b=2 ;", ";a=1;;b=2;")
read("read, one name twice", "a=1; a=2", "a=2; a=1; a=", "a=1; b=1; a=2")
read("read, spaces", " a = 1 ", "a=1 2", "a= ", "a =1", "\ta=1")
read("read, quotes", 'a="1"', 'a="1 2; b=3', 'a="1;2"; b=3', 'a="', 'a="x\\"y"', "a='1'")
read("read, octal escapes", 'a="\\303\\274"', 'a="\\054"', 'a="\\400"', "a=\\054", 'a="\\\\"')
read("read, equal signs", "a=b=c", "=1", "a==", "a", "a; b=1", "=")
read("read, names", "A=1; a=2", "a.b=1", "a[]=1", "a b=1", "a,b=1", "$Version=1; a=1", "a/b=1")
read("read, values", "a=1,2", "a=(1)", "a=%C3%BC", "a=Ã¼", "a=\xff", 'a=1"2', "a={}", 'a={"b":1}')
read("read, prefixes", "__Host-a=1", "__Secure-a=1", "a=1; __Host-a=2", "__Secure-a=1; __Host-a=2; a=3", "__host-a=1")
read("read, long", "a=" + "x" * 4000, "; ".join(f"c{number}={number}" for number in range(100)))
expressions(
    "methods",
    [
        "request.cookies.get('a')",
        "request.cookies.get('zz')",
        "request.cookies.get('zz', 5)",
        "request.cookies['a']",
        "request.cookies['zz']",
        "request.cookies.getlist('a')",
        "request.cookies.getlist('zz')",
        "request.cookies.a",
        "request.cookies.zz",
        "request.cookies.dark_mode",
        "'a' in request.cookies",
        "list(request.cookies)",
        "len(request.cookies)",
        "request.cookies is request.cookies",
        "request.parsed_cookies is request.cookies",
        "request.get_cookies()",
        "type(request.cookies).__name__",
    ],
    get("/", {"cookie": "a=1; a=2; dark-mode=on"}),
    get("/", {"cookie": "__Host-a=1; a=2; dark-mode=off"}),
    get("/"),
)
expressions(
    "parse_cookie by hand",
    [f"parse_cookie({text!r})" for text in ("", "a=1", "a=1; a=2", 'a="b c"', ";", "=", "a", "ü=1", "a=ü")],
    before="from sanic.cookies.request import parse_cookie",
)
written("written, defaults", ["'a', '1'", "'a', ''", "'a-b.c_d', 'x'"])
written(
    "written, values",
    ["'a', '1 2'", "'a', 'x;y'", "'a', 'x,y'", "'a', '\"'", "'a', '\\\\'", "'a', 'ü'", "'a', 'x=y'", "'a', '/?&'"],
)
written("written, names that are none", ["'', '1'", "'a b', '1'", "'a;', '1'", "'a=b', '1'", "'ü', '1'", "'a,b', '1'"])
written(
    "written, names of attributes",
    ["'path', '1'", "'Path', '1'", "'max-age', '1'", "'domain', '1'", "'expires', '1'", "'samesite', '1'"],
)
written(
    "written, paths and domains",
    [
        "'a', '1', path='/x'",
        "'a', '1', path=None",
        "'a', '1', path=''",
        "'a', '1', domain='x.test'",
        "'a', '1', domain=''",
    ],
)
written(
    "written, how long it lives",
    [
        "'a', '1', max_age=5",
        "'a', '1', max_age=0",
        "'a', '1', max_age='7'",
        "'a', '1', max_age=-1",
        "'a', '1', max_age='x'",
        "'a', '1', max_age=1.5",
    ],
)
written(
    "written, until when it lives",
    [
        "'a', '1', expires=datetime(2030, 1, 2, 3, 4, 5)",
        "'a', '1', expires=datetime(1999, 12, 31)",
        "'a', '1', expires='tomorrow'",
        "'a', '1', expires=5",
    ],
)
written(
    "written, same site",
    [
        "'a', '1', samesite=None",
        "'a', '1', samesite='none'",
        "'a', '1', samesite='STRICT'",
        "'a', '1', samesite='x'",
        "'a', '1', samesite=''",
    ],
)
written(
    "written, flags",
    [
        "'a', '1', secure=False",
        "'a', '1', httponly=True",
        "'a', '1', secure=False, httponly=True, samesite=None",
        "'a', '1', comment='why'",
    ],
)
written(
    "written, prefixes",
    [
        "'a', '1', host_prefix=True",
        "'a', '1', secure_prefix=True",
        "'a', '1', host_prefix=True, secure_prefix=True",
        "'a', '1', host_prefix=True, secure=False",
        "'a', '1', secure_prefix=True, secure=False",
        "'a', '1', host_prefix=True, path='/x'",
        "'a', '1', host_prefix=True, domain='x.test'",
    ],
)
written(
    "written, partitioned",
    [
        "'a', '1', partitioned=True",
        "'a', '1', partitioned=True, host_prefix=True",
        "'a', '1', partitioned=True, secure_prefix=True",
    ],
)
expressions(
    "a cookie's attributes",
    [
        "(Cookie('a', '1').key, Cookie('a', '1').value)",
        "Cookie('a', '1', path='/x').path",
        "Cookie('a', '1').domain",
        "Cookie('a', '1').samesite",
        "Cookie('a', '1').secure",
        "Cookie('a', '1').httponly",
        "Cookie('a', '1').partitioned",
        "Cookie('a', '1').expires",
        "Cookie('a', '1').comment",
        "Cookie.make_key('a', host_prefix=True)",
        "Cookie.make_key('a', secure_prefix=True)",
        "Cookie.make_key('a')",
        "Cookie.make_key('a', True, True)",
    ],
    before=JAR,
)


def setting(name: str, *bodies: str, **options: str) -> None:
    """Add a case: the `Set-Cookie` headers of a response on which this was done."""
    source = "\n".join(
        f"""
@app.get("/{number}")
async def handler{number}(request):
    response = text("", status=200)
    jar = response.cookies
    {body}
    return response
"""
        for number, body in enumerate(bodies)
    )
    tell = "def tell(response, found): response.body = repr(found).encode()\n"
    case(name, JAR + tell + source, *(get(f"/{number}") for number in range(len(bodies))), group="cookies", **options)  # type: ignore[arg-type]


setting(
    "set, one",
    'response.add_cookie("a", "1")',
    'response.add_cookie("a", "1", httponly=True)',
    'response.cookies.add_cookie("a", "1")',
)
setting(
    "set, several",
    'response.add_cookie("a", "1"); response.add_cookie("b", "2")',
    'response.add_cookie("a", "1"); response.add_cookie("a", "2")',
    'response.add_cookie("a", "1"); response.add_cookie("a", "2", path="/x")',
)
setting(
    "deleted",
    'response.delete_cookie("a")',
    'response.add_cookie("a", "1"); response.delete_cookie("a")',
    'response.add_cookie("a", "1", httponly=True, samesite="Strict"); response.delete_cookie("a")',
    'response.add_cookie("a", "1", path="/x"); response.delete_cookie("a")',
    'response.delete_cookie("a", path="/x", domain="x.test")',
    'response.delete_cookie("a", host_prefix=True)',
)
setting(
    "set with what can't be",
    'response.add_cookie("a b", "1")',
    'response.add_cookie("a", "1", samesite="x")',
    'response.add_cookie("a", "1", max_age="x")',
)
setting(
    "set, then changed",
    'response.add_cookie("a", "1").value = "2"',
    'cookie = response.add_cookie("a", "1"); cookie.path = "/x"; cookie.max_age = 5; cookie.secure = False',
    'cookie = response.add_cookie("a", "1"); cookie.samesite = "strict"; cookie.httponly = True',
    'cookie = response.add_cookie("a", "1"); cookie.max_age = "x"',
)
setting(
    "set beside headers",
    'response.headers["x"] = "1"; response.add_cookie("a", "1")',
    'response.headers.add("set-cookie", "raw=1")',
)
setting(
    "the jar",
    "tell(response, [jar.has_cookie('a'), jar.get_cookie('a'), len(jar)])",
    "jar.add_cookie('a', '1'); tell(response, [jar.has_cookie('a'), str(jar.get_cookie('a')), len(jar)])",
    "jar.add_cookie('a', '1'); tell(response, [jar.has_cookie('a', path='/x'), [c.key for c in jar.cookies]])",
    "jar.add_cookie('a', '1', host_prefix=True); tell(response, [jar.has_cookie('a', host_prefix=True), len(jar)])",
)
case(
    "set in middleware, for all kinds of answers",
    """
    @app.on_response
    async def remember(request, response):
        response.add_cookie("seen", request.cookies.get("seen", "0") + "1")

    @app.get("/")
    async def ok(request): return json({})
    @app.get("/error")
    async def error(request): raise BadRequest("no")
    @app.get("/empty")
    async def nothing(request): return empty()
    """,
    get("/"),
    get("/", {"cookie": "seen=5"}),
    get("/error"),
    get("/empty"),
    get("/missing"),
)
case(
    "prefixes that browsers insist on",
    """
KINDS = {
    "host": dict(key="__Host-id"), "secure": dict(key="__Secure-id"), "prefix": dict(key="id", host_prefix=True),
    "insecure": dict(key="id", host_prefix=True, secure=False),
    "path": dict(key="id", host_prefix=True, path="/a"), "domain": dict(key="id", host_prefix=True, domain="a.b"),
    "other": dict(key="id", secure_prefix=True, secure=False),
    "both": dict(key="id", secure_prefix=True, host_prefix=True),
    "none": dict(key="id", samesite="None"), "apart": dict(key="id", partitioned=True),
    "apart-host": dict(key="id", partitioned=True, host_prefix=True),
}

@app.get("/<kind>")
async def a(request, kind):
    response = text("ok")
    response.add_cookie(value="1", **KINDS[kind])
    return response
""",
    *(get(f"/{kind}") for kind in ("host", "secure", "prefix", "insecure", "path", "domain", "other", "both")),
    *(get(f"/{kind}") for kind in ("none", "apart", "apart-host")),
)
case(
    "prefixes in the name, without the attributes that they require",
    """
KINDS = {
    "insecure": dict(key="__Host-id", secure=False), "domain": dict(key="__host-id", domain="a.b"),
    "path": dict(key="__Host-id", path="/a"), "other": dict(key="__Secure-id", secure=False),
    "http": dict(key="__Http-id"), "host-http": dict(key="__Host-Http-id"),
    "none": dict(key="id", samesite="None", secure=False), "port": dict(key="id", domain="a.b:80"),
}

@app.get("/<kind>")
async def a(request, kind):
    response = text("ok")
    response.add_cookie(value="1", **KINDS[kind])
    return response
""",
    *(get(f"/{kind}") for kind in ("insecure", "domain", "path", "other", "none", "port", "http", "host-http")),
    differs="unstorable-cookies",
)
