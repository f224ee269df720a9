"""sentry-sdk: it replaces `Sanic._startup`, listens to signals, and knows Starlette as well."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import PATIENCE, Process

APP = """
    import json
    import sentry_sdk
    from sanic import Blueprint, Sanic, text
    from sanic.exceptions import NotFound

    def report(kind):
        def show(event, hint):
            chosen = {key: event.get(key) for key in ("transaction", "request", "exception", "tags")}
            print("SENTRY", kind, json.dumps(chosen, default=str), flush=True)
        return show

    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, send_default_pii=True,
                    before_send=report("event"), before_send_transaction=report("transaction"))
    app = Sanic("Watched")
    api = Blueprint("api", url_prefix="/api")

    @api.get("/items/<n:int>")
    async def item(request, n):
        sentry_sdk.set_tag("n", n)
        return text(str(n))

    @api.post("/fails")
    async def fails(request):
        raise ValueError("fails")

    @app.get("/plain")
    def plain(request):
        return text("plain")

    @app.get("/gone")
    async def gone(request):
        raise NotFound("gone")

    app.blueprint(api)
"""


def reports(process: Process, kind: str) -> list[dict[str, Any]]:
    prefix = f"SENTRY {kind} "
    return [json.loads(line.removeprefix(prefix)) for line in process.lines if line.startswith(prefix)]


def test_transactions(serve: Serve) -> None:
    """Each request is one transaction, named by its handler."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    for path in ("/api/items/5", "/plain", "/api/items/6"):
        assert requests.get(base + path, timeout=PATIENCE).status_code == 200
    process.until(lambda: len(reports(process, "transaction")) >= 3 or None)
    # As a request that comes after them shows, there are no more.
    assert requests.get(base + "/plain", timeout=PATIENCE).status_code == 200
    process.until(lambda: len(reports(process, "transaction")) >= 4 or None)
    names = [report["transaction"] for report in reports(process, "transaction")]
    assert names == ["api.item", "plain", "api.item", "plain"]
    assert [(report["tags"] or {}).get("n") for report in reports(process, "transaction")] == [5, None, 6, None]


def test_errors(serve: Serve) -> None:
    """An exception is reported with method, URL, cookies and body of its request; a 404 is not."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    assert requests.get(base + "/gone", timeout=PATIENCE).status_code == 404
    response = requests.post(base + "/api/fails", json={"a": 1}, cookies={"c": "d"}, timeout=PATIENCE)
    assert response.status_code == 500
    # When the error handler is looked up, and from the log.
    events = process.until(lambda: found if len(found := reports(process, "event")) >= 2 else None)
    for event in events:
        exception = event["exception"]["values"][-1]
        assert (exception["type"], exception["value"], event["transaction"]) == ("ValueError", "fails", "api.fails")
        request = event["request"]
        assert (request["method"], request["url"], request["data"]) == ("POST", f"{base}/api/fails", {"a": 1})
        assert request["cookies"] == {"c": ["d"]}
    assert len(process.until(lambda: reports(process, "transaction"))) == 1
