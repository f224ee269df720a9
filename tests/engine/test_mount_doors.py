"""The shortcut to a mount gives the result of the search, and enters the mount with the same scope."""

import contextlib
import random
from typing import Any

import pytest
from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.types import Scope

from sanic_star import Request, Sanic
from sanic_star.compat._routing.exceptions import RouteExists
from sanic_star.engine.routing import _Redirect, child_scope
from sanic_star.testing import TestClient

MOUNTS = ["/", "/a", "/a/b", "/t/<tenant>", "/t/<tenant>/b", "/<any>", "/a b", "/é", "/t/{tenant}"]
ROUTES = ["/", "/a", "/a/", "/b", "/a/<x>", "/t/b", "/t/<x>/<y>", "/<x>", "/<x:path>", "/%62/c", "/<x:int>/b", "/b/c/d"]
SEGMENTS = ["", "a", "b", "c", "t", "1", "a b", "é", "%62", "B"]


def build(chance: random.Random) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic(f"Doors{chance.getrandbits(60)}")
    mounts = chance.sample(MOUNTS, chance.randrange(1, 4))
    routes = chance.sample(ROUTES, chance.randrange(4))

    async def handler(request: Request, **params: Any) -> None: ...

    def add_routes() -> None:
        for number, path in enumerate(routes):
            with contextlib.suppress(RouteExists):  # a slash more at the end is the same route
                app.add_route(handler, path, methods=[chance.choice(["GET", "POST"])], name=f"r{number}")

    if chance.random() < 0.5:
        add_routes()
        routes = []
    for path in mounts:
        if "{" in path:
            app.router.routes.append(starlette_routing.Mount(path, Starlette()))
        else:
            app.mount(path, Starlette())
    if chance.random() < 0.2:
        app.router.routes.append(starlette_routing.Route("/b/{rest:path}", handler))
    add_routes()
    return app


def entered(router: Any, scope: dict[str, Any]) -> dict[str, Any]:
    inner: Scope = dict(scope)
    route, params = router._find(inner)
    if route is router.forward:
        inner = child_scope(inner)
    matched = inner.get("route")
    if isinstance(matched, _Redirect):
        matched = matched.url
    names = ("path", "root_path", "app_root_path", "path_params", "endpoint")
    return {"route": matched, "params": params, **{name: inner.get(name) for name in names}}


def compare(seeds: range) -> int:
    """Compare both ways; return how many paths have led into a mount."""
    forwarded = 0
    for seed in seeds:
        chance = random.Random(seed)
        app = build(chance)
        router = app.router
        router._build()
        mount_entries = router._mount_entries
        for _ in range(25):
            path = "/" + "/".join(chance.choices(SEGMENTS, k=chance.randrange(5)))
            root = chance.choice(["", "", "/outer", "/outer/in"])
            escaped = path.replace("%62", chance.choice(["%62", "%2562"]))
            raw = (root + escaped).replace(" ", "%20").replace("é", "%C3%A9")
            whole = root + (path if "%25" in raw else path.replace("%62", "b"))
            scope: dict[str, Any] = {
                "type": "http",
                "method": chance.choice(["GET", "POST"]),
                "root_path": root,
                "path": whole,
                "raw_path": raw.encode(),
                "query_string": b"",
                "headers": [],
            }
            router._mount_entries = mount_entries
            short = entered(router, scope)
            router._mount_entries = {}
            paths = [getattr(route, "path", None) for route in router.routes]
            assert short == entered(router, scope), (seed, paths, root, path)
            forwarded += isinstance(short["route"], starlette_routing.Mount)
    return forwarded


def test_the_shortcut_gives_the_result_of_the_search() -> None:
    assert compare(range(60)) > 300


@pytest.mark.parametrize("path", ["/", "/t/<tenant>", "/t/<tenant>/deep"])
def test_a_mounted_application_is_entered_at_its_path(path: str) -> None:
    async def show(request: StarletteRequest) -> JSONResponse:
        return JSONResponse([request.scope["root_path"], request.scope["app_root_path"], request.path_params])

    app: Sanic[Any, Any] = Sanic("Entered")
    app.mount(path, Starlette(routes=[starlette_routing.Route("/show", show, name="show")]))
    prefix = path.replace("<tenant>", "acme").rstrip("/")
    params = {"tenant": "acme"} if "tenant" in path else {}
    client = TestClient(app)
    assert client.get(f"{prefix}/show").json() == [prefix, "", params]
    assert client.get(f"{prefix}/none").status_code == 404
    assert client.get(f"{prefix}//show").status_code == 404


def test_a_mount_below_another_one_is_found_by_its_own_path() -> None:
    async def show(request: StarletteRequest) -> JSONResponse:
        return JSONResponse(request.scope["root_path"])

    app: Sanic[Any, Any] = Sanic("Nested")
    for path in ("/", "/a", "/a/b"):
        app.mount(path, Starlette(routes=[starlette_routing.Route("/{rest:path}", show)]))
    client = TestClient(app)
    expected = {"/a/b": "/a/b", "/a/b/": "/a/b", "/a/bc": "/a", "/a": "/a", "/ab": "", "/a/c": "/a", "/": ""}
    assert {path: client.get(path).json() for path in expected} == expected
