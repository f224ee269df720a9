"""Send a response in parts, and run its background task.

A background task is Starlette's `BackgroundTask`, which runs after the response was sent. The background tasks of the
application (`app.add_task`) are in `_app.tasks`.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from starlette.types import Scope, Send

from sanic_star.compat.helpers import has_message_body
from sanic_star.compat.log import error_logger
from sanic_star.engine.failures import PASSED_ON, log_error, mark

if TYPE_CHECKING:
    from starlette.background import BackgroundTask

    class WrittenResponse(Protocol):
        """The members of a `BaseHTTPResponse` that its writer uses; that module imports this one."""

        status: int
        body: Any
        stream: Any

        def _head(self, *, with_length: bool = True) -> list[tuple[bytes, bytes]]: ...

    R = TypeVar("R", bound="WrittenResponse")


# After this number of parts the event loop gets a turn. hypercorn accepts all data for a client that has left without
# a pause, so that a handler that only sends would block the process.
PARTS_A_TURN = 1024

BACKGROUND_FAILED = "The background task of a response to %r failed"


class ResponseWriter:
    """Sends the response of a request; created with the first response.

    Args:
        send: the ASGI callable. The attribute becomes `None` when the response is complete; Sanic's users test that.
        head_only: whether the request's method is HEAD, so that no body is sent.
    """

    def __init__(self, send: Send | None, head_only: bool = False) -> None:
        self.send = send
        self.head_only = head_only
        self.head_sent = False
        self.parts = 0
        # Whether the server sends trailer fields (ASGI extension `http.response.trailers`).
        self.offers_trailers = False
        # The trailer fields; `None` if the header has not announced any.
        self.trailers: list[tuple[bytes, bytes]] | None = None
        # A `BaseHTTPResponse`.
        self.response: Any = None
        # Whether the stop of the application ends the response; with `None` the content type decides.
        self.endless: bool | None = None
        # Called when the response is selected, when the first part of several was sent, and when the request's body has
        # arrived: each may decide whether the stream has to be watched.
        self.on_open: Callable[[], None] | None = None
        # Called once, when the response is complete.
        self.on_end: Callable[[], None] | None = None

    def respond(self, response: R) -> R:
        """Select the response to send, and return it; it can be replaced until its first part is sent.

        Args:
            response: the response.
        """
        if self.response is not None and self.response is not response:
            self.response.stream = None
        # First, because an event stream that was already sent raises an exception.
        response.stream = self
        self.response = response
        return response

    async def write(self, response: WrittenResponse, data: bytes, last: bool) -> None:
        """Send a part of the body, with the head before the first one.

        Args:
            response: gives the head and, if the first part is empty, the body.
            data: the part; the first one replaces the response's body.
            last: whether it is the last part.

        Raises:
            ValueError, RuntimeError: a header field or the status is invalid.
        """
        send = self.send
        assert send is not None
        if not self.head_sent:
            data = (data or response.body) if has_message_body(response.status) else b""
            response.body = data if last else b""
            fields = response._head(with_length=last)
            self.head_sent = True
            start = {"type": "http.response.start", "status": response.status, "headers": fields}
            if self.offers_trailers and not last and self._announces_trailers(response.status, fields):
                start["trailers"], self.trailers = True, []
            await send(start)
            if not last and self.on_open is not None:
                self.on_open()
        if last:
            self.send = None
            if self.on_end is not None:
                self.on_end()
            self.release()
        elif not data:
            return
        await send({"type": "http.response.body", "body": b"" if self.head_only else data, "more_body": not last})
        if not last:
            self.parts += 1
            if not self.parts % PARTS_A_TURN:
                await asyncio.sleep(0)
        elif self.trailers is not None:
            await send({"type": "http.response.trailers", "headers": self.trailers, "more_trailers": False})

    def _announces_trailers(self, status: int, fields: list[tuple[bytes, bytes]]) -> bool:
        if self.head_only or not has_message_body(status):
            return False
        return any(name == b"trailer" for name, _ in fields)

    async def write_path(self, response: WrittenResponse, path: str) -> None:
        """Let the server send a file as the whole body (ASGI, `http.response.pathsend`).

        Args:
            response: gives the head.
            path: the file's path, absolute.

        Raises:
            ValueError, RuntimeError: a header field or the status is invalid.
        """
        send = self.send
        assert send is not None
        assert not self.head_sent
        fields = response._head(with_length=False)
        self.head_sent, self.send = True, None
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        if self.on_end is not None:
            self.on_end()
        self.release()
        await send({"type": "http.response.pathsend", "path": path})

    def release(self) -> None:
        """Break the reference cycles with this object, when no part follows."""
        self.on_open = self.on_end = None
        if self.response is not None:
            self.response.stream = ENDED

    async def end(self) -> None:
        """Complete the response, unless it is complete."""
        if self.send is not None and self.response is not None:
            await self.write(self.response, b"", True)


# The `stream` of every complete response, instead of its writer, which refers to the response.
ENDED = ResponseWriter(None)


async def run_background(response: Any, scope: Scope) -> None:
    """Run a response's background task, if it has one.

    An exception is logged and passed to its exception handler, whose response is not sent, because one was.

    Args:
        response: the response, which was sent.
        scope: the connection's ASGI scope.

    Raises:
        Exception: any exception of the task, marked as handled, so that it is not logged again.
    """
    task: BackgroundTask | None = response.background
    if task is None:
        return
    try:
        await task()
    except (CancelledError, *PASSED_ON):
        raise
    except BaseException as error:
        answers = getattr(scope.get("app"), "_answers", None)
        if answers is None:
            log_error(error_logger, error, BACKGROUND_FAILED, scope["path"])
        else:
            await answers.handle_background_failure(error, scope)
        mark(error, scope)
        raise
