"""Names of Sanic's HTML pages; this package's pages are in `sanic_star.compat.errorpages`."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
