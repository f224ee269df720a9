"""When an application has a main process in addition to the serving one, and what happens without it."""

import re
import socket
import sys
from pathlib import Path

import pytest

from tests.engine.processes import process

# Tells which process runs what; `main` is the one that was started.
TELLING = """
import threading

app.ctx.changed = "no"

@app.get("/who")
async def who(request):
    return text(f"{os.getpid()} {app.ctx.changed} {sorted(vars(app.shared_ctx))}")
"""
LISTENERS = """
@app.main_process_start
async def started(app):
    app.ctx.changed = "yes"
    app.ctx.loop = asyncio.get_running_loop()
    say("main_process_start", os.getpid())

@app.main_process_ready
async def ready(app):
    say("main_process_ready", os.getpid(), type(app.manager).__name__)

@app.main_process_stop
async def stopped(app):
    say("main_process_stop", os.getpid(), app.ctx.changed, app.ctx.loop is asyncio.get_running_loop())
"""
RUN = """
if __name__ == "__main__":
    app.run(port=0, motd=False, {how})
"""
ALONE = "No other process can import the application, so this one serves it"


@pytest.mark.parametrize(
    ("script", "how", "processes"),
    [
        ("", "", 1),
        ("", "workers=1", 1),
        ("", "single_process=True", 1),
        (LISTENERS, "single_process=True", 1),
        (LISTENERS, "", 2),
        ("app.main_process_stop(lambda app: None)", "", 2),
        ("app.main_process_ready(lambda app, loop: None)", "", 2),
        ("app.shared_ctx.number = 5", "", 2),
        ("", "workers=2", 3),
        ("", "auto_reload=True", 2),
    ],
)
def test_how_many_processes(tmp_path: Path, script: str, how: str, processes: int) -> None:
    with process(tmp_path, TELLING + script + RUN.format(how=how)) as server:
        pid, changed = server.get("/who").text.split()[:2]
        assert (int(pid) == server.popen.pid) is (processes == 1)
        assert changed == "no"
        server.until(lambda: server.phases().count("after_server_start") == max(1, processes - 1))
        assert server.terminate() == 0
    assert server.phases().count("after_server_stop") == max(1, processes - 1)
    assert ALONE not in server.log
    # No process calls them, and the log warns about that.
    warning = "because a single process has no main process beside it: main_process_start (started); main_process_ready"
    assert (warning in server.log) is (script == LISTENERS and processes == 1)
    if script == LISTENERS:
        lines = re.findall(r"^main_process_\w+ .*", server.log, re.M)
        main = server.popen.pid
        assert lines == (
            []
            if processes == 1
            else [
                f"main_process_start {main}",
                f"main_process_ready {main} WorkerManager",
                f"main_process_stop {main} yes True",
            ]
        )


def test_main_process_ready_can_share_values(tmp_path: Path) -> None:
    script = """
import multiprocessing

@app.main_process_ready
def share(app):
    # The name of a method of the context.
    app.shared_ctx.lock = multiprocessing.Lock()
"""
    with process(tmp_path, TELLING + script + RUN.format(how="")) as server:
        assert "'lock'" in server.get("/who").text
        assert server.terminate() == 0


