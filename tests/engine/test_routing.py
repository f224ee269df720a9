"""The matching route, its attributes in the scope, and changes that the router notices."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Host, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from sanic_star import Request, Sanic, text
from sanic_star.engine.application import Application
from sanic_star.engine.index import Parameter, normalize_escapes
from sanic_star.engine.responses import Response
from sanic_star.engine.routing import Mount, Route, RouteList, Router, WebSocketRoute, route_path
from sanic_star.testing import TestClient
from tests.engine.raw import ask, http_scope, websocket_scope

Raw = Callable[[Scope, Receive, Send], Any]
NUMBER = Parameter("id", CONVERTOR_TYPES["int"], "int")


def raw(name: str) -> Raw:
    """Return an ASGI app that answers with its name and what it sees of the path."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            answer = f"{name} {scope['root_path']} {scope['path']}"
            await PlainTextResponse(answer)(scope, receive, send)

    return app


def endpoint(name: str) -> Callable[[StarletteRequest], Any]:
    async def answer(request: StarletteRequest) -> StarletteResponse:
        return PlainTextResponse(" ".join([name, *map(str, request.path_params.values())]))

    answer.__name__ = name
    return answer


def app_with_everything() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Everything")

    def add(uri: str, name: str, *methods: str, **options: Any) -> None:
        async def handler(request: Request, **params: Any) -> Any:
            return text(" ".join([name, *map(str, params.values())]))

        app.add_route(handler, uri, methods or ("GET",), name=name.replace(" ", "_"), **options)

    add("/", "root")
    add("/static", "static")
    add("/typed/<x>", "str")
    add("/typed/<x:int>", "int")
    add("/typed/<x:ymd>", "ymd")
    add("/typed/<x:uuid>", "uuid")
    add("/typed/<x:float>", "float")
    add("/typed/<x:int>/end", "int end")
    add("/typed/<x>/other", "str other")
    add("/typed/literal/<y>", "literal then")
    add("/files/<p:path>", "catch")
    add("/files/special/<p:path>", "special catch")
    add("/files/exact", "exact in catch")
    add("/mounted/by/sanic", "before mount")
    add(r"/re/<x:\d+/\w+>", "regex")
    add("/multi", "multi get", "GET", "HEAD")
    add("/multi", "multi post", "POST")
    add("/strict/", "strict slash", strict_slashes=True)
    add("/strictly", "strict plain", strict_slashes=True)
    add("/<everything:path>", "everything")
    app.mount("/mounted", raw("mount"))
    app.mount("/mounted/deeper", raw("deeper"))
    app.router.routes += [
        Route(("hosted",), endpoint("for all"), methods=["GET"]),
        Route(("hosted",), endpoint("for a"), methods=["GET"], hosts=["a.example"]),
        starlette_routing.Route("/theirs/{id:int}", endpoint("theirs")),
        starlette_routing.Route("/theirs/post", endpoint("their_post"), methods=["POST"]),
        starlette_routing.Mount("/their/{name}", app=raw("their mount")),
        Host("api.example", app=raw("host")),
    ]
    return app


# Paths of `app_with_everything`, and what they are answered with.
WINNERS = [
    ("/", "root"),
    ("/static", "static"),
    ("/static/", "everything static/"),
    ("/typed/1", "int 1"),
    ("/typed/1.5", "float 1.5"),
    ("/typed/a", "str a"),
    ("/typed/a/", "everything typed/a/"),
    ("/typed/2026-11-20", "ymd 2026-11-20"),
    ("/typed/00000000-0000-0000-0000-000000000001", "uuid 00000000-0000-0000-0000-000000000001"),
    ("/typed/1/end", "int end 1"),
    ("/typed/a/end", "everything typed/a/end"),
    ("/typed/1/other", "str other 1"),
    ("/typed/literal", "str literal"),
    ("/typed/literal/x", "literal then x"),
    ("/typed/literal/other", "literal then other"),
    ("/files/a/b", "catch a/b"),
    ("/files/exact", "exact in catch"),
    ("/files/special/x/y", "special catch x/y"),
    ("/mounted", "mount /mounted /mounted/"),
    ("/mounted/", "mount /mounted /mounted/"),
    ("/mounted/a", "mount /mounted /mounted/a"),
    ("/mounted/by/sanic", "before mount"),
    ("/mounted/deeper/x", "deeper /mounted/deeper /mounted/deeper/x"),
    ("/mounteda", "everything mounteda"),
    ("/re/12/ab", "regex 12/ab"),
    ("/theirs/12", "theirs 12"),
    ("/their/me/x", "their mount /their/me /their/me/x"),
    ("/hosted", "for all"),
    ("/strict/", "strict slash"),
    ("/strict", "everything strict"),
    ("/strictly", "strict plain"),
    ("/strictly/", "everything strictly/"),
    ("/nothing", "everything nothing"),
]


