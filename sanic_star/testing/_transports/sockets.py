"""An application of this package that is served on a socket during a test.

uvicorn serves it in the calling thread, on the event loop of the call. The client runs in a thread of its own, so you
can step through a handler in a debugger. If the address is in use, the server waits for it: under pytest-xdist, tests
that name the same port run in several processes, one after the other.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sanic_star.compat._serving.running import Runner
from sanic_star.testing._asgi.exchange import LEAVE_GRACE_S, AsyncBody
from sanic_star.testing._asgi.scopes import StandIn, observe_requests
from sanic_star.testing._asgi.server import EventLoop
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._transports.connections import Mimic, address_of
from sanic_star.testing._transports.session import Session
from sanic_star.testing.deadline import deadline, within

__all__ = ["SocketConnection", "apply_server_kwargs"]

# How long to wait for an address that a test in another process uses; most tests are shorter.
ADDRESS_WAIT_S = 10.0
# The arguments of `app.run`: those of the address; those that set the application's mode; those that have no effect on
# a server for one test.
_ADDRESS_OPTIONS = {"host", "port", "unix", "sock", "ssl", "backlog"}
_MODE_OPTIONS = {"debug", "dev", "access_log", "noisy_exceptions", "verbosity"}
_IGNORED_OPTIONS = {
    "motd", "motd_display", "coffee", "register_sys_signals", "single_process", "protocol", "reload_dir", "load",
}  # fmt: skip
# Arguments that have only one valid value in a test, because the application runs in the process of the test.
_FIXED_OPTIONS = {"workers": 1, "fast": False, "auto_reload": False, "version": 1, "auto_tls": False, "loop": None}


def apply_server_kwargs(app: Any, server_kwargs: dict[str, Any] | None, debug: bool) -> dict[str, Any]:
    """Set the application's mode as `app.run(**server_kwargs)` would, and return the arguments of the address.

    Raises:
        TypeError: `app.run` has no such argument.
        ValueError: the value of an argument is impossible in a test.
    """
    options = dict(server_kwargs or {})
    for name, value in options.items():
        if name in _FIXED_OPTIONS:
            if value is not None and value != _FIXED_OPTIONS[name]:
                raise ValueError(
                    f"a test serves the application in its own process: leave {name}={value!r} out of server_kwargs"
                )
        elif name not in _ADDRESS_OPTIONS | _MODE_OPTIONS | _IGNORED_OPTIONS | {"server"}:
            raise TypeError(f"server_kwargs are those of app.run(), which has no {name!r}")
    mode = {name: options[name] for name in _MODE_OPTIONS & options.keys()}
    if mode or debug:
        debug = debug or bool(mode.get("debug") or mode.get("dev"))
        runner = getattr(app, "_runner", None)
        if isinstance(runner, Runner):
            runner.set_mode(debug, mode.get("access_log"), mode.get("noisy_exceptions"), mode.get("verbosity", 0))
        elif debug:
            app.debug = True
    return {name: options[name] for name in _ADDRESS_OPTIONS & options.keys() if options[name] is not None}


class SocketConnection:
    """Serves an application, and sends requests to it over the network.

    Args:
        app: the application; it has to be one of this package.
        host: the address to listen on.
        port: the port to listen on; 0 for any free port.
        address: `ssl`, `unix`, `sock` and `backlog`, as for `app.run`.

    Raises:
        TypeError: the application is not one of this package.
    """

    def __init__(self, app: Any, host: str, port: int, address: dict[str, Any]) -> None:
        if not hasattr(app, "create_server"):
            raise TypeError(
                "only an application of this package can be served on a socket: leave out the arguments that need one"
            )
        self.port = port
        self._scheme = "https" if address.get("ssl") else "http"
        self._app = app
        self._host = host
        self._address = address
        self._unix: str | None = address.get("unix")
        self._server: Any = None
        self._loop: EventLoop | None = None
        self._requests: list[Any] = []
        # Restores the application's state at the end.
        self._cleanup = ExitStack()
        self._sessions: list[requests.Session] = []

    @property
    def base(self) -> str:
        """The beginning of its URLs, with a slash at the end."""
        return address_of(self._scheme, self._host, self.port)

    def open(self, loop: EventLoop, stand_in: StandIn | None = None) -> None:
        """Start the application and the server.

        Raises:
            OSError: the address cannot be bound.
        """
        self._cleanup = ExitStack()
        self._requests = self._cleanup.enter_context(observe_requests(self._app, stand_in))
        state = self._app.state
        self._cleanup.callback(vars(state)["_state"].update, host=state.host, port=state.port, unix=state.unix)
        self._loop = loop
        try:
            loop.run(within(self._start(), "the application's start-up did not end"))
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Close the connections and stop the application."""
        assert self._loop is not None
        for session in self._sessions:
            session.close()
        try:
            self._loop.run(within(self._stop(), "the application's shutdown did not end"))
        finally:
            self._end()

    def session(self) -> Session:
        """Return a new session, which accepts any certificate by default."""
        session = Session()
        session.verify = False
        self.mount_on(session)
        return session

    def mount_on(self, session: requests.Session) -> None:
        """Make a session send its requests to the server."""
        adapter = _Adapter(self._unix)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        self._sessions.append(session)

    def request(
        self, session: requests.Session, method: str, url: str, keywords: dict[str, Any]
    ) -> tuple[Any, requests.Response]:
        """Send a request; return the application's request object and the response."""
        assert self._loop is not None
        self._requests.clear()
        keywords.setdefault("timeout", deadline())
        limit = keywords["timeout"]
        subject = f"no answer to {method} {urlsplit(url).path}"
        exchange = _exchange(session, method, url, keywords)
        response = self._loop.run(within(exchange, subject, limit if isinstance(limit, int | float) else None))
        return self._requests[0] if self._requests else None, response

    def websocket(
        self,
        session: requests.Session,
        url: str,
        subprotocols: Sequence[str] | None,
        mimic: Mimic | None,
        keywords: dict[str, Any],
    ) -> tuple[Any, WebsocketProxy]:
        """Open a websocket and run `mimic`; return the application's request object and the recorded messages.

        Raises:
            websockets.exceptions.InvalidStatus: the application did not accept the handshake.
        """
        assert self._loop is not None
        self._requests.clear()
        headers, params, cookies = (keywords.pop(name, None) for name in ("headers", "params", "cookies"))
        handshake = session.prepare_request(
            requests.Request("GET", url, headers=headers, params=params, cookies=dict(cookies or {}))
        )
        extra = {name: value for name, value in handshake.headers.items() if name in {*(headers or ()), "Cookie"}}
        talk = self._talk(str(handshake.url), mimic, {"subprotocols": subprotocols, **keywords}, extra)
        proxy = self._loop.run(within(talk, f"the websocket {urlsplit(url).path} did not end"))
        return self._requests[0] if self._requests else None, proxy

    def last_request(self) -> Any:
        """Return the application's last request object."""
        return self._requests[-1] if self._requests else None

    async def _talk(
        self, url: str, mimic: Mimic | None, options: dict[str, Any], headers: dict[str, str]
    ) -> WebsocketProxy:
        from websockets.asyncio.client import connect, unix_connect

        from sanic_star.testing._sanic_testing.proxy import SocketProxy

        uri = "ws" + url.removeprefix("http")
        options["additional_headers"] = headers
        if self._scheme == "https":
            options.setdefault("ssl", _trusting_context())
        if self._unix:
            connecting = unix_connect(self._unix, uri=uri, **options)
        else:
            connecting = connect(uri, **{"proxy": None, **options})
        async with connecting as connection:
            proxy = SocketProxy(connection)
            await proxy.play(mimic)
        return proxy

    async def _start(self) -> None:
        address = dict(self._address)
        address.pop("unix", None)
        listening_socket = address.pop("sock", None) or await self._bind()
        if listening_socket.family != getattr(socket, "AF_UNIX", None):
            self.port = listening_socket.getsockname()[1]
        try:
            server = await self._app.create_server(
                self._host, self.port, sock=listening_socket, access_log=self._app.config.ACCESS_LOG, **address
            )
        except BaseException:
            listening_socket.close()
            raise
        # The client has closed its connections before the server stops, so a handler that still runs then hangs.
        server.server.limit_stop(LEAVE_GRACE_S)
        self._server = server
        await server.startup()
        try:
            await server.before_start()
            await server.start_serving()
            await server.after_start()
        except BaseException as error:
            error.add_note(
                "The application's start-up failed, so no request was sent: fix its lifespan or its listeners."
            )
            await server.close()
            # The test gets the first exception.
            with suppress(Exception):
                await server.after_stop()
            raise

    async def _bind(self) -> socket.socket:
        # Imported late, because most tests need no socket.
        from sanic_star.servers.settings import CannotServe
        from sanic_star.servers.sockets import bind_tcp, bind_unix

        give_up_at = asyncio.get_running_loop().time() + (ADDRESS_WAIT_S if self.port else 0)
        while True:
            listening_socket: socket.socket | None = None
            try:
                listening_socket = bind_unix(self._unix) if self._unix else bind_tcp(self._host, self.port)
                listening_socket.listen(self._address.get("backlog", 100))
                return listening_socket
            except (OSError, CannotServe) as error:
                if listening_socket is not None:
                    listening_socket.close()
                if asyncio.get_running_loop().time() >= give_up_at:
                    raise OSError(f"{error} (if the test names no port, a free one is used)") from None
                await asyncio.sleep(0.05)

    async def _stop(self) -> None:
        try:
            await self._server.before_stop()
        finally:
            try:
                await self._server.close()
            finally:
                await self._server.after_stop()

    def _end(self) -> None:
        assert self._loop is not None
        self._loop.close()
        self._loop = self._server = None
        self._cleanup.close()
        self._sessions.clear()
        if self._unix:
            with suppress(OSError):
                os.unlink(self._unix)


