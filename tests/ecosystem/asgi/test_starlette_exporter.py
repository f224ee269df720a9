"""starlette-exporter: its middleware, and its handler for the metrics."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.middleware import Middleware
from starlette_exporter import PrometheusMiddleware, handle_metrics, handle_openmetrics

from tests.ecosystem.asgi.sites import client, site

# Its metrics are kept on the class and in one registry: each test has a prefix of its own.
PREFIXES = map("test{}".format, count())
REQUESTS = {
    "/": ("/", 200),
    "/items/5": ("/items/{n:int}", 200),
    "/items/6": ("/items/{n:int}", 200),
    "/names/first": ("/names/first", 200),
    "/fails": ("/fails", 500),
    "/gone": ("/gone", 404),
    "/api/items/5": ("/api/items/{n:int}", 200),
    "/api/fails": ("/api/fails", 500),
    "/ours/items/5": ("/ours/items/{n:int}", 200),
    "/ours/api/items/5": ("/ours/api/items/{n:int}", 200),
    "/ours/names/first": ("/ours/names/first", 200),
    "/ours/fails": ("/ours/fails", 500),
    "/theirs/items/5": ("/theirs/items/{n:int}", 200),
    "/theirs/fails": ("/theirs/fails", 500),
}
UNKNOWN = ["/none", "/ours/none", "/theirs/none", "/items/no-number"]


def counted(prefix: str) -> dict[tuple[str, int], float]:
    """Return how many requests were counted for each path and status."""
    name = f"{prefix}_requests_total"
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples if sample.name == name)
    return {(sample.labels["path"], int(sample.labels["status_code"])): sample.value for sample in samples}


@pytest.mark.parametrize("options", [{}, {"group_unhandled_paths": True, "filter_unhandled_paths": False}])
async def test_paths(how: str, by: str, options: dict[str, Any]) -> None:
    """Requests are counted by the template of their path, in blueprints and mounted applications, errors included."""
    prefix = next(PREFIXES)
    app = site(how, [Middleware(PrometheusMiddleware, prefix=prefix, **options)], by=by)
    app.add_route("/metrics", handle_metrics)
    app.add_route("/openmetrics", handle_openmetrics)
    async with client(app) as asking:
        for path, (_, status) in REQUESTS.items():
            assert (await asking.get(path)).status_code == status
        for path in UNKNOWN:
            assert (await asking.get(path)).status_code == 404
        page = await asking.get("/metrics")
        assert (page.status_code, f"{prefix}_requests_total" in page.text) == (200, True)
        assert page.headers["content-type"].startswith("text/plain; version=")
        assert "openmetrics" in (await asking.get("/openmetrics")).headers["content-type"]
    figures = counted(prefix)
    for path in ("/metrics", "/openmetrics"):
        figures.pop((path, 200), None)
    expected: dict[tuple[str, int], float] = {}
    for label in REQUESTS.values():
        expected[label] = expected.get(label, 0) + 1
    if options:
        expected["__unknown__", 404] = len(UNKNOWN)
    assert figures == expected


async def test_around_a_mounted_application(how: str) -> None:
    """If a mounted application has the middleware for itself, its paths are named without the mount."""
    prefix = next(PREFIXES)
    app, inner = site(how), site(how, [Middleware(PrometheusMiddleware, prefix=prefix)], mounts=False)
    app.mount("/shop", inner)
    async with client(app) as asking:
        assert (await asking.get("/shop/items/5")).status_code == 200
        assert (await asking.get("/items/5")).status_code == 200
        assert (await asking.get("/shop/none")).status_code == 404
    paths = {path.removeprefix("/shop"): value for (path, _), value in counted(prefix).items()}
    assert paths == {"/items/{n:int}": 1}
