"""The request, its parameters and files."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.request.form import File, parse_multipart_form
from sanic_star.compat.request.parameters import RequestParameters
from sanic_star.compat.request.types import Request

__all__ = ["File", "Request", "RequestParameters", "parse_multipart_form"]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
