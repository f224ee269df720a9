"""The two live feeds: a websocket (changes and chat, both ways) and server-sent events (a ticker, one way)."""

import asyncio
import json
import time

from sanic_star import Blueprint, Request, Websocket
from sanic_star.compat.log import logger

from .hub import Hub

live = Blueprint("live", url_prefix="/live")

_LONGEST_MESSAGE = 500  # characters of a chat line that are passed on


@live.websocket("/feed", name="feed")
async def feed(request: Request, ws: Websocket) -> None:
    """Tell of each change and pass on what people say."""
    hub: Hub = request.app.ctx.hub
    with hub.listen() as messages:
        forwarding = asyncio.create_task(_forward(ws, messages))
        try:
            while (line := await ws.recv()) is not None:
                hub.publish("chat", who=request.ctx.user, text=str(line)[:_LONGEST_MESSAGE])
        finally:
            # Runs when the browser leaves and when the server stops: either way `recv` doesn't come back.
            forwarding.cancel()
            await asyncio.gather(forwarding, return_exceptions=True)
            logger.info("taskboard: a websocket has ended")


async def _forward(ws: Websocket, messages: asyncio.Queue[str]) -> None:
    while True:
        await ws.send(await messages.get())


@live.get("/ticker", name="ticker")
async def ticker(request: Request) -> None:
    """Send the state of the server every so often."""
    hub: Hub = request.app.ctx.hub
    response = await request.respond(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
    number = 0
    try:
        await response.send("retry: 1000\n\n")
        while True:
            number += 1
            uptime = time.monotonic() - hub.started
            facts = {"uptime": round(uptime, 1), "messages": hub.published, "listening": hub.listeners}
            await response.send(f"event: tick\nid: {number}\ndata: {json.dumps(facts)}\n\n")
            await asyncio.sleep(request.app.config.TICK)
    finally:
        logger.info("taskboard: a ticker has ended")
