"""``TestClient`` over HTTP: the request for the app, and the response for the test."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.datastructures import URL
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.testing import TestClient
from tests.testing.apps import METHODS, UsedClient, app_of, describe


def scope_app(seen: list[Scope]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        seen.append(scope)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    return app


@pytest.mark.parametrize("method", METHODS)
def test_each_method_reaches_the_app(method: str, in_block: bool) -> None:
    with UsedClient(app_of(describe), in_block) as client:
        response = client.request(method, "/")
        assert response.status_code == 200
        assert method == "HEAD" or response.json()["method"] == method


def test_head_has_no_body_but_its_length() -> None:
    client = TestClient(app_of(describe))
    response = client.head("/")
    assert response.content == b""
    assert int(response.headers["content-length"]) > 0
    client.close()


@pytest.mark.parametrize(
    ("url", "path", "raw_path", "query"),
    [
        ("/", "/", "/", ""),
        ("", "/", "/", ""),
        ("a/b", "/a/b", "/a/b", ""),
        ("/a%2Fb/%C3%BC", "/a/b/ü", "/a%2Fb/%C3%BC", ""),
        ("/ü ä", "/ü ä", "/%C3%BC%20%C3%A4", ""),
        ("/%FF", "/\ufffd", "/%FF", ""),
        ("//a", "//a", "//a", ""),
        ("/a?b=c%20d&b=%C3%BC", "/a", "/a", "b=c%20d&b=%C3%BC"),
        ("?next=http://elsewhere/", "/", "/", "next=http://elsewhere/"),
        ("http://other.example:81/x", "/x", "/x", ""),
    ],
)
def test_the_url_reaches_the_scope(url: str, path: str, raw_path: str, query: str) -> None:
    client = TestClient(app_of(describe))
    seen = client.get(url).json()
    client.close()
    assert (seen["path"], seen["raw_path"], seen["query"]) == (path, raw_path, query)


@pytest.mark.parametrize(
    ("base_url", "host", "server", "scheme"),
    [
        ("http://testserver", "testserver", ["testserver", 80], "http"),
        ("http://testserver:80/", "testserver", ["testserver", 80], "http"),
        ("http://testserver:8000", "testserver:8000", ["testserver", 8000], "http"),
        ("https://testserver", "testserver", ["testserver", 443], "https"),
        ("http://[::1]:8000", "[::1]:8000", ["::1", 8000], "http"),
    ],
)
def test_the_base_url_makes_host_and_server(base_url: str, host: str, server: list[Any], scheme: str) -> None:
    client = TestClient(app_of(describe), base_url=base_url)
    seen = client.get("/x").json()
    client.close()
    assert (seen["headers"]["host"], seen["server"], seen["scheme"], seen["path"]) == (host, server, scheme, "/x")


def test_a_base_url_with_a_path_is_a_prefix() -> None:
    client = TestClient(app_of(describe), base_url="http://testserver/api/")
    assert client.get("/x").json()["path"] == "/api/x"
    client.close()


def test_headers_set_by_the_client_reach_the_app() -> None:
    client = TestClient(
        app_of(describe), root_path="/api", cookies={"a": "1"}, headers={"X-A": "b"}, client=("10.0.0.1", 9)
    )
    seen = client.request("GET", URL("/api/x"), headers={"Host": "other"}, params={"q": ["1", "2"]}).json()
    client.close()
    assert seen["root_path"] == "/api"
    assert seen["path"] == "/api/x"
    assert seen["query"] == "q=1&q=2"
    assert seen["client"] == ["10.0.0.1", 9]
    assert (seen["headers"]["cookie"], seen["headers"]["x-a"], seen["headers"]["host"]) == ("a=1", "b", "other")
    assert seen["headers"]["user-agent"] == "testclient"


def test_the_scope_is_that_of_a_server() -> None:
    seen: list[Scope] = []
    client = TestClient(scope_app(seen))
    assert client.get("/").status_code == 204
    client.get("/")
    client.close()
    first, second = seen
    assert first["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert first["http_version"] == "1.1"
    assert "http.response.pathsend" not in first["extensions"]
    assert first["extensions"]["sanic_star.testing"] == {}
    assert first["extensions"]["sanic_star.testing"] is not second["extensions"]["sanic_star.testing"]
    assert all(isinstance(part, bytes) for pair in first["headers"] for part in pair)


class Lines:
    """A body with ``read`` that gives text."""

    def __init__(self) -> None:
        self.file = io.StringIO("abc")

    def __iter__(self) -> Iterator[str]:
        return iter(self.file)

    def read(self, size: int = -1) -> str:
        return self.file.read(size)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"abc", "abc"),
        (bytearray(b"abc"), "abc"),
        ("äbc", "äbc"),
        ({"a": "b c"}, "a=b+c"),
        (io.BytesIO(b"abc"), "abc"),
        (Lines(), "abc"),
        ((part for part in [b"a", b"", "b", b"c"]), "abc"),
        (b"", ""),
        (None, ""),
    ],
)
def test_every_kind_of_body_arrives(data: Any, expected: str) -> None:
    client = TestClient(app_of(describe))
    assert client.post("/", data=data).json()["body"] == expected
    client.close()


def test_files_arrive_as_multipart() -> None:
    async def endpoint(request: Request) -> Response:
        async with request.form() as form:
            upload = form["file"]
            assert not isinstance(upload, str)
            return JSONResponse([upload.filename, (await upload.read()).decode(), form["field"]])

    client = TestClient(app_of(endpoint))
    assert client.post("/", files={"file": ("a.txt", b"abc")}, data={"field": "1"}).json() == ["a.txt", "abc", "1"]
    client.close()


def test_a_long_body_arrives_in_several_messages() -> None:
    async def endpoint(request: Request) -> Response:
        return JSONResponse([len(chunk) async for chunk in request.stream()])

    client = TestClient(app_of(endpoint))
    assert client.post("/", data=b"x" * 150_000).json() == [65_536, 65_536, 18_928, 0]
    client.close()


def test_a_generator_is_read_only_as_the_app_reads() -> None:
    made: list[int] = []

    def body() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"%d" % number

    async def endpoint(request: Request) -> Response:
        async for _ in request.stream():
            return Response()
        return Response()

    client = TestClient(app_of(endpoint))
    assert client.post("/", data=body()).status_code == 200
    assert made == [0]
    client.close()


def test_an_exception_in_the_body_comes_out_and_the_app_sees_a_disconnect(in_block: bool) -> None:
    class BodyError(Exception):
        pass

    def body() -> Iterator[bytes]:
        yield b"a"
        raise BodyError

    messages: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        messages.extend([(await receive())["type"] for _ in range(3)])

    with UsedClient(app, in_block) as client, pytest.raises(BodyError):
        client.post("/", data=body())
    assert messages == ["http.request", "http.disconnect", "http.disconnect"]


def test_redirects_and_cookies_as_in_a_browser(in_block: bool) -> None:
    async def endpoint(request: Request) -> Response:
        if request.url.path == "/login":
            response: Response = RedirectResponse("/home", status_code=303)
            response.set_cookie("session", "x y")
            response.set_cookie("other", "2")
            return response
        return JSONResponse({"method": request.method, "cookies": request.cookies})

    with UsedClient(app_of(endpoint), in_block) as client:
        response = client.post("/login")
        assert response.json() == {"method": "GET", "cookies": {"session": "x y", "other": "2"}}
        assert response.url == "http://testserver/home"
        assert response.history[0].cookies.get_dict() == {"session": '"x y"', "other": "2"}
        assert set(client.cookies.keys()) == {"session", "other"}
        assert client.post("/login", allow_redirects=False).status_code == 303


def test_the_client_and_the_call_decide_about_redirects() -> None:
    async def endpoint(request: Request) -> Response:
        return RedirectResponse("/b") if request.url.path == "/a" else PlainTextResponse("b")

    client = TestClient(app_of(endpoint), follow_redirects=False)
    assert client.get("/a").status_code == 307
    assert client.request("GET", "/a", follow_redirects=True).text == "b"
    client.close()
    client = TestClient(app_of(endpoint))
    assert client.get("/a").text == "b"
    assert client.request("GET", "/a", follow_redirects=False).status_code == 307
    client.close()


def test_a_compressed_response_is_unpacked() -> None:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("ä" * 5_000)

    client = TestClient(GZipMiddleware(app_of(endpoint)))
    response = client.get("/")
    assert response.headers["content-encoding"] == "gzip"
    assert response.text == "ä" * 5_000
    client.close()


def test_a_status_without_a_phrase_and_repeated_headers() -> None:
    async def endpoint(request: Request) -> Response:
        response = Response(status_code=299)
        response.raw_headers += [(b"x-a", b"1"), (b"x-a", b"\xe4")]
        return response

    client = TestClient(app_of(endpoint))
    response = client.get("/")
    client.close()
    assert (response.status_code, response.reason) == (299, "")
    assert response.headers["x-a"] == "1, ä"


def test_template_and_context_are_on_the_test_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert "http.response.debug" in scope["extensions"]
        await send({"type": "http.response.debug", "info": {"template": "t.html", "context": {"a": 1}}})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    client = TestClient(app)
    response = client.get("/")
    client.close()
    assert vars(response)["template"] == "t.html"
    assert vars(response)["context"] == {"a": 1}
