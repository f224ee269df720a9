"""A URL that is a string, as in Sanic, with the attributes and methods of Starlette's `URL`."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import quote

from starlette.datastructures import URL
from starlette.types import Scope

from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.exceptions import SanicException
from sanic_star.engine.index import PATH_SAFE, normalize_escapes, normalize_literal
from sanic_star.engine.routing import Route, WebSocketRoute, leading_root_path, route_path


def path_for_guards(scope: Scope) -> str:
    """Return the path in the same encoding that the route matches, so that a path guard cannot be bypassed.

    As for the route, it is the path below the root path of a proxy (`uvicorn --root-path`) or of outer mounts.

    - A mounted application or a Starlette route matches the decoded `path`, which is returned.
    - A directory of `app.static` looks up files by the decoded path; its normal encoding is returned.
    - Any other Sanic route matches the encoded path. Unnecessary escapes are decoded; `%2F` is kept, because it does
      not separate segments.

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
    return normalize_literal(path) if static else normalize_escapes(path)


def leads_to_sanic(scope: Scope) -> bool:
    """Return whether a Sanic route or no route answers, and not a mount or a Starlette route."""
    route = scope.get("route")
    return route is None or isinstance(route, (Route, WebSocketRoute))


def encode_root_path(scope: Scope) -> str:
    """Return the root path, percent-encoded and without a slash at its end.

    `uvicorn --root-path` takes a prefix with its escapes, which are kept. The path of a mount has no escapes.

    Args:
        scope: the connection's ASGI scope.

    Examples:
        >>> encode_root_path({"root_path": "/a%20b/"}), encode_root_path({"root_path": "/a b"})
        ('/a%20b', '/a%20b')
    """
    # Imported late: only requests with a root path need it.
    from sanic_star.engine.urls import split_root_path

    outer, mount_paths = split_root_path(scope)
    safe = PATH_SAFE + "%" if _ESCAPED.fullmatch(outer) else PATH_SAFE
    return quote(outer, safe) + quote(mount_paths, PATH_SAFE)


_ESCAPED = pattern(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_AUTHORITY = pattern("//[^/?#]*")
# Characters that end a host or a user name in some URL parser; browsers treat `\\` as `/`.
_NOT_IN_HOST = pattern(r"[/?#@\\\x00-\x20\x7f]")


class RequestURL(str):
    """A string with the attributes of `starlette.datastructures.URL`.

    If the host is invalid, `hostname` and `port` are `None`, and the other attributes are correct; none raises.

    Examples:
        >>> url = RequestURL("http://example.org:8000/a?b=1")
        >>> url == "http://example.org:8000/a?b=1", url.path, url.port
        (True, '/a', 8000)
        >>> url.include_query_params(c=2)
        'http://example.org:8000/a?b=1&c=2'
    """

    # The part after the authority, if it differs from the text.
    _target: str | None = None

    @classmethod
    def of(cls, scheme: str, host: str, target: str) -> RequestURL:
        """Return a URL from its parts.

        Its text contains an invalid host, as in Sanic, but its attributes don't: a client cannot change `path` with
        `Host: example.org/admin?`.

        Args:
            scheme: the scheme without its colon.
            host: host and port as the client sent them.
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
                # Starlette parses the URL here, and may raise `ValueError`.
                url.port  # noqa: B018
            except ValueError:
                # An invalid host is left out, and so is its port.
                return URL(_AUTHORITY.sub("//", str(self), count=1))
            return url
        return URL(f"{self.partition(':')[0]}://{self._target}")

    @property
    def components(self) -> Any:
        """The result of `urllib.parse.urlsplit`."""
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
        """The user name, or `None`."""
        return self._parsed.username

    @property
    def password(self) -> str | None:
        """The password, or `None`."""
        return self._parsed.password

    @property
    def hostname(self) -> str | None:
        """The host, in lower case and without a port."""
        return self._parsed.hostname

    @property
    def port(self) -> int | None:
        """The port, or `None`."""
        return self._parsed.port

    @property
    def is_secure(self) -> bool:
        """Whether the scheme uses TLS."""
        return self._parsed.is_secure

    def replace(self, *args: Any, **parts: Any) -> RequestURL:
        """Return the URL with text replaced, or with other parts.

        Args:
            args: the arguments of `str.replace`.
            parts: the keyword arguments of Starlette's `URL.replace`, such as `scheme` and `path`.
        """
        return RequestURL(self._parsed.replace(**parts) if parts else str.replace(self, *args))

    def include_query_params(self, **params: Any) -> RequestURL:
        """Return the URL with these query parameters set, and all others unchanged.

        Args:
            params: values by name.
        """
        return RequestURL(self._parsed.include_query_params(**params))

    def replace_query_params(self, **params: Any) -> RequestURL:
        """Return the URL with only these query parameters.

        Args:
            params: values by name.
        """
        return RequestURL(self._parsed.replace_query_params(**params))

    def remove_query_params(self, keys: str | list[str]) -> RequestURL:
        """Return the URL without some query parameters.

        Args:
            keys: a name, or several names.
        """
        return RequestURL(self._parsed.remove_query_params(keys))


def url_for_log(request: Any) -> str:
    """Return the URL of a request for a log line; only the path if the URL cannot be built.

    Args:
        request: a `Request`.

    A log line about an exception must not raise another one: `request.url` raises 431 if the `Host` header, or a
    trusted proxy's header, is longer than `REQUEST_MAX_HEADER_SIZE`.
    """
    try:
        return str(request.url)
    except SanicException:
        return str(request.path)
