"""The harness itself: it finds differences, reads the wire strictly, and fails clearly."""

from dataclasses import replace

import pytest

from tests.parity import frameworks
from tests.parity.case import Case, for_sanic_star
from tests.parity.compare import case_differences, differences
from tests.parity.conftest import Reference
from tests.parity.frameworks import CaseError, Framework
from tests.parity.inprocess import InProcess
from tests.parity.wire import Answer, get, parse_answers, part, post


def made(source: str, fails: bool = False) -> Case:
    return Case(f"made {hash((source, fails))}", "harness", source, (get("/"),), fails=fails)


def answering(expression: str, fails: bool = False) -> Case:
    return made(f'@app.get("/")\nasync def a(request): return {expression}\n', fails)


@pytest.mark.parametrize(
    ("source", "rewritten"),
    [
        ("from sanic import Sanic", "from sanic_star import Sanic"),
        ("    from sanic.exceptions import NotFound", "    from sanic_star.compat.exceptions import NotFound"),
        ("from sanic.response.types import (\n    A,\n)", "from sanic_star.compat.response.types import (\n    A,\n)"),
        ("import sanic", "import sanic_star as sanic"),
        ("from sanic_ext import Extend", "from sanic_ext import Extend"),
        ("from mysanic import x", "from mysanic import x"),
    ],
)
def test_imports_are_rewritten(source: str, rewritten: str) -> None:
    assert for_sanic_star(source) == rewritten


@pytest.mark.parametrize(
    ("received", "answers"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nbody", [Answer(200, (("x-a", "b"),), b"body")]),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n", [Answer(204)]),
        (b"HTTP/1.1 204 No\r\n\r\nbody", [Answer(204, (), b"body", "a body where none may be")]),
        (b"", [Answer(0, note="no answer: the connection was refused or closed")]),
        (b"nonsense", [Answer(0, (), b"nonsense", "this is no HTTP answer")]),
    ],
)
def test_answers_are_read_strictly(received: bytes, answers: list[Answer]) -> None:
    assert parse_answers(received, ["GET"]) == answers


@pytest.mark.parametrize(
    ("length", "note"),
    [
        (b"4", ""),
        (b"5", "the body is shorter than its content-length"),
        (b"3", "the body is longer than its content-length"),
    ],
)
def test_lengths_are_checked(length: bytes, note: str) -> None:
    [answer] = parse_answers(b"HTTP/1.1 200 OK\r\ncontent-length: " + length + b"\r\n\r\nbody", ["GET"])
    assert answer.note == note


def test_chunks_and_several_answers_are_read() -> None:
    received = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    answers = parse_answers(received + b"HTTP/1.1 404 No\r\ncontent-length: 1\r\n\r\nx", ["GET", "GET"])
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"abc"), (404, b"x")]
    assert parse_answers(received[:-5], ["GET"])[0].note == "the last chunk is missing"


def test_requests_go_out_as_written() -> None:
    assert get("/ä%zz", {"X-A": "é", "host": None}).chunks == (
        b"GET /\xc3\xa4%zz HTTP/1.1\r\nconnection: close\r\nX-A: \xe9\r\n\r\n",
    )
    assert post("/", body=[b"one", b"2"]).chunks[0].endswith(b"\r\n\r\n3\r\none\r\n1\r\n2\r\n0\r\n\r\n")
    assert part("a", "b", "c.txt") == b'content-disposition: form-data; name="a"; filename="c.txt"\r\n\r\nb\r\n'


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        (Answer(200), Answer(404), "status"),
        (Answer(200, (("x-a", "1"),)), Answer(200, (("x-a", "2"),)), "x-a: 2"),
        (Answer(200, (("a", "1"), ("a", "2"))), Answer(200, (("a", "2"), ("a", "1"))), "header"),
        (Answer(200, body=b"1"), Answer(200, body=b"2"), "- 1"),
        (Answer(200), Answer(200, note="bad"), "bad"),
    ],
)
def test_differences_are_seen(first: Answer, second: Answer, seen: str) -> None:
    assert seen in "\n".join(differences("GET /", first, second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Answer(200, (("a", "1"), ("b", "2"))), Answer(200, (("b", "2"), ("a", "1")))),
        (Answer(405, (("allow", "GET, HEAD"),)), Answer(405, (("allow", "HEAD, GET"),))),
        (Answer(200, (("date", "x"), ("content-type", "None"))), Answer(200, (("server", "y"),))),
    ],
)
def test_server_specific_details_are_no_difference(first: Answer, second: Answer) -> None:
    assert differences("GET /", first, second) == []


