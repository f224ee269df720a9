"""The budgets of `--check`: shares of a peer's time in the same run, never absolute times.

Where the design page names an absolute figure beside a peer's (100 ms where Sanic takes 770, 1 µs where Starlette's
BaseHTTPMiddleware takes 105), the budget is the quotient of the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

from benchmarks.apps.nested import KINDS
from benchmarks.cases import LIVE_TITLES, TITLES
from benchmarks.contenders import CONTENDERS, OURS, REFERENCE
from benchmarks.large_cases import LARGE

_INPROCESS = {"text": 0.32, "json": 0.27, "user": 0.25, "echo": 0.23}
_REAL = {"real_get": 0.40, "real_post": 0.46}
_SERVED = 0.7
_DATABASE = {"sanic_server": 1.0, "fastapi": 0.85}
# Of servers that run side by side: if they run one after the other, their shares differ by a fifth from run to run.
_BESIDE = {"text": 0.84, "json": 0.83, "user": 0.82, "echo": 0.78}
# Both parse with python-multipart and store the file, on disk beyond a megabyte.
_FORMS = {"form": 0.5, "upload_1": 1.1, "upload_100": 1.0}
# Starlette calls a plain function in a thread, this package on the event loop.
_ERRORS = {
    "404": 1.5,
    "405": 1.5,
    "raised_404": 1.5,
    "500": 1.5,
    "handled": 1.0,
    "handled_plainly": 0.3,
    "logged_500": 1.5,
}
# A request through a mount, or to a function in a thread, takes at most as long as in Starlette.
_OVERHEAD = dict.fromkeys(("theirs", "ours", "theirs_deeper", "ours_deeper", "parameter", "root", "thread"), 1.0)
_HANDLERS = {"page": 1.0, "page_starlette": 1.0, "stream_out": 1.0, "stream_in": 1.0}
# The time of a request by that of one half as large. Two is linear, four is quadratic. From 5,000 fields on, twice the
# fields of a form take 2.5 times as long: the cache does not hold all objects, and the garbage collector visits them.
GROWTH = 3.0
# Shares of Sanic's time, and of FastAPI's memory.
_START_TIME, _START_MEMORY = 1 / 3, 1.0
# Shares of Starlette's time; of its memory for a websocket; kB for an event stream.
_LIVE = {"echo_1": 1.0, "echo_200": 1.0, "chunks": 1.0}
_IDLE, _EVENTS = 1.05, 16
# A share of the time of a loop over `send`, if clients accept compression, as browsers do. Without compression the
# system calls alone take 0.7 of the loop's time, so that budget is a share of the time of the system calls.
_BROADCAST, _BROADCAST_WRITES = 0.5, 1.25
_IMPORT = 1.15
_START = 100 / 770
_MIDDLEWARE = 1 / 105
_TESTING = 0.1
_GROWTH_MIB = 20
# "The same as the first", with a margin: on a busy machine, two runs of the same request differ by so much.
_LAST_BY_FIRST = 1.1
# The data of ten thousand routes does not fit in the processor's cache.
_VARIED_LAST_BY_FIRST = 1.3
# Half of the bytes are a route's attributes: its name, its path in two notations, its host, its context.
_BYTES = 4000


@dataclass(frozen=True)
class Budget:
    """One budget: its limit and the measured value (None if the run has none); `least` makes the limit a minimum."""

    part: str
    title: str
    limit: float
    value: float | None
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether the budget is met; a missing value does not meet it."""
        return self.value is not None and (self.value >= self.limit if self.least else self.value <= self.limit)


def budgets(result: dict[str, Any]) -> list[Budget]:
    """Return the budgets of all parts that `result` has."""
    return [budget for part, make in _PARTS.items() if part in result for budget in make(result[part])]


def _value_at(data: Any, *keys: str) -> float | None:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, int | float) else None


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def _rounds_ratio(rows: dict[str, Any], name: str, base_name: str) -> float | None:
    """Return the median of the ratios of two contenders, round by round."""
    values, base_values = (rows.get(contender, {}).get("rounds") for contender in (name, base_name))
    if not values or not base_values or not all(base_values):
        return None
    return median(value / base for value, base in zip(values, base_values, strict=True))


