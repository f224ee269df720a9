"""Responses in detail: their methods, their heads, their files, and what else a handler may return."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

TRY = """
from sanic.response import *
from sanic.response import HTTPResponse, JSONResponse, ResponseStream, BaseHTTPResponse, json_dumps

def tell(*steps):
    told = []
    for step in steps:
        try: told.append(repr(step()))
        except Exception as error: told.append(f"{type(error).__name__}: {error}")
    return text("\\n".join(told))
"""

case(
    "a JSON list that is changed",
    TRY
    + """
@app.get("/")
async def a(request):
    r = json([1, 2])
    r.append(3); r.extend([4, 5]); r.pop(0)
    return r
@app.get("/bad")
async def b(request):
    r = json([1])
    return tell(lambda: r.update(a=1), lambda: r.pop(9), lambda: r.pop(0, 1), lambda: r.extend(5), lambda: r.body)
@app.get("/last")
async def c(request):
    r = json([1, 2, 3])
    return tell(r.pop.__class__, lambda: r.pop(-1), lambda: r.raw_body, lambda: r.body)
""",
    get("/"),
    get("/bad"),
)
case(
    "a JSON object that is changed",
    TRY
    + """
@app.get("/")
async def a(request):
    r = json({"a": 1})
    r.update({"b": 2}); r.update(c=3); r.pop("a"); r.pop("none", None)
    return r
@app.get("/bad")
async def b(request):
    r = json({"a": 1})
    return tell(lambda: r.append(1), lambda: r.extend([1]), lambda: r.pop("none"), lambda: r.update(5), lambda: r.body)
@app.get("/other")
async def c(request):
    r = json("text")
    return tell(lambda: r.append(1), lambda: r.update(a=1), lambda: r.pop(0), lambda: r.raw_body)
""",
    get("/"),
    get("/bad"),
    get("/other"),
)
case(
    "a JSON body set by hand",
    TRY
    + """
@app.get("/")
async def a(request):
    r = json({"a": 1}); r.body = b"by hand"
    return r
@app.get("/tell")
async def b(request):
    r = json({"a": 1}); r.body = b"x"
    return tell(lambda: r.raw_body, lambda: r.update(a=2), lambda: r.append(1), lambda: r.pop("a"), lambda: r.body)
@app.get("/back")
async def c(request):
    r = json({"a": 1}); r.body = b"x"; r.raw_body = [1, 2]; r.append(3)
    return r
@app.get("/set")
async def d(request):
    r = json({"a": 1}); r.body = b"x"; r.set_body({"b": 2}); r.update(c=3)
    return r
""",
    *(get(f"/{name}") for name in ("", "tell", "back", "set")),
)
case(
    "dumps of one call",
    TRY
    + """
def shout(value, **options): return f"{value}{sorted(options)}".upper()

@app.get("/json")
async def a(request): return json({"a": 1}, dumps=shout)
@app.get("/options")
async def b(request): return json({"a": 1}, dumps=shout, indent=1, x=2)
@app.get("/changed")
async def c(request):
    r = json({"a": 1}, dumps=shout); r.update(b=2)
    return r
@app.get("/set_body")
async def d(request):
    r = json({"a": 1}); r.set_body({"c": 3}, dumps=shout, y=1); r.update(d=4)
    return r
@app.get("/fails")
async def e(request): return json({"a": 1}, dumps=lambda value: 1 / 0)
@app.get("/bytes")
async def f(request): return json({"a": 1}, dumps=lambda value: b"bytes")
@app.get("/stdlib")
async def g(request):
    from json import dumps
    return json({"b": 1, "a": "ü"}, dumps=dumps, indent=1, sort_keys=True)
