"""`Sanic.mount`, `Sanic.host`, `Blueprint.mount`: their paths, lifespans and error handlers."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from requests.exceptions import ChunkedEncodingError
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text
from sanic_star.compat.exceptions import Forbidden, NotFound, ServerError, ServiceUnavailable
from sanic_star.compat.handlers import ErrorHandler
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, http_scope


async def show(request: Any) -> PlainTextResponse:
    return PlainTextResponse(f"{request.scope['root_path']}|{request.scope['path']}|{request.path_params}")


def child(*routes: Any, **options: Any) -> Starlette:
    return Starlette(routes=[Route("/", show), Route("/x", show, methods=["GET", "POST"]), *routes], **options)


class Tagged:
    """ASGI middleware that notes in a header that it was passed."""

    def __init__(self, app: ASGIApp, tag: str) -> None:
        self.app, self.tag = app, tag

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tag(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-tag", self.tag.encode())]}
            await send(message)

        await self.app(scope, receive, tag)


# Where a mount leads -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/t/<tenant>", "{'tenant': 'acme'}"),
        ("/t/<tenant:str>", "{'tenant': 'acme'}"),
        ("/t/{tenant}", "{'tenant': 'acme'}"),
        ("/t/acme", "{}"),
        ("/<first>/acme", "{'first': 't'}"),
    ],
)
def test_the_path_of_a_mount_may_have_parameters_in_either_spelling(path: str, params: str) -> None:
    app = Sanic("parameters")
    app.mount(path, child())
    with TestClient(app) as client:
        assert client.get("/t/acme/x").text == f"/t/acme|/t/acme/x|{params}"
        assert client.get("/t/acme").text.startswith("/t/acme|/t/acme/")


def test_a_typed_parameter_of_a_mount_is_converted_and_a_value_of_another_type_is_404() -> None:
    app = Sanic("typed")
    app.mount("/y/<year:int>", child())
    with TestClient(app) as client:
        assert client.get("/y/1999/x").text == "/y/1999|/y/1999/x|{'year': 1999}"
        assert client.get("/y/soon/x").status_code == 404


# Each route of Sanic's below the mount at `/sub`, and which of the paths it takes from the mount.
BESIDE = {
    "/sub": ["/sub"],
    "/sub/x": ["/sub/x"],
    "/sub/<name>": ["/sub/x"],
    "/<first>/x": ["/sub/x"],
    "/<first>/<second>/y": ["/sub/x/y"],
    "/sub/<rest:path>": [],
    "/sub/x/<rest:path>": ["/sub/x/y"],
    "/<rest:path>": [],
    "/<first:[a-z]+>/x": ["/sub/x"],
    r"/<all:ext>": [],
    "/other/x": [],
    "/<slug>": ["/sub"],
    "/subway/x": [],
}


@pytest.mark.parametrize("uri", BESIDE)
def test_a_route_takes_from_a_mount_just_the_paths_that_it_matches(uri: str) -> None:
    app = Sanic("beside")

    @app.get(uri)
    async def own(request: Request, **params: Any) -> Any:
        return text("own")

    app.mount("/sub", Mount("", routes=[Route("/{rest:path}", lambda request: PlainTextResponse("mounted"))]).app)
    with TestClient(app) as client:
        paths = ["/sub", "/sub/x", "/sub/x/y", "/sub/z/z/z", "/sub//", "/sub/x/"]
        # A slash at the end is no part of the path for a route of Sanic's where no mount has it.
        answers = {path: client.get(path).text for path in paths}
        assert {path for path in paths[:4] if answers[path] == "own"} == set(BESIDE[uri])
        assert client.get("/subs").status_code in (404, 200)
        assert "mounted" not in client.get("/subs").text


PATHS_BELOW = ["/sub", "/sub/", "/sub/x", "/sub/%78", "/sub//x", "/sub/é", "/sub/%C3%A9", "/sub/a%2Fb", "/sub/a/b/c/d"]


@pytest.mark.parametrize("root", ["", "/api", "/api/", "/é"])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("at", ["/sub", "/t/<name>", "/t/<name>/sub", "/theirs"])
def test_the_short_path_to_a_mount_sets_the_same_values(root: str, beside: bool, at: str) -> None:
    scopes: list[Scope] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            keys = ("path", "raw_path", "root_path", "app_root_path", "path_params", "endpoint")
            scopes.append({key: scope.get(key) for key in keys})
            await PlainTextResponse("")(scope, receive, send)

    answers = []
    for quick in (True, False):
        app = Sanic("quick", routes=[Mount("/theirs", note)] if at == "/theirs" else [])
        if at != "/theirs":
            app.mount(at, note)
            app.mount("/sub/deeper", note)
        if beside:
            app.add_route(lambda request, **params: text("own"), "/<slug>", name="slug")
        if not quick:
            # It might match, so that every path takes the long way.
            app.add_route(lambda request, **params: text("own"), "/<a>/<b>/<c>/<d>/<e>/<f>/never")
        with TestClient(app, root_path=root) as client:
            paths = [path.replace("/sub", at.replace("<name>", "acme")) for path in PATHS_BELOW]
            answers.append([client.get(path).status_code for path in paths])
    assert answers[0] == answers[1]
    assert len(scopes) >= 2 * len(PATHS_BELOW) - 2
    assert scopes[: len(scopes) // 2] == scopes[len(scopes) // 2 :]


def test_of_two_mounts_the_longer_one_gets_the_request() -> None:
    app = Sanic("longest")
    app.mount("/a", child())
    app.mount("/a/b", child())
    with TestClient(app) as client:
        assert client.get("/a/x").text == "/a|/a/x|{}"
        assert client.get("/a/b/x").text == "/a/b|/a/b/x|{}"
        assert client.get("/a/bc").status_code == 404


def test_sanic_in_sanic_in_sanic_finds_its_routes_below_every_root_path() -> None:
    inner, middle, outer = Sanic("inner"), Sanic("middle"), Sanic("outer")

    @inner.get("/static")
    async def static(request: Request) -> Any:
        return text(f"{request.path} {request.scope['root_path']}")

    @inner.get("/<number:int>/<word>")
    async def dynamic(request: Request, number: int, word: str) -> Any:
        return text(f"{number + 1} {word}")

    middle.mount("/b", inner)
    outer.mount("/a", middle)
    with TestClient(outer) as client:
        for _ in range(3):
            assert client.get("/a/b/static").text == "/static /a/b"
            assert client.get("/a/b/1/w%20w").text == "2 w%20w"
            assert client.get("/a/b/static?x=1").status_code == 200
            assert client.post("/a/b/static").status_code == 405
            assert client.get("/a/b/none").status_code == 404
    with TestClient(outer, root_path="/proxy") as client:
        assert client.get("/a/b/static").text == "/static /proxy/a/b"


@pytest.mark.parametrize(
    ("mount", "error"),
    [
        (lambda app: app.mount("/x", None), TypeError),
        (lambda app: app.mount("/x", "module:app"), TypeError),
        (lambda app: app.mount("x", child()), ValueError),
        (lambda app: app.mount("/x/<when:ymd>", child()), ValueError),
        (lambda app: app.mount("/x/<>", child()), ValueError),
        (lambda app: app.mount("/x/{when:ymd}", child()), ValueError),
        (lambda app: app.mount(None, child()), TypeError),
        (lambda app: app.mount(b"/x", child()), TypeError),
        (lambda app: app.mount("/x", child(), name=5), TypeError),
        (lambda app: app.mount("/x", child(), middleware=[Tagged]), TypeError),
        (lambda app: app.host("", child()), ValueError),
        (lambda app: app.host("  ", child()), ValueError),
        (lambda app: app.host("/path", child()), ValueError),
        (lambda app: app.host("https://example.org", child()), ValueError),
        (lambda app: app.host("example.org:8000", child()), ValueError),
        (lambda app: app.host("a b.org", child()), ValueError),
        (lambda app: app.host("a\tb.org", child()), ValueError),
        (lambda app: app.host("a\x00.org", child()), ValueError),
        (lambda app: app.host("a,b.org", child()), ValueError),
        (lambda app: app.host("a..org", child()), ValueError),
        (lambda app: app.host(".org", child()), ValueError),
        (lambda app: app.host("user@example.org", child()), ValueError),
        (lambda app: app.host("example.org?x", child()), ValueError),
        (lambda app: app.host("example%20.org", child()), ValueError),
        (lambda app: app.host("*.example.org", child()), ValueError),
        (lambda app: app.host("münchen.example", child()), ValueError),
        (lambda app: app.host("[::1]", child()), ValueError),
        (lambda app: app.host("<a b>.example.org", child()), ValueError),
        (lambda app: app.host("<tenant.example.org", child()), ValueError),
        (lambda app: app.host("<tenant:ymd>.example.org", child()), ValueError),
        (lambda app: app.mount("/<tenant", child()), ValueError),
        (lambda app: app.mount("/{tenant", child()), ValueError),
        (lambda app: app.mount("/tenant>", child()), ValueError),
        (lambda app: app.host(None, child()), TypeError),
        (lambda app: app.host("example.org", None), TypeError),
        (lambda app: Blueprint("b").mount("/x", None), TypeError),  # type: ignore[arg-type]
        (lambda app: Blueprint("b").mount("x", child()), ValueError),
        (lambda app: Blueprint("b").mount(None, child()), TypeError),  # type: ignore[arg-type]
        (lambda app: Blueprint("b").mount("/x", child(), name=5), TypeError),  # type: ignore[arg-type]
        (lambda app: Blueprint("b", host="example.org").mount("/x", child()), ValueError),
    ],
)
def test_a_mount_that_cannot_work_is_refused_at_once(mount: Callable[[Any], Any], error: type[Exception]) -> None:
    app = Sanic("refused")
    with pytest.raises(error):
        mount(app)
    assert not app.router.routes


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("a b.org", "a name without scheme, port and path"),
        ("example.org:80", "requests may come to any"),
        ("*.example.org", "<name>.example.org"),
        ("münchen.example", "Punycode"),
        ("<t:ymd>.org", "A host can't have the parameter <t:ymd>"),
    ],
)
def test_the_message_for_a_host_says_what_to_write(host: str, words: str) -> None:
    app = Sanic("refused")
    with pytest.raises(ValueError, match=re.escape(words)) as refusal:
        app.host(host, child())
    assert host.removesuffix(".org") in str(refusal.value)


@pytest.mark.parametrize("path", ["", "/"])
@pytest.mark.parametrize(("prefix", "below"), [(None, ""), ("/in", "/in")])
def test_a_mount_at_the_root_of_a_blueprint_or_an_application(path: str, prefix: str | None, below: str) -> None:
    app, bp = Sanic("root"), Blueprint("root", url_prefix=prefix)
    bp.mount(path, child())
    app.blueprint(bp)
    other = Sanic("other")
    other.mount(below + path, child())
    for served in (app, other):
        with TestClient(served) as client:
            assert client.get(f"{below}/x").status_code == 200
            assert client.get(f"{below}/none").text == "Not Found"


@pytest.mark.parametrize(
    ("first", "second"), [("/x", "/x"), ("/x", "/x/"), ("/", "/"), ("", "/"), ("/<a>", "/{a:str}")]
)
def test_a_second_mount_at_a_path_is_refused(first: str, second: str) -> None:
    app = Sanic("twice")
    app.mount(first, child())
    with pytest.raises(ValueError, match="mounted at"):
        app.mount(second, child())
    assert len(app.router.routes) == 1


def test_a_mount_after_the_start_answers_and_warns_that_its_lifespan_does_not_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Sanic("late")
    with TestClient(app) as client:
        assert client.get("/x/x").status_code == 404
        with caplog.at_level(logging.WARNING, "sanic.root"):
            app.mount("/x", child())
        assert client.get("/x/x").text == "/x|/x/x|{}"
    assert "after the start" in caplog.text


# Relative links ------------------------------------------------------------------------------------------------------


def test_a_mount_answers_its_path_without_a_redirect_where_static_files_redirect(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("index")
    app = Sanic("slashes")
    app.mount("/app", child())
    app.mount("/files", StaticFiles(directory=tmp_path, html=True))
    with TestClient(app) as client:
        assert client.get("/app", allow_redirects=False).text == "/app|/app/|{}"
        assert client.get("/app/", allow_redirects=False).text == "/app|/app/|{}"
        response = client.get("/files", allow_redirects=False)
        assert response.status_code == 307
        assert response.headers["location"].endswith("/files/")


# A single-page application -------------------------------------------------------------------------------------------


class SinglePage(StaticFiles):
    """Files, and `index.html` for every path that has none."""

    async def get_response(self, path: str, scope: Scope) -> Any:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            return await super().get_response("index.html", scope)


def test_own_routes_come_before_a_single_page_application_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("index")
    (tmp_path / "app.js").write_text("script")
    app = Sanic("page")

    @app.get("/api/items")
    async def items(request: Request) -> Any:
        return text("items")

    @app.post("/api/items/<number:int>")
    async def change(request: Request, number: int) -> Any:
        return text("changed")

    @app.get("/api/<rest:path>")
    async def unknown(request: Request, rest: str) -> Any:
        raise NotFound("no such thing")

    app.add_route(lambda request: text("about"), "/about", name="about")
    app.add_route(lambda request: text("ordered"), "/orders", methods=["POST"], name="order")
    app.mount("/", SinglePage(directory=tmp_path, html=True))
    with TestClient(app) as client:
        assert client.get("/").text == "index"
        assert client.get("/app.js").text == "script"
        assert client.get("/some/page").text == "index"
        assert client.post("/some/page").status_code == 405
        assert client.get("/api/items").text == "items"
        assert client.get("/about/").text == "about"
        assert client.post("/api/items/3").text == "changed"
        # The path is a route's: its 405 is no page.
        for path in ("/orders", "/orders/"):
            response = client.get(path)
            assert (response.status_code, response.headers.get("allow")) == (405, "POST")
        assert client.get("/api/none").status_code == 404


def test_below_a_mount_at_the_root_a_websocket_is_the_mounts() -> None:
    async def speak(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text("mounted")
        await websocket.close()

    app = Sanic("root")
    app.add_route(lambda request: text("own"), "/ws")
    app.mount("/", Starlette(routes=[WebSocketRoute("/ws", speak)]))
    with TestClient(app) as client, client.websocket_connect("/ws") as websocket:
        assert websocket.receive_text() == "mounted"


@pytest.mark.parametrize(
    ("uri", "answer"),
    [
        ("/<rest:path>", "mounted"),
        (r"/<rest:.+>", "mounted"),
        ("/a/<rest:path>", "own"),
        ("/a/<name>", "own"),
        ("/<first:[a-z]+>/b", "own"),
    ],
)
def test_a_slash_at_the_end_does_not_change_what_ranks_above_a_mount_at_the_root(uri: str, answer: str) -> None:
    app = Sanic("ranks")

    @app.get(uri)
    async def own(request: Request, **params: Any) -> Any:
        return text("own")

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("mounted")(scope, receive, send)

    app.mount("/", mounted)
    with TestClient(app) as client:
        assert [client.get(path).text for path in ("/a/b", "/a/b/", "/a/b//")] == [answer] * 3
        if "path" in uri:
            # Where only a catch-all route has the path, the mount answers methods that the route does not have.
            assert [client.post(path).text for path in ("/a/b", "/a/b/")] == ["mounted"] * 2


# Hosts ---------------------------------------------------------------------------------------------------------------


def test_a_host_gets_all_its_requests_before_the_routes() -> None:
    app = Sanic("hosts")
    app.add_route(lambda request: text("own"), "/")
    app.add_route(lambda request, number: text("own"), "/<number:int>", name="number")
    app.host("API.example.org", child())
    app.host("<tenant>.example.net", child())
    app.mount("/x", child())
    with TestClient(app) as client:
        for _ in range(3):
            assert client.get("/", headers={"host": "api.example.org:8000"}).text == "|/|{}"
            assert client.get("/x", headers={"host": "Api.Example.org"}).text == "|/x|{}"
            assert client.get("/", headers={"host": "acme.example.net"}).text == "|/|{'tenant': 'acme'}"
            assert client.get("/none", headers={"host": "api.example.org"}).status_code == 404
            assert client.get("/", headers={"host": "other.org"}).text == "own"
            assert client.get("/7", headers={"host": "other.org"}).text == "own"
            assert client.get("/x/x", headers={"host": "other.org"}).text == "/x|/x/x|{}"
        assert client.get("/7", headers={"host": "api.example.org"}).status_code == 404


def test_starlettes_host_in_the_list_of_routes_stays_one_of_starlettes_routes() -> None:
    app = Sanic("listed", routes=[Host("api.example.org", child())])
    app.add_route(lambda request: text("own"), "/")
    with TestClient(app) as client:
        assert client.get("/", headers={"host": "api.example.org"}).text == "own"
        assert client.get("/x", headers={"host": "api.example.org"}).text == "|/x|{}"


# Blueprints ----------------------------------------------------------------------------------------------------------


def test_a_blueprint_mounts_behind_its_prefix_its_version_and_those_of_its_group() -> None:
    bp = Blueprint("tools", url_prefix="/tools", version=2)
    bp.mount("/sub", child(), name="sub")
    app = Sanic("versions")
    app.blueprint(Blueprint.group(bp, url_prefix="/all"))
    with TestClient(app) as client:
        assert client.get("/v2/all/tools/sub/x").text == "/v2/all/tools/sub|/v2/all/tools/sub/x|{}"
        assert client.get("/tools/sub/x").status_code == 404
    assert app.router.url_path_for("tools.sub:show") == "/v2/all/tools/sub/"


def test_middleware_of_a_blueprint_runs_for_its_mounts_only() -> None:
    bp, app = Blueprint("guarded", url_prefix="/in"), Sanic("guards")
    group = Blueprint.group(bp)
    bp.mount("/sub", child(), middleware=[Middleware(Tagged, "mount")])
    app.mount("/out", child())
    order: list[str] = []

    @app.on_request
    async def everywhere(request: Request) -> None:
        order.append("app")

    @bp.on_request
    async def login(request: Request) -> Any:
        order.append("blueprint")
        return None if "user" in request.args else text("login", 401)

    bp.add_middleware(Tagged, "blueprint")
    group.add_middleware(Tagged, "group")
    app.blueprint(group)
    with TestClient(app) as client:
        assert client.get("/in/sub/x").status_code == 401
        assert order == ["app", "blueprint"]
        response = client.get("/in/sub/x?user=1")
        assert response.status_code == 200
        assert response.headers["x-tag"] == "mount, blueprint, group"
        assert "x-tag" not in client.get("/out/x").headers
        assert order[-1] == "app"


def test_a_mount_and_middleware_that_come_after_the_registration_count_as_well() -> None:
    bp, app = Blueprint("late", url_prefix="/in"), Sanic("later")
    app.blueprint(bp)
    bp.mount("/sub", child())
    bp.add_middleware(Tagged, "blueprint")

    @bp.on_request
    async def refuse(request: Request) -> Any:
        return text("no", 403) if "no" in request.args else None

    with TestClient(app) as client:
        assert client.get("/in/sub/x").headers["x-tag"] == "blueprint"
        assert client.get("/in/sub/x?no=1").status_code == 403


def test_a_blueprint_may_be_registered_in_two_applications_and_copied() -> None:
    bp = Blueprint("both", url_prefix="/in")
    bp.mount("/sub", child())
    other = bp.copy("other", url_prefix="/other")
    first, second = Sanic("first"), Sanic("second")
    first.blueprint(bp)
    second.blueprint(bp)
    second.blueprint(other)
    for app, path in ((first, "/in/sub/x"), (second, "/in/sub/x"), (second, "/other/sub/x")):
        with TestClient(app) as client:
            assert client.get(path).status_code == 200


# Lifespans -----------------------------------------------------------------------------------------------------------


class Manager:
    """An object that may run only once, like the session manager of the MCP SDK."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        if "run" in self.log:
            raise RuntimeError("may be run once")
        self.log.append("run")
        yield
        self.log.append("over")


