"""The inspector: the same source on Sanic and here, over real sockets, used by HTTP and by both commands."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import sanic.worker.inspector
import trustme

from sanic_star import Sanic
from sanic_star.cli import main
from sanic_star.compat.cli.inspector_client import InspectorClient
from sanic_star.compat.exceptions import BadRequest, SanicException
from sanic_star.compat.helpers import _default
from sanic_star.compat.worker.inspector import Inspector
from sanic_star.compat.worker.state import SharedState
from sanic_star.testing import TestManager
from tests.engine.processes import TIMEOUT_S, Process, free_port

# The first argument names the framework; then come the ports, the number of workers, and settings.
SOURCE = """
import asyncio, os, sys, time
from functools import lru_cache

if sys.argv[1] != "sanic":
    import sanic_star.compat
    sanic_star.compat.install()
from sanic import Sanic, text
from sanic.exceptions import SanicException
from sanic.worker.inspector import Inspector

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

class Own(Inspector):
    limit = 5
    async def hello(self, name="you", *, loud=False):
        return {"name": name, "loud": loud}
    def double(self, number):
        return number * 2
    def fails(self):
        raise LookupError("here")
    def nothing(self):
        pass
    def states(self):
        return sorted(self.worker_state.keys())
    @property
    def secret(self):
        return lambda: "secret"
    def _hidden(self):
        return "hidden"
    @classmethod
    def kind(cls):
        return cls.__name__
    @staticmethod
    def helper():
        return "helper"
    @lru_cache
    def cached(self):
        return "cached"
    class Inner:
        pass

def looks(state):
    # In the process of a managed function.
    deadline = time.monotonic() + 60
    while state["Sanic-Server-0-0"].get("state") != "ACKED" and time.monotonic() < deadline:
        time.sleep(0.05)
    say("looked", "Sanic-Main" in state.keys())

app = Sanic("Inspected", inspector=True, inspector_class=Own)
app.config.INSPECTOR_PORT = int(sys.argv[3])
app.config.update(eval(sys.argv[5]))

@app.get("/")
def root(request):
    return text("root")

def told(when, ask):
    try:
        say("told", when, type(ask()).__name__)
    except Exception as error:
        say("told", when, type(error).__name__, str(error).startswith("Can only access the inspector from the main"))

@app.main_process_start
async def at_the_start(app):
    told("at the start", lambda: app.inspector)

@app.main_process_ready
async def when_ready(app):
    told("when ready", lambda: app.inspector)
    say("manages", *[name for name, _ in app.manager.all_workers])
    app.manager.manage("Looks", looks, {"state": app.manager.worker_state})

@app.before_server_start
async def in_a_worker(app):
    told("in a worker", lambda: app.inspector)

@app.after_server_start
async def ready(app):
    say("ready", app.m.name)

if __name__ == "__main__":
    app.run(port=int(sys.argv[2]), workers=int(sys.argv[4]), motd_display={"mood": "fine"})
"""
FRAMEWORKS = ("sanic_star", "sanic")


class Inspected(Process):
    """The application of `SOURCE` in processes of its own."""

    def __init__(self, folder: Path, framework: str, workers: int = 1, **settings: Any) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "inspected.py").write_text(SOURCE)
        self.framework = framework
        self.number, self.inspector = free_port(), settings.pop("port", None) or free_port()
        arguments = (framework, str(self.number), str(self.inspector), str(workers), repr(settings))
        super().__init__((sys.executable, "inspected.py", *arguments), folder, own_session=True)

    @property
    def port(self) -> int:
        """The port of the application."""
        return self.number

    def send(self, path: str, method: str = "POST", **options: Any) -> requests.Response:
        """Send a request to the inspector, as soon as it listens."""

        url = f"http://localhost:{self.inspector}{path}"

        def attempt() -> list[requests.Response]:
            # In a list: the response to a refusal is false.
            with suppress(requests.ConnectionError):
                return [requests.request(method, url, timeout=TIMEOUT_S, **options)]
            return []

        return self.until(attempt)[0]

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return the inspector's description of each process."""

        def ask() -> dict[str, dict[str, Any]] | None:
            # Sanic's processes read and write one table without a lock, and fail now and then.
            response = self.send("/", "GET")
            return response.json()["result"]["workers"] if response.ok else None

        return self.until(ask)

    def serves(self, count: int) -> list[str]:
        """Return the names of the workers that serve if there are so many, else nothing."""
        names = sorted(name for name, state in self.workers().items() if state.get("serving"))
        return names if len(names) == count else []

    def has_replaced(self, name: str, pid: int) -> bool:
        """Return whether another process serves under a name, and the one before it has ended.

        A shutdown before that makes Sanic wait for 30 seconds. Its entry says `serving` for the process that has ended.
        """
        new_pid = self.workers()[name]["pid"]
        lines = (f"Worker complete [{pid}]", f"Worker ready [{new_pid}]")
        return new_pid != pid and all(line in self.log for line in lines)

    def answers(self) -> list[tuple[int, Any]]:
        """Send `REQUESTS`, and return the status of each response, and the JSON of those that are no errors."""
        responses = [self.send(path, method, data=body) for path, method, body, _ in REQUESTS]
        return [(response.status_code, response.json() if response.ok else None) for response in responses]

    def orders(self) -> list[Any]:
        """Scale, reload and shut down; return the answers."""
        self.until(partial(self.serves, 2))
        answers = [self.send("/scale", json={"replicas": "3"}).json()]
        answers.append(self.until(partial(self.serves, 3)))
        answers.append(self.send("/scale", json={"replicas": 0}).json())
        (left,) = self.until(partial(self.serves, 1))
        pid = self.workers()[left]["pid"]
        answers.append(self.send("/reload", json={"zero_downtime": True}).json())
        self.until(partial(self.has_replaced, left, pid))
        if self.framework == "sanic_star":
            self.until(partial(self.serves, 1))
        answers.append(self.send("/shutdown").json())
        assert self.wait_for_end() == 0
        return answers

    def words(self, first: str) -> list[str]:
        """Return the lines that begin with a word, sorted: processes run at once."""
        return sorted(line.strip() for line in self.lines if line.startswith(first))


