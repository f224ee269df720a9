"""URLs by name for routes below mounts and hosts with parameters."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, NoMatchFound, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from sanic_star import Blueprint, Request, Sanic, Websocket, text
from sanic_star.compat.exceptions import URLBuildError
from sanic_star.testing import TestClient


def url_of(make: Any) -> str:
    try:
        return str(make())
    except (NoMatchFound, URLBuildError) as error:
        return type(error).__name__


def starlette_child(name: str, **params: Any) -> Starlette:
    async def show(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(url_of(lambda: request.url_for(name, **params)))

    async def speak(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(url_of(lambda: websocket.url_for(name, **params)))
        await websocket.close()

    async def item(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["id"])

    routes = [Route("/show", show), WebSocketRoute("/ws", speak), Route("/item/{id}", item, name="item")]
    return Starlette(routes=routes)


def sanic_child(name: str, **params: Any) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Child")

    @app.get("/show")
    async def show(request: Request) -> Any:
        return text(url_of(lambda: request.url_for(name, **params)))

    @app.get("/plain")
    async def plain(request: Request) -> Any:
        return text(url_of(lambda: request.starlette.url_for(name, **params)))

    @app.websocket("/ws")
    async def speak(request: Request, ws: Websocket) -> None:
        await ws.send(url_of(lambda: ws.url_for(name, **params)))

    app.add_route(lambda request, id: text(id), "/item/<id>", name="item")
    return app


def in_starlette(child: Any) -> Any:
    return Starlette(routes=[Mount("/t/{tenant}", child, name="t")])


def in_sanic(child: Any) -> Any:
    outer: Sanic[Any, Any] = Sanic("Outer")
    outer.mount("/t/<tenant>", child, name="t")
    return outer


def as_a_route(child: Any) -> Any:
    return Sanic("Outer", routes=[Mount("/t/{tenant}", child, name="t")])


def in_a_blueprint(child: Any) -> Any:
    outer, bp = Sanic("Outer"), Blueprint("bp", url_prefix="/t")
    bp.mount("/<tenant>", child, name="t")
    outer.blueprint(bp)
    route: Any = outer.router.routes[-1]
    route.name = "t"
    return outer


OUTERS = [in_starlette, in_sanic, as_a_route, in_a_blueprint]
# The arguments of `url_for` in a request to `/t/acme`, and its outcome.
URLS: list[tuple[dict[str, Any], str]] = [
    ({"id": "3"}, "/t/acme/item/3"),
    ({"id": "3", "tenant": "other"}, "/t/other/item/3"),
    ({"id": "{x}"}, "/t/acme/item/%7Bx%7D"),
    ({"id": "{tenant}", "tenant": "b"}, "/t/b/item/%7Btenant%7D"),
    ({}, "error"),
    ({"id": "3", "more": "4"}, "error"),
]


# Without Starlette in Starlette.
COMBINATIONS = [
    *((outer, sanic_child, way) for outer in OUTERS for way in ("show", "plain", "ws")),
    *((outer, starlette_child, way) for outer in OUTERS[1:] for way in ("show", "ws")),
]


@pytest.mark.parametrize(("outer", "child", "way"), COMBINATIONS)
@pytest.mark.parametrize(("params", "expected"), URLS)
def test_a_mounts_parameters_are_those_of_the_request(
    outer: Any, child: Any, way: str, params: dict[str, Any], expected: str
) -> None:
    client = TestClient(outer(child("t:item", **params)))
    if way == "ws":
        with client.websocket_connect("/t/acme/ws") as websocket:
            url = websocket.receive_text()
    else:
        url = client.get(f"/t/acme/{way}").text
    if expected == "error":
        assert url in ("NoMatchFound", "URLBuildError")
    else:
        assert url.partition("://testserver")[2].replace("{", "%7B").replace("}", "%7D") == expected


@pytest.mark.parametrize("outer", OUTERS)
def test_two_tenants_at_once_get_their_own_urls(outer: Any) -> None:
    client = TestClient(outer(sanic_child("t:item", id=3)))
    for tenant in ("a", "b", "{tenant}", "a"):
        assert client.get(f"/t/{tenant}/show").text.endswith(f"/t/{tenant}/item/3")


def test_outside_of_a_request_a_missing_parameter_is_an_error() -> None:
    app = in_sanic(sanic_child("t:item"))
    assert app.url_for("t:item", id=3, tenant="acme") == "/t/acme/item/3"
    assert str(app.url_path_for("t:item", id=3, tenant="acme")) == "/t/acme/item/3"
    with pytest.raises(URLBuildError, match="Required parameter `tenant` was not passed to url_for"):
        app.url_for("t:item", id=3)
    with pytest.raises(URLBuildError, match=r"Endpoint with name `Outer\.t:nothing` was not found"):
        app.url_for("t:nothing", tenant="acme")
    with pytest.raises(NoMatchFound):
        app.url_path_for("t:item", id=3)


def test_a_request_without_the_parameter_gets_an_error() -> None:
    outer = in_sanic(sanic_child("t:item"))

    async def show(request: Request, **params: str) -> Any:
        return text(url_of(lambda: request.url_for("t:item", id=3)))

    outer.add_route(show, "/home", name="home")
    outer.add_route(show, "/of/<tenant>", name="of")
    client = TestClient(outer)
    assert client.get("/home").text == "URLBuildError"
    assert client.get("/of/acme").text.endswith("/t/acme/item/3")


def test_nested_mounts_and_static_files() -> None:
    names: list[tuple[str, dict[str, Any]]] = [
        ("t:g:item", {"id": 3}),
        ("t:files", {"path": "/a.css"}),
        ("g:item", {"id": 3}),
        ("files", {"path": "a.css"}),
    ]
    seen: list[list[str]] = []
    grand, child = Sanic("Grand"), Sanic("Middle")
    grand.add_route(lambda request, id: text(id), "/item/<id>", name="item")

    @grand.get("/show")
    async def show(request: Request) -> Any:
        seen.append([url_of(lambda name=name, of=of: request.url_for(name, **of)) for name, of in names])
        seen.append([url_of(lambda name=name, of=of: child.url_for(name, **of)) for name, of in names[2:]])
        return text("")

    child.mount("/g/<group:int>", grand, name="g")
    child.mount("/files/<kind>", StaticFiles(directory=".", check_dir=False), name="files")
    client = TestClient(in_sanic(child))
    assert client.get("/t/acme/g/7/show").status_code == 200
    of_request, of_child = seen
    assert of_request[0] == "http://testserver/t/acme/g/7/item/3"
    # No parameter `kind` in this request.
    assert of_request[1] == "URLBuildError"
    assert of_request[2:] == ["URLBuildError", "URLBuildError"]
    assert of_child[0].endswith("/g/7/item/3")
    assert of_child[1] == "URLBuildError"


@pytest.mark.parametrize("how", ["host", "route"])
def test_a_host_with_a_parameter(how: str) -> None:
    outer: Sanic[Any, Any]
    if how == "host":
        outer = Sanic("Hosts")
        outer.host("<tenant>.example.org", sanic_child("h:item", id=3), name="h")
    else:
        outer = Sanic("Hosts", routes=[Host("{tenant}.example.org", sanic_child("h:item", id=3), name="h")])
    client = TestClient(outer)
    assert client.get("/show", headers={"host": "acme.example.org"}).text == "http://acme.example.org/item/3"
    with pytest.raises(NoMatchFound):
        outer.url_path_for("h:item", id=3)
