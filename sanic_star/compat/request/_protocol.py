"""Sanic's protocol and transport, as far as they tell of the connection; there is no way to act on it here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from sanic_star.engine.requests import requests_begun

if TYPE_CHECKING:
    from sanic_star.compat.models.server_types import ConnInfo


class Transport:
    """Tells of the connection what the ASGI scope knows.

    Args:
        protocol: the protocol on it.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return `peername` or `sockname`, or the default for anything else.

        >>> from sanic_star import Request
        >>> Request.build(scope={"client": ("10.0.0.7", 5000)}).transport.get_extra_info("peername")
        ('10.0.0.7', 5000)
        """
        if name in ("peername", "sockname"):
            return getattr(self._protocol.conn_info, name) or default
        return default

    def get_protocol(self) -> Protocol:
        """Return the protocol."""
        return self._protocol


class Protocol:
    """What Sanic's applications ask the protocol of a request for.

    It is not given the request, which holds it.

    Args:
        scope: the connection's ASGI scope.
        conn_info: what is known of the connection.
        request_class: the type of requests.
    """

    def __init__(self, scope: Scope, conn_info: ConnInfo, request_class: type[Any]) -> None:
        self._scope = scope
        self.conn_info = conn_info
        self.request_class = request_class

    @property
    def app(self) -> Any:
        """The application."""
        return self._scope["app"]

    @property
    def ctx(self) -> Any:
        """A place for whatever belongs to the connection: under ASGI, to this request of it."""
        return self.conn_info.ctx

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that runs the request."""
        return asyncio.get_running_loop()

    @property
    def transport(self) -> Transport:
        """The transport."""
        return Transport(self)

    @property
    def state(self) -> dict[str, int]:
        """Facts about the server: `requests_count`, the requests that this process has begun to answer."""
        return {"requests_count": requests_begun()}

    @property
    def request_max_size(self) -> int | None:
        """The greatest size of a body, in bytes."""
        return self.app.config.REQUEST_MAX_SIZE  # type: ignore[no-any-return]

    @property
    def request_timeout(self) -> float | None:
        """How long a part of a body may take, in seconds."""
        return self.app.config.REQUEST_TIMEOUT  # type: ignore[no-any-return]

    @property
    def response_timeout(self) -> float | None:
        """How long a response may take to begin, in seconds."""
        return self.app.config.RESPONSE_TIMEOUT  # type: ignore[no-any-return]

    @property
    def keep_alive_timeout(self) -> float:
        """How long an idle connection stays, in seconds."""
        return self.app.config.KEEP_ALIVE_TIMEOUT  # type: ignore[no-any-return]
