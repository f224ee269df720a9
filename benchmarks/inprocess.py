"""The framework alone, in µs of CPU time per request, without a server.

The contenders run in turn (A B C … A B C …). Shares of Starlette's time are computed within each round, so a slow
machine slows both sides of a share.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median, quantiles
from typing import Any

from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, REFERENCE
from benchmarks.driver import AnyCase
from benchmarks.settings import Settings, print_progress
from benchmarks.worker import Worker, WorkerError


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{case: {contender: {"us": …, "share": …, "spread": …}}}`; a contender that fails has `{"error": …}`."""
    names = [name for name in settings.contenders if not (CONTENDERS[name].own_server or CONTENDERS[name].scenes)]
    return measure_cases(names, "basic", dict.fromkeys(CASES.values(), settings.requests), settings)


def measure_cases(names: list[str], factory: str, counts: Mapping[Any, int], settings: Settings) -> dict[str, Any]:
    """Return the same as `measure` for the applications of a factory; `counts` has the requests per round of each case.

    The rounds are divided among several processes of each contender: the addresses of a process's objects and the order
    of its sets change its time by some hundredths.
    """
    errors: dict[str, dict[str, str]] = {case.name: {} for case in counts}
    rounds: dict[str, dict[str, list[float]]] = {case.name: {name: [] for name in names} for case in counts}
    for number in range(settings.processes):
        # The rounds that this process runs, so that the sum over all is `settings.rounds`.
        share = len(range(number, settings.rounds, settings.processes))
        with ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for name in names:
                worker = stack.enter_context(Worker(name, settings.core))
                try:
                    worker.build("app", factory, (), next(iter(counts)))
                except WorkerError as error:
                    print_progress(f"  {error}")
                    for case in counts:
                        errors[case.name][name] = str(error)
                else:
                    workers[name] = worker
            for case, count in counts.items():
                _run_rounds(workers, case, count, share, rounds[case.name], errors[case.name])
    return {case.name: _rows(rounds[case.name], errors[case.name]) for case in counts}


def _run_rounds(
    workers: dict[str, Worker],
    case: AnyCase,
    count: int,
    number: int,
    rounds: dict[str, list[float]],
    errors: dict[str, str],
) -> None:
    """Check and warm up each contender, then let them run rounds in turn; add the times to `rounds`."""
    for name, worker in workers.items():
        try:
            if case.status >= 400:
                worker.call("log", case.logs)
            worker.call("check", "app", case)
            worker.round("app", case, count)  # warm up; the interpreter specialises its code here
        except WorkerError as error:
            print_progress(f"  {error}")
            errors[name] = str(error)
    running = {name: worker for name, worker in workers.items() if name not in errors}
    for _ in range(number):
        for name, worker in running.items():
            rounds[name].append(worker.round("app", case, count))


def _rows(rounds: dict[str, list[float]], errors: dict[str, str]) -> dict[str, Any]:
    reference = rounds.get(REFERENCE) if REFERENCE not in errors else None
    rows: dict[str, Any] = {name: {"error": error} for name, error in errors.items()}
    return rows | {name: summary(values, reference) for name, values in rounds.items() if name not in errors}


def summary(values: list[float], reference: list[float] | None) -> dict[str, Any]:
    """Return median, relative distance of the quartiles, and the median share of `reference`, round by round."""
    low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    row: dict[str, Any] = {"us": median(values), "spread": (high - low) / median(values), "rounds": values}
    if reference:
        row["share"] = median(value / base_value for value, base_value in zip(values, reference, strict=True))
    return row
