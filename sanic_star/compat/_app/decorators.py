"""The decorators that applications and blueprints share.

Each decorator creates a record (`definitions`) and passes it to `_define`. An application applies the record at once, a
blueprint keeps it until the blueprint is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from enum import Enum
from functools import partial, update_wrapper, wraps
from inspect import CO_VARARGS, CO_VARKEYWORDS, isawaitable, signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, Self, Unpack, overload

from starlette.middleware import Middleware as ASGIMiddleware

from sanic_star.compat._app.definitions import (
    CommandDefinition,
    Definition,
    ExceptionDefinition,
    ListenerDefinition,
    MiddlewareDefinition,
    Record,
    RouteDefinition,
    SignalDefinition,
    StaticDefinition,
)
from sanic_star.compat._app.methods import overridable
from sanic_star.compat._app.pipeline import is_endpoint
from sanic_star.compat._routing.routes import check_methods, method_set
from sanic_star.compat._support.deprecation import deprecation
from sanic_star.compat._support.lazy import pattern
from sanic_star.compat.constants import HTTP_METHODS
from sanic_star.compat.exceptions import BadRequest, SanicException
from sanic_star.compat.middleware import Middleware, MiddlewareLocation

if TYPE_CHECKING:
    from pathlib import PurePath

    from typing_extensions import TypeVar

    from sanic_star.compat._app.futures import Futures
    from sanic_star.compat._app.route_options import AddedRouteOptions, RouteOptions, WebsocketOptions
    from sanic_star.compat.handlers.directory import DirectoryHandler

    # With a default (PEP 696): to a type checker `@app.on_request` returns the function unchanged, and
    # `@app.on_request(priority=1)`, called without a function, decorates any.
    H = TypeVar("H", bound=Callable[..., Any], default=Callable[..., Any])
else:
    from typing import TypeVar

    H = TypeVar("H", bound=Callable[..., Any])


# Valid names of applications and blueprints, as in Sanic. `__main__` and `__mp_main__` match, which are `__name__` in a
# script and in the processes that it spawns.
_NAME = pattern(r"^[a-zA-Z_][a-zA-Z0-9_\-]*$")


# `__name__` in a module of a package, which older releases accepted.
_DOTTED_NAME = pattern(r"^[a-zA-Z_][a-zA-Z0-9_\-]*(?:\.[a-zA-Z0-9_\-]+)+$")


class _FutureView:
    """One of Sanic's collections of registrations, as a view of the list of all registrations.

    Args:
        kind: the type of the registrations.
    """

    def __init__(self, kind: type[Record]) -> None:
        self._kind = kind

    @overload
    def __get__(self, owner: None, cls: type) -> Self: ...

    @overload
    def __get__(self, owner: Registrar, cls: type) -> Futures: ...

    def __get__(self, owner: Registrar | None, cls: type) -> Self | Futures:
        if owner is None:
            return self
        from sanic_star.compat._app.futures import Futures  # imported late: only some packages use it

        return Futures(owner._definitions, self._kind)

    def __set__(self, owner: Registrar, records: Iterable[Any]) -> None:
        self.__get__(owner, type(owner))[:] = records


class Registrar:
    """Registers routes, files, middleware, exception handlers and listeners.

    Args:
        name: the prefix of the names of routes.
        strict_slashes: the default for routes.
    """

    name: str
    strict_slashes: bool | None
    # All registrations, in order.
    _definitions: list[Definition]

    _future_exceptions = _FutureView(ExceptionDefinition)
    _future_listeners = _FutureView(ListenerDefinition)
    _future_middleware = _FutureView(MiddlewareDefinition)
    _future_routes = _FutureView(RouteDefinition)
    _future_signals = _FutureView(SignalDefinition)
    _future_statics = _FutureView(StaticDefinition)

    def _define(self, definition: Definition, apply: bool = True) -> None:
        """Apply a definition, unless its decorator was called with `apply=False`: then drop it."""
        if apply:
            self._apply_definition(definition)

    def _apply_definition(self, definition: Definition) -> None:
        raise NotImplementedError

    def generate_name(self, *objects: Any) -> str:
        """Return the name of a view, prefixed with this object's name.

        A subclass may override this method to name views differently, and call `_generate_name` for the default name.

        Args:
            objects: names, or objects that have a `name` or `__name__`; the first one that has a name is used. A
                `partial` has none.

        Raises:
            ValueError: no object has a name.

        Examples:
            >>> from sanic_star import Sanic
            >>> class Shop(Sanic):
            ...     def generate_name(self, *objects):
            ...         return self._generate_name(*objects).lower()
            >>> Shop("Shop").generate_name("List")
            'shop.list'
        """
        return self._generate_name(*objects)

    def _generate_name(self, *objects: Any) -> str:
        for candidate in objects:
            if isinstance(candidate, str) or candidate is None:
                name = candidate
            else:
                name = getattr(candidate, "name", None) or getattr(candidate, "__name__", None)
            if not name:
                continue
            if not isinstance(name, str):
                break
            return name if name.startswith(f"{self.name}.") else f"{self.name}.{name}"
        raise ValueError("Could not generate a name for handler")

    # Routes ---------------------------------------------------------------------------------------------------------

    @overridable
    def route(
        self,
        uri: str,
        methods: Iterable[str] | None = None,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        stream: bool = False,
        version: int | str | float | None = None,
        name: str | None = None,
        ignore_body: bool = False,
        apply: bool = True,
        subprotocols: Iterable[str] | None = None,
        websocket: bool = False,
        unquote: bool = False,
        static: bool = False,
        version_prefix: str = "/v",
        error_format: str | None = None,
        max_body_size: int | None = None,
        middleware: Sequence[ASGIMiddleware] | None = (),
        threaded: bool | None = None,
        **ctx_kwargs: Any,
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of a path.

        Args:
            uri: the path, with parameters as `<name:type>`.
            methods: HTTP methods, by default GET.
            host: the host or hosts of the route.
            strict_slashes: whether a trailing slash matters.
            stream: whether the handler reads the body itself (`request.stream`).
            version: the version, as a prefix of the path: `/v1`.
            name: the name for `url_for`, by default the function's.
            ignore_body: whether the body is left unread.
            apply: whether to register it; blueprints ignore this.
            subprotocols: the subprotocols that a websocket offers.
            websocket: whether it is a websocket route.
            unquote: whether parameters are percent-decoded.
            static: whether the route serves files.
            version_prefix: the text before the version.
            error_format: the format of error pages, `html`, `json` or `text`.
            max_body_size: the maximum size of a body in bytes, instead of the application's; also applies to a body
                that the handler streams.
            middleware: ASGI middleware around this route, the outermost first: `[Middleware(GZipMiddleware)]`.
            threaded: whether a synchronous handler runs in a thread; `None` leaves it to the blueprint, then to the
                group, then to the application's `sync_handlers`. It has no effect on an asynchronous handler.
            ctx_kwargs: `ctx_x=1` becomes `route.ctx.x`. A type checker cannot know keywords by their prefix: it accepts
                any keyword here, and on `get`, `post` and the like only those that this list names.

        Raises:
            ValueError: the handler takes too few arguments, or the host is neither text nor a list of texts.
            TypeError: a keyword is unknown, or an argument is of another type.
            BadMethod: `methods` is text instead of a list, or an entry is not an HTTP method.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.route("/items/<number:int>", methods=["GET", "DELETE"])
            ... async def item(request, number):
            ...     return text(f"{request.method} {number}")
            >>> app.test_client.delete("/items/7")[1].text
            'DELETE 7'
        """
        if not isinstance(uri, str):
            raise TypeError(f"A route needs a path, got {uri!r}: write the decorator with it, as in @app.get('/')")
        unknown = [keyword for keyword in ctx_kwargs if not keyword.startswith("ctx_")]
        if unknown:
            raise TypeError(f"Unexpected keyword arguments: {', '.join(map(_with_suggestion, unknown))}")
        if not isinstance(version, Hashable):
            raise TypeError(f"version= takes a number or text, got {version!r}")
        if max_body_size is not None and not isinstance(max_body_size, int):
            raise TypeError(f"max_body_size= takes a number of bytes, got {max_body_size!r}")
        check_threaded(threaded)
        if threaded and websocket:
            raise TypeError("threaded=True is for HTTP: the handler of a websocket runs in the event loop")
        path = uri if not uri or uri.startswith("/") else "/" + uri
        check_methods(methods)
        verbs = method_set(*(str(method.upper()) for method in methods or ("GET",)))
        check_subprotocols(subprotocols)
        hosts = _as_hosts(host)
        middlewares = check_middleware(middleware)

        def decorate(handler: H) -> H:
            route_name = self.generate_name(name, handler)
            _check_arguments(handler, websocket)
            definition = RouteDefinition(
                handler=handler,
                uri=path,
                methods=None if websocket else verbs,
                name=route_name,
                host=hosts,
                strict_slashes=self.strict_slashes if strict_slashes is None else strict_slashes,
                stream=stream or bool(getattr(handler, "is_stream", False)),
                version=version,
                ignore_body=ignore_body,
                websocket=websocket,
                subprotocols=tuple(subprotocols or ()),
                unquote=unquote,
                static=static,
                version_prefix=version_prefix,
                error_format=error_format if error_format != "auto" else None,
                max_body_size=max_body_size,
                middleware=(*middlewares, *_middleware_of_view(handler)),
                threaded=threaded,
                route_context={keyword.removeprefix("ctx_"): value for keyword, value in ctx_kwargs.items()},
            )
            self._define(definition, apply)
            return handler

        return decorate

    def get(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of GET requests; arguments as in `route`.

        Examples:
            >>> from sanic_star import Sanic, json
            >>> app = Sanic("shop")
            >>> @app.get("/items/<number:int>")
            ... async def item(request, number):
            ...     return json({"number": number})
            >>> app.test_client.get("/items/7")[1].json
            {'number': 7}
        """
        options.setdefault("ignore_body", True)
        return self.route(uri, ("GET",), host, strict_slashes, **options)

    def head(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of HEAD requests; arguments as in `route`."""
        options.setdefault("ignore_body", True)
        return self.route(uri, ("HEAD",), host, strict_slashes, **options)

    def options(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of OPTIONS requests; arguments as in `route`."""
        options.setdefault("ignore_body", True)
        return self.route(uri, ("OPTIONS",), host, strict_slashes, **options)

    def post(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of POST requests; arguments as in `route`.

        Examples:
            >>> from sanic_star import Sanic, json
            >>> app = Sanic("shop")
            >>> @app.post("/items")
            ... async def add(request):
            ...     return json(request.json, status=201)
            >>> app.test_client.post("/items", json={"name": "tea"})[1].status
            201
        """
        return self.route(uri, ("POST",), host, strict_slashes, **options)

    def put(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of PUT requests; arguments as in `route`.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.put("/items/<number:int>")
            ... async def replace(request, number):
            ...     return text(request.json["name"])
            >>> app.test_client.put("/items/7", json={"name": "tea"})[1].text
            'tea'
        """
        return self.route(uri, ("PUT",), host, strict_slashes, **options)

    def patch(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of PATCH requests; arguments as in `route`.

        Examples:
            >>> from sanic_star import Sanic, json
            >>> app = Sanic("shop")
            >>> stock = {7: {"name": "tea", "price": 3}}
            >>> @app.patch("/items/<number:int>")
            ... async def change(request, number):
            ...     stock[number].update(request.json)
            ...     return json(stock[number])
            >>> app.test_client.patch("/items/7", json={"price": 4})[1].json
            {'name': 'tea', 'price': 4}
        """
        return self.route(uri, ("PATCH",), host, strict_slashes, **options)

    def delete(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as the handler of DELETE requests; arguments as in `route`.

        Examples:
            >>> from sanic_star import Sanic, empty
            >>> app = Sanic("shop")
            >>> @app.delete("/items/<number:int>")
            ... async def remove(request, number):
            ...     return empty()
            >>> app.test_client.delete("/items/7")[1].status
            204
        """
        return self.route(uri, ("DELETE",), host, strict_slashes, **options)

    def websocket(
        self,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        subprotocols: Iterable[str] | None = None,
        **options: Unpack[WebsocketOptions],
    ) -> Callable[[H], H]:
        """Register the decorated function as a websocket handler; arguments as in `route`.

        The function is called with the request and the websocket after the handshake.

        Examples:
            >>> from sanic_star import Sanic
            >>> from sanic_star.testing import TestClient
            >>> app = Sanic("shop")
            >>> @app.websocket("/echo")
            ... async def echo(request, ws):
            ...     async for message in ws:
            ...         await ws.send(message)
            >>> with TestClient(app) as client, client.websocket_connect("/echo") as ws:
            ...     ws.send_text("hello")
            ...     ws.receive_text()
            'hello'
        """
        return self.route(uri, None, host, strict_slashes, subprotocols=subprotocols, websocket=True, **options)

    def add_route(
        self,
        handler: H,
        uri: str,
        methods: Iterable[str] = frozenset({"GET"}),
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        version: int | str | float | None = None,
        name: str | None = None,
        stream: bool = False,
        **options: Unpack[AddedRouteOptions],
    ) -> H:
        """Register `handler` for a path; arguments as in `route`.

        A class view handles the HTTP methods that it has methods for.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> async def hello(request):
            ...     return text("hello")
            >>> route = app.add_route(hello, "/hello", methods=["GET"])
            >>> app.test_client.get("/hello")[1].text
            'hello'
        """
        if isinstance(handler, str):
            raise TypeError(f"add_route takes the handler first, got {handler!r}: write add_route(handler, '/')")
        view = handler if is_endpoint(handler) else getattr(handler, "view_class", None)
        if view is not None:
            functions = {method: getattr(view, method.lower(), None) for method in HTTP_METHODS}
            methods = {str(method) for method, function in functions.items() if function}
            if view is handler and "GET" in methods:
                methods.add("HEAD")  # as in Starlette
            stream = stream or any(hasattr(function, "is_stream") for function in functions.values() if function)
        self.route(uri, methods, host, strict_slashes, stream, version, name, **options)(handler)
        return handler

    def add_websocket_route(
        self,
        handler: H,
        uri: str,
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        subprotocols: Iterable[str] | None = None,
        version: int | str | float | None = None,
        name: str | None = None,
        **options: Unpack[AddedRouteOptions],
    ) -> H:
        """Register `handler` as a websocket handler; arguments as in `route`."""
        return self.websocket(uri, host, strict_slashes, subprotocols, version=version, name=name, **options)(handler)

    def static(
        self,
        uri: str,
        file_or_directory: str | bytes | PurePath,
        pattern: str = r"/?.+",
        use_modified_since: bool = True,
        use_content_range: bool = False,
        stream_large_files: bool | int = False,
        name: str = "static",
        host: str | Iterable[str] | None = None,
        strict_slashes: bool | None = None,
        content_type: str | None = None,
        apply: bool = True,
        resource_type: str | None = None,
        index: str | Iterable[str] | None = None,
        directory_view: bool = False,
        directory_handler: DirectoryHandler | None = None,
        follow_external_symlink_files: bool = False,
        follow_external_symlink_dirs: bool = False,
        *,
        middleware: Sequence[ASGIMiddleware] | None = (),
    ) -> None:
        """Serve a file, or the files of a directory.

        Args:
            uri: the path.
            file_or_directory: the path of the file or directory.
            pattern: ignored, as in Sanic.
            use_modified_since: whether to answer 304 if the client's copy is current.
            use_content_range: whether to answer range requests.
            stream_large_files: whether to read files over 1 MiB while they are sent; or that size in bytes.
            name: the name for `url_for`.
            host: the host or hosts of the route.
            strict_slashes: whether a trailing slash matters.
            content_type: by default guessed from the file's name.
            apply: whether to register it at once.
            resource_type: `file` or `dir`, to require that type.
            index: the file or files to serve for a directory.
            directory_view: whether to answer with a listing of a directory.
            directory_handler: handles directories, instead of `index` and `directory_view`.
            follow_external_symlink_files: whether links to files outside the directory are followed.
            follow_external_symlink_dirs: whether links to directories outside are followed.
            middleware: ASGI middleware around the files, the outermost first.

        Raises:
            ValueError: the path is not a path, the host is neither text nor a list of texts, or arguments contradict
                each other.
            TypeError: the path is of another type than `resource_type`.

        Examples:
            >>> from pathlib import Path
            >>> from tempfile import TemporaryDirectory
            >>> from sanic_star import Sanic
            >>> with TemporaryDirectory() as folder:
            ...     Path(folder, "logo.svg").write_text("<svg/>")
            ...     app = Sanic("shop")
            ...     app.static("/images", folder)
            ...     app.test_client.get("/images/logo.svg")[1].text
            6
            '<svg/>'
        """
        from pathlib import Path, PurePath

        from sanic_star.compat.handlers.directory import DirectoryHandler

        if not isinstance(file_or_directory, (str, bytes, PurePath)):
            raise ValueError(f"Static route must be a valid path, not {file_or_directory}")
        if isinstance(file_or_directory, bytes):
            raise TypeError("Static file or directory must be a path-like object or string")
        if directory_handler is not None and (directory_view or index):
            raise ValueError(
                "When explicitly setting directory_handler, you cannot set either directory_view or index. "
                "Instead, pass these arguments to your DirectoryHandler instance."
            )
        location = Path(file_or_directory).resolve()
        definition = StaticDefinition(
            uri=uri,
            file_or_directory=location,
            pattern=pattern,
            name=self.generate_name(name),
            use_modified_since=use_modified_since,
            use_content_range=use_content_range,
            stream_large_files=stream_large_files,
            host=_as_hosts(host),
            strict_slashes=self.strict_slashes if strict_slashes is None else strict_slashes,
            content_type=content_type,
            resource_type=resource_type,
            directory_handler=directory_handler
            or DirectoryHandler(
                uri,
                location,
                directory_view,
                index,
                location,
                follow_external_symlink_files,
                follow_external_symlink_dirs,
            ),
            follow_external_symlink_files=follow_external_symlink_files,
            follow_external_symlink_dirs=follow_external_symlink_dirs,
            middleware=check_middleware(middleware),
        )
        self._define(definition, apply)

    # Middleware and exceptions --------------------------------------------------------------------------------------

    @overload
    def middleware(
        self,
        middleware_or_request: str,
        attach_to: str = ...,
        apply: bool = ...,
        *,
        priority: int = ...,
        threaded: bool | None = ...,
    ) -> Callable[[H], H]: ...
    @overload
    def middleware(
        self,
        middleware_or_request: H,
        attach_to: str = ...,
        apply: bool = ...,
        *,
        priority: int = ...,
        threaded: bool | None = ...,
    ) -> H: ...
    def middleware(
        self,
        middleware_or_request: Any,
        attach_to: str = "request",
        apply: bool = True,
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> Any:
        """Run a function before or after handlers: `@app.middleware`, `@app.middleware("response")`.

        Args:
            middleware_or_request: the function; or `request` or `response`, for the decorated function.
            attach_to: `request` or `response`.
            apply: whether to register it at once.
            priority: middleware with a higher priority runs closer to the client.
            threaded: whether a synchronous function runs in a thread, as in `route`.

        Raises:
            KeyError: `attach_to` is other text.
            TypeError: `attach_to` is not text, or `threaded` is neither true nor false.

        Examples:
            >>> from sanic_star import Blueprint, Sanic, text
            >>> bp = Blueprint("items", url_prefix="/items")
            >>> @bp.middleware("request")
            ... async def check_token(request):
            ...     if not request.token:
            ...         return text("Log in first.", 401)
            >>> @bp.get("/")
            ... async def items(request):
            ...     return text("tea")
            >>> app = Sanic("shop")
            >>> app.blueprint(bp)
            >>> app.test_client.get("/items/")[1].status
            401
        """
        check_threaded(threaded)
        if not callable(middleware_or_request):
            function_or_location = middleware_or_request
            as_location(function_or_location)
            return partial(
                self.middleware,
                attach_to=function_or_location,
                apply=apply,
                priority=priority,
                **_threaded_keyword(threaded),
            )
        location = as_location(attach_to)
        middleware = Middleware(middleware_or_request, location, priority)
        if threaded is not None:
            middleware.threaded = threaded
        self._define(MiddlewareDefinition(middleware, attach_to), apply)
        return middleware

    def on_request(
        self,
        middleware: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Run a function before handlers; the first one that returns a response ends the request.

        Args:
            middleware: called with the request; may be `async`. It may return a response. By default, the function that
                is decorated next.
            priority: middleware with a higher priority runs closer to the client.
            threaded: whether a synchronous function runs in a thread, as in `route`.

        Raises:
            TypeError: the argument is not a function.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.on_request
            ... async def find_user(request):
            ...     request.ctx.user = request.token or "nobody"
            >>> @app.get("/")
            ... async def hello(request):
            ...     return text(f"Hello, {request.ctx.user}")
            >>> app.test_client.get("/")[1].text
            'Hello, nobody'
        """
        function_or_location: Any = function_or_default("on_request", middleware, "request")
        return self.middleware(function_or_location, "request", priority=priority, **_threaded_keyword(threaded))  # type: ignore[no-any-return]

    def on_response(
        self,
        middleware: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Run a function after handlers, with the request and the response.

        Args:
            middleware: called with the request and the response; may be `async`. It may return another response. By
                default, the function that is decorated next.
            priority: middleware with a higher priority runs closer to the client.
            threaded: whether a synchronous function runs in a thread, as in `route`.

        Raises:
            TypeError: the argument is not a function.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.on_response
            ... async def forbid_frames(request, response):
            ...     response.headers["x-frame-options"] = "DENY"
            >>> @app.get("/")
            ... async def hello(request):
            ...     return text("hello")
            >>> app.test_client.get("/")[1].headers["x-frame-options"]
            'DENY'
        """
        function_or_location: Any = function_or_default("on_response", middleware, "response")
        return self.middleware(function_or_location, "response", priority=priority, **_threaded_keyword(threaded))  # type: ignore[no-any-return]

    def exception(self, *exceptions: Any, apply: bool = True, threaded: bool | None = None) -> Callable[[H], H]:
        """Register the decorated function as an exception handler.

        Args:
            exceptions: classes, lists of classes, or status codes.
            apply: whether to register it at once.
            threaded: whether a synchronous function runs in a thread, as in `route`.

        Raises:
            TypeError: nothing is given, an entry is something else, or `threaded` is neither true nor false.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.exception(KeyError)
            ... async def unknown_item(request, error):
            ...     return text(f"No item {error.args[0]}", 404)
            >>> @app.get("/items/<name>")
            ... async def item(request, name):
            ...     return text({}[name])
            >>> app.test_client.get("/items/tea")[1].text
            'No item tea'
        """
        check_threaded(threaded)
        groups = (entry if isinstance(entry, (list, tuple)) else (entry,) for entry in exceptions)
        keys = tuple(key for group in groups for key in group)
        if not exceptions:
            raise TypeError("exception() takes exception classes or status codes: write @app.exception(NotFound)")
        for key in keys:
            check_exception_key(key)

        def decorate(handler: H) -> H:
            self._define(ExceptionDefinition(handler, keys, threaded), apply)
            return handler

        return decorate

    def all_exceptions(self, handler: H) -> H:
        """Register the decorated function for every exception that has no other handler.

        Args:
            handler: called with the request and the exception; returns a response.

        Returns:
            The handler.
        """
        return self.exception(Exception)(handler)

    # Listeners ------------------------------------------------------------------------------------------------------

    @overload
    def listener(
        self,
        listener_or_event: str,
        event_or_none: None = ...,
        apply: bool = ...,
        *,
        priority: int = ...,
        threaded: bool | None = ...,
    ) -> Callable[[H], H]: ...
    @overload
    def listener(
        self,
        listener_or_event: H,
        event_or_none: str | None = ...,
        apply: bool = ...,
        *,
        priority: int = ...,
        threaded: bool | None = ...,
    ) -> H: ...
    def listener(
        self,
        listener_or_event: Any = None,
        event_or_none: str | None = None,
        apply: bool = True,
        *,
        priority: int = 0,
        threaded: bool | None = None,
        **removed_keywords: Any,
    ) -> Any:
        """Register a listener: `@app.listener("before_server_start")`.

        Args:
            listener_or_event: the function, or the event of the decorated function.
            event_or_none: the event.
            apply: whether to register it at once.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread. By default listeners run in the event loop, also
                in an application with `sync_handlers="thread"`, because many listeners use the loop.

        Raises:
            BadRequest: the event is missing or unknown.
            TypeError: `threaded` is neither true nor false, or a keyword is unknown.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.listener("before_server_start")
            ... async def connect(app):
            ...     app.ctx.stock = {"tea": 3}
            >>> @app.get("/<name>")
            ... async def count(request, name):
            ...     return text(f"{request.app.ctx.stock[name]}")
            >>> app.test_client.get("/tea")[1].text
            '3'
        """
        check_threaded(threaded)
        if listener_or_event is None and "event" in removed_keywords:
            listener_or_event = removed_keywords.pop("event")
            deprecation("listener(event=…) was removed in Sanic 21.3: pass the event as the first argument.", 21.3)
        if removed_keywords:
            raise TypeError(f"listener() has no keyword {next(iter(removed_keywords))!r}")
        if listener_or_event is None:
            raise TypeError("listener() takes an event: write @app.listener('before_server_start')")
        if not callable(listener_or_event):
            event = listener_or_event
            return partial(
                self.listener, event_or_none=event, apply=apply, priority=priority, **_threaded_keyword(threaded)
            )
        if event_or_none is None:
            error = BadRequest("Invalid event registration: Missing event name.")
            error.add_note("Write @app.listener('before_server_start').")
            raise error
        self._define(ListenerDefinition(listener_or_event, event_or_none, priority, threaded), apply)
        return listener_or_event

    def _register_listener(self, listener: H, event: str, priority: int, threaded: bool | None) -> H:
        if callable(listener):
            return self.listener(listener, event, priority=priority, **_threaded_keyword(threaded))
        function_or_default(event, listener)
        return partial(self.listener, event_or_none=event, priority=priority, **_threaded_keyword(threaded))

    def main_process_start(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the main process starts, before it starts workers.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "main_process_start", priority, threaded)

    def main_process_ready(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the main process has started its workers.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "main_process_ready", priority, threaded)

    def main_process_stop(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the main process ends.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "main_process_stop", priority, threaded)

    def reload_process_start(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the process that watches the source files starts.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "reload_process_start", priority, threaded)

    def reload_process_stop(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the process that watches the source files ends.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "reload_process_stop", priority, threaded)

    def before_reload_trigger(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when a source file has changed, before the application is restarted.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "before_reload_trigger", priority, threaded)

    def after_reload_trigger(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when a change has restarted the application.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; it may also
                take the keyword `changed`, the paths of the changed files; may be `async`. By default, the function
                that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "after_reload_trigger", priority, threaded)

    def before_server_start(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function before this process accepts connections.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.before_server_start
            ... async def connect(app):
            ...     app.ctx.stock = {"tea": 3}
            >>> @app.get("/<name>")
            ... async def count(request, name):
            ...     return text(f"{request.app.ctx.stock[name]}")
            >>> app.test_client.get("/tea")[1].text
            '3'
        """
        return self._register_listener(listener, "before_server_start", priority, threaded)

    def after_server_start(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when this process accepts connections.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "after_server_start", priority, threaded)

    def before_server_stop(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the server is about to stop, with connections still open.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.
        """
        return self._register_listener(listener, "before_server_stop", priority, threaded)

    def after_server_stop(
        self,
        listener: H = None,  # type: ignore[assignment]
        *,
        priority: int = 0,
        threaded: bool | None = None,
    ) -> H:
        """Call a function when the server's connections are closed.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop; may be
                `async`. By default, the function that is decorated next.
            priority: higher runs first.
            threaded: whether a synchronous function runs in a thread; by default it runs in the event loop.

        Raises:
            TypeError: the argument is not a function.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.after_server_stop
            ... async def disconnect(app):
            ...     print("disconnected")
            >>> @app.get("/")
            ... async def hello(request):
            ...     return text("hello")
            >>> request, response = app.test_client.get("/")
            disconnected
        """
        return self._register_listener(listener, "after_server_stop", priority, threaded)

    # Commands -------------------------------------------------------------------------------------------------------

    def command(self, maybe_func: Any = None, *, name: str = "") -> Any:
        """Register a function as a command: `sanic-star server:app exec name --argument=value`.

        The application is loaded but not started. Arguments are text; a parameter without default that is missing on
        the command line is `None`.

        Args:
            maybe_func: the function, sync or async.
            name: the command's name, by default the function's.

        Returns:
            The function, as a coroutine function.

        Raises:
            SanicException: a blueprint with commands is registered; only applications have commands, as in Sanic.
            TypeError: the name is not hashable.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("Shop")
            >>> @app.command
            ... async def restock(count: int = 10):
            ...     print(f"{count} more")
        """
        if maybe_func is None:
            return partial(self.command, name=name)
        if not callable(maybe_func):
            raise TypeError(f"command() takes a function, got {maybe_func!r}: write @app.command(name='restock')")
        if not isinstance(name, Hashable):
            raise TypeError(f"name= takes text, got {name!r}")

        @wraps(maybe_func)
        async def command(*args: Any, **kwargs: Any) -> Any:
            result = maybe_func(*args, **kwargs)
            return await result if isawaitable(result) else result

        self._define(CommandDefinition(name or maybe_func.__name__, command))
        return command

    # Signals --------------------------------------------------------------------------------------------------------

    @overridable
    def signal(
        self,
        event: str | Enum,
        *,
        apply: bool = True,
        condition: Mapping[str, Any] | None = None,
        exclusive: bool = True,
        priority: int = 0,
    ) -> Callable[[H], H]:
        """Call the decorated function when an event is dispatched: `@app.signal("shop.order.placed")`.

        Args:
            event: its name, in three parts; the last one may be a parameter: `shop.order.<action>`.
            apply: whether to register it at once.
            condition: call it only for events dispatched under this condition.
            exclusive: whether a handler with a condition ignores events without one.
            priority: higher is called first.

        Raises:
            InvalidSignal: the name is invalid.
            TypeError: the event is not text or a member of an enumeration.

        Examples:
            >>> from sanic_star import Sanic, empty
            >>> app = Sanic("shop")
            >>> @app.signal("shop.order.created")
            ... async def notify(number, **context):
            ...     print(f"order {number}")
            >>> @app.post("/orders")
            ... async def order(request):
            ...     await request.app.dispatch("shop.order.created", context={"number": 7})
            ...     return empty()
            >>> request, response = app.test_client.post("/orders")
            order 7
        """

        if not isinstance(event, (str, Enum)):
            raise TypeError(f"signal() takes an event, got {event!r}: write @app.signal('shop.order.created')")

        def decorate(handler: H) -> H:
            self._define(SignalDefinition(handler, event, condition, exclusive, priority), apply)
            return handler

        return decorate

    def add_signal(
        self,
        handler: Callable[..., Any] | None,
        event: str | Enum,
        condition: Mapping[str, Any] | None = None,
        exclusive: bool = True,
    ) -> Callable[..., Any]:
        """Call a function when an event is dispatched; arguments as in `signal`.

        Args:
            handler: the function; `None` only declares the event, so that `event` can wait for it.
            event: its name.
            condition: call it only for events dispatched under this condition.
            exclusive: whether a handler with a condition ignores events without one.
        """
        return self.signal(event, condition=condition, exclusive=exclusive)(handler or no_handler)

    def catch_exception(self, handler: Callable[..., Any]) -> None:
        """Call a function with this object and each exception that a request or a signal raises, handled or not.

        Args:
            handler: called with the application or blueprint and the exception; may be a coroutine function.
        """
        self.signal("server.exception.report")(self._exception_signal(handler))

    def _exception_signal(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_reported(exception: BaseException) -> None:
            result = handler(self, exception)
            if isawaitable(result):
                await result

        return update_wrapper(handle_reported, handler)


def check_threaded(threaded: object) -> None:
    """Check the keyword `threaded`.

    Raises:
        TypeError: it is not `True`, `False` or `None`.
    """
    if threaded is not None and not isinstance(threaded, bool):
        raise TypeError(f"threaded= takes True or False, got {threaded!r}")


def _threaded_keyword(threaded: bool | None) -> dict[str, Any]:
    """Return `threaded` as keywords, empty by default: an override may not have this parameter."""
    return {} if threaded is None else {"threaded": threaded}


def check_exception_key(key: object) -> None:
    """Check what an exception handler is registered for.

    Raises:
        TypeError: it is neither an exception class nor a status code.
    """
    is_class = isinstance(key, type) and issubclass(key, BaseException)
    if not is_class and (not isinstance(key, int) or isinstance(key, bool)):
        raise TypeError(
            f"exception() takes exception classes or status codes, got {key!r}: write @app.exception(NotFound)"
        )


def check_subprotocols(subprotocols: Iterable[str] | None) -> None:
    """Check the subprotocols of a websocket.

    Raises:
        TypeError: they are text instead of a list of texts.
    """
    if isinstance(subprotocols, (str, bytes)):
        raise TypeError(f"subprotocols= takes a list, got {subprotocols!r}: write subprotocols=[{subprotocols!r}]")


def check_middleware(middleware: Iterable[Any] | None) -> tuple[ASGIMiddleware, ...]:
    """Return ASGI middleware as a tuple.

    Args:
        middleware: a list of Starlette's `Middleware` objects; `None` for none, as in Starlette.

    Raises:
        TypeError: an entry is something else.
    """
    if middleware is None:
        return ()
    invalid = None if isinstance(middleware, (list, tuple)) else middleware
    invalid = (
        next((entry for entry in middleware if not isinstance(entry, ASGIMiddleware)), None)
        if invalid is None
        else invalid
    )
    if invalid is not None:
        raise TypeError(f"middleware= takes a list of starlette.middleware.Middleware(…) objects, got {invalid!r}")
    return tuple(middleware)


def _middleware_of_view(handler: Any) -> tuple[ASGIMiddleware, ...]:
    """Return the ASGI middleware of a class view; its attribute `middleware` may be something else."""
    middleware = getattr(getattr(handler, "view_class", None), "middleware", ())
    is_asgi = isinstance(middleware, (list, tuple)) and any(isinstance(entry, ASGIMiddleware) for entry in middleware)
    return check_middleware(middleware) if is_asgi else ()


def check_name(owner: object, name: object) -> None:
    """Check the name of an application or a blueprint against Sanic's rule.

    Args:
        owner: the application or blueprint, for the message.
        name: its name.

    Raises:
        SanicException: the name is missing, or has other characters than ASCII letters, digits, `_` and `-`, or begins
            with a digit or `-`.
        TypeError: it is not a string.
    """
    kind = type(owner).__name__
    if name is None:
        raise SanicException(f"{kind} instance cannot be unnamed: write {kind}(name='your_name').")
    if not isinstance(name, str):
        raise TypeError(f"the name of a {kind} is a string, got {name!r}")
    if _DOTTED_NAME.match(name):
        deprecation(f"{kind}({name!r}): names have no dots since Sanic 21.12: use {name.replace('.', '_')!r}.", 21.12)
    elif not _NAME.match(name):
        raise SanicException(
            f"{kind} instance named '{name}' uses an invalid format. Names must begin with a character "
            "and may only contain alphanumeric characters, _, or -."
        )


async def no_handler(**context: Any) -> None:
    """Do nothing: the handler of an event that is only waited for."""


def as_location(location: object) -> MiddlewareLocation:
    """Return where middleware runs.

    Raises:
        KeyError: the text is neither `request` nor `response`; as in Sanic.
        TypeError: it is not text.
    """
    if not isinstance(location, str):
        raise TypeError(f"middleware() takes a function, 'request' or 'response', got {location!r}")
    try:
        return MiddlewareLocation[location.upper()]
    except KeyError:
        raise KeyError(f"middleware() takes 'request' or 'response', got {location!r}") from None


def function_or_default(decorator: str, function: object, default: str | None = None) -> Any:
    """Return the function of a decorator that is written without arguments, else `default`.

    Args:
        decorator: the decorator's name, for the message.
        function: the argument of the decorator.
        default: the value that stands for the function that is decorated next; a user may also pass it.

    Raises:
        TypeError: the argument is something else.
    """
    if callable(function):
        return function
    if function is None or (default is not None and function == default):
        return default
    raise TypeError(f"{decorator}() takes a function, got {function!r}: write @app.{decorator}")


def _as_hosts(host: str | Iterable[str] | None) -> tuple[str, ...]:
    if host and not isinstance(host, Iterable):
        raise ValueError(f"host= takes a host or several, got {host!r}")
    return (host,) if isinstance(host, str) else tuple(host or ())


def _with_suggestion(keyword: str) -> str:
    from difflib import get_close_matches  # only for this message

    names = [parameter for parameter in signature(Registrar.route).parameters if parameter != "self"]
    close = get_close_matches(keyword, names, 1)
    return f"{keyword} (did you mean {close[0]}?)" if close else keyword


def _check_arguments(handler: Callable[..., Any], websocket: bool) -> None:
    """Raise at registration if a handler takes too few arguments, not at its first call."""
    count = _argument_count(handler)
    name = getattr(handler, "__name__", repr(handler))
    if websocket and count < 2:
        raise ValueError(f"Required parameter `request` and/or `ws` missing in the {name}() route?")
    if count < 1:
        raise ValueError(f"Required parameter `request` missing in the {name}() route?")


def _argument_count(handler: Callable[..., Any]) -> int:
    """Return the number of a handler's parameters, including `*args` and `**kwargs`."""
    if type(handler) is FunctionType and not handler.__dict__:
        # PERF: `signature` takes ten times as long, a quarter of the registration of a route. Safe because a function
        # with `__wrapped__` or `__signature__` has it in its `__dict__`.
        code = handler.__code__
        stars = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
        return code.co_argcount + code.co_kwonlyargcount + stars
    return len(signature(handler).parameters)
