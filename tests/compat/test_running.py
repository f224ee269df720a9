"""The settings that `run`, `prepare`, `serve` and others produce from their arguments, without a server."""

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from sanic_star import Sanic, servers
from sanic_star.compat.application.constants import Mode, Server
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.log import VerbosityFilter
from sanic_star.servers import CannotServe, Plan, Settings
from sanic_star.servers.backends import check_servers


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Plan]]:
    """Instead of serving, the plans are collected."""
    seen: list[Plan] = []
    monkeypatch.setattr(servers, "run", seen.append)
    monkeypatch.setattr(VerbosityFilter, "verbosity", 0)
    with mock.patch.dict(Sanic._app_registry, clear=True):
        yield seen


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"host": "127.0.0.1", "port": 8000, "server": "uvicorn", "version": 1}),
        ({"host": "0.0.0.0", "port": 0, "workers": 2}, {"host": "0.0.0.0", "port": 0}),
        ({"unix": "/tmp/x.sock", "backlog": 7}, {"unix": "/tmp/x.sock", "backlog": 7}),
        ({"version": 2}, {"server": "hypercorn", "version": 2}),
        ({"version": 2, "server": "granian"}, {"server": "granian", "version": 2}),
        ({"server": "hypercorn"}, {"server": "hypercorn", "version": 1}),
        ({"server": "uvicorn"}, {"server": "uvicorn", "version": 1}),
    ],
)
def test_settings(given: dict[str, Any], expected: dict[str, Any], plans: list[Plan]) -> None:
    Sanic("Running").run(**given)
    settings = plans[0].settings[0]
    assert {key: getattr(settings, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("given", "logged"),
    [
        ({}, False),
        ({"debug": True}, True),
        ({"debug": True, "access_log": False}, False),
        ({"access_log": True}, True),
    ],
)
def test_whether_accesses_are_logged(given: dict[str, Any], logged: bool, plans: list[Plan]) -> None:
    app = Sanic("Accessed")
    app.run(**given)
    assert app.config.ACCESS_LOG is logged


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"workers": 1, "watch": None, "handles_signals": True}),
        ({"workers": 3}, {"workers": 3}),
        ({"dev": True}, {"watch": []}),
        ({"dev": True, "auto_reload": False}, {"watch": []}),
        ({"auto_reload": True, "reload_dir": "/tmp"}, {"watch": ["/tmp"]}),
        ({"auto_reload": True, "reload_dir": ["/usr", "/tmp", "/none"]}, {"watch": ["/tmp", "/usr"]}),
        ({"single_process": True, "register_sys_signals": False}, {"handles_signals": False, "workers": 1}),
    ],
)
def test_plans(given: dict[str, Any], expected: dict[str, Any], plans: list[Plan]) -> None:
    app = Sanic("Running")
    app.run(**given)
    assert {key: getattr(plans[0], key) for key in expected} == expected
    assert plans[0].apps == [app]
    assert plans[0].load is not None
    assert plans[0].load(plans[0].shared) == [app]


def test_settings_are_passed_to_the_server(plans: list[Plan]) -> None:
    app = Sanic("Configured")
    app.config.update(
        KEEP_ALIVE_TIMEOUT=7,
        WEBSOCKET_MAX_SIZE=8,
        WEBSOCKET_PING_INTERVAL=0,
        REQUEST_MAX_HEADER_SIZE=99,
        USE_UVLOOP=False,
    )
    app.run()
    settings = plans[0].settings[0]
    assert (settings.keep_alive, settings.ws_max_size, settings.ws_ping_interval) == (7, 8, None)
    assert (settings.max_header_size, settings.uvloop) == (99, False)
    assert settings.graceful_timeout == app.config.GRACEFUL_SHUTDOWN_TIMEOUT
    app.config.KEEP_ALIVE = False
    app.config.AUTO_RELOAD = True
    app.run()
    assert plans[1].settings[0].keep_alive == 0
    assert plans[1].watch == []