# The application exists in the process that was started, and nowhere else.
LOCAL = """
def local():
    app = Sanic("Local")

    @app.get("/who")
    async def who(request):
        return text(f"{os.getpid()} {app.ctx.changed}")
"""
UNIMPORTABLE = {
    "a local function": (LOCAL + LISTENERS.replace("\n", "\n    ") + "\n    app.run(port=0, motd=False)\n"
    "if __name__ == '__main__':\n    local()\n", "'Local' not found"),
    "a main module that fails elsewhere": (
        TELLING + LISTENERS + "\nif __name__ != '__main__':\n    raise LookupError('not here')\n" + RUN.format(how=""),
        "LookupError: not here",
    ),
    "a main module that ends elsewhere": (
        TELLING + LISTENERS + "\nif __name__ != '__main__':\n    sys.exit(0)\n" + RUN.format(how=""),
        "SystemExit: 0",
    ),
    "a factory without a name": (
        TELLING + LISTENERS + "\nif __name__ == '__main__':\n    app.prepare(port=0, motd=False)\n"
        "    Sanic.serve(app, factory=lambda: app)\n",
        "it can't be sent to one: Can't pickle",
    ),
    "something shared that cannot be sent": (
        TELLING + LISTENERS + "\napp.shared_ctx.lock = threading.Lock()\n" + RUN.format(how=""),
        "cannot pickle '_thread.lock' object",
    ),
    "a lock that was made for forked processes": (
        TELLING + LISTENERS + "\nimport multiprocessing\n"
        "app.shared_ctx.lock = multiprocessing.get_context('fork').Lock()\n" + RUN.format(how=""),
        "A SemLock created in a fork context is being shared with a process in a spawn context",
    ),
    "a daemonic process": (
        TELLING + LISTENERS + "\nif __name__ == '__main__':\n    import multiprocessing\n"
        "    context = multiprocessing.get_context('fork')\n"
        "    child = context.Process(target=lambda: app.run(port=0, motd=False), daemon=True)\n"
        "    child.start()\n    signal.signal(signal.SIGTERM, lambda *_: child.terminate())\n    child.join()\n",
        "daemonic processes are not allowed to have children",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNIMPORTABLE)
def test_an_application_that_no_other_process_can_import(tmp_path: Path, name: str) -> None:
    script, reason = UNIMPORTABLE[name]
    with process(tmp_path, script) as server:
        pid, changed = server.get("/who").text.split()[:2]
        assert changed == "yes"
        if name != "a daemonic process":
            assert int(pid) == server.popen.pid
        assert server.terminate() == 0
    lines = [line for line in server.lines if ALONE in line]
    assert len(lines) == 1
    assert reason in lines[0]
    assert "Traceback" not in server.log
    assert f"main_process_stop {pid} yes True" in server.log


@pytest.mark.parametrize("how", ["-c", "-"])
def test_a_main_module_without_a_path(tmp_path: Path, how: str) -> None:
    script = TELLING + LISTENERS + RUN.format(how="")
    runner = (
        (sys.executable, "-c", "import pathlib; exec(pathlib.Path('served.py').read_text())")
        if how == "-c"
        else ("/bin/sh", "-c", f"exec {sys.executable} - < served.py")
    )
    with process(tmp_path, script, *runner) as server:
        assert server.get("/who").text.split()[1] == "yes"
        assert server.terminate() == 0
    assert server.log.count(ALONE) == 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize("how", ["workers=2", "auto_reload=True"])
def test_multi_process_features_are_refused_in_one_process(tmp_path: Path, how: str) -> None:
    script = LOCAL + f"\n    app.run(port=0, motd=False, {how})\nif __name__ == '__main__':\n    local()\n"
    with process(tmp_path, script) as server:
        if "workers" in how:
            assert server.wait_for_end() == 1
        else:
            server.until(lambda: "the application could not be started; waiting for the next change" in server.log)
            assert server.terminate() == 0
    assert "'Local' not found" in server.log
    assert ALONE not in server.log


@pytest.mark.parametrize("how", ["", "workers=2", "dev=True"])
def test_each_process_has_the_served_addresses(tmp_path: Path, how: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    script = """
@app.before_server_start
async def tell(app):
    say("location", app.serve_location)
"""
    with process(tmp_path, script + RUN.format(how=how).replace("port=0", f"port={port}")) as server:
        assert server.get("/").status_code == 200
        assert server.terminate() == 0
    assert set(re.findall(r"^location .*", server.log, re.M)) == {f"location http://127.0.0.1:{port}"}


def test_the_stop_during_the_start_of_the_worker(tmp_path: Path) -> None:
    script = TELLING + LISTENERS + "\nif __name__ != '__main__':\n    say('imported')\n    time.sleep(600)\n"
    with process(tmp_path, script + RUN.format(how="")) as server:
        server.until(lambda: "imported" in server.log)
        assert server.terminate() == 0
    assert ALONE not in server.log
    assert "main_process_stop" in server.log


def test_a_start_that_fails_is_not_tried_alone(tmp_path: Path) -> None:
    script = """
@app.before_server_start
async def fail(app):
    raise RuntimeError("no database")
"""
    with process(tmp_path, LISTENERS + script + RUN.format(how="")) as server:
        assert server.wait_for_end() == 1
    assert server.log.count("RuntimeError: no database") == 1
    assert ALONE not in server.log


def test_a_thread_that_a_listener_leaves_does_not_keep_the_process(tmp_path: Path) -> None:
    script = """
@app.main_process_start
async def leave(app):
    # Like aiosqlite's thread for each unclosed connection.
    threading.Thread(target=threading.Event().wait, name="left behind").start()
"""
    end = "\n    say('after run')\n    time.sleep(0.5)\n    say('the end')\n"
    with process(tmp_path, TELLING + script + RUN.format(how="") + end) as server:
        assert server.get("/who").status_code == 200
        assert server.terminate() == 0
    assert server.log.index("after run") < server.log.index("the end") < server.log.index("left behind")


@pytest.mark.parametrize("workers", [1, 2])
def test_health_and_logging_of_sanic_extensions(tmp_path: Path, workers: int) -> None:
    pytest.importorskip("sanic_ext")
    script = """
import os, sys
import sanic_star.compat
sanic_star.compat.install()
from sanic import Sanic, text
app = Sanic("Healthy")
# The tests switch it off in the environment.
app.config.AUTO_EXTEND = True
app.config.HEALTH = app.config.HEALTH_ENDPOINT = app.config.LOGGING = True

@app.get("/")
async def hello(request):
    return text("hello")
"""
    (tmp_path / "healthy.py").write_text(script + RUN.format(how=f"workers={workers}"))
    with process(tmp_path, "", sys.executable, "healthy.py") as server:
        assert server.get().text == "hello"
        # The logger that runs beside the workers writes what they log.
        server.until(lambda: server.log.count("Worker ready") == workers)
        processes = server.get("/__health__/").json()
        assert {name: process.get("state") for name, process in processes.items()} == {
            "Sanic-Main": None,
            **{f"Sanic-Server-{number}-0": "ACKED" for number in range(workers)},
            "Sanic-HealthMonitor-0": "STARTED",
            "Sanic-Logger-0": "STARTED",
        }
        assert server.terminate() == 0
    # It ends after them.
    assert server.log.count("Worker complete") == workers
    assert "Traceback" not in server.log
