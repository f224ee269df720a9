"""`router.lifespan_context` of an application: one life for all who enter it, in any order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from sanic_star import Request, Sanic, text
from sanic_star.engine.application import Application
from sanic_star.testing import TestClient
from tests.engine.raw import Life, ask, http_scope

STARTED = ["before_server_start", "own start", "after_server_start"]
STOPPED = ["before_server_stop", "own stop", "after_server_stop"]


def child(events: list[str], **state: Any) -> Sanic[Any, Any]:
    """Return an application that notes all that its life does."""

    @contextlib.asynccontextmanager
    async def own(app: Any) -> AsyncIterator[dict[str, Any]]:
        assert isinstance(app, Sanic)
        assert app.name == "Child"
        events.append("own start")
        try:
            yield state
        finally:
            events.append("own stop")

    app: Sanic[Any, Any] = Sanic("Child", lifespan=own)
    for phase in ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop"):
        app.register_listener(lambda app, phase=phase: events.append(phase), phase)

    @app.get("/state")
    async def show(request: Request) -> Any:
        return text(str(getattr(request.state, "pool", None)))

    return app


def by_hand(app: Any) -> AbstractAsyncContextManager[Any]:
    context: AbstractAsyncContextManager[Any] = app.router.lifespan_context(app)
    return context


def entering(app: Any) -> Any:
    """Return a lifespan for an outer application that enters the one of `app`."""

    @contextlib.asynccontextmanager
    async def lifespan(outer: Any) -> AsyncIterator[None]:
        async with by_hand(app):
            yield

    return lifespan


async def test_entered_by_hand_it_runs_the_whole_life() -> None:
    events: list[str] = []
    app = child(events, pool="pool")
    for _ in range(2):
        async with by_hand(app) as state:
            assert state == {"pool": "pool"}
            assert events == STARTED
            assert (await ask(app, http_scope("/state"))).body == b"pool"
        assert events == STARTED + STOPPED
        assert app._engine.lifecycle.stage == "idle"
        events.clear()


async def test_without_a_lifespan_of_the_users_it_gives_none() -> None:
    async with by_hand(Sanic("Plain")) as state:
        assert state is None
    async with by_hand(Application()) as state:
        assert state is None


def outers() -> list[Callable[[Sanic[Any, Any]], Any]]:
    """Return what makes the applications around, each bringing the child up in another way."""

    def in_starlette(app: Sanic[Any, Any]) -> Any:
        return Starlette(lifespan=entering(app), routes=[Mount("/in", app=app)])

    def handed_to_starlette(app: Sanic[Any, Any]) -> Any:
        return Starlette(lifespan=app.router.lifespan_context, routes=[Mount("/in", app=app)])

    def mounted(app: Sanic[Any, Any]) -> Any:
        outer: Sanic[Any, Any] = Sanic("Outer")
        outer.mount("/in", app)
        return outer

    def entered_and_mounted(app: Sanic[Any, Any]) -> Any:
        outer: Sanic[Any, Any] = Sanic("Outer", lifespan=entering(app))
        outer.mount("/in", app)
        return outer

    def entered_and_mounted_without_lifespan(app: Sanic[Any, Any]) -> Any:
        outer: Sanic[Any, Any] = Sanic("Outer", lifespan=entering(app))
        outer.mount("/in", app, lifespan=False)
        return outer

    def handed_and_mounted(app: Sanic[Any, Any]) -> Any:
        outer: Sanic[Any, Any] = Sanic("Outer", lifespan=app.router.lifespan_context)
        outer.mount("/in", app)
        return outer

    def replaced_and_mounted(app: Sanic[Any, Any]) -> Any:
        outer: Sanic[Any, Any] = Sanic("Outer")
        outer.router.lifespan_context = entering(app)
        outer.mount("/in", app)
        return outer

    def entered_by_a_listener(app: Sanic[Any, Any]) -> Any:
        outer: Sanic[Any, Any] = Sanic("Outer")
        stack = contextlib.AsyncExitStack()

        @outer.before_server_start
        async def enter(outer: Any) -> None:
            await stack.enter_async_context(by_hand(app))

        @outer.after_server_stop
        async def leave(outer: Any) -> None:
            await stack.aclose()

        outer.mount("/in", app)
        return outer

    def entered_in_a_child_task(app: Sanic[Any, Any]) -> Any:
        @contextlib.asynccontextmanager
        async def lifespan(outer: Any) -> AsyncIterator[None]:
            over, is_up = asyncio.Event(), asyncio.Event()

            async def live() -> None:
                async with by_hand(app):
                    is_up.set()
                    await over.wait()

            task = asyncio.create_task(live())
            await is_up.wait()
            yield
            over.set()
            await task

        outer: Sanic[Any, Any] = Sanic("Outer", lifespan=lifespan)
        outer.mount("/in", app)
        return outer

    def twice_below(app: Sanic[Any, Any]) -> Any:
        outer, middle = Sanic("Outer", lifespan=entering(app)), Sanic("Middle", lifespan=entering(app))
        middle.mount("/in", app)
        outer.mount("/middle", middle)
        outer.mount("/in", app)
        return outer

    def wrapped(app: Sanic[Any, Any]) -> Any:
        before = app.router.lifespan_context

        @contextlib.asynccontextmanager
        async def around(inner: Any) -> AsyncIterator[Any]:
            async with before(inner) as state:
                yield state

        app.router.lifespan_context = around
        return mounted(app)

    def wrapped_and_entered(app: Sanic[Any, Any]) -> Any:
        wrapped(app)
        return in_starlette(app)

    def wrapped_twice(app: Sanic[Any, Any]) -> Any:
        wrapped(app)
        return wrapped(app)

    def wrapped_entered_and_mounted(app: Sanic[Any, Any]) -> Any:
        wrapped(app)
        return entered_and_mounted(app)

    def entered_by_its_own(app: Sanic[Any, Any]) -> Any:
        @app.before_server_start
        async def enter(app: Any) -> None:
            async with by_hand(app):
                pass

        return mounted(app)

    return [
        *(in_starlette, handed_to_starlette, mounted, entered_and_mounted, entered_and_mounted_without_lifespan),
        *(handed_and_mounted, replaced_and_mounted, entered_by_a_listener, entered_in_a_child_task, twice_below),
        *(wrapped, wrapped_and_entered, wrapped_twice, wrapped_entered_and_mounted, entered_by_its_own),
    ]


@pytest.mark.parametrize("make", outers())
async def test_a_childs_life_runs_once_whoever_enters_it(make: Callable[[Sanic[Any, Any]], Any]) -> None:
    events: list[str] = []
    outer = make(child(events, pool="pool"))
    for _ in range(2):
        async with Life(outer) as life:
            assert life.started == {"type": "lifespan.startup.complete"}
            assert events == STARTED
            assert (await ask(outer, http_scope("/in/state"))).body == b"pool"
            assert events == STARTED
        assert life.stopped == {"type": "lifespan.shutdown.complete"}
        assert events == STARTED + STOPPED
        events.clear()


@pytest.mark.parametrize("make", outers())
def test_and_with_a_test_client(make: Callable[[Sanic[Any, Any]], Any]) -> None:
    events: list[str] = []
    outer = make(child(events, pool="pool"))
    with TestClient(outer) as client:
        assert events == STARTED
        assert client.get("/in/state").text == "pool"
    assert events == STARTED + STOPPED


async def test_entered_many_times_at_once_it_starts_once_and_the_last_one_stops_it() -> None:
    events: list[str] = []
    app = child(events)
    may_start = asyncio.Event()

    @app.before_server_start
    async def wait(app: Any) -> None:
        await may_start.wait()

    leave = [asyncio.Event() for _ in range(20)]
    up: list[int] = []

    async def live(number: int) -> None:
        async with by_hand(app):
            assert events == STARTED
            up.append(number)
            await leave[number].wait()

    tasks = [asyncio.create_task(live(number)) for number in range(20)]
    request = asyncio.create_task(ask(app, http_scope("/state")))
    conversation = Life(app)
    entering_server = asyncio.create_task(conversation.__aenter__())
    await asyncio.sleep(0)
    may_start.set()
    await entering_server
    assert (await request).status == 200
    assert len(up) == 20
    for event in leave[:-1]:
        event.set()
    await asyncio.gather(*tasks[:-1])
    await conversation.__aexit__()
    assert events == STARTED
    leave[-1].set()
    await tasks[-1]
    assert events == STARTED + STOPPED


@pytest.mark.parametrize("outer_first", [True, False])
async def test_beside_a_servers_lifespan_the_last_one_stops_it(outer_first: bool) -> None:
    events: list[str] = []
    app = child(events, pool="pool")
    ways = [Life(app), by_hand(app)] if outer_first else [by_hand(app), Life(app)]
    async with ways[0]:
        async with ways[1]:
            assert events == STARTED
        assert events == STARTED
    assert events == STARTED + STOPPED


async def test_what_a_request_has_started_is_joined_and_stopped() -> None:
    events: list[str] = []
    app = child(events)
    assert (await ask(app, http_scope("/state"))).status == 200
    async with by_hand(app):
        assert events == STARTED
    assert events == STARTED + STOPPED
    assert (await ask(app, http_scope("/state"))).status == 200
    async with Life(app):
        assert events == STARTED + STOPPED + STARTED
    assert events == (STARTED + STOPPED) * 2


async def test_a_start_that_fails_is_raised_to_everybody_who_enters_it() -> None:
    app: Sanic[Any, Any] = Sanic("Failing")
    attempts: list[int] = []

    @app.before_server_start
    async def fail_twice(app: Any) -> None:
        attempts.append(1)
        await asyncio.sleep(0)
        if len(attempts) < 3:
            raise RuntimeError("no database")

    async def enter() -> None:
        async with by_hand(app):
            pass

    outcomes = await asyncio.gather(enter(), enter(), enter(), return_exceptions=True)
    assert sorted(map(str, outcomes)) == ["None", "no database", "no database"]
    assert app._engine.lifecycle.stage == "idle"


async def test_a_failing_block_stops_it_and_its_exception_comes_out() -> None:
    events: list[str] = []
    with pytest.raises(LookupError, match="mine"):
        async with by_hand(child(events)):
            raise LookupError("mine")
    assert events == STARTED + STOPPED


def test_a_lifespan_that_wraps_it_changes_the_state() -> None:
    events: list[str] = []
    app = child(events, pool="pool")
    before = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def around(app: Any) -> AsyncIterator[Any]:
        events.append("around")
        async with before(app) as state:
            yield {**(state or {}), "pool": "mine"}
        events.append("left")

    app.router.lifespan_context = around
    with TestClient(app) as client:
        assert client.get("/state").text == "mine"
    assert events == [
        *("before_server_start", "around", "own start", "after_server_start"),
        *("before_server_stop", "own stop", "left", "after_server_stop"),
    ]


async def test_a_life_that_was_abandoned_is_not_joined() -> None:
    events: list[str] = []
    app = child(events)
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    inbox.put_nowait({"type": "lifespan.startup"})
    is_up = asyncio.Event()

    async def send(message: Any) -> None:
        is_up.set()

    conversation = asyncio.create_task(app({"type": "lifespan"}, inbox.get, send))
    await is_up.wait()
    conversation.cancel()
    await asyncio.wait([conversation])
    async with Life(app):
        assert events.count("before_server_start") == 2
        assert "before_server_stop" not in events
    assert events[-3:] == STOPPED


def test_a_life_of_another_event_loop_is_not_joined() -> None:
    events: list[str] = []
    app = child(events)

    async def enter_and_leave_it_open() -> None:
        await app._engine.lifecycle.hold()

    async def enter() -> None:
        async with by_hand(app):
            assert events.count("before_server_start") == 2
            assert "before_server_stop" not in events

    asyncio.run(enter_and_leave_it_open())
    asyncio.run(enter())
    assert events[-3:] == STOPPED


async def test_a_listener_may_ask_its_own_application() -> None:
    app: Sanic[Any, Any] = Sanic("Asking")
    seen: list[int] = []

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    @app.after_server_start
    async def warm(app: Any) -> None:
        seen.append((await ask(app, http_scope())).status)

    async with by_hand(app):
        assert seen == [200]


# Children that nobody enters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["mount", "host", "in Starlette", "nested"])
def test_what_a_request_has_started_below_stops_with_the_application(how: str) -> None:
    events: list[str] = []
    app, outer = child(events), Sanic("Outer")
    path = "/in/state"
    if how == "mount":
        outer.mount("/in", app, lifespan=False)
    elif how == "host":
        outer.host("testserver", app, lifespan=False)
        path = "/state"
    elif how == "in Starlette":
        outer.mount("/star", Starlette(routes=[Mount("/in", app=app)]))
        path = "/star/in/state"
    else:
        middle: Sanic[Any, Any] = Sanic("Middle")
        middle.mount("/in", app, lifespan=False)
        outer.mount("/middle", middle, lifespan=False)
        path = "/middle/in/state"

    @outer.before_server_stop
    async def leave(app: Any) -> None:
        events.append("outer")

    @outer.after_server_stop
    async def end(app: Any) -> None:
        events.append("outer stopped")

    for _ in range(2):
        with TestClient(outer) as client:
            assert events == []
            assert client.get(path).status_code == 200
            assert client.get(path).status_code == 200
            assert events == STARTED
        stops = [event for event in events[3:] if not event.startswith("outer")]
        assert stops == STOPPED
        assert events[-1] == "outer stopped"
        assert app._engine.lifecycle.stage == "idle"
        events.clear()


def test_a_stop_below_that_fails_keeps_no_other_from_running() -> None:
    events: list[str] = []
    good, bad, outer = child(events), Sanic("Bad"), Sanic("Outer")
    bad.add_route(lambda request: text("x"), "/state")

    @bad.after_server_stop
    async def fail(app: Any) -> None:
        raise RuntimeError("stuck")

    outer.mount("/good", good, lifespan=False)
    outer.mount("/bad", bad, lifespan=False)
    outer.after_server_stop(lambda app: events.append("outer"))
    with pytest.raises(RuntimeError, match="stuck"), TestClient(outer) as client:
        assert client.get("/good/state").status_code == client.get("/bad/state").status_code == 200
    assert events == [*STARTED, *STOPPED, "outer"]


def test_a_starlette_application_that_enters_it_serves_it() -> None:
    events: list[str] = []
    app = child(events)

    async def show(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse("outer")

    outer = Starlette(lifespan=entering(app), routes=[Route("/", show), Mount("/in", app=app)])
    with TestClient(outer) as client:
        assert events == STARTED
        assert client.get("/").text == "outer"
        assert client.get("/in/state").status_code == 200
        assert client.get("/in/none").status_code == 404
    assert events == STARTED + STOPPED


async def test_a_router_of_an_earlier_application_runs_its_lifespan_once() -> None:
    events: list[str] = []
    first = child(events)
    second: Sanic[Any, Any] = Sanic("Child", router=first.router)
    async with by_hand(second):
        assert events == ["own start"]
    assert events == ["own start", "own stop"]
