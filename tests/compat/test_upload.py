"""Multipart forms that are parsed while they arrive, in a spool that is closed with the request."""

import asyncio
import gc
import tempfile
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request as StarletteRequest
from starlette.types import Message, Scope

from sanic_star import Blueprint, Request, Sanic, json, text
from sanic_star.compat.exceptions import ServerError
from sanic_star.compat.request import File, _spool
from tests.engine.raw import Peer, ask, http_scope

MULTIPART = (b"content-type", b"multipart/form-data; boundary=X")
HEAD = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
FILE = b'--X\r\nContent-Disposition: form-data; name="f"; filename="x.bin"\r\n\r\n'
END = b"\r\n--X--\r\n"
BODY = HEAD + FILE + b"y" * 5000 + END


def chunks(body: bytes = BODY, size: int = 100) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def upload(*headers: tuple[bytes, bytes]) -> Scope:
    return http_scope("/", "POST", headers=[(b"host", b"h"), MULTIPART, *headers])


def spooling(limit: int = 1000, **settings: Any) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Upload")
    app.config.update(FORM_SPOOL_SIZE=limit, **settings)
    return app


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The temporary files that were made; with the collector off, so that nothing but the request lets them go."""
    made: list[Any] = []
    make = tempfile.TemporaryFile

    def noting() -> Any:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(_spool, "TemporaryFile", noting)
    gc.disable()
    yield made
    gc.enable()


async def test_fields_and_files_are_there_and_the_file_is_closed_with_the_request(spools: list[Any]) -> None:
    app = spooling()

    @app.post("/")
    async def handler(request: Request) -> Any:
        (file,) = request.files["f"]
        assert file.file.read(2) == b"yy"
        assert request.files["f"][0].body == b"y" * 5000
        assert [spool.closed for spool in spools] == [False]
        return json([request.form, file.name, file.type, request.receive is not request._receive])

    peer = await ask(app, upload(), chunks())
    assert peer.body == b'[{"a":["1"]},"x.bin","text/plain",true]'
    assert [spool.closed for spool in spools] == [True]


async def test_a_form_that_fits_stays_in_memory(spools: list[Any]) -> None:
    app = spooling(100_000)
    held: list[Request] = []

    @app.post("/")
    async def handler(request: Request) -> Any:
        held.append(request)
        return json(len(request.files["f"][0].body))

    assert (await ask(app, upload(), chunks())).body == b"5000"
    assert spools == []
    assert held[0].files["f"][0].name == "x.bin"


async def test_the_raw_body_is_available_by_every_name() -> None:
    app = spooling()

    @app.post("/")
    async def handler(request: Request) -> Any:
        async def starlette(how: str) -> Any:
            if how == "called":
                return await request.form()
            if how == "plain":
                return await request.starlette.form()
            return await StarletteRequest(request.scope, request.receive).form()

        for how in ("called", "plain", "later"):
            form = await starlette(how)
            assert form["a"] == "1"
            assert await form["f"].read() == b"y" * 5000
            await form.close()
        assert await request.starlette.body() == BODY
        assert b"".join([part async for part in request.stream()]) == BODY
        replay = request.receive
        assert [(await replay())["more_body"]] == [False]
        assert request.body == BODY
        assert request.body is request.body
        return text("ok")

    assert (await ask(app, upload(), chunks())).body == b"ok"


async def test_a_changed_body_is_parsed_again_as_a_form() -> None:
    app = spooling()

    @app.on_request
    async def change(request: Request) -> None:
        request.body = request.body.replace(b"1\r\n", b"2\r\n")

    @app.post("/")
    async def handler(request: Request) -> Any:
        return json([request.form, request.files["f"][0].body == b"y" * 5000])

    assert (await ask(app, upload(), chunks())).body == b'[{"a":["2"]},true]'


@pytest.mark.parametrize("size", [50, 100_000])
async def test_an_invalid_form_raises_when_it_is_read(size: int) -> None:
    app = spooling(FORM_MAX_FIELDS=1, FORM_MAX_FILES=1, FORM_MAX_FIELD_SIZE=10, FORM_MAX_FILE_SIZE=6000)

    @app.post("/")
    async def handler(request: Request) -> Any:
        return text(f"{len(request.body)} {len(request.form)} {len(request.files)}")

    @app.post("/raw")
    async def raw(request: Request) -> Any:
        return text(str(len(request.body)))

    async def check(body: bytes, status: int, words: bytes, scope: Any = None) -> None:
        peer = await ask(app, dict(scope or upload()), chunks(body, size))
        assert peer.status == status
        assert words in peer.body
        whole = await ask(app, {**(scope or upload()), "path": "/raw", "raw_path": b"/raw"}, chunks(body, size))
        assert (whole.status, whole.body) == (200, str(len(body)).encode())

    await check(BODY, 200, b"1 1")
    await check(BODY[:-5], 400, b"ends before its last boundary")
    await check(HEAD * 2 + END, 400, b"more than 1 fields")
    await check(FILE + b"\r\n" + FILE + END, 400, b"more than 1 files")
    await check(HEAD.replace(b"1", b"1" * 11) + END, 413, b"has more than 10 bytes")
    await check(FILE + b"1" * 6001 + END, 413, b"has more than 6000 bytes")
    unnamed = http_scope("/", "POST", headers=[(b"content-type", b"multipart/form-data")])
    await check(BODY, 400, b"names no boundary", unnamed)


async def test_an_urlencoded_form_has_the_same_limit() -> None:
    app = spooling(FORM_MAX_FIELDS=2)

    @app.post("/")
    async def handler(request: Request) -> Any:
        return json(request.form)

    scope = http_scope("/", "POST", headers=[(b"content-type", b"application/x-www-form-urlencoded")])
    assert (await ask(app, dict(scope), [b"a=1&", b"b=2"])).body == b'{"a":["1"],"b":["2"]}'
    assert (await ask(app, dict(scope), [b"a=1&b=2&", b"c=3"])).status == 400


async def test_a_body_over_the_limit_leaves_no_file(spools: list[Any]) -> None:
    app = spooling(REQUEST_MAX_SIZE=4000)

    @app.post("/")
    async def handler(request: Request) -> Any:
        raise AssertionError

    assert (await ask(app, upload(), chunks())).status == 413
    assert [spool.closed for spool in spools] == [True]


async def test_a_client_that_leaves_leaves_no_file(spools: list[Any]) -> None:
    app = spooling()

    @app.post("/")
    async def handler(request: Request) -> Any:
        raise AssertionError

    peer = Peer(chunks(BODY[:4000]))
    peer.messages[-1]["more_body"] = True
    peer.gone.set()
    await app(upload(), peer.receive, peer.send)
    # Not every server distinguishes a disconnect from a body that ends too early (granian).
    assert peer.status == 400
    assert [spool.closed for spool in spools] == [True]


async def test_a_file_may_be_kept_longer_than_its_request(spools: list[Any]) -> None:
    app = spooling()
    kept: list[File] = []
    held: list[Request] = []

    @app.post("/")
    async def handler(request: Request) -> Any:
        kept.append(request.files["f"][0])
        held.append(request)
        return json(request.form)

    await ask(app, upload(), chunks())
    assert [spool.closed for spool in spools] == [False]
    assert kept[0].body == b"y" * 5000
    assert held[0].form == {"a": ["1"]}
    for name in ("files", "body"):
        with pytest.raises(ServerError, match="request has ended"):
            getattr(held[0], name)
    kept.clear()
    assert [spool.closed for spool in spools] == [True]


@pytest.mark.parametrize("ending", ["error", "respond", "stream", "middleware", "cycle"])
async def test_the_spooled_file_is_closed_with_any_end_of_the_request(ending: str, spools: list[Any]) -> None:
    app = spooling()

    @app.post("/")
    async def handler(request: Request) -> Any:
        assert len(request.files["f"]) == 1
        if ending == "error":
            raise ValueError
        if ending == "respond":
            response = await request.respond()
            await response.send("ok")
            return await response.eof()
        if ending == "stream":
            assert [part async for part in request.stream()]
        if ending == "cycle":
            request.ctx.request = request
        return text("ok")

    @app.on_response
    async def after(request: Request, response: Any) -> Any:
        if ending == "middleware":
            return text("other")
        return None

    @app.exception(ValueError)
    async def handled(request: Request, error: ValueError) -> Any:
        return text("ok")

    assert (await ask(app, upload(), chunks())).body == (b"other" if ending == "middleware" else b"ok")
    assert [spool.closed for spool in spools] == [True]


async def test_a_handler_that_streams_may_ask_for_the_form(spools: list[Any]) -> None:
    app = spooling()
    bp = Blueprint("bp")

    @bp.post("/", stream=True)
    async def handler(request: Request) -> Any:
        assert request.form == {}
        request.parsed_form = request.parsed_files = None
        await request.receive_body()
        return json([request.form, len(request.files["f"][0].body)])

    app.blueprint(bp)
    assert (await ask(app, upload(), chunks())).body == b'[{"a":["1"]},5000]'
    assert [spool.closed for spool in spools] == [True]


async def test_files_are_read_in_threads_too() -> None:
    app = spooling()

    @app.post("/")
    async def handler(request: Request) -> Any:
        files = request.files["f"]

        def length(file: File) -> int:
            return len(b"".join(iter(lambda: file.file.read(7), b"")))

        return json(await asyncio.gather(*(asyncio.to_thread(length, file) for file in files)))

    body = b"\r\n".join(FILE + b"z" * (3000 + extra) for extra in range(3)) + END
    assert (await ask(app, upload(), chunks(body))).body == b"[3000,3001,3002]"


async def test_memory_does_not_grow_with_an_upload() -> None:
    app: Sanic[Any, Any] = Sanic("Large")
    size = 30_000_000

    @app.post("/")
    async def handler(request: Request) -> Any:
        (file,) = request.files["f"]
        read = sum(len(block) for block in iter(lambda: file.file.read(65536), b""))
        return json([read, len(request.form)])

    chunk = b"y" * 60_000
    todo = iter([HEAD + FILE, *([chunk] * (size // len(chunk))), END])

    async def receive() -> Message:
        part = next(todo)
        return {"type": "http.request", "body": part, "more_body": part is not END}

    peer = Peer()
    await ask(app, http_scope("/nowhere"))
    tracemalloc.start()
    try:
        await app(upload(), receive, peer.send)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peer.body == b"[30000000,1]"
    assert peak < 5_000_000
