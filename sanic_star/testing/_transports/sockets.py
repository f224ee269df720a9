"""An app of this package on a real socket, for as long as a test needs it.

uvicorn serves it in the calling thread, on the loop of the test's call. The client has a thread of its own, and so a
handler can be stepped through in a debugger. An address that is in use is waited for: tests that name one port run in
several processes at a time, under pytest-xdist, and take turns.
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
from sanic_star.testing._asgi.exchange import LEAVE_GRACE, AsyncBody
from sanic_star.testing._asgi.scopes import StandIn, observe_requests
from sanic_star.testing._asgi.server import EventLoop
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._transports.connections import Mimic, address_of
from sanic_star.testing._transports.session import Session
from sanic_star.testing.deadline import deadline, within

__all__ = ["OverSocket", "served_by"]

# For an address that another process's test has, in seconds; longer than most tests take.
_PATIENCE = 10.0
# What asks for a socket, what is set on the app, and what is of no account for a server that lives for one test.
_ADDRESS = {"host", "port", "unix", "sock", "ssl", "backlog"}
_MODE = {"debug", "dev", "access_log", "noisy_exceptions", "verbosity"}
_OF_NO_ACCOUNT = {
    "motd", "motd_display", "coffee", "register_sys_signals", "single_process", "protocol", "reload_dir", "load",
}  # fmt: skip
# What a test can't have, and the value that it may say all the same.
_NOT_HERE = {"workers": 1, "fast": False, "auto_reload": False, "version": 1, "auto_tls": False, "loop": None}


def served_by(app: Any, server_kwargs: dict[str, Any] | None, debug: bool) -> dict[str, Any]:
    """Set the app's mode as ``app.run(**server_kwargs)`` would, and give what is left: the address.

    Raises:
        TypeError: there is no such keyword.
        ValueError: one that a server inside a test can't have.
    """
    options = dict(server_kwargs or {})
    for name, value in options.items():
        if name in _NOT_HERE:
            if value is not None and value != _NOT_HERE[name]:
                raise ValueError(
                    f"a test serves the app in its own process: leave {name}={value!r} out of server_kwargs"
                )
        elif name not in _ADDRESS | _MODE | _OF_NO_ACCOUNT | {"server"}:
            raise TypeError(f"server_kwargs are those of app.run(), which has no {name!r}")
    mode = {name: options[name] for name in _MODE & options.keys()}
    if mode or debug:
        debug = debug or bool(mode.get("debug") or mode.get("dev"))
        runner = getattr(app, "_runner", None)
        if isinstance(runner, Runner):
            runner.set_mode(debug, mode.get("access_log"), mode.get("noisy_exceptions"), mode.get("verbosity", 0))
        elif debug:
            app.debug = True
    return {name: options[name] for name in _ADDRESS & options.keys() if options[name] is not None}


class OverSocket:
    """Serve an app, and send requests to it over the network.

    Args:
        app: an app of this package.
        host: the address to listen on.
        port: the port to listen on; 0 for any that is free.
        address: `ssl`, `unix`, `sock` and `backlog`, as for ``app.run``.

    Raises:
        TypeError: the app is another ASGI app.
    """

    def __init__(self, app: Any, host: str, port: int, address: dict[str, Any]) -> None:
        if not hasattr(app, "create_server"):
            raise TypeError("only an app of this package is served on a socket: leave out what asks for one")
        self.port = port
        self._scheme = "https" if address.get("ssl") else "http"
        self._app = app
        self._host = host
        self._address = address
        self._unix: str | None = address.get("unix")
        self._server: Any = None
        self._loop: EventLoop | None = None
        self._seen: list[Any] = []
        # What is taken back at the end.
        self._traces = ExitStack()
        self._sessions: list[requests.Session] = []

    @property
    def base(self) -> str:
        """What URLs begin with."""
        return address_of(self._scheme, self._host, self.port)

    def open(self, loop: EventLoop, stand_in: StandIn | None = None) -> None:
        """Start the app, and listen.

        Raises:
            OSError: the address can't be had.
        """
        self._traces = ExitStack()
        self._seen = self._traces.enter_context(observe_requests(self._app, stand_in))
        state = self._app.state
        self._traces.callback(vars(state)["_state"].update, host=state.host, port=state.port, unix=state.unix)
        self._loop = loop
        try:
            loop.run(within(self._start(), "the app's start-up did not end"))
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Stop the app, with the connections closed."""
        assert self._loop is not None
        for session in self._sessions:
            session.close()
        try:
            self._loop.run(within(self._stop(), "the app's shutdown did not end"))
        finally:
            self._end()

    def session(self) -> Session:
        """Give a new session, which takes any certificate unless it is told otherwise."""
        session = Session()
        session.verify = False
        self.carry(session)
        return session

    def carry(self, session: requests.Session) -> None:
        """Let a session reach the app."""
        adapter = _Adapter(self._unix)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        self._sessions.append(session)

    def request(
        self, session: requests.Session, method: str, url: str, keywords: dict[str, Any]
    ) -> tuple[Any, requests.Response]:
        """Send a request."""
        assert self._loop is not None
        self._seen.clear()
        keywords.setdefault("timeout", deadline())
        limit = keywords["timeout"]
        what = f"no answer to {method} {urlsplit(url).path}"
        exchange = _exchange(session, method, url, keywords)
        response = self._loop.run(within(exchange, what, limit if isinstance(limit, int | float) else None))
        return self._seen[0] if self._seen else None, response

    def websocket(
        self,
        session: requests.Session,
        url: str,
        subprotocols: Sequence[str] | None,
        mimic: Mimic | None,
        keywords: dict[str, Any],
    ) -> tuple[Any, WebsocketProxy]:
        """Open a websocket.

        Raises:
            websockets.exceptions.InvalidStatus: the app did not accept.
        """
        assert self._loop is not None
        self._seen.clear()
        headers, params, cookies = (keywords.pop(name, None) for name in ("headers", "params", "cookies"))
        handshake = session.prepare_request(
            requests.Request("GET", url, headers=headers, params=params, cookies=dict(cookies or {}))
        )
        extra = {name: value for name, value in handshake.headers.items() if name in {*(headers or ()), "Cookie"}}
        talk = self._talk(str(handshake.url), mimic, {"subprotocols": subprotocols, **keywords}, extra)
        proxy = self._loop.run(within(talk, f"the websocket {urlsplit(url).path} did not end"))
        return self._seen[0] if self._seen else None, proxy

    def last_request(self) -> Any:
        """Give the last request."""
        return self._seen[-1] if self._seen else None

    async def _talk(
        self, url: str, mimic: Mimic | None, options: dict[str, Any], headers: dict[str, str]
    ) -> WebsocketProxy:
        from websockets.asyncio.client import connect, unix_connect

        from sanic_star.testing._sanic_testing.proxy import SocketProxy

        uri = "ws" + url.removeprefix("http")
        options["additional_headers"] = headers
        if self._scheme == "https":
            options.setdefault("ssl", _trusting())
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
        bound = address.pop("sock", None) or await self._bind()
        if bound.family != getattr(socket, "AF_UNIX", None):
            self.port = bound.getsockname()[1]
        try:
            server = await self._app.create_server(
                self._host, self.port, sock=bound, access_log=self._app.config.ACCESS_LOG, **address
            )
        except BaseException:
            bound.close()
            raise
        # The client has left when the server stops, so what still runs then is a handler that hangs.
        server.server.limit_stop(LEAVE_GRACE)
        self._server = server
        await server.startup()
        try:
            await server.before_start()
            await server.start_serving()
            await server.after_start()
        except BaseException as error:
            error.add_note("The app's start-up failed, so no request was sent: mend what its lifespan or listeners do.")
            await server.close()
            # The test learns of the failure that came first.
            with suppress(Exception):
                await server.after_stop()
            raise

    async def _bind(self) -> socket.socket:
        # Most tests need no socket.
        from sanic_star.servers.settings import CannotServe
        from sanic_star.servers.sockets import bind_tcp, bind_unix

        patience = asyncio.get_running_loop().time() + (_PATIENCE if self.port else 0)
        while True:
            bound: socket.socket | None = None
            try:
                bound = bind_unix(self._unix) if self._unix else bind_tcp(self._host, self.port)
                bound.listen(self._address.get("backlog", 100))
                return bound
            except (OSError, CannotServe) as error:
                if bound is not None:
                    bound.close()
                if asyncio.get_running_loop().time() >= patience:
                    raise OSError(f"{error}; without a port in the test, any that is free is taken") from None
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
        self._traces.close()
        self._sessions.clear()
        if self._unix:
            with suppress(OSError):
                os.unlink(self._unix)


