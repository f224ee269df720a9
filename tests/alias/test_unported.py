"""A project that is written for Sanic runs unmodified, whether or not Sanic itself is installed.

"Not installed" is meant: the interpreter runs without its site-packages, and with a folder in their place that holds
links to everything but Sanic's packages. Neither an import nor `importlib.metadata` can find them there.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "project"
# Far above what any of it takes, so that only a hang reaches it.
TIMEOUT_S = 90.0

Python = Callable[..., list[str]]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all installed packages except Sanic."""
    folder = tmp_path_factory.mktemp("installed")
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(place).iterdir():
            own = path.name.startswith(("sanic_star", "sanic-star"))
            if (own or not path.name.startswith("sanic")) and path.suffix != ".pth":
                (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(params=["with Sanic", "without Sanic"])
def python(request: pytest.FixtureRequest, others: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the command that starts an interpreter, in whose environment Sanic is installed, or is not."""
    if request.param == "with Sanic":
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        return [sys.executable]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(others)]))
    return [sys.executable, "-S"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


def get(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(4096), b""))


def until(
    port: int, path: str, expected: bytes, process: "subprocess.Popen[bytes]", again: Callable[[], None] = lambda: None
) -> bytes:
    """Send requests until the answer has the text, with another action each second."""
    deadline = time.monotonic() + TIMEOUT_S
    soon = time.monotonic() + 1
    while True:
        try:
            answer = get(port, path)
        except OSError as error:
            answer = repr(error).encode()
        if expected in answer:
            return answer
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline, answer
        if time.monotonic() > soon:
            again()
            soon = time.monotonic() + 1
        time.sleep(0.05)


@contextmanager
def running(command: list[str], project: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server within the block; stop it by the signal that supervisors send."""
    process = subprocess.Popen(command, cwd=project)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def check(port: int, process: "subprocess.Popen[bytes]") -> None:
    """See that it is the whole application, and ours."""
    answer = until(port, "/", b"Welcome to the shop (2 books)", process)
    # Header names in lower case: not Sanic's own server.
    assert b"\r\nx-shop: Shop\r\n" in answer
    assert b'{"title":"Emma","url":"/v1/books/1"}' in get(port, "/v1/books/1")
    assert b"There is no book 3" in get(port, "/v1/books/3")
    assert b"503" in get(port, "/closed").splitlines()[0]
    assert b"25.12." in get(port, "/version")


def test_it_speaks_of_sanic_only() -> None:
    sources = [path.read_text() for path in PROJECT.rglob("*") if path.suffix in {".py", ".ini", ".md"}]
    assert len(sources) > 8
    assert not [source for source in sources if "sanic_star" in source or "sanic-star" in source]


def test_without_sanic_the_alias_installs_no_distribution_sanic(others: Path) -> None:
    code = """
import importlib.metadata, importlib.util
print(importlib.util.find_spec("sanic"), importlib.util.find_spec("starlette") is not None)
print([package.name for package in importlib.metadata.distributions() if package.name.startswith("sanic-")])
"""
    command = [sys.executable, "-S", "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(others)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout in {"None True\n[]\n", "None True\n['sanic-star']\n"}


def test_the_command(python: list[str], project: Path, port: int) -> None:
    with running([*python, "-m", "sanic_star", "shop.server:app", "--port", str(port)], project) as process:
        check(port, process)
    assert process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_script_of_the_application(
    python: list[str], project: Path, port: int, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PORT", str(port))
    monkeypatch.setenv("SHOP_WORKERS", workers)
    with running([*python, "-m", "sanic_star.compat", "run.py"], project) as process:
        check(port, process)
    assert process.returncode == 0


def test_one_line_under_uvicorn(python: list[str], project: Path, port: int) -> None:
    server = project / "shop" / "server.py"
    server.write_text("from sanic_star.compat import install; install()\n" + server.read_text())
    command = [*python, "-m", "uvicorn", "shop.server:app", "--reload", "--port", str(port)]
    with running(command, project) as process:
        check(port, process)
        settings = project / "settings.py"
        settings.write_text(settings.read_text().replace("Welcome to the shop", "Welcome again"))
        # A watcher that is not at its place yet sees the next change.
        until(port, "/", b"Welcome again (2 books)", process, again=(project / "shop" / "orders.py").touch)


def test_one_line_in_several_workers(project: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    server = project / "shop" / "server.py"
    server.write_text("from sanic_star.compat import install; install()\n" + server.read_text())
    command = [sys.executable, "-m", "uvicorn", "shop.server:app", "--workers", "2", "--port", str(port)]
    with running(command, project) as process:
        check(port, process)


def test_its_tests(python: list[str], project: Path) -> None:
    command = [*python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "sanic_star.testing.plugin", "--sanic-star-alias"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 passed" in done.stdout


def test_its_tests_on_sanic_itself(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that the project is what it says: one that Sanic runs. Some of its tests, because Sanic takes its time.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:sanic_star.testing.plugin"]
    command += ["-k", "welcome or feed or asynchronous or checked or travel"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert "5 passed" in done.stdout, done.stdout + done.stderr
