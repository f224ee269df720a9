"""hypercorn: HTTP/2, and HTTP/3 where aioquic is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from socket import SOCK_DGRAM, socket
from ssl import SSLContext
from typing import Any

import hypercorn
from hypercorn.asyncio import serve as serve_hypercorn
from hypercorn.utils import LifespanFailureError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.engine.os_signals import DRAIN_NOTICE_S
from sanic_star.engine.seams import Host
from sanic_star.servers.settings import TLS, CannotServe, Settings
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, POLL_S, Stalled, Stop, first

# How long connections may take to close, once everything is sent, in seconds.
CLOSE_TIMEOUT_S = 3.0
WAIT_FOR_WEBSOCKETS = 0.5
# For options that have no value for "unlimited", in seconds.
A_DAY = 24 * 3600


# Whether the response that is being sent has a `date` field of its own; hypercorn sends it in the request's context.
_own_date: ContextVar[list[bool]] = ContextVar("sanic_star.own_date")


class Config(hypercorn.Config):
    """hypercorn's configuration, with a context for TLS instead of paths, and one `date` field in each response."""

    tls: TLS | None = None
    # As under Sanic, a response does not name its server.
    include_server_header = False

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return the fields that a response gets: no `date` where it has its own (RFC 9110, section 6.6.1)."""
        fields = super().response_headers(protocol)
        own = _own_date.get(None)
        return [field for field in fields if field[0] != b"date"] if own and own[0] else fields

    @property
    def ssl_enabled(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls is not None

    def create_ssl_context(self) -> SSLContext | None:
        """Return the context, which offers HTTP/2."""
        if self.tls is None:
            return None
        context = self.tls.make()
        context.set_alpn_protocols(self.alpn_protocols)
        return context


def noting_own_date(app: ASGIApp) -> ASGIApp:
    """Return `app` behind a step that notes whether a response has a `date` field, for `Config.response_headers`."""

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        # A list, because a task that the application starts for the response has a context of its own.
        own = [False]
        _own_date.set(own)

        async def send_noting(message: Message) -> None:
            if any(name.lower() == b"date" for name, _ in message.get("headers", ())):
                own[0] = True
            await send(message)

        await app(scope, receive, send_noting)

    return noting


def make_config(settings: Settings, sockets: list[socket]) -> Config:
    """Return hypercorn's configuration for these settings, and for copies of these sockets, which it will close."""
    config = Config()
    config.tls = settings.tls
    # Not by `os.dup`: a socket of Windows is no file descriptor.
    streams = [f"fd://{bound.dup().detach()}" for bound in sockets if bound.type is not SOCK_DGRAM]
    config.bind = streams
    if settings.version == 3 and settings.tls is not None:
        config.quic_bind = [f"fd://{bound.dup().detach()}" for bound in sockets if bound.type is SOCK_DGRAM]
        # aioquic reads these itself.
        config.certfile, config.keyfile = settings.tls.cert, settings.tls.key
        config.keyfile_password = settings.tls.password
    config.alpn_protocols = ["h2", "http/1.1"] if settings.version > 1 else ["http/1.1"]
    config.backlog = settings.backlog
    config.loglevel = "WARNING"
    config.graceful_timeout = settings.graceful_timeout
    # How long listeners may take is the application's own affair.
    config.startup_timeout = config.shutdown_timeout = A_DAY
    # Counted from the connection, and from each response, until the next head is complete: a silent client, half a head
    # and one that comes byte by byte are closed by it. (`read_timeout` would cut off clients that wait for a response.)
    config.keep_alive_timeout = settings.keep_alive or settings.request_timeout or A_DAY
    if not settings.keep_alive:
        config.keep_alive_max_requests = 0
    config.ssl_handshake_timeout = settings.request_timeout or A_DAY
    if settings.max_header_size is not None:
        config.h11_max_incomplete_size = settings.max_header_size
        config.h2_max_header_list_size = settings.max_header_size
    config.websocket_max_message_size = settings.ws_max_size
    config.websocket_ping_interval = settings.ws_ping_interval
    return config


