"""Signals: names, dispatching, conditions, waiting, blueprints, and the events of requests and websockets."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import get, post, request

# Helpers of the sources: `say` returns a result or an exception, and the handlers that were called.
ASK = """
import asyncio, enum
from sanic.signals import Event
seen = []

def note(name, result=None):
    async def handler(**context):
        seen.append([name, {key: str(value) for key, value in sorted(context.items())}])
        return result
    return handler

async def say(what):
    seen.clear()
    try:
        value = await what
        if isinstance(value, asyncio.Task): value = ["task", await value]
    except BaseException as error:
        value = f"{type(error).__name__}: {error}"
    return [value, list(seen)]

async def refused(call):
    try: return await call()
    except Exception as error: return f"{type(error).__name__}: {error}"

async def turns():
    # Not a time: any would be too short on some machine.
    for _ in range(100): await asyncio.sleep(0)

async def waited(event, dispatched, **options):
    condition = options.pop("dispatched_under", None)
    waiting = [asyncio.ensure_future(app.event(event, **options)) for _ in range(2)]
    await turns()
    await app.dispatch(dispatched, context={"k": "v"}, condition=condition)
    await turns()
    for each in waiting: each.cancel()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    return [each if isinstance(each, dict) else f"{type(each).__name__}: {each}" for each in found]
"""


def asks(name: str, registered: str, *questions: str, **options: object) -> None:
    """Add a case: what was registered, and expressions that are evaluated while the application runs."""
    listed = ",\n        ".join(questions)
    source = f"""{ASK}
{registered}
@app.get("/")
async def ask(request):
    return json([
        {listed}
    ])
