"""Groups of blueprints with a common prefix or version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSequence, Sequence
from functools import partial
from typing import Any

from starlette.middleware import Middleware

from sanic_star.compat._app.decorators import function_or_default


class BlueprintGroup(MutableSequence[Any]):
    """A sequence of blueprints and groups; see `Blueprint.group`.

    Args:
        url_prefix: put before the prefixes of its members.
        version: the default for members without a version.
        strict_slashes: the default for members.
        version_prefix: the text before the version.
        name_prefix: a prefix of the names of routes.
        middleware: ASGI middleware around the routes of all members, the outermost first.
        threaded: the default for members: whether synchronous functions run in threads; see `Blueprint`.
    """

    def __init__(
        self,
        url_prefix: str | None = None,
        version: int | str | float | None = None,
        strict_slashes: bool | None = None,
        version_prefix: str = "/v",
        name_prefix: str | None = "",
        *,
        middleware: Sequence[Middleware] = (),
        threaded: bool | None = None,
    ) -> None:
        # Blueprints and groups. `Any`, because `blueprints` imports this module.
        self._blueprints: list[Any] = []
        self.url_prefix = url_prefix
        self.version = version
        self.strict_slashes = strict_slashes
        self.version_prefix = version_prefix
        self.name_prefix = name_prefix
        self.user_middleware = list(middleware)
        self._threaded = threaded
        # The functions of its Sanic middleware, which is also registered on each member.
        self._functions: list[Callable[..., Any]] = []

    @property
    def blueprints(self) -> list[Any]:
        """The members."""
        return self._blueprints

    def __getitem__(self, item: Any) -> Any:
        return self._blueprints[item]

    def __setitem__(self, index: Any, item: Any) -> None:
        if isinstance(index, int) and not hasattr(item, "url_prefix"):
            raise TypeError("Expected a Blueprint instance")
        if isinstance(index, slice) and not isinstance(item, Iterable):
            raise TypeError("Expected an iterable of Blueprint instances")
        self._blueprints[index] = item

    def __delitem__(self, index: Any) -> None:
        del self._blueprints[index]

    def __len__(self) -> int:
        return len(self._blueprints)

    def insert(self, index: int, item: Any) -> None:
        """Insert a blueprint before the one at `index`.

        Args:
            index: the position.
            item: the blueprint or group.
        """
        self._blueprints.insert(index, item)

    def append(self, value: Any) -> None:
        """Append a blueprint.

        Args:
            value: the blueprint or group.
        """
        self._blueprints.append(value)

    def exception(self, *exceptions: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], None]:
        """Register an exception handler for all members' routes; arguments as in `Blueprint.exception`."""

        def decorate(handler: Callable[..., Any]) -> None:
            for member in self._blueprints:
                member.exception(*exceptions, **kwargs)(handler)

        return decorate

    def middleware(self, *args: Any, **kwargs: Any) -> Any:
        """Run a function before or after the handlers of all members; arguments as in `Blueprint.middleware`."""

        def decorate(function: Callable[..., Any], *location: Any) -> None:
            self._functions.append(function)
            for member in self._blueprints:
                member.middleware(function, *location, **kwargs)

        if args and callable(args[0]):
            return decorate(*args)
        return lambda function: decorate(function, *args)

    def on_request(self, middleware: Callable[..., Any] | None = None) -> Any:
        """Run a function before the handlers of all members.

        Args:
            middleware: called with the request; may be `async`. By default, the function that is decorated next.

        Raises:
            TypeError: the argument is not a function.
        """
        if callable(function_or_default("on_request", middleware, "request")):
            return self.middleware(middleware, "request")
        return partial(self.middleware, attach_to="request")

    def on_response(self, middleware: Callable[..., Any] | None = None) -> Any:
        """Run a function after the handlers of all members.

        Args:
            middleware: called with the request and the response; may be `async`. By default, the function that is
                decorated next.

        Raises:
            TypeError: the argument is not a function.
        """
        if callable(function_or_default("on_response", middleware, "response")):
            return self.middleware(middleware, "response")
        return partial(self.middleware, attach_to="response")

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Add ASGI middleware around the routes of all members; arguments as in `Blueprint.add_middleware`.

        Args:
            middleware_class: called with the ASGI application and the other arguments; returns an ASGI application.
            args: positional arguments for the class.
            kwargs: keyword arguments for the class.

        Raises:
            RuntimeError: an application that a member is registered in has started.
        """
        if self._has_started():
            raise RuntimeError("Cannot add middleware after an application has started")
        self.user_middleware.insert(0, Middleware(middleware_class, *args, **kwargs))

    def _has_started(self) -> bool:
        groups = (member for member in self._blueprints if isinstance(member, BlueprintGroup))
        apps = (app for member in self._blueprints for app in getattr(member, "_apps", ()))
        return any(group._has_started() for group in groups) or any(app.middleware_stack is not None for app in apps)

    def options_for(self, item: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options to register a member with.

        Args:
            item: the member.
            options: the options that the group is registered with.
        """
        merged_options = dict(options)
        prefixes = [options.get("url_prefix"), self.url_prefix]
        if not isinstance(item, BlueprintGroup):
            prefixes.append(item.url_prefix)
        merged_options["url_prefix"] = "/" + "/".join(str(prefix).strip("/") for prefix in prefixes if prefix).rstrip(
            "/"
        )
        for attribute in ("version", "strict_slashes"):
            if getattr(item, attribute) is None:
                value = getattr(self, attribute)
                merged_options[attribute] = options.get(attribute) if value is None else value
        if item.version_prefix == "/v":
            own_prefix = self.version_prefix
            merged_options["version_prefix"] = options.get("version_prefix") if own_prefix == "/v" else own_prefix
        if self.name_prefix:
            merged_options.setdefault("name_prefix", self.name_prefix)
        merged_options["_threaded"] = options.get("_threaded") if self._threaded is None else self._threaded
        merged_options["_levels"] = (*options.get("_levels", ()), (self.user_middleware, self._functions))
        return merged_options
