"""Early hints and server push: what the application sends, and what a client of HTTP/2 sees of it."""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.exceptions import ServerError
from tests.engine.processes import PATIENCE, Process, process
from tests.engine.raw import Peer, http_scope

EXTENSIONS: dict[str, Any] = {"http.response.push": {}, "http.response.early_hint": {}}
LINK, SCRIPT = "</style.css>; rel=preload; as=style", "<https://cdn.example.org/a.js>; rel=preload; as=script"


async def sent_by(app: Any, extensions: dict[str, Any] | None = EXTENSIONS, **scope: Any) -> list[Any]:
    """Send a request to an application, and return the ASGI messages of the answer."""
    peer = Peer()
    await app(http_scope(extensions=extensions, **scope), peer.receive, peer.send)
    return peer.sent


def app_that(act: Any, **options: Any) -> Sanic[Any, Any]:
    """Make an application whose handler does something, and answers with what comes of it."""
    app = Sanic("Hints", **options)

    @app.get("/")
    async def handler(request: Request) -> HTTPResponse:
        return text(repr(await act(request)))

    return app


@pytest.mark.parametrize(
    ("arguments", "links"),
    [((LINK,), [LINK]), ((LINK, SCRIPT), [LINK, SCRIPT]), (([LINK, SCRIPT],), [LINK, SCRIPT]), (("<>",), ["<>"])],
)
async def test_early_hints_go_ahead_of_the_response(arguments: Any, links: list[str]) -> None:
    messages = await sent_by(app_that(lambda request: request.send_early_hints(*arguments)))
    assert messages[0] == {"type": "http.response.early_hint", "links": [link.encode() for link in links]}
    assert [message["type"] for message in messages[1:]] == ["http.response.start", "http.response.body"]
    assert messages[2]["body"] == b"True"


@pytest.mark.parametrize("extensions", [None, {}, {"http.response.push": {}}])
async def test_a_server_without_early_hints_gets_none(extensions: dict[str, Any] | None) -> None:
    messages = await sent_by(app_that(lambda request: request.send_early_hints(LINK)), extensions)
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert messages[1]["body"] == b"False"


@pytest.mark.parametrize("extensions", [None, EXTENSIONS])
@pytest.mark.parametrize(
    "links",
    [
        "</a>\r\nset-cookie: a=b", "</a>\nx: y", "</a>\r", "</a>\x00", "", "/style.css", "style.css", "<a", "<a b>",
        "</a> </b>", "x</a>", [], [LINK, "/style.css"], ["</a>; title=\r\n"],
    ],
)  # fmt: skip
async def test_early_hints_are_links(links: Any, extensions: dict[str, Any] | None) -> None:
    async def act(request: Request) -> None:
        with pytest.raises(ValueError, match=r"early hints|header 'link'"):
            await request.send_early_hints(links)

    messages = await sent_by(app_that(act), extensions)
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert messages[1]["body"] == b"None"


async def test_a_push_promise_is_made_of_the_request() -> None:
    fields = [(b"host", b"h"), (b"accept", b"text/css"), (b"user-agent", b"a"), (b"cookie", b"a=b")]
    fields.append((b"accept", b"*/*"))
    app = app_that(lambda request: request.send_push_promise("/a.css?v=2"))
    messages = await sent_by(app, headers=fields)
    assert messages[0] == {
        "type": "http.response.push",
        "path": "/a.css?v=2",
        "headers": [(b"accept", b"text/css"), (b"user-agent", b"a"), (b"accept", b"*/*")],
    }
    assert messages[2]["body"] == b"True"
    app = app_that(lambda request: request.send_push_promise("/", headers={"Accept": "image/*", "X-Id": "1"}))
    assert (await sent_by(app, headers=fields))[0]["headers"] == [
        (b"user-agent", b"a"), (b"accept", b"image/*"), (b"x-id", b"1")
    ]  # fmt: skip


