"""Serve the chat: `sanic-star examples.chat.server:app`, or `uvicorn examples.chat.server:app`.

Two environment variables are settings. `CHAT_HISTORY` is the file of the messages. `CHAT_HUB_URL` is the URL of a Redis
server, which several workers (`--workers 2`) need in order to share the rooms.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
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
from sanic_star.compat.exceptions import WebsocketClosed

from .history import History

FOLDER = Path(__file__).parent
_MAX_NAME_LENGTH, _MAX_TEXT_LENGTH = 40, 2000  # characters
_MAX_ID = 2**63 - 1
# Closes a websocket with an invalid `after` (RFC 6455, section 7.4.2: 4000 to 4999 are private); the page gives up.
_BAD_REQUEST_CODE = 4400

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
    try:
        after = parse_message_id(request.args.get("after"))
    except BadRequest as error:
        await ws.close(_BAD_REQUEST_CODE, str(error))
        return
    async with asyncio.TaskGroup() as tasks:
        sender = tasks.create_task(send_messages(request, ws, room, after))
        async for line in ws:
            try:
                await store_and_publish(request, room, json.loads(line))
            except (ValueError, RecursionError, BadRequest) as error:
                await ws.send(json.dumps({"kind": "refused", "reason": str(error)}))
        sender.cancel()


async def send_messages(request: Request, ws: Websocket, room: str, after: int) -> None:
    """Send the messages of a room to a websocket until it is closed."""
    async with aclosing(read_messages(request, room, after)) as messages:
        async for message in messages:
            try:
                await ws.send(json.dumps(message))
            except WebsocketClosed:
                return


@rooms.get("/events")
async def stream_messages(request: Request, room: str) -> EventStream:
    """Send the same messages as server-sent events, for clients that cannot open a websocket."""
    after = parse_message_id(request.last_event_id or request.args.get("after"))
    return EventStream(read_events(request, room, after))


async def read_events(request: Request, room: str, after: int) -> AsyncGenerator[ServerSentEvent]:
    """Yield the messages of a room as events."""
    async with aclosing(read_messages(request, room, after)) as messages:
        async for message in messages:
            yield ServerSentEvent(message, id=message.get("id"))


async def read_messages(request: Request, room: str, after: int) -> AsyncGenerator[dict[str, Any]]:
    """Yield the stored messages with an id above `after`, then new messages, in the order of their ids.

    A client that reconnects sends the highest id that it has. So a message with a higher id must not overtake another
    one. Messages arrive from the hub in a different order if two clients post at once, and some do not arrive: a full
    queue drops them, and an outage of Redis loses them. The id of the previous message shows that one is missing; then
    the history has it.
    """
    hub: Hub = request.app.ctx.hub
    history: History = request.app.ctx.history
    try:
        # New messages wait in the queue of the subscription while the stored ones are sent.
        async with hub.subscribe(room) as published:
            await publish_presence(request, room)
            for message in await history.after(room, after):
                yield message
                after = message["id"]
            async for message in published:
                if message["kind"] == "presence":
                    yield message
                    continue
                previous = message.pop("previous")
                if message["id"] <= after:
                    continue
                for unsent in [message] if previous <= after else await history.after(room, after):
                    yield unsent
                    after = unsent["id"]
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
    history: History = request.app.ctx.history
    message, previous = await history.add(room, name.strip(), text)
    await request.app.ctx.hub.publish(room, message | {"previous": previous})
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
    if not text:
        return 0
    is_id = text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_ID)) and int(text) <= _MAX_ID
    if not is_id:
        raise BadRequest("after: the id of a message")
    return int(text)


app = create_app()