def _inprocess(part: dict[str, Any]) -> Iterator[Budget]:
    for case, limit in _INPROCESS.items():
        yield Budget(
            "inprocess", f"{TITLES[case]}: share of Starlette's time", limit, _value_at(part, case, OURS, "share")
        )


def _real(part: dict[str, Any]) -> Iterator[Budget]:
    for case, limit in _REAL.items():
        title = f"{TITLES[case]}: share of"
        yield Budget("real", f"{title} Starlette's time", limit, _value_at(part, case, OURS, "share"))
        for name in ("falcon", "blacksheep"):
            value = _rounds_ratio(part.get(case, {}), OURS, name)
            yield Budget("real", f"{title} {CONTENDERS[name].title}'s time", 1.0, value)


def _served(part: dict[str, Any]) -> Iterator[Budget]:
    for case in _REAL:
        for name in (OURS, "sanic_star_run"):
            title = (
                f"{TITLES[case]} over a socket, {CONTENDERS[name].title}: share of the CPU time on Sanic's own server"
            )
            yield Budget("served", title, _SERVED, _value_at(part, case, name, "share"))


def _database(part: dict[str, Any]) -> Iterator[Budget]:
    for database, tests in part.items():
        if "error" in tests:
            continue
        for name in (OURS, "sanic_star_run"):
            for peer, limit in _DATABASE.items():
                ratios = [_rounds_ratio(rows, name, peer) for rows in tests.values()]
                value = geometric_mean(ratios) if all(ratios) else None
                title = f"tests on {database}, {CONTENDERS[name].title}: CPU time, mean of the shares of"
                yield Budget("database", f"{title} {CONTENDERS[peer].title}'s", limit, value)


def _beside(part: dict[str, Any]) -> Iterator[Budget]:
    for case, limit in _BESIDE.items():
        floor = "a raw app that reads the body" if case == "echo" else "a raw app"
        title = f"{TITLES[case]}: CPU time of {floor} as a share of ours"
        yield Budget("beside", title, limit, _value_at(part, case, OURS, "share"), least=True)


def _routing(part: dict[str, Any]) -> Iterator[Budget]:
    for table in part["requests"]:
        value = _value_at(part, "requests", table, "1000", OURS, "last_by_first")
        yield Budget("routing", f"last of 1,000 routes by the first ({table})", _LAST_BY_FIRST, value)
    value = _value_at(part, "varied", "10000", OURS, "last_by_first")
    yield Budget("routing", "last of 10,000 varied routes by the first", _VARIED_LAST_BY_FIRST, value)
    value = _value_at(part, "varied", "10000", OURS, "bytes")
    yield Budget("routing", "bytes a route, of 10,000 varied ones", _BYTES, value)
    ready = [_value_at(part, "start", "1000", name, "ready_ms") for name in (OURS, "sanic")]
    yield Budget("routing", "1,000 routes, build to first answer: share of Sanic's time", _START, _ratio(*ready))


def _import(part: dict[str, Any]) -> Iterator[Budget]:
    title = "`import sanic_star` by Starlette's modules with msgspec and multidict"
    yield Budget("import", title, _IMPORT, _value_at(part, OURS, "share"))


def _middleware(part: dict[str, Any]) -> Iterator[Budget]:
    base = _value_at(part, REFERENCE, "BaseHTTPMiddleware", "each_us")
    for kind in ("request", "response"):
        title = f"one {kind} middleware: share of a BaseHTTPMiddleware"
        yield Budget("middleware", title, _MIDDLEWARE, _ratio(_value_at(part, OURS, kind, "each_us"), base))


def _testing(part: dict[str, Any]) -> Iterator[Budget]:
    title = "a test of one request with an application of its own: share of sanic_testing's time"
    yield Budget("testing", title, _TESTING, _value_at(part, OURS, "share"))


