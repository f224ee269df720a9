"""`docs/acceptance.md` and the figures in other pages, made from the files in `data/`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .data import read
from .results import CLASSES, NOT_LOOKED_AT, listed_tests

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/acceptance.md"
PAGES_WITH_FIGURES = (ROOT / "README.md", ROOT / "docs/compatibility.md")
TITLES = {"sanic": "Sanic", "starlette": "Starlette"}
FIGURE = r"(?<=<!-- {suite} -->)[\d,]+ of [\d,]+(?=<!-- / -->)"
HEAD = """\
# The suites of Sanic and Starlette

<!-- Written by `nox -s acceptance -- --write`; do not edit. -->

How much of Sanic's and of Starlette's own test suite passes on this package, and why do the other tests fail?

`nox -s acceptance` downloads the source archives of Sanic {sanic_release} and Starlette {starlette_release}, and runs
their tests on this package. Sanic's tests run through the alias (`sanic_star.compat.install`). For Starlette's tests,
the class `Starlette` is replaced by `Sanic`. A test counts if it passes on the original.

| suite | tests that count | pass here |
|---|---|---|
{figures}

Of Sanic's suite, {out_of_scope} files or groups of files do not count, nor do {internals} tests in other files. Most of
them test parts of Sanic's own server; `acceptance/data` has their names and reasons. The tables below name every test
that counts and does not pass.
"""
RELEASES = {"sanic": "25.12.0", "starlette": "1.10.0"}
"""The releases whose suites are run; `noxfile.py` downloads them."""


def figures(suite: str) -> tuple[int, int]:
    """Return how many tests of a suite pass, and how many count."""
    total = sum(len(tests) for tests in read(f"{suite}_control").values())
    return total - sum(1 for _ in listed_tests(suite)), total


def rendered() -> str:
    """Return the text of the page."""
    rows = [
        f"| {TITLES[suite]}'s | {total:,} | {passed:,} ({100 * passed / total:.1f} %) |"
        for suite, (passed, total) in ((suite, figures(suite)) for suite in TITLES)
    ]
    internals = sum(len(tests) for group in read("sanic_internals") for tests in group["tests"].values())
    text = HEAD.format(
        sanic_release=RELEASES["sanic"],
        starlette_release=RELEASES["starlette"],
        figures="\n".join(rows),
        out_of_scope=len(read("sanic_out_of_scope")),
        internals=internals,
    )
    return text + "".join(section(suite, groups) for suite, groups in read("left").items())


def section(suite: str, groups: list[dict[str, Any]]) -> str:
    """Return the part of the page about one suite."""
    lines = [f"\n## {TITLES[suite]}'s suite: what does not pass\n"]
    for name, meaning in CLASSES.items():
        chosen = [group for group in groups if group["class"] == name]
        if not chosen:
            continue
        count = sum(len(tests) for group in chosen for tests in group["tests"].values())
        lines += [f"\n### {name.capitalize()} ({count})\n\n{meaning}\n\n", "| reason | tests |\n|---|---|\n"]
        lines += [f"| {reason(group)} | {names(group['tests'])} |\n" for group in chosen]
    return "".join(lines)


def names(tests: dict[str, list[str]]) -> str:
    """Return the tests of a group, file by file."""
    return "<br>".join(
        f"{file}: {', '.join(f'`{cell(test)}`' for test in identifiers)}" for file, identifiers in tests.items()
    )


def reason(group: dict[str, Any]) -> str:
    """Return the reason of a group, with a link to the entry of `docs/compatibility.md` that it names."""
    text = str(group["reason"])
    if group["class"] == NOT_LOOKED_AT:
        return f"`{cell(text)}`"
    return re.sub(r": `([a-z-]+)`$", r": [`\1`](compatibility.md#\1)", text.replace("|", "&#124;"))


def cell(text: str) -> str:
    """Return text that does not end a cell of a table or a code span."""
    return text.replace("|", "&#124;").replace("`", "'").replace("\n", " ")


def with_figures(text: str) -> str:
    """Return a page with the current figures between its marks, `<!-- sanic -->1 of 2<!-- / -->`."""
    for suite in TITLES:
        passed, total = figures(suite)
        text = re.sub(FIGURE.format(suite=suite), f"{passed:,} of {total:,}", text)
    return text


def write_pages() -> None:
    """Write the page, and the figures in the others."""
    PAGE.write_text(rendered(), encoding="utf-8")
    for path in PAGES_WITH_FIGURES:
        path.write_text(with_figures(path.read_text(encoding="utf-8")), encoding="utf-8")
