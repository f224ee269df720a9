"""Sanic's collections of registrations: views that can be read and changed, on applications and blueprints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sanic_star import Blueprint, Sanic, text
from sanic_star.compat._app.futures import Futures
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.compat.models.futures import FutureListener, FutureMiddleware, FutureRoute

NAMES = ("exceptions", "listeners", "middleware", "routes", "signals", "statics")


def registered(registrar: Any) -> Any:
    registrar.add_route(lambda request: text("x"), "/", name="index")
    registrar.middleware(lambda request: None, "request")
    registrar.middleware(lambda request, response: None, "response")
    registrar.exception(ValueError)(lambda request, error: text("error"))
    registrar.listener("before_server_start")(lambda app: None)
    registrar.signal("a.b.c")(lambda: None)
    registrar.static("/s", __file__)
    return registrar


@pytest.mark.parametrize("make", [Sanic, Blueprint])
def test_each_registration_is_in_the_view_of_its_kind(make: Callable[[str], Any]) -> None:
    registrar = registered(make("Futures"))
    counts = {name: len(getattr(registrar, f"_future_{name}")) for name in NAMES}
    assert counts == {"exceptions": 1, "listeners": 1, "middleware": 2, "routes": 1, "signals": 1, "statics": 1}
    assert [record.attach_to for record in registrar._future_middleware] == ["request", "response"]


def middleware() -> FutureMiddleware:
    return FutureMiddleware(lambda request: None, "request")


def test_a_view_changes_as_a_list_and_as_a_set() -> None:
    blueprint = registered(Blueprint("Changed"))
    view: Futures = blueprint._future_middleware
    first, second = view
    before, after = middleware(), middleware()
    view.insert(0, before)
    view.append(after)
    assert view == [before, first, second, after]
    view.add(before)
    view.update([after, first])
    view.discard(middleware())
    assert view == {before, first, second, after}
    view.remove(first)
    view.discard(second)
    del view[0]
    view[0] = before
    assert list(blueprint._future_middleware) == [before]
    blueprint._future_middleware = [second]
    blueprint._future_middleware += [first]
    assert blueprint._future_middleware == [second, first]
    assert repr(view) == repr([second, first])
    # Registrations of other kinds have stayed as they were.
    assert [len(getattr(blueprint, f"_future_{name}")) for name in NAMES] == [1, 1, 2, 1, 1, 1]


@pytest.mark.parametrize("record", [None, "text", FutureListener(print, "before_server_start", 0)])
def test_a_view_refuses_what_is_of_another_kind(record: Any) -> None:
    blueprint = Blueprint("Kinds")
    with pytest.raises(TypeError, match="is no MiddlewareDefinition"):
        blueprint._future_middleware.append(record)
    assert blueprint._future_middleware == []


def test_a_blueprint_applies_what_its_views_were_given() -> None:
    order: list[str] = []
    blueprint = Blueprint("Applied", url_prefix="/bp")

    @blueprint.get("/")
    async def index(request: Any) -> Any:
        return text(" ".join(order))

    @blueprint.on_request
    async def second(request: Any) -> None:
        order.append("second")

    async def first(request: Any) -> None:
        order.append("first")

    def other(request: Any) -> Any:
        return text("other")

    # As Sanic-Cors does it.
    wrapped = Middleware(first, MiddlewareLocation.REQUEST, priority=99)
    blueprint._future_middleware.insert(0, FutureMiddleware(wrapped, "request"))
    route = blueprint._future_routes[0]
    assert isinstance(route, FutureRoute)
    blueprint._future_routes.add(route._replace(handler=other, uri="/other", name="other"))
    app: Sanic[Any, Any] = Sanic("Applying")
    app.blueprint(blueprint)
    assert app.test_client.get("/bp/")[1].text == "first second"
    assert app.test_client.get("/bp/other")[1].text == "other"