""",
    *(get(f"/{name}") for name in ("json", "options", "changed", "set_body", "fails", "bytes", "stdlib")),
)
case(
    "dumps and loads of the application",
    """
    def dumps(value, **options): return f"<{value!r}>"
    def loads(data, **options): return data.decode().split(",")

    app = Sanic("Own", dumps=dumps, loads=loads)

    @app.post("/")
    async def a(request): return json(request.json)
    @app.post("/other")
    async def b(request): return json(request.json, dumps=lambda value: "other")
    @app.get("/error")
    async def c(request): raise BadRequest("no", context={"a": 1})
    @app.get("/changed")
    async def d(request):
        r = json({}); r.update(a=1)
        return r
    """,
    post("/", body=b"a,b"),
    post("/", body=b""),
    post("/", body=b"\xff"),
    post("/other", body=b"a"),
    get("/error", {"accept": "application/json"}),
    get("/changed"),
)
case(
    "a JSONResponse of one's own making",
    TRY
    + """
@app.get("/default")
async def a(request): return JSONResponse()
@app.get("/all")
async def b(request): return JSONResponse([1], 201, {"x-a": "b"}, "application/vnd.api+json")
@app.get("/type")
async def c(request): return tell(lambda: JSONResponse([1]), lambda: isinstance(json(1), JSONResponse),
    lambda: isinstance(json(1), HTTPResponse), lambda: JSONResponse({1, 2}), lambda: json(1).raw_body)
@app.get("/nottype")
async def d(request): return json([1], content_type="text/x", headers={"content-type": "text/y"})
@app.get("/status")
async def e(request): return json(None, status=404)
""",
    get("/default"),
    get("/all"),
    get("/nottype"),
    get("/status"),
)
case(
    "objects that know their HTML",
    """
    class Html:
        def __html__(self): return "<b>html</b>"
    class Repr:
        def _repr_html_(self): return "<b>repr</b>"
    class Both(Html, Repr): pass
    class Broken:
        def __html__(self): raise ValueError("broken")
    class Number:
        def __html__(self): return 5
    class Plain: pass

    @app.get("/<name>")
    async def a(request, name):
        return html({"html": Html, "repr": Repr, "both": Both, "broken": Broken, "number": Number,
            "plain": Plain}[name]())
    """,
    *(get(f"/{name}") for name in ("html", "repr", "both", "broken", "number", "plain")),
)
case(
    "objects that know their JSON",
    """
    class Json:
        def __json__(self): return '{"own": 1}'
    class Broken:
        def __json__(self): raise ValueError("broken")
    class Plain: pass

    @app.get("/<name>")
    async def a(request, name):
        made = {"own": Json, "broken": Broken, "plain": Plain}[name]()
        return json({"a": [made]} if request.args else made)
    """,
    get("/own"),
    get("/own?inside=1"),
    get("/broken"),
    get("/plain"),
)
case(
    "guess_content_type and the types of files",
    TRY
    + """
from sanic.response.convenience import guess_content_type
from pathlib import Path

@app.get("/")
async def a(request):
    names = ["a.txt", "b.html", "c.css", "d.js", "e.json", "f.png", "g", "h.tar.gz", "i.unknown", ".hidden", "x/y.svg",
             "A.TXT", "j.xml", "k.csv", "l.md", "m.woff2", "n.wasm", "o.mp4", ""]
    return tell(*(lambda name=name: guess_content_type(name) for name in names),
                lambda: guess_content_type(Path("a.txt")), lambda: guess_content_type("x", "my/default"),
                lambda: guess_content_type("x", fallback="f/b"))
@app.get("/bad")
async def b(request): return tell(lambda: guess_content_type(None), lambda: guess_content_type(5))
""",
    get("/"),
    get("/bad"),
)
case(
    "validate_file",
    TRY
    + """
from datetime import datetime, timezone
from sanic.compat import Header

@app.get("/")
async def a(request):
    moments = {"number": 1_700_000_000, "float": 1_700_000_000.7, "utc": datetime(2023, 11, 14, 22, 13, 20,
        tzinfo=timezone.utc)}
    found = []
    for name, moment in moments.items():
        answer = await validate_file(request.headers, moment)
        found.append([name, answer and answer.status])
    return json(found)
