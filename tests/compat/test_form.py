"""Forms: the same bodies on both, in one piece and byte by byte, and the answers to invalid forms."""

from __future__ import annotations

import gc
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
import sanic.request.form
from hypothesis import given
from hypothesis import strategies as st

from sanic_star.compat.exceptions import BadRequest, PayloadTooLarge
from sanic_star.compat.request._multipart import FormLimits, MultipartReader
from sanic_star.compat.request._spool import Spool
from sanic_star.compat.request.form import File, form_parameters, parse_multipart_form, parse_urlencoded_form

sanic_form: Any = sanic.request.form
END = b"--X--\r\n"


def part(headers: str, body: bytes = b"1") -> bytes:
    return b"--X\r\n" + headers.encode() + b"\r\n\r\n" + body + b"\r\n"


FIELD = 'Content-Disposition: form-data; name="a"'
FILE = 'Content-Disposition: form-data; name="f"; filename="x.txt"'
BODIES = [
    part(FIELD) + part(FIELD, b"2") + END,
    part(FIELD) + part(FILE, b"data\r\nmore") + END,
    part(FILE + "\r\nContent-Type: image/png; x=y", b"\x00\xff") + part(FILE, b"") + END,
    part('Content-Disposition: form-data; name="f"; filename=""', b"") + END,
    part(FIELD + "\r\nContent-Type: text/plain; charset=latin-1", b"\xe9") + END,
    part(FIELD + "\r\nContent-Type: application/json", b'{"x":1}') + END,
    part(FIELD + "\r\nContent-Transfer-Encoding: base64", b"aGVsbG8=") + END,
    part('Content-Disposition: form-data; name="é"', "ü".encode()) + END,
    part('Content-Disposition: form-data; name="a%22b"') + END,
    part("Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''na%20me%C3%A9.txt") + END,
    part("Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''e%CC%81.txt") + END,
    part('Content-Disposition: form-data; name="f"; filename="a"; filename*=UTF-8\'\'b') + END,
    part('Content-Disposition: attachment; name="a"') + END,
    part("content-disposition: form-data; name=a") + END,
    part(FIELD) + END + b"epilogue",
    part(FIELD) + b"--X--",
    part(FIELD, b"-Z\r--Y\r\n-\r\n--") + END,
    END,
    b"",
]


@pytest.mark.parametrize("body", BODIES)
def test_a_form_is_read_as_sanic_reads_it(body: bytes) -> None:
    fields, files = parse_multipart_form(body, b"X")
    their_fields, their_files = sanic_form.parse_multipart_form(body, b"X")
    assert fields == their_fields
    assert {name: list(map(tuple, values)) for name, values in files.items()} == their_files


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("size", [1, 7])
def test_a_form_may_arrive_in_pieces(body: bytes, size: int) -> None:
    reader = MultipartReader("X", Spool(limit=30))
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
        if reader.spool.is_full:
            reader.spool.flush()
    reader.finish()
    assert form_parameters(reader.parts) == parse_multipart_form(body, "X")
    assert b"".join(reader.spool.blocks()) == body
    reader.spool.close()


