"""Stand-in for the conftest.py of the suite (copied to tests/conftest.py).

Written for this harness. It has the fixtures that the suite's tests request by
name, and uses public names of the package under test only; names that exist
only on Sanic's own server may be missing.
"""

import asyncio
import importlib
import logging
import os
import random
import re
import socket
import string
import sys
import uuid
import warnings
from pathlib import Path
from unittest.mock import MagicMock, Mock, patch

import pytest
from sanic import Sanic

Sanic.test_mode = True
random.seed(20240229)

_FOLDER = Path(__file__).resolve().parent
_UNFIT_FOR_A_NAME = re.compile(r"[^-_0-9A-Za-z]")
_ENV_LEFT_BY_LOGGING = ("SANIC_LOG_EXTRA", "SANIC_NO_COLOR")


def _optional(module, attribute):
    """An attribute of a module, or None where either is missing."""
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None


# -- ports --------------------------------------------------------------------


def get_port():
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@pytest.fixture
def port():
    return get_port()


# -- the application ----------------------------------------------------------


def _rewritable_methods():
    """Methods that Sanic's own server rewrites in place at startup."""
    service = _optional("sanic.touchup.service", "TouchUp")
    registry = getattr(service, "_registry", ())
    return [(owner, name, getattr(owner, name)) for owner, name in registry]


_PRISTINE = _rewritable_methods()


def _reset_process_state():
    for owner, name, original in _PRISTINE:
        setattr(owner, name, original)
    Sanic._app_registry.clear()
    formatter = _optional("sanic.logging.formatter", "AutoFormatter")
    if formatter is not None:
        formatter.SETUP = False
        formatter.LOG_EXTRA = False
    for variable in _ENV_LEFT_BY_LOGGING:
        os.environ.pop(variable, None)


@pytest.fixture
def app(request):
    yield Sanic(_UNFIT_FOR_A_NAME.sub("-", request.node.name))
    _reset_process_state()


def _current_loop():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return asyncio.get_event_loop()
        except RuntimeError:
            return None


@pytest.fixture(autouse=True)
def _open_loop_for_plain_tests(request):
    """Give every plain (not async) test an open current event loop.

    Several take theirs from asyncio.get_event_loop(), as in a fresh process;
    the test before them may have left a closed one, or none.
    """
    if asyncio.iscoroutinefunction(getattr(request.node, "obj", None)):
        yield
        return
    fresh = None
    current = _current_loop()
    if current is None or current.is_closed():
        fresh = asyncio.new_event_loop()
        asyncio.set_event_loop(fresh)
    yield
    if fresh is not None and not (fresh.is_running() or fresh.is_closed()):
        fresh.close()


@pytest.fixture
def run_startup(caplog):
    """Start a debug server, stop it at once, return what was logged."""

    def start_and_stop(app):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        with caplog.at_level(logging.DEBUG):
            starting = app.create_server(port=None, debug=True, return_asyncio_server=True)
            server = loop.run_until_complete(starting)
            server.close()
            loop.run_until_complete(server.wait_closed())
            app.stop()
        return caplog.record_tuples

    return start_and_stop


@pytest.fixture
def run_multi(caplog):
    """Serve everything that was prepared, stop on start, return the log."""

    def serve(app, level=logging.DEBUG):
        @app.after_server_start
        async def halt(app, _):
            app.stop()

        with caplog.at_level(level):
            Sanic.serve()
        return caplog.record_tuples

    return serve


@pytest.fixture
def message_in_records():
    def contains(records, text):
        return any(text in record.message for record in records)

    return contains


# -- doubles ------------------------------------------------------------------


@pytest.fixture
def ext_instance():
    instance = MagicMock(name="extension")
    instance.injection = MagicMock(name="injection")
    return instance


@pytest.fixture(autouse=True)
def mock_sanic_ext(ext_instance):
    """The extension package is never the real one."""
    package = MagicMock(name="sanic_ext", __version__="1.2.3")
    package.Extend = MagicMock(name="Extend", return_value=ext_instance)
    sys.modules["sanic_ext"] = package
    yield package
    sys.modules.pop("sanic_ext", None)


@pytest.fixture
def urlopen():
    """Answers the inspector's command line client."""
    opener = Mock(name="urlopen")
    opener.return_value = opener
    opener.read = Mock()
    opener.__enter__ = Mock(return_value=opener)
    opener.__exit__ = Mock()
    with patch("sanic.cli.inspector_client.urlopen", opener):
        yield opener


# -- data ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def static_file_directory():
    return str(_FOLDER / "static")


# -- routes for the route resolution benchmark --------------------------------


def _word():
    return "".join(random.choices(string.ascii_lowercase, k=4))


_SAMPLE_OF_TYPE = {
    "str": _word,
    "alpha": _word,
    "int": lambda: random.randrange(10**6),
    "float": random.random,
    "uuid": lambda: str(uuid.uuid1()),
}


class RouteGenerator:
    per_depth = 100

    def _methods(self):
        return list(importlib.import_module("sanic.constants").HTTP_METHODS)

    def generate_random_direct_route(self, max_route_depth=4):
        methods = self._methods()
        pairs = {}
        for depth in range(1, max_route_depth + 1):
            for _ in range(self.per_depth):
                path = "/".join(_word() for _ in range(depth))
                pairs[random.choice(methods), path] = None
        return list(pairs)

    def add_typed_parameters(self, current_routes, max_route_depth=8):
        kinds = list(_SAMPLE_OF_TYPE)
        longer = []
        for method, path in current_routes:
            missing = max_route_depth - path.count("/") - 1
            tail = [f"<{_word()}:{random.choice(kinds)}>" for _ in range(missing)]
            longer.append((method, "/".join([path, *tail])))
        return longer

    @staticmethod
    def generate_url_for_template(template):
        return re.sub(
            r"<\w+:(\w+)>",
            lambda match: str(_SAMPLE_OF_TYPE[match[1]]()),
            template,
        )


@pytest.fixture
def route_generator():
    return RouteGenerator()


@pytest.fixture
def url_param_generator():
    return _SAMPLE_OF_TYPE


@pytest.fixture
def sanic_router(app):
    from sanic.router import Router
    from sanic_routing.exceptions import RouteExists

    async def one(request):
        return 1

    def build(route_details):
        router = Router()
        router.ctx.app = app
        kept = []
        for method, path in route_details:
            try:
                router.add(
                    f"/{path}",
                    methods=frozenset([method]),
                    handler=one,
                    host="localhost",
                )
            except RouteExists:
                continue
            kept.append((method, path))
        router.finalize()
        return router, tuple(kept)

    return build
