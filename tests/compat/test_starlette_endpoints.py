"""Starlette's class-based endpoints as handlers, and its names for URLs."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, NoMatchFound, Route
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from sanic_star import Blueprint, Sanic, text
from sanic_star.testing import TestClient


class Page(HTTPEndpoint):
    async def get(self, request: Any) -> Any:
        return PlainTextResponse(f"get {request.path_params.get('x')}")

    def post(self, request: StarletteRequest) -> Any:
        return PlainTextResponse("post")


class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_text(f"echo {data} {websocket.path_params.get('room')}")


def app_with_both() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Endpoints")
    app.add_route(Page, "/page/<x:int>")
    app.add_route("/starlette/{x:int}", Page)
    app.add_websocket_route(Echo, "/ws/<room>")
    app.add_websocket_route("/starlette-ws/{room}", Echo)
    bp = Blueprint("bp", url_prefix="/bp")
    bp.add_route(Page, "/page", name="page")
    app.blueprint(bp)

    @app.on_response
    async def mark(request: Any, response: Any) -> None:
        response.headers["x-mark"] = "1"

    return app


@pytest.mark.parametrize("path", ["/page/3", "/starlette/3"])
def test_an_http_endpoint(path: str) -> None:
    client = TestClient(app_with_both())
    assert client.get(path).text == "get 3"
    assert client.post(path).text == "post"
    assert client.head(path).status_code == 200
    refused = client.put(path)
    assert (refused.status_code, "GET" in refused.headers["allow"]) == (405, True)
    assert client.get("/page/x").status_code == 404


def test_an_http_endpoint_with_sanics_features() -> None:
    app = app_with_both()
    client = TestClient(app)
    assert client.get("/page/3").headers["x-mark"] == "1"
    assert client.get("/bp/page").text == "get None"
    assert app.url_for("Page", x=3) == "/page/3"
    assert app.url_for("bp.page") == "/bp/page"


@pytest.mark.parametrize("path", ["/ws/a", "/starlette-ws/a"])
def test_a_websocket_endpoint(path: str) -> None:
    with TestClient(app_with_both()) as client, client.websocket_connect(path) as websocket:
        websocket.send_text("hi")
        assert websocket.receive_text() == "echo hi a"


def mounted() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Mounting")
    inner = Starlette(routes=[Route("/item/{id:int}", Page, name="item"), Mount("/files", StaticFiles(), name="files")])
    app.mount("/inner", inner, name="inner")
    sanic: Sanic[Any, Any] = Sanic("Inside")

    @sanic.get("/thing/<id:int>")
    async def thing(request: Any, id: int) -> Any:
        return text(f"{request.url_for('thing', id=id)} {request.app.url_for('thing', id=id)}")

    app.mount("/sanic", sanic, name="sanic")

    @app.get("/urls/<id:int>")
    async def urls(request: Any, id: int) -> Any:
        names = ("inner:item", "sanic:thing", "sanic:Inside.thing", "urls")
        made = [request.url_for(name, id=id) for name in names]
        return text("\n".join([*made, str(app.url_path_for("inner:files", path="/a.css"))]))

    return app


def test_urls_of_mounts() -> None:
    app = mounted()
    assert str(app.url_path_for("inner:item", id=3)) == "/inner/item/3"
    assert str(app.url_path_for("inner:files", path="/a.css")) == "/inner/files/a.css"
    assert str(app.url_path_for("urls", id=3)) == "/urls/3"
    assert str(app.url_path_for("sanic:thing", id=3)) == "/sanic/thing/3"
    assert app.url_for("inner:item", id=3, _external=True, _server="s.test") == "http://s.test/inner/item/3"


def test_urls_of_mounts_of_a_request() -> None:
    client = TestClient(mounted())
    lines = client.get("/urls/3").text.split("\n")
    base = client.base_url if hasattr(client, "base_url") else "http://testserver"
    assert lines == [
        f"{base}/inner/item/3",
        f"{base}/sanic/thing/3",
        f"{base}/sanic/thing/3",
        f"{base}/urls/3",
        "/inner/files/a.css",
    ]
    assert client.get("/sanic/thing/4").text == f"{base}/sanic/thing/4 /sanic/thing/4"


def test_urls_below_a_prefix() -> None:
    client = TestClient(mounted(), root_path="/prefix")
    lines = client.get("/prefix/urls/3").text.split("\n")
    assert lines[0].endswith("/prefix/inner/item/3")
    assert lines[3].endswith("/prefix/urls/3")
    assert client.get("/prefix/sanic/thing/4").text.endswith("/prefix/sanic/thing/4")


def test_a_starlette_application_names_the_routes_of_one_that_it_mounts() -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    inner.get("/item/<n:int>", name="item")(lambda request, n: text(""))
    outer = Starlette(routes=[Mount("/m", inner, name="m")])
    for name in ("m:item", "m:Inner.item"):
        assert outer.url_path_for(name, n=3) == "/m/item/3"
    with pytest.raises(NoMatchFound):
        outer.url_path_for("m:other", n=3)
