"""opentelemetry-instrumentation-sanic: it wraps `Sanic.__init__`, and adds middleware to each application."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S, Process

APP = """
    import json
    from opentelemetry.instrumentation.sanic import SanicInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

    class Showing(SpanExporter):
        def export(self, spans):
            for span in spans:
                shown = {"name": span.name, "kind": span.kind.name, "status": span.status.status_code.name,
                         "parent": f"{span.parent.span_id:016x}" if span.parent else None, **span.attributes}
                print("SPAN", json.dumps(shown, default=str), flush=True)
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Showing()))
    SanicInstrumentor().instrument(tracer_provider=provider, excluded_urls="/health")

    from sanic import Sanic, text
    app = Sanic("Traced")

    @app.get("/items/<n:int>")
    async def item(request, n):
        return text(str(n))

    @app.get("/fails")
    async def fails(request):
        raise ValueError("fails")

    @app.get("/health")
    async def health(request):
        return text("well")
"""


def spans(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("SPAN ")) for line in process.lines if line.startswith("SPAN ")]


def test_spans(serve: Serve) -> None:
    """Each request is one server span with route and status, a child of the client's span; excluded paths have none."""
    process = serve(APP)
    base = f"http://127.0.0.1:{process.port}"
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    for path, status in (("/health", 200), ("/items/5", 200), ("/none", 404), ("/fails", 500)):
        assert requests.get(base + path, headers=trace, timeout=TIMEOUT_S).status_code == status
    process.until(lambda: len(spans(process)) >= 3 or None)
    item, none, fails = spans(process)
    assert (item["kind"], item["parent"], item["http.response.status_code"]) == ("SERVER", "b7ad6b7169203331", 200)
    assert item["name"].startswith("GET /items/")
    assert item["url.path"] == "/items/5"
    assert none["http.response.status_code"] == 404
    assert (fails["http.response.status_code"], fails["status"]) == (500, "ERROR")