"""
    case(name, source, get("/"), **options)  # type: ignore[arg-type]


# Names -------------------------------------------------------------------------------------------------------------

NAMES = {
    "three parts": ["foo.bar.baz", "FOO.Bar.Baz", "1.2.3", "foo.bar.b-z", "foo.bar.b z", "foo/x.bar.baz"],
    "one part": ["foo", "a b", "ping"],
    "empty parts": ["foo..baz", "foo.bar.", ""],
    "two and four parts": ["foo.bar", "foo.bar.baz.qux", "a.b", "http.lifecycle"],
    "parameters elsewhere": ["<x>.bar.baz", "foo.<x>.baz", "<x>.<y>.<z>"],
    "parameters": ["foo.bar.<x>", "foo.bar.<x:int>", "foo.bar.<x:uuid>", "foo.bar.<x:[a-z]+>", "http.lifecycle.<x>"],
    "parameters that are none": ["foo.bar.<5>", "foo.bar.a<b>", "foo.bar.<>", "foo.bar.<x", "foo.bar.<x y>"],
    "reserved names": ["http.foo.bar", "server.x.y", "websocket.handler.foo", "http.lifecycle.nothing"],
    "reserved names that exist": ["http.lifecycle.begin", "server.init.after", "websocket.handler.before"],
}
for meaning, names in NAMES.items():
    case(
        f"names of {meaning}",
        f"""
        async def handler(**context): ...
        told = []
        for name in {names!r}:
            try: told.append(app.add_signal(handler, name) is handler)
            except Exception as error: told.append(f"{{type(error).__name__}}: {{error}}")
            try: told.append(app.signal(name)(handler) is handler)
            except Exception as error: told.append(f"{{type(error).__name__}}: {{error}}")
        @app.get("/")
        async def tell(request): return json(told)
        """,
        get("/"),
    )
for meaning, value in {"a number": "5", "nothing": "None", "a list": "[]", "bytes": 'b"a.b.c"'}.items():
    case(
        f"a name that is {meaning}",
        f"""
        async def handler(**context): ...
        try: app.add_signal(handler, {value}); told = "added"
        except Exception as error: told = type(error).__name__
        @app.get("/")
        async def tell(request): return text(told)
        """,
        get("/"),
    )
case(
    "a bad name stops the program",
    """
    @app.signal("shop.order")
    async def handler(**context): ...
    """,
    fails=True,
)
case(
    "names given by enumerations",
    """
    import enum
    from sanic.signals import Event
    class Mine(enum.Enum):
        PLACED = "shop.order.placed"
    class Text(str, enum.Enum):
        SENT = "shop.order.sent"
    seen = []
    @app.signal(Mine.PLACED)
    async def placed(**context): seen.append("placed")
    @app.signal(Text.SENT)
    async def sent(**context): seen.append("sent")
    @app.signal(Event.HTTP_LIFECYCLE_REQUEST)
    async def asked(**context): seen.append("asked")
    @app.get("/")
    async def tell(request):
        await app.dispatch(Mine.PLACED)
        await app.dispatch("shop.order.placed")
        await app.dispatch(Text.SENT, inline=True)
        return json(seen)
    """,
    get("/"),
)
case(
    "the events that there are",
    """
    from sanic.signals import RESERVED_NAMESPACES, Event
    @app.get("/")
    async def tell(request):
        return json([sorted((each.name, each.value) for each in Event),
                     {space: sorted(names) for space, names in RESERVED_NAMESPACES.items()}])
    """,
    get("/"),
)
case(
    "handlers that are none",
    """
    told = []
    added = app.add_signal(None, "foo.bar.none")
    told.append(callable(added))
    try: told.append(app.add_signal(5, "foo.bar.five"))
    except Exception as error: told.append(type(error).__name__)
    @app.get("/")
    async def tell(request):
        out = list(told)
        for event in ("foo.bar.none", "foo.bar.five"):
            try: out.append(await app.dispatch(event, inline=True))
            except Exception as error: out.append(type(error).__name__)
        return json(out)
    """,
    get("/"),
)
case(
    "a signal that is not applied",
    """
    seen = []
    @app.signal("foo.bar.baz", apply=False)
    async def handler(**context): seen.append(1)
    @app.get("/")
    async def tell(request):
        try: await app.dispatch("foo.bar.baz", inline=True)
        except Exception as error: seen.append(str(error))
        return json(seen)
    """,
    get("/"),
)

# Dispatching -------------------------------------------------------------------------------------------------------

asks(
    "dispatch in the background and inline",
    'app.add_signal(note("a", "A"), "foo.bar.a")\napp.add_signal(note("b"), "foo.bar.b")',
    'await say(app.dispatch("foo.bar.a"))',
    'await say(app.dispatch("foo.bar.a", inline=True))',
    'await say(app.dispatch("foo.bar.b", context={"one": 1, "two": [2]}))',
    'await say(app.dispatch("foo.bar.b", context={}, inline=True))',
)
asks(
    "an event that nobody listens to",
    'app.add_signal(note("a"), "foo.bar.a")',
    'await say(app.dispatch("no.such.event"))',
    'await say(app.dispatch("no.such.event", inline=True))',
    'await say(app.dispatch("no.such.event", inline=True, fail_not_found=False))',
    'await say(app.dispatch("no.such.event", fail_not_found=True))',
    'await say(app.dispatch("foo.bar.other", inline=True))',
    'await say(app.dispatch("alone", inline=True))',
    'await say(app.dispatch("foo.bar", inline=True))',
    'await say(app.dispatch("a.b.c.d", inline=True))',
    'await say(app.dispatch("no.such.event", condition={"a": "b"}, inline=True))',
)
asks(
    "an event of a reserved name that nobody listens to",
    "",
    'await say(app.dispatch("http.lifecycle.begin", inline=True))',
    "await say(app.dispatch(Event.HTTP_LIFECYCLE_BEGIN))",
    'await say(app.dispatch("http.no.such", inline=True))',
    'await say(app.dispatch("http.no.such", inline=True, fail_not_found=False))',
)
asks(
    "what can't be dispatched",
    'app.add_signal(note("a"), "foo.bar.a")',
    '(await say(app.dispatch(None)))[0].split(":")[0]',
    '(await say(app.dispatch(5, inline=True)))[0].split(":")[0]',
    '(await say(app.dispatch("foo.bar.a", context=5, inline=True)))[0].split(":")[0]',
    '(await say(app.dispatch("foo.bar.a", context="x", inline=True)))[0].split(":")[0]',
)
asks(
    "dispatching names of one part",
    'app.add_signal(note("a", "A"), "ping")\napp.add_signal(note("b", "B"), "pong")',
    'await say(app.dispatch("ping"))',
    'await say(app.dispatch("pong", inline=True, context={"x": 1}))',
    'await say(app.dispatch("pang", inline=True))',
)
asks(
    "the order of handlers, and who ends it",
    """
for number, result in enumerate([None, 0, "", False, [], {}]):
    app.add_signal(note(f"f{number}", result), "foo.order.all")
