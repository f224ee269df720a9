"""Random route tables and random paths for both routers, which must choose the same routes.

The pools are small on purpose, so that routes collide and several of them match one path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

LITERALS = ("a", "b", "1", "a-b", "x.txt", "2024-02-29", "v1", "a%40b")
# The names of types in a path, and example values for each.
TYPES = {
    "": ("a", "b-1", "x.txt", "%C3%A4", "7"),
    ":str": ("a", "b", "1.5", "a%2Fb", "~"),
    ":strorempty": ("", "a", "1"),
    ":int": ("1", "-7", "+7", "007", "1_000", "a"),
    ":float": ("1", "1.5", "-.5", "1e3", "nan", "x"),
    ":alpha": ("a", "Bc", "a1"),
    ":slug": ("a", "a-b", "1-2-c", "A", "a--b"),
    ":ymd": ("2024-02-29", "2023-02-29", "2024-2-9", "1"),
    ":uuid": ("00000000-0000-0000-0000-00000000000a", "0000000000000000000000000000000a", "a"),
    ":ext": ("x.txt", "a.tar.gz", "a", ".txt", "X.TXT"),
    ":ext=txt|md": ("x.txt", "a.md", "a.gz", "X.TXT"),
    "=int:ext": ("1.txt", "a.txt"),
    "=int:ext=txt|md": ("1.txt", "a.txt", "1.gz"),
    ":path": ("", "a", "a/b", "1/x.txt", "a/"),
    ":[a-z]": ("a", "ab", "1"),
    r":\d{1,3}": ("1", "12", "1234"),
    r":[a-z]\d?": ("a", "a1", "aa"),
    r":(?P<{name}>[a-z])\.txt": ("x.txt", "xx.txt"),
    r":\d/\d": ("1/1", "1", "1/a"),
    ":even": ("2", "1", "x"),
}
SANIC_FAULTS = ("IndexError", "RecursionError", "UnboundLocalError")
# Sanic checks the host before an expression: for other hosts it finds no route, even if another one matches.
EXPRESSIONS = tuple(kind for kind in TYPES if "[" in kind or "\\" in kind or "ext=" in kind or kind in ("=int:ext"))
SPANNING = ("<:path", r"<:\d/\d")
METHODS = ("GET", "POST", "DELETE", "OPTIONS", "HEAD")
HOSTS = ("one.test", "two.test:80", "One.test")


@dataclass(frozen=True)
class Row:
    """A route with the arguments of its decorator."""

    uri: str
    kinds: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    hosts: tuple[str, ...] = ()
    strict: bool | None = None
    version: Any = None

    @property
    def mixed(self) -> bool:
        """Whether a parameter that may contain slashes is next to others.

        Sanic's values for these depend on the types of other routes that it has tried before, so only the matching
        route can be compared.
        """
        given = [kind for kind in self.kinds if kind.startswith("<")]
        return len(given) > 1 and any(kind in SPANNING for kind in given)

    @property
    def swallowed_prefix(self) -> str:
        """The start of its path if it has one literal segment and certain hosts, else an empty text.

        With other routes of this kind, Sanic may match each longer path with this route (`docs/compatibility.md`).
        """
        segments = (*((f"v{self.version}",) if self.version else ()), *self.kinds)
        return f"/{segments[0]}/" if self.hosts and len(segments) == 1 and segments[0][0] != "<" else ""

    def options(self) -> dict[str, Any]:
        given = {"strict_slashes": self.strict, "version": self.version, "host": list(self.hosts) or None}
        return {"methods": list(self.methods), **{key: value for key, value in given.items() if value is not None}}


@dataclass(frozen=True)
class RouterRequest:
    """The parts of a request that a router uses."""

    method: str
    path: str
    host: str | None = None


def random_table(random: Random) -> list[Row]:
    """Return the rows of a table."""
    with_hosts = random.random() < 0.2
    rows = [_row(random, with_hosts, _kinds(random)) for _ in range(random.randint(1, 8))]
    if random.random() < 0.5:
        rows += [_row(random, with_hosts, _neighbour(random, row.kinds)) for row in rows]
    again = [row for row in rows if random.random() < 0.3]
    return rows + [
        replace(row, methods=_methods(random), strict=random.choice((None, True, row.strict))) for row in again
    ]


def _kind(random: Random) -> str:
    return random.choice(LITERALS) if random.random() < 0.45 else "<" + random.choice(tuple(TYPES))


def _kinds(random: Random) -> tuple[str, ...]:
    return tuple(_kind(random) for _ in range(random.choices((0, 1, 2, 3, 4), (1, 6, 8, 4, 2))[0]))


def _neighbour(random: Random, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path that shares its start with another one: shorter, longer, or with another segment."""
    place = random.randint(0, len(kinds))
    return (kinds[:place] + random.choice(((), (_kind(random),), (_kind(random), *kinds[place + 1 :]))))[:4]


