"""The fuzzed application behind each server, and the answers of Sanic's own server to the same bytes.

A server passes if it answers each valid request, answers none with 500 or more, writes no traceback, and after a
pause has as many tasks, descriptors, temporary files and requests in flight as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import requests as client

from tests.engine.processes import free_port
from tests.fuzz.wire import TIMEOUT_S, Reply, Request, exchange, is_comparable, send_all

ROOT = Path(__file__).parents[2]
START_S = 60.0
# Seconds within which the remains of a closed connection must be gone.
QUIET_S = 40.0

_SERVE = """
import socket, sys
from tests.fuzz.features import app
if __name__ == "__main__":
    options = {"single_process": True}
    options |= {"server": sys.argv[2]} if len(sys.argv) > 2 else {}
    app.run("127.0.0.1", int(sys.argv[1]), motd=False, **options)
"""
_UVICORN = ("-m", "uvicorn", "tests.fuzz.features:app", "--host", "127.0.0.1", "--no-access-log", "--port")
COMMANDS: dict[str, tuple[str, ...]] = {
    "app.run": ("-c", _SERVE),
    "uvicorn-h11": (*_UVICORN, "{port}", "--http", "h11"),
    "uvicorn-httptools": (*_UVICORN, "{port}", "--http", "httptools"),
    "hypercorn": ("-c", _SERVE, "{port}", "hypercorn"),
    "granian": ("-c", _SERVE, "{port}", "granian"),
    "sanic": ("-c", _SERVE),
}
# hypercorn does not notice some disconnects, even if a bare ASGI function is the application.
_LEAVES_BEHIND = {"hypercorn": ("files",)}
# uvicorn's protocol on h11 calls the application for a request after an error in a pipeline, and then refuses to send.
_OF_THE_SERVER = {"uvicorn-h11": "LocalProtocolError: can't handle event type Response"}
# Lines that a server may log because of a client.
_EXPECTED = re.compile(
    r"Invalid HTTP request received|Unsupported upgrade request|WARNING|Goin' Fast|Starting worker|Stopping worker|"
    r"Worker ready|Server Stopped|INFO|DEBUG"
)
# Statuses of the servers' parsers, before an application is called.
_BY_PARSER = {0, 400, 411, 413, 414, 417, 426, 431, 501, 505}


@dataclass
class Outcome:
    """The result of a run."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    compared: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return f"{self.sent} requests ({counts}), {self.compared} compared with Sanic, {len(self.wrong)} wrong"


class Served:
    """The application behind a server, in a process of its own; to be used in a `with` block.

    Args:
        name: one of `COMMANDS`.
        folder: of its log, its temporary files and the files that it serves.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = free_port()
        files, temporary = folder / "files", folder / "temporary"
        (files / "sub").mkdir(parents=True, exist_ok=True)
        temporary.mkdir(exist_ok=True)
        (files / "a.txt").write_text("0123456789")
        (files / "b.bin").write_bytes(bytes(range(256)) * 400)
        (files / "sub" / "c.txt").write_text("c")
        for path in (files / "a.txt", files / "b.bin", files / "sub" / "c.txt"):
            os.utime(path, (1_700_000_000, 1_700_000_000))
        command = [part.format(port=self.port) if part == "{port}" else part for part in COMMANDS[name]]
        if "{port}" not in COMMANDS[name]:
            command.append(str(self.port))
        self._log = (folder / "log").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ
            | {
                "FUZZ_PACKAGE": "sanic" if name == "sanic" else "sanic_star",
                "FUZZ_FILES": str(files),
                "TMPDIR": str(temporary),
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                "NO_COLOR": "1",
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Served:
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(client.ConnectionError):
                client.get(f"http://127.0.0.1:{self.port}/", timeout=START_S)
                return self
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()

    def log(self) -> str:
        """Return the output of the process so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def state(self) -> dict[str, int]:
        """Read the numbers that must not grow from the application."""
        url = f"http://127.0.0.1:{self.port}/_state"
        counts: dict[str, int] = client.get(url, timeout=TIMEOUT_S, headers={"connection": "close"}).json()
        return counts

    def wait_until_settled(self, before: dict[str, int]) -> list[str]:
        """Wait until nothing remains of earlier requests; return the remains after the limit."""
        deadline = time.monotonic() + QUIET_S
        while True:
            now = self.state()
            left = [
                f"{self.name}: {now[kind]} {kind} after the run, {before[kind]} before"
                for kind in _LEAVES_BEHIND.get(self.name, ("tasks", "requests", "descriptors", "files"))
                if now[kind] > before[kind]
            ]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.2)

    def unexpected_log_lines(self) -> list[str]:
        """Return the lines of the log that should not be there."""
        lines = self.log().splitlines()
        return [
            "\n".join([f"{self.name} has logged:", *lines[number : number + 40]])
            for number, line in enumerate(lines)
            if not (
                (fault := _OF_THE_SERVER.get(self.name))
                and fault in "\n".join(lines[max(number - 80, 0) : number + 80])
            )
            if ("Traceback" in line or "ERROR" in line or "CRITICAL" in line) and not _EXPECTED.search(line)
        ][:5]


