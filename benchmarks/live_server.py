"""The functions of part `live` for a server: open connections to it from another process, and read its CPU time."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.settings import Settings
from benchmarks.wrk import LoadError, Server


class _Client:
    """The client's process; see `live_client`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._read("ready")

    def _read(self, expected: str = "") -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line or (expected and line != expected):
            raise LoadError("the client has ended (its own message is above)")
        return line

    def load(self, seconds: float) -> int:
        """Load the server for `seconds`, and return the number of answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return int(self._read())


@contextmanager
def client(port: int, kind: str, path: str, count: int, settings: Settings) -> Iterator[_Client]:
    """Open connections, and close them at the end of the block.

    Raises:
        LoadError: the server refused a connection.
    """
    pinned = [] if settings.load_core is None else ["taskset", "-c", str(settings.load_core)]
    command = [*pinned, sys.executable, "-m", "benchmarks.live_client", str(port), kind, path, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _Client(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, to the nanosecond where the kernel counts so."""
    try:
        tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    except (OSError, ValueError):
        return Server(0, pid).cpu_seconds()
