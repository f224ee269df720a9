"""Answers sent bit by bit, and bodies read so."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

case(
    "request.respond",
    """
    @app.get("/")
    async def a(request):
        response = await request.respond(content_type="text/csv", status=201, headers={"x-a": "b"})
        await response.send("one,")
        await response.send(b"two")
        await response.send("")
        await response.eof()
    @app.get("/noeof")
    async def b(request):
        response = await request.respond()
        await response.send("no eof")
    @app.get("/end")
    async def c(request):
        response = await request.respond(content_type="text/plain")
        await response.send("end", end_stream=True)
    @app.get("/nothing")
    async def d(request):
        await request.respond(content_type="text/plain")
    """,
    get("/"),
    get("/noeof"),
    get("/end"),
    get("/nothing"),
    request("GET", "/", version="1.0"),
)
case(
    "request.respond with a response",
    """
    @app.get("/text")
    async def a(request):
        await request.respond(text("whole", headers={"x-a": "b"}))
    @app.get("/more")
    async def b(request):
        response = await request.respond(text("given"))
        await response.send("sent")
        await response.eof()
    @app.get("/returned")
    async def c(request):
        response = await request.respond(HTTPResponse(content_type="text/plain"))
        await response.send("a")
        return response
    @app.get("/length")
    async def d(request):
        response = await request.respond(headers={"content-length": "6"}, content_type="text/plain")
        await response.send("abc"); await response.send("def"); await response.eof()
    """,
    get("/more"),
    get("/returned"),
    get("/length"),
    get("/none"),
    log_differs="needless-errors",
)
case(
    "a stream and its middleware",
    """
    @app.on_response
    async def mark(request, response): response.headers["x-mark"] = "1"; response.add_cookie("a", "b")
    @app.get("/")
    async def a(request):
        response = await request.respond(content_type="text/plain")
        response.headers["x-late"] = "1"
        await response.send("x")
        await response.eof()
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "a stream that fails before it sends",
    """
    @app.get("/before")
    async def a(request):
        response = await request.respond(content_type="text/plain")
        raise BadRequest("no")
    @app.get("/twice")
    async def b(request):
        response = await request.respond(content_type="text/plain")
        await response.send("a")
        await response.eof()
        return text("again")
    @app.get("/ok")
    async def c(request): return text("ok")
    """,
    get("/before"),
    get("/twice"),
    get("/ok"),
)
case(
    "ResponseStream",
    """
    from sanic.response import ResponseStream

    async def write(response):
        await response.write("one ")
        await response.write(b"two")

    @app.get("/")
    async def a(request): return ResponseStream(write, status=201, headers={"x-a": "b"}, content_type="text/csv")
    @app.get("/default")
    async def b(request): return ResponseStream(write)
    @app.get("/empty")
    async def c(request):
        async def nothing(response): pass
        return ResponseStream(nothing, content_type="text/plain")
    @app.on_response
    async def mark(request, response): response.headers["x-mark"] = "1"
    """,
    get("/"),
    get("/default"),
    get("/empty"),
    get("/none"),
)
case(
    "a body read as a stream",
    """
    @app.post("/", stream=True)
    async def a(request):
        parts = 0; total = b""
        while True:
            body = await request.stream.read()
            if body is None: break
            parts += 1; total += body
        return json([total.decode(), parts > 0])
    @app.post("/each", stream=True)
    async def b(request):
        total = b""
        async for chunk in request.stream: total += chunk
        return json(len(total))
    @app.post("/all", stream=True)
    async def c(request):
        await request.receive_body()
        return json(request.json)
    @app.post("/ignored", stream=True)
    async def d(request): return text("ignored")
    """,
    post("/", body=b"hello"),
    post("/", body=[b"one", b"two"]),
    post("/", body=b""),
    post("/each", body=b"x" * 200_000),
    post("/all", json=[1]),
    post("/all", body=b"{"),
    post("/ignored", body=b"x" * 1000),
)
case(
    "an echo, streamed both ways",
    """
    @app.post("/", stream=True)
    async def a(request):
        response = await request.respond(content_type="text/plain")
        async for chunk in request.stream:
            await response.send(chunk.upper())
        await response.eof()
    """,
    post("/", body=[b"one", b"two"]),
    post("/", body=b"three"),
    get("/"),
)
case(
    "HEAD of a stream",
    """
    @app.route("/", methods=["GET", "HEAD"])
    async def a(request):
        response = await request.respond(content_type="text/plain")
        await response.send("body")
        await response.eof()
    """,
    get("/"),
    head("/"),
    post("/", body=b""),
    log_differs="needless-errors",
)
case(
    "an answer before the body has come",
    """
    @app.post("/")
    async def a(request): return text("never read", status=201)
    @app.on_request
    async def early(request):
        if "early" in request.args: return text("early", status=403)
    """,
    post("/", body=b"x" * 100_000),
    post("/?early=1", body=b"x" * 1000),
    post("/none", body=b"x" * 1000),
)
case(
    "request.respond, and a wait before the first part",
    """
    import asyncio
    from sanic.response import ResponseStream
    @app.get("/events")
    async def a(request):
        response = await request.respond(content_type="text/event-stream")
        await asyncio.sleep(0.05)
        await response.send("data: a\\n\\n")
        await asyncio.sleep(0.05)
        await response.send("data: b\\n\\n")
    @app.get("/nothing")
    async def b(request):
        await request.respond(content_type="text/event-stream")
        await asyncio.sleep(0.05)
    @app.get("/function")
    async def c(request):
        async def write(response):
            await asyncio.sleep(0.05)
            await response.write("late")
        return ResponseStream(write, content_type="text/event-stream")
    @app.post("/read", stream=True)
    async def d(request):
        response = await request.respond(content_type="text/plain")
        parts = [part async for part in request.stream]
        await asyncio.sleep(0.05)
        await response.send(b"".join(parts))
    @app.get("/read", stream=True, name="read_get")
    async def e(request):
        response = await request.respond(content_type="text/plain")
        await asyncio.sleep(0.05)
        await response.send(f"{[part async for part in request.stream]} {request.body}")
    """,
    get("/events"),
    get("/nothing"),
    get("/function"),
    head("/events"),
    post("/read", body=b"abc"),
    get("/read"),
)
case(
    "a stream that fails before its first part",
    """
    import asyncio
    @app.get("/fails")
    async def a(request):
        await request.respond(content_type="text/event-stream")
        await asyncio.sleep(0.05)
        raise ServiceUnavailable("no events today")
    @app.get("/answered")
    async def b(request):
        await request.respond(content_type="text/event-stream")
        raise LookupError
    @app.exception(LookupError)
    async def c(request, error):
        await asyncio.sleep(0.05)
        return text("answered", status=418)
    """,
    get("/fails"),
    get("/answered"),
)
case(
    "a quiet stream that is late",
    """
    import asyncio
    app.config.RESPONSE_TIMEOUT = 0.4
    @app.get("/")
    async def a(request):
        await request.respond(content_type="text/event-stream")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            event("cancelled")
            raise
    """,
    get("/"),
)