def _row(random: Random, with_hosts: bool, kinds: tuple[str, ...]) -> Row:
    extensions = sum("ext" in kind for kind in kinds)
    # Two of them would both have a parameter `ext`; and next to a parameter with slashes it is no parameter at all
    # in Sanic, or an error, depending on the other routes.
    if extensions > 1 or (extensions and any(kind in SPANNING for kind in kinds)):
        return _row(random, with_hosts, _kinds(random))
    # With an expression, Sanic keeps the names of only one route of a path.
    names = "pqrs" if any(kind[1:] in (*EXPRESSIONS, ":path") for kind in kinds) else random.sample("pqrs", 4)
    parts = [
        f"<{names[place]}{kind[1:].replace('{name}', names[place])}>" if kind.startswith("<") else kind
        for place, kind in enumerate(kinds)
    ]
    return Row(
        "/" + "/".join(parts) + random.choice(("", "", "/")),
        kinds,
        _methods(random),
        ()
        if not with_hosts or any(kind[1:] in EXPRESSIONS for kind in kinds)
        else tuple(random.sample(HOSTS, 2)[random.randint(0, 2) :]),
        random.choice((None, None, None, True, False)),
        random.choice((None,) * 12 + (1, "2", 1.5)),
    )


def _methods(random: Random) -> tuple[str, ...]:
    return tuple(random.sample(METHODS, random.choices((1, 2, 3), (6, 2, 1))[0]))


def requests(random: Random, rows: list[Row], count: int) -> Iterator[RouterRequest]:
    """Yield requests; most of them match one of the rows, or nearly match it."""
    for _ in range(count):
        row = random.choice(rows)
        parts = [random.choice(TYPES[kind[1:]]) if kind.startswith("<") else kind for kind in row.kinds]
        if parts and random.random() < 0.25:
            place = random.randrange(len(parts))
            parts[place] = random.choice((*LITERALS, "", "a", "%2e%2e", "%", "é", ".."))
        if random.random() < 0.1:
            parts.append(random.choice(("a", "1", "")))
        version = f"/v{row.version}" if row.version and random.random() < 0.9 else ""
        slashes = "/" * random.choices((0, 1, 2, 3), (8, 4, 1, 1))[0]
        path = version + "/" + "/".join(parts) + slashes
        method = random.choice(row.methods) if random.random() < 0.7 else random.choice(METHODS)
        yield RouterRequest(method, path.replace("é", "%C3%A9"), random.choice((*row.hosts, *HOSTS, None)))


class Table:
    """One framework's router with the rows in it.

    Args:
        sanic: the framework's class of applications.
        text: its function `text`.
        rows: the routes to register; `registered` has the result of each.
    """

    def __init__(self, sanic: Any, text: Callable[[str], Any], rows: list[Row]) -> None:
        sanic._app_registry.clear()
        self.app = sanic("Table")
        self.app.router.register_pattern("even", _even, r"\d+")
        self.rows = rows
        self.registered: list[str] = []
        self.handlers: list[Any] = []
        for number, row in enumerate(rows):
            self.handlers.append(_handler(number, text))
            try:
                self.app.add_route(self.handlers[-1], row.uri, name=f"r{number}", **row.options())
                self.registered.append("")
            except Exception as error:
                # In Sanic the methods are a set, so their order varies.
                message = re.sub(r"\[[A-Z,]+\]$", lambda match: "".join(sorted(match[0])), str(error))
                self.registered.append(f"{type(error).__name__}: {message}")

    @property
    def empty(self) -> bool:
        return all(self.registered)

    def finalize(self) -> None:
        self.app.router.finalize()

    def ask(self, request: RouterRequest) -> str:
        """Return the number of the matching row with its parameters, or the exception."""
        try:
            _, handler, params = self.app.router.get(request.path, request.method, request.host)
        except Exception as error:
            allowed = sorted(getattr(error, "allowed_methods", None) or ())
            return f"{type(error).__name__} {' '.join(map(str, allowed))}".strip()
        number = self.handlers.index(handler)
        return f"{number} mixed" if self.rows[number].mixed else f"{number} {dict(sorted(params.items()))!r}"


