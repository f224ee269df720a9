"""Where the app under test runs: an event loop that blocking test code can drive.

There are two, with one method in common, ``run``, which blocks until a coroutine is done:

``OwnLoop`` runs in the calling thread, and only while something is asked of the app. It needs no thread, a request
through it costs least, and a breakpoint in a handler stops the test. Between two calls everything stands still,
background tasks too, and inside a running event loop it can't work.

``PortalLoop`` runs all the time, in a thread of its own, so that background tasks and timers live between requests. It
works inside a running event loop too, which it blocks while it waits.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from importlib import import_module
from threading import Lock
from typing import Any, Protocol, TypeVar

from anyio.from_thread import start_blocking_portal

__all__ = ["EventLoop", "OwnLoop", "PortalLoop", "in_event_loop"]

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
