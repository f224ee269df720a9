"""prometheus-sanic: middleware that counts requests, and a route with the metrics."""

from __future__ import annotations

import re

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from prometheus_sanic import monitor
    from sanic import Sanic, text

    app = Sanic("Counted")

    @app.get("/items/<n:int>")
    async def item(request, n):
        return text(str(n))

    monitor(app, metrics_path="/metrics").expose_endpoint()
"""


def test_metrics(serve: Serve) -> None:
    """Requests are counted by method, endpoint and status."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    for path, status in (("/items/5", 200), ("/items/6", 200), ("/none", 404)):
        assert requests.get(base + path, timeout=TIMEOUT_S).status_code == status
    metrics = requests.get(base + "/metrics", timeout=TIMEOUT_S)
    assert metrics.status_code == 200
    counts = re.findall(r"request_count(?:_total)?\{(.*?)\} ([\d.]+)", metrics.text)
    assert sum(float(count) for labels, count in counts if "items" in labels and "200" in labels) == 2, metrics.text
    assert "request_latency_sec" in metrics.text