def _even(value: str) -> int:
    number = int(value)
    if number % 2:
        raise ValueError(value)
    return number


def _handler(number: int, text: Callable[[str], Any]) -> Any:
    async def answer(request: Any, **params: Any) -> Any:
        return text(f"{number} {dict(sorted(params.items()))!r}")

    return answer


@dataclass
class Difference:
    """One difference between the two routers."""

    rows: list[Row]
    request: RouterRequest | None
    sanic: str
    ours: str


Tables = Callable[[list[Row]], tuple[Table, Table]]


def compare(seed: int, count: int, tables: Tables) -> tuple[int, list[Difference]]:
    """Create a random table, send requests to both; return the number of requests and the differences."""
    random = Random(seed)
    rows, differences = startable_rows(random_table(random), tables)
    if differences or not rows:
        return 0, differences
    sanic, ours = tables(rows)
    sanic.finalize()
    ours.finalize()
    router_requests = list(requests(random, rows, count))
    for request in router_requests:
        sanics, our = sanic.ask(request), ours.ask(request)
        if sanics != our and not _is_documented(sanics, our) and not is_swallowed(rows, request, sanics):
            differences.append(Difference(rows, request, sanics, our))
    return len(router_requests), differences


def startable_rows(rows: list[Row], tables: Tables) -> tuple[list[Row], list[Difference]]:
    """Return the rows that both accept (none if Sanic does not start with them), and the differences in refusals."""
    rows, differences = _registrable_rows(rows, tables)
    try:
        tables(rows)[0].finalize()
    except Exception:
        # Sanic refuses some rows only now: days next to regular expressions, expressions with several groups.
        return [], differences
    return rows, differences


def _registrable_rows(rows: list[Row], tables: Tables) -> tuple[list[Row], list[Difference]]:
    """Return the rows without the refused ones, and the differences in refusals.

    After the first refusal the table is built again without that row, because it leaves traces in Sanic's router.
    """
    while True:
        sanic, ours = tables(rows)
        refused = next((place for place, error in enumerate(sanic.registered) if error), len(rows))
        for place, (sanics, our) in enumerate(zip(sanic.registered, ours.registered, strict=True)):
            if sanics != our and place <= refused:
                return rows, [Difference(rows, None, f"{rows[place].uri}: {sanics}", our)]
        if refused == len(rows):
            return rows, []
        rows = rows[:refused] + rows[refused + 1 :]


def is_swallowed(rows: list[Row], request: RouterRequest, sanic: str) -> bool:
    """Return whether Sanic matches a route with a shorter path, or, for another host, none.

    Args:
        rows: the table.
        request: the request.
        sanic: the number of the matching row, or the error.
    """
    matching_rows = [row for row in rows if row.swallowed_prefix and request.path.startswith(row.swallowed_prefix)]
    number = sanic.split()[0]
    return bool(matching_rows) and (rows[int(number)] in matching_rows if number.isdigit() else number == "NotFound")


def _is_documented(sanics: str, our: str) -> bool:
    """Return whether a difference is documented in `docs/compatibility.md`."""
    if sanics in SANIC_FAULTS:  # over `//` for example; here it must be an answer
        return True
    if (
        sanics == "MethodNotAllowed"
    ):  # forgets which methods are allowed, where a path with parameters has several routes
        return our.startswith("MethodNotAllowed ")
    # A leftover value of a route that was tried before.
    return "('" in sanics and sanics.split()[0] == our.split()[0]
