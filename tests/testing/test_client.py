"""``TestClient`` over HTTP: what reaches the app, what comes back, and on which event loop."""

import asyncio
import gc
import io
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import URL
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sanic_star.testing import TestClient

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def app_of(endpoint: Any, **kwargs: Any) -> Starlette:
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=METHODS)], **kwargs)


async def describe(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "path": request.scope["path"],
            "raw_path": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "root_path": request.scope["root_path"],
            "headers": dict(request.headers),
            "client": request.scope["client"],
            "server": request.scope["server"],
            "scheme": request.scope["scheme"],
            "body": (await request.body()).decode(),
        }
    )


def scope_app(seen: list[Scope]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        seen.append(scope)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    return app


@pytest.fixture(params=["own loop", "portal"])
def in_block(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "portal")


@asynccontextmanager
async def no_lifespan(app: Starlette) -> AsyncIterator[None]:
    yield


class Using:
    """A client in either of its two ways of running the app."""

    def __init__(self, client: TestClient, in_block: bool) -> None:
        self.client, self.in_block = client, in_block

    def __enter__(self) -> TestClient:
        return self.client.__enter__() if self.in_block else self.client

    def __exit__(self, *exc_info: object) -> None:
        self.client.close()


@pytest.mark.parametrize("method", METHODS)
def test_each_method_reaches_the_app(method: str, in_block: bool) -> None:
    with Using(TestClient(app_of(describe)), in_block) as client:
        response = client.request(method, "/")
        assert response.status_code == 200
        assert method == "HEAD" or response.json()["method"] == method


def test_head_has_no_body_but_its_length() -> None:
    client = TestClient(app_of(describe))
    response = client.head("/")
    assert response.content == b""
    assert int(response.headers["content-length"]) > 0
    client.close()


@pytest.mark.parametrize(
    ("url", "path", "raw_path", "query"),
    [
        ("/", "/", "/", ""),
        ("", "/", "/", ""),
        ("a/b", "/a/b", "/a/b", ""),
        ("/a%2Fb/%C3%BC", "/a/b/ü", "/a%2Fb/%C3%BC", ""),
        ("/ü ä", "/ü ä", "/%C3%BC%20%C3%A4", ""),
        ("/%FF", "/\ufffd", "/%FF", ""),
        ("//a", "//a", "//a", ""),
        ("/a?b=c%20d&b=%C3%BC", "/a", "/a", "b=c%20d&b=%C3%BC"),
        ("?next=http://elsewhere/", "/", "/", "next=http://elsewhere/"),
        ("http://other.example:81/x", "/x", "/x", ""),
    ],
)
def test_the_url_reaches_the_scope(url: str, path: str, raw_path: str, query: str) -> None:
    client = TestClient(app_of(describe))
    seen = client.get(url).json()
    client.close()
    assert (seen["path"], seen["raw_path"], seen["query"]) == (path, raw_path, query)


@pytest.mark.parametrize(
    ("base_url", "host", "server", "scheme"),
    [
        ("http://testserver", "testserver", ["testserver", 80], "http"),
        ("http://testserver:80/", "testserver", ["testserver", 80], "http"),
        ("http://testserver:8000", "testserver:8000", ["testserver", 8000], "http"),
        ("https://testserver", "testserver", ["testserver", 443], "https"),
        ("http://[::1]:8000", "[::1]:8000", ["::1", 8000], "http"),
    ],
)
def test_the_base_url_makes_host_and_server(base_url: str, host: str, server: list[Any], scheme: str) -> None:
    client = TestClient(app_of(describe), base_url=base_url)
    seen = client.get("/x").json()
    client.close()
    assert (seen["headers"]["host"], seen["server"], seen["scheme"], seen["path"]) == (host, server, scheme, "/x")


def test_a_base_url_with_a_path_is_a_prefix() -> None:
    client = TestClient(app_of(describe), base_url="http://testserver/api/")
    assert client.get("/x").json()["path"] == "/api/x"
    client.close()


def test_what_the_client_sets_reaches_the_app() -> None:
    client = TestClient(
        app_of(describe), root_path="/api", cookies={"a": "1"}, headers={"X-A": "b"}, client=("10.0.0.1", 9)
    )
    seen = client.request("GET", URL("/api/x"), headers={"Host": "other"}, params={"q": ["1", "2"]}).json()
    client.close()
    assert seen["root_path"] == "/api"
    assert seen["path"] == "/api/x"
    assert seen["query"] == "q=1&q=2"
    assert seen["client"] == ["10.0.0.1", 9]
    assert (seen["headers"]["cookie"], seen["headers"]["x-a"], seen["headers"]["host"]) == ("a=1", "b", "other")
    assert seen["headers"]["user-agent"] == "testclient"


def test_the_scope_is_that_of_a_server() -> None:
    seen: list[Scope] = []
    client = TestClient(scope_app(seen))
    assert client.get("/").status_code == 204
    client.get("/")
    client.close()
    first, second = seen
    assert first["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert first["http_version"] == "1.1"
    assert "http.response.pathsend" not in first["extensions"]
    assert first["extensions"]["sanic_star.testing"] == {}
    assert first["extensions"]["sanic_star.testing"] is not second["extensions"]["sanic_star.testing"]
    assert all(isinstance(part, bytes) for pair in first["headers"] for part in pair)


class Lines:
    """A body with ``read`` that gives text."""

    def __init__(self) -> None:
        self.file = io.StringIO("abc")

    def __iter__(self) -> Iterator[str]:
        return iter(self.file)

    def read(self, size: int = -1) -> str:
        return self.file.read(size)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"abc", "abc"),
        (bytearray(b"abc"), "abc"),
        ("äbc", "äbc"),
        ({"a": "b c"}, "a=b+c"),
        (io.BytesIO(b"abc"), "abc"),
        (Lines(), "abc"),
        ((part for part in [b"a", b"", "b", b"c"]), "abc"),
        (b"", ""),
        (None, ""),
    ],
)
def test_every_kind_of_body_arrives(data: Any, expected: str) -> None:
    client = TestClient(app_of(describe))
    assert client.post("/", data=data).json()["body"] == expected
    client.close()


