"""Answers sent piece by piece, in detail: what may be sent when, and what a failure leaves."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

case(
    "pieces of many sizes",
    """
    @app.get("/<count:int>/<size:int>")
    async def a(request, count, size):
        response = await request.respond(content_type="application/octet-stream")
        for number in range(count): await response.send(bytes([number % 256]) * size)
        await response.eof()
    """,
    *(get(f"/{count}/{size}") for count, size in ((0, 0), (1, 0), (3, 1), (3, 0), (50, 1000), (2, 100_000))),
    get("/x/y"),
)
case(
    "headers and status of a stream, until the first piece",
    """
    @app.get("/before")
    async def a(request):
        response = await request.respond(content_type="text/plain", headers={"x-a": "1"})
        response.status = 202; response.headers["x-a"] = "2"; response.headers["x-b"] = "3"
        response.add_cookie("c", "1"); response.content_type = "text/csv"
        await response.send("x")
        response.status = 500; response.headers["x-late"] = "4"; response.add_cookie("late", "1")
        await response.send("y")
    @app.get("/values")
    async def b(request):
        response = await request.respond(headers={"x-n": 5, "x-none": None, "content-type": "text/own"})
        await response.send("x")
    """,
    get("/before"),
    get("/values"),
    get("/none"),
)
case(
    "a stream of a response of each kind",
    """
    from sanic.response import redirect
    @app.get("/<kind>")
    async def a(request, kind):
        made = {"text": lambda: text("body"), "json": lambda: json({"a": 1}), "html": lambda: html("<p>"),
            "raw": lambda: raw(b"r"),
                "redirect": lambda: redirect("/x"), "none": lambda: None,
                "http": lambda: HTTPResponse(status=202)}[kind]()
        response = await request.respond(made) if made else await request.respond()
        event(type(response).__name__, response.status)
        if "send" in request.args: await response.send(request.args["send"][0])
        await response.eof()
    """,
    *(get(f"/{kind}") for kind in ("text", "json", "html", "raw", "redirect", "http", "bad")),
)
case(
    "a generator that feeds a stream, and cleans up",
    """
    async def rows():
        try:
            for number in range(3): yield f"{number}\\n"
        finally: event("cleaned up")
    @app.get("/")
    async def a(request):
        response = await request.respond(content_type="text/csv")
        async for row in rows(): await response.send(row)
        await response.eof()
        event("after eof")
    @app.get("/early")
    async def b(request):
        response = await request.respond(content_type="text/csv")
        async for row in rows():
            await response.send(row)
            break
        await response.eof()
    """,
    get("/"),
    get("/none"),
    post("/", body=b""),
)
case(
    "an echo of parts, and what is left unread",
    """
    @app.post("/echo", stream=True)
    async def a(request):
        response = await request.respond(content_type=request.content_type)
        while (part := await request.stream.read()) is not None: await response.send(part)
        await response.eof()
    @app.post("/half", stream=True)
    async def b(request):
        first = await request.stream.read()
        return text(str(len(first) > 0))
    @app.post("/none", stream=True)
    async def c(request): return text("unread")
    """,
    post("/echo", {"content-type": "text/x"}, [b"a", b"b" * 1000, b"c"]),
    post("/echo", {"content-type": "text/x"}, b""),
    post("/none", body=b"x" * 100),
    post("/missing", body=b"x" * 100),
    request("POST", "/echo", {"content-type": "text/x"}, b"abc", version="1.0"),
)
case(
    "errors around a stream that has not begun",
    """
    @app.on_response
    async def mark(request, response): event("mark", response.status); response.headers["x-mark"] = "1"
    @app.get("/value")
    async def a(request):
        await request.respond(content_type="text/plain", headers={"x-lost": "1"})
        raise ValueError("before the first piece")
    @app.get("/handled")
    async def b(request):
        await request.respond(content_type="text/plain")
        raise KeyError
    @app.exception(KeyError)
    async def answer(request, error): return text("handled", status=499)
    @app.get("/type")
    async def c(request):
        response = await request.respond(content_type="text/plain")
        await response.send({"a": 1})
    """,
    *(get(f"/{name}") for name in ("value", "handled", "none")),
)
case(
    "a ResponseStream by keywords, in a blueprint, with a class",
    """
    from sanic.response import ResponseStream
    from sanic.views import HTTPMethodView
    bp = Blueprint("bp", url_prefix="/bp")

    async def lines(response):
        for number in range(3): await response.write(f"{number};")
    class Writer:
        async def __call__(self, response): await response.write(b"object")
    @bp.get("/keywords")
    async def a(request):
        return ResponseStream(streaming_fn=lines, status=203, headers={"x-a": "b"}, content_type="text/x")
    class View(HTTPMethodView):
        async def get(self, request): return ResponseStream(Writer())
        async def post(self, request): return ResponseStream(lines, content_type="text/plain")
    bp.add_route(View.as_view(), "/view")
    app.blueprint(bp)
    """,
    get("/bp/keywords"),
    get("/bp/view"),
    post("/bp/view", body=b""),
    get("/bp/none"),
)
case(
    "HEAD where GET streams",
    """
    from sanic.response import file_stream
    top = folder({"a.txt": "hello"})
    @app.head("/own")
    async def a(request): return empty(headers={"x-a": "b"})
    @app.head("/text")
    async def b(request): return text("not sent")
    """,
    head("/own"),
    head("/text"),
    head("/none"),
)
