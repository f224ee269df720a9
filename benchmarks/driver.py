"""Drive an ASGI application without a server: lifespan, one checked request, a timed round of requests.

A request is like uvicorn's: a new scope, and `receive` and `send` of a new object; they never wait. The CPU time is
that of the framework alone, with the garbage collector on.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.cases import Case
from benchmarks.real_requests import RealCase, http_scope

AnyCase = Case | RealCase

# uvicorn logs an application's exceptions under this name.
_server_logger = logging.getLogger("uvicorn.error")


def scope_of(case: Case) -> dict[str, Any]:
    """Return the scope that uvicorn makes for `case`."""
    headers = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench"), (b"accept", b"*/*")]
    if case.body or case.file:
        length = sum(map(len, case.pieces()))
        headers += [(b"content-type", case.type.encode()), (b"content-length", b"%d" % length)]
    headers += [(name.encode(), value.encode()) for name, value in case.headers]
    return http_scope(case.method, case.paths(1)[0], case.query, headers)


class Lifespan:
    """The server's side of the lifespan protocol; an application without a lifespan is accepted."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._done: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}

        async def send(message: dict[str, Any]) -> None:
            self._done.put_nowait(message["type"])

        try:
            await self._app(scope, self._to_app.get, send)
        except Exception:
            self._done.put_nowait("unsupported")

    async def startup(self) -> None:
        """Start the application; raise RuntimeError if it reports a failure."""
        self._task = asyncio.create_task(self._run())
        self._to_app.put_nowait({"type": "lifespan.startup"})
        if (answer := await self._done.get()) == "lifespan.startup.failed":
            raise RuntimeError(answer)

    async def shutdown(self) -> None:
        """Stop the application and wait until it has stopped."""
        if self._task and not self._task.done():
            self._to_app.put_nowait({"type": "lifespan.shutdown"})
            await self._done.get()
            await self._task


class _Exchange:
    """The state that a server keeps for one request: the unread body, and the messages of the application."""

    __slots__ = ("_body", "sent")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


class _Once(_Exchange):
    """An exchange whose client stays connected: a second `receive`, which Quart calls for each request, waits."""

    __slots__ = ("_read",)

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._read = False

    async def receive(self) -> dict[str, Any]:
        if self._read:
            await asyncio.get_running_loop().create_future()
        self._read = True
        return {"type": "http.request", "body": self._body, "more_body": False}


class _Arriving(_Exchange):
    """An exchange whose body arrives in chunks."""

    __slots__ = ("_next", "_pieces")

    def __init__(self, case: Case) -> None:
        super().__init__(b"")
        self._pieces = case.pieces()
        self._next: bytes | None = next(self._pieces)

    async def receive(self) -> dict[str, Any]:
        if self._next is None:
            await asyncio.get_running_loop().create_future()
        piece, self._next = self._next or b"", next(self._pieces, None)
        return {"type": "http.request", "body": piece, "more_body": self._next is not None}


async def fault(app: Any, case: AnyCase, state: Mapping[str, Any] | None = None) -> str | None:
    """Return the fault of the application's answer to `case`, or None.

    `state` is the lifespan state that the application has set.
    """
    if isinstance(case, Case):
        status, body = await ask(app, case, state)
        return case.fault(0, status, [], body)
    (request,) = case.prepare(1)
    exchange = _Once(request.body)
    await app(request.scope, exchange.receive, exchange.send)
    start, *body_messages = exchange.sent
    body = b"".join(message.get("body", b"") for message in body_messages)
    return case.fault(request.number, start["status"], start["headers"], body)


async def ask(app: Any, case: Case, state: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
    """Return status and body of one request."""
    exchange = _Arriving(case) if case.file or case.streams else _Exchange(case.body)
    await _ask_and_log(app, case, scope_of(case) | {"state": dict(state or {})}, exchange)
    sent = exchange.sent
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


async def _ask_and_log(app: Any, case: Case, scope: dict[str, Any], exchange: _Exchange) -> None:
    """Call the application as a server does: it logs an exception, which an application may raise after a 500."""
    try:
        await app(scope, exchange.receive, exchange.send)
    except Exception as error:
        if case.status != 500:
            raise
        _server_logger.error("Exception in ASGI application", exc_info=error)


async def measure_requests(app: Any, case: AnyCase, count: int) -> float:
    """Return the CPU time of a request in µs, the mean of `count` requests one after the other."""
    if isinstance(case, RealCase):
        return await _measure_prepared(app, case, count)
    template = scope_of(case)
    body, arriving, failing = case.body, bool(case.file or case.streams), case.status == 500
    paths = [(path, path.encode()) for path in case.paths(count)]
    gc.collect()
    begin = time.process_time()
    for path, raw_path in paths:
        scope = template.copy()
        scope["path"], scope["raw_path"] = path, raw_path
        scope["state"] = {}
        exchange = _Arriving(case) if arriving else _Exchange(body)
        if failing:
            await _ask_and_log(app, case, scope, exchange)
        else:
            await app(scope, exchange.receive, exchange.send)
    await asyncio.sleep(0)  # work that a framework postponed to the loop's next turn is part of its cost
    return (time.process_time() - begin) * 1e6 / count


async def _measure_prepared(app: Any, case: RealCase, count: int) -> float:
    requests = [(request.scope, _Once(request.body)) for request in case.prepare(count)]
    gc.collect()
    gc.freeze()  # a server would not hold all these requests at once: the collector must not visit them
    begin = time.process_time()
    for scope, exchange in requests:
        await app(scope, exchange.receive, exchange.send)
    await asyncio.sleep(0)
    taken = time.process_time() - begin
    gc.unfreeze()
    return taken * 1e6 / count
