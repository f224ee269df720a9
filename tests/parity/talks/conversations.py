"""The conversations: messages, reading, sending, closing, states, pings, bad frames, and clients that leave."""

from tests.parity.talks.client import (
    Close,
    Expect,
    Frame,
    HalfClose,
    Leave,
    Parts,
    Pause,
    Ping,
    Pong,
    Raw,
)
from tests.parity.talks.table import (
    BAD_FRAMES,
    BREAK_OFF,
    CLIENT_CODE,
    CODES,
    DENIAL,
    ECHO_CODE,
    EMPTY,
    NO_CODE,
    PING,
    REASONS,
    talk,
)

ECHO = """
while True:
    await ws.send(await ws.recv())
"""
READ = """
while True:
    event(repr(await ws.recv()))
"""

# Messages --------------------------------------------------------------------------------------------------------
MESSAGES: dict[str, str | bytes] = {
    "text": "hello",
    "bytes": b"\x00\xff\x80",
    "an empty text": "",
    "empty bytes": b"",
    "text beyond ASCII": "ü€😀\u0000",
    "text as long as the shortest length goes": "x" * 125,
    "text of a length in two bytes": "x" * 126,
    "text as long as two bytes go": "x" * 65535,
    "bytes of a length in eight bytes": b"x" * 65536,
    "bytes as large as is allowed": b"x" * 100_000,
}
for label, message in MESSAGES.items():
    talk(f"echo of {label}", ECHO, message, Expect(), Close(), needs=() if message else EMPTY)
talk("echo of many messages at once", ECHO, *(f"{n}" for n in range(40)), Expect(40), Close())
talk("echo of a text in parts", ECHO, Parts(("one ", "two ", "three")), Expect(), Close())
talk("echo of bytes in parts", ECHO, Parts((b"\x00", b"", b"\xff")), Expect(), Close())
talk("echo of a character in two parts", ECHO, Frame(1, b"\xc3", fin=False), Frame(0, b"\xbc"), Expect(), Close())
talk(
    "a ping between the parts of a message",
    ECHO,
    Frame(1, b"one ", fin=False),
    Frame(9, b"ping"),
    Frame(0, b"two"),
    Expect(2),
    Close(),
)
talk("a message byte by byte", ECHO, *(Raw(bytes([byte])) for byte in Frame(1, b"slow").serialize()), Expect(), Close())
talk("a ping is answered", READ, Ping(b"are you there"), Expect(), Close())
talk("an empty ping is answered", READ, Ping(), Expect(), Close())
talk("the longest ping is answered", READ, Ping(b"x" * 125), Expect(), Close())
talk("a pong is not answered", ECHO, Pong(b"nobody asked"), "text", Expect(), Close())
talk(
    "text and bytes keep their type",
    "while True:\n    message = await ws.recv()\n    await ws.send(f'{type(message).__name__} {len(message)}')",
    "ü",
    b"\xc3\xbc",
    Parts(("a", "b")),
    Expect(3),
    Close(),
)

# Reading ---------------------------------------------------------------------------------------------------------
talk(
    "recv with a timeout that passes",
    "await ws.send(repr(await ws.recv(timeout=0.05)))\nawait ws.send(repr(await ws.recv(30)))",
    Expect(),
    "late",
    Expect(),
)
talk(
    "recv with a timeout of nothing",
    "await ws.send(repr(await ws.recv(0)))\nawait ws.recv()",
    Expect(),
    "end",
)
talk(
    "a message that has come is there with a timeout of nothing",
    "await ws.send(await ws.recv())\nawait asyncio.sleep(0.3)\nawait ws.send(repr(await ws.recv(0)))",
    "one",
    "two",
    Expect(2),
)
talk(
    "a timeout loses no message",
    """
    got = []
    while len(got) < 3:
        message = await ws.recv(0.02)
        if message is not None:
            got.append(message)
    await ws.send(" ".join(got))
    """,
    "a",
    Pause(0.1),
    "b",
    Pause(0.1),
    "c",
    Expect(),
)
talk(
    "recv_burst returns what has come",
    "await ws.send(await ws.recv())\nawait asyncio.sleep(0.3)\nawait ws.send(repr(await ws.recv_burst()))",
    "go",
    "a",
    b"b",
    Expect(2),
)
talk("recv_burst without a message", "await ws.send(repr(await ws.recv_burst()))", Expect())
talk("recv_streaming", "async for part in ws.recv_streaming():\n    await ws.send(part)", "whole", Expect())
talk(
    "iteration that is left and taken up again",
    """
    async for message in ws:
        if message == "stop":
            break
        await ws.send(message)
    await ws.send("between")
    async for message in ws:
        await ws.send("again " + message)
        break
    """,
    "a",
    "stop",
    "b",
    Expect(3),
)
for first in ("ws.recv()", "ws.recv(30)", "iterate()", "stream()"):
    for second in ("ws.recv()", "ws.recv(0)", "ws.recv_burst()", "stream()"):
        talk(
            f"{second} while {first} waits",
            f"""
            async def iterate():
                async for message in ws:
                    return message
            async def stream():
                async for part in ws.recv_streaming():
                    return part
            task = asyncio.ensure_future({first})
            await asyncio.sleep(0.05)
            try:
                await {second}
            except ServerError as error:
                await ws.send(f"{{type(error).__name__}} {{error.status_code}}")
            await ws.send(await task)
            """,
            Expect(),
            "message",
            Expect(),
        )
