"""Start and stop of the app under test: tolerated and reported errors."""

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.testing import TestClient


def app_with(lifespan: Any) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    return app


def both_ways(app: ASGIApp) -> None:
    with TestClient(app) as client:
        assert client.get("/").status_code == 204
    client = TestClient(app)
    assert client.get("/").status_code == 204
    client.close()


async def raises(receive: Receive, send: Send) -> None:
    raise ValueError("lifespan? never heard of it")


async def returns(receive: Receive, send: Send) -> None:
    return


async def returns_after_start(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def listens_for_ever(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})


@pytest.mark.parametrize("lifespan", [raises, returns, returns_after_start, listens_for_ever])
def test_tolerated(lifespan: Any) -> None:
    both_ways(app_with(lifespan))


async def start_raises(receive: Receive, send: Send) -> None:
    await receive()
    raise KeyError("the app's own")


async def start_fails_and_raises(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "traceback"})
    raise KeyError("the app's own")


async def start_fails(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "the app's own"})


async def start_fails_in_silence(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed"})


async def start_is_nonsense(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.begun"})


@pytest.mark.parametrize(
    ("lifespan", "kind", "message"),
    [
        (start_raises, KeyError, "the app's own"),
        (start_fails_and_raises, KeyError, "the app's own"),
        (start_fails, RuntimeError, "the app's own"),
        (start_fails_in_silence, RuntimeError, r"the application sent lifespan\.startup\.failed"),
        (start_is_nonsense, RuntimeError, r"can't send 'lifespan\.begun'"),
    ],
)
def test_a_start_that_fails_is_loud(lifespan: Any, kind: type[Exception], message: str) -> None:
    client = TestClient(app_with(lifespan))
    for _ in range(2):
        with pytest.raises(kind, match=message):
            client.get("/")
    with pytest.raises(kind, match=message), client:
        pass


async def stop_raises(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise KeyError("the app's own")


async def stop_fails(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "the app's own"})


async def dies_between(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await asyncio.sleep(0)
    raise KeyError("the app's own")


@pytest.mark.parametrize("lifespan", [stop_raises, stop_fails, dies_between])
def test_a_stop_that_fails_is_loud(lifespan: Any) -> None:
    client = TestClient(app_with(lifespan))
    client.get("/")
    with pytest.raises((KeyError, RuntimeError), match="the app's own"):
        client.close()
    with pytest.raises((KeyError, RuntimeError), match="the app's own"), client:
        client.get("/")
