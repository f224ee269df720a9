"""`app.manager` and `app.m`: functions that run next to the workers, with the same source on Sanic and here."""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.worker.process import ProcessState
from sanic_star.compat.worker.state import WorkerState
from tests.engine.processes import TIMEOUT_S, Process, free_port

# The file that both run; the first argument names the framework, the second one the number of workers.
SOURCE = """
import multiprocessing, os, pickle, signal, sys, threading, time

if sys.argv[1] == "sanic":
    import sanic
else:
    import sanic_star.compat
    sanic_star.compat.install()
from sanic import Sanic, json, text

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

# In the interpreter of a managed process, too.
def loop(label, limit=600.0):
    running = [True]
    def stop(number, frame):
        running.clear()
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    say("runs", label, os.environ["SANIC_WORKER_NAME"], os.environ["SANIC_WORKER_IDENTIFIER"].strip())
    deadline = time.monotonic() + limit
    while running and time.monotonic() < deadline:
        time.sleep(0.02)
    say("ends", label)

def returns(label):
    say("runs", label)

def raises(label):
    say("runs", label)
    raise LookupError(label)

def is_killed(label):
    say("runs", label)
    os.kill(os.getpid(), signal.SIGKILL)

def sleeps(label):
    say("runs", label)
    time.sleep(600)

def orders(publisher, *, order):
    publisher.send(order)

def closes_its_files():
    say("closes")
    os.closerange(3, 256)
    time.sleep(600)

class Counting:
    def __init__(self, publisher):
        self.publisher = publisher
    def __call__(self, queue):
        for _ in range(2):
            say("counted", queue.get(timeout=60))

app = Sanic("Managed")

def told(name, call):
    try:
        result = call()
    except Exception as error:
        say("told", name, type(error).__name__)
    else:
        say("told", name, result)

@app.get("/call")
def call(request):
    # What is asked for is in the source of the test.
    try:
        result = eval(request.args.get("expression"))
    except Exception as error:
        result = type(error).__name__
    return json({"result": result}, default=str, dumps=__import__("json").dumps)

@app.after_server_start
async def ready(app):
    say("ready", app.m.name, os.getpid())

@app.main_process_start
async def too_early(app):
    told("at the start", lambda: app.manager)
    told("app.m in the main process", lambda: app.m)
    app.shared_ctx.queue = multiprocessing.get_context("spawn").Queue()

@app.before_server_start
async def in_a_worker(app):
    told("in a worker", lambda: app.manager)

@app.main_process_stop
async def at_the_stop(app):
    told("at the stop", lambda: sorted(app.manager.worker_state))

@app.main_process_ready
async def manage(app):
    manager = app.manager
    {managed}

if __name__ == "__main__":
    app.run(port=int(sys.argv[3]), workers=int(sys.argv[2]), motd=False, access_log=False)
"""


class Managed(Process):
    """The application of `SOURCE` in processes of its own."""

    def __init__(self, folder: Path, framework: str, managed: str, workers: int = 1) -> None:
        folder.mkdir(exist_ok=True)
        lines = [line.strip() for line in managed.strip().splitlines()]
        (folder / "managed.py").write_text(SOURCE.replace("{managed}", "\n    ".join(lines or ["pass"])))
        self.number = free_port()
        command = (sys.executable, "managed.py", framework, str(workers), str(self.number))
        super().__init__(command, folder, own_session=True)
        self.framework = framework

    @property
    def port(self) -> int:
        """The port of the server."""
        return self.number

    def __enter__(self) -> "Managed":
        return self

    def __exit__(self, *error: object) -> None:
        # The group, which is that of the main process, and has what Sanic may leave behind.
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(TIMEOUT_S)

    def call(self, expression: str) -> Any:
        """Return what an expression gives in a worker."""
        return json.loads(self.get("/call", params={"expression": expression}).text)["result"]

    def stop(self) -> int:
        """Stop all processes, and return the exit status.

        Sanic's manager is not stopped by a signal: its handler asks for states, and waits for ever if it has
        interrupted such a question.
        """
        if self.framework == "sanic":
            self.call("app.m.terminate()")
            return self.wait_for_end()
        return self.terminate()

    def states(self) -> dict[str, str | None]:
        """Return the state of each process by its name."""
        states: dict[str, str | None] = self.call("{name: known.get('state') for name, known in app.m.workers.items()}")
        return states

    def started(self) -> int:
        """Return how many workers have started."""
        return len(self.words("ready"))

    def words(self, *first: str) -> list[str]:
        """Return the lines that begin with one of some words, sorted: processes run at once."""
        return sorted(line.strip() for line in self.lines if line.split(" ")[0].strip() in first)


