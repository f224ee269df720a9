"""Mounts and hosts as `Sanic.mount`, `Sanic.host` and `Blueprint.mount` make them.

The path may be written in Sanic's way (`/t/<tenant>`) or in Starlette's (`/t/{tenant}`). `handle_errors=True` lets the
exception handlers of the application around answer what the mounted one does not handle: `Unhandled` holds back the
answer to such an exception. Middleware may send it from another task, as Starlette's `BaseHTTPMiddleware` does:
`note_and_answer` notes which response it is.

Loaded with the first mount.
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
# The type in Starlette's spelling; an application may register more of them.
_CONVERTOR = re.compile(r"\{[a-zA-Z_]\w*:([a-zA-Z_]\w*)\}")
# The entry of the scope in which `note_and_answer` leaves an exception and the header fields of its answer.
_ANSWERED = "sanic_star.answered_by_default"
# How much of a body that the mounted application has read is kept for the handlers around, in bytes: as much as
# Starlette keeps of an upload in memory (`MultiPartParser.spool_max_size`).
_KEPT_BODY = 1024 * 1024
# How much of a response with status 500 is held back, in bytes; Starlette's pages with a traceback are shorter.
_HELD_RESPONSE = 1024 * 1024
# Anything may have an attribute `app`.
_MOST_LAYERS = 100
_PARAMETER = re.compile(r"<\s*([^<>:\s]*)\s*(?::\s*([^<>\s]*)\s*)?>")
# A parameter in Starlette's spelling.
_BRACES = re.compile(r"\{[a-zA-Z_]\w*(?::[a-zA-Z_]\w*)?\}")
# A host as clients name it: labels of letters, digits, hyphens and underscores (RFC 3986, section 3.2.2, has more).
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")


def starlette_path(path: str, what: str = "A mount's path") -> str:
    """Return a mount's path or host with its parameters in Starlette's way.

    Args:
        path: in Sanic's way or in Starlette's.
        what: what messages call it.

    Raises:
        ValueError: Starlette has no such type of parameter, in either spelling, or a parameter is not written as one.

    Examples:
        >>> starlette_path("/t/<tenant>/<year:int>"), starlette_path("/t/{tenant}")
        ('/t/{tenant:str}/{year:int}', '/t/{tenant}')
    """

    def parameter(match: re.Match[str]) -> str:
        name, kind = match[1], match[2] or ""
        if not name.isidentifier() or kind not in _CONVERTORS:
            allowed = ", ".join(f"<name:{kind}>" for kind in sorted(set(_CONVERTORS) - {""}))
            raise ValueError(f"{what} can't have the parameter {match[0]}: it takes <name>, {allowed}")
        return f"{{{name}:{_CONVERTORS[kind]}}}"

    translated = _PARAMETER.sub(parameter, path)
    for kind in _CONVERTOR.findall(translated):
        if kind not in CONVERTOR_TYPES:
            raise ValueError(f"{what} can't have a parameter of type {kind!r}: Starlette has no such convertor")
    if re.search("[<>{}]", _BRACES.sub("", translated)):
        raise ValueError(f"{what} has parameters such as <name> or <name:int>, got {path!r}")
    return translated


def check_arguments(path: object, app: object, name: object) -> None:
    """Refuse arguments of `mount` that are wrong wherever it stands.

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


def check_application(app: object, where: str) -> None:
    """Refuse what is no ASGI application.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(app):
        raise TypeError(f"{where} takes an ASGI application, got {app!r}")


class Mount(routing.Mount):
    """A mount with what its application has around it; arguments are those of `Sanic.mount`.

    Attributes:
        middleware_name: the name under which a blueprint's request middleware is registered for it.
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
        # Lists of the blueprint and its groups, which may grow until the start.
        self._levels: Sequence[Sequence[Middleware]] = (middleware,)
        self._handle_errors = handle_errors
        self.build()

    def set_outer_levels(self, levels: Iterable[Sequence[Middleware]]) -> None:
        """Put the ASGI middleware of a blueprint and its groups around, the outermost first."""
        self._levels = (*levels, *self._levels)
        self.build()

    def build(self) -> None:
        """Put the middleware around the application."""
        app: ASGIApp = self._base_app
        if self._handle_errors:
            _note_default_answers(app, [])
            app = Unhandled(app)
        for level in reversed(self._levels):
            for cls, args, kwargs in reversed(level):
                app = cls(app, *args, **kwargs)
        self.app = app