async def serve(
    app: Host, settings: Settings, sockets: list[socket], stop: Stop, accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.backends.Serve`.

    hypercorn asks for what shall end it once it accepts connections, and that is the moment for `after_server_start`.
    """
    config = make_config(settings, sockets)
    transports: set[asyncio.WriteTransport] = set()
    watching = ExitStack()
    listening = watching.enter_context(_listening(settings, sockets, transports))
    ending: list[asyncio.Future[None]] = []
    closes_connections = asyncio.Event()

    async def end_requests() -> None:
        await app._engine.lifecycle.after_start()
        accepting()
        await stop.wait_announced()
        for server in listening:
            server.close()
        # Those were copies: with these open, new clients would wait in the queue until the last request ends.
        for bound in sockets:
            if bound.type is not SOCK_DGRAM:
                bound.close()
        # Clients learn that their connections will not be used again, before idle ones are closed under them.
        config.keep_alive_max_requests = 0
        if not app._engine.limits.cancels_at_stop:
            await asyncio.sleep(DRAIN_NOTICE_S)
        await app._engine.requests_ended()
        app._engine.sweeper.abort_all()
        ending.append(asyncio.ensure_future(_abort_stalled(transports)))
        # Also of websockets that were closed before the stop: hypercorn would wait for their next ping.
        _cancel_pings()
        if stop.ended_endless or settings.version == 3:
            # It leaves the connections of websockets open that the application has closed, and those of HTTP/3.
            config.graceful_timeout = WAIT_FOR_WEBSOCKETS
        if stop.ended_endless:
            # hypercorn would cancel the tasks of those that are left, and Python 3.11 logs a traceback for each.
            config.graceful_timeout += CANCELLED_REQUESTS_S
            ending.append(asyncio.ensure_future(_close_after(transports, WAIT_FOR_WEBSOCKETS)))

    async def until_stop() -> None:
        try:
            await end_requests()
        finally:
            closes_connections.set()

    served: Any = noting_own_date(app)
    task = asyncio.ensure_future(serve_hypercorn(served, config, shutdown_trigger=until_stop, mode="asgi"))
    forcing = asyncio.ensure_future(stop.call_when_forced(task.cancel))
    try:
        await first(closes_connections.wait(), [task])
        if not await _has_ended(app, task, config):
            if not stop.forced:
                await app._engine.lifecycle.stop()  # hypercorn does not come to it
            return
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LifespanFailureError):
            raise CannotServe(f"{app!r} could not be started: {error}") from None
        if error is not None:
            raise error
    finally:
        watching.close()
        for helper in (forcing, *ending):
            helper.cancel()


async def _has_ended(app: Host, task: asyncio.Task[None], config: Config) -> bool:
    """Wait until hypercorn has ended; return False if it does not.

    It cancels the requests that are left after its `graceful_timeout`, then waits for them without a limit: for a
    handler, say, that catches every `CancelledError`.
    """
    await asyncio.wait({task}, timeout=config.graceful_timeout + CANCELLED_REQUESTS_S)
    # Requests are over, but listeners and tasks may take longer, and have limits of their own.
    while app._engine.lifecycle.stage == "closing" and not task.done():
        await asyncio.wait({task}, timeout=POLL_S)
    if not task.done():
        await asyncio.wait({task}, timeout=CANCELLED_REQUESTS_S)
    if task.done():
        return True
    task.cancel()
    # Python 3.12 and newer wait for what ignores its cancellation here, too.
    await asyncio.wait({task}, timeout=CANCELLED_REQUESTS_S)
    return False


async def _abort_stalled(transports: set[asyncio.WriteTransport]) -> None:
    """Break off connections whose client takes nothing any more; hypercorn waits for them without end."""
    stalled = Stalled()
    while True:
        for transport in list(transports):
            if stalled.has(transport):
                transport.abort()
        await asyncio.sleep(POLL_S)


def _cancel_pings() -> None:
    """Cancel the tasks that ping websockets: until its next ping is due, each one keeps a closed connection."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "") == "WSStream._send_pings":
            task.cancel()


async def _close_after(transports: set[asyncio.WriteTransport], seconds: float) -> None:
    """Close the connections that are still open after a while; what was written to them is sent."""
    await asyncio.sleep(seconds)
    for transport in list(transports):
        transport.close()


def _noting(make: Callable[[], Any], transports: set[asyncio.WriteTransport]) -> Any:
    """Make a protocol that adds its transport to a set while it is connected."""
    protocol = make()
    made, lost = protocol.connection_made, protocol.connection_lost

    def connection_made(transport: asyncio.WriteTransport) -> None:
        transports.add(transport)
        protocol.connection_lost = partial(connection_lost, transport)
        made(transport)

    def connection_lost(transport: asyncio.WriteTransport, error: Exception | None) -> None:
        transports.discard(transport)
        lost(error)

    protocol.connection_made = connection_made
    return protocol


@contextmanager
def _listening(
    settings: Settings, sockets: list[socket], transports: set[asyncio.WriteTransport] | None = None
) -> Iterator[list[asyncio.Server]]:
    """Note what hypercorn listens with; it keeps that to itself, but makes it by the event loop, which is ours.

    The event loop's `create_server` is replaced until the block ends. Several applications may be served at a time.

    Args:
        settings: how the application is served.
        sockets: what hypercorn listens on.
        transports: receives those of the open connections.

    Yields:
        The servers, a list that is filled when hypercorn makes them.
    """
    noted = set() if transports is None else transports
    ours = [bound.getsockname() for bound in sockets]
    made: list[asyncio.Server] = []
    loop: Any = asyncio.get_running_loop()
    create = loop.create_server
    # Closing, TLS waits half a minute for the client's farewell, and a client that keeps connections says none.
    farewell = {} if settings.tls is None else {"ssl_shutdown_timeout": CLOSE_TIMEOUT_S}
    watches = True

    async def create_server(make: Any, *args: Any, sock: socket | None = None, **options: Any) -> Any:
        if not watches or sock is None or sock.getsockname() not in ours:
            # Another application's, or a server that an application runs for itself.
            return await create(make, *args, sock=sock, **options)
        made.append(await create(partial(_noting, make, noted), *args, sock=sock, **options, **farewell))
        return made[-1]

    loop.create_server = create_server
    try:
        yield made
    finally:
        watches = False
        # Another application that is served at the same time may have replaced it once more, and calls this one.
        if loop.create_server is create_server:
            loop.create_server = create
