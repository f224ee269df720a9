"""A request leaves no objects that only the garbage collector would free."""

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.background import BackgroundTask
from starlette.exceptions import WebSocketException
from starlette.types import Receive, Scope, Send

from sanic_star import Blueprint, HTTPResponse, NotFound, Request, Sanic, json, text
from sanic_star.compat.response import ResponseStream, file_stream
from tests.engine.raw import Peer, http_scope, websocket_scope

FORM = {"headers": [(b"host", b"h"), (b"content-type", b"multipart/form-data; boundary=B")]}
FILE = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nhello\r\n--B--'
COUNT = 20


def application() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Garbage")
    inner: Sanic[Any, Any] = Sanic("Inner")
    app.mount("/inner", inner)

    @app.get("/facts/<n:int>")
    async def facts(request: Request, n: int) -> Any:
        protocol = request.protocol.transport.get_protocol()
        values = (request.args, request.headers, request.cookies, request.url_for("facts", n=1), request.id)
        return json([n, protocol is request.protocol, Request.get_current() is request, len(values)])

    @app.post("/form")
    async def form(request: Request) -> Any:
        return json([file.name for file in request.files.getlist("f")])

    @app.post("/stream", stream=True)
    async def stream(request: Request) -> Any:
        return text(str(sum([len(part) async for part in request.stream])))

    @app.get("/parts")
    async def parts(request: Request) -> Any:
        response = await request.respond(content_type="text/plain")
        await response.send("a")
        await response.eof()

    @app.get("/half")
    async def half(request: Request) -> Any:
        await (await request.respond()).send("a")
        raise ValueError

    @app.get("/writer")
    async def writer(request: Request) -> Any:
        async def write(response: Any) -> None:
            await response.write("a")

        return ResponseStream(write)

    @app.get("/file")
    async def file(request: Request) -> Any:
        return await file_stream(__file__)

    @app.get("/background")
    async def background(request: Request) -> Any:
        return HTTPResponse("", background=BackgroundTask(fail))

    async def fail(*_: Any) -> Any:
        raise ValueError

    async def miss(request: Request) -> Any:
        raise NotFound

    threads = Blueprint("threads", threaded=True)
    threads.on_request(lambda request: None)
    threads.on_response(lambda request, response: None)

    @threads.get("/thread")
    def thread(request: Request) -> Any:
        return text(str(Request.get_current() is request))

    @threads.get("/thread-fails")
    def thread_fails(request: Request) -> Any:
        raise ValueError

    app.blueprint(threads)

    app.add_route(fail, "/fail")
    app.add_route(miss, "/miss")
    inner.add_route(fail, "/fail", name="inner")
    app.static("/static", Path(__file__).parent, directory_view=True)

    @app.websocket("/socket")
    async def socket(request: Request, ws: Any) -> None:
        await ws.send("a")
        await ws.recv(timeout=1)

    async def fail_open(request: Request, ws: Any) -> None:
        await ws.send("a")
        raise ValueError

    async def close(request: Request, ws: Any) -> None:
        raise WebSocketException(1008)

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError

    early: Sanic[Any, Any] = Sanic("Early")
    early.on_request(lambda request: text("early"))
    app.mount("/early", early)
    app.mount("/raw", raw)
    layered = Blueprint("layered", url_prefix="/layered")
    layered.add_middleware(partial)
    for target in (app, inner, layered):
        target.add_websocket_route(fail_open, "/fail-open", name=f"{target.name}_fail_open")
        target.add_websocket_route(close, "/close", name=f"{target.name}_close")
    app.blueprint(layered)
    return app


