"""The chat as it is served: `sanic-star examples.chat.server:app`, or `uvicorn examples.chat.server:app`.

Settings, as environment variables: `CHAT_HISTORY` is the file of the messages; `CHAT_HUB_URL` the URL of a Redis
server, with which several workers share the rooms (`--workers 2`).
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sanic_star import (
    BadRequest,
    Blueprint,
    Config,
    EventStream,
    HTTPResponse,
    Hub,
    Request,
    Sanic,
    ServerSentEvent,
    Websocket,
    file,
)
from sanic_star import json as json_response

from .history import History

HERE = Path(__file__).parent
_LONGEST_NAME, _LONGEST_TEXT = 40, 2000  # characters
_LARGEST_ID = 2**63 - 1

rooms = Blueprint("rooms", url_prefix="/rooms/<room:slug>")


def create_app() -> Sanic[Config, Any]:
    """Make the application."""
    app = Sanic("Chat", config=Config(env_prefix="CHAT_"))
    app.ctx.hub = Hub(app)
    app.blueprint(rooms)
    app.static("/assets", HERE / "assets", name="assets")

    @app.get("/")
    async def lobby(request: Request) -> HTTPResponse:
        return await page(request, "lobby")

    @app.before_server_start
    async def open_history(app: Sanic[Config, Any]) -> None:
        app.ctx.history = History(app.config.get("HISTORY", "chat.sqlite3"))

    @app.after_server_stop
    async def close_history(app: Sanic[Config, Any]) -> None:
        app.ctx.history.close()

    return app


@rooms.get("/")
async def page(request: Request, room: str) -> HTTPResponse:
    """Send the page, which is the same for all rooms."""
    headers = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-cache"}
    return await file(HERE / "page.html", headers=headers)


@rooms.websocket("/ws")
async def talk(request: Request, ws: Websocket, room: str) -> None:
    """Send what was said and what is being said; say what the client sends."""
    hub: Hub = request.app.ctx.hub
    try:
        async with hub.attach(ws, room):
            await announce(request, room)
            for message in await request.app.ctx.history.after(room, number(request.args.get("after"))):
                await ws.send(json.dumps(message))
            async for line in ws:
                try:
                    await say(request, room, json.loads(line))
                except (ValueError, BadRequest) as error:
                    await ws.send(json.dumps({"kind": "refused", "reason": str(error)}))
    finally:
        await announce(request, room)


@rooms.get("/events")
async def listen(request: Request, room: str) -> EventStream:
    """Send the same as server-sent events: for clients whose websockets are stopped on the way."""
    after = number(request.last_event_id or request.args.get("after"))
    return EventStream(events(request, room, after))


async def events(request: Request, room: str, after: int) -> AsyncIterator[ServerSentEvent]:
    """Yield what was said after a message, and what is being said."""
    hub: Hub = request.app.ctx.hub
    try:
        async with hub.subscribe(room) as messages:
            await announce(request, room)
            for message in await request.app.ctx.history.after(room, after):
                after = message["id"]
                yield ServerSentEvent(message, id=after)
            async for message in messages:
                if message.get("id", after + 1) > after:
                    yield ServerSentEvent(message, id=message.get("id"))
    finally:
        await announce(request, room)


@rooms.post("/messages")
async def post(request: Request, room: str) -> HTTPResponse:
    """Say something without a websocket."""
    return json_response(await say(request, room, request.json), 201)


@rooms.get("/messages")
async def read(request: Request, room: str) -> HTTPResponse:
    """Return what was said."""
    return json_response(await request.app.ctx.history.after(room, number(request.args.get("after"))))


async def say(request: Request, room: str, said: Any) -> dict[str, Any]:
    """Store a message and publish it.

    Raises:
        BadRequest: it is no object with a name and a text of a fair length.
    """
    name, text = (said.get(key) if isinstance(said, dict) else None for key in ("name", "text"))
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise BadRequest(f"name: text of 1 to {_LONGEST_NAME} characters")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= _LONGEST_TEXT:
        raise BadRequest(f"text: text of 1 to {_LONGEST_TEXT} characters")
    try:
        (name + text).encode()
    except UnicodeEncodeError:
        raise BadRequest("name and text: no lone surrogates") from None
    message: dict[str, Any] = await request.app.ctx.history.add(room, name.strip(), text)
    await request.app.ctx.hub.publish(room, message)
    return message


async def announce(request: Request, room: str) -> None:
    """Publish how many people are in a room."""
    hub: Hub = request.app.ctx.hub
    await hub.publish(room, {"kind": "presence", "count": await hub.presence(room)})


def number(text: str | None) -> int:
    """Read the number of a message.

    Raises:
        BadRequest: it is none.
    """
    if text and not (text.isascii() and text.isdecimal() and int(text[:20]) <= _LARGEST_ID):
        raise BadRequest("after: the id of a message")
    return int(text or 0)


app = create_app()
