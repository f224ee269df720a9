"""The command: what it can't serve it says in one line, what it can it serves and ends with status 0."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from sanic_star import __version__
from sanic_star.cli import Unusable, load, main

APP = """
from sanic_star import Sanic, text

app = Sanic("Command")
other = Sanic("Other")
number = 3


@app.get("/")
async def hello(request):
    return text("hello")


def make():
    return Sanic("Made")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "served.py").write_text(dedent(APP))
    (tmp_path / "broken.py").write_text("import no_such_library")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("served", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_import_strings() -> None:
    assert load("served").name == "Command"  # type: ignore[attr-defined]
    assert load("served:other").name == "Other"  # type: ignore[attr-defined]
    assert load("served:make", factory=True).name == "Made"  # type: ignore[attr-defined]
    assert load("served:app", debug=True).debug


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nosuch:app", "no module 'nosuch'"),
        ("served:nosuch", "has no 'nosuch'"),
        ("served:number", "is a int"),
        ("served:make", "add --factory"),
    ],
)
def test_what_is_no_application_is_said_in_one_line(target: str, says: str) -> None:
    done = CliRunner().invoke(main, [target])
    assert done.exit_code == 1
    assert says in done.output
    assert len(done.output.splitlines()) == 1
    with pytest.raises(Unusable, match=says):
        load(target)


@pytest.mark.usefixtures("project")
def test_an_error_of_the_application_itself_is_shown_as_it_is() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        load("broken:app")


def test_version_and_options() -> None:
    assert __version__ in CliRunner().invoke(main, ["--version"]).output
    assert CliRunner().invoke(main, ["x:app", "--port", "99999"]).exit_code == 2


def answer(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("options", [[], ["--workers", "2"]], ids=["one process", "two workers"])
def test_serves_until_the_signal(project: Path, options: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sanic_star", "served:app", "--port", str(port), *options]
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(command, cwd=project, env=environment)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert answer(port).endswith(b"hello")
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
