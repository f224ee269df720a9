"""Paths with a parameter in the router's cache: the same answers as without it, and a bounded size."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Host

from sanic_star import Request, Sanic, text
from sanic_star.engine.routing import _MAX_CACHED, _MAX_CACHED_BYTES
from tests.engine.raw import ask, http_scope, websocket_scope


def app_that_notes() -> tuple[Sanic[Any, Any], list[dict[str, Any]]]:
    """Return an application with typed parameters, and a list that gets each request's."""
    app: Sanic[Any, Any] = Sanic("Recent")
    seen: list[dict[str, Any]] = []

    async def handler(request: Request, **params: Any) -> Any:
        seen.append(request.match_info)
        assert request.match_info is request.scope["path_params"]
        return text(f"{request.method} {params}")

    for kind in ("int", "str", "uuid", "ymd"):
        app.add_route(handler, f"/{kind}/<x:{kind}>", methods=["GET", "POST"], name=kind)
    return app, seen


@pytest.mark.parametrize(
    ("path", "value"),
    [("/int/7", "7"), ("/str/a~b", "'a~b'"), ("/ymd/2026-01-31", "datetime.date(2026, 1, 31)")],
)
async def test_a_path_leads_to_the_same_again(path: str, value: str) -> None:
    app, seen = app_that_notes()
    for number, method in enumerate(("GET", "POST", "GET", "POST", "GET")):
        peer = await ask(app, http_scope(path, method=method))
        assert peer.body.decode() == f"{method} {{'x': {value}}}"
        assert (path.encode() in app.router._direct) is (number > 0)
    assert sorted(app.router._direct[path.encode()]) == ["GET", "POST"]
    assert (await ask(app, http_scope(path, method="PUT"))).status == 405
    assert len({id(params) for params in seen}) == 5


async def test_changes_by_a_handler_stay_in_its_request() -> None:
    app, seen = app_that_notes()
    for _ in range(3):
        assert (await ask(app, http_scope("/int/7"))).body == b"GET {'x': 7}"
        seen[-1]["x"] = seen[-1]["y"] = "changed"


async def test_a_new_route_is_found() -> None:
    app, _ = app_that_notes()
    for _ in range(3):
        assert (await ask(app, http_scope("/str/new"))).body == b"GET {'x': 'new'}"

    async def newer(request: Request) -> Any:
        return text("newer")

    with app.amend():
        app.add_route(newer, "/str/new")
    assert (await ask(app, http_scope("/str/new"))).body == b"newer"
    assert (await ask(app, http_scope("/str/other"))).body == b"GET {'x': 'other'}"


@pytest.mark.parametrize("beside", [False, True])
async def test_a_custom_path_type_is_called_each_time(beside: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Asked")
    kept_paths: set[str] = set()

    def convert(value: str) -> str:
        if value not in kept_paths:
            raise ValueError(value)
        return value

    app.router.register_pattern("known", convert, r"\w+")

    @app.get("/<x:known>")
    async def one_of_them(request: Request, x: str) -> Any:
        return text("known")

    if beside:

        @app.get("/<x:str>", name="other")
        async def other(request: Request, x: str) -> Any:
            return text("other")

    for _ in range(3):
        kept_paths.clear()
        peer = await ask(app, http_scope("/a"))
        assert peer.body == b"other" if beside else peer.status == 404
        kept_paths.add("a")
        assert (await ask(app, http_scope("/a"))).body == b"known"


async def test_the_cache_holds_a_limited_number_of_short_paths() -> None:
    app, _ = app_that_notes()
    await ask(app, http_scope("/int/0"))
    before = len(app.router._direct)
    for number in range(_MAX_CACHED + 10):
        await ask(app, http_scope(f"/int/{number}"))
    assert len(app.router._direct) == before + 1  # only the one that came twice
    assert len(app.router._requested_once) <= _MAX_CACHED
    for number in range(_MAX_CACHED + 10):
        for _ in range(2):
            await ask(app, http_scope(f"/int/{number}"))
    assert len(app.router._direct) == before + _MAX_CACHED
    assert b"/int/0" not in app.router._direct
    assert (await ask(app, http_scope("/int/0"))).body == b"GET {'x': 0}"
    long = "/str/" + "a" * _MAX_CACHED_BYTES
    for _ in range(3):
        assert (await ask(app, http_scope(long))).status == 200
    assert long.encode() not in app.router._direct


async def test_websockets_take_no_room() -> None:
    app: Sanic[Any, Any] = Sanic("Handshakes")

    @app.websocket("/feed/<x:int>")
    async def feed(request: Request, ws: Any, x: int) -> None: ...

    app.router.finalize()
    for _ in range(3):
        route, params = app.router._find(websocket_scope("/feed/7"))
        assert (route.endpoint, params) == (feed, {"x": 7})
    assert b"/feed/7" not in app.router._direct


def mounted(app: Sanic[Any, Any]) -> Starlette:
    outer = Starlette()
    outer.mount("/int", app)
    return outer


def by_host(app: Sanic[Any, Any]) -> Starlette:
    return Starlette(routes=[Host("{sub}.example", app)])


@pytest.mark.parametrize(
    ("outer", "path", "expected"),
    [(mounted, "/int/int/7", {"x": 7}), (mounted, "/int/7", None), (by_host, "/int/7", {"sub": "a", "x": 7})],
)
async def test_below_another_application(outer: Callable[..., Any], path: str, expected: dict[str, Any] | None) -> None:
    app: Sanic[Any, Any] = Sanic("Below")
    seen: list[dict[str, Any]] = []

    @app.get("/int/<x:int>")
    async def handler(request: Request, x: int) -> Any:
        seen.append(request.scope["path_params"])
        return text(str(x))

    # The path is known before it comes with a prefix that is another application's.
    for _ in range(2):
        assert (await ask(app, http_scope("/int/7"))).body == b"7"
    for _ in range(3):
        peer = await ask(outer(app), http_scope(path, headers=[(b"host", b"a.example")]))
        assert peer.status == (200 if expected else 404)
    assert seen[2:] == ([expected] * 3 if expected else [])


async def test_a_request_class_with_a_custom_initialiser() -> None:
    class Own(Request):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.ctx.made = True

    app: Sanic[Any, Any] = Sanic("Own", request_class=Own)

    @app.get("/")
    async def handler(request: Request) -> Any:
        return text(str(request.ctx.made))

    assert (await ask(app, http_scope("/"))).body == b"True"
