"""Writes a result as Markdown: the tables of each part that it has, then the budgets."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.apps.nested import KINDS
from benchmarks.budgets import GROWTH, budgets
from benchmarks.cases import LIVE_TITLES, TITLES
from benchmarks.contenders import CONTENDERS, OURS, REFERENCE
from benchmarks.imports import YARDSTICK


def markdown(result: dict[str, Any]) -> str:
    """Return the tables of `result`."""
    blocks = [_environment(result["environment"])]
    blocks += [write(result[part]) for part, write in _PARTS.items() if part in result]
    blocks.append(_budgets(result))
    return "\n\n".join(blocks) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---", *["---:"] * (len(lines[0]) - 1)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _title(name: str) -> str:
    title = CONTENDERS[name].title
    return f"**{title}**" if name == OURS else title


def _cell(row: dict[str, Any] | None, write: Callable[[dict[str, Any]], str]) -> str:
    if row is None:
        return "–"
    if "error" not in row:
        return write(row)
    late = re.search(r"not done after (\d+ s)", row["error"])
    return f"> {late[1]}" if late else "failed"


def _order(rows: Iterable[str]) -> list[str]:
    present = set(rows)
    return [name for name in CONTENDERS if name in present]


def _environment(about: dict[str, str]) -> str:
    shown_first = ("date", "python", "system", "processor")
    versions = ", ".join(f"{name} {version}" for name, version in about.items() if name not in shown_first)
    return f"Run on {about['date']}: {about['python']}, {about['system']}, {about['processor']}; {versions}."


def _alone(title: str, about: str, digits: int = 1) -> Callable[[dict[str, Any]], str]:
    """Return a function that writes a part measured without a server, with the shares of Starlette's time."""

    def write(part: dict[str, Any]) -> str:
        rows = (
            [
                _title(name),
                *(_cell(part[case].get(name), lambda row: f"{row['us']:,.{digits}f}{_share(row)}") for case in part),
            ]
            for name in _order({name for rows in part.values() for name in rows})
        )
        table = _table(["µs a request", *(TITLES[case] for case in part)], rows)
        return f"{title}\n\n{about} The share of Starlette's time in the same rounds is in brackets.\n\n{table}"

    return write


def _served(part: dict[str, Any]) -> str:
    note = (
        "The same requests over a socket. The figures are the CPU time of the server process, system calls included. "
        "The share of the CPU time on Sanic's own server is in brackets."
    )
    return f"### A real request over a socket\n\n{note}\n\n{_costs(part)}"


def _database(part: dict[str, Any]) -> str:
    note = (
        "TechEmpower's six tests over a socket, with aiosqlite and asyncpg. The figures are the CPU time of the server "
        "process. The share of the CPU time on Sanic's own server is in brackets. JSON and plain text need no database."
    )
    blocks = [f"## Databases\n\n{note}"]
    for name, tests in part.items():
        blocks.append(f"{name}: {tests['error']}." if "error" in tests else f"On {name}:\n\n{_costs(tests)}")
    return "\n\n".join(blocks)


def _costs(part: dict[str, Any]) -> str:
    """Return the table of a part that was measured in blocks."""
    names = _order({name for rows in part.values() for name in rows})
    rows = (
        [
            _title(name),
            *(_cell(part[case].get(name), lambda row: f"{row['cpu_us']:,.1f}{_share(row)}") for case in part),
        ]
        for name in names
    )
    return _table(["CPU time, µs a request", *(TITLES[case] for case in part)], rows)


def _share(row: dict[str, Any]) -> str:
    return f" ({row['share']:.2f})" if "share" in row else ""


