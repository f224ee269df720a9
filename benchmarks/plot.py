"""Draw bars as SVG: a panel for each case, with the names of the contenders to the left of a row of panels.

A picture has its own background, and other colours in dark mode, so that it is readable on any page. Each picture is
drawn twice, because text that is scaled down to a narrow screen is not readable: as wide as the text of a page on a
desktop, and as wide as a phone. The same figures give the same files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.cases import TITLES
from benchmarks.contenders import CONTENDERS, OURS

_BAR, _STEP, _HEAD, _EDGE = 14, 20, 34, 12
# The longest bar leaves room for its figure.
_FIGURE = 52
_STYLE = """
.ground { fill: #ffffff } .bar { fill: #7b8794 } .ours { fill: #d6336c } .line { stroke: #cbd2d9 }
text { fill: #1f2933; font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
.head { font-weight: 600 } .label { text-anchor: end }
@media (prefers-color-scheme: dark) {
  .ground { fill: #1f2129 } .bar { fill: #65707c } .ours { fill: #f06595 } .line { stroke: #4a5361 }
  text { fill: #e4e7eb }
}
"""


@dataclass(frozen=True)
class Layout:
    """The width of a picture and of its column of names, both in px, and the number of panels beside each other."""

    width: int
    labels: int
    columns: int


WIDE, NARROW = Layout(700, 156, 2), Layout(340, 152, 1)


@dataclass(frozen=True)
class Row:
    """Panels of one kind: `{case: {contender: row of the table}}`, the key of the figure, what the figure is."""

    cases: Mapping[str, Mapping[str, Any]]
    key: str
    unit: str


def draw(result: dict[str, Any], folder: Path) -> list[str]:
    """Write the pictures of the parts that `result` has into `folder`, and return the names of the wide ones.

    The narrow one of `a.svg` is `a-narrow.svg`.
    """
    pictures = {
        "benchmarks.svg": [
            Row(_one_raw(result.get("inprocess", {})), "us", "µs"),
            Row(_one_raw(result.get("socket", {})), "rps", "requests/s"),
        ],
        "benchmarks-real.svg": [
            Row(result.get("real", {}), "us", "µs in process"),
            Row(result.get("served", {}), "cpu_us", "CPU µs over a socket"),
        ],
        "benchmarks-database.svg": [
            Row(cases, "cpu_us", f"µs on {database}")
            for database, cases in result.get("database", {}).items()
            if "error" not in cases
        ],
    }
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in pictures.items():
        if shown := [row for row in rows if row.cases]:
            (folder / name).write_text(svg(shown, WIDE))
            (folder / narrow_name(name)).write_text(svg(shown, NARROW))
            written.append(name)
    return written


def _one_raw(cases: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the rows with one "raw": where there is a body, that is the application that reads it."""
    return {
        case: {
            name: rows["raw_body"] if (case, name) == ("echo", "raw") and "raw_body" in rows else row
            for name, row in rows.items()
            if name not in ("raw_body", "raw_ready")
        }
        for case, rows in cases.items()
    }


def narrow_name(name: str) -> str:
    """Return the name of the narrow picture that belongs to a wide one."""
    return name.replace(".svg", "-narrow.svg")


def svg(rows: Sequence[Row], layout: Layout) -> str:
    """Return the picture."""
    width = (layout.width - layout.labels - _EDGE) / layout.columns
    parts: list[str] = []
    top = _EDGE
    for row in rows:
        present = {name for bars in row.cases.values() for name in bars}
        names = [name for name in CONTENDERS if name in present]
        cases = list(row.cases.items())
        for start in range(0, len(cases), layout.columns):
            for place, name in enumerate(names):
                title = CONTENDERS[name].title.replace("`", "")
                parts.append(_text(layout.labels - 6, top + _HEAD + place * _STEP + _BAR - 3, title, "label"))
            for column, (case, bars) in enumerate(cases[start : start + layout.columns]):
                left = layout.labels + column * width
                # Above a single column, the title has the whole width.
                title_left = left if layout.columns > 1 else _EDGE
                parts.append(_text(title_left, top + 18, f"{TITLES[case].replace('`', '')}: {row.unit}", "head"))
                parts += _panel(left, top, width, names, bars, row.key)
            top += _HEAD + len(names) * _STEP + _EDGE
    size = f'viewBox="0 0 {layout.width} {top}" width="{layout.width}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    ground = f'<rect class="ground" width="{layout.width}" height="{top}" rx="8"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _panel(left: float, top: float, width: float, names: list[str], bars: Mapping[str, Any], key: str) -> list[str]:
    values = {name: bars[name][key] for name in names if key in bars.get(name, {})}
    scale = (width - _FIGURE - _EDGE) / max([*values.values(), 1e-9])
    bottom = top + _HEAD + len(names) * _STEP - 2
    parts = [f'<path class="line" d="M{left:.1f} {top + _HEAD - 4:.1f}V{bottom:.1f}"/>']
    for place, name in enumerate(names):
        line = top + _HEAD + place * _STEP
        value = values.get(name)
        length = value * scale if value else 0
        if value:
            kind = "ours" if name.startswith(OURS) else "bar"
            parts.append(f'<rect class="{kind}" x="{left:.1f}" y="{line}" width="{length:.1f}" height="{_BAR}"/>')
        parts.append(_text(left + length + 4, line + _BAR - 3, _figure(value), "figure"))
    return parts


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
