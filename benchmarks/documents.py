"""Write a full run into the documentation: tables between two markers of docs/benchmarks.md, and its pictures.

The page folds its long tables below a summary with our figures.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks import plot, report
from benchmarks.contenders import CONTENDERS, OURS

_DOCS = Path(__file__).parent.parent / "docs"
_BEGIN, _END = "<!-- results: begin -->", "<!-- results: end -->"
# Each picture is placed below the heading of its section.
_PICTURES = {
    "benchmarks.svg": ("## The framework alone", "Time a request and requests a second, by framework"),
    "benchmarks-real.svg": ("## A real request", "Time of a real request in process and over a socket, by framework"),
    "benchmarks-database.svg": ("## Databases", "CPU time of TechEmpower's tests, by framework"),
}
_TABLE = re.compile(r"^\|.*\n\|[-:| ]+\|\n(?:\|.*(?:\n|\Z))+", re.MULTILINE)
# A short table needs no summary.
_MOST_UNFOLDED_ROWS = 5


def write(result: dict[str, Any]) -> None:
    """Write docs/benchmarks.md and docs/assets/benchmarks*.svg; exit with a message if the page lacks its markers."""
    page = _DOCS / "benchmarks.md"
    text = page.read_text()
    if _BEGIN not in text or _END not in text:
        raise SystemExit(f"{page.name} needs the lines {_BEGIN} and {_END}: the tables go between them.")
    tables = fold(report.markdown(result))
    for name in plot.draw(result, _DOCS / "assets"):
        head, about = _PICTURES[name]
        # The style sheet shows one of both. A browser loads no lazy picture that is hidden.
        pictures = (
            f"![{about}](assets/{name}){{ .wide loading=lazy }}\n"
            f"![{about}](assets/{plot.narrow_name(name)}){{ .narrow loading=lazy }}\n"
        )
        tables = tables.replace(f"{head}\n", f"{head}\n\n{pictures}", 1)
    tables = f"{_BEGIN}\n\n{tables}\n{_END}"
    page.write_text(re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: tables, text, flags=re.DOTALL))


def fold(markdown: str) -> str:
    """Return the text with its long tables folded, each below a summary of its figures."""
    return _TABLE.sub(_folded, markdown)


def _folded(table: re.Match[str]) -> str:
    head, _, *rows = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in table[0].splitlines()]
    if len(rows) <= _MOST_UNFOLDED_ROWS:
        return table[0]
    summary = _as_html(_verdicts(rows) if head[0] == "budget" else _our_figures(head, rows))
    return f'<details class="entries" markdown>\n<summary>{summary}</summary>\n\n{table[0].rstrip()}\n\n</details>\n'


def _verdicts(rows: list[list[str]]) -> str:
    verdicts = [row[-1] for row in rows]
    counts = {"met": verdicts.count("yes"), "missed": verdicts.count("**no**"), "not measured": verdicts.count("–")}
    return f"{len(rows)} budgets: " + ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _our_figures(head: list[str], rows: list[list[str]]) -> str:
    """Return our row with the names of its columns; where we are a column, the range of the last one: the shares."""
    our_row = next((row for row in rows if row[0].strip("*") == CONTENDERS[OURS].title), None)
    if our_row is None:
        shares = sorted((row[-1] for row in rows if re.fullmatch(r"\d+\.\d+", row[-1])), key=float)
        return f"{len(rows)} rows: {head[-1]} {' to '.join(shares[:1] + shares[-1:])}"
    figures = "; ".join(f"{column} {figure}" for column, figure in zip(head[1:], our_row[1:], strict=True))
    return f"{our_row[0]}, {head[0]}: {figures}"


def _as_html(text: str) -> str:
    """Return the text for a summary, in which Markdown is not read."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("**", "")
    return re.sub("`(.*?)`", r"<code>\1</code>", text)