for name, result in (("one", None), ("two", "yes"), ("three", None)):
    app.add_signal(note(name, result), "foo.order.some")
same = note("same")
app.add_signal(same, "foo.order.twice")
app.add_signal(same, "foo.order.twice")
""",
    'await say(app.dispatch("foo.order.all", inline=True))',
    'await say(app.dispatch("foo.order.all", inline=True, reverse=True))',
    'await say(app.dispatch("foo.order.some"))',
    'await say(app.dispatch("foo.order.some", reverse=True))',
    'await say(app.dispatch("foo.order.twice"))',
)
asks(
    "priorities",
    """
app.signal("foo.prio.a")(note("0"))
app.signal("foo.prio.a", priority=5)(note("5"))
app.signal("foo.prio.<x>", priority=3)(note("x3"))
app.signal("foo.prio.a", priority=-5)(note("-5"))
app.signal("foo.prio.<x>", priority=5)(note("x5"))
""",
    '[each[0] for each in (await say(app.dispatch("foo.prio.a", inline=True)))[1]]',
    '[each[0] for each in (await say(app.dispatch("foo.prio.a", inline=True, reverse=True)))[1]]',
    '[each[0] for each in (await say(app.dispatch("foo.prio.b", inline=True)))[1]]',
)
asks(
    "synchronous handlers",
    """
@app.signal("foo.sync.a")
def a(**context): seen.append(["a", context])
@app.signal("foo.sync.b")
def b(n): return n * 2
""",
    'await say(app.dispatch("foo.sync.a", context={"n": 1}))',
    'await say(app.dispatch("foo.sync.b", context={"n": 2}, inline=True))',
    'await say(app.dispatch("foo.sync.b", context={"n": 3}))',
)
asks(
    "handlers that raise",
    """
@app.signal("foo.boom.a")
async def boom(**context): raise ValueError("boom")
app.add_signal(note("after"), "foo.boom.a")
@app.signal("foo.boom.b")
async def picky(*, needed): ...
""",
    'await say(app.dispatch("foo.boom.a", inline=True))',
    'await say(app.dispatch("foo.boom.a"))',
    '(await say(app.dispatch("foo.boom.b", inline=True)))[0].split(":")[0]',
)
asks(
    "parameters of every type",
    """
for kind in ("int", "float", "alpha", "slug", "uuid", "ymd", "str", "strorempty", "[a-z]{2}"):
    app.add_signal(note(kind), f"t.{kind.strip('[]{}-az')or 'regex'}.<x:{kind}>".replace("t.2.", "t.regex."))
""",
    'await say(app.dispatch("t.int.5", inline=True))',
    'await say(app.dispatch("t.int.x", inline=True))',
    'await say(app.dispatch("t.float.1", inline=True))',
    'await say(app.dispatch("t.float.1.5", inline=True))',
    'await say(app.dispatch("t.str.a b", inline=True))',
    'await say(app.dispatch("t.str.", inline=True))',
)
asks(
    "parameters of other types",
    """
app.add_signal(note("alpha"), "t.alpha.<x:alpha>")
app.add_signal(note("slug"), "t.slug.<x:slug>")
app.add_signal(note("uuid"), "t.uuid.<x:uuid>")
app.add_signal(note("ymd"), "t.ymd.<x:ymd>")
app.add_signal(note("regex"), "t.regex.<x:[a-z]{2}>")
""",
    'await say(app.dispatch("t.alpha.ab", inline=True))',
    'await say(app.dispatch("t.alpha.a1", inline=True))',
    'await say(app.dispatch("t.slug.a-b", inline=True))',
    'await say(app.dispatch("t.uuid.123e4567-e89b-12d3-a456-426614174000", inline=True))',
    'await say(app.dispatch("t.uuid.123", inline=True))',
    'await say(app.dispatch("t.ymd.2020-01-02", inline=True))',
    'await say(app.dispatch("t.ymd.2020-13-02", inline=True))',
    'await say(app.dispatch("t.regex.ab", inline=True))',
    'await say(app.dispatch("t.regex.abc", inline=True))',
)
asks(
    "which parameter answers",
    'app.add_signal(note("int"), "t.mix.<x:int>")\napp.add_signal(note("text"), "t.mix.<y>")',
    'await say(app.dispatch("t.mix.5", inline=True))',
    'await say(app.dispatch("t.mix.a", inline=True))',
    'await say(app.dispatch("t.mix.<y>", inline=True))',
    'await say(app.dispatch("t.mix.a", context={"y": "given"}, inline=True))',
    'await say(app.dispatch("t.mix.a.b", inline=True))',
    'await say(app.dispatch("t.mix.a/b", inline=True))',
)
asks(
    "parameters beside literal names",
    'app.add_signal(note("text"), "t.mix.<y>")\napp.add_signal(note("literal"), "t.mix.lit")',
    'await say(app.dispatch("t.mix.a", inline=True))',
    'await say(app.dispatch("t.mix.lit", inline=True))',
    differs="signal-parameters",
)

# Conditions --------------------------------------------------------------------------------------------------------

for exclusive in (True, False):
    asks(
        f"conditions, exclusive={exclusive}",
        f"""
