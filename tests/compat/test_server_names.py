"""The names of Sanic's own server that work without that server."""

from __future__ import annotations

import asyncio
import datetime
import io
import os
import re
import signal
import socket as sockets
import ssl
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import trustme

from sanic_star import Blueprint, Request, Sanic, Websocket, __version__, json
from sanic_star.compat import server
from sanic_star.compat.application import logo, motd
from sanic_star.compat.application.constants import Mode
from sanic_star.compat.application.logo import BASE_LOGO, COFFEE_LOGO, COLOR_LOGO, FULL_COLOR_LOGO, get_logo
from sanic_star.compat.application.state import ApplicationServerInfo
from sanic_star.compat.base.root import BaseSanic
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.http import Stage
from sanic_star.compat.http.constants import HTTP
from sanic_star.compat.http.tls import get_ssl_context, process_to_context
from sanic_star.compat.http.tls.context import CertSimple, SanicSSLContext, create_context, load_cert_dir
from sanic_star.compat.log import VerbosityFilter
from sanic_star.compat.mixins.listeners import ListenerEvent
from sanic_star.compat.mixins.routes import RouteMixin
from sanic_star.compat.mixins.startup import StartupMixin
from sanic_star.compat.models.ctx_types import REPLContext
from sanic_star.compat.models.server_types import ConnInfo
from sanic_star.compat.response import json_dumps
from sanic_star.compat.server.events import trigger_events
from sanic_star.compat.server.goodbye import get_goodbye
from sanic_star.compat.server.socket import bind_socket, bind_unix_socket, configure_socket, remove_unix_socket
from sanic_star.compat.signals import Event
from sanic_star.compat.touchup import TouchUp
from sanic_star.compat.worker.inspector import Inspector
from sanic_star.compat.worker.loader import CertLoader
from sanic_star.testing import TestClient
from tests.engine.processes import TIMEOUT_S, Process, free_port


class Transport:
    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.facts.get(name, default)


TLS = SimpleNamespace(context=SimpleNamespace(sanic={"subject": "x"}), sanic_server_name="example.org")


@pytest.mark.parametrize(
    ("facts", "unix", "expected"),
    [
        ({"peername": ("1.2.3.4", 5), "sockname": ("2.3.4.5", 80)}, None, ("1.2.3.4", 5, "2.3.4.5", 80, False, "")),
        (
            {"peername": ("::1", 5, 0, 0), "sockname": ("::1", 8000, 0, 0)},
            None,
            ("::1", 5, "[::1]:8000", 8000, False, ""),
        ),
        ({}, None, ("", 0, "", 0, False, "")),
        ({"peername": "", "sockname": "/tmp/s"}, "/tmp/s", ("", 0, "/tmp/s", 0, False, "")),
        ({"peername": b"", "sockname": "/tmp/s"}, None, ("", 0, "/tmp/s", 0, False, "")),
        (
            {"peername": ("1.2.3.4", 5), "sockname": ("2.3.4.5", 443), "ssl_object": TLS},
            None,
            ("1.2.3.4", 5, "2.3.4.5", 443, True, "example.org"),
        ),
    ],
)
def test_a_connection_is_known_by_its_transport(facts: Any, unix: str | None, expected: Any) -> None:
    info = ConnInfo(Transport(**facts), unix)
    connection_facts = (info.client_ip, info.client_port, info.server, info.server_port, info.ssl, info.server_name)
    assert connection_facts == expected
    assert info.cert == ({"subject": "x"} if info.ssl else {})


def test_names_of_the_server_are_there_on_demand() -> None:
    assert set(server.__all__) <= set(dir(server))
    assert server.ConnInfo is ConnInfo
    assert server.Signal().stopped is False
    with pytest.raises(AttributeError, match="has no attribute 'nosuch'"):
        server.nosuch  # type: ignore[attr-defined] # noqa: B018


def test_constants() -> None:
    assert [(stage.name, stage.value) for stage in Stage][-1] == ("FAILED", 100)
    assert [version.display() for version in HTTP] == ["HTTP/1.1", "HTTP/3"]
    events = {event.value for event in Event}
    assert {moment.value for moment in ListenerEvent if moment.value.startswith("server.")} <= events


def test_applications_and_blueprints_are_of_sanic_s_bases() -> None:
    app, blueprint = Sanic("Based"), Blueprint("based")
    assert isinstance(app, BaseSanic)
    assert isinstance(blueprint, RouteMixin)
    assert isinstance(app, StartupMixin)
    assert not isinstance(blueprint, StartupMixin)


