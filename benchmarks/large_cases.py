"""The requests of the part `large`, each in full size and in half.

Work in linear time takes twice as long for the whole as for the half.
"""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.cases import TITLES, Case

# Rows of 68 bytes on average: ten megabytes.
ROWS, FIELDS, HEADERS, COOKIES = 147_000, 10_000, 1_000, 100
PIECE = 65536


@functools.cache
def rows(count: int) -> list[dict[str, Any]]:
    """Return `count` rows of the large document."""
    return [
        {"id": number, "name": f"Article {number}", "price": number * 0.25, "tags": ["new", "red"]}
        for number in range(count)
    ]


@functools.cache
def _document(count: int) -> bytes:
    return json.dumps(rows(count), separators=(",", ":")).encode()


@functools.cache
def _form(count: int) -> bytes:
    return "&".join(f"field{number}=value+{number}" for number in range(count)).encode()


@dataclass(frozen=True)
class LargeCase(Case):
    """A request or an answer with `size` rows or fields; its bodies are made when they are needed."""

    size: int = 0

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""
        body = {"/rows": _document, "/fields": _form}[self.path](self.size) if self.file else b""
        for start in range(0, len(body) or 1, PIECE):
            yield body[start : start + PIECE]

    def matches(self, status: int, body: bytes) -> bool:
        """Return whether `status` and `body` are the expected answer."""
        if self.path.startswith("/rows/"):
            return status == 200 and bool(json.loads(body) == rows(self.size))
        return super().matches(status, body)


def _cases(name: str, size: int) -> Iterator[LargeCase]:
    for suffix, count in (("", size), ("_half", size // 2)):
        last = count - 1
        answer: Any
        if name == "large_in":
            yield LargeCase(name + suffix, "/rows", {"rows": count}, "POST", file=count, size=count)
        elif name == "large_out":
            yield LargeCase(name + suffix, f"/rows/{count}", None, size=count)
        elif name == "large_form":
            kind = "application/x-www-form-urlencoded"
            answer = {"fields": count, "last": f"value {last}"}
            yield LargeCase(name + suffix, "/fields", answer, "POST", type=kind, file=count, size=count)
        elif name == "large_headers":
            fields = tuple((f"x-field-{number}", f"value {number}") for number in range(count))
            # The handler reads ten of them.
            answer = [fields[place][1] for place in range(9, count, count // 10)]
            yield LargeCase(name + suffix, f"/headers/{count}", answer, headers=fields)
        else:
            line = "; ".join(f"cookie{number}=value{number}" for number in range(count))
            answer = {"cookies": count, "last": f"value{last}"}
            yield LargeCase(name + suffix, f"/cookies/{last}", answer, headers=(("cookie", line),))


_TITLES = {
    "large_in": "10 MB of JSON in",
    "large_out": "10 MB of JSON out",
    "large_form": "10,000 form fields",
    "large_headers": "1,000 header fields",
    "large_cookies": "100 cookies",
}
TITLES |= _TITLES
LARGE = tuple(_TITLES)
LARGE_CASES = {
    case.name: case
    for name, size in zip(LARGE, (ROWS, ROWS, FIELDS, HEADERS, COOKIES), strict=True)
    for case in _cases(name, size)
}
