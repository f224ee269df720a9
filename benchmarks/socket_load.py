"""Requests per second over loopback, uvicorn on one core and wrk on another.

The result is the share of a raw ASGI application's rate on the same server, from five interleaved pairs (raw, ours,
raw, ours, …): absolute figures of one machine differ by several per cent from minute to minute, the ratio of neighbours
does not. Peers run in the same rounds. The tables also have the server's CPU time per request, on which other work of
the machine has little influence. A pair is run again, a few times at most, if other processes took much of the machine
during it. That is decided by their CPU time only, never by the rates.
"""

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.cases import CASES, Case
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.settings import Settings, print_progress
from benchmarks.wrk import LoadError, Run, Server, await_answer, load, need_wrk, serve

FLOOR = {"GET": "raw", "POST": "raw_body"}


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"rps": …, "p99_ms": …, "cpu_us": …, "share": …, "rounds": […]}}}`."""
    need_wrk("socket")
    floors = [name for name in FLOOR.values() if name not in settings.contenders]
    result: dict[str, Any] = {name: {} for name in CASES}
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in [*floors, *(name for name in settings.contenders if not CONTENDERS[name].scenes)]:
            try:
                servers[name] = stack.enter_context(serve(name, settings))
            except LoadError as error:
                print_progress(f"  {name}: {error}")
                for rows in result.values():
                    rows[name] = {"error": str(error)}
        for case in CASES.values():
            result[case.name] |= CaseRun(case, servers, settings, FLOOR[case.method]).rows()
    return result


class CaseRun:
    """All runs of one case; a contender that fails once is left out, and its row has the error.

    `floor` is the contender that runs in pairs with sanic_star; the shares are of its rate.
    """

    def __init__(self, case: Case, servers: dict[str, Server], settings: Settings, floor: str) -> None:
        self._case = case
        self._servers = servers
        self._settings = settings
        self._floor = floor
        # Both floors are shown for POST; elsewhere there is no difference between them.
        names = [name for name in servers if name != "raw_body" or case.method == "POST"]
        self._pair = [name for name in (self._floor, OURS) if name in names]
        self._peers = [name for name in names if name not in self._pair]
        self._runs: dict[str, list[Run]] = {name: [] for name in names}
        self._errors: dict[str, Any] = {}

    def rows(self) -> dict[str, Any]:
        """Run and return the rows of the table."""
        for name in list(self._runs):
            self._attempt([name], warm=True)
        for turn in range(self._settings.pairs):
            for group in (self._pair, *([name] for name in self._peers if turn < self._settings.peer_rounds)):
                for name, run in self._quietest(group).items():
                    self._runs[name].append(run)
        base = [run.rate for run in self._runs.get(self._floor, [])]
        if disturbed := sum(run.foreign > self._settings.quiet for runs in self._runs.values() for run in runs):
            print_progress(
                f"  {self._case.name}: {disturbed} runs kept although other processes took CPU time during them"
            )
        return self._errors | {name: _row(name, runs, base) for name, runs in self._runs.items() if runs}

    def _quietest(self, group: list[str]) -> dict[str, Run]:
        """Run the group until no other process disturbs it, or return the least disturbed attempt."""
        attempts: list[dict[str, Run]] = []
        while len(attempts) <= self._settings.retries:
            attempts.append(self._attempt([name for name in group if name in self._runs]))
            if max((run.foreign for run in attempts[-1].values()), default=0) <= self._settings.quiet:
                break
        whole = [runs for runs in attempts if all(name in runs for name in group if name in self._runs)]
        return min(whole, key=lambda runs: max((run.foreign for run in runs.values()), default=0), default={})

    def _attempt(self, names: list[str], warm: bool = False) -> dict[str, Run]:
        runs = {}
        for name in names:
            server = self._servers[name]
            try:
                if warm:
                    await_answer(server.port, self._case)
                runs[name] = load(server, self._case, 1 if warm else self._settings.seconds, self._settings)
            except LoadError as error:
                print_progress(f"  {name}, {self._case.name}: {error}")
                self._errors[name] = {"error": str(error)}
                del self._runs[name]
        return {name: run for name, run in runs.items() if name in self._runs}


def _row(name: str, runs: list[Run], base: list[float]) -> dict[str, Any]:
    rates = [run.rate for run in runs]
    row: dict[str, Any] = {
        "rps": median(rates),
        "p99_ms": median(run.p99_ms for run in runs),
        "cpu_us": median(run.cpu_us for run in runs),
        "rounds": rates,
        "foreign": [run.foreign for run in runs],
    }
    if base and name == OURS:
        row["pairs"] = [rate / neighbour for rate, neighbour in zip(rates, base, strict=True)]
        row["share"] = median(row["pairs"])
    elif base:
        row["share"] = median(rates) / median(base)
    return row
