"""The router, under the name that modules of the real `sanic_routing` have for it."""

from sanic_star.compat.router import Router as BaseRouter

__all__ = ["BaseRouter"]
