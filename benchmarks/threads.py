"""The time of functions in threads, in µs per call, without a server; not a part of the tables.

`python -m benchmarks.threads [uvloop]` compares a synchronous endpoint here and in Starlette, and the pool of threads
with anyio's and the standard library's; one after the other, and 40 at a time. Rounds are interleaved.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import uvloop
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from sanic_star import Sanic, text
from sanic_star.engine.threads import ThreadPool

ROUNDS = 9
CALLS = 1000
AT_ONCE = 40
Call = Callable[[], Awaitable[Any]]


def starlette_app() -> ASGIApp:
    """Return a Starlette application whose endpoint is synchronous."""
    return Starlette(routes=[Route("/", lambda request: PlainTextResponse("x"))])


def own_app(sync_handlers: Any, middleware: bool = False) -> ASGIApp:
    """Return an application of this package whose handler is synchronous."""
    app: Sanic[Any, Any] = Sanic("Threads", configure_logging=False, sync_handlers=sync_handlers)
    app.config.AUTO_EXTEND = False
    app.get("/", name="a")(lambda request: text("x"))
    if middleware:
        app.on_request(lambda request: None)
        app.on_response(lambda request, response: None)
    return app


def request(app: ASGIApp) -> Call:
    """Return a function that sends a request to the application."""

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None: ...

    async def call() -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "", "headers": [(b"host", b"h")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await app(scope, receive, send)

    return call


def pools() -> dict[str, Call]:
    """Return functions that call an empty function in a thread, one for each kind of pool."""
    pool, executor, limiter = ThreadPool("own"), ThreadPoolExecutor(AT_ONCE), anyio.CapacityLimiter(AT_ONCE)

    async def by_executor() -> None:
        await asyncio.get_running_loop().run_in_executor(executor, copy_context().run, int)

    return {
        "anyio.to_thread": partial(anyio.to_thread.run_sync, int, limiter=limiter),
        "run_in_executor": by_executor,
        "ThreadPool": partial(pool.run, int),
    }


async def one_after_the_other(call: Call) -> None:
    """Call `call` CALLS times, one after the other."""
    for _ in range(CALLS):
        await call()


async def at_once(call: Call) -> None:
    """Call `call` CALLS times, AT_ONCE at a time."""
    for _ in range(CALLS // AT_ONCE):
        await asyncio.gather(*(call() for _ in range(AT_ONCE)))


async def main() -> None:
    """Measure, and print a row for each contender and way."""
    endpoints = {
        "Starlette, synchronous endpoint": request(starlette_app()),
        "sanic_star, in the event loop": request(own_app("loop")),
        "sanic_star, in a thread": request(own_app("thread")),
        "the same with two middleware in threads": request(own_app("thread", middleware=True)),
    }
    for group in (pools(), endpoints):
        for run_calls in (one_after_the_other, at_once):
            times: dict[str, list[float]] = {name: [] for name in group}
            for _ in range(ROUNDS):
                for name, call in group.items():
                    begin = time.perf_counter()
                    await run_calls(call)
                    times[name].append((time.perf_counter() - begin) / CALLS * 1e6)
            first = next(iter(times.values()))
            for name, taken in times.items():
                share = statistics.median(value / base_value for value, base_value in zip(taken, first, strict=True))
                print(f"{run_calls.__name__:20} {name:40} {statistics.median(taken):8.1f} µs  share {share:.2f}")


if __name__ == "__main__":
    (uvloop.run if sys.argv[1:] == ["uvloop"] else asyncio.run)(main())
