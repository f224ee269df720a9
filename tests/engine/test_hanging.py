"""Hanging listeners and lifespans, at start and shutdown, under each server; and signals during a hang."""

import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.engine.processes import TIMEOUT_S, UVICORN, Process, process

START = ("before_server_start", "after_server_start")
STOP = ("before_server_stop", "after_server_stop")
# An awaiting listener, one that does so again when it is cancelled, and one that blocks the event loop.
CALLS = {
    "awaits": "await asyncio.sleep(3600)",
    "blocks": "time.sleep(3600)",
    "ignores": "await never()",
}
LIMITS = "app.config.update(STARTUP_LISTENER_TIMEOUT=0.5, SHUTDOWN_LISTENER_TIMEOUT=0.5)"
HANGING = """
import sanic_star.engine.steps, sanic_star.servers.serving, sanic_star.servers.stopping
sanic_star.engine.steps.CLEAN_UP_BEFORE_EXIT_S = 0.5
sanic_star.servers.serving.CLEAN_UP_BEFORE_EXIT_S = sanic_star.servers.stopping.CLEAN_UP_BEFORE_EXIT_S = 2
app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.5
{limits}

async def never():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

async def hang(app):
    say("hanging")
    {call}

app.register_listener(hang, {moment!r})

# Listeners of the stop run in reverse order: this one comes after the one that hangs, or before it in the other phase.
@app.before_server_start
@app.after_server_stop
def beside(app):
    say("beside")

@app.after_server_start
def ready(app):
    say("ready")

if __name__ == "__main__":
    app.run(port=0, motd=False, {options})
"""


def script(moment: str, kind: str, options: str = "", limits: str = LIMITS) -> str:
    return HANGING.format(moment=moment, call=CALLS[kind], options=options, limits=limits)


def named(server: Process, moment: str, *, times: int = 1) -> bool:
    """Return whether the log names the listener, once."""
    kind = "SHUTDOWN" if "stop" in moment else "STARTUP"
    words = f"hang has not ended after 0.5 s ({kind}_LISTENER_TIMEOUT); it is cancelled"
    return server.log.count(f"The {moment} listener ") == times == server.log.count(words)


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
@pytest.mark.parametrize("moment", START)
def test_an_awaiting_listener_at_the_start(tmp_path: Path, moment: str, name: str) -> None:
    with process(tmp_path, script(moment, "awaits", f"server={name!r}")) as server:
        assert server.wait_for_end() == 1
    assert named(server, moment)
    assert "could not be started" in server.log
    assert "Traceback" not in server.log or name == "granian"


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
@pytest.mark.parametrize("moment", STOP)
def test_an_awaiting_listener_at_the_stop(tmp_path: Path, moment: str, name: str) -> None:
    with process(tmp_path, script(moment, "awaits", f"server={name!r}")) as server:
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert named(server, moment)
    # The others run: those of the start, and at the stop.
    assert server.log.count("beside") == 2
    assert server.phases()[-2:] == list(STOP)
    assert "Traceback" not in server.log


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
def test_a_slow_stop_listener_may_finish(tmp_path: Path, name: str) -> None:
    # Longer than GRACEFUL_SHUTDOWN_TIMEOUT, which is for requests.
    slow = script("after_server_stop", "awaits", f"server={name!r}", limits="").replace(
        "sleep(3600)", "sleep(3); say('slept')"
    )
    with process(tmp_path, slow) as server:
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert "slept" in server.log
    assert server.phases()[-2:] == list(STOP)


@pytest.mark.parametrize("kind", ["blocks", "ignores"])
@pytest.mark.parametrize("moment", [*START, *STOP])
def test_an_uncancellable_listener_ends_the_process(tmp_path: Path, moment: str, kind: str) -> None:
    with process(tmp_path, script(moment, kind)) as server:
        if moment in STOP:
            assert server.get().status_code == 200
            server.popen.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == 1
    words = {"blocks": "blocks the event loop at ", "ignores": "ignores the cancellation"}[kind]
    assert f"The {moment} listener __main__.hang {words}" in server.log
    if kind == "blocks":
        assert "served.py:" in server.log
        assert "(hang); the process ends" in server.log


@pytest.mark.parametrize("kind", ["awaits", "blocks"])
@pytest.mark.parametrize("moment", [START[0], *STOP])
def test_in_workers(tmp_path: Path, moment: str, kind: str) -> None:
    with process(tmp_path, script(moment, kind, "workers=2")) as server:
        if moment in STOP:
            server.until(lambda: server.log.count("\nready") == 2)
            server.popen.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == (0 if moment in STOP else 1)
    assert server.log.count("LISTENER_TIMEOUT); it is cancelled") == 2
    assert "it is killed" not in server.log


