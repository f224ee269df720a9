"""Responses: the helpers, the bytes on the wire, and streams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sanic.response
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.routing import Route

from sanic_star import HTTPResponse, Sanic, empty, file, html, json, raw, redirect, text
from sanic_star.compat.compat import Header
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.response import (
    JSONResponse,
    ResponseStream,
    file_stream,
    guess_content_type,
    validate_file,
)
from sanic_star.compat.response._writer import ResponseWriter
from sanic_star.compat.response.types import BaseHTTPResponse, header_field, json_writing
from sanic_star.testing import TestClient

WHEN = "Tue, 14 Nov 2023 22:13:20 GMT"
SECONDS = 1_700_000_000


def wire(response: BaseHTTPResponse) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in response._head()]


def served(handler: Callable[..., Any], **options: Any) -> TestClient:
    app: Sanic[Any, Any] = Sanic("Response")
    app.add_route(handler, "/", methods=["GET", "HEAD"])
    return TestClient(app, raise_server_exceptions=False, **options)


def test_text_takes_text_only() -> None:
    assert wire(text("ü")) == [("content-length", "2"), ("content-type", "text/plain; charset=utf-8")]
    with pytest.raises(TypeError, match="Expected str, got int"):
        text(5)  # type: ignore[arg-type]


def test_html_calls_the_methods_of_objects() -> None:
    class Page:
        def __html__(self) -> str:
            return "<p>html"

    class Notebook:
        def _repr_html_(self) -> str:
            return "<p>repr"

    assert [html(content).body for content in ("<p>", b"<p>", Page(), Notebook())] == [
        b"<p>",
        b"<p>",
        b"<p>html",
        b"<p>repr",
    ]
    with pytest.raises(TypeError, match="a body is text or bytes, got int: 5"):
        html(5)


def test_raw_empty_and_redirect() -> None:
    assert (raw(None).body, raw("ü").body, raw(b"\0").content_type) == (b"", "ü".encode(), "application/octet-stream")
    assert (empty().status, empty(200, {"a": "b"}).headers["A"]) == (204, "b")
    answer = redirect("https://x.test/ü?a=b c\r\n", {"x": "y"}, 301)
    assert answer.headers["location"] == "https://x.test/%C3%BC?a=b+c%0D%0A"
    assert (answer.status, answer.headers["x"]) == (301, "y")


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(status: int) -> None:
    assert wire(text("body", status)) == []
    assert wire(text("body", status, {"etag": "x", "content-length": "4"})) == [("etag", "x")]


def test_no_body_is_sent_with_a_status_that_forbids_it() -> None:
    async def handler(request: Any) -> HTTPResponse:
        return text("body", status=204)

    async def streamed(request: Any) -> None:
        response = await request.respond(status=204)
        await response.send("body")
        await response.eof()

    for function in (handler, streamed):
        answer = served(function).get("/")
        assert (answer.status_code, answer.content) == (204, b"")


def test_headers_on_the_wire() -> None:
    response = HTTPResponse(
        "x", headers={"X-A": 1, "content-type": "text/y", "content-length": "9"}, content_type="z/z"
    )
    assert wire(response) == [("x-a", "1"), ("content-type", "text/y"), ("content-length", "1")]
    assert response._head(keeps_own_length=True)[-1] == (b"content-length", b"9")
    assert response._head(with_length=False)[-1] == (b"content-length", b"9")
    copied = HTTPResponse(
        "x", headers={"transfer-encoding": "chunked", "connection": "close", "content-length": "5000"}
    )
    assert wire(copied) == [("content-length", "1")]
    plain = HTTPResponse("x", headers={"X-A": None}, content_type="z/z")
    assert wire(plain) == [("x-a", "None"), ("content-length", "1"), ("content-type", "z/z")]
    assert plain.processed_headers == [(b"x-a", b"None"), (b"content-type", b"z/z")]
    assert plain.raw_headers == plain._head()
    assert wire(HTTPResponse("x", headers={"a": "b"})) == [("a", "b"), ("content-length", "1")]
    assert HTTPResponse()._head() == [(b"content-length", b"0")]
    assert HTTPResponse("x")._head(with_length=False) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("a", "1\r\nb: 2"), ("a", "\n"), ("a", "\0"), ("a\r", "1"), ("a\nb", "1"), ("", "1"), ("a b", "1")],
)
def test_headers_that_would_split_the_answer(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"CR, LF and NUL|a name has only"):
        header_field(name, value)

    async def handler(request: Any) -> HTTPResponse:
        return text("x", headers={name: value})

    assert served(handler).get("/").status_code == 500


@pytest.mark.parametrize("status", [0, 99, 100, 199, 600, 799])
def test_a_status_that_http_has_not(status: int) -> None:
    async def handler(request: Any) -> HTTPResponse:
        return text("x", status=status)

    assert served(handler).get("/").status_code == 500


def test_many_content_types_are_not_all_kept() -> None:
    for number in range(300):
        response = HTTPResponse("x", content_type=f"text/x-{number}")
        assert wire(response)[1] == ("content-type", f"text/x-{number}")


def test_headers_and_body_can_be_set_later() -> None:
    response = HTTPResponse(b"x")
    response.headers = {"a": "b"}
    response.body = b"later"
    assert (response.headers["A"], wire(response)[-1]) == ("b", ("content-length", "5"))
    given = Header({"c": "d"})
    response.headers = given
    assert response.headers is given
    response.headers = None
    assert not response.headers
    assert repr(response) == "<HTTPResponse: 200 None>"


def test_starlette_names() -> None:
    task = BackgroundTask(lambda: None)
    response = HTTPResponse(content="x", status_code=201, media_type="text/css", background=task)
    assert (response.body, response.status_code, response.background) == (b"x", 201, task)
    assert (response.content_type, response.media_type) == ("text/css; charset=utf-8", "text/css")
    response.status_code = 202
    assert response.status == 202
    assert HTTPResponse(media_type="image/png").content_type == "image/png"
    assert HTTPResponse().media_type is None
    with pytest.raises(TypeError):
        HTTPResponse(nosuch=1)
    response.set_cookie("a", "b", httponly=True)
    assert response.headers["set-cookie"] == "a=b; HttpOnly; Path=/; SameSite=lax"


def test_cookies_of_sanic() -> None:
    response = text("")
    response.add_cookie("a", "1", max_age=5)
    response.delete_cookie("b", path="/x")
    assert [value for name, value in wire(response) if name == "set-cookie"] == [
        "a=1; Path=/; Max-Age=5; SameSite=Lax; Secure",
        'b=""; Path=/x; Max-Age=0; Secure',
    ]


def test_a_background_task_runs_after_the_answer() -> None:
    done: list[str] = []

    async def plain(request: Any) -> HTTPResponse:
        return HTTPResponse("x", background=BackgroundTask(done.append, "plain"))

    assert served(plain).get("/").text == "x"
    assert done == ["plain"]


def test_a_response_in_a_starlette_app() -> None:
    async def handler(request: Any) -> HTTPResponse:
        return json({"a": 1}, 201, {"x-a": "b"})

    answer = TestClient(Starlette(routes=[Route("/", handler)])).get("/")
    assert (answer.status_code, answer.json(), answer.headers["x-a"]) == (201, {"a": 1}, "b")


# JSON ---------------------------------------------------------------------------------------------------------------


def test_json_with_a_writer_of_its_own() -> None:
    assert json([1], dumps=lambda value: "mine").body == b"mine"
    assert json({"b": 1, "a": 2}, sort_keys=True).body == b'{"a":2,"b":1}'
    assert json(None).body == b"null"
    assert json([1], headers={"a": "b"}).headers["a"] == "b"


def test_json_is_written_by_the_app_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    # From the first such application on, each response asks; put back, so that other tests have the usual way.
    monkeypatch.setattr(json_writing, "by_application", False)
    own: Sanic[Any, Any] = Sanic("Own", dumps=lambda value: f"own {value}")
    usual: Sanic[Any, Any] = Sanic("Usual")

    async def handler(request: Any) -> HTTPResponse:
        return json([1])

    for app in (own, usual):
        app.add_route(handler, "/")
    assert [TestClient(app).get("/").text for app in (own, usual)] == ["own [1]", "[1]"]
    # Outside of a request it is that of the newest one, as in Sanic.
    assert json([1]).body == b"own [1]"
    assert BaseHTTPResponse._dumps([1]) == "own [1]"
    Sanic("Newer", dumps=lambda value: f"newer {value}".encode())
    Sanic("Newest")
    assert json([1]).body == b"newer [1]"
    assert BaseHTTPResponse._dumps([1]) == "newer [1]"
    assert [TestClient(app).get("/").text for app in (own, usual)] == ["own [1]", "[1]"]


def test_the_writer_of_all_responses_returns_text() -> None:
    assert BaseHTTPResponse._dumps({"ü": None}) == '{"ü":null}'
    with pytest.raises(TypeError):
        BaseHTTPResponse._dumps(object())


def test_json_is_written_by_what_replaces_the_writer_of_all_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseHTTPResponse, "_dumps", lambda value, **options: f"replaced {value}")
    assert json([1]).body == JSONResponse([1]).body == b"replaced [1]"
    assert json([1], dumps=lambda value: "mine").body == b"mine"
    # An application that comes later, and has a writer of its own, is stronger, as in Sanic.
    Sanic("Usual")
    assert json([1]).body == b"replaced [1]"
    Sanic("Own", dumps=lambda value: f"own {value}")
    assert json([1]).body == JSONResponse([1]).body == b"own [1]"


def test_changes_to_a_list() -> None:
    response = JSONResponse([1, 2])
    response.append(3)
    response.extend([4])
    assert response.pop(0) == 1
    assert response.body == b"[2,3,4]"
    with pytest.raises(TypeError, match="default"):
        response.pop(0, None)
    with pytest.raises(SanicException, match="Cannot update a non-dict object"):
        response.update(a=1)


def test_changes_to_a_mapping() -> None:
    response = JSONResponse({"a": 1, "b": 2})
    response.update({"c": 3}, d=4)
    assert (response.pop("a"), response.pop("zz", None)) == (1, None)
    assert response.body == b'{"b":2,"c":3,"d":4}'
    for change in (response.append, response.extend):
        with pytest.raises(SanicException, match="non-list"):
            change([1])
    with pytest.raises(SanicException, match="Cannot pop"):
        JSONResponse("text").pop(0)


def test_a_body_set_by_hand() -> None:
    response = JSONResponse([1])
    response.body = b"[9]"
    with pytest.raises(SanicException, match="manually"):
        _ = response.raw_body
    response.raw_body = [2]
    assert (response.raw_body, response.body) == ([2], b"[2]")
    response.set_body([3])
    assert response.body == b"[3]"
    response.set_body([3], dumps=lambda value, **options: f"{value} {options}", x=1)
    assert response.body == b"[3] {'x': 1}"


# Files --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.txt"
    made.write_text("hello")
    return made


def test_guess_content_type() -> None:
    assert guess_content_type("a.json") == "application/json"
    assert guess_content_type(Path("a.css")) == "text/css; charset=utf-8"
    assert guess_content_type("a.nosuch", "x/y") == "x/y"


async def test_file(path: Path) -> None:
    answer = await file(path, headers={"x": "y"}, last_modified=SECONDS)
    assert (answer.body, answer.content_type) == (b"hello", "text/plain; charset=utf-8")
    assert wire(answer)[:3] == [("x", "y"), ("last-modified", WHEN), ("cache-control", "no-cache")]
    assert "last-modified" in (await file(str(path))).headers
    assert (await file(path, last_modified=None)).headers.get("last-modified") is None
    assert (await file(path, no_store=True)).headers["cache-control"] == "no-store"
    aged = await file(path, max_age=60, mime_type="x/y", status=201)
    assert (aged.headers["cache-control"], aged.content_type, aged.status) == ("public, max-age=60", "x/y", 201)
    assert "expires" in aged.headers
    with pytest.raises(OSError, match="nosuch"):
        await file(path.parent / "nosuch")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("b.txt", 'attachment; filename="b.txt"'),
        ('a"b\\.txt', r'attachment; filename="a\"b\\.txt"'),
        ("ü .txt", "attachment; filename*=UTF-8''%C3%BC%20.txt"),
        ("a\r\nb", "attachment; filename*=UTF-8''a%0D%0Ab"),
    ],
)
async def test_the_name_under_which_a_file_is_saved(path: Path, name: str, value: str) -> None:
    assert (await file(path, filename=name)).headers["content-disposition"] == value
    assert (await file_stream(path, filename=name)).headers["content-disposition"] == value


async def test_files_that_the_client_has() -> None:
    moment = datetime.fromtimestamp(SECONDS, UTC)
    asked = Header({"if-modified-since": WHEN})
    for modified in (SECONDS, SECONDS + 0.9, moment, moment.replace(tzinfo=None)):
        unchanged = await validate_file(asked, modified)
        assert unchanged is not None
        assert unchanged.status == 304
    assert await validate_file(asked, SECONDS + 1) is None
    assert await validate_file(Header(), SECONDS) is None
    for nonsense in ("yesterday", f"Sat, 01 Jan 13:00 +{10**22} +1400"):
        assert await validate_file(Header({"if-modified-since": nonsense}), SECONDS) is None


@pytest.mark.parametrize(
    ("given", "moment", "named"),
    [
        (WHEN, SECONDS, None),
        (WHEN, datetime(2023, 1, 1, tzinfo=UTC), None),
        (WHEN, datetime(2023, 1, 1), "last_modified"),
        (WHEN.removesuffix(" GMT"), SECONDS, "if_modified_since"),
        (WHEN.removesuffix(" GMT"), datetime(2023, 1, 1, tzinfo=UTC), "if_modified_since"),
        (WHEN.removesuffix(" GMT"), datetime(2023, 1, 1), None),
        ("Wed, 15 Nov 2023 00:13:20 +0200", datetime(2023, 1, 1), "last_modified"),
    ],
)
async def test_dates_without_a_time_zone_are_named(
    given: str, moment: Any, named: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Sanic, too, logs which of the two it takes for UTC."""
    functions: list[Any] = [validate_file, sanic.response.validate_file]
    for validate in functions:
        caplog.clear()
        response = await validate(Header({"if-modified-since": given}), moment)
        assert response is not None
        assert response.status == 304
        lines = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
        assert [line[:2] for line in lines] == ([("sanic.root", "WARNING")] if named else [])
        assert all(f"converting {named} to UTC" in line[2] for line in lines)


