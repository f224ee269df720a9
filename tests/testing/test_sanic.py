"""``SanicTestClient``: the calls of `sanic_testing`, compared with it where both support them."""

import asyncio
import io
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import requests
import sanic
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from sanic_star import Sanic, text
from sanic_star.testing import SanicTestClient, TestingResponse, WebSocketDenialResponse, WebsocketProxy

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def describe(request: Request) -> Response:
    body = await request.body()
    async with request.form() as form:
        files = [
            [name, value.filename, value.content_type, (await value.read()).decode()]
            for name, value in form.multi_items()
            if not isinstance(value, str)
        ]
        fields = sorted([name, value] for name, value in form.multi_items() if isinstance(value, str))
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "args": sorted([name, value] for name, value in request.query_params.multi_items() if value),
            "type": request.headers.get("content-type", "").partition(";")[0],
            "body": "" if files else body.decode(),
            "fields": fields if files else [],
            "files": files,
            "cookies": request.cookies,
            "x-a": request.headers.get("x-a"),
            "authorization": request.headers.get("authorization"),
        }
    )


async def redirect(request: Request) -> Response:
    response = RedirectResponse("/there", status_code=302)
    response.set_cookie("k", "v")
    return response


def app_of(*routes: Any, **kwargs: Any) -> Starlette:
    return Starlette(routes=[*routes, Route("/{path:path}", describe, methods=METHODS)], **kwargs)


def gathering(app: ASGIApp) -> ASGIApp:
    """Leave a request object as an application of this package does."""

    async def gather(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope["extensions"]["sanic_star.testing"]["request"] = f"{scope['type']} {scope['path']}"
        await app(scope, receive, send)

    return gather


@pytest.fixture(scope="module")
def reference() -> Any:
    """Sanic's own client on an app of Sanic that answers as ``describe`` does."""
    with warnings.catch_warnings():
        # Both sanic_testing and what it imports are behind the times.
        warnings.simplefilter("ignore")
        from sanic_testing.testing import SanicTestClient as ReferenceClient  # type: ignore[import-untyped]
    sanic.Sanic.test_mode = True
    app = sanic.Sanic("reference")

    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def describe_it(request: sanic.Request, path: str) -> sanic.HTTPResponse:
        files = [
            [name, value.name, value.type, value.body.decode()]
            for name, many in (request.files or {}).items()
            for value in many
        ]
        fields = sorted([name, value] for name, many in (request.form or {}).items() for value in many)
        return sanic.json(
            {
                "method": request.method,
                "path": request.path,
                "args": sorted([name, value] for name, value in request.query_args),
                "type": request.headers.get("content-type", "").partition(";")[0],
                "body": "" if files else request.body.decode(),
                "fields": fields if files else [],
                "files": files,
                "cookies": {name: request.cookies.get(name) for name in request.cookies},
                "x-a": request.headers.get("x-a"),
                "authorization": request.headers.get("authorization"),
            }
        )

    return ReferenceClient(app)


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"a", b"", b"b"):
        yield piece


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get", {}),
    ("get", {"params": {"a": [1, 2], "b": True, "c": None, "d": "x y+ü", "e": 1.5}}),
    ("get", {"params": [("a", "1"), ("a", "2")]}),
    ("get", {"params": "a=1&b=2"}),
    ("get", {"headers": {"X-A": "b"}, "cookies": {"c": "d"}, "auth": ("user", "pass"), "timeout": 60}),
    ("get", {"headers": [("X-A", "b")]}),
    ("post", {}),
    ("post", {"data": {"a": [1, 2], "b": True, "c": None, "d": "x y+ü"}}),
    ("post", {"content": b"abc"}),
    ("post", {"content": "äbc"}),
    ("post", {"json": {"a": ["ä", 1.5, None, True]}}),
    ("post", {"json": [1], "headers": {"content-type": "application/x"}}),
    ("put", {"json": 0}),
    ("patch", {"content": b"abc", "headers": {"Content-Type": "text/x"}}),
    ("delete", {}),
    ("options", {}),
    ("post", {"files": {"f": b"abc"}}),
    ("post", {"files": {"f": ("a.png", b"abc"), "g": ("g", b"d", "x/y")}, "data": {"a": True, "b": ["1", "2"]}}),
    ("post", {"files": [("f", ("a", b"1")), ("f", ("b.txt", b"2"))]}),
]


