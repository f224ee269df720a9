"""Commands, and what the command loads: `app.command`, `AppLoader`, the server of files."""

from tests.parity.case import case
from tests.parity.wire import get

LOADER = '''
app = Sanic("Parity")
import sys
from sanic.worker.loader import AppLoader

top = folder({
    "found.py": """
from sanic import Sanic
Sanic.test_mode = True
app = Sanic("found")
number = 3
def make(): return Sanic("made")
def make_with(args): return Sanic(f"made-{args}")
def make_perhaps_with(args=5): return Sanic(f"perhaps-{args}")
class Other(Sanic):
    def __init__(self): super().__init__("other")
""",
    "empty.py": "",
    "package/__init__.py": "app = None",
    "package/server.py": "from found import make; app = make()",
    "files/a.txt": "a",
})
sys.path.insert(0, str(top))

def tell(*args, **kwargs):
    try:
        found = AppLoader(*args, **kwargs).load()
    except BaseException as error:
        return "ValueError" if isinstance(error, ValueError) else type(error).__name__
    return found.name if isinstance(found, Sanic) else str(found)
'''
case(
    "targets of a loader",
    LOADER
    + """
@app.get("/")
async def handler(request):
    targets = ("found:app", "found.app", "found", "found:make", "found.make", "found:make()", "package.server:app")
    return json([tell(target) for target in targets])
""",
    get("/"),
)
case(
    "a loader and what it hands to a factory",
    LOADER
    + """
@app.get("/")
async def handler(request):
    return json([
        tell("found:make_with", as_factory=True, args=1),
        tell("found:make_with", args=2),
        tell("found:make_with"),
        tell("found:make", args=3),
        tell("found:make_perhaps_with", args=4),
        tell("found:make_perhaps_with", True),
        tell("found:Other", as_factory=True),
        tell(factory=lambda: Sanic("by-factory")),
    ])
""",
    get("/"),
)
case(
    "a loader's parts",
    LOADER
    + """
@app.get("/")
async def handler(request):
    names = ("module_input", "module_name", "app_name", "as_factory", "as_simple", "args")
    return json([
        [getattr(AppLoader(*args), name) for name in names]
        for args in (["a.b:c"], ["a.b.c"], ["a"], ["/a/b.c", False, True], ["a:b", True, False, 3], [])
    ])
""",
    get("/"),
)
case(
    "what a loader can't load",
    LOADER
    + """
@app.get("/")
async def handler(request):
    return json([
        tell("nosuch:app"), tell("nosuch"), tell("found:nosuch"), tell("found:number"), tell("empty"), tell("found:"),
        tell(), tell("nosuch/x"), tell("/nosuch", as_simple=True), tell("found:make.x"), tell("package.nosuch"),
        tell("found:Other"), tell(factory=lambda: 3),
    ])
""",
    get("/"),
)
case(
    "a server of files",
    """
    from sanic.simple import create_simple_server

    app = create_simple_server(folder({"index.html": "<p>index", "a.txt": "a", "sub/b.txt": "b"}))

    @app.on_response
    async def sign(request, response): response.headers["x-name"] = f"{request.name} {request.app.name}"
    """,
    get("/"),
    get("/a.txt"),
    get("/sub/b.txt"),
    get("/sub"),
)
case(
    "a server of files without a directory",
    """
    from pathlib import Path
    from sanic.simple import create_simple_server
    app = create_simple_server(Path("/no/such/directory"))
    """,
    get("/"),
    fails=True,
)
case(
    "commands are functions as before",
    """
    @app.command
    def one(a, b="x"): return f"{a}{b}"

    @app.command(name="other")
    async def two(*, a): return a

    @app.command()
    def three(): return 3

    @app.get("/")
    async def handler(request):
        return json([await one("1"), await one("1", b="2"), await two(a="a"), await three(), one.__name__])
    """,
    get("/"),
)
case(
    "a blueprint with commands",
    """
    bp = Blueprint("bp")

    @bp.command
    def one(): ...

    app.blueprint(bp)
    """,
    get("/"),
    fails=True,
)
case(
    "a command's name by position",
    """
    @app.command("name")
    def one(): ...
    """,
    get("/"),
    differs="decorator-arguments",
    fails=True,
)