@pytest.mark.parametrize(("path", "answer"), WINNERS)
def test_which_route_wins(path: str, answer: str) -> None:
    assert TestClient(app_with_everything()).get(path).text == answer


def matching(app: Any, scope: Scope) -> list[Any]:
    """Return what a tool finds that names requests: the routes that match as a whole."""
    routes = [route for route in app.routes if isinstance(route, (Route, WebSocketRoute, Mount))]
    return [route for route in routes if route.matches(dict(scope))[0] is Match.FULL]


@pytest.mark.parametrize("turned", [False, True])
def test_just_the_route_that_answers_matches(turned: bool) -> None:
    app = app_with_everything()
    app.get("/mounted/<x:int>", name="in_mount")(endpoint("in mount"))

    async def talk(request: Request, ws: Any, **params: Any) -> None: ...

    app.add_websocket_route(talk, "/talk/<x>", name="talk")
    app.add_websocket_route(talk, "/talk/<x:int>", name="talk_of")
    if turned:
        app.router.routes.reverse()
    app.finalize()
    paths = [path for path, _ in WINNERS] + ["/mounted/1", "/mounted/%62y/sanic", "/typed/1/", "/talk/1", "/talk/a"]
    hosts: Any = ({}, {"headers": [(b"host", b"a.example")]})
    scopes = [make(path, **host) for path in paths for make in (http_scope, websocket_scope)
              for host in hosts]  # fmt: skip
    scopes += [http_scope(f"/r{path}", root_path="/r") for path in paths]
    for scope in scopes:
        asked = dict(scope)
        app.router._find(scope)
        answering = scope.get("route")
        expected = [answering] if isinstance(answering, (Route, WebSocketRoute, Mount)) else []
        assert matching(app, asked) == expected, asked["path"]
        for route in expected:
            child = route.matches(asked)[1]
            assert child["endpoint"] is scope["endpoint"]
            assert child["path_params"] == scope["path_params"]


def test_a_mount_matches_without_a_slash_and_where_no_route_answers() -> None:
    app: Sanic[Any, Any] = Sanic("Mounts")
    app.mount("/graphql", raw("graphql"))
    app.post("/graphql/schema", name="schema")(endpoint("schema"))
    app.finalize()
    mount, schema = app.routes
    for path, route in (("/graphql", mount), ("/graphql/", mount), ("/graphql/x", mount), ("/graphql/schema", schema)):
        assert matching(app, http_scope(path, "POST")) == [route], path
    # Where a route refuses the method, the mount answers.
    assert matching(app, http_scope("/graphql/schema")) == [mount]
    assert matching(app, http_scope("/graphqls")) == []
    assert mount.matches({"type": "lifespan"})[0] is Match.NONE
    child = mount.matches(http_scope("/graphql", "POST"))[1]
    assert (child["root_path"], child["path"], child["path_params"]) == ("/graphql", "/graphql/", {})


def test_routes_that_are_gone_match_nothing() -> None:
    app: Sanic[Any, Any] = Sanic("Gone")
    app.get("/a", name="a")(endpoint("a"))
    app.mount("/m", raw("m"))
    app.finalize()
    route, mount = app.routes
    assert matching(app, http_scope("/a")) == [route]
    app.router.routes.clear()
    assert route.matches(http_scope("/a"))[0] is Match.NONE
    assert mount.matches(http_scope("/m"))[0] is Match.NONE


