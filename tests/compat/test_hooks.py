"""Changes of a request by handlers of events and middleware; `tests/parity/cases/hooks.py` compares with Sanic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from sanic_star import Request, Sanic, text
from sanic_star.testing import TestClient

Hook = Callable[..., Any]
PLACES = ("http.lifecycle.request", "http.routing.before", "http.routing.after", "middleware")


async def endpoint(request: StarletteRequest) -> JSONResponse:
    if "fail" in request.path_params.values():
        raise LookupError("nothing there")
    return JSONResponse([request.method, request.scope["root_path"], request.path_params])


def make(place: str, hook: Hook) -> Any:
    """Return an application with all kinds of routes, and a hook at one place."""
    app: Any = Sanic("hooks")

    async def show(request: Request, **values: Any) -> Any:
        return text(f"{request.name} {request.method} {values} {request.scope['path_params']}")

    app.add_route(show, "/a/<b>", methods=["GET"], name="get")
    app.add_route(show, "/a/<b>", methods=["POST"], name="post")
    app.mount("/mounted", Starlette(routes=[Route("/x/{k}", endpoint, methods=["GET", "POST"])]))
    app.router.routes.append(Route("/starlette/{k}", endpoint, methods=["GET", "POST"]))
    if place == "middleware":
        app.on_request(hook)
    else:
        app.signal(place)(hook)
    return app


def set_method(request: Request, **context: Any) -> None:
    request.method = "POST"


@pytest.mark.parametrize("place", PLACES)
def test_a_method_that_is_set_reaches_mounts_and_starlettes_routes(place: str) -> None:
    app = make(place, set_method)
    with TestClient(app) as client:
        assert client.get("/mounted/x/1").json() == ["POST", "/mounted", {"k": "1"}]
        assert client.get("/starlette/1").json() == ["POST", "", {"k": "1"}]
        with pytest.raises(LookupError):
            client.get("/mounted/x/fail")
    with TestClient(Starlette(routes=[Mount("/outer/{t}", app=make(place, set_method))])) as client:
        assert client.get("/outer/7/mounted/x/1").json() == ["POST", "/outer/7/mounted", {"t": "7", "k": "1"}]
        assert client.get("/outer/7/starlette/1").json() == ["POST", "/outer/7", {"t": "7", "k": "1"}]


@pytest.mark.parametrize("place", PLACES)
def test_a_method_changed_by_an_early_event_is_routed_again(place: str) -> None:
    chosen = "post" if place in ("http.lifecycle.request", "http.routing.before") else "get"
    with TestClient(Starlette(routes=[Mount("/outer/{t}", app=make(place, set_method))])) as client:
        expected = f"hooks.{chosen} POST {{'b': '1'}} {{'t': '7', 'b': '1'}}"
        assert client.get("/outer/7/a/1").text == expected


@pytest.mark.parametrize("path", ["/b/1", "/a/1", "/mounted/x/1", "/starlette/1"])
def test_a_path_that_an_event_before_the_routing_has_changed(path: str) -> None:
    def hook(request: Request) -> None:
        request.scope["path"] = "/a/9"
        del request.scope["raw_path"]

    with TestClient(make("http.routing.before", hook)) as client:
        assert client.get(path).text == "hooks.get GET {'b': '9'} {'b': '9'}"


def test_a_host_that_is_taken_away() -> None:
    def hook(request: Request) -> None:
        del request.headers["host"]

    app = make("http.routing.before", hook)
    app.add_route(lambda request: text("any"), "/host", name="any")
    app.add_route(lambda request: text("shop"), "/shop", host="shop.test", name="shop")
    with TestClient(app) as client:
        assert client.get("/host", headers={"host": "shop.test"}).text == "any"
        assert client.get("/shop", headers={"host": "shop.test"}).status_code == 404


def test_a_body_that_an_event_has_read_in_part() -> None:
    async def hook(request: Request, **context: Any) -> None:
        await request.stream.read()

    app = make("http.routing.after", hook)

    async def body(request: Request) -> Any:
        return text(str(request.body))

    app.add_route(body, "/body", methods=["POST"])
    with TestClient(app) as client:
        # As in Sanic, the part that was read is lost; the handler does not wait for it.
        assert client.post("/body", data=b"sent").text == "b''"


def test_route_signals_cost_nothing_without_handlers() -> None:
    app: Any = Sanic("hooks")

    async def plain(request: Request) -> Any:
        return text("plain")

    app.add_route(plain, "/")
    with TestClient(app) as client:
        assert client.get("/").text == "plain"
        (route,) = app.router.routes
        assert route.call is plain
