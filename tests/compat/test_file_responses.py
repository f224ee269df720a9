"""Files cached in memory, files read while they are sent, and how a change is noticed."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from starlette.background import BackgroundTask

from sanic_star import Sanic
from sanic_star.compat._files import responses as _file_responses
from sanic_star.compat._files import static as _static
from sanic_star.compat._files.responses import MAX_CACHED_SIZE, CachedFile, CachedFileResponse, FileCache
from sanic_star.testing import TestClient

LONG_AGO = 1_700_000_000
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files that were just written be kept: the time of change can't be set back."""
    monkeypatch.setattr(_file_responses, "CLOCK_TICK_NS", -(10**12))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The files that were looked up on the disk, in a thread."""
    seen: list[str | None] = []
    look = _static._find_and_read

    def noted(root: Any, uri: str | None) -> Any:
        seen.append(uri)
        return look(root, uri)

    monkeypatch.setattr(_static, "_find_and_read", noted)
    return seen


def client_of(place: Path, **options: Any) -> TestClient:
    app: Sanic[Any, Any] = Sanic("Files")
    app.static("/s", place, **options)
    return TestClient(app, raise_server_exceptions=False)


def test_a_small_file_is_read_once(tmp_path: Path, looks: list[str | None]) -> None:
    (tmp_path / "a.txt").write_text("one")
    client = client_of(tmp_path, use_content_range=True)
    first, second = client.get("/s/a.txt"), client.get("/s/a.txt")
    assert first.text == second.text == "one"
    assert {**first.headers} == {**second.headers}
    assert first.headers["accept-ranges"] == "bytes"
    assert client.get("/s/a.txt", headers={"range": "bytes=1-"}).text == "ne"
    assert client.head("/s/a.txt").headers["content-length"] == "3"
    assert looks == ["a.txt"]


def test_a_kept_file_is_sent_by_the_dispatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("one")
    client = client_of(tmp_path)
    first = client.get("/s/a.txt")
    monkeypatch.delattr(CachedFileResponse, "_head")
    monkeypatch.setattr(CachedFileResponse, "__call__", None)
    second = client.get("/s/a.txt")
    assert (second.content, second.headers) == (b"one", first.headers)


@pytest.mark.parametrize("change", ["same length", "longer", "replaced", "linked elsewhere"])
def test_a_change_is_noticed(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.txt"
    (tmp_path / "first").write_text("one")
    (tmp_path / "other").write_text("two")
    path.symlink_to("first") if change == "linked elsewhere" else path.write_text("one")
    client = client_of(tmp_path)
    assert [client.get("/s/a.txt").text for _ in range(2)] == ["one", "one"]
    if change == "same length":
        path.write_text("two")
        os.utime(path, (LONG_AGO, LONG_AGO))
    elif change == "longer":
        path.write_text("two and more")
    elif change == "replaced":
        os.replace(tmp_path / "other", path)
    else:
        path.unlink()
        path.symlink_to("other")
    assert client.get("/s/a.txt").text.startswith("two")


def test_a_cached_file_that_vanishes_or_leaves_the_root(tmp_path: Path) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (tmp_path / "secret").write_text("secret")
    (public / "a.txt").write_text("a")
    client = client_of(public)
    assert client.get("/s/a.txt").text == "a"
    (public / "a.txt").unlink()
    assert client.get("/s/a.txt").status_code == 404
    (public / "a.txt").symlink_to(tmp_path / "secret")
    assert client.get("/s/a.txt").status_code == 404


def test_a_file_that_was_just_changed_is_not_kept(
    tmp_path: Path, looks: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_file_responses, "CLOCK_TICK_NS", 10**15)
    (tmp_path / "a.txt").write_text("one")
    client = client_of(tmp_path)
    assert [client.get("/s/a.txt").text for _ in range(2)] == ["one", "one"]
    assert looks == ["a.txt", "a.txt"]


def test_middleware_changes_its_own_response_only(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    app: Sanic[Any, Any] = Sanic("Changing")
    app.static("/s", tmp_path)

    @app.on_response
    async def change(request: Any, response: Any) -> None:
        if "body" in request.args:
            response.body = b"changed"
        if "head" in request.args:
            response.headers["x-mark"] = response.headers["cache-control"]
        if "replace" in request.args:
            response.headers = {"x-only": "1"}
        if "status" in request.args:
            response.status = 203

    client = TestClient(app)
    client.get("/s/a.txt")
    changed = client.get("/s/a.txt?body=1&head=1&status=1")
    assert (changed.text, changed.status_code, changed.headers["x-mark"]) == ("changed", 203, "no-cache")
    assert changed.headers["content-length"] == "7"
    replaced = client.get("/s/a.txt?replace=1")
    assert (replaced.text, replaced.headers["x-only"], "cache-control" in replaced.headers) == ("one", "1", False)
    plain = client.get("/s/a.txt")
    assert (plain.text, plain.status_code, "x-mark" in plain.headers) == ("one", 200, False)
    assert client.get("/s/a.txt?body=1").headers["cache-control"] == "no-cache"


def test_the_file_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_file_responses, "CACHE_SIZE", 10_000)
    path = tmp_path / "a"
    path.write_bytes(b"")
    cached_file = CachedFile(str(path), path.stat(), b"", "text/plain", {})
    cache = FileCache()
    for number in range(100):
        cache.put(str(number), str(path), cached_file)
    assert cache.get("0") is None
    assert cache.get("99") is cached_file
    assert len(cache._files) == 4
    path.write_bytes(b"x")
    assert all(cache.get(str(number)) is None for number in range(100))
    assert cache._size == 0


def test_a_fifo_is_not_served(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert client_of(tmp_path).get("/s/pipe").status_code == 404


def test_a_large_file_and_its_parts(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1024
    (tmp_path / "large").write_bytes(content)
    client = client_of(tmp_path, use_content_range=True)
    whole = client.get("/s/large")
    assert whole.content == content
    assert whole.headers["content-length"] == str(len(content))
    assert whole.headers["cache-control"] == "no-cache"
    part = client.get("/s/large", headers={"range": "bytes=1000-1003"})
    assert (part.status_code, part.content) == (206, content[1000:1004])
    assert part.headers["content-range"] == f"bytes 1000-1003/{len(content)}"
    assert client.get("/s/large", headers={"range": "bytes=-5"}).content == content[-5:]
    assert client.head("/s/large").headers["content-length"] == str(len(content))


def test_middleware_reads_and_changes_a_large_file(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (MAX_CACHED_SIZE + 1))
    app: Sanic[Any, Any] = Sanic("Reading")
    app.static("/s", tmp_path)

    @app.on_response
    async def change(request: Any, response: Any) -> None:
        if "read" in request.args:
            response.headers["x-size"] = str(len(response.body))
        if "write" in request.args:
            response.body = b"short"

    client = TestClient(app)
    assert client.get("/s/large?read=1").headers["x-size"] == str(MAX_CACHED_SIZE + 1)
    assert client.get("/s/large?write=1").content == b"short"
    assert client.get("/s/large?write=1").headers["content-length"] == "5"


def sparse(path: Path, size: int) -> None:
    with open(path, "wb") as made:
        made.truncate(size)


def scope(path: str) -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [(b"host", b"test")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "asgi": {"version": "3.0"},
    }  # fmt: skip


async def nothing_more() -> dict[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("streamed", [False, True])
async def test_memory_stays_flat(tmp_path: Path, streamed: bool) -> None:
    size = 64 * MIB
    sparse(tmp_path / "large", size)
    app: Sanic[Any, Any] = Sanic("Flat")
    app.static("/s", tmp_path, stream_large_files=streamed)
    sent = 0

    async def receive() -> dict[str, Any]:
        return await nothing_more()

    async def send(message: Any) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))

    await app(scope("/s/none"), receive, send)
    sent = 0
    tracemalloc.start()
    try:
        await app(scope("/s/large"), receive, send)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == size
    assert peak < 4 * MIB


async def test_a_large_file_is_cut_short_when_the_client_leaves(tmp_path: Path) -> None:
    sparse(tmp_path / "large", 64 * MIB)
    app: Sanic[Any, Any] = Sanic("Leaving")
    app.static("/s", tmp_path)
    left = asyncio.Event()
    sent = 0

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))
        if sent:
            left.set()
            await asyncio.sleep(0.01)

    await app(scope("/s/large"), receive, send)
    assert 0 < sent < 64 * MIB


async def test_a_file_that_gets_shorter_while_it_is_sent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * MIB)
    app: Sanic[Any, Any] = Sanic("Shorter")
    app.static("/s", tmp_path)
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and path.stat().st_size:
            os.truncate(path, 0)

    with pytest.raises(OSError, match="was truncated"):
        await app(scope("/s/large"), nothing_more, send)
    assert [message["type"] for message in messages].count("http.response.start") == 1
    assert messages[-1]["more_body"]


def test_a_background_task_that_fails_after_a_large_file_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("in the background")

    (tmp_path / "large.bin").write_bytes(b"x" * (MAX_CACHED_SIZE + 1))
    app: Sanic[Any, Any] = Sanic("Behind")
    app.static("/", tmp_path)

    @app.on_response
    async def after(request: Any, response: Any) -> None:
        response.background = BackgroundTask(fail)

    answer = TestClient(app, raise_server_exceptions=False).get("/large.bin")
    assert len(answer.content) == MAX_CACHED_SIZE + 1
    assert [record.message for record in caplog.records if record.name == "sanic.error"] == [
        "The background task of a response to '/large.bin' failed"
    ]
