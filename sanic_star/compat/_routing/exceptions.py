"""What the router raises: the exceptions that Sanic takes from the package `sanic_routing`, by the same names.

They tell of mistakes in the routes of an application, and are no answer to a client.
"""

from __future__ import annotations

from collections.abc import Collection


class BaseException(Exception):
    """The base of all errors of the router."""


class NotFound(BaseException):
    """No route has this path."""

    def __init__(self, message: str = "Not Found", path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class BadMethod(BaseException):
    """A route was given a method that is none."""


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
    """Two routes would answer the same requests."""


class FinalizationError(BaseException):
    """The routes are already fixed, or not yet."""


class InvalidUsage(BaseException):
    """A route's path or options make no sense."""


class ParameterNameConflicts(BaseException):
    """One path uses a parameter's name twice."""
