"""Cookies of requests and responses."""

from typing import TYPE_CHECKING

from sanic_star.compat._support.lazy import late_modules
from sanic_star.compat.cookies.response import Cookie, CookieJar

__all__ = ("Cookie", "CookieJar")

if not TYPE_CHECKING:
    __getattr__ = late_modules(__name__)
