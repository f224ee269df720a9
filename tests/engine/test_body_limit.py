"""The body limit if ASGI middleware reads the body before the application."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star import Request, Sanic, json, text
from sanic_star.compat.exceptions import PayloadTooLarge
from sanic_star.engine.requests import COUNTED_BODY
from tests.engine.raw import Peer, ask, http_scope

LIMIT = 2_000_000
MEGABYTE = b"x" * 1_000_000


class Upload(Peer):
    """A client that sends a body of a hundred megabytes, and counts how much of it was asked for."""

    def __init__(self, parts: int = 100) -> None:
        super().__init__([])
        self.left = parts
        self.read = 0

    async def receive(self) -> Any:
        self.left -= 1
        self.read += len(MEGABYTE)
        return {"type": "http.request", "body": MEGABYTE, "more_body": self.left > 0}


async def upload(app: ASGIApp, path: str = "/", **options: Any) -> Upload:
    peer = Upload()
    await app(http_scope(path, "POST", **options), peer.receive, peer.send)
    return peer


def announced(length: bytes) -> dict[str, Any]:
    return {"headers": [(b"host", b"testserver"), (b"content-length", length)]}


async def read_all(receive: Receive) -> bytes:
    body, more_body = b"", True
    while more_body:
        message = await receive()
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    return body


# Kinds of middleware: each reads the body, or answers, before the dispatch gets the request.


async def base_reads(request: StarletteRequest, call_next: Any) -> Any:
    await request.body()
    return await call_next(request)


async def base_swallows(request: StarletteRequest, call_next: Any) -> Any:
    try:
        await request.body()
    except Exception:
        pass
    return await call_next(request)


async def base_answers(request: StarletteRequest, call_next: Any) -> Any:
    return PlainTextResponse(str(len(await request.body())))


async def base_swallows_and_answers(request: StarletteRequest, call_next: Any) -> Any:
    try:
        await request.body()
    except Exception:
        pass
    return PlainTextResponse("accepted")


async def base_raises_another(request: StarletteRequest, call_next: Any) -> Any:
    try:
        await request.body()
    except Exception as error:
        raise RuntimeError("no body") from error


async def base_groups(request: StarletteRequest, call_next: Any) -> Any:
    async with asyncio.TaskGroup() as group:
        group.create_task(request.body())
    return await call_next(request)


async def pure_reads(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_all(receive)

    async def replay() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    await app(scope, replay, send)


async def pure_buffers_late(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def whole() -> Any:
        return {"type": "http.request", "body": await read_all(receive), "more_body": False}

    await app(scope, whole, send)


async def pure_swallows_all(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await read_all(receive)
        await app(scope, receive, send)
    except Exception:
        pass
    for _ in range(2):
        try:
            await PlainTextResponse("accepted")(scope, receive, send)
        except Exception:
            pass


def middleware(do: Any) -> Middleware:
    if do.__name__.startswith("base"):
        return Middleware(BaseHTTPMiddleware, dispatch=do)

    def make(app: ASGIApp) -> ASGIApp:
        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            await (do if scope["type"] == "http" else passes)(app, scope, receive, send)

        return call

    return Middleware(make)


async def passes(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


READERS = [
    base_reads,
    base_swallows,
    base_answers,
    base_swallows_and_answers,
    base_raises_another,
    base_groups,
    pure_reads,
    pure_buffers_late,
    pure_swallows_all,
]


async def size(request: Request) -> Any:
    return json(len(request.body))


async def starlette_size(request: StarletteRequest) -> Any:
    return PlainTextResponse(str(len(await request.body())))


def make_app(*do: Any, **keywords: Any) -> Sanic[Any, Any]:
    routes = [
        Route("/starlette", starlette_size, methods=["POST"]),
        Route("/starlette-large", starlette_size, methods=["POST"], max_body_size=3 * LIMIT),
        Mount(
            "/outer",
            routes=[Mount("/inner", routes=[Route("/x", starlette_size, methods=["POST"], max_body_size=3 * LIMIT)])],
        ),
    ]
    app: Sanic[Any, Any] = Sanic("Limited", routes=routes, middleware=[middleware(action) for action in do], **keywords)
    app.config.REQUEST_MAX_SIZE = LIMIT
    app.post("/")(size)
    app.post("/large", max_body_size=3 * LIMIT, name="large")(size)
    app.post("/small", max_body_size=LIMIT // 2, name="small")(size)

    @app.post("/stream", stream=True)
    async def stream(request: Request) -> Any:
        total = 0
        async for part in request.stream:
            total += len(part)
        return json(total)

    child: Sanic[Any, Any] = Sanic("Child")
    child.config.REQUEST_MAX_SIZE = 3 * LIMIT
    child.post("/")(size)
    app.mount("/child", child)
    app.mount("/mount", Starlette(routes=[Route("/", starlette_size, methods=["POST"])]))
    return app


@pytest.mark.parametrize("path", ["/", "/starlette", "/mount/", "/nowhere"])
@pytest.mark.parametrize("do", READERS)
async def test_a_middleware_reads_up_to_the_limit_only(do: Any, path: str) -> None:
    peer = await upload(make_app(do), path)
    # No route answers, and nobody else wants the body: that there is no route is the better answer.
    is_missed = path == "/nowhere" and do in (pure_buffers_late, base_swallows)
    assert (peer.status, peer.complete) == (404 if is_missed else 413, True)
    assert peer.read <= LIMIT + len(MEGABYTE)


@pytest.mark.parametrize("length", [b"2000001", b"9" * 5000])
@pytest.mark.parametrize("do", READERS)
async def test_a_body_that_is_announced_as_too_large_is_not_read(do: Any, length: bytes) -> None:
    # Not even asked for, because a server would send `100 Continue`.
    peer = await upload(make_app(do), **announced(length))
    assert peer.status == 413
    assert peer.read <= (LIMIT + len(MEGABYTE) if do is pure_buffers_late else 0)


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/", LIMIT),
        ("/large", 3 * LIMIT),
        ("/small", LIMIT // 2),
        ("/starlette-large", 3 * LIMIT),
        ("/outer/inner/x", 3 * LIMIT),
        ("/child/", 3 * LIMIT),
        # A middleware that reads the body of a handler that streams has the application's limit.
        ("/stream", LIMIT),
    ],
)
@pytest.mark.parametrize("do", [base_reads, pure_reads])
async def test_the_limit_is_that_of_the_route(do: Any, path: str, limit: int) -> None:
    app = make_app(do)
    for length, status in ((limit, 200), (limit + 1, 413)):
        for parts in ([b"x" * length], [b"x" * (length - 1), b"x"]):
            for headers in ({}, announced(b"%d" % length)):
                assert (await ask(app, http_scope(path, "POST", **headers), parts)).status == status


@pytest.mark.parametrize("do", [passes, None])
async def test_a_handler_that_streams_has_no_limit(do: Any) -> None:
    app = make_app(*([do] if do else []))
    assert (await upload(app, "/stream")).body == b"100000000"
    assert (await upload(app, "/stream", **announced(b"100000000"))).body == b"100000000"


async def test_the_limit_of_a_rewritten_path_is_the_dispatchs() -> None:
    async def rewrite(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": scope["path"][3:], "raw_path": scope["raw_path"][3:]}, receive, send)

    async def read_before(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await pure_reads(lambda *args: rewrite(app, *args), scope, receive, send)

    parts = [MEGABYTE] * 3
    for path, status in {"/v1/": 413, "/v1/large": 200, "/v1/small": 413, "/v1/stream": 200}.items():
        assert (await ask(make_app(rewrite), http_scope(path, "POST"), parts)).status == status
        # A middleware that reads before has the limit of the path as it was then.
        assert (await ask(make_app(read_before), http_scope(path, "POST"), parts)).status == 413
    assert (await ask(make_app(read_before), http_scope("/v1/small", "POST"), [MEGABYTE, b"x"])).status == 413


async def test_the_keyword_and_the_setting_are_one_limit() -> None:
    for keyword, setting in ((5, 9), (9, 5), (5, None)):
        app = make_app(base_reads, max_body_size=keyword)
        app.config.REQUEST_MAX_SIZE = setting
        assert [(await ask(app, http_scope("/", "POST"), [b"x" * n])).status for n in (5, 6)] == [200, 413]
    app = make_app(base_reads)
    app.config.REQUEST_MAX_SIZE = None
    assert (await upload(app)).body == b"100000000"


@pytest.mark.parametrize("answer", [PlainTextResponse("no", 401), RedirectResponse("/login")])
async def test_a_middleware_may_refuse_or_redirect_without_reading(answer: Any) -> None:
    async def refuse(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, receive, send)

    peer = await upload(make_app(refuse), **announced(b"100000000"))
    assert (peer.status, peer.read) == (answer.status_code, 0)


async def test_a_middleware_that_accepts_without_reading_is_answered_for() -> None:
    async def accept(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("accepted")(scope, receive, send)

    assert (await upload(make_app(accept), **announced(b"100000000"))).status == 413
    assert (await upload(make_app(accept), **announced(b"1000"))).status == 200


@pytest.mark.parametrize("do", [base_reads, base_swallows, pure_buffers_late])
async def test_the_refusal_is_answered_as_ever(do: Any) -> None:
    app = make_app(do)

    @app.exception(PayloadTooLarge)
    async def handle(request: Request, error: Exception) -> Any:
        return text(f"{type(error).__name__} {error}", 200)

    @app.on_response
    async def after(request: Request, response: Any) -> None:
        response.headers["x-after"] = "1"

    peer = await upload(app)
    assert (peer.status, peer.body) == (200, b"PayloadTooLarge Request body exceeds the size limit")
    assert peer.headers[b"x-after"] == b"1"


async def test_the_dispatch_answers_inside_the_middleware() -> None:
    async def add_header(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"access-control-allow-origin", b"*")]
            await send(message)

        await app(scope, receive, sending)

    for headers in ({}, announced(b"100000000")):
        peer = await upload(make_app(add_header), **headers)
        assert (peer.status, peer.headers[b"access-control-allow-origin"]) == (413, b"*")


async def test_a_response_that_has_begun_breaks_off() -> None:
    async def begin(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await read_all(receive)

    peer = Upload()
    with pytest.raises(HTTPException) as caught:
        await make_app(begin)(http_scope("/", "POST"), peer.receive, peer.send)
    assert caught.value.status_code == 413
    assert peer.read <= LIMIT + len(MEGABYTE)
    assert len(peer.sent) == 1


async def test_an_unrelated_error_passes_unchanged() -> None:
    async def fail(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await read_all(receive)
        except HTTPException:
            pass
        raise LookupError("another")

    peer = Upload()
    with pytest.raises(LookupError):
        await make_app(fail)(http_scope("/", "POST"), peer.receive, peer.send)
    assert peer.status == 500


async def test_messages_before_the_response_pass() -> None:
    async def hint(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.push", "path": "/style.css", "headers": []})
        await app(scope, receive, send)

    peer = await ask(make_app(hint), http_scope("/", "POST"), [b"x"])
    assert [message["type"] for message in peer.sent][:2] == ["http.response.push", "http.response.start"]


async def test_the_scope_holds_nothing_when_the_request_is_over() -> None:
    scope = http_scope("/", "POST")
    await ask(make_app(base_reads), scope, [b"x"])
    assert COUNTED_BODY not in scope


async def test_without_middleware_nothing_is_counted_outside() -> None:
    scope = http_scope("/", "POST")
    seen: list[Any] = []
    app = make_app()
    counted: Callable[[Request], Any] = lambda request: seen.append(COUNTED_BODY in request.scope)  # noqa: E731
    app.on_request(counted)
    await ask(app, scope, [b"x"])
    assert seen == [False]


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request: StarletteRequest, call_next: Any) -> Any:
        return await call_next(request)


@pytest.mark.parametrize("outer", [(), (Middleware(Passing),)], ids=["alone", "behind-middleware"])
@pytest.mark.parametrize("settings", [{}, announced(b"100000000")], ids=["chunked", "announced"])
@pytest.mark.parametrize("path", ["/app/", "/routes/", "/plain/"])
async def test_middleware_of_a_mounted_application_does_not_turn_a_refusal_into_500(
    outer: tuple[Middleware, ...], settings: dict[str, Any], path: str
) -> None:
    async def size(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(str(len(await read_all(receive))))(scope, receive, send)

    app = Sanic("mounted_middleware", middleware=outer)
    app.config.REQUEST_MAX_SIZE = LIMIT
    events: list[str] = []

    @app.exception(PayloadTooLarge)
    async def explain(request: Request[Any, Any], error: PayloadTooLarge) -> Any:
        events.append(request.path)
        return text("too large", 413)

    inner = [Middleware(Passing), Middleware(Passing)]
    app.mount("/app", Starlette(routes=[Route("/", size, methods=["POST"])], middleware=inner))
    app.router.routes.append(Mount("/routes", routes=[Route("/", size, methods=["POST"])], middleware=inner))
    app.mount("/plain", Passing(plain))
    peer = await upload(app, path, **settings)
    assert (peer.status, peer.body) == (413, b"too large")
    assert len(events) == 1
    assert peer.read <= 4 * len(MEGABYTE)
