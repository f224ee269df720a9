import asyncio
import logging
import socket
from urllib.parse import quote

import pytest
from sanic import Blueprint, Sanic, exceptions
from sanic.request import Request
from sanic.response import HTTPResponse, empty, file_stream, html, json, raw, redirect, text
from sanic.views import HTTPMethodView
from sanic_testing import TestManager
from sanic_testing.reusable import HOST, PORT, ReusableClient
from sanic_testing.testing import (
    ASGI_BASE_URL,
    ASGI_HOST,
    ASGI_PORT,
    SanicASGITestClient,
    SanicTestClient,
    TestingResponse,
)
from sanic_testing.websocket import WebsocketProxy, websocket_proxy

VERBS = ["get", "post", "put", "patch", "delete", "options", "head"]


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb(app, seen, verb):
    @app.route("/", methods=[verb])
    def handler(request):
        return text(request.method)

    request, response = getattr(app.test_client, verb)("/")
    assert (request.method, response.status) == (verb.upper(), 200)
    seen([response.text, response.content_type, response.headers.get("content-length")])


@pytest.mark.parametrize("verb", VERBS)
async def test_each_verb_asgi(app, seen, verb):
    @app.route("/", methods=[verb])
    def handler(request):
        return text(request.method)

    request, response = await getattr(app.asgi_client, verb)("/")
    assert (request.method, response.status) == (verb.upper(), 200)
    seen([response.text, response.content_type])


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_reusable(app, seen, verb):
    @app.route("/", methods=[verb])
    def handler(request):
        return text(request.method)

    client = ReusableClient(app)
    with client:
        request, response = getattr(client, verb)("/")
        assert (request.method, response.status) == (verb.upper(), 200)
        seen([response.text, response.content_type])


@pytest.mark.parametrize("verb", VERBS)
def test_method_not_allowed(app, seen, verb):
    @app.route("/", methods=["POST" if verb == "get" else "GET"], name="it")
    def handler(request):
        return text("")

    _, response = getattr(app.test_client, verb)("/")
    seen([response.status, response.text, sorted(response.headers.get("allow", "").split(", "))])


def test_addresses(seen):
    seen([HOST, PORT, ASGI_HOST, ASGI_PORT, ASGI_BASE_URL])
    assert HOST == "127.0.0.1"


def test_clients_are_cached(app):
    assert app.test_client is app.test_client
    assert app.asgi_client is app.asgi_client
    assert isinstance(app.test_client, SanicTestClient)
    assert isinstance(app.asgi_client, SanicASGITestClient)


def test_manager(app):
    manager = TestManager(app)
    assert manager.test_client is app.test_client
    assert manager.asgi_client is app.asgi_client


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda: text("plain"), "text"),
        (lambda: json({"a": [1, None, "é"]}), "json"),
        (lambda: html("<p>é</p>"), "html"),
        (lambda: raw(b"\x00\xff"), "raw"),
        (lambda: empty(), "empty"),
        (lambda: text("made", status=201, headers={"X-A": "1"}), "201"),
        (lambda: HTTPResponse("plain", content_type="text/x-a"), "own"),
    ],
)
def test_response(app, seen, made, name):
    @app.get("/")
    def handler(request):
        return made()

    _, response = app.test_client.get("/")
    assert isinstance(response, TestingResponse)
    assert response.status == response.status_code
    assert response.body == response.content
    seen([response.status, response.body.hex(), response.json, response.content_type, response.headers.get("x-a")])


def test_json_is_none_where_it_is_none(app):
    @app.get("/")
    def handler(request):
        return text("{")

    _, response = app.test_client.get("/")
    assert response.json is None


