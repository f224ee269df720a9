"""A URL that is text, as in Sanic, and has the parts and methods of Starlette's `URL`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from starlette.datastructures import URL
from starlette.types import Scope

from sanic_star.index import plain
from sanic_star.routing import Route, WebSocketRoute, undo_needless_escapes, wire_path


def path_for_guards(scope: Scope) -> str:
    """Return the path in the one spelling that the route reads too, so that a path guard cannot be bypassed.

    - A mounted application or a route of Starlette's matches the decoded `path`: that is returned.
    - A directory of `app.static` looks its files up by the decoded path: returned is the usual encoding of that.
    - Any other route of Sanic's matches the encoded path. The escapes that a path does not need are undone; `%2F` stays
      as it is, because it separates no segments.

    Args:
        scope: the connection's ASGI scope. Before the router has set `route` there, the path is that of a Sanic route.

    Examples:
        >>> path_for_guards({"path": "/users/@me/a/b", "raw_path": b"/users/%40m%65/a%2Fb"})
        '/users/@me/a%2Fb'
    """
    if not leads_to_sanic(scope):
        decoded: str = scope["path"]
        return decoded
    path = wire_path(scope)
    if "%" not in path:
        return path
    static = getattr(getattr(scope.get("route"), "extra", None), "static", False)
    return plain(path) if static else undo_needless_escapes(path)


def leads_to_sanic(scope: Scope) -> bool:
    """Tell whether a route of Sanic's answers, or none at all, instead of a mount or a route of Starlette's."""
    route = scope.get("route")
    return route is None or isinstance(route, (Route, WebSocketRoute))


class RequestURL(str):
    """Text with the attributes of `starlette.datastructures.URL`.

    Examples:
        >>> url = RequestURL("http://example.org:8000/a?b=1")
        >>> url == "http://example.org:8000/a?b=1", url.path, url.port
        (True, '/a', 8000)
        >>> url.include_query_params(c=2)
        'http://example.org:8000/a?b=1&c=2'
    """

    @cached_property
    def _parsed(self) -> URL:
        return URL(str(self))

    @property
    def components(self) -> Any:
        """The parts, as `urllib.parse.urlsplit` gives them."""
        return self._parsed.components

    @property
    def scheme(self) -> str:
        """The scheme, without its colon."""
        return self._parsed.scheme

    @property
    def netloc(self) -> str:
        """Host and port."""
        return self._parsed.netloc

    @property
    def path(self) -> str:
        """The path."""
        return self._parsed.path

    @property
    def query(self) -> str:
        """The query, without its question mark."""
        return self._parsed.query

    @property
    def fragment(self) -> str:
        """The fragment, without its `#`."""
        return self._parsed.fragment

    @property
    def username(self) -> str | None:
        """The user's name, where the URL holds one."""
        return self._parsed.username

    @property
    def password(self) -> str | None:
        """The password, where the URL holds one."""
        return self._parsed.password

    @property
    def hostname(self) -> str | None:
        """The host, in lower case and without a port."""
        return self._parsed.hostname

    @property
    def port(self) -> int | None:
        """The port, where the URL names one."""
        return self._parsed.port

    @property
    def is_secure(self) -> bool:
        """Whether the scheme is one over TLS."""
        return self._parsed.is_secure

    def replace(self, *args: Any, **parts: Any) -> RequestURL:
        """Replace text (`str.replace`), or with keyword arguments parts of the URL (`URL.replace`)."""
        return RequestURL(self._parsed.replace(**parts) if parts else str.replace(self, *args))

    def include_query_params(self, **params: Any) -> RequestURL:
        """Return the URL with these query parameters set."""
        return RequestURL(self._parsed.include_query_params(**params))

    def replace_query_params(self, **params: Any) -> RequestURL:
        """Return the URL with just these query parameters."""
        return RequestURL(self._parsed.replace_query_params(**params))

    def remove_query_params(self, keys: str | list[str]) -> RequestURL:
        """Return the URL without these query parameters."""
        return RequestURL(self._parsed.remove_query_params(keys))
