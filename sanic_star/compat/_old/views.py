"""`CompositionView`, which was a handler made of several functions, each for some HTTP methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from types import SimpleNamespace
from typing import Any

from sanic_star.compat.constants import HTTP_METHODS
from sanic_star.compat.exceptions import BadRequest

_numbers = count(1)


class CompositionView:
    """A handler that calls the function which was added for the request's HTTP method.

    >>> view = CompositionView()
    >>> view.add(["GET"], lambda request: "shown")
    >>> sorted(view.handlers)
    ['GET']
    """

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        # Names of routes are unique: an application may have several views.
        number = next(_numbers)
        self.name = type(self).__name__ if number == 1 else f"{type(self).__name__}_{number}"
        # By these attributes `add_route` knows the methods, as it does for a class view.
        self.view_class = SimpleNamespace()

    def add(self, methods: Iterable[str], handler: Callable[..., Any], stream: bool = False) -> None:
        """Let a function answer HTTP methods.

        Args:
            methods: their names, in capitals.
            handler: the function.
            stream: whether it reads the body itself.

        Raises:
            BadRequest: a method has a function already, or there is no such method.
        """
        if stream:
            handler.is_stream = stream  # type: ignore[attr-defined]
        for method in methods:
            if method not in HTTP_METHODS:
                raise BadRequest(f"{method} is not a valid HTTP method.")
            if method in self.handlers:
                raise BadRequest(f"Method {method} is already registered.")
            self.handlers[method] = handler
            setattr(self.view_class, method.lower(), handler)

    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the function for the request's method; HEAD is answered by the one for GET if need be."""
        method = request.method.upper()
        handler = self.handlers.get(method) or self.handlers["GET"]
        return handler(request, *args, **kwargs)
