"""`Sanic.start_method`: the state of forked workers, and how they end, restart and reload."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from sanic_star import Sanic, text
from sanic_star.compat.compat import use_context
from tests.engine.processes import TIMEOUT_S, Process, process

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")

# The same source on Sanic and here. The application is local to a function, and nothing in it can be pickled.
LOCAL = """
import asyncio, multiprocessing, os, sys

if sys.argv[1] != "sanic":
    import sanic_star.compat
    sanic_star.compat.install()
from sanic import Sanic, text

print("imported", flush=True)
Sanic.start_method = "fork"

def main():
    app, secret = Sanic("Local"), object()
    app.config.MOTD = False
    app.config.AUTO_EXTEND = False
    main_pid = os.getpid()

    def say(*words):
        sys.stdout.write(" ".join(map(str, words)) + "\\n")
        sys.stdout.flush()

    @app.get("/")
    async def hello(request):
        return text("hello")

    @app.main_process_start
    async def begin(app):
        app.ctx.main, app.shared_ctx.count = secret, multiprocessing.Value("i", 0)

    @app.main_process_ready
    async def ready(app):
        app.ctx.ready = secret
        app.manager.manage("Local", lambda label: say("job", label is secret), {"label": secret})

    @app.before_server_start
    async def start(app):
        has_all = app.ctx.main is app.ctx.ready is secret
        say("worker", has_all, os.getpid() != main_pid, app.m.name, os.getppid() == main_pid)
        app.ctx.main = None

    @app.after_server_start
    async def count(app):
        with app.shared_ctx.count.get_lock():
            app.shared_ctx.count.value += 1
            is_last = app.shared_ctx.count.value == 2
        async def stop(app):
            await asyncio.sleep(1)
            app.stop()
        if is_last:
            app.add_task(stop)

    @app.main_process_stop
    async def end(app):
        say("end", app.ctx.main is secret, app.shared_ctx.count.value, multiprocessing.get_start_method())

    app.run(port=0, workers=2)
    say("after run", os.getpid() == main_pid)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("flavour", ["sanic", "ours"])
def test_a_local_application_on_both_frameworks(tmp_path: Path, flavour: str) -> None:
    path = tmp_path / "local.py"
    path.write_text(LOCAL)
    server = Process((sys.executable, str(path), flavour), tmp_path, own_session=True)
    try:
        assert server.wait_for_end() == 0
    finally:
        server.popen.kill()
    lines = [line.strip() for line in server.lines]
    assert lines.count("imported") == 1
    assert [line for line in sorted(lines) if line.startswith("worker")] == [
        f"worker True True Sanic-Server-{number}-0 True" for number in (0, 1)
    ]
    assert {"job True", "end True 2 fork", "after run True"} <= {*lines}


MADE = """
def make():
    made = Sanic("Made")
    Sanic.start_method = "fork"
    code = 1

    @made.get("/")
    async def hello(request):
        return text(f"{code} {os.getpid()}")

    @made.get("/m/<action>")
    async def order(request, action):
        made.m.scale(3) if action == "scale" else made.m.restart()
        return text(str(sorted(name for name in made.m.workers if "Server" in name)))

    @made.after_server_start
    async def ready(made):
        handlers = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGUSR1)]
        say("ready", os.getpid(), handlers[0] == inherited, handlers[1] is note)
    return made

def note(number, frame):
    pass

# Ignored under `nohup`.
inherited = signal.getsignal(signal.SIGHUP)

if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, note)
    Sanic.unregister_app(app)
    make().run(port=0, motd=False, %s)
"""


def ready(server: Process) -> list[int]:
    """Return the ids of the workers that were ready, in order; each had the program's own signal handlers."""
    return [int(pid) for pid in re.findall(r"^ready (\d+) True True$", server.log, re.M)]


def test_it_is_killed_restarted_and_scaled(tmp_path: Path) -> None:
    with process(tmp_path, MADE % "workers=2, debug=True") as server:
        server.until(lambda: len(ready(server)) == 2)
        server.popen.send_signal(signal.SIGHUP)
        server.until(lambda: server.log.count("Worker complete") == 2)
        assert len(ready(server)) == 4
        os.kill(ready(server)[-1], signal.SIGKILL)
        server.until(lambda: len(ready(server)) == 5)
        assert server.get("/m/scale").text.startswith("['Sanic-Server-0-0', 'Sanic-Server-1-0'")
        server.until(lambda: len(ready(server)) == 6)
        assert server.get("/m/restart").status_code == 200
        server.until(lambda: len(ready(server)) == 7)
        assert server.terminate(signal.SIGINT) == 0
    assert "Traceback" not in server.log


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_end_with_their_supervisor(tmp_path: Path, workers: int) -> None:
    # No worker may keep an end of the channel open by which another one, or itself, notices that.
    with process(tmp_path, MADE % f"workers={workers}, auto_reload=True") as server:
        server.until(lambda: len(ready(server)) == workers)
        server.popen.kill()
        # The pipe of the log closes when the last process has ended.
        server.wait_for_end()
        server._reader.join(TIMEOUT_S)
        assert not server._reader.is_alive()
    assert server.log.count("Worker complete") == workers