WRONG = [
    (b"garbage", "X", "it does not contain its boundary"),
    (b"--Y\r\n", "X", "it does not contain its boundary"),
    (b"--Xgarbage\r\n", "X", "Did not find CR at end of boundary"),
    (part(FIELD), "X", "it ends before its last boundary"),
    (b"--X\r\n" + FIELD.encode(), "X", "it ends before its last boundary"),
    (b"--X\r\n", "X", "it ends before its last boundary"),
    (part(FIELD) + b"--X-", "X", "it ends before its last boundary"),
    (part(FIELD).replace(b"\r", b"") + END, "X", "Did not find CR at end of boundary"),
    (part(FIELD).replace(b"\r\n", b" x\r\n", 1) + END, "X", "Did not find CR at end of boundary"),
    (part(FIELD, b"\xe9") + END, "X", "the field 'a' is not in utf-8"),
    (part(FIELD + "\r\nContent-Type: text/plain; charset=ASCII", b"\xe9") + END, "X", "the field 'a' is not in ascii"),
    *(
        (part(headers) + END, "X", f"the charset '{charset}' is not supported")
        for charset in ("bogus", "punycode", "idna", "undefined", "unicode_escape", "utf-7", "base64", "ü")
        for headers in (
            f"{FIELD}\r\nContent-Type: text/plain; charset={charset}",
            f'{FIELD}\r\nContent-Type: text/plain; charset="{charset}"',
            f"Content-Disposition: form-data; name=\"f\"; filename*={charset}''%ff",
        )
        if charset != "ü" or '"ü"' in headers
    ),
    (part(f'{FIELD}\r\nContent-Type: text/plain; charset="a\0b"') + END, "X", "is not supported"),
    (part("Content-Disposition: form-data") + END, "X", "a part has no name"),
    (part("X-Other: 1") + END, "X", "a part has no name"),
    (part(FIELD + "\r\nContent-Type") + END, "X", "invalid character"),
    (part("\r\n".join(f"X-{n}: 1" for n in range(20))) + END, "X", "Maximum header count exceeded"),
    (part(f"{FIELD}\r\nContent-Type: text/plain; charset={'x' * 4000}") + END, "X", "is not supported"),
    (part(FIELD) + END, "", "names no boundary"),
    (part(FIELD) + END, "X" * 300, "the boundary is too long"),
    (part(FIELD) + END, "\ud800", "not UTF-8"),
]