@pytest.mark.parametrize(
    ("host", "path", "answer"),
    [
        ("a.example", "/hosted", "for a"),
        ("b.example", "/hosted", "for all"),
        ("api.example", "/anything", "host  /anything"),
        ("api.example", "/static", "static"),
    ],
)
def test_which_route_wins_for_a_host(host: str, path: str, answer: str) -> None:
    assert TestClient(app_with_everything()).get(path, headers={"host": host}).text == answer


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/multi", 200, None),
        ("HEAD", "/multi", 200, None),
        ("POST", "/multi", 200, None),
        ("PUT", "/multi", 405, {"GET", "HEAD", "POST"}),
        ("PUT", "/multi/", 405, {"GET", "HEAD", "POST"}),
        ("POST", "/only/1", 405, {"GET"}),
        ("POST", "/only/x", 404, None),
        ("POST", "/rest/x/y", 405, {"GET", "HEAD"}),
        ("POST", "/re/1/2", 405, {"DELETE"}),
        ("GET", "/missing", 404, None),
        ("GET", "/socket", 426, None),
        ("POST", "/socket", 405, {"GET"}),
        ("POST", "/wide/1/2", 405, {"GET"}),
    ],
)
def test_404_405_and_426(method: str, path: str, status: int, allow: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Methods")

    async def handler(request: Request, **params: Any) -> Any:
        return text("")

    async def talk(request: Request, ws: Any) -> None: ...

    app.add_route(handler, "/multi", ["GET", "HEAD"], name="a")
    app.add_route(handler, "/multi", ["POST"], name="b")
    app.add_route(handler, "/only/<x:int>", ["GET"], name="c")
    app.add_route(handler, "/rest/<x:path>", ["GET", "HEAD"], name="d")
    app.add_route(handler, r"/re/<x:\d/\d>", ["DELETE"], name="e")
    app.add_route(handler, "/wide/<x>/2", ["GET"], name="f")
    app.add_websocket_route(talk, "/socket", name="g")
    response = TestClient(app).request(method, path)
    assert response.status_code == status
    if allow is None:
        assert "allow" not in response.headers
    else:
        assert set(response.headers["allow"].split(", ")) == allow
    if status == 426:
        assert response.headers["upgrade"] == "websocket"


@pytest.mark.parametrize(("method", "status", "allow"), [("GET", 404, None), ("PUT", 405, "GET, POST")])
async def test_the_engine_alone_answers_404_and_405(method: str, status: int, allow: str | None) -> None:
    async def here(request: Any) -> Response:
        return Response("here")

    app = Application(routes=[Route(("here",), here, methods=["GET"]), Route(("here",), here, methods=["POST"])])
    peer = await ask(app, http_scope("/here" if allow else "/there", method))
    assert (peer.status, peer.headers.get(b"allow", b"").decode() or None) == (status, allow)


# Functions that change the list of routes from outside, and the answers of "/a", "/b" and "/c" afterwards.
CHANGES: list[tuple[str, Callable[[Any, list[Any]], Any], str]] = [
    ("append", lambda routes, new: routes.append(new[0]), "abC"),
    ("extend", lambda routes, new: routes.extend(new), "abC"),
    ("iadd", lambda routes, new: routes.__iadd__(new), "abC"),
    ("insert", lambda routes, new: routes.insert(0, new[0]), "abC"),
    ("remove", lambda routes, new: routes.remove(routes[0]), "-b-"),
    ("pop", lambda routes, new: routes.pop(), "a--"),
    ("pop first", lambda routes, new: routes.pop(0), "-b-"),
    ("clear", lambda routes, new: routes.clear(), "---"),
    ("item", lambda routes, new: routes.__setitem__(0, new[0]), "-bC"),
    ("slice", lambda routes, new: routes.__setitem__(slice(None), new), "--C"),
    ("del", lambda routes, new: routes.__delitem__(0), "-b-"),
    ("del slice", lambda routes, new: routes.__delitem__(slice(None)), "---"),
    ("reverse", lambda routes, new: routes.reverse(), "ab-"),
    ("sort", lambda routes, new: routes.sort(key=id), "ab-"),
    ("imul", lambda routes, new: routes.__imul__(0), "---"),
]


@pytest.mark.parametrize(
    ("change", "answers"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES]
)
def test_the_index_notices_what_is_done_to_the_routes(change: Any, answers: str) -> None:
    app: Sanic[Any, Any] = Sanic("Changing")

    @app.get("/a")
    async def a(request: Request) -> Any:
        return text("a")

    @app.get("/b")
    async def b(request: Request) -> Any:
        return text("b")

    client = TestClient(app)

    def ask_all() -> str:
        answers = [client.get(f"/{name}") for name in "abc"]
        return "".join(answer.text if answer.status_code == 200 else "-" for answer in answers)

    with client:
        assert ask_all() == "ab-"
        assert isinstance(app.router.routes, RouteList)
        change(app.router.routes, [starlette_routing.Route("/c", endpoint("C"))])
        assert ask_all() == answers


def test_an_insert_decides_which_of_starlettes_routes_is_first() -> None:
    app: Sanic[Any, Any] = Sanic("Order")
    app.router.routes.append(starlette_routing.Route("/{x}", endpoint("first")))
    with TestClient(app) as client:
        assert client.get("/1").text == "first 1"
        app.router.routes.insert(0, starlette_routing.Route("/{x}", endpoint("second")))
        assert client.get("/1").text == "second 1"
        app.router.routes.reverse()
        assert client.get("/1").text == "first 1"


def test_a_path_can_be_used_again_after_its_route_was_removed() -> None:
    app: Sanic[Any, Any] = Sanic("Again")

    async def one(request: Request) -> Any:
        return text("one")

    async def two(request: Request) -> Any:
        return text("two")

    app.add_route(one, "/a")
    app.router.routes.clear()
    app.add_route(two, "/a")
    assert TestClient(app).get("/a").text == "two"


def test_routes_may_be_given_to_the_constructor() -> None:
    app: Sanic[Any, Any] = Sanic(
        "Given", routes=[starlette_routing.Route("/a", endpoint("a")), Mount("/m", app=raw("m"))]
    )
    client = TestClient(app)
    assert client.get("/a").text == "a"
    assert client.get("/m").text == "m /m /m/"


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"path": "/a"}, "/a"),
        ({"path": "/ä ö"}, "/%C3%A4%20%C3%B6"),
        ({"path": "/a/b", "raw_path": b"/a%2Fb"}, "/a%2Fb"),
        ({"path": "/x/a", "raw_path": b"/x/a", "root_path": "/x"}, "/a"),
        ({"path": "/x", "root_path": "/x"}, "/"),
        ({"path": "/x/", "root_path": "/x"}, "/"),
        ({"path": "/x/a", "root_path": "/x/"}, "/a"),
        ({"path": "/xa", "root_path": "/x"}, "/xa"),
        # A proxy that took the prefix off already.
        ({"path": "/a", "root_path": "/x"}, "/a"),
        ({"path": "/é/a", "raw_path": b"/%C3%A9/a", "root_path": "/é"}, "/a"),
        ({"path": "/a%b", "raw_path": b"/a%25b"}, "/a%25b"),
        ({"path": "/ÿ", "raw_path": b"/\xc3\xbf"}, "/%C3%BF"),
        # A middleware has rewritten the path.
        ({"path": "/new", "raw_path": b"/old"}, "/new"),
        ({"path": "/new", "raw_path": b"/new%2F"}, "/new"),
        ({"path": "/x/new", "raw_path": b"/x/old", "root_path": "/x"}, "/new"),
        # A server that does not decode the path.
        ({"path": "/a%2Fb", "raw_path": b"/a%2Fb"}, "/a%2Fb"),
        ({"path": "/\ufffd", "raw_path": b"/%FF"}, "/%FF"),
        ({"path": "/\x00", "raw_path": b"/%00"}, "/%00"),
        # The root path in another spelling.
        ({"path": "/é/a/b", "raw_path": b"/%c3%a9/a%2Fb", "root_path": "/é"}, "/a%2Fb"),
        ({"path": "/x/a/b", "raw_path": b"/%78/a%2Fb", "root_path": "/x"}, "/a%2Fb"),
        ({"path": "/x@y/a", "raw_path": b"/x%40y/%61", "root_path": "/x@y"}, "/%61"),
        ({"path": "/x/y/a", "raw_path": b"/x%2Fy/a", "root_path": "/x/y"}, "/a"),
        ({"path": "/x/a/b", "raw_path": b"/x%2fa%2Fb", "root_path": "/x"}, "/a%2Fb"),
        ({"path": "/x", "raw_path": b"/%78", "root_path": "/x"}, "/"),
        ({"path": "/xa", "raw_path": b"/%78a", "root_path": "/x"}, "/%78a"),
        ({"path": "/", "raw_path": b"/", "root_path": "/x"}, "/"),
        # A framework that takes the root path off `path` only.
        ({"path": "/a/b", "raw_path": b"/x/a%2Fb", "root_path": "/x"}, "/a%2Fb"),
        ({"path": "/x/a", "raw_path": b"/x/x/a", "root_path": "/x"}, "/a"),
        # uvicorn puts a root path with escapes before both paths as it is.
        ({"path": "/%20/a", "raw_path": b"/%20/a", "root_path": "/%20"}, "/a"),
        ({"path": "/%20/é/b", "raw_path": b"/%20/%C3%A9%2Fb", "root_path": "/%20"}, "/%C3%A9%2Fb"),
        ({"path": "/%20/a", "raw_path": b"/%2520/a", "root_path": "/%20"}, "/a"),
        ({"path": "/ /a", "raw_path": b"/%20/a", "root_path": "/%20"}, "/%20/a"),
        ({"path": "/%20//a", "raw_path": b"/%20//a", "root_path": "/%20/"}, "/a"),
    ],
)
def test_route_path(scope: Scope, path: str) -> None:
    assert route_path(scope) == path


