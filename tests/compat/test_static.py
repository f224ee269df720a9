"""Static files: which files are served and which are not, and parts of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat.exceptions import HeaderNotFound, InvalidRangeType, RangeNotSatisfiable
from sanic_star.compat.handlers import ContentRangeHandler
from sanic_star.compat.request import Request
from sanic_star.testing import TestClient

MODIFIED = 1_700_000_000
WHEN = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "public/a.txt": "0123456789",
        "public/b/index.html": "<p>b",
        "public/c/d <e>.txt": "d",
        "public/script.js": "1",
        "public/big.bin": "x" * 3000,
        "secret/s.txt": "secret",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (MODIFIED, MODIFIED))
    return tmp_path


def serve(place: Any, **options: Any) -> TestClient:
    app: Sanic[Any, Any] = Sanic("Static")
    app.static("/s", place, **options)
    return TestClient(app, raise_server_exceptions=False)


def test_a_file_of_a_directory(tree: Path) -> None:
    answer = serve(tree / "public").get("/s/a.txt")
    assert answer.text == "0123456789"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["last-modified"] == WHEN
    assert answer.headers["cache-control"] == "no-cache"


def test_a_single_file_with_a_type(tree: Path) -> None:
    client = serve(tree / "public/script.js", content_type="application/javascript")
    assert client.get("/s").headers["content-type"] == "application/javascript; charset=utf-8"
    assert serve(tree / "public/script.js", content_type="image/x").get("/s").headers["content-type"] == "image/x"


def test_head_has_the_content_length(tree: Path) -> None:
    answer = serve(tree / "public").head("/s/a.txt")
    assert (answer.headers["content-length"], answer.content) == ("10", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/s/%2e%2e/secret/s.txt",
        "/s/..%2fsecret/s.txt",
        "/s/b/%2e%2e/a.txt",
        "/s/%2e%2e",
        "/s/a.txt%00.png",
        "/s/%00",
        "/s/missing",
        "/s/a.txt/x",
        "/s//etc/passwd",
        "/s/" + "x" * 300,
        "/s/",
        "/s/c",
        "/s/out.txt",
        "/s/outside/s.txt",
    ],
)
def test_not_found(tree: Path, path: str) -> None:
    os.symlink(tree / "secret/s.txt", tree / "public/out.txt")
    os.symlink(tree / "secret", tree / "public/outside")
    answer = serve(tree / "public").get(path)
    assert (answer.status_code, "File not found" in answer.text) == (404, True)


def test_links_inside_and_followed_ones(tree: Path) -> None:
    os.symlink(tree / "public/a.txt", tree / "public/inner.txt")
    os.symlink(tree / "secret/s.txt", tree / "public/out.txt")
    os.symlink(tree / "secret", tree / "public/outside")
    assert serve(tree / "public").get("/s/inner.txt").text == "0123456789"
    assert serve(tree / "public", follow_external_symlink_files=True).get("/s/out.txt").text == "secret"
    followed = serve(tree / "public", follow_external_symlink_dirs=True, directory_view=True).get("/s/outside/")
    assert "s.txt" in followed.text


def test_index_and_view_of_a_directory(tree: Path) -> None:
    client = serve(tree / "public", index="index.html", directory_view=True)
    assert client.get("/s/b").text == "<p>b"
    redirected = client.get("/s/c", allow_redirects=False)
    assert (redirected.status_code, redirected.headers["location"]) == (302, "/s/c/")
    page = client.get("/s/c/").text
    assert '<a href="d%20%3Ce%3E.txt">d &lt;e&gt;.txt</a>' in page
    assert '<a href="b/">b/</a>' in client.get("/s/").text
    assert serve(tree / "public", index=["nosuch", "index.html"]).get("/s/b/").text == "<p>b"
    assert serve(tree / "public", index="nosuch").get("/s/").status_code == 404


def test_not_modified(tree: Path) -> None:
    client = serve(tree / "public")
    assert client.get("/s/a.txt", headers={"if-modified-since": WHEN}).status_code == 304
    client = serve(tree / "public", use_modified_since=False)
    answer = client.get("/s/a.txt", headers={"if-modified-since": WHEN})
    assert (answer.status_code, answer.headers["last-modified"]) == (200, WHEN)
    assert "last-modified" not in client.head("/s/a.txt").headers


def test_large_files_are_streamed_with_their_length(tree: Path) -> None:
    client = serve(tree / "public", stream_large_files=1000, use_content_range=True)
    answer = client.get("/s/big.bin")
    assert (len(answer.content), answer.headers["content-length"]) == (3000, "3000")
    part = client.get("/s/big.bin", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"x" * 10, "bytes 10-19/3000")
    assert serve(tree / "public", stream_large_files=True).get("/s/big.bin").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-3", 0, 3),
        ("bytes=4-", 4, 9),
        ("bytes=-3", 7, 9),
        ("bytes=-99", 0, 9),
        ("bytes=0-99", 0, 9),
        ("bytes=9-9", 9, 9),
    ],
)
def test_a_part_of_a_file(tree: Path, asked: str, start: int, end: int) -> None:
    client = serve(tree / "public/a.txt", use_content_range=True)
    answer = client.get("/s", headers={"range": asked})
    assert answer.status_code == 206
    assert answer.text == "0123456789"[start : end + 1]
    assert answer.headers["content-range"] == f"bytes {start}-{end}/10"
    whole = client.head("/s", headers={"range": asked})
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")


@pytest.mark.parametrize(
    "asked", ["bytes=10-", "bytes=5-2", "bytes=-0", "bytes=a-b", "bytes=0-b", "bytes=", "items=0-1"]
)
def test_ranges_beyond_the_file(tree: Path, asked: str) -> None:
    answer = serve(tree / "public/a.txt", use_content_range=True).get("/s", headers={"range": asked})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10")


def test_content_range_of_a_request() -> None:
    def stats(size: int) -> os.stat_result:
        return os.stat_result((0, 0, 0, 0, 0, 0, size, 0, 0, 0))

    part = ContentRangeHandler(Request.build(headers={"range": "bytes=2-5"}), stats(10))
    assert (part.start, part.end, part.size, part.total) == (2, 5, 4, 10)
    assert part
    assert part.headers == {"Content-Range": "bytes 2-5/10"}
    with pytest.raises(HeaderNotFound):
        ContentRangeHandler(Request.build(), stats(10))
    with pytest.raises(InvalidRangeType):
        ContentRangeHandler(Request.build(headers={"range": "lines=1-2"}), stats(10))
    with pytest.raises(RangeNotSatisfiable):
        ContentRangeHandler(Request.build(headers={"range": "bytes=0-0"}), stats(0))


def test_resource_type(tree: Path) -> None:
    app: Sanic[Any, Any] = Sanic("Types")
    app.static("/dir", tree / "public", resource_type="dir", name="dir")
    app.static("/file", tree / "public/a.txt", resource_type="file", name="file")
    with pytest.raises(TypeError, match="improperly identified as directory"):
        app.static("/1", tree / "public/a.txt", resource_type="dir", name="one")
    with pytest.raises(TypeError, match="improperly identified as file"):
        app.static("/2", tree / "public", resource_type="file", name="two")
    with pytest.raises(ValueError, match="'file' or 'dir'"):
        app.static("/3", tree / "public", resource_type="socket", name="three")
