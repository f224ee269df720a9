"""Silent and slow connections: when `app.run` closes them, and its answers, over real sockets."""

import contextlib
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.sync.client import connect

from sanic_star.servers.connections import Connection, ConnectionSweeper, Limits, Phase, max_open_connections
from tests.engine.processes import TIMEOUT_S, Process, free_port, is_open, process

# In seconds; different enough for a test to see which limit applied.
REQUEST, KEEP_ALIVE, TOTAL = 1.0, 2.0, 4.0
SCRIPT = f"""
from sanic_star import Request
from sanic_star.compat.exceptions import RequestTimeout
import sanic_star.servers.uvicorn as backend

@app.post("/body")
async def body(request): return text(str(len(request.body)))
@app.post("/stream", stream=True)
async def stream(request):
    await asyncio.sleep(float(request.args.get("wait", 0)))
    size = 0
    async for part in request.stream: size += len(part)
    return text(str(size))
@app.get("/slow")
async def slow(request):
    await asyncio.sleep({TOTAL + 2})
    return text("slow")
@app.get("/large")
async def large(request): return text("x" * 20_000_000)
@app.websocket("/echo")
async def echo(request, ws):
    async for message in ws: await ws.send(message)
@app.on_response
async def after(request, response):
    response.headers["x-after"] = request.method

app.config.update(REQUEST_TIMEOUT={REQUEST}, REQUEST_HEAD_TIMEOUT={TOTAL}, REQUEST_BODY_TIMEOUT={TOTAL})
app.config.update(KEEP_ALIVE_TIMEOUT={KEEP_ALIVE}, ACCESS_LOG=True, RESPONSE_TIMEOUT=600)
if __name__ == "__main__":
    backend.HAS_HTTPTOOLS = sys.argv[1] == "httptools"
    app.run(port=0, motd=False, ssl="." if sys.argv[2] == "tls" else None)
"""

HOST = b"host: test\r\n"
GET, GET_SLOW = (b"GET %s HTTP/1.1\r\n" % path + HOST + b"\r\n" for path in (b"/", b"/slow"))
DRIP: tuple[float | bytes, ...] = (0.3, b"x") * 100


def post(path: bytes = b"/body", length: int = 500, extra_fields: bytes = b"") -> bytes:
    return b"POST %s HTTP/1.1\r\n" % path + HOST + extra_fields + b"content-length: %d\r\n\r\n" % length


# The parts that a client sends, with pauses in seconds between them; the statuses of the answers; the minimum time
# until the connection is closed.
SLOW: dict[str, tuple[tuple[float | bytes, ...], list[int], float]] = {
    "silent": ((), [], REQUEST),
    "half a head": ((b"GET / HTTP/1.1\r\nhos",), [408], REQUEST),
    "half a request line": ((b"GE",), [408], REQUEST),
    "an empty line": ((b"\r\n",), [408], REQUEST),
    "HTTP/1.0": ((b"GET / HTTP/1.0\r\n",), [408], REQUEST),
    "a head byte by byte": ((b"GET / HTTP/1.1\r\nx: ", *DRIP), [408], TOTAL),
    "empty lines, one by one": ((0.3, b"\r\n") * 100, [408], TOTAL),
    "idle": ((GET,), [200], KEEP_ALIVE),
    "idle after an empty line before the request": ((b"\r\n" + GET,), [200], KEEP_ALIVE),
    "idle after two requests at once": ((GET * 2,), [200, 200], KEEP_ALIVE),
    "half a head after a request": ((GET + b"GET /",), [200, 408], REQUEST),
    "half a head later": ((GET, 0.5, b"GET /"), [200, 408], 0.5 + REQUEST),
    "half a head after a long request": ((GET_SLOW + b"GET /",), [200, 408], TOTAL + 2),
    "a body that stops": ((post() + b"x",), [408], REQUEST),
    "a body that does not begin": ((post(),), [408], REQUEST),
    "a body byte by byte": ((post(), *DRIP), [408], TOTAL),
    "a chunked body byte by byte": (
        (b"POST /body HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n", *((0.3, b"1\r\nx\r\n") * 100)),
        [408],
        TOTAL,
    ),
    "a streamed body byte by byte": ((post(b"/stream"), *DRIP), [408], TOTAL),
    "a body that nobody reads": ((post(b"/nowhere"), *DRIP), [404], TOTAL),
    "a body that nobody reads, and stops": ((post(b"/nowhere") + b"x",), [404], KEEP_ALIVE),
}
# The same for what is not slow; all of it takes longer than each limit.
PATIENT: dict[str, tuple[tuple[float | bytes, ...], list[int], float]] = {
    "a long request": ((GET_SLOW,), [200], TOTAL + 2),
    "two long requests at once": ((GET_SLOW * 2,), [200, 200], 2 * (TOTAL + 2)),
    "a handler that reads late": ((post(b"/stream?wait=6", 1) + b"x",), [200], TOTAL + 2),
    "a client that waits for 100": (
        (post(b"/stream?wait=6", 1, b"expect: 100-continue\r\n"), TOTAL + 2.5, b"x"),
        [100, 200],
        TOTAL + 2,
    ),
    "an upload at a modest speed": ((post(length=60_000), *((0.1, b"x" * 1000) * 60)), [200], TOTAL + 2),
    "a request after each pause": ((GET, 1.5, GET, 1.5, GET, 1.5, GET), [200] * 4, TOTAL),
}