async def test_conditional_requests_for_a_file(path: Path) -> None:
    asked = Header({"if-modified-since": WHEN})
    assert (await file(path, request_headers=asked, last_modified=SECONDS)).status == 304
    assert (await file(path, request_headers=asked, last_modified=SECONDS + 1)).status == 200
    assert (await file(path, request_headers=asked, last_modified=SECONDS, validate_when_requested=False)).status == 200


class Part:
    start, end, total, size = 1, 3, 5, 3


async def test_a_part_of_a_file(path: Path) -> None:
    answer = await file(path, _range=Part)
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, b"ell", "bytes 1-3/5")


@pytest.mark.parametrize(("part", "status", "body"), [(None, 200, "hello"), (Part, 206, "ell")])
def test_file_stream(path: Path, part: Any, status: int, body: str) -> None:
    async def handler(request: Any) -> ResponseStream:
        return await file_stream(path, chunk_size=2, headers={"x": "y"}, _range=part)

    answer = served(handler).get("/")
    assert (answer.status_code, answer.text, answer.headers["x"]) == (status, body, "y")
    assert answer.headers["content-type"] == "text/plain"


def test_a_file_that_shrinks_while_it_is_sent(path: Path) -> None:
    class Beyond(Part):
        size = 99

    async def handler(request: Any) -> ResponseStream:
        return await file_stream(path, _range=Beyond, mime_type="x/y")

    assert served(handler).get("/").text == "ello"