def test_functions_are_called_with_what_they_take() -> None:
    calls: list[Any] = []

    async def later(app: Any, loop: Any) -> None:
        calls.append(("later", app, loop.is_running()))

    loop = asyncio.new_event_loop()
    try:
        trigger_events(None, loop)
        trigger_events([lambda: calls.append("nothing"), lambda loop: calls.append(type(loop).__name__)], loop)
        trigger_events([later, lambda app, x=0: calls.append((app, x))], loop, "app")
        trigger_events([lambda app, x: calls.append((app, x))], loop, "app", x=1)
        with pytest.raises(TypeError):
            trigger_events([lambda: None], loop, "app")
    finally:
        loop.close()
    assert calls == ["nothing", type(loop).__name__, ("later", "app", True), ("app", 0), ("app", 1)]


def test_sockets(tmp_path: Path) -> None:
    with bind_socket("127.0.0.1", 0) as bound:
        assert bound.getblocking()
        with sockets.create_connection(bound.getsockname()), pytest.raises(OSError, match="in use"):
            bind_socket(*bound.getsockname())
    with pytest.raises(OSError, match="Cannot listen"):
        bind_socket("no host", 0)
    path = tmp_path / "s"
    for mode in (0o666, 0o600):
        with bind_unix_socket(path, mode=mode):
            assert stat.S_IMODE(path.stat().st_mode) == mode
            assert stat.S_ISSOCK(path.stat().st_mode)
    remove_unix_socket(path)
    remove_unix_socket(path)
    remove_unix_socket(None)
    assert not path.exists()
    path.write_text("mine")
    remove_unix_socket(path)
    assert path.read_text() == "mine"
    with pytest.raises(OSError, match="not a socket"):
        bind_unix_socket(path)


def test_a_server_s_settings_get_a_socket(tmp_path: Path) -> None:
    given = sockets.socket()
    for settings in (
        {"host": "127.0.0.1", "port": 0, "unix": None, "sock": None, "backlog": 5},
        {"host": None, "port": None, "unix": str(tmp_path / "s")},
        {"sock": given},
    ):
        with configure_socket(settings) as bound:
            assert settings["sock"] is bound
            assert settings["host"] is settings["port"] is settings["unix"] is None
            assert bound.get_inheritable()


def test_values_that_are_not_times_stay_unchanged() -> None:
    time = datetime.datetime(2026, 11, 29)
    data = {"a": time, "b": {"c": {"d": time}}, "e": [time], "f": (1, 2), "g": datetime.timedelta(1)}
    assert Inspector._make_safe(data) == {
        "a": "2026-11-29T00:00:00",
        "b": {"c": {"d": "2026-11-29T00:00:00"}},
        "e": [time],
        "f": (1, 2),
        "g": datetime.timedelta(1),
    }


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    issued = trustme.CA().issue_cert("localhost")
    issued.private_key_pem.write_to_path(folder / "privkey.pem")
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(folder / "fullchain.pem", append=number > 0)
    return folder


def test_tls_contexts(certificate: Path) -> None:
    cert, key = certificate / "fullchain.pem", certificate / "privkey.pem"
    assert process_to_context(None) is None
    contexts = [
        load_cert_dir(str(certificate)),
        process_to_context({"cert": cert, "key": key}),
        create_context(str(cert), str(key)),
        create_context(),
        create_context(purpose=ssl.Purpose.SERVER_AUTH),
        create_context(str(cert), str(key), purpose=ssl.Purpose.SERVER_AUTH),
        CertLoader(str(certificate)).load(Sanic("Certified")),
    ]
    assert {context.minimum_version for context in contexts if context} == {ssl.TLSVersion.TLSv1_2}
    simple = CertSimple(cert, key, names=["localhost"])
    assert isinstance(simple, SanicSSLContext)
    facts: dict[str, Any] = simple.sanic
    assert facts["names"] == ["localhost"]
    with pytest.raises(ValueError, match="not found"):
        load_cert_dir(str(certificate / "nosuch"))
    with pytest.raises(ValueError, match="Invalid ssl argument: expected a directory"):
        process_to_context(5)
    assert CertLoader(None).load(Sanic("Uncertified")) is None
    with pytest.raises(SanicException, match="PRODUCTION mode"):
        get_ssl_context(Sanic("Without"), None)


