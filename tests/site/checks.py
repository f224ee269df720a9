"""The checks that need no search: other hosts, links from outside the pages, drawings. Each yields its faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

# Attributes whose address a browser loads by itself. A link is followed by the reader only.
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
# Links with these relations are not loaded: they are addresses of the page itself and of its neighbours.
NOT_LOADED_LINKS = {"alternate", "author", "canonical", "license", "next", "prev"}
ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""", re.IGNORECASE)
# WCAG 2.2, 1.4.3: the least contrast of text.
CONTRAST = 4.5
# The theme's schemes of a page, and the value of `color-scheme` for each.
SCHEMES = {"default": "light", "slate": "dark"}


class _Page(HTMLParser):
    """Collects what a browser loads for a page, and the names that links can point to."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        self.loaded += IN_STYLES.findall(values.get("style", ""))
        if tag == "link" and NOT_LOADED_LINKS & set(values.get("rel", "").lower().split()):
            return
        for attribute in LOADED.get(tag, ()):
            addresses = values.get(attribute, "").split(",") if attribute == "srcset" else [values.get(attribute, "")]
            self.loaded += [address for address in addresses if ELSEWHERE.match(address)]


def loads_from_elsewhere(site: Path) -> Iterator[str]:
    """Yield what pages and style sheets of a built site load from other hosts."""
    for path in sorted(site.rglob("*")):
        name = path.relative_to(site)
        if path.suffix == ".html":
            source = path.read_text()
            styles = " ".join(re.findall(r"<style[^>]*>(.*?)</style>", source, re.DOTALL))
            for address in [*_Page(source).loaded, *IN_STYLES.findall(styles)]:
                yield f"{name} loads {address.strip()}"
        elif path.suffix in (".css", ".svg"):
            for address in IN_STYLES.findall(path.read_text()):
                yield f"{name} loads {address}"


def broken_links(document: Path, site: Path, *, root: Path) -> Iterator[str]:
    """Yield the links of a file outside of the pages that lead nowhere: a missing file, or a missing anchor of a page.

    Args:
        document: the file, such as `README.md`.
        site: the built site.
        root: the folder that has `docs/`.
    """
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / unquote(path)).resolve() if path else document
        if not target.exists():
            yield f"{document.name} links to {link}, and there is no {path}"
        elif anchor and target.suffix == ".md" and target.is_relative_to(root / "docs"):
            page = target.relative_to(root / "docs").with_suffix("")
            folder = site / (page.parent if page.name == "index" else page)
            if anchor not in _Page((folder / "index.html").read_text()).anchors:
                yield f"{document.name} links to {link}, and the page has no such anchor"


def unreadable_drawings(folder: Path) -> Iterator[str]:
    """Yield drawings whose text cannot be read on a light or on a dark page.

    A drawing has its own background, `.ground { fill: … }`, and other colours for
    `@media (prefers-color-scheme: dark)`; its text has enough contrast in both.
    """
    for path in sorted(folder.rglob("*.svg")):
        light, media, dark = path.read_text().partition("@media (prefers-color-scheme: dark)")
        if "<text" not in (dark or light):
            continue
        if not media:
            yield f"{path.name} has no colours for dark pages"
        for scheme, style in (("light", light), ("dark", dark)):
            ground, text = (_color(style, selector) for selector in (r"\.ground", "text"))
            if ground is None or text is None:
                yield f"{path.name} has no colour of .ground and text for {scheme} pages"
            elif (contrast := _contrast(ground, text)) < CONTRAST:
                yield f"{path.name}: its text has a contrast of {contrast:.1f} on {scheme} pages"


def switches_without_effect(site: Path) -> Iterator[str]:
    """Yield the schemes of the page's own switch that its drawings would not follow.

    A drawing chooses its colours by `prefers-color-scheme`. In an image, that is the `color-scheme` of the element, so
    a style sheet has to set it with the scheme of the page. Without it, drawings follow the system alone.
    """
    styles = "".join(path.read_text() for path in sorted((site / "assets").rglob("*.css")))
    for scheme, value in SCHEMES.items():
        selector = rf"\[data-md-color-scheme=['\"]?{scheme}['\"]?\]"
        if not re.search(rf"{selector}\s*\{{[^}}]*color-scheme:\s*{value}", styles):
            yield f"no style sheet sets color-scheme: {value} for the scheme {scheme} of a page"


def _color(style: str, selector: str) -> str | None:
    match = re.search(rf"(?:^|[\s}}>]){selector}\s*\{{[^}}]*?fill:\s*#([0-9a-fA-F]{{6}})", style)
    return match[1] if match else None


def _contrast(*colors: str) -> float:
    darker, lighter = sorted(_luminance(color) for color in colors)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """Return the relative luminance of a colour, by WCAG."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
