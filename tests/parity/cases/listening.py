"""Listeners: how they are registered, what they are called with, in which order, and what happens when they fail."""

from tests.parity.case import case
from tests.parity.wire import get

SHOW = """
seen = []
def note(name):
    def listener(app): seen.append(name)
    return listener
@app.get("/")
async def show(request): return json(seen)
"""
# The first request may come before Sanic has run what comes after the start.
ASK = (get("/none"), get("/none"), get("/"))


def listeners(name: str, registered: str, *, fails: bool = False) -> None:
    """Add a case: what was registered, and who was called at the start."""
    case(name, f"{SHOW}\n{registered.strip()}\n", *((get("/"),) if fails else ASK), fails=fails)


for form, written in {
    "the application": "def f(app): seen.append(type(app).__name__)",
    "application and loop": "def f(app, loop): seen.append([type(app).__name__, hasattr(loop, 'create_task')])",
    "a default for the loop": "def f(app, loop=None): seen.append([type(app).__name__, loop])",
    "any arguments": "def f(*args): seen.append(len(args))",
    "a coroutine function": "async def f(app): seen.append(app.name)",
    "a coroutine function with application and loop": "async def f(app, loop): seen.append(app.name)",
    "a lambda": "f = lambda app: seen.append(app.name)",
    "a bound method": "class A:\n    async def f(self, app): seen.append(app.name)\nf = A().f",
    "a partial": "from functools import partial\ndef g(n, app): seen.append([n, app.name])\nf = partial(g, 5)",
    "an object that can be called": "class A:\n    def __call__(self, app): seen.append(app.name)\nf = A()",
    "a function that gives an awaitable": "import asyncio\ndef f(app): return asyncio.sleep(0, seen.append('slept'))",
}.items():
    listeners(f"a listener that is or takes {form}", f"{written}\napp.register_listener(f, 'before_server_start')")

for form, written in {
    "by decorators": "@app.before_server_start\ndef a(app): seen.append('a')\napp.after_server_start(note('b'))",
    "by decorators with a priority": "@app.before_server_start(priority=3)\ndef a(app): seen.append('a')",
    "by name": "@app.listener('before_server_start')\ndef a(app): seen.append('a')",
    "by name, in capitals": "@app.listener('BEFORE_SERVER_START')\ndef a(app): seen.append('a')",
    "by name with a priority": "@app.listener('after_server_start', priority=2)\ndef a(app): seen.append('a')",
    "with function and name": "seen.append(app.listener(note('a'), 'before_server_start') is not None)",
    "with register_listener": "f = note('a')\nseen.append(app.register_listener(f, 'after_server_start') is f)",
    "without applying": "@app.listener('before_server_start', apply=False)\ndef a(app): seen.append('a')",
    "twice": "f = note('a')\napp.before_server_start(f)\napp.before_server_start(f)\napp.after_server_start(f)",
}.items():
    listeners(f"listeners registered {form}", written)

listeners(
    "the order of listeners",
    """
for moment in ("after_server_start", "before_server_start"):
    for name in ("one", "two"):
        app.register_listener(note(f"{moment} {name}"), moment)
    app.register_listener(note(f"{moment} first"), moment, priority=5)
    app.register_listener(note(f"{moment} last"), moment, priority=-5)
""",
)
listeners(
    "listeners of blueprints",
    """
bp, other = Blueprint("bp"), Blueprint("other")
app.before_server_start(note("app"))
bp.before_server_start(note("bp"))
bp.listener("before_server_start", priority=1)(note("bp first"))
@other.listener("after_server_start")
async def of_other(app, loop): seen.append("other")
app.blueprint(bp)
app.before_server_start(note("app again"))
app.blueprint(Blueprint.group(other, url_prefix="/x"))
""",
)
listeners(
    "listeners of a blueprint that is registered twice",
    """
bp = Blueprint("bp")
bp.before_server_start(note("bp"))
app.blueprint(bp)
app.blueprint(bp, url_prefix="/again")
""",
)
listeners(
    "listeners and signals of the server",
    """
app.before_server_start(note("one"))
@app.signal("server.init.before")
async def init(app, loop): seen.append("signal")
app.before_server_start(note("two"))
@app.signal("server.init.before", priority=3)
def first(**context): seen.append(sorted(context))
@app.signal("server.init.after")
async def after(**context): seen.append("after")
""",
)
listeners(
    "what listeners return",
    """
@app.before_server_start
def truth(app): return True
@app.before_server_start
async def answer(app): return text("ignored")
app.before_server_start(note("last"))
""",
)
for moment in ("before_server_start", "after_server_start"):
    case(
        f"what listeners put into the context {moment}",
        f"""
        @app.{moment}
        async def start(app): app.ctx.value = {{"from": "{moment}"}}
        @app.get("/")
        async def show(request): return json(getattr(app.ctx, "value", None) if request.args else None)
        """,
        get("/"),
        get("/"),
        get("/?now=1"),
    )
for form, written in {
    "raises": "async def f(app): raise ValueError('no start')",
    "raises by itself": "def f(app): 1 / 0",
    "takes too much": "def f(app, loop, more): ...",
    "exits": "def f(app): raise SystemExit(3)",
}.items():
    listeners(f"a listener that {form}", f"{written}\napp.before_server_start(f)", fails=True)
listeners(
    "the listeners after one that raises",
    "@app.before_server_start\nasync def f(app): raise ValueError('no')\napp.before_server_start(note('never'))",
    fails=True,
)
for form, written in {
    "no name": "app.listener(lambda app: 0)",
    "nothing for a name": "app.register_listener(lambda app: 0, None)",
    "a number for a name": "app.register_listener(lambda app: 0, 5)",
    "an event for a name": "from sanic.signals import Event as E\napp.register_listener(print, E.SERVER_INIT_BEFORE)",
}.items():
    listeners(
        f"a listener with {form}",
        "\n".join(
            [
                "try:",
                *(f"    {line}" for line in written.splitlines()),
                "except Exception as error: seen.append(f'{type(error).__name__}: {error}')",
            ]
        ),
    )
case(
    "listener events without priorities",
    """
    import logging
    told = []
    class Told(logging.Handler):
        def emit(self, record): told.append(record.getMessage())
    for name in ("sanic.root", "sanic.error"): logging.getLogger(name).addHandler(Told())
    for moment in ("main_process_start", "main_process_ready", "main_process_stop", "reload_process_start",
                   "reload_process_stop", "before_reload_trigger", "after_reload_trigger"):
        app.listener(moment, priority=3)(lambda app: None)
    asked = [each for each in told if "riority" in each]
    @app.get("/")
    async def show(request): return json(asked)
    """,
    get("/"),
    log_differs="listener-phases",
)
