"""Request and response middleware: what it is, and in which order it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum, auto
from itertools import count
from typing import Any


class MiddlewareLocation(IntEnum):
    """Where a middleware stands: before the handler or after it."""

    REQUEST = auto()
    RESPONSE = auto()


class Middleware:
    """A function that runs before or after handlers.

    Args:
        func: called with the request, or with request and response; may be a coroutine function.
        location: before or after.
        priority: the higher runs the closer to the client.
    """

    _counter = count()
    count: int = 0
    # Whether a synchronous function runs in a thread; `None` leaves it to the application.
    threaded: bool | None = None

    def __init__(self, func: Callable[..., Any], location: MiddlewareLocation, priority: int = 0) -> None:
        self.func = func
        self.location = location
        self.priority = priority
        # The place in the order of definition, of applications and blueprints together.
        self.definition = next(Middleware._counter)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    def __hash__(self) -> int:
        return hash(self.func)

    def __repr__(self) -> str:
        name = getattr(self.func, "__name__", repr(self.func))
        where = self.location.name
        return f"{type(self).__name__}(func=<function {name}>, priority={self.priority}, location={where})"

    @property
    def order(self) -> tuple[int, int]:
        """What the order of running goes by."""
        return (self.priority, -self.definition)

    @classmethod
    def convert(cls, *middleware_collections: Iterable[Any], location: MiddlewareLocation) -> deque[Middleware]:
        """Return all of the collections' members as middleware, in their order.

        Examples:
            >>> first, second = (lambda request: None), (lambda request: None)
            >>> chain = Middleware.convert([first], [second], location=MiddlewareLocation.REQUEST)
            >>> [each.func is first for each in chain]
            [True, False]
        """
        return deque(
            each if isinstance(each, Middleware) else cls(each, location)
            for collection in middleware_collections
            for each in collection
        )

    @staticmethod
    def in_order(middleware: Iterable[Middleware], location: MiddlewareLocation) -> list[Middleware]:
        """Return middleware in the order in which it runs: requests pass from outside to inside, responses back."""
        return sorted(middleware, key=lambda each: each.order, reverse=location is MiddlewareLocation.REQUEST)

    @classmethod
    def reset_count(cls) -> None:
        """Count definitions from the start again; for tests."""
        cls._counter = count()
        cls.count = next(cls._counter)
