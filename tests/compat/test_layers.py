"""ASGI middleware on groups, blueprints, routes, views, files and mounts: its position, its view, its changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import websockets.exceptions
import websockets.sync.client
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser, requires
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star import Blueprint, Forbidden, Request, Sanic, Websocket, guard, json, text
from sanic_star.compat.views import HTTPMethodView
from sanic_star.testing import TestClient
from tests.engine.processes import UVICORN, process
from tests.engine.raw import Life, Peer, ask, http_scope, websocket_scope

Seen = list[Any]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Noting:
    """Middleware that notes what passes, and adds a header field."""

    def __init__(self, app: ASGIApp, name: str, seen: Seen) -> None:
        self.app = app
        self.name = name
        self.seen = seen
        seen.append(f"made {name}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if "status" in message:
                self.seen.append(f"{self.name} {message['status']}")
                message = {**message, "headers": [*message["headers"], (b"x-passed", self.name.encode())]}
            elif message["type"] == "websocket.close":
                self.seen.append(f"{self.name} close {message['code']}")
            await send(message)

        async def note_receive() -> Message:
            return await receive()

        if scope["type"] != "lifespan":
            self.seen.append(self.name)
        try:
            await self.app(dict(scope), note_receive, noted)
        except Exception as error:
            self.seen.append(f"{self.name} {type(error).__name__}")
            raise


def noting(name: str, seen: Seen) -> list[Middleware]:
    return [Middleware(Noting, name=name, seen=seen)]


def layered(seen: Seen) -> Sanic[Any, Any]:
    """Return an application with middleware of both kinds at each level."""
    app: Sanic[Any, Any] = Sanic("Layered", middleware=noting("app", seen))
    bp = Blueprint("bp", url_prefix="/bp", middleware=noting("bp", seen))
    inner = Blueprint.group(bp, url_prefix="/in", middleware=noting("in", seen))
    outer = Blueprint.group(inner, url_prefix="/out", middleware=noting("out", seen))
    for name, level in (("app", app), ("out", outer), ("in", inner), ("bp", bp)):
        level.on_request(lambda request, name=name: seen.append(f"{name} before"))
        level.on_response(lambda request, response, name=name: seen.append(f"{name} after {response.status}"))

    @bp.post("/echo/<n:int>", middleware=noting("route", seen))
    async def echo(request: Request, n: int) -> Any:
        seen.append("handler")
        return json([n, request.body.decode(), request.args.get("q"), request.path])

    @bp.get("/fail/<kind>", middleware=noting("route", seen))
    async def fail(request: Request, kind: str) -> Any:
        raise {"forbidden": Forbidden("no"), "theirs": HTTPException(404, "gone")}.get(kind) or ValueError(kind)

    @bp.get("/stream", middleware=noting("route", seen))
    async def stream(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        await response.send("one ")
        await response.send("two")

    @bp.get("/theirs", middleware=noting("route", seen))
    async def starlette_handler(request: Request) -> Any:
        return PlainTextResponse("theirs")

    @bp.websocket("/ws/<n:int>", middleware=noting("route", seen))
    async def speak(request: Request, ws: Websocket, n: int) -> None:
        async for message in ws:
            await ws.send(f"{n} {message!r}")
            if message == "close":
                raise WebSocketException(4001)
            if message == "fail":
                raise ValueError

    app.get("/plain")(lambda request: text("plain"))
    app.blueprint(outer)
    return app


INWARDS = ["app", "app before", "out", "out before", "in", "in before", "bp", "bp before", "route"]


def outwards(status: int) -> list[str]:
    names = ["bp after", "bp", "in after", "in", "out after", "out", "app after", "app"]
    return [f"{name} {status}" for name in ("route", *names)]


async def test_levels_stand_from_the_outside_in() -> None:
    seen: Seen = []
    app = layered(seen)
    async with Life(app):
        seen.clear()
        scope = http_scope("/out/in/bp/echo/3", "POST", query_string=b"q=1")
        peer = await ask(app, scope, [b"a", b"b"])
    assert bytes(peer.body) == b'[3,"ab","1","/out/in/bp/echo/3"]'
    assert seen == [*INWARDS, "handler", *outwards(200)]
    passed = [value for name, value in peer.sent[0]["headers"] if name == b"x-passed"]
    assert passed == [b"route", b"bp", b"in", b"out", b"app"]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("fail/forbidden", 403, None),
        ("fail/theirs", 404, None),
        ("stream", 200, b"one two"),
        ("theirs", 200, b"theirs"),
    ],
)
async def test_answers_of_each_kind_pass_all_levels(path: str, status: int, body: bytes | None) -> None:
    seen: Seen = []
    app = layered(seen)
    async with Life(app):
        seen.clear()
        peer = await ask(app, http_scope(f"/out/in/bp/{path}"))
    assert (peer.status, peer.complete) == (status, True)
    assert body is None or bytes(peer.body) == body
    assert seen[: len(INWARDS)] == INWARDS
    levels = [entry for entry in seen[len(INWARDS) :] if " after" not in entry]
    assert levels == [entry for entry in outwards(status) if " after" not in entry]
    afters = sorted(entry for entry in seen if " after" in entry)
    assert afters == sorted(entry for entry in outwards(status) if " after" in entry)


async def test_an_unhandled_exception_passes_all_layers() -> None:
    seen: Seen = []
    app = layered(seen)
    async with Life(app):
        seen.clear()
        peer = Peer()
        with pytest.raises(ValueError, match="value"):
            await app(http_scope("/out/in/bp/fail/value"), peer.receive, peer.send)
        assert peer.status == 500
        failed = [entry for entry in seen if entry.endswith("ValueError")]
        assert failed == [f"{name} ValueError" for name in ("route", "bp", "in", "out", "app")]
        handled: Seen = []

        @app.exception(ValueError)
        async def handle(request: Request, error: ValueError) -> Any:
            handled.append(request.path)
            return text("handled", 400)

        peer = await ask(app, http_scope("/out/in/bp/fail/value"))
    assert (peer.status, handled) == (400, ["/out/in/bp/fail/value"])


async def test_other_routes_are_left_alone() -> None:
    seen: Seen = []
    app = layered(seen)
    async with Life(app):
        assert sorted(seen) == sorted(["made route"] * 5 + [f"made {name}" for name in ("bp", "in", "out", "app")])
        seen.clear()
        await ask(app, http_scope("/plain"))
        await ask(app, http_scope("/out/in/bp/none"))
    below = {entry.partition(" ")[0] for entry in seen}
    assert below == {"app"}


@pytest.mark.parametrize(("last", "code"), [("bye", 1000), ("close", 4001), ("fail", 1011)])
async def test_websockets_pass_all_levels(last: str, code: int) -> None:
    seen: Seen = []
    app = layered(seen)
    with TestClient(app, raise_server_exceptions=False) as client:
        seen.clear()
        with client.websocket_connect("/out/in/bp/ws/5") as socket:
            socket.send_text(last)
            assert socket.receive_text() == f"5 {last!r}"
            if last != "bye":
                assert socket.receive()["code"] == code
    assert seen[: len(INWARDS)] == INWARDS
    if last == "close":
        assert seen[len(INWARDS) :] == [f"{name} close {code}" for name in ("route", "bp", "in", "out", "app")]
    if last == "fail":
        assert seen[len(INWARDS) :][:4] == [f"{name} ValueError" for name in ("route", "bp", "in", "out")]


# Where it is written ------------------------------------------------------------------------------------------------


def application_with_all(seen: Seen, folder: Path) -> tuple[Sanic[Any, Any], dict[str, str]]:
    """Return an application with middleware in each possible place, and the middleware of each path."""
    app: Sanic[Any, Any] = Sanic("Ways")

    async def handle(request: Request) -> Any:
        return text("fine")

    verbs = ("get", "post", "put", "patch", "delete", "head", "options")
    for verb in verbs:
        getattr(app, verb)(f"/{verb}", name=verb, middleware=noting(verb, seen))(handle)
    app.route("/route", name="route", middleware=noting("route", seen))(handle)
    app.add_route(handle, "/add_route", name="add_route", middleware=noting("add_route", seen))
    app.static("/files", folder, middleware=noting("files", seen))
    app.static("/file", folder / "a.txt", name="one", middleware=noting("file", seen))
    app.mount("/mount", Starlette(routes=[Route("/", PlainTextResponse("x"))]), middleware=noting("mount", seen))
    app.mount("/mounted", Sanic("Inner", middleware=noting("inner", seen)), middleware=noting("mounted", seen))

    class View(HTTPMethodView):
        middleware = noting("view", seen)

        async def get(self, request: Request) -> Any:
            return text("view")

    class Attached(HTTPMethodView, attach=app, uri="/attached", middleware=noting("attached", seen)):
        async def get(self, request: Request) -> Any:
            return text("view")

    app.add_route(View.as_view(), "/view")
    View.attach(app, "/attach", name="attach", middleware=noting("attach", seen))
    bp = Blueprint("bp", url_prefix="/bp")
    bp.get("/", name="bp")(handle)
    bp.static("/files", folder)
    bp.get("/own", name="own", middleware=noting("own", seen))(handle)
    bp.add_middleware(Noting, name="inside", seen=seen)
    bp.add_middleware(Noting, name="outside", seen=seen)
    group = Blueprint.group(bp, url_prefix="/group")
    app.blueprint(group)
    group.add_middleware(Noting, name="late", seen=seen)
    paths = {f"/{verb}": verb for verb in verbs}
    paths |= {"/route": "route", "/add_route": "add_route", "/files/a.txt": "files", "/file": "file"}
    paths |= {"/mount/": "mount", "/mounted/none": "mounted inner", "/attached": "attached", "/view": "view"}
    around = "late outside inside"
    paths |= {"/attach": "attach view", "/group/bp/": around, "/group/bp/own": f"{around} own"}
    return app, paths | {"/group/bp/files/a.txt": around}


async def test_it_may_be_written_in_each_of_these_places(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a file")
    seen: Seen = []
    app, paths = application_with_all(seen, tmp_path)
    async with Life(app):
        for path, names in paths.items():
            seen.clear()
            verb = path[1:].upper() if path[1:] in ("post", "put", "patch", "delete", "head", "options") else "GET"
            peer = await ask(app, http_scope(path, verb))
            assert peer.status == (404 if "none" in path else 200), path
            assert [entry for entry in seen if " " not in entry] == names.split(), path


@pytest.mark.parametrize("wrong", ["x", [Noting], [Noting, 1], 5, {}, [*noting("x", []), "x"]])
@pytest.mark.parametrize("place", ["get", "route", "websocket", "static", "mount", "Blueprint", "group"])
def test_invalid_middleware_is_refused(place: str, wrong: Any, tmp_path: Path) -> None:
    if wrong == {} and place == "group":
        return
    app: Any = Sanic("Wrong")
    writers: dict[str, Any] = {
        "get": lambda: app.get("/", middleware=wrong)(lambda request: None),
        "route": lambda: app.route("/", middleware=wrong)(lambda request: None),
        "websocket": lambda: app.websocket("/", middleware=wrong)(lambda request, ws: None),
        "static": lambda: app.static("/", tmp_path, middleware=wrong),
        "mount": lambda: app.mount("/x", Starlette(), middleware=wrong),
        "Blueprint": lambda: Blueprint("bp", middleware=wrong),
        "group": lambda: Blueprint.group(middleware=wrong),
    }
    with pytest.raises(TypeError, match="middleware="):
        writers[place]()


async def test_no_middleware_is_added_after_the_start() -> None:
    app: Sanic[Any, Any] = Sanic("Late")
    bp = Blueprint("bp")
    bp.get("/")(lambda request: text("x"))
    group = Blueprint.group(bp)
    app.blueprint(group)
    async with Life(app):
        for owner in (bp, group, Blueprint.group(group)):
            with pytest.raises(RuntimeError, match="after an application has started"):
                owner.add_middleware(Noting, name="x", seen=[])


async def test_it_is_built_once_for_each_level_and_start() -> None:
    seen: Seen = []
    app: Sanic[Any, Any] = Sanic("Once")
    bp = Blueprint("bp", middleware=noting("bp", seen))
    for number in range(3):
        bp.get(f"/{number}", name=f"get{number}")(lambda request: text("x"))
    several: Any = {"methods": ["GET", "POST"], "host": ["a", "b"]}
    bp.route("/both", middleware=noting("both", seen), **several)(lambda request: text("x"))
    app.blueprint(bp)
    for start in range(2):
        seen.clear()
        async with Life(app):
            for path in ("/0", "/1", "/2"):
                await ask(app, http_scope(path))
            if start == 0:
                # A route that comes later shares what is there.
                bp.get("/later", name="later")(lambda request: text("x"))
            await ask(app, http_scope("/later"))
        assert sorted(entry for entry in seen if entry.startswith("made")) == ["made both", "made bp"]


async def test_a_copy_of_a_blueprint_has_its_own() -> None:
    seen: Seen = []
    app: Sanic[Any, Any] = Sanic("Copies")
    bp = Blueprint("bp", url_prefix="/one", middleware=noting("bp", seen))
    bp.get("/")(lambda request: text("x"))
    copy = bp.copy("two", url_prefix="/two")
    copy.add_middleware(Noting, name="copy", seen=seen)
    app.blueprint([bp, copy])
    async with Life(app):
        for path, names in (("/one", ["bp"]), ("/two", ["copy", "bp"])):
            seen.clear()
            await ask(app, http_scope(path))
            assert [entry for entry in seen if " " not in entry] == names


# What it changes ----------------------------------------------------------------------------------------------------


class Changing:
    """Middleware that changes the request: header, query, body, and what it puts into the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"x-mark", b"changed"), (b"cookie", b"a=2"), (b"content-type", b"application/json")]
        scope = {**scope, "headers": headers, "query_string": b"q=2", "marked": True}

        async def changed() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                message = {**message, "body": message["body"].replace(b"1", b"2")}
            return message

        await self.app(scope, changed, send)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("outer", [False, True])
