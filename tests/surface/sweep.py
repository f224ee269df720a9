"""All names of Sanic: `dir()` of each public module and class, inherited and computed names too.

`python -m tests.surface.sweep` prints what is missing here; `--write` writes the page of the documentation that lists
it with its reasons, and the table of names that modules pass on.

Names that a module of Sanic imports from other packages (`sanic.app.partial`) are not compared.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sanic_star.compat._alias.alias import twin
from sanic_star.compat._alias.left_out import LEFT_OUT, explain
from sanic_star.compat._support.stand_ins import StandIn, stand_ins
from tests.surface.reader import _set_on_self
from tests.surface.reasons import NO_TUPLE, REASONS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "names.md"
PASSED_ON = ROOT / "sanic_star" / "compat" / "_alias" / "passed_on_table.py"
PACKAGES = ("sanic", "sanic_routing")
# The modules that define constants, loggers and types for annotations; such values have no `__module__`.
DEFINING = [
    "sanic.log",
    "sanic.config",
    "sanic.constants",
    "sanic.helpers",
    "sanic.compat",
    "sanic.models.handler_types",
    "sanic.models.asgi",
]
# The types of a module's own constants.
PLAIN = (str, bytes, int, float, bool, tuple, list, dict, set, frozenset, re.Pattern, type(None))
# Types and constants of other packages that Sanic's modules pass on, and that packages import from there.
FOREIGN = {"ConnectionClosed", "ConnectionClosedError", "ConnectionClosedOK", "State", "OPEN", "CLOSING", "CLOSED"}
IMPORTABLE = "can be imported, not used"
CONSTANT = "a constant of Sanic's own code, which nothing reads here"
STAND_IN_CODE = stand_ins("sanic_star.compat.asgi", "example")[0].__code__


@dataclass(frozen=True, order=True)
class Gap:
    """A name of Sanic that is not here.

    Attributes: `place`, the module or class; `name`; `reason`, empty if there is none.
    """

    place: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.name}: {self.reason or 'NO REASON'}"


def modules(package: str) -> Iterator[str]:
    """Yield the dotted names of the public modules of an installed package."""
    yield package
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def read_sanic() -> dict[str, dict[str, Any]]:
    """Return the names of each module; for each, its defining module, and the attributes of a class defined there."""
    names: dict[str, dict[str, Any]] = {}
    loaded = {name: importlib.import_module(name) for name in modules("sanic")}
    for name, module in loaded.items():
        names[name] = {}
        for key in dir(module):
            value = getattr(module, key)
            home = "" if key.startswith("_") or isinstance(value, ModuleType) else _home(name, key, value, loaded)
            if home:
                is_here = inspect.isclass(value) and value.__module__ == name
                attributes = [attribute for attribute in dir(value) if not attribute.startswith("_")] if is_here else []
                names[name][key] = {"home": home, "attributes": attributes}
    return names


def _home(module: str, key: str, value: Any, loaded: dict[str, ModuleType]) -> str:
    """Return the module that defines a name of a module, or an empty text if another package defines it."""
    if key in FOREIGN:
        return module
    home = "" if isinstance(value, typing.TypeVar) else getattr(value, "__module__", None)
    if isinstance(home, str) and home.partition(".")[0] in PACKAGES and getattr(value, "__name__", key) == key:
        return home
    if inspect.isclass(value) or inspect.isroutine(value) or key in ("TYPE_CHECKING", "annotations"):
        return ""
    if getattr(typing, key, None) is value:
        return ""
    for name in DEFINING:
        if vars(loaded[name]).get(key) is value and hasattr(_load_ours(name), key):
            return name
    return module if key.isupper() and type(value) in PLAIN else ""


def read_ours(wanted: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    """Describe the wanted names that this package has under the alias, in this process."""
    from sanic_star.compat import install

    install()
    described: dict[str, Any] = {}
    for module, names in wanted.items():
        try:
            loaded = importlib.import_module(module)
        except ModuleNotFoundError:
            continue
        described[module] = {key: _describe(getattr(loaded, key)) for key in names if hasattr(loaded, key)}
    return described


def _describe(value: Any) -> dict[str, Any]:
    """Describe the value of a name: the text of a stand-in, the attributes of a class."""
    stands_in = isinstance(value, StandIn) or getattr(value, "__code__", None) is STAND_IN_CODE
    if stands_in:
        name = f"sanic{value.__module__.removeprefix('sanic_star.compat')}.{value.__qualname__}"
        return {"stand_in": explain(name).partition(": ")[2], "defined": value.__module__, "attributes": []}
    return {"stand_in": "", "attributes": _attributes(value)}


def _attributes(value: Any) -> list[str]:
    if not inspect.isclass(value):
        return []
    return sorted({*dir(value), *(name for base in value.__mro__ for name in _names_of(base))})


@cache
def _names_of(base: type) -> list[str]:
    # Cached: reading a class's source takes long, and classes share their bases.
    is_ours = base.__module__.startswith(("sanic_star.", "starlette."))
    return [*getattr(base, "__annotations__", {}), *(_set_on_self(base) if is_ours else ())]


def gaps() -> list[Gap]:
    """Return the names of Sanic that are not here."""
    sanics = read_sanic()
    wanted = {module: sorted(names) for module, names in sanics.items()}
    command = [sys.executable, "-W", "ignore", "-m", "tests.surface.sweep", "--ours"]
    done = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True, check=True)
    ours = json.loads(done.stdout)
    gaps = []
    for module, names in sanics.items():
        if module not in ours:
            gaps.append(Gap(module, "*", explain(module).partition(": ")[2] if _is_explained(module) else ""))
            continue
        for key, entry in names.items():
            if key not in ours[module]:
                gaps.append(Gap(module, key, _reason(module, key, entry["home"])))
                continue
            our = ours[module][key]
            if our["stand_in"]:
                if our["defined"] == f"sanic_star.compat{module.removeprefix('sanic')}":
                    gaps.append(Gap(module, key, f"{IMPORTABLE}: {our['stand_in']}"))
                continue
            there = set(our["attributes"])
            place = f"{module}.{key}"
            gaps += [Gap(place, name, _reason(place, name, "")) for name in entry["attributes"] if name not in there]
    return sorted(gaps)


def _is_explained(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in LEFT_OUT)


def _reason(place: str, name: str, home: str) -> str:
    for key in (f"{place}.{name}", place, place.rpartition(".")[0] + ".*"):
        if key in REASONS:
            return REASONS[key]
    if name.isupper() and home in ("", place):
        return CONSTANT
    if home and home != place:
        return _reason(home, name, "") or (explain(home).partition(": ")[2] if _is_explained(home) else "")
    return ""


def page(gaps: list[Gap]) -> str:
    """Return the page of the documentation that lists the gaps."""
    heads = MISSING, UNUSABLE, TUPLES, CONSTANTS
    # By head of a section and reason, the names of each module or class.
    sections: dict[str, dict[str, dict[str, list[str]]]] = {head: {} for head in heads}
    for gap in gaps:
        head, reason = _section(gap)
        sections[head].setdefault(reason, {}).setdefault(gap.place, []).append(gap.name)
    return HEAD + "".join(head + _entries(reasons) for head, reasons in sections.items())


def _section(gap: Gap) -> tuple[str, str]:
    """Return the head of a gap's section, and its reason; empty if the head of the section says it."""
    if gap.reason.startswith(IMPORTABLE):
        return UNUSABLE, gap.reason.removeprefix(f"{IMPORTABLE}: ")
    if gap.reason in (CONSTANT, NO_TUPLE):
        return CONSTANTS if gap.reason == CONSTANT else TUPLES, ""
    return MISSING, gap.reason


