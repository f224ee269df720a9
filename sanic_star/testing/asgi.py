"""``SanicASGITestClient``: what ``app.asgi_client`` is, for tests that are coroutines.

It is httpx2's ``AsyncClient`` on a transport that calls the app, so httpx2 must be there. As with the blocking client,
each request has a start and a stop of the app of its own, and the app's own request object is returned with the
response. As in `sanic_testing`, redirects are not followed, cookies are kept, and the request is the last one.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from sanic_star.testing._asgi.conversation import Conversation
from sanic_star.testing._asgi.exchange import AsyncBody, Exchange, IncompleteResponse, SlowResponse, Stage
from sanic_star.testing._asgi.scopes import HOOK, connection_scope, observe_requests
from sanic_star.testing._asgi.server import Lifespan
from sanic_star.testing._sanic_testing.keywords import for_handshake
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
    """Send requests to an app from a coroutine.

    Args:
        app: the app; any ASGI app will do, but only one of this package gives its request object.
        base_url: what a URL without a host is appended to.
        suppress_exceptions: whether an exception for which the app sent no response is a 500 instead of being raised.

    Raises:
        Exception: from a request, the app's own: of its start, its stop, or one that it sent no response for.
        RuntimeError: from a request, when the client was closed.
        httpx2.ReadTimeout: from a request, when its ``timeout`` seconds have passed.
        httpx2.RemoteProtocolError: from a request, when the app stopped in the middle of the body.

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
        # Without a limit of its own: a breakpoint in a handler may last.
        super().__init__(transport=transport, base_url=url, timeout=None, trust_env=False)

    if TYPE_CHECKING:
        # AsyncClient's verbs return what ``request`` returns; to a type checker they are Responses.
        async def _verb(self, url: Any, **kwargs: Any) -> tuple[Any, TestingResponse]: ...

        get = post = put = patch = delete = options = head = _verb  # type: ignore[assignment]

    async def request(  # type: ignore[override]
        self, method: str, url: Any, gather_request: bool = True, **kwargs: Any
    ) -> tuple[Any, TestingResponse]:
        """Start the app, send a request, stop the app.

        Args:
            method: the HTTP method.
            url: what comes after ``base_url``, or an absolute URL.
            gather_request: whether the app's request object is wanted; None is returned in its place otherwise.
            kwargs: as for ``httpx2.AsyncClient.request``.

        Returns:
            The request, the last one when redirects were followed, and the response.
        """
        self._check_open()
        response = await super().request(method, url, **kwargs)
        return response.extensions[HOOK].get("request") if gather_request else None, TestingResponse(response)

    async def websocket(  # type: ignore[override]
        self, uri: str, subprotocols: Sequence[str] | None = None, *, mimic: Mimic | None = None, **kwargs: Any
    ) -> tuple[Any, Any]:
        """Start the app, open a websocket, let ``mimic`` talk, stop the app.

        Args:
            uri: as in ``request``.
            subprotocols: what the client offers.
            mimic: a coroutine function that plays the client; it gets an object with ``send``, ``recv`` and ``close``.
            kwargs: ``extra_headers`` or ``headers``, ``origin``, ``params`` and ``cookies`` for the handshake.

        Returns:
            The request, and ``{"opened": bool}``, or with ``mimic`` what was sent both ways.
        """
        self._check_open()
        accepted, wire = for_handshake(kwargs)
        if wire:
            raise TypeError(f"there is no socket here: leave out {', '.join(wire)}")
        handshake = self.build_request("GET", uri, **accepted)
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
        # As a stream: given as content, httpx2 would tell of a length that the app has not told.
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