def test_messages_at_the_start_and_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "sanic.root")
    motd.MOTD.output(get_logo(), "http://127.0.0.1:1", {"mode": "debug"}, {"extra": "yes"})
    motd.MOTDBasic(None, "", {}, {}).display()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", BASE_LOGO),
        ("INFO", f"sanic_star v{__version__}"),
        ("INFO", "Goin' Fast @ http://127.0.0.1:1"),
        ("INFO", "mode: debug"),
        ("INFO", "extra: yes"),
        ("INFO", f"sanic_star v{__version__}"),
    ]
    assert get_goodbye()


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [20, 60, 80, 300])
@pytest.mark.parametrize("coffee", [False, True])
def test_a_terminal_gets_a_box(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, columns: int, coffee: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    caplog.set_level("INFO", "sanic.root")
    logo_text = get_logo(coffee=coffee)
    assert logo_text == (COFFEE_LOGO if coffee else COLOR_LOGO)
    data = {"app": "Shop", "platform": "an operating system with a very long name " * 4, "empty": ""}
    motd.MOTD.output(logo_text, "http://127.0.0.1:8000", data, {"mood": "f" * 200})
    (message,) = caplog.messages
    lines = message.strip("\n").split("\n")
    plain = [logo.COLOURS.sub("", line) for line in lines]
    # All lines have one length, and nothing is lost.
    assert len({len(line) for line in plain}) == 1
    assert len(plain[0]) <= max(columns, 50)
    written = "".join(re.sub("[^a-z]", "", line) for line in plain)
    assert written.count("verylongname") == 4 or "operating" in message
    assert message.count("f" * 8) > 5
    assert "Goin' Fast @ http://127.0.0.1:8000" in message
    assert f"sanic_star v{__version__}" in message


def test_a_box_without_a_logo_or_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    motd.MOTDTTY(None, "", {}, {}).display(version=False, out=written.append)
    assert written[0].strip().startswith("┌")
    assert "sanic_star v" not in written[0]
    # A logo that is longer than the facts.
    motd.MOTDTTY(FULL_COLOR_LOGO, "", {"a": "1"}, {}).display(out=written.append)
    plain = logo.COLOURS.sub("", written[1]).strip("\n").split("\n")
    assert len({len(line) for line in plain}) == 1
    assert "sanic_star " in plain[-2]


def test_a_terminal_that_cannot_draw_gets_lines(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal("ascii"))
    caplog.set_level("INFO", "sanic.root")
    motd.MOTD.output(None, "http://127.0.0.1:8000", {"app": "Shop"}, {})
    assert caplog.messages[1:] == ["Goin' Fast @ http://127.0.0.1:8000", "app: Shop"]


def test_colours_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert get_logo(full=True) == BASE_LOGO
    monkeypatch.delenv("NO_COLOR")
    assert get_logo(full=True) == FULL_COLOR_LOGO


def test_an_override_of_the_facts_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Own(Sanic[Any, Any]):
        def get_motd_data(self, server_settings: Any = None) -> Any:
            data, extra = super().get_motd_data(server_settings)
            return {**data, "port": str(server_settings["port"])}, {**extra, "mood": "fine"}

    caplog.set_level("INFO", "sanic.root")
    Own("Own").prepare(port=1234, single_process=True)
    assert {"port: 1234", "mood: fine"} <= set(caplog.messages)


def test_messages_about_restarts_and_fast_workers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Restarted")
    app.prepare(port=1, auto_reload=True, fast=True, reload_dir=[str(tmp_path), "./nosuch"])
    folders = ", ".join(sorted([str(tmp_path), str(Path.cwd() / "nosuch")]))
    data, _ = app.get_motd_data()
    assert data["auto-reload"] == f"enabled, {folders}"
    count = app.state.workers
    assert data["mode"] == "production, goin' fast " + (f"w/ {count} workers" if count > 1 else "single worker")
    assert "Directory ./nosuch could not be located" in caplog.messages
    Sanic.unregister_app(app)


def test_variables_for_a_prompt() -> None:
    context = REPLContext()
    context.add(5, "answer", "what was asked for")
    context.add(Sanic)
    described = [(name, desc) for _, name, desc in context]
    assert described == [("answer", "what was asked for"), ("Sanic", str(Sanic.__doc__).partition("\n")[0])]


def test_the_address_and_the_location_of_a_server() -> None:
    addresses = {(host, port, version): Sanic.get_address(host, port, version) for host, port, version in ADDRESSES}
    assert addresses == ADDRESSES
    assert Sanic.get_address(None, None, auto_tls=True) == ("127.0.0.1", 8443)
    for settings, location in LOCATIONS:
        assert Sanic.get_server_location(settings) == location


ADDRESSES = {
    (None, None, 1): ("127.0.0.1", 8000),
    ("h", None, 1): ("h", 8000),
    (None, 5, 1): ("127.0.0.1", 5),
    ("", 0, 1): ("127.0.0.1", 8000),
    (None, None, 3): ("127.0.0.1", 8443),
    ("h", 1, 3): ("h", 1),
}
LOCATIONS: list[tuple[dict[str, Any] | None, str]] = [
    (None, ""),
    ({}, ""),
    ({"host": "a", "port": 1}, "http://a:1"),
    ({"host": "a", "port": 1, "ssl": object()}, "https://a:1"),
    ({"host": "::1", "port": 80}, "http://[::1]:80"),
    ({"host": "a", "port": 0}, ""),
    ({"unix": "/s"}, "/s http://..."),
]


def test_the_facts_of_the_start() -> None:
    app = Sanic("Facts")
    app.config.MOTD_DISPLAY = {"more": "facts"}
    data, extra = app.get_motd_data()
    assert (data["app"], extra) == ("Facts", {"more": "facts"})
    app.prepare(port=0, single_process=True, server="hypercorn")
    assert "hypercorn" in app.get_motd_data()[0]["server"]


def test_websockets_are_enabled_by_a_route_or_by_hand() -> None:
    app = Sanic("Enabled")
    assert app.websocket_enabled is False
    app.enable_websocket()
    assert app.websocket_enabled is True
    app.enable_websocket(False)
    assert app.websocket_enabled is False

    @app.websocket("/ws")
    async def handler(request: Request, ws: Websocket) -> None:
        await ws.send(str(len(app.websocket_tasks)))

    assert app.websocket_enabled is True
    app.enable_websocket(False)
    with TestClient(app) as client, client.websocket_connect("/ws") as websocket:
        assert websocket.receive_text() == "1"
    assert app.websocket_tasks == set()


def test_delayed_tasks_can_be_run_by_hand() -> None:
    app, ran = Sanic("Delayed"), []

    async def plain() -> None:
        ran.append("plain")

    async def with_app(app: Any) -> None:
        ran.append(app.name)

    app.add_task(with_app)

    async def run() -> None:
        for task in (plain, plain(), with_app, asyncio.ensure_future(plain()), 5):
            await Sanic.run_delayed_task(app, None, task)
        await Sanic.dispatch_delayed_tasks(app)
        await Sanic.dispatch_delayed_tasks(app)
        await asyncio.sleep(0.01)

    asyncio.run(run())
    assert sorted(ran) == ["Delayed", "Delayed", "plain", "plain", "plain"]


def test_an_application_is_refreshed_from_the_registry() -> None:
    first, second = Sanic("Refreshed"), Sanic("Refreshed")
    assert first.refresh({"marked": 5}) is second
    assert vars(second)["marked"] == 5
    Sanic.unregister_app(second)
    with pytest.raises(SanicException, match="not found"):
        first.refresh()


def test_attributes_that_a_server_sets_on_the_application() -> None:
    app = Sanic("Noted")
    assert app.state.is_running is False
    app.set_serving(True)
    assert app.state.is_running is True
    app.set_serving(False)
    assert app.state.is_running is False
    app.ack()
    assert Sanic.should_auto_reload() is False
    app.auto_reload = True
    assert Sanic.should_auto_reload() is True
    app.state.set_mode("debug")
    assert (app.debug, app.state.is_debug) == (True, True)
    app.state.set_mode(Mode.PRODUCTION)
    assert app.debug is False
    with pytest.raises(ValueError, match="nosuch"):
        app.state.set_mode("nosuch")
    app.state.set_verbosity(1)
    assert (app.state.verbosity, VerbosityFilter.verbosity) == (1, 1)
    app.state.set_verbosity(0)


def test_classes_for_sanic_s_server_are_kept() -> None:
    class Mine(CertLoader): ...

    app = Sanic("Kept", certloader_class=Mine)
    assert app.certloader_class is Mine
    assert Sanic("Default").certloader_class is CertLoader
    assert app.inspector_class is Inspector

    class Own(Inspector): ...

    assert Sanic("Inspected", inspector_class=Own).inspector_class is Own
    app.repl_ctx.add(5, "five")
    assert [local.name for local in app.repl_ctx] == ["five"]
    assert (Sanic.START_METHOD_SET, repr(Sanic.start_method)) == (False, "<Default>")


def test_the_loop_is_chosen_for_the_process() -> None:
    before = asyncio.get_event_loop_policy()
    app = Sanic("Looped")
    try:
        app.config.USE_UVLOOP = False
        app.setup_loop()
        assert asyncio.get_event_loop_policy() is before
        app.config.USE_UVLOOP = True
        app.setup_loop()
        assert "uvloop" in type(asyncio.get_event_loop_policy()).__module__
    finally:
        asyncio.set_event_loop_policy(before)


def test_coffee_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, Any] = {}
    app = Sanic("Coffee")
    monkeypatch.setattr(app, "run", lambda *args, **options: served.update(args=args, **options))
    app.make_coffee("127.0.0.1", port=1)
    assert served == {"args": ("127.0.0.1",), "port": 1, "coffee": True}


