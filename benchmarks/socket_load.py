"""Part 2: requests a second over loopback, uvicorn on one core and wrk on another.

What counts is the share of a raw ASGI application on the same server, from five interleaved pairs (raw, ours, raw,
ours, …): absolute figures of one machine differ by several per cent from minute to minute, the ratio of neighbours
does not. Peers run in the same rounds. Beside the rate stands the CPU time that the server needed for a request: that
is nearly free of what else the machine did.
"""

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cases import CASES, Case
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.settings import Settings, say

FLOOR = {"GET": "raw", "POST": "raw_body"}


@dataclass(frozen=True)
class _Server:
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far, 0 where there is no /proc."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Run:
    rate: float
    p99_ms: float
    cpu_us: float


class LoadError(Exception):
    """A server did not start, answered wrongly, or failed under load."""


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"rps": …, "p99_ms": …, "cpu_us": …, "share": …, "rounds": […]}}}`."""
    if not shutil.which("wrk"):
        raise SystemExit(
            "The socket part needs wrk: install it (apt-get install wrk), or leave this part out (--only)."
        )
    floors = [name for name in FLOOR.values() if name not in settings.contenders]
    result: dict[str, Any] = {name: {} for name in CASES}
    with ExitStack() as stack:
        servers: dict[str, _Server] = {}
        for name in [*floors, *settings.contenders]:
            try:
                servers[name] = stack.enter_context(_server(name, settings))
            except LoadError as error:
                say(f"  {name}: {error}")
                for rows in result.values():
                    rows[name] = {"error": str(error)}
        for case in CASES.values():
            result[case.name] |= _case(case, servers, settings)
    return result


def _case(case: Case, servers: dict[str, _Server], settings: Settings) -> dict[str, Any]:
    floor = FLOOR[case.method]
    # The floor and ours stand next to each other in time. The other floor is shown where it does not read the body too.
    order = [floor, *sorted((name for name in servers if name != floor), key=lambda name: name != OURS)]
    order = [name for name in order if name != "raw_body" or case.method == "POST"]
    rows: dict[str, Any] = {}
    for name in order:
        try:
            _await_answer(servers[name].port, case)
            _wrk(servers[name], case, 1, settings)
        except LoadError as error:
            say(f"  {name}, {case.name}: {error}")
            rows[name] = {"error": str(error)}
    runs: dict[str, list[_Run]] = {name: [] for name in order if name not in rows}
    for turn in range(settings.pairs):
        for name in list(runs):
            if name not in (floor, OURS) and turn >= settings.peer_rounds:
                continue
            try:
                runs[name].append(_wrk(servers[name], case, settings.seconds, settings))
            except LoadError as error:
                say(f"  {name}, {case.name}: {error}")
                rows[name] = {"error": str(error)}
                del runs[name]
    base = [run.rate for run in runs.get(floor, [])]
    for name, values in runs.items():
        rates = [run.rate for run in values]
        rows[name] = {
            "rps": median(rates),
            "p99_ms": median(run.p99_ms for run in values),
            "cpu_us": median(run.cpu_us for run in values),
            "rounds": rates,
        }
        if base and name == OURS:
            pairs = [rate / neighbour for rate, neighbour in zip(rates, base, strict=True)]
            rows[name] |= {"share": median(pairs), "pairs": pairs}
        elif base:
            rows[name]["share"] = median(rates) / median(base)
    if base and max(base) > 1.1 * min(base):
        say(f"  {case.name}: the floor went from {min(base):,.0f} to {max(base):,.0f}/s; the machine was not quiet")
    return rows


@contextmanager
def _server(name: str, settings: Settings) -> Iterator[_Server]:
    command = [sys.executable, "-m", "benchmarks.serve", name]
    core = "" if settings.core is None else str(settings.core)
    with subprocess.Popen([*command, core, str(settings.limit)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise LoadError(f"{CONTENDERS[name].title} did not start (its own message is above)")
            _await_answer(int(line), CASES["text"])
            yield _Server(int(line), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_answer(port: int, case: Case, seconds: float = 30) -> None:
    """Wait until the server gives the right answer; raise LoadError for a wrong one or none at all."""
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            headers = {"Content-Type": "application/json"} if case.body else {}
            connection.request(case.method, case.path, case.body or None, headers)
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            if time.monotonic() > deadline:
                raise LoadError(f"no answer in {seconds:.0f} s: {error!r}") from error
            time.sleep(0.05)
        else:
            if not case.matches(response.status, body):
                raise LoadError(f"answered {case.name} with {response.status} {body[:200]!r}")
            return
        finally:
            connection.close()


def _wrk(server: _Server, case: Case, seconds: int, settings: Settings) -> _Run:
    """Load the server for so many seconds; raise LoadError unless every request got a good answer."""
    command = ["wrk", "-t1", f"-c{settings.connections}", f"-d{seconds}s", "--latency"]
    if settings.load_core is not None:
        command = ["taskset", "-c", str(settings.load_core), *command]
    with tempfile.TemporaryDirectory() as folder:
        if case.body:
            script = Path(folder, "post.lua")
            script.write_text(
                f'wrk.method = "{case.method}"\nwrk.body = [[{case.body.decode()}]]\n'
                'wrk.headers["Content-Type"] = "application/json"\n'
            )
            command += ["-s", str(script)]
        command.append(f"http://127.0.0.1:{server.port}{case.path}")
        before = server.cpu_seconds()
        output = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=False).stdout
        used = server.cpu_seconds() - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    count = re.search(r"(\d+) requests in", output)
    if not rate or not tail or not count or "Non-2xx" in output or "Socket errors" in output:
        raise LoadError(f"wrk reports: {output.strip() or 'nothing'}")
    p99 = float(tail[1]) * {"us": 0.001, "ms": 1, "s": 1000}[tail[2]]
    return _Run(float(rate[1]), p99, used * 1e6 / int(count[1]))
