"""Starlette: its websocket, `StreamingResponse`; and sse-starlette's response, if that is installed."""

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from benchmarks.apps.live import CHUNK, CHUNKS, EVENT


async def hello(request: Request) -> Response:
    return PlainTextResponse("Hello, world!")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for data in websocket.iter_bytes():
        await websocket.send_bytes(data)


async def chunks(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    return StreamingResponse(pieces(), media_type="text/plain")


async def events(request: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        yield f"data: {EVENT}\r\n\r\n"
        await asyncio.Event().wait()

    return StreamingResponse(pieces(), media_type="text/event-stream")


def make() -> Any:
    routes = [Route("/", hello), WebSocketRoute("/echo", echo), Route("/chunks", chunks), Route("/events", events)]
    if find_spec("sse_starlette"):
        from sse_starlette import EventSourceResponse

        async def sse(request: Request) -> Response:
            async def pieces() -> AsyncIterator[str]:
                yield EVENT
                await asyncio.Event().wait()

            return EventSourceResponse(pieces())

        routes.append(Route("/sse-starlette", sse))
    return Starlette(routes=routes)
