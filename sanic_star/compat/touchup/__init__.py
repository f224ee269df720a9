"""Names of Sanic's rewriting of methods at its start; here nothing is rewritten."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.touchup.meta import TouchUpMeta
from sanic_star.compat.touchup.service import TouchUp

__all__ = ["TouchUp", "TouchUpMeta"]

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
