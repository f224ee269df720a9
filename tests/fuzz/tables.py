"""Random route tables and random paths: the same to both routers, which must choose alike.

The pools are small on purpose, so that routes collide: what is worth finding is where several of them fit one path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

LITERALS = ("a", "b", "1", "a-b", "x.txt", "2024-02-29", "v1", "a%40b")
# What a type is called in a path, and what may stand there.
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
STUMBLED = ("IndexError", "RecursionError", "UnboundLocalError")
# Sanic asks for the host before it looks at an expression: for other hosts nothing is found, whatever else fits.
EXPRESSIONS = tuple(kind for kind in TYPES if "[" in kind or "\\" in kind or "ext=" in kind or kind in ("=int:ext"))
SPANNING = ("<:path", r"<:\d/\d")
METHODS = ("GET", "POST", "DELETE", "OPTIONS", "HEAD")
HOSTS = ("one.test", "two.test:80", "One.test")


@dataclass(frozen=True)
class Row:
    """A route, as its decorator describes it."""

    uri: str
    kinds: tuple[str, ...]
    methods: tuple[str, ...] = ("GET",)
    hosts: tuple[str, ...] = ()
    strict: bool | None = None
    version: Any = None

    @property
    def mixed(self) -> bool:
        """Whether a parameter that holds slashes stands beside others.

        What Sanic gives for these depends on the types of other routes that it has tried before: only who answers can
        be compared.
        """
        given = [kind for kind in self.kinds if kind.startswith("<")]
        return len(given) > 1 and any(kind in SPANNING for kind in given)

    @property
    def swallows(self) -> str:
        """What its path begins with if it has one literal segment and is for certain hosts, else nothing.

        Beside others of its kind, Sanic may take each longer path for this one (`docs/compatibility.md` lists it).
        """
        segments = (*((f"v{self.version}",) if self.version else ()), *self.kinds)
        return f"/{segments[0]}/" if self.hosts and len(segments) == 1 and segments[0][0] != "<" else ""

    def options(self) -> dict[str, Any]:
        given = {"strict_slashes": self.strict, "version": self.version, "host": list(self.hosts) or None}
        return {"methods": list(self.methods), **{key: value for key, value in given.items() if value is not None}}


@dataclass(frozen=True)
class Asked:
    """A request, as far as a router looks at it."""

    method: str
    path: str
    host: str | None = None


def a_table(random: Random) -> list[Row]:
    """Return the rows of a table."""
    hosted = random.random() < 0.2
    rows = [_row(random, hosted, _kinds(random)) for _ in range(random.randint(1, 8))]
    if random.random() < 0.5:
        rows += [_row(random, hosted, _neighbour(random, row.kinds)) for row in rows]
    again = [row for row in rows if random.random() < 0.3]
    return rows + [
        replace(row, methods=_methods(random), strict=random.choice((None, True, row.strict))) for row in again
    ]


def _kind(random: Random) -> str:
    return random.choice(LITERALS) if random.random() < 0.45 else "<" + random.choice(tuple(TYPES))


def _kinds(random: Random) -> tuple[str, ...]:
    return tuple(_kind(random) for _ in range(random.choices((0, 1, 2, 3, 4), (1, 6, 8, 4, 2))[0]))


def _neighbour(random: Random, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path that goes along with another for a while: shorter, longer, or with another segment."""
    place = random.randint(0, len(kinds))
    return (kinds[:place] + random.choice(((), (_kind(random),), (_kind(random), *kinds[place + 1 :]))))[:4]


def _row(random: Random, hosted: bool, kinds: tuple[str, ...]) -> Row:
    extensions = sum("ext" in kind for kind in kinds)
    # Two would both give a parameter called `ext`; and one beside a parameter that holds slashes is no parameter at all
    # in Sanic, or an error, by what other routes there are.
    if extensions > 1 or (extensions and any(kind in SPANNING for kind in kinds)):
        return _row(random, hosted, _kinds(random))
    # Where an expression stands, Sanic knows the names of one route of a path only.
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
        if not hosted or any(kind[1:] in EXPRESSIONS for kind in kinds)
        else tuple(random.sample(HOSTS, 2)[random.randint(0, 2) :]),
        random.choice((None, None, None, True, False)),
        random.choice((None,) * 12 + (1, "2", 1.5)),
    )


