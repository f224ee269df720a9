"""Error pages: formats and bodies are Sanic's; the HTML page is ours."""

from __future__ import annotations

import itertools
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
import sanic.compat
import sanic.errorpages
import sanic.exceptions
import sanic.headers
import starlette.exceptions

from sanic_star import Sanic
from sanic_star.compat import errorpages, exceptions, headers
from sanic_star.compat.compat import Header
from sanic_star.testing import TestClient

sanic_pages: Any = sanic.errorpages
ours = SimpleNamespace(pages=errorpages, exceptions=exceptions, parse=headers.parse_accept, header=Header)
sanics = SimpleNamespace(
    pages=sanic_pages, exceptions=sanic.exceptions, parse=sanic.headers.parse_accept, header=sanic.compat.Header
)


@pytest.fixture(autouse=True)
def quiet_sanic() -> Iterator[None]:
    with warnings.catch_warnings():
        # Sanic warns when the request's JSON decides.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class Request:
    """As much of a request as an error page looks at."""

    method = "GET"
    path = "/p"
    name = "shop.r"
    app = SimpleNamespace(name="shop", debug=False)

    def __init__(
        self,
        world: Any = ours,
        accept: str | None = None,
        content_type: str | None = None,
        body: bytes = b"",
        error_format: str | None = "",
        items: dict[str, str] | None = None,
    ) -> None:
        self.headers = world.header(items or {})
        if content_type is not None:
            self.headers["content-type"] = content_type
        self.world, self.text, self.body = world, accept, body
        self.args = {"z": ["1"]}
        extra = SimpleNamespace(error_format=error_format)
        self.route = None if error_format is None else SimpleNamespace(extra=extra, name=self.name)

    @property
    def accept(self) -> Any:
        return self.world.parse(self.text)

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise self.world.exceptions.BadRequest("Failed when parsing body as json") from None


FORMATS = ["auto", "html", "json", "text"]
ACCEPTS = [
    None, "", "*/*", "text/html", "application/json", "text/plain", "image/png", "text/*",
    "application/*;q=0.5, text/plain;q=0.1", "text/html,application/xml;q=0.9,*/*;q=0.8", "text/html;q=0.1,*/*",
]  # fmt: skip
BODIES = [
    (None, b""), ("application/json", b""), ("application/json; charset=utf-8", b"{bad"), ("text/plain", b'{"a":1}'),
    (None, b"[]"), ("text/json", b""), ("application/vnd.api+json", b"{}"), (None, b"5"), (None, b"null"),
    ("multipart/form-data; boundary=x", b"x"),
]  # fmt: skip


@pytest.mark.parametrize("error_format", ["", None, "bogus", *FORMATS])
@pytest.mark.parametrize("fallback", FORMATS)
def test_the_same_format_as_sanic_is_chosen(error_format: str | None, fallback: str) -> None:
    for accept, (content_type, body) in itertools.product(ACCEPTS, BODIES):
        arguments: dict[str, Any] = {"accept": accept, "content_type": content_type, "body": body}
        chosen = [
            world.pages.guess_mime(Request(world, error_format=error_format, **arguments), fallback)
            for world in (ours, sanics)
        ]
        assert chosen[0] == chosen[1], arguments


