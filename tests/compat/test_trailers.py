"""Trailer fields: what the application sends, what arrives over HTTP/2, and what is refused."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import trustme
from starlette.middleware.base import BaseHTTPMiddleware

from sanic_star import HTTPResponse, Request, Sanic
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.response.types import ResponseStream
from tests.engine.processes import TIMEOUT_S, process
from tests.engine.raw import Peer, http_scope

OFFER: dict[str, Any] = {"http.response.trailers": {}}
ANNOUNCED = {"trailer": "x-sum"}


async def send(app: Sanic[Any, Any], extensions: Any = OFFER, method: str = "GET") -> Peer:
    peer = Peer()
    await app(http_scope(method=method, extensions=extensions), peer.receive, peer.send)
    return peer


def kinds(peer: Peer) -> list[tuple[Any, ...]]:
    """Return what was sent: of the start whether trailers follow, of the body its parts, of the trailers the fields."""
    rows: list[tuple[Any, ...]] = []
    for message in peer.sent:
        kind = message["type"].rpartition(".")[2]
        if kind == "start":
            rows.append((kind, message.get("trailers", False)))
        elif kind == "body":
            rows.append((kind, message.get("body"), message.get("more_body", False)))
        else:
            rows.append((kind, message["headers"], message["more_trailers"]))
    return rows


END: tuple[Any, ...] = ("body", b"", False)
TRAILERS: tuple[Any, ...] = ("trailers", [(b"x-sum", b"7")], False)


@pytest.mark.parametrize(
    ("extensions", "method", "expected"),
    [
        (OFFER, "GET", [("start", True), ("body", b"part", True), END, TRAILERS]),
        ({}, "GET", [("start", False), ("body", b"part", True), END]),
        (None, "GET", [("start", False), ("body", b"part", True), END]),
        (OFFER, "HEAD", [("start", False), ("body", b"", True), END]),
    ],
)
@pytest.mark.parametrize("way", ["respond", "function"])
async def test_what_is_sent(way: str, extensions: Any, method: str, expected: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Trailers")

    async def write(response: Any) -> None:
        await response.send_trailers({"X-Sum": 7})

    @app.route("/", methods=["GET", "HEAD"])
    async def stream(request: Request) -> Any:
        if way == "function":

            async def function(response: Any) -> None:
                await response.write("part")
                await write(response)

            return ResponseStream(function, headers=ANNOUNCED)
        response = await request.respond(headers=ANNOUNCED)
        await response.send("part")
        await write(response)
        return None

    assert kinds(await send(app, extensions, method)) == expected


ENDS: dict[str, tuple[Callable[[Any], Any], list[tuple[Any, ...]]]] = {
    "without a part": (lambda response: response.send_trailers([("x-sum", 7)]), [("start", True), END, TRAILERS]),
    "several of a name": (
        lambda response: response.send_trailers([("x", 1), ("x", 2)]),
        [("start", True), END, ("trailers", [(b"x", b"1"), (b"x", b"2")], False)],
    ),
    # What was announced is completed, whatever the handler forgets.
    "none in the end": (lambda response: response.send("all"), [("start", True), ("body", b"all", True), END]),
    "in one piece": (lambda response: response.send("all", True), [("start", False), ("body", b"all", False)]),
}


@pytest.mark.parametrize(("version", "offered"), [("1.1", True), ("2", True), ("3", False)])
async def test_http3_gets_none(version: str, offered: bool) -> None:
    """hypercorn offers them over HTTP/3, and does not end the response after them."""
    app: Sanic[Any, Any] = Sanic("Trailers")
    supported: list[bool] = []

    @app.get("/")
    async def stream(request: Request) -> None:
        supported.append(request.supports("http.response.trailers"))
        response = await request.respond(headers=ANNOUNCED)
        await response.send_trailers({"x-sum": 7})

    peer = Peer()
    await app({**http_scope(extensions=OFFER), "http_version": version}, peer.receive, peer.send)
    assert supported == [offered]
    assert kinds(peer)[-1] == (TRAILERS if offered else END)


@pytest.mark.parametrize("end", ENDS)
async def test_how_it_ends(end: str) -> None:
    app: Sanic[Any, Any] = Sanic("Trailers")
    write, expected = ENDS[end]

    @app.get("/")
    async def stream(request: Request) -> None:
        await write(await request.respond(headers=ANNOUNCED))

    if end == "none in the end":
        expected = [*expected, ("trailers", [], False)]
    assert kinds(await send(app)) == expected


@pytest.mark.parametrize("extensions", [OFFER, {}], ids=["offered", "not offered"])
@pytest.mark.parametrize(
    "fields",
    [
        {"content-length": "1"},
        {"Set-Cookie": "a=b"},
        {"If-Match": "*"},
        {"transfer-encoding": "chunked"},
        {":status": "200"},
        {"x y": "1"},
        {"": "1"},
        {"x": "a\r\nb"},
        {"x": "a\0"},
        [("x", "1"), ("trailer", "x")],
    ],
)
async def test_a_field_that_may_not_be_a_trailer_is_refused(fields: Any, extensions: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Trailers")

    @app.get("/")
    async def stream(request: Request) -> None:
        response = await request.respond(headers=ANNOUNCED)
        with pytest.raises(ValueError, match=r"field|header"):
            await response.send_trailers(fields)
        # It is still open.
        await response.send_trailers({"x-sum": "7"})

    rows = kinds(await send(app, extensions))
    assert rows[1:] == ([END, TRAILERS] if extensions else [END])


async def test_what_was_not_announced_or_is_over_is_an_error() -> None:
    app: Sanic[Any, Any] = Sanic("Trailers")

    @app.get("/")
    async def stream(request: Request) -> None:
        with pytest.raises(SanicException, match="No stream"):
            await HTTPResponse().send_trailers({"x": 1})
        response = await request.respond()
        with pytest.raises(ServerError, match="'trailer'"):
            await response.send_trailers({"x": 1})
        await response.eof()
        with pytest.raises(ServerError, match="ended"):
            await response.send_trailers({"x": 1})

    assert kinds(await send(app))[0] == ("start", False)


async def test_middleware_that_knows_no_trailers_leaves_them_out() -> None:
    app: Sanic[Any, Any] = Sanic("Trailers")

    class Passes(BaseHTTPMiddleware):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            return await call_next(request)

    app.add_middleware(Passes)

    @app.get("/")
    async def stream(request: Request) -> None:
        response = await request.respond(headers=ANNOUNCED)
        await response.send_trailers({"x-sum": 7})

    assert kinds(await send(app))[0] == ("start", False)


SCRIPT = """
@app.get("/sum")
async def stream(request):
    response = await request.respond(headers={"trailer": "x-sum, x-late"})
    await response.send("part")
    await response.send_trailers({"x-sum": "7", "x-late": "ü"})