def test_a_worker_may_take_its_time_at_the_stop(tmp_path: Path) -> None:
    # Longer than its supervisor would wait without a message from each listener.
    slow = """
    import sanic_star.servers.supervisor
    sanic_star.servers.supervisor.END_MARGIN_S = 6
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.1
    app.config.SHUTDOWN_LISTENER_TIMEOUT = 30

    @app.after_server_stop
    async def take_time(app):
        await asyncio.sleep(9)
        say("taken")

    if __name__ == "__main__":
        app.run(port=0, motd=False, workers=2)
    """
    with process(tmp_path, slow) as server:
        server.until(lambda: server.phases().count("after_server_start") == 2)
        assert server.terminate() == 0
    assert server.log.count("taken") == 2
    assert "it is killed" not in server.log


def test_a_worker_that_is_killed_is_named_with_its_listener(tmp_path: Path) -> None:
    with process(tmp_path, script("before_server_stop", "awaits", "workers=2", limits="")) as server:
        server.until(lambda: server.log.count("\nready") == 2)
        server.popen.send_signal(signal.SIGINT)
        server.until(lambda: server.log.count("hanging") == 2)
        time.sleep(0.1)  # two within a moment are one
        assert server.terminate(signal.SIGINT) == 0
    words = "does not end (it runs the before_server_stop listener __mp_main__.hang); it is killed"
    assert server.log.count(words) == 2


@pytest.mark.parametrize("kind", ["awaits", "blocks"])
@pytest.mark.parametrize("moment", ["main_process_start", "main_process_ready", "main_process_stop"])
def test_in_the_main_process(tmp_path: Path, moment: str, kind: str) -> None:
    with process(tmp_path, script(moment, kind)) as server:
        if moment == "main_process_stop":
            assert server.get().status_code == 200
            server.popen.send_signal(signal.SIGTERM)
        assert server.wait_for_end() == (0 if (moment, kind) == ("main_process_stop", "awaits") else 1)
    assert server.log.count(f"The {moment} listener __main__.hang has not ended after 0.5 s") == 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize("kind", ["awaits", "blocks"])
@pytest.mark.parametrize("moment", [*START, *STOP])
def test_under_a_server_of_somebody_else(tmp_path: Path, moment: str, kind: str) -> None:
    with process(tmp_path, script(moment, kind), *UVICORN, "served:app") as server:
        if moment in STOP:
            assert server.get().status_code == 200
            server.popen.send_signal(signal.SIGTERM)
        # uvicorn's own status where the start fails; the signal's, after an orderly stop.
        assert server.wait_for_end() == (1 if kind == "blocks" else 3 if moment in START else -signal.SIGTERM)
    assert server.log.count(f"The {moment} listener served.hang has not ended after 0.5 s") == 1
    if kind == "awaits" and moment in STOP:
        assert server.phases()[-2:] == list(STOP)


LIFESPANS = """
import contextlib

async def hang():
    say("hanging")
    await asyncio.sleep(3600)

@contextlib.asynccontextmanager
async def lifespan(app):
    if {where!r} == "start":
        await hang()
    yield
    if {where!r} == "stop":
        await hang()

if {mounted}:
    app.mount("/inner", Sanic("Inner", lifespan=lifespan))
else:
    app.router.lifespan_context = lifespan
app.config.update(STARTUP_LISTENER_TIMEOUT=0.5, SHUTDOWN_LISTENER_TIMEOUT=0.5)

if __name__ == "__main__":
    app.run(port=0, motd=False)
"""


@pytest.mark.parametrize("mounted", [False, True])
def test_lifespans(tmp_path: Path, mounted: bool) -> None:
    name = 'Sanic(name="Inner")' if mounted else "the lifespan __main__.lifespan"
    with process(tmp_path, LIFESPANS.format(where="start", mounted=mounted)) as server:
        assert server.wait_for_end() == 1
    assert "The start of the lifespan" in server.log
    assert f"{name} has not ended after 0.5 s (STARTUP_LISTENER_TIMEOUT)" in server.log
    with process(tmp_path, LIFESPANS.format(where="stop", mounted=mounted)) as server:
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert f"{name} has not ended after 0.5 s (SHUTDOWN_LISTENER_TIMEOUT)" in server.log
    assert "after_server_stop" in server.log


