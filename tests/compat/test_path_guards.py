"""A path guard in request middleware and the route after it read the same spelling of the path.

The guard refuses whatever `request.path` says is below a forbidden prefix. For each kind of route and each spelling of
the path, a handler below that prefix must not run.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from sanic_star import Request, Sanic, text
from sanic_star import json as as_json
from sanic_star.engine.index import normalize_escapes
from sanic_star.testing import TestClient
from tests.engine.processes import UVICORN, process
from tests.engine.raw import Peer, ask, http_scope, websocket_scope

ESCAPES = ("%61dmin", "admi%6E", "admin", "ADMIN", "%2561dmin")
ENDS = ("/users", "%2Fusers", "%2fusers", "//users", "/%75sers", "", "/", "%252Fusers", "/../x", "/%2e%2e/x")
ODD = ("/%00", "/%FF", "/%C3", "/%C3%A4", "/%c3%a4", "/;a", "/%3Ba", "/%40me", "/@me", "/%zz", "/%", "/a%20b")
SPELLINGS = [escaped + end for escaped in ESCAPES for end in (*ENDS, *ODD)]


async def reveal(request: StarletteRequest) -> JSONResponse:
    return JSONResponse([request.scope["path"]])


async def speak(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.scope["path"])
    await websocket.close()


def guarded(seen: list[Any]) -> Sanic[Any, Any]:
    """Return an application with a guard before every kind of route; `seen` gets what the guard reads."""
    app: Sanic[Any, Any] = Sanic("Guarded")
    paths = [Route("/admin", reveal), Route("/admin/{rest:path}", reveal), Route("/{rest:path}", reveal)]
    child = Starlette(routes=[Mount("/deep", routes=paths), WebSocketRoute("/ws/{rest:path}", speak), *paths])
    app.mount("/m", child)
    app.mount("/sp ace/é", child)
    app.router.routes.append(Mount("/t/{tenant}", routes=paths))
    app.router.routes.append(Host("other", Starlette(routes=[Route("/h/{rest:path}", reveal)])))
    app.router.routes += [Route("/star/admin", reveal), Route("/star/admin/{rest:path}", reveal)]
    app.router.routes.append(WebSocketRoute("/star/ws/{rest:path}", speak))

    @app.on_request
    async def guard(request: Request) -> Any:
        seen.append((request.path, request.url, request.scope["path"]))
        return text("forbidden", 403) if "/admin" in request.path else None

    return app


@pytest.mark.parametrize("root", ["", "/api"])
@pytest.mark.parametrize(
    "prefix", ["/m/", "/m/deep/", "/%6D/", "/m%2F", "/star/", "/%73tar/", "/t/x/", "/sp%20ace/%c3%a9/"]
)
async def test_a_guard_reads_what_a_mount_or_a_route_of_starlettes_matches(prefix: str, root: str) -> None:
    seen: list[Any] = []
    app = guarded(seen)
    for spelling in SPELLINGS:
        raw = root + prefix + spelling
        peer = await ask(app, http_scope(unquote(raw), raw_path=raw.encode(), root_path=root))
        path, _, decoded = seen[-1]
        if peer.status == 200:
            assert json.loads(peer.body) == [root + path] == [decoded], raw
        assert not (peer.status == 200 and "/admin" in decoded), raw


FRAGMENTS = ("/", "m", "%6d", "admin", "%61dmin", "%2F", "%2f", "%25", "..", "%00", "%FF", "x", "%")


@given(raw=st.lists(st.sampled_from(FRAGMENTS)))
@example(raw=["m", "%2F", "admin"])
async def test_no_spelling_leads_past_a_guard(raw: list[str]) -> None:
    seen: list[Any] = []
    path = "/" + "".join(raw)
    peer = await ask(guarded(seen), http_scope(unquote(path), raw_path=path.encode()))
    assert peer.status in (403, 404) or (peer.status == 200 and "/admin" not in json.loads(peer.body)[0])


@pytest.mark.parametrize("prefix", ["/m/ws/", "/star/ws/", "/%6D/%77s/"])
async def test_a_guard_before_websockets(prefix: str) -> None:
    seen: list[Any] = []
    app = guarded(seen)
    for spelling in SPELLINGS:
        raw = prefix + spelling
        peer = Peer([])
        peer.messages = [{"type": "websocket.connect"}]
        await app(websocket_scope(unquote(raw), raw_path=raw.encode()), peer.receive, peer.send)
        if peer.sent[0]["type"] == "websocket.accept":
            assert "/admin" not in peer.sent[1]["text"]
            assert seen[-1][0] == peer.sent[1]["text"]


async def test_urls_for_a_mount_are_encoded() -> None:
    seen: list[Any] = []
    await ask(guarded(seen), http_scope("/m/a b/é?", raw_path=b"/m/a%20b%2F%C3%A9%3F"))
    assert seen == [("/m/a b/é?", "http://testserver/m/a%20b/%C3%A9%3F", "/m/a b/é?")]


# Routes of Sanic's ---------------------------------------------------------------------------------------------------


def sanic_routes(tree: Path) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Routes")

    async def show(request: Request, **params: Any) -> Any:
        return as_json([request.path, params])

    app.add_route(show, "/users/@me", name="me")
    app.add_route(show, "/ä b", name="encoded")
    app.add_route(show, "/p/<x>", name="p")
    app.add_route(show, "/q/<x:path>", name="q")
    app.static("/s", tree)

    @app.on_request
    async def guard(request: Request) -> Any:
        forbidden = request.path.startswith(("/s/private/", "/q/private"))
        return text(f"forbidden {request.path}", 403) if forbidden else None

    return app


@pytest.mark.parametrize("root", ["", "/api", "/a b"])
@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/users/@me", "/users/@me"),
        ("/users/%40me", "/users/@me"),
        ("/%C3%A4%20b", "/%C3%A4%20b"),
        ("/p/%61%7E%2D", "/p/a~-"),
        ("/p/a%2Fb", "/p/a%2Fb"),
        ("/p/a%2fb", "/p/a%2fb"),
        ("/p/a%252Fb", "/p/a%252Fb"),
        ("/p/%2561", "/p/%2561"),
        ("/p/%%361", "/p/%%361"),
        ("/p/%3%31", "/p/%3%31"),
        ("/p/;%3B", "/p/;;"),
        ("/p/%00", "/p/%00"),
        ("/p/%FF", "/p/%FF"),
        ("/p/%c3%a4", "/p/%c3%a4"),
        ("/p/%zz", "/p/%zz"),
        ("/q/a//b/", "/q/a//b/"),
        ("/q/%2e%2e/x", "/q/../x"),
    ],
)
async def test_the_path_of_sanics_routes(tmp_path: Path, raw: str, path: str, root: str) -> None:
    root_spelled = root.replace(" ", "%20")
    scope = http_scope(unquote(root_spelled + raw), raw_path=(root_spelled + raw).encode(), root_path=root)
    peer = await ask(sanic_routes(tmp_path), scope)
    assert json.loads(peer.body)[0] == path
    assert unquote(path) == unquote(raw)


async def test_a_parameter_is_unchanged(tmp_path: Path) -> None:
    app = sanic_routes(tmp_path)
    peer = await ask(app, http_scope("/p/a/@", raw_path=b"/p/%61%2F%40"))
    assert json.loads(peer.body) == ["/p/a%2F@", {"x": "%61%2F%40"}]
    peer = await ask(app, http_scope("/p/a", raw_path=b"/%70/%61"))
    assert json.loads(peer.body) == ["/p/a", {"x": "%61"}]


LITERAL_ROUTES = (
    "/users/@me",
    "/users/<x>",
    "/admin",
    "/admin/<x>",
    "/admin/<x>/edit",
    "/u%40x/<x>",
    "/files/<x:path>",
    "/files/<x:path>/edit",
    "/r/<x:[a-z%0-9]+>/end",
    "/ä/<x>",
    "/n/<x:int>",
    "/n/<x>",
)
# A path as it was sent, and the route and parameters that it leads to; `None` for 404.
SPELLED: list[tuple[str, str | None, dict[str, Any]]] = [
    ("/users/@me", "/users/@me", {}),
    ("/users/%40me", "/users/@me", {}),
    ("/users/%40m%65", "/users/@me", {}),
    ("/users/@m%65", "/users/@me", {}),
    ("/%75sers/%40%6D%65/", "/users/@me", {}),
    ("/users/%2540me", "/users/<x>", {"x": "%2540me"}),
    ("/users/@me%2F", "/users/<x>", {"x": "@me%2F"}),
    ("/users/%40m%", "/users/<x>", {"x": "%40m%"}),
    ("/%61dmin", "/admin", {}),
    ("/%61dmin/%61", "/admin/<x>", {"x": "%61"}),
    ("/admin%2F1", None, {}),
    ("/admin%2f1", None, {}),
    ("/admin/1%2Fedit", "/admin/<x>", {"x": "1%2Fedit"}),
    ("/%61dmin/1/%65dit", "/admin/<x>/edit", {"x": "1"}),
    ("/admin/%2F/edi%74", "/admin/<x>/edit", {"x": "%2F"}),
    ("/%2561dmin", None, {}),
    ("//admin", None, {}),
    ("/%61dmin//edit", None, {}),
    ("/u@x/%61", "/u%40x/<x>", {"x": "%61"}),
    ("/u%40x/a", "/u%40x/<x>", {"x": "a"}),
    ("/u%40%78/a", "/u%40x/<x>", {"x": "a"}),
    ("/f%69les/%61/b", "/files/<x:path>", {"x": "%61/b"}),
    ("/f%69les/%61//%62/%65dit", "/files/<x:path>/edit", {"x": "%61//%62"}),
    ("/files/a%2Fedit", "/files/<x:path>", {"x": "a%2Fedit"}),
    ("/files/%252F/ed%69t", "/files/<x:path>/edit", {"x": "%252F"}),
    ("/r/abc/%65nd", "/r/<x:[a-z%0-9]+>/end", {"x": "abc"}),
    ("/%72/%61bc/%65nd", "/r/<x:[a-z%0-9]+>/end", {"x": "%61bc"}),
    # The expression accepts no capital letters: neither plain nor escaped.
    ("/r/%4Abc/%65nd", None, {}),
    ("/%C3%A4/%78", "/ä/<x>", {"x": "%78"}),
    ("/%c3%a4/x", None, {}),
    ("/%6E/1", "/n/<x:int>", {"x": 1}),
    ("/n/%31", "/n/<x>", {"x": "%31"}),
]


def literal_routes() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Spelled")
    for number, uri in enumerate(LITERAL_ROUTES):

        async def show(request: Request, uri: str = uri, **params: Any) -> Any:
            return as_json([uri, params, request.path, request.ctx.seen])

        app.add_route(show, uri, name=f"r{number}")

    @app.on_request
    async def guard(request: Request) -> None:
        request.ctx.seen = request.path

    return app


@pytest.mark.parametrize("root", ["", "/api"])
async def test_literals_are_matched_by_the_spelling_that_a_guard_reads(root: str) -> None:
    app = literal_routes()
    for _ in range(3):  # a path that comes again is remembered
        for raw, uri, params in SPELLED:
            scope = http_scope(unquote(root + raw), raw_path=(root + raw).encode(), root_path=root)
            peer = await ask(app, scope)
            if uri is None:
                assert peer.status == 404, raw
            else:
                path = normalize_escapes(raw)
                assert json.loads(peer.body) == [uri, params, path, path], raw


LITERALS = ("users", "@me", "admin", "edit", "files", "r", "end", "a")


@given(
    path=st.lists(st.sampled_from((*LITERALS, "", "%2F", "%25", "%C3%A4")), min_size=1, max_size=5),
    escaped=st.integers(min_value=0),
)
async def test_needless_escapes_reach_the_same_route(path: list[str], escaped: int) -> None:
    app: Sanic[Any, Any] = Sanic("Same")
    for number, uri in enumerate(LITERAL_ROUTES[:9]):

        async def show(request: Request, uri: str = uri, **params: str) -> Any:
            return as_json([uri, [normalize_escapes(value) for value in params.values()]])

        # Without the expression: it may refuse an escape whose decoded form it accepts.
        app.add_route(show, uri.replace("<x:[a-z%0-9]+>", "<x>"), name=f"r{number}")
    plain = "/" + "/".join(path)
    spelled = "".join(
        f"%{ord(character):02x}" if character in "userdminft@l" and escaped >> at & 1 else character
        for at, character in enumerate(plain)
    )
    answers = [await ask(app, http_scope(unquote(raw), raw_path=raw.encode())) for raw in (plain, spelled)]
    assert answers[0].status == answers[1].status
    if answers[0].status == 200:
        assert answers[0].body == answers[1].body


@pytest.mark.parametrize(
    "raw",
    [
        "/s/private/x.txt",
        "/s/%70rivate/x.txt",
        "/s/private%2Fx.txt",
        "/s/private%2fx.txt",
        "/s/priv%61te%2F%78.txt",
    ],
)
def test_a_guard_before_static_files(tmp_path: Path, raw: str) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private/x.txt").write_text("private")
    (tmp_path / "ü.txt").write_text("public")
    client = TestClient(sanic_routes(tmp_path))
    assert client.get(raw).text == "forbidden /s/private/x.txt"
    assert client.get("/s/%C3%BC.txt").text == client.get("/s/%c3%bc.txt").text == "public"


# What else a guard reads ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signals", [False, True])
async def test_a_mounted_application_has_no_route_for_a_miss(signals: bool) -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    outer: Sanic[Any, Any] = Sanic("Outer")
    outer.mount("/i", inner, name="mount")
    seen: list[Any] = []
    if signals:

        @inner.signal("http.lifecycle.exception")
        async def listen(request: Request, exception: Exception) -> None:
            pass

    @inner.on_request
    async def look(request: Request) -> None:
        seen.append([request.path, request.route, request.name, request.endpoint, request.uri_template])

    @inner.get("/a/<x>")
    async def hit(request: Request, x: str) -> Any:
        return text(x)

    assert (await ask(outer, http_scope("/i/a/b"))).body == b"b"
    assert seen.pop()[2:] == ["Inner.hit", "Inner.hit", "/a/<x:str>"]
    assert (await ask(outer, http_scope("/i/%b", raw_path=b"/i/%25%62"))).status == 404
    assert seen.pop() == ["/%25b", None, None, None, None]


# A path that was rewritten -------------------------------------------------------------------------------------------


class Rewrite:
    """ASGI middleware that rewrites `path` alone, as Starlette's users do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "path" in scope:
            scope = {**scope, "path": scope["path"].replace("/old", "/new")}
        await self.app(scope, receive, send)


