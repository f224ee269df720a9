"""Draws the first two parts as bars: a column per case, µs a request above, requests a second below."""

from pathlib import Path
from typing import Any

from benchmarks.cases import TITLES
from benchmarks.contenders import CONTENDERS, OURS

_GREY, _RED = "#9aa5b1", "#d6336c"


def draw(result: dict[str, Any], target: Path) -> None:
    """Write the bar charts of `result` to `target` as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    # Text stays text, and the same figures give the same file.
    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.family": "sans-serif", "font.size": 8}
    )
    parts = [(part, key, label) for part, key, label in _ROWS if part in result]
    figure, grid = pyplot.subplots(len(parts), 4, figsize=(12, 2.6 * len(parts)), squeeze=False, layout="constrained")
    for line, (part, key, label) in zip(grid, parts, strict=True):
        present = {name for rows in result[part].values() for name in rows} - {"raw_body", "raw_ready"}
        names = [name for name in reversed(CONTENDERS) if name in present]
        for axes, (case, rows) in zip(line, result[part].items(), strict=True):
            # One bar for "raw": where there is a body, it is that of the application that reads it.
            shown = rows | {"raw": rows["raw_body"]} if case == "echo" and "raw_body" in rows else rows
            values = [shown.get(name, {}).get(key, 0) for name in names]
            bars = axes.barh(
                [CONTENDERS[name].title for name in names],
                values,
                color=[_RED if name == OURS else _GREY for name in names],
            )
            axes.bar_label(
                bars, [f"{value:,.{0 if key == 'rps' else 1}f}" if value else "" for value in values], padding=2
            )
            axes.set_title(f"{TITLES[case].strip('`')}: {label}", fontsize=9)
            axes.set_xlim(0, max([*values, 1e-9]) * 1.25)
            axes.set_xticks([])
            axes.spines[["top", "right", "bottom"]].set_visible(False)
            if axes is not line[0]:
                axes.set_yticklabels([])
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


_ROWS = (("inprocess", "us", "µs a request"), ("socket", "rps", "requests/s"))