for condition in (None, {{}}, {{"a": 1}}, {{"a": 1, "b": 2}}, {{"a": 2}}):
    app.signal("foo.bar.baz", condition=condition, exclusive={exclusive})(note(str(condition)))
""",
        *(
            f'[each[0] for each in (await say(app.dispatch("foo.bar.baz", condition={under}, inline=True)))[1]]'
            for under in ("None", "{}", '{"a": 1}', '{"a": 1, "b": 2}', '{"b": 2}', '{"a": 2, "c": 1}', '"x"', "0")
        ),
    )
    asks(
        f"waiting under conditions, exclusive={exclusive}",
        'app.add_signal(None, "foo.bar.baz")',
        *(
            f'await waited("foo.bar.baz", "foo.bar.baz", condition={wanted}, exclusive={exclusive}, '
            f"dispatched_under={under})"
            for wanted, under in (
                ("None", "None"),
                ("None", '{"a": 1}'),
                ('{"a": 1}', "None"),
                ('{"a": 1}', '{"a": 1}'),
                ('{"a": 1}', '{"a": 2}'),
            )
        ),
    )

# Waiting -----------------------------------------------------------------------------------------------------------

asks(
    "waiting for an event",
    """
for name in ("foo.one.a", "foo.one.b", "alone", "foo.p.<x:int>"):
    app.add_signal(note(name), name)
