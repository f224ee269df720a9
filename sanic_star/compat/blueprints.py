"""Blueprints: parts of an application that are defined first, and registered later any number of times."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from copy import copy as shallow_copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from starlette.middleware import Middleware

from sanic_star.compat._app.decorators import Registrar, check_middleware, check_name, check_threaded
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
from sanic_star.compat._support.lazy import old_names
from sanic_star.compat.exceptions import SanicException
from sanic_star.compat.helpers import Default, _default

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sanic_star.compat._routing.routes import Levels, Route, WebSocketRoute
    from sanic_star.compat.blueprint_group import BlueprintGroup
    from sanic_star.compat.router import Router

_VERSION_PREFIX = "/v"


if TYPE_CHECKING:

    class Application(Protocol):
        """The members of an application that a blueprint uses; `Sanic` itself cannot be imported here."""

        def generate_name(self, *objects: Any) -> str: ...
        def _apply_route(
            self, definition: RouteDefinition, overwrite: bool = False, levels: Levels = ()
        ) -> list[Route | WebSocketRoute]: ...
        def _apply_static(self, definition: StaticDefinition, levels: Levels = ()) -> list[Route | WebSocketRoute]: ...
        def _apply_mount(self, definition: MountDefinition, levels: Levels = ()) -> str: ...
        def _apply_middleware(self, definition: MiddlewareDefinition, route_names: list[str] | None = None) -> Any: ...
        def _apply_exception(self, definition: ExceptionDefinition, route_names: list[str] | None = None) -> Any: ...
        def _apply_listener(self, definition: ListenerDefinition) -> Any: ...
        def _apply_signal(self, definition: SignalDefinition) -> Any: ...


class Blueprint(Registrar):
    """A part of an application.

    Args:
        name: unique in an application; the prefix of the names of routes.
        url_prefix: the prefix of its paths.
        host: the host or hosts of its routes.
        version: the version, put before the prefix: `/v1`.
        strict_slashes: whether a trailing slash matters in its routes.
        version_prefix: the text before the version.
        middleware: ASGI middleware around its routes, the outermost first.
        threaded: whether its synchronous handlers, middleware and exception handlers run in threads; `None` leaves it
            to its group, then to the application's `sync_handlers`.

    Raises:
        SanicException: the name is invalid, as in Sanic 25.12.
        TypeError: `middleware` is not a list of `Middleware(…)` objects, or `threaded` is neither true nor false.

    Examples:
        >>> bp = Blueprint("users", url_prefix="/users")
        >>> @bp.get("/<id:int>")
        ... async def show(request, id): ...
    """

    def __init__(
        self,
        name: str,
        url_prefix: str | None = None,
        host: list[str] | str | None = None,
        version: int | str | float | None = None,
        strict_slashes: bool | None = None,
        version_prefix: str = _VERSION_PREFIX,
        *,
        middleware: Sequence[Middleware] | None = (),
        threaded: bool | None = None,
    ) -> None:
        check_name(self, name)
        check_threaded(threaded)
        self._threaded = threaded
        self.user_middleware = list(check_middleware(middleware))
        self.name = name
        self.url_prefix = url_prefix[:-1] if url_prefix and url_prefix.endswith("/") else url_prefix
        self.host = host
        self.version = version
        self.strict_slashes = strict_slashes
        self.version_prefix = version_prefix
        self.copied_from = ""
        self.ctx = SimpleNamespace()
        self._definitions: list[Definition] = []
        self._allow_route_overwrite = False
        self.reset()

    def __repr__(self) -> str:
        attributes = {key: getattr(self, key) for key in ("name", "url_prefix", "host", "version", "strict_slashes")}
        texts = {key: f'"{value}"' if isinstance(value, str) else value for key, value in attributes.items()}
        return f"Blueprint({', '.join(f'{key}={value}' for key, value in texts.items())})"

    def __str__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _define(self, definition: Definition, apply: bool = True) -> None:
        # As in Sanic, `apply=False` changes nothing here: a blueprint applies its definitions when it is registered.
        self._definitions.append(definition)
        for app, options in list(self._registrations):
            self._apply(app, options)

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Add ASGI middleware around this blueprint's routes, outside of middleware that was added before.

        It runs inside the application's and the group's, and outside the blueprint's Sanic middleware.

        Args:
            middleware_class: called with the ASGI application and the other arguments.
            args: positional arguments for it.
            kwargs: keyword arguments for it.

        Raises:
            RuntimeError: an application that the blueprint is registered in has started.

        Examples:
            >>> from starlette.middleware.gzip import GZipMiddleware
            >>> bp = Blueprint("reports", url_prefix="/reports")
            >>> bp.add_middleware(GZipMiddleware, minimum_size=500)
        """
        if any(app.middleware_stack is not None for app in self._apps):
            raise RuntimeError("Cannot add middleware after an application has started")
        self.user_middleware.insert(0, Middleware(middleware_class, *args, **kwargs))

    def mount(
        self,
        path: str,
        app: ASGIApp,
        name: str | None = None,
        *,
        middleware: Sequence[Middleware] | None = (),
        lifespan: bool = True,
        handle_errors: bool = False,
    ) -> None:
        """Serve another ASGI application below a path of this blueprint, after its version and prefix.

        The blueprint's request middleware runs first, and may respond. The ASGI middleware of the blueprint and its
        groups wraps the application.

        Args:
            path: the path, as in `Sanic.mount`.
            app: the application.
            name: the name for building URLs, prefixed with the blueprint's: `"blueprint.name:…"`.
            middleware: ASGI middleware around it, the outermost first.
            lifespan: see `Sanic.mount`.
            handle_errors: see `Sanic.mount`.

        Raises:
            TypeError: `app` cannot be called, `path` or `name` is not a string, or `middleware` is not a list of
                `Middleware(…)` objects.
            ValueError: the path does not start with a slash, or the blueprint has a host. At the registration also: the
                path has a parameter of a type that Starlette does not have, or is the path of another mount.

        Examples:
            >>> async def hello(scope, receive, send): ...
            >>> bp = Blueprint("tools", url_prefix="/tools")
            >>> bp.mount("/hello", hello)
        """
        # Imported with the first mount.
        from sanic_star.compat._app.mounts import check_arguments

        check_arguments(path, app, name)
        if self.host:
            raise ValueError(f"{self} is for certain hosts, which a mount cannot be: use app.host(…) for {app!r}")
        self._define(MountDefinition(path, app, name, check_middleware(middleware), lifespan, handle_errors))

    @property
    def apps(self) -> set[Any]:
        """The applications that the blueprint is registered in.

        Raises:
            SanicException: the blueprint is not registered.
        """
        if not self._apps:
            raise SanicException(f"{self} has not yet been registered to an app")
        return set(self._apps)

    @property
    def registered(self) -> bool:
        """Whether the blueprint is registered in an application."""
        return bool(self._apps)

    def reset(self) -> None:
        """Forget all registrations of the blueprint."""
        self._apps: set[Any] = set()
        self._registrations: list[tuple[Any, dict[str, Any]]] = []
        # Definitions that were applied already: a further registration or definition applies only new ones.
        self._applied: set[tuple[Any, ...]] = set()
        # The names under which middleware is registered for mounts, by application and path.
        self._mounted: dict[tuple[Any, str], str] = {}
        self.routes: list[Any] = []
        self.websocket_routes: list[Any] = []
        self.statics: list[Any] = []
        self.middlewares: list[Any] = []
        self.exceptions: list[Any] = []
        self.listeners: defaultdict[str, list[Any]] = defaultdict(list)

    def copy(
        self,
        name: str,
        url_prefix: str | Default | None = _default,
        version: int | str | float | Default | None = _default,
        version_prefix: str | Default = _default,
        allow_route_overwrite: bool | Default = _default,
        strict_slashes: bool | Default | None = _default,
        with_registration: bool = True,
        with_ctx: bool = False,
    ) -> Blueprint:
        """Return a copy under another name.

        Args:
            name: the copy's name.
            url_prefix: replaces the prefix.
            version: replaces the version.
            version_prefix: replaces the text before the version.
            allow_route_overwrite: whether the copy's routes replace routes with the same path.
            strict_slashes: replaces `strict_slashes`.
            with_registration: whether to register the copy in the same applications.
            with_ctx: whether the copy shares `ctx`.

        Raises:
            AssertionError: the copy's name is already registered.
            SanicException: `with_registration` is true, and the blueprint serves files.

        Examples:
            >>> from sanic_star import Blueprint
            >>> first = Blueprint("items", version=1)
            >>> second = first.copy("items_2", version=2)
            >>> second.name, second.version
            ('items_2', 2)
        """
        blueprint = shallow_copy(self)
        blueprint._definitions = list(self._definitions)
        blueprint.user_middleware = list(self.user_middleware)
        blueprint.copied_from = self.name
        blueprint.name = name
        apps = list(dict.fromkeys(app for app, _ in self._registrations))
        blueprint.reset()
        changes = {
            "url_prefix": url_prefix,
            "version": version,
            "version_prefix": version_prefix,
            "_allow_route_overwrite": allow_route_overwrite,
            "strict_slashes": strict_slashes,
        }
        for attribute, value in changes.items():
            if not isinstance(value, Default):
                setattr(blueprint, attribute, value)
        if not with_ctx:
            blueprint.ctx = SimpleNamespace()
        if with_registration:
            if apps and any(isinstance(definition, StaticDefinition) for definition in blueprint._definitions):
                raise SanicException(
                    "Static routes registered with the old blueprint instance, cannot be registered again."
                )
            for app in apps:
                app.blueprint(blueprint)
        return blueprint

    @staticmethod
    def group(
        *blueprints: Any,
        url_prefix: str | None = None,
        version: int | str | float | None = None,
        strict_slashes: bool | None = None,
        version_prefix: str = _VERSION_PREFIX,
        name_prefix: str | None = "",
        middleware: Sequence[Middleware] | None = (),
        threaded: bool | None = None,
    ) -> BlueprintGroup:
        """Create a group of blueprints, groups, and lists of them.

        Args:
            blueprints: the members.
            url_prefix: put before the prefixes of its members.
            version: the default for members without a version.
            strict_slashes: the default for members.
            version_prefix: the text before the version.
            name_prefix: a prefix of the names of routes.
            middleware: ASGI middleware around the routes of all members, the outermost first.
            threaded: the default for members; see `Blueprint`.

        Raises:
            TypeError: `middleware` is not a list of `Middleware(…)` objects, or `threaded` is neither true nor false.

        Examples:
            >>> from sanic_star import Blueprint, Sanic, text
            >>> items = Blueprint("items", url_prefix="/items")
            >>> @items.get("/<name>")
            ... async def item(request, name):
            ...     return text(name)
            >>> api = Blueprint.group(items, url_prefix="/api", version=1)
            >>> app = Sanic("shop")
            >>> app.blueprint(api)
            >>> app.test_client.get("/v1/api/items/tea")[1].text
            'tea'
        """
        # Imported late: few applications have groups.
        from sanic_star.compat.blueprint_group import BlueprintGroup

        check_threaded(threaded)
        group_options: dict[str, Any] = {"middleware": check_middleware(middleware)} if middleware else {}
        if threaded is not None:
            group_options["threaded"] = threaded
        group = BlueprintGroup(url_prefix, version, strict_slashes, version_prefix, name_prefix, **group_options)

        def add(members: Any) -> None:
            for member in members:
                if isinstance(member, (list, tuple)):
                    add(member)
                else:
                    group.append(member)

        add(blueprints)
        return group

    # Registration ---------------------------------------------------------------------------------------------------

    def register(self, app: Application, options: dict[str, Any]) -> None:
        """Apply all definitions to an application, in order.

        Args:
            app: the application.
            options: the options of this registration: `url_prefix`, `version`, `strict_slashes`, `version_prefix`,
                `name_prefix`.
        """
        if any(isinstance(definition, CommandDefinition) for definition in self._definitions):
            raise SanicException("Registering commands with blueprints is not supported.")
        self._apps.add(app)
        self._registrations.append((app, options))
        self._apply(app, options)

    @staticmethod
    def register_futures(apps: Iterable[Application], bp: Blueprint, futures: Sequence[Any]) -> None:
        """Apply further definitions to applications in which the blueprint is already registered.

        Args:
            apps: the applications; those without the blueprint are skipped.
            bp: the blueprint.
            futures: the definitions.
        """
        bp._definitions += [definition for definition in futures if definition not in bp._definitions]
        applications = list(apps)
        for app, options in list(bp._registrations):
            if app in applications:
                bp._apply(app, options)

    @property
    def router(self) -> Router:
        """The router of the application of the last registration.

        Raises:
            AttributeError: the blueprint is not registered.
        """
        if not self._apps:
            raise AttributeError(f"{self} has not yet been registered to an app: it has no router")
        return self._registrations[-1][0].router  # type: ignore[no-any-return]

    def finalize_middleware(self) -> None:
        """Recompile the routes of its running applications with their current middleware."""
        for app in self._apps:
            app.finalize_middleware()

    def _apply(self, app: Application, options: dict[str, Any]) -> None:
        names = []
        threaded = _first_not_none(self._threaded, options.get("_threaded"))
        for definition in self._definitions:
            if isinstance(definition, (RouteDefinition, StaticDefinition)):
                placed_route = self._placed_route(definition, app, options)
                names.append(placed_route.name)
                version = getattr(placed_route, "version", None)
                if self._add_to_applied(
                    app, definition, placed_route.uri, placed_route.name, placed_route.host, version
                ):
                    self._add_routes(app, placed_route, (*options.get("_levels", ()), (self.user_middleware, ())))
            elif isinstance(definition, MountDefinition):
                mount = self._placed_mount(definition, options)
                if self._add_to_applied(app, definition, mount.uri):
                    levels = (*options.get("_levels", ()), (self.user_middleware, ()))
                    self._mounted[app, mount.uri] = app._apply_mount(mount, levels)
                names.append(self._mounted[app, mount.uri])
        for definition in self._definitions:
            if isinstance(definition, ListenerDefinition):
                if self._add_to_applied(app, definition):
                    self.listeners[definition.event].append(app._apply_listener(definition))
            elif isinstance(definition, SignalDefinition):
                if self._add_to_applied(app, definition):
                    condition = self._condition(definition.condition)
                    app._apply_signal(definition._replace(condition=condition, exclusive=False))
            elif isinstance(definition, (MiddlewareDefinition, ExceptionDefinition)):
                new_names = [name for name in names if self._add_to_applied(app, definition, name)]
                if new_names and isinstance(definition, MiddlewareDefinition):
                    placed_middleware = _middleware_with_default(definition, threaded)
                    self.middlewares.append(app._apply_middleware(placed_middleware, new_names))
                elif new_names and isinstance(definition, ExceptionDefinition):
                    handler = definition._replace(threaded=_first_not_none(definition.threaded, threaded))
                    self.exceptions.append(app._apply_exception(handler, new_names))

    def _condition(self, condition: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**(condition or {}), "__blueprint__": self.name}

    async def dispatch(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Dispatch an event in all applications that it is registered in, for handlers of this blueprint.

        Args:
            args: the event's name.
            kwargs: see `Sanic.dispatch`.

        Returns:
            The results of `Sanic.dispatch`, one per application.

        Raises:
            SanicException: the blueprint is not registered.
        """
        kwargs["condition"] = self._condition(kwargs.get("condition"))
        return list(await asyncio.gather(*(app.dispatch(*args, **kwargs) for app in self.apps)))

    def event(
        self, event: str, timeout: float | None = None, *, condition: Mapping[str, Any] | None = None
    ) -> Coroutine[Any, Any, Any]:
        """Wait for an event in any application that the blueprint is registered in.

        Args:
            event: its name.
            timeout: how long to wait, in seconds.
            condition: the condition that the event has to be dispatched with, besides the one for this blueprint.

        Returns:
            The context of the first event.

        Raises:
            SanicException: the blueprint is not registered; raised by the call itself, as in Sanic 25.12.
            NotFound: the event is unknown.
            TimeoutError: the event was not dispatched in time.
        """
        return self._wait_for(self.apps, event, timeout, self._condition(condition))

    @staticmethod
    async def _wait_for(apps: Iterable[Any], event: str, seconds: float | None, condition: Any) -> Any:
        waiting = {
            asyncio.ensure_future(app.event(event, seconds, condition=condition, exclusive=False)) for app in apps
        }
        try:
            finished, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(finished)).result()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _add_to_applied(self, *key: Any) -> bool:
        """Record that a definition is applied; return whether it is new."""
        applied_before = len(self._applied)
        self._applied.add(key)
        return len(self._applied) > applied_before

    def _add_routes(self, app: Application, placed: RouteDefinition | StaticDefinition, levels: Levels) -> None:
        if isinstance(placed, StaticDefinition):
            routes = app._apply_static(placed, levels)
            self.statics += routes
        else:
            routes = app._apply_route(placed, self._allow_route_overwrite, levels)
        self.routes += routes
        self.websocket_routes += [route for route in routes if route.extra.websocket]

    def _placed_mount(self, definition: MountDefinition, options: dict[str, Any]) -> MountDefinition:
        """Return a mount with the options of a registration applied."""
        uri = _join(definition.uri, options.get("url_prefix", self.url_prefix))
        version = _first_not_none(options.get("version"), self.version)
        if version is not None:
            version_prefix = options.get("version_prefix") or _VERSION_PREFIX
            prefix = self.version_prefix if version_prefix == _VERSION_PREFIX else version_prefix
            number = str(version).strip("/").lstrip("v")
            uri = f"{prefix}{number}/{uri.lstrip('/')}"
        name = definition.name and f"{self.name}.{definition.name}"
        if name and options.get("name_prefix"):
            name = f"{options['name_prefix']}_{name}"
        return definition._replace(uri=uri, name=name)

    def _placed_route(
        self, definition: RouteDefinition | StaticDefinition, app: Application, options: dict[str, Any]
    ) -> RouteDefinition | StaticDefinition:
        """Return a route with the options of a registration applied; as in Sanic, files get no version and no host."""
        uri = _join(definition.uri, options.get("url_prefix", self.url_prefix))
        name = definition.name.replace(self.copied_from, self.name, 1) if self.copied_from else definition.name
        if isinstance(definition, StaticDefinition):
            return definition._replace(uri=uri, name=app.generate_name(name))
        if options.get("name_prefix"):
            name = f"{options['name_prefix']}_{name}"
        prefixes = (definition.version_prefix, options.get("version_prefix", self.version_prefix), self.version_prefix)
        host = definition.host or ((self.host,) if isinstance(self.host, str) else tuple(self.host or ()))
        return definition._replace(
            uri=uri,
            name=app.generate_name(name),
            host=host,
            version=_first_not_none(definition.version, options.get("version"), self.version),
            strict_slashes=_first_not_none(
                definition.strict_slashes, options.get("strict_slashes"), self.strict_slashes
            ),
            version_prefix=next(
                (prefix for prefix in prefixes if prefix and prefix != _VERSION_PREFIX), _VERSION_PREFIX
            ),
            error_format=definition.error_format,
            threaded=_first_not_none(definition.threaded, self._threaded, options.get("_threaded")),
        )


def _middleware_with_default(definition: MiddlewareDefinition, threaded: bool | None) -> MiddlewareDefinition:
    """Return a middleware with the blueprint's `threaded`, if it has no `threaded` of its own."""
    middleware = definition.middleware
    if threaded is None or getattr(middleware, "threaded", None) is not None:
        return definition
    # A copy with the same position in the order of definition: other applications may have the blueprint too.
    copy_with_default = shallow_copy(middleware)
    copy_with_default.threaded = threaded
    return definition._replace(middleware=copy_with_default)


def _first_not_none(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _join(uri: str, prefix: str | None) -> str:
    """Join a prefix and a path with one slash."""
    path = (prefix.rstrip("/") if uri.startswith("/") else prefix) + uri if prefix else uri
    return path[1:] if path.startswith("//") else path


__all__ = ["Blueprint", "BlueprintGroup"]

if not TYPE_CHECKING:

    def __getattr__(name):
        if name != "BlueprintGroup":
            return old_names(__name__)(name)
        from sanic_star.compat.blueprint_group import BlueprintGroup

        return BlueprintGroup

    def __dir__():
        return sorted({*globals(), "BlueprintGroup"})
