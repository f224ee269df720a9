"""Websockets: echo, handshakes, closing, and what is refused."""

from tests.parity.case import case
from tests.parity.talk import websocket
from tests.parity.wire import Step, get, post, wire

case(
    "echo",
    """
    @app.websocket("/echo")
    async def echo(request, ws):
        while True:
            await ws.send(await ws.recv())
    @app.websocket("/each")
    async def each(request, ws: Websocket):
        async for message in ws:
            await ws.send(f"{type(message).__name__} {len(message)}")
    """,
    websocket("/echo", "text", b"\x00\xff", "ü", ""),
    websocket("/each", "text", b"bytes"),
    websocket("/each", "x" * 100_000),
    websocket("/none", "text"),
    post("/echo", body=b"x"),
)
case(
    "what the handler knows",
    """
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.websocket("/<room:int>")
    async def feed(request, ws, room):
        import json
        await ws.send(json.dumps([request.method, request.path, request.args.get("q"), room, request.headers["x-a"],
                                  request.name, request.cookies.get("c"), request.scheme, request.url]))
    app.blueprint(bp)
    """,
    websocket("/bp/5?q=1", replies=1, headers={"x-a": "b", "cookie": "c=d"}),
    websocket("/bp/x", replies=1, headers={"x-a": "b"}),
    websocket("/bp/5", replies=2, headers={"x-a": "b"}),
)
case(
    "subprotocols",
    """
    @app.websocket("/p", subprotocols=["one", "two"])
    async def p(request, ws): await ws.send(str(ws.subprotocol))
    @app.websocket("/n")
    async def n(request, ws): await ws.send(str(ws.subprotocol))
    """,
    websocket("/p", replies=1, subprotocols=["two", "one"]),
    websocket("/p", replies=1, subprotocols=["three"]),
    websocket("/p", replies=1),
    websocket("/n", replies=1, subprotocols=["one"]),
    log_differs="websocket-errors",
)
case(
    "closing",
    """
    @app.websocket("/code")
    async def code(request, ws): await ws.close(4001, "enough")
    @app.websocket("/return")
    async def plain(request, ws): await ws.send("one")
    @app.websocket("/after")
    async def after(request, ws):
        await ws.close()
        await ws.send("late")
    """,
    websocket("/code", replies=1),
    websocket("/return", replies=2),
    websocket("/after", replies=1),
)
case(
    "a handler that raises",
    """
    @app.websocket("/raise")
    async def fails(request, ws): raise ValueError("x")
    @app.websocket("/sanic")
    async def sanic(request, ws): raise NotFound("x")
    @app.websocket("/after")
    async def after(request, ws):
        await ws.send("one")
        raise ValueError("x")
    """,
    websocket("/raise", replies=1),
    websocket("/sanic", replies=1),
    websocket("/after", replies=2),
    differs="websocket-errors",
)
case(
    "middleware and exceptions around a handshake",
    """
    @app.on_request
    async def guard(request):
        if "stop" in request.args: return text("stopped", status=403, headers={"x-a": "b"})
        if "raise" in request.args: raise Unauthorized("no", scheme="Basic")
        request.ctx.user = "me"
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send(request.ctx.user)
    """,
    websocket("/ws", replies=1),
    websocket("/ws?stop=1", replies=1),
    websocket("/ws?raise=1", replies=1),
)
case(
    "a handshake that a middleware refuses, and what response middleware makes of it",
    """
    @app.on_request
    async def guard(request):
        if "stop" in request.args: return text("stopped", status=403)
        if "dict" in request.args: return {"stop": request.path}
        if "raise" in request.args: raise Unauthorized("no")
    @app.on_response
    async def mark(request, response):
        event("after", type(response).__name__)
        if isinstance(response, dict): return json(response, status=403)
        if isinstance(response, HTTPResponse): response.headers["x-seen"] = request.path
    @app.on_response
    def replace(request, response):
        if "replace" in request.args: return text("replaced", status=410)
    @app.websocket("/ws/<name>")
    async def ws(request, ws, name): await ws.send(name)
    """,
    websocket("/ws/a", replies=1),
    websocket("/ws/a?stop=1", replies=1),
    websocket("/ws/a?stop=1&replace=1", replies=1),
    websocket("/ws/a?dict=1", replies=1),
    websocket("/ws/a?raise=1", replies=1),
)
case(
    "middleware around a handshake that no route answers",
    """
    @app.on_request
    async def check(request):
        if request.args.get("stop"):
            return text("stopped", 403)
        if request.args.get("raise"):
            raise Unauthorized("no")
    @app.on_response
    async def mark(request, response):
        response.headers["x-seen"] = f"{type(request).__name__} {request.path}"
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send("x")
    """,
    websocket("/none", replies=1),
    websocket("/none?stop=1", replies=1),
    websocket("/none?raise=1", replies=1),
)

