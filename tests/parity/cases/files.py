"""app.static in detail: arguments, ranges, links, directories, names, and the handlers for ranges and directories."""

from tests.parity.case import case
from tests.parity.wire import Step, get, head, options, post, request

TREE = """
import os
from pathlib import Path
top = folder({"public/a.txt": "0123456789", "public/b/c.json": "{}", "public/b/d.html": "<p>d",
              "public/ü x.txt": "unicode",
              "public/script.js": "1", "public/noext": "plain", "public/x.unknown": "?", "public/empty.txt": "",
              "public/big.bin": b"x" * 100_000, "public/image.svg": "<svg/>", "public/100%.txt": "percent",
              "public/a+b.txt": "plus", "public/q?.txt": "question", "public/deep/er/e.txt": "deep",
              "public/.dot": "dot",
              "outside/secret.txt": "secret", "public/index.html": "<p>index", "public/page.xml": "<x/>"})
public = top / "public"
"""


def files(
    name: str,
    lines: str,
    *steps: Step,
    fails: bool = False,
    scrub: tuple[str, ...] = (),
    log_differs: str | None = None,
    differs: str | None = None,
) -> None:
    """Add a case with a tree of files."""
    case(name, TREE + lines, *steps, fails=fails, scrub=scrub, log_differs=log_differs, differs=differs)


def ranges(*values: str, path: str = "/a") -> tuple[Step, ...]:
    return tuple(get(path, {"range": value}) for value in values)


# Arguments -----------------------------------------------------------------------------------------------------------

files(
    "the path as text and as Path",
    """
app.static("/text", str(public), name="text")
app.static("/path", public, name="path")
app.static("/pure", __import__("pathlib").PurePath(public), name="pure")
""",
    *(get(f"/{kind}/a.txt") for kind in ("text", "path", "pure")),
)
for label, value in {"None": "None", "a list": "['/etc']", "bytes": "b'/etc'", "true": "True"}.items():
    files(f"the path as {label}", f'app.static("/s", {value})', get("/s"), fails=True)
files(
    "a uri with and without slashes",
    """
app.static("/one/", public, name="one")
app.static("two", public, name="two")
app.static("/", public / "b", name="three")
app.static("/four.txt/", public / "a.txt", name="four")
""",
    *(get(path) for path in ("/one/a.txt", "/two/a.txt", "/c.json", "/four.txt", "/four.txt/", "/a.txt")),
)
files(
    "strict slashes of files",
    """
app.static("/f", public / "a.txt", name="f", strict_slashes=True)
app.static("/g/", public / "a.txt", name="g", strict_slashes=True)
app.static("/d/", public, name="d", strict_slashes=True)
app.static("/e", public, name="e", strict_slashes=False)
""",
    *(get(path) for path in ("/f", "/f/", "/g", "/g/", "/d/a.txt", "/d/a.txt/", "/e/a.txt", "/e/a.txt/")),
)
files(
    "a host of files",
    'app.static("/s", public, host="files.test")\napp.static("/t", public, name="t", host="other.test:81")',
    get("/s/a.txt", {"host": "files.test"}),
    get("/s/a.txt", {"host": "other.test"}),
    get("/t/a.txt", {"host": "other.test:81"}),
    get("/t/a.txt", {"host": "other.test"}),
)
files(
    "content types by name",
    'app.static("/s", public)',
    *(
        get(f"/s/{name}")
        for name in (
            "a.txt",
            "b/c.json",
            "b/d.html",
            "script.js",
            "noext",
            "x.unknown",
            "image.svg",
            "page.xml",
            ".dot",
        )
    ),
)
files(
    "content types that were given",
    """
app.static("/a", public / "a.txt", name="a", content_type="text/html")
app.static("/b", public / "a.txt", name="b", content_type="text/html; charset=latin-1")
app.static("/c", public / "a.txt", name="c", content_type="application/javascript")
app.static("/d", public, name="d", content_type="application/x-own")
app.static("/e", public / "a.txt", name="e", content_type="")
""",
    *(get(path) for path in ("/a", "/b", "/c", "/d/a.txt", "/d/b/c.json", "/e")),
)
files(
    "the type of the resource",
    """
app.static("/a", public / "a.txt", name="a", resource_type="file")
app.static("/b", public, name="b", resource_type="dir")
""",
    get("/a"),
    get("/b/a.txt"),
    get("/a/x"),
)
for label, lines in {
    "a directory called a file": 'app.static("/s", "/etc", resource_type="file")',
    "a file called a directory": 'app.static("/s", "/etc/passwd", resource_type="dir")',
    "a resource of no type": 'app.static("/s", public, resource_type="folder")',
    "a directory handler and an index": (
        "from sanic.handlers.directory import DirectoryHandler\n"
        'app.static("/s", public, index="index.html", directory_handler=DirectoryHandler("/s", public))'
    ),
    "a directory handler and a directory view": (
        "from sanic.handlers.directory import DirectoryHandler\n"
        'app.static("/s", public, directory_view=True, directory_handler=DirectoryHandler("/s", public))'
    ),
}.items():
    files(label, lines, get("/s"), fails=True)
