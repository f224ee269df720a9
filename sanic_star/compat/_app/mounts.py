"""The mounts and hosts of `Sanic.mount`, `Sanic.host` and `Blueprint.mount`.

A path has Sanic's syntax (`/t/<tenant>`) or Starlette's (`/t/{tenant}`). With `handle_errors=True` the exception
handlers of the outer application answer exceptions that the mounted one does not handle: `Unhandled` holds back the
mounted application's response to such an exception. Middleware may send that response from another task, as Starlette's
`BaseHTTPMiddleware` does; `note_and_answer` records which response it is.

Imported with the first mount.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._app.error_handler import UNHANDLED
from sanic_star.engine import requests, routing
from sanic_star.engine.application import engine_of
from sanic_star.engine.failures import REPORTED, attributes

# Starlette's convertor for each of Sanic's types of parameters that has one.
_CONVERTORS = {"": "str", "str": "str", "string": "str", "int": "int", "float": "float", "uuid": "uuid", "path": "path"}
# A type in Starlette's syntax; an application may register more types.
_CONVERTOR = re.compile(r"\{[a-zA-Z_]\w*:([a-zA-Z_]\w*)\}")
# The key of the scope under which `note_and_answer` records an exception and the header fields of its response.
_DEFAULT_ANSWERS = "sanic_star.answered_by_default"
# The maximum size of a body that is kept for the outer handlers after the mounted application has read it, in bytes: as
# in Starlette for uploads in memory (`MultiPartParser.spool_max_size`).
_MAX_KEPT_BODY_SIZE = 1024 * 1024
# The maximum size of a held back response with status 500, in bytes; Starlette's pages with a traceback are shorter.
_MAX_HELD_RESPONSE_SIZE = 1024 * 1024
# The maximum depth of wrapped applications, because any object may have an attribute `app`.
_MAX_LAYERS = 100
_PARAMETER = re.compile(r"<\s*([^<>:\s]*)\s*(?::\s*([^<>\s]*)\s*)?>")
# A parameter in Starlette's syntax.
_BRACES = re.compile(r"\{[a-zA-Z_]\w*(?::[a-zA-Z_]\w*)?\}")
# A host as clients name it: labels of letters, digits, hyphens and underscores (RFC 3986, section 3.2.2, has more).
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")


def starlette_path(path: str, subject: str = "A mount's path") -> str:
    """Return a mount's path or host with parameters in Starlette's syntax.

    Args:
        path: the path or host in Sanic's or Starlette's syntax.
        subject: its name in messages.

    Raises:
        ValueError: Starlette does not have a parameter's type, or a parameter is malformed.

    Examples:
        >>> starlette_path("/t/<tenant>/<year:int>"), starlette_path("/t/{tenant}")
        ('/t/{tenant:str}/{year:int}', '/t/{tenant}')
    """

    def parameter(match: re.Match[str]) -> str:
        name, kind = match[1], match[2] or ""
        if not name.isidentifier() or kind not in _CONVERTORS:
            allowed = ", ".join(f"<name:{kind}>" for kind in sorted(set(_CONVERTORS) - {""}))
            raise ValueError(f"{subject} can't have the parameter {match[0]}: it takes <name>, {allowed}")
        return f"{{{name}:{_CONVERTORS[kind]}}}"

    translated = _PARAMETER.sub(parameter, path)
    for kind in _CONVERTOR.findall(translated):
        if kind not in CONVERTOR_TYPES:
            raise ValueError(f"{subject} can't have a parameter of type {kind!r}: Starlette has no such convertor")
    if re.search("[<>{}]", _BRACES.sub("", translated)):
        raise ValueError(f"{subject} has parameters such as <name> or <name:int>, got {path!r}")
    return translated


def check_arguments(path: object, app: object, name: object) -> None:
    """Raise for arguments that are invalid for any mount.

    Raises:
        TypeError: the application cannot be called, or the path or the name is not a string.
        ValueError: the path does not start with a slash. An empty one is the root, as in Starlette.
    """
    check_application(app, f"mount({path!r}, …)")
    if not isinstance(path, str):
        raise TypeError(f"A mount's path is a string, such as '/admin', got {path!r}")
    if not isinstance(name, str | None):
        raise TypeError(f"mount({path!r}, …, name=…) takes a string, got {name!r}")
    if path and not path.startswith("/"):
        raise ValueError(f"A mount's path starts with a slash: mount('/{path}', …) instead of mount({path!r}, …)")


def check_application(app: object, caller: str) -> None:
    """Raise if an object is not an ASGI application.

    Raises:
        TypeError: it is not callable.
    """
    if not callable(app):
        raise TypeError(f"{caller} takes an ASGI application, got {app!r}")


class Mount(routing.Mount):
    """A mount with its middleware; arguments are those of `Sanic.mount`.

    Attributes:
        middleware_name: the name that a blueprint's request middleware is registered under for it.
    """

    middleware_name: str | None = None

    def __init__(
        self,
        path: str,
        app: ASGIApp,
        name: str | None = None,
        *,
        middleware: Sequence[Middleware] = (),
        lifespan: bool = True,
        handle_errors: bool = False,
    ) -> None:
        check_arguments(path, app, name)
        super().__init__(starlette_path(path), app, name=name)
        self.runs_lifespan = lifespan
        # The lists of the blueprint and its groups, which may grow until the start.
        self._levels: Sequence[Sequence[Middleware]] = (middleware,)
        self._handle_errors = handle_errors
        self.build()

    def set_outer_levels(self, levels: Iterable[Sequence[Middleware]]) -> None:
        """Set the ASGI middleware of a blueprint and its groups, the outermost first."""
        self._levels = (*levels, *self._levels)
        self.build()

    def build(self) -> None:
        """Wrap the application in its middleware."""
        app: ASGIApp = self._base_app
        if self._handle_errors:
            _note_default_answers(app, [])
            app = Unhandled(app)
        for level in reversed(self._levels):
            for cls, args, kwargs in reversed(level):
                app = cls(app, *args, **kwargs)
        self.app = app


class Unhandled:
    """ASGI middleware that raises exceptions which the inner application does not handle itself.

    Starlette, and frameworks based on it, answer such an exception with a 500 and raise it again. So every 500 is held
    back until it is known whether an exception follows. The response of Starlette's own handler to an `HTTPException`
    is held back too, and the exception is raised instead. An application of this package records exceptions without a
    handler in the scope; they are raised too.

    The outer handler can read the body of the request, unless the application has read more than 1 MiB of it.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a connection; websockets are passed on unchanged."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: list[Message] = []
        unhandled: list[Exception] = []
        by_default: list[tuple[Exception, Any]] = []
        body = _ReadBody(receive)
        has_begun, held_size = False, 0
        answered_error: Exception | None = None

        async def send_unless_unhandled(message: Message) -> None:
            nonlocal has_begun, answered_error, held_size
            if not has_begun:
                has_begun = True
                error = sys.exc_info()[1]
                headers = message.get("headers")
                if unhandled:
                    answered_error = unhandled[0]
                elif by_default and headers is by_default[-1][1]:
                    answered_error = by_default[-1][0]
                elif isinstance(error, HTTPException):
                    # Raised later, because Starlette considers the response begun after it has called this.
                    answered_error = error if _is_answered_by_default(error, scope) else None
                if not answered_error and message.get("status") != 500:
                    await send(message)
                    return
            elif not held:
                await send(message)
                return
            held.append(message)
            held_size += len(message.get("body", b""))
            if held_size > _MAX_HELD_RESPONSE_SIZE and not answered_error:
                # Too large for an error page.
                messages, held[:] = held[:], []
                for message in messages:
                    await send(message)

        before = {key: scope[key] for key in (UNHANDLED, _DEFAULT_ANSWERS) if key in scope}
        scope[UNHANDLED], scope[_DEFAULT_ANSWERS] = unhandled, by_default
        request = requests.current_request()
        try:
            await self.app(scope, body, send_unless_unhandled)
        except Exception as error:
            body.replay_to(request)
            if held:
                # An application of this package has marked the exception as answered and logged.
                attributes(error).pop(REPORTED, None)
                scope.pop(REPORTED, None)
            raise
        finally:
            unhandled, by_default = [], []
            # The outer application answers next, and may itself be mounted with `handle_errors`.
            del scope[UNHANDLED], scope[_DEFAULT_ANSWERS]
            scope.update(before)
        if answered_error is not None:
            body.replay_to(request)
            try:
                raise answered_error
            finally:
                answered_error = None  # its traceback holds this frame
        for message in held:
            # The application has handled the exception itself.
            await send(message)


