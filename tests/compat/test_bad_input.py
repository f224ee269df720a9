"""Client input: every parser of requests returns a value or raises its documented error, in bounded time.

A text that once did otherwise goes into the corpus here.
"""

from __future__ import annotations

import json as stdlib_json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import sanic.headers
from hypothesis import example, given
from hypothesis import strategies as st

from sanic_star import HTTPResponse, Request, Sanic, json
from sanic_star.compat.compat import Header
from sanic_star.compat.cookies.request import CookieRequestParameters, parse_cookie
from sanic_star.compat.exceptions import BadRequest, InvalidHeader, SanicException
from sanic_star.compat.headers import (
    parse_accept,
    parse_content_header,
    parse_credentials,
    parse_forwarded,
    parse_host,
    parse_xforwarded,
)
from sanic_star.compat.request._upload import boundary
from sanic_star.compat.request.form import parse_multipart_form, parse_urlencoded_form
from tests.engine.raw import ask, http_scope

sanic_headers: Any = sanic.headers

# The characters of headers, and characters that break out of them. A server passes bytes, which are read as UTF-8 or
# as surrogates.
FRAGMENTS = [
    *'a1=;,:/"\\ \t*%[]()<>@?{}&+-_.~!#$^`|',
    *("\x00", "\x7f", "\x80", "\xff", "ü", "日", "\ud800", "\udcff", "\u2028", "٣"),
    *("q=", "q=1", "q=nan", "q=inf", "1e999", "text/html", "*/*", "boundary=", "charset=", "filename*=", "utf-8''"),
    *("%", "%22", "%0D%0A", "%zz", "\r\n", "''", '""', '\\"', "for=", "by=", "secret=s", "proto=", "host=", "port="),
    *(
        "::1",
        "[::1]",
        "unknown",
        "_hidden",
        "1.2.3.4",
        "Bearer ",
        "Basic ",
        "Og==",
        "é",
        "__Host-",
        "bytes=",
        "-1",
        "0-",
    ),
]
TEXT = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)
CORPUS = [
    "",
    " ",
    ";",
    ",",
    "=",
    '"',
    '\\"',
    '";"',
    ",,;;==",
    "a" * 10_000,
    ";" * 10_000,
    "," * 10_000,
    '"' * 10_000,
    "\\" * 10_001,
    'a="' + "\\" * 999,
    "a/b;" + "x=1;" * 999,
    "for=" * 1_000,
    "[" + ":" * 1_000,
    "%" * 1_000,
    "\x00",
    "\ud800",
    "a/b;q=" + "9" * 5_000,
    "port=" + "9" * 5_000 + ";secret=s",
    "self/x;type_=1;subtype=2;self=3;params=4",
]
TRUSTING = SimpleNamespace(
    FORWARDED_SECRET="s", PROXIES_COUNT=1, REAL_IP_HEADER="x-real-ip", FORWARDED_FOR_HEADER="x-forwarded-for"
)


