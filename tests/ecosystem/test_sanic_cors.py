"""Sanic-Cors: it puts middleware before an application's or a blueprint's, and replaces the error handler."""

from __future__ import annotations

import pytest
import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from sanic import Blueprint, Sanic, text
    from sanic.exceptions import NotFound
    from sanic_cors import CORS, cross_origin

    app = Sanic("Cors")
    CORS(app, resources={r"/api/*": {"origins": ["https://a.test", r"https://.*[.]b[.]test"], "max_age": 60}},
         supports_credentials=True, expose_headers=["x-total"])

    @app.get("/api/items")
    async def items(request):
        return text("items")

    @app.post("/api/items")
    async def add(request):
        return text(request.json["name"], 201)

    @app.get("/api/missing")
    async def missing(request):
        raise NotFound("no such item")

    @app.get("/api/fails")
    async def fails(request):
        raise ValueError("fails")

    @app.get("/private")
    async def private(request):
        return text("private")

    @app.get("/decorated")
    @cross_origin(app, origins="https://c.test", automatic_options=True)
    async def decorated(request):
        return text("decorated")
"""
ON_A_BLUEPRINT = """
    from sanic import Blueprint, Sanic, text
    from sanic_cors import CORS

    app = Sanic("CorsBlueprint")
    api = Blueprint("api", url_prefix="/api")
    CORS(api, origins="https://a.test")

    @api.get("/items")
    async def items(request):
        return text("items")

    @api.options("/items")
    async def preflight(request):
        return text("not reached: the middleware answers")

    app.blueprint(api)

    @app.get("/private")
    async def private(request):
        return text("private")
"""


def ask(url: str, origin: str, method: str = "GET", **headers: str) -> requests.Response:
    return requests.request(method, url, headers={"origin": origin, **headers}, timeout=TIMEOUT_S)


@pytest.mark.parametrize("origin", ["https://a.test", "https://x.b.test", "https://evil.test"])
def test_origins(serve: Serve, origin: str) -> None:
    """Allowed origins, by name and by pattern, get the headers on success, on 404 and on 500; others do not."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    allowed = origin if "evil" not in origin else None
    for path, status in (("/api/items", 200), ("/api/missing", 404), ("/api/fails", 500)):
        response = ask(base + path, origin)
        assert (response.status_code, response.headers.get("access-control-allow-origin")) == (status, allowed), path
    response = ask(base + "/api/items", origin)
    assert response.headers.get("access-control-expose-headers") == ("x-total" if allowed else None)
    assert response.headers.get("access-control-allow-credentials") == ("true" if allowed else None)
    assert "access-control-allow-origin" not in ask(base + "/private", origin).headers


def test_decorator(serve: Serve) -> None:
    """The decorator allows its own origins on one route."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    assert ask(base + "/decorated", "https://c.test").headers["access-control-allow-origin"] == "https://c.test"
    assert "access-control-allow-origin" not in ask(base + "/decorated", "https://a.test").headers


def test_blueprint(serve: Serve) -> None:
    """The routes of a blueprint get the headers and answer preflight requests; other routes do not."""
    base = f"http://127.0.0.1:{serve(ON_A_BLUEPRINT).port}"
    assert ask(base + "/api/items", "https://a.test").headers["access-control-allow-origin"] == "https://a.test"
    assert "access-control-allow-origin" not in ask(base + "/api/items", "https://b.test").headers
    assert "access-control-allow-origin" not in ask(base + "/private", "https://a.test").headers
    preflight = ask(base + "/api/items", "https://a.test", "OPTIONS", **{"access-control-request-method": "GET"})
    assert (preflight.status_code, preflight.text) == (200, "")
    assert "GET" in preflight.headers["access-control-allow-methods"]


def test_preflight(serve: Serve) -> None:
    """A preflight request of an allowed origin is answered, also if the path has no OPTIONS route."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    wanted = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = ask(base + "/api/items", "https://a.test", "OPTIONS", **wanted)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "https://a.test")
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-max-age"] == "60"
    refused = ask(base + "/api/items", "https://evil.test", "OPTIONS", **wanted)
    assert "access-control-allow-origin" not in refused.headers