@pytest.mark.parametrize(("method", "keywords"), CALLS)
def test_the_app_sees_what_it_sees_with_sanics_client(method: str, keywords: dict[str, Any], reference: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, expected = getattr(reference, method)("/some/path", **keywords)
    _, response = getattr(SanicTestClient(app_of()), method)("/some/path", **keywords)
    assert response.json == expected.json
    assert response.status == expected.status == 200


def test_uses_of_sanics_client_that_need_a_server() -> None:
    client = SanicTestClient(app_of())
    assert client.post("/", content=pieces())[1].json["body"] == "ab"
    assert client.post("/", data=pieces())[1].json["body"] == "ab"
    assert client.post("/", files={"f": io.BytesIO(b"abc")})[1].json["files"] == [
        ["f", "upload", "application/octet-stream", "abc"]
    ]
    assert client.get("/", headers=[("X-A", "1"), ("X-A", "2")])[1].json["x-a"] == "1"
    assert client.get("/", extensions={"trace": None})[1].status == 200


def test_a_head_and_the_urls() -> None:
    client = SanicTestClient(app_of())
    assert client.port is None
    request, response = client.head("/")
    assert (request, response.status, response.body, response.json) == (None, 200, b"", None)
    assert client.port == 1234
    assert client.get("a/b")[1].json["path"] == "/a/b"
    assert client.get()[1].json["path"] == "/"
    assert client.get(uri="/c")[1].url == "http://127.0.0.1:1234/c"
    assert client.get("/c", host="localhost")[1].url == "http://localhost:1234/c"
    assert client.get("https://example.com/c")[1].url == "https://example.com/c"
    assert SanicTestClient(app_of(), 99, "::1").port == 99
    assert client.request("/a")[1].json["method"] == "GET"
    assert client.request("/a", method="post")[1].json["method"] == "POST"


@pytest.mark.parametrize(
    ("method", "status", "chunked"),
    [("get", 200, True), ("head", 200, True), ("get", 404, True), ("get", 204, False), ("get", 304, False)],
)
def test_a_body_without_a_length_comes_in_chunks(method: str, status: int, chunked: bool) -> None:
    async def stream(request: Request) -> Response:
        body = [] if status in (204, 304) else [b"a", b"b"]
        return StreamingResponse(iter(body), status_code=status)

    app = Starlette(routes=[Route("/", stream), Route("/known", lambda request: Response("ab"))])
    _, response = getattr(SanicTestClient(app), method)("/")
    assert response.headers.get("Transfer-Encoding") == ("chunked" if chunked else None)
    _, response = SanicTestClient(app).get("/known")
    assert ("transfer-encoding" in response.headers, response.headers["content-length"]) == (False, "2")


def test_the_request_is_gathered_unless_it_is_not_wanted() -> None:
    client = SanicTestClient(gathering(app_of(Route("/here", redirect))))
    assert client.get("/a")[0] == "http /a"
    assert client.get("/a", gather_request=False)[0] is None
    assert client.get("/a", False)[0] is None
    assert client.get("/here")[0] == "http /here"


def test_redirects() -> None:
    client = SanicTestClient(app_of(Route("/here", redirect)))
    _, response = client.get("/here")
    assert (response.json["path"], response.json["cookies"], len(response.history)) == ("/there", {"k": "v"}, 1)
    for name in ("follow_redirects", "allow_redirects"):
        _, response = client.get("/here", **{name: False})
        assert (response.status, response.headers["location"], dict(response.cookies)) == (302, "/there", {"k": "v"})


def test_nothing_of_one_call_is_left_in_the_next() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def endpoint(request: Request) -> Response:
        loops.append(asyncio.get_running_loop())
        response = JSONResponse(request.cookies)
        response.set_cookie("k", "v")
        return response

    client = SanicTestClient(app_of(Route("/x", endpoint)))
    assert client.get("/x")[1].json == {}
    assert client.get("/x")[1].json == {}
    assert loops[0] is not loops[1]
    assert all(loop.is_closed() for loop in loops)


def test_each_call_starts_and_stops_the_app() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, str]]:
        events.append("start")
        yield {"a": "b"}
        events.append("stop")

    async def endpoint(request: Request) -> Response:
        events.append(request.state.a)
        return Response()

    client = SanicTestClient(app_of(Route("/x", endpoint), lifespan=lifespan))
    client.get("/x")
    client.post("/x")
    assert events == ["start", "b", "stop", "start", "stop"]


