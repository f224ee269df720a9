"""The types of an application for a type checker: mypy reads this file, and the application runs too."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import signature
from types import SimpleNamespace
from typing import Any, TypeVar, assert_type, get_type_hints

import pytest

from sanic_star import Blueprint, Config, DefaultRequest, DefaultSanic, HTTPResponse, Request, Sanic, Websocket, text
from sanic_star.compat._app.definitions import RouteDefinition
from sanic_star.compat._app.route_options import RouteOptions
from sanic_star.compat.cookies import Cookie
from sanic_star.compat.exceptions import (
    FileNotFound,
    MethodNotAllowed,
    NotFound,
    RangeNotSatisfiable,
    SanicException,
    ServerError,
)
from sanic_star.compat.views import HTTPMethodView
from sanic_star.testing import SanicTestClient

T = TypeVar("T")


class Settings(Config):
    LIMIT: int = 3


@dataclass
class Shop:
    orders: dict[str, int] = field(default_factory=dict)


@dataclass
class Visit:
    user: str = "nobody"


App = Sanic[Settings, Shop]


class Visitor(Request[App, Visit]):
    @staticmethod
    def make_context() -> Visit:
        return Visit()


def application() -> App:
    app = Sanic("Typed", config=Settings(env_prefix=None), ctx=Shop(), request_class=Visitor)
    assert_type(app, App)
    assert_type(app.config.LIMIT, int)
    assert_type(app.ctx.orders, dict[str, int])
    blueprint = Blueprint("orders", url_prefix="/orders")

    @app.on_request
    async def login(request: Request[App, Visit]) -> None:
        assert_type(request.ctx.user, str)
        request.ctx.user = request.headers.get("x-user") or "nobody"

    @app.middleware("response")
    def mark(request: DefaultRequest, response: HTTPResponse) -> None:
        response.headers["x-limit"] = str(request.app.config.LIMIT)

    @app.on_request(priority=1)
    def first(request: Request) -> None:
        request.ctx.first = True

    @app.before_server_start
    async def start(app: App) -> None:
        app.ctx.orders["tea"] = 1

    @app.listener("after_server_stop")
    def stop(app: App) -> None:
        app.ctx.orders.clear()

    @blueprint.get("/<name:str>")
    async def order(request: Request[App, Visit], name: str) -> HTTPResponse:
        assert_type(request.app.ctx.orders[name], int)
        assert_type(request.args.get("page"), Any | None)
        assert_type(request.token, str | None)
        assert_type(Request.get_current().path, str)
        return text(f"{request.ctx.user} {order_url(request)}")

    @app.websocket("/feed")
    async def feed(request: Request, ws: Websocket) -> None:
        assert_type(await ws.recv(), str | bytes | None)

    @app.every(60)
    async def tidy(app: App) -> None: ...

    @app.exception(KeyError)
    async def unknown(request: Request, error: KeyError) -> HTTPResponse:
        return text("no such order", 404)

    class View(HTTPMethodView):
        async def get(self, request: Request) -> HTTPResponse:
            return text("view")

    # Decorated functions stay what they are.
    assert_type(_returned(order), HTTPResponse)
    assert_type(_returned(login), None)
    assert_type(_returned(start), None)
    assert_type(_returned(unknown), HTTPResponse)
    handlers: tuple[Callable[[App], None], Callable[[DefaultRequest, HTTPResponse], None]] = stop, mark
    assert len({*handlers, tidy, feed, first}) == 5
    app.blueprint(Blueprint.group(blueprint, url_prefix="/v1"))
    app.add_route(View.as_view(), "/view")
    return app


def _returned(function: Callable[..., Awaitable[T]]) -> T:
    """Stand for what a coroutine function returns."""
    return None  # type: ignore[return-value]


def order_url(request: Request) -> str:
    return request.app.url_for("orders.order", name="tea")


def any_application(app: DefaultSanic) -> SimpleNamespace:
    return app.ctx


def test_an_application_with_types() -> None:
    app = application()
    assert_type(app.test_client, SanicTestClient)
    _, response = app.test_client.get("/v1/orders/tea", headers={"x-user": "ann"})
    assert (response.status, response.text) == (200, "ann /v1/orders/tea")
    assert response.headers["x-limit"] == "3"
    assert app.test_client.get("/v1/orders/milk")[1].status == 404
    assert app.test_client.get("/view")[1].text == "view"


async def show(request: Request) -> HTTPResponse:
    return text("shown")


async def talk(request: Request, ws: Websocket) -> None: ...


# mypy refuses each marked line, since it would report a comment that ignores nothing.
MISSPELT: list[Callable[[Sanic | Blueprint], object]] = [
    lambda on: on.get("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.head("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.options("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.post("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.put("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.patch("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.delete("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.websocket("/", versoin=1),  # type: ignore[call-arg]
    lambda on: on.route("/", versoin=1),
    lambda on: on.add_route(show, "/", versoin=1),  # type: ignore[call-arg,call-overload]
    lambda on: on.add_websocket_route(talk, "/", versoin=1),  # type: ignore[call-arg,call-overload]
]


@pytest.mark.parametrize("register", MISSPELT)
@pytest.mark.parametrize("owner", [Sanic, Blueprint])
def test_a_misspelt_option_of_a_route_is_refused_at_once(
    owner: Callable[[str], Sanic | Blueprint], register: Callable[[Sanic | Blueprint], object]
) -> None:
    with pytest.raises(TypeError, match=r"^Unexpected keyword arguments: versoin \(did you mean version\?\)$"):
        register(owner("Misspelt"))


def test_options_of_routes_with_types() -> None:
    app = Sanic("Options")
    app.get("/get", version=1, name="a", ignore_body=True, version_prefix="/api/v", error_format="json")(show)
    app.post("/post", host="a.example", strict_slashes=True, stream=True, unquote=True, max_body_size=10)(show)
    app.websocket("/websocket", subprotocols=["chat"], name="b", apply=False)(talk)
    app.route("/route", methods=["GET", "PUT"], ctx_label="c")(show)
    app.add_route(lambda request: text("lambda"), "/lambda", name="d")
    assert_type(_returned(app.add_route(show, "/added", ["POST"], version=2, error_format="text")), HTTPResponse)
    assert_type(_returned(app.add_websocket_route(talk, "/talk", name="e")), None)
    assert_type(_returned(Blueprint("bp").add_route(show, "/added", unquote=True)), HTTPResponse)
    app.get("/get", version="one", error_format=1)  # type: ignore[arg-type]
    assert len(app.router.routes) == 6


def test_type_checkers_know_every_option_of_a_route() -> None:
    options = set(signature(Sanic.route).parameters) - {
        "self",
        "uri",
        "methods",
        "host",
        "strict_slashes",
        "ctx_kwargs",
    }
    assert set(get_type_hints(RouteOptions)) == options
    assert {*options, "uri", "methods", "host", "strict_slashes", "handler", "route_context"} - {"apply"} == set(
        RouteDefinition._fields
    )


def test_a_record_has_no_other_fields() -> None:
    with pytest.raises(TypeError, match="versoin"):
        RouteDefinition(handler=show, uri="/", methods=None, name="a", versoin=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="versoin"):
        Sanic("Record").router.add("/", ["GET"], show, versoin=1)  # type: ignore[call-arg]


# Each call has a keyword that does not exist; Sanic refuses these too.
WRONG_KEYWORDS: list[Callable[[], object]] = [
    lambda: NotFound("m", qiuet=True),  # type: ignore[call-arg]
    lambda: ServerError("m", headres={}),  # type: ignore[call-arg]
    lambda: SanicException("m", contxt={}),  # type: ignore[call-arg]
    lambda: MethodNotAllowed("m", "GET", ["PUT"], status_code=404),  # type: ignore[call-arg]
    lambda: FileNotFound("m", "p", "u", extras={}),  # type: ignore[call-arg]
    lambda: RangeNotSatisfiable("m", None, status_code=404),  # type: ignore[call-arg]
    lambda: text("").add_cookie("a", "b", max_aeg=1),  # type: ignore[call-arg]
    lambda: text("").cookies.add_cookie("a", "b", http_only=True),  # type: ignore[call-arg]
]


@pytest.mark.parametrize("call", WRONG_KEYWORDS)
def test_a_wrong_keyword_of_an_exception_or_a_cookie_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        call()


def test_keywords_of_exceptions_and_cookies_with_types() -> None:
    error = MethodNotAllowed("m", "PUT", ["GET"], quiet=False, context={"a": 1}, extra={}, headers={"x": "y"})
    assert (error.quiet, error.context, error.headers) == (False, {"a": 1}, {"x": "y", "Allow": "GET"})
    response = text("")
    assert_type(response.add_cookie("a", "b", max_age=1, samesite="Strict", host_prefix=True), Cookie)
    assert str(response.cookies["__Host-a"]) == "__Host-a=b; Path=/; Max-Age=1; SameSite=Strict; Secure"
    response.add_cookie("a", "b", max_age="1")  # type: ignore[arg-type]