class _ReadBody:
    """An ASGI `receive` that keeps a short body which the inner application reads.

    Args:
        receive: the connection's `receive`.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size <= _MAX_KEPT_BODY_SIZE:
                self._messages.append(message)
            else:
                self._messages.clear()
        return message

    def replay_to(self, request: Any) -> None:
        """Pass the read data to a request: as its body if it is complete, else before the rest of the body.

        Args:
            request: the outer application's request; unchanged if it has read the body itself.
        """
        messages, self._messages = self._messages, []
        if not messages or self._size > _MAX_KEPT_BODY_SIZE or request._body_is_read:
            return
        if not messages[-1].get("more_body"):
            request._body = b"".join(message.get("body", b"") for message in messages)
            return
        receive = request._receive
        messages.reverse()

        async def receive_again() -> Message:
            return messages.pop() if messages else await receive()

        request._receive = receive_again


async def note_and_answer(request: StarletteRequest, error: Exception) -> StarletteResponse:
    """Answer an `HTTPException` like Starlette's own handler, and record it for `Unhandled`.

    With `BaseHTTPMiddleware` the response is sent in another task, in which no exception is being handled.
    """
    response = await _default_answers.http_exception(request, error)
    default_answers = request.scope.get(_DEFAULT_ANSWERS)
    if default_answers is not None:
        # Middleware that passes a response on keeps its list of header fields; its own response has another list.
        default_answers.append((error, response.raw_headers))
    return response


async def _no_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Do nothing: the application of a middleware of which only the handler is used."""


