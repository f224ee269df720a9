"""Cookies: those of a request, and those that a response sets."""

from sanic_star.compat.cookies.response import Cookie, CookieJar

__all__ = ("Cookie", "CookieJar")
