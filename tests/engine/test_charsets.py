"""The charsets that a client may choose; other names never reach Python's own look-up."""

from __future__ import annotations

import codecs
import encodings
import encodings.aliases
import pkgutil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from sanic_star.engine.charsets import check_content_type, find_codec
from tests.engine.raw import http_scope

# The labels of https://encoding.spec.whatwg.org/#names-and-labels, without those of its «replacement» encoding and of
# `x-user-defined`, which Python does not have.
LABELS = """
unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 866 cp866 csibm866 ibm866 csisolatin2
iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 csisolatin3 iso-8859-3 iso-ir-109
iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3 csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594
iso_8859-4 iso_8859-4:1988 l4 latin4 csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5
iso_8859-5:1988 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i
iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7
iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek csiso88598e csisolatinhebrew hebrew iso-8859-8
iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical
csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6 iso-8859-13 iso8859-13 iso885913 iso-8859-14
iso8859-14 iso885914 csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 iso-8859-16 cskoi8r koi koi8 koi8-r
koi8_r koi8-ru koi8-u csmacintosh mac macintosh x-mac-roman dos-874 iso-8859-11 iso8859-11 iso885911 tis-620
windows-874 cp1250 windows-1250 x-cp1250 cp1251 windows-1251 x-cp1251 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1
ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252
cp1253 windows-1253 x-cp1253 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5
latin5 windows-1254 x-cp1254 cp1255 windows-1255 x-cp1255 cp1256 windows-1256 x-cp1256 cp1257 windows-1257 x-cp1257
cp1258 windows-1258 x-cp1258 x-mac-cyrillic x-mac-ukrainian chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80
gbk iso-ir-58 x-gbk gb18030 big5 big5-hkscs cn-big5 csbig5 x-x-big5 cseucpkdfmtjapanese euc-jp x-euc-jp csiso2022jp
iso-2022-jp csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis cseuckr csksc56011987 euc-kr
iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 unicodefffe utf-16be csunicode
iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le
"""
WHATWG = LABELS.split()
SPELLINGS = ("utf8", "UTF-8", "Utf_8", " utf-8 ", "latin-1", "LATIN_1", "shift jis", "cp1252", "euc_jp", "utf-16-le")
REFUSED = (
    *("punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7", "utf-32", "utf_8_sig", "mbcs"),
    *("oem", "base64", "hex", "zip", "bz2", "rot13", "quopri", "uu", "cp037", "hz", "iso-2022-kr", "x-user-defined"),
    *("", " ", "bogus", "a\0b", "utf-8\0", "a.b", "../utf_8", "utf–8", "é", "x" * 10_000, "aliases", "utf-8;q=1"),
)


@pytest.mark.parametrize("label", [*WHATWG, *SPELLINGS])
def test_charset_names_of_browsers_and_clients_are_found(label: str) -> None:
    codec = find_codec(label)
    assert codec is not None
    assert b"a \n".decode(codec, "replace")
    assert find_codec(label.upper()) == codec


@pytest.mark.parametrize("label", REFUSED)
def test_anything_else_is_not(label: str) -> None:
    assert find_codec(label) is None


def test_each_codec_is_a_text_encoding_of_python_under_its_own_name() -> None:
    modules = {module.name for module in pkgutil.iter_modules(encodings.__path__)}
    chosen = {find_codec(label) for label in (*WHATWG, *SPELLINGS)}
    assert chosen <= modules | set(encodings.aliases.aliases.values())
    # Of Python's own names those are found that are chosen, and no other.
    assert {codec for codec in map(find_codec, modules) if codec is not None} == chosen


def test_a_codec_name_means_the_same_in_python() -> None:
    for label in WHATWG:
        try:
            codec = codecs.lookup(label)
        except LookupError:
            continue
        assert codec.name == codecs.lookup(str(find_codec(label))).name


@given(st.text(max_size=30))
def test_no_name_raises_or_stays_in_pythons_cache(label: str) -> None:
    before = dict(encodings._cache)
    find_codec(label)
    assert encodings._cache == before


def form(*content_types: str) -> Any:
    return http_scope("/", "POST", headers=[(b"content-type", kind.encode("latin-1")) for kind in content_types])


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=X",
        "multipart/form-data; boundary=X; charset=utf-8",
        'Multipart/Form-Data; Charset="ISO-8859-1"; boundary=X',
        # Not a form, so nothing looks the name up.
        "text/plain; charset=punycode",
        "application/json; charset=bogus",
        "application/x-www-form-urlencoded; charset=bogus",
        # A parameter's value that looks like one.
        'multipart/form-data; boundary="; charset=punycode"',
        "multipart/form-data; boundary=X; charset*=utf-8''punycode",
    ],
)
def test_other_requests_pass(content_type: str) -> None:
    before = set(encodings._cache)
    check_content_type(form(content_type))
    assert set(encodings._cache) == before


@pytest.mark.parametrize("charset", [*(label for label in REFUSED if label.isascii() and ";" not in label), "\xe9"])
@pytest.mark.parametrize("kind", ["multipart/form-data", "MULTIPART/form-data "])
@pytest.mark.parametrize(
    "written", ["; boundary=X; charset={}", '; CHARSET="{}"; boundary=X', "; charset=utf-8; charset={}"]
)
def test_a_form_in_another_charset_is_refused(charset: str, kind: str, written: str) -> None:
    with pytest.raises(HTTPException) as caught:
        check_content_type(form(kind + written.format(charset)))
    assert caught.value.status_code == 400
    assert "is not supported" in caught.value.detail


def test_every_content_type_counts() -> None:
    with pytest.raises(HTTPException):
        check_content_type(form("text/plain", "multipart/form-data; boundary=X; charset=punycode"))
