"""Bodies and heads that are too large, wrong or odd; connections that stay open."""

from tests.parity.case import case
from tests.parity.wire import get, post, request, wire

SMALL = """
app.config.REQUEST_MAX_SIZE = 1000

@app.post("/")
async def a(request): return json(len(request.body))
@app.get("/")
async def b(request): return text("get")
@app.post("/stream", stream=True)
async def c(request):
    size = 0
    async for chunk in request.stream: size += len(chunk)
    return json(size)
"""

case(
    "a body over REQUEST_MAX_SIZE",
    SMALL,
    post("/", body=b"x" * 999),
    post("/", body=b"x" * 1000),
    post("/", body=b"x" * 1001),
    post("/", {"accept": "application/json"}, b"x" * 1001),
    post("/none", body=b"x" * 1001),
    request("GET", "/", body=b"x" * 1001),
)
case(
    "a chunked body over REQUEST_MAX_SIZE",
    SMALL,
    post("/", body=[b"x" * 500, b"x" * 500]),
    post("/", body=[b"x" * 600, b"x" * 600]),
    post("/", body=[b"x" * 1500]),
)
case(
    "a streamed body over REQUEST_MAX_SIZE",
    SMALL,
    post("/stream", body=b"x" * 1000),
    post("/stream", body=b"x" * 1001),
    post("/stream", body=[b"x" * 600, b"x" * 600]),
)
case(
    "expect: 100-continue",
    """
    @app.post("/")
    async def a(request): return json(len(request.body))
    """,
    post("/", {"expect": "100-continue"}, b"x" * 10),
    get("/none", {"expect": "100-continue"}),
)
case(
    "an unknown value of the header Expect",
    """
    @app.post("/")
    async def a(request): return json(len(request.body))
    """,
    post("/", {"expect": "200-ok"}, b"x"),
    differs="server",
)
case(
    "an unknown value beside 100-continue in the header Expect",
    """
    @app.post("/")
    async def a(request): return json(len(request.body))
    """,
    post("/", {"expect": "100-continue, 200-ok"}, b"x"),
    differs="server",
)
case(
    "an unknown value of the header Expect, without a body",
    """
    @app.get("/")
    async def a(request): return text(request.headers["expect"])
    """,
    get("/", {"expect": "200-ok"}),
)
case(
    "a middleware that refuses unknown values of the header Expect",
    """
    from sanic.exceptions import ExpectationFailed

    @app.on_request
    async def refuse(request):
        if request.headers.get("expect", "100-continue").lower() != "100-continue":
            raise ExpectationFailed(f"Unknown Expect: {request.headers['expect']}")

    @app.post("/")
    async def a(request): return json(len(request.body))
    """,
    # Sanic refuses it before the route is known, which the format of the page would depend on.
    post("/", {"expect": "200-ok", "accept": "text/plain"}, b"x"),
    post("/", {"expect": "100-Continue"}, b"x"),
    post("/", {}, b"x"),
)
case(
    "several requests on one connection",
    """
    @app.route("/<x>", methods=["GET", "POST"])
    async def a(request, x): return json([x, request.body.decode()])
    """,
    wire(
        b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /2 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        b"GET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("GET", "POST", "GET"),
    ),
    wire(
        b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("GET", "GET"),
    ),
    wire(
        b"GET /a/b HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("GET", "GET"),
    ),
)
case(
    "a request in small pieces",
    """
    @app.post("/")
    async def a(request): return json([request.headers["x-a"], request.json])
    """,
    wire(
        b"PO",
        b"ST / HTTP/1.1\r\nho",
        b"st: a\r\nx-a: b\r\nconnection: close\r\ncontent-le",
        b"ngth: 5\r\n\r",
        b"\n[1,",
        b"2]",
        methods=("POST",),
        pause=0.01,
    ),
    post("/", {"x-a": "1"}, b"[]"),
    post("/", {"x-a": "1"}, b"["),
)
case(
    "HTTP/1.0",
    """
    @app.get("/")
    async def a(request): return json([request.version, request.host])
    """,
    request("GET", "/", version="1.0"),
    request("GET", "/", {"connection": None}, version="1.0"),
    request("POST", "/", version="1.0"),
)
case(
    "many headers and a long header",
    """
    @app.get("/")
    async def a(request): return json([len(request.headers), len(request.headers.get("x-long", ""))])
    """,
    get("/", {f"x-{n}": str(n) for n in range(80)}),
    get("/", {"x-long": "x" * 6000}),
    get("/?" + "q" * 6000),
)
case(
    "a connection that goes on after errors and unread bodies",
    """
    @app.post("/ignored", stream=True)
    async def a(request): return text("ignored")
    @app.get("/bad")
    async def b(request): raise BadRequest("no")
    @app.get("/ok")
    async def c(request): return text("ok")
    """,
    wire(
        b"GET /bad HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /none HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("GET", "GET", "GET"),
    ),
    wire(
        b"POST /ignored HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345",
        b"GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("POST", "GET"),
    ),
    wire(
        b"POST /ok HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345",
        b"GET /ok HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("POST", "GET"),
    ),
)
case(
    "a connection after an error that nobody handled",
    """
    @app.get("/boom")
    async def a(request): 1 / 0
    @app.get("/middle")
    async def b(request):
        response = await request.respond(content_type="text/plain")
        await response.send("begun ")
        raise ValueError("in the middle")
    """,
    wire(
        b"GET /boom HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /boom HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("GET", "GET"),
    ),
    get("/middle"),
    differs="unhandled-errors",
)
case(
    "HEAD among other requests",
    """
    @app.route("/", methods=["GET", "HEAD"])
    async def a(request): return text("body")
    """,
    wire(
        b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"HEAD /none HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        methods=("HEAD", "HEAD", "GET"),
    ),
    get("/"),
    post("/", body=b""),
)
case(
    "chunks of many sizes, in pieces",
    """
    @app.post("/")
    async def a(request): return json([len(request.body), request.body[:3].decode(), request.body[-3:].decode()])
    """,
    post("/", body=[bytes([97 + n % 26]) * (n * 7 + 1) for n in range(60)]),
    wire(
        b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
        b"c\r\n0000",
        b"A\r\n0123456789\r\n",
        b"0\r\n\r\n",
        methods=("POST",),
        pause=0.01,
    ),
    post("/", body=[]),
)
case(
    "spellings of headers and values",
    """
    @app.post("/")
    async def a(request): return json([request.json, request.headers["X-Spaced"], request.content_type])
    """,
    wire(
        b"POST / HTTP/1.1\r\nHOST: a\r\nConnection: CLOSE\r\nContent-LENGTH: 3\r\nx-spaced:   a  b  \r\n"
        b"CONTENT-type:application/json\r\n\r\n[1]",
        methods=("POST",),
    ),
    post("/", {"x-spaced": "\t a"}, b"[]"),
    post("/", {"x-spaced": ""}, b"{"),
)