case(
    "messages beyond WEBSOCKET_MAX_SIZE",
    """
    app.config.WEBSOCKET_MAX_SIZE = 20
    @app.websocket("/echo")
    async def echo(request, ws):
        async for message in ws:
            await ws.send(f"{len(message)}")
    """,
    websocket("/echo", "x" * 20, "ü" * 10, b"x" * 20, ""),
    websocket("/echo", "x" * 21),
    websocket("/echo", b"x" * 21),
    websocket("/echo", "ü" * 11),
)
case(
    "a handshake that is not one",
    """
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send("x")
    @app.get("/http")
    async def http(request): return text("http")
    """,
    post("/ws", body=b"x"),
    get("/none"),
)
case(
    "a plain GET of a websocket's path",
    """
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send("x")
    """,
    get("/ws"),
    get("/ws", {"accept": "application/json"}),
    get("/ws", {"connection": "close, Upgrade", "upgrade": "other"}),
    differs="websocket-errors",
)
case(
    "a websocket handshake on an HTTP route",
    """
    @app.get("/http")
    async def http(request): return text("http")
    """,
    websocket("/http", replies=1),
    get("/http"),
    get("/none"),
)
case(
    "HTTP routes answer the handshake of a path without a websocket",
    """
    @app.on_request
    async def before(request):
        if request.path == "/guarded":
            return text("no", 403)
    @app.on_response
    async def after(request, response):
        response.headers["x-after"] = f"{request.method} {request.scheme}"
    @app.get("/plain/<n:int>")
    async def plain(request, n): return json([n, request.args.get("q"), request.headers["upgrade"].lower()], 201)
    @app.get("/guarded")
    async def guarded(request): return text("not reached")
    @app.post("/post")
    async def post_only(request): return text("post")
    @app.get("/stream")
    async def stream(request):
        response = await request.respond(content_type="text/plain")
        await response.send("a")
        await response.send("b")
    @app.get("/missing")
    async def missing(request): raise NotFound("gone")
    @app.exception(LookupError)
    async def found(request, error): return text("caught", 418)
    @app.get("/lookup")
    async def lookup(request): raise KeyError("x")
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send("ws")
    """,
    *(websocket(path, replies=1) for path in ("/plain/5?q=1", "/plain/x", "/guarded", "/post", "/missing", "/lookup")),
    websocket("/stream", replies=1),
    websocket("/ws", replies=1),
    websocket("/none", replies=1),
)
case(
    "an HTTP route accepts a handshake by its protocol",
    """
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send("ws")
    @app.get("/up/<n:int>")
    async def up(request, n):
        protocol = request.transport.get_protocol()
        ws = await protocol.websocket_handshake(request, ["one", "two"] if n == 2 else None)
        event(type(ws).__name__, ws.subprotocol)
        try:
            while True:
                message = await ws.recv()
                await ws.send(f"{n} {message!r}")
        finally:
            event("over")
        return text("done")
    @app.get("/refuse")
    async def refuse(request): raise Forbidden("no")
    """,
    websocket("/up/1", "a", b"b"),
    websocket("/up/2", "a", subprotocols=["two"]),
    websocket("/up/2", "a", subprotocols=["three"]),
    websocket("/up/2", "a"),
    websocket("/refuse", "a"),
    websocket("/up/x", "a"),
    log_differs="websocket-errors",
)
case(
    "a plain request is no handshake",
    """
    @app.websocket("/ws")
    async def ws(request, ws): await ws.send("ws")
    @app.get("/up")
    async def up(request):
        await request.transport.get_protocol().websocket_handshake(request)
    """,
    get("/up"),
    differs="websocket-errors",
)
case(
    "add_websocket_route, and a name",
    """
    async def handler(request, ws, x): await ws.send(request.name + " " + app.url_for("named", x=1))
    app.add_websocket_route(handler, "/<x:int>", name="named")
    """,
    websocket("/1", replies=1),
    websocket("/x", replies=1),
)
case(
    "reading with a time limit",
    """
    @app.websocket("/ws")
    async def ws(request, ws):
        await ws.send(str(await ws.recv(timeout=0.05)))
        await ws.send(str(await ws.recv()))
    """,
    websocket("/ws", replies=1),
    websocket("/ws", "a", "b", replies=2),
)
case(
    "codes and reasons of the end, right and wrong",
    """
    WRONG = [999, 1004, 1005, 1015, 1016, 2999, 5000, -1, 70000, "4000", True, 1.5]
    @app.websocket("/right/<code:int>")
    async def right(request, ws, code): await ws.close(code, reason=request.args.get("reason", ""))
    @app.websocket("/wrong")
    async def wrong(request, ws):
        for code in WRONG:
            try: await ws.close(code)
            except Exception: await ws.send(f"{code!r} refused")
        for reason in ("r" * 124, "\u00fc" * 62, 5, b"bytes"):
            try: await ws.close(4000, reason)
            except Exception: await ws.send(f"{reason!r} refused")
        await ws.close(4000, "\u00fc" * 61)
        await ws.close(999)
    @app.websocket("/none")
    async def none(request, ws): await ws.close(None)
    """,
    *(websocket(f"/right/{code}?reason=so") for code in (1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999)),
    websocket("/wrong", replies=17),
    websocket("/none"),
)