@pytest.mark.parametrize(
    "keywords",
    [
        {"json": {"a": 1}},
        {"data": {"a": "1", "b": ["2", "3"]}},
        {"data": b"bytes"},
        {"content": "text é"},
        {"content": b""},
        {"params": {"a": [1, 2], "b": True, "c": None}},
        {"params": [("a", "1"), ("a", "2")]},
        {"headers": {"X-One": "1", "x-two": "2"}},
        {"cookies": {"a": "1"}},
        {"files": {"file": ("a.txt", b"content", "text/plain")}},
        {"files": {"file": b"content"}, "data": {"a": "b"}},
        {"auth": ("user", "secret")},
    ],
    ids=lambda keywords: "-".join(keywords),
)
def test_what_is_sent(app, seen, keywords):
    @app.post("/")
    def handler(request):
        files = {name: [[one.name, one.type, one.body.decode()] for one in all] for name, all in request.files.items()}
        body = "" if request.files else request.body.decode()
        kind = (request.headers.get("content-type") or "").partition(";")[0]
        one = [request.headers.get("x-one"), request.headers.getall("x-two", []), request.headers.get("authorization")]
        return json([body, kind, request.args, request.form, files, one, dict(request.cookies), request.query_string])

    _, response = app.test_client.post("/", **keywords)
    assert response.status == 200
    seen(response.json)


def test_the_request_stays_readable(app, seen):
    @app.post("/a/<number:int>", name="it")
    def handler(request, number):
        request.ctx.number = number
        return text("")

    request, _ = app.test_client.post("/a/5?q=1", json={"a": 1}, headers={"X-A": "b"})
    assert isinstance(request, Request)
    assert request.ctx.number == 5
    assert request.app is app
    assert str(request.id) == str(request.id)
    seen(
        [
            request.path,
            request.ip,
            request.json,
            request.body.decode(),
            request.query_args,
            request.endpoint.partition(".")[2],
        ]
    )
    seen([request.match_info, request.headers["x-a"], request.scheme, request.version])
    seen(request.host == f"127.0.0.1:{app.test_client.port}")


def test_no_request_where_it_is_not_wanted(app):
    app.add_route(lambda request: text(""), "/", name="it")
    request, response = app.test_client.get("/", gather_request=False)
    assert request is None
    assert response.status == 200


async def test_no_request_asgi(app):
    app.add_route(lambda request: text(""), "/", name="it")
    request, response = await app.asgi_client.request("GET", "/", gather_request=False)
    assert request is None
    assert response.status == 200


@pytest.mark.parametrize("keywords", [{}, {"allow_redirects": False}, {"allow_redirects": True}], ids=str)
def test_redirects(app, seen, keywords):
    app.add_route(lambda request: redirect("/b"), "/a", name="a")
    app.add_route(lambda request: text("b"), "/b", name="b")
    request, response = app.test_client.get("/a", **keywords)
    seen([request.path, response.status, response.text, response.headers.get("location"), len(response.history)])


@pytest.mark.parametrize("follow", [False, True])
async def test_redirects_asgi(app, seen, follow):
    app.add_route(lambda request: redirect("/b"), "/a", name="a")
    app.add_route(lambda request: text("b"), "/b", name="b")
    _, response = await app.asgi_client.get("/a", follow_redirects=follow)
    seen([response.status, response.text])


