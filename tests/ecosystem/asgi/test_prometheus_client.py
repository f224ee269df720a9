"""prometheus_client: `make_asgi_app`, mounted."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, make_asgi_app

from tests.ecosystem.asgi.sites import client, site


async def test_mounted(how: str) -> None:
    """Mounted at `/metrics`, it answers with and without the slash, and shows a handler's counter in each format."""
    registry = CollectorRegistry()
    calls = Counter("calls", "calls of a handler", ["path"], registry=registry)
    app = site(how, mounts=False)
    app.state.probe = lambda request: calls.labels(request.scope["path"]).inc()
    app.mount("/metrics", make_asgi_app(registry=registry))
    async with client(app) as asking:
        await asking.get("/probe")
        for path in ("/metrics/", "/metrics"):
            page = await asking.get(path, follow_redirects=True)
            assert (page.status_code, 'calls_total{path="/probe"} 1.0' in page.text) == (200, True)
        only = await asking.get("/metrics/", params={"name[]": "calls_total"}, headers={"Accept-Encoding": "gzip"})
        assert (only.headers["content-encoding"], "calls_created" in only.text) == ("gzip", False)
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        assert "openmetrics" in (await asking.get("/metrics/", headers=accept)).headers["content-type"]