@pytest.mark.parametrize("outside", [False, True], ids=["middleware", "outside"])
@pytest.mark.parametrize("root", ["", "/api"])
async def test_a_rewritten_path_is_what_guard_and_route_read(outside: bool, root: str) -> None:
    app: Sanic[Any, Any] = Sanic("Rewritten")
    seen: list[str] = []

    @app.on_request
    async def guard(request: Request) -> None:
        seen.append(request.path)

    async def show(request: Request, **params: Any) -> Any:
        return as_json([request.path, params, request.raw_url.decode()])

    uris = "/new", "/new/<x:int>", "/new/<x>/<y>", "/new/more/<x:path>", "/old/<x:int>", "/old"
    for number, uri in enumerate(uris):
        app.add_route(show, uri, name=f"r{number}")
    app.mount("/new-mount", Starlette(routes=[Route("/{rest:path}", reveal)]))
    served: ASGIApp = app
    if outside:
        served = Rewrite(app)
    else:
        app.add_middleware(Rewrite)
    for path, params in (
        ("/new", {}),
        ("/new/7", {"x": 7}),
        ("/new/a b/ü", {"x": "a%20b", "y": "%C3%BC"}),
        ("/new/more/a/b", {"x": "a/b"}),
    ):
        encoded = (root + path).replace(" ", "%20").replace("ü", "%C3%BC")
        for _ in range(4):  # a path that comes again is remembered
            for old in ("/old", "/new"):
                raw = encoded.replace("/new", old).encode()
                peer = await ask(served, http_scope(root + path.replace("/new", old), raw_path=raw, root_path=root))
                assert json.loads(peer.body) == [encoded.removeprefix(root), params, encoded]
                assert root + seen.pop() == encoded
    peer = await ask(served, http_scope(f"{root}/old-mount/x", root_path=root))
    assert json.loads(peer.body) == [root + seen.pop()] == [f"{root}/new-mount/x"]


