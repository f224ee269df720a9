"""The cookies of a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sanic_star.compat._support.lazy import BoundedTable, pattern
from sanic_star.compat.cookies.response import Cookie
from sanic_star.compat.request.parameters import RequestParameters

_NAME = pattern(r"[\w!#$%&'*+\-.^`|~]*", re.ASCII)  # a token (RFC 9110, 5.6.2), or nothing
_ESCAPE = pattern(r"\\([0-3][0-7]{2}|.)")


def parse_cookie(raw: str) -> dict[str, list[str]]:
    """Parse a `Cookie` header.

    Args:
        raw: the header's text.

    Returns:
        The values by name, in order. A cookie without a name has an empty name. Cookies whose name is not a token are
        skipped, because other sites of the same domain may have set them.

    Examples:
        >>> parse_cookie('a=1; b="x y"; a=2')
        {'a': ['1', '2'], 'b': ['x y']}
    """
    return dict(_read_cookies((raw,)))


def _parse_name(text: str) -> str | None:
    """Return a cookie's name without surrounding space; `None` if it is not a token."""
    name = text.strip()
    return name if _NAME.fullmatch(name) else None


# PERF: the text before the equals sign is checked once for many requests: 0.4 µs a cookie («real»).
# Safe because the check depends on nothing else, and the table is bounded.
_names = BoundedTable(_parse_name, 256)


def _read_cookies(headers: Iterable[str]) -> CookieRequestParameters:
    """Parse `Cookie` headers; see `parse_cookie`."""
    cookies = CookieRequestParameters()
    for header in headers:
        has_quotes = '"' in header
        for cookie_text in header.split(";"):
            text, equals, value = cookie_text.partition("=")
            if not equals:
                text, value = "", text
            name, value = _names[text], value.strip()
            if name is None or not (equals or value):
                continue
            if has_quotes:
                value = _unquote(value)
            if name in cookies:
                _item(cookies, name).append(value)
            else:
                cookies[name] = [value]
    return cookies


def _unquote(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)) if len(match[1]) == 3 else match[1], text[1:-1])


_HOST_PREFIX, _SECURE_PREFIX = Cookie.HOST_PREFIX, Cookie.SECURE_PREFIX


def _add_prefixes(name: str) -> tuple[str, str]:
    return f"{_HOST_PREFIX}{name}", f"{_SECURE_PREFIX}{name}"


_prefixed_names = BoundedTable(_add_prefixes, 256)
# PERF: half the time of `super()`. Safe because no other class stands between; `[]` would look for a name with a prefix
# first.
_get: Any = dict.get
_item: Any = dict.__getitem__


class CookieRequestParameters(RequestParameters):
    """The cookies of a request, by name with or without the prefixes `__Host-` and `__Secure-`.

    A prefixed cookie takes precedence: browsers accept it only over a secure connection, so it is more trustworthy.

    Examples:
        >>> cookies = CookieRequestParameters({"__Host-id": ["1"], "dark-mode": ["on"]})
        >>> cookies.get("id"), cookies.dark_mode, cookies.other
        ('1', 'on', '')
    """

    def __getitem__(self, key: str) -> list[str]:
        return super().__getitem__(self._actual(key))

    def __getattr__(self, key: str) -> str:
        if key.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{key}'")
        return str(self.get(key.replace("_", "-"), self.get(key, "")))

    def get(self, name: str, default: Any | None = None) -> Any | None:  # type: ignore[override]
        """Return the first value of a cookie, or the default.

        Args:
            name: the cookie's name; a name without prefix finds the cookie with a prefix first.
            default: returned if there is no such cookie.
        """
        # PERF: one look-up for each spelling, and no call of `_actual`: 0.1 µs («real»). As much is saved by names that
        # are put together, and have their hash, once for many requests. Safe for text only, because `1 == True`.
        host, secure = _prefixed_names[name] if type(name) is str else _add_prefixes(name)
        values = _get(self, host)
        if values is None:
            values = _get(self, secure)
            if values is None:
                values = _get(self, name)
        return values[0] if values else default

    def getlist(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Return all values of a cookie, or the default, by default an empty list.

        Args:
            name: the cookie's name; a name without prefix finds the cookie with a prefix first.
            default: returned if there is no such cookie.
        """
        return super().getlist(self._actual(name), default)

    def _actual(self, name: str) -> str:
        host, secure = _add_prefixes(name)
        if host in self:
            return host
        return secure if secure in self else name