async def test_the_handler_gets_what_the_middleware_has_changed(outer: bool, stream: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Changes")
    bp = Blueprint("bp", middleware=[Middleware(Changing)])
    seen: Seen = []

    def look(request: Request) -> None:
        seen.append([request.headers.get("x-mark"), request.cookies.get("a"), request.args.get("q")])

    if outer:
        # The application's middleware stands outside, before and after.
        app.on_request(look)
        app.on_response(lambda request, response: look(request))

    @bp.post("/", stream=stream)
    async def handle(request: Request) -> Any:
        look(request)
        if stream:
            await request.receive_body()
        return json([request.json, request.scope["marked"]])

    app.blueprint(bp)
    headers = [(b"x-mark", b"sent"), (b"cookie", b"a=1"), (b"content-type", b"application/json")]
    peer = await ask(app, http_scope("/", "POST", headers=headers, query_string=b"q=1"), [b"[1", b"]"])
    assert bytes(peer.body) == b"[[2],true]"
    sent, changed = ["sent", "1", "1"], ["changed", "2", "2"]
    assert seen == ([sent, changed, sent] if outer else [changed])


async def test_a_body_that_the_middleware_adds_is_read_again() -> None:
    class Adding:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            added = [{"type": "http.request", "body": b"added", "more_body": False}]

            async def add() -> Message:
                return added.pop() if added else await receive()

            await self.app(scope, add, send)

    app: Sanic[Any, Any] = Sanic("Adding")

    @app.route("/", middleware=[Middleware(Adding)])
    async def read(request: Request) -> Any:
        return json([request.body.decode(), (await StarletteRequest(request.scope, request.receive).body()).decode()])

    peer = await ask(app, http_scope("/"))
    assert bytes(peer.body) == b'["added","added"]'


async def test_a_form_is_read_through_the_middleware() -> None:
    app: Sanic[Any, Any] = Sanic("Forms")
    app.on_request(lambda request: None)

    @app.post("/", middleware=noting("route", []))
    async def handle(request: Request) -> Any:
        file: Any = request.files.get("file")
        return json([request.form.get("a"), file.name, len(file.body)])

    with TestClient(app) as client:
        for size in (10, 3_000_000):
            answer = client.post("/", data={"a": "1"}, files={"file": ("f.txt", b"x" * size)})
            assert answer.json() == ["1", "f.txt", size]


@pytest.mark.parametrize("place", ["blueprint", "route"])
async def test_the_limit_on_bodies_holds(place: str) -> None:
    app: Sanic[Any, Any] = Sanic("Limits")
    app.config.REQUEST_MAX_SIZE = 5
    options: Any = {"middleware": noting("x", [])}
    bp = Blueprint("bp", **(options if place == "blueprint" else {}))

    @bp.post("/", **(options if place == "route" else {}))
    async def handle(request: Request) -> Any:
        return text(str(len(request.body)))

    app.blueprint(bp)
    for size, status in ((5, 200), (6, 413)):
        assert (await ask(app, http_scope("/", "POST"), [b"x" * size])).status == status


class Upper(BaseHTTPMiddleware):
    async def dispatch(self, request: StarletteRequest, call_next: RequestResponseEndpoint) -> StarletteResponse:
        if request.query_params.get("stop"):
            return PlainTextResponse("stopped", 418)
        response = await call_next(request)
        response.headers["x-upper"] = "yes"
        return response


@pytest.mark.parametrize("place", ["blueprint", "route"])
def test_middleware_of_starlettes(place: str) -> None:
    options: Any = {
        "middleware": [
            Middleware(Upper),
            Middleware(SessionMiddleware, secret_key="x" * 32),
            Middleware(GZipMiddleware, minimum_size=10),
        ]
    }
    app: Sanic[Any, Any] = Sanic("Theirs")
    bp = Blueprint("bp", **(options if place == "blueprint" else {}))

    @bp.get("/count", **(options if place == "route" else {}))
    async def count(request: Request) -> Any:
        request.session["n"] = request.session.get("n", 0) + 1
        return text(f"{request.session['n']} " + "x" * 100)

    @bp.get("/fail", **(options if place == "route" else {}))
    async def fail(request: Request) -> Any:
        raise Forbidden("no")

    app.blueprint(bp)
    with TestClient(app) as client:
        answers = [client.get("/count") for _ in range(2)]
        assert [answer.text[:2] for answer in answers] == ["1 ", "2 "]
        assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip"] * 2
        assert [answer.headers.get("x-upper") for answer in answers] == ["yes"] * 2
        assert (client.get("/count?stop=1").status_code, client.get("/fail").headers["x-upper"]) == (418, "yes")


# Permissions --------------------------------------------------------------------------------------------------------


class ByHeader(AuthenticationBackend):
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        name = conn.headers.get("x-user")
        return None if name is None else (AuthCredentials(["authenticated", name]), SimpleUser(name))


async def staff_only(request: Request) -> Any:
    role = request.headers.get("x-user")
    if role == "guest":
        raise Forbidden("staff only")
    if role == "redirected":
        return text("elsewhere", 302, headers={"location": "/login"})
    return role == "staff"


@requires("staff")
async def authenticated_staff(request: Request) -> None: ...


def protected(kind: str) -> Sanic[Any, Any]:
    """Return an application that only `x-user: staff` may use, protected at one level."""
    authentication = Middleware(AuthenticationMiddleware, backend=ByHeader())
    check: Any = staff_only if kind.startswith("own") else authenticated_staff
    level = kind.partition(" ")[2]
    around = [authentication, guard(check)]
    app: Sanic[Any, Any] = Sanic("Protected", middleware=around if level == "app" else [authentication])
    bp = Blueprint("bp", middleware=around if level == "blueprint" else [])
    on_route: Any = {"middleware": around} if level == "route" else {}

    async def show(request: Request) -> Any:
        return text("shown")

    async def speak(request: Request, ws: Websocket) -> None:
        await ws.send("hello")

    if level == "decorator":
        show, speak = requires("staff")(show), requires("staff")(speak)
    inner: Any = Sanic("Inner") if level == "mount" else bp
    inner.get("/show", **on_route)(show)
    inner.websocket("/ws", **on_route)(speak)
    if level == "mount":
        app.mount("/", inner, middleware=around)
    else:
        app.blueprint(bp)
    return app


LEVELS = ("app", "blueprint", "route", "mount")


KINDS = [f"{kind} {level}" for kind in ("own", "requires") for level in LEVELS]


@pytest.mark.parametrize("kind", [*KINDS, "x decorator"])
async def test_one_permission_for_requests_and_websockets(kind: str) -> None:
    app = protected(kind)
    users: list[bytes | None] = [b"staff", b"guest", b"other", None]
    async with Life(app):
        for user in users:
            headers = [(b"host", b"testserver"), *([] if user is None else [(b"x-user", user)])]
            peer = await ask(app, http_scope("/show", headers=headers))
            assert peer.status == (200 if user == b"staff" else 403), user
            for denies in (False, True):
                extensions: dict[str, Any] = {"websocket.http.response": {}} if denies else {}
                peer = Peer()
                peer.messages = [{"type": "websocket.connect"}]
                scope = websocket_scope("/ws", headers=headers, extensions=extensions)
                await app(scope, peer.receive, peer.send)
                types = [message["type"] for message in peer.sent]
                if user == b"staff":
                    assert types == ["websocket.accept", "websocket.send", "websocket.close"]
                elif kind == "x decorator":
                    # Sanic accepts the handshake before it calls the handler.
                    assert (types[-1], peer.sent[-1]["code"]) == ("websocket.close", 1008)
                else:
                    # Before the connection is accepted.
                    assert types[0] == ("websocket.http.response.start" if denies else "websocket.close")


@pytest.mark.parametrize("level", LEVELS)
async def test_a_guard_may_return_a_response(level: str) -> None:
    app = protected(f"own {level}")
    headers = [(b"host", b"testserver"), (b"x-user", b"redirected")]
    peer = await ask(app, http_scope("/show", headers=headers))
    assert (peer.status, peer.headers[b"location"]) == (302, b"/login")
    peer = Peer()
    peer.messages = [{"type": "websocket.connect"}]
    await app(websocket_scope("/ws", headers=headers), peer.receive, peer.send)
    assert peer.sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]