""",
    get("/"),
    get("/", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    get("/", {"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}),
    get("/", {"if-modified-since": "Wed, 15 Nov 2023 00:13:20 +0200"}),
    get("/", {"if-modified-since": "yesterday"}),
    get("/", {"if-modified-since": ""}),
    get("/", {"if-modified-since": "Tue, 99 Nov 2023 22:13:20 GMT"}),
)
case(
    "file and its arguments",
    TRY
    + """
from datetime import datetime, timezone
top = folder({"a.txt": "hello", "ü b.txt": "x", 'q"uote.txt': "q"})

@app.get("/<name>")
async def a(request, name):
    options = {
        "space": {"filename": "a b.txt"},
        "modified": {"last_modified": datetime(2020, 1, 2, 3, 4, 5,
            tzinfo=timezone.utc)}, "none": {"last_modified": None},
        "number": {"last_modified": 0.5}, "age": {"max_age": 0}, "store": {"no_store": True},
        "nostore": {"no_store": False},
        "type": {"mime_type": "text/x; charset=y"}, "status": {"status": 203}, "filetype": {"filename": "a.json"},
        "nonames": {"filename": ""}, "unvalidated": {"validate_when_requested": False,
            "request_headers": request.headers},
        "validated": {"request_headers": request.headers},
    }[name]
    return await file(str(top / "a.txt"), **options)
""",
    *(
        get(f"/{name}", {"if-modified-since": "Tue, 14 Nov 2033 22:13:20 GMT"})
        for name in ("space", "modified", "none", "number", "age", "store", "nostore")
    ),
    *(get(f"/{name}") for name in ("type", "status", "filetype", "nonames")),
    get("/unvalidated", {"if-modified-since": "Tue, 14 Nov 2033 22:13:20 GMT"}),
    get("/validated", {"if-modified-since": "Tue, 14 Nov 2033 22:13:20 GMT"}),
)
case(
    "names of files, and custom headers beside them",
    TRY
    + """
top = folder({"a.txt": "hello"})
@app.get("/<name>")
async def a(request, name):
    options = {
        "umlaut": {"filename": "ü.txt"},
        "quote": {"filename": 'a"b.txt'},
        "own": {"filename": "x", "headers": {"last-modified": "mine", "content-disposition": "mine"}},
    }[name]
    return await file(top / "a.txt", **options)
@app.get("/stream")
async def b(request): return await file_stream(top / "a.txt", filename="ü.txt")
""",
    *(get(f"/{name}") for name in ("umlaut", "quote", "own", "stream")),
    differs="file-names",
)
case(
    "a part of a file",
    TRY
    + """
from types import SimpleNamespace
top = folder({"a.txt": "0123456789"})

def part(start, end): return SimpleNamespace(start=start, end=end, size=end - start + 1, total=10)
@app.get("/file/<start:int>/<end:int>")
async def a(request, start, end): return await file(top / "a.txt", _range=part(start, end))
@app.get("/stream/<start:int>/<end:int>")
async def b(request, start, end): return await file_stream(top / "a.txt", _range=part(start, end))
""",
    *(get(f"/{kind}/{start}/{end}") for kind in ("file", "stream") for start, end in ((0, 9), (2, 5), (9, 9))),
    get("/file/x/y"),
)
case(
    "file_stream and its arguments",
    TRY
    + """
top = folder({"a.txt": "hello world", "b.bin": "x" * 10_000, "c": "", "d.html": "<p>"})

@app.on_response
async def mark(request, response): response.headers["x-mark"] = "1"
@app.get("/f/<name>")
async def a(request, name): return await file_stream(top / name, chunk_size=1000)
@app.get("/named")
async def b(request): return await file_stream(str(top / "a.txt"), filename="x.json", headers={"X-A": "b"})
@app.get("/type")
async def c(request): return await file_stream(top / "a.txt", status=206, mime_type="text/x",
    headers={"content-type": "y/z"})