def failing_lifespan(at: str) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if at == "start":
            raise KeyError("the app's own")
        yield
        raise KeyError("the app's own")

    return lifespan


def test_a_start_that_fails_comes_out() -> None:
    client = SanicTestClient(app_of(lifespan=failing_lifespan("start")))
    for _ in range(2):
        with pytest.raises(KeyError, match="the app's own"):
            client.get("/")


def test_a_failing_stop_is_logged_and_keeps_the_response(caplog: pytest.LogCaptureFixture) -> None:
    client = SanicTestClient(app_of(lifespan=failing_lifespan("stop")))
    for times in (1, 2):
        assert client.get("/")[1].status == 200
        records = [
            record for record in caplog.records if record.message.startswith("The application's shutdown failed")
        ]
        assert len(records) == times
    assert 'KeyError: "the app\'s own"' in caplog.text


def test_an_exception_in_the_app_is_a_500() -> None:
    async def endpoint(request: Request) -> Response:
        raise KeyError("boom")

    _, response = SanicTestClient(app_of(Route("/x", endpoint))).get("/x")
    assert (response.status, response.text, response.reason_phrase) == (500, "Internal Server Error", response.reason)


def test_client_failures_are_value_errors() -> None:
    client = SanicTestClient(app_of(Route("/loop", lambda request: RedirectResponse("/loop"))))
    with pytest.raises(ValueError, match=r"Exception during request: .*TooManyRedirects") as caught:
        client.get("/loop")
    assert isinstance(caught.value.__cause__, requests.TooManyRedirects)
    with pytest.raises(ValueError, match=r"Exception during request: .*bogus"):
        client.get("/", bogus=1)


async def test_inside_a_running_loop_the_message_names_the_other_client() -> None:
    client = SanicTestClient(app_of())
    with pytest.raises(RuntimeError, match=r"await app\.asgi_client"):
        client.get("/")
    with pytest.raises(RuntimeError, match=r"await app\.asgi_client"):
        client.websocket("/")


def test_debug_switches_the_app_over() -> None:
    app = app_of()
    client = SanicTestClient(app)
    client.get("/", debug=False, server_kwargs={"access_log": True}, allow_none=True)
    assert not app.debug
    client.get("/", debug=True)
    assert app.debug


def test_the_apps_class_is_in_test_mode_meanwhile() -> None:
    class Base(Starlette):
        test_mode = False

    class Derived(Base):
        pass

    async def endpoint(request: Request) -> Response:
        return JSONResponse([Base.test_mode, request.app.test_mode])

    client = SanicTestClient(Derived(routes=[Route("/", endpoint)]))
    assert client.get("/")[1].json == [True, True]
    assert Base.test_mode is False
    assert "test_mode" not in vars(Derived)


# The response


