"""``TestClient.websocket_connect``: handshake, messages, and every way in which a websocket ends."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from sanic_star.testing import TestClient, WebSocketDenialResponse
from tests.testing.apps import UsedClient


def using(endpoint: Any, in_block: bool, **kwargs: Any) -> UsedClient:
    return UsedClient(Starlette(routes=[WebSocketRoute("/{path:path}", endpoint)]), in_block, **kwargs)


def scripted(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        for message in messages:
            await send(message)

    return app


ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close", "code": 4000, "reason": "enough"}


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        await websocket.send({**message, "type": "websocket.send"})


def test_messages_of_each_kind(in_block: bool) -> None:
    with using(echo, in_block) as client, client.websocket_connect("/") as websocket:
        websocket.send_text("ä")
        assert websocket.receive_text() == "ä"
        websocket.send_bytes(b"\0")
        assert websocket.receive_bytes() == b"\0"
        websocket.send_json({"a": ["ä"]})
        assert websocket.receive_json() == {"a": ["ä"]}
        websocket.send_json([1], mode="binary")
        assert websocket.receive_json(mode="binary") == [1]
        websocket.send({"type": "websocket.receive", "text": "raw"})
        assert websocket.receive() == {"type": "websocket.send", "text": "raw"}


def test_text_for_bytes_and_bytes_for_text_raise(in_block: bool) -> None:
    with using(echo, in_block) as client, client.websocket_connect("/") as websocket:
        websocket.send_text("a")
        with pytest.raises(TypeError, match="sent text, not bytes"):
            websocket.receive_bytes()
        websocket.send_bytes(b"a")
        with pytest.raises(TypeError, match="sent bytes, not text"):
            websocket.receive_text()


@pytest.mark.parametrize(
    ("base_url", "url", "scheme", "host"),
    [
        ("http://testserver", "/a%2Fb?c=d", "ws", "testserver"),
        ("https://testserver", "/a%2Fb?c=d", "wss", "testserver"),
        ("http://testserver", "ws://other:81/a%2Fb?c=d", "ws", "other:81"),
        ("http://testserver", "wss://other/a%2Fb?c=d", "wss", "other"),
    ],
)
def test_the_handshake_reaches_the_app(base_url: str, url: str, scheme: str, host: str) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol=websocket.scope["subprotocols"][1], headers=[(b"x-c", b"d")])
        await websocket.send_json([websocket.scope["path"], websocket.scope["raw_path"].decode(), websocket.cookies])

    with using(endpoint, True, base_url=base_url, cookies={"a": "1"}) as client:
        kwargs: dict[str, Any] = {"headers": {"X-A": "b"}, "params": {"e": "f"}, "cookies": {"b": "2"}}
        with client.websocket_connect(url, ["one", "two"], **kwargs) as websocket:
            assert websocket.receive_json() == ["/a/b", "/a%2Fb", {"a": "1", "b": "2"}]
            assert websocket.accepted_subprotocol == "two"
            assert websocket.extra_headers == [(b"x-c", b"d")]
    headers = dict(websocket.scope["headers"])
    assert (websocket.scope["scheme"], headers[b"host"].decode()) == (scheme, host)
    assert websocket.scope["query_string"] == b"c=d&e=f"
    assert headers[b"x-a"] == b"b"
    assert headers[b"sec-websocket-protocol"] == b"one, two"
    assert headers[b"upgrade"] == b"websocket"


def test_cookies_of_the_handshake_are_kept() -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"set-cookie", b"a=1; Path=/")])

    with using(endpoint, False) as client:
        with client.websocket_connect("/"):
            pass
        assert client.cookies.get_dict() == {"a": "1"}


def test_two_websockets_talk_through_the_app(in_block: bool) -> None:
    sockets: list[WebSocket] = []

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets.append(websocket)
        async for text in websocket.iter_text():
            for socket in sockets:
                await socket.send_text(text)

    with (
        using(endpoint, in_block) as client,
        client.websocket_connect("/") as first,
        client.websocket_connect("/") as second,
    ):
        first.send_text("hello")
        assert first.receive_text() == second.receive_text() == "hello"


def test_an_endless_sender_is_paused(in_block: bool) -> None:
    sent: list[int] = []

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            sent.append(len(sent))
            await websocket.send_text(str(sent[-1]))

    with using(endpoint, in_block) as client, client.websocket_connect("/") as websocket:
        assert [websocket.receive_text() for _ in range(1_500)] == [str(number) for number in range(1_500)]
        assert len(sent) < 3_000


def test_a_receive_can_have_a_timeout(in_block: bool) -> None:
    with using(echo, in_block) as client, client.websocket_connect("/") as websocket:
        with pytest.raises(TimeoutError):
            websocket.receive_text(timeout=0.01)
        websocket.send_text("a")
        assert websocket.receive_text(timeout=60) == "a"


# How it ends


def test_the_app_closes(in_block: bool) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4000, "enough")

    with using(endpoint, in_block) as client:
        with client.websocket_connect("/") as websocket:
            for call in (websocket.receive_text, websocket.receive_text, lambda: websocket.send_text("a")):
                with pytest.raises(WebSocketDisconnect) as caught:
                    call()
                assert (caught.value.code, caught.value.reason) == (4000, "enough")
        with client.websocket_connect("/") as websocket:
            assert websocket.receive() == CLOSE


def test_the_app_receives_the_disconnect_after_its_own_close(in_block: bool) -> None:
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send(ACCEPT)
        await send(CLOSE)
        heard.append(await receive())

    client = TestClient(app)
    with client.websocket_connect("/") as websocket, pytest.raises(WebSocketDisconnect):
        websocket.receive_text()
    client.close()
    assert heard == [{"type": "websocket.disconnect", "code": 4000}]


def test_the_test_closes(in_block: bool) -> None:
    seen: list[tuple[int, str | None]] = []

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await websocket.receive_text()
        except WebSocketDisconnect as error:
            seen.append((error.code, error.reason))
        with pytest.raises(WebSocketDisconnect):
            await websocket.send_text("late")

    with using(endpoint, in_block) as client:
        with client.websocket_connect("/") as websocket:
            websocket.close(4001, "bye")
            with pytest.raises(WebSocketDisconnect):
                websocket.receive_text()
        with client.websocket_connect("/"):
            pass
    assert seen == [(4001, "bye"), (1000, "")]


def test_an_app_may_ignore_disconnects(in_block: bool) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()

    with using(endpoint, in_block) as client, client.websocket_connect("/"):
        pass


def test_the_app_returns_without_a_close(in_block: bool) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("a")

    with using(endpoint, in_block) as client, client.websocket_connect("/") as websocket:
        assert websocket.receive_text() == "a"
        with pytest.raises(WebSocketDisconnect) as caught:
            websocket.receive_text()
        assert caught.value.code == 1006


async def boom(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    raise KeyError("boom")


def test_the_apps_exception_comes_out(in_block: bool) -> None:
    with using(boom, in_block) as client:
        with client.websocket_connect("/") as websocket:
            websocket.send_text("a")
            with pytest.raises(KeyError, match="boom"):
                websocket.receive_text()
        with pytest.raises(KeyError, match="boom"), client.websocket_connect("/") as websocket:
            websocket.send_text("a")


def test_or_just_ends_the_websocket(in_block: bool) -> None:
    with (
        using(boom, in_block, raise_server_exceptions=False) as client,
        client.websocket_connect("/") as websocket,
    ):
        websocket.send_text("a")
        with pytest.raises(WebSocketDisconnect) as caught:
            websocket.receive_text()
        assert caught.value.code == 1006


def test_an_app_that_ignores_disconnects_runs_until_the_client_closes(
    in_block: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sanic_star.testing._asgi.conversation.LEAVE_GRACE_S", 0.01)
    ended: list[str] = []

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("finally")

    with using(endpoint, in_block) as client:
        with client.websocket_connect("/"):
            pass
        assert ended == []
    assert ended == ["finally"]


def test_closing_the_client_ends_the_websockets_that_are_open(in_block: bool) -> None:
    codes: list[int] = []

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        codes.append((await websocket.receive())["code"])

    with using(endpoint, in_block) as client:
        client.websocket_connect("/").__enter__()
    assert codes == [1012]


# Handshakes that fail


def test_a_close_before_the_accept_is_a_denial_with_its_code(in_block: bool) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.close(4003, "no")

    with using(endpoint, in_block) as client:
        with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect("/"):
            pass
        assert (caught.value.code, caught.value.reason, caught.value.response.status_code) == (4003, "no", 403)
        assert "403" in str(caught.value)
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
            pass


def test_a_denial_carries_the_response(in_block: bool) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.send_denial_response(PlainTextResponse("who?", status_code=401, headers={"X-A": "b"}))

    with using(endpoint, in_block) as client:
        with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect("/"):
            pass
        response = caught.value.response
        assert (response.status_code, response.text, response.headers["x-a"]) == (401, "who?", "b")
        assert response.url == "http://testserver/"


def test_an_exception_before_the_accept_comes_out_or_is_a_500() -> None:
    async def endpoint(websocket: WebSocket) -> None:
        raise KeyError("boom")

    with using(endpoint, False) as client, pytest.raises(KeyError, match="boom"), client.websocket_connect("/"):
        pass
    with (
        using(endpoint, False, raise_server_exceptions=False) as client,
        pytest.raises(WebSocketDenialResponse) as caught,
        client.websocket_connect("/"),
    ):
        pass
    assert caught.value.response.status_code == 500


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "without accepting or denying"),
        ([{"type": "websocket.send", "text": "a"}], "can't send 'websocket.send' when its websocket is connecting"),
        ([{"type": "websocket.http.response.start", "status": 403}], "without accepting or denying"),
        ([{"type": "websocket.http.response.start", "status": 403}, ACCEPT], "when its websocket is denying"),
    ],
)
def test_a_breach_of_the_protocol_in_the_handshake(messages: list[Message], complaint: str) -> None:
    client = TestClient(scripted(*messages))
    with pytest.raises(RuntimeError, match=complaint), client.websocket_connect("/"):
        pass
    client.close()


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([ACCEPT, ACCEPT], "when its websocket is open"),
        ([ACCEPT, CLOSE, CLOSE], "when its websocket is closed"),
    ],
)
def test_a_later_protocol_error(messages: list[Message], complaint: str) -> None:
    client = TestClient(scripted(*messages))
    with pytest.raises(RuntimeError, match=complaint), client.websocket_connect("/"):
        pass
    client.close()


def test_a_denial_in_parts() -> None:
    start: Message = {"type": "websocket.http.response.start", "status": 403, "headers": [(b"a", b"b")]}
    body: Message = {"type": "websocket.http.response.body"}
    client = TestClient(scripted(start, {**body, "body": b"n", "more_body": True}, {**body, "body": b"o"}))
    with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect("/"):
        pass
    client.close()
    assert caught.value.response.text == "no"
