"""Background tasks of responses: on any response, awaited, with reported failures."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.responses import PlainTextResponse

from sanic_star import HTTPResponse, Request, Sanic, file, json, text
from sanic_star.compat.response import file_stream
from sanic_star.testing import TestClient
from tests.engine.processes import process
from tests.engine.raw import ask, http_scope


def app_with_background(seen: list[Any]) -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic("Background")

    def after(response: Any) -> Any:
        response.background = BackgroundTasks([BackgroundTask(seen.append, "one"), BackgroundTask(note)])
        return response

    def note() -> None:
        seen.append(threading.current_thread() is threading.main_thread())

    @app.get("/text")
    async def plain(request: Request) -> Any:
        return after(text("sent"))

    @app.get("/json")
    async def as_json(request: Request) -> Any:
        return after(json({}))

    @app.get("/file")
    async def as_file(request: Request) -> Any:
        return after(await file(__file__))

    @app.get("/file_stream")
    async def as_stream(request: Request) -> Any:
        return after(await file_stream(__file__))

    @app.get("/respond")
    async def respond(request: Request) -> Any:
        response = await request.respond(after(HTTPResponse(content_type="text/plain")))
        await response.send("a")
        await response.eof()

    @app.get("/starlette")
    async def foreign(request: Request) -> Any:
        return after(PlainTextResponse("sent"))

    @app.get("/answered")
    async def answered(request: Request) -> Any:
        raise KeyError

    @app.exception(KeyError)
    async def answer(request: Request, error: KeyError) -> Any:
        return after(text("answered"))

    @app.on_response
    async def exchange(request: Request, response: Any) -> Any:
        return after(text("exchanged")) if request.path == "/exchanged" else None

    @app.get("/exchanged")
    async def exchanged(request: Request) -> Any:
        return text("original")

    return app


@pytest.mark.parametrize(
    "path", ["text", "json", "file", "file_stream", "respond", "starlette", "answered", "exchanged"]
)
def test_any_response_may_have_a_background_task(path: str) -> None:
    seen: list[Any] = []
    with TestClient(app_with_background(seen)) as client:
        assert client.get(f"/{path}").status_code == 200
    assert seen == ["one", False]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_background_task_that_fails_is_logged_and_reported_and_answers_nothing(
    streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app: Sanic[Any, Any] = Sanic("Failing")
    reported: list[BaseException] = []
    app.report_exception(lambda app, error: reported.append(error))

    async def fail() -> None:
        raise ValueError("of the background")

    @app.get("/")
    async def plain(request: Request) -> Any:
        response = HTTPResponse("sent", background=BackgroundTask(fail))
        return await request.respond(response) if streamed else response

    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message["type"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1"}
    with pytest.raises(ValueError, match="of the background"):
        asyncio.run(app(scope, receive, send))
    assert messages == ["http.response.start", "http.response.body"]
    assert [str(error) for error in reported] == ["of the background"]
    assert "The background task of a response to '/' failed" in caplog.text


def test_the_stop_waits_for_a_background_task(tmp_path: Path) -> None:
    script = f"""
    import asyncio
    from pathlib import Path
    from sanic_star import HTTPResponse
    from starlette.background import BackgroundTask

    async def slow():
        await asyncio.sleep(0.5)
        Path({str(tmp_path)!r}, "done").write_text("done")

    @app.get("/slow")
    async def begin(request):
        return HTTPResponse("sent", background=BackgroundTask(slow))

    if __name__ == "__main__":
        app.run(port=0)
    """
    with process(tmp_path, script) as server:
        assert server.get("/slow").text == "sent"
        assert server.terminate() == 0
    assert (tmp_path / "done").read_text() == "done"


async def test_a_failure_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    app: Sanic[Any, Any] = Sanic("OneLine")

    async def fail() -> None:
        raise ValueError

    @app.get("/<name>")
    async def handler(request: Request, name: str) -> Any:
        return HTTPResponse("sent", background=BackgroundTask(fail))

    with pytest.raises(ValueError, match=r"^$"):
        await ask(app, http_scope("/a\nERROR: of a client's own"))
    assert [record.getMessage() for record in caplog.records if record.name == "sanic.error"] == [
        'The background task of a response to "/a\\nERROR: of a client\'s own" failed'
    ]