files(
    "names of statics",
    """
app.static("/a", public, name="Parity.a")
app.static("/b", public, name="b.c")
@app.get("/names")
async def names(request):
    return json([sorted(each.name for each in app.router.routes), app.url_for("a", filename="x"),
                 app.url_for("static", name="b.c", filename="x")])
""",
    get("/a/a.txt"),
    get("/b/a.txt"),
    get("/names"),
)
files(
    "a static that is not applied",
    'app.static("/s", public, apply=False)\n@app.get("/")\nasync def a(request): return text("a")',
    get("/s/a.txt"),
    get("/"),
    post("/s/a.txt", body=b""),
)
files(
    "statics of a blueprint",
    """
bp = Blueprint("bp", url_prefix="/bp", version=1, host="bp.test", strict_slashes=True)
bp.static("/s", public)
bp.static("/one", public / "a.txt", name="one")
app.blueprint(bp)
@bp.on_response
async def after(request, response): ...
@app.get("/routes")
async def routes(request): return json(sorted([each.name, each.uri] for each in app.router.routes))
""",
    *(get(path) for path in ("/bp/s/a.txt", "/v1/bp/s/a.txt", "/bp/one", "/bp/one/", "/routes")),
    get("/bp/s/a.txt", {"host": "bp.test"}),
)
files(
    "middleware around the files of a blueprint",
    """
bp = Blueprint("bp", url_prefix="/bp")
bp.static("/s", public)
@bp.on_request
async def before(request):
    if "no" in request.args: return text("no", 403)
@bp.on_response
async def after(request, response): response.headers["x-after"] = "1"
@bp.exception(FileNotFound)
async def missing(request, exception): return text(f"missing {exception.relative_url}", 404)
app.blueprint(bp)
""",
    *(get(path) for path in ("/bp/s/a.txt", "/bp/s/a.txt?no=1", "/bp/s/none.txt")),
)
files(
    "statics of a group",
    """
bp = Blueprint("bp", url_prefix="/bp")
bp.static("/s", public)
app.blueprint(Blueprint.group(bp, url_prefix="/g", version=2, name_prefix="pre"))
@app.get("/routes")
async def routes(request): return json(sorted([each.name, each.uri] for each in app.router.routes))
""",
    *(get(path) for path in ("/g/bp/s/a.txt", "/v2/g/bp/s/a.txt", "/bp/s/a.txt", "/routes")),
)

# Requests ------------------------------------------------------------------------------------------------------------