@pytest.mark.parametrize(("body", "boundary", "message"), WRONG)
def test_an_invalid_form_is_answered_with_the_reason(body: bytes, boundary: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        parse_multipart_form(body, boundary)
    assert caught.value.status_code == 400


@given(st.lists(st.sampled_from([b"--X", b"--X--", b"\r\n", b": ", FIELD.encode(), FILE.encode(), b"a", b"\xff"])))
def test_no_body_raises_anything_else(fragments: list[bytes]) -> None:
    with suppress(BadRequest):
        parse_multipart_form(b"".join(fragments), "X")


def test_a_flood_of_parts_is_stopped() -> None:
    with pytest.raises(BadRequest, match="more than 1000 fields"):
        parse_multipart_form(part(FIELD) * 1001 + END, "X")
    with pytest.raises(BadRequest, match="more than 1000 files"):
        parse_multipart_form(part(FILE) * 1001 + END, "X")
    few = FormLimits(fields=3, files=2, field_size=1, file_size=2)
    fields, files = parse_multipart_form(part(FIELD) * 3 + part(FILE) * 2 + END, "X", few)
    assert (len(fields["a"]), len(files["f"])) == (3, 2)
    with pytest.raises(PayloadTooLarge, match="the field 'a' has more than 1 bytes"):
        parse_multipart_form(part(FIELD, b"12") + END, "X", few)
    with pytest.raises(PayloadTooLarge, match="the file 'f' has more than 2 bytes"):
        parse_multipart_form(part(FILE, b"123") + END, "X", few)


def test_a_large_form_goes_to_disk_and_is_read_when_asked_for() -> None:
    reader = MultipartReader("X", Spool(limit=100))
    reader.feed(part(FILE, b"x" * 10 + b"\n" + b"y" * 100)[:-2])
    assert reader.spool.is_full
    reader.spool.flush()
    assert reader.spool.is_on_disk
    reader.feed(b"zzz\r\n" + part(FILE, b"small") + END)
    reader.finish()
    large, small = form_parameters(reader.parts)[1]["f"]
    assert repr(large) == "File(type='text/plain', body=…, name='x.txt')"
    assert large.file.readline() == b"x" * 10 + b"\n"
    assert large.file.tell() == 11
    assert (large.file.seek(-3, 2), large.file.read()) == (111, b"zzz")
    assert (large.file.seek(-5, 1), large.file.read(2)) == (109, b"yy")
    assert large.file.seek(1000) == 1000
    assert large.file.read(1) == b""
    with pytest.raises(OSError, match="before the start"):
        large.file.raw.seek(-1)
    assert large.body == b"x" * 10 + b"\n" + b"y" * 100 + b"zzz"
    assert small.body == b"small"
    reader.spool.close()
    assert large.body.endswith(b"zzz")
    with pytest.raises(ValueError, match="closed file"):
        large.file.seek(0) or large.file.read()
    large.close()
    with pytest.raises(ValueError, match="closed"):
        large.file.raw.read()


def test_a_spool_is_closed_with_its_last_file() -> None:
    reader = MultipartReader("X", Spool(limit=0))
    reader.feed(part(FILE, b"data") + END)
    reader.spool.flush()
    reader.finish()
    (file,) = form_parameters(reader.parts)[1]["f"]
    temporary = reader.spool._file
    assert temporary is not None
    gc.disable()
    try:
        del reader
        assert file.body == b"data"
        del file
        assert temporary.closed
    finally:
        gc.enable()


@pytest.mark.parametrize("size", [1, 1000])
def test_a_header_without_a_value_may_be_the_last(size: int) -> None:
    body = part(FILE + "\r\nContent-Type:   ", b"\r\n-") + END
    reader = MultipartReader("X", Spool(limit=20))
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    reader.finish()
    assert [tuple(file) for file in form_parameters(reader.parts)[1]["f"]] == [("", b"\r\n-", "x.txt")]
    reader.spool.close()


@pytest.mark.parametrize("before", [b"preamble\r\n", b"preamble", b"\r\n\r\n", b"-", b"--", b"--Y\r\n"])
@pytest.mark.parametrize("size", [1, 1000])
def test_the_preamble_of_a_form_is_skipped(before: bytes, size: int) -> None:
    body = before + part(FIELD) + part(FILE, b"data") + END
    reader = MultipartReader("X")
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    reader.finish()
    fields, files = form_parameters(reader.parts)
    their_fields, their_files = sanic_form.parse_multipart_form(body, b"X")
    assert fields == their_fields
    assert {name: list(map(tuple, values)) for name, values in files.items()} == their_files


def read(body: bytes, boundary: str, size: int) -> list[bytes]:
    """Return the contents of the parts of a body that arrives in pieces."""
    reader = MultipartReader(boundary)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    reader.finish()
    return [part.open().read() for part in reader.parts]


HEADERS = f"{FILE}\r\nContent-Type: application/json\r\n\r\n".encode()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("content", [b"", b"1", b"-", b"\r\n", b"\r\n\r\n--", b"-----", b"\r\n\r\n\r\n------Y\r\n"])
def test_the_boundary_may_have_the_dashes_of_the_body(content: bytes, size: int) -> None:
    line = b"------X"
    part = line + b"\r\n" + HEADERS + content + b"\r\n"
    body = part + part + line + b"--\r\n"
    assert read(body, "------X", size) == read(body, "----X", size) == [content, content]
    # Both are the same for one that has them in the header and two more in the body, as it should be.
    assert read(body.replace(line, b"--" + line), "------X", size) == [content, content]


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"X\r\n" + HEADERS + b"1\r\nX--", "X"),
        (b"-X\r\n" + HEADERS + b"1\r\n-X--", "-X"),
        (b"before\r\n--X\r\n" + HEADERS + b"1\r\n--X--", "--X"),
        (b"------X\r\n" + HEADERS + b"1\r\n------X--", "X"),
        (b"--\r\n" + HEADERS + b"1\r\n----", "--"),
    ],
)
def test_other_boundaries_stay_wrong(body: bytes, boundary: str, size: int) -> None:
    with pytest.raises(BadRequest, match=r"it does not contain its boundary|it ends before its last boundary"):
        read(body, boundary, size)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("end", [b"--X", b"--X\r\n", b"--X--", b"--X--\r\n"])
@pytest.mark.parametrize("content", [b"", b"1", b"\r\n", b"--Xy", b"--X-y", b"--X\ry", b"\r\n--Xy"])
def test_the_last_boundary_may_lack_its_dashes(content: bytes, end: bytes, size: int) -> None:
    body = b"--X\r\n" + HEADERS + content + b"\r\n"
    assert read(body + end, "X", size) == [content]
    with pytest.raises(BadRequest, match="it ends before its last boundary"):
        read(body, "X", size)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 1000])
