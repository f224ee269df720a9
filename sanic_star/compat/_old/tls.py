"""The module `sanic.tls` of older releases; see `table`."""

from sanic_star.compat._support.lazy import old_names

__getattr__ = old_names(__name__)
