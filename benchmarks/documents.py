"""Write a full run into the documentation: tables between two markers of docs/benchmarks.md, and its pictures."""

import re
from pathlib import Path
from typing import Any

from benchmarks import plot, report

_DOCS = Path(__file__).parent.parent / "docs"
_BEGIN, _END = "<!-- results: begin -->", "<!-- results: end -->"
# Each picture is placed below the heading of its section.
_PICTURES = {
    "benchmarks.svg": ("## The framework alone", "Time a request and requests a second, by framework"),
    "benchmarks-real.svg": ("## A real request", "Time of a real request in process and over a socket, by framework"),
    "benchmarks-database.svg": ("## Databases", "CPU time of TechEmpower's tests, by framework"),
}


def write(result: dict[str, Any]) -> None:
    """Write docs/benchmarks.md and docs/assets/benchmarks*.svg; exit with a message if the page lacks its markers."""
    page = _DOCS / "benchmarks.md"
    text = page.read_text()
    if _BEGIN not in text or _END not in text:
        raise SystemExit(f"{page.name} needs the lines {_BEGIN} and {_END}: the tables go between them.")
    tables = report.markdown(result)
    for name in plot.draw(result, _DOCS / "assets"):
        head, about = _PICTURES[name]
        # The style sheet shows one of both. A browser loads no lazy picture that is hidden.
        pictures = (
            f"![{about}](assets/{name}){{ .wide loading=lazy }}\n"
            f"![{about}](assets/{plot.narrow_name(name)}){{ .narrow loading=lazy }}\n"
        )
        tables = tables.replace(f"{head}\n", f"{head}\n\n{pictures}", 1)
    tables = re.sub(r"(?<=## Budgets\n\n).*?(?=\n\n## |\Z)", _folded, tables, count=1, flags=re.DOTALL)
    tables = f"{_BEGIN}\n\n{tables}\n{_END}"
    page.write_text(re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: tables, text, flags=re.DOTALL))


def _folded(table: re.Match[str]) -> str:
    rows = table[0].strip()
    verdicts = [row.split(" | ")[-1].strip(" |") for row in rows.splitlines()[2:]]  # without the head of the table
    counts = {"met": verdicts.count("yes"), "missed": verdicts.count("**no**"), "not measured": verdicts.count("–")}
    parts = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    summary = f"{len(verdicts)} budgets: {parts}"
    return f'<details class="entries" markdown>\n<summary>{summary}</summary>\n\n{rows}\n\n</details>\n'