@given(path=st.text("/%%%0123456789abcdefABCDEF@;.", max_size=20))
@example(path="/%%341")
@example(path="/%2%35%41")
def test_needless_escapes_mean_the_same_without(path: str) -> None:
    undone = normalize_escapes(path)
    assert unquote(undone) == unquote(path)
    assert normalize_escapes(undone) == undone
    assert undone.count("/") == path.count("/")


@pytest.mark.parametrize(("mount", "raw"), [("/é", b"/%c3%a9/x"), ("/a/b", b"/%61/%62/x"), ("/a@b", b"/a%40b/x")])
async def test_a_mount_answers_to_any_spelling_of_its_segments(mount: str, raw: bytes) -> None:
    app: Sanic[Any, Any] = Sanic("Spelled")
    app.mount(mount, Starlette(routes=[starlette_routing.Route("/x", lambda request: PlainTextResponse("x"))]))
    assert (await ask(app, http_scope(f"{mount}/x", raw_path=raw))).body == b"x"
    assert (await ask(app, http_scope(f"{mount}/x", raw_path=raw.replace(b"/x", b"%2Fx")))).status == 404


@pytest.mark.parametrize("with_raw", [True, False], ids=["raw_path", "no raw_path"])
@pytest.mark.parametrize("root", ["", "/api", "/a/b"])
async def test_a_root_path_is_stripped(with_raw: bool, root: str) -> None:
    app: Sanic[Any, Any] = Sanic("Rooted")

    @app.get("/static")
    async def static(request: Request) -> Any:
        return text(f"static {request.app.url_for('static')}")

    @app.get("/<x:int>/é")
    async def typed(request: Request, x: int) -> Any:
        return text(f"typed {x}")

    root_fields: dict[str, Any] = {"root_path": root, **({} if with_raw else {"raw_path": None})}
    assert (await ask(app, http_scope(f"{root}/static", **root_fields))).body == f"static {root}/static".encode()
    assert (await ask(app, http_scope(f"{root}/5/é", **root_fields))).body == b"typed 5"
    assert (await ask(app, http_scope(f"{root}/other", **root_fields))).status == 404


