"""The applications that the benchmarks measure answer what the benchmarks ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.apps import sanic_star as apps
from benchmarks.cases import CASES, ERROR_CASES, Case
from benchmarks.contenders import CONTENDERS
from benchmarks.driver import ask
from benchmarks.routing import _case, _paths
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


async def answers(app: Any, *cases: Case) -> list[str]:
    """Return the names of the cases that the application answers as the benchmarks want it."""
    return [case.name for case in cases if case.matches(*await ask(app, case))]


@pytest.mark.parametrize("raw", ["raw", "raw_ready", "raw_body"])
async def test_those_without_a_framework(raw: str) -> None:
    assert await answers(CONTENDERS[raw].make("basic"), *CASES.values()) == list(CASES)


@pytest.mark.parametrize("contender", ["sanic_star", "starlette"])
async def test_the_one_with_errors(contender: str) -> None:
    assert await answers(CONTENDERS[contender].make("errors"), *ERROR_CASES.values()) == list(ERROR_CASES)


def test_an_error_page_has_the_status_and_the_words() -> None:
    case = ERROR_CASES["404"]
    assert [case.matches(*answer) for answer in ((404, b"404 Not Found"), (404, b""), (200, b"Not Found"))] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("number", [0, 4])
async def test_those_with_many_routes(number: int) -> None:
    app = apps.varied(8)
    cases = [Case(kind, path, "Hello, world!") for kind, path in _paths(number)]
    assert await answers(app, *cases) == ["static", "typed", "host", "version"]
    app = apps.routes(8, True)
    assert await answers(app, *(_case(str(each), each, True) for each in range(8))) == [*"01234567"]


def test_a_path_with_a_number_never_comes_twice() -> None:
    case = Case("new", "/r0/{}", "")
    assert len({*case.paths(100), *case.paths(100)}) == 200
    assert Case("same", "/r0", "").paths(2) == ["/r0", "/r0"]
