"""The lists of idioms in `docs/port/old-releases.md`."""

from __future__ import annotations

from pathlib import Path

from tests.old.idioms import IDIOMS
from tests.old.observed import key, load

PAGE = Path(__file__).parents[2] / "docs/port/old-releases.md"
START, END = "<!-- old idioms, written by `python -m tests.old` -->\n", "<!-- end of old idioms -->\n"


def lists() -> str:
    """Return a list of idioms for each release that was the last to have them."""
    observed = load()
    by_release: dict[str, list[str]] = {}
    for idiom in IDIOMS:
        by_release.setdefault(observed[idiom.name].until, []).append(f"- {idiom.old} → {idiom.new}\n")
    return "\n".join(
        f"### Until {release}\n\n" + "".join(by_release[release]) for release in sorted(by_release, key=key)
    )


def with_lists(text: str) -> str:
    """Return the page with the current lists."""
    before, start, after_start = text.partition(START)
    _, end, after = after_start.partition(END)
    if not (start and end):
        raise ValueError(f"{PAGE} lacks the marks of the lists")
    return f"{before}{start}\n{lists()}\n{end}{after}"