def fault_of(name: str, request: Request, reply: Reply) -> str | None:
    """Return the fault of a reply, or `None`."""
    description = (
        f"{name}: {request.template}{'' if request.is_unchanged else ', changed'}: {request.data[:1500]!r}\n    {reply}"
    )
    # A mounted Starlette application answers 500 to a body that ends too early; here granian's parser ends one.
    mounted = name == "granian" and b" /mounted" in request.data[:40]
    if reply.status >= 500 and reply.status not in (501, 505) and not (mounted and reply.status == 500):
        return description
    if request.is_unchanged and reply.status == 0 and request.template != "handshake":
        return description
    return None


def difference_from_sanic(request: Request, ours: Reply, sanics: Reply) -> str | None:
    """Return the difference from Sanic's answer if both servers' parsers accepted the request, or `None`."""
    if not is_comparable(request) or {ours.status, sanics.status} & _BY_PARSER or sanics.status >= 500:
        return None
    left, right = (_compared_part(reply) for reply in (sanics, ours))
    if left == right:
        return None
    return f"{request.template}: {request.data[:1500]!r}\n    Sanic {left}\n    here  {right}"


def _compared_part(reply: Reply) -> tuple[int, bytes]:
    # Each framework words its error pages itself.
    return reply.status, reply.body if reply.status == 200 else b""


def run(name: str, folder: Path, seed: int, count: int, sanics: list[Reply] | None = None) -> Outcome:
    """Send `count` requests to the application behind a server, and check the answers.

    Args:
        name: one of `COMMANDS`.
        folder: an empty directory.
        seed: of the requests.
        count: how many.
        sanics: Sanic's answers to the same requests, for comparison.
    """
    requests = list(exchange(seed, count))
    outcome = Outcome(len(requests))
    with Served(name, folder) as served:
        # The first requests of each kind load modules and caches, which stay.
        asyncio.run(send_all(served.port, list(exchange(0, 300))))
        before = served.state()
        replies = asyncio.run(send_all(served.port, requests))
        outcome.wrong += served.wait_until_settled(before)
        outcome.wrong += served.unexpected_log_lines()
    outcome.statuses.update(reply.status for reply in replies)
    outcome.wrong += filter(None, (fault_of(name, *pair) for pair in zip(requests, replies, strict=True)))
    if sanics is not None:
        outcome.compared = sum(
            is_comparable(request) and not {ours.status, sanics.status} & _BY_PARSER
            for request, ours, sanics in zip(requests, replies, sanics, strict=True)
        )
        outcome.wrong += filter(None, map(difference_from_sanic, requests, replies, sanics))
    return outcome


def sanics_replies(folder: Path, seed: int, count: int) -> list[Reply]:
    """Return the answers of Sanic's own server."""
    with Served("sanic", folder) as served:
        return asyncio.run(send_all(served.port, list(exchange(seed, count))))


def fuzz(names: list[str], seed: int, count: int) -> dict[str, Outcome]:
    """Send the same requests to Sanic's own server and to the application behind each of these servers."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        folders = {name: Path(directory, name) for name in ("sanic", *names)}
        for folder in folders.values():
            folder.mkdir()
        sanics = sanics_replies(folders["sanic"], seed, count)
        return {name: run(name, folders[name], seed, count, sanics) for name in names}


def report(outcomes: dict[str, Outcome], max_lines: int = 10) -> str:
    """Return the outcomes as text, with at most `max_lines` findings for each server."""
    lines: list[str] = []
    for name, outcome in outcomes.items():
        lines += [f"{name}: {outcome}", *(finding[:3000] for finding in outcome.wrong[:max_lines])]
    return "\n".join(lines)


SERVERS = [name for name in COMMANDS if name != "sanic"]