@pytest.mark.parametrize(("old", "new", "status"), [(10, 1000, 200), (1000, 10, 413)])
async def test_the_body_limit_is_that_of_the_rewritten_path(old: int, new: int, status: int) -> None:
    app: Sanic[Any, Any] = Sanic("Limited")

    @app.post("/old", max_body_size=old, name="old")
    @app.post("/new", max_body_size=new, name="new")
    async def size(request: Request) -> Any:
        return text(str(len(request.body)))

    app.add_middleware(Rewrite)
    assert (await ask(app, http_scope("/old", "POST"), [b"x" * 500])).status == status


async def test_a_prefix_that_was_taken_off_the_path_alone(tmp_path: Path) -> None:
    peer = await ask(sanic_routes(tmp_path), http_scope("/p/a/b", raw_path=b"/%61pi/p/a%2Fb", root_path="/api"))
    assert json.loads(peer.body) == ["/p/a%2Fb", {"x": "a%2Fb"}]


# Over a socket -------------------------------------------------------------------------------------------------------

SERVED = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def reveal(request):
    return PlainTextResponse("reached " + request.scope["path"])

@app.on_request
async def guard(request):
    if request.path.startswith("/m/admin"):
        return text("forbidden", 403)

@app.get("/users/@me")
async def me(request):
    return text(request.path)

