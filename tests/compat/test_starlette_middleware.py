"""ASGI middleware that rewrites requests: the same source on Starlette and here, with routes of Starlette and of Sanic.

The middleware takes a language prefix off the path, as `/de/…`. Some middleware rewrites `raw_path`, too, some forgets
it, and some puts the prefix into the root path.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests
import websockets.exceptions
import websockets.sync.client
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from sanic_star import Request, Sanic, Websocket
from sanic_star import json as as_json
from tests.engine.processes import UVICORN, process
from tests.engine.raw import Peer, ask, http_scope, websocket_scope


class Rewriting:
    """Middleware that changes a copy of the scope, or the scope itself."""

    def __init__(self, app: ASGIApp, change: Callable[[Scope], None], copies: bool = True) -> None:
        self.app = app
        self.change = change
        self.copies = copies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope = dict(scope) if self.copies else scope
            self.change(scope)
        await self.app(scope, receive, send)


def without_language(path: Any, root: str) -> Any:
    prefix = f"{root}/de" if isinstance(path, str) else f"{root}/de".encode()
    if not path.startswith(prefix + path[:1]):
        return path
    return path[: len(root)] + path[len(prefix) :]


def strip(scope: Scope) -> None:
    scope["path"] = without_language(scope["path"], scope["root_path"])


def strip_both(scope: Scope) -> None:
    strip(scope)
    scope["raw_path"] = without_language(scope["raw_path"], scope["root_path"])


def strip_and_forget(scope: Scope) -> None:
    strip(scope)
    del scope["raw_path"]


def strip_and_empty(scope: Scope) -> None:
    strip(scope)
    scope["raw_path"] = None


def move_to_root(scope: Scope) -> None:
    if scope["path"].startswith(scope["root_path"] + "/de/"):
        scope["root_path"] += "/de"


def wrong_raw_path(scope: Scope) -> None:
    strip(scope)
    scope["raw_path"] = b"/user/999"


def other_query(scope: Scope) -> None:
    strip(scope)
    scope["query_string"] = b"q=changed&r=%C3%A4"


def method_override(scope: Scope) -> None:
    strip(scope)
    if scope.get("method") == "GET":
        scope["method"] = "POST"


def other_host(scope: Scope) -> None:
    strip(scope)
    scope["headers"] = [(b"host", b"api.example")]


CHANGES = {
    change.__name__: change
    for change in (
        strip,
        strip_both,
        strip_and_forget,
        strip_and_empty,
        move_to_root,
        wrong_raw_path,
        other_query,
        method_override,
        other_host,
    )
}
PATHS = [
    *("/de/plain", "/plain", "/de/user/7", "/de/user/x", "/de/names/a b", "/de/names/é", "/de/names/100%"),
    *("/de/names/a%2541", "/de/p/a/b", "/de/p/a%2Fb", "/de/post", "/de/m/x", "/de/m/u/3", "/de/m/u/x", "/de/m/none"),
    *("/de/files/a.txt", "/de/files/b%20c.txt", "/de/files/../a.txt", "/de/files/none", "/de/h", "/de/slash/"),
    *("/de/none", "/de/", "/de", "/"),
]
SOCKETS = ["/de/ws/1", "/ws/3", "/de/ws/x", "/de/m/ws", "/de/none"]


async def show(request: StarletteRequest) -> JSONResponse:
    return JSONResponse([request.path_params, request.scope["path"], request.method, dict(request.query_params)])


async def speak(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(json.dumps(websocket.path_params))
    await websocket.close()


def starlettes(folder: Path) -> list[BaseRoute]:
    inner = [Route("/x", show), Route("/u/{id:int}", show), WebSocketRoute("/ws", speak)]
    return [
        *(Route(path, show) for path in ("/plain", "/user/{id:int}", "/names/{name}", "/p/{rest:path}", "/slash/")),
        Route("/post", show, methods=["POST"]),
        Mount("/m", routes=inner),
        Mount("/files", StaticFiles(directory=folder)),
        WebSocketRoute("/ws/{n:int}", speak),
        Host("api.example", Router([Route("/h", show)])),
    ]


def add_sanics(app: Sanic[Any, Any], folder: Path) -> None:
    async def show(request: Request, **params: Any) -> Any:
        query = {name: values[-1] for name, values in request.args.items()}
        return as_json([params, request.scope["path"], request.method, query])

    async def speak(request: Request, ws: Websocket, **params: Any) -> None:
        await ws.send(json.dumps(params))

    paths = ("/plain", "/user/<id:int>", "/names/<name>", "/p/<rest:path>", "/slash/")
    for number, path in enumerate(paths):
        app.get(path, name=f"get{number}", unquote=True)(show)
    app.post("/post", name="post")(show)
    app.get("/h", host="api.example", name="hosted")(show)
    app.static("/files", folder)
    app.websocket("/ws/<n:int>", name="ws")(speak)
    child: Sanic[Any, Any] = Sanic("Child")
    child.get("/x", name="x")(show)
    child.get("/u/<id:int>", name="u")(show)
    child.websocket("/ws", name="ws")(speak)
    app.mount("/m", child)


def applications(folder: Path) -> list[Any]:
    """Return Starlette's application, ours with Starlette's routes, and ours with Sanic's."""
    own: Sanic[Any, Any] = Sanic("Own")
    add_sanics(own, folder)
    return [Starlette(routes=starlettes(folder)), Sanic("Foreign", routes=starlettes(folder)), own]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "b c.txt"):
        (tmp_path / name).write_text(f"file {name}")
    return tmp_path


