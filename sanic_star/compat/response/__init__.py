"""Responses and the functions that make them."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.json import dumps_text as json_dumps
from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.response.convenience import (
    empty,
    file,
    file_stream,
    guess_content_type,
    html,
    json,
    raw,
    redirect,
    text,
    validate_file,
)
from sanic_star.compat.response.types import (
    BaseHTTPResponse,
    HTTPResponse,
    JSONResponse,
    ResponseStream,
    StreamingHTTPResponse,
    stream,
)

__all__ = [
    "BaseHTTPResponse",
    "HTTPResponse",
    "JSONResponse",
    "ResponseStream",
    "StreamingHTTPResponse",
    "empty",
    "file",
    "file_stream",
    "guess_content_type",
    "html",
    "json",
    "json_dumps",
    "raw",
    "redirect",
    "stream",
    "text",
    "validate_file",
]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
