"""Any text is parsed as Sanic parses it: each parser of requests against Sanic's, except for intended differences.

Cookies, hosts and credentials stand beside their other tests.
"""

from __future__ import annotations

import json as stdlib_json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import sanic
import sanic.compat
import sanic.handlers
import sanic.headers
import sanic.request.form
from hypothesis import example, given
from hypothesis import strategies as st

from sanic_star import Request
from sanic_star.compat import headers
from sanic_star.compat.compat import Header
from sanic_star.compat.handlers import ContentRangeHandler
from sanic_star.compat.request.form import parse_multipart_form

sanics: Any = sanic.headers
SANIC = sanic.Sanic("Both")
PROXIED = SimpleNamespace(
    FORWARDED_SECRET="s", PROXIES_COUNT=1, REAL_IP_HEADER=None, FORWARDED_FOR_HEADER="x-forwarded-for"
)


def of(*fragments: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(fragments), max_size=12).map("".join)


def outcome(read: Callable[..., Any], *arguments: Any) -> Any:
    """Return what was read, or the name of the error."""
    try:
        return read(*arguments)
    except Exception as error:
        return type(error).__name__


def both(target: bytes = b"", fields: dict[str, str] | None = None, body: bytes = b"") -> tuple[Any, Any]:
    """Return one request twice: ours, and Sanic's."""
    made: Any = sanic.Request
    sanics_request = made(b"/?" + target, sanic.compat.Header(fields or {}), "1.1", "POST", None, SANIC)
    sanics_request.body = body
    return Request.build("POST", headers=fields, body=body, scope={"query_string": target}), sanics_request


@given(of("a", "b", "*", "/", ";", ",", " ", "q=", "q=0.5", "=", "1", '"', "text/html", "*/*", ";q=0.1", "q=x"))
@example("a/b,c/d;q=x")
def test_accept(text: str) -> None:
    ours, sanics_types = (
        outcome(lambda m=m: [str(media_type) for media_type in m.parse_accept(text)]) for m in (headers, sanics)
    )
    if ours != sanics_types:
        # One entry that makes no sense is passed over, where Sanic refuses all, or takes a parameter without a name.
        alone = [outcome(sanics.parse_accept, entry) for entry in text.split(",")]
        assert "InvalidHeader" in alone or ";=" in text.replace(" ", "")
        assert ours == "InvalidHeader" or set(ours) <= {
            str(entry[0]) for entry in alone if entry != "InvalidHeader" and entry
        }


@given(of("a", "/", ";", " ", "=", '"', "\\", "name=", "filename=", "%22", "%0D%0A", "*", "é", "charset=utf-8", ","))
def test_a_header_with_parameters(text: str) -> None:
    # An escaped quote ends the value in Sanic.
    text = text.replace('\\"', '"')
    assert headers.parse_content_header(text) == sanics.parse_content_header(text)


FORWARDED = ("for=", "by=", "secret=s", "secret=", "proto=", "host=", "port=", "path=", "a", "1", "80", ";", ",", " ")


@given(of(*FORWARDED, '"', "\\", "[::1]", "unknown", "_x", "=", "%20"))
@example('for=1;secret=s"')
@example('for=1;secret=s;host=a.test:80;path="/a"')
def test_forwarded(text: str) -> None:
    ours = headers.parse_forwarded(Header({"forwarded": text}), PROXIED)
    expected = sanics.parse_forwarded(sanic.compat.Header({"forwarded": text}), PROXIED)
    if '"' not in text:
        assert ours == expected
    # With a quote that nothing closes, and before what stands behind one, less may be believed than Sanic believes.
    assert ours is None or ours.items() <= (expected or {}).items()


PAIR = st.tuples(
    st.sampled_from(["for", "by", "secret", "proto", "host", "port", "path", "FOR", "ext"]),
    st.sampled_from(["s", "1.1.1.1", '"s"', '"[::1]:80"', "unknown", "_x", '"/a%20b"', "443", "A", '"a, b;c"']),
).map("=".join)
ELEMENT = st.lists(PAIR | st.just("secret=s"), min_size=1, max_size=4).map(";".join)


@given(st.lists(ELEMENT, max_size=4), st.sampled_from([",", ", ", " , "]))
def test_forwarded_that_is_well_formed(elements: list[str], between: str) -> None:
    text = between.join(elements)
    ours = headers.parse_forwarded(Header({"forwarded": text}), PROXIED)
    assert ours == sanics.parse_forwarded(sanic.compat.Header({"forwarded": text}), PROXIED)


