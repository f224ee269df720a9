"""The cost of a routing table: a request to its first and to its last route, and building and starting it.

The table `dynamic` has `/r0/<id:int>`, `/r1/<id:int>`, …; in `mixed` every third route is static (`/r1/page`), but not
the first and the last, which are compared. The table `varied` is for contenders with Sanic's API: its routes are, in
turn, static, typed, for a host, of a version. The first and the last of each kind are compared, and the memory of a
route is measured. Each request has another number, so a router can't answer from a cache.
A contender that can't start a table within the limit is left out of it, and the report shows that.
"""

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.cases import Case
from benchmarks.contenders import CONTENDERS
from benchmarks.settings import Settings, print_progress
from benchmarks.worker import Worker, WorkerError

SIZES = (1, 100, 1000, 10_000)
START_SIZES = (1000, 10_000)


def _case(position: str, number: int, mixed: bool) -> Case:
    path = f"/r{number}/page" if mixed and number % 3 == 1 else f"/r{number}/{{}}"
    return Case(position, path, "Hello, world!")


def measure(settings: Settings) -> dict[str, Any]:
    """Return `{"requests": {table: {size: {contender: row}}}, "start": {size: {contender: row}}}`."""
    names = [name for name in settings.contenders if CONTENDERS[name].routes and not CONTENDERS[name].own_server]
    sizes = SIZES[:3] if settings.quick else SIZES
    tables = {
        table: {str(size): _table(names, size, table == "mixed", settings) for size in sizes}
        for table in ("dynamic", "mixed")
    }
    start = {str(size): _measure_starts(names, size, settings) for size in START_SIZES if size in sizes}
    varied = {str(size): _varied(size, settings) for size in START_SIZES if size in sizes}
    return {"requests": tables, "start": start, "varied": varied}


def _varied(size: int, settings: Settings) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name in [name for name in ("sanic_star", "sanic") if name in settings.contenders]:
        pairs = [[Case(kind, path, "Hello, world!") for kind, path in _paths(number)] for number in (0, size - 4)]
        try:
            with Worker(name, settings.core, settings.build_limit) as worker:
                worker.call("preload")
                row: dict[str, Any] = worker.build("table", "varied", (size,), pairs[1][0])
                for case in (*pairs[0], *pairs[1]):
                    worker.call("check", "table", case)
                    worker.round("table", case, settings.requests)
                times = [
                    [[worker.round("table", case, settings.requests) for case in cases] for cases in pairs]
                    for _ in range(settings.table_rounds)
                ]
            first, last = (
                [median(round_times[which][kind] for round_times in times) for kind in range(4)] for which in (0, 1)
            )
            row |= {"first_us": max(first), "last_us": max(last)}
            row["last_by_first"] = max(
                median(round_times[1][kind] / round_times[0][kind] for round_times in times) for kind in range(4)
            )
            row["ready_ms"] = row["build_ms"] + row["start_ms"]
            with Worker(name, settings.core, settings.build_limit) as worker:
                row["bytes"] = worker.call("memory", "varied", (size,)) / size
        except WorkerError as error:
            print_progress(f"  {size} varied routes: {error}")
            row = {"error": str(error)}
        rows[name] = row
    return rows


def _paths(number: int) -> list[tuple[str, str]]:
    ends = {"static": f"/r{number}/page", "typed": f"/r{number}/{{}}", "host": f"/h{number}/{{}}"}
    return [*ends.items(), ("version", f"/v{number % 3 + 1}/r{number}/{{}}")]


def _table(names: list[str], size: int, mixed: bool, settings: Settings) -> dict[str, Any]:
    cases = [_case("first", 0, mixed), _case("last", size - 1, mixed)]
    rows: dict[str, Any] = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        counts: dict[tuple[str, str], int] = {}
        for name in names:
            worker = stack.enter_context(Worker(name, settings.core, settings.build_limit))
            try:
                worker.build("table", "routes", (size, mixed), cases[0])
                for case in cases:
                    worker.call("check", "table", case)
                    estimate = worker.round("table", case, 20)
                    counts[name, case.name] = max(10, min(settings.requests, int(settings.round_us / estimate)))
                    worker.round("table", case, counts[name, case.name])
            except WorkerError as error:
                print_progress(f"  {size} routes: {error}")
                rows[name] = {"error": str(error)}
            else:
                workers[name] = worker
        times: dict[str, dict[str, list[float]]] = {name: {"first": [], "last": []} for name in workers}
        for _ in range(settings.table_rounds):
            for name, worker in workers.items():
                for case in cases:
                    times[name][case.name].append(worker.round("table", case, counts[name, case.name]))
    for name, both in times.items():
        ratio = median(last / first for first, last in zip(both["first"], both["last"], strict=True))
        rows[name] = {"first_us": median(both["first"]), "last_us": median(both["last"]), "last_by_first": ratio}
    return rows


def _measure_starts(names: list[str], size: int, settings: Settings) -> dict[str, Any]:
    case = _case("last", size - 1, False)
    times: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    rows: dict[str, Any] = {}
    for _ in range(settings.start_rounds if size < 10_000 else 1):  # some take most of a minute there
        for name in list(times):
            with Worker(name, settings.core, settings.build_limit) as worker:
                try:
                    worker.call("preload")
                    times[name].append(worker.build("table", "routes", (size, False), case))
                except WorkerError as error:
                    rows[name] = {"error": str(error)}
                    del times[name]
    for name, all_times in times.items():
        rows[name] = {part: median(part_times[part] for part_times in all_times) for part in all_times[0]}
        rows[name]["ready_ms"] = median(sum(part_times.values()) for part_times in all_times)
    return rows
