"""uvicorn's protocols for HTTP/1.1, with a limit on a request's head and with the phases for `ConnectionSweeper`.

uvicorn limits the size of a head only with the parser h11. With httptools, its default, a client could send an endless
header and fill the memory.

As in Sanic, the application answers a request that is malformed or does not arrive in time: with its error pages,
exception handlers and middleware. uvicorn would answer a malformed request itself, even in the middle of another
response.

Neither class sets a timer. uvicorn would set one after each response; the sweeper closes idle connections instead.
"""

from __future__ import annotations

import logging
import sys
from asyncio import AbstractEventLoop, Task, Transport, get_running_loop
from http import HTTPStatus
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sanic_star.engine.failures import RefusedRequest
from sanic_star.engine.requests import REFUSED, TOO_LARGE
from sanic_star.servers.connections import Connection, ConnectionSweeper, Phase

HAS_HTTPTOOLS = find_spec("httptools") is not None
if TYPE_CHECKING or HAS_HTTPTOOLS:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
else:
    HttpToolsProtocol = object

logger = logging.getLogger("sanic.error")
WITHOUT_BODY = b"content-length: 0\r\nconnection: close\r\n\r\n"
REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + WITHOUT_BODY
CLOSE = (b"connection", b"close")


class DefaultHeaders(list[tuple[bytes, bytes]]):
    """The header fields that uvicorn puts before those of a response: `date` only if the response has none.

    A response has one `Date` field (RFC 9110, section 6.6.1). uvicorn, which adds the lists, would send two.

    >>> own = [(b"Date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
    >>> DefaultHeaders([(b"date", b"now"), (b"connection", b"close")]) + own
    [(b'connection', b'close'), (b'Date', b'Thu, 01 Jan 1970 00:00:00 GMT')]
    """

    def __add__(self, fields: Any) -> Any:
        for name, _ in fields:
            # PERF: the lengths of most names differ, which saves the call of `lower`. Safe because names of equal
            # length are compared.
            if len(name) == 4 and name.lower() == b"date":
                return [field for field in self if field[0] != b"date"] + fields
        return [*self, *fields]


