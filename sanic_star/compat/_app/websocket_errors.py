"""Exceptions of websockets that go to the application's exception handlers, as in Starlette.

A handler gets a Starlette websocket, which it may close with its own code, also after the handshake. For handlers
written for Sanic, the websocket also has the attributes of the handshake's request (`path`, `ip`, `ctx`). If the
handler returns a response, the handshake is refused with it; after the handshake a response cannot be sent.

| exception | without a handler of its own |
|---|---|
| `WebSocketException` | the connection is closed with its code and reason |
| `HTTPException` | before the handshake: the response that it leads to over HTTP; after it: as any other |
| any other | raised through the middleware; then the application closes the connection with 1011 |

A handler for `Exception` is called only before the handshake, which its response refuses, and not for a
`WebSocketException`.

Imported with the first connection that needs it.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any
from weakref import ref

from starlette.exceptions import HTTPException, WebSocketException
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from sanic_star.compat._app.error_handler import as_sanic_exception
from sanic_star.compat.log import error_logger
from sanic_star.engine.failures import PASSED_ON, log_error
from sanic_star.engine.websockets import can_deny, close_of

if TYPE_CHECKING:
    from sanic_star.compat._app.error_answers import ErrorAnswers
    from sanic_star.engine.websockets import WebSocket as Connection

# RFC 6455, section 7.4.1: the server met an unexpected condition.
_INTERNAL_ERROR = 1011


class FailedWebSocket(WebSocket):
    """The websocket of exception handlers: Starlette's, with the attributes of the handshake's request.

    Args:
        websocket: the original websocket, which is not used afterwards.
        request: Sanic's request.
    """

    def __init__(self, websocket: WebSocket, request: Any) -> None:
        vars(self).update(vars(websocket))
        self._handshake_request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_handshake_request"], name)


class WebsocketErrors(dict[Any, Any]):
    """The exception handlers for one websocket by class, for the look-up of Starlette's routes.

    Args:
        answers: the answers to exceptions of the application.
        connection: the websocket.
    """

    def __init__(self, answers: ErrorAnswers, connection: Connection) -> None:
        self._answers = answers
        # The scope has this object, and the websocket has the scope.
        self._weak_connection = ref(connection)

    def __contains__(self, kind: object) -> bool:
        if not isinstance(kind, type) or not issubclass(kind, Exception):
            return False
        if issubclass(kind, WebSocketException | HTTPException):
            return True
        if not self._connection._opened:
            return self._answers.handles_class(self._request, kind)
        try:
            # Without `__init__`, which may need arguments.
            return self._answers.find_own_handler(self._request, kind.__new__(kind))[0] is not None
        except Exception:
            return False

    def __getitem__(self, kind: Any) -> Any:
        return self._answer_inside

    @property
    def _connection(self) -> Connection:
        connection = self._weak_connection()
        assert connection is not None, "a websocket's exceptions are handled while it is open"
        return connection

    @property
    def _request(self) -> Any:
        return self._connection._request

    async def _answer_inside(self, websocket: WebSocket, error: Exception) -> ASGIApp | None:
        """Call an exception handler; return the response that refuses the handshake, if there is one.

        Args:
            websocket: the route's websocket, whose messages pass the middleware around the route.
            error: the route's exception.
        """
        connection, response = self._connection, None
        is_close = isinstance(error, WebSocketException)
        if not connection._closed:
            handler, takes_twin = self._answers.find_own_handler(self._request, error)
            if handler is not None:
                response = await self._call(handler, websocket, error, takes_twin)
            elif connection._opened and not is_close:
                try:
                    raise error
                finally:
                    # The traceback refers to this frame: this breaks the cycle.
                    del error
            elif not is_close:
                response, _ = await self._answers.answer(self._request, error)
        if self._can_refuse(response):
            return response
        if not connection._closed:
            await websocket.close(*(close_of(error) if is_close else (_INTERNAL_ERROR, "")))
        return None

    async def run_handler(self, websocket: WebSocket, error: WebSocketException) -> None:
        """Call the handler of a Sanic route's exception; send the response that refuses the handshake, if any.

        Args:
            websocket: a Starlette websocket on the connection.
            error: the exception.
        """
        handler, takes_twin = self._answers.find_own_handler(self._request, error)
        if handler is None:
            return
        response = await self._call(handler, websocket, error, takes_twin)
        if response is not None and self._can_refuse(response):
            connection = self._connection
            await response(connection.scope, connection._receive_message, connection._send_message)

    def _can_refuse(self, response: ASGIApp | None) -> bool:
        connection = self._connection
        is_over = connection._opened or connection._closed
        return callable(response) and not is_over and can_deny(connection.scope)

    async def _call(
        self, handler: Callable[..., Any], websocket: WebSocket, error: Exception, takes_twin: bool
    ) -> ASGIApp | None:
        """Return the handler's response; if it raises, log that and return `None`."""
        request, answers = self._request, self._answers
        await answers.report_and_fire(request, error)
        subject = as_sanic_exception(error) if takes_twin else error
        try:
            response = handler(FailedWebSocket(websocket, request), subject)
            if isawaitable(response):
                response = await response
        except (CancelledError, *PASSED_ON):
            raise
        except BaseException as failure:
            log_error(error_logger, failure, "Exception raised in exception handler")
            return None
        if response is None or self._connection._opened:
            return None
        refusal: ASGIApp = await answers.run_response_middleware(request, response)
        return refusal
