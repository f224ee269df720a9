"""Nothing grows for ever: ten thousand objects of each kind that a client or a handler can create leave no trace."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.types import Scope

from sanic_star import Blueprint, HTTPResponse, NotFound, Request, Sanic, text
from sanic_star.compat._files import responses as _file_responses
from sanic_star.compat._routing import exceptions
from sanic_star.compat.handlers import ErrorHandler
from sanic_star.compat.response import ResponseStream
from tests.engine.raw import Life, Peer, http_scope, websocket_scope

COUNT = 10_000
# So many requests fill the bounded caches first: of a thousand paths, and of the files of a directory.
WARM_UP = 4_000


def application(folder: Path) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Growth")
    inner: Sanic[Any, Any] = Sanic("Inner")
    app.mount("/inner", inner)
    app.static("/files", folder, directory_view=True)
    app.static("/one", folder / "a.txt", name="one")

    @app.get("/param/<name>")
    @inner.get("/param/<name>", name="inner")
    async def param(request: Request, name: str) -> Any:
        return text(name)

    @app.get("/host/<name>", host=["a.example", "b.example"], name="hosts")
    async def host(request: Request, name: str) -> Any:
        return text(request.host)

    @app.get("/all")
    async def everything(request: Request) -> Any:
        values = (request.args, request.headers, request.cookies, request.accept, request.forwarded, request.token)
        return text(f"{values} {request.url_for('param', name=request.args.get('n'))} {request.id}")

    @app.post("/form")
    async def form(request: Request) -> Any:
        return text(str(request.form))

    @app.get("/class/<n:int>")
    async def made_class(request: Request, n: int) -> Any:
        raise type("Made", (ValueError,), {})(n)

    @app.get("/not_found/<n:int>")
    async def made_not_found(request: Request, n: int) -> Any:
        raise type("Missing", (NotFound,), {})(str(n))

    @app.get("/status/<n:int>")
    async def status(request: Request, n: int) -> Any:
        raise HTTPException(400 + n % 600, str(n), headers={f"x-{n}": str(n)})

    @app.get("/response/<n:int>")
    async def made_response(request: Request, n: int) -> Any:
        kind: Any = type("Made", (StarletteResponse if n % 2 else HTTPResponse,), {})
        return kind("x")

    @app.get("/headers/<n:int>")
    async def headers(request: Request, n: int) -> Any:
        response = text("x" * (n % 5_000), headers={f"x-{n}": str(n)}, content_type=f"text/x-{n}")
        response.add_cookie(f"c{n}", str(n))
        response.delete_cookie(f"d{n}")
        return response

    @app.get("/old_cookies/<n:int>")
    async def old_cookies(request: Request, n: int) -> Any:
        response = text("x")
        response.cookies[f"c{n}"] = "1"
        response.cookies[f"c{n}"]["path"] = "/"
        del response.cookies[f"c{n}"]
        return response

    @app.get("/stream")
    async def stream(request: Request) -> Any:
        response = await request.respond(content_type="text/event-stream")
        await response.send("data: 1\n\n")
        await response.eof()

    @app.get("/writer")
    async def writer(request: Request) -> Any:
        async def write(response: Any) -> None:
            await response.write("a")

        return ResponseStream(write)

    @app.get("/background")
    async def background(request: Request) -> Any:
        return PlainTextResponse("x", background=BackgroundTask(lambda: None))

    @app.get("/tasks/<n:int>")
    async def tasks(request: Request, n: int) -> Any:
        async def nothing() -> None: ...

        app.add_task(nothing())
        app.add_task(nothing(), name=f"t{n}")
        app.add_task(nothing(), name="the same", register=False)
        await asyncio.sleep(0)
        return text("x")

    @app.signal("shop.sold.<thing>")
    async def sold(thing: str, **_: Any) -> None: ...

    @app.get("/signals/<n:int>")
    async def signals(request: Request, n: int) -> Any:
        await app.dispatch(f"shop.sold.t{n}", inline=True)
        await app.dispatch(f"no.such.e{n}")
        for name in ("shop.sold.<thing>", f"no.other.e{n}"):
            try:
                await app.event(name, timeout=0)
            except (TimeoutError, exceptions.NotFound):
                pass
        return text("x")

    @app.websocket("/ws/<n:int>")
    async def ws(request: Request, ws: Any, n: int) -> None:
        await ws.send(str(n))

    @app.middleware("response")
    async def after(request: Request, response: Any) -> None:
        response.headers["x-after"] = "1"

    return app


def get(path: Callable[[int], str], **fields: Callable[[int], Any]) -> Callable[[int], Scope]:
    def make(number: int) -> Scope:
        return http_scope(path(number), **{name: value(number) for name, value in fields.items()})

    return make


def header(name: Callable[[int], bytes], value: Callable[[int], bytes]) -> Callable[[int], list[tuple[bytes, bytes]]]:
    return lambda number: [(b"host", b"h"), (name(number), value(number))]


SCOPES: dict[str, Callable[[int], Scope]] = {
    "paths": get(lambda n: f"/param/p{n}"),
    "paths that come again": get(lambda n: f"/param/p{n // 3}"),
    "paths of a mounted application": get(lambda n: f"/inner/param/p{n // 2}"),
    "paths without a route": get(lambda n: f"/none/p{n}"),
    "long paths": get(lambda n: f"/param/{n}{'x' * 2_000}"),
    "methods": get(lambda n: "/all", method=lambda n: f"M{n}"),
    "hosts": get(lambda n: f"/host/{n % 7}", headers=lambda n: [(b"host", b"h%d.example" % n)]),
    "hosts of routes": get(lambda n: f"/host/{n}", headers=lambda n: [(b"host", (b"a.example", b"b.example")[n % 2])]),
    "clients": get(lambda n: "/all", client=lambda n: (f"10.0.{n // 250}.{n % 250}", n)),
    "header names": get(lambda n: "/all", headers=header(lambda n: b"x-%d" % n, lambda n: b"1")),
    "accept": get(lambda n: "/none", headers=header(lambda n: b"accept", lambda n: b"text/x-%d, a/b;q=0.1" % n)),
    "cookies": get(lambda n: "/all", headers=header(lambda n: b"cookie", lambda n: b"c%d=%d" % (n, n))),
    "forwarded": get(lambda n: "/all", headers=header(lambda n: b"forwarded", lambda n: b"for=h%d;x%d=1" % (n, n))),
    "tokens": get(lambda n: "/all", headers=header(lambda n: b"authorization", lambda n: b"Bearer t%d" % n)),
    "queries": get(lambda n: "/all", query_string=lambda n: b"n=x&q%d=%d" % (n, n)),
    "root paths": get(lambda n: f"/r{n}/all", root_path=lambda n: f"/r{n}"),
    "charsets": get(
        lambda n: "/form",
        method=lambda n: "POST",
        headers=header(
            lambda n: b"content-type", lambda n: b"application/x-www-form-urlencoded; charset=utf-8; x%d=1" % n
        ),
    ),
    "boundaries": get(
        lambda n: "/form",
        method=lambda n: "POST",
        headers=header(lambda n: b"content-type", lambda n: b"multipart/form-data; boundary=b%d" % n),
    ),
    "exception classes": get(lambda n: f"/class/{n}"),
    "classes of not found": get(lambda n: f"/not_found/{n}"),
    "statuses": get(lambda n: f"/status/{n}"),
    "response classes": get(lambda n: f"/response/{n}"),
    "response headers": get(lambda n: f"/headers/{n}"),
    "old cookies": get(lambda n: f"/old_cookies/{n}"),
    "streams": get(lambda n: "/stream"),
    "stream writers": get(lambda n: "/writer"),
    "background tasks": get(lambda n: "/background"),
    "tasks": get(lambda n: f"/tasks/{n}"),
    "signals": get(lambda n: f"/signals/{n}"),
    "websockets": lambda n: websocket_scope(f"/ws/{n}"),
    "websockets without a route": lambda n: websocket_scope(f"/none/{n}"),
}
# Each waits for a thread, so fewer of them.
SLOW_SCOPES: dict[str, Callable[[int], Scope]] = {
    "missing files": get(lambda n: f"/files/n{n}"),
    "spellings of a file": get(lambda n: f"/files/{'./' * (n % 300)}a.txt"),
    "conditions of files": get(lambda n: "/one", headers=header(lambda n: b"if-modified-since", lambda n: b"%d" % n)),
}


@pytest.fixture
def silent() -> Iterator[None]:
    names = ("sanic.error", "sanic.root", "sanic.access", "sanic.server")
    before = {name: logging.getLogger(name).disabled for name in names}
    for name in names:
        logging.getLogger(name).disabled = True
    yield
    for name, disabled in before.items():
        logging.getLogger(name).disabled = disabled


async def growth(request: Callable[[int], Awaitable[None]], count: int, warm_up: int) -> int:
    """Return by how many blocks of memory the interpreter has more after `count` requests."""
    for number in range(warm_up):
        await request(number)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(warm_up, warm_up + count):
        await request(number)
    gc.collect()
    return sys.getallocatedblocks() - before


async def carry(app: Any, scope: Scope) -> None:
    peer = Peer()
    peer.messages.append({"type": "websocket.connect"})
    if scope["type"] == "websocket":
        peer.messages = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    try:
        await app(scope, peer.receive, peer.send)
    except ValueError:
        pass
    assert peer.sent
    # Tasks that were cancelled end in the next turn of the loop.
    await asyncio.sleep(0)


@pytest.mark.usefixtures("silent")
@pytest.mark.filterwarnings("default::DeprecationWarning")
@pytest.mark.parametrize("name", [*SCOPES, *SLOW_SCOPES])
async def test_requests_leave_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A file that was written a moment ago would be kept from some later request on only.
    monkeypatch.setattr(_file_responses, "CLOCK_TICK_NS", 0)
    (tmp_path / "a.txt").write_text("a")
    app = application(tmp_path)
    make = SCOPES.get(name) or SLOW_SCOPES[name]
    count, warm_up = (COUNT, WARM_UP) if name in SCOPES else (1_500, 1_500)

    async def request(number: int) -> None:
        await carry(app, make(number))

    async with Life(app):
        # An entry in a table takes one block at least, with its key two or three.
        assert await growth(request, count, warm_up) < count // 4


def test_a_handled_exception_class_can_be_collected() -> None:
    handler = ErrorHandler()
    handler.add(ValueError, lambda request, exception: text("x"))
    made = [type("Made", (ValueError,), {}) for _ in range(COUNT)]
    assert all(handler.lookup(kind(), "route") is not None for kind in made)
    left = [weakref.ref(kind) for kind in made]
    del made
    gc.collect()
    assert [reference for reference in left if reference() is not None] == []
    assert len(handler._matches) == 0


def test_unregistered_applications_can_be_collected() -> None:
    left = []
    for number in range(200):
        app: Sanic[Any, Any] = Sanic(f"Made{number}")
        app.add_route(lambda request: text("x"), "/", name="x")
        app.blueprint(Blueprint("b"))
        Sanic.unregister_app(app)
        left.append(weakref.ref(app))
    del app
    gc.collect()
    assert [reference for reference in left if reference() is not None] == []


async def test_starts_and_stops_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    app = application(tmp_path)

    async def live(number: int) -> None:
        async with Life(app):
            await carry(app, http_scope("/all", query_string=b"n=1"))

    # A table of the interpreter may grow once, by as many blocks; what each start leaves is left in each round.
    assert min([await growth(live, 300, 20) for _ in range(3)]) < 300
    for name in (None, "sanic.error", "sanic.root", "sanic.access", "sanic.server", "uvicorn.error", "hypercorn.error"):
        logger = logging.getLogger(name)
        assert len(logger.handlers) < 10
        assert len(logger.filters) < 10


async def test_tasks_by_name_are_forgotten_some_time_after_their_end() -> None:
    app: Sanic[Any, Any] = Sanic("Named")

    async def nothing() -> None: ...

    async with Life(app):
        for number in range(COUNT):
            app.add_task(nothing(), name=f"t{number}")
            if number % 100 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(list(app.tasks)) <= 1_000


def test_a_task_that_runs_on_keeps_its_name() -> None:
    """Many that run are no reason to forget one, nor to look through all of them each time."""

    async def run() -> None:
        app: Sanic[Any, Any] = Sanic("Running")

        async def wait() -> None:
            await asyncio.Event().wait()

        async with Life(app):
            started = time.monotonic()
            for number in range(COUNT):
                app.add_task(wait(), name=f"t{number}")
            assert time.monotonic() - started < 30
            assert app.get_task("t0") is not None

    asyncio.run(run())
