"""The application's state, and small records about connections."""

import sys
from typing import Any

import pytest
from starlette.datastructures import State

from sanic_star import Sanic
from sanic_star.compat.application.constants import Mode, Server, ServerStage
from sanic_star.compat.models import handler_types
from sanic_star.compat.models.http_types import Credentials
from sanic_star.compat.models.server_types import ConnInfo
from sanic_star.testing import TestClient


def test_it_is_starlettes_with_sanics_words() -> None:
    app: Sanic[Any, Any] = Sanic("State")
    state = app.state
    assert isinstance(state, State)
    assert state.app is app
    assert (state.mode, state.server, state.is_debug) == (Mode.PRODUCTION, Server.ASGI, False)
    assert state.python == sys.version.split()[0]
    state.anything = 1
    assert state.anything == 1
    with pytest.raises(AttributeError):
        _ = state.nothing


def test_it_follows_the_applications_life() -> None:
    app: Sanic[Any, Any] = Sanic("Life")
    seen: list[tuple[Any, ...]] = []

    def look(app: Any) -> None:
        state = app.state
        seen.append((state.stage, state.is_started, state.is_running, state.is_stopping))

    app.before_server_start(look)
    app.before_server_stop(look)
    look(app)
    with TestClient(app):
        look(app)
    assert seen == [
        (ServerStage.STOPPED, False, False, False),
        (ServerStage.PARTIAL, False, False, False),
        (ServerStage.SERVING, True, True, False),
        (ServerStage.SERVING, True, True, True),
    ]


@pytest.mark.parametrize(
    ("token", "user", "password"),
    [("dTpw", "u", "p"), ("dQ==", "u", ""), ("dTpwOnE=", "u", "p:q")],
)
def test_basic_credentials(token: str, user: str, password: str) -> None:
    credentials = Credentials("Basic", token)
    assert (credentials.username, credentials.password) == (user, password)


@pytest.mark.parametrize("token", ["a", "/w=="])
def test_undecodable_credentials_are_empty(token: str) -> None:
    assert (Credentials("Basic", token).username, Credentials("Basic", token).password) == ("", "")


def test_a_log_shows_no_token() -> None:
    assert repr(Credentials("Bearer", "secret")) == "Credentials(auth_type='Bearer')"


@pytest.mark.parametrize(("kind", "token"), [("Bearer", "x"), (None, "x"), ("Basic", None)])
def test_other_credentials_have_no_name(kind: str | None, token: str | None) -> None:
    for attribute in ("username", "password"):
        with pytest.raises(AttributeError, match="Basic Auth only"):
            getattr(Credentials(kind, token), attribute)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, ("", 0, "", "", 0, False)),
        (
            {"client": ["127.0.0.1", 5], "server": ("host", 80), "scheme": "https"},
            ("127.0.0.1", 5, "127.0.0.1", "host:80", 80, True),
        ),
        (
            {"client": ("::1", 5), "server": ("/run/a.sock", None), "scheme": "ws"},
            ("::1", 5, "[::1]", "/run/a.sock", 0, False),
        ),
        ({"scheme": "wss"}, ("", 0, "", "", 0, True)),
    ],
)
def test_attributes_of_a_connection(scope: dict[str, Any], expected: tuple[Any, ...]) -> None:
    info = ConnInfo(scope)
    assert (info.client_ip, info.client_port, info.client, info.server, info.server_port, info.ssl) == expected
    assert not info.lost


def test_a_clients_certificate() -> None:
    assert ConnInfo({"extensions": {"tls": {"client_cert_name": "CN=a"}}}).cert == {"client_cert_name": "CN=a"}
    assert ConnInfo({"extensions": {"tls": None}}).cert == {}


@pytest.mark.parametrize(
    ("scope", "server"),
    [
        ({"server": ("10.0.0.1", 8000)}, "10.0.0.1:8000"),
        ({"server": ("10.0.0.1", 80)}, "10.0.0.1"),
        ({"server": ("10.0.0.1", 443)}, "10.0.0.1:443"),
        ({"server": ("10.0.0.1", 443), "scheme": "https"}, "10.0.0.1"),
        ({"server": ("::1", 8000), "scheme": "wss"}, "[::1]:8000"),
        ({"server": ("/run/app.sock", None)}, "/run/app.sock"),
        ({"server": None}, ""),
    ],
)
def test_the_server_s_end_of_a_connection(scope: dict[str, Any], server: str) -> None:
    assert ConnInfo(scope).server == server


def test_types_for_annotations() -> None:
    assert handler_types.RouteHandler
    assert handler_types.SignalHandler


@pytest.mark.parametrize("by_state", [True, False])
def test_the_mode_is_the_debug_mode_of_the_application(by_state: bool) -> None:
    app = Sanic("Modes")
    for debug in (True, False, True):
        if by_state:
            app.state.mode = Mode.DEBUG if debug else Mode.PRODUCTION
        else:
            app.debug = debug
        assert app.debug is app.state.is_debug is app.error_handler.debug is debug
        assert app.state.mode is (Mode.DEBUG if debug else Mode.PRODUCTION)


def test_an_unknown_mode() -> None:
    app = Sanic("Modes")
    with pytest.raises(ValueError, match="fast"):
        app.state.mode = "fast"
    assert app.state.mode is Mode.PRODUCTION
