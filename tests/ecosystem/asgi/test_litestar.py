"""Litestar: mounted here, and with an application of this package mounted in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Litestar, asgi, get, post
from litestar import websocket_listener as listener
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody
from starlette.testclient import TestClient

from tests.ecosystem.asgi.sites import client, site


@dataclass
class Item:
    """What the application takes."""

    name: str
    price: float


@post("/items/{number:int}")
async def add(number: FromPath[int], data: JSONBody[Item]) -> dict[str, Any]:
    """Answer with what came."""
    return {"number": number, "name": data.name, "price": data.price}


@get("/secret")
async def secret() -> None:
    """Refuse."""
    raise NotAuthorizedException("who are you?")


@listener("/talk")
async def talk(data: str) -> str:
    """Answer a message."""
    return data.upper()


def litestar(events: list[str], *handlers: Any) -> Litestar:
    """Return an application that notes its start and its stop."""
    return Litestar(
        [add, secret, talk, *handlers],
        on_startup=[lambda: events.append("started")],
        on_shutdown=[lambda: events.append("stopped")],
    )


async def test_mounted(how: str) -> None:
    """A mounted application validates, answers errors in its own way, and has its OpenAPI document; its hooks run."""
    events: list[str] = []
    app = site(how, mounts=False)
    app.mount("/star", litestar(events))
    async with client(app) as asking:
        assert events == (["started"] if how == "here" else [])
        good = await asking.post("/star/items/3", json={"name": "tea", "price": 2})
        assert (good.status_code, good.json()) == (201, {"number": 3, "name": "tea", "price": 2.0})
        bad = await asking.post("/star/items/3", json={"name": "tea", "price": "dear"})
        assert (bad.status_code, bad.json()["extra"][0]["key"]) == (400, "price")
        assert (await asking.get("/star/secret")).json() == {"status_code": 401, "detail": "who are you?"}
        assert (await asking.get("/star/none")).status_code == 404
        assert "/items/{number}" in (await asking.get("/star/schema/openapi.json")).json()["paths"]
    assert events == (["started", "stopped"] if how == "here" else [])


def test_websocket(how: str) -> None:
    """A websocket of the mounted application."""
    app = site(how, mounts=False)
    app.mount("/star", litestar([]))
    with TestClient(app) as asking, asking.websocket_connect("/star/talk") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "HELLO"


async def test_around(how: str) -> None:
    """Litestar's `asgi(is_mount=True)` adds a slash to each path; the application answers, and Starlette redirects."""
    inner = asgi("/shop", is_mount=True, copy_scope=True)(site(how, mounts=False))
    async with client(litestar([], inner)) as asking:
        if how == "starlette":
            assert (await asking.get("/shop/items/5")).status_code == 307
            return
        assert (await asking.get("/shop/items/5")).json() == 5
        assert (await asking.get("/shop/api/items/6")).json() == 6
        assert (await asking.post("/shop/echo", json={"a": 1})).json() == {"a": 1}
        statuses = [(await asking.get(f"/shop/{path}")).status_code for path in ("none", "gone", "fails")]
        assert statuses == [404, 404, 500]
