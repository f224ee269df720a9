"""Middleware: how it is registered, in which order it runs, what it may answer and change."""

from typing import Any

import pytest

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.testing import TestClient

REQUEST, RESPONSE = MiddlewareLocation.REQUEST, MiddlewareLocation.RESPONSE


def hello_app(seen: list[str]) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Middleware")

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        seen.append("handler")
        return text("hello")

    return app


@pytest.mark.parametrize("way", ["bare", "attached", "on", "on with priority", "registered", "object"])
@pytest.mark.parametrize("where", ["request", "response"])
def test_ways_of_registering(way: str, where: str) -> None:
    seen: list[str] = []
    app = hello_app(seen)

    async def note(*args: Any) -> None:
        seen.append(f"{where} {len(args)}")

    match way:
        case "bare" if where == "request":
            app.middleware(note)
        case "bare" | "attached":
            app.middleware(where)(note)
        case "on":
            getattr(app, f"on_{where}")(note)
        case "on with priority":
            getattr(app, f"on_{where}")(priority=1)(note)
        case "registered":
            assert app.register_middleware(note, where) is note
        case _:
            app.register_middleware(Middleware(note, MiddlewareLocation[where.upper()]), where, priority=3)
    TestClient(app).get("/")
    assert seen == (["request 1", "handler"] if where == "request" else ["handler", "response 2"])


def test_order_by_definition_and_priority() -> None:
    seen: list[str] = []
    app = hello_app(seen)
    for name, priority in (("a", 0), ("b", 0), ("first", 9), ("last", -9)):
        app.on_request(lambda request, name=name: seen.append(name), priority=priority)
        app.on_response(lambda request, response, name=name: seen.append(name), priority=priority)
    TestClient(app).get("/")
    assert seen == ["first", "a", "b", "last", "handler", "last", "b", "a", "first"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_first_request_middleware_that_returns_something_answers(asynchronous: bool) -> None:
    seen: list[str] = []
    app = hello_app(seen)

    def plain(request: Request) -> HTTPResponse:
        return text("early")

    async def coroutine(request: Request) -> HTTPResponse:
        return text("early")

    app.on_request(coroutine if asynchronous else plain)
    app.on_request(lambda request: seen.append("never"))
    app.on_response(lambda request, response: seen.append("response"))
    assert TestClient(app).get("/").text == "early"
    assert seen == ["response"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_first_response_middleware_that_returns_something_replaces_the_response(asynchronous: bool) -> None:
    seen: list[str] = []
    app = hello_app(seen)
    app.on_response(lambda request, response: seen.append("never"))

    def plain(request: Request, response: HTTPResponse) -> HTTPResponse:
        return text(f"not {response.body!r}")

    async def coroutine(request: Request, response: HTTPResponse) -> HTTPResponse:
        return plain(request, response)

    app.on_response(coroutine if asynchronous else plain)
    assert TestClient(app).get("/").text == "not b'hello'"
    assert TestClient(app).get("/none").text.startswith("not b'")
    assert seen == ["handler"]


def test_an_error_in_response_middleware_loses_no_response(caplog: pytest.LogCaptureFixture) -> None:
    app = hello_app([])

    @app.on_response
    async def fail(request: Request, response: HTTPResponse) -> None:
        raise KeyError("boom")

    client = TestClient(app)
    assert client.get("/").text == "hello"
    assert client.get("/none").status_code == 404
    failures = [each for each in caplog.records if "response middleware" in each.message]
    assert len(failures) == 2


def test_an_error_in_request_middleware_is_answered_and_passes_response_middleware() -> None:
    seen: list[str] = []
    app = hello_app(seen)

    @app.on_request
    async def fail(request: Request) -> None:
        raise KeyError("boom")

    @app.on_response
    async def after(request: Request, response: HTTPResponse) -> None:
        seen.append(f"response {response.status}")

    @app.exception(KeyError)
    async def handle(request: Request, error: KeyError) -> HTTPResponse:
        return text("handled", 418)

    client = TestClient(app)
    assert [client.get(path).status_code for path in ("/", "/none")] == [418, 418]
    assert seen == ["response 418"] * 2


def test_a_path_without_a_route_passes_middleware_too() -> None:
    seen: list[str] = []
    app = hello_app(seen)
    app.on_request(lambda request: seen.append("request"))
    app.on_response(lambda request, response: seen.append("response"))
    assert TestClient(app).get("/none").status_code == 404
    assert seen == ["request", "response"]

    @app.on_request
    async def answer(request: Request) -> HTTPResponse:
        return text("instead")

    assert TestClient(app).get("/none").text == "instead"


def test_middleware_of_certain_routes() -> None:
    seen: list[str] = []
    app = hello_app(seen)
    bp = Blueprint("bp", url_prefix="/bp")

    @bp.get("/")
    async def inner(request: Request) -> HTTPResponse:
        return text("")

    @bp.on_request
    async def before(request: Request) -> None:
        seen.append("bp request")

    @bp.on_response
    async def after(request: Request, response: HTTPResponse) -> None:
        seen.append("bp response")

    app.blueprint(bp)
    app.register_named_middleware(lambda request: seen.append("named"), ["Middleware.hello"])
    client = TestClient(app)
    client.get("/")
    assert seen == ["named", "handler"]
    seen.clear()
    client.get("/bp/")
    assert seen == ["bp request", "bp response"]


def test_one_function_is_registered_once_where_it_is_the_same_object() -> None:
    app = hello_app([])
    middleware = Middleware(lambda request: None, REQUEST)
    for _ in range(2):
        app.register_middleware(middleware)
        app.register_named_middleware(middleware, ["a"])
    assert list(app.request_middleware) == [middleware]
    assert list(app.named_request_middleware["a"]) == [middleware]


def test_a_started_request_answers_in_middleware_by_respond() -> None:
    app = hello_app([])

    @app.on_request
    async def early(request: Request) -> Any:
        response = await request.respond(content_type="text/plain")
        await response.send("streamed")
        return response

    assert TestClient(app).get("/").text == "streamed"


def test_the_object() -> None:
    def function(request: Any) -> Any:
        return request

    middleware = Middleware(function, REQUEST, priority=2)
    assert middleware("a") == "a"
    assert hash(middleware) == hash(function)
    assert repr(middleware) == "Middleware(func=<function function>, priority=2, location=REQUEST)"
    partial_like = Middleware(object(), RESPONSE)  # type: ignore[arg-type]
    assert "location=RESPONSE" in repr(partial_like)
    Middleware.reset_count()
    assert Middleware(function, REQUEST).definition == 1
