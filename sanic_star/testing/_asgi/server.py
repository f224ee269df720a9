"""The server of the test clients: it owns the event loop, the application's lifespan and the open connections.

**The event loop** runs coroutines for blocking test code. Its method `run` blocks until a coroutine has ended. There
are two kinds:

`OwnLoop` runs in the calling thread, and only during a call. It needs no thread, it is the fastest, and a breakpoint in
a handler stops the test. Between two calls nothing runs, including background tasks. It cannot be used inside a running
event loop.

`PortalLoop` runs all the time in a thread of its own, so that background tasks and timers go on between requests. It
can be used inside a running event loop, which it blocks during a call.

**The lifespan** runs in one task from start-up to shutdown, as the protocol and anyio's cancel scopes require.

An application may have no lifespan: it raises an exception or returns before it receives the start-up event. If it
raises an exception after it has received that event, its start-up has failed, and the exception is raised in the test.
Servers in their `auto` mode do not distinguish these two cases.
"""

import asyncio
import atexit
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from enum import Enum, auto
from importlib import import_module
from threading import Lock
from typing import Any, Protocol, TypeVar

from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp, Message

from sanic_star.testing.deadline import DeadlineExceeded, deadline, place_of

__all__ = [
    "Conversation",
    "EventLoop",
    "Lifespan",
    "OwnLoop",
    "PortalLoop",
    "Server",
    "abandon",
    "close_with_owner",
    "in_event_loop",
]

T = TypeVar("T")


class EventLoop(Protocol):
    """Runs the application: `run` blocks until a coroutine has ended; `close` cancels all tasks and closes the loop."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...

    def close(self) -> None: ...


class OwnLoop:
    """An event loop that runs in the calling thread, only during a call.

    Args:
        advice: ends the error message inside a running event loop: what to use instead.
        loop: an existing event loop, which is not closed; by default a new one.
        options: anyio's options for a new loop: `use_uvloop`, `loop_factory` and `debug`.

    Raises:
        RuntimeError: from `run`, if this thread already runs an event loop.
    """

    def __init__(
        self,
        advice: str = "use TestClient in a `with` block",
        loop: asyncio.AbstractEventLoop | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        # With a factory, `Runner` does not make this loop the thread's current one, which belongs to the test.
        self._runner = None if loop else _runner(**(options or {}))
        self._loop = loop
        self._advice = advice
        self._lock = Lock()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if in_event_loop():
            coroutine.close()
            raise RuntimeError(f"this client can't block inside a running event loop: {self._advice}")
        # Not `Runner.run`: it would install a SIGINT handler each time, and Ctrl-C interrupts the loop without one.
        with self._lock:
            loop = self._loop if self._runner is None else self._runner.get_loop()
            assert loop is not None
            return loop.run_until_complete(coroutine)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()


class PortalLoop:
    """An event loop that runs in a thread of its own until `close`.

    Args:
        options: see `OwnLoop`.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal("asyncio", dict(options or {})))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        result: T = self._portal.call(_await_coroutine, coroutine)
        return result

    def close(self) -> None:
        self._stack.close()


def _runner(
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    use_uvloop: bool = False,
) -> asyncio.Runner:
    if use_uvloop and loop_factory is None:
        loop_factory = import_module("uvloop").new_event_loop
    return asyncio.Runner(debug=debug, loop_factory=loop_factory or asyncio.new_event_loop)


async def _await_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    return await coroutine


