"""The chat: in process, and in a browser that reconnects after a restart of the server."""

import base64
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.chat.server import create_app
from sanic_star.testing import TestClient
from tests.engine.processes import Process, free_port

from .browser import browser

ROOM = "/rooms/garden"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestClient]:
    monkeypatch.setenv("CHAT_HISTORY", str(tmp_path / "chat.db"))
    monkeypatch.setenv("CHAT_AUTO_EXTEND", "false")
    with TestClient(create_app()) as client:
        yield client


def of_kind(websocket: Any, kind: str) -> dict[str, Any]:
    """Return the next message of a kind."""
    while (message := json.loads(websocket.receive_text()))["kind"] != kind:
        pass
    return dict(message)


def test_two_people_talk(client: TestClient) -> None:
    with client.websocket_connect(f"{ROOM}/ws") as ada:
        assert of_kind(ada, "presence")["count"] == 1
        with client.websocket_connect(f"{ROOM}/ws") as ben:
            assert of_kind(ben, "presence")["count"] == of_kind(ada, "presence")["count"] == 2
            ben.send_text(json.dumps({"name": " Ben ", "text": "Hello"}))
            heard = of_kind(ada, "message")
            assert heard == of_kind(ben, "message")
            assert (heard["id"], heard["name"], heard["text"]) == (1, "Ben", "Hello")
        assert of_kind(ada, "presence")["count"] == 1
    assert client.get(f"{ROOM}/messages").json() == [heard]
    assert client.get("/rooms/kitchen/messages").json() == []


def test_a_returning_client_gets_the_missed_messages(client: TestClient) -> None:
    for text in ("one", "two", "three"):
        assert client.post(f"{ROOM}/messages", json={"name": "Ada", "text": text}).status_code == 201
    with client.websocket_connect(f"{ROOM}/ws?after=1") as websocket:
        assert [of_kind(websocket, "message")["text"] for _ in range(2)] == ["two", "three"]
    assert [message["text"] for message in client.get(f"{ROOM}/messages?after=2").json()] == ["three"]


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "1"}, {}])
def test_events_are_the_fallback(client: TestClient, headers: dict[str, str]) -> None:
    for text in ("one", "two"):
        client.post(f"{ROOM}/messages", json={"name": "Ada", "text": text})
    expected = ["two"] if headers else ["one", "two"]
    with client.get(f"{ROOM}/events", headers=headers, stream=True) as response:
        lines = (line.partition(": ") for line in response.iter_lines(decode_unicode=True))
        events = (json.loads(value) for field, _, value in lines if field == "data")
        heard = list[str]()
        for event in events:
            if event["kind"] == "message":
                heard.append(event["text"])
            if len(heard) == len(expected):
                client.post(f"{ROOM}/messages", json={"name": "Ada", "text": "live"})
            if heard and heard[-1] == "live":
                break
    assert heard == [*expected, "live"]


BAD = [
    {"name": "Ada"},
    {"text": "x"},
    {"name": "", "text": "x"},
    {"name": "Ada", "text": "   "},
    {"name": "A" * 41, "text": "x"},
    {"name": "Ada", "text": "x" * 2001},
    {"name": 1, "text": "x"},
    {"name": "Ada", "text": "\ud800"},
    [],
    None,
    "text",
]


@pytest.mark.parametrize("content", BAD)
def test_invalid_chat_messages_are_refused(client: TestClient, content: Any) -> None:
    assert client.post(f"{ROOM}/messages", data=json.dumps(content)).status_code == 400
    with client.websocket_connect(f"{ROOM}/ws") as websocket:
        websocket.send_text(json.dumps(content))
        assert of_kind(websocket, "refused")
        websocket.send_text("{")
        assert of_kind(websocket, "refused")
        websocket.send_bytes(b"\xff")
        assert of_kind(websocket, "refused")
    assert client.get(f"{ROOM}/messages").json() == []


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "²", "9" * 19, "1" * 5000])
def test_invalid_message_ids_are_refused(client: TestClient, after: str) -> None:
    assert client.get(f"{ROOM}/messages", params={"after": after}).status_code == 400


def test_a_room_keeps_its_last_messages(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.chat.history._MESSAGES_PER_ROOM", 2)
    for text in "abcd":
        client.post(f"{ROOM}/messages", json={"name": "Ada", "text": text})
    assert [message["text"] for message in client.get(f"{ROOM}/messages").json()] == ["c", "d"]


def test_the_page_loads_nothing_from_other_hosts(client: TestClient) -> None:
    page = client.get(f"{ROOM}/")
    assert page.headers["content-security-policy"] == "default-src 'self'"
    for path in ("/", f"{ROOM}/", "/assets/chat.js", "/assets/chat.css"):
        assert "//" not in client.get(path).text.replace("// ", "")


def start(folder: Path, port: int) -> Process:
    """Start the chat, and wait until it listens."""
    command = (sys.executable, "-m", "sanic_star", "examples.chat.server:app", "--port", str(port))
    process = Process(command, folder)
    process.until(lambda: "Listening on" in process.log or None)
    return process


@pytest.mark.parametrize(
    ("query", "status"), [("", "connected by websocket"), ("?transport=events", "connected by events")]
)
def test_a_browser_connects_again(query: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_HISTORY", str(tmp_path / "chat.db"))
    monkeypatch.setenv("CHAT_AUTO_EXTEND", "false")
    port = free_port()
    with browser(tmp_path / "profile") as page:
        server = start(tmp_path, port)
        try:
            is_connected = f"document.getElementById('status')?.innerText === '{status}'"
            page.call("Page.navigate", url=f"http://127.0.0.1:{port}{ROOM}/{query}")
            page.until(is_connected)
            page.evaluate("name = 'Ada'; element('name').value = 'Ada'; element('text').value = '<b>first</b>'")
            page.evaluate("element('form').requestSubmit()")
            page.until("element('messages').innerText.includes('<b>first</b>')")
            assert page.until("element('present').innerText") == "1"
            server.popen.send_signal(signal.SIGTERM)
            server.popen.wait(60)
            page.until("element('status').innerText === 'reconnecting'")
            server = start(tmp_path, port)
            page.until(is_connected)
            page.evaluate("element('text').value = 'second'; element('form').requestSubmit()")
            page.until("element('messages').innerText.includes('second')")
            assert page.evaluate("element('messages').children.length") == 2
            if "CHAT_SCREENSHOTS" in os.environ:
                shot = base64.b64decode(page.call("Page.captureScreenshot")["data"])
                Path(os.environ["CHAT_SCREENSHOTS"], f"chat{len(query)}.png").write_bytes(shot)
        finally:
            server.popen.send_signal(signal.SIGTERM)
            server.popen.wait(60)
    assert "Traceback" not in server.log