@app.get("/folder")
async def d(request): return await file_stream(top)
@app.get("/missing")
async def e(request): return await file_stream(top / "none")
""",
    *(get(f"/f/{name}") for name in ("a.txt", "b.bin", "c", "d.html")),
    get("/named"),
    get("/type"),
)
case(
    "values of headers",
    """
    import uuid, decimal, datetime

    class Own:
        def __str__(self): return "own"
    VALUES = {"uuid": uuid.UUID(int=5), "number": 5, "float": 1.5, "none": None, "true": True, "bytes": b"x",
        "own": Own(),
              "decimal": decimal.Decimal("1.20"), "date": datetime.date(2020, 1, 2), "list": [1, 2]}

    @app.get("/set/<name>")
    async def a(request, name):
        r = text("x"); r.headers["x-a"] = VALUES[name]
        return r
    @app.get("/given/<name>")
    async def b(request, name): return text("x", headers={"x-a": VALUES[name]})
    @app.get("/read/<name>")
    async def c(request, name):
        r = text("x", headers={"x-a": VALUES[name]})
        return text(repr(r.headers["x-a"]) if name != "own" else "")
    """,
    *(
        get(f"/{source}/{name}")
        for source in ("set", "given", "read")
        for name in ("uuid", "number", "float", "none", "true", "bytes", "own", "decimal", "date", "list")
    ),
)
case(
    "the mapping of headers",
    TRY
    + """
@app.get("/")
async def a(request):
    r = text("x", headers={"X-A": "1"})
    h = r.headers
    return tell(lambda: h["x-a"], lambda: h.x_a, lambda: h.get("X-a"), lambda: "x-A" in h, lambda: h.getall("x-a"),
        lambda: h.getone("x-a"), lambda: h.getone("none", default=5), lambda: h.getall(key="x-a", default=5),
        lambda: h.pop("none", default=5), lambda: h.popall("none", default=5),
        lambda: h.get_all("x-a"), lambda: h["none"], lambda: h.none, lambda: h.get("none", 5), lambda: h.add("x-a",
            2), lambda: list(h.items()),
        lambda: h.popall("x-a"), lambda: list(h), lambda: h.setdefault("b",
            "c"), lambda: h.update({"B": "d"}), lambda: list(h.items()),
        lambda: h.pop("none"), lambda: h.clear(), lambda: len(h), lambda: type(h).__name__)
@app.get("/replaced")
async def b(request):
    r = text("x", headers={"x-a": "1"}); r.headers = {"x-b": "2"}
    return r
@app.get("/emptied")
async def c(request):
    r = text("x", headers={"x-a": "1"}); r.headers.clear()
    return r
@app.get("/deleted")
async def d(request):
    r = text("x", headers={"x-a": "1", "x-b": "2"}); del r.headers["X-A"]
    return r
