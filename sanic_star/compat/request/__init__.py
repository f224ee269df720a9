"""The request, its parameters and files."""

from sanic_star.compat.request.form import File, parse_multipart_form
from sanic_star.compat.request.parameters import RequestParameters
from sanic_star.compat.request.types import Request

__all__ = ["File", "Request", "RequestParameters", "parse_multipart_form"]
