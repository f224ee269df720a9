"""The class that registers everything, under the names of Sanic's mixins."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
