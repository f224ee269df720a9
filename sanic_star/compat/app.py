"""The application: Sanic's API on a Starlette application.

This file assembles the parts. An application has an engine (`engine.application.Engine`), the behaviour that the engine
calls (`_app.answers.Answers`), background tasks (`_app.tasks.Background`) and a runner that serves it
(`_serving.running.Runner`). Registrations come in through `_app.decorators`, routes go to `router`, `_app.pipeline`
compiles handlers and middleware when the application is finalised, `_app.urls` builds URLs, and `handlers` answers
exceptions.

Public names here are Sanic's, Starlette's, or documented. The parts use private attributes of each other, so that a
user's subclass may have an attribute of any other name.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from functools import cache, cached_property
from threading import RLock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Never, Unpack, overload

from starlette import routing as starlette_routing
from starlette.applications import Starlette
from starlette.middleware import Middleware as ASGIMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, ExceptionHandler, Lifespan

from sanic_star.compat import _routing, blueprints, compat
from sanic_star.compat._app import registry
from sanic_star.compat._app.answers import Answers, check_route_names, make_websocket
from sanic_star.compat._app.decorators import (
    H,
    Registrar,
    as_location,
    check_exception_key,
    check_middleware,
    check_name,
    no_handler,
)
from sanic_star.compat._app.definitions import (
    CommandDefinition,
    Definition,
    ExceptionDefinition,
    ListenerDefinition,
    MiddlewareDefinition,
    MountDefinition,
    RouteDefinition,
    SignalDefinition,
    StaticDefinition,
)
from sanic_star.compat._app.error_handler import ErrorHandler
from sanic_star.compat._app.listeners import Listeners
from sanic_star.compat._app.methods import ENTRY, delegate, is_overridden, overridable
from sanic_star.compat._app.registry import applications, find_application
from sanic_star.compat._app.tasks import Background
from sanic_star.compat._routing.routes import Levels, Route, WebSocketRoute, check_methods
from sanic_star.compat._serving.running import Runner
from sanic_star.compat._support.json import codec
from sanic_star.compat._support.lazy import OldName, names_without_old, old_names
from sanic_star.compat.blueprints import Blueprint
from sanic_star.compat.config import SANIC_PREFIX, Config
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.helpers import Default, _default
from sanic_star.compat.log import configure, logger
from sanic_star.compat.middleware import Middleware, MiddlewareLocation
from sanic_star.compat.request.types import Request
from sanic_star.compat.response.types import choose_writer_by_app
from sanic_star.compat.router import Router
from sanic_star.compat.signals import RESERVED_NAMESPACES, Signal, SignalRouter
from sanic_star.engine import routing
from sanic_star.engine.application import Engine
from sanic_star.engine.requests import PREPARED_REQUEST, live

if TYPE_CHECKING:
    # With defaults (PEP 696, in `typing` from Python 3.13 on): `Sanic("app")` needs no annotation.
    from pathlib import Path
    from socket import socket

    from sanic_ext import Extend, Extension
    from typing_extensions import TypeVar

    from sanic_star.compat._app.route_options import AddedRouteOptions
    from sanic_star.compat.application.state import ApplicationState
    from sanic_star.compat.blueprint_group import BlueprintGroup
    from sanic_star.compat.models.ctx_types import REPLContext
    from sanic_star.compat.types.shared_ctx import SharedContext
    from sanic_star.compat.worker.inspector import Inspector
    from sanic_star.compat.worker.manager import WorkerManager
    from sanic_star.compat.worker.multiplexer import WorkerMultiplexer
    from sanic_star.engine.seams import MakeRequest
    from sanic_star.testing.asgi import SanicASGITestClient
    from sanic_star.testing.sanic import SanicTestClient

    ConfigT = TypeVar("ConfigT", bound=Config, default=Config)
    ContextT = TypeVar("ContextT", default=Any)
else:
    from typing import TypeVar

    ConfigT = TypeVar("ConfigT", bound=Config)
    ContextT = TypeVar("ContextT")

# Of `run`; see `_old.keywords`.
_REMOVED_OPTIONS = frozenset({"legacy", "loop", "stop_event"})
# Held while the routes of a running application change. One lock for all applications, because a lock cannot be
# pickled.
_amend_lock = RLock()


def _runner(app: Sanic[Any, Any]) -> Runner:
    return app._runner


def _background(app: Sanic[Any, Any]) -> Background:
    return app._background


@cache
def _urls() -> Any:
    """Return the module that builds URLs; it is imported with the first URL."""
    from sanic_star.compat._app import urls

    return urls


class Sanic(Registrar, Starlette, Generic[ConfigT, ContextT]):
    """An application: an ASGI application with routes, middleware, listeners and settings.

    Args:
        name: ASCII letters, digits, `_` and `-`, not beginning with a digit or `-`; the prefix of the names of routes.
            `__name__` is valid.
        config: the configuration; by default read from environment variables.
        ctx: an object for the user's own attributes.
        router: finds routes.
        signal_router: finds signals.
        error_handler: answers exceptions.
        env_prefix: the prefix of environment variables with settings.
        request_class: the class of requests.
        strict_slashes: the default of routes: whether a trailing slash matters.
        log_config: replaces the default configuration of logging, as `logging.config.dictConfig` takes it.
        configure_logging: whether logging is configured at all.
        dumps: writes JSON.
        loads: reads JSON.
        inspector: whether `app.run` starts an inspector beside the workers, like the setting `INSPECTOR`.
        inspector_class: a subclass of `Inspector`; `sanic-star inspect` can call its public methods.
        certloader_class: a subclass of `CertLoader`; its `load` returns the TLS context.
        debug: whether error pages show details.
        routes: Starlette's routes and mounts.
        middleware: ASGI middleware, as in Starlette.
        exception_handlers: handlers by class or status, as in Starlette.
        lifespan: a context manager that is open while requests are answered, as in Starlette.
        max_body_size: the maximum size of a body in bytes; the smaller one of this and `REQUEST_MAX_SIZE` applies.
        sync_handlers: where synchronous handlers, middleware and exception handlers run: `"loop"`, in the event loop as
            in Sanic, or `"thread"`, in up to `THREAD_POOL_SIZE` threads.

    Raises:
        SanicException: the name is invalid, as in Sanic 25.12, or arguments contradict each other.
        ValueError: `sync_handlers` is something else.

    Examples:
        >>> from sanic_star import Sanic, text
        >>> app = Sanic("Hello")
        >>> @app.get("/")
        ... async def hello(request):
        ...     return text("hello")
    """

    # Writes JSON instead of the package's own writer.
    dumps: Callable[..., str | bytes] | None = None

    _app_registry: ClassVar[dict[str, Sanic[Any, Any]]] = applications
    test_mode: ClassVar[bool] = False
    # How worker processes are started: `fork`, `forkserver`, or `spawn`, which is the default.
    START_METHOD_SET: ClassVar[bool] = False
    start_method: ClassVar[Any] = _default

    router: Router
    _request_class: type[Request]
    config: ConfigT
    ctx: ContextT
    __dir__ = names_without_old
    register_blueprint = OldName()
    remove_route = OldName()
    trigger_events = OldName()
    is_running = OldName()
    is_stopping = OldName()
    # Set by `enable_websocket`.
    _websocket_enabled: Any = None
    _repl_ctx: Any = None

    def __init__(
        self,
        name: str,
        config: ConfigT | None = None,
        ctx: ContextT | None = None,
        router: Router | None = None,
        signal_router: SignalRouter | None = None,
        error_handler: ErrorHandler | None = None,
        env_prefix: str | None = SANIC_PREFIX,
        request_class: type[Request] | None = None,
        strict_slashes: bool = False,
        log_config: dict[str, Any] | None = None,
        configure_logging: bool = True,
        dumps: Callable[..., str | bytes] | None = None,
        loads: Callable[[bytes], Any] | None = None,
        inspector: bool = False,
        inspector_class: type | None = None,
        certloader_class: type | None = None,
        *,
        debug: bool = False,
        routes: Sequence[BaseRoute] | None = None,
        middleware: Sequence[ASGIMiddleware] | None = None,
        exception_handlers: Mapping[Any, ExceptionHandler] | None = None,
        lifespan: Lifespan[Any] | None = None,
        max_body_size: int | None = None,
        sync_handlers: Literal["loop", "thread"] = "loop",
        **old_keywords: Never,
    ) -> None:
        check_name(self, name)
        if sync_handlers not in ("loop", "thread"):
            raise ValueError(f'sync_handlers= takes "loop" or "thread", got {sync_handlers!r}')
        is_registered = True
        if old_keywords:
            from sanic_star.compat._old.keywords import of_application

            env_prefix, is_registered = of_application(old_keywords, env_prefix)
        if config is not None and env_prefix != SANIC_PREFIX:
            raise SanicException("When instantiating Sanic with config, you cannot also pass env_prefix")
        if config is not None and not isinstance(config, Config):
            raise TypeError(f"config has to be a Config, got {config!r:.80}; write config=Config({{…}})")
        if configure_logging:
            configure(log_config)
        # Imported late: commands and modules with blueprints import this module without creating an application.
        from sanic_star.compat.application.state import ApplicationState

        self.name = name
        self.error_handler = error_handler or ErrorHandler()
        super().__init__(debug, None, middleware, exception_handlers, max_body_size=max_body_size)
        if Starlette.__call__ is not ENTRY:
            # Imported only if a monitoring tool has patched it.
            from sanic_star.compat._app.monitoring import watch

            watch(self)
        self.router = _router(router, routes, lifespan)
        if not isinstance(signal_router, SignalRouter | None):
            raise SanicException(f"signal_router is a SignalRouter, got {signal_router!r}")
        self.signal_router = signal_router or SignalRouter()
        self._sync_handlers: str = sync_handlers
        self._answers = Answers(self)
        self._engine = Engine(self, self._answers, Request, make_websocket)
        self._background = Background(self)
        self._runner = Runner(self)
        codec.load()
        self.state: ApplicationState = ApplicationState(self)
        self.debug = debug
        self.config = config if config is not None else Config(env_prefix=env_prefix)  # type: ignore[assignment]
        self.ctx = ctx if ctx is not None else SimpleNamespace()  # type: ignore[assignment]
        self._loads = loads
        self.request_class = request_class or Request
        # Not through the property's setter: a subclass may have another attribute of this name.
        self._engine.make_request = _request_factory(self.request_class)
        self.strict_slashes: bool | None = strict_slashes
        self.configure_logging = configure_logging
        self.blueprints: dict[str, Blueprint] = {}
        self.request_middleware: deque[Middleware] = deque()
        self.response_middleware: deque[Middleware] = deque()
        self.named_request_middleware: dict[str, deque[Middleware]] = {}
        self.named_response_middleware: dict[str, deque[Middleware]] = {}
        # Sanic Extensions replace it with their own set, whose `add` injects dependencies into commands.
        self._definitions: list[Definition] = []
        self._future_commands: set[CommandDefinition] = set()
        self._test_client: Any = None
        self._asgi_client: Any = None
        # Set by `TestManager`; packages check it to detect tests.
        self._test_manager: Any = None
        self.router.ctx.app = self
        self.signal_router.ctx.app = self
        self._listeners = Listeners(self.signal_router, self._engine.lifecycle)
        if is_registered:
            type(self).register_app(self)
        self._server_classes: tuple[type[Any] | None, type[Any] | None] = inspector_class, certloader_class
        if inspector:
            self.config.INSPECTOR = True
        if dumps:
            self.dumps = dumps
            choose_writer_by_app(dumps)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(name="{self.name}")'

    def __str__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def debug(self) -> bool:
        """Whether error pages show details."""
        return self._debug

    @debug.setter
    def debug(self, value: bool) -> None:
        self._debug = value
        self.error_handler.debug = value

    @property
    def request_class(self) -> type[Request]:
        """The class of requests; it can be set until the application starts."""
        return self._request_class

    @request_class.setter
    def request_class(self, value: type[Request]) -> None:
        if self._loads:
            # Set on a subclass, because all applications of the process share the class itself.
            value = type(value.__name__, (value,), {"_loads": staticmethod(self._loads), "_codec": None})
        self._request_class = value
        self._engine.make_request = _request_factory(value)

    # The registry ---------------------------------------------------------------------------------------------------

    @classmethod
    def register_app(cls, app: Sanic[Any, Any]) -> None:
        """Add an application to the registry; of two with the same name, `get_app` returns the newer one.

        Args:
            app: the application; its name is the key.

        Raises:
            SanicException: it is not an application.
        """
        if not isinstance(app, Sanic):
            raise SanicException("Registered app must be an instance of Sanic")
        cls._app_registry.pop(app.name, None)
        cls._app_registry[app.name] = app

    @classmethod
    def unregister_app(cls, app: Sanic[Any, Any]) -> None:
        """Remove an application from the registry.

        Args:
            app: the application.

        Raises:
            SanicException: it is not an application.
        """
        if not isinstance(app, Sanic):
            raise SanicException("Registered app must be an instance of Sanic")
        if cls._app_registry.get(app.name) is app:
            del cls._app_registry[app.name]

    @classmethod
    def get_app(cls, name: str | None = None, *, force_create: bool = False) -> Sanic[Any, Any]:
        """Return an application by its name.

        Args:
            name: its name; optional if there is only one application. `__main__` also finds `__mp_main__`, the name of
                `Sanic(__name__)` in the processes that a script spawns.
            force_create: whether to create an application if there is none.

        Raises:
            SanicException: no application has that name, or there are several and `name` is missing.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("shop")
            >>> Sanic.get_app("shop") is app
            True
        """
        apps = cls._app_registry
        if name is None:
            if len(apps) > 1:
                raise SanicException('Multiple Sanic apps found, use Sanic.get_app("app_name")')
            if not apps:
                raise SanicException("No Sanic apps have been registered.")
            return next(iter(apps.values()))
        try:
            return find_application(name, apps)  # type: ignore[no-any-return]
        except SanicException:
            if force_create:
                return cls("__mp_main__" if name == "__main__" else name)
            raise

    # Registration ---------------------------------------------------------------------------------------------------

    def _define(self, definition: Definition, apply: bool = True) -> None:
        self._definitions.append(definition)
        if apply and is_overridden(self.amend) and not isinstance(definition, ExceptionDefinition | CommandDefinition):
            # As in Sanic, a registration reopens the routers.
            with self.amend():
                super()._define(definition, apply)
        else:
            super()._define(definition, apply)

    def _apply_definition(self, definition: Definition) -> None:
        if isinstance(definition, RouteDefinition):
            self._apply_route(definition)
        elif isinstance(definition, StaticDefinition):
            self._apply_static(definition)
        elif isinstance(definition, MiddlewareDefinition):
            self._apply_middleware(definition)
        elif isinstance(definition, ExceptionDefinition):
            self._apply_exception(definition)
        elif isinstance(definition, CommandDefinition):
            self._apply_command(definition)
        elif isinstance(definition, SignalDefinition):
            self._apply_signal(definition)
        elif isinstance(definition, MountDefinition):
            self._apply_mount(definition)
        else:
            self._apply_listener(definition)

    def _apply_route(
        self, definition: RouteDefinition, overwrite: bool = False, levels: Levels = ()
    ) -> list[Route | WebSocketRoute]:
        fallback = self.strict_slashes if definition.strict_slashes is None else definition.strict_slashes
        routes = self._add_route(
            definition.uri,
            definition.methods,
            definition.handler,
            host=definition.host or None,
            strict_slashes=bool(fallback),
            stream=definition.stream,
            ignore_body=definition.ignore_body,
            version=definition.version,
            name=definition.name,
            unquote=definition.unquote,
            static=definition.static,
            version_prefix=definition.version_prefix,
            overwrite=overwrite,
            error_format=definition.error_format,
            websocket=definition.websocket,
            max_body_size=definition.max_body_size,
            ctx=definition.route_context,
            subprotocols=definition.subprotocols,
            levels=_with_own_level(levels, definition.middleware),
            threaded=definition.threaded,
        )
        if definition.websocket:
            self._websocket_enabled = None
        return routes if isinstance(routes, list) else [routes]

    def _add_route(self, *args: Any, levels: Levels = (), threaded: bool | None = None, **options: Any) -> Any:
        """Add a route to the router, also to the closed router of a running application."""
        with _amend_lock:
            if not self.router.finalized:
                return _set_options(self.router.add(*args, **options), levels, threaded)
            with self.amend():
                return _set_options(self.router.add(*args, **options), levels, threaded)

    @overridable
    @contextmanager
    def amend(self) -> Iterator[None]:
        """Open the router of a running application within the block.

        Other threads that change routes wait; requests do not.
        """
        with _amend_lock:
            closed = self.router.finalized
            self.router.reset()
            try:
                yield
            finally:
                if closed:
                    self.router.finalize()

    def _apply_static(self, definition: StaticDefinition, levels: Levels = ()) -> list[Route | WebSocketRoute]:
        from sanic_star.compat._files.static import static_handler, static_uri

        levels = _with_own_level(levels, definition.middleware)
        if is_overridden(self.route):
            # As in Sanic, where `static` calls `route`.
            before = len(self.router.routes)
            self.route(
                static_uri(definition),
                ("GET", "HEAD"),
                host=definition.host or None,
                strict_slashes=bool(definition.strict_slashes),
                name=definition.name,
                ignore_body=True,
                static=True,
            )(static_handler(definition))
            routes = [route for route in self.router.routes[before:] if isinstance(route, Route)]
            return _set_options(routes, levels, None)  # type: ignore[no-any-return]
        static_routes = self._add_route(
            static_uri(definition),
            ("GET", "HEAD"),
            static_handler(definition),
            host=definition.host or None,
            strict_slashes=bool(definition.strict_slashes),
            ignore_body=True,
            name=definition.name,
            static=True,
            levels=levels,
        )
        return static_routes if isinstance(static_routes, list) else [static_routes]

    def _apply_command(self, definition: CommandDefinition) -> None:
        commands = self._future_commands
        commands.difference_update([command for command in commands if command.name == definition.name])
        commands.add(definition)

    def _apply_middleware(self, definition: MiddlewareDefinition, route_names: list[str] | None = None) -> Middleware:
        attach_to = definition.attach_to
        middleware = _as_middleware(definition.middleware, attach_to, _default)
        if route_names:
            self.register_named_middleware(middleware, route_names, attach_to)
        else:
            self.register_middleware(middleware, attach_to)
        return middleware

    def _apply_exception(self, definition: ExceptionDefinition, route_names: list[str] | None = None) -> Any:
        handler = self._answers.exception_handler(definition.handler, definition.threaded)
        for exception in definition.exceptions:
            self.error_handler.add(exception, handler, route_names)
        return definition.handler

    def _apply_listener(self, definition: ListenerDefinition) -> Any:
        listener = self._answers.listener(definition.listener, definition.threaded)
        return self.register_listener(listener, definition.event, priority=definition.priority)

    def _apply_signal(self, definition: SignalDefinition, reopen: bool = False) -> Signal:
        reopen = self.signal_router.finalized and (reopen or not self._engine.lifecycle.is_down)
        if reopen:
            self.signal_router.finalized = False
        try:
            new_signal = self.signal_router.add(
                definition.handler,
                definition.event,
                definition.condition,
                definition.exclusive,
                priority=definition.priority,
            )
        finally:
            if reopen:
                self.signal_router.finalized = True
        if self.router.finalized and new_signal.parts[0] in RESERVED_NAMESPACES:
            # Event handlers are compiled into the routes at the start.
            self._engine.finalise()
        return new_signal

    def register_listener(self, listener: Any, event: str, *, priority: int = 0) -> Any:
        """Register a listener.

        Args:
            listener: called with nothing, with the application, or with the application and the event loop.
            event: the event.
            priority: higher runs first.

        Raises:
            BadRequest: the event is unknown.
        """
        join = self.signal if is_overridden(self.signal) else None
        self._listeners.add(listener, event, priority, join)
        return listener

    def register_middleware(
        self, middleware: Any, attach_to: str = "request", *, priority: int | Default = _default
    ) -> Any:
        """Run a function before or after all handlers.

        Args:
            middleware: the function.
            attach_to: `request` or `response`.
            priority: middleware with a higher priority runs closer to the client.
        """
        entry = _as_middleware(middleware, attach_to, priority)
        before = entry.location is MiddlewareLocation.REQUEST
        collection = self.request_middleware if before else self.response_middleware
        if entry not in collection:
            collection.append(entry)
            if self.router.finalized:
                self.finalize_middleware()
        return middleware

    @overridable
    def finalize_middleware(self) -> None:
        """Recompile the routes of a running application with its current middleware; before the start, do nothing."""
        if self.router.finalized:
            self._engine.finalise()

    def register_named_middleware(
        self,
        middleware: Any,
        route_names: Iterable[str],
        attach_to: str = "request",
        *,
        priority: int | Default = _default,
    ) -> Any:
        """Run a function before or after the handlers of certain routes; arguments as in `register_middleware`.

        Args:
            middleware: the function.
            route_names: the full names of the routes, such as `Shop.items`.
            attach_to: `request` or `response`.
            priority: middleware with a higher priority runs closer to the client.

        Raises:
            KeyError: `attach_to` is other text.
        """
        entry = _as_middleware(middleware, attach_to, priority)
        before = entry.location is MiddlewareLocation.REQUEST
        table = self.named_request_middleware if before else self.named_response_middleware
        for name in route_names:
            collection = table.setdefault(name, deque())
            if entry not in collection:
                collection.append(entry)
        if self.router.finalized:
            self.finalize_middleware()
        return middleware

    def blueprint(
        self,
        blueprint: Blueprint | BlueprintGroup | Iterable[Any],
        *,
        url_prefix: str | None = None,
        version: int | float | str | None = None,
        strict_slashes: bool | None = None,
        version_prefix: str | None = None,
        name_prefix: str | None = None,
    ) -> None:
        """Register a blueprint, a group, or several of them.

        Args:
            blueprint: the blueprint or blueprints.
            url_prefix: replaces a blueprint's prefix; is put before a group's.
            version: the default for blueprints without a version.
            strict_slashes: the default for blueprints.
            version_prefix: the text before the version.
            name_prefix: a prefix of the names of routes.

        Raises:
            AssertionError: another blueprint has the same name.

        Examples:
            >>> from sanic_star import Blueprint, Sanic, text
            >>> bp = Blueprint("items", url_prefix="/items")
            >>> @bp.get("/<name>")
            ... async def item(request, name):
            ...     return text(name)
            >>> app = Sanic("shop")
            >>> app.blueprint(bp)
            >>> app.test_client.get("/items/tea")[1].text
            'tea'
        """
        options = {
            "url_prefix": url_prefix,
            "version": version,
            "strict_slashes": strict_slashes,
            "version_prefix": version_prefix,
            "name_prefix": name_prefix,
        }
        self._blueprint(blueprint, {key: value for key, value in options.items() if value is not None})

    def _blueprint(self, blueprint: Any, options: dict[str, Any]) -> None:
        if not isinstance(blueprint, Blueprint):
            from sanic_star.compat.blueprint_group import BlueprintGroup

            if isinstance(blueprint, BlueprintGroup):
                for item in blueprint:
                    self._blueprint(item, blueprint.options_for(item, options))
                return
            if isinstance(blueprint, str) or not isinstance(blueprint, Iterable):
                raise TypeError(f"app.blueprint takes blueprints, groups of them, or lists, got {blueprint!r}")
            for item in blueprint:
                self._blueprint(item, dict(options))
            return
        registered_blueprint = self.blueprints.setdefault(blueprint.name, blueprint)
        if registered_blueprint is not blueprint:
            raise AssertionError(
                f'A blueprint with the name "{blueprint.name}" is already registered.  Blueprint names must be unique.'
            )
        if blueprint.strict_slashes is None:
            blueprint.strict_slashes = self.strict_slashes
        blueprint.register(self, options)

    # Starlette's ways of registering --------------------------------------------------------------------------------

    @overload
    def add_route(
        self,
        handler: str,
        uri: Callable[..., Any],
        methods: Iterable[str] | None = ...,
        name: str | None = ...,
        include_in_schema: bool = ...,
    ) -> None: ...
    @overload
    def add_route(
        self,
        handler: H,
        uri: str,
        methods: Iterable[str] = ...,
        host: str | Iterable[str] | None = ...,
        strict_slashes: bool | None = ...,
        version: int | str | float | None = ...,
        name: str | None = ...,
        stream: bool = ...,
        **options: Unpack[AddedRouteOptions],
    ) -> H: ...
    @overload
    def add_route(
        self,
        path: str,
        route: Callable[..., Any],
        methods: Iterable[str] | None = ...,
        name: str | None = ...,
        include_in_schema: bool = ...,
    ) -> None: ...
    def add_route(self, *args: Any, **options: Any) -> Any:
        """Add a route: Sanic's `(handler, uri, …)` or Starlette's `(path, route, …)`.

        Raises:
            TypeError: arguments are missing, or of both kinds.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> async def hello(request):
            ...     return text("hello")
            >>> route = app.add_route(hello, "/hello", methods=["GET"])
            >>> app.test_client.get("/hello")[1].text
            'hello'
        """
        if _are_starlettes(args, options):
            check_methods(args[2] if len(args) > 2 else options.get("methods"))
            self._append(starlette_routing.Route(*args, **_as_endpoint(options)))
            return None
        return super().add_route(*args, **options)

    @overload
    def add_websocket_route(self, handler: str, uri: Callable[..., Any], name: str | None = ...) -> None: ...
    @overload
    def add_websocket_route(
        self,
        handler: H,
        uri: str,
        host: str | Iterable[str] | None = ...,
        strict_slashes: bool | None = ...,
        subprotocols: Iterable[str] | None = ...,
        version: int | str | float | None = ...,
        name: str | None = ...,
        **options: Unpack[AddedRouteOptions],
    ) -> H: ...
    @overload
    def add_websocket_route(self, path: str, route: Callable[..., Any], name: str | None = ...) -> None: ...
    def add_websocket_route(self, *args: Any, **options: Any) -> Any:
        """Add a websocket route: Sanic's `(handler, uri, …)`, or Starlette's `(path, route, name)`.

        Raises:
            TypeError: arguments are missing, or of both kinds.
        """
        if _are_starlettes(args, options):
            self._append(starlette_routing.WebSocketRoute(*args, **_as_endpoint(options)))
            return None
        return super().add_websocket_route(*args, **options)

    def mount(
        self,
        path: str,
        app: ASGIApp,
        name: str | None = None,
        *,
        middleware: Sequence[ASGIMiddleware] | None = (),
        lifespan: bool = True,
        handle_errors: bool = False,
    ) -> None:
        """Serve another ASGI application below a path.

        A route of this application takes precedence over a mount, and a mount over a catch-all route.

        Args:
            path: the path, with a leading slash; parameters in Sanic's or Starlette's syntax. `"/"` serves all paths
                that have no other route.
            app: the application.
            name: the name for building URLs: `url_for("name:…")`.
            middleware: ASGI middleware around it, the outermost first.
            lifespan: whether its lifespan runs inside this application's. A lifespan that the application's own
                `lifespan=` has entered does not run again.
            handle_errors: whether exception handlers of this application answer exceptions for which the mounted one
                has no handler, and an `HTTPException` that Starlette's default handler would answer.

        Raises:
            TypeError: `app` cannot be called, `path` or `name` is not a string, or `middleware` is not a list of
                `Middleware(…)` objects.
            ValueError: the path does not start with a slash, has a parameter of a type that Starlette does not have, or
                is the path of another mount.

        Examples:
            >>> async def hello(scope, receive, send):
            ...     await text("hello")(scope, receive, send)
            >>> app = Sanic("outer")
            >>> app.mount("/t/<tenant>", hello, name="tenants", lifespan=False)
        """
        middlewares = check_middleware(middleware)
        # Imported with the first mount.
        from sanic_star.compat._app.mounts import Mount

        self._append_mount(
            Mount(path, app, name, middleware=middlewares, lifespan=lifespan, handle_errors=handle_errors),
        )

    def _append_mount(self, route: Any) -> None:
        if any(isinstance(other, routing.Mount) and other.path == route.path for other in self.router.routes):
            raise ValueError(f"Something is already mounted at {route.path or '/'!r}: it would get all requests")
        self._append(route)
        if route.runs_lifespan and self._engine.lifecycle.is_up and hasattr(route._base_app, "router"):
            logger.warning(
                "%r was mounted at %r after the start: it answers requests, but its lifespan does not run",
                route._base_app,
                route.path or "/",
            )

    def host(self, host: str, app: ASGIApp, name: str | None = None, *, lifespan: bool = True) -> None:
        """Serve all requests to a host with another ASGI application.

        Unlike Starlette's `Host` in `routes=[…]`, it takes precedence over all routes of this application.

        Args:
            host: the host, without a port; it may have parameters: `"<tenant>.example.org"`.
            app: the application.
            name: the name for building URLs: `url_for("name:…")`.
            lifespan: whether its lifespan runs inside that of this application.

        Raises:
            TypeError: `app` cannot be called, or the host is not a string.
            ValueError: the host is empty, has a port, or is a URL.

        Examples:
            >>> async def hello(scope, receive, send):
            ...     await text("hello")(scope, receive, send)
            >>> app = Sanic("hosts")
            >>> app.host("api.example.org", hello)
        """
        # Imported with the first host.
        from sanic_star.compat._app.mounts import make_host

        self._append(make_host(host, app, name, lifespan))

    def _apply_mount(self, definition: MountDefinition, levels: Levels = ()) -> str:
        """Apply a blueprint's mount; return the name that its request middleware is registered under."""
        from sanic_star.compat._app.mounts import Mount

        mount = Mount(
            definition.uri,
            definition.app,
            definition.name,
            middleware=definition.middleware,
            lifespan=definition.lifespan,
            handle_errors=definition.handle_errors,
        )
        mount.middleware_name = self.generate_name(f"(mount {mount.path})")
        mount.set_outer_levels([asgi for asgi, _ in levels])
        self._append_mount(mount)
        return mount.middleware_name

    def _append(self, route: BaseRoute) -> None:
        self.router.routes.append(route)
        self.router._describe_foreign(route)

    def add_exception_handler(self, exc_class_or_status_code: Any, handler: Any) -> None:
        """Register a handler for exceptions of a class or a status code (Starlette's API).

        Args:
            exc_class_or_status_code: an exception class, whose subclasses are handled too, or a status code.
            handler: called with the request and the exception; returns a response.

        Raises:
            ServerError: the class or the status code already has a handler.
            TypeError: the first argument is something else.
        """
        check_exception_key(exc_class_or_status_code)
        self.error_handler.add(exc_class_or_status_code, self._answers.exception_handler(handler))

    def update_config(self, config: Any) -> None:
        """Update the configuration from a mapping, an object, a file or a module; see `Config.update_config`.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("shop")
            >>> app.update_config({"REQUEST_MAX_SIZE": 1_000_000})
            >>> app.config.REQUEST_MAX_SIZE
            1000000
        """
        self.config.update_config(config)

    # URLs -----------------------------------------------------------------------------------------------------------

    def _build_endpoint_name(self, *parts: str) -> str:
        return ".".join((self.name, *parts))

    def url_for(self, view_name: str, **kwargs: Any) -> str:
        """Return the URL of a view.

        Args:
            view_name: the view's name, with or without the application's name as prefix; or Starlette's `mount:name`.
            kwargs: path parameters; `filename` for static files; `_anchor`, `_external`, `_host`, `_scheme`,
                `_server`; all others become the query.

        Raises:
            URLBuildError: no view has that name, or a parameter is missing or of another type.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("Links")
            >>> @app.get("/users/<id:int>")
            ... async def user(request, id): ...
            >>> app.url_for("user", id=3, tab="posts")
            '/users/3?tab=posts'
        """
        urls = _urls()
        path: str | None = urls.plain_path(self, view_name, kwargs)
        return path if path is not None else urls.build_url(self, view_name, kwargs)

    # `Request.url_for` compares with this to detect an override.
    _plain_url_for = url_for

    # Start and stop -------------------------------------------------------------------------------------------------

    def build_middleware_stack(self) -> ASGIApp:
        """Return the ASGI application for connections: the dispatch, inside ASGI middleware and the start-up gate."""
        return self._engine.gate(self.user_middleware)

    @overridable
    def finalize(self) -> None:
        """Compile all routes and close the router; the start calls this too.

        Raises:
            ServerError: a setting is invalid, or two routes have the same name.
        """
        self._engine.finalise()

    @property
    def _task_registry(self) -> dict[str, asyncio.Task[Any]]:
        """The named tasks of `add_task`, by name; packages for Sanic read it."""
        return self._background.by_name()

    @overridable
    async def _startup(self) -> None:
        """Check and close the routers, as in Sanic.

        Tests of Sanic plugins call it instead of a start. Monitoring tools patch it to register signals; then it is
        awaited once, before the first start.

        Raises:
            ServerError: see `finalize`.
        """
        if not self._answers.has_started_up:
            check_route_names(self.router.routes)
            self.finalize()

    @property
    def listeners(self) -> dict[str, list[Callable[..., Any]]]:
        """The listeners by event, in order of registration."""
        return self._listeners.by_event()

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        *old_arguments: Never,
        single_process: bool = False,
        load: Callable[[], Any] | None = None,
        **options: Any,
    ) -> None:
        """Serve the application until it is stopped; exit with status 1 if it cannot be served.

        Args:
            host: the address to listen on.
            port: the port to listen on; 0 for any free port.
            single_process: whether to use only one process, without the listeners of the main process.
            old_arguments: further positional arguments, in the order of Sanic up to 19.12.
            load: returns the application in other processes; by default they import the main module, and look the
                application up by its name.
            options: see `prepare`.

        Raises:
            RuntimeError, TypeError, ValueError: options are invalid or contradict each other.
            RuntimeError: an event loop is already running, as in a notebook; use `create_server` there.
            SystemExit: with status 1, the address is in use, a server is not installed, or the start failed.

        Examples:
            A script::

                if __name__ == "__main__":
                    app.run(port=8000, workers=2)
        """
        from sanic_star.compat._serving import serving

        if serving.is_imported_by_worker():
            return
        loop = None
        if old_arguments or options.keys() & _REMOVED_OPTIONS:
            from sanic_star.compat._old.keywords import of_run

            loop = of_run(old_arguments, options)
            single_process = single_process or loop is not None
        self.prepare(host, port, single_process=single_process, **options)
        if loop is not None:
            prepared_now = self.state.server_info[-1]
            prepared_now.backend_settings = replace(prepared_now.backend_settings, loop=loop)
        if single_process:
            self.serve_single(self)
        else:
            self.serve(self, app_loader=serving.loader_of(load))

    @property
    def go_fast(self) -> Callable[..., None]:
        """The former name of `run`."""
        return self.run

    prepare = delegate(Runner.prepare, _runner)
    motd = delegate(Runner.motd, _runner)
    get_motd_data = overridable(delegate(Runner.get_motd_data, _runner))
    create_server = delegate(Runner.create_server, _runner)
    stop = overridable(delegate(Runner.stop, _runner))

    @classmethod
    def serve(cls, primary: Any = None, *, app_loader: Any = None, factory: Callable[[], Any] | None = None) -> None:
        """Serve all applications that were prepared, until they are stopped.

        Args:
            primary: the application whose main process listeners run, and whose number of workers is used; by default
                the one that was prepared first.
            app_loader: an object whose method `load` returns the primary application in other processes.
            factory: a function that does the same.

        Raises:
            SystemExit: with status 1, an address is in use, a server is not installed, a setting is invalid, or a start
                failed.
        """
        from sanic_star.compat._serving import serving

        serving.serve(serving.prepared(cls._app_registry, primary), app_loader, factory)

    @classmethod
    def serve_single(cls, primary: Any = None) -> None:
        """Serve all applications that were prepared in this process, without listeners of a main process.

        Args:
            primary: the application that starts first.

        Raises:
            RuntimeError: several workers or an automatic reload were requested.
            SystemExit: with status 1, an address is in use, a server is not installed, a setting is invalid, or a start
                failed.
        """
        from sanic_star.compat._serving import serving

        serving.serve_single(serving.prepared(cls._app_registry, primary))

    @cached_property
    def shared_ctx(self) -> SharedContext:
        """Objects that worker processes share: queues, locks, shared memory."""
        from sanic_star.compat.types.shared_ctx import SharedContext

        return SharedContext()

    @property
    def serve_location(self) -> str:
        """The URL of the first prepared address.

        Empty if the port will be any free one; `http://<ASGI>` if another server runs the application.
        """
        state = self.state
        if state.server_info:
            return self.get_server_location(state.server_info[0].settings)
        # In a worker process, or a server in a running event loop.
        names = ("host", "port", "unix", "ssl", "sock")
        settings = {name: getattr(state, name) for name in names}
        return self.get_server_location(settings) if state.host else "http://<ASGI>"

    @property
    def m(self) -> WorkerMultiplexer:
        """The multiplexer of this worker process: its name, and methods to restart or end workers.

        Raises:
            AttributeError: this is not a worker process.
        """
        replaced: WorkerMultiplexer | None = vars(self).get("_multiplexer")
        if replaced is not None:
            return replaced
        from sanic_star.compat.worker.multiplexer import multiplexer_of_process

        return multiplexer_of_process()

    @property
    def multiplexer(self) -> WorkerMultiplexer:
        """The same as `m`; tests may set it."""
        return self.m

    @multiplexer.setter
    def multiplexer(self, value: WorkerMultiplexer) -> None:
        self._multiplexer = value

    @property
    def manager(self) -> WorkerManager:
        """The manager of the main process, available from `main_process_ready` to `main_process_stop`.

        Raises:
            SanicException: this is not the main process, it has not started yet, or there is only one process.
        """
        return self._of_main_process("manager")  # type: ignore[no-any-return]

    @property
    def auto_reload(self) -> bool:
        """Whether the application reloads when its files change."""
        return bool(self.config.AUTO_RELOAD)

    @auto_reload.setter
    def auto_reload(self, value: bool) -> None:
        self.config.AUTO_RELOAD = self.state.auto_reload = value

    @property
    def reload_dirs(self) -> set[Path]:
        """The directories that are watched for changes, besides the application's own."""
        return self.state.reload_dirs  # type: ignore[no-any-return]

    @property
    def sock(self) -> socket | None:
        """The socket that was passed to `prepare`."""
        return self.state.sock  # type: ignore[no-any-return]

    @property
    def asgi(self) -> bool:
        """Whether an ASGI server runs the application: true, unless it was set."""
        return bool(self.state.asgi)

    @asgi.setter
    def asgi(self, value: bool) -> None:
        self.state.asgi = value

    @property
    def websocket_enabled(self) -> bool:
        """Whether there is a websocket route, or the value that `enable_websocket` has set since."""
        if self._websocket_enabled is not None:
            return self._websocket_enabled  # type: ignore[no-any-return]
        return any(isinstance(route, routing.WebSocketRoute) for route in self.router.routes)

    @websocket_enabled.setter
    def websocket_enabled(self, value: bool) -> None:
        self._websocket_enabled = value

    def enable_websocket(self, enable: bool = True) -> None:
        """Set `websocket_enabled` until a websocket route is added; websocket routes work in any case.

        Args:
            enable: the value.
        """
        self._websocket_enabled = enable

    @property
    def websocket_tasks(self) -> set[asyncio.Task[Any]]:
        """The tasks that run handlers of websockets."""
        requests = [request for request in list(live.values()) if request.scope.get("app") is self]
        streams = [request._open_stream for request in requests if request.scope["type"] == "websocket"]
        return {stream.task for stream in streams if stream is not None}

    # Names of Sanic's own server ------------------------------------------------------------------------------------

    @property
    def certloader_class(self) -> type[Any]:
        """The class that loads certificates."""
        from sanic_star.compat._serving.certificates import CertLoader

        return self._server_classes[1] or CertLoader

    @property
    def inspector_class(self) -> type[Inspector]:
        """The class of the inspector."""
        from sanic_star.compat.worker.inspector import Inspector

        return self._server_classes[0] or Inspector

    @property
    def inspector(self) -> Inspector:
        """The inspector, available from `main_process_ready` to `main_process_stop`.

        Raises:
            SanicException: this is not the main process, it has not started yet, or the setting `INSPECTOR` is false.
        """
        return self._of_main_process("inspector")  # type: ignore[no-any-return]

    def _of_main_process(self, name: str) -> Any:
        """Return the manager or the inspector, which tests and `refresh` may set.

        Raises:
            SanicException: this process does not have one.
        """
        value = vars(self).get(f"_{name}") or getattr(self._runner, name)
        if value is None or "SANIC_WORKER_PROCESS" in os.environ:
            raise SanicException(
                f"Can only access the {name} from the main process, which has it from main_process_ready to "
                "main_process_stop; a worker has app.m"
            )
        return value

    @property
    def repl_ctx(self) -> REPLContext:
        """Variables for the Python prompt of `sanic-star --repl`."""
        if self._repl_ctx is None:
            from sanic_star.compat.models.ctx_types import REPLContext

            self._repl_ctx = REPLContext()
        return self._repl_ctx  # type: ignore[no-any-return]

    @staticmethod
    def get_address(host: str | None, port: int | None, version: int = 1, auto_tls: bool = False) -> tuple[str, int]:
        """Return the address that `app.run` listens on.

        Args:
            host: an address, by default 127.0.0.1.
            port: a port, by default 8000, with TLS 8443.
            version: the version of HTTP.
            auto_tls: whether a certificate is created.

        Examples:
            >>> Sanic.get_address(None, None, version=3)
            ('127.0.0.1', 8443)
        """
        return host or "127.0.0.1", port or (8443 if version == 3 or auto_tls else 8000)

    @staticmethod
    def get_server_location(server_settings: Mapping[str, Any] | None = None) -> str:
        """Return the URL of a server; empty if it has no port.

        Args:
            server_settings: has `host` and `port`, and may have `ssl`, `unix` and `sock`, as
                `app.state.server_info[0].settings`.

        Examples:
            >>> Sanic.get_server_location({"host": "::1", "port": 8000})
            'http://[::1]:8000'
        """
        settings = server_settings or {}
        scheme = "http" if settings.get("ssl") is None else "https"
        if settings.get("unix"):
            return f"{settings['unix']} {scheme}://..."
        host, port = settings.get("host"), settings.get("port")
        if settings.get("sock"):
            address = settings["sock"].getsockname()
            if not isinstance(address, tuple):
                return f"{address} {scheme}://..."
            host, port = address[:2]
        if not host or not port:
            return ""
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def make_coffee(self, *args: Any, **kwargs: Any) -> None:
        """Serve the application, with a cup of coffee in the first log line; arguments as in `run`."""
        self.run(*args, **{**kwargs, "coffee": True})

    def refresh(self, passthru: Mapping[str, Any] | None = None) -> Sanic[Any, Any]:
        """Return the application that is registered under this one's name.

        Args:
            passthru: attributes to set on it; a mapping sets attributes of that attribute, such as `config`.

        Raises:
            SanicException: no application has that name.
        """
        registered_app = self.get_app(self.name)
        for name, value in (passthru or {}).items():
            if isinstance(value, dict):
                for attribute, attribute_value in value.items():
                    setattr(getattr(registered_app, name), attribute, attribute_value)
            else:
                setattr(registered_app, name, value)
        return registered_app

    @staticmethod
    async def run_delayed_task(app: Sanic[Any, Any], loop: Any, task: Any) -> None:
        """Run a task like `add_task`, and wait for its end.

        Args:
            app: the application.
            loop: ignored: the running event loop is used.
            task: a coroutine, a task, or a function that returns one.
        """
        await app._background.run_job(task)

    @staticmethod
    async def dispatch_delayed_tasks(app: Sanic[Any, Any]) -> None:
        """Start the tasks that were added before there was an event loop; the start calls this too.

        Args:
            app: the application that the tasks were added to.
        """
        app._background.start_delayed_tasks()

    def ack(self) -> None:
        """Tell the supervisor that this worker is ready; outside a worker, do nothing."""
        worker = getattr(self, "m", None)
        if worker is not None:
            worker.ack()

    def set_serving(self, serving: bool) -> None:
        """Set `app.state.is_running`; in a worker, also the state in `app.m.workers`.

        Args:
            serving: the value.
        """
        setattr(self.state, "is_running", serving)  # noqa: B010 - its attributes are read by properties
        worker = getattr(self, "m", None)
        if worker is not None:
            worker.set_serving(serving)

    @classmethod
    def should_auto_reload(cls) -> bool:
        """Return whether a registered application reloads when its files change."""
        return any(app.state.auto_reload for app in cls._app_registry.values())

    def setup_loop(self) -> None:
        """Use uvloop for new event loops of this process, unless `USE_UVLOOP` is false; `app.run` does it itself."""
        from sanic_star.compat.server.loop import try_use_uvloop

        if self.config.USE_UVLOOP:
            try_use_uvloop()

    # Requests -------------------------------------------------------------------------------------------------------

    @overridable
    async def handle_request(self, request: Request) -> None:
        """Answer a request: run routing, middleware and handler, and send the response.

        Args:
            request: the request; outside an override, a new one is created from its scope.
        """
        # In an override that the engine has called, the dispatch gets this request object.
        is_forwarded = request.scope.get(PREPARED_REQUEST) is request
        dispatch_app: ASGIApp = self._engine.dispatch if is_forwarded else self
        await dispatch_app(request.scope, request._replay(), request._send)

    @overridable
    async def handle_exception(self, request: Request, exception: BaseException, run_middleware: bool = True) -> None:
        """Send the response to an exception: its handler's response, or the error page.

        Args:
            request: the request.
            exception: the exception.
            run_middleware: whether to run middleware that has not run yet.
        """
        if not run_middleware:
            request._request_middleware_started = request._response_middleware_started = True
        await self._answers.handle_exception(request, exception)

    # Background tasks and timers ------------------------------------------------------------------------------------

    add_task = delegate(Background.add_task, _background)
    get_task = delegate(Background.get_task, _background)
    cancel_task = delegate(Background.cancel_task, _background)
    purge_tasks = delegate(Background.purge_tasks, _background)
    shutdown_tasks = overridable(delegate(Background.shutdown_tasks, _background))
    every = delegate(Background.every, _background)
    cron = delegate(Background.cron, _background)

    @property
    def tasks(self) -> Iterable[asyncio.Task[Any]]:
        """The registered background tasks."""
        return self._background.named()

    @property
    def running_tasks(self) -> int:
        """The number of running background tasks, including timers."""
        return self._background.running()

    # Signals --------------------------------------------------------------------------------------------------------

    @overridable
    def dispatch(
        self,
        event: str | Enum,
        *,
        condition: dict[str, str] | None = None,
        context: dict[str, Any] | None = None,
        fail_not_found: bool = True,
        inline: bool = False,
        reverse: bool = False,
    ) -> Coroutine[Any, Any, Any]:
        """Dispatch an event: call its handlers; result and exceptions as in `SignalRouter.dispatch`.

        Args:
            event: its name, in three parts.
            condition: selects handlers; see `signal`.
            context: keyword arguments for the handlers.
            fail_not_found: whether an inline dispatch raises if the event never had a handler.
            inline: whether to wait for the handlers; otherwise they run in a task.
            reverse: whether to call them in reverse order.

        Examples:
            >>> from sanic_star import Sanic
            >>> app = Sanic("Shop")
            >>> @app.signal("shop.order.<what>")
            ... async def order(what, number):
            ...     print(what, number)
            >>> asyncio.run(app.dispatch("shop.order.placed", context={"number": 1}, inline=True))
            placed 1
        """
        return self.signal_router.dispatch(
            event,
            context=context,
            condition=condition,
            fail_not_found=fail_not_found,
            inline=inline,
            reverse=reverse,
        )

    async def event(
        self,
        event: str | Enum,
        timeout: float | None = None,  # noqa: ASYNC109 (as in Sanic)
        *,
        condition: dict[str, Any] | None = None,
        exclusive: bool = True,
    ) -> Any:
        """Wait for an event.

        Args:
            event: its name; an event without a signal only if `EVENT_AUTOREGISTER` is set.
            timeout: how long to wait, in seconds.
            condition: the condition that the event has to be dispatched with.
            exclusive: whether an event without a condition does not match.

        Returns:
            The event's context.

        Raises:
            InvalidSignal: the name is invalid.
            sanic_routing.exceptions.NotFound: the event is unknown.
            TimeoutError: the event was not dispatched in time.
        """
        waiter = self.signal_router.get_waiter(event, condition, exclusive)
        if waiter is None and self.config.EVENT_AUTOREGISTER:
            self._apply_signal(SignalDefinition(no_handler, event), reopen=True)
            waiter = self.signal_router.get_waiter(event, condition, exclusive)
        if waiter is None:
            raise _routing.exceptions.NotFound(f"Could not find signal {event}")
        return await asyncio.wait_for(waiter.wait(), timeout)

    def report_exception(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Call a function with the application and each exception that a request or a signal raises, handled or not.

        Args:
            handler: called with application and exception; may be a coroutine function.

        Returns:
            The handler of the signal, which takes the exception alone, as in Sanic 25.12.
        """
        return self.add_signal(self._exception_signal(handler), "server.exception.report")

    @overridable
    def signalize(self, allow_fail_builtin: bool = True) -> None:
        """Close the signal router; the start does this itself.

        Args:
            allow_fail_builtin: see `SignalRouter`.
        """
        self.signal_router.allow_fail_builtin = allow_fail_builtin
        self.signal_router.finalize()
        # Events of requests are compiled with the routes.
        if self.router.finalized:
            self._engine.finalise()

    # The event loop -------------------------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that the application runs on; also readable in threads.

        Raises:
            SanicException: the application has not started.
        """
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            loop = self._answers.loop
            if loop is not None:
                return loop
            raise SanicException("Loop can only be retrieved after the app has started running.") from None

    # Sanic wraps websocket handlers with this method. Here it is unused, but Sanic Extensions compare handlers with it.
    _websocket_handler = None

    # Extensions -----------------------------------------------------------------------------------------------------

    def extend(
        self,
        *,
        extensions: list[type[Extension] | Extension] | None = None,
        built_in_extensions: bool = True,
        config: Config | dict[str, Any] | None = None,
        **options: Any,
    ) -> Extend:
        """Set up Sanic Extensions, the package `sanic-ext`, with your own arguments.

        Args:
            extensions: extensions of your own.
            built_in_extensions: whether to set up the extensions of the package too.
            config: its configuration, a `sanic_ext.Config` or the arguments of one.
            options: the configuration as keywords.

        Raises:
            RuntimeError: the package is already set up, disabled by `AUTO_EXTEND`, not installed, or its import fails.
            AliasError: Sanic itself was imported before.

        Examples:
            With a file `templates/hello.html`::

                app.extend(config={"oas": False})

                @app.get("/")
                @app.ext.template("hello.html")
                async def hello(request):
                    return {"name": "world"}
        """
        from sanic_star.compat.application.ext import extensions_of, setup_ext

        if hasattr(self, "_ext"):
            raise RuntimeError("Sanic Extensions are already set up: call app.extend before you read app.ext")
        arguments = {"extensions": extensions, "built_in_extensions": built_in_extensions, "config": config}
        setup_ext(self, fail=True, **arguments, **options)
        return extensions_of(self)

    @property
    def ext(self) -> Extend:
        """Sanic Extensions, set up on first access; raises the exceptions of `extend`."""
        from sanic_star.compat.application.ext import extensions_of

        return extensions_of(self)

    # Tests ----------------------------------------------------------------------------------------------------------

    @property
    def test_client(self) -> SanicTestClient:
        """A client for synchronous tests; see `sanic_star.testing`.

        Examples:
            >>> from sanic_star import Sanic, text
            >>> app = Sanic("shop")
            >>> @app.get("/")
            ... async def hello(request):
            ...     return text("hello")
            >>> request, response = app.test_client.get("/")
            >>> response.status, response.text
            (200, 'hello')
        """
        if self._test_client is None:
            self._test_client = _testing().SanicTestClient(self)
        return self._test_client  # type: ignore[no-any-return]

    @property
    def asgi_client(self) -> SanicASGITestClient:
        """A client for asynchronous tests; see `sanic_star.testing`."""
        if self._asgi_client is None:
            self._asgi_client = _testing().SanicASGITestClient(self)
        return self._asgi_client  # type: ignore[no-any-return]


def _router(router: Router | None, routes: Sequence[BaseRoute] | None, lifespan: Lifespan[Any] | None) -> Router:
    """Return the given router or a new one, with Starlette's routes and lifespan added."""
    router = router or Router()
    if routes:
        router.routes.extend(routes)
        router._describe_foreign(*routes)
    if lifespan is not None:
        # Starlette's `__init__` handles the different forms of a lifespan.
        router.lifespan_context = starlette_routing.Router(lifespan=lifespan).lifespan_context
    return router


def _request_factory(request_class: type[Request]) -> MakeRequest:
    """Return the function that creates requests: the class itself, unless it has its own `__init__`."""
    if not isinstance(request_class, type) or request_class.__init__ is Request.__init__:
        return request_class
    from sanic_star.compat.request._sanic_form import RequestFactory

    return RequestFactory(request_class, Request)


def _with_own_level(levels: Levels, middleware: Sequence[ASGIMiddleware]) -> Levels:
    """Return the levels of ASGI middleware around a route, with the route's own as the innermost."""
    return (*levels, (middleware, ())) if levels or middleware else ()


def _set_options(added: Any, levels: Levels, threaded: bool | None) -> Any:
    """Set the levels of ASGI middleware of one or several routes, and whether they run in threads."""
    if levels or threaded is not None:
        for route in added if isinstance(added, list) else [added]:
            route._levels, route._threaded = levels, threaded
    return added


def _are_starlettes(args: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
    """Return whether the arguments of a route are Starlette's: the path is first, or passed as `path`."""
    return isinstance(args[0], str) if args else "path" in options


def _as_endpoint(options: dict[str, Any]) -> dict[str, Any]:
    """Convert keywords of Starlette's `add_route` to those of `Route`, where the function is called `endpoint`."""
    if "route" in options:
        options["endpoint"] = options.pop("route")
    return options


def _as_middleware(middleware: Any, attach_to: str, priority: int | Default) -> Middleware:
    location = as_location(attach_to)
    if not isinstance(middleware, Middleware):
        return Middleware(middleware, location, priority if isinstance(priority, int) else 0)
    if isinstance(priority, int) and priority != middleware.priority:
        copy_with_priority = Middleware(middleware.func, middleware.location, priority)
        copy_with_priority.threaded = middleware.threaded
        return copy_with_priority
    return middleware


def _explain(name: str) -> str:
    # Imported late: only an error needs the table of explanations.
    from sanic_star.compat._alias.left_out import explain

    return explain(name)


def _testing() -> Any:
    # Imported late: the test clients are a layer above, and import an HTTP client that applications don't need.
    from sanic_star import testing

    return testing


compat._classes_with_start_method.append(Sanic)
registry.make_application = Sanic

if not TYPE_CHECKING:

    def __getattr__(name):
        # Sanic's module has this name of another module, too.
        return blueprints.BlueprintGroup if name == "BlueprintGroup" else old_names(__name__)(name)


__all__ = ["Sanic"]