def on_both(tmp_path: Path, managed: str, play: Callable[[Managed], list[Any]], workers: int = 1) -> list[Any]:
    """Play the same on both frameworks, see that they agree, and return what came of it.

    Sanic gets three attempts: its processes read and write one table without a lock, and can lose what another wrote.
    """
    with Managed(tmp_path / "sanic_star", "sanic_star", managed, workers) as server:
        ours = play(server)
    for attempt in range(3):
        with Managed(tmp_path / f"sanic-{attempt}", "sanic", managed, workers) as server:
            sanics = play(server)
        if sanics == ours:
            break
    assert ours == sanics
    return ours


def test_arguments_and_tables(tmp_path: Path) -> None:
    managed = """
    told("durable", lambda: manager.manage("Durable", loop, {"label": "durable"}).name)
    told("transient", lambda: manager.manage("Transient", loop, {"label": "transient"}, transient=True).ident)
    told("three", lambda: len(manager.manage("Three", loop, {"label": "three"}, workers=3, ident="3").processes))
    told("a name twice", lambda: manager.manage("Durable", loop, {}))
    told("a name of a worker", lambda: manager.manage("Server-0", loop, {}))
    told("transient and not restartable", lambda: manager.manage("No", loop, {}, transient=True, restartable=False))
    told("no arguments", lambda: manager.manage("No", loop, None))
    told("no name", lambda: manager.manage(None, loop, {}))
    told("names", lambda: [list(manager.transient), list(manager.durable)])
    told("transient", lambda: [process.name for process in manager.transient_processes])
    told("durable", lambda: sorted(process.name for process in manager.durable_processes))
    told("processes", lambda: [process.name for process in manager.processes])
    told("workers", lambda: [worker.name for worker in manager.workers])
    told("all", lambda: [name for name, worker in manager.all_workers])
    told("flags", lambda: [(w.num, w.restartable, w.tracked, w.auto_start) for w in manager.workers])
    told("known", lambda: list(dict(manager.worker_state).items())[1:])
    told("number", lambda: (manager.num_server, manager.pid == os.getpid(), manager.MAIN_NAME))
    told("states", lambda: [process.state.name for process in manager.transient_processes])
    told("alive", lambda: manager.transient["Transient"].has_alive_processes())
    """

    def play(server: Managed) -> list[Any]:
        server.until(lambda: server.started() == 2 and len(server.words("runs")) == 5)
        server.until(lambda: counted(server)["ACKED"] == 2)
        states = server.states()
        assert server.stop() == 0
        return [states, server.words("runs", "told", "ends")]

    states, lines = on_both(tmp_path, managed, play, workers=2)
    assert states["Sanic-Server-1-0"] == "ACKED"
    assert states["Sanic-Durable-0"] == "STARTED"
    assert "runs three Sanic-Three-2 3" in lines
    assert "told at the start SanicException" in lines
    assert "told in a worker SanicException" in lines
    assert "told at the stop ['Sanic-Main']" in lines
    assert lines.count("ends three") == 3


def counted(server: Managed) -> Counter[str | None]:
    """Count the processes by their state."""
    return Counter(server.states().values())


