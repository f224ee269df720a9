"""The fixtures that sanic-testing's own tests want, and that its source archive lacks; a plugin of pytest."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest


@pytest.fixture
def app() -> Any:
    """Return an application with a route for each of the methods that the tests use."""
    sanic: Any = import_module("sanic")
    sanic.Sanic.test_mode = True
    made = sanic.Sanic(f"App{id(object())}")

    def basic_response(request: Any) -> Any:
        return sanic.response.text("foo")

    made.add_route(basic_response, "/", methods=["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"])
    return made


@pytest.fixture
def manager(app: Any) -> Any:
    """Return a test manager of the application."""
    return import_module("sanic_testing").TestManager(app)
