"""Root paths with a slash at their end, with escapes, and equal to the path, compared with Starlette.

Sanic's routes and mounts answer as without a root path.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from sanic_star import HTTPResponse, Request, Sanic, json
from sanic_star.testing import TestClient
from tests.engine.raw import ask, http_scope, websocket_scope

ROOTS = ["", "/", "/sub", "/sub/", "/s p/é", "/s p/é/", "/s%20p", "/s%20p/"]
# Paths below a root path; of these, "" is the root path itself.
BELOW = [
    "", "/", "//", "/a", "/a/", "//a", "/s", "/s/", "/p/1", "/p/1/", "/m", "/m/", "/m/x", "/m/n", "/m/n/", "/m/n/y",
    "/raw", "/raw/z", "/t/1", "/t/1/", "/t/1/x", "/files", "/files/", "/files/f.txt", "/files/below", "/none", "/none/",
]  # fmt: skip


async def show(request: Any) -> JSONResponse:
    """Answer with the paths that a handler of Starlette's sees."""
    scope = request.scope
    seen = [scope.get("path"), scope.get("root_path"), scope.get("app_root_path"), scope["path_params"]]
    return JSONResponse([*seen, str(request.url), str(request.base_url), str(request.url_for("root"))])


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse([scope["path"], scope["root_path"], scope["app_root_path"]])(scope, receive, send)


async def echo(websocket: Any) -> None:
    await websocket.accept()
    await websocket.close(4000, websocket.url.path)


def routes(directory: Path) -> list[BaseRoute]:
    return [
        Route("/", show, name="root"),
        WebSocketRoute("/", echo),
        Route("/a", show),
        WebSocketRoute("/a", echo),
        Route("/s/", show),
        Route("/p/{x}", show),
        Mount(
            "/m",
            routes=[Route("/", show), Route("/x", show), Mount("/n", routes=[Route("/", show), Route("/y", show)])],
        ),
        Mount("/raw", app=bare),
        Mount("/t/{tenant}", routes=[Route("/", show), Route("/x", show)]),
        Mount("/files", app=StaticFiles(directory=directory, html=True)),
    ]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    for name in ("f.txt", "index.html", "below/index.html"):
        (tmp_path / name).write_text(name)
    return tmp_path