talk(
    "the lock of recv is held while a task reads",
    """
    before = ws.recv_lock.locked()
    task = asyncio.ensure_future(ws.recv())
    await asyncio.sleep(0.05)
    await ws.send(f"{before} {ws.recv_lock.locked()}")
    await task
    await ws.send(f"{ws.recv_lock.locked()}")
    """,
    Expect(),
    "message",
    Expect(),
)
talk(
    "who holds the lock of recv keeps others from reading",
    """
    async with ws.recv_lock:
        await ws.send(await outcome(ws.recv()))
    await ws.send(await outcome(ws.recv()))
    """,
    Expect(),
    "message",
    Expect(),
)

# Sending ---------------------------------------------------------------------------------------------------------
for value in ("'text'", "b'bytes'", "bytearray(b'array')", "memoryview(b'view')", "''", "b''", "'x' * 70000"):
    talk(f"send({value})", f"await ws.send({value})", Expect(), needs=EMPTY if value in ("''", "b''") else ())
for value in ("{}", "{'type': 'websocket.send', 'text': 'x'}", "None", "5", "1.5", "ws", "object()"):
    talk(
        f"send({value}) is refused",
        f"try:\n    await ws.send({value})\nexcept TypeError as error:\n    await ws.send(type(error).__name__)",
        Expect(),
    )
talk("send returns nothing", "await ws.send(repr(await ws.send('one')))", Expect(2))
talk(
    "many tasks send at once, and no message is torn",
    """
    await asyncio.gather(*(ws.send(str(number) * 3000) for number in range(5)))
    """,
    Expect(5),
)
talk(
    "a subclass of str is text",
    "class Text(str): pass\nawait ws.send(Text('sub'))",
    Expect(),
)

# Closing ---------------------------------------------------------------------------------------------------------
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
    talk(
        f"close({code})",
        f"await ws.close({code}, 'because')",
        needs=(CODES if 1000 < code < 3000 else ()) + REASONS,
    )
WRONG_CODES: tuple[object, ...] = (0, 999, 1004, 1005, 1015, 1016, 2999, 5000, -1, 70000, "4000", 1.5)
for wrong in WRONG_CODES:
    talk(
        f"close({wrong!r}) is refused, and the websocket stays open",
        f"""
        try:
            await ws.close({wrong!r})
        except Exception as error:
            await ws.send("refused")
        """,
        Expect(),
    )
talk("close() says 1000", "await ws.close()")
talk("close(None)", "await ws.close(None)", needs=NO_CODE)
talk("the longest reason", "await ws.close(4000, 'ü' * 61 + 'x')", needs=REASONS)
talk(
    "a reason that is too long",
    "try:\n    await ws.close(4000, 'x' * 124)\nexcept ProtocolError:\n    await ws.send('refused')",
    Expect(),
)
talk(
    "close(1006) breaks the connection off",
    "await ws.close(1006)",
    needs=BREAK_OFF,
)
talk("close twice", "await ws.close(4000, 'first')\nawait ws.close(4001, 'second')\nevent('runs')", needs=REASONS)
talk(
    "the handler goes on after close",
    "await ws.close()\nawait asyncio.sleep(0.1)\nevent('runs on')",
    differs="websocket-leaves",
)
talk("send after close", "await ws.close()\nevent(await outcome(ws.send('late')))")
talk(
    "recv after close",
    "await ws.send('x')\nawait ws.close()\nevent(await outcome(ws.recv(0.2)))",
    Expect(2),
    differs="websocket-leaves",
)
talk("a handler that returns at once", "return None")
talk("a handler that returns a response", "return text('dropped')")
talk("a handler that forgets to close", "await ws.send('only this')", Expect())
talk("a handler that raises", "raise ValueError('x')", differs="websocket-errors")
talk(
    "a handler that raises after a message",
    "await ws.send('x')\nraise NotFound('y')",
    Expect(),
    differs="websocket-errors",
)
talk(
    "a handler that sends after close and does not catch it",
    "await ws.close()\nawait ws.send('late')",
)
talk(
    "a handler that is a function without await",
    "event('ran')",
)

