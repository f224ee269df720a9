"""app.static: files, directories, ranges, and what must not be served."""

from tests.parity.case import case
from tests.parity.wire import get, head, post, request

TREE = """
top = folder({"public/a.txt": "0123456789", "public/b/c.json": "{}", "public/index.html": "<p>index</p>",
              "public/ü x.txt": "unicode", "public/b/index.html": "<p>b</p>", "public/.hidden": "hidden",
              "public/empty.txt": "", "public/big.bin": b"x" * 200_000, "secret.txt": "secret"})
"""

case(
    "one file",
    TREE
    + """
app.static("/one.txt", top / "public/a.txt")
app.static("/two", str(top / "public/a.txt"), content_type="text/x", name="two")
""",
    get("/one.txt"),
    get("/two"),
    get("/one.txt/"),
    post("/one.txt", body=b"x"),
    get("/three"),
)
case(
    "a directory",
    TREE + 'app.static("/s", top / "public")',
    get("/s/a.txt"),
    get("/s/b/c.json"),
    get("/s/empty.txt"),
    get("/s/.hidden"),
    get("/s/%C3%BC%20x.txt"),
    get("/s/a.txt?x=1"),
    get("/s/a.txt/"),
    get("/s"),
    get("/s/big.bin"),
    get("/s/missing.txt"),
    get("/s/b/missing/x"),
    post("/s/a.txt", body=b"x"),
)
case(
    "leaving the directory",
    TREE + 'app.static("/s", top / "public")',
    get("/s/../secret.txt"),
    get("/s/%2e%2e/secret.txt"),
    get("/s/..%2fsecret.txt"),
    get("/s/b/../a.txt"),
    get("/s/b/../../secret.txt"),
    get("/s//etc/passwd"),
    get("/s/%2Fetc/passwd"),
    get("/s/..\\secret.txt"),
    get("/s/./a.txt"),
    get("/s/%zz"),
    get("/s/%FF"),
    log_differs="static-files",
)
case(
    "symbolic links",
    TREE
    + """
import os
os.symlink(top / "secret.txt", top / "public/link.txt")
os.symlink(top / "public/a.txt", top / "public/inner.txt")
app.static("/s", top / "public")
app.static("/f", top / "public", follow_external_symlink_files=True, name="followed")
""",
    get("/s/inner.txt"),
    get("/s/link.txt"),
    get("/f/link.txt"),
    log_differs="static-files",
)
case(
    "index and directory view",
    TREE
    + """
app.static("/i", top / "public", index="index.html", name="i")
app.static("/l", top / "public", index=["nosuch.html", "index.html"], name="l")
app.static("/n", top / "public", index="nosuch.html", name="n")
""",
    get("/i/"),
    get("/i"),
    get("/i/b/"),
    get("/i/b"),
    get("/l/b/"),
    get("/n/"),
)
case(
    "ranges",
    TREE + 'app.static("/a", top / "public/a.txt", use_content_range=True)',
    *(
        get("/a", {"range": value})
        for value in (
            "bytes=0-3",
            "bytes=4-",
            "bytes=-3",
            "bytes=0-0",
            "bytes=9-9",
            "bytes=10-",
            "bytes=5-2",
            "bytes=-0",
            "bytes=0-1,3-4",
            "bytes=a-b",
            "bytes=",
            "items=0-1",
            "bytes = 0-1",
            "bytes= 0-3",
            "bytes=+1-02",
            "bytes=--3",
            "garbage",
        )
    ),
    get("/a"),
    head("/a"),
    head("/a", {"range": "bytes=0-3"}),
)
case(
    "errors of Sanic: a directory, NUL, ranges beyond the end, HEAD",
    TREE
    + """
app.static("/s", top / "public")
app.static("/a", top / "public/a.txt", use_content_range=True, name="a")
app.static("/i", top / "public", index="index.html", name="i")
import os
os.symlink("loop", top / "public/loop")
""",
    get("/s/"),
    get("/s/loop"),
    get("/s/" + "x" * 300),
    head("/i/"),
    get("/s/b"),
    get("/s/a.txt%00.png"),
    get("/a", {"range": "bytes=0-99"}),
    get("/a", {"range": "bytes=-99"}),
    get("/a", {"range": "bytes=20-30"}),
    head("/s/a.txt"),
    head("/s/b"),
    differs="static-files",
)
case(
    "ranges switched off",
    TREE + 'app.static("/a", top / "public/a.txt")',
    get("/a", {"range": "bytes=0-3"}),
    get("/a", {"range": "garbage"}),
)
case(
    "modified since",
    TREE
    + """
app.static("/a", top / "public/a.txt", use_modified_since=True)
app.static("/b", top / "public/a.txt", use_modified_since=False, name="b")
""",
    get("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    get("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}),
    get("/a", {"if-modified-since": "Wed, 01 Jan 2031 00:00:00 GMT"}),
    get("/a", {"if-modified-since": "yesterday"}),
    get("/b", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    head("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
)
case(
    "large files as a stream",
    TREE
    + """
app.static("/s", top / "public", stream_large_files=1000)
app.static("/t", top / "public", stream_large_files=True, name="t")
""",
    get("/s/big.bin"),
    get("/s/a.txt"),
    get("/t/big.bin"),
    get("/s/missing"),
)
case(
    "static of a blueprint, with url_for",
    TREE
    + """
bp = Blueprint("bp", url_prefix="/bp")
bp.static("/s", top / "public", name="files")
app.static("/one", top / "public/a.txt", name="one", strict_slashes=True)
app.blueprint(bp)

@app.get("/urls")
async def urls(request):
    return json([app.url_for("bp.files", filename="b/c.json"), app.url_for("static", name="bp.files", filename="a.txt"),
                 app.url_for("one"), app.url_for("static", name="one")])
""",
    get("/bp/s/a.txt"),
    get("/one"),
    get("/one/"),
    get("/urls"),
    get("/bp/s/none"),
)
case(
    "two static routes of one name",
    TREE
    + """
app.static("/a", top / "public")
app.static("/b", top / "public/a.txt")
""",
    get("/b"),
    fails=True,
)
case(
    "a directory that is not there",
    TREE + 'app.static("/a", top / "nosuch")',
    get("/a/x"),
    get("/a"),
    get("/b"),
)
case(
    "a static argument of a wrong type",
    'app.static("/a", 5)',
    get("/a"),
    fails=True,
)
case(
    "exceptions of static reach handlers",
    TREE
    + """
app.static("/s", top / "public")

@app.exception(FileNotFound)
async def missing(request, exception): return json([str(exception), exception.relative_url], status=404)
@app.on_response
async def mark(request, response): response.headers["x-mark"] = "1"
""",
    get("/s/none"),
    get("/s/a.txt"),
    request("DELETE", "/s/a.txt"),
)
