"""Mounts and hosts as `Sanic.mount`, `Sanic.host` and `Blueprint.mount` make them.

The path may be written in Sanic's way (`/t/<tenant>`) or in Starlette's (`/t/{tenant}`). `handle_errors=True` lets the
exception handlers of the application around answer what the mounted one does not handle: `Unhandled` holds back the
answer that is sent while such an exception is being handled.

Loaded with the first mount.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from starlette.convertors import CONVERTOR_TYPES
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sanic_star.compat._app.error_handler import UNHANDLED
from sanic_star.engine import routing
from sanic_star.engine.failures import REPORTED, attributes

# Starlette's convertor for each of Sanic's types of parameters that has one.
_CONVERTORS = {"": "str", "str": "str", "string": "str", "int": "int", "float": "float", "uuid": "uuid", "path": "path"}
# The type in Starlette's spelling; an application may register more of them.
_CONVERTOR = re.compile(r"\{[a-zA-Z_]\w*:([a-zA-Z_]\w*)\}")
_PARAMETER = re.compile(r"<\s*([^<>:\s]*)\s*(?::\s*([^<>\s]*)\s*)?>")


def starlette_path(path: str) -> str:
    """Return a mount's path with its parameters in Starlette's way.

    Args:
        path: in Sanic's way or in Starlette's.

    Raises:
        ValueError: Starlette has no such type of parameter, in either spelling.

    Examples:
        >>> starlette_path("/t/<tenant>/<year:int>"), starlette_path("/t/{tenant}")
        ('/t/{tenant:str}/{year:int}', '/t/{tenant}')
    """

    def parameter(match: re.Match[str]) -> str:
        name, kind = match[1], match[2] or ""
        if not name.isidentifier() or kind not in _CONVERTORS:
            allowed = ", ".join(f"<name:{kind}>" for kind in sorted(set(_CONVERTORS) - {""}))
            raise ValueError(f"A mount's path can't have the parameter {match[0]}: it takes <name>, {allowed}")
        return f"{{{name}:{_CONVERTORS[kind]}}}"

    translated = _PARAMETER.sub(parameter, path)
    for kind in _CONVERTOR.findall(translated):
        if kind not in CONVERTOR_TYPES:
            raise ValueError(f"A mount's path can't have a parameter of type {kind!r}: Starlette has no such convertor")
    return translated


def check_arguments(path: object, app: object, name: object) -> None:
    """Refuse arguments of `mount` that have the wrong type.

    Raises:
        TypeError: the application cannot be called, or the path or the name is not a string.
    """
    check_application(app, f"mount({path!r}, …)")
    if not isinstance(path, str):
        raise TypeError(f"A mount's path is a string, such as '/admin', got {path!r}")
    if not isinstance(name, str | None):
        raise TypeError(f"mount({path!r}, …, name=…) takes a string, got {name!r}")


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
            app = Unhandled(app)
        for level in reversed(self._levels):
            for cls, args, kwargs in reversed(level):
                app = cls(app, *args, **kwargs)
        self.app = app


class Unhandled:
    """ASGI middleware that lets exceptions out which the application inside does not handle itself.

    Starlette, and frameworks that are built on it, answer such an exception with a 500 and raise it again. That answer
    is held back, and so is that of Starlette's own handler to an `HTTPException`, which is raised instead. An
    application of this package notes the exceptions for which it has no handler in the scope, and they are raised, too.

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
        has_begun = False
        answered: Exception | None = None

        async def send_unless_unhandled(message: Message) -> None:
            nonlocal has_begun, answered
            if not has_begun:
                has_begun = True
                error = sys.exc_info()[1]
                if unhandled:
                    answered = unhandled[0]
                elif isinstance(error, HTTPException):
                    # Raised later: Starlette takes the response for begun once it has called this.
                    answered = error if _is_answered_by_default(error, scope) else None
                if answered or (error is not None and message.get("status") == 500):
                    held.append(message)
                    return
            elif held:
                held.append(message)
                return
            await send(message)

        outer = scope.get(UNHANDLED)
        scope[UNHANDLED] = unhandled
        try:
            await self.app(scope, receive, send_unless_unhandled)
        except Exception as error:
            if held:
                # An application of this package has marked it as answered and logged.
                attributes(error).pop(REPORTED, None)
                scope.pop(REPORTED, None)
            raise
        finally:
            unhandled = []
            # The application around answers next, and it may be mounted like this itself.
            if outer is None:
                del scope[UNHANDLED]
            else:
                scope[UNHANDLED] = outer
        if answered is not None:
            try:
                raise answered
            finally:
                answered = None  # its traceback holds this frame
        for message in held:
            # The application has handled it after all.
            await send(message)


def _is_answered_by_default(error: HTTPException, scope: Scope) -> bool:
    """Tell whether Starlette's own handler answers an exception, not one of the mounted application's."""
    by_class, by_status = scope.get("starlette.exception_handlers", ({}, {}))
    if error.status_code in by_status:
        return False
    handler = next((by_class[cls] for cls in type(error).__mro__ if cls in by_class), None)
    return getattr(handler, "__func__", None) is ExceptionMiddleware.http_exception


def make_host(host: str, app: ASGIApp, name: str | None, lifespan: bool) -> routing.Host:
    """Return the route that gives all requests to a host to an application; see `Sanic.host`.

    Raises:
        TypeError: the application cannot be called, or the host is no text.
        ValueError: the host is empty, or a path or URL.
    """
    check_application(app, f"host({host!r}, …)")
    if not isinstance(host, str):
        raise TypeError(f"A host is text, such as 'api.example.org', got {host!r}")
    pattern = starlette_path(host.strip())
    if not pattern or "/" in pattern:
        raise ValueError(f"A host is a name without scheme and path, such as 'api.example.org', got {host!r}")
    if re.search(r":\d+$", pattern):
        raise ValueError(f"A host has no port here, requests may come to any: got {host!r}")
    # The client's is compared in lower case; names of parameters keep theirs.
    pattern = re.sub(r"\{[^}]*\}|[^{]+", lambda part: part[0] if part[0][0] == "{" else part[0].lower(), pattern)
    route = routing.Host(pattern, app, name)
    route.runs_lifespan = lifespan
    return route
