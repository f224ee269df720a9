"""Every error page in every format, compared byte for byte with `error_pages.json`.

After a change that is meant, `python -m tests.compat.test_error_snapshot` writes the file anew; its diff shows what
changed. File names, line numbers and what tracerite draws are replaced, because they differ between machines.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.exceptions import HTTPException

from sanic_star import Sanic, text
from sanic_star.compat import exceptions
from sanic_star.compat.helpers import STATUS_CODES
from tests.engine.raw import Peer, http_scope

SNAPSHOT = Path(__file__).with_name("error_pages.json")
MARKUP = "<b>&amp; \"quoted\" 'é'\nsecond line"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ACCEPTS = {
    "none": None, "any": "*/*", "browser": BROWSER, "html": "text/html", "json": "application/json",
    "text": "text/plain", "image": "image/png", "empty": "", "nonsense": "nonsense", "worst": "text/html;q=0.1,*/*",
    "json first": "application/json, text/html;q=0.9", "any application": "application/*;q=0.5, text/plain;q=0.1",
    "too long": "text/html," * 1000,
}  # fmt: skip
FORMATS = {"html": "text/html", "text": "text/plain", "json": "application/json"}


class Odd(Exception):
    """An exception of another library."""

    status_code = 404
    context = "no mapping"


def _caused() -> None:
    try:
        raise ZeroDivisionError("zero")
    except ZeroDivisionError as error:
        raise ValueError(MARKUP) from error


ERRORS: dict[str, Callable[[], Any]] = {
    "markup": lambda: exceptions.NotFound(MARKUP),
    "surrogate": lambda: exceptions.BadRequest("no file \udcff"),
    "context": lambda: exceptions.SanicException("tea", 418, context={"a": 1, "<": ["é"]}, extra={"token": "s"}),
    "quiet context": lambda: exceptions.NotFound("x", context={"a": "b"}, extra={"c": "d"}),
    "headers": lambda: exceptions.Unauthorized("Who?", scheme="Basic", realm='"Office"'),
    "allow": lambda: exceptions.MethodNotAllowed("no", "PUT", ["GET", "HEAD"]),
    "range": lambda: exceptions.RangeNotSatisfiable("no", type("Range", (), {"total": 9})()),
    "loud": lambda: exceptions.NotFound("loud", quiet=False),
    "empty message": lambda: exceptions.ServerError(""),
    "impossible status": lambda: exceptions.SanicException("x", 99),
    "unknown status": lambda: exceptions.SanicException("x", 599),
    "starlette": lambda: HTTPException(409, MARKUP, {"x-a": "b"}),
    "starlette 404": lambda: HTTPException(404),
    "starlette 500": lambda: HTTPException(503),
    "unexpected": lambda: ValueError(MARKUP),
    "unexpected with status": lambda: Odd("x"),
}


def _application(debug: bool, fallback: str) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Snapshot", debug=debug, configure_logging=False)
    app.config.FALLBACK_ERROR_FORMAT = fallback

    @app.get("/status/<status:int>")
    async def of_status(request: Any, status: int) -> Any:
        raise exceptions.SanicException(status_code=status, quiet=True)

    @app.get("/named/<name:path>")
    async def named(request: Any, name: str) -> Any:
        raise ERRORS[unquote(name)]()

    @app.get("/caused")
    async def caused(request: Any) -> Any:
        _caused()

    @app.get("/explained", error_format="json")
    async def explained(request: Any) -> Any:
        raise exceptions.Forbidden

    @app.get("/guessed")
    async def guessed(request: Any) -> Any:
        if request.args:
            return text("fine")
        raise exceptions.Forbidden

    @app.websocket("/ws")
    async def speak(request: Any, ws: Any) -> None: ...

    return app


Case = tuple[str, bool, str, str, str, str | None]


def cases() -> Iterator[Case]:
    """Yield name, debug mode, fallback format, method, path and Accept."""
    for debug in (False, True):
        mode = "debug" if debug else "plain"
        for kind, accept in FORMATS.items():
            for status in STATUS_CODES:
                if status >= 400:
                    yield f"{mode} {kind} {status}", debug, "auto", "GET", f"/status/{status}", accept
            for name in ERRORS:
                yield f"{mode} {kind} {name}", debug, "auto", "GET", f"/named/{name}", accept
            for name, method, path in (
                ("no route", "GET", "/none"), ("no route, escaped", "GET", "/<b>&/é"), ("method", "POST", "/guessed"),
                ("slashes", "GET", "/a//"), ("upgrade", "GET", "/ws"), ("cause", "GET", "/caused"),
            ):  # fmt: skip
                yield f"{mode} {kind} {name}", debug, "auto", method, path, accept
    for fallback in ("auto", *FORMATS):
        for name, header in ACCEPTS.items():
            for path in ("/none", "/explained", "/guessed", "/named/unexpected"):
                yield f"{fallback} {name} {path}", False, fallback, "GET", path, header


def _stable(page: str) -> str:
    page = re.sub(r"<style>.*?</style>", "<style/>", page, flags=re.DOTALL)
    page = re.sub(r'<div class="trace">.*</div>(?=<section>|</main>)', "<trace/>", page, flags=re.DOTALL)
    # Without the frames of the package, whose files may be renamed.
    page = re.sub(r" +File \S+sanic_star[\\/](?!tests)\S+, line .*\n.*\n\n", "", page)
    page = re.sub(r'\{"file":"[^"]*sanic_star[\\/](?!tests)[^{}]*\},', "", page)
    page = re.sub(r"File .*?[\\/](\w+\.py), line \d+, in (\w+)\n.*", r"File \1 in \2", page)
    frame = r'\{"file":"[^"]*?(\w+\.py)","line":\d+,"name":"(\w+)","src":"(?:[^"\\]|\\.)*"\}'
    return re.sub(frame, r'"\1 in \2"', page)


async def _answers(chosen: list[Case]) -> dict[str, Any]:
    apps = {key: _application(*key) for key in {case[1:3] for case in chosen}}
    pages = {}
    for name, debug, fallback, method, path, accept in chosen:
        fields = [(b"host", b"testserver"), *([] if accept is None else [(b"accept", accept.encode())])]
        peer = Peer()
        with suppress(ValueError, Odd):  # Raised again once they are answered, because nobody handled them.
            await apps[debug, fallback](http_scope(path, method, headers=fields), peer.receive, peer.send)
        headers = {key.decode(): value.decode() for key, value in sorted(peer.headers.items())}
        body = peer.body.decode()
        assert int(headers.pop("content-length")) == len(peer.body), name
        pages[name] = {"status": peer.status, "headers": headers, "body": _stable(body)}
    return pages


@pytest.fixture(scope="module")
def pages() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(SNAPSHOT.read_text())
    return held


def test_the_snapshot_holds_each_case(pages: dict[str, Any]) -> None:
    assert list(pages) == [case[0] for case in cases()]


@pytest.mark.parametrize("group", sorted({case[0].rsplit(" ", 1)[0].split()[0] for case in cases()}))
async def test_each_page_is_unchanged(group: str, pages: dict[str, Any]) -> None:
    chosen = [case for case in cases() if case[0].split()[0] == group]
    answers = await _answers(chosen)
    assert answers == {case[0]: pages[case[0]] for case in chosen}
    # Once more: what the first answers left in a cache changes nothing.
    assert await _answers(chosen) == answers


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    written = asyncio.run(_answers(list(cases())))
    SNAPSHOT.write_text(json.dumps(written, indent=0, ensure_ascii=False) + "\n")
