"""The Sanic part of the board: the whole application, its plain part, and that part on Sanic answer the same."""

import json
from typing import Any

import pytest
import requests

from .pages import Page
from .serving import TIMEOUT_S, Server, until

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def add(server: Server, title: str = "Water the plants", **fields: str) -> Any:
    """Add a task through the API."""
    response = server.request("POST", "/api/v1/tasks", json={"title": title, **fields})
    assert response.status_code == 201
    return response.json()


def test_the_page_is_html_that_loads_only_what_the_board_serves(anywhere: Server) -> None:
    response = anywhere.get("/")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert response.headers["Server-Timing"].startswith("board;dur=")
    page = Page(response.text)
    for url, tag in page.urls.items():
        if tag in {"link", "script", "img"}:
            asset = anywhere.get(url)
            assert asset.status_code == 200, url
            assert asset.headers["Content-Type"].split(";")[0] in {"text/css", "text/javascript", "image/svg+xml"}


def test_a_task_lives_from_post_to_delete(anywhere: Server) -> None:
    response = anywhere.request("POST", "/api/v1/tasks", json={"title": "  Feed the cat  "})
    task = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == task["url"] == f"/api/v1/tasks/{task['id']}"
    assert (task["title"], task["column"], task["author"], task["attachments"]) == ("Feed the cat", "todo", "guest", [])
    assert anywhere.get(task["url"]).json() == task

    moved = anywhere.request("PATCH", task["url"], json={"column": "done"}).json()
    assert moved == {**task, "column": "done"}
    renamed = anywhere.request("PATCH", task["url"], json={"title": "Feed the cats"}).json()
    assert renamed == {**moved, "title": "Feed the cats"}

    gone = anywhere.request("DELETE", task["url"])
    assert (gone.status_code, gone.content) == (204, b"")
    assert anywhere.get(task["url"]).status_code == 404
    assert anywhere.request("DELETE", task["url"]).status_code == 404
    assert anywhere.request("PATCH", task["url"], json={"column": "todo"}).status_code == 404