def _entries(reasons: dict[str, dict[str, list[str]]]) -> str:
    """Return a definition list with a list of names for each reason; a plain list for an empty reason."""
    entries = []
    for reason, places in reasons.items():
        items = [
            f"- the module `{place}`" if names == ["*"] else f"- `{place}`: {' '.join(f'`{name}`' for name in names)}"
            for place, names in places.items()
        ]
        term = f"{reason[0].upper()}{reason[1:]}\n:   " if reason else ""
        entries.append(term + ("\n    " if reason else "\n").join(items) + "\n")
    return "\n".join(entries)


HEAD = """# Names of Sanic that are not here

If you look for a name of Sanic 25.12 and do not find it here, this page says why. A test compares `dir()` of each
public module and class of Sanic with sanic_star under the [alias](port/index.md). The lists below have all names that
are missing.

The test does not compare names that a module of Sanic imports from other packages (`sanic.app.partial`). With the
alias, a module also has the names that it imports from other modules of Sanic (`sanic.app.Blueprint`). Without the
alias, import such a name from the module that defines it.

<!-- written by `python -m tests.surface.sweep --write` -->
"""
MISSING = """
## Missing names

"""
UNUSABLE = """
## Names that you can import, but not use

You can also use these names in annotations and as base classes. Calling one, or creating an instance, raises
`NotImplementedError` with the advice that the list gives: see [`private-modules`](compatibility.md#private-modules).

"""
TUPLES = """
## Methods of tuples

These classes are named tuples in Sanic, but not here. You can unpack them, but they lack two methods of tuples.

"""
CONSTANTS = """
## Constants of Sanic's own code

Nothing in sanic_star reads these constants, so they are left out.

"""


def passed_on() -> str:
    """Return the table of the names that modules of Sanic pass on and the twins here do not have."""
    sanics = read_sanic()
    lines = []
    for module, names in sanics.items():
        own = _load_ours(module)
        if own is None or module == "sanic":
            continue
        homes = []
        for key, entry in names.items():
            home = entry["home"]
            if key in FOREIGN or hasattr(own, key) or home == module:
                continue
            source = _load_ours(home)
            if source is not None and hasattr(source, key):
                homes.append(f"{home}.{key}")
        if homes:
            filled = textwrap.fill(" ".join(sorted(homes)), 110, initial_indent="  ", subsequent_indent="  ")
            lines.append(f"{module.removeprefix('sanic.')}:\n{filled}\n")
    return TABLE_HEAD + "".join(lines) + '"""\n'


TABLE_HEAD = '''"""By module of Sanic, the names that it passes on and its twin lacks, with their homes."""

TABLE = """
'''


def _load_ours(module: str) -> ModuleType | None:
    spec = twin(module)
    return None if spec is None else importlib.import_module(spec.name)


if __name__ == "__main__":
    if "--ours" in sys.argv:
        print(json.dumps(read_ours(json.load(sys.stdin))))
    elif "--passed-on" in sys.argv:
        print(passed_on(), end="")
    else:
        if "--write" in sys.argv:
            PASSED_ON.write_text(passed_on())
        everything = gaps()
        print(*everything, sep="\n")
        used = {gap.reason for gap in everything}
        print(*(f"not used any more: {key}" for key, reason in REASONS.items() if reason not in used), sep="\n")
        if "--write" in sys.argv:
            PAGE.write_text(page(everything))