async def test_an_encoded_slash_separates_nothing() -> None:
    app: Sanic[Any, Any] = Sanic("Slashes")

    @app.get("/<x>", unquote=True)
    async def one(request: Request, x: str) -> Any:
        return text(f"one {x}")

    @app.get("/<x>/<y>")
    async def two(request: Request, x: str, y: str) -> Any:
        return text(f"two {x} {y}")

    assert (await ask(app, http_scope("/a/b", raw_path=b"/a%2Fb"))).body == b"one a/b"
    assert (await ask(app, http_scope("/a/b", raw_path=b"/a/b"))).body == b"two a b"
    assert (await ask(app, http_scope("/a/b", raw_path=None))).body == b"two a b"


async def test_bytes_in_the_raw_path_that_should_have_been_encoded() -> None:
    app: Sanic[Any, Any] = Sanic("Bytes")

    @app.get("/é")
    async def accent(request: Request) -> Any:
        return text("accent")

    for raw_path in (b"/%C3%A9", "/é".encode(), None):
        assert (await ask(app, http_scope("/é", raw_path=raw_path))).body == b"accent"


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("root", ["", "/proxy"])
@pytest.mark.parametrize("with_raw", [True, False])
async def test_it_mounts_at_any_depth(depth: int, root: str, with_raw: bool) -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")

    @inner.get("/a/<x>")
    async def hello(request: Request, x: str) -> Any:
        return text(f"{x} {request.scope['root_path']} {request.path}")

    app: Any = inner
    for _ in range(depth):
        app = Starlette(routes=[starlette_routing.Mount("/m", app=app)])
    prefix = root + "/m" * depth
    root_fields: dict[str, Any] = {"root_path": root, **({} if with_raw else {"raw_path": None})}
    peer = await ask(app, http_scope(f"{prefix}/a/b", **root_fields))
    assert peer.body.decode() == f"b {prefix} /a/b"
    assert (await ask(app, http_scope(f"{prefix}/b", **root_fields))).status == 404


