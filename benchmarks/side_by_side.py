"""CPU time per request of servers that share a core at the same time, each loaded by its own wrk.

A virtual machine with neighbours changes its speed by a fifth from second to second, so runs one after the other are
hard to compare. Servers that take turns on one core, every few milliseconds, run at the same speeds. Their CPU time per
request is compared, system calls included; it is higher than without company, because each server finds the others'
data in the processor's caches. The rates mean nothing here.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from math import nan
from statistics import median
from typing import Any

from benchmarks.cases import CASES, Case
from benchmarks.contenders import OURS
from benchmarks.settings import Settings, print_progress
from benchmarks.socket_load import FLOOR
from benchmarks.wrk import LoadError, Server, await_answer, load, serve

# More of them at the same time add no information, and leave less time to each.
TOGETHER = (OURS, "starlette", "falcon", "blacksheep")


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"cpu_us": …, "share": …, "rounds": […]}}}`, the shares of the raw application."""
    names = [*dict.fromkeys(FLOOR.values()), *(name for name in TOGETHER if name in settings.contenders)]
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name in names:
            try:
                servers[name] = stack.enter_context(serve(name, settings))
            except LoadError as error:
                print_progress(f"  {name}: {error}")
        return {case.name: _case(case, servers, settings) for case in CASES.values() if FLOOR[case.method] in servers}


def _case(case: Case, servers: dict[str, Server], settings: Settings) -> dict[str, Any]:
    floor = FLOOR[case.method]
    taking_part = {name: servers[name] for name in (floor, *TOGETHER) if name in servers}
    for server in taking_part.values():
        await_answer(server.port, case)

    def run(server: Server) -> float:
        try:
            return load(server, case, settings.beside_seconds, settings).cpu_us
        except LoadError as error:
            print_progress(f"  {case.name}: {error}")
            return nan  # and so are its figures in the table

    # The first round warms up.
    with ThreadPoolExecutor(len(taking_part)) as pool:
        rounds = [list(pool.map(run, taking_part.values())) for _ in range(settings.beside_rounds + 1)][1:]
    return rows({name: [round_costs[place] for round_costs in rounds] for place, name in enumerate(taking_part)}, floor)


def rows(costs: dict[str, list[float]], floor: str) -> dict[str, Any]:
    """Return the rows of a table from the costs of each round, in µs a request.

    >>> rows({"raw": [10, 20], "ours": [20, 25]}, "raw")["ours"]["share"]
    0.65
    """
    return {
        name: {
            "cpu_us": median(own),
            "share": round(median(least / cost for least, cost in zip(costs[floor], own, strict=True)), 4),
            "rounds": own,
        }
        for name, own in costs.items()
    }