def header(name: str, value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape" if "\ud800" not in value else "surrogatepass")


def forwarded(value: str) -> Any:
    return parse_forwarded(Header({"forwarded": value}), TRUSTING)


def xforwarded(value: str) -> Any:
    fields = {f"x-forwarded-{name}": value for name in ("for", "proto", "host", "port", "path")}
    return parse_xforwarded(Header({**fields, "x-scheme": value}), TRUSTING)


def basic(value: str) -> Any:
    credentials = request_with(authorization=f"Basic {value}").credentials
    return credentials and (credentials.username, credentials.password)


def request_with(**fields: str) -> Request:
    raw = [(name.encode(), header(name, value)) for name, value in fields.items()]
    return Request.build(app=APP, scope={"headers": [(name.replace(b"_", b"-"), value) for name, value in raw]})


APP: Sanic[Any, Any] = Sanic("BadInput")
# The parsers get values of any length here; the limit has tests of its own.
APP.config.update(vars(TRUSTING), REQUEST_MAX_HEADER_SIZE=10_000_000)
PARSERS: dict[str, tuple[Callable[[str], Any], tuple[type[Exception], ...]]] = {
    "accept": (parse_accept, (InvalidHeader,)),
    "choice": (lambda value: parse_accept("*/*, a/b;q=0.5").match(value), ()),
    "content": (parse_content_header, ()),
    "boundary": (boundary, ()),
    "cookie": (parse_cookie, ()),
    "cookies": (lambda value: CookieRequestParameters(parse_cookie(value)).a, ()),
    "forwarded": (forwarded, ()),
    "xforwarded": (xforwarded, ()),
    "host": (parse_host, ()),
    "credentials": (parse_credentials, ()),
    "basic": (basic, ()),
}
# Each attribute of a request, whatever its header says.
ATTRIBUTES: dict[str, tuple[str, tuple[type[Exception], ...]]] = {
    "accept": ("accept", (InvalidHeader,)),
    "cookies": ("cookie", ()),
    "content_type": ("content_type", ()),
    "form": ("content_type", (BadRequest,)),
    "files": ("content_type", (BadRequest,)),
    "forwarded": ("forwarded", ()),
    "remote_addr": ("x_real_ip", ()),
    "server_port": ("x_forwarded_port", ()),
    "server_path": ("x_forwarded_path", ()),
    "server_name": ("host", ()),
    "url": ("host", ()),
    "id": ("x_request_id", ()),
    "token": ("authorization", ()),
    "credentials": ("authorization", ()),
}


@pytest.mark.parametrize("name", PARSERS)
@given(value=TEXT)
def test_a_parser_raises_what_it_may_and_nothing_else(name: str, value: str) -> None:
    parse, allowed = PARSERS[name]
    with suppress(*allowed):
        parse(value)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("value", CORPUS, ids=range(len(CORPUS)))
def test_the_corpus_is_read_too(name: str, value: str) -> None:
    parse, allowed = PARSERS[name]
    with suppress(*allowed), quickly():
        parse(value)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@given(value=TEXT)
@example(value="\x00")
@example(value='"' * 100)
def test_an_attribute_raises_what_it_may_and_nothing_else(attribute: str, value: str) -> None:
    name, allowed = ATTRIBUTES[attribute]
    request = request_with(**{"x_forwarded_for": "1.1.1.1", name: value})
    request._body = value.encode("utf-8", "surrogatepass")
    with suppress(*allowed):
        getattr(request, attribute)


@given(TEXT)
@example("[::1]:80")
@example("a" * 254)
def test_a_host_is_read_as_sanic_reads_it(value: str) -> None:
    assert parse_host(value) == sanic_headers.parse_host(value)


# Sanic finds a scheme anywhere, in the middle of a token too.
@given(
    TEXT.filter(lambda value: "B" not in value[1:]) | st.builds("Bearer {}".format, st.text("ab =")),
    st.sampled_from([None, ("Digest", "Bearer"), ()]),
)
def test_credentials_are_read_as_sanic_reads_them(value: str, schemes: Any) -> None:
    assert parse_credentials(value, schemes) == sanic_headers.parse_credentials(value, schemes)


@given(st.binary(max_size=60), st.booleans(), st.booleans())
def test_a_query_is_read_or_refused(raw: bytes, blank: bool, strict: bool) -> None:
    request = Request.build(scope={"query_string": raw})
    with suppress(ValueError):
        assert isinstance(request.get_args(blank, strict), dict)
        assert isinstance(request.get_query_args(blank, strict), list)
    request.args.get("a")


@given(st.binary(max_size=60), st.booleans())
@example(b"a=%ff", False)
def test_an_urlencoded_form_is_read_or_refused(raw: bytes, blank: bool) -> None:
    with suppress(BadRequest):
        parse_urlencoded_form(raw, keep_blank_values=blank)
    fields = parse_urlencoded_form(quote_from_bytes(raw).encode(), keep_blank_values=True)
    assert all(isinstance(value, str) for values in fields.values() for value in values)


@given(TEXT, TEXT, st.binary(max_size=30))
@example('form-data; name="a"; filename="b"', "text/plain; charset=utf-16", b"\xff")
@example("form-data; name=a; filename*=nonsense'x'%ff", "", b"")
def test_headers_of_parts_are_read_or_refused(disposition: str, kind: str, content: bytes) -> None:
    lines = [f"Content-Disposition: {disposition}", f"Content-Type: {kind}"]
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    with suppress(BadRequest):
        parse_multipart_form(b"--X\r\n" + head + b"\r\n\r\n" + content + b"\r\n--X--\r\n", b"X")


@given(st.one_of(st.binary(max_size=40), st.lists(st.sampled_from('[]{}",:\\ u0d8etfn-1.'), max_size=20).map("".join)))
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example("9" * 5_000)
@example('"\\ud800"')
@example("\ufeff[]")
def test_json_is_read_or_refused(raw: bytes | str) -> None:
    request = Request.build("POST", body=raw.encode() if isinstance(raw, str) else raw)
    with suppress(BadRequest):
        stdlib_json.dumps(request.json)


@given(TEXT)
@example("bytes=" + "9" * 5_000 + "-")
@example("bytes=0-0,1-1")
@example("bytes=--")
async def test_a_range_is_answered(value: str) -> None:
    app: Sanic[Any, Any] = Sanic("Range")
    app.static("/f", __file__)
    fields = [(b"host", b"h"), (b"range", header("range", value))]
    peer = await ask(app, http_scope("/f", headers=fields))
    assert peer.status in (200, 206, 416)


# Floods -------------------------------------------------------------------------------------------------------------


@contextmanager
def quickly(seconds: float = 10) -> Iterator[None]:
    """Hold what happens inside to so many seconds of this thread; it takes a small part of that."""
    begin = time.thread_time()
    yield
    assert time.thread_time() - begin < seconds


async def flood(path: str, *chunks: bytes, **fields: bytes) -> tuple[int, int]:
    """Return the status of the answer to a flood, and how much memory it took."""
    app: Sanic[Any, Any] = Sanic("Flood")

    @app.post("/<what>")
    async def handler(request: Request, what: str) -> HTTPResponse:
        return json(len(getattr(request, what) or ()))

    headers = [(b"host", b"h"), *((name.replace("_", "-").encode(), value) for name, value in fields.items())]
    await ask(app, http_scope("/nowhere"))
    tracemalloc.start()
    try:
        with quickly():
            peer = await ask(app, http_scope(path, "POST", headers=headers), chunks or (b"",))
        return peer.status, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


PART = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
MULTIPART = b"multipart/form-data; boundary=X"
FLOODS: dict[str, tuple[str, tuple[bytes, ...], dict[str, bytes], int]] = {
    "a million fields": ("/form", (b"a=1&" * 1_000_000,), {"content_type": b"application/x-www-form-urlencoded"}, 400),
    "100,000 parts": ("/form", (PART * 100_000 + b"--X--",), {"content_type": MULTIPART}, 400),
    "100,000 parts, arriving": ("/form", (PART * 1_000,) * 100, {"content_type": MULTIPART}, 400),
    "100,000 files": (
        "/files",
        (PART.replace(b'"a"', b'"a"; filename="b"') * 100_000,),
        {"content_type": MULTIPART},
        400,
    ),
    "a part with 10,000 headers": ("/form", (b"--X\r\n" + b"X-A: 1\r\n" * 10_000,), {"content_type": MULTIPART}, 400),
    "a header of 10 MB in a part": (
        "/form",
        (b"--X\r\nX-A: ", *(b"a" * 100_000,) * 100),
        {"content_type": MULTIPART},
        400,
    ),
    "a field of 11 MB": (
        "/form",
        (PART[:-3], *(b"a" * 100_000,) * 110, b"\r\n--X--"),
        {"content_type": MULTIPART},
        413,
    ),
    "10 MB before the first boundary": ("/form", (b"-" * 100_000,) * 100, {"content_type": MULTIPART}, 400),
    "deep arrays": ("/json", (b"[" * 1_000_000 + b"]" * 1_000_000,), {}, 400),
    "deep objects": ("/json", (b'{"a":' * 500_000,), {}, 400),
    "a long number": ("/json", (b"9" * 1_000_000,), {}, 400),
    "a cookie header of 10 MB": ("/cookies", (), {"cookie": b"a=1; " * 2_000_000}, 431),
    "a cookie of 10 MB": ("/cookies", (), {"cookie": b"a=" + b"1" * 10_000_000}, 431),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_is_refused_in_bounded_time_and_memory(name: str) -> None:
    path, chunks, fields, expected = FLOODS[name]
    status, memory = await flood(path, *chunks, **fields)
    assert status == expected
    assert memory < 3 * sum(map(len, chunks)) + 30_000_000


async def test_cookies_of_a_usual_size_are_read() -> None:
    for size, expected in ((8_000, 200), (9_000, 431)):
        status, _ = await flood("/cookies", cookie=b"a=" + b"1" * size)
        assert status == expected


def test_cookies_without_an_application_are_limited_too() -> None:
    with pytest.raises(SanicException) as caught:
        Request.build(headers={"cookie": "a=" + "1" * 9_000}).get_cookies()
    assert caught.value.status_code == 431
