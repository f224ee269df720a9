"""`CompositionView`: a handler of several functions, each for some HTTP methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from types import SimpleNamespace
from typing import Any

from sanic_star.compat.constants import HTTP_METHODS
from sanic_star.compat.exceptions import BadRequest

_numbers = count(1)


class CompositionView:
    """A handler that calls the function for the request's HTTP method.

    >>> view = CompositionView()
    >>> view.add(["GET"], lambda request: "shown")
    >>> sorted(view.handlers)
    ['GET']
    """

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}
        # A unique name, because an application may have several views.
        number = next(_numbers)
        self.name = type(self).__name__ if number == 1 else f"{type(self).__name__}_{number}"
        # `add_route` reads the methods from these attributes, as for a class view.
        self.view_class = SimpleNamespace()

    def add(self, methods: Iterable[str], handler: Callable[..., Any], stream: bool = False) -> None:
        """Add a function for HTTP methods.

        Args:
            methods: their names in upper case.
            handler: the function.
            stream: whether the function reads the body itself.

        Raises:
            BadRequest: a method already has a function, or is invalid.
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
        """Call the function for the request's method, or for GET if HEAD has none."""
        method = request.method.upper()
        handler = self.handlers.get(method) or self.handlers["GET"]
        return handler(request, *args, **kwargs)
