"""Lower the rank of some folders in the search, so that a guide comes before the reference and before the decisions."""

from typing import Any

# The longest prefix of a page's path counts. The theme multiplies a page's score by it.
BOOSTS = {
    "": 1.0,
    "plug-in/": 0.8,
    "tutorial/": 0.5,
    "reference/": 0.3,
    "decisions/": 0.2,
    "acceptance.md": 0.2,
    "architecture.md": 0.2,
    "benchmarks.md": 0.5,
    "changelog.md": 0.2,
    "compatibility.md": 0.5,
    "ecosystem.md": 0.5,
    "glossary.md": 0.5,
    "names.md": 0.2,
    "port/old-releases.md": 0.5,
}


def on_page_markdown(markdown: str, *, page: Any, **build: Any) -> None:
    """Set the boost of a page, unless its front matter has one; MkDocs calls this for each page."""
    prefix = max(
        (prefix for prefix in BOOSTS if page.file.src_uri.startswith(prefix)),
        key=len,
    )
    page.meta.setdefault("search", {}).setdefault("boost", BOOSTS[prefix])
