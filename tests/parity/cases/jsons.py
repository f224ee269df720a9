"""What JSON answers look like, with Sanic's default serialiser and with others."""

from tests.parity.case import case
from tests.parity.wire import Step, get, post

VALUES = """
import enum, uuid, datetime, decimal, collections, dataclasses, fractions, pathlib

class Str(str): pass
class Int(int): pass
class Float(float): pass
class Dict(dict): pass
class List(list): pass
class Money(decimal.Decimal): pass
class Color(enum.Enum): RED = "red"
class Level(enum.IntEnum): HIGH = 3
class Word(str, enum.Enum): A = "a"
class WithJson:
    def __json__(self): return '{"from": "__json__"}'
class WithToDict:
    def toDict(self): return {"from": "toDict"}
class BothWays(WithJson, WithToDict): pass
class OddStr(BothWays, str): pass
class OddInt(BothWays, int): pass
class OddList(BothWays, list): pass
class OddDict(BothWays, dict): pass
@dataclasses.dataclass
class Data: x: int = 1
Point = collections.namedtuple("Point", "x y")

VALUES = {
%s
}

@app.get("/<name:path>")
async def a(request, name): return json(VALUES[name]() if callable(VALUES[name]) else VALUES[name])
@app.post("/")
async def b(request): return json(repr(request.json))
"""


def values(name: str, pairs: dict[str, str], *steps: Step, differs: str | None = None) -> None:
    """Add a case that answers each of some values, written as Python."""
    lines = "\n".join(f"    {key!r}: {value}," for key, value in pairs.items())
    case(name, VALUES % lines, *(get(f"/{key}") for key in pairs), *steps, differs=differs)


