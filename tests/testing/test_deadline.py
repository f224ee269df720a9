"""Requests and steps that would never end raise, and the error says where they hang."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sanic_star import Request, Sanic, Websocket
from sanic_star.testing import DeadlineExceeded, ReusableClient, TestClient
from sanic_star.testing.deadline import Deadline, deadline, place_of, within


async def forever() -> None:
    await asyncio.Event().wait()


@pytest.fixture
def app() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("hanging")

    @app.get("/hang")
    async def hang(request: Request) -> None:
        await forever()

    @app.get("/task")
    async def task(request: Request) -> None:
        await asyncio.gather(asyncio.sleep(0), asyncio.create_task(forever()))

    @app.get("/elsewhere")
    async def elsewhere(request: Request) -> None:
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(forever())), None)

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None:
        await forever()

    return app


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_STAR_TEST_DEADLINE", "0.1")


HERE = r"it waits at .*test_deadline\.py:\d+ in forever \(await asyncio\.Event\(\)\.wait\(\)\)"


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("path", ["/hang", "/task"])
def test_a_handler(app: Sanic[Any, Any], path: str) -> None:
    with pytest.raises(ValueError, match=f"no answer to GET {path} within 0.1 s: {HERE}; end it there, or set"):
        app.test_client.get(path)


@pytest.mark.usefixtures("soon")
def test_a_handler_that_waits_through_something_opaque(app: Sanic[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"test_deadline\.py:\d+ in elsewhere"):
        app.test_client.get("/elsewhere")


def test_a_handler_with_a_timeout_of_the_test(app: Sanic[Any, Any]) -> None:
    with pytest.raises(ValueError, match=rf"no answer to GET /hang within 0\.05 s: {HERE}"):
        app.test_client.get("/hang", timeout=0.05)
    with pytest.raises(ValueError, match=rf"no answer to GET /hang within 0\.05 s: {HERE}"):
        app.test_client.get("/hang", session_kwargs={"timeout": 0.05})
    request, none = app.test_client.get("/hang", timeout=0.05, allow_none=True)
    assert request.path == "/hang"
    assert none is None


@pytest.mark.usefixtures("soon")
def test_the_other_clients(app: Sanic[Any, Any]) -> None:
    with ReusableClient(app) as reusable, pytest.raises(Exception, match=HERE):
        reusable.get("/hang")
    for stream in (False, True):
        with TestClient(app) as client, pytest.raises(Exception, match=HERE):
            client.get("/hang", stream=stream)


@pytest.mark.usefixtures("soon")
async def test_the_asgi_client(app: Sanic[Any, Any]) -> None:
    with pytest.raises(Exception, match=HERE):
        await app.asgi_client.get("/hang")


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("phase", ["before_server_start", "after_server_start", "before_server_stop"])
def test_a_listener(phase: str) -> None:
    app: Sanic[Any, Any] = Sanic("slow")

    async def listen(app: Sanic[Any, Any]) -> None:
        await forever()

    app.register_listener(listen, phase)
    step = "start-up" if "start" in phase.split("_")[2:] else "shutdown"
    with pytest.raises(DeadlineExceeded, match=rf"the application's {step} did not end within 0\.1 s: {HERE}"):
        app.test_client.get("/")


@pytest.mark.usefixtures("soon")
def test_a_websocket(app: Sanic[Any, Any]) -> None:
    async def mimic(ws: Any) -> None:
        await ws.recv()

    with pytest.raises(ValueError, match=r"within 0\.1 s: .*test_deadline"):
        app.test_client.websocket("/ws", mimic=mimic)
    words = r"nothing came through the websocket /ws within 0\.1 s: .* in forever"
    with (
        TestClient(app) as client,
        client.websocket_connect("/ws") as session,
        pytest.raises(TimeoutError, match=words),
    ):
        session.receive()


async def test_within() -> None:
    assert await within(asyncio.sleep(0, 5), "it did not end") == 5
    with pytest.raises(DeadlineExceeded, match=f"it did not end within 0.01 s: {HERE}"):
        await within(forever(), "it did not end", 0.01)
    # A cancellation from outside is one.
    task = asyncio.create_task(within(forever(), "it did not end"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_time_in_a_debugger_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_STAR_TEST_DEADLINE", "60")
    watch = Deadline("it did not end")
    # One late tick is one of several, however late.
    watch._tick()
    watch.check()
    await asyncio.sleep(0)
    watch.end()


@pytest.mark.parametrize(("text", "seconds"), [("2.5", 2.5), ("0", None), ("-1", None)])
def test_the_variable(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float | None) -> None:
    monkeypatch.setenv("SANIC_STAR_TEST_DEADLINE", text)
    assert deadline() == seconds


async def test_without_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_STAR_TEST_DEADLINE", "0")
    assert await within(asyncio.sleep(0, 5), "it did not end") == 5


def test_a_variable_that_is_not_a_number(monkeypatch: pytest.MonkeyPatch, app: Sanic[Any, Any]) -> None:
    monkeypatch.setenv("SANIC_STAR_TEST_DEADLINE", "soon")
    with pytest.raises(ValueError, match="SANIC_STAR_TEST_DEADLINE is a number of seconds, 0 for no limit") as caught:
        app.test_client.get("/hang")
    # It is not the application's start that failed.
    assert not hasattr(caught.value, "__notes__")


async def test_the_place_of_what_has_no_line_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "all_tasks", lambda loop: set())
    task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    assert "locks.py" in place_of(task)
    task.cancel()
    await asyncio.wait({task})
    assert place_of(task) == "at a place unknown"


CLOSED: list[tuple[Callable[[TestClient], object], str]] = [
    (lambda client: client.get("/"), r"this TestClient was closed: call start\(\)"),
    (lambda client: client.websocket_connect("/"), r"this TestClient was closed: call start\(\)"),
]


@pytest.mark.parametrize(("use", "words"), CLOSED)
@pytest.mark.parametrize("entered", [False, True])
def test_a_client_that_was_closed(
    app: Sanic[Any, Any], use: Callable[[TestClient], object], words: str, entered: bool
) -> None:
    client = TestClient(app)
    if entered:
        with client:
            assert client.get("/").status_code == 404
    client.close()
    with pytest.raises(RuntimeError, match=words):
        use(client)
    client.start()
    assert client.get("/").status_code == 404
    client.close()


async def test_an_asgi_client_that_was_closed(app: Sanic[Any, Any]) -> None:
    client = app.asgi_client
    assert (await client.get("/"))[1].status == 404
    await client.aclose()
    with pytest.raises(RuntimeError, match="this client was closed: make another one"):
        await client.get("/")
    with pytest.raises(RuntimeError, match="this client was closed"):
        await client.websocket("/ws")
