"""Answers that are put together in odd ways: all arguments of respond, parts exchanged, what is no answer."""

from tests.parity.case import case
from tests.parity.wire import get

RESPOND = (
    *("args", "json", "text", "empty", "status", "both", "eof", "parts", "nothing", "end", "other", "with"),
    *("reset", "cookie", "bytes", "length", "flags", "stream", "ended", "unbound", "none"),
)
case(
    "every way of respond",
    """
from sanic.response import ResponseStream
@app.on_response
async def after(request, response): response.headers["x-after"] = f"{type(response).__name__} {response.status}"
PLAIN = {"content_type": "text/plain"}
@app.get("/<kind>")
async def a(request, kind):
    if kind == "args": await request.respond(status=201, headers={"a": "b"}, content_type="x/y")
    elif kind == "json": await request.respond(json({"a": 1}))
    elif kind == "text": await request.respond(text("abc"))
    elif kind == "empty": await request.respond(empty())
    elif kind == "status": await request.respond(status=204)
    elif kind == "both": await request.respond(text("abc"), status=404)
    elif kind == "eof": response = await request.respond(**PLAIN); await response.eof()
    elif kind == "parts": response = await request.respond(**PLAIN); await response.send("a"); await response.send(b"b")
    elif kind == "nothing":
        response = await request.respond(**PLAIN)
        await response.send(None, False); await response.send("", False)
        await response.send("x"); await response.send()
    elif kind == "end": response = await request.respond(**PLAIN); await response.send("x", end_stream=True)
    elif kind == "other": await request.respond(text("1")); return text("2")
    elif kind == "with":
        async with await request.respond(**PLAIN) as send: await send("1"); await send("2")
    elif kind == "reset": await request.respond(text("1")); request.reset_response(); return text("2")
    elif kind == "cookie":
        response = await request.respond(**PLAIN); response.add_cookie("a", "b"); await response.send("x")
    elif kind == "bytes": response = await request.respond(raw(b"abc")); await response.send(b"def")
    elif kind == "length":
        response = await request.respond(headers={"content-length": "3"}, **PLAIN); await response.send("abc")
    elif kind == "flags":
        response = await request.respond(**PLAIN)
        await response.send(f"{request.responded} {response.status} {response.stream is not None}")
    elif kind in ("stream", "ended"):
        async def write(stream):
            await stream.write("a"); await stream.write(b"b")
            if kind == "ended": await stream.eof()
        return ResponseStream(write, status=202, headers={"q": "1"}, content_type="text/csv")
    elif kind == "unbound": await text("x").send("y")
""",
    *(get(f"/{kind}") for kind in RESPOND),
)
case(
    "respond with what is no response",
    """
    @app.get("/<kind>")
    async def a(request, kind):
        await request.respond({"text": "abc", "list": [1], "number": 5}[kind])
    """,
    get("/text"),
    get("/list"),
    get("/number"),
    get("/none"),
)
CHANGES = ("status", "body", "none", "array", "type", "length", "clear", "returned", "fails", "refused")
case(
    "middleware that exchanges each part of an answer",
    """
@app.on_response
async def change(request, response):
    kind = request.args.get("kind")
    if kind == "status": response.status = 299
    if kind == "body": response.body = b"changed"
    if kind == "none": response.body = None
    if kind == "array": response.body = bytearray(b"array")
    if kind == "type": response.content_type = "a/b"
    if kind == "length": response.headers["content-length"] = "2"
    if kind == "clear": response.headers.clear()
    if kind == "returned": return text("another", 202)
    if kind == "fails": raise ValueError("in the middleware")
    if kind == "refused": raise SanicException("in the middleware", 418)
@app.get("/text")
async def a(request): return text("body", headers={"a": "b"})
@app.get("/json")
async def b(request): return json({"a": 1})
@app.get("/empty")
async def c(request): return empty()
""",
    *(
        get(f"/{path}?kind={kind}")
        for path in ("text", "json", "empty", "nowhere")
        for kind in CHANGES
        if path != "empty" or kind not in ("none", "length")
    ),
)
case(
    "what a handler may return by mistake",
    """
    KINDS = {"none": None, "text": "x", "number": 1, "pair": ("a", 200), "mapping": {"a": 1}, "list": [1],
             "false": False, "bytes": b"x", "zero": 0, "exception": ValueError("x")}
    @app.get("/<kind>")
    async def a(request, kind): return KINDS[kind]
    """,
    *(get(f"/{kind}") for kind in ("none", "text", "number", "pair", "mapping", "list", "false", "bytes", "zero")),
    get("/exception"),
    get("/other"),
)
case(
    "exceptions of other libraries, with attributes like Sanic's",
    """
    class Refused(Exception): status_code = 404; message = "m"; headers = {"x-a": "1"}
    class Listed(Exception): extra = {"a": 1}; status_code = "x"
    class Told(Exception): context = {"a": 1}; quiet = True
    @app.get("/<kind>")
    async def a(request, kind): raise {"refused": Refused("a"), "listed": Listed("b"), "told": Told("c")}[kind]
    """,
    *(
        get(f"/{kind}", {"accept": accept})
        for kind in ("refused", "listed", "told", "none")
        for accept in ("text/plain", "application/json", "text/html")
    ),
)
case(
    "an exception handler that returns no response, and what answers that",
    """
    @app.exception(OSError)
    async def wrong(request, error): return 5
    @app.exception(SanicException)
    async def refused(request, error): return json({"told": str(error)}, error.status_code)
    @app.get("/<kind>")
    async def a(request, kind): raise {"os": OSError("x"), "sanic": SanicException("y", 418)}[kind]
    """,
    get("/os"),
    get("/sanic"),
    get("/none/here"),
)
