"""Cookies: the same calls on both, the old dictionary forms, and refused values."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sanic.compat
import sanic.cookies.request
import sanic.cookies.response
from hypothesis import given
from hypothesis import strategies as st

from sanic_star import HTTPResponse, Sanic, text
from sanic_star.compat.compat import Header
from sanic_star.compat.cookies import Cookie, CookieJar
from sanic_star.compat.cookies.request import CookieRequestParameters, parse_cookie
from sanic_star.compat.exceptions import ServerError
from sanic_star.compat.request.parameters import RequestParameters
from sanic_star.testing import TestClient

WHEN = datetime(2030, 1, 2, 3, 4, 5)
# Each line is a script: calls on a jar `j`, separated by `;;`, the last one an expression.
SCRIPTS = """
j.add_cookie("a", "1")
j.add_cookie("a", "1", path=None)
j.add_cookie("a", "1", path="")
j.add_cookie("a", "1", secure=False)
j.add_cookie("a", "1", path="/x", domain="ex.com", max_age=5, expires=WHEN, httponly=True, comment="hi")
j.add_cookie("a", "1", host_prefix=True, partitioned=True)
j.add_cookie("a", "1", host_prefix=True)
j.add_cookie("a", "1", host_prefix=True, path="/x")
j.add_cookie("a", "1", host_prefix=True, domain="x.com")
j.add_cookie("a", "1", host_prefix=True, secure=False)
j.add_cookie("a", "1", secure_prefix=True)
j.add_cookie("a", "1", secure_prefix=True, secure=False)
j.add_cookie("a", "1", secure_prefix=True, host_prefix=True)
j.add_cookie("a", "1", partitioned=True)
j.add_cookie("a", "1", samesite="None")
j.add_cookie("a", "1", samesite="bogus")
j.add_cookie("a", "1", samesite=None)
j.add_cookie("a", "1", samesite="STRICT")
j.add_cookie("a", "1", max_age=0)
j.add_cookie("a", "1", max_age="5")
j.add_cookie("a", "1", max_age="x")
j.add_cookie("a", "1", max_age=5.5)
j.add_cookie("a", "1", max_age=-1)
j.add_cookie("a", "1", expires="x")
j.add_cookie("a", "1", expires=5)
j.add_cookie("a", "")
j.add_cookie("a", None)
j.add_cookie("a b", "1")
j.add_cookie("a;b", "1")
j.add_cookie("é", "1")
j.add_cookie("", "1")
j.add_cookie("path", "1")
j.add_cookie("max-age", "1")
j.add_cookie("Path", "1")
j.add_cookie("a", "1", path="/é")
j.add_cookie("a", "1") ;; j.add_cookie("a", "2")
j.add_cookie("a", "1") ;; j.add_cookie("a", "2", path="/x")
j.add_cookie("a", "1") ;; j.delete_cookie("a")
j.add_cookie("b", "1") ;; j.add_cookie("a", "1") ;; j.add_cookie("c", "1") ;; j.delete_cookie("a")
j.add_cookie("a", "1", path="/x") ;; j.delete_cookie("a")
j.add_cookie("a", "1", secure=False) ;; j.delete_cookie("a")
j.add_cookie("a", "1", host_prefix=True, partitioned=True) ;; j.delete_cookie("a", host_prefix=True)
j.delete_cookie("a")
j.delete_cookie("a", path="/x", domain="ex.com")
j.delete_cookie("a", host_prefix=True)
j.delete_cookie("a", secure_prefix=True)
j.delete_cookie("a", secure=False)
j.add_cookie("a", "1", domain="ex.com", httponly=True, samesite="Strict") ;; j.delete_cookie("a", domain="ex.com")
j.add_cookie("a", "1", max_age=5, comment="x") ;; j.delete_cookie("a")
j.add_cookie("a", "1") ;; j.get_cookie("a")
j.get_cookie("a")
j.add_cookie("a", "1", path="/x") ;; j.get_cookie("a")
j.add_cookie("a", "1", path="/x") ;; j.get_cookie("a", path="/x")
j.add_cookie("a", "1", host_prefix=True) ;; j.get_cookie("a")
j.add_cookie("a", "1", host_prefix=True) ;; j.get_cookie("a", host_prefix=True).key
j.add_cookie("a", "1") ;; j.has_cookie("a")
j.has_cookie("a")
j.add_cookie("a", "1") ;; len(j), len(j.cookies), bool(j)
bool(j), j.HEADER_KEY, len(j.headers)
j.add_cookie("__Secure-a", "1").key
setattr(j.add_cookie("a", "1"), "path", "/q")
setattr(j.add_cookie("a", "1"), "value", "zz")
setattr(j.add_cookie("a", "1"), "max_age", 3)
setattr(j.add_cookie("a", "1"), "max_age", "q")
setattr(j.add_cookie("a", "1"), "samesite", "q")
setattr(j.add_cookie("a", "1"), "samesite", "none")
setattr(j.add_cookie("a", "1"), "expires", "q")
setattr(j.add_cookie("a", "1"), "expires", WHEN)
setattr(j.add_cookie("a", "1"), "partitioned", True)
setattr(j.add_cookie("a", "1"), "secure", False)
setattr(j.add_cookie("a", "1"), "httponly", True)
setattr(j.add_cookie("a", "1"), "domain", "x")
setattr(j.add_cookie("a", "1"), "comment", "x")
"""


def played(script: str, jar: Any, headers: Any) -> tuple[Any, ...]:
    names = {"j": jar, "WHEN": WHEN}
    try:
        result = [eval(step, names) for step in script.split(" ;; ")][-1]
    except Exception as error:
        result = (type(error).__name__, str(error))
    if type(result).__name__ == "Cookie":
        result = str(result)
    return result, [str(value) for value in headers.getall("set-cookie", [])]


@pytest.mark.parametrize("script", SCRIPTS.strip().splitlines())
def test_a_jar_does_what_sanics_does(script: str) -> None:
    headers, sanics = Header(), sanic.compat.Header()
    jar = sanic.cookies.response.CookieJar(sanics)
    assert played(script, CookieJar(headers), headers) == played(script, jar, sanics)


@given(st.text(max_size=20))
def test_values_are_quoted_as_sanic_quotes_them(value: str) -> None:
    assert str(Cookie("a", value)) == str(sanic.cookies.response.Cookie("a", value))


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=3))
def test_the_names_that_sanic_takes_are_taken(key: str) -> None:
    def taken(kind: Any) -> bool:
        try:
            kind(key, "1")
        except KeyError:
            return False
        return True

    assert taken(Cookie) == taken(sanic.cookies.response.Cookie)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_value_is_read_as_it_was_written(value: str) -> None:
    text = str(Cookie("a", value)).partition(";")[0]
    assert parse_cookie(text) == {"a": [value]}


@pytest.mark.parametrize("bad", ["x\r\nSet-Cookie: b=2", "x\ny", "x\0", "/; Domain=evil.example", "\x7f"])
@pytest.mark.parametrize("attribute", ["path", "domain", "comment"])
def test_an_attribute_cannot_smuggle_another(attribute: str, bad: str) -> None:
    options: dict[str, Any] = {attribute: bad}
    with pytest.raises(ValueError, match=f"Cookie {attribute} must not contain"):
        Cookie("a", "1", **options)
    with pytest.raises(ValueError, match="must not contain"):
        setattr(Cookie("a", "1"), attribute, bad)


def test_a_time_with_a_zone_is_written_in_gmt() -> None:
    east = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5)))
    assert "expires=Tue, 01-Jan-2030 22:04:05 GMT" in str(Cookie("a", "1", expires=east))
    assert "expires=Wed, 02-Jan-2030 03:04:05 GMT" in str(Cookie("a", "1", expires=WHEN.replace(tzinfo=UTC)))


def test_attributes_can_be_taken_away() -> None:
    cookie = Cookie("a", "1", expires=WHEN, max_age=1, domain="x", comment="y", samesite="Lax")
    cookie.expires = cookie.max_age = cookie.domain = cookie.comment = cookie.samesite = cookie.path = None
    assert str(cookie) == "a=1; Secure"


def test_a_number_is_a_value() -> None:
    assert str(Cookie("a", 5)).startswith("a=5;")  # type: ignore[arg-type]
    assert Cookie("a", "é").encode() == 'a="é"; Path=/; SameSite=Lax; Secure'.encode()


def test_other_headers_of_that_name_stay() -> None:
    headers = Header([("set-cookie", "raw=1")])
    jar = CookieJar(headers)
    jar.add_cookie("a", "1")
    jar.delete_cookie("a")
    assert len(jar) == 1
    assert headers.getall("set-cookie")[0] == "raw=1"


def test_the_jar_was_a_dictionary() -> None:
    headers = Header()
    jar = CookieJar(headers)
    with pytest.warns(DeprecationWarning, match=r"use response.add_cookie\(name, …\)") as caught:
        jar["a"] = "1"
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"set cookie.max_age"):
        jar["a"]["max-age"] = 0
    with pytest.warns(DeprecationWarning, match=r"set cookie.path"):
        jar["a"]["path"] = "/shop"
    with pytest.warns(DeprecationWarning, match=r"set cookie.httponly"):
        jar["a"]["HttpOnly"] = True
    assert str(headers["set-cookie"]) == "a=1; Path=/shop; Max-Age=0; HttpOnly"
    assert (jar["a"]["path"], jar["a"]["max-age"], "a" in jar, "b" in jar, list(jar)) == (
        "/shop",
        0,
        True,
        False,
        ["a"],
    )
    with pytest.warns(DeprecationWarning, match="add_cookie"):
        jar["a"] = "2"
    assert [cookie.value for cookie in jar.cookies] == ["2"]
    with pytest.raises(KeyError, match="'b'"):
        _ = jar["b"]
    assert jar.get("b") is None


def test_a_cookie_has_the_old_dictionary_methods() -> None:
    cookie = Cookie("a", "1", domain="x", secure=True)
    with pytest.raises(KeyError, match="Unknown cookie property 'bogus'"):
        cookie["bogus"] = 1
    with pytest.raises(KeyError, match="Unknown cookie property 'value'"):
        _ = cookie["value"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cookie["domain"] = False
        cookie["secure"] = False
    assert str(cookie) == "a=1; Path=/; SameSite=Lax"


def test_an_entry_of_the_jar_was_deleted() -> None:
    headers = Header()
    with pytest.warns(DeprecationWarning, match="use response.delete_cookie"):
        del CookieJar(headers)["a"]
    assert str(headers["set-cookie"]) == 'a=""; Path=/; Max-Age=0'


RAW = r"""
a=1; b=2
a=1; a=2
a=1;b=2;  c = 3
a="quoted value"; b="x\"y"; c="\054"
a; b=2
=x; b=2
a=; b=2
a=x=y
;;;
a=é
a="unclosed
a="x;y"; b=2
a b=2
a=%20x
$Version=1; a=1
a=1, b=2
é=1;b=2
a[1]=1;b=2
a="\303\251"
a="\400\08\x"
a="x\"
a="
"""


@pytest.mark.parametrize("raw", ["", *RAW.strip("\n").splitlines()])
def test_a_cookie_header_is_read_as_sanic_reads_it(raw: str) -> None:
    assert parse_cookie(raw) == sanic.cookies.request.parse_cookie(raw)


@given(st.text(alphabet='ab=;" \\0173é,\t', max_size=20).filter(lambda raw: '""' not in raw))
def test_any_cookie_header_is_read_as_sanic_reads_it(raw: str) -> None:
    assert parse_cookie(raw) == sanic.cookies.request.parse_cookie(raw)


def test_an_empty_value_in_quotes_is_empty() -> None:
    assert parse_cookie('a=""') == {"a": [""]}


COOKIES: list[dict[str, list[str]]] = [
    {"a": ["1", "2"]},
    {"__Host-a": ["1"]},
    {"__Secure-a": ["1"]},
    {"__Secure-a": ["s"], "__Host-a": ["h"], "a": ["p"]},
    {"a-b": ["1"]},
    {},
]
LOOKS = """
c.get("a")
c.get("a", 7)
c.getlist("a")
c.getlist("a", [7])
c["a"]
c.a
c.a_b
c.get("__Host-a")
c["__Host-a"]
"a" in c
c.get(None)
c.get(None, 7)
c.getlist(None)
c.get(1)
c.get(True)
c.get([])
c[None]
c._x
"""


@pytest.mark.parametrize("cookies", COOKIES)
@pytest.mark.parametrize("look", LOOKS.strip().splitlines())
def test_the_cookies_of_a_request_are_seen_as_in_sanic(cookies: dict[str, list[str]], look: str) -> None:
    seen = []
    for kind in (CookieRequestParameters, sanic.cookies.request.CookieRequestParameters):
        try:
            seen.append(eval(look, {"c": kind(cookies)}))
        except Exception as error:
            seen.append(repr(error))
    assert seen[0] == seen[1]


def test_an_attribute_may_have_an_underscore_of_its_own() -> None:
    assert CookieRequestParameters({"a_b": ["1"]}).a_b == "1"


def test_parameters_without_values_have_the_default() -> None:
    empty = RequestParameters({"a": []})
    assert (empty.get("a", 3), empty.getlist("a", [3]), empty.get("b"), empty.getlist("b")) == (3, [], None, [])


def test_a_response_deletes_a_cookie_in_starlette_s_way() -> None:
    response = HTTPResponse()
    response.delete_cookie("a", "/", None, True, True, "none")
    response.add_cookie("b", "1", samesite="Strict", httponly=True)
    response.delete_cookie("b")
    assert [str(value) for value in response.headers.getall("set-cookie")] == [
        'a=""; Path=/; Max-Age=0; SameSite=None; Secure; HttpOnly',
        'b=""; Path=/; Max-Age=0; SameSite=Strict; Secure; HttpOnly',
    ]


# Browsers would silently not store these (RFC 6265bis, sections 4.1.3 and 5.7).
NOT_STORABLE: list[dict[str, Any]] = [
    *({"key": key, "secure": False} for key in ("__Host-id", "__host-id", "__Secure-id", "__SECURE-id", "__HOST-")),
    *({"key": key, "domain": "a.example"} for key in ("__Host-id", "__hOST-id")),
    *({"key": "__Host-id", "path": path} for path in ("/shop", "", None)),
    {"key": "__Host-id", "domain": ""},
    *({"key": key, "httponly": False} for key in ("__Http-id", "__HTTP-id", "__Host-Http-id", "__host-HTTP-")),
    *({"key": key, "httponly": True, "secure": False} for key in ("__Http-id", "__Host-Http-id")),
    {"key": "__Host-Http-id", "httponly": True, "domain": "a.example"},
    {"key": "__Host-Http-id", "httponly": True, "path": "/shop"},
    *({"key": "id", "samesite": samesite, "secure": False} for samesite in ("None", "none")),
]


@pytest.mark.parametrize("key", ["__Http-id", "__Host-Http-id"])
def test_cookies_that_no_script_can_have_set(key: str) -> None:
    response = text("")
    response.add_cookie(key, "1", httponly=True)
    assert str(response.headers["set-cookie"]) == f"{key}=1; Path=/; SameSite=Lax; Secure; HttpOnly"
    response.cookies.get(key).httponly = False  # type: ignore[union-attr]
    with pytest.raises(ServerError, match="httponly=True"):
        str(response.headers["set-cookie"])
    for in_jar in (False, True):
        response = text("")
        (response.cookies if in_jar else response).delete_cookie(key)
        assert str(response.headers["set-cookie"]).endswith("; Secure; HttpOnly")
    response = text("")
    with pytest.warns(DeprecationWarning, match="add_cookie"):
        response.cookies[key] = "1"
    assert "; Secure; HttpOnly" in str(response.headers["set-cookie"])


@pytest.mark.parametrize("attributes", NOT_STORABLE)
def test_a_cookie_that_browsers_would_not_store_is_refused(attributes: dict[str, Any]) -> None:
    key = attributes["key"]
    others = {name: value for name, value in attributes.items() if name != "key"}
    with pytest.raises(ServerError, match=re.escape(key)):
        text("").add_cookie(key, "1", **others)
    with pytest.raises(ServerError, match=re.escape(key)):
        text("").set_cookie(key, "1", **{"secure": True, **others})
    # A deletion is `HttpOnly` by itself where the prefix wants it.
    if "samesite" in attributes or attributes.get("path", "/") is None or attributes.get("httponly") is False:
        return
    with pytest.raises(ServerError, match=re.escape(key)):
        text("").delete_cookie(key, **others)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("__Host-id", {"secure": False}),
        ("__Host-id", {"path": "/shop"}),
        ("__Host-id", {"domain": "a.example"}),
        ("__Secure-id", {"secure": False}),
        ("id", {"samesite": "None", "secure": False}),
        ("id", {"partitioned": True, "secure": False}),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_attributes_that_are_changed_later_are_checked_when_the_cookie_is_sent(
    key: str, changes: dict[str, Any]
) -> None:
    app: Sanic[Any, Any] = Sanic("Changed")

    @app.get("/attributes")
    async def attributes(request: Any) -> Any:
        response = text("ok")
        cookie = response.add_cookie(key, "1")
        for name, value in changes.items():
            setattr(cookie, name, value)
        return response

    @app.get("/items")
    async def items(request: Any) -> Any:
        response = text("ok")
        response.cookies[key] = "1"
        for name, value in changes.items():
            response.cookies[key][name] = value
        return response

    with TestClient(app, raise_server_exceptions=False) as client:
        for path in ("/attributes", "/items"):
            answer = client.get(path)
            assert (answer.status_code, "set-cookie" in answer.headers) == (500, False), path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_prefixed_cookie_that_is_set_or_deleted_by_item_is_secure() -> None:
    response = text("")
    response.cookies["__Host-id"] = "1"
    response.cookies["__secure-id"] = "2"
    assert [str(cookie) for cookie in response.cookies.cookies] == [
        "__Host-id=1; Path=/; Secure",
        "__secure-id=2; Path=/; Secure",
    ]
    del response.cookies["__Host-id"]
    assert "Max-Age=0; Secure" in str(response.cookies["__Host-id"])


@pytest.mark.parametrize("domain", ["a b", "a,b", "a.example:8000", "https://a.example", "a\tb"])
def test_a_domain_is_a_host_name(domain: str) -> None:
    for add in (text("").add_cookie, text("").set_cookie):
        with pytest.raises(ValueError, match="Cookie domain must"):
            add("id", "1", domain=domain)


@pytest.mark.parametrize("value", [b"1", bytearray(b"1")])
def test_a_value_is_text(value: Any) -> None:
    with pytest.raises(TypeError, match="decode it"):
        text("").add_cookie("id", value)
