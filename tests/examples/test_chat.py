"""The chat: in process, and in a browser that reconnects after a restart of the server."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.websockets import WebSocketDisconnect

from examples.chat.history import History
from examples.chat.server import create_app, read_messages
from sanic_star import Hub
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
        websocket.send_text("[" * 100_000)
        assert of_kind(websocket, "refused")
    assert client.get(f"{ROOM}/messages").json() == []


INVALID_IDS = ["x", "-1", "1.5", "²", "9" * 19, "1" * 5000, "0" * 20 + "9" * 22, "0" * 5000, "0" * 20 + "x"]


@pytest.mark.parametrize("after", INVALID_IDS)
def test_invalid_message_ids_are_refused(client: TestClient, after: str) -> None:
    for path in ("messages", "events"):
        assert client.get(f"{ROOM}/{path}", params={"after": after}).status_code == 400
    assert client.get(f"{ROOM}/events", headers={"Last-Event-ID": after.encode()}).status_code == 400
    url = f"{ROOM}/ws?{urlencode({'after': after})}"
    with client.websocket_connect(url) as websocket, pytest.raises(WebSocketDisconnect) as closed:
        websocket.receive_text()
    assert (closed.value.code, closed.value.reason) == (4400, "after: the id of a message")


def test_valid_message_ids(client: TestClient) -> None:
    for after in ("", "0", "0000", str(2**63 - 1)):
        assert client.get(f"{ROOM}/messages", params={"after": after}).json() == []


@pytest.mark.parametrize("path", ["ws", "events"])
def test_new_messages_wait_until_the_history_is_sent(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for text in "ab":
        client.post(f"{ROOM}/messages", json={"name": "Ada", "text": text})
    read_history = History.after

    async def read_and_publish(history: History, room: str, number: int) -> list[dict[str, Any]]:
        stored = await read_history(history, room, number)
        monkeypatch.undo()
        message, previous = await history.add(room, "Ada", "c")
        app: Any = client.app
        await app.ctx.hub.publish(room, message | {"previous": previous})
        return stored

    monkeypatch.setattr(History, "after", read_and_publish)
    if path == "ws":
        with client.websocket_connect(f"{ROOM}/ws") as websocket:
            texts = [of_kind(websocket, "message")["text"] for _ in range(3)]
    else:
        with client.get(f"{ROOM}/events", stream=True) as response:
            lines = (line for line in response.iter_lines(decode_unicode=True) if '"text"' in line)
            texts = [json.loads(next(lines).partition(": ")[2])["text"] for _ in range(3)]
    assert texts == ["a", "b", "c"]


@pytest.mark.parametrize("published", [[3, 4, 5], [5, 4, 3], [4, 3, 5], [5], [3, 5], [3, 3, 5, 5, 4]])
async def test_messages_are_in_the_order_of_their_ids(tmp_path: Path, published: list[int]) -> None:
    hub, history = Hub(), History(str(tmp_path / "chat.db"))
    request: Any = SimpleNamespace(app=SimpleNamespace(ctx=SimpleNamespace(hub=hub, history=history)))
    await history.add("garden", "Ada", "1")
    await history.add("kitchen", "Ada", "2")
    async with asyncio.timeout(60), aclosing(read_messages(request, "garden", 0)) as messages:
        assert (await anext(messages))["kind"] == "message"
        reader = asyncio.create_task(anext(messages))
        added = {number: await history.add("garden", "Ada", str(number)) for number in (3, 4, 5)}
        for number in published:
            message, previous = added[number]
            await hub.publish("garden", message | {"previous": previous})
        assert (await reader)["kind"] == "presence"
        assert [await anext(messages) for _ in range(3)] == [message for message, _ in added.values()]
        # More messages than the queue holds: the history has those that were dropped.
        for number in range(6, 206):
            message, previous = await history.add("garden", "Ada", str(number))
            await hub.publish("garden", message | {"previous": previous})
        assert [(await anext(messages))["id"] for _ in range(200)] == list(range(6, 206))
    history.close()


def test_clients_that_post_at_once_lose_nothing(client: TestClient) -> None:
    with client.websocket_connect(f"{ROOM}/ws") as websocket, ThreadPoolExecutor(8) as pool:
        for _ in pool.map(
            lambda number: client.post(f"{ROOM}/messages", json={"name": "Ada", "text": str(number)}), range(60)
        ):
            pass
        assert [of_kind(websocket, "message")["id"] for _ in range(60)] == list(range(1, 61))


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
            if not query:
                # A refused URL is not requested again.
                page.evaluate("timers = 0; setTimeout = () => { timers++ }; lastId = 'x'; connect()")
                page.until("element('status').innerText === 'refused: after: the id of a message'")
                assert page.evaluate("timers") == 0
            if "CHAT_SCREENSHOTS" in os.environ:
                shot = base64.b64decode(page.call("Page.captureScreenshot")["data"])
                Path(os.environ["CHAT_SCREENSHOTS"], f"chat{len(query)}.png").write_bytes(shot)
        finally:
            server.popen.send_signal(signal.SIGTERM)
            server.popen.wait(60)
    assert "Traceback" not in server.log