KINDS: dict[str, tuple[Callable[[], Scope], tuple[bytes, ...]]] = {
    "facts": (lambda: http_scope("/facts/1", query_string=b"a=1"), (b"",)),
    "a form": (lambda: http_scope("/form", "POST", **FORM), (FILE,)),
    "a form in parts": (lambda: http_scope("/form", "POST", **FORM), (FILE[:20], FILE[20:])),
    "a form cut off": (lambda: http_scope("/form", "POST", **FORM), (FILE[:20], FILE[20:-4])),
    "a form with a mistake": (lambda: http_scope("/form", "POST", **FORM), (b"--Bx", FILE)),
    "a body that is streamed": (lambda: http_scope("/stream", "POST"), (b"a", b"b")),
    "a response in parts": (lambda: http_scope("/parts"), (b"",)),
    "a response that breaks off": (lambda: http_scope("/half"), (b"",)),
    "a ResponseStream": (lambda: http_scope("/writer"), (b"",)),
    "file_stream": (lambda: http_scope("/file"), (b"",)),
    "a background task that fails": (lambda: http_scope("/background"), (b"",)),
    "an error": (lambda: http_scope("/fail"), (b"",)),
    "an error of a mounted application": (lambda: http_scope("/inner/fail"), (b"",)),
    "an exception for the client": (lambda: http_scope("/miss"), (b"",)),
    "a thread": (lambda: http_scope("/thread"), (b"",)),
    "an error in a thread": (lambda: http_scope("/thread-fails"), (b"",)),
    "no route": (lambda: http_scope("/none"), (b"",)),
    "another method": (lambda: http_scope("/form"), (b"",)),
    "a file": (lambda: http_scope("/static/test_garbage.py"), (b"",)),
    "a directory": (lambda: http_scope("/static/"), (b"",)),
    "an error of an ASGI application": (lambda: http_scope("/raw"), (b"",)),
    "an early response of a mounted application": (lambda: http_scope("/early/none"), (b"",)),
    "a websocket": (lambda: websocket_scope("/socket"), ()),
    "a websocket without a route": (lambda: websocket_scope("/none"), ()),
    "a websocket without a route in a mount": (lambda: websocket_scope("/inner/none"), ()),
    "a websocket that fails": (lambda: websocket_scope("/fail-open"), ()),
    "a websocket of a mount that fails": (lambda: websocket_scope("/inner/fail-open"), ()),
    "a websocket inside ASGI middleware that fails": (lambda: websocket_scope("/layered/fail-open"), ()),
    "a websocket that an exception closes": (lambda: websocket_scope("/close"), ()),
    "a websocket of a mount that an exception closes": (lambda: websocket_scope("/inner/close"), ()),
}


async def asked(app: Sanic[Any, Any], scope: Scope, chunks: tuple[bytes, ...]) -> None:
    peer = Peer(chunks)
    if scope["type"] == "websocket":
        peer.messages = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "b"}]
    with suppress(ValueError):
        await app(scope, peer.receive, peer.send)
    assert peer.sent


@pytest.mark.parametrize(
    "setting", ["plain", "ASGI middleware", "middleware", "early", "signals", "CANCEL_ON_DISCONNECT"]
)
async def test_requests_leave_no_cycles(setting: str, caplog: pytest.LogCaptureFixture) -> None:
    # Records of errors hold them.
    caplog.set_level("CRITICAL", "sanic")
    for logger in ("sanic.error", "sanic.root"):
        caplog.set_level("CRITICAL", logger)
    app = application()
    if setting == "ASGI middleware":
        app.add_middleware(lambda inner: inner)
    elif setting == "middleware":
        app.on_request(lambda request: None)
        app.on_response(lambda request, response: None)
    elif setting == "early":
        app.on_request(lambda request: text("early"))
    elif setting == "signals":
        for event in ("http.lifecycle.begin", "http.lifecycle.response", "http.lifecycle.exception"):
            app.add_signal(None, event)
    elif setting == "CANCEL_ON_DISCONNECT":
        app.config.CANCEL_ON_DISCONNECT = True
    left = {}
    gc.disable()
    try:
        for kind, (scope, chunks) in KINDS.items():
            await asked(app, scope(), chunks)
            await asyncio.sleep(0)
            gc.collect()
            for _ in range(COUNT):
                await asked(app, scope(), chunks)
            await asyncio.sleep(0.01)  # tasks that were cancelled end
            left[kind] = gc.collect()
    finally:
        gc.enable()
    assert {kind: count for kind, count in left.items() if count >= COUNT} == {}
