"""Draw bars as SVG: a row of panels, one for each case, with the names of the contenders at the first one.

A picture has its own background, and other colours in dark mode, so that it is readable on any page. The same figures
give the same file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.cases import TITLES
from benchmarks.contenders import CONTENDERS, OURS

_WIDTH, _LABELS, _BAR, _STEP, _HEAD, _EDGE = 960, 172, 14, 20, 34, 12
# The longest bar leaves room for its figure.
_FIGURE = 52
_STYLE = """
.ground { fill: #ffffff } .bar { fill: #9aa5b1 } .ours { fill: #d6336c } .line { stroke: #cbd2d9 }
text { fill: #1f2933; font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
.head { font-weight: 600 } .label { text-anchor: end }
@media (prefers-color-scheme: dark) {
  .ground { fill: #1f2129 } .bar { fill: #65707c } .ours { fill: #f06595 } .line { stroke: #4a5361 }
  text { fill: #e4e7eb }
}
"""


@dataclass(frozen=True)
class Row:
    """A row of panels: `{case: {contender: row of the table}}`, the key of the figure, what the figure is."""

    cases: Mapping[str, Mapping[str, Any]]
    key: str
    unit: str


def draw(result: dict[str, Any], folder: Path) -> list[str]:
    """Write the pictures of the parts that `result` has into `folder`, and return their names."""
    pictures = {
        "benchmarks.svg": [
            Row(_one_raw(result.get("inprocess", {})), "us", "µs"),
            Row(_one_raw(result.get("socket", {})), "rps", "requests/s"),
        ],
        "benchmarks-real.svg": [
            Row(result.get("real", {}), "us", "µs in process"),
            Row(result.get("served", {}), "cpu_us", "µs of CPU time over a socket"),
        ],
        "benchmarks-database.svg": [
            Row(dict(tests), "cpu_us", f"µs on {database}")
            for database, cases in result.get("database", {}).items()
            if "error" not in cases
            for tests in _in_threes(cases)
        ],
    }
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in pictures.items():
        if shown := [row for row in rows if row.cases]:
            (folder / name).write_text(svg(shown))
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


def _in_threes(cases: Mapping[str, Any]) -> list[list[tuple[str, Any]]]:
    pairs = list(cases.items())
    return [pairs[start : start + 3] for start in range(0, len(pairs), 3)]


def svg(rows: Sequence[Row]) -> str:
    """Return the picture."""
    width = (_WIDTH - _LABELS - _EDGE) / max(len(row.cases) for row in rows)
    parts: list[str] = []
    top = _EDGE
    for row in rows:
        present = {name for bars in row.cases.values() for name in bars}
        names = [name for name in CONTENDERS if name in present]
        for place, name in enumerate(names):
            title = CONTENDERS[name].title.replace("`", "")
            parts.append(_text(_LABELS - 6, top + _HEAD + place * _STEP + _BAR - 3, title, "label"))
        for column, (case, bars) in enumerate(row.cases.items()):
            left = _LABELS + column * width
            parts += _panel(left, top, width, f"{TITLES[case].replace('`', '')}: {row.unit}", names, bars, row.key)
        top += _HEAD + len(names) * _STEP + _EDGE
    size = f'viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    ground = f'<rect class="ground" width="{_WIDTH}" height="{top}" rx="8"/>'
    return "\n".join([head, f"<style>{_STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _panel(
    left: float, top: float, width: float, head: str, names: list[str], bars: Mapping[str, Any], key: str
) -> list[str]:
    values = {name: bars[name][key] for name in names if key in bars.get(name, {})}
    scale = (width - _FIGURE - _EDGE) / max([*values.values(), 1e-9])
    bottom = top + _HEAD + len(names) * _STEP - 2
    parts = [
        _text(left, top + 18, head, "head"),
        f'<path class="line" d="M{left:.1f} {top + _HEAD - 4:.1f}V{bottom:.1f}"/>',
    ]
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