def test_functions_that_end(tmp_path: Path) -> None:
    managed = """
    manager.manage("Returns", returns, {"label": "returns"})
    manager.manage("Raises", raises, {"label": "raises"})
    manager.manage("RaisesToo", raises, {"label": "raises too"}, transient=True)
    manager.manage("Killed", is_killed, {"label": "killed"})
    manager.manage("Untracked", returns, {"label": "untracked"}, tracked=False)
    manager.manage("Later", returns, {"label": "later"}, auto_start=False, restartable=True)
    manager.manage("Sleeps", sleeps, {"label": "sleeps"})
    """

    def play(server: Managed) -> list[Any]:
        server.until(lambda: server.started() == 1 and len(server.words("runs")) == 6)
        server.until(lambda: "Removed worker Untracked" in server.log)
        server.until(lambda: {"FAILED": 3, "COMPLETED": 1, "ACKED": 1, "STARTED": 1}.items() <= counted(server).items())
        states = server.states()
        assert server.stop() == 0
        return [states, server.words("runs", "told")]

    states, lines = on_both(tmp_path, managed, play)
    assert states == {
        "Sanic-Main": None,
        "Sanic-Server-0-0": "ACKED",
        "Sanic-Returns-0": "COMPLETED",
        "Sanic-Raises-0": "FAILED",
        "Sanic-RaisesToo-0": "FAILED",
        "Sanic-Killed-0": "FAILED",
        "Sanic-Later-0": "NONE",
        "Sanic-Sleeps-0": "STARTED",
    }
    assert "told at the stop ['Sanic-Later-0', 'Sanic-Main']" in lines


def test_restarts(tmp_path: Path) -> None:
    managed = """
    manager.manage("Durable", loop, {"label": "durable"}, restartable=True)
    manager.manage("Transient", loop, {"label": "transient"}, transient=True)
    manager.manage("Later", returns, {"label": "later"}, auto_start=False, restartable=True)
    manager.manage("Once", returns, {"label": "once"})
    """

    def play(server: Managed) -> list[Any]:
        server.until(lambda: server.started() == 1 and len(server.words("runs")) == 3)
        seen = []
        server.call("app.m.restart('Sanic-Transient-0')")
        server.until(lambda: server.log.count("runs transient") == 2)
        server.call("app.m.restart('Sanic-Later-0')")
        server.until(lambda: server.log.count("runs later") == 1)
        # It runs; it can't be restarted; it does not exist.
        for name in ("Sanic-Durable-0", "Sanic-Once-0", "Nobody"):
            server.call(f"app.m.restart({name!r})")
            server.until(lambda name=name: f"Failed to restart processes: {name}" in server.log)  # type: ignore[misc]
        seen.append(server.call("app.m.restart('Nobody', all_workers=True)"))
        server.call("app.m.restart(all_workers=True)")
        server.until(lambda: server.log.count("runs transient") == 3 and server.started() == 2)
        server.until(lambda: server.states()["Sanic-Server-0-0"] == "ACKED")
        server.until(lambda: server.states()["Sanic-Later-0"] == "COMPLETED")
        starts = "{name: [known.get('starts'), 'restart_at' in known] for name, known in app.m.workers.items()}"
        starts_by_name = server.call(starts)
        # Sanic counts a first start that was a restart twice.
        del starts_by_name["Sanic-Later-0"]
        seen += [server.states(), starts_by_name]
        assert server.stop() == 0
        return [*seen, server.words("runs", "ends")]

    refused, states, starts, _ = on_both(tmp_path, managed, play)
    assert refused == "ValueError"
    assert states["Sanic-Once-0"] == "COMPLETED"
    assert starts["Sanic-Transient-0"] == [3, True]
    assert starts["Sanic-Durable-0"] == [1, False]


