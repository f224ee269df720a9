"""sse-starlette: its response, from a handler, a route of Starlette's and a mounted application.

Its behaviour is the floor for `EventStream`: a client gets the same events, pings and headers from both.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
import requests
import sse_starlette

from sanic_star import ServerSentEvent
from tests.ecosystem.asgi.conftest import Serve
from tests.engine.processes import TIMEOUT_S

APP = """
    import asyncio
    from sse_starlette import EventSourceResponse, JSONServerSentEvent, ServerSentEvent
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route
    from sanic_star import Sanic

    async def few(last):
        yield {"event": "start", "data": f"ü\\nlast {last}", "id": "1", "retry": 500}
        yield JSONServerSentEvent({"a": [1]})
        yield ServerSentEvent("end", event="end")

    async def many():
        try:
            number = 0
            while True:
                number += 1
                yield {"data": number}
                await asyncio.sleep(0.05)
        finally:
            print("closed", flush=True)

    async def fails():
        yield {"data": 1}
        raise ValueError("the generator fails")

    async def show_few(request):
        return EventSourceResponse(few(request.headers.get("last-event-id")))

    async def show_many(request):
        return EventSourceResponse(many(), ping=1)

    async def show_fails(request):
        return EventSourceResponse(fails())

    def routes():
        return [Route("/few", show_few), Route("/many", show_many), Route("/fails", show_fails)]

    if HOW == "here":
        app = Sanic("events")
        app.get("/few")(show_few)
        app.get("/many")(show_many)
        app.get("/fails")(show_fails)
        app.router.routes.append(Mount("/routes", routes=routes()))
    else:
        app = Starlette(routes=[*routes(), Mount("/routes", routes=routes())])
    app.mount("/mounted", Starlette(routes=routes()))