@pytest.mark.parametrize("error_format", ["", *FORMATS])
@pytest.mark.parametrize("fallback", ["", *FORMATS])
def test_the_log_names_the_source_of_the_format(
    error_format: str, fallback: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level DEBUG, in the line that Sanic writes, for each request."""
    for accept, (content_type, body) in itertools.product(ACCEPTS, BODIES):
        arguments: dict[str, Any] = {"accept": accept, "content_type": content_type, "body": body}
        lines = []
        for world in (ours, sanics):
            caplog.clear()
            with caplog.at_level("DEBUG", "sanic.root"):
                world.pages.guess_mime(Request(world, error_format=error_format, **arguments), fallback)
            lines.append([(record.levelname, record.getMessage()) for record in caplog.records])
        assert len(lines[0]) == 1
        assert lines[0] == lines[1], arguments


def test_the_choice_is_logged_for_each_error_in_debug_mode_only(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Choices")
    client = TestClient(app)
    for level, count in ("INFO", 0), ("DEBUG", 2), ("INFO", 0):
        caplog.clear()
        with caplog.at_level(level, "sanic.root"):
            assert [client.get("/nope", headers={"accept": "text/html"}).status_code for _ in range(2)] == [404, 404]
        lines = [record.getMessage() for record in caplog.records if "Error Page" in record.getMessage()]
        assert lines == ["Error Page: The client accepts text/html, using 'html' from any"] * count


def test_an_invalid_accept_header_is_ignored() -> None:
    assert errorpages.guess_mime(Request(accept="nonsense"), "json") == "application/json"


def test_a_body_that_is_gone_decides_nothing() -> None:
    class Gone(Request):
        @property
        def json(self) -> Any:
            raise RuntimeError("the client has disconnected")

    assert errorpages.guess_mime(Gone(), "auto") == "text/plain"


@pytest.mark.parametrize("accept", [None, "text/html", "image/png", ""])
@pytest.mark.parametrize("base", ["HTMLRenderer", "JSONRenderer", "TextRenderer"])
@pytest.mark.parametrize("renderer", [None, "JSONRenderer"])
def test_the_same_renderer_as_sanic_is_used(accept: str | None, base: str, renderer: str | None) -> None:
    taken = []
    for world in (ours, sanics):
        chosen = getattr(world.pages, renderer) if renderer else None
        response = world.pages.exception_response(
            Request(world, accept), world.exceptions.NotFound(), False, "auto", getattr(world.pages, base), chosen
        )
        taken.append((response.status, response.content_type))
    assert taken[0] == taken[1]


def caused(_: Any) -> None:
    try:
        raise ZeroDivisionError("zero")
    except ZeroDivisionError as error:
        raise ValueError("secret <b>") from error


def followed(_: Any) -> None:
    try:
        raise ZeroDivisionError("zero")
    except ZeroDivisionError:
        raise KeyError("other")  # noqa: B904 - what is tested


def with_context(world: Any) -> None:
    context, extra = {"a": 1, "o": [1, "é"]}, {"b": None, "s": "x"}
    raise world.exceptions.SanicException("tea", 418, context=context, extra=extra, headers={"q": "r"})


def empty(world: Any) -> None:
    raise world.exceptions.SanicException("", 500, context={}, extra={})


def missing(world: Any) -> None:
    raise world.exceptions.NotFound("multi\nline é <b>", context={"a": "b"}, extra={"c": "d"})


def loud(world: Any) -> None:
    raise world.exceptions.NotFound("loud", quiet=False)


def method(world: Any) -> None:
    raise world.exceptions.MethodNotAllowed("no", "PUT", ["GET"])


def unknown(world: Any) -> None:
    raise world.exceptions.SanicException("odd", 599)


FAILURES = [caused, followed, with_context, empty, missing, loud, method, unknown]


def failed(world: Any, failure: Callable[[Any], None]) -> Exception:
    try:
        failure(world)
    except Exception as error:
        return error
    raise AssertionError("it did not fail")  # pragma: no cover


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("renderer", ["TextRenderer", "JSONRenderer"])
@pytest.mark.parametrize("debug", [True, False])
def test_a_body_is_sanics_to_the_byte(failure: Callable[[Any], None], renderer: str, debug: bool) -> None:
    rendered = []
    for world in (ours, sanics):
        error = failed(world, failure)
        try:
            raise error  # Sanic reads the exception that is being handled
        except Exception:
            made = getattr(world.pages, renderer)(Request(world), error.with_traceback(error.__traceback__), debug)
            response = made.render()
        rendered.append((response.status, response.content_type, dict(response.headers), response.body))
    assert rendered[0] == rendered[1]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("renderer", ["BaseRenderer", "HTMLRenderer", "TextRenderer", "JSONRenderer"])
def test_a_renderer_has_the_attributes_of_sanics(failure: Callable[[Any], None], renderer: str) -> None:
    for debug in (True, False):
        responses = []
        for world in (ours, sanics):
            made = getattr(world.pages, renderer)(Request(world), failed(world, failure), debug)
            responses.append((made.status, made.text, made.title, made.headers))
        assert responses[0] == responses[1]


def test_a_starlette_exception_shows_its_detail() -> None:
    error = starlette.exceptions.HTTPException(409, "Taken", {"a": "b"})
    response: Any = errorpages.JSONRenderer(Request(), error, False).render()
    assert (response.status, response.headers["a"]) == (409, "b")
    assert json.loads(response.body)["message"] == "Taken"


def test_values_that_are_not_json_are_shown_as_text() -> None:
    error = exceptions.SanicException("x", context={"a": {1}})
    response: Any = errorpages.JSONRenderer(Request(), error, False).render()
    assert json.loads(response.body)["context"] == {"a": "{1}"}


def test_causes_in_a_circle_end() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    response: Any = errorpages.TextRenderer(Request(), first, True).render()
    assert response.body.count(b"ValueError: second") == 1


def test_a_custom_renderer_is_used() -> None:
    for debug in (True, False):
        with pytest.raises(NotImplementedError):
            errorpages.BaseRenderer(Request(), ValueError(), debug).render()


@pytest.mark.parametrize("name", ["auto", "html", "json", "text", "bogus", ""])
def test_formats_are_checked(name: str) -> None:
    def outcome(world: Any) -> str:
        try:
            return str(world.pages.check_error_format(name))
        except world.exceptions.SanicException as error:
            return str(error)

    assert outcome(ours) == outcome(sanics)


def test_escape_makes_attributes_safe_too() -> None:
    assert errorpages.escape("<a&\"'>") == "&lt;a&amp;&quot;&#x27;&gt;"
    assert errorpages.escape(5) == "5"


class Page(HTMLParser):
    """Collects tags and text, and minds that tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open_tags: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] != "style":
            self.words += data + "\n"


