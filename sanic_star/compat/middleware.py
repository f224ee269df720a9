"""Request and response middleware, and its running order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum, auto
from itertools import count
from typing import Any


class MiddlewareLocation(IntEnum):
    """Whether a middleware runs before or after the handler."""

    REQUEST = auto()
    RESPONSE = auto()


class Middleware:
    """A function that runs before or after handlers.

    Args:
        func: called with the request, or with request and response; may be a coroutine function.
        location: before or after.
        priority: middleware with a higher priority runs closer to the client.
    """

    _counter = count()
    count: int = 0
    # Whether a synchronous function runs in a thread; `None` leaves it to the application.
    threaded: bool | None = None

    def __init__(self, func: Callable[..., Any], location: MiddlewareLocation, priority: int = 0) -> None:
        self.func = func
        self.location = location
        self.priority = priority
        # The position in the order of definition, across applications and blueprints.
        self.definition = next(Middleware._counter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    def __hash__(self) -> int:
        return hash(self.func)

    def __repr__(self) -> str:
        name = getattr(self.func, "__name__", repr(self.func))
        location = self.location.name
        return f"{type(self).__name__}(func=<function {name}>, priority={self.priority}, location={location})"

    @property
    def order(self) -> tuple[int, int]:
        """The sort key of the running order."""
        return (self.priority, -self.definition)

    @classmethod
    def convert(cls, *middleware_collections: Iterable[Any], location: MiddlewareLocation) -> deque[Middleware]:
        """Return the members of all collections as `Middleware`, in order.

        Examples:
            >>> first, second = (lambda request: None), (lambda request: None)
            >>> chain = Middleware.convert([first], [second], location=MiddlewareLocation.REQUEST)
            >>> [entry.func is first for entry in chain]
            [True, False]
        """
        return deque(
            entry if isinstance(entry, Middleware) else cls(entry, location)
            for collection in middleware_collections
            for entry in collection
        )

    @staticmethod
    def in_order(middleware: Iterable[Middleware], location: MiddlewareLocation) -> list[Middleware]:
        """Return middleware in running order: requests pass from outside to inside, responses back.

        Args:
            middleware: the middleware, in order of registration.
            location: whether it runs for requests or for responses.
        """
        return sorted(middleware, key=lambda entry: entry.order, reverse=location is MiddlewareLocation.REQUEST)

    @classmethod
    def reset_count(cls) -> None:
        """Restart the count of definitions; for tests."""
        cls._counter = count()
        cls.count = next(cls._counter)
