"""The measured applications give the answers that the benchmarks expect."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from jinja2 import Environment, FileSystemLoader

from benchmarks import broadcast, live, postgres
from benchmarks.apps import sanic_star as apps
from benchmarks.apps.database.store import MESSAGES, TEMPLATES, connect, fill, sorted_fortunes
from benchmarks.blocks import measure_blocks
from benchmarks.broadcast import KINDS
from benchmarks.budgets import budgets
from benchmarks.cases import CASES, ERROR_CASES, PAGE_CASES, STREAM_CASES, Case
from benchmarks.contenders import CONTENDERS
from benchmarks.database_cases import DatabaseCase, cases
from benchmarks.documents import fold
from benchmarks.driver import Lifespan, ask, fault
from benchmarks.handlers import IMPOSSIBLE
from benchmarks.large_cases import LARGE_CASES, LargeCase
from benchmarks.plot import draw
from benchmarks.real_requests import REAL_CASES, RealCase
from benchmarks.report import markdown
from benchmarks.routing import _case, _paths
from benchmarks.settings import Settings
from benchmarks.wrk import LoadError, Run, Server, _script
from sanic_star.testing import TestClient
from tests.project import ROOT


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
    assert await answers(app, *(_case(str(number), number, True) for number in range(8))) == [*"01234567"]


def test_a_path_with_a_number_never_comes_twice() -> None:
    case = Case("new", "/r0/{}", "")
    assert len({*case.paths(100), *case.paths(100)}) == 200
    assert Case("same", "/r0", "").paths(2) == ["/r0", "/r0"]


@pytest.mark.parametrize("case", REAL_CASES.values(), ids=list(REAL_CASES))
@pytest.mark.parametrize("contender", ["raw", "sanic_star", "starlette", "fastapi"])
async def test_the_real_request(contender: str, case: RealCase) -> None:
    app = CONTENDERS[contender].make("real.make")
    assert [await fault(app, case) for _ in range(3)] == [None] * 3


def test_a_real_request_never_comes_twice() -> None:
    for case in REAL_CASES.values():
        first, second = case.prepare(2)
        assert first.scope["path"] != second.scope["path"]
        assert (
            sum(
                header != other_header
                for header, other_header in zip(first.scope["headers"], second.scope["headers"], strict=True)
            )
            == 4
        )
        assert len(first.scope["headers"]) == (14 if case.body else 12)
        lengths = [int(value) for name, value in first.scope["headers"] if name == b"content-length"]
        assert lengths == ([len(first.body)] if case.body else [])
        assert not case.body or first.body != second.body


def test_wrk_gets_a_program_for_what_is_more_than_a_path() -> None:
    assert _script(CASES["text"]) is None
    assert "wrk.body = [[{" in (_script(CASES["echo"]) or "")
    first, second = (_script(REAL_CASES["real_post"]) or "" for _ in range(2))
    text = json.loads(first[first.index('"') : first.rindex('"') + 1])
    assert text.startswith("POST /shop/customers/c@/orders HTTP/1.1\r\nhost: 127.0.0.1")
    assert text.endswith('\r\n\r\n{"sku":"A-@","quantity":2,"gift":false,"note":"ring twice"}')
    assert first != second  # each run counts from another number


async def test_a_wrong_answer_is_a_fault() -> None:
    case = REAL_CASES["real_get"]
    (request,) = case.prepare(1)
    good = [
        (b"content-type", b"application/json"),
        (b"x-request-id", b"request-%d" % request.number),
        (b"cache-control", b"private, max-age=0"),
        (b"x-content-type-options", b"nosniff"),
        (b"set-cookie", b"last_order=%d; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax" % request.number),
    ]
    body = json.dumps(case.expected(request.number)).encode()
    assert case.fault(request.number, 200, good, body) is None
    assert case.fault(request.number + 1, 200, good, body)
    assert case.fault(request.number, 201, good, body)
    for place in range(len(good)):
        assert case.fault(request.number, 200, good[:place] + good[place + 1 :], body)
    assert case.fault(request.number, 200, [*good, (b"content-length", b"1")], body)
    assert case.fault(request.number, 200, [*good, good[-1]], body)
    assert case.fault(request.number, 200, [*good[:-1], (b"set-cookie", good[-1][1].replace(b" Secure;", b""))], body)


@pytest.mark.parametrize("contender", ["sanic_star", "starlette", "fastapi"])
async def test_the_six_tests_with_a_database(contender: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bench.db'}"
    await fill(url)
    app = CONTENDERS[contender].make("database.make", url)
    lifespan = Lifespan(app)
    await lifespan.startup()
    tests = cases(url)
    assert {case.name: await fault(app, case, lifespan.state) for case in tests} == {case.name: None for case in tests}
    for queries, rows in (("", 1), ("queries=0", 1), ("queries=x", 1), ("queries=501", 500)):
        case = DatabaseCase("queries", "/queries", None, query=queries, rows=rows, url=url)
        assert (queries, await fault(app, case, lifespan.state)) == (queries, None)
    await lifespan.shutdown()


async def test_a_row_that_is_not_stored_is_a_fault(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bench.db'}"
    await fill(url)
    case = DatabaseCase("db", "/db", None, rows=1, url=url)
    store = await connect(url)
    (row,) = await store.worlds([7])
    await store.close()
    assert case.fault(0, 200, [], json.dumps(row).encode()) is None
    for wrong in (row | {"randomNumber": row["randomNumber"] + 1}, [row], {"id": 7}, row | {"more": 1}):
        assert case.fault(0, 200, [], json.dumps(wrong).encode())
    assert case.fault(0, 500, [], json.dumps(row).encode())


def test_fortunes_are_escaped_and_in_order() -> None:
    case = next(case for case in cases("") if case.name == "db_fortunes")
    template = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True).get_template("fortunes.html")
    rows = sorted_fortunes(list(enumerate(MESSAGES, 1)))
    page = template.render(fortunes=rows)
    assert "<script>" not in page
    assert case.fault(0, 200, [], page.encode()) is None
    for wrong in (rows[1:], rows[::-1]):
        assert case.fault(0, 200, [], template.render(fortunes=wrong).encode())
    assert case.fault(0, 200, [], page.replace("&lt;script&gt;", "<script>").encode())


@pytest.mark.parametrize("contender", ["sanic_star", "starlette"])
@pytest.mark.parametrize(
    ("factory", "wanted"),
    [
        ("handlers.pages", PAGE_CASES),
        ("handlers.streams", STREAM_CASES),
        # The documents of ten megabytes are for the benchmark.
        ("handlers.large", {name: case for name, case in LARGE_CASES.items() if case.path != "/rows"}),
    ],
)
async def test_those_of_other_handlers(contender: str, factory: str, wanted: dict[str, Case]) -> None:
    app = CONTENDERS[contender].make(factory)
    possible = [case for case in wanted.values() if (case.name, contender) not in IMPOSSIBLE]
    if factory == "handlers.large":
        possible = [case for case in possible if not case.path.startswith("/rows/")]
        possible += [
            LargeCase("in", "/rows", {"rows": 9}, "POST", file=9, size=9),
            LargeCase("out", "/rows/9", None, size=9),
        ]
    assert {case.name: await fault(app, case) for case in possible} == {case.name: None for case in possible}


@pytest.mark.parametrize("contender", ["sanic_star", "starlette", "fastapi"])
async def test_the_one_with_two_hundred_routes(contender: str) -> None:
    app = CONTENDERS[contender].make("start.make")
    paths = [f"/part{place}/r{number}" + "/7" * (number % 2) for place in (0, 9) for number in range(20)]
    tests = [Case(path, path, "Hello, world!") for path in paths]
    assert await answers(app, *tests) == paths


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="CPU time and memory are read from /proc")
def test_what_is_live_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOADS", {row: (kind, path, 2) for row, (kind, path, _) in live.LOADS.items()})
    monkeypatch.setattr(live, "IDLE", {row: (kind, path, 20) for row, (kind, path, _) in live.IDLE.items()})
    monkeypatch.setattr(live, "broadcast", SimpleNamespace(measure=partial(broadcast.measure, connections=10)))
    settings = Settings(["sanic_star", "starlette"], quick=True)
    settings.live_rounds, settings.idle_seconds, settings.broadcast_rounds = 1, 0.1, 1
    settings.core = settings.load_core = None
    result = {"environment": {"date": "", "python": "", "system": "", "processor": ""}, "live": live.measure(settings)}
    assert all(row["sanic_star"]["share"] > 0 for name, row in result["live"].items() if name != "broadcast")
    assert "failed" not in markdown(result)
    assert all(budget.value is not None for budget in budgets(result))


def test_a_page_with_a_wrong_link_is_a_fault() -> None:
    links = "".join(f'<a href="/customers/c7/orders/{order}">' for order in range(20))
    page = PAGE_CASES["page"]
    assert page.fault(0, 200, [], f"<title>7</title>{links}".encode()) is None
    for wrong in (f"<title>8</title>{links}", f"<title>7</title>{links[:-3]}", links):
        assert page.fault(0, 200, [], wrong.encode())


def test_quadratic_time_misses_its_budget() -> None:
    part = {"large_form": {"sanic_star": {"us": 400.0, "growth": 4.0}}}
    missed = {budget.title for budget in budgets({"large": part}) if budget.value and not budget.met}
    assert missed == {"10,000 form fields: time by that of half as much"}


def test_the_pictures_show_what_was_measured(tmp_path: Path) -> None:
    rows = {"raw": {"us": 1.25}, "sanic_star": {"us": 2500.0}, "starlette": {"error": "failed"}}
    tests = {name: {"sanic_star": {"cpu_us": 7.0}} for name in ("db_json", "db_single", "db_queries", "db_updates")}
    result = {"real": {"real_get": rows}, "database": {"SQLite": tests, "PostgreSQL": {"error": "not installed"}}}
    assert draw(result, tmp_path) == ["benchmarks-real.svg", "benchmarks-database.svg"]
    picture = ElementTree.parse(tmp_path / "benchmarks-real.svg")
    name = "{http://www.w3.org/2000/svg}%s"
    texts = [text.text for text in picture.iter(name % "text")]
    assert texts == ["raw ASGI app", "sanic_star", "Starlette", "a real GET: µs in process", "1.2", "2,500", "–"]
    bars = [bar.get("class") for bar in picture.iter(name % "rect")]
    assert bars == ["ground", "bar", "ours"]
    widths = [float(bar.get("width", 0)) for bar in picture.iter(name % "rect")]
    assert widths[1] < widths[2] < widths[0]
    heads = (tmp_path / "benchmarks-database.svg").read_text().count('class="head"')
    assert heads == 4


def test_the_pictures_are_readable_on_a_narrow_screen() -> None:
    wide = sorted((ROOT / "docs/assets").glob("benchmarks*.svg"))
    narrow = [path for path in wide if path.name.endswith("-narrow.svg")]
    assert {path.name for path in wide if path not in narrow} == {path.name.replace("-narrow", "") for path in narrow}
    for path in narrow:
        picture = ElementTree.parse(path).getroot()
        # The text of a page is about this wide where the screen is 390 px wide.
        assert float(picture.get("width", 0)) <= 340
        assert min(float(size) for size in re.findall(r"font: (\d+)px", path.read_text())) >= 11
    for path in wide:
        picture = ElementTree.parse(path).getroot()
        for text in picture.iter("{http://www.w3.org/2000/svg}text"):
            # At 12 px a bold letter is 7 px wide on average, and a plain one 6.2 px.
            length = len(text.text or "") * (7 if text.get("class") == "head" else 6.2)
            start = float(text.get("x", 0)) - (length if text.get("class") == "label" else 0)
            assert 0 <= start <= float(picture.get("width", 0)) - length, f"{path.name}: {text.text}"


@pytest.mark.parametrize("part", ["real", "served", "database", "templates", "streams", "large", "start", "live"])
def test_a_part_in_which_all_failed_is_written_and_misses_its_budgets(part: str) -> None:
    failure = {"error": "failed"}
    failed = dict.fromkeys(("sanic_star", "starlette", "sanic_server"), failure)
    cases: dict[str, dict[str, Any]] = {
        "real": dict.fromkeys(REAL_CASES, failed),
        "served": dict.fromkeys(REAL_CASES, failed),
        "database": {"SQLite": {"db_json": failed}, "PostgreSQL": {"error": "not installed"}},
        "templates": dict.fromkeys(PAGE_CASES, failed),
        "streams": dict.fromkeys(STREAM_CASES, failed),
        "large": {"large_in": failed},
        "start": failed,
        "live": {**dict.fromkeys((*live.LOADS, *live.IDLE), failed), "broadcast": dict.fromkeys(KINDS, failure)},
    }
    result = {"environment": {"date": "", "python": "", "system": "", "processor": ""}, part: cases[part]}
    assert "failed" in markdown(result)
    demanded = budgets(result)
    assert demanded
    assert not any(budget.met for budget in demanded)


def test_the_share_is_of_the_neighbours_and_a_server_that_fails_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first round warms up; in the second the machine is half as fast.
    costs = {"ours": iter([99.0, 10.0, 20.0, 10.0]), "theirs": iter([99.0, 20.0, 40.0, 25.0])}

    stalls = iter([False, True, True, False, False, True, False])  # two in a row are one too few to be out

    def load(server: Server, case: Any, seconds: int, settings: Any) -> Run:
        if server.port == 3 or (server.port == 2 and next(stalls)):
            raise LoadError("it broke")
        return Run(1, 1, next(costs["ours" if server.port == 1 else "theirs"]), 0)

    monkeypatch.setattr("benchmarks.blocks.load", load)
    monkeypatch.setattr("benchmarks.blocks.await_answer", lambda port, case: None)
    servers = {"ours": Server(1, 0), "broken": Server(3, 0), "theirs": Server(2, 0)}
    (rows,) = measure_blocks(servers, [CASES["text"]], Settings([]), "theirs", 3).values()
    assert rows["ours"] == {"cpu_us": 10.0, "rounds": [10.0, 20.0, 10.0], "share": 0.5}
    assert rows["theirs"]["share"] == 1
    assert rows["broken"] == {"error": "it broke"}


@pytest.fixture
def programs() -> Iterator[Path]:
    """A folder that an unprivileged user can read: as root, PostgreSQL is started by one."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def write_program(path: Path, lines: str) -> None:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")