app.add_signal(note("stops", "yes"), "foo.stop.a")
async def boom(**context): raise ValueError("boom")
""",
    'await waited("foo.one.a", "foo.one.a")',
    'await waited("foo.one.a", "foo.one.b")',
    'await waited("alone", "alone")',
    'await waited("foo.p.<x:int>", "foo.p.5")',
    'await waited("foo.p.<x>", "foo.p.6")',
    'await waited("foo.p.5", "foo.p.5")',
    'await waited("foo.stop.a", "foo.stop.a")',
)
asks(
    "waiting for what is not known",
    'app.add_signal(note("a"), "foo.one.a")',
    'await waited("foo.none.a", "foo.none.a")',
    'await waited("foo.one.b", "foo.one.b")',
    'await waited("foo.one.<x>", "foo.one.a")',
    'await waited("foo.one", "foo.one.a")',
    'await waited("http.foo.bar", "foo.one.a")',
    'await waited(Event.HTTP_LIFECYCLE_BEGIN, "foo.one.a")',
    '(await say(app.event(None, timeout=0.01)))[0].split(":")[0]',
)
asks(
    "waiting for what is not known, with EVENT_AUTOREGISTER",
    'app.config.EVENT_AUTOREGISTER = True\napp.add_signal(note("a"), "foo.one.a")',
    'await waited("foo.none.a", "foo.none.a")',
    'await waited("foo.one.b", "foo.one.b")',
    'await waited("foo.two.<x>", "foo.two.a")',
    'await waited("lonely", "lonely")',
    'await waited("foo.one", "foo.one.a")',
    'await waited("http.foo.bar", "foo.one.a")',
)
asks(
    "time-outs of waiting",
    'app.add_signal(None, "foo.bar.baz")',
    'await say(app.event("foo.bar.baz", timeout=0.01))',
    'await say(app.event("foo.bar.baz", timeout=0))',
    'await say(app.event("foo.bar.baz", timeout=-1))',
    'await say(app.event("foo.bar.baz", 0.01, condition={"a": 1}))',
    '(await say(app.event("foo.none.baz", timeout="x")))[0]',
)
asks(
    "waiting for a signal that raises",
    'async def boom(**context): raise ValueError("boom")\napp.add_signal(boom, "foo.boom.a")',
    'await waited("foo.boom.a", "foo.boom.a")',
)

# The router --------------------------------------------------------------------------------------------------------

asks(
    "the signal router",
    'added = app.signal_router.add(note("a"), "foo.bar.a", condition={"k": "v"}, exclusive=False, priority=3)\n'
    'app.add_signal(note("b"), "foo.bar.<x:int>")',
    "repr(added)",
    "[added.name, added.path, list(added.parts), added.priority, added.ctx.exclusive, added.ctx.definition]",
    'app.signal_router.name_index["foo.bar.a"] is added',
    "app.signal_router.finalized",
    'repr(app.signal_router.get("foo.bar.a")[0])',
    'app.signal_router.get("foo.bar.a")[2]',
    'len(app.signal_router.get("foo.bar.5")[1])',
    'app.signal_router.get_waiter("foo.none.a")',
    'type(app.signal_router.get_waiter("foo.bar.a")).__name__',
    'app.signal_router.format_event("alone")',
    "app.signal_router.format_event(Event.SERVER_INIT_AFTER)",
    "app.signal_router.ctx.app is app",
)
asks(
    "what the signal router does not find",
    "",
    *(
        f"await say(asyncio.to_thread(lambda: app.signal_router.get({arguments})))"
        for arguments in ('"foo.bar.a"', '"foo.bar.a", {"x": 1}', '"alone"', "Event.HTTP_LIFECYCLE_BEGIN")
    ),
)
case(
    "a router of one's own",
    """
    from sanic.signals import SignalRouter
    class Mine(SignalRouter):
        pass
    router = Mine()
    app = Sanic("Own", signal_router=router)
    @app.signal("foo.bar.baz")
    async def handler(**context): return "called"
    @app.get("/")
    async def tell(request):
        return json([app.signal_router is router, await router.dispatch("foo.bar.baz", inline=True)])
    """,
    get("/"),
)
case(
    "closing and opening the router",
    """
    told = []
    async def handler(**context): ...
    def add(name):
        try: app.add_signal(handler, name); told.append("added")
        except Exception as error: told.append(f"{type(error).__name__}: {error}")
    def close():
        try: app.signal_router.finalize(); told.append("closed")
        except Exception as error: told.append(f"{type(error).__name__}: {error}")
    add("foo.bar.one"); close(); add("foo.bar.two"); close()
    app.signal_router.reset(); add("foo.bar.three"); told.append(app.signal_router.finalized)
    @app.get("/")
    async def tell(request): return json(told)
    """,
    get("/"),
)
case(
    "signals that are added while the application runs",
    """
    seen = []
    def note(name):
        async def handler(**context): seen.append(name)
        return handler
    @app.before_server_start
    async def early(app): app.add_signal(note("early"), "foo.late.a")
    @app.after_server_start
    async def later(app): app.add_signal(note("later"), "foo.late.a")
    @app.get("/add")
    async def add(request):
        app.signal("foo.late.a", priority=1)(note("latest"))
        return text(str(app.signal_router.finalized))
    @app.get("/")
    async def tell(request):
        seen.clear()
        await app.dispatch("foo.late.a", inline=True)
        return json(seen)
    """,
    get("/none"),
    get("/"),
    get("/add"),
    get("/"),
)

# Blueprints --------------------------------------------------------------------------------------------------------

asks(
    "signals of blueprints",
    """
one, two = Blueprint("one"), Blueprint("two")
app.signal("foo.bar.baz")(note("app"))
one.signal("foo.bar.baz")(note("one"))
two.add_signal(note("two"), "foo.bar.baz")
two.signal("foo.two.<x>")(note("x"))
app.blueprint(one)
app.blueprint(two)
""",
    'await say(app.dispatch("foo.bar.baz", inline=True))',
    'await say(one.dispatch("foo.bar.baz", inline=True))',
    'await say(two.dispatch("foo.bar.baz", context={"a": 1}, inline=True))',
    'await say(two.dispatch("foo.two.b", inline=True))',
    'await say(app.dispatch("foo.bar.baz", condition={"__blueprint__": "two"}, inline=True))',
    'await say(one.dispatch("foo.none.baz", inline=True))',
    'await say(one.dispatch("foo.bar.baz", condition={"q": "1"}, inline=True))',
)
asks(
    "waiting in blueprints",
    """
