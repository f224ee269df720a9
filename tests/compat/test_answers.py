"""The results that a handler may return, and the responses to its failures."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.exceptions import NotFound, SanicException, ServiceUnavailable
from sanic_star.compat.response import ResponseStream
from sanic_star.testing import TestClient
from tests.engine.raw import Peer, ask, http_scope


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("raw")(scope, receive, send)


async def stream(response: Any) -> None:
    await response.write("str")
    await response.write("eam")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: text("sanic"), "sanic"),
        (lambda: HTTPResponse(b"bytes"), "bytes"),
        (lambda: PlainTextResponse("starlette"), "starlette"),
        (lambda: JSONResponse({"a": 1}), '{"a":1}'),
        (lambda: raw, "raw"),
        (lambda: ResponseStream(stream), "stream"),
    ],
)
@pytest.mark.parametrize("from_exception_handler", [False, True])
def test_valid_results_of_a_handler(make: Any, expected: str, from_exception_handler: bool) -> None:
    app: Sanic[Any, Any] = Sanic("Returning")

    @app.get("/")
    async def handler(request: Request) -> Any:
        if from_exception_handler:
            raise KeyError
        return make()

    @app.exception(KeyError)
    async def handle(request: Request, error: KeyError) -> Any:
        return make()

    answer = TestClient(app).get("/")
    assert (answer.status_code, answer.text) == (200, expected)


@pytest.mark.parametrize("value", [None, "text", 5])
def test_invalid_results_of_a_handler(value: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Wrong")

    @app.get("/")
    async def handler(request: Request) -> Any:
        return value

    assert TestClient(app).get("/").status_code == 500
    app.debug = True
    assert "Invalid response type" in TestClient(app).get("/").text


@pytest.mark.parametrize("value", ["text", 5])
def test_invalid_results_of_an_exception_handler(value: Any) -> None:
    app: Sanic[Any, Any] = Sanic("WrongHandler", debug=True)

    @app.exception(NotFound)
    async def handle(request: Request, error: NotFound) -> Any:
        return value

    answer = TestClient(app).get("/")
    assert answer.status_code == 500
    assert "Invalid response type" in answer.text


def test_an_exception_handler_that_returns_nothing_leaves_it_to_the_default() -> None:
    app: Sanic[Any, Any] = Sanic("Nothing")
    app.exception(NotFound)(lambda request, error: None)
    assert TestClient(app).get("/").status_code == 404


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("error", [KeyError("inner"), SanicException("inner", 418)])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_exception_handler_that_fails(error: Exception, debug: bool, asynchronous: bool) -> None:
    app: Sanic[Any, Any] = Sanic("FailingHandler", debug=debug)

    def plain(request: Request, exception: Exception) -> Any:
        raise error

    async def coroutine(request: Request, exception: Exception) -> Any:
        raise error

    app.exception(NotFound)(coroutine if asynchronous else plain)
    answer = TestClient(app).get("/")
    assert answer.status_code == (418 if asynchronous and isinstance(error, SanicException) else 500)
    if answer.status_code == 500:
        assert ("inner" in answer.text or "failing" in answer.text or "plain" in answer.text) is debug


async def test_an_exception_handler_may_answer_piece_by_piece() -> None:
    app: Sanic[Any, Any] = Sanic("Pieces")

    @app.exception(NotFound)
    async def handle(request: Request, error: NotFound) -> Any:
        response = await request.respond(status=404)
        await response.send("not ")
        await response.send("here")

    peer = await ask(app, http_scope())
    assert (peer.status, peer.body, peer.complete) == (404, b"not here", True)


async def test_an_error_after_respond_but_before_its_first_part_is_answered() -> None:
    app: Sanic[Any, Any] = Sanic("Promised")

    @app.get("/")
    async def handler(request: Request) -> None:
        await request.respond()
        raise SanicException("no", 418)

    peer = await ask(app, http_scope())
    assert (peer.status, peer.complete) == (418, True)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("error", [SanicException("late", 418), NotFound("late")], ids=["loud", "quiet"])
async def test_an_error_after_the_head_is_logged_only(
    error: SanicException, noisy: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Late")
    app.config.NOISY_EXCEPTIONS = noisy

    @app.get("/")
    async def handler(request: Request) -> None:
        response = await request.respond()
        await response.send("begun")
        raise error

    peer = Peer()
    with pytest.raises(SanicException, match="late"):
        await app(http_scope(), peer.receive, peer.send)
    assert peer.status == 200
    assert not peer.complete
    assert [record.name for record in caplog.records] == ["sanic.error"]


async def test_exception_handlers_do_not_run_after_the_response_head(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Later")

    @app.exception(NotFound)
    async def handle(request: Request, error: NotFound) -> HTTPResponse:
        raise AssertionError("its answer could not be sent")

    @app.get("/")
    async def handler(request: Request) -> None:
        response = await request.respond()
        await response.send("begun")
        raise NotFound("late")

    peer = Peer()
    with pytest.raises(NotFound, match="late"):
        await app(http_scope(), peer.receive, peer.send)
    assert "exception handler handle is not called" in caplog.text


async def test_respond_refuses_other_types() -> None:
    app: Sanic[Any, Any] = Sanic("Slip")

    @app.get("/")
    async def handler(request: Request) -> None:
        await request.respond("no response")

    peer = await ask(app, http_scope())
    assert (peer.status, peer.complete) == (500, True)
    assert b"Invalid response type None" in peer.body


async def test_an_exception_handler_that_never_returns_a_response() -> None:
    app: Sanic[Any, Any] = Sanic("Numbers")

    @app.exception(SanicException)
    async def handle(request: Request, error: SanicException) -> Any:
        return 5

    peer = await ask(app, http_scope())
    assert (peer.status, peer.complete) == (500, True)
    assert b"Invalid response type 5" in peer.body


async def test_response_middleware_runs_once_where_an_answer_is_taken_back() -> None:
    app: Sanic[Any, Any] = Sanic("Back")
    seen: list[bytes] = []

    @app.on_response
    async def after(request: Request, response: HTTPResponse) -> None:
        seen.append(response.body)

    @app.get("/")
    async def handler(request: Request) -> HTTPResponse:
        await request.respond(text("first"))
        request.reset_response()
        return text("second")

    assert (await ask(app, http_scope())).body == b"second"
    assert seen == [b"first"]


async def test_starlettes_exception_in_an_exception_handler_is_answered_as_sanics_is() -> None:
    app: Sanic[Any, Any] = Sanic("Further")

    @app.exception(NotFound)
    async def handle(request: Request, error: NotFound) -> HTTPResponse:
        raise HTTPException(418, "no tea")

    peer = await ask(app, http_scope())
    assert peer.status == 418
    assert b"no tea" in peer.body


@pytest.mark.parametrize("other", [False, True])
async def test_a_response_that_is_returned_after_respond(other: bool, caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Twice")

    @app.get("/")
    async def handler(request: Request) -> Any:
        response = await request.respond()
        await response.send("first")
        return text("second") if other else response

    peer = await ask(app, http_scope())
    assert (peer.body, peer.complete) == (b"first", True)
    assert ["will not be sent to client" in record.message for record in caplog.records] == ([True] if other else [])


async def test_respond_with_starlettes_response() -> None:
    app: Sanic[Any, Any] = Sanic("Theirs")

    @app.get("/")
    async def handler(request: Request) -> Any:
        return await request.respond(PlainTextResponse("theirs"))

    peer = await ask(app, http_scope())
    assert (peer.body, peer.complete) == (b"theirs", True)


async def test_an_answer_in_response_middleware() -> None:
    app: Sanic[Any, Any] = Sanic("Changed")

    @app.on_response
    async def change(request: Request, response: HTTPResponse) -> HTTPResponse:
        return text("changed", 201)

    @app.get("/")
    async def handler(request: Request) -> None:
        response = await request.respond()
        assert response.status == 201
        await response.send("!")

    @app.get("/error")
    async def fail(request: Request) -> None:
        raise SanicException("no", 418)

    # As on Sanic's server, the first part takes the place of the response's own body.
    assert (await ask(app, http_scope())).body == b"!"
    assert (await ask(app, http_scope("/error"))).status == 201


async def test_response_middleware_runs_once_for_a_request() -> None:
    app: Sanic[Any, Any] = Sanic("Once")
    seen: list[int] = []
    app.on_response(lambda request, response: seen.append(response.status))
    request = Request({**http_scope(), "app": app})
    for status in (200, 202):
        response = text("a", status)
        assert await app._answers.run_response_middleware(request, response) is response
    assert seen == [200]


@pytest.mark.parametrize("path", ["/a b", "/a%2Fb"])
async def test_a_404_names_the_path_as_it_was_sent(path: str) -> None:
    app: Sanic[Any, Any] = Sanic("Shown")
    encoded = path.replace(" ", "%20").encode()
    body = (await ask(app, http_scope(path, raw_path=encoded))).body.decode()
    assert f"Requested URL {encoded.decode()} not found" in body
    assert "Requested URL /a%20b not found" in (await ask(app, http_scope("/a b", raw_path=None))).body.decode()


async def test_an_exception_of_request_middleware_for_a_missing_path_replaces_the_404() -> None:
    app: Sanic[Any, Any] = Sanic("Replaced")

    @app.on_request
    async def fail(request: Request) -> None:
        raise ServiceUnavailable("down")

    assert (await ask(app, http_scope("/none"))).status == 503


def test_synchronous_and_asynchronous_websocket_handlers() -> None:
    app: Sanic[Any, Any] = Sanic("Speaking")
    tasks: list[asyncio.Task[Any]] = []

    @app.websocket("/sync")
    def sync(request: Request, ws: Any) -> None:
        tasks.append(asyncio.get_running_loop().create_task(ws.close(4000)))

    @app.websocket("/coroutine/<x:int>", subprotocols=["b", "a"])
    async def coroutine(request: Request, ws: Any, x: int) -> None:
        await ws.send(f"{ws.subprotocol} {x}")

    with TestClient(app) as client, client.websocket_connect("/coroutine/5", ["a"]) as ws:
        assert ws.receive_text() == "a 5"
    with TestClient(app) as client, client.websocket_connect("/sync") as ws:
        assert ws.receive()["type"] == "websocket.close"


async def test_a_limit_is_put_on_routes_that_read_a_body() -> None:
    app: Sanic[Any, Any] = Sanic("Limits", max_body_size=7)
    app.config.REQUEST_MAX_SIZE = 9

    async def handler(request: Request) -> HTTPResponse:
        return text("")

    app.add_route(handler, "/post", ["POST"], name="a")
    app.add_route(handler, "/get", ["GET"], name="b", ignore_body=True)
    app.finalize()
    assert [route.max_body_size for route in app.router.routes] == [7, None]  # type: ignore[attr-defined]


def test_one_exception_raised_in_two_requests_is_answered_twice(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Twice")
    failed = ValueError("the pool could not be made")

    @app.get("/")
    async def handler(request: Any) -> None:
        raise failed

    client = TestClient(app, raise_server_exceptions=False)
    first, second = client.get("/"), client.get("/")
    assert first.status_code == second.status_code == 500
    assert first.text == second.text != "Internal Server Error"
    assert sum("occurred while handling" in record.getMessage() for record in caplog.records) == 2


def test_a_task_that_was_cancelled_elsewhere_is_an_error_like_any_other() -> None:
    app: Sanic[Any, Any] = Sanic("Elsewhere")

    @app.get("/")
    async def handler(request: Any) -> None:
        task = asyncio.ensure_future(asyncio.sleep(10))
        task.cancel()
        await task

    @app.on_response
    async def mark(request: Any, response: Any) -> None:
        response.headers["x-mark"] = "1"

    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert (answer.status_code, answer.headers["x-mark"]) == (500, "1")


def test_response_middleware_gets_only_responses() -> None:
    app: Sanic[Any, Any] = Sanic("Nothing")

    @app.exception(ValueError)
    async def nothing(request: Any, error: Exception) -> None:
        return None

    @app.get("/")
    async def handler(request: Any) -> None:
        raise ValueError

    @app.on_response
    async def mark(request: Any, response: Any) -> None:
        response.headers["x-mark"] = "1"

    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert (answer.status_code, answer.headers["x-mark"]) == (500, "1")
    assert "Invalid response type None" in answer.text


def test_the_error_of_request_middleware_is_raised() -> None:
    app: Sanic[Any, Any] = Sanic("Real")

    @app.on_request
    async def fail(request: Any) -> None:
        raise KeyError("real")

    with pytest.raises(KeyError, match="real"):
        TestClient(app).get("/none")


@pytest.mark.parametrize("listened", [False, True])
async def test_an_exception_that_can_not_be_changed_is_raised_as_it_is(listened: bool) -> None:
    @dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    app: Sanic[Any, Any] = Sanic("Frozen")
    exceptions: list[BaseException] = []
    if listened:
        app.report_exception(lambda app, error: exceptions.append(error))

    @app.get("/")
    async def fail(request: Request) -> Any:
        raise Frozen(3)

    peer = Peer()
    with pytest.raises(Frozen):
        await app(http_scope(), peer.receive, peer.send)
    assert peer.status == 500
    assert exceptions == [Frozen(3)] * listened
