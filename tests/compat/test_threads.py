"""Synchronous handlers, middleware, exception handlers and listeners in threads."""

from __future__ import annotations

import asyncio
import copy
import functools
import json as stdlib_json
import pickle
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Literal

import pytest
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from sanic_star import Blueprint, HTTPResponse, Request, Sanic, Websocket, json, text
from sanic_star.compat.exceptions import SanicException, ServerError
from sanic_star.compat.views import HTTPMethodView
from sanic_star.testing import TestClient
from tests.engine.raw import Life, Peer, ask, http_scope

TIMEOUT_S = 30.0
word: ContextVar[str] = ContextVar("word", default="unset")
App = Sanic[Any, Any]


def where() -> str:
    """Tell whether this runs in an event loop or in one of the application's threads."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return "thread" if "-thread-" in threading.current_thread().name else "another thread"
    return "loop"


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110 - a thread sets no event of the loop
            await asyncio.sleep(0.005)


# Kinds of handlers --------------------------------------------------------------------------------------------------


def plain(request: Request) -> HTTPResponse:
    return text(where())


async def asynchronous(request: Request) -> HTTPResponse:
    return text(where())


def with_word(word: str, request: Request) -> HTTPResponse:
    return text(where())


class Callable_:
    def __call__(self, request: Request) -> HTTPResponse:
        return text(where())

    def method(self, request: Request) -> HTTPResponse:
        return text(where())


class AsyncCallable:
    async def __call__(self, request: Request) -> HTTPResponse:
        return text(where())


def returns_coroutine(request: Request) -> Awaitable[HTTPResponse]:
    outside = where()

    async def inside() -> HTTPResponse:
        return text(f"{outside} {where()}")

    return inside()


@functools.wraps(asynchronous)
def decorated(request: Request) -> Awaitable[HTTPResponse]:
    return returns_coroutine(request)


@functools.wraps(plain)
async def asynchronous_around_plain(request: Request) -> HTTPResponse:
    return plain(request)


def starlettes(request: Request) -> PlainTextResponse:
    return PlainTextResponse(where())


HANDLERS: dict[str, tuple[Any, str]] = {
    "function": (plain, "thread"),
    "coroutine function": (asynchronous, "loop"),
    "partial": (functools.partial(with_word, "x"), "thread"),
    "partial of a coroutine function": (functools.partial(asynchronous), "loop"),
    "callable object": (Callable_(), "thread"),
    "callable object with async __call__": (AsyncCallable(), "loop"),
    "partial of a callable object": (functools.partial(AsyncCallable()), "loop"),
    "bound method": (Callable_().method, "thread"),
    "function that returns a coroutine": (returns_coroutine, "thread loop"),
    "decorated function that returns a coroutine": (decorated, "thread loop"),
    "coroutine function around a function": (asynchronous_around_plain, "loop"),
    "function with a response of Starlette's": (starlettes, "thread"),
    "lambda": (lambda request: text(where()), "thread"),
}


@pytest.mark.parametrize("place", ["application", "route", "blueprint", "group"])
@pytest.mark.parametrize("kind", HANDLERS)
async def test_each_kind_of_handler_runs_where_it_should(kind: str, place: str) -> None:
    handler, expected = HANDLERS[kind]
    app: App = Sanic("Kinds", sync_handlers="thread" if place == "application" else "loop")
    bp = Blueprint("part", threaded=True if place == "blueprint" else None)
    bp.add_route(handler, "/", name="kind", threaded=True if place == "route" else None)
    app.blueprint(Blueprint.group(bp, threaded=True if place == "group" else None))
    async with Life(app):
        peer = await ask(app, http_scope("/"))
        assert (peer.status, peer.body.decode()) == (200, expected)


@pytest.mark.parametrize("kind", HANDLERS)
async def test_by_default_all_kinds_run_in_the_event_loop(kind: str) -> None:
    app: App = Sanic("Loop")
    app.add_route(HANDLERS[kind][0], "/", name="kind")
    async with Life(app):
        assert set((await ask(app, http_scope("/"))).body.decode().split()) == {"loop"}
    assert app._answers._threads is None


SETTINGS = [True, False, None]


@pytest.mark.parametrize("route", SETTINGS)
@pytest.mark.parametrize("blueprint", SETTINGS)
@pytest.mark.parametrize("inner", SETTINGS)
@pytest.mark.parametrize("outer", [True, None])
@pytest.mark.parametrize("app_wide", ["loop", "thread"])
async def test_the_innermost_setting_counts(
    route: bool | None, blueprint: bool | None, inner: bool | None, outer: bool | None, app_wide: Any
) -> None:
    app: App = Sanic("Levels", sync_handlers=app_wide)
    bp = Blueprint("part", threaded=blueprint)
    seen: dict[str, str] = {}

    @bp.get("/", threaded=route)
    def handler(request: Request) -> HTTPResponse:
        seen["handler"] = where()
        raise KeyError

    @bp.on_request(threaded=route)
    def before(request: Request) -> None:
        seen["request"] = where()

    @bp.middleware("response", threaded=route)
    def after(request: Request, response: HTTPResponse) -> None:
        seen["response"] = where()

    @bp.exception(KeyError, threaded=route)
    def answer(request: Request, error: KeyError) -> HTTPResponse:
        seen["exception"] = where()
        return text("answered")

    app.blueprint(Blueprint.group(Blueprint.group(bp, threaded=inner), threaded=outer))
    async with Life(app):
        peer = await ask(app, http_scope("/"))
    assert peer.body == b"answered"
    is_threaded = next(
        (setting for setting in (route, blueprint, inner, outer) if setting is not None), app_wide == "thread"
    )
    assert seen == dict.fromkeys(("request", "handler", "exception", "response"), "thread" if is_threaded else "loop")


async def test_a_blueprint_in_two_applications_and_its_copy() -> None:
    bp = Blueprint("part", threaded=True)
    bp.on_request(lambda request: setattr(request.ctx, "before", where()))
    bp.get("/", name="show")(lambda request: text(f"{request.ctx.before} {where()}"))
    first, second = Sanic("First"), Sanic("Second", sync_handlers="loop")
    first.blueprint(bp)
    first.blueprint(bp.copy("copied", url_prefix="/copy"))
    second.blueprint(bp, url_prefix="/second")
    for app, path in ((first, "/"), (first, "/copy"), (second, "/second")):
        async with Life(app):
            assert (await ask(app, http_scope(path))).body == b"thread thread", path


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete", "options", "head"])
async def test_each_verb_takes_the_keyword(verb: str) -> None:
    app: App = Sanic("Verbs")
    seen = []

    def handler(request: Request) -> HTTPResponse:
        seen.append(where())
        return text("")

    getattr(app, verb)("/", threaded=True)(handler)
    async with Life(app):
        await ask(app, http_scope("/", verb.upper()))
    assert seen == ["thread"]


async def test_parameters_and_methods_and_hosts() -> None:
    app: App = Sanic("Parameters")

    @app.route("/<a:int>/<b>", methods=["GET", "POST"], host=["testserver", "other"], threaded=True, ctx_x=3)
    def handler(request: Request, a: int, b: str) -> HTTPResponse:
        return json([where(), a, b, request.route.ctx.x, request.path, request.method])

    @app.get("/one/<n:int>", threaded=True)
    def handle_one(request: Request, n: int) -> HTTPResponse:
        return json([where(), n])

    async with Life(app):
        peer = await ask(app, http_scope("/1/x", "POST"))
        assert stdlib_json.loads(peer.body) == ["thread", 1, "x", 3, "/1/x", "POST"]
        assert stdlib_json.loads((await ask(app, http_scope("/one/7"))).body) == ["thread", 7]
        assert (await ask(app, http_scope("/one/x"))).status == 404


# Views --------------------------------------------------------------------------------------------------------------


class Mixed(HTTPMethodView):
    def get(self, request: Request, n: int = 0) -> HTTPResponse:
        return text(f"{where()} {n}", headers={"where": where()})

    async def post(self, request: Request, n: int = 0) -> HTTPResponse:
        return text(f"{where()} {n}")

    @staticmethod
    def put(request: Request, n: int = 0) -> HTTPResponse:
        return text(f"{where()} {n}")

    async def head(self, request: Request, n: int = 0) -> HTTPResponse:
        return text("", headers={"where": where()})


@pytest.mark.parametrize("registration", ["attach", "statement", "add_route", "application"])
async def test_only_the_synchronous_methods_of_a_view_run_in_threads(registration: str) -> None:
    app: App = Sanic("Views", sync_handlers="thread" if registration == "application" else "loop")
    if registration == "attach":
        Mixed.attach(app, "/<n:int>", threaded=True)
    elif registration == "statement":

        class Stated(Mixed, attach=app, uri="/<n:int>", threaded=True): ...

    else:
        app.add_route(Mixed.as_view(), "/<n:int>", threaded=None if registration == "application" else True)
    async with Life(app):
        answers = {verb: await ask(app, http_scope("/5", verb)) for verb in ("GET", "POST", "PUT", "HEAD", "PATCH")}
    bodies = [answers[verb].body for verb in ("GET", "POST", "PUT")]
    assert bodies == [b"thread 5", b"loop 5", b"thread 5"]
    assert answers["HEAD"].headers[b"where"] == b"loop"
    assert answers["PATCH"].status == 405


async def test_a_view_whose_dispatch_is_asynchronous_stays_in_the_loop() -> None:
    class Dispatching(HTTPMethodView):
        async def dispatch_request(self, request: Request, *args: Any, **kwargs: Any) -> Any:
            return super().dispatch_request(request, *args, **kwargs)

        def get(self, request: Request) -> HTTPResponse:
            return text(where())

    class Silent(HTTPMethodView):
        async def get(self, request: Request) -> HTTPResponse:
            return text(where())

    app: App = Sanic("Dispatching", sync_handlers="thread")
    Dispatching.attach(app, "/")
    Silent.attach(app, "/silent")
    async with Life(app):
        assert (await ask(app, http_scope("/"))).body == b"loop"
        assert (await ask(app, http_scope("/silent"))).body == b"loop"


async def test_starlettes_endpoints_and_routes_stay_starlettes() -> None:
    class Endpoint(HTTPEndpoint):
        def get(self, request: Any) -> PlainTextResponse:
            return PlainTextResponse(where())

    app: App = Sanic("Endpoints", routes=[Route("/route", starlettes)], sync_handlers="thread")
    app.add_route(Endpoint, "/endpoint")
    async with Life(app):
        # In the threads of anyio, as in Starlette.
        assert (await ask(app, http_scope("/route"))).body == b"another thread"
        assert (await ask(app, http_scope("/endpoint"))).body == b"another thread"


# Middleware, exception handlers, listeners --------------------------------------------------------------------------


async def test_middleware_exceptions_and_asgi_middleware_around() -> None:
    app: App = Sanic("Around", sync_handlers="thread")
    bp = Blueprint("part", middleware=[Middleware(GZipMiddleware)])
    seen: list[str] = []

    @app.on_request
    def first(request: Request) -> None:
        seen.append(f"first {where()}")

    @app.on_request
    async def second(request: Request) -> None:
        seen.append(f"second {where()}")

    @app.on_request(threaded=False)
    def third(request: Request) -> HTTPResponse | None:
        seen.append(f"third {where()}")
        return text("early") if request.args.get("early") else None

    @app.on_response
    def last(request: Request, response: HTTPResponse) -> None:
        seen.append(f"last {where()}")
        response.headers["x-last"] = "1"

    @bp.get("/")
    def handler(request: Request) -> HTTPResponse:
        seen.append(f"handler {where()}")
        return text("body")

    app.blueprint(bp)
    async with Life(app):
        peer = await ask(app, http_scope("/"))
        assert (peer.body, peer.headers[b"x-last"]) == (b"body", b"1")
        expected = ["first thread", "second loop", "third loop", "handler thread", "last thread"]
        assert seen == expected
        seen.clear()
        assert (await ask(app, http_scope("/", query_string=b"early=1"))).body == b"early"
        assert seen == [*expected[:3], "last thread"]
        seen.clear()
        assert (await ask(app, http_scope("/none"))).status == 404
        assert seen == [*expected[:3], "last thread"]


async def test_middleware_that_returns_a_coroutine_and_one_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    app: App = Sanic("Odd", sync_handlers="thread")

    async def later(request: Request) -> None:
        request.ctx.later = where()

    app.on_request(lambda request: later(request))

    @app.on_response
    def fail(request: Request, response: HTTPResponse) -> None:
        raise KeyError("in response middleware")

    app.get("/", name="a")(lambda request: text(request.ctx.later))
    async with Life(app):
        assert (await ask(app, http_scope("/"))).body == b"loop"
    assert "Exception occurred in one of response middleware handlers" in caplog.text


async def test_exception_handlers() -> None:
    app: App = Sanic(
        "Handlers",
        sync_handlers="thread",
        exception_handlers={ValueError: lambda request, error: text(f"keyword {where()}")},
    )
    app.add_exception_handler(KeyError, lambda request, error: text(f"added {where()} {error!r}"))

    @app.exception(TypeError, 405)
    async def asynchronous_handler(request: Request, error: Exception) -> HTTPResponse:
        return text(f"async {where()}")

    @app.exception(LookupError, threaded=False)
    def in_loop(request: Request, error: Exception) -> HTTPResponse:
        return text(f"loop {where()}")

    @app.exception(ZeroDivisionError)
    def failing(request: Request, error: Exception) -> HTTPResponse:
        raise SanicException("worse", 418)

    @app.exception(OSError)
    def nothing(request: Request, error: Exception) -> None:
        return None

    kinds = ValueError, KeyError, TypeError, IndexError, ArithmeticError, OSError, ZeroDivisionError
    errors: dict[str, type[Exception]] = {error.__name__: error for error in kinds}

    @app.get("/<name>")
    def fail(request: Request, name: str) -> HTTPResponse:
        raise errors[name]("x")

    async with Life(app):
        bodies = {}
        for name in errors:
            with suppress(ArithmeticError, OSError):
                peer = Peer()
                bodies[name] = peer
                await app(http_scope(f"/{name}"), peer.receive, peer.send)
        assert bodies["ValueError"].body == b"keyword thread"
        assert bodies["KeyError"].body == b"added thread KeyError('x')"
        assert bodies["TypeError"].body == b"async loop"
        assert bodies["IndexError"].body == b"loop loop"
        # As in Sanic, whatever a synchronous one raises is answered with 500.
        for name in ("ZeroDivisionError", "ArithmeticError", "OSError"):
            assert bodies[name].status == 500
        # `None` leaves it to the error page, as in the event loop.
        assert b"Internal Server Error" in bodies["OSError"].body
    assert app.error_handler.lookup(KeyError()).__name__ == "<lambda>"  # type: ignore[union-attr]


async def test_listeners_run_in_threads_only_if_they_are_marked() -> None:
    app: App = Sanic("Listeners", sync_handlers="thread")
    seen: list[str] = []

    @app.before_server_start(threaded=True)
    def one(app: App) -> None:
        seen.append(f"one {where()} {app.name}")

    @app.listener("after_server_start", threaded=True, priority=2)
    def two(app: App, loop: asyncio.AbstractEventLoop) -> None:
        seen.append(f"two {where()} {loop.is_running()}")

    @app.before_server_stop(threaded=True)
    def three() -> None:
        seen.append(f"three {where()}")

    def four(app: App, *, extra: int = 4) -> Awaitable[None]:
        async def later() -> None:
            seen.append(f"four {where()} {extra}")

        return later()

    app.register_listener(lambda app: seen.append(f"five {where()}"), "before_server_start")
    bp = Blueprint("part", threaded=True)
    bp.listener(four, "after_server_stop", threaded=True)
    bp.after_server_start(lambda app: seen.append(f"six {where()}"))
    app.blueprint(bp)

    @app.after_server_start(threaded=True)
    async def seven(app: App) -> None:
        seen.append(f"seven {where()}")

    async with Life(app):
        assert seen == [
            "one thread Listeners", "five loop", "two thread True", "six loop", "seven loop",
        ]  # fmt: skip
        seen.clear()
    assert seen == ["three thread", "four loop 4"]
    assert app._answers._threads is None


async def test_a_listener_in_a_thread_that_fails_ends_the_start() -> None:
    app: App = Sanic("Failing")

    @app.before_server_start(threaded=True)
    def fail(app: App) -> None:
        raise KeyError("no database")

    life = Life(app)
    with pytest.raises(KeyError, match="no database"):
        await life.fail()


async def test_the_stop_does_not_wait_for_ever_for_a_listener(caplog: pytest.LogCaptureFixture) -> None:
    app: App = Sanic("Hanging")
    # Long enough for a thread to start the listener on a busy machine.
    app.config.update(SHUTDOWN_LISTENER_TIMEOUT=1, GRACEFUL_SHUTDOWN_TIMEOUT=0.05)
    go = threading.Event()
    app.before_server_stop(lambda app: go.wait(TIMEOUT_S), threaded=True)
    async with Life(app):
        pass
    assert "has not ended after 1 s (SHUTDOWN_LISTENER_TIMEOUT)" in caplog.text
    assert "The stop does not wait any longer for the thread Hanging-thread-1" in caplog.text
    go.set()


# Context ------------------------------------------------------------------------------------------------------------


async def test_context_variables_and_the_current_request() -> None:
    app: App = Sanic("Context")
    seen: list[str] = []

    @app.on_request(threaded=True)
    def first(request: Request) -> None:
        word.set("set by middleware in a thread")

    @app.on_request
    async def second(request: Request) -> None:
        seen.append(word.get())
        word.set("set by middleware")

    @app.get("/", threaded=True)
    def handler(request: Request) -> HTTPResponse:
        assert Request.get_current() is request
        request.ctx.where = where()
        seen.append(word.get())
        word.set("set by the handler")
        return text(str(request.id))

    @app.on_response
    async def after(request: Request, response: HTTPResponse) -> None:
        seen.append(f"{word.get()} {request.ctx.where}")

    word.set("outside")
    async with Life(app):
        for _ in range(3):
            seen.clear()
            await asyncio.create_task(ask(app, http_scope("/")))
            assert seen == [
                "set by middleware in a thread", "set by middleware", "set by the handler thread",
            ]  # fmt: skip
    assert word.get() == "outside"


async def test_concurrent_requests_see_their_own_context() -> None:
    app: App = Sanic("Many", sync_handlers="thread")

    @app.on_request
    def note(request: Request) -> None:
        word.set(request.args["n"][0])

    @app.get("/")
    def handler(request: Request) -> HTTPResponse:
        time.sleep(0.005)
        return json([word.get(), Request.get_current().args.get("n")])

    async with Life(app):
        queries = [str(number) for number in range(60)]
        peers = await asyncio.gather(*(ask(app, http_scope("/", query_string=f"n={n}".encode())) for n in queries))
    assert [stdlib_json.loads(peer.body) for peer in peers] == [[n, n] for n in queries]


# What a handler uses ------------------------------------------------------------------------------------------------


async def test_the_body_has_arrived_before_the_handler_runs() -> None:
    app: App = Sanic("Body", sync_handlers="thread")

    @app.post("/<kind>")
    def handler(request: Request, kind: str) -> HTTPResponse:
        values: dict[str, Callable[[], Any]] = {
            "json": lambda: request.json,
            "form": lambda: request.form.get("a"),
            "files": lambda: request.files.get("f").body.decode(),  # type: ignore[union-attr]
            "body": lambda: len(request.body),
        }
        return json(values[kind]())

    async def post(kind: str, content_type: bytes, *chunks: bytes) -> Peer:
        headers = [(b"host", b"h"), (b"content-type", content_type)]
        return await ask(app, http_scope(f"/{kind}", "POST", headers=headers), chunks)

    multipart = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nhello\r\n--B--\r\n'
    async with Life(app):
        assert (await post("json", b"application/json", b'{"a":', b"1}")).body == b'{"a":1}'
        assert (await post("form", b"application/x-www-form-urlencoded", b"a=1")).body == b'"1"'
        assert (await post("files", b"multipart/form-data; boundary=B", multipart[:30], multipart[30:])).body == (
            b'"hello"'
        )
        assert (await post("body", b"text/plain", b"x" * 70_000, b"y")).body == b"70001"
        # Bad input is answered as in the event loop.
        peer = await post("json", b"application/json", b"{")
        assert (peer.status, b"Failed when parsing body as json" in peer.body) == (400, True)


async def test_loop_features_are_available_in_a_thread() -> None:
    app: App = Sanic("Loop")
    done: list[str] = []

    async def job(app: App) -> None:
        done.append(f"{where()} {Request.get_current().path}")

    async def failing() -> None:
        raise KeyError

    @app.get("/", threaded=True)
    def handler(request: Request) -> HTTPResponse:
        task = request.app.add_task(job, name="job")
        assert task is app.get_task("job")
        loop = request.app.loop
        value = asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "slept"), loop).result(TIMEOUT_S)
        with pytest.raises(KeyError):
            asyncio.run_coroutine_threadsafe(failing(), loop).result(TIMEOUT_S)
        return text(value)

    async with Life(app):
        assert (await ask(app, http_scope("/"))).body == b"slept"
        await until(lambda: done)
        assert done == ["loop /"]
        loop, outside = asyncio.get_running_loop(), []
        # Any other thread may do so, too.
        thread = threading.Thread(target=lambda: outside.append((app.loop, app.add_task(job))))
        thread.start()
        await until(lambda: outside)
        thread.join()
        assert outside[0][0] is loop
        assert isinstance(outside[0][1], asyncio.Task)
    failed: list[Any] = []

    def read() -> None:
        try:
            failed.append(app.loop)
        except SanicException as error:
            failed.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert failed == ["Loop can only be retrieved after the app has started running."]


async def test_a_full_task_table_raises_in_the_thread() -> None:
    app: App = Sanic("Full")
    app.config.TASK_LIMIT = 0

    @app.get("/", threaded=True)
    def handler(request: Request) -> HTTPResponse:
        request.app.add_task(asyncio.sleep(0))
        return text("added")

    async with Life(app):
        assert (await ask(app, http_scope("/"))).status == 503


async def test_a_handler_may_return_an_awaitable_of_a_response() -> None:
    app: App = Sanic("Respond", sync_handlers="thread")

    @app.get("/")
    def handler(request: Request) -> Any:
        return request.respond(text("responded"))

    async with Life(app):
        assert (await ask(app, http_scope("/"))).body == b"responded"


def numbers() -> Iterator[str]:
    for number in range(3):
        yield f"{number} {where()}\n"


async def asynchronous_numbers() -> AsyncIterator[str]:
    for number in range(3):
        yield f"{number} {where()}\n"


def generator(request: Request) -> Iterator[str]:
    yield "never"


async def asynchronous_generator(request: Request) -> AsyncIterator[str]:
    yield "never"


async def test_generators() -> None:
    app: App = Sanic("Generators", sync_handlers="thread")
    app.get("/stream", name="a")(lambda request: StreamingResponse(numbers()))
    app.get("/async-stream", name="b")(lambda request: StreamingResponse(asynchronous_numbers()))
    app.add_route(generator, "/generator")
    app.add_route(asynchronous_generator, "/async-generator")
    async with Life(app):
        # A synchronous iterator of Starlette's response runs in a thread of anyio's.
        assert (await ask(app, http_scope("/stream"))).body == b"".join(b"%d another thread\n" % n for n in range(3))
        assert (await ask(app, http_scope("/async-stream"))).body == b"".join(b"%d loop\n" % n for n in range(3))
        for path in ("/generator", "/async-generator"):
            # No response in Sanic either.
            peer = await ask(app, http_scope(path))
            assert (peer.status, b"Internal Server Error" in peer.body) == (500, True)


async def test_background_tasks_that_are_synchronous() -> None:
    app: App = Sanic("Background", sync_handlers="thread")
    seen: list[str] = []

    @app.get("/")
    def handler(request: Request) -> Any:
        return PlainTextResponse("sent", background=BackgroundTask(lambda: seen.append(where())))

    @app.get("/pool")
    async def pool(request: Request) -> HTTPResponse:
        return text(await run_in_threadpool(lambda: f"{where()} {Request.get_current() is request}"))

    async with Life(app):
        assert (await ask(app, http_scope("/"))).body == b"sent"
        assert (await ask(app, http_scope("/pool"))).body == b"another thread True"
    assert seen == ["another thread"]


# Exceptions ---------------------------------------------------------------------------------------------------------


RAISED: dict[str, Any] = {
    "KeyError": KeyError("x"),
    "StopIteration": StopIteration(1),
    "StopAsyncIteration": StopAsyncIteration(1),
    "SanicException": SanicException("teapot", 418),
    "CancelledError": asyncio.CancelledError(),
    "TimeoutError": TimeoutError(),
    "BaseException": BaseException("base"),
    "HTTPException": HTTPException(418, "teapot"),
    "ExceptionGroup": ExceptionGroup("group", [SanicException("one", 409)]),
}


@pytest.mark.parametrize("place", ["handler", "request", "response", "exception"])
@pytest.mark.parametrize("kind", RAISED)
async def test_exceptions_are_answered_as_in_the_event_loop(kind: str, place: str) -> None:
    answers = []
    modes: tuple[Literal["loop", "thread"], ...] = "loop", "thread"
    for mode in modes:
        app: App = Sanic("Raising", sync_handlers=mode)

        def fail(*args: Any) -> Any:
            raise copy.copy(RAISED[kind])

        @app.get("/")
        def handler(request: Request, fail: Any = fail) -> HTTPResponse:
            if place == "exception":
                raise LookupError
            return fail() if place == "handler" else text("fine")

        if place == "exception":
            app.exception(LookupError)(fail)
        elif place != "handler":
            app.middleware(fail, place)
        async with Life(app):
            peer, raised = Peer(), None
            try:
                await app(http_scope("/"), peer.receive, peer.send)
            except BaseException as error:
                raised = type(error)
            answers.append((peer.status if peer.sent else None, peer.body, raised))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("mode", ["loop", "thread"])
def test_process_ending_exceptions_reach_the_server(error: BaseException, mode: Any) -> None:
    app: App = Sanic("Ending", sync_handlers=mode)

    @app.get("/")
    def handler(request: Request) -> HTTPResponse:
        raise error

    async def main() -> None:
        await ask(app, http_scope("/"))

    with pytest.raises(type(error)):
        asyncio.run(main())


async def test_the_log_shows_where_in_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    app: App = Sanic("Traced", sync_handlers="thread")

    def deep() -> None:
        raise RuntimeError("deep in the thread")

    @app.get("/")
    def handler(request: Request) -> None:
        deep()

    async with Life(app):
        with pytest.raises(RuntimeError):
            await ask(app, http_scope("/"))
    assert "in deep" in caplog.text
    assert caplog.text.count("deep in the thread") == 2  # its source line, and the message


# Time limits, clients that leave, the stop --------------------------------------------------------------------------


async def test_a_request_that_takes_too_long_is_answered_and_its_thread_runs_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app: App = Sanic("Late", sync_handlers="thread")
    app.config.RESPONSE_TIMEOUT = 0.1
    go, over = threading.Event(), threading.Event()
    seen: list[Any] = []

    @app.get("/")
    def handler(request: Request) -> HTTPResponse:
        go.wait(TIMEOUT_S)
        try:
            seen.append(Request.get_current())
        except ServerError as error:
            seen.append(type(error))
        over.set()
        raise KeyError("too late")

    async with Life(app):
        assert (await ask(app, http_scope("/"))).status == 503
        assert not over.is_set()
        go.set()
        await until(over.is_set)
        await until(lambda: "has failed after its request was cancelled" in caplog.text)
    # The request has ended by now.
    assert seen == [ServerError]


async def test_a_request_that_waits_for_a_thread_is_never_handled_after_its_time() -> None:
    app: App = Sanic("Waiting", sync_handlers="thread")
    app.config.update(RESPONSE_TIMEOUT=0.1, THREAD_POOL_SIZE=1)
    go = threading.Event()
    handled: list[str] = []

    @app.get("/<name>")
    def handler(request: Request, name: str) -> HTTPResponse:
        handled.append(name)
        if name == "first":
            go.wait(TIMEOUT_S)
        return text(name)

    async with Life(app):
        first = asyncio.create_task(ask(app, http_scope("/first")))
        await until(lambda: handled)
        assert (await ask(app, http_scope("/second"))).status == 503
        go.set()
        await first
        assert (await ask(app, http_scope("/third"))).body == b"third"
    assert handled == ["first", "third"]


async def test_a_client_that_leaves() -> None:
    app: App = Sanic("Leaving", sync_handlers="thread")
    app.config.CANCEL_ON_DISCONNECT = True
    begun, go, over = threading.Event(), threading.Event(), threading.Event()

    @app.get("/")
    def handler(request: Request) -> HTTPResponse:
        begun.set()
        go.wait(TIMEOUT_S)
        over.set()
        return text("nobody reads it")

    async with Life(app):
        peer = Peer()
        task = asyncio.create_task(app(http_scope("/"), peer.receive, peer.send))
        await until(begun.is_set)
        peer.gone.set()
        await asyncio.wait_for(task, TIMEOUT_S)
        assert not over.is_set()
        go.set()
        await until(over.is_set)
    assert not [message for message in peer.sent if message.get("body") == b"nobody reads it"]


async def test_the_stop_waits_for_threads_and_ends_them() -> None:
    app: App = Sanic("Stopping", sync_handlers="thread")
    begun, events = threading.Event(), []

    @app.get("/")
    def handler(request: Request) -> HTTPResponse:
        begun.set()
        time.sleep(0.2)
        events.append("handler")
        return text("x")

    @app.after_server_stop
    async def stop(app: App) -> None:
        events.append("after_server_stop")

    life = Life(app)
    await life.__aenter__()
    task = asyncio.create_task(ask(app, http_scope("/")))
    await until(begun.is_set)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await life.__aexit__()
    assert events == ["handler", "after_server_stop"]
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("Stopping-thread")])


async def test_an_application_starts_again_with_new_threads() -> None:
    app: App = Sanic("Again", sync_handlers="thread")
    app.add_route(plain, "/")
    for _ in range(3):
        async with Life(app):
            assert (await ask(app, http_scope("/"))).body == b"thread"
    # Without a lifespan, the first request starts it.
    lazy: App = Sanic("Lazy", sync_handlers="thread")
    lazy.add_route(plain, "/")
    assert (await ask(lazy, http_scope("/"))).body == b"thread"


async def test_added_to_a_running_application() -> None:
    app: App = Sanic("Running")
    async with Life(app):
        app.add_route(plain, "/", threaded=True)
        assert (await ask(app, http_scope("/"))).body == b"thread"
        app.on_request(lambda request: text(f"early {where()}"), threaded=True)
        assert (await ask(app, http_scope("/"))).body == b"early thread"


# Settings and mistakes ----------------------------------------------------------------------------------------------


async def test_the_size_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANIC_THREAD_POOL_SIZE", "3")
    app: App = Sanic("Sized", sync_handlers="thread")
    lock, running, peak = threading.Lock(), 0, 0

    @app.get("/")
    def handler(request: Request) -> HTTPResponse:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return text("x")

    async with Life(app):
        await asyncio.gather(*(ask(app, http_scope("/")) for _ in range(12)))
    assert peak == 3


@pytest.mark.parametrize("value", [0, -1, 1.5, "four", "4", None, True, float("nan"), float("inf"), [4]])
@pytest.mark.parametrize("uses", [True, False])
async def test_an_invalid_size_is_refused_in_one_line(value: Any, uses: bool) -> None:
    app: App = Sanic("Invalid")
    app.config.THREAD_POOL_SIZE = value
    if uses:
        app.before_server_start(lambda app: None, threaded=True)
    with pytest.raises(ServerError, match=r"THREAD_POOL_SIZE is .*; it has to be a whole number from 1 on") as caught:
        await Life(app).fail()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["x", "0", "1.5", "true", ""])
def test_an_invalid_size_in_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SANIC_THREAD_POOL_SIZE", value)
    app: App = Sanic("Environment")
    app.add_route(plain, "/")
    with pytest.raises(ServerError, match="THREAD_POOL_SIZE"):
        app.test_client.get("/")


@pytest.mark.parametrize("value", ["threads", "", None, True, 1, "THREAD"])
def test_sync_handlers_takes_two_words(value: Any) -> None:
    with pytest.raises(ValueError, match='sync_handlers= takes "loop" or "thread", got ') as caught:
        Sanic("Wrong", sync_handlers=value)
    assert "\n" not in str(caught.value)


REGISTRATIONS: dict[str, Callable[[App, Any], Any]] = {
    "route": lambda app, value: app.get("/", threaded=value),
    "add_route": lambda app, value: app.add_route(plain, "/", threaded=value),
    "view": lambda app, value: Mixed.attach(app, "/", threaded=value),
    "middleware": lambda app, value: app.middleware("request", threaded=value),
    "on_request": lambda app, value: app.on_request(plain, threaded=value),
    "on_response": lambda app, value: app.on_response(threaded=value),
    "exception": lambda app, value: app.exception(KeyError, threaded=value),
    "listener": lambda app, value: app.listener("before_server_start", threaded=value),
    "before_server_start": lambda app, value: app.before_server_start(plain, threaded=value),
    "main_process_start": lambda app, value: app.main_process_start(threaded=value)(plain),
    "Blueprint": lambda app, value: Blueprint("b", threaded=value),
    "group": lambda app, value: Blueprint.group(threaded=value),
}


@pytest.mark.parametrize("registration", REGISTRATIONS)
@pytest.mark.parametrize("value", ["yes", 1, 0, "thread"])
def test_threaded_is_true_or_false(registration: str, value: Any) -> None:
    with pytest.raises(TypeError, match="threaded= takes True or False, got "):
        REGISTRATIONS[registration](Sanic("Wrong"), value)


def test_a_websocket_has_no_thread() -> None:
    app: App = Sanic("Websocket", sync_handlers="thread")
    bp = Blueprint("part", threaded=True)

    async def handler(request: Request, ws: Websocket) -> None:
        await ws.send(where())

    def decorated_handler(request: Request, ws: Websocket) -> Awaitable[None]:
        request.ctx.where = where()
        return handler(request, ws)

    registrations: list[Callable[[], Any]] = [
        lambda: app.websocket("/", threaded=True)(handler),
        lambda: app.route("/", websocket=True, threaded=True)(handler),
        lambda: app.add_websocket_route(handler, "/", threaded=True),
    ]
    for register in registrations:
        with pytest.raises(TypeError, match="the handler of a websocket runs in the event loop"):
            register()

    @app.on_request
    def note(request: Request) -> None:
        request.ctx.middleware = where()

    bp.websocket("/ws", threaded=False)(decorated_handler)
    bp.websocket("/ws2", name="other")(decorated_handler)
    app.blueprint(bp)
    with TestClient(app) as client:
        for path in ("/ws", "/ws2"):
            with client.websocket_connect(path) as connection:
                assert connection.receive_text() == "loop"


def test_a_subclass_that_does_not_know_the_keyword() -> None:
    def middleware(self: Any, function: Any, where: str = "request", apply: bool = True, *, priority: int = 0) -> Any:
        return Sanic.middleware(self, function, where, apply, priority=priority)

    def listener(self: Any, function: Any, event: Any = None, apply: bool = True, *, priority: int = 0) -> Any:
        return Sanic.listener(self, function, event, apply, priority=priority)

    Old: Any = type("Old", (Sanic,), {"middleware": middleware, "listener": listener})
    app = Old("Old", sync_handlers="thread")
    seen: list[str] = []
    app.on_request(lambda request: seen.append(where()))
    app.before_server_start(lambda app: seen.append(where()))
    app.add_route(plain, "/")
    assert app.test_client.get("/")[1].text == "thread"
    assert seen == ["loop", "thread"]


def module_middleware(request: Request) -> None:
    request.ctx.where = where()


def module_listener(app: App) -> None:
    app.ctx.started_in = where()


def test_an_application_with_threaded_functions_can_be_pickled() -> None:
    app: App = Sanic("Pickled", sync_handlers="thread")
    app.add_route(plain, "/")
    app.on_request(module_middleware, threaded=True)
    app.exception(KeyError)(plain)
    app.before_server_start(module_listener, threaded=True)
    # As a listener of the main process does, before the application goes to the workers.
    assert asyncio.run(app._answers.threads.run(where)) == "thread"
    copied = pickle.loads(pickle.dumps(app))
    assert copied._answers.threads is not app._answers.threads
    assert copied.test_client.get("/")[1].text == "thread"
    assert copied.ctx.started_in == "thread"


def test_records_unpack_as_sanics_do() -> None:
    bp = Blueprint("part", threaded=True)
    bp.exception(KeyError, threaded=False)(plain)
    bp.listener(module_listener, "before_server_start", threaded=True)
    handler, exceptions = next(iter(bp._future_exceptions))
    listener, event, priority = next(iter(bp._future_listeners))
    assert (handler, exceptions) == (plain, (KeyError,))
    assert (listener, event, priority) == (module_listener, "before_server_start", 0)


def test_the_test_clients() -> None:
    app: App = Sanic("Clients", sync_handlers="thread")
    app.add_route(plain, "/")
    for _ in range(2):
        assert app.test_client.get("/")[1].text == "thread"
    with TestClient(app) as client:
        assert client.get("/").text == "thread"

    async def main() -> str:
        _, response = await app.asgi_client.get("/")
        return str(response.text)

    assert asyncio.run(main()) == "thread"