@contextmanager
def inspected(folder: Path, framework: str, workers: int = 1, **settings: Any) -> Iterator[Inspected]:
    """Run the application for as long as the block lasts."""
    server = Inspected(folder, framework, workers, **settings)
    try:
        server.until(lambda: len(server.words("ready")) == workers)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.popen.pid, signal.SIGKILL)
        server.popen.wait(TIMEOUT_S)


# Path, method, body, and where Sanic's inspector answers with another status, that one.
REQUESTS: list[tuple[str, str, str | None, int | None]] = [
    ("/hello", "POST", None, None),
    ("/hello", "POST", "{}", None),
    ("/hello", "POST", '{"name": "Ada", "loud": true}', None),
    ("/hello", "POST", '{"args": ["Ada"]}', None),
    ("/hello", "POST", '{"args": []}', None),
    ("/double", "POST", '{"number": 4}', None),
    ("/double", "POST", '{"args": ["ab"]}', None),
    ("/nothing", "POST", None, None),
    ("/fails", "POST", None, None),
    ("/states", "POST", None, None),
    # Bad input: what Sanic answers with 500 is the client's mistake.
    ("/hello", "POST", '{"bogus": 1}', 500),
    ("/hello", "POST", '{"args": [1, 2, 3]}', 500),
    ("/double", "POST", None, 500),
    ("/hello", "POST", "[1]", 500),
    ("/hello", "POST", "5", 500),
    ("/hello", "POST", '{"args": 5}', 500),
    ("/scale", "POST", '{"replicas": "many"}', 500),
    ("/hello", "POST", "{", None),
    ("/_hidden", "POST", None, None),
    ("/__init__", "POST", None, None),
    ("/secret", "POST", None, None),
    ("/kind", "POST", None, None),
    ("/helper", "POST", None, None),
    ("/cached", "POST", None, None),
    ("/Inner", "POST", None, None),
    ("/limit", "POST", None, None),
    ("/app", "POST", None, None),
    ("/host", "POST", None, None),
    ("/unknown", "POST", None, None),
    ("/info", "POST", None, None),
    ("/hello/you", "POST", None, None),
    ("/hello", "GET", None, None),
    ("/hello", "PUT", None, None),
    ("/", "POST", None, None),
]


def test_answers_of_the_inspector(tmp_path: Path) -> None:
    answers: dict[str, list[tuple[int, Any]]] = {}
    words: dict[str, list[str]] = {}
    for framework in FRAMEWORKS:
        with inspected(tmp_path / framework, framework) as server:
            answers[framework] = server.answers()
            server.until(partial(server.words, "looked"))
            words[framework] = [line for first in ("told", "manages", "looked") for line in server.words(first)]
            if framework == "sanic_star":
                assert server.log.count("Traceback") == 1, "only the exception of an action is a failure"
    for request, ours, sanics in zip(REQUESTS, answers["sanic_star"], answers["sanic"], strict=True):
        assert (request[3] or ours[0], ours[1]) == sanics, request
        assert request[3] is None or ours[0] == 400
    assert words["sanic_star"] == words["sanic"]
    assert words["sanic_star"][1] == "told in a worker SanicException True"


