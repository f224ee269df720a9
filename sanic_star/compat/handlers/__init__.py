"""Handlers of exceptions and of directories, and the ranges of files."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.handlers.content_range import ContentRangeHandler
from sanic_star.compat.handlers.directory import DirectoryHandler
from sanic_star.compat.handlers.error import ErrorHandler

__all__ = ["ContentRangeHandler", "DirectoryHandler", "ErrorHandler"]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
