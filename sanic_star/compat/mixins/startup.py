"""What starts and stops an application: the application does."""

from sanic_star.compat.app import Sanic as StartupMixin

__all__ = ["StartupMixin"]
