"""Addresses and protocols: ports, unix sockets, TLS, HTTP/2, several applications."""

import asyncio
import errno
import os
import socket
import ssl
import stat
import sys
import time
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import requests
import trustme

from sanic_star.servers import CannotServe, Settings, hypercorn
from sanic_star.servers.settings import TLS
from sanic_star.servers.sockets import Sockets, bind_tcp, bind_unix, location
from tests.engine.processes import TIMEOUT_S, process


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A directory with a certificate for localhost and 127.0.0.1, and with that of its authority."""
    authority = trustme.CA()
    made = authority.issue_cert("localhost", "127.0.0.1")
    made.private_key_pem.write_to_path(tmp_path / "privkey.pem")
    for number, part in enumerate(made.cert_chain_pems):
        part.write_to_path(tmp_path / "fullchain.pem", append=number > 0)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path


RUN = "\nif __name__ == '__main__':\n    app.run(port=0, motd=False, {})\n"


@pytest.mark.parametrize(
    "how",
    [
        "ssl='.'",
        "ssl={'cert': 'fullchain.pem', 'key': 'privkey.pem'}, workers=2",
        "ssl=('fullchain.pem', 'privkey.pem'), server='granian'",
        "ssl=['.'], server='hypercorn'",
    ],
)
def test_tls(certificate: Path, how: str) -> None:
    with process(certificate, RUN.format(how)) as server:
        url = f"https://localhost:{server.port}/"
        answer = server.until(lambda: _attempt(url, certificate))
        assert answer.status_code == 200
        # `requests` keeps the connection, and says no farewell.
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 12  # less than the graceful time-out


def _attempt(url: str, certificate: Path) -> requests.Response | None:
    try:
        return requests.get(url, timeout=TIMEOUT_S, verify=str(certificate / "ca.pem"))
    except requests.exceptions.SSLError:
        raise
    except requests.ConnectionError:
        return None


def test_a_context_serves_one_process_only(certificate: Path) -> None:
    script = """
    import ssl
    if __name__ == "__main__":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain("fullchain.pem", "privkey.pem")
        app.run(port=0, motd=False, ssl=context, workers=int(sys.argv[1]), server=sys.argv[2])
    """
    with process(certificate, script, sys.executable, "served.py", "1", "uvicorn") as server:
        url = f"https://localhost:{server.port}/"
        assert server.until(lambda: _attempt(url, certificate)).status_code == 200
        assert server.terminate() == 0
    for arguments, words in (
        (("2", "uvicorn"), "paths instead of an SSLContext"),
        (("1", "granian"), "pass their paths"),
    ):
        with process(certificate, script, sys.executable, "served.py", *arguments) as server:
            assert server.wait_for_end() == 1
        assert words in server.log
        assert "Traceback" not in server.log


@pytest.mark.parametrize("server", ["hypercorn", "granian"])
def test_http_2(certificate: Path, server: str) -> None:
    with process(certificate, RUN.format(f"ssl='.', version=2, server='{server}'")) as served:
        port = served.port
        context = ssl.create_default_context(cafile=str(certificate / "ca.pem"))
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            assert secure.selected_alpn_protocol() == "h2"
            assert two_requests(secure) == {1: (b"200", str(served.popen.pid)), 3: (b"404", None)}
        assert served.terminate() == 0


def two_requests(connection: ssl.SSLSocket) -> dict[int, tuple[bytes, str | None]]:
    """Send two requests at once over one HTTP/2 connection; return status and body of each, a 404 without."""
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    speaker.initiate_connection()
    for stream, path in ((1, "/"), (3, "/none")):
        names = ((":method", "GET"), (":path", path), (":scheme", "https"), (":authority", "localhost"))
        speaker.send_headers(stream, names, end_stream=True)
    status: dict[int, bytes] = {}
    bodies: dict[int, bytes] = {1: b"", 3: b""}
    open_streams = {1, 3}
    while open_streams:
        connection.sendall(speaker.data_to_send())
        for event in speaker.receive_data(connection.recv(65536)):
            if isinstance(event, h2.events.ResponseReceived):
                status[event.stream_id] = dict(event.headers)[b":status"]
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] += event.data
            elif isinstance(event, h2.events.StreamEnded):
                open_streams.discard(event.stream_id)
    return {
        stream: (status[stream], bodies[stream].decode() if status[stream] == b"200" else None) for stream in (1, 3)
    }


@pytest.mark.parametrize("how", ["", "workers=2", "server='hypercorn'", "server='granian'"])
def test_a_unix_socket(tmp_path: Path, how: str) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # a server that was killed has left it
    with process(tmp_path, f"\nif __name__ == '__main__':\n    app.run(unix='s.sock', {how})\n") as server:
        server.until(lambda: "Listening on unix:s.sock" in server.log)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert server.terminate() == 0
    assert not path.exists()


def test_a_given_socket(tmp_path: Path) -> None:
    script = """
    import socket
    if __name__ == "__main__":
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        app.run(sock=bound, workers=2, motd=False)
    """
    with process(tmp_path, script) as server:
        assert server.get().status_code == 200
        assert server.terminate() == 0


def test_several_applications_on_several_ports(tmp_path: Path) -> None:
    script = """
    other = Sanic("Other")

    @other.get("/")
    async def second(request):
        return text("second")

    for each in (app, other):
        for event in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
            each.register_listener(lambda app, event=event: say("of", app.name, event), event)

    if __name__ == "__main__":
        app.prepare(port=0, motd=False)
        other.prepare(port=0, motd=False)
        app.prepare(port=0, motd=False)
        Sanic.serve()
        say("returned")
    """
    with process(tmp_path, script) as server:
        server.until(lambda: server.log.count("Listening on") == 3)
        ports = [int(line.rsplit(":", 1)[1]) for line in server.log.splitlines() if "Listening on" in line]
        answers = [requests.get(f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S).text for port in ports]
        assert answers == [str(server.popen.pid), str(server.popen.pid), "second"]
        assert server.terminate() == 0
    names = [line.removeprefix("of ").strip() for line in server.lines if line.startswith("of ")]
    assert names[:4] == [
        "Served before_server_start",
        "Served after_server_start",
        "Other before_server_start",
        "Other after_server_start",
    ]
    # The one that was started last is stopped first, and each once.
    assert names[4:6] == ["Other before_server_stop", "Served before_server_stop"]
    assert sorted(names[6:]) == ["Other after_server_stop", "Served after_server_stop"]
    assert "returned" in server.log


# What can't be listened on ------------------------------------------------------------------------------------------


def test_addresses_that_cannot_be_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"Cannot listen on 127.0.0.1:{port}: .*in use"):
            bind_tcp("127.0.0.1", port)
    with pytest.raises(CannotServe, match="Cannot listen on host 'no such host'"):
        bind_tcp("no such host", 0)
    with pytest.raises(CannotServe, match=r"192\.0\.2\.1"):
        bind_tcp("192.0.2.1", 0)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CannotServe, match="not a socket"):
        bind_unix(str(tmp_path / "file"))
    # A short path, wherever temporary files are: a unix socket has 107 bytes for it.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotServe, match="No such file"):
        bind_unix("none/s.sock")
    assert (tmp_path / "file").read_text() == "precious"


def test_bound_sockets_are_closed_if_a_later_one_fails(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    with pytest.raises(CannotServe):
        Sockets([Settings(unix=path), Settings(host="192.0.2.1", port=0)])
    assert not os.path.exists(path)


def test_the_socket_of_a_successor_is_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    first = Sockets([Settings(unix=path)])
    with Sockets([Settings(unix=path)]):
        first.close()
        assert os.path.exists(path)
    assert not os.path.exists(path)


def test_no_unix_sockets_on_some_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(CannotServe, match="no unix sockets"):
        bind_unix("s.sock")


def test_why_an_address_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    with bind_tcp("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(CannotServe, match="taken by another program"):
            bind_tcp(*taken.getsockname())
    with pytest.raises(CannotServe, match="an address of this machine"):
        bind_tcp("192.0.2.1", 0)  # RFC 5737: nobody has it
    with pytest.raises(CannotServe, match="host 'no such host'"):
        bind_tcp("no such host", 0)

    class Forbidden(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "socket", Forbidden)
    with pytest.raises(CannotServe, match=r"127\.0\.0\.1:80: Permission denied\. Does this port need a privilege"):
        bind_tcp("127.0.0.1", 80)


def test_the_port_of_http3_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for bound in ([], [bind_tcp("127.0.0.1", port)]):
            with pytest.raises(CannotServe, match=f"UDP port {port}"):
                Sockets([Settings(port=port, version=3)], bound)


def test_paths_that_cannot_be_listened_on(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for path, words in (
        (file, "not a socket"),
        (tmp_path / "no" / "s", "No such file"),
        (tmp_path / ("s" * 200), "long"),
    ):
        with pytest.raises(CannotServe, match=words):
            bind_unix(str(path))
    assert file.read_text() == "mine"


def test_locations() -> None:
    with bind_tcp("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert location(bound) == f"http://127.0.0.1:{port}"
        assert location(bound, tls=True) == f"https://127.0.0.1:{port}"


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate / "fullchain.pem", certificate / "privkey.pem")
    return made


async def test_hypercorn_leaves_servers_alone_that_are_not_its_own(certificate: Path) -> None:
    loop: Any = asyncio.get_running_loop()
    plain, secure = Settings(port=0), Settings(port=0, tls=TLS(lambda: context(certificate)))
    served: list[asyncio.Server] = []
    before = loop.create_server
    with Sockets([secure, plain]) as sockets:
        with (
            hypercorn._record_servers(secure, sockets[0]) as of_one,
            hypercorn._record_servers(plain, sockets[1]) as of_other,
        ):
            for bound, ssl_context in ((sockets[0][0], context(certificate)), (sockets[1][0], None), (None, None)):
                where: Any = {"host": "127.0.0.1", "port": 0} if bound is None else {"sock": bound, "ssl": ssl_context}
                served.append(await asyncio.start_server(lambda reader, writer: writer.close(), **where))
        for server in served:
            server.close()
        assert (of_one, of_other) == ([served[0]], [served[1]])
    assert loop.create_server == before


async def test_hypercorn_registers_no_server_after_its_end() -> None:
    plain = Settings(port=0)
    with Sockets([plain, plain]) as sockets:
        first, second = (hypercorn._record_servers(plain, bound) for bound in sockets)
        noted = first.__enter__()
        with second as others:
            first.__exit__(None, None, None)
            for bound in sockets:
                server = await asyncio.start_server(lambda reader, writer: writer.close(), sock=bound[0])
                server.close()
    assert (noted, others) == ([], [server])
