"""Running an application in processes, as users do, and its view from inside."""

import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import connect

from sanic_star import Request, Sanic, text
from sanic_star.servers import CannotServe, Settings, stop
from sanic_star.servers.serving import serve, served
from sanic_star.servers.sockets import Sockets
from tests.engine.processes import TIMEOUT_S, UVICORN, free_port, is_open, process

START, STOP = ["before_server_start", "after_server_start"], ["before_server_stop", "after_server_stop"]
PORTS = """
port = {port}

def look(moment):
    import socket
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        say(moment, "open")
    except OSError:
        say(moment, "closed")

for moment in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
    app.register_listener(lambda app, moment=moment: look("at " + moment), moment)
app.run(port=port)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_phase_has_its_exact_moment(tmp_path: Path, number: signal.Signals) -> None:
    with process(tmp_path, PORTS.format(port=free_port())) as server:
        assert server.get().status_code == 200
        assert server.terminate(number) == 0
    assert [line.split("at ")[1].strip() for line in server.lines if line.startswith("at ")] == [
        "before_server_start closed",
        "after_server_start open",
        "before_server_stop open",
        "after_server_stop closed",
    ]


def test_requests_finish_and_endless_ones_end_at_the_stop(tmp_path: Path) -> None:
    script = """
    @app.get("/slow")
    async def slow(request):
        say("slow begun")
        await asyncio.sleep(0.3)
        return text("finished")

    @app.get("/events")
    async def events(request):
        response = await request.respond(content_type="text/event-stream")
        try:
            while True:
                await response.send("data: x\\n\\n")
                await asyncio.sleep(0.01)
        finally:
            say("events cleaned up")

    @app.websocket("/ws")
    async def ws(request, ws):
        try:
            await ws.recv()
        finally:
            say("websocket cleaned up")

    if __name__ == "__main__":
        app.run(port=0)
    """
    with process(tmp_path, script) as server:
        stop_all(server)
    assert server.wait_for_end() == 0


def test_plain_uvicorn_stops_as_fast_with_everything_open(tmp_path: Path) -> None:
    script = """
    from starlette.responses import StreamingResponse

    @app.get("/slow")
    async def slow(request):
        say("slow begun")
        await asyncio.sleep(0.3)
        return text("finished")

    @app.get("/events")
    async def events(request):
        async def parts():
            try:
                while True:
                    yield b"data: x\\n\\n"
                    await asyncio.sleep(0.01)
            finally:
                say("events cleaned up")
        return StreamingResponse(parts(), media_type="text/event-stream")

    @app.websocket("/ws")
    async def ws(request, ws):
        try:
            await ws.recv()
        finally:
            say("websocket cleaned up")
    """
    with process(tmp_path, script, *UVICORN, "served:app") as server:
        stop_all(server)
    # uvicorn raises the signal again after a clean stop.
    assert server.wait_for_end() == -signal.SIGTERM


@pytest.mark.parametrize("command", [(), (*UVICORN, "served:app")], ids=["app.run", "uvicorn"])
def test_a_refused_handshake_is_not_logged_as_an_error(tmp_path: Path, command: tuple[str, ...]) -> None:
    script = """
    from sanic_star.compat.exceptions import Forbidden

    @app.on_request
    async def guard(request):
        if request.path == "/forbidden":
            raise Forbidden("no")

    async def silent(scope, receive, send):
        await receive()

    async def half(scope, receive, send):
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})

    app.mount("/silent", silent)
    app.mount("/half", half)
    if __name__ == "__main__":
        app.run(port=0)
    """
    with process(tmp_path, script, *command) as server:
        assert server.get().status_code == 200
        # No one answers the last one, and uvicorn logs that correctly.
        for path, status in (("nowhere", 404), ("forbidden", 403), ("nowhere", 404), ("silent", 500)):
            with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{server.port}/{path}"):
                pass
            assert refused.value.response.status_code == status
        # So it is where the answer was begun, and not ended.
        with pytest.raises(InvalidMessage), connect(f"ws://127.0.0.1:{server.port}/half"):
            pass
        server.until(lambda: server.log.count("without completing handshake") > 1 or None)
    assert server.log.count("without completing handshake") == 2


def stop_all(server: Any) -> None:
    """Open a stream of events, a websocket and a request that takes its time; stop the server."""
    base = f"127.0.0.1:{server.port}"
    assert server.get().status_code == 200
    answers: list[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(requests.get(f"http://{base}/slow", timeout=TIMEOUT_S).text)
    )
    with (
        requests.get(f"http://{base}/events", stream=True, timeout=TIMEOUT_S) as events,
        connect(f"ws://{base}/ws") as ws,
    ):
        parts = events.iter_content(None)
        assert next(parts).startswith(b"data: x\n\n")
        thread.start()
        server.until(lambda: "slow begun" in server.log)
        began = time.monotonic()
        server.popen.send_signal(signal.SIGTERM)
        # A complete body: a connection that broke off would raise.
        assert all(part.startswith(b"data:") for part in parts)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(TIMEOUT_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        thread.join(TIMEOUT_S)
        server.wait_for_end()
        assert time.monotonic() - began < 10
    assert answers == ["finished"]
    assert server.phases() == START + STOP
    assert "events cleaned up" in server.log
    assert "websocket cleaned up" in server.log


def read_until_close_frame(connection: socket.socket, message: bytes) -> None:
    """Send one text message over a new websocket, and read until the close frame after the echo."""
    connection.sendall(
        b"GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4096)
    # A mask of zeros leaves the text as it is.
    connection.sendall(bytes([0x81, 0x80 | len(message)]) + bytes(4) + message)
    echo = bytes([0x81, len(message)]) + message
    code = 1011 if message == b"fail" else 1000
    while b"\x88\x02" + code.to_bytes(2, "big") not in received.partition(echo)[2]:
        part = connection.recv(4096)
        assert part, received
        received += part


# granian 2.8 closes the connection after its own close frame.
@pytest.mark.parametrize("message", [b"over", b"fail"])
@pytest.mark.parametrize("server_name", ["uvicorn", "hypercorn"])
def test_the_connection_of_a_websocket_stays_open_until_the_client_has_closed_it_too(
    tmp_path: Path, server_name: str, message: bytes
) -> None:
    """RFC 6455, section 7.1.1; a client that writes into a closed connection may lose messages that it has not read."""
    script = f"""
    @app.websocket("/ws")
    async def ws(request, ws):
        message = await ws.recv()
        await ws.send(message)
        if message == "fail":
            raise RuntimeError(message)

    app.run(port=0, server="{server_name}")
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as connection:
            read_until_close_frame(connection, message)
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(4096)
            connection.settimeout(TIMEOUT_S)
            began = time.monotonic()
            connection.sendall(bytes([0x88, 0x82]) + bytes(4) + b"\x03\xe8")
            assert connection.recv(4096) == b""
            assert time.monotonic() - began < 2
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as silent:
            read_until_close_frame(silent, message)
            began = time.monotonic()
            assert server.terminate() == 0
            assert time.monotonic() - began < 10