def test_information_of_the_inspector(tmp_path: Path) -> None:
    reports = {}
    for framework in FRAMEWORKS:
        with inspected(tmp_path / framework, framework, 2) as server:
            server.until(partial(server.serves, 2))
            response = server.send("/", "GET")
            reports[framework] = response.json()
            assert response.headers["content-type"] == "application/json"
    ours, sanics = reports["sanic_star"], reports["sanic"]
    assert ours["meta"] == sanics["meta"] == {"action": "info"}
    assert list(ours["result"]) == list(sanics["result"])
    assert list(ours["result"]["info"]) == list(sanics["result"]["info"])
    for name in ("app", "mode", "python", "platform", "extra"):
        assert ours["result"]["info"][name] == sanics["result"]["info"][name]
    # A function that has ended is `COMPLETED` at its own moment.
    for workers in (ours["result"]["workers"], sanics["result"]["workers"]):
        workers.pop("Sanic-Looks-0")
    assert {name: sorted(state) for name, state in ours["result"]["workers"].items()} == {
        name: sorted(state) for name, state in sanics["result"]["workers"].items()
    }
    assert datetime.fromisoformat(ours["result"]["workers"]["Sanic-Server-0-0"]["start_at"]).utcoffset() == timedelta()


def test_actions_of_the_inspector(tmp_path: Path) -> None:
    did: dict[str, list[Any]] = {}
    for framework in FRAMEWORKS:
        with inspected(tmp_path / framework, framework, 2) as server:
            did[framework] = server.orders()
            for line in ("Incoming inspector action: scale", "Scaling to 3", "Scaling from 2 to 3 workers"):
                assert line in server.log
    assert did["sanic_star"] == did["sanic"]


HEADERS: list[tuple[dict[str, str], int]] = [
    ({}, 401),
    ({"authorization": "Bearer wrong"}, 401),
    ({"authorization": "Basic s3cret"}, 401),
    ({"authorization": "Bearer s3cret "}, 200),
    ({"authorization": "Bearer s3cret"}, 200),
    ({"authorization": "Token s3cret"}, 200),
    ({"authorization": "Bearer s3cr\u00e9t".encode().decode("latin-1")}, 401),
]


def test_the_key(tmp_path: Path) -> None:
    for framework in FRAMEWORKS:
        with inspected(tmp_path / framework, framework, INSPECTOR_API_KEY="s3cret") as server:
            for headers, status in HEADERS:
                responses = [
                    server.send("/", "GET", headers=headers),
                    server.send("/hello", headers=headers),
                    server.send("/unknown", headers=headers),
                ]
                expected = [status, status, 404 if status == 200 else status]
                assert [response.status_code for response in responses] == expected, (framework, headers)
                assert status == 200 or "Bad API key" in responses[0].text


# Runs command lines one after the other in one process, because the import takes longer than all of them.
RUN_COMMANDS = """
import contextlib, io, json, runpy, sys

module, *commands = json.loads(sys.argv[1])
outcomes = []
for command in commands:
    sys.argv = [module, *command]
    written = io.StringIO()
    status = 0
    with contextlib.redirect_stdout(written):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    outcomes.append((status, written.getvalue().strip()))
print(json.dumps(outcomes))
"""


def test_both_commands_ask_both_inspectors(tmp_path: Path) -> None:
    """What a script reads, `--raw`, is the same, whichever client asks whichever inspector."""
    commands = [
        ["hello", "--name=Ada", "--loud"],
        ["hello", "Ada", "--no-loud"],
        ["hello", "--raw"],
        ["states"],
        ["nothing"],
        ["scale", "1"],
        ["reload"],
        ["unknown"],
        ["fails"],
        ["scale", "many"],
        ["scale"],
    ]
    outcomes: dict[tuple[str, str], list[list[Any]]] = {}
    for framework in FRAMEWORKS:
        with inspected(tmp_path / framework, framework, INSPECTOR_API_KEY="s3cret") as server:
            server.send("/", "GET")
            for client in FRAMEWORKS:
                options = ["--port", str(server.inspector), "--api-key", "s3cret"]
                lines = [["inspect", *words, *options] for words in commands]
                run = subprocess.run(
                    [sys.executable, "-c", RUN_COMMANDS, json.dumps([client, *lines])],
                    capture_output=True,
                    text=True,
                    timeout=2 * TIMEOUT_S,
                    check=False,
                )
                assert run.returncode == 0, run.stderr
                outcomes[framework, client] = json.loads(run.stdout)
    first, *others = outcomes.values()
    # Sanic's command writes an escape sequence for the terminal when it refuses a command line.
    assert [status for status, _ in first] == [0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2]
    for other in others:
        assert other == first


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with inspected(tmp_path / "sanic_star", "sanic_star", port=port, INSPECTOR_HOST="127.0.0.1") as server:
            # The application is served, and the log says what is missing.
            assert server.get().text == "root"
            server.until(lambda: "Sanic-Inspector-0" in server.log and "has ended with status 1" in server.log)
            assert f"Cannot listen on 127.0.0.1:{port}" in server.log
            assert "Traceback" not in server.log
            assert server.terminate() == 0