def test_files_arrive_as_multipart() -> None:
    async def endpoint(request: Request) -> Response:
        async with request.form() as form:
            upload = form["file"]
            assert not isinstance(upload, str)
            return JSONResponse([upload.filename, (await upload.read()).decode(), form["field"]])

    client = TestClient(app_of(endpoint))
    assert client.post("/", files={"file": ("a.txt", b"abc")}, data={"field": "1"}).json() == ["a.txt", "abc", "1"]
    client.close()


def test_a_long_body_arrives_in_several_messages() -> None:
    async def endpoint(request: Request) -> Response:
        return JSONResponse([len(chunk) async for chunk in request.stream()])

    client = TestClient(app_of(endpoint))
    assert client.post("/", data=b"x" * 150_000).json() == [65_536, 65_536, 18_928, 0]
    client.close()


def test_a_generator_is_read_only_as_the_app_reads() -> None:
    made: list[int] = []

    def body() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"%d" % number

    async def endpoint(request: Request) -> Response:
        async for _ in request.stream():
            return Response()
        return Response()

    client = TestClient(app_of(endpoint))
    assert client.post("/", data=body()).status_code == 200
    assert made == [0]
    client.close()


def test_an_exception_in_the_body_comes_out_and_the_app_sees_a_disconnect(in_block: bool) -> None:
    class BodyError(Exception):
        pass

    def body() -> Iterator[bytes]:
        yield b"a"
        raise BodyError

    messages: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        messages.extend([(await receive())["type"] for _ in range(3)])

    with Using(TestClient(app), in_block) as client, pytest.raises(BodyError):
        client.post("/", data=body())
    assert messages == ["http.request", "http.disconnect", "http.disconnect"]


def test_redirects_and_cookies_as_in_a_browser(in_block: bool) -> None:
    async def endpoint(request: Request) -> Response:
        if request.url.path == "/login":
            response: Response = RedirectResponse("/home", status_code=303)
            response.set_cookie("session", "x y")
            response.set_cookie("other", "2")
            return response
        return JSONResponse({"method": request.method, "cookies": request.cookies})

    with Using(TestClient(app_of(endpoint)), in_block) as client:
        response = client.post("/login")
        assert response.json() == {"method": "GET", "cookies": {"session": "x y", "other": "2"}}
        assert response.url == "http://testserver/home"
        assert response.history[0].cookies.get_dict() == {"session": '"x y"', "other": "2"}
        assert set(client.cookies.keys()) == {"session", "other"}
        assert client.post("/login", allow_redirects=False).status_code == 303


def test_redirects_are_followed_as_the_client_and_the_call_say() -> None:
    async def endpoint(request: Request) -> Response:
        return RedirectResponse("/b") if request.url.path == "/a" else PlainTextResponse("b")

    client = TestClient(app_of(endpoint), follow_redirects=False)
    assert client.get("/a").status_code == 307
    assert client.request("GET", "/a", follow_redirects=True).text == "b"
    client.close()
    client = TestClient(app_of(endpoint))
    assert client.get("/a").text == "b"
    assert client.request("GET", "/a", follow_redirects=False).status_code == 307
    client.close()


