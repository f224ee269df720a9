"""Servers in their own processes: started from a script, observed by their log, ended by their process id."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import requests

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0  # enough for a slow machine; every wait ends as soon as its condition is true
UVICORN = (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "0")
T = TypeVar("T")

# The start of every script: an application that writes its phases to the log.
HEAD = """
import asyncio, os, signal, sys, time
from sanic_star import Sanic, text
app = Sanic("Served")

@app.get("/")
async def hello(request):
    return text(str(os.getpid()))

def say(*words):
    # One write: lines of several processes don't mix.
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

for phase in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
    app.register_listener(lambda app, phase=phase: say(phase), phase)
"""


class Process:
    """A process and its output so far.

    Args:
        command: the command line.
        folder: the working directory.
        own_session: whether it gets its own session, and with it a process group, which Sanic's manager may kill.
    """

    def __init__(self, command: tuple[str, ...], folder: Path, own_session: bool = False) -> None:
        env = os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "PYTHONUNBUFFERED": "1"}
        self.lines: list[str] = []
        self.popen = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=own_session,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout:
            for line in self.popen.stdout:
                self.lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until a condition is true, and return its result; raise if the process ends before."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            ended = self.popen.poll() is not None
            if ended:
                self._reader.join(TIMEOUT_S)
            if result := condition():
                return result
            assert not ended, f"the process has ended; the log says:\n{self.log}"
            assert time.monotonic() < deadline, f"timed out; the log says:\n{self.log}"
            time.sleep(0.01)

    @property
    def port(self) -> int:
        """The port that the server logs."""
        return int(self.until(lambda: re.search(r"(?:https?://|TCP address )127\.0\.0\.1:(\d+)", self.log))[1])

    def get(self, path: str = "/", **options: Any) -> requests.Response:
        """Send a GET request as soon as the server listens."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return self.until(lambda: _attempt(url, options))

    def wait_for_end(self) -> int:
        """Wait until the process ends, and return its exit status."""
        status = self.popen.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        return status

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        self.popen.send_signal(number)
        return self.wait_for_end()

    def phases(self) -> list[str]:
        """The phases in the log, in order."""
        return re.findall(r"^(?:before|after)_server_st(?:art|op)\b", self.log, re.M)


def _attempt(url: str, options: dict[str, Any]) -> requests.Response | None:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(url, timeout=TIMEOUT_S, **options)
    return None


@contextlib.contextmanager
def process(folder: Path, script: str, *command: str, name: str = "served.py") -> Iterator[Process]:
    """Run a script with `HEAD` before it, or a command with that as the module `served`, until the block ends."""
    (folder / name).write_text(HEAD + textwrap.dedent(script))
    started = Process(command or (sys.executable, name), folder)
    try:
        yield started
    finally:
        if started.popen.poll() is None:
            started.popen.terminate()
            try:
                started.popen.wait(10)
            except subprocess.TimeoutExpired:
                started.popen.kill()
        started.wait_for_end()


def is_open(port: int) -> bool:
    """Return whether a process listens on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), TIMEOUT_S):
        return True
    return False


def free_port() -> int:
    """Return a port that was free a moment ago.

    It is below the ports that systems choose for clients and for servers that bind port 0 (from 32768 on Linux, from
    49152 elsewhere): another process could get one of those before the server under test binds it.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as connection:
            connection.bind(("127.0.0.1", port))
            return port
