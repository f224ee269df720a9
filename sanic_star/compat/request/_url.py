"""A URL that is text, as in Sanic, and has the parts and methods of Starlette's `URL`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from starlette.datastructures import URL
from starlette.types import Scope

from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.exceptions import SanicException
from sanic_star.engine.index import normalize_escapes, plain
from sanic_star.engine.routing import Route, WebSocketRoute, leading_root_path, route_path


def path_for_guards(scope: Scope) -> str:
    """Return the path in the one spelling that the route reads too, so that a path guard cannot be bypassed.

    As for the route, it is the path below the root path: that of a proxy (`uvicorn --root-path`), or of mounts around.

    - A mounted application or a route of Starlette's matches the decoded `path`: that is returned.
    - A directory of `app.static` looks its files up by the decoded path: returned is the usual encoding of that.
    - Any other route of Sanic's matches the encoded path. The escapes that a path does not need are undone; `%2F` stays
      as it is, because it separates no segments.

    Args:
        scope: the connection's ASGI scope. Before the router has set `route` there, the path is that of a Sanic route.

    Examples:
        >>> path_for_guards({"path": "/users/@me/a/b", "raw_path": b"/users/%40m%65/a%2Fb"})
        '/users/@me/a%2Fb'
        >>> path_for_guards({"path": "/api/admin", "root_path": "/api"})
        '/admin'
    """
    if not leads_to_sanic(scope):
        decoded: str = scope["path"]
        root = leading_root_path(scope, decoded)
        if root and (decoded == root or decoded.startswith(root + "/")):
            return decoded[len(root) :] or "/"
        return decoded
    path = route_path(scope)
    if "%" not in path:
        return path
    static = getattr(getattr(scope.get("route"), "extra", None), "static", False)
    return plain(path) if static else normalize_escapes(path)


def leads_to_sanic(scope: Scope) -> bool:
    """Tell whether a route of Sanic's answers, or none at all, instead of a mount or a route of Starlette's."""
    route = scope.get("route")
    return route is None or isinstance(route, (Route, WebSocketRoute))


_AUTHORITY = pattern("//[^/?#]*")
# What ends a host, or begins a user's name before it, for one reader of URLs or another; browsers read `\\` as `/`.
_NOT_IN_HOST = pattern(r"[/?#@\\\x00-\x20\x7f]")


class RequestURL(str):
    """Text with the attributes of `starlette.datastructures.URL`.

    Where the host cannot be read, `hostname` and `port` are `None`, and the other parts are right; none raises.

    Examples:
        >>> url = RequestURL("http://example.org:8000/a?b=1")
        >>> url == "http://example.org:8000/a?b=1", url.path, url.port
        (True, '/a', 8000)
        >>> url.include_query_params(c=2)
        'http://example.org:8000/a?b=1&c=2'
    """

    # What follows the authority, where that is not what the text shows.
    _target: str | None = None

    @classmethod
    def of(cls, scheme: str, host: str, target: str) -> RequestURL:
        """Put a URL together; a host that is none is in its text, as in Sanic, but not in its parts.

        So a client cannot move the path by `Host: example.org/admin?`.

        Args:
            scheme: without its colon.
            host: host and port, as the client sent them.
            target: path and query.

        Examples:
            >>> url = RequestURL.of("http", "a.test/admin?", "/public?b=1")
            >>> url, url.path, url.query, url.hostname
            ('http://a.test/admin?/public?b=1', '/public', 'b=1', None)
        """
        url = cls(f"{scheme}://{host}{target}")
        if _NOT_IN_HOST.search(host):
            url._target = target
        return url

    @cached_property
    def _parsed(self) -> URL:
        if self._target is None:
            url = URL(str(self))
            try:
                # Both are read on first use, and raise `ValueError` then.
                url.port  # noqa: B018
            except ValueError:
                # What cannot be read is left out: no host, no port.
                return URL(_AUTHORITY.sub("//", str(self), count=1))
            return url
        return URL(f"{self.partition(':')[0]}://{self._target}")

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


def url_for_log(request: Any) -> str:
    """Return the URL of a request for a log line, only the path where the URL cannot be told.

    A line about one exception must not raise another: `request.url` raises 431 where the client sends a Host header, or
    a proxy's header that is trusted, beyond `REQUEST_MAX_HEADER_SIZE`.
    """
    try:
        return str(request.url)
    except SanicException:
        return str(request.path)