def test_a_compressed_response_is_unpacked() -> None:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("ä" * 5_000)

    client = TestClient(GZipMiddleware(app_of(endpoint)))
    response = client.get("/")
    assert response.headers["content-encoding"] == "gzip"
    assert response.text == "ä" * 5_000
    client.close()


def test_a_status_without_a_phrase_and_repeated_headers() -> None:
    async def endpoint(request: Request) -> Response:
        response = Response(status_code=299)
        response.raw_headers += [(b"x-a", b"1"), (b"x-a", b"\xe4")]
        return response

    client = TestClient(app_of(endpoint))
    response = client.get("/")
    client.close()
    assert (response.status_code, response.reason) == (299, "")
    assert response.headers["x-a"] == "1, ä"


def test_what_a_template_sends_for_tests_is_on_the_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert "http.response.debug" in scope["extensions"]
        await send({"type": "http.response.debug", "info": {"template": "t.html", "context": {"a": 1}}})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    client = TestClient(app)
    response = client.get("/")
    client.close()
    assert vars(response)["template"] == "t.html"
    assert vars(response)["context"] == {"a": 1}


# Exceptions in the app


async def boom(request: Request) -> Response:
    raise KeyError("boom")


def test_the_apps_exception_comes_out(in_block: bool) -> None:
    with Using(TestClient(app_of(boom)), in_block) as client:
        with pytest.raises(KeyError, match="boom"):
            client.get("/")
        with pytest.raises(KeyError, match="boom"):
            client.get("/", stream=True)


def test_or_becomes_the_response_that_a_server_would_send(in_block: bool) -> None:
    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("boom")

    with Using(TestClient(app_of(boom), raise_server_exceptions=False), in_block) as client:
        assert client.get("/").text == "Internal Server Error"
    with Using(TestClient(raw, raise_server_exceptions=False), in_block) as client:
        response = client.get("/")
        assert (response.status_code, response.content) == (500, b"")
        assert client.get("/", stream=True).status_code == 500


def test_an_exception_of_a_background_task_comes_out() -> None:
    def task() -> None:
        raise KeyError("late")

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("x", background=BackgroundTask(task))

    client = TestClient(app_of(endpoint))
    with pytest.raises(KeyError, match="late"):
        client.get("/")
    with pytest.raises(KeyError, match="late"), client.get("/", stream=True) as response:
        assert response.content == b"x"
    client.close()


START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


def with_length(length: int) -> dict[str, Any]:
    return {**START, "headers": [(b"content-length", b"%d" % length)]}


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([], "returned without starting a response"),
        ([START], "returned without completing its response"),
        ([START, START], "can't send 'http.response.start'"),
        ([{"type": "http.response.body"}], "can't send 'http.response.body'"),
        ([START, {"type": "http.response.body"}, {"type": "http.response.body"}], "can't send 'http.response.body'"),
        ([START, {"type": "http.response.pathsend", "path": "/"}], "can't send 'http.response.pathsend'"),
        ([with_length(1), {"type": "http.response.body", "body": b"ab"}], "longer than its Content-Length"),
        ([with_length(3), {"type": "http.response.body", "body": b"ab"}], "shorter than its Content-Length"),
    ],
)
def test_a_breach_of_the_protocol_is_an_error(messages: list[dict[str, Any]], complaint: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for message in messages:
                await send(message)

    client = TestClient(app)
    with pytest.raises(RuntimeError, match=complaint):
        client.get("/")
    client.close()


def test_a_304_may_tell_the_length_of_the_body_it_lacks() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({**with_length(3), "status": 304})
            await send({"type": "http.response.body"})

    client = TestClient(app)
    assert client.get("/").status_code == 304
    client.close()


def test_a_body_that_breaks_off_is_an_error_of_the_connection(in_block: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise KeyError("boom")

    with Using(TestClient(app, raise_server_exceptions=False), in_block) as client:
        with pytest.raises(requests.exceptions.ChunkedEncodingError) as caught:
            client.get("/")
        assert isinstance(caught.value.__cause__, Exception)
        with (
            client.get("/", stream=True) as response,
            pytest.raises(requests.exceptions.ChunkedEncodingError) as caught,
        ):
            assert response.content
        assert isinstance(caught.value.__cause__, KeyError)


# Event loops and life


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

    with Using(TestClient(app_of(endpoint)), in_a_block) as client:
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


def test_a_client_that_nobody_closes_stops_its_app_at_the_end_of_the_interpreter() -> None:
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

    with Using(TestClient(app_of(endpoint)), in_block) as client:
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
