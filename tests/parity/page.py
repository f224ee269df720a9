"""The part of `docs/compatibility.md` that comes from the cases' marks: for each entry, the cases that show it.

`python -m tests.parity page` writes it; a test checks that it is up to date.
"""

from __future__ import annotations

from tests.parity.case import CASES
from tests.parity.frameworks import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- written by `python -m tests.parity page` -->\n", "<!-- end -->\n"


def update_page(page: str) -> str:
    """Return the page's text with its list of cases according to the marks."""
    before, _, after_begin = page.partition(BEGIN)
    return before + BEGIN + _cases() + END + after_begin.partition(END)[2]


def _cases() -> str:
    shown: dict[str, list[str]] = {}
    for case in CASES:
        for entry, suffix in ((case.differs, ""), (case.log_differs, " (log)")):
            if entry:
                shown.setdefault(entry, []).append(f"{case.group}: {case.name}{suffix}")
    lines: list[str] = []
    for entry, names in sorted(shown.items()):
        lines += [f"- [`{entry}`](#{entry})\n", *(f"    - {name}\n" for name in sorted(names))]
    return "\n" + "".join(lines) + "\n"