def _methods(random: Random) -> tuple[str, ...]:
    return tuple(random.sample(METHODS, random.choices((1, 2, 3), (6, 2, 1))[0]))


def requests(random: Random, rows: list[Row], count: int) -> Iterator[Asked]:
    """Yield requests, most of which fit one of the rows more or less."""
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
        yield Asked(method, path.replace("é", "%C3%A9"), random.choice((*row.hosts, *HOSTS, None)))


class Table:
    """One framework's router with the rows in it.

    Args:
        sanic: the framework's class of applications.
        text: its function `text`.
        rows: what is registered; what a row met is in `registered`.
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
                # The order of the methods is that of a set, in Sanic.
                message = re.sub(r"\[[A-Z,]+\]$", lambda match: "".join(sorted(match[0])), str(error))
                self.registered.append(f"{type(error).__name__}: {message}")

    @property
    def empty(self) -> bool:
        return all(self.registered)

    def finalize(self) -> None:
        self.app.router.finalize()

    def ask(self, asked: Asked) -> str:
        """Return the row that answers and its parameters, or the exception."""
        try:
            _, handler, params = self.app.router.get(asked.path, asked.method, asked.host)
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
    """Where the two do not agree."""

    rows: list[Row]
    asked: Asked | None
    sanic: str
    ours: str


Tables = Callable[[list[Row]], tuple[Table, Table]]


def compare(seed: int, count: int, tables: Tables) -> tuple[int, list[Difference]]:
    """Make a table by its seed, ask both; return how many requests it were and where they differ."""
    random = Random(seed)
    rows, differences = startable(a_table(random), tables)
    if differences or not rows:
        return 0, differences
    sanic, ours = tables(rows)
    sanic.finalize()
    ours.finalize()
    asked = list(requests(random, rows, count))
    for drawn in asked:
        sanics, our = sanic.ask(drawn), ours.ask(drawn)
        if sanics != our and not _excused(sanics, our) and not swallowed(rows, drawn, sanics):
            differences.append(Difference(rows, drawn, sanics, our))
    return len(asked), differences


def startable(rows: list[Row], tables: Tables) -> tuple[list[Row], list[Difference]]:
    """Return the rows that both take, none where Sanic does not start with them, and what is refused by one alone."""
    rows, differences = _registered(rows, tables)
    try:
        tables(rows)[0].finalize()
    except Exception:
        # Sanic notices only now what it can't do: days beside regular expressions, expressions with several groups.
        return [], differences
    return rows, differences


def _registered(rows: list[Row], tables: Tables) -> tuple[list[Row], list[Difference]]:
    """Return the rows without those that are refused, and where one of the two refuses otherwise than the other.

    Only the first refusal is looked at, and the table made anew without that row: it leaves traces in Sanic's router.
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


def swallowed(rows: list[Row], asked: Asked, sanic: str) -> bool:
    """Tell whether Sanic answers a request by a route whose path is shorter, or, for another host, not at all.

    Args:
        rows: the table.
        asked: the request.
        sanic: the number of the row that answers, or what says that none does.
    """
    matching_rows = [row for row in rows if row.swallows and asked.path.startswith(row.swallows)]
    number = sanic.split()[0]
    return bool(matching_rows) and (rows[int(number)] in matching_rows if number.isdigit() else number == "NotFound")


def _excused(sanics: str, our: str) -> bool:
    """Tell whether a difference is one of those that `docs/compatibility.md` lists."""
    if sanics in STUMBLED:  # over `//` for example; here it must be an answer
        return True
    if (
        sanics == "MethodNotAllowed"
    ):  # forgets which methods are allowed, where a path with parameters has several routes
        return our.startswith("MethodNotAllowed ")
    # A value that was left over from a route tried before.
    return "('" in sanics and sanics.split()[0] == our.split()[0]
