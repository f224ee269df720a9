"""The cookies that a response sets.

A `CookieJar` stores its `Cookie` objects in the response's headers; they are converted to text when the headers are
sent. So a cookie can be changed until then, and headers that are copied to another response include the cookies.

Sanic up to 23 treated the jar as a dictionary, `response.cookies["id"] = "1"`, then `response.cookies["id"]["path"] =
"/shop"`. Both still work, with a warning, and without the attributes that `add_cookie` sets by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal, TypedDict, Unpack, cast

from sanic_star.compat._support.lazy import BoundedTable, OldName, names_without_old, pattern
from sanic_star.compat.compat import Header
from sanic_star.compat.exceptions import ServerError
from sanic_star.compat.log import deprecation

SameSite = Literal["Strict", "Lax", "None", "strict", "lax", "none"]

_TOKEN = pattern(r"[\w!#$%&'*+\-.^`|~:]+", re.ASCII)
_SAMESITE = ("strict", "lax", "none")
# Characters that would begin a further attribute, or end the header.
_UNSAFE = pattern(r"[\x00-\x1f\x7f;]")
# Lower case. Later drafts of RFC 6265bis (section 4.1.3) have them, and Chrome 140. Sanic 25.12 does not know them.
_HTTP_PREFIXES = ("__http-", "__host-http-")
# Browsers refuse a cookie whose domain has a port, a space or a comma.
_UNSAFE_DOMAIN = pattern(r"[\s,/:]")
_ESCAPED = pattern(r'[\x00-\x1f\x7f"\\;,]')
# The attributes as they are written, in this order.
_ATTRIBUTE_TITLES = {
    "path": "Path",
    "comment": "Comment",
    "domain": "Domain",
    "max-age": "Max-Age",
    "expires": "expires",
    "samesite": "SameSite",
    "secure": "Secure",
    "httponly": "HttpOnly",
    "partitioned": "Partitioned",
}


class _CookieOptions(TypedDict, total=False):
    """The attributes of a cookie, as keywords of `add_cookie`; see `Cookie`."""

    path: str | None
    domain: str | None
    secure: bool
    max_age: int | None
    expires: datetime | None
    httponly: bool
    samesite: SameSite | None
    partitioned: bool
    comment: str | None
    host_prefix: bool
    secure_prefix: bool


def _quote(text: str) -> str:
    if _TOKEN.fullmatch(text):
        return text
    # A comma is safe in quotes, and Sanic does not escape it. A semicolon is not safe, despite RFC 2109.
    return '"' + _ESCAPED.sub(lambda match: match[0] if match[0] == "," else f"\\{ord(match[0]):03o}", text) + '"'


def _check_name(name: str) -> bool:
    """Check a cookie's name; return whether it certainly has no prefix."""
    if name in _ATTRIBUTE_TITLES:
        raise KeyError("Cookie name is a reserved word")
    if not _TOKEN.fullmatch(name):
        raise KeyError("Cookie key contains illegal characters")
    return not name.startswith("__")


# A cache of checked names.
_names = BoundedTable(_check_name, 256)


def _checked_value(name: str, value: str | None) -> str | None:
    if value is not None and _UNSAFE.search(value):
        raise ValueError(f"Cookie {name} must not contain a semicolon or control characters: {value!r}")
    return value


def _checked_domain(value: str | None) -> str | None:
    if _checked_value("domain", value) is not None and _UNSAFE_DOMAIN.search(str(value)):
        raise ValueError(f"Cookie domain must be a host name, without port: {value!r}")
    return value


