"""The rules by which two answers count as the same.

Headers of the server are not compared. An HTML error page has its own design: its status, headers, title and message
are compared, not its markup. Sanic writes `content-type: None` when a response has no type, which equals a missing
header. JSON is compared by its data, not by its spelling (`json-msgspec`): names in their order, integers and floats
different. Everything else is compared as bytes.
"""

from __future__ import annotations

import difflib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from tests.parity.case import Case
from tests.parity.frameworks import EVENTS_NOTE, REFUSED
from tests.parity.wire import NO_ANSWER, Answer

SERVERS_OWN = {
    *("date", "server", "connection", "keep-alive", "transfer-encoding", "alt-svc"),
    *("upgrade", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-version"),
}
_PAGE = re.compile(r"<h1[^>]*>⚠️ (?P<title>.*?)</h1>\s*(?:<p[^>]*>|<p>)?(?P<text>.*?)(?:</p>|<p>|<div|<details|$)", re.S)


def case_differences(case: Case, sanic: list[list[Answer]], star: list[list[Answer]]) -> list[str]:
    """Return the differences between the answers to all steps of a case."""
    if case.fails and sanic[0][0].note == NO_ANSWER and star[0][0].note.startswith(REFUSED):
        return []  # reported when the app is built, and not only when it starts
    lines: list[str] = []
    labels = [*(step.label for step in case.steps), "events and log" if case.steps else "build"]
    if case.fails:
        sanic, star = ([step for step in answers if step[0].note != EVENTS_NOTE] for answers in (sanic, star))
    if len(sanic) != len(star):
        return [f"sanic: {sanic[0][0].note or 'built'}", f"star:  {star[0][0].note or 'built'}"]
    for label, sanics, ours in zip(labels, sanic, star, strict=False):
        if len(sanics) != len(ours):
            lines += [f"{label}: {len(sanics)} answers by Sanic, {len(ours)} by sanic_star"]
        for first, second in zip(sanics, ours, strict=False):
            if case.log_differs and first.note == EVENTS_NOTE:
                first, second = _events(first), _events(second)
            lines += differences(label, first, second, case.scrub, case.exact)
    return lines


def _events(answer: Answer) -> Answer:
    """Return the events without the log."""
    return replace(answer, body=b"\n".join(line for line in answer.body.splitlines() if line.startswith(b"event ")))


def differences(label: str, sanic: Answer, star: Answer, scrub: Sequence[str] = (), exact: bool = False) -> list[str]:
    """Return lines with the differences between two answers; none if they are the same."""
    lines: list[str] = []
    if sanic.note != star.note:
        lines += [f"  form    sanic: {sanic.note or 'fine'}", f"          star:  {star.note or 'fine'}"]
    if sanic.status != star.status:
        lines += [f"  status  sanic: {sanic.status}", f"          star:  {star.status}"]
    page = error_page(sanic)
    alike = not exact and _json_text(sanic) is not None and _json_text(sanic) == _json_text(star)
    lines += _headers(sanic, star, bool(page or scrub or alike or _has_other_length(sanic)), scrub)
    if not alike:
        lines += _page_missing(page, star) if page else _body(sanic, star, scrub)
    return [label, *lines] if lines else []


def error_page(answer: Answer) -> tuple[str, str] | None:
    """Return the title and the message of Sanic's HTML error page, or None for other answers."""
    if answer.status < 400 or not (answer.get("content-type") or "").startswith("text/html"):
        return None
    match = _PAGE.search(answer.body.decode(errors="replace"))
    return (_plain(match["title"]), _plain(match["text"])) if match else None


def _has_other_length(answer: Answer) -> bool:
    # A length instead of chunks is not a difference; and a page with another design has another length.
    if answer.get("transfer-encoding") == "chunked":
        return True
    return answer.status >= 400 and not answer.body and (answer.get("content-type") or "").startswith("text/html")


def _json_text(answer: Answer) -> str | None:
    if answer.get("content-type") != "application/json":
        return None
    try:
        return repr(json.loads(answer.body, object_pairs_hook=list))
    except ValueError:
        return None


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())


def _page_missing(page: tuple[str, str], star: Answer) -> list[str]:
    shown = _plain(star.body.decode(errors="replace"))
    parts = [*page[0].split(" — "), page[1]]
    return [f"  page    star does not show {part!r}" for part in parts if part not in shown]


def _headers(sanic: Answer, star: Answer, ignore_length: bool, scrub: Sequence[str]) -> list[str]:
    left_out = SERVERS_OWN | ({"content-length"} if ignore_length else set())
    ours, sanics = (
        # The order of different names has no meaning; the order of equal ones does, and the sort keeps it.
        sorted(
            (
                (name, _value(name, value, scrub))
                for name, value in answer.headers
                if name not in left_out and (name, value) != ("content-type", "None")
            ),
            key=lambda pair: pair[0],
        )
        for answer in (star, sanic)
    )
    lines = [f"  header  only sanic: {k}: {v}" for k, v in sanics if (k, v) not in ours]
    lines += [f"  header  only star:  {k}: {v}" for k, v in ours if (k, v) not in sanics]
    if not lines and ours != sanics:
        lines = [f"  header  sanic: {sanics}", f"          star:  {ours}"]
    return lines


def _value(name: str, value: str, scrub: Sequence[str]) -> str:
    for pattern in scrub:
        value = re.sub(pattern, "~", value)
    # Sanic stores a route's methods in a set, so their order changes from run to run.
    return ", ".join(sorted(value.split(", "))) if name == "allow" else value


def _body(sanic: Answer, star: Answer, scrub: Sequence[str]) -> list[str]:
    ours, sanics = star.body, sanic.body
    for pattern in scrub:
        ours, sanics = (re.sub(pattern.encode(), b"~", body) for body in (ours, sanics))
    if ours == sanics:
        return []
    before, after = (_readable(body) for body in (sanics, ours))
    return ["  body    - sanic, + star"] + ["    " + line for line in list(difflib.ndiff(before, after))[:60]]


def _readable(body: bytes) -> list[str]:
    try:
        return body.decode().splitlines() or [""]
    except UnicodeDecodeError:
        return [repr(body)]