def entering(make: Callable[[], AbstractAsyncContextManager[Any]]) -> Any:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with make():
            yield

    return lifespan


def lifespans() -> list[Any]:
    def manager_in_outer(log: list[str]) -> tuple[Sanic, ASGIApp]:
        manager = Manager(log)
        inner = Starlette(lifespan=lambda app: manager.run())
        return Sanic("a", lifespan=entering(manager.run)), inner

    def context_of_child(log: list[str]) -> tuple[Sanic, ASGIApp]:
        inner = Starlette(lifespan=lambda app: Manager(log).run())
        manager = Manager(log)
        inner.router.lifespan_context = lambda app: manager.run()
        return Sanic("b", lifespan=entering(lambda: inner.router.lifespan_context(inner))), inner

    def plain_function(log: list[str]) -> tuple[Sanic, ASGIApp]:
        inner = Starlette(lifespan=logging_lifespan(log))
        return Sanic("c", lifespan=entering(lambda: inner.router.lifespan_context(inner))), inner

    def same_object(log: list[str]) -> tuple[Sanic, ASGIApp]:
        manager = Manager(log)

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            async with manager.run():
                yield

        inner = Starlette(lifespan=lifespan)
        return Sanic("d", lifespan=inner.router.lifespan_context), inner

    def sanic_child(log: list[str]) -> tuple[Sanic, ASGIApp]:
        inner = Sanic("inner", lifespan=logging_lifespan(log))
        return Sanic("e", lifespan=entering(lambda: inner.router.lifespan_context(inner))), inner

    def not_entered(log: list[str]) -> tuple[Sanic, ASGIApp]:
        return Sanic("f", lifespan=entering(Manager([]).run)), Starlette(lifespan=lambda app: Manager(log).run())

    def left_again(log: list[str]) -> tuple[Sanic, ASGIApp]:
        manager = Manager([])
        inner = Starlette(lifespan=logging_lifespan(log))

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            async with manager.run():
                pass
            yield

        return Sanic("g", lifespan=lifespan), inner

    return [manager_in_outer, context_of_child, plain_function, same_object, sanic_child, not_entered, left_again]


