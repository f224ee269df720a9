"""Reading headers: the same text on both, and the improvements."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import sanic.compat
import sanic.headers
from hypothesis import given
from hypothesis import strategies as st

from sanic_star.compat import headers
from sanic_star.compat.compat import Header
from sanic_star.compat.exceptions import InvalidHeader

sanic_headers: Any = sanic.headers  # not all of its functions are annotated
our_headers: Any = headers

ACCEPTS = """
text/html, application/json;q=0.5, */*;q=0.1
text/html;q=abc
text
text/html/x
/
text/
*
*/html
text/html;level=1;q=0.3
text/html;q=2
text/html;q=-1
TEXT/HTML;Q=0.5
text/html,,text/plain
a/b;q=0.5,c/d;q=0.5,*/*,x/*;q=1
text/html;a="b;c,d";q=0.2
foo, bar
text/html;q
text/html;q=
text/html; ;q=.5
text/html ; q=0.5 , a/b
text/html; q = 0.5
text/html;q=0.5;
text/html;q="0.5"
text/html;a=b=c
,
a/b;c="d"; E=F
*/*;q=0.8,text/html
text/*, text/html, */*, text/html;level=1
text/html,text/html;q=0.3
"""
MIMES = ["text/html", "a/b", "x/y", "text/plain", "text/*", "*/*", "nonsense", "", "text/html;level=1", "a/b;q=0.5"]


def accepted(module: Any, text: str | None) -> Any:
    try:
        accepted_types = module.parse_accept(text)
    except Exception as error:
        return type(error).__name__, str(error)
    return (
        [(str(entry), entry.mime, entry.q, entry.has_wildcard) for entry in accepted_types],
        str(accepted_types),
        repr(accepted_types),
    )


@pytest.mark.parametrize("text", ["", " ", None, *ACCEPTS.strip().splitlines()])
def test_accept_is_read_as_sanic_reads_it(text: str | None) -> None:
    assert accepted(headers, text) == accepted(sanic_headers, text)


@pytest.mark.parametrize(
    "text", ["text/html;q=nan", "text/html;q=inf", "text/html;q=1e400", "a/b;type_=x", "a/b;self=x"]
)
def test_a_weight_is_a_number_and_not_a_parameter(text: str) -> None:
    with pytest.raises(InvalidHeader):
        headers.parse_accept(text)


@given(st.text('ab/*;,=q01. "', max_size=30))
def test_accept_raises_nothing_but_invalid_header(text: str) -> None:
    with suppress(InvalidHeader):
        headers.parse_accept(text).match("a/b")


@pytest.mark.parametrize("text", ["", None, *[line for line in ACCEPTS.strip().splitlines() if "/" in line]])
@pytest.mark.parametrize("wildcards", [True, False])
def test_the_choice_is_sanics(text: str | None, wildcards: bool) -> None:
    try:
        ours, sanics = headers.parse_accept(text), sanic_headers.parse_accept(text)
    except InvalidHeader:
        return
    for offered in [
        (),
        *((mime,) for mime in MIMES),
        *((mime, second_mime) for mime in MIMES for second_mime in MIMES),
    ]:
        chosen = [module.match(*offered, accept_wildcards=wildcards) for module in (ours, sanics)]
        assert len({(repr(match), str(match), bool(match), str(match.header)) for match in chosen}) == 1, offered


MATCHED = [
    f"Matched({mime!r}, {header})"
    for mime in ("a/b", "a/b;x=1", "a/*", "*/*", "")
    for header in (None, "MediaType('a', 'b')", "MediaType('a', '*')", "MediaType('a', 'b', x='1')")
]
COMPARED_VALUES = ["'a/b'", "'a/b;x=1'", "'a/b;x=2'", "'a/c'", "'a/*'", "'*/*'", "'nonsense'", "''", "3", *MATCHED]
EXPRESSIONS = [
    *(f"{left} == {right}" for left in MATCHED for right in COMPARED_VALUES),
    *(f"{mime}.match({value})" for mime in MATCHED for value in COMPARED_VALUES if value != "3"),
    *(f"Matched.parse({text!r})" for text in ("a/b", "a/b;q=1;c=d", "ab", "")),
    *(
        f"MediaType('a', {left}).match({right})"
        for left in ("'b'", "'*'", "'b', c='d'", "'b', q='0.3'", "'b', c='d', q='0.3'", "'b', c='d', e='f'")
        for right in (*map(repr, MIMES), "'a/b;c=d'", "'a/b;c=e'", "'a/b;c=d;e=f'", "'A/B'", "MediaType('a', 'b')")
    ),
    *(f"MediaType('a', 'b', c='d') == {right}" for right in ("'a/b'", "MediaType('a', 'b')", "3", "'a/c'")),
    "MediaType('a', 'b') == 'a/b;c=d'",
    "hash(MediaType('a', 'b'))",
    "hash(Matched('', None))",
    "MediaType('a', 'b', q='x')",
    "MediaType('a', 'b', q='.5', level='1').key",
    "'text/html' in parse_accept('text/html,a/b')",
    "'text/html' in parse_accept('*/*')",
]


def value(module: Any, expression: str) -> str:
    try:
        return repr(eval(expression, vars(module).copy()))
    except Exception as error:
        return repr(error)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_media_types_compare_as_sanics(expression: str) -> None:
    assert value(headers, expression) == value(sanic_headers, expression)


CONTENT_HEADERS = r"""
text/html
text/html; charset=utf-8
form-data; name=upload; filename="file.txt"
form-data; name="a%22b"; filename="C:\dir\file.txt"
Form-Data; NAME=Upload
attachment; filename*=UTF-8''na%20me.txt
attachment; filename="x"; filename*=UTF-8''na%20me.txt
;
multipart/form-data; boundary="a b"
multipart/form-data; boundary=----x
multipart/form-data;boundary=
multipart/form-data;  boundary = x
a ; b=c
a; b
a; b; c=d
a; b=c, d=e
form-data; name="é"
form-data; name="x%0D%0Ay%C3%A9"
form-data; name="a""b"
form-data; name="unclosed
form-data; name="a"b; c=d
form-data; name=""
form-data; name="a\\b"
form-data; filename="C:\dir\"
"""


@pytest.mark.parametrize("text", ["", *CONTENT_HEADERS.strip().splitlines()])
def test_content_headers_are_read_as_sanic_reads_them(text: str) -> None:
    assert headers.parse_content_header(text) == sanic_headers.parse_content_header(text)


def test_an_escaped_quote_does_not_end_a_name() -> None:
    read = headers.parse_content_header(r'form-data; filename="fi\"le.txt"; name="a"')
    assert read == ("form-data", {"filename": 'fi"le.txt', "name": "a"})


HOSTS = """
example.com
Example.COM:80
example.com:
[::1]:8000
[::1]
::1
127.0.0.1:99999
a_b
a b
x:y
x:123456
ex/ample
x:0
[zz]
x:٣
"""


@pytest.mark.parametrize("text", ["", "x\n", "x" * 300, *HOSTS.strip().splitlines()[:-1]])
def test_hosts_are_read_as_sanic_reads_them(text: str) -> None:
    assert headers.parse_host(text) == sanic_headers.parse_host(text)


def test_a_port_has_ascii_digits() -> None:
    assert headers.parse_host("x:٣") == (None, None)


CREDENTIALS = ["Bearer abc", "bearer abc", "Basic abc", "Token abc", "abc", "Bearer", "Bearer ", "Bearer  abc ", ""]


@pytest.mark.parametrize("prefixes", [None, ["Foo"], ("Foo", "Bearer"), set()])
@pytest.mark.parametrize("text", [*CREDENTIALS, None, "Bearer a b", "Foo abc", "foo abc"])
def test_credentials_are_read_as_sanic_reads_them(text: str | None, prefixes: Any) -> None:
    assert headers.parse_credentials(text, prefixes) == sanic_headers.parse_credentials(text, prefixes)


@pytest.mark.parametrize("text", ["xBearer abc", "Tokenabc", "BasicToken x"])
def test_a_scheme_is_a_whole_word(text: str) -> None:
    assert headers.parse_credentials(text) == (None, text)


FORWARDED = r"""
for=1.1.1.1;secret=s
for=1.1.1.1;secret=S
for=1.1.1.1;secret="s"
for=1.1.1.1;by=s
for=9.9.9.9, for=1.1.1.1;secret=s
for=9.9.9.9;secret=s, for=1.1.1.1
for=1.1.1.1;secret=s, for=2.2.2.2;secret=s
secret=s;for=1.1.1.1;proto=https;host=EX.com;port=443;path="/a%20b"
secret=s;for="[2001:db8::1]:99"
For=1.1.1.1;SECRET=s
secret=s
secret=s;for
for=1.1.1.1; secret=s
bad"quote;secret=s
for=x;secret=s;junk
secret=s,
for="_gazonk";secret=s
secret=x;for=1
for=8.8.8.8;by=x;secret=s,for=9
,,,secret=s;for=2
for=1.1.1.1;by=_s;secret=s;for=2
secret=s;for=unknown;port=x
for="open, for=1.1.1.1;secret=s
"""


def config(**settings: Any) -> Any:
    plain = {"FORWARDED_SECRET": None, "REAL_IP_HEADER": None, "PROXIES_COUNT": None}
    return SimpleNamespace(**plain | {"FORWARDED_FOR_HEADER": "X-Forwarded-For"} | settings)


@pytest.mark.parametrize("secret", ["s", "", None])
@pytest.mark.parametrize("text", FORWARDED.strip().splitlines())
def test_forwarded_is_read_as_sanic_reads_it(text: str, secret: str | None) -> None:
    trusted = config(FORWARDED_SECRET=secret)
    ours = headers.parse_forwarded(Header({"forwarded": text}), trusted)
    assert ours == sanic_headers.parse_forwarded(sanic.compat.Header({"forwarded": text}), trusted)


def test_forwarded_may_be_repeated_or_missing() -> None:
    trusted = config(FORWARDED_SECRET="a b")
    twice = [("forwarded", "for=1;secret=x"), ("forwarded", 'for=2;secret="a b"')]
    assert headers.parse_forwarded(Header(twice), trusted) == {"for": "2", "secret": "a b"}
    assert headers.parse_forwarded(Header(), trusted) is None


def test_forwarded_reads_escapes_and_spaces() -> None:
    trusted = config(FORWARDED_SECRET="s")
    read = headers.parse_forwarded(Header({"forwarded": r'secret=s; host="a\"b" '}), trusted)
    assert read == {"secret": "s", "host": 'a"b'}


XFORWARDED: list[tuple[list[tuple[str, str]], dict[str, Any]]] = [
    *(([("x-forwarded-for", "1.1.1.1, 2.2.2.2")], {"PROXIES_COUNT": count}) for count in (None, 0, 1, 2, 3)),
    ([("x-forwarded-for", "1.1.1.1, 2.2.2.2"), ("x-forwarded-for", "3.3.3.3")], {"PROXIES_COUNT": 2}),
    ([("x-forwarded-for", "1.1.1.1, ,,  2.2.2.2,")], {"PROXIES_COUNT": 2}),
    ([("x-forwarded-for", "")], {"PROXIES_COUNT": 1}),
    ([], {"PROXIES_COUNT": 1}),
    ([("x-real-ip", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")], {"REAL_IP_HEADER": "X-Real-IP", "PROXIES_COUNT": 1}),
    ([("x-forwarded-for", "2.2.2.2")], {"REAL_IP_HEADER": "X-Real-IP", "PROXIES_COUNT": 1}),
    ([("x-real-ip", "")], {"REAL_IP_HEADER": "X-Real-IP"}),
    ([("x-ff", "1.1.1.1")], {"PROXIES_COUNT": 1, "FORWARDED_FOR_HEADER": "X-FF"}),
    ([("x-ff", "1.1.1.1")], {"PROXIES_COUNT": 1, "FORWARDED_FOR_HEADER": ""}),
    *(
        ([("x-real-ip", address), *fields], {"REAL_IP_HEADER": "x-real-ip"})
        for address in ("1.1.1.1", "::1", "unknown")
        for fields in (
            [],
            [("x-scheme", "HTTPS"), ("x-forwarded-host", "EX.com"), ("x-forwarded-port", "443")],
            [("x-scheme", "https"), ("x-forwarded-proto", "HTTP"), ("x-forwarded-path", "/a%20b")],
            [("x-forwarded-port", "x"), ("x-forwarded-proto", "http, https")],
        )
    ),
]


@pytest.mark.parametrize(("items", "settings"), XFORWARDED)
def test_the_older_headers_are_read_as_sanic_reads_them(items: list[tuple[str, str]], settings: dict[str, Any]) -> None:
    trusted = config(**settings)
    ours = headers.parse_xforwarded(Header(items), trusted)
    assert ours == sanic_headers.parse_xforwarded(sanic.compat.Header(items), trusted)


def test_a_negative_count_of_proxies_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="PROXIES_COUNT is -1"):
        headers.parse_xforwarded(Header({"x-forwarded-for": "1.1.1.1"}), config(PROXIES_COUNT=-1))


FORWARDED_PAIRS: list[list[tuple[str, Any]]] = [
    [("for", "[::1]"), ("proto", "HTTPS"), ("host", "EX.com"), ("port", "80"), ("path", "/a%20b"), ("by", "_X")],
    [("for", "unknown"), ("port", "x"), ("x", "Y")],
    [("for", ""), ("port", "")],
    [("port", None), ("for", None)],
    [("path", "/%zz"), ("secret", "S"), ("for", "a"), ("for", "b"), ("host", "EX:80")],
]


@pytest.mark.parametrize("pairs", FORWARDED_PAIRS)
def test_pairs_are_normalised_as_sanic_does(pairs: list[tuple[str, Any]]) -> None:
    assert headers.fwd_normalize(pairs) == sanic_headers.fwd_normalize(pairs)


@pytest.mark.parametrize("port", ["-1", "65536", "9" * 5000])
def test_invalid_ports_are_left_out(port: str) -> None:
    assert headers.fwd_normalize([("port", port)]) == {}


ADDRESSES = ["127.0.0.1", "::1", "[::1]", "[2001:DB8::1]", "2001:DB8::1", "_Secret", "HOST.Example", "", "[::1]:80"]


@pytest.mark.parametrize("address", [*ADDRESSES, "1.2.3.4:80"])
def test_addresses_are_normalised_as_sanic_does(address: str) -> None:
    assert headers.fwd_normalize_address(address) == sanic_headers.fwd_normalize_address(address)


def test_an_unknown_address_is_refused() -> None:
    for module in (our_headers, sanic_headers):
        with pytest.raises(ValueError):  # noqa: PT011 - Sanic's has no message
            module.fwd_normalize_address("unknown")
