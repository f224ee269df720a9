"""The life of an application: phases, mounted lifespans, lazy start, the stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Host, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from sanic_star import Request, Sanic, text
from sanic_star.engine.lifespan import mounted_applications
from sanic_star.testing import TestClient
from tests.engine.raw import Life, ask, http_scope

if TYPE_CHECKING:
    from sanic_star.engine.steps import Stage

PHASES = ["before_server_start", "after_server_start", "before_server_stop", "after_server_stop"]


def listening(app: Sanic[Any, Any], events: list[str], name: str = "") -> None:
    """Let an application note each of its phases."""
    for phase in PHASES:
        app.register_listener(lambda app, phase=phase: events.append(f"{name}{phase}"), phase)


def lifespan(events: list[str], name: str, **state: Any) -> Any:
    @contextlib.asynccontextmanager
    async def run(app: Any) -> AsyncIterator[dict[str, Any]]:
        events.append(f"{name} start")
        try:
            yield state
        finally:
            events.append(f"{name} stop")

    return run


async def test_four_phases_in_order_around_the_lifespans() -> None:
    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("Order", lifespan=lifespan(events, "own"))
    listening(app, events)
    app.mount("/fast", FastAPI(lifespan=lifespan(events, "fast")))
    app.mount("/star", Starlette(lifespan=lifespan(events, "star")))
    async with Life(app) as life:
        assert life.started == {"type": "lifespan.startup.complete"}
        assert events == ["before_server_start", "own start", "fast start", "star start", "after_server_start"]
        events.clear()
    assert life.stopped == {"type": "lifespan.shutdown.complete"}
    assert events == ["before_server_stop", "star stop", "fast stop", "own stop", "after_server_stop"]


async def test_stages_and_repetition() -> None:
    app: Sanic[Any, Any] = Sanic("Again")
    events: list[str] = []
    stages: list[Stage] = []
    listening(app, events)
    for phase in PHASES:
        app.register_listener(lambda app: stages.append(app._engine.lifecycle.stage), phase)

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    for time in range(3):
        async with Life(app):
            stages.append(app._engine.lifecycle.stage)
            assert not app._engine.lifecycle.stopping
            assert (await ask(app, http_scope())).body == b"hello"
        stages.append(app._engine.lifecycle.stage)
        # What is added between two runs takes part in the next.
        app.add_route(lambda request, n=time: text(f"{n}"), f"/{time}", name=f"r{time}")
        if time:
            assert (await ask(app, http_scope(f"/{time - 1}"))).body == f"{time - 1}".encode()
            await app._engine.lifecycle.stop()
    assert events == PHASES * 5
    start, stop = ["starting", "starting"], ["stopping", "closing"]
    life, lazy = [*start, "running", *stop, "idle"], start + stop
    assert stages == [*life, *life, *lazy, *life, *lazy]


def test_each_run_may_have_a_loop_of_its_own() -> None:
    app: Sanic[Any, Any] = Sanic("Loops")
    starts: list[int] = []

    @app.before_server_start
    async def begin(app: Any) -> None:
        starts.append(1)
        await asyncio.sleep(0.01)

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    async def run() -> None:
        peers = await asyncio.gather(*(ask(app, http_scope()) for _ in range(20)))
        assert {peer.body for peer in peers} == {b"hello"}
        await app._engine.lifecycle.stop()

    for _ in range(3):
        asyncio.run(run())
    assert len(starts) == 3


# Lazy start ---------------------------------------------------------------------------------------------------------


async def test_without_a_lifespan_the_first_of_a_hundred_requests_starts_it_once() -> None:
    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("Lazy", lifespan=lifespan(events, "own", value="kept"))
    listening(app, events)

    @app.before_server_start
    async def slow(app: Any) -> None:
        await asyncio.sleep(0.01)
        events.append("slow")

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text(request.state.value)

    peers = await asyncio.gather(*(ask(app, http_scope()) for _ in range(100)))
    assert {peer.body for peer in peers} == {b"kept"}
    assert events == ["before_server_start", "slow", "own start", "after_server_start"]
    await app._engine.lifecycle.stop()
    await app._engine.lifecycle.stop()
    assert events[4:] == ["before_server_stop", "own stop", "after_server_stop"]


async def test_a_mount_in_an_application_that_runs_no_lifespans_starts_lazily() -> None:
    inner: Sanic[Any, Any] = Sanic("Inner")
    events: list[str] = []
    listening(inner, events)

    @inner.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    outer = Starlette(routes=[Mount("/in", app=inner)])
    async with Life(outer):
        assert events == []
        assert (await ask(outer, http_scope("/in/"))).body == b"hello"
        assert (await ask(outer, http_scope("/in/"))).body == b"hello"
    assert events == PHASES[:2]
    await inner._engine.lifecycle.stop()


async def test_it_is_started_and_stopped_by_hand_any_number_of_times() -> None:
    app: Sanic[Any, Any] = Sanic("ByHand")
    events: list[str] = []
    listening(app, events)
    await app._engine.lifecycle.before_stop()
    assert events == []
    for _ in range(2):
        await app._engine.lifecycle.ensure_started()
        await app._engine.lifecycle.ensure_started()
        await app._engine.lifecycle.before_stop()
        await app._engine.lifecycle.before_stop()
        await app._engine.lifecycle.stop()
    assert events == PHASES * 2


async def test_a_lazy_start_that_fails_is_tried_again() -> None:
    app: Sanic[Any, Any] = Sanic("LazyFailing")
    attempts: list[int] = []

    @app.before_server_start
    async def fail_once(app: Any) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("not yet")

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text("hello")

    with pytest.raises(RuntimeError, match="not yet"):
        await ask(app, http_scope())
    assert app._engine.lifecycle.stage == "idle"
    assert (await ask(app, http_scope())).body == b"hello"
    await app._engine.lifecycle.stop()


# Failing listeners --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", PHASES[:2])
async def test_a_start_that_fails_is_loud_and_undoes_what_was_done(phase: str) -> None:
    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("Failing", lifespan=lifespan(events, "own"))

    async def fail(app: Any) -> None:
        raise RuntimeError("no database")

    app.register_listener(fail, phase)

    @app.after_server_stop
    async def after(app: Any) -> None:
        events.append("after stop")

    life = Life(app)
    with pytest.raises(RuntimeError, match="no database"):
        await life.fail()
    assert life.started["type"] == "lifespan.startup.failed"
    assert "no database" in life.started["message"]
    assert app._engine.lifecycle.stage == "idle"
    # Before the first phase is through, nothing is there that could be undone.
    assert events == ([] if phase == PHASES[0] else ["own start", "own stop", "after stop"])
    with pytest.raises(RuntimeError, match="no database"), TestClient(app):
        pass


async def test_a_failing_listener_of_the_stop_keeps_nothing_else_from_running() -> None:
    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("FailingStop", lifespan=lifespan(events, "own"))

    def note(event: str) -> Any:
        return lambda app: events.append(event)

    async def fail(app: Any) -> None:
        events.append("failing")
        raise RuntimeError("stuck")

    app.register_listener(note("second"), "before_server_stop")
    app.register_listener(fail, "before_server_stop")
    app.register_listener(note("first"), "before_server_stop")
    app.register_listener(note("after"), "after_server_stop")
    life = Life(app)
    with pytest.raises(RuntimeError, match="stuck"):
        async with life:
            events.clear()
    assert life.stopped is not None
    assert life.stopped["type"] == "lifespan.shutdown.failed"
    assert "stuck" in life.stopped["message"]
    assert events == ["first", "failing", "second", "own stop", "after"]
    assert app._engine.lifecycle.stage == "idle"


# Lifespans of others ------------------------------------------------------------------------------------------------


async def test_the_state_of_the_users_lifespan_reaches_requests() -> None:
    app: Sanic[Any, Any] = Sanic("State", lifespan=lifespan([], "own", pool="a pool"))

    @app.get("/")
    async def hello(request: Request) -> Any:
        return text(request.state.pool)

    with TestClient(app) as client:
        assert client.get("/").text == "a pool"


async def test_a_lifespan_may_yield_nothing_and_be_a_generator() -> None:
    @contextlib.asynccontextmanager
    async def nothing(app: Any) -> AsyncIterator[None]:
        yield

    app: Sanic[Any, Any] = Sanic("Nothing", lifespan=nothing)
    async with Life(app) as life:
        assert life.state == {}


async def test_the_state_of_a_mounted_applications_lifespan_reaches_its_requests() -> None:
    async def show(request: StarletteRequest) -> StarletteResponse:
        return PlainTextResponse(f"{request.state.outer} {request.state.inner}")

    inner = Starlette(routes=[starlette_routing.Route("/", show)], lifespan=lifespan([], "inner", inner="in"))
    app: Sanic[Any, Any] = Sanic("Both", lifespan=lifespan([], "outer", outer="out"))
    app.mount("/in", inner)
    with TestClient(app) as client:
        assert client.get("/in").text == "out in"


async def raises_on_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http", "only http"
    await PlainTextResponse("fine")(scope, receive, send)


async def returns_on_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await PlainTextResponse("fine")(scope, receive, send)


async def ends_after_startup(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await PlainTextResponse("fine")(scope, receive, send)
    else:
        await receive()
        await send({"type": "lifespan.startup.complete"})


@pytest.mark.parametrize("mounted", [raises_on_lifespan, returns_on_lifespan, ends_after_startup])
async def test_an_application_without_a_lifespan_is_tolerated(mounted: Any) -> None:
    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("Tolerant")
    app.mount("/odd", mounted)
    app.mount("/star", Starlette(lifespan=lifespan(events, "star")))
    async with Life(app) as life:
        assert life.started["type"] == "lifespan.startup.complete"
        assert (await ask(app, http_scope("/odd"))).body == b"fine"
    assert events == ["star start", "star stop"]


async def test_static_files_have_no_lifespan(tmp_path: Any) -> None:
    app: Sanic[Any, Any] = Sanic("Files")
    app.mount("/files", StaticFiles(directory=tmp_path))
    async with Life(app) as life:
        assert life.started["type"] == "lifespan.startup.complete"


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
async def test_a_mounted_applications_failing_start_is_loud(kind: Any) -> None:
    @contextlib.asynccontextmanager
    async def failing(app: Any) -> AsyncIterator[None]:
        raise RuntimeError("no queue")
        yield

    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("Loud")
    app.mount("/good", Starlette(lifespan=lifespan(events, "good")))
    app.mount("/bad", kind(lifespan=failing))
    life = Life(app)
    with pytest.raises(RuntimeError, match="no queue"):
        await life.fail()
    assert life.started["type"] == "lifespan.startup.failed"
    assert events == ["good start", "good stop"]


async def test_a_mounted_applications_failing_stop_is_loud_and_the_others_stop() -> None:
    @contextlib.asynccontextmanager
    async def failing(app: Any) -> AsyncIterator[None]:
        yield
        raise RuntimeError("stuck")

    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("LoudStop")
    listening(app, events)
    app.mount("/first", Starlette(lifespan=lifespan(events, "first")))
    app.mount("/bad", Starlette(lifespan=failing))
    life = Life(app)
    with pytest.raises(RuntimeError, match="a mounted application's shutdown failed"):
        async with life:
            events.clear()
    assert events == ["before_server_stop", "first stop", "after_server_stop"]
    assert app._engine.lifecycle.stage == "idle"


async def test_mounted_sanic_applications_run_their_phases() -> None:
    events: list[str] = []
    inner: Sanic[Any, Any] = Sanic("Inner")
    outer: Sanic[Any, Any] = Sanic("Outer")
    listening(outer, events, "outer ")
    listening(inner, events, "inner ")
    outer.mount("/in", inner)
    outer.mount("/again", inner)
    async with Life(outer):
        assert sorted(events) == sorted(f"{app} {phase}" for app in ("inner", "outer") for phase in PHASES[:2])
    assert len(events) == 8
    assert events[-1] == "outer after_server_stop"


def test_mounted_applications_are_found() -> None:
    first, second, third = FastAPI(), Starlette(), Starlette()
    routes = [
        Mount("/one", app=first),
        starlette_routing.Route("/", PlainTextResponse),
        Host("two.example", app=second),
        Mount("/again", app=first),
        Mount("/group", routes=[Mount("/three", app=third)]),
    ]
    apps = mounted_applications(list(routes))
    assert apps[:2] == [first, second]
    assert third in apps


async def test_the_lifespan_of_an_application_below_a_mount_of_routes_runs() -> None:
    events: list[str] = []
    app: Sanic[Any, Any] = Sanic("Grouped")
    app.router.routes.append(Mount("/group", routes=[Mount("/deep", app=Starlette(lifespan=lifespan(events, "deep")))]))
    async with Life(app):
        assert events == ["deep start"]
    assert events == ["deep start", "deep stop"]


# Signals ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[list[int]]:
    """Take the signals as a server does; give the list of those that came."""
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, frame: came.append(number))
    yield came
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_begins_the_stop_and_reaches_the_server(number: signal.Signals, taken: list[int]) -> None:
    app: Sanic[Any, Any] = Sanic("Signalled")
    events: list[str] = []
    listening(app, events)
    before = signal.getsignal(number)
    async with Life(app):
        assert signal.getsignal(number) is not before
        signal.raise_signal(number)
        assert app._engine.lifecycle.stop_event is not None
        await app._engine.lifecycle.stop_event.wait()
        assert events[2:] == ["before_server_stop"]
        assert app._engine.lifecycle.stopping
    assert signal.getsignal(number) is before
    # The server gets the signal some steps of the event loop after the streams have ended.
    while not taken:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert taken == [number]
    assert events == PHASES


async def test_a_signal_stops_an_application_that_was_started_lazily(taken: list[int]) -> None:
    app: Sanic[Any, Any] = Sanic("LazySignalled")
    stopped = asyncio.Event()

    @app.after_server_stop
    async def after(app: Any) -> None:
        stopped.set()

    await ask(app, http_scope())
    signal.raise_signal(signal.SIGTERM)
    await stopped.wait()
    while not taken:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert app._engine.lifecycle.stage == "closed"
    assert taken == [signal.SIGTERM]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_signal_during_a_lazy_start_stops_the_application_after_it(fails: bool, taken: list[int]) -> None:
    app: Sanic[Any, Any] = Sanic("SignalledStart")
    lifecycle = app._engine.lifecycle
    events: list[str] = []
    listening(app, events)
    app.add_route(lambda request: text("x"), "/", name="x")

    @app.after_server_start
    async def start(app: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        await lifecycle.stop_event.wait()
        # The stop has many turns of the event loop, in which it must wait for this start.
        for _ in range(100):
            await asyncio.sleep(0)
        assert lifecycle.stage == "stopping"
        if fails:
            raise RuntimeError("fails")

    with pytest.raises(RuntimeError) if fails else contextlib.nullcontext():
        await ask(app, http_scope("/"))
    while not taken:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert lifecycle.stage == "closed"
    assert (await ask(app, http_scope("/"))).status == 503
    assert events == ["before_server_start", "after_server_start", "before_server_stop", "after_server_stop"]


async def test_a_later_signal_handler_is_kept(taken: list[int]) -> None:
    def later(number: int, frame: Any) -> None: ...

    async with Life(Sanic("Later")):
        signal.signal(signal.SIGTERM, later)
    assert signal.getsignal(signal.SIGTERM) is later


async def test_a_failed_start_leaves_no_handler_behind(taken: list[int]) -> None:
    app: Sanic[Any, Any] = Sanic("FailedSignals")
    before = signal.getsignal(signal.SIGTERM)

    @app.after_server_start
    async def fail(app: Any) -> None:
        raise RuntimeError("no")

    life = Life(app)
    with pytest.raises(RuntimeError):
        await life.fail()
    assert signal.getsignal(signal.SIGTERM) is before


async def test_unhandled_os_signals_are_left_alone() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        async with Life(Sanic("Free")):
            assert {signal.getsignal(number) for number in before} == {signal.SIG_DFL}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_stop_in_another_thread_keeps_a_forwarding_handler(taken: list[int]) -> None:
    client = TestClient(Sanic("Elsewhere"))
    client.start()
    thread = threading.Thread(target=client.close)
    thread.start()
    thread.join()
    signal.raise_signal(signal.SIGTERM)
    assert taken == [signal.SIGTERM]


def test_signals_are_not_handled_outside_the_main_thread(taken: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[Any] = []

    async def run() -> None:
        async with Life(Sanic("Threaded")):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    assert seen == [before]


async def test_the_state_of_a_lazy_start_reaches_every_request() -> None:
    @contextlib.asynccontextmanager
    async def with_state(app: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"database": "open", "own": 1}

    app: Sanic[Any, Any] = Sanic("LazyState", lifespan=with_state)

    @app.get("/")
    async def show(request: Request) -> Any:
        return text(f"{request.state.database} {request.state.own}")

    for _ in range(3):
        assert (await ask(app, http_scope("/"))).body == b"open 1"
    # What the server around gives goes before.
    assert (await ask(app, {**http_scope("/"), "state": {"own": 2}})).body == b"open 2"


# The table at the head of `lifespan`: what is called, one after the other, and the stage after each call.
STAGES = [
    ("before_stop stop", ["idle", "idle"]),
    ("start after_start", ["running", "running"]),
    ("start before_stop before_stop", ["running", "stopping", "stopping"]),
    ("start before_stop stop", ["running", "stopping", "idle"]),
    ("start stop before_stop stop", ["running", "idle", "idle", "idle"]),
    ("start stop start before_stop", ["running", "idle", "running", "stopping"]),
    ("stopping_start before_stop stop", ["stopping", "stopping", "idle"]),
    ("stopping_start stop start stop", ["stopping", "idle", "running", "idle"]),
    ("failing_start before_stop stop", ["idle", "idle", "idle"]),
    ("failing_start start stop", ["idle", "running", "idle"]),
]


@pytest.mark.parametrize(("calls", "stages"), STAGES)
async def test_an_application_passes_its_stages_in_order(calls: str, stages: list[Stage]) -> None:
    app: Sanic[Any, Any] = Sanic("Stages")
    lifecycle = app._engine.lifecycle
    goodbyes: list[Stage] = []
    direction = ""

    @app.after_server_start
    async def start(app: Any) -> None:
        assert lifecycle.stage == "starting"
        if direction == "failing_start":
            raise RuntimeError("fails")
        if direction == "stopping_start":
            await lifecycle.before_stop()

    @app.before_server_stop
    async def say_goodbye(app: Any) -> None:
        goodbyes.append(lifecycle.stage)

    seen, starts = [], 0
    for direction in calls.split():
        if direction.endswith("start") and direction != "after_start":
            with contextlib.suppress(RuntimeError):
                await lifecycle.ensure_started()
                starts += 1
        else:
            await getattr(lifecycle, direction)()
        seen.append(lifecycle.stage)
    assert seen == stages
    await lifecycle.stop()
    assert lifecycle.stage == "idle"
    # Once for each successful start, however often a stop is requested.
    assert goodbyes == ["stopping"] * starts