def logging_lifespan(log: list[str]) -> Any:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        log.append("run")
        yield
        log.append("over")

    return lifespan


@pytest.mark.parametrize("make", lifespans())
@pytest.mark.parametrize("how", ["mount", "host", "blueprint", "middleware", "nested"])
def test_a_mounted_lifespan_runs_once(make: Any, how: str) -> None:
    log: list[str] = []
    outer, inner = make(log)
    if how == "mount":
        outer.mount("/x", inner)
    elif how == "host":
        outer.host("x.org", inner)
    elif how == "blueprint":
        bp = Blueprint("bp")
        bp.mount("/x", inner)
        outer.blueprint(bp)
    elif how == "nested":
        middle = Sanic("middle")
        middle.mount("/x", inner)
        outer.mount("/y", middle)
    else:
        outer.mount("/x", inner, middleware=[Middleware(Tagged, "m")])
    with TestClient(outer):
        assert log == ["run"]
    assert log == ["run", "over"]


def test_a_function_shared_by_two_applications_runs_for_each_with_its_own() -> None:
    seen: list[Any] = []
    SEEN.append(seen)
    inner = Starlette(lifespan=shared)
    outer = Sanic("shared", lifespan=shared)
    outer.mount("/x", inner)
    with TestClient(outer):
        assert seen == [outer, inner]