def _large(part: dict[str, Any]) -> str:
    def cell(row: dict[str, Any]) -> str:
        return f"{row['us']:,.0f}{_share(row)}, {row['growth']:.2f}"

    names = _order({name for rows in part.values() for name in rows})
    table = _table(
        ["µs a request", *(TITLES[case] for case in part)],
        ([_title(name), *(_cell(part[case].get(name), cell) for case in part)] for name in names),
    )
    about = (
        "Without a server. The share of Starlette's time is in brackets. After it comes the time divided by the time "
        f"for half the size: 2 is linear, 4 is quadratic, and the budget is {GROWTH}."
    )
    return f"## Large and many\n\n{about}\n\n{table}"


def _start(part: dict[str, Any]) -> str:
    rows = (
        [
            _title(name).removesuffix(" (ASGI)"),
            _cell(part[name], lambda row: f"{row['build_ms']:.1f}"),
            _cell(part[name], lambda row: f"{row['ready_ms']:.1f}{_share(row)}"),
            _cell(part[name], lambda row: f"{row['mib']:.1f}"),
        ]
        for name in _order(part)
    )
    about = (
        "An application of 200 routes, 10 blueprints and 5 middleware in a new process. The times are CPU time, with "
        "the share of Sanic's in brackets. The memory is that after the first answer, with the framework's modules."
    )
    head = ["", "build, ms", "build to first answer, ms", "memory, MiB"]
    return f"## Start\n\n{about}\n\n{_table(head, rows)}"


def _overhead(part: dict[str, Any]) -> str:
    rows = (
        [
            KINDS[kind][1],
            _cell(row.get(OURS), lambda row: f"{row['us']:.1f}"),
            _cell(row.get(REFERENCE), lambda row: f"{row['us']:.1f}"),
            _cell(row.get(OURS), lambda row: f"{row['share']:.2f}" if "share" in row else "–"),
        ]
        for kind, row in part.items()
    )
    note = (
        "Middleware and mounts around one endpoint, without a server. In the column *Starlette*, all applications are "
        "Starlette's, the outer one and the mounted one."
    )
    table = _table(["µs a request with", _title(OURS), "Starlette", "share of Starlette's time"], rows)
    return f"## Overhead\n\n{note}\n\n{table}"


def _socket(part: dict[str, Any]) -> str:
    names = _order({name for rows in part.values() for name in rows})
    heads = [TITLES[case] for case in part]

    def table(unit: str, write: Callable[[dict[str, Any]], str]) -> str:
        return _table(
            [unit, *heads], ([_title(name), *(_cell(part[c].get(name), write) for c in part)] for name in names)
        )

    return (
        "## Over a socket\n\nThe share of the raw ASGI app's rate is in brackets. For POST, that app reads the body. "
        "For sanic_star, the share is the median of the interleaved pairs.\n\n"
        + table("requests/s", lambda row: f"{row['rps']:,.0f}{_share(row)}")
        + "\n\nThe CPU time of the server process, system calls included:\n\n"
        + table("µs a request", lambda row: f"{row['cpu_us']:.1f}")
    )


def _beside(part: dict[str, Any]) -> str:
    rows = (
        [_title(name), *(_cell(part[case].get(name), lambda row: f"{row['cpu_us']:.1f}{_share(row)}") for case in part)]
        for name in _order({name for rows in part.values() for name in rows})
    )
    note = (
        "All servers run on one core at the same time, so that each meets the same states of the machine. The figures "
        "are the CPU time of the server. In brackets is the CPU time of the raw ASGI app, divided by the figure. For "
        "POST, that app reads the body."
    )
    return f"## Side by side\n\n{note}\n\n{_table(['µs a request', *(TITLES[case] for case in part)], rows)}"


