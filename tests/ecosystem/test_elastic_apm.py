"""elastic-apm: middleware around each request, and an error handler of its own."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S, Process

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
        assert requests.get(base + path, timeout=TIMEOUT_S).status_code == status
    process.until(lambda: len(reports(process, "transaction")) >= 3 or None)
    names = [(report["name"], report["result"]) for report in reports(process, "transaction")]
    route = "GET /api/items/<n:int>" if how == "sanic" else "GET /api/items/{n:int}"
    assert names[:2] == [(route, "HTTP 2xx")] * 2
    assert [name for name, _ in names[2:]] == ["GET /none"]


NAMES = """
    from elasticapm.contrib.sanic import ElasticAPM
    from elasticapm import Client
    from sanic import Blueprint, Sanic, text
    from sanic.exceptions import NotFound
    from sanic.views import HTTPMethodView

    class Showing(Client):
        def queue(self, event_type, data, flush=False):
            exception = (data.get("exception") or {}).get("type")
            print("NAMED", event_type, data.get("name") or exception, data.get("result"), flush=True)

    app = Sanic("Named")
    client = Showing(service_name="named", central_config=False, cloud_provider=False,
                     server_url="http://127.0.0.1:9", metrics_interval="0ms")
    ElasticAPM(app=app, client=client)
    api = Blueprint("api", url_prefix="/api", version=1)

    @api.get("/items/<n:int>")
    async def item(request, n):
        return text(str(n))

    @api.get("/gone")
    async def gone(request):
        raise NotFound("gone")

    class View(HTTPMethodView):
        async def get(self, request, name):
            return text(name)

        async def post(self, request, name):
            raise KeyError(name)

    api.add_route(View.as_view(), "/views/<name>")
    app.blueprint(api)

    @app.get("/word/<a:[a-z]{2}>/<rest:path>")
    async def word(request, a, rest):
        return text(a)

    @app.exception(KeyError)
    async def missing_key(request, error):
        return text("key", 418)

    @app.get("/")
    async def root(request):
        return text("root")
"""
NAMED = [
    ("GET", "/", 200, ["transaction GET / HTTP 2xx"]),
    ("GET", "/v1/api/items/5", 200, ["transaction GET /v1/api/items/<n:int> HTTP 2xx"]),
    ("GET", "/v1/api/views/a", 200, ["transaction GET /v1/api/views/<name:str> HTTP 2xx"]),
    ("POST", "/v1/api/views/a", 418, ["error KeyError None", "transaction POST /v1/api/views/<name:str> HTTP 5xx"]),
    ("PUT", "/v1/api/views/a", 405, ["error MethodNotAllowed None", "transaction PUT /v1/api/views/a HTTP 5xx"]),
    ("GET", "/word/ab/c/d", 200, ["transaction GET /word/<a:[a-z]{2}>/<rest:path> HTTP 2xx"]),
    ("GET", "/v1/api/gone", 404, ["error NotFound None", "transaction GET /v1/api/gone HTTP 5xx"]),
    ("GET", "/v1/api/items/x", 404, ["error NotFound None", "transaction GET /v1/api/items/x HTTP 5xx"]),
]


def test_names(serve: Serve, how: str) -> None:
    """Blueprints, class views, 404, 405 and errors have Sanic's names, with `{n:int}` instead of `<n:int>`."""
    process = serve(NAMES)
    expected: list[str] = []
    for method, path, status, lines in NAMED:
        response = requests.request(method, f"http://127.0.0.1:{process.port}{path}", timeout=TIMEOUT_S)
        assert response.status_code == status
        expected += lines if how == "sanic" else [line.replace("<", "{").replace(">", "}") for line in lines]
    named = process.until(lambda: lines if len(lines := _named(process)) >= len(expected) else None)
    assert named == expected


def _named(process: Process) -> list[str]:
    return [line.removeprefix("NAMED ").strip() for line in process.lines if line.startswith("NAMED ")]


def test_errors(serve: Serve) -> None:
    """An unhandled exception is one error, and its request is one transaction."""
    process = serve(APP)
    response = requests.post(f"http://127.0.0.1:{process.port}/api/fails", json={"a": 1}, timeout=TIMEOUT_S)
    assert response.status_code == 500
    (error,) = process.until(lambda: reports(process, "error"))
    assert (error["exception"]["type"], error["context"]["request"]["method"]) == ("ValueError", "POST")
    (transaction,) = process.until(lambda: reports(process, "transaction"))
    assert transaction["result"] == "HTTP 5xx"