async def test_a_server_without_push_gets_no_promise() -> None:
    messages = await sent_by(app_that(lambda request: request.send_push_promise("/a")), {})
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert messages[1]["body"] == b"False"


@pytest.mark.parametrize("extensions", [None, EXTENSIONS])
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("", None), ("a.css", None), ("https://example.org/", None), ("/a b", None), ("/a\r\nx: y", None),
        ("/\x00", None), ("/ä", None), ("/a#b", None), (b"/a", None), (None, None), ("/", {"x": "a\r\nb: c"}),
        ("/", {"x\r\n": "a"}), ("/", {":path": "/other"}), ("/", {"": "a"}),
    ],
)  # fmt: skip
async def test_what_is_no_push_promise_is_refused(path: Any, headers: Any, extensions: dict[str, Any] | None) -> None:
    async def act(request: Request) -> None:
        with pytest.raises(ValueError, match=r"a push promise|header"):
            await request.send_push_promise(path, headers)

    messages = await sent_by(app_that(act), extensions)
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert messages[1]["body"] == b"None"


async def test_nothing_is_sent_ahead_of_a_response_that_is_sent() -> None:
    app = Sanic("Late")

    @app.get("/")
    async def handler(request: Request) -> None:
        response = await request.respond(content_type="text/plain")
        # Nothing of it is sent yet.
        assert await request.send_early_hints(LINK)
        await response.send("a")
        with pytest.raises(ServerError, match="comes before the response"):
            await request.send_early_hints(LINK)
        # A promise may come while the body is sent (RFC 9113, section 8.4.1).
        assert await request.send_push_promise("/a")
        await response.eof()
        with pytest.raises(ServerError, match="comes before the response"):
            await request.send_push_promise("/a")

    kinds = [message["type"].rpartition(".")[2] for message in await sent_by(app)]
    assert kinds == ["early_hint", "start", "body", "push", "body"]


async def test_supports_tells_what_the_server_offers() -> None:
    def names(request: Request) -> Any:
        return [request.supports(name) for name in ("http.response.push", "http.response.early_hint", "x")]

    async def act(request: Request) -> Any:
        return names(request)

    assert (await sent_by(app_that(act)))[1]["body"] == b"[True, True, False]"
    assert (await sent_by(app_that(act), None))[1]["body"] == b"[False, False, False]"
    assert (await sent_by(app_that(act), {}))[1]["body"] == b"[False, False, False]"


async def test_an_error_after_early_hints_is_answered_through_middleware() -> None:
    class Pass:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, *arguments: Any) -> None:
            await self.app(*arguments)

    async def act(request: Request) -> None:
        await request.send_early_hints(LINK)
        await request.send_push_promise("/a")
        raise LookupError("lost")

    for middleware in ([], [Middleware(Pass)], [Middleware(GZipMiddleware)]):
        app = app_that(act, middleware=middleware)
        peer = Peer()
        with pytest.raises(LookupError):
            await app(http_scope(extensions=EXTENSIONS), peer.receive, peer.send)
        starts = [message for message in peer.sent if message["type"] == "http.response.start"]
        assert [start["status"] for start in starts] == [500], middleware


async def test_a_body_above_the_limit_is_refused_after_early_hints() -> None:
    # The refusal looks at the start of the response, which is not the first message here.
    class Hint:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await StarletteRequest(scope, receive, send).send_early_hints(LINK)
            await text("accepted")(scope, receive, send)

    app = Sanic("Limit", middleware=[Middleware(Hint)])
    app.config.REQUEST_MAX_SIZE = 10
    messages = await sent_by(app, method="POST", headers=[(b"content-length", b"11")])
    assert [message.get("status") for message in messages if message["type"] == "http.response.start"] == [413]


async def test_starlettes_own_requests_send_them_too() -> None:
    async def act(request: Request) -> None:
        await request.starlette.send_early_hints(LINK)
        await request.starlette.send_push_promise("/a")

    kinds = [message["type"].rpartition(".")[2] for message in await sent_by(app_that(act))]
    assert kinds == ["early_hint", "push", "start", "body"]


