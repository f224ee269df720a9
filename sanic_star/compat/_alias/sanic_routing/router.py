"""The router, under the name of `sanic_routing`."""

from sanic_star.compat.router import Router as BaseRouter

__all__ = ["BaseRouter"]