@pytest.mark.parametrize("boundary", ["X", "--X"])
@pytest.mark.parametrize("last", [b"", b"X-Empty:\r\n", b"Content-Length: 0\r\n"])
def test_an_empty_part_may_end_with_its_headers(last: bytes, boundary: str, size: int) -> None:
    # RFC 2046, 5.1.1: body-part := MIME-part-headers [CRLF *OCTET], and delimiter := CRLF dash-boundary.
    empty = b"--X\r\n" + HEADERS[:-2] + last + b"\r\n"
    full = b"--X\r\n" + HEADERS + b"\r\n\r\n--\r\n"
    assert read(empty + full + empty + empty + b"--X--", boundary, size) == [b"", b"\r\n\r\n--", b"", b""]
    assert read(empty + b"--X", boundary, size) == read(empty + b"--X\r\n", boundary, size) == [b""]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("padding", [b" ", b"\t", b" \t  ", b" " * 500])
@pytest.mark.parametrize("where", ["first", "between", "last", "all"])
@pytest.mark.parametrize("before", [b"", b"preamble\r\n"])
def test_blanks_may_stand_behind_a_boundary(padding: bytes, where: str, before: bytes, size: int) -> None:
    # RFC 2046, 5.1.1: delimiter and close-delimiter are followed by transport-padding, which receivers have to take.
    first, between, last = (padding if where in (name, "all") else b"" for name in ("first", "between", "last"))
    empty = HEADERS[:-2] + b"\r\n"
    body = before + b"--X" + first + b"\r\n" + HEADERS + b"1"
    body += b"\r\n--X" + between + b"\r\n" + empty + b"--X" + between + b"\r\n" + HEADERS + b"2 --X \r\n"
    assert read(body + b"\r\n--X--" + last + b"\r\nepilogue", "X", size) == [b"1", b"", b"2 --X \r\n"]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("behind", [b" x", b"\x0b", b"\xa0", b" \n", b" --", b"x", b"\r"])
def test_nothing_else_may_stand_behind_the_first_boundary(behind: bytes, size: int) -> None:
    with pytest.raises(BadRequest):
        read(b"--X" + behind + b"\r\n" + HEADERS + b"1\r\n--X--", "X", size)


def test_a_flood_of_blanks_takes_time_that_grows_with_its_length_only() -> None:
    reader = MultipartReader("X")
    reader.feed(b"--X\r\n" + HEADERS[:-2] + b"\r\n--X")
    for _ in range(200):
        reader.feed(b" " * 2**16)
        # What waits for the end of the blanks is short.
        assert len(reader._held) < 2**17
    with pytest.raises(BadRequest):
        reader.finish()


NEARLY = st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"X", b"\r\n--", b"\r\n-", b"a", b"\xff"])).map(b"".join)


@given(st.lists(st.tuples(st.booleans(), NEARLY), max_size=4), st.integers(1, 60), NEARLY)
def test_any_content_is_found_again(contents: list[tuple[bool, bytes]], size: int, before: bytes) -> None:
    body = before + b"".join(part(FILE if of_file else FIELD, content) for of_file, content in contents) + END
    reader = MultipartReader("X", Spool(limit=50))
    whole = b"--X" not in before + b"-" and not any(b"--X" in content for _, content in contents)
    try:
        for start in range(0, len(body), size):
            reader.feed(body[start : start + size])
            if reader.spool.is_full:
                reader.spool.flush()
        reader.finish()
    except BadRequest:
        assert not whole
    else:
        part_contents = [part.spool.read_at(part.start, part.length) for part in reader.parts]
        assert not whole or part_contents == [content for _, content in contents]
        assert b"".join(reader.spool.blocks()) == body
    finally:
        reader.spool.close()


def test_a_file_is_the_tuple_that_it_is_in_sanic() -> None:
    ours, sanics = File("text/plain", b"Hi", "a.txt"), sanic_form.File("text/plain", b"Hi", "a.txt")
    assert tuple(ours) == tuple(sanics)
    assert (ours == sanics, ours != File("text/plain", b"Ho", "a.txt"), ours == "x") == (True, True, False)
    assert (len(ours), ours[0], ours[1:], hash(ours)) == (len(sanics), sanics[0], sanics[1:], hash(sanics))
    assert repr(ours) == repr(sanics)
    assert (ours._fields, ours.type, ours.body, ours.name) == (sanics._fields, *sanics)
    match ours:
        case File(kind, body, name):
            assert (kind, body, name) == ("text/plain", b"Hi", "a.txt")
    assert ours.file.read() == b"Hi"
    ours.close()
    assert ours.body == b"Hi"
    assert File("text/plain", BytesIO(b"Hi"), "a.txt") == ours


