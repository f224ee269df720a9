"""What stands in for the server: it owns the event loop, the app's lifespan, and the conversations that are open.

**The event loop** is one that blocking test code can drive. There are two, with one method in common, ``run``, which
blocks until a coroutine is done:

``OwnLoop`` runs in the calling thread, and only while something is asked of the app. It needs no thread, a request
through it costs least, and a breakpoint in a handler stops the test. Between two calls everything stands still,
background tasks too, and inside a running event loop it can't work.

``PortalLoop`` runs all the time, in a thread of its own, so that background tasks and timers live between requests. It
works inside a running event loop too, which it blocks while it waits.

**The lifespan**: one task runs it from start-up to shutdown, as the protocol (and anyio's cancel scopes) demand.

An app without a lifespan is tolerated: it raises, or returns, when it sees the scope. An app that took the start-up
event and then raised did mean to start, so its exception comes out, the same one. Servers in their ``auto`` mode can't
tell these two apart, because they don't look at whether the event was taken.
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
    "close_with",
    "in_event_loop",
]

T = TypeVar("T")


class EventLoop(Protocol):
    """What drives the app: ``run`` blocks for one coroutine, ``close`` cancels what is left and frees the loop."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...

    def close(self) -> None: ...


class OwnLoop:
    """Run coroutines on a private event loop in the calling thread.

    Args:
        advice: what to use instead where this can't work; ends the error message.
        loop: a loop that is somebody else's, and stays open.
        options: ``use_uvloop``, ``loop_factory`` and ``debug``, as anyio takes them.

    Raises:
        RuntimeError: from ``run``, when this thread already runs an event loop.
    """

    def __init__(
        self,
        advice: str = "use TestClient in a `with` block",
        loop: asyncio.AbstractEventLoop | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        # A factory keeps Runner from making this loop the thread's current one: that belongs to the test.
        self._runner = None if loop else _runner(**(options or {}))
        self._loop = loop
        self._advice = advice
        self._lock = Lock()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if in_event_loop():
            coroutine.close()
            raise RuntimeError(f"this client can't block inside a running event loop: {self._advice}")
        # Runner.run would install a SIGINT handler each time; a loop has no need of it to be interrupted by one.
        with self._lock:
            loop = self._loop if self._runner is None else self._runner.get_loop()
            assert loop is not None
            return loop.run_until_complete(coroutine)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()


class PortalLoop:
    """Run coroutines on an event loop that lives in a thread of its own until ``close``.

    Args:
        options: as for ``OwnLoop``.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal("asyncio", dict(options or {})))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        result: T = self._portal.call(_wait, coroutine)
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


async def _wait(coroutine: Coroutine[Any, Any, T]) -> T:
    return await coroutine


def in_event_loop() -> bool:
    """Tell whether this thread is running an event loop at the moment."""
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
    """Start an app and stop it again.

    Args:
        app: the ASGI app.

    Attributes:
        state: what the app put into the scope's ``state`` at start-up; each request gets a copy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._stage = _Stage.OFFERED
        self._failure: str | None = None
        self._moved = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # How long the start-up and the shutdown may take each, in seconds.
        self._limit: float | None = None

    async def start(self) -> None:
        """Run the app's start-up.

        Raises:
            Exception: the app's own, when its start-up raised one.
            RuntimeError: when it reported a failed start-up without raising.
        """
        self._limit = deadline()
        self._task = asyncio.create_task(self._run())
        try:
            await self._wait_for("start-up")
        except Exception as error:
            error.add_note("The app's start-up failed, so no request was sent: mend what its lifespan or listeners do.")
            raise

    async def stop(self) -> None:
        """Run the app's shutdown, when it has a lifespan; raises as ``start`` does."""
        if self._stage is _Stage.RUNNING:
            self._moved.clear()
            self._stop.set()
            await self._wait_for("shutdown")
            # The app has said that it is done: one turn of the loop lets it return instead of being cancelled.
            await asyncio.sleep(0)
        elif self._task is not None and self._task.done():
            self._task.result()

    async def _wait_for(self, what: str) -> None:
        assert self._task is not None
        limit = self._limit
        try:
            async with asyncio.timeout(limit):
                await self._moved.wait()
        except TimeoutError:
            place = place_of(self._task)
            self._task.cancel()
            raise DeadlineExceeded(f"the app's {what} did not end within {limit:g} s: it waits {place}") from None
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
            self._moved.set()

    async def _receive(self) -> Message:
        if self._stage is _Stage.OFFERED:
            self._stage = _Stage.STARTING
            return {"type": "lifespan.startup"}
        await self._stop.wait()
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
                self._failure = message.get("message") or f"the app sent {message['type']}"
            case unknown:
                raise RuntimeError(f"an app can't send {unknown!r} in its lifespan")
        self._moved.set()


class Conversation(Protocol):
    """A stream or a websocket that may still be open when the client closes."""

    ended: bool

    async def leave(self) -> None: ...


class Server:
    """Serve an app on an event loop, from its start-up to its shutdown.

    Args:
        app: the ASGI app.
        loop: where it runs; the server closes it.

    Attributes:
        state: the lifespan's state.
    """

    def __init__(self, app: ASGIApp, loop: EventLoop) -> None:
        self._loop = loop
        self._lifespan = Lifespan(app)
        self.state = self._lifespan.state
        self._conversations: list[Conversation] = []

    def start(self) -> None:
        """Run the app's start-up; frees the loop when it fails.

        Raises:
            Exception: the app's own.
        """
        try:
            self._loop.run(self._lifespan.start())
        except BaseException:
            self._loop.close()
            raise

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Block until a coroutine is done."""
        return self._loop.run(coroutine)

    def keep(self, conversation: Conversation) -> None:
        """Remember a conversation, to end it with the server."""
        self._conversations = [entry for entry in self._conversations if not entry.ended]
        self._conversations.append(conversation)

    def close(self) -> None:
        """End the open conversations, run the app's shutdown, cancel what is left.

        Raises:
            Exception: the app's own.
        """
        with ExitStack() as stack:
            stack.callback(self._loop.close)
            stack.callback(lambda: self._loop.run(self._lifespan.stop()))
            for conversation in self._conversations:
                if not conversation.ended:
                    stack.callback(lambda entry: self._loop.run(entry.leave()), conversation)


_finalizers: "list[weakref.finalize[..., Any]]" = []


def close_with(owner: object, server: Server) -> "weakref.finalize[..., Any]":
    """Close a server when its owner is dropped, or the interpreter ends."""
    finalizer = weakref.finalize(owner, abandon, server)
    finalizer.atexit = False
    _finalizers[:] = [entry for entry in _finalizers if entry.alive]
    _finalizers.append(finalizer)
    return finalizer


def abandon(server: Server) -> None:
    """Close a server at any moment, also while this thread runs an event loop."""
    if in_event_loop():
        # The garbage collector may come in the middle of a coroutine, where no other loop can run.
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


# atexit comes too late: before it, the interpreter waits for all threads, and anyio's worker threads wait for tasks
# of these loops. concurrent.futures ends its threads by this same private hook; without it, atexit is all there is.
getattr(threading, "_register_atexit", atexit.register)(_close_all)
