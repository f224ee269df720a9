"""Clients of `sanic_testing` on real sockets, for tests that need one."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from sanic_star import Request, Sanic, Websocket, json
from sanic_star.compat.response import HTTPResponse
from sanic_star.testing import SanicTestClient
from tests.testing.apps import app_of, describe


@pytest.fixture
def app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("socketed")
    app.ctx.events = []

    for phase in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):

        def note(app: Sanic[Any, Any], phase: str = phase) -> None:
            app.ctx.events.append(phase)

        app.register_listener(note, phase)

    @app.get("/")
    async def show(request: Request) -> HTTPResponse:
        return json(
            {
                "scheme": request.scheme,
                "host": request.host,
                "cookies": dict(request.cookies),
                "thread": threading.get_ident(),
                # uvicorn does not know of the extension through which the clients in process get their request.
                "real": "sanic_star.testing" not in request.scope.get("extensions", {}),
            }
        )

    @app.get("/hang")
    async def hang(request: Request) -> None:
        await asyncio.Event().wait()

    @app.websocket("/ws")
    async def echo(request: Request, ws: Websocket) -> None:
        await ws.send(f"{request.headers.get('x-a')} {request.args.get('q')} {request.cookies.get('c')}")
        async for message in ws:
            await ws.send(f"echo {message!s}")

    return app


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return {"cert": str(cert), "key": str(key)}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_in_process_is_the_rule(app: Sanic[Any, Any]) -> None:
    assert not app.test_client.get("/")[1].json["real"]
    assert not app.test_client.get("/", server_kwargs={"access_log": True, "motd": False, "workers": 1})[1].json["real"]
    assert app.config.ACCESS_LOG is True


def test_a_port(app: Sanic[Any, Any]) -> None:
    port = free_port()
    client = SanicTestClient(app, port=port)
    for _ in range(2):
        request, response = client.get("/")
        assert response.json == {
            "scheme": "http",
            "host": f"127.0.0.1:{port}",
            "cookies": {},
            # The app runs in the test's thread, where a breakpoint stops the test.
            "thread": threading.get_ident(),
            "real": True,
        }
        assert (request.path, request.server_port, request.ip) == ("/", port, "127.0.0.1")
        assert request.id
    assert client.port == port
    assert (
        app.ctx.events == ["before_server_start", "after_server_start", "before_server_stop", "after_server_stop"] * 2
    )


@pytest.mark.parametrize("keywords", [{"host": "localhost"}, {"server_kwargs": {"host": "localhost"}}])
def test_a_host(app: Sanic[Any, Any], keywords: dict[str, Any]) -> None:
    client = app.test_client
    response = client.get("/", **keywords)[1]
    assert response.json["real"]
    assert response.json["host"] == f"localhost:{client.port}" == f"localhost:{response.url.port}"
    # The port was not asked for, so the next call is in process again.
    assert not client.get("/")[1].json["real"]


def test_a_port_and_a_socket_of_the_server(app: Sanic[Any, Any]) -> None:
    port = free_port()
    assert app.test_client.get("/", server_kwargs={"port": port})[1].json["host"] == f"127.0.0.1:{port}"
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    assert app.test_client.get("/", server_kwargs={"sock": bound})[1].json["host"] == f"127.0.0.1:{port}"
    assert bound.fileno() == -1


def test_a_unix_socket(app: Sanic[Any, Any], tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    _, response = app.test_client.get("/", server_kwargs={"unix": str(path)})
    assert response.json["real"]
    assert not path.exists()

    async def mimic(ws: Any) -> None:
        assert await ws.recv() == "None None None"

    assert app.test_client.websocket("/ws", mimic=mimic, server_kwargs={"unix": str(path)})[1].opened


@needs_openssl
def test_tls(app: Sanic[Any, Any], certificate: dict[str, str]) -> None:
    request, response = app.test_client.get("/", server_kwargs={"ssl": certificate})
    assert (response.json["scheme"], request.scheme) == ("https", "https")

    async def mimic(ws: Any) -> None:
        await ws.recv()

    assert app.test_client.websocket("/ws", mimic=mimic, server_kwargs={"ssl": certificate})[1].opened


@needs_openssl
def test_tls_with_an_url_a_context_and_a_client_that_looks_at_the_certificate(
    app: Sanic[Any, Any], certificate: dict[str, str]
) -> None:
    port = free_port()
    context = ssl.create_default_context(purpose=ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate["cert"], certificate["key"])
    client = SanicTestClient(app, port=port)
    keywords = {"server_kwargs": {"ssl": context}}
    url = f"https://localhost:{port}/"
    assert client.get(url, **keywords)[1].status == 200
    assert client.get(url, **keywords, session_kwargs={"verify": certificate["cert"]})[1].status == 200
    with pytest.raises(ValueError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(url, **keywords, session_kwargs={"verify": True})


def test_a_websocket(app: Sanic[Any, Any]) -> None:
    async def mimic(ws: Any) -> None:
        assert await ws.recv() == "b 1 d"
        await ws.send("x")
        assert await ws.recv() == "echo x"
        assert await (await ws.ping()) >= 0
        await ws.pong()
        assert (ws.open, ws.closed, ws.path, ws.subprotocol) == (True, False, "/ws?q=1", None)
        assert ws.response_headers["upgrade"] == "websocket"
        assert ws.request_headers["x-a"] == "b"
        assert ws.latency >= 0
        await ws.close()
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason) == (1000, "")

    client = SanicTestClient(app, port=free_port())
    keywords: dict[str, Any] = {"extra_headers": {"X-A": "b"}, "params": {"q": "1"}, "cookies": {"c": "d"}}
    request, proxy = client.websocket("/ws", True, mimic=mimic, **keywords)
    assert (request.path, proxy.opened) == ("/ws", True)
    assert proxy.client_sent == proxy.server_received == ["x"]
    assert proxy.client_received == proxy.server_sent == ["b 1 d", "echo x"]


def test_a_websocket_that_is_refused_or_too_long(app: Sanic[Any, Any]) -> None:
    client = SanicTestClient(app, port=free_port())
    with pytest.raises(ValueError, match="status_code=404"):
        client.websocket("/nowhere")

    async def mimic(ws: Any) -> None:
        await ws.recv()

    # In process there are no frames to be too long.
    with pytest.raises(ValueError, match="1009"):
        app.test_client.websocket("/ws", mimic=mimic, max_size=2)


def test_an_address_that_another_process_has_is_waited_for(app: Sanic[Any, Any]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        client = SanicTestClient(app, port=other.getsockname()[1])
        leaves = threading.Timer(0.2, other.close)
        leaves.start()
        assert client.get("/")[1].json["real"]
        leaves.join()


def test_an_address_that_is_never_released(app: Sanic[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanic_star.testing._transports.sockets.ADDRESS_WAIT_S", 0.0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        client = SanicTestClient(app, port=other.getsockname()[1])
        with pytest.raises(OSError, match="if the test names no port, a free one is used"):
            client.get("/")
    assert app.ctx.events == []


def test_a_hanging_application_does_not_hang_the_test(app: Sanic[Any, Any]) -> None:
    client = SanicTestClient(app, port=free_port())
    with pytest.raises(ValueError, match=r"no answer to GET /hang within 0\.1 s: it waits at .* in hang \(await"):
        client.get("/hang", timeout=0.1)
    request, none = client.get("/hang", timeout=0.1, allow_none=True)
    assert request.path == "/hang"
    assert none is None
    assert client.get("/")[1].status == 200


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({"workers": 2}, ValueError, "leave workers=2 out of server_kwargs"),
        ({"auto_reload": True}, ValueError, "leave auto_reload=True out of server_kwargs"),
        ({"foo": 1}, TypeError, "has no 'foo'"),
        ({"unix": "/nonexistent/app.sock"}, OSError, "/nonexistent/app.sock"),
        ({"ssl": "/nonexistent"}, ValueError, "/nonexistent"),
    ],
)
def test_bad_server_kwargs(app: Sanic[Any, Any], keywords: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        app.test_client.get("/", server_kwargs=keywords)
    assert app.test_client.get("/")[1].status == 200


def test_an_app_of_another_kind_in_process_only() -> None:
    app: Starlette = app_of(describe)
    assert SanicTestClient(app, port=99).get("/")[1].json["headers"]["host"] == "127.0.0.1:99"
    with pytest.raises(TypeError, match="only an application of this package can be served on a socket"):
        SanicTestClient(app).get("/", server_kwargs={"ssl": "x"})