@app.get("/users/<name>")
async def user(request, name):
    return text("user " + name)

@app.get("/users/<name>/edit")
async def edit(request, name):
    return text("edit " + name)

app.mount("/m", Starlette(routes=[Route("/admin/users", reveal), Route("/public", reveal)]))
if __name__ == "__main__":
    app.run(port=0)
"""


@pytest.mark.parametrize("command", [(), (*UVICORN, "served:app")], ids=["app.run", "uvicorn"])
def test_a_guard_over_a_socket(tmp_path: Path, command: tuple[str, ...]) -> None:
    def ask_raw(path: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 60) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[2]

    with process(tmp_path, SERVED, *command) as server:
        port = server.port
        server.get("/m/public")
        for path in ("/m/admin/users", "/m/%61dmin/users", "/m/admin%2Fusers", "/m/admin%2fusers", "/%6d/admin/users"):
            assert ask_raw(path) == b"forbidden"
        assert ask_raw("/m/%70ublic") == b"reached /m/public"
        for path in ("/users/@me", "/users/%40me", "/%75sers/%40m%65", "/users/@%6de"):
            assert ask_raw(path) == b"/users/@me"
        assert ask_raw("/users/%2540me") == b"user %2540me"
        assert ask_raw("/%75sers/%40me/%65dit") == b"edit %40me"
        assert ask_raw("/users/a%2Fedit") == b"user a%2Fedit"