@pytest.mark.parametrize(
    "error",
    [exceptions.NotFound("gone"), exceptions.Unauthorized("who", scheme="Basic", realm="x"), ValueError("oops")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("debug", [False, True])
def test_errors(app, seen, error, debug):
    @app.get("/")
    def handler(request):
        raise error

    _, response = app.test_client.get("/", debug=debug, headers={"accept": "application/json"})
    told = {key: response.json.get(key) for key in ("description", "status", "message")}
    seen([response.status, told, response.headers.get("www-authenticate")])


def test_the_traceback_is_logged(app, caplog):
    @app.get("/")
    def handler(request):
        raise ValueError("shown with its traceback")

    with caplog.at_level(logging.ERROR):
        _, response = app.test_client.get("/")
    assert response.status == 500
    assert "ValueError: shown with its traceback" in caplog.text


def test_cookies(app, seen):
    @app.get("/")
    def handler(request):
        response = text(request.cookies.get("a", "none"))
        response.add_cookie("a", "1", path="/", secure=False, httponly=True, max_age=60)
        return response

    _, response = app.test_client.get("/", raw_cookies=True)
    cookie = response.raw_cookies["a"]
    seen([response.cookies["a"], cookie.name, cookie.value, cookie.path, cookie.secure])
    _, response = app.test_client.get("/")
    assert response.text == "none"


def test_cookies_stay_in_a_reusable_client(app, seen):
    @app.get("/")
    def handler(request):
        response = text(request.cookies.get("a", "none"))
        response.add_cookie("a", "1", secure=False)
        return response

    with ReusableClient(app) as client:
        seen([client.get("/")[1].text for _ in range(2)])


def test_listeners_run_each_time(app, seen):
    events = []
    for name in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
        app.register_listener(lambda app, name=name: events.append(name), name)
    app.add_route(lambda request: events.append("request") or text(""), "/", name="it")
    app.test_client.get("/")
    app.test_client.get("/")
    seen(events)


async def test_listeners_run_each_time_asgi(app, seen):
    events = []
    for name in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
        app.register_listener(lambda app, name=name: events.append(name), name)
    app.add_route(lambda request: events.append("request") or text(""), "/", name="it")
    await app.asgi_client.get("/")
    await app.asgi_client.get("/")
    seen([events.count(name) for name in ("request", "before_server_start", "after_server_stop")])


def test_routes_between_runs(app):
    app.add_route(lambda request: text("a"), "/a", name="a")
    assert app.test_client.get("/b")[1].status == 404
    app.router.reset()
    app.signal_router.reset()
    app.add_route(lambda request: text("b"), "/b", name="b")
    assert app.test_client.get("/b")[1].text == "b"


def test_middleware_order(app, seen):
    order = []

    @app.on_request
    def before(request):
        order.append("request")

    @app.on_response
    def after(request, response):
        order.append("response")
        response.headers["x-order"] = ",".join(order)

    app.add_route(lambda request: text(""), "/", name="it")
    seen(app.test_client.get("/")[1].headers["x-order"])


def test_blueprint_and_view(app, seen):
    class View(HTTPMethodView):
        async def get(self, request, name):
            return json({"url": request.app.url_for("shop.View", name=name)})

    shop = Blueprint("shop", url_prefix="/shop", version=1)
    shop.add_route(View.as_view(), "/<name>")
    app.blueprint(shop)
    seen(app.test_client.get(f"/v1/shop/{quote('é x')}")[1].json)
    seen(app.test_client.put("/v1/shop/a")[1].status)


def test_stream(app):
    @app.get("/")
    async def handler(request):
        response = await request.respond(content_type="text/plain")
        for part in ("a", "b", "c"):
            await response.send(part)
        await response.eof()

    assert app.test_client.get("/")[1].text == "abc"


def test_file(app, tmp_path, seen):
    (tmp_path / "a.txt").write_text("content")
    app.add_route(lambda request: file_stream(tmp_path / "a.txt"), "/", name="it")
    _, response = app.test_client.get("/")
    seen([response.text, response.content_type])


def echoing(app, *subprotocols):
    @app.websocket("/ws", subprotocols=list(subprotocols) or None)
    async def handler(request, ws):
        while (message := await ws.recv()) is not None and message != "stop":
            await ws.send(message.upper())
        await ws.close()


def test_websocket(app, seen):
    echoing(app)

    async def mimic(ws):
        await ws.send("one")
        assert await ws.recv() == "ONE"

    request, proxy = app.test_client.websocket("/ws", mimic=mimic)
    assert isinstance(proxy, WebsocketProxy)
    seen([request.path, proxy.opened, proxy.client_sent, proxy.client_received])
    seen([proxy.server_sent, proxy.server_received])


def test_websocket_without_mimic(app, seen):
    echoing(app)
    request, proxy = app.test_client.websocket("/ws")
    seen([request.path, proxy.opened, proxy.client_sent])


def test_websocket_that_the_app_closes(app, seen):
    echoing(app)

    async def mimic(ws):
        await ws.send("stop")
        await ws.recv()

    _, proxy = app.test_client.websocket("/ws", mimic=mimic)
    seen([proxy.client_sent, proxy.client_received])


def test_websocket_subprotocol(app, seen):
    echoing(app, "a", "b")
    _, proxy = app.test_client.websocket("/ws", subprotocols=["b"])
    seen([proxy.ws.subprotocol])


def test_websocket_of_a_reusable_client(app, seen):
    echoing(app)

    async def mimic(ws):
        await ws.send("one")
        await ws.recv()

    with ReusableClient(app) as client:
        _, proxy = client.websocket("/ws", mimic=mimic)
        seen([proxy.client_sent, proxy.client_received])


def test_websocket_where_there_is_none(app):
    with pytest.raises(ValueError, match="Exception during request"):
        app.test_client.websocket("/ws")


def test_websocket_whose_mimic_fails(app):
    echoing(app)

    async def mimic(ws):
        raise LookupError("mine")

    with pytest.raises(ValueError, match="mine"):
        app.test_client.websocket("/ws", mimic=mimic)


def test_websocket_proxy_to_a_server(app, seen):
    echoing(app)
    proxies = []

    async def mimic(ws):
        await ws.send("one")
        await ws.recv()

    @app.after_server_start
    async def talk(app):
        if app.test_client.port:
            address = f"ws://127.0.0.1:{app.test_client.port}/ws"
            proxies.append(await asyncio.wait_for(websocket_proxy(address, mimic=mimic), 10))

    app.add_route(lambda request: text(""), "/", name="it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        app.test_client.port = free.getsockname()[1]
    app.test_client.get("/")
    seen([[proxy.opened, proxy.client_sent, proxy.client_received, proxy.server_sent] for proxy in proxies])


def test_no_response(app):
    @app.get("/")
    async def handler(request):
        await asyncio.sleep(5)
        return text("")

    with pytest.raises(ValueError, match=r".+"):
        app.test_client.get("/", timeout=0.1)


def test_no_response_allowed(app, seen):
    @app.get("/")
    async def handler(request):
        await asyncio.sleep(5)
        return text("")

    _, response = app.test_client.get("/", timeout=0.1, allow_none=True)
    assert response is None


def test_session_kwargs(app, seen):
    app.add_route(lambda request: text(request.headers.get("x-a", "")), "/", name="it")
    seen(app.test_client.get("/", session_kwargs={"headers": {"X-A": "b"}})[1].text)


@pytest.mark.parametrize("path", ["a", "/a", "/a?x=1", "/a/", "/A", "", "/%61", "/a;b"])
def test_paths(app, seen, path):
    app.add_route(lambda request: text(request.raw_url.decode()), "/a", name="it")
    _, response = app.test_client.get(path)
    seen([response.status, response.text if response.status == 200 else None])


def test_request_by_name(app, seen):
    app.add_route(lambda request: text(request.method), "/", name="it", methods=["GET", "PATCH"])
    seen(app.test_client.request("/", http_method="patch")[1].text)
    seen(app.test_client.request("/")[1].text)


def test_server_kwargs_and_host(app, seen):
    app.add_route(lambda request: text(request.host.partition(":")[0]), "/", name="it")
    seen(app.test_client.get("/", host="127.0.0.1")[1].text)
    seen(app.test_client.get("/", server_kwargs={"access_log": False})[1].text)


def test_start_that_fails(app):
    @app.before_server_start
    def failing(app):
        raise LookupError("no database")

    app.add_route(lambda request: text(""), "/", name="it")
    with pytest.raises((LookupError, ValueError)):
        app.test_client.get("/")


def test_test_mode(app):
    app.add_route(lambda request: text(str(Sanic.test_mode)), "/", name="it")
    assert app.test_client.get("/")[1].text == "True"


def test_route_path(app, seen):
    app.add_route(lambda request, number: text(request.route.path), "/<number:int>", name="it")
    seen(app.test_client.get("/5")[1].text)


async def test_concurrent_requests_asgi(app):
    app.add_route(lambda request: text("one"), "/", name="it")
    assert [(await app.asgi_client.get("/"))[1].text for _ in range(3)] == ["one"] * 3