async def test_each_is_mounted_in_the_other() -> None:
    innermost: Sanic[Any, Any] = Sanic("Innermost")

    @innermost.get("/<x:int>")
    async def hello(request: Request, x: int) -> Any:
        return text(f"{x} {request.scope['path_params']} {request.route.path}")

    middle = Starlette(routes=[starlette_routing.Mount("/{tenant}", app=innermost)])
    outer: Sanic[Any, Any] = Sanic("Outer")
    outer.mount("/outer", middle)
    peer = await ask(outer, http_scope("/outer/me/7"))
    assert peer.body.decode() == "7 {'tenant': 'me', 'x': 7} /{x:int}"


def test_redirects_to_starlettes_routes_with_a_slash_more_or_less() -> None:
    app: Sanic[Any, Any] = Sanic("Redirecting")
    app.router.routes.extend(
        [
            starlette_routing.Route("/with/", endpoint("with")),
            starlette_routing.Route("/without", endpoint("without")),
        ]
    )
    client = TestClient(app, follow_redirects=False)
    for path, to in (("/with", "http://testserver/with/"), ("/without/", "http://testserver/without")):
        response = client.get(path)
        assert (response.status_code, response.headers["location"]) == (307, to)
    assert client.get("/neither").status_code == 404
    assert client.get("/").status_code == 404
    app.router.redirect_slashes = False
    assert client.get("/with").status_code == 404


async def test_a_redirect_is_not_for_websockets() -> None:
    app: Sanic[Any, Any] = Sanic("NoRedirect")
    app.router.routes.append(starlette_routing.WebSocketRoute("/with/", endpoint("with")))
    peer = await ask(app, websocket_scope("/with"))
    assert peer.sent[0]["type"] == "websocket.close"


def test_starlettes_methods_and_partial_matches() -> None:
    app: Sanic[Any, Any] = Sanic("Partial")
    app.router.routes.extend(
        [
            starlette_routing.Route("/a", endpoint("get")),
            starlette_routing.Route("/a", endpoint("put"), methods=["PUT"]),
        ]
    )
    client = TestClient(app)
    assert client.put("/a").text == "put"
    response = client.delete("/a")
    assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


