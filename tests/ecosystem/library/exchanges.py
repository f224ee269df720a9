"""The requests to the library, and the compared parts of its answers."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import requests

from tests.engine.processes import TIMEOUT_S

READER = {"origin": "https://reader.test"}
BRANCH = {"origin": "https://north.branch.test"}
EVIL = {"origin": "https://evil.test"}
COMPARED = {"allow", "content-type", "location", "vary", "x-total"}
# The values of these fields come from sets, so their order varies.
NAMES = {"access-control-allow-methods", "access-control-allow-headers", "access-control-expose-headers", "allow"}


def _preflight(origin: dict[str, str], method: str) -> dict[str, str]:
    return origin | {"access-control-request-method": method, "access-control-request-headers": "content-type"}


# Method, path, headers, body, and the status that the answer has to have.
EXCHANGES: list[tuple[str, str, dict[str, str], Any, int]] = [
    ("GET", "/books/", READER, None, 200),
    ("POST", "/books/", READER, {"title": "Emma", "pages": 474}, 201),
    ("POST", "/books/", {}, {"title": "Pérsuasion"}, 201),
    ("GET", "/books/1", BRANCH, None, 200),
    ("GET", "/books/?q=mm", EVIL, None, 200),
    ("PUT", "/books/1", {}, {"title": "Emma", "pages": 512}, 200),
    ("GET", "/books/1", {}, None, 200),
    ("DELETE", "/books/2", {}, None, 204),
    ("DELETE", "/books/2", READER, None, 404),
    ("GET", "/books/emma", READER, None, 404),
    ("PATCH", "/books/1", READER, None, 405),
    ("POST", "/books/", READER, b"{", 400),
    ("POST", "/books/", READER, b"\xff", 400),
    ("POST", "/books/", {}, [], 400),
    ("POST", "/books/", {}, {"title": 1}, 400),
    ("PUT", "/books/1", {}, {}, 400),
    ("POST", "/books/", READER, {"title": "Emma"}, 409),
    ("POST", "/books/", {}, {"title": "E" * 41}, 422),
    ("OPTIONS", "/books/", _preflight(READER, "POST"), None, 200),
    ("OPTIONS", "/books/1", _preflight(BRANCH, "PUT"), None, 200),
    ("OPTIONS", "/books/", _preflight(EVIL, "POST"), None, 200),
    ("GET", "/nosuch", READER, None, 404),
    ("GET", "/fails", READER, None, 500),
    ("POST", "/tasks", {}, None, 202),
]


def answers(base: str) -> list[tuple[int, dict[str, Any], Any]]:
    """Send all requests, one after the other, and return of each answer what is compared."""
    compared = []
    for method, path, headers, body, _ in EXCHANGES:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = headers if body is None else headers | {"content-type": "application/json"}
        answer = requests.request(method, base + path, headers=headers, data=data, timeout=TIMEOUT_S)
        kept = {
            name.lower(): sorted(value.lower().replace(" ", "").split(",")) if name.lower() in NAMES else value
            for name, value in answer.headers.items()
            if name.lower() in COMPARED or name.lower().startswith("access-control-")
        }
        if kept.get("content-type") == "None":
            # Sanic's way to say that there is none.
            del kept["content-type"]
        # JSON of Sanic has escapes for what is beyond ASCII.
        is_json = kept.get("content-type") == "application/json"
        compared.append((answer.status_code, kept, json.loads(answer.text) if is_json else answer.text))
    return compared


def conversation(base: str, transports: list[str]) -> list[Any]:
    """Talk to the library by Socket.IO, and return what was heard."""
    socketio = import_module("socketio")
    heard: list[Any] = []
    with socketio.SimpleClient() as client:
        client.connect(base, transports=transports, wait_timeout=TIMEOUT_S)
        heard.append(client.transport)
        client.emit("join", "readers")
        heard.append(client.receive(timeout=TIMEOUT_S))
        heard.append(client.call("suggest", f"by {'+'.join(transports)}", timeout=TIMEOUT_S))
        heard.append(client.receive(timeout=TIMEOUT_S))
        heard.append(client.call("count", timeout=TIMEOUT_S))
        client.emit("fail", "in an event")
        # It lives on.
        heard.append(client.call("count", timeout=TIMEOUT_S))
    refused = socketio.Client()
    try:
        refused.connect(base, auth={"token": "wrong"}, transports=transports, wait_timeout=TIMEOUT_S)
    except socketio.exceptions.ConnectionError:
        heard.append("refused")
    finally:
        refused.shutdown()
    return heard


def broadcast(base: str) -> list[Any]:
    """Let two readers hear of a book that somebody adds by HTTP, and one of them leave before the next."""
    socketio = import_module("socketio")
    heard: list[Any] = []
    with socketio.SimpleClient() as polling, socketio.SimpleClient() as websocket:
        for client, transport in ((polling, "polling"), (websocket, "websocket")):
            client.connect(base, transports=[transport], wait_timeout=TIMEOUT_S)
            client.emit("join", "readers")
            heard.append(client.receive(timeout=TIMEOUT_S))
        heard.append(polling.receive(timeout=TIMEOUT_S))
        for title in ("Heard of", "Heard of again"):
            requests.post(f"{base}/books/", json={"title": title}, timeout=TIMEOUT_S).raise_for_status()
            heard += [client.receive(timeout=TIMEOUT_S) for client in (polling, websocket) if client.connected]
            websocket.disconnect()
    return heard
