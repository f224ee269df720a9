"""The lifespan of the app under test, from the server's side.

One task runs the app's lifespan from start-up to shutdown, as the protocol (and anyio's cancel scopes) demand.

An app without a lifespan is tolerated: it raises, or returns, when it sees the scope. An app that took the start-up
event and then raised did mean to start, so its exception comes out, the same one. Servers in their ``auto`` mode can't
tell these two apart, because they don't look at whether the event was taken.
"""

import asyncio
from enum import Enum, auto
from typing import Any

from starlette.types import ASGIApp, Message

from sanic_star.testing.deadline import DeadlineExceeded, deadline, place_of

__all__ = ["Lifespan"]


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

    async def start(self) -> None:
        """Run the app's start-up.

        Raises:
            Exception: the app's own, when its start-up raised one.
            RuntimeError: when it reported a failed start-up without raising.
        """
        limit = deadline()
        self._task = asyncio.create_task(self._run())
        try:
            await self._settled("start-up", limit)
        except Exception as error:
            error.add_note("The app's start-up failed, so no request was sent: mend what its lifespan or listeners do.")
            raise

    async def stop(self) -> None:
        """Run the app's shutdown, when it has a lifespan; raises as ``start`` does."""
        if self._stage is _Stage.RUNNING:
            self._moved.clear()
            self._stop.set()
            await self._settled("shutdown", deadline())
            # The app has said that it is done: one turn of the loop lets it return instead of being cancelled.
            await asyncio.sleep(0)
        elif self._task is not None and self._task.done():
            self._task.result()

    async def _settled(self, what: str, limit: float | None) -> None:
        assert self._task is not None
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
