"""Several processes: how they find the application, what happens when one ends, and how they restart."""

import asyncio
import collections
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sanic_star import Sanic
from tests.engine.processes import TIMEOUT_S, is_open, process

START = ["before_server_start", "after_server_start"]
FACTORY = """
def create_app(name="Made"):
    app = Sanic(name)

    @app.get("/made")
    async def made(request):
        return text(name)

    @app.after_server_start
    async def ready(app):
        say("ready", os.getpid())
    return app

if __name__ == "__main__":
    from functools import partial
    app = create_app("Made")
    app.prepare(port=0, workers=2)
    Sanic.serve(primary=app, {how})
"""


@pytest.mark.parametrize("how", ["factory=create_app", "factory=partial(create_app, 'Made')"])
def test_a_factory_of_the_main_module(tmp_path: Path, how: str) -> None:
    with process(tmp_path, FACTORY.format(how=how)) as server:
        server.until(lambda: server.log.count("ready") >= 2)
        assert server.get("/made").text == "Made"
        assert server.terminate() == 0


def test_a_factory_that_other_processes_cannot_import(tmp_path: Path) -> None:
    with process(tmp_path, FACTORY.format(how="factory=lambda: create_app('Made')")) as server:
        assert server.wait_for_end() == 1
    assert "Several workers need an application that another process can import" in server.log
    assert "Traceback" not in server.log


