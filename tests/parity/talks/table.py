"""The table of conversations: each has the body of a handler and the moves of its client."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from tests.parity.case import for_sanic_star
from tests.parity.talks.client import Move

# Features that not every server has.
PING = ("pings of the application",)
BREAK_OFF = ("an end without a close frame",)
NO_CODE = ("a close frame without a code",)
CODES = ("close codes below 3000",)
REASONS = ("reasons of the end",)
BAD_FRAMES = ("close codes of bad frames",)
CLIENT_CODE = ("code and reason of the client's close",)
ECHO_CODE = ("the client's code in the answer to its close",)
DENIAL = ("responses to a handshake",)
EMPTY = ("empty messages",)


@dataclass(frozen=True)
class Conversation:
    """A handler, and one conversation with it.

    Args:
        name: the subject in a few words.
        source: the body of `async def handler(request, ws)`; `event(...)` records an event.
        moves: the actions of the client.
        query: of the handshake.
        subprotocols: those that the client offers.
        options: of the route.
        differs: the entry of `docs/compatibility.md` for a difference from Sanic on every server.
        needs: required features of a server; on servers without them, only the end is compared.
        any_reason: whether the reason of a close frame is the server's own.
    """

    name: str
    source: str
    moves: tuple[Move, ...]
    query: str = ""
    subprotocols: tuple[str, ...] = ()
    options: str = ""
    differs: str = ""
    needs: tuple[str, ...] = ()
    any_reason: bool = False


CONVERSATIONS: list[Conversation] = []

_HEAD = """
import asyncio
import json as stdlib
from sanic import Sanic, Request, Websocket, text, json
from sanic.exceptions import SanicException, ServerError, WebsocketClosed, NotFound
from websockets.exceptions import ProtocolError
from websockets.protocol import CLOSED, CLOSING, OPEN, State

app = Sanic("Conversations")
app.config.WEBSOCKET_MAX_SIZE = 100_000
app.config.WEBSOCKET_PING_INTERVAL = 60
EVENTS, OVER = {}, {}

def conversation(number, **options):
    def decorate(function):
        events, over = EVENTS[number], OVER[number] = [], asyncio.Event()
        def event(*words):
            events.append(" ".join(map(str, words)))
        async def handler(request, ws):
            try:
                await function(request, ws, event)
            except BaseException as error:
                event("raised", type(error).__name__)
                raise
            finally:
                over.set()
        handler.__name__ = f"c{number}"
        app.websocket(f"/c{number}", **options)(handler)
        return function
    return decorate

async def outcome(awaitable):
    try:
        return repr(await awaitable)
    except (Exception, asyncio.CancelledError) as error:
        return type(error).__name__

async def open_for(ws, seconds=10):
    for _ in range(int(seconds * 50)):
        if ws.ws_proto.state is not OPEN:
            return False
        await asyncio.sleep(0.02)
    return True

@app.get("/events/<number:int>")
async def events(request, number):
    try:
        await asyncio.wait_for(OVER[number].wait(), 15)
    except asyncio.TimeoutError:
        EVENTS[number].append("still runs")
    return json(EVENTS[number])

@app.get("/tasks")
async def tasks(request):
    # A handler that has ended may have a turn of the event loop or two left.
    return json(sorted(repr(task.get_coro()) for task in asyncio.all_tasks()))

@app.on_request
async def guard(request):
    if request.args.get("refuse"):
        return text("refused", int(request.args.get("refuse")))
    if request.args.get("raise"):
        raise SanicException("raised", int(request.args.get("raise")))
"""
_FOOT = """
if __name__ == "__main__":
    import sys
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, motd=False, access_log=False)
"""


def talk(
    name: str,
    source: str,
    *moves: Move,
    query: str = "",
    subprotocols: tuple[str, ...] = (),
    options: str = "",
    differs: str = "",
    needs: tuple[str, ...] = (),
    any_reason: bool = False,
) -> None:
    """Add a conversation to the table."""
    source = textwrap.dedent(source).strip()
    CONVERSATIONS.append(Conversation(name, source, moves, query, subprotocols, options, differs, needs, any_reason))


def program(framework: str) -> str:
    """Return the application with all handlers, for `sanic` or `sanic_star`."""
    parts = [_HEAD]
    for number, conversation in enumerate(CONVERSATIONS):
        options = f", {conversation.options}" if conversation.options else ""
        parts.append(f"@conversation({number}{options})\nasync def c{number}(request, ws, event):")
        parts.append(textwrap.indent(conversation.source, "    ") + "\n")
    source = "\n".join([*parts, _FOOT])
    return source if framework == "sanic" else for_sanic_star(source)