def test_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    paths = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    with inspected(
        tmp_path / "sanic_star", "sanic_star", INSPECTOR_TLS_CERT=paths[0], INSPECTOR_TLS_KEY=paths[1]
    ) as server:
        server.until(lambda: f"https://127.0.0.1:{server.inspector}" in server.log)
        command = [sys.executable, "-m", "sanic_star", "inspect", "--secure", "-p", str(server.inspector), "hello"]
        done = subprocess.run(
            command,
            env=os.environ | {"SSL_CERT_FILE": str(tmp_path / "ca.pem")},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, '{"name":"you","loud":false}\n')


class Orders(list[str]):
    """Keeps the orders that an inspector sends to the manager."""

    send = list.append


def test_its_orders_are_those_of_sanics_manager() -> None:
    for framework in (Inspector, sanic.worker.inspector.Inspector):
        orders = Orders()
        inspector: Any = framework(orders, {}, {}, "localhost", 1, "", _default, _default)  # type: ignore[arg-type]
        inspector.reload()
        inspector.reload(zero_downtime=True)
        assert [inspector.scale(replicas) for replicas in (4, "5", 0)] == [f"Scaling to {count}" for count in (4, 5, 1)]
        inspector.shutdown()
        assert orders == [
            "__ALL_PROCESSES__:",
            "__ALL_PROCESSES__::STARTUP_FIRST",
            "__SCALE__:4",
            "__SCALE__:5",
            "__SCALE__:1",
            "__TERMINATE__",
        ]


def test_a_number_below_zero_is_one() -> None:
    """Sanic 25.12 hands it on, and the manager ends with a traceback."""
    orders = Orders()
    inspector = Inspector(orders, {}, {}, "localhost", 1, "", _default, _default)
    assert inspector.scale("-3") == "Scaling to 1"
    wrongs: list[Any] = ["many", None, [], 1e400]
    for wrong in wrongs:
        with pytest.raises(BadRequest, match="replicas must be a whole number"):
            inspector.scale(wrong)
    assert orders == ["__SCALE__:1"]


