"""`TestingResponse`: the attributes that tests for Sanic read."""

import asyncio
import copy
from typing import Any

import pytest
import requests

from sanic_star import Request, Sanic, empty, json, redirect, text
from sanic_star.compat.response import HTTPResponse


@pytest.fixture
def app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("responses")

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        response = json({"a": 1}, headers={"X-A": "b, c"})
        response.add_cookie("k", "v", path="/", httponly=True)
        response.add_cookie("l", "w", secure=False, max_age=5)
        return response

    @app.get("/lines")
    async def lines(request: Request) -> HTTPResponse:
        return text("a\nb\u00fc")

    @app.get("/away")
    async def away(request: Request) -> HTTPResponse:
        return redirect("/lines?q=1#here")

    @app.get("/status/<code:int>")
    async def status(request: Request, code: int) -> HTTPResponse:
        return empty(code)

    return app


def test_attributes_that_sanic_testing_adds(app: Sanic[Any, Any]) -> None:
    response = app.test_client.get("/")[1]
    assert (response.status, response.status_code, response.reason_phrase) == (200, 200, "OK")
    assert (response.json, response.text, response.body, response.content) == (
        {"a": 1},
        '{"a":1}',
        b'{"a":1}',
        b'{"a":1}',
    )
    assert response.content_type == "application/json"
    assert repr(response) == "<Response [200 OK]>"
    assert app.test_client.get("/lines")[1].json is None


def test_headers(app: Sanic[Any, Any]) -> None:
    headers = app.test_client.get("/")[1].headers
    assert headers["X-A"] == headers.get("x-a") == "b, c"
    assert headers.get_list("x-a") == ["b, c"]
    assert headers.get_list("X-A", split_commas=True) == ["b", "c"]
    assert [value.partition("=")[0] for value in headers.get_list("set-cookie")] == ["k", "l"]
    assert headers["set-cookie"].count("=v") == 1
    assert headers.getall("set-cookie") == headers.getlist("set-cookie") == headers.get_list("set-cookie")
    assert "X-a" in headers
    assert "nothing" not in headers
    with pytest.raises(KeyError):
        headers["nothing"]
    assert len(headers) == len(list(headers)) == len(headers.multi_items()) - 1 == len(headers.raw) - 1
    assert (b"x-a", b"b, c") in headers.raw
    assert headers == {name.upper(): value for name, value in headers.items()}
    assert headers != {}
    assert (headers == 5) is False
    assert "'x-a': 'b, c'" in repr(headers)


def test_cookies(app: Sanic[Any, Any]) -> None:
    response = app.test_client.get("/")[1]
    cookies = response.cookies
    assert dict(cookies) == {"k": "v", "l": "w"}
    assert list(cookies) == ["k", "l"]
    assert (cookies["k"], cookies.get("l"), cookies.get("m"), cookies.get("m", "x")) == ("v", "w", None, "x")
    assert cookies.get("k", path="/nowhere") is None
    assert cookies.get("k", domain="127.0.0.1") == "v"
    with pytest.raises(KeyError, match="m"):
        cookies["m"]
    assert repr(cookies) == "<Cookies[k=v, l=w]>"
    assert {cookie.name for cookie in cookies.jar} == {"k", "l"}
    raw = response.raw_cookies
    assert (raw["k"].value, raw["k"].path, raw["k"].secure) == ("v", "/", True)
    assert raw["k"].has_nonstandard_attr("HttpOnly")
    assert raw["l"].expires


def test_urls_and_redirects(app: Sanic[Any, Any]) -> None:
    request, response = app.test_client.get("/away")
    assert request.path == "/away"
    url = response.url
    assert url == f"http://127.0.0.1:{app.test_client.port}/lines?q=1#here"
    assert (url.scheme, url.host, url.path, url.query, url.fragment) == (
        "http",
        "127.0.0.1",
        "/lines",
        b"q=1",
        "here",
    )
    assert url.port == app.test_client.port
    assert url.params["q"] == "1"
    (first,) = response.history
    assert (first.status, first.headers["location"], first.has_redirect_location) == (302, "/lines?q=1#here", True)


