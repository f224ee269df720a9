"""Read the URLs of a page, as a browser does."""

import json
from html.parser import HTMLParser


class Page(HTMLParser):
    """The URLs of a page: those of its elements (`urls`), and those in the JSON for its script (`links`)."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.urls: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self._in_links = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note each URL with the element that has it."""
        attributes = dict(attrs)
        self._in_links = attributes.get("id") == "links"
        for name in ("href", "src", "action"):
            if url := attributes.get(name):
                self.urls[url] = tag

    def handle_data(self, data: str) -> None:
        """Read the block of JSON that the script reads."""
        if self._in_links and data.strip():
            self.links = {name: url for name, url in json.loads(data).items() if url}
