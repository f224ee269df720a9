"""`SanicASGITestClient`, the class of `app.asgi_client`: a client for asynchronous tests.

It is httpx2's `AsyncClient` with a transport that calls the application, so it requires httpx2. Like the blocking
client, it starts and stops the application for each request, and returns the application's request object with the
response. As in `sanic_testing`, it does not follow redirects and it keeps cookies; after redirects, the request object
is the last one.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from sanic_star.testing._asgi.conversation import Conversation
from sanic_star.testing._asgi.exchange import AsyncBody, Exchange, IncompleteResponse, SlowResponse, Stage
from sanic_star.testing._asgi.scopes import HOOK, connection_scope, observe_requests
from sanic_star.testing._asgi.server import Lifespan
from sanic_star.testing._sanic_testing.keywords import split_handshake_keywords
from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._sanic_testing.response import TestingResponse
from sanic_star.testing.deadline import within
from sanic_star.testing.websocket import handshake_headers

try:
    import httpx2
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("the ASGI client needs httpx2: pip install httpx2", name=error.name) from error

__all__ = ["SanicASGITestClient"]

Mimic = Callable[[WebsocketProxy], Coroutine[Any, Any, Any]]


class SanicASGITestClient(httpx2.AsyncClient):
    """Sends requests to an application from a coroutine.

    Args:
        app: any ASGI application; only applications of this package return their request object.
        base_url: the beginning of URLs that have no host.
        suppress_exceptions: whether to return status 500 if the application raises an exception before its response;
            otherwise the exception is raised.

    Raises:
        Exception: from a request: any exception of the application's start, its stop, or before its response.
        RuntimeError: from a request: the client is closed.
        httpx2.ReadTimeout: from a request: there was no response within `timeout` seconds.
        httpx2.RemoteProtocolError: from a request: the application ended in the middle of the body.

    Examples:
        >>> import asyncio
        >>> from starlette.applications import Starlette
        >>> from starlette.responses import PlainTextResponse
        >>> from starlette.routing import Route
        >>> async def hello(request):
        ...     return PlainTextResponse("Hello")
        >>> async def test():
        ...     client = SanicASGITestClient(Starlette(routes=[Route("/", hello)]))
        ...     request, response = await client.get("/")
        ...     return response.status, response.text
        >>> asyncio.run(test())
        (200, 'Hello')
    """

    __test__ = False

    def __init__(
        self, app: ASGIApp, base_url: str = "http://mockserver:1234", suppress_exceptions: bool = False
    ) -> None:
        self.app = app
        url = httpx2.URL(base_url)
        self._address = (url.host, url.port or 80)
        transport = _Transport(app, self._address, suppress_exceptions)
        # httpx2's own time limit is off, because you may stop at a breakpoint in a handler.
        super().__init__(transport=transport, base_url=url, timeout=None, trust_env=False)

    if TYPE_CHECKING:
        # The methods of `AsyncClient` return the result of `request`. A type checker only knows `Response`.
        async def _verb(self, url: Any, **kwargs: Any) -> tuple[Any, TestingResponse]: ...

        get = post = put = patch = delete = options = head = _verb  # type: ignore[assignment]

    async def request(  # type: ignore[override]
        self, method: str, url: Any, gather_request: bool = True, **kwargs: Any
    ) -> tuple[Any, TestingResponse]:
        """Start the application, send a request, stop the application.

        Args:
            method: the HTTP method.
            url: an absolute URL, or one that is appended to `base_url`.
            gather_request: whether to return the application's request object; otherwise `None` is returned for it.
            kwargs: arguments of `httpx2.AsyncClient.request`.

        Returns:
            The application's request object, the last one if redirects were followed, and the response.
        """
        self._check_open()
        response = await super().request(method, url, **kwargs)
        return response.extensions[HOOK].get("request") if gather_request else None, TestingResponse(response)

    async def websocket(  # type: ignore[override]
        self, uri: str, subprotocols: Sequence[str] | None = None, *, mimic: Mimic | None = None, **kwargs: Any
    ) -> tuple[Any, Any]:
        """Start the application, open a websocket, run `mimic`, stop the application.

        Args:
            uri: see `request`.
            subprotocols: the subprotocols that the client offers, the preferred one first.
            mimic: a coroutine function that acts as the client; its argument has `send`, `recv` and `close`.
            kwargs: `extra_headers` or `headers`, `origin`, `params` and `cookies` of the handshake.

        Returns:
            The application's request object, and the client with the messages of both sides; without `mimic`,
            `{"opened": bool}`.
        """
        self._check_open()
        options, connection_options = split_handshake_keywords(kwargs)
        if connection_options:
            raise TypeError(f"there is no socket here: leave out {', '.join(connection_options)}")
        handshake = self.build_request("GET", uri, **options)
        headers = [
            *handshake.headers.raw,
            *((k.encode(), v.encode()) for k, v in handshake_headers(subprotocols).items()),
        ]
        async with _running(self.app) as state:
            scope = connection_scope(str(handshake.url), headers, client=self._address, state=state)
            scope["type"], scope["scheme"] = "websocket", "wss" if scope["scheme"] == "https" else "ws"
            scope["subprotocols"] = list(subprotocols or ())
            proxy = WebsocketProxy(Conversation(self.app, scope, raise_app_exceptions=False))
            await within(proxy.talk(mimic), f"the websocket {scope['path']} did not end")
        return scope["extensions"][HOOK].get("request"), proxy if mimic else {"opened": proxy.opened}

    def _check_open(self) -> None:
        if self.is_closed:
            raise RuntimeError("this client was closed: make another one, or let app.asgi_client stay open")


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, app: ASGIApp, client: tuple[str, int], suppress_exceptions: bool) -> None:
        self._app = app
        self._client = client
        self._suppress = suppress_exceptions

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async with _running(self._app) as state:
            scope = connection_scope(str(request.url), request.headers.raw, client=self._client, state=state)
            scope["type"], scope["method"] = "http", request.method
            body = AsyncBody(request.stream)  # type: ignore[arg-type]  # an AsyncClient sends no other
            limit = request.extensions.get("timeout", {}).get("read")
            try:
                exchange, answer = await Exchange.complete(self._app, scope, body, limit, raise_app_exceptions=False)
            except SlowResponse as error:
                raise httpx2.ReadTimeout(str(error), request=request) from error
            except IncompleteResponse as error:
                raise httpx2.RemoteProtocolError(str(error), request=request) from error
        if exchange.error is not None and exchange.stage is Stage.WAITING and not self._suppress:
            raise exchange.error
        extensions = {HOOK: scope["extensions"][HOOK]}
        # A stream, because httpx2 adds a `Content-Length` to other content, which the application has not sent.
        stream = httpx2.ByteStream(answer)
        return httpx2.Response(
            exchange.status, headers=exchange.headers, stream=stream, request=request, extensions=extensions
        )


@asynccontextmanager
async def _running(app: ASGIApp) -> AsyncIterator[dict[str, Any]]:
    with observe_requests(app):
        lifespan = Lifespan(app)
        await lifespan.start()
        try:
            yield lifespan.state
        finally:
            await lifespan.stop()
