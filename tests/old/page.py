"""The table of idioms in `docs/port/index.md`."""

from __future__ import annotations

from pathlib import Path

from tests.old.idioms import IDIOMS
from tests.old.observed import key, load

PAGE = Path(__file__).parents[2] / "docs" / "port/index.md"
START, END = "<!-- old idioms, written by `python -m tests.old` -->\n", "<!-- end of old idioms -->\n"


def table() -> str:
    """Return the table, by the last release that had each idiom."""
    observed = load()
    rows = ["| in old code | Sanic until | now |", "|---|---|---|"]
    rows += [
        f"| {idiom.old} | {observed[idiom.name].until} | {idiom.new} |"
        for idiom in sorted(IDIOMS, key=lambda idiom: (key(observed[idiom.name].until), IDIOMS.index(idiom)))
    ]
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """Return the page with the table as it has to be."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"{PAGE} lacks the marks of the table")
    return f"{before}{start}\n{table()}\n{end}{after}"