def _static(part: dict[str, Any]) -> Iterator[Budget]:
    ours = _value_at(part, "small", OURS, "rps")
    for name, title in ((REFERENCE, "Starlette's StaticFiles"), ("sanic_server", "Sanic on its own server")):
        value = _ratio(ours, _value_at(part, "small", name, "rps"))
        yield Budget("static", f"a file of 1 kB: requests/s as a share of {title}", 1.0, value, least=True)
    growth = _value_at(part, "large", OURS, "growth_mib")
    yield Budget("static", "growth of memory during the download of a large file, in MiB", _GROWTH_MIB, growth)


def _forms(part: dict[str, Any]) -> Iterator[Budget]:
    for case, limit in _FORMS.items():
        yield Budget("forms", f"{TITLES[case]}: share of Starlette's time", limit, _value_at(part, case, OURS, "share"))


def _errors(part: dict[str, Any]) -> Iterator[Budget]:
    for case, limit in _ERRORS.items():
        yield Budget(
            "errors", f"{TITLES[case]}: share of Starlette's time", limit, _value_at(part, case, OURS, "share")
        )


def _overhead(part: dict[str, Any]) -> Iterator[Budget]:
    for kind, limit in _OVERHEAD.items():
        yield Budget(
            "overhead", f"{KINDS[kind][1]}: share of Starlette's time", limit, _value_at(part, kind, OURS, "share")
        )


def _handlers(part: dict[str, Any]) -> Iterator[Budget]:
    for case, rows in part.items():
        name = "templates" if case.startswith("page") else "streams"
        if case in _HANDLERS:
            yield Budget(
                name, f"{TITLES[case]}: share of Starlette's time", _HANDLERS[case], _value_at(rows, OURS, "share")
            )
        else:
            yield Budget(name, f"{TITLES[case]}: share of Sanic's time", 1.0, _rounds_ratio(rows, OURS, "sanic"))


def _large(part: dict[str, Any]) -> Iterator[Budget]:
    for case in LARGE:
        yield Budget("large", f"{TITLES[case]}: share of Starlette's time", 1.0, _value_at(part, case, OURS, "share"))
        yield Budget(
            "large", f"{TITLES[case]}: time by that of half as much", GROWTH, _value_at(part, case, OURS, "growth")
        )


def _start(part: dict[str, Any]) -> Iterator[Budget]:
    title = "an application of 200 routes"
    yield Budget("start", f"{title}: share of Sanic's time", _START_TIME, _value_at(part, OURS, "share"))
    memory = _ratio(_value_at(part, OURS, "mib"), _value_at(part, "fastapi", "mib"))
    yield Budget("start", f"{title}: share of FastAPI's memory", _START_MEMORY, memory)


def _live(part: dict[str, Any]) -> Iterator[Budget]:
    for row, limit in _LIVE.items():
        value = _value_at(part, row, OURS, "share")
        yield Budget("live", f"{LIVE_TITLES[row]}: share of Starlette's CPU time", limit, value)
    value = _value_at(part, "idle", OURS, "share")
    yield Budget("live", "an idle websocket: share of Starlette's memory", _IDLE, value)
    yield Budget("live", "an event stream that waits: kB", _EVENTS, _value_at(part, "events", OURS, "kb"))
    value = _value_at(part, "broadcast", "deflate", "share")
    yield Budget("live", "broadcast with compression: share of a loop over `send`", _BROADCAST, value)
    value = _value_at(part, "broadcast", "plain", "by_writes")
    yield Budget("live", "broadcast without compression: by the writes alone", _BROADCAST_WRITES, value)


_PARTS = {
    "inprocess": _inprocess,
    "real": _real,
    "served": _served,
    "database": _database,
    "beside": _beside,
    "routing": _routing,
    "import": _import,
    "middleware": _middleware,
    "testing": _testing,
    "static": _static,
    "forms": _forms,
    "errors": _errors,
    "overhead": _overhead,
    "templates": _handlers,
    "streams": _handlers,
    "large": _large,
    "start": _start,
    "live": _live,
}
