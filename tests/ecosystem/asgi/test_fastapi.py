"""FastAPI: mounted here, and with an application of this package mounted in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, WebSocket
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from tests.ecosystem.asgi.sites import client, site


class Item(BaseModel):
    """What the API takes."""

    name: str = Field(min_length=1)
    price: float


async def user(x_user: Annotated[str, Header()] = "") -> str:
    """Return who asks, by a header."""
    if not x_user:
        raise HTTPException(401, "who are you?")
    return x_user


def api(events: list[str]) -> FastAPI:
    """Return an API that notes its lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        events.append("started")
        yield
        events.append("stopped")

    app = FastAPI(lifespan=lifespan)

    @app.post("/items/{number}")
    async def add(number: int, item: Item, by: Annotated[str, Depends(user)]) -> dict[str, object]:
        return {"number": number, "by": by, **item.model_dump()}

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text((await websocket.receive_text()).upper())

    return app


async def test_mounted(how: str) -> None:
    """A mounted API validates, injects, answers errors in its own way, and has its documents at the right prefix."""
    events: list[str] = []
    app = site(how, mounts=False)
    inner = api(events)
    app.mount("/v1", inner)
    async with client(app) as asking:
        # Starlette does not run the lifespan of what it mounts.
        assert events == (["started"] if how == "here" else [])
        good = await asking.post("/v1/items/3", json={"name": "tea", "price": 2}, headers={"x-user": "ann"})
        assert (good.status_code, good.json()) == (200, {"number": 3, "by": "ann", "name": "tea", "price": 2.0})
        for body, headers, status in (
            (b'{"name": "tea", "price": 2}', {}, 401),
            (b'{"name": "", "price": "dear"}', {"x-user": "ann"}, 422),
            (b"{", {"x-user": "ann"}, 422),
        ):
            bad = await asking.post(
                "/v1/items/3", content=body, headers={**headers, "content-type": "application/json"}
            )
            assert (bad.status_code, "detail" in bad.json()) == (status, True)
        document = (await asking.get("/v1/openapi.json")).json()
        assert (document["servers"], list(document["paths"])) == ([{"url": "/v1"}], ["/items/{number}"])
        assert "/v1/openapi.json" in (await asking.get("/v1/docs")).text
        missing = await asking.get("/v1/none")
        assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
        assert (await asking.get("/items/5")).json() == 5
    assert events == (["started", "stopped"] if how == "here" else [])


def test_websocket(how: str) -> None:
    """A websocket of the mounted API."""
    app = site(how, mounts=False)
    app.mount("/v1", api([]))
    with TestClient(app) as asking, asking.websocket_connect("/v1/talk") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "HELLO"


async def test_around(how: str) -> None:
    """Mounted in FastAPI, the application's routes, errors and URLs have the prefix; its listeners run."""
    events: list[str] = []
    outer, inner = api(events), site(how, mounts=False)
    inner.state.probe = lambda request: [request.scope["root_path"], str(request.url)]
    outer.mount("/shop", inner)
    async with client(outer) as asking:
        assert (await asking.get("/shop/items/5")).json() == 5
        assert (await asking.post("/shop/echo", json={"a": 1})).json() == {"a": 1}
        assert (await asking.get("/shop/probe")).json() == ["/shop", "http://test/shop/probe"]
        statuses = [(await asking.get(f"/shop/{path}")).status_code for path in ("none", "gone", "fails")]
        assert statuses == [404, 404, 500]
    assert events == ["started", "stopped"]