def scopes_below(root: str, with_raw: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield paths with the entries of a scope: below the root path, below it without its slash, and without it."""
    for prefix in dict.fromkeys((root, root.rstrip("/"), "")):
        for path in BELOW:
            if prefix + path:
                # uvicorn leaves the root path as it is in `raw_path`, too.
                kept = prefix if "%" in prefix else quote(prefix)
                raw = (kept + quote(path)).encode()
                yield prefix + path, {"root_path": root, "raw_path": raw if with_raw else None}


async def answer(app: Any, path: str, **fields: Any) -> tuple[int, str | None, bytes | None]:
    peer = await ask(app, http_scope(path, **fields))
    location = peer.headers[b"location"].decode() if b"location" in peer.headers else None
    return peer.status, location, peer.body if peer.status == 200 else None


@pytest.mark.parametrize("with_raw", [True, False], ids=["raw_path", "no raw_path"])
@pytest.mark.parametrize("root", ROOTS)
async def test_starlettes_routes_answer_as_in_starlette(directory: Path, root: str, with_raw: bool) -> None:
    """In particular, a request for the root path itself is redirected to the root path with a slash."""
    here: Sanic[Any, Any] = Sanic("Here", routes=routes(directory))
    there = Starlette(routes=routes(directory))
    for path, fields in scopes_below(root, with_raw):
        assert await answer(here, path, **fields) == await answer(there, path, **fields), path


@pytest.mark.parametrize("root", ROOTS)
async def test_starlettes_websocket_routes_answer_as_in_starlette(directory: Path, root: str) -> None:
    here: Sanic[Any, Any] = Sanic("Here", routes=routes(directory))
    there = Starlette(routes=routes(directory))
    for path in dict.fromkeys((root or "/", f"{root}/", f"{root}/a", f"{root.rstrip('/')}/a", "/a")):
        sent = [(await handshake(app, path, root)) for app in (here, there)]
        assert sent[0] == sent[1], path


async def handshake(app: Any, path: str, root: str) -> list[Any]:
    sent: list[Any] = []
    messages: list[Any] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1005}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append((message["type"], message.get("code"), message.get("reason")))

    scope = websocket_scope(path, root_path=root, extensions={})
    await app(scope, receive, send)
    return [(kind, code, reason) for kind, code, reason in sent if code == 4000]


@pytest.mark.parametrize("root", ["/sub", "/sub/"])
def test_the_redirect_leads_to_the_route(root: str) -> None:
    app: Sanic[Any, Any] = Sanic("Redirected", routes=[Route("/", show, name="root")])
    response = TestClient(app, root_path=root, base_url="http://h.test").get(root)
    assert (response.status_code, response.json()[-1]) == (200, "http://h.test/sub/")


def sanic_application(directory: Path) -> Sanic[Any, Any]:
    """Make an application with Sanic's routes, files, and mounts of each kind; its answers contain URLs."""
    apps = [Sanic[Any, Any](name) for name in ("Outer", "Inner", "Innermost")]
    for app in apps:

        async def urls(request: Request, **params: Any) -> HTTPResponse:
            built = [request.base_url, request.server_path, request.app.url_for("a"), request.url_for("a")]
            return json({"at": [request.path, params], "url": request.url, "built": built})

        for path, name in (("/", "root"), ("/a", "a"), ("/p/<x>", "p"), ("/s/", "s")):
            app.add_route(urls, path, name=name, strict_slashes=name == "s")
    outer, inner, innermost = apps
    inner.mount("/n", innermost)
    outer.mount("/m", inner)
    outer.mount("/t/<tenant>", starlette_application())
    outer.mount("/files", StaticFiles(directory=directory, html=True))
    outer.static("/static", directory, index="index.html", name="static")
    outer.static("/listed", directory, directory_view=True, name="listed")
    return outer


def starlette_application() -> Starlette:
    async def below(request: Any) -> JSONResponse:
        scope = request.scope
        path_below = scope["path"].removeprefix(scope["root_path"])
        return JSONResponse({"at": [path_below, scope["path_params"]], "url": "", "built": [str(request.base_url)]})

    return Starlette(routes=[Route("/", below), Route("/x", below)])


OWN_BELOW = [
    "", "/", "/a", "/a/", "/s", "/s/", "/p/1", "/p/é", "/p/a%2Fb", "/m", "/m/", "/m/a", "/m/p/1", "/m/p/a%2Fb", "/m/n",
    "/m/n/", "/m/n/a", "/t/1/", "/t/1/x", "/t/1/none", "/files/", "/files/f.txt", "/static", "/static/",
    "/static/f.txt", "/static/below", "/listed", "/listed/", "/listed/below", "/none", "/none/",
]  # fmt: skip


@pytest.mark.parametrize("with_raw", [True, False], ids=["raw_path", "no raw_path"])
@pytest.mark.parametrize("root", ROOTS[1:])
async def test_a_root_path_changes_only_urls(directory: Path, root: str, with_raw: bool) -> None:
    """Below a root path the answers are those without one; URLs have the root path, without a slash at its end."""
    app = sanic_application(directory)
    public = root.rstrip("/")
    encoded = public if "%" in public else quote(public)
    for prefix in dict.fromkeys((root, public, "")):
        for path in OWN_BELOW:
            if "%2F" in path and not with_raw:
                continue
            decoded, raw = path.replace("%2F", "/"), quote(path, "/%").encode()
            raw_root = (prefix if "%" in prefix else quote(prefix)).encode()
            plain = {"raw_path": raw or b"/"} if with_raw else {"raw_path": None}
            rooted = {"raw_path": raw_root + raw or b"/"} if with_raw else {"raw_path": None}
            status, location, body = await answer(app, decoded or "/", **plain)
            seen = await answer(app, prefix + decoded or "/", root_path=root, **rooted)
            assert seen[:2] == (status, location and with_root(location, encoded)), prefix + path
            if body is None or not body.startswith(b"{"):
                assert seen[2] == body, prefix + path
                continue
            plain_answer, rooted_answer = json_module.loads(body), json_module.loads(seen[2] or b"")
            assert rooted_answer["at"] == plain_answer["at"], prefix + path
            assert rooted_answer["url"] == (plain_answer["url"] and with_root(plain_answer["url"], encoded))
            # As in Starlette, these have the root path as the server gives it.
            assert rooted_answer["built"] == [with_root(url, public) for url in plain_answer["built"]]


def with_root(url: str, root: str) -> str:
    """Return a URL or a path with a root path before its path."""
    origin = "http://testserver" if url.startswith("http:") else ""
    return origin + root + url.removeprefix(origin)


@pytest.mark.parametrize("root", ["", "/sub", "/sub/", "/s%20p/"])
@pytest.mark.parametrize("below", ["mount", "host"])
async def test_urls_below_a_mount_or_host_of_starlette(root: str, below: str) -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")

    @inner.get("/a", name="a")
    async def urls(request: Request) -> HTTPResponse:
        plain = request.starlette
        return json([request.path, request.url, request.url_for("a"), str(plain.url_for("a")), request.server_path])

    prefix = "/m" if below == "mount" else ""
    route: BaseRoute = Mount("/m", app=inner) if below == "mount" else Host("testserver", app=inner)
    path = f"{root}{prefix}/a"
    fields = {"root_path": root, "raw_path": path.encode()}
    _, _, body = await answer(Starlette(routes=[route]), path, **fields)
    public = f"{root.rstrip('/')}{prefix}/a"
    assert json_module.loads(body or b"") == ["/a", *[f"http://testserver{public}"] * 3, public]
