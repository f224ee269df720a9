"""The rewriting of methods at the start of Sanic; here nothing is rewritten."""

from sanic_star.compat.touchup.meta import TouchUpMeta
from sanic_star.compat.touchup.service import TouchUp

__all__ = ["TouchUp", "TouchUpMeta"]