def test_a_protocol_counts_requests() -> None:
    app = Sanic("Counted")

    @app.get("/")
    async def handler(request: Request) -> Any:
        return json(request.protocol.state["requests_count"])

    with TestClient(app) as client:
        first = client.get("/").json()
        assert client.get("/").json() == first + 1


COUNTED = """
import sys

if sys.argv[1] != "sanic":
    import sanic_star.compat
    sanic_star.compat.install()
    import sanic_star.servers.uvicorn as backend
    backend.HAS_HTTPTOOLS = sys.argv[1] != "h11"
from sanic import Sanic, json

app = Sanic("Counted")

@app.post("/")
async def count(request):
    return json(request.protocol.state["requests_count"])

if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[2]), single_process=True)
"""


@pytest.mark.parametrize("server", ["sanic", "httptools", "h11"])
def test_a_protocol_counts_the_requests_of_its_connection(server: str, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(COUNTED)
    port = free_port()
    running = Process((sys.executable, "served.py", server, str(port)), tmp_path)
    url = f"http://127.0.0.1:{port}/"
    try:
        running.until(lambda: "Starting worker" in running.log)
        with requests.Session() as first, requests.Session() as second:
            counts = [running.until(lambda: attempt(first, url))]
            counts += [session.post(url, data=b"x", timeout=TIMEOUT_S).json() for session in (first, second, first)]
            assert requests.get(url, timeout=TIMEOUT_S).status_code == 405
            counts.append(second.post(url, timeout=TIMEOUT_S).json())
        assert counts == [1, 2, 1, 3, 2]
    finally:
        running.popen.terminate()
        running.popen.wait(TIMEOUT_S)


KEPT = """
import sys

if sys.argv[1] != "sanic":
    import sanic_star.compat
    sanic_star.compat.install()
    import sanic_star.servers.uvicorn as backend
    backend.HAS_HTTPTOOLS = sys.argv[1] != "h11"
from sanic import Sanic, json

app = Sanic("Kept")
app.config.KEEP_ALIVE = False
kept = []

def facts(request):
    transport = request.transport
    return [request.protocol is None, transport.get_protocol() is None, request.conn_info.lost]

@app.get("/keep/<looks>")
async def keep(request, looks):
    kept.append(request)
    return json(facts(request) if looks == "1" else [])

@app.get("/kept")
async def tell(request):
    return json([facts(request) for request in kept])

if __name__ == "__main__":
    if sys.argv[1].startswith("plain"):
        import uvicorn
        print("Starting worker", flush=True)
        uvicorn.run(app, port=int(sys.argv[2]), http=sys.argv[1].removeprefix("plain-"))
    else:
        app.run("127.0.0.1", int(sys.argv[2]), single_process=True, motd=False)
"""


@pytest.mark.parametrize("server", ["sanic", "httptools", "h11", "plain-httptools", "plain-h11"])
def test_a_request_has_no_protocol_after_its_connection(server: str, tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(KEPT)
    port = free_port()
    running = Process((sys.executable, "served.py", server, str(port)), tmp_path)
    url = f"http://127.0.0.1:{port}"
    try:
        running.until(lambda: "Starting worker" in running.log)

        def keep() -> Any:
            with suppress(requests.ConnectionError):
                return requests.get(f"{url}/keep/1", timeout=TIMEOUT_S).json()

        assert running.until(keep) == [False, False, False]
        # Asked for the first time after the connection.
        assert requests.get(f"{url}/keep/0", timeout=TIMEOUT_S).json() == []
        expected = [[False, True, True], [True, True, True]]
        running.until(lambda: requests.get(f"{url}/kept", timeout=TIMEOUT_S).json() == expected)
    finally:
        running.popen.terminate()
        running.popen.wait(TIMEOUT_S)


def attempt(session: requests.Session, url: str) -> int | None:
    """Return the count that a server answers, `None` if it does not listen yet."""
    try:
        return int(session.post(url, timeout=TIMEOUT_S).json())
    except requests.ConnectionError:
        return None


def test_the_log_warns_that_a_websocket_handler_has_no_time_limit(caplog: pytest.LogCaptureFixture) -> None:
    app = Sanic("Spoken")

    @app.websocket("/")
    async def handler(request: Request, ws: Any) -> None:
        await ws.send("hello")

    for level, lines in ("INFO", 0), ("DEBUG", 1):
        caplog.clear()
        with caplog.at_level(level, "sanic.websockets"), TestClient(app).websocket_connect("/") as websocket:
            assert websocket.receive_text() == "hello"
        records = [record for record in caplog.records if record.name == "sanic.websockets"]
        assert [record.getMessage() for record in records] == ["Handling websocket. Timeouts disabled."] * lines


def test_a_route_has_its_path_in_sanic_s_words() -> None:
    app = Sanic("Raw")

    @app.get("/a/<x:int>/<y:path>")
    async def handler(request: Request, x: int, y: str) -> Any: ...

    route: Any = app.router.routes[0]
    assert route.raw_path == "a/<x:int>/<y:path>"
    app.add_route(handler, "/written/<x>", name="written")
    route = app.router.find_route_by_view_name("written")
    assert (route.uri, route.raw_path) == ("/written/<x:str>", "written/<x>")


def test_json_dumps_writes_text() -> None:
    assert json_dumps({"a": [1, "\u00fc"]}) == '{"a":[1,"\u00fc"]}'
    assert json_dumps({"b": 1.5}, indent=2) == '{\n  "b": 1.5\n}'
    with pytest.raises(TypeError):
        json_dumps({"a": object()})


def test_nothing_is_rewritten() -> None:
    TouchUp.register(Sanic, "dispatch")
    try:
        before = Sanic.dispatch
        TouchUp.run(Sanic("Touched"))
        assert Sanic.dispatch is before
    finally:
        TouchUp._registry.clear()


def test_a_server_s_record_has_its_name() -> None:
    app = Sanic("Recorded")
    app.prepare(port=0, single_process=True)
    assert isinstance(app.state.server_info[0], ApplicationServerInfo)


SERVED = """
from sanic_star import Sanic, text
from sanic_star.compat.server import serve, try_use_uvloop
from sanic_star.compat.server.socket import bind_socket

try_use_uvloop()
app = Sanic("Served")

@app.get("/")
async def handler(request):
    return text("served")

bound = bind_socket("127.0.0.1", 0)
print(bound.getsockname()[1], flush=True)
serve(None, None, app, sock=bound)
"""


def test_serve_serves(tmp_path: Path) -> None:
    file = tmp_path / "served.py"
    file.write_text(SERVED)
    with subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with sockets.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                received = b"".join(iter(lambda: connection.recv(65536), b""))
            assert received.endswith(b"served")
        finally:
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0


def test_serve_refuses_unsupported_options() -> None:
    with pytest.raises(NotImplementedError, match="create_server"):
        server.serve("127.0.0.1", 0, Sanic("Async"), run_async=True)


def test_the_served_addresses() -> None:
    app = Sanic("Served")
    assert app.serve_location == "http://<ASGI>"
    with sockets.create_server(("127.0.0.1", 0)) as bound:
        app.prepare(sock=bound, motd=False)
        assert app.serve_location == f"http://127.0.0.1:{bound.getsockname()[1]}"
    app.state.server_info.clear()
    app.prepare(port=0, motd=False)
    assert app.serve_location == ""
    app.state.server_info.clear()
    app.prepare(unix="/tmp/served.sock", motd=False)
    assert app.serve_location == "/tmp/served.sock http://..."
    app.state.server_info.clear()


def test_a_test_may_replace_the_multiplexer() -> None:
    app = Sanic("Replaced")
    assert not hasattr(app, "multiplexer")
    stand_in: Any = SimpleNamespace(state={})
    app.multiplexer = stand_in
    assert app.multiplexer is app.m
    assert app.m is stand_in
