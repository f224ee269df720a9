"""`NegotiatedResponse`: the media type for a client, and the body."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Mount, Route
from starlette.templating import Jinja2Templates
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.types import Message, Receive, Scope, Send

from sanic_star import HTTPResponse, NegotiatedResponse, NotAcceptable, Request, Sanic, text
from sanic_star.compat.headers import parse_accept
from sanic_star.compat.response._negotiation import choose

VALUE = {"name": "<Ada>", "tags": ["a", "b"]}
DEFAULT = ["application/json", "text/html", "text/plain", "application/msgpack"]
VERSIONS = ["application/json;version=1", "application/json;version=2", "text/html"]


async def exchange(app: Any, *accept: str, method: str = "GET", path: str = "/") -> tuple[int, dict[str, str], bytes]:
    """Send a request with so many Accept fields, and return status, header fields and body."""
    fields = [(b"accept", field.encode("latin-1")) for field in accept]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"host", b"example.org"), *fields], "http_version": "1.1", "scheme": "http",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    headers: dict[str, str] = {}
    for name, value in start["headers"]:
        held = headers.get(name.decode())
        headers[name.decode()] = value.decode() if held is None else f"{held}, {value.decode()}"
    return start["status"], headers, b"".join(message.get("body", b"") for message in messages[1:])


def sanic_app(**options: Any) -> Sanic[Any, Any]:
    """Make an application whose only route answers by negotiation."""
    app = Sanic("Negotiation")

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        return NegotiatedResponse(VALUE, **options)

    return app


def starlette_app(**options: Any) -> Starlette:
    """Make the same of Starlette alone."""

    async def show(request: StarletteRequest) -> StarletteResponse:
        return NegotiatedResponse(VALUE, **options)

    return Starlette(routes=[Route("/", show)])


def mounted_app(**options: Any) -> Starlette:
    """Make the same of Starlette, mounted in an application of this package."""
    app = Sanic("Outer")
    app.mount("/", starlette_app(**options))
    return app


def bare_app(**options: Any) -> Any:
    """Make an ASGI application without any framework."""

    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        await NegotiatedResponse(VALUE, **options)(scope, receive, send)

    return show


APPS = [sanic_app, starlette_app, mounted_app, bare_app]


@pytest.mark.parametrize(
    ("accept", "offered", "chosen"),
    [
        ("*/*", DEFAULT, "application/json"),
        ("text/*", DEFAULT, "text/html"),
        ("text/plain, text/html", DEFAULT, "text/html"),
        ("text/html, application/json", DEFAULT, "application/json"),
        ("application/json;q=0.5, text/plain;q=0.6", DEFAULT, "text/plain"),
        ("text/*;q=0.3, */*;q=0.5", DEFAULT, "application/json"),
        # The most specific entry counts, not the one with the highest weight.
        ("application/json;q=0.1, */*;q=0.9", DEFAULT, "text/html"),
        ("application/*;q=0.1, text/html;q=0, */*;q=0.9", DEFAULT, "text/plain"),
        ("text/html;q=0, text/*", DEFAULT, "text/plain"),
        ("*/*;q=0, text/plain;q=0.001", DEFAULT, "text/plain"),
        ("application/json;q=0.000, */*;q=0.001", DEFAULT, "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", DEFAULT, "text/html"),
        ("APPLICATION/MsgPack", DEFAULT, "application/msgpack"),
        ("application/json; charset=UTF-8", DEFAULT, "application/json"),
        ('text/plain; charset="utf-8"', DEFAULT, "text/plain"),
        # A weight beyond 1 is 1, a negative one is 0.
        ("text/plain;q=9, text/html;q=1", DEFAULT, "text/html"),
        ("application/json;q=-1, */*", DEFAULT, "text/html"),
        # What follows the weight is no parameter of the media type.
        ("text/plain;q=0.5;level=1, application/json;q=0.1", DEFAULT, "text/plain"),
        # Entries that make no sense are left out.
        ("garbage, text/plain", DEFAULT, "text/plain"),
        ("text/plain;q=much, text/html", DEFAULT, "text/html"),
        (",, text/plain ,", DEFAULT, "text/plain"),
        ("application/json", VERSIONS, "application/json;version=1"),
        ("application/json;version=2", VERSIONS, "application/json;version=2"),
        ('application/json;version="2"', VERSIONS, "application/json;version=2"),
        ("application/json; Version=2", VERSIONS, "application/json;version=2"),
        ("application/json;version=1;q=0.1, application/json", VERSIONS, "application/json;version=2"),
        ("application/json;version=2;q=0.1, application/json;q=0", VERSIONS[:2], "application/json;version=2"),
        ("application/json;version=3, text/html;q=0.1", VERSIONS, "text/html"),
        ("*/*;q=0.5, application/json;version=2", VERSIONS, "application/json;version=2"),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str, offered: list[str], chosen: str) -> None:
    assert choose(parse_accept(accept), offered) == chosen


@pytest.mark.parametrize(
    ("accept", "offered"),
    [
        ("image/png", DEFAULT),
        ("image/*", DEFAULT),
        ("*/*;q=0", DEFAULT),
        ("application/*;q=0, text/*;q=0", DEFAULT),
        ("application/json;version=1", DEFAULT),
        ("text/html;charset=iso-8859-1", DEFAULT),
        ("application/json;version=3", VERSIONS),
        ("*/html", ["application/json"]),
        ("*/*", []),
    ],
)
def test_a_client_that_likes_nothing_gets_406(accept: str, offered: list[str]) -> None:
    with pytest.raises(NotAcceptable) as caught:
        choose(parse_accept(accept), offered)
    assert (caught.value.status_code, caught.value.offered) == (406, offered)
    assert caught.value.headers == {"Vary": "Accept"}


def is_json(body: bytes) -> bool:
    return bool(json.loads(body) == VALUE)


def is_escaped(body: bytes) -> bool:
    return b"&lt;Ada&gt;" in body and b"<Ada>" not in body


def is_message_pack(body: bytes) -> bool:
    return bool(msgspec.msgpack.decode(body) == VALUE)


@pytest.mark.parametrize("make", APPS)
async def test_each_kind_of_application_answers_the_same(make: Any) -> None:
    app = make()
    for accept, kind, check in [
        ("application/json", "application/json", is_json),
        ("text/html", "text/html; charset=utf-8", is_escaped),
        ("text/plain", "text/plain; charset=utf-8", is_json),
        ("application/msgpack", "application/msgpack", is_message_pack),
    ]:
        status, headers, body = await exchange(app, accept)
        assert (status, headers["content-type"], headers["vary"]) == (200, kind, "Accept")
        assert headers["content-length"] == str(len(body))
        assert check(body), body


@pytest.mark.parametrize("make", APPS)
@pytest.mark.parametrize("accept", [(), ("",), (" ",), (",",), ("", "")])
async def test_no_accept_and_an_empty_one_accept_everything(make: Any, accept: tuple[str, ...]) -> None:
    status, headers, _ = await exchange(make(), *accept)
    assert (status, headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("make", APPS)
async def test_several_accept_fields_are_one(make: Any) -> None:
    # The first alone would choose text, the second alone JSON.
    for accept in [("text/plain;q=0.2", "text/html;q=0.8"), ("image/png", "text/html"), ("", "text/html")]:
        status, headers, _ = await exchange(make(), *accept)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("make", APPS)
async def test_406_lists_what_is_offered(make: Any) -> None:
    status, headers, body = await exchange(make(), "image/png")
    assert (status, headers["vary"]) == (406, "Accept")
    assert b"application/json, text/html, text/plain, application/msgpack" in body


@pytest.mark.parametrize("make", APPS)
@pytest.mark.parametrize("accept", ["garbage", "text", "text/plain;q=x", ";", "a;b, c", "\xff"])
async def test_an_accept_field_without_a_sensible_entry_is_400(make: Any, accept: str) -> None:
    status, _, body = await exchange(make(), accept)
    assert status == 400
    assert b"Accept" in body


@pytest.mark.parametrize("make", APPS)
async def test_an_accept_field_that_is_too_long_is_431(make: Any) -> None:
    for accept in [("text/plain," * 1000,), ("text/plain," * 400,) * 3]:
        assert (await exchange(make(), *accept))[0] == 431


@pytest.mark.parametrize("make", [sanic_app, starlette_app, mounted_app])
async def test_head_has_the_fields_of_get(make: Any) -> None:
    app = make()
    if make is sanic_app:

        async def show_head(request: Request) -> HTTPResponse:
            return NegotiatedResponse(VALUE)

        app.add_route(show_head, "/", methods=["HEAD"])
    for accept in ("text/html", "application/msgpack"):
        status, headers, _ = await exchange(app, accept, method="HEAD")
        assert (status, headers) == (await exchange(app, accept))[:2]
    assert (await exchange(app, "image/png", method="HEAD"))[0] == 406


async def test_vary_keeps_its_values() -> None:
    for given, sent in [
        ("Cookie", "Cookie, Accept"),
        ("accept", "accept"),
        ("Cookie, ACCEPT", "Cookie, ACCEPT"),
        ("*", "*"),
        ("Accept-Encoding", "Accept-Encoding, Accept"),
    ]:
        _, headers, _ = await exchange(sanic_app(headers={"Vary": given}))
        assert headers["vary"] == sent


async def test_response_middleware_reads_and_changes_it() -> None:
    app = sanic_app()
    seen: list[tuple[int, str | None, bytes]] = []

    @app.on_response
    async def change(request: Request, response: HTTPResponse) -> None:
        seen.append((response.status, response.content_type, response.body))
        response.headers["vary"] = "Cookie"
        if request.headers.get("accept") == "text/plain":
            response.body = "changed"

    assert (await exchange(app, "text/html"))[1]["vary"] == "Cookie, Accept"
    status, headers, body = await exchange(app, "text/plain")
    assert (status, body, headers["content-length"]) == (200, b"changed", "7")
    assert [(status, kind) for status, kind, _ in seen] == [
        (200, "text/html; charset=utf-8"), (200, "text/plain; charset=utf-8")
    ]  # fmt: skip
    assert b"&lt;Ada&gt;" in seen[0][2]


async def test_406_reaches_the_handlers_of_exceptions() -> None:
    app = sanic_app()

    @app.exception(NotAcceptable)
    async def refuse(request: Request, error: NotAcceptable) -> HTTPResponse:
        return text("|".join(error.offered), 406)

    assert (await exchange(app, "image/png"))[::2] == (406, "|".join(DEFAULT).encode())

    async def refuse_in_starlette(request: StarletteRequest, error: Exception) -> StarletteResponse:
        return PlainTextResponse("none", 406)

    plain = starlette_app()
    plain.add_exception_handler(406, refuse_in_starlette)
    assert (await exchange(plain, "image/png"))[::2] == (406, b"none")


async def test_a_handler_can_catch_406() -> None:
    app = Sanic("Catching")

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        try:
            return NegotiatedResponse(VALUE)
        except NotAcceptable:
            return text("anything")

    assert (await exchange(app, "image/png"))[::2] == (200, b"anything")


async def test_renderers_are_added_replaced_and_taken_away() -> None:
    def as_csv(value: Any) -> str:
        return ",".join(value["tags"])

    changes = {"text/csv;header=absent": as_csv, "application/msgpack": None, "text/plain": lambda value: "hi"}
    app = sanic_app(renderers=changes)
    _, headers, body = await exchange(app, "text/csv")
    assert (headers["content-type"], body) == ("text/csv;header=absent; charset=utf-8", b"a,b")
    assert (await exchange(app, "text/csv;header=present"))[0] == 406
    assert (await exchange(app, "application/msgpack"))[0] == 406
    assert (await exchange(app, "text/plain"))[2] == b"hi"
    # The class is as it was.
    assert list(NegotiatedResponse.renderers) == DEFAULT


async def test_a_class_registers_renderers_for_itself_and_its_subclasses() -> None:
    class Base(NegotiatedResponse): ...

    class Inherited(Base): ...

    class Own(Base):
        renderers = {"text/plain": str}

    @Base.register("application/xml")
    def as_xml(value: Any) -> bytes:
        return b"<x/>"

    Base.register("application/yaml", lambda value: "a: 1")
    assert list(Inherited.renderers) == list(Base.renderers) == [*DEFAULT, "application/xml", "application/yaml"]
    assert list(Own.renderers) == ["text/plain"]
    assert list(NegotiatedResponse.renderers) == DEFAULT
    assert (await exchange(Inherited(VALUE), "application/xml"))[2] == b"<x/>"
    assert (await exchange(Own(1), "*/*"))[2] == b"1"
    assert (await exchange(Own(1), "application/json"))[0] == 406


@pytest.mark.parametrize(
    "media_type",
    ["", "text", "text/*", "*/*", "text/csv;q=0.5", "text/csv, text/html", "text/csv\r\nx: y", "text/\x00"],
)
def test_a_renderer_has_one_media_type(media_type: str) -> None:
    with pytest.raises(ValueError, match="a renderer needs one media type"):
        NegotiatedResponse.register(media_type)
    with pytest.raises(ValueError, match="a renderer needs one media type"):
        NegotiatedResponse(1, renderers={media_type: str})
    with pytest.raises(ValueError, match="a renderer needs one media type"):
        type("Bad", (NegotiatedResponse,), {"renderers": {media_type: str}})


def test_a_renderer_is_a_function() -> None:
    with pytest.raises(TypeError, match="is not a function"):
        NegotiatedResponse(1, renderers={"text/csv": "csv"})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="html has to be a function, a template"):
        NegotiatedResponse(1, html=1)


@pytest.mark.parametrize("make", [sanic_app, starlette_app, mounted_app])
async def test_a_renderer_that_returns_neither_text_nor_bytes_is_an_error(make: Any) -> None:
    with pytest.raises(TypeError, match="text/csv returned dict"):
        await exchange(make(renderers={"text/csv": lambda value: value}), "text/csv")


@pytest.mark.parametrize("make", APPS)
async def test_a_renderer_may_be_a_coroutine_function(make: Any) -> None:
    async def as_csv(value: Any) -> str:
        await asyncio.sleep(0)
        return "csv"

    assert (await exchange(make(renderers={"text/csv": as_csv}), "text/csv"))[::2] == (200, b"csv")


async def test_middleware_learns_that_a_coroutine_function_renders_later() -> None:
    async def page(value: Any) -> str:
        return "<p>page"

    app = sanic_app(html=page)
    seen = []

    @app.on_response
    async def look(request: Request, response: HTTPResponse) -> None:
        seen.append(response.content_type)
        with pytest.raises(RuntimeError, match="rendered when it is sent"):
            response.body  # noqa: B018
        if request.headers.get("x-replace"):
            response.body = "mine"

    assert (await exchange(app, "text/html"))[2] == b"<p>page"
    assert seen == ["text/html; charset=utf-8"]


@pytest.mark.parametrize("make", APPS)
@pytest.mark.parametrize("is_async", [False, True])
async def test_html_comes_from_a_template(make: Any, is_async: bool) -> None:
    environment = Environment(
        loader=DictLoader({"a.html": "{{ name }} {{ value.tags|length }} {{ request.method }}"}),
        autoescape=True,
        enable_async=is_async,
    )
    app = make(html=environment.get_template("a.html"))
    assert (await exchange(app, "text/html"))[2] == b"&lt;Ada&gt; 2 GET"
    assert json.loads((await exchange(app, "application/json"))[2]) == VALUE


async def test_html_comes_from_the_name_of_a_template() -> None:
    environment = Environment(loader=DictLoader({"a.html": "{{ value[0] }} {{ who }} {{ request.url.path }}"}))
    templates = Jinja2Templates(env=environment, context_processors=[lambda request: {"who": "me"}])

    class Page(NegotiatedResponse):
        pass

    async def show(request: StarletteRequest) -> StarletteResponse:
        return Page([7], html="a.html")

    for place in (templates, environment):
        Page.templates = place
        who = "me" if place is templates else ""
        assert (await exchange(Starlette(routes=[Route("/", show)]), "text/html"))[2] == f"7 {who} /".encode()
        app = Sanic("Named")
        app.add_route(show, "/")
        assert (await exchange(app, "text/html"))[2] == f"7 {who} /".encode()


async def test_a_name_of_a_template_needs_templates() -> None:
    for make in (starlette_app, bare_app):
        with pytest.raises(RuntimeError, match=r"set NegotiatedResponse\.templates"):
            await exchange(make(html="a.html"), "text/html")
    # Only HTML needs them.
    assert (await exchange(starlette_app(html="a.html"), "application/json"))[0] == 200


async def test_html_comes_from_a_function() -> None:
    app = sanic_app(html=lambda value: f"<ul><li>{len(value['tags'])}</ul>")
    assert (await exchange(app, "text/html"))[2] == b"<ul><li>2</ul>"


async def test_the_plain_page_is_safe() -> None:
    class Markup:
        def __html__(self) -> str:
            return "<b>safe</b>"

    for value in ("<script>alert(1)</script>", ["<script>"], {"</pre><script>": "&"}, '"><img src=x>'):
        body = (await exchange(NegotiatedResponse(value), "text/html"))[2].decode()
        inner = body.partition("<pre>")[2].rpartition("</pre>")[0]
        assert not set(inner) & set("<>\"'"), body
    assert (await exchange(NegotiatedResponse(Markup()), "text/html"))[2] == b"<b>safe</b>"


async def test_json_and_text_are_written_by_the_application() -> None:
    app = Sanic("Dumps", dumps=lambda value, **_: '{"by": "me"}')

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        return NegotiatedResponse(VALUE)

    assert (await exchange(app))[2] == b'{"by": "me"}'
    assert json.loads((await exchange(app, "text/plain"))[2]) == {"by": "me"}


async def test_message_pack_writes_what_json_writes() -> None:
    class Own:
        def __json__(self) -> str:
            return '{"a": 1}'

    class Dictionary:
        def toDict(self) -> dict[str, int]:
            return {"b": 2}

    value = {"own": Own(), "dict": Dictionary(), "set": {1}}
    body = (await exchange(NegotiatedResponse(value), "application/msgpack"))[2]
    assert msgspec.msgpack.decode(body) == {"own": {"a": 1}, "dict": {"b": 2}, "set": [1]}
    assert msgspec.msgpack.decode((await exchange(NegotiatedResponse(b"\xff"), "application/msgpack"))[2]) == b"\xff"
    with pytest.raises(OverflowError):
        await exchange(NegotiatedResponse(2**70), "application/msgpack")
    with pytest.raises(TypeError):
        await exchange(NegotiatedResponse(object()), "application/msgpack")


async def test_the_scope_that_it_is_sent_to_decides() -> None:
    # Middleware between the application of this package and a mounted one's endpoint chooses by the path's suffix.
    class BySuffix:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app({**scope, "headers": [(b"accept", b"text/plain")]}, receive, send)

    app = Sanic("Outer")
    app.mount("/in", BySuffix(starlette_app()))
    assert (await exchange(app, "image/png", path="/in/"))[1]["content-type"] == "text/plain; charset=utf-8"


async def test_one_response_answers_several_requests() -> None:
    made: list[HTTPResponse] = []
    app = Sanic("Shared")

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        made.append(made[0] if made else NegotiatedResponse(VALUE))
        return made[0]

    for accept in ("text/html", "application/json", "text/html"):
        assert (await exchange(app, accept))[1]["content-type"].startswith(accept)
    assert (await exchange(app, "image/png"))[0] == 406


async def test_status_background_and_cookies_are_those_of_any_response() -> None:
    ran: list[int] = []
    response = NegotiatedResponse(VALUE, 201, background=BackgroundTask(ran.append, 1))
    response.set_cookie("a", "b")
    status, headers, _ = await exchange(response, "text/plain")
    assert (status, ran) == (201, [1])
    assert headers["set-cookie"].startswith("a=b")
    assert (await exchange(NegotiatedResponse(VALUE, status_code=404)))[0] == 404


async def test_a_handler_of_errors_may_negotiate() -> None:
    app = Sanic("Errors")

    @app.exception(Exception)
    async def show_error(request: Request, error: Exception) -> HTTPResponse:
        return NegotiatedResponse({"error": str(error)}, getattr(error, "status_code", 500))

    for accept in ("application/json", "text/html"):
        status, headers, body = await exchange(app, accept, path="/missing")
        assert (status, headers["content-type"].partition(";")[0]) == (404, accept)
        assert b"missing" in body


async def test_respond_sends_what_a_coroutine_function_renders() -> None:
    async def render(value: Any) -> str:
        await asyncio.sleep(0)
        return "rendered"

    app = Sanic("respond")

    @app.get("/")
    async def handler(request: Request) -> None:
        await request.respond(NegotiatedResponse(VALUE, 201, renderers={"application/json": render}))

    status, headers, body = await exchange(app, "application/json")
    assert (status, headers["content-length"], body) == (201, "8", b"rendered")


@pytest.mark.parametrize(
    ("accept", "status", "content_type"),
    [("*/*", 403, "application/json"), ("text/html", 403, "text/html; charset=utf-8"), ("image/png", 406, None)],
)
def test_it_refuses_the_handshake_of_a_websocket(accept: str, status: int, content_type: str | None) -> None:
    app = Sanic("handshake")

    @app.on_request
    async def refuse(request: Request) -> NegotiatedResponse:
        return NegotiatedResponse(VALUE, 403, html=lambda value: "<p>No.</p>")

    @app.websocket("/feed")
    async def feed(request: Request, ws: Any) -> None: ...

    client = TestClient(app)
    with pytest.raises(WebSocketDenialResponse) as refused:
        client.websocket_connect("/feed", headers={"accept": accept}).__enter__()
    assert refused.value.status_code == status
    assert content_type in (None, refused.value.headers["content-type"])


async def test_it_is_an_answer_among_starlettes() -> None:
    async def show(request: StarletteRequest) -> StarletteResponse:
        if request.headers.get("accept") == "text/html":
            raise HTTPException(404)
        return NegotiatedResponse(VALUE)

    async def missing(request: StarletteRequest, error: Exception) -> StarletteResponse:
        return JSONResponse({}, 404)

    app = Sanic("Host", routes=[Mount("/sub", routes=[Route("/", show)])], exception_handlers={404: missing})
    assert (await exchange(app, "text/plain", path="/sub/"))[0] == 200
    assert (await exchange(app, "text/html", path="/sub/"))[0] == 404


# Statuses without a body, and answers to errors ----------------------------------------------------------------------


def starlette_app_of(make: Any) -> Starlette:
    async def endpoint(request: StarletteRequest) -> StarletteResponse:
        response: StarletteResponse = make()
        return response

    return Starlette(routes=[Route("/", endpoint)])


def app_of(kind: str, make: Any) -> Any:
    if kind == "Starlette":
        return starlette_app_of(make)
    app = Sanic("Negotiation")
    app.add_route(lambda request: make(), "/")
    return app


@pytest.mark.parametrize("kind", ["Sanic", "Starlette"])
@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_renders_nothing(kind: str, status: int) -> None:
    rendered: list[Any] = []

    def render(value: Any) -> str:
        rendered.append(value)
        return "never"

    app = app_of(kind, lambda: NegotiatedResponse(VALUE, status, renderers={"application/json": render}))
    for accept in ("*/*", "image/png"):
        answered, headers, body = await exchange(app, accept)
        assert (answered, body) == (status, b"")
        assert headers["vary"].lower() == "accept"
        assert "content-type" not in headers
    assert rendered == []


async def test_response_middleware_finds_no_body_in_a_204_and_may_change_its_status() -> None:
    app = Sanic("Negotiation")
    app.add_route(lambda request: NegotiatedResponse(VALUE, 204), "/")
    bodies: list[bytes] = []

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        bodies.append(response.body)
        response.status = 200

    status, headers, body = await exchange(app, "text/plain")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert body
    assert bodies == [b""]


class Teapot(Exception):
    pass


def failing(kind: str, answer: Any) -> Any:
    """Make an application in which an exception handler answers by negotiation."""

    async def fail(request: Any) -> Any:
        raise Teapot

    async def handle(request: Any, error: Exception) -> Any:
        return answer()

    def handle_in_thread(request: Any, error: Exception) -> Any:
        return answer()

    if kind == "Starlette":
        return Starlette(routes=[Route("/", fail)], exception_handlers={Teapot: handle, 404: handle})
    if kind == "Starlette in Sanic":
        app = Sanic("Outer", routes=[Route("/", fail)])
    else:
        app = Sanic("Failing", sync_handlers="thread" if kind == "threads" else "loop")
        app.add_route(fail, "/")
    handler = handle_in_thread if kind == "threads" else handle
    app.exception(Teapot)(handler)
    app.exception(404)(handler)
    return app


@pytest.mark.parametrize("kind", ["Sanic", "Starlette", "Starlette in Sanic", "threads"])
@pytest.mark.parametrize("accept", ["image/png", "*/*;q=0", "application/json;q=0", "audio/*, video/mp4"])
@pytest.mark.parametrize("status", [200, 418, 500])
@pytest.mark.parametrize("path", ["/", "/missing"])
async def test_an_exception_handler_answers_in_the_default_type(kind: str, accept: str, status: int, path: str) -> None:
    answer = lambda: NegotiatedResponse(VALUE, status, renderers={"text/html": None, "text/plain": None})  # noqa: E731
    app = failing(kind, answer)
    answered, headers, body = await exchange(app, accept, path=path)
    if accept == "application/json;q=0":
        # Nothing else is accepted either.
        assert headers["content-type"] == "application/json"
    assert (answered, headers["content-type"]) == (status, "application/json")
    assert json.loads(body) == VALUE


@pytest.mark.parametrize("kind", ["Sanic", "Starlette", "Starlette in Sanic"])
async def test_an_exception_handler_answers_in_what_the_client_accepts(kind: str) -> None:
    app = failing(kind, lambda: NegotiatedResponse(VALUE, 418))
    assert (await exchange(app, "text/html, image/png"))[1]["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("kind", ["Sanic", "Starlette in Sanic"])
@pytest.mark.parametrize("accept", ["nothing", "a/b/c;;=", "/"])
async def test_an_exception_handler_answers_to_an_accept_field_without_sense(kind: str, accept: str) -> None:
    app = failing(kind, lambda: NegotiatedResponse(VALUE, 418))
    assert (await exchange(app, accept))[0] == 418


async def test_a_handler_that_catches_an_exception_itself_negotiates() -> None:
    app = Sanic("Catching")

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        try:
            raise Teapot
        except Teapot:
            return NegotiatedResponse(VALUE)

    assert (await exchange(app, "image/png"))[0] == 406
