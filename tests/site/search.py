"""The search of the built site, with the scores of the theme's script: an index by lunr, and its order of pages.

The script gives a long section the same weight as a short one. It adds a wildcard to each word of a query. It
multiplies the score of a section by two, and that of a page's title and first lines by five, if all words match. A page
stands where its best section stands.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from lunr.builder import Builder
from lunr.stop_word_filter import stop_word_filter


class Search:
    """The search index of a built site.

    Args:
        site: the folder of the site.
    """

    def __init__(self, site: Path) -> None:
        index = json.loads((site / "search/search_index.json").read_text())
        self._separator = re.compile(index["config"]["separator"])
        builder = Builder()
        builder.b(0)  # lunr's default lowers the scores of long sections
        builder.ref("location")
        # No stemmer: the theme has none, as its wildcards go without.
        builder.pipeline.add(stop_word_filter)
        fields = index["config"]["fields"]
        for name, options in fields.items():
            builder.field(name, boost=options["boost"])
        for document in index["docs"]:
            words = {name: self._words(document.get(name, "")) for name in fields}
            builder.add({"location": document["location"], **words}, {"boost": document.get("boost", 1)})
        self._index = builder.build()

    def _words(self, text: str | list[str]) -> str:
        if not isinstance(text, str):
            text = " ".join(text)
        return self._separator.sub(" ", html.unescape(re.sub(r"<[^>]*>", " ", text)))

    def pages(self, query: str) -> list[str]:
        """Return the pages that a query finds, best first, without a slash at the end."""
        # A hyphen separates the words of a query, too; the wildcard goes to the last of them.
        words = " ".join(self._separator.sub(lambda match: match[0] if match[0] == "-" else " ", query.lower()).split())
        terms = re.sub(r"(?= |$)", "*", words).replace("-", " ").split()
        scores: dict[str, float] = {}
        for hit in self._index.search(" ".join(terms)):
            page, _, section = hit["ref"].partition("#")
            matches = hit["match_data"].metadata
            matched = sum(any(word.startswith(term.rstrip("*")) for word in matches) for term in terms) / len(terms)
            score = hit["score"] * (1 + ((not section) + matched) ** 2)
            scores[page] = max(scores.get(page, 0), score)
        return [page.rstrip("/") for page in sorted(scores, key=scores.__getitem__, reverse=True)]
