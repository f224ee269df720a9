"""hypercorn: HTTP/2, and HTTP/3 where aioquic is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from socket import SOCK_DGRAM, socket
from ssl import SSLContext
from typing import Any

import hypercorn
from hypercorn.asyncio import serve as serve_hypercorn
from hypercorn.protocol.ws_stream import ASGIWebsocketState
from hypercorn.utils import LifespanFailureError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.engine.os_signals import DRAIN_NOTICE_S
from sanic_star.engine.seams import Host
from sanic_star.servers.settings import TLS, CannotServe, Settings
from sanic_star.servers.stopping import CANCELLED_REQUESTS_S, POLL_S, StalledConnections, Stop, wait_for_first

# How long connections may take to close, once everything is sent, in seconds.
CLOSE_TIMEOUT_S = 3.0
# How long hypercorn may take to end the connections of closed websockets, and those of HTTP/3, in seconds.
WEBSOCKET_CLOSE_S = 0.5
# For options that have no value for "unlimited", in seconds.
UNLIMITED_S = 24 * 3600


# In the context of a request, in which hypercorn sends its response: whether the response has a `date` field.
_has_date: ContextVar[list[bool]] = ContextVar("sanic_star.has_date")


class Config(hypercorn.Config):
    """hypercorn's configuration, with a context for TLS instead of paths, and one `date` field in each response."""

    tls: TLS | None = None
    # As under Sanic, a response does not name its server.
    include_server_header = False

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return the header fields for all responses, without `date` if the response has it (RFC 9110, section 6.6.1).

        Args:
            protocol: the name of the protocol, from hypercorn.
        """
        fields = super().response_headers(protocol)
        has_date = _has_date.get(None)
        return [field for field in fields if field[0] != b"date"] if has_date and has_date[0] else fields

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


def adapt(app: ASGIApp) -> ASGIApp:
    """Return an ASGI application that works around two limitations of hypercorn.

    It records whether a response has a `date` field, for `Config.response_headers`. After a websocket that the
    application has closed, it waits for the client's close frame.

    Args:
        app: the application inside.
    """

    async def adapted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        # A list, because a task that the application starts for the response has a copy of the context.
        has_date = [False]
        _has_date.set(has_date)

        async def send_checked(message: Message) -> None:
            if any(name.lower() == b"date" for name, _ in message.get("headers", ())):
                has_date[0] = True
            await send(message)

        try:
            await app(scope, receive, send_checked)
        except Exception:
            if scope["type"] == "websocket":
                await _wait_for_close_frame(receive, send)
            raise
        if scope["type"] == "websocket":
            await _wait_for_close_frame(receive, send)

    return adapted


async def _wait_for_close_frame(receive: Receive, send: Send) -> None:
    """Wait until the client of a websocket that the application has closed has answered with its close frame.

    hypercorn closes the connection as soon as the application returns (`WSStream.app_send` in `protocol/ws_stream.py`,
    `H11Protocol._maybe_recycle`), before the closing handshake has ended (RFC 6455, section 7.1.1). A client that
    answers then writes into a closed connection, and may lose messages: the client of `websockets` drops those that
    it received together with the close frame.

    Args:
        receive: the websocket's `receive`, from hypercorn.
        send: its `send`, a method of hypercorn's stream.
    """
    stream = getattr(send, "__self__", None)
    if getattr(stream, "state", None) is not ASGIWebsocketState.CLOSED:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            while not getattr(stream, "closed", True):
                await receive()


def make_config(settings: Settings, sockets: list[socket]) -> Config:
    """Return hypercorn's configuration.

    Args:
        settings: the settings of the application's server.
        sockets: the bound sockets; hypercorn gets copies, which it closes.
    """
    config = Config()
    config.tls = settings.tls
    # Not with `os.dup`, because a socket of Windows is not a file descriptor.
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
    # The application has time limits for its listeners.
    config.startup_timeout = config.shutdown_timeout = UNLIMITED_S
    # hypercorn closes a connection if no head is complete within this time after the connection or the last response.
    # So this also limits silent clients and heads that arrive byte by byte. (`read_timeout` would close connections of
    # clients that wait for a response.)
    config.keep_alive_timeout = settings.keep_alive or settings.request_timeout or UNLIMITED_S
    if not settings.keep_alive:
        config.keep_alive_max_requests = 0
    config.ssl_handshake_timeout = settings.request_timeout or UNLIMITED_S
    if settings.max_header_size is not None:
        config.h11_max_incomplete_size = settings.max_header_size
        config.h2_max_header_list_size = settings.max_header_size
    config.websocket_max_message_size = settings.ws_max_size
    config.websocket_ping_interval = settings.ws_ping_interval
    return config


async def serve(
    app: Host, settings: Settings, sockets: list[socket], stop: Stop, on_accepting: Callable[[], None]
) -> None:
    """Serve an application; see `sanic_star.servers.backends.Serve`.

    hypercorn awaits its `shutdown_trigger` when it accepts connections: that is the time for `after_server_start`.
    """
    config = make_config(settings, sockets)
    transports: set[asyncio.WriteTransport] = set()
    recording = ExitStack()
    asyncio_servers = recording.enter_context(_record_servers(settings, sockets, transports))
    ending_tasks: list[asyncio.Future[None]] = []
    closes_connections = asyncio.Event()

    async def end_requests() -> None:
        await app._engine.lifecycle.after_start()
        on_accepting()
        await stop.wait_announced()
        for server in asyncio_servers:
            server.close()
        # hypercorn has copies. While these sockets are open, new clients would wait in their queues.
        for bound in sockets:
            if bound.type is not SOCK_DGRAM:
                bound.close()
        # Responses have `connection: close` for a while, before idle connections are closed.
        config.keep_alive_max_requests = 0
        if not app._engine.limits.cancels_at_stop:
            await asyncio.sleep(DRAIN_NOTICE_S)
        await app._engine.requests_ended()
        app._engine.sweeper.abort_all()
        ending_tasks.append(asyncio.ensure_future(_abort_stalled(transports)))
        # hypercorn would wait for the next ping of each websocket, also if it is closed.
        _cancel_pings()
        if stop.has_ended_endless or settings.version == 3:
            # hypercorn does not close the connections of closed websockets, and those of HTTP/3.
            config.graceful_timeout = WEBSOCKET_CLOSE_S
        if stop.has_ended_endless:
            # They are closed here, because hypercorn would cancel their tasks, and Python 3.11 logs a traceback for
            # each.
            config.graceful_timeout += CANCELLED_REQUESTS_S
            ending_tasks.append(asyncio.ensure_future(_close_after(transports, WEBSOCKET_CLOSE_S)))

    async def until_stop() -> None:
        try:
            await end_requests()
        finally:
            closes_connections.set()

    adapted_app: Any = adapt(app)
    task = asyncio.ensure_future(serve_hypercorn(adapted_app, config, shutdown_trigger=until_stop, mode="asgi"))
    force_task = asyncio.ensure_future(stop.call_when_forced(task.cancel))
    try:
        await wait_for_first(closes_connections.wait(), [task])
        if not await _has_ended(app, task, config):
            if not stop.is_forced:
                await app._engine.lifecycle.stop()  # hypercorn has not called it
            return
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LifespanFailureError):
            # The application has logged the cause. The class has no attribute for the stage.
            if str(error).startswith("Lifespan failure in startup"):
                raise CannotServe(f"{app!r} could not be started") from None
            return
        if error is not None:
            raise error
    finally:
        recording.close()
        for helper_task in (force_task, *ending_tasks):
            helper_task.cancel()


async def _has_ended(app: Host, task: asyncio.Task[None], config: Config) -> bool:
    """Wait until hypercorn has ended, and return whether it has.

    After its `graceful_timeout` hypercorn cancels the requests, and waits for them without a limit. It does not end if
    a handler catches every `CancelledError`.

    Args:
        app: the application.
        task: the task that runs hypercorn.
        config: hypercorn's configuration.
    """
    await asyncio.wait({task}, timeout=config.graceful_timeout + CANCELLED_REQUESTS_S)
    # Requests have ended, but listeners and background tasks may take longer: they have limits of their own.
    while app._engine.lifecycle.stage == "closing" and not task.done():
        await asyncio.wait({task}, timeout=POLL_S)
    if not task.done():
        await asyncio.wait({task}, timeout=CANCELLED_REQUESTS_S)
    if task.done():
        return True
    task.cancel()
    # In Python 3.12 and newer, `task` waits for tasks that ignore their cancellation.
    await asyncio.wait({task}, timeout=CANCELLED_REQUESTS_S)
    return False


async def _abort_stalled(transports: set[asyncio.WriteTransport]) -> None:
    """Abort connections whose client does not read, because hypercorn waits for them for ever."""
    stalled_connections = StalledConnections()
    while True:
        for transport in list(transports):
            if stalled_connections.is_stalled(transport):
                transport.abort()
        await asyncio.sleep(POLL_S)


def _cancel_pings() -> None:
    """Cancel the tasks that ping websockets: each one waits for its next ping, although its websocket may be closed."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__qualname__", "") == "WSStream._send_pings":
            task.cancel()


