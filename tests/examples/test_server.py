"""The parts of the board from Starlette and other ASGI packages: static files, middleware, sessions, GraphQL."""

import json
import re
from typing import Any

import pytest
import requests

from .pages import Page
from .serving import TIMEOUT_S, Server


def ask(server: Server, query: str, **options: Any) -> Any:
    """Send a GraphQL document."""
    response = server.request("POST", "/graphql", json={"query": query}, allow_redirects=False, **options)
    return response.json()


def test_static_files_support_conditional_and_range_requests(board: Server) -> None:
    whole = board.get("/assets/board.css", headers={"Accept-Encoding": "identity"})
    assert whole.headers["Content-Type"].startswith("text/css")
    for again in (
        {"If-None-Match": whole.headers["ETag"]},
        {"If-Modified-Since": whole.headers["Last-Modified"]},
    ):
        unchanged = board.get("/assets/board.css", headers=again)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    part = board.get("/assets/board.css", headers={"Range": "bytes=2-9", "Accept-Encoding": "identity"})
    assert (part.status_code, part.content) == (206, whole.content[2:10])
    assert part.headers["Content-Range"] == f"bytes 2-9/{len(whole.content)}"
    beyond = board.get("/assets/board.css", headers={"Range": "bytes=9999999-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize(
    "path", ["/assets/nothing.css", "/assets/", "/assets/%2e%2e/server.py", "/assets/..%2fserver.py"]
)
def test_only_assets_are_served_as_assets(board: Server, path: str) -> None:
    assert board.get(path).status_code == 404


def test_large_responses_are_compressed_for_clients_that_accept_gzip(board: Server) -> None:
    packed = board.get("/")
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = board.get("/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert packed.text == plain.text
    assert "Content-Encoding" not in board.get("/session").headers


def test_other_origins_may_use_the_api(board: Server) -> None:
    asking = {"Origin": "http://elsewhere.example", "Access-Control-Request-Headers": "Content-Type"}
    preflight = board.request("OPTIONS", "/api/v1/tasks/1", headers=asking | {"Access-Control-Request-Method": "PATCH"})
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    answer = board.get("/api/v1/tasks", headers=asking)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    failure = board.get("/oops", headers=asking)
    assert (failure.status_code, failure.headers["Access-Control-Allow-Origin"]) == (500, "*")


def test_a_session_counts_visits_and_remembers_a_name(board: Server) -> None:
    with requests.Session() as visitor, requests.Session() as stranger:
        url = board.url("/session")
        assert visitor.get(url, timeout=TIMEOUT_S).json() == {"name": "guest", "visits": 0}
        assert not visitor.cookies
        for visits in (1, 2, 3):
            assert visitor.post(url, timeout=TIMEOUT_S).json() == {"name": "guest", "visits": visits}
        assert visitor.put(url, json={"name": " Ada "}, timeout=TIMEOUT_S).json() == {"name": "Ada", "visits": 3}
        assert stranger.post(url, timeout=TIMEOUT_S).json() == {"name": "guest", "visits": 1}
        task = visitor.post(board.url("/api/v1/tasks"), json={"title": "Write"}, timeout=TIMEOUT_S).json()
        assert task["author"] == "Ada"
        assert visitor.delete(url, timeout=TIMEOUT_S).json() == {"name": "guest", "visits": 0}
        assert not visitor.cookies


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": " "}, {"name": "x" * 31}, {"name": 1}, {"title": "x"}])
def test_an_invalid_name_is_refused(board: Server, body: Any) -> None:
    assert board.request("PUT", "/session", json=body).status_code == 400


def test_a_forged_session_is_ignored(board: Server) -> None:
    cookie = board.request("PUT", "/session", json={"name": "Ada"}).cookies["taskboard"]
    assert board.get("/session", cookies={"taskboard": cookie}).json()["name"] == "Ada"
    assert board.get("/session", cookies={"taskboard": "x" + cookie[1:]}).json()["name"] == "guest"


def test_the_websocket_has_the_name_of_the_visitor(board: Server) -> None:
    cookie = board.request("PUT", "/session", json={"name": "Ada"}).cookies["taskboard"]
    with board.socket("/live/feed", Cookie=f"taskboard={cookie}") as socket:
        socket.send("It's me")
        while (message := json.loads(socket.recv(timeout=TIMEOUT_S)))["kind"] != "chat":
            pass
        assert message == {"kind": "chat", "who": "Ada", "text": "It's me"}


def test_the_graphql_examples_of_the_page_work(board: Server) -> None:
    script = board.get("/assets/board.js").text
    examples = re.findall(r"""^    (query|mutation): (["'])(.*)\2,$""", script, re.MULTILINE)
    assert [name for name, _, _ in examples] == ["query", "mutation"]
    for _, _, document in examples:
        answer = ask(board, document.replace("\\n", "\n"))
        assert answer["data"]
        assert "errors" not in answer


def test_graphql_reads_and_changes_the_same_board(board: Server) -> None:
    cookie = board.request("PUT", "/session", json={"name": "Grace"}).cookies["taskboard"]
    added = ask(
        board,
        'mutation { addTask(title: "By GraphQL", column: doing) { task { id title column author attachments } } }',
        cookies={"taskboard": cookie},
    )
    task = added["data"]["addTask"]["task"]
    assert {**task, "id": 0} == {
        "id": 0, "title": "By GraphQL", "column": "doing", "author": "Grace", "attachments": [],
    }  # fmt: skip
    assert board.get(f"/api/v1/tasks/{task['id']}").json()["title"] == "By GraphQL"
    moved = ask(board, f"mutation {{ moveTask(id: {task['id']}, column: done) {{ task {{ column }} }} }}")
    assert moved == {"data": {"moveTask": {"task": {"column": "done"}}}}
    listed = ask(board, "{ tasks(column: done) { id } }")
    assert listed["data"]["tasks"][-1] == {"id": task["id"]}
    assert len(ask(board, "{ tasks { id } }")["data"]["tasks"]) == len(board.get("/api/v1/tasks").json())


def test_a_browser_gets_a_page_for_graphql(board: Server) -> None:
    for path in ("/graphql/", "/graphql"):
        response = board.get(path, headers={"Accept": "text/html"}, allow_redirects=False)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
        page = Page(response.text)
        assert page.links == {"graphql": "/graphql/"}
        # All that it loads comes from the board.
        assert "/assets/graphql.js" in page.urls
        for url in page.urls:
            assert url.startswith("/"), url
            assert board.get(url).status_code == 200, url
    assert board.request("DELETE", "/graphql/").status_code == 405


def test_graphql_takes_what_its_page_sends(board: Server) -> None:
    script = board.get("/assets/graphql.js").text
    (introspection,) = re.findall(r"INTROSPECTION = `(.*?)`", script, re.S)
    types = {kind["name"]: kind for kind in ask(board, introspection)["data"]["__schema"]["types"]}
    assert {"Task", "Column", "Query", "Mutation"} <= set(types)
    examples = script[script.index("const EXAMPLES") : script.index("const INTROSPECTION")]
    # A document of GraphQL, and its variables or nothing.
    pairs = re.findall(r'\[\s*"((?:[^"\\]|\\.)*)",\s*(?:""|\'(.*?)\'),?\s*\]', examples)
    assert len(pairs) == 3
    for document, variables in pairs:
        data = {"query": document.replace("\\n", "\n"), "variables": json.loads(variables or "null")}
        answer = board.request("POST", "/graphql/", json=data).json()
        assert "errors" not in answer, (document, answer)
        assert answer["data"]


def test_graphql_errors_have_messages(board: Server) -> None:
    for document, complaint in (
        ("{ nothing }", "Cannot query field 'nothing'"),
        ("{", "Syntax Error"),
        ('mutation { addTask(title: " ") { task { id } } }', "1 to 120 characters"),
        ("mutation { moveTask(id: 0, column: done) { task { id } } }", "no task 0"),
    ):
        assert complaint in ask(board, document)["errors"][0]["message"]


def test_graphql_changes_are_sent_to_the_websocket(board: Server) -> None:
    with board.socket("/live/feed") as socket:
        ask(board, 'mutation { addTask(title: "Seen by all") { task { id } } }')
        while (message := json.loads(socket.recv(timeout=TIMEOUT_S)))["kind"] != "task":
            pass
        assert (message["what"], message["title"]) == ("added", "Seen by all")
