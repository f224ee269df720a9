"""Class views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser, requires
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text
from sanic_star.compat.views import HTTPMethodView, stream
from sanic_star.testing import TestClient


@pytest.fixture
def app() -> Sanic[Any, Any]:
    return Sanic("Views")


def test_methods_of_a_view_answer(app: Sanic[Any, Any]) -> None:
    class Items(HTTPMethodView):
        """The items."""

        def __init__(self, greeting: str, *, mark: str = "") -> None:
            self.greeting = greeting + mark

        async def get(self, request: Request, x: int) -> HTTPResponse:
            return text(f"{self.greeting} {x}")

        def post(self, request: Request, x: int) -> HTTPResponse:
            return text("posted")

    app.add_route(Items.as_view("hello", mark="!"), "/<x:int>")
    client = TestClient(app)
    assert (client.get("/5").text, client.post("/5").text) == ("hello! 5", "posted")
    assert client.delete("/5").status_code == 405
    view = Items.as_view("")
    assert (view.__name__, view.__doc__, view.view_class) == ("Items", "The items.", Items)  # type: ignore[attr-defined]


def test_a_view_attached_by_its_own_statement(app: Sanic[Any, Any]) -> None:
    bp = Blueprint("bp", url_prefix="/bp")

    class First(HTTPMethodView, attach=app, uri="/first", methods=["GET"], version=1, name="named"):
        async def get(self, request: Request) -> HTTPResponse:
            return text(str(request.name))

    class Second(HTTPMethodView, attach=bp, uri="/second"):
        async def get(self, request: Request) -> HTTPResponse:
            return text(str(request.name))

    First.attach(app, "/again", name="again")
    app.blueprint(bp)
    client = TestClient(app)
    answers = [client.get(path).text for path in ("/v1/first", "/bp/second", "/again")]
    assert answers == ["Views.named", "Views.bp.Second", "Views.again"]


def test_decorators_wrap_the_view(app: Sanic[Any, Any]) -> None:
    def shout(view: Callable[..., Any]) -> Callable[..., Any]:
        async def shouting(*args: Any, **kwargs: Any) -> HTTPResponse:
            answer = await view(*args, **kwargs)
            return text(answer.body.decode().upper())

        return shouting

    class Quiet(HTTPMethodView):
        decorators = [shout]

        async def get(self, request: Request) -> HTTPResponse:
            return text("quiet")

    app.add_route(Quiet.as_view(), "/")
    assert TestClient(app).get("/").text == "QUIET"


def test_head_is_answered_by_get(app: Sanic[Any, Any]) -> None:
    class Items(HTTPMethodView):
        async def get(self, request: Request) -> HTTPResponse:
            return text("four")

    app.route("/", methods=["GET", "HEAD", "PUT"])(Items.as_view())
    client = TestClient(app, raise_server_exceptions=False)
    assert client.head("/").headers["content-length"] == "4"
    assert client.put("/").status_code == 500


def test_a_method_that_streams(app: Sanic[Any, Any]) -> None:
    class Items(HTTPMethodView):
        @stream
        async def post(self, request: Request) -> HTTPResponse:
            return text("".join([part.decode() async for part in request.stream]))

    app.add_route(Items.as_view(), "/")
    assert TestClient(app).post("/", data=iter([b"one", b"two"])).text == "onetwo"


def test_starlettes_requires_decorates_a_view(app: Sanic[Any, Any]) -> None:
    class Secret(HTTPMethodView):
        decorators = [requires("authenticated")]

        async def get(self, request: Request, request_id: int) -> HTTPResponse:
            return text(f"{request.user.display_name} {request_id}")

    class ByHeader(AuthenticationBackend):
        async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
            name = conn.headers.get("x-user")
            return (AuthCredentials(["authenticated"]), SimpleUser(name)) if name else None

    app.add_middleware(AuthenticationMiddleware, backend=ByHeader())
    app.add_route(Secret.as_view(), "/<request_id:int>")
    client = TestClient(app)
    assert client.get("/7").status_code == 403
    assert client.get("/7", headers={"x-user": "ann"}).text == "ann 7"