one, two = Blueprint("one"), Blueprint("two")
one.signal("foo.bar.baz")(note("one"))
app.blueprint([one, two])
async def both(who, dispatcher):
    waiting = asyncio.ensure_future(who.event("foo.bar.baz", timeout=0.2))
    await asyncio.sleep(0.02)
    await dispatcher.dispatch("foo.bar.baz", context={"k": "v"})
    return await say(waiting)
""",
    "await both(one, app)",
    "await both(one, one)",
    "await both(two, one)",
    "await both(app, one)",
    'await refused(lambda: one.event("foo.none.baz", timeout=0.01))',
    'await refused(lambda: one.event("foo.bar", timeout=0.01))',
)
asks(
    "a blueprint without an application",
    'lonely = Blueprint("lonely")\nlonely.signal("foo.bar.baz")(note("lonely"))',
    'await refused(lambda: lonely.dispatch("foo.bar.baz"))',
    'await refused(lambda: lonely.event("foo.bar.baz", timeout=0.01))',
    'await say(app.dispatch("foo.bar.baz", inline=True))',
)
asks(
    "a bad name in a blueprint",
    """
wrong = Blueprint("wrong")
wrong.signal("foo.bar")(note("wrong"))
try: app.blueprint(wrong); told = "registered"
except Exception as error: told = f"{type(error).__name__}: {error}"
""",
    "told",
)

# Exceptions --------------------------------------------------------------------------------------------------------

case(
    "reports of exceptions",
    """
    import asyncio
    seen = []
    bp = Blueprint("bp", url_prefix="/bp")
    @app.report_exception
    async def report(app, exception): seen.append(["report", type(app).__name__, repr(exception)])
    caught = bp.catch_exception(lambda bp, exception: seen.append(["bp", bp.name, repr(exception)]))
    async def catch(app, exception): seen.append(["catch", repr(exception)])
    app.catch_exception(catch)
    @app.get("/")
    async def tell(request):
        out = [callable(report), caught, *seen]
        seen.clear()
        return json(out)
    @app.get("/boom")
    async def boom(request): raise ValueError("boom")
    @app.get("/bad")
    async def bad(request): raise BadRequest("bad")
    @app.get("/answered")
    async def answered(request): raise KeyError("k")
    @app.exception(KeyError)
    async def answer(request, exception): return text("answered")
    @bp.get("/boom")
    async def bp_boom(request): raise ValueError("of the blueprint")
    @app.signal("foo.boom.a")
    async def signal_boom(**context): raise ValueError("of a signal")
    @app.get("/signal")
    async def signal(request):
        await app.dispatch("foo.boom.a", inline=True)
    @app.get("/background")
    async def background(request):
        task = await app.dispatch("foo.boom.a")
        await asyncio.wait({task})
        return text(repr(task.exception()))
    app.blueprint(bp)
    """,
    *(
        step
        for path in ("/boom", "/bad", "/answered", "/bp/boom", "/missing", "/signal", "/background")
        for step in (get(path), get("/"))
    ),
)
case(
    "a report that raises",
    """
    seen = []
    @app.report_exception
    async def report(app, exception):
        seen.append(repr(exception))
        raise RuntimeError("of the report")
    @app.get("/boom")
    async def boom(request): raise BadRequest("bad")
    @app.get("/")
    async def tell(request): return json(seen)
    """,
    get("/boom"),
    get("/"),
    get("/none"),
    get("/"),
    log_differs="failing-reports",
)
case(
    "reports that are called by hand",
    """
    seen = []
    @app.report_exception
    async def report(app, exception): seen.append(repr(exception))
    @app.get("/")
    async def tell(request):
        await app.dispatch("server.exception.report", context={"exception": KeyError(1)}, inline=True)
        return json(seen)
    """,
    get("/"),
)

# The events of a request -------------------------------------------------------------------------------------------

WATCH = """
from sanic.signals import Event
seen = []

def shown(value):
    kind = type(value).__name__
    if kind == "Request": return f"{value.method} {value.path} {value.route.name if value.route else None}"
    if isinstance(value, (bytes, bytearray)): return f"{len(value) > 0}"
    if hasattr(value, "status"): return f"{kind} {value.status}"
    if isinstance(value, Exception): return repr(value)
    if isinstance(value, dict): return value
    return kind if kind != "function" else value.__name__