files(
    "methods for files",
    'app.static("/s", public)',
    *(request(method, "/s/a.txt") for method in ("PUT", "DELETE", "PATCH")),
    options("/s/a.txt"),
    post("/s/none", body=b""),
    head("/s/none"),
)
files(
    "encoded names",
    'app.static("/s", public)',
    *(
        get(f"/s/{name}")
        for name in (
            "%C3%BC%20x.txt",
            "100%25.txt",
            "100%.txt",
            "a+b.txt",
            "a%2Bb.txt",
            "a%20b.txt",
            "q%3F.txt",
            "q?.txt",
            "%61.txt",
            "b%2Fc.json",
            "b%2fd.html",
            "A.TXT",
        )
    ),
)
files(
    "odd paths of files",
    'app.static("/s", public)',
    *(
        get(f"/s/{name}")
        for name in (
            "./a.txt",
            "b//c.json",
            "/a.txt",
            "b/./c.json",
            "b/c.json/",
            "%2e/a.txt",
            "a.txt%20",
            "a.txt;x",
            "deep/er/e.txt",
            "~/a.txt",
        )
    ),
)
files(
    "ways out of the directory",
    'app.static("/s", public)\napp.static("/one", public / "a.txt", name="one")',
    *(
        get(f"/s/{name}")
        for name in (
            "../outside/secret.txt",
            "%2e%2e/outside/secret.txt",
            "%2E%2E%2Foutside%2Fsecret.txt",
            "..%5Coutside%5Csecret.txt",
            "b/../../outside/secret.txt",
            "b/%2e%2e/a.txt",
            "....//outside/secret.txt",
            "%252e%252e/outside/secret.txt",
            "%c0%ae%c0%ae/outside/secret.txt",
            "//etc/passwd",
            "%2Fetc%2Fpasswd",
        )
    ),
    get("/one/../a.txt"),
    get("/../a.txt"),
    log_differs="static-files",
)

SWAPS = """
app.static("/s", public)
app.static("/one", public / "a.txt", name="one")
@app.get("/replace/<name>/<target:path>")
async def replace(request, name, target):
    (public / name).rename(top / ("moved-" + name))
    (public / name).symlink_to(top / target)
    return text("replaced")
@app.get("/restore/<name>")
async def restore(request, name):
    (public / name).unlink()
    (top / ("moved-" + name)).rename(public / name)
    return text("restored")
"""
files(
    "a file that becomes a link to the outside",
    SWAPS,
    *(get("/s/a.txt"), get("/s/a.txt"), get("/replace/a.txt/outside/secret.txt"), get("/s/a.txt"), head("/s/a.txt")),
    *(get("/s/a.txt", {"range": "bytes=0-1"}), get("/restore/a.txt"), get("/s/a.txt")),
    log_differs="static-files",
)
files(
    "a directory that is moved out, with a link in its place",
    SWAPS,
    *(get("/s/b/c.json"), get("/s/b/c.json"), get("/replace/b/moved-b"), get("/s/b/c.json"), get("/s/b/"), get("/s/b")),
    *(get("/restore/b"), get("/s/b/c.json")),
    log_differs="static-files",
)
files(
    "a file that becomes a link to another of the directory",
    SWAPS,
    *(get("/s/a.txt"), get("/replace/a.txt/public/deep/er/e.txt"), get("/s/a.txt")),
    *(get("/restore/a.txt"), get("/s/a.txt")),
)
files(
    "a single file that becomes a link to the outside",
    SWAPS,
    *(get("/one"), get("/replace/a.txt/outside/secret.txt"), get("/one"), get("/restore/a.txt"), get("/one")),
)

# Time and ranges -----------------------------------------------------------------------------------------------------