@pytest.mark.parametrize(
    "charset",
    ["utf8", "UTF-8", "latin-1", "iso-8859-1", "windows-1252", "cp1252", "shift_jis", "Shift-JIS", "gbk", "koi8-r"],
)
def test_a_charset_may_be_spelled_in_several_forms(charset: str) -> None:
    codec = charset.lower().replace("windows-", "cp")
    text = "ab" if codec in ("shift_jis", "shift-jis", "gbk", "koi8-r") else "é"
    content = text.encode(codec)
    name = "".join(f"%{byte:02x}" for byte in content)
    body = part(f"{FIELD}\r\nContent-Type: text/plain; charset={charset}", content)
    body += part(f"Content-Disposition: form-data; name=\"f\"; filename*={charset}''{name}") + END
    fields, files = parse_multipart_form(body, "X")
    assert (fields["a"], files["f"][0].name) == ([text], text)


def test_the_charset_of_a_file_is_not_used() -> None:
    _, files = parse_multipart_form(part(f"{FILE}\r\nContent-Type: text/plain; charset=punycode", b"\xe9") + END, "X")
    assert files["f"][0].body == b"\xe9"


def test_an_urlencoded_form() -> None:
    assert parse_urlencoded_form(b"a=1&b=&a=%C3%A9") == {"a": ["1", "é"]}
    assert parse_urlencoded_form(b"a=1&b=", keep_blank_values=True) == {"a": ["1"], "b": [""]}
    assert parse_urlencoded_form(b"a=%E9") == {"a": ["\ufffd"]}


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        (b"a=\xe9", {}, "it is not UTF-8"),
        (b"a=%E9", {"errors": "strict"}, "it is not UTF-8"),
        (b"a=1&" * 1000 + b"a=1", {}, "more than 1000 fields"),
        (b"a=1&a=1", {"max_fields": 1}, "more than 1 fields"),
        (b"&" * 2000, {}, "more than 1000 fields"),
        (b"\xff&a=1", {}, "it is not UTF-8"),
    ],
)
def test_invalid_urlencoded_forms_are_refused(body: bytes, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        parse_urlencoded_form(body, **options)


def test_a_field_of_an_urlencoded_form_may_be_too_large() -> None:
    assert parse_urlencoded_form(b"abc=123&d=4&", max_field_size=3) == {"abc": ["123"], "d": ["4"]}
    with pytest.raises(PayloadTooLarge, match="the field 'a' has more than 3 bytes"):
        parse_urlencoded_form(b"a=1&a=1234", max_field_size=3)
    with pytest.raises(PayloadTooLarge, match="the name of a field has more than 3 bytes"):
        parse_urlencoded_form(b"abcd", max_field_size=3)
    # As it is written, as in a multipart form.
    with pytest.raises(PayloadTooLarge):
        parse_urlencoded_form(b"a=%41%41", max_field_size=3)
    with pytest.raises(PayloadTooLarge, match="more than 10000000 bytes"):
        parse_urlencoded_form(b"a=" + b"%41" * 3_333_334)
    assert parse_urlencoded_form(b"a=" + b"x" * 10_000_001, max_field_size=None) == {"a": ["x" * 10_000_001]}


@pytest.mark.parametrize("sizes", [(), (0,), (1, 2, 3), (4096, 1, 4096, 0, 5), (70_000, 3), (3, 70_000), (1,) * 70_000])
def test_a_spool_keeps_pieces_of_any_size(sizes: tuple[int, ...]) -> None:
    pieces = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    for limit in (10, 10**6):
        spool, whole = Spool(limit), b"".join(pieces)
        for piece in pieces:
            spool.append(piece)
            if spool.is_full:
                spool.flush()
        assert spool.size == len(whole)
        assert spool.is_on_disk == (len(whole) > limit)
        # Many small pieces are a few large ones.
        assert len(spool._pending) <= 2 + len([size for size in sizes if size >= 4096]) * 2 + len(whole) // 65_536
        for start, size in ((0, len(whole)), (1, 3), (len(whole) - 2, 9), (4095, 4)):
            start = max(0, start)
            assert spool.read_at(start, size) == whole[start : start + size]
        spool.append(b"end")
        assert spool.read_at(len(whole), 3) == b"end"
        spool.close()
