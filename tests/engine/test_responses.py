"""The response that sends itself."""

import pytest
from starlette.background import BackgroundTask
from starlette.types import Message

from sanic_star.engine.responses import Response
from tests.engine.raw import ask, http_scope, websocket_scope


async def test_it_sends_head_and_body() -> None:
    peer = await ask(Response("hé", 201, {"X-A": "b"}, "text/plain"), http_scope())
    assert peer.status == 201
    assert peer.headers == {
        b"x-a": b"b",
        b"content-length": b"3",
        b"content-type": b"text/plain; charset=utf-8",
    }
    assert peer.body == "hé".encode()


async def test_it_refuses_a_handshake() -> None:
    peer = await ask(Response("no", 403), websocket_scope())
    assert [message["type"] for message in peer.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]


@pytest.mark.parametrize("fails", [False, True])
async def test_its_background_task_runs_after_the_body(fails: bool) -> None:
    seen: list[Message] = []

    async def task() -> None:
        seen.extend(peer_sent)
        if fails:
            raise KeyError

    peer_sent: list[Message] = []

    async def send(message: Message) -> None:
        peer_sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    response = Response("a", background=BackgroundTask(task))
    if fails:
        with pytest.raises(KeyError):
            await response(http_scope(), receive, send)
    else:
        await response(http_scope(), receive, send)
    assert [message["type"] for message in seen] == ["http.response.start", "http.response.body"]
