"""sanic_star without a server: requests become ASGI scopes in this process.

Faster than a worker, and the only way in which these cases count for coverage. Steps that need a server (several
requests on a connection, odd targets, websocket framing) need the worker; `can_play` finds the other steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

from sanic_star import Sanic
from tests.parity.case import Case, for_sanic_star
from tests.parity.frameworks import EVENTS_NOTE, REFUSED, STEP_SECONDS
from tests.parity.recording import Recorder
from tests.parity.wire import NO_ANSWER, Answer, Exchange, Step
from tests.parity.worker import build

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def can_play(step: Step) -> bool:
    """Return whether a step is one request with a plain target."""
    if not isinstance(step, Exchange) or len(step.methods) != 1 or len(step.chunks) != 1:
        return False
    target = step.chunks[0].split(b" ", 2)[1]
    return target.startswith(b"/") and target.isascii() and b"#" not in target


class InProcess:
    """Plays cases in this process; apps and files of a case live as long as the case.

    Args:
        directory: The folder for files of the sources.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def play(self, case: Case) -> list[list[Answer]]:
        """Build and start the app, and play the steps; all of them must be possible here."""
        with (
            warnings.catch_warnings(),
            mock.patch.dict(os.environ, case.env),
            # Each case is a separate program, without the applications of other tests.
            mock.patch.dict(Sanic._app_registry, clear=True),
            _log_from_info(),
        ):
            warnings.simplefilter("ignore")
            lines: list[str] = []
            recorder = Recorder(lines.append)
            try:
                app = build(for_sanic_star(case.program()), str(self._directory), recorder)
            except Exception as error:
                return [[Answer(0, note=f"{REFUSED}: {type(error).__name__}: {error}")]]
            if case.debug:
                app.debug = True
            with recorder.listening():
                try:
                    answers = asyncio.run(_play(app, case))
                except SystemExit:
                    # The event loop raises it from any task. A server would end; the tests go on.
                    answers = [[Answer(0, note=NO_ANSWER)] for _ in case.steps]
            return [*answers, [Answer(0, body="".join(f"{line}\n" for line in lines).encode(), note=EVENTS_NOTE)]]


@contextlib.contextmanager
def _log_from_info() -> Iterator[None]:
    """Log from INFO on, even if an application in debug mode has changed the level."""
    logger = logging.getLogger("sanic.root")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)


async def _play(app: App, case: Case) -> list[list[Answer]]:
    answers: list[list[Answer]] = []
    try:
        async with _run_lifespan(app) as state:
            for step in case.steps:
                assert isinstance(step, Exchange)
                answers.append([await asyncio.wait_for(_answer(app, step, dict(state)), STEP_SECONDS)])
                # As with a real client, the event loop runs between two requests.
                await asyncio.sleep(0)
    except _NotStartedError:
        return [[Answer(0, note=NO_ANSWER)] for _ in case.steps]
    return answers


class _NotStartedError(Exception):
    pass


@contextlib.asynccontextmanager
async def _run_lifespan(app: App) -> AsyncIterator[dict[str, Any]]:
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    state: dict[str, Any] = {}
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, inbox.get, outbox.put))
    inbox.put_nowait({"type": "lifespan.startup"})
    message = asyncio.ensure_future(outbox.get())
    await asyncio.wait({task, message}, timeout=STEP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not message.done() or message.result()["type"] != "lifespan.startup.complete":
        message.cancel()
        task.cancel()
        await asyncio.gather(task, message, return_exceptions=True)
        raise _NotStartedError
    try:
        yield state
    finally:
        inbox.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait({task}, timeout=STEP_SECONDS)


async def _answer(app: App, step: Exchange, state: dict[str, Any]) -> Answer:
    scope, inbox = _request(step.chunks[0])
    scope["state"] = state
    outbox: list[Message] = []

    async def receive() -> Message:
        if inbox:
            return inbox.pop(0)
        # A client that waits for its answer sends no more messages.
        await asyncio.Event().wait()
        raise NotImplementedError

    async def send(message: Message) -> None:
        outbox.append(message)

    try:
        await app(scope, receive, send)
    except (Exception, asyncio.CancelledError) as error:
        # An unhandled error is reraised after its response has been sent. Sanic has one that is a
        # CancelledError; the timeout of a step is not a subclass of it.
        if type(error) is asyncio.CancelledError:
            raise
        if not outbox:
            return Answer(0, note=f"raised {type(error).__name__}: {error}")
    return _collect(step.methods[0], outbox)


def _request(wire: bytes) -> tuple[dict[str, Any], list[Message]]:
    head, _, content = wire.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    method, target, version = line.split(b" ")
    pairs = [field.partition(b":") for field in fields]
    headers = [(name.lower(), value.lstrip()) for name, _, value in pairs]
    path, _, query = target.partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": version.decode().removeprefix("HTTP/"),
        "method": method.decode(),
        "scheme": "http",
        "path": unquote(path.decode()),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
    chunked = (b"transfer-encoding", b"chunked") in headers
    bodies = re.findall(rb"(?s)[0-9a-f]+\r\n(.+?)\r\n(?=[0-9a-f]+\r\n)", content) if chunked else [content]
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    return scope, [*messages, {"type": "http.request", "body": b"", "more_body": False}]


def _collect(method: str, outbox: list[Message]) -> Answer:
    if not outbox or outbox[0]["type"] != "http.response.start":
        return Answer(0, note="no http.response.start")
    status = outbox[0]["status"]
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in outbox[0]["headers"]
    )
    body = b"".join(message.get("body", b"") for message in outbox[1:] if message["type"] == "http.response.body")
    if method == "HEAD":
        return Answer(status, headers, b"")
    note = ""
    length = dict(headers).get("content-length")
    if outbox[-1].get("more_body"):
        note = "the last chunk is missing"
    elif status not in (204, 304) and length is not None and int(length) != len(body):
        note = f"the body has {len(body)} bytes, its content-length is {length}"
    return Answer(status, headers, body, note)