def test_attributes_and_settings_of_a_worker(tmp_path: Path) -> None:
    expressions = [
        "app.m.name",
        "app.m.pid == os.getpid()",
        "list(app.m.state)",
        "[app.m.state[key] for key in ('server', 'state', 'starts', 'serving')]",
        "app.m.state['pid'] == app.m.pid",
        "app.m.state['start_at'].tzname()",
        "app.m.state.__setitem__('mine', {'a': [1, (2, 3)]})",
        "app.m.state['mine']",
        "app.m.workers[app.m.name]['mine']",
        "app.m.state.update({'other': None, 'mine': 5})",
        "[len(app.m.state), app.m.state.get('mine'), app.m.state.get('nobody', 7), 'other' in app.m.state]",
        "app.m.state.__delitem__('other')",
        "app.m.state.__delitem__('nobody')",
        "app.m.state['other']",
        "app.m.state.__setitem__('pid', 1)",
        "app.m.state.update({'mine': 6, 'health': 1})",
        "app.m.state.__delitem__('state')",
        "app.m.state.__setitem__('mine', threading.Lock())",
        "app.m.state['mine']",
        "app.m.state.pop()",
        "hash(app.m.state)",
        "app.m.state == dict(app.m.state)",
        "repr(app.m.state) == repr(dict(app.m.state))",
        "sorted(app.m.state.full())",
        "app.m.set_serving(False)",
        "app.m.state['serving']",
        "app.m.ack()",
        "app.m.state['state']",
        "type(app.m.workers).__name__",
        "app.m.nobody",
        "app.multiplexer.name",
    ]

    def play(server: Managed) -> list[Any]:
        server.until(lambda: server.started() == 1)
        server.until(lambda: server.states()["Sanic-Server-0-0"] == "ACKED")
        results = [(expression, server.call(expression)) for expression in expressions]
        assert server.stop() == 0
        return results

    results = dict(on_both(tmp_path, "", play))
    assert results["app.m.state.__setitem__('mine', threading.Lock())"] == "TypeError"
    assert results["app.m.state['mine']"] == 5
    assert results["app.m.state.update({'mine': 6, 'health': 1})"] == "LookupError"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads the time that a process has used from /proc")
def test_a_function_that_closes_all_files(tmp_path: Path) -> None:
    """The main process waits for it with ease, and stops it."""
    with Managed(tmp_path / "sanic_star", "sanic_star", 'manager.manage("Closes", closes_its_files, {})') as server:
        server.until(lambda: server.started() == 1 and server.words("closes"))
        server.get("/call", params={"expression": "1"})

        def used() -> int:
            return int(Path(f"/proc/{server.popen.pid}/stat").read_text().rpartition(")")[2].split()[11])

        time.sleep(1.5)
        before, began = used(), time.monotonic()
        time.sleep(1)
        share = (used() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
        assert share < 0.5, "the main process waits in a loop"
        assert server.stop() == 0
    assert "Traceback" not in server.log


def test_a_worker_manages_and_scales(tmp_path: Path) -> None:
    def play(server: Managed) -> list[Any]:
        server.until(lambda: server.started() == 1)
        server.until(lambda: server.states()["Sanic-Server-0-0"] == "ACKED")
        seen = [
            server.call("app.m.manage('One', loop, {'label': 'one'}, tracked=True)"),
            server.call("app.m.manage('Lambda', lambda: None, {})"),
            server.call("app.m.manage('Gone', returns, {'label': 'gone'})"),
        ]
        server.until(lambda: "runs one" in server.log and "Removed worker Gone" in server.log)
        seen.append(server.call("app.m.manage('One', returns, {'label': 'never'})"))
        server.until(lambda: "Failed to manage worker One" in server.log)
        seen.append(server.call("app.m.scale(2)"))
        server.until(lambda: server.started() == 2)
        server.until(lambda: server.states().get("Sanic-Server-1-0") == "ACKED")
        seen.append(server.states())
        server.call("app.m.scale(1)")
        server.until(lambda: len([name for name in server.states() if "Server" in name]) == 1 or is_kept(server))
        # As many again: that says nothing new.
        server.call("app.m.terminate()")
        assert server.wait_for_end() == 0
        return [*seen, server.words("runs")]

    def is_kept(server: Managed) -> bool:
        # Sanic keeps showing workers that it has ended.
        return server.framework == "sanic" and "Scaling from 2 to 1" in server.log

    seen = on_both(tmp_path, "", play)
    assert seen[1] == "PicklingError"
    assert seen[5]["Sanic-One-0"] == "STARTED"


@pytest.mark.parametrize("workers", [1, 2])
def test_orders_by_the_publisher_and_a_shared_queue(tmp_path: Path, workers: int) -> None:
    managed = """
    manager.manage("Transient", loop, {"label": "transient"}, transient=True)
    manager.manage("Counting", Counting(manager.monitor_publisher), {"queue": app.shared_ctx.queue})
    manager.manage("Orders", orders, {"publisher": manager.monitor_publisher, "order": "Sanic-Transient-0"},
        auto_start=False, restartable=True)
    """

    def play(server: Managed) -> list[Any]:
        server.until(lambda: server.started() == workers and "runs transient" in server.log)
        server.until(lambda: counted(server)["ACKED"] == workers)
        server.call("app.shared_ctx.queue.put('one')")
        server.call("app.shared_ctx.queue.put('two')")
        server.until(lambda: len(server.words("counted")) == 2)
        server.call("app.m.restart('Sanic-Orders-0')")
        server.until(lambda: server.log.count("runs transient") == 2)
        assert server.stop() == 0
        return [server.words("counted", "runs", "ends")]

    (lines,) = on_both(tmp_path, managed, play, workers)
    assert lines[:2] == ["counted one", "counted two"]


# Here alone ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "logged"),
    [
        ("{'no': 'text'}", "The manager received an invalid message: {'no': 'text'}"),
        ("'__SCALE__:many'", "Cannot scale to many workers"),
        ("'__SCALE__:0'", "Cannot scale to 0 workers"),
        ("'Nobody:'", "Failed to restart processes: Nobody"),
        ("type('Local', (), {})", None),
    ],
)
def test_invalid_orders_to_the_manager(tmp_path: Path, order: str, logged: str | None) -> None:
    # Sanic ends at the first three.
    with Managed(tmp_path, "sanic_star", f"told('sent', lambda: manager.monitor_publisher.send({order}))") as server:
        server.until(lambda: server.started() == 1)
        if logged is not None:
            server.until(lambda: logged in server.log)
        assert server.states()["Sanic-Main"] is None
        assert server.terminate() == 0


