"""Sanic's ASGI adapter; `sanic_star` applications are ASGI applications themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.types import Message, Receive, Scope, Send

from sanic_star.compat._support.lazy import old_names
from sanic_star.compat._support.stand_ins import stand_ins
from sanic_star.compat.log import error_logger
from sanic_star.engine.failures import log_error, message_of

(ASGIApp,) = stand_ins(__name__, "ASGIApp")


class Lifespan:
    """The lifespan of an application as a callable without arguments, for code that has the ASGI callables.

    Args:
        sanic_app: the application.
        scope: the ASGI scope, of the type `lifespan`.
        receive: the ASGI callable.
        send: the ASGI callable.

    Examples:
        >>> import asyncio
        >>> from sanic_star import Sanic
        >>> sent = []
        >>> events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        >>> async def receive():
        ...     return events.pop(0)
        >>> async def send(message):
        ...     sent.append(message["type"])
        >>> asyncio.run(Lifespan(Sanic("Shop"), {"type": "lifespan"}, receive, send)())
        >>> sent
        ['lifespan.startup.complete', 'lifespan.shutdown.complete']
    """

    def __init__(self, sanic_app: Any, scope: Scope, receive: Receive, send: Send) -> None:
        self.sanic_app = sanic_app
        self.scope = scope
        self.receive = receive
        self.send = send

    async def __call__(self) -> None:
        """Start the application, and stop it at the server's shutdown event.

        As in Sanic 25.12, an exception of a listener is logged, and the server gets its message. The application itself
        sends the traceback and raises the exception, as in Starlette.
        """
        failure: Message | None = None

        async def send(message: Message) -> None:
            nonlocal failure
            if message["type"].endswith(".failed"):
                failure = message
            else:
                await self.send(message)

        try:
            await self.sanic_app(self.scope, self.receive, send)
        except Exception as error:
            if failure is None:
                raise
            log_error(error_logger, error, "The application has failed to start or to stop")
            await self.send({**failure, "message": message_of(error)})


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
