"""The request: its values, when they are read, and its Starlette side."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest

from sanic_star import HTTPResponse, Sanic, json, text
from sanic_star.compat.exceptions import BadRequest, PayloadTooLarge, ServerError
from sanic_star.compat.request import Request, RequestParameters
from sanic_star.compat.request._url import RequestURL
from sanic_star.testing import TestClient
from tests.engine import raw


@pytest.fixture
def app() -> Sanic[Any, Any]:
    return Sanic("Request")


def build(app: Sanic[Any, Any], url: str = "/", **options: Any) -> Request:
    request = Request.build(url=url, **options)
    request.scope["app"] = app
    return request


def ask(handler: Callable[..., Any], method: str = "GET", url: str = "/", path: str = "/", **options: Any) -> Any:
    app: Sanic[Any, Any] = Sanic("Asked")
    app.add_route(handler, path, methods=[method], stream=options.pop("stream", False))
    return TestClient(app, raise_server_exceptions=False).request(method, url, **options)


# What identifies it -------------------------------------------------------------------------------------------------


def test_method_version_and_route(app: Sanic[Any, Any]) -> None:
    request = build(app, "/a")
    assert (repr(request), request.method, request.version) == ("<Request: GET /a>", "GET", "1.1")
    assert (request.app, request.route, request.name, request.endpoint, request.uri_template) == (
        app,
        None,
        None,
        None,
        None,
    )
    assert isinstance(request, StarletteRequest)


def test_the_route_that_answers() -> None:
    async def handler(request: Request, x: int) -> HTTPResponse:
        route = request.route
        return json([request.name, request.endpoint, request.uri_template, request.match_info, route.uri, route.path])

    assert ask(handler, url="/5", path="/<x:int>").json() == [
        *("Asked.handler", "Asked.handler", "/<x:int>", {"x": 5}, "/<x:int>", "/{x:int}"),
    ]


def test_ctx(app: Sanic[Any, Any]) -> None:
    class Mine(Request):
        @staticmethod
        def make_context() -> Any:
            return {"own": 1}

    request = build(app)
    request.ctx.x = 1
    assert request.ctx.x == 1
    assert Mine.build().ctx == {"own": 1}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("123e4567-e89b-12d3-a456-426614174000", uuid.UUID("123e4567-e89b-12d3-a456-426614174000")),
        ("12", 12),
        ("abc", "abc"),
    ],
)
def test_id(app: Sanic[Any, Any], given: str, read: Any) -> None:
    assert build(app, headers={"x-request-id": given}).id == read
    request = build(app)
    assert isinstance(request.id, uuid.UUID)
    assert request.id == request.id


def test_get_current() -> None:
    with pytest.raises(ServerError, match="No current request"):
        Request.get_current()

    async def handler(request: Request) -> HTTPResponse:
        return json(Request.get_current() is request)

    assert ask(handler).json() is True


# Headers ------------------------------------------------------------------------------------------------------------


def test_headers() -> None:
    request = Request.build(headers={"X-A": "1", "accept": "text/html;q=0.5, application/json"})
    assert (request.headers["x-a"], request.headers.x_a, "X-a" in request.headers) == ("1", "1", True)
    assert b"x-a: 1" in request.raw_headers
    assert request.accept is request.accept
    assert [str(media_type) for media_type in request.accept] == ["application/json", "text/html;q=0.5"]
    assert request.content_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("header", "token", "kind", "credential"),
    [
        (None, None, None, None),
        ("Bearer abc", "abc", "Bearer", "abc"),
        ("Token abc", "abc", "Token", "abc"),
        ("abc", "abc", None, "abc"),
        ("Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", "Basic", "dXNlcjpwYXNz"),
    ],
)
def test_token_and_credentials(header: str | None, token: Any, kind: Any, credential: Any) -> None:
    request = Request.build(headers={"authorization": header} if header else None)
    assert request.token == token
    credentials = request.credentials
    assert (credentials and credentials.auth_type, credentials and credentials.token) == (kind, credential)
    assert request.credentials is credentials


def test_cookies() -> None:
    headers = [(b"cookie", b"a=1; b=2"), (b"cookie", b"a=3")]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers})
    assert dict(request.cookies) == {"a": ["1", "3"], "b": ["2"]}
    assert request.cookies is request.cookies


# The body -----------------------------------------------------------------------------------------------------------


def test_json() -> None:
    request = Request.build("POST", body=b"[1]")
    assert request.json == [1]
    assert request.json is request.json
    assert request.load_json(loads=len) == 3
    assert Request.build("POST").json is None
    assert Request.build("POST").load_json(loads=lambda body: ["own", body]) == ["own", b""]
    with pytest.raises(BadRequest, match="Failed when parsing body as json"):
        _ = Request.build("POST", body=b"{").json


URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
PARTS = (
    b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n'
    b'--x\r\ncontent-disposition: form-data; name="f"; filename="f.txt"\r\n\r\nfile\r\n--x--\r\n'
)


def test_forms() -> None:
    request = Request.build("POST", headers=URLENCODED, body=b"a=1&a=2&b=")
    assert (dict(request.form), dict(request.files)) == ({"a": ["1", "2"]}, {})
    assert isinstance(request.form, RequestParameters)
    assert dict(request.get_form(keep_blank_values=True) or {}) == {"a": ["1", "2"], "b": [""]}
    request = Request.build("POST", headers=MULTIPART, body=PARTS)
    uploaded = request.files.get("f")
    assert uploaded is not None
    assert (uploaded.name, uploaded.body, request.form.get("a")) == ("f.txt", b"file", "1")
    assert dict(Request.build("POST", body=b"a=1").form) == {}


@pytest.mark.parametrize(("headers", "body"), [(URLENCODED, b"a=\xff"), (MULTIPART, b"nothing like it")])
def test_invalid_forms_are_refused(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadRequest, match="Failed when parsing form"):
        _ = Request.build("POST", headers=headers, body=body).form


def test_a_form_read_with_starlettes_request() -> None:
    async def handler(request: Request) -> HTTPResponse:
        awaited = await request.form()
        async with request.form(max_fields=5) as entered:
            return json([isinstance(awaited, FormData), awaited["a"], entered["a"], request.form.get("a")])

    answer = ask(handler, "POST", data={"a": "1"})
    assert answer.json() == [True, "1", "1", "1"]


def test_a_plain_starlette_request_on_the_same_body() -> None:
    async def handler(request: Request) -> HTTPResponse:
        first, second = await request.starlette.json(), await request.starlette.body()
        return json([first, second.decode(), request.json])

    assert ask(handler, "POST", data=b"[1]").json() == [[1], "[1]", [1]]


def test_the_body_can_be_replaced() -> None:
    request = Request.build("POST", body=b"x")
    request.body = b"y"
    assert request.body == b"y"


# The body while it arrives ------------------------------------------------------------------------------------------


def test_a_body_part_by_part() -> None:
    async def handler(request: Request) -> HTTPResponse:
        before = request.body
        parts = [part.decode() async for part in request.stream]
        return json([before.decode(), "".join(parts), await request.stream.read()])

    answer = ask(handler, "POST", data=iter([b"one", b"", b"two"]), stream=True)
    assert answer.json() == ["", "onetwo", None]


def test_the_whole_body_of_a_streaming_handler() -> None:
    async def handler(request: Request) -> HTTPResponse:
        await request.receive_body()
        await request.receive_body()
        return json([request.json, [part.decode() async for part in request.stream()]])

    assert ask(handler, "POST", data=b"[1]", stream=True).json() == [[1], ["[1]", ""]]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_read_body_cannot_be_streamed(method: str) -> None:
    async def handler(request: Request) -> HTTPResponse:
        async with asyncio.timeout(5):
            left = await request.stream.read(), [part async for part in request.stream]
        return json([request.body.decode(), left])

    assert ask(handler, method, data=b"one").json() == ["one", [None, []]]


def test_a_body_put_together_by_a_streaming_handler() -> None:
    async def handler(request: Request) -> HTTPResponse:
        request.body = b""
        async for part in request.stream:
            request.body += part
        return json(request.body.decode())

    assert ask(handler, "POST", data=iter([b"one", b"two"]), stream=True).json() == "onetwo"


def test_a_body_read_with_starlettes_request() -> None:
    async def handler(request: Request) -> HTTPResponse:
        return json([part.decode() async for part in request.stream()])

    assert "".join(ask(handler, "POST", data=iter([b"one", b"two"]), stream=True).json()) == "onetwo"


async def test_a_client_that_leaves_while_the_body_is_read() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(ClientDisconnect):
        await request.stream.read()


def test_the_stream_has_the_response() -> None:
    async def handler(request: Request) -> None:
        before = (request.stream.response, request.stream.send)
        response = await request.respond(content_type="text/plain")
        during = request.stream.response is response and request.stream.send is not None
        await response.send(f"{before} {during}", True)
        assert request.stream.send is None

    assert ask(handler).text == "(None, None) True"


async def test_a_streamed_body_over_the_limit_of_its_route() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"123", "more_body": True}

    route = SimpleNamespace(max_body_size=5)
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "route": route}, receive)
    assert await request.stream.read() == b"123"
    with pytest.raises(PayloadTooLarge):
        await request.stream.read()


# The query and addresses --------------------------------------------------------------------------------------------


def test_args() -> None:
    request = Request.build(url="/?a=1&a=2&b=&c=%C3%A9+x")
    assert dict(request.args) == {"a": ["1", "2"], "c": ["é x"]}
    assert request.args is request.args
    assert request.query_args == [("a", "1"), ("a", "2"), ("c", "é x")]
    assert request.get_args(keep_blank_values=True)["b"] == [""]
    assert request.query_string == "a=1&a=2&b=&c=%C3%A9+x"
    assert dict(Request.build().args) == {}
    with pytest.raises(ValueError, match="bad query field"):
        Request.build(url="/?a").get_args(strict_parsing=True)


def test_urls(app: Sanic[Any, Any]) -> None:
    request = build(app, "http://EXAMPLE.test:8080/a%20b?c=d")
    assert (request.path, request.server_path, request.raw_url) == ("/a%20b", "/a%20b", b"/a%20b?c=d")
    assert (request.scheme, request.host) == ("http", "EXAMPLE.test:8080")
    assert (request.server_name, request.server_port) == ("example.test", 8080)
    assert request.url == "http://EXAMPLE.test:8080/a%20b?c=d"
    assert build(app, "https://x.test/").server_port == 443
    assert build(app).raw_url == b"/"


def test_a_request_without_an_app() -> None:
    request = Request({"type": "http", "method": "GET", "path": "/a", "headers": [(b"host", b"x.test")]})
    assert (request.url, request.path, request.scheme) == ("http://x.test/a", "/a", "http")


def test_server_name(app: Sanic[Any, Any]) -> None:
    @app.get("/a/<x:int>")
    async def view(request: Request, x: int) -> HTTPResponse:
        return text("")

    app.config.SERVER_NAME = "https://named.test:8443/base"
    request = build(app)
    assert (request.scheme, request.host, request.server_port) == ("https", "named.test:8443", 8443)
    assert request.url_for("view", x=1).startswith("https://named.test:8443")
    app.config.SERVER_NAME = "named.test"
    assert (request.scheme, request.host) == ("http", "named.test")


def test_url_for(app: Sanic[Any, Any]) -> None:
    @app.get("/a/<x:int>")
    async def view(request: Request, x: int) -> HTTPResponse:
        return text("")

    assert build(app, "http://x.test/").url_for("view", x=1, q=2) == "http://x.test/a/1?q=2"
    assert build(app, "http://x.test:81/").url_for("view", x=1) == "http://x.test:81/a/1"


def test_behind_a_proxy(app: Sanic[Any, Any]) -> None:
    headers = {
        "x-forwarded-for": "1.1.1.1, 2.2.2.2",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "out.test",
        "x-forwarded-path": "/base/a",
    }
    request = build(app, "/a", headers=headers)
    assert (request.remote_addr, request.forwarded, request.scheme) == ("", {}, "http")
    app.config.PROXIES_COUNT = 1
    request = build(app, "/a", headers=headers)
    assert (request.remote_addr, request.client_ip, request.scheme) == ("2.2.2.2", "2.2.2.2", "https")
    assert (request.host, request.server_port, request.server_path) == ("out.test", 443, "/base/a")
    assert request.url == "https://out.test/a"


def test_addresses(app: Sanic[Any, Any]) -> None:
    request = build(app)
    assert (request.socket, request.ip, request.port, request.client_ip) == ((None, None), "", 0, "")
    request.scope["client"] = ("1.2.3.4", 5)
    assert (request.socket, request.ip, request.port, request.client_ip) == (("1.2.3.4", 5), "1.2.3.4", 5, "1.2.3.4")
    assert request.conn_info is request.conn_info


@pytest.mark.parametrize(
    ("method", "expected"),
    [("GET", (True, True, True)), ("POST", (False, False, False)), ("PUT", (False, True, False))],
)
def test_safety_of_methods(method: str, expected: tuple[bool, bool, bool]) -> None:
    request = Request.build(method)
    assert (request.is_safe, request.is_idempotent, request.is_cacheable) == expected


# URLs that are text -------------------------------------------------------------------------------------------------


def test_a_url_has_the_parts_of_starlettes() -> None:
    url = RequestURL("https://u:p@x.test:81/a?b=1#f")
    assert (url.scheme, url.netloc, url.path, url.query, url.fragment) == ("https", "u:p@x.test:81", "/a", "b=1", "f")
    assert (url.username, url.password, url.hostname, url.port, url.is_secure) == ("u", "p", "x.test", 81, True)
    assert url.components.path == "/a"
    assert url.replace("a", "c") == str(url).replace("a", "c")
    assert url.replace(path="/z", fragment="") == "https://u:p@x.test:81/z?b=1"
    assert url.include_query_params(c=2).query == "b=1&c=2"
    assert url.replace_query_params(c=2).query == "c=2"
    assert url.remove_query_params("b").query == ""


def test_many_requests_at_once_have_their_own_values(app: Sanic[Any, Any]) -> None:
    @app.get("/<x:int>")
    async def handler(request: Request, x: int) -> HTTPResponse:
        request.ctx.x = x
        await asyncio.sleep(0)
        return json([request.ctx.x, request.args.get("q")])

    with TestClient(app) as client:
        assert [client.get(f"/{n}?q={n}").json() for n in range(3)] == [[n, str(n)] for n in range(3)]


async def test_the_protocol_and_the_transport_describe_the_connection() -> None:
    app: Sanic[Any, Any] = Sanic("Protocol")
    app.config.KEEP_ALIVE_TIMEOUT = 7
    request = Request.build(app=app, scope={"client": ["10.0.0.7", 5000], "server": ["h", 80]})
    protocol = request.protocol
    assert protocol is request.protocol is request.transport.get_protocol()
    assert protocol.transport.get_extra_info("peername") == ("10.0.0.7", 5000)
    assert protocol.transport.get_extra_info("sockname") == ("h", 80)
    assert protocol.transport.get_extra_info("ssl_object", "none") == "none"
    assert (protocol.app, protocol.request_class) == (app, Request)
    assert (protocol.conn_info, protocol.ctx) == (request.conn_info, request.conn_info.ctx)
    assert protocol.loop is asyncio.get_running_loop()
    limits = (protocol.request_max_size, protocol.request_timeout, protocol.response_timeout)
    assert limits == (100_000_000, 60, 60)
    assert protocol.keep_alive_timeout == 7


async def test_a_server_need_not_give_the_raw_path() -> None:
    app: Sanic[Any, Any] = Sanic("Decoded")
    heads: list[bytes] = []

    @app.get("/<city>")
    async def handler(request: Request, city: str) -> Any:
        return json([city, request.path, request.raw_url.decode(), request.url])

    @app.signal("http.lifecycle.read_head")
    async def note(head: bytes) -> None:
        heads.append(head.partition(b"\r\n")[0])

    path = "%E6%9D%B1%20%25"
    answer = await raw.ask(app, raw.http_scope("/東 %", raw_path=None))
    assert answer.body.decode() == f'["{path}","/{path}","/{path}","http://testserver/{path}"]'
    assert heads == [f"GET /{path} HTTP/1.1".encode()]
    missed = await raw.ask(app, raw.http_scope("/東/x", raw_path=None))
    assert missed.status == 404
    assert b"/%E6%9D%B1/x not found" in missed.body
