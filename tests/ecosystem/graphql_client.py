"""Shared helpers for the tests of GraphQL packages: requests, and the websocket protocols for subscriptions."""

from __future__ import annotations

import json
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.engine.processes import TIMEOUT_S


def ask(url: str, query: str, **fields: Any) -> tuple[int, Any]:
    """Send a document by POST, and return status and JSON."""
    response = requests.post(url, json={"query": query, **fields}, timeout=TIMEOUT_S)
    return response.status_code, response.json()


def page(url: str) -> requests.Response:
    """Request the address as a browser does."""
    return requests.get(url, headers={"accept": "text/html,*/*;q=0.8"}, timeout=TIMEOUT_S)


class Subscriptions:
    """A client of one websocket protocol: `graphql-transport-ws`, or `graphql-ws`, the older one.

    Args:
        socket: a connection for that protocol.
        protocol: the name of the protocol.
    """

    def __init__(self, socket: ClientConnection, protocol: str) -> None:
        self._start, self._next, self._stop = {
            "graphql-transport-ws": ("subscribe", "next", "complete"),
            "graphql-ws": ("start", "data", "stop"),
        }[protocol]
        self.socket = socket
        assert self.socket.subprotocol == protocol
        self.send(type="connection_init", payload={})
        assert self.receive()["type"] == "connection_ack"

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        """Wait for a message that is not a ping."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=TIMEOUT_S))
            if message["type"] not in ("ka", "ping"):
                return message

    def subscribe(self, identifier: str, query: str) -> None:
        """Begin a subscription."""
        self.send(id=identifier, type=self._start, payload={"query": query})

    def stop(self, identifier: str) -> None:
        """End a subscription."""
        self.send(id=identifier, type=self._stop)

    def next(self, identifier: str) -> Any:
        """Wait for the next value of a subscription."""
        message = self.receive()
        assert (message["type"], message["id"]) == (self._next, identifier), message
        return message["payload"]["data"]

    def until_next(self, identifier: str) -> None:
        """Wait for a value of a subscription; others may still send something."""
        while (message := self.receive())["id"] != identifier or message["type"] != self._next:
            pass

    def end(self, identifier: str) -> None:
        """Wait for the end of a subscription."""
        message = self.receive()
        assert (message["type"], message["id"]) == ("complete", identifier), message

    def refusal(self, identifier: str) -> Any:
        """Wait for the refusal of a subscription."""
        message = self.receive()
        assert (message["type"], message["id"]) == ("error", identifier), message
        return message["payload"]


def check(url: str, protocol: str, wait_for_log: Any) -> None:
    """Use a GraphQL application: queries, a mutation, bad input, and subscriptions.

    Args:
        url: its address.
        protocol: the websocket protocol that it speaks.
        wait_for_log: a function that waits until the server's log has a line.
    """
    assert ask(url, "{ hello }") == (200, {"data": {"hello": "hello you"}})
    document, variables = "query($name: String!) { hello(name: $name) }", {"name": "Ann"}
    assert ask(url, document, variables=variables) == (200, {"data": {"hello": "hello Ann"}})
    assert ask(url, 'mutation { rename(name: "Bob") }')[1] == {"data": {"rename": "Bob"}}
    for document, complaint in (
        ('mutation { rename(name: "") }', "a name has letters"),
        ("mutation { rename(name: 1) }", "1"),
        ("mutation { rename }", "name"),
        ("{ nothing }", "nothing"),
        ("{", "Syntax Error"),
    ):
        status, answer = ask(url, document)
        assert status in (200, 400)
        assert complaint in answer["errors"][0]["message"], (document, answer)
    for body in (b"{", b"[]"):
        response = requests.post(url, data=body, headers={"content-type": "application/json"}, timeout=TIMEOUT_S)
        assert 400 <= response.status_code < 500, (body, response.status_code)
    address, offered = url.replace("http", "ws", 1), [Subprotocol(protocol)]
    with connect(address, subprotocols=offered, open_timeout=TIMEOUT_S) as socket:
        client = Subscriptions(socket, protocol)
        client.subscribe("a", "subscription { count(upTo: 3) }")
        assert [client.next("a") for _ in range(3)] == [{"count": 1}, {"count": 2}, {"count": 3}]
        client.end("a")
        client.subscribe("b", "subscription { nothing }")
        assert "nothing" in json.dumps(client.refusal("b"))
        # One that the client ends, and one whose client leaves.
        client.subscribe("c", "subscription { count(upTo: 1000000) }")
        assert client.next("c") == {"count": 1}
        client.stop("c")
        wait_for_log("count of 1000000 is over")
        client.subscribe("d", "subscription { count(upTo: 2000000) }")
        client.until_next("d")
    wait_for_log("count of 2000000 is over")