@pytest.mark.parametrize(
    ("code", "true"),
    [
        (204, {"is_success"}),
        (304, {"is_redirect"}),
        (404, {"is_error", "is_client_error"}),
        (500, {"is_error", "is_server_error"}),
    ],
)
def test_questions(app: Sanic[Any, Any], code: int, true: set[str]) -> None:
    response = app.test_client.get(f"/status/{code}")[1]
    questions = {
        "is_informational", "is_success", "is_redirect", "has_redirect_location", "is_error", "is_client_error",
        "is_server_error",
    }  # fmt: skip
    assert {name for name in questions if getattr(response, name)} == true
    if code >= 400:
        with pytest.raises(requests.HTTPError):
            response.raise_for_status()
    else:
        assert response.raise_for_status() is response


async def test_reading(app: Sanic[Any, Any]) -> None:
    import threading

    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.extend(app.test_client.get("/lines")))
    thread.start()
    thread.join()
    response = result[1]
    body = "a\nb\u00fc".encode()
    assert response.read() == await response.aread() == body
    assert response.num_bytes_downloaded == len(body) == 5
    assert list(response.iter_bytes(2)) == [body[:2], body[2:4], body[4:]]
    assert [piece async for piece in response.aiter_bytes()] == [body]
    assert list(response.iter_lines()) == [line async for line in response.aiter_lines()] == ["a", "b\u00fc"]
    assert list(response.iter_text()) == [piece async for piece in response.aiter_text()] == ["a\nb\u00fc"]
    assert (response.charset_encoding, response.http_version) == ("utf-8", "HTTP/1.1")
    assert response.elapsed.total_seconds() >= 0
    with pytest.raises(AttributeError):
        _ = response.no_such_thing


async def test_the_asgi_client_has_the_same(app: Sanic[Any, Any]) -> None:
    request, response = await app.asgi_client.get("/")
    assert request.path == "/"
    assert (response.status, response.json, response.is_success) == (200, {"a": 1}, True)
    assert [value.partition("=")[0] for value in response.headers.get_list("set-cookie")] == ["k", "l"]
    assert dict(response.cookies) == {"l": "w", "k": "v"}
    assert set(response.raw_cookies) == {"k", "l"}
    assert response.url.path == "/"
    assert response.history == []


def test_the_request_of_a_response(app: Sanic[Any, Any]) -> None:
    sent = app.test_client.post("/status/204?a=b", content="\u00fc", headers={"X-A": "c"})[1].request
    assert (sent.method, sent.url.path, sent.content, sent.headers["x-a"]) == ("POST", "/status/204", b"\xc3\xbc", "c")
    assert (sent.url.raw_path, sent.url.netloc, sent.url.join("/c")) == (
        *(b"/status/204?a=b", b"127.0.0.1:1234"),
        "http://127.0.0.1:1234/c",
    )
    assert sent.url.join("d").raw_path == b"/status/d"
    assert repr(sent) == "<Request('POST', 'http://127.0.0.1:1234/status/204?a=b')>"
    # What `requests` has beside it, and copies.
    assert copy.copy(sent).path_url == "/status/204?a=b"
    assert app.test_client.get("/")[1].request.read() == b""
    assert app.test_client.post("/", data={"a": "b"})[1].request.read() == b"a=b"


def test_a_copy_equals_the_original(app: Sanic[Any, Any]) -> None:
    response = app.test_client.get("/lines")[1]
    assert copy.copy(response).text == response.text


async def test_redirect_targets_and_fixed_attributes(app: Sanic[Any, Any]) -> None:
    for _, response in [await app.asgi_client.get("/away"), await app.asgi_client.get("/lines")]:
        # In another thread: this client blocks.
        path = response.url.path
        _, other = await asyncio.to_thread(app.test_client.get, path, allow_redirects=False)
        assert [answer.next_request and answer.next_request.url.path for answer in (response, other)] == (
            ["/lines", "/lines"] if path == "/away" else [None, None]
        )
        assert response.extensions == other.extensions
        assert other.extensions["http_version"] == b"HTTP/1.1"
        assert (other.is_closed, other.is_stream_consumed, other.default_encoding) == (True, True, "utf-8")
        assert (response.elapsed.total_seconds() >= 0, response.request.method) == (True, "GET")
        other.close()
        await other.aclose()