@given(
    of("1.1.1.1", ",", " ", "::1", "unknown", "_x", "a"),
    of("http", "S", ",", " "),
    of("8", "0", "x", "-", " "),
    of("/", "a", "%20", "%zz", "é"),
)
def test_the_older_headers_of_proxies(address: str, proto: str, port: str, path: str) -> None:
    fields = {"for": address, "proto": proto, "port": port, "path": path}
    named = {f"x-forwarded-{name}": value for name, value in fields.items()}
    ours = headers.parse_xforwarded(Header(named), PROXIED)
    expected = sanics.parse_xforwarded(sanic.compat.Header(named), PROXIED)
    if expected and not 0 <= expected.get("port", 0) < 65536:
        del expected["port"]
    assert ours == expected


@given(of("a", "b", "=", "&", ";", "%", "%41", "%ff", "+", "%c3%a9", "%c3", "[", "]", "?", "/"), st.booleans())
def test_a_query(text: str, strict: bool) -> None:
    for request, sanics_request in [both(text.encode())]:
        for name in ("args", "query_args", "query_string"):
            assert getattr(request, name) == getattr(sanics_request, name)
        for name in ("get_args", "get_query_args"):
            for blank in (False, True):
                ours = outcome(getattr(request, name), blank, strict)
                assert ours == outcome(getattr(sanics_request, name), blank, strict)


@given(of("a", "b", "=", "&", ";", "%", "%41", "%ff", "+", "é", "%c3", "\0"), st.booleans())
def test_an_urlencoded_form(text: str, blank: bool) -> None:
    request, sanics_request = both(fields={"content-type": "application/x-www-form-urlencoded"}, body=text.encode())
    assert request.get_form(blank) == sanics_request.get_form(blank)
    assert (request.form, request.files) == (sanics_request.form, sanics_request.files)


NAMES = st.text("ab. %+;=[]ü", min_size=1, max_size=6)
PARTS = st.tuples(NAMES, st.none() | NAMES, st.sampled_from(["", "text/plain", "a/b; charset=utf-8", "image/png"]))


@given(st.lists(st.tuples(PARTS, st.binary(max_size=30)), max_size=5), st.sampled_from(["B", "----x", "'()+_,-./:=?"]))
def test_a_multipart_form(parts: list[Any], boundary: str) -> None:
    body = b""
    for (name, filename, kind), content in parts:
        content = content.replace(b"-", b"").replace(b"B", b"").replace(b"'", b"")
        content = content if filename is not None else content.hex().encode()
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        head += "" if filename is None else f'; filename="{filename}"'
        head += f"\r\nContent-Type: {kind}" if kind else ""
        body += head.encode() + b"\r\n\r\n" + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    fields, files = parse_multipart_form(body, boundary)
    their_form: Any = sanic.request.form
    other_fields, other_files = their_form.parse_multipart_form(body, boundary.encode())
    assert fields == other_fields
    assert {name: [tuple(file) for file in values] for name, values in files.items()} == other_files


def part(kind: Any, request: Any) -> Any:
    content_range = kind(request, SimpleNamespace(st_size=100))
    return (
        content_range.start,
        content_range.end,
        content_range.size,
        content_range.total,
        content_range.headers,
        bool(content_range),
    )


@given(of("bytes", "bytes=", "=", "-", "0", "1", "9", "99", "1000", " ", ",", "x", "+", "_"))
@example("bytes=1_0-")
def test_a_range(text: str) -> None:
    request, sanics_request = both(fields={"range": text})
    ours, expected = (
        outcome(part, ContentRangeHandler, request),
        outcome(part, sanic.handlers.ContentRangeHandler, sanics_request),
    )
    # One is the other's subclass; the unit may have spaces around it in Sanic.
    same = {"InvalidRangeType": "RangeNotSatisfiable"}
    assert ours == expected or same.get(str(ours), ours) == same.get(str(expected), expected)


@given(of(*'[]{}",:0123456789.-eE ', "true", "false", "null", '"a"', "\\u00fc", "\\ud83d\\ude00", "1.5", "1e5"))
@example('{"a": [1, 2.5, null, true, "\\u00fc"], "a": {}}')
def test_json(text: str) -> None:
    request, sanics_request = both(body=text.encode())
    ours, sanics_json = outcome(lambda: request.json), outcome(lambda: sanics_request.json)
    try:
        expected = stdlib_json.loads(text) if text else None
    except ValueError:
        # ujson accepts some invalid JSON, such as `01` and `1.`.
        assert ours == "BadRequest"
    else:
        assert ours == expected
        # It rounds a number of very many digits, too, and has limits of its own.
        assert (
            ours == sanics_json or sanics_json == "BadRequest" or any(mark in text for mark in "eE.") or len(text) > 18
        )