def test_an_ended_websocket_does_not_delay_the_stop(tmp_path: Path) -> None:
    """hypercorn keeps its connection until the next ping is due, and would wait for the whole graceful timeout."""
    script = """
    @app.websocket("/ws")
    async def ws(request, ws):
        await ws.send(await ws.recv())

    app.run(port=0, server="hypercorn")
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        with connect(f"ws://127.0.0.1:{server.port}/ws") as ws:
            ws.send("over")
            assert ws.recv(TIMEOUT_S) == "over"
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("server_name", ["uvicorn", "hypercorn", "granian"])
@pytest.mark.parametrize(
    ("phase", "change"), [("before_server_start", "started"), ("after_server_stop", "stopped")], ids=["start", "stop"]
)
def test_the_cause_of_a_failed_start_or_stop_is_in_the_log_of_the_application(
    tmp_path: Path, server_name: str, phase: str, change: str
) -> None:
    script = f"""
    import logging

    class Handler(logging.Handler):
        def emit(self, record):
            if record.exc_info:
                say("handled", record.getMessage(), repr(record.exc_info[1]))

    logging.getLogger("sanic.error").addHandler(Handler())

    @app.listener("{phase}")
    async def fail(app):
        raise RuntimeError("the database is down")

    if __name__ == "__main__":
        app.run(port=0, server="{server_name}", motd=False)
    """
    with process(tmp_path, script) as server:
        if change == "started":
            assert server.wait_for_end() == 1
        else:
            assert server.get().status_code == 200
            assert server.terminate() == 0
    handled = f"handled The application could not be {change} RuntimeError('the database is down')"
    assert server.log.count(handled) == 1
    # granian logs a failed start itself, too.
    assert server.log.count("Traceback") == (2 if server_name == "granian" and change == "started" else 1)
    assert ("could not be started" in server.log) == (change == "started")
    assert "Application startup failed" not in server.log


def test_two_workers(tmp_path: Path) -> None:
    with process(tmp_path, "\nif __name__ == '__main__':\n    app.run(port=0, workers=2)\n") as server:
        server.until(lambda: server.phases().count("after_server_start") == 2)
        pid = int(server.get().text)
        assert pid != server.popen.pid
        assert server.terminate() == 0
    assert sorted(server.phases()) == sorted((START + STOP) * 2)


def test_a_script_without_the_guard_serves_once(tmp_path: Path) -> None:
    with process(tmp_path, "say('imported')\napp.run(port=0, workers=2)\nsay('returned')\n") as server:
        server.until(lambda: server.phases().count("after_server_start") == 2)
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert server.log.count("imported") == 3
    assert server.log.count("Listening on") == 1


def test_an_edit_is_picked_up(tmp_path: Path) -> None:
    script = """
    @app.get("/word")
    async def word(request):
        return text("first")

    @app.reload_process_start
    async def watching(app): say("watching begins")
    @app.before_reload_trigger
    def before(app): say("before the reload"); raise ValueError("of a listener")
    @app.after_reload_trigger
    async def after(app, loop, changed): say(f"after the reload of {len(changed)} file")
    @app.reload_process_stop
    def over(app): say("watching ends")

    if __name__ == "__main__":
        app.run(port=0, auto_reload=True)
    """
    with process(tmp_path, script) as server:
        assert server.get("/word").text == "first"
        source = tmp_path / "served.py"
        source.write_text(source.read_text().replace('"first"', '"second"'))
        # The supervisor begins to watch a moment after its child serves.
        server.until(lambda: "Reloading" in server.log or _touch(source))
        server.until(lambda: server.get("/word").text == "second")
        server.until(lambda: "after the reload of" in server.log)
        assert server.terminate() == 0
    assert server.phases()[:4] == START + STOP
    lines = ["watching begins", "before the reload", "after the reload of 1 file", "watching ends"]
    places = [server.log.index(line) for line in lines]
    assert places == sorted(places)
    assert "A listener of before_reload_trigger failed" in server.log


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_exits_with_status_1(tmp_path: Path, workers: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with process(
            tmp_path, f"\nif __name__ == '__main__':\n    app.run(port={port}, workers={workers})\n"
        ) as server:
            assert server.wait_for_end() == 1
    assert "address already in use" in server.log.lower()
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("setting", "run"),
    [
        ("REQUEST_TIMEOUT", ""),
        ("REQUEST_TIMEOUT", "workers=2"),
        ("WEBSOCKET_MAX_SIZE", "server='hypercorn'"),
        ("REQUEST_TIMEOUT", "server='granian'"),
    ],
)
def test_an_invalid_setting_exits_with_status_1(tmp_path: Path, setting: str, run: str) -> None:
    script = f"\napp.config.{setting} = 'x'\nif __name__ == '__main__':\n    app.run(port=0, motd=False, {run})\n"
    with process(tmp_path, script) as server:
        assert server.wait_for_end() == 1
    assert server.log.count(f"{setting} is 'x'; it has to be a number") == 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize("when", ["", "@app.before_server_start\nasync def set_late(app):\n    "])
def test_an_invalid_setting_is_one_line_under_plain_uvicorn(tmp_path: Path, when: str) -> None:
    with process(tmp_path, f"\n{when}app.config.RESPONSE_TIMEOUT = 'x'\n", *UVICORN, "served:app") as server:
        assert server.wait_for_end() == 3
    assert server.log.count("RESPONSE_TIMEOUT is 'x'; it has to be a number") == 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize("phase", START)
def test_a_failing_listener_ends_the_process_with_an_error(tmp_path: Path, phase: str) -> None:
    script = f"""
    @app.listener({phase!r})
    async def fail(app):
        raise RuntimeError("no database")

    app.run(port=0)
    """
    with process(tmp_path, script) as server:
        assert server.wait_for_end() == 1
    assert "no database" in server.log
    assert ("after_server_stop" in server.phases()) is (phase != "before_server_start")


def test_app_stop_ends_run(tmp_path: Path) -> None:
    script = """
    @app.get("/stop")
    async def stop(request):
        app.stop()
        return text("stopping")

    app.run(port=0)
    say("returned")
    """
    with process(tmp_path, script) as server:
        assert server.get("/stop").text == "stopping"
        assert server.wait_for_end() == 0
    assert server.phases() == START + STOP
    assert "returned" in server.log


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    script = """
    @app.get("/hang")
    async def hang(request):
        say("hanging")
        await asyncio.sleep(3600)

    app.run(port=0)
    """
    with process(tmp_path, script) as server:
        url = f"http://127.0.0.1:{server.port}/hang"
        threading.Thread(target=lambda: _swallow(url), daemon=True).start()
        server.until(lambda: "hanging" in server.log)
        server.popen.send_signal(signal.SIGINT)
        server.until(lambda: "before_server_stop" in server.log)
        time.sleep(0.1)  # two within a moment are one
        assert server.terminate(signal.SIGINT) == 0
    assert "Traceback" not in server.log


@pytest.mark.parametrize("moment", STOP)
def test_a_listener_that_fails_does_not_keep_the_stop_from_its_end(tmp_path: Path, moment: str) -> None:
    script = f"""
    @app.listener("{moment}")
    async def fail(app):
        raise RuntimeError("in a listener")

    app.run(port=0, motd=False)
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert server.phases() == START + STOP
    assert server.log.count("RuntimeError: in a listener") == 1


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian"])
def test_a_stop_in_the_middle_of_the_start(tmp_path: Path, server: str) -> None:
    script = f"""
    @app.before_server_start
    async def connect(app):
        say("connecting")
        await asyncio.sleep(0.5)

    app.run(port=0, motd=False, server="{server}")
    """
    with process(tmp_path, script) as served:
        served.until(lambda: "connecting" in served.log)
        assert served.terminate() == 0
    assert served.phases() == START + STOP