""",
    get("/"),
    get("/emptied"),
    get("/deleted"),
)
case(
    "order of headers",
    """
    @app.get("/")
    async def a(request):
        r = text("x", headers={"z": "1", "a": "2"})
        r.headers.add("m", "3"); r.headers.add("a", "4"); r.headers.add("m", "5")
        return r
    @app.on_response
    async def mark(request, response): response.headers.add("a", "6")
    @app.get("/cookies")
    async def b(request):
        r = text("x")
        for name in "zay": r.add_cookie(name, "1")
        r.headers.add("set-cookie", "own=1"); r.add_cookie("last", "1")
        return r
    """,
    get("/"),
    get("/cookies"),
    get("/none"),
)
case(
    "headers that frame a body",
    """
    @app.get("/length/<value>")
    async def a(request, value): return text("four", headers={"Content-Length": value})
    @app.get("/twice")
    async def b(request):
        r = text("four"); r.headers["content-length"] = "9"; r.body = b"changed"
        return r
    @app.get("/none")
    async def c(request): return empty(headers={"content-type": "text/x"})
    @app.get("/not")
    async def d(request): return HTTPResponse(b"", 304, headers={"content-type": "text/x", "etag": "x"})
    """,
    *(get(f"/length/{value}") for value in (4, 2, 9, "x")),
    get("/none"),
    get("/not"),
    get("/missing"),
)
case(
    "HEAD of everything",
    """
    from sanic.response import file, file_stream, redirect
    top = folder({"a.txt": "hello"})
    METHODS = ["GET", "HEAD"]
    @app.route("/text", METHODS)
    async def a(request): return text("hello")
    @app.route("/json", METHODS)
    async def b(request): return json([1, 2], headers={"x-a": "b"})
    @app.route("/empty", METHODS)
    async def c(request): return empty()
    @app.route("/file", METHODS)
    async def d(request): return await file(top / "a.txt")
    @app.route("/redirect", METHODS)
    async def e(request): return redirect("/x")
    @app.route("/error", METHODS)
    async def f(request): raise BadRequest("no")
    @app.route("/304", METHODS)
    async def g(request): return HTTPResponse(status=304, headers={"etag": "x"})
    @app.route("/default", METHODS)
    async def h(request): return HTTPResponse()
    """,
    *(head(f"/{name}") for name in ("text", "json", "empty", "file", "redirect", "error", "304", "default", "none")),
)
case(
    "statuses with and without a body",
    """
    @app.get("/<status:int>")
    async def a(request, status): return text("body", status=status, headers={"x-a": "b"})
    @app.get("/stream/<status:int>")
    async def b(request, status):
        response = await request.respond(status=status, content_type="text/plain")
        await response.send("body"); await response.eof()
    """,
    *(get(f"/{status}") for status in (200, 202, 203, 204, 205, 206, 226, 300, 304, 418, 451, 511)),
    *(get(f"/stream/{status}") for status in (200, 404)),
)
case(
    "statuses that are none",
    """
    @app.get("/<status>")
    async def a(request, status):
        return text("x", status={"str": "200", "none": None, "nan": "abc", "99": 99, "100": 100, "0": 0,
                         "true": True}[status])
    """,
    *(get(f"/{status}") for status in ("str", "none", "nan", "99", "100", "0", "true")),
    get("/missing"),
)
case(
    "redirects in detail",
    """
    from sanic.response import redirect
    @app.get("/r/<n:int>")
    async def a(request, n):
        return redirect(["/ü", "//x.test/a", "?a=b c&d=%20", "#f r", "http://ü.test/",
            "/a;b,c'd(e)f*g!h$i@j[k]l:m=n+o", "a b",
                         "\\\\\\\\x.test", "/%", "javascript:alert(1)", "/a\\tb", "/a\\x7fb", " /lead"][n])
    @app.get("/headers")
    async def b(request): return redirect("/x", headers={"Location": "/y", "x-a": "b"}, status=303)
    @app.get("/number")
    async def c(request): return redirect(5)
    @app.get("/none")
    async def d(request): return redirect(None)
    @app.get("/status")
    async def e(request): return redirect("/x", status=200, content_type="text/plain")
    """,
    *(get(f"/r/{n}") for n in range(13)),
    *(get(f"/{name}") for name in ("headers", "number", "none", "status")),
)
case(
    "request.respond and its refusals",
    """
    @app.get("/twice")
    async def a(request):
        first = await request.respond(text("first"))
        try: await request.respond(text("second"))
        except Exception as error: await first.send(f"{type(error).__name__}: {error}")
        await first.eof()
    @app.get("/ended")
    async def b(request):
        response = await request.respond(content_type="text/plain")
        await response.send("a"); await response.eof()
        told = []
        for step in (response.send("b"), response.eof(), response.send(), response.send("c", end_stream=True)):
            try: told.append(repr(await step))
            except Exception as error: told.append(f"{type(error).__name__}: {error}")
        event(told)
    @app.get("/unconnected")
    async def c(request):
        try: await text("x").send("y")
        except Exception as error: return text(f"{type(error).__name__}: {error}")
    @app.get("/unconnected/eof")
    async def d(request):
        try: await text("x").eof()
        except Exception as error: return text(f"{type(error).__name__}: {error}")
    @app.get("/type")
    async def e(request):
        response = await request.respond(content_type="text/plain")
        await response.send(5)
    """,
    *(get(f"/{name}") for name in ("twice", "ended", "unconnected", "unconnected/eof", "type", "none")),
)
case(
    "send and eof",
    """
    @app.get("/<n:int>")
    async def a(request, n):
        response = await request.respond(text("own body") if n % 2 else HTTPResponse(content_type="text/plain"))
        if n < 2: await response.eof()
        elif n < 4: await response.send(end_stream=True)
        elif n < 6: await response.send("x", True)
        elif n < 8: await response.send()
        elif n == 8: await response.send("", False); await response.send(b"y")
        elif n == 10: await response.send(b""); await response.send(b""); await response.send("z"); await response.eof()
    """,
    *(get(f"/{n}") for n in (*range(9), 10, 12, 13)),
    get("/x"),
)
case(
    "a response as a context manager",
    """
    @app.get("/")
    async def a(request):
        async with await request.respond(content_type="text/plain") as send:
            await send("one "); await send(b"two")
    @app.get("/fails")
    async def b(request):
        async with await request.respond(content_type="text/plain") as send:
            raise BadRequest("before anything was sent")
    @app.get("/nothing")
    async def c(request):
        async with await request.respond(text("whole")): pass
    """,
    get("/"),
    get("/nothing"),
    get("/none"),
)
case(
    "a ResponseStream and its attributes",
    TRY
    + """