def _sent(path: str) -> Step:
    """GET a path in two pieces, which no test in process plays: there no websocket has been there before."""
    return wire(f"GET {path} HTTP/1.1\r\n".encode(), b"host: localhost\r\nconnection: close\r\n\r\n")


_LEAVING = """
import asyncio
over = asyncio.Event()
def watched(handler):
    async def ws(request, ws):
        over.clear()
        try:
            await handler(request, ws)
        except Exception as error:
            event("exception", type(error).__name__)
            raise
        except asyncio.CancelledError:
            event("cancelled")
            raise
        finally:
            over.set()
    return app.websocket("/" + handler.__name__, name=handler.__name__)(ws)
@app.get("/over")
async def wait(request):
    await over.wait()
    return text("over")
"""
case(
    "a client that leaves while its handler reads, sleeps, sends or waits for tasks",
    _LEAVING
    + """
@watched
async def reads(request, ws):
    while True:
        await ws.send(await ws.recv())
@watched
async def reads_in_time(request, ws):
    while True:
        message = await ws.recv(30)
        await ws.send(message)
@watched
async def sleeps(request, ws):
    await ws.send(await ws.recv())
    await asyncio.sleep(60)
@watched
async def sends(request, ws):
    while True:
        await ws.send("x")
        await asyncio.sleep(0.01)
@watched
async def groups(request, ws):
    async def reading():
        while True:
            await ws.send(await ws.recv())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reading())
        tasks.create_task(asyncio.sleep(60))
""",
    *(
        step
        for path in ("/reads", "/reads_in_time", "/sleeps", "/groups")
        for step in (websocket(path, "a"), _sent("/over"))
    ),
    websocket("/sends", replies=3),
    _sent("/over"),
)
case(
    "what cleans up when a client leaves",
    _LEAVING
    + """
from contextlib import asynccontextmanager
from sanic.exceptions import WebsocketClosed
@asynccontextmanager
async def transaction():
    try:
        yield
    except BaseException as error:
        await asyncio.sleep(0)
        event("rollback", type(error).__name__)
        raise
    else:
        event("commit")
@watched
async def transact(request, ws):
    async with transaction():
        await ws.send(await ws.recv())
    async with transaction():
        await asyncio.sleep(60)
@watched
async def cleans(request, ws):
    try:
        await ws.send(await ws.recv())
        await asyncio.sleep(60)
    finally:
        for call in (lambda: ws.send("bye"), ws.recv):
            try:
                await call()
            except WebsocketClosed as error:
                event("closed", str(error))
        await ws.close()
""",
    websocket("/transact", "a"),
    _sent("/over"),
    websocket("/cleans", "a"),
    _sent("/over"),
)
case(
    "sending to a peer that is gone",
    _LEAVING
    + """
from sanic.exceptions import WebsocketClosed
others = []
@watched
async def other(request, ws):
    others.append(ws)
    while True:
        await ws.send(await ws.recv())
async def attempt(call):
    try:
        await call
    except WebsocketClosed as error:
        return f"{type(error).__name__} {error}"
@app.websocket("/caller")
async def caller(request, ws):
    while True:
        await ws.recv()
        await ws.send(await attempt(others[0].send("x")))
        await ws.send(await attempt(others[0].recv()))
@app.get("/http")
async def http(request):
    return text(await attempt(others[0].send("x")))
@app.get("/uncaught")
async def uncaught(request):
    await others[0].send("x")
""",
    websocket("/other", "a"),
    _sent("/over"),
    websocket("/caller", "go", "on", replies=4),
    _sent("/http"),
    _sent("/uncaught"),
)
case(
    "messages that are none",
    """
    import os
    @app.websocket("/ws")
    async def ws(request, ws):
        mappings = {}, {"type": "websocket.close"}, {"type": "websocket.send", "text": "x"}, os.environ
        for data in (*mappings, 5, None, 1.5, ws):
            try:
                await ws.send(data)
            except TypeError as error:
                await ws.send(type(error).__name__)
        await ws.send(await ws.recv())
    """,
    websocket("/ws", "open", replies=9),
)
case(
    "what a busy handler gets of the messages before the end",
    _LEAVING
    + """
@watched
async def busy(request, ws):
    async for message in ws:
        await ws.send("got")
        await asyncio.sleep(0.3)
        event("done", message)
    event("end")
""",
    websocket("/busy", "a", "b", "c", replies=1),
    _sent("/over"),
    differs="websocket-leaves",
)