OLD = 'os.utime(public / "a.txt", (1700000000, 1700000000.75))\n'
files(
    "a copy that is still good",
    OLD + 'app.static("/a", public / "a.txt", use_content_range=True)',
    get("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}),
    get("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 +0100"}),
    get("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:21 GMT", "range": "bytes=0-1"}),
    get("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT", "range": "bytes=0-1"}),
    head("/a", {"if-modified-since": "Tue, 14 Nov 2023 22:13:21 GMT"}),
)
files(
    "odd dates",
    OLD + 'app.static("/a", public / "a.txt")',
    *(
        get("/a", {"if-modified-since": value})
        for value in (
            "",
            "0",
            "never",
            "2023-11-14T22:13:20Z",
            "Tuesday, 14-Nov-23 22:13:20 GMT",
            "Tue, 99 Nov 2023 22:13:20 GMT",
        )
    ),
)
files(
    "other conditions are not looked at",
    OLD + 'app.static("/a", public / "a.txt")',
    get("/a", {"if-none-match": "*"}),
    get("/a", {"if-unmodified-since": "Tue, 14 Nov 2000 22:13:20 GMT"}),
    get("/a", {"if-range": '"x"', "range": "bytes=0-1"}),
)
files(
    "ranges of a file",
    'app.static("/a", public / "a.txt", use_content_range=True)',
    *ranges("bytes=0-3", "bytes=3-3", "bytes=4-", "bytes=-4", "bytes=0-9", "bytes=-10", "bytes=0-"),
)
files(
    "a part of another version of a file",
    'app.static("/a", public / "a.txt", use_content_range=True)',
    get("/a", {"range": "bytes=0-1", "if-range": '"x"'}),
    get("/a", {"range": "bytes=0-1", "if-range": "Tue, 14 Nov 2000 22:13:20 GMT"}),
    differs="if-range",
)
files(
    "ranges that make no sense",
    'app.static("/a", public / "a.txt", use_content_range=True)',
    *ranges("bytes=5-2", "bytes=a-3", "bytes=3-b", "bytes=-", "bytes", "bytes=--3", "bytes=1-2-3", "chars=0-1", "=0-1"),
)
files(
    "ranges with blanks and signs",
    'app.static("/a", public / "a.txt", use_content_range=True)',
    *ranges("bytes= 0-3", "bytes=0 - 3", " bytes=0-3", "BYTES=0-3", "bytes=+1-3", "bytes=1_0-"),
)
files(
    "several ranges",
    'app.static("/a", public / "a.txt", use_content_range=True)',
    *ranges("bytes=0-1,3-4", "bytes=0-1, 3-4", "bytes=-1,0-1"),
)
files(
    "ranges of a large file",
    'app.static("/a", public / "big.bin", use_content_range=True, stream_large_files=1000)',
    *ranges("bytes=0-3", "bytes=99990-", "bytes=-5", "bytes=0-99999", "bytes=100000-", "bytes=5-2"),
)
files(
    "ranges of a directory's files",
    'app.static("/s", public, use_content_range=True)',
    *ranges("bytes=1-2", path="/s/a.txt"),
    *ranges("bytes=1-2", "x", path="/s/none.txt"),
    *ranges("bytes=1-1", path="/s/b/c.json"),
)
files(
    "the edge of what is streamed",
    'for n in (9, 10, 11): app.static(f"/{n}", public / "a.txt", name=f"n{n}", stream_large_files=n)\n'
    'app.static("/0", public / "a.txt", name="n0", stream_large_files=0)',
    *(get(f"/{size}") for size in (9, 10, 11, 0)),
)

# Links ---------------------------------------------------------------------------------------------------------------

LINKS = """
os.symlink(top / "outside/secret.txt", public / "file")
os.symlink(top / "outside", public / "dir")
os.symlink(public / "b", public / "inner")
os.symlink("a.txt", public / "relative")
os.symlink(top / "nosuch", public / "broken")
os.symlink("loop", public / "loop")
for files in (False, True):
    for dirs in (False, True):
        app.static(f"/{files:d}{dirs:d}", public, name=f"s{files:d}{dirs:d}",
                   follow_external_symlink_files=files, follow_external_symlink_dirs=dirs)
"""
for flags in ("00", "10", "01", "11"):
    case(
        f"links, followed {flags}",
        TREE + LINKS,
        *(
            get(f"/{flags}/{name}")
            for name in ("file", "dir/secret.txt", "inner/c.json", "relative", "broken", "dir/../a.txt", "dir/no")
        ),
        log_differs="static-files",
    )
files(
    "a root that is a link",
    """
os.symlink(public, top / "alias")
os.symlink(public / "a.txt", top / "one")
app.static("/s", top / "alias")
app.static("/one", top / "one", name="one")
""",
    get("/s/a.txt"),
    get("/s/b/c.json"),
    get("/one"),
)