async def write(response):
    await response.write(f"{response.status} {response.content_type} {sorted(response.headers)}")

@app.get("/")
async def a(request):
    r = ResponseStream(write, 202, {"x-a": "b"}, "text/x")
    r.cookies.add_cookie("c", "1"); r.headers["x-late"] = "1"; r.status = 203
    return r
@app.get("/cookies")
async def b(request):
    r = ResponseStream(write); r.headers["content-type"] = "text/y"
    return r
@app.get("/fails/early")
async def c(request):
    async def fails(response): raise BadRequest("early")
    return ResponseStream(fails)
@app.get("/eof")
async def d(request):
    async def ends(response): await response.write("x"); await response.eof()
    return ResponseStream(ends, content_type="text/plain")
@app.get("/type")
async def e(request):
    async def number(response): await response.write(5)
    return ResponseStream(number, content_type="text/plain")
@app.get("/tell")
async def f(request):
    r = ResponseStream(write)
    return tell(lambda: r.status, lambda: r.content_type, lambda: r.headers, lambda: r.streaming_fn is write,
        lambda: r.request)
""",
    *(get(f"/{name}") for name in ("", "cookies", "eof", "tell", "none")),
)
case(
    "what a handler returns that is none",
    """
    class Callable:
        def __call__(self): return text("x")

    @app.get("/<name>")
    async def a(request, name):
        return {"none": None, "str": "x", "bytes": b"x", "int": 5, "dict": {"a": 1}, "list": [1], "tuple": ("x", 201),
                "true": True, "class": str.__mro__}[name]
    """,
    *(
        get(f"/{name}", {"accept": accept})
        for name in ("none", "str", "bytes", "int", "dict", "list", "tuple", "true", "class")
        for accept in ("text/plain", "application/json")
    ),
)
case(
    "a handler that returns a coroutine, or is none",
    """
    import functools, asyncio

    async def answer(word): return text(word)

    @app.get("/coroutine")
    async def a(request): return answer("x")
    @app.get("/sync")
    def b(request): return answer("awaited")
    @app.get("/task")
    def c(request): return asyncio.ensure_future(answer("task"))
    app.add_route(functools.partial(lambda word, request: text(word), "partial"), "/partial", name="p")
    class Handler:
        async def __call__(self, request): return text("object")
        def method(self, request): return text("method")
    app.add_route(Handler(), "/object", name="o")
    app.add_route(Handler().method, "/method")
    """,
    *(get(f"/{name}") for name in ("sync", "task", "partial", "object", "method", "none")),
)
case(
    "a generator in place of a handler",
    """
    @app.get("/async")
    async def a(request): yield text("x")
    @app.get("/sync")
    def b(request): yield text("x")
    @app.get("/class")
    async def c(request): return HTTPResponse
    """,
    get("/sync"),
    get("/none"),
    get("/async"),
    scrub=("0x[0-9a-f]+", "content-length: .*"),
)
case(
    "bodies of odd types",
    TRY
    + """
