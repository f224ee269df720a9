"""Sanic's API on Starlette."""

from sanic_star._version import __version__ as __version__
