"""sanic_star: its websocket, a response that is written piece by piece, `EventStream`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.apps.live import CHUNK, CHUNKS, EVENT
from sanic_star import EventStream, Request, Sanic, Websocket, text


def make() -> Any:
    app: Sanic[Any, Any] = Sanic("Live", configure_logging=False)
    app.config.AUTO_EXTEND = False

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("Hello, world!")

    @app.websocket("/echo")
    async def echo(request: Request, ws: Websocket) -> None:
        async for data in ws:
            await ws.send(data)

    @app.get("/chunks")
    async def chunks(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        for _ in range(CHUNKS):
            await response.send(CHUNK)
        await response.eof()

    @app.get("/events")
    async def events(request: Request) -> Any:
        async def pieces() -> AsyncIterator[str]:
            yield EVENT
            await asyncio.Event().wait()

        return EventStream(pieces())

    return app
