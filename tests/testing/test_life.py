"""The app's event loop, its start and its stop."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sanic_star.testing import TestClient
from tests.testing.apps import UsedClient, app_of, describe


def test_without_a_block_the_app_runs_in_this_thread_on_one_loop() -> None:
    seen: list[tuple[int, asyncio.AbstractEventLoop]] = []

    async def endpoint(request: Request) -> Response:
        seen.append((threading.get_ident(), asyncio.get_running_loop()))
        return Response()

    client = TestClient(app_of(endpoint))
    before = threading.active_count()
    client.get("/")
    client.get("/")
    assert threading.active_count() == before
    assert seen[0] == seen[1]
    assert seen[0][0] == threading.get_ident()
    client.close()
    assert seen[0][1].is_closed()


def test_in_a_block_tasks_go_on_between_requests() -> None:
    done = threading.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def later() -> None:
        await asyncio.sleep(0.001)
        done.set()

    async def endpoint(request: Request) -> Response:
        tasks.add(asyncio.create_task(later()))
        return Response()

    with TestClient(app_of(endpoint)) as client:
        client.get("/")
        assert done.wait(60)


@pytest.mark.parametrize("in_a_block", [False, True])
def test_tasks_that_are_left_are_cancelled(in_a_block: bool) -> None:
    ended: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def endpoint(request: Request) -> Response:
        tasks.add(asyncio.create_task(forever()))
        await asyncio.sleep(0)
        return Response()

    with UsedClient(app_of(endpoint), in_a_block) as client:
        client.get("/")
        assert ended == []
    assert ended == ["cancelled"]


async def test_inside_a_running_loop_only_a_block_works() -> None:
    client = TestClient(app_of(describe))
    with pytest.raises(RuntimeError, match="in a `with` block"):
        client.get("/")
    with client:
        assert client.get("/").status_code == 200


async def test_a_loop_that_was_started_outside_can_not_be_used_inside() -> None:
    client = TestClient(app_of(describe))
    await asyncio.to_thread(client.start)
    with pytest.raises(RuntimeError, match="in a `with` block"):
        client.get("/")
    await asyncio.to_thread(client.close)


def recording(events: list[str], **state: Any) -> Any:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        events.append("start")
        yield state
        events.append("stop")

    return lifespan


def test_the_lifespan_runs_once_in_a_block() -> None:
    events: list[str] = []
    with TestClient(app_of(describe, lifespan=recording(events))) as client:
        assert events == ["start"]
        client.get("/")
        client.get("/")
    assert events == ["start", "stop"]


def test_the_lifespan_starts_with_the_first_request_or_start() -> None:
    events: list[str] = []
    client = TestClient(app_of(describe, lifespan=recording(events)))
    assert events == []
    client.get("/")
    client.start()
    client.get("/")
    assert events == ["start"]
    client.close()
    client.close()
    assert events == ["start", "stop"]
    client.start()
    assert events == ["start", "stop", "start"]
    with client:
        assert events == ["start", "stop", "start", "stop", "start"]
    assert events == ["start", "stop"] * 3


def test_a_client_that_is_dropped_stops_its_app() -> None:
    events: list[str] = []
    client = TestClient(app_of(describe, lifespan=recording(events)))
    client.get("/")
    del client
    gc.collect()
    assert events == ["start", "stop"]


def test_each_request_has_a_copy_of_the_lifespans_state() -> None:
    async def endpoint(request: Request) -> Response:
        value = request.state.value
        request.state.value = "changed"
        return PlainTextResponse(value)

    with TestClient(app_of(endpoint, lifespan=recording([], value="kept"))) as client:
        assert client.get("/").text == "kept"
        assert client.get("/").text == "kept"


async def test_a_client_that_is_dropped_inside_a_running_loop_stops_its_app() -> None:
    events: list[str] = []
    client = TestClient(app_of(describe, lifespan=recording(events)))
    thread = threading.Thread(target=client.start)
    thread.start()
    thread.join()
    del client, thread
    gc.collect()
    assert events == ["start", "stop"]


AT_THE_END = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from sanic_star.testing import TestClient

@asynccontextmanager
async def lifespan(app):
    yield
    print("stop")
    raise KeyError("at the end")

def endpoint(request):
    # Both run in worker threads, for which the interpreter waits at its end.
    return PlainTextResponse("x", background=BackgroundTask(print, "task"))

client = TestClient(Starlette(routes=[Route("/", endpoint)], lifespan=lifespan))
assert client.get("/").text == "x"
client.get("/", stream=True)
"""


def test_an_unclosed_client_stops_its_app_at_interpreter_exit() -> None:
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["task", "task", "stop"]
    assert done.stderr.endswith("KeyError: 'at the end'\n")


@pytest.mark.parametrize("stream", [False, True])
def test_a_timeout_ends_a_request_that_takes_too_long(stream: bool, in_block: bool) -> None:
    left: list[str] = []

    async def endpoint(request: Request) -> Response:
        try:
            message: Any = None
            while message is None or message["type"] != "http.disconnect":
                message = await request.receive()
        finally:
            left.append("left")
        return Response()

    with UsedClient(app_of(endpoint), in_block) as client:
        for timeout in (0.01, (None, 0.01)):
            with pytest.raises(requests.exceptions.ReadTimeout):
                client.get("/", timeout=timeout, stream=stream)
    assert left == ["left", "left"]


def test_a_timeout_of_the_app_is_not_the_clients() -> None:
    async def endpoint(request: Request) -> Response:
        raise TimeoutError("the app's own")

    client = TestClient(app_of(endpoint))
    with pytest.raises(TimeoutError, match="the app's own"):
        client.get("/", timeout=60)
    client.close()