class _WithoutTimers:
    """An event loop for uvicorn's protocols that sets no timers.

    PERF: the timer that uvicorn sets after each response, and cancels with the next request, takes 1 µs. Safe because
    the timer would only close an idle connection, which the sweeper does.

    Args:
        loop: the event loop, to which all other calls go.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self.create_task = loop.create_task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, delay: float, callback: Any, *args: Any) -> None:
        """Set no timer."""


class _Timed(Connection):
    """A mixin before one of uvicorn's protocol classes.

    Args:
        config: uvicorn's configuration; its application is one of this package.
        server_state: uvicorn's state of the server.
        app_state: the state that the lifespan has yielded.
        _loop: the event loop.
        sweeper: enforces the time limits; `None` for no limits.
    """

    config: Any
    cycle: Any
    flow: Any
    transport: Transport
    server_state: Any
    # The number of requests on this connection, for `request.protocol.state`.
    requests = 0

    def __init__(
        self,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        sweeper: ConnectionSweeper | None = None,
    ) -> None:
        loop: Any = _loop or get_running_loop()
        super().__init__(config, server_state, app_state, loop if sweeper is None else _WithoutTimers(loop))  # type: ignore[call-arg]
        self._sweeper = sweeper
        self._keeps_alive = config.timeout_keep_alive > 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        if self._sweeper is not None:
            self._sweeper.accept(self)

    def phase(self) -> Phase:
        """Return what the connection waits for."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            unsent = self.transport.get_write_buffer_size()
            return Phase.ANSWER if unsent else self._phase_between_requests()
        if not cycle.more_body or cycle.response_started:
            return Phase.ANSWER
        # A client that waits for `100 Continue`, or until the handler reads, is not slow.
        is_waiting = cycle.waiting_for_100_continue or cycle.body or self.flow.read_paused
        return Phase.PAUSED_BODY if is_waiting else Phase.BODY

    def _phase_between_requests(self) -> Phase:
        raise NotImplementedError

    def refuse(self, phase: Phase) -> None:
        """Answer with 408 and close the connection; the application makes the response.

        Args:
            phase: the part of the request that has not arrived in time, `HEAD` or `BODY`.
        """
        scope = self._take_from_application() if phase is Phase.BODY else self._scope_without_request(b"*")
        self._refuse(RefusedRequest(408, "Request Timeout"), scope)

    def send_400_response(self, msg: str) -> None:
        """Make the application answer a malformed request; uvicorn calls this while it handles the parser's exception.

        Args:
            msg: uvicorn's message; not used.
        """
        cycle, error = self.cycle, _refusal(sys.exc_info()[1])
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            self._refuse(error, self._scope_without_request(self._target()))
        elif not cycle.more_body:
            # The malformed request follows another one without a response. It is dropped, because the client would take
            # an answer to it for the other's response.
            self.flow.pause_reading()
            self._close_after_this()
            cycle.keep_alive = False
        elif cycle.response_started:
            # The client would take a second response for the rest of the first.
            self.transport.close()
        else:
            self._refuse(error, self._take_from_application())

    def _take_from_application(self) -> dict[str, Any]:
        """Disconnect the application from the current request, and return a copy of the request's scope."""
        cycle = self.cycle
        scope = {**cycle.scope}
        # The client does not get the application's response, so the access log leaves it out.
        cycle.scope[REFUSED] = True
        cycle.disconnected = True
        cycle.message_event.set()
        return scope

    def _refuse(self, error: RefusedRequest, scope: dict[str, Any]) -> None:
        # Further bytes must not continue this request or begin another one.
        self.flow.pause_reading()
        task: Task[None] = get_running_loop().create_task(self._answer(error, scope))
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    def _target(self) -> bytes:
        """Return the path and query of a request whose head is malformed, `*` if the parser does not have them."""
        return b"*"

    def _scope_without_request(self, target: bytes) -> dict[str, Any]:
        raw_path, _, query = target.partition(b"?")
        # Method and path are the same as in Sanic 25.12, in its access log and for middleware.
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "NONE",
            "scheme": self.scheme,
            "path": unquote(raw_path),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": [],
            "client": self.client,
            "server": self.server,
        }

    scheme: Any
    client: Any
    server: Any

    async def _answer(self, error: RefusedRequest, scope: dict[str, Any]) -> None:
        # A new h11 connection writes the response, because the parser of the request has not finished.
        writer = h11.Connection(h11.SERVER)

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                # Spaces around a value are not part of it (RFC 9110, section 5.5), and h11 refuses them.
                fields = [(name, value.strip(b" \t")) for name, value in message.get("headers", ())]
                fields = [field for field in fields if field[0].lower() != b"connection"]
                fields_sent = [*fields, CLOSE]
                headers = self.server_state.default_headers + fields_sent
                phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
                self._write(writer.send(h11.Response(status_code=status, headers=headers, reason=phrase)))
            elif message["type"] == "http.response.body":
                self._write(writer.send(h11.Data(data=message.get("body", b""))))

        try:
            await self.config.app._engine.sweeper.refuse(error, scope, receive, send)
        except Exception as failure:
            logger.error("A request could not be refused with an error page: %s", error.detail, exc_info=failure)
            if writer.our_state is h11.IDLE:
                phrase = HTTPStatus(error.status_code).phrase
                self._write(f"HTTP/1.1 {error.status_code} {phrase}\r\n".encode() + WITHOUT_BODY)
        finally:
            self.transport.close()

    def _write(self, data: bytes | None) -> None:
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _close_after_this(self) -> None:
        """Add `connection: close` to the response to the newest request."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_started:
            cycle.default_headers = DefaultHeaders([*cycle.default_headers, CLOSE])


def _refusal(error: BaseException | None) -> RefusedRequest:
    """Return the exception for a malformed request; status and message are the same as in Sanic 25.12.

    Args:
        error: the exception of httptools or h11.
    """
    if type(error).__name__ == "HttpParserInvalidURLError":
        return RefusedRequest(400, "URL may only contain US-ASCII characters.")
    # Only the messages of the parsers say what is wrong.
    reason = str(error).lower()
    if "content-length overflow" in reason:
        return RefusedRequest(413, TOO_LARGE)
    if "chunk" in reason:
        return RefusedRequest(400, "Bad chunked encoding")
    if reason.endswith("content-length") and not reason.startswith(("duplicate", "transfer-encoding", "conflicting")):
        return RefusedRequest(400, "Bad content-length")
    return RefusedRequest(400, "Bad Request")


class Limited(_Timed, HttpToolsProtocol):
    """uvicorn's protocol for httptools; it refuses a head above `h11_max_incomplete_event_size` bytes.

    PERF: the lengths of a head are added up only if it arrives in several pieces, or in a piece above the limit, which
    saves 0.3 µs of any other request. Safe because a head in one piece is not longer than the piece.
    """

    def __init__(self, config: Any, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._limit = config.h11_max_incomplete_event_size or float("inf")
        # The number of bytes of an incomplete head that arrived after its first piece; -1 if there was one piece.
        self._later_size = -1
        self._piece_size = 0
        self._in_head = self._too_large = False

    def data_received(self, data: bytes) -> None:
        self._piece_size = size = len(data)
        self.received += size
        super().data_received(data)
        if self._in_head:
            self._later_size += size if self._later_size >= 0 else 1
            if self._later_size > self._limit and not self.transport.is_closing():
                self._too_large = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._later_size = True, -1

    def on_headers_complete(self) -> None:
        self._in_head = False
        self.requests += 1
        if self._later_size >= 0 or self._piece_size > self._limit:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._limit:
                self._too_large = True
                raise ValueError("the head of a request is too large")
        super().on_headers_complete()
        if not self._keeps_alive:
            self._close_after_this()

    def send_400_response(self, msg: str) -> None:
        if not self._too_large:
            super().send_400_response(msg)
            return
        self.transport.write(REFUSAL)
        self.transport.close()

    def _target(self) -> bytes:
        return self.url if self._in_head and self.url else b"*"

    def _phase_between_requests(self) -> Phase:
        if self._in_head:
            return Phase.HEAD
        if self.cycle is None:
            # Empty lines before the first request count as the beginning of a head.
            return Phase.HEAD if self.received else Phase.SILENT
        # uvicorn leaves `more_body` true when the body of a request that was answered early is complete.
        return Phase.UNREAD_BODY if self.cycle.more_body else Phase.IDLE


class TimedH11(_Timed, H11Protocol):
    """uvicorn's protocol for h11, which limits the head itself."""

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        super().data_received(data)

    def handle_events(self) -> None:
        former = self.cycle
        super().handle_events()
        # The parser pauses after each request until that is answered.
        self.requests += self.cycle is not former
        if not self._keeps_alive:
            self._close_after_this()

    def _phase_between_requests(self) -> Phase:
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return Phase.UNREAD_BODY
        if state is h11.IDLE and (self.conn.trailing_data[0] or (self.cycle is None and self.received)):
            return Phase.HEAD
        return Phase.IDLE if self.cycle is not None else Phase.SILENT
