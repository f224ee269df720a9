"""Starts and stops an application; here the application itself does."""

from sanic_star.compat.app import Sanic as StartupMixin

__all__ = ["StartupMixin"]
