"""CR, LF and NUL in a header are refused or escaped, in each way to set a header."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, StreamingResponse

from sanic_star import (
    HTTPResponse,
    Request,
    Sanic,
    SanicException,
    Unauthorized,
    empty,
    html,
    json,
    raw,
    redirect,
    text,
)
from sanic_star.compat.compat import Header, check_foreign
from sanic_star.compat.cookies import Cookie
from sanic_star.compat.response import ResponseStream, file, file_stream
from sanic_star.compat.response._foreign import with_sanic_names
from tests.engine.raw import Peer, http_scope

BAD = ["\r", "\n", "\x00", "\r\nset-cookie: a=1"]
# Functions that create a response; they refuse bad values at once.
MAKERS: dict[str, Callable[[str], Any]] = {
    "value": lambda bad: text("x", headers={"x": bad}),
    "name": lambda bad: text("x", headers={"x" + bad: "1"}),
    "HTTPResponse": lambda bad: HTTPResponse("x", headers={"x": bad}),
    "json": lambda bad: json(1, headers={"x": bad}),
    "html": lambda bad: html("", headers={"x": bad}),
    "raw": lambda bad: raw(b"", headers={"x": bad}),
    "empty": lambda bad: empty(headers={"x": bad}),
    "redirect": lambda bad: redirect("/", headers={"x": bad}),
    "stream": lambda bad: ResponseStream(lambda stream: stream.write(""), headers={"x": bad}),
}
# Functions that change a response, Sanic's or Starlette's; they refuse bad values at once. Some exist for one of them.
CHANGES: dict[str, Callable[[Any, str], Any]] = {
    "item": lambda response, bad: response.headers.__setitem__("x", bad),
    "name": lambda response, bad: response.headers.__setitem__("x" + bad, "1"),
    "add": lambda response, bad: response.headers.add("x", bad),
    "extend": lambda response, bad: response.headers.extend({"x": bad}),
    "extend by pairs": lambda response, bad: response.headers.extend([("x", bad)]),
    "update": lambda response, bad: response.headers.update({"x": bad}),
    "setdefault": lambda response, bad: response.headers.setdefault("x", bad),
    "all": lambda response, bad: setattr(response, "headers", {"x": bad}),
    "cookie's name": lambda response, bad: response.add_cookie("a" + bad, "1"),
    "cookie's path": lambda response, bad: response.add_cookie("a", "1", path=bad),
    "cookie's domain": lambda response, bad: response.add_cookie("a", "1", domain=bad),
    "cookie's comment": lambda response, bad: response.add_cookie("a", "1", comment=bad),
    "cookie's samesite": lambda response, bad: response.add_cookie("a", "1", samesite=bad),
    "cookie's path, later": lambda response, bad: setattr(response.add_cookie("a", "1"), "path", bad),
    "cookie forgotten": lambda response, bad: response.delete_cookie("a", path=bad),
}
OURS: dict[str, Callable[[Any, str], Any]] = {
    "update by name": lambda response, bad: response.headers.update(x=bad),
    "update by pairs": lambda response, bad: response.headers.update([("x", bad)]),
    "extend by name": lambda response, bad: response.headers.extend(x=bad),
    "Starlette's cookie": lambda response, bad: response.set_cookie("a", "1", path=bad),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_response_is_not_made(maker: str, bad: str) -> None:
    with pytest.raises(ValueError, match="CR, LF and NUL"):
        MAKERS[maker](bad)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("change_name", [*CHANGES, *OURS])
def test_a_response_is_not_changed(change_name: str, bad: str) -> None:
    response, change = text("x"), {**CHANGES, **OURS}[change_name]
    with pytest.raises((ValueError, KeyError, TypeError)):
        change(response, bad)
    assert not [value for value in response.headers.values() if bad in str(value)]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("change_name", CHANGES)
@pytest.mark.parametrize("kind", [PlainTextResponse, RedirectResponse, StreamingResponse])
def test_a_starlette_response_is_not_changed(kind: Any, change_name: str, bad: str) -> None:
    response = with_sanic_names(kind("x"))
    with pytest.raises((ValueError, KeyError, TypeError)):
        CHANGES[change_name](response, bad)
    check_foreign(response)


def test_values_that_are_not_text_are_checked_when_written() -> None:
    class Odd:
        def __str__(self) -> str:
            return "a\r\nb"

    with pytest.raises(ValueError, match="CR, LF and NUL"):
        _ = text("x", headers={"x": Odd()}).raw_headers
    assert Header({"x": "as the server\r\nhas read it"})["x"].endswith("it")
    assert Header.checked([("x", "a\tb"), ("x", 1)]).getall("x") == ["a\tb", 1]


# Over the whole way ------------------------------------------------------------------------------------------------


def starlette_response(bad: str) -> PlainTextResponse:
    response = PlainTextResponse("x")
    response.set_cookie("a", "1", path=bad)
    return response


ANSWERS: dict[str, Callable[[str], Any]] = {
    **MAKERS,
    "content type": lambda bad: text("x", content_type="text/plain" + bad),
    "Starlette's field": lambda bad: PlainTextResponse("x", headers={"x": bad}),
    "Starlette's name": lambda bad: PlainTextResponse("x", headers={"x" + bad: "1"}),
    "Starlette's type": lambda bad: PlainTextResponse("x", media_type="text/plain" + bad),
    "Starlette's cookie": starlette_response,
    "Starlette's file": lambda bad: FileResponse(__file__, headers={"x": bad}),
    "exception": lambda bad: SanicException("x", headers={"x": bad}),
    "challenge": lambda bad: Unauthorized("x", scheme="Basic", realm=bad),
    "Starlette's exception": lambda bad: HTTPException(418, headers={"x": bad}),
}
# These write it in another way.
ESCAPES: dict[str, tuple[int, Callable[[str], Any]]] = {
    "redirect": (302, lambda bad: redirect("/x" + bad)),
    "Starlette's redirect": (307, lambda bad: RedirectResponse("/x" + bad)),
    "file": (200, lambda bad: file(__file__, filename=bad)),
    "file_stream": (200, lambda bad: file_stream(__file__, filename=bad)),
    "Starlette's file": (200, lambda bad: FileResponse(__file__, filename=bad)),
}


async def answered(where: str, make: Callable[[], Any]) -> tuple[int, bytes]:
    """Return status and head of what an application answers that makes a response in one of four places."""
    app: Sanic[Any, Any] = Sanic("Injection")

    async def made() -> Any:
        response = make()
        if isinstance(response, Exception):
            raise response
        return await response if hasattr(response, "__await__") else response

    @app.get("/")
    async def handler(request: Request) -> Any:
        if where == "exception handler":
            raise LookupError
        return await request.respond(await made()) if where == "respond" else await made()

    @app.exception(LookupError)
    async def handle(request: Request, error: LookupError) -> Any:
        return await made()

    @app.on_request
    async def early(request: Request) -> Any:
        return await made() if where == "middleware" else None

    peer = Peer()
    with suppress(Exception):
        await app(http_scope(), peer.receive, peer.send)
    return peer.status, b"".join(b"%s: %s" % pair for pair in peer.sent[0]["headers"])


@pytest.mark.parametrize("bad", BAD[2:])
@pytest.mark.parametrize("where", ["handler", "respond", "middleware", "exception handler"])
@pytest.mark.parametrize("maker", ANSWERS)
async def test_the_answer_is_500(maker: str, where: str, bad: str, caplog: pytest.LogCaptureFixture) -> None:
    status, written = await answered(where, lambda: ANSWERS[maker](bad))
    assert status == 500
    assert not set(b"\r\n\x00") & set(written)
    assert "CR, LF and NUL" in caplog.text


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", ["handler", "middleware", "exception handler"])
@pytest.mark.parametrize("maker", ESCAPES)
async def test_a_target_and_a_file_name_are_escaped(maker: str, where: str, bad: str) -> None:
    expected, make = ESCAPES[maker]
    status, written = await answered(where, lambda: make(bad))
    assert status == expected
    assert not set(b"\r\n\x00") & set(written)


async def test_a_field_that_response_middleware_sets_is_refused_there(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("Injection")

    @app.get("/")
    async def handler(request: Request) -> HTTPResponse:
        return text("x")

    @app.on_response
    async def late(request: Request, response: HTTPResponse) -> None:
        response.headers["x"] = "a\r\nb"

    peer = Peer()
    with caplog.at_level(logging.ERROR):
        await app(http_scope(), peer.receive, peer.send)
    # As any exception in response middleware: logged, and what there was is sent.
    assert peer.status == 200
    assert "CR, LF and NUL" in caplog.text


@given(st.text(st.characters(codec="utf-8") | st.sampled_from('\r\n\0;"\\,'), max_size=20))
def test_a_cookie_cannot_end_its_header(value: str) -> None:
    for name in ("value", "path", "domain", "comment"):
        options = {"value": "1", name: value}
        with suppress(ValueError):
            assert not set("\r\n\x00") & set(str(Cookie("a", **options)))  # type: ignore[arg-type]
