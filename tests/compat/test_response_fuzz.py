"""Any response is sent as one well-formed answer, or raises when it is sent."""

import asyncio
import json as stdlib_json
import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from sanic_star import HTTPResponse, json, redirect, text
from sanic_star.compat.response._foreign import with_sanic_names
from sanic_star.compat.response.types import header_field
from tests.engine.raw import Peer, http_scope

TOKEN = re.compile(rb"[a-z0-9!#$%&'*+\-.^_`|~]+")
WORDS = st.text(max_size=20)
ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=9), WORDS, st.uuids())


def sent(response: Any) -> Peer:
    peer = Peer()
    asyncio.run(response(http_scope(), peer.receive, peer.send))
    return peer


def well_formed(fields: Any) -> bool:
    return all(TOKEN.fullmatch(name) and not re.search(rb"[\r\n\0]", value) for name, value in fields)


@given(WORDS, ANYTHING)
@example("x-a", "1\r\nset-cookie: a=b")
@example("x\r\ny", "1")
@example("", "1")
@example("ü", "1")
@example("x-a", "\ud800")
@example("x-a", "\udc80")
@example("İ", "1")  # two characters, where it is in lower case
def test_a_header_is_well_formed_or_refused(name: str, value: object) -> None:
    try:
        field = header_field(name, value)
    except ValueError:
        return
    assert well_formed([field])


@given(WORDS, ANYTHING)
@example("x-a", "1\r\nset-cookie: a=b")
def test_headers_of_starlettes_responses_are_checked(name: str, value: object) -> None:
    response = with_sanic_names(PlainTextResponse("x"))
    try:
        response.headers[name] = value
        response.headers.add(name, value)
    except ValueError:
        pass
    assert well_formed(response.raw_headers)


@given(st.dictionaries(WORDS, ANYTHING, max_size=4), st.one_of(st.none(), WORDS), st.integers(-5, 1005))
@example({"content-length": "9"}, "text/x\r\nx: y", 200)
@example({"transfer-encoding": "chunked"}, None, 204)
def test_an_answer_is_well_formed_or_refused(headers: Any, content_type: str | None, status: int) -> None:
    try:
        peer = sent(HTTPResponse("body", status, headers, content_type))
    except (ValueError, RuntimeError):
        return
    assert well_formed(peer.sent[0]["headers"])
    assert peer.complete
    assert peer.body == (b"" if status in (204, 304) else b"body")
    assert [value for name, value in peer.sent[0]["headers"] if name == b"content-length"] in ([], [b"4"])


@given(st.text(max_size=60))
@example("/a\r\nset-cookie: b=c")
@example("//evil.test")
@example("\0")
def test_a_redirect_is_one_line(to: str) -> None:
    try:
        response = redirect(to)
    except UnicodeEncodeError:
        return
    location = dict(sent(response).sent[0]["headers"])[b"location"]
    assert re.fullmatch(rb"[!-~]*", location)


@given(st.recursive(ANYTHING, lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner), max_leaves=20))
def test_json_is_json(value: Any) -> None:
    body = json(value).body
    # Parsed and written again, it is the same.
    assert json(stdlib_json.loads(body)).body == body


@given(st.text())
@example("\ud800")
def test_text_is_sent_or_refused(body: str) -> None:
    try:
        response = text(body)
    except UnicodeEncodeError:
        return
    assert sent(response).body.decode() == body
