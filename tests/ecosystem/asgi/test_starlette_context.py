"""starlette-context: the middleware of either kind, and its plugins."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette_context import context, plugins
from starlette_context.middleware import ContextMiddleware, RawContextMiddleware

from tests.ecosystem.asgi.sites import client, site

GIVEN = str(uuid.UUID(int=5, version=4))


def probe(request: Any) -> Any:
    """Use the context as the package's documentation does."""
    context["custom"] = request.query_params.get("custom", "none")
    return context.data


@pytest.mark.parametrize("kind", [ContextMiddleware, RawContextMiddleware])
async def test_context(how: str, by: str, kind: Any) -> None:
    """Handlers share the context of their request with plugins; a header that is not a UUID gets 400."""
    names = plugins.RequestIdPlugin(), plugins.CorrelationIdPlugin(), plugins.UserAgentPlugin()
    app = site(how, [Middleware(kind, plugins=names)], by=by)
    app.state.probe = probe
    async with client(app) as asking:
        headers = {"X-Request-ID": GIVEN, "User-Agent": "test"}
        response = await asking.get("/probe", params={"custom": "ü"}, headers=headers)
        data = response.json()
        assert (data["custom"], data["X-Request-ID"], data["User-Agent"]) == ("ü", GIVEN, "test")
        assert response.headers["x-request-id"] == data["X-Request-ID"]
        assert response.headers["x-correlation-id"] == data["X-Correlation-ID"]
        other = (await asking.get("/probe")).json()
        assert other["custom"] == "none"
        assert other["X-Request-ID"] != data["X-Request-ID"]
        assert (await asking.get("/probe", headers={"X-Request-ID": "no uuid"})).status_code == 400
        assert (await asking.get("/ours/items/1")).headers["x-request-id"]
    assert not context.exists()
