"""The requests to the shop, and the compared parts of its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, TypeAlias

import requests

# The server's own, or those of a file.
UNCOMPARED = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"} | {
    "etag",
    "last-modified",
}
# From 25.12 on, Structs are made of the texts of forms and queries.
FROM_TEXT = tuple(map(int, version("sanic-ext").split(".")[:2])) >= (25, 12)
# Lists of names in an order that means nothing, and that Sanic takes from a set.
SETS = {"allow", "access-control-allow-methods", "access-control-allow-headers", "access-control-expose-headers"}
ORIGIN = {"origin": "https://shop.example"}
# Sanic serves a websocket by a `partial`, which the document describes; here it describes the handler.
LIVE = "/live"
KINDS = ("pydantic", "msgspec", "attrs", "dataclass")


Answer: TypeAlias = tuple[int, dict[str, Any], Any]


@dataclass(frozen=True)
class Exchange:
    """One request; `status` is what its answer has to have, so that it cannot fail on both in the same way."""

    method: str
    path: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | dict[str, Any] | None = None

    def send(self, base: str) -> Answer:
        """Send the request, and return of its answer what is compared."""
        answer = requests.request(
            self.method, base + self.path, headers=self.headers, data=self.body, allow_redirects=False, timeout=60
        )
        headers: dict[str, Any] = {}
        for name, value in answer.headers.items():
            if name.lower() not in UNCOMPARED:
                in_any_order = name.lower() in SETS
                headers[name.lower()] = sorted(value.lower().replace(" ", "").split(",")) if in_any_order else value
        body: Any = answer.text
        if answer.headers.get("content-type") == "application/json":
            body = _ordered(json.loads(body)) if body else ""
        return answer.status_code, headers, body


def _ordered(value: Any) -> Any:
    """Return JSON without the orders that Sanic Extensions take from sets."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _validation(kind: str) -> list[Exchange]:
    typed = {"content-type": "application/json"}
    as_text = 400 if kind == "msgspec" and not FROM_TEXT else 200
    good = [
        Exchange("POST", f"/{kind}/json", headers=typed, body=_as_json({"name": "a", "count": 3, "note": "n"})),
        Exchange("POST", f"/{kind}/json", headers=typed, body=_as_json({"name": "ü"})),
        Exchange("POST", f"/{kind}/form", as_text, body={"name": "a", "count": "3"}),
        Exchange("GET", f"/{kind}/query?name=a&count=3", as_text),
        Exchange("GET", f"/{kind}/query?name=a"),
    ]
    bad = [
        *(
            Exchange("POST", f"/{kind}/json", 400, typed, body)
            for body in (
                _as_json({"count": 3}),
                _as_json({"name": "a", "count": "many"}),
                _as_json({"name": None}),
                b"{",
            )
        ),
        Exchange("POST", f"/{kind}/form", 400, body={"count": "3"}),
        Exchange("GET", f"/{kind}/query?count=3", 400),
        Exchange("GET", f"/{kind}/query?name=a&count=many", 400),
    ]
    return good + bad


def _preflight(path: str, method: str = "GET", status: int = 204, origin: str = "", headers: str = "") -> Exchange:
    sent = ORIGIN | {"access-control-request-method": method}
    if origin:
        sent["origin"] = origin
    if headers:
        sent["access-control-request-headers"] = headers
    return Exchange("OPTIONS", path, status, sent)