class Cookie:
    """A cookie of a response; `str(cookie)` is the value of the `Set-Cookie` header.

    Args:
        key: its name, without prefix.
        value: its value, quoted if necessary.
        path: the path of URLs that browsers send it to.
        domain: the domain that browsers send it to; by default only this host.
        secure: whether browsers send it only over HTTPS.
        max_age: its lifetime in seconds; by default until the browser is closed.
        expires: the end of its lifetime; UTC if it has no time zone.
        httponly: whether scripts cannot read it.
        samesite: whether browsers send it with requests from other sites.
        partitioned: whether it is stored separately for each site that embeds this one; needs `host_prefix`.
        comment: a comment, which browsers ignore.
        host_prefix: whether its name gets the prefix `__Host-`: browsers then require `secure`, `path="/"` and no
            domain.
        secure_prefix: whether its name gets the prefix `__Secure-`: browsers then require `secure`.

    Raises:
        ServerError: browsers would not store the cookie: a prefix contradicts other arguments, or `samesite="None"` is
            not `secure`. Attributes that are changed later are checked when the cookie is sent.
        KeyError: the name is invalid.
        ValueError, TypeError: the value or an attribute is invalid.

    Examples:
        >>> str(Cookie("theme", "dark side", max_age=60))
        'theme="dark side"; Path=/; Max-Age=60; SameSite=Lax; Secure'
    """

    HOST_PREFIX = "__Host-"
    SECURE_PREFIX = "__Secure-"

    __slots__ = (
        "_assigned",
        "_comment",
        "_domain",
        "_expires",
        "_max_age",
        "_path",
        "_samesite",
        "httponly",
        "key",
        "partitioned",
        "secure",
        "value",
    )

    secure: bool
    httponly: bool
    partitioned: bool
    _path: str | None
    _comment: str | None
    _domain: str | None
    _max_age: int | None
    _expires: datetime | None
    _samesite: SameSite | None

    def __init__(
        self,
        key: str,
        value: str,
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = True,
        max_age: int | None = None,
        expires: datetime | None = None,
        httponly: bool = False,
        samesite: SameSite | None = "Lax",
        partitioned: bool = False,
        comment: str | None = None,
        host_prefix: bool = False,
        secure_prefix: bool = False,
    ) -> None:
        plain_key = _names[key]
        # PERF: without setters for most cookies: 2 µs of a response with a cookie («real»). Safe because there is
        # nothing to check but the age then. A subclass may have setters of its own, and goes the long way.
        if (
            plain_key
            and type(self) is Cookie
            and type(value) is str
            and path == "/"
            and secure is True
            and (samesite == "Lax" or samesite == "Strict" or samesite == "None")
            and (max_age is None or (type(max_age) is int and max_age >= 0))
            and domain is comment is None
            and expires is None
            and not (partitioned or host_prefix or secure_prefix)
        ):
            self.key = key
            self.value = value
            self._path = path
            self._comment = self._domain = None
            self._expires = None
            self._max_age = max_age
            self._samesite = samesite
            self.secure = True
            self.httponly = httponly
            self.partitioned = partitioned
            return
        self.key = self.make_key(key, host_prefix, secure_prefix)
        _check_prefix(host_prefix, secure_prefix, secure, path, domain, partitioned)
        if isinstance(value, (bytes, bytearray)):
            raise TypeError(f"Cookie values are text, not {type(value).__name__}: decode it")
        self.value = value
        self.path = path
        self.comment = comment
        self.domain = domain
        self.max_age = max_age
        self.expires = expires
        self.samesite = samesite
        self.secure = secure
        self.httponly = httponly
        self.partitioned = partitioned
        self.check()

    def check(self) -> None:
        """Raise if browsers would silently refuse the cookie (RFC 6265bis, sections 4.1.3 and 5.7).

        Raises:
            ServerError: it lacks an attribute that its prefix requires, or has `samesite="None"` and is not `secure`.
        """
        check_storable(
            self.key,
            bool(self.secure),
            self.path,
            self.domain,
            self.samesite,
            bool(self.partitioned),
            bool(self.httponly),
        )

    def __str__(self) -> str:
        # PERF: one format operation for most cookies: 4 µs of a response with a cookie («real»). Safe because it writes
        # what the lines below write; a key without a prefix and `secure` are all that `check` would look at.
        if (
            type(self) is Cookie
            and self.secure is True
            and self._domain is self._comment is None
            and self._expires is None
            and self.partitioned is False
            and type(self._path) is type(self._samesite) is str
            and (self.httponly is True or self.httponly is False)
            and type(self.key) is type(self.value) is str
            and not self.key.startswith("__")
        ):
            value, age = self.value, self._max_age
            return (
                f"{self.key}={value if value.isalnum() and value.isascii() else _quote(value)}; Path={self._path}"
                f"{'' if age is None else f'; Max-Age={age}'}; SameSite={self._samesite}; Secure"
                f"{'; HttpOnly' if self.httponly else ''}"
            )
        self.check()
        attributes = [f"{self.key}={_quote(str(self.value))}"]
        for name, title in _ATTRIBUTE_TITLES.items():
            value = getattr(self, name.replace("-", "_"))
            if value is True:
                attributes.append(title)
            elif value is not None and value is not False:
                attributes.append(f"{title}={_http_date(value) if isinstance(value, datetime) else value}")
        return "; ".join(attributes)

    def encode(self, encoding: str = "utf-8") -> bytes:
        """Return the text of the `Set-Cookie` header as bytes, like `str.encode`.

        Args:
            encoding: as in `str.encode`.
        """
        return str(self).encode(encoding)

    # The dictionary of attributes of Sanic up to 23.12: see `_old.cookies`.
    __dir__ = names_without_old
    __contains__ = OldName()
    __delitem__ = OldName()
    __iter__ = OldName()
    __len__ = OldName()
    clear = OldName()
    copy = OldName()
    get = OldName()
    items = OldName()
    keys = OldName()
    pop = OldName()
    popitem = OldName()
    setdefault = OldName()
    update = OldName()
    values = OldName()

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        value = self._item(name)
        if value is None or value is False:
            raise KeyError(name if name.lower() in _ATTRIBUTE_TITLES else f"Unknown cookie property {name!r}")
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        attribute = self._set_item(name, value)
        deprecation(
            f'cookie["{name}"] = … is deprecated: pass {attribute} to add_cookie(), or set cookie.{attribute}.',
            24.3,
        )

    def _item(self, name: str) -> Any:
        """Return an attribute as it was set; `None` or `False` if it was not."""
        name = name.lower() if isinstance(name, str) else name
        if name not in _ATTRIBUTE_TITLES:
            return None
        value = getattr(self, name.replace("-", "_"))
        # A value that was set by name is returned unconverted, unless the attribute was set afterwards.
        assigned, converted = getattr(self, "_assigned", {}).get(name, (value, value))
        return assigned if converted == value else value

    def _set_item(self, name: str, value: Any) -> str:
        """Set an attribute by its name in the header; return the name of the Python attribute."""
        key = name.lower() if isinstance(name, str) else name
        if key not in _ATTRIBUTE_TITLES:
            raise KeyError(f"Unknown cookie property {name!r}")
        attribute: str = key.replace("-", "_")
        setattr(self, attribute, None if value is False and attribute not in ("secure", "httponly") else value)
        if not hasattr(self, "_assigned"):
            self._assigned: dict[str, tuple[Any, Any]] = {}
        self._assigned[key] = value, getattr(self, attribute)
        return attribute

    def _names(self) -> tuple[str, ...]:
        return tuple(_ATTRIBUTE_TITLES)

    @property
    def path(self) -> str | None:
        """The path of URLs that browsers send it to."""
        return self._path

    @path.setter
    def path(self, value: str | None) -> None:
        self._path = _checked_value("path", value)

    @property
    def comment(self) -> str | None:
        """A comment, which browsers ignore."""
        return self._comment

    @comment.setter
    def comment(self, value: str | None) -> None:
        self._comment = _checked_value("comment", value)

    @property
    def domain(self) -> str | None:
        """The domain that browsers send it to."""
        return self._domain

    @domain.setter
    def domain(self, value: str | None) -> None:
        self._domain = _checked_domain(value)

    @property
    def max_age(self) -> int | None:
        """Its lifetime in seconds."""
        return self._max_age

    @max_age.setter
    def max_age(self, value: int | None) -> None:
        if value is not None and not re.fullmatch(r"\d+", str(value), re.ASCII):
            raise ValueError("Cookie max-age must be an integer")
        self._max_age = None if value is None else int(value)

    @property
    def expires(self) -> datetime | None:
        """The end of its lifetime."""
        return self._expires

    @expires.setter
    def expires(self, value: datetime | None) -> None:
        if value is not None and not isinstance(value, datetime):
            raise TypeError("Cookie 'expires' property must be a datetime")
        self._expires = value

    @property
    def samesite(self) -> SameSite | None:
        """Whether browsers send it with requests from other sites."""
        return self._samesite

    @samesite.setter
    def samesite(self, value: SameSite | None) -> None:
        if value is not None and value.lower() not in _SAMESITE:
            raise TypeError(f"Cookie 'samesite' property must be one of: {','.join(_SAMESITE)}")
        self._samesite = None if value is None else cast(SameSite, value.title())

    @classmethod
    def make_key(cls, key: str, host_prefix: bool = False, secure_prefix: bool = False) -> str:
        """Put a prefix before a name.

        Args:
            key: the name.
            host_prefix: whether to put `__Host-` in front.
            secure_prefix: whether to put `__Secure-` in front.

        Raises:
            ServerError: both prefixes are given.

        Examples:
            >>> Cookie.make_key("id", host_prefix=True)
            '__Host-id'
        """
        if host_prefix and secure_prefix:
            raise ServerError(
                "Both host_prefix and secure_prefix were requested. A cookie should have only one prefix."
            )
        if host_prefix:
            return cls.HOST_PREFIX + key
        return cls.SECURE_PREFIX + key if secure_prefix else key


