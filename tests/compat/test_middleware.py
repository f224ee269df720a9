"""Middleware: its registration, its order, its responses and changes."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.responses import Response as StarletteResponse

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, text
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.compat.response import ResponseStream, _foreign
from sanic_star.testing import TestClient

REQUEST, RESPONSE = MiddlewareLocation.REQUEST, MiddlewareLocation.RESPONSE


def hello_app(seen: list[str]) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Middleware")

    @app.get("/")
    async def hello(request: Request) -> HTTPResponse:
        seen.append("handler")
        return text("hello")

    return app


@pytest.mark.parametrize("registration", ["bare", "attached", "on", "on with priority", "registered", "object"])
@pytest.mark.parametrize("where", ["request", "response"])
def test_all_registration_functions(registration: str, where: str) -> None:
    seen: list[str] = []
    app = hello_app(seen)

    async def note(*args: Any) -> None:
        seen.append(f"{where} {len(args)}")

    match registration:
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
    failures = [record for record in caplog.records if "response middleware" in record.message]
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


# Responses that are not Sanic's ---------------------------------------------------------------------------------------


def returning(response: Any) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Returning")

    @app.get("/")
    async def handler(request: Request) -> Any:
        return response() if callable(response) else response

    return app


async def parts() -> Any:
    yield b"hello"


def make_file(folder: Path) -> FileResponse:
    path = folder / "a.txt"
    path.write_text("hello")
    return FileResponse(path)


@pytest.mark.parametrize("kind", ["plain", "stream", "file", "own"])
def test_middleware_reads_and_changes_starlettes_responses(kind: str, tmp_path: Path) -> None:
    class Own(PlainTextResponse):
        media_type = "text/own"

    made = {
        "plain": lambda: PlainTextResponse("hello", 201),
        "stream": lambda: StreamingResponse(parts(), 201, media_type="text/plain"),
        "file": lambda: make_file(tmp_path),
        "own": lambda: Own("hello", 201),
    }[kind]
    app, seen = returning(made), []

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        seen.append((response.status, response.content_type, isinstance(response, StarletteResponse)))
        assert response.status == response.status_code
        response.status = 202
        response.headers["x-id"] = UUID(int=5)
        response.headers["x-id"] = 6
        response.headers.add("x-id", 7)
        response.headers.extend({"x-a": 1})
        response.headers.extend([("x-a", 2)])
        assert response.headers.setdefault("x-a", "3") == response.headers.setdefault("x-b", 1) == "1"
        assert response.headers.getone("x-a") == "1"
        assert response.headers.getall("x-a") == response.headers.get_all("x-a") == ["1", "2"]
        assert (response.headers.getone("no", 5), response.headers.getall("no", 5), response.headers.get_all("no")) == (
            5,
            5,
            [],
        )
        for method in (response.headers.getone, response.headers.getall, response.headers.pop, response.headers.popall):
            assert method("no", 5) == method("no", default=5) == 5
            with pytest.raises(KeyError):
                method("no")
        assert response.headers.pop("x-a") == "1"
        assert response.headers.popall("x-b") == ["1"]
        response.content_type = "text/changed"
        cookie = response.add_cookie("a", "1", secure=False, samesite=None)
        cookie.max_age = 5
        response.delete_cookie("b")
        response.set_cookie("c", "2")
        if kind in ("plain", "own"):
            assert response.body == b"hello"
            response.body = "changed!"
        else:
            with pytest.raises(AttributeError, match="is not available before it is sent"):
                _ = response.body
            with pytest.raises(AttributeError, match="is not available before it is sent"):
                response.body = b""

    answer = TestClient(app).get("/")
    assert seen[0][2] is True
    assert (answer.status_code, answer.text) == (202, "changed!" if kind in ("plain", "own") else "hello")
    assert (answer.headers["x-id"], answer.headers["content-type"]) == ("6, 7", "text/changed")
    assert "x-a" not in answer.headers
    assert answer.headers["set-cookie"].count("a=1; Path=/; Max-Age=5") == 1
    assert answer.headers["set-cookie"].count("c=2") == 1


def test_starlettes_headers_may_be_replaced_and_are_checked(caplog: pytest.LogCaptureFixture) -> None:
    ready = PlainTextResponse("ready")
    app = returning(lambda: ready)

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        if request.args:
            response.headers["x-a"] = "a\r\nx-b: c"
        response.headers = {"x-only": "1"}

    client = TestClient(app)
    assert dict(client.get("/").headers) == {"x-only": "1"}
    assert dict(client.get("/").headers) == {"x-only": "1"}
    assert "x-b" not in client.get("/?bad=1").headers
    assert "CR, LF and NUL" in caplog.text


def test_middleware_may_replace_what_handlers_return() -> None:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("asgi")(scope, receive, send)

    async def write(response: Any) -> None:
        await response.write("stream")

    for made in (lambda: PlainTextResponse("a"), lambda: ResponseStream(write), lambda: asgi):
        app = returning(made)
        kinds: list[str] = []

        @app.on_response
        async def change(request: Request, response: Any, kinds: list[str] = kinds) -> Any:
            kinds.append(type(response).__name__)
            return text("new") if request.args else None

        client = TestClient(app)
        bodies = [client.get(path).text for path in ("/", "/?new=1")]
        # An ASGI application has no status and no headers before it runs.
        assert (bodies, kinds) in (
            (["a", "new"], ["PlainTextResponse"] * 2),
            (["stream", "new"], ["ResponseStream"] * 2),
            (["asgi", "asgi"], []),
        )


def test_kinds_of_responses_made_at_run_time_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_foreign, "_MAX_NAMED_CLASSES", len(_foreign._named_classes))
    kind = type("Made", (PlainTextResponse,), {})
    response = _foreign.with_sanic_names(kind("x"))
    assert (type(response).__name__, response.status) == ("Made", 200)
    assert _foreign.with_sanic_names(response) is response
    assert kind not in _foreign._named_classes
