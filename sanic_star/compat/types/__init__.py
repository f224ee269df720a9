"""Small types of the API."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.types.hashable_dict import HashableDict

__all__ = ("HashableDict",)

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
