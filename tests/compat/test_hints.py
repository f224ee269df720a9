"""Early hints and server push: what the application sends, and what a client of HTTP/2 receives."""

from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as StarletteRequest

from sanic_star import HTTPResponse, Request, Sanic, text
from sanic_star.compat.exceptions import ServerError
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
async def test_no_early_hints_for_a_server_without_the_extension(extensions: dict[str, Any] | None) -> None:
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


@pytest.mark.parametrize("extensions", [None, EXTENSIONS])
@pytest.mark.parametrize("arguments", [(None,), (5,), (LINK.encode(),), ([None],), ([LINK, 5],), (LINK, None), (True,)])
async def test_what_is_no_text_is_no_hint(arguments: Any, extensions: dict[str, Any] | None) -> None:
    async def act(request: Request) -> str:
        with pytest.raises(TypeError, match="early hints are strings such as"):
            await request.send_early_hints(*arguments)
        return "refused"

    messages = await sent_by(app_that(act), extensions)
    assert messages[-1]["body"] == b"'refused'"


@pytest.mark.parametrize("headers", [["a"], "a: b", 5, [("a", "b")]])
async def test_the_fields_of_a_push_promise_are_a_mapping(headers: Any) -> None:
    async def act(request: Request) -> str:
        with pytest.raises(TypeError, match="are a mapping"):
            await request.send_push_promise("/a.css", headers)
        return "refused"

    messages = await sent_by(app_that(act))
    assert messages[-1]["body"] == b"'refused'"


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
async def test_invalid_push_promises_are_refused(path: Any, headers: Any, extensions: dict[str, Any] | None) -> None:
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
        with pytest.raises(ServerError, match="has to be sent before the response"):
            await request.send_early_hints(LINK)
        # A promise may come while the body is sent (RFC 9113, section 8.4.1).
        assert await request.send_push_promise("/a")
        await response.eof()
        with pytest.raises(ServerError, match="has to be sent before the response"):
            await request.send_push_promise("/a")

    kinds = [message["type"].rpartition(".")[2] for message in await sent_by(app)]
    assert kinds == ["early_hint", "start", "body", "push", "body"]


async def test_supports_reflects_the_extensions_of_the_server() -> None:
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
