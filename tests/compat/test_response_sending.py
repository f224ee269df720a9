"""Responses that the dispatch sends itself, and responses whose own method is called."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from starlette.background import BackgroundTask
from starlette.types import Message, Receive, Scope, Send

from sanic_star import HTTPResponse, Sanic, html, raw, text
from sanic_star.compat.compat import Header
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.response import BaseHTTPResponse, JSONResponse
from sanic_star.testing import TestClient
from tests.engine.raw import Peer, http_scope


class Counted:
    """Sends a response, and records that."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)  # type: ignore[misc]
        sent.append(type(self).__name__)


class ByMixin(Counted, HTTPResponse):
    """Inherits how it sends itself from something else than a response."""


class Own(JSONResponse):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await super().__call__(scope, receive, send)
        sent.append("Own")


class Below(Own):
    """Inherits it from a response."""


sent: list[str] = []


@pytest.mark.parametrize(("kind", "who"), [(ByMixin, "ByMixin"), (Own, "Own"), (Below, "Own")])
def test_the_send_method_of_a_response_is_called(kind: type[HTTPResponse], who: str) -> None:
    async def handler(request: Any) -> HTTPResponse:
        return kind("x", content_type="text/plain; charset=utf-8")

    sent.clear()
    app: Sanic[Any, Any] = Sanic("Sending")
    app.add_route(handler, "/")
    assert TestClient(app).get("/").status_code == 200
    assert sent == [who]


def test_responses_independent_of_the_request_are_sent_by_the_dispatch() -> None:
    class Plain(HTTPResponse):
        """Has its own initialiser, and sends itself as others do."""

        def __init__(self) -> None:
            super().__init__("x", content_type="text/html; charset=utf-8")

    assert Plain()._start_message() == html("x")._start_message()
    several = Header([("set-cookie", "a=1"), ("x-a", "ü"), ("set-cookie", "b=2"), ("x-long", "1" * 9_000)])
    for response in (
        text("x", 201),
        text("x", headers={"a": "b"}),
        text("x", HTTPStatus.CREATED, {"a": "b"}),
        raw("x", 404, {"x-a": 1}, "x/of-no-other-test"),
        HTTPResponse("x", 200, {"a": "b"}),
        HTTPResponse("x", 200, {"a": "b", "Content-Type": "a/b"}, "c/d"),
        HTTPResponse("x", 200, {"a": "b", "Connection": "close", "transfer-encoding": "chunked"}, "c/d"),
        HTTPResponse("x", 200, {"a": "tab\there", "b": "\udce9"}, "c/d"),
        HTTPResponse("x", 200, {}, "c/d"),
        HTTPResponse("x", 599, several, "c/d"),
        HTTPResponse("x", 599, several),
    ):
        start = response._start_message()
        assert start is not None
        assert (start["status"], start["headers"]) == (response.status, response._head())


def test_responses_that_depend_on_the_request_send_themselves() -> None:
    assert HTTPResponse("x", background=BackgroundTask(print))._start_message() is None
    assert HTTPResponse("x", headers={"content-length": "9"})._start_message() is None  # an answer to HEAD keeps it
    assert HTTPResponse("x", 204)._start_message() is HTTPResponse("x", 304, {"a": "b"})._start_message() is None


def test_the_dispatch_refuses_the_same_responses() -> None:
    for response in (HTTPResponse("x", 99), HTTPResponse("x", 600, {"a": "b"}), HTTPResponse("x", "200")):  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="from 200 to 599"):
            response._start_message()
    with pytest.raises(ValueError, match="a name has only"):
        HTTPResponse("x", headers={"a b": "1"})._start_message()


def test_a_response_sends_its_own_fields() -> None:
    class Signed(HTTPResponse):
        @property
        def processed_headers(self) -> list[tuple[bytes, bytes]]:
            return [*super().processed_headers, (b"x-signed", b"yes")]

    async def handler(request: Any) -> HTTPResponse:
        return Signed("x", content_type="text/plain; charset=utf-8")

    app: Sanic[Any, Any] = Sanic("Sending")
    app.add_route(handler, "/")
    assert TestClient(app).get("/").headers["x-signed"] == "yes"


@pytest.mark.parametrize("headers", [None, {"x-slow": "yes"}])
async def test_a_kept_response_that_is_changed_while_it_is_sent(headers: dict[str, str] | None) -> None:
    kept = JSONResponse([1], headers=headers)
    app: Sanic[Any, Any] = Sanic("Sending")

    async def handler(request: Any) -> HTTPResponse:
        return kept

    async def slowly(message: Message) -> None:
        await peer.send(message)
        if message["type"] == "http.response.start":
            kept.append(2)

    app.add_route(handler, "/")
    peer = Peer()
    await app(http_scope("/"), peer.receive, slowly)
    assert peer.body == b"[1]"
    assert peer.headers[b"content-length"] == b"3"


@pytest.mark.parametrize("base", [HTTPResponse, JSONResponse])
def test_a_background_attribute_of_a_subclass_is_kept(base: Any) -> None:
    """In Sanic it is a name like any other."""

    class Set(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.background = 7
            super().__init__("x")

    class Property(base):  # type: ignore[misc]
        @property
        def background(self) -> int:
            return 7

    class Attribute(base):  # type: ignore[misc]
        background = 7

    assert [made.background for made in (Set(), Property("x"), Attribute("x"))] == [7, 7, 7]


def test_a_body_of_a_subclass_is_what_is_sent() -> None:
    class Doubled(BaseHTTPResponse):
        @property
        def body(self) -> bytes:
            return super().body * 2

        @body.setter
        def body(self, value: Any) -> None:
            vars(self)["_body"] = value

    async def handler(request: Any) -> BaseHTTPResponse:
        response = Doubled()
        response.body = b"ab"
        return response

    app: Sanic[Any, Any] = Sanic("Sending")
    app.add_route(handler, "/")
    assert TestClient(app).get("/").text == "abab"


def test_a_value_that_a_subclass_wraps_can_be_changed() -> None:
    class Envelope(JSONResponse):
        @property
        def body(self) -> bytes:
            return b"<" + super().body + b">"

        @body.setter
        def body(self, value: Any) -> None:
            JSONResponse.body.fset(self, value)  # type: ignore[attr-defined]

    response = Envelope([1])
    response.append(2)
    assert (response.body, response.raw_body) == (b"<[1,2]>", [1, 2])
    response.body = "x"
    assert response.body == b"<x>"
    with pytest.raises(SanicException):
        _ = response.raw_body