SEEN: list[list[Any]] = []


@asynccontextmanager
async def shared(app: Any) -> AsyncIterator[None]:
    SEEN[-1].append(app)
    yield


@pytest.mark.parametrize("how", ["mount", "host", "blueprint"])
def test_lifespan_false_leaves_a_lifespan_alone(how: str) -> None:
    log: list[str] = []
    inner = child(lifespan=logging_lifespan(log))
    outer = Sanic("alone")
    if how == "mount":
        outer.mount("/x", inner, lifespan=False)
    elif how == "host":
        outer.host("x.org", inner, lifespan=False)
    else:
        bp = Blueprint("bp")
        bp.mount("/x", inner, lifespan=False)
        outer.blueprint(bp)
    with TestClient(outer) as client:
        assert client.get("/x/x", headers={"host": "x.org"}).status_code in (200, 404)
    assert log == []


def test_lifespan_false_on_an_application_of_this_package_starts_it_with_its_first_request() -> None:
    log: list[str] = []
    inner, outer = Sanic("inner"), Sanic("outer")
    inner.add_route(lambda request: text("x"), "/x")

    @inner.before_server_start
    async def start(app: Any) -> None:
        log.append("start")

    outer.mount("/x", inner, lifespan=False)
    with TestClient(outer) as client:
        assert log == []
        assert client.get("/x/x").text == "x"
        assert log == ["start"]