# States ----------------------------------------------------------------------------------------------------------
STATE = "f'{ws.ws_proto.state.name} {ws.ws_proto.state is OPEN}'"
talk("the state while it is open", f"await ws.send({STATE})", Expect())
talk(
    "the state after close",
    "await ws.close()\nevent(ws.ws_proto.state is OPEN, ws.ws_proto.state in (CLOSING, CLOSED))",
)
talk(
    "the state after the client's close",
    """
    try:
        await ws.recv()
    finally:
        event(ws.ws_proto.state is OPEN)
    """,
    Close(4001, "bye"),
    needs=ECHO_CODE,
)
talk(
    "code and reason of the client's close",
    """
    try:
        await ws.recv()
    finally:
        event(ws.ws_proto.close_rcvd.code, repr(ws.ws_proto.close_rcvd.reason))
    """,
    Close(4001, "bye"),
    needs=CLIENT_CODE,
)
talk(
    "code and reason while it is open",
    "event(ws.ws_proto.close_code, ws.ws_proto.close_rcvd, ws.ws_proto.close_sent)",
)
talk(
    "code and reason of the server's close",
    "await ws.close(4002, 'enough')\nevent(ws.ws_proto.close_sent.code, ws.ws_proto.close_sent.reason)",
    needs=REASONS,
)
for name in ("ping_interval", "ping_timeout", "close_timeout", "max_queue", "can_pause"):
    talk(f"ws.{name}", f"event(ws.{name})")
talk("ws.loop", "event(ws.loop is asyncio.get_running_loop())")
talk("ws.pings", "event(ws.pings)")
talk("ws.subprotocol", "event(ws.subprotocol)")
talk(
    "ws.ws_proto.subprotocol",
    "event(ws.ws_proto.subprotocol)",
    subprotocols=("b", "a"),
    options="subprotocols=['a', 'b']",
)
talk(
    "ws.ws_proto.side and id",
    "event(ws.ws_proto.side.name, type(ws.ws_proto.id).__name__, ws.ws_proto.id == ws.ws_proto.id)",
)
talk("ws.ws_proto.extensions", "event(ws.ws_proto.extensions)")
talk("ws.ws_proto.close_expected", "event(ws.ws_proto.close_expected())")
talk(
    "ws.io_proto", "event(ws.io_proto.app is request.app, ws.io_proto.websocket is ws, ws.io_proto.conn_info.client_ip)"
)
talk("ws.io_proto.transport", "event(ws.io_proto.transport.get_extra_info('peername')[0], ws.io_proto.loop is ws.loop)")
talk(
    "end_connection closes with its code",
    "event(ws.end_connection(4003, 'end'))\nevent(ws.ws_proto.state is OPEN)\nevent(await outcome(ws.send('late')))",
    needs=REASONS,
)
talk("end_connection without arguments", "ws.end_connection()")
talk(
    "fail_connection with a code",
    """
    event(ws.fail_connection(1011, "broken"))
    event(ws.ws_proto.state is OPEN)
    event(await outcome(ws.send("late")))
    """,
    needs=CODES + REASONS,
)
talk(
    "fail_connection breaks the connection off",
    "ws.fail_connection()\nevent(ws.ws_proto.state.name)",
    needs=BREAK_OFF,
)
talk("abort_pings while it is open", "try:\n    ws.abort_pings()\nexcept ServerError as error:\n    event('refused')")
talk(
    "wait_for_connection_lost with a timeout",
    "event(await ws.wait_for_connection_lost(0.05))",
)

# Pings -----------------------------------------------------------------------------------------------------------
for data in ("", "'words'", "b'bytes'", "bytearray(b'array')", "memoryview(b'viewed')"):
    talk(
        f"ping({data})",
        f"pong = await ws.ping({data})\nawait asyncio.wait_for(pong, 10)\nevent('pong', len(ws.pings))",
        Expect(),
        needs=PING,
    )
    if data:
        talk(f"pong({data})", f"await ws.pong({data})", Expect(), needs=PING)
talk("pong()", "await ws.pong()", Expect(), needs=PING)
talk(
    "a ping whose data waits already",
    """
    await ws.ping(b"twice")
    try:
        await ws.ping(b"twice")
    except ValueError:
        event("refused")
    event(list(ws.pings))
    """,
    needs=PING,
)
talk("ping after close", "await ws.close()\nevent(await outcome(ws.ping()))")
talk("pong after close", "await ws.close()\nevent(await outcome(ws.pong()))")
talk(
    "the client's pong for another ping",
    "pong = await ws.ping(b'server')\nawait asyncio.sleep(0.2)\nevent(pong.done())",
    Pong(b"other"),
    needs=PING,
)