def _live(part: dict[str, Any]) -> str:
    names = _order(part["idle"])

    def cell(row: str, name: str, key: str, form: str) -> str:
        return _cell(part[row].get(name), lambda result: f"{result[key]:{form}}{_share(result)}")

    loads = _table(
        ["CPU time, µs", *LIVE_TITLES.values()],
        ([_title(name), *(cell(row, name, "cpu_us", ",.1f") for row in LIVE_TITLES)] for name in names),
    )
    streams = [*names, *(name for name in part["events"] if name not in names)]
    idle = _table(
        ["open and idle", "websocket, kB", "1,000 of them, CPU ms a second", "event stream, kB"],
        (
            [
                _title(name) if name in CONTENDERS else "sse-starlette",
                cell("idle", name, "kb", ".1f"),
                _cell(part["idle"].get(name), lambda row: f"{row['cpu_ms']:.1f}"),
                cell("events", name, "kb", ".1f"),
            ]
            for name in streams
        ),
    )
    ways = {"plain": "without compression", "deflate": "with compression"}
    broadcast = _table(
        ["one message to 1,000 websockets, CPU ms", "a loop over `send`", "`hub.publish`", "the writes alone"],
        (
            [
                title,
                _cell(part["broadcast"][way], lambda row: f"{row['loop_ms']:.1f}"),
                _cell(part["broadcast"][way], lambda row: f"{row['hub_ms']:.1f} ({row['share']:.2f})"),
                _cell(part["broadcast"][way], lambda row: f"{row['writes_ms']:.1f} ({row['floor']:.2f})"),
            ]
            for way, title in ways.items()
        ),
    )
    about = (
        "Over a socket, on uvicorn. The times are CPU time of the server process; the client is a process of its own. "
        "The share of Starlette's in the same rounds is in brackets. For the broadcast, it is the share of the loop."
    )
    return f"## Live\n\n{about}\n\n{loads}\n\n{idle}\n\n{broadcast}"


def _routing(part: dict[str, Any]) -> str:
    about = (
        "Without a server. A request asks for the first or the last route. Dynamic routes have a parameter; a third "
        "of the mixed routes have none. The tables after these have the time until the application has given its first "
        "answer."
    )
    blocks = [f"## The routing table\n\n{about}"]
    for table, sizes in part["requests"].items():
        columns = [(size, which) for size in sizes for which in ("first", "last") if size != "1" or which == "first"]
        head = [f"{which} of {int(size):,}" if size != "1" else "the only one" for size, which in columns]
        rows = [
            [_title(name), *(_cell(sizes[size].get(name), _time_of(which)) for size, which in columns)]
            for name in _order(sizes["1"])
        ]
        blocks.append(_table([f"µs a request, {table} routes", *head], rows))
    for size, starts in part["start"].items():
        head = [f"{int(size):,} routes, ms", "build", "start-up", "first answer", "together"]
        keys = ("build_ms", "start_ms", "first_ms", "ready_ms")
        blocks.append(
            _table(head, ([_title(name), *(_cell(starts[name], _ms(key)) for key in keys)] for name in _order(starts)))
        )
    for size, rows in part.get("varied", {}).items():
        head = [f"{int(size):,} routes: static, typed, hosts, versions", "first, µs", "last, µs", "last by first"]
        head += ["build and start-up, ms", "bytes a route"]
        formats = (
            ("first_us", ".1f"),
            ("last_us", ".1f"),
            ("last_by_first", ".2f"),
            ("ready_ms", ",.0f"),
            ("bytes", ",.0f"),
        )
        blocks.append(
            _table(
                head,
                ([_title(name), *(_cell(rows[name], _shown(*format)) for format in formats)] for name in _order(rows)),
            )
        )
    return "\n\n".join(blocks)


