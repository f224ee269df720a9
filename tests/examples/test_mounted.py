"""The board below a prefix: mounted in another application, or behind a proxy that adds one."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .pages import Page
from .serving import TIMEOUT_S, Server, serve_board
from .test_lifecycle import PHASES, STOP_LIMIT_S

OUTER = "tests.examples.outer"
PLACES = {
    "starlette": ("/board", ("--factory",), f"{OUTER}:in_starlette"),
    "fastapi": ("/board", ("--factory",), f"{OUTER}:in_fastapi"),
    "deep": ("/a/b/board", ("--factory",), f"{OUTER}:in_nested_mounts"),
    "proxied": ("/desk", ("--root-path", "/desk"), "examples.taskboard.server:app"),
}


def serve_at(place: str, folder: Any) -> Any:
    """Serve the board at one of the places."""
    _, options, app = PLACES[place]
    return serve_board(folder, *options, app=app)


@pytest.fixture(scope="module", params=PLACES)
def mounted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the board below a prefix; the paths that tests ask for are the browser's."""
    with serve_at(request.param, tmp_path_factory.mktemp(request.param)) as server:
        server.prefix = PLACES[request.param][0]
        server.behind_proxy = request.param == "proxied"
        yield server


def test_every_link_of_the_page_begins_with_the_prefix_and_leads_somewhere(mounted: Server) -> None:
    page = Page(mounted.get("/").text)
    assert {"board", "feed", "ticker", "session", "graphql"} == set(page.links)
    for url in [*page.urls, *page.links.values()]:
        assert url.startswith(("#", f"{mounted.prefix}/")), url
    expected = {f"{mounted.prefix}/api/v1/tasks/0": 404, f"{mounted.prefix}/oops": 500}
    for url in page.urls:
        if not url.startswith("#"):
            assert mounted.get(url).status_code == expected.get(url, 200), url


def test_every_link_of_the_api_works(mounted: Server) -> None:
    shown = mounted.get("/api/v2/board").json()
    task = mounted.request("POST", shown["add_url"], json={"title": "Here"}).json()
    assert task["url"] == f"{mounted.prefix}/api/v1/tasks/{task['id']}"
    (file,) = mounted.request("POST", task["attachments_url"], files={"file": ("a.txt", b"abc")}).json()["attachments"]
    assert mounted.get(file["url"]).content == b"abc"
    assert mounted.request("DELETE", task["url"]).status_code == 204


def test_applications_mounted_in_the_board_work(mounted: Server) -> None:
    links = Page(mounted.get("/").text).links
    answer = mounted.request("POST", links["graphql"], json={"query": "{ tasks { id } }"}, allow_redirects=False)
    assert answer.json()["data"]["tasks"]
    bare = mounted.request("POST", "/graphql", json={"query": "{ tasks { id } }"}, allow_redirects=False)
    assert bare.json() == answer.json()
    page = Page(mounted.get("/graphql/").text)
    assert page.links == {"graphql": links["graphql"]}
    assert {mounted.get(url).status_code for url in page.urls} == {200}
    assert mounted.get("/assets/board.js").headers["Content-Type"].startswith("text/javascript")
    assert mounted.get("/assets/none.js").status_code == 404


def test_live_feeds_and_sessions_work(mounted: Server) -> None:
    cookie = mounted.request("PUT", "/session", json={"name": "Ada"}).cookies["taskboard"]
    with mounted.socket("/live/feed", Cookie=f"taskboard={cookie}") as socket:
        socket.send("Hello")
        while (message := json.loads(socket.recv(timeout=TIMEOUT_S)))["kind"] != "chat":
            pass
        assert message["who"] == "Ada"
    with mounted.get("/live/ticker", stream=True) as ticker:
        assert next(ticker.iter_lines()) == b"retry: 1000"


def test_errors_have_the_pages_of_the_board(mounted: Server) -> None:
    for path, status in (("/nowhere", 404), ("/oops", 500)):
        answer = mounted.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status
        assert f'href="{mounted.prefix}/"' in answer.text


@pytest.mark.parametrize("place", ["starlette", "fastapi"])
def test_listeners_run_once_under_concurrent_first_requests(tmp_path: Any, place: str) -> None:
    with serve_at(place, tmp_path) as server:
        assert server.get("/").text == "outside"
        ask: Callable[[int], int] = lambda _: server.get("/board/api/v1/tasks").status_code  # noqa: E731
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(ask, range(64))) == {200}
        with server.socket("/board/live/feed") as socket, server.get("/board/live/ticker", stream=True):
            socket.recv(timeout=TIMEOUT_S)
            took = server.stop()
    assert took < STOP_LIMIT_S
    assert server.order_of(*PHASES) == PHASES
    for line in PHASES:
        assert server.log.count(line) == 1
