"""app.url_for and request.url_for: names, hosts, options, queries, files, and what is refused."""

from tests.parity.case import case
from tests.parity.wire import Headers, get

ROUTES = """
app = Sanic("Parity")

@app.get("/")
async def root(request): ...
@app.get("/users/<user_id:int>/<name>")
async def user(request, user_id, name): ...
@app.post("/posted", name="posting")
async def posted(request): ...
@app.get("/v/<x:float>", version=2)
async def numbered(request, x): ...
@app.get("/w", version="3.1", version_prefix="/api/v")
async def prefixed(request): ...
@app.websocket("/feed/<room:slug>")
async def feed(request, ws, room): ...
@app.get("/file/<path:path>")
async def anywhere(request, path): ...
@app.get("/img/<file:ext>")
async def picture(request, file, ext): ...
@app.get("/strict/", strict_slashes=True)
async def strict(request): ...
@app.get("/re/<word:[a-z]{3}>")
async def word(request, word): ...
@app.get("/day/<day:ymd>/<key:uuid>/<letters:alpha>/<rest:strorempty>")
async def day(request, day, key, letters, rest): ...

bp = Blueprint("bp", url_prefix="/bp", version=1)
@bp.get("/<n:int>")
async def item(request, n): ...
@bp.get("/named", name="other")
async def something(request): ...
@bp.websocket("/ws")
async def talk(request, ws): ...
app.blueprint(bp)
"""

TELL = """

@app.get("/tell")
async def tell(request):
    url_for, told = app.url_for, []
    for build in BUILD:
        try:
            told.append(build(url_for, request))
        except Exception as error:
            told.append([type(error).__name__, str(error)])
    return json(told)
"""


def urls(
    name: str,
    *calls: str,
    routes: str = ROUTES,
    headers: Headers = (),
    differs: str | None = None,
    scrub: tuple[str, ...] = (),
) -> None:
    """Compare what calls give, or which exception they raise."""
    build = "".join(f"    lambda url_for, request: {call},\n" for call in calls)
    case(name, f"{routes}\nBUILD = [\n{build}]\n{TELL}", get("/tell", headers), differs=differs, scrub=scrub)