def _check_prefix(
    host_prefix: bool, secure_prefix: bool, secure: bool, path: str | None, domain: str | None, partitioned: bool
) -> None:
    # Sanic's messages, which name the arguments; `check_storable` implements the rules.
    prefix_argument = "host_prefix" if host_prefix else "secure_prefix"
    if (host_prefix or secure_prefix) and not secure:
        raise ServerError(f"Cannot set {prefix_argument} on a cookie without secure=True")
    if host_prefix and path != "/":
        raise ServerError("Cannot set host_prefix on a cookie unless path='/'")
    if host_prefix and domain:
        raise ServerError("Cannot set host_prefix on a cookie with a defined domain")
    if partitioned and not host_prefix:
        raise ServerError("Cannot create a partitioned cookie without also setting host_prefix=True")


def is_prefixed(key: str) -> bool:
    """Return whether a cookie's name has a prefix; the case is ignored, as in browsers.

    Args:
        key: the name of the cookie.

    Examples:
        >>> is_prefixed("__secure-id"), is_prefixed("id")
        (True, False)
    """
    return key.lower().startswith((Cookie.HOST_PREFIX.lower(), Cookie.SECURE_PREFIX.lower(), *_HTTP_PREFIXES))


def is_for_http_only(key: str) -> bool:
    """Return whether a cookie's name has a prefix that requires `HttpOnly`, so that no script can have set it.

    Args:
        key: the name of the cookie.

    Examples:
        >>> is_for_http_only("__Host-Http-id"), is_for_http_only("__Host-id")
        (True, False)
    """
    return key.lower().startswith(_HTTP_PREFIXES)


