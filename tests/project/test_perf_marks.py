"""Each `PERF:` mark says what keeps the trick safe."""

from __future__ import annotations

import io
import re
import token
import tokenize
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "sanic_star"


def marked_texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each mark: up to the next mark, or to the end of the comment or string."""
    comment, comment_line = "", 0
    for part in tokenize.generate_tokens(io.StringIO(source).readline):
        if part.type == token.COMMENT and part.line.lstrip().startswith("#"):
            if comment and part.start[0] != comment_line + comment.count("\n"):
                yield from marks_in(comment, comment_line)
                comment = ""
            if not comment:
                comment_line = part.start[0]
            comment += part.string + "\n"
        elif part.type in (token.COMMENT, token.STRING):
            yield from marks_in(comment, comment_line)
            comment = ""
            yield from marks_in(part.string, part.start[0])
    yield from marks_in(comment, comment_line)


def marks_in(text: str, line: int) -> Iterator[tuple[int, str]]:
    for match in re.finditer(r"PERF:.*?(?=PERF:|\Z)", text, re.DOTALL):
        yield line + text.count("\n", 0, match.start()), match[0]


def is_explained(text: str) -> bool:
    return re.search(r"\bsafe\b", text, re.IGNORECASE) is not None


def test_each_mark_says_what_keeps_it_safe() -> None:
    marks = [
        (f"{path.relative_to(PACKAGE.parent)}:{line}", text)
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in marked_texts(path.read_text(encoding="utf-8"))
    ]
    assert len(marks) > 50
    assert [place for place, text in marks if not is_explained(text)] == []


def test_the_text_of_a_mark_ends_with_its_comment() -> None:
    source = '''
a = 1  # PERF: saves a call
# Safe, says another comment.
# PERF: saves a frame,
# and is safe because of this.

# PERF: two marks in one comment. Safe.
# PERF: the second one
b = """
safe
"""
def function():
    """Return.

    PERF: saves
    time. Safe because of that.
    """
    # PERF: saves a test
    return "PERF: "
'''
    marks = [(line, is_explained(text)) for line, text in marked_texts(source)]
    assert marks == [(2, False), (4, True), (7, True), (8, False), (15, True), (18, False), (19, False)]
