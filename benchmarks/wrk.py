"""Serves one contender in a process of its own and loads it with wrk, over the loopback interface only.

Beside the rate, each run tells how much CPU time the server used, and how much other processes took from the machine.
"""

import http.client
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import CASES, Case
from benchmarks.contenders import CONTENDERS
from benchmarks.settings import Settings


@dataclass(frozen=True)
class Server:
    """A running server process."""

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
class Run:
    """What one run of wrk found."""

    rate: float
    p99_ms: float
    cpu_us: float
    foreign: float  # CPU time of other processes by wall time: 0.5 is half a core


class LoadError(Exception):
    """A server did not start, answered wrongly, or failed under load."""


@contextmanager
def serve(
    name: str, settings: Settings, factory: tuple[str, ...] = ("basic",), first: Case = CASES["text"]
) -> Iterator[Server]:
    """Run the server of the contender `name`; raise LoadError if it does not start.

    `factory` is the function of the contender's module that makes the application, with its arguments, and `first`
    what is asked to see whether it answers.
    """
    command = [sys.executable, "-m", "benchmarks.serve", name]
    core = "" if settings.core is None else str(settings.core)
    with subprocess.Popen(
        [*command, core, str(settings.limit), *factory], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise LoadError(f"{CONTENDERS[name].title} did not start (its own message is above)")
            await_answer(int(line), first)
            yield Server(int(line), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def await_answer(port: int, case: Case, seconds: float = 30) -> None:
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


def load(server: Server, case: Case, seconds: int, settings: Settings) -> Run:
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
        before = server.cpu_seconds(), _wrk_seconds(), _machine_seconds(), time.monotonic()
        output = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=False).stdout
        used = server.cpu_seconds() - before[0]
        foreign = _machine_seconds() - before[2] - used - (_wrk_seconds() - before[1])
        foreign /= time.monotonic() - before[3]
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    count = re.search(r"(\d+) requests in", output)
    if not rate or not tail or not count or "Non-2xx" in output or "Socket errors" in output:
        raise LoadError(f"wrk reports: {output.strip() or 'nothing'}")
    p99 = float(tail[1]) * {"us": 0.001, "ms": 1, "s": 1000}[tail[2]]
    return Run(float(rate[1]), p99, used * 1e6 / int(count[1]), max(0.0, foreign))


def _wrk_seconds() -> float:
    # Of the children only wrk is waited for while servers run, so the sum of the finished ones grows by its time alone.
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _machine_seconds() -> float:
    """Return the CPU time that all processes, and other machines on the same host, have taken; 0 without /proc."""
    try:
        user, nice, system, _, _, irq, soft_irq, steal = map(
            int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        )
    except OSError:
        return 0
    return (user + nice + system + irq + soft_irq + steal) / os.sysconf("SC_CLK_TCK")
