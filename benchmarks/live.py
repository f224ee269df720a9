"""Part `live`: websockets, many chunks and event streams over a socket, by the server's CPU time and memory.

Client and server are a process each, on a core each. The servers are loaded in turn, round by round, and what counts is
the median of the ratios within a round. `broadcast` compares two ways to send one message within one server.
"""

import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import broadcast
from benchmarks.contenders import OURS, REFERENCE
from benchmarks.live_server import client, cpu_seconds
from benchmarks.settings import Settings, say
from benchmarks.wrk import LoadError, Server, serve

NAMES = ("raw", REFERENCE, OURS)
# The load of a row: its kind and its path for `live_client`, and how many connections.
LOADS = {"echo_1": ("echo", "/echo", 1), "echo_200": ("echo", "/echo", 200), "chunks": ("get", "/chunks", 1)}
# What stays open and does nothing: its kind, its path, how many.
IDLE = {"idle": ("hold", "/echo", 1000), "events": ("events", "/events", 200)}
_SSE_STARLETTE = "/sse-starlette"


def _memory_kb(pid: int) -> float:
    """Return the memory that a process holds in RAM, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(status.split("VmRSS:")[1].split()[0])


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{row: {contender: …}}`, and under `broadcast` the two ways, without and with compression."""
    names = [name for name in NAMES if name in settings.contenders]
    result: dict[str, Any] = {}
    for rows, part in (
        (LOADS, lambda: _all_loaded(names, settings)),
        (IDLE, lambda: _idle(names, settings)),
        (("broadcast",), lambda: {"broadcast": broadcast.measure(settings)}),
    ):
        say(f"  {', '.join(rows)}")
        try:
            result |= part()
        except LoadError as error:
            say(f"  {error}")
            failed = {"error": str(error)}
            result |= {row: dict.fromkeys(broadcast.KINDS if row == "broadcast" else names, failed) for row in rows}
    return result


def _all_loaded(names: list[str], settings: Settings) -> dict[str, Any]:
    """Return CPU time an answer in µs.

    Each server is started several times: two processes of one server differ by up to 5 %, which no number of rounds
    evens out. Blocks are short, so that both sides of a ratio are measured while the machine does the same.
    """
    rounds: dict[str, dict[str, list[float]]] = {row: {name: [] for name in names} for row in LOADS}
    for start in range(settings.live_starts):
        with ExitStack() as stack:
            # Which one is started first changes, too.
            order = names[start % len(names) :] + names[: start % len(names)]
            servers = {name: stack.enter_context(serve(name, settings, ("live.make",))) for name in order}
            for row, load in LOADS.items():
                for name, values in _loaded(servers, *load, settings).items():
                    rounds[row][name] += values
    return {row: _rows(values, "cpu_us") for row, values in rounds.items()}


def _loaded(servers: dict[str, Server], kind: str, path: str, count: int, settings: Settings) -> dict[str, list[float]]:
    rounds: dict[str, list[float]] = {name: [] for name in servers}
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(client(server.port, kind, path, count, settings))
            for name, server in servers.items()
        }
        for turn in range(settings.live_rounds + 1):
            # One time in this order, one time in the other.
            for name in list(servers) if turn % 2 else reversed(servers):
                pid = servers[name].pid
                before = cpu_seconds(pid)
                answers = clients[name].load(settings.live_seconds)
                if turn:  # the first round warms up
                    rounds[name].append((cpu_seconds(pid) - before) / answers * 1e6)
    return rounds


def _idle(names: list[str], settings: Settings) -> dict[str, Any]:
    """Return memory a connection in kB, and CPU time a second in ms for all of them, of connections that do nothing.

    What the first connections make once (imports, caches) is not theirs: some are opened and closed before.
    """
    memory: dict[str, dict[str, list[float]]] = {row: {} for row in IDLE}
    cpu: dict[str, dict[str, list[float]]] = {row: {} for row in IDLE}
    for _ in range(settings.live_processes):
        for name in names:
            for row, (kind, path, count) in IDLE.items():
                paths = {name: path}
                if name == REFERENCE and row == "events" and find_spec("sse_starlette"):
                    paths["sse_starlette"] = _SSE_STARLETTE
                for title, target in paths.items():
                    # A process for each: another row would get the memory that the first one has freed.
                    with serve(name, settings, ("live.make",)) as server:
                        kb, ms = _held(server, kind, target, count, settings)
                    memory[row].setdefault(title, []).append(kb)
                    cpu[row].setdefault(title, []).append(ms)
    result = {row: _rows(rounds, "kb") for row, rounds in memory.items()}
    for row, values in cpu.items():
        for name, rounds in values.items():
            result[row][name]["cpu_ms"] = median(rounds)
    return result


def _held(server: Server, kind: str, path: str, count: int, settings: Settings) -> tuple[float, float]:
    """Return memory and CPU time of connections that are held open."""
    with client(server.port, kind, path, count // 10, settings):
        pass
    time.sleep(_CALM_S)
    before = _memory_kb(server.pid)
    with client(server.port, kind, path, count, settings):
        time.sleep(_CALM_S)
        memory = (_memory_kb(server.pid) - before) / count
        began = cpu_seconds(server.pid)
        time.sleep(settings.idle_seconds)
        return memory, (cpu_seconds(server.pid) - began) / settings.idle_seconds * 1e3


# After so many seconds a server has done what connections that came or went have left for later.
_CALM_S = 0.5


def _rows(rounds: dict[str, list[float]], key: str) -> dict[str, Any]:
    base = rounds.get(REFERENCE)
    rows: dict[str, Any] = {}
    for name, values in rounds.items():
        rows[name] = {key: median(values), "rounds": values}
        if base and all(base):
            rows[name]["share"] = median(mine / theirs for mine, theirs in zip(values, base, strict=True))
    return rows
