"""Check the built documentation; the exit status is 1 if there are faults."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.site.checks import broken_links, loads_from_elsewhere, switches_without_effect, unreadable_drawings
from tests.site.search import Search

ROOT = Path(__file__).parents[2]
SITE = ROOT / "site"
OUTSIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


def misplaced_pages(searches: dict[str, str], later: dict[str, str]) -> Iterator[str]:
    """Yield the searches that do not find their page first.

    Args:
        searches: the page of each query.
        later: the same for pages that may be missing.
    """
    search = Search(SITE)
    for query, page in {**searches, **later}.items():
        if not (SITE / page / "index.html").exists():
            if query in searches:
                yield f"searching {query!r} should find {page}, which is not there"
            continue
        pages = search.pages(query)
        if pages[:1] != [page]:
            yield f"searching {query!r} should find {page} first, and finds {', '.join(pages[:4]) or 'nothing'}"


def main() -> int:
    """Print the faults, and return the exit status."""
    table = tomllib.loads(Path(__file__).with_name("searches.toml").read_text())
    faults = [
        *misplaced_pages(table["searches"], table.get("later", {})),
        *loads_from_elsewhere(SITE),
        *(fault for name in OUTSIDE for fault in broken_links(ROOT / name, SITE, root=ROOT)),
        *unreadable_drawings(ROOT / "docs"),
        *switches_without_effect(SITE),
    ]
    for fault in faults:
        print(fault, file=sys.stderr)
    queries_without_page = [
        query for query, page in table.get("later", {}).items() if not (SITE / page / "index.html").exists()
    ]
    print(f"{len(table['searches'])} searches, {len(queries_without_page)} without a page; {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
