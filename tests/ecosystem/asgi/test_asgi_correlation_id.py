"""asgi-correlation-id: its middleware and its log filter."""

from __future__ import annotations

import logging
import re

import pytest
from asgi_correlation_id import CorrelationIdFilter, CorrelationIdMiddleware, correlation_id
from starlette.middleware import Middleware

from tests.ecosystem.asgi.sites import client, site

GIVEN = "a7c1f3d8b2e94f6aa0b1c2d3e4f50617"


async def test_identifiers(how: str, by: str) -> None:
    """The client's identifier is kept; a missing or malformed one is replaced. Handlers and headers have it."""
    app = site(how, [Middleware(CorrelationIdMiddleware)], by=by)
    app.state.probe = lambda request: [correlation_id.get(), request.headers["x-request-id"]]
    async with client(app) as asking:
        response = await asking.get("/probe", headers={"X-Request-ID": GIVEN})
        assert (response.json(), response.headers["x-request-id"]) == ([GIVEN, GIVEN], GIVEN)
        for headers in ({}, {"X-Request-ID": "<script>"}, {"X-Request-ID": ""}):
            response = await asking.get("/probe", headers=headers)
            made = response.headers["x-request-id"]
            assert re.fullmatch("[0-9a-f]{32}", made)
            assert response.json() == [made, made]
        for path, status in (("/gone", 404), ("/none", 404), ("/ours/items/1", 200), ("/theirs/none", 404)):
            response = await asking.get(path, headers={"X-Request-ID": GIVEN})
            assert (response.status_code, response.headers.get_list("x-request-id")) == (status, [GIVEN])


async def test_a_failure(how: str, caplog: pytest.LogCaptureFixture) -> None:
    """A 500 has the header here, unlike on Starlette; the log record of the exception has the identifier."""
    caplog.handler.addFilter(CorrelationIdFilter())
    async with client(site(how, [Middleware(CorrelationIdMiddleware)])) as asking:
        response = await asking.get("/fails", headers={"X-Request-ID": GIVEN})
    assert response.status_code == 500
    assert response.headers.get("x-request-id") == (GIVEN if how == "here" else None)
    if how == "here":
        (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
        assert (record.name, getattr(record, "correlation_id", "")) == ("sanic.error", GIVEN)
