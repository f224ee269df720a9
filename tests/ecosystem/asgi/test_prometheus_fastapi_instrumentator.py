"""prometheus-fastapi-instrumentator: `instrument` and `expose`."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator, metrics

from tests.ecosystem.asgi.sites import client, site
from tests.ecosystem.asgi.test_starlette_exporter import REQUESTS, UNKNOWN


def counted(registry: CollectorRegistry, name: str, *labels: str) -> dict[Any, float]:
    """Return the values of a counter by some of its labels."""
    samples = (sample for metric in registry.collect() for sample in metric.samples if sample.name == name)
    return {tuple(sample.labels[label] for label in labels): sample.value for sample in samples}


async def test_expose(how: str) -> None:
    """`instrument` counts requests by the template of their path, in mounted applications too; `expose` shows them."""
    registry = CollectorRegistry()
    app = site(how)
    instrumentator = Instrumentator(registry=registry, should_group_status_codes=False, excluded_handlers=["/metrics"])
    instrumentator.add(metrics.default(registry=registry))
    instrumentator.instrument(app).expose(app, include_in_schema=False)
    async with client(app) as asking:
        for path, (_, status) in REQUESTS.items():
            assert (await asking.get(path)).status_code == status
        for path in UNKNOWN:
            await asking.get(path)
        page = await asking.get("/metrics")
        assert (page.status_code, "http_request_duration_seconds_bucket" in page.text) == (200, True)
        assert (await asking.post("/metrics")).status_code == 405
    expected: dict[tuple[str, str], float] = {}
    for path, status in REQUESTS.values():
        expected[path, str(status)] = expected.get((path, str(status)), 0) + 1
    expected["none", "404"] = len(UNKNOWN)
    assert counted(registry, "http_requests_total", "handler", "status") == expected


async def test_expose_compressed_elsewhere(how: str) -> None:
    """The endpoint may have another path, and is compressed if the client accepts gzip."""
    app = site(how, mounts=False)
    registry = CollectorRegistry()
    Instrumentator(registry=registry).instrument(app).expose(app, endpoint="/internal/metrics", should_gzip=True)
    async with client(app) as asking:
        await asking.get("/")
        page = await asking.get("/internal/metrics", headers={"Accept-Encoding": "gzip"})
    assert (page.headers["content-encoding"], 'handler="/"' in page.text) == ("gzip", True)