def check_storable(
    key: str,
    secure: bool,
    path: str | None,
    domain: str | None,
    samesite: str | None,
    partitioned: bool,
    httponly: bool,
) -> None:
    """Raise if browsers would not store a cookie with these attributes.

    Args:
        key: its full name, with its prefix.
        secure: whether it has `Secure`.
        path: its `Path`.
        domain: its `Domain`.
        samesite: its `SameSite`.
        partitioned: whether it has `Partitioned`.
        httponly: whether it has `HttpOnly`.

    Raises:
        ServerError: they contradict the prefix or each other.
    """
    # The browsers' rules: RFC 6265bis, sections 4.1.3 and 5.7; CHIPS for `Partitioned`.
    if not secure:
        if is_prefixed(key):
            raise ServerError(f"Cannot set the cookie {key} without secure=True: browsers require it for this prefix")
        if samesite is not None and samesite.lower() == "none":
            raise ServerError(f'Cannot set the cookie {key} with samesite="None" without secure=True')
        if partitioned:
            raise ServerError(f"Cannot set the partitioned cookie {key} without secure=True")
    if is_for_http_only(key) and not httponly:
        raise ServerError(f"Cannot set the cookie {key} without httponly=True: browsers require it for this prefix")
    if key.lower().startswith(Cookie.HOST_PREFIX.lower()):
        if path != "/":
            raise ServerError(f"Cannot set the cookie {key} unless path='/': browsers require it for this prefix")
        if domain is not None:
            raise ServerError(f"Cannot set the cookie {key} with a domain: this prefix is for a single host")


