"""Urlencoded forms: parsed like the standard library and Starlette, in bounded memory."""

from __future__ import annotations

import tracemalloc
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.formparsers import FormParser

from sanic_star.compat._support import escapes
from sanic_star.compat._support.escapes import unquote_plus
from sanic_star.compat.exceptions import BadRequest, PayloadTooLarge
from sanic_star.compat.request._urlencoded import UrlencodedReader

# Characters with a meaning in forms, in escapes, or in quoted-printable.
TOKENS = (b"%", b"=", b"+", b"&", b"4", b"1", b"%41", b"%25", b"%3D", b"%3d", b"%26", b"%2B", b"%0A", b"%00", b"%C3%A9",
          b"%FF", b"\r", b"\n", b"\r\n", b" ", b"\t", b"_", b"a", b"F", b"g", b";")  # fmt: skip
ASCII = st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join)
ANY = st.lists(st.sampled_from((*TOKENS, "é".encode(), "😀".encode(), b"\xe9", b"\xc3")), max_size=12).map(b"".join)


def feed(reader: UrlencodedReader, *chunks: bytes) -> None:
    for piece in chunks:
        reader.feed(piece)


@pytest.fixture(params=[3, 7, 64 * 1024])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode that many bytes at a time."""
    monkeypatch.setattr(escapes, "_WINDOW_SIZE", request.param)


def test_every_short_text_is_decoded_as_by_the_standard_library(window: None) -> None:
    marks = (b"%", b"=", b"+", b"4", b"D", b"z", b"2", b"\n")
    texts = [b""]
    for _ in range(5):
        texts = [text + mark for text in texts for mark in marks] + texts[:1]
        for text in texts:
            assert unquote_plus(text) == unquote_to_bytes(text.replace(b"+", b" ")), text


@pytest.mark.usefixtures("window")
def test_every_escape() -> None:
    for first in b"0123456789abcdefABCDEFgG%=":
        for second in b"0123456789abcdefABCDEFgG%=\r":
            text = b"x%%%%%c%cy" % (first, second)
            assert unquote_plus(text) == unquote_to_bytes(text.replace(b"+", b" ")), text


@given(ANY, st.booleans())
@example("é%C3é%A9".encode(), True)
def test_a_form_is_read_as_by_the_standard_library(body: bytes, blank: bool) -> None:
    reader = UrlencodedReader(1000, keep_blank_values=blank)
    try:
        reader.feed(body)
        fields = reader.finish()
    except BadRequest:
        with pytest.raises(UnicodeDecodeError):
            body.decode()
    else:
        assert fields == parse_qsl(body.decode(), blank)


@given(ANY)
async def test_a_form_is_read_as_by_starlette(body: bytes) -> None:
    async def stream() -> Any:
        yield body

    starlettes_form = await FormParser(Headers(), stream()).parse()
    reader = UrlencodedReader(1000, keep_blank_values=True, charset="latin-1")
    reader.feed(body)
    assert reader.finish() == starlettes_form.multi_items()


@given(ASCII, st.integers(1, 5))
def test_a_form_may_arrive_in_pieces(body: bytes, size: int) -> None:
    whole, in_pieces = UrlencodedReader(1000), UrlencodedReader(1000)
    whole.feed(body)
    for start in range(0, len(body), size):
        in_pieces.feed(body[start : start + size])
    assert in_pieces.finish() == whole.finish()


@pytest.mark.parametrize("start", [b"a=", b"", b"a=1&b="])
def test_an_endless_field_is_refused_before_it_has_arrived(start: bytes) -> None:
    reader = UrlencodedReader(1000, 1000)
    with pytest.raises(PayloadTooLarge):
        feed(reader, start, *[b"x" * 100] * 30)


def test_endless_fields_are_refused_before_they_have_arrived() -> None:
    reader = UrlencodedReader(1000, 1000)
    with pytest.raises(BadRequest, match="more than 1000 fields"):
        feed(reader, *[b"a=1&"] * 1001)


@pytest.mark.parametrize(
    "pattern", [b"%41", b"%41a", b"%", b"%zz", b"%4", b"a", b"+", b"=", b"%25", b"%3d", b"%\n", b"%ff"]
)
@pytest.mark.parametrize("part", ["name", "value"])
def test_memory_is_a_small_multiple_of_the_body(pattern: bytes, part: str) -> None:
    size = 3_000_000
    content = pattern * (size // len(pattern))
    body = b"a=" + content if part == "value" else content + b"=1"
    reader = UrlencodedReader(1000, None)
    tracemalloc.start()
    try:
        reader.feed(body)
        assert len(reader.finish()) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The field, its name and its value, the decoded bytes and the text, which takes two bytes for a U+FFFD.
    assert peak < 6 * size
