"""Listeners: how they are registered, called and ordered."""

import asyncio
import logging
from typing import Any

import pytest

from sanic_star import Sanic
from sanic_star.compat._app.listeners import Listeners, call_listener
from sanic_star.compat.exceptions import BadRequest
from sanic_star.compat.signals import SignalRouter
from sanic_star.testing import TestClient

MOMENTS = ("before_server_start", "after_server_start", "before_server_stop", "after_server_stop")


@pytest.mark.parametrize("registration", ["decorator", "called", "listener", "named", "registered", "upper"])
def test_all_registration_functions(registration: str) -> None:
    app: Sanic[Any, Any] = Sanic("Ways")
    seen: list[str] = []

    def note(app: Any) -> None:
        seen.append("called")

    match registration:
        case "decorator":
            assert app.before_server_start(note) is note
        case "called":
            assert app.before_server_start(priority=1)(note) is note
        case "listener":
            assert app.listener("before_server_start")(note) is note
        case "named":
            assert app.listener(note, "before_server_start") is note
        case "registered":
            assert app.register_listener(note, "before_server_start") is note
        case _:
            app.listener("BEFORE_SERVER_START")(note)
    assert app.listeners == {"before_server_start": [note]}
    with TestClient(app):
        assert seen == ["called"]


@pytest.mark.parametrize(
    "moment",
    [
        *MOMENTS,
        "main_process_start",
        "main_process_ready",
        "main_process_stop",
        "reload_process_start",
        "reload_process_stop",
        "before_reload_trigger",
        "after_reload_trigger",
    ],
)
def test_every_moment_has_its_decorator(moment: str) -> None:
    app: Sanic[Any, Any] = Sanic("Moments")
    getattr(app, moment)(lambda app: None)
    assert list(app.listeners) == [moment]


@pytest.mark.parametrize("event", ["nonsense", None, 5])
def test_an_unknown_moment_is_refused(event: Any) -> None:
    with pytest.raises(BadRequest, match="Invalid event"):
        Listeners(SignalRouter()).add(print, event, 0)


def test_a_moment_that_is_missing_is_refused() -> None:
    with pytest.raises(BadRequest, match="Missing event name"):
        Sanic("Missing").listener(lambda app: None)


class Callable:
    async def __call__(self, app: Any, loop: Any) -> Any:
        return ("object", app, type(loop).__name__ != "")


@pytest.mark.parametrize(
    ("listener", "given"),
    [
        (lambda: (), 0),
        (lambda app: (app,), 1),
        (lambda app, loop: (app, loop), 2),
        (lambda app, loop=None: (app,), 1),
        (lambda *args: args, 1),
        (lambda *, key=None: (), 0),
        (lambda app, /, loop: (app, loop), 2),
    ],
)
async def test_a_listener_gets_as_much_as_it_takes(listener: Any, given: int) -> None:
    assert call_listener(listener, "app") == ("app", asyncio.get_running_loop())[:given]


async def test_an_object_that_can_be_called() -> None:
    assert await call_listener(Callable(), "app") == ("object", "app", True)


def test_order_by_registration_and_priority_and_back_at_the_stop() -> None:
    app: Sanic[Any, Any] = Sanic("Order")
    seen: list[str] = []
    for moment in MOMENTS:
        for name, priority in (("a", 0), ("b", 0), ("first", 5), ("last", -5)):
            app.register_listener(lambda app, note=f"{moment} {name}": seen.append(note), moment, priority=priority)
    with TestClient(app):
        pass
    forth, back = ["first", "a", "b", "last"], ["last", "b", "a", "first"]
    assert seen == [
        f"{moment} {name}" for moment, names in zip(MOMENTS, (forth, forth, back, back), strict=True) for name in names
    ]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_listeners_that_fail(moment: str, caplog: pytest.LogCaptureFixture) -> None:
    listeners, seen = Listeners(SignalRouter()), list[str]()

    def fail(app: Any) -> None:
        seen.append("failing")
        raise KeyError(len(seen))

    for _ in range(2):
        listeners.add(fail, moment, 0)
    listeners.add(lambda app: seen.append("good"), moment, -1 if moment in MOMENTS[:2] else 1)
    with caplog.at_level(logging.ERROR), pytest.raises(KeyError, match="1"):
        await listeners.run(moment, None)
    if moment in MOMENTS[:2]:
        assert seen == ["failing"]
    else:
        assert seen == ["failing", "failing", "good"]
        assert [record.message for record in caplog.records] == [f"A listener of {moment} failed"]


def test_signals_of_the_server_are_called_among_its_listeners() -> None:
    app: Sanic[Any, Any] = Sanic("Among")
    seen: list[Any] = []
    app.before_server_start(lambda app: seen.append("one"))

    @app.signal("server.init.before")
    def init(**context: Any) -> str:
        seen.append(sorted(context))
        return "what a signal returns ends nothing here"

    app.before_server_start(lambda app: seen.append("two"))
    app.signal("server.shutdown.after", priority=3)(lambda **context: seen.append("stopped"))
    app.after_server_stop(lambda app: seen.append("three"))
    with TestClient(app):
        assert seen == ["one", ["app", "loop"], "two"]
    assert seen[3:] == ["three", "stopped"]


async def test_an_event_of_the_server_may_be_waited_for() -> None:
    app: Sanic[Any, Any] = Sanic("Waited")
    app.add_signal(None, "server.init.before")
    waiting = asyncio.ensure_future(app.event("server.init.before", timeout=5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await app._listeners.run("before_server_start", app)
    assert sorted(await waiting) == ["app", "loop"]


def test_a_listener_may_be_added_while_the_application_runs() -> None:
    app: Sanic[Any, Any] = Sanic("Late")
    seen: list[str] = []

    @app.after_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        app.register_listener(lambda app: seen.append("stopped"), "before_server_stop")

    with TestClient(app):
        pass
    assert seen == ["stopped"]


@pytest.mark.parametrize("moment", ["main_process_start", "before_reload_trigger"])
def test_moments_without_priorities(moment: str, caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("NoPriority")
    seen: list[int] = []
    for number in (1, 2):
        app.register_listener(lambda app, number=number: seen.append(number), moment, priority=number)
    assert [record.message for record in caplog.records] == [f"Priority is not supported for {moment}"] * 2
    asyncio.run(app._listeners.run(moment, app))
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        (lambda app, changed: changed, {"a.py"}),
        (lambda app, loop, changed: (type(loop).__name__ != "", changed), (True, {"a.py"})),
        (lambda app: "app", "app"),
        (lambda changed: changed, {"a.py"}),
        (lambda **more: more, {"changed": {"a.py"}}),
        (lambda: "nothing", "nothing"),
    ],
)
async def test_a_listener_gets_the_changed_files(listener: Any, expected: Any) -> None:
    assert call_listener(listener, None, {"changed": {"a.py"}}) == expected
