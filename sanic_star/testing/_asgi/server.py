"""The stand-in for the server: it owns the event loop, the app's lifespan, and the conversations that are open."""

import atexit
import sys
import threading
import weakref
from collections.abc import Coroutine
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar

from starlette.types import ASGIApp

from sanic_star.testing._asgi.lifespan import Lifespan
from sanic_star.testing._asgi.loops import EventLoop, in_event_loop

__all__ = ["Open", "Server", "abandon", "close_with"]

T = TypeVar("T")


class Open(Protocol):
    """A stream or a websocket that may still be open when the client closes."""

    ended: bool

    async def leave(self) -> None: ...


class Server:
    """Serve an app on an event loop, from its start-up to its shutdown.

    Args:
        app: the ASGI app.
        loop: where it runs; the server closes it.
    """

    def __init__(self, app: ASGIApp, loop: EventLoop) -> None:
        self._loop = loop
        self._lifespan = Lifespan(app)
        self._open: list[Open] = []

    @property
    def state(self) -> dict[str, Any]:
        """The lifespan's state."""
        return self._lifespan.state

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

    def keep(self, conversation: Open) -> None:
        """Remember a conversation, to end it with the server."""
        self._open = [one for one in self._open if not one.ended]
        self._open.append(conversation)

    def close(self) -> None:
        """End the open conversations, run the app's shutdown, cancel what is left.

        Raises:
            Exception: the app's own.
        """
        with ExitStack() as stack:
            stack.callback(self._loop.close)
            stack.callback(lambda: self._loop.run(self._lifespan.stop()))
            for conversation in self._open:
                if not conversation.ended:
                    stack.callback(lambda one: self._loop.run(one.leave()), conversation)


_finalizers: "list[weakref.finalize[..., Any]]" = []


def close_with(owner: object, server: Server) -> "weakref.finalize[..., Any]":
    """Close a server when its owner is dropped, or the interpreter ends."""
    finalizer = weakref.finalize(owner, abandon, server)
    finalizer.atexit = False
    _finalizers[:] = [one for one in _finalizers if one.alive]
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
