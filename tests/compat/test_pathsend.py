"""Files that the server sends itself, if it offers `http.response.pathsend`."""

import asyncio
import os
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse
from starlette.types import Message

from sanic_star import HTTPResponse, Request, Sanic, file
from sanic_star.compat._files.responses import MAX_CACHED_SIZE
from sanic_star.compat.response import _pathsend as pathsend
from sanic_star.compat.response import file_stream
from tests.engine.raw import Peer, http_scope

EXTENSIONS: dict[str, Any] = {"http.response.pathsend": {}}
BODY = os.urandom(MAX_CACHED_SIZE + 1)
LONG_AGO = 1_700_000_000

pytestmark = pytest.mark.skipif(not os.path.exists(pathsend.DESCRIPTORS), reason="the system has no /proc")


class Server(Peer):
    """A server that opens files by their paths, as late as granian: when the application's `send` has returned."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    async def send(self, message: Message) -> None:
        await super().send(message)
        if message["type"] == "http.response.pathsend":
            self.paths.append(message["path"])

    @property
    def content(self) -> bytes:
        if self.paths:
            (path,) = self.paths
            return Path(path).read_bytes()
        return b"".join(message.get("body", b"") for message in self.sent[1:])


@pytest.fixture(autouse=True)
def held(monkeypatch: pytest.MonkeyPatch) -> pathsend.HeldFiles:
    """Let each test begin without files that are held."""
    made = pathsend.HeldFiles()
    monkeypatch.setattr(pathsend, "held_files", made)
    return made


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, body in {"a.bin": BODY, "small.txt": b"small", "empty.txt": b""}.items():
        (folder / name).write_bytes(body)
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    return folder


def app_of(place: Path, **options: Any) -> Sanic[Any, Any]:
    """Make an application that serves a directory in each way."""
    app = Sanic("Files", **options)

    @app.route("/file/<name>", methods=["GET", "POST", "HEAD"])
    async def by_file(request: Request, name: str) -> HTTPResponse:
        return await file(place / name, request_headers=request.headers)

    @app.route("/stream/<name>", methods=["GET", "POST", "HEAD"])
    async def by_stream(request: Request, name: str) -> Any:
        return await file_stream(place / name)

    @app.get("/missing")
    async def missing(request: Request) -> HTTPResponse:
        return await file(place / "a.bin", status=404)

    app.static("/static", place, use_modified_since=True, use_content_range=True)
    app.static("/single", place / "a.bin", name="single", use_content_range=True)
    app.add_route("/starlette", lambda request: FileResponse(place / "a.bin"))
    return app


PATHS = ["/file/a.bin", "/stream/a.bin", "/static/a.bin", "/single", "/starlette"]


async def ask(app: Any, path: str, method: str = "GET", *headers: tuple[bytes, bytes], **fields: Any) -> Server:
    server = Server()
    options: dict[str, Any] = {"extensions": EXTENSIONS, "headers": [(b"host", b"h"), *headers], **fields}
    await app(http_scope(path, method, **options), server.receive, server.send)
    return server


def fields(server: Server) -> dict[bytes, bytes]:
    return {name: value for name, value in server.headers.items() if name != b"expires"}


@pytest.mark.parametrize("path", PATHS)
async def test_the_server_sends_a_whole_file(place: Path, path: str) -> None:
    app = app_of(place)
    answer, plain = await ask(app, path), await ask(app, path, extensions=None)
    assert [message["type"] for message in answer.sent] == ["http.response.start", "http.response.pathsend"]
    assert os.path.isabs(answer.paths[0])
    assert answer.content == plain.content == BODY
    assert (answer.status, fields(answer)) == (plain.status, fields(plain))
    assert plain.paths == []


async def test_a_path_may_be_relative_and_a_file_empty(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    app = app_of(Path())
    for path, body in {"/file/empty.txt": b"", "/stream/empty.txt": b"", "/file/small.txt": b"small"}.items():
        answer = await ask(app, path)
        # A stream that is empty has a length.
        assert (len(answer.paths), answer.content) == (path != "/stream/empty.txt", body)
        assert all(map(os.path.isabs, answer.paths))


async def test_a_small_static_file_comes_from_memory(place: Path) -> None:
    answer = await ask(app_of(place), "/static/small.txt")
    assert (answer.paths, answer.content) == ([], b"small")


@pytest.mark.parametrize("path", PATHS)
async def test_head_has_no_body(place: Path, path: str) -> None:
    answer = await ask(app_of(place), path, "HEAD")
    assert (answer.status, answer.paths) == (200, [])


@pytest.mark.parametrize("path", ["/static/a.bin", "/single"])
@pytest.mark.parametrize("asked", [b"bytes=0-9", b"bytes=10-", b"bytes=-10", b"bytes=0-", b"bytes=9999999-"])
async def test_a_part_of_a_file_is_sent_by_the_application(place: Path, path: str, asked: bytes) -> None:
    app = app_of(place)
    answer = await ask(app, path, "GET", (b"range", asked))
    plain = await ask(app, path, "GET", (b"range", asked), extensions=None)
    assert answer.status in (206, 416)
    assert answer.paths == []
    assert (answer.status, answer.content, fields(answer)) == (plain.status, plain.content, fields(plain))


@pytest.mark.parametrize("path", ["/static/a.bin", "/file/a.bin"])
async def test_a_copy_that_is_good_is_304(place: Path, path: str) -> None:
    app = app_of(place)
    for moment, status in ((LONG_AGO, 304), (LONG_AGO - 10, 200)):
        since = formatdate(moment, usegmt=True).encode()
        answer = await ask(app, path, "GET", (b"if-modified-since", since))
        assert (answer.status, bool(answer.paths)) == (status, status == 200)


async def test_another_status_is_sent_by_the_application(place: Path) -> None:
    answer = await ask(app_of(place), "/missing")
    assert (answer.status, answer.paths, answer.content) == (404, [], BODY)


# Starlette sends the path itself.
@pytest.mark.parametrize("path", PATHS[:4])
async def test_a_file_that_is_replaced_before_the_server_opens_it(place: Path, path: str) -> None:
    app = app_of(place)
    answer = await ask(app, path)
    (place / "new").write_bytes(b"another file")
    os.replace(place / "new", place / "a.bin")
    # Its length was promised: the server gets the file that it was read from.
    assert answer.content == BODY
    assert (await ask(app, path)).content == b"another file"
    answer = await ask(app, path)
    (place / "a.bin").unlink()
    assert answer.content == b"another file"


async def test_a_link_that_takes_the_place_of_a_static_file_is_not_followed(place: Path) -> None:
    secret = place.parent / "secret"
    secret.write_bytes(b"secret" * MAX_CACHED_SIZE)
    (place / "sub").mkdir()
    (place / "sub" / "b.bin").write_bytes(BODY)
    app = app_of(place)
    answer = await ask(app, "/static/sub/b.bin")
    (place / "sub").rename(place / "was")
    (place / "sub").symlink_to(place.parent)
    (place.parent / "b.bin").symlink_to(secret)
    assert answer.content == BODY
    assert (await ask(app, "/static/sub/b.bin")).status == 404


@pytest.mark.parametrize("path", ["/file/none", "/stream/none", "/static/none", "/file/.", "/static/."])
async def test_a_missing_file_raises_as_without_the_extension(place: Path, path: str) -> None:
    app = app_of(place)
    outcomes: list[Any] = []
    for extensions in (EXTENSIONS, None):
        server = Server()
        try:
            await app(http_scope(path, extensions=extensions), server.receive, server.send)
            outcomes.append((server.status, None))
        except OSError as error:
            outcomes.append((server.status, type(error)))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] in (404, 500)


async def test_middleware_reads_and_changes_the_body(place: Path) -> None:
    app = app_of(place)

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        wish = request.headers.get("x-wish")
        response.headers["x-seen"] = "1"
        if wish == "read":
            response.headers["x-length"] = len(response.body)
        elif wish == "replace":
            response.body = "mine"
        elif wish == "status":
            response.status = 203

    for path in ("/file/a.bin", "/static/a.bin"):
        answer = await ask(app, path)
        assert (answer.headers[b"x-seen"], len(answer.paths)) == (b"1", 1)
        for wish, content in ((b"read", BODY), (b"replace", b"mine"), (b"status", BODY)):
            answer = await ask(app, path, "GET", (b"x-wish", wish))
            assert (answer.paths, answer.content) == ([], content)
            assert answer.headers[b"content-length"] == str(len(content)).encode()


async def passing(request: Any, call_next: Any) -> Any:
    response = await call_next(request)
    response.headers["x-passed"] = "1"
    return response


@pytest.mark.parametrize("path", PATHS)
async def test_starlettes_middleware_passes_it_on(place: Path, path: str) -> None:
    for middleware in (Middleware(GZipMiddleware), Middleware(BaseHTTPMiddleware, dispatch=passing)):
        app = app_of(place, middleware=[middleware])
        answer = await ask(app, path, "GET", (b"accept-encoding", b"gzip"))
        assert (len(answer.paths), answer.content) == (1, BODY)
        assert b"content-encoding" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
async def test_a_response_is_over_with_it(place: Path, path: str) -> None:
    app = app_of(place)
    seen: list[Any] = []

    @app.on_response
    async def add_task(request: Request, response: Any) -> None:
        seen.append(request)
        response.background = BackgroundTask(seen.append, "ran")

    answer = await ask(app, path)
    assert answer.content == BODY
    if path not in ("/stream/a.bin", "/starlette"):
        assert seen[1:] == ["ran"]
    assert app._engine.streams.endless == set()


async def test_one_descriptor_is_held_for_one_file(place: Path, held: pathsend.HeldFiles) -> None:
    app = app_of(place)
    before = len(os.listdir(pathsend.DESCRIPTORS))
    paths = {(await ask(app, path)).paths[0] for path in PATHS[:4] * 20}
    assert (len(paths), len(held)) == (1, 1)
    assert len(os.listdir(pathsend.DESCRIPTORS)) == before + 1


async def test_more_files_than_can_be_held_are_read(
    place: Path, held: pathsend.HeldFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pathsend, "MAX_HELD", 2)
    app = app_of(place)
    before = len(os.listdir(pathsend.DESCRIPTORS))
    for number in range(4):
        (place / f"{number}.bin").write_bytes(BODY)
    for kind in ("file", "stream", "static"):
        for number in range(4):
            answer = await ask(app, f"/{kind}/{number}.bin")
            assert (len(answer.paths), answer.content) == (number < 2, BODY)
    assert len(held) == 2
    assert len(os.listdir(pathsend.DESCRIPTORS)) == before + 2


async def test_descriptors_are_closed_after_their_time(
    place: Path, held: pathsend.HeldFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pathsend, "HOLD_S", 0.05)
    before = len(os.listdir(pathsend.DESCRIPTORS))
    app = app_of(place)
    for path in ("/file/a.bin", "/file/small.txt", "/static/a.bin"):
        assert len((await ask(app, path)).paths) == 1
    async with asyncio.timeout(30):
        while len(held):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(os.listdir(pathsend.DESCRIPTORS)) == before
    # And they are held again.
    assert (await ask(app, "/file/a.bin")).content == BODY


async def test_a_response_that_waits_longer_opens_its_file_again(
    place: Path, held: pathsend.HeldFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(place)

    @app.on_response
    async def wait(request: Request, response: Any) -> None:
        for descriptor, _ in held._held.values():
            os.close(descriptor)
        held._held.clear()
        if request.args.get("gone"):
            (place / "a.bin").unlink()

    assert (await ask(app, "/file/a.bin")).content == BODY
    answer = await ask(app, "/file/a.bin", query_string=b"gone=1")
    assert answer.status == 404


async def test_without_descriptors_of_the_system_only_named_files_are_sent_by_path(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pathsend, "DESCRIPTORS", str(place / "none"))
    app = app_of(place)
    for path in ("/file/a.bin", "/stream/a.bin", "/single"):
        assert (await ask(app, path)).paths == [str(place / "a.bin")]
    answer = await ask(app, "/static/a.bin")
    assert (answer.paths, answer.content) == ([], BODY)


async def test_outside_of_a_request_a_file_is_read(place: Path) -> None:
    response = await file(place / "a.bin")
    assert type(response) is HTTPResponse
    assert response.body == BODY


async def test_a_large_file_that_has_changed_is_read(place: Path) -> None:
    app = app_of(place)

    @app.on_response
    async def change(request: Request, response: Any) -> None:
        (place / "a.bin").write_bytes(BODY + b"more")

    answer = await ask(app, "/static/a.bin")
    assert (answer.paths, answer.content) == ([], BODY)
    assert answer.headers[b"content-length"] == str(len(BODY)).encode()
