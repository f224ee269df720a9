"""Handlers of exceptions and of directories, and the ranges of files."""

from sanic_star.compat.handlers.content_range import ContentRangeHandler
from sanic_star.compat.handlers.directory import DirectoryHandler
from sanic_star.compat.handlers.error import ErrorHandler

__all__ = ["ContentRangeHandler", "DirectoryHandler", "ErrorHandler"]
