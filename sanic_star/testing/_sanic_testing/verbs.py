"""The methods that the blocking clients have in common."""

from collections.abc import Callable, Coroutine
from typing import Any

from sanic_star.testing._sanic_testing.proxy import WebsocketProxy
from sanic_star.testing._sanic_testing.response import TestingResponse

__all__ = ["Mimic", "Verbs"]

Mimic = Callable[[WebsocketProxy], Coroutine[Any, Any, Any]]


class Verbs:
    """A client with one method for each HTTP method."""

    def request(
        self, uri: str = "/", *args: Any, http_method: str | None = None, method: str = "GET", **kwargs: Any
    ) -> tuple[Any, TestingResponse]:
        """Send a request.

        Args:
            uri: the part of the URL after host and port, or an absolute URL.
            args: positional arguments: `gather_request`, `debug`, `server_kwargs`, `host`, `allow_none`, in this order.
            http_method: the HTTP method; the name is that of `sanic_testing`.
            method: the HTTP method, under the usual name.
            gather_request: whether to return the application's request object; otherwise `None` is returned for it.
            debug: turns on the application's debug mode, and leaves it on.
            server_kwargs: arguments of `app.run`. With `ssl`, `unix`, `sock`, `host` or `port`, the application is
                served on a socket.
            host: the address to listen on, if it differs from the client's; then the application is served on a socket.
            allow_none: whether to return `None` instead of raising an exception if there is no response.
            kwargs: arguments of httpx: `params`, `headers`, `cookies`, `auth`, `timeout` (seconds), `content`, `data`,
                `json`, `files`, and `follow_redirects` or `allow_redirects`.

        Returns:
            The application's request object, the first one if there were redirects, and the response.

        Raises:
            RuntimeError: this thread runs an event loop; use the ASGI client there.
            Exception: any exception of the application's start or stop.
        """
        return self._request((http_method or method).upper(), uri, *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a GET; see `request` for the arguments."""
        return self._request("GET", *args, **kwargs)

    def post(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a POST; see `request` for the arguments."""
        return self._request("POST", *args, **kwargs)

    def put(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a PUT; see `request` for the arguments."""
        return self._request("PUT", *args, **kwargs)

    def patch(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a PATCH; see `request` for the arguments."""
        return self._request("PATCH", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a DELETE; see `request` for the arguments."""
        return self._request("DELETE", *args, **kwargs)

    def options(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send an OPTIONS; see `request` for the arguments."""
        return self._request("OPTIONS", *args, **kwargs)

    def head(self, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        """Send a HEAD; see `request` for the arguments."""
        return self._request("HEAD", *args, **kwargs)

    def _request(self, method: str, *args: Any, **kwargs: Any) -> tuple[Any, TestingResponse]:
        raise NotImplementedError