values(
    "plain values",
    {
        "none": "None",
        "true": "True",
        "int": "0",
        "float": "1.5",
        "text": '"text"',
        "empty": '""',
        "list": "[]",
        "dict": "{}",
        "nested": '{"a": [1, {"b": None}], "c": ()}',
        "order": '{"z": 1, "a": 2}',
        "tuple": "(1, 2)",
    },
)
values(
    "numbers",
    {
        "big": "10**30",
        "negative": "-10**30",
        "max": "2**63",
        "max64": "2**64 - 1",
        "small": "1e-7",
        "whole": "3.0",
        "third": "1/3",
        "zero": "-0.0",
        "exact": "0.1 + 0.2",
        "tiny": "5e-324",
    },
)
values(
    "decimals",
    {
        "in": "{'price': decimal.Decimal('9.99')}",
        "subclass": "Money('1.5')",
        "key": "{decimal.Decimal('1.5'): 1}",
        "key_nan": "{decimal.Decimal('NaN'): 1}",
        "small": "decimal.Decimal('0.5')",
    },
)
values(
    "decimals that are not finite",
    {
        "nan": "decimal.Decimal('NaN')",
        "payload": "[decimal.Decimal('NaN123')]",
        "infinity": "{'v': decimal.Decimal('Infinity')}",
        "minus": "(decimal.Decimal('-Infinity'),)",
        "subclass": "Money('NaN')",
    },
    differs="json-msgspec",
)
values(
    "text",
    {
        "slash": '"a/b</script>"',
        "quotes": '"\\"\\\\"',
        "control": '"\\n\\r\\t\\b\\f\\0\\x1f\\x7f"',
        "html": '"<&>\'"',
        "surrogate": '"\\ud800"',
        "pair": '"\\ud83d\\ude00"',
    },
)
values(
    "keys that are no text",
    {
        "int": "{1: 'a'}",
        "none": "{None: 1}",
        "float": "{1.5: 1}",
        "strsub": "{Str('a'): 1}",
        "two": "{1: 'a', '1': 'b'}",
        "enum": "{Word.A: 1}",
        "tuple": "{(1, 2): 3}",
        "uuid": "{uuid.UUID(int=1): 1}",
        "date": "{datetime.date(2020, 1, 1): 1}",
    },
)
values(
    "subclasses",
    {
        "str": "Str('a')",
        "int": "Int(5)",
        "float": "Float(1.5)",
        "dict": "Dict(a=1)",
        "list": "List([1])",
        "ordered": "collections.OrderedDict(a=1)",
        "default": "collections.defaultdict(int, a=1)",
        "point": "Point(1, 2)",
        "intenum": "Level.HIGH",
        "strenum": "Word.A",
        "counter": "collections.Counter('aab')",
        "boolkey": "{True: 1, False: 2}",
    },
)
values(
    "values that msgspec writes or reads differently",
    {
        "nan": "float('nan')",
        "infinity": "[float('-inf')]",
        "large": "1e22",
        "sixteen": "1e16",
        "huge": "1.7976931348623157e308",
        "decimal": "decimal.Decimal('1.10')",
        "whole": "decimal.Decimal('3')",
        "exponent": "decimal.Decimal('1E+5')",
        "long": "decimal.Decimal('0.1234567890123456789')",
        "unicode": '"hélló €"',
        "emoji": '"😀"',
        "separators": '"\\u2028\\u2029"',
        "key": '{"ü": "ä"}',
        "byteskey": "{b'a': 1}",
        "datetime": "datetime.datetime(2020, 1, 2, 3, 4, 5)",
        "date": "datetime.date(2020, 1, 2)",
        "uuid": "uuid.UUID(int=1)",
        "bytes": "b'bytes'",
        "set": "{1}",
        "enum": "Color.RED",
        "dataclass": "Data",
    },
    post("/", body=b"01"),
    post("/", body=b"-"),
    differs="json-msgspec",
)
values("objects with a way of their own", {"json": "WithJson", "todict": "WithToDict", "in": "lambda: [WithJson()]"})
values(
    "subclasses with a way of their own",
    {
        "text": 'OddStr("s")',
        "int": "OddInt(3)",
        "list": "OddList([1])",
        "dict": "OddDict(a=1)",
        "inside": 'lambda: [OddStr("s"), {"a": OddDict(a=OddList([1]))}]',
        "beside-none": "lambda: {None: OddDict(a=1)}",
    },
)
case(
    "mappings of a request, with options of the serialiser",
    """
    @app.get("/cookies")
    async def a(request): return json({"cookies": request.cookies}, default=str)
    @app.get("/args")
    async def b(request): return json({"args": request.args}, sort_keys=True)
    @app.get("/headers")
    async def c(request): return json({"headers": dict(request.headers.items())["x-a"]}, default=str)
    """,
    get("/cookies", {"cookie": "a=1; b=2"}),
    get("/cookies"),
    get("/args?a=1&a=2"),
    get("/headers", {"x-a": "1"}),
)
values(
    "objects that JSON has not",
    {
        "object": "object",
        "generator": "lambda: (x for x in [1])",
        "fraction": "fractions.Fraction(1, 2)",
        "path": "pathlib.PurePosixPath('/a')",
        "complex": "1j",
        "deque": "lambda: collections.deque([1])",
    },
)
case(
    "a value that contains itself",
    """
    @app.get("/")
    async def a(request):
        x = []; x.append(x)
        return json(x)
    @app.get("/deep")
    async def b(request):
        x = []
        for _ in range(300): x = [x]
        return json(x)
    @app.get("/ok")
    async def c(request): return json([])
    """,
    get("/"),
    get("/deep"),
    get("/ok"),
    log_differs="json-msgspec",
)
case(
    "keyword arguments of json",
    """
    DATA = {"b": 1, "a": ["ü", "<"]}

    @app.get("/sort")
    async def a(request): return json(DATA, sort_keys=True)
    @app.get("/indent")
    async def b(request): return json(DATA, indent=2)
    @app.get("/ascii")
    async def c(request): return json(DATA, ensure_ascii=False)
    @app.get("/slash")
    async def d(request): return json("a/b\\\\", escape_forward_slashes=True)
    @app.get("/html")
    async def e(request): return json("<&>", encode_html_chars=True)
    @app.get("/nan")
    async def f(request): return json(float("nan"), allow_nan=False)
    @app.get("/unknown")
    async def g(request): return json(DATA, nosuch=True)
    @app.get("/bytes")
    async def h(request): return json(b"x", reject_bytes=False)
    """,
    *(get(f"/{name}") for name in ("sort", "indent", "ascii", "slash", "html", "nan", "unknown", "bytes")),
    exact=True,
    log_differs="json-msgspec",
)
case(
    "another serialiser for one answer",
    """
    import json as stdlib
    from functools import partial

    @app.get("/stdlib")
    async def a(request): return json({"a": [1, "ü"]}, dumps=stdlib.dumps)
    @app.get("/default")
    async def b(request): return json({"a": {1}}, dumps=partial(stdlib.dumps, default=sorted))
    @app.get("/args")
    async def c(request): return json({"b": 1, "a": {1}}, dumps=stdlib.dumps, default=list, indent=1, sort_keys=True)
    @app.get("/bytes")
    async def d(request): return json({}, dumps=lambda value: b"mine")
    @app.get("/bad")
    async def e(request): return json({}, dumps=lambda value: 1 / 0)
    @app.get("/number")
    async def f(request): return json({}, dumps=lambda value: 5)
    """,
    *(get(f"/{name}") for name in ("stdlib", "default", "args", "bytes", "bad", "number")),
    exact=True,
)
case(
    "another serialiser for the app",
    """
    import json as stdlib

    app = Sanic("Parity", dumps=lambda value, **kw: stdlib.dumps({"wrapped": value}))

    @app.get("/")
    async def a(request): return json([1])
    @app.post("/")
    async def b(request): return json(request.json)
    @app.get("/error")
    async def c(request): raise BadRequest("no")
    """,
    get("/"),
    get("/error", {"accept": "application/json"}),
    get("/none", {"accept": "application/json"}),
    exact=True,
)
case(
    "a loader for the app",
    """
    app = Sanic("Parity", loads=lambda body: ["mine", body.decode()])

    @app.route("/", methods=["POST", "GET"])
    async def b(request): return json(request.json)
    """,
    get("/"),
    post("/", body=b"{"),
    post("/", body=b""),
)
case(
    "status, headers and type of json",
    """
    @app.get("/a")
    async def a(request): return json({}, status=201, headers={"X-A": "b"}, content_type="application/problem+json")
    @app.get("/b")
    async def b(request): return json({}, 202, {"content-type": "text/x"})
    @app.get("/c")
    async def c(request): return json(None, status=204)
    @app.get("/d")
    async def d(request): return json()
    @app.get("/e")
    async def e(request): return json("x", content_type=None)
    """,
    *(get(f"/{name}") for name in "abcde"),
)
case(
    "JSONResponse and changes to its body",
    """
    from sanic.response import JSONResponse

    @app.get("/set")
    async def a(request): r = json({"a": 1}); r.raw_body = {"b": 2}; return r
    @app.get("/update")
    async def b(request): r = json({"a": 1}); r.update(b=2); r.update({"c": 3}); return r
    @app.get("/append")
    async def c(request): r = json([1]); r.append(2); r.extend([3, 4]); return r
    @app.get("/pop")
    async def d(request): r = json([1, 2]); x = r.pop(0); r.append(x); return r
    @app.get("/popdict")
    async def e(request): r = json({"a": 1, "b": 2}); r.pop("a"); r.pop("zz", None); return r
    @app.get("/wrong")
    async def f(request): r = json([1]); r.update(a=1); return r
    @app.get("/wrong2")
    async def g(request): r = json({}); r.append(1); return r
    @app.get("/setbody")
    async def h(request): r = json({"a": 1}); r.set_body([1], dumps=lambda v: "mine"); return r
    @app.get("/class")
    async def i(request): return JSONResponse({"a": 1}, 201, {"x-a": "b"}, "application/x")
    @app.get("/body")
    async def j(request): r = json({"a": 1}); r.body = b"raw"; return r
    @app.on_response
    async def after(request, response):
        if request.path == "/set": response.raw_body["c"] = 3; response.set_body(response.raw_body)
    """,
    *(
        get(f"/{name}")
        for name in ("set", "update", "append", "pop", "popdict", "wrong", "wrong2", "setbody", "class", "body")
    ),
)