def respond(body: bytes, content_type: str | None, status: int = 200) -> TestingResponse:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        headers = [(b"content-type", content_type.encode())] if content_type else []
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return SanicTestClient(app).get("/")[1]


@pytest.mark.parametrize(
    ("body", "content_type", "document"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b"[1]", None, [1]),
        (b"{", "application/json", None),
        (b"", "application/json", None),
        (b"\xff", "application/json", None),
        (b"hello", "text/plain", None),
    ],
)
def test_json_is_none_for_a_body_that_is_not_json(body: bytes, content_type: str | None, document: Any) -> None:
    response = respond(body, content_type)
    assert response.json == document
    assert response.body == response.content == body
    assert response.content_type == content_type


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("ä".encode(), "text/plain", "ä"),
        ("ä".encode("latin-1"), "text/plain; charset=latin-1", "ä"),
        ("ä".encode("utf-16"), "text/plain; charset=UTF-16", "ä"),
        (b"\xff", None, "\ufffd"),
        ("ä".encode(), "text/plain; charset=bogus", "ä"),
        ("ä-".encode(), "text/plain; charset=undefined", "ä-"),
        (b"a-\xff", "text/plain; charset=idna", "a-\ufffd"),
        (b"\xff", "text/plain; charset=", "\ufffd"),
    ],
)
def test_text_is_utf_8_without_a_charset(body: bytes, content_type: str | None, text: str) -> None:
    assert respond(body, content_type).text == text


def test_the_other_names_of_a_response() -> None:
    response = respond(b"", None, status=418)
    assert (response.status, response.status_code, response.http_version) == (418, 418, "HTTP/1.1")
    assert repr(response) == "<Response [418 I'm a Teapot]>"
    with pytest.raises(AttributeError):
        response.nonsense  # noqa: B018


# Websockets


async def echo(websocket: WebSocket) -> None:
    await websocket.accept(subprotocol=next(iter(websocket.scope["subprotocols"]), None))
    async for message in websocket.iter_text():
        await websocket.send_text(message * 2)


async def count_down(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_bytes(b"2")
    await websocket.send_text("1")
    await websocket.close(int(websocket.query_params.get("code", 1000)), "over")


async def break_off(websocket: WebSocket) -> None:
    await websocket.accept()


async def deny(websocket: WebSocket) -> None:
    await websocket.close()


SOCKETS = gathering(
    app_of(
        WebSocketRoute("/echo", echo),
        WebSocketRoute("/ws/echo", echo),
        WebSocketRoute("/count", count_down),
        WebSocketRoute("/break", break_off),
        WebSocketRoute("/deny", deny),
    )
)


def test_a_websocket_opens_and_closes() -> None:
    request, socket = SanicTestClient(SOCKETS).websocket("/echo")
    assert (request, socket.opened, socket.client_sent, socket.client_received) == ("websocket /echo", True, [], [])
    assert socket.subprotocol is None
    assert SanicTestClient(SOCKETS).websocket("/echo", gather_request=False)[0] is None


@pytest.mark.parametrize("uri", ["/echo", "ws/echo", "ws://example.com/echo"])
def test_a_mimic_talks(uri: str) -> None:
    async def mimic(socket: WebsocketProxy) -> None:
        await socket.send("a")
        assert await socket.recv() == "aa"
        await socket.send("b")
        assert await socket.recv() == "bb"

    _, socket = SanicTestClient(SOCKETS).websocket(uri, subprotocols=["x", "y"], mimic=mimic)
    # The empty message at the end is sanic_testing's.
    assert socket.client_sent == socket.server_received == ["a", "b", ""]
    assert socket.client_received == socket.server_sent == ["aa", "bb"]
    assert socket.subprotocol == "x"


def test_a_mimic_sees_the_end_as_a_client_of_websockets_does() -> None:
    received: list[str | bytes] = []

    async def mimic(socket: WebsocketProxy) -> None:
        received.extend([message async for message in socket])
        with pytest.raises(ConnectionClosedOK) as caught:
            await socket.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1000, "over")
        with pytest.raises(ConnectionClosedOK):
            await socket.send("late")

    _, socket = SanicTestClient(SOCKETS).websocket("/count", mimic=mimic)
    assert received == socket.client_received == [b"2", "1"]
    assert socket.client_sent == []


