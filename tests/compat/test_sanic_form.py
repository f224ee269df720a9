"""A request with Sanic's constructor arguments, and request classes with an initialiser in either form."""

from __future__ import annotations

import pickle
from typing import Any
from unittest.mock import Mock

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sanic_star import Request, Sanic, Websocket, json, text
from sanic_star.compat.exceptions import BadRequest, BadURL, ServerError, URITooLong
from sanic_star.compat.request._sanic_form import RequestFactory, has_sanic_form
from sanic_star.testing import TestClient, WebSocketDenialResponse


def make(url: bytes = b"/", headers: Any = (), **changed: Any) -> Request:
    arguments = {"version": "1.1", "method": "GET", "transport": None, "app": None, **changed}
    return Request(url, dict(headers), **arguments)


@given(st.binary(max_size=40) | st.from_regex(rb"(https?:/)?/[a-z?#/:@%]{0,20}", fullmatch=True))
def test_any_bytes_are_a_request_or_a_bad_url(url: bytes) -> None:
    try:
        expected = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        with pytest.raises(BadURL):
            make(url)
        return
    request = make(url)
    assert request.raw_url == url
    assert request.query_string.encode("latin-1") == (expected.query or b"")
    assert isinstance(request.url, str)


def test_a_url_has_a_limit() -> None:
    assert make(b"/" + b"x" * 65_534).path
    with pytest.raises(URITooLong) as caught:
        make(b"/" + b"x" * 65_535)
    assert caught.value.status_code == 414


@pytest.mark.parametrize("app", [None, Mock(), object()])
def test_any_object_may_be_the_application(app: Any) -> None:
    request = make(b"/a?b=1", {"Accept": "text/html", "Cookie": "c=d"}, app=app)
    assert request.app is app
    assert (request.path, request.args.get("b"), request.cookies.get("c")) == ("/a", "1", "d")
    assert (str(request.accept), request.form, request.json, request.ip) == ("text/html", {}, None, "")


def test_the_given_transport_is_used() -> None:
    transport = Mock()
    request = make(transport=transport)
    assert request.transport is transport
    assert request.protocol is transport.get_protocol.return_value
    assert make().transport is None
    request = Request.build()
    request.transport = transport
    assert request.protocol is transport.get_protocol.return_value


def test_the_number_of_a_stream_is_one_of_http_3() -> None:
    assert make(version="3", stream_id=4).stream_id == 4
    for request in (make(stream_id=4), Request.build(), Request.build(scope={"http_version": "3"})):
        with pytest.raises(ServerError, match="HTTP/3"):
            request.stream_id  # noqa: B018


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_like_values_are_accepted_as_urls(kind: Any) -> None:
    assert make(kind(b"/a?b")).raw_url == b"/a?b"


def test_values_of_headers_may_be_no_text() -> None:
    request = make(headers={"X-Number": 5})
    value: Any = request.headers["x-number"]
    assert value == 5
    assert request.starlette.headers["x-number"] == "5"


class InSanicsForm(Request):
    def __init__(
        self, url_bytes: bytes, headers: Any, version: str, method: str, *arguments: Any, **options: Any
    ) -> None:
        super().__init__(url_bytes, headers, version, method, *arguments, **options)
        self.ctx.form = "sanic"


class InASGIsForm(Request):
    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        super().__init__(scope, receive, send)
        self.ctx.form = "asgi"


class ByPosition(Request):
    def __init__(self, first: Any, second: Any, third: Any) -> None:
        super().__init__(first, second, third)
        self.ctx.form = "position"


class ByPositionInSanicsForm(Request):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ctx.form = f"{len(args)} arguments"


class Open(Request):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ctx.form = " ".join(kwargs)


class OpenBelow(InASGIsForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ctx.form += ", below"


class Without(InSanicsForm):
    pass


@pytest.mark.parametrize(
    ("cls", "form"),
    [
        (InSanicsForm, "sanic"),
        (InASGIsForm, "asgi"),
        (ByPosition, "position"),
        (ByPositionInSanicsForm, "6 arguments"),
        (Open, "url_bytes headers version method transport app head"),
        (OpenBelow, "asgi, below"),
        (Without, "sanic"),
    ],
)
@pytest.mark.parametrize("loads", [None, lambda body: body.decode()])
def test_an_initialiser_may_have_either_form(cls: type[Request], form: str, loads: Any) -> None:
    app = Sanic("Forms", request_class=cls, loads=loads)

    @app.post("/<x>")
    async def handler(request: Request, x: str) -> Any:
        return json([request.ctx.form, x, request.json, request.ip, request.transport.get_extra_info("peername")[0]])

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None:
        await ws.send(request.ctx.form)

    with TestClient(app) as client:
        body = "[1]" if loads else [1]
        assert client.post("/a%20b", json=[1]).json() == [form, "a%20b", body, "testclient", "testclient"]
        with client.websocket_connect("/ws") as websocket:
            assert websocket.receive_text() == form


def test_a_class_without_an_initialiser_is_not_called() -> None:
    class Plain(Request):
        pass

    app = Sanic("Plain", request_class=Plain)
    assert app._engine.make_request is Plain
    app.request_class = Open
    assert isinstance(app._engine.make_request, RequestFactory)
    app.request_class = Request
    assert app._engine.make_request is Request


def test_the_names_of_parameters_choose_the_form() -> None:
    forms = {cls.__name__: has_sanic_form(cls, Request) for cls in (InSanicsForm, InASGIsForm, ByPosition, Open)}
    assert forms == {"InSanicsForm": True, "InASGIsForm": False, "ByPosition": False, "Open": True}


class Picky(Request):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "fail" in self.args:
            raise BadRequest("not this one")


def test_an_exception_of_an_initialiser_is_answered() -> None:
    app = Sanic("Picky", request_class=Picky)
    seen = []

    @app.get("/")
    async def handler(request: Request) -> Any:
        return text("fine")

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None:
        await ws.send("fine")

    @app.on_response
    async def note(request: Request, response: Any) -> None:
        seen.append((type(request).__name__, response.status))

    with TestClient(app) as client:
        assert client.get("/").status_code == 200
        refused = client.get("/?fail=1", headers={"accept": "text/plain"})
        assert (refused.status_code, "not this one" in refused.text) == (400, True)
        assert client.get("/").text == "fine"
        with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect("/ws?fail=1"):
            pass
        assert caught.value.response.status_code == 400
    assert seen[:3] == [("Picky", 200), ("Request", 400), ("Picky", 200)]


def test_an_application_with_such_a_class_can_be_pickled() -> None:
    app = Sanic("Pickled", request_class=Open)
    copy = pickle.loads(pickle.dumps(app))
    assert copy._engine.make_request.request_class is Open


def test_other_first_arguments_are_refused() -> None:
    forms: list[tuple[Any, ...]] = [("/", {}, "1.1", "GET", None, None), (None, {}, "1.1", "GET", None, None), ("/",)]
    for arguments in forms:
        with pytest.raises(TypeError, match="an ASGI scope or the URL as bytes"):
            Request(*arguments)
