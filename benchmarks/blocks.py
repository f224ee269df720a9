"""CPU time per request over a socket, in interleaved blocks: in each round, each server in turn is loaded for a second.

Only one server works at a time; it has one core, wrk another. The machine may change its speed from round to round, so
two servers are compared within a round, and the result is the median of these ratios. The CPU time is that of the
server's process with all its threads and its system calls; the speed of wrk does not matter.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.driver import AnyCase
from benchmarks.settings import Settings, print_progress
from benchmarks.wrk import LoadError, Server, await_answer, load

# On a busy machine a second may pass without an answer.
ATTEMPTS = 3


def measure_blocks(
    servers: Mapping[str, Server], cases: Sequence[AnyCase], settings: Settings, reference: str, rounds: int
) -> dict[str, Any]:
    """Return `{case: {contender: {"cpu_us": …, "share": …, "rounds": […]}}}`, the shares of `reference`'s CPU time."""
    return {case.name: _measure_case(servers, case, settings, reference, rounds) for case in cases}


def _measure_case(
    servers: Mapping[str, Server], case: AnyCase, settings: Settings, reference: str, count: int
) -> dict[str, Any]:
    rounds: dict[str, list[float]] = {name: [] for name in servers}
    failed: dict[str, Any] = {}

    def attempt(name: str, action: Callable[[Server], Any]) -> Any:
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                return action(servers[name])
            except LoadError as error:
                print_progress(f"  {name}, {case.name}: {error}")
                if not attempts_left:
                    failed[name] = {"error": str(error)}
                    del rounds[name]

    for name in servers:
        # Check all servers before the first load: after wrk has ended, a server still handles its last requests.
        attempt(name, lambda server: await_answer(server.port, case))
    for turn in range(count + 1):
        for name in list(rounds):
            run = attempt(name, lambda server: load(server, case, settings.block_seconds, settings))
            if run and turn:  # the first round warms up
                rounds[name].append(run.cpu_us)
    base = rounds.get(reference)
    return failed | {name: _row(values, base) for name, values in rounds.items()}


def _row(values: list[float], base: list[float] | None) -> dict[str, Any]:
    row: dict[str, Any] = {"cpu_us": median(values), "rounds": values}
    if base and all(base):  # without /proc all times are 0
        row["share"] = median(value / base_value for value, base_value in zip(values, base, strict=True))
    return row