def check_starlette_cookie(
    key: str,
    value: str = "",
    max_age: int | None = None,
    expires: object = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = False,
    samesite: str | None = "lax",
    partitioned: bool = False,
) -> None:
    """Raise for arguments that Starlette's `set_cookie` accepts, but browsers don't.

    The arguments are those of `starlette.responses.Response.set_cookie`.

    Raises:
        ServerError: browsers would not store the cookie.
        ValueError: path or domain have characters that would begin further attributes.
    """
    _checked_value("path", path)
    _checked_domain(domain)
    check_storable(key, secure, path, domain, samesite, partitioned, httponly)


def _http_date(moment: datetime) -> str:
    # With the hyphens of Netscape's cookies, as in Sanic. Not with `strftime`, whose names depend on the locale.
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    weekday, day, month, year, clock = format_datetime(utc, usegmt=True).split(" ", 4)
    return f"{weekday} {day}-{month}-{year} {clock}"


class CookieJar:
    """The cookies in the headers of a response.

    Args:
        headers: the response's headers, which contain the cookies.

    Examples:
        >>> headers = Header()
        >>> jar = CookieJar(headers)
        >>> cookie = jar.add_cookie("id", "1")
        >>> [str(value) for value in headers.getall("set-cookie")]
        ['id=1; Path=/; SameSite=Lax; Secure']
    """

    HEADER_KEY = "Set-Cookie"

    def __init__(self, headers: Header) -> None:
        self.headers = headers

    def __len__(self) -> int:
        return len(self.cookies)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(cookie.key for cookie in self.cookies))

    def __contains__(self, key: object) -> bool:
        return any(cookie.key == key for cookie in self.cookies)

    def __getitem__(self, key: str) -> Cookie:
        cookie = self.get(key)
        if cookie is None:
            raise KeyError(key)
        return cookie

    def get(self, key: str, default: Cookie | None = None) -> Cookie | None:
        """Return the last added cookie of this full name, whatever its path and domain, or the default.

        Args:
            key: the full name, with its prefix if it has one.
            default: returned if there is no such cookie.
        """
        return next((cookie for cookie in reversed(self.cookies) if cookie.key == key), default)

    # The dictionary of cookies of Sanic up to 23.12: see `_old.cookies`.
    __dir__ = names_without_old
    clear = OldName()
    copy = OldName()
    items = OldName()
    keys = OldName()
    pop = OldName()
    popitem = OldName()
    setdefault = OldName()
    update = OldName()
    values = OldName()

    def __setitem__(self, key: str, value: str) -> None:
        # Without the name: Python stores each warning's text, and an application may generate names per request.
        deprecation("cookies[name] = … is deprecated: use response.add_cookie(name, …).", 24.3)
        self._set_item(key, value)

    def _set_item(self, key: str, value: str) -> None:
        cookie = self.get(key)
        if cookie is None:
            # Old cookies had no default attributes. With a prefix, browsers would not store such a cookie.
            self.add_cookie(key, value, secure=is_prefixed(key), httponly=is_for_http_only(key), samesite=None)
        else:
            cookie.value = value

    def __delitem__(self, key: str) -> None:
        deprecation("del cookies[name] is deprecated: use response.delete_cookie(name).", 24.3)
        self.delete_cookie(key, secure=is_prefixed(key))

    @property
    def cookies(self) -> list[Cookie]:
        """All cookies, in the order of their addition."""
        values: list[Any] = list(self.headers.getall(self.HEADER_KEY, []))
        return [value for value in values if isinstance(value, Cookie)]

    def get_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        host_prefix: bool = False,
        secure_prefix: bool = False,
    ) -> Cookie | None:
        """Return the cookie of this name, path and domain, or `None`.

        Args:
            key: the name, without prefix.
            path: the path that the cookie was set with.
            domain: the domain that it was set with.
            host_prefix: whether the name has the prefix `__Host-`.
            secure_prefix: whether the name has the prefix `__Secure-`.
        """
        identity = (Cookie.make_key(key, host_prefix, secure_prefix), path, domain)
        return next((cookie for cookie in self.cookies if _identity(cookie) == identity), None)

    def has_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        host_prefix: bool = False,
        secure_prefix: bool = False,
    ) -> bool:
        """Return whether there is a cookie of this name, path and domain.

        Args:
            key: the name, without prefix.
            path: the path that the cookie was set with.
            domain: the domain that it was set with.
            host_prefix: whether the name has the prefix `__Host-`.
            secure_prefix: whether the name has the prefix `__Secure-`.
        """
        return self.get_cookie(key, path, domain, host_prefix, secure_prefix) is not None

    def add_cookie(self, key: str, value: str, **options: Unpack[_CookieOptions]) -> Cookie:
        """Set a cookie; the arguments and the errors are those of `Cookie`.

        Args:
            key: the name.
            value: the value.
            options: the attributes, as in `Cookie`.

        Returns:
            The cookie, which can still be changed.
        """
        cookie = Cookie(key, value, **options)
        self._put(cookie)
        return cookie

    def delete_cookie(
        self,
        key: str,
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = True,
        host_prefix: bool = False,
        secure_prefix: bool = False,
    ) -> None:
        """Delete a cookie in the browser.

        A cookie of the same name, path and domain in this response is removed; the deletion gets its attributes.

        Args:
            key: its name, without prefix.
            path: the path that it was set with.
            domain: the domain that it was set with.
            secure: whether the deletion has the attribute `Secure`.
            host_prefix: whether its name has the prefix `__Host-`.
            secure_prefix: whether its name has the prefix `__Secure-`.
        """
        identity = (Cookie.make_key(key, host_prefix, secure_prefix), path, domain)
        values: list[Any] = list(self.headers.popall(self.HEADER_KEY, []))
        replaced: Cookie | None = None
        for value in values:
            if isinstance(value, Cookie) and _identity(value) == identity:
                replaced = value
            else:
                self._put(value)
        self.add_cookie(
            key,
            "",
            path=path,
            domain=domain,
            secure=replaced.secure if replaced else secure,
            max_age=0,
            # Browsers also refuse a deletion without the attributes that a prefix requires.
            httponly=replaced.httponly if replaced else is_for_http_only(identity[0]),
            samesite=replaced.samesite if replaced else None,
            partitioned=replaced.partitioned if replaced else False,
            host_prefix=host_prefix,
            secure_prefix=secure_prefix,
        )

    def _put(self, value: Any) -> None:
        self.headers.add(self.HEADER_KEY, value)


def _identity(cookie: Cookie) -> tuple[str, str | None, str | None]:
    # RFC 6265, section 5.3: a browser stores one cookie for each of these.
    return cookie.key, cookie.path, cookie.domain