def _shown(key: str, form: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: format(row[key], form)


def _time_of(which: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: f"{row[which + '_us']:,.1f}"


def _ms(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: f"{row[key]:,.1f}"


def _import(part: dict[str, Any]) -> str:
    titles = {YARDSTICK: "Starlette's own modules, msgspec, multidict"} | {
        name: contender.title.removesuffix(" (ASGI)") for name, contender in CONTENDERS.items()
    }
    rows = (
        [
            f"**{titles[name]}**" if name == OURS else titles[name],
            _cell(row, lambda row: f"{row['ms']:.0f}"),
            _cell(row, lambda row: f"{row['share']:.2f}"),
            _cell(row, lambda row: f"{row['mib']:.1f}"),
        ]
        for name, row in part.items()
    )
    about = "The CPU time and the memory of a new interpreter that imports the package."
    return f"## Import\n\n{about}\n\n{_table(['`import …`', 'ms', 'share of the first row', 'memory, MiB'], rows)}"


def _middleware(part: dict[str, Any]) -> str:
    rows = []
    for name in _order(part):
        if "error" in part[name]:
            continue
        for kind, row in part[name].items():
            label = f"{_title(name)}, {kind if kind.startswith('Base') else f'{kind} middleware'}"
            rows.append([label, *(f"{value:,.2f}" for value in row["us"].values()), f"{row['each_us']:,.2f}"])
    about = "Middleware that does nothing, without a server. The last column is the cost of one more."
    return f"## Middleware\n\n{about}\n\n{_table(['µs a request with', 'none', '1', '5', '10', 'each costs'], rows)}"


def _testing(part: dict[str, Any]) -> str:
    rows = (
        [
            _title(name).removesuffix(" (ASGI)"),
            _cell(row, lambda row: f"{row['tests']:,}"),
            _cell(row, lambda row: f"{row['ms']:.2f}"),
            _cell(row, lambda row: f"{row['share']:.3f}" if "share" in row else "1"),
        ]
        for name, row in part.items()
    )
    head = ["`app.test_client.get`, an application each", "tests", "ms a test", "share of Sanic's time"]
    about = "Each test has an application of its own and sends one request. The time is wall time."
    return f"## Testing\n\n{about}\n\n{_table(head, rows)}"


def _static(part: dict[str, Any]) -> str:
    large = next((row["mib"] for row in part["large"].values() if "mib" in row), 0)
    rows = (
        [
            _title(name),
            _cell(part["small"].get(name), lambda row: f"{row['rps']:,.0f}{_share(row)}"),
            _cell(part["small"].get(name), lambda row: f"{row['cpu_us']:.1f}"),
            _cell(part["large"].get(name), lambda row: f"{row['growth_mib']:.1f}"),
        ]
        for name in _order(part["small"])
    )
    head = ["a static file", "1 kB, requests/s", "1 kB, CPU µs a request", f"{large:,} MiB, growth of memory, MiB"]
    about = "The share of Starlette's rate in the same rounds is in brackets."
    return f"## Static files\n\n{about}\n\n{_table(head, rows)}"


def _budgets(result: dict[str, Any]) -> str:
    rows = (
        [
            budget.title,
            f"{'≥' if budget.least else '≤'} {_figure(budget.limit)}",
            "not measured" if budget.value is None else _figure(budget.value),
            "–" if budget.value is None else "yes" if budget.met else "**no**",
        ]
        for budget in budgets(result)
    )
    return f"## Budgets\n\n{_table(['budget', 'limit', 'measured', 'met'], rows)}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


_PARTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "inprocess": _alone("## The framework alone", "The table, and the times of the picture, are without a server.", 2),
    "real": _alone(
        "## A real request",
        "Twelve header fields, three cookies, a bearer token, a query, a route with parameters in a blueprint, four "
        "middleware, twenty rows of JSON, a cookie set. Each request differs from all others. The table is without a "
        "server.",
    ),
    "served": _served,
    "database": _database,
    "socket": _socket,
    "beside": _beside,
    "routing": _routing,
    "import": _import,
    "middleware": _middleware,
    "testing": _testing,
    "static": _static,
    "forms": _alone("## Forms", "Without a server. Handlers read the whole file.", 0),
    "errors": _alone(
        "## Errors",
        "Without a server. The loggers are off, except in the last column, where the traceback is logged once.",
    ),
    "templates": _alone("## Templates", "Jinja2 renders a page of twenty links by `url_for`. Without a server.", 0),
    "streams": _alone("## Streams", "Without a server. Request bodies arrive in pieces of 64 KiB.", 0),
    "large": _large,
    "overhead": _overhead,
    "start": _start,
    "live": _live,
}