def test_a_module(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    script = """
    from .names import NAME

    @app.get("/name")
    async def name(request):
        return text(NAME)

    if __name__ == "__main__":
        app.run(port=0, workers=2)
    """
    (package / "names.py").write_text("NAME = 'relative'")
    command = (sys.executable, "-m", "shop.serve")
    with process(tmp_path, script, *command, name="shop/serve.py") as server:
        assert server.get("/name").text == "relative"
        assert server.terminate() == 0
    assert server.phases().count("after_server_stop") == 2


def test_shared_values_reach_the_workers(tmp_path: Path) -> None:
    script = """
    import multiprocessing

    @app.main_process_start
    def share(app):
        app.shared_ctx.queue = multiprocessing.Queue()
        app.shared_ctx.count = multiprocessing.Value("i", 0)

    @app.get("/count")
    async def count(request):
        with app.shared_ctx.count.get_lock():
            app.shared_ctx.count.value += 1
        app.shared_ctx.queue.put(os.getpid())
        return text(f"{app.shared_ctx.count.value} {app.debug} {os.environ['SANIC_WORKER_NAME'][:13]}")

    @app.main_process_stop
    def tell(app):
        say("counted", app.shared_ctx.count.value, app.shared_ctx.queue.get(timeout=20) != os.getpid())

    if __name__ == "__main__":
        app.run(port=0, workers=2, debug=True)
    """
    with process(tmp_path, script) as server:
        assert [server.get("/count").text for _ in range(3)] == [f"{n} True Sanic-Server-" for n in (1, 2, 3)]
        assert server.terminate() == 0
    assert "counted 3 True" in server.log


SIMPLE = "\nif __name__ == '__main__':\n    app.run(port=0, workers=2, motd=False)\n"


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    with process(tmp_path, SIMPLE) as server:
        pid = int(server.get().text)
        os.kill(pid, signal.SIGKILL)
        server.until(lambda: server.phases().count("after_server_start") == 3)
        assert int(server.get().text) != pid
        assert server.terminate() == 0
    assert f"Worker [{pid}] has ended with status -9" in server.log


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    with process(tmp_path, SIMPLE) as server:
        port = server.port
        assert server.get().status_code == 200
        server.popen.kill()
        deadline = time.monotonic() + TIMEOUT_S
        while is_open(port):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_worker_that_cannot_start_ends_it_all(tmp_path: Path) -> None:
    script = """
    @app.before_server_start
    def fail(app):
        raise RuntimeError("no database")

    if __name__ == "__main__":
        app.run(port=0, workers=2)
    """
    with process(tmp_path, script) as server:
        assert server.wait_for_end() == 1
    assert "no database" in server.log
    assert "A worker could not be started" in server.log
    assert "Listening" not in server.log


def test_a_worker_that_cannot_start_any_more(tmp_path: Path) -> None:
    script = """
    from pathlib import Path

    @app.before_server_start
    def fail(app):
        if Path("broken").exists():
            raise RuntimeError("no database")

    if __name__ == "__main__":
        app.run(port=0, workers=1, motd=False, auto_reload=False) if False else app.run(port=0, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        server.until(lambda: server.phases().count("after_server_start") == 2)
        (tmp_path / "broken").touch()
        os.kill(int(server.get().text), signal.SIGKILL)
        # The other one serves on, and it is tried again.
        server.until(lambda: server.log.count("has ended with status 1") >= 2)
        assert server.get().status_code == 200
        (tmp_path / "broken").unlink()
        server.until(lambda: server.phases().count("after_server_start") == 3)
        assert server.terminate() == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian"])
def test_connections_are_refused_while_the_last_requests_end(tmp_path: Path, name: str, workers: int) -> None:
    script = f"""
    import asyncio

    @app.get("/slow")
    async def slow(request):
        say("in flight")
        await asyncio.sleep(3)
        return text("done")

    if __name__ == "__main__":
        app.run(port=0, workers={workers}, server={name!r}, motd=False)
    """
    with process(tmp_path, script) as server, ThreadPoolExecutor(1) as pool:
        assert server.get().status_code == 200
        answer = pool.submit(server.get, "/slow")
        server.until(lambda: "in flight" in server.log)
        server.popen.send_signal(signal.SIGTERM)
        server.until(lambda: not is_open(server.port))
        assert not answer.done()
        assert answer.result().text == "done"
        assert server.wait_for_end() == 0


def test_app_stop_stops_all_workers(tmp_path: Path) -> None:
    script = """
    @app.get("/stop")
    async def stop(request):
        app.stop()
        return text("stopping")

    if __name__ == "__main__":
        app.run(port=0, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        assert server.get("/stop").text == "stopping"
        assert server.wait_for_end() == 0
    assert server.phases().count("after_server_stop") == 2


def test_ctrl_c_twice_ends_workers_at_once(tmp_path: Path) -> None:
    script = """
    @app.before_server_stop
    async def hang(app):
        say("hanging")
        await asyncio.sleep(3600)

    if __name__ == "__main__":
        app.run(port=0, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        server.popen.send_signal(signal.SIGINT)
        server.until(lambda: server.log.count("hanging") == 2)
        time.sleep(0.1)  # two within a moment are one
        assert server.terminate(signal.SIGINT) == 0
    assert server.log.count("it is killed") == 2
    assert "Received signal SIGINT. Shutting down." in server.log


def test_a_signal_passed_on_by_a_launcher_is_not_a_second_ctrl_c(tmp_path: Path) -> None:
    script = """
    if __name__ == "__main__":
        app.run(port=0, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        server.popen.send_signal(signal.SIGINT)
        assert server.terminate(signal.SIGINT) == 0
    assert "it is killed" not in server.log
    assert server.log.count("after_server_stop") == 2


@pytest.mark.parametrize("pause_s", [0, 0.005, 0.1])
def test_a_signal_that_reaches_a_worker_after_its_supervisor_is_not_a_second_ctrl_c(
    tmp_path: Path, pause_s: float
) -> None:
    script = """
    if __name__ == "__main__":
        app.run(port=0, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        server.until(lambda: server.log.count("Worker ready") == 2)
        workers = [int(pid) for pid in re.findall(r"Starting worker \[(\d+)\]", server.log)]
        server.popen.send_signal(signal.SIGINT)
        time.sleep(pause_s)
        for pid in workers:
            os.kill(pid, signal.SIGINT)
        assert server.wait_for_end() == 0
    assert server.log.count("after_server_stop") == 2
    assert "Second Ctrl-C" not in server.log


def test_a_rolling_restart_loses_nothing(tmp_path: Path) -> None:
    with process(tmp_path, SIMPLE) as server:
        assert server.get().status_code == 200
        seen, pids = asyncio.run(
            under_load(
                server.port,
                lambda: server.popen.send_signal(signal.SIGHUP),
                lambda: server.phases().count("after_server_stop") == 2,
            )
        )
        assert server.terminate() == 0
    assert set(seen) <= {"200", "reused connection closed"}
    assert seen["200"] > 0
    assert server.phases().count("after_server_start") == 4
    assert len(pids) >= 2


def test_a_rolling_restart_that_fails_keeps_the_old(tmp_path: Path) -> None:
    with process(tmp_path, SIMPLE) as server:
        assert server.get().status_code == 200
        source = tmp_path / "served.py"
        source.write_text("a syntax error")
        server.popen.send_signal(signal.SIGHUP)
        server.until(lambda: "the old ones keep running" in server.log)
        assert server.get().status_code == 200
        assert server.terminate() == 0


async def under_load(
    port: int, begin: Callable[[], None], done: Callable[[], bool]
) -> tuple[collections.Counter[str], set[bytes]]:
    """Send requests on 64 connections while something is done; count the answers, and what was lost how.

    A client connects again, once, where a connection that it used before was closed before the first byte.
    """
    seen: collections.Counter[str] = collections.Counter()
    pids: set[bytes] = set()
    over = asyncio.Event()

    async def client() -> None:
        connection, used = None, False
        while not over.is_set():
            try:
                if connection is None:
                    connection, used = await asyncio.open_connection("127.0.0.1", port), False
                reader, writer = connection
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                pids.add(await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0])))
                seen[head[9:12].decode()] += 1
                used = True
                if b"connection: close" in head:
                    writer.transport.abort()
                    connection = None
            except (OSError, asyncio.IncompleteReadError) as error:
                partial = getattr(error, "partial", b"")
                seen["reused connection closed" if used and not partial else f"lost: {error!r} {partial!r}"] += 1
                if connection is not None:
                    connection[1].transport.abort()
                connection = None
        if connection is not None:
            connection[1].transport.abort()

    clients = [asyncio.ensure_future(client()) for _ in range(64)]
    await asyncio.sleep(0.3)
    begin()
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        if done():
            break
    over.set()
    await asyncio.gather(*clients)
    return seen, pids


def test_a_worker_restarts_itself_all_and_ends_all(tmp_path: Path) -> None:
    script = """
    @app.get("/name")
    async def name(request):
        return text(f"{app.m.name} {app.m.pid == os.getpid()}")

    @app.get("/restart")
    async def restart(request):
        app.m.restart(all_workers="all" in request.args)
        return text("")

    @app.get("/terminate")
    async def terminate(request):
        app.m.terminate()
        return text("")

    @app.after_server_start
    async def ready(app):
        say("ready", os.getpid())

    if __name__ == "__main__":
        app.run(port=0, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        server.until(lambda: server.log.count("ready") >= 2)
        name, _, own = server.get("/name").text.partition(" ")
        assert name.startswith("Sanic-Server-")
        assert own == "True"
        server.get("/restart")
        server.until(lambda: server.log.count("ready") >= 3)
        server.get("/restart?all=1")
        server.until(lambda: server.log.count("ready") >= 5)
        server.get("/terminate")
        assert server.wait_for_end() == 0


def test_a_single_process_has_no_supervisor() -> None:
    with pytest.raises(AttributeError, match="workers=2"):
        _ = Sanic("alone").m
