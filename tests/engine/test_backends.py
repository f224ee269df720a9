"""The records of the servers: their features, and the settings that are refused before a socket is bound."""

import logging
import ssl
import sys
from dataclasses import fields, replace
from typing import Any

import pytest

from sanic_star.compat.config import Config
from sanic_star.engine.server_logs import SERVER_LOGGERS
from sanic_star.servers import CannotServe, Settings
from sanic_star.servers.backends import BACKENDS, Backend, check_servers, default_backend, find_backend
from sanic_star.servers.settings import TLS

CONTEXT = TLS(ssl.create_default_context)
PATHS = TLS(ssl.create_default_context, "cert.pem", "key.pem")

every_backend = pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(server="nginx"), "^There is no server 'nginx'; choose one of uvicorn, hypercorn, granian$"),
        (Settings(version=2), "^uvicorn does not speak HTTP/2; server='hypercorn' does$"),
        (Settings(version=3), "^uvicorn does not speak HTTP/3; server='hypercorn' does$"),
        (Settings(server="granian", version=3), "^granian does not speak HTTP/3; server='hypercorn' does$"),
        (Settings(server="hypercorn", version=3), "^HTTP/3 needs a certificate, and a port"),
        (Settings(server="hypercorn", version=3, unix="x", tls=PATHS), "^HTTP/3 needs a certificate, and a port"),
        (Settings(server="hypercorn", version=3, tls=CONTEXT), "^hypercorn reads .* paths in ssl=…$"),
        (Settings(server="granian", tls=CONTEXT), "^granian reads .* paths in ssl=…, or use uvicorn$"),
        (Settings(server="granian", version=2, tls=CONTEXT), "^granian reads .* in ssl=…, or use hypercorn$"),
        (Settings(server="granian", tls=replace(PATHS, key=None)), "^granian reads certificate files itself"),
    ],
)
def test_features_that_servers_lack(settings: Settings, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.servers.backends.find_spec", lambda name: object())
    with pytest.raises(CannotServe, match=words):
        check_servers([settings])


@every_backend
def test_supported_settings_are_not_refused(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sanic_star.servers.backends.find_spec", lambda name: object())
    for http in backend.versions:
        check_servers([Settings(server=backend.name, version=http, tls=PATHS)])
        if http not in backend.reads_certificates:
            check_servers([Settings(server=backend.name, version=http, tls=CONTEXT)])
    assert caplog.records == []


# A name of each server that its module here uses.
USED = {
    "uvicorn": "uvicorn.Server",
    "hypercorn": "hypercorn.utils.LifespanFailureError",
    "granian": "granian._granian.SocketHolder",
}


@every_backend
def test_a_server_that_has_changed_its_private_parts(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"sanic_star.servers.{backend.name}", raising=False)
    monkeypatch.delattr(USED[backend.name])
    words = rf"^{backend.name} [\d.]+ does not work with .* sanic_star: .*{USED[backend.name].rpartition('.')[2]}"
    with pytest.raises(CannotServe, match=words):
        backend.load()


@every_backend
def test_a_server_that_is_not_installed(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.servers.backends.find_spec", lambda name: None)
    with pytest.raises(CannotServe, match=f"^{backend.name} is not installed: pip install {backend.name}$"):
        check_servers([Settings(server=backend.name)])


def test_a_version_of_http_whose_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.servers.backends.find_spec", lambda name: None if name == "aioquic" else object())
    with pytest.raises(CannotServe, match=r"^HTTP/3 needs aioquic: pip install 'hypercorn\[h3\]'$"):
        check_servers([Settings(server="hypercorn", version=3, tls=PATHS)])
    check_servers([Settings(server="hypercorn", version=2, tls=PATHS)])


@pytest.mark.parametrize("http", [1, 2])
def test_a_server_that_takes_no_sockets_on_windows(http: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    other = default_backend(http).name
    with pytest.raises(CannotServe, match=f"^granian can't take over a socket on Windows; use {other}$"):
        check_servers([Settings(server="granian", version=http)])
    check_servers([Settings(server=other, version=http)])


def test_the_default_server() -> None:
    assert [default_backend(http).name for http in (1, 2, 3)] == ["uvicorn", "hypercorn", "hypercorn"]
    assert Settings.server == default_backend(Settings.version).name


@every_backend
def test_the_engine_finds_its_loggers(backend: Backend) -> None:
    assert SERVER_LOGGERS[backend.name]


@every_backend
def test_options_that_a_server_lacks_are_settings(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    assert find_backend(backend.name) is backend
    assert set(backend.missing_options.values()) <= {field.name for field in fields(Settings)}
    for name, attribute in backend.missing_options.items():
        assert name in Config() or name == "REQUEST_HEAD_TIMEOUT"  # which has no default there
        value: Any = {attribute: 7}
        changed = replace(Settings(server=backend.name), **value)
        with caplog.at_level(logging.WARNING):
            check_servers([changed])
        assert caplog.messages.pop() == (
            f"{backend.name} has no option for these settings, so that they have no effect: {name}"
        )
        caplog.clear()