class Unhandled:
    """ASGI middleware that lets exceptions out which the application inside does not handle itself.

    Starlette, and frameworks that are built on it, answer such an exception with a 500 and raise it again. Every 500 is
    held back until it is known whether an exception follows. So is the answer of Starlette's own handler to an
    `HTTPException`, which is raised instead. An application of this package notes the exceptions for which it has no
    handler in the scope, and they are raised, too.

    The handler that answers then finds the body of the request, if the application has read no more than 1 MiB of it.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a connection; websockets are passed on as they are."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: list[Message] = []
        unhandled: list[Exception] = []
        by_default: list[tuple[Exception, Any]] = []
        body = _ReadBody(receive)
        has_begun, held_size = False, 0
        answered: Exception | None = None

        async def send_unless_unhandled(message: Message) -> None:
            nonlocal has_begun, answered, held_size
            if not has_begun:
                has_begun = True
                error = sys.exc_info()[1]
                headers = message.get("headers")
                if unhandled:
                    answered = unhandled[0]
                elif by_default and headers is by_default[-1][1]:
                    answered = by_default[-1][0]
                elif isinstance(error, HTTPException):
                    # Raised later: Starlette takes the response for begun once it has called this.
                    answered = error if _is_answered_by_default(error, scope) else None
                if not answered and message.get("status") != 500:
                    await send(message)
                    return
            elif not held:
                await send(message)
                return
            held.append(message)
            held_size += len(message.get("body", b""))
            if held_size > _HELD_RESPONSE and not answered:
                # It is no error page.
                messages, held[:] = held[:], []
                for message in messages:
                    await send(message)

        before = {key: scope[key] for key in (UNHANDLED, _ANSWERED) if key in scope}
        scope[UNHANDLED], scope[_ANSWERED] = unhandled, by_default
        request = requests.current_request()
        try:
            await self.app(scope, body, send_unless_unhandled)
        except Exception as error:
            body.give_to(request)
            if held:
                # An application of this package has marked it as answered and logged.
                attributes(error).pop(REPORTED, None)
                scope.pop(REPORTED, None)
            raise
        finally:
            unhandled, by_default = [], []
            # The application around answers next, and it may be mounted like this itself.
            del scope[UNHANDLED], scope[_ANSWERED]
            scope.update(before)
        if answered is not None:
            body.give_to(request)
            try:
                raise answered
            finally:
                answered = None  # its traceback holds this frame
        for message in held:
            # The application has handled it after all.
            await send(message)


class _ReadBody:
    """An ASGI `receive` that keeps what the application inside reads of the body, as far as it is short.

    Args:
        receive: the one of the connection.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size <= _KEPT_BODY:
                self._messages.append(message)
            else:
                self._messages.clear()
        return message

    def give_to(self, request: Any) -> None:
        """Let a request have what was read: as its body if that is complete, else before the rest.

        Args:
            request: the one of the application around; one that has read the body itself keeps that.
        """
        messages, self._messages = self._messages, []
        if not messages or self._size > _KEPT_BODY or request._body_is_read:
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
    """Answer an `HTTPException` as Starlette's own handler does; for `Unhandled`, note that it was this one.

    Behind `BaseHTTPMiddleware` the answer is sent in another task, which handles no exception.
    """
    response = await _default_answers.http_exception(request, error)
    noted = request.scope.get(_ANSWERED)
    if noted is not None:
        # Middleware sends a response on with its list of fields, and a response of its own with another.
        noted.append((error, response.raw_headers))
    return response


async def _no_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for the application of a middleware of which only the handler is used."""


_default_answers = ExceptionMiddleware(_no_application)


def _note_default_answers(app: Any, seen: list[Any]) -> None:
    """Let Starlette's applications in and below `app` note what its own handler of `HTTPException` answers.

    Those that have a handler for that class are left alone.
    """
    for layer in _layers(app):
        if any(layer is other for other in seen):
            return
        seen.append(layer)
        if isinstance(layer, Starlette) and engine_of(layer) is None:
            layer.exception_handlers.setdefault(HTTPException, note_and_answer)
            for built in _layers(layer.middleware_stack):
                # It has copied the handlers.
                if isinstance(built, ExceptionMiddleware) and _is_default(built._exception_handlers[HTTPException]):
                    built.add_exception_handler(HTTPException, note_and_answer)
        for route in getattr(layer, "routes", None) or ():
            _note_default_answers(getattr(route, "app", None), seen)


def _layers(app: Any) -> Iterator[Any]:
    """Yield an application and what it wraps; by convention ASGI middleware keeps that as `app`."""
    for _ in range(_MOST_LAYERS):
        if app is None:
            return
        yield app
        app = getattr(app, "app", None)


def _is_default(handler: object) -> bool:
    return handler is note_and_answer or getattr(handler, "__func__", None) is ExceptionMiddleware.http_exception


def _is_answered_by_default(error: HTTPException, scope: Scope) -> bool:
    """Tell whether Starlette's own handler answers an exception, not one of the mounted application's."""
    by_class, by_status = scope.get("starlette.exception_handlers", ({}, {}))
    if error.status_code in by_status:
        return False
    handler = next((by_class[cls] for cls in type(error).__mro__ if cls in by_class), None)
    return _is_default(handler)


def make_host(host: str, app: ASGIApp, name: str | None, lifespan: bool) -> routing.Host:
    """Return the route that gives all requests to a host to an application; see `Sanic.host`.

    Raises:
        TypeError: the application cannot be called, or the host is no text.
        ValueError: the host is no name that a client can send, or has a parameter that Starlette does not have.
    """
    check_application(app, f"host({host!r}, …)")
    if not isinstance(host, str):
        raise TypeError(f"A host is text, such as 'api.example.org', got {host!r}")
    pattern = starlette_path(host.strip(), "A host")
    # The client's is compared in lower case; names of parameters keep theirs.
    pattern = re.sub(r"\{[^}]*\}|[^{]+", lambda part: part[0] if part[0][0] == "{" else part[0].lower(), pattern)
    text = _BRACES.sub("x", pattern)
    if not _HOST.fullmatch(text):
        raise ValueError(f"A host is {_why_no_host(text)}, got {host!r}")
    route = routing.Host(pattern, app, name)
    route.runs_lifespan = lifespan
    return route


def _why_no_host(host: str) -> str:
    """Return what a host is, with regard to what is wrong with one that clients do not send."""
    if re.fullmatch(r".*:\d+", host) and _HOST.fullmatch(host.rpartition(":")[0]):
        return "a name without a port: requests may come to any"
    if "*" in host:
        return "a name; a part that may be anything is a parameter, such as '<name>.example.org'"
    if not host.isascii():
        return "written as clients send it, in Punycode: 'xn--mnchen-3ya.example' for 'münchen.example'"
    return "a name without scheme, port and path, such as 'api.example.org'"