@pytest.mark.parametrize("path", ["/x", "/x/", "/x/a"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_mount_serves_its_own_path_with_any_method(path: str, method: str) -> None:
    app: Sanic[Any, Any] = Sanic("Mounting")
    app.mount("/x", raw("x"))
    response = TestClient(app, follow_redirects=False).request(method, path)
    assert response.text == f"x /x {path if path != '/x' else '/x/'}"


@pytest.mark.parametrize("path", ["/xa", "/", "/x%2Fa", "/X", "/a/x"])
def test_a_mount_serves_nothing_else(path: str) -> None:
    app: Sanic[Any, Any] = Sanic("Mounting")
    app.mount("/x", raw("x"))
    assert TestClient(app).get(path).status_code == 404


async def test_a_mount_of_a_path_that_needs_encoding() -> None:
    app: Sanic[Any, Any] = Sanic("Mounting")
    app.mount("/é è", raw("x"))
    for scope in (http_scope("/é è/a"), http_scope("/é è/a", raw_path=None), http_scope("/é è")):
        peer = await ask(app, scope)
        assert peer.body.decode() == f"x /é è {scope['path'] if scope['path'] != '/é è' else '/é è/'}"


@pytest.mark.parametrize(("path", "expected"), [("", "x  /a"), ("/", "x  /a")])
def test_a_mount_at_the_root(path: str, expected: str) -> None:
    app: Sanic[Any, Any] = Sanic("Root")

    @app.get("/own")
    async def own(request: Request) -> Any:
        return text("own")

    app.mount(path, raw("x"))
    client = TestClient(app)
    assert client.get("/own").text == "own"
    assert client.get("/a").text == expected


def test_a_mounts_path_starts_with_a_slash() -> None:
    with pytest.raises(ValueError, match=r"mount\('/x', …\) instead of mount\('x', …\)"):
        Sanic("Wrong").mount("x", raw("x"))


def test_static_files_with_html_keep_their_redirect(tmp_path: Any) -> None:
    from starlette.staticfiles import StaticFiles

    (tmp_path / "index.html").write_text("<a href='b.html'>")
    app: Sanic[Any, Any] = Sanic("Pages")
    app.mount("/pages", StaticFiles(directory=tmp_path, html=True))
    client = TestClient(app)
    response = client.get("/pages", allow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, "http://testserver/pages/")
    assert client.get("/pages").text == "<a href='b.html'>"


def test_request_middleware_runs_before_a_mount_and_leaves_the_body_unread() -> None:
    app: Sanic[Any, Any] = Sanic("Guarded")
    seen: list[str] = []

    async def echo(request: StarletteRequest) -> StarletteResponse:
        return PlainTextResponse(await request.body())

    app.mount("/x", Starlette(routes=[starlette_routing.Route("/", echo, methods=["POST"])]))

    @app.on_request
    async def guard(request: Request) -> Any:
        seen.append(request.path)
        # Its own paths are those of the application around the mount.
        return None if request.token == "known" else text(request.app.url_for("login"), 401)

    @app.get("/login")
    async def login(request: Request) -> Any: ...

    @app.on_response
    async def after(request: Request, response: Any) -> None:
        seen.append("response")

    client = TestClient(app)
    refused = client.post("/x", data=b"body")
    assert (refused.status_code, refused.text) == (401, "/login")
    response = client.post("/x", data=b"body", headers={"authorization": "Bearer known"})
    assert (response.status_code, response.text) == (200, "body")
    assert seen == ["/x", "/x"]


@pytest.mark.parametrize("root", ["", "/proxy"])
async def test_an_exception_of_a_mount_is_answered_outside_of_it(root: str) -> None:
    app: Sanic[Any, Any] = Sanic("Outside")

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise KeyError(scope["root_path"])

    @app.exception(KeyError)
    async def handle(request: Request, error: KeyError) -> Any:
        return text(f"{error} {request.path} {request.app.url_for('login')}")

    @app.get("/login")
    async def login(request: Request) -> Any: ...

    app.mount("/x", fail)
    peer = await ask(app, http_scope(f"{root}/x", root_path=root))
    assert peer.body.decode() == f"'{root}/x' /x {root}/login"


async def test_the_scope_equals_starlettes() -> None:
    app: Sanic[Any, Any] = Sanic("Scopes")
    seen: list[Scope] = []

    @app.get("/direct")
    async def direct(request: Request) -> Any:
        seen.append(request.scope)
        return text("")

    @app.get("/typed/<x:int>")
    async def typed(request: Request, x: int) -> Any:
        seen.append(request.scope)
        return text("")

    await ask(app, http_scope("/direct"))
    await ask(app, http_scope("/typed/1"))
    for scope, handler, params in zip(seen, (direct, typed), ({}, {"x": 1}), strict=True):
        assert scope["app"] is app
        assert scope["router"] is app.router
        assert scope["endpoint"] is handler
        assert scope["route"].endpoint is handler
        assert scope["path_params"] == params


def test_urls_are_built_from_names_of_both_worlds() -> None:
    app: Sanic[Any, Any] = Sanic("Urls")

    @app.get("/users/<id:int>")
    async def user(request: Request, id: int) -> Any: ...

    app.router.routes.append(starlette_routing.Route("/theirs/{id:int}", endpoint("theirs"), name="theirs"))
    inner = Starlette(routes=[starlette_routing.Route("/in/{x}", endpoint("inside"), name="inside")])
    app.mount("/m", inner, name="m")
    assert app.url_path_for("Urls.user", id=3) == "/users/3"
    assert app.url_path_for("theirs", id=3) == "/theirs/3"
    assert app.url_path_for("m:inside", x="y") == "/m/in/y"
    assert app.url_for("user", id=3) == "/users/3"
    assert app.url_for("theirs", id=3) == "/theirs/3"
    assert app.url_for("m:inside", x="y") == "/m/in/y"
    for name, params in (("nobody", {}), ("theirs", {}), ("Urls.user", {"other": 1})):
        with pytest.raises(NoMatchFound):
            app.url_path_for(name, **params)


def test_of_two_routes_with_one_name_the_parameters_decide() -> None:
    router = Router(
        [
            starlette_routing.Route("/a", endpoint("x"), name="x"),
            starlette_routing.Route("/a/{id}", endpoint("x"), name="x"),
        ]
    )
    assert router.url_path_for("x") == "/a"
    assert router.url_path_for("x", id="1") == "/a/1"


# The objects by themselves, as tools look at them -------------------------------------------------------------------


async def nobody(connection: Any) -> Any: ...


def test_a_route_has_starlettes_attributes() -> None:
    route = Route(("users", NUMBER), nobody, methods=["GET"])
    assert route.path == "/users/{id:int}"
    assert route.path_format == "/users/{id}"
    assert route.path_regex.pattern == "^/users/(?P<id>[0-9]+)/?$"
    assert route.param_convertors == {"id": NUMBER.convertor}
    assert (route.name, route.methods, route.include_in_schema) == ("nobody", {"GET"}, True)
    assert route.url_path_for("nobody", id=1) == "/users/1"
    strict = Route(("a",), nobody, methods=["GET"], strict=True)
    assert strict.path_regex.pattern == "^/a$"


@pytest.mark.parametrize(
    ("scope", "match", "params"),
    [
        (http_scope("/users/1"), Match.FULL, {"id": 1}),
        (http_scope("/users/1/"), Match.FULL, {"id": 1}),
        (http_scope("/users/1", "POST"), Match.PARTIAL, {"id": 1}),
        (http_scope("/users/x"), Match.NONE, None),
        (http_scope("/users/1", headers=[(b"host", b"other")]), Match.NONE, None),
        (http_scope("/users/1", headers=[]), Match.NONE, None),
        (websocket_scope("/users/1"), Match.NONE, None),
        (http_scope("/r/users/1", root_path="/r", path_params={"a": 2}), Match.FULL, {"a": 2, "id": 1}),
    ],
)
def test_a_route_matches_as_starlette_asks(scope: Scope, match: Match, params: Any) -> None:
    route = Route(("users", NUMBER), nobody, methods=["GET"], hosts=["testserver"])
    result, child = route.matches(scope)
    assert (result, child.get("path_params")) == (match, params)


def test_a_value_that_its_type_rejects_does_not_match() -> None:
    class Refusing(type(CONVERTOR_TYPES["str"])):  # type: ignore[misc]
        def convert(self, value: str) -> str:
            raise ValueError(value)

    route = Route((Parameter("x", Refusing()),), nobody, methods=["GET"])
    assert route.matches(http_scope("/a"))[0] is Match.NONE


def test_a_websocket_route_has_starlettes_attributes() -> None:
    route = WebSocketRoute(("ws", NUMBER), nobody, name="talk", hosts=["a"], strict=True)
    assert (route.path, route.name, route.hosts, route.strict) == ("/ws/{id:int}", "talk", ("a",), True)
    assert WebSocketRoute(("ws",), nobody).name == "nobody"


async def test_a_route_without_an_application_raises() -> None:
    with pytest.raises(RuntimeError, match="belongs to no running application"):
        await Route(("a",), nobody, methods=["GET"]).call(None)


def test_a_mount_with_parameters_is_starlettes_affair() -> None:
    plain, with_parameter = Mount("/a", app=raw("a")), Mount("/{x}", app=raw("x"))
    assert (plain.literal, with_parameter.literal) == (True, False)
    router = Router([plain, with_parameter])
    router._build()
    assert router._foreign == [with_parameter]


async def test_a_mount_with_parameters_is_entered() -> None:
    app = Application(routes=[Mount("/{x}", app=raw("x"))])
    assert (await ask(app, http_scope("/me/a"))).body == b"x /me /me/a"


async def test_hundreds_of_routes_are_found_by_all_at_once() -> None:
    app: Sanic[Any, Any] = Sanic("Many")

    async def handler(request: Request, x: int) -> Any:
        return text(f"{request.route.uri} {x}")

    for number in range(300):
        app.add_route(handler, f"/r{number}/<x:int>", name=f"r{number}")
    peers = await asyncio.gather(*(ask(app, http_scope(f"/r{number}/{number}")) for number in range(300)))
    assert [peer.body.decode() for peer in peers] == [f"/r{n}/<x:int> {n}" for n in range(300)]


@pytest.mark.parametrize("path", ["/nope" + "/" * 60_000, "/a" * 30_000, "/files" + "/" * 60_000, "/" * 60_000])
def test_a_path_of_many_slashes_is_searched_a_few_times_only(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app: Sanic[Any, Any] = Sanic("Slashes")

    async def handler(request: Any, **params: Any) -> Any:
        return text("x")

    for number, uri in enumerate(("/", "/a", "/user/<id:int>", "/a/<b>/<c>", "/files/<rest:path>")):
        app.add_route(handler, uri, methods=["GET", "POST", "PUT"], name=f"r{number}")
    app.finalize()
    walks: list[str] = []
    walk = app.router._index.walk

    def counted(path: str, *arguments: Any) -> Any:
        walks.append(path)
        return walk(path, *arguments)

    monkeypatch.setattr(app.router._index, "walk", counted)
    scope = {"type": "http", "method": "DELETE", "path": path, "raw_path": path.encode(), "headers": []}
    app.router._find(scope)
    app.router._allowed_methods(path, scope)
    # As it is, and with as many slashes at the end as the longest of the routes could take, for each of the two.
    assert len(walks) <= 2 * 5
