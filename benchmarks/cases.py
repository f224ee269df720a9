"""The requests that every contender handles, with the expected answers.

An answer is checked before anything is timed, so that no contender wins with a wrong answer.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ECHO = json.dumps({"name": "Ada", "age": 36, "admin": False, "tags": ["maths", "engines"]}, separators=(",", ":"))


Headers = list[tuple[bytes, bytes]]

_numbers = itertools.count(1_000_000)


@dataclass(frozen=True)
class Case:
    """One request: its name in the tables, method, path, body, and the expected answer.

    A string in `expected` is compared with the text of the body, another value with the decoded JSON. `file` is the
    size of a body that replaces `body` and arrives in pieces, as from a socket; it is a multipart form if `type` says
    so. `streams` is for an answer in pieces: the request arrives in pieces, too. If the path has `{}`, each request has
    a new number there, so that no contender can answer from a cache. An error page (a `status` of 400 or more) only has
    to contain `expected`, because each framework words its own. With `logs` the loggers are on, and a server logs an
    exception that the application raises. `headers` come after the driver's.
    """

    name: str
    path: str
    expected: Any = field(hash=False)
    method: str = "GET"
    body: bytes = b""
    type: str = "application/json"
    file: int = 0
    status: int = 200
    logs: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    streams: bool = False

    @property
    def target(self) -> str:
        """The target of the request line: the path, and the query if there is one."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def paths(self, count: int) -> list[str]:
        """Return the paths of `count` requests."""
        return [self.path.format(next(_numbers)) if "{}" in self.path else self.path for _ in range(count)]

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""
        if not self.file:
            yield self.body
            return
        multipart = self.type.startswith("multipart/")
        if multipart:
            yield b'--frontier7d1a0f\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        piece = bytes(range(256)) * 256
        for start in range(0, self.file, len(piece)):
            yield piece[: self.file - start]
        if multipart:
            yield b"\r\n--frontier7d1a0f--\r\n"

    def fault(self, number: int, status: int, headers: Headers, body: bytes) -> str | None:
        """Return the fault of an answer, or None; `number` is for cases that have numbers."""
        return None if self.matches(status, body) else f"status {status}: {body[:200]!r}"

    def matches(self, status: int, body: bytes) -> bool:
        """Return whether `status` and `body` are the expected answer."""
        if status != self.status:
            return False
        if status >= 400:
            return bool(self.expected) and self.expected.encode() in body
        return bool((body.decode() if isinstance(self.expected, str) else json.loads(body)) == self.expected)


CASES = {
    case.name: case
    for case in (
        Case("text", "/", "Hello, world!"),
        Case("json", "/json", {"message": "Hello, world!"}),
        Case("user", "/user/42", {"id": 42}),
        Case("echo", "/echo", json.loads(ECHO), "POST", ECHO.encode()),
    )
}

TITLES = {"text": "text", "json": "json", "user": "`/user/<id:int>`", "echo": "POST json echo"}

FIELDS = "&".join(f"field{number}=value+{number}" for number in range(10))
_FORM, _UPLOAD = "application/x-www-form-urlencoded", "multipart/form-data; boundary=frontier7d1a0f"
FORM_CASES = {
    case.name: case
    for case in (
        Case("form", "/form", {"fields": 10, "last": "value 9"}, "POST", FIELDS.encode(), _FORM),
        Case("upload_1", "/upload", {"name": "a.bin", "size": 1_000_000}, "POST", b"", _UPLOAD, 1_000_000),
        Case("upload_100", "/upload", {"name": "a.bin", "size": 100_000_000}, "POST", b"", _UPLOAD, 100_000_000),
    )
}
TITLES |= {"form": "form of ten fields", "upload_1": "multipart of 1 MB", "upload_100": "multipart of 100 MB"}

ERROR_CASES = {
    case.name: case
    for case in (
        Case("404", "/nowhere", "Not Found", status=404),
        Case("405", "/", "Method Not Allowed", "POST", status=405),
        Case("raised_404", "/missing", "Not Found", status=404),
        Case("500", "/broken", "Internal Server Error", status=500),
        Case("handled", "/handled", "handled", status=418),
        Case("handled_plainly", "/handled-plainly", "handled", status=418),
        Case("logged_500", "/broken", "Internal Server Error", status=500, logs=True),
    )
}
TITLES |= {
    "db_json": "json",
    "db_plaintext": "plaintext",
    "db_single": "one row",
    "db_queries": "20 queries",
    "db_fortunes": "fortunes",
    "db_updates": "20 updates",
}
TITLES |= {"real_get": "a real GET", "real_post": "a real POST"}
TITLES |= {
    "404": "404",
    "405": "405",
    "raised_404": "`raise NotFound`",
    "500": "unhandled 500",
    "handled": "with a handler",
    "handled_plainly": "with a plain handler",
    "logged_500": "unhandled 500, logged",
}


@dataclass(frozen=True)
class PageCase(Case):
    """A page of twenty links made by `url_for`; its title has the number that the path has."""

    def fault(self, number: int, status: int, headers: Headers, body: bytes) -> str | None:
        """Return the fault of a page, or None; a link may have the origin before its path."""
        title = re.search(rb"<title>(\d+)</title>", body)
        if status != 200 or not title:
            return f"status {status}: {body[:200]!r}"
        links = re.findall(r'href="(?:http://127\.0\.0\.1:8000)?([^"]*)"', body.decode())
        wanted = [f"/customers/c{title[1].decode()}/orders/{order}" for order in range(20)]
        return None if links == wanted else f"links {links[:2]!r} of {len(links)}"


PAGE_CASES = {
    case.name: case
    for case in (PageCase("page", "/pages/{}", None), PageCase("page_starlette", "/starlette-pages/{}", None))
}
TITLES |= {"page": "a page of 20 links", "page_starlette": "the same by `Jinja2Templates`"}

CHUNK = b"x" * 1023 + b"\n"
STREAM_CASES = {
    case.name: case
    for case in (
        Case("stream_out", "/out", (CHUNK * 100).decode(), streams=True),
        Case("stream_in", "/in", {"bytes": 5_000_000}, "POST", type="application/octet-stream", file=5_000_000),
        Case("stream_both", "/both", "65536\n" * 15 + "16960\n", "POST", type="text/plain", file=1_000_000),
    )
}
TITLES |= {
    "stream_out": "100 chunks of 1 kB out",
    "stream_in": "5 MB in",
    "stream_both": "1 MB in, a line out for each piece",
}

# The loads of part `live`; one answer is one unit.
LIVE_TITLES = {
    "echo_1": "echo of 1 kB, 1 websocket",
    "echo_200": "echo of 1 kB, 200 websockets",
    "chunks": "10,000 chunks of 1 kB",
}