# Streams ------------------------------------------------------------------------------------------------------------


async def test_a_response_without_a_request() -> None:
    with pytest.raises(SanicException, match="No stream is connected"):
        await text("x").send("y")
    with pytest.raises(ServerError, match="unknown request"):
        await ResponseStream(lambda response: response.write("x"))


@pytest.mark.parametrize(
    ("script", "body"),
    [
        ([("a", None), (b"b", None), ("", None), (None, True)], "ab"),
        ([("a", True)], "a"),
        ([("a", None)], "a"),
        ([], "given"),
        ([(None, None)], "given"),
        ([("", True)], "given"),
        ([("x", None), (None, None), (None, None)], "x"),
    ],
)
def test_parts(script: list[tuple[Any, Any]], body: str) -> None:
    async def handler(request: Any) -> None:
        response = await request.respond(text("given"))
        for data, last in script:
            await response.send(data, last)

    client = served(handler)
    assert client.get("/").text == body
    assert client.head("/").text == ""


def test_after_the_end_nothing_can_be_sent() -> None:
    seen: list[str] = []

    async def handler(request: Any) -> None:
        response = await request.respond()
        await response.send("a", True)
        try:
            await response.send("b")
        except ServerError as error:
            seen.append(str(error))
        await response.send(None, True)

    assert served(handler).get("/").text == "a"
    assert seen == ["Response stream was ended, no more response data is allowed to be sent."]