class Encodes:
    def encode(self): return b"encoded"

@app.get("/<name>")
async def a(request, name):
    body = {"bytearray": bytearray(b"x"), "memory": memoryview(b"x"), "encodes": Encodes(), "number": 5, "list": [1],
        "none": None}[name]
    return HTTPResponse(body)
@app.get("/set/<name>")
async def b(request, name):
    r = HTTPResponse("x"); r.body = {"bytes": b"set", "empty": b""}[name]
    return r
@app.get("/text/<name>")
async def c(request, name): return text({"bytes": b"x", "none": None, "list": ["x"], "number": 1.5}[name])
@app.get("/raw/<name>")
async def d(request, name): return raw({"bytearray": bytearray(b"x"), "str": "x", "none": None, "number": 5}[name])
""",
    *(get(f"/{name}") for name in ("encodes", "none")),
    *(get(f"/set/{name}") for name in ("bytes", "empty")),
    *(get(f"/text/{name}") for name in ("bytes", "none", "list", "number")),
    *(get(f"/raw/{name}") for name in ("str", "none")),
)
case(
    "bodies of types that can't be sent",
    """
    @app.get("/<name>")
    async def a(request, name): return HTTPResponse({"number": 5, "float": 1.5, "true": True}[name])
    @app.get("/raw/<name>")
    async def b(request, name): return raw({"number": 5, "object": object}[name])
    """,
    *(get(f"/{name}") for name in ("number", "float", "true", "raw/number", "none")),
)
case(
    "attributes of a response",
    TRY
    + """
@app.get("/")
async def a(request):
    r = text("x", 201, {"x-a": "b"})
    return tell(lambda: r.status, lambda: r.body, lambda: r.content_type, lambda: dict(r.headers),
        lambda: r.cookies.cookies, lambda: r.asgi is not None,
        lambda: repr(r), lambda: r.stream, lambda: isinstance(r, BaseHTTPResponse), lambda: r.nothing)
@app.get("/head")
async def b(request):
    r = json([1], headers={"x-a": 5})
    return tell(lambda: sorted((k.lower(), v) for k, v in r.processed_headers))
@app.get("/bare")
async def c(request): return tell(lambda: BaseHTTPResponse().status, lambda: BaseHTTPResponse().content_type)
""",
    get("/head"),
    get("/none"),
    get("/"),
)
case(
    "cookies of responses of every kind",
    TRY
    + """
top = folder({"a.txt": "hello"})
@app.on_response
async def mark(request, response): response.add_cookie("m", "1"); response.delete_cookie("gone")
@app.get("/empty")
async def a(request): return empty()
@app.get("/file")
async def b(request): return await file(top / "a.txt")
@app.get("/redirect")
async def c(request): return redirect("/x")
@app.get("/stream")
async def d(request): return text("s")
@app.get("/304")
async def e(request): return HTTPResponse(status=304)
""",
    *(get(f"/{name}") for name in ("empty", "file", "redirect", "stream", "304", "none")),
)
case(
    "one response for many requests",
    """
    ready = {"text": text("ready"), "json": json({"n": 1}), "empty": empty(), "headers": text("h",
        headers={"x-a": "b"})}
    @app.route("/<name>", methods=["GET", "HEAD"])
    async def a(request, name): return ready[name]
    """,
    *(step(f"/{name}") for name in ("text", "json", "empty", "headers") for step in (get, head, get)),
    get("/none"),
)
case(
    "HTTP/1.0 and closing",
    """
    @app.get("/")
    async def a(request): return text("x")
    @app.get("/stream")
    async def b(request):
        response = await request.respond(content_type="text/plain")
        await response.send("a"); await response.send("b")
    """,
    request("GET", "/", version="1.0"),
    request("GET", "/stream", version="1.0"),
    request("GET", "/none", version="1.0"),
)