def watch(*events):
    for event in events:
        def make(event):
            async def handler(**context):
                request = context.get("request")
                if request is not None and request.path in ("/seen", "/told"): return
                if b"/seen" in context.get("head", b""): return
                seen.append([event.value, {key: shown(value) for key, value in sorted(context.items())}])
            return handler
        handler = make(event)
        app.add_signal(handler, event)
        for where in ("request", "response") if event.value.startswith("http.middleware") else ():
            app.add_signal(handler, event, condition={"attach_to": where})

@app.get("/seen")
async def tell(request):
    out = list(seen)
    seen.clear()
    return json(out)
@app.get("/plain/<number:int>")
async def plain(request, number): seen.append("handler"); return text("plain")
@app.post("/body")
async def body(request): seen.append("handler"); return text(str(len(request.body)))
@app.post("/stream", stream=True)
async def stream(request):
    seen.append("handler")
    async for chunk in request.stream: seen.append(len(chunk))
    return text("stream")
@app.get("/respond")
async def respond(request):
    response = await request.respond(content_type="text/plain")
    await response.send("a"); await response.send("b"); await response.eof()
@app.get("/bad")
async def bad(request): raise BadRequest("bad")
@app.get("/boom")
async def boom(request): raise ValueError("boom")
@app.get("/nothing")
async def nothing(request): return None
@app.get("/key")
async def key(request): raise KeyError("k")
@app.exception(KeyError)
async def answer(request, exception): seen.append("exception handler"); return text("answered")
@app.websocket("/ws")
async def ws(request, ws): seen.append("handler"); await ws.send("hi")
@app.websocket("/told")
async def told_by_websocket(request, ws):
    import json as plain_json
    await ws.send(plain_json.dumps(seen))
    seen.clear()
@app.websocket("/wsboom")
async def wsboom(request, ws): await ws.send("hi"); raise ValueError("in a websocket")
"""
MIDDLEWARE = """
@app.on_request
async def first(request):
    if request.path != "/seen": seen.append("first")
@app.on_request
def second(request):
    if request.path == "/early": return text("early")
@app.on_response
async def last(request, response):
    if request.path != "/seen": seen.append("last")
@app.get("/early")
async def early(request): return text("late")
"""
ASKED = (
    get("/plain/5"),
    post("/body", body=b"abc"),
    post("/body", body=[b"abc", b"def"]),
    post("/stream", body=b"abc"),
    get("/respond"),
    get("/bad"),
    get("/boom"),
    get("/nothing"),
    get("/key"),
    get("/missing"),
    request("DELETE", "/plain/5"),
    request("HEAD", "/plain/5"),
)
for part, events in {
    "life": "Event.HTTP_LIFECYCLE_REQUEST, Event.HTTP_LIFECYCLE_HANDLE, Event.HTTP_LIFECYCLE_RESPONSE",
    "routing": "Event.HTTP_ROUTING_BEFORE, Event.HTTP_ROUTING_AFTER",
    "handlers": "Event.HTTP_HANDLER_BEFORE, Event.HTTP_HANDLER_AFTER",
    "exceptions": "Event.HTTP_LIFECYCLE_EXCEPTION, Event.SERVER_EXCEPTION_REPORT",
}.items():
    case(
        f"events of a request: {part}",
        f"{WATCH}\nwatch({events})",
        *(step for asked in ASKED for step in (asked, get("/seen"))),
    )
case(
    "events of a request: the body",
    f"{WATCH}\nwatch(Event.HTTP_LIFECYCLE_READ_BODY)",
    post("/body", body=b"abc"),
    get("/seen"),
    post("/stream", body=b"abc"),
    get("/seen"),
    get("/plain/5"),
    get("/seen"),
)
case(
    "events of a request: middleware",
    f"{WATCH}\n{MIDDLEWARE}\nwatch(Event.HTTP_MIDDLEWARE_BEFORE, Event.HTTP_MIDDLEWARE_AFTER)",
    *(step for path in ("/plain/5", "/early", "/bad", "/missing", "/respond") for step in (get(path), get("/seen"))),
)
case(
    "events of a request: middleware that there is not",
    f"{WATCH}\nwatch(Event.HTTP_MIDDLEWARE_BEFORE, Event.HTTP_MIDDLEWARE_AFTER)",
    *(step for path in ("/plain/5", "/missing") for step in (get(path), get("/seen"))),
)
case(
    "events of a request: all but what is told of the wire",
    f"{WATCH}\n{MIDDLEWARE}\nwatch(*(each for each in Event if each.value.rpartition('.')[2] not in "
    "('begin', 'read_head', 'send', 'complete') and not each.value.startswith('server.')))",
    # A server may put the chunks of a body together.
    *(step for asked in ASKED if b"chunked" not in asked.chunks[0] for step in (asked, get("/seen"))),
)
case(
    "events of a request: its beginning, its end, and what is sent",
    f"{WATCH}\nwatch(Event.HTTP_LIFECYCLE_READ_HEAD, Event.HTTP_LIFECYCLE_REQUEST)\n"
    """
