"""What a type checker sees of an application: mypy reads this file, and the application runs, too."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar, assert_type

from sanic_star import Blueprint, Config, DefaultRequest, DefaultSanic, HTTPResponse, Request, Sanic, Websocket, text
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
    known: tuple[Callable[[App], None], Callable[[DefaultRequest, HTTPResponse], None]] = stop, mark
    assert len({*known, tidy, feed, first}) == 5
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