async def answer(app: ASGIApp, path: str, root: str) -> tuple[int, Any]:
    raw = (root + quote(path, "/%")).encode()
    peer = await ask(app, http_scope(root + unquote(path), raw_path=raw, root_path=root, query_string=b"q=1"))
    return peer.status, bytes(peer.body) if peer.status == 200 else None


async def speech(app: ASGIApp, path: str) -> list[Any]:
    peer = Peer([])
    peer.messages = [{"type": "websocket.connect"}]
    await app(websocket_scope(unquote(path), raw_path=path.encode()), peer.receive, peer.send)
    sent = [(message["type"], message.get("text")) for message in peer.sent]
    return [kind if text is None else json.loads(text) for kind, text in sent]


@pytest.mark.parametrize("place", ["added", "added in place", "around"])
@pytest.mark.parametrize("root", ["", "/api"])
@pytest.mark.parametrize("name", CHANGES)
async def test_as_on_starlette(name: str, root: str, place: str, folder: Path) -> None:
    wrapped: list[Any] = []
    for app in applications(folder):
        if place == "around":
            wrapped.append(Rewriting(app, CHANGES[name]))
        else:
            app.add_middleware(Rewriting, change=CHANGES[name], copies=place == "added")
            wrapped.append(app)
    for path in PATHS:
        if name == "other_host" and path == "/de/post":
            continue  # `Host` matches every path of its host, and answers 404 where other routes answer 405.
        answers = [await answer(app, path, root) for app in wrapped]
        assert answers[1:] == answers[:1] * 2, path
    for path in SOCKETS if not root else ():
        speeches = [await speech(app, path) for app in wrapped]
        assert speeches[1:] == speeches[:1] * 2, path


async def test_each_request_counts_by_itself(folder: Path) -> None:
    """A path that was seen before leads elsewhere once a middleware rewrites it."""
    app = applications(folder)[2]
    by_header: Any = Rewriting(app, lambda scope: strip(scope) if dict(scope["headers"]).get(b"x-on") else None)
    for _ in range(3):
        for path, status in (("/de/user/7", 404), ("/user/7", 200), ("/plain", 200), ("/de/plain", 404)):
            assert (await answer(by_header, path, ""))[0] == status
            peer = await ask(by_header, http_scope(path, headers=[(b"host", b"testserver"), (b"x-on", b"1")]))
            assert peer.status == 200


SERVED = """
app.config.REQUEST_MAX_SIZE = 10


class Languages:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "lifespan" and scope["path"].startswith("/de/"):
            scope["path"] = scope["path"][3:]
        await self.app(scope, receive, send)


app.add_middleware(Languages)


@app.get("/hello/<name>", unquote=True)
async def greet(request, name):
    return text(f"{name} {request.path} {request.args.get('q')}")


@app.post("/take")
async def take(request):
    return text(str(len(request.body)))


@app.websocket("/ws/<n:int>")
async def speak(request, ws, n):
    await ws.send(f"{n} {request.path}")
"""


def test_over_a_socket(tmp_path: Path) -> None:
    with process(tmp_path, SERVED, *UVICORN, "served:app") as server:
        for _ in range(3):
            assert server.get("/de/hello/a%20b?q=1").text == "a b /hello/a%20b 1"
            assert server.get("/hello/x?q=2").text == "x /hello/x 2"
            # An encoded slash is one of the path's, once the path is rewritten.
            for path in ("/de/none", "/de/hello/a%2Fb"):
                assert requests.get(f"http://127.0.0.1:{server.port}{path}", timeout=60).status_code == 404
        take = f"http://127.0.0.1:{server.port}/de/take"
        assert requests.post(take, data=b"1234", timeout=60).text == "4"
        assert requests.post(take, data=b"12345678901", timeout=60).status_code == 413
        with websockets.sync.client.connect(f"ws://127.0.0.1:{server.port}/de/ws/5") as socket:
            assert socket.recv() == "5 /ws/5"
        with pytest.raises(websockets.exceptions.InvalidStatus):
            websockets.sync.client.connect(f"ws://127.0.0.1:{server.port}/de/ws/x")