urls("a plain name", 'url_for("root")', 'url_for("posting")', 'url_for("Parity.root")')
urls("an unknown name", 'url_for("nothing")', 'url_for("Parity.nothing")', 'url_for("bp.nothing")', 'url_for("a.b.c")')
urls("the function's name where the route has another", 'url_for("posted")', 'url_for("bp.something")')
urls("odd names", 'url_for("")', 'url_for(".")', 'url_for("Parity.")', 'url_for(".root")', 'url_for("ROOT")')
urls("a name that is no string", "url_for(None)", "url_for(5)", "url_for(b'root')")
urls("a name in a blueprint", 'url_for("bp.item", n=3)', 'url_for("Parity.bp.item", n=3)', 'url_for("item", n=3)')
urls("a given name in a blueprint", 'url_for("bp.other")', 'url_for("Parity.bp.other")', 'url_for("other")')
urls("path parameters", 'url_for("user", user_id=1, name="ada")', 'url_for("user", user_id="7", name=8)')
urls("a parameter that is missing", 'url_for("user")', 'url_for("user", user_id=1)', 'url_for("user", name="x")')
urls("a parameter of a wrong type", 'url_for("user", user_id="x", name="a")', 'url_for("numbered", x="y")')
urls("a parameter of None", 'url_for("user", user_id=None, name="a")', 'url_for("user", user_id=1, name=None)')
urls("negative and signed numbers", 'url_for("user", user_id=-4, name="a")', 'url_for("numbered", x=-0.5)')
urls("a float", 'url_for("numbered", x=1)', 'url_for("numbered", x=1.5)', 'url_for("numbered", x=1e30)')
urls(
    "letters outside ASCII",
    'url_for("user", user_id=1, name="jürgen")',
    'url_for("root", q="jürgen")',
    'url_for("user", user_id=1, name="a b")',
)
urls("a slash in a parameter", 'url_for("user", user_id=1, name="a/b")', 'url_for("anywhere", path="a/b c/d")')
urls(
    "reserved characters in a parameter",
    'url_for("user", user_id=1, name="a?b#c")',
    'url_for("user", user_id=1, name="a%2Fb")',
)
urls("an empty parameter", 'url_for("user", user_id=1, name="")', 'url_for("anywhere", path="")')
urls("a path parameter with its slash", 'url_for("anywhere", path="/a")', 'url_for("anywhere", path="a//b/")')
urls(
    "a regular expression", 'url_for("word", word="abc")', 'url_for("word", word="ABC")', 'url_for("word", word="abcd")'
)
urls(
    "a day, a key, letters",
    'url_for("day", day="2024-02-29", key="123e4567-e89b-12d3-a456-426614174000", letters="ab", rest="")',
    'url_for("day", day="2024-13-29", key="123e4567-e89b-12d3-a456-426614174000", letters="ab", rest="")',
    'url_for("day", day="2024-02-29", key="x", letters="ab", rest="")',
    'url_for("day", day="2024-02-29", key="123e4567-e89b-12d3-a456-426614174000", letters="a1", rest="x")',
    scrub=(r"\^\(?\[12\].*?\$",),
)
urls("a version", 'url_for("numbered", x=2.5)', 'url_for("prefixed")', 'url_for("bp.other")', 'url_for("v2.numbered")')
urls("a strict slash", 'url_for("strict")', 'url_for("strict", a=1)', 'url_for("strict", _anchor="x")')
urls(
    "an extension",
    'url_for("picture", file="a", ext="png")',
    'url_for("picture", file="a.png")',
    'url_for("picture")',
    scrub=(r": \^\[.*?\$\"",),
)
urls("query arguments", 'url_for("root", a=1, b="x y", c="&=")', 'url_for("root", z=1, a=2)', 'url_for("root", a="")')
urls("query arguments of None", 'url_for("root", a=None)', 'url_for("root", a=[None, 1])')
urls(
    "lists in the query", 'url_for("root", a=[1, 2], b=("x",))', 'url_for("root", a=[])', 'url_for("root", a={"k": 1})'
)
urls("true and false in the query", 'url_for("root", a=True, b=False)', 'url_for("root", a=b"x")')
urls(
    "an argument that looks like an option",
    'url_for("root", _x=1)',
    'url_for("root", __a=2)',
    'url_for("root", host=3)',
)
urls(
    "an anchor", 'url_for("root", _anchor="top")', 'url_for("root", _anchor="a b", q=1)', 'url_for("root", _anchor="")'
)
urls("an anchor of another type", 'url_for("root", _anchor=5)', 'url_for("root", _anchor=None)')
urls(
    "external without a server",
    'url_for("root", _external=True)',
    'url_for("user", user_id=1, name="a", _external=True)',
    'url_for("root", _external=False)',
)
urls(
    "external with a server",
    'url_for("root", _external=True, _server="s.test")',
    'url_for("root", _external=True, _server="https://s.test")',
    'url_for("root", _external=True, _server="")',
    'url_for("root", _server="s.test")',
)
urls(
    "a scheme",
    'url_for("root", _external=True, _scheme="https", _server="s.test")',
    'url_for("root", _external=True, _scheme="ftp", _server="s.test")',
    'url_for("root", _scheme="https")',
    'url_for("root", _scheme="https", _external=False)',
    'url_for("root", _scheme="", _external=True)',
    'url_for("root", _scheme=None)',
)
urls(
    "a scheme in the server and beside it",
    'url_for("root", _external=True, _scheme="http", _server="https://s.test")',
    'url_for("root", _external=True, _server="http://s.test:80/base")',
    'url_for("root", _external=True, _server="//s.test")',
)
urls(
    "a method",
    'url_for("root", _method="GET")',
    'url_for("root", _method="POST")',
    'url_for("root", _method="nonsense", a=1)',
)
urls(
    "a host",
    'url_for("root", _host="h.test")',
    'url_for("root", _host="h.test", _external=True)',
    'url_for("root", _host="h.test", _server="s.test")',
    'url_for("root", _host="h.test", _external=False)',
)
urls(
    "a websocket",
    'url_for("feed", room="a-b")',
    'url_for("feed", room="a-b", _external=True)',
    'url_for("feed", room="a-b", _external=True, _server="s.test")',
    'url_for("feed", room="a-b", _external=True, _scheme="wss", _server="s.test")',
    'url_for("feed", room="A B")',
    'url_for("bp.talk")',
    'url_for("websocket_handler_feed", room="a")',
)