SCRIPT_OF_SERVER = """
from sanic_star import json
from starlette.middleware.cors import CORSMiddleware
app.add_middleware(CORSMiddleware)

@app.get("/hint")
async def hint(request):
    sent = await request.send_early_hints("</style.css>; rel=preload; as=style", "</a.js>; rel=preload; as=script")
    return json([sent, request.supports("http.response.early_hint")])

@app.get("/push")
async def push(request):
    sent = await request.send_push_promise("/style.css?v=2", headers={"x-promise": "1"})
    return json([sent, request.supports("http.response.push")])

@app.get("/style.css")
async def style(request):
    return text(f"{request.query_string} {request.headers.get('accept')} {request.headers.get('x-promise')}")
"""


def ask(port: int, path: str, push: bool = True) -> tuple[list[Any], dict[int, bytes]]:
    """Send a request over HTTP/2, and return what came before the responses, and the bodies by their streams."""
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    speaker.initiate_connection()
    if not push:
        speaker.update_settings({h2.settings.SettingCodes.ENABLE_PUSH: 0})
    names = ((":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "localhost"))
    speaker.send_headers(1, (*names, ("accept", "text/css")), end_stream=True)
    ahead: list[Any] = []
    bodies: dict[int, bytes] = {1: b""}
    open_streams = {1}
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        while open_streams:
            connection.sendall(speaker.data_to_send())
            received = connection.recv(65536)
            assert received, "the server has closed the connection"
            for event in speaker.receive_data(received):
                headers: Any = getattr(event, "headers", None)
                if isinstance(event, h2.events.InformationalResponseReceived):
                    ahead.append([field for field in headers if field[0] in (":status", "link")])
                elif isinstance(event, h2.events.PushedStreamReceived):
                    fields = dict(headers)
                    assert event.pushed_stream_id is not None
                    ahead.append((fields[":path"], fields.get("accept"), fields.get("x-promise")))
                    bodies[event.pushed_stream_id] = b""
                    open_streams.add(event.pushed_stream_id)
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    open_streams.discard(event.stream_id)
    return ahead, bodies


HINTS = [(":status", "103"), ("link", LINK), ("link", "</a.js>; rel=preload; as=script")]
SERVERS = {
    "hypercorn": ("-m", "hypercorn", "--bind", "127.0.0.1:0", "served:app"),
    "uvicorn": ("-m", "uvicorn", "--http", "zttp", "--http2", "--host", "127.0.0.1", "--port", "0", "served:app"),
}


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Process]]:
    folder: Path = tmp_path_factory.mktemp("hints")
    with process(folder, SCRIPT_OF_SERVER, sys.executable, *SERVERS[request.param]) as running:
        running.get()
        yield request.param, running


def test_a_client_of_http_2_gets_early_hints(server: tuple[str, Process]) -> None:
    ahead, bodies = ask(server[1].port, "/hint")
    assert ahead == [HINTS]
    assert json.loads(bodies[1]) == [True, True]


def test_a_client_of_http_2_gets_what_is_pushed(server: tuple[str, Process]) -> None:
    name, running = server
    ahead, bodies = ask(running.port, "/push")
    if name == "hypercorn":
        assert ahead == [("/style.css?v=2", "text/css", "1")]
        assert json.loads(bodies.pop(1)) == [True, True]
        assert list(bodies.values()) == [b"v=2 text/css 1"]
        # hypercorn drops the promise for a client that takes none.
        ahead, bodies = ask(running.port, "/push", push=False)
        assert (ahead, json.loads(bodies[1])) == ([], [True, True])
    else:
        assert (ahead, json.loads(bodies[1])) == ([], [False, False])


def test_over_http_1_nothing_is_sent_ahead(server: tuple[str, Process]) -> None:
    for path in ("/hint", "/push"):
        response = server[1].get(path)
        assert (response.status_code, response.json()) == (200, [False, False])