def test_a_reload_of_a_module(tmp_path: Path) -> None:
    script = """
    Sanic.start_method = "fork"
    print("imported", flush=True)

    @app.get("/code")
    async def code(request):
        return text("code 1")

    if __name__ == "__main__":
        app.run(port=0, motd=False, auto_reload=True)
    """
    with process(tmp_path, script) as server:
        assert server.get("/code").text == "code 1"
        assert server.log.count("imported") == 1
        path = tmp_path / "served.py"
        source = path.read_text()
        path.write_text(source.replace("code 1", "code 2"))
        server.until(lambda: server.get("/code").text == "code 2")
        # What cannot be imported waits for the next change.
        path.write_text("def (")
        server.until(lambda: "waiting for the next change" in server.log)
        path.write_text(source.replace("code 1", "code 3"))
        server.until(lambda: server.get("/code").text == "code 3")
        assert server.terminate() == 0
    assert "SyntaxError" in server.log
    assert "workers are forked" not in server.log


def test_a_reload_of_what_cannot_be_imported(tmp_path: Path) -> None:
    with process(tmp_path, MADE % "auto_reload=True") as server:
        server.until(lambda: len(ready(server)) == 1)
        path = tmp_path / "served.py"
        path.write_text(path.read_text().replace("code = 1", "code = 2"))
        server.until(lambda: len(ready(server)) == 2)
        assert server.get().text == f"1 {ready(server)[1]}"
        assert server.terminate() == 0
    assert "so workers are forked. Changes take effect when the whole program is restarted" in server.log


def test_unix_sockets_certificates_and_several_applications(tmp_path: Path) -> None:
    script = """
    import ssl
    Sanic.start_method = "fork"

    def main():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("both.pem")
        second = Sanic("Second")
        second.add_route(lambda request: text("second"), "/")
        app.prepare(port=0, ssl=context, workers=2, motd=False)
        second.prepare(unix="second.sock", motd=False)
        Sanic.serve()

    if __name__ == "__main__":
        main()
    """
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with process(tmp_path, script) as server:
        server.until(lambda: server.log.count("Listening on") == 2)
        url = f"https://127.0.0.1:{server.port}/"
        assert requests.get(url, verify=str(tmp_path / "ca.pem"), timeout=TIMEOUT_S).status_code == 200
        listener = str(tmp_path / "second.sock")
        curl = ["curl", "-s", "--unix-socket", listener, "http://second/"]
        assert subprocess.run(curl, capture_output=True, check=True, timeout=TIMEOUT_S).stdout == b"second"
        assert server.terminate() == 0
    assert not os.path.exists(listener)


def test_forkserver(tmp_path: Path) -> None:
    script = """
    import multiprocessing
    Sanic.start_method = "forkserver"

    @app.main_process_start
    async def share(app):
        app.shared_ctx.queue = multiprocessing.Queue()
        app.ctx.main = True

    @app.after_server_start
    async def ready(app):
        app.shared_ctx.queue.put(hasattr(app.ctx, "main"))

    @app.main_process_stop
    async def tell(app):
        say("told", app.shared_ctx.queue.get(timeout=20), multiprocessing.get_start_method())

    if __name__ == "__main__":
        app.run(port=0, motd=False)
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert "told False forkserver" in server.log


@pytest.mark.parametrize("method", ["frok", 7, ""])
def test_no_such_method(caplog: pytest.LogCaptureFixture, method: object) -> None:
    app = Sanic("Wrong")
    app.add_route(lambda request: text("never"), "/")
    begun: list[Any] = []
    for event in ("main_process_start", "main_process_ready", "main_process_stop"):
        app.register_listener(begun.append, event)
    with use_context(method), pytest.raises(SystemExit) as end:  # type: ignore[arg-type]
        app.run(port=0, motd=False)
    assert end.value.code == 1
    assert not begun
    assert f"Sanic.start_method must be one of fork, spawn, forkserver on this system, got {method!r}" in caplog.text
    assert not app.state.server_info