LATE = """
import asyncio
app.config.RESPONSE_TIMEOUT = 0.3
app.config.REQUEST_TIMEOUT = 5

@app.on_response
async def mark(request, response): response.headers["x-mark"] = f"{response.status} {getattr(request.ctx, 'seen', '')}"
"""
case(
    "a handler that takes too long: what it sees, cleans up and answers",
    LATE
    + """
@app.get("/slow")
async def slow(request): await asyncio.sleep(9)
@app.get("/cleanup")
async def cleanup(request):
    try: await asyncio.sleep(9)
    finally:
        await asyncio.sleep(0.1)
        request.ctx.seen = "cleaned"
@app.get("/caught")
async def caught(request):
    try: await asyncio.sleep(9)
    except asyncio.CancelledError: return text("my own answer", status=202)
@app.get("/raises")
async def raises(request):
    try: await asyncio.sleep(9)
    except asyncio.CancelledError: raise BadRequest("instead")
@app.get("/on")
async def on(request):
    try: await asyncio.sleep(9)
    except asyncio.CancelledError: await asyncio.sleep(0.6)
    return text("went on")
""",
    *(get(f"/{name}") for name in ("slow", "cleanup", "caught", "raises", "on")),
    get("/slow", {"accept": "application/json"}),
    get("/none"),
)
case(
    "middleware that takes too long",
    LATE
    + """
@app.on_request
async def before(request):
    if "before" in request.args: await asyncio.sleep(9)
@app.on_response
async def after(request, response):
    response.headers["x-after"] = "1"
    if "after" in request.args: await asyncio.sleep(9)
@app.get("/")
async def handler(request): return text("handler")
""",
    get("/"),
    get("/?before=1"),
    get("/?after=1"),
    get("/none?before=1"),
)
case(
    "streams and time limits",
    LATE
    + """
@app.get("/stream")
async def stream(request):
    response = await request.respond(content_type="text/plain")
    # Longer than the limit as a whole; each wait is far shorter, because on a busy machine all of them are longer.
    for part in "abcdefghij":
        await response.send(part)
        await asyncio.sleep(0.05)
@app.get("/promised")
async def promised(request):
    response = await request.respond(content_type="text/plain")
    await asyncio.sleep(9)
@app.post("/upload", stream=True)
async def upload(request):
    size = 0
    async for chunk in request.stream:
        size += len(chunk)
        await asyncio.sleep(0.01)
    return json(size)
""",
    get("/stream"),
    get("/promised"),
    post("/upload", body=b"x" * 10),
)
case(
    "handlers for what came too late",
    """
    import asyncio
    app.config.RESPONSE_TIMEOUT = 0.3
    app.config.FALLBACK_ERROR_FORMAT = "json"

    @app.exception(ServiceUnavailable)
    async def late(request, exception):
        await asyncio.sleep(0.6)
        return json({"error": str(exception), "status": exception.status_code, "quiet": exception.quiet}, status=504)
    @app.get("/slow")
    async def slow(request): await asyncio.sleep(9)
    @app.get("/group")
    async def group(request):
        async with asyncio.timeout(8):
            await asyncio.gather(asyncio.sleep(9), asyncio.sleep(8))
    @app.get("/raised")
    async def raised(request): raise ServiceUnavailable("raised")
    @app.get("/none")
    async def none(request): raise NotFound("x")
    """,
    get("/slow"),
    get("/group"),
    get("/raised"),
    get("/none"),
)
case(
    "middleware and a body that is refused",
    """
    app.config.REQUEST_MAX_SIZE = 1000
    @app.on_request
    async def before(request):
        event("before", request.path)
        if "early" in request.args: return text("early", status=202)
        if "fail" in request.args: raise Forbidden("in middleware")
    @app.on_response
    async def after(request, response):
        event("after", response.status)
        response.headers["x-after"] = "1"
    @app.exception(exceptions.PayloadTooLarge)
    async def large(request, exception): return text(f"large: {exception.status_code}", status=413)
    @app.post("/")
    async def a(request): event("handler"); return text("x")
    """.replace("    app.config", "    from sanic import exceptions\n    app.config", 1),
    post("/", body=b"x" * 1000),
    post("/", body=b"x" * 1001),
    post("/?early=1", body=b"x" * 1001),
    post("/?fail=1", body=b"x" * 1001),
    post("/", body=[b"x" * 600, b"x" * 600]),
)
case(
    "a body that is refused, in every format",
    """
    app.config.REQUEST_MAX_SIZE = 1000
    @app.post("/")
    async def a(request): return text("x")
    @app.post("/json", error_format="json")
    async def b(request): return text("x")
    @app.post("/html", error_format="html")
    async def c(request): return text("x")
    """,
    *(post("/", {"accept": accept}, b"x" * 1001) for accept in ("application/json", "text/html", "text/plain")),
    post("/json", body=b"x" * 1001),
    post("/html", body=b"x" * 1001),
    post("/html", body=b"x" * 999),
)