_default_answers = ExceptionMiddleware(_no_application)


def _note_default_answers(app: Any, known_layers: list[Any]) -> None:
    """Make Starlette applications in `app` record which `HTTPException` Starlette's own handler answers.

    Applications with their own handler for that class are not changed.
    """
    for layer in _layers(app):
        if any(layer is known_layer for known_layer in known_layers):
            return
        known_layers.append(layer)
        if isinstance(layer, Starlette) and engine_of(layer) is None:
            layer.exception_handlers.setdefault(HTTPException, note_and_answer)
            for built in _layers(layer.middleware_stack):
                # The middleware has copied the handlers.
                if isinstance(built, ExceptionMiddleware) and _is_default(built._exception_handlers[HTTPException]):
                    built.add_exception_handler(HTTPException, note_and_answer)
        for route in getattr(layer, "routes", None) or ():
            _note_default_answers(getattr(route, "app", None), known_layers)


def _layers(app: Any) -> Iterator[Any]:
    """Yield an application and the applications that it wraps; by convention ASGI middleware has them as `app`."""
    for _ in range(_MAX_LAYERS):
        if app is None:
            return
        yield app
        app = getattr(app, "app", None)


def _is_default(handler: object) -> bool:
    return handler is note_and_answer or getattr(handler, "__func__", None) is ExceptionMiddleware.http_exception


def _is_answered_by_default(error: HTTPException, scope: Scope) -> bool:
    """Return whether Starlette's own handler answers an exception, not a handler of the mounted application."""
    by_class, by_status = scope.get("starlette.exception_handlers", ({}, {}))
    if error.status_code in by_status:
        return False
    handler = next((by_class[cls] for cls in type(error).__mro__ if cls in by_class), None)
    return _is_default(handler)


def make_host(host: str, app: ASGIApp, name: str | None, lifespan: bool) -> routing.Host:
    """Return the route that passes all requests to a host on to an application; see `Sanic.host`.

    Raises:
        TypeError: the application is not callable, or the host is not a string.
        ValueError: the host is not a name that a client can send, or Starlette does not have a parameter's type.
    """
    check_application(app, f"host({host!r}, …)")
    if not isinstance(host, str):
        raise TypeError(f"A host is text, such as 'api.example.org', got {host!r}")
    pattern = starlette_path(host.strip(), "A host")
    # The client's host is compared in lower case; names of parameters are not changed.
    pattern = re.sub(r"\{[^}]*\}|[^{]+", lambda part: part[0] if part[0][0] == "{" else part[0].lower(), pattern)
    text = _BRACES.sub("x", pattern)
    if not _HOST.fullmatch(text):
        raise ValueError(f"A host is {_host_rule(text)}, got {host!r}")
    route = routing.Host(pattern, app, name)
    route.runs_lifespan = lifespan
    return route


def _host_rule(host: str) -> str:
    """Return the rule that an invalid host breaks."""
    if re.fullmatch(r".*:\d+", host) and _HOST.fullmatch(host.rpartition(":")[0]):
        return "a name without a port: requests may come to any"
    if "*" in host:
        return "a name; a part that may be anything is a parameter, such as '<name>.example.org'"
    if not host.isascii():
        return "written as clients send it, in Punycode: 'xn--mnchen-3ya.example' for 'münchen.example'"
    return "a name without scheme, port and path, such as 'api.example.org'"
