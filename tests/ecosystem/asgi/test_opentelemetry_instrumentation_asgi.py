"""opentelemetry-instrumentation-asgi: its middleware, inside the application and around it."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.middleware import Middleware

from tests.ecosystem.asgi.sites import client, site
from tests.ecosystem.asgi.test_opentelemetry_instrumentation_starlette import Spans, attribute

TARGETS = {
    "/items/5": ("/items/{n}", 200),
    "/names/first": ("/names/first", 200),
    "/api/items/5": ("/api/items/{n}", 200),
    "/fails": ("/fails", 500),
}


def targets(reader: InMemoryMetricReader) -> set[Any]:
    """Return the targets that the histogram of durations has."""
    data = reader.get_metrics_data()
    assert data is not None
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    (durations,) = (metric for scope in scopes for metric in scope.metrics if metric.name == "http.server.duration")
    return {point.attributes.get("http.target") for point in durations.data.data_points}


@pytest.mark.parametrize("place", ["inside", "around"])
async def test_spans_and_metrics(how: str, by: str, place: str) -> None:
    """Each request is one span; its duration is recorded under its route's template; a 500 has its exception."""
    spans, reader = Spans(), InMemoryMetricReader()
    options = {"tracer_provider": spans.provider, "meter_provider": MeterProvider([reader])}
    app = site(how, [Middleware(OpenTelemetryMiddleware, **options)] if place == "inside" else [], by=by)
    served = app if place == "inside" else OpenTelemetryMiddleware(app, **options)
    async with client(served) as asking:
        for path, (_, status) in TARGETS.items():
            assert (await asking.get(path)).status_code == status
            (span,) = spans.take()
            assert span.name == f"GET {path}"
            if path == "/fails" and place == "inside":
                assert [event.name for event in span.events] == ["exception"]
            elif path != "/fails":
                assert attribute(span, "http.status_code", "http.response.status_code") == status
    assert targets(reader) == {target for target, _ in TARGETS.values()}
