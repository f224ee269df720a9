"""sanicargs: arguments of the query by annotations."""

from __future__ import annotations

import requests

from tests.ecosystem.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    import datetime
    from sanic import Sanic, json
    from sanicargs import parse_parameters

    app = Sanic("Annotations")

    @app.get("/items/<kind>")
    @parse_parameters
    async def items(request, kind: str, limit: int, since: datetime.date = None, all: bool = False):
        return json([kind, limit, since and since.isoformat(), all])

    @app.post("/items/<kind>")
    @parse_parameters
    async def add(request, kind: str, name: str):
        return json([kind, name])
"""


def test_arguments(serve: Serve) -> None:
    """Arguments are converted by their annotations; invalid and missing ones are answered with 400."""
    base = f"http://127.0.0.1:{serve(APP).port}"
    valid = {"limit": "5", "since": "2026-01-02", "all": "true"}
    good = requests.get(base + "/items/a", params=valid, timeout=TIMEOUT_S)
    assert (good.status_code, good.json()) == (200, ["a", 5, "2026-01-02", True])
    for parameters in ({"limit": "five"}, {}):
        assert requests.get(base + "/items/a", params=parameters, timeout=TIMEOUT_S).status_code == 400
    added = requests.post(base + "/items/a", json={"name": "x"}, timeout=TIMEOUT_S)
    assert (added.status_code, added.json()) == (200, ["a", "x"])
