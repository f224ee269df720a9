"""Building URLs from the names of views."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from sanic_star import Blueprint, Request, Sanic, Websocket, text
from sanic_star.compat.exceptions import URLBuildError
from sanic_star.testing import TestClient


async def view(request: Any, **params: Any) -> Any:
    return text("")


async def feed(request: Any, ws: Websocket) -> None:
    pass


@pytest.fixture
def app(tmp_path: Path) -> Sanic[Any, Any]:
    made: Sanic[Any, Any] = Sanic("Urls")
    bp = Blueprint("bp", url_prefix="/bp", version=2)
    bp.add_route(view, "/<x:int>/<y>", name="both")
    made.blueprint(bp)
    made.add_route(view, "/plain", name="plain")
    made.add_route(view, "/p/<rest:path>", name="rest")
    made.add_route(view, "/r/<r:[a-z]{3}>", name="short")
    made.add_route(view, "/f/<file:ext>", name="file")
    made.add_route(view, "/hosted", host="one.test", name="hosted")
    made.add_route(view, "/several", host=["one.test", "two.test"], name="several")
    made.add_websocket_route(feed, "/ws", name="feed")
    (tmp_path / "a.txt").write_text("a")
    made.static("/s", tmp_path)
    made.static("/one", tmp_path / "a.txt", name="one")
    made.router.routes.append(Mount("/m", routes=[Route("/<x>".replace("<x>", "{x}"), view, name="inner")], name="m"))
    return made


@pytest.mark.parametrize(
    ("name", "given", "url"),
    [
        ("plain", {}, "/plain"),
        ("Urls.plain", {}, "/plain"),
        ("plain", {"q": "a b", "n": [1, 2], "_anchor": "top"}, "/plain?q=a+b&n=1&n=2#top"),
        ("bp.both", {"x": 1, "y": "a b ü"}, "/v2/bp/1/a b ü"),
        ("rest", {"rest": "a/b"}, "/p/a/b"),
        ("short", {"r": "abc"}, "/r/abc"),
        ("file", {"file": "a.txt"}, "/f/a.txt"),
        ("static", {"filename": "/b/c.txt"}, "/s/b/c.txt"),
        ("one", {}, "/one"),
        ("static", {"name": "one"}, "/one"),
        ("plain", {"_external": True}, "http:///plain"),
        ("plain", {"_external": True, "_scheme": "https", "_server": "x.test:81"}, "https://x.test:81/plain"),
        ("plain", {"_external": True, "_server": "https://x.test"}, "https://x.test/plain"),
        ("hosted", {"_external": True}, "http://one.test/hosted"),
        ("several", {"_host": "two.test"}, "http://two.test/several"),
        ("feed", {"_external": True, "_server": "x.test"}, "ws://x.test/ws"),
        ("feed", {"_external": True, "_server": "https://x.test"}, "wss://x.test/ws"),
        ("plain", {"_method": "GET"}, "/plain"),
        ("m:inner", {"x": "1"}, "/m/1"),
        ("m:inner", {"x": "1", "_external": True, "_server": "x.test"}, "http://x.test/m/1"),
    ],
)
def test_urls(app: Sanic[Any, Any], name: str, given: dict[str, Any], url: str) -> None:
    assert app.url_for(name, **given) == url


def test_server_name(app: Sanic[Any, Any]) -> None:
    app.config.SERVER_NAME = "named.test"
    assert app.url_for("plain", _external=True) == "http://named.test/plain"
    app.config.SERVER_NAME = "https://named.test:81"
    assert app.url_for("plain", _external=True) == "https://named.test:81/plain"
    assert app.url_for("m:inner", x="1", _external=True) == "https://named.test:81/m/1"


@pytest.mark.parametrize(
    ("name", "given", "error", "message"),
    [
        ("nosuch", {}, URLBuildError, "Endpoint with name `Urls.nosuch` was not found"),
        ("bp.nosuch", {}, URLBuildError, "Endpoint with name `bp.nosuch` was not found"),
        ("bp.both", {"x": 1}, URLBuildError, "Required parameter `y` was not passed to url_for"),
        (
            "bp.both",
            {"x": "a", "y": "b"},
            URLBuildError,
            'Value "a" for parameter `x` does not match pattern for type `int`',
        ),
        ("short", {"r": "abcd"}, URLBuildError, 'Value "abcd" for parameter `r` does not satisfy pattern'),
        ("plain", {"_scheme": "https"}, ValueError, "_external must be True"),
        ("several", {"_external": True}, ValueError, "Host is ambiguous: one.test, two.test"),
        ("hosted", {"_host": "x.test"}, ValueError, "x.test.* is not available"),
    ],
)
def test_urls_that_can_not_be_built(
    app: Sanic[Any, Any], name: str, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        app.url_for(name, **given)


def test_below_a_mount_and_a_root_path() -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    outer: Sanic[Any, Any] = Sanic("Outer")

    @inner.get("/a")
    async def a(request: Any) -> Any:
        return text(f"{inner.url_for('a')} {outer.url_for('b')} {request.url_for('a')}")

    @outer.get("/b")
    async def b(request: Any) -> Any:
        return text(outer.url_for("b"))

    outer.mount("/inner", inner)
    client = TestClient(outer, root_path="/root", base_url="http://x.test")
    assert client.get("/root/b").text == "/root/b"
    assert client.get("/root/inner/a").text == "/root/inner/a /root/b http://x.test/root/inner/a"


def test_in_a_starlette_app() -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")

    @inner.get("/a")
    async def a(request: Any) -> Any:
        return text(inner.url_for("a"))

    async def plain(request: Any) -> PlainTextResponse:
        return PlainTextResponse(inner.url_for("a"))

    client = TestClient(Starlette(routes=[Route("/plain", plain), Mount("/x", inner)]))
    assert (client.get("/x/a").text, client.get("/plain").text) == ("/x/a", "/a")


def test_a_changed_route_list_changes_urls() -> None:
    app: Sanic[Any, Any] = Sanic("Changing")

    async def handler(request: Any, **_: Any) -> Any:
        return text("")

    app.add_route(handler, "/old/<id:int>", name="view")
    assert [app.url_for("view", id=1) for _ in range(2)] == ["/old/1"] * 2
    app.router.routes.pop()
    with pytest.raises(URLBuildError):
        app.url_for("view", id=1)
    app.add_route(handler, "/new/<id:int>/100%25", name="view")
    assert [app.url_for("Changing.view", id=1, page=2) for _ in range(2)] == ["/new/1/100%25?page=2"] * 2


def test_urls_beyond_a_template_are_built_by_all_rules() -> None:
    app: Sanic[Any, Any] = Sanic("Templates")

    async def handler(request: Any, **_: Any) -> Any:
        return text("")

    app.add_route(handler, "/users/<id:int>", name="user")
    assert app.url_for("user", id=1) == "/users/1"
    with pytest.raises(URLBuildError, match="Required parameter `id`"):
        app.url_for("user")
    with pytest.raises(URLBuildError, match="does not match pattern for type `int`"):
        app.url_for("user", id="a")
    assert app.url_for("user", id=1, _anchor="top") == "/users/1#top"
    assert app.url_for("user", id=1, tag=[]) == "/users/1"


def test_an_overridden_url_for_is_called_for_each_url() -> None:
    class Own(Sanic[Any, Any]):
        def url_for(self, view_name: str, **kwargs: Any) -> str:
            return super().url_for(view_name, **kwargs) + "#own"

    def with_mark(url_for: Any, *args: Any, **kwargs: Any) -> str:
        return str(url_for(*args, **kwargs)) + "#own"

    for app in (Own("Own"), Sanic("Set")):

        async def handler(request: Request) -> Any:
            return text(f"{request.url_for('handler')} {request.url_for('handler')}")

        app.add_route(handler, "/")
        if app.name == "Set":
            app.url_for = partial(with_mark, app.url_for)  # type: ignore[method-assign]
        answer = app.test_client.get("/")[1].text
        assert answer.count("#own") == 2
