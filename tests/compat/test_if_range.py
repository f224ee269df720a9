"""`If-Range`: a part is sent if the client has the current version, else the whole (RFC 9110, 13.1.5)."""

from __future__ import annotations

import os
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic, file
from sanic_star.compat.handlers import ContentRangeHandler
from sanic_star.compat.response import file_stream
from sanic_star.testing import TestClient

CHANGED = 1_700_000_000


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"0123456789")
    large.write_bytes(b"0123456789" * 200_000)
    for path in (small, large):
        os.utime(path, (CHANGED + 0.75, CHANGED + 0.75))
    app: Sanic[Any, Any] = Sanic("IfRange")
    for path in (small, large):
        app.static(f"/{path.name}", path, use_content_range=True, name=path.name)

    @app.get("/file")
    async def by_file(request: Any) -> Any:
        return await file(small, _range=ContentRangeHandler(request, small.stat()))

    @app.get("/stream")
    async def by_stream(request: Any) -> Any:
        return await file_stream(small, _range=ContentRangeHandler(request, small.stat()))

    return TestClient(app)


@pytest.mark.parametrize("path", ["/small", "/large", "/file", "/stream"])
@pytest.mark.parametrize(
    ("version", "is_part"),
    [
        (None, True),
        (formatdate(CHANGED, usegmt=True), True),
        (formatdate(CHANGED - 1, usegmt=True), False),
        (formatdate(CHANGED + 1, usegmt=True), False),
        ('"an entity tag"', False),
        ('W/"a weak one"', False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_part_of_the_version_that_the_client_has(
    client: TestClient, path: str, version: str | None, is_part: bool
) -> None:
    headers = {"range": "bytes=2-4"} | ({} if version is None else {"if-range": version})
    answer = client.get(path, headers=headers)
    assert answer.status_code == (206 if is_part else 200)
    assert (answer.content == b"234") == is_part
    assert ("content-range" in answer.headers) == is_part
    if not is_part:
        assert len(answer.content) == (2_000_000 if path == "/large" else 10)


@pytest.mark.parametrize("path", ["/small", "/large", "/file", "/stream"])
@pytest.mark.parametrize("ranges", ["bytes=0-1,3-4", "bytes=0-1, 3-4", "bytes=20000000-"])
def test_several_parts_and_parts_beyond_the_end_are_refused(client: TestClient, path: str, ranges: str) -> None:
    answer = client.get(path, headers={"range": ranges})
    assert answer.status_code == 416
    # For another version of the file, the field is not looked at.
    assert client.get(path, headers={"range": ranges, "if-range": '"x"'}).status_code == 200