def test_a_second_response_and_the_one_before() -> None:
    seen: list[str] = []

    async def handler(request: Any) -> None:
        first = await request.respond(text("first"))
        try:
            await request.respond()
        except ServerError as error:
            seen.append(str(error))
        await first.eof()

    assert served(handler).get("/").text == "first"
    assert seen == ["Second respond call is not allowed."]


async def test_a_stream_without_an_app() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    writer = ResponseWriter(send)
    response = text("given")
    writer.respond(response)
    await response.send("a")
    await response.send("b", True)
    await writer.end()
    assert [message.get("body") for message in sent] == [None, b"a", b"b"]
    assert writer.send is None


async def test_a_stream_that_is_ended_for_the_handler() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    writer = ResponseWriter(send)
    await writer.end()
    assert sent == []
    await writer.respond(HTTPResponse()).send("a")
    await writer.end()
    assert [message.get("body") for message in sent] == [None, b"a", b""]


def test_middleware_may_replace_a_stream() -> None:
    app: Sanic[Any, Any] = Sanic("Replaced")

    @app.get("/")
    async def handler(request: Any) -> None:
        response = await request.respond(text("first"))
        assert response.body == b"second"
        await response.eof()

    @app.on_response
    async def replace(request: Any, response: Any) -> HTTPResponse:
        return text("second")

    assert TestClient(app).get("/").text == "second"