async def _exchange(session: requests.Session, method: str, url: str, keywords: dict[str, Any]) -> requests.Response:
    """Send a request in a thread; if its body is an asynchronous iterable, read the body on this event loop."""
    if isinstance(body := keywords.get("data"), AsyncBody):
        keywords["data"] = _chunks_of(body, asyncio.get_running_loop())
    return await asyncio.to_thread(session.request, method, url, **keywords)


def _chunks_of(body: AsyncBody, loop: asyncio.AbstractEventLoop) -> Iterator[str | bytes]:
    chunks = aiter(body.chunks)

    async def next_chunk() -> str | bytes | None:
        return await anext(chunks, None)

    while (chunk := asyncio.run_coroutine_threadsafe(next_chunk(), loop).result()) is not None:
        # In the chunked coding, an empty chunk ends the body (RFC 9112, section 7.1).
        if chunk:
            yield chunk


def _trusting_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _TrustingConnection(HTTPSConnection):
    """A connection that accepts any certificate, without urllib3's warning."""

    def connect(self) -> None:
        super().connect()
        self.is_verified = True

    def close(self) -> None:
        """Close the TLS session first, because the server waits for that.

        The server's reply is not awaited: its event loop is not running now.
        """
        if isinstance(self.sock, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self.sock.settimeout(0)
                self.sock.unwrap()
        super().close()


class _Adapter(HTTPAdapter):
    """An adapter that connects to a test's socket, and sends the request target of the session unchanged."""

    def __init__(self, unix: str | None) -> None:
        super().__init__()
        self.target = ""
        plain = _unix_connection(unix) if unix else HTTPConnection
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool_class(HTTPConnectionPool, _with_unchanged_target(plain, self)),
            "https": _pool_class(HTTPSConnectionPool, _with_unchanged_target(_TrustingConnection, self)),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request."""
        self.target = request.path_url
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        """Close all connections, also those of responses that the test still holds."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 (no mapping that could be iterated)
            pools[key].close()
        super().close()


def _pool_class(base: Any, connection: Any) -> Any:
    return type("Pool", (base,), {"ConnectionCls": connection})


def _with_unchanged_target(base: Any, adapter: _Adapter) -> Any:
    class Connection(base):  # type: ignore[misc]
        def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            # `url` is the target as urllib3 has encoded it.
            super().putrequest(method, adapter.target, *args, **kwargs)

    return Connection


def _unix_connection(path: str) -> type[HTTPConnection]:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(f"Cannot connect to {path}: this system has no unix sockets; use host and port")
    family = socket.AF_UNIX

    class Connection(HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
            self.sock.connect(path)

    return Connection
