"""Puts a full run into the documentation: tables between two markers of docs/benchmarks.md, and the chart."""

import re
from pathlib import Path
from typing import Any

from benchmarks import plot, report

_DOCS = Path(__file__).parent.parent / "docs"
_BEGIN, _END = "<!-- results: begin -->", "<!-- results: end -->"

_CHART = "![Time a request and requests a second, by framework](assets/benchmarks.svg)"


def write(result: dict[str, Any]) -> None:
    """Write docs/benchmarks.md and docs/assets/benchmarks.svg; exit with a message if the page lacks its markers."""
    page = _DOCS / "benchmarks.md"
    text = page.read_text()
    if _BEGIN not in text or _END not in text:
        raise SystemExit(f"{page.name} needs the lines {_BEGIN} and {_END}: the tables go between them.")
    tables = f"{_BEGIN}\n\n{_CHART}\n\n{report.markdown(result)}\n{_END}"
    page.write_text(re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: tables, text, flags=re.DOTALL))
    plot.draw(result, _DOCS / "assets" / "benchmarks.svg")