@pytest.fixture(scope="module", params=["httptools", "h11"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("connections")
    with process(folder, SCRIPT, sys.executable, "served.py", request.param, "plain") as running:
        assert running.port
        yield running


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("encrypted")
    made = trustme.CA().issue_cert("localhost", "127.0.0.1")
    made.private_key_pem.write_to_path(str(folder / "privkey.pem"))
    made.cert_chain_pems[0].write_to_path(str(folder / "fullchain.pem"))
    with process(folder, SCRIPT, sys.executable, "served.py", "httptools", "tls") as running:
        assert running.port
        yield running


class Talk(threading.Thread):
    """A client that sends some pieces, and reads until the connection is closed."""

    def __init__(self, port: int, steps: tuple[float | bytes, ...], tls: bool = False) -> None:
        super().__init__(daemon=True)
        self.steps, self.tls = steps, tls
        self.got = b""
        self.lasted: float | None = None
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.begun = time.monotonic()
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with contextlib.ExitStack() as stack:
                stack.enter_context(self.socket)
                self.socket = context.wrap_socket(self.socket)
                stack.pop_all()
        self.start()

    def run(self) -> None:
        sender = threading.Thread(target=self._send, daemon=True)
        # One thread at a time may use a TLS connection.
        if self.tls:
            self._send()
        else:
            sender.start()
        try:
            while piece := self.socket.recv(65536):
                self.got += piece
        except TimeoutError:
            return
        except OSError:
            pass  # The server has closed with something unread: the same for a client.
        self.lasted = time.monotonic() - self.begun
        self.socket.close()

    def _send(self) -> None:
        for step in self.steps:
            if isinstance(step, bytes):
                try:
                    self.socket.sendall(step)
                except OSError:
                    return
            else:
                time.sleep(step)
                if self.lasted is not None:
                    return

    @property
    def statuses(self) -> list[int]:
        return [int(line.split()[1]) for line in self.got.split(b"\n") if b"HTTP/1.1 " in line]


def test_slow_connections_are_closed_and_others_are_not(served: Process) -> None:
    # All at once, because each takes its time.
    cases = SLOW | PATIENT
    talks = {name: Talk(served.port, steps) for name, (steps, *_) in cases.items()}
    with connect(f"ws://127.0.0.1:{served.port}/echo", ping_interval=None) as websocket:
        reader = socket.create_connection(("127.0.0.1", served.port), TIMEOUT_S)
        reader.sendall(b"GET /large HTTP/1.1\r\nhost: test\r\n\r\n")
        for talk in talks.values():
            talk.join(2 * TIMEOUT_S)
        websocket.send("still here")
        assert websocket.recv(TIMEOUT_S) == "still here"
    results = {name: (talk.statuses, talk.lasted is not None) for name, talk in talks.items()}
    if results["an empty line"] == ([400], True):
        # h11 accepts no empty lines before the request.
        for name in [name for name in cases if "empty line" in name]:
            assert results.pop(name) == ([400], True)
            del cases[name]
    assert results == {name: (statuses, True) for name, (_, statuses, _) in cases.items()}
    for name, (_, _, least) in cases.items():
        # A sweeper counts from one of its looks to another.
        assert (talks[name].lasted or 0) >= least - 0.1, name
    # It has not read for longer than each limit.
    head = reader.recv(65536)
    got = len(head.partition(b"\r\n\r\n")[2])
    while got < 20_000_000 and (piece := reader.recv(1_000_000)):
        got += len(piece)
    assert got == 20_000_000
    reader.close()


def test_the_answer_to_half_a_head_is_the_applications(served: Process) -> None:
    talk = Talk(served.port, (b"GET /half?a=b HTTP/1.1\r\nx: y\r\n",))
    talk.join(TIMEOUT_S)
    head, _, body = talk.got.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 408 Request Timeout"
    # As in Sanic 25.12: response middleware runs, with a method that no client sends; and the text of the error page.
    assert {b"x-after: NONE", b"content-length: 73", b"connection: close"} <= set(lines)
    assert b"content-type: text/plain; charset=utf-8" in lines
    assert body.decode() == "⚠️ 408 — Request Timeout\n========================\nRequest Timeout\n\n"
    served.until(lambda: "* 408 73" in served.log)


def test_encrypted_connections_and_handshakes(encrypted: Process) -> None:
    port = encrypted.port
    names = ("silent", "half a head", "idle", "half a head later", "a body that stops")
    talks = {name: Talk(port, SLOW[name][0], tls=True) for name in names}
    # A handshake that does not begin, and the beginning of one.
    handshakes = [Talk(port, ()), Talk(port, (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",))]
    for talk in (*talks.values(), *handshakes):
        talk.join(2 * TIMEOUT_S)
    assert {name: talk.statuses for name, talk in talks.items()} == {name: SLOW[name][1] for name in names}
    assert all(talk.lasted is not None for talk in (*talks.values(), *handshakes))
    assert [talk.got for talk in handshakes if b"HTTP" in talk.got] == []


# The parity cases run under plain uvicorn, which has no such limits; so this compares both servers itself.
ON_BOTH = """
import sys
if sys.argv[1] == "star":
    import sanic_star.compat
    sanic_star.compat.install()
from sanic import Sanic, json, text
from sanic.exceptions import RequestTimeout

app = Sanic("Both")
app.config.update(REQUEST_TIMEOUT=0.5, KEEP_ALIVE_TIMEOUT=1, KEEP_ALIVE=sys.argv[3] != "once", MOTD=False)
app.config.FALLBACK_ERROR_FORMAT = "json" if sys.argv[3] == "json" else "auto"

@app.get("/")
async def a(request): return text("get")
@app.on_request
async def before(request): print("event", request.method, request.path, flush=True)
@app.on_response
async def after(request, response):
    response.headers["x-after"] = f"{request.method} {request.path} {response.status} {request.query_string}"

if sys.argv[3] == "own":
    @app.exception(RequestTimeout)
    async def late(request, error):
        return json([str(error), request.path, request.args, dict(request.headers), request.body.decode()], status=422)

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[2]), single_process=True, access_log=True)
"""
SENT: dict[str, tuple[float | bytes, ...]] = {
    "silent": (),
    "idle": (GET,),
    "idle twice": (GET, 0.1, GET),
    "half a head": (b"GET / HTTP/1.1\r\nhos",),
    "one letter": (b"P",),
    "an empty line": (b"\r\n",),
    "a head without its end": (b"POST /none?a=b HTTP/1.1\r\naccept: application/json\r\n",),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\n",),
    "half a head later": (GET, 0.1, b"GET /?a=b HTTP/1.1\r\nhost: a\r\n"),
    "half a head at once": (GET + b"GET /",),
    "two at once": (GET * 2,),
}


def comparable(got: bytes) -> list[object]:
    """Return what an answer says, without what belongs to the server: the order and the number of some fields."""
    answers: list[object] = []
    while got:
        head, _, got = got.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        # Spaces at the end of a line are no part of a value; ours are taken off.
        servers = (b"date:", b"server:", b"connection: keep-alive")
        fields = {line.rstrip() for line in lines[1:] if not line.startswith(servers)}
        length = next(int(line.split()[1]) for line in fields if line.startswith(b"content-length"))
        answers += [lines[0], fields, got[:length]]
        got = got[length:]
    return answers


@pytest.mark.parametrize("mode", ["plain", "own", "json", "once"])
def test_sanic_closes_and_answers_the_same_way(tmp_path: Path, mode: str) -> None:
    answers, events = [], []
    for framework in ("sanic", "star"):
        (tmp_path / "both.py").write_text(ON_BOTH)
        port = free_port()
        running = Process((sys.executable, "both.py", framework, str(port), mode), tmp_path)
        try:
            running.until(partial(is_open, port))
            # With KEEP_ALIVE off, Sanic 25.12 closes no silent connection.
            sent = {name: steps for name, steps in SENT.items() if mode != "once" or name != "silent"}
            talks = {name: Talk(port, steps) for name, steps in sent.items()}
            for talk in talks.values():
                talk.join(TIMEOUT_S)
            assert all(talk.lasted is not None for talk in talks.values())
        finally:
            running.terminate()
        answers.append({name: comparable(talk.got) for name, talk in talks.items()})
        events.append(sorted(line for line in running.lines if line.startswith("event")))
        events[-1] += [f"logged {running.log.count(' NONE http')}"]
    assert answers[0] == answers[1]
    assert events[0] == events[1]


FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
app.config.REQUEST_TIMEOUT = 600 if sys.argv[2] == "patient" else 3
app.config.KEEP_ALIVE_TIMEOUT = 600
app.config.USE_UVLOOP = sys.argv[1] == "uvloop"
app.config.ACCESS_LOG = False
if __name__ == "__main__":
    app.run(port=0, motd=False, ssl="." if sys.argv[3] == "tls" else None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhos", GET, post()])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_new_client_is_answered_where_others_hold_all_files(tmp_path: Path, loop: str, sent: bytes) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with process(tmp_path, FEW_FILES, sys.executable, "served.py", loop, "patient", "plain") as server:
        clients = []
        for _ in range(120):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server.port))
            clients.append(client)
        time.sleep(0.2)
        for client in clients:
            try:
                client.send(sent)
            except OSError:
                pass  # This one was refused.
        # Long before the limits of time. What comes at the very moment at which no file is left may be refused.
        for _ in range(5):
            assert server.get(headers={"connection": "close"}).status_code == 200
        assert server.terminate() == 0
        for client in clients:
            client.close()
    assert "Traceback" not in server.log or "out of system resource" in server.log


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_handshakes_that_hold_all_files_time_out(tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("localhost", "127.0.0.1")
    made.private_key_pem.write_to_path(str(tmp_path / "privkey.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "fullchain.pem"))
    with process(tmp_path, FEW_FILES, sys.executable, "served.py", "asyncio", "brief", "tls") as server:
        talks = []
        for _ in range(120):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server.port))
            talks.append(client)

        def answered() -> bool:
            try:
                talk = Talk(server.port, (GET.replace(b"host", b"connection: close\r\nhost"),), tls=True)
            except OSError:
                return False
            talk.join(TIMEOUT_S)
            return talk.statuses == [200]

        assert server.until(answered)
        for client in talks:
            client.close()


@pytest.mark.parametrize("parser", ["httptools", "h11"])
def test_without_keep_alive_a_response_closes_its_connection(tmp_path: Path, parser: str) -> None:
    script = SCRIPT.replace("app.config.update(KEEP", "app.config.update(KEEP_ALIVE=False, KEEP")
    with process(tmp_path, script, sys.executable, "served.py", parser, "plain") as server:
        talks = [Talk(server.port, (sent,)) for sent in (GET, GET * 2, GET.replace(b"1.1", b"1.0"), b"", GET[:9])]
        with connect(f"ws://127.0.0.1:{server.port}/echo") as websocket:
            assert websocket.response is not None
            assert websocket.response.headers.get_all("connection") == ["Upgrade"]
            websocket.send("hello")
            assert websocket.recv(TIMEOUT_S) == "hello"
        for talk in talks:
            talk.join(TIMEOUT_S)
    assert [talk.statuses for talk in talks] == [[200], [200], [200], [], [408]]
    assert [talk.got.lower().count(b"connection: close") for talk in talks] == [1, 1, 1, 0, 1]
    assert all(talk.lasted is not None for talk in talks)


@pytest.mark.parametrize("server", ["hypercorn", "granian"])
@pytest.mark.parametrize("keep_alive", [True, False])
def test_other_servers_get_the_options_that_they_have(tmp_path: Path, server: str, keep_alive: bool) -> None:
    script = SCRIPT.replace("ssl=", f"server={server!r}, ssl=")
    script = script.replace("app.config.update(KEEP", f"app.config.update(KEEP_ALIVE={keep_alive}, KEEP")
    cases: dict[str, tuple[float | bytes, ...]] = {
        "silent": (),
        "half a head": (b"GET / HTTP/1.1\r\nhos",),
        "a head byte by byte": (b"GET / HTTP/1.1\r\nx: ", *DRIP),
        "idle": (GET,),
        "later": (REQUEST / 3, GET),
        "a long request": (GET_SLOW,),
    }
    with process(tmp_path, script, sys.executable, "served.py", "httptools", "plain") as running:
        talks = {name: Talk(running.port, steps) for name, steps in cases.items()}
        for talk in talks.values():
            talk.join(TIMEOUT_S)
    assert all(talk.lasted is not None for talk in talks.values())
    assert [talk.statuses for talk in talks.values()] == [[], [], [], [200], [200], [200]]


# The sweeper itself, with a clock of the test's.


class Transport:
    """The server's end of a connection; with `unsent` bytes that the client does not read."""

    def __init__(self) -> None:
        self.closing = self.aborted = False
        self.unsent = 0
        self.ssl_object: object | None = None

    def get_extra_info(self, name: str) -> Any:
        return getattr(self, name)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Fake(Connection):
    def __init__(self, phase: Phase) -> None:
        self.transport, self.cycle = Transport(), None
        self.now = phase
        self.refused: list[Phase] = []

    def phase(self) -> Phase:
        return self.now

    def refuse(self, phase: Phase) -> None:
        self.refused.append(phase)


def sweeper(*connections: Any, max_connections: float = 100, **limits: Any) -> ConnectionSweeper:
    values = {"request_timeout": 10, "head_timeout": 30, "body_timeout": 30, "keep_alive": 20, **limits}
    made = ConnectionSweeper(set(connections), Limits(**values), max_connections)
    for connection in connections:
        made.accept(connection)
    return made


async def run_checks(swept: ConnectionSweeper, seconds: float) -> None:
    """Run all checks that the sweeper does within `seconds`."""
    if swept._timer is None:
        swept.start()
    for _ in range(round(seconds / swept._interval_s)):
        swept._last_check = swept._loop.time() - swept._interval_s
        swept.stop()
        swept._check()
    swept.stop()
    swept._timer = None


async def test_a_refused_body_that_is_not_sent_is_broken_off() -> None:
    connection = Fake(Phase.HEAD)
    swept = sweeper(connection)
    await run_checks(swept, 12)
    assert (connection.refused, connection.transport.aborted) == ([Phase.HEAD], False)
    await run_checks(swept, 12)
    assert (connection.refused, connection.transport.aborted) == ([Phase.HEAD], True)


async def test_a_client_that_does_not_read_is_left_alone_unless_it_was_refused() -> None:
    reading, stuck, answered = Fake(Phase.IDLE), Fake(Phase.IDLE), Fake(Phase.IDLE)
    reading.is_refused = stuck.is_refused = True
    swept = sweeper(reading, stuck, answered)
    for connection in (reading, stuck, answered):
        connection.transport.close()
        connection.transport.unsent = 100
    for _ in range(10):
        await run_checks(swept, 3)
        reading.transport.unsent -= 1
    assert [connection.transport.aborted for connection in (reading, stuck, answered)] == [False, True, False]


async def test_a_body_has_more_time_for_more_bytes() -> None:
    fast, slow, paused = Fake(Phase.BODY), Fake(Phase.BODY), Fake(Phase.BODY)
    swept = sweeper(fast, slow, paused)
    await run_checks(swept, 1)
    paused.now = Phase.PAUSED_BODY
    for _ in range(60):
        await run_checks(swept, 1)
        fast.received += 1000
        slow.received += 100
    assert [bool(connection.refused) for connection in (fast, slow, paused)] == [False, True, False]


async def test_without_limits_nothing_is_closed() -> None:
    connections = [Fake(phase) for phase in Phase]
    swept = sweeper(*connections, request_timeout=None, head_timeout=None, body_timeout=None, keep_alive=0)
    await run_checks(swept, 1000)
    assert not any(connection.refused or connection.transport.closing for connection in connections)


async def test_a_blocked_event_loop_closes_nothing() -> None:
    connection = Fake(Phase.HEAD)
    swept = sweeper(connection)
    await run_checks(swept, 1)
    swept._last_check = swept._loop.time() - 1000
    swept._check()
    swept.stop()
    assert not connection.refused


async def test_room_is_made_by_what_waits_longest_for_a_head() -> None:
    order = [Phase.IDLE, Phase.HEAD, Phase.ANSWER, Phase.HEAD, Phase.BODY, Phase.SILENT]
    connections = [Fake(phase) for phase in order]
    swept = sweeper(*connections)
    websocket = object()
    swept.connections.add(websocket)
    for max_connections, closed in (
        (7, []),
        (6, [1]),
        (5, [1, 3]),
        (4, [1, 3, 5]),
        (3, [0, 1, 3, 5]),
        (2, [0, 1, 3, 4, 5]),
        (1, [0, 1, 3, 4, 5]),
    ):
        swept.max_connections = max_connections
        swept._make_room()
        ended = [at for at, connection in enumerate(connections) if connection.refused or connection.transport.closing]
        assert ended == closed


async def test_the_idlest_bodies_are_closed_first() -> None:
    connections = [Fake(Phase.BODY) for _ in range(3)]
    swept = sweeper(*connections)
    await run_checks(swept, 1)
    connections[0].received = 1
    await run_checks(swept, 1)
    swept.max_connections = 2
    swept._make_room()
    assert [connection.refused for connection in connections] == [[], [Phase.BODY], []]


async def test_room_is_made_at_once_where_tls_would_wait_for_the_client() -> None:
    connections = [Fake(phase) for phase in (Phase.HEAD, Phase.ANSWER, Phase.ANSWER)]
    for connection in connections:
        connection.transport.ssl_object = object()
    sent, unsent = connections[1:]
    sent.transport.closing = unsent.transport.closing = True
    unsent.transport.unsent = 1
    swept = sweeper(*connections)
    swept.max_connections = 0
    swept._make_room()
    assert [connection.transport.aborted for connection in connections] == [True, True, False]
    assert not connections[0].refused


def test_the_number_of_connections_is_that_of_files() -> None:
    resource = pytest.importorskip("resource")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert 0 < max_open_connections() <= files
    assert len(os.listdir("/dev/fd")) < files
