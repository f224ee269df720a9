"""Requests created with Sanic's arguments, also by an application's own request class.

Sanic 25.12 calls a request class with `url_bytes`, `headers`, `version`, `method`, `transport`, `app` and `head`. Here
the dispatch has an ASGI scope. A request class whose `__init__` has Sanic's parameters gets arguments created from the
scope, and a transport that carries the scope. `__init__` may pass other values to `super().__init__`, and these are
used.

This does not run for a request class without its own `__init__`, which the dispatch does not even call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import Parameter, signature
from typing import Any
from urllib.parse import unquote

import httptools
from starlette.applications import Starlette
from starlette.requests import empty_receive, empty_send
from starlette.types import Receive, Scope, Send

from sanic_star.compat.compat import Header
from sanic_star.compat.exceptions import BadURL, URITooLong
from sanic_star.compat.models.server_types import ConnInfo
from sanic_star.compat.request._protocol import Protocol, Transport

# In bytes: the limit of httptools, and therefore of Sanic.
MAX_URL_SIZE = 65535
# The names of the parameters of Sanic's constructor, and of ours.
_SANIC_NAMES = {"url_bytes", "headers", "version", "method", "transport", "app", "head", "stream_id"}
_ASGI_NAMES = {"scope", "receive", "send"}
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class ArrivingTransport(Transport):
    """The transport of a request that the dispatch creates; it carries the connection's scope and ASGI callables.

    Args:
        protocol: the protocol on it.
        connection: scope, receive and send.
    """

    def __init__(self, protocol: Protocol, connection: tuple[Scope, Receive, Send]) -> None:
        super().__init__(protocol)
        self.connection = connection


def fill_request(
    request: Any,
    url_bytes: bytes,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    version: str,
    method: str,
    transport: Any,
    app: Any,
    head: bytes = b"",
    stream_id: int = 0,
) -> None:
    """Set the attributes of a new request from the arguments of Sanic 25.12.

    Args:
        request: the request.
        url_bytes: path and query, or a whole URL, of which path and query are used.
        headers: header fields.
        version: the HTTP version, such as `1.1`.
        method: the HTTP method.
        transport: the value of `request.transport`; its `get_protocol` returns `request.protocol`.
        app: the value of `request.app`; any object.
        head: request line and header fields as the client has sent them.
        stream_id: the number of the stream, with HTTP/3.

    Raises:
        BadURL: 400, the URL is invalid.
        URITooLong: 414, it has more than 65,535 bytes.
    """
    url = bytes(url_bytes)
    request._transport, request._stream_id, request._head = transport, stream_id, head or None
    if isinstance(transport, ArrivingTransport):
        request.scope, request._receive, request._send = transport.connection
        changes: dict[str, Any] = {} if url == request.raw_url else _target(url)
    else:
        request._receive, request._send = empty_receive, empty_send
        request.scope, request._body = {"type": "http", "scheme": "http", "root_path": "", "headers": []}, b""
        changes = _target(url)
    if changes:
        request._raw_url = url
    fields = Header(headers)
    if list(fields.items()) != list(request.headers.items()):
        changes["headers"] = [_field(name, value) for name, value in fields.items()]
    request._headers = fields
    if request.scope.get("http_version") != version:
        changes["http_version"] = version
    if request.method != method:
        changes["method"] = method
    if app is not request.scope.get("app"):
        # Only a real application is put in the scope, because other code uses all its attributes.
        if isinstance(app, Starlette):
            changes["app"] = app
        else:
            request._app = app
    if changes:
        request._amend(**changes)


def _target(url: bytes) -> dict[str, Any]:
    """Return the scope's entries for a URL."""
    if len(url) > MAX_URL_SIZE:
        raise URITooLong(f"URL exceeds the maximum size of {MAX_URL_SIZE} bytes")
    try:
        # The parser is a dependency of uvicorn; Sanic uses the same one.
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        raise BadURL(f"Bad URL: {url.decode('utf-8', 'backslashreplace')}") from None
    path: bytes = parsed.path or b"/"
    return {"path": unquote(path), "raw_path": path, "query_string": parsed.query or b""}


def _field(name: str, value: Any) -> tuple[bytes, bytes]:
    return name.lower().encode("latin-1"), str(value).encode("utf-8", "surrogateescape")


class RequestFactory:
    """Creates an application's requests with a request class that has its own `__init__`.

    If `__init__` raises, the request is of the plain class, and the exception is answered like a handler's.

    Args:
        request_class: the class.
        plain_class: the class of this package, which uses the scope.
    """

    def __init__(self, request_class: type[Any], plain_class: type[Any]) -> None:
        self.request_class = request_class
        self.plain_class = plain_class
        self.has_sanic_form = has_sanic_form(request_class, plain_class)
        self.takes_keywords = self.has_sanic_form and _takes_keywords(request_class)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """Create the request of a connection; the arguments are those of an ASGI application."""
        try:
            if self.has_sanic_form:
                return self._make_from_bytes(scope, receive, send)
            return self.request_class(scope, receive, send)
        except Exception as error:
            request = self.plain_class(scope, receive, send)
            request._initialiser_error = error
            return request

    def _make_from_bytes(self, scope: Scope, receive: Receive, send: Send) -> Any:
        plain_request = self.plain_class(scope, receive, send)
        protocol = Protocol(scope, ConnInfo(scope), self.request_class)
        arguments = {
            "url_bytes": plain_request.raw_url,
            "headers": plain_request.headers,
            "version": plain_request.version,
            "method": plain_request.method,
            "transport": ArrivingTransport(protocol, (scope, receive, send)),
            "app": plain_request.app,
        }
        if self.takes_keywords:
            # By keyword and with the head, as in Sanic's own server; by position, as in Sanic's ASGI mode.
            return self.request_class(**arguments, head=plain_request.head)
        return self.request_class(*arguments.values())


def has_sanic_form(request_class: type[Any], plain_class: type[Any]) -> bool:
    """Return whether a request class takes the arguments of Sanic 25.12, not those of ASGI.

    Decided by the parameter names of the first `__init__` in the bases that has named parameters. If there is none
    (`*args, **kwargs`), the class takes Sanic's arguments, because it was written for Sanic.
    """
    for base in request_class.__mro__:
        if base is plain_class:
            break
        if "__init__" in vars(base):
            parameters = list(signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
            names = {parameter.name for parameter in parameters}
            if names & _SANIC_NAMES:
                return True
            positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
            if names & _ASGI_NAMES or len(positional) == len(_ASGI_NAMES):
                return False
    return True


def _takes_keywords(request_class: type[Any]) -> bool:
    try:
        signature(request_class).bind(**dict.fromkeys(_SANIC_NAMES - {"stream_id"}))
    except TypeError:
        return False
    return True