def page(error: Exception, debug: bool = False, **arguments: Any) -> str:
    response: Any = errorpages.HTMLRenderer(Request(**arguments), error, debug).render()
    assert response.content_type == "text/html; charset=utf-8"
    return str(response.body.decode())


EVIL = "<script>alert(1)</script>\"'&"


def test_the_page_escapes_everything() -> None:
    text = page(exceptions.NotFound(EVIL, context={EVIL: EVIL, "n": 5}))
    parsed = Page(text)
    assert not parsed.open_tags
    assert "script" not in parsed.tags
    assert parsed.words.count(EVIL) == 3
    assert "5" in parsed.words.splitlines()
    assert len(text) < 3000


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(exceptions.NotFound("x"))
    assert not any(sign in text for sign in ("http:", "https:", "src=", "href=", "url(", "@import"))
    assert all(sign in text for sign in ('<html lang="en">', "prefers-color-scheme:dark", "width=device-width"))


def test_the_page_keeps_internals_back() -> None:
    text = page(failed(ours, caused))
    assert "secret" not in text
    assert errorpages.FALLBACK_TEXT in text


def test_the_page_explains_in_debug_mode() -> None:
    items = {"x-shop": "Delft", "Authorization": "Bearer abc", "cookie": "id=1"}
    text = page(failed(ours, caused), True, items=items)
    assert "ZeroDivisionError" in text
    assert "secret &lt;b&gt;" in text
    text = page(exceptions.SanicException("x", extra={"till": 7}), True, items=items)
    assert "<dt>till</dt><dd>7</dd>" in text
    assert "<dt>x-shop</dt><dd>Delft</dd><dt>Authorization</dt><dd>(hidden)</dd>" in text
    assert "<h2>GET /p</h2>" in text
    assert not any(secret in text for secret in ("Bearer abc", "id=1"))
    assert "till" not in page(exceptions.SanicException("x", extra={"till": 7}))


def test_a_traceback_that_cannot_be_drawn_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tracerite", None)
    text = page(failed(ours, caused), True)
    assert "<pre>Traceback (most recent call last)" in text
    assert "raise ValueError(&quot;secret &lt;b&gt;&quot;) from error" in text


@pytest.mark.parametrize("accept", ["text/plain", "text/html", "application/json"])
def test_a_context_that_is_not_a_mapping_is_shown(accept: str) -> None:
    class Elsewhere(Exception):
        context = ["first", "second"]

    app: Sanic[Any, Any] = Sanic("Elsewhere")

    @app.get("/")
    async def handler(request: Any) -> None:
        raise Elsewhere

    answer = TestClient(app, raise_server_exceptions=False).get("/", headers={"accept": accept})
    assert answer.status_code == 500
    assert "second" in answer.text
