"""What answers exceptions, requests for directories, and requests for parts of files."""

from sanic_star.compat.handlers.content_range import ContentRangeHandler
from sanic_star.compat.handlers.directory import DirectoryHandler
from sanic_star.compat.handlers.error import ErrorHandler

__all__ = ["ContentRangeHandler", "DirectoryHandler", "ErrorHandler"]
