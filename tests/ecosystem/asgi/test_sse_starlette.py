"""sse-starlette: its response, from a handler, a route of Starlette's and a mounted application."""

from __future__ import annotations

import pytest
import requests

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
    """Events arrive whole and at once; the generator ends when the client leaves, and when the server stops."""
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