@pytest.mark.parametrize(("uri", "code"), [("/count?code=4000", 4000), ("/break", None)])
def test_a_mimic_sees_an_error_as_a_client_of_websockets_does(uri: str, code: int | None) -> None:
    async def mimic(socket: WebsocketProxy) -> None:
        with pytest.raises(ConnectionClosedError) as caught:
            async for _ in socket:
                pass
        assert (caught.value.rcvd.code if caught.value.rcvd else None) == code

    SanicTestClient(SOCKETS).websocket(uri, mimic=mimic)


def test_a_mimic_can_close_and_can_send_bytes() -> None:
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        heard.extend([await receive(), await receive()])

    async def mimic(socket: WebsocketProxy) -> None:
        await socket.send(b"a")
        await socket.close(4000, "bye")

    _, socket = SanicTestClient(app).websocket("/", mimic=mimic, headers={"X-A": "b"}, params={"a": "b"})
    assert heard == [
        {"type": "websocket.receive", "bytes": b"a"},
        {"type": "websocket.disconnect", "code": 4000, "reason": "bye"},
    ]
    assert socket.client_sent == [b"a"]


def test_a_websocket_that_fails_is_a_value_error() -> None:
    async def mimic(socket: WebsocketProxy) -> None:
        raise KeyError("mimic")

    client = SanicTestClient(SOCKETS)
    with pytest.raises(ValueError, match=r"Exception during request: .*mimic") as caught:
        client.websocket("/echo", mimic=mimic)
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(ValueError, match=r"Exception during request: .*403"):
        client.websocket("/deny")


def test_json_goes_out_as_httpx_writes_it() -> None:
    _, response = SanicTestClient(app_of()).post("/", json={"ä": [1, 2]})
    assert response.json["body"] == '{"ä":[1,2]}'
    assert json.loads(response.body) == response.json


@pytest.mark.parametrize("in_process", [True, False])
@pytest.mark.parametrize(
    ("body", "shown"),
    [("Log in first.", "Log in first."), ("x" * 5000, "x" * 300 + "…"), ("", "''")],
)
def test_a_refused_handshake_says_status_and_body(in_process: bool, body: str, shown: str) -> None:
    app: Sanic[Any, Any] = Sanic("Refusing")

    @app.websocket("/feed")
    async def feed(request: Any, ws: Any) -> None: ...

    @app.on_request
    async def refuse(request: Any) -> Any:
        return text(body, 401)

    client = SanicTestClient(app) if in_process else SanicTestClient(app, port=0)
    # A keyword of `websockets.connect` needs a socket.
    options: dict[str, Any] = {} if in_process else {"max_size": 1000}
    with pytest.raises(ValueError, match="Exception during request") as caught:
        client.websocket("/feed", **options)
    assert "401" in str(caught.value)
    assert shown.removesuffix("…") in str(caught.value)
    if in_process:
        assert isinstance(caught.value.__cause__, WebSocketDenialResponse)
        assert f"status 401 and the body '{body[:300]}" in str(caught.value.__cause__)
        assert shown in repr(caught.value.__cause__)


def test_a_closed_handshake_says_its_code() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close", "code": 4001, "reason": "no seat"})

    with pytest.raises(ValueError, match=r"WebSocketDenialResponse\(403, code=4001, reason='no seat'\)") as caught:
        SanicTestClient(app).websocket("/")
    assert str(caught.value.__cause__) == (
        "the application rejected the handshake: code 4001, reason 'no seat'; a client gets status 403"
    )