def in_event_loop() -> bool:
    """Return whether this thread is running an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Stage(Enum):
    OFFERED = auto()
    STARTING = auto()
    RUNNING = auto()
    STOPPING = auto()
    ENDED = auto()


class Lifespan:
    """Runs the start-up and the shutdown of an application.

    Args:
        app: the ASGI application.

    Attributes:
        state: the `state` of the scope, which the application fills at its start; each request gets a copy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._stage = _Stage.OFFERED
        self._failure: str | None = None
        self._stage_changed = asyncio.Event()
        self._stop_requested = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # The time limit of the start-up, and that of the shutdown, in seconds.
        self._limit: float | None = None

    async def start(self) -> None:
        """Run the application's start-up.

        Raises:
            Exception: any exception of the application's start-up.
            RuntimeError: the application reported a failed start-up without an exception.
            DeadlineExceeded: the start-up did not end in time.
        """
        self._limit = deadline()
        self._task = asyncio.create_task(self._run())
        try:
            await self._wait_for("start-up")
        except Exception as error:
            error.add_note(
                "The application's start-up failed, so no request was sent: fix its lifespan or its listeners."
            )
            raise

    async def stop(self) -> None:
        """Run the application's shutdown, if it has a lifespan; raise as `start`."""
        if self._stage is _Stage.RUNNING:
            self._stage_changed.clear()
            self._stop_requested.set()
            await self._wait_for("shutdown")
            # The shutdown is complete. One turn of the event loop lets the application return before it is cancelled.
            await asyncio.sleep(0)
        elif self._task is not None and self._task.done():
            self._task.result()

    async def _wait_for(self, step: str) -> None:
        assert self._task is not None
        limit = self._limit
        try:
            async with asyncio.timeout(limit):
                await self._stage_changed.wait()
        except TimeoutError:
            place = place_of(self._task)
            self._task.cancel()
            raise DeadlineExceeded(
                f"the application's {step} did not end within {limit:g} s: it waits {place}"
            ) from None
        if self._failure is not None or self._stage is _Stage.ENDED:
            await self._task
        if self._failure is not None:
            raise RuntimeError(self._failure)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._receive, self._send)
        except Exception:
            if self._stage is not _Stage.OFFERED:
                raise
        finally:
            self._stage = _Stage.ENDED
            self._stage_changed.set()

    async def _receive(self) -> Message:
        if self._stage is _Stage.OFFERED:
            self._stage = _Stage.STARTING
            return {"type": "lifespan.startup"}
        await self._stop_requested.wait()
        if self._stage is _Stage.STOPPING:
            await asyncio.Event().wait()
        self._stage = _Stage.STOPPING
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._stage = _Stage.RUNNING
            case "lifespan.shutdown.complete":
                pass
            case "lifespan.startup.failed" | "lifespan.shutdown.failed":
                self._failure = message.get("message") or f"the application sent {message['type']}"
            case unknown:
                raise RuntimeError(f"an application can't send {unknown!r} in its lifespan")
        self._stage_changed.set()


class Conversation(Protocol):
    """A stream or a websocket that may still be open when the client is closed."""

    ended: bool

    async def leave(self) -> None: ...


class Server:
    """Serves an application on an event loop, from its start-up to its shutdown.

    Args:
        app: the ASGI application.
        loop: the event loop; the server closes it.

    Attributes:
        state: the state of the lifespan.
    """

    def __init__(self, app: ASGIApp, loop: EventLoop) -> None:
        self._loop = loop
        self._lifespan = Lifespan(app)
        self.state = self._lifespan.state
        self._conversations: list[Conversation] = []

    def start(self) -> None:
        """Run the application's start-up; if it fails, close the event loop.

        Raises:
            Exception: any exception of the application's start-up.
        """
        try:
            self._loop.run(self._lifespan.start())
        except BaseException:
            self._loop.close()
            raise

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the event loop, and block until it has ended."""
        return self._loop.run(coroutine)

    def keep(self, conversation: Conversation) -> None:
        """Remember a conversation, so that `close` ends it."""
        self._conversations = [entry for entry in self._conversations if not entry.ended]
        self._conversations.append(conversation)

    def close(self) -> None:
        """End the open conversations, run the application's shutdown, cancel the remaining tasks.

        Raises:
            Exception: any exception of the application's shutdown.
        """
        with ExitStack() as stack:
            stack.callback(self._loop.close)
            stack.callback(lambda: self._loop.run(self._lifespan.stop()))
            for conversation in self._conversations:
                if not conversation.ended:
                    stack.callback(lambda entry: self._loop.run(entry.leave()), conversation)


_finalizers: "list[weakref.finalize[..., Any]]" = []


def close_with_owner(owner: object, server: Server) -> "weakref.finalize[..., Any]":
    """Close a server when its owner is garbage-collected or the interpreter ends."""
    finalizer = weakref.finalize(owner, abandon, server)
    finalizer.atexit = False
    _finalizers[:] = [entry for entry in _finalizers if entry.alive]
    _finalizers.append(finalizer)
    return finalizer


def abandon(server: Server) -> None:
    """Close a server at any time, also while this thread runs an event loop."""
    if in_event_loop():
        # The garbage collector may run in the middle of a coroutine, where no other event loop can run.
        thread = threading.Thread(target=server.close)
        thread.start()
        thread.join()
    else:
        server.close()


def _close_all() -> None:
    for finalizer in _finalizers.copy():
        try:
            finalizer()
        except Exception:
            sys.excepthook(*sys.exc_info())


# `atexit` is too late: before it, the interpreter waits for all threads, and anyio's worker threads wait for tasks of
# these loops. `concurrent.futures` ends its threads by the same private hook. `atexit` is the fallback if Python
# removes the hook.
getattr(threading, "_register_atexit", atexit.register)(_close_all)
