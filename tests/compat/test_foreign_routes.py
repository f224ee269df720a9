"""Mounts and Starlette's routes in `app.router.routes` have the attributes of Sanic's that plugins read of a route."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from sanic_star import Sanic, text
from sanic_star.testing import TestClient

if TYPE_CHECKING:
    from decimal import Decimal as Unknown


async def endpoint(request: Request) -> PlainTextResponse:
    return PlainTextResponse("theirs")


async def unreadable(request: "Unknown") -> PlainTextResponse:
    return PlainTextResponse("theirs")


class Endpoint(HTTPEndpoint):
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("class")


class Application:
    """An ASGI application whose class has annotations that cannot be evaluated from an instance."""

    setting: "Unknown"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("own")(scope, receive, send)


class Frozen(BaseRoute):
    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)


KINDS: dict[str, Callable[[], BaseRoute]] = {
    "function": lambda: Route("/r/{id:int}/x/{name}", endpoint),
    "partial": lambda: Route("/r", partial(endpoint)),
    "unreadable": lambda: Route("/r", unreadable),
    "class": lambda: Route("/r", Endpoint),
    "instance": lambda: Route("/r", Application()),
    "websocket": lambda: WebSocketRoute("/r", endpoint),
    "static": lambda: Mount("/r", StaticFiles(directory=".")),
    "named": lambda: Mount("/r", StaticFiles(directory="."), name="files"),
    "routes": lambda: Mount("/r/{lang}", routes=[Route("/x", endpoint)]),
    "starlette": lambda: Mount("/r", Starlette()),
    "sanic": lambda: Mount("", Sanic("Inner")),
    "own": lambda: Mount("/r", Application()),
    "host": lambda: Host("a.example", Application()),
    "base": BaseRoute,
}
REGISTRATIONS: dict[str, Callable[[BaseRoute], Sanic]] = {
    "keyword": lambda route: Sanic("Outer", routes=[route]),
    "start": lambda route: _with(route, lambda app: app.router.routes.append(route)),
    "amended": lambda route: _with(route, lambda app: app.router.routes.__setitem__(slice(0), [route])),
}


def _with(route: BaseRoute, add: Callable[[Any], Any]) -> Sanic:
    app = Sanic("Outer")
    add(app)
    app.finalize()
    return app


@pytest.mark.parametrize("registration", REGISTRATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_has_name_handler_ctx_and_segments(kind: str, registration: str) -> None:
    route: Any = KINDS[kind]()
    app = REGISTRATIONS[registration](route)
    assert list(map(id, app.router.routes)) == [id(route)]
    assert isinstance(route.name, str)
    assert callable(route.handler)
    assert isinstance(get_type_hints(route.handler.func if kind == "partial" else route.handler), dict)
    route.ctx.mark = 1
    assert all(isinstance(part, str) for part in route.segments)


@pytest.mark.parametrize(
    ("kind", "segments"),
    [
        ("function", ("r", "<__dynamic__:int>", "x", "<__dynamic__:str>")),
        ("routes", ("r", "<__dynamic__:str>", "<__dynamic__:path>")),
        ("static", ("r", "<__dynamic__:path>")),
        ("sanic", ("<__dynamic__:path>",)),
        ("host", ("<__dynamic__:path>",)),
    ],
)
def test_segments_are_sanics(kind: str, segments: tuple[str, ...]) -> None:
    route: Any = KINDS[kind]()
    Sanic("Outer", routes=[route])
    assert route.segments == segments


@pytest.mark.parametrize("kind", ["function", "partial", "class"])
def test_the_handler_is_the_endpoint(kind: str) -> None:
    route: Any = KINDS[kind]()
    Sanic("Outer", routes=[route])
    assert route.handler is route.endpoint


def test_they_have_it_as_soon_as_they_are_added() -> None:
    app = Sanic("Outer")
    app.mount("/inner", Starlette())
    app.add_route("/theirs", endpoint)
    app.add_websocket_route("/ws", endpoint)
    routes: list[Any] = list(app.router.routes)
    assert [type(route.name) for route in routes] == [str] * 3
    assert all(callable(route.handler) and route.segments for route in routes)


def test_existing_attributes_of_a_route_are_kept() -> None:
    route: Any = Route("/r", endpoint, name="mine")
    route.ctx, route.handler = "ctx", "handler"
    Sanic("First", routes=[route])
    Sanic("Second", routes=[route])
    assert (route.name, route.ctx, route.handler) == ("mine", "ctx", "handler")


def test_urls_below_a_mount_without_a_name_need_no_prefix() -> None:
    app = Sanic("Outer")
    app.mount("/api", Starlette(routes=[Route("/users/{id:int}", endpoint, name="user")]))
    app.router.routes.append(Mount("/more", routes=[Route("/posts", endpoint, name="posts")]))
    app.router.routes.append(Host("b.example", Starlette(routes=[Route("/x", endpoint, name="x")])))
    app.finalize()
    assert [getattr(route, "name", None) for route in app.router.routes] == ["", "", ""]
    assert app.router.url_path_for("user", id=3) == "/api/users/3"
    assert app.router.url_path_for("posts") == "/more/posts"
    assert app.router.url_path_for("x").host == "b.example"


def test_they_answer_as_before() -> None:
    app = Sanic("Outer", routes=[Route("/theirs", unreadable), Mount("/own", Application())])
    app.mount("/inner", Starlette(routes=[Route("/x", Endpoint)]))
    app.get("/ours")(lambda request: text("ours"))
    with TestClient(app) as client:
        answers = [client.get(path).text for path in ("/theirs", "/own", "/own/x", "/inner/x", "/ours")]
    assert answers == ["theirs", "own", "own", "class", "ours"]


def test_a_route_that_takes_no_attributes_is_left_alone() -> None:
    app = Sanic("Outer")
    app.router.routes.append(Frozen())
    app.finalize()
    assert vars(app.router.routes[0]) == {}


BELOW = ("<__dynamic__:path>",)


@pytest.mark.parametrize(
    ("path", "status", "name", "segments"),
    [
        ("/slashed", 307, "", BELOW),
        ("/plain/", 307, "", BELOW),
        ("/later/", 307, "", BELOW),
        ("/plain", 200, "endpoint", ("plain",)),
        ("/mounted/x", 200, "", ("mounted", *BELOW)),
        ("/own", 200, "Told.own", ("own",)),
        ("/own/", 200, "Told.own", ("own",)),
    ],
)
def test_signals_get_the_route_of_the_response(path: str, status: int, name: str, segments: tuple[str, ...]) -> None:
    app = Sanic("Told", routes=[Route("/slashed/", endpoint), Route("/plain", endpoint)])
    app.mount("/mounted", Starlette(routes=[Route("/x", endpoint)]))
    app.add_route(lambda request: text("own"), "/own", name="own")
    seen: list[Any] = []

    @app.signal("http.routing.after")
    async def note(request: Any, route: Any, **context: Any) -> None:
        facts = route is request.route, context["handler"] == route.handler
        seen.append((*facts, route.name, vars(route.ctx), route.segments))

    @app.after_server_start
    async def add(app: Sanic) -> None:
        app.router.routes.append(Route("/later", endpoint))

    with TestClient(app) as client:
        answer = client.get(path, allow_redirects=False)
    assert answer.status_code == status
    assert seen == [(True, True, name, {}, segments)]
