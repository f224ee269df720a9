"""The request, its parameters and files."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.request.parameters import RequestParameters
from sanic_star.compat.request.types import Request

__all__ = ["File", "Request", "RequestParameters", "parse_multipart_form"]

if TYPE_CHECKING:
    from sanic_star.compat.request.form import File, parse_multipart_form
else:

    def __getattr__(name):
        if name not in ("File", "parse_multipart_form"):
            return late_modules(__name__)(name)
        # Imported late: many applications have no forms.
        from sanic_star.compat.request import form

        return getattr(form, name)

    def __dir__():
        return sorted({*globals(), *__all__})