async def _close_after(transports: set[asyncio.WriteTransport], seconds: float) -> None:
    """Wait, then close the open connections; bytes that were written are sent.

    Args:
        transports: the transports of open connections.
        seconds: the wait, in seconds.
    """
    await asyncio.sleep(seconds)
    for transport in list(transports):
        transport.close()


def _make_recorded_protocol(make: Callable[[], Any], transports: set[asyncio.WriteTransport]) -> Any:
    """Make a protocol that adds its transport to a set while it is connected."""
    protocol = make()
    call_made, call_lost = protocol.connection_made, protocol.connection_lost

    def connection_made(transport: asyncio.WriteTransport) -> None:
        transports.add(transport)
        protocol.connection_lost = partial(connection_lost, transport)
        call_made(transport)

    def connection_lost(transport: asyncio.WriteTransport, error: Exception | None) -> None:
        transports.discard(transport)
        call_lost(error)

    protocol.connection_made = connection_made
    return protocol


@contextmanager
def _record_servers(
    settings: Settings, sockets: list[socket], transports: set[asyncio.WriteTransport] | None = None
) -> Iterator[list[asyncio.Server]]:
    """Record the servers and connections that hypercorn creates, which it does not make accessible.

    The event loop's `create_server` is replaced until the block ends. Several applications may be served at a time.

    Args:
        settings: the settings of the application's server.
        sockets: the bound sockets.
        transports: gets the transports of open connections.

    Yields:
        A list, to which the servers are added when hypercorn creates them.
    """
    recorded_transports = set() if transports is None else transports
    addresses = [bound.getsockname() for bound in sockets]
    servers: list[asyncio.Server] = []
    loop: Any = asyncio.get_running_loop()
    original_create_server = loop.create_server
    # The default is half a minute, and a client with idle connections may not confirm the end.
    tls_options = {} if settings.tls is None else {"ssl_shutdown_timeout": CLOSE_TIMEOUT_S}
    is_recording = True

    async def create_server(make: Any, *args: Any, sock: socket | None = None, **options: Any) -> Any:
        if not is_recording or sock is None or sock.getsockname() not in addresses:
            # A server of another application, or one that the application itself runs.
            return await original_create_server(make, *args, sock=sock, **options)
        make_recorded = partial(_make_recorded_protocol, make, recorded_transports)
        servers.append(await original_create_server(make_recorded, *args, sock=sock, **options, **tls_options))
        return servers[-1]

    loop.create_server = create_server
    try:
        yield servers
    finally:
        is_recording = False
        # Another application that is served at the same time may have replaced it again, and call this one.
        if loop.create_server is create_server:
            loop.create_server = original_create_server
