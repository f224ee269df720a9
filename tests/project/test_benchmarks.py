"""The applications that the benchmarks measure answer what the benchmarks ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.apps import sanic_star as apps
from sanic_star.testing import TestClient


def answer(app: Any, method: str, path: str, **options: Any) -> str:
    response = TestClient(app).request(method, path, **options)
    assert response.status_code == 200
    return response.text


def test_the_basic_one() -> None:
    app = apps.basic()
    assert [answer(app, "GET", path) for path in ("/", "/json", "/user/42")] == [
        "Hello, world!",
        '{"message":"Hello, world!"}',
        '{"id":42}',
    ]
    assert answer(app, "POST", "/echo", json={"a": 1}) == '{"a":1}'


def test_the_one_with_files(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("a { color: teal }")
    assert answer(apps.static(str(tmp_path)), "GET", "/files/page.css") == "a { color: teal }"


def test_the_one_with_forms() -> None:
    app = apps.forms()
    assert answer(app, "POST", "/form", data={"field9": "9"}) == '{"fields":1,"last":"9"}'
    assert answer(app, "POST", "/upload", files={"file": ("a.txt", b"abc")}) == '{"name":"a.txt","size":3}'


@pytest.mark.parametrize("varied", [False, True])
def test_those_with_many_routes(varied: bool) -> None:
    app = apps.varied(8) if varied else apps.routes(8, True)
    assert len(app.router.routes) >= 8