if __name__ == "__main__":
    app.run(port=0, motd=False, ssl=".", version=2, server="hypercorn")
"""


def test_over_http_2(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "privkey.pem")
    for pem in issued.cert_chain_pems:
        pem.write_to_path(tmp_path / "fullchain.pem", append=True)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with process(tmp_path, SCRIPT) as served:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", served.port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            trailers = trailers_of(secure)
        assert trailers == {1: [(b"x-sum", b"7"), (b"x-late", "ü".encode())], 3: []}
        assert "Traceback" not in served.log


def trailers_of(connection: ssl.SSLSocket) -> dict[int, list[tuple[bytes, bytes]]]:
    """Return the trailer fields of two responses, to a client that takes some and to one that does not say so."""
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
    speaker.initiate_connection()
    for stream, more in ((1, [("te", "trailers")]), (3, [])):
        names = [(":method", "GET"), (":path", "/sum"), (":scheme", "https"), (":authority", "localhost"), *more]
        speaker.send_headers(stream, names, end_stream=True)
    trailers: dict[int, list[tuple[bytes, bytes]]] = {1: [], 3: []}
    open_streams = {1, 3}
    while open_streams:
        connection.sendall(speaker.data_to_send())
        for event in speaker.receive_data(connection.recv(65536)):
            if isinstance(event, h2.events.TrailersReceived):
                assert event.stream_id is not None
                trailers[event.stream_id] = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
            elif isinstance(event, h2.events.StreamEnded):
                assert event.stream_id is not None
                open_streams.discard(event.stream_id)
    return trailers
