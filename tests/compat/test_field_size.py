"""Header fields that are expensive to parse: refused beyond a size, and parsed in linear time below it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route as StarletteRoute

from sanic_star import Request, Sanic, text
from sanic_star.compat.compat import Header
from sanic_star.compat.cookies.request import parse_cookie
from sanic_star.compat.headers import (
    parse_accept,
    parse_content_header,
    parse_credentials,
    parse_forwarded,
    parse_host,
    parse_xforwarded,
)
from sanic_star.compat.models.http_types import Credentials
from sanic_star.compat.request._field_size import DEFAULT_LIMIT, FieldTooLarge
from sanic_star.compat.request._upload import boundary
from sanic_star.compat.response import validate_file
from sanic_star.testing import TestClient
from tests.engine.processes import TIMEOUT_S, UVICORN, process

# Each attribute that parses, with the field that it reads.
READERS: dict[str, tuple[str, Callable[[Request], Any]]] = {
    "accept": ("accept", lambda request: request.accept),
    "cookies": ("cookie", lambda request: request.cookies),
    "get_cookies": ("cookie", lambda request: request.get_cookies()),
    "token": ("authorization", lambda request: request.token),
    "credentials": ("authorization", lambda request: request.credentials),
    "content_type": ("content-type", lambda request: request.content_type),
    "form": ("content-type", lambda request: request.form),
    "files": ("content-type", lambda request: request.files),
    "receive": ("content-type", lambda request: request.receive),
    "starlette": ("content-type", lambda request: request.starlette),
    "starlette.cookies": ("cookie", lambda request: request.starlette.cookies),
    "id": ("x-request-id", lambda request: request.id),
    "forwarded": ("forwarded", lambda request: request.forwarded),
    "remote_addr": ("x-forwarded-for", lambda request: request.remote_addr),
    "client_ip": ("x-real-ip", lambda request: request.client_ip),
    "scheme": ("x-forwarded-proto", lambda request: request.scheme),
    "older scheme": ("x-scheme", lambda request: request.scheme),
    "server_path": ("x-forwarded-path", lambda request: request.server_path),
    "server_port": ("x-forwarded-port", lambda request: request.server_port),
    "forwarded host": ("x-forwarded-host", lambda request: request.host),
    "host": ("host", lambda request: request.host),
    "server_name": ("host", lambda request: request.server_name),
    "url": ("host", lambda request: request.url),
    "url_for": ("host", lambda request: request.url_for("show")),
}
# How a value of a field begins that makes sense.
VALUES = {"accept": "a/"}


def trusting(name: str, limit: int | None = None) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Sizes")
    app.config.update(FORWARDED_SECRET="s3cret", PROXIES_COUNT=1)
    if name == "x-real-ip":
        app.config.REAL_IP_HEADER = name
    if limit is not None:
        app.config.REQUEST_MAX_HEADER_SIZE = limit

    @app.get("/show")
    async def show(request: Request) -> Any:
        return text("shown")

    return app


def request_of(app: Sanic[Any, Any], name: str, *values: str) -> Request:
    fields = [(name, value) for value in values]
    if name.startswith("x-") and name != "x-forwarded-for":
        fields.append(("x-forwarded-for", "10.0.0.1"))
    scope = {"headers": [(name.encode(), value.encode()) for name, value in fields]}
    return Request.build("POST", "/show", body=b"a=1", app=app, scope=scope)


@pytest.mark.parametrize("reader", READERS)
def test_a_field_that_is_too_long_is_refused_where_it_is_parsed(reader: str) -> None:
    name, read = READERS[reader]
    for limit, size, refused in ((None, DEFAULT_LIMIT, False), (None, DEFAULT_LIMIT + 1, True), (100, 101, True)):
        request = request_of(trusting(name, limit), name, VALUES.get(name, "").ljust(size, "1"))
        if refused:
            with pytest.raises(Exception, match="Request Header Fields Too Large") as caught:
                read(request)
            assert getattr(caught.value, "status_code", None) == 431
            assert name in str(caught.value)
        else:
            read(request)


@pytest.mark.parametrize("reader", READERS)
def test_fields_of_one_name_count_together(reader: str) -> None:
    name, read = READERS[reader]
    value = VALUES.get(name, "") + "1" * 4
    read(request_of(trusting(name), name, *[value[:8]] * 1_000))
    with pytest.raises(Exception, match="Request Header Fields Too Large"):
        read(request_of(trusting(name), name, *["1" * 9] * 1_000))


def test_an_unparsed_field_may_be_long() -> None:
    fields = ("accept", "cookie", "authorization", "forwarded", "x-forwarded-for", "range", "if-modified-since")
    client = TestClient(trusting("x"))
    client.app.config.FORWARDED_SECRET = client.app.config.PROXIES_COUNT = None  # type: ignore[attr-defined]
    for name in fields:
        assert client.get("/show", headers={name: "a" * 100_000}).status_code == 200, name


PAGES = {"/missing": 404, "/raise": 500, "/teapot": 418}


def pages(format: str | None, debug: bool) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Pages")
    app.debug = debug
    if format:
        app.config.FALLBACK_ERROR_FORMAT = format

    @app.get("/raise")
    async def fail(request: Request) -> Any:
        raise RuntimeError("no database")

    @app.get("/teapot", error_format="json")
    async def teapot(request: Request) -> Any:
        from sanic_star.compat.exceptions import SanicException

        raise SanicException("tea", 418)

    @app.get("/cookies")
    async def cookies(request: Request) -> Any:
        return text(str(request.cookies))

    @app.exception(FieldTooLarge)
    async def handle(request: Request, error: Exception) -> Any:
        # A handler that reads what is too long, too.
        return text(str(request.accept) + str(request.url), error.status_code)  # type: ignore[attr-defined]

    return app


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("format", [None, "html", "json", "text"])
def test_an_error_page_does_not_parse_what_is_too_long(format: str | None, debug: bool) -> None:
    client = TestClient(pages(format, debug), raise_server_exceptions=False)
    long = "a/b," * 5_000
    for path, status in PAGES.items():
        assert client.get(path, headers={"accept": long}).status_code == 431
        assert client.get(path, headers={"accept": long, "cookie": long, "host": long}).status_code == 431
        # Nobody parses these two for an error page.
        assert client.get(path, headers={"cookie": long, "host": long}).status_code == status
    assert client.get("/cookies", headers={"cookie": long}).status_code == 431
    assert client.get("/cookies", headers={"cookie": long, "accept": long, "host": long}).status_code == 431


def test_a_range_or_a_date_that_is_too_long(tmp_path: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Files")
    (tmp_path / "a.txt").write_text("content")
    app.static("/files", tmp_path, use_content_range=True)
    client = TestClient(app)
    for _ in range(2):  # from the disk, then from memory
        for name in ("range", "if-modified-since"):
            assert client.get("/files/a.txt", headers={name: "bytes=0-1" + "," * 9_000}).status_code == 431
            short = client.get("/files/a.txt", headers={name: "bytes=0-1"})
            assert short.status_code == (206 if name == "range" else 200)


async def test_a_date_of_a_page_is_not_read() -> None:
    assert await validate_file(Header({"if-modified-since": "Mon, " * 100_000}), 1.0) is None


def test_a_mounted_application_gets_no_content_type_that_is_too_long() -> None:
    async def read(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(str(await request.form()))

    app: Sanic[Any, Any] = Sanic("Outer")
    app.mount("/inner", Starlette(routes=[StarletteRoute("/form", read, methods=["POST"])]))
    client = TestClient(app)
    kind = "multipart/form-data; boundary=B"
    long = kind + ';a="' * 5_000
    for value, status in ((kind, 200), (long, 431), (long.replace("a", "charset"), 431)):
        response = client.post("/inner/form", data=b"--B--\r\n", headers={"content-type": value})
        assert response.status_code == status


# The parsers, without the limit ------------------------------------------------------------------------------------

CONFIG: Any = SimpleNamespace(
    FORWARDED_SECRET="_s", REAL_IP_HEADER=None, PROXIES_COUNT=1, FORWARDED_FOR_HEADER="x-forwarded-for"
)


def proxied(value: str) -> Any:
    names = ("x-forwarded-proto", "x-forwarded-host", "x-forwarded-path", "x-forwarded-port")
    return parse_xforwarded(Header({"x-forwarded-for": value, **dict.fromkeys(names, value)}), CONFIG)


PARSERS: dict[str, Callable[[str], Any]] = {
    "accept": parse_accept,
    "choice": lambda value: parse_accept(value).match("text/plain", "application/json", "text/html"),
    "content type": parse_content_header,
    "boundary": boundary,
    "cookies": parse_cookie,
    "quoted cookie": lambda value: parse_cookie(f'a="{value}"'),
    "forwarded": lambda value: parse_forwarded(Header({"forwarded": f"{value};secret=_s"}), CONFIG),
    "forwarded, the secret first": lambda value: parse_forwarded(Header({"forwarded": f"secret=_s;{value}"}), CONFIG),
    "x-forwarded": proxied,
    "host": parse_host,
    "credentials": parse_credentials,
    "basic": lambda value: Credentials("Basic", value).username,
}
CHUNKS = (
    *("a", " ", ",", ";", '"', "\\", "=", "/", ":", "[", "1", "%41", "\t;", "; ", ";a", "a;", ";a=", ';a="', ';a="\\'),
    *('";', ';"', '\\"', 'a="b";', ';a="b\\";', "a=b, ", "a=b;", "a/b,", "a/b;q=0.1,", "a/b;x=", "*/*,", "for=_s;"),
    *("secret=_s ;", "secret=_s,", ";boundary=", ';boundary="', "a:", "1.1.1.1,"),
)


def work(parse: Callable[[str], Any], value: str) -> int:
    """Count the calls, of Python's functions and of those in C, that a parser makes for a value."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        parse(value)
    except Exception:
        pass  # what is no value of this field is refused
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("name", PARSERS)
def test_the_work_of_a_parser_grows_as_its_value(name: str) -> None:
    parse = PARSERS[name]
    for piece in CHUNKS:
        short, long = (work(parse, (piece * size)[:size]) for size in (2_000, 8_000))
        assert long <= 4.5 * short + 200, f"{piece!r}: {short} calls, then {long}"


@pytest.mark.parametrize("name", PARSERS)
def test_a_long_value_takes_a_parser_no_quadratic_time(name: str) -> None:
    # A quadratic step takes 4 · 10¹⁰ comparisons for each of the pieces, so that this test would not end.
    for piece in CHUNKS:
        try:
            PARSERS[name]((piece * 200_000)[:200_000])
        except Exception:
            continue


def test_a_megabyte_is_refused_under_plain_uvicorn(tmp_path: Path) -> None:
    script = """
    @app.get("/cookies")
    async def cookies(request):
        return text(str(request.cookies))
    """
    with process(tmp_path, script, *UVICORN, "served:app") as server:
        server.get()
        for path, name in (("/missing", b"accept"), ("/cookies", b"cookie")):
            for fields in (name + b": " + b"a/b," * 250_000 + b"\r\n", (name + b": a=bcdef;gh\r\n") * 1_000):
                with closing(socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)) as client:
                    head = b"GET %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" % path.encode()
                    client.sendall(head + fields + b"\r\n")
                    assert client.makefile("rb").readline().split()[1] == b"431", path
        assert server.get("/").status_code == 200
    assert "Traceback" not in server.log
