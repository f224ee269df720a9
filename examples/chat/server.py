"""Serve the chat: `sanic-star examples.chat.server:app`, or `uvicorn examples.chat.server:app`.

Two environment variables are settings. `CHAT_HISTORY` is the file of the messages. `CHAT_HUB_URL` is the URL of a Redis
server, which several workers (`--workers 2`) need in order to share the rooms.
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

FOLDER = Path(__file__).parent
_MAX_NAME_LENGTH, _MAX_TEXT_LENGTH = 40, 2000  # characters
_MAX_ID = 2**63 - 1

rooms = Blueprint("rooms", url_prefix="/rooms/<room:slug>")


def create_app() -> Sanic[Config, Any]:
    """Create the application."""
    app = Sanic("Chat", config=Config(env_prefix="CHAT_"))
    app.ctx.hub = Hub(app)
    app.blueprint(rooms)
    app.static("/assets", FOLDER / "assets", name="assets")

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
    return await file(FOLDER / "page.html", headers=headers)


@rooms.websocket("/ws")
async def chat(request: Request, ws: Websocket, room: str) -> None:
    """Send stored and new messages to the client; store and publish the messages that it sends."""
    hub: Hub = request.app.ctx.hub
    try:
        async with hub.attach(ws, room):
            await publish_presence(request, room)
            for message in await request.app.ctx.history.after(room, parse_message_id(request.args.get("after"))):
                await ws.send(json.dumps(message))
            async for line in ws:
                try:
                    await store_and_publish(request, room, json.loads(line))
                except (ValueError, BadRequest) as error:
                    await ws.send(json.dumps({"kind": "refused", "reason": str(error)}))
    finally:
        await publish_presence(request, room)


@rooms.get("/events")
async def stream_messages(request: Request, room: str) -> EventStream:
    """Send the same messages as server-sent events, for clients that cannot open a websocket."""
    after = parse_message_id(request.last_event_id or request.args.get("after"))
    return EventStream(read_events(request, room, after))


async def read_events(request: Request, room: str, after: int) -> AsyncIterator[ServerSentEvent]:
    """Yield the stored messages with a number above `after`, then new messages."""
    hub: Hub = request.app.ctx.hub
    try:
        async with hub.subscribe(room) as messages:
            await publish_presence(request, room)
            for message in await request.app.ctx.history.after(room, after):
                after = message["id"]
                yield ServerSentEvent(message, id=after)
            async for message in messages:
                if message.get("id", after + 1) > after:
                    yield ServerSentEvent(message, id=message.get("id"))
    finally:
        await publish_presence(request, room)


@rooms.post("/messages")
async def post(request: Request, room: str) -> HTTPResponse:
    """Publish a message without a websocket."""
    return json_response(await store_and_publish(request, room, request.json), 201)


@rooms.get("/messages")
async def read(request: Request, room: str) -> HTTPResponse:
    """Return the stored messages."""
    return json_response(await request.app.ctx.history.after(room, parse_message_id(request.args.get("after"))))


async def store_and_publish(request: Request, room: str, content: Any) -> dict[str, Any]:
    """Store a message and publish it.

    Raises:
        BadRequest: `content` is not an object with a name and a text, or one of the two is too long.
    """
    name, text = (content.get(key) if isinstance(content, dict) else None for key in ("name", "text"))
    if not isinstance(name, str) or not 0 < len(name.strip()) <= _MAX_NAME_LENGTH:
        raise BadRequest(f"name: text of 1 to {_MAX_NAME_LENGTH} characters")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= _MAX_TEXT_LENGTH:
        raise BadRequest(f"text: text of 1 to {_MAX_TEXT_LENGTH} characters")
    try:
        (name + text).encode()
    except UnicodeEncodeError:
        raise BadRequest("name and text: no lone surrogates") from None
    message: dict[str, Any] = await request.app.ctx.history.add(room, name.strip(), text)
    await request.app.ctx.hub.publish(room, message)
    return message


async def publish_presence(request: Request, room: str) -> None:
    """Publish how many people are in a room."""
    hub: Hub = request.app.ctx.hub
    await hub.publish(room, {"kind": "presence", "count": await hub.presence(room)})


def parse_message_id(text: str | None) -> int:
    """Parse the id of a message; no text counts as 0.

    Raises:
        BadRequest: the text is not a decimal number up to 2**63 - 1.
    """
    if text and not (text.isascii() and text.isdecimal() and int(text[:20]) <= _MAX_ID):
        raise BadRequest("after: the id of a message")
    return int(text or 0)


app = create_app()