def test_a_start_that_hangs_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    script = """
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.3

    @app.before_server_start
    async def connect(app):
        say("connecting")
        await asyncio.sleep(3600)

    app.run(port=0, motd=False)
    """
    with process(tmp_path, script) as served:
        served.until(lambda: "connecting" in served.log)
        assert served.terminate() == 0
    assert "before_server_stop" not in served.phases()


def _touch(path: Path) -> bool:
    path.touch()
    return False


def _swallow(url: str) -> None:
    try:
        requests.get(url, timeout=TIMEOUT_S)
    except requests.RequestException:
        pass


# In this process ----------------------------------------------------------------------------------------------------


def serving_thread(app: Sanic[Any, Any], server: str = "uvicorn") -> tuple[threading.Thread, int, list[BaseException]]:
    """Serve an application in a thread: signals belong to the process of the tests."""
    settings = (Settings(port=0, server=server),)
    failed: list[BaseException] = []
    sockets = Sockets(settings)
    port = sockets[0][0].getsockname()[1]

    def run() -> None:
        try:
            with sockets:
                serve([app], settings, sockets)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, port, failed


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian"])
def test_a_server_in_this_process(server: str) -> None:
    app: Sanic[Any, Any] = Sanic("Inside")
    events: list[str] = []
    for phase in START + STOP:
        app.register_listener(lambda app, phase=phase: events.append(phase), phase)

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    ready = threading.Event()
    app.after_server_start(lambda app: ready.set())
    stop(app)
    thread, port, failed = serving_thread(app, server)
    assert ready.wait(TIMEOUT_S)
    answer = requests.get(f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S)
    assert answer.text == "hello"
    stop(Sanic("Other"))
    assert [served_app for served_app, _ in served] == [app]
    stop(app)
    thread.join(TIMEOUT_S)
    assert failed == []
    assert events == START + STOP
    assert served == []
    assert app._engine.lifecycle.starter == "lifespan"
    assert not is_open(port)


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian"])
def test_a_failing_after_start_shuts_down(server: str) -> None:
    app: Sanic[Any, Any] = Sanic("InsideFailing")
    events: list[str] = []
    for phase in (START[0], *STOP):
        app.register_listener(lambda app, phase=phase: events.append(phase), phase)

    @app.after_server_start
    async def fail(app: Any) -> None:
        raise RuntimeError("no cache")

    thread, _, failed = serving_thread(app, server)
    thread.join(TIMEOUT_S)
    assert "no cache" in repr(failed)
    assert events == [START[0], *STOP]
    assert served == []


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian"])
def test_a_failing_before_start_does_not_listen(server: str) -> None:
    app: Sanic[Any, Any] = Sanic("InsideNoStart")

    @app.before_server_start
    async def fail(app: Any) -> None:
        raise RuntimeError("no cache")

    thread, port, failed = serving_thread(app, server)
    thread.join(TIMEOUT_S)
    assert isinstance(failed[0], CannotServe)
    assert not is_open(port)
    assert served == []


def test_a_worker_that_imports_the_main_module_does_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing import current_process

    monkeypatch.setattr(current_process(), "_inheriting", True, raising=False)
    app: Sanic[Any, Any] = Sanic("Inheriting")
    app.run("256.0.0.1", 0)


@pytest.mark.parametrize("run", ["", "workers=2", "auto_reload=True", "single_process=True"])
def test_an_application_named_after_its_script(tmp_path: Path, run: str) -> None:
    # In a process that the script spawns, `__name__` is another one.
    script = f"""
    app = Sanic(__name__)

    @app.get("/name")
    async def name(request):
        return text(f"{{app.name}} {{request.app is app}} {{app.url_for('name')}} {{Sanic.get_app('__main__') is app}}")

    if __name__ == "__main__":
        app.run(port=0, {run})
    """
    with process(tmp_path, script) as server:
        named = "__mp_main__" if "workers" in run or "reload" in run else "__main__"
        assert server.get("/name").text == f"{named} True /name True"
        assert server.terminate() == 0
    assert "Traceback" not in server.log