SERVER = ROUTES + '\napp.config.SERVER_NAME = "configured.test:8080"\n'
urls(
    "SERVER_NAME",
    'url_for("root")',
    'url_for("root", _external=True)',
    'url_for("root", _external=True, _scheme="https")',
    'url_for("root", _external=True, _server="s.test")',
    'url_for("feed", room="a", _external=True)',
    'request.url_for("root")',
    routes=SERVER,
)
urls(
    "SERVER_NAME with a scheme",
    'url_for("root")',
    'url_for("root", _external=True)',
    'url_for("root", _external=True, _scheme="ftp")',
    'url_for("feed", room="a", _external=True)',
    'request.url_for("root")',
    routes=ROUTES + '\napp.config.SERVER_NAME = "https://configured.test/base"\n',
)
urls(
    "SERVER_NAME that is empty or none",
    'url_for("root", _external=True)',
    'request.url_for("root")',
    routes=ROUTES + '\napp.config.SERVER_NAME = ""\n',
)

# Sanic keeps hosts in sets, whose order changes from run to run.
SETS = (r"frozenset\(\{.*?\}\)", r"(this route|ambiguous): [^\"]*")
HOSTS = """
app = Sanic("Parity")

@app.get("/one", host="one.test")
async def one(request): ...
@app.get("/two", host=["two.test", "zwei.test"])
async def two(request): ...
@app.get("/three")
async def three(request): ...
@app.get("/port", host="one.test:81")
async def port(request): ...
"""
urls(
    "a route of one host",
    'url_for("one")',
    'url_for("one", _external=True)',
    'url_for("one", _host="one.test")',
    'url_for("one", _host="other.test")',
    'url_for("port", _external=True)',
    routes=HOSTS,
    scrub=SETS,
)
urls(
    "a route of two hosts",
    'url_for("two")',
    'url_for("two", _external=True)',
    'url_for("two", _host="zwei.test")',
    'url_for("two", _host="other.test")',
    'url_for("two_zwei_test")',
    'url_for("two_zwei_test", _host="zwei.test")',
    routes=HOSTS,
    scrub=SETS,
)
urls(
    "a host and a server",
    'url_for("one", _external=True, _server="s.test")',
    'url_for("two", _host="two.test", _server="s.test", _external=True)',
    'url_for("three", _host="any.test", _scheme="https")',
    routes=HOSTS,
)

urls(
    "request.url_for",
    'request.url_for("root")',
    'request.url_for("user", user_id=1, name="x", q=[1, 2])',
    'request.url_for("bp.item", n=1)',
    'request.url_for("nothing")',
    'request.url_for("user")',
)
urls(
    "request.url_for with options",
    'request.url_for("root", _anchor="x")',
    'request.url_for("feed", room="a")',
    'request.url_for("tell")',
)
urls("request.url_for and the Host header", 'request.url_for("root")', headers={"host": "named.test:81"})
urls("request.url_for without a useful Host", 'request.url_for("root")', headers={"host": ""})
urls("request.url_for with port 80 in Host", 'request.url_for("root")', headers={"host": "named.test:80"})
urls(
    "request.url_for behind a proxy",
    'request.url_for("root")',
    'request.url_for("feed", room="a")',
    routes=ROUTES + "\napp.config.PROXIES_COUNT = 1\n",
    headers={
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "outside.test",
        "x-forwarded-port": "444",
        "x-forwarded-path": "/app/",
    },
)
urls(
    "request.url_for behind a proxy that is not believed",
    'request.url_for("root")',
    headers={"x-forwarded-proto": "https", "x-forwarded-host": "outside.test"},
)
urls(
    "request.url_for behind a proxy by Forwarded",
    'request.url_for("root")',
    routes=ROUTES + '\napp.config.FORWARDED_SECRET = "s3cr3t"\n',
    headers={"forwarded": 'for=1.2.3.4;host="outside.test:81";proto=https;secret=s3cr3t'},
)