# Handshakes ------------------------------------------------------------------------------------------------------
for status in (401, 403, 404, 418, 500, 503):
    talk(f"middleware refuses with {status}", "event('not reached')", query=f"refuse={status}", needs=DENIAL)
    talk(f"middleware raises {status}", "event('not reached')", query=f"raise={status}", needs=DENIAL)
SPEAKS = "subprotocols=['chat', 'log']"
for offered in (("chat",), ("log",), ("log", "chat"), ("other", "log")):
    talk(f"subprotocols {offered}", "event(ws.subprotocol)", subprotocols=offered, options=SPEAKS)
talk("a subprotocol that nobody wants", "event(ws.subprotocol)", subprotocols=("chat",))

# Bad input -------------------------------------------------------------------------------------------------------
talk("text that is too large", READ, "x" * 100_001, needs=CODES, any_reason=True)
talk("bytes that are too large", READ, b"x" * 100_001, needs=CODES, any_reason=True)
talk("a message that is too large in parts", READ, Parts(("x" * 60_000, "x" * 60_000)), needs=CODES, any_reason=True)
talk("text whose bytes are too many", READ, "ü" * 50_001, needs=CODES, any_reason=True)
for label, frame in {
    "that is not masked": Frame(1, b"plain", masked=False),
    "of a reserved opcode": Frame(3, b"x"),
    "of a reserved control opcode": Frame(11, b"x"),
    "with a reserved bit": Frame(1, b"x", rsv1=True),
    "that continues nothing": Frame(0, b"x"),
    "of a ping that is too long": Frame(9, b"x" * 126),
    "of a ping in parts": Frame(9, b"x", fin=False),
    "of a close that is too long": Frame(8, b"\x03\xe8" + b"x" * 124),
    "of a close of one byte": Frame(8, b"\x03"),
    "of a close with a code that is never sent": Frame(8, b"\x03\xed"),
    "of a close whose reason is not UTF-8": Frame(8, b"\x03\xe8\xff"),
}.items():
    talk(f"a frame {label}", READ, frame, needs=BAD_FRAMES, any_reason=True)
talk(
    "a new message between the parts of another",
    READ,
    Frame(1, b"a", fin=False),
    Frame(1, b"b"),
    needs=BAD_FRAMES,
    any_reason=True,
)
talk("bytes that are no frames", READ, Raw(b"GET / HTTP/1.1\r\n\r\n"), needs=BAD_FRAMES, any_reason=True)
talk(
    "what comes before a bad frame is read",
    READ,
    "first",
    Pause(0.3),
    Frame(3, b"x"),
    needs=BAD_FRAMES,
    any_reason=True,
)

# Clients that leave ----------------------------------------------------------------------------------------------
WAYS_TO_LEAVE: dict[str, Close | HalfClose | Leave] = {
    "closes": Close(),
    "closes with a code": Close(4005, "bye"),
    "closes without a code": Close(None),
    "closes its direction": HalfClose(),
    "vanishes": Leave(),
    "resets the connection": Leave(reset=True),
}
for label, move in WAYS_TO_LEAVE.items():
    needs = ECHO_CODE if isinstance(move, Close) and move.code != 1000 else ()
    talk(
        f"a client {label} while the handler reads", "await ws.send('x')\nawait ws.recv()", Expect(), move, needs=needs
    )
    talk(
        f"a client {label} in an iteration",
        "await ws.send('x')\nasync for message in ws: pass\nevent('end')",
        Expect(),
        move,
        differs="websocket-leaves",
    )
    talk(
        f"a client {label} while the handler sleeps",
        "await ws.send('x')\nawait asyncio.sleep(20)",
        Expect(),
        move,
        needs=needs,
    )
    if isinstance(move, Leave):
        sends = """
        await ws.send("x")
        await asyncio.sleep(0.2)
        while True:
            await ws.send("x" * 1000)
            await asyncio.sleep(0.01)
        """
        talk(f"a client {label} while the handler sends", sends, Expect(), move)
talk(
    "a client vanishes in the middle of a frame",
    READ,
    Raw(Frame(1, b"half a frame").serialize()[:8]),
    Leave(),
)
talk("a client vanishes in the middle of a message", READ, Frame(1, b"part", fin=False), Leave())
talk(
    "a client that leaves, and what cleans up",
    """
    await ws.send("x")
    try:
        await asyncio.sleep(20)
    finally:
        event(await outcome(ws.send("late")))
        event(await outcome(ws.recv()))
        await ws.close()
    """,
    Expect(),
    Leave(),
)