def test_the_state_describes_the_running_application(plans: list[Plan]) -> None:
    app = Sanic("Telling")
    app.prepare("0.0.0.0", 9, debug=True, workers=2, verbosity=1, noisy_exceptions=True, reload_dir="/tmp")
    state = app.state
    assert (state.host, state.port, state.workers, state.verbosity) == ("0.0.0.0", 9, 2, 1)
    assert (state.mode, state.server, state.reload_dirs) == (Mode.DEBUG, Server.SANIC, {Path("/tmp")})
    assert state.server_info[0].settings["port"] == 9
    assert app.config.NOISY_EXCEPTIONS
    assert VerbosityFilter.verbosity == 1
    Sanic.serve()
    assert state.server_info == []


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"loop": object()}, TypeError, "create_server"),
        ({"fast": True, "workers": 2}, RuntimeError, "both fast=True and workers=X"),
        ({"workers": 0}, RuntimeError, "no workers"),
        ({"workers": "2"}, RuntimeError, "workers"),
        ({"single_process": True, "workers": 2}, RuntimeError, "Single process"),
        ({"single_process": True, "dev": True}, RuntimeError, "Single process"),
        ({"register_sys_signals": False}, RuntimeError, "serve_single"),
        ({"version": 4}, ValueError, "version"),
        ({"version": "1"}, ValueError, "got '1'"),
        ({"version": 2, "server": "uvicorn"}, ValueError, "server='hypercorn'"),
        ({"version": 3, "server": "uvicorn"}, ValueError, "server='hypercorn'"),
        ({"port": 99999}, ValueError, "port"),
        ({"port": "80"}, ValueError, "port"),
        ({"ssl": "/nonexistent"}, ValueError, "/nonexistent/privkey.pem"),
        ({"ssl": {"cert": "a"}}, ValueError, "without key"),
        ({"ssl": 5}, ValueError, "Invalid ssl argument"),
        ({"ssl": []}, ValueError, "empty"),
        ({"ssl": [None]}, ValueError, "No certificates"),
        ({"auto_tls": True}, SanicException, "PRODUCTION mode"),
        ({"version": 3}, SanicException, "PRODUCTION mode"),
        ({"nonsense": 1}, TypeError, "nonsense"),
    ],
)
def test_invalid_run_arguments_are_refused(
    given: dict[str, Any], error: type[Exception], words: str, plans: list[Plan]
) -> None:
    with pytest.raises(error, match=words):
        Sanic("Senseless").run(**given)
    assert plans == []