def test_a_page_of_another_site_needs_the_key() -> None:
    """A browser sends `Origin` with each POST, and the inspector is where every page can reach it."""
    inspector = Inspector(None, {}, {}, "localhost", 1, "", _default, _default)(False)  # type: ignore[arg-type]
    client = TestManager(inspector.app).test_client
    assert client.post("/reload", headers={"origin": "https://evil.example"})[1].status == 403
    locked = Inspector(None, {}, {}, "localhost", 1, "key", _default, _default)(False)  # type: ignore[arg-type]
    headers = {"origin": "https://dashboard.example", "authorization": "Bearer key"}
    assert TestManager(locked.app).test_client.get("/", headers=headers)[1].status == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"INSPECTOR_PORT": 65536}, "INSPECTOR_PORT is 65536"),
        ({"INSPECTOR_PORT": "http"}, "INSPECTOR_PORT is 'http'"),
        ({"INSPECTOR_PORT": True}, "INSPECTOR_PORT is True"),
        ({"INSPECTOR_PORT": -1}, "INSPECTOR_PORT is -1"),
        ({"INSPECTOR_HOST": None}, "INSPECTOR_HOST is None"),
        ({"INSPECTOR_HOST": ""}, "INSPECTOR_HOST is ''"),
        ({"INSPECTOR_TLS_CERT": "/nosuch.pem"}, "must be set together"),
        ({"INSPECTOR_TLS_KEY": "/nosuch.pem"}, "must be set together"),
        ({"INSPECTOR_TLS_CERT": "/nosuch.pem", "INSPECTOR_TLS_KEY": "/nosuch.key"}, "not found"),
    ],
)
def test_a_wrong_setting_ends_the_start(settings: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Wrong", inspector=True)
    app.config.update(settings)
    with pytest.raises(SystemExit) as raised:
        app.run(port=free_port(), motd=False)
    assert raised.value.code == 1
    assert [record.message for record in caplog.records if record.levelname == "ERROR" and words in record.message]


def test_a_single_process_has_no_inspector(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Single", inspector=True)
    app.after_server_start(lambda app: app.stop())
    app.get("/")(lambda request: None)
    app.run(port=free_port(), motd=False, single_process=True)
    assert "INSPECTOR has no effect in a single process" in caplog.text


def test_attributes_of_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Sanic("Attributes", inspector=False)
    assert not app.config.INSPECTOR
    assert Sanic("Wanted", inspector=True).config.INSPECTOR
    for name in ("inspector", "manager"):
        with pytest.raises(SanicException, match=f"Can only access the {name} from the main process"):
            getattr(app, name)
        stand_in: Any = object()
        app.refresh({f"_{name}": stand_in, "config": {"TOUCHUP": 3}})
        assert getattr(app, name) is stand_in
        assert app.config.TOUCHUP == 3
        monkeypatch.setenv("SANIC_WORKER_PROCESS", "true")
        with pytest.raises(SanicException, match="main process"):
            getattr(app, name)
        monkeypatch.undo()


def test_the_state_is_out_of_reach_elsewhere() -> None:
    with pytest.raises(LookupError, match="not started by the manager"):
        len(SharedState())


# The command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The calls that the client would send."""
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(InspectorClient, "do", lambda self, action, **kwargs: calls.append((action, kwargs)))
    return calls


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ("info", {})),
        ("info", ("info", {})),
        ("reload", ("reload", {"zero_downtime": False})),
        ("reload --zero-downtime", ("reload", {"zero_downtime": True})),
        ("shutdown", ("shutdown", {})),
        ("scale 4 --port 1", ("scale", {"replicas": 4})),
        ("--raw own", ("own", {})),
        ("own --raw --x=1 --raw", ("own", {"x": "1"})),
        ("own a --x=1=2 --two-words b -k key", ("own", {"args": ["a", "b"], "x": "1=2", "two_words": True})),
        ("own --no-two --two=2 --no-two-words", ("own", {"two": "2", "two_words": False})),
        ("own --x value", ("own", {"args": ["value"], "x": True})),
    ],
)
def test_the_command_line(words: str, expected: Any, sent: list[Any]) -> None:
    main(["inspect", *words.split()])
    assert sent == [expected]


@pytest.mark.parametrize(
    "words",
    ["reload now", "shutdown all", "info all", "scale", "scale x", "scale 1 2", "scale -1", "--bogus", "-p 0", "-p x"],
)
def test_a_wrong_command_line(words: str, sent: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["inspect", *words.split()])
    assert (raised.value.code, sent) == (2, [])
    assert "Error:" in capsys.readouterr().err


def answering(body: bytes) -> Iterator[int]:
    """Answer each request on a port with some bytes."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(body)

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{}",
    ],
)
def test_a_port_that_is_not_an_inspector(answer: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with contextmanager(answering)(answer) as port, pytest.raises(SystemExit) as raised:
        main(["inspect", "--host", "127.0.0.1", "--port", str(port)])
    written = capsys.readouterr()
    assert (raised.value.code, written.out) == (1, "")
    assert re.search(r"is not an inspector|Could not connect", written.err)
    assert "Traceback" not in written.err


def test_nothing_listens(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--port", str(free_port())], ["--host", "nosuch.invalid"], ["--host", "::1"]):
        with pytest.raises(SystemExit) as raised:
            main(["inspect", *arguments])
        assert raised.value.code == 1
        assert "Could not connect to inspector at: http://" in capsys.readouterr().err


def test_errors_show_the_message_of_the_inspector(capsys: pytest.CaptureFixture[str]) -> None:
    body = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: %d\r\n\r\n%b"
    contents = [(b'{"message": "Bad key"}', "401: Bad key"), (b"plain\nmore", "401: plain"), (b"", "401: Unauthorized")]
    for content, message in contents:
        with contextmanager(answering)(body % (len(content), content)) as port, pytest.raises(SystemExit):
            InspectorClient("127.0.0.1", port, False, False, None).do("own")
        assert capsys.readouterr().err.strip().endswith(message)


def test_tls_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    with contextmanager(answering)(b"") as port, pytest.raises(SystemExit):
        InspectorClient("127.0.0.1", port, True, False, None).do("info")
    assert f"https://127.0.0.1:{port}" in capsys.readouterr().err