# Signals while something hangs that has no limit: how often SIGINT is sent, or SIGTERM once; and the status.
SIGNALS = [
    ("before_server_start", "awaits", "SIGTERM", 0),
    ("before_server_start", "blocks", "SIGTERM", 1),
    ("before_server_start", "ignores", "SIGTERM", 1),
    ("before_server_start", "awaits", "SIGINT twice", 0),
    ("before_server_start", "blocks", "SIGINT twice", 1),
    ("before_server_start", "ignores", "SIGINT twice", 1),
    ("after_server_start", "awaits", "SIGTERM", 0),
    ("after_server_start", "blocks", "SIGTERM", 1),
    ("before_server_stop", "awaits", "SIGINT twice", 0),
    ("before_server_stop", "blocks", "SIGINT twice", 1),
    ("before_server_stop", "ignores", "SIGINT twice", 1),
    ("after_server_stop", "awaits", "SIGINT twice", 0),
    ("after_server_stop", "blocks", "SIGINT twice", 1),
    ("after_server_stop", "ignores", "SIGINT twice", 1),
]


@pytest.mark.parametrize(("moment", "kind", "sent", "status"), SIGNALS)
def test_signals_meanwhile(tmp_path: Path, moment: str, kind: str, sent: str, status: int) -> None:
    limits = "app.config.SHUTDOWN_LISTENER_TIMEOUT = None"
    with process(tmp_path, script(moment, kind, limits=limits)) as server:
        number = signal.SIGTERM if sent == "SIGTERM" else signal.SIGINT
        if moment in STOP:
            assert server.get().status_code == 200
            server.popen.send_signal(number)
        server.until(lambda: "hanging" in server.log)
        if sent == "SIGINT twice" and moment in START:
            server.popen.send_signal(number)
        time.sleep(0.2)  # two within a moment are one
        assert server.terminate(number) == status
    if status:
        assert f"the {moment} listener __main__.hang" in server.log
        assert "the process ends" in server.log


def test_a_handler_that_blocks_does_not_outlive_sigterm(tmp_path: Path) -> None:
    blocking = """
    import sanic_star.servers.serving, sanic_star.servers.stopping, threading, requests
    sanic_star.servers.serving.CLEAN_UP_BEFORE_EXIT_S = sanic_star.servers.stopping.CLEAN_UP_BEFORE_EXIT_S = 0.5
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.5

    @app.get("/block")
    def block(request):
        say("blocking")
        time.sleep(3600)

    if __name__ == "__main__":
        app.run(port=0, motd=False)
    """
    with process(tmp_path, blocking) as server:
        command = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{server.port}/block')"
        with process(tmp_path, "", sys.executable, "-c", command, name="client.py"):
            server.until(lambda: "blocking" in server.log)
            assert server.terminate() == 1
    assert "something blocks it at" in server.log
    assert "(block); the process ends" in server.log


# Handlers that catch every `CancelledError`, in each kind of response; each is reached at `/ignore`.
IGNORING = {
    "stream": """
    @app.get("/ignore")
    async def ignore(request):
        await request.respond(content_type="text/event-stream")
        await never()
    """,
    "response": """
    @app.get("/ignore")
    async def ignore(request):
        await never()
    """,
    "websocket": """
    @app.websocket("/ignore")
    async def ignore(request, ws):
        await never()
    """,
}
NEVER = """
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 0.5

    async def never():
        say("never ends")
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
"""
UPGRADE = (
    b"GET /ignore HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize("kind", IGNORING)
@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
def test_a_handler_that_ignores_its_cancellation_does_not_outlive_sigterm(tmp_path: Path, name: str, kind: str) -> None:
    main = f"""
    if __name__ == "__main__":
        app.run(port=0, motd=False, server={name!r})
    """
    with process(tmp_path, NEVER + IGNORING[kind] + main) as server:
        head = UPGRADE if kind == "websocket" else b"GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n"
        server.get()
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as client:
            client.sendall(head)
            server.until(lambda: "never ends" in server.log)
            assert server.terminate() == 1
    assert "something ignores its cancellation; the process ends" in server.log
    assert "after_server_stop" in server.log


def test_the_watch_ends_with_the_server(tmp_path: Path) -> None:
    # Ctrl-C twice, with a program that runs on for longer than the watch would wait.
    onward = """
    import sanic_star.servers.serving, sanic_star.servers.stopping
    sanic_star.servers.serving.CLEAN_UP_BEFORE_EXIT_S = sanic_star.servers.stopping.CLEAN_UP_BEFORE_EXIT_S = 0.5

    @app.before_server_stop
    async def hang(app):
        say("hanging")
        await asyncio.sleep(3600)

    app.run(port=0, motd=False)
    time.sleep(3)
    say("went on")
    """
    with process(tmp_path, onward) as server:
        assert server.get().status_code == 200
        server.popen.send_signal(signal.SIGINT)
        server.until(lambda: "hanging" in server.log)
        time.sleep(0.2)
        assert server.terminate(signal.SIGINT) == 0
    assert "went on" in server.log
