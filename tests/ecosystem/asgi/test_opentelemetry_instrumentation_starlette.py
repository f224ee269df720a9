"""opentelemetry-instrumentation-starlette: `instrument_app`."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, get_current_span

from sanic_star import Request, Sanic
from sanic_star.testing import TestClient
from tests.ecosystem.asgi.sites import client, site

# As on Starlette, a mounted application's requests have the path of the mount.
ROUTES = {
    "/": ("/", 200),
    "/items/5": ("/items/{n:int}", 200),
    "/names/first": ("/names/first", 200),
    "/gone": ("/gone", 404),
    "/none": (None, 404),
    "/api/items/5": ("/api/items/{n:int}", 200),
    "/ours/items/5": ("/ours", 200),
    "/ours/none": ("/ours", 404),
    "/ours/fails": ("/ours", 500),
    "/theirs/items/5": ("/theirs", 200),
    "/theirs/fails": ("/theirs", 500),
}


class Spans(InMemorySpanExporter):
    """The spans of requests that are finished."""

    def __init__(self) -> None:
        super().__init__()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self))

    def take(self) -> list[ReadableSpan]:
        """Return the server's spans since the last call."""
        spans = [span for span in self.get_finished_spans() if span.kind is SpanKind.SERVER]
        self.clear()
        return spans


@pytest.fixture
def spans() -> Spans:
    return Spans()


def attribute(span: ReadableSpan, *names: str) -> Any:
    """Return an attribute of a span, by its old or its new name."""
    attributes = span.attributes or {}
    return next((attributes[name] for name in names if name in attributes), None)


async def test_routes(how: str, spans: Spans) -> None:
    """Each request is one span, named by its route's template; in a mounted application, by the mount's path."""
    app = site(how)
    app.state.probe = lambda request: f"{get_current_span().get_span_context().trace_id:032x}"
    StarletteInstrumentor.instrument_app(app, tracer_provider=spans.provider)
    async with client(app) as asking:
        for path, (route, status) in ROUTES.items():
            assert (await asking.get(path)).status_code == status
            (span,) = spans.take()
            assert (span.name, attribute(span, "http.route")) == (f"GET {route}" if route else "GET", route)
            assert attribute(span, "http.status_code", "http.response.status_code") == status
            assert span.status.is_ok or status == 500
        trace = "0af7651916cd43dd8448eb211c80319c"
        response = await asking.get("/probe", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        (span,) = spans.take()
        assert (response.json(), span.parent and f"{span.parent.span_id:016x}") == (trace, "b7ad6b7169203331")
        # A malformed header begins a new trace.
        response = await asking.get("/probe", headers={"traceparent": "00-nonsense"})
        (span,) = spans.take()
        assert (response.json() != trace, span.parent) == (True, None)


@pytest.mark.parametrize("path", ["/fails", "/api/fails"])
async def test_exceptions(how: str, spans: Spans, path: str) -> None:
    """The span of a 500 has an `exception` event with the exception, and the status ERROR."""
    app = site(how)
    StarletteInstrumentor.instrument_app(app, tracer_provider=spans.provider)
    async with client(app) as asking:
        assert (await asking.get(path)).status_code == 500
    (span,) = spans.take()
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes is not None
    assert (event.attributes["exception.type"], event.attributes["exception.message"]) == ("ValueError", "it fails")
    assert (span.name, span.status.is_ok) == (f"GET {path}", False)


def test_streams_and_websockets_here(spans: Spans) -> None:
    """A websocket and an event stream are one span each; after `uninstrument_app` there is none."""
    app: Sanic[Any, Any] = Sanic("live")

    @app.websocket("/rooms/<name>")
    async def room(request: Request, ws: Any, name: str) -> None:
        await ws.send(await ws.recv())

    @app.get("/events")
    async def events(request: Request) -> None:
        response = await request.respond(content_type="text/event-stream")
        await response.send("data: one\n\n")

    StarletteInstrumentor.instrument_app(app, tracer_provider=spans.provider)
    with TestClient(app) as asking:
        with asking.websocket_connect("/rooms/blue") as socket:
            socket.send_text("hello")
            assert socket.receive_text() == "hello"
        assert "one" in asking.get("/events").text
        taken = spans.take()
    assert [(span.name, attribute(span, "http.route")) for span in taken] == [
        ("/rooms/{name:str}", "/rooms/{name:str}"),
        ("GET /events", "/events"),
    ]
    StarletteInstrumentor.uninstrument_app(app)
    assert TestClient(app).get("/events").status_code == 200
    assert spans.take() == []