def test_version_one_lists_tasks_and_version_two_shows_columns(anywhere: Server) -> None:
    task = add(anywhere, column="doing")
    listed = anywhere.get("/api/v1/tasks", params={"column": "doing"}).json()
    assert listed[-1] == task
    assert {task["column"] for task in listed} == {"doing"}
    shown = anywhere.get("/api/v2/board").json()
    assert [column["key"] for column in shown["columns"]] == ["todo", "doing", "done"]
    assert shown["columns"][1]["tasks"] == listed
    assert shown["add_url"] == "/api/v1/tasks"
    assert anywhere.get("/api/v2/tasks").status_code == 404


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "truncated"),
        (b'{"title": ', "truncated"),
        (b"[]", "Expected `object`"),
        (b"{}", "required field `title`"),
        (b'{"title": 5}', "`$.title`"),
        (b'{"title": ""}', "length >= 1"),
        (b'{"title": "   "}', "`$.title`"),
        (json.dumps({"title": "x" * 121}).encode(), "length <= 120"),
        (b'{"title": "x", "column": "never"}', "`$.column`"),
        (b'{"title": "x", "colour": "red"}', "unknown field `colour`"),
    ],
)
def test_a_bad_body_is_refused_with_what_is_wrong(anywhere: Server, body: bytes, complaint: str) -> None:
    before = anywhere.get("/api/v1/tasks").json()
    response = anywhere.request("POST", "/api/v1/tasks", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert complaint in response.json()["message"]
    assert anywhere.get("/api/v1/tasks").json() == before


def test_an_unknown_column_is_refused(anywhere: Server) -> None:
    response = anywhere.get("/api/v1/tasks", params={"column": "never"})
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")
    assert "todo, doing, done" in response.json()["message"]


@pytest.mark.parametrize("name", ["notes.txt", "naïve résumé.pdf", "no extension"])
def test_an_attachment_is_downloaded_unchanged(anywhere: Server, name: str) -> None:
    task = add(anywhere)
    content = bytes(range(256)) * 4
    response = anywhere.request("POST", task["attachments_url"], files={"file": (name, content)})
    assert response.status_code == 201
    (attachment,) = response.json()["attachments"]
    assert (attachment["name"], attachment["size"]) == (name, 1024)
    assert anywhere.get(task["attachments_url"]).json() == [attachment]

    download = anywhere.get(attachment["url"])
    assert download.content == content
    assert download.headers["Content-Type"] == "application/octet-stream"
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    again = anywhere.get(attachment["url"], headers={"If-Modified-Since": download.headers["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")

    anywhere.request("DELETE", task["url"])
    assert anywhere.get(attachment["url"]).status_code == 404


def test_an_attachment_is_never_a_path(anywhere: Server) -> None:
    task = add(anywhere)
    response = anywhere.request("POST", task["attachments_url"], files={"file": ("../../up\\and/away.txt", b"x")})
    assert response.json()["attachments"][0]["name"] == ".._.._up_and_away.txt"


def test_bad_uploads_are_refused(anywhere: Server) -> None:
    task = add(anywhere)
    for options in ({"data": {"file": "no file"}}, {"files": {"other": ("x", b"x")}}, {"data": b"x"}, {}):
        assert anywhere.request("POST", task["attachments_url"], **options).status_code == 400
    large = anywhere.request("POST", task["attachments_url"], files={"file": ("x", b"x" * 5001)})
    assert (large.status_code, large.json()["message"]) == (413, "An attachment may have at most 5,000 bytes.")
    nowhere = anywhere.request("POST", "/api/v1/tasks/0/attachments", files={"file": ("x", b"x")})
    assert nowhere.status_code == 404
    assert anywhere.get(task["attachments_url"]).json() == []


@pytest.mark.parametrize(
    ("method", "path", "status", "phrase"),
    [
        ("GET", "/nowhere", 404, "Not Found"),
        ("GET", "/api/v1/tasks/0", 404, "Not Found"),
        ("GET", "/api/v1/tasks/none", 404, "Not Found"),
        ("POST", "/", 405, "Method Not Allowed"),
        ("DELETE", "/api/v1/tasks", 405, "Method Not Allowed"),
        ("GET", "/oops", 500, "Internal Server Error"),
    ],
)
def test_errors_are_pages_for_browsers_and_json_for_programs(
    anywhere: Server, method: str, path: str, status: int, phrase: str
) -> None:
    page = anywhere.request(method, path, headers=BROWSER)
    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{phrase}</h1>" in page.text
    assert 'href="/"' in page.text
    data = anywhere.request(method, path)
    assert (data.status_code, data.headers["Content-Type"]) == (status, "application/json")
    assert (data.json()["status"], data.json()["error"]) == (status, phrase)
    assert "on purpose" not in page.text + data.text
    for answer in (page, data):
        assert ("Allow" in answer.headers) == (status == 405)


def test_a_failure_is_logged_with_its_traceback(anywhere: Server) -> None:
    anywhere.get("/oops")
    # The log comes through a pipe, and may come after the answer.
    until(lambda: "RuntimeError: this page fails on purpose" in anywhere.log, anywhere)
    assert anywhere.get("/").status_code == 200


def test_the_websocket_sends_changes_and_chat_messages(anywhere: Server) -> None:
    with anywhere.socket("/live/feed") as first, anywhere.socket("/live/feed") as second:
        heard_by_one, heard_by_two = Ear(first), Ear(second)
        assert heard_by_two.until("people")["listening"] >= 2
        first.send("Good morning")
        expected = {"kind": "chat", "who": "guest", "text": "Good morning"}
        assert heard_by_one.until("chat") == heard_by_two.until("chat") == expected
        task = add(anywhere, "Call the plumber")
        event = {"kind": "task", "what": "added", "id": task["id"], "title": "Call the plumber"}
        assert heard_by_one.until("task") == heard_by_two.until("task") == event
        anywhere.request("PATCH", task["url"], json={"column": "done"})
        assert heard_by_one.until("task")["what"] == "moved"
        anywhere.request("POST", task["attachments_url"], files={"file": ("x", b"x")})
        assert heard_by_one.until("task")["what"] == "attached"
        anywhere.request("DELETE", task["url"])
        assert heard_by_one.until("task")["what"] == "deleted"
        second.close()
        assert heard_by_one.until("people")["listening"] >= 1


class Ear:
    """Listen to a websocket for messages of one kind."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def until(self, kind: str) -> Any:
        """Return the next message of that kind."""
        while True:
            message = json.loads(self._socket.recv(timeout=TIMEOUT_S))
            if message["kind"] == kind:
                return message


def test_the_ticker_ticks_and_ends_with_its_client(anywhere: Server) -> None:
    before = anywhere.log.count("a ticker has ended")
    with anywhere.get("/live/ticker", stream=True) as response:
        assert response.headers["Content-Type"].split(";")[0] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in response.headers
        ticks = events(response, 3)
    assert [tick["id"] for tick in ticks] == ["1", "2", "3"]
    assert {tick["event"] for tick in ticks} == {"tick"}
    assert json.loads(ticks[2]["data"])["uptime"] >= json.loads(ticks[0]["data"])["uptime"]
    until(lambda: anywhere.log.count("a ticker has ended") > before, anywhere)


def events(response: requests.Response, count: int) -> list[dict[str, str]]:
    """Read that many events that have a name off a stream of them."""
    events: list[dict[str, str]] = []
    event: dict[str, str] = {}
    for line in response.iter_lines(decode_unicode=True):
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        else:
            events += [event] if "event" in event else []
            event = {}
            if len(events) == count:
                break
    return events