"""


@pytest.mark.parametrize("prefix", ["", "/routes", "/mounted"])
def test_events(serve: Serve, prefix: str) -> None:
    """Events arrive complete and without delay; the generator ends when the client leaves or the server stops."""
    process = serve(APP)
    url = f"http://127.0.0.1:{process.port}{prefix}"
    response = requests.get(f"{url}/few", headers={"last-event-id": "0"}, timeout=TIMEOUT_S)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    events = [event.split("\r\n") for event in response.content.decode().split("\r\n\r\n") if event]
    assert events[0] == ["id: 1", "event: start", "data: ü", "data: last 0", "retry: 500"]
    assert events[1:] == [['data: {"a":[1]}'], ["event: end", "data: end"]]
    with requests.get(f"{url}/many", stream=True, timeout=TIMEOUT_S) as stream:
        lines = stream.iter_lines()
        assert [next(lines), next(lines), next(lines)] == [b"data: 1", b"", b"data: 2"]
    process.until(lambda: "closed" in process.log or None)
    with requests.get(f"{url}/many", stream=True, timeout=TIMEOUT_S) as stream:
        assert next(stream.iter_lines()) == b"data: 1"
        process.terminate()
    assert process.log.count("closed") == 2


def test_a_failure(serve: Serve) -> None:
    """A generator that fails breaks the stream off, and the exception is logged; the next request is answered."""
    process = serve(APP)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = requests.get(f"http://127.0.0.1:{process.port}/fails", timeout=TIMEOUT_S).content
    process.until(lambda: "the generator fails" in process.log or None)
    assert "data: end" in process.get("/few").text


class FiredEvent(NamedTuple):
    """An event that a client fires."""

    event: str
    data: str
    last_id: str


def parse_events(stream: bytes) -> tuple[list[FiredEvent], int | None]:
    """Return the events of a stream and the time until a reconnection (HTML Standard, section 9.2.6)."""
    events, retry, last_id = [], None, ""
    event, data = "", ""
    for line in re.split("\r\n|\r|\n", stream.decode())[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append(FiredEvent(event or "message", data[:-1], last_id))
            event, data = "", ""
        elif name == "data":
            data += f"{value}\n"
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            retry = int(value)
    return events, retry


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"data": "one"}, 1),
        ({"data": "a\nb"}, 1),
        ({"data": "a\r\nb\rc"}, 1),
        ({"data": "a\n\ndata: injected\nevent: x"}, 1),
        ({"data": ""}, 1),
        ({"data": "\n"}, 1),
        ({"data": " blank before"}, 1),
        ({"data": "\u2028ü\x85😀"}, 1),
        ({"data": 5}, 1),
        ({"data": "x", "event": "price", "id": "7", "retry": 100, "comment": "c"}, 1),
        ({"data": "x", "comment": "a\nevent: injected"}, 1),
        ({"comment": "only"}, 0),
        ({"id": "9"}, 0),
        ({"event": "nothing"}, 0),
        ({"retry": 0}, 0),
    ],
)
def test_a_client_gets_the_same_events(fields: dict[str, Any], count: int) -> None:
    """Whatever an event contains, both encodings mean the same to a client."""
    ours, theirs = ServerSentEvent(**fields).encode(), sse_starlette.ServerSentEvent(**fields).encode()
    assert parse_events(ours) == parse_events(theirs)
    assert len(parse_events(ours)[0]) == count
    # The next event is not a part of this one.
    assert parse_events(ours + b"data: next\n\n")[0][count].data == "next"


@pytest.mark.parametrize("field", ["event", "id"])
def test_a_line_break_in_a_single_line_field(field: str) -> None:
    """sse-starlette removes it; here it raises an exception."""
    theirs = sse_starlette.ServerSentEvent("x", **{field: "a\nb"}).encode()
    assert parse_events(theirs)[0][0].data == "x"
    with pytest.raises(ValueError, match="line break"):
        ServerSentEvent("x", **{field: "a\nb"})  # type: ignore[arg-type]


BOTH = """
    import asyncio
    from sanic_star import EventStream, Sanic
    from sse_starlette import EventSourceResponse
    from starlette.background import BackgroundTask

    Stream = EventStream if HOW == "here" else EventSourceResponse
    app = Sanic("both")

    async def silent():
        try:
            await asyncio.sleep(60)
            yield "never"
        finally:
            print("closed", flush=True)

    async def large():
        try:
            while True:
                yield "x" * 1_000_000
        finally:
            print("closed", flush=True)

    @app.get("/silent")
    async def show_silent(request):
        return Stream(silent(), ping=1)

    @app.get("/few")
    async def show_few(request):
        done = BackgroundTask(print, "in the background", flush=True)
        return Stream(iter(["one", {"data": "two", "id": "2"}]), headers={"X-A": "1"}, background=done)

    @app.get("/large")
    async def show_large(request):
        return Stream(large(), send_timeout=1)
"""


def test_pings_headers_background_and_the_time_to_send(serve: Serve) -> None:
    """Both fill silence with comments, close the source of a client that left, and give up one that reads nothing."""
    process = serve(BOTH)
    url = f"http://127.0.0.1:{process.port}"
    with requests.get(f"{url}/silent", stream=True, timeout=TIMEOUT_S) as stream:
        received = stream.iter_lines()
        lines = [line for line in (next(received) for _ in range(4)) if line]
        assert lines
        assert all(line.startswith(b":") for line in lines)
    process.until(lambda: process.log.count("closed") == 1 or None)
    response = requests.get(f"{url}/few", timeout=TIMEOUT_S)
    assert [event.data for event in parse_events(response.content)[0]] == ["one", "two"]
    assert parse_events(response.content)[0][1].last_id == "2"
    assert response.headers["x-a"] == "1"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    process.until(lambda: "in the background" in process.log or None)
    with requests.get(f"{url}/large", stream=True, timeout=TIMEOUT_S):
        process.until(lambda: process.log.count("closed") == 2 or None)