def test_an_error_page_has_to_show_title_and_message() -> None:
    headers = (("content-type", "text/html; charset=utf-8"),)
    page = Answer(404, headers, "<h1>⚠️ 404 — Not Found</h1><p>&lt;b> is not here<p><a>".encode())
    assert differences("GET /", page, Answer(404, headers, "404 — Not Found: &lt;b&gt; is not here".encode())) == []
    assert differences("GET /", page, Answer(404, headers, b"something else"))


def test_other_sources_give_other_answers(reference: Reference) -> None:
    one, other = answering('text("one")'), answering('text("two")')
    assert case_differences(one, reference(one), reference(one)) == []
    assert "    + two" in case_differences(one, reference(one), reference(other))


def test_a_mistake_in_a_source_is_not_a_refusal(reference: Reference) -> None:
    with pytest.raises(CaseError, match="NameError: name 'nosuch'"):
        reference(made("nosuch()"))
    with pytest.raises(CaseError, match="should fail and does not"):
        reference(answering("None", fails=True))


def test_a_hanging_worker_is_reported_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frameworks, "STEP_SECONDS", 0.2)
    hangs = made('import time\n@app.get("/")\nasync def a(request): time.sleep(60)\n')
    with Framework("sanic") as framework:
        assert framework.play(hangs)[0] == [Answer(0, note="no complete answer within 0.2 s")]
        monkeypatch.undo()
        assert framework.play(answering('text("alive")'))[0][0].body == b"alive"


TELLS = """
@app.get("/")
async def a(request):
    event("one")
    logging.getLogger("sanic.root").info("two")
    event("three")
    return text("")
@app.before_server_stop
async def b(app): event("stopping")
"""


def test_events_and_log_records_keep_their_order(star: Framework, in_process: InProcess) -> None:
    case = replace(made("import logging\n" + TELLS), stops=True)
    for framework in (star, in_process):
        *_, [answer] = framework.play(case)
        assert answer.body.decode().splitlines() == [
            "event one",
            "sanic.root INFO two",
            "event three",
            "event stopping",
        ]


def test_another_order_of_events_is_a_difference(in_process: InProcess) -> None:
    case = made("import logging\n" + TELLS)
    other = made("import logging\n" + TELLS.replace("one", "three", 1))
    assert case_differences(case, in_process.play(case), in_process.play(other))[0] == "events and log"


def test_the_log_alone_may_differ(in_process: InProcess) -> None:
    case = replace(made("import logging\n" + TELLS), log_differs="why")
    silent = made("import logging\n" + TELLS.replace(".info", ".debug"))
    eventless = made("import logging\n" + TELLS.replace('event("three")', ""))
    answers = in_process.play(case)
    assert case_differences(case, answers, in_process.play(silent)) == []
    assert case_differences(case, answers, in_process.play(eventless)) != []


def test_json_is_compared_by_its_data() -> None:
    headers = (("content-type", "application/json"),)
    one, other = (
        Answer(200, headers, b'{"a":"\\u00fc","b":1e+22}'),
        Answer(200, headers, '{"a":"ü","b":1e22}'.encode()),
    )
    assert differences("GET /", one, other) == []
    assert differences("GET /", one, other, exact=True)
    for body in (b'{"b":1e22,"a":"\\u00fc"}', b'{"a":"\\u00fc","b":10000000000000000000000}', b"not json"):
        assert differences("GET /", one, Answer(200, headers, body))
