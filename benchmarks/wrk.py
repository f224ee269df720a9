"""Serve one contender in its own process and load it with wrk, over the loopback interface only.

Each run measures the rate, the CPU time of the server, and the CPU time that other processes took from the machine.
"""

import http.client
import itertools
import json
import os
import re
import resource
import shutil
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
from benchmarks.driver import AnyCase
from benchmarks.real_requests import RealCase
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
    """The result of one run of wrk."""

    rate: float
    p99_ms: float
    cpu_us: float
    foreign: float  # CPU time of other processes by wall time: 0.5 is half a core


class LoadError(Exception):
    """A server did not start, answered wrongly, or failed under load."""


def need_wrk(part: str) -> None:
    """Exit with a message if wrk is not installed."""
    if not shutil.which("wrk"):
        raise SystemExit(
            f"The part {part} needs wrk: install it (apt-get install wrk), or leave the part out (--only)."
        )


@contextmanager
def serve(
    name: str, settings: Settings, factory: tuple[str, ...] = ("basic",), first: AnyCase = CASES["text"]
) -> Iterator[Server]:
    """Run the server of the contender `name`; raise LoadError if it does not start.

    `factory` is the function of the contender's module that makes the application, with its arguments, and `first`
    the request that checks whether it answers.
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


# The first numbers of runs of wrk, all of eight digits; no run makes so many requests that it reaches the next run's.
_STARTS = itertools.cycle(range(20_000_000, 99_000_000, 250_000))


def await_answer(port: int, case: AnyCase, seconds: float = 30) -> None:
    """Wait until the server gives the right answer; raise LoadError for a wrong one or none at all."""
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            number = _request(connection, case)
            response = connection.getresponse()
            body = response.read()
        except OSError as error:
            if time.monotonic() > deadline:
                raise LoadError(f"no answer in {seconds:.0f} s: {error!r}") from error
            time.sleep(0.05)
        else:
            fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.getheaders()]
            if wrong := case.fault(number, response.status, fields, body):
                raise LoadError(f"answered {case.name} with {wrong}")
            return
        finally:
            connection.close()


def _request(connection: http.client.HTTPConnection, case: AnyCase) -> int:
    """Send the request, and return its number, 0 where there is none."""
    if isinstance(case, Case):
        headers = {"Content-Type": case.type} if case.body else {}
        connection.request(case.method, case.target, case.body or None, headers | dict(case.headers))
        return 0
    (request,) = case.prepare(1)
    digits = str(request.number)
    connection.putrequest(case.method, case.target.replace("@", digits), skip_host=True, skip_accept_encoding=True)
    for name, value in request.scope["headers"]:
        connection.putheader(name.decode(), value.decode())
    connection.endheaders(request.body or None)
    return request.number


def _script(case: AnyCase) -> str | None:
    """Return the Lua program that makes wrk's requests, or None if a path is enough."""
    if isinstance(case, Case):
        if not case.body:
            return None
        return (
            f'wrk.method = "{case.method}"\nwrk.body = [[{case.body.decode()}]]\n'
            f'wrk.headers["Content-Type"] = "{case.type}"\n'
        )
    lines = [f"{case.method} {case.target} HTTP/1.1", *(f"{name}: {value}" for name, value in case.headers()), ""]
    # ASCII text in JSON's notation is a string of Lua's too.
    text = json.dumps("\r\n".join([*lines, case.body]))
    return (
        f"local text, number = {text}, {next(_STARTS)}\n"
        "request = function()\n  number = number + 1\n  return (text:gsub('@', number))\nend\n"
    )


def load(server: Server, case: AnyCase, seconds: int, settings: Settings) -> Run:
    """Load the server for `seconds`; raise LoadError unless every request got a good answer."""
    command = ["wrk", "-t1", f"-c{settings.connections}", f"-d{seconds}s", "--latency"]
    if settings.load_core is not None:
        command = ["taskset", "-c", str(settings.load_core), *command]
    with tempfile.TemporaryDirectory() as folder:
        if program := _script(case):
            script = Path(folder, "requests.lua")
            script.write_text(program)
            command += ["-s", str(script)]
        address = f"http://127.0.0.1:{server.port}"
        command.append(address if isinstance(case, RealCase) else address + case.target)
        before = server.cpu_seconds(), _wrk_seconds(), _machine_seconds(), time.monotonic()
        output = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=False).stdout
        used = server.cpu_seconds() - before[0]
        foreign = _machine_seconds() - before[2] - used - (_wrk_seconds() - before[1])
        foreign /= time.monotonic() - before[3]
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    count = re.search(r"(\d+) requests in", output)
    if not rate or not tail or not count or not int(count[1]) or "Non-2xx" in output or "Socket errors" in output:
        raise LoadError(f"wrk reports: {output.strip() or 'nothing'}")
    p99 = float(tail[1]) * {"us": 0.001, "ms": 1, "s": 1000}[tail[2]]
    return Run(float(rate[1]), p99, used * 1e6 / int(count[1]), max(0.0, foreign))


def _wrk_seconds() -> float:
    # While servers run, wrk is the only child that ends, so the sum over ended children grows by wrk's time alone.
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
