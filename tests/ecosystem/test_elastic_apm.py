"""elastic-apm: middleware around each request, and an error handler of its own."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import PATIENCE, Process

APP = """
    import json
    from elasticapm import Client
    from elasticapm.contrib.sanic import ElasticAPM
    from sanic import Blueprint, Sanic, text

    class Showing(Client):
        def queue(self, event_type, data, flush=False):
            print("ELASTIC", event_type, json.dumps(data, default=str), flush=True)

    app = Sanic("Watched")
    client = Showing(service_name="watched", central_config=False, cloud_provider=False, server_url="http://127.0.0.1:9",
                     metrics_interval="0ms", capture_body="all")
    ElasticAPM(app=app, client=client)
    api = Blueprint("api", url_prefix="/api")

    @api.get("/items/<n:int>")
    async def item(request, n):
        return text(str(n))

    @api.post("/fails")
    async def fails(request):
        raise ValueError("fails")

    app.blueprint(api)
"""


def reports(process: Process, kind: str) -> list[dict[str, Any]]:
    prefix = f"ELASTIC {kind} "
    return [json.loads(line.removeprefix(prefix)) for line in process.lines if line.startswith(prefix)]


def test_transactions(serve: Serve, how: str) -> None:
    """Each request is one transaction, named by method and route (here in Starlette's spelling, `{n:int}`)."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    for path, status in (("/api/items/5", 200), ("/api/items/6", 200), ("/none", 404)):
        assert requests.get(base + path, timeout=PATIENCE).status_code == status
    process.until(lambda: len(reports(process, "transaction")) >= 3 or None)
    names = [(report["name"], report["result"]) for report in reports(process, "transaction")]
    route = "GET /api/items/<n:int>" if how == "sanic" else "GET /api/items/{n:int}"
    assert names[:2] == [(route, "HTTP 2xx")] * 2
    assert [name for name, _ in names[2:]] == ["GET /none"]


def test_errors(serve: Serve) -> None:
    """An exception that nobody handles is one error, and its request one transaction."""
    process = serve(APP)
    response = requests.post(f"http://127.0.0.1:{process.port}/api/fails", json={"a": 1}, timeout=PATIENCE)
    assert response.status_code == 500
    (error,) = process.until(lambda: reports(process, "error"))
    assert (error["exception"]["type"], error["context"]["request"]["method"]) == ("ValueError", "POST")
    (transaction,) = process.until(lambda: reports(process, "transaction"))
    assert transaction["result"] == "HTTP 5xx"