state = []
@app.signal("http.lifecycle.begin")
async def begin(conn_info): state.append("begin"); conn_info.ctx.mark = "set"
@app.signal("http.lifecycle.complete")
async def complete(conn_info): state.append(f"complete {conn_info.ctx.mark}")
@app.signal("http.lifecycle.send")
async def send(data): state.append("send")
@app.get("/mark")
async def mark(request): state.append(request.conn_info.ctx.mark); return text("mark")
@app.get("/state")
async def told(request): return json(state)
""",
    get("/mark"),
    get("/respond"),
    get("/missing"),
    get("/state"),
    get("/seen"),
)
case(
    "events of a websocket",
    f"{WATCH}\nwatch(Event.WEBSOCKET_HANDLER_BEFORE, Event.WEBSOCKET_HANDLER_AFTER, Event.WEBSOCKET_HANDLER_EXCEPTION, "
    "Event.HTTP_HANDLER_BEFORE, Event.HTTP_HANDLER_AFTER, Event.HTTP_LIFECYCLE_REQUEST, Event.HTTP_ROUTING_BEFORE)",
    websocket("/ws", replies=1),
    websocket("/told", replies=1),
)
case(
    "events of a websocket that raises",
    f"{WATCH}\nwatch(Event.WEBSOCKET_HANDLER_BEFORE, Event.WEBSOCKET_HANDLER_AFTER, Event.WEBSOCKET_HANDLER_EXCEPTION, "
    "Event.HTTP_HANDLER_BEFORE, Event.HTTP_HANDLER_AFTER, Event.HTTP_LIFECYCLE_EXCEPTION)",
    websocket("/wsboom", replies=1),
    websocket("/told", replies=1),
)
for event in (
    "http.lifecycle.request",
    "http.lifecycle.handle",
    "http.routing.before",
    "http.routing.after",
    "http.handler.before",
    "http.handler.after",
):
    case(
        f"a handler of {event} that raises",
        f"""
        seen = []
        @app.signal("{event}")
        async def raising(request, **context):
            if request.path == "/bad": raise BadRequest("of the signal")
            if request.path == "/boom": raise ValueError("of the signal")
        @app.signal("server.exception.report")
        async def report(exception): seen.append(repr(exception))
        @app.signal("http.lifecycle.exception")
        async def told(request, exception): seen.append(request.path)
        @app.on_request
        async def middleware(request): seen.append("middleware")
        @app.get("/<name>")
        async def handler(request, name): seen.append("handler"); return text(name)
        @app.get("/")
        async def tell(request):
            out = list(seen)
            seen.clear()
            return json(out)
        """,
        get("/bad"),
        get("/"),
        get("/boom"),
        get("/"),
        get("/good"),
        get("/"),
    )
case(
    "what handlers of events return",
    """
    @app.signal("http.handler.before")
    async def before(request): return text("from a signal")
    @app.signal("http.routing.after")
    def routed(request, route, kwargs, handler): kwargs["name"] = kwargs["name"].upper()
    @app.get("/<name>")
    async def handler(request, name): return text(name)
    """,
    get("/a"),
)
case(
    "an event of a request that somebody waits for",
    """
    import asyncio
    app.add_signal(None, "http.lifecycle.response")
    seen = []
    async def wait():
        context = await app.event("http.lifecycle.response", timeout=5)
        seen.append([sorted(context), context["response"].status])
    @app.get("/wait")
    async def start(request):
        request.app.add_task(wait())
        await asyncio.sleep(0.02)
        return text("waiting", 201)
    @app.get("/")
    async def tell(request):
        for _ in range(500):
            if seen: break
            await asyncio.sleep(0.01)
        return json(seen)
    """,
    get("/wait"),
    get("/"),
)
