"""The requests to the applications in `apps`, each written in the idiom of one release, and the recorded answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.old.idioms import get, post
from tests.old.observed import run

APPS = Path(__file__).parent / "apps"
FILE = APPS / "observed.json"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=limit"}
PART = '--limit\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n'
PART += "\r\n{}\r\n"
FIELD = '--limit\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


def head(path: str, **headers: str) -> dict[str, Any]:
    """Return a GET request with headers."""
    return get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def send(method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """Return a request of any method."""
    return {**head(path, **headers), "method": method, "body": body}


STEPS: dict[str, list[dict[str, Any]]] = {
    "0.8": [
        get("/"),
        head("/hello", X_Visitor="ada"),
        get("/hello?banned=1"),
        get("/shelf/1"),
        get("/shelf/9", keep_body=True),
        send("POST", "/shelf/1/lend", "by=ada", **FORM),
        send("POST", "/shelf/1/lend", "", **FORM),
        get("/shelf/search/m/1"),
        get("/shelf/search/m/one"),
        get("/shelves"),
        send("PUT", "/shelves", '{"title": "Dune"}'),
        send("PUT", "/shelves", "{"),
        get("/rules"),
        send("PUT", "/rules", "shout", keep_body="yes"),
        send("DELETE", "/rules"),
        get("/catalogue"),
        get("/old"),
        get("/tmp", keep_body=True),
        get("/rules.txt"),
    ],
    "18.12": [
        get("/v1/api/readings/a"),
        send("POST", "/v1/api/readings/a/2.5"),
        send("POST", "/v1/api/readings/a/3"),
        send("POST", "/v1/api/readings/a/much"),
        get("/v1/api/readings/a"),
        get("/api/admin/role"),
        head("/api/admin/role", Authorization="Bearer ada"),
        head("/api/admin/session", Authorization="Bearer ada"),
        post("/upload", "a\nb\n" * 1000),
        post("/upload", ""),
        get("/export"),
        get("/pixel"),
        get("/args?a=1&a=2&b=3"),
        get("/args"),
        send("DELETE", "/empty"),
    ],
    "19.12": [
        get("/price/tea"),
        get("/price/gold"),
        get("/discount/tea/0.5"),
        get("/discount/tea/2"),
        get("/discount/tea/half"),
        get("/login/ada"),
        head("/basket/secret", Cookie="user=ada"),
        get("/basket/secret"),
        get("/logout"),
        get("/prices?chunked=1"),
        get("/prices"),
        get("/basket"),
        send("PUT", "/basket", '{"items": ["tea", "coffee"]}'),
        send("PUT", "/basket", '{"items": 1}'),
        send("POST", "/basket", "x"),
        post("/basket/pay", "9" * 5000),
        get("/closed"),
        get("/temporary"),
    ],
    "20.12": [
        send("POST", "/box/", PART.format("a file") + "--limit--\r\n", **MULTIPART),
        send("POST", "/box/", FIELD + "--limit--\r\n", **MULTIPART),
        send("POST", "/box/", PART.format("x" * 2000) + "--limit--\r\n", **MULTIPART),
        get("/box/nothing"),
        get("/box/7365d029/part/0.5"),
        send("POST", "/archive/raw", FIELD + PART.format("b") + "--limit--\r\n", **MULTIPART),
        post("/archive/stream", "y" * 9000),
        get("/stream"),
        get("/terms"),
        send("DELETE", "/terms"),
        send("PUT", "/terms", "x", keep_body="yes"),
        post("/sum", "[1, 2, 3]"),
        post("/sum", "{"),
        get("/methods"),
        get("/terms.txt"),
    ],
    "21.12": [
        post("/v1/api/orders", '{"item": "tea"}', X_User="ada"),
        post("/v1/api/orders", "[]"),
        post("/v1/api/orders", '{"item": "moon"}'),
        get("/v1/api/orders/1"),
        get("/v1/api/orders/7"),
        get("/v1/api/orders/x"),
        get("/v1/api/reports/log"),
        get("/v1/api/reports/csv"),
        get("/v1/api/reports/lines"),
        get("/state"),
        get("/fail"),
        get("/names"),
    ],
    "22.12": [
        get("/v2/notes/1"),
        get("/v2/notes/5"),
        send("PUT", "/v2/notes/2", '{"text": "second"}'),
        send("PUT", "/v2/notes/2", '{"words": 1}'),
        send("DELETE", "/v2/notes/2"),
        get("/v2/notes"),
        get("/remember/ada-l"),
        get("/remember/Ada%20L"),
        get("/forget"),
        get("/divide", keep_body=True),
        get("/pages"),
        post("/echo?a=1", '{"b": 2}', Content_Type="application/json"),
        post("/echo", "{", Content_Type="application/json"),
    ],
    "23.12": [
        get("/"),
        get("/accounts/ada"),
        get("/accounts/bob", keep_body=True),
        post("/accounts/login", '{"name": "ada"}'),
        post("/accounts/login", "[]"),
        get("/accounts/logout"),
        head("/accounts/secret", Cookie="name=ada"),
        post("/upload", "z" * 7000),
        get("/upload"),
        get("/count/4"),
        get("/count/x"),
        get("/welcome"),
    ],
    "24.12": [
        post("/api/v1/series/a", '{"value": 1.5}'),
        post("/api/v1/series/a", '{"value": "2"}'),
        post("/api/v1/series/a", '{"value": null}'),
        get("/api/v1/series/a"),
        get("/api/v1/series/b"),
        head("/api/v1/series/a", X_Limit="reached"),
        get("/values/last/a"),
        get("/values/seen"),
        get("/task"),
        get("/cookie"),
    ],
}


def job_of(release: str) -> dict[str, Any]:
    """Return the recorder's job for an application."""
    source = (APPS / f"v{release.replace('.', '_')}.py").read_text()
    return {"source": source, "requests": [_move_keep_body(step) for step in STEPS[release]]}


def _move_keep_body(step: dict[str, Any]) -> dict[str, Any]:
    # Helpers that take headers as keywords turn `keep_body` into a header, too.
    headers = dict(step.get("headers", {}))
    if headers.pop("keep-body", None):
        step = {**step, "headers": headers, "keep_body": True}
    return step


def comparable_parts(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts of answers that must not change; the others are different in 25.12.

    Left out are the escape of a slash in JSON, the charset of a content type, a file's header fields, and all headers
    of errors: middleware now sets some on errors, too, and the class of the response may be another one.
    """
    parts = []
    for answer in answers:
        headers = [
            [name, value.partition(";")[0] if name == "content-type" else value]
            for name, value in answer.get("headers", [])
            if name not in ("cache-control", "last-modified") and answer["status"] not in (204, *range(400, 600))
        ]
        parts.append({**answer, "headers": headers, "body": answer["body"].replace("\\/", "/")})
    return parts


def record(pythons: dict[str, str]) -> None:
    """Record the answers of the releases to their applications again.

    Args:
        pythons: by release, an interpreter with that release installed.
    """
    observed = {release: run([job_of(release)], pythons[release])[0] for release in STEPS}
    for result in observed.values():
        result.pop("warnings", None)
    FILE.write_text(json.dumps(observed, indent=1) + "\n")


@cache
def load() -> dict[str, dict[str, Any]]:
    """Read the answers."""
    observed: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return observed
