"""The ways in which an application reads a form: in each of them clients choose no codec, and limits apply."""

from __future__ import annotations

import encodings
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from sanic_star import Request, Sanic, json
from tests.engine.raw import ask, http_scope

OURS = ("form", "get_form")
OF_A_REQUEST = ("called", "context", "starlette")
STARLETTES = (*OF_A_REQUEST, "by-hand", "returned", "endpoint", "route", "mount", "child", "middleware", "pure")
URLENCODED = "application/x-www-form-urlencoded"


def answer(form: FormData) -> JSONResponse:
    return JSONResponse({name: form.getlist(name) for name in form})


async def endpoint(request: StarletteRequest) -> JSONResponse:
    return answer(await request.form())


class Endpoint(HTTPEndpoint):
    async def post(self, request: StarletteRequest) -> JSONResponse:
        return answer(await request.form())


class Reading(BaseHTTPMiddleware):
    async def dispatch(self, request: StarletteRequest, call_next: Any) -> Any:
        return answer(await request.form())


class Pure:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answer(await StarletteRequest(scope, receive).form())(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def reading(reader: str, **settings: Any) -> Sanic[Any, Any]:
    """Make an application whose route `/` answers with the form, read in one of the ways."""
    app: Sanic[Any, Any] = Sanic("Ways", routes=[Route("/route", endpoint, methods=["POST"])])
    app.config.update(settings)
    child: Sanic[Any, Any] = Sanic("Child")

    @child.post("/")
    async def in_child(request: Request) -> Any:
        return answer(await request.form())

    app.mount("/mount", Starlette(routes=[Route("/", endpoint, methods=["POST"])]))
    app.mount("/child", child)
    app.add_route(Endpoint, "/endpoint")
    if reader in ("middleware", "pure"):
        app.add_middleware(Reading if reader == "middleware" else Pure)

    @app.post("/")
    async def handler(request: Request) -> Any:
        if reader == "form":
            return json(request.form)
        if reader == "get_form":
            return json(request.get_form(keep_blank_values=True))
        if reader == "called":
            return answer(await request.form())
        if reader == "context":
            async with request.form() as form:
                return answer(form)
        if reader == "starlette":
            return answer(await request.starlette.form())
        if reader == "by-hand":
            return answer(await StarletteRequest(request.scope, request.receive).form())
        assert reader == "returned"
        return Pure(None)

    return app


async def post(reader: str, app: Sanic[Any, Any], kind: str, body: bytes, size: int = 65536) -> tuple[int, bytes]:
    path = {"route": "/route", "mount": "/mount/", "child": "/child/", "endpoint": "/endpoint"}.get(reader, "/")
    scope = http_scope(path, "POST", headers=[(b"host", b"h"), (b"content-type", kind.encode("latin-1"))])
    peer = await ask(app, scope, [body[start : start + size] for start in range(0, len(body), size)])
    return peer.status, peer.body


def multipart(*contents: bytes, headers: str = "") -> bytes:
    head = b'--X\r\nContent-Disposition: form-data; name="a"' + headers.encode() + b"\r\n\r\n"
    return b"".join(head + content + b"\r\n" for content in contents) + b"--X--\r\n"


CODECS = ("punycode", "idna", "undefined", "unicode_escape", "utf-7", "rot13", "bogus-{}", "a\0b", "\xe9", "x" * 1000)


@pytest.mark.parametrize("reader", [*OURS, *STARLETTES])
async def test_the_request_chooses_no_codec(reader: str) -> None:
    app = reading(reader)
    assert (await post(reader, app, "multipart/form-data; boundary=X; charset=utf-8", multipart(b"1")))[0] == 200
    before = set(encodings._cache)
    for charset in CODECS:
        kind = f'multipart/form-data; boundary=X; charset="{charset.format(reader)}"'
        status, body = await post(reader, app, kind, multipart(b"1"))
        if reader in OURS:
            # As in Sanic, it means nothing here.
            assert (status, body) == (200, b'{"a":["1"]}')
        else:
            assert (status, b"is not supported" in body) == (400, True), charset
    assert set(encodings._cache) == before


@pytest.mark.parametrize("reader", [*OURS, *STARLETTES])
async def test_a_part_cannot_choose_a_codec(reader: str) -> None:
    app = reading(reader)
    before = set(encodings._cache)
    for charset in CODECS:
        body = multipart(b"1", headers=f'\r\nContent-Type: text/plain; charset="{charset.format(reader)}"')
        status, answered = await post(reader, app, "multipart/form-data; boundary=X", body)
        # Starlette's parser does not look at it; ours does, and runs first where `request.form` is called.
        refused = reader in (*OURS, "called", "context", "child")
        assert (status, b"is not supported" in answered) == ((400, True) if refused else (200, False)), charset
    assert set(encodings._cache) == before


@pytest.mark.parametrize("reader", [*OURS, *STARLETTES])
@pytest.mark.parametrize("charset", ["punycode", "bogus"])
@pytest.mark.parametrize("kind", [URLENCODED, "text/plain", "application/json"])
async def test_the_charset_of_another_body_means_nothing(reader: str, kind: str, charset: str) -> None:
    status, body = await post(reader, reading(reader), f"{kind}; charset={charset}", b"a=%C3%A9")
    assert (status, "é".encode() in body) == (200, kind == URLENCODED)


async def test_a_starlette_response_is_not_a_reader() -> None:
    app: Sanic[Any, Any] = Sanic("Plain")

    @app.post("/")
    async def handler(request: Request) -> Any:
        return PlainTextResponse("ok")

    kind = "multipart/form-data; boundary=X; charset=punycode"
    assert await post("", app, kind, multipart(b"1")) == (200, b"ok")


@pytest.mark.parametrize("reader", [*OURS, *OF_A_REQUEST])
@pytest.mark.parametrize("kind", [URLENCODED, "multipart/form-data; boundary=X"])
@pytest.mark.parametrize("size", [7, 65536])
async def test_limits_hold_for_both_kinds_of_form(reader: str, kind: str, size: int) -> None:
    app = reading(reader, FORM_MAX_FIELDS=2, FORM_MAX_FIELD_SIZE=10)

    def written(*values: str) -> bytes:
        if kind == URLENCODED:
            return urlencode([("a", value) for value in values]).encode()
        return multipart(*(value.encode() for value in values))

    assert await post(reader, app, kind, written("1" * 10, "2"), size) == (200, b'{"a":["1111111111","2"]}')
    status, body = await post(reader, app, kind, written("1", "2", "3"), size)
    assert status == 400, body
    status, body = await post(reader, app, kind, written("1" * 11), size)
    # What is left to Starlette's multipart parser, is so with its status.
    assert status == (400 if reader == "starlette" and kind != URLENCODED else 413), body


@pytest.mark.parametrize("reader", OF_A_REQUEST)
@pytest.mark.parametrize("kind", [URLENCODED, "multipart/form-data; boundary=X"])
async def test_without_settings_starlettes_limits_apply_to_starlettes_request(reader: str, kind: str) -> None:
    large = b"x" * 1_048_577
    body = b"a=" + large if kind == URLENCODED else multipart(large)
    assert (await post(reader, reading(reader), kind, body))[0] in (400, 413)
    assert (await post(reader, reading(reader, FORM_MAX_FIELD_SIZE=2_000_000), kind, body))[0] == 200
    assert (await post(reader, reading(reader, FORM_MAX_FIELD_SIZE=None), kind, body))[0] == 200
    many = b"&".join([b"a=1"] * 1001) if kind == URLENCODED else multipart(*[b"1"] * 1001)
    assert (await post(reader, reading(reader), kind, many))[0] == 400
    assert (await post(reader, reading(reader, FORM_MAX_FIELDS=1001), kind, many))[0] == 200


@pytest.mark.parametrize("kind", [URLENCODED, "multipart/form-data; boundary=X"])
@pytest.mark.parametrize("limits", [{"max_fields": 1}, {"max_part_size": 1}])
async def test_a_call_may_have_lower_limits(kind: str, limits: dict[str, int]) -> None:
    app: Sanic[Any, Any] = Sanic("Lower")

    @app.post("/")
    async def handler(request: Request) -> Any:
        return answer(await request.form(**limits))

    body = b"a=12&a=3" if kind == URLENCODED else multipart(b"12", b"3")
    status, _ = await post("", app, kind, body)
    assert status in (400, 413)


async def test_a_too_large_streamed_form_is_refused_before_it_has_arrived() -> None:
    app: Sanic[Any, Any] = Sanic("Streamed")
    received = 0

    @app.post("/", stream=True)
    async def handler(request: Request) -> Any:
        return answer(await request.form())

    async def receive() -> Any:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = http_scope("/", "POST", headers=[(b"content-type", URLENCODED.encode())])
    await app(scope, receive, send)
    assert sent[0]["status"] == 413
    assert received < 40