GROUPS: dict[str, list[Exchange]] = {
    **{f"validation with {kind}": _validation(kind) for kind in KINDS},
    "validation of two at once": [
        Exchange("POST", "/both?name=q", body=_as_json({"name": "b"}), headers={"content-type": "application/json"}),
        Exchange("POST", "/both", 400, body=_as_json({"name": "b"}), headers={"content-type": "application/json"}),
        Exchange("POST", "/both?name=q", 400, body=b"[]", headers={"content-type": "application/json"}),
    ],
    "injection": [
        Exchange("GET", "/price/3"),
        Exchange("GET", "/price/three", 404),
        Exchange("GET", "/visitor", headers={"x-visitor": "ann"}),
        Exchange("GET", "/visitor"),
        Exchange("GET", "/carts"),
        Exchange("POST", "/carts"),
        Exchange("PUT", "/carts", 405),
        Exchange("GET", "/admin/cart"),
    ],
    "OpenAPI": [
        Exchange("GET", "/docs"),
        Exchange("GET", "/docs/swagger"),
        Exchange("GET", "/docs/redoc"),
        Exchange("GET", "/docs/openapi.json"),
        Exchange("GET", "/docs/swagger-config"),
        Exchange("GET", "/docs/nosuch", 404),
        Exchange("PUT", "/items/123e4567-e89b-12d3-a456-426614174000/2026-01-02/abc/a-b/f.txt"),
        Exchange("GET", "/documented/a/b"),
        Exchange("GET", "/hidden"),
    ],
    "CORS": [
        Exchange("GET", "/greeting", headers=ORIGIN),
        Exchange("GET", "/greeting", headers={"origin": "https://partner.example", "cookie": "a=b"}),
        Exchange("GET", "/greeting", headers={"origin": "https://evil.example"}),
        Exchange("GET", "/greeting", headers={"origin": "https://shop.example.evil.example"}),
        Exchange("GET", "/greeting"),
        Exchange("GET", "/nosuch", 404, ORIGIN),
        Exchange("GET", "/missing", 500, ORIGIN),
        Exchange("GET", "/open", headers={"origin": "https://open.example"}),
        Exchange("GET", "/open", headers=ORIGIN),
        Exchange("POST", "/open", headers={"origin": "https://open.example"}),
        _preflight("/greeting"),
        _preflight("/greeting", "POST"),
        _preflight("/open", "DELETE", origin="https://open.example"),
        _preflight("/price/3", headers="X-Token, x-other"),
        _preflight("/greeting", origin="https://evil.example"),
        _preflight("/nosuch", status=404),
        Exchange("OPTIONS", "/greeting", 204, ORIGIN),
    ],
    "templates": [
        Exchange("GET", "/hello"),
        Exchange("GET", "/hello?name=%3Cb%3E"),
        Exchange("GET", "/rendered", 201),
        Exchange("GET", "/source"),
        Exchange("GET", "/missing", 500),
    ],
    "methods that are added": [
        Exchange("HEAD", "/greeting"),
        Exchange("HEAD", "/price/3"),
        Exchange("HEAD", "/admin/cart"),
        # Sanic Extensions call a view's GET handler with HEAD, which the view refuses.
        Exchange("HEAD", "/carts", 500),
        Exchange("HEAD", "/open"),
        Exchange("HEAD", "/old", 405),
        Exchange("HEAD", "/files/hello.html"),
        Exchange("HEAD", "/nosuch", 404),
        Exchange("OPTIONS", "/old", 204),
        Exchange("OPTIONS", "/open", 204),
        Exchange("OPTIONS", "/files/hello.html", 204),
        Exchange("OPTIONS", "/docs", 204),
        Exchange("TRACE", "/greeting", 405),
    ],
    "extension, serializer, counted requests, files": [
        Exchange("GET", "/greeting"),
        Exchange("GET", "/shout/word", 202),
        Exchange("GET", "/count"),
        Exchange("GET", "/files/hello.html"),
        Exchange("GET", "/files/nosuch.html", 404),
    ],
}


def answers(base: str, group: str) -> list[tuple[Exchange, Answer]]:
    """Send a group of requests and return them with their answers."""
    return [(exchange, exchange.send(base)) for exchange in GROUPS[group]]


def comparable(answer: Answer) -> Answer:
    """Return an answer without what is known to differ."""
    status, headers, body = answer
    if isinstance(body, dict) and "paths" in body:
        paths = {path: operations for path, operations in body["paths"].items() if path.rstrip("/") != LIVE}
        body = body | {"paths": paths}
    return status, headers, body