@pytest.mark.parametrize("answer", ["yes", 1, {"a": 1}])
async def test_a_guard_with_an_invalid_result_rejects_the_request(answer: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Nonsense")
    app.get("/", middleware=[guard(lambda request: answer)])(lambda request: text("secret"))
    peer = Peer()
    with pytest.raises(TypeError, match="guard"):
        await app(http_scope("/"), peer.receive, peer.send)
    assert peer.status == 500


@pytest.mark.parametrize("check", [None, "x", 5])
def test_a_guard_takes_a_function(check: Any) -> None:
    with pytest.raises(TypeError, match="guard takes a function"):
        guard(check)


async def test_a_guard_sees_the_request_that_the_handler_sees() -> None:
    app: Sanic[Any, Any] = Sanic("Same")
    app.on_request(lambda request: setattr(request.ctx, "mark", "set"))
    check = guard(lambda request: request.ctx.mark == "set" and request.match_info == {"n": 3})
    app.get("/<n:int>", middleware=[check])(lambda request, n: text(request.ctx.mark))
    assert (await ask(app, http_scope("/3"))).status == 200
    assert (await ask(app, http_scope("/4"))).status == 403


# With what else watches a request ------------------------------------------------------------------------------------


async def test_a_handler_that_takes_too_long_is_cancelled(tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Slow")
    app.config.RESPONSE_TIMEOUT = 0.05
    seen: Seen = []
    bp = Blueprint("bp", middleware=noting("bp", seen))

    @bp.get("/", middleware=[Middleware(Upper)])
    async def handle(request: Request) -> Any:
        try:
            await asyncio.sleep(600)
        finally:
            seen.append("cleaned up")

    app.blueprint(bp)
    async with Life(app):
        peer = await ask(app, http_scope("/"))
    assert (peer.status, peer.complete) == (503, True)
    assert seen.count("cleaned up") == 1


async def test_a_client_that_leaves_cancels_the_handler() -> None:
    app: Sanic[Any, Any] = Sanic("Leaving")
    app.config.CANCEL_ON_DISCONNECT = True
    begun, ended = asyncio.Event(), asyncio.Event()

    @app.get("/", middleware=noting("route", []))
    async def handle(request: Request) -> Any:
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()

    async with Life(app):
        peer = Peer()
        async with asyncio.timeout(60):
            asking = asyncio.ensure_future(app(http_scope("/"), peer.receive, peer.send))
            await begun.wait()
            peer.gone.set()
            await ended.wait()
            await asyncio.wait({asking})


async def test_events_report_requests_and_responses_once() -> None:
    app: Sanic[Any, Any] = Sanic("Events")
    seen: Seen = []
    names = ("http.routing.after", "http.handler.before", "http.handler.after", "http.lifecycle.response")
    for name in (*names, "http.lifecycle.exception"):
        app.add_signal(lambda name=name, **context: seen.append(name), name)
    bp = Blueprint("bp", middleware=noting("bp", []))

    @bp.get("/<kind>", middleware=noting("route", []))
    async def handle(request: Request, kind: str) -> Any:
        if kind == "fail":
            raise Forbidden("no")
        return text("fine")

    app.blueprint(bp)
    async with Life(app):
        await ask(app, http_scope("/fine"))
        assert seen == list(names)
        seen.clear()
        await ask(app, http_scope("/fail"))
    assert [seen.count(name) for name in ("http.lifecycle.exception", "http.lifecycle.response")] == [1, 1]


# Over a socket ------------------------------------------------------------------------------------------------------

SERVED = """
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from sanic_star import Blueprint, guard


async def members(request):
    return request.headers.get("x-user") == "me"


bp = Blueprint("bp", url_prefix="/bp", middleware=[guard(members)])


@bp.post("/echo", middleware=[Middleware(GZipMiddleware, minimum_size=10)])
async def echo(request):
    return text(request.body.decode())


@bp.websocket("/ws")
async def speak(request, ws):
    async for message in ws:
        await ws.send(message)


app.blueprint(bp)
"""


def test_over_a_socket(tmp_path: Path) -> None:
    with process(tmp_path, SERVED, *UVICORN, "served:app") as server:
        url, me = f"http://127.0.0.1:{server.port}/bp/echo", {"x-user": "me"}
        body = "x" * 100_000
        with requests.Session() as session:
            for _ in range(3):
                answer = session.post(url, data=body, headers=me, timeout=60)
                assert (answer.text, answer.headers["content-encoding"]) == (body, "gzip")
                assert session.post(url, data=body, timeout=60).status_code == 403
        ws = f"ws://127.0.0.1:{server.port}/bp/ws"
        with websockets.sync.client.connect(ws, additional_headers=me) as socket:
            for message in ("a", b"b", "c" * 10_000):
                socket.send(message)
                assert socket.recv(timeout=60) == message
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            websockets.sync.client.connect(ws)
        assert refused.value.response.status_code == 403
