"""Exceptions in the app, and breaches of the protocol."""

from typing import Any

import pytest
import requests
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from sanic_star.testing import TestClient
from tests.testing.apps import UsedClient, app_of


async def boom(request: Request) -> Response:
    raise KeyError("boom")


def test_the_apps_exception_comes_out(in_block: bool) -> None:
    with UsedClient(app_of(boom), in_block) as client:
        with pytest.raises(KeyError, match="boom"):
            client.get("/")
        with pytest.raises(KeyError, match="boom"):
            client.get("/", stream=True)


def test_or_becomes_the_response_that_a_server_would_send(in_block: bool) -> None:
    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("boom")

    with UsedClient(app_of(boom), in_block, raise_server_exceptions=False) as client:
        assert client.get("/").text == "Internal Server Error"
    with UsedClient(raw, in_block, raise_server_exceptions=False) as client:
        response = client.get("/")
        assert (response.status_code, response.content) == (500, b"")
        assert client.get("/", stream=True).status_code == 500


def test_an_exception_of_a_background_task_comes_out() -> None:
    def task() -> None:
        raise KeyError("late")

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("x", background=BackgroundTask(task))

    client = TestClient(app_of(endpoint))
    with pytest.raises(KeyError, match="late"):
        client.get("/")
    with pytest.raises(KeyError, match="late"), client.get("/", stream=True) as response:
        assert response.content == b"x"
    client.close()


START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


def with_length(length: int) -> dict[str, Any]:
    return {**START, "headers": [(b"content-length", b"%d" % length)]}


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "returned without starting a response"),
        ([START], "returned without completing its response"),
        ([START, START], "can't send 'http.response.start'"),
        ([{"type": "http.response.body"}], "can't send 'http.response.body'"),
        ([START, {"type": "http.response.body"}, {"type": "http.response.body"}], "can't send 'http.response.body'"),
        ([START, {"type": "http.response.pathsend", "path": "/"}], "can't send 'http.response.pathsend'"),
        ([with_length(1), {"type": "http.response.body", "body": b"ab"}], "longer than its Content-Length"),
        ([with_length(3), {"type": "http.response.body", "body": b"ab"}], "shorter than its Content-Length"),
    ],
)
def test_a_breach_of_the_protocol_is_an_error(messages: list[dict[str, Any]], complaint: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for message in messages:
                await send(message)

    client = TestClient(app)
    with pytest.raises(RuntimeError, match=complaint):
        client.get("/")
    client.close()


def test_a_304_may_have_the_content_length_of_the_missing_body() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({**with_length(3), "status": 304})
            await send({"type": "http.response.body"})

    client = TestClient(app)
    assert client.get("/").status_code == 304
    client.close()


def test_a_body_that_breaks_off_is_an_error_of_the_connection(in_block: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise KeyError("boom")

    with UsedClient(app, in_block, raise_server_exceptions=False) as client:
        with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
            client.get("/")
        assert isinstance(caught.value.__cause__, Exception)
        with (
            client.get("/", stream=True) as response,
            pytest.raises(requests.exceptions.ChunkedEncodingError) as caught,
        ):
            assert response.content
        assert isinstance(caught.value.__cause__, KeyError)