@pytest.mark.parametrize(
    ("managed", "error"),
    [
        ("manager.manage('No', 5, {})", "TypeError: A managed process runs a function, not 5"),
        ("manager.manage('No', loop, {}, workers=0)", "ValueError: workers is the number of processes"),
        ("manager.manage('No', lambda: None, {})", "No can't run in another process"),
        ("manager.manage('No', loop, {'label': threading.Lock()})", "No can't run in another process"),
    ],
)
def test_functions_that_can_not_be_managed(tmp_path: Path, managed: str, error: str) -> None:
    with Managed(tmp_path, "sanic_star", managed) as server:
        assert server.wait_for_end() == 1
    assert error in server.log
    assert ("Traceback" in server.log) == ("Error: " in error)
    wait_for_the_end_of(members(server.popen.pid))


def test_the_main_process_is_killed(tmp_path: Path) -> None:
    managed = """
    manager.manage("Loop", loop, {"label": "loop"})
    manager.manage("Sleeps", sleeps, {"label": "sleeps"}, transient=True)
    """
    with Managed(tmp_path, "sanic_star", managed, workers=2) as server:
        server.until(lambda: server.started() == 2 and len(server.words("runs")) == 2)
        pids = server.call("[known['pid'] for known in app.m.workers.values()]")
        server.popen.kill()
        server.wait_for_end()
        wait_for_the_end_of(pids)
    # Its own handler has run.
    assert "ends loop" in server.log


def test_ctrl_c_reaches_all_processes(tmp_path: Path) -> None:
    managed = """
    manager.manage("Loop", loop, {"label": "loop"})
    manager.manage("Sleeps", sleeps, {"label": "sleeps"})
    """
    with Managed(tmp_path, "sanic_star", managed) as server:
        server.until(lambda: server.started() == 1 and len(server.words("runs")) == 2)
        pids = server.call("[known['pid'] for known in app.m.workers.values()]")
        # As a terminal does it.
        os.killpg(server.popen.pid, signal.SIGINT)
        assert server.wait_for_end() == 0
        wait_for_the_end_of(pids)
    assert "Traceback" not in server.log
    assert "is killed" not in server.log