def test_options_without_effect_are_reported(plans: list[Plan], caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Said")
    app.run(protocol=object)
    assert "protocol=" in caplog.text
    app.run(auto_reload=True, reload_dir="/nonexistent")
    assert "Directory /nonexistent could not be located" in caplog.text


def test_motd(plans: list[Plan], caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Motto")
    with caplog.at_level(logging.INFO):
        app.run(port=0, motd_display={"mood": "fine"}, server="granian")
        app.prepare(unix="/tmp/y.sock", coffee=True, workers=2)
        app.prepare("::1", 80)
    for words in ("Goin' Fast @ http://127.0.0.1, any free port", "mood: fine", "server: granian", "\N{HOT BEVERAGE}"):
        assert words in caplog.text
    for words in ("/tmp/y.sock http://...", "w/ 2 workers", "http://[::1]:80"):
        assert words in caplog.text
    caplog.clear()
    app.config.MOTD = False
    app.run()
    Sanic("Quiet").run(motd=False)
    assert "Goin' Fast" not in caplog.text


def test_several_applications(plans: list[Plan], caplog: pytest.LogCaptureFixture) -> None:
    first, second, third = Sanic("First"), Sanic("Second"), Sanic("Third")
    events: list[str] = []
    for app in (first, second):
        app.main_process_start(lambda app: events.append(app.name))
    first.prepare(port=1)
    second.prepare(port=2, workers=2)
    second.prepare(port=3)
    Sanic.serve(second)
    plan = plans[0]
    assert plan.apps == [second, second, first]
    assert [settings.port for settings in plan.settings] == [2, 3, 1]
    assert plan.workers == 1
    assert events == ["Second"]
    assert second.state.primary
    assert not first.state.primary
    assert "1 listener(s) for the main process" in caplog.text
    assert third.state.server_info == []
    assert plan.load is not None
    assert plan.load(plan.shared) == [second, second, first]


def test_serving_nothing_returns(plans: list[Plan]) -> None:
    Sanic.serve()
    Sanic.serve_single()
    assert plans == []


def test_serve_single(plans: list[Plan]) -> None:
    app = Sanic("Alone")
    events: list[str] = []
    app.main_process_start(lambda app: events.append(app.name))
    app.prepare(port=1)
    Sanic.serve_single()
    assert plans[0].workers == 1
    assert events == []
    app.prepare(workers=2)
    with pytest.raises(RuntimeError, match="Single process"):
        Sanic.serve_single(app)


def make() -> Any:
    return Sanic("Made")


def test_factories(plans: list[Plan]) -> None:
    app = make()
    app.prepare(workers=2, debug=True, verbosity=2)
    app.shared_ctx.greeting = "hello"
    Sanic.serve(factory=make)
    plan = plans[0]
    assert plan.load is not None
    other: Any = plan.load(plan.shared)[0]
    assert other is not app
    assert other.name == "Made"
    assert other.debug
    assert other.state.verbosity == 2
    assert other.shared_ctx.greeting == "hello"


def test_an_application_that_is_missing_in_a_worker(plans: list[Plan]) -> None:
    app = Sanic("Gone")
    app.run(workers=2)
    Sanic.unregister_app(app)
    assert plans[0].load is not None
    with pytest.raises(CannotServe, match="'Gone' not found"):
        plans[0].load(plans[0].shared)


def test_an_ssl_context_is_used_unchanged(plans: list[Plan]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    Sanic("Context").run(ssl=context)
    tls = plans[0].settings[0].tls
    assert tls is not None
    assert tls.make() is context


async def test_settings_of_a_server_that_somebody_else_starts(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Guest")
    app.config.KEEP_ALIVE_TIMEOUT = 3
    app.config.WEBSOCKET_MAX_SIZE = 9
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            await app._engine.lifecycle.start({"type": "lifespan"})
            await app._engine.lifecycle.stop()
    assert caplog.text.count("KEEP_ALIVE_TIMEOUT, WEBSOCKET_MAX_SIZE: set these on the server") == 1


@pytest.mark.parametrize("value", [True, False])
async def test_a_foreign_server_chooses_the_event_loop(value: bool, caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Guest")
    app.config.USE_UVLOOP = value
    for _ in range(2):
        await app._engine.lifecycle.start({"type": "lifespan"})
        await app._engine.lifecycle.stop()
    (record,) = (record for record in caplog.records if "UVLOOP" in record.getMessage())
    assert record.levelname == "WARNING"
    assert f"of {app!r} has no effect: the server that runs this application chooses the" in record.getMessage()


async def test_create_server_uses_the_event_loop_that_runs(caplog: pytest.LogCaptureFixture) -> None:
    for value in (None, True, False):
        app = Sanic(f"Loop{value}")
        if value is not None:
            app.config.USE_UVLOOP = value
        server = await app.create_server(port=0)
        server.close()
        await server.wait_closed()
    warnings = [record.getMessage() for record in caplog.records if "USE_UVLOOP" in record.getMessage()]
    assert len(warnings) == 2
    assert all("has no effect: create_server uses the event loop that runs" in warning for warning in warnings)


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(
    ("values", "loop"),
    [
        ((None, None), ""),
        ((True, True), ""),
        ((True, False), "asyncio's"),
        ((None, False), "asyncio's"),
        ((None, True), "uvloop's"),
    ],
)
def test_applications_that_want_different_event_loops(
    plans: list[Plan], values: tuple[bool | None, ...], loop: str, single: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for number, value in enumerate(values):
        app = Sanic(f"App{number}")
        if value is not None:
            app.config.USE_UVLOOP = value
        app.prepare(port=0, single_process=single)
    Sanic.serve_single() if single else Sanic.serve()
    warnings = [record.getMessage() for record in caplog.records if "USE_UVLOOP" in record.getMessage()]
    assert len(warnings) == bool(loop)
    expected = f"share one event loop, {loop}, and have different USE_UVLOOP (App0: "
    assert all(expected in warning for warning in warnings)


async def test_listeners_of_a_main_process_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Guest")

    @app.main_process_start
    async def create_tables(app: Any) -> None:
        raise AssertionError("it never runs")

    @app.main_process_stop
    async def drop_tables(app: Any) -> None:
        raise AssertionError("it never runs")

    for _ in range(2):
        await app._engine.lifecycle.start({"type": "lifespan"})
        await app._engine.lifecycle.stop()
    (warning,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "main_process_start (create_tables); main_process_stop (drop_tables)" in warning
    assert "register them for before_server_start" in warning


def test_listeners_of_a_main_process_that_is_there(plans: list[Plan], caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Host")
    seen: list[str] = []
    app.main_process_start(lambda app: seen.append("start"))
    app.main_process_stop(lambda app: seen.append("stop"))
    app.run()
    assert seen == ["start", "stop"]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_settings_that_a_server_has_no_option_for(caplog: pytest.LogCaptureFixture) -> None:
    settings = [Settings(server="granian", ws_max_size=1), Settings(server="granian"), Settings(ws_max_size=1)]
    check_servers(settings)
    assert [record.getMessage() for record in caplog.records] == [
        "granian has no option for these settings, so that they have no effect: WEBSOCKET_MAX_SIZE"
    ]