@pytest.mark.parametrize("broken", ["initdb", "postgres"])
def test_a_postgresql_that_does_not_start_shows_its_log(programs: Path, broken: str) -> None:
    for name in ("initdb", "postgres", "pg_isready"):
        write_program(programs / name, "echo no room left >&2; exit 1" if name == broken else "exit 0")
    write_program(programs / "pg_isready", "exit 1")
    with pytest.raises(RuntimeError, match=f"^{broken}: no room left$"), postgres.cluster(programs):
        pass


def test_the_page_folds_long_tables() -> None:
    short = "| µs | text |\n| --- | ---: |\n" + "| Starlette | 8.5 |\n" * 5
    assert fold(short) == short
    titles = ("raw ASGI app", "**sanic_star**", "Starlette", "FastAPI", "Falcon", "BlackSheep")
    rows = "\n".join(f"| {title} | 2.7 | 3.1 (0.25) |" for title in titles)
    table = f"| µs a request | text | `/<id>` |\n| --- | ---: | ---: |\n{rows}"
    summary = "sanic_star, µs a request: text 2.7; <code>/&lt;id&gt;</code> 3.1 (0.25)"
    details = f'<details class="entries" markdown>\n<summary>{summary}</summary>\n\n{table}\n\n</details>\n'
    assert fold(f"## Alone\n\n{table}\n\n## Next\n") == f"## Alone\n\n{details}\n## Next\n"
    shares = "| µs with | **sanic_star** | share |\n| --- | ---: | ---: |\n| a mount | 1 | 0.9 |\n| none | 2 | – |"
    shares += "\n| a | 1 | 0.38 |" * 4
    assert "<summary>6 rows: share 0.38 to 0.9</summary>" in fold(shares)
    budget = "| budget | limit | measured | met |\n| --- | ---: | ---: | ---: |\n| text | ≤ 1 | 2 | **no** |"
    budget += "\n| json | ≤ 1 | 0.5 | yes |" * 6
    assert "<summary>7 budgets: 6 met, 1 missed</summary>" in fold(budget)
