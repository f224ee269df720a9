"""The router's exceptions, with the names of the package `sanic_routing`.

They indicate mistakes in an application's routes, and are not responses to clients.
"""

from __future__ import annotations

from collections.abc import Collection


class BaseException(Exception):
    """The base class of the router's errors."""


class NotFound(BaseException):
    """No route has this path."""

    def __init__(self, message: str = "Not Found", path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class BadMethod(BaseException):
    """A route has an invalid method."""


class NoMethod(BaseException):
    """A route has this path, but not for this method."""

    def __init__(
        self,
        message: str = "Method does not exist",
        method: str | None = None,
        allowed_methods: Collection[str] | None = None,
        *,
        path: str | None = None,
    ) -> None:
        super().__init__(message)
        self.method = method
        self.allowed_methods = allowed_methods
        self.path = path


class RouteExists(BaseException):
    """Two routes have the same path, host and method."""


class FinalizationError(BaseException):
    """The routes are already fixed, or not yet."""


class InvalidUsage(BaseException):
    """A route's path or options are invalid."""


class ParameterNameConflicts(BaseException):
    """Two parameters of a path have the same name."""
