"""sanic-session: a session on `request.ctx`, opened and saved by middleware."""

from __future__ import annotations

import pytest
import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    from sanic import Sanic, json, text
    from sanic_session import InMemorySessionInterface, Session

    app = Sanic("Sessions")
    Session(app, interface=InMemorySessionInterface())

    @app.get("/count")
    async def count(request):
        session = request.ctx.session
        session["count"] = session.get("count", 0) + 1
        return json(session["count"])

    @app.post("/forget")
    async def forget(request):
        request.ctx.session.clear()
        return text("forgotten")
"""


@pytest.mark.fails_on_sanic("The package sets its cookie in a way that Sanic has removed.")
def test_sessions(serve: Serve) -> None:
    """A session lasts across requests, each client has its own, and it can be cleared."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    with requests.Session() as first, requests.Session() as second:
        assert [first.get(base + "/count", timeout=TIMEOUT_S).json() for _ in range(3)] == [1, 2, 3]
        assert second.get(base + "/count", timeout=TIMEOUT_S).json() == 1
        assert first.post(base + "/forget", timeout=TIMEOUT_S).text == "forgotten"
        assert first.get(base + "/count", timeout=TIMEOUT_S).json() == 1
        assert second.get(base + "/count", timeout=TIMEOUT_S).json() == 2
    unknown = requests.get(base + "/count", cookies={"session": "unknown"}, timeout=TIMEOUT_S)
    assert (unknown.status_code, unknown.json()) == (200, 1)
