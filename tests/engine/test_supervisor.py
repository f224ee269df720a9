"""Workers that end unexpectedly, at every moment, and the reaction of their supervisor."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sanic_star.servers import supervisor
from sanic_star.servers.jobs import Jobs
from sanic_star.servers.supervisor import LONGEST_PAUSE_S, Place
from tests.engine.processes import Process, process

# A start waits while the file `hold` is there, and fails while `broken` is.
GATED = """
from pathlib import Path

@app.before_server_start
async def wait_at_the_gate(app):
    say("starting", os.getpid(), os.environ["SANIC_WORKER_NAME"])
    while Path("hold").exists():
        await asyncio.sleep(0.02)
    if Path("broken").exists():
        raise RuntimeError("no database")

@app.after_server_start
async def ready(app):
    say("ready", os.getpid())

if __name__ == "__main__":
    app.run(port=0, motd=False, %s)
"""


def starting(server: Process) -> list[int]:
    """Return the ids of the workers that have begun their start, in order."""
    return [int(pid) for pid in re.findall(r"^starting (\d+)", server.log, re.M)]


def ready(server: Process) -> list[int]:
    """Return the ids of the workers that were ready, in order."""
    return [int(pid) for pid in re.findall(r"^ready (\d+)", server.log, re.M)]


def until_all_serve(server: Process, workers: int) -> None:
    """Wait until all workers of the first start are ready, and the supervisor knows it.

    A worker runs `after_server_start` before it reports that: one that is killed in between died at its start.
    """
    server.until(lambda: len(ready(server)) == workers and "Listening on" in server.log)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_all_killed_before_one_was_ready(tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    with process(tmp_path, GATED % "workers=2") as server:
        server.until(lambda: len(starting(server)) == 2)
        for pid in starting(server):
            kill(pid)
        assert server.wait_for_end() == 1
    assert "A worker could not be started, so that nothing is served" in server.log
    assert "Traceback" not in server.log


def test_one_killed_before_it_was_ready(tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    with process(tmp_path, GATED % "workers=2") as server:
        server.until(lambda: len(starting(server)) == 2)
        kill(starting(server)[0])
        (tmp_path / "hold").unlink()
        until_all_serve(server, 2)
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert "has ended with status -9 while it was starting; another one is started in 1 s" in server.log


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_together_with_their_replacements(tmp_path: Path, workers: int) -> None:
    how = f"workers={workers}" if workers > 1 else "workers=1, auto_reload=True"
    with process(tmp_path, GATED % how) as server:
        until_all_serve(server, workers)
        (tmp_path / "hold").touch()
        killed = ready(server)
        for pid in killed:
            kill(pid)
        # Now no worker serves. The replacements die at their start, and so do their replacements.
        for round_number in (2, 3):
            server.until(lambda number=round_number: len(starting(server)) == number * workers)  # type: ignore[misc]
            for pid in starting(server)[-workers:]:
                kill(pid)
        (tmp_path / "hold").unlink()
        server.until(lambda: len(ready(server)) == 2 * workers)
        assert server.get().status_code == 200
        assert server.terminate() == 0
    for pause, pid in zip(
        ("another one is started\n", "in 1 s\n", "in 2 s\n"), starting(server)[::workers], strict=False
    ):
        line = next(line for line in server.lines if f"Worker [{pid}] has ended" in line)
        assert line.endswith(pause)


def test_failing_together_with_their_replacements(tmp_path: Path) -> None:
    with process(tmp_path, GATED % "workers=2") as server:
        until_all_serve(server, 2)
        (tmp_path / "broken").touch()
        for pid in ready(server):
            kill(pid)
        server.until(lambda: server.log.count("has ended with status 1 while it was starting") >= 3)
        (tmp_path / "broken").unlink()
        server.until(lambda: len(ready(server)) == 4)
        assert server.get().status_code == 200
        assert server.terminate() == 0


def test_a_worker_dies_while_another_hangs_at_its_start(tmp_path: Path) -> None:
    with process(tmp_path, GATED % "workers=2") as server:
        until_all_serve(server, 2)
        first, second = ready(server)
        (tmp_path / "hold").touch()
        kill(first)
        server.until(lambda: len(starting(server)) == 3)
        # Its replacement hangs; the other one is replaced nevertheless.
        kill(second)
        server.until(lambda: len(starting(server)) == 4)
        assert server.terminate() == 0


def test_a_worker_dies_during_a_rolling_restart(tmp_path: Path) -> None:
    with process(tmp_path, GATED % "workers=2") as server:
        until_all_serve(server, 2)
        (tmp_path / "hold").touch()
        server.popen.send_signal(signal.SIGHUP)
        server.until(lambda: len(starting(server)) == 3)
        # The one that is to be replaced, and the other one.
        for pid in ready(server):
            kill(pid)
        server.until(lambda: len(starting(server)) == 5)
        (tmp_path / "hold").unlink()
        # Two replacements, the one of the roll, and the one that the roll begins last.
        server.until(lambda: len(set(ready(server))) == 6)
        assert server.get().status_code == 200
        assert server.terminate() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_stop_while_a_replacement_is_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    with process(tmp_path, GATED % "workers=2") as server:
        until_all_serve(server, 2)
        (tmp_path / "broken").touch()
        for pid in ready(server):
            kill(pid)
        server.until(lambda: "another one is started in 4 s" in server.log)
        assert server.terminate(number) == 0


def test_a_reload_that_cannot_be_imported(tmp_path: Path) -> None:
    with process(tmp_path, GATED % "auto_reload=True") as server:
        server.until(lambda: len(ready(server)) == 1)
        source = (tmp_path / "served.py").read_text()
        (tmp_path / "served.py").write_text("import not_there\n" + source)
        server.until(lambda: "waiting for the next change" in server.log)
        (tmp_path / "served.py").write_text(source)
        server.until(lambda: len(ready(server)) == 2)
        # A worker that was ready and dies is replaced, without a change.
        kill(ready(server)[-1])
        server.until(lambda: len(ready(server)) == 3)
        assert server.get().status_code == 200
        assert server.terminate() == 0
    assert server.log.count("has ended with status 1 while it was starting") == 1


def test_a_change_while_a_start_hangs(tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    with process(tmp_path, GATED % "auto_reload=True") as server:
        server.until(lambda: len(starting(server)) == 1)
        time.sleep(0.5)  # the first files are looked at
        source = (tmp_path / "served.py").read_text()
        (tmp_path / "served.py").write_text(source.replace('Path("hold")', 'Path("nothing")'))
        # The start that hangs is given up after GRACEFUL_SHUTDOWN_TIMEOUT.
        server.until(lambda: len(ready(server)) == 1)
        assert server.get().status_code == 200
        assert server.terminate() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["reload_process_start", "before_reload_trigger", "after_reload_trigger"])
@pytest.mark.parametrize("call", ["time.sleep(3600)", "await asyncio.sleep(3600)"])
def test_a_signal_interrupts_listeners_for_restarts(
    tmp_path: Path, moment: str, call: str, number: signal.Signals
) -> None:
    script = f"""
    @app.{moment}
    async def hang(app):
        say("hanging")
        {call}

    @app.after_server_start
    async def ready(app):
        say("ready")

    if __name__ == "__main__":
        app.run(port=0, motd=False, auto_reload=True)
    """
    with process(tmp_path, script) as server:
        if moment != "reload_process_start":
            server.until(lambda: "ready" in server.log)
            time.sleep(0.5)
            (tmp_path / "served.py").write_text((tmp_path / "served.py").read_text() + "\n")
        server.until(lambda: "hanging" in server.log)
        assert server.terminate(number) == 0
    assert "were interrupted" in server.log
    assert "Traceback" not in server.log


class _Ended:
    """A worker that has ended."""

    def __init__(self, ready_at: float | None) -> None:
        self.ready_at = ready_at


def test_the_pause_grows_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    place = Place(0)

    def ends(ready_at: float | None) -> float:
        worker: Any = _Ended(ready_at)
        place.fill(worker)
        pause = place.remove_ended_worker()
        assert place.worker is None
        assert place.next_start_at == now + pause
        return pause

    # One that was ready is replaced at once; in a row that is a crash loop.
    assert [ends(now) for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    # A worker that dies at its start keeps its row.
    assert ends(None) == 30
    now += 1000
    assert ends(now - LONGEST_PAUSE_S - 1) == 0
    assert [ends(None) for _ in range(3)] == [1, 2, 4]
    assert [Place(1).delay_next_start()] == [1]


def test_a_system_that_cannot_start_processes(tmp_path: Path) -> None:
    script = """
    from multiprocessing.context import SpawnProcess
    from pathlib import Path
    start = SpawnProcess.start

    def failing(self):
        if Path("full").exists():
            raise BlockingIOError(11, "Resource temporarily unavailable")
        start(self)

    SpawnProcess.start = failing

    @app.after_server_start
    async def ready(app):
        say("ready", os.getpid())

    if __name__ == "__main__":
        app.run(port=0, motd=False, workers=2)
    """
    with process(tmp_path, script) as server:
        until_all_serve(server, 2)
        (tmp_path / "full").touch()
        kill(ready(server)[0])
        server.until(lambda: "Resource temporarily unavailable; trying again in" in server.log)
        server.popen.send_signal(signal.SIGHUP)
        server.until(lambda: "Resource temporarily unavailable; the old ones keep running" in server.log)
        (tmp_path / "full").unlink()
        server.until(lambda: len(ready(server)) == 3)
        assert server.terminate() == 0
    (tmp_path / "full").touch()
    with process(tmp_path, script) as server:
        assert server.wait_for_end() == 1
    assert "A worker could not be started" in server.log
    assert "Traceback" not in server.log


def test_a_wait_that_ctrl_c_ends_as_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handles: Any, timeout: float | None = None) -> list[Any]:
        raise InterruptedError(4, "Interrupted function call")

    monkeypatch.setattr(supervisor, "wait", interrupted)
    made: Any = object.__new__(supervisor.Supervisor)
    made._children, made._wake_receiver, made.jobs = [], None, Jobs(0)
    made._wait(0.0)
    assert made._children == []
    made.jobs.close()
