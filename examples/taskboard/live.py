"""Two live feeds: a websocket for changes and chat, and server-sent events for a ticker."""

import asyncio
import json
import time

from sanic_star import Blueprint, Request, Websocket
from sanic_star.compat.log import logger

from .hub import Hub

live = Blueprint("live", url_prefix="/live")

_MAX_CHAT_LENGTH = 500  # characters; the rest of a chat message is cut off


@live.websocket("/feed", name="feed")
async def feed(request: Request, ws: Websocket) -> None:
    """Send each change and each chat message; publish the chat messages of this client."""
    hub: Hub = request.app.ctx.hub
    with hub.listen() as messages:
        forwarding = asyncio.create_task(_forward(ws, messages))
        try:
            while (text := await ws.recv()) is not None:
                hub.publish("chat", who=request.ctx.user, text=str(text)[:_MAX_CHAT_LENGTH])
        finally:
            # In `finally`, because `recv` may raise when the browser disconnects or the server stops.
            forwarding.cancel()
            await asyncio.gather(forwarding, return_exceptions=True)
            logger.info("taskboard: a websocket has ended")


async def _forward(ws: Websocket, messages: asyncio.Queue[str]) -> None:
    while True:
        await ws.send(await messages.get())


@live.get("/ticker", name="ticker")
async def ticker(request: Request) -> None:
    """Send the state of the server at a fixed interval."""
    hub: Hub = request.app.ctx.hub
    response = await request.respond(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
    number = 0
    try:
        await response.send("retry: 1000\n\n")
        while True:
            number += 1
            uptime = time.monotonic() - hub.started
            state = {"uptime": round(uptime, 1), "messages": hub.published, "listening": hub.listeners}
            await response.send(f"event: tick\nid: {number}\ndata: {json.dumps(state)}\n\n")
            await asyncio.sleep(request.app.config.TICK)
    finally:
        logger.info("taskboard: a ticker has ended")
