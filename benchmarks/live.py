"""Part `live`: websockets, many chunks and event streams over a socket, by the server's CPU time and memory.

Client and server are two processes on two cores. The servers are loaded in turn, round by round; two servers are
compared by the median of the ratios within a round. `broadcast` compares two ways to send one message in one server.
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
from benchmarks.settings import Settings, print_progress
from benchmarks.wrk import LoadError, Server, serve

NAMES = ("raw", REFERENCE, OURS)
# The load of a row: its kind and its path for `live_client`, and the number of connections.
LOADS = {"echo_1": ("echo", "/echo", 1), "echo_200": ("echo", "/echo", 200), "chunks": ("get", "/chunks", 1)}
# Connections that stay open and do nothing: their kind, their path, their number.
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
        (LOADS, lambda: _load_all(names, settings)),
        (IDLE, lambda: _measure_idle(names, settings)),
        (("broadcast",), lambda: {"broadcast": broadcast.measure(settings)}),
    ):
        print_progress(f"  {', '.join(rows)}")
        try:
            result |= part()
        except LoadError as error:
            print_progress(f"  {error}")
            failed = {"error": str(error)}
            result |= {row: dict.fromkeys(broadcast.KINDS if row == "broadcast" else names, failed) for row in rows}
    return result


def _load_all(names: list[str], settings: Settings) -> dict[str, Any]:
    """Return CPU time per answer in µs.

    Each server is started several times: two processes of one server differ by up to 5 %, which no number of rounds
    evens out. Blocks are short, so that the machine's speed is the same for both sides of a ratio.
    """
    rounds: dict[str, dict[str, list[float]]] = {row: {name: [] for name in names} for row in LOADS}
    for start in range(settings.live_starts):
        with ExitStack() as stack:
            # Each start begins with another server.
            order = names[start % len(names) :] + names[: start % len(names)]
            servers = {name: stack.enter_context(serve(name, settings, ("live.make",))) for name in order}
            for row, load in LOADS.items():
                for name, values in _load(servers, *load, settings).items():
                    rounds[row][name] += values
    return {row: _rows(values, "cpu_us") for row, values in rounds.items()}


def _load(servers: dict[str, Server], kind: str, path: str, count: int, settings: Settings) -> dict[str, list[float]]:
    rounds: dict[str, list[float]] = {name: [] for name in servers}
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(client(server.port, kind, path, count, settings))
            for name, server in servers.items()
        }
        for turn in range(settings.live_rounds + 1):
            # The order is reversed in every second round.
            for name in list(servers) if turn % 2 else reversed(servers):
                pid = servers[name].pid
                before = cpu_seconds(pid)
                answers = clients[name].load(settings.live_seconds)
                if turn:  # the first round warms up
                    rounds[name].append((cpu_seconds(pid) - before) / answers * 1e6)
    return rounds


def _measure_idle(names: list[str], settings: Settings) -> dict[str, Any]:
    """Return, for idle connections, the memory per connection in kB and the CPU time per second of all together in ms.

    Some connections are opened and closed before, so that imports and caches, which the first ones cause, do not count.
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
                    # Each row has its own process: otherwise it would reuse memory that the row before has freed.
                    with serve(name, settings, ("live.make",)) as server:
                        kb, ms = _hold(server, kind, target, count, settings)
                    memory[row].setdefault(title, []).append(kb)
                    cpu[row].setdefault(title, []).append(ms)
    result = {row: _rows(rounds, "kb") for row, rounds in memory.items()}
    for row, values in cpu.items():
        for name, rounds in values.items():
            result[row][name]["cpu_ms"] = median(rounds)
    return result


def _hold(server: Server, kind: str, path: str, count: int, settings: Settings) -> tuple[float, float]:
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


# After so many seconds a server has finished the work that opening and closing connections causes.
_CALM_S = 0.5


def _rows(rounds: dict[str, list[float]], key: str) -> dict[str, Any]:
    base = rounds.get(REFERENCE)
    rows: dict[str, Any] = {}
    for name, values in rounds.items():
        rows[name] = {key: median(values), "rounds": values}
        if base and all(base):
            rows[name]["share"] = median(value / base_value for value, base_value in zip(values, base, strict=True))
    return rows
