"""Names of Sanic's rewriting of methods at its start; here nothing is rewritten."""

from sanic_star.compat.touchup.meta import TouchUpMeta
from sanic_star.compat.touchup.service import TouchUp

__all__ = ["TouchUp", "TouchUpMeta"]