async def _exchange(session: requests.Session, method: str, url: str, keywords: dict[str, Any]) -> requests.Response:
    """Send a request in a thread; a body that is an asynchronous iterable is read on this loop."""
    if isinstance(body := keywords.get("data"), AsyncBody):
        keywords["data"] = _chunks(body, asyncio.get_running_loop())
    return await asyncio.to_thread(session.request, method, url, **keywords)


def _chunks(body: AsyncBody, loop: asyncio.AbstractEventLoop) -> Iterator[str | bytes]:
    chunks = aiter(body.chunks)

    async def next_chunk() -> str | bytes | None:
        return await anext(chunks, None)

    while (chunk := asyncio.run_coroutine_threadsafe(next_chunk(), loop).result()) is not None:
        # An empty chunk would end a body in the chunked coding.
        if chunk:
            yield chunk


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _TrustingConnection(HTTPSConnection):
    """A connection to a server that has the certificate of a test; urllib3 would warn of each."""

    def connect(self) -> None:
        super().connect()
        self.is_verified = True

    def close(self) -> None:
        """Say goodbye, for which a server waits long; its own word can't come while its loop stands still."""
        if isinstance(self.sock, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self.sock.settimeout(0)
                self.sock.unwrap()
        super().close()


class _Adapter(HTTPAdapter):
    """The usual adapter, to the socket of a test, and with the request's target as the session has made it."""

    def __init__(self, unix: str | None) -> None:
        super().__init__()
        self.target = ""
        plain = _to_unix(unix) if unix else HTTPConnection
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, _exact(plain, self)),
            "https": _pool(HTTPSConnectionPool, _exact(_TrustingConnection, self)),
        }

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request."""
        self.target = request.path_url
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        """Close the connections now: a response that the test holds would keep its own."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 (no mapping that could be iterated)
            pools[key].close()
        super().close()


def _pool(base: Any, connection: Any) -> Any:
    return type("Pool", (base,), {"ConnectionCls": connection})


def _exact(base: Any, adapter: _Adapter) -> Any:
    class Connection(base):  # type: ignore[misc]
        def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            # urllib3 has encoded it anew.
            super().putrequest(method, adapter.target, *args, **kwargs)

    return Connection


def _to_unix(path: str) -> type[HTTPConnection]:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(f"Cannot connect to {path}: this system has no unix sockets; use host and port")
    family = socket.AF_UNIX

    class Connection(HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
            self.sock.connect(path)

    return Connection
