"""Routes that other threads change while requests run: an existing route is found at each moment."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount
from starlette.routing import Route as StarletteRoute

from sanic_star import Sanic, text
from tests.engine.raw import Life, ask, http_scope

# The paths of routes that always exist: a literal, one parameter, several, a rest, a regular expression, a mount, and
# one of Starlette's.
PATHS = ("/literal", "/one/7", "/two/7/x", "/rest/a/b/c", "/expression/ab12", "/mount/deep/er/x", "/starlette/5")


async def hello(request: Any, **params: Any) -> Any:
    return text("hello")


async def starlette(request: Any) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def mounted(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


def application() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Threads")
    for name, path in {
        "literal": "/literal",
        "one": "/one/<x:int>",
        "two": "/two/<x:int>/<y>",
        "rest": "/rest/<x:path>",
        "expression": r"/expression/<x:[a-z]+\d+>",
    }.items():
        app.add_route(hello, path, name=name)
    app.mount("/mount/deep/er", mounted)
    app.router.routes.append(StarletteRoute("/starlette/{x}", starlette))
    return app


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def grow_and_shrink(app: Sanic[Any, Any], number: int) -> None:
    routes = app.router.routes
    added: list[BaseRoute] = [
        StarletteRoute(f"/more{number}/{{x}}", starlette),
        Mount(f"/mount/other{number}/{'a/' * (number % 3)}b", app=mounted),
    ]
    routes.extend(added)
    for route in added:
        routes.remove(route)


def add_by_sanics_way(app: Sanic[Any, Any], number: int) -> None:
    app.add_route(hello, f"/sanic{number}/<x:int>", name=f"sanic{number}")


def ask_for_urls(app: Sanic[Any, Any], number: int) -> None:
    app.router.routes.append(StarletteRoute(f"/url{number}", starlette, name=f"url{number}"))
    assert app.url_for("one", x=number) == f"/one/{number}"
    assert str(app.router.url_path_for(f"url{number}")) == f"/url{number}"


@pytest.mark.parametrize("change", [grow_and_shrink, add_by_sanics_way, ask_for_urls])
@pytest.mark.usefixtures("switching_often")
async def test_routes_that_exist_are_found_while_others_change(change: Callable[[Any, int], None]) -> None:
    app = application()
    stop = threading.Event()
    failed: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 150):
                if stop.is_set():
                    return
                change(app, number)
        except BaseException as error:
            failed.append(error)

    async with Life(app):
        threads = [threading.Thread(target=work, args=(first,)) for first in (0, 10_000)]
        for thread in threads:
            thread.start()
        try:
            rounds = 0
            while any(thread.is_alive() for thread in threads) or rounds < 10:
                rounds += 1
                for path in PATHS:
                    # A path that never came before, too: those that came are remembered.
                    for asked in (path, path.replace("7", str(rounds))):
                        peer = await ask(app, http_scope(asked))
                        assert (peer.status, asked) == (200, asked)
                await asyncio.sleep(0)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert not failed


async def test_a_removed_route_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    app = application()
    async with Life(app):
        router = app.router
        (route,) = (route for route in router.routes if getattr(route, "name", "") == "Threads.one")
        cache = router._cache

        def cache_late(*args: Any) -> None:
            # As if another thread had removed the route after it was found, and built the table.
            router.routes.remove(route)
            router._build()
            cache(*args)

        monkeypatch.setattr(router, "_cache", cache_late)
        assert [(await ask(app, http_scope("/one/7"))).status for _ in range(3)] == [200, 200, 404]


async def test_a_change_while_the_table_is_built_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    app = application()
    async with Life(app):
        router, publish = app.router, app.router._publish

        def publish_late(table: Any) -> None:
            monkeypatch.setattr(router, "_publish", publish)
            router.routes.append(StarletteRoute("/late", starlette))
            publish(table)

        monkeypatch.setattr(router, "_publish", publish_late)
        router.routes.append(StarletteRoute("/early", starlette))
        assert [(await ask(app, http_scope(path))).status for path in ("/early", "/late")] == [200, 200]
