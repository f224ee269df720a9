"""A Redis server for the tests: on a free port, in a temporary directory, ended by its process id."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.processes import TIMEOUT_S, free_port, is_open


class RedisServer:
    """A Redis server that can be stopped and started again.

    Args:
        folder: its working directory.
        persistent: whether it keeps its data while it is stopped.
    """

    def __init__(self, folder: Path, persistent: bool = False) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._save = ["--appendonly", "yes"] if persistent else ["--save", ""]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen([*command, *self._save], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + TIMEOUT_S
        while not is_open(self.port):
            assert self._process.poll() is None, "redis-server has ended"
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server, and wait until it has ended."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(TIMEOUT_S)


def _server(folder: Path, persistent: bool = False) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    server = RedisServer(folder, persistent)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis server that forgets everything when it is stopped."""
    yield from _server(tmp_path)


@pytest.fixture
def persistent_redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Run a Redis server that keeps its data."""
    yield from _server(tmp_path, persistent=True)
