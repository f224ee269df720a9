"""The calls that the blocking clients have in common."""

from collections.abc import Callable, Coroutine
from typing import Any

from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._sanic_testing.response import TestingResponse

__all__ = ["Mimic", "Verbs"]

Mimic = Callable[[WebsocketProxy], Coroutine[Any, Any, Any]]


class Verbs:
    """One method for each of HTTP's."""

    def request(
        self, uri: str = "/", *args: Any, http_method: str | None = None, method: str = "GET", **kwargs: Any
    ) -> tuple[Any, TestingResponse]:
        """Send a request.

        Args:
            uri: what comes after host and port, or an absolute URL.
            args: ``gather_request``, ``debug``, ``server_kwargs``, ``host`` and ``allow_none``, in this order.
            http_method: the HTTP method; the name is that of `sanic_testing`.
            method: the same.
            gather_request: whether the app's request object is wanted; None is returned in its place otherwise.
            debug: switches the app's debug mode on, for good.
            server_kwargs: as for ``app.run``. `ssl`, `unix`, `sock`, `host` and `port` ask for a socket.
            host: the address to listen on, other than the client's; asks for a socket.
            allow_none: whether None is returned, in place of an error, for a response that did not come.
            kwargs: what httpx takes: ``params headers cookies auth timeout content data json files``, and
                ``follow_redirects`` or ``allow_redirects``.

        Returns:
            The request, the first one when there were redirects, and the response.

        Raises:
            RuntimeError: this thread runs an event loop; the ASGI client works there.
            Exception: the app's own, from its start or its stop.
        """
        return self._request((http_method or method).upper(), uri, *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a GET; see ``request`` for the arguments."""
        return self._request("GET", *args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a POST; see ``request`` for the arguments."""
        return self._request("POST", *args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a PUT; see ``request`` for the arguments."""
        return self._request("PUT", *args, **kwargs)

    def patch(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a PATCH; see ``request`` for the arguments."""
        return self._request("PATCH", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a DELETE; see ``request`` for the arguments."""
        return self._request("DELETE", *args, **kwargs)

    def options(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send an OPTIONS; see ``request`` for the arguments."""
        return self._request("OPTIONS", *args, **kwargs)

    def head(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a HEAD; see ``request`` for the arguments."""
        return self._request("HEAD", *args, **kwargs)

    def _request(self, method: str, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        raise NotImplementedError
