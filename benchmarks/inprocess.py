"""Part 1: the cost of the framework alone, in µs a request, without a server.

The contenders run in turn (A B C … A B C …); a share is taken round by round against Starlette, so what slows the whole
machine for a while slows both sides of it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median, quantiles
from typing import Any

from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, REFERENCE
from benchmarks.driver import AnyCase
from benchmarks.settings import Settings, say
from benchmarks.worker import Worker, WorkerError


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`; a contender that fails has `{"error": …}`."""
    names = [name for name in settings.contenders if not (CONTENDERS[name].own_server or CONTENDERS[name].scenes)]
    return measure_cases(names, "basic", dict.fromkeys(CASES.values(), settings.requests), settings)


def measure_cases(names: list[str], factory: str, counts: Mapping[Any, int], settings: Settings) -> dict[str, Any]:
    """Return what `measure` does, for the applications of a factory, and so many requests a round of each case."""
    result: dict[str, Any] = {case.name: {} for case in counts}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name in names:
            worker = stack.enter_context(Worker(name, settings.core))
            try:
                worker.build("app", factory, (), next(iter(counts)))
            except WorkerError as error:
                say(f"  {error}")
                for rows in result.values():
                    rows[name] = {"error": str(error)}
            else:
                workers[name] = worker
        for case, count in counts.items():
            result[case.name] |= _case(workers, case, count, settings)
    return result


def _case(workers: dict[str, Worker], case: AnyCase, count: int, settings: Settings) -> dict[str, Any]:
    failed: dict[str, Any] = {}
    for name, worker in list(workers.items()):
        try:
            if case.status >= 400:
                worker.call("log", case.logs)
            worker.call("check", "app", case)
            worker.round("app", case, count)  # warm up; the interpreter specialises its code here
        except WorkerError as error:
            say(f"  {error}")
            failed[name] = {"error": str(error)}
    running = {name: worker for name, worker in workers.items() if name not in failed}
    rounds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(settings.rounds):
        for name, worker in running.items():
            rounds[name].append(worker.round("app", case, count))
    reference = rounds.get(REFERENCE)
    return failed | {name: summary(values, reference) for name, values in rounds.items()}


def summary(values: list[float], reference: list[float] | None) -> dict[str, Any]:
    """Return median, relative distance of the quartiles, and the median share of `reference`, round by round."""
    low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    row: dict[str, Any] = {"us": median(values), "spread": (high - low) / median(values), "rounds": values}
    if reference:
        row["share"] = median(value / base_value for value, base_value in zip(values, reference, strict=True))
    return row