def test_a_function_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(
        "import signal, time\n"
        "def deaf():\n"
        "    signal.signal(signal.SIGINT, lambda *_: None)\n"
        "    print('runs deaf\\n', end='', flush=True)\n"
        "    while True:\n        time.sleep(0.1)\n"
        "def ignoring():\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    print('runs ignoring\\n', end='', flush=True)\n"
        "    time.sleep(600)\n"
    )
    managed = """
    import deaf
    manager.manage("Deaf", deaf.deaf, {})
    manager.manage("Ignoring", deaf.ignoring, {})
    """
    with Managed(tmp_path, "sanic_star", managed) as server:
        server.until(lambda: server.started() == 1 and len(server.words("runs")) == 2)
        pids = server.call("[known['pid'] for known in app.m.workers.values()]")
        # SIGTERM ends the one that ignores SIGINT; the other one has 10 s.
        assert server.terminate() == 0
        wait_for_the_end_of(pids)
    assert "Process Sanic-Deaf-0" in server.log
    assert server.log.count("it is killed") == 1


def test_a_killed_worker_keeps_its_name(tmp_path: Path) -> None:
    with Managed(tmp_path, "sanic_star", "", workers=2) as server:
        server.until(lambda: server.started() == 2)
        pid = server.call("app.m.pid")
        name = next(line.split()[1] for line in server.words("ready") if line.endswith(f" {pid}"))
        os.kill(pid, signal.SIGKILL)
        server.until(lambda: server.log.count(f"ready {name} ") == 2)
        server.until(lambda: server.states()[name] == "ACKED")
        state = server.call(f"app.m.workers[{name!r}]")
        assert state["starts"] == 2
        assert state["pid"] != pid
        assert len(server.states()) == 3
        assert server.terminate() == 0


def test_state_that_only_workers_can_read(tmp_path: Path) -> None:
    (tmp_path / "of_workers.py").write_text("class Value:\n    def __init__(self): self.number = 5\n")
    with Managed(tmp_path, "sanic_star", "", workers=2) as server:
        server.until(lambda: server.started() == 2)
        server.call("app.m.state.__setitem__('value', __import__('of_workers').Value())")
        server.until(lambda: server.call("[k['value'].number for k in app.m.workers.values() if 'value' in k]") == [5])
        assert server.terminate() == 0


def wait_for_the_end_of(pids: list[int]) -> None:
    """Wait until none of some processes is left."""
    deadline = time.monotonic() + TIMEOUT_S
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def members(group: int) -> list[int]:
    """Return the ids of the processes of a group, on systems that have `/proc`."""
    pids = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if status.read_text().rpartition(")")[2].split()[2] == str(group):
                pids.append(int(status.parent.name))
    return pids


def is_alive(pid: int) -> bool:
    """Return whether a process exists and has not ended; a zombie has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    with suppress(OSError):
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    return not status.parent.parent.exists()


def test_a_single_process_has_no_manager() -> None:
    with pytest.raises(SanicException, match="from the main process"):
        _ = Sanic("alone").manager
    assert not hasattr(Sanic("alone"), "multiplexer")


def test_the_names_of_states_are_those_of_sanic() -> None:
    from sanic.worker import constants

    sanics = {state.name: state.value for state in constants.ProcessState}
    assert {state.name: state.value for state in ProcessState} == sanics


def test_state_of_a_plain_mapping() -> None:
    everything: dict[str, dict[str, Any]] = {"one": {"pid": 1}, "two": {}}
    state = WorkerState(everything, "one")
    state["mine"] = 2
    with pytest.raises(LookupError, match="restricted keys on WorkerState: pid, starts"):
        state.update({"pid": 1, "starts": 2})
    assert everything == {"one": {"pid": 1, "mine": 2}, "two": {}}
    assert state.full() == everything
