"""Start a server as a user would, send requests, and stop it by its process id.

The server chooses its port and logs it; tests also find in the log which listeners ran.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import requests
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0  # enough for a slow machine; every wait ends as soon as its condition is true
UVICORN = (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "0")

SANIC_ONLY = ("__init__", "api", "attachments", "board", "hub", "links", "live", "pages", "plain", "store")
_ON_SANIC = """
import socket
from examples.taskboard.plain import create_app

app = create_app()
if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print("listening on http://127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    app.run(sock=listener, single_process=True, motd=False)
"""
T = TypeVar("T")


class Server:
    """A running server."""

    def __init__(self, command: tuple[str, ...], folder: Path, settings: dict[str, str]) -> None:
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))),
            "PYTHONUNBUFFERED": "1",
            "TASKBOARD_DB": str(folder / "data" / "board.db"),
            "TASKBOARD_TICK": "0.05",
            "TASKBOARD_ATTACHMENT_MAX_SIZE": "5000",
            # Sanic uses its extensions if they are installed; the board is for Sanic alone.
            "TASKBOARD_AUTO_EXTEND": "false",
            **settings,
        }
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.prefix = ""
        self.behind_proxy = False  # a proxy that removes the prefix from the path
        port = until(lambda: re.search(r"http://127\.0\.0\.1:(\d+)", self.log), self)
        self.origin = f"127.0.0.1:{port[1]}"
        # With --reload the supervisor logs the port before its child listens.
        until(lambda: _is_open(int(port[1])), self)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line)

    @property
    def log(self) -> str:
        """The output of the server so far."""
        return "".join(self.lines)

    def url(self, path: str) -> str:
        """Return the URL of a path; the path may have the prefix that visitors see."""
        path = path.removeprefix(self.prefix) if path.startswith(f"{self.prefix}/") else path
        return f"http://{self.origin}{'' if self.behind_proxy else self.prefix}{path}"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request without a session."""
        return requests.request(method, self.url(path), timeout=TIMEOUT_S, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        """Send a GET."""
        return self.request("GET", path, **options)

    def socket(self, path: str, **headers: str) -> ClientConnection:
        """Open a websocket, as a context manager."""
        return connect(self.url(path).replace("http", "ws", 1), additional_headers=headers, open_timeout=TIMEOUT_S)

    def stop(self) -> float:
        """End the server with SIGTERM; return the seconds until its end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return time.monotonic() - began

    def order_of(self, *lines: str) -> list[str]:
        """Return `lines` in their order in the log; raise if one is missing."""
        log = self.log
        return sorted(lines, key=log.index)


@contextlib.contextmanager
def serve(command: tuple[str, ...], folder: Path, **settings: str) -> Iterator[Server]:
    """Run a server in `folder` until the block ends."""
    server = Server(command, folder, settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def serve_board(folder: Path, *options: str, app: str = "examples.taskboard.server:app", **settings: str) -> Any:
    """Run the board, or the application `app`, under uvicorn."""
    return serve((*UVICORN, app, *options), folder, **settings)


def serve_on_sanic(folder: Path) -> Any:
    """Run the Sanic-only part of the board on Sanic itself, with imports of Sanic."""
    copy = copy_board(folder)
    for module in copy.glob("*.py"):
        if module.stem not in SANIC_ONLY:
            module.unlink()
            continue
        source = module.read_text()
        source = re.sub(r"^from sanic_star\.compat\.", "from sanic.", source, flags=re.M)
        module.write_text(re.sub(r"^from sanic_star ", "from sanic ", source, flags=re.M))
    (folder / "serve.py").write_text(_ON_SANIC)
    return serve((sys.executable, "serve.py"), folder)


def copy_board(folder: Path) -> Path:
    """Copy the example to `folder`, to edit it there; return its package's folder."""
    copy = folder / "examples" / "taskboard"
    shutil.copytree(ROOT / "examples" / "taskboard", copy, ignore=shutil.ignore_patterns("instance", "__pycache__"))
    shutil.copy(ROOT / "examples" / "__init__.py", folder / "examples")
    return copy


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), TIMEOUT_S):
        return True
    return False


def until(condition: Callable[[], T | None], server: Server | None = None) -> T:
    """Wait until `condition` is true, and return its result; raise if the server ends before."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        if result := condition():
            return result
        ended = server is not None and server.process.poll() is not None
        if ended or time.monotonic() > deadline:
            raise AssertionError(f"timed out; the log says:\n{server.log if server else ''}")
        time.sleep(0.02)
