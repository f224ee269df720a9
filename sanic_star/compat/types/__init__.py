"""Small types of the API."""

from sanic_star.compat.types.hashable_dict import HashableDict

__all__ = ("HashableDict",)