def _variants() -> list[tuple[str, str, dict[str, str]]]:
    paths = (
        "/number/1", "/number/1/", "/number/x", "/name/bob", "/name/bob/", "/view", "/v1.5/api/both", "/greeting",
        "/v1.5/api/both/", "/v1.5/api/both?stop=1", "/v1.5/api/file/a/b", "/fails", "/files/hello.html", "/nosuch",
        "/docs", "/docs/openapi.json", "/docs/redoc",
    )  # fmt: skip
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-name, x-other"}
    sent: list[tuple[str, str, dict[str, str]]] = []
    for method in ("GET", "HEAD", "POST", "OPTIONS", "TRACE"):
        sent += [(method, path, {}) for path in paths]
    for origin in ("https://w.r.example", "https://r.example.evil", "https://a.example", "https://view.example"):
        # The cookie makes a request one with credentials.
        for headers in ({}, {"cookie": "a=b", "x-secret": "1"}):
            sent += [("GET", path, {"origin": origin, **headers}) for path in paths]
            sent += [("OPTIONS", path, {"origin": origin, **asked, **headers}) for path in paths]
    return [*sent, ("HEAD", "/live", {}), ("TRACE", "/fails", {"x-secret": "1", "x-told": "2"})]


def of_variant(base: str) -> dict[str, Answer]:
    """Send what is sent to each variant of `project/variants.py`, and return the answers by the request.

    Four things are left out because Sanic differs or has no order: the `Allow` header of a 405, which Sanic sends only
    for paths without parameters; the `Upgrade` header of a 426; upper case in the header names of a TRACE; and the
    description of websockets.
    """
    answers = {}
    for method, path, sent in _variants():
        status, headers, body = Exchange(method, path, headers=sent).send(base)
        if status in (405, 426):
            headers = {name: value for name, value in headers.items() if name not in ("allow", "upgrade")}
        if isinstance(body, dict):
            # If a handler has two methods, its operation is named for the one that a set yields first.
            for operation in body.get("paths", {}).get("/v1.5/api/both", {}).values():
                operation["operationId"] = operation["operationId"].partition("~")[2]
        if method == "TRACE" and isinstance(body, str):
            lines = [line for line in body.splitlines() if not line.lower().startswith("host:")]
            body = "\n".join(f"{name.lower()}{colon}{value}" for name, colon, value in map(_split_field, lines))
        answers[f"{method} {path} {sent}"] = comparable((status, headers, body))
    return answers


def _split_field(line: str) -> tuple[str, str, str]:
    return line.partition(":") if ": " in line else (line, "", "")


# The check of each variant: a request, its status, and a header of its answer.
VARIANTS: dict[str, tuple[str, int, str, str | None]] = {
    "origins by pattern": (
        "GET /greeting {'origin': 'https://w.r.example'}",
        200,
        "access-control-allow-credentials",
        "true",
    ),
    "origins in a list": (
        "GET /greeting {'origin': 'https://a.example'}",
        200,
        "access-control-allow-origin",
        "https://a.example",
    ),
    "any origin": ("GET /greeting {'origin': 'https://a.example'}", 200, "access-control-allow-origin", "*"),
    "no CORS": ("OPTIONS /greeting {}", 405, "access-control-allow-origin", None),
    "no automatic OPTIONS": ("OPTIONS /greeting {}", 405, "content-type", "text/plain; charset=utf-8"),
    "TRACE": ("TRACE /fails {'x-secret': '1', 'x-told': '2'}", 200, "content-type", "message/http"),
    "no pages": ("GET /docs {}", 404, "content-type", "text/plain; charset=utf-8"),
    "no documents": ("GET /docs/openapi.json {}", 404, "content-type", "text/plain; charset=utf-8"),
    "Extend(app)": ("HEAD /live {}", 426, "content-type", "text/plain; charset=utf-8"),
    "a label that fails": ("GET /greeting {}", 200, "x-marked", "get"),
    "nothing built in": ("HEAD /greeting {}", 405, "content-type", "text/plain; charset=utf-8"),
    "extended at the start": ("OPTIONS /greeting {}", 204, "allow", None),
}