# Errors of a mounted application -------------------------------------------------------------------------------------


class Teapot(Exception):
    pass


async def fail(request: Any) -> Any:
    raise Teapot("inner")


async def refuse(request: Any) -> Any:
    raise HTTPException(403, "inner detail")


FAILING = [Route("/fail", fail), Route("/refuse", refuse)]


def outer_with(inner: ASGIApp, **options: Any) -> Sanic:
    outer = Sanic("errors")
    outer.mount("/x", inner, **options)

    @outer.exception(Teapot)
    async def teapot(request: Request, error: Teapot) -> Any:
        return text(f"outer {error}", 418)

    @outer.exception(403, 404)
    async def missing(request: Request, error: Any) -> Any:
        return text(f"outer {error.status_code}", error.status_code)

    return outer


def answers_of(app: Sanic, *paths: str) -> list[tuple[int, str]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        responses = [client.get(path) for path in paths]
    return [(response.status_code, response.text) for response in responses]


PATHS = "/x/fail", "/x/refuse", "/x/none", "/x/x"


@pytest.mark.parametrize("debug", [False, True])
def test_handle_errors_handles_unhandled_errors_of_a_mounted_application(debug: bool) -> None:
    app = outer_with(child(*FAILING, debug=debug), handle_errors=True)
    expected = [(418, "outer inner"), (403, "outer 403"), (404, "outer 404"), (200, "/x|/x/x|{}")]
    assert answers_of(app, *PATHS) == expected


def test_without_it_a_mounted_application_answers_its_errors_itself() -> None:
    answers = answers_of(outer_with(child(*FAILING)), *PATHS)
    assert answers == [(500, "Internal Server Error"), (403, "inner detail"), (404, "Not Found"), (200, "/x|/x/x|{}")]


def test_handle_errors_keeps_the_handlers_of_a_mounted_application() -> None:
    async def own(request: Any, error: Exception) -> Any:
        return PlainTextResponse("inner handler", 500)

    inner = child(*FAILING, exception_handlers={Teapot: own, 404: own, HTTPException: own})
    answers = answers_of(outer_with(inner, handle_errors=True), *PATHS)
    assert answers == [(500, "inner handler")] * 3 + [(200, "/x|/x/x|{}")]


def test_handle_errors_for_sanic_in_sanic_and_for_a_bare_application() -> None:
    inner = Sanic("inner")

    @inner.get("/fail")
    async def failing(request: Request) -> Any:
        raise Teapot("inner")

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        raise Teapot("bare")

    assert answers_of(outer_with(inner, handle_errors=True), "/x/fail") == [(418, "outer inner")]
    assert answers_of(outer_with(bare), "/x/fail") == [(418, "outer bare")]


def test_handle_errors_for_what_sanic_would_answer_with_an_error_page(caplog: pytest.LogCaptureFixture) -> None:
    inner = Sanic("inner")

    @inner.get("/refuse")
    async def refuse(request: Request) -> Any:
        raise Forbidden("inner")

    @inner.get("/handled")
    async def handled(request: Request) -> Any:
        raise ServiceUnavailable("inner")

    @inner.exception(ServiceUnavailable)
    async def own(request: Request, error: Any) -> Any:
        return text("inner handler", 503)

    @inner.get("/fail")
    async def failing(request: Request) -> Any:
        raise Teapot("inner")

    app = outer_with(inner, handle_errors=True)
    expected = [(403, "outer 403"), (404, "outer 404"), (503, "inner handler"), (418, "outer inner")]
    assert answers_of(app, "/x/refuse", "/x/none", "/x/handled", "/x/fail") == expected
    # A handler has answered each of them: none is an error in the log.
    assert [record for record in caplog.records if record.name == "sanic.error"] == []


class Passing(BaseHTTPMiddleware):
    """Sends every response on from another task."""

    async def dispatch(self, request: StarletteRequest, call_next: RequestResponseEndpoint) -> StarletteResponse:
        response = await call_next(request)
        response.headers["x-passed"] = "1"
        return response


class OwnPages(BaseHTTPMiddleware):
    """Answers a 404 with a page of its own."""

    async def dispatch(self, request: StarletteRequest, call_next: RequestResponseEndpoint) -> StarletteResponse:
        response = await call_next(request)
        return PlainTextResponse("own page", 404) if response.status_code == 404 else response


def behind_base_http_middleware(how: str) -> tuple[ASGIApp, str]:
    """Return an application that fails behind `BaseHTTPMiddleware`, and the path before its routes."""
    passing = Middleware(Passing)
    if how == "twice":
        return child(*FAILING, middleware=[passing, passing]), ""
    if how == "wrapped":
        return Passing(child(*FAILING)), ""
    if how == "below":
        return child(Mount("/y", child(*FAILING, middleware=[passing]))), "/y"
    if how == "around a mount":
        return child(Mount("/y", child(*FAILING)), middleware=[passing]), "/y"
    if how == "of a mount":
        return child(Mount("/y", routes=FAILING, middleware=[passing])), "/y"
    return child(*FAILING, middleware=[passing]), ""


@pytest.mark.parametrize("how", ["once", "twice", "wrapped", "below", "around a mount", "of a mount", "started before"])
def test_handle_errors_behind_base_http_middleware(how: str) -> None:
    inner, prefix = behind_base_http_middleware(how)
    if how == "started before":
        with TestClient(inner, raise_server_exceptions=False) as client:
            response = client.get("/refuse")
            assert (response.status_code, response.text) == (403, "inner detail")
    paths = [f"/x{prefix}/{name}" for name in ("fail", "refuse", "no")]
    answers = answers_of(outer_with(inner, handle_errors=True), *paths)
    assert answers == [(418, "outer inner"), (403, "outer 403"), (404, "outer 404")]
    # By itself it answers as it did.
    with TestClient(inner, raise_server_exceptions=False) as client:
        response = client.get(f"{prefix}/refuse")
    assert (response.status_code, response.text) == (403, "inner detail")
    assert response.headers["x-passed"] == "1"


@pytest.mark.parametrize("debug", [False, True])
def test_handle_errors_for_an_answered_exception_that_comes_from_another_task(debug: bool) -> None:
    inner = Passing(child(*FAILING, debug=debug))
    assert answers_of(outer_with(inner, handle_errors=True), "/x/fail") == [(418, "outer inner")]


async def test_handle_errors_sends_a_long_500_on_while_it_comes() -> None:
    part, count = b"x" * 2**16, 40
    sizes: list[int] = []

    async def long(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        for number in range(1, count + 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < count})
            sizes.append(len(peer.body))

    outer = Sanic("long")
    outer.mount("/x", long, lifespan=False, handle_errors=True)
    peer = Peer()
    await outer(http_scope("/x/"), peer.receive, peer.send)
    assert peer.status == 500
    assert len(peer.body) == count * len(part)
    # What is held back has a limit.
    assert max(len(part) * number - size for number, size in enumerate(sizes, 1)) <= 2**20


def test_handle_errors_leaves_a_page_that_middleware_puts_in_the_place_of_the_default_answer() -> None:
    inner = child(*FAILING, middleware=[Middleware(OwnPages)])
    answers = answers_of(outer_with(inner, handle_errors=True), "/x/nothing", "/x/refuse")
    assert answers == [(404, "own page"), (403, "outer 403")]


@pytest.mark.parametrize("middleware", [[], [Middleware(Passing)]])
def test_handle_errors_leaves_own_handlers_behind_base_http_middleware(middleware: list[Middleware]) -> None:
    async def own(request: Any, error: Exception) -> Any:
        return PlainTextResponse("inner handler", 500)

    inner = child(*FAILING, exception_handlers={Teapot: own, HTTPException: own}, middleware=middleware)
    answers = answers_of(outer_with(inner, handle_errors=True), *PATHS[:3])
    assert answers == [(500, "inner handler")] * 3


# How much of the body the mounted application reads before it fails.
@pytest.mark.parametrize("reads", ["all", "a part", "nothing"])
@pytest.mark.parametrize("way", ["Starlette", "behind BaseHTTPMiddleware", "Sanic", "bare"])
def test_the_handler_finds_the_body_that_the_mounted_application_has_read(reads: str, way: str) -> None:
    async def read(request: Any) -> None:
        if reads == "all":
            async for _ in request.stream():
                pass
        elif reads == "a part":
            async for _ in request.stream():
                break

    async def failing(request: Any) -> Any:
        await read(request)
        raise Teapot("inner")

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        await failing(StarletteRequest(scope, receive))

    inner: Any = bare
    if way == "Sanic":
        inner = Sanic("inner")
        inner.post("/fail", stream=True)(failing)
    elif way != "bare":
        middleware = [Middleware(Passing)] if way != "Starlette" else []
        inner = Starlette(routes=[Route("/fail", failing, methods=["POST"])], middleware=middleware)
    outer = Sanic("outer")
    outer.mount("/x", inner, handle_errors=True)
    seen: list[bytes] = []

    @outer.exception(Teapot)
    async def teapot(request: Request, error: Teapot) -> Any:
        seen.append(request.body)
        await request.receive_body()
        seen.append(request.body)
        return text(str(request.json), 418)

    body = [b'{"a":', b" 1}"]
    with TestClient(outer, raise_server_exceptions=False) as client:
        response = client.post("/x/fail", data=iter(body), headers={"content-type": "application/json"})
        assert (response.status_code, response.text) == (418, "{'a': 1}")
    whole = b"".join(body)
    assert seen == ([whole, whole] if reads == "all" else [b"", whole])


def test_a_long_body_is_not_kept_and_the_handler_does_not_wait_for_it() -> None:
    async def failing(request: Any) -> Any:
        await request.body()
        raise Teapot("inner")

    inner, seen = Starlette(routes=[Route("/fail", failing, methods=["POST"])]), list[int]()
    outer = Sanic("outer")
    outer.mount("/kept", inner, handle_errors=True)
    outer.mount("/x", inner)

    @outer.exception(Teapot)
    async def teapot(request: Request, error: Teapot) -> Any:
        await request.receive_body()
        seen.append(len(request.body))
        return text("", 418)

    with TestClient(outer, raise_server_exceptions=False) as client:
        assert client.post("/kept/fail", data=b"x" * 2**20).status_code == 418
        assert client.post("/kept/fail", data=b"x" * (2**20 + 1)).status_code == 418
    assert seen == [2**20, 0]


def test_a_handler_may_ask_for_a_body_that_another_application_has_read() -> None:
    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        await StarletteRequest(scope, receive).body()
        raise Teapot("bare")

    async def endpoint(request: Any) -> Any:
        await request.body()
        raise Teapot("endpoint")

    app = Sanic("asking", routes=[Route("/star", endpoint, methods=["POST"])])
    app.mount("/x", bare)

    @app.exception(Teapot)
    async def teapot(request: Request, error: Teapot) -> Any:
        await request.receive_body()
        return text(f"{error}", 418)

    @app.on_response
    async def see(request: Request, response: Any) -> None:
        await request.receive_body()

    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.post("/x/y", data=b"body").text == "bare"
        assert client.post("/star", data=b"body").text == "endpoint"


def test_handle_errors_keeps_the_error_pages_of_a_custom_error_handler() -> None:
    class Pages(ErrorHandler):
        def default(self, request: Any, exception: Any) -> Any:
            return text("inner page", 404)

    inner = Sanic("inner", error_handler=Pages())
    assert answers_of(outer_with(inner, handle_errors=True), "/x/none") == [(404, "inner page")]


def test_handle_errors_asks_the_nearest_application_first() -> None:
    innermost, inner = Sanic("innermost"), Sanic("inner")

    @inner.exception(NotFound)
    async def missing(request: Request, error: Any) -> Any:
        return text("inner handler", 404)

    @innermost.get("/refuse")
    async def refuse(request: Request) -> Any:
        raise Forbidden("innermost")

    @innermost.get("/fail")
    async def failing(request: Request) -> Any:
        raise ServerError("innermost")

    inner.mount("/y", innermost, handle_errors=True)
    answers = answers_of(outer_with(inner, handle_errors=True), "/x/y/none", "/x/y/refuse", "/x/y/fail")
    assert answers[:2] == [(404, "inner handler"), (403, "outer 403")]
    # Nobody has a handler for it: the error page is the outermost application's.
    assert answers[2][0] == 500
    assert "innermost" in answers[2][1]


def test_handle_errors_sends_what_an_application_answers_that_swallows_its_exception() -> None:
    async def swallowing(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            raise Teapot("swallowed")
        except Teapot:
            await PlainTextResponse("its own 500", 500)(scope, receive, send)

    assert answers_of(outer_with(swallowing, handle_errors=True), "/x/fail") == [(500, "its own 500")]


def test_an_error_after_the_response_has_begun_is_not_answered_twice() -> None:
    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        raise Teapot("late")

    app = Sanic("late")
    app.mount("/x", late, handle_errors=True)
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message["type"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/x/", "raw_path": b"/x/", "headers": [], "query_string": b""}
    with pytest.raises(Teapot):
        asyncio.run(app(scope, receive, send))
    assert messages.count("http.response.start") == 1


class Answering:
    """Bare ASGI application that answers its own exception, then raises it: alone, in a group, or as a cause."""

    def __init__(self, how: str) -> None:
        self.how = how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            raise ZeroDivisionError("inner")
        except ZeroDivisionError as error:
            await PlainTextResponse("its own 500", 500)(scope, receive, send)
            if self.how == "group":
                raise ExceptionGroup("group", [error]) from None
            if self.how == "cause":
                raise LookupError("outer") from error
            raise


async def divide(request: Any) -> Any:
    raise ZeroDivisionError("inner")


async def say_500(request: Any, error: Exception) -> Any:
    return PlainTextResponse("its own 500", 500)


DIVIDE = Route("/", divide)
ANSWERING: dict[str, Callable[[], ASGIApp]] = {
    "Starlette": lambda: Starlette(routes=[DIVIDE]),
    "Starlette in debug mode": lambda: Starlette(routes=[DIVIDE], debug=True),
    "with a handler for 500": lambda: Starlette(routes=[DIVIDE], exception_handlers={500: say_500}),
    "with middleware": lambda: Starlette(routes=[DIVIDE], middleware=[Middleware(Tagged, tag="inner")]),
    "Starlette in Starlette": lambda: Starlette(routes=[Mount("/", Starlette(routes=[DIVIDE]))]),
    "bare": lambda: Answering("plain"),
    "bare, in a group": lambda: Answering("group"),
    "bare, as a cause": lambda: Answering("cause"),
}


@pytest.mark.parametrize("around", [[], [Middleware(Tagged, tag="outer")]], ids=["alone", "behind middleware"])
@pytest.mark.parametrize("kind", ANSWERING)
def test_an_exception_that_a_mounted_application_has_answered_is_logged_once_as_any_other(
    kind: str, around: list[Middleware], caplog: pytest.LogCaptureFixture
) -> None:
    app = Sanic("answering", middleware=around)
    app.mount("/x", ANSWERING[kind]())
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/x/").status_code == 500
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(record.name, record.getMessage().partition(": ")[0]) for record in records] == [
        ("sanic.error", "Exception occurred while handling uri")
    ]
    assert records[0].exc_info


def test_a_background_task_that_fails_in_a_mounted_application_is_still_logged_as_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse_and_go_on(request: Any) -> Any:
        return PlainTextResponse("no", 500, background=BackgroundTask(divide, request))

    app = Sanic("background")
    app.mount("/x", Starlette(routes=[Route("/", refuse_and_go_on)]))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/x/").status_code == 500
    messages = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert messages == ["The background task of a response to '/x/' failed"]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_request_through_mounts_leaves_no_reference_cycle(depth: int) -> None:
    import gc

    inner: ASGIApp = child()
    for level in range(depth):
        outer = Sanic(f"outer-{level}")
        outer.mount("/x", inner)
        inner = outer
    with TestClient(outer) as client:
        path = "/x" * depth + "/x"
        client.get(path)
        gc.collect()
        before = sum(isinstance(value, Request) for value in gc.get_objects())
        for _ in range(5):
            assert client.get(path).status_code == 200
        assert sum(isinstance(value, Request) for value in gc.get_objects()) == before


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("begins", [False, True])
def test_an_exception_below_several_mounts_is_answered_unless_the_response_has_begun(
    depth: int, begins: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        raise ValueError("below")

    seen: list[bool] = []
    inner: ASGIApp = fail
    for level in range(depth):
        outer = Sanic(f"outer-{level}")
        outer.mount("/x", inner)

        @outer.exception(ValueError)
        async def handle(request: Request, error: ValueError) -> HTTPResponse:
            seen.append(request.responded)
            return text("handled", 418)

        inner = outer
    with TestClient(outer, raise_server_exceptions=False) as client:
        path = "/x" * depth + "/"
        if begins:
            with pytest.raises(ChunkedEncodingError):
                client.get(path)
            assert seen == []
            assert sum("ValueError: below" in (record.exc_text or "") for record in caplog.records) == 1
        else:
            assert (client.get(path).text, seen) == ("handled", [False])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_body_above_the_limit_is_refused_below_several_mounts(depth: int) -> None:
    async def read(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse(str(len(await request.body())))

    inner: ASGIApp = Starlette(routes=[Route("/", read, methods=["POST"])])
    for level in range(depth):
        outer = Sanic(f"outer-{level}")
        outer.config.REQUEST_MAX_SIZE = 10
        outer.mount("/x", inner)
        inner = outer

    def parts() -> Iterator[bytes]:
        yield from (b"12345", b"12345", b"12345")

    with TestClient(outer) as client:
        path = "/x" * depth + "/"
        assert client.post(path, data=b"1234567890").text == "10"
        assert client.post(path, data=b"12345678901").status_code == 413
        assert client.post(path, data=parts()).status_code == 413


async def test_an_application_that_calls_two_at_a_time_with_one_send() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    first_task: asyncio.Future[None]

    async def end_without_response(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await may_end.wait()

    async def fail_after_start(scope: Scope, receive: Receive, send: Send) -> None:
        may_end.set()
        await first_task
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("below")

    first, second = Sanic("first"), Sanic("second")
    first.mount("/", end_without_response, lifespan=False)
    second.mount("/", fail_after_start, lifespan=False)

    async def call_both(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal first_task
        first_task = asyncio.ensure_future(first(dict(scope), receive, send))
        await begun.wait()
        await second(dict(scope), receive, send)

    outer = Sanic("outer")
    outer.mount("/", call_both, lifespan=False)
    peer = Peer()
    with pytest.raises(ValueError, match="below"):
        await outer(http_scope(), peer.receive, peer.send)
    assert [message["type"] for message in peer.sent] == ["http.response.start"]


@pytest.mark.parametrize("make_inner", [lambda: Sanic("inner"), Starlette])
def test_the_content_type_is_checked_before_middleware_of_a_mount_reads_the_form(
    make_inner: Callable[[], ASGIApp],
) -> None:
    class ReadForm:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await StarletteRequest(scope, receive).form()
            await self.app(scope, receive, send)

    outer = Sanic("outer")
    outer.mount("/x", make_inner(), middleware=[Middleware(ReadForm)])
    with TestClient(outer) as client:
        for content_type, status in (
            ("multipart/form-data; boundary=X", 404),
            ("multipart/form-data; boundary=X; charset=punycode", 400),
            ("text/plain; a=" + "1" * 9_000, 431),
        ):
            assert client.post("/x/", data=b"--X--\r\n", headers={"content-type": content_type}).status_code == status


async def test_a_mounted_application_may_fill_its_state_after_the_start() -> None:
    may_fill, is_filled = asyncio.Event(), asyncio.Event()

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await may_fill.wait()
            scope["state"]["late"] = 1
            is_filled.set()
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await PlainTextResponse(str(scope["state"]))(scope, receive, send)

    outer = Sanic("outer")
    outer.mount("/", inner)
    async with Life(outer) as life:
        may_fill.set()
        await is_filled.wait()
        peer = Peer()
        await outer(http_scope(), peer.receive, peer.send)
        await life.send_event("shutdown")
        await life.task
    assert peer.body == b"{'late': 1}"


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("reads", [False, True])
def test_a_body_that_announces_more_than_the_keyword_allows_is_refused_below_several_mounts(
    depth: int, reads: bool
) -> None:
    async def endpoint(request: StarletteRequest) -> StarletteResponse:
        return StarletteResponse(str(len(await request.body())) if reads else "unread")

    inner: ASGIApp = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    for level in range(depth):
        outer = Sanic(f"outer-{level}", max_body_size=10 if level == depth - 1 else None)
        outer.mount("/x", inner)
        inner = outer
    with TestClient(outer, raise_server_exceptions=False) as client:
        path = "/x" * depth + "/"
        assert client.post(path, data=b"1234567890").status_code == 200
        assert client.post(path, data=b"12345678901").status_code == 413
