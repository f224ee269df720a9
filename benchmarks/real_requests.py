"""The requests of the scene `real`: a browser's headers, cookies, a bearer token, a query; two forms of an order.

Every `@` in a text stands for a number that is new in each request. So path, cookies, token, query and body differ from
request to request, and each is a new bytes object, as it is behind a server. wrk builds its requests from the same
texts, with its own numbers.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from benchmarks.cases import Headers

# The twenty rows that the applications read from their store for every request.
ROWS: list[dict[str, Any]] = [
    {"sku": f"A-{number:05}", "name": f"Article {number}", "price": number * 3.25, "stock": number % 7, "tags": ["new"]}
    for number in range(1, 21)
]

# The twelve fields that a browser sends with `fetch()`, in its order.
HEADERS = (
    ("host", "127.0.0.1:8000"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    ("accept", "application/json, text/plain, */*"),
    ("accept-language", "en-GB,en;q=0.7,de;q=0.3"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("referer", "http://127.0.0.1:8000/basket/@"),
    ("authorization", "Bearer token-@"),
    ("x-request-id", "request-@"),
    ("connection", "keep-alive"),
    ("cookie", "session=session-@; theme=dark; basket=basket-@"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-origin"),
)

_numbers = itertools.count(10_000_000)


def http_scope(method: str, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """Return the scope that uvicorn makes for a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": method,
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "state": {},
    }


@dataclass(frozen=True)
class Prepared:
    """One request, ready to be sent, and the number that makes it different from all others."""

    number: int
    scope: dict[str, Any]
    body: bytes


@dataclass(frozen=True)
class RealCase:
    """One of the two requests: its texts, with `@` for the number, and the expected answer.

    `expected` returns the JSON of the answer to the request with a number; `cookie` is True if the answer sets one.
    """

    name: str
    method: str
    path: str
    query: str
    body: str
    status: int
    expected: Callable[[int], Any]
    cookie: bool

    def headers(self) -> list[tuple[str, str]]:
        """Return the header fields, with `@` for the number."""
        if not self.body:
            return list(HEADERS)
        length = len(self.body.replace("@", "10000000"))
        return [*HEADERS, ("content-type", "application/json"), ("content-length", str(length))]

    @property
    def target(self) -> str:
        """The target of the request line, with `@` for the number."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def prepare(self, count: int) -> list[Prepared]:
        """Return `count` new requests, with the scopes that uvicorn makes."""
        return [self._prepare_one(next(_numbers)) for _ in range(count)]

    def _prepare_one(self, number: int) -> Prepared:
        digits = str(number)
        path = self.path.replace("@", digits)
        # A server reads the names from the socket too: they are new objects as well.
        headers = [(name.encode(), value.replace("@", digits).encode()) for name, value in self.headers()]
        scope = http_scope(self.method, path, self.query.replace("@", digits), headers)
        return Prepared(number, scope, self.body.replace("@", digits).encode())

    def fault(self, number: int, status: int, headers: Headers, body: bytes) -> str | None:
        """Return the fault of an answer to the request with that number, or None."""
        fields: dict[str, list[str]] = {}
        for name, value in headers:
            fields.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if status != self.status:
            return f"status {status}: {body[:200]!r}"
        if (answer := json.loads(body)) != self.expected(number):
            return f"body {answer!r}"
        wanted = {
            "x-request-id": f"request-{number}",
            "cache-control": "private, max-age=0",
            "x-content-type-options": "nosniff",
        }
        for name, value in wanted.items():
            if fields.get(name) != [value]:
                return f"{name} {fields.get(name)!r}"
        if fields.get("content-length", [str(len(body))]) != [str(len(body))]:  # Sanic leaves it to the server
            return f"content-length {fields['content-length']!r}"
        if fields.get("content-type", [""])[0].partition(";")[0] != "application/json":
            return f"content-type {fields.get('content-type')!r}"
        return _cookie_fault(fields.get("set-cookie", []), number) if self.cookie else None


def _cookie_fault(fields: list[str], number: int) -> str | None:
    """Return the fault of the cookie that the answer sets, or None."""
    cookies = SimpleCookie(fields[0]) if len(fields) == 1 else SimpleCookie()
    if not (cookie := cookies.get("last_order")):
        return f"set-cookie {fields!r}"
    attributes = (cookie.value, cookie["max-age"], cookie["path"], bool(cookie["httponly"]), bool(cookie["secure"]))
    if attributes != (str(number), "3600", "/", True, True) or str(cookie["samesite"]).lower() != "lax":
        return f"set-cookie {fields[0]!r}"
    return None


def _order(number: int) -> Any:
    return {
        "customer": f"c{number}",
        "order": number,
        "user": f"token-{number}",
        "session": f"session-{number}",
        "theme": "dark",
        "address": "127.0.0.1",
        "page": 3,
        "search": f"red shoes {number}",
        "sort": "-price",
        "rows": ROWS,
    }


def _item(number: int) -> Any:
    return {
        "customer": f"c{number}",
        "user": f"token-{number}",
        "basket": f"basket-{number}",
        "sku": f"A-{number}",
        "quantity": 2,
    }


REAL_CASES = {
    case.name: case
    for case in (
        RealCase(
            name="real_get",
            method="GET",
            path="/shop/customers/c@/orders/@",
            query="page=3&size=20&search=red%20shoes+@&sort=-price",
            body="",
            status=200,
            expected=_order,
            cookie=True,
        ),
        RealCase(
            name="real_post",
            method="POST",
            path="/shop/customers/c@/orders",
            query="",
            body='{"sku":"A-@","quantity":2,"gift":false,"note":"ring twice"}',
            status=201,
            expected=_item,
            cookie=False,
        ),
    )
}