def test_a_response_as_a_block() -> None:
    async def handler(request: Any) -> None:
        response = await request.respond(content_type="text/csv")
        async with response as send:
            await send("a,")
            await send(b"b")

    answer = served(handler).get("/")
    assert (answer.text, answer.headers["content-type"]) == ("a,b", "text/csv")


def test_response_stream() -> None:
    seen: list[Any] = []

    async def write(response: Any) -> None:
        await response.write("one ")
        seen.append((response.processed_headers, response.body))
        await response.write(b"two")
        await response.eof()

    async def handler(request: Any) -> ResponseStream:
        stream = ResponseStream(write, 201, {"x-a": "b"}, "text/csv")
        stream.cookies.add_cookie("a", "1")
        assert stream.cookies is stream.cookies
        return stream

    answer = served(handler).get("/")
    assert (answer.status_code, answer.text, answer.headers["x-a"], answer.cookies["a"]) == (201, "one two", "b", "1")
    assert (b"x-a", b"b") in seen[0][0]
    assert seen[0][1] == b""


@pytest.mark.parametrize("status", [101, 1000, -1, None, "200", 201.5])
def test_an_invalid_status(status: Any) -> None:
    with pytest.raises(RuntimeError, match="status"):
        HTTPResponse("x", status)._head()