FILES = """
app = Sanic("Parity")
top = folder({"a.txt": "a", "sub/b.txt": "b"})
app.static("/files", top)
app.static("/single", top / "a.txt", name="single")
app.static("/strict/", top, name="strict", strict_slashes=True)
app.static("/hosted", top, name="hosted", host="files.test")
bp = Blueprint("bp", url_prefix="/bp")
bp.static("/files", top)
bp.static("/one", top / "a.txt", name="one")
app.blueprint(bp)
"""
urls(
    "files",
    'url_for("static", filename="a.txt")',
    'url_for("static", filename="/sub/b.txt")',
    'url_for("static", filename="//b.txt")',
    'url_for("static", filename="none.txt", v=3)',
    'url_for("Parity.static", filename="a.txt")',
    routes=FILES,
)
urls(
    "a file without a name",
    'url_for("static")',
    'url_for("static", filename="")',
    'url_for("static", filename="/")',
    'url_for("static", file="a.txt")',
    routes=FILES,
)
urls(
    "odd file names",
    'url_for("static", filename="a b/ü.txt")',
    'url_for("static", filename="../x")',
    'url_for("static", filename="a?b#c%20")',
    'url_for("static", filename=5)',
    'url_for("static", filename=None)',
    routes=FILES,
)
urls(
    "a single file",
    'url_for("single")',
    'url_for("static", name="single")',
    'url_for("single", filename="x")',
    'url_for("static", name="single", filename="x")',
    routes=FILES,
)
urls(
    "files of several statics",
    'url_for("strict", filename="a.txt")',
    'url_for("static", name="strict", filename="a.txt")',
    'url_for("static", name="nothing", filename="a.txt")',
    'url_for("static", name="static", filename="a.txt")',
    routes=FILES,
)
urls(
    "files of a blueprint",
    'url_for("bp.static", filename="a.txt")',
    'url_for("static", name="bp.static", filename="a.txt")',
    'url_for("bp.one")',
    'url_for("static", name="bp.one")',
    'url_for("bp.static", name="one")',
    'url_for("bp.nothing", filename="a.txt")',
    routes=FILES,
)
urls(
    "files from outside",
    'url_for("static", filename="a.txt", _external=True)',
    'url_for("static", filename="a.txt", _external=True, _server="cdn.test", _scheme="https")',
    'url_for("static", filename="a.txt", _anchor="x")',
    'url_for("hosted", filename="a.txt")',
    'url_for("hosted", filename="a.txt", _external=True)',
    'request.url_for("static", filename="a.txt")',
    routes=FILES,
)

TWICE = """
app = Sanic("Parity")
bp = Blueprint("bp", url_prefix="/bp")
@bp.get("/a")
async def a(request): ...
other = bp.copy("other", url_prefix="/other", version=2)
app.blueprint(bp)
app.blueprint(other)
inner = Blueprint("inner", url_prefix="/inner")
@inner.get("/<x>")
async def b(request, x): ...
app.blueprint(Blueprint.group(inner, url_prefix="/g", name_prefix="pre"))
"""
urls(
    "errors of Sanic: a server with a port, copied blueprints",
    'url_for("bp.a")',
    'url_for("other.a")',
    'url_for("other.a", _external=True, _server="s.test:8000")',
    'request.url_for("other.a", _scheme="https")',
    routes=TWICE,
    differs="url-for",
)
urls(
    "grouped blueprints",
    'url_for("pre_inner.b", x=1)',
    'url_for("inner.b", x=1)',
    'url_for("pre_inner.b")',
    routes=TWICE,
)
urls(
    "a prefix with a parameter",
    'url_for("bp.a", tenant=3, q=1)',
    'url_for("bp.a", tenant="x")',
    'url_for("bp.a")',
    routes="""
app = Sanic("Parity")
bp = Blueprint("bp", url_prefix="/<tenant:int>")
@bp.get("/a")
async def a(request, tenant): ...
app.blueprint(bp)
""",
)
urls(
    "class views",
    'url_for("Page")',
    'url_for("shown")',
    'url_for("page")',
    'url_for("Other", x=3)',
    routes="""
from sanic.views import HTTPMethodView
app = Sanic("Parity")
class Page(HTTPMethodView):
    async def get(self, request): ...
class Other(HTTPMethodView, attach=app, uri="/other/<x:int>"):
    async def get(self, request, x): ...
app.add_route(Page.as_view(), "/page")
app.add_route(Page.as_view(), "/shown", name="shown")
""",
)
urls(
    "several routes of one handler",
    'url_for("one")',
    'url_for("two", x=1)',
    'url_for("handler")',
    routes="""
app = Sanic("Parity")
@app.get("/one", name="one")
@app.get("/two/<x:int>", name="two")
async def handler(request, x=0): ...
""",
)
urls(
    "types that were registered",
    'url_for("hexed", x="ff")',
    'url_for("hexed", x="zz")',
    'url_for("hexed", x=255)',
    routes="""
app = Sanic("Parity")
def hexadecimal(value): return int(value, 16)
app.router.register_pattern("hex", hexadecimal, r"^[0-9a-f]+$")
@app.get("/<x:hex>")
async def hexed(request, x): ...
""",
)
