"""Class-based views: one method per HTTP method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from starlette.middleware import Middleware

from sanic_star.compat._support.lazy import old_names
from sanic_star.compat.request.types import Request

if TYPE_CHECKING:
    from sanic_star.compat._app.decorators import Registrar

H = TypeVar("H", bound=Callable[..., Any])


class HTTPMethodView:
    """A view whose methods `get`, `post`, … handle the HTTP methods of these names.

    A subclass can be attached in its definition: `class Users(HTTPMethodView, attach=app, uri="/users")`.

    Examples:
        >>> class Users(HTTPMethodView):
        ...     async def get(self, request): ...
        >>> Users.as_view().__name__
        'Users'
    """

    decorators: ClassVar[list[Callable[[Callable[..., Any]], Callable[..., Any]]]] = []
    """Decorators of the handler that `as_view` makes; the last of the list is the outermost."""
    middleware: ClassVar[Sequence[Middleware]] = ()
    """ASGI middleware around the view's routes, the outermost first."""

    def __init_subclass__(cls, attach: Registrar | None = None, uri: str = "", **options: Any) -> None:
        routing = {name: options.pop(name) for name in _ROUTE_OPTIONS if name in options}
        super().__init_subclass__(**options)
        if attach:
            cls.attach(attach, uri, **routing)

    def dispatch_request(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Call the method for the request's HTTP method; without `head`, HEAD requests call `get`."""
        method = request.method.lower()
        handler = getattr(self, method, None) or (getattr(self, "get", None) if method == "head" else None)
        if handler is None:
            raise NotImplementedError(f"{request.method} is not supported for this endpoint.")
        return handler(request, *args, **kwargs)

    @classmethod
    def as_view(cls, *class_args: Any, **class_kwargs: Any) -> Callable[..., Any]:
        """Return a handler that creates an instance of this class for each request.

        Args:
            class_args: positional arguments for the class.
            class_kwargs: keyword arguments for the class.
        """

        # Decorators look for the parameter's name: Starlette's `requires` does.
        def view(request: Request, /, *args: Any, **kwargs: Any) -> Any:
            instance = view.view_class(*class_args, **class_kwargs)  # type: ignore[attr-defined]
            return instance.dispatch_request(request, *args, **kwargs)

        for decorator in cls.decorators:
            view.__module__ = cls.__module__
            view = decorator(view)
        view.view_class = cls  # type: ignore[attr-defined]
        view.__doc__, view.__module__, view.__name__ = cls.__doc__, cls.__module__, cls.__name__
        return view

    @classmethod
    def attach(
        cls,
        to: Registrar,
        uri: str,
        methods: Iterable[str] = frozenset({"GET"}),
        host: str | None = None,
        strict_slashes: bool | None = None,
        version: int | str | float | None = None,
        name: str | None = None,
        stream: bool = False,
        version_prefix: str = "/v",
        *,
        middleware: Sequence[Middleware] | None = (),
        threaded: bool | None = None,
    ) -> None:
        """Add this view to an application or blueprint.

        Args:
            to: the application or blueprint.
            uri: the path.
            methods: ignored; a view handles the HTTP methods that it has methods for.
            host: the host of the route.
            strict_slashes: whether a trailing slash matters.
            version: the version, put before the path.
            name: the name for `url_for`, by default the class's.
            stream: whether the methods read the body themselves; by default, whether one of them is decorated with
                `stream`.
            version_prefix: the text before the version.
            middleware: ASGI middleware around this view, outside the class's own, the outermost first.
            threaded: whether synchronous methods run in threads, as in `route`.
        """
        # An override of `add_route` in a user's subclass may not have this parameter.
        middleware_option: Any = {"middleware": middleware} if middleware else {}
        if threaded is not None:
            middleware_option["threaded"] = threaded
        to.add_route(
            cls.as_view(),
            uri,
            methods,
            host,
            strict_slashes,
            version,
            name,
            stream,
            version_prefix=version_prefix,
            **middleware_option,
        )


_ROUTE_OPTIONS = (
    "methods", "host", "strict_slashes", "version", "name", "stream", "version_prefix", "middleware", "threaded",
)  # fmt: skip


def stream(func: H) -> H:
    """Mark a method of a view that reads the request body itself.

    Args:
        func: the method.

    Returns:
        The method.
    """
    func.is_stream = True  # type: ignore[attr-defined]
    return func


if not TYPE_CHECKING:
    __getattr__ = old_names(__name__)