# Directories ---------------------------------------------------------------------------------------------------------

files(
    "index files",
    """
app.static("/s", public, index="index.html", name="s")
app.static("/t", public, index=["none.html", "d.html", "index.html"], name="t")
app.static("/u", public, index=("index.html",), directory_view=True, name="u")
""",
    *(get(path) for path in ("/s/", "/s", "/t/", "/t/b/", "/t/b", "/u/", "/s/index.html")),
)
files(
    "index files by other requests",
    'app.static("/s", public, index="index.html")',
    get("/s/", {"if-modified-since": "Wed, 01 Jan 2031 00:00:00 GMT"}),
    post("/s/", body=b""),
    get("/s/?x=1"),
)
files(
    "a directory view without its slash",
    'app.static("/s", public, directory_view=True)',
    get("/s"),
    get("/s/b"),
    get("/s/none"),
    get("/s/b?x=1"),
)
files(
    "names in a directory view",
    """
app.static("/s", public, directory_view=True)
@app.on_response
async def only_names(request, response):
    import re
    if response.status == 200 and response.content_type.startswith("text/html"):
        found = re.findall(r'href="([^"]+)"', response.body.decode())
        response.body = " ".join(sorted(set(each for each in found if "a.txt" in each or "c.json" in each))).encode()
""",
    get("/s/"),
    get("/s/b/"),
    get("/s/deep/"),
)
files(
    "a handler for directories",
    """
from sanic.handlers.directory import DirectoryHandler
class Own(DirectoryHandler):
    async def handle(self, request, path):
        return text(f"own {path} {self.directory_view} {list(self.index)} {self.base}")
app.static("/s", public, directory_handler=Own(uri="/s", directory=public, directory_view=True, index="x"))
app.static("/t", public, name="t", directory_handler=DirectoryHandler("/t", public, index=["d.html"]))
""",
    *(get(path) for path in ("/s/", "/s/b", "/s/a.txt", "/t/b/", "/s/none", "/t/b/c.json")),
)
files(
    "a handler for directories is asked by hand",
    """
from sanic.handlers.directory import DirectoryHandler
handler = DirectoryHandler("/by", public, index="index.html")
viewer = DirectoryHandler("/view", public, directory_view=True)
@app.get("/by/<path:strorempty>")
async def by(request, path): return await handler.handle(request, request.path)
@app.get("/view/<path:strorempty>", strict_slashes=True)
async def view(request, path): return text(str((await viewer.handle(request, request.path)).status))
""",
    get("/by/"),
    get("/by/b"),
    get("/view/"),
)
files(
    "a handler for ranges, by hand",
    """
from sanic.handlers import ContentRangeHandler
from sanic.response import file, file_stream
@app.get("/<kind>")
async def part(request, kind):
    asked = ContentRangeHandler(request, os.stat(public / "a.txt"))
    if kind == "told":
        return json([asked.start, asked.end, asked.size, asked.total, asked.headers, bool(asked)])
    return await (file if kind == "file" else file_stream)(public / "a.txt", _range=asked, headers=asked.headers)
""",
    *ranges("bytes=2-5", "bytes=-3", "bytes=7-", "bytes=0-9", "bytes=9-3", "bytes=x-", "words=1-2", path="/told"),
    *ranges("bytes=2-5", path="/file"),
    *ranges("bytes=2-5", path="/stream"),
    get("/told"),
)
files(
    "files that change",
    """
changing = public / "changing.txt"
changing.write_text("one")
app.static("/s", public)
@app.get("/write/<what>")
async def write(request, what):
    changing.write_text(what)
    return text("written")
@app.get("/remove")
async def remove(request):
    changing.unlink()
    return text("removed")
""",
    get("/s/changing.txt"),
    get("/write/two"),
    get("/s/changing.txt"),
    get("/write/threeandmore"),
    get("/s/changing.txt"),
    get("/remove"),
    get("/s/changing.txt"),
    scrub=(r"^\w+, \d+ \w+ \d+ [\d:]+ GMT$",),
)
